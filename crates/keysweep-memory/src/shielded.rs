//! Shielded keys of OpenSSH 8.1 and later: while a key is not in use, `sshd` and `ssh-agent` keep it encrypted under a hash
//! of 16 KiB of random bytes, against attacks that leak memory with errors in it. A dump holds both, without errors.
//!
//! `struct sshkey` (`sshkey.h`) ends with `{ shielded_private, shielded_len, shield_prekey, shield_prekey_len }`. The key is
//! in AES-256-CTR under the first 48 bytes of the prekey's SHA-512: 32 of key, 16 of counter (`sshkey_shield_private`).

use crate::found::{Found, Place};
use crate::search::{Context, Finder, Outcome};
use crate::structure::View;
use crate::survey::Looks;
use ctr::cipher::{KeyIvInit, StreamCipher};
use keysweep_keys::{Algorithm, KeyMaterial, PrivateKey, Protection};
use sha2::{Digest, Sha512};
use std::collections::BTreeMap;
use zeroize::Zeroizing;

/// Finds and opens shielded keys.
pub(crate) struct Shielded;

/// `SSHKEY_SHIELD_PREKEY_LEN`.
const PREKEY: usize = 16 << 10;
/// Sizes of a shielded key, in bytes: from an Ed25519 key to RSA with 16384 bits and a certificate.
const SHIELDED: std::ops::RangeInclusive<usize> = 64..=32 << 10;
/// Places that are tried in one dump, each half a millisecond of work.
const MAX_TRIED: usize = 2_000;

impl Finder for Shielded {
    fn rules(&self) -> &'static [&'static str] {
        &["memory-ssh-shielded-key"]
    }

    fn may_find(&self, algorithm: &Algorithm) -> bool {
        matches!(algorithm, Algorithm::Rsa | Algorithm::Ec(_) | Algorithm::Ed25519)
    }

    fn spot(&self, view: &View<'_>, looks: &Looks, spots: &mut Vec<u64>) {
        let own = view.chunk.own.clone();
        let mut look = |at: usize| {
            if view.machine(at, 0) == Some(PREKEY as u64) && parts(view, at).is_some() {
                spots.push(view.offset(at));
            }
        };
        if view.size() == 8 {
            looks.words(|looks| looks.header).for_each(|at| look(own.start + at));
        } else {
            let filled = looks.stretches(|_, filled| filled);
            filled.flat_map(|s| (s.start..s.end.min(own.len())).step_by(4)).for_each(|at| look(own.start + at));
        }
    }

    fn find(&self, context: &Context<'_>, spots: &[u64], outcome: &mut Outcome) {
        let mut found: BTreeMap<[u8; 32], Found> = BTreeMap::new();
        if spots.len() > MAX_TRIED {
            outcome.limits.push("more places that look like shielded SSH keys than are tried");
        }
        for &spot in spots.iter().take(MAX_TRIED) {
            let Some((material, place)) = open(context, spot) else { continue };
            let Some(public) = material.public.clone() else { continue };
            let entry = found.entry(public.spki_sha256).or_insert_with(|| Found {
                rule: "memory-ssh-shielded-key",
                material,
                places: Vec::new(),
            });
            if !entry.places.contains(&place) {
                entry.places.push(place);
            }
        }
        outcome.found.extend(found.into_values().map(|mut found| {
            found.places.sort();
            found
        }));
    }
}

/// File offsets of the shielded key and the prekey, and the length of the former. `at` is the index of the prekey's length.
fn parts(view: &View<'_>, at: usize) -> Option<(u64, usize, u64)> {
    let size = view.memory.pointer_bytes() as isize;
    let length = match size {
        4 => view.half(at, -2 * size)? as usize,
        _ => usize::try_from(view.word(at, -2 * size)?).ok()?,
    };
    // A whole number of cipher blocks.
    if !SHIELDED.contains(&length) || !length.is_multiple_of(16) {
        return None;
    }
    Some((view.pointee(at, -3 * size, length)?, length, view.pointee(at, -size, PREKEY)?))
}

