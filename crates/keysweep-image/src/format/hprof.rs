//! Heap dumps of a Java virtual machine (`jmap`, `-XX:+HeapDumpOnOutOfMemoryError`).
//!
//! The contents are objects in records without addresses of their bytes: one region covers them.
//!
//! Source: "HPROF Agent: Binary Dump Format" of the OpenJDK.

use crate::builder::Builder;
use crate::fields::Fields;
use crate::image::{Format, Label, Permissions};
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
}
