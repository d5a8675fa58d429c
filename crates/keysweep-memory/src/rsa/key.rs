//! A key that is known: all its numbers, whichever of them were found.

use super::candidates::MIN_PRIME_BITS;
use super::natural::Natural;
use keysweep_keys::{NotAKey, PrivateKey, Proved, RsaNumbers, Secret};

/// Smallest modulus that is reported, in bits.
pub(super) const MIN_MODULUS_BITS: u32 = 384;
/// Primes of one modulus.
const MAX_PRIMES: usize = 16;

/// How the public exponent is known. Later is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Exponent {
    /// It was not found; nearly all keys have this one.
    Assumed,
    /// A private exponent for it lies in the dump.
    Found,
    /// It stands in a public key.
    Public,
}

/// A modulus and its primes.
#[derive(Clone)]
pub(super) struct Key {
    /// The modulus.
    pub(super) n: Natural,
    /// Its primes, the largest first.
    pub(super) primes: Vec<Natural>,
    /// The public exponent.
    pub(super) e: Natural,
    /// How it is known.
    pub(super) exponent: Exponent,
}

/// Public exponents in use, the most frequent first; OpenSSH had 35, GnuPG 41, and 257 and 17 are Fermat's primes.
pub(super) const EXPONENTS: [u64; 14] = [65_537, 3, 17, 35, 37, 41, 257, 5, 7, 11, 13, 19, 23, 31];

/// The lowest limbs of primes that everybody knows: of curves and of the orders of their groups (SEC 2, RFC 5639, RFC 7748).
/// Modular arithmetic leaves products with them behind that are no key.
const PUBLISHED: [u64; 15] = [
    0xffff_ffff_ffff_ffff, // P-256, P-521, Curve448
    0xf3b9_cac2_fc63_2551, // order of P-256
    0x0000_0000_ffff_ffff, // P-384
    0xecec_196a_ccc5_2973, // order of P-384
    0xbb6f_b71e_9138_6409, // order of P-521
    0xffff_fffe_ffff_fc2f, // secp256k1
    0xbfd2_5e8c_d036_4141, // order of secp256k1
    0xffff_ffff_ffff_ffed, // Curve25519
    0x5812_631a_5cf5_d3ed, // order of Curve25519
    0x2378_c292_ab58_44f3, // order of Curve448
    0x2013_481d_1f6e_5377, // brainpoolP256
    0x901e_0e82_9748_56a7, // order of brainpoolP256
    0x8747_0013_3107_ec53, // brainpoolP384
    0x28aa_6056_583a_48f3, // brainpoolP512
    0xb587_9682_9ca9_0069, // order of brainpoolP512
];

impl Key {
    /// A key from its modulus and its primes; `None` unless these are different, of a size that keys have, and multiply to it.
    pub(super) fn new(n: &Natural, mut primes: Vec<Natural>, e: Option<&Natural>) -> Option<Self> {
        primes.sort_by(|a, b| b.cmp(a));
        let product = primes.iter().fold(Natural::from(1), |product, prime| product.times(prime));
        let different = primes.windows(2).all(|pair| pair[0] != pair[1]);
        let sized = n.bits() >= MIN_MODULUS_BITS && primes.iter().all(|prime| prime.bits() >= MIN_PRIME_BITS);
        if primes.len() < 2 || product != *n || !different || !sized {
            return None;
        }
        if primes.iter().any(|prime| PUBLISHED.contains(&prime.low())) {
            return None;
        }
        let key = Self { n: n.clone(), primes, e: Natural::from(0), exponent: Exponent::Assumed };
        match e {
            Some(e) => key.with_exponent(e, Exponent::Public),
            None => EXPONENTS.iter().find_map(|e| key.with_exponent(&Natural::from(*e), Exponent::Assumed)),
        }
    }

    /// Whether only the product shows that it is a key, and is no product of two elements of a field of a curve: arithmetic
    /// leaves these behind by the thousands before it reduces them, some with two primes. Keys have whole words of bits, or one less.
    pub(super) fn is_credible(&self) -> bool {
        self.exponent != Exponent::Assumed || (self.n.bits() >= 1_000 && (self.n.bits() + 1) % 64 <= 1)
    }

