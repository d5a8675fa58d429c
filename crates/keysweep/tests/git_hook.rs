//! `keysweep hook`: put into repositories, run by git.

mod common;
#[path = "common/repo.rs"]
mod repo;

use common::{Key, keysweep};
use repo::{Repo, git_in, git_is_there};
use std::fs;
use std::process::{Command, Output};

fn hook(repo: &Repo, args: &[&str]) -> Output {
    keysweep().arg("hook").args(args).current_dir(&repo.path).output().unwrap()
}

/// Runs git, which may refuse.
fn try_git(repo: &Repo, args: &[&str]) -> bool {
    let mut git = Command::new("git");
    git.args(["-c", "user.name=T", "-c", "user.email=t@example.com"]).args(args).current_dir(&repo.path);
    git.env("GIT_CONFIG_GLOBAL", "/dev/null").output().unwrap().status.success()
}

#[cfg(unix)]
#[test]
fn commits_with_keys_are_refused_and_the_hook_that_was_there_still_runs() {
    use std::os::unix::fs::PermissionsExt;
    if !git_is_there() {
        return;
    }
    for folder in [".git/hooks", "own-hooks"] {
        let repo = Repo::new();
        if folder == "own-hooks" {
            repo.git(&["config", "core.hooksPath", folder]);
        }
        let before = "#!/bin/sh\ntouch ran\n";
        let path = repo.path.join(folder).join("pre-commit");
        repo.write(&format!("{folder}/pre-commit"), before);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        for _ in 0..2 {
            let output = hook(&repo, &["install"]);
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        }
        repo.write("key.pem", Key::new(1).pem());
        repo.git(&["add", "key.pem"]);
        assert!(!try_git(&repo, &["commit", "-q", "-m", "x"]), "{folder}");
        assert!(repo.path.join("ran").exists());
        // With `-a` the index is another one.
        repo.git(&["rm", "-q", "--cached", "key.pem"]);
        repo.write("a", "clean");
        repo.git(&["add", "a"]);
        assert!(try_git(&repo, &["commit", "-q", "-m", "clean"]), "{folder}");
        repo.write("a", Key::new(2).pem());
        assert!(!try_git(&repo, &["commit", "-q", "-a", "-m", "x"]), "{folder}");
        assert!(hook(&repo, &["uninstall"]).status.success());
        assert_eq!(fs::read_to_string(&path).unwrap(), before);
        assert_eq!(hook(&repo, &["uninstall"]).status.code(), Some(2));
    }
}

#[cfg(unix)]
#[test]
fn pushes_with_keys_are_refused() {
    if !git_is_there() {
        return;
    }
    let repo = Repo::new();
    git_in(repo.path.parent().unwrap(), &["init", "-q", "--bare", "remote"]);
    repo.git(&["remote", "add", "origin", repo.beside("remote").to_str().unwrap()]);
    repo.commit("old", Key::new(3).pem());
    repo.git(&["push", "-q", "origin", "main"]);
    assert!(hook(&repo, &["install", "pre-push"]).status.success());
    repo.commit("clean", "x");
    assert!(try_git(&repo, &["push", "-q", "origin", "main"]), "what the remote has is not asked about again");
    assert!(try_git(&repo, &["push", "-q", "origin", "main"]), "nothing to push");
    repo.commit("key", Key::new(4).pem());
    repo.remove("key");
    assert!(!try_git(&repo, &["push", "-q", "origin", "main"]));
    assert!(!try_git(&repo, &["push", "-q", "origin", "HEAD:refs/heads/new"]));
    assert!(!try_git(&repo, &["push", "-q", "origin", "HEAD:main", "HEAD:refs/heads/new"]));
    assert!(try_git(&repo, &["push", "-q", "origin", "HEAD~2:refs/heads/new"]));
    assert!(try_git(&repo, &["push", "-q", "origin", ":new"]), "a deletion brings nothing");
}

#[test]
fn managers_of_hooks_are_left_alone() {
    if !git_is_there() {
        return;
    }
    for file in ["lefthook.yml", ".husky/pre-commit", ".pre-commit-config.yaml"] {
        let repo = Repo::new();
        repo.write(file, "");
        let output = hook(&repo, &["install"]);
        assert_eq!(output.status.code(), Some(2), "{file}");
        assert!(String::from_utf8_lossy(&output.stderr).contains("keysweep hook run pre-commit"), "{file}");
        assert!(!repo.path.join(".git/hooks/pre-commit").exists());
    }
}

#[test]
fn input_that_is_no_push_is_refused() {
    if !git_is_there() {
        return;
    }
    use std::io::Write;
    use std::process::Stdio;
    let repo = Repo::new();
    let mut child = keysweep()
        .args(["hook", "run", "pre-push"])
        .current_dir(&repo.path)
        .stdin(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(b"nonsense\n").unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(2));
}
