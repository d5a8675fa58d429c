//! Samples by OpenSSL 3.0 and (post-quantum) Node.js 24. Fingerprints are what those tools say of the public half: the first
//! 8 bytes of the SHA-256 of the SubjectPublicKeyInfo.

use super::super::trial::{only, scan, spki, torture};
use super::*;
use crate::der::{octet_string, sequence, unsigned};
use crate::{Algorithm, ProofLevel};
use ProofLevel::{Parsed, Proven};
use std::path::Path;

const RSA: &str = "450e158f501ba6df";
const P256: &str = "395a0bafbd847932";

const SAMPLES: &[(&str, &str, ProofLevel, &str)] = &[
    ("brainpool512.sec1", "df43675cbd2781b4", Parsed, "EC brainpoolP512r1"),
    ("dh.p8", "91f1a5006f6261d4", Parsed, "DH"),
    ("dhx.p8", "241cd45baaee297b", Parsed, "DH"),
    ("dsa.p8", "3a77fc9a17104a62", Parsed, "DSA"),
    ("dsa.trad", "3a77fc9a17104a62", Proven, "DSA"),
    ("ec-brainpoolp256r1.p8", "e6a3124a4e16a5c7", Proven, "EC brainpoolP256r1"),
    ("ec-brainpoolp384r1.p8", "8eca708266396aa7", Proven, "EC brainpoolP384r1"),
    ("ec-brainpoolp512r1.p8", "df43675cbd2781b4", Parsed, "EC brainpoolP512r1"),
    ("ec-p-256.p8", P256, Proven, "EC P-256"),
    ("ec-p-384.p8", "ac07a2e9cbb17c8e", Proven, "EC P-384"),
    ("ec-p-521.p8", "bd74f459da790da5", Proven, "EC P-521"),
    ("ec-secp224r1.p8", "02419fcaa1300df8", Parsed, "EC P-224"),
    ("ec-secp256k1.p8", "325daba0f3c9e401", Proven, "EC secp256k1"),
    ("ec-sm2.p8", "cb03206522647b46", Parsed, "EC SM2"),
    ("ed25519.p8", "1eccf8592379997c", Parsed, "Ed25519"),
    ("ed448.p8", "5612b0731eb2be12", Parsed, "Ed448"),
    ("ml-dsa-44.p8", "05e2ef9186853ab9", Proven, "ML-DSA-44"),
    ("ml-dsa-65.p8", "2dadbb1abfd944e7", Proven, "ML-DSA-65"),
    ("ml-dsa-87.p8", "dfb24029ca75c44b", Proven, "ML-DSA-87"),
    ("ml-kem-512.p8", "5766d4590b1ed8a8", Proven, "ML-KEM-512"),
    ("ml-kem-768.p8", "a65e4b8933660d53", Proven, "ML-KEM-768"),
    ("ml-kem-1024.p8", "71bce4ad7e2bcbff", Proven, "ML-KEM-1024"),
    ("p256.sec1", P256, Proven, "EC P-256"),
    ("p256-compressed.sec1", P256, Proven, "EC P-256"),
    ("p256-explicit.sec1", P256, Proven, "EC P-256"),
    ("p384-no-public.sec1", "ac07a2e9cbb17c8e", Parsed, "EC P-384"),
    ("rsa.p8", RSA, Proven, "RSA"),
    ("rsa-2048.p1", "706fa82f7054146f", Proven, "RSA"),
    ("rsa-3-primes.p1", "85020fabd2ed6928", Proven, "RSA"),
    ("rsa-3-primes.p8", "85020fabd2ed6928", Proven, "RSA"),
    ("rsa-512.p1", "5a70fe33c8002302", Proven, "RSA"),
    ("rsa-e3.p8", "7ba536abfd32a66b", Proven, "RSA"),
    ("rsa-pss.p8", "0da51943db02180b", Proven, "RSA"),
    ("slh-dsa-sha2-128f.p8", "039938ee4224cdb3", Proven, "SLH-DSA-SHA2-128f"),
    ("slh-dsa-sha2-128s.p8", "d9782b888956987c", Parsed, "SLH-DSA-SHA2-128s"),
    ("slh-dsa-sha2-256f.p8", "925269edcd01a194", Proven, "SLH-DSA-SHA2-256f"),
    ("slh-dsa-shake-192f.p8", "e6f980577edc5c91", Proven, "SLH-DSA-SHAKE-192f"),
    ("x25519.p8", "600859f6bf4da8f5", Parsed, "X25519"),
    ("x448.p8", "34c6212e1e6b707f", Parsed, "X448"),
];

