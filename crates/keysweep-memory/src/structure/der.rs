//! DER integers.

use super::{Prefix, View};
use crate::order::Order;
use crate::survey::Number;
use std::ops::Range;

/// An INTEGER in DER: tag 2, length, big-endian bytes. In memory the start of a DER key is often overwritten while most of
/// its integers are whole, each with its own tag and length.
pub(super) struct Integer;

/// The name of the structure.
pub(crate) const INTEGER: &str = "DER INTEGER";

impl Prefix for Integer {
    fn read(&self, view: &View<'_>, run: Range<usize>, numbers: &mut Vec<Number>) {
        let bytes = view.chunk.bytes;
        let from = run.start.saturating_sub(12);
        let Some(range) = bytes.get(from..run.end) else { return };
        let mut end = None;
        for tag in memchr::memchr_iter(2, range).map(|at| from + at) {
            let Some(content) = content(bytes, tag) else { continue };
            // A length of one byte occurs by chance too often: another integer must follow, or have ended here.
            if content.start - tag > 2 || bytes.get(content.end) == Some(&2) || end == Some(tag) {
                view.inline(content.start, 0, content.len() as u64, Order::Big, INTEGER, numbers);
                end = Some(content.end);
            }
        }
    }
}

/// The range of the content of an INTEGER at `tag`: positive, minimal, of 24 to 2049 bytes.
fn content(bytes: &[u8], tag: usize) -> Option<Range<usize>> {
    let header = bytes.get(tag..tag + 6)?;
    let (start, len) = match header[1] {
        0x82 => (tag + 4, usize::from(header[2]) << 8 | usize::from(header[3])),
        0x81 if header[2] >= 0x80 => (tag + 3, usize::from(header[2])),
        len @ 24..=0x7f => (tag + 2, usize::from(len)),
        _ => return None,
    };
    if !(24..=2049).contains(&len) || (header[1] == 0x82 && len < 256) {
        return None;
    }
    let minimal = match bytes.get(start..start + 2)? {
        [0, second] => *second >= 0x80,
        [first, _] => *first < 0x80,
        _ => false,
    };
    (minimal && start + len <= bytes.len()).then_some(start..start + len)
}
