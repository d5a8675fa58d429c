//! The hooks for the pre-commit framework, run by the framework itself if it is there, and as it runs them.
#![cfg(unix)]

mod common;
#[path = "common/repo.rs"]
mod repo;

use common::{Key, keysweep};
use repo::{Repo, git_is_there};
use std::path::Path;
use std::process::Command;

const HOOKS: &str = include_str!("../../../.pre-commit-hooks.yaml");

#[test]
fn files_that_are_not_staged_are_scanned_as_they_lie() {
    if !git_is_there() {
        return;
    }
    let repo = Repo::new();
    repo.commit("old.pem", Key::new(50).pem());
    repo.commit("clean", "x");
    std::os::unix::fs::symlink("old.pem", repo.path.join("link")).unwrap();
    let run = |args: &[&str]| {
        let mut hook = keysweep();
        hook.args(["hook", "run", "pre-commit"]).args(args).current_dir(&repo.path);
        hook.output().unwrap().status.code().unwrap()
    };
    assert_eq!(run(&[]), 0);
    assert_eq!(run(&["clean", "link"]), 0);
    assert_eq!(run(&["clean", "old.pem"]), 1);
    assert_eq!(run(&["clean", "gone"]), 3);
    assert_eq!(run(&["--max-file-size", "10", "old.pem"]), 3);
    // Of what is staged only new lines.
    repo.write("old.pem", format!("{}new line\n", Key::new(50).pem()));
    repo.git(&["add", "old.pem"]);
    assert_eq!(run(&["old.pem"]), 0);
}

#[test]
fn the_framework_says_in_variables_what_is_pushed() {
    if !git_is_there() {
        return;
    }
    let repo = Repo::new();
    let first = repo.commit("clean", "x");
    repo.commit("key.pem", Key::new(51).pem());
    let last = repo.remove("key.pem");
    let run = |variables: &[(&str, &str)]| {
        let mut hook = keysweep();
        hook.args(["hook", "run", "pre-push"]).current_dir(&repo.path).env("PRE_COMMIT", "1");
        hook.envs(variables.iter().copied()).output().unwrap().status.code().unwrap()
    };
    assert_eq!(run(&[("PRE_COMMIT_FROM_REF", &first), ("PRE_COMMIT_TO_REF", &last)]), 1);
    assert_eq!(run(&[("PRE_COMMIT_FROM_REF", &last), ("PRE_COMMIT_TO_REF", &last)]), 0);
    assert_eq!(run(&[("PRE_COMMIT_LOCAL_BRANCH", "refs/heads/main")]), 1);
    assert_eq!(run(&[]), 1, "what is not known is not passed over");
}

/// From 3.2 on, since which stages have the names of git's hooks.
fn framework_is_there() -> bool {
    let Ok(output) = Command::new("pre-commit").arg("--version").output() else { return false };
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut numbers = text.split_whitespace().last().unwrap_or("").split('.').map(|n| n.parse::<u32>().unwrap_or(0));
    output.status.success() && (numbers.next(), numbers.next()) >= (Some(3), Some(2))
}

#[test]
fn the_framework_runs_the_hooks() {
    if !framework_is_there() || !git_is_there() {
        eprintln!("skipped: no pre-commit from 3.2 on on this machine");
        return;
    }
    let hooks = Repo::new();
    let revision = hooks.commit(".pre-commit-hooks.yaml", HOOKS);
    let repo = Repo::new();
    let home = tempfile::tempdir().unwrap();
    let program = assert_cmd::cargo::cargo_bin!("keysweep");
    let path = format!("{}:{}", program.parent().unwrap().display(), std::env::var("PATH").unwrap());
    let run = |program: &str, args: &[&str]| {
        let mut command = Command::new(program);
        command.args(args).current_dir(&repo.path).env("PATH", &path).env("PRE_COMMIT_HOME", home.path());
        command
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_AUTHOR_NAME", "T")
            .env("GIT_AUTHOR_EMAIL", "t@example.com");
        command.env("GIT_COMMITTER_NAME", "T").env("GIT_COMMITTER_EMAIL", "t@example.com");
        let output = command.output().unwrap();
        (output.status.success(), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
    };
    let config = format!(
        "repos:\n- repo: {}\n  rev: {revision}\n  hooks:\n  - id: keysweep\n  - id: keysweep-push\n",
        Path::new(hooks.arg()).display()
    );
    repo.commit("clean", "x");
    let remote = repo.beside("remote");
    repo.git(&["init", "-q", "--bare", remote.to_str().unwrap()]);
    repo.git(&["remote", "add", "origin", remote.to_str().unwrap()]);
    repo.commit(".pre-commit-config.yaml", config);
    let installed = run("pre-commit", &["install", "-t", "pre-commit", "-t", "pre-push"]);
    assert!(installed.0, "{}", installed.1);
    repo.write("more", "nothing secret");
    repo.git(&["add", "more"]);
    let clean = run("git", &["commit", "-m", "clean"]);
    assert!(clean.0, "{}", clean.1);
    repo.write("key.pem", Key::new(52).pem());
    repo.git(&["add", "key.pem"]);
    let refused = run("git", &["commit", "-m", "key"]);
    assert!(!refused.0 && refused.1.contains("key.pem:1:1"), "{}", refused.1);
    assert!(run("git", &["push", "-q", "origin", "main"]).0, "what is staged is not pushed");
    // What is in the repository already is found only if all files are asked for, and when it is pushed.
    assert!(run("git", &["commit", "--no-verify", "-m", "key"]).0);
    assert!(run("pre-commit", &["run"]).0);
    let all = run("pre-commit", &["run", "--all-files"]);
    assert!(!all.0 && all.1.contains("key.pem:1:1"), "{}", all.1);
    repo.remove("key.pem");
    assert!(!run("git", &["push", "-q", "origin", "main"]).0);
    assert!(!run("git", &["push", "-q", "origin", "HEAD:refs/heads/other"]).0);
}
