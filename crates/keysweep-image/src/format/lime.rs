//! Physical memory by the Linux Memory Extractor: ranges, each with a header of 32 bytes.
//!
//! Source: `src/lime.h` and the documentation of LiME.

use crate::builder::Builder;
use crate::fields::Fields;
use crate::image::{Format, Label, Permissions, WarningKind};
use crate::limits;
use crate::read::read_vec;
use crate::recognise::Reader;

pub(crate) const READER: Reader = Reader { detect, read };

const HEADER: u64 = 32;

fn detect(head: &[u8]) -> Option<Format> {
    range(head).map(|_| Format::Lime)
}

/// The first and the last address of the range that a header begins.
fn range(header: &[u8]) -> Option<(u64, u64)> {
    let fields = Fields::little(header);
    let (first, last) = (fields.u64(8)?, fields.u64(16)?);
    (header.starts_with(b"EMiL") && fields.u32(4)? == 1 && first <= last).then_some((first, last))
}

fn read(image: &mut Builder<'_>, _head: &[u8]) {
    let mut offset = 0_u64;
    for _ in 0..limits::REGIONS {
        let Some((first, last)) = range(&read_vec(image.src, offset, HEADER)) else {
            if offset < image.src.len() {
                image.warn(WarningKind::Damaged, format!("no range header at {offset:#x}"));
            }
            return;
        };
        let len = (last - first).saturating_add(1);
        let start = offset.saturating_add(HEADER);
        if !image.region(start, len, Some(first), Label::Physical, Permissions::Unknown) {
            return;
        }
        offset = start.saturating_add(len);
        if offset >= image.src.len() {
            return;
        }
    }
}
