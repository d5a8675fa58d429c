//! Tor's Ed25519 secret keys (onion services version 3 and relays: a tag of 32 bytes and the expanded key), and the
//! X25519 keys of clients that a service authorises (rend-spec-v3).

use super::frame;
use crate::decoder::{Anchor, Decoder, Hit, PublicKind, Reach, Sink};
use crate::private::PrivateKey;
use crate::{Algorithm, KeyMaterial, Proof, PublicKey, Secret};
use data_encoding::BASE32_NOPAD;
use sha3::{Digest, Sha3_256};

/// The decoder.
pub(crate) struct Tor;

const RULE: &str = "tor-onion-secret-key";
/// Bytes of the tag, filled up with zeros.
const TAG: usize = 32;
/// Characters of an onion address without its suffix.
const ADDRESS: usize = 56;

impl Decoder for Tor {
    fn name(&self) -> &'static str {
        "tor"
    }

    fn rules(&self) -> &'static [&'static str] {
        &[RULE]
    }

    fn anchors(&self) -> &'static [Anchor] {
        const ANCHORS: [Anchor; 3] = [
            Anchor::binary(b"== ed25519v1-secret: "),
            Anchor::binary(b"== ed25519v1-public: "),
            Anchor::text(":descriptor:x25519:"),
        ];
        &ANCHORS
    }

    fn reach(&self) -> Reach {
        Reach { before: ADDRESS, after: TAG + 64 }
    }

    fn decode(&self, hit: &Hit<'_>, sink: &mut Sink) {
        let start = hit.anchor.start;
        let bytes = hit.from_anchor();
        match hit.index {
            0 => {
                if let Some(material) = secret(bytes, hit.file_name) {
                    sink.key(RULE, start..start + TAG + 64, material);
                }
            }
            1 => {
                let key = tagged(bytes, 32).and_then(|point| PublicKey::okp(Algorithm::Ed25519, point));
                if let Some(key) = key {
                    sink.public(start..start + TAG + 32, key, PublicKind::Key { comment: None });
                }
            }
            _ => client(hit, sink),
        }
    }
}

/// What follows the tag and its filling.
fn tagged(bytes: &[u8], length: usize) -> Option<&[u8]> {
    let tag = bytes.get(..TAG)?;
    let text = tag.iter().position(|&b| b == 0).unwrap_or(TAG);
    let filled = tag[..text].ends_with(b" ==") && tag[text..].iter().all(|&b| b == 0);
    bytes.get(TAG..TAG + length).filter(|_| filled)
}

fn secret(bytes: &[u8], file_name: Option<&str>) -> Option<KeyMaterial> {
    let scalar = tagged(bytes, 64)?.get(..32)?;
    let key = PrivateKey::Ed25519Expanded { scalar: Secret::new(scalar), public: None };
    let relay = file_name.is_some_and(|name| name.contains("master_id") || name.contains("signing_secret"));
    let encoding = if relay { "Tor relay key" } else { "Tor onion service" };
    let material = frame::of_key(&key, encoding)?;
    let address = format!("{}.onion", address(&key.prove().ok()?.public.value));
    let details = if relay { Vec::new() } else { vec![("onion address", address.clone())] };
    Some(KeyMaterial { comment: (!relay).then_some(address), details, ..material })
}

/// The onion address of a public key, without its suffix: key, checksum of 2 bytes and version in Base32.
fn address(public: &[u8]) -> String {
    let sum = Sha3_256::new().chain_update(b".onion checksum").chain_update(public).chain_update([3]).finalize();
    BASE32_NOPAD.encode(&[public, &sum[..2], &[3]].concat()).to_ascii_lowercase()
}

/// `ADDRESS:descriptor:x25519:KEY` as a client keeps it. What a service keeps has no address and is public.
fn client(hit: &Hit<'_>, sink: &mut Sink) {
    let Some(start) = hit.anchor.start.checked_sub(ADDRESS) else { return };
    let service = &hit.window[start..hit.anchor.start];
    let decoded = BASE32_NOPAD.decode(&service.to_ascii_uppercase()).unwrap_or_default();
    if decoded.len() != 35 || address(&decoded[..32]).as_bytes() != service {
        return;
    }
    let text = hit.window.get(hit.anchor.end..hit.anchor.end + 52).unwrap_or_default();
    let Ok(scalar) = BASE32_NOPAD.decode(text).map(zeroize::Zeroizing::new) else { return };
    let key = PrivateKey::Okp { algorithm: Algorithm::X25519, seed: Secret::from(scalar), public: None };
    let Some(material) = frame::of_key(&key, "Tor client authorisation") else { return };
    let comment = Some(format!("{}.onion", String::from_utf8_lossy(service)));
    let proof = Proof::parsed("a key beside an onion address whose checksum holds");
    sink.key(RULE, start..hit.anchor.end + 52, KeyMaterial { comment, proof, ..material });
}

#[cfg(test)]
mod tests {
    use super::super::trial::{only, scan};
    use super::*;

    /// Made by tor, which told the address.
    const SECRET: &[u8] = include_bytes!("../../tests/data/tor/hs_ed25519_secret_key");
    const PUBLIC: &[u8] = include_bytes!("../../tests/data/tor/hs_ed25519_public_key");

    #[test]
    fn the_public_file_of_the_same_service_agrees() {
        let public = &scan(&Tor, PUBLIC).public[0].key;
        let found = only(&Tor, SECRET).material;
        assert_eq!(found.public, Some(public.fingerprint()));
        assert_eq!(found.comment, Some(format!("{}.onion", address(&public.value))));
    }

    #[test]
    fn the_address_is_the_one_tor_tells() {
        let told = include_str!("../../tests/data/tor/hostname").trim();
        assert_eq!(only(&Tor, SECRET).material.comment.as_deref(), Some(told));
    }

    #[test]
    fn clients_keys_need_an_address() {
        let service = address(&scan(&Tor, PUBLIC).public[0].key.value);
        let key = BASE32_NOPAD.encode(&[0x5a, 3, 9, 1, 77, 5, 6, 2].repeat(4));
        assert_eq!(scan(&Tor, format!("{service}:descriptor:x25519:{key}\n").as_bytes()).found.len(), 1);
        assert!(scan(&Tor, format!("descriptor:x25519:{key}\n").as_bytes()).found.is_empty());
        let wrong = format!("b{}", &service[1..]);
        assert!(scan(&Tor, format!("{wrong}:descriptor:x25519:{key}\n").as_bytes()).found.is_empty());
    }

    #[test]
    fn an_unclamped_scalar_is_no_key() {
        let mut damaged = SECRET.to_vec();
        damaged[TAG] |= 1;
        assert!(scan(&Tor, &damaged).found.is_empty());
    }
}
