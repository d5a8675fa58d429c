//! Ethereum: encrypted key stores (Web3 Secret Storage version 3) and raw private keys in hex beside a name.

use super::frame;
use super::json::Object;
use super::text::{assigned, hex, label, looks_random, run};
use crate::decoder::{Anchor, Decoder, Hit, Reach, Sink};
use crate::private::{PrivateKey, ec_public};
use crate::{Algorithm, Curve, KeyMaterial, Proof, Protection, Secret};
use data_encoding::HEXLOWER;
use memchr::memmem;
use sha3::{Digest, Keccak256};

/// Encrypted key stores.
pub(crate) struct Keystore;

const STORE: &str = "ethereum-keystore";

impl Decoder for Keystore {
    fn name(&self) -> &'static str {
        "ethereum-keystore"
    }

    fn rules(&self) -> &'static [&'static str] {
        &[STORE]
    }

    fn anchors(&self) -> &'static [Anchor] {
        const ANCHORS: [Anchor; 1] = [Anchor::text("kdfparams")];
        &ANCHORS
    }

    fn reach(&self) -> Reach {
        Reach { before: 2048, after: 2048 }
    }

    fn decode(&self, hit: &Hit<'_>, sink: &mut Sink) {
        let crypto = Object::around(hit.window, hit.anchor.start);
        if crypto.range.start == 0 || hit.window.get(crypto.range.start) != Some(&b'{') {
            return;
        }
        let store = Object::around(hit.window, crypto.range.start - 1);
        let Some(material) = keystore(&store, &crypto) else { return };
        sink.examined_up_to(crypto.range.end);
        let whole = hit.window.get(store.range.start) == Some(&b'{');
        sink.key(STORE, if whole { store.range } else { crypto.range }, material);
    }
}

fn keystore(store: &Object<'_>, crypto: &Object<'_>) -> Option<KeyMaterial> {
    let ciphertext = hex(crypto.get("ciphertext")?).filter(|c| c.len() >= 32)?;
    hex(crypto.get("mac")?).filter(|mac| mac.len() == 32)?;
    let parameters = crypto.object("kdfparams")?;
    let (kdf, weak) = match crypto.get("kdf")? {
        b"scrypt" => {
            let (n, r, p) = (parameters.number("n")?, parameters.number("r")?, parameters.number("p")?);
            (format!("scrypt, N={n}, r={r}, p={p}"), n < 1 << 14)
        }
        b"pbkdf2" => {
            let c = parameters.number("c")?;
            (format!("PBKDF2-HMAC-SHA256, {c} iterations"), c < 100_000)
        }
        _ => return None,
    };
    let cipher = crypto.get("cipher").and_then(label)?;
    let address = store.get("address").and_then(hex_address);
    let protection = Protection::Encrypted { cipher, kdf, weak };
    let proof = Proof::parsed("a Web3 key store whose derivation, cipher text and MAC have the right lengths");
    let algorithm = Algorithm::Ec(Curve::Secp256k1);
    Some(KeyMaterial {
        comment: address.clone(),
        purpose: Some("wallet"),
        details: address.map(|a| ("address", a)).into_iter().collect(),
        ..frame::of_container(algorithm, &ciphertext, "Web3 keystore", protection, proof)
    })
}

fn hex_address(text: &[u8]) -> Option<String> {
    let digits = text.strip_prefix(b"0x").unwrap_or(text);
    let bytes = hex(digits).filter(|bytes| bytes.len() == 20)?;
    Some(format!("0x{}", HEXLOWER.encode(&bytes)))
}

/// Raw private keys beside a name that says so.
pub(crate) struct Ethereum;

const RAW: &str = "ethereum-private-key";

/// Words of which one stands near a private key without `0x`: many things have 64 hex digits.
const CONTEXT: [&[u8]; 12] = [
    b"ethereum",
    b"ethers",
    b"web3",
    b"hardhat",
    b"infura",
    b"alchemy",
    b"etherscan",
    b"wallet",
    b"mainnet",
    b"sepolia",
    b"rpc_url",
    b"foundry",
];

impl Decoder for Ethereum {
    fn name(&self) -> &'static str {
        "ethereum"
    }

    fn rules(&self) -> &'static [&'static str] {
        &[RAW]
    }

    fn anchors(&self) -> &'static [Anchor] {
        const fn word(text: &'static str) -> Anchor {
            Anchor { bytes: text.as_bytes(), ignore_case: true, wide: true }
        }
        const ANCHORS: [Anchor; 6] = [
            word("private_key"),
            word("privatekey"),
            word("private-key"),
            word("_pk="),
            Anchor::text("accounts"),
            Anchor::text("new Wallet("),
        ];
        &ANCHORS
    }

    fn reach(&self) -> Reach {
        Reach { before: 512, after: 1024 }
    }

    fn decode(&self, hit: &Hit<'_>, sink: &mut Sink) {
        let after = &hit.window[hit.anchor.end..];
        let values = match hit.index {
            3 | 5 => Some(run(after, |b| b"\"'` ".contains(&b)).min(4)),
            4 => assigned(after).map(|at| at + run(&after[at..], |b| b"[{\"'` \r\n".contains(&b)).min(64)),
            _ => suffixed(after),
        };
        let Some(at) = values else { return };
        let start = hit.anchor.end + at;
        let Some((digits, prefixed)) = digits(&hit.window[start..]) else { return };
        if !prefixed && (hit.index == 4 || !in_context(hit.window)) {
            return;
        }
        let Some(scalar) = hex(digits).filter(|scalar| looks_random(scalar)) else { return };
        let Some(address) = address(&scalar) else { return };
        let key = PrivateKey::Ec { curve: Curve::Secp256k1, d: Secret::from(scalar), public: None };
        let Some(material) = frame::of_key(&key, "hex private key") else { return };
        let length = digits.len() + if prefixed { 2 } else { 0 };
        let proof = Proof::parsed("the scalar is in range for secp256k1; the address was derived from it");
        let (comment, details) = (Some(address.clone()), vec![("address", address)]);
        let material = KeyMaterial { proof, comment, purpose: Some("wallet"), details, ..material };
        sink.key(RAW, start..start + length, material);
    }
}

