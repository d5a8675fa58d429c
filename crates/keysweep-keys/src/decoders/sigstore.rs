//! Encrypted key pairs of cosign and other sigstore tools (go-securesystemslib `encrypted`): PEM around Base64 of JSON
//! that names the key derivation, its cost and the cipher.

use super::frame;
use super::text::armour_body;
use crate::decoder::{Anchor, Decoder, Hit, Reach, Sink};
use crate::{Algorithm, KeyMaterial, Proof, Protection};
use serde_json::Value;

/// The decoder.
pub(crate) struct Sigstore;

const RULE: &str = "sigstore-private-key";
const BEGIN: &[u8] = b"-----BEGIN ";

impl Decoder for Sigstore {
    fn name(&self) -> &'static str {
        "sigstore"
    }

    fn rules(&self) -> &'static [&'static str] {
        &[RULE]
    }

    fn anchors(&self) -> &'static [Anchor] {
        const ANCHORS: [Anchor; 2] =
            [Anchor::text("ENCRYPTED SIGSTORE PRIVATE KEY-----"), Anchor::text("ENCRYPTED COSIGN PRIVATE KEY-----")];
        &ANCHORS
    }

    fn reach(&self) -> Reach {
        Reach { before: BEGIN.len(), after: 8 * 1024 }
    }

    fn decode(&self, hit: &Hit<'_>, sink: &mut Sink) {
        if !hit.window[..hit.anchor.start].ends_with(BEGIN) {
            return;
        }
        let Some((body, length)) = armour_body(&hit.window[hit.anchor.end..]) else { return };
        let Some(protection) = serde_json::from_slice(&body).ok().and_then(|json| protection(&json)) else { return };
        let proof = Proof::parsed("an encrypted sigstore key whose envelope names its derivation and cipher");
        let material = frame::of_container(Algorithm::Unknown(None), &body, "sigstore", protection, proof);
        let range = hit.anchor.start - BEGIN.len()..hit.anchor.end + length;
        sink.key(RULE, range, KeyMaterial { purpose: Some("code-signing"), ..material });
    }
}

fn protection(json: &Value) -> Option<Protection> {
    let cipher = json.pointer("/cipher/name")?.as_str()?;
    let kdf = json.pointer("/kdf/name")?.as_str()?;
    json.get("ciphertext")?.as_str().filter(|text| text.len() >= 64)?;
    let cost = |name: &str| json.pointer(&format!("/kdf/params/{name}")).and_then(Value::as_u64);
    let (n, r, p) = (cost("N")?, cost("r")?, cost("p")?);
    let short = |text: &str| text.chars().filter(|c| !c.is_control()).take(40).collect::<String>();
    let weak = n < 1 << 14;
    Some(Protection::Encrypted { cipher: short(cipher), kdf: format!("{}, N={n}, r={r}, p={p}", short(kdf)), weak })
}

#[cfg(test)]
mod tests {
    use super::super::trial::{only, scan};
    use super::*;

    const KEY: &[u8] = include_bytes!("../../tests/data/sigstore/cosign.key");

    #[test]
    fn the_cost_is_told() {
        let found = only(&Sigstore, KEY);
        assert_eq!(found.material.protection.to_string(), "encrypted with nacl/secretbox (scrypt, N=65536, r=8, p=1)");
        assert_eq!(found.range.start, 0);
    }

    #[test]
    fn escaped_line_ends_make_no_difference() {
        let escaped = String::from_utf8(KEY.to_vec()).unwrap().replace('\n', "\\n");
        assert_eq!(only(&Sigstore, escaped.as_bytes()).material.id, only(&Sigstore, KEY).material.id);
    }

    #[test]
    fn a_header_alone_is_no_key() {
        let empty =
            b"-----BEGIN ENCRYPTED COSIGN PRIVATE KEY-----\nbm8ga2V5\n-----END ENCRYPTED COSIGN PRIVATE KEY-----\n";
        assert!(scan(&Sigstore, empty).found.is_empty());
        assert!(scan(&Sigstore, b"expects ENCRYPTED COSIGN PRIVATE KEY----- in PEM").found.is_empty());
    }
}
