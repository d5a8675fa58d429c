//! Elliptic curves as OpenPGP (RFC 9580 section 9.2) and libgcrypt name them, and keys on them: their numbers are in other
//! orders there than in the standards of the curves.

use crate::decoders::frame;
use crate::private::{NotAKey, PrivateKey};
use crate::public::oid;
use crate::{Algorithm, Curve, KeyMaterial, PublicKey, Secret, der};
use zeroize::Zeroizing;

/// A curve.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Named {
    /// In Weierstrass form, computed on.
    Known(Curve),
    /// Ed25519, Ed448, X25519 or X448.
    Okp(Algorithm),
    /// Known by name only.
    Other {
        /// Name and bits.
        name: &'static str,
        bits: u32,
        /// Body of the object identifier.
        oid: &'static [u8],
    },
}

/// Object identifiers that only OpenPGP has: Ed25519 and Curve25519 in GnuPG's arc.
const ED25519: &[u8] = &[0x2b, 0x06, 0x01, 0x04, 0x01, 0xda, 0x47, 0x0f, 0x01];
const CURVE25519: &[u8] = &[0x2b, 0x06, 0x01, 0x04, 0x01, 0x97, 0x55, 0x01, 0x05, 0x01];
const BRAINPOOL_P512R1: &[u8] = &[0x2b, 0x24, 0x03, 0x03, 0x02, 0x08, 0x01, 0x01, 0x0d];
const SM2: &[u8] = &[0x2a, 0x81, 0x1c, 0xcf, 0x55, 0x01, 0x82, 0x2d];

impl Named {
    /// The curve with this object identifier body.
    pub(crate) fn of_oid(body: &[u8]) -> Option<Self> {
        Some(match body {
            ED25519 | oid::ED25519 => Named::Okp(Algorithm::Ed25519),
            CURVE25519 | oid::X25519 => Named::Okp(Algorithm::X25519),
            oid::ED448 => Named::Okp(Algorithm::Ed448),
            oid::X448 => Named::Okp(Algorithm::X448),
            BRAINPOOL_P512R1 => Named::Other { name: "brainpoolP512r1", bits: 512, oid: BRAINPOOL_P512R1 },
            SM2 => Named::Other { name: "sm2p256v1", bits: 256, oid: SM2 },
            _ => Named::Known(Curve::from_oid(body)?),
        })
    }

    /// The curve that libgcrypt knows by this name.
    pub(crate) fn of_name(name: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(name).ok()?;
        let known = |curve| Some(Named::Known(curve));
        match text {
            "Ed25519" | "ed25519" | "1.3.6.1.4.1.11591.15.1" | "1.3.101.112" => Named::of_oid(ED25519),
            "Curve25519" | "cv25519" | "X25519" | "1.3.6.1.4.1.3029.1.5.1" | "1.3.101.110" => Named::of_oid(CURVE25519),
            "Ed448" | "ed448" | "1.3.101.113" => Named::of_oid(oid::ED448),
            "X448" | "cv448" | "1.3.101.111" => Named::of_oid(oid::X448),
            "NIST P-256" | "nistp256" | "secp256r1" | "prime256v1" | "1.2.840.10045.3.1.7" => known(Curve::P256),
            "NIST P-384" | "nistp384" | "secp384r1" | "1.3.132.0.34" => known(Curve::P384),
            "NIST P-521" | "nistp521" | "secp521r1" | "1.3.132.0.35" => known(Curve::P521),
            "secp256k1" | "1.3.132.0.10" => known(Curve::Secp256k1),
            "brainpoolP256r1" | "1.3.36.3.3.2.8.1.1.7" => known(Curve::BrainpoolP256r1),
            "brainpoolP384r1" | "1.3.36.3.3.2.8.1.1.11" => known(Curve::BrainpoolP384r1),
            "brainpoolP512r1" | "1.3.36.3.3.2.8.1.1.13" => Named::of_oid(BRAINPOOL_P512R1),
            "sm2p256v1" | "1.2.156.10197.1.301" => Named::of_oid(SM2),
            _ => None,
        }
    }

