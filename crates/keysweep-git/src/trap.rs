//! Repositories made to stop whoever reads them: a pipe where git keeps a file is opened by what reads it, and waits for ever.

use std::fs::FileType;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Files of a repository's folder that are read when it is opened, or later.
const FILES: [&str; 11] = [
    "HEAD",
    "config",
    "config.worktree",
    "packed-refs",
    "index",
    "shallow",
    "commondir",
    "gitdir",
    "objects/info/alternates",
    "info/exclude",
    "info/attributes",
];
/// Bytes of a file that names another folder.
const MAX_POINTER: u64 = 4096;

/// A file of the repository at `path` or above it that must not be opened.
pub(crate) fn find(path: &Path) -> Option<PathBuf> {
    let path = std::path::absolute(path).ok()?;
    let folder = path.ancestors().find_map(folder_at)?;
    let common = pointer(&folder.join("commondir"), "", &folder);
    std::iter::once(folder).chain(common).find_map(|folder| in_folder(&folder))
}

/// The folder in which the repository of a work tree keeps its files, or the folder itself if it is one.
fn folder_at(place: &Path) -> Option<PathBuf> {
    let git = place.join(".git");
    if git.is_dir() {
        return Some(git);
    }
    let is_bare = || place.join("objects").is_dir() && place.join("refs").is_dir();
    pointer(&git, "gitdir:", place).or_else(|| is_bare().then(|| place.to_owned()))
}

/// The folder that a file names behind `mark`, from `base` on.
fn pointer(file: &Path, mark: &str, base: &Path) -> Option<PathBuf> {
    let mut text = String::new();
    if !std::fs::metadata(file).is_ok_and(|m| m.is_file()) {
        return None;
    }
    std::fs::File::open(file).ok()?.take(MAX_POINTER).read_to_string(&mut text).ok()?;
    Some(base.join(text.strip_prefix(mark)?.trim()))
}

fn in_folder(folder: &Path) -> Option<PathBuf> {
    let is_special = |path: &Path| std::fs::metadata(path).is_ok_and(|m| special(m.file_type()));
    let known = FILES.iter().map(|name| folder.join(name)).find(|path| is_special(path));
    // Links are followed where objects are read, too.
    let suspect = |entry: &std::fs::DirEntry| match entry.file_type() {
        Ok(kind) => special(kind) || kind.is_symlink() && is_special(&entry.path()),
        Err(_) => false,
    };
    let entries = |folder: PathBuf| std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut objects = entries(folder.join("objects")).flat_map(|below| entries(below.path()));
    known.or_else(|| objects.find(suspect).map(|entry| entry.path()))
}

fn special(kind: FileType) -> bool {
    !kind.is_file() && !kind.is_dir() && !kind.is_symlink()
}