fn open(context: &Context<'_>, spot: u64) -> Option<(KeyMaterial, Place)> {
    // The header once more: the chunk it was seen in is gone.
    let before = 4 * context.memory.pointer_bytes() as u64;
    let start = spot.checked_sub(before)?;
    let bytes = context.memory.bytes(start, 2 * before as usize)?;
    let chunk = crate::Chunk { bytes: &bytes, own: 0..bytes.len(), offset: start };
    let view = View::new(&chunk, context.memory);
    let (shielded, length, prekey) = parts(&view, before as usize)?;
    let mut key = context.memory.bytes(shielded, length)?;
    unshield(&mut key, &context.memory.bytes(prekey, PREKEY)?);
    let (private, used) = keysweep_keys::ssh::private_key(&key)?;
    // What is left is the padding 1, 2, 3, …
    if key.len() - used >= 16 || key[used..].iter().zip(1..).any(|(byte, count)| *byte != count) {
        return None;
    }
    let place = Place {
        offset: shielded,
        len: length as u64,
        what: "shielded private key of OpenSSH, with its prekey in the same dump".into(),
    };
    Some((material(&private)?, place))
}

fn unshield(key: &mut [u8], prekey: &[u8]) {
    let hash = Zeroizing::new(<[u8; 64]>::from(Sha512::digest(prekey)));
    let (cipher_key, counter) = (&hash[..32], &hash[32..48]);
    if let Ok(mut cipher) = ctr::Ctr128BE::<aes::Aes256>::new_from_slices(cipher_key, counter) {
        cipher.apply_keystream(key);
    }
}

fn material(key: &PrivateKey) -> Option<KeyMaterial> {
    let mut proved = key.prove().ok()?;
    proved.proof.statement.insert_str(0, "unshielded with the prekey in the dump; ");
    Some(KeyMaterial {
        algorithm: proved.public.algorithm.clone(),
        bits: proved.public.bits,
        encoding: "OpenSSH shielded key",
        protection: Protection::None,
        public: Some(proved.public.fingerprint()),
        id: None,
        proof: proved.proof,
        comment: None,
        purpose: None,
        details: Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::Flat;
    use crate::search::{Effort, search};
    use keysweep_keys::private::okp_public;
    use keysweep_keys::{Algorithm, PublicKey};

    const BASE: u64 = 0x5581_0000_0000;

    fn wire(fields: &[&[u8]]) -> Vec<u8> {
        fields.iter().flat_map(|f| [&(f.len() as u32).to_be_bytes()[..], f].concat()).collect()
    }

    /// A heap with a shielded Ed25519 key, and the public key.
    fn heap() -> (Vec<u8>, Vec<u8>) {
        let mut state = 99u64;
        let mut random = |len: usize| -> Vec<u8> {
            (0..len)
                .map(|_| {
                    state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    (state >> 40) as u8
                })
                .collect()
        };
        let (seed, prekey) = (random(32), random(PREKEY));
        let public = okp_public(&Algorithm::Ed25519, &seed).unwrap();
        let mut key = wire(&[b"ssh-ed25519", &public, &[&seed[..], &public].concat()]);
        let padding = key.len().next_multiple_of(16) - key.len();
        key.extend((1..=padding).map(|i| i as u8));
        unshield(&mut key, &prekey);
        let mut heap = vec![0; 3 << 20];
        let (at_key, at_prekey, at_struct) = (0x1230, (1 << 20) - 4096, (2 << 20) - 8);
        heap[at_key..at_key + key.len()].copy_from_slice(&key);
        heap[at_prekey..at_prekey + PREKEY].copy_from_slice(&prekey);
        let header = [BASE + at_key as u64, key.len() as u64, BASE + at_prekey as u64, PREKEY as u64];
        let header: Vec<u8> = header.iter().flat_map(|w| w.to_le_bytes()).collect();
        heap[at_struct..at_struct + 32].copy_from_slice(&header);
        (heap, public)
    }

    #[test]
    fn shielded_keys_are_opened_and_named() {
        let (heap, public) = heap();
        let found = search(&Flat::at(&heap, BASE), &[], 1, Effort::Full).found;
        assert_eq!(found.len(), 1);
        let expected = PublicKey::okp(Algorithm::Ed25519, &public).unwrap().fingerprint();
        assert_eq!(found[0].material.public.as_ref(), Some(&expected));
        assert_eq!(found[0].places[0].offset, 0x1230);
    }

    #[test]
    fn a_changed_bit_anywhere_is_no_key() {
        for at in [0x1230 + 40, (1 << 20) + 100, (2 << 20) + 8] {
            let (mut heap, _) = heap();
            heap[at] ^= 4;
            assert!(search(&Flat::at(&heap, BASE), &[], 1, Effort::Full).found.is_empty(), "{at:#x}");
        }
        let (heap, _) = heap();
        assert!(
            search(&Flat::new(&heap), &[], 1, Effort::Full).found.is_empty(),
            "without addresses no pointer can be followed"
        );
    }
}
