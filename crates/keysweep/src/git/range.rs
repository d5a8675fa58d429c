//! What the commits of a range add.

use super::staged::added;
use super::{SHORT, Source};
use crate::Error;
use keysweep_engine::{BlobSweep, BlobWorker, GitPlace};
use keysweep_git::{Push, RangeCommit, Received};

/// Scans the commits of `range`.
pub(super) fn scan(source: &Source<'_>, sweep: &BlobSweep<'_>, range: &str) -> Result<(), Error> {
    scan_commits(source, sweep, &source.repository.range(range)?);
    Ok(())
}

/// Scans the commits that a push brings to its remote.
pub(super) fn scan_push(source: &Source<'_>, sweep: &BlobSweep<'_>, push: &Push) -> Result<(), Error> {
    scan_commits(source, sweep, &source.repository.pushed_by(push)?);
    Ok(())
}

/// Scans the commits that are pushed into the repository.
pub(super) fn scan_received(source: &Source<'_>, sweep: &BlobSweep<'_>, refs: &[Received]) -> Result<(), Error> {
    scan_commits(source, sweep, &source.repository.received(refs)?);
    Ok(())
}

fn scan_commits(source: &Source<'_>, sweep: &BlobSweep<'_>, commits: &[RangeCommit]) {
    source.each(sweep, commits, |worker, commit| scan_commit(source, sweep, worker, commit));
    if source.repository.is_shallow() {
        source.note(sweep, "a shallow clone: what is older than its history is not here");
    }
}

fn scan_commit(source: &Source<'_>, sweep: &BlobSweep<'_>, worker: &mut BlobWorker<'_>, commit: &RangeCommit) {
    let changes = match source.repository.added_by(commit) {
        Ok(changes) => changes,
        Err(error) => {
            return sweep.incident(&format!("{}:{}", source.name(), commit.id), error.to_string(), true);
        }
    };
    for change in &changes {
        let path = String::from_utf8_lossy(&change.path).into_owned();
        let name = format!("{}:{}:{path}", source.name(), commit.id.to_hex_with_len(SHORT));
        let git = GitPlace {
            commit: Some(commit.id.to_string()),
            author_date: commit.author_date,
            path,
            blob: change.blob.to_string(),
            in_head: source.repository.is_in_head(change),
            pushed: commit.pushed,
        };
        added(source, sweep, worker, change, &name, &git);
    }
}
