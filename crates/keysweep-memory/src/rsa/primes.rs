//! Which numbers are primes: each is tested once, and those that hits name are tested on all threads beforehand.

use super::assemble;
use super::candidates::Ends;
use super::finder::{Search, Target, Targets};
use super::join::Hits;
use super::limbs::MAX_LIMBS;
use super::natural::Natural;
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
    /// Keeps what was found out elsewhere.
    fn learn(&mut self, number: Natural, prime: bool) {
        self.left = self.left.saturating_sub(cost(&number));
        self.known.insert(number, prime);
    }
}

impl Search<'_> {
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
        self.primes.learn(number.clone(), prime);
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
            for number in product.into_iter().flat_map(|product| [product.p, product.q]) {
                if !self.primes.known.contains_key(&number) && cost(&number) <= share / 2 {
                    let prime = number.is_prime();
                    found.push((number, prime));
                    if !prime {
                        break;
                    }
                }
            }
        });
        let found = parts.into_iter().flat_map(|(_, found)| found);
        let all: BTreeMap<Natural, bool> = found.collect();
        all.into_iter().for_each(|(number, prime)| self.primes.learn(number, prime));
    }
}
