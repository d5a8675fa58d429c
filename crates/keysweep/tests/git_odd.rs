//! `keysweep git` in repositories that are stored in unusual ways: it says so, or finds what is there.

mod common;
#[path = "common/repo.rs"]
mod repo;

use common::{Key, fingerprints, keysweep, parse};
use repo::{Repo, git_in, git_is_there};
use std::process::Command;

#[test]
fn refs_in_a_reftable_are_refused_not_overlooked() {
    if !git_is_there() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let init = Command::new("git").args(["init", "-q", "--ref-format=reftable"]).current_dir(dir.path()).output();
    if !init.unwrap().status.success() {
        eprintln!("skipped: this git knows no reftable");
        return;
    }
    std::fs::write(dir.path().join("key.pem"), Key::new(71).pem()).unwrap();
    git_in(dir.path(), &["add", "-A"]);
    git_in(dir.path(), &["commit", "-q", "-m", "x"]);
    for what in [&["--history"][..], &["--staged"], &["--range", "HEAD"]] {
        let output = keysweep().arg("git").args(what).current_dir(dir.path()).output().unwrap();
        assert_eq!(output.status.code(), Some(3), "{what:?}");
        assert!(String::from_utf8_lossy(&output.stderr).contains("reftable"), "{what:?}");
    }
}

#[test]
fn a_clone_of_depth_one_is_scanned_and_called_shallow() {
    if !git_is_there() {
        return;
    }
    let repo = Repo::new();
    repo.commit("old.pem", Key::new(72).pem());
    repo.remove("old.pem");
    let key = Key::new(73);
    repo.commit("new.pem", key.pem());
    let url = format!("file://{}", repo.arg());
    git_in(repo.path.parent().unwrap(), &["clone", "-q", "--depth", "1", &url, "clone"]);
    let clone = repo.beside("clone");
    let output = keysweep().args(["git", "--history", "--format", "json"]).arg(&clone).output().unwrap();
    let (report, code) = parse(&output);
    assert_eq!((fingerprints(&report), code), (vec![key.fingerprint()], 1));
    let incidents = report["incidents"].as_array().unwrap();
    assert!(incidents.iter().any(|i| i["message"].as_str().unwrap().contains("shallow")), "{report}");
}
