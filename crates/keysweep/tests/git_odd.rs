//! `keysweep git` in repositories that are stored in unusual ways: it says so, or finds what is there.

mod common;
#[path = "common/repo.rs"]
mod repo;

use common::{Key, fingerprints, keysweep, parse};
use repo::{Repo, git_in, git_is_there};
use std::fs;
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
    fs::write(dir.path().join("key.pem"), Key::new(71).pem()).unwrap();
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

/// Outcome of a look at what is staged.
fn staged(repo: &Repo) -> (Vec<String>, i32) {
    let (report, code) = parse(&keysweep().args(["git", "--staged", "--format", "json", repo.arg()]).output().unwrap());
    (fingerprints(&report), code)
}

#[test]
fn a_split_index_is_read_as_a_whole() {
    if !git_is_there() {
        return;
    }
    let repo = Repo::new();
    (0..50).for_each(|i| repo.write(&format!("f{i}"), format!("{i}")));
    repo.commit("first", "x");
    repo.git(&["update-index", "--split-index"]);
    assert!(
        fs::read_dir(repo.path.join(".git"))
            .unwrap()
            .any(|e| { e.unwrap().file_name().to_string_lossy().starts_with("sharedindex.") })
    );
    assert_eq!(staged(&repo), (vec![], 0));
    let key = Key::new(71);
    repo.write("key.pem", key.pem());
    repo.git(&["add", "key.pem"]);
    assert_eq!(staged(&repo), (vec![key.fingerprint()], 1));
    repo.git(&["rm", "-q", "--cached", "f1", "f2"]);
    assert_eq!(staged(&repo), (vec![key.fingerprint()], 1));
    // Without its other half an index says nothing.
    for entry in fs::read_dir(repo.path.join(".git")).unwrap().map(Result::unwrap) {
        if entry.file_name().to_string_lossy().starts_with("sharedindex.") {
            fs::remove_file(entry.path()).unwrap();
        }
    }
    let output = keysweep().args(["git", "--staged", repo.arg()]).output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn folders_of_a_sparse_index_are_looked_into() {
    if !git_is_there() {
        return;
    }
    let repo = Repo::new();
    repo.write("in/a", "a");
    repo.write("out/deep/b", "b");
    repo.commit("first", "x");
    repo.git(&["sparse-checkout", "init", "--cone", "--sparse-index"]);
    repo.git(&["sparse-checkout", "set", "in"]);
    assert!(repo.git(&["ls-files", "--sparse"]).lines().any(|line| line == "out/"), "a folder is one entry");
    assert_eq!(staged(&repo), (vec![], 0));
    let (inside, outside) = (Key::new(72), Key::new(73));
    repo.write("in/key.pem", inside.pem());
    repo.git(&["add", "in/key.pem"]);
    assert_eq!(staged(&repo), (vec![inside.fingerprint()], 1));
    // Another tree of the folder, which the index names as a whole.
    repo.git(&["commit", "-q", "-m", "inside"]);
    repo.git(&["checkout", "-q", "-b", "other"]);
    repo.git(&["sparse-checkout", "disable"]);
    repo.commit("out/deep/key.pem", outside.pem());
    repo.git(&["sparse-checkout", "init", "--cone", "--sparse-index"]);
    repo.git(&["sparse-checkout", "set", "in"]);
    repo.git(&["reset", "-q", "--soft", "main"]);
    assert!(repo.git(&["ls-files", "--sparse"]).lines().any(|line| line == "out/"));
    assert_eq!(staged(&repo), (vec![outside.fingerprint()], 1));
}

#[cfg(unix)]
#[test]
fn an_index_that_is_replaced_meanwhile_is_no_clean_one() {
    if !git_is_there() {
        return;
    }
    let repo = Repo::new();
    repo.commit("first", "x");
    repo.write("second", "x");
    repo.git(&["add", "second"]);
    // The key for names is read after the index: until it comes, the scan waits.
    let fifo = repo.beside("fifo");
    assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let mut waiting = keysweep();
    waiting.args(["git", "--staged", "--format", "json", "--fingerprint-key"]).arg(&fifo).arg(repo.arg());
    let child = waiting.stdout(std::process::Stdio::piped()).spawn().unwrap();
    // Opens when the other side does, which has begun then.
    let mut side = fs::OpenOptions::new().write(true).open(&fifo).unwrap();
    std::thread::sleep(std::time::Duration::from_millis(300));
    repo.write("key.pem", Key::new(74).pem());
    repo.git(&["add", "key.pem"]);
    std::io::Write::write_all(&mut side, b"key").unwrap();
    drop(side);
    let (report, code) = parse(&child.wait_with_output().unwrap());
    assert_eq!(code, 3);
    assert!(report["incidents"].to_string().contains("the index was replaced"), "{report}");
}

#[test]
fn a_staged_object_that_is_damaged_or_gone_is_told() {
    if !git_is_there() {
        return;
    }
    for damaged in [true, false] {
        let repo = Repo::new();
        repo.commit("first", "x");
        repo.write("key.pem", Key::new(75).pem());
        repo.git(&["add", "key.pem"]);
        let id = repo.git(&["rev-parse", ":key.pem"]);
        let object = repo.path.join(".git/objects").join(&id[..2]).join(&id[2..]);
        fs::remove_file(&object).unwrap();
        if damaged {
            fs::write(&object, "no object").unwrap();
        }
        let (report, code) =
            parse(&keysweep().args(["git", "--staged", "--format", "json", repo.arg()]).output().unwrap());
        assert_eq!(code, 3, "{report}");
        assert!(report["incidents"].to_string().contains("key.pem"), "{report}");
    }
}

#[test]
fn repacking_meanwhile_hides_nothing() {
    if !git_is_there() {
        return;
    }
    let repo = Repo::new();
    let key = Key::new(76);
    repo.commit("key.pem", key.pem());
    (0..20).for_each(|i| drop(repo.commit("file", format!("{i}"))));
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(std::sync::atomic::Ordering::Relaxed) {
                repo.git(&["repack", "-q", "-a", "-d", "-f"]);
            }
        });
        for _ in 0..8 {
            let output = keysweep().args(["git", "--history", "--format", "json", repo.arg()]).output().unwrap();
            let code = output.status.code().unwrap();
            // Packs may vanish under the scan; then it says so.
            let complete = code == 1 && fingerprints(&parse(&output).0) == [key.fingerprint()];
            if !complete && code != 3 {
                done.store(true, std::sync::atomic::Ordering::Relaxed);
                panic!("{code}: {}", String::from_utf8_lossy(&output.stdout));
            }
        }
        done.store(true, std::sync::atomic::Ordering::Relaxed);
    });
}

