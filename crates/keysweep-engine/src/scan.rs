//! The scan: files met, searched by as many threads as asked for, and joined into a report.

use crate::collect::Collector;
use crate::detector::{Detector, SetupError};
use crate::file::{Searcher, Seen};
use crate::finding::{DumpFacts, Location, Report, Stats};
use crate::fingerprint::Fingerprinter;
use crate::hunt::{Hunting, Wanted};
use crate::inline::open_inline;
use crate::mark;
use crate::place::{Part, Places};
use crate::progress::Progress;
use crate::raw::{Raw, resolve_overlaps};
use crate::source::{Change, FileSource};
use crate::tables::missed;
use crate::unpack::{Encoded, Opened, Pass, drop_shown_through, file_name, unpack};
use crate::walk::{Filter, Selection};
use keysweep_archive::{Format, Limits};
use keysweep_image::{ReadAt, WarningKind, intersect, open};
use keysweep_keys::secret::Buffer;
use keysweep_memory::Effort;
use keysweep_rules::RuleSet;
use keysweep_rules::readers::Notes;
use std::collections::{BTreeSet, HashSet};
use std::ops::Range;
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

/// Files up to this size are read once, as a whole.
pub(crate) const SMALL: usize = 512 << 10;
/// Files from this size on are searched by all threads together, one after the other.
pub(crate) const LARGE: u64 = 32 << 20;
/// What a thread takes of a large file at a time.
const SEGMENT: u64 = 8 << 20;

/// Archives and folders that are looked at as container images.
const MAX_IMAGES: usize = 10_000;

/// How to scan.
#[derive(Default)]
pub struct Options {
    /// Threads; 0 for as many as there are cores.
    pub jobs: usize,
    /// Which files.
    pub selection: Selection,
    /// How credentials are named.
    pub fingerprinter: Fingerprinter,
    /// Keys whose private halves are hunted for.
    pub wanted: Vec<Wanted>,
    /// Whether windows that are hunted in begin at every byte, not only at every fourth.
    pub every_byte: bool,
    /// Open archives, within these bounds.
    pub archives: Option<Limits>,
    /// Do not read the tables of databases as SQL: whoever asks reads those that matter, and would tell what they hold twice.
    pub leave_databases: bool,
    /// List in the report where public keys and certificates lie.
    pub list_public: bool,
    /// What is scanned is about to be published: report also files that should not be in it, by the rules for files.
    pub artifact: bool,
}

/// The number of threads that is meant: 0 stands for as many as there are cores.
pub fn threads(wanted: usize) -> usize {
    match wanted {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        n => n,
    }
}

/// Is told of every entry that the walk meets: files, folders, links and others.
pub type Watcher<'a> = &'a (dyn Fn(&Path, std::fs::FileType) + Sync);

/// What to scan.
#[derive(Debug, Clone, Default)]
pub struct Inputs {
    /// Files and folders.
    pub paths: Vec<PathBuf>,
    /// Also standard input.
    pub stdin: bool,
}

/// A compiled set of rules, ready to scan.
pub struct Scanner {
    rules: RuleSet,
    pub(crate) detector: Detector,
    pub(crate) options: Options,
    pub(crate) filter: Arc<Filter>,
}

impl Scanner {
    /// Compiles the rules.
    ///
    /// # Errors
    ///
    /// A rule or glob is wrong.
    pub fn new(rules: RuleSet, options: Options) -> Result<Self, SetupError> {
        let detector = Detector::new(&rules)?;
        let filter = Arc::new(Filter::new(&options.selection)?);
        Ok(Self { rules, detector, options, filter })
    }

    /// The rules in use.
    pub fn rules(&self) -> &RuleSet {
        &self.rules
    }

    /// Scans `inputs`. Never fails: what could not be looked at is in the report. With wanted keys it is a hunt for them, and
    /// the report holds nothing else.
    pub fn scan(&self, inputs: &Inputs, progress: &Progress) -> Report {
        self.scan_watched(inputs, progress, &|_, _| {})
    }

