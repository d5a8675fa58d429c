//! What is about to be committed.

use super::{Source, uncommitted};
use crate::Error;
use keysweep_engine::{BlobPlace, BlobSweep, BlobWorker, GitPlace};
use keysweep_git::{Change, ObjectId, Repository, Staged, added_lines};
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

/// Scans what the index adds to `HEAD`.
pub(super) fn scan(source: &Source<'_>, sweep: &BlobSweep<'_>, ahead: Ahead<'_>) -> Result<(), Error> {
    let staged = ahead.staged()?;
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
            sweep.incident(name, format!("larger than the limit of {} bytes (--max-file-size)", source.limit), true);
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
