//! Points of a lattice in the plane: small `x` for which `x * factor` is near a target modulo a number. Euclid's algorithm gives
//! a basis of such a lattice that is nearly reduced, and rounding finds the points near the target.

use super::super::limbs::{multiply_add, subtract};
use super::super::natural::Natural;
use zeroize::Zeroizing;

/// A vector of the lattice: `x`, and what `x * factor` is modulo the modulus, both as magnitudes. Signs alternate from one step
/// of Euclid's algorithm to the next.
#[derive(Clone)]
struct Vector {
    x: Natural,
    rest: Natural,
}

/// The numbers `x`, of up to `bits` bits and either sign, for which `x * factor` modulo `modulus` may be within `2^(bits + tilt - 1)`
/// of `target`, which is below the modulus: a few, and the right one among them if there is only one. `true` stands for a
/// negative one.
pub(super) fn near(
    modulus: &Natural,
    factor: &Natural,
    target: &Natural,
    bits: u32,
    tilt: u32,
) -> Vec<(bool, Natural)> {
    let Some((first, second, odd)) = basis(modulus, factor, tilt) else { return Vec::new() };
    // Of the point of the plane (0, target), the coefficients in the basis.
    let coefficient = |x: &Natural| {
        let (whole, rest) = x.times(target).div_rem(modulus)?;
        Some(if rest.plus(&rest) < *modulus { whole } else { whole.plus(&Natural::from(1)) })
    };
    let Some((a, b)) = coefficient(&second.x).zip(coefficient(&first.x)) else { return Vec::new() };
    let mut found = Vec::new();
    for a in around(&a, 1) {
        let along = a.times(&first.x);
        for b in around(&b, 2) {
            let across = b.times(&second.x);
            let (negative, x) = match along.minus(&across) {
                Some(x) => (odd, x),
                None => (!odd, across.minus(&along).unwrap_or_else(|| Natural::from(0))),
            };
            if x.bits() <= bits {
                found.push((negative, x));
            }
        }
    }
    found
}

/// The numbers no farther than `most` from one, as far as they are not negative.
fn around(number: &Natural, most: u64) -> impl Iterator<Item = Natural> {
    let below = (1..=most).filter_map(|less| number.minus(&Natural::from(less)));
    let above = (0..=most).map(|more| number.plus(&Natural::from(more)));
    below.chain(above).collect::<Vec<_>>().into_iter()
}

/// Two neighbouring vectors of Euclid's algorithm of which the second is the first with `x * 2^tilt` as large as what is left, and
/// whether the first one's `x` is negative.
fn basis(modulus: &Natural, factor: &Natural, tilt: u32) -> Option<(Vector, Vector, bool)> {
    let mut first = Vector { x: Natural::from(0), rest: modulus.clone() };
    let mut second = Vector { x: Natural::from(1), rest: factor.modulo(modulus)? };
    // The second one's x is positive: with the sign of the first one's, a vector's rest is positive.
    let mut odd = true;
    loop {
        let gap = i64::from(second.rest.bits()) - i64::from(second.x.bits()) - i64::from(tilt);
        if gap <= 0 {
            return Some((first, second, odd));
        }
        match Some(()).filter(|()| gap > ROUND).and_then(|()| Steps::of(&first.rest, &second.rest)) {
            Some(steps) => {
                (first, second) = steps.take(&first, &second);
                odd ^= steps.odd;
            }
            None => {
                let (quotient, rest) = first.rest.div_rem(&second.rest)?;
                let x = first.x.plus(&quotient.times(&second.x));
                first = std::mem::replace(&mut second, Vector { x, rest });
                odd = !odd;
            }
        }
    }
}

/// By how many bits at most several steps at once change the difference in length of a rest and its `x`.
const ROUND: i64 = 70;

/// Several steps of Euclid's algorithm that follow from the leading bits alone (Lehmer's method): the new first number is
/// `first.0 * r0 - first.1 * r1` or the negative of that, the new second one `second.1 * r1 - second.0 * r0` with the other sign.
struct Steps {
    first: (u64, u64),
    second: (u64, u64),
    /// Whether it is the negative, after an odd number of steps.
    odd: bool,
}

impl Steps {
    /// The steps that are the same whatever the lower bits are; `None` if there are none.
    fn of(r0: &Natural, r1: &Natural) -> Option<Self> {
        let shift = r0.bits().checked_sub(63)?;
        let top = |number: &Natural| bits_from(number.limbs(), shift);
        let (mut h0, mut h1) = (top(r0), top(r1));
        let mut steps = Self { first: (1, 0), second: (0, 1), odd: false };
        while h1 != 0 {
            let quotient = h0 / h1;
            let next = (
                steps.first.0.checked_add(quotient.checked_mul(steps.second.0)?)?,
                steps.first.1.checked_add(quotient.checked_mul(steps.second.1)?)?,
            );
            let rest = h0 % h1;
            // Collins's condition: the quotient is right for all numbers with these leading bits.
            let sure = next.1 >> 31 == 0 && rest >= next.1 && h1 - rest >= next.1 + steps.second.1;
            if !sure {
                break;
            }
            (h0, h1) = (h1, rest);
            (steps.first, steps.second) = (steps.second, next);
            steps.odd = !steps.odd;
        }
        (steps.first.1 != 0).then_some(steps)
    }

