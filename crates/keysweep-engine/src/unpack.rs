//! Archives in the sources of a scan: opened in memory, each member searched as a file of its own.
//!
//! A member that fits the memory allowed is searched like any file; a larger one as a stream, in overlapping blocks. Stored
//! members are read where they lie. Dumps in archives wait, as other dumps do, until all public keys are known: the archive is
//! then opened once more, for its dumps only.

use crate::artifact::path_in_archive;
use crate::crew::{Crew, with_crew};
use crate::file::{Allowance, Searcher, Seen};
use crate::finding::{Finding, GitPlace, Location, Report};
use crate::numbers;
use crate::place::Part;
use crate::scan::{Sweep, held, reason};
use crate::source::FileSource;
use keysweep_archive::{Budget, Format, HEAD, Input, Limits, Member, Slice, Visitor};
use keysweep_image::{ReadAt, complement, detect, intersect, is_packed, memory, open, read_into, recognise};
use keysweep_memory::Effort;
use std::collections::HashSet;
use std::io::{Cursor, Read};
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use zeroize::Zeroizing;

/// Bytes of one member held in memory: a little less than what its buffer grows to by doubling.
const MEMBER: u64 = (64 << 20) - 64;
/// Bytes of members held in memory for one file, at all depths together.
const HELD: u64 = 128 << 20;
/// Bytes of a member held whatever else is: enough to recognise what it is, and to open what is small.
const LEAST: u64 = (1 << 20) - 64;
/// How many members may each cost what a file may beside reading it; what others cost, they share.
const COSTLY_MEMBERS: u64 = 16;
/// Incidents reported for one file.
const MAX_PROBLEMS: usize = 20;
/// From this size on a stored member is not searched again as a part of its archive.
const WORTH_SKIPPING: u64 = 256 << 10;

/// Which parts of an archive were searched as members.
#[derive(Default)]
pub(crate) struct Covered(Vec<Range<u64>>);

impl Covered {
    pub(crate) fn new(mut ranges: Vec<Range<u64>>) -> Self {
        ranges.sort_by_key(|range| range.start);
        Self(ranges)
    }

    /// Whether `range` lies within a member, so that what is there was reported under the member's name.
    pub(crate) fn covers(&self, range: Range<u64>) -> bool {
        let after = self.0.partition_point(|member| member.start <= range.start);
        after.checked_sub(1).and_then(|at| self.0.get(at)).is_some_and(|member| range.end <= member.end)
    }

    /// What is left to be searched of a source of `len` bytes.
    pub(crate) fn rest(&self, len: u64) -> Vec<Range<u64>> {
        complement(len, self.0.iter().filter(|member| member.end - member.start >= WORTH_SKIPPING).cloned())
    }
}

/// What a walk through an archive is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pass {
    /// Everything; dumps are left to a second pass if there will be one.
    First {
        /// Whether there will be.
        again: bool,
    },
    /// Dumps only.
    Dumps,
}

/// What all threads share that work on one file.
pub(crate) struct Common<'a> {
    pub(crate) budget: Budget,
    pass: Pass,
    /// Where the file lies in a repository, and its name.
    git: Option<(&'a str, &'a GitPlace)>,
    holds_dumps: AtomicBool,
    problems: AtomicUsize,
    allowance: Mutex<Allowance>,
}

impl<'a> Common<'a> {
    pub(crate) fn new(budget: Budget, pass: Pass, git: Option<(&'a str, &'a GitPlace)>) -> Self {
        let allowance = Mutex::new(Allowance::of_files(COSTLY_MEMBERS));
        Self { budget, pass, git, holds_dumps: AtomicBool::new(false), problems: AtomicUsize::new(0), allowance }
    }

