//! Formats whose contents are compressed or encrypted, and which are not opened: that they are not is told.

use super::{Open, Reader, Walk};
use crate::reader::Stream;

pub(super) const READER: Reader = Reader { name: "an archive that is not opened", detect, open: Open::Members(open) };

/// What the formats begin with, and their names.
const MAGIC: [(&[u8], &str); 12] = [
    (b"Rar!\x1a\x07", "RAR"),
    (b"LZIP\x01", "lzip"),
    (b"\x89LZO\0\r\n\x1a\n", "lzop"),
    (b"\xff\x06\0\0sNaPpY", "Snappy"),
    (b"\x02\x21\x4c\x18", "lz4 of the older form"),
    (b"MSWIM\0\0\0", "WIM"),
    (b"EVF\x09\x0d\x0a\xff\0", "EWF"),
    (b"xar!\0\x1c\0\x01", "xar"),
    (b"LRZI\0", "lrzip"),
    (b"**ACE**", "ACE"),
    (b"zPQ\x01", "ZPAQ"),
    (b"7kSt", "ZPAQ"),
];

pub(super) fn detect(head: &[u8]) -> bool {
    name(head).is_some()
}

/// The format, if it is one of these.
fn name(head: &[u8]) -> Option<&'static str> {
    let known = MAGIC.iter().find(|(magic, _)| head.starts_with(magic)).map(|(_, name)| *name);
    known.or_else(|| match head {
        // compress(1): the bits of its longest code, and whether it begins anew.
        [0x1f, 0x9d, flags, ..] if flags & 0x60 == 0 && (9..=16).contains(&(flags & 0x1f)) => Some("compress (.Z)"),
        // SquashFS, version 4.0, little-endian.
        [b'h', b's', b'q', b's', rest @ ..] if rest.get(24..28) == Some(&[4, 0, 0, 0]) => Some("SquashFS"),
        _ => None,
    })
}

fn open(input: &mut Stream<'_>, walk: &mut Walk<'_>) {
    let mut head = [0; 64];
    let read = input.fill(&mut head).unwrap_or(0);
    let name = name(&head[..read]).unwrap_or_default();
    walk.problem(None, format!("the format {name} is not opened: what is compressed in it was not looked at"));
}
