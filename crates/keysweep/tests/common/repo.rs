//! Repositories made by the git binary, apart from the user's configuration.
#![allow(dead_code, unreachable_pub)] // Each test file uses a part of it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// Whether git is there; without it the tests that need it pass, and say so.
pub fn git_is_there() -> bool {
    let there = Command::new("git").arg("--version").output().is_ok_and(|o| o.status.success());
    if !there {
        eprintln!("skipped: no git on this machine");
    }
    there
}

/// A repository in a folder of its own.
pub struct Repo {
    dir: TempDir,
    pub path: PathBuf,
}

impl Repo {
    pub fn new() -> Self {
        Self::with(&[])
    }

    /// With options of `git init`.
    pub fn with(options: &[&str]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("repo");
        fs::create_dir(&path).unwrap();
        let repo = Self { dir, path };
        repo.git(&[&["init", "-q", "-b", "main"], options].concat());
        repo
    }

    /// A folder beside the repository.
    pub fn beside(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Runs git in the repository; its output without the line break.
    pub fn git(&self, args: &[&str]) -> String {
        git_in(&self.path, args)
    }

    pub fn write(&self, path: &str, content: impl AsRef<[u8]>) {
        let path = self.path.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    /// Writes a file and commits it; the id of the commit.
    pub fn commit(&self, path: &str, content: impl AsRef<[u8]>) -> String {
        self.write(path, content);
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "-m", path]);
        self.git(&["rev-parse", "HEAD"])
    }

    pub fn remove(&self, path: &str) -> String {
        self.git(&["rm", "-q", path]);
        self.git(&["commit", "-q", "-m", "remove"]);
        self.git(&["rev-parse", "HEAD"])
    }

    pub fn arg(&self) -> &str {
        self.path.to_str().unwrap()
    }
}

pub fn git_in(path: &Path, args: &[&str]) -> String {
    let output = Command::new("git")
        .args(["-c", "user.name=T", "-c", "user.email=t@example.com", "-c", "commit.gpgSign=false", "-c", "gc.auto=0"])
        .args(args)
        .current_dir(path)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_ALLOW_PROTOCOL", "file")
        .env("GIT_AUTHOR_DATE", "2024-01-31T12:00:00Z")
        .env("GIT_COMMITTER_DATE", "2024-02-01T12:00:00Z")
        .output()
        .unwrap();
    assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
}
