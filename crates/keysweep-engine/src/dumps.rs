//! Dumps in a sweep: which sources are searched for keys as numbers, when, and how thoroughly.
//!
//! A key may be proven by a public half in any other file, so that dumps wait until all others have been read.

use crate::blank;
use crate::file::Seen;
use crate::numbers;
use crate::place::Part;
use crate::raw::Raw;
use crate::scan::{Sweep, reason};
use crate::source::FileSource;
use crate::unpack::{Pass, unpack};
use keysweep_image::open;
use keysweep_memory::Effort;
use std::panic::AssertUnwindSafe;
use std::path::Path;
use std::sync::PoisonError;

/// Results of a dump that are held back until its numbers are searched; with more they are handed on at once.
const MAX_POSTPONED: usize = 10_000;

impl Sweep<'_> {
    pub(crate) fn effort(&self, part: Part<'_>, path: Option<&Path>) -> Effort {
        let named = path.is_none_or(|path| self.named.contains(path));
        if named || self.hunting.is_some() { Effort::Full } else { numbers::effort(part.image, part.source) }
    }

    /// Whether the source is searched for keys as numbers: dumps, and in a hunt everything that is not text.
    pub(crate) fn wants_numbers(&self, part: Part<'_>) -> bool {
        let holds = || match self.hunting {
            Some(_) => !part.image.format.is_text(),
            // What lies in an archive is searched for itself.
            None => {
                let is_named = self.named.contains(Path::new(part.name));
                numbers::may_hold_numbers(part.image, part.source, is_named) && !self.is_opened(part)
            }
        };
        self.scanner.detector.numbers && holds()
    }

    /// Whether the source is an archive that is opened.
    fn is_opened(&self, part: Part<'_>) -> bool {
        part.image.format == keysweep_image::Format::Raw
            && self.archives().is_some()
            && keysweep_archive::recognise(part.source).is_some()
    }

    /// Keeps a dump for the search for numbers.
    pub(crate) fn postpone(&self, part: Part<'_>, path: &Path, mut seen: Seen) {
        let mut collector = self.collector();
        for (_, object) in &seen.public {
            collector.public(part.name, object);
        }
        drop(collector);
        if seen.raws.len() > MAX_POSTPONED {
            let blank = std::mem::take(&mut seen.blank);
            self.publish(part, std::mem::take(&mut seen));
            seen.blank = blank;
        }
        self.dumps.lock().unwrap_or_else(PoisonError::into_inner).push((path.to_owned(), seen));
    }

    /// Searches the dumps for numbers.
    pub(crate) fn dumps(&self, jobs: usize) {
        let mut dumps = std::mem::take(&mut *self.dumps.lock().unwrap_or_else(PoisonError::into_inner));
        dumps.sort_by(|a, b| a.0.cmp(&b.0));
        for (path, seen) in dumps {
            self.again(&path, |part| self.numbers(part, seen, jobs, Effort::Full));
        }
    }

    /// Searches the dumps in archives, when all public keys of the sweep are known.
    pub(crate) fn packed_dumps(&self, jobs: usize) {
        let mut paths = std::mem::take(&mut *self.packed.lock().unwrap_or_else(PoisonError::into_inner));
        paths.sort();
        let mut searcher = self.scanner.searcher();
        for path in paths {
            if !self.again(&path, |part| drop(unpack(self, &mut searcher, part, Pass::Dumps, jobs))) {
                searcher = self.scanner.searcher();
            }
        }
    }

    /// Opens a file once more for the search for numbers. Returns whether `search` did not panic: a defect in it must not cost the
    /// other dumps.
    fn again(&self, path: &Path, search: impl FnOnce(Part<'_>)) -> bool {
        let name = path.to_string_lossy();
        let work = AssertUnwindSafe(|| match FileSource::open(path) {
            Ok(source) => {
                let view = open(&source);
                search(Part::whole(&name, view.source(), &view.image));
                self.tell_change(&name, &source);
            }
            Err(error) => self.incident(&name, reason(&error), true),
        });
        let done = std::panic::catch_unwind(work).is_ok();
        if !done {
            self.incident(&name, "internal error: not searched for keys as numbers", true);
        }
        done
    }

    /// Searches one dump for numbers, and hands on all that was seen in it.
    pub(crate) fn numbers(&self, part: Part<'_>, mut seen: Seen, jobs: usize, effort: Effort) {
        for (_, object) in &seen.public {
            self.collector().public(part.name, object);
        }
        let (raws, limits) = self.search_numbers(part, &seen, jobs, effort);
        seen.raws.extend(raws);
        for limit in limits {
            seen.limit(limit);
        }
        self.publish(part, seen);
    }

    /// The keys that lie in a dump as numbers, and why not all of it was looked at. `seen` is what was seen in it before.
    pub(crate) fn search_numbers(
        &self,
        part: Part<'_>,
        seen: &Seen,
        jobs: usize,
        effort: Effort,
    ) -> (Vec<Raw>, Vec<&'static str>) {
        let public = match effort {
            Effort::Full | Effort::Given => self.collector().public_keys(),
            Effort::Quick | Effort::Written { .. } => {
                seen.public.iter().map(|(_, object)| object.key.clone()).collect()
            }
        };
        let used = blank::written(part.source.len(), &seen.blank);
        let outcome = match &self.hunting {
            Some(hunting) => {
                let (outcome, tested) = numbers::hunt(part, &used, hunting, &public, jobs);
                hunting.tested(&tested);
                outcome
            }
            None => numbers::search(part, &used, &public, jobs, effort),
        };
        let mut limits = outcome.limits.clone();
        if self.collector().forgot_public() {
            limits.push("more public keys in the sweep than are looked for as numbers");
        }
        let raws = numbers::raws(&outcome, |id| self.scanner.detector.key_rule(id));
        // That less is tried of what is no dump is no news.
        (raws, if effort == Effort::Full { limits } else { Vec::new() })
    }
}
