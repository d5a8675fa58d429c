//! Whether a key is a long-term key, or was made for one handshake or signature.
//!
//! Processes that speak TLS hold key pairs of single handshakes, which are private keys as good as others but worth little once the
//! handshake is over. What their public keys stand beside tells them apart; what the private keys stand beside says less, since
//! libraries encode every key pair they make (the JDK each in DER).

use super::signature::{Part, Scalar, explain};
use super::trace::{Form, Present};
use crate::curve::Group;
use crate::decoded::is_text;
use crate::found::Place;
use crate::order::Order;
use crate::rsa::natural::Natural;
use crate::search::Context;
use crate::session::TLS;
use keysweep_keys::{Curve, PublicKey};

/// How long a key lives, as far as can be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lifetime {
    /// In a certificate, SubjectPublicKeyInfo, SSH key, DNSKEY record or DER private key, or written as text.
    Long,
    /// In a key share of TLS, and in nothing that lives longer.
    Handshake,
    /// A pair of OpenSSL's that is in nothing else, of a process that speaks TLS.
    Session,
    /// Part of a signature.
    Signature(Part),
    /// Nothing says.
    Unknown,
}

/// What is known of a key when its lifetime is asked for.
pub(super) struct Known<'a> {
    pub(super) group: Group,
    pub(super) public: &'a PublicKey,
    /// Whether the public key was known beforehand.
    pub(super) beforehand: bool,
    /// The private key as a number, if it is one.
    pub(super) scalar: Option<Natural>,
    /// Where the public key lies.
    pub(super) present: &'a [Present],
    /// Where the private key lies.
    pub(super) secrets: &'a [Place],
}

/// How long each of the keys lives.
pub(super) fn lifetimes(context: &Context<'_>, keys: &[Known<'_>]) -> Vec<Lifetime> {
    let mut lives: Vec<Lifetime> = keys.iter().map(|key| key.surroundings(context)).collect();
    let parts = explain_all(context, keys, &lives);
    for (life, part) in lives.iter_mut().zip(parts) {
        *life = part.map_or(*life, Lifetime::Signature);
    }
    let speaks_tls = lives.contains(&Lifetime::Handshake) || context.survey.numbers.iter().any(|n| n.structure == TLS);
    for (life, key) in lives.iter_mut().zip(keys) {
        if speaks_tls && *life == Lifetime::Unknown && key.is_ecx(context) {
            *life = Lifetime::Session;
        }
    }
    lives
}

/// What the keys are to signatures.
fn explain_all(context: &Context<'_>, keys: &[Known<'_>], lives: &[Lifetime]) -> Vec<Option<Part>> {
    let scalar = |(key, life): (&Known<'_>, &Lifetime)| {
        let Group::Ec(curve) = key.group else { return None };
        let x = Natural::from_be(key.public.value.get(1..=curve.field_bytes())?);
        let offset = key.secrets.first()?.offset;
        let told = matches!(life, Lifetime::Long | Lifetime::Handshake);
        Some(Scalar { group: key.group, d: key.scalar.clone()?, x, offset, told })
    };
    let (indices, scalars): (Vec<usize>, Vec<Scalar>) =
        keys.iter().zip(lives).enumerate().filter_map(|(index, key)| Some((index, scalar(key)?))).unzip();
    let mut parts = vec![None; keys.len()];
    for (index, part) in indices.into_iter().zip(explain(context, &scalars)) {
        parts[index] = part;
    }
    parts
}

impl Known<'_> {
    /// What the surroundings of the key's numbers say. What a public key stands in says more than what the private key stands in.
    fn surroundings(&self, context: &Context<'_>) -> Lifetime {
        let public = self.present.iter().filter_map(|present| encoded_at(self.group, present));
        let public: Vec<Lifetime> = public.map(|at| around_public(context, self.group, at)).collect();
        let written = || {
            let mut places = self.secrets.iter();
            places.any(|place| is_private_der(context, self.group, place) || is_text(context.survey, place.offset))
        };
        if self.beforehand || public.contains(&Lifetime::Long) {
            Lifetime::Long
        } else if public.contains(&Lifetime::Handshake) {
            Lifetime::Handshake
        } else if written() {
            Lifetime::Long
        } else {
            Lifetime::Unknown
        }
    }

    /// Whether the key is an `ECX_KEY` of OpenSSL (`crypto/ecx.h`), which keeps the public key and a pointer to the private one: so do the
    /// pairs of handshakes, and long-term keys that are in nothing else are rare.
    fn is_ecx(&self, context: &Context<'_>) -> bool {
        let holds = |present: &Present| {
            let address = context.memory.address_of(present.offset)?;
            // Behind 57 bytes that any key fits, at a multiple of a pointer's size.
            let pointer = (address + 57).next_multiple_of(8) - address;
            let pointer = context.memory.bytes(present.offset + pointer, 8)?;
            let (offset, _) = context.memory.locate(u64::from_le_bytes(pointer[..].try_into().ok()?))?;
            Some(self.secrets.iter().any(|place| place.offset == offset))
        };
        self.group == Group::Curve25519 && self.present.iter().any(|present| holds(present) == Some(true))
    }
}

