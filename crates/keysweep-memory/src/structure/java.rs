//! Java arrays.

use super::{Prefix, View, may_point};
use crate::order::Order;
use crate::survey::Number;
use std::ops::Range;

/// An `int[]` or `byte[]` of a HotSpot heap: mark word, class (compressed or not, or within the mark), 32-bit length,
/// elements (`arrayOop.hpp`). `BigInteger.mag` is an `int[]`, most significant element first; byte arrays are big-endian.
pub(super) struct Array;

const INTS: &str = "Java int[]";
const BYTES: &str = "Java byte[]";
const HPROF_INTS: &str = "int[] of a Java heap dump";
const HPROF_BYTES: &str = "byte[] of a Java heap dump";

impl Prefix for Array {
    fn read(&self, view: &View<'_>, run: Range<usize>, numbers: &mut Vec<Number>) {
        let end = run.end;
        // The elements begin with the first random word, or, after headers of 12 or 20 bytes, in the middle of the one before,
        // which itself looks random if the length has two bytes.
        for delta in [0, -4, 4] {
            let mut lengths = [view.half(run.start, delta - 4), None];
            if lengths[0] == Some(0) && delta == 0 {
                // Before JDK 22 elements are aligned to words, with a gap after the length if the class is a whole pointer.
                let class = view.word(run.start, -16).filter(|class| may_point(*class));
                lengths[1] = class.and_then(|_| view.half(run.start, -8));
            }
            for count in lengths.into_iter().flatten().map(u64::from).filter(|count| *count >= 4) {
                let rest = (end as isize - run.start as isize - delta) as u64;
                // Whether the random words are about as many as the elements: a number has no zero words but by chance.
                if (rest..rest + 16).contains(&(4 * count)) || 4 * count <= rest {
                    view.inline(run.start, delta, 4 * count, Order::BigWords32, INTS, numbers);
                }
                view.inline(run.start, delta, count, Order::Big, BYTES, numbers);
            }
        }
        heap_dump(view, run.start, numbers);
    }
}

/// Primitive arrays in an HPROF file: `u4` number of elements, `u1` type (8 for `byte`, 10 for `int`), elements, all
/// big-endian and not aligned (`manual of the HPROF binary format`, PRIMITIVE ARRAY DUMP).
fn heap_dump(view: &View<'_>, start: usize, numbers: &mut Vec<Number>) {
    let bytes = view.chunk.bytes;
    for at in start.saturating_sub(7)..(start + 8).min(bytes.len()) {
        let Some(header) = at.checked_sub(5).and_then(|from| bytes.get(from..at)) else { continue };
        let [0, 0, high, low, kind @ (8 | 10)] = *header else { continue };
        let count = u64::from(high) << 8 | u64::from(low);
        let (len, name) = if kind == 10 { (4 * count, HPROF_INTS) } else { (count, HPROF_BYTES) };
        view.inline(at, 0, len, Order::Big, name, numbers);
    }
}
