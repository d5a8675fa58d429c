//! Is the private half of a given key in here? Every window of the dump is tried, in every order, wherever it begins: a
//! *no* means that none of them is a number of the key.
//!
//! What agrees with a key becomes a number of the survey, and the search that follows proves and reports it as it does
//! without a given key. So the hunt itself need only be quick to say no.

mod curve;
mod exponent;
mod rsa;
mod runs;
mod sieve;
#[cfg(test)]
mod tests;
mod windows;

use crate::memory::{Memory, sweep};
use crate::search::{self, Effort, Outcome};
use crate::survey::Number;
use keysweep_keys::{Algorithm, PublicKey};
use std::cell::RefCell;
use std::collections::BTreeMap;
use windows::Windows;

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

/// Hunts for the private halves of `keys` in `memory`, on `jobs` threads. Some other keys may be found on the way: it is for the
/// caller to pick out the wanted ones.
pub fn hunt(memory: &dyn Memory, keys: &[PublicKey], step: Step, jobs: usize) -> (Outcome, Tested) {
    let tested = RefCell::new(Tested::default());
    let known = |memory: &dyn Memory| {
        let (hits, more) = windows(memory, keys, step, jobs);
        let mut tested = tested.borrow_mut();
        // The dump comes first; what its texts say is no more of it.
        let bytes = tested.bytes.max(more.bytes);
        tested.absorb(&more);
        tested.bytes = bytes;
        hits
    };
    (search::search_with(memory, keys, jobs, Effort::Given, &known), tested.into_inner())
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
        || (Vec::new(), Tested::default(), rsa.iter().map(rsa::Modulus::worker).collect::<Vec<_>>(), groups.worker()),
        |state, chunk| {
            let (hits, tested, moduli, groups) = state;
            tested.bytes += chunk.own.len() as u64;
            let view = Windows::new(chunk, step);
            for modulus in moduli {
                modulus.try_all(&view, hits, tested);
            }
            groups.try_all(&view, hits, tested);
            hits.truncate(MAX_HITS);
        },
    );
    let mut all = (Vec::new(), Tested::default());
    for (mut hits, tested, _, groups) in parts {
        groups.finish(&mut hits);
        all.0.extend(hits);
        all.1.absorb(&tested);
    }
    all
}
