//! Keys in the wire encoding of SSH: a key type and its numbers, each with its length before it (RFC 4251 section 5).
//!
//! The same encoding stands in OpenSSH's key files (`PROTOCOL.key`), in what clients hand to an agent (RFC 9987), in the
//! shielded keys of `sshd` and `ssh-agent` (`sshkey.c`), and, with the numbers in another order, in Dropbear's key files.

use crate::{Algorithm, Curve, PrivateKey, PublicKey, RsaNumbers, Secret};

mod composite;
mod public;

pub(crate) use composite::Composite;
pub use public::{PublicBlob, public_key};

/// Longest field of a key, in bytes: a number of 16384 bits, or a certificate.
const MAX_FIELD: usize = 16 << 10;
/// Longest public exponent, in bytes (FIPS 186-5: below 2^256). What comes first is a modulus if it is longer.
const MAX_EXPONENT: usize = 33;

/// The key types that are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Type {
    Rsa,
    Dsa,
    Ecdsa(Curve),
    Ed25519,
    Ed448,
    /// ECDSA on a FIDO token (`PROTOCOL.u2f`).
    TokenEcdsa,
    /// Ed25519 on a FIDO token.
    TokenEd25519,
}

impl Type {
    /// The type with this name, and whether it is a certificate of such a key.
    pub(crate) fn of_name(name: &[u8]) -> Option<(Type, bool)> {
        let (stem, certified) = match name.strip_suffix(b"-cert-v01@openssh.com") {
            Some(stem) => (stem, true),
            None => (name.strip_suffix(b"@openssh.com").unwrap_or(name), false),
        };
        let kind = match stem {
            b"ssh-rsa" => Type::Rsa,
            b"ssh-dss" => Type::Dsa,
            b"ssh-ed25519" => Type::Ed25519,
            b"ssh-ed448" => Type::Ed448,
            b"sk-ecdsa-sha2-nistp256" => Type::TokenEcdsa,
            b"sk-ssh-ed25519" => Type::TokenEd25519,
            _ => Type::Ecdsa(ecdsa_curve(stem.strip_prefix(b"ecdsa-sha2-")?)?),
        };
        Some((kind, certified))
    }
}

fn ecdsa_curve(name: &[u8]) -> Option<Curve> {
    Curve::ALL.into_iter().find(|c| c.ssh_name().is_some_and(|n| n.as_bytes() == name))
}

/// The key at the start of `bytes`, and the bytes it takes. `None` for unknown types, for keys kept on a token (`sk-`), and
/// where a field does not fit. The numbers are not proven yet.
pub fn private_key(bytes: &[u8]) -> Option<(PrivateKey, usize)> {
    let mut fields = Fields::new(bytes);
    let (kind, certified) = Type::of_name(fields.next()?)?;
    let certificate = if certified { Some(fields.next()?) } else { None };
    let key = match kind {
        Type::Rsa => rsa(&mut fields, certificate)?,
        Type::Dsa => dsa(&mut fields, certificate)?,
        Type::Ecdsa(curve) => ecdsa(curve, &mut fields, certificate)?,
        Type::Ed25519 => edwards(Algorithm::Ed25519, 32, &mut fields)?,
        Type::Ed448 => edwards(Algorithm::Ed448, 57, &mut fields)?,
        Type::TokenEcdsa | Type::TokenEd25519 => return None,
    };
    Some((key, fields.at))
}

/// The key at the start of `bytes` as Dropbear stores it (`rsa.c`, `ed25519.c`), where its order is its own: RSA as e, n, d,
/// p, q, and Ed25519 as one string of seed and public key.
pub(crate) fn dropbear_key(bytes: &[u8]) -> Option<(PrivateKey, usize)> {
    let mut fields = Fields::new(bytes);
    let key = match Type::of_name(fields.next()?)? {
        (Type::Rsa, false) => {
            let e = fields.next().filter(|e| e.len() <= MAX_EXPONENT)?;
            let n = fields.next()?;
            // What follows a public key in memory is anything at all: only numbers of the right size are tried.
            let d = fields.next().filter(|d| d.len() <= n.len())?;
            let half = |f: &&[u8]| (n.len() / 4..=n.len() / 4 * 3 + 1).contains(&f.len());
            let (p, q) = (fields.next().filter(half)?, fields.next().filter(half)?);
            rsa_numbers(n, e, d, p, q)
        }
        (Type::Ed25519, false) => {
            let (seed, public) = fields.next().filter(|f| f.len() == 64)?.split_at(32);
            let public = Some(public.to_vec());
            PrivateKey::Okp { algorithm: Algorithm::Ed25519, seed: Secret::new(seed), public }
        }
        _ => return None,
    };
    Some((key, fields.at))
}

