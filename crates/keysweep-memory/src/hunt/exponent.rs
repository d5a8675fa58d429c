//! Whether a number may be the private exponent of a modulus, by its leading bits.
//!
//! As `e * d = 1 + k * λ` and `λ = φ(n) / g`, with `φ(n)` hardly less than `n` and `g = gcd(p - 1, q - 1)` mostly small,
//! `e * d / n` is `k / g` in its leading bits. Its fraction is computed to 64 bits, and multiplied by numbers that nearly all
//! `g` divide: what is left is zero, but for a few of the last bits.

use crate::order::Order;

/// How many bits shorter than the modulus an exponent may be.
const SLACK: u32 = 40;
/// The least common multiple of 1 to 36; and that of 1 to 12, times the primes from 37 to 61, and from 67 to 83. One `g` in some
/// hundred divides none of them.
const MULTIPLES: [u64; 3] =
    [144_403_552_893_600, 27_720 * (37 * 41 * 43 * 47 * 53 * 59), 27_720 * (61 * 67 * 71 * 73 * 79)];
/// By how many of its last bits' units the fraction may be wrong.
const ERROR: u64 = 8;

/// A modulus and its public exponent, ready for many numbers.
pub(super) struct Leading {
    /// Bits of the modulus.
    bits: u32,
    /// Its first 128 bits.
    top: u128,
    /// `e * 2^222 / top`.
    factor: u128,
}

impl Leading {
    /// `None` if the numbers are too small or too large. `n` is a modulus, its most significant byte first.
    pub(super) fn new(n: &[u8], e: u64) -> Option<Self> {
        let bits = keysweep_keys::public::bit_length(n);
        let n = keysweep_keys::secret::trim_leading_zeros(n);
        let first = u128::from_be_bytes(*n.first_chunk()?);
        let next = n.get(16).copied().unwrap_or(0);
        let zeros = first.leading_zeros();
        let top = if zeros == 0 { first } else { first << zeros | u128::from(next >> (8 - zeros)) };
        (e >> 32 == 0 && e > 1).then(|| Self { bits, top, factor: divide(e, top) })
    }

    /// Whether the number in a window may be the private exponent; `true` if its first bytes do not tell.
    #[inline]
    pub(super) fn may_be(&self, order: Order, window: &[u8]) -> bool {
        match order {
            Order::Digits { bits, bytes } => {
                leading_digits(window, bits.into(), bytes.into(), self.bits).is_none_or(|top| self.fits(top, self.bits))
            }
            _ => leading(order, window).is_none_or(|top| self.fits(top, 8 * window.len() as u32)),
        }
    }

    /// The same for limbs, least significant first, the last of which is not zero.
    pub(super) fn may_be_limbs(&self, limbs: &[u64]) -> bool {
        match limbs {
            [.., next, top] => self.fits(u128::from(*top) << 64 | u128::from(*next), 64 * limbs.len() as u32),
            _ => false,
        }
    }

    /// `top` are the first 128 bits of a number that is taken to have `bits` bits, with zeros in front.
    #[inline]
    fn fits(&self, top: u128, bits: u32) -> bool {
        // In the scale of the modulus.
        let d = if bits >= self.bits {
            let more = bits - self.bits;
            if more >= 128 || top.leading_zeros() < more {
                return false;
            }
            top << more
        } else if self.bits - bits < SLACK {
            top >> (self.bits - bits)
        } else {
            return false;
        };
        if d.leading_zeros() > SLACK || d > self.top {
            return false;
        }
        // d * factor / 2^222 = d * e / top, of which these are the first 64 bits behind the point.
        let fraction = (high(d, self.factor) >> 30) as u64;
        MULTIPLES.iter().any(|multiple| {
            let rest = fraction.wrapping_mul(*multiple);
            rest.min(rest.wrapping_neg()) <= ERROR * multiple
        })
    }
}

/// The upper half of a product.
#[inline]
fn high(a: u128, b: u128) -> u128 {
    let halves = |n: u128| (n & u128::from(u64::MAX), n >> 64);
    let ((a0, a1), (b0, b1)) = (halves(a), halves(b));
    let (low, cross) = (a0 * b0, a1 * b0);
    let middle = a0 * b1 + (low >> 64) + (cross & u128::from(u64::MAX));
    a1 * b1 + (cross >> 64) + (middle >> 64)
}

/// `e * 2^222 / top`, for a `top` whose highest bit is set, bit by bit.
fn divide(e: u64, top: u128) -> u128 {
    let (mut rest, mut quotient) = (0u128, 0u128);
    for bit in (0..254u32).rev() {
        let next = bit.checked_sub(222).map_or(0, |bit| u128::from(e >> bit & 1));
        let over = rest >> 127 != 0;
        rest = rest << 1 | next;
        quotient <<= 1;
        if over || rest >= top {
            rest = rest.wrapping_sub(top);
            quotient |= 1;
        }
    }
    quotient
}

