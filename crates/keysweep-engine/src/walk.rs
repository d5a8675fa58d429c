//! Which files a scan looks at, and who looks at them: the thread that meets them, or, if they are large, all together later.

use crate::file::Searcher;
use crate::scan::{LARGE, SMALL, Sweep, reason};
use crate::source::FileSource;
use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use ignore::{DirEntry, WalkBuilder, WalkState};
use keysweep_image::ReadAt;
use std::path::{Path, PathBuf};
use std::sync::mpsc::Sender;
use std::sync::{Arc, PoisonError};

/// Files that are not worth another thread if all are small.
const FEW: usize = 4;
/// From how many bytes on all threads search a file together, if it is the only one.
const LARGE_ALONE: u64 = 2 << 20;

/// Which files below a folder are looked at. Files named by the user are always looked at.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// Only files that match one of these globs. A glob without `/` matches the file name at any depth.
    pub include: Vec<String>,
    /// No file and no folder that matches one of these globs.
    pub exclude: Vec<String>,
    /// No file and no folder below this folder whose path there matches.
    pub exclude_below: Option<(PathBuf, GlobSet)>,
    /// Leave out what `.gitignore`, `.ignore` and git's exclude files name.
    pub respect_gitignore: bool,
    /// Leave out hidden files and folders.
    pub skip_hidden: bool,
    /// Follow symbolic links below the given paths. Links named by the user are always followed.
    pub follow_symlinks: bool,
    /// Do not cross into other file systems.
    pub one_file_system: bool,
    /// Files larger than this many bytes are passed over (and counted).
    pub max_file_size: Option<u64>,
}

/// A glob that cannot be parsed.
#[derive(Debug, thiserror::Error)]
#[error("glob '{glob}': {reason}")]
pub struct GlobError {
    glob: String,
    reason: String,
}

/// Compiled globs of a [`Selection`].
pub(crate) struct Filter {
    include: Option<GlobSet>,
    exclude: GlobSet,
    exclude_below: Option<(PathBuf, GlobSet)>,
}

impl Filter {
    pub(crate) fn new(selection: &Selection) -> Result<Self, GlobError> {
        let include = if selection.include.is_empty() { None } else { Some(globs(&selection.include)?) };
        Ok(Self { include, exclude: globs(&selection.exclude)?, exclude_below: selection.exclude_below.clone() })
    }

    /// Whether a folder is to be entered, or a file may be looked at.
    fn enters(&self, path: &Path) -> bool {
        !self.exclude.is_match(path) && !self.is_below(path)
    }

    fn is_below(&self, path: &Path) -> bool {
        let Some((root, globs)) = &self.exclude_below else { return false };
        let absolute = std::path::absolute(path);
        absolute.is_ok_and(|path| path.strip_prefix(root).is_ok_and(|path| globs.is_match(path)))
    }

    /// Whether a file found in a folder is to be looked at.
    pub(crate) fn takes(&self, path: &Path) -> bool {
        self.include.as_ref().is_none_or(|set| set.is_match(path))
    }
}

fn globs(patterns: &[String]) -> Result<GlobSet, GlobError> {
    let mut set = GlobSetBuilder::new();
    for pattern in patterns {
        let error = |e: globset::Error| GlobError { glob: pattern.clone(), reason: e.kind().to_string() };
        let trimmed = pattern.trim_end_matches('/');
        // As in .gitignore: without a slash inside, at any depth; otherwise from the path's start or below any folder.
        let anywhere = format!("**/{}", trimmed.trim_start_matches("./").trim_start_matches('/'));
        for glob in [trimmed, &anywhere] {
            set.add(GlobBuilder::new(glob).literal_separator(true).build().map_err(error)?);
        }
    }
    set.build().map_err(|e| GlobError { glob: patterns.join(" "), reason: e.to_string() })
}

/// Files with names of what is to be left out, longer than this, are not read.
const MAX_IGNORE_FILE: u64 = 1 << 20;

/// A folder whose rules about what is left out cannot be read: to open a pipe would wait for ever. Nothing is left out there.
struct Unruly {
    /// The folder.
    pub(crate) folder: PathBuf,
    /// The file with the rules.
    pub(crate) file: PathBuf,
}

