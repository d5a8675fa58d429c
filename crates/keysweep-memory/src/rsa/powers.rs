//! Many powers of two modulo one number: the squarings are done once.

use super::natural::{Montgomery, Natural};
use zeroize::Zeroizing;

/// Bits of a digit of an exponent.
const WIDTH: u32 = 5;

/// 2 to the powers of 2^5, modulo an odd number above 1.
pub(super) struct Powers<'a> {
    modulus: &'a Natural,
    /// In Montgomery's form.
    bases: Vec<Zeroizing<Vec<u64>>>,
}

impl<'a> Powers<'a> {
    /// For exponents of up to `bits`.
    pub(super) fn new(modulus: &'a Natural, bits: u32) -> Option<Self> {
        let mut form = Montgomery::new(modulus)?;
        let mut base = form.enter(&Natural::from(2))?;
        let mut bases = Vec::new();
        for _ in 0..bits.div_ceil(WIDTH) {
            bases.push(base.clone());
            (0..WIDTH).for_each(|_| form.square(&mut base));
        }
        Some(Self { modulus, bases })
    }

    /// 2 to the power of `exponent`; `None` if that is too long.
    pub(super) fn raise(&self, exponent: &Natural) -> Option<Natural> {
        if exponent.bits().div_ceil(WIDTH) as usize > self.bases.len() {
            return None;
        }
        let mut form = Montgomery::new(self.modulus)?;
        // The product of all bases[i]^digit[i], from the largest digit to the smallest (Brickell, Gordon, McCurley and Wilson,
        // Fast exponentiation with precomputation, 1992).
        let digits: Zeroizing<Vec<u8>> =
            Zeroizing::new((0..self.bases.len()).map(|i| exponent.digit(WIDTH * i as u32, WIDTH)).collect());
        let mut product = form.enter(&Natural::from(1))?;
        let mut sum = product.clone();
        for digit in (1..1 << WIDTH).rev() {
            for (base, _) in self.bases.iter().zip(digits.iter()).filter(|(_, other)| **other == digit) {
                form.multiply(&mut product, base);
            }
            form.multiply(&mut sum, &product);
        }
        Some(form.leave(&mut sum))
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::Random;
    use super::*;

    #[test]
    fn powers_are_those_of_plain_exponentiation() {
        let mut random = Random::new(32);
        for len in [1, 2, 5, 16, 33] {
            let mut modulus = random.limbs(len);
            modulus[0] |= 1;
            let modulus = Natural::from_limbs(&modulus);
            let powers = Powers::new(&modulus, 64 * 9 + 17).unwrap();
            for exponent in [vec![], vec![1], vec![31], vec![32], random.limbs(3), random.limbs(9)] {
                let exponent = Natural::from_limbs(&exponent);
                assert!(powers.raise(&exponent) == Natural::from(2).power(&exponent, &modulus), "{len}");
            }
            assert!(powers.raise(&Natural::from_limbs(&random.limbs(12))).is_none());
        }
        assert!(Powers::new(&Natural::from(12), 100).is_none());
    }
}
