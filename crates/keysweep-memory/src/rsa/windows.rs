//! One prime inside of a run, without the other one: known moduli are divided by what lies there.

use super::candidates::{MIN_PRIME_BITS, may_end_a_number};
use super::finder::Search;
use super::limbs::may_divide;
use super::natural::Natural;
use super::sieve::has_no_small_factor;
use crate::order::Order;
use crate::survey::Run;
use std::collections::BTreeMap;
use zeroize::Zeroizing;

/// Windows of random words that look like a prime of a given size, one in so many: by their top bits, lowest limb and small factors.
const RARE: usize = 12;
/// Steps that a look at a window takes, if it falls at the first hurdle.
const LOOK: usize = 4;
/// How numbers lie, and bytes beyond a word, from the most likely to the least: limbs, byte strings, arrays of Java, what is not
/// aligned.
const GRIDS: [(Order, usize); 18] = [
    (Order::Little, 0),
    (Order::BigWords32, 0),
    (Order::Big, 0),
    (Order::Little, 4),
    (Order::BigWords32, 4),
    (Order::Big, 4),
    (Order::Big, 1),
    (Order::Big, 2),
    (Order::Big, 3),
    (Order::Big, 5),
    (Order::Big, 6),
    (Order::Big, 7),
    (Order::Little, 2),
    (Order::Little, 6),
    (Order::Little, 1),
    (Order::Little, 3),
    (Order::Little, 5),
    (Order::Little, 7),
];

/// Known moduli of about one size, by their indices, and what their primes have in common if they are of the same size.
struct Group {
    /// Bits of a prime.
    bits: u32,
    /// The least that its top limb may be.
    least: u64,
    moduli: Vec<usize>,
}

impl Group {
    fn limbs(&self) -> usize {
        self.bits.div_ceil(64) as usize
    }

    /// What a window costs for each modulus, times [`RARE`].
    fn cost(&self) -> usize {
        self.limbs() * (self.limbs() + 2) / 2
    }

    /// Whether limbs may be a prime of one of the moduli.
    fn may_hold(&self, limbs: &[u64]) -> bool {
        let Some((top, low)) = limbs.last().zip(limbs.first()) else { return false };
        *top >= self.least && top >> ((self.bits - 1) % 64) == 1 && may_end_a_number(*low) && has_no_small_factor(limbs)
    }
}

impl Search<'_> {
    /// Known moduli, divided by every window of half their size in `runs`: as many of both as can be afforded.
    pub(super) fn windows(&mut self, runs: &[Run]) {
        let words: usize = runs.iter().map(|run| run.words as usize).sum();
        let mut left = 3 * self.steps;
        for (order, shift) in GRIDS {
            // Half of what is left, so that something is left for other orders.
            let mut budget = left / 2;
            let groups = self.groups(words, &mut budget);
            left -= left / 2 - budget;
            if groups.is_empty() {
                return;
            }
            let found = self.in_parallel(runs.len(), |index| {
                let found = self.divisors_in(&runs[index], order, shift, &groups);
                Some(found).filter(|found| !found.is_empty())
            });
            for (index, p) in found.into_iter().flat_map(|(_, found)| found) {
                let n = self.known[index].n.clone();
                self.learn_divisor(&n, &p);
            }
        }
    }

    /// The moduli that are tried, smaller ones first; takes what they cost from `budget`.
    fn groups(&self, words: usize, budget: &mut usize) -> Vec<Group> {
        let mut groups: BTreeMap<u32, Group> = BTreeMap::new();
        for (index, modulus) in self.sought() {
            let bits = modulus.n.bits().div_ceil(2);
            if bits < MIN_PRIME_BITS {
                continue;
            }
            // A prime is more than the modulus divided by what the other one is below.
            let least =
                modulus.n.shifted_down(bits).limbs().get((bits.div_ceil(64) - 1) as usize).copied().unwrap_or(0);
            let group = groups.entry(bits).or_insert(Group { bits, least, moduli: Vec::new() });
            group.least = group.least.min(least);
            group.moduli.push(index);
        }
        let afford = |mut group: Group| {
            let all = budget.checked_sub(words.saturating_mul(LOOK))?;
            let each = words.saturating_mul(group.cost()).div_ceil(RARE).max(1);
            group.moduli.truncate(all / each);
            if group.moduli.is_empty() {
                return None;
            }
            *budget = all - each * group.moduli.len();
            Some(group)
        };
        groups.into_values().filter_map(afford).collect()
    }

    /// What of a run divides a known modulus, with the modulus's index.
    fn divisors_in(&self, run: &Run, order: Order, shift: usize, groups: &[Group]) -> Vec<(usize, Natural)> {
        // The last word of a number does not always look random.
        let mut bytes = Zeroizing::new(vec![0; 8 * run.words as usize + 8]);
        let read = self.context.memory.read_at(run.offset, &mut bytes);
        let word = |chunk: &[u8]| u64::from_le_bytes(chunk.try_into().unwrap_or_default());
        let words = bytes[..read].get(shift..).unwrap_or_default().chunks_exact(8).map(word);
        let limbs: Zeroizing<Vec<u64>> = Zeroizing::new(match order {
            Order::Big => words.rev().map(u64::swap_bytes).collect(),
            Order::BigWords32 => words.rev().map(|word| word.rotate_left(32)).collect(),
            _ => words.collect(),
        });
        let mut found = Vec::new();
        for group in groups {
            for window in limbs.windows(group.limbs()).filter(|window| group.may_hold(window)) {
                let divides = |index: &&usize| {
                    let n = &self.known[**index].n;
                    may_divide(n.limbs(), n.bits(), window, group.bits)
                };
                let divided = group.moduli.iter().filter(divides);
                found.extend(divided.map(|index| (*index, Natural::from_limbs(window))));
                if found.len() > MAX_FOUND {
                    return found;
                }
            }
        }
        found
    }
}

/// Divisors that are kept of a run.
const MAX_FOUND: usize = 64;
