//! Natural numbers of any size, zeroized on drop: for the few candidates that passed the filters.

use super::limbs::{self, multiply_add, subtract};
use std::cmp::Ordering;
use zeroize::Zeroizing;

/// A natural number: limbs, least significant first, without leading zeros.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Natural(Zeroizing<Vec<u64>>);

impl Natural {
    /// The number with these limbs, least significant first.
    pub(crate) fn from_limbs(limbs: &[u64]) -> Self {
        let used = limbs.iter().rposition(|limb| *limb != 0).map_or(0, |top| top + 1);
        Self(Zeroizing::new(limbs[..used].to_vec()))
    }

    /// The number in big-endian bytes.
    pub(crate) fn from_be(bytes: &[u8]) -> Self {
        let limb = |chunk: &[u8]| chunk.iter().fold(0, |limb, byte| limb << 8 | u64::from(*byte));
        let limbs = Zeroizing::new(bytes.rchunks(8).map(limb).collect::<Vec<u64>>());
        Self::from_limbs(&limbs)
    }

    /// Big-endian bytes without leading zeros.
    pub(crate) fn to_be(&self) -> Zeroizing<Vec<u8>> {
        let all = Zeroizing::new(self.0.iter().rev().flat_map(|limb| limb.to_be_bytes()).collect::<Vec<u8>>());
        Zeroizing::new(keysweep_keys::secret::trim_leading_zeros(&all).to_vec())
    }

    /// The limbs, least significant first, without leading zeros.
    pub(crate) fn limbs(&self) -> &[u64] {
        &self.0
    }

    /// Number of significant bits.
    pub(crate) fn bits(&self) -> u32 {
        limbs::bits(&self.0)
    }

    /// The lowest limb.
    pub(crate) fn low(&self) -> u64 {
        self.0.first().copied().unwrap_or(0)
    }

