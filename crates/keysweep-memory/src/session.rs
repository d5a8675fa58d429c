//! Secrets of sessions in structures that are certain: TLS master secrets, Kerberos keys and keys of ChaCha20. They are worth less
//! than the keys that sign, and end with their session, but open what was recorded of it, or act as its user until then.

use crate::found::{Found, Place};
use crate::order::Order;
use crate::search::{Context, Finder, Outcome};
use crate::structure::chacha::STATE;
use crate::structure::{Structure, Trigger, View};
use crate::survey::{Number, looks_random};
use keysweep_keys::{Algorithm, KeyMaterial, Proof, Protection};
use std::collections::BTreeMap;

/// The start of OpenSSL's `struct ssl_session_st` (`ssl_local.h`, 1.1.1 to 3.x, 64-bit): version, length of the master key, 64
/// bytes of early secret, 256 bytes of master key or resumption secret, length of the session id, 32 bytes of session id.
pub(crate) struct SslSession;

/// The name of the structure.
pub(crate) const TLS: &str = "OpenSSL SSL_SESSION";

impl Structure for SslSession {
    fn name(&self) -> &'static str {
        TLS
    }

    fn trigger(&self) -> Trigger {
        Trigger::Small
    }

    fn read(&self, view: &View<'_>, at: usize, numbers: &mut Vec<Number>) {
        // The triggering word is the length of the master key.
        let Some(length @ (32 | 48)) = view.word(at, 0) else { return };
        let version = at.checked_sub(8).and_then(|at| view.word(at, 0));
        if !version.is_some_and(|v| (0x0301..=0x0304).contains(&v)) || view.memory.pointer_bytes() != 8 {
            return;
        }
        let key = at + 8 + 64;
        let Some(bytes) = view.chunk.bytes.get(key..key + 256) else { return };
        let (used, unused) = bytes.split_at(length as usize);
        let id = view.word(key + 256, 0);
        if looks_random(used) && unused.iter().all(|b| *b == 0) && id.is_some_and(|length| length <= 32) {
            numbers.push(Number { offset: view.offset(key), len: length as u32, order: Order::Big, structure: TLS });
        }
    }
}

/// MIT Kerberos' `krb5_keyblock` (`krb5.h`): magic number, encryption type, length, pointer to the key.
pub(crate) struct KerberosKeyblock;

const KERBEROS: &str = "MIT Kerberos krb5_keyblock";
/// `KV5M_KEYBLOCK`.
const MAGIC: u32 = 0x970e_a703;
/// Encryption types (RFC 3961, 3962, 4757, 8009) and the lengths of their keys.
const TYPES: [(u32, u32, &str); 6] = [
    (16, 24, "des3-cbc-sha1"),
    (17, 16, "aes128-cts-hmac-sha1-96"),
    (18, 32, "aes256-cts-hmac-sha1-96"),
    (19, 16, "aes128-cts-hmac-sha256-128"),
    (20, 32, "aes256-cts-hmac-sha384-192"),
    (23, 16, "arcfour-hmac"),
];

impl Structure for KerberosKeyblock {
    fn name(&self) -> &'static str {
        KERBEROS
    }

    fn trigger(&self) -> Trigger {
        Trigger::Small
    }

    fn read(&self, view: &View<'_>, at: usize, numbers: &mut Vec<Number>) {
        let Some(length @ (16 | 24 | 32)) = view.word(at, 0) else { return };
        let header = at.checked_sub(8).and_then(|at| Some((view.half(at, 0)?, view.half(at, 4)?)));
        let Some((MAGIC, kind)) = header else { return };
        if TYPES.iter().any(|(number, size, _)| (*number, u64::from(*size)) == (kind, length)) {
            let offset = view.pointee(at, 8, length as usize);
            let len = length as u32;
            numbers.extend(offset.map(|offset| Number { offset, len, order: Order::Big, structure: KERBEROS }));
        }
    }
}

/// Reports what those structures hold.
pub(crate) struct Sessions;

/// For each structure: rule, algorithm, and what was checked.
const KINDS: [(&str, &str, &str, &str); 3] = [
    (
        TLS,
        "memory-tls-secret",
        "TLS master secret",
        "version, lengths, zero padding and session id of an SSL_SESSION hold",
    ),
    (
        KERBEROS,
        "memory-kerberos-key",
        "Kerberos key",
        "magic number, encryption type and length of a krb5_keyblock hold",
    ),
    (
        STATE,
        "memory-chacha-key",
        "ChaCha20 key",
        "the constant words and the counter of the state of ChaCha20 stand around it",
    ),
];
/// Secrets reported of one dump.
const MAX_SECRETS: usize = 20_000;

