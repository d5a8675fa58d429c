//! Java arrays.

use super::{Prefix, View, may_point, spans};
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
        // The elements begin with the first random word, or, after headers of 12 or 20 bytes, in the middle of the one before,
        // which itself looks random if the length has two bytes.
        for delta in [0, -4, 4] {
            let rest = (run.len() as isize - delta) as u64;
            for count in lengths(view, run.start, delta).map(u64::from).filter(|count| *count >= 4) {
                if spans(rest, 4 * count) {
                    view.inline(run.start, delta, 4 * count, Order::BigWords32, INTS, numbers);
                }
                if spans(rest, count) {
                    view.inline(run.start, delta, count, Order::Big, BYTES, numbers);
                }
            }
        }
        heap_dump(view, run.start, numbers);
    }
}

/// The lengths of arrays whose elements begin at `at` plus `delta`: what stands there, behind a mark word and a class.
fn lengths(view: &View<'_>, at: usize, delta: isize) -> impl Iterator<Item = u32> {
    let (word, half) = (|back: isize| view.word(at, delta - back), |back: isize| view.half(at, delta - back));
    let class = |back: isize| word(back).is_some_and(may_point);
    let headed = if view.size() == 4 {
        half(12).is_some_and(|mark| is_mark(mark.into()))
    } else if delta == 0 {
        word(16).is_some_and(is_mark)
    } else {
        word(12).is_some_and(is_compact) || (class(12) && word(20).is_some_and(is_mark))
    };
    // Before JDK 22 elements are aligned to words, with a gap after the length if the class is a whole pointer.
    let gap = delta == 0 && half(4) == Some(0) && class(16) && word(24).is_some_and(is_mark);
    half(4).filter(|_| headed).into_iter().chain(half(8).filter(|_| gap))
}

/// Whether a word may be a mark (`markWord.hpp`) of an object that is not locked: it may have a hash, of up to 42 bits with what
/// is below it. Nobody locks the arrays of numbers.
fn is_mark(word: u64) -> bool {
    word & 3 == 1 && word >> 42 == 0
}

/// A mark with the class in its upper 22 bits (JEP 450), and without a hash.
fn is_compact(word: u64) -> bool {
    word & 3 == 1 && word >> 42 != 0 && word >> 11 & 0x7fff_ffff == 0
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
