//! .NET and Mono arrays.

use super::{Prefix, View};
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
            view.inline(run.start, delta, 4 * count, Order::Little, INTS, numbers);
            view.inline(run.start, delta, count, Order::Big, BYTES, numbers);
        }
    }
}
