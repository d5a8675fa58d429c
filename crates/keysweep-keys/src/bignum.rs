//! Arithmetic on big-endian unsigned numbers of any length, on `crypto-bigint`, whose numbers zeroize on drop.

use crate::effort;
use crate::secret::trim_leading_zeros;
use crypto_bigint::modular::{BoxedMontyForm, BoxedMontyParams};
use crypto_bigint::{BoxedUint, ConcatenatingMul, NonZero, Odd, Resize};
use zeroize::Zeroizing;

/// A secret or public number, zeroized on drop.
pub(crate) type Number = Zeroizing<BoxedUint>;

/// The number in big-endian `bytes`.
pub(crate) fn number(bytes: &[u8]) -> Number {
    let bytes = trim_leading_zeros(bytes);
    let precision = (8 * bytes.len() as u32).max(64);
    Zeroizing::new(BoxedUint::from_be_slice(bytes, precision).unwrap_or_else(|_| BoxedUint::zero()))
}

/// The number as minimal big-endian bytes.
pub(crate) fn to_bytes(n: &BoxedUint) -> Zeroizing<Vec<u8>> {
    let bytes = Zeroizing::new(n.to_be_bytes().into_vec());
    Zeroizing::new(trim_leading_zeros(&bytes).to_vec())
}

/// `a * b`, without loss.
pub(crate) fn product(a: &BoxedUint, b: &BoxedUint) -> Number {
    Zeroizing::new(a.concatenating_mul(b))
}

/// `a - 1`; 0 for 0.
pub(crate) fn minus_one(a: &BoxedUint) -> Number {
    if bool::from(a.is_zero()) {
        return Zeroizing::new(a.clone());
    }
    Zeroizing::new(a.wrapping_sub(BoxedUint::one_with_precision(a.bits_precision())))
}

/// `a - b`; `None` if that is below 0.
pub(crate) fn difference(a: &BoxedUint, b: &BoxedUint) -> Option<Number> {
    let (difference, underflow) = a.underflowing_sub(b);
    let difference = Zeroizing::new(difference);
    (!underflow.to_bool()).then_some(difference)
}

/// `a mod m`; `None` for `m = 0`.
pub(crate) fn remainder(a: &BoxedUint, m: &BoxedUint) -> Option<Number> {
    let m = Option::<NonZero<BoxedUint>>::from(NonZero::new(m.clone()))?;
    Some(Zeroizing::new(a.rem_vartime(&m)))
}

/// `a / m` without the remainder; `None` for `m = 0`.
pub(crate) fn quotient(a: &BoxedUint, m: &BoxedUint) -> Option<Number> {
    let m = Option::<NonZero<BoxedUint>>::from(NonZero::new(m.clone()))?;
    Some(Zeroizing::new(a.wrapping_div_vartime(&m)))
}

/// `base ^ exponent mod m`; `None` unless `m` is odd and above 1.
pub(crate) fn power(base: &BoxedUint, exponent: &BoxedUint, m: &BoxedUint) -> Option<Number> {
    if *m <= BoxedUint::one() {
        return None;
    }
    let modulus = Option::<Odd<BoxedUint>>::from(Odd::new(m.clone()))?;
    effort::power(m.bit_width_vartime(), exponent.bit_width_vartime());
    let base = remainder(base, m)?;
    let params = BoxedMontyParams::new_vartime(modulus);
    let form = BoxedMontyForm::new((*base).clone().resize_unchecked(m.bits_precision()), &params);
    Some(Zeroizing::new(form.pow_bounded_exp(exponent, exponent.bit_width_vartime().max(1)).retrieve()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn n(v: u64) -> Number {
        number(&v.to_be_bytes())
    }

    #[test]
    fn arithmetic_agrees_with_machine_words() {
        for (a, b, m) in [(3u64, 5u64, 7u64), (u64::MAX, u64::MAX, 1_000_003), (0, 9, 11), (12345, 0, 13)] {
            let wide = u128::from(a) * u128::from(b);
            assert_eq!(to_bytes(&product(&n(a), &n(b))).as_slice(), trim_leading_zeros(&wide.to_be_bytes()));
            assert_eq!(
                to_bytes(&remainder(&n(a), &n(m)).unwrap()).as_slice(),
                trim_leading_zeros(&(a % m).to_be_bytes())
            );
        }
        assert_eq!(*power(&n(3), &n(200), &n(1_000_003)).unwrap(), *n(modpow(3, 200, 1_000_003)));
        assert_eq!(*difference(&n(9), &product(&n(2), &n(4))).unwrap(), *n(1));
        assert!(difference(&n(7), &product(&n(2), &n(4))).is_none());
        assert_eq!(*quotient(&n(1_000_003), &n(10)).unwrap(), *n(100_000));
        assert!(power(&n(3), &n(2), &n(10)).is_none(), "an even modulus has no Montgomery form");
        assert!(remainder(&n(3), &n(0)).is_none());
    }

    fn modpow(mut base: u64, mut exponent: u64, m: u64) -> u64 {
        let mut result = 1;
        while exponent > 0 {
            if exponent & 1 == 1 {
                result = result * base % m;
            }
            base = base * base % m;
            exponent >>= 1;
        }
        result
    }
}
