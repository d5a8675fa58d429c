//! `keysweep git` and `keysweep hook` in repositories whose refs are in reftables.

mod common;
#[path = "common/repo.rs"]
mod repo;

use common::{Key, fingerprints, keysweep, parse};
use repo::{Repo, git_in, git_is_there};
use std::fs;
use std::path::Path;
use std::process::Command;

/// Whether git is there, and knows the format.
fn tables_are_known() -> bool {
    if !git_is_there() {
        return false;
    }
    let dir = tempfile::tempdir().unwrap();
    let init = Command::new("git").args(["init", "-q", "--ref-format=reftable"]).current_dir(dir.path()).output();
    let known = init.unwrap().status.success();
    if !known {
        eprintln!("skipped: this git knows no reftable");
    }
    known
}

fn repo(format: &str) -> Repo {
    Repo::with(&["--ref-format=reftable", &format!("--object-format={format}")])
}

/// Fingerprints that a scan of the repository at a path finds, sorted, and its exit code.
fn scan(path: &Path, what: &[&str]) -> (Vec<String>, i32) {
    let output = keysweep().arg("git").args(what).args(["--format", "json"]).arg(path).output().unwrap();
    assert_ne!(output.stdout, b"", "{}", String::from_utf8_lossy(&output.stderr));
    let (report, code) = parse(&output);
    let mut found = fingerprints(&report);
    found.sort();
    (found, code)
}

fn expected(keys: &[&Key]) -> (Vec<String>, i32) {
    let mut all: Vec<String> = keys.iter().map(|key| key.fingerprint()).collect();
    all.sort();
    (all, i32::from(!keys.is_empty()))
}

#[test]
fn history_begins_at_branches_tags_stashes_logs_and_work_trees() {
    if !tables_are_known() {
        return;
    }
    for format in ["sha1", "sha256"] {
        let repo = repo(format);
        let keys: Vec<Key> = (71..78).map(Key::new).collect();
        repo.commit("first", "x");
        repo.git(&["checkout", "-q", "-b", "side"]);
        repo.commit("side.pem", keys[0].pem());
        repo.git(&["checkout", "-q", "--detach", "main"]);
        repo.commit("tagged.pem", keys[1].pem());
        repo.git(&["tag", "-a", "-m", "t", "v1"]);
        repo.git(&["checkout", "-q", "main"]);
        for (file, key) in [("first", &keys[2]), ("first", &keys[3])] {
            repo.write(file, key.pem());
            repo.git(&["stash", "-q"]);
        }
        // Only the logs of `HEAD` and its branch remember it.
        repo.commit("lost.pem", keys[4].pem());
        repo.git(&["reset", "-q", "--hard", "HEAD~1"]);
        let linked = repo.beside("linked");
        repo.git(&["worktree", "add", "-q", "--detach", linked.to_str().unwrap()]);
        fs::write(linked.join("linked.pem"), keys[5].pem()).unwrap();
        git_in(&linked, &["add", "-A"]);
        git_in(&linked, &["commit", "-q", "-m", "linked"]);
        let all: Vec<&Key> = keys[..6].iter().collect();
        assert_eq!(scan(&repo.path, &["--history"]), expected(&all), "{format}");
        assert_eq!(scan(&linked, &["--history"]), expected(&all), "{format}");
        repo.git(&["pack-refs", "--all"]);
        assert_eq!(scan(&repo.path, &["--history"]), expected(&all), "{format}");
        // What is deleted with its log is reached by nothing.
        repo.git(&["stash", "drop", "-q"]);
        repo.git(&["branch", "-q", "-D", "side"]);
        repo.git(&["reflog", "expire", "--expire=all", "HEAD"]);
        let kept: Vec<&Key> = [1, 2, 4, 5].iter().map(|at| &keys[*at]).collect();
        assert_eq!(scan(&repo.path, &["--history"]), expected(&kept), "{format}");
        assert_eq!(scan(&repo.path, &["--history", "--dangling"]), expected(&all), "{format}");
    }
}

#[test]
fn many_transactions_and_blocks_are_read() {
    if !tables_are_known() {
        return;
    }
    let repo = repo("sha1");
    repo.git(&["config", "reftable.blockSize", "256"]);
    let key = Key::new(71);
    repo.commit("first", "x");
    let old = repo.commit("key.pem", key.pem());
    repo.git(&["reset", "-q", "--hard", "HEAD~1"]);
    repo.git(&["reflog", "expire", "--expire=all", "--all"]);
    assert_eq!(scan(&repo.path, &["--history"]), expected(&[]));
    for number in 0..300 {
        repo.git(&["update-ref", &format!("refs/tags/{:03}", number * 7 % 300), "HEAD"]);
    }
    repo.git(&["update-ref", "refs/tags/123", &old]);
    assert_eq!(scan(&repo.path, &["--history"]), expected(&[&key]));
    assert_eq!(scan(&repo.path, &["--range", "main..123"]), expected(&[&key]));
    repo.git(&["pack-refs", "--all"]);
    assert_eq!(scan(&repo.path, &["--history"]), expected(&[&key]));
    repo.git(&["tag", "-d", "123"]);
    assert_eq!(scan(&repo.path, &["--history"]), expected(&[]));
}

