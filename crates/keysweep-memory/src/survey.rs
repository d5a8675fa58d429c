//! The survey: where numbers may lie. One pass over the dump.
//!
//! A key's numbers are drawn at random, so that their bytes are; nearly everything else in a process is not: zeros, small
//! integers, pointers, text. The survey finds the *runs* of random-looking words, and the *structures* of known libraries
//! that say where a number begins and ends.

pub(crate) mod elements;
mod looks;
mod random;
mod texts;

use crate::memory::{Memory, sweep};
use crate::noise::{Care, plausible, random_parts};
use crate::order::{Order, is_sparse};
use crate::search;
use crate::structure::{self, Structure, Trigger, View};
use keysweep_keys::secret::trim_leading_zeros;
use keysweep_match::{Isa, WORDS, WORDS_BYTES, WordLooks, look_at_words};
pub use looks::Looks;
pub use random::looks_random;
pub(crate) use random::looks_random_throughout;
use random::run_looks_random;
use std::borrow::Cow;
use std::ops::Range;
pub use texts::{Alphabet, Text};
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
    /// Offsets of the runs that are nothing but one number whose structure is certain, sorted.
    pub settled: Vec<u64>,
    /// Numbers that are written as text, sorted by offset.
    pub texts: Vec<Text>,
    /// Whether there were more of these than are kept.
    pub more_texts: bool,
    /// Whether there were more than are kept.
    pub overflow: bool,
}

impl Survey {
    /// A survey in which there is nothing.
    pub(crate) fn empty() -> Self {
        Self { spots: vec![Vec::new(); search::all().len()], ..Self::default() }
    }

    /// Whether the run that begins at an offset is nothing but one number whose structure is certain: nothing else needs to be
    /// looked for in it.
    pub fn is_settled(&self, offset: u64) -> bool {
        self.settled.binary_search(&offset).is_ok()
    }

    /// Whether a structure, certain or not, says that all from one offset to another is one number.
    pub(crate) fn is_one_number(&self, from: u64, to: u64) -> bool {
        let first = self.numbers.partition_point(|number| number.offset < from);
        let there = self.numbers[first..].iter().take_while(|number| number.offset == from);
        there.map(|number| from + u64::from(number.len)).any(|end| end == to)
    }

    /// The runs in which anything may lie.
    pub fn open_runs(&self) -> Cow<'_, [Run]> {
        if self.settled.is_empty() {
            return Cow::Borrowed(&self.runs);
        }
        self.runs.iter().filter(|run| !self.is_settled(run.offset)).copied().collect()
    }

    fn settle(&mut self) {
        let run_of = |number: &Number| {
            let at = self.runs.binary_search_by_key(&number.offset, |run| run.offset).ok()?;
            Some(self.runs[at]).filter(|run| run.end() <= number.offset + u64::from(number.len))
        };
        let certain = self.numbers.iter().filter(|number| structure::is_certain(number.structure));
        let mut runs: Vec<Run> = certain.filter_map(run_of).collect();
        runs.dedup();
        self.settled = runs.iter().map(|run| run.offset).collect();
        // What else seems to begin in such a run is made of digits that look like a length.
        let mut runs = runs.into_iter().peekable();
        self.numbers.retain(|number| {
            while runs.next_if(|run| run.end() <= number.offset).is_some() {}
            structure::is_certain(number.structure) || runs.peek().is_none_or(|run| number.offset < run.offset)
        });
    }
}

/// Shortest run that is kept, in words. A key of 256 bits takes four.
pub const MIN_RUN: u64 = 3;
/// Runs, numbers, places that a finder notes, and texts that are kept: some more if the threads do not meet equally many.
const MAX_RUNS: usize = 1 << 20;
const MAX_NUMBERS: usize = 1 << 19;
const MAX_SPOTS: usize = 1 << 18;
const MAX_TEXTS: usize = 1 << 16;
/// Longest number of a structure, in bytes: an RSA modulus of 16384 bits.
const MAX_NUMBER: u32 = 2048;

