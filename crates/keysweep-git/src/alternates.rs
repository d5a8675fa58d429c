//! Folders of objects that a repository borrows from (`gitrepository-layout(5)`, `objects/info/alternates`), where gix gives up: folders
//! that name each other in a circle, or a list that cannot be read. Git takes what it can get then.

use crate::repository::{Problem, reason};
use crate::trap;
use gix::odb::Store;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Steps from folder to folder; git takes as many.
const MAX_DEPTH: usize = 5;
/// Folders that are read.
const MAX_FOLDERS: usize = 1_000;
/// Bytes of a list of folders.
const MAX_LIST: u64 = 1 << 20;

/// The folders that `own` borrows from, itself first, each once, and what is wrong with their lists.
pub(crate) fn resolve(own: &Path) -> (Vec<PathBuf>, Vec<Problem>) {
    let (mut folders, mut problems) = (Vec::new(), Vec::new());
    // With the real paths of the folders that led to each.
    let mut open: Vec<(PathBuf, Vec<PathBuf>)> = vec![(own.to_owned(), Vec::new())];
    let mut seen: Vec<PathBuf> = Vec::new();
    while let Some((folder, mut way)) = open.pop() {
        let list = folder.join("info").join("alternates");
        let mut problem = |reason: String| problems.push(Problem { name: list.display().to_string(), reason });
        // A folder that is gone lacks objects, which is told of each.
        let real = std::fs::canonicalize(&folder).unwrap_or_else(|_| folder.clone());
        if way.contains(&real) {
            let last = way.last().unwrap_or(&real);
            problem(format!("alternates form a circle: {} leads back to it", last.display()));
            continue;
        }
        if seen.contains(&real) {
            continue;
        }
        if way.len() > MAX_DEPTH || folders.len() >= MAX_FOLDERS {
            problem("more alternates than git follows: not read".to_owned());
            continue;
        }
        match named(&list) {
            Ok(paths) => {
                way.push(real.clone());
                open.extend(paths.into_iter().rev().map(|path| (folder.join(path), way.clone())));
            }
            Err(why) => problem(why),
        }
        seen.push(real);
        folders.push(folder);
    }
    (folders, problems)
}

/// The paths in a list of folders.
fn named(list: &Path) -> Result<Vec<PathBuf>, String> {
    let size = match std::fs::metadata(list) {
        Ok(metadata) if trap::special(metadata.file_type()) => return Err(trap::REASON.to_owned()),
        Ok(metadata) => metadata.len(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error.to_string()),
    };
    if size > MAX_LIST {
        return Err("a list of that length is not read".to_owned());
    }
    let bytes = std::fs::read(list).map_err(|error| error.to_string())?;
    gix::odb::alternate::parse(&bytes).map_err(|error| reason(&error))
}

/// The objects of some folders, whatever their own lists say: a folder for each, with links to all but the list.
pub(crate) struct Untied {
    folder: tempfile::TempDir,
}

impl Untied {
    /// Links to what is in `folders`.
    ///
    /// # Errors
    ///
    /// The folder cannot be written, or the system has no links.
    pub(crate) fn new(folders: &[PathBuf]) -> std::io::Result<Self> {
        let folder = tempfile::Builder::new().prefix("keysweep-objects-").tempdir()?;
        let mut list = String::new();
        for (number, objects) in folders.iter().enumerate() {
            let name = number.to_string();
            let mirror = folder.path().join(&name);
            std::fs::create_dir(&mirror)?;
            let objects = std::path::absolute(objects)?;
            let kept = std::fs::read_dir(&objects).into_iter().flatten().flatten();
            for entry in kept.filter(|entry| entry.file_name() != "info") {
                link(&entry.path(), &mirror.join(entry.file_name()))?;
            }
            list.push_str(&format!("{}\n", mirror.display()));
        }
        std::fs::create_dir(folder.path().join("info"))?;
        std::fs::create_dir(folder.path().join("pack"))?;
        std::fs::write(folder.path().join("info/alternates"), list)?;
        Ok(Self { folder })
    }

    /// The objects.
    pub(crate) fn objects(&self, hash: gix::hash::Kind) -> std::io::Result<Arc<Store>> {
        let options = gix::odb::store::init::Options::default();
        Store::at_opts(self.folder.path().to_owned(), hash, &mut std::iter::empty(), options).map(Arc::new)
    }
}

#[cfg(unix)]
fn link(to: &Path, at: &Path) -> std::io::Result<()> {
    std::os::unix::fs::symlink(to, at)
}

#[cfg(not(unix))]
fn link(_: &Path, _: &Path) -> std::io::Result<()> {
    Err(std::io::Error::from(std::io::ErrorKind::Unsupported))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_followed_once_and_a_circle_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let folder = |name: &str| dir.path().join(name);
        let names = |name: &str, others: &[&str]| {
            std::fs::create_dir_all(folder(name).join("info")).unwrap();
            let list: String = others.iter().map(|other| format!("{}\n", folder(other).display())).collect();
            std::fs::write(folder(name).join("info/alternates"), list).unwrap();
        };
        // Two ways to the same folder are no circle.
        names("a", &["b", "c"]);
        names("b", &["d"]);
        names("c", &["d", "gone"]);
        names("d", &[]);
        let (folders, problems) = resolve(&folder("a"));
        assert_eq!(folders, ["a", "b", "d", "c", "gone"].map(folder));
        assert_eq!(problems, []);
        names("d", &["a"]);
        let (folders, problems) = resolve(&folder("a"));
        assert_eq!(folders, ["a", "b", "d", "c", "gone"].map(folder));
        assert!(problems.len() == 1 && problems[0].reason.contains("circle"), "{problems:?}");
        names("d", &["d"]);
        assert_eq!(resolve(&folder("a")).1.len(), 1);
        std::fs::remove_file(folder("d").join("info/alternates")).unwrap();
        std::fs::create_dir(folder("d").join("info/alternates")).unwrap();
        let (folders, problems) = resolve(&folder("a"));
        assert_eq!((folders.len(), problems.len()), (5, 1), "{problems:?}");
    }
}
