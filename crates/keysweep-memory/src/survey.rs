//! The survey: where numbers may lie. One pass over the dump.
//!
//! A key's numbers are drawn at random, so that their bytes are; nearly everything else in a process is not: zeros, small
//! integers, pointers, text. The survey finds the *runs* of random-looking words, and the *structures* of known libraries
//! that say where a number begins and ends.

mod random;
mod words;

use crate::memory::{Memory, sweep};
use crate::order::Order;
use crate::search;
use crate::structure::{self, Structure, Trigger, View};
pub use random::looks_random;
use random::{looks_random_throughout, run_looks_random};
use words::{BLOCK, Look};
use zeroize::Zeroizing;

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
    let wakers = Wakers::new();
    let parts = sweep(memory, jobs, Reader::default, |reader, chunk| {
        let view = View::new(chunk, memory);
        reader.read(&view, &wakers);
        reader.spot(&view);
    });
    let mut all = Reader::default();
    all.survey.spots = vec![Vec::new(); search::all().len()];
    for part in parts {
        for (all, spots) in all.survey.spots.iter_mut().zip(part.survey.spots) {
            all.extend(spots);
        }
        all.survey.runs.extend(part.survey.runs);
        all.survey.numbers.extend(part.survey.numbers);
        all.survey.overflow |= part.survey.overflow;
        all.borders.extend(part.borders);
    }
    all.join_runs(memory);
    let mut survey = all.survey;
    survey.numbers.sort_unstable();
    survey.numbers.dedup();
    survey.spots.iter_mut().for_each(|spots| spots.sort_unstable());
    survey
}

/// What one thread has seen.
#[derive(Default)]
struct Reader {
    survey: Survey,
    /// Offsets of the runs that touch the border of a chunk, and were not judged.
    borders: Vec<u64>,
    /// Numbers that are not yet judged.
    found: Vec<Number>,
}

impl Reader {
    /// Reads the words of a chunk: what is a run, and what wakes a structure.
    fn read(&mut self, view: &View<'_>, wakers: &Wakers) {
        let own = view.chunk.own.clone();
        let end = own.start + (own.end - own.start) / 8 * 8;
        let mut open = OpenRun::default();
        for at in (own.start..end).step_by(8 * BLOCK) {
            let words = block(view.chunk.bytes, at, end);
            if words.iter().fold(0, |all, word| all | word) == 0 {
                self.close(&mut open, at, view);
                continue;
            }
            let look = Look::of(&words);
            if look.random | look.text != 0 || open.start.is_some() {
                self.follow(&mut open, look, at, view);
            }
            if view.size() == 4 {
                wakers.wake(words::wakes_32(&words), at, view, &mut self.found);
            } else if look.wake != 0 {
                wakers.wake(look.wake.into(), at, view, &mut self.found);
            }
            if !self.found.is_empty() {
                self.keep(view);
            }
        }
        self.close(&mut open, end, view);
        self.keep(view);
    }

    /// Goes on with the run that is open, or opens one, word by word.
    fn follow(&mut self, open: &mut OpenRun, look: Look, at: usize, view: &View<'_>) {
        if look.random == 0xff && open.start.is_some() {
            open.weak = 0;
            return;
        }
        for i in 0..BLOCK {
            if look.random >> i & 1 != 0 {
                open.start.get_or_insert(at + 8 * i);
                open.weak = 0;
            } else if look.text >> i & 1 != 0 && open.start.is_some() && open.weak == 0 {
                // One such word alone may be part of a number.
                open.weak = 1;
            } else if open.start.is_some() {
                self.close(open, at + 8 * i, view);
            }
        }
    }

    /// Ends the open run before `at`, and keeps it if it looks random as a whole.
    fn close(&mut self, open: &mut OpenRun, at: usize, view: &View<'_>) {
        let Some(start) = open.start.take() else { return };
        let own = &view.chunk.own;
        let end = (at - 8 * std::mem::take(&mut open.weak)).min(own.end);
        // At the border of a chunk a run may go on in the next one, and is judged when all of it is known.
        let border = start == own.start || at + 8 > own.end;
        let bytes = view.chunk.bytes.get(start..end).unwrap_or_default();
        if bytes.is_empty() || (!border && (bytes.len() < 8 * MIN_RUN as usize || !run_looks_random(bytes))) {
            return;
        }
        if self.survey.runs.len() >= MAX_KEPT {
            self.survey.overflow = true;
            return;
        }
        let offset = view.offset(start);
        self.survey.runs.push(Run { offset, words: (bytes.len() / 8) as u64 });
        if border {
            self.borders.push(offset);
        }
        for prefix in structure::prefixes() {
            prefix.read(view, start..end, &mut self.found);
        }
    }