    fn allowance(&self) -> MutexGuard<'_, Allowance> {
        self.allowance.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The work on one file, or what one thread does of it.
pub(crate) struct Unpacking<'a, 'b> {
    pub(crate) sweep: &'a Sweep<'b>,
    searcher: &'a mut Searcher<'b>,
    pub(crate) common: &'a Common<'a>,
    /// Threads that search dumps for numbers.
    jobs: usize,
    /// Who else searches members.
    crew: Option<&'a Crew>,
    /// Bytes of members in memory.
    held: u64,
}

/// What came of opening a source.
#[derive(Default)]
pub(crate) struct Opened {
    pub(crate) covered: Covered,
    /// There are dumps in it, not searched for numbers yet.
    pub(crate) holds_dumps: bool,
}

/// Searches what is in the file `part`, if it is an archive.
pub(crate) fn unpack<'b>(
    sweep: &Sweep<'b>,
    searcher: &mut Searcher<'b>,
    part: Part<'_>,
    pass: Pass,
    jobs: usize,
) -> Opened {
    let Part { name, source, .. } = part;
    let git = part.git.map(|git| (name, git));
    let Some(limits) = sweep.archives() else { return Opened::default() };
    let Some(format) = sweep.recognise(source) else { return Opened::default() };
    let common = Common::new(Budget::new(limits, source.len()), pass, git);
    // The second pass leaves all threads to the dumps.
    let hands = if pass == Pass::Dumps { 0 } else { jobs.saturating_sub(1) };
    let covered = with_crew(sweep, &common, hands, |crew| {
        let mut unpacking = Unpacking { crew, ..Unpacking::new(sweep, searcher, &common, jobs) };
        unpacking.open(format, Input::Random(source), Some(source), name, 1)
    });
    Unpacking::new(sweep, searcher, &common, jobs).tell_stop(name);
    Opened { covered, holds_dumps: common.holds_dumps.into_inner() }
}

/// Searches an archive of unknown length as it comes. `head` is its beginning; nothing of it is kept.
pub(crate) fn unpack_stream<'b>(
    sweep: &Sweep<'b>,
    searcher: &mut Searcher<'b>,
    name: &str,
    limits: Limits,
    (head, content): (&[u8], &mut dyn Read),
    jobs: usize,
) {
    // What it unpacks to cannot be compared with its size, which only its end tells.
    let common = Common::new(Budget::new(limits, limits.bytes), Pass::First { again: false }, None);
    with_crew(sweep, &common, jobs.saturating_sub(1), |crew| {
        let inside = Inside { depth: 1, address: None };
        Unpacking { crew, ..Unpacking::new(sweep, searcher, &common, jobs) }.stream(name, head, content, inside);
    });
    Unpacking::new(sweep, searcher, &common, jobs).tell_stop(name);
}

/// Files in which what was searched as a member of them can be seen in its encoded form, too.
#[derive(Default)]
pub(crate) struct Encoded {
    /// Those that are compressed: all that is in them is in a member.
    pub(crate) compressed: HashSet<String>,
    /// Scripts with source maps in them: what is encoded is.
    pub(crate) scripts: HashSet<String>,
}

/// Drops the places in such files at which what they hold shows through: it is reported under its own name.
pub(crate) fn drop_shown_through(report: &mut Report, encoded: &Encoded) {
    let Encoded { compressed, scripts } = encoded;
    let archives = |place: &Location| -> Vec<String> {
        place.path.match_indices("!/").map(|(at, _)| place.path[..at].to_owned()).collect()
    };
    // Secrets that are named by their places have another name in the archive than in its member.
    let held: HashSet<(String, Alike)> = report
        .findings
        .iter()
        .filter(|finding| is_named_by_place(finding))
        .flat_map(|finding| finding.locations.iter().flat_map(archives).map(|archive| (archive, alike(finding))))
        .filter(|(archive, _)| compressed.contains(archive))
        .collect();
    for finding in &mut report.findings {
        let inside: HashSet<String> = finding
            .locations
            .iter()
            .flat_map(archives)
            .filter(|archive| compressed.contains(archive) || scripts.contains(archive))
            .collect();
        if !inside.is_empty() {
            let stays = |place: &Location| {
                !inside.contains(&place.path) || scripts.contains(&place.path) && place.wrapping.is_empty()
            };
            finding.locations.retain(stays);
        }
        if is_named_by_place(finding) && !held.is_empty() {
            let alike = alike(finding);
            finding.locations.retain(|place| !held.contains(&(place.path.clone(), alike.clone())));
        }
    }
    report.findings.retain(|finding| !finding.locations.is_empty());
}

