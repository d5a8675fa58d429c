//! What the words of a chunk look like, kept for those who search it next.

use keysweep_match::{WORDS, WordLooks};
use std::ops::Range;

/// What the words of a chunk look like, in blocks of [`WORDS`] from the chunk's own range on.
#[derive(Debug, Default)]
pub struct Looks {
    blocks: Vec<(WordLooks, bool)>,
}

/// Bytes of a block.
const BLOCK: usize = 8 * WORDS;

impl Looks {
    pub(super) fn clear(&mut self) {
        self.blocks.clear();
    }

    /// Adds the next block; `filled` says whether it, or the word after it, holds anything but zeros.
    pub(super) fn push(&mut self, looks: WordLooks, filled: bool) {
        self.blocks.push((looks, filled));
    }

    /// Indices, in bytes from the start of the chunk's own range, of the words of which `bits` has the bit set.
    pub fn words(&self, bits: impl Fn(&WordLooks) -> u64) -> impl Iterator<Item = usize> {
        self.blocks.iter().enumerate().flat_map(move |(block, (looks, _))| {
            let mut left = bits(looks);
            std::iter::from_fn(move || {
                let bit = (left != 0).then(|| left.trailing_zeros() as usize)?;
                left &= left - 1;
                Some(block * BLOCK + 8 * bit)
            })
        })
    }

    /// Indices, in bytes from the start of the chunk's own range on, of the first words of rows of at least `least` words, 1 to 63,
    /// of which `bits` has the bits set.
    pub fn rows(&self, least: u32, bits: impl Fn(&WordLooks) -> u64) -> impl Iterator<Item = usize> {
        // Those words of the block before, of which the last matter, and whether the row they are of is known.
        let (mut before, mut known) = (0u64, false);
        self.blocks.iter().enumerate().flat_map(move |(block, (looks, _))| {
            let shift = least - 1;
            // Bit `i` is the word `i - shift` of this block.
            let words = bits(looks);
            let all = u128::from(words) << shift | u128::from(before.unbounded_shr(64 - shift));
            let rows = (1..least).fold(all, |rows, distance| rows & all >> distance);
            let mut first = rows & !(rows << 1 | u128::from(known));
            // A row is known to the next block by its last words.
            (before, known) = (words, rows >> 63 & 1 != 0);
            std::iter::from_fn(move || {
                let bit = (first != 0).then(|| first.trailing_zeros() as usize)?;
                first &= first - 1;
                Some(block * BLOCK + 8 * bit - 8 * shift as usize)
            })
        })
    }

    /// Ranges of bytes, from the start of the chunk's own range on, of blocks for which `holds` is true of the block or the
    /// next one: what is looked for may begin at the end of one and lie in the other. The last block is always among them, since
    /// what follows it belongs to another chunk.
    pub fn stretches(&self, holds: impl Fn(&WordLooks, bool) -> bool) -> impl Iterator<Item = Range<usize>> {
        let count = self.blocks.len();
        let is = move |block: usize| {
            block + 1 >= count || self.blocks[block..block + 2].iter().any(|(looks, filled)| holds(looks, *filled))
        };
        let mut at = 0;
        std::iter::from_fn(move || {
            let from = (at..count).find(|block| is(*block))?;
            at = (from..count).find(|block| !is(*block)).unwrap_or(count);
            Some(from * BLOCK..at * BLOCK)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_found_across_blocks() {
        let mut state = 7u64;
        let words: Vec<bool> = (0..64 * 200)
            .map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                state >> 61 != 0
            })
            .collect();
        let mut looks = Looks::default();
        for block in words.chunks(64) {
            let text = block.iter().rev().fold(0, |text, is| text << 1 | u64::from(*is));
            looks.push(WordLooks { text, ..WordLooks::default() }, true);
        }
        for least in [1, 2, 4, 20, 63] {
            let is_row = |at: usize| words[at..].iter().take(least).filter(|is| **is).count() == least;
            let naive: Vec<usize> =
                (0..words.len()).filter(|at| is_row(*at) && (*at == 0 || !words[at - 1])).map(|at| 8 * at).collect();
            assert_eq!(looks.rows(least as u32, |looks| looks.text).collect::<Vec<_>>(), naive, "{least}");
            assert!(least > 20 || naive.len() > 100);
        }
    }

    #[test]
    fn words_and_stretches_are_where_the_bits_are() {
        let mut looks = Looks::default();
        for block in 0..12u64 {
            let random = if [2, 7, 8].contains(&block) { 1 << 63 | 1 << block } else { 0 };
            looks.push(WordLooks { random, ..WordLooks::default() }, block != 5);
        }
        let words: Vec<usize> = looks.words(|looks| looks.random).collect();
        assert_eq!(words, [1040, 1528, 3640, 4088, 4160, 4600]);
        let stretches: Vec<_> = looks.stretches(|looks, _| looks.random != 0).collect();
        assert_eq!(stretches, [512..1536, 3072..4608, 5632..6144]);
        let mut filled = looks.stretches(|_, filled| filled);
        assert_eq!((filled.next(), filled.next()), (Some(0..6144), None));
        assert_eq!(Looks::default().stretches(|_, _| true).count(), 0);
    }
}
