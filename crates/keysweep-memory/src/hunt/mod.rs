//! Is the private half of a given key in here? Every window of the dump is tried, in every order, wherever it begins: a
//! *no* means that none of them is a number of the key.
//!
//! What agrees with a key becomes a number of the survey, and the search that follows proves and reports it as it does
//! without a given key. So the hunt itself need only be quick to say no.

mod curve;
mod rsa;
#[cfg(test)]
mod tests;

use crate::memory::{Chunk, Memory, sweep};
use crate::search::{self, Effort, Outcome};
use crate::survey::Number;
use keysweep_keys::{Algorithm, PublicKey};
use std::collections::BTreeMap;
use std::ops::Range;

/// Where windows begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// At every multiple of 4 in the address space: all that allocators and compilers do.
    Words,
    /// At every byte.
    Bytes,
}

impl Step {
    fn bytes(self) -> usize {
        match self {
            Step::Words => 4,
            Step::Bytes => 1,
        }
    }
}

/// What was tried.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Tested {
    /// Bytes of the dump that windows were taken of.
    pub bytes: u64,
    /// For each representation how many windows were computed with: those that could be a number drawn at random.
    pub windows: BTreeMap<String, u64>,
}

impl Tested {
    /// Adds what was tried elsewhere.
    pub fn absorb(&mut self, other: &Tested) {
        self.bytes += other.bytes;
        for (name, count) in &other.windows {
            *self.windows.entry(name.clone()).or_default() += count;
        }
    }
}

/// Hunts for the private halves of `keys` in `memory`, on `jobs` threads. Other keys are found as in a search without given keys,
/// with those in `public` known beforehand: it is for the caller to pick out the wanted ones.
pub fn hunt(
    memory: &dyn Memory,
    keys: &[PublicKey],
    public: &[PublicKey],
    step: Step,
    jobs: usize,
) -> (Outcome, Tested) {
    let (hits, tested) = windows(memory, keys, step, jobs);
    let known: Vec<PublicKey> = keys.iter().chain(public).cloned().collect();
    (search::search_with(memory, &known, jobs, Effort::Full, hits), tested)
}

/// Windows kept of one thread. A key has a few dozen copies.
const MAX_HITS: usize = 10_000;

/// Tries every window, and returns those that agree with a key.
fn windows(memory: &dyn Memory, keys: &[PublicKey], step: Step, jobs: usize) -> (Vec<Number>, Tested) {
    let rsa: Vec<_> = keys.iter().filter(|k| k.algorithm == Algorithm::Rsa).filter_map(rsa::Modulus::new).collect();
    let groups = curve::Groups::new(keys);
    let parts = sweep(
        memory,
        jobs,
        || (Vec::new(), Tested::default(), groups.batches()),
        |state, chunk| {
            let (hits, tested, batches) = state;
            tested.bytes += chunk.own.len() as u64;
            let view = Windows::new(chunk, step);
            for modulus in &rsa {
                modulus.try_all(&view, hits, tested);
            }
            groups.try_all(&view, batches, hits, tested);
            hits.truncate(MAX_HITS);
        },
    );
    let mut all = (Vec::new(), Tested::default());
    for (hits, tested, _) in parts {
        all.0.extend(hits);
        all.1.absorb(&tested);
    }
    all
}

/// The windows of a chunk.
struct Windows<'a> {
    chunk: &'a Chunk<'a>,
    step: usize,
    /// Number of words before each word of the chunk that may belong to a number drawn at random.
    alive: Vec<u32>,
}

impl<'a> Windows<'a> {
    fn new(chunk: &'a Chunk<'a>, step: Step) -> Self {
        let words = chunk.bytes.chunks_exact(8);
        let mut alive = Vec::with_capacity(words.len() + 1);
        let mut count = 0;
        alive.push(0);
        alive.extend(words.map(|word| {
            count += u32::from(may_be_random(u64::from_le_bytes(word.try_into().unwrap_or_default())));
            count
        }));
        Self { chunk, step: step.bytes(), alive }
    }

    /// The places at which a window of `len` bytes begins whose whole words, but for one, may all belong to a number drawn at
    /// random.
    fn of_len(&self, len: usize) -> impl Iterator<Item = usize> + '_ {
        let Range { start, end } = self.chunk.own;
        let whole = len / 8;
        (start / 8..end.div_ceil(8)).flat_map(move |word| {
            // A window that begins inside of this word has one whole word less.
            let last = (word + whole).min(self.alive.len() - 1);
            let alive = (self.alive[last] - self.alive[word.min(last)]) as usize;
            let starts = if alive + 2 > whole { 8 * word..(8 * word + 8).min(end) } else { 0..0 };
            starts.step_by(self.step).filter(move |at| at + len <= self.chunk.bytes.len())
        })
    }

    fn bytes(&self, at: usize, len: usize) -> &'a [u8] {
        &self.chunk.bytes[at..at + len]
    }

    fn offset(&self, at: usize) -> u64 {
        self.chunk.offset + at as u64
    }
}

/// Whether a word may belong to a number drawn at random: false for one in 40,000 that does.
fn may_be_random(word: u64) -> bool {
    let low = 0x7f7f_7f7f_7f7f_7f7f;
    let zeros = |word: u64| (!(((word & low) + low) | word) & !low).count_ones();
    zeros(word) + zeros(!word) < 3
}
