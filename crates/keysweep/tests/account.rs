//! `keysweep account`, end to end.

mod common;

use common::{Key, keysweep, parse};
use serde_json::Value;
use std::fs;
use std::path::Path;

fn sweep(home: &Path, more: &[&str]) -> (Value, i32) {
    let output = keysweep()
        .args(["account", "--no-progress", "--format", "json", "--home"])
        .arg(home)
        .args(more)
        .output()
        .unwrap();
    parse(&output)
}

fn facts<'r>(report: &'r Value, predicate: &str, path: &str) -> Vec<&'r Value> {
    let all = report["facts"].as_array().map_or(&[][..], Vec::as_slice).iter();
    let at =
        |fact: &Value| ["path", "place"].iter().any(|f| fact["fields"][f].as_str().is_some_and(|p| p.ends_with(path)));
    all.filter(|fact| fact["predicate"] == predicate && at(fact)).map(|fact| &fact["fields"]).collect()
}

fn write(home: &Path, name: &str, text: impl AsRef<[u8]>) {
    let path = home.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, text).unwrap();
    #[cfg(unix)]
    mode(&path, 0o600);
}

#[cfg(unix)]
fn mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// Text that no one guesses, the same each time and in no list of rules.
fn token(number: u64) -> String {
    common::Key::new(number)
        .seed
        .iter()
        .map(|b| char::from(b"abcdefghjkmnpqrstuvwxyz23456789ABC"[usize::from(*b) % 34]))
        .collect()
}

#[test]
fn what_a_reader_and_the_scan_find_is_one_credential() {
    let home = tempfile::tempdir().unwrap();
    let key = Key::new(901);
    write(home.path(), ".ssh/id_ed25519", key.pem());
    let (report, code) = sweep(home.path(), &[]);
    assert_eq!(code, 1);
    let credentials = facts(&report, "credential", ".ssh/id_ed25519");
    assert_eq!(credentials.len(), 1, "{credentials:?}");
    assert_eq!(credentials[0]["fingerprint"], key.fingerprint());
    assert_eq!((&credentials[0]["tool"], &credentials[0]["verdict"]), (&Value::from("OpenSSH"), &Value::from("weak")));
    let details = report["findings"][0]["details"].to_string();
    assert!(details.contains("OpenSSH") && details.contains("weak: in the clear"), "{details}");
}

#[test]
fn secrets_that_only_the_format_shows_are_findings_and_never_shown() {
    let home = tempfile::tempdir().unwrap();
    let secret = token(902);
    write(
        home.path(),
        ".config/rclone/rclone.conf",
        format!("[box]\ntype = webdav\nhost = dav.test\npass = {secret}\n"),
    );
    for format in ["json", "jsonl", "sarif", "text"] {
        let mut command = keysweep();
        let output =
            command.args(["account", "--no-progress", "-f", format, "--home"]).arg(home.path()).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{format}");
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(text.contains("rclone") && text.contains("dav.test"), "{format}: {text}");
        assert!(!text.contains(&secret[..8]), "{format} shows the secret");
    }
}

