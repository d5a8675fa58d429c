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

/// Key blobs of Windows (`BCRYPT_DH_PRIVATE_MAGIC`) whose numbers contradict each other, each of which takes a power modulo 4,096
/// bits to see.
#[test]
fn proofs_that_fail_are_counted_and_told() {
    let dir = tempfile::tempdir().unwrap();
    let (key, mut state) = (Key::new(630), 1u64);
    let mut random = |len: usize| -> Vec<u8> {
        let next = std::iter::repeat_with(|| {
            state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
            (state >> 33) as u8 | 1
        });
        next.take(len).collect()
    };
    let mut flood = Vec::new();
    for _ in 0..60 {
        flood.extend(b"DHPV\0\x02\0\0");
        // The modulus is the largest number.
        let (mut modulus, rest) = (random(512), random(3 * 512));
        modulus[0] = 0xff;
        flood.extend(modulus.into_iter().chain(rest));
    }
    fs::write(dir.path().join("flood.bin"), &flood).unwrap();
    fs::write(dir.path().join("few.bin"), &flood[..2 * (8 + 4 * 512)]).unwrap();
    fs::write(dir.path().join("good.pem"), key.pem()).unwrap();
    let (report, code) = scan_path(dir.path());
    assert_eq!((fingerprints(&report), code), (vec![key.fingerprint()], 3));
    let incidents = report["incidents"].as_array().unwrap();
    assert_eq!(incidents.len(), 1, "{incidents:?}");
    assert!(incidents[0].to_string().contains("form of a key"), "{incidents:?}");
}
