//! `keysweep git --staged`, `--range` and `--since-ref`: only what is new, exactly.

mod common;
#[path = "common/repo.rs"]
mod repo;

use common::{Key, fingerprints, keysweep, parse};
use repo::{Repo, git_in, git_is_there};
use serde_json::Value;
use std::fs;
use std::path::Path;

fn git(path: &Path, args: &[&str]) -> (Value, i32) {
    parse(&keysweep().args(["git", "--format", "json"]).args(args).arg(path).output().unwrap())
}

fn staged(repo: &Repo) -> (Vec<String>, i32) {
    let (report, code) = git(&repo.path, &["--staged"]);
    (fingerprints(&report), code)
}

fn of(key: &Key) -> (Vec<String>, i32) {
    (vec![key.fingerprint()], 1)
}

const CLEAN: (Vec<String>, i32) = (Vec::new(), 0);

#[test]
fn only_what_is_staged_counts_also_before_the_first_commit() {
    if !git_is_there() {
        return;
    }
    let repo = Repo::new();
    assert_eq!(staged(&repo), CLEAN);
    let (first, second) = (Key::new(1), Key::new(2));
    repo.write("ключи/a b.pem", first.pem());
    assert_eq!(staged(&repo), CLEAN, "the work tree is not looked at");
    repo.git(&["add", "-N", "ключи/a b.pem"]);
    assert_eq!(staged(&repo), CLEAN, "announced only");
    repo.git(&["add", "-A"]);
    let (report, code) = git(&repo.path, &["--staged"]);
    assert_eq!((fingerprints(&report), code), of(&first));
    let place = &report["findings"][0]["locations"][0];
    assert_eq!((&place["path"], &place["git"]["path"]), (&"ключи/a b.pem".into(), &"ключи/a b.pem".into()));
    // What is staged counts, not what was made of it since.
    repo.write("ключи/a b.pem", "clean");
    assert_eq!(staged(&repo), of(&first));
    repo.git(&["commit", "-q", "-m", "first"]);
    assert_eq!(staged(&repo), CLEAN);
    repo.write("new", second.pem());
    repo.git(&["add", "new"]);
    assert_eq!(staged(&repo), of(&second));
    let linked = repo.beside("linked");
    repo.git(&["worktree", "add", "-q", linked.to_str().unwrap()]);
    assert_eq!(git(&linked, &["--staged"]).1, 0, "each work tree has an index of its own");
}

#[test]
fn of_a_changed_text_only_new_lines_count() {
    if !git_is_there() {
        return;
    }
    let repo = Repo::new();
    let (old, new) = (Key::new(3), Key::new(4));
    repo.commit("conf", format!("a\n{}b\n", old.pem()));
    repo.write("conf", format!("# changed\na\n{}b\n", old.pem()));
    repo.git(&["add", "conf"]);
    assert_eq!(staged(&repo), CLEAN);
    repo.write("conf", format!("a\n{}b\n{}", old.pem(), new.pem()));
    repo.git(&["add", "conf"]);
    let (report, code) = git(&repo.path, &["--staged"]);
    assert_eq!((fingerprints(&report), code), of(&new));
    assert_eq!(report["findings"][0]["locations"][0]["line"], 7);
    // Binary: the whole file.
    repo.write("conf", [b"\0".as_slice(), old.pem().as_bytes()].concat());
    repo.git(&["add", "conf"]);
    assert_eq!(staged(&repo), of(&old));
}

