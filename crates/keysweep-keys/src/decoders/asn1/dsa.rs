//! Keys of discrete logarithms: the six numbers of OpenSSL's `DSA PRIVATE KEY`, and the parameters of DSA and
//! Diffie-Hellman in PKCS #8 (RFC 3279 section 2.3, PKCS #3, ANSI X9.42).

use super::private::{Form, Look};
use super::{AlgorithmIdentifier, Outer, Reader, SEQUENCE, looks_drawn};
use crate::decoders::frame;
use crate::private::{MAX_BITS, MIN_BITS, PrivateKey, Proved};
use crate::public::bit_length;
use crate::{Algorithm, KeyMaterial, Proof, PublicKey, Secret, der};

/// Sizes of the subgroup's order, in bits: FIPS 186 has 160 to 256, some programs choose more.
const ORDER_BITS: std::ops::RangeInclusive<u32> = 128..=512;

/// Reads on after the version, if these are the five numbers of a DSA key.
pub(super) fn read(outer: &Outer<'_>, mut reader: Reader<'_>) -> Look {
    let numbers: Option<Vec<&[u8]>> = (0..5).map(|_| reader.unsigned()).collect();
    let Some([p, q, g, y, x]) = numbers.as_deref() else { return Look::Nothing };
    // An RSA key has eight numbers, and a short public exponent in place of q.
    if !reader.is_empty() || bit_length(p) < MIN_BITS || !ORDER_BITS.contains(&bit_length(q)) {
        return Look::Nothing;
    }
    let key = PrivateKey::Dsa { p: p.to_vec(), q: q.to_vec(), g: g.to_vec(), y: Some(y.to_vec()), x: Secret::new(x) };
    let length = outer.header + outer.body.len() - reader.rest().len();
    Look::of(Form::Dsa, frame::of_key(&key, ""), length)
}

/// What an exponentiation may cost: that of a modulus and an exponent of 2048 bits, as the square of the one times the other.
/// Longer moduli have short exponents; a file can hold any number of them.
const MAX_COST: u64 = 2_048 * 2_048 * 2_048;

/// A DSA key in PKCS #8: the parameters beside the algorithm, the private value alone inside.
pub(super) fn dsa(parameters: &[u8], private: &[u8]) -> Option<Proved> {
    let mut group = Reader::new(parameters).enter(SEQUENCE)?;
    let (p, q, g) = (group.unsigned()?, group.unsigned()?, group.unsigned()?);
    if !ORDER_BITS.contains(&bit_length(q)) {
        return None;
    }
    let x = Secret::new(Reader::new(private).unsigned()?);
    PrivateKey::Dsa { p: p.to_vec(), q: q.to_vec(), g: g.to_vec(), y: None, x }.prove().ok()
}

/// A Diffie-Hellman key in PKCS #8: the private value, and `p, g` or (X9.42) `p, g, q` beside the algorithm.
pub(super) fn dh(algorithm: &AlgorithmIdentifier<'_>, private: &[u8]) -> Option<KeyMaterial> {
    let mut group = Reader::new(algorithm.parameters).enter(SEQUENCE)?;
    let (p, g) = (group.unsigned()?, group.unsigned()?);
    let x = Reader::new(private).unsigned()?;
    let bits = bit_length(p);
    if (MIN_BITS..=MAX_BITS).contains(&bits)
        && bit_length(x) <= bits
        && u64::from(bits).pow(2) * u64::from(bit_length(x)) > MAX_COST
    {
        let proof = Proof::parsed("a Diffie-Hellman key whose private value is in range");
        return looks_drawn(x).then(|| KeyMaterial { bits, ..frame::of_secret(Algorithm::Dh, x, "", proof) });
    }
    let key = PrivateKey::Dh { p: p.to_vec(), g: g.to_vec(), y: None, x: Secret::new(x) };
    let mut proved = key.prove().ok()?;
    proved.public.spki = dh_spki(algorithm, &proved.public);
    Some(frame::of_proved(proved, ""))
}

/// SubjectPublicKeyInfo with the parameters as they stand there: the length of the private value, and for X9.42 the
/// order of the subgroup, are a part of the key's name.
fn dh_spki(algorithm: &AlgorithmIdentifier<'_>, public: &PublicKey) -> Vec<u8> {
    der::sequence(&[algorithm.whole, &der::bit_string(&der::unsigned(&public.value))])
}