    pub(crate) fn is_zero(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn is_odd(&self) -> bool {
        self.low() & 1 == 1
    }

    pub(crate) fn is_one(&self) -> bool {
        self.0[..] == [1]
    }

    /// `self + other`.
    pub(crate) fn plus(&self, other: &Self) -> Self {
        let (long, short) = if self.0.len() < other.0.len() { (other, self) } else { (self, other) };
        let mut sum = Zeroizing::new(Vec::with_capacity(long.0.len() + 1));
        let mut carry = 0;
        for (i, limb) in long.0.iter().enumerate() {
            let wide = u128::from(*limb) + u128::from(short.0.get(i).copied().unwrap_or(0)) + carry;
            sum.push(wide as u64);
            carry = wide >> 64;
        }
        sum.push(carry as u64);
        Self::from_limbs(&sum)
    }

    /// `self - other`; `None` if that is negative.
    pub(crate) fn minus(&self, other: &Self) -> Option<Self> {
        let mut difference = self.0.clone();
        let mut borrow = 0;
        for (i, limb) in difference.iter_mut().enumerate() {
            (*limb, borrow) = subtract(*limb, other.0.get(i).copied().unwrap_or(0), borrow);
        }
        (borrow == 0 && other.0.len() <= self.0.len()).then(|| Self::from_limbs(&difference))
    }

    /// `self - 1`; 0 for 0.
    pub(crate) fn less_one(&self) -> Self {
        self.minus(&Self::from(1)).unwrap_or_else(|| Self::from(0))
    }

    /// `self * other`.
    pub(crate) fn times(&self, other: &Self) -> Self {
        let mut product = Zeroizing::new(vec![0; self.0.len() + other.0.len()]);
        for (i, a) in self.0.iter().enumerate() {
            let mut carry = 0;
            for (j, b) in other.0.iter().enumerate() {
                (product[i + j], carry) = multiply_add(*a, *b, product[i + j], carry);
            }
            product[i + other.0.len()] = carry;
        }
        Self::from_limbs(&product)
    }

    /// Quotient and remainder; `None` for a division by zero.
    pub(crate) fn div_rem(&self, divisor: &Self) -> Option<(Self, Self)> {
        let count = divisor.0.len();
        match count {
            0 => return None,
            _ if (self as &Self).cmp(divisor) == Ordering::Less => return Some((Self::from(0), self.clone())),
            1 => return Some(self.div_rem_limb(divisor.0[0])),
            _ => {}
        }
        // Knuth's algorithm D (The Art of Computer Programming 2, 4.3.1): the top bit of the divisor is moved up to the top.
        let shift = divisor.0[count - 1].leading_zeros();
        let v = divisor.shifted_up(shift, count);
        let mut u = self.shifted_up(shift, self.0.len() + 1);
        let mut quotient = Zeroizing::new(vec![0; self.0.len() - count + 1]);
        for j in (0..quotient.len()).rev() {
            let mut digit = estimate(&u[j..], &v, count);
            let mut carry = 0;
            let mut borrow = 0;
            for i in 0..count {
                let (product, next) = multiply_add(digit, v[i], 0, carry);
                (u[i + j], borrow) = subtract(u[i + j], product, borrow);
                carry = next;
            }
            (u[j + count], borrow) = subtract(u[j + count], carry, borrow);
            if borrow != 0 {
                digit -= 1;
                let mut carry = 0u128;
                for i in 0..count {
                    let wide = u128::from(u[i + j]) + u128::from(v[i]) + carry;
                    u[i + j] = wide as u64;
                    carry = wide >> 64;
                }
                u[j + count] = u[j + count].wrapping_add(carry as u64);
            }
            quotient[j] = digit;
        }
        let remainder = Self::from_limbs(&u[..count]).shifted_down(shift);
        Some((Self::from_limbs(&quotient), remainder))
    }

    fn div_rem_limb(&self, divisor: u64) -> (Self, Self) {
        let mut quotient = self.0.clone();
        let mut rest = 0u64;
        for limb in quotient.iter_mut().rev() {
            let wide = u128::from(rest) << 64 | u128::from(*limb);
            *limb = (wide / u128::from(divisor)) as u64;
            rest = (wide % u128::from(divisor)) as u64;
        }
        (Self::from_limbs(&quotient), Self::from(rest))
    }

    /// The remainder; `None` for a division by zero.
    pub(crate) fn modulo(&self, divisor: &Self) -> Option<Self> {
        Some(self.div_rem(divisor)?.1)
    }

    /// The quotient if `divisor` divides without remainder.
    pub(crate) fn exactly(&self, divisor: &Self) -> Option<Self> {
        let (quotient, remainder) = self.div_rem(divisor)?;
        remainder.is_zero().then_some(quotient)
    }

    /// The limbs of `self * 2^shift` for `shift` below 64, `len` of them.
    fn shifted_up(&self, shift: u32, len: usize) -> Zeroizing<Vec<u64>> {
        let mut limbs = Zeroizing::new(vec![0; len]);
        let mut carry = 0;
        for (i, to) in limbs.iter_mut().enumerate() {
            let wide = u128::from(self.0.get(i).copied().unwrap_or(0)) << shift;
            *to = wide as u64 | carry;
            carry = (wide >> 64) as u64;
        }
        limbs
    }

    /// `self / 2^shift`, rounded down.
    pub(crate) fn shifted_down(&self, shift: u32) -> Self {
        let (skip, shift) = ((shift / 64) as usize, shift % 64);
        let mut limbs = Zeroizing::new(self.0.get(skip..).unwrap_or_default().to_vec());
        let mut carry = 0;
        for limb in limbs.iter_mut().rev() {
            let wide = u128::from(*limb) << (64 - shift);
            *limb = (wide >> 64) as u64 | carry;
            carry = if shift == 0 { 0 } else { wide as u64 };
        }
        Self::from_limbs(&limbs)
    }

    /// `self * 2^shift`.
    pub(super) fn times_two_to(&self, shift: u32) -> Self {
        let skip = (shift / 64) as usize;
        let mut limbs = Zeroizing::new(vec![0; skip + self.0.len() + 1]);
        limbs[skip..].copy_from_slice(&self.shifted_up(shift % 64, self.0.len() + 1));
        Self::from_limbs(&limbs)
    }

    /// The lowest `bits` bits.
    pub(super) fn low_bits(&self, bits: u32) -> Self {
        let (whole, part) = ((bits / 64) as usize, bits % 64);
        let mut limbs = Zeroizing::new(self.0[..self.0.len().min(whole + usize::from(part != 0))].to_vec());
        if let Some(top) = limbs.get_mut(whole) {
            *top &= (1 << part) - 1;
        }
        Self::from_limbs(&limbs)
    }

    /// Number of low bits that are zero; 0 for 0.
    pub(crate) fn trailing_zeros(&self) -> u32 {
        let zeros = self.0.iter().take_while(|limb| **limb == 0).count();
        self.0.get(zeros).map_or(0, |limb| 64 * zeros as u32 + limb.trailing_zeros())
    }

    /// `count` bits from bit `from` on, up to 8.
    pub(super) fn digit(&self, from: u32, count: u32) -> u8 {
        let first = (from / 64) as usize;
        let limb = |i: usize| u128::from(self.0.get(i).copied().unwrap_or(0));
        let wide = limb(first) | limb(first + 1) << 64;
        (wide >> (from % 64)) as u8 & (u8::MAX >> (8 - count.clamp(1, 8)))
    }

    /// Greatest common divisor.
    pub(crate) fn gcd(&self, other: &Self) -> Self {
        let (mut a, mut b) = (self.clone(), other.clone());
        while let Some(rest) = a.modulo(&b) {
            (a, b) = (b, rest);
        }
        a
    }

    /// The inverse modulo `modulus`, if there is one.
    pub(crate) fn inverse(&self, modulus: &Self) -> Option<Self> {
        // Extended Euclid; a coefficient's sign alternates with each step.
        let (mut r0, mut r1) = (modulus.clone(), self.modulo(modulus)?);
        let (mut t0, mut t1) = (Self::from(0), Self::from(1));
        let mut negative = false;
        while let Some((quotient, rest)) = r0.div_rem(&r1) {
            (r0, r1) = (r1, rest);
            let next = t0.plus(&quotient.times(&t1));
            (t0, t1) = (t1, next);
            negative = !negative;
        }
        if !r0.is_one() {
            return None;
        }
        // After the last step t0 belongs to the last remainder but one, which is 1.
        let t0 = t0.modulo(modulus)?;
        if negative || t0.is_zero() { Some(t0) } else { modulus.minus(&t0) }
    }

    /// `self ^ exponent` modulo an odd `modulus` above 1.
    pub(crate) fn power(&self, exponent: &Self, modulus: &Self) -> Option<Self> {
        let mut form = Montgomery::new(modulus)?;
        let base = form.enter(self)?;
        let mut result = form.enter(&Self::from(1))?;
        // Four bits at a time.
        let mut table = vec![result.clone()];
        for i in 1..16 {
            let mut next = table[i - 1].clone();
            form.multiply(&mut next, &base);
            table.push(next);
        }
        let nibbles =
            exponent.0.iter().rev().flat_map(|limb| (0..16).rev().map(move |i| (limb >> (4 * i) & 15) as usize));
        for nibble in nibbles.skip_while(|nibble| *nibble == 0) {
            for _ in 0..4 {
                form.square(&mut result);
            }
            if nibble != 0 {
                form.multiply(&mut result, &table[nibble]);
            }
        }
        Some(form.leave(&mut result))
    }

    /// The integer part of the square root, by Newton's method.
    pub(super) fn root(&self) -> Self {
        let mut root = Self::from(1).times_two_to(self.bits().div_ceil(2));
        // From above, until it no longer falls.
        while let Some((quotient, _)) = self.div_rem(&root) {
            let next = root.plus(&quotient).shifted_down(1);
            if next >= root {
                break;
            }
            root = next;
        }
        root
    }

    /// Whether this is a prime of a size that matters. Wrong with a probability below 2^-96 for a number drawn at random, and
    /// numbers come here only if an exact relation speaks for them.
    pub(crate) fn is_prime(&self) -> bool {
        let bits = self.bits();
        if bits < 64 || !self.is_odd() || SMALL_PRIMES.iter().any(|p| self.div_rem_limb(*p).1.is_zero()) {
            return false;
        }
        // Rounds of Miller and Rabin's test for 2^-96 by the bounds of Damgard, Landrock and Pomerance ("Average case error
        // estimates for the strong probable prime test", 1993), as LibTomMath tabulates them.
        let rounds: usize = match bits {
            0..256 => 24,
            256..384 => 16,
            384..512 => 10,
            512..640 => 7,
            640..768 => 6,
            768..896 => 5,
            896..2048 => 4,
            2048..3840 => 2,
            // By the bound k^2 * 4^(2 - sqrt(k)) of the same paper.
            _ => 1,
        };
        let less_one = self.less_one();
        let twos = less_one.trailing_zeros();
        let odd = less_one.shifted_down(twos);
        // Base 2 is the cheapest. Then bases from the number itself as well, so that no list of pseudoprimes helps.
        let own = self.0.iter().map(|limb| limb | 1 << 33).take(rounds.div_ceil(2));
        let first = usize::from(rounds > 1);
        let power_of_two = std::iter::repeat_with(|| Self::two_to_the(&odd, self)).take(first);
        let powers = own.chain(SMALL_PRIMES).take(rounds - first).map(|base| Self::from(base).power(&odd, self));
        power_of_two.chain(powers).all(|power| {
            // The square roots of 1 that are met on the way must be 1 or -1.
            let Some(mut x) = power else { return false };
            if x.is_one() || x == less_one {
                return true;
            }
            (1..twos).any(|_| {
                x = x.times(&x).modulo(self).unwrap_or_else(|| Self::from(0));
                x == less_one
            })
        })
    }

    /// 2 to the power of `exponent` modulo an odd `modulus` above 1, with squarings and doublings alone.
    fn two_to_the(exponent: &Self, modulus: &Self) -> Option<Self> {
        let mut form = Montgomery::new(modulus)?;
        let mut result = form.enter(&Self::from(1))?;
        for bit in (0..exponent.bits()).rev() {
            form.square(&mut result);
            if exponent.digit(bit, 1) == 1 {
                form.double(&mut result);
            }
        }
        Some(form.leave(&mut result))
    }
}

impl From<u64> for Natural {
    fn from(value: u64) -> Self {
        Self::from_limbs(&[value])
    }
}

impl Ord for Natural {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.len().cmp(&other.0.len()).then_with(|| self.0.iter().rev().cmp(other.0.iter().rev()))
    }
}

