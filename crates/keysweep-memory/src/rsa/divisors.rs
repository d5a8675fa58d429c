//! Numbers that divide others: one prime is enough for a key whose modulus is there.

use super::candidates::{Item, MIN_PRIME_BITS};
use super::finder::Search;
use super::limbs::may_divide;
use super::lows::Lows;
use super::natural::Natural;
use crate::stretch::in_order;
use std::collections::BTreeMap;
use zeroize::Zeroizing;

/// Steps that a division of limbs takes.
const DIVISION: usize = 256;
/// Numbers that are divided by their neighbours at a time, and how often of these may divide.
const BATCH: usize = 256;
const MAX_DIVISIBLE: usize = 1 << 12;
/// By how many bits primes of about the same size differ from half of their modulus.
const UNEQUAL: u32 = 8;
/// Numbers by which each modulus is divided at least.
const MIN_HALVES: usize = 64;
/// Places between three primes of a modulus.
const CLOSE: usize = 12;

impl Search<'_> {
    /// Known moduli, divided by every number; and numbers, divided by their neighbours.
    pub(super) fn divisors(&mut self) {
        let rough: Vec<usize> =
            (0..self.candidates.items.list.len()).filter(|i| self.candidates.items.list[*i].rough).collect();
        self.divide_by_halves(&rough);
        let divisions = self.steps / DIVISION / rough.len().max(1);
        let moduli: Vec<Natural> = self.sought().map(|(_, modulus)| modulus.n.clone()).take(divisions.max(1)).collect();
        for (index, p) in self.in_parallel(moduli.len(), |index| self.first_divisor(&moduli[index])) {
            self.learn_divisor(&moduli[index], &p);
        }
        let window = divisions.clamp(4, 4096);
        let batches = rough.len().div_ceil(BATCH);
        let found = self.in_parallel(batches, |batch| {
            let firsts = BATCH * batch..(BATCH * (batch + 1)).min(rough.len());
            let seconds = |i: usize| i + 1..(i + 1 + window).min(rough.len());
            let pairs = firsts.flat_map(|i| seconds(i).map(move |j| (i, j)));
            let divisible = pairs.filter_map(|(i, j)| self.divisible(rough[i], rough[j]));
            Some(divisible.take(MAX_DIVISIBLE).collect::<Vec<_>>())
        });
        let number = |search: &Self, index: usize| {
            let items = &search.candidates.items;
            Natural::from_limbs(items.limbs(&items.list[index]))
        };
        for (n, p) in found.into_iter().flat_map(|(_, pairs)| pairs) {
            let (n, p) = (number(self, n), number(self, p));
            self.learn_divisor(&n, &p);
        }
    }

    /// Known moduli, divided by the numbers of half their size: these are few, so that there may be any number of moduli.
    fn divide_by_halves(&mut self, rough: &[usize]) {
        let items = &self.candidates.items;
        let mut by_bits: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
        rough.iter().for_each(|item| by_bits.entry(items.list[*item].bits).or_default().push(*item));
        let moduli: Vec<Natural> = self.known.iter().map(|m| m.n.clone()).filter(|n| !self.has(n)).collect();
        let found = self.in_parallel(moduli.len(), |index| {
            let n = &moduli[index];
            let half = n.bits().div_ceil(2);
            let sized = by_bits.range(half.saturating_sub(UNEQUAL)..=half + UNEQUAL).flat_map(|(_, items)| items);
            let most = (self.steps / DIVISION / moduli.len()).max(MIN_HALVES);
            self.divisor_of(n, sized.take(most).map(|item| &items.list[*item]))
        });
        for (index, p) in found {
            self.learn_divisor(&moduli[index], &p);
        }
    }

    /// As [`in_order`], on all threads.
    pub(super) fn in_parallel<T: Send>(
        &self,
        count: usize,
        each: impl Fn(usize) -> Option<T> + Sync,
    ) -> Vec<(usize, T)> {
        in_order(count, self.context.jobs, each)
    }

    /// Two items of which one divides the other: the dividend and the divisor.
    fn divisible(&self, i: usize, j: usize) -> Option<(usize, usize)> {
        let items = &self.candidates.items;
        let (n, p) = if items.list[i].bits < items.list[j].bits { (j, i) } else { (i, j) };
        let (dividend, divisor) = (&items.list[n], &items.list[p]);
        divides(items.limbs(dividend), dividend.bits, divisor, items.limbs(divisor)).then_some((n, p))
    }

    /// The first item that divides `n` and leaves enough.
    fn first_divisor(&self, n: &Natural) -> Option<Natural> {
        self.divisor_of(n, self.candidates.items.list.iter())
    }

    fn divisor_of<'a>(&self, n: &Natural, candidates: impl Iterator<Item = &'a Item>) -> Option<Natural> {
        let items = &self.candidates.items;
        let divides = |item: &&Item| divides(n.limbs(), n.bits(), item, items.limbs(item));
        let divisor = |item: &Item| Natural::from_limbs(items.limbs(item));
        candidates.filter(divides).map(divisor).find(|p| n.exactly(p).is_some())
    }

    /// A number that divides another, as far as the filter can tell.
    pub(super) fn learn_divisor(&mut self, n: &Natural, p: &Natural) -> bool {
        if self.has(n) || !self.may_try() {
            return false;
        }
        let quotient = n.exactly(p);
        quotient.is_some_and(|q| self.learn(n, &[p.clone(), q]))
    }

    /// The primes of a number: itself, or what of it lies in the dump.
    pub(super) fn split(&mut self, number: &Natural) -> Option<Vec<Natural>> {
        let mut rest = number.clone();
        let mut primes = Vec::new();
        while !self.is_prime(&rest) {
            if rest.bits() < 2 * MIN_PRIME_BITS || !self.may_try() {
                return None;
            }
            let prime = self.first_divisor(&rest)?;
            if !self.is_prime(&prime) {
                return None;
            }
            rest = rest.exactly(&prime)?;
            primes.push(prime);
        }
        primes.push(rest);
        Some(primes)
    }

    /// Three primes of one modulus close to each other.
    pub(super) fn triples(&mut self) {
        let items = &self.candidates.items;
        let odd: Vec<&Item> = items.list.iter().filter(|item| item.rough).collect();
        let lows = Zeroizing::new(odd.iter().map(|item| items.limbs(item)[0]).collect::<Vec<u64>>());
        let targets = Zeroizing::new([&lows[..], &self.known_lows()].concat());
        let set = Lows::new(&targets);
        let mut hits = Vec::new();
        for i in 0..lows.len() {
            let end = (i + CLOSE).min(lows.len());
            for j in i + 1..end {
                let pair = lows[i].wrapping_mul(lows[j]);
                for k in j + 1..end {
                    let product = pair.wrapping_mul(lows[k]);
                    if set.may_have(product) {
                        hits.extend(set.indices(product).map(|n| (i, j, k, n as usize)));
                    }
                }
            }
            if hits.len() > super::join::MAX_HITS {
                break;
            }
        }
        let number = |item: &Item| Natural::from_limbs(items.limbs(item));
        let found: Vec<(Natural, [Natural; 3])> = hits
            .into_iter()
            .filter_map(|(i, j, k, n)| {
                let primes = [number(odd[i]), number(odd[j]), number(odd[k])];
                let n = match odd.get(n) {
                    Some(item) => number(item),
                    None => self.known.get(n - odd.len())?.n.clone(),
                };
                (primes[0].times(&primes[1]).times(&primes[2]) == n).then_some((n, primes))
            })
            .collect();
        for (n, primes) in found {
            if !self.has(&n) && self.may_try() {
                self.learn(&n, &primes);
            }
        }
    }
}

/// Whether an item may be a prime of a modulus, or a product of some of its primes.
fn divides(n: &[u64], n_bits: u32, p: &Item, limbs: &[u64]) -> bool {
    let sized = p.bits >= MIN_PRIME_BITS && p.bits + MIN_PRIME_BITS <= n_bits;
    sized && p.rough && limbs[0] & n[0] & 1 == 1 && may_divide(n, n_bits, limbs, p.bits)
}
