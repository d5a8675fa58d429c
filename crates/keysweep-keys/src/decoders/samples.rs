//! Samples in `tests/data`, made by the tools that own the formats. Fingerprints are what those tools (and OpenSSL) say
//! of the public half: the first 8 bytes of the SHA-256 of the SubjectPublicKeyInfo.

use super::trial::{scan_as, spki, torture};
use crate::Decoder;
use std::path::Path;

const RSA: &str = "725483ad8802fce9";
const P256: &str = "d6aa7d09da2812a5";
const DSA: &str = "f6700ec8c0f3ac14";
const CAPI: &str = "d60255ec9cb9f33f";
const NO_PUBLIC: &str = "";

/// The decoders whose samples these are.
const DECODERS: &[&str] = &[
    "age",
    "bip32",
    "capi",
    "cng",
    "dnssec",
    "ethereum",
    "ethereum-keystore",
    "jwk",
    "libp2p",
    "minisign",
    "nkeys",
    "sigstore",
    "stellar",
    "tor",
    "tsig",
    "vpn",
    "wif",
    "wireguard",
    "xml-key",
];

type Expected = (&'static str, &'static [(&'static str, &'static str)]);

/// Path, and for each key in it: rule and fingerprint.
const SAMPLES: &[Expected] = &[
    ("age/key.txt", &[("age-secret-key", "ed252952e5de4656")]),
    ("age/recipient.txt", &[]),
    ("capi/dsa.blob", &[("capi-private-key", DSA)]),
    ("capi/dsa.pvk", &[("pvk-private-key", DSA)]),
    ("capi/plain.pvk", &[("pvk-private-key", CAPI)]),
    ("capi/public.blob", &[]),
    ("capi/public.snk", &[]),
    ("capi/rsa.blob", &[("capi-private-key", CAPI)]),
    ("capi/strong-name.snk", &[("strong-name-key", "d29ca10523b543f0")]),
    ("capi/strong.pvk", &[("pvk-private-key", NO_PUBLIC)]),
    ("capi/weak.pvk", &[("pvk-private-key", NO_PUBLIC)]),
    ("cng/dpv2.blob", &[("cng-private-key", DSA)]),
    ("cng/dspv.blob", &[("cng-private-key", DSA)]),
    ("cng/eck2.blob", &[("cng-private-key", P256)]),
    ("cng/ecs2.blob", &[("cng-private-key", P256)]),
    ("cng/ecs4.blob", &[("cng-private-key", "6c6504e2b270062b")]),
    ("cng/ecs6.blob", &[("cng-private-key", "e3f420959cfd9747")]),
    ("cng/public.blob", &[]),
    ("cng/rsa2.blob", &[("cng-private-key", RSA)]),
    ("cng/rsa3-in-memory.bin", &[("cng-private-key", RSA)]),
    ("cng/rsa3.blob", &[("cng-private-key", RSA)]),
    ("dnssec/ed25519.private", &[("dnssec-private-key", "878497a1881cbdd7")]),
    ("dnssec/ed448.private", &[("dnssec-private-key", "4d7c41cd16c1cdde")]),
    ("dnssec/p256.private", &[("dnssec-private-key", "a04a79b624313448")]),
    ("dnssec/rsa.private", &[("dnssec-private-key", "09abc17365a29450")]),
    ("jwk/compact.json", &[("jwk-private-key", P256)]),
    ("jwk/escaped.json", &[("jwk-private-key", P256)]),
    ("jwk/oct.json", &[("jwk-symmetric-key", NO_PUBLIC)]),
    ("jwk/public-set.json", &[]),
    (
        "jwk/set.json",
        &[
            ("jwk-private-key", RSA),
            ("jwk-private-key", P256),
            ("jwk-private-key", "6c6504e2b270062b"),
            ("jwk-private-key", "e3f420959cfd9747"),
            ("jwk-private-key", "85d4b02bb45cc4d7"),
            ("jwk-private-key", "69c072995bf938ba"),
            ("jwk-private-key", "27682bca7cfbd4f9"),
            ("jwk-private-key", "9d0e1d93063b3453"),
        ],
    ),
    ("jwk/three-primes.json", &[("jwk-private-key", "4457de75f5d1d124")]),
    ("minisign/encrypted.key", &[("minisign-secret-key", NO_PUBLIC)]),
    ("minisign/plain.key", &[("minisign-secret-key", "f63a23350e490a33")]),
    ("minisign/plain.pub", &[]),
    ("nats/user.nk", &[("nats-nkey-seed", "cceea039e47b9be7")]),
    ("nats/user.pub", &[]),
    ("signify/encrypted.sec", &[("signify-secret-key", NO_PUBLIC)]),
    ("signify/plain.pub", &[]),
    ("signify/plain.sec", &[("signify-secret-key", "559a32321af810a3")]),
    ("sigstore/cosign.key", &[("sigstore-private-key", NO_PUBLIC)]),
    ("tor/hs_ed25519_public_key", &[]),
    ("tor/hs_ed25519_secret_key", &[("tor-onion-secret-key", "8ba48eec9a0c4326")]),
    ("wireguard/psk.conf", &[("wireguard-private-key", "f7cee2829ce371dc")]),
    ("wireguard/wg0.conf", &[("wireguard-private-key", "f7cee2829ce371dc")]),
    ("wireguard/wireguard-peer.conf", &[]),
    ("wallet/pbkdf2.json", &[("ethereum-keystore", NO_PUBLIC)]),
    ("wallet/scrypt.json", &[("ethereum-keystore", NO_PUBLIC)]),
    ("wallet/tprv.txt", &[("bip32-extended-private-key", "261ea814e3d1202e")]),
    ("wallet/xprv-broken.txt", &[]),
    ("wallet/xprv.txt", &[("bip32-extended-private-key", "5426e8f7484c18d0")]),
    ("wallet/xpub.txt", &[]),
    ("wallet/zprv.txt", &[("bip32-extended-private-key", "7115b78a66a16c73")]),
    ("xml/contradiction.xml", &[]),
    ("xml/dsa.xml", &[("xml-rsa-private-key", DSA)]),
    ("xml/escaped.xml", &[("xml-rsa-private-key", RSA)]),
    ("xml/indented.xml", &[("xml-rsa-private-key", RSA)]),
    ("xml/public.xml", &[]),
    ("xml/rsa.xml", &[("xml-rsa-private-key", RSA)]),
];