/// The file with rules about what is left out of a folder, if it must not be read.
fn unruly(folder: &Path) -> Option<PathBuf> {
    let bad = |m: std::fs::Metadata| !m.is_dir() && (!m.is_file() || m.len() > MAX_IGNORE_FILE);
    let files = [".gitignore", ".ignore", ".git/info/exclude"].into_iter().map(|name| folder.join(name));
    files.into_iter().find(|file| std::fs::metadata(file).is_ok_and(bad))
}

/// A walk over `roots`, or `None` if there are none. Folders below them in which `.gitignore` must not be read are handed to
/// `aside` and not entered.
fn builder(
    roots: &[PathBuf],
    selection: &Selection,
    filter: Arc<Filter>,
    threads: usize,
    aside: Sender<Unruly>,
) -> Option<WalkBuilder> {
    let (first, rest) = roots.split_first()?;
    let mut walk = WalkBuilder::new(first);
    for root in rest {
        walk.add(root);
    }
    let git = selection.respect_gitignore;
    walk.hidden(selection.skip_hidden)
        .git_ignore(git)
        .git_global(git)
        .git_exclude(git)
        .ignore(git)
        .parents(git)
        .require_git(false)
        .follow_links(selection.follow_symlinks)
        .same_file_system(selection.one_file_system)
        .threads(threads)
        .filter_entry(move |entry| {
            // The user's own paths are never filtered; pseudo file systems hold no files but endless ones.
            let enters = entry.depth() == 0 || (filter.enters(entry.path()) && !is_pseudo(entry.path()));
            let looks = git && enters && entry.depth() > 0 && entry.file_type().is_some_and(|t| t.is_dir());
            let Some(file) = looks.then(|| unruly(entry.path())).flatten() else { return enters };
            // The other end lives as long as the walk.
            let _ = aside.send(Unruly { folder: entry.path().to_owned(), file });
            false
        });
    Some(walk)
}

/// Folders of a running Linux system that hold devices and views of memory, not files.
fn is_pseudo(path: &Path) -> bool {
    ["/proc", "/sys", "/dev"].iter().any(|pseudo| path == Path::new(pseudo))
}

impl<'s> Sweep<'s> {
    /// Meets all files, and searches those that are not left to all threads.
    pub(crate) fn walk(&self, roots: &[PathBuf], jobs: usize) {
        let mut selection = self.scanner.options.selection.clone();
        let above = |root: &PathBuf| std::path::absolute(root).ok()?.ancestors().find_map(unruly);
        if let Some(file) = roots.iter().filter(|_| selection.respect_gitignore).find_map(above) {
            self.tell_unruly(&file);
            selection.respect_gitignore = false;
        }
        let (sender, aside) = std::sync::mpsc::channel();
        self.walk_as(roots, &selection, sender, jobs);
        let aside: Vec<PathBuf> =
            aside.into_iter().map(|unruly| (self.tell_unruly(&unruly.file), unruly.folder).1).collect();
        if !aside.is_empty() {
            let (sender, _) = std::sync::mpsc::channel();
            self.walk_as(&aside, &Selection { respect_gitignore: false, ..selection }, sender, jobs);
        }
    }

    fn tell_unruly(&self, file: &Path) {
        let message = "no regular file, or too long for rules about files: not read, so that nothing there is left out";
        self.incident(&file.to_string_lossy(), message, false);
    }

    fn walk_as(&self, roots: &[PathBuf], selection: &Selection, aside: Sender<Unruly>, jobs: usize) {
        let filter = Arc::clone(&self.scanner.filter);
        let Some(walk) = builder(roots, selection, filter, jobs, aside) else { return };
        let is_little = is_little(roots);
        let large = if is_little && roots.len() == 1 { LARGE_ALONE } else { LARGE };
        if jobs == 1 || is_little {
            let mut searcher = self.scanner.searcher();
            walk.build().for_each(|entry| self.entry(entry, &mut searcher, large));
        } else {
            walk.build_parallel().run(|| {
                let mut searcher = self.scanner.searcher();
                Box::new(move |entry| {
                    self.entry(entry, &mut searcher, large);
                    WalkState::Continue
                })
            });
        }
    }

