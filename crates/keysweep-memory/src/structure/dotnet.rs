//! .NET and Mono arrays.

use super::{Prefix, View, may_point, spans};
use crate::order::Order;
use crate::survey::Number;
use std::ops::Range;

/// An array of .NET (method table, 32-bit length, padding, elements) or Mono (vtable, synchronisation, bounds, length,
/// elements). `BigInteger` holds `uint[]`, least significant element first; keys are `byte[]`, big-endian.
pub(super) struct Array;

const INTS: &str = ".NET uint[]";
const BYTES: &str = ".NET byte[]";

impl Prefix for Array {
    fn read(&self, view: &View<'_>, run: Range<usize>, numbers: &mut Vec<Number>) {
        let size = view.size() as isize;
        for delta in [0, -4, 4].into_iter().filter(|delta| *delta == 0 || size == 4) {
            let count = match size {
                4 => view.half(run.start, delta - 4).map(u64::from),
                _ => view.word(run.start, -8),
            };
            let Some(count @ 4..=65_535) = count else { continue };
            // Both begin with a pointer to what the object is: two or four words before the elements.
            let pointer = |words: isize| match size {
                4 => view.half(run.start, delta - 4 * words).map(u64::from),
                _ => view.word(run.start, -8 * words),
            };
            if ![2, 4].into_iter().any(|words| pointer(words).is_some_and(may_point)) {
                continue;
            }
            let rest = (run.len() as isize - delta) as u64;
            for (len, order, name) in [(4 * count, Order::Little, INTS), (count, Order::Big, BYTES)] {
                if spans(rest, len) {
                    view.inline(run.start, delta, len, order, name, numbers);
                }
            }
        }
    }
}
