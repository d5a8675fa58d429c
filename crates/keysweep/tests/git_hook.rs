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

/// A bare repository that refuses keys, and a clone of it with one commit.
#[cfg(unix)]
fn server(options: &[&str]) -> (Repo, std::path::PathBuf) {
    let repo = Repo::new();
    git_in(repo.path.parent().unwrap(), &["init", "-q", "--bare", "-b", "main", "remote"]);
    let server = repo.beside("remote");
    repo.git(&["remote", "add", "origin", server.to_str().unwrap()]);
    let mut install = keysweep();
    install.args(["hook", "install", "pre-receive", "--repository"]).arg(&server).arg("--").args(options);
    let output = install.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    repo.commit("clean", "x");
    (repo, server)
}

#[cfg(unix)]
#[test]
fn servers_refuse_pushes_with_keys() {
    if !git_is_there() {
        return;
    }
    let (repo, server) = server(&[]);
    let push = |args: &[&str]| try_git(&repo, &[&["push", "-q", "origin"], args].concat());
    let refs = || git_in(&server, &["for-each-ref", "--format=%(refname)"]);
    assert!(push(&["main"]));
    let clean = repo.git(&["rev-parse", "HEAD"]);
    // A key that a later commit removes is there all the same; neither configuration nor marks of who pushes help.
    repo.write("keysweep.toml", "[[allow]]\nrule = '*'\nreason = 'let me in'\n");
    repo.commit("key", format!("# keysweep:allow * reason=x\n{}", Key::new(5).pem()));
    repo.remove("key");
    assert!(!push(&["main"]), "on an old ref");
    assert!(!push(&["HEAD:refs/heads/new"]), "as a new ref");
    assert!(!push(&["HEAD:refs/notes/x"]), "whatever it is called");
    repo.git(&["tag", "-a", "-m", "t", "t"]);
    assert!(!push(&["t"]), "as a tag");
    assert_eq!(refs(), "refs/heads/main");
    assert!(push(&[&format!("{clean}:refs/heads/old")]), "what is there already");
    repo.git(&["reset", "-q", "--hard", &clean]);
    repo.git(&["commit", "-q", "--amend", "-m", "another"]);
    assert!(!push(&["main"]) && push(&["--force", "main"]), "git itself refuses the first");
    repo.git(&["commit", "-q", "--amend", "--allow-empty", "-m", "a third"]);
    repo.commit("key", Key::new(6).pem());
    assert!(!push(&["--force", "main"]));
    assert!(push(&[":old"]), "a deletion brings nothing");
    // A ref may name something that is no commit, which cannot be looked at as one.
    let blob = repo.git(&["rev-parse", "HEAD:key"]);
    assert!(!push(&[&format!("{blob}:refs/tags/blob")]));
    assert_eq!(refs(), "refs/heads/main");
}

#[cfg(unix)]
#[test]
fn servers_hear_their_own_configuration_and_answer_in_time() {
    if !git_is_there() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("server's.toml");
    fs::write(&config, "[[allow]]\npaths = ['examples/*']\nreason = 'examples'\n").unwrap();
    let (repo, server) = server(&["--config", config.to_str().unwrap()]);
    repo.commit("examples/key", Key::new(7).pem());
    assert!(try_git(&repo, &["push", "-q", "origin", "main"]));
    repo.commit("key", Key::new(8).pem());
    assert!(!try_git(&repo, &["push", "-q", "origin", "main"]));
    fs::write(&config, "inline-allow = true").unwrap();
    repo.git(&["reset", "-q", "--hard", "HEAD~1"]);
    repo.commit("marked", format!("# keysweep:allow * reason=x\n{}", Key::new(8).pem()));
    assert!(try_git(&repo, &["push", "-q", "origin", "main"]));

    let run = |input: &str, args: &[&str]| {
        use std::io::Write;
        use std::process::Stdio;
        let mut hook = keysweep();
        hook.args(["hook", "run", "pre-receive"]).args(args).current_dir(&server).stdin(Stdio::piped());
        let mut child = hook.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(input.as_bytes()).unwrap();
        if args.is_empty() {
            drop(stdin);
            return child.wait().unwrap().code();
        }
        // Input that never ends.
        let code = child.wait().unwrap().code();
        drop(stdin);
        code
    };
    assert_eq!(run("", &["--timeout", "0.2"]), Some(3));
    assert_eq!(run("nonsense\n", &[]), Some(2));
    let missing = "1".repeat(40);
    assert_eq!(run(&format!("{} {missing} refs/heads/x\n", "0".repeat(40)), &[]), Some(3));
}
