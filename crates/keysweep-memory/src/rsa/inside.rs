//! Inside of runs: allocators without headers put numbers side by side, so that they begin anywhere in a run.

use super::candidates::{Ends, MIN_PRIME_BITS, may_end_a_number};
use super::finder::Search;
use super::limbs::{bits, may_divide};
use super::natural::Natural;
use super::source::End;
use crate::order::Order;
use crate::survey::Run;
use zeroize::Zeroizing;

/// Words of a run that is looked into: shorter ones have no inside, and the longest are no memory of an allocator but
/// compressed or encrypted data.
const WORDS: std::ops::RangeInclusive<u64> = 10..=8192;
/// Bytes between two primes of a key side by side with others: five numbers of 512 bytes.
const SPAN: usize = 2560;
/// Steps that a look at a window takes, if most fall at the first hurdle.
const WINDOW: usize = 8;

impl Search<'_> {
    pub(super) fn inside_runs(&mut self) {
        self.neighbours();
        self.windows();
    }

    fn inner_runs(&self) -> impl Iterator<Item = &Run> {
        self.context.survey.runs.iter().filter(|run| WORDS.contains(&run.words))
    }

    /// Primes side by side, at the alignment that allocators give to numbers: as fine a one as can be afforded.
    fn neighbours(&mut self) {
        let words: u64 = self.inner_runs().map(|run| run.words).sum();
        // Half of all low limbs are odd.
        let cost = |stride: usize| (4 * words as usize / stride).saturating_mul(SPAN / stride / 2);
        let Some(stride) = [8, 16, 32, 64].into_iter().find(|stride| cost(*stride) <= self.steps) else { return };
        for order in [Order::Little, Order::Big] {
            let ends = self.inner_ends(order, stride as u64);
            let others = self.candidates.ends.clone();
            self.join(&ends, SPAN / stride / 2, ends.moduli().chain(others.moduli()));
        }
    }

    /// Ends inside of runs at multiples of `stride` in the address space.
    fn inner_ends(&mut self, order: Order, stride: u64) -> Ends {
        let runs: Vec<Run> = self.inner_runs().copied().collect();
        let room = runs.iter().map(|run| (8 * run.words / stride) as usize + 2).sum();
        let (mut lows, mut list) = (Zeroizing::new(Vec::with_capacity(room)), Vec::with_capacity(room));
        for run in runs {
            let address = self.context.memory.address_of(run.offset).unwrap_or(run.offset);
            let first = run.offset + (address.wrapping_neg() & (stride - 1));
            for at in (first..run.end() + 1).step_by(stride as usize) {
                let end = End { at, order };
                let low = self.source.low(end);
                if may_end_a_number(low) {
                    lows.push(low);
                    list.push(end);
                }
            }
        }
        Ends::inside(lows, list)
    }

    /// Known moduli, divided by every window of half their size: a prime without the other one.
    fn windows(&mut self) {
        let mut left = self.steps / WINDOW;
        // From the most likely to the least: limbs, byte strings, arrays of Java, what is not aligned.
        let mut grids = vec![(Order::Little, 0), (Order::BigWords32, 0), (Order::Big, 0)];
        grids.extend([(Order::Little, 4), (Order::BigWords32, 4)]);
        grids.extend((1..8).map(|shift| (Order::Big, shift)));
        grids.extend([1, 2, 3, 5, 6, 7].map(|shift| (Order::Little, shift)));
        let words: usize = self.inner_runs().map(|run| run.words as usize).sum();
        for modulus in self.known.clone() {
            for (order, shift) in &grids {
                if self.has(&modulus.n) || left < words {
                    break;
                }
                left -= words;
                if let Some(p) = self.window_that_divides(&modulus.n, *order, *shift) {
                    self.learn_divisor(&modulus.n, &p);
                }
            }
        }
    }

    /// A window of half the size of `n` that divides it.
    fn window_that_divides(&mut self, n: &Natural, order: Order, shift: u64) -> Option<Natural> {
        let half = n.bits().div_ceil(2);
        if half < MIN_PRIME_BITS {
            return None;
        }
        let len = u64::from(half.div_ceil(64)) * 8;
        let runs: Vec<Run> = self.inner_runs().copied().collect();
        runs.iter().find_map(|run| {
            let last = (run.end() + 8).checked_sub(len)?;
            (run.offset + shift..=last).step_by(8).find_map(|at| self.divisor_at(n, End::of(at, len, order), half))
        })
    }

    /// The number of `half` bits that ends at a place, if it divides `n`.
    fn divisor_at(&mut self, n: &Natural, end: End, half: u32) -> Option<Natural> {
        let count = half.div_ceil(64);
        // A prime of this size has this many bits, neither more nor fewer.
        let top = self.source.limb(end, count - 1) >> ((half - 1) % 64);
        if top != 1 || !may_end_a_number(self.source.limb(end, 0)) {
            return None;
        }
        let limbs = self.source.limbs(end, count as usize);
        if bits(&limbs) != half || !may_divide(n.limbs(), n.bits(), &limbs, half) {
            return None;
        }
        let p = Natural::from_limbs(&limbs);
        n.exactly(&p).map(|_| p)
    }
}
