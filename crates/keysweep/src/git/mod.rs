//! `keysweep git`: what a repository holds, not only what lies in its work tree.

mod history;
mod range;
mod staged;

use crate::Error;
use crate::args::{GitArgs, HookScan, ReportArgs, RuleArgs};
use crate::scan::{conclude, fingerprinter, rule_set};
use keysweep_engine::{BlobSweep, BlobWorker, GitPlace, Options, Progress, Scanner};
use keysweep_git::{ObjectId, Place, Push, Repository};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Hexadecimal digits of a commit in the name of a place.
const SHORT: usize = 12;

pub(crate) fn run(args: &GitArgs) -> Result<u8, Error> {
    let path = args.repository.as_deref();
    let repository = Repository::open(path.unwrap_or(Path::new(".")), path.is_none())?;
    let source = Source { repository: &repository, limit: args.max_file_size, jobs: jobs(args.jobs) };
    std::thread::scope(|scope| {
        let ahead = args.what.staged.then(|| staged::Ahead::start(scope, &repository));
        sweep(&args.report, &args.rules, |sweep| match (ahead, &args.what.range, &args.what.since_ref) {
            (Some(ahead), ..) => staged::scan(&source, sweep, ahead),
            (None, Some(range), _) => range::scan(&source, sweep, range),
            (None, None, Some(reference)) => range::scan(&source, sweep, &format!("{reference}..HEAD")),
            (None, None, None) => {
                history::scan(&source, sweep, args.dangling);
                Ok(())
            }
        })
    })
}

/// Scans what a hook is asked about: the `pushes`, or what is staged.
pub(crate) fn run_hook(args: &HookScan, pushes: Option<&[Push]>) -> Result<u8, Error> {
    let repository = Repository::open(Path::new("."), true)?;
    let source = Source { repository: &repository, limit: args.max_file_size, jobs: jobs(0) };
    std::thread::scope(|scope| match pushes {
        Some(pushes) => sweep(&args.report, &args.rules, |sweep| {
            pushes.iter().try_for_each(|push| range::scan_push(&source, sweep, push))
        }),
        None => {
            let ahead = staged::Ahead::start(scope, &repository);
            sweep(&args.report, &args.rules, |sweep| staged::scan(&source, sweep, ahead))
        }
    })
}

fn sweep(
    report: &ReportArgs,
    rules: &RuleArgs,
    scan: impl FnOnce(&BlobSweep<'_>) -> Result<(), Error>,
) -> Result<u8, Error> {
    let options = Options { fingerprinter: fingerprinter(report)?, ..Options::default() };
    let scanner = Scanner::new(rule_set(rules)?, options)?;
    let progress = Progress::default();
    let sweep = scanner.blobs(&progress);
    crate::progress::watch(&progress, !report.no_progress, || scan(&sweep))?;
    conclude(&mut sweep.finish(), scanner.rules(), report)
}

fn jobs(wanted: usize) -> usize {
    match wanted {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        n => n,
    }
}

/// The repository, and how it is read.
struct Source<'a> {
    repository: &'a Repository,
    /// Bytes of a blob up to which it is read.
    limit: u64,
    jobs: usize,
}

impl Source<'_> {
    fn name(&self) -> &str {
        self.repository.name()
    }

    /// Says that something of the repository is not looked at.
    fn incident(&self, sweep: &BlobSweep<'_>, message: &str) {
        sweep.incident(self.name(), message, true);
    }

    fn note(&self, sweep: &BlobSweep<'_>, message: &str) {
        sweep.incident(self.name(), message, false);
    }

    fn too_large(&self, sweep: &BlobSweep<'_>, id: &ObjectId, size: u64) {
        let name = format!("{}:{id}", self.name());
        sweep.incident(
            &name,
            format!("a blob of {size} bytes is over the limit of {} (--max-file-size)", self.limit),
            true,
        );
    }

    /// Calls `scan` for all `items` on the threads there are, each with a worker of its own.
    fn each<T: Sync>(&self, sweep: &BlobSweep<'_>, items: &[T], scan: impl Fn(&mut BlobWorker<'_>, &T) + Sync) {
        let next = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..self.jobs.min(items.len()) {
                scope.spawn(|| {
                    let mut worker = sweep.worker();
                    while let Some(item) = items.get(next.fetch_add(1, Ordering::Relaxed)) {
                        scan(&mut worker, item);
                    }
                });
            }
        });
    }

    /// `REPO:COMMIT:PATH`.
    fn display(&self, place: &Place) -> String {
        let path = String::from_utf8_lossy(&place.path);
        match place.commit {
            Some(commit) => format!("{}:{}:{path}", self.name(), commit.to_hex_with_len(SHORT)),
            None => format!("{}::{path}", self.name()),
        }
    }
}

/// A place as the report holds it.
fn git_place(blob: &ObjectId, place: &Place) -> GitPlace {
    GitPlace {
        commit: place.commit.map(|id| id.to_string()),
        author_date: place.author_date,
        path: String::from_utf8_lossy(&place.path).into_owned(),
        blob: blob.to_string(),
        in_head: place.in_head,
        pushed: place.pushed,
    }
}
