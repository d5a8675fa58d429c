//! Which files a scan looks at.

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use ignore::WalkBuilder;
use std::path::{Path, PathBuf};

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
pub(crate) struct Unruly {
    /// The folder.
    pub(crate) folder: PathBuf,
    /// The file with the rules.
    pub(crate) file: PathBuf,
}

/// The file with rules about what is left out of a folder, if it must not be read.
pub(crate) fn unruly(folder: &Path) -> Option<PathBuf> {
    let bad = |m: std::fs::Metadata| !m.is_dir() && (!m.is_file() || m.len() > MAX_IGNORE_FILE);
    let files = [".gitignore", ".ignore", ".git/info/exclude"].into_iter().map(|name| folder.join(name));
    files.into_iter().find(|file| std::fs::metadata(file).is_ok_and(bad))
}

/// A walk over `roots`, or `None` if there are none. Folders below them in which `.gitignore` must not be read are handed to
/// `aside` and not entered.
pub(crate) fn builder(
    roots: &[PathBuf],
    selection: &Selection,
    filter: std::sync::Arc<Filter>,
    threads: usize,
    aside: std::sync::mpsc::Sender<Unruly>,
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
