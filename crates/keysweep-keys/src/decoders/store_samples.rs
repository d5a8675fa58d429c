//! Samples of key stores in `tests/data`, made by the tools that own the formats, with what those tools say of the keys in
//! `tests/data/stores.tsv`: path, rule, first 8 bytes of the SHA-256 of the SubjectPublicKeyInfo, comment, protection. A
//! line with a path alone is a store without keys.

use super::trial::{scan_as, scan_within, spki, torture};
use crate::decoder::Found;
use crate::{Decoder, ProofLevel, Work};
use std::collections::BTreeMap;
use std::path::Path;

/// The decoders whose samples these are.
const DECODERS: &[&str] = &[
    "adfs",
    "bitcoin-wallet",
    "dpapi",
    "dpapi-text",
    "electrum",
    "gnome-keyring-open",
    "java-keystore",
    "java-keystore-text",
    "kerberos-cred-text",
    "kerberos-keytab",
    "kerberos-keytab-text",
    "kerberos-tickets",
    "nss",
    "password-vault",
    "pkcs12",
    "pkcs12-text",
];

/// Rule, fingerprint, comment and protection of a key.
type Key = [String; 4];

fn samples() -> BTreeMap<&'static str, Vec<Key>> {
    let mut samples: BTreeMap<&str, Vec<Key>> = BTreeMap::new();
    for line in include_str!("../../tests/data/stores.tsv").lines() {
        let mut columns = line.split('\t');
        let keys = samples.entry(columns.next().unwrap()).or_default();
        let columns: Vec<String> = columns.map(str::to_owned).collect();
        keys.extend(Key::try_from(columns).ok());
    }
    samples
}

fn read(path: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(path)).unwrap()
}

fn decoders() -> impl Iterator<Item = &'static dyn Decoder> {
    super::all().iter().copied().filter(|d| DECODERS.contains(&d.name()))
}

/// What the decoders together recognise, also in what is wrapped, in the order of the bytes.
fn recognised(path: &str, bytes: &[u8]) -> Vec<Found> {
    let name = path.rsplit('/').next();
    let mut found = Vec::new();
    for decoder in decoders() {
        let sink = scan_as(decoder, bytes, name);
        found.extend(sink.found);
        for nested in sink.nested {
            let inner = recognised(path, &nested.bytes);
            found.extend(inner.into_iter().map(|f| Found { range: nested.range.clone(), ..f }));
        }
    }
    found.sort_by_key(|f| f.range.start);
    found
}

fn described(found: &Found) -> Key {
    let material = &found.material;
    let public = spki(found).chars().take(16).collect();
    let comment = material.comment.clone().unwrap_or_default();
    [found.rule.to_owned(), public, comment, material.protection.to_string()]
}

#[test]
fn stores_are_recognised() {
    for (path, expected) in samples() {
        let found = recognised(path, &read(path));
        assert_eq!(found.iter().map(described).collect::<Vec<_>>(), expected, "{path}");
        for found in found {
            let material = &found.material;
            assert!(material.public.is_some() != material.id.is_some(), "{path}: has no name, or two");
            assert!(material.proof.level >= ProofLevel::Parsed, "{path}");
        }
    }
}

#[test]
fn stores_are_recognised_at_any_offset() {
    // What has no mark of its own is recognised by the name and the whole of the file.
    let by_name = |path: &str| path.contains("/.k5") || path.ends_with(".uber") || path.ends_with("encrypted-file");
    for (path, expected) in samples().into_iter().filter(|(path, _)| !by_name(path)) {
        let bytes = [&b"\0\xffnoise\0"[..], &read(path), b"\0\xffnoise"].concat();
        let found = recognised(path, &bytes);
        assert_eq!(found.len(), expected.len(), "{path}");
        for key in found {
            assert!(key.range.start >= 8 && key.range.end <= bytes.len() - 7, "{path}: {:?}", key.range);
        }
    }
}

#[test]
fn the_keys_of_a_java_store_that_is_cut_are_there_all_the_same() {
    let bytes = read("java/throwaway.jks");
    let aliases = |len: usize| -> Vec<Option<String>> {
        recognised("java/throwaway.jks", &bytes[..len]).into_iter().map(|found| found.material.comment).collect()
    };
    let both = aliases(bytes.len());
    assert_eq!(both.len(), 2);
    // The digest, then the certificate of the last entry, then its key.
    for cut in [1, 20, 21, 100, 300] {
        assert_eq!(aliases(bytes.len() - cut), both, "{cut} bytes less");
    }
    assert_eq!(aliases(bytes.len() * 2 / 3), both[..1]);
}

#[test]
fn damaged_stores_do_no_harm() {
    let samples = samples();
    for path in samples.keys() {
        let bytes = read(path);
        let folder = path.split('/').next().unwrap();
        let siblings = samples.keys().filter(|path| path.starts_with(folder)).count();
        for decoder in decoders() {
            if decoder.anchors().iter().any(|a| memchr::memmem::find(&bytes, a.bytes).is_some()) {
                torture(decoder, &bytes, 10_000 / siblings + 1);
            }
        }
    }
}

/// Anchors, and the beginnings of stores whose insides then do not fit, one after the other: no place may be looked at
/// so often that a chunk takes long. The bound is many times what is needed, for slow machines.
#[test]
fn hostile_repetition_takes_linear_time() {
    let samples: Vec<(&str, Vec<u8>)> = samples().into_keys().map(|path| (path, read(path))).collect();
    for decoder in decoders() {
        let mut units = Vec::new();
        for anchor in decoder.anchors() {
            units.push(("anchor", anchor.bytes.to_vec()));
            units.push(("anchors apart", [anchor.bytes, &[0; 70]].concat()));
        }
        for (path, bytes) in &samples {
            if decoder.anchors().iter().any(|a| memchr::memmem::find(bytes, a.bytes).is_some()) {
                let heads = [24, 48, 96, 200, 500, bytes.len()].map(|length| &bytes[..length.min(bytes.len())]);
                units.extend(heads.map(|head| (*path, head.to_vec())));
            }
        }
        for (what, unit) in units {
            let bytes = unit.repeat((64 << 10) / unit.len() + 1);
            let name = format!("{}, {} bytes of {what}", decoder.name(), unit.len());
            let limit = std::time::Duration::from_secs(3);
            keysweep_testkit::bounded(limit, name, || scan_within(decoder, &bytes, None, &Work::new(100_000)));
        }
    }
}