/// A key of which only the handle is here; a FIDO token holds the secret.
#[derive(Debug, Clone)]
pub(crate) struct TokenKey {
    /// The public half.
    pub(crate) public: PublicKey,
    /// What the key is for, usually `ssh:`.
    pub(crate) application: Vec<u8>,
    /// Flags of `PROTOCOL.u2f`: 1 touch, 4 PIN, 0x20 resident.
    pub(crate) flags: u8,
    /// Bytes it takes.
    pub(crate) length: usize,
}

/// The key handle at the start of `bytes`.
pub(crate) fn token_key(bytes: &[u8]) -> Option<TokenKey> {
    let mut fields = Fields::new(bytes);
    let (kind, certified) = Type::of_name(fields.next()?)?;
    let certificate = if certified { Some(fields.next()?) } else { None };
    let point = match kind {
        Type::TokenEcdsa if certified => None,
        Type::TokenEcdsa => fields.next().filter(|name| *name == b"nistp256").and(fields.next()),
        Type::TokenEd25519 => fields.next(),
        _ => return None,
    };
    let application = fields.next()?;
    let flags = fields.byte()?;
    let (_handle, _reserved) = (fields.next()?, fields.next()?);
    let public = match (certificate, kind) {
        (Some(certificate), _) => public_key(certificate)?.key,
        (None, Type::TokenEcdsa) => public::token_ecdsa(point?, application)?,
        (None, _) => public::token_ed25519(point?, application)?,
    };
    Some(TokenKey { public, application: application.to_vec(), flags, length: fields.at })
}

fn rsa_numbers(n: &[u8], e: &[u8], d: &[u8], p: &[u8], q: &[u8]) -> PrivateKey {
    let primes = vec![Secret::new(p), Secret::new(q)];
    PrivateKey::Rsa(RsaNumbers { n: n.to_vec(), e: e.to_vec(), d: Some(Secret::new(d)), primes })
}

fn rsa(fields: &mut Fields<'_>, certificate: Option<&[u8]>) -> Option<PrivateKey> {
    let (n, e) = match certificate {
        None => (fields.next()?, fields.next().filter(|e| e.len() <= MAX_EXPONENT)?),
        // In a certificate the exponent comes first (PROTOCOL.certkeys).
        Some(certificate) => {
            let mut public = certified(certificate)?;
            let e = public.next()?;
            (public.next()?, e)
        }
    };
    let (d, _qinv) = (fields.next()?, fields.next()?);
    let (p, q) = (fields.next()?, fields.next()?);
    Some(rsa_numbers(n, e, d, p, q))
}

fn dsa(fields: &mut Fields<'_>, certificate: Option<&[u8]>) -> Option<PrivateKey> {
    let number = |fields: &mut Fields<'_>| fields.next().map(<[u8]>::to_vec);
    let (p, q, g, y) = match certificate {
        None => (number(fields)?, number(fields)?, number(fields)?, number(fields)?),
        Some(certificate) => {
            let mut public = certified(certificate)?;
            (number(&mut public)?, number(&mut public)?, number(&mut public)?, number(&mut public)?)
        }
    };
    Some(PrivateKey::Dsa { p, q, g, y: Some(y), x: Secret::new(fields.next()?) })
}

fn ecdsa(curve: Curve, fields: &mut Fields<'_>, certificate: Option<&[u8]>) -> Option<PrivateKey> {
    let (name, point) = match certificate {
        None => (fields.next()?, fields.next()?),
        Some(certificate) => {
            let mut public = certified(certificate)?;
            (public.next()?, public.next()?)
        }
    };
    if ecdsa_curve(name)? != curve {
        return None;
    }
    Some(PrivateKey::Ec { curve, d: Secret::new(fields.next()?), public: Some(point.to_vec()) })
}