/// What two findings of one secret have in common: rule, preview and details.
type Alike = (String, Option<String>, Vec<(String, String)>);

fn alike(finding: &Finding) -> Alike {
    (finding.rule.clone(), finding.preview.clone(), finding.details.clone())
}

fn is_named_by_place(finding: &Finding) -> bool {
    finding.fingerprint.starts_with("place-")
}

impl<'a, 'b> Unpacking<'a, 'b> {
    pub(crate) fn new(
        sweep: &'a Sweep<'b>,
        searcher: &'a mut Searcher<'b>,
        common: &'a Common<'a>,
        jobs: usize,
    ) -> Self {
        Self { sweep, searcher, common, jobs, crew: None, held: 0 }
    }

    /// Reports why the archive was left before its end, if it was.
    pub(crate) fn tell_stop(&self, name: &str) {
        if let Some(stop) = self.common.budget.stopped() {
            self.incident(name, format!("archive not looked through to its end: {stop}"));
        }
    }

    fn incident(&self, name: &str, message: String) {
        // The second pass meets all problems again.
        if self.common.pass == Pass::Dumps {
            return;
        }
        let told = self.common.problems.fetch_add(1, Ordering::Relaxed) + 1;
        match told.cmp(&MAX_PROBLEMS) {
            std::cmp::Ordering::Less => self.sweep.incident(name, message, true),
            std::cmp::Ordering::Equal => self.sweep.incident(name, "and more that could not be unpacked", true),
            std::cmp::Ordering::Greater => {}
        }
    }

    /// Where in a repository a member lies, if its archive is in one.
    fn git_place(&self, name: &str) -> Option<GitPlace> {
        let (file, git) = self.common.git?;
        let member = name.strip_prefix(file).unwrap_or_default();
        Some(GitPlace { path: format!("{}{member}", git.path), ..git.clone() })
    }

    /// Whether nothing more is read.
    pub(crate) fn is_over(&self) -> bool {
        self.common.budget.stopped().is_some()
    }

    /// Whether archives at this depth are opened; told if not.
    pub(crate) fn is_allowed(&self, name: &str, depth: usize) -> bool {
        let deepest = self.common.budget.limits().depth;
        if depth > deepest {
            let plural = if deepest == 1 { "" } else { "s" };
            self.incident(name, format!("not opened: archives are opened to a depth of {deepest} level{plural}"));
        }
        depth <= deepest
    }

    /// Walks through an archive at the given depth, from 1.
    fn open(
        &mut self,
        format: Format,
        input: Input<'_>,
        parent: Option<&dyn ReadAt>,
        name: &str,
        depth: usize,
    ) -> Covered {
        if !self.is_allowed(name, depth) {
            return Covered::default();
        }
        if format.shows_through() {
            self.sweep.note_compressed(name);
        }
        let budget = &self.common.budget;
        let mut level = Level::new(self, parent, name, depth);
        keysweep_archive::open(format, input, name, budget, &mut level);
        Covered::new(level.covered)
    }

    /// Searches a member that lies in memory, or has another thread search it.
    fn whole(&mut self, name: String, content: Zeroizing<Vec<u8>>, inside: Inside) {
        let waiting = Waiting { name, content, inside };
        let left = match self.crew.filter(|_| inside.address.is_none() && is_plain(&waiting.content)) {
            Some(crew) => crew.hand_on(waiting),
            None => Some(waiting),
        };
        if let Some(member) = left {
            self.waiting(&member);
        }
    }

