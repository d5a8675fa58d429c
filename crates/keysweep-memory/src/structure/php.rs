//! Arrays of PHP.

use super::{Structure, Trigger, View};
use crate::survey::Number;
use crate::survey::elements::{COUNT, texts};

/// A packed `HashTable` (`Zend/zend_types.h`): reference count, type, flags and mask, 32 bits each; pointer to the elements, the number
/// of those that are used, and of those that are there. An element is a `zval` (value, type, 32 bits that are anything), since
/// PHP 8.2; before, a `Bucket`: a `zval`, the index, a null pointer. phpseclib holds its digits so, 31 bits in each, or 26 where integers have
/// 32 bits.
pub(super) struct Array;

/// The mask of a packed array.
const PACKED: u32 = -2i32 as u32;
/// The type of an integer.
const INTEGER: u8 = 4;

impl Structure for Array {
    fn name(&self) -> &'static str {
        "PHP array"
    }

    fn trigger(&self) -> Trigger {
        Trigger::Pair
    }

    fn read(&self, view: &View<'_>, at: usize, _: &mut Vec<Number>) {
        let (Some(counts), Some(PACKED)) = (view.word(at, 0), view.half(at, -12)) else { return };
        let count = counts as u32 as usize;
        if counts >> 32 != count as u64 || !COUNT.contains(&count) || view.size() != 8 {
            return;
        }
        let read = |size: usize| {
            let offset = view.pointee(at, -8, size * count)?;
            let elements = view.memory.bytes(offset, size * count)?;
            let digit = |(index, element): (usize, &[u8])| {
                let word = |at: usize| Some(u64::from_le_bytes(*element.get(at..)?.first_chunk()?));
                let value = word(0)?;
                let packed = size == 16 || (word(16)? == index as u64 && word(24)? == 0);
                (value >> 31 == 0 && element.get(8) == Some(&INTEGER) && packed).then_some(value as u32)
            };
            let digits = elements.chunks(size).enumerate().map_while(digit);
            let all = digits.clone().count() == count;
            all.then(|| texts(offset, size as u8, 0, digits, &[26, 31]))
        };
        view.texts.borrow_mut().extend(read(16).or_else(|| read(32)).unwrap_or_default());
    }
}
