//! Floating-point numbers with an exponent of any size: the squares of the lengths of vectors of thousands of bits.

use std::ops::{Mul, Sub};

/// `mantissa * 2^exponent`, with a mantissa from 1/2 to 1 or from -1 to -1/2, or zero.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Float {
    mantissa: f64,
    exponent: i64,
}

/// The exponent of zero: below all others.
const NONE: i64 = i64::MIN / 4;

impl Float {
    pub(super) const ZERO: Self = Self { mantissa: 0.0, exponent: NONE };

    /// `value * 2^exponent`, for a finite value.
    pub(super) fn new(value: f64, exponent: i64) -> Self {
        // IEEE 754: 11 bits of exponent, with a bias of 1023, below the sign.
        let bits = value.to_bits();
        let held = (bits >> 52 & 0x7ff) as i64;
        if held == 0 {
            return Self::ZERO; // What is below 2^-1022 does not occur but for zero.
        }
        let mantissa = f64::from_bits(bits & !(0x7ff << 52) | 1022 << 52);
        Self { mantissa, exponent: exponent + held - 1022 }
    }

    /// An integer in two's complement, least significant limb first.
    pub(super) fn from_limbs(limbs: &[u64]) -> Self {
        let negative = limbs.last().is_some_and(|top| top >> 63 == 1);
        let flip = if negative { u64::MAX } else { 0 };
        // The magnitude of a negative number is one more, which matters only where that is all there is.
        let Some(top) = limbs.iter().rposition(|limb| limb ^ flip != 0) else {
            return if negative { Self::new(-1.0, 0) } else { Self::ZERO };
        };
        let limb = |i: usize| (limbs[i] ^ flip) as f64;
        let (high, low) = (limb(top), if top > 0 { limb(top - 1) } else { f64::from(u8::from(negative)) });
        let (value, exponent) = match top {
            0 => (high + low, 0),
            _ => (high * 2f64.powi(64) + low, 64 * (top as i64 - 1)),
        };
        Self::new(if negative { -value } else { value }, exponent)
    }

    pub(super) fn over(self, other: Self) -> Self {
        if self.mantissa == 0.0 || other.mantissa == 0.0 {
            return Self::ZERO;
        }
        Self::new(self.mantissa / other.mantissa, self.exponent - other.exponent)
    }

    /// Whether it is less than another one; both are positive or zero.
    pub(super) fn is_below(self, other: Self) -> bool {
        (self.exponent, self.mantissa) < (other.exponent, other.mantissa)
    }

    /// Whether the magnitude is above `limit`, which is from 1/2 to 1.
    pub(super) fn exceeds(self, limit: f64) -> bool {
        self.exponent > 0 || (self.exponent == 0 && self.mantissa.abs() > limit)
    }

    /// The integer next to it, as `(negative, digits, shift)`: `digits * 2^shift`.
    pub(super) fn rounded(self) -> (bool, u64, u32) {
        let negative = self.mantissa < 0.0;
        match self.exponent {
            ..0 => (negative, 0, 0),
            e @ 0..=53 => (negative, (self.mantissa.abs() * 2f64.powi(e as i32)).round() as u64, 0),
            e => (negative, (self.mantissa.abs() * 2f64.powi(53)) as u64, (e - 53) as u32),
        }
    }

    /// `digits * 2^shift`, as [`Float::rounded`] gives it.
    pub(super) fn from_rounded((negative, digits, shift): (bool, u64, u32)) -> Self {
        Self::new(if negative { -(digits as f64) } else { digits as f64 }, shift.into())
    }
}

impl Mul for Float {
    type Output = Self;

    fn mul(self, other: Self) -> Self {
        if self.mantissa == 0.0 || other.mantissa == 0.0 {
            return Self::ZERO;
        }
        Self::new(self.mantissa * other.mantissa, self.exponent + other.exponent)
    }
}

impl Sub for Float {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        let exponent = self.exponent.max(other.exponent);
        if exponent == NONE {
            return Self::ZERO;
        }
        let part = |number: Self| {
            let below = exponent - number.exponent;
            if below > 200 { 0.0 } else { number.mantissa * 2f64.powi(-(below as i32)) }
        };
        Self::new(part(self) - part(other), exponent)
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::tests::Random;
    use super::*;

    fn value(number: Float) -> f64 {
        number.mantissa * 2f64.powi(number.exponent.clamp(-1000, 1000) as i32)
    }

    #[test]
    fn arithmetic_is_that_of_floats() {
        let mut random = Random::new(90);
        for _ in 0..2000 {
            let mut draw = || ((random.next() as i64) >> random.below(62)) as f64;
            let (a, b) = (draw(), draw());
            let (x, y) = (Float::new(a, 0), Float::new(b, 0));
            assert_eq!((value(x), value(y)), (a, b));
            assert_eq!(value(x - y), a - b);
            assert_eq!(value(x * y), a * b);
            assert_eq!(value(x.over(y)), if b == 0.0 { 0.0 } else { a / b });
            assert_eq!(Float::new(a.abs(), 0).is_below(Float::new(b.abs(), 0)), a.abs() < b.abs());
            assert_eq!(value(Float::from_rounded(x.rounded())), a);
        }
        assert_eq!(Float::new(0.75, 0).rounded(), (false, 1, 0));
        assert_eq!(Float::new(-0.25, 0).rounded(), (true, 0, 0));
        assert_eq!(Float::new(0.5, 0).rounded(), (false, 1, 0));
        assert_eq!(Float::new(-3.0, 100).rounded(), (true, 3 << 51, 49));
        assert!(Float::new(0.6, 0).exceeds(0.51) && !Float::new(0.5, 0).exceeds(0.51) && !Float::ZERO.exceeds(0.51));
    }

    #[test]
    fn limbs_are_two_s_complement() {
        for number in [
            0i128,
            1,
            -1,
            2,
            -2,
            i128::from(u64::MAX),
            -i128::from(u64::MAX),
            1 << 64,
            -(1 << 64),
            i128::MAX,
            i128::MIN,
        ] {
            let limbs = [number as u64, (number >> 64) as u64];
            assert_eq!(value(Float::from_limbs(&limbs)), number as f64, "{number}");
            let sign = (number >> 127) as u64;
            assert_eq!(value(Float::from_limbs(&[limbs[0], limbs[1], sign, sign])), number as f64, "{number}");
        }
    }
}
