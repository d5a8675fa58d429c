//! How the bits of `d`, `dp` and `dq` follow from those of the primes.

use super::super::limbs;
use super::super::natural::Natural;
use super::noisy::{IMPOSSIBLE, Loss, Noisy, Rates};

/// A number `x` with `e * x = start + stream + p_factor * p + q_factor * q`, modulo every power of two, `e` being odd: its bit is known
/// with those of the primes at the same place.
pub(super) struct Relation {
    pub(super) e: i64,
    pub(super) p: i64,
    pub(super) q: i64,
    pub(super) start: i64,
    /// Limbs of what is too large for `start`.
    stream: Vec<u64>,
    /// For each bit of `x`.
    pub(super) losses: Vec<Loss>,
    /// How many of them are there, up to each bit.
    pub(super) known: Vec<u32>,
}

/// What `e * d - 1` is a multiple of, and how many times: `g * (e * d - 1) = k * (p - 1) * (q - 1)`. `g` is 1 for a `d` modulo
/// `(p - 1)(q - 1)`, and their common divisor for one modulo the least common multiple.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Multiple {
    pub(super) k: u64,
    pub(super) g: u64,
}

/// Largest factor in a relation.
const MAX_FACTOR: u64 = 1 << 40;

/// The losses of a number's bits that were moved up by `up` (whose place takes zeros that are certain) and down by `down`.
pub(super) fn losses(number: &Noisy, rates: Rates, up: u32, down: u32, bits: u32) -> (Vec<Loss>, Vec<u32>) {
    let (zero, one) = (rates.loss(false), rates.loss(true));
    let (mut losses, mut known, mut count) = (Vec::new(), Vec::new(), 0);
    for level in 0..bits {
        let loss = match level.checked_sub(up) {
            None => [0, IMPOSSIBLE],
            Some(index) => match number.bit((index + down) as usize) {
                Some(seen) => {
                    count += 1;
                    if seen { one } else { zero }
                }
                None => [0, 0],
            },
        };
        losses.push(loss);
        known.push(count);
    }
    (losses, known)
}

impl Relation {
    /// Of the private exponent.
    pub(super) fn of_exponent(
        d: &Noisy,
        rates: Rates,
        n: &Natural,
        e: u64,
        multiple: Multiple,
        bits: u32,
    ) -> Option<Self> {
        let (k, g) = (multiple.k, multiple.g);
        if k == 0 || g == 0 || e & 1 == 0 || k.max(e.checked_mul(g)?) >= MAX_FACTOR {
            return None;
        }
        // Twos that both sides have are left out.
        let common = k.trailing_zeros().min(g.trailing_zeros());
        let (k, g) = (k >> common, g >> common);
        let (down, up) = (k.trailing_zeros(), g.trailing_zeros());
        let (k, g) = ((k >> down) as i64, (g >> up) as i64);
        let factor = e as i64 * g;
        // With d = low + 2^down * x: factor * x = (g - factor * low) / 2^down + k * (n + 1 - p - q). Or d = x / 2^up, and
        // factor * x = 2^up * g + k * (n + 1 - p - q).
        let low = low_bits_of_inverse(e, down);
        let start =
            if up > 0 { g << up } else { ((i128::from(g) - i128::from(factor) * i128::from(low)) >> down) as i64 };
        let stream = n.plus(&Natural::from(1)).times(&Natural::from(k as u64));
        let (losses, known) = losses(d, rates, up, down, bits);
        Some(Self { e: factor, p: -k, q: -k, start, stream: stream.limbs().to_vec(), losses, known })
    }

    /// Of the exponent modulo `p - 1` (or `q - 1`, if `second`), with `e * dp - 1 = k * (p - 1)`.
    pub(super) fn of_crt_exponent(dp: &Noisy, rates: Rates, bits: u32, e: u64, k: u64, second: bool) -> Option<Self> {
        if k == 0 || e & 1 == 0 || k.max(e) >= MAX_FACTOR {
            return None;
        }
        let down = k.trailing_zeros();
        let odd = (k >> down) as i64;
        let low = low_bits_of_inverse(e, down);
        let start = ((1 - i128::from(e) * i128::from(low)) >> down) as i64 - odd;
        let (losses, known) = losses(dp, rates, 0, down, bits);
        let (p, q) = if second { (0, odd) } else { (odd, 0) };
        Some(Self { e: e as i64, p, q, start, stream: Vec::new(), losses, known })
    }

    /// The bit of the stream at an index.
    pub(super) fn stream(&self, index: usize) -> u8 {
        self.stream.get(index / 64).map_or(0, |limb| (limb >> (index % 64) & 1) as u8)
    }
}

/// The inverse of `e` modulo 2^bits, for up to 40 of them.
fn low_bits_of_inverse(e: u64, bits: u32) -> u64 {
    limbs::inverse(e) & ((1 << bits) - 1)
}

/// The pairs of factors of `p - 1` and `q - 1` in `e * dp - 1` and `e * dq - 1`, for a private exponent with this multiple: `x` and `y`
/// with `x * y = -k` and `x + y = 1 + k * (n - 1)` modulo `e`.
pub(super) fn crt_factors(n: &Natural, e: u64, multiple: Multiple) -> Vec<(u64, u64)> {
    if !(3..=MAX_EXPONENT).contains(&e) {
        return Vec::new();
    }
    let Some(n) = n.modulo(&Natural::from(e)).map(|n| n.low()) else { return Vec::new() };
    let Some(g) = inverse_modulo(multiple.g % e, e) else { return Vec::new() };
    let k = multiple.k % e * g % e;
    let sum = (1 + k * ((n + e - 1) % e)) % e;
    let fits = |x: &u64| (x * ((sum + e - x) % e) + k).is_multiple_of(e);
    (1..e).filter(fits).map(|x| (x, (sum + e - x) % e)).filter(|(_, y)| *y != 0).take(MAX_ROOTS).collect()
}

/// Largest public exponent whose factors are all tried.
pub(super) const MAX_EXPONENT: u64 = 1 << 17;
/// Roots of a quadratic equation that are tried: there are two of them modulo a prime.
const MAX_ROOTS: usize = 4;

/// The inverse of a number modulo a small one.
pub(super) fn inverse_modulo(a: u64, modulus: u64) -> Option<u64> {
    let inverse = Natural::from(a).inverse(&Natural::from(modulus))?;
    Some(inverse.low())
}