    /// Searches what was met, or leaves it to all threads if it has `large` bytes.
    fn entry(&self, entry: Result<DirEntry, ignore::Error>, searcher: &mut Searcher<'s>, large: u64) {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => return self.walk_error(&error),
        };
        let path = entry.path();
        if entry.depth() > 0 && !entry.file_type().is_some_and(|t| t.is_dir()) && !self.scanner.filter.takes(path) {
            return;
        }
        if let (Some(watcher), Some(kind)) = (self.watcher, entry.file_type()) {
            watcher(path, kind);
        }
        let Some(kind) = entry.file_type().filter(|kind| !kind.is_dir()) else { return };
        if !kind.is_file() && entry.depth() > 0 {
            return self.progress.skip(); // Below what the user named, to follow links is a walk option.
        }
        if entry.file_name() == "oci-layout" {
            let folder = path.parent().unwrap_or(path);
            self.note_image(&folder.to_string_lossy(), "oci-layout");
        }
        if kind.is_file() {
            return self.regular(path, searcher, large);
        }
        match std::fs::metadata(path) {
            Ok(followed) if followed.is_dir() => {}
            Ok(followed) if followed.is_file() => self.regular(path, searcher, large),
            Ok(_) => self.special(path, searcher),
            Err(error) => self.incident(&path.to_string_lossy(), reason(&error), true),
        }
    }

    fn regular(&self, path: &Path, searcher: &mut Searcher<'s>, large: u64) {
        match FileSource::open(path) {
            Ok(file) if self.too_large(file.len()) => self.progress.skip(),
            Ok(file) => {
                self.progress.expect(file.len());
                match file.len() >= large {
                    true => self.large.lock().unwrap_or_else(PoisonError::into_inner).push(path.to_owned()),
                    false => self.file(path, file, searcher, 1),
                }
            }
            Err(error) => self.incident(&path.to_string_lossy(), reason(&error), true),
        }
    }

    fn too_large(&self, len: u64) -> bool {
        self.scanner.options.selection.max_file_size.is_some_and(|max| len > max)
    }

    fn walk_error(&self, error: &ignore::Error) {
        let path = error_path(error).map_or_else(|| "-".to_owned(), |p| p.to_string_lossy().into_owned());
        match error.io_error() {
            Some(io) => self.incident(&path, reason(io), true),
            // A broken .gitignore line hides nothing.
            None if error.is_partial() => self.incident(&path, error.to_string(), false),
            None => self.incident(&path, error.to_string(), true),
        }
    }
}

/// Whether there is so little to walk that threads would take longer to start: one file (a large one has all threads later), or a
/// few that are small.
fn is_little(roots: &[PathBuf]) -> bool {
    let is_file = |max: u64| move |m: std::fs::Metadata| m.is_file() && m.len() <= max;
    let most = if roots.len() == 1 { u64::MAX } else { SMALL as u64 };
    roots.len() <= FEW && roots.iter().all(|root| std::fs::metadata(root).is_ok_and(is_file(most)))
}

fn error_path(error: &ignore::Error) -> Option<&Path> {
    match error {
        ignore::Error::WithPath { path, .. } => Some(path),
        ignore::Error::WithDepth { err, .. } | ignore::Error::WithLineNumber { err, .. } => error_path(err),
        ignore::Error::Loop { child, .. } => Some(child),
        ignore::Error::Partial(errors) => errors.iter().find_map(error_path),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(patterns: &[&str]) -> GlobSet {
        globs(&patterns.iter().map(ToString::to_string).collect::<Vec<_>>()).unwrap()
    }

    #[test]
    fn globs_without_a_slash_match_at_any_depth() {
        assert!(set(&["*.pem"]).is_match("a/b/c.pem"));
        assert!(set(&["node_modules/"]).is_match("/home/x/node_modules"));
        assert!(!set(&["*.pem"]).is_match("a/b.pem/c"));
        assert!(set(&["src/*.rs"]).is_match("/w/src/a.rs"));
        assert!(!set(&["src/*.rs"]).is_match("/w/src/b/a.rs"));
    }

    #[test]
    fn a_bad_glob_is_an_error_that_names_it() {
        let error = globs(&["a[".into()]).unwrap_err().to_string();
        assert!(error.contains("a["), "{error}");
    }
}