#[test]
fn renames_modes_deletions_and_submodules_add_nothing() {
    if !git_is_there() {
        return;
    }
    let repo = Repo::new();
    let key = Key::new(5);
    repo.commit("a/one", key.pem());
    repo.commit("b/two", "x");
    let head = repo.git(&["rev-parse", "HEAD"]);
    repo.git(&["mv", "a/one", "moved"]);
    assert_eq!(staged(&repo), CLEAN, "renamed");
    repo.git(&["reset", "-q", "--hard"]);
    repo.git(&["update-index", "--chmod=+x", "a/one"]);
    assert_eq!(staged(&repo), CLEAN, "mode");
    repo.git(&["reset", "-q", "--hard"]);
    repo.git(&["rm", "-q", "-r", "--cached", "a"]);
    assert_eq!(staged(&repo), CLEAN, "deleted");
    repo.git(&["reset", "-q", "--hard"]);
    repo.git(&["update-index", "--add", "--cacheinfo", &format!("160000,{head},sub")]);
    assert_eq!(staged(&repo), CLEAN, "submodule");
    // A copy is a new place of the secret; a file in place of a folder, and a folder in place of a file.
    fs::copy(repo.path.join("a/one"), repo.path.join("copy")).unwrap();
    repo.git(&["add", "copy"]);
    assert_eq!(staged(&repo), of(&key), "copied");
    repo.git(&["reset", "-q", "--hard"]);
    let new = Key::new(6);
    repo.git(&["rm", "-q", "-r", "b"]);
    repo.commit("b", "file");
    repo.git(&["rm", "-q", "b"]);
    repo.write("b/c/d", new.pem());
    repo.git(&["add", "-A"]);
    assert_eq!(staged(&repo), of(&new), "folder for a file");
    repo.git(&["commit", "-q", "-m", "x"]);
    repo.git(&["rm", "-q", "-r", "b"]);
    repo.write("b", Key::new(7).pem());
    repo.git(&["add", "-A"]);
    assert_eq!(staged(&repo), of(&Key::new(7)), "file for a folder");
}

#[cfg(unix)]
#[test]
fn the_target_of_a_link_is_its_content() {
    if !git_is_there() {
        return;
    }
    let repo = Repo::new();
    fs::write(repo.beside("key.pem"), Key::new(8).pem()).unwrap();
    std::os::unix::fs::symlink("../key.pem", repo.path.join("link")).unwrap();
    repo.git(&["add", "-A"]);
    assert_eq!(staged(&repo), CLEAN, "links are not followed");
}

#[test]
fn conflicts_and_other_indexes_are_read() {
    if !git_is_there() {
        return;
    }
    let repo = Repo::new();
    let (ours, theirs) = (Key::new(9), Key::new(10));
    repo.commit("f", "base\n");
    repo.git(&["checkout", "-q", "-b", "side"]);
    repo.commit("f", theirs.pem());
    repo.git(&["checkout", "-q", "main"]);
    repo.commit("f", ours.pem());
    let merge = std::process::Command::new("git")
        .args(["-c", "user.name=T", "-c", "user.email=t@example.com", "merge", "-q", "side"])
        .current_dir(&repo.path)
        .output()
        .unwrap();
    assert!(!merge.status.success(), "there must be a conflict");
    assert_eq!(staged(&repo), of(&theirs));
    repo.git(&["reset", "-q", "--hard"]);
    // `git commit -a` has an index of its own while its hook runs.
    let key = Key::new(11);
    let index = repo.beside("index");
    fs::copy(repo.path.join(".git/index"), &index).unwrap();
    repo.write("g", key.pem());
    let add = std::process::Command::new("git")
        .args(["add", "g"])
        .current_dir(&repo.path)
        .env("GIT_INDEX_FILE", &index)
        .status()
        .unwrap();
    assert!(add.success());
    assert_eq!(staged(&repo), CLEAN);
    let output = keysweep()
        .args(["git", "--staged", "--format", "json"])
        .current_dir(&repo.path)
        .env("GIT_INDEX_FILE", &index)
        .output()
        .unwrap();
    assert_eq!((fingerprints(&parse(&output).0), output.status.code()), (vec![key.fingerprint()], Some(1)));
}

#[test]
fn what_git_says_is_added_is_what_is_scanned() {
    if !git_is_there() {
        return;
    }
    // Many folders, of which some change: the cached trees of the index are partly valid.
    let repo = Repo::new();
    for i in 0..60 {
        repo.write(&format!("d{}/e{}/f{i}", i % 4, i % 7), format!("file {i}\n"));
        repo.write(&format!("d{}.x/f{i}", i % 4), format!("other {i}\n"));
    }
    repo.git(&["add", "-A"]);
    repo.git(&["commit", "-q", "-m", "all"]);
    let keys: Vec<Key> = (20..32).map(Key::new).collect();
    for (i, key) in keys.iter().enumerate() {
        let path = if i % 2 == 0 { format!("d{}/e{}/new{i}", i % 4, i % 7) } else { format!("d{}.x/f{i}", i % 4) };
        repo.write(&path, key.pem());
        repo.git(&["add", &path]);
    }
    repo.git(&["rm", "-q", "-r", "d3/e1"]);
    let added = repo.git(&["diff", "--cached", "--name-only", "--diff-filter=d", "--no-renames"]);
    let (report, _) = git(&repo.path, &["--staged"]);
    let mut scanned: Vec<String> = report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|f| f["locations"].as_array().unwrap().clone())
        .map(|l| l["path"].as_str().unwrap().to_owned())
        .collect();
    scanned.sort();
    let mut expected: Vec<&str> = added.lines().collect();
    expected.sort_unstable();
    assert_eq!(scanned, expected);
    assert_eq!(report["stats"]["files"], expected.len());
}

