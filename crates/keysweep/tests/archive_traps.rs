//! Archives that are traps: bounded in depth and bytes, told in few lines, and never passed as clean.

mod common;

use common::{Key, fingerprints, made, scan_path};
use std::fs;
use std::path::Path;
use tempfile::{TempDir, tempdir};

/// The traps, if this machine can make them.
fn traps(key: &Key) -> Option<TempDir> {
    let dir = tempdir().unwrap();
    fs::write(dir.path().join("key.pem"), key.pem()).unwrap();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/traps.py");
    made(dir.path(), &["python3"], &format!("python3 {script} .")).then_some(dir)
}

/// Scans a file that cannot be looked through; the incidents, each a path and a message.
fn incidents(path: &Path) -> Vec<(String, String)> {
    let (report, code) = scan_path(path);
    assert_eq!((fingerprints(&report).len(), code, &report["complete"]), (0, 3, &false.into()), "{report}");
    let text = |incident: &serde_json::Value, name: &str| incident[name].as_str().unwrap().to_owned();
    report["incidents"].as_array().unwrap().iter().map(|i| (text(i, "path"), text(i, "message"))).collect()
}

#[test]
fn traps_are_told_and_bounded() {
    let Some(dir) = traps(&Key::new(800)) else { return };
    for (file, expected, most) in [
        // Its first file begins as a zip file does, so that it is looked into as one.
        ("quoted.zip", "overlap", 3),
        ("same.zip", "overlap", 1),
        ("deep.bin", "a depth of 8 levels", 1),
    ] {
        let incidents = incidents(&dir.path().join(file));
        assert!(incidents[0].1.contains(expected) && incidents.len() <= most, "{file}: {incidents:?}");
    }
    let (report, code) = scan_path(&dir.path().join("shallow.bin"));
    assert_eq!((fingerprints(&report), code), (vec![Key::new(800).fingerprint()], 1), "{report}");
}

#[test]
fn a_zip_file_that_holds_itself_ends_at_the_depth() {
    let Some(dir) = traps(&Key::new(801)) else { return };
    let path = dir.path().join("r.zip");
    if !path.exists() {
        eprintln!("skipped: Go's tests, which hold the file, are missing");
        return;
    }
    let incidents = incidents(&path);
    let [(place, message)] = &incidents[..] else { panic!("{incidents:?}") };
    assert_eq!(place.matches("!/r/r.zip").count(), 8, "{place}");
    assert!(message.contains("a depth of 8 levels"), "{message}");
}

#[test]
fn cabinets_of_lzx_are_unpacked() {
    let key = Key::new(803);
    let Some(dir) = traps(&key) else { return };
    // That the cabinet is one, other programs say.
    let check = "mkdir out && cabextract -q -d out lzx.cab && cmp out/key.pem key.pem";
    made(dir.path(), &["cabextract"], check);
    let path = dir.path().join("lzx.cab");
    let (report, code) = scan_path(&path);
    assert_eq!((fingerprints(&report), code), (vec![key.fingerprint()], 1), "{report}");
    let places = report["findings"][0]["locations"].as_array().unwrap();
    assert!(places.len() == 1 && places[0]["path"].as_str().unwrap().ends_with("lzx.cab!/key.pem"), "{report}");
    // Damaged anywhere: no panic.
    let whole = fs::read(&path).unwrap();
    for at in (60..whole.len()).step_by(whole.len() / 40) {
        let mut damaged = whole.clone();
        damaged[at] ^= 0x55;
        fs::write(&path, &damaged[..whole.len() - at % 3]).unwrap();
        let (report, code) = scan_path(&path);
        assert!(!report["incidents"].to_string().contains("internal error"), "{at}: {report}");
        assert_eq!(code == 3, report["complete"] == false && fingerprints(&report).is_empty(), "{at}: {report}");
    }
}
