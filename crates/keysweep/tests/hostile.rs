//! Files made to hide a key or to cost time: what is found in them, and what is said if not all was looked at.

mod common;

use common::{Key, fingerprints, scan_path};
use std::fs;

#[test]
fn a_key_amid_a_flood_of_begin_lines_is_found() {
    let dir = tempfile::tempdir().unwrap();
    for (name, line) in [
        ("begin", "-----BEGIN PRIVATE KEY-----\n"),
        ("both", "-----BEGIN RSA PRIVATE KEY-----\n-----END RSA PRIVATE KEY-----\n"),
        ("certificates", "-----BEGIN CERTIFICATE-----\nMIIC\n-----END CERTIFICATE-----\n"),
        ("pgp", "-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nabcd\n-----END PGP PRIVATE KEY BLOCK-----\n"),
    ] {
        let key = Key::new(600 + name.len() as u64);
        // All in one chunk of 512 KiB.
        let flood = line.repeat(230_000 / line.len());
        fs::write(dir.path().join(name), format!("{flood}{}{flood}", key.pem())).unwrap();
        let (report, code) = scan_path(&dir.path().join(name));
        assert_eq!((fingerprints(&report), code), (vec![key.fingerprint()], 1), "{name}: {}", report["incidents"]);
    }
}

#[test]
fn damaged_archives_are_told_and_their_neighbours_searched() {
    let dir = tempfile::tempdir().unwrap();
    let key = Key::new(620);
    fs::write(dir.path().join("good.pem"), key.pem()).unwrap();
    let damaged: [(&str, &[u8]); 6] = [
        ("a.zip", b"PK\x03\x04"),
        ("a.lz4", b"\x04\x22\x4d\x18\x64\x50\x08\x00\x00"),
        ("a.gz", b"\x1f\x8b\x08\0\0\0\0\0\0\x03\xff\xff\xff\xff"),
        ("a.lzma", b"\x5d\0\0\x80\0\xff\xff\xff\xff\xff\xff\xff\xff\0\xff\xff\xff\xff\xff\xff"),
        ("a.deb", b"!<arch>\ndebian-binary but no more"),
        ("a.zst", b"\x28\xb5\x2f\xfd\xff\xff\xff\xff"),
    ];
    for (name, bytes) in damaged {
        fs::write(dir.path().join(name), bytes).unwrap();
    }
    let (report, code) = scan_path(dir.path());
    assert_eq!((fingerprints(&report), code), (vec![key.fingerprint()], 3));
    let told: Vec<&str> = report["incidents"].as_array().unwrap().iter().map(|i| i["path"].as_str().unwrap()).collect();
    for (name, _) in damaged {
        let path = dir.path().join(name);
        assert!(told.iter().any(|told| told.starts_with(path.to_str().unwrap())), "{name}: {told:?}");
    }
}
