//! Public keys and certificates in the wire encoding of SSH (RFC 4253 section 6.6, RFC 5656, RFC 8709, `PROTOCOL.u2f`,
//! `PROTOCOL.certkeys`).

use super::{Fields, MAX_EXPONENT, Type, ecdsa_curve};
use crate::decoder::Certificate;
use crate::private::{MAX_BITS, MIN_BITS};
use crate::public::{bit_length, ssh_blob};
use crate::{Algorithm, Curve, PublicKey};
use data_encoding::BASE64_NOPAD;
use sha2::{Digest, Sha256};

/// Principals of a certificate that are kept.
const MAX_PRINCIPALS: usize = 16;
/// Longest name that is kept, in characters.
const MAX_NAME: usize = 100;
/// id-kp-secureShellClient and id-kp-secureShellServer (RFC 6187): what the two types of certificates are for.
const CLIENT: &str = "1.3.6.1.5.5.7.3.21";
const SERVER: &str = "1.3.6.1.5.5.7.3.22";
/// The end of the year 9999, which stands for no end (RFC 5280 section 4.1.2.5).
const NO_END: i64 = 253_402_300_799;

/// A public key in the wire encoding.
#[derive(Debug, Clone)]
pub struct PublicBlob {
    /// The key.
    pub key: PublicKey,
    /// Bytes the blob takes.
    pub length: usize,
    /// For a key that is kept on a FIDO token: what it is for, usually `ssh:`.
    pub application: Option<Vec<u8>>,
    /// What the blob certifies, if it is a certificate. The subject is the key id, the issuer the name of the key that
    /// signed it.
    pub certificate: Option<Certificate>,
}

/// The public key or certificate at the start of `bytes`; `None` unless its numbers can be a key.
pub fn public_key(bytes: &[u8]) -> Option<PublicBlob> {
    let mut fields = Fields::new(bytes);
    let (kind, certified) = Type::of_name(fields.next()?)?;
    if certified {
        fields.next()?; // The nonce.
    }
    let mut application = None;
    let key = match kind {
        Type::Rsa => rsa(&mut fields)?,
        Type::Dsa => dsa(&mut fields)?,
        Type::Ecdsa(curve) => {
            let name = fields.next()?;
            let point = fields.next()?;
            PublicKey::ec_on_curve(curve, point).filter(|_| ecdsa_curve(name) == Some(curve))?
        }
        Type::Ed25519 => PublicKey::okp(Algorithm::Ed25519, point(&mut fields)?)?,
        Type::Ed448 => {
            let point = point(&mut fields)?;
            PublicKey::okp(Algorithm::Ed448, point)?.with_ssh_blob(&ssh_blob(b"ssh-ed448", &[point]))
        }
        Type::TokenEcdsa => {
            let point = fields.next().filter(|name| *name == b"nistp256").and(fields.next())?;
            token_ecdsa(point, application.insert(fields.next()?))?
        }
        Type::TokenEd25519 => {
            let point = point(&mut fields)?;
            token_ed25519(point, application.insert(fields.next()?))?
        }
    };
    let certificate = if certified { Some(certificate(&mut fields)?) } else { None };
    let length = fields.at;
    let certificate = certificate.map(|facts| Certificate { sha256: Sha256::digest(&bytes[..length]).into(), ..facts });
    Some(PublicBlob { key, length, application: application.map(<[u8]>::to_vec), certificate })
}

/// A positive `mpint` as a writer makes it: without needless zeros.
fn number<'a>(fields: &mut Fields<'a>) -> Option<&'a [u8]> {
    fields.next().filter(|field| match field {
        [] => false,
        [0] => false,
        [0, next, ..] => *next >= 0x80,
        [first, ..] => *first < 0x80,
    })
}

fn rsa(fields: &mut Fields<'_>) -> Option<PublicKey> {
    let e = number(fields).filter(|e| e.len() <= MAX_EXPONENT)?;
    let n = number(fields)?;
    let odd = |number: &[u8]| number.last().is_some_and(|b| b % 2 == 1);
    let sizes = (MIN_BITS..=MAX_BITS).contains(&bit_length(n)) && bit_length(e) >= 2;
    (sizes && odd(e) && odd(n)).then(|| PublicKey::rsa(n, e))
}

fn dsa(fields: &mut Fields<'_>) -> Option<PublicKey> {
    let [p, q, g, y] = [number(fields)?, number(fields)?, number(fields)?, number(fields)?];
    let bits = bit_length(p);
    let sizes = (MIN_BITS..=MAX_BITS).contains(&bits) && (128..=512).contains(&bit_length(q));
    let below = bit_length(g) <= bits && bit_length(y) <= bits;
    let odd = |number: &[u8]| number.last().is_some_and(|b| b % 2 == 1);
    (sizes && below && odd(p) && odd(q)).then(|| PublicKey::dsa(p, q, g, y))
}

/// An encoded Edwards point. Equal bytes are an empty buffer.
fn point<'a>(fields: &mut Fields<'a>) -> Option<&'a [u8]> {
    fields.next().filter(|point| point.windows(2).any(|w| w[0] != w[1]))
}

/// An ECDSA key on a FIDO token.
pub(super) fn token_ecdsa(point: &[u8], application: &[u8]) -> Option<PublicKey> {
    let blob = ssh_blob(b"sk-ecdsa-sha2-nistp256@openssh.com", &[b"nistp256", point, application]);
    Some(PublicKey::ec_on_curve(Curve::P256, point)?.with_ssh_blob(&blob))
}

/// An Ed25519 key on a FIDO token.
pub(super) fn token_ed25519(point: &[u8], application: &[u8]) -> Option<PublicKey> {
    let blob = ssh_blob(b"sk-ssh-ed25519@openssh.com", &[point, application]);
    Some(PublicKey::okp(Algorithm::Ed25519, point)?.with_ssh_blob(&blob))
}

/// What follows the public key in a certificate: serial, type, key id, principals, validity, options, signature.
fn certificate(fields: &mut Fields<'_>) -> Option<Certificate> {
    let _serial = fields.u64()?;
    let kind = fields.u32()?;
    let id = fields.next()?;
    let principals = fields.next()?;
    let (after, before) = (fields.u64()?, fields.u64()?);
    let (_critical, _extensions, _reserved) = (fields.next()?, fields.next()?, fields.next()?);
    let authority = fields.next()?;
    let _signature = fields.next()?;
    let usage = match kind {
        1 => CLIENT,
        2 => SERVER,
        _ => return None,
    };
    let mut names = Vec::new();
    let mut rest = Fields::new(principals);
    while let (true, Some(name)) = (names.len() < MAX_PRINCIPALS, rest.next()) {
        names.push(text(name));
    }
    let time = |seconds: u64| i64::try_from(seconds).map_or(NO_END, |seconds| seconds.min(NO_END));
    Some(Certificate {
        subject: text(id),
        issuer: format!("SHA256:{}", BASE64_NOPAD.encode(&Sha256::digest(authority))),
        names,
        not_before: time(after),
        not_after: time(before),
        ca: false,
        extended_key_usage: vec![usage.to_owned()],
        sha256: [0; 32],
    })
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).chars().filter(|c| !c.is_control()).take(MAX_NAME).collect()
}
