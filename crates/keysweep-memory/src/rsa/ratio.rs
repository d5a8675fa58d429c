//! Private exponents beside their moduli. As `e * d = 1 + k * φ(n)`, and `φ(n)` is `n` but for its lower half, `d / n` is
//! `k / e` in its leading bits, which a random pair of numbers is not. The same holds for `dp / p`, exactly.

use super::candidates::{Item, Items};
use super::natural::Natural;
use crate::stretch::in_order;

/// A number `d` that is `k / c` of `n` in its leading 128 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ratio {
    /// Index of the smaller item.
    pub(super) small: u32,
    /// Index of the larger one.
    pub(super) large: u32,
    pub(super) fraction: Fraction,
}

/// A fraction in lowest terms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fraction {
    pub(crate) numerator: u64,
    pub(crate) denominator: u64,
}

/// A multiple of the usual public exponents (65537, 3, 5, 7, 15, 17, 35) times small divisors of the gcd of the primes less one: those
/// that divide the least common multiple of 1 to 16.
const COMMON: f64 = (65_537u64 * 17 * 720_720) as f64;
/// `COMMON` times a ratio of two `f64` is wrong by up to 2^-12.
const TOLERANCE: f64 = 1.0 / (1 << 10) as f64;
/// Ratios that are kept, in all and at least of a batch.
const MAX_RATIOS: usize = 1 << 16;
const MIN_RATIOS: usize = 256;
/// Numbers that are compared with their neighbours at a time.
const BATCH: usize = 1 << 10;
/// How many bits shorter than the modulus an exponent may be.
pub(super) const SLACK: u32 = 40;
/// Largest public exponent that is found from the ratio, times the divisor of the gcd.
const MAX_DENOMINATOR: u64 = 1 << 40;

/// Pairs of items, no more than `window` places apart, in a ratio with a denominator that divides [`COMMON`].
pub(super) fn common(items: &Items, window: usize, jobs: usize) -> Vec<Ratio> {
    let list = &items.list;
    let batches = list.len().div_ceil(BATCH);
    let most = (MAX_RATIOS / batches.max(1)).max(MIN_RATIOS);
    let parts = in_order(batches, jobs, |batch| {
        let mut found = Vec::new();
        for (i, item) in list.iter().enumerate().skip(BATCH * batch).take(BATCH) {
            for (j, other) in list.iter().enumerate().skip(i + 1).take(window) {
                if is_common(item, other) && found.len() < most {
                    let (small, large) = if smaller(items, item, other) { (i, j) } else { (j, i) };
                    found.extend(ratio(items, small, large));
                }
            }
        }
        Some(found)
    });
    parts.into_iter().flat_map(|(_, found)| found).collect()
}

#[inline]
fn is_common(a: &Item, b: &Item) -> bool {
    let difference = a.bits.abs_diff(b.bits);
    if difference > SLACK {
        return false;
    }
    let ratio = if a.bits < b.bits { a.lead / b.lead } else { b.lead / a.lead };
    // Of the same length, either may be the smaller one.
    let ratio = if difference == 0 { ratio.min(1.0 / ratio) } else { ratio * scale(difference) };
    near_whole(COMMON * ratio)
}

fn scale(bits: u32) -> f64 {
    1.0 / (1u64 << bits) as f64
}

fn near_whole(value: f64) -> bool {
    let whole = value.round();
    whole >= 1.0 && (value - whole).abs() < TOLERANCE
}

fn smaller(items: &Items, a: &Item, b: &Item) -> bool {
    (a.bits, items.limbs(a).iter().rev().collect::<Vec<_>>())
        < (b.bits, items.limbs(b).iter().rev().collect::<Vec<_>>())
}

/// The ratio of two items if it is a fraction with a small denominator.
fn ratio(items: &Items, small: usize, large: usize) -> Option<Ratio> {
    let fraction = fraction(items.limbs(&items.list[small]), items.limbs(&items.list[large]))?;
    Some(Ratio { small: small as u32, large: large as u32, fraction })
}

/// The fraction with a small denominator that `d / n` is in 128 bits, for `d < n`, by continued fractions.
pub(crate) fn fraction(d: &[u64], n: &[u64]) -> Option<Fraction> {
    let bits = super::limbs::bits(n);
    let low = bits.checked_sub(128)?;
    let (whole, part) = (top(n, low), top(d, low));
    // Remainders and denominators of the convergents of part / whole.
    let (mut r0, mut r1) = (whole, part);
    let (mut h0, mut h1) = (1u64, 0u64);
    let (mut k0, mut k1) = (0u64, 1u64);
    loop {
        // What was cut off of either number makes an error of the denominator's size.
        if k1 >= 3 && r1 <= 4 * u128::from(k1) {
            return Some(Fraction { numerator: h1, denominator: k1 });
        }
        if r1 == 0 {
            return None;
        }
        let quotient = u64::try_from(r0 / r1).ok()?;
        (r0, r1) = (r1, r0 % r1);
        (h0, h1) = (h1, quotient.checked_mul(h1)?.checked_add(h0)?);
        (k0, k1) = (k1, quotient.checked_mul(k1)?.checked_add(k0)?);
        if k1 > MAX_DENOMINATOR {
            return None;
        }
    }
}

