//! Keys of other virtual networks: OpenVPN static keys (`openvpn --genkey`) and Nebula (`nebula-cert`).

use super::frame;
use super::text::{armour_body, hex, looks_random};
use crate::decoder::{Anchor, Decoder, Hit, Reach, Sink};
use crate::private::PrivateKey;
use crate::{Algorithm, Curve, KeyMaterial, Proof, Protection, Secret};
use memchr::memmem;
use std::ops::Range;
use zeroize::Zeroizing;

/// The decoder.
pub(crate) struct Vpn;

const OPENVPN: &str = "openvpn-static-key";
const NEBULA: &str = "nebula-private-key";
const BEGIN: &[u8] = b"-----BEGIN ";

impl Decoder for Vpn {
    fn name(&self) -> &'static str {
        "vpn"
    }

    fn rules(&self) -> &'static [&'static str] {
        &[OPENVPN, NEBULA]
    }

    fn anchors(&self) -> &'static [Anchor] {
        const ANCHORS: [Anchor; 3] = [
            Anchor::text("-----BEGIN OpenVPN Static key V1-----"),
            Anchor::text("-----BEGIN OpenVPN tls-crypt-v2 "),
            Anchor::text("-----BEGIN NEBULA "),
        ];
        &ANCHORS
    }

    fn reach(&self) -> Reach {
        Reach { before: 0, after: 4096 }
    }

    fn decode(&self, hit: &Hit<'_>, sink: &mut Sink) {
        let start = hit.anchor.start;
        let (rule, read) = match hit.index {
            0 => (OPENVPN, openvpn_static(hit.window, hit.anchor.clone())),
            1 => (OPENVPN, openvpn_tls_crypt(hit.from_anchor()).map(|(m, length)| (m, start..start + length))),
            _ => (NEBULA, nebula(hit.from_anchor()).map(|(m, length)| (m, start..start + length))),
        };
        if let Some((material, range)) = read {
            sink.key(rule, range, KeyMaterial { purpose: Some("vpn"), ..material });
        }
    }
}

/// 256 bytes in 16 lines of hex.
fn openvpn_static(window: &[u8], anchor: Range<usize>) -> Option<(KeyMaterial, Range<usize>)> {
    let mut digits = Zeroizing::new(Vec::with_capacity(512));
    let mut at = anchor.end;
    while digits.len() < 512 {
        match *window.get(at)? {
            b'\\' => at += 1, // An escaped line end: the letter after it is no digit.
            digit if digit.is_ascii_hexdigit() => digits.push(digit),
            b if b.is_ascii_whitespace() || b == b'n' || b == b'r' => {}
            _ => return None,
        }
        at += 1;
    }
    let key = hex(&digits).filter(|key| looks_random(key))?;
    let proof = Proof::parsed("2048 random bits in the OpenVPN static key format");
    let material =
        frame::of_secret(Algorithm::Symmetric("OpenVPN static key".into()), &key, "OpenVPN static key", proof);
    Some((material, anchor.start..at))
}

/// `client key` (a key of 256 bytes, then its wrapped form) or `server key` (128 bytes).
fn openvpn_tls_crypt(text: &[u8]) -> Option<(KeyMaterial, usize)> {
    let label = &text[BEGIN.len()..];
    let dashes = memmem::find(&label[..label.len().min(64)], b"-----")?;
    let head = BEGIN.len() + dashes + 5;
    let (body, length) = armour_body(&text[head..])?;
    let size = match &label[..dashes] {
        b"OpenVPN tls-crypt-v2 client key" => 256,
        b"OpenVPN tls-crypt-v2 server key" => 128,
        _ => return None,
    };
    let key = body.get(..size).filter(|key| looks_random(key))?;
    let proof = Proof::parsed("random bits in the OpenVPN tls-crypt-v2 format");
    let algorithm = Algorithm::Symmetric("OpenVPN tls-crypt-v2 key".into());
    Some((frame::of_secret(algorithm, key, "OpenVPN tls-crypt-v2", proof), head + length))
}