    /// The key with another public exponent; `None` if it has no private one.
    pub(super) fn with_exponent(&self, e: &Natural, exponent: Exponent) -> Option<Self> {
        let key = Self { e: e.clone(), exponent, ..self.clone() };
        key.private_exponents().map(|_| key)
    }

    /// `d` modulo the product, and modulo the least common multiple, of the primes less one. Both are in use.
    fn private_exponents(&self) -> Option<(Natural, Natural)> {
        let mut phi = Natural::from(1);
        let mut lambda = Natural::from(1);
        for order in self.primes.iter().map(Natural::less_one) {
            lambda = lambda.times(&order).div_rem(&lambda.gcd(&order))?.0;
            phi = phi.times(&order);
        }
        Some((self.e.inverse(&phi)?, self.e.inverse(&lambda)?))
    }

    /// The private numbers with their names, as PKCS #1 (RFC 8017 section 3.2) calls them, `p` being the largest prime.
    pub(super) fn secrets(&self) -> Vec<(String, Natural)> {
        let mut secrets = Vec::new();
        let mut put = |name: String, number: Option<Natural>| {
            let number = number.filter(|n| secrets.iter().all(|(_, other)| other != n));
            secrets.extend(number.map(|number| (name, number)));
        };
        let name = |i: usize| ["p", "q"].get(i).map_or_else(|| format!("r{}", i + 1), |name| (*name).to_string());
        for (i, prime) in self.primes.iter().enumerate() {
            put(name(i), Some(prime.clone()));
        }
        if let Some((phi, lambda)) = self.private_exponents() {
            put("d".into(), Some(phi));
            put("d".into(), Some(lambda));
        }
        for (i, prime) in self.primes.iter().enumerate() {
            put(format!("d{}", name(i)), self.e.inverse(&prime.less_one()));
        }
        // The coefficients of the Chinese remainder theorem, of two primes in either order.
        let (p, q) = (&self.primes[0], &self.primes[1]);
        put("qinv".into(), q.inverse(p));
        put("pinv".into(), p.inverse(q));
        for i in 2..self.primes.len() {
            let before = self.primes[..i].iter().fold(Natural::from(1), |product, prime| product.times(prime));
            put(format!("t{}", i + 1), before.inverse(&self.primes[i]));
        }
        secrets
    }

    /// The proof, by the crate that judges all keys.
    pub(super) fn prove(&self) -> Result<Proved, NotAKey> {
        let secret = |number: &Natural| Secret::from(number.to_be());
        // A private exponent that nothing in the dump speaks for is left out of the proof.
        let d = self.private_exponents().filter(|_| self.exponent != Exponent::Assumed);
        let numbers = RsaNumbers {
            n: self.n.to_be().to_vec(),
            e: self.e.to_be().to_vec(),
            d: d.map(|(d, _)| secret(&d)),
            primes: self.primes.iter().map(secret).collect(),
        };
        PrivateKey::Rsa(numbers).prove()
    }
}

/// The primes of `n`, from a private exponent: `e * d - 1` is a multiple of the order of every number modulo `n`.
pub(super) fn primes_from_exponent(n: &Natural, e: &Natural, d: &Natural) -> Option<Vec<Natural>> {
    let multiple = e.times(d).less_one();
    if let Some((p, q)) = two_from_multiple(n, &multiple) {
        return (p.is_prime() && q.is_prime()).then(|| vec![p, q]);
    }
    let two = Natural::from(2);
    if multiple.is_zero() || !n.is_odd() || two.power(&multiple, n)? != Natural::from(1) {
        return None;
    }
    let mut primes = Vec::new();
    split(n.clone(), &multiple, &mut primes)?;
    (primes.len() >= 2).then_some(primes)
}

