//! Seeds in Base32 with a CRC-16: NATS nkeys (github.com/nats-io/nkeys) and Stellar secret seeds (SEP-23).

use super::checked::{base32_crc16, is_base32, to_base32_crc16};
use super::frame;
use super::text::run;
use crate::decoder::{Anchor, Decoder, Hit, Reach, Sink};
use crate::private::PrivateKey;
use crate::{Algorithm, KeyMaterial, Proof, Secret};

/// NATS: `S`, the letter of what the key is for, and 54 characters.
pub(crate) struct Nkeys;

const NATS: &str = "nats-nkey-seed";
/// Prefix byte of seeds: `S`.
const SEED: u8 = 18 << 3;

impl Decoder for Nkeys {
    fn name(&self) -> &'static str {
        "nkeys"
    }

    fn rules(&self) -> &'static [&'static str] {
        &[NATS]
    }

    fn anchors(&self) -> &'static [Anchor] {
        // The third character holds the last bits of the prefix, which are zero.
        const ANCHORS: [Anchor; 6] = [
            Anchor::text("SUA"),
            Anchor::text("SAA"),
            Anchor::text("SOA"),
            Anchor::text("SNA"),
            Anchor::text("SCA"),
            Anchor::text("SXA"),
        ];
        &ANCHORS
    }

    fn reach(&self) -> Reach {
        Reach { before: 1, after: 59 }
    }

    fn decode(&self, hit: &Hit<'_>, sink: &mut Sink) {
        let start = hit.anchor.start;
        let Some(bytes) = token(hit.window, start, 58).and_then(base32_crc16) else { return };
        if bytes.len() != 34 || bytes[0] & 0xf8 != SEED || bytes[1] & 7 != 0 {
            return;
        }
        let role = (bytes[0] & 7) << 5 | bytes[1] >> 3;
        let name = match hit.index {
            0 => "user",
            1 => "account",
            2 => "operator",
            3 => "server",
            4 => "cluster",
            _ => "curve",
        };
        let algorithm = if name == "curve" { Algorithm::X25519 } else { Algorithm::Ed25519 };
        if let Some((material, public)) = seed(algorithm, &bytes[2..], role, "NATS nkey") {
            let comment = Some(public.clone());
            let details = vec![("role", name.to_owned()), ("public nkey", public)];
            sink.key(NATS, start..start + 58, KeyMaterial { comment, details, ..material });
        }
    }
}

/// The characters of a Base32 token of exactly `length` characters.
fn token(window: &[u8], start: usize, length: usize) -> Option<&[u8]> {
    let text = window.get(start..start + length)?;
    let alone = |b: Option<&u8>| b.is_none_or(|b| !b.is_ascii_alphanumeric());
    let bounded = alone(start.checked_sub(1).and_then(|at| window.get(at))) && alone(window.get(start + length));
    (bounded && text.iter().all(|&b| is_base32(b))).then_some(text)
}

/// What a seed yields: the key, and its public half in the same encoding under `prefix`.
fn seed(algorithm: Algorithm, seed: &[u8], prefix: u8, encoding: &'static str) -> Option<(KeyMaterial, String)> {
    let key = PrivateKey::Okp { algorithm, seed: Secret::new(seed), public: None };
    let public = key.prove().ok()?.public.value;
    let proof = Proof::proven("the CRC-16 holds; the public key was derived from the seed");
    let material = KeyMaterial { proof, ..frame::of_key(&key, encoding)? };
    Some((material, to_base32_crc16(&[&[prefix], &public[..]].concat())))
}

/// Stellar: `S` and 55 characters. Nothing in them is constant, so that a word nearby has to wake the decoder.
pub(crate) struct Stellar;

const STELLAR: &str = "stellar-secret-seed";

impl Decoder for Stellar {
    fn name(&self) -> &'static str {
        "stellar"
    }

    fn rules(&self) -> &'static [&'static str] {
        &[STELLAR]
    }

    fn anchors(&self) -> &'static [Anchor] {
        const ANCHORS: [Anchor; 2] = [
            Anchor { bytes: b"stellar", ignore_case: true, wide: true },
            Anchor { bytes: b"soroban", ignore_case: true, wide: true },
        ];
        &ANCHORS
    }

    fn reach(&self) -> Reach {
        Reach { before: 0, after: 512 }
    }

    fn decode(&self, hit: &Hit<'_>, sink: &mut Sink) {
        let mut at = hit.anchor.end;
        while let Some(next) = memchr::memchr(b'S', &hit.window[at..]) {
            let start = at + next;
            at = start + run(&hit.window[start..], |b| b.is_ascii_alphanumeric()).max(1);
            let Some(bytes) = token(hit.window, start, 56).and_then(base32_crc16) else { continue };
            if bytes.len() != 33 || bytes[0] != SEED {
                continue;
            }
            if let Some((material, public)) = seed(Algorithm::Ed25519, &bytes[1..], 6 << 3, "Stellar seed") {
                let (comment, details) = (Some(public.clone()), vec![("account", public)]);
                sink.key(STELLAR, start..start + 56, KeyMaterial { comment, details, ..material });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::trial::{only, scan};
    use super::*;

    const USER: &str = include_str!("../../tests/data/nats/user.nk");
    const PUBLIC: &str = include_str!("../../tests/data/nats/user.pub");

    #[test]
    fn the_public_nkey_is_derived() {
        let found = only(&Nkeys, USER.as_bytes());
        assert_eq!(found.material.comment.as_deref(), Some(PUBLIC.trim()));
        assert_eq!(found.material.details[0].1, "user");
        assert_eq!(found.range, 0..58);
        let credentials = format!("-----BEGIN USER NKEY SEED-----\n{USER}------END USER NKEY SEED------\n");
        assert_eq!(only(&Nkeys, credentials.as_bytes()).material.public, found.material.public);
    }

    #[test]
    fn tokens_that_are_no_seeds_are_left() {
        let seed = USER.trim();
        let damaged = format!("{}{}", &seed[..57], if seed.ends_with('A') { 'B' } else { 'A' });
        for text in [damaged, format!("x{seed}"), format!("{seed}A"), PUBLIC.into(), "SUA".repeat(30)] {
            assert!(scan(&Nkeys, text.as_bytes()).found.is_empty(), "{text}");
        }
    }

    #[test]
    fn stellar_seeds_are_found_beside_the_name() {
        // The example of SEP-5's test vector 1, account 0.
        let seed = "SBGWSG6BTNCKCOB3DIFBGCVMUPQFYPA2G4O34RMTB343OYPXU5DJDVMN";
        let text = format!("STELLAR_SECRET={seed}\n");
        let account = "GDRXE2BQUC3AZNPVFSCEZ76NJ3WWL25FYFK6RGZGIEKWE4SOOHSUJUJ6";
        assert_eq!(only(&Stellar, text.as_bytes()).material.comment.as_deref(), Some(account));
        assert!(scan(&Stellar, format!("stellar {account}").as_bytes()).found.is_empty());
    }
}