/// The first 128 bits of a window, as its order has them.
#[inline]
fn leading(order: Order, bytes: &[u8]) -> Option<u128> {
    let first = bytes.first_chunk::<16>()?;
    Some(match order {
        Order::Little => u128::from_le_bytes(*bytes.last_chunk()?),
        Order::Big => u128::from_be_bytes(*first),
        // The bytes of each word turned around, all words at once.
        Order::BigWords32 => {
            let words = u128::from_be_bytes(*first);
            let bytes = words.swap_bytes();
            // Now the words are in the wrong order.
            bytes << 96 | (bytes & 0xffff_ffff_0000_0000) << 32 | (bytes >> 32 & 0xffff_ffff_0000_0000) | bytes >> 96
        }
        Order::BigWords64 => u128::from_le_bytes(*first).rotate_left(64),
        Order::Digits { .. } => return None,
    })
}

/// The first 128 bits of a number of so many bits as digits, the least significant first; all of them set if it is larger.
fn leading_digits(bytes: &[u8], bits: u32, size: usize, all: u32) -> Option<u128> {
    let mut skipped = ((bytes.len() / size) as u32 * bits).saturating_sub(all);
    let (mut top, mut left) = (0u128, 128);
    for digit in bytes.rchunks_exact(size) {
        let digit = digit.iter().rev().fold(0, |digit, byte| digit << 8 | u128::from(*byte));
        let zeros = skipped.min(bits);
        skipped -= zeros;
        if digit >> (bits - zeros) != 0 {
            return Some(u128::MAX);
        }
        let taken = (bits - zeros).min(left);
        top = top << taken | digit >> (bits - zeros - taken);
        left -= taken;
        if left == 0 {
            return Some(top);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::order::{PYTHON, TOM_MATH_32, TOM_MATH_64};
    use num_bigint::BigUint;

    #[test]
    fn words_lead_as_they_are_decoded() {
        let bytes: Vec<u8> = (1..=32).collect();
        for order in [Order::Little, Order::Big, Order::BigWords32, Order::BigWords64] {
            let number = order.decode(&bytes).unwrap();
            assert_eq!(leading(order, &bytes), Some(u128::from_be_bytes(*number.first_chunk().unwrap())), "{order:?}");
        }
    }

    #[test]
    fn digits_lead_as_they_are_decoded() {
        let mut numbers = crate::curve::random_numbers(22);
        for order in [PYTHON, TOM_MATH_64, TOM_MATH_32] {
            let Order::Digits { bits, bytes } = order else { unreachable!() };
            let number: Vec<u8> = numbers.by_ref().take(10).flat_map(u64::to_le_bytes).collect();
            let (digits, all) = (order.encode(&number), 8 * number.len() as u32);
            let first = u128::from_be_bytes(*number.first_chunk().unwrap());
            let leading = |all: u32| leading_digits(&digits, bits.into(), bytes.into(), all);
            assert_eq!(leading(all), Some(first), "{order:?}");
            // The number of a modulus that is longer or shorter.
            let used = all - number[0].leading_zeros();
            assert_eq!(
                leading(used),
                Some(first << (all - used) | u128::from(number[16]).unbounded_shr(8 - (all - used)))
            );
            assert_eq!(leading(used - 1), Some(u128::MAX), "{order:?}");
        }
    }

    #[test]
    fn fractions_are_those_of_an_independent_library() {
        let mut numbers = crate::curve::random_numbers(21);
        for round in 0..200 {
            let mut limbs: Vec<u64> = numbers.by_ref().take(16).collect();
            limbs[15] = limbs[15] >> (round % 8) | 1 << (63 - round % 8);
            let big: Vec<u8> = limbs.iter().rev().flat_map(|l| l.to_be_bytes()).collect();
            let n = BigUint::from_bytes_be(&big);
            for (e, g) in [(65_537u64, 2u64), (3, 1), (65_537, 2 * 59), (0xffff_fffb, 12), (17, 36 * 25), (257, 73)] {
                let leading = Leading::new(&big, e).unwrap();
                // d = k n / (e g), less a number of half the bits.
                let k = BigUint::from(e * g * 2 / 3 + 1);
                let d = k * &n / BigUint::from(e * g) - BigUint::from(numbers.next().unwrap());
                let mut window = d.to_bytes_be();
                window.splice(0..0, std::iter::repeat_n(0, big.len() - window.len()));
                assert!(leading.may_be(Order::Big, &window), "{round} {e} {g}");
                assert!(leading.may_be_limbs(&d.to_u64_digits()));
                // Not so what is elsewhere.
                window[6] ^= 1 << (round % 8);
                assert!(!leading.may_be(Order::Big, &window), "{round} {e} {g}");
            }
        }
    }
}