    /// Searches a member that was handed on.
    pub(crate) fn waiting(&mut self, member: &Waiting) {
        self.held += member.held();
        self.bytes(&member.name, &&**member.content, member.inside);
        self.held -= member.held();
    }

    /// Searches a member that lies in its archive as it is.
    fn stored(&mut self, name: String, slice: &Slice<'_>, inside: Inside) {
        // Read once more than necessary if it is searched here after all.
        let content = self.crew.filter(|crew| crew.has_room(slice.len())).and_then(|_| read_whole(slice));
        match content {
            Some(content) => self.whole(name, content, inside),
            None => self.bytes(&name, slice, inside),
        }
    }

    /// Searches a member that can be read at any place.
    fn bytes(&mut self, name: &str, source: &dyn ReadAt, inside: Inside) {
        let view = open(source);
        let (stored, source) = (source, view.source());
        let memory =
            inside.address.filter(|_| view.image.format == keysweep_image::Format::Raw).map(|at| memory(source, at));
        let (image, depth) = (memory.as_ref().unwrap_or(&view.image), inside.depth);
        if view.is_unpacked() && self.common.budget.take(held(&source.extents())).is_err() {
            return;
        }
        let covered = match keysweep_archive::recognise(stored).filter(|_| !view.is_unpacked()) {
            Some(format) => self.open(format, Input::Random(stored), Some(stored), name, depth),
            None => Covered::default(),
        };
        let git = self.git_place(name);
        let part = Part { git: git.as_ref(), ..Part::whole(name, source, image) };
        let is_dump = image.format.is_dump() && self.sweep.wants_numbers(part);
        if self.common.pass == Pass::Dumps && !is_dump {
            return;
        }
        let mut seen = Seen::default();
        for range in intersect(&covered.rest(source.len()), &source.extents()) {
            if let Err(error) = self.search(source, range, name, &mut seen) {
                self.incident(name, format!("cannot be read to its end: {}", reason(&error)));
                break;
            }
        }
        seen.leave_out(&covered);
        if let Some(losses) = view.losses() {
            self.incident(name, losses);
        }
        if self.common.pass != Pass::Dumps {
            self.inline_maps(part, &mut seen, depth);
            seen.raws.extend(self.sweep.unwanted(stored, || path_in_archive(name)));
        }
        if is_dump && self.common.pass == (Pass::First { again: true }) {
            return self.put_off(name, &seen);
        }
        if self.sweep.wants_numbers(part) {
            let effort = if is_dump || self.sweep.hunts() { Effort::Full } else { numbers::effort(image, source) };
            return self.sweep.numbers(part, seen, self.jobs, effort);
        }
        self.sweep.publish(part, seen);
    }

    /// Searches a part of a member, at no more cost than all members together are allowed.
    fn search(&mut self, source: &dyn ReadAt, part: Range<u64>, name: &str, seen: &mut Seen) -> std::io::Result<()> {
        let progress = self.sweep.progress;
        progress.expect(part.end - part.start);
        let advance = &mut |bytes: &[u8], _| progress.searched(bytes.len() as u64);
        let mut allowance = self.common.allowance().take_one();
        let outcome = self.searcher.search_within(&mut allowance, source, part, file_name(name), seen, advance);
        self.common.allowance().put_back(allowance);
        outcome
    }

