//! Digits of fewer bits than the words they lie in, whatever holds them: LibTomMath in Tcl, whose header is packed into an object, and
//! others that are not known.

use super::{Prefix, View};
use crate::order::{Order, PYTHON, TOM_MATH_32, TOM_MATH_64};
use crate::survey::Number;
use std::ops::Range;

/// A run of words in which the highest bits of all digits are zero: of four words, one in 65,536 is such a run by chance.
pub(super) struct Digits;

const DIGITS: &str = "digits of a number";
/// Most words: of a number of 4096 bits.
const MAX_WORDS: usize = 160;

impl Prefix for Digits {
    fn read(&self, view: &View<'_>, run: Range<usize>, numbers: &mut Vec<Number>) {
        let Some(bytes) = view.chunk.bytes.get(run.clone()).filter(|bytes| bytes.len() <= 8 * MAX_WORDS) else {
            return;
        };
        let (words, _) = bytes.as_chunks::<8>();
        let all = words.iter().fold(0, |all, word| all | u64::from_le_bytes(*word));
        let halves = (all | all >> 32) as u32;
        let (order, size) = match () {
            () if halves >> 28 == 0 => (TOM_MATH_32, 4),
            () if halves >> 30 == 0 => (PYTHON, 4),
            () if all >> 60 == 0 => (TOM_MATH_64, 8),
            () => return,
        };
        let Order::Digits { bits, .. } = order else { return };
        let digit = |at: isize| match size {
            4 => view.half(run.start, at).map(u64::from),
            _ => view.word(run.start, at),
        };
        let is_digit = |at: isize| digit(at).is_some_and(|digit| digit != 0 && digit >> bits == 0);
        let len = run.len() as isize;
        // The last digits may be small, so that their word does not look random; so may the word that holds the first one and something
        // else. What is there may be no digit as well.
        let after = (0..=2).take_while(|count| *count == 0 || is_digit(len + size * (count - 1)));
        let after: Vec<isize> = after.collect();
        let before = if size == 4 && is_digit(-4) { &[0, 4][..] } else { &[0] };
        for (before, after) in before.iter().flat_map(|before| after.iter().map(move |after| (before, size * after))) {
            view.inline(run.start, -before, (len + before + after) as u64, order, DIGITS, numbers);
        }
    }
}
