//! What is about to be committed.

use super::{Source, uncommitted};
use crate::Error;
use keysweep_engine::{BlobPlace, BlobSweep, BlobWorker, GitPlace};
use keysweep_git::{Change, ObjectId, Repository, Staged, added_lines};
use std::collections::HashSet;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::thread::{Scope, ScopedJoinHandle};

/// Reads the index on a thread of its own, while the rules are compiled.
pub(super) struct Ahead<'scope>(ScopedJoinHandle<'scope, Result<Staged, keysweep_git::Error>>);

impl<'scope> Ahead<'scope> {
    pub(super) fn start<'env: 'scope>(scope: &'scope Scope<'scope, 'env>, repository: &'env Repository) -> Self {
        Self(scope.spawn(|| repository.staged()))
    }

    fn staged(self) -> Result<Staged, keysweep_git::Error> {
        self.0.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }
}

/// Scans what the index adds to `HEAD`, and those of `files` that are not changed in it as they lie in the work tree.
pub(super) fn scan(
    source: &Source<'_>,
    sweep: &BlobSweep<'_>,
    ahead: Ahead<'_>,
    files: &[PathBuf],
) -> Result<(), Error> {
    let staged = ahead.staged()?;
    if !files.is_empty() {
        let changed: HashSet<&[u8]> = staged.changes.iter().map(|change| change.path.as_slice()).collect();
        let others: Vec<&PathBuf> =
            files.iter().filter(|file| !changed.contains(file.as_os_str().as_encoded_bytes())).collect();
        source.each(sweep, &others, |worker, file| whole_file(source, sweep, worker, file));
    }
    source.each(sweep, &staged.changes, |worker, change| {
        let path = String::from_utf8_lossy(&change.path).into_owned();
        let git = uncommitted(&change.blob, path.clone());
        added(source, sweep, worker, change, &path, &git);
    });
    if source.repository.has_moved_on(&staged) {
        source.incident(sweep, "the index was replaced during the scan");
    }
    Ok(())
}

/// Scans a file of the work tree.
fn whole_file(source: &Source<'_>, sweep: &BlobSweep<'_>, worker: &mut BlobWorker<'_>, file: &Path) {
    let name = file.to_string_lossy();
    let read = || -> std::io::Result<Option<Vec<u8>>> {
        if !std::fs::symlink_metadata(file)?.is_file() {
            return Ok(Some(Vec::new())); // Of a link git keeps only where it leads.
        }
        let mut bytes = Vec::new();
        std::fs::File::open(file)?.take(source.limit.saturating_add(1)).read_to_end(&mut bytes)?;
        Ok(Some(bytes).filter(|bytes| bytes.len() as u64 <= source.limit))
    };
    match read() {
        Ok(Some(bytes)) => {
            let file_name = name.rsplit('/').next().unwrap_or(&name);
            worker.scan(BlobPlace { name: &name, file_name, git: None, only: None }, &bytes, None);
        }
        Ok(None) => too_large(source, sweep, &name),
        Err(error) => sweep.incident(&name, error.to_string(), true),
    }
}

fn too_large(source: &Source<'_>, sweep: &BlobSweep<'_>, name: &str) {
    sweep.incident(name, format!("larger than the limit of {} bytes (--max-file-size)", source.limit), true);
}

/// Scans a blob, and reports what touches a line that is new.
pub(super) fn added(
    source: &Source<'_>,
    sweep: &BlobSweep<'_>,
    worker: &mut BlobWorker<'_>,
    change: &Change,
    name: &str,
    git: &GitPlace,
) {
    let read = |id: &ObjectId| match source.repository.blob_up_to(id, source.limit) {
        Ok(Some(bytes)) => Some(bytes),
        Ok(None) => {
            too_large(source, sweep, name);
            None
        }
        Err(error) => {
            sweep.incident(name, error.to_string(), true);
            None
        }
    };
    let Some(new) = read(&change.blob) else { return };
    // An old version that cannot be read makes every line new.
    let olds: Vec<Vec<u8>> =
        change.olds.iter().filter_map(|id| source.repository.blob_up_to(id, source.limit).ok().flatten()).collect();
    let only = if olds.len() == change.olds.len() { added_lines(&olds, &new) } else { None };
    let file_name = git.path.rsplit('/').next().unwrap_or(&git.path);
    worker.scan(BlobPlace { name, file_name, git: Some(git), only: only.as_deref() }, &new, None);
}
