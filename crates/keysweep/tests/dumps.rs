//! Cores of real processes, taken with gdb's `gcore` and packed by `tests/dumps/pack`. The keys in them are throwaways.

mod common;

use common::{fingerprints, scan_path};
use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Command;
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

/// Rows of `dq` of WinDbg.
fn quadwords(bytes: &[u8], address: usize) -> String {
    let number = |eight: &[u8]| format!(" {:016x}", u64::from_le_bytes(eight.try_into().unwrap()));
    let row = |(i, row): (usize, &[u8])| {
        let address = address + 16 * i;
        format!(
            "{:08x}`{:08x} {}\n",
            address >> 32,
            address & 0xffff_ffff,
            row.chunks_exact(8).map(number).collect::<String>()
        )
    };
    bytes.chunks_exact(16).enumerate().map(row).collect()
}

#[test]
fn numbers_in_a_debuggers_text_are_found() {
    for name in ["gnutls-rsa", "wolfssl-rsa", "mbedtls-p256"] {
        let (_dir, path) = unpack(name);
        let core = fs::read(&path).unwrap();
        // Without the header of the core, which would tell what it is.
        let text = format!("0:000> dq 7f0000001000\n{}0:000> q\n", quadwords(&core[0x1000..], 0x7f00_0000_1000));
        let log = path.with_extension("txt");
        fs::write(&log, text).unwrap();
        let (report, code) = scan_path(&log);
        let wanted = format!("spki-sha256:{}", expected()[name].values().next().unwrap());
        let found: Vec<String> = fingerprints(&report).into_iter().filter(|f| f.starts_with("spki")).collect();
        assert_eq!((found, code), (vec![wanted], 1), "{name}: {report}");
        for place in report["findings"][0]["locations"].as_array().unwrap() {
            assert!(place["path"].as_str().unwrap().ends_with(".txt!/7f0000001000"), "{name}: {place}");
            let (address, offset) = (place["address"].as_u64().unwrap(), place["offset"].as_u64().unwrap());
            assert_eq!(address, 0x7f00_0000_1000 + offset, "{name}: {place}");
        }
    }
    // The core as a whole is the core that it was.
    let (_dir, path) = unpack("wolfssl-p256");
    let log = path.with_extension("txt");
    fs::write(&log, quadwords(&fs::read(&path).unwrap(), 0)).unwrap();
    let (report, _) = scan_path(&log);
    let wanted = format!("spki-sha256:{}", expected()["wolfssl-p256"]["p256"]);
    assert_eq!(fingerprints(&report), [wanted], "{report}");
}

