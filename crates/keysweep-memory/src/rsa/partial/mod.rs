//! Primes of which a part is lost: an allocator has written over the memory of a number that was freed, or a page is missing. Where
//! the modulus is known, and no key of it was found, the rest of a prime is enough if it is more than half of it.
//!
//! Two thirds of a prime at one of its ends take some microseconds (`ends`), less than that takes milliseconds (`polynomial`). So
//! the first is tried at many `places`, the second at few, and what both may take is bounded.

mod ends;
mod float;
mod lattice;
mod places;
mod plane;
mod polynomial;
mod remains;
#[cfg(test)]
mod tests;

use super::candidates::MIN_PRIME_BITS;
use super::finder::Search;
use super::natural::Natural;
use super::source::Source;
use crate::order::Order;
use crate::search::Effort;
pub(super) use ends::{from_low, most_lost};
use places::{Rank, Side, Window};
use polynomial::Hole;
pub(super) use remains::{Remains, forms, merge, place};
use zeroize::Zeroizing;

/// What may be spent on this.
#[derive(Clone, Copy)]
struct Budget {
    /// Looks at places with a modulus of 2048 bits, of some 15 µs each.
    looks: usize,
    /// Reductions of lattices for larger holes, in multiplications of limbs of some 2 ns each.
    effort: u64,
}

/// Looks, and multiplications of limbs, of a search that has no key given: a tenth of a second of one core, and two.
const LOOKS: usize = 8_000;
const EFFORT: u64 = 100_000_000;
/// How many times that if one is given, and bytes for each look more.
const GIVEN: usize = 5;
const BYTES: u64 = 16 << 10;
/// Moduli that are only presumed to be some.
const MAX_PRESUMED: usize = 8;
/// Places that are looked at together.
const BATCH: usize = 64;
/// Bytes of a number that may lie in words at both ends of a run that are not all its own, and do not look random.
const BESIDE: u32 = 14;
/// How many times what is expected a reduction may take.
const PATIENCE: u64 = 3;

/// A modulus, and what is done for it.
pub(super) struct Target {
    pub(super) n: Natural,
    /// Bits of a prime.
    bits: u32,
    /// Whether it is one only by its size and structure.
    presumed: bool,
}

