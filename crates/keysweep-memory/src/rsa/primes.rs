//! Which numbers are primes: each is tested once, and those that hits name are tested on all threads beforehand.

use super::assemble::{self, Product};
use super::candidates::Ends;
use super::finder::{Search, Target, Targets};
use super::join::Hits;
use super::key::EXPONENTS;
use super::limbs::MAX_LIMBS;
use super::natural::Natural;
use super::ratio::SLACK;
use super::source::{End, Source};
use crate::stretch::work;
use std::collections::{BTreeMap, HashSet};

/// What was tested.
pub(super) struct Primes {
    known: BTreeMap<Natural, bool>,
    /// What tests may still cost, in squarings of limbs.
    left: u64,
}

/// What all tests may cost: some seconds, and what 500 keys of 4096 bits take.
const COST: u64 = 8_000_000_000;
/// Hits that are looked at beforehand.
const MAX_AHEAD: usize = 2_000;

impl Default for Primes {
    fn default() -> Self {
        Self { known: BTreeMap::new(), left: COST }
    }
}

/// What a test costs.
fn cost(number: &Natural) -> u64 {
    2 * u64::from(number.bits()) * (number.limbs().len() as u64).pow(2)
}

impl Primes {
    /// Keeps what was found out, and at which cost.
    fn learn(&mut self, number: Natural, prime: bool, cost: u64) {
        self.left = self.left.saturating_sub(cost);
        self.known.insert(number, prime);
    }
}

/// Numbers that are tried as private exponents.
const MAX_VOUCHERS: usize = 256;
/// Bits of a factor from which on it is worth looking for a private exponent that vouches for it.
const VOUCHED_BITS: u32 = 2048;

impl Search<'_> {
    /// Whether a private exponent of `n` lies there that undoes the public one modulo each of its `factors` less one: then these are
    /// primes, and large ones need not be tested, which may take a second.
    fn vouched(&self, n: &Natural, factors: &[Natural; 2]) -> bool {
        if factors.iter().all(|factor| factor.bits() < VOUCHED_BITS) {
            return false;
        }
        let known = self.known.iter().find(|modulus| modulus.n == *n).and_then(|modulus| modulus.e.clone());
        let e = known.unwrap_or_else(|| Natural::from(EXPONENTS[0]));
        let undoes = |d: &Natural| {
            let product = e.times(d);
            factors.iter().all(|p| product.modulo(&p.less_one()).is_some_and(|rest| rest.is_one()))
        };
        let items = &self.candidates.items;
        let sized = items.list.iter().filter(|item| n.bits().wrapping_sub(item.bits) <= SLACK);
        sized.take(MAX_VOUCHERS).any(|item| undoes(&Natural::from_limbs(items.limbs(item))))
    }

    /// Whether a number is a prime, as [`Natural::is_prime`] says.
    pub(super) fn is_prime(&mut self, number: &Natural) -> bool {
        if let Some(prime) = self.primes.known.get(number) {
            return *prime;
        }
        if self.primes.left < cost(number) {
            self.limit("more numbers that may be primes of RSA keys than are tested");
            return false;
        }
        let prime = number.is_prime();
        self.primes.learn(number.clone(), prime, cost(number));
        prime
    }

    /// Tests the factors that `hits` seem to name. What is found does not depend on this, only how long it takes.
    pub(super) fn test_ahead(&mut self, hits: &Hits, ends: &Ends, targets: &Targets) {
        let mut seen = HashSet::new();
        let mut new = |i: usize, j: usize| {
            let (p, q) = (ends.lows[i], ends.lows[j]);
            p != q && !self.explains(p, q) && seen.insert((p.min(q), p.max(q)))
        };
        let indices = hits.list.iter().map(|hit| (hit.0 as usize, hit.1 as usize, hit.2 as usize));
        let ahead: Vec<_> = indices.filter(|(i, j, _)| new(*i, *j)).take(self.tries.min(MAX_AHEAD)).collect();
        if ahead.is_empty() {
            return;
        }
        let source = || (Source::new(self.context.memory), Vec::new());
        let share = self.primes.left / ahead.len() as u64;
        let parts = work(ahead.len(), self.context.jobs, source, |(source, found), index| {
            let (i, j, n) = ahead[index];
            let mut window = |end: End| source.limbs(end, MAX_LIMBS);
            let (p, q) = (window(ends.end(i)), window(ends.end(j)));
            let product = match targets.get(n) {
                Some(Target::End(end)) => assemble::product(&p, &q, &window(end)),
                Some(Target::Known(index)) => assemble::factor(&p, &q, &self.known[index].n),
                None => None,
            };
            let Some(Product { p, q, n }) = product else { return };
            let factors = [p, q];
            if self.vouched(&n, &factors) {
                return found.extend(factors.map(|prime| (prime, (true, 0))));
            }
            for number in factors {
                if !self.primes.known.contains_key(&number) && cost(&number) <= share / 2 {
                    let prime = number.is_prime();
                    let cost = cost(&number);
                    found.push((number, (prime, cost)));
                    if !prime {
                        break;
                    }
                }
            }
        });
        let found = parts.into_iter().flat_map(|(_, found)| found);
        let all: BTreeMap<Natural, (bool, u64)> = found.collect();
        all.into_iter().for_each(|(number, (prime, cost))| self.primes.learn(number, prime, cost));
    }
}