    /// The same, and tells `watcher` of every entry below the given paths.
    pub fn scan_watched(&self, inputs: &Inputs, progress: &Progress, watcher: Watcher<'_>) -> Report {
        let begin = Instant::now();
        let wanted = &self.options.wanted;
        let hunting = (!wanted.is_empty()).then(|| Hunting::new(wanted.clone(), self.options.every_byte));
        let named = inputs.paths.iter().cloned().collect();
        let sweep = Sweep { hunting, named, watcher: Some(watcher), ..Sweep::new(self, progress) };
        let jobs = threads(self.options.jobs);
        sweep.walk(&inputs.paths, jobs);
        sweep.large_files(jobs);
        sweep.dumps(jobs);
        sweep.packed_dumps(jobs);
        if inputs.stdin {
            sweep.standard_input(jobs);
        }
        let stats = Stats {
            files: progress.files(),
            bytes: progress.bytes(),
            skipped: progress.skipped(),
            milliseconds: begin.elapsed().as_millis() as u64,
        };
        let collector = sweep.collector.into_inner().unwrap_or_else(PoisonError::into_inner);
        let mut report = collector.into_report(&self.rules, stats);
        drop_shown_through(&mut report, &sweep.encoded.into_inner().unwrap_or_else(PoisonError::into_inner));
        if let Some(limits) = self.options.archives {
            let images = sweep.images.into_inner().unwrap_or_else(PoisonError::into_inner);
            crate::images::tell(&mut report, &images, limits);
        }
        if let Some(hunting) = &sweep.hunting {
            hunting.conclude(&mut report);
        }
        report
    }

    /// Scans bytes at hand, as a file called `name`.
    pub fn scan_bytes(&self, name: &str, bytes: &[u8]) -> Report {
        let progress = Progress::default();
        let sweep = Sweep::new(self, &progress);
        sweep.source(Origin { name, path: None }, &bytes, &mut self.searcher(), 1);
        let stats = Stats { files: 1, bytes: bytes.len() as u64, ..Stats::default() };
        sweep.collector.into_inner().unwrap_or_else(PoisonError::into_inner).into_report(&self.rules, stats)
    }

    pub(crate) fn searcher(&self) -> Searcher<'_> {
        Searcher::new(&self.detector, &self.rules, &self.options.fingerprinter)
    }
}

/// One scan under way.
pub(crate) struct Sweep<'a> {
    pub(crate) scanner: &'a Scanner,
    pub(crate) progress: &'a Progress,
    pub(crate) collector: Mutex<Collector>,
    /// Files that all threads search together, one after the other.
    pub(crate) large: Mutex<Vec<PathBuf>>,
    /// Dumps that are searched for numbers when all public keys of the sweep are known, with what was seen in them so far.
    pub(crate) dumps: Mutex<Vec<(PathBuf, Seen)>>,
    /// Archives that hold dumps.
    pub(crate) packed: Mutex<Vec<PathBuf>>,
    /// Names of files that were opened and are their members in another form.
    pub(crate) encoded: Mutex<Encoded>,
    /// Archives and folders that may be container images.
    images: Mutex<BTreeSet<String>>,
    pub(crate) hunting: Option<Hunting>,
    /// What the user named, and means to be searched with care.
    pub(crate) named: HashSet<PathBuf>,
    pub(crate) watcher: Option<Watcher<'a>>,
}

/// Where the bytes of a source come from.
#[derive(Clone, Copy)]
pub(crate) struct Origin<'a> {
    pub(crate) name: &'a str,
    /// The file, if it can be opened again.
    pub(crate) path: Option<&'a Path>,
}

impl<'a> Sweep<'a> {
    pub(crate) fn new(scanner: &'a Scanner, progress: &'a Progress) -> Self {
        Self {
            scanner,
            progress,
            collector: Mutex::new(Collector::new(&scanner.rules, scanner.options.list_public)),
            large: Mutex::default(),
            dumps: Mutex::default(),
            packed: Mutex::default(),
            encoded: Mutex::default(),
            images: Mutex::default(),
            hunting: None,
            named: HashSet::new(),
            watcher: None,
        }
    }
}

