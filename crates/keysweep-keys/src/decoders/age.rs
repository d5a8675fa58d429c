//! age identities (age-encryption.org/v1, C2SP): X25519, hybrid post-quantum, and those of plugins.

use super::checked::{bech32, to_bech32};
use super::frame;
use super::text::run;
use crate::decoder::{Anchor, Decoder, Hit, Reach, Sink};
use crate::private::PrivateKey;
use crate::{Algorithm, KeyMaterial, Proof, Protection, Secret};

/// The decoder.
pub(crate) struct Age;

const RULE: &str = "age-secret-key";
const ENCODING: &str = "age identity";
const CHECKSUM: &str = "the Bech32 checksum holds";

impl Decoder for Age {
    fn name(&self) -> &'static str {
        "age"
    }

    fn rules(&self) -> &'static [&'static str] {
        &[RULE]
    }

    fn anchors(&self) -> &'static [Anchor] {
        const ANCHORS: [Anchor; 2] = [Anchor::text("AGE-SECRET-KEY-"), Anchor::text("AGE-PLUGIN-")];
        &ANCHORS
    }

    fn reach(&self) -> Reach {
        Reach { before: 1, after: 2048 }
    }

    fn decode(&self, hit: &Hit<'_>, sink: &mut Sink) {
        let bytes = hit.from_anchor();
        let length = run(bytes, |b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'-');
        let text = &bytes[..length];
        let material = if hit.index == 1 { plugin(text) } else { native(text) };
        if let Some(material) = material {
            sink.key(RULE, hit.anchor.start..hit.anchor.start + length, material);
        }
    }
}

fn native(text: &[u8]) -> Option<KeyMaterial> {
    if let Some(seed) = bech32(text, b"age-secret-key-pq-") {
        // The recipient needs a hybrid encapsulation key of 1,216 bytes, too long to be of use in a report.
        let algorithm = Algorithm::Unknown(Some("ML-KEM-768 with X25519".into()));
        let material = frame::of_secret(algorithm, &seed, ENCODING, Proof::proven(CHECKSUM));
        return (seed.len() == 32).then_some(KeyMaterial { purpose: Some("encryption"), ..material });
    }
    let scalar = bech32(text, b"age-secret-key-")?;
    let key = PrivateKey::Okp { algorithm: Algorithm::X25519, seed: Secret::from(scalar), public: None };
    let recipient = to_bech32(&key.prove().ok()?.public.value, "age");
    Some(KeyMaterial {
        proof: Proof::proven(format!("{CHECKSUM}; the recipient was derived from the scalar")),
        comment: Some(recipient.clone()),
        purpose: Some("encryption"),
        details: vec![("recipient", recipient)],
        ..frame::of_key(&key, ENCODING)?
    })
}

/// A plugin's identity mostly points to a key in hardware.
fn plugin(text: &[u8]) -> Option<KeyMaterial> {
    let prefix = &text[..text.iter().rposition(|&b| b == b'1')?];
    let bytes = bech32(text, &prefix.to_ascii_lowercase())?;
    let name = prefix.strip_prefix(b"AGE-PLUGIN-")?.strip_suffix(b"-")?;
    let name = String::from_utf8(name.to_ascii_lowercase()).ok()?;
    if name.is_empty() || bytes.is_empty() {
        return None;
    }
    let protection = Protection::External { keeper: format!("age plugin {name}") };
    let proof = Proof::proven(CHECKSUM);
    let material = frame::of_container(Algorithm::Unknown(None), text, "age plugin identity", protection, proof);
    Some(KeyMaterial { purpose: Some("encryption"), details: vec![("plugin", name)], ..material })
}

#[cfg(test)]
mod tests {
    use super::super::trial::{only, scan};
    use super::*;

    /// Made by age-keygen 1.1, which also told the recipient.
    const FILE: &[u8] = include_bytes!("../../tests/data/age/key.txt");

    #[test]
    fn the_recipient_is_the_one_age_keygen_tells() {
        let told = std::str::from_utf8(FILE).unwrap().split("public key: ").nth(1).unwrap().lines().next().unwrap();
        assert_eq!(only(&Age, FILE).material.comment.as_deref(), Some(told));
    }

    #[test]
    fn a_wrong_checksum_is_no_key() {
        let at = FILE.len() - 10;
        let mut damaged = FILE.to_vec();
        damaged[at] = if damaged[at] == b'Q' { b'P' } else { b'Q' };
        assert!(scan(&Age, &damaged).found.is_empty());
        assert!(scan(&Age, b"AGE-SECRET-KEY-1... AGE-SECRET-KEY- AGE-PLUGIN-1 AGE-PLUGIN-YUBIKEY-1").found.is_empty());
    }

    #[test]
    fn plugin_and_post_quantum_identities_are_told_apart() {
        let plugin = to_bech32(&[9; 17], "age-plugin-yubikey-").to_ascii_uppercase();
        let found = only(&Age, plugin.as_bytes());
        assert_eq!(found.material.protection, Protection::External { keeper: "age plugin yubikey".into() });
        let hybrid = to_bech32(&[9; 32], "age-secret-key-pq-").to_ascii_uppercase();
        assert!(only(&Age, hybrid.as_bytes()).material.algorithm.to_string().contains("ML-KEM"));
    }
}
