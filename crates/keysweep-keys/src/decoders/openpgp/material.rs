//! The numbers of keys in OpenPGP packets (RFC 9580 sections 5.5.5 and 5.5.6).

use super::curve::{EcKey, Named};
use crate::decoders::fields::Fields;
use crate::decoders::frame;
use crate::private::{MAX_BITS, MIN_BITS, PrivateKey, RsaNumbers};
use crate::public::bit_length;
use crate::{Algorithm, KeyMaterial, PublicKey, Secret};

/// The public numbers.
#[derive(Debug)]
pub(super) enum Public<'a> {
    Rsa {
        n: &'a [u8],
        e: &'a [u8],
    },
    Dsa {
        p: &'a [u8],
        q: &'a [u8],
        g: &'a [u8],
        y: &'a [u8],
    },
    ElGamal {
        p: &'a [u8],
        g: &'a [u8],
        y: &'a [u8],
    },
    Ec {
        curve: Named,
        q: &'a [u8],
    },
    /// The algorithms of RFC 9580 that need no curve.
    Okp {
        algorithm: Algorithm,
        point: &'a [u8],
    },
    /// An algorithm without support, or a curve without.
    Other {
        name: String,
        bytes: &'a [u8],
        /// Whether the bytes are as many as this algorithm has.
        fits: bool,
    },
}

/// The algorithms of RFC 9580 section 9.1 and of drafts after it, for reports.
fn name(algorithm: u8) -> String {
    match algorithm {
        8 => "Kyber (LibrePGP)".into(),
        30 => "ML-DSA-65 with Ed25519".into(),
        31 => "ML-DSA-87 with Ed448".into(),
        32 => "SLH-DSA-SHAKE-128s".into(),
        33 => "SLH-DSA-SHAKE-128f".into(),
        34 => "SLH-DSA-SHAKE-256s".into(),
        35 => "ML-KEM-768 with X25519".into(),
        36 => "ML-KEM-1024 with X448".into(),
        other => format!("OpenPGP algorithm {other}"),
    }
}

/// Bytes of the public part of the algorithms after RFC 9580 that are named here, as the drafts give them.
fn public_bytes(algorithm: u8) -> Option<usize> {
    match algorithm {
        30 => Some(32 + 1952),
        31 => Some(57 + 2592),
        32 | 33 => Some(32),
        34 => Some(64),
        35 => Some(32 + 1184),
        36 => Some(56 + 1568),
        _ => None,
    }
}

/// Sizes of points, which are those of secrets, too.
fn native(algorithm: u8) -> Option<(Algorithm, usize)> {
    match algorithm {
        25 => Some((Algorithm::X25519, 32)),
        26 => Some((Algorithm::X448, 56)),
        27 => Some((Algorithm::Ed25519, 32)),
        28 => Some((Algorithm::Ed448, 57)),
        _ => None,
    }
}

impl<'a> Public<'a> {
    /// The numbers for an algorithm. `length`: how many bytes they take, where the packet says so.
    pub(super) fn read(algorithm: u8, fields: &mut Fields<'a>, length: Option<usize>) -> Option<Self> {
        let start = fields.at;
        let end = match length {
            Some(length) => Some(fields.at.checked_add(length)?),
            None => None,
        };
        let read = match algorithm {
            1..=3 => Public::Rsa { n: number(fields)?, e: number(fields)? },
            16 | 20 => Public::ElGamal { p: number(fields)?, g: number(fields)?, y: number(fields)? },
            17 => Public::Dsa { p: number(fields)?, q: number(fields)?, g: number(fields)?, y: number(fields)? },
            18 | 19 | 22 => ec(algorithm == 18, fields)?,
            25..=28 => {
                let (algorithm, size) = native(algorithm)?;
                Public::Okp { algorithm, point: fields.take(size)? }
            }
            _ => {
                let bytes = fields.take(length?)?;
                Public::Other { name: name(algorithm), bytes, fits: public_bytes(algorithm) == Some(bytes.len()) }
            }
        };
        match end {
            Some(end) if end != fields.at => {
                // Numbers in an order of their own: the packet says how long they are.
                fields.at = start;
                Some(Public::Other { name: name(algorithm), bytes: fields.take(length?)?, fits: false })
            }
            _ => Some(read),
        }
    }

    /// Whether it is of an algorithm that is known by name and size, though not computed with.
    pub(super) fn fits(&self) -> bool {
        !matches!(self, Public::Other { fits: false, .. })
    }

    /// The public key; `None` if it cannot be one.
    pub(super) fn key(&self) -> Option<PublicKey> {
        match self {
            Public::Rsa { n, e } => rsa_public(n, e),
            Public::Dsa { p, q, g, y } => {
                let odd = |number: &[u8]| number.last().is_some_and(|b| b % 2 == 1);
                let sizes = in_range(p) && (128..=512).contains(&bit_length(q));
                (sizes && odd(p) && odd(q)).then(|| PublicKey::dsa(p, q, g, y))
            }
            Public::ElGamal { p, g, y } => {
                let odd = p.last().is_some_and(|b| b % 2 == 1);
                (in_range(p) && odd).then(|| PublicKey::dh(p, g, y))
            }
            Public::Ec { curve, q } => curve.public(q),
            Public::Okp { algorithm, point } => PublicKey::okp(algorithm.clone(), point),
            Public::Other { .. } => None,
        }
    }

