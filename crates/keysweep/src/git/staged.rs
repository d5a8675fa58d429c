//! What is about to be committed.

use super::Source;
use crate::Error;
use keysweep_engine::{BlobPlace, BlobSweep, BlobWorker, GitPlace};
use keysweep_git::{Change, ObjectId, added_lines};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Scans what the index adds to `HEAD`.
pub(super) fn scan(source: &Source<'_>, sweep: &BlobSweep<'_>) -> Result<(), Error> {
    let staged = source.repository.staged()?;
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..source.jobs.min(staged.changes.len()) {
            scope.spawn(|| {
                let mut worker = sweep.worker();
                while let Some(change) = staged.changes.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let path = String::from_utf8_lossy(&change.path).into_owned();
                    let git = GitPlace {
                        commit: None,
                        author_date: None,
                        path: path.clone(),
                        blob: change.blob.to_string(),
                        in_head: false,
                        pushed: false,
                    };
                    added(source, sweep, &mut worker, change, &path, &git);
                }
            });
        }
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
