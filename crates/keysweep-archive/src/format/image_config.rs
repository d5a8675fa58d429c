//! Configurations of container images: environment, labels and the commands that built it, without JSON's escapes.
//!
//! Sources: the OCI image specification, version 1.1, "Image Configuration"; Docker's image specification, version 1.2.

use super::{Open, Reader, Walk};
use crate::Member;
use crate::json::{Event, Json};
use crate::reader::Stream;
use memchr::memmem;
use std::io::{self, Read};

pub(super) const READER: Reader = Reader { name: "image configuration", detect, open: Open::Texts(open) };

/// Bytes kept of one variable or label, and of all together.
const MAX_TEXT: u64 = 1 << 20;
const MAX_TEXTS: usize = 16 << 20;

/// Whether JSON may be a configuration.
pub(super) fn may_be(head: &[u8]) -> bool {
    let start = &head[..head.len().min(512)];
    [&b"\"architecture\""[..], b"\"created\"", b"\"config\"", b"\"id\""]
        .iter()
        .any(|n| memmem::find(start, n).is_some())
}

fn detect(head: &[u8]) -> bool {
    let has = |name: &[u8]| memmem::find(head, name).is_some();
    head.starts_with(b"{")
        && has(b"\"architecture\"")
        && has(b"\"os\"")
        && (has(b"\"rootfs\"") || has(b"\"history\"") || has(b"\"container_config\""))
}

fn open(input: &mut Stream<'_>, walk: &mut Walk<'_>) {
    if let Err(error) = parts(&mut Json::new(input), walk) {
        walk.problem(None, format!("damaged image configuration: {}", super::reason(&error)));
    }
}

fn parts<R: Read>(json: &mut Json<R>, walk: &mut Walk<'_>) -> io::Result<()> {
    let mut histories = 0;
    loop {
        let goes_on = match json.next()? {
            Event::Key(key) if key == "Env" => {
                let lines = lines(json)?;
                hand_on(walk, "Env", &lines)
            }
            Event::Key(key) if key == "Labels" => {
                let lines = lines(json)?;
                hand_on(walk, "Labels", &lines)
            }
            Event::Key(key) if key == "created_by" => match json.next()? {
                Event::Text => {
                    let name = format!("history/{histories}");
                    histories += 1;
                    walk.member(Member::unpacked(name), &mut json.text())
                }
                _ => true,
            },
            Event::End => return Ok(()),
            _ => true,
        };
        if !goes_on {
            return Ok(());
        }
    }
}

/// `false` if the walk is over.
fn hand_on(walk: &mut Walk<'_>, name: &str, lines: &[u8]) -> bool {
    lines.is_empty() || walk.member(Member::unpacked(name.to_owned()), &mut &*lines)
}

/// The texts of a list, or the members of an object as `name=text`, one a line.
fn lines<R: Read>(json: &mut Json<R>) -> io::Result<Vec<u8>> {
    let mut lines = Vec::new();
    if !matches!(json.next()?, Event::List | Event::Object) {
        return Ok(lines);
    }
    let depth = json.depth();
    loop {
        match json.next()? {
            Event::Close if json.depth() < depth => return Ok(lines),
            Event::End => return Ok(lines),
            Event::Key(key) => lines.extend_from_slice(format!("{key}=").as_bytes()),
            Event::Text if lines.len() < MAX_TEXTS => {
                json.text().take(MAX_TEXT).read_to_end(&mut lines)?;
                lines.push(b'\n');
            }
            _ => {}
        }
    }
}