    /// Joins the parts of runs that go across borders of chunks, and judges what touches one.
    fn join_runs(&mut self, memory: &dyn Memory) {
        let runs = &mut self.survey.runs;
        runs.sort_unstable();
        self.borders.sort_unstable();
        runs.dedup_by(|next, last| {
            let adjacent = last.end() == next.offset;
            if adjacent {
                last.words += next.words;
            }
            adjacent
        });
        let borders = &self.borders;
        runs.retain(|run| {
            run.words >= MIN_RUN && (borders.binary_search(&run.offset).is_err() || some_part_looks_random(memory, run))
        });
    }

    fn spot(&mut self, view: &View<'_>) {
        let survey = &mut self.survey;
        survey.spots.resize(search::all().len(), Vec::new());
        for (finder, spots) in search::all().iter().zip(&mut survey.spots) {
            finder.spot(view, spots);
            survey.overflow |= spots.len() > MAX_KEPT;
            spots.truncate(MAX_KEPT);
        }
    }

    /// Keeps the numbers that look random.
    fn keep(&mut self, view: &View<'_>) {
        for number in self.found.drain(..) {
            if !(16..=MAX_NUMBER).contains(&number.len) || !number_looks_random(&number, view) {
                continue;
            }
            if self.survey.numbers.len() >= MAX_KEPT {
                self.survey.overflow = true;
            } else {
                self.survey.numbers.push(number);
            }
        }
    }
}

/// A run that has begun: where, and how many words at its end look like text.
#[derive(Default)]
struct OpenRun {
    start: Option<usize>,
    weak: usize,
}

/// The structures by what wakes them.
struct Wakers([Vec<&'static dyn Structure>; Trigger::ALL.len()]);

impl Wakers {
    fn new() -> Self {
        Self(Trigger::ALL.map(|trigger| structure::all().iter().copied().filter(|s| s.trigger() == trigger).collect()))
    }

    /// Shows the structures the words at `at` whose bits are set.
    fn wake(&self, mut bits: u32, at: usize, view: &View<'_>, found: &mut Vec<Number>) {
        while bits != 0 {
            let at = at + view.size() * bits.trailing_zeros() as usize;
            bits &= bits - 1;
            let (Some(word), next) = (view.machine(at, 0), view.machine(at, 1).unwrap_or(0)) else { continue };
            for (trigger, structures) in Trigger::ALL.iter().zip(&self.0) {
                if trigger.matches(word, next, view.size()) {
                    structures.iter().for_each(|structure| structure.read(view, at, found));
                }
            }
        }
    }
}

/// A block of words and the one after it; zeros beyond the chunk and its margin, and no words of its own beyond `end`.
fn block(bytes: &[u8], at: usize, end: usize) -> [u64; BLOCK + 1] {
    let mut words = [0; BLOCK + 1];
    if let Some(whole) = bytes.get(at..at + 8 * (BLOCK + 1)).filter(|_| at + 8 * BLOCK <= end) {
        for (word, bytes) in words.iter_mut().zip(whole.chunks_exact(8)) {
            *word = u64::from_le_bytes(bytes.try_into().unwrap_or_default());
        }
    } else {
        for (word, bytes) in words.iter_mut().zip(bytes[at..end].chunks_exact(8)) {
            *word = u64::from_le_bytes(bytes.try_into().unwrap_or_default());
        }
    }
    words
}

fn number_looks_random(number: &Number, view: &View<'_>) -> bool {
    let len = number.len as usize;
    let inside = number.offset.checked_sub(view.chunk.offset).and_then(|at| usize::try_from(at).ok());
    let fits = |bytes: &[u8]| {
        let digits = matches!(number.order, Order::Digits { .. });
        looks_random_throughout(bytes) && (!digits || number.order.decode(bytes).is_some())
    };
    if let Some(bytes) = inside.and_then(|at| view.chunk.bytes.get(at..at.checked_add(len)?)) {
        return fits(bytes);
    }
    // Most headers lead to something else: a few bytes show it.
    let mut head = Zeroizing::new([0; 16]);
    view.memory.read_at(number.offset, &mut *head) == 16
        && looks_random(&*head)
        && view.memory.bytes(number.offset, len).is_some_and(|bytes| fits(&bytes))
}

/// As [`run_looks_random`], for a run that is read again.
fn some_part_looks_random(memory: &dyn Memory, run: &Run) -> bool {
    const PIECE: u64 = 64 << 10;
    (run.offset..run.end())
        .step_by(PIECE as usize)
        .any(|at| memory.bytes(at, (run.end() - at).min(PIECE) as usize).is_some_and(|bytes| run_looks_random(&bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::Flat;

    pub(super) fn random(seed: u64) -> impl Iterator<Item = u64> {
        let mut state = seed | 1;
        std::iter::repeat_with(move || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state.wrapping_mul(0x2545_f491_4f6c_dd1d)
        })
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
}
