//! How bytes are read as a private key.

use crate::curve::Group;
use crate::order::Order;
use sha2::{Digest, Sha512};
use shake::{ExtendableOutput, Shake256, Update, XofReader};
use zeroize::{Zeroize, Zeroizing};

/// How bytes are read as a private key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Reading {
    /// The scalar of a Weierstrass curve.
    Number(Order),
    /// The same in Montgomery form modulo the order, as little-endian limbs: ring, Rust's p384.
    Montgomery,
    /// The seed of Ed25519 or Ed448 (RFC 8032), which is hashed.
    Seed,
    /// The scalar of X25519 or X448 (RFC 7748), clamped or not; or that which Ed25519 derives from its seed.
    Clamped,
    /// The same, most significant byte first, as OpenPGP has it.
    ClampedReversed,
    /// The scalar that Ed25519 derives from its seed, reduced modulo the order.
    Reduced,
}

impl Reading {
    /// Bytes of a private key of `group` that is read so.
    pub(crate) fn bytes(self, group: Group) -> usize {
        let bytes = group.bytes();
        match self {
            Reading::Number(Order::Little | Order::Big) => bytes,
            Reading::Number(Order::BigWords32) => bytes.next_multiple_of(4),
            Reading::Number(Order::BigWords64) | Reading::Montgomery => 8 * group.limbs(),
            Reading::Number(Order::Digits { bits, bytes: size }) => {
                // P-521's bytes are not used to the last bit.
                let used = if bytes == 66 { 521 } else { 8 * bytes };
                used.div_ceil(usize::from(bits)) * usize::from(size)
            }
            Reading::Seed if group == Group::Edwards448 => 57,
            Reading::Seed | Reading::Clamped | Reading::ClampedReversed | Reading::Reduced => bytes,
        }
    }

    /// Whether what is read so is made of words in memory, and so never begins amid one.
    pub(crate) fn is_of_words(self) -> bool {
        matches!(self, Reading::Number(Order::Little) | Reading::Montgomery)
    }

    /// As [`Reading::scalar`]; with the first word of what a seed of Ed25519 signs with besides, or zero.
    pub(super) fn scalar_and_prefix(self, group: Group, window: &[u8], scalars: &mut Vec<u64>) -> Option<u64> {
        if !self.has_prefix(group) {
            return self.scalar(group, window, scalars).then_some(0);
        }
        let hash = seed_hash(window);
        push_little(&clamped(group, &hash[..32]), group, scalars);
        prefix(&hash).first_chunk().map(|word| u64::from_le_bytes(*word))
    }

    /// Whether what is read so is a seed that signs with more than its scalar.
    pub(super) fn has_prefix(self, group: Group) -> bool {
        (self, group) == (Reading::Seed, Group::Curve25519)
    }

    /// Appends the limbs of the scalar that `window` is; false, and nothing, if it is none.
    pub(crate) fn scalar(self, group: Group, window: &[u8], scalars: &mut Vec<u64>) -> bool {
        let start = scalars.len();
        let good = match self {
            Reading::Number(order) => number(group, order, window, scalars),
            Reading::Montgomery => {
                push_little(window, group, scalars);
                let there = group.in_range(&scalars[start..]);
                if there {
                    group.leave_montgomery_scalar(&mut scalars[start..]);
                }
                there
            }
            Reading::Seed => {
                push_little(&seed_scalar(group, window), group, scalars);
                true
            }
            Reading::Clamped => {
                push_little(&clamped(group, window), group, scalars);
                true
            }
            Reading::ClampedReversed => {
                let mut reversed = Zeroizing::new(window.to_vec());
                reversed.reverse();
                push_little(&clamped(group, &reversed), group, scalars);
                true
            }
            Reading::Reduced => {
                push_little(window, group, scalars);
                group.in_range(&scalars[start..])
            }
        };
        if !good {
            scalars[start..].zeroize();
            scalars.truncate(start);
        }
        good
    }
}

fn number(group: Group, order: Order, window: &[u8], scalars: &mut Vec<u64>) -> bool {
    let start = scalars.len();
    match order {
        Order::Little if window.len() <= 8 * group.limbs() => push_little(window, group, scalars),
        _ => {
            let Some(mut bytes) = order.decode(window) else { return false };
            bytes.reverse();
            let most = 8 * group.limbs();
            if bytes.iter().skip(most).any(|b| *b != 0) {
                return false;
            }
            push_little(&bytes[..bytes.len().min(most)], group, scalars);
        }
    }
    group.in_range(&scalars[start..])
}

/// Appends little-endian bytes as limbs, as many as the group's scalars have.
fn push_little(bytes: &[u8], group: Group, scalars: &mut Vec<u64>) {
    let mut limbs = bytes.chunks(8).map(|chunk| {
        let mut limb = [0; 8];
        limb[..chunk.len()].copy_from_slice(chunk);
        u64::from_le_bytes(limb)
    });
    scalars.extend((0..group.limbs()).map(|_| limbs.next().unwrap_or(0)));
}

/// Bytes as X25519 or X448 takes them for a scalar (RFC 7748 section 5).
pub(super) fn clamped(group: Group, bytes: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut scalar = Zeroizing::new(bytes.to_vec());
    match (group, scalar.as_mut_slice()) {
        (Group::Edwards448, [first, .., last]) => {
            *first &= 0xfc;
            *last |= 0x80;
        }
        (_, [first, .., last]) => {
            *first &= 0xf8;
            *last = *last & 0x7f | 0x40;
        }
        _ => {}
    }
    scalar
}

/// The scalar that Ed25519 or Ed448 derives from a seed (RFC 8032 sections 5.1.5 and 5.2.5).
pub(super) fn seed_scalar(group: Group, seed: &[u8]) -> Zeroizing<Vec<u8>> {
    if group == Group::Edwards448 {
        let mut hash = Zeroizing::new([0; 56]);
        let mut shake = Shake256::default();
        shake.update(seed);
        shake.finalize_xof().read(hash.as_mut_slice());
        return clamped(group, hash.as_slice());
    }
    clamped(group, &seed_hash(seed)[..32])
}

/// The hash of a seed of Ed25519: the scalar before it is clamped, and what signing hashes before the message (RFC 8032 section 5.1.6).
pub(super) fn seed_hash(seed: &[u8]) -> Zeroizing<[u8; 64]> {
    let mut hash = Sha512::digest(seed);
    let copy = Zeroizing::new(hash.into());
    hash.as_mut_slice().zeroize();
    copy
}

/// The part of a seed's hash that signing hashes before the message.
pub(super) fn prefix(hash: &[u8; 64]) -> &[u8] {
    &hash[32..]
}
