//! Private keys of Bitcoin and its relatives: extended keys (BIP 32, with the versions of SLIP-132) and the wallet
//! import format (WIF).

use super::checked::{base58check, is_base58, to_base58check};
use super::frame;
use super::text::{begins_token, run};
use crate::decoder::{Anchor, Decoder, Hit, Reach, Sink};
use crate::private::{PrivateKey, ec_public};
use crate::{Curve, KeyMaterial, Proof, Secret};
use data_encoding::HEXLOWER;
use ripemd::Ripemd160;
use sha2::{Digest, Sha256};

/// Extended private keys.
pub(crate) struct Bip32;

const EXTENDED: &str = "bip32-extended-private-key";
/// Characters of an extended key.
const CHARACTERS: usize = 111;

/// Prefix, private and public version, and what it is for.
const VERSIONS: [(&str, u32, u32, &str); 10] = [
    ("xprv", 0x0488_ade4, 0x0488_b21e, "mainnet, P2PKH or any"),
    ("yprv", 0x049d_7878, 0x049d_7cb2, "mainnet, P2WPKH in P2SH"),
    ("zprv", 0x04b2_430c, 0x04b2_4746, "mainnet, P2WPKH"),
    ("Yprv", 0x0295_b005, 0x0295_b43f, "mainnet, multi-signature P2WSH in P2SH"),
    ("Zprv", 0x02aa_7a99, 0x02aa_7ed3, "mainnet, multi-signature P2WSH"),
    ("tprv", 0x0435_8394, 0x0435_87cf, "testnet, P2PKH or any"),
    ("uprv", 0x044a_4e28, 0x044a_5262, "testnet, P2WPKH in P2SH"),
    ("vprv", 0x045f_18bc, 0x045f_1cf6, "testnet, P2WPKH"),
    ("Uprv", 0x0242_85b5, 0x0242_89ef, "testnet, multi-signature P2WSH in P2SH"),
    ("Vprv", 0x0257_5048, 0x0257_5483, "testnet, multi-signature P2WSH"),
];

impl Decoder for Bip32 {
    fn name(&self) -> &'static str {
        "bip32"
    }

    fn rules(&self) -> &'static [&'static str] {
        &[EXTENDED]
    }

    fn anchors(&self) -> &'static [Anchor] {
        const ANCHORS: [Anchor; 10] = {
            let mut anchors = [Anchor::text(""); 10];
            let mut i = 0;
            while i < 10 {
                anchors[i] = Anchor::text(VERSIONS[i].0);
                i += 1;
            }
            anchors
        };
        &ANCHORS
    }

    fn reach(&self) -> Reach {
        Reach { before: 1, after: CHARACTERS + 1 }
    }

    fn decode(&self, hit: &Hit<'_>, sink: &mut Sink) {
        let text = hit.from_anchor();
        if run(text, is_base58) != CHARACTERS || !begins_token(&hit.window[..hit.anchor.start]) {
            return;
        }
        let (Some(payload), Some(version)) = (base58check(&text[..CHARACTERS]), VERSIONS.get(hit.index)) else {
            return;
        };
        if let Some(material) = extended(&payload, *version) {
            sink.key(EXTENDED, hit.anchor.start..hit.anchor.start + CHARACTERS, material);
        }
    }
}

/// Version (4 bytes), depth (1), fingerprint of the parent (4), child number (4), chain code (32), a zero and the scalar.
fn extended(payload: &[u8], (_, private, public, network): (&str, u32, u32, &str)) -> Option<KeyMaterial> {
    if payload.len() != 78 || payload[..4] != private.to_be_bytes() || payload[45] != 0 {
        return None;
    }
    let scalar = &payload[46..];
    let point = compressed(scalar)?;
    let extended_public = to_base58check(&[&public.to_be_bytes()[..], &payload[4..45], &point].concat());
    let key = PrivateKey::Ec { curve: Curve::Secp256k1, d: Secret::new(scalar), public: None };
    let fingerprint = HEXLOWER.encode(&hash160(&point)[..4]);
    Some(KeyMaterial {
        proof: Proof::proven("the Base58Check checksum holds and the scalar is in range"),
        comment: Some(extended_public.clone()),
        purpose: Some("wallet"),
        details: vec![
            ("network", network.to_owned()),
            ("depth", payload[4].to_string()),
            ("key fingerprint", fingerprint),
            ("extended public key", extended_public),
        ],
        ..frame::of_key(&key, "BIP-32")?
    })
}

/// The compressed point of a scalar on secp256k1.
fn compressed(scalar: &[u8]) -> Option<Vec<u8>> {
    let point = ec_public(Curve::Secp256k1, scalar)?;
    let parity = point.last()? & 1;
    Some([&[2 + parity], point.get(1..33)?].concat())
}

fn hash160(bytes: &[u8]) -> [u8; 20] {
    Ripemd160::digest(Sha256::digest(bytes)).into()
}

/// Single keys in WIF. Two characters of them are constant at most, so that a word nearby has to wake the decoder: the
/// commands and files of wallets, and output descriptors.
pub(crate) struct Wif;

const WIF: &str = "bitcoin-wif-key";

