//! Small primes: what one of them divides is no prime, nor a modulus, and most odd numbers are sorted out so for the price of a few
//! multiplications.

use super::limbs::MAX_LIMBS;

/// The odd primes up to 29, and their product, which is below 2^32.
pub(crate) const PRIMES: [u64; 9] = [3, 5, 7, 11, 13, 17, 19, 23, 29];
pub(crate) const PRODUCT: u64 = 3 * 5 * 7 * 11 * 13 * 17 * 19 * 23 * 29;
/// Limbs of the largest number that is looked at, with one to spare.
const LIMBS: usize = MAX_LIMBS + 2;

/// 2^(64 i) modulo [`PRODUCT`].
const POWERS: [u32; LIMBS] = {
    let mut powers = [1; LIMBS];
    let limb = ((1u128 << 64) % PRODUCT as u128) as u64;
    let mut i = 1;
    while i < LIMBS {
        powers[i] = (powers[i - 1] as u64 * limb % PRODUCT) as u32;
        i += 1;
    }
    powers
};

/// Whether none of the odd primes up to 29 divides a number of at most 16512 bits: one in three random odd numbers.
pub(crate) fn has_no_small_factor(limbs: &[u64]) -> bool {
    // Each product takes 96 bits, and there are fewer than 2^9.
    let sum: u128 = limbs.iter().zip(POWERS).map(|(limb, power)| u128::from(*limb) * u128::from(power)).sum();
    let high = (sum >> 64) as u64 % PRODUCT * u64::from(POWERS[1]) % PRODUCT;
    let rest = high + sum as u64 % PRODUCT;
    PRIMES.iter().all(|prime| !rest.is_multiple_of(*prime))
}

#[cfg(test)]
mod tests {
    use super::super::natural::Natural;
    use super::super::tests::Random;
    use super::*;

    #[test]
    fn small_factors_are_seen_at_any_length() {
        let mut random = Random::new(31);
        let mut passed = 0;
        for round in 0..2000 {
            let limbs = random.limbs(1 + round % MAX_LIMBS);
            let number = Natural::from_limbs(&limbs);
            let free = PRIMES.iter().all(|p| !number.modulo(&Natural::from(*p)).unwrap().is_zero());
            assert_eq!(has_no_small_factor(&limbs), free, "{round}");
            passed += usize::from(free);
        }
        assert!((500..900).contains(&passed), "{passed}");
        assert!(has_no_small_factor(&[1]) && !has_no_small_factor(&[0]) && !has_no_small_factor(&[0, 29]));
        assert!(!has_no_small_factor(&[]) && !has_no_small_factor(&[u64::MAX; MAX_LIMBS]));
    }
}
