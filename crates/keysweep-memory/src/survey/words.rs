//! What words look like, a block at a time: the part of the survey that every byte of a dump goes through.

use crate::structure::Trigger;

/// Words in a block.
pub(super) const BLOCK: usize = 8;

/// What the words of a block look like: bit `i` for word `i`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Look {
    /// Could have been drawn at random.
    pub(super) random: u8,
    /// Printable ASCII throughout: one random word in 3,000 looks so.
    pub(super) text: u8,
    /// May wake a structure.
    pub(super) wake: u8,
}

impl Look {
    /// Looks at the 64-bit words of a block, which is followed by one more.
    #[inline]
    pub(super) fn of(words: &[u64; BLOCK + 1]) -> Self {
        let mut look = Self::default();
        for i in 0..BLOCK {
            let word = words[i];
            let (random, text) = looks(word);
            look.random |= u8::from(random) << i;
            look.text |= u8::from(text) << i;
            look.wake |= u8::from(wakes(word, words[i + 1])) << i;
        }
        look
    }
}

const HIGH: u64 = 0x8080_8080_8080_8080;
const LOW: u64 = 0x7f7f_7f7f_7f7f_7f7f;

/// Whether a word looks random, and whether it looks like text.
#[inline]
fn looks(word: u64) -> (bool, bool) {
    // The high bit of each byte that is 0 or 255. One random word in 3,000,000 has four of them, one in 40,000 three.
    let special = !(((word & LOW) + LOW) | word) & HIGH | (((word & LOW) + 0x0101_0101_0101_0101) & word & HIGH);
    let without_one = special & special.wrapping_sub(1);
    let three = without_one & without_one.wrapping_sub(1) != 0;
    // Pointers of either half of the address space, and small integers of either sign.
    let top = word >> 47;
    let text = (word | word.wrapping_sub(0x2020_2020_2020_2020)) & HIGH == 0;
    let random = !three & (top != 0) & (top != 0x1_ffff);
    (random & !text, random & text)
}

/// Whether a 64-bit word, or either half of it, may be what a structure waits for.
#[inline]
fn wakes(word: u64, next: u64) -> bool {
    let pair = (word & 0xffff_f000_ffff_0000 == 0) & (word != 0);
    let signed_short = (word >> 28 == 0) & ((word as u16).wrapping_add(1) < 3);
    let range = next.wrapping_sub(word).wrapping_sub(16) <= 2032;
    pair | signed_short | (range & (word >= 0x1_0000))
}

/// As [`Look::wake`] for a process with 32-bit words: bit `i` for the 32-bit word `i` of a block.
pub(super) fn wakes_32(words: &[u64; BLOCK + 1]) -> u32 {
    let half = |i: usize| words[i / 2] >> (32 * (i % 2)) & 0xffff_ffff;
    (0..2 * BLOCK).fold(0, |wake, i| {
        let woken = Trigger::ALL.iter().any(|trigger| trigger.matches(half(i), half(i + 1), 4));
        wake | u32::from(woken) << i
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_look_like_what_they_are() {
        for (word, random, text) in [
            (0, false, false),
            (5, false, false),
            (u64::MAX - 5, false, false),
            (0x0000_7fff_1234_5678, false, false),
            (0xffff_8881_1234_5678, false, false),
            (0x0100_0000_9182_73ff, false, false),
            (0x3f01_8000_ff82_7364, true, false),
            (0x9a3f_5c71_e2d8_46b3, true, false),
            (u64::from_le_bytes(*b"Password"), false, true),
            (u64::from_le_bytes(*b"line\nend"), true, false),
        ] {
            assert_eq!(looks(word), (random, text), "{word:#x}");
        }
    }

    /// The quick test of a word must let through all that a structure could be woken by.
    #[test]
    fn no_trigger_is_slept_through() {
        let words = [1, 7, 4095, 4096, 65_535, 65_536, 1 << 32 | 1, 4095 << 32 | 4095, 17 << 16 | 1, 17 << 16 | 0xffff];
        let pairs = [(0x7f00_1000, 0x7f00_1080), (0x1_0000, 0x1_0800), (0x1_0000, 0x1_0801), (0x7f00, 0x7f80)];
        let all = words.iter().flat_map(|w| words.iter().map(|v| (*w, *v))).chain(pairs);
        for (word, next) in all {
            let woken = Trigger::ALL.iter().any(|trigger| trigger.matches(word, next, 8));
            assert!(wakes(word, next) || !woken, "{word:#x} {next:#x}");
        }
    }
}