fn nebula(text: &[u8]) -> Option<(KeyMaterial, usize)> {
    let label = &text[BEGIN.len()..];
    let dashes = memmem::find(&label[..label.len().min(64)], b"-----")?;
    let label = &label[..dashes];
    let head = BEGIN.len() + dashes + 5;
    let (body, length) = armour_body(&text[head..])?;
    let okp = |algorithm, public: Option<&[u8]>| {
        let seed = Secret::new(body.get(..32)?);
        Some(PrivateKey::Okp { algorithm, seed, public: public.map(<[u8]>::to_vec) })
    };
    let authority = memmem::find(label, b"X25519").is_none() && label != b"NEBULA P256 PRIVATE KEY";
    let material = match label {
        b"NEBULA ED25519 PRIVATE KEY" => frame::of_key(&okp(Algorithm::Ed25519, Some(body.get(32..64)?))?, "Nebula")?,
        b"NEBULA X25519 PRIVATE KEY" => {
            frame::of_key(&okp(Algorithm::X25519, None).filter(|_| body.len() == 32)?, "Nebula")?
        }
        b"NEBULA P256 PRIVATE KEY" | b"NEBULA ECDSA P256 PRIVATE KEY" if body.len() == 32 => {
            frame::of_key(&PrivateKey::Ec { curve: Curve::P256, d: Secret::new(&body), public: None }, "Nebula")?
        }
        b"NEBULA ED25519 ENCRYPTED PRIVATE KEY" | b"NEBULA ECDSA P256 ENCRYPTED PRIVATE KEY" if body.len() >= 64 => {
            let protection =
                Protection::Encrypted { cipher: "AES-256-GCM".into(), kdf: "Argon2id".into(), weak: false };
            let proof = Proof::parsed("an encrypted Nebula key");
            frame::of_container(Algorithm::Unknown(None), &body, "Nebula", protection, proof)
        }
        _ => return None,
    };
    let details = vec![("role", if authority { "certificate authority" } else { "host" }.to_owned())];
    Some((KeyMaterial { details, ..material }, head + length))
}

#[cfg(test)]
mod tests {
    use super::super::trial::{only, scan};
    use super::*;
    use data_encoding::{BASE64, HEXLOWER};

    fn random(length: usize) -> Vec<u8> {
        let mut state = 0x1234_5678_9abc_def1u64;
        std::iter::repeat_with(|| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state as u8
        })
        .take(length)
        .collect()
    }

    fn lines(digits: &str) -> String {
        let lines: Vec<_> = digits.as_bytes().chunks(32).map(|l| std::str::from_utf8(l).unwrap()).collect();
        format!("-----BEGIN OpenVPN Static key V1-----\n{}\n-----END OpenVPN Static key V1-----\n", lines.join("\n"))
    }

    #[test]
    fn openvpn_static_keys_need_all_their_digits() {
        let text = lines(&HEXLOWER.encode(&random(256)));
        let found = only(&Vpn, text.as_bytes());
        assert_eq!((found.material.bits, found.range.start), (2048, 0));
        assert_eq!(only(&Vpn, text.replace('\n', "\\n").as_bytes()).material.id, found.material.id);
        assert!(scan(&Vpn, lines(&"00".repeat(256)).as_bytes()).found.is_empty());
        assert!(scan(&Vpn, lines(&HEXLOWER.encode(&random(200))).as_bytes()).found.is_empty());
    }

    #[test]
    fn nebula_keys_are_proven_where_they_can_be() {
        let seed = random(32);
        let public = crate::private::okp_public(&Algorithm::Ed25519, &seed).unwrap();
        let armour = |label: &str, bytes: &[u8]| {
            format!("-----BEGIN NEBULA {label}-----\n{}\n-----END NEBULA {label}-----\n", BASE64.encode(bytes))
        };
        let found = only(&Vpn, armour("ED25519 PRIVATE KEY", &[&seed[..], &public].concat()).as_bytes());
        assert_eq!(found.material.details, [("role", "certificate authority".to_owned())]);
        assert_eq!(found.material.proof.level, crate::ProofLevel::Proven);
        assert!(scan(&Vpn, armour("ED25519 PRIVATE KEY", &random(64)).as_bytes()).found.is_empty());
        assert_eq!(only(&Vpn, armour("X25519 PRIVATE KEY", &seed).as_bytes()).material.details[0].1, "host");
        assert!(scan(&Vpn, armour("X25519 PUBLIC KEY", &seed).as_bytes()).found.is_empty());
        assert!(scan(&Vpn, armour("CERTIFICATE", &seed).as_bytes()).found.is_empty());
    }
}