/// What tells at a glance whether a number may be the private exponent of a modulus whose public exponent is known.
#[derive(Debug, Clone, Copy)]
pub(super) struct Glance {
    /// `2^127` divided by the leading 64 bits of the modulus.
    inverse: u64,
    /// The public exponent times [`DIVISORS`].
    multiple: u64,
    /// Where the leading bits begin.
    low: u32,
}

/// A multiple of what the gcd of the primes less one mostly is: of all numbers up to 20, and of 32.
const DIVISORS: u64 = 465_585_120;
/// Longest public exponent that is seen so: a ratio in 64 bits is wrong by less than 2^-60, which times 2^46 leaves enough.
const GLANCE_BITS: u32 = 17;
/// How near to a whole number the multiple of a ratio must be, in 2^-64: one of 1024 random numbers is.
const NEAR: u64 = 1 << 53;

impl Glance {
    /// `None` if the exponent is too long.
    pub(super) fn new(n: &Natural, e: &Natural) -> Option<Self> {
        let low = n.bits().checked_sub(64).filter(|_| e.bits() <= GLANCE_BITS)?;
        let lead = top(n.limbs(), low) as u64;
        let inverse = u64::try_from((1u128 << 127) / u128::from(lead)).unwrap_or(u64::MAX);
        Some(Self { inverse, multiple: e.low() * DIVISORS, low })
    }

    /// Whether `d / n` is a fraction whose denominator divides the public exponent times [`DIVISORS`], as far as 64 bits tell.
    pub(super) fn may_be(&self, d: &[u64]) -> bool {
        let lead = top(d, self.low) as u64;
        let ratio = ((u128::from(lead) * u128::from(self.inverse)) >> 63) as u64;
        ratio.wrapping_mul(self.multiple).wrapping_add(NEAR) <= 2 * NEAR
    }
}

/// The 128 bits of a number from bit `low` on.
fn top(limbs: &[u64], low: u32) -> u128 {
    let (skip, shift) = ((low / 64) as usize, low % 64);
    let limb = |i: usize| u128::from(limbs.get(skip + i).copied().unwrap_or(0));
    let wide = limb(0) | limb(1) << 64;
    if shift == 0 { wide } else { wide >> shift | limb(2) << (128 - shift) }
}

/// The public exponents that a ratio `k / c` of private exponent and modulus may come from: `c` itself, or without what
/// the gcd of the primes less one has put into it, which may be much if the exponent is a `known` or the usual one.
pub(super) fn public_exponents(denominator: u64, known: Option<u64>) -> Vec<u64> {
    let divides = |e: &u64| *e > 1 && denominator.is_multiple_of(*e);
    if let Some(e) = known.or(Some(65_537)).filter(divides) {
        return vec![e];
    }
    let parts = (1..=64).filter(|t| denominator.is_multiple_of(*t)).map(|t| denominator / t);
    let mut exponents: Vec<u64> = parts.filter(|e| e % 2 == 1 && *e >= 3).collect();
    exponents.sort_by_key(|e| (*e != 65_537, std::cmp::Reverse(*e)));
    exponents
}

/// In how many bits `c * d` and `k * n` differ beyond what the size of `k` makes: for an exponent and its modulus, as many as
/// the larger prime has. What arithmetic leaves behind, shifted copies, multiples and their remainders, differs in any number.
pub(super) fn difference(d: &Natural, n: &Natural, fraction: Fraction) -> u32 {
    let (c, k) = (Natural::from(fraction.denominator), Natural::from(fraction.numerator));
    let (left, right) = (c.times(d), k.times(n));
    let rest = left.minus(&right).or_else(|| right.minus(&left)).map_or(0, |rest| rest.bits());
    rest.saturating_sub(k.bits())
}

/// Whether `c * dp = 1` modulo `p - 1`, exactly.
pub(super) fn is_crt_exponent(dp: &Natural, p: &Natural, fraction: Fraction) -> bool {
    let (c, k) = (Natural::from(fraction.denominator), Natural::from(fraction.numerator));
    c.times(dp).plus(&k).less_one() == k.times(p)
}

#[cfg(test)]
mod tests {
    use super::super::tests::Random;
    use super::*;

    #[test]
    fn a_glance_lets_exponents_pass_and_few_others() {
        let mut random = Random::new(37);
        let mut passed = 0;
        for round in 0..4000 {
            // As if the modulus were of two primes of half its size: phi is n less something of half its bits.
            let len = 16 + random.below(50);
            let n = Natural::from_limbs(&random.limbs(len));
            let phi = n.minus(&Natural::from_limbs(&random.limbs(len / 2 + 1))).unwrap();
            let e = [3, 17, 257, 65_537, 131_071][round % 5];
            let divisor = e * [1, 2, 6, 20, 32, 38][round % 6];
            let k = Natural::from(1 + random.next() % divisor);
            let (d, _) = k.times(&phi).div_rem(&Natural::from(divisor)).unwrap();
            let glance = Glance::new(&n, &Natural::from(e)).unwrap();
            assert!(glance.may_be(d.limbs()), "{round}");
            let other = Natural::from_limbs(&random.limbs(len));
            passed += usize::from(glance.may_be(other.limbs()));
        }
        assert!(passed < 20, "{passed}");
        assert!(Glance::new(&Natural::from_limbs(&random.limbs(32)), &Natural::from(1 << 17)).is_none());
        assert!(Glance::new(&Natural::from(3), &Natural::from(3)).is_none());
    }
}