impl PartialOrd for Natural {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// An estimate of the next digit of a quotient, at most one too large.
fn estimate(u: &[u64], v: &[u64], count: usize) -> u64 {
    let top = u128::from(u[count]) << 64 | u128::from(u[count - 1]);
    let divisor = u128::from(v[count - 1]);
    let (mut digit, mut rest) = (top / divisor, top % divisor);
    while digit >> 64 != 0 || digit * u128::from(v[count - 2]) > (rest << 64 | u128::from(u[count - 2])) {
        digit -= 1;
        rest += divisor;
        if rest >> 64 != 0 {
            break;
        }
    }
    digit as u64
}

/// Odd primes up to 251.
const SMALL_PRIMES: [u64; 53] = [
    3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101, 103, 107, 109,
    113, 127, 131, 137, 139, 149, 151, 157, 163, 167, 173, 179, 181, 191, 193, 197, 199, 211, 223, 227, 229, 233, 239,
    241, 251,
];

/// Multiplication modulo an odd number, in Montgomery's form.
pub(super) struct Montgomery<'a> {
    modulus: &'a [u64],
    /// `-modulus^-1` modulo 2^64.
    negated_inverse: u64,
    /// Room for a product.
    wide: Zeroizing<Vec<u64>>,
}

impl<'a> Montgomery<'a> {
    pub(super) fn new(modulus: &'a Natural) -> Option<Self> {
        let negated_inverse = limbs::inverse(modulus.low()).wrapping_neg();
        let wide = Zeroizing::new(vec![0; 2 * modulus.0.len()]);
        (modulus.is_odd() && !modulus.is_one()).then_some(Self { modulus: &modulus.0, negated_inverse, wide })
    }

