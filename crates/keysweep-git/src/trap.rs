//! Repositories made to stop whoever reads them: a pipe where git keeps a file is opened by what reads it, and waits for ever.

use crate::alternates;
use crate::repository::Problem;
use std::fs::FileType;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Files of a repository's folder that are read when it is opened, or later.
const FILES: [&str; 12] = [
    "HEAD",
    "config",
    "config.worktree",
    "packed-refs",
    "index",
    "shallow",
    "commondir",
    "gitdir",
    "reftable/tables.list",
    "objects/info/alternates",
    "info/exclude",
    "info/attributes",
];
/// What is said of such a file.
pub(crate) const REASON: &str = "a pipe, socket or device: not opened";
/// Bytes of a file that names another folder.
const MAX_POINTER: u64 = 4096;
/// Depth to which folders of refs are entered.
const MAX_DEPTH: usize = 64;
/// Such files that are listed.
const MAX_FOUND: usize = 1_000;

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
    let known = FILES.iter().map(|name| folder.join(name)).find(|path| is_special(path));
    // Also where it borrows objects.
    known.or_else(|| alternates::resolve(&folder.join("objects")).0.iter().find_map(|folder| in_objects(folder)))
}

fn in_objects(folder: &Path) -> Option<PathBuf> {
    // Links are followed where objects are read, too.
    let suspect = |entry: &std::fs::DirEntry| match entry.file_type() {
        Ok(kind) => special(kind) || kind.is_symlink() && is_special(&entry.path()),
        Err(_) => false,
    };
    let entries = |folder: PathBuf| std::fs::read_dir(folder).into_iter().flatten().flatten();
    let objects = entries(folder.to_owned()).flat_map(|below| entries(below.path()));
    let mut all = objects.chain(entries(folder.join("info/commit-graphs")));
    all.find(suspect).map(|entry| entry.path())
}

/// Says that such a file is not opened.
pub(crate) fn problem(path: &Path) -> Problem {
    Problem { name: path.display().to_string(), reason: REASON.to_owned() }
}

/// Pipes, sockets and devices below a folder of refs or logs, also where a link leads. Links to folders are not followed.
pub(crate) fn below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![(folder.to_owned(), 0)];
    while let Some((folder, depth)) = open.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            match entry.file_type() {
                Ok(kind) if kind.is_dir() && depth < MAX_DEPTH => open.push((entry.path(), depth + 1)),
                Ok(kind) if special(kind) || kind.is_symlink() && is_special(&entry.path()) => found.push(entry.path()),
                _ => {}
            }
            if found.len() >= MAX_FOUND {
                return found;
            }
        }
    }
    found.sort();
    found
}

/// Whether what lies at a path, or what it links to, must not be opened.
pub(crate) fn is_special(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|metadata| special(metadata.file_type()))
}

pub(crate) fn special(kind: FileType) -> bool {
    !kind.is_file() && !kind.is_dir() && !kind.is_symlink()
}
