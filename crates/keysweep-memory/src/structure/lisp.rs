//! Integers of Lisps, whose digits lie right behind their header: mostly of 32 bits, most significant first.

use super::{Prefix, View, spans};
use crate::order::Order;
use crate::survey::Number;
use std::ops::Range;

/// Fewest and most digits.
const DIGITS: Range<u64> = 7..1025;

/// A bignum of Chez Scheme, and with it of Racket (`cmacros.ss`): a word with the number of digits above one bit of sign and five bits
/// that say what it is.
pub(super) struct Chez;

const CHEZ: &str = "Chez Scheme bignum";

impl Prefix for Chez {
    fn read(&self, view: &View<'_>, run: Range<usize>, numbers: &mut Vec<Number>) {
        let Some(header) = view.word(run.start, -8) else { return };
        let count = header >> 6;
        if header & 0x1f == 6 && DIGITS.contains(&count) && spans(run.len() as u64, 4 * count) {
            view.inline(run.start, 0, 4 * count, Order::BigWords32, CHEZ, numbers);
        }
    }
}

/// A bignum of Gambit (`_num.scm`): a word with the number of bytes above eight bits that say what it is; digits of 64 bits, least
/// significant first. They are those of a signed number, so that the last one may be zero.
pub(super) struct Gambit;

pub(super) const GAMBIT: &str = "Gambit bignum";
/// The subtype of bignums, 31, above three bits of an object that does not move.
const GAMBIT_TYPE: u64 = 0xf8;

impl Prefix for Gambit {
    fn read(&self, view: &View<'_>, run: Range<usize>, numbers: &mut Vec<Number>) {
        let Some(header) = view.word(run.start, -8) else { return };
        let (len, rest) = (header >> 8, run.len() as u64);
        if header & 0xff != GAMBIT_TYPE || !len.is_multiple_of(8) || !(32..=4104).contains(&len) {
            return;
        }
        let last_is_zero = view.word(run.start, len as isize - 8) == Some(0);
        let len = if last_is_zero { len - 8 } else { len };
        if len >= 32 && spans(rest, len) {
            view.inline(run.start, 0, len, Order::Little, GAMBIT, numbers);
        }
    }
}

/// A `Bignum` of CLISP (`lispbibl.d`): pointer to itself for the garbage collector, 8 bits of type, 8 of flags, 16 with the number of
/// digits, which begin in the middle of a word. They are those of a signed number, so that the first one may be zero.
pub(super) struct Clisp;

const CLISP: &str = "CLISP bignum";
/// `Rectype_Bignum`.
const TYPE: u32 = 0x1a;

impl Prefix for Clisp {
    fn read(&self, view: &View<'_>, run: Range<usize>, numbers: &mut Vec<Number>) {
        // The first digit may look random together with the header or not, or be zero.
        for delta in [0, 4, -4] {
            let half = |back: isize| view.half(run.start, delta - back);
            let (header, zero) = match (half(4), half(8)) {
                (Some(0), Some(header)) => (header, 1),
                (Some(header), _) => (header, 0),
                _ => continue,
            };
            let count = u64::from(header >> 16).saturating_sub(zero);
            let rest = (run.len() as isize - delta) as u64;
            if header & 0xffff == TYPE && DIGITS.contains(&count) && spans(rest, 4 * count) {
                view.inline(run.start, delta, 4 * count, Order::BigWords32, CLISP, numbers);
            }
        }
    }
}
