//! `keysweep git` in repositories that are stored in unusual ways: it says so, or finds what is there.

mod common;
#[path = "common/repo.rs"]
mod repo;

use common::{Key, fingerprints, keysweep, parse};
use repo::{Repo, git_in, git_is_there};
use std::fs;
use std::process::Command;

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

/// Runs `keysweep git` on a repository with a pipe in it: what waits for the pipe would wait for ever.
#[cfg(unix)]
fn within_a_minute(repo: &Repo, what: &[&str]) -> std::process::Output {
    Command::new("timeout")
        .arg("60")
        .arg(keysweep().get_program())
        .args(["git", "--format", "json"])
        .args(what)
        .arg(repo.arg())
        .output()
        .unwrap()
}

/// Does something while a pipe is in place of a file, which may not be there.
#[cfg(unix)]
fn with_pipe(git: &std::path::Path, name: &str, test: impl FnOnce()) {
    let (file, kept) = (git.join(name), git.join("kept"));
    let was_there = fs::rename(&file, &kept).is_ok();
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    assert!(Command::new("mkfifo").arg(&file).status().unwrap().success());
    test();
    fs::remove_file(&file).unwrap();
    if was_there {
        fs::rename(&kept, &file).unwrap();
    }
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
    for name in [
        "HEAD",
        "config",
        "packed-refs",
        "index",
        "shallow",
        "objects/info/alternates",
        "objects/info/commit-graphs/commit-graph-chain",
        "objects/pack/pack-1.idx",
    ] {
        with_pipe(&git, name, || {
            for what in [&["--history"][..], &["--staged"]] {
                let output = within_a_minute(&repo, what);
                let said = String::from_utf8_lossy(&output.stderr);
                assert_eq!(output.status.code(), Some(3), "{name} {what:?}: {said}");
                assert!(said.contains(name) && said.contains("pipe"), "{name} {what:?}: {said}");
            }
        });
    }
    let (report, code) =
        parse(&keysweep().args(["git", "--history", "--format", "json", repo.arg()]).output().unwrap());
    assert_eq!((fingerprints(&report), code), (vec![Key::new(88).fingerprint()], 1));
}

#[test]
#[cfg(unix)]
fn a_pipe_among_refs_and_logs_is_told_and_the_rest_is_read() {
    if !git_is_there() {
        return;
    }
    let repo = Repo::new();
    let key = Key::new(88);
    repo.commit("k.pem", key.pem());
    repo.git(&["branch", "other"]);
    let run = |what: &[&str]| {
        let output = within_a_minute(&repo, what);
        let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        (output.status.code().unwrap(), said)
    };
    let git = repo.path.join(".git");
    for (name, is_head) in [("refs/heads/x/pipe", false), ("refs/heads/main", true), ("logs/refs/heads/main", false)] {
        with_pipe(&git, name, || {
            let (code, said) = run(&["--history"]);
            assert!(code == 3 && said.contains(name) && said.contains("pipe"), "{name}: {said}");
            assert!(said.contains(&key.fingerprint()), "{name}: {said}");
            let (code, said) = run(&["--range", "other"]);
            assert!(code == 3 && said.contains(name), "{name}: {said}");
            let (code, said) = run(&["--staged"]);
            assert_eq!((code, said.contains(name)), (if is_head { 3 } else { 0 }, is_head), "{name}: {said}");
        });
    }
    assert_eq!(run(&["--history"]).0, 1);
    // A link to a pipe is one.
    std::os::unix::fs::symlink("/dev/zero", git.join("refs/heads/zero")).unwrap();
    let (code, said) = run(&["--history"]);
    assert!(code == 3 && said.contains("refs/heads/zero"), "{said}");
}

#[test]
#[cfg(unix)]
fn objects_that_are_borrowed_in_a_circle_are_scanned_and_that_is_told() {
    if !git_is_there() {
        return;
    }
    let (one, other) = (Repo::new(), Repo::new());
    let keys = [Key::new(71), Key::new(72)];
    one.commit("a.pem", keys[0].pem());
    let tip = other.commit("b.pem", keys[1].pem());
    let list = |repo: &Repo, text: String| {
        fs::write(repo.path.join(".git/objects/info/alternates"), text).unwrap();
    };
    list(&one, format!("{}/.git/objects\n", other.arg()));
    list(&other, format!("{}/.git/objects\n", one.arg()));
    one.git(&["branch", "borrowed", &tip]);
    one.write("c", "x");
    one.git(&["add", "-A"]);
    let output = keysweep().args(["git", "--history", "--format", "json", one.arg()]).output().unwrap();
    let (report, code) = parse(&output);
    let mut found = fingerprints(&report);
    found.sort();
    let mut all: Vec<String> = keys.iter().map(Key::fingerprint).collect();
    all.sort();
    assert_eq!((found, code), (all, 3), "{report}");
    assert!(report["incidents"].to_string().contains("circle"), "{report}");
    let (report, code) =
        parse(&keysweep().args(["git", "--range", "main..borrowed", "--format", "json", one.arg()]).output().unwrap());
    assert_eq!((fingerprints(&report), code), (vec![keys[1].fingerprint()], 1));
    assert_eq!(staged(&one), (vec![], 0));
    // Git itself goes no further than this.
    list(&one, format!("{}/.git/objects\n", one.arg()));
    one.git(&["branch", "-D", "borrowed"]);
    let output = keysweep().args(["git", "--history", "--format", "json", one.arg()]).output().unwrap();
    assert_eq!(parse(&output).1, 3);
}

