//! Scans of blobs that the caller reads: objects of a repository, members of a store.
//!
//! Where a blob lies is often not known before all have been read, while decoders, severities and the names of guessable
//! secrets depend on it. So a blob can be looked at twice: [`BlobWorker::probe`] tells cheaply whether anything is in it, and
//! [`BlobWorker::scan`] reports what, when the place is known.

use crate::Scanner;
use crate::file::{Searcher, Seen};
use crate::finding::{GitPlace, Report, Stats};
use crate::inline::open_inline;
use crate::numbers;
use crate::place::Part;
use crate::progress::Progress;
use crate::raw::Raw;
use crate::scan::Sweep;
use crate::unpack::{Pass, drop_shown_through, unpack};
use keysweep_image::recognise;
use std::ops::Range;
use std::panic::AssertUnwindSafe;
use std::sync::PoisonError;
use std::time::Instant;

/// A scan of blobs under way. Workers of several threads add to it.
pub struct BlobSweep<'a> {
    sweep: Sweep<'a>,
    begin: Instant,
}

/// A name for probes: old Kerberos stashes are nothing without a name like this, and no other decoder sees less because of it.
/// What is there under the real name the second look tells.
const PROBE_NAME: &str = ".k5.PROBE";

/// Where a blob lies.
#[derive(Debug, Clone, Copy)]
pub struct BlobPlace<'a> {
    /// How the report calls the place.
    pub name: &'a str,
    /// The last part of the path, for what depends on names of files.
    pub file_name: &'a str,
    /// Where in a repository.
    pub git: Option<&'a GitPlace>,
    /// Report only what touches one of these parts of the blob, sorted and apart.
    pub only: Option<&'a [Range<u64>]>,
}

/// What a probe saw.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Interest {
    /// There is something to report.
    pub found: bool,
    /// It is a memory image, which may hold keys as numbers: see [`BlobSweep::numbers`].
    pub numbers: bool,
}

/// Keys found as bare numbers in a blob.
#[derive(Clone, Default)]
pub struct Numbers {
    raws: Vec<Raw>,
    limits: Vec<&'static str>,
}

impl Numbers {
    /// Whether there is nothing to report.
    pub fn is_empty(&self) -> bool {
        self.raws.is_empty() && self.limits.is_empty()
    }
}

/// Looks at blobs; holds the buffers of one thread.
pub struct BlobWorker<'a> {
    sweep: &'a Sweep<'a>,
    searcher: Searcher<'a>,
}

impl Scanner {
    /// Begins a scan of blobs.
    pub fn blobs<'a>(&'a self, progress: &'a Progress) -> BlobSweep<'a> {
        BlobSweep { sweep: Sweep::new(self, progress), begin: Instant::now() }
    }
}

impl BlobSweep<'_> {
    /// A worker for one thread.
    pub fn worker(&self) -> BlobWorker<'_> {
        BlobWorker { sweep: &self.sweep, searcher: self.sweep.scanner.searcher() }
    }

    /// Searches a memory image for keys as numbers, on `jobs` threads: when all blobs were probed, since then all public
    /// keys are known.
    pub fn numbers(&self, name: &str, bytes: &[u8], jobs: usize) -> Numbers {
        let work = AssertUnwindSafe(|| {
            let image = recognise(&bytes);
            let part = Part::whole(name, &bytes, &image);
            let seen = self.worker().search("", bytes);
            let effort = numbers::effort(part.image, part.source);
            let (raws, limits) = self.sweep.search_numbers(part, &seen, jobs, effort);
            Numbers { raws, limits }
        });
        std::panic::catch_unwind(work).unwrap_or_else(|_| {
            self.incident(name, "internal error: not searched for keys as numbers", true);
            Numbers::default()
        })
    }

    /// Whether rules report files by their paths alone, which a probe cannot tell.
    pub fn judges_files(&self) -> bool {
        self.sweep.judges_files()
    }

    /// Whether a tree of git names a file that a rule knows by its name, whatever is in it: a probe cannot tell that either.
    pub fn judges_in(&self, tree: &[u8]) -> bool {
        self.sweep.mentions_named(tree)
    }

    /// Whether there is such a rule about a file at `path`: its blob is to be scanned, whatever a probe says of it.
    pub fn judges(&self, path: &str) -> bool {
        self.sweep.judges(path)
    }

    /// Notes what could not be looked at; `incomplete` if bytes went unseen.
    pub fn incident(&self, path: &str, message: impl Into<String>, incomplete: bool) {
        self.sweep.incident(path, message, incomplete);
    }

    /// Counts a blob that is passed over as the user asked.
    pub fn skip(&self) {
        self.sweep.progress.skip();
    }

    /// The report.
    pub fn finish(self) -> Report {
        let progress = self.sweep.progress;
        let stats = Stats {
            files: progress.files(),
            bytes: progress.bytes(),
            skipped: progress.skipped(),
            milliseconds: self.begin.elapsed().as_millis() as u64,
        };
        let rules = self.sweep.scanner.rules();
        let collector = self.sweep.collector.into_inner().unwrap_or_else(PoisonError::into_inner);
        let mut report = collector.into_report(rules, stats);
        drop_shown_through(&mut report, &self.sweep.encoded.into_inner().unwrap_or_else(PoisonError::into_inner));
        report
    }
}