impl Finder for Sessions {
    fn rules(&self) -> &'static [&'static str] {
        &["memory-tls-secret", "memory-kerberos-key", "memory-chacha-key"]
    }

    fn may_find(&self, _: &Algorithm) -> bool {
        false
    }

    fn find(&self, context: &Context<'_>, _spots: &[u64], outcome: &mut Outcome) {
        let mut found: BTreeMap<[u8; 32], Found> = BTreeMap::new();
        for number in &context.survey.numbers {
            let Some((structure, rule, name, checked)) = KINDS.iter().find(|kind| kind.0 == number.structure) else {
                continue;
            };
            let Some(secret) = context.memory.bytes(number.offset, number.len as usize) else { continue };
            let id = KeyMaterial::secret_id(&secret);
            if found.len() >= MAX_SECRETS && !found.contains_key(&id) {
                outcome.limits.push("more session secrets than are reported");
                break;
            }
            let place =
                Place { offset: number.offset, len: u64::from(number.len), what: format!("{name} in {structure}") };
            let entry = found.entry(id).or_insert_with(|| Found {
                rule,
                material: KeyMaterial {
                    algorithm: Algorithm::Symmetric((*name).into()),
                    bits: 8 * number.len,
                    encoding: structure,
                    protection: Protection::None,
                    public: None,
                    id: Some(id),
                    proof: Proof::parsed(*checked),
                    comment: None,
                    purpose: None,
                    details: Vec::new(),
                },
                places: Vec::new(),
            });
            entry.places.push(place);
        }
        outcome.found.extend(found.into_values());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::Flat;
    use crate::search::{Effort, search};

    const BASE: u64 = 0x7f12_0000_0000;

    fn random(len: usize, seed: u64) -> Vec<u8> {
        (1..=len as u64).map(|i| ((i + seed).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 37) as u8).collect()
    }

    fn put(memory: &mut [u8], at: usize, words: &[u64]) {
        let bytes: Vec<u8> = words.iter().flat_map(|w| w.to_le_bytes()).collect();
        memory[at..at + bytes.len()].copy_from_slice(&bytes);
    }

    fn heap() -> Vec<u8> {
        let mut memory = vec![0; 64 << 10];
        put(&mut memory, 0x1000, &[0x0303, 48]);
        memory[0x1050..0x1080].copy_from_slice(&random(48, 1));
        put(&mut memory, 0x1150, &[32]);
        memory[0x1158..0x1178].copy_from_slice(&random(32, 2));
        put(&mut memory, 0x3008, &[u64::from(MAGIC) | 18 << 32, 32, BASE + 0x5008]);
        memory[0x5008..0x5028].copy_from_slice(&random(32, 3));
        memory
    }

    fn rules(memory: &[u8]) -> Vec<&'static str> {
        let mut rules: Vec<_> =
            search(&Flat::at(memory, BASE), &[], 1, Effort::Full).found.iter().map(|f| f.rule).collect();
        rules.sort_unstable();
        rules
    }

    #[test]
    fn sessions_are_found_by_their_structures() {
        assert_eq!(rules(&heap()), ["memory-kerberos-key", "memory-tls-secret"]);
    }

    /// A state of ChaCha20 with a key of its own.
    fn state(seed: u64, counter: u32) -> Vec<u8> {
        [b"expand 32-byte k".to_vec(), random(32, seed), counter.to_le_bytes().to_vec(), random(12, seed + 50)].concat()
    }

    #[test]
    fn keys_of_chacha20_stand_behind_its_constant() {
        let found = |at: usize, state: &[u8], before: usize| {
            let mut memory = vec![0; 64 << 10];
            memory[at - before..at].copy_from_slice(&random(before, 9));
            memory[at..at + state.len()].copy_from_slice(state);
            let found = search(&Flat::at(&memory, BASE), &[], 1, Effort::Full).found;
            let places = found.iter().filter(|f| f.rule == "memory-chacha-key").flat_map(|f| &f.places);
            places.map(|place| place.offset as usize - at).collect::<Vec<_>>()
        };
        for at in [0x1000, 0x1004, 0x1008, 0x100c, 0xffc0] {
            assert_eq!((found(at, &state(1, 0), 0), found(at, &state(2, 70_000), 64)), (vec![16], vec![16]), "{at:#x}");
        }
        // Not the constant, no counter, no key, not whole.
        let mut other = state(3, 1);
        other[4] = b'e';
        let constants = b"expand 32-byte kexpand 16-byte kexpand 32-byte kexpand 16-byte k";
        for near in [&other, &state(4, 1 << 30), constants.as_slice(), &state(5, 1)[..32]] {
            assert_eq!(found(0x1000, near, 0), [0; 0]);
        }
    }

    #[test]
    fn near_misses_are_nothing() {
        for (at, words) in [(0x1000, [0x0503, 48]), (0x1008, [40, 0]), (0x1098, [9, 0]), (0x1150, [99, 0])] {
            let mut memory = heap();
            put(&mut memory, at, &words);
            assert_eq!(rules(&memory), ["memory-kerberos-key"], "{at:#x}");
        }
        for (at, words) in
            [(0x3008, [u64::from(MAGIC) | 17 << 32]), (0x3008, [18 << 32]), (0x3018, [BASE - 8]), (0x5010, [0])]
        {
            let mut memory = heap();
            put(&mut memory, at, &words);
            if at == 0x5010 {
                memory[0x5008..0x5028].fill(7);
            }
            assert_eq!(rules(&memory), ["memory-tls-secret"], "{at:#x}");
        }
    }
}
