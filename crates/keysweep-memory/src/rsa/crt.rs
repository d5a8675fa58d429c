//! A CRT exponent alone with its modulus: `m^(e * dp) = m` modulo `p`, for every `m`.

use super::candidates::Item;
use super::finder::Search;
use super::key::EXPONENTS;
use super::natural::Natural;

/// Numbers tried for one modulus.
const MOST: usize = 64;

impl Search<'_> {
    /// Known moduli with a number of half their size that may be a CRT exponent. Each costs an exponentiation, so that few
    /// are tried: those of structures first.
    pub(super) fn crt_exponents(&mut self) {
        for modulus in self.known.clone() {
            if self.has(&modulus.n) {
                continue;
            }
            let e = modulus.e.clone().unwrap_or_else(|| Natural::from(EXPONENTS[0]));
            for dp in self.halves(&modulus.n) {
                if self.has(&modulus.n) || !self.try_crt_exponent(&modulus.n, &e, &dp) {
                    break;
                }
            }
        }
    }

    /// Numbers of half the size of a modulus.
    fn halves(&self, n: &Natural) -> Vec<Natural> {
        let items = &self.candidates.items;
        let half = n.bits().div_ceil(2);
        let sized = |item: &&Item| half.wrapping_sub(item.bits) <= 16 && items.limbs(item)[0] & 1 == 1;
        let named = items.list.iter().filter(sized).filter(|item| item.named);
        let others = items.list.iter().filter(sized).filter(|item| !item.named);
        named.chain(others).take(MOST).map(|item| Natural::from_limbs(items.limbs(item))).collect()
    }

    /// `false` if no more exponentiations are left.
    fn try_crt_exponent(&mut self, n: &Natural, e: &Natural, dp: &Natural) -> bool {
        let cost = n.bits();
        if self.powers < (cost as usize).pow(3).div_ceil(2048usize.pow(3)) || !self.may_raise(cost) {
            return false;
        }
        let two = Natural::from(2);
        let Some(power) = two.power(&e.times(dp), n) else { return true };
        let difference = power.minus(&two).unwrap_or_else(|| two.minus(&power).unwrap_or_else(|| Natural::from(0)));
        let p = difference.gcd(n);
        if !p.is_one() && p != *n {
            self.learn_divisor(n, &p);
        }
        true
    }
}
