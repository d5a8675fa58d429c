//! Heap dumps of a Java virtual machine (`jmap`, `-XX:+HeapDumpOnOutOfMemoryError`).
//!
//! The contents are objects in records without addresses of their bytes: one region covers them. Heads of records are only read to tell
//! whether the dump is whole.
//!
//! Source: "HPROF Agent: Binary Dump Format" of the OpenJDK.

use crate::builder::Builder;
use crate::fields::Fields;
use crate::image::{Format, Label, Permissions, WarningKind};
use crate::read::read_into;
use crate::recognise::Reader;

pub(crate) const READER: Reader = Reader { detect, read };

/// The NUL-terminated name, then the size of identifiers and the time.
const NAME: &[u8] = b"JAVA PROFILE 1.0.";

fn detect(head: &[u8]) -> Option<Format> {
    let version = head.strip_prefix(NAME)?;
    matches!(version, [b'1' | b'2', 0, ..]).then_some(Format::Hprof)
}

fn read(image: &mut Builder<'_>, head: &[u8]) {
    let name = NAME.len() + 2;
    let header = Fields { bytes: head, big_endian: true };
    image.process().time = header.u64(name + 4).map(|milliseconds| milliseconds / 1000);
    let start = name as u64 + 12;
    let len = image.src.len().saturating_sub(start);
    image.region(start, len, None, Label::Contents, Permissions::Unknown);
    records(image, start);
}

/// Tag, time, and length of what follows.
const HEAD: usize = 9;
/// The tags that matter here: of a heap as one record, and of the end of one in parts.
const HEAP: u8 = 0x0c;
const END: u8 = 0x2c;
/// Records that are gone through, and bytes that are read at a time: most records are names, of some dozen bytes each.
const MAX_RECORDS: usize = 4 << 20;
const BUFFER: usize = 64 << 10;

/// Goes through the records up to the end of the file, or to what is none.
fn records(image: &mut Builder<'_>, start: u64) {
    let src = image.src;
    let mut buffer = vec![0; BUFFER];
    let (mut at, mut from, mut held) = (start, 0, 0);
    let mut last = 0;
    for _ in 0..MAX_RECORDS {
        let inside = at.checked_sub(from).and_then(|at| usize::try_from(at).ok()).filter(|at| at + HEAD <= held);
        let inside = inside.unwrap_or_else(|| {
            (from, held) = (at, read_into(src, at, &mut buffer));
            0
        });
        let head = Fields { bytes: buffer.get(inside..held).unwrap_or_default(), big_endian: true };
        let (Some(tag), Some(len)) = (head.bytes.first().copied(), head.u32(5)) else {
            if at < src.len() {
                image.promise(at, HEAD as u64);
            } else if last != HEAP && last != END {
                image.warn(WarningKind::Truncated, "the heap dump is cut: it has no last record");
            }
            return;
        };
        // What is behind the heap was appended; a heap of unknown length goes on to the end of the file.
        if last == END || tag == 0 || tag > END || (tag == HEAP && len == 0) {
            return;
        }
        let end = at + (HEAD as u64 + u64::from(len));
        if end > src.len() {
            return image.promise(at, HEAD as u64 + u64::from(len));
        }
        (at, last) = (end, tag);
    }
}
