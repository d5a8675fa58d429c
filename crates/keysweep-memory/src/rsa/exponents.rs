//! Private exponents: with a modulus they give its primes, and with primes they tell the public exponent.

use super::candidates::{Item, MIN_PRIME_BITS};
use super::finder::{MAX_POWERS, Search};
use super::key::{EXPONENTS, Exponent, Key, primes_from_exponent};
use super::limbs::{bits, may_divide};
use super::lows::Lows;
use super::natural::Natural;
use super::ratio::{self, Fraction, Ratio, SLACK};
use crate::copies::{self, Pattern};

/// Steps that a look at two leading parts takes.
const LOOK: usize = 4;
/// Primes without a modulus that are kept.
const MAX_LONE: usize = 16;
/// Steps that a continued fraction takes.
const FRACTION: usize = 512;

impl Search<'_> {
    /// Numbers in the ratio of a private exponent to its modulus, or of a CRT exponent to its prime.
    pub(super) fn ratios(&mut self) {
        let items = &self.candidates.items;
        let window = (self.steps / LOOK / items.list.len().max(1)).max(8);
        for Ratio { small, large, fraction } in ratio::common(items, window, self.context.jobs) {
            let items = &self.candidates.items;
            let number = |index: u32| Natural::from_limbs(items.limbs(&items.list[index as usize]));
            self.try_exponent(&number(small), &number(large), fraction);
        }
        let moduli: Vec<Natural> = self.sought().map(|(_, modulus)| modulus.n.clone()).collect();
        for n in &moduli {
            for (d, fraction) in self.ratios_to(n, moduli.len()) {
                self.try_exponent(&d, n, fraction);
            }
        }
    }

    /// The numbers in a ratio with a small denominator to a known modulus, whatever the public exponent; one of so many.
    fn ratios_to(&self, n: &Natural, moduli: usize) -> Vec<(Natural, Fraction)> {
        if self.has(n) {
            return Vec::new();
        }
        let items = &self.candidates.items;
        let sized = |item: &&Item| n.bits().wrapping_sub(item.bits) <= SLACK;
        let most = self.steps / FRACTION / moduli.max(1);
        let fraction = |item: &Item| {
            let fraction = ratio::fraction(items.limbs(item), n.limbs())?;
            Some((Natural::from_limbs(items.limbs(item)), fraction))
        };
        items.list.iter().filter(sized).take(most).filter_map(fraction).collect()
    }

    pub(super) fn try_exponent(&mut self, d: &Natural, n: &Natural, fraction: Fraction) {
        if self.has(n) || self.keys.iter().any(|key| key.primes.contains(n)) {
            return;
        }
        if ratio::is_crt_exponent(d, n, fraction) {
            self.learn_prime(n, fraction.denominator);
            return;
        }
        // Primes are nearly always of the same size. The rest is tried as long as it does not cost the others anything.
        let rest = ratio::difference(d, n, fraction);
        let balanced = rest.abs_diff(n.bits() / 2) <= 4;
        let unbalanced = (n.bits() / 2..n.bits()).contains(&rest);
        let affordable = balanced || (unbalanced && self.powers > MAX_POWERS / 2);
        if !affordable {
            return;
        }
        let known = self.known.iter().find(|modulus| modulus.n == *n).and_then(|modulus| modulus.e.as_ref());
        let known = known.filter(|e| e.bits() <= 64).map(Natural::low);
        for e in ratio::public_exponents(fraction.denominator, known) {
            if !self.may_try() || !self.may_raise(n.bits()) {
                return;
            }
            let e = Natural::from(e);
            if let Some(primes) = primes_from_exponent(n, &e, d) {
                let public = self.known.iter().find(|modulus| modulus.n == *n).and_then(|modulus| modulus.e.clone());
                let key = Key::new(n, primes, public.as_ref());
                let found = key.map(|key| match key.exponent {
                    Exponent::Public => key,
                    _ => key.with_exponent(&e, Exponent::Found).unwrap_or(key),
                });
                self.keys.extend(found);
                return;
            }
        }
    }

    /// A prime with its CRT exponent for `e`: looks for a modulus that it divides.
    fn learn_prime(&mut self, p: &Natural, e: u64) {
        if self.lone.iter().any(|(other, _)| other == p) || self.lone.len() >= MAX_LONE || !self.is_prime(p) {
            return;
        }
        let items = &self.candidates.items;
        let item_moduli = items.list.iter().filter(|item| item.rough && item.bits >= p.bits() + MIN_PRIME_BITS);
        let divisible = |limbs: &[u64]| limbs[0] & 1 == 1 && may_divide(limbs, bits(limbs), p.limbs(), p.bits());
        let known = self.known.iter().map(|modulus| modulus.n.limbs());
        let moduli = known.chain(item_moduli.map(|item| items.limbs(item))).filter(|limbs| divisible(limbs));
        let moduli: Vec<Natural> = moduli.take(16).map(Natural::from_limbs).collect();
        for n in moduli {
            self.learn_divisor(&n, p);
        }
        self.lone.push((p.clone(), e));
    }

    /// Primes with their CRT exponents but without a modulus: two of them are a key if a number that follows from both, the
    /// coefficient or the private exponent, is there as well.
    pub(super) fn pair_lone_primes(&mut self) {
        let in_no_key = |(p, _): &&(Natural, u64)| !self.keys.iter().any(|key| key.primes.contains(p));
        let lone: Vec<(Natural, u64)> = self.lone.iter().filter(in_no_key).cloned().collect();
        let mut keys = Vec::new();
        for (i, (p, e)) in lone.iter().enumerate() {
            for (q, _) in lone[i + 1..].iter().filter(|(_, other)| other == e) {
                let key = Key::new(&p.times(q), vec![p.clone(), q.clone()], None);
                keys.extend(key.and_then(|key| key.with_exponent(&Natural::from(*e), Exponent::Found)));
            }
        }
        if keys.is_empty() {
            return;
        }
        let mut patterns = Vec::new();
        for (index, key) in keys.iter().enumerate() {
            let joint = |(name, _): &(String, Natural)| ["d", "qinv", "pinv"].contains(&name.as_str());
            for (_, number) in key.secrets().iter().filter(|secret| joint(secret)) {
                let forms = super::report::forms_of(&number.to_be());
                patterns.extend(forms.into_iter().map(|(_, bytes)| Pattern { bytes, what: index.to_string() }));
            }
        }
        let places = copies::find(self.context.memory, self.context.jobs, &patterns);
        let there = |index: usize| places.iter().any(|place| place.what == index.to_string());
        self.keys.extend((0..keys.len()).filter(|index| there(*index)).map(|index| keys[index].clone()));
    }

    /// The public exponent for which a private exponent of the key lies in the dump, whose low limbs are `set`.
    pub(super) fn find_exponent(&self, key: &Key, set: &Lows<'_>) -> Option<Natural> {
        let usual = EXPONENTS.iter().map(|e| Natural::from(*e)).find(|e| {
            let Some(key) = key.with_exponent(e, Exponent::Assumed) else { return false };
            let exponents = key.secrets().into_iter().filter(|(name, _)| name.starts_with('d'));
            exponents.into_iter().any(|(_, number)| set.indices(number.low()).next().is_some())
        });
        usual.or_else(|| self.unusual_exponent(key))
    }

    fn unusual_exponent(&self, key: &Key) -> Option<Natural> {
        let items = &self.candidates.items;
        let mut left = self.steps / FRACTION;
        for number in std::iter::once(&key.n).chain(&key.primes) {
            for item in items.list.iter().filter(|item| number.bits().wrapping_sub(item.bits) <= SLACK) {
                left = left.checked_sub(1)?;
                let Some(fraction) = ratio::fraction(items.limbs(item), number.limbs()) else { continue };
                let d = Natural::from_limbs(items.limbs(item));
                let fits = |e: &Natural| {
                    let undone =
                        |prime: &Natural| e.times(&d).modulo(&prime.less_one()).is_some_and(|rest| rest.is_one());
                    if *number == key.n { key.primes.iter().all(undone) } else { undone(number) }
                };
                let exponents = ratio::public_exponents(fraction.denominator, None);
                if let Some(e) = exponents.into_iter().map(Natural::from).find(fits) {
                    return Some(e);
                }
            }
        }
        None
    }
}