fn read(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/der").join(name)).unwrap()
}

fn short(found: &crate::decoder::Found) -> String {
    spki(found).chars().take(16).collect()
}

#[test]
fn samples_are_recognised_at_any_offset() {
    for (name, fingerprint, level, algorithm) in SAMPLES {
        let key = read(name);
        for (before, after) in
            [(&b""[..], &b""[..]), (b"\0\x30\x82\xff\xff\x02\x01", b"\x02\x01\0"), (b"\x7f\x30", b"\xff")]
        {
            let found = only(&Der, &[before, &key, after].concat());
            assert_eq!(short(&found), *fingerprint, "{name}");
            assert_eq!(found.material.proof.level, *level, "{name}: {}", found.material.proof.statement);
            assert_eq!(found.material.algorithm.to_string(), *algorithm, "{name}");
            assert_eq!(found.range, before.len()..before.len() + key.len(), "{name}");
            assert_eq!(found.rule, PRIVATE);
        }
    }
}

#[test]
fn encrypted_keys_tell_cipher_and_cost() {
    for (name, said) in [
        ("encrypted-pbes2.p8", "encrypted with aes-256-cbc (PBKDF2-HMAC-SHA256, 2048 iterations, weak)"),
        ("encrypted-scrypt.p8", "encrypted with aes-256-cbc (scrypt, N=16384, r=8, p=1)"),
        ("encrypted-pbes1.p8", "encrypted with des-cbc (PBKDF1-MD5, 2048 iterations, weak)"),
        ("encrypted-pkcs12.p8", "encrypted with rc2-40-cbc (PKCS#12 KDF, SHA1, 2048 iterations, weak)"),
    ] {
        let key = read(name);
        let found = only(&Der, &[b"\xff\0", &key[..], b"\0\0"].concat());
        assert_eq!((found.rule, found.range.clone()), (ENCRYPTED, 2..2 + key.len()), "{name}");
        assert_eq!(found.material.protection.to_string(), said);
        assert!(found.material.public.is_none() && found.material.id.is_some());
        assert!(scan(&Der, &key[..key.len() - 1]).found.is_empty(), "{name} cut");
    }
}

#[test]
fn key_bags_are_named_as_the_key_store_names_them() {
    // Where the store is whole, both findings are one; where it is torn, this is what is left of it.
    let store = include_bytes!("../../../tests/data/pkcs12/openssl.p12");
    let (outer, inner) = (scan(&super::super::pkcs12::Pkcs12, store), scan(&Der, store));
    assert_eq!((outer.found.len(), inner.found.len()), (1, 1));
    assert_eq!(outer.found[0].material.id, inner.found[0].material.id);
    let bag = outer.found[0].range.clone();
    assert!(bag.start < inner.found[0].range.start && inner.found[0].range.end <= bag.end);
    assert_eq!(scan(&Der, &store[600..]).found.len(), 1);
}

#[test]
fn the_content_of_a_bcfks_store_is_left_to_the_key_store() {
    let store = include_bytes!("../../../tests/data/java/throwaway.bcfks");
    assert!(scan(&Der, store).found.is_empty());
}

#[test]
fn what_is_only_parsed_must_be_whole() {
    // The public point of an EC key is damaged so that it is none: then nothing tells whether the scalar is right.
    for (name, from_end) in [("p256.sec1", 68), ("p256.sec1", 66), ("ec-p-256.p8", 68), ("brainpool512.sec1", 134)] {
        let mut key = read(name);
        let at = key.len() - from_end;
        key[at] ^= 0x55;
        assert!(scan(&Der, &key).found.is_empty(), "{name}");
    }
    let mut longer = read("ed25519.p8");
    longer[1] += 2;
    longer.extend_from_slice(&[1, 2]);
    assert!(scan(&Der, &longer).found.is_empty());
}

#[test]
fn public_halves_are_nothing() {
    for name in ["public-rsa.spki", "public-rsa.p1", "public-ec-p-256.spki", "public-ed25519.spki", "certificate.crt"] {
        assert!(scan(&Der, &read(name)).found.is_empty(), "{name}");
    }
}

#[test]
fn altered_numbers_are_no_key() {
    for (name, at) in [
        ("rsa.p8", 0x30), // The modulus.
        ("ec-p-256.p8", 40),
        ("p256.sec1", 20),
        ("dsa.trad", 440),
        ("ml-dsa-44.p8", 40),
        ("ml-kem-512.p8", 40),
        ("slh-dsa-sha2-128f.p8", 30),
    ] {
        let mut key = read(name);
        key[at] ^= 0x40;
        assert!(scan(&Der, &key).found.is_empty(), "{name}");
    }
}

