//! Wallet files of Electrum: JSON with a seed in words, or encrypted as a whole or in its secret members (Electrum,
//! electrum/wallet_db.py, electrum/storage.py, and "Electrum Seed Version System").

use super::frame;
use super::json::Object;
use super::text::{begins_token, label};
use super::unwrap;
use crate::decoder::{Anchor, Decoder, Hit, Reach, Sink};
use crate::decoders::pbe::kdf::Hash;
use crate::{Algorithm, Curve, KeyMaterial, Proof, Protection};
use zeroize::Zeroizing;

/// The decoder.
pub(crate) struct Electrum;

const SEED: &str = "electrum-seed";
const ENCRYPTED: &str = "electrum-encrypted-wallet";

impl Decoder for Electrum {
    fn name(&self) -> &'static str {
        "electrum"
    }

    fn rules(&self) -> &'static [&'static str] {
        &[SEED, ENCRYPTED]
    }

    fn anchors(&self) -> &'static [Anchor] {
        const ANCHORS: [Anchor; 2] = [Anchor::text("\"seed\""), Anchor::text("QklFM")];
        &ANCHORS
    }

    fn reach(&self) -> Reach {
        Reach { before: 4 << 10, after: 8 << 10 }
    }

    fn decode(&self, hit: &Hit<'_>, sink: &mut Sink) {
        if hit.index == 1 {
            return file(hit, sink);
        }
        let after = &hit.window[hit.anchor.end..];
        if !after.trim_ascii_start().starts_with(b":") {
            return;
        }
        // Further anchors up to the next brace belong to the same object.
        let next = after.iter().position(|b| b"{}".contains(b)).unwrap_or(after.len());
        sink.examined_up_to(hit.anchor.end + next);
        let store = Object::around(hit.window, hit.anchor.start);
        let (Some(seed), Some(kind)) = (store.get("seed"), store.get("type")) else { return };
        if !matches!(kind, b"bip32" | b"old") || store.get("xpub").or(store.get("mpk")).is_none() {
            return;
        }
        let Some((rule, material)) = seed_of(seed) else { return };
        let range = store.members_range();
        let details: Vec<_> =
            store.get("seed_type").and_then(label).map(|kind| ("seed type", kind)).into_iter().collect();
        let comment = store.get("xpub").and_then(label);
        sink.key(rule, range, KeyMaterial { comment, details, purpose: Some("wallet"), ..material });
    }
}

/// The member `seed` of a key store: words, or encrypted in Base64.
fn seed_of(seed: &[u8]) -> Option<(&'static str, KeyMaterial)> {
    let words: Vec<&[u8]> = seed.split(|b| *b == b' ').filter(|word| !word.is_empty()).collect();
    let algorithm = Algorithm::Symmetric("wallet seed".into());
    if words.len() >= 12 && words.iter().flat_map(|word| word.iter()).all(u8::is_ascii_lowercase) {
        let words = Zeroizing::new(words.join(&b' '));
        // New seeds are drawn until their HMAC begins with the version.
        let version = Hash::Sha512.hmac(b"Seed version", &[&words]);
        let known = version[0] == 0x01 || version[0] == 0x10 && version[1] >> 4 <= 2;
        let proof = match known {
            true => Proof::proven("the HMAC of the seed begins with the version of its kind"),
            false => Proof::parsed("a key store with a seed in words and its public key"),
        };
        return Some((SEED, KeyMaterial { bits: 0, ..frame::of_secret(algorithm, &words, "Electrum wallet", proof) }));
    }
    let (ciphertext, _) =
        unwrap::leading_base64(seed).filter(|(bytes, length)| bytes.len() >= 32 && *length == seed.len())?;
    let proof = Proof::parsed("a key store with an encrypted seed");
    Some((
        ENCRYPTED,
        frame::of_container(algorithm, &ciphertext, "Electrum wallet", protection("aes-256-cbc", 2), proof),
    ))
}

fn protection(cipher: &str, rounds: u64) -> Protection {
    let kdf =
        if rounds == 2 { "SHA256, 2 rounds".to_owned() } else { super::pbe::counted("PBKDF2-HMAC-SHA512", rounds) };
    Protection::Encrypted { cipher: cipher.to_owned(), kdf, weak: rounds < 10_000 }
}

/// A file that is encrypted as a whole: ECIES with a key from the password, or from a hardware wallet.
fn file(hit: &Hit<'_>, sink: &mut Sink) {
    let start = hit.anchor.start;
    let digit = hit.window.get(hit.anchor.end).copied();
    if !hit.at_start || start != 0 || !begins_token(&hit.window[..start]) {
        return;
    }
    let Some((bytes, length)) = unwrap::leading_base64(&hit.window[start..]) else { return };
    // `BIE1` or `BIE2`, a compressed point, cipher text and a MAC of 32 bytes.
    let [b'B', b'I', b'E', kind @ (b'1' | b'2'), 2 | 3, ..] = bytes[..] else { return };
    if bytes.len() < 4 + 33 + 16 + 32 || digit.is_none() {
        return;
    }
    let mut protection = protection("aes-128-cbc", 1024);
    if kind == b'2' {
        protection =
            Protection::Encrypted { cipher: "aes-128-cbc".into(), kdf: "key of a hardware wallet".into(), weak: false };
    }
    let proof = Proof::parsed("the frame of an encrypted wallet file");
    let algorithm = Algorithm::Ec(Curve::Secp256k1);
    let material = frame::of_container(algorithm, &bytes[4..], "Electrum wallet", protection, proof);
    sink.key(ENCRYPTED, start..start + length, KeyMaterial { purpose: Some("wallet"), ..material });
}

#[cfg(test)]
mod tests {
    use super::super::trial::{only, scan};
    use super::*;
    use crate::ProofLevel;

    const PLAIN: &str = include_str!("../../tests/data/electrum/plain");

    #[test]
    fn the_version_of_a_seed_proves_it() {
        assert_eq!(only(&Electrum, PLAIN.as_bytes()).material.proof.level, ProofLevel::Proven);
        let seed = PLAIN.split("\"seed\": \"").nth(1).unwrap().split('"').next().unwrap();
        let mut words: Vec<&str> = seed.split(' ').collect();
        words.reverse();
        let other = PLAIN.replace(seed, &words.join(" "));
        assert_eq!(only(&Electrum, other.as_bytes()).material.proof.level, ProofLevel::Parsed);
    }

    #[test]
    fn other_seeds_are_nothing() {
        for text in [
            PLAIN.replace("bip32", "imported"),
            PLAIN.replace("xpub", "other"),
            "{\"seed\": 42, \"temperature\": 0.5}".into(),
            "{\"type\": \"bip32\", \"xpub\": \"xpub1\", \"seed\": \"\"}".into(),
            "QklFMQ".into(),
            format!("QklFMQ{}", "A".repeat(400)),
        ] {
            assert!(scan(&Electrum, text.as_bytes()).found.is_empty(), "{text}");
        }
    }
}
