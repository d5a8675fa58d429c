//! Secret keys of minisign and of OpenBSD's signify: a line of Base64 below an untrusted comment. Both begin with the
//! algorithm `Ed` and the key derivation, which gives the Base64 a constant beginning.

use super::frame;
use super::text::{base64, is_base64, label, run};
use crate::decoder::{Anchor, Decoder, Hit, Reach, Sink};
use crate::private::PrivateKey;
use crate::{Algorithm, KeyMaterial, Proof, Protection, Secret};
use data_encoding::HEXUPPER;
use sha2::{Digest, Sha512};

/// The decoder.
pub(crate) struct Minisign;

const MINISIGN: &str = "minisign-secret-key";
const SIGNIFY: &str = "signify-secret-key";
const COMMENT: &[u8] = b"untrusted comment:";

impl Decoder for Minisign {
    fn name(&self) -> &'static str {
        "minisign"
    }

    fn rules(&self) -> &'static [&'static str] {
        &[MINISIGN, SIGNIFY]
    }

    fn anchors(&self) -> &'static [Anchor] {
        const ANCHORS: [Anchor; 3] = [Anchor::text("RWQAAEIy"), Anchor::text("RWRTY0Iy"), Anchor::text("RWRCSwAA")];
        &ANCHORS
    }

    fn reach(&self) -> Reach {
        Reach { before: 1100, after: 216 }
    }

    fn decode(&self, hit: &Hit<'_>, sink: &mut Sink) {
        let text = hit.from_anchor();
        let (rule, characters) = if hit.index == 2 { (SIGNIFY, 140) } else { (MINISIGN, 212) };
        let length = run(text, is_base64);
        // Without padding: 104 bytes are 139 characters, 158 bytes are 211.
        if length < characters - 1 {
            return;
        }
        let length = length.min(characters);
        let Some(bytes) = base64(&text[..length]) else { return };
        let material = if hit.index == 2 { signify(&bytes) } else { minisign(&bytes) };
        if let Some(material) = material {
            let comment = comment(&hit.window[..hit.anchor.start]);
            let material = KeyMaterial { comment, purpose: Some("code-signing"), ..material };
            sink.key(rule, hit.anchor.start..hit.anchor.start + length, material);
        }
    }
}

/// The untrusted comment on the line before.
fn comment(before: &[u8]) -> Option<String> {
    let line = before.trim_ascii_end();
    let at = memchr::memmem::rfind(line, COMMENT)?;
    label(line[at + COMMENT.len()..].split(|b| b"\r\n".contains(b)).next()?)
}

/// A seed followed by its public key.
fn pair(bytes: &[u8]) -> Option<PrivateKey> {
    let (seed, public) = (bytes.get(..32)?, bytes.get(32..64)?);
    Some(PrivateKey::Okp { algorithm: Algorithm::Ed25519, seed: Secret::new(seed), public: Some(public.to_vec()) })
}

/// Signature algorithm, key derivation, checksum algorithm (2 bytes each), salt (32), limits of operations and memory
/// (8 each, little-endian); then, encrypted or not, key number (8), seed and public key (64) and BLAKE2b-256 (32).
fn minisign(bytes: &[u8]) -> Option<KeyMaterial> {
    let limit = |at: usize| Some(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?));
    let (operations, memory) = (limit(38)?, limit(46)?);
    let box_ = bytes.get(54..158)?;
    if bytes[2..4] == [0, 0] {
        let mut number = box_[..8].to_vec();
        number.reverse();
        let material = frame::of_key(&pair(&box_[8..72])?, "minisign")?;
        return Some(KeyMaterial { details: vec![("key id", HEXUPPER.encode(&number))], ..material });
    }
    // libsodium's least and greatest limits for scrypt.
    if !(1 << 15..=1 << 40).contains(&operations) || !(1 << 20..=1 << 42).contains(&memory) {
        return None;
    }
    let protection = Protection::Encrypted {
        cipher: "XOR with the derived stream".into(),
        kdf: format!("scrypt, {operations} operations, {} MiB", memory >> 20),
        weak: operations < 1 << 19,
    };
    let proof = Proof::parsed("a minisign secret key whose algorithms, limits and length agree");
    Some(frame::of_container(Algorithm::Ed25519, bytes, "minisign", protection, proof))
}

