//! A prime of which one end is lost, up to a third of it. The other prime's same end is unknown then, too, and what is
//! unknown of the two is a point of a lattice in the plane near a known one.

use super::super::limbs::may_divide;
use super::super::natural::Natural;
use super::plane::near;

/// Bits that may be lost of a prime with so many.
pub(in super::super) fn most_lost(prime_bits: u32) -> u32 {
    (prime_bits / 3).saturating_sub(SPARE)
}

/// By how many bits a third of a prime must be longer than what is lost, so that what is found is nearly always the prime.
const SPARE: u32 = 3;

/// The prime of `n` that is `top` but for its lowest `lost` bits, whatever they are in `top`.
///
/// With `p = p0 + x` and `n = p0 * q0 + r0` the other prime is `q0 + y`, and `x * q0 + y * p0 = r0 - x * y`, where `-x * y` is about
/// `x^2 * q / p`: `x * q0` is near `r0` modulo `p0`.
pub(super) fn from_top(n: &Natural, top: &Natural, lost: u32) -> Option<Natural> {
    let half = Natural::from(1).times_two_to(lost.checked_sub(1)?);
    let p0 = top.shifted_down(lost).times_two_to(lost).plus(&half);
    let (q0, r0) = n.div_rem(&p0)?;
    // q / p in 1/2^20, and half of what x * y may be.
    let scale = p0.bits().checked_sub(32)?;
    let (q_top, p_top) = (q0.shifted_down(scale), p0.shifted_down(scale));
    let ratio = q_top.times_two_to(20).div_rem(&p_top)?.0;
    let error = ratio.times_two_to((2 * lost).checked_sub(23)?);
    let target = r0.plus(&error).modulo(&p0)?;
    let found = near(&p0, &q0, &target, lost, lost.checked_sub(2)?);
    found.into_iter().find_map(|(negative, x)| {
        let p = if negative { p0.minus(&x)? } else { p0.plus(&x) };
        divisor(n, p)
    })
}

/// The prime of `n` that is `low` in its lowest `known` bits, and has `lost` more; all the others of `low` are zero.
///
/// With `p = low + x * 2^known` and `q = n / low + y * 2^known` modulo a power of two, `x * q0 + y * p0` is known modulo `2^known`.
pub(in super::super) fn from_low(n: &Natural, low: &Natural, known: u32, lost: u32) -> Option<Natural> {
    let inverse = inverse_of_odd(low, known)?;
    let cut = |number: &Natural| number.low_bits(known);
    let q0 = cut(&inverse.times(&cut(n)));
    let modulus = Natural::from(1).times_two_to(known);
    let negated = |number: &Natural| modulus.minus(number).map(|number| cut(&number));
    // x and y are taken from the middle of what they may be.
    let half = Natural::from(1).times_two_to(lost.checked_sub(1)?);
    let sum = n.minus(&low.times(&q0))?.shifted_down(known);
    let middle = cut(&half.times(&q0.plus(low)));
    let sum = cut(&cut(&sum).plus(&negated(&middle)?));
    let factor = cut(&inverse.times(&q0));
    let target = cut(&inverse.times(&sum));
    near(&modulus, &factor, &target, lost, 0).into_iter().find_map(|(negative, x)| {
        let x = if negative { half.minus(&x)? } else { half.plus(&x) };
        divisor(n, low.plus(&x.times_two_to(known)))
    })
}

/// A number, if it divides `n` and is neither 1 nor `n`.
pub(super) fn divisor(n: &Natural, p: Natural) -> Option<Natural> {
    let sized = p.is_odd() && p.bits() > 1 && p.bits() < n.bits();
    (sized && may_divide(n.limbs(), n.bits(), p.limbs(), p.bits()) && n.exactly(&p).is_some()).then_some(p)
}

/// The inverse of an odd number modulo 2^bits, by Newton's iteration.
fn inverse_of_odd(number: &Natural, bits: u32) -> Option<Natural> {
    if !number.is_odd() {
        return None;
    }
    let mut inverse = Natural::from(super::super::limbs::inverse(number.low()));
    let mut right = 64;
    while right < bits {
        right = (2 * right).min(bits);
        // inverse * (2 - number * inverse).
        let product = inverse.times(&number.low_bits(right)).low_bits(right);
        let two = Natural::from(1).times_two_to(right).plus(&Natural::from(2));
        inverse = inverse.times(&two.minus(&product)?).low_bits(right);
    }
    Some(inverse.low_bits(bits))
}