#[test]
fn a_small_part_of_memory_is_searched_if_it_is_named() {
    let (_dir, path) = unpack("gnutls-rsa");
    let (report, _) = scan_path(&path);
    let wanted = format!("spki-sha256:{}", expected()["gnutls-rsa"]["rsa"]);
    let places = places(&report, &wanted);
    let (first, last) = (places[0].0 as usize, places.last().unwrap().0 as usize);
    let part = path.with_extension("part");
    fs::write(&part, &fs::read(&path).unwrap()[first - 100..last + 600]).unwrap();
    assert!(fs::metadata(&part).unwrap().len() < 8 << 10);
    assert_eq!(fingerprints(&scan_path(&part).0), [wanted]);
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

/// A core with 70 MiB between its segments, which are no memory: more than is held of a member, or of standard input.
fn stretched(core: &[u8]) -> Vec<u8> {
    const GAP: usize = 70 << 20;
    let number = |at: usize, len: usize| core[at..at + len].iter().rev().fold(0, |n, byte| n << 8 | usize::from(*byte));
    // The ELF header (gABI, chapter 4) tells where program headers lie, of what size and how many; each has its offset at 8.
    let (table, size, count) = (number(32, 8), number(54, 2), number(56, 2));
    let offsets: Vec<usize> = (0..count).map(|index| table + index * size + 8).collect();
    let mut begins: Vec<usize> = offsets.iter().map(|at| number(*at, 8)).collect();
    begins.sort_unstable();
    let cut = begins[count / 2];
    let mut long = core.to_vec();
    for at in offsets.into_iter().filter(|at| number(*at, 8) >= cut) {
        long[at..at + 8].copy_from_slice(&((number(at, 8) + GAP) as u64).to_le_bytes());
    }
    long.splice(cut..cut, std::iter::repeat_n(0, GAP));
    long
}

#[test]
fn large_dumps_are_searched_as_a_whole_wherever_they_come_from() {
    for name in ["ssh-agent", "mbedtls-p256"] {
        let (dir, path) = unpack(name);
        let core = stretched(&fs::read(&path).unwrap());
        fs::write(&path, core).unwrap();
        let (plain, _) = scan_path(&path);
        let wanted = expected()[name].values().map(|hash| format!("spki-sha256:{hash}")).collect::<Vec<_>>();
        assert!(wanted.iter().all(|key| fingerprints(&plain).contains(key)), "{name}: {plain}");
        let binary = assert_cmd::cargo::cargo_bin!("keysweep").display().to_string();
        for command in [
            format!("gzip -1 -c {name}.core > core.gz; {binary} scan -f json core.gz"),
            format!("tar czf core.tgz {name}.core; {binary} scan -f json core.tgz"),
            // As apport reports a crash.
            format!(
                "(printf 'ProblemType: Crash\\nDate: today\\nCoreDump: base64\\n'; base64 core.gz | sed 's/^/ /'; echo 'Signal: 11') \
                 > a.crash; {binary} scan -f json a.crash"
            ),
            format!("cat core.gz | {binary} scan -f json -"),
            format!("cat {name}.core | {binary} scan -f json -"),
        ] {
            let output = Command::new("sh").args(["-c", &command]).current_dir(dir.path()).output().unwrap();
            let (report, _) = common::parse(&output);
            assert_eq!(report["complete"], true, "{command}: {}", report["incidents"]);
            assert_eq!(fingerprints(&report), fingerprints(&plain), "{command}");
            let addresses = |report: &serde_json::Value| -> Vec<u64> {
                let findings = report["findings"].as_array().unwrap().iter();
                let places = findings.flat_map(|finding| finding["locations"].as_array().unwrap());
                let mut all: Vec<u64> = places.map(|place| place["address"].as_u64().unwrap()).collect();
                all.sort_unstable();
                all
            };
            assert_eq!(addresses(&report), addresses(&plain), "{command}");
        }
    }
}

/// Turns about one bit in so many over, always the same ones.
fn decay(bytes: &mut [u8], one_in: u64, seed: u64) {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    for byte in bytes {
        for bit in 0..8 {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            *byte ^= u8::from((state >> 20).is_multiple_of(one_in)) << bit;
        }
    }
}

/// What is said of the places of the finding with a fingerprint.
fn places(report: &serde_json::Value, fingerprint: &str) -> Vec<(u64, u64, String)> {
    let finding = report["findings"].as_array().unwrap().iter().find(|f| f["fingerprint"] == fingerprint);
    let finding = finding.unwrap_or_else(|| panic!("{fingerprint}: {}", report["findings"]));
    let number = |place: &serde_json::Value, name: &str| place[name].as_u64().unwrap();
    let of = |place: &serde_json::Value| {
        (number(place, "offset"), number(place, "length"), place["structure"].as_str().unwrap_or_default().to_string())
    };
    finding["locations"].as_array().unwrap().iter().map(of).collect()
}

#[test]
fn decayed_numbers_of_real_processes_are_rebuilt() {
    for (name, form) in
        [("mbedtls-rsa", "mbed TLS mpi"), ("nginx-worker", "OpenSSL BIGNUM"), ("gnutls-rsa", "GMP mpz_t")]
    {
        let (_dir, path) = unpack(name);
        let fingerprint = format!("spki-sha256:{}", expected()[name]["rsa"]);
        let before = places(&scan_path(&path).0, &fingerprint);
        assert!(before.iter().any(|(.., what)| what.contains(form)), "{before:?}");
        let mut core = fs::read(&path).unwrap();
        for (offset, length, _) in &before {
            decay(&mut core[*offset as usize..(offset + length) as usize], 50, *offset);
        }
        fs::write(&path, core).unwrap();
        let (report, code) = scan_path(&path);
        assert_eq!((code, &report["complete"]), (1, &true.into()), "{name}: {}", report["incidents"]);
        let after = places(&report, &fingerprint);
        let wrong = after.iter().filter(|(.., what)| what.ends_with(" bits wrong")).count();
        assert!(wrong >= 4, "{name}: {after:?}");
    }
}

#[test]
fn a_decayed_key_is_rebuilt_with_a_public_key_from_elsewhere() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../keysweep-keys/tests/data/der/rsa-2048.p1");
    let mut der = fs::read(data).unwrap();
    // The header of the sequence, the version, the modulus with a zero in front, and the public exponent.
    assert_eq!(der[4..12], [2, 1, 0, 2, 0x82, 1, 1, 0]);
    let key = keysweep_keys::PublicKey::rsa(&der[12..268], &[1, 0, 1]);
    let fingerprint = format!("spki-sha256:{}", key.fingerprint().hex());
    decay(&mut der, 20, 7);
    let mut image = vec![0; 256 << 10];
    for (page, bytes) in image.chunks_mut(4096).enumerate().filter(|(page, _)| page % 4 != 0) {
        bytes.iter_mut().enumerate().for_each(|(index, byte)| *byte = (index / 16 * page) as u8);
    }
    image[0x1_2345..][..der.len()].copy_from_slice(&der);
    let dir = tempdir().unwrap();
    let path = dir.path().join("memory.img");
    fs::write(&path, &image).unwrap();
    let (report, code) = scan_path(dir.path());
    assert_eq!((code, fingerprints(&report).len()), (0, 0), "{}", report["findings"]);
    fs::write(dir.path().join("server.spki"), &key.spki).unwrap();
    let (report, code) = scan_path(dir.path());
    assert_eq!((code, &report["complete"]), (1, &true.into()), "{}", report["incidents"]);
    let [(offset, length, what)] = &places(&report, &fingerprint)[..] else { panic!("{}", report["findings"]) };
    assert!((0x1_2345..0x1_2355).contains(offset) && *length > 1000, "{offset} {length}");
    assert!(what.starts_with("PKCS#1 DER, damaged, ") && what.ends_with(" bits wrong"), "{what}");
    // A hunt finds it with the public key alone.
    let output = common::keysweep()
        .args(["hunt", "--format", "json", "--key"])
        .args([dir.path().join("server.spki"), path])
        .output()
        .unwrap();
    let (report, code) = common::parse(&output);
    assert_eq!((code, fingerprints(&report)), (1, vec![fingerprint]), "{}", report["findings"]);
}