/// Algorithm and key derivation (2 bytes each), rounds (4, big-endian), salt (16), the first 8 bytes of the SHA-512 of
/// the key, key number (8), and, encrypted or not, seed and public key (64).
fn signify(bytes: &[u8]) -> Option<KeyMaterial> {
    let rounds = u32::from_be_bytes(bytes.get(4..8)?.try_into().ok()?);
    let (sum, number, key) = (bytes.get(24..32)?, bytes.get(32..40)?, bytes.get(40..104)?);
    let details = vec![("key number", HEXUPPER.encode(number))];
    if rounds == 0 {
        let material = frame::of_key(&pair(key)?, "signify")?;
        let sum_holds = Sha512::digest(key)[..8] == *sum;
        let statement = format!("{}{}", material.proof.statement, if sum_holds { "; the checksum holds" } else { "" });
        return Some(KeyMaterial { details, proof: Proof::proven(statement), ..material });
    }
    if rounds > 100_000 {
        return None;
    }
    let protection = Protection::Encrypted {
        cipher: "XOR with the derived stream".into(),
        kdf: format!("bcrypt_pbkdf, {rounds} rounds"),
        weak: rounds < 16,
    };
    let proof = Proof::parsed("a signify secret key whose algorithms, rounds and length agree");
    Some(KeyMaterial { details, ..frame::of_container(Algorithm::Ed25519, bytes, "signify", protection, proof) })
}

#[cfg(test)]
mod tests {
    use super::super::trial::{only, scan};
    use super::*;

    /// Made by minisign 0.11 and signify-openbsd 31.
    const PLAIN: &[u8] = include_bytes!("../../tests/data/minisign/plain.key");
    const ENCRYPTED: &[u8] = include_bytes!("../../tests/data/minisign/encrypted.key");
    const PUBLIC: &[u8] = include_bytes!("../../tests/data/minisign/plain.pub");
    const SIGNIFY_PLAIN: &[u8] = include_bytes!("../../tests/data/signify/plain.sec");
    const SIGNIFY_ENCRYPTED: &[u8] = include_bytes!("../../tests/data/signify/encrypted.sec");

    #[test]
    fn the_key_id_is_the_one_minisign_tells() {
        let text = std::str::from_utf8(PUBLIC).unwrap();
        let told = text.split("public key ").nth(1).unwrap().lines().next().unwrap();
        assert_eq!(only(&Minisign, PLAIN).material.details, [("key id", told.to_owned())]);
    }

    #[test]
    fn encrypted_keys_tell_their_cost() {
        let shown = |bytes: &[u8]| only(&Minisign, bytes).material.protection.to_string();
        assert_eq!(
            shown(ENCRYPTED),
            "encrypted with XOR with the derived stream (scrypt, 33554432 operations, 1024 MiB)"
        );
        assert_eq!(shown(SIGNIFY_ENCRYPTED), "encrypted with XOR with the derived stream (bcrypt_pbkdf, 42 rounds)");
    }

    #[test]
    fn comments_and_checksums_are_read() {
        let found = only(&Minisign, SIGNIFY_PLAIN).material;
        assert_eq!(found.comment.as_deref(), Some("throwaway secret key"));
        assert!(found.proof.statement.ends_with("the checksum holds"));
    }

    #[test]
    fn public_and_damaged_keys_are_no_keys() {
        assert!(scan(&Minisign, PUBLIC).found.is_empty());
        let mut damaged = SIGNIFY_PLAIN.to_vec();
        let at = damaged.len() - 30;
        damaged[at] = if damaged[at] == b'A' { b'B' } else { b'A' };
        assert!(scan(&Minisign, &damaged).found.is_empty());
    }
}