impl Search<'_> {
    /// Looks for what is left of primes of moduli whose key was not found.
    pub(super) fn partial(&mut self) {
        let targets = self.targets();
        let mut budget = self.budget();
        let mut sizes: Vec<u32> = targets.iter().map(|target| target.bits).collect();
        sizes.sort_unstable();
        sizes.dedup();
        for (index, bits) in sizes.iter().enumerate() {
            let of_size: Vec<&Target> = targets.iter().filter(|target| target.bits == *bits).collect();
            let share = Budget {
                looks: budget.looks / (sizes.len() - index),
                effort: budget.effort / (sizes.len() - index) as u64,
            };
            let rest = self.partial_of(*bits, &of_size, share);
            budget.looks -= share.looks - rest.looks;
            budget.effort -= share.effort - rest.effort;
        }
    }

    fn budget(&self) -> Budget {
        let context = self.context;
        if context.effort == Effort::Given {
            let more = usize::try_from(context.bytes() / BYTES).unwrap_or(usize::MAX / 2);
            return Budget { looks: GIVEN * LOOKS + more, effort: GIVEN as u64 * EFFORT };
        }
        Budget { looks: context.allowance(LOOKS as u64, 4 << 10) as usize, effort: context.allowance(EFFORT, 1) }
    }

    /// The moduli that are looked for, those that lie in the dump as limbs first: whoever uses a key has its modulus so, and of
    /// other certificates there may be hundreds.
    pub(super) fn targets(&self) -> Vec<Target> {
        let new = |n: &Natural| !self.has(n) && n.bits() >= 2 * MIN_PRIME_BITS;
        let target = |n: &Natural, presumed| Target { n: n.clone(), bits: n.bits().div_ceil(2), presumed };
        let mut targets: Vec<Target> =
            self.sought().map(|(_, m)| &m.n).filter(|n| new(n)).map(|n| target(n, false)).collect();
        let lows = &self.candidates.ends.lows;
        if !targets.is_empty() {
            let lows: std::collections::HashSet<u64> = lows.iter().copied().collect();
            targets.sort_by_key(|target| !lows.contains(&target.n.low()));
        }
        let items = &self.candidates.items;
        let presumed = items.list.iter().filter(|item| {
            item.named
                && item.rough
                && item.bits >= 1_000
                && (item.bits + 1) % 64 <= 1
                && self.context.effort != Effort::Given
        });
        let mut count = 0;
        for item in presumed {
            let n = Natural::from_limbs(items.limbs(item));
            // A number of that size is nothing new, whether a modulus or what is as long as a prime.
            let other = |key: &super::key::Key| {
                std::iter::once(&key.n).chain(&key.primes).any(|number| number.bits().abs_diff(n.bits()) <= 1)
            };
            if count < MAX_PRESUMED && !self.keys.iter().any(other) && targets.iter().all(|target| target.n != n) {
                targets.push(target(&n, true));
                count += 1;
            }
        }
        targets
    }

    /// Looks for primes of so many bits; returns what is left of the budget.
    fn partial_of(&mut self, bits: u32, targets: &[&Target], mut budget: Budget) -> Budget {
        let bytes = bits.div_ceil(8);
        let enough = bytes - ends::most_lost(bits) / 8;
        let given = self.context.effort == Effort::Given;
        // With a whole budget for the first modulus all others would go without.
        let cost = (bits as usize / 1024).pow(2).max(1);
        let most = budget.looks / cost;
        let least = bytes - polynomial::most_lost(bits, polynomial::MAX_POWER) / 8;
        let windows = places::windows(self.context, bits, least, given, most + 1);
        let whole_words = |window: &Window| window.order != Order::Big;
        let (mut large, mut small) = (windows.clone(), windows);
        large.retain(|window| window.known < enough);
        small.retain(|window| window.known + if whole_words(window) { 0 } else { BESIDE } >= enough);
        for ranked in small.chunk_by(|a, b| a.rank == b.rank) {
            // What may be no modulus at all is worth no more than the likeliest places.
            let worth = |target: &&Target| !target.presumed || ranked[0].rank == Rank::Shape;
            let open = targets.iter().copied().filter(|target| !self.has(&target.n)).filter(worth);
            let open: Vec<&Target> = open.collect();
            let affordable = budget.looks / cost;
            let moduli = open.len().min((affordable / ranked.len()).max(1));
            let tried = &ranked[..ranked.len().min(affordable / moduli.max(1))];
            if moduli * tried.len() < open.len() * ranked.len() && given && ranked[0].rank <= Rank::Length {
                self.limit("more places that may hold the rest of an RSA prime than are tried");
            }
            budget.looks -= cost * moduli * tried.len();
            self.look_for_rests(tried, &open[..moduli]);
        }
        self.larger_holes(&large, targets, &mut budget);
        budget
    }

    /// Tries all places with all moduli, whose primes are of the same size.
    fn look_for_rests(&mut self, windows: &[Window], targets: &[&Target]) {
        let Some(bits) = targets.first().map(|target| target.bits) else { return };
        let batches: Vec<&[Window]> = windows.chunks(BATCH).collect();
        let found = self.in_parallel(batches.len(), |batch| {
            let mut source = Source::new(self.context.memory);
            let mut found = Vec::new();
            for window in batches[batch] {
                let bytes = read(&mut source, window, bits);
                let rebuilt = targets.iter().map(|target| rebuild(window, &bytes, target)).enumerate();
                found.extend(rebuilt.filter_map(|(index, p)| Some((*window, index, p?))));
            }
            Some(found).filter(|found| !found.is_empty())
        });
        for (window, index, p) in found.into_iter().flat_map(|(_, found)| found) {
            self.learn_rebuilt(&window, targets[index], p);
        }
    }

    fn learn_rebuilt(&mut self, window: &Window, target: &Target, p: Natural) {
        let n = target.n.clone();
        let again = self.rebuilt.iter().any(|other| other.n == n && other.p == p && other.from == window.from);
        if !again && self.learn_divisor(&n, &p) || self.has(&n) {
            self.rebuilt.push(Remains { n, p, from: window.from, order: window.order });
        }
    }

    /// Holes of more than a third: those that cost the least first.
    fn larger_holes(&mut self, windows: &[Window], targets: &[&Target], budget: &mut Budget) {
        let given = self.context.effort == Effort::Given;
        let least = if given { Rank::Length } else { Rank::Shape };
        let windows = windows.iter().filter(|window| window.rank <= least);
        let open = |target: &&Target| !self.has(&target.n);
        let open: Vec<&Target> = targets.iter().copied().filter(open).collect();
        let fill = |window| open.iter().filter_map(move |target| Fill::new(window, target));
        let mut fills: Vec<Fill<'_>> = windows.flat_map(fill).collect();
        fills.sort_by_key(|fill| (fill.window.rank, fill.cost));
        fills.retain(|fill| {
            let rest = budget.effort.checked_sub(fill.cost);
            budget.effort = rest.unwrap_or(budget.effort);
            rest.is_some()
        });
        let found = self.in_parallel(fills.len(), |index| fills[index].run(&mut Source::new(self.context.memory)));
        for (index, p) in found {
            self.learn_rebuilt(fills[index].window, fills[index].target, p);
        }
    }
}