    /// What kind of key is on it.
    pub(crate) fn algorithm(&self) -> Algorithm {
        match self {
            Named::Known(curve) => Algorithm::Ec(*curve),
            Named::Okp(algorithm) => algorithm.clone(),
            Named::Other { name, .. } => Algorithm::EcOther((*name).to_owned()),
        }
    }

    /// The public key whose point is stored as `q`.
    pub(crate) fn public(&self, q: &[u8]) -> Option<PublicKey> {
        match self {
            Named::Known(curve) => PublicKey::ec_on_curve(*curve, q),
            Named::Okp(algorithm) => PublicKey::okp(algorithm.clone(), native(q, size(algorithm))?),
            Named::Other { bits, oid: body, .. } => {
                let uncompressed = q.first() == Some(&4) && q.len() == 1 + 2 * (*bits as usize).div_ceil(8);
                let algorithm = der::sequence(&[&der::oid(oid::EC), &der::oid(body)]);
                let spki = der::sequence(&[&algorithm, &der::bit_string(q)]);
                uncompressed.then(|| PublicKey::opaque(self.algorithm(), *bits, spki))
            }
        }
    }
}

/// Bytes of a point and of a secret.
fn size(algorithm: &Algorithm) -> usize {
    match algorithm {
        Algorithm::Ed448 => 57,
        Algorithm::X448 => 56,
        _ => 32,
    }
}

/// A point in its native form: GnuPG puts 0x40 before it.
fn native(q: &[u8], size: usize) -> Option<&[u8]> {
    match q.strip_prefix(&[0x40]) {
        Some(point) if point.len() == size => Some(point),
        _ => Some(q).filter(|q| q.len() == size),
    }
}

/// A private key as it is stored: its secret is a number without leading zeros.
pub(crate) struct EcKey<'a> {
    pub(crate) curve: &'a Named,
    pub(crate) public: Option<&'a [u8]>,
    pub(crate) secret: Secret,
}

impl EcKey<'_> {
    /// The key, if its numbers are one. For curves that cannot be computed on there is none.
    pub(crate) fn material(&self, encoding: &'static str) -> Option<KeyMaterial> {
        match self.curve {
            Named::Known(curve) => {
                let public = self.public.map(<[u8]>::to_vec);
                frame::of_key(&PrivateKey::Ec { curve: *curve, d: self.secret.clone(), public }, encoding)
            }
            Named::Okp(algorithm) => self.okp(algorithm, encoding),
            Named::Other { .. } => None,
        }
    }

    /// Edwards keys keep the order of their bytes, and lose zeros at the front. Montgomery keys are numbers: the order is
    /// reversed, except in those that are newer.
    fn okp(&self, algorithm: &Algorithm, encoding: &'static str) -> Option<KeyMaterial> {
        let size = size(algorithm);
        let public = match self.public {
            Some(q) => Some(native(q, size)?.to_vec()),
            None => None,
        };
        let stored = match self.secret.strip_prefix(&[0x40]) {
            Some(rest) if rest.len() == size => rest,
            _ => &self.secret,
        };
        let stored = &stored[stored.len() - stored.len().min(size)..];
        let mut seed = Zeroizing::new(vec![0; size - stored.len()]);
        seed.extend_from_slice(stored);
        let mut reversed = seed.clone();
        reversed.reverse();
        let montgomery = matches!(algorithm, Algorithm::X25519 | Algorithm::X448);
        let orders = if montgomery { [reversed, seed] } else { [seed, reversed] };
        for seed in orders.into_iter().take(if montgomery { 2 } else { 1 }) {
            let key = PrivateKey::Okp { algorithm: algorithm.clone(), seed: seed.into(), public: public.clone() };
            match key.prove() {
                Ok(proved) => return Some(frame::of_proved(proved, encoding)),
                Err(NotAKey::Contradiction) => {}
                Err(_) => return None,
            }
        }
        None
    }
}