#[test]
fn zeroed_and_constant_keys_are_nothing() {
    for (name, from) in [("rsa.p8", 40), ("ed25519.p8", 16), ("p384-no-public.sec1", 8), ("encrypted-pbes2.p8", 100)] {
        for filler in [0, 0x55] {
            let mut key = read(name);
            let end = key.len() - usize::from(name.contains("no-public")) * 9;
            key[from..end].fill(filler);
            assert!(scan(&Der, &key).found.is_empty(), "{name}");
        }
    }
}

#[test]
fn an_rsa_key_is_proven_without_its_first_bytes() {
    // What a freed block loses to the allocator's lists: 8, 16 or 32 bytes, then more of the modulus.
    for (name, fingerprint) in
        [("rsa-2048.p1", "706fa82f7054146f"), ("rsa.p8", RSA), ("rsa-512.p1", "5a70fe33c8002302")]
    {
        for lost in [4, 8, 16, 32, 50] {
            let mut key = read(name);
            key[..lost].fill(0xa5);
            let found = only(&Der, &key);
            assert_eq!(
                (short(&found).as_str(), found.material.proof.level),
                (fingerprint, Proven),
                "{name} less {lost}"
            );
            assert_eq!(found.range.end, key.len());
        }
    }
}

#[test]
fn one_prime_or_the_exponent_is_enough_beside_the_modulus() {
    let key = read("rsa-2048.p1");
    // e at 268, d 273, p 533, q 664, dp 796.
    let damage = |range: std::ops::Range<usize>| {
        let mut damaged = key.clone();
        damaged[range].fill(0x11);
        damaged
    };
    for range in [273..530, 533..550, 540..600, 664..700, 533..790, 533..key.len(), 266..300, 270..530] {
        let found = scan(&Der, &damage(range.clone())).found;
        let expected = usize::from(range.start != 266 && range.start != 270);
        assert_eq!(found.len(), expected, "{range:?}");
        assert!(found.iter().all(|f| short(f) == "706fa82f7054146f" && f.material.proof.level == Proven));
    }
    for end in [533, 664, 800, key.len() - 1] {
        let found = only(&Der, &key[..end]);
        assert_eq!(short(&found), "706fa82f7054146f", "cut at {end}");
        assert!(found.range.end <= end);
    }
    assert!(scan(&Der, &key[..500]).found.is_empty());
}

#[test]
fn both_exponents_are_enough() {
    for name in ["rsa-2048.p1", "rsa.p8", "rsa-e3.p8", "rsa-512.p1"] {
        let key = read(name);
        let (mark, size): (&[u8], _) =
            if name.contains("e3") { (b"\x02\x01\x03\x02", 3) } else { (b"\x02\x03\x01\0\x01\x02", 5) };
        let d = memchr::memmem::find(&key, mark).unwrap() + size;
        let header = super::super::asn1::header(&key[d..]).unwrap();
        let mut cut = key[..d + header.size + header.length].to_vec();
        assert_eq!(short(&only(&Der, &cut)), short(&only(&Der, &key)), "{name}");
        *cut.last_mut().unwrap() ^= 4;
        assert!(scan(&Der, &cut).found.is_empty(), "{name}");
    }
}

#[test]
fn sec1_without_its_header_or_curve_is_proven_by_its_point() {
    let mut key = read("p256.sec1");
    key[..2].fill(0);
    assert_eq!(short(&only(&Der, &key)), P256);
    // As it lies in PKCS #8: the curve is named outside only.
    let pkcs8 = read("ec-p-256.p8");
    let inner = &pkcs8[pkcs8.len() - 109..];
    assert_eq!(short(&only(&Der, inner)), P256);
}

#[test]
fn pkcs8_version_2_is_proven_by_its_public_key() {
    let plain = read("ed25519.p8");
    let public = &read("public-ed25519.spki")[12..];
    for tail in [[&[0x81, 0x21, 0][..], public].concat(), [&[0xa1, 0x23, 3, 0x21, 0][..], public].concat()] {
        let body = [&[2, 1, 1][..], &plain[5..], &tail].concat();
        let found = only(&Der, &crate::der::tlv(0x30, &body));
        assert_eq!((short(&found).as_str(), found.material.proof.level), ("1eccf8592379997c", Proven));
        let mut wrong = crate::der::tlv(0x30, &body);
        *wrong.last_mut().unwrap() ^= 1;
        assert!(scan(&Der, &wrong).found.is_empty());
    }
}

