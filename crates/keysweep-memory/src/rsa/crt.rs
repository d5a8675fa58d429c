//! A CRT exponent alone with its modulus: `m^(e * dp) = m` modulo `p`, for every `m`.

use super::candidates::Item;
use super::finder::{Modulus, Search, power_cost};
use super::key::EXPONENTS;
use super::natural::Natural;
use super::powers::Powers;
use crate::stretch::in_order;
use std::collections::BTreeSet;

/// Numbers tried for one modulus.
const MOST: usize = 64;

impl Search<'_> {
    /// Known moduli with numbers of half their size that may be CRT exponents. Each costs an exponentiation, so that few are
    /// tried: those of structures first.
    pub(super) fn crt_exponents(&mut self) {
        let moduli: Vec<Modulus> = self.sought().map(|(_, modulus)| modulus.clone()).collect();
        for modulus in moduli {
            if self.has(&modulus.n) {
                continue;
            }
            let e = modulus.e.clone().unwrap_or_else(|| Natural::from(EXPONENTS[0]));
            let affordable = self.powers / power_cost(modulus.n.bits());
            let exponents = self.halves(&modulus.n, affordable.min(MOST));
            let paid = exponents.iter().all(|_| self.may_raise(modulus.n.bits()));
            if exponents.is_empty() || !paid {
                continue;
            }
            for p in common_factors(&modulus.n, &e, &exponents, self.context.jobs) {
                self.learn_divisor(&modulus.n, &p);
            }
        }
    }

    /// Up to `most` different numbers of half the size of a modulus.
    fn halves(&self, n: &Natural, most: usize) -> Vec<Natural> {
        let items = &self.candidates.items;
        let half = n.bits().div_ceil(2);
        let sized = |item: &&Item| half.wrapping_sub(item.bits) <= 16 && items.limbs(item)[0] & 1 == 1;
        let named = items.list.iter().filter(sized).filter(|item| item.named);
        let others = items.list.iter().filter(sized).filter(|item| !item.named);
        let mut seen = BTreeSet::new();
        let new = named.chain(others).map(|item| items.limbs(item)).filter(|limbs| seen.insert(*limbs));
        new.take(most).map(Natural::from_limbs).collect()
    }
}

/// The factors that `n` has in common with `2^(e * dp) - 2`, for any of the `exponents` `dp`.
fn common_factors(n: &Natural, e: &Natural, exponents: &[Natural], jobs: usize) -> Vec<Natural> {
    let Some(powers) = Powers::new(n, n.bits().div_ceil(2) + e.bits()) else { return Vec::new() };
    let two = Natural::from(2);
    let differences = in_order(exponents.len(), jobs, |index| {
        let power = powers.raise(&e.times(&exponents[index]));
        power.and_then(|power| power.minus(&two).or_else(|| two.minus(&power)))
    });
    // A common divisor costs as much as a power: that of all of them shows whether there is any.
    let product = differences.iter().try_fold(Natural::from(1), |product, (_, d)| product.times(d).modulo(n));
    if product.is_none_or(|product| product.gcd(n).is_one()) {
        return Vec::new();
    }
    let divisors = differences.iter().map(|(_, difference)| difference.gcd(n));
    divisors.filter(|p| !p.is_one() && p != n).take(1).collect()
}