#[test]
#[cfg(unix)]
fn a_pipe_among_the_files_of_a_repository_is_told_not_waited_for() {
    if !git_is_there() {
        return;
    }
    let repo = Repo::new();
    repo.commit("k.pem", Key::new(88).pem());
    let git = std::path::PathBuf::from(repo.arg()).join(".git");
    for name in
        ["HEAD", "config", "packed-refs", "index", "shallow", "objects/info/alternates", "objects/pack/pack-1.idx"]
    {
        let (file, kept) = (git.join(name), git.join("kept"));
        let was_there = fs::rename(&file, &kept).is_ok();
        assert!(Command::new("mkfifo").arg(&file).status().unwrap().success());
        for what in [&["--history"][..], &["--staged"]] {
            // What waits for the pipe would wait for ever.
            let output = Command::new("timeout")
                .arg("60")
                .arg(keysweep().get_program())
                .args(["git", "--format", "json"])
                .args(what)
                .arg(repo.arg())
                .output()
                .unwrap();
            let said = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(3), "{name} {what:?}: {said}");
            assert!(said.contains(name) && said.contains("pipe"), "{name} {what:?}: {said}");
        }
        fs::remove_file(&file).unwrap();
        if was_there {
            fs::rename(&kept, &file).unwrap();
        }
    }
    let (report, code) =
        parse(&keysweep().args(["git", "--history", "--format", "json", repo.arg()]).output().unwrap());
    assert_eq!((fingerprints(&report), code), (vec![Key::new(88).fingerprint()], 1));
}