impl BlobWorker<'_> {
    /// Looks whether there is anything in a blob. Public keys and certificates in it are kept for the whole sweep.
    pub fn probe(&mut self, name: &str, bytes: &[u8]) -> Interest {
        let work = AssertUnwindSafe(|| {
            let mut seen = self.search(PROBE_NAME, bytes);
            if !seen.public.is_empty() {
                let mut collector = self.sweep.collector();
                seen.public.iter().for_each(|(_, object)| collector.public(name, object));
            }
            let image = recognise(&bytes);
            let part = Part::whole(name, &bytes, &image);
            self.sweep.add_written(part, &mut seen);
            let mut interest = Interest { found: !seen.raws.is_empty() || !seen.limits.is_empty(), numbers: false };
            interest.found |= image.format.is_dump() || self.holds_something(part, &mut seen);
            interest.numbers = self.sweep.wants_numbers(part);
            interest
        });
        let outcome = std::panic::catch_unwind(work);
        self.sweep.progress.searched(bytes.len() as u64);
        self.sweep.progress.finished_file();
        outcome.unwrap_or_else(|_| self.failed(name))
    }

    /// Reports what is in a blob. `known` is what was found in it as numbers; `None` if the blob was not probed, and
    /// such are to be searched for now.
    pub fn scan(&mut self, place: BlobPlace<'_>, bytes: &[u8], known: Option<Numbers>) {
        let probed = known.is_some();
        let work = AssertUnwindSafe(|| {
            let mut seen = self.search(place.file_name, bytes);
            let image = recognise(&bytes);
            let part = Part { git: place.git, only: place.only, ..Part::whole(place.name, &bytes, &image) };
            let opened = unpack(self.sweep, &mut self.searcher, part, Pass::First { again: false }, 1);
            seen.leave_out(&opened.covered);
            open_inline(self.sweep, &mut self.searcher, part, &mut seen, 1);
            let path = place.git.map_or(place.name, |git| git.path.as_str());
            seen.raws.extend(self.sweep.unwanted(&bytes, || path));
            if known.is_none() && self.sweep.wants_numbers(part) {
                return self.sweep.numbers(part, seen, 1, numbers::effort(part.image, part.source));
            }
            let known = known.unwrap_or_default();
            seen.raws.extend(known.raws);
            known.limits.into_iter().for_each(|limit| seen.limit(limit));
            self.sweep.publish(part, seen);
        });
        if std::panic::catch_unwind(work).is_err() {
            self.failed(place.name);
        }
        if !probed {
            self.sweep.progress.searched(bytes.len() as u64);
            self.sweep.progress.finished_file();
        }
    }

    /// Whether there is anything to report of what is in an archive, or in maps of `seen`. Its public keys are kept.
    fn holds_something(&self, part: Part<'_>, seen: &mut Seen) -> bool {
        let scanner = self.sweep.scanner;
        let is_archive = || !seen.maps.is_empty() || keysweep_archive::recognise(part.source).is_some();
        if self.sweep.archives().is_none() || !is_archive() {
            return false;
        }
        let progress = Progress::default();
        let aside = Sweep::new(scanner, &progress);
        let mut searcher = scanner.searcher();
        let opened = unpack(&aside, &mut searcher, part, Pass::First { again: false }, 1);
        seen.leave_out(&opened.covered);
        open_inline(&aside, &mut searcher, part, seen, 1);
        let seen = aside.collector.into_inner().unwrap_or_else(PoisonError::into_inner);
        self.sweep.collector().take_public(&seen);
        // What members are called may depend on the name of the file.
        !seen.is_empty() || self.sweep.judges_files()
    }

    fn search(&mut self, file_name: &str, bytes: &[u8]) -> Seen {
        let mut seen = Seen::default();
        // Reading from memory does not fail.
        let _ = self.searcher.search(&bytes, 0..bytes.len() as u64, file_name, &mut seen, &mut |_, _| {});
        seen
    }

    /// A defect in one parser must not cost the rest of the sweep, nor pass for a clean blob.
    fn failed(&mut self, name: &str) -> Interest {
        self.sweep.incident(name, "internal error: not searched to its end", true);
        self.searcher = self.sweep.scanner.searcher();
        Interest::default()
    }
}
