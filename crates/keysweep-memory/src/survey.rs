//! The survey: where numbers may lie. One pass over the dump.
//!
//! A key's numbers are drawn at random, so that their bytes are; nearly everything else in a process is not: zeros, small
//! integers, pointers, text. The survey finds the *runs* of random-looking words, and the *structures* of known libraries
//! that say where a number begins and ends.

use crate::memory::{Memory, sweep};
use crate::order::Order;
use crate::search;
use crate::structure::{self, Trigger, View};

/// A maximal run of 64-bit words that look random.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Run {
    /// Offset in the file of the first word.
    pub offset: u64,
    /// Number of words, at least [`MIN_RUN`].
    pub words: u64,
}

impl Run {
    /// The offset after the last word.
    pub fn end(&self) -> u64 {
        self.offset + 8 * self.words
    }
}

/// A number that a structure of a known library holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Number {
    /// Offset in the file of the first byte of the digits.
    pub offset: u64,
    /// Bytes of the digits.
    pub len: u32,
    /// How the digits lie.
    pub order: Order,
    /// The structure, for reports.
    pub structure: &'static str,
}

/// What a survey found.
#[derive(Debug, Default)]
pub struct Survey {
    /// Sorted by offset, without overlaps.
    pub runs: Vec<Run>,
    /// Sorted by offset, without repetition.
    pub numbers: Vec<Number>,
    /// For each finder in [`search::all`] the file offsets it noted, sorted.
    pub spots: Vec<Vec<u64>>,
    /// Whether there were more than are kept.
    pub overflow: bool,
}

/// Shortest run that is kept, in words. A key of 256 bits takes four.
pub const MIN_RUN: u64 = 3;
/// Runs and numbers that one thread keeps.
const MAX_KEPT: usize = 1 << 20;
/// Longest number of a structure, in bytes: an RSA modulus of 16384 bits.
const MAX_NUMBER: u32 = 2048;

/// Surveys `memory` on `jobs` threads.
pub fn survey(memory: &dyn Memory, jobs: usize) -> Survey {
    let parts = sweep(memory, jobs, Survey::default, |state, chunk| {
        let view = View { chunk, memory };
        state.runs(&view);
        state.structures(&view);
        state.spot(&view);
    });
    let mut all = Survey { spots: vec![Vec::new(); search::all().len()], ..Survey::default() };
    for part in parts {
        for (all, spots) in all.spots.iter_mut().zip(part.spots) {
            all.extend(spots);
        }
        all.runs.extend(part.runs);
        all.numbers.extend(part.numbers);
        all.overflow |= part.overflow;
    }
    all.runs.sort_unstable();
    // A run across the border of two chunks was seen in two parts.
    all.runs.dedup_by(|next, last| {
        let adjacent = last.end() == next.offset;
        if adjacent {
            last.words += next.words;
        }
        adjacent
    });
    all.runs.retain(|run| run.words >= MIN_RUN);
    all.numbers.sort_unstable();
    all.numbers.dedup();
    all.spots.iter_mut().for_each(|spots| spots.sort_unstable());
    all
}

impl Survey {
    fn runs(&mut self, view: &View<'_>) {
        let chunk = view.chunk;
        let own = &chunk.bytes[chunk.own.clone()];
        let whole = own.len() / 8 * 8;
        let mut start = None;
        let mut weak = 0;
        let mut close = |from: usize, to: usize, inner: bool| {
            // At the border of a chunk a short run may go on in the next one.
            if to - from >= 8 * MIN_RUN as usize || (!inner && to > from) {
                if self.runs.len() >= MAX_KEPT {
                    self.overflow = true;
                } else {
                    let offset = chunk.offset + (chunk.own.start + from) as u64;
                    self.runs.push(Run { offset, words: ((to - from) / 8) as u64 });
                }
            }
        };
        for (index, word) in own.chunks_exact(8).enumerate() {
            let at = 8 * index;
            match Look::of(u64::from_le_bytes(word.try_into().unwrap_or_default()), view) {
                Look::Random => {
                    start.get_or_insert(at);
                    weak = 0;
                }
                // One such word alone may be part of a number.
                Look::Text if start.is_some() && weak == 0 => weak = 1,
                _ => {
                    if let Some(from) = start.take() {
                        close(from, at - 8 * weak, from != 0);
                    }
                    weak = 0;
                }
            }
        }
        if let Some(from) = start {
            close(from, whole - 8 * weak, false);
        }
    }

    fn structures(&mut self, view: &View<'_>) {
        let chunk = view.chunk;
        let mut found = Vec::new();
        for at in chunk.own.clone().step_by(8) {
            let Some(word) = view.word(at, 0) else { break };
            let Some(trigger) = trigger(word) else { continue };
            for structure in structure::all().iter().filter(|s| s.trigger() == trigger) {
                structure.read(view, at, &mut found);
            }
            for number in found.drain(..) {
                self.keep(number, view);
            }
        }
    }