impl<'s> Sweep<'s> {
    pub(crate) fn collector(&self) -> std::sync::MutexGuard<'_, Collector> {
        // A poisoned collector only means that another thread died; what it holds is still true.
        self.collector.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Bounds for archives, if they are opened.
    pub(crate) fn archives(&self) -> Option<Limits> {
        self.scanner.options.archives
    }

    /// Which archive a file is, if it is one that is opened.
    pub(crate) fn recognise(&self, source: &dyn ReadAt) -> Option<Format> {
        let left = |format: &Format| self.scanner.options.leave_databases && format.is_database();
        keysweep_archive::recognise(source).filter(|format| !left(format))
    }

    pub(crate) fn note_compressed(&self, name: &str) {
        self.encoded.lock().unwrap_or_else(PoisonError::into_inner).compressed.insert(name.to_owned());
    }

    /// Notes that source maps in a script were opened.
    pub(crate) fn note_script(&self, name: &str) {
        self.encoded.lock().unwrap_or_else(PoisonError::into_inner).scripts.insert(name.to_owned());
    }

    /// Notes that `root` may be a container image, if it has a file of this name.
    pub(crate) fn note_image(&self, root: &str, name: &str) {
        if crate::images::is_sign(name) {
            let mut images = self.images.lock().unwrap_or_else(PoisonError::into_inner);
            if images.len() < MAX_IMAGES {
                images.insert(root.to_owned());
            }
        }
    }

    /// Whether given keys are hunted for.
    pub(crate) fn hunts(&self) -> bool {
        self.hunting.is_some()
    }

    pub(crate) fn incident(&self, path: &str, message: impl Into<String>, incomplete: bool) {
        self.collector().incident(path, message, incomplete);
    }

    fn large_files(&self, jobs: usize) {
        let mut paths = std::mem::take(&mut *self.large.lock().unwrap_or_else(PoisonError::into_inner));
        paths.sort();
        let mut searcher = self.scanner.searcher();
        for path in paths {
            match FileSource::open(&path) {
                Ok(file) => self.file(&path, file, &mut searcher, jobs),
                Err(error) => self.incident(&path.to_string_lossy(), reason(&error), true),
            }
        }
    }

    pub(crate) fn file(&self, path: &Path, file: FileSource, searcher: &mut Searcher<'s>, jobs: usize) {
        let name = path.to_string_lossy();
        match file.is_unsized() {
            Ok(true) => self.unsized_file(&name, file.into_file(), searcher),
            Ok(false) => self.opened(path, &file, searcher, jobs),
            Err(error) => self.incident(&name, reason(&error), true),
        }
    }

    /// Searches a file that is open.
    pub(crate) fn opened(&self, path: &Path, file: &FileSource, searcher: &mut Searcher<'s>, jobs: usize) {
        let name = path.to_string_lossy();
        let memory = read_small(file);
        let source: &dyn ReadAt = match &memory {
            Some(bytes) => &**bytes,
            None => file,
        };
        // A defect in one parser must not cost the rest of the sweep, nor pass for a clean file.
        let origin = Origin { name: &name, path: Some(path) };
        let work = AssertUnwindSafe(|| self.source(origin, source, searcher, jobs));
        match std::panic::catch_unwind(work) {
            Ok(Outcome::PutOff) => return,
            Ok(Outcome::Searched) => {}
            Err(_) => {
                self.incident(&name, "internal error: not searched to its end", true);
                *searcher = self.scanner.searcher();
            }
        }
        self.tell_change(&name, file);
        self.progress.finished_file();
    }

    /// Reports that a file is not any more what it was when it was opened.
    pub(crate) fn tell_change(&self, name: &str, file: &FileSource) {
        match file.change() {
            Some(Change::Shrunk) => self.incident(name, "shrank while it was read: not searched to its end", true),
            Some(Change::Grown) => self.incident(name, "grew while it was read: what was added is not searched", false),
            None => {}
        }
    }

