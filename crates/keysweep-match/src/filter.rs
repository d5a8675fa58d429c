//! Which places can hold a window at all, by hashes of the bytes there: what most places that a kernel marks fail.

use crate::window::{Entry, WIDTH};

/// Bits of the filter of whole windows: 16 KiB, a part of the first-level cache.
const QUAD_BITS: usize = 1 << 17;
/// Bits of the filter of shorter ones, of which there are few: 8 KiB, of which hardly any are touched.
const SHORT_BITS: usize = 1 << 16;

/// Spreads the bytes of a word over its upper bits.
pub(crate) const SPREAD: u32 = 0x9e37_79b1;
/// How far what was spread is shifted down, to be the number of a bit.
pub(crate) const QUAD_SHIFT: u32 = 32 - QUAD_BITS.ilog2();
pub(crate) const SHORT_SHIFT: u32 = 32 - SHORT_BITS.ilog2();
/// In each byte of a word, the bit by which the cases of a letter differ.
pub(crate) const CASES: u32 = 0x2020_2020;
/// Bits of which each character of a window of UTF-16 has one: all that is printable does.
pub(crate) const PRINTABLE: u8 = 0x60;
/// The bytes of a word that are characters, if it is one of UTF-16.
const CHARACTERS: u64 = 0x00ff_00ff_00ff_00ff;

/// Filters that may be wrong in saying yes, never in saying no. Arrays of words of 32 bits, which is what vectors gather.
pub(crate) struct Filter {
    /// The four bytes of windows, whatever their case.
    pub(crate) quads: Box<[u32; QUAD_BITS / 32]>,
    /// The first three bytes of windows of two or three.
    pub(crate) shorts: Box<[u32; SHORT_BITS / 32]>,
}

fn quad(word: u32) -> u32 {
    (word | CASES).wrapping_mul(SPREAD) >> QUAD_SHIFT
}

/// Whatever the fourth byte is, it is shifted out.
fn short(word: u32) -> u32 {
    ((word | CASES) << 8).wrapping_mul(SPREAD) >> SHORT_SHIFT
}

fn set(words: &mut [u32], bit: u32) {
    words[bit as usize / 32] |= 1 << (bit % 32);
}

#[inline(always)]
fn is_set(words: &[u32], bit: u32) -> bool {
    words[bit as usize / 32] >> (bit % 32) & 1 != 0
}

impl Filter {
    pub(crate) fn new() -> Self {
        Filter { quads: Box::new([0; QUAD_BITS / 32]), shorts: Box::new([0; SHORT_BITS / 32]) }
    }

    /// Lets a window pass. Those of UTF-16 always do.
    pub(crate) fn add(&mut self, entry: &Entry) {
        let word = entry.word.value() as u32;
        match entry.key.width() {
            Some(WIDTH) => set(&mut self.quads[..], quad(word)),
            Some(_) => {
                let third = if entry.word.is_known(2) { 0..=0 } else { 0..=0xff };
                third.for_each(|third| set(&mut self.shorts[..], short(word | third << 16)));
            }
            None => {}
        }
    }

    /// Whether a window may stand at the start of a word (the first byte in the low bits).
    #[inline(always)]
    pub(crate) fn may_hold(&self, word: u64) -> bool {
        self.may_hold_quad(word as u32) | self.may_hold_short(word as u32) | self.may_hold_wide(word)
    }

    /// The same of a window of four bytes.
    #[inline(always)]
    pub(crate) fn may_hold_quad(&self, word: u32) -> bool {
        is_set(&self.quads[..], quad(word))
    }

    /// The same of one of four characters of UTF-16, whose bytes are also a window.
    #[inline(always)]
    pub(crate) fn may_hold_wide(&self, word: u64) -> bool {
        is_wide(word) & is_set(&self.quads[..], quad(narrow(word)))
    }

    /// The bits of [`Self::quads`], eight to a byte, where the lowest byte of a word is the first.
    pub(crate) fn quad_bytes(&self) -> &[u8; QUAD_BITS / 8] {
        // SAFETY: an array of words is one of bytes, and four times as long.
        unsafe { &*std::ptr::from_ref(&*self.quads).cast() }
    }

    /// The same of a window of fewer than four bytes.
    #[inline(always)]
    pub(crate) fn may_hold_short(&self, word: u32) -> bool {
        is_set(&self.shorts[..], short(word))
    }
}

/// Whether a window of UTF-16 may have this character.
pub(crate) fn is_printable(byte: u8) -> bool {
    byte & PRINTABLE != 0
}

/// Whether a word looks like four characters in UTF-16 of those that windows of UTF-16 consist of.
#[inline(always)]
fn is_wide(word: u64) -> bool {
    // The last byte is one before a character of big-endian UTF-16, and not known.
    (word & !CHARACTERS & u64::MAX >> 8 == 0)
        & (0..4).fold(true, |all, at| all & (word >> (16 * at) & u64::from(PRINTABLE) != 0))
}

/// The four characters of UTF-16, a byte each.
#[inline(always)]
pub(crate) fn narrow(word: u64) -> u32 {
    let characters = word & CHARACTERS;
    let pairs = characters | characters >> 8;
    (pairs & 0xffff | pairs >> 16 & 0xffff_0000) as u32
}