impl Decoder for Wif {
    fn name(&self) -> &'static str {
        "wif"
    }

    fn rules(&self) -> &'static [&'static str] {
        &[WIF]
    }

    fn anchors(&self) -> &'static [Anchor] {
        const fn word(text: &'static str) -> Anchor {
            Anchor { bytes: text.as_bytes(), ignore_case: true, wide: true }
        }
        const ANCHORS: [Anchor; 7] = [
            word("bitcoin"),
            word("privkey"),
            word("private key"),
            word("private_key"),
            word("privatekey"),
            word("_wif"),
            Anchor::text("pkh("),
        ];
        &ANCHORS
    }

    fn reach(&self) -> Reach {
        Reach { before: 0, after: 192 }
    }

    fn decode(&self, hit: &Hit<'_>, sink: &mut Sink) {
        let mut at = hit.anchor.end;
        while at < hit.window.len() {
            let length = run(&hit.window[at..], |b| b.is_ascii_alphanumeric());
            let text = &hit.window[at..at + length];
            let shaped = matches!(length, 51 | 52) && b"5KL9c".contains(&text[0]);
            if let Some(material) = Some(text).filter(|_| shaped).and_then(wif) {
                sink.key(WIF, at..at + length, material);
            }
            at += length.max(1);
        }
    }
}

/// A version byte, the scalar, and the byte 1 if the public key is used in compressed form.
fn wif(text: &[u8]) -> Option<KeyMaterial> {
    let payload = base58check(text)?;
    let (network, version) = match *payload.first()? {
        0x80 => ("mainnet", 0x00),
        0xef => ("testnet", 0x6f),
        _ => return None,
    };
    let is_compressed = match payload.len() {
        33 => false,
        34 if payload[33] == 1 => true,
        _ => return None,
    };
    let scalar = &payload[1..33];
    let point = if is_compressed { compressed(scalar)? } else { ec_public(Curve::Secp256k1, scalar)? };
    let address = to_base58check(&[&[version], &hash160(&point)[..]].concat());
    let key = PrivateKey::Ec { curve: Curve::Secp256k1, d: Secret::new(scalar), public: None };
    Some(KeyMaterial {
        proof: Proof::proven("the Base58Check checksum holds and the scalar is in range"),
        comment: Some(address.clone()),
        purpose: Some("wallet"),
        details: vec![("network", network.to_owned()), ("P2PKH address", address)],
        ..frame::of_key(&key, "WIF")?
    })
}

#[cfg(test)]
mod tests {
    use super::super::trial::{only, scan};
    use super::*;

    const XPRV: &[u8] = include_bytes!("../../tests/data/wallet/xprv.txt");

    /// Test vector 1 of BIP 32, chain m.
    const VECTOR: &str = "xprv9s21ZrQH143K3QTDL4LXw2F7HEK3wJUD2nW2nRk4stbPy6cq3jPPqjiChkVvvNKmPGJxWUtg6LnF5kejMRNNU3TGtRBeJgk33yuGBxrMPHi";
    const VECTOR_PUBLIC: &str = "xpub661MyMwAqRbcFtXgS5sYJABqqG9YLmC4Q1Rdap9gSE8NqtwybGhePY2gZ29ESFjqJoCu1Rupje8YtGqsefD265TMg7usUDFdp6W1EGMcet8";

    #[test]
    fn the_extended_public_key_is_derived() {
        let found = only(&Bip32, format!("root={VECTOR};").as_bytes());
        assert_eq!(found.material.comment.as_deref(), Some(VECTOR_PUBLIC));
        assert!(found.material.details.contains(&("key fingerprint", "3442193e".into())));
        assert_eq!(found.range, 5..5 + CHARACTERS);
    }

    #[test]
    fn tokens_that_are_no_extended_keys_are_left() {
        let text = String::from_utf8(XPRV.to_vec()).unwrap();
        let key = text.trim().rsplit(' ').next().unwrap();
        for text in [format!("x{key}"), format!("{key}A"), key[..110].to_owned(), key.replacen("xprv", "yprv", 1)] {
            assert!(scan(&Bip32, text.as_bytes()).found.is_empty(), "{text}");
        }
    }

    #[test]
    fn wallet_import_format_is_found_beside_its_words() {
        // The example of the Bitcoin wiki's page on the format, and its address.
        let text = "importprivkey 5HueCGU8rMjxEXxiPuD5BDku4MkFqeZyd4dZ1jvhTVqvbTLvyTJ label";
        let found = only(&Wif, text.as_bytes());
        assert_eq!(found.material.comment.as_deref(), Some("1GAehh7TsJAHuUAeKZcXf5CnwuGuGgyX2S"));
        assert_eq!(&text[found.range], "5HueCGU8rMjxEXxiPuD5BDku4MkFqeZyd4dZ1jvhTVqvbTLvyTJ");
        for text in [
            "importprivkey 5HueCGU8rMjxEXxiPuD5BDku4MkFqeZyd4dZ1jvhTVqvbTLvyTK",
            "importprivkey x5HueCGU8rMjxEXxiPuD5BDku4MkFqeZyd4dZ1jvhTVqvbTLvyTJ",
            "the private key of bitcoin is kept elsewhere",
        ] {
            assert!(scan(&Wif, text.as_bytes()).found.is_empty(), "{text}");
        }
    }
}