#[test]
fn a_damaged_index_is_an_error() {
    if !git_is_there() {
        return;
    }
    let repo = Repo::new();
    repo.commit("a", "x");
    fs::write(repo.path.join(".git/index"), b"DIRC\0\0\0\x02\0\0\0\x09garbage").unwrap();
    let output = keysweep().args(["git", "--staged"]).arg(&repo.path).output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&output.stderr).contains("index"));
}

#[test]
fn a_range_reports_what_each_commit_adds() {
    if !git_is_there() {
        return;
    }
    let repo = Repo::new();
    let keys: Vec<Key> = (40..46).map(Key::new).collect();
    let base = repo.commit("base", keys[0].pem());
    let passing = repo.commit("passing", keys[1].pem());
    repo.remove("passing");
    repo.git(&["checkout", "-q", "-b", "side", &base]);
    repo.commit("side", keys[2].pem());
    repo.git(&["checkout", "-q", "main"]);
    // The merge brings the side's file, which is not new against the side, and a file of its own.
    repo.git(&["merge", "-q", "--no-ff", "--no-commit", "side"]);
    repo.write("evil", keys[3].pem());
    repo.git(&["add", "evil"]);
    repo.git(&["commit", "-q", "-m", "merge"]);
    let merge = repo.git(&["rev-parse", "HEAD"]);
    let sorted = |numbers: &[usize]| {
        let mut all: Vec<String> = numbers.iter().map(|i| keys[*i].fingerprint()).collect();
        all.sort();
        all
    };
    let range = |args: &[&str]| {
        let (report, _) = git(&repo.path, args);
        (fingerprints(&report), report)
    };
    let (found, report) = range(&["--range", &format!("{base}..HEAD")]);
    assert_eq!(found, sorted(&[1, 2, 3]));
    let finding = |key: &Key| {
        let findings = report["findings"].as_array().unwrap();
        findings.iter().find(|f| f["fingerprint"] == key.fingerprint().as_str()).unwrap().clone()
    };
    let commits = |key: &Key| -> Vec<Value> {
        finding(key)["locations"].as_array().unwrap().iter().map(|l| l["git"]["commit"].clone()).collect()
    };
    assert_eq!(commits(&keys[1]), [passing.as_str()]);
    assert_eq!(commits(&keys[3]), [merge.as_str()]);
    assert_eq!(commits(&keys[2]).len(), 1, "not once more for the merge");
    assert_eq!(finding(&keys[3])["locations"][0]["git"]["in_head"], true);
    assert_eq!(finding(&keys[1])["locations"][0]["git"]["in_head"], false);
    assert_eq!(range(&["--since-ref", &base]).0, sorted(&[1, 2, 3]));
    assert_eq!(range(&["--range", "side...main~1"]).0, sorted(&[1, 2]));
    assert_eq!(range(&["--range", "HEAD"]).0, sorted(&[0, 1, 2, 3]));
    let code = keysweep().args(["git", "--range", "none..HEAD"]).arg(&repo.path).output().unwrap().status.code();
    assert_eq!(code, Some(3));
    // What a remote has is said to be pushed.
    let clone = repo.beside("clone");
    git_in(repo.path.parent().unwrap(), &["clone", "-q", repo.arg(), "clone"]);
    fs::write(clone.join("local"), keys[5].pem()).unwrap();
    git_in(&clone, &["add", "-A"]);
    git_in(&clone, &["commit", "-q", "-m", "local"]);
    let (report, _) = git(&clone, &["--range", &format!("{base}..HEAD")]);
    for finding in report["findings"].as_array().unwrap() {
        let local = finding["fingerprint"] == keys[5].fingerprint().as_str();
        assert_eq!(finding["locations"][0]["git"]["pushed"], !local, "{finding}");
    }
}
