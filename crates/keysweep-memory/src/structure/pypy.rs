//! PyPy integers.

use super::{Prefix, View};
use crate::order::PYPY;
use crate::survey::Number;
use std::ops::Range;

/// The digits of an `rbigint` (`rpython/rlib/rbigint.py`), an array of the garbage collector: number of the type below its flags, number
/// of digits, digits, least significant first. The highest may be zeros.
pub(super) struct Int;

const INT: &str = "PyPy int";

impl Prefix for Int {
    fn read(&self, view: &View<'_>, run: Range<usize>, numbers: &mut Vec<Number>) {
        let (Some(count), Some(tag)) = (view.word(run.start, -8), view.word(run.start, -16)) else { return };
        // Types are numbered in steps of 8, and there are some ten thousands; flags are few.
        let is_tag = tag as u32 != 0 && tag as u32 >> 20 == 0 && tag & 7 == 0 && tag >> 48 == 0;
        if view.size() != 8 || !is_tag || !(4..=300).contains(&count) {
            return;
        }
        let highest =
            (1..=count as isize).rev().find(|digit| view.word(run.start, 8 * (digit - 1)).is_none_or(|word| word != 0));
        let used = highest.unwrap_or(0) as u64;
        if used >= 4 {
            view.inline(run.start, 0, 8 * used, PYPY, INT, numbers);
        }
    }
}
