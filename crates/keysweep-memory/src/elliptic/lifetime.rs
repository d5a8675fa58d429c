//! Whether a key is a long-term key, or was made for one handshake.
//!
//! Processes that speak TLS hold key pairs of single handshakes, which are private keys as good as others but worth little once the
//! handshake is over. What their public keys stand beside tells them apart.

use super::trace::{Form, Present};
use crate::curve::Group;
use crate::decoded::is_text;
use crate::found::Place;
use crate::order::Order;
use crate::search::Context;
use keysweep_keys::Curve;

/// How long a key lives, as far as can be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lifetime {
    /// In a certificate, SubjectPublicKeyInfo, SSH key, DNSKEY record or DER private key, or written as text.
    Long,
    /// In a key share of TLS, and in nothing that lives longer.
    Handshake,
    /// Nothing says.
    Unknown,
}

/// What the surroundings of a key's numbers say of it.
pub(super) fn lifetime(context: &Context<'_>, group: Group, present: &[Present], secrets: &[Place]) -> Lifetime {
    let public =
        present.iter().filter_map(|present| encoded_at(group, present)).map(|at| around_public(context, group, at));
    let private = secrets.iter().map(|place| {
        let header = before(context, place.offset);
        // The OCTET STRING of SEC 1 and RFC 8410.
        let der = header.ends_with(&[4, place.len as u8]) && place.len < 128;
        if der || is_text(context.survey, place.offset) { Lifetime::Long } else { Lifetime::Unknown }
    });
    public.chain(private).fold(Lifetime::Unknown, |all, one| match (all, one) {
        (Lifetime::Long, _) | (_, Lifetime::Long) => Lifetime::Long,
        (Lifetime::Handshake, _) | (_, Lifetime::Handshake) => Lifetime::Handshake,
        _ => Lifetime::Unknown,
    })
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
