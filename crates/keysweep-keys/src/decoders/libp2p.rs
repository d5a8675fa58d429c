//! libp2p private keys (Base64 of a protobuf message, as IPFS keeps them in `config`) and the signing keys of Matrix
//! homeservers.

use super::frame;
use super::text::{base64, is_base64, label, run};
use crate::decoder::{Anchor, Decoder, Hit, Reach, Sink};
use crate::private::PrivateKey;
use crate::{Algorithm, Curve, KeyMaterial, Proof, Secret};

/// The decoder.
pub(crate) struct Libp2p;

const RULE: &str = "libp2p-private-key";
const MATRIX: &str = "matrix-signing-key";

impl Decoder for Libp2p {
    fn name(&self) -> &'static str {
        "libp2p"
    }

    fn rules(&self) -> &'static [&'static str] {
        &[RULE, MATRIX]
    }

    fn anchors(&self) -> &'static [Anchor] {
        // Field 1 (the type) and the head of field 2: Ed25519 with 64 bytes, secp256k1 with 32.
        const ANCHORS: [Anchor; 3] = [Anchor::text("CAESQ"), Anchor::text("CAISI"), Anchor::text("ed25519 a_")];
        &ANCHORS
    }

    fn reach(&self) -> Reach {
        Reach { before: 32, after: 128 }
    }

    fn decode(&self, hit: &Hit<'_>, sink: &mut Sink) {
        if hit.index == 2 {
            return matrix(hit, sink);
        }
        let text = hit.from_anchor();
        let before = &hit.window[..hit.anchor.start];
        if before.last().is_some_and(|&b| is_base64(b) && b != b'=') {
            return;
        }
        let length = run(text, is_base64);
        let Some(bytes) = base64(&text[..length]) else { return };
        let key = match (&bytes[..], hit.index) {
            ([8, 1, 0x12, 0x40, pair @ ..], 0) if pair.len() == 64 => PrivateKey::Okp {
                algorithm: Algorithm::Ed25519,
                seed: Secret::new(&pair[..32]),
                public: Some(pair[32..].to_vec()),
            },
            // Nothing proves a lone scalar: the name has to stand before it.
            ([8, 2, 0x12, 0x20, d @ ..], 1) if d.len() == 32 && memchr::memmem::find(before, b"PrivKey").is_some() => {
                PrivateKey::Ec { curve: Curve::Secp256k1, d: Secret::new(d), public: None }
            }
            _ => return,
        };
        if let Some(material) = frame::of_key(&key, "libp2p") {
            let start = hit.anchor.start;
            sink.key(RULE, start..start + length, KeyMaterial { purpose: Some("identity"), ..material });
        }
    }
}

/// `ed25519 a_NAME SEED`: the seed is 43 characters of unpadded Base64.
fn matrix(hit: &Hit<'_>, sink: &mut Sink) {
    let text = hit.from_anchor();
    let name = hit.anchor.len() + run(&text[hit.anchor.len()..], |b| b.is_ascii_alphanumeric()).min(16);
    let seed = text[name..].strip_prefix(b" ").unwrap_or_default();
    let length = run(seed, is_base64);
    if length != 43
        || !hit.window[..hit.anchor.start].last().is_none_or(|b| b.is_ascii_whitespace() || b"\"'".contains(b))
    {
        return;
    }
    let Some(bytes) = base64(&seed[..length]).filter(|bytes| bytes.len() == 32) else { return };
    let key = PrivateKey::Okp { algorithm: Algorithm::Ed25519, seed: Secret::from(bytes), public: None };
    let Some(material) = frame::of_key(&key, "Matrix signing key") else { return };
    let comment = label(&text[b"ed25519 ".len()..name]);
    let proof = Proof::parsed("a key id and a seed of 32 bytes in the form of a signing.key file");
    let range = hit.anchor.start..hit.anchor.start + name + 1 + length;
    sink.key(MATRIX, range, KeyMaterial { comment, proof, purpose: Some("identity"), ..material });
}

#[cfg(test)]
mod tests {
    use super::super::trial::{only, scan};
    use super::*;
    use data_encoding::{BASE64, BASE64_NOPAD};

    fn seed() -> Vec<u8> {
        [0x5a, 3, 9, 1, 77, 5, 6, 2].repeat(4)
    }

    #[test]
    fn the_pair_proves_the_key() {
        let public = crate::private::okp_public(&Algorithm::Ed25519, &seed()).unwrap();
        let text =
            |pair: &[u8]| format!("{{\"PrivKey\": \"{}\"}}", BASE64.encode(&[&[8, 1, 0x12, 0x40], pair].concat()));
        let found = only(&Libp2p, text(&[seed(), public].concat()).as_bytes());
        assert_eq!(found.material.proof.level, crate::ProofLevel::Proven);
        assert!(scan(&Libp2p, text(&[seed(), seed()].concat()).as_bytes()).found.is_empty());
    }

    #[test]
    fn a_lone_scalar_needs_its_name() {
        let scalar = BASE64.encode(&[vec![8, 2, 0x12, 0x20], seed()].concat());
        assert_eq!(scan(&Libp2p, format!("\"PrivKey\": \"{scalar}\"").as_bytes()).found.len(), 1);
        assert!(scan(&Libp2p, format!("\"Data\": \"{scalar}\"").as_bytes()).found.is_empty());
    }

    #[test]
    fn matrix_signing_keys_are_read() {
        let text = format!("ed25519 a_AbCd {}\n", BASE64_NOPAD.encode(&seed()));
        assert_eq!(only(&Libp2p, text.as_bytes()).material.comment.as_deref(), Some("a_AbCd"));
        assert!(scan(&Libp2p, b"ed25519 a_AbCd public").found.is_empty());
        assert!(scan(&Libp2p, b"ed25519 a_AbCd").found.is_empty());
    }
}