    /// Searches a member that is too large for memory; `head` is its beginning.
    fn stream(&mut self, name: &str, head: &[u8], content: &mut dyn Read, inside: Inside) {
        let format = keysweep_archive::recognise_stream(&head[..head.len().min(HEAD)]);
        let mut whole = Cursor::new(head).chain(content);
        match format {
            Some(format) if format.streams() && !format.is_text() => {
                self.open(format, Input::Stream(&mut whole), None, name, inside.depth);
                return;
            }
            Some(_) => return self.spooled(name, &mut whole, inside),
            None if is_packed(head) || inside.address.is_some() => return self.spooled(name, &mut whole, inside),
            None => {}
        }
        let image = recognise(&head);
        let is_dump = image.format.is_dump();
        let is_put_off = is_dump && self.common.pass == (Pass::First { again: true });
        let has_numbers = self.sweep.wants_numbers(Part::whole(name, &head, &image));
        match self.common.pass {
            Pass::Dumps if !is_dump => return,
            _ if has_numbers && !is_put_off => return self.spooled(name, &mut whole, inside),
            Pass::Dumps => return,
            Pass::First { .. } => {}
        }
        self.sweep.judge_unread(name, &head);
        let git = self.git_place(name);
        let outcome = crate::stdin::blocks(whole, &mut |block| {
            let source: &[u8] = block.bytes;
            let mut seen = Seen::default();
            // Reading from memory does not fail.
            let _ = self.search(&source, 0..block.own as u64, name, &mut seen);
            self.searcher.remember(&mut seen);
            if has_numbers {
                return self.put_off(name, &seen);
            }
            let part = Part { base: block.offset, git: git.as_ref(), ..Part::whole(name, &source, &image) };
            self.inline_maps(part, &mut seen, inside.depth);
            self.sweep.publish(part, seen);
        });
        self.searcher.know(Vec::new());
        self.outcome(name, outcome);
    }

    /// Leaves a dump to the second pass, but for the public keys in it, which may prove what is in others.
    fn put_off(&self, name: &str, seen: &Seen) {
        self.common.holds_dumps.store(true, Ordering::Relaxed);
        let mut collector = self.sweep.collector();
        seen.public.iter().for_each(|(_, object)| collector.public(name, object));
    }

    /// Searches a member that must be read at any place, as archives and dumps are, and is too large for memory.
    fn spooled(&mut self, name: &str, content: &mut dyn Read, inside: Inside) {
        match crate::stdin::spool(&[], content, self.common.budget.limits().bytes)
            .and_then(|(f, o)| Ok((FileSource::from_file(f)?, o)))
        {
            Ok((source, outcome)) => {
                self.bytes(name, &source, inside);
                self.outcome(name, outcome);
            }
            Err(error) => self.incident(name, format!("not opened: {}", reason(&error))),
        }
    }

    /// Reports that a member cannot be unpacked to its end.
    fn outcome(&self, name: &str, outcome: std::io::Result<()>) {
        if let (Err(error), None) = (outcome, self.common.budget.stopped()) {
            let message = match error.kind() {
                std::io::ErrorKind::UnexpectedEof => "it ends too early".to_owned(),
                _ => reason(&error),
            };
            self.incident(name, format!("cannot be unpacked to its end: {message}"));
        }
    }
}

/// Whether a member is neither an archive, whose members can be handed on, nor a dump, for which there are all threads.
fn is_plain(content: &Zeroizing<Vec<u8>>) -> bool {
    let source: &[u8] = content;
    keysweep_archive::recognise(&source).is_none() && !is_packed(source) && !detect(source).is_dump()
}

/// All of a member, if it is not too large.
fn read_whole(slice: &Slice<'_>) -> Option<Zeroizing<Vec<u8>>> {
    let len = usize::try_from(slice.len()).ok().filter(|len| *len as u64 <= MEMBER)?;
    let mut content = Zeroizing::new(vec![0; len]);
    // What cannot be read is told by the search, which meets it again.
    (read_into(slice, 0, &mut content) == len).then_some(content)
}

/// Bytes that may be held of one more member, if as many are held already.
fn room(held: u64) -> u64 {
    MEMBER.min(HELD.saturating_sub(held)).max(LEAST)
}

/// The last part of a path.
pub(crate) fn file_name(name: &str) -> &str {
    name.rsplit(['/', '\\']).next().unwrap_or(name)
}

