//! Public keys in text: `authorized_keys`, `known_hosts`, `.pub` files (sshd(8)), RFC 4716 blocks, and configuration of all
//! kinds. They are no findings; their numbers help to prove private keys found elsewhere, and certificates say what those
//! are for.

use super::wire;
use crate::decoder::{Anchor, Decoder, Hit, PublicKind, Reach, Sink};
use crate::decoders::armour;
use crate::decoders::text::{is_base64, label, run};
use crate::ssh::{dropbear_key, private_key, public_key};

/// The decoder.
pub(crate) struct PublicText;

/// The beginnings of key blobs in Base64.
const ANCHORS: [Anchor; 16] = [
    Anchor::text("AAAAB3NzaC1yc2EAAA"),
    Anchor::text("AAAAB3NzaC1kc3MAAA"),
    Anchor::text("AAAAC3NzaC1lZDI1NTE5AAAA"),
    Anchor::text("AAAACXNzaC1lZDQ0OAAAA"),
    Anchor::text("AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAA"),
    Anchor::text("AAAAE2VjZHNhLXNoYTItbmlzdHAzODQAAA"),
    Anchor::text("AAAAE2VjZHNhLXNoYTItbmlzdHA1MjEAAA"),
    Anchor::text("AAAAGnNrLXNzaC1lZDI1NTE5QG9wZW5zc2guY29tAAA"),
    Anchor::text("AAAAInNrLWVjZHNhLXNoYTItbmlzdHAyNTZAb3BlbnNzaC5jb20AAA"),
    Anchor::text("AAAAHHNzaC1yc2EtY2VydC12MDFAb3BlbnNzaC5jb20AAA"),
    Anchor::text("AAAAHHNzaC1kc3MtY2VydC12MDFAb3BlbnNzaC5jb20AAA"),
    Anchor::text("AAAAIHNzaC1lZDI1NTE5LWNlcnQtdjAxQG9wZW5zc2guY29tAAA"),
    Anchor::text("AAAAKGVjZHNhLXNoYTItbmlzdHAyNTYtY2VydC12MDFAb3BlbnNzaC5jb20AAA"),
    Anchor::text("AAAAKGVjZHNhLXNoYTItbmlzdHAzODQtY2VydC12MDFAb3BlbnNzaC5jb20AAA"),
    Anchor::text("AAAAKGVjZHNhLXNoYTItbmlzdHA1MjEtY2VydC12MDFAb3BlbnNzaC5jb20AAA"),
    Anchor::text("AAAAI3NrLXNzaC1lZDI1NTE5LWNlcnQtdjAxQG9wZW5zc2guY29tAAA"),
];

/// Longest key in Base64 that is read.
const MAX_TEXT: usize = 16 * 1024;
/// Text in which further keys are read at once: lists of keys have more of them than decoders are woken.
const LIST: usize = 16 * 1024;
/// Shortest full line of a key that is broken into lines (RFC 4716 has at most 72 characters, others write 64 or 70).
const MIN_LINE: usize = 60;

impl Decoder for PublicText {
    fn name(&self) -> &'static str {
        "ssh-public"
    }

    fn rules(&self) -> &'static [&'static str] {
        &[]
    }

    fn anchors(&self) -> &'static [Anchor] {
        &ANCHORS
    }

    fn reach(&self) -> Reach {
        Reach { before: 0, after: LIST + MAX_TEXT }
    }

    fn decode(&self, hit: &Hit<'_>, sink: &mut Sink) {
        let mut at = hit.anchor.start;
        let last = at + LIST;
        loop {
            let end = one(hit.window, at, sink);
            sink.examined_up_to(end);
            match next(hit.window, end) {
                Some(found) if found < last => at = found,
                _ => return,
            }
        }
    }
}

/// Where the next key begins.
pub(super) fn next(window: &[u8], from: usize) -> Option<usize> {
    let begins = |at: &usize| ANCHORS.iter().any(|a| window[*at..].starts_with(a.bytes));
    memchr::memmem::find_iter(&window[from..], b"AAAA").map(|at| from + at).find(begins)
}

/// Reads the key at `at`; returns where it ends.
fn one(window: &[u8], at: usize, sink: &mut Sink) -> usize {
    let text = &window[at..window.len().min(at + MAX_TEXT)];
    let first = run(text, is_base64);
    let mut length = first;
    let mut bytes = armour::decode(&text[..first]);
    if public_key(&bytes).is_none() && first >= MIN_LINE {
        length = lines(text, first);
        bytes = armour::decode(&text[..length]);
    }
    // A private key in Base64, such as a key file of Dropbear, may begin with the public one.
    if private_key(&bytes).is_some() || dropbear_key(&bytes).is_some() {
        sink.nested(at..at + length, bytes, "base64");
    } else if let Some(blob) = public_key(&bytes) {
        let kind = match wire::kind(&blob) {
            PublicKind::Key { comment: None } => PublicKind::Key { comment: comment(&text[length..]) },
            other => other,
        };
        sink.public(at..at + length, blob.key, kind);
    }
    at + length
}

/// Length of a text that goes on in lines of Base64 after the first.
fn lines(text: &[u8], first: usize) -> usize {
    let mut length = first;
    loop {
        let ends = run(&text[length..], |b| b == b'\r' || b == b'\n');
        let line = run(&text[length + ends..], is_base64);
        if ends == 0 || ends > 2 || line == 0 || line > first {
            return length;
        }
        length += ends + line;
        if line < first {
            return length;
        }
    }
}

/// What stands behind the key on its line.
fn comment(rest: &[u8]) -> Option<String> {
    let line = rest.strip_prefix(b" ")?;
    let length = run(line, |b| (b >= 0x20 && b != 0x7f && b != b'"' && b != b'\\') || b == b'\t');
    label(&line[..length.min(200)])
}
