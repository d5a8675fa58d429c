//! CPython integers and byte strings.

use super::{Prefix, View, may_point, spans};
use crate::order::{Order, PYTHON};
use crate::survey::Number;
use std::ops::Range;

/// `PyLongObject`: reference count, type, `ob_size` (`longintrepr.h`; from 3.12 on `lv_tag`, the number of digits above
/// three bits of sign), digits. `PyBytesObject`: reference count, type, `ob_size`, hash, bytes.
pub(super) struct Int;

const INT: &str = "Python int";
const BYTES: &str = "Python bytes";

impl Prefix for Int {
    fn read(&self, view: &View<'_>, run: Range<usize>, numbers: &mut Vec<Number>) {
        let size = view.size() as isize;
        let at = run.start;
        let sized = |delta: isize| {
            let address = |delta| match size {
                4 => view.half(at, delta).map(u64::from),
                _ => view.word(at, delta),
            };
            let count = address(delta)?;
            (may_point(address(delta - size)?) && (1..=65_535).contains(&count)).then_some(count)
        };
        // Digits begin at a multiple of the word, so also in the middle of a 64-bit word on a 32-bit process, beside a size
        // that may look random together with the first digit.
        for delta in [0, -4, 4].into_iter().filter(|delta| *delta == 0 || size == 4) {
            if let Some(tag) = sized(delta - size) {
                view.inline(at, delta, 4 * tag, PYTHON, INT, numbers);
                if tag & 3 == 0 && tag >> 3 > 1 {
                    view.inline(at, delta, 4 * (tag >> 3), PYTHON, INT, numbers);
                }
                // The hash looks random too.
                if spans((run.len() as isize - delta - size).max(0) as u64, tag) {
                    view.inline(at, delta + size, tag, Order::Big, BYTES, numbers);
                }
            }
        }
        // -1 for a hash that was not computed.
        if let Some(len) = sized(-2 * size).filter(|len| spans(run.len() as u64, *len)) {
            view.inline(at, 0, len, Order::Big, BYTES, numbers);
        }
    }
}
