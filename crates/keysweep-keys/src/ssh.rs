//! Private keys in the wire encoding of SSH: a key type and its numbers, each with its length before it.
//!
//! The same encoding stands in OpenSSH's key files (`PROTOCOL.key`), in what clients hand to an agent
//! (draft-ietf-sshm-ssh-agent section 3.2), and in the shielded keys of `sshd` and `ssh-agent` (`sshkey.c`).

use crate::{Algorithm, Curve, PrivateKey, RsaNumbers, Secret};

/// Longest field of a key, in bytes: a number of 16384 bits, or a certificate.
const MAX_FIELD: usize = 16 << 10;

/// The key at the start of `bytes`, and the bytes it takes. `None` for unknown types, for keys kept on a token (`sk-`), and
/// where a field does not fit. The numbers are not proven yet.
pub fn private_key(bytes: &[u8]) -> Option<(PrivateKey, usize)> {
    let mut fields = Fields { bytes, at: 0 };
    let kind = fields.next()?;
    let (plain, certified) = match kind.strip_suffix(b"-cert-v01@openssh.com") {
        Some(plain) => (plain, true),
        None => (kind, false),
    };
    let certificate = if certified { Some(fields.next()?) } else { None };
    let key = match plain {
        b"ssh-rsa" => rsa(&mut fields, certificate)?,
        b"ssh-dss" => dsa(&mut fields, certificate)?,
        b"ssh-ed25519" => ed25519(&mut fields)?,
        _ => ecdsa(plain, &mut fields, certificate)?,
    };
    Some((key, fields.at))
}

fn rsa(fields: &mut Fields<'_>, certificate: Option<&[u8]>) -> Option<PrivateKey> {
    let (n, e) = match certificate {
        None => (fields.next()?, fields.next()?),
        // In a certificate the exponent comes first (PROTOCOL.certkeys).
        Some(certificate) => {
            let mut public = certified(certificate)?;
            let e = public.next()?;
            (public.next()?, e)
        }
    };
    let (d, _qinv) = (fields.next()?, fields.next()?);
    let (p, q) = (fields.next()?, fields.next()?);
    Some(PrivateKey::Rsa(RsaNumbers {
        n: n.to_vec(),
        e: e.to_vec(),
        d: Some(Secret::new(d)),
        primes: vec![Secret::new(p), Secret::new(q)],
    }))
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

fn ecdsa(kind: &[u8], fields: &mut Fields<'_>, certificate: Option<&[u8]>) -> Option<PrivateKey> {
    let name = kind.strip_prefix(b"ecdsa-sha2-")?;
    let curve = Curve::ALL.into_iter().find(|c| c.ssh_name().is_some_and(|n| n.as_bytes() == name))?;
    let (curve_name, point) = match certificate {
        None => (fields.next()?, fields.next()?),
        Some(certificate) => {
            let mut public = certified(certificate)?;
            (public.next()?, public.next()?)
        }
    };
    if curve_name != name {
        return None;
    }
    Some(PrivateKey::Ec { curve, d: Secret::new(fields.next()?), public: Some(point.to_vec()) })
}

fn ed25519(fields: &mut Fields<'_>) -> Option<PrivateKey> {
    let public = fields.next()?;
    let secret = fields.next()?;
    let (seed, again) = secret.split_at_checked(32)?;
    if public != again {
        return None;
    }
    let public = Some(public.to_vec());
    Some(PrivateKey::Okp { algorithm: Algorithm::Ed25519, seed: Secret::new(seed), public })
}

/// The fields of a certificate after its type and nonce: the public key's.
fn certified(certificate: &[u8]) -> Option<Fields<'_>> {
    let mut fields = Fields { bytes: certificate, at: 0 };
    fields.next()?;
    fields.next()?;
    Some(fields)
}

/// Strings of RFC 4251 section 5, one after the other.
struct Fields<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Fields<'a> {
    fn next(&mut self) -> Option<&'a [u8]> {
        let rest = self.bytes.get(self.at..)?;
        let (length, rest) = rest.split_first_chunk::<4>()?;
        let length = u32::from_be_bytes(*length) as usize;
        let field = rest.get(..length).filter(|field| field.len() <= MAX_FIELD)?;
        self.at += 4 + length;
        Some(field)
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