fn edwards(algorithm: Algorithm, size: usize, fields: &mut Fields<'_>) -> Option<PrivateKey> {
    let public = fields.next().filter(|p| p.len() == size)?;
    let (seed, again) = fields.next()?.split_at_checked(size)?;
    if public != again {
        return None;
    }
    Some(PrivateKey::Okp { algorithm, seed: Secret::new(seed), public: Some(public.to_vec()) })
}

/// The fields of a certificate after its type and nonce: the public key's.
fn certified(certificate: &[u8]) -> Option<Fields<'_>> {
    let mut fields = Fields::new(certificate);
    fields.next()?;
    fields.next()?;
    Some(fields)
}

/// Fields of RFC 4251 section 5, one after the other.
pub(crate) struct Fields<'a> {
    bytes: &'a [u8],
    /// Bytes read so far.
    pub(crate) at: usize,
}

impl<'a> Fields<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// A string, with its length before it.
    pub(crate) fn next(&mut self) -> Option<&'a [u8]> {
        self.long(MAX_FIELD)
    }

    /// A string of at most `limit` bytes.
    pub(crate) fn long(&mut self, limit: usize) -> Option<&'a [u8]> {
        let rest = self.bytes.get(self.at..)?;
        let (length, rest) = rest.split_first_chunk::<4>()?;
        let length = u32::from_be_bytes(*length) as usize;
        let field = rest.get(..length).filter(|field| field.len() <= limit)?;
        self.at += 4 + length;
        Some(field)
    }

    pub(crate) fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let field = self.bytes.get(self.at..)?.first_chunk::<N>()?;
        self.at += N;
        Some(*field)
    }

    pub(crate) fn byte(&mut self) -> Option<u8> {
        self.take::<1>().map(|b| b[0])
    }

    pub(crate) fn u32(&mut self) -> Option<u32> {
        self.take().map(u32::from_be_bytes)
    }

    pub(crate) fn u64(&mut self) -> Option<u64> {
        self.take().map(u64::from_be_bytes)
    }

    /// What is left.
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ProofLevel;

    fn wire(fields: &[&[u8]]) -> Vec<u8> {
        fields.iter().flat_map(|f| [&(f.len() as u32).to_be_bytes()[..], f].concat()).collect()
    }

    fn ed25519_key(seed: [u8; 32]) -> Vec<u8> {
        let public = crate::private::okp_public(&Algorithm::Ed25519, &seed).unwrap();
        wire(&[b"ssh-ed25519", &public, &[&seed[..], &public].concat(), b"comment"])
    }

    #[test]
    fn keys_are_read_and_what_follows_is_left() {
        let bytes = ed25519_key(std::array::from_fn(|i| 7 * i as u8 + 3));
        let (key, used) = private_key(&bytes).unwrap();
        assert_eq!(used, bytes.len() - 4 - "comment".len());
        assert_eq!(key.prove().unwrap().proof.level, ProofLevel::Proven);
        let d = [5u8; 32];
        let point = crate::private::ec_public(Curve::P256, &d).unwrap();
        let bytes = wire(&[b"ecdsa-sha2-nistp256", b"nistp256", &point, &d]);
        assert_eq!(private_key(&bytes).unwrap().0.prove().unwrap().proof.level, ProofLevel::Proven);
        let certificate = wire(&[b"ecdsa-sha2-nistp256-cert-v01@openssh.com", b"nonce", b"nistp256", &point, b"more"]);
        let bytes = wire(&[b"ecdsa-sha2-nistp256-cert-v01@openssh.com", &certificate, &d]);
        assert_eq!(private_key(&bytes).unwrap().0.prove().unwrap().proof.level, ProofLevel::Proven);
    }

    #[test]
    fn what_does_not_fit_is_nothing() {
        let bytes = ed25519_key([9; 32]);
        for end in 0..bytes.len() - 11 {
            assert!(private_key(&bytes[..end]).is_none(), "{end}");
        }
        let mut other = bytes.clone();
        let last = bytes.len() - 12;
        other[last] ^= 1;
        assert!(private_key(&other).is_none(), "the public key stands twice");
        assert!(private_key(&wire(&[b"ecdsa-sha2-nistp256", b"nistp384", b"", b"x"])).is_none());
        assert!(private_key(&wire(&[b"sk-ssh-ed25519@openssh.com", b"a", b"b"])).is_none());
    }
}