/// A member in memory that is to be searched.
pub(crate) struct Waiting {
    name: String,
    content: Zeroizing<Vec<u8>>,
    inside: Inside,
}

/// What a member is known to be by its archive.
#[derive(Clone, Copy)]
struct Inside {
    /// The depth of the archive that it may be.
    depth: usize,
    /// Where in memory its bytes lie, if they are known to be such.
    address: Option<u64>,
}

impl Waiting {
    /// Bytes of memory that it takes.
    pub(crate) fn held(&self) -> u64 {
        self.content.capacity() as u64
    }
}

/// One archive being walked through.
pub(crate) struct Level<'a, 'b, 'c> {
    unpacking: &'a mut Unpacking<'b, 'c>,
    /// The archive itself, if it can be read at any place.
    parent: Option<&'a dyn ReadAt>,
    archive: &'a str,
    depth: usize,
    covered: Vec<Range<u64>>,
}

impl<'a, 'b, 'c> Level<'a, 'b, 'c> {
    pub(crate) fn new(
        unpacking: &'a mut Unpacking<'b, 'c>,
        parent: Option<&'a dyn ReadAt>,
        archive: &'a str,
        depth: usize,
    ) -> Self {
        Self { unpacking, parent, archive, depth, covered: Vec::new() }
    }
}

impl Visitor for Level<'_, '_, '_> {
    fn member(&mut self, member: &Member, content: &mut dyn Read) {
        let name = format!("{}!/{}", self.archive, member.name);
        let inside = Inside { depth: self.depth + 1, address: member.address };
        self.unpacking.sweep.note_image(self.archive, &member.name);
        if let (Some(range), Some(parent)) = (&member.stored, self.parent) {
            let slice = Slice::new(parent, range.clone());
            if self.unpacking.common.budget.take(slice.len()).is_ok() {
                self.unpacking.stored(name, &slice, inside);
                self.covered.push(range.clone());
            }
            return;
        }
        let room = room(self.unpacking.held);
        let mut head = Zeroizing::new(Vec::new());
        let outcome = content.take(room).read_to_end(&mut head);
        let is_whole = outcome.is_err() || (head.len() as u64) < room;
        self.unpacking.outcome(&name, outcome.map(drop));
        if is_whole {
            return self.unpacking.whole(name, head, inside);
        }
        let held = head.capacity() as u64;
        self.unpacking.held += held;
        self.unpacking.stream(&name, &head, content, inside);
        self.unpacking.held -= held;
    }

    fn closed(&mut self, member: &str) {
        // Its name can be judged all the same.
        if self.unpacking.common.pass != Pass::Dumps {
            let nothing: &[u8] = &[];
            self.unpacking.sweep.judge_unread(&format!("{}!/{member}", self.archive), &nothing);
        }
    }

    fn problem(&mut self, member: Option<&str>, message: String) {
        match member {
            Some(member) => self.unpacking.incident(&format!("{}!/{member}", self.archive), message),
            None => self.unpacking.incident(self.archive, message),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_searched_as_a_member_is_not_searched_again() {
        let covered = Covered::new(vec![2_000_000..3_000_000, 512..600, 700_000..1_500_000]);
        assert_eq!(covered.rest(3_100_000), [0..700_000, 1_500_000..2_000_000, 3_000_000..3_100_000]);
        assert!(covered.covers(512..600) && covered.covers(550..560));
        assert!(!covered.covers(500..520) && !covered.covers(590..601) && !covered.covers(1_600_000..1_600_001));
        assert_eq!(Covered::default().rest(10), vec![0_u64..10]);
    }

    #[test]
    fn there_is_always_room_to_recognise_a_member() {
        assert_eq!(room(0), MEMBER);
        assert_eq!(room(HELD - 1), LEAST);
        assert_eq!(room(HELD + MEMBER), LEAST);
        assert!(LEAST >= HEAD as u64);
    }
}
