//! Exposures end to end: an account with what it reaches, and the reports of several hosts.

mod common;

use serde_json::{Value, json};
use std::fs;
use std::path::Path;

fn keysweep(args: &[&str]) -> (i32, String, String) {
    let output = common::keysweep().args(args).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

/// An Ed25519 key in the form of PKCS#8, and the line of `authorized_keys` for it.
fn key(seed: u8) -> (String, String) {
    let key = common::Key::new(seed.into());
    let mut blob = vec![0, 0, 0, 11];
    blob.extend(b"ssh-ed25519\0\0\0\x20");
    blob.extend(key.public);
    (key.pem(), format!("ssh-ed25519 {} someone\n", data_encoding::BASE64.encode(&blob)))
}

#[cfg(unix)]
fn mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[cfg(unix)]
#[test]
fn a_key_on_a_share_that_opens_an_account() {
    let dir = tempfile::tempdir().unwrap();
    mode(dir.path(), 0o755);
    let (home, share) = (dir.path().join("home/ann"), dir.path().join("share"));
    fs::create_dir_all(home.join(".ssh")).unwrap();
    fs::create_dir(&share).unwrap();
    let (pem, line) = key(3);
    fs::write(share.join("deploy.pem"), pem).unwrap();
    mode(&share.join("deploy.pem"), 0o644);
    fs::write(home.join(".ssh/authorized_keys"), line).unwrap();
    let (home, share) = (home.to_str().unwrap(), share.to_str().unwrap());
    let report = dir.path().join("report.json");
    let sweep = |more: &[&str]| {
        let common = ["account", "--home", home, "--no-progress", "--format", "json", "-o", report.to_str().unwrap()];
        let (code, _, errors) = keysweep(&[&common[..], more].concat());
        assert_eq!(errors, "");
        (code, serde_json::from_slice::<Value>(&fs::read(&report).unwrap()).unwrap())
    };
    let (code, found) = sweep(&[share]);
    assert_eq!(code, 1);
    let rules: Vec<&str> = found["exposures"].as_array().unwrap().iter().map(|e| e["rule"].as_str().unwrap()).collect();
    assert!(rules.contains(&"ssh-key-opens-account") && rules.contains(&"trusted-key-readable-by-others"), "{rules:?}");
    let exposure = &found["exposures"][0];
    assert!(exposure["links"].as_array().unwrap().len() > 1 && !exposure["fix"].as_array().unwrap().is_empty());

    // Explained out of the report, by the exposure and by the key.
    let (code, text, _) = keysweep(&["explain", exposure["id"].as_str().unwrap(), report.to_str().unwrap()]);
    assert_eq!(code, 0);
    assert!(text.contains("chain") && text.contains("do first"), "{text}");
    let fingerprint = exposure["keys"][0].as_str().unwrap();
    let (_, text, _) = keysweep(&["explain", &fingerprint[..24], report.to_str().unwrap()]);
    assert!(text.contains("[exposure]") && text.contains("Ed25519"), "{text}");
    assert_eq!(keysweep(&["explain", "nothing", report.to_str().unwrap()]).0, 2);

    // Without the key on the share there is nothing.
    let (code, found) = sweep(&[]);
    assert_eq!((code, found.get("exposures")), (0, None));
    assert_eq!(keysweep(&["account", "--home", home, "/no/such/folder"]).0, 2);
}

#[test]
fn rules_of_exposures_are_explained_and_wrong_ones_refused() {
    let (code, text, _) = keysweep(&["explain", "storm-0558"]);
    assert_eq!(code, 0);
    assert!(text.contains("crossing") && text.contains("What to do"), "{text}");
    let (code, _, errors) = keysweep(&["explain", "no-such-rule"]);
    assert_eq!(code, 2);
    assert!(errors.contains("key-in-synced-folder"), "{errors}");
    let dir = tempfile::tempdir().unwrap();
    let wrong = dir.path().join("wrong.toml");
    for (text, says) in [
        ("[[exposure]]\nid = 1", "line"),
        (
            "[[exposure]]\nid = 'a'\ntitle = '{who}'\nseverity = 'high'\nper = []\nfix = ['x']\nlink = [{ fact = 'key', say = '' }]",
            "no link says what 'who' is",
        ),
        ("[[zone]]\nname = 'a'", "unknown field"),
    ] {
        fs::write(&wrong, text).unwrap();
        let home = dir.path().to_str().unwrap();
        let (code, _, errors) =
            keysweep(&["account", "--home", home, "--exposure-rules", wrong.to_str().unwrap(), "--no-progress"]);
        assert_eq!(code, 2, "{text}");
        assert!(errors.contains(says), "{errors}");
    }
}

#[test]
fn one_key_on_several_hosts() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    for (host, seed) in [("build-1", 1), ("laptop-7", 1), ("web-3", 2)] {
        fs::create_dir(path(host)).unwrap();
        fs::write(format!("{}/id.pem", path(host)), key(seed).0).unwrap();
        let report = path(&format!("{host}.json"));
        keysweep(&["scan", &path(host), "--no-progress", "--format", "json", "-o", &report]);
    }
    fs::write(
        path("zones.toml"),
        "[[zone]]\nname = 'build'\nhosts = ['build-*']\n[[zone]]\nname = 'corporate'\nhosts = ['laptop-*']",
    )
    .unwrap();
    let reports = [path("build-1.json"), path("laptop-7.json"), path("web-3.json")];
    let correlate = |more: &[&str]| {
        let names: Vec<&str> = reports.iter().map(String::as_str).collect();
        let (code, out, errors) = keysweep(&[&["correlate", "--format", "json"], more, &names].concat());
        assert_eq!(errors, "");
        (code, serde_json::from_str::<Value>(&out).unwrap())
    };
    let (code, found) = correlate(&[]);
    let exposures = found["exposures"].as_array().unwrap();
    assert_eq!((code, exposures.len(), &exposures[0]["rule"]), (1, 1, &json!("key-on-several-hosts")));
    let said = exposures[0]["title"].as_str().unwrap();
    assert!(said.contains("build-1") && said.contains("laptop-7"), "{said}");
    let (_, found) = correlate(&["--zones", &path("zones.toml")]);
    let exposures = found["exposures"].as_array().unwrap();
    assert_eq!((exposures.len(), &exposures[0]["rule"]), (1, &json!("key-in-several-zones")));

    // What is no report makes the outcome incomplete, and the others are joined all the same.
    fs::write(&reports[2], "{").unwrap();
    let (code, found) = correlate(&[]);
    assert_eq!((code, found["exposures"].as_array().unwrap().len()), (3, 1));
    assert!(found["incidents"][0]["message"].as_str().unwrap().contains("no report"));
}