    /// `a * 2^(64 * limbs)` modulo the modulus, with as many limbs as it.
    pub(super) fn enter(&self, a: &Natural) -> Option<Zeroizing<Vec<u64>>> {
        let count = self.modulus.len();
        let shifted = Zeroizing::new([&vec![0; count], &a.0[..]].concat());
        let rest = Natural::from_limbs(&shifted).modulo(&Natural::from_limbs(self.modulus))?;
        let mut form = Zeroizing::new(vec![0; count]);
        form[..rest.0.len()].copy_from_slice(&rest.0);
        Some(form)
    }

    pub(super) fn leave(&mut self, a: &mut [u64]) -> Natural {
        self.wide.fill(0);
        self.wide[..a.len()].copy_from_slice(a);
        self.reduce(a);
        Natural::from_limbs(a)
    }

    pub(super) fn multiply(&mut self, a: &mut [u64], b: &[u64]) {
        self.wide.fill(0);
        for (i, limb) in a.iter().enumerate() {
            let row = &mut self.wide[i..];
            let carry = add_multiple(row, *limb, b);
            row[b.len()] = carry;
        }
        self.reduce(a);
    }

    pub(super) fn square(&mut self, a: &mut [u64]) {
        // Each product of two different limbs once, twice that, and the squares of the limbs.
        self.wide.fill(0);
        for (i, limb) in a.iter().enumerate() {
            let rest = &a[i + 1..];
            let row = &mut self.wide[2 * i + 1..];
            let carry = add_multiple(row, *limb, rest);
            row[rest.len()] = carry;
        }
        let (mut doubled, mut carry) = (0, 0);
        for (pair, limb) in self.wide.chunks_exact_mut(2).zip(a.iter()) {
            let (low, high) = (pair[0] << 1 | doubled, pair[1] << 1 | pair[0] >> 63);
            doubled = pair[1] >> 63;
            let (square, over) = multiply_add(*limb, *limb, low, carry);
            let (sum, wrapped) = high.overflowing_add(over);
            pair[0] = square;
            pair[1] = sum;
            carry = u64::from(wrapped);
        }
        self.reduce(a);
    }

