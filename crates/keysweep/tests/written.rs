//! Keys whose numbers programs print, found in what they printed.

mod common;

use common::{fingerprints, made, scan_path};
use std::fs;
use std::path::Path;
use std::process::Command;
use tempfile::tempdir;

/// SHA-256 of the public key, as `openssl` says it.
fn fingerprint(dir: &Path, key: &str) -> String {
    let command = format!("openssl pkey -in {key} -pubout -outform DER | openssl dgst -sha256 -r");
    let output = Command::new("sh").args(["-ec", &command]).current_dir(dir).output().unwrap();
    format!("spki-sha256:{}", &String::from_utf8(output.stdout).unwrap()[..64])
}

#[test]
fn keys_that_openssl_prints_are_found() {
    let keys = [
        ("openssl genrsa -out key 2048 2>/dev/null", "written-rsa-private-key"),
        ("openssl genrsa -out key 4096 2>/dev/null", "written-rsa-private-key"),
        ("openssl genrsa -3 -primes 3 -out key 3072 2>/dev/null", "written-rsa-private-key"),
        ("openssl ecparam -name prime256v1 -genkey -noout -out key", "written-ec-private-key"),
        ("openssl ecparam -name secp384r1 -genkey -noout -out key", "written-ec-private-key"),
        ("openssl ecparam -name secp521r1 -genkey -noout -out key", "written-ec-private-key"),
        ("openssl genpkey -algorithm ed25519 -out key", "written-eddsa-private-key"),
        ("openssl genpkey -algorithm x25519 -out key", "written-x25519-private-key"),
    ];
    let dir = tempdir().unwrap();
    let public = "openssl pkey -in key -pubout | openssl pkey -pubin -text -noout > public; openssl pkey -in key -pubout >> public";
    for (command, rule) in keys {
        if !made(dir.path(), &["openssl"], &format!("{command}; openssl pkey -in key -text -noout > text; {public}")) {
            return;
        }
        let name = fingerprint(dir.path(), "key");
        let (report, code) = scan_path(&dir.path().join("text"));
        assert_eq!((fingerprints(&report), code), (vec![name], 1), "{command}: {report}");
        let finding = &report["findings"][0];
        assert_eq!((&finding["rule"], &finding["proof"]["level"]), (&rule.into(), &"proven".into()), "{report}");
        assert!(finding["locations"][0]["line"].as_u64() > Some(1), "{report}");
        // With the line ends of a terminal or of Windows.
        let text = fs::read_to_string(dir.path().join("text")).unwrap();
        fs::write(dir.path().join("terminal"), text.replace('\n', "\r\n")).unwrap();
        assert_eq!(fingerprints(&scan_path(&dir.path().join("terminal")).0).len(), 1, "{command}");
        let (report, code) = scan_path(&dir.path().join("public"));
        assert_eq!((fingerprints(&report).len(), code), (0, 0), "{command}: {report}");
        // Other numbers of the same form are no key.
        let other = text.replace(['3', '5', '7', '9'], "8");
        fs::write(dir.path().join("other"), other).unwrap();
        assert_eq!(scan_path(&dir.path().join("other")).1, 0, "{command}");
    }
}

#[test]
fn keys_that_certtool_prints_are_found() {
    let dir = tempdir().unwrap();
    for kind in ["rsa", "ecdsa", "ed25519"] {
        let bits = if kind == "rsa" { "--bits 3072" } else { "" };
        let command = format!(
            "certtool --generate-privkey --no-text --key-type {kind} {bits} --pkcs8 --password= --outfile key 2>/dev/null; certtool --key-info --infile key | sed '/BEGIN/,$d' > text"
        );
        if made(dir.path(), &["certtool", "openssl"], &command) {
            let (report, _) = scan_path(&dir.path().join("text"));
            assert_eq!(fingerprints(&report), [fingerprint(dir.path(), "key")], "{kind}: {report}");
        }
    }
}

#[test]
fn an_old_commit_is_searched_too() {
    let dir = tempdir().unwrap();
    let commit = "git -c user.name=a -c user.email=a@example.org commit -qm x";
    let command = format!(
        "openssl genrsa -out key 2048 2>/dev/null; git init -q r; cd r; openssl rsa -in ../key -text -noout > a.txt; \
         git add .; {commit}; git rm -q a.txt; {commit}"
    );
    if made(dir.path(), &["git", "openssl"], &command) {
        let repository = dir.path().join("r");
        let output =
            common::keysweep().args(["git", "--history", "--format", "json"]).arg(repository).output().unwrap();
        assert_eq!(fingerprints(&common::parse(&output).0), [fingerprint(dir.path(), "key")]);
    }
}

#[test]
fn numbers_of_structures_are_found_across_the_parts_of_a_large_file() {
    let dir = tempdir().unwrap();
    let line = "a line of a log that says nothing at all, again and again\n";
    let command = "openssl genrsa -out key 2048 2>/dev/null; openssl asn1parse -in key -strparse 22 > text";
    if !made(dir.path(), &["openssl"], command) {
        return;
    }
    let text = fs::read_to_string(dir.path().join("text")).unwrap();
    let (first, second) = text.split_at(text.len() / 2);
    let (first, second) = (first.rsplit_once('\n').unwrap().0, [first.rsplit_once('\n').unwrap().1, second].concat());
    let log = format!("{first}\n{}{second}\n{}", line.repeat(30_000), line.repeat(30_000));
    fs::write(dir.path().join("log"), log).unwrap();
    let (report, _) = scan_path(&dir.path().join("log"));
    assert_eq!(fingerprints(&report), [fingerprint(dir.path(), "key")], "{report}");
    assert_eq!(report["findings"][0]["locations"].as_array().unwrap().len(), 6, "d, p, q, dp, dq, qinv: {report}");
}