#[cfg(unix)]
#[test]
fn what_is_kept_as_well_as_can_be_fails_nothing() {
    let home = tempfile::tempdir().unwrap();
    write(home.path(), ".pgpass", format!("db.test:5432:app:alice:{}\n", token(903)));
    write(home.path(), ".docker/config.json", r#"{"auths":{"ghcr.io":{}},"credsStore":"desktop"}"#);
    let (report, code) = sweep(home.path(), &[]);
    assert_eq!(code, 0, "{report:#}");
    assert_eq!(facts(&report, "credential", ".pgpass")[0]["verdict"], "good");
    mode(&home.path().join(".pgpass"), 0o644);
    let verdict = |home_mode: u32| {
        mode(home.path(), home_mode);
        let (report, code) = sweep(home.path(), &[]);
        assert_eq!(code, 1);
        facts(&report, "credential", ".pgpass")[0]["verdict"].clone()
    };
    // The home lets nobody in, but the mode of the file would.
    assert_eq!(verdict(0o700), "weak");
    assert_eq!(verdict(0o755), "open");
}

#[cfg(unix)]
#[test]
fn a_mounted_disk_has_its_own_accounts() {
    let disk = tempfile::tempdir().unwrap();
    let root = disk.path();
    fs::create_dir_all(root.join("etc")).unwrap();
    let me = std::os::unix::fs::MetadataExt::uid(&fs::metadata(root).unwrap());
    fs::write(root.join("etc/passwd"), format!("carol:x:{me}:{me}::/home/carol:/bin/sh\n")).unwrap();
    write(root, "home/carol/.netrc", format!("machine a.test login carol password {}\n", token(904)));
    for folder in ["home", "home/carol"] {
        mode(&root.join(folder), 0o755);
    }
    mode(&root.join("home/carol/.netrc"), 0o644);
    let output = keysweep()
        .args(["account", "--no-progress", "-f", "json", "--user", "carol", "--root"])
        .arg(root)
        .output()
        .unwrap();
    let (report, _) = parse(&output);
    let credential = facts(&report, "credential", ".netrc")[0];
    assert_eq!((&credential["account"], &credential["name"]), (&Value::from("carol"), &Value::from("carol")));
    // Above the root of the disk nothing counts.
    let file = facts(&report, "file", ".netrc")[0];
    assert_eq!((&file["owner"], &file["world_readable"]), (&Value::from("carol"), &Value::from(true)));
    let unknown = keysweep().args(["account", "--user", "nobody-at-all", "--root"]).arg(root).output().unwrap();
    assert_eq!(unknown.status.code(), Some(2));
}

#[test]
fn trust_is_read_from_given_files() {
    let home = tempfile::tempdir().unwrap();
    let key = Key::new(905);
    write(home.path(), "home/signing.pem", key.pem());
    let x = data_encoding::BASE64URL_NOPAD.encode(&key.public);
    write(home.path(), "published", format!(r#"{{"keys":[{{"kty":"OKP","crv":"Ed25519","kid":"k1","x":"{x}"}}]}}"#));
    let trust = home.path().join("published");
    let (report, _) = sweep(&home.path().join("home"), &["--trust", trust.to_str().unwrap()]);
    let trusted = facts(&report, "trust", "published");
    assert_eq!(trusted.len(), 1, "{:#}", report["facts"]);
    assert_eq!(
        (&trusted[0]["purpose"], &trusted[0]["fingerprint"]),
        (&"token-signing".into(), &key.fingerprint().into())
    );
}

#[cfg(unix)]
#[test]
fn hostile_homes_end_and_are_told() {
    let home = tempfile::tempdir().unwrap();
    let at = |name: &str| home.path().join(name);
    fs::create_dir_all(at(".ssh")).unwrap();
    // A loop of links, a FIFO where a key is expected, a socket of no agent, a huge sparse file and a broken database.
    std::os::unix::fs::symlink("..", at(".ssh/loop")).unwrap();
    std::os::unix::fs::symlink("b", at(".ssh/id_a")).unwrap();
    std::os::unix::fs::symlink("id_a", at(".ssh/b")).unwrap();
    let fifo = std::process::Command::new("mkfifo").arg(at(".ssh/id_rsa")).status();
    let _socket = std::os::unix::net::UnixListener::bind(at(".ssh/x.sock"));
    write(home.path(), ".docker/config.json", "{\"auths\": [[[[");
    write(home.path(), ".mozilla/firefox/x/cookies.sqlite", b"SQLite format 3\0 and no more");
    let huge = fs::File::create(at(".git-credentials")).unwrap();
    huge.set_len(100 << 20).unwrap();
    let (report, code) = sweep(home.path(), &["--agents"]);
    assert_eq!(code, 3);
    let incidents = report["incidents"].to_string();
    for part in ["damaged SQLite", "not the JSON", "longer than"] {
        assert!(incidents.contains(part), "{part}: {incidents}");
    }
    if fifo.is_ok_and(|status| status.success()) {
        assert!(incidents.contains("no regular file"), "{incidents}");
    }
}

#[cfg(unix)]
#[test]
fn agents_are_asked_only_if_wanted() {
    use std::io::{Read, Write};
    let home = tempfile::tempdir().unwrap();
    let key = Key::new(907);
    fs::create_dir_all(home.path().join(".ssh")).unwrap();
    let listener = std::os::unix::net::UnixListener::bind(home.path().join(".ssh/agent.sock")).unwrap();
    let string = |bytes: &[u8]| [&(bytes.len() as u32).to_be_bytes()[..], bytes].concat();
    let blob = [string(b"ssh-ed25519"), string(&key.public)].concat();
    let answer = string(&[&[12, 0, 0, 0, 1][..], &string(&blob), &string(b"me")].concat());
    let agent = std::thread::spawn(move || {
        let mut stream = listener.accept().unwrap().0;
        let mut question = [0; 5];
        stream.read_exact(&mut question).unwrap();
        stream.write_all(&answer).unwrap();
        question
    });
    let (report, _) = sweep(home.path(), &[]);
    assert_eq!(facts(&report, "agent_socket", "agent.sock").len(), 1);
    assert!(!report["facts"].to_string().contains("agent_held"));
    let (report, _) = sweep(home.path(), &["--agents"]);
    assert_eq!(agent.join().unwrap(), [0, 0, 0, 1, 11]);
    let all = report["facts"].as_array().unwrap();
    let held = all.iter().find(|fact| fact["predicate"] == "agent_held" && fact["fields"]["name"] == "me").unwrap();
    assert_eq!(held["fields"]["fingerprint"], key.fingerprint());
}

#[cfg(unix)]
#[test]
fn links_out_of_the_home_are_told() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), "dotfiles/netrc", format!("machine a.test password {}\n", token(906)));
    fs::create_dir_all(dir.path().join("home")).unwrap();
    std::os::unix::fs::symlink(dir.path().join("dotfiles/netrc"), dir.path().join("home/.netrc")).unwrap();
    let (report, code) = sweep(&dir.path().join("home"), &[]);
    assert_eq!(code, 3);
    assert!(report["incidents"].to_string().contains("is a link to"), "{report}");
}

#[test]
fn locations_are_checked_with_the_rules() {
    let output = keysweep().args(["rules", "test"]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && text.contains(" locations, "), "{text}");
}