    fn spot(&mut self, view: &View<'_>) {
        self.spots.resize(search::all().len(), Vec::new());
        for (finder, spots) in search::all().iter().zip(&mut self.spots) {
            finder.spot(view, spots);
            self.overflow |= spots.len() > MAX_KEPT;
            spots.truncate(MAX_KEPT);
        }
    }

    fn keep(&mut self, number: Number, view: &View<'_>) {
        if !(16..=MAX_NUMBER).contains(&number.len) {
            return;
        }
        if self.numbers.len() >= MAX_KEPT {
            self.overflow = true;
            return;
        }
        if view.memory.bytes(number.offset, number.len as usize).is_some_and(|bytes| looks_random(&bytes)) {
            self.numbers.push(number);
        }
    }
}

fn trigger(word: u64) -> Option<Trigger> {
    let (low, high) = (word as u32, (word >> 32) as u32);
    let pair = low.wrapping_sub(1) < 4095 && high.wrapping_sub(1) < 4095;
    if pair {
        Some(Trigger::Pair)
    } else if high == 0 && low.wrapping_sub(1) < 65535 {
        Some(Trigger::Small)
    } else {
        None
    }
}

/// What a word looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Look {
    Random,
    /// Printable ASCII throughout: one random word in 3,000 looks so.
    Text,
    Other,
}

impl Look {
    fn of(word: u64, view: &View<'_>) -> Self {
        // Small integers of either sign, and words with many bytes of 0 or 255: one random word in 40,000 looks so.
        if word >> 32 == 0 || word >> 32 == 0xffff_ffff || zero_bytes(word) + zero_bytes(!word) >= 3 {
            return Look::Other;
        }
        if word >> 48 == 0 && view.memory.locate(word).is_some() {
            return Look::Other;
        }
        let high_bits = 0x8080_8080_8080_8080;
        if word & high_bits == 0 && word.to_le_bytes().iter().all(|b| (0x20..0x7f).contains(b)) {
            return Look::Text;
        }
        Look::Random
    }
}

/// Number of zero bytes in a word.
fn zero_bytes(word: u64) -> u32 {
    let low = 0x7f7f_7f7f_7f7f_7f7f;
    // The high bit of each byte of the sum is set unless its seven low bits are zero.
    let nonzero = ((word & low) + low) | word;
    (!nonzero & !low).count_ones()
}

/// Whether bytes could have been drawn at random. True for all but about one in a million truly random strings of 16
/// bytes and more; false for text, code tables, padding and pointers.
pub fn looks_random(bytes: &[u8]) -> bool {
    let sample = &bytes[..bytes.len().min(256)];
    let mut seen = [false; 256];
    sample.iter().for_each(|b| seen[usize::from(*b)] = true);
    let distinct = seen.iter().filter(|s| **s).count();
    let (half_text, len) = (sample.iter().filter(|b| (0x20..0x7f).contains(*b)).count(), sample.len());
    // Expected distinct values of 16, 32, 64, 128, 256 random bytes: 15.5, 30.1, 56.6, 100.7, 162.
    let enough = match len {
        0..=15 => return false,
        16..=31 => 10,
        32..=63 => 21,
        64..=127 => 42,
        128..=255 => 80,
        _ => 132,
    };
    distinct >= enough && half_text < len * 9 / 10
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::Flat;

    fn random(seed: u64) -> impl Iterator<Item = u64> {
        let mut state = seed | 1;
        std::iter::repeat_with(move || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state.wrapping_mul(0x2545_f491_4f6c_dd1d)
        })
    }

    #[test]
    fn zero_bytes_are_counted() {
        for (word, count) in [(0, 8), (u64::MAX, 0), (0x0100_0000_0000_00ff, 6), (0x8000_7f00_0180_ff00, 3)] {
            assert_eq!(zero_bytes(word), count, "{word:#x}");
        }
    }

    #[test]
    fn runs_are_found_wherever_they_lie() {
        let mut memory = vec![0u8; 5 << 20];
        let mut planted = Vec::new();
        let mut words = random(7);
        for (index, at) in
            [0, 4096, (1 << 20) - 64, (1 << 20) + 4096 + 8, (2 << 20) - 8, (5 << 20) - 256].iter().enumerate()
        {
            let len = [4, 16, 32, 8, 9, 32][index];
            for (i, word) in words.by_ref().take(len).enumerate() {
                memory[at + 8 * i..][..8].copy_from_slice(&word.to_le_bytes());
            }
            planted.push(Run { offset: *at as u64, words: len as u64 });
        }
        for jobs in [1, 2] {
            assert_eq!(survey(&Flat::at(&memory, 0x7000_0000_0000), jobs).runs, planted);
        }
    }

    #[test]
    fn random_bytes_look_random_and_others_do_not() {
        let mut words = random(3);
        let mut missed = 0;
        for _ in 0..20_000 {
            let bytes: Vec<u8> = words.by_ref().take(4).flat_map(u64::to_le_bytes).collect();
            missed += u32::from(!looks_random(&bytes));
        }
        assert!(missed <= 1, "{missed}");
        assert!(!looks_random(&[0; 32]) && !looks_random(b"The quick brown fox jumps over the lazy dog, twice."));
    }
}