    fn take(&self, first: &Vector, second: &Vector) -> (Vector, Vector) {
        let rest = |(u, v): (u64, u64), negative: bool| {
            let (r0, r1) = (first.rest.limbs(), second.rest.limbs());
            if negative { difference(v, r1, u, r0) } else { difference(u, r0, v, r1) }
        };
        let x = |(u, v): (u64, u64)| sum(u, first.x.limbs(), v, second.x.limbs());
        (
            Vector { x: x(self.first), rest: rest(self.first, self.odd) },
            Vector { x: x(self.second), rest: rest(self.second, !self.odd) },
        )
    }
}

/// 64 bits from bit `from` on.
fn bits_from(limbs: &[u64], from: u32) -> u64 {
    let limb = |i: usize| u128::from(limbs.get(i).copied().unwrap_or(0));
    let first = (from / 64) as usize;
    ((limb(first) | limb(first + 1) << 64) >> (from % 64)) as u64
}

/// `u * a - v * b`, which is not negative.
fn difference(u: u64, a: &[u64], v: u64, b: &[u64]) -> Natural {
    let count = a.len().max(b.len()) + 1;
    let mut limbs = Zeroizing::new(Vec::with_capacity(count));
    let (mut plus, mut minus, mut borrow) = (0, 0, 0);
    let limb = |limbs: &[u64], i: usize| limbs.get(i).copied().unwrap_or(0);
    for i in 0..count {
        let (x, y);
        (x, plus) = multiply_add(u, limb(a, i), 0, plus);
        (y, minus) = multiply_add(v, limb(b, i), 0, minus);
        let (difference, under) = subtract(x, y, borrow);
        borrow = under;
        limbs.push(difference);
    }
    Natural::from_limbs(&limbs)
}

/// `u * a + v * b`.
fn sum(u: u64, a: &[u64], v: u64, b: &[u64]) -> Natural {
    let count = a.len().max(b.len()) + 1;
    let mut limbs = Zeroizing::new(Vec::with_capacity(count));
    let (mut first, mut second) = (0, 0);
    let limb = |limbs: &[u64], i: usize| limbs.get(i).copied().unwrap_or(0);
    for i in 0..count {
        let x;
        (x, first) = multiply_add(u, limb(a, i), 0, first);
        let (y, over) = multiply_add(v, limb(b, i), x, second);
        second = over;
        limbs.push(y);
    }
    Natural::from_limbs(&limbs)
}

#[cfg(test)]
mod tests {
    use super::super::super::tests::Random;
    use super::*;

    #[test]
    fn several_steps_at_once_are_those_of_euclid() {
        let mut random = Random::new(71);
        for round in 0..300 {
            let count = 2 + random.below(30);
            let (a, b) = (Natural::from_limbs(&random.limbs(count)), Natural::from_limbs(&random.limbs(count)));
            let (modulus, factor) = if a < b { (b, a) } else { (a, b) };
            let tilt = random.below(32 * count) as u32;
            let (first, second, odd) = basis(&modulus, &factor, tilt).unwrap();
            // One by one.
            let (mut r, mut x) = ((modulus.clone(), factor.clone()), (Natural::from(0), Natural::from(1)));
            let mut sign = true;
            while x.1.bits() + tilt < r.1.bits() {
                let (quotient, rest) = r.0.div_rem(&r.1).unwrap();
                r = (r.1, rest);
                let next = x.0.plus(&quotient.times(&x.1));
                x = (x.1, next);
                sign = !sign;
            }
            assert!(first.x == x.0 && second.x == x.1 && first.rest == r.0 && second.rest == r.1, "{round}");
            assert_eq!(odd, sign, "{round}");
        }
    }

    #[test]
    fn points_near_a_target_are_found() {
        let mut random = Random::new(72);
        for round in 0..300 {
            let modulus = Natural::from_limbs(&[&[1], &random.limbs(15)[..]].concat());
            let factor = Natural::from_limbs(&random.limbs(15));
            // A point, and a target less than 2^(bits + tilt - 1) below what x makes.
            let (bits, tilt) = (320, 330);
            let x = Natural::from_limbs(&random.limbs(5));
            let error = Natural::from_limbs(&random.limbs(10));
            let negative = round % 2 == 0;
            let product = x.times(&factor).modulo(&modulus).unwrap();
            let made = if negative { modulus.minus(&product).unwrap() } else { product };
            let Some(target) = made.minus(&error) else { continue };
            assert!(near(&modulus, &factor, &target, bits, tilt).contains(&(negative, x)), "{round}");
        }
    }
}