/// Surveys `memory` on `jobs` threads.
pub fn survey(memory: &dyn Memory, jobs: usize) -> Survey {
    let wakers = Wakers::new();
    let reader = || Reader { jobs, ..Reader::default() };
    let parts = sweep(memory, jobs, reader, |reader, chunk| {
        let view = View::new(chunk, memory);
        reader.read(&view, &wakers);
        reader.spot(&view);
    });
    let mut all = Reader::default();
    all.survey.spots = vec![Vec::new(); search::all().len()];
    all.survey.runs.reserve_exact(parts.iter().map(|part| part.survey.runs.len()).sum());
    all.survey.numbers.reserve_exact(parts.iter().map(|part| part.survey.numbers.len()).sum());
    for part in parts {
        for (all, spots) in all.survey.spots.iter_mut().zip(part.survey.spots) {
            all.extend(spots);
        }
        all.survey.runs.extend(part.survey.runs);
        all.survey.numbers.extend(part.survey.numbers);
        all.survey.texts.extend(part.survey.texts);
        all.survey.more_texts |= part.survey.more_texts;
        all.survey.overflow |= part.survey.overflow;
        all.borders.extend(part.borders);
    }
    all.join_runs(memory);
    let mut survey = all.survey;
    survey.numbers.sort_unstable();
    survey.numbers.dedup();
    survey.texts.sort_unstable();
    survey.texts.dedup();
    survey.spots.iter_mut().for_each(|spots| spots.sort_unstable());
    survey.settle();
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
    /// What the words of the chunk look like.
    looks: Looks,
    /// Threads that read.
    jobs: usize,
}

impl Reader {
    /// Reads the words of a chunk: what is a run, and what wakes a structure.
    fn read(&mut self, view: &View<'_>, wakers: &Wakers) {
        let own = view.chunk.own.clone();
        let end = own.start + (own.end - own.start) / 8 * 8;
        let mut open = OpenRun::default();
        self.looks.clear();
        for at in (own.start..end).step_by(8 * WORDS) {
            let block = block(view.chunk.bytes, at, end);
            if block.iter().fold(0, |all, byte| all | byte) == 0 {
                self.looks.push(WordLooks::default(), false);
                self.close(&mut open, at, view);
                continue;
            }
            let looks = look_at_words(&block, wakers.isa);
            self.looks.push(looks, true);
            if looks.random != 0 || open.start.is_some() {
                self.follow(&mut open, looks, at, view);
            }
            if view.size() == 4 {
                wakers.wake_narrow(&block, at, view, &mut self.found);
            } else if looks.header != 0 {
                wakers.wake(looks.header, at, view, &mut self.found);
            }
            if !self.found.is_empty() {
                self.keep(view);
            }
        }
        self.close(&mut open, end, view);
        self.keep(view);
    }

    /// Goes on with the run that is open, and opens and ends those that begin in a block.
    fn follow(&mut self, open: &mut OpenRun, looks: WordLooks, at: usize, view: &View<'_>) {
        let (random, text) = (looks.random, looks.text);
        if std::mem::take(&mut open.text) && random & 1 == 0 {
            self.close(open, at - 8, view);
        }
        // A word of text between two random ones may be part of a number; after the last word of the block it is seen later.
        let before = random << 1 | u64::from(open.start.is_some());
        let inside = text & before & (random >> 1 | 1 << 63);
        let part = random | inside;
        let mut bit = 0;
        while bit < 64 {
            let rest = part >> bit;
            if open.start.is_none() {
                if rest == 0 {
                    return;
                }
                bit += rest.trailing_zeros();
                open.start = Some(at + 8 * bit as usize);
            } else {
                bit += rest.trailing_ones().min(64 - bit);
                if bit < 64 {
                    self.close(open, at + 8 * bit as usize, view);
                }
            }
        }
        open.text = inside >> 63 != 0;
    }

    /// Ends the open run before `at`, and keeps it if it looks random as a whole.
    fn close(&mut self, open: &mut OpenRun, at: usize, view: &View<'_>) {
        let Some(start) = open.start.take() else { return };
        let own = &view.chunk.own;
        let end = (at - if std::mem::take(&mut open.text) { 8 } else { 0 }).min(own.end);
        // At the border of a chunk a run may go on in the next one, and is judged when all of it is known.
        let border = start == own.start || at + 8 > own.end;
        let bytes = view.chunk.bytes.get(start..end).unwrap_or_default();
        if bytes.is_empty() || (!border && bytes.len() < 8 * MIN_RUN as usize) {
            return;
        }
        if border || run_looks_random(bytes) {
            return self.keep_run(start..end, border, view);
        }
        let parts = parts_amid_code(if bytes.len() > 8 * MIN_RUN as usize { bytes } else { &[] });
        parts.for_each(|part| self.keep_run(start + part.start..start + part.end, false, view));
    }