/// A PKCS #8 structure with the algorithm of `sample` and another private field.
fn with_private(sample: &str, private: &[u8]) -> Vec<u8> {
    let key = read(sample);
    let at = memchr::memmem::find(&key, b"\x30\x0b\x06\x09").unwrap();
    sequence(&[&unsigned(&[]), &key[at..at + 13], &octet_string(private)])
}

#[test]
fn post_quantum_keys_are_known_in_all_their_forms() {
    for (name, seed_size, expanded_size) in [
        ("ml-dsa-44.p8", 32, 2560),
        ("ml-dsa-65.p8", 32, 4032),
        ("ml-dsa-87.p8", 32, 4896),
        ("ml-kem-512.p8", 64, 1632),
        ("ml-kem-768.p8", 64, 2400),
        ("ml-kem-1024.p8", 64, 3168),
    ] {
        let key = read(name);
        let fingerprint = SAMPLES.iter().find(|s| s.0 == name).unwrap().1;
        let expanded = &key[key.len() - expanded_size..];
        let seed = &key[key.len() - expanded_size - 4 - seed_size..][..seed_size];
        let forms = [
            (crate::der::tlv(0x80, seed), Parsed),
            (octet_string(seed), Parsed),
            (seed.to_vec(), Parsed),
            (octet_string(expanded), Proven),
            (expanded.to_vec(), Proven),
        ];
        for (private, level) in forms {
            let found = only(&Der, &with_private(name, &private));
            assert_eq!((short(&found).as_str(), found.material.proof.level), (fingerprint, level), "{name}");
        }
        for at in [3, 70, 140, expanded_size - 70] {
            let mut wrong = expanded.to_vec();
            wrong[at] ^= 1;
            let found = scan(&Der, &with_private(name, &octet_string(&wrong))).found;
            assert!(
                found.iter().all(|f| short(f) == fingerprint && f.material.proof.level == Proven),
                "{name} at {at}"
            );
        }
        assert!(scan(&Der, &with_private(name, &octet_string(&vec![0xff; expanded_size]))).found.is_empty());
    }
}

#[test]
fn an_algorithm_without_support_is_parsed() {
    // GOST R 34.10-2012: OIDs of the parameter set and digest, then a random scalar.
    let algorithm = data_encoding::HEXLOWER
        .decode(
            b"301706082a85030701010101300b06092a850307010201010 1"
                .iter()
                .filter(|b| **b != b' ')
                .copied()
                .collect::<Vec<_>>()
                .as_slice(),
        )
        .unwrap();
    let scalar: Vec<u8> = (0..32u8).map(|i| i.wrapping_mul(167) ^ 0x5c).collect();
    let key = sequence(&[&unsigned(&[]), &algorithm, &octet_string(&octet_string(&scalar))]);
    let found = only(&Der, &key);
    assert_eq!(found.material.algorithm, Algorithm::Unknown(Some("GOST R 34.10-2012, 256 bits".into())));
    assert_eq!(found.material.proof.level, Parsed);
}

#[test]
fn damage_does_no_harm() {
    for (name, ..) in SAMPLES {
        // Post-quantum and discrete logarithm keys take milliseconds each.
        let slow = ["ml-", "slh-", "dh", "dsa"].iter().any(|s| name.starts_with(s));
        let key = read(name);
        if slow {
            let step = key.len() / 40 + 1;
            (0..key.len()).step_by(step).for_each(|end| drop(scan(&Der, &key[..end])));
        } else {
            torture(&Der, &key, 100);
        }
    }
    torture(&Der, &read("rsa.p8"), 10_000);
    torture(&Der, &read("encrypted-pbes2.p8"), 10_000);
}

#[test]
fn an_anchor_every_few_bytes_stays_cheap() {
    let start = std::time::Instant::now();
    for anchor in ANCHORS {
        let bytes: Vec<u8> = anchor.bytes.iter().copied().cycle().take(64 << 10).collect();
        assert!(scan(&Der, &bytes).found.is_empty());
    }
    // Headers that claim what follows, with an anchor in each.
    for header in [
        &b"\x30\x82\x01\x22\x02\x01\0\x02\x82\x01\x01\0"[..],
        b"\x30\x77\x02\x01\x01\x04\x20",
        b"\x02\x03\x01\0\x01\x02\x82\x01\0",
    ] {
        let bytes: Vec<u8> = header.iter().copied().cycle().take(64 << 10).collect();
        assert!(scan(&Der, &bytes).found.is_empty());
    }
    assert!(start.elapsed().as_secs() < 30, "{:?}", start.elapsed());
}
