//! The repository that a file lies in, and where that is pushed to.

use crate::readers::host_of;
use std::collections::HashMap;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Longest configuration that is read, in bytes.
const MAX_CONFIG: u64 = 1 << 20;

/// Finds repositories, and remembers folders.
#[derive(Default)]
pub(crate) struct Repositories {
    folders: HashMap<PathBuf, Option<Repository>>,
}

/// A repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Repository {
    /// Its folder.
    pub(crate) folder: PathBuf,
    /// Addresses it is pushed to, without what logs in there.
    pub(crate) remotes: Vec<String>,
}

impl Repositories {
    /// The repository whose work tree the file lies in, if that is not above `top`.
    pub(crate) fn of(&mut self, path: &Path, top: &Path) -> Option<Repository> {
        let mut folders = path.ancestors().skip(1).take_while(|folder| folder.starts_with(top));
        folders.find_map(|folder| self.folders.entry(folder.to_owned()).or_insert_with(|| repository(folder)).clone())
    }
}

fn repository(folder: &Path) -> Option<Repository> {
    let git = folder.join(".git");
    let kind = std::fs::symlink_metadata(&git).ok()?;
    // A file names the folder of a work tree or submodule; that it is one is all that is needed of it.
    if !kind.is_dir() && !kind.is_file() {
        return None;
    }
    let remotes = if kind.is_dir() { remotes(&git.join("config")) } else { Vec::new() };
    Some(Repository { folder: folder.to_owned(), remotes })
}

fn remotes(config: &Path) -> Vec<String> {
    let mut bytes = Vec::new();
    if !std::fs::symlink_metadata(config).is_ok_and(|m| m.is_file()) {
        return Vec::new();
    }
    if let Ok(file) = std::fs::File::open(config) {
        let _ = file.take(MAX_CONFIG).read_to_end(&mut bytes);
    }
    let text = String::from_utf8_lossy(&bytes);
    let mut in_remote = false;
    let mut found = Vec::new();
    for line in text.lines().map(str::trim) {
        if line.starts_with('[') {
            in_remote = line.starts_with("[remote");
        } else if let Some(url) = line.strip_prefix("url").filter(|_| in_remote) {
            let url = url.trim_start().trim_start_matches('=').trim();
            found.push(without_login(url));
        }
    }
    found.truncate(16);
    found
}

/// An address without user and password.
fn without_login(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return crate::readers::bounded(url.rsplit_once('@').map_or(url, |(_, rest)| rest));
    };
    let path = rest.split_once('/').map_or("", |(_, path)| path);
    crate::readers::bounded(&format!("{scheme}://{}/{path}", host_of(url)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remotes_are_told_without_passwords() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(dir.path().join("r/.git")).unwrap();
        let config = "[core]\n url = no\n[remote \"origin\"]\n url = https://u:secret@git.test/a/b.git\n[remote \"b\"]\nurl = git@x.test:a/b\n";
        std::fs::write(dir.path().join("r/.git/config"), config).unwrap();
        let repository = Repositories::default().of(&dir.path().join("r/src/key.pem"), dir.path()).unwrap();
        assert_eq!(repository.remotes, ["https://git.test/a/b.git", "x.test:a/b"]);
        assert_eq!(repository.folder, dir.path().join("r"));
        assert_eq!(Repositories::default().of(&dir.path().join("r/src/key.pem"), &dir.path().join("r/src")), None);
    }
}
