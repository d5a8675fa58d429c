//! `keysweep git`: what a repository holds, not only what lies in its work tree.

mod history;
mod range;
mod staged;

use crate::Error;
use crate::args::{GateArgs, GitArgs, HookScan, ReportArgs, RuleArgs};
use crate::gate::Setup;
use crate::scan::{archive_limits, conclude, fingerprinter};
use keysweep_engine::{ArchiveLimits, BlobSweep, BlobWorker, GitPlace, Options, Progress, Report, Scanner, threads};
use keysweep_gate::Coverage;
use keysweep_git::{ObjectId, Place, Push, Received, Repository};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Hexadecimal digits of a commit in the name of a place.
const SHORT: usize = 12;

pub(crate) fn run(args: &GitArgs) -> Result<u8, Error> {
    let path = args.repository.as_deref();
    let repository = Repository::open(path.unwrap_or(Path::new(".")), path.is_none())?;
    let source = Source { repository: &repository, limit: args.max_file_size, jobs: threads(args.jobs) };
    let coverage = if args.what.history { Coverage::Whole } else { Coverage::NewLines };
    let archives = archive_limits(&args.archives);
    let how = How { report: &args.report, rules: &args.rules, gate: &args.gate, archives, coverage };
    std::thread::scope(|scope| {
        let ahead = args.what.staged.then(|| staged::Ahead::start(scope, &repository));
        how.sweep(&repository, |sweep| match (ahead, &args.what.range, &args.what.since_ref) {
            (Some(ahead), ..) => staged::scan(&source, sweep, ahead, &[]),
            (None, Some(range), _) => range::scan(&source, sweep, range),
            (None, None, Some(reference)) => range::scan(&source, sweep, &format!("{reference}..HEAD")),
            (None, None, None) => {
                history::scan(&source, sweep, args.dangling);
                Ok(())
            }
        })
    })
}

/// What a hook is asked about.
pub(crate) enum Asked {
    /// What is staged, and of these files those that are not.
    Staged(Vec<PathBuf>),
    /// What is pushed from here.
    Pushed(Vec<Push>),
    /// A range of commits.
    Range(String),
    /// What is pushed to here.
    Received(Vec<Received>),
}

/// Scans what a hook is asked about.
pub(crate) fn run_hook(args: &HookScan, asked: &Asked) -> Result<u8, Error> {
    let repository = Repository::open(Path::new("."), true)?;
    let source = Source { repository: &repository, limit: args.max_file_size, jobs: threads(0) };
    let archives = archive_limits(&args.archives);
    let coverage = Coverage::NewLines;
    let how = How { report: &args.report, rules: &args.rules, gate: &args.gate, archives, coverage };
    std::thread::scope(|scope| match asked {
        Asked::Staged(files) => {
            let ahead = staged::Ahead::start(scope, &repository);
            how.sweep(&repository, |sweep| staged::scan(&source, sweep, ahead, files))
        }
        Asked::Range(range) => how.sweep(&repository, |sweep| range::scan(&source, sweep, range)),
        Asked::Pushed(pushes) => {
            how.sweep(&repository, |sweep| pushes.iter().try_for_each(|push| range::scan_push(&source, sweep, push)))
        }
        Asked::Received(refs) => {
            let setup = Setup::for_server(&args.gate)?;
            how.sweep_with(&repository, &setup, |sweep| range::scan_received(&source, sweep, refs))
        }
    })
}

/// The report of the whole history of the repository at `path`, for a baseline.
pub(crate) fn history(path: &Path, jobs: usize, limit: u64, scanner: &Scanner) -> Result<Report, Error> {
    let repository = Repository::open(path, false)?;
    let source = Source { repository: &repository, limit, jobs: threads(jobs) };
    let progress = Progress::default();
    let sweep = scanner.blobs(&progress);
    crate::progress::watch(&progress, true, || history::scan(&source, &sweep, false));
    tell_cut(&repository, &sweep);
    Ok(sweep.finish())
}

/// How a scan reports, and what fails it.
struct How<'a> {
    report: &'a ReportArgs,
    rules: &'a RuleArgs,
    gate: &'a GateArgs,
    archives: Option<ArchiveLimits>,
    coverage: Coverage,
}

impl How<'_> {
    fn sweep(
        &self,
        repository: &Repository,
        scan: impl FnOnce(&BlobSweep<'_>) -> Result<(), Error>,
    ) -> Result<u8, Error> {
        let setup = Setup::for_repository(self.gate, repository.work_tree().as_deref(), self.coverage)?;
        self.sweep_with(repository, &setup, scan)
    }

    fn sweep_with(
        &self,
        repository: &Repository,
        setup: &Setup,
        scan: impl FnOnce(&BlobSweep<'_>) -> Result<(), Error>,
    ) -> Result<u8, Error> {
        let fingerprinter = fingerprinter(self.report.fingerprint_key.as_deref())?;
        let options = Options { fingerprinter, archives: self.archives, ..Options::default() };
        let scanner = Scanner::new(setup.rules(self.rules)?, options)?;
        let progress = Progress::default();
        let sweep = scanner.blobs(&progress);
        crate::progress::watch(&progress, !self.report.no_progress, || scan(&sweep))?;
        tell_cut(repository, &sweep);
        conclude(&mut sweep.finish(), scanner.rules(), self.report, setup)
    }
}

/// Says that what was read was cut meanwhile.
fn tell_cut(repository: &Repository, sweep: &BlobSweep<'_>) {
    if repository.was_cut() {
        sweep.incident(repository.name(), "a pack or index was cut while it was read: scan it again", true);
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

/// The place of a blob that is in no commit.
fn uncommitted(blob: &ObjectId, path: String) -> GitPlace {
    GitPlace { commit: None, author_date: None, path, blob: blob.to_string(), in_head: false, pushed: false }
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
