//! Inside of runs: allocators without headers put numbers side by side, so that they begin anywhere in a run.

use super::candidates::{Ends, may_end_a_number};
use super::finder::Search;
use super::source::{End, Source};
use crate::order::Order;
use crate::survey::Run;
use std::sync::Arc;

/// Words of a run that is looked into: shorter ones have no inside, and the longest are no memory of an allocator but
/// compressed or encrypted data.
const WORDS: std::ops::RangeInclusive<u64> = 10..=8192;
/// Bytes between two primes of a key side by side with others: five numbers of 512 bytes.
const SPAN: usize = 2560;
/// Steps that it takes to read an end and to put it into a set.
const END: usize = 32;
/// Runs whose ends are read at a time.
const BATCH: usize = 256;
/// Ends that are joined at a time.
const GROUP: usize = 1 << 18;

impl Search<'_> {
    pub(super) fn inside_runs(&mut self) {
        self.neighbours();
        let runs: Vec<Run> = self.inner_runs().copied().collect();
        self.windows(&runs);
    }

    fn inner_runs(&self) -> impl Iterator<Item = &Run> {
        self.context.survey.runs.iter().filter(|run| WORDS.contains(&run.words))
    }

    /// Primes side by side, at the alignment that allocators give to numbers: as fine a one as can be afforded.
    fn neighbours(&mut self) {
        let words: u64 = self.inner_runs().map(|run| run.words).sum();
        // Half of all low limbs are odd.
        let ends = |stride: usize| 4 * words as usize / stride;
        let cost = |stride: usize| ends(stride).saturating_mul(SPAN / stride / 2 + END);
        let Some(stride) = [8, 16, 32, 64].into_iter().find(|stride| cost(*stride) <= self.steps) else { return };
        let runs: Vec<Run> = self.inner_runs().copied().collect();
        for order in [Order::Little, Order::Big] {
            for group in groups(&runs, (GROUP * stride / 4) as u64) {
                let ends = self.inner_ends(group, order, stride as u64);
                self.join_group(&ends, stride);
            }
        }
    }

    /// Pairs of primes in a group whose modulus is in the same group, or anywhere at the end of a run.
    fn join_group(&mut self, group: &Ends, stride: usize) {
        let others = Arc::clone(&self.candidates.ends);
        self.join(group, SPAN / stride / 2, group.moduli().chain(others.near_moduli()));
    }

    /// Ends inside of runs at multiples of `stride` in the address space.
    fn inner_ends(&self, runs: &[Run], order: Order, stride: u64) -> Ends {
        let batches: Vec<&[Run]> = runs.chunks(BATCH).collect();
        let parts = self.in_parallel(batches.len(), |batch| {
            let mut source = Source::new(self.context.memory);
            let room = batches[batch].iter().map(|run| (8 * run.words / stride) as usize + 2).sum();
            let mut ends = Ends::with_capacity(room);
            for run in batches[batch] {
                let address = self.context.memory.address_of(run.offset).unwrap_or(run.offset);
                let first = run.offset + (address.wrapping_neg() & (stride - 1));
                for at in (first..run.end() + 1).step_by(stride as usize) {
                    let end = End { at, order };
                    let low = source.low(end);
                    if may_end_a_number(low) {
                        ends.push_inside(low, end);
                    }
                }
            }
            Some(ends)
        });
        let mut all = Ends::with_capacity(parts.iter().map(|(_, ends)| ends.lows.len()).sum());
        parts.iter().for_each(|(_, ends)| all.append(ends));
        all
    }
}

/// Runs in groups of about as many words; one that is longer is a group of its own.
fn groups(runs: &[Run], words: u64) -> impl Iterator<Item = &[Run]> {
    let mut sum = 0;
    runs.chunk_by(move |run, next| {
        sum += run.words;
        let together = sum + next.words <= words;
        if !together {
            sum = 0;
        }
        together
    })
}