    pub(super) fn algorithm(&self) -> Algorithm {
        match self {
            Public::Rsa { .. } => Algorithm::Rsa,
            Public::Dsa { .. } => Algorithm::Dsa,
            Public::ElGamal { .. } => Algorithm::ElGamal,
            Public::Ec { curve, .. } => curve.algorithm(),
            Public::Okp { algorithm, .. } => algorithm.clone(),
            Public::Other { name, .. } => Algorithm::Unknown(Some(name.clone())),
        }
    }

    /// Whether the private numbers can be compared with these.
    pub(super) fn is_computable(&self) -> bool {
        !matches!(self, Public::Other { .. } | Public::Ec { curve: Named::Other { .. }, .. })
    }

    /// What a proof costs, in compressions of a hash; 0 where it is little. Finite fields without a known order are dear.
    pub(super) fn cost(&self) -> u64 {
        match self {
            Public::ElGamal { p, .. } => elgamal_cost(p),
            _ => 0,
        }
    }

    /// The private key whose numbers `fields` has next.
    pub(super) fn private(&self, fields: &mut Fields<'_>, encoding: &'static str) -> Option<KeyMaterial> {
        let key = match self {
            Public::Rsa { n, e } => {
                let d = Some(secret(fields)?);
                // Cut off behind d, they are a key still.
                let primes = [secret(fields), secret(fields)];
                let _inverse = secret(fields);
                let primes: Vec<_> = primes.into_iter().flatten().collect();
                let primes = if primes.len() == 2 { primes } else { Vec::new() };
                PrivateKey::Rsa(RsaNumbers { n: n.to_vec(), e: e.to_vec(), d, primes })
            }
            Public::Dsa { p, q, g, y } => {
                PrivateKey::Dsa { p: p.to_vec(), q: q.to_vec(), g: g.to_vec(), y: Some(y.to_vec()), x: secret(fields)? }
            }
            Public::ElGamal { p, g, y } => {
                let key = PrivateKey::Dh { p: p.to_vec(), g: g.to_vec(), y: Some(y.to_vec()), x: secret(fields)? };
                let material = frame::of_key(&key, encoding)?;
                return Some(KeyMaterial { algorithm: Algorithm::ElGamal, ..material });
            }
            Public::Ec { curve, q } => {
                return EcKey { curve, public: Some(q), secret: secret(fields)? }.material(encoding);
            }
            Public::Okp { algorithm, point } => PrivateKey::Okp {
                algorithm: algorithm.clone(),
                seed: Secret::new(fields.take(point.len())?),
                public: Some(point.to_vec()),
            },
            Public::Other { .. } => return None,
        };
        frame::of_key(&key, encoding)
    }
}

/// What a power modulo `p` costs, in compressions of a hash: each bit of the exponent takes a product of all words of p
/// with each other.
pub(crate) fn elgamal_cost(p: &[u8]) -> u64 {
    let words = (p.len() as u64).div_ceil(8);
    words * words * 64 * words / 100
}

/// Object identifier, point, and for ECDH the parameters of its key derivation.
fn ec<'a>(key_derivation: bool, fields: &mut Fields<'a>) -> Option<Public<'a>> {
    let length = usize::from(fields.u8()?);
    let body = fields.take(length).filter(|oid| (3..=32).contains(&oid.len()))?;
    let q = mpi(fields)?;
    if key_derivation {
        // Length 3, reserved 1, hash and cipher.
        let length = usize::from(fields.u8()?);
        fields.take(length).filter(|p| p.first() == Some(&1))?;
    }
    Some(match Named::of_oid(body) {
        Some(curve) => Public::Ec { curve, q },
        None => Public::Other { name: "EC on an unknown curve".into(), bytes: q, fits: false },
    })
}

/// An RSA key, if its numbers can be one.
pub(crate) fn rsa_public(n: &[u8], e: &[u8]) -> Option<PublicKey> {
    let odd = |number: &[u8]| number.last().is_some_and(|b| b % 2 == 1);
    let exponent = (2..=256).contains(&bit_length(e));
    (in_range(n) && exponent && odd(n) && odd(e)).then(|| PublicKey::rsa(n, e))
}

fn in_range(number: &[u8]) -> bool {
    (MIN_BITS..=MAX_BITS).contains(&bit_length(number))
}

/// A number: its length in bits (2 bytes), then its bytes.
fn mpi<'a>(fields: &mut Fields<'a>) -> Option<&'a [u8]> {
    let bits = fields.u16().filter(|bits| u32::from(*bits) <= MAX_BITS + 8)?;
    fields.take(usize::from(bits).div_ceil(8))
}

/// A public number: its length is that of its highest bit.
fn number<'a>(fields: &mut Fields<'a>) -> Option<&'a [u8]> {
    let start = fields.at;
    let number = mpi(fields)?;
    let mut again = fields.clone();
    again.at = start;
    (again.u16().map(u32::from) == Some(bit_length(number))).then_some(number)
}

fn secret(fields: &mut Fields<'_>) -> Option<Secret> {
    mpi(fields).map(Secret::new)
}
