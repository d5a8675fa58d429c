//! A prime with a hole anywhere, up to nearly half of it, by the method of Coppersmith as Howgrave-Graham simplified it ("Finding
//! small roots of univariate modular equations revisited", 1997): the hole is a small root of a polynomial modulo the prime. Sums
//! of multiples of powers of the polynomial and of the modulus have the same root modulo a power of the prime, and one with small
//! coefficients, which the reduction of a lattice finds, has it among the integers.

use super::super::natural::Natural;
use super::ends::divisor;
use super::lattice::{Lattice, MAX_DIMENSION};

/// Where bits of a number are lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Hole {
    /// The lowest bit that is lost.
    pub(super) from: u32,
    /// How many.
    pub(super) bits: u32,
}

/// The highest power of the polynomial that is used.
pub(super) const MAX_POWER: u32 = (MAX_DIMENSION as u32 - 1) / 2;
/// By how many bits a hole must be shorter than the method's bound.
const SPARE: u32 = 6;

/// Bits that may be lost of a prime of `prime_bits` bits, with powers up to `power`: a third, two fifths, three sevenths …
pub(super) fn most_lost(prime_bits: u32, power: u32) -> u32 {
    (prime_bits * power / (2 * power + 1)).saturating_sub(SPARE)
}

/// The least power with which so many bits of a prime of `prime_bits` bits are rebuilt.
pub(super) fn power(prime_bits: u32, lost: u32) -> Option<u32> {
    (1..=MAX_POWER).find(|power| lost <= most_lost(prime_bits, *power))
}

/// What it takes to fill a hole, in multiplications of limbs of some 2 ns, by power, for a modulus of 2048 bits and a hole at the lower
/// end of the prime: measured.
const COSTS: [u64; MAX_POWER as usize] = [80_000, 900_000, 4_500_000, 16_000_000, 45_000_000, 115_000_000, 250_000_000];
/// How many times that it is for other holes: then the polynomial begins with a number as large as the modulus.
const ELSEWHERE: u64 = 5;

/// What it takes to fill a hole, in multiplications of limbs.
pub(super) fn cost(prime_bits: u32, hole: Hole, power: u32) -> u64 {
    let size = u64::from(prime_bits) * u64::from(prime_bits);
    let factor = if hole.from == 0 { 1 } else { ELSEWHERE };
    (COSTS[power as usize - 1] * factor * size) >> 20
}

/// The prime of `n` that is `known` but for a hole, in which `known` is zero. Takes up to `effort` multiplications of limbs.
pub(super) fn fill(n: &Natural, known: &Natural, hole: Hole, power: u32, effort: u64) -> Option<Natural> {
    let unit = Natural::from(1).times_two_to(hole.from);
    let start = known.times(&unit.inverse(n)?).modulo(n)?;
    // The root is looked for from the middle of what it may be.
    let half = Natural::from(1).times_two_to(hole.bits.checked_sub(1)?);
    let mut lattice = lattice(n, &start.plus(&half), hole.bits - 1, power, effort)?;
    if !lattice.reduce() {
        return None;
    }
    // The first is the shortest, as far as is known.
    (0..2).find_map(|vector| {
        let polynomial = coefficients(&lattice, vector, hole.bits - 1, 2 * power as usize + 1);
        roots(&polynomial, hole.bits).into_iter().find_map(|(negative, x)| {
            let x = if negative { half.minus(&x)? } else { half.plus(&x) };
            divisor(n, known.plus(&x.times(&unit)))
        })
    })
}

/// The lattice of the coefficients of multiples of `n^(power - i) * (x + start)^i`, each times `2^bits` to the power of its degree.
fn lattice(n: &Natural, start: &Natural, bits: u32, power: u32, effort: u64) -> Option<Lattice> {
    let dimension = 2 * power as usize + 1;
    // A binomial coefficient has fewer bits than the power.
    let most = power * (n.bits().max(start.bits()) + 1 + bits) + power;
    let mut lattice = Lattice::new(dimension, most, effort);
    let one = Natural::from(1);
    let mut row = vec![one.clone()];
    for vector in 0..dimension {
        let times_x = vector.saturating_sub(power as usize);
        let multiple = (vector..power as usize).fold(one.clone(), |product, _| product.times(n));
        for (degree, coefficient) in row.iter().enumerate() {
            let degree = degree + times_x;
            let number = coefficient.times(&multiple).times_two_to(bits * degree as u32);
            lattice.set(vector, degree, number.limbs());
        }
        if vector < power as usize {
            // Times x + start.
            let shifted = std::iter::once(Natural::from(0)).chain(row.iter().cloned());
            let times = row.iter().map(|c| c.times(start)).chain([Natural::from(0)]);
            row = shifted.zip(times).map(|(a, b)| a.plus(&b)).collect();
        }
    }
    Some(lattice)
}