    fn double(&self, a: &mut [u64]) {
        let mut carry = 0;
        for limb in a.iter_mut() {
            (*limb, carry) = (*limb << 1 | carry, *limb >> 63);
        }
        if carry != 0 || a.iter().rev().cmp(self.modulus.iter().rev()) != Ordering::Less {
            let mut borrow = 0;
            for (limb, n) in a.iter_mut().zip(self.modulus) {
                (*limb, borrow) = subtract(*limb, *n, borrow);
            }
        }
    }

    /// Divides what is in `wide` by 2^(64 * limbs) modulo the modulus.
    fn reduce(&mut self, into: &mut [u64]) {
        let count = self.modulus.len();
        let mut over = 0;
        for i in 0..count {
            let factor = self.wide[i].wrapping_mul(self.negated_inverse);
            let carry = add_multiple(&mut self.wide[i..], factor, self.modulus);
            let sum = u128::from(self.wide[i + count]) + u128::from(carry) + over;
            self.wide[i + count] = sum as u64;
            over = sum >> 64;
        }
        let high = &self.wide[count..];
        let too_large = over != 0 || high.iter().rev().cmp(self.modulus.iter().rev()) != Ordering::Less;
        let mut borrow = 0;
        for ((to, from), n) in into.iter_mut().zip(high).zip(self.modulus) {
            (*to, borrow) = subtract(*from, if too_large { *n } else { 0 }, borrow);
        }
    }
}

/// Adds `factor * limbs` to a row and returns the carry out of as many limbs.
#[inline]
fn add_multiple(row: &mut [u64], factor: u64, limbs: &[u64]) -> u64 {
    let mut carry = 0;
    for (to, limb) in row.iter_mut().zip(limbs) {
        (*to, carry) = multiply_add(factor, *limb, *to, carry);
    }
    carry
}

#[cfg(test)]
mod tests {
    use super::super::tests::Random;
    use super::*;
    use num_bigint::BigUint;

