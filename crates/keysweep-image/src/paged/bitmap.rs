//! The bitmap of a dump: which pages it holds, and how many of them come before a page.

use std::ops::Range;

use super::runs::PageRuns;
use crate::read::{ReadAt, read_into};

/// Pages between two places at which it is known how many pages are set before them: 4 KiB of bitmap.
const STEP: u64 = 1 << 15;
/// Bytes of bitmap that are read at a time.
const BLOCK: usize = 256 << 10;
/// Pages that are looked at: at 4 KiB each, 128 TiB of physical address space.
pub(super) const MAX_PAGES: u64 = 1 << 35;

/// A bit for each page of physical memory, from the lowest bit of the first byte on. It stays in the file.
pub(super) struct Bitmap {
    /// Where it lies.
    at: u64,
    /// Pages that count. Bits of others do not.
    pages: Range<u64>,
    /// Of each [`STEP`] pages, how many set ones that count come before them.
    before: Vec<u64>,
}

impl Bitmap {
    /// Reads a bitmap once: with the runs of its set pages, and their number. What lies behind the end of the file counts as not
    /// set.
    pub(super) fn new(src: &dyn ReadAt, at: u64, pages: Range<u64>) -> (Self, PageRuns, u64) {
        let pages = pages.start..pages.end.min(MAX_PAGES);
        let mut bitmap = Self { at, pages, before: Vec::new() };
        let mut runs = PageRuns::default();
        let mut run = 0..0_u64;
        let mut set = 0;
        let mut block = vec![0; BLOCK];
        let mut page = 0;
        while page < bitmap.pages.end {
            let bytes = (bitmap.pages.end - page).div_ceil(8).min(BLOCK as u64) as usize;
            let read = bitmap.load(src, page, &mut block[..bytes]);
            block[read..].fill(0);
            for step in block[..bytes].chunks(STEP as usize / 8) {
                bitmap.before.push(set);
                if step.iter().all(|byte| *byte == 0) {
                    page += 8 * step.len() as u64;
                    continue;
                }
                for word in step.chunks(8) {
                    let bits = word_of(word);
                    set += u64::from(bits.count_ones());
                    add_word(&mut runs, &mut run, page, bits);
                    page += 8 * word.len() as u64;
                }
            }
            if read < bytes {
                break;
            }
        }
        runs.add(run);
        (bitmap, runs, set)
    }

    /// Which of `pages` are set, and how many set ones come before.
    pub(super) fn look_up(&self, src: &dyn ReadAt, pages: Range<u64>) -> (u64, Vec<bool>) {
        let step = pages.start / STEP;
        let Some(&before) = usize::try_from(step).ok().and_then(|step| self.before.get(step)) else {
            return (0, vec![false; (pages.end - pages.start) as usize]);
        };
        let first = step * STEP;
        let mut bytes = vec![0; (pages.end - first).div_ceil(8) as usize];
        let read = self.load(src, first, &mut bytes);
        bytes[read..].fill(0);
        let is_set = |page: u64| {
            let bit = (page - first) as usize;
            bytes[bit / 8] >> (bit % 8) & 1 == 1
        };
        let (whole, rest) = bytes.split_at((pages.start - first) as usize / 8);
        let begun = rest.first().map_or(0, |byte| byte & ((1 << (pages.start % 8)) - 1));
        let ones: u64 = whole.chunks(8).map(|word| u64::from(word_of(word).count_ones())).sum();
        (before + ones + u64::from(begun.count_ones()), pages.map(is_set).collect())
    }

    /// Bits from `first` on, a multiple of 8, without those that do not count; returns the number of bytes that are there.
    fn load(&self, src: &dyn ReadAt, first: u64, bytes: &mut [u8]) -> usize {
        let read = read_into(src, self.at.saturating_add(first / 8), bytes);
        let end = first + 8 * read as u64;
        if first < self.pages.start || end > self.pages.end {
            for (index, byte) in bytes[..read].iter_mut().enumerate() {
                let page = first + 8 * index as u64;
                if page < self.pages.start || page + 8 > self.pages.end {
                    (0..8).filter(|bit| !self.pages.contains(&(page + bit))).for_each(|bit| *byte &= !(1 << bit));
                }
            }
        }
        read
    }
}

fn word_of(bytes: &[u8]) -> u64 {
    let mut word = [0; 8];
    word[..bytes.len()].copy_from_slice(bytes);
    u64::from_le_bytes(word)
}

/// Goes on with `run`, the run of set pages up to `page`, and hands on those that end.
fn add_word(runs: &mut PageRuns, run: &mut Range<u64>, page: u64, mut bits: u64) {
    let mut at = 0;
    while bits != 0 {
        let zeros = u64::from(bits.trailing_zeros());
        bits >>= zeros;
        let ones = u64::from(bits.trailing_ones());
        bits = bits.checked_shr(ones as u32).unwrap_or(0);
        let start = page + at + zeros;
        if run.end != start {
            runs.add(std::mem::replace(run, start..start));
        }
        run.end = start + ones;
        at += zeros + ones;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_and_runs_are_those_of_the_bits() {
        let mut state = 9_u64;
        let mut bytes = vec![0x55; 3];
        for index in 0..3 * STEP as usize / 8 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            bytes.push(match index / 100 % 3 {
                0 => 0,
                1 => 0xff,
                _ => (state >> 56) as u8,
            });
        }
        let total = 8 * (bytes.len() as u64 - 3);
        for pages in [0..total, 3..total - 5, 40_001..40_002, 40_000..70_000, 0..total + 100, 9..9] {
            let is_set = |page: u64| {
                page < total && pages.contains(&page) && bytes[3 + page as usize / 8] >> (page % 8) & 1 == 1
            };
            let (bitmap, runs, set) = Bitmap::new(&bytes, 3, pages.clone());
            assert_eq!(set, (0..total).filter(|page| is_set(*page)).count() as u64);
            let mut from_runs = vec![false; total as usize];
            for run in runs.extents(1) {
                assert!(!run.is_empty());
                from_runs[run.start as usize..run.end as usize].fill(true);
            }
            assert!((0..total).all(|page| from_runs[page as usize] == is_set(page)), "{pages:?}");
            for first in [0, 1, 7, 8, 63, 64, 32_767, 32_768, 40_001, 65_530, total - 20] {
                let (before, bits) = bitmap.look_up(&bytes, first..first + 20);
                assert_eq!(before, (0..first).filter(|page| is_set(*page)).count() as u64, "{pages:?} {first}");
                assert!(bits.iter().zip(first..).all(|(bit, page)| *bit == is_set(page)), "{pages:?} {first}");
            }
        }
    }
}
