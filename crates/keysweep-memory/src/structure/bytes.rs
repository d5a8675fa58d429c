//! Byte strings with a big-endian 32-bit length before them.

use super::{Prefix, View, spans};
use crate::order::Order;
use crate::survey::Number;
use memchr::memmem;
use std::ops::Range;

/// SSH's `mpint` and `string` (RFC 4251 section 5), at any alignment.
pub(super) struct Counted;

const NAME: &str = "SSH mpint";

impl Prefix for Counted {
    fn read(&self, view: &View<'_>, run: Range<usize>, numbers: &mut Vec<Number>) {
        let bytes = view.chunk.bytes;
        // The zeros of a length end a run, unless they lie in two words.
        let from = run.start.saturating_sub(12);
        let Some(range) = bytes.get(from..run.end) else { return };
        for at in memmem::find_iter(range, &[0, 0]).map(|at| from + at) {
            let Some(&[high @ 0..=8, low, first, second]) = bytes.get(at + 2..at + 6) else { continue };
            let len = u64::from(high) << 8 | u64::from(low);
            // A number has no leading zero byte, but before a byte from 0x80 on.
            let fits = (24..=2049).contains(&len) && spans(run.end.saturating_sub(at + 4) as u64, len);
            if fits && (first > 0 || second >= 0x80) {
                view.inline(at + 4, 0, len, Order::Big, NAME, numbers);
            }
        }
    }
}
