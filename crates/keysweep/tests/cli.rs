//! The command line end to end: what is read, what is reported, which exit code tells it.

mod common;

use common::{Key, fingerprints, keysweep, parse, scan, scan_path};
use std::fs;
use std::io::Write;
use std::process::Stdio;
use tempfile::tempdir;

#[test]
fn exit_codes_tell_clean_findings_usage_and_incomplete_apart() {
    let dir = tempdir().unwrap();
    fs::write(dir.path().join("readme.txt"), "nothing here").unwrap();
    assert_eq!(scan_path(dir.path()).1, 0);
    fs::write(dir.path().join("key.pem"), Key::new(1).pem()).unwrap();
    assert_eq!(scan_path(dir.path()).1, 1);
    assert_eq!(keysweep().args(["scan", "--no-such-flag", "."]).output().unwrap().status.code(), Some(2));
    assert_eq!(keysweep().args(["scan"]).output().unwrap().status.code(), Some(2));
    let (report, code) = scan_path(&dir.path().join("missing"));
    assert_eq!(code, 3);
    assert_eq!(report["complete"], false);
    let message = report["incidents"][0]["message"].as_str().unwrap();
    assert!(report["incidents"][0]["path"].as_str().unwrap().ends_with("missing"), "{report}");
    assert!(message.contains("no such file"), "{message}");
}

#[test]
fn thresholds_change_the_exit_code_and_the_report() {
    let dir = tempdir().unwrap();
    let path = dir.path().join("key.pem");
    fs::write(&path, Key::new(1).pem()).unwrap();
    let path = path.to_str().unwrap();
    let (report, code) = scan(&[path, "--fail-on", "critical"]);
    assert_eq!((report["findings"].as_array().unwrap().len(), code), (1, 0));
    let (report, code) = scan(&[path, "--min-severity", "critical"]);
    assert_eq!((report["findings"].as_array().unwrap().len(), code), (0, 0));
    assert_eq!(scan(&[path, "--min-proof", "proven"]).1, 1);
    assert_eq!(scan(&[path, "--skip", "pem-*"]).0["findings"].as_array().unwrap().len(), 0);
}

#[test]
fn a_key_is_proven_and_placed() {
    let dir = tempdir().unwrap();
    let key = Key::new(2);
    fs::write(dir.path().join("app.conf"), format!("a = 1\n\n  {}", key.pem())).unwrap();
    let (report, _) = scan_path(dir.path());
    let finding = &report["findings"][0];
    assert_eq!(fingerprints(&report), [key.fingerprint()]);
    assert_eq!(finding["proof"]["level"], "proven", "{report}");
    assert_eq!(finding["key"]["algorithm"], "Ed25519");
    let location = &finding["locations"][0];
    assert_eq!((&location["line"], &location["column"], &location["offset"]), (&3.into(), &3.into(), &9.into()));
}

