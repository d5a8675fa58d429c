//! Keys in the wire encoding, wherever they lie: in the heap of `ssh-agent`, `ssh-add`, `sshd` and `ssh`, in messages to an
//! agent (RFC 9987 section 3.2), and in the key files of Dropbear.

use super::entry;
use crate::KeyMaterial;
use crate::decoder::{Anchor, Decoder, Hit, PublicKind, Reach, Sink};
use crate::decoders::frame;
use crate::decoders::text::label;
use crate::ssh::{PublicBlob, dropbear_key, public_key};

/// The decoder.
pub(crate) struct Wire;

const RULE: &str = "ssh-wire-private-key";
const DROPBEAR: &str = "dropbear-private-key";

/// Key types with their length before them. Certificates end alike.
const ANCHORS: [Anchor; 16] = [
    Anchor::binary(b"\0\0\0\x07ssh-rsa"),
    Anchor::binary(b"\0\0\0\x07ssh-dss"),
    Anchor::binary(b"\0\0\0\x0bssh-ed25519"),
    Anchor::binary(b"\0\0\0\x09ssh-ed448"),
    Anchor::binary(b"\0\0\0\x13ecdsa-sha2-nistp256"),
    Anchor::binary(b"\0\0\0\x13ecdsa-sha2-nistp384"),
    Anchor::binary(b"\0\0\0\x13ecdsa-sha2-nistp521"),
    Anchor::binary(b"\0\0\0\x1ask-ssh-ed25519@openssh.com"),
    Anchor::binary(b"\0\0\0\x22sk-ecdsa-sha2-nistp256@openssh.com"),
    Anchor::binary(b"\0\0\0\x1fssh-mldsa44-ed25519@openssh.com"),
    Anchor::binary(b"\0\0\0\x1cssh-rsa-cert-v01@openssh.com"),
    Anchor::binary(b"\0\0\0\x1cssh-dss-cert-v01@openssh.com"),
    Anchor::binary(b"\0\0\0\x20ssh-ed25519-cert-v01@openssh.com"),
    Anchor::binary(b"\0\0\0\x28ecdsa-sha2-nistp"),
    Anchor::binary(b"\0\0\0\x23sk-ssh-ed25519-cert-v01@openssh.com"),
    Anchor::binary(b"\0\0\0\x2bsk-ecdsa-sha2-nistp256-cert-v01@openssh.com"),
];

/// Messages that add a key to an agent: SSH_AGENTC_ADD_IDENTITY and SSH_AGENTC_ADD_ID_CONSTRAINED.
const ADD_IDENTITY: [u8; 2] = [17, 25];
/// Length and number of a message.
const MESSAGE_HEADER: usize = 5;

impl Decoder for Wire {
    fn name(&self) -> &'static str {
        "ssh-wire"
    }

    fn rules(&self) -> &'static [&'static str] {
        &[RULE, DROPBEAR, super::TOKEN_KEY]
    }

    fn anchors(&self) -> &'static [Anchor] {
        &ANCHORS
    }

    fn reach(&self) -> Reach {
        Reach { before: MESSAGE_HEADER, after: 40 * 1024 }
    }

    fn decode(&self, hit: &Hit<'_>, sink: &mut Sink) {
        let start = hit.anchor.start;
        let bytes = hit.from_anchor();
        // A field follows: its length is below 64 KiB.
        if !bytes.get(hit.anchor.len()..).is_some_and(|rest| rest.starts_with(&[0, 0]) || hit.index == 13) {
            return;
        }
        if let Some(entry) = entry::read(bytes, encoding(hit)) {
            let (comment, used) = comment(hit, &bytes[entry.length..]);
            let named = hit.file_name.is_some_and(|name| name.contains("dropbear"));
            let rule = entry.rule.unwrap_or(if named { DROPBEAR } else { RULE });
            let purpose = if named { host(hit.file_name) } else { None };
            let material = KeyMaterial { comment, purpose, ..entry.material };
            return sink.key(rule, start..start + entry.length + used, material);
        }
        if let Some((material, length)) = dropbear(bytes, hit.file_name) {
            return sink.key(DROPBEAR, start..start + length, material);
        }
        if let Some(blob) = public_key(bytes) {
            sink.public(start..start + blob.length, blob.key.clone(), kind(&blob));
        }
    }
}

/// What a blob says of its key.
pub(super) fn kind(blob: &PublicBlob) -> PublicKind {
    match &blob.certificate {
        Some(facts) => PublicKind::Certificate(facts.clone()),
        None => PublicKind::Key { comment: blob.application.as_deref().and_then(label) },
    }
}

/// Whether the key is what a message adds to an agent: the length before it covers the key.
fn in_message(hit: &Hit<'_>) -> bool {
    let Some(header) = hit.window[..hit.anchor.start].last_chunk::<MESSAGE_HEADER>() else { return false };
    let [a, b, c, d, number] = *header;
    let length = u32::from_be_bytes([a, b, c, d]) as usize;
    ADD_IDENTITY.contains(&number) && (32..=64 << 10).contains(&length)
}

fn encoding(hit: &Hit<'_>) -> &'static str {
    if in_message(hit) { "SSH agent message" } else { "SSH wire encoding" }
}

/// The comment that follows a key in messages and key files, and the bytes it takes.
fn comment(hit: &Hit<'_>, rest: &[u8]) -> (Option<String>, usize) {
    let printable = |text: &String| text.bytes().all(|b| b.is_ascii_graphic() || b == b' ' || b >= 0x80);
    match entry::comment(rest) {
        Some((Some(text), used)) if in_message(hit) || printable(&text) => (Some(text), used),
        _ => (None, 0),
    }
}

fn dropbear(bytes: &[u8], file_name: Option<&str>) -> Option<(KeyMaterial, usize)> {
    let (key, length) = dropbear_key(bytes)?;
    let material = frame::of_key(&key, "Dropbear")?;
    Some((KeyMaterial { purpose: host(file_name), ..material }, length))
}

/// Dropbear's host keys are named `dropbear_rsa_host_key`.
fn host(file_name: Option<&str>) -> Option<&'static str> {
    file_name.is_some_and(|name| name.contains("host_key") || name.contains("hostkey")).then_some("ssh-host")
}