/// The factors of `n`, if these are two of about one size, from a multiple of `(p - 1) * (q - 1)`, or of that divided by a small
/// common divisor: the quotient is what the multiple of `n` is nearest to, and `p + q = n + 1 - (p - 1) * (q - 1)`. No power is
/// computed.
fn two_from_multiple(n: &Natural, multiple: &Natural) -> Option<(Natural, Natural)> {
    let one = Natural::from(1);
    let four_n = n.times(&Natural::from(4));
    std::iter::once(1).chain((2..=MAX_COMMON).step_by(2)).find_map(|common| {
        let multiple = multiple.times(&Natural::from(common));
        let quotient = multiple.div_rem(n)?.0.plus(&one);
        let order = multiple.exactly(&quotient)?;
        let sum = n.plus(&one).minus(&order)?;
        let square = sum.times(&sum).minus(&four_n)?;
        let difference = square.root();
        let (p, q) = (sum.plus(&difference).shifted_down(1), sum.minus(&difference)?.shifted_down(1));
        (p.times(&q) == *n && !q.is_one()).then_some((p, q))
    })
}

/// The largest common divisor of `p - 1` and `q - 1` that is tried. In two of three keys it is 2.
const MAX_COMMON: u64 = 24;

/// Splits `n` by square roots of 1 other than 1 and -1 (Miller's algorithm).
fn split(n: Natural, multiple: &Natural, primes: &mut Vec<Natural>) -> Option<()> {
    if n.is_prime() {
        primes.push(n);
        return Some(());
    }
    let twos = multiple.trailing_zeros();
    let odd = multiple.shifted_down(twos);
    let less_one = n.less_one();
    // At least every second base splits a product of different primes.
    for base in (2..42).map(Natural::from) {
        let mut x = base.power(&odd, &n)?;
        for _ in 0..twos {
            let square = x.times(&x).modulo(&n)?;
            if square.is_one() {
                break;
            }
            x = square;
        }
        if !x.is_one() && x != less_one {
            let factor = x.less_one().gcd(&n);
            let other = n.exactly(&factor).filter(|other| !other.is_one() && !factor.is_one())?;
            if primes.len() >= MAX_PRIMES {
                return None;
            }
            split(factor, multiple, primes)?;
            return split(other, multiple, primes);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::super::tests::Random;
    use super::*;
    use num_bigint::BigUint;

    fn natural(n: &BigUint) -> Natural {
        Natural::from_be(&n.to_bytes_be())
    }

    fn least_common_multiple(a: &BigUint, b: &BigUint) -> BigUint {
        let (mut divisor, mut rest) = (a.clone(), b.clone());
        while rest != BigUint::ZERO {
            (divisor, rest) = (rest.clone(), divisor % rest);
        }
        a * b / divisor
    }

    #[test]
    fn primes_follow_from_either_private_exponent() {
        let mut random = Random::new(31);
        let mut without_powers = 0;
        for (bits, e) in [(256, 65_537_u32), (256, 3), (320, 17), (512, 65_537), (264, 5)] {
            for count in [2, 2, 2, 3] {
                let e = BigUint::from(e);
                let primes: Vec<BigUint> = (0..count).map(|_| random.prime(bits)).collect();
                let n: BigUint = primes.iter().product();
                let orders = primes.iter().map(|p| p - 1u32);
                let phi: BigUint = orders.clone().product();
                let lambda = orders.fold(BigUint::from(1u32), |all, order| least_common_multiple(&all, &order));
                for d in [e.modinv(&phi), e.modinv(&lambda)].into_iter().flatten() {
                    let (n, e, d) = (natural(&n), natural(&e), natural(&d));
                    let mut found = primes_from_exponent(&n, &e, &d).unwrap();
                    found.sort();
                    let mut wanted: Vec<Natural> = primes.iter().map(natural).collect();
                    wanted.sort();
                    assert!(found == wanted, "{bits} {count}");
                    without_powers += usize::from(two_from_multiple(&n, &e.times(&d).less_one()).is_some());
                    // Another number is no exponent.
                    assert!(primes_from_exponent(&n, &e, &d.plus(&Natural::from(2))).is_none());
                }
            }
        }
        assert!(without_powers > 15, "{without_powers}");
    }
}