/// A vector of the lattice as a polynomial, the constant first.
fn coefficients(lattice: &Lattice, vector: usize, bits: u32, count: usize) -> Vec<(bool, Natural)> {
    let coefficient = |degree: usize| {
        let (negative, limbs) = lattice.get(vector, degree);
        (negative, Natural::from_limbs(&limbs).shifted_down(bits * degree as u32))
    };
    (0..count).map(coefficient).collect()
}

/// Primes modulo which roots are looked for first.
const PRIMES: [u64; 4] = [251, 241, 239, 233];

/// The roots of up to `bits` bits of a polynomial among the integers, but for those that are a double root modulo each of a few
/// primes. `true` stands for a negative one.
fn roots(polynomial: &[(bool, Natural)], bits: u32) -> Vec<(bool, Natural)> {
    let mut all = Vec::new();
    for prime in PRIMES {
        let modulus = Natural::from(prime);
        let small = |coefficients: &[(bool, Natural)]| -> Option<Vec<u64>> {
            let rest = |(negative, c): &(bool, Natural)| {
                let rest = c.modulo(&modulus)?.low();
                Some(if *negative { (prime - rest) % prime } else { rest })
            };
            coefficients.iter().map(rest).collect()
        };
        let Some(reduced) = small(polynomial) else { return all };
        if reduced.iter().all(|c| *c == 0) {
            continue;
        }
        let value = |x: u64, weight: &dyn Fn(usize) -> u64, from: usize| {
            reduced.iter().enumerate().skip(from).rev().fold(0, |sum, (i, c)| (sum * x + c * weight(i)) % prime)
        };
        let found: Vec<u64> = (0..prime).filter(|x| value(*x, &|_| 1, 0) == 0).collect();
        let double = found.iter().any(|x| value(*x, &|i| i as u64 % prime, 1) == 0);
        all.extend(found.iter().filter_map(|x| lift(polynomial, *x, prime, bits)));
        if !double {
            break;
        }
    }
    all
}

/// The integer of up to `bits` bits that a root modulo a prime becomes modulo its powers, by Newton's iteration.
fn lift(polynomial: &[(bool, Natural)], root: u64, prime: u64, bits: u32) -> Option<(bool, Natural)> {
    let (mut x, mut modulus) = (Natural::from(root), Natural::from(prime));
    while modulus.bits() < bits + 3 {
        modulus = modulus.times(&modulus);
        let value = evaluate(polynomial, &x, &modulus, |_| 1, 0)?;
        let slope = evaluate(polynomial, &x, &modulus, |degree| degree, 1)?;
        let step = value.times(&slope.inverse(&modulus)?).modulo(&modulus)?;
        x = x.plus(&modulus.minus(&step)?).modulo(&modulus)?;
    }
    let below = modulus.minus(&x)?;
    let (negative, x) = if below < x { (true, below) } else { (false, x) };
    (x.bits() <= bits).then_some((negative, x))
}

/// The value of a polynomial whose coefficients are multiplied by a weight, without those below one, modulo a number.
fn evaluate(
    polynomial: &[(bool, Natural)],
    x: &Natural,
    modulus: &Natural,
    weight: impl Fn(u64) -> u64,
    from: usize,
) -> Option<Natural> {
    let mut sum = Natural::from(0);
    for (degree, (negative, coefficient)) in polynomial.iter().enumerate().skip(from).rev() {
        let term = coefficient.times(&Natural::from(weight(degree as u64))).modulo(modulus)?;
        let term = if *negative { modulus.minus(&term)? } else { term };
        sum = sum.times(x).plus(&term).modulo(modulus)?;
    }
    Some(sum)
}
