//! Integers of QuickJS, and of all else that is built on libbf.

use super::{Structure, Trigger, View, may_point};
use crate::survey::{Alphabet, Number, Text};

/// `bf_t` (`libbf.h`): pointer to the context, sign as an `int`, exponent, number of limbs, pointer to these, least significant first. The
/// number is a fraction below one times two to the exponent, so that its highest bit is always set: an integer is shifted to the left.
pub(super) struct BigInt;

impl Structure for BigInt {
    fn name(&self) -> &'static str {
        "libbf number"
    }

    fn trigger(&self) -> Trigger {
        Trigger::Small
    }

    fn read(&self, view: &View<'_>, at: usize, _: &mut Vec<Number>) {
        let (Some(limbs), Some(exponent), Some(digits)) = (view.word(at, 0), view.word(at, -8), view.word(at, 8))
        else {
            return;
        };
        if view.size() != 8 || limbs > 130 || exponent > 64 * limbs || exponent + 64 <= 64 * limbs || !may_point(digits)
        {
            return;
        }
        let header = view.word(at, -24).zip(view.half(at, -16));
        if !header.is_some_and(|(context, sign)| may_point(context) && sign <= 1) {
            return;
        }
        let shift = (64 * limbs - exponent) as u8;
        let len = 8 * limbs as usize;
        let Some(offset) = view.target(digits, len) else { return };
        let top = view.memory.bytes(offset + len as u64 - 1, 1);
        if top.is_none_or(|top| top[0] & 0x80 == 0) {
            return;
        }
        let alphabet = Alphabet::Shifted(shift);
        view.texts.borrow_mut().push(Text { offset, len: len as u32, unit: 1, alphabet });
    }
}
