//! WireGuard private keys in the configuration of wg-quick, NetworkManager, systemd-networkd and in YAML.

use super::frame;
use super::text::{assigned, base64};
use crate::decoder::{Anchor, Decoder, Hit, Reach, Sink};
use crate::private::PrivateKey;
use crate::{Algorithm, KeyMaterial, Proof, Secret};
use data_encoding::BASE64;
use memchr::memmem;

/// The decoder.
pub(crate) struct WireGuard;

const RULE: &str = "wireguard-private-key";
/// Characters of 32 bytes in padded Base64.
const KEY: usize = 44;
/// Words of which one stands near a private key in such a configuration. Other programs have 32-byte keys too.
const CONTEXT: [&[u8]; 8] = [
    b"[Interface]",
    b"[Peer]",
    b"AllowedIPs",
    b"allowed-ips",
    b"allowedIPs",
    b"[WireGuard",
    b"wireguard",
    b"WireGuard",
];

impl Decoder for WireGuard {
    fn name(&self) -> &'static str {
        "wireguard"
    }

    fn rules(&self) -> &'static [&'static str] {
        &[RULE]
    }

    fn anchors(&self) -> &'static [Anchor] {
        const ANCHORS: [Anchor; 3] = [
            Anchor { bytes: b"PrivateKey", ignore_case: true, wide: true },
            Anchor { bytes: b"private-key", ignore_case: true, wide: true },
            Anchor { bytes: b"private_key", ignore_case: true, wide: true },
        ];
        &ANCHORS
    }

    fn reach(&self) -> Reach {
        Reach { before: 1024, after: 2048 }
    }

    fn decode(&self, hit: &Hit<'_>, sink: &mut Sink) {
        let after = &hit.window[hit.anchor.end..];
        let Some(at) = assigned(after) else { return };
        let start = hit.anchor.end + at;
        let Some(text) = hit.window.get(start..start + KEY) else { return };
        let followed = hit.window.get(start + KEY).is_some_and(|b| b.is_ascii_alphanumeric() || b"+/=".contains(b));
        if text[KEY - 1] != b'=' || text[KEY - 2] == b'=' || followed {
            return;
        }
        let Some(scalar) = base64(text) else { return };
        // `wg genkey` clamps (RFC 7748 section 5): of random bytes one in 32 is so.
        let clamped = scalar.len() == 32 && scalar[0] & 7 == 0 && scalar[31] & 0xc0 == 0x40;
        if !clamped || !CONTEXT.iter().any(|word| memmem::find(hit.window, word).is_some()) {
            return;
        }
        let key = PrivateKey::Okp { algorithm: Algorithm::X25519, seed: Secret::from(scalar), public: None };
        let Some((material, proved)) = frame::of_key(&key, "WireGuard").zip(key.prove().ok()) else { return };
        let public = BASE64.encode(&proved.public.value);
        let proof = if memmem::find(hit.window, public.as_bytes()).is_some() {
            Proof::proven("the scalar yields the public key that stands near it")
        } else {
            Proof::parsed("the scalar is clamped and stands in a WireGuard configuration; the public key was derived")
        };
        let details = vec![("public key", public)];
        sink.key(RULE, start..start + KEY, KeyMaterial { purpose: Some("vpn"), proof, details, ..material });
    }
}

#[cfg(test)]
mod tests {
    use super::super::trial::{only, scan};
    use super::*;
    use crate::ProofLevel;

    const FILE: &str = include_str!("../../tests/data/wireguard/wg0.conf");

    fn secret() -> &'static str {
        FILE.split("PrivateKey = ").nth(1).unwrap().lines().next().unwrap()
    }

    #[test]
    fn the_key_stands_in_many_forms_of_configuration() {
        let id = only(&WireGuard, FILE.as_bytes()).material.public;
        for text in [
            format!("[wireguard]\nprivate-key={}\n", secret()),
            format!("[NetDev]\nKind=wireguard\n[WireGuard]\nPrivateKey={}\n", secret()),
            format!("wireguard:\n  privateKey: \"{}\"\n", secret()),
            format!("{{\"wireguard\": {{\"private_key\": \"{}\"}}}}", secret()),
        ] {
            let found = only(&WireGuard, text.as_bytes());
            assert_eq!(found.material.public, id, "{text}");
            assert_eq!(&text[found.range], secret());
        }
    }

    #[test]
    fn a_public_key_nearby_proves_it() {
        let found = only(&WireGuard, FILE.as_bytes()).material;
        assert_eq!(found.proof.level, ProofLevel::Parsed);
        let public = &found.details[0].1;
        let text = format!("# my public key: {public}\n{FILE}");
        assert_eq!(only(&WireGuard, text.as_bytes()).material.proof.level, ProofLevel::Proven);
    }

    #[test]
    fn other_values_are_no_keys() {
        let unclamped = BASE64.encode(&[0x31, 3, 9, 1, 77, 5, 6, 2].repeat(4));
        for text in [
            format!("[Interface]\nPrivateKey = {unclamped}\n"),
            format!("PrivateKey = {}\n", secret()),
            format!("[Interface]\nPrivateKey = {}AAAA\n", secret()),
            "[Interface]\nPrivateKey = <insert key here>\n".into(),
            "[Interface]\nPrivateKey = AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n".into(),
            "[Interface]\nPrivateKey =".into(),
        ] {
            assert!(scan(&WireGuard, text.as_bytes()).found.is_empty(), "{text}");
        }
    }
}