    pub(crate) fn source(
        &self,
        origin: Origin<'_>,
        stored: &dyn ReadAt,
        searcher: &mut Searcher<'s>,
        jobs: usize,
    ) -> Outcome {
        let Origin { name, path } = origin;
        let view = open(stored);
        let part = Part::whole(name, view.source(), &view.image);
        if view.is_unpacked() && jobs == 1 && path.is_some_and(|path| self.put_off(path, part.source)) {
            return Outcome::PutOff;
        }
        let file_name = file_name(name);
        let opened = match view.is_unpacked() {
            true => Opened::default(),
            false => unpack(self, searcher, part, Pass::First { again: path.is_some() }, jobs),
        };
        if let Some(path) = path.filter(|_| opened.holds_dumps) {
            self.packed.lock().unwrap_or_else(PoisonError::into_inner).push(path.to_owned());
        }
        // What was searched already as members is not searched again.
        let rest = intersect(&opened.covered.rest(part.source.len()), &part.source.extents());
        self.count_rest(stored.len(), &rest);
        let (mut seen, errors) = self.search(part.source, file_name, rest, searcher, jobs);
        seen.leave_out(&opened.covered);
        open_inline(self, searcher, part, &mut seen, jobs);
        seen.raws.extend(self.unwanted(stored, || self.path_in_package(name, path)));
        for error in errors {
            self.incident(name, format!("cannot be read to its end: {}", reason(&error)), true);
        }
        if let Some(losses) = view.losses() {
            self.incident(name, losses, true);
        }
        match (path, self.wants_numbers(part).then(|| self.effort(part, path))) {
            (_, None) => self.publish(part, seen),
            (Some(path), Some(Effort::Full)) => self.postpone(part, path, seen),
            (_, Some(effort)) => self.numbers(part, seen, jobs, effort),
        }
        Outcome::Searched
    }

    /// Leaves a small file that unpacks to much memory to be searched by all threads, if there are more than one.
    fn put_off(&self, path: &Path, memory: &dyn ReadAt) -> bool {
        let is_large = threads(self.scanner.options.jobs) > 1 && held(&memory.extents()) >= LARGE;
        if is_large {
            self.large.lock().unwrap_or_else(PoisonError::into_inner).push(path.to_owned());
        }
        is_large
    }

    /// Counts as searched what of a file of `len` bytes is none of `rest`; more is expected if it unpacks to more.
    fn count_rest(&self, len: u64, rest: &[Range<u64>]) {
        let left = held(rest);
        self.progress.searched(len.saturating_sub(left));
        self.progress.expect(left.saturating_sub(len));
    }

    /// Searches parts of a source.
    fn search(
        &self,
        source: &dyn ReadAt,
        file_name: &str,
        rest: Vec<Range<u64>>,
        searcher: &mut Searcher<'s>,
        jobs: usize,
    ) -> (Seen, Vec<std::io::Error>) {
        let (mut seen, errors) = if jobs > 1 {
            self.search_together(source, file_name, &segments(rest), &[], jobs)
        } else {
            let mut seen = Seen::default();
            let outcome = rest.into_iter().try_for_each(|range| {
                searcher.search(source, range, file_name, &mut seen, &mut |b, _| self.progress.searched(b.len() as u64))
            });
            (seen, outcome.err().into_iter().collect())
        };
        let (known, again) = missed(std::mem::take(&mut seen.noted));
        if !again.is_empty() {
            let (more, _) = self.search_together(source, file_name, &again, &known, jobs);
            // All the rest is known.
            let tokens = &self.scanner.detector.tokens;
            let is_of_reader = |raw: &Raw| known.iter().any(|(token, _)| tokens[*token].0 == raw.rule);
            seen.raws.extend(more.raws.into_iter().filter(is_of_reader));
            more.limits.into_iter().for_each(|limit| seen.limit(limit));
        }
        (seen, errors)
    }

