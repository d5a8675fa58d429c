//! Holds a private key in a Rust process: hold-rust LIBRARY ALGORITHM FILE, the file PKCS #8, PEM for the pure Rust crates and
//! DER for ring. Signs once, wipes what it read, and waits.

use std::hint::black_box;

fn read(path: &str) -> Vec<u8> {
    std::fs::read(path).expect("read")
}

/// Overwrites the file's contents: only the parsed key is to stay.
fn wipe(mut bytes: Vec<u8>) {
    bytes.iter_mut().for_each(|b| *b = 0);
    black_box(bytes);
}

macro_rules! pure {
    ($krate:ident, $path:expr) => {{
        use $krate::ecdsa::{signature::Signer, Signature, SigningKey};
        use $krate::pkcs8::DecodePrivateKey;
        let bytes = read($path);
        let key = SigningKey::from_pkcs8_pem(std::str::from_utf8(&bytes).expect("text")).expect("key");
        wipe(bytes);
        let signature: Signature = key.sign(b"message");
        black_box(signature);
        Box::leak(Box::new(key));
    }};
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, library, algorithm, path] = arguments.as_slice() else { panic!("hold-rust LIBRARY ALGORITHM FILE") };
    match (library.as_str(), algorithm.as_str()) {
        ("rustcrypto", "P-256") => pure!(p256, path),
        ("rustcrypto", "P-384") => pure!(p384, path),
        ("rustcrypto", "secp256k1") => pure!(k256, path),
        ("rustcrypto", "Ed25519") => {
            use ed25519_dalek::{pkcs8::DecodePrivateKey, Signer, SigningKey};
            let bytes = read(path);
            let key = SigningKey::from_pkcs8_pem(std::str::from_utf8(&bytes).expect("text")).expect("key");
            wipe(bytes);
            black_box(key.sign(b"message"));
            Box::leak(Box::new(key));
        }
        ("ring", "Ed25519") => {
            let bytes = read(path);
            let key = ring::signature::Ed25519KeyPair::from_pkcs8_maybe_unchecked(&bytes).expect("key");
            wipe(bytes);
            black_box(key.sign(b"message"));
            Box::leak(Box::new(key));
        }
        ("ring", curve) => {
            use ring::signature::{EcdsaKeyPair, ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING};
            let random = ring::rand::SystemRandom::new();
            let bytes = read(path);
            let algorithm =
                if curve == "P-256" { &ECDSA_P256_SHA256_ASN1_SIGNING } else { &ECDSA_P384_SHA384_ASN1_SIGNING };
            let key = EcdsaKeyPair::from_pkcs8(algorithm, &bytes, &random).expect("key");
            wipe(bytes);
            black_box(key.sign(&random, b"message").expect("sign"));
            Box::leak(Box::new(key));
        }
        _ => panic!("no such library"),
    }
    println!("READY");
    std::thread::sleep(std::time::Duration::from_secs(3600));
}
