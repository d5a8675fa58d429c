//! The byte strings to compare with: every literal in every encoding asked for.

use crate::literal::{Encoding, Hit};
use crate::word::word;

/// Clears the bit by which the cases of an ASCII letter differ.
const CASE: u8 = !0x20;

/// One literal in one encoding.
#[derive(Clone, Copy)]
struct Form {
    literal: u32,
    encoding: Encoding,
    /// Length in bytes.
    len: u32,
    /// Where its words begin in [`Forms`].
    words: u32,
}

/// Eight bytes of a form: a word of the haystack matches if `word & mask == value`.
#[derive(Clone, Copy)]
pub(crate) struct Masked {
    mask: u64,
    value: u64,
}

impl Masked {
    /// Up to eight bytes; the rest matches anything.
    pub(crate) fn new(bytes: &[u8], ignore_case: bool) -> Self {
        let mask = |byte: u8| if ignore_case && byte.is_ascii_alphabetic() { CASE } else { 0xff };
        let masks: Vec<u8> = bytes.iter().take(8).map(|&byte| mask(byte)).collect();
        let mask = word(&masks, 0);
        Masked { mask, value: word(bytes, 0) & mask }
    }

    #[inline(always)]
    pub(crate) fn matches(self, word: u64) -> bool {
        word & self.mask == self.value
    }
}

/// All forms.
#[derive(Default)]
pub(crate) struct Forms {
    forms: Vec<Form>,
    words: Vec<Masked>,
    max_len: usize,
}

impl Forms {
    /// Adds the bytes of a literal in one encoding and returns the index of the form.
    pub(crate) fn push(&mut self, literal: u32, encoding: Encoding, bytes: &[u8], ignore_case: bool) -> u32 {
        self.forms.push(Form { literal, encoding, len: bytes.len() as u32, words: self.words.len() as u32 });
        self.words.extend(bytes.chunks(8).map(|bytes| Masked::new(bytes, ignore_case)));
        self.max_len = self.max_len.max(bytes.len());
        (self.forms.len() - 1) as u32
    }

    /// Length of the longest form, in bytes.
    pub(crate) fn max_len(&self) -> usize {
        self.max_len
    }

    /// The bytes of each form, letters in upper case where case is ignored.
    pub(crate) fn bytes(&self) -> impl Iterator<Item = Vec<u8>> {
        self.forms.iter().map(|form| {
            let words = self.words[form.words as usize..].iter();
            words.flat_map(|masked| masked.value.to_le_bytes()).take(form.len as usize).collect()
        })
    }

    /// The hit of a form if it stands in the haystack at `start`.
    #[inline]
    pub(crate) fn verify(&self, form: u32, haystack: &[u8], start: usize) -> Option<Hit> {
        let Form { literal, encoding, len, words } = *self.forms.get(form as usize)?;
        let end = start + len as usize;
        if end > haystack.len() {
            return None;
        }
        let words = self.words[words as usize..].iter().take((len as usize).div_ceil(8));
        let equal = (start..).step_by(8).zip(words).all(|(at, masked)| masked.matches(word(haystack, at)));
        equal.then_some(Hit { literal, start, end, encoding })
    }
}
