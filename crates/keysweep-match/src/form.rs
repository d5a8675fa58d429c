//! The byte strings to compare with: every literal in every encoding asked for.

use crate::literal::{Encoding, Hit, Literal};

/// Clears the bit by which the cases of an ASCII letter differ.
const CASE: u8 = !0x20;

/// Bytes compared before the first chance to stop.
const CHUNK: usize = 16;

/// One literal in one encoding.
struct Form {
    literal: u32,
    encoding: Encoding,
    /// Where its bytes begin in the arenas of [`Forms`].
    begin: u32,
    len: u32,
}

/// All forms, their bytes in two arenas: a byte of the haystack matches if `byte & mask == value`.
#[derive(Default)]
pub(crate) struct Forms {
    forms: Vec<Form>,
    values: Vec<u8>,
    masks: Vec<u8>,
}

impl Forms {
    /// Adds a literal in one encoding and returns the index of the form.
    pub(crate) fn push(&mut self, id: u32, literal: &Literal, encoding: Encoding) -> u32 {
        let begin = self.values.len();
        for &byte in &literal.bytes {
            if encoding == Encoding::Utf16Be {
                self.push_byte(0, false);
            }
            self.push_byte(byte, literal.ignore_case && byte.is_ascii_alphabetic());
            if encoding == Encoding::Utf16Le {
                self.push_byte(0, false);
            }
        }
        self.forms.push(Form { literal: id, encoding, begin: begin as u32, len: (self.values.len() - begin) as u32 });
        (self.forms.len() - 1) as u32
    }

    fn push_byte(&mut self, byte: u8, ignore_case: bool) {
        let mask = if ignore_case { CASE } else { 0xff };
        self.values.push(byte & mask);
        self.masks.push(mask);
    }

    /// Mask and value of up to eight bytes of a form from an offset on, the first in the low bits.
    pub(crate) fn word(&self, form: u32, offset: usize) -> (u64, u64) {
        let form = &self.forms[form as usize];
        let range = form.begin as usize + offset..(form.begin + form.len) as usize;
        let word = |arena: &[u8]| {
            let bytes = arena[range.clone()].iter().take(8);
            bytes.rev().fold(0, |word, &byte| word << 8 | u64::from(byte))
        };
        (word(&self.masks), word(&self.values))
    }

    /// The hit of a form if it stands in the haystack at `start`.
    #[inline]
    pub(crate) fn verify(&self, form: u32, haystack: &[u8], start: usize) -> Option<Hit> {
        let form = self.forms.get(form as usize)?;
        let (begin, len) = (form.begin as usize, form.len as usize);
        let there = haystack.get(start..start.checked_add(len)?)?;
        let values = self.values.get(begin..begin + len)?;
        let masks = self.masks.get(begin..begin + len)?;
        let equal =
            there.chunks(CHUNK).zip(values.chunks(CHUNK).zip(masks.chunks(CHUNK))).all(|(there, (values, masks))| {
                let differ = there
                    .iter()
                    .zip(values.iter().zip(masks))
                    .fold(0, |differ, (byte, (value, mask))| differ | ((byte & mask) ^ value));
                differ == 0
            });
        equal.then_some(Hit { literal: form.literal, start, end: start + len, encoding: form.encoding })
    }
}