/// Whether a private key stands in a key file: in PKCS#8 (RFC 5958), or as an ECPrivateKey (RFC 5915) with more than the number. That is all that the
/// JDK makes for the pairs of handshakes too, so that it says nothing.
fn is_private_der(context: &Context<'_>, group: Group, place: &Place) -> bool {
    let header = before(context, place.offset);
    let Ok(len) = u8::try_from(place.len) else { return false };
    match (group, header.as_slice()) {
        // ECPrivateKey's parameters or public key follow, or it fills the OCTET STRING of PKCS#8.
        (Group::Ec(_), [start @ .., 2, 1, 1, 4, size]) if *size == len => {
            let after = context.memory.bytes(place.offset + place.len, 1);
            let follows = after.is_some_and(|after| matches!(after[..], [0xa0 | 0xa1]));
            let filled = matches!(start, [.., 4, outer, 0x30, inner] if *inner == len + 5 && *outer == len + 7);
            follows || filled
        }
        // The identifiers of RFC 8410: 1.3.101.110 to 113.
        (Group::Curve25519 | Group::Edwards448, [.., 0x2b, 0x65, 0x6e..=0x71, 4, outer, 4, size]) => {
            *size == len && *outer == len + 2
        }
        _ => false,
    }
}

/// Where the encoding of a public key begins, if it is one that certificates and protocols have.
fn encoded_at(group: Group, present: &Present) -> Option<u64> {
    match (group, present.form) {
        (Group::Ec(curve), Form::Plain(Order::Big)) => {
            (present.offset + present.len as u64).checked_sub(curve.field_bytes() as u64 + 1)
        }
        (Group::Curve25519 | Group::Edwards448, Form::Plain(Order::Little)) => Some(present.offset),
        _ => None,
    }
}

fn around_public(context: &Context<'_>, group: Group, at: u64) -> Lifetime {
    let header = before(context, at);
    let (len, compressed, named) = match group {
        Group::Ec(curve) => {
            let size = curve.field_bytes();
            let named: &[u8] = match curve {
                Curve::P256 => &[0x17],
                Curve::P384 => &[0x18],
                Curve::P521 => &[0x19],
                Curve::Secp256k1 => &[0x16],
                _ => &[0x1a, 0x1b, 0x1c],
            };
            (2 * size + 1, size + 1, named)
        }
        Group::Curve25519 => (32, 32, &[0x1d][..]),
        Group::Edwards448 => (56, 57, &[0x1e][..]),
    };
    let counted = |len| ends_with_bit_string(&header, len) || ends_with_ssh(&header, len);
    if [len, compressed].into_iter().any(counted) || is_dnskey(context, group, at) {
        return Lifetime::Long;
    }
    let len = len as u8;
    let shared = match header.as_slice() {
        // KeyShareEntry (RFC 8446 section 4.2.8): a group and a length.
        [.., 0, group, 0, count] if named.contains(group) && *count == len => true,
        // ServerECDHParams (RFC 8422 section 5.4): named_curve, a group and a length.
        [.., 3, 0, group, count] if named.contains(group) && *count == len => true,
        // ClientECDiffieHellmanPublic: the handshake's header and a length.
        [.., 16, 0, 0, more, count] if *count == len && usize::from(*more) == usize::from(len) + 1 => true,
        _ => false,
    };
    if shared { Lifetime::Handshake } else { Lifetime::Unknown }
}

/// A BIT STRING of `len` bytes: SubjectPublicKeyInfo, or the public key of an ECPrivateKey.
fn ends_with_bit_string(header: &[u8], len: usize) -> bool {
    match header {
        [.., 3, 0x81, count, 0] => usize::from(*count) == len + 1,
        [.., 3, count, 0] => usize::from(*count) == len + 1 && len < 127,
        _ => false,
    }
}

/// The public key of an SSH key blob (RFC 5656 section 3.1).
fn ends_with_ssh(header: &[u8], len: usize) -> bool {
    let name = |name: &[u8]| name.starts_with(b"nistp");
    match header {
        [inner @ .., 0, 0, 0, count] => {
            usize::from(*count) == len && inner.len() >= 8 && name(&inner[inner.len() - 8..])
        }
        _ => false,
    }
}

/// A DNSKEY record (RFC 4034 section 2.1, RFC 6605): flags of a zone's key, protocol 3, algorithm, and `x` and `y` without a byte
/// before them.
fn is_dnskey(context: &Context<'_>, group: Group, at: u64) -> bool {
    let algorithm = match group {
        Group::Ec(Curve::P256) => 13,
        Group::Ec(Curve::P384) => 14,
        _ => return false,
    };
    matches!(before(context, at + 1).as_slice(), [.., 1, 0 | 1, 3, kind] if *kind == algorithm)
}

/// The bytes before an offset: up to 16.
fn before(context: &Context<'_>, offset: u64) -> Vec<u8> {
    let from = offset.saturating_sub(16);
    context.memory.bytes(from, (offset - from) as usize).map_or_else(Vec::new, |bytes| bytes.to_vec())
}
