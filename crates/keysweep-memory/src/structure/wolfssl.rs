//! wolfSSL in its three kinds of arithmetic, and LibTomMath, from which the first one comes.

use super::{Prefix, Structure, Trigger, View, spans};
use crate::order::{Order, TOM_MATH_32, TOM_MATH_64};
use crate::survey::Number;
use std::ops::Range;

/// `mp_int` (`tommath.h`, wolfSSL `integer.h`): `int used`, `int alloc`, `int sign`, pointer to digits of 60 or 28 bits.
pub(super) struct MpInt;

impl Structure for MpInt {
    fn name(&self) -> &'static str {
        "LibTomMath mp_int"
    }

    fn trigger(&self) -> Trigger {
        Trigger::Pair
    }

    fn read(&self, view: &View<'_>, at: usize, numbers: &mut Vec<Number>) {
        let (Some(used), Some(alloc), Some(0 | 1)) = (view.half(at, 0), view.half(at, 4), view.half(at, 8)) else {
            return;
        };
        if used <= alloc {
            let (delta, order) = if view.size() == 8 { (16, TOM_MATH_64) } else { (12, TOM_MATH_32) };
            view.digits(at, delta, u64::from(used) * view.size() as u64, order, self.name(), numbers);
        }
    }
}

/// `sp_int` (`sp_int.h`) and `fp_int` (`tfm.h`): `used` and, in some builds, `size` and `sign`, as `int` or as shorts, then
/// limbs in an array of a fixed size.
pub(super) struct SpInt;

const SP_INT: &str = "wolfSSL mp_int";

impl Prefix for SpInt {
    fn read(&self, view: &View<'_>, run: Range<usize>, numbers: &mut Vec<Number>) {
        let size = view.size() as u64;
        // The limbs begin one or two words after `used`.
        for delta in [-8, -16] {
            let Some(word) = view.word(run.start, delta) else { continue };
            let (ints, shorts) = (word as u32, word as u16);
            let used = if ints < 4096 { u64::from(ints) } else { u64::from(shorts) };
            // What comes after `used` is a size or a sign: small.
            let rest = if ints < 4096 { word >> 32 } else { (word >> 16) & 0xffff };
            let small = rest < 4096 && (rest == 0 || rest == 1 || rest >= used);
            if (2..=512).contains(&used) && small && spans(run.len() as u64, used * size) {
                view.inline(run.start, 0, used * size, Order::Little, SP_INT, numbers);
            }
        }
    }
}