    fn big(n: &Natural) -> BigUint {
        BigUint::from_bytes_be(&n.to_be())
    }

    fn draw(random: &mut Random) -> Natural {
        let count = random.below(12);
        let mut limbs = random.limbs(count);
        // Limbs at the edge of their range are where carries go wrong.
        for limb in &mut limbs {
            *limb = match random.below(8) {
                0 => 0,
                1 => u64::MAX,
                2 => 1 << 63,
                _ => *limb,
            };
        }
        Natural::from_limbs(&limbs)
    }

    #[test]
    fn arithmetic_agrees_with_an_independent_library() {
        let mut random = Random::new(11);
        for _ in 0..5000 {
            let (a, b, c) = (draw(&mut random), draw(&mut random), draw(&mut random));
            let (x, y, z) = (big(&a), big(&b), big(&c));
            assert_eq!(Natural::from_be(&x.to_bytes_be()).limbs(), a.limbs());
            assert_eq!(big(&a.plus(&b)), &x + &y);
            assert_eq!(a.minus(&b).map(|d| big(&d)), (x >= y).then(|| &x - &y));
            assert_eq!(big(&a.times(&b)), &x * &y);
            assert_eq!(a.cmp(&b), x.cmp(&y));
            let shift = random.below(200) as u32;
            assert_eq!(big(&a.shifted_down(shift)), &x >> shift);
            assert_eq!(u64::from(a.bits()), x.bits());
            assert_eq!(u64::from(a.trailing_zeros()), x.trailing_zeros().unwrap_or(0));
            assert_eq!(big(&a.root()), x.sqrt());
            let quotient = a.times(&b).plus(&c).div_rem(&b);
            assert_eq!(quotient.is_none(), y == BigUint::ZERO);
            if let Some((quotient, rest)) = quotient {
                assert_eq!((big(&quotient), big(&rest)), ((&x * &y + &z) / &y, &z % &y));
                assert_eq!(a.inverse(&b).map(|i| big(&i)), x.modinv(&y).filter(|_| y > BigUint::from(1u8)));
                if b.is_odd() && !b.is_one() {
                    assert_eq!(big(&a.power(&c, &b).unwrap()), x.modpow(&z, &y));
                }
            }
        }
    }

    #[test]
    fn greatest_common_divisors() {
        let mut random = Random::new(12);
        for _ in 0..500 {
            let (a, b) = (draw(&mut random), draw(&mut random));
            let (mut x, mut y) = (big(&a), big(&b));
            while y != BigUint::ZERO {
                (x, y) = (y.clone(), x % y);
            }
            assert_eq!(big(&a.gcd(&b)), x);
        }
    }

    #[test]
    fn primes_and_others() {
        let prime = |text: &str| Natural::from_be(&BigUint::parse_bytes(text.as_bytes(), 16).unwrap().to_bytes_be());
        // 2^127 - 1, the prime of P-256, 2^255 - 19, and the prime of RFC 2409's second group.
        for text in [
            "7fffffffffffffffffffffffffffffff",
            "ffffffff00000001000000000000000000000000ffffffffffffffffffffffff",
            "7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffed",
            "ffffffffffffffffc90fdaa22168c234c4c6628b80dc1cd129024e088a67cc74020bbea63b139b22514a08798e3404ddef9519b3cd3a431b302b0a6df25f14374fe1356d6d51c245e485b576625e7ec6f44c42e9a637ed6b0bff5cb6f406b7edee386bfb5a899fa5ae9f24117c4b1fe649286651ece65381ffffffffffffffff",
        ] {
            let p = prime(text);
            assert!(p.is_prime(), "{text}");
            assert!(!p.plus(&Natural::from(2)).is_prime() && !p.times(&p).is_prime());
            assert!(!p.times(&prime("7fffffffffffffffffffffffffffffff")).is_prime());
        }
        // A strong pseudoprime to the first twelve primes as bases, and a product of two primes.
        assert!(!prime("437ae92817f9fc85b7e5").is_prime() && !prime("10000000000000000000000000000001f").is_prime());
    }
}