    fn keep_run(&mut self, run: Range<usize>, border: bool, view: &View<'_>) {
        if self.survey.runs.len() >= self.share(MAX_RUNS) {
            self.survey.overflow = true;
            return;
        }
        let offset = view.offset(run.start);
        self.survey.runs.push(Run { offset, words: (run.len() / 8) as u64 });
        if border {
            self.borders.push(offset);
        }
        for prefix in structure::prefixes() {
            prefix.read(view, run.clone(), &mut self.found);
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

    /// What this thread may keep if all may keep about as much as `all`.
    fn share(&self, all: usize) -> usize {
        2 * all / (self.jobs.max(1) + 1)
    }

    fn spot(&mut self, view: &View<'_>) {
        let (most, most_texts) = (self.share(MAX_SPOTS), self.share(MAX_TEXTS));
        let survey = &mut self.survey;
        texts::find(view, &self.looks, &mut survey.texts);
        survey.texts.extend(view.texts.take().into_iter().filter(|text| text.decode(view.memory).is_some()));
        survey.more_texts |= survey.texts.len() > most_texts;
        survey.texts.truncate(most_texts);
        survey.spots.resize(search::all().len(), Vec::new());
        for (finder, spots) in search::all().iter().zip(&mut survey.spots) {
            finder.spot(view, &self.looks, spots);
            survey.overflow |= spots.len() > most;
            spots.truncate(most);
        }
    }

    /// Keeps the numbers that look random.
    fn keep(&mut self, view: &View<'_>) {
        let most = self.share(MAX_NUMBERS);
        for number in self.found.drain(..) {
            if !(16..=MAX_NUMBER).contains(&number.len) || !number_looks_random(&number, view) {
                continue;
            }
            if self.survey.numbers.len() >= most {
                self.survey.overflow = true;
            } else {
                self.survey.numbers.push(number);
            }
        }
    }
}

/// A run that has begun: where, and whether the last word looks like text.
#[derive(Default)]
struct OpenRun {
    start: Option<usize>,
    text: bool,
}

/// The structures by what wakes them.
struct Wakers {
    structures: [Vec<&'static dyn Structure>; Trigger::ALL.len()],
    isa: Isa,
}

impl Wakers {
    fn new() -> Self {
        let by = |trigger| structure::all().iter().copied().filter(|s| s.trigger() == trigger).collect();
        Self { structures: Trigger::ALL.map(by), isa: Isa::detect() }
    }

    /// Shows the structures the 64-bit words from `at` on whose bits are set.
    fn wake(&self, mut bits: u64, at: usize, view: &View<'_>, found: &mut Vec<Number>) {
        while bits != 0 {
            self.show(at + 8 * bits.trailing_zeros() as usize, view, found);
            bits &= bits - 1;
        }
    }

    /// As [`Wakers::wake`], for the 32-bit words of a block.
    fn wake_narrow(&self, block: &[u8; WORDS_BYTES], at: usize, view: &View<'_>, found: &mut Vec<Number>) {
        let half = |i: usize| block[4 * i..].first_chunk().map_or(0, |half| u64::from(u32::from_le_bytes(*half)));
        for i in 0..2 * WORDS {
            if Trigger::ALL.iter().any(|trigger| trigger.matches(half(i), half(i + 1), 4)) {
                self.show(at + 4 * i, view, found);
            }
        }
    }

    fn show(&self, at: usize, view: &View<'_>, found: &mut Vec<Number>) {
        let (Some(word), next) = (view.machine(at, 0), view.machine(at, 1).unwrap_or(0)) else { return };
        for (trigger, structures) in Trigger::ALL.iter().zip(&self.structures) {
            if trigger.matches(word, next, view.size()) {
                structures.iter().for_each(|structure| structure.read(view, at, found));
            }
        }
    }
}

/// A block of words and the one after it; at the end of the chunk with zeros for what is not there or belongs to another one.
fn block(bytes: &[u8], at: usize, end: usize) -> Cow<'_, [u8; WORDS_BYTES]> {
    let whole = bytes.get(at..).and_then(|rest| rest.first_chunk());
    match whole.filter(|_| at + 8 * WORDS <= end) {
        Some(whole) => Cow::Borrowed(whole),
        None => {
            let mut part = [0; WORDS_BYTES];
            let there = &bytes[at..end.min(at + 8 * WORDS)];
            part[..there.len()].copy_from_slice(there);
            Cow::Owned(part)
        }
    }
}

fn number_looks_random(number: &Number, view: &View<'_>) -> bool {
    let len = number.len as usize;
    let inside = number.offset.checked_sub(view.chunk.offset).and_then(|at| usize::try_from(at).ok());
    let fits = |bytes: &[u8]| match number.order {
        Order::Digits { bits, bytes: size } if is_sparse(bits.into(), size.into()) => {
            number.order.decode(bytes).is_some_and(|value| looks_random_throughout(trim_leading_zeros(&value)))
        }
        Order::Digits { .. } => looks_random_throughout(bytes) && number.order.decode(bytes).is_some(),
        _ => looks_random_throughout(bytes),
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

/// The words of a run that does not look random as a whole in which numbers may lie amid code; without overlaps.
fn parts_amid_code(bytes: &[u8]) -> impl Iterator<Item = Range<usize>> + '_ {
    let mut free = 0;
    random_parts(bytes, SURPLUS).into_iter().filter_map(move |part| {
        if part.len() < 8 * MIN_RUN as usize - 4 || !plausible(&bytes[part.clone()], Care::Low) {
            return None;
        }
        // Where it begins and ends is uncertain by some bytes.
        let from = (part.start / 8 * 8).saturating_sub(8).max(free);
        free = (part.end.next_multiple_of(8) + 8).min(bytes.len());
        (free - from >= 8 * MIN_RUN as usize).then_some(from..free)
    })
}

/// How much more a part of a run that is kept alone is like random bytes than like code, in sixteenths of bits. Of numbers of 32
/// bytes, 6 in 7 are above; of longer ones, nearly all.
const SURPLUS: i64 = 160;

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

    /// Runs word by word, as the documentation says.
    fn plain_runs(memory: &[u8]) -> Vec<Run> {
        let kind = |word: &[u8]| {
            let text = word.iter().all(|b| (0x20..0x80).contains(b));
            let special = word.iter().filter(|b| [0, 255].contains(*b)).count();
            let top = u64::from_le_bytes(word.try_into().unwrap()) >> 47;
            if special >= 3 || top == 0 || top == 0x1_ffff { 0 } else { 1 + u8::from(text) }
        };
        let kinds: Vec<u8> = memory.chunks_exact(8).map(kind).collect();
        let part = |i: usize| {
            let beside = |i: Option<usize>| i.and_then(|i| kinds.get(i)) == Some(&1);
            kinds[i] == 1 || (kinds[i] == 2 && beside(i.checked_sub(1)) && beside(Some(i + 1)))
        };
        let mut runs = Vec::new();
        let mut start = None;
        for i in 0..=kinds.len() {
            match (start, i < kinds.len() && part(i)) {
                (None, true) => start = Some(i),
                (Some(from), false) => {
                    let bytes = &memory[8 * from..8 * i];
                    if i - from >= MIN_RUN as usize && random::run_looks_random(bytes) {
                        runs.push(Run { offset: 8 * from as u64, words: (i - from) as u64 });
                    }
                    start = None;
                }
                _ => {}
            }
        }
        runs
    }

    #[test]
    fn numbers_amid_code_are_in_runs() {
        let (bytes, places) = crate::noise::amid_code(32, 200, 8);
        let runs = survey(&Flat::new(&bytes), 1).runs;
        assert!(runs.is_sorted() && runs.windows(2).all(|pair| pair[0].end() <= pair[1].offset), "{runs:?}");
        let has = |at: &&usize| runs.iter().any(|run| run.offset <= **at as u64 && run.end() >= **at as u64 + 32);
        let found = places.iter().filter(has).count();
        assert!(found >= 180, "{found} of 200");
    }

    #[test]
    fn runs_end_where_they_should() {
        let mut words = random(77);
        let mut memory = Vec::new();
        while memory.len() < (2 << 20) + 1000 {
            let count = 1 + words.next().unwrap() % 40;
            for _ in 0..count {
                let word = words.next().unwrap();
                let bytes = match word >> 8 & 15 {
                    0 => [0; 8],
                    1 => *b"some txt",
                    2 if count.is_multiple_of(3) => *b"and more",
                    _ => words.next().unwrap().to_le_bytes(),
                };
                memory.extend(bytes);
            }
            memory.extend(std::iter::repeat_n(0, 8 * (words.next().unwrap() % 9) as usize));
        }
        let expected = plain_runs(&memory);
        assert!(expected.len() > 5000);
        for jobs in [1, 2] {
            let found = survey(&Flat::at(&memory, 0x7000_0000_0000), jobs).runs;
            for (found, expected) in found.iter().zip(&expected) {
                assert_eq!(found, expected);
            }
            assert_eq!(found.len(), expected.len());
        }
    }

    /// The quick look at a word must let through all that a structure could be woken by.
    #[test]
    fn no_trigger_is_slept_through() {
        let words = [3, 7, 4095, 4096, 65_535, 65_536, 1 << 32 | 1, 4095 << 32 | 4095, 17 << 16 | 1, 17 << 16 | 0xffff];
        let pairs = [(0x7f00_1000, 0x7f00_1080), (0x1_0000, 0x1_0800), (0x1_0000, 0x1_0801), (0x7f00, 0x7f80)];
        let all = words.iter().flat_map(|w| words.iter().map(|v| (*w, *v))).chain(pairs);
        for (word, next) in all {
            let woken = Trigger::ALL.iter().any(|trigger| trigger.matches(word, next, 8));
            let mut block = [0; WORDS_BYTES];
            block[..8].copy_from_slice(&u64::to_le_bytes(word));
            block[8..16].copy_from_slice(&u64::to_le_bytes(next));
            let awake = look_at_words(&block, Isa::Scalar).header & 1 != 0;
            assert!(awake || !woken, "{word:#x} {next:#x}");
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
}
