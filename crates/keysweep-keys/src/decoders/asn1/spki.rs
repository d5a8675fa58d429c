//! Public keys: SubjectPublicKeyInfo (RFC 5280 section 4.1, RFC 3279, RFC 5480, RFC 8410) and RSAPublicKey (RFC 8017).

use super::curve::{Named, of_parameters};
use super::pkcs8::{DH_X942, RSA_OAEP, RSA_PSS};
use super::{AlgorithmIdentifier, Reader, SEQUENCE, dotted, post_quantum};
use crate::private::{MAX_BITS, MIN_BITS};
use crate::public::{bit_length, oid};
use crate::{Algorithm, Curve, PublicKey};
use elliptic_curve::sec1::{FromSec1Point, ModulusSize, ToSec1Point};
use elliptic_curve::{AffinePoint, CurveArithmetic, FieldBytesSize};

/// The key in a SubjectPublicKeyInfo at the start of `bytes`, and the bytes that it spans.
pub(crate) fn read(bytes: &[u8]) -> Option<(PublicKey, usize)> {
    let whole = super::element(bytes).filter(|e| e.tag == SEQUENCE)?;
    let mut reader = Reader::new(whole.body);
    let algorithm = AlgorithmIdentifier::read(&mut reader)?;
    let key = reader.bits()?;
    if !reader.is_empty() {
        return None;
    }
    let public = match algorithm.oid {
        oid::RSA => rsa(key)?.0,
        RSA_PSS | RSA_OAEP => {
            let mut public = rsa(key)?.0;
            public.spki = whole.whole.to_vec();
            public
        }
        oid::EC => ec(&algorithm, key, whole.whole)?,
        oid::ED25519 => PublicKey::okp(Algorithm::Ed25519, key)?,
        oid::ED448 => PublicKey::okp(Algorithm::Ed448, key)?,
        oid::X25519 => PublicKey::okp(Algorithm::X25519, key)?,
        oid::X448 => PublicKey::okp(Algorithm::X448, key)?,
        oid::DSA => dsa(&algorithm, key, whole.whole)?,
        oid::DH | DH_X942 => PublicKey::opaque(Algorithm::Dh, 0, whole.whole.to_vec()),
        other => match post_quantum::algorithm(other) {
            Some(algorithm) => PublicKey::from_oid(algorithm, 0, other, key),
            None => {
                let name = format!("algorithm {}", dotted(other));
                PublicKey::opaque(Algorithm::Unknown(Some(name)), 0, whole.whole.to_vec())
            }
        },
    };
    Some((public, whole.whole.len()))
}

/// The key in an RSAPublicKey at the start of `bytes`, and the bytes that it spans.
pub(crate) fn rsa(bytes: &[u8]) -> Option<(PublicKey, usize)> {
    let whole = super::element(bytes).filter(|e| e.tag == SEQUENCE)?;
    let mut numbers = Reader::new(whole.body);
    let (n, e) = (numbers.unsigned()?, numbers.unsigned()?);
    let odd = |number: &[u8]| number.last().is_some_and(|b| b % 2 == 1);
    let sizes = (MIN_BITS..=MAX_BITS).contains(&bit_length(n)) && (2..=bit_length(n)).contains(&bit_length(e));
    (numbers.is_empty() && sizes && odd(n) && odd(e)).then(|| (PublicKey::rsa(n, e), whole.whole.len()))
}

fn ec(algorithm: &AlgorithmIdentifier<'_>, point: &[u8], whole: &[u8]) -> Option<PublicKey> {
    match of_parameters(algorithm.parameters)? {
        Named::Known(curve) if point.first() == Some(&4) => PublicKey::ec(curve, point),
        Named::Known(curve) => PublicKey::ec(curve, &uncompressed(curve, point)?),
        other @ Named::Other { .. } => Some(PublicKey::opaque(other.algorithm(), other.bits(), whole.to_vec())),
    }
}

/// DSA without parameters inherits those of the issuer: then the key has no numbers here.
fn dsa(algorithm: &AlgorithmIdentifier<'_>, key: &[u8], whole: &[u8]) -> Option<PublicKey> {
    let Some(mut group) = Reader::new(algorithm.parameters).enter(SEQUENCE) else {
        return Some(PublicKey::opaque(Algorithm::Dsa, 0, whole.to_vec()));
    };
    let (p, q, g) = (group.unsigned()?, group.unsigned()?, group.unsigned()?);
    Some(PublicKey::dsa(p, q, g, Reader::new(key).unsigned()?))
}

/// A compressed or hybrid SEC 1 point in full; `None` if it is not on the curve.
fn uncompressed(curve: Curve, point: &[u8]) -> Option<Vec<u8>> {
    match curve {
        Curve::P256 => decompress::<p256::NistP256>(point),
        Curve::P384 => decompress::<p384::NistP384>(point),
        Curve::P521 => decompress::<p521::NistP521>(point),
        Curve::Secp256k1 => decompress::<k256::Secp256k1>(point),
        Curve::BrainpoolP256r1 => decompress::<bp256::BrainpoolP256r1>(point),
        Curve::BrainpoolP384r1 => decompress::<bp384::BrainpoolP384r1>(point),
    }
}

fn decompress<C>(point: &[u8]) -> Option<Vec<u8>>
where
    C: CurveArithmetic,
    AffinePoint<C>: FromSec1Point<C> + ToSec1Point<C>,
    FieldBytesSize<C>: ModulusSize,
{
    let key = elliptic_curve::PublicKey::<C>::from_sec1_bytes(point).ok()?;
    Some(key.to_sec1_point(false).as_bytes().to_vec())
}
