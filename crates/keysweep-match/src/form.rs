//! The byte strings to compare with: every literal in every encoding asked for.

use crate::literal::{Encoding, Hit};
use crate::word::word;

/// A byte in each byte of a word.
const EACH: u64 = u64::from_ne_bytes([1; 8]);

/// In each byte of a word that is an ASCII letter, the bit by which its cases differ.
fn letters(word: u64) -> u64 {
    let seven = word & (0x7f * EACH);
    let lower = seven | (0x20 * EACH);
    // The eighth bit of a byte says whether the seven others are from `a` on, and whether they are beyond `z`.
    let from = lower + ((0x80 - u64::from(b'a')) * EACH);
    let beyond = lower + ((0x7f - u64::from(b'z')) * EACH);
    (from & !beyond & !word & (0x80 * EACH)) >> 2
}

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
        let value = word(bytes, 0);
        let known = match bytes.len() {
            0..8 => (1 << (8 * bytes.len())) - 1,
            _ => u64::MAX,
        };
        let mask = known & if ignore_case { !letters(value) } else { u64::MAX };
        Masked { mask, value: value & mask }
    }

    /// What a word that matches has, but for what does not matter.
    pub(crate) fn value(self) -> u64 {
        self.value
    }

    /// The bits that matter.
    pub(crate) fn mask(self) -> u64 {
        self.mask
    }

    /// What all words that match this or another have in common.
    pub(crate) fn common(self, other: Masked) -> Masked {
        let mask = self.mask & other.mask & !(self.value ^ other.value);
        Masked { mask, value: self.value & mask }
    }

    /// Whether a byte of it matters.
    pub(crate) fn is_known(self, byte: u32) -> bool {
        self.mask >> (8 * byte) & 0xff != 0
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
    /// None, with room for so many.
    pub(crate) fn with_capacity(forms: usize) -> Self {
        // Most have 16 bytes or less.
        Self { forms: Vec::with_capacity(forms), words: Vec::with_capacity(2 * forms), max_len: 0 }
    }

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_are_those_of_ascii() {
        for byte in 0..=0xff_u8 {
            for place in 0..8 {
                let word = u64::from(byte) << (8 * place) | 0x41_u64 << (8 * ((place + 3) % 8));
                let mine = if byte.is_ascii_alphabetic() { 0x20 << (8 * place) } else { 0 };
                assert_eq!(letters(word), mine | 0x20 << (8 * ((place + 3) % 8)), "{byte} {place}");
            }
        }
    }

    #[test]
    fn short_words_match_whatever_follows() {
        let masked = Masked::new(b"aB1", true);
        assert!(masked.matches(word(b"Ab1xxxxx", 0)) && !masked.matches(word(b"Ab\x11xxxxx", 0)));
        assert!(!Masked::new(b"aB1", false).matches(word(b"Ab1xxxxx", 0)));
        assert!(Masked::new(b"", true).matches(7) && Masked::new(b"12345678", true).matches(word(b"12345678", 0)));
    }
}
