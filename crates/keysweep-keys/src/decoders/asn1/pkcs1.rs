//! RSAPrivateKey of PKCS #1 (RFC 8017 appendix A.1.2), with two or more primes, whole or cut.

use super::private::{Form, Look};
use super::{Outer, Reader, SEQUENCE, remains, sequence};
use crate::decoders::frame;
use crate::private::{MAX_BITS, MIN_BITS, PrivateKey, Proved, RsaNumbers};
use crate::public::bit_length;
use crate::{KeyMaterial, Secret};

/// Keys with multiple primes are read up to so many primes.
const MAX_PRIMES: usize = 16;

/// The numbers of the structure, as far as they are there.
pub(super) struct Fields<'a> {
    pub(super) n: &'a [u8],
    pub(super) e: &'a [u8],
    /// d, p, q, d mod (p-1), d mod (q-1), 1/q mod p.
    pub(super) private: Vec<&'a [u8]>,
    /// The third prime and further ones.
    more_primes: Vec<&'a [u8]>,
    /// What follows the last number that was read.
    pub(super) rest: &'a [u8],
}

impl<'a> Fields<'a> {
    /// Reads on after the version; `None` if there is no modulus and exponent of an RSA key.
    fn read(mut reader: Reader<'a>) -> Option<Self> {
        let (n, e) = (reader.unsigned()?, reader.unsigned()?);
        let bits = bit_length(n);
        let odd = |number: &[u8]| number.last().is_some_and(|b| b % 2 == 1);
        if !(MIN_BITS..=MAX_BITS).contains(&bits) || bit_length(e) > bits || !odd(n) || !odd(e) {
            return None;
        }
        let mut private = Vec::with_capacity(6);
        while private.len() < 6
            && let Some(number) = reader.unsigned()
        {
            private.push(number);
        }
        let mut more_primes = Vec::new();
        if private.len() == 6
            && let Some(mut others) = reader.enter(SEQUENCE)
        {
            while more_primes.len() + 2 < MAX_PRIMES
                && let Some(mut info) = others.enter(SEQUENCE)
            {
                more_primes.extend(info.unsigned());
            }
        }
        Some(Self { n, e, private, more_primes, rest: reader.rest() })
    }

    /// The proof of what is there.
    fn prove(&self) -> Option<Proved> {
        let secret = |number: &&[u8]| Secret::new(number);
        let d = self.private.first().map(secret);
        if let Some(primes) = self.private.get(1..3) {
            let primes = primes.iter().chain(&self.more_primes).map(secret).collect();
            let numbers = RsaNumbers { n: self.n.to_vec(), e: self.e.to_vec(), d: d.clone(), primes };
            if let Ok(proved) = PrivateKey::Rsa(numbers).prove() {
                return Some(proved);
            }
        }
        remains::with_modulus(self.n, self.e, d, &self.private, self.rest)
    }
}

/// Reads on after the version.
pub(super) fn read(outer: &Outer<'_>, reader: Reader<'_>) -> Look {
    let Some(fields) = Fields::read(reader) else { return Look::Nothing };
    let used = if outer.complete { outer.body.len() } else { outer.body.len() - fields.rest.len() };
    match fields.prove() {
        Some(proved) => Look::of(Form::Pkcs1, Some(frame::of_proved(proved, "")), outer.header + used),
        None => Look::Nothing,
    }
}

/// What is proven of the RSAPrivateKey inside another structure.
pub(super) fn inner(bytes: &[u8]) -> Option<Proved> {
    let outer = sequence(bytes)?;
    let mut reader = Reader::new(outer.body);
    reader.small().filter(|version| *version <= 1)?;
    Fields::read(reader)?.prove()
}

/// What is left of an RSAPrivateKey around its public exponent, which begins at `at`: the bytes before it may be
/// overwritten, as the first bytes of freed memory are. With the range in `bytes` of what was used.
pub(crate) fn around_exponent(bytes: &[u8], at: usize) -> Option<(KeyMaterial, std::ops::Range<usize>)> {
    let mut reader = Reader::new(bytes.get(at..)?);
    let e = reader.unsigned()?;
    let mut private = Vec::with_capacity(6);
    while private.len() < 6
        && let Some(number) = reader.unsigned()
    {
        private.push(number);
    }
    let end = bytes.len() - reader.rest().len();
    let d = private.first().copied()?;
    if !(MIN_BITS..=MAX_BITS).contains(&bit_length(d)) {
        return None;
    }
    let (proved, start) = match remains::modulus_before(&bytes[..at], d.len()) {
        Some((n, start)) => (remains::with_modulus(n, e, Some(Secret::new(d)), &private, reader.rest())?, start),
        None => remains::without_modulus(&bytes[..at], e, &private)?,
    };
    Some((KeyMaterial { encoding: "PKCS#1 DER, damaged", ..frame::of_proved(proved, "") }, start..end))
}