    /// All threads search one file, segment by segment; `known` is what readers know of it.
    fn search_together(
        &self,
        source: &dyn ReadAt,
        file_name: &str,
        segments: &[Range<u64>],
        known: &[(usize, Notes)],
        jobs: usize,
    ) -> (Seen, Vec<std::io::Error>) {
        let next = AtomicUsize::new(0);
        let all = Mutex::new((Seen::default(), Vec::new()));
        std::thread::scope(|scope| {
            for _ in 0..jobs {
                scope.spawn(|| {
                    let mut searcher = self.scanner.searcher();
                    searcher.know(known.to_vec());
                    let mut seen = Seen::default();
                    let mut error = None;
                    while error.is_none() {
                        let index = next.fetch_add(1, Ordering::Relaxed);
                        let Some(range) = segments.get(index).cloned() else { break };
                        // What is searched once more is counted once.
                        let mut advance = |b: &[u8], _| {
                            if known.is_empty() {
                                self.progress.searched(b.len() as u64);
                            }
                        };
                        error = searcher.search(source, range, file_name, &mut seen, &mut advance).err();
                    }
                    let mut all = all.lock().unwrap_or_else(PoisonError::into_inner);
                    all.0.absorb(seen);
                    all.1.extend(error);
                });
            }
        });
        all.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands on what was seen in a file.
    pub(crate) fn publish(&self, part: Part<'_>, mut seen: Seen) {
        let Part { name, image, .. } = part;
        self.add_written(part, &mut seen);
        self.look_by_name(part, &mut seen);
        self.drop_elsewhere(part, &mut seen.raws);
        if seen.is_empty() && image.warnings.is_empty() && !image.format.is_dump() {
            return;
        }
        let mut raws = resolve_overlaps(seen.raws);
        let mut marks = mark::marks(part, &raws);
        let mut places = Places::new(part);
        let mut located: Vec<(Location, Raw)> = Vec::new();
        for raw in raws.drain(..).filter(|raw| part.reports(raw)) {
            let location = Location { marks: marks.remove(&raw.offset).unwrap_or_default(), ..places.locate(&raw) };
            located.push((location, raw));
        }
        let mut collector = self.collector();
        for (location, raw) in located {
            collector.add(raw, location);
        }
        for (_, object) in &seen.public {
            collector.public(name, object);
        }
        for limit in seen.limits {
            collector.incident(name, limit, true);
        }
        if part.base > 0 {
            return; // Said with the first part.
        }
        for warning in &image.warnings {
            // A damaged table in an ordinary file costs labels only: every byte was searched all the same. In a dump it may cost the
            // memory that pointers lead to.
            let unseen = matches!(
                warning.kind,
                WarningKind::Truncated | WarningKind::Unsupported | WarningKind::Damaged | WarningKind::Limit
            );
            let incomplete = unseen && image.format.is_dump();
            if incomplete || image.format.is_dump() {
                collector.incident(name, warning.message.clone(), incomplete);
            }
        }
        if image.format.is_dump() {
            collector.dump(DumpFacts {
                path: name.to_owned(),
                format: image.format.name().to_owned(),
                architecture: image.architecture.clone(),
                process: image.process.as_ref().and_then(|p| p.name.clone()),
                pid: image.process.as_ref().and_then(|p| p.pid).map(u64::from),
                regions: image.regions.len(),
            });
        }
    }
}

/// What became of a source.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Searched,
    /// It is searched when all threads are free.
    PutOff,
}

/// Bytes in all of the ranges.
pub(crate) fn held(ranges: &[Range<u64>]) -> u64 {
    ranges.iter().map(|range| range.end - range.start).sum()
}

/// Parts of a source, cut into what a thread takes at a time.
fn segments(parts: Vec<Range<u64>>) -> Vec<Range<u64>> {
    let cut = |part: Range<u64>| {
        let starts = (part.start..part.end).step_by(SEGMENT as usize);
        starts.map(move |start| start..(start + SEGMENT).min(part.end))
    };
    parts.into_iter().flat_map(cut).collect()
}

/// The bytes of a small file, so that recognition and search share one read. `None` leaves reading, and its errors, to
/// them.
fn read_small(file: &FileSource) -> Option<Buffer> {
    let len = usize::try_from(file.len()).ok().filter(|len| *len <= SMALL)?;
    let mut bytes = Buffer::zeroed(len);
    (file.read_at(0, &mut bytes).ok()? == len).then_some(bytes)
}

/// An error in plain words, without the code that `std` appends.
pub(crate) fn reason(error: &std::io::Error) -> String {
    let text = error.to_string();
    let plain = text.split(" (os error").next().unwrap_or(&text);
    let mut letters = plain.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}
