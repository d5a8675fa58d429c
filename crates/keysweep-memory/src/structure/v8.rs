//! Numbers in the heap of V8: Node.js, Deno. Pointers to objects have a lowest bit of 1, and small integers lie in the
//! upper halves of words (64-bit builds without compressed pointers, as these are; of the others see [`super::v8_compressed`]).

use super::{Prefix, Structure, Trigger, View, spans};
use crate::order::{Order, SMALL_26, SMALL_28};
use crate::survey::Number;
use std::ops::Range;

/// `FixedArray` of small integers (`fixed-array.h`): pointer to the map, length, elements. Arithmetic that is written in JavaScript
/// holds its digits so, least significant first: BN.js, on which `elliptic` builds, 26 bits in each; jsbn, on which node-forge and
/// jsrsasign build, 28. Elements that are not in use are pointers to "the hole".
///
/// The length is a small integer too, or since V8 15 a plain number of 32 bits, beside which anything may lie.
pub(super) struct SmallIntegers {
    /// What the word of the length looks like: [`Trigger::Upper`], or [`Trigger::Small`] and [`Trigger::Pair`] in newer versions.
    pub(super) length: Trigger,
}

const ARRAY: &str = "JavaScript array";
/// Fewest digits: a number of fewer is no key's.
const MIN_DIGITS: usize = 5;

impl Structure for SmallIntegers {
    fn name(&self) -> &'static str {
        ARRAY
    }

    fn trigger(&self) -> Trigger {
        self.length
    }

    fn read(&self, view: &View<'_>, at: usize, numbers: &mut Vec<Number>) {
        let half = if self.length == Trigger::Upper { 4 } else { 0 };
        let (Some(length), Some(map)) = (view.half(at, half), view.word(at, -8)) else { return };
        if (length as usize) < MIN_DIGITS || !is_object(map) || view.size() != 8 {
            return;
        }
        let words = (0..length as isize).map_while(|index| view.word(at, 8 + 8 * index));
        if let Some((used, order)) = digits(words) {
            view.inline(at, 12, 8 * used as u64 - 4, order, ARRAY, numbers);
        }
    }
}

/// An array as a property of an object, with the number of digits that are in use as the next one: `words` and `length` of BN.js,
/// `data` and `t` of node-forge. What the array holds beyond is left of earlier results. The array is a `JSArray`
/// (`js-array.h`): pointers to map, properties and elements, length.
pub(super) struct CountedArray;

const COUNTED: &str = "JavaScript bignum";
/// Most digits that are followed to.
const MAX_DIGITS: usize = 600;

impl Structure for CountedArray {
    fn name(&self) -> &'static str {
        COUNTED
    }

    fn trigger(&self) -> Trigger {
        Trigger::Upper
    }

    fn read(&self, view: &View<'_>, at: usize, numbers: &mut Vec<Number>) {
        let (Some(count), Some(array)) = (view.half(at, 4), view.word(at, -8)) else { return };
        let count = count as usize;
        if (MIN_DIGITS..=MAX_DIGITS).contains(&count) && is_object(array) {
            numbers.extend(Self::number(view, array, count));
        }
    }
}

impl CountedArray {
    fn number(view: &View<'_>, array: u64, count: usize) -> Option<Number> {
        let [map, properties, elements, length] = object(view, array)?;
        let fits = |length: u64| length as u32 == 0 && length >> 32 >= count as u64 && length >> 44 == 0;
        let fits_plainly = |length: u64| (count..1 << 12).contains(&(length as u32 as usize));
        if ![map, properties, elements].into_iter().all(is_object) || !fits(length) {
            return None;
        }
        let [map, capacity] = object(view, elements)?;
        if !is_object(map) || !(fits(capacity) || fits_plainly(capacity)) {
            return None;
        }
        let offset = view.target(elements - 1 + 16, 8 * count)?;
        let bytes = view.memory.bytes(offset, 8 * count)?;
        let words = bytes.as_chunks().0.iter().map(|word| u64::from_le_bytes(*word));
        let (used, order) = digits(words).filter(|(used, _)| *used == count)?;
        Some(Number { offset: offset + 4, len: 8 * used as u32 - 4, order, structure: COUNTED })
    }
}

/// The first words of the object that a tagged pointer points to.
fn object<const N: usize>(view: &View<'_>, pointer: u64) -> Option<[u64; N]> {
    let offset = view.target(pointer - 1, 8 * N)?;
    let bytes = view.memory.bytes(offset, 8 * N)?;
    let mut words = [0; N];
    words.iter_mut().zip(bytes.as_chunks().0).for_each(|(to, word)| *to = u64::from_le_bytes(*word));
    Some(words)
}

/// How many of the small integers may be digits of a number, the lowest first, and how many bits they have.
fn digits(words: impl Iterator<Item = u64>) -> Option<(usize, Order)> {
    let (mut largest, mut used) = (0, 0);
    for (index, word) in words.enumerate() {
        let digit = word >> 32;
        if word as u32 != 0 || digit >> 28 != 0 {
            if is_object(word) {
                break;
            }
            return None;
        }
        largest = largest.max(digit);
        // The highest digits may be zero.
        used = if digit == 0 { used } else { index + 1 };
    }
    // Of digits drawn at random the largest has all bits but one or two.
    let order = match largest {
        0..0x80_0000 => return None,
        0x80_0000..0x400_0000 => SMALL_26,
        _ => SMALL_28,
    };
    (used >= MIN_DIGITS).then_some((used, order))
}

/// `BigInt` (`bigint.h`): pointer to the map, the number of 64-bit digits above one bit of sign (since V8 15 above eight bits), digits,
/// least significant first.
pub(super) struct BigInt;

pub(super) const BIG_INT: &str = "JavaScript BigInt";

impl Prefix for BigInt {
    fn read(&self, view: &View<'_>, run: Range<usize>, numbers: &mut Vec<Number>) {
        let (Some(field), Some(map)) = (view.word(run.start, -8), view.word(run.start, -16)) else { return };
        let Ok(field) = u32::try_from(field) else { return };
        let fits = |digits: &u64| spans(run.len() as u64, 8 * digits);
        let digits = digits_of_field(field).into_iter().find(fits);
        if let Some(digits) = digits.filter(|_| view.size() == 8 && is_object(map)) {
            view.inline(run.start, 0, 8 * digits, Order::Little, BIG_INT, numbers);
        }
    }
}

/// How many digits a BigInt may have by the field that says so, in older versions and newer ones.
pub(super) fn digits_of_field(field: u32) -> impl IntoIterator<Item = u64> {
    let newer = if field & 0xfe == 0 { field >> 8 } else { 0 };
    // Of two digits there are none in keys, and they would look like 256 in older versions.
    let (older, newer) =
        (Some(field >> 1).filter(|n| (2..=256).contains(n)), Some(newer).filter(|n| (3..=256).contains(n)));
    older.into_iter().chain(newer).map(u64::from)
}

/// Whether a word may be a pointer to an object.
fn is_object(word: u64) -> bool {
    word & 3 == 1 && word >= 0x1_0000 && word >> 47 == 0
}
