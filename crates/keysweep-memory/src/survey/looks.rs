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