fn read(path: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(path)).unwrap()
}

fn decoders() -> impl Iterator<Item = &'static dyn Decoder> {
    super::all().iter().copied().filter(|d| DECODERS.contains(&d.name()))
}

/// What the decoders together recognise: (rule, fingerprint), in the order of the bytes.
fn recognised(path: &str, bytes: &[u8]) -> Vec<(&'static str, String)> {
    let name = path.rsplit('/').next();
    let mut found: Vec<_> = decoders().flat_map(|d| scan_as(d, bytes, name).found).collect();
    found.sort_by_key(|f| f.range.start);
    found.iter().map(|f| (f.rule, spki(f).chars().take(16).collect())).collect()
}

#[test]
fn samples_are_recognised() {
    for (path, expected) in SAMPLES {
        let expected: Vec<_> = expected.iter().map(|(rule, spki)| (*rule, (*spki).to_owned())).collect();
        assert_eq!(recognised(path, &read(path)), expected, "{path}");
    }
}

#[test]
fn ranges_stay_with_the_key() {
    for (path, expected) in SAMPLES {
        let bytes = [&b"\0\xffnoise\0"[..], &read(path), b"\0\xffnoise"].concat();
        let found = decoders().flat_map(|d| scan_as(d, &bytes, Some("noise.bin")).found);
        let mut count = 0;
        for key in found {
            assert!(key.range.start >= 8 && key.range.end <= bytes.len() - 7, "{path}: {:?}", key.range);
            count += 1;
        }
        assert_eq!(count, expected.len(), "{path}");
    }
}

#[test]
fn damage_does_no_harm() {
    let tried = |path: &str| !path.contains("in-memory") && !path.contains("set.json");
    for (path, _) in SAMPLES.iter().filter(|(path, _)| tried(path)) {
        let bytes = read(path);
        let folder = path.split('/').next().unwrap();
        let siblings = SAMPLES.iter().filter(|(path, _)| tried(path) && path.starts_with(folder)).count();
        // Each proof of a DSA key takes milliseconds.
        let mutations = if path.contains("/ds") || path.contains("dpv2") { 200 } else { 10_000 / siblings + 1 };
        for decoder in decoders() {
            if decoder.anchors().iter().any(|a| memchr::memmem::find(&bytes, a.bytes).is_some()) {
                torture(decoder, &bytes, mutations);
            }
        }
    }
}
