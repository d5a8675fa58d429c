//! Cores of real processes, taken with gdb's `gcore` and packed by `tests/dumps/pack`. The keys in them are throwaways.

mod common;

use common::{fingerprints, scan_path};
use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use tempfile::{TempDir, tempdir};

/// For each dump the keys in it: name, and SHA-256 of the SubjectPublicKeyInfo.
fn expected() -> BTreeMap<String, BTreeMap<String, String>> {
    serde_json::from_str(&fs::read_to_string(folder().join("expected.json")).unwrap()).unwrap()
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/dumps")
}

fn unpack(name: &str) -> (TempDir, PathBuf) {
    let packed = fs::File::open(folder().join(format!("{name}.core.zst"))).unwrap();
    let mut bytes = Vec::new();
    ruzstd::decoding::StreamingDecoder::new(packed).unwrap().read_to_end(&mut bytes).unwrap();
    let dir = tempdir().unwrap();
    let path = dir.path().join(format!("{name}.core"));
    fs::write(&path, bytes).unwrap();
    (dir, path)
}

#[test]
fn every_key_of_a_real_process_is_found_and_proven() {
    for (name, keys) in expected() {
        let (_dir, path) = unpack(&name);
        let (report, _) = scan_path(&path);
        assert_eq!(report["complete"], true, "{name}: {}", report["incidents"]);
        let asymmetric: Vec<String> =
            fingerprints(&report).into_iter().filter(|f| f.starts_with("spki-sha256:")).collect();
        let mut wanted: Vec<String> = keys.values().map(|hash| format!("spki-sha256:{hash}")).collect();
        wanted.sort();
        assert_eq!(asymmetric, wanted, "{name}");
        for finding in report["findings"].as_array().unwrap() {
            assert_ne!(finding["proof"]["level"], "pattern", "{name}: {finding}");
            assert!(finding["locations"][0]["address"].is_u64(), "{name}: {finding}");
        }
    }
}

#[test]
fn a_hunt_tells_which_keys_are_in_a_dump() {
    let (_dir, path) = unpack("nginx-worker");
    let keys = &expected()["nginx-worker"];
    let list = path.with_file_name("keys.txt");
    let absent = "00".repeat(32);
    fs::write(&list, format!("web {}\nother {absent}\n", keys["rsa"])).unwrap();
    let output = common::keysweep().args(["hunt", "--format", "json", "--key"]).arg(&list).arg(&path).output().unwrap();
    let (report, code) = common::parse(&output);
    assert_eq!(code, 1);
    assert_eq!(fingerprints(&report), [format!("spki-sha256:{}", keys["rsa"])]);
    let found: Vec<bool> =
        report["hunt"]["keys"].as_array().unwrap().iter().map(|k| k["found"].as_bool().unwrap()).collect();
    assert_eq!(found, [true, false]);
}

#[test]
fn truncated_dumps_are_read_as_far_as_they_go() {
    let (_dir, path) = unpack("mbedtls-rsa");
    let bytes = fs::read(&path).unwrap();
    for part in [1, 2, 3, 5, 8] {
        fs::write(&path, &bytes[..bytes.len() * part / 9]).unwrap();
        let (report, code) = scan_path(&path);
        assert_eq!((code, &report["complete"]), (3, &false.into()), "{part}/9: {}", report["incidents"]);
    }
}

#[test]
fn a_dump_in_an_archive_is_searched_as_one() {
    let name = "mbedtls-rsa";
    let (dir, path) = unpack(name);
    let core = fs::read(&path).unwrap();
    fs::remove_file(&path).unwrap();
    fs::copy(folder().join(format!("{name}.core.zst")), dir.path().join("core.zst")).unwrap();
    // A tar with one member (POSIX.1-1988): a header of 512 bytes, the bytes, zeros.
    let mut header = [0u8; 512];
    header[..4].copy_from_slice(b"core");
    header[100..107].copy_from_slice(b"0000600");
    header[124..135].copy_from_slice(format!("{:011o}", core.len()).as_bytes());
    header[148..156].fill(b' ');
    header[156] = b'0';
    header[257..265].copy_from_slice(b"ustar\x0000");
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
    let padding = vec![0; core.len().next_multiple_of(512) - core.len() + 1024];
    fs::write(dir.path().join("core.tar"), [&header[..], &core, &padding].concat()).unwrap();
    let (report, _) = scan_path(dir.path());
    assert_eq!(report["complete"], true, "{}", report["incidents"]);
    let wanted: Vec<String> = expected()[name].values().map(|hash| format!("spki-sha256:{hash}")).collect();
    let finding = report["findings"].as_array().unwrap().iter().find(|f| f["fingerprint"] == wanted[0]).unwrap();
    let places = finding["locations"].as_array().unwrap();
    let paths: std::collections::BTreeSet<&str> =
        places.iter().map(|place| place["path"].as_str().unwrap().rsplit('/').next().unwrap()).collect();
    assert_eq!(paths.into_iter().collect::<Vec<_>>(), ["core"], "{places:?}");
    assert!(places.iter().all(|place| place["address"].is_u64()), "in the dump, not in the archive: {places:?}");
}
