//! Numbers that divide others: one prime is enough for a key whose modulus is there.

use super::candidates::{Item, MIN_PRIME_BITS};
use super::finder::Search;
use super::limbs::may_divide;
use super::lows::Lows;
use super::natural::Natural;
use zeroize::Zeroizing;

/// Steps that a division of limbs takes.
const DIVISION: usize = 64;
/// Places between three primes of a modulus.
const CLOSE: usize = 12;

impl Search<'_> {
    /// Known moduli, divided by every number; and numbers, divided by their neighbours.
    pub(super) fn divisors(&mut self) {
        let count = self.candidates.items.list.len().max(1);
        let most = (self.steps / DIVISION / count).max(1);
        for modulus in self.known.clone().iter().take(most) {
            if !self.has(&modulus.n) {
                self.divide(&modulus.n);
            }
        }
        let window = (self.steps / DIVISION / count).clamp(4, 4096);
        for i in 0..count.min(self.candidates.items.list.len()) {
            for j in i + 1..(i + 1 + window).min(self.candidates.items.list.len()) {
                if let Some((n, p)) = self.divisible(i, j) {
                    self.learn_divisor(&n, &p);
                }
            }
        }
    }

    /// Divides a modulus by every number, until a key is found.
    pub(super) fn divide(&mut self, n: &Natural) {
        if let Some(p) = self.first_divisor(n) {
            self.learn_divisor(n, &p);
        }
    }

    /// Two items of which one divides the other: the dividend and the divisor.
    fn divisible(&self, i: usize, j: usize) -> Option<(Natural, Natural)> {
        let items = &self.candidates.items;
        let (a, b) = (&items.list[i], &items.list[j]);
        let (n, p) = if a.bits < b.bits { (b, a) } else { (a, b) };
        let divides = divides(items.limbs(n), n.bits, p, items.limbs(p));
        divides.then(|| (Natural::from_limbs(items.limbs(n)), Natural::from_limbs(items.limbs(p))))
    }

    /// The first item that divides `n` and leaves enough.
    fn first_divisor(&self, n: &Natural) -> Option<Natural> {
        let items = &self.candidates.items;
        let divides = |item: &&Item| divides(n.limbs(), n.bits(), item, items.limbs(item));
        let divisor = |item: &Item| Natural::from_limbs(items.limbs(item));
        items.list.iter().filter(divides).map(divisor).find(|p| n.exactly(p).is_some())
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
        while !rest.is_prime() {
            if rest.bits() < 2 * MIN_PRIME_BITS || !self.may_try() {
                return None;
            }
            let prime = self.first_divisor(&rest).filter(Natural::is_prime)?;
            rest = rest.exactly(&prime)?;
            primes.push(prime);
        }
        primes.push(rest);
        Some(primes)
    }

    /// Three primes of one modulus close to each other.
    pub(super) fn triples(&mut self) {
        let items = &self.candidates.items;
        let odd: Vec<&Item> = items.list.iter().filter(|item| items.limbs(item)[0] & 1 == 1).collect();
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
    sized && limbs[0] & n[0] & 1 == 1 && may_divide(n, n_bits, limbs, p.bits)
}