#[test]
fn a_pack_that_is_cut_off_is_told_wherever_it_ends() {
    if !git_is_there() {
        return;
    }
    let repo = Repo::new();
    let key = Key::new(79);
    (0..20).for_each(|i| drop(repo.commit(&format!("f{i}"), format!("{i}\n").repeat(200 + i))));
    repo.git(&["repack", "-q", "-a", "-d"]);
    repo.commit("loose.pem", key.pem());
    repo.write("f1", "changed");
    repo.git(&["add", "f1"]);
    let folder = repo.path.join(".git/objects/pack");
    let is_pack = |path: &std::path::Path| path.extension().is_some_and(|e| e == "pack");
    let pack = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).find(|path| is_pack(path)).unwrap();
    let whole = fs::read(&pack).unwrap();
    let run = |what: &[&str]| {
        let output = keysweep().args(["git", "--format", "json"]).args(what).arg(repo.arg()).output().unwrap();
        let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(!said.contains("panicked"), "{what:?}: {said}");
        (output.status.code(), said)
    };
    for length in [0, 4, 12, 13, 100, whole.len() / 2, whole.len() - 40, whole.len() - 21, whole.len() - 1] {
        fs::remove_file(&pack).unwrap();
        fs::write(&pack, &whole[..length]).unwrap();
        let (code, said) = run(&["--history"]);
        assert_eq!(code, Some(3), "{length}: {said}");
        assert!(
            said.contains("cut off") && said.contains(pack.file_stem().unwrap().to_str().unwrap()),
            "{length}: {said}"
        );
        assert!(said.contains(&key.fingerprint()), "{length}: {said}");
        for what in [&["--staged"][..], &["--range", "HEAD~1..HEAD"]] {
            let (code, said) = run(what);
            assert!(matches!(code, Some(0 | 1 | 3)), "{length} {what:?}: {code:?} {said}");
        }
    }
    fs::remove_file(&pack).unwrap();
    fs::write(&pack, &whole).unwrap();
    assert_eq!(run(&["--history"]).0, Some(1));
}

#[test]
fn a_pack_that_is_cut_while_it_is_read_is_told() {
    if !git_is_there() {
        return;
    }
    let repo = Repo::new();
    // Enough that does not compress for a pack of many pages.
    let random =
        |i: u32| (0..2000u32).flat_map(move |j| (i * 2000 + j).wrapping_mul(0x9e37_79b1).rotate_left(j).to_le_bytes());
    (0..50).for_each(|i| repo.write(&format!("f{i}"), random(i).collect::<Vec<u8>>()));
    repo.git(&["add", "."]);
    repo.commit("first", "x");
    repo.git(&["gc", "-q"]);
    let packs = fs::read_dir(repo.path.join(".git/objects/pack")).unwrap().map(|entry| entry.unwrap().path());
    let pack = packs.into_iter().find(|path| path.extension().is_some_and(|end| end == "pack")).unwrap();
    assert!(fs::metadata(&pack).unwrap().len() > 300_000);
    let mut permissions = fs::metadata(&pack).unwrap().permissions();
    std::os::unix::fs::PermissionsExt::set_mode(&mut permissions, 0o644);
    fs::set_permissions(&pack, permissions).unwrap();
    let repository = keysweep_git::Repository::open(&repo.path, false).unwrap();
    let blobs = std::sync::atomic::AtomicUsize::new(0);
    let survey = repository.survey(1, u64::MAX, || {
        |_| {
            if blobs.fetch_add(1, std::sync::atomic::Ordering::Relaxed) == 5 {
                fs::OpenOptions::new().write(true).open(&pack).unwrap().set_len(100).unwrap();
            }
        }
    });
    let read = blobs.into_inner();
    // Each of the 53 objects was read or is named; what lay on the last page that is left may read as zeros.
    assert!(read < 51 && read + survey.problems.len() >= 51, "{read} {:?}", survey.problems);
    assert!(repository.was_cut());
}