#[test]
fn ranges_are_named_as_git_names_them() {
    if !tables_are_known() {
        return;
    }
    let repo = repo("sha1");
    let (old, new, held) = (Key::new(71), Key::new(72), Key::new(73));
    repo.commit("old.pem", old.pem());
    repo.git(&["tag", "v1"]);
    repo.commit("between", "x");
    let last = repo.commit("new.pem", new.pem());
    repo.write("between", held.pem());
    repo.git(&["stash", "-q"]);
    for range in ["v1..main", "v1..HEAD", "HEAD~1..", "main~1..@", "main@{1}..main", &format!("v1..{}", &last[..10])] {
        assert_eq!(scan(&repo.path, &["--range", range]), expected(&[&new]), "{range}");
    }
    assert_eq!(scan(&repo.path, &["--range", "main"]), expected(&[&old, &new]));
    assert_eq!(scan(&repo.path, &["--range", "main..stash@{0}"]), expected(&[&held]));
    assert_eq!(scan(&repo.path, &["--since-ref", "v1"]), expected(&[&new]));
    let output = keysweep().args(["git", "--range", "nothing..main", repo.arg()]).output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    // In a linked work tree `HEAD` is another one.
    let linked = repo.beside("linked");
    repo.git(&["worktree", "add", "-q", "--detach", linked.to_str().unwrap(), "v1"]);
    assert_eq!(scan(&linked, &["--range", "HEAD"]), expected(&[&old]));
    fs::write(linked.join("old.pem"), new.pem()).unwrap();
    git_in(&linked, &["add", "-A"]);
    assert_eq!(scan(&linked, &["--staged"]), expected(&[&new]));
}

#[test]
fn what_is_staged_is_compared_with_head() {
    if !tables_are_known() {
        return;
    }
    let repo = repo("sha256");
    let (old, new) = (Key::new(71), Key::new(72));
    repo.write("old.pem", old.pem());
    repo.git(&["add", "-A"]);
    assert_eq!(scan(&repo.path, &["--staged"]), expected(&[&old]));
    repo.git(&["commit", "-q", "-m", "x"]);
    assert_eq!(scan(&repo.path, &["--staged"]), expected(&[]));
    repo.write("new.pem", new.pem());
    repo.git(&["add", "-A"]);
    assert_eq!(scan(&repo.path, &["--staged"]), expected(&[&new]));
}

#[cfg(unix)]
#[test]
fn hooks_refuse_commits_pushes_and_what_is_received() {
    if !tables_are_known() {
        return;
    }
    let repo = repo("sha1");
    let run = |folder: &Path, args: &[&str]| {
        let mut git = Command::new("git");
        git.args(["-c", "user.name=T", "-c", "user.email=t@example.com"]).args(args).current_dir(folder);
        git.env("GIT_CONFIG_GLOBAL", "/dev/null").output().unwrap().status.success()
    };
    let install = |folder: &Path, kind: &str| {
        let output = keysweep().args(["hook", "install", kind]).current_dir(folder).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    repo.commit("first", "x");
    install(&repo.path, "pre-commit");
    repo.write("key.pem", Key::new(1).pem());
    repo.git(&["add", "-A"]);
    assert!(!run(&repo.path, &["commit", "-q", "-m", "x"]));
    assert!(run(&repo.path, &["commit", "-q", "--no-verify", "-m", "x"]));
    let server = repo.beside("server");
    repo.git(&["init", "-q", "--bare", "--ref-format=reftable", server.to_str().unwrap()]);
    repo.git(&["remote", "add", "origin", server.to_str().unwrap()]);
    install(&repo.path, "pre-push");
    assert!(run(&repo.path, &["push", "-q", "origin", "main~1:refs/heads/main"]));
    assert!(!run(&repo.path, &["push", "-q", "origin", "main"]));
    install(&server, "pre-receive");
    assert!(!run(&repo.path, &["push", "-q", "--no-verify", "origin", "main"]));
    fs::remove_file(server.join("hooks/pre-receive")).unwrap();
    assert!(run(&repo.path, &["push", "-q", "--no-verify", "origin", "main"]));
    install(&server, "pre-receive");
    // What both have is not looked at again.
    repo.commit("clean", "x");
    assert!(run(&repo.path, &["push", "-q", "origin", "main"]));
    assert_eq!(scan(&repo.path, &["--history"]), expected(&[&Key::new(1)]));
}

#[test]
fn a_damaged_table_is_told() {
    if !tables_are_known() {
        return;
    }
    let repo = repo("sha1");
    let key = Key::new(71);
    repo.commit("key.pem", key.pem());
    repo.git(&["pack-refs", "--all"]);
    repo.git(&["tag", "other"]);
    repo.write("new", "x");
    repo.git(&["add", "-A"]);
    let folder = repo.path.join(".git/reftable");
    let list = fs::read_to_string(folder.join("tables.list")).unwrap();
    let last = folder.join(list.lines().next_back().unwrap());
    let mut bytes = fs::read(&last).unwrap();
    bytes[24] = b'x';
    // Tables are made read-only.
    fs::remove_file(&last).unwrap();
    fs::write(&last, bytes).unwrap();
    let name = last.file_name().unwrap().to_str().unwrap();
    for (what, found) in [(&["--history"][..], 1), (&["--staged"], 0), (&["--range", "main"], 0)] {
        let output = keysweep().arg("git").args(what).args(["--format", "json", repo.arg()]).output().unwrap();
        let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert_eq!(output.status.code(), Some(3), "{what:?}: {said}");
        assert!(said.contains(name), "{what:?}: {said}");
        assert_eq!(said.matches(&key.fingerprint()).count().min(1), found, "{what:?}: {said}");
    }
    repo.git(&["config", "extensions.refStorage", "else"]);
    let output = keysweep().args(["git", "--history", repo.arg()]).output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&output.stderr).contains("not supported"));
}