/// A place with a hole of more than a third.
struct Fill<'a> {
    window: &'a Window,
    target: &'a Target,
    hole: Hole,
    power: u32,
    /// Multiplications of limbs that it takes to fill it.
    cost: u64,
}

impl<'a> Fill<'a> {
    fn new(window: &'a Window, target: &'a Target) -> Option<Self> {
        let there = 8 * window.known;
        let bits = target.bits.checked_sub(there)?;
        let hole = Hole { from: if window.side == Side::Top { 0 } else { there }, bits };
        let power = polynomial::power(target.bits, bits)?;
        let cost = polynomial::cost(target.bits, hole, power);
        Some(Self { window, target, hole, power, cost })
    }

    fn run(&self, source: &mut Source<'_>) -> Option<Natural> {
        let number = number(self.window, &read(source, self.window, self.target.bits));
        let lost = self.hole.bits;
        let known = match self.window.side {
            Side::Top if number.bits() == self.target.bits => number.shifted_down(lost).times_two_to(lost),
            Side::Low if number.is_odd() => number.low_bits(self.hole.from),
            _ => return None,
        };
        polynomial::fill(&self.target.n, &known, self.hole, self.power, PATIENCE * self.cost)
    }
}

/// The bytes of a place; zeros for what is not there.
fn read(source: &mut Source<'_>, window: &Window, bits: u32) -> Zeroizing<Vec<u8>> {
    let len = places::length(window.order, bits) as usize;
    let mut bytes = Zeroizing::new(vec![0; len]);
    let there = source.available(window.from, len);
    bytes[..there.len()].copy_from_slice(there);
    bytes
}

fn number(window: &Window, bytes: &[u8]) -> Natural {
    match window.order {
        Order::Big => Natural::from_be(bytes),
        _ => Natural::from_be(&Zeroizing::new(bytes.iter().rev().copied().collect::<Vec<u8>>())),
    }
}

/// The prime at a place of which up to a third is lost.
fn rebuild(window: &Window, bytes: &[u8], target: &Target) -> Option<Natural> {
    let lost = ends::most_lost(target.bits);
    let number = number(window, bytes);
    match window.side {
        Side::Top => (number.bits() == target.bits).then(|| ends::from_top(&target.n, &number, lost))?,
        Side::Low => ends::from_low(&target.n, &number.low_bits(target.bits - lost), target.bits - lost, lost),
    }
}