#[test]
fn standard_input_and_lists_of_files_are_sources() {
    let key = Key::new(3);
    let mut child = keysweep()
        .args(["scan", "-", "--format", "json"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(key.pem().as_bytes()).unwrap();
    let (report, code) = parse(&child.wait_with_output().unwrap());
    assert_eq!((fingerprints(&report), code), (vec![key.fingerprint()], 1));
    assert_eq!(report["findings"][0]["locations"][0]["path"], "-");

    let dir = tempdir().unwrap();
    let listed = dir.path().join("with space.pem");
    fs::write(&listed, key.pem()).unwrap();
    fs::write(dir.path().join("other.pem"), Key::new(4).pem()).unwrap();
    for (separator, flag) in [("\n", None), ("\r\n", None), ("\0", Some("-0"))] {
        let list = dir.path().join("list");
        fs::write(&list, format!("{}{separator}", listed.display())).unwrap();
        let mut args = vec!["--files-from", list.to_str().unwrap()];
        args.extend(flag);
        assert_eq!(fingerprints(&scan(&args).0), [key.fingerprint()], "{separator:?}");
    }
}

#[test]
fn a_key_across_any_border_is_found_once_at_its_place() {
    let dir = tempdir().unwrap();
    let path = dir.path().join("image.bin");
    let key = Key::new(5);
    // Chunk borders of small files, segment borders of large ones.
    for (border, size) in [(512 << 10, 1 << 20), (40 << 20, 41 << 20)] {
        for before in [0, 1, 5, 11, 60, 140, 300] {
            let offset = border - before;
            let mut bytes = vec![0x20; size];
            bytes[offset..offset + key.pem().len()].copy_from_slice(key.pem().as_bytes());
            fs::write(&path, &bytes).unwrap();
            let (report, _) = scan_path(&path);
            assert_eq!(fingerprints(&report), [key.fingerprint()], "border {border} - {before}");
            let locations = report["findings"][0]["locations"].as_array().unwrap();
            assert_eq!((locations.len(), &locations[0]["offset"]), (1, &offset.into()));
        }
    }
}

/// Long stretches of zeros are not looked at; what lies at their edges is, as text in any form and as bare numbers.
#[test]
fn keys_amid_zeros_are_found_at_any_place() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("image");
    let mut image = vec![0; 24 << 20];
    let mut fingerprints = Vec::new();
    let at_page = |number: u64| (number as usize) << 20;
    for number in 1..20 {
        let key = Key::new(number);
        let utf16 = |to: fn(u16) -> [u8; 2]| key.pem().encode_utf16().flat_map(to).collect::<Vec<u8>>();
        let pair = [key.seed, key.public].concat();
        let bytes = match number % 4 {
            0 => utf16(u16::to_be_bytes),
            1 => key.pem().into_bytes(),
            2 => pair,
            _ => utf16(u16::to_le_bytes),
        };
        // At and around the ends of pages, of chunks, and of what threads take at a time.
        let at = at_page(number)
            + [0, 4096, 65_536, 1 << 19, 4096 - bytes.len(), (1 << 19) - bytes.len() / 16 * 8][number as usize % 6];
        image[at..at + bytes.len()].copy_from_slice(&bytes);
        fingerprints.push((key.fingerprint(), at as u64));
    }
    std::fs::write(&path, &image).unwrap();
    for jobs in ["1", "2"] {
        let (report, _) = scan(&["--jobs", jobs, path.to_str().unwrap()]);
        for (fingerprint, at) in &fingerprints {
            let findings = report["findings"].as_array().unwrap();
            let finding = findings
                .iter()
                .find(|finding| finding["fingerprint"] == **fingerprint)
                .unwrap_or_else(|| panic!("{at:#x}"));
            // In UTF-16 a zero before the text may be half of its first character.
            let offset = finding["locations"][0]["offset"].as_u64().unwrap();
            assert!(offset == *at || offset + 1 == *at, "{offset:#x} {at:#x}");
        }
    }
}

#[test]
fn a_stream_longer_than_a_block_is_searched_to_its_end() {
    let (near, far) = (Key::new(6), Key::new(7));
    let mut bytes = near.pem().into_bytes();
    bytes.resize((32 << 20) - 40, b' ');
    bytes.extend_from_slice(far.pem().as_bytes());
    bytes.resize(60 << 20, b' ');
    let mut child = keysweep()
        .args(["scan", "-", "--format", "json"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || input.write_all(&bytes).unwrap());
    let (report, _) = parse(&child.wait_with_output().unwrap());
    writer.join().unwrap();
    let mut expected = [near.fingerprint(), far.fingerprint()];
    expected.sort();
    assert_eq!(fingerprints(&report), expected);
}

#[test]
fn other_encodings_and_wrappings_are_seen_through() {
    let dir = tempdir().unwrap();
    let key = Key::new(8);
    let utf16 = |to: fn(u16) -> [u8; 2]| key.pem().encode_utf16().flat_map(to).collect::<Vec<u8>>();
    let base64 = data_encoding::BASE64.encode(key.pem().as_bytes());
    let forms: [(&str, Vec<u8>); 6] = [
        ("utf-16le", utf16(u16::to_le_bytes)),
        ("utf-16be", utf16(u16::to_be_bytes)),
        ("odd utf-16le", [vec![0xff], utf16(u16::to_le_bytes)].concat()),
        ("base64", format!("key: {base64}\n").into_bytes()),
        ("json", format!("{{\"key\":\"{}\"}}", key.pem().replace('\n', "\\n")).into_bytes()),
        ("der", [&[0x7f; 1001], key.der().as_slice(), &[0; 9]].concat()),
    ];
    for (name, bytes) in forms {
        let path = dir.path().join("file");
        fs::write(&path, bytes).unwrap();
        let (report, _) = scan_path(&path);
        assert_eq!(fingerprints(&report), [key.fingerprint()], "{name}");
        assert_eq!(report["findings"][0]["locations"].as_array().unwrap().len(), 1, "{name}: {report}");
    }
}

#[cfg(unix)]
#[test]
fn folders_are_walked_as_documented() {
    use std::os::unix::fs::symlink;
    let dir = tempdir().unwrap();
    let root = dir.path().join("root");
    fs::create_dir_all(root.join(".hidden")).unwrap();
    fs::create_dir_all(root.join("ignored")).unwrap();
    let keys: Vec<Key> = (10..15).map(Key::new).collect();
    fs::write(root.join("plain.txt"), keys[0].pem()).unwrap();
    fs::write(root.join(".hidden/k"), keys[1].pem()).unwrap();
    fs::write(root.join("ignored/k.pem"), keys[2].pem()).unwrap();
    fs::write(root.join(".gitignore"), "ignored/\n").unwrap();
    fs::write(dir.path().join("outside"), keys[3].pem()).unwrap();
    symlink(dir.path().join("outside"), root.join("link")).unwrap();
    let status = std::process::Command::new("mkfifo").arg(root.join("fifo")).status().unwrap();
    assert!(status.success());

    let root = root.to_str().unwrap();
    let found = |args: &[&str]| {
        let (report, _) = scan(&[&[root], args].concat());
        assert_eq!(report["complete"], true, "{report}");
        let all = fingerprints(&report);
        keys.iter().map(|k| all.contains(&k.fingerprint())).collect::<Vec<_>>()
    };
    assert_eq!(found(&[]), [true, true, true, false, false]);
    assert_eq!(found(&["--respect-gitignore"]), [true, true, false, false, false]);
    assert_eq!(found(&["--skip-hidden"]), [true, false, true, false, false]);
    assert_eq!(found(&["--follow"]), [true, true, true, true, false]);
    assert_eq!(found(&["--include", "*.txt"]), [true, false, false, false, false]);
    assert_eq!(found(&["--exclude", "ignored", "--exclude", "*.txt"]), [false, true, false, false, false]);
    assert_eq!(found(&["--max-file-size", "10"]), [false, false, false, false, false]);
    assert_eq!(found(&["--jobs", "1"]), [true, true, true, false, false]);
}

#[cfg(unix)]
#[test]
fn links_and_special_files_named_by_the_user() {
    let dir = tempdir().unwrap();
    let key = Key::new(16);
    fs::write(dir.path().join("k"), key.pem()).unwrap();
    std::os::unix::fs::symlink("k", dir.path().join("l")).unwrap();
    assert_eq!(fingerprints(&scan_path(&dir.path().join("l")).0), [key.fingerprint()]);
    std::os::unix::fs::symlink("nowhere", dir.path().join("broken")).unwrap();
    assert_eq!(scan_path(&dir.path().join("broken")).1, 3);
}

#[test]
fn one_key_in_many_places_is_one_finding() {
    let dir = tempdir().unwrap();
    let key = Key::new(17);
    for name in ["a", "b", "c"] {
        fs::write(dir.path().join(name), key.pem()).unwrap();
    }
    fs::write(dir.path().join("d"), key.der()).unwrap();
    let (report, _) = scan_path(dir.path());
    assert_eq!(fingerprints(&report), [key.fingerprint()]);
    assert_eq!(report["findings"][0]["locations"].as_array().unwrap().len(), 4);
}

#[test]
fn the_report_does_not_depend_on_the_number_of_threads() {
    let dir = tempdir().unwrap();
    for number in 20..60 {
        let key = Key::new(number);
        fs::write(dir.path().join(format!("{number}.pem")), key.pem()).unwrap();
        fs::write(dir.path().join(format!("{}.der", number / 2)), key.der()).unwrap();
    }
    let report = |jobs| {
        let (mut report, _) = scan(&[dir.path().to_str().unwrap(), "--jobs", jobs]);
        report["stats"]["milliseconds"] = 0.into();
        report
    };
    let one = report("1");
    assert_eq!(one["findings"].as_array().unwrap().len(), 40);
    for _ in 0..5 {
        assert_eq!(one, report("4"));
    }
}

#[test]
fn no_form_of_report_shows_the_secret() {
    let dir = tempdir().unwrap();
    let key = Key::new(18);
    let path = dir.path().join("key.pem");
    fs::write(&path, key.pem()).unwrap();
    for format in ["text", "json", "jsonl", "sarif", "gitlab", "github", "junit"] {
        let output = keysweep().args(["scan", "--format", format, "--color", "always"]).arg(&path).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{format}");
        let all = [output.stdout, output.stderr].concat();
        assert!(String::from_utf8_lossy(&all).contains(&key.fingerprint()), "{format} names the key");
        for spelling in key.spellings() {
            assert!(!all.windows(spelling.len()).any(|w| w == spelling), "{format} shows the secret");
        }
    }
}

#[test]
fn sarif_and_json_lines_are_well_formed() {
    let dir = tempdir().unwrap();
    let path = dir.path().join("a key#1.pem");
    fs::write(&path, format!("\n{}", Key::new(19).pem())).unwrap();
    let run = |format: &str| keysweep().args(["scan", "--format", format]).arg(dir.path()).output().unwrap().stdout;

    let sarif: serde_sarif::sarif::Sarif = serde_json::from_slice(&run("sarif")).unwrap();
    let result = &sarif.runs[0].results.as_ref().unwrap()[0];
    assert_eq!(result.rule_id.as_deref(), Some("pem-private-key"));
    let physical = result.locations.as_ref().unwrap()[0].physical_location.as_ref().unwrap();
    let uri = physical.artifact_location.as_ref().unwrap().uri.as_ref().unwrap();
    assert!(uri.ends_with("a%20key%231.pem"), "{uri}");
    assert_eq!(physical.region.as_ref().unwrap().start_line, Some(2));
    assert!(result.partial_fingerprints.as_ref().unwrap()["keysweepSecret/v1"].starts_with("spki-sha256:"));

    let lines = run("jsonl");
    let kinds: Vec<String> = lines
        .split(|b| *b == b'\n')
        .filter(|l| !l.is_empty())
        .map(|l| serde_json::from_slice::<serde_json::Value>(l).unwrap()["type"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(kinds, ["finding", "summary"]);
}

#[test]
fn public_halves_and_headers_alone_are_nothing() {
    let dir = tempdir().unwrap();
    let key = Key::new(22);
    let spki = keysweep_keys::PublicKey::okp(keysweep_keys::Algorithm::Ed25519, &key.public).unwrap().spki;
    fs::write(dir.path().join("public.der"), &spki).unwrap();
    let label = "PRIVATE KEY";
    fs::write(dir.path().join("readme.md"), format!("It starts with `-----BEGIN {label}-----`.\n")).unwrap();
    let pem = key.pem();
    fs::write(dir.path().join("cut.pem"), &pem[..70]).unwrap();
    fs::write(dir.path().join("elided.pem"), format!("-----BEGIN {label}-----\nMC4CAQAw...\n-----END {label}-----\n"))
        .unwrap();
    let (report, code) = scan_path(dir.path());
    assert_eq!((fingerprints(&report).len(), code), (0, 0), "{report}");
}
