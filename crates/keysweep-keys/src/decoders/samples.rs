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
const DECODERS: [&str; 4] = ["capi", "cng", "jwk", "xml-key"];

type Expected = (&'static str, &'static [(&'static str, &'static str)]);

/// Path, and for each key in it: rule and fingerprint.
const SAMPLES: &[Expected] = &[
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
    for (path, _) in SAMPLES.iter().filter(|(path, _)| !path.contains("in-memory") && !path.contains("set.json")) {
        let bytes = read(path);
        // Each proof of a DSA key takes milliseconds.
        let mutations = if path.contains("ds") || path.contains("dpv2") { 200 } else { 2_500 };
        for decoder in decoders() {
            if decoder.anchors().iter().any(|a| memchr::memmem::find(&bytes, a.bytes).is_some()) {
                torture(decoder, &bytes, mutations);
            }
        }
    }
}