/// The value after a name that may go on: `PRIVATE_KEY_MAINNET=`.
fn suffixed(after: &[u8]) -> Option<usize> {
    let suffix = run(after, |b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-').min(32);
    Some(suffix + assigned(&after[suffix..])?)
}

/// 64 hex digits that stand alone, and whether `0x` stands before them.
fn digits(text: &[u8]) -> Option<(&[u8], bool)> {
    let (rest, prefixed) = match text.strip_prefix(b"0x") {
        Some(rest) => (rest, true),
        None => (text, false),
    };
    let length = run(rest, |b| b.is_ascii_alphanumeric());
    let digits = &rest[..length];
    (length == 64 && digits.iter().all(u8::is_ascii_hexdigit)).then_some((digits, prefixed))
}

fn in_context(window: &[u8]) -> bool {
    let lower = window.to_ascii_lowercase();
    CONTEXT.iter().any(|word| memmem::find(&lower, word).is_some())
}

/// The address of a private key, with the mixed-case checksum of EIP-55.
fn address(scalar: &[u8]) -> Option<String> {
    let point = ec_public(Curve::Secp256k1, scalar)?;
    let hash = Keccak256::digest(point.get(1..)?);
    let lower = HEXLOWER.encode(&hash[12..]);
    let sum = Keccak256::digest(lower.as_bytes());
    let mixed = lower.chars().enumerate().map(|(i, c)| {
        let nibble = sum[i / 2] >> (4 * (1 - i % 2)) & 15;
        if nibble >= 8 { c.to_ascii_uppercase() } else { c }
    });
    Some(format!("0x{}", mixed.collect::<String>()))
}

#[cfg(test)]
mod tests {
    use super::super::trial::{only, scan};
    use super::*;

    /// The first account of Hardhat and Anvil, whose documentation shows the key and its address.
    const KEY: &str = "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";
    const ADDRESS: &str = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266";

    #[test]
    fn the_address_is_derived() {
        for text in [
            format!("DEPLOYER_PRIVATE_KEY=0x{KEY}\n"),
            format!("const key = process.env.DEPLOYER_PRIVATE_KEY ?? \"0x{KEY}\";\n"),
            format!("PRIVATE_KEY_SEPOLIA=\"{KEY}\"\n"),
            format!("\"privateKey\": \"0x{KEY}\""),
            format!("sepolia: {{ accounts: [\"0x{KEY}\"] }}"),
            format!("const signer = new ethers.Wallet(); x = new Wallet(\"0x{KEY}\")"),
        ] {
            let found = only(&Ethereum, text.as_bytes());
            assert_eq!(found.material.comment.as_deref(), Some(ADDRESS), "{text}");
            assert!(text[found.range].ends_with(KEY));
        }
    }

    #[test]
    fn other_hex_is_no_key() {
        let zeros = "0".repeat(63) + "1";
        for text in [
            format!("PRIVATE_KEY={KEY}\n"),
            format!("PRIVATE_KEY=0x{KEY}00\n"),
            format!("PRIVATE_KEY=0x{zeros}\n"),
            format!("PRIVATE_KEY=0x{}\n", "f".repeat(64)),
            format!("accounts: [\"{KEY}\"] // wallet"),
            "PRIVATE_KEY=0xYOUR_KEY\nPRIVATE_KEY=\n".into(),
            format!("TX_HASH=0x{KEY}"),
        ] {
            assert!(scan(&Ethereum, text.as_bytes()).found.is_empty(), "{text}");
        }
    }

    #[test]
    fn key_stores_tell_their_cost() {
        let found = only(&Keystore, include_bytes!("../../tests/data/wallet/scrypt.json"));
        let Protection::Encrypted { kdf, weak, .. } = &found.material.protection else { panic!("not encrypted") };
        assert_eq!((kdf.as_str(), *weak), ("scrypt, N=262144, r=8, p=1", false));
        let text = include_str!("../../tests/data/wallet/pbkdf2.json").replace("262144", "10240");
        let found = only(&Keystore, text.as_bytes());
        assert!(found.material.protection.to_string().contains("PBKDF2-HMAC-SHA256, 10240 iterations, weak"));
        assert!(found.material.comment.is_some());
    }

    #[test]
    fn a_schema_is_no_key_store() {
        let schema = br#"{"crypto":{"kdf":"scrypt","kdfparams":{"n":1,"r":8,"p":1},"ciphertext":"...","mac":"..."}}"#;
        assert!(scan(&Keystore, schema).found.is_empty());
        assert!(scan(&Keystore, b"kdfparams {").found.is_empty());
    }
}
