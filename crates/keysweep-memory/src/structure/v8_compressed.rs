//! Numbers in the heap of V8 where pointers take 32 bits: Chromium, Electron, Cloudflare's workerd. Objects begin at multiples of four
//! bytes.

use super::{Prefix, Structure, Trigger, View};
use crate::order::Order;
use crate::survey::Number;
use crate::survey::elements::{LENGTH, texts};
use std::ops::Range;

/// `FixedArray` of small integers: map, length, elements, 32 bits each. Elements lie above one bit that is zero; so did the length, which
/// is a plain number in newer versions. What is not in use is a pointer to "the hole".
pub(super) struct SmallIntegers;

impl Structure for SmallIntegers {
    fn name(&self) -> &'static str {
        "JavaScript array"
    }

    fn trigger(&self) -> Trigger {
        Trigger::Pair
    }

    fn read(&self, view: &View<'_>, at: usize, _: &mut Vec<Number>) {
        array(view, at, 0);
    }
}

/// The same at an odd multiple of four bytes, where the map shares its word with what is before, and the length with the first
/// digit: the run of random words begins with the second and third, since a length of two bytes does not look random, or with some that
/// follow.
pub(super) struct UnalignedSmallIntegers;

impl Prefix for UnalignedSmallIntegers {
    fn read(&self, view: &View<'_>, run: Range<usize>, _: &mut Vec<Number>) {
        for before in 0..MAX_BEFORE {
            array(view, run.start, -12 - 8 * before);
        }
    }
}

/// Words of digits before a run that may not look random.
const MAX_BEFORE: isize = 4;

/// The array that begins at `at` plus `delta`.
fn array(view: &View<'_>, at: usize, delta: isize) {
    let half = |index: isize| view.half(at, delta + 4 * index);
    let (Some(map), Some(length)) = (half(0), half(1)) else { return };
    if view.size() != 8 || !is_map(map) {
        return;
    }
    let plain = length as usize;
    let tagged = (length & 1 == 0).then_some(plain / 2);
    for length in [Some(plain), tagged].into_iter().flatten() {
        if !LENGTH.contains(&length) {
            continue;
        }
        // Digits, then pointers, if any.
        let elements = || (0..length as isize).map_while(|index| half(2 + index));
        let used = elements().take_while(|element| element & 1 == 0).count();
        let free = elements().skip(used).all(|element| element & 1 == 1);
        if !free || elements().count() != length {
            continue;
        }
        let offset = (view.offset(at) + 8).saturating_add_signed(delta as i64);
        let digits = elements().take(used).map(|element| element >> 1);
        view.texts.borrow_mut().extend(texts(offset, 4, 1, digits, &[26, 28]));
        return;
    }
}

/// Whether half a word may be a pointer to the map of an array or a BigInt: they are among the first objects of the heap.
fn is_map(map: u32) -> bool {
    map & 3 == 1 && (0x100..0x4000).contains(&map)
}

/// `BigInt`: map, the number of 64-bit digits above the sign, digits, least significant first.
pub(super) struct BigInt;

impl Prefix for BigInt {
    fn read(&self, view: &View<'_>, run: Range<usize>, numbers: &mut Vec<Number>) {
        // At an odd multiple of four bytes the digits begin amid the word before the run, beside their number.
        for before in [0, 4] {
            let (Some(map), Some(field)) = (view.half(run.start, -8 - before), view.half(run.start, -4 - before))
            else {
                continue;
            };
            if before != 0 && view.half(run.start, -before) == Some(0) {
                continue;
            }
            let fits = |digits: u64| {
                let rest = run.len() as u64 + before as u64;
                (4..=256).contains(&digits) && rest <= 8 * digits + 8 && rest + 16 >= 8 * digits
            };
            let digits = super::v8::digits_of_field(field).into_iter().find(|digits| fits(*digits));
            if let Some(digits) = digits.filter(|_| view.size() == 8 && is_map(map)) {
                view.inline(run.start, -before, 8 * digits, Order::Little, super::v8::BIG_INT, numbers);
            }
        }
    }
}
