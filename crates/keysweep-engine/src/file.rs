//! The search of one source: chunks, windows, decoders, nested bytes.

use crate::blank;
use crate::detector::{Detector, Target};
use crate::finding::{Proof, ProofLevel};
use crate::fingerprint::Fingerprinter;
use crate::inline::MAX_MAPS;
use crate::raw::{Raw, Token, What};
use crate::unpack::Covered;
use crate::window::{Chunk, Scratch, Span, Window};
use crate::written::MAX_SPOTS;
use keysweep_image::ReadAt;
use keysweep_keys::decoder::{PublicObject, Sink, Work};
use keysweep_keys::effort;
use keysweep_keys::secret::Buffer;
use keysweep_match::Hit;
use keysweep_memory::written::spots;
use keysweep_rules::readers::{Notes, Reach, Tried};
use keysweep_rules::{Evaluation, Level, Match, Rule, RuleSet};
use std::ops::Range;

/// Bytes searched at a time: what fits a core's second-level cache together with the matcher's tables.
const CHUNK: usize = 512 << 10;
/// Bytes around an anchor that token rules see.
const TOKEN_SPAN: Span = Span { before: 512, after: 8 << 10 };
/// Text around a guessable secret that names its place.
const CONTEXT: usize = 48;
/// What one decoder may cost in one chunk, in bytes read. Real data stays far below; hostile data costs no more.
const MAX_DECODER_WORK: usize = 64 << 20;
/// What a look is taken to cost at most if the decoder does not say it, and what it takes to prove a key.
const MOST_WORK: usize = 16 << 10;
/// What every look costs.
const LEAST_WORK: usize = 256;
/// Bytes of a window that are copied in the time in which a decoder reads one.
const COPY: usize = 8;
/// What looks of token rules may cost in one chunk, in bytes read by their patterns: a hundred times the chunk. Real data
/// stays far below, also where every line holds a literal, since most looks end after a few bytes.
const MAX_TOKEN_WORK: usize = 100 * CHUNK;
/// What proofs of keys may cost in any source, in nanoseconds, and what they may cost more for each byte of it: two seconds for a
/// megabyte, which only much of what has the form of a key and is none can reach.
const FREE_PROOFS: u64 = 200_000_000;
const PROOFS_A_BYTE: u64 = 2_000;
/// Results kept of one file.
const MAX_RESULTS: usize = 50_000;
/// Public keys and certificates kept of one file.
const MAX_PUBLIC: usize = 20_000;
/// How deep wrapped bytes are unwrapped.
const MAX_DEPTH: usize = 4;
/// Wrapped bytes unwrapped in one file, at all depths together.
const MAX_NESTED: u64 = 256 << 20;
/// Bytes of a chunk by which it is told whether it is text.
const TEXT: usize = 512;
/// A buffer that grew past this is given back after use.
const KEEP_BUFFER: usize = 4 << 20;

/// What was seen in a file, or in a part of it.
#[derive(Default)]
pub(crate) struct Seen {
    pub(crate) raws: Vec<Raw>,
    /// Public objects with their offset in the file.
    pub(crate) public: Vec<(u64, PublicObject)>,
    /// Where the comments begin that may hold source maps.
    pub(crate) maps: Vec<u64>,
    /// Where digits begin that may be of a number.
    pub(crate) digits: Vec<u64>,
    /// Long stretches of zeros, chunk by chunk.
    pub(crate) blank: Vec<Range<u64>>,
    /// Why not everything was looked at.
    pub(crate) limits: Vec<&'static str>,
    /// What readers noted, range by range, for what one range knows of another.
    pub(crate) noted: Vec<Noted>,
    nested: u64,
}

/// What the readers of token rules noted of a range of a source, by the index of the rule.
pub(crate) struct Noted {
    pub(crate) range: Range<u64>,
    pub(crate) notes: Vec<(usize, Notes)>,
}

impl Seen {
    /// Whether there is nothing to report.
    pub(crate) fn is_empty(&self) -> bool {
        self.raws.is_empty() && self.public.is_empty() && self.limits.is_empty()
    }

    /// Adds what was seen in another part of the same file.
    pub(crate) fn absorb(&mut self, other: Seen) {
        self.raws.extend(other.raws);
        other.public.into_iter().for_each(|(at, object)| self.see(at, object));
        self.maps.extend(other.maps);
        self.digits.extend(other.digits);
        self.blank.extend(other.blank);
        self.noted.extend(other.noted);
        for limit in other.limits {
            self.limit(limit);
        }
    }

    /// Leaves out what was searched as a member.
    pub(crate) fn leave_out(&mut self, covered: &Covered) {
        // Patterns may begin with the byte before a name; that of the first name in a member is the archive's.
        let is_inside = |raw: &Raw| [0, 1].iter().any(|skip| covered.covers(raw.offset + skip..raw.end()));
        self.raws.retain(|raw| !is_inside(raw));
        let is_outside = |start: &u64| !covered.covers(*start..start + 1);
        self.maps.retain(is_outside);
        self.digits.retain(is_outside);
    }

    /// Adds a public object, if there is room for it.
    fn see(&mut self, offset: u64, object: PublicObject) {
        match self.public.len() < MAX_PUBLIC {
            true => self.public.push((offset, object)),
            false => self.limit("more public keys and certificates in one file than are kept"),
        }
    }

    pub(crate) fn limit(&mut self, reason: &'static str) {
        if !self.limits.contains(&reason) {
            self.limits.push(reason);
        }
    }
}

/// Searches sources; holds the buffers of one thread.
pub(crate) struct Searcher<'a> {
    pub(crate) detector: &'a Detector,
    pub(crate) rules: &'a RuleSet,
    pub(crate) fingerprinter: &'a Fingerprinter,
    buffer: Buffer,
    scratch: Scratch,
    /// What readers know of the source from elsewhere.
    known: Vec<(usize, Notes)>,
}

/// What a source may cost beside reading it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Allowance {
    /// Trials of published passwords, in compressions of a hash.
    pub(crate) trials: u64,
    /// Proofs of keys, in nanoseconds, beside what they may cost for each byte.
    pub(crate) proofs: u64,
}

impl Default for Allowance {
    fn default() -> Self {
        Self { trials: Work::ONE_FILE, proofs: FREE_PROOFS }
    }
}

impl Allowance {
    /// What so many files may cost together.
    pub(crate) fn of_files(count: u64) -> Self {
        let one = Self::default();
        Self { trials: count * one.trials, proofs: count * one.proofs }
    }

    /// Sets aside what one file may cost, if there is so much.
    pub(crate) fn take_one(&mut self) -> Self {
        let one = Self::default();
        let taken = Self { trials: one.trials.min(self.trials), proofs: one.proofs.min(self.proofs) };
        *self = Self { trials: self.trials - taken.trials, proofs: self.proofs - taken.proofs };
        taken
    }

    /// Puts back what was not spent.
    pub(crate) fn put_back(&mut self, rest: Self) {
        *self = Self { trials: self.trials + rest.trials, proofs: self.proofs + rest.proofs };
    }
}

/// The source being searched, as decoders may know it.
#[derive(Clone, Copy)]
struct Subject<'a> {
    source: &'a dyn ReadAt,
    file_name: &'a str,
    depth: usize,
    /// One for all that is searched in one call, so that results do not depend on which thread is first.
    work: &'a Work,
}

/// What each decoder and the token rules cost in a chunk, and up to where decoders need no further look.
struct Wakes {
    decoders: Vec<(usize, u64)>,
    /// Bytes read by the patterns of token rules.
    token_work: usize,
    /// What the readers of token rules noted, by the index of the rule.
    notes: Vec<(usize, Read)>,
    /// Whether the search begins where the source does.
    complete: bool,
}

/// What a reader noted of a source, and up to where it needs no further look.
struct Read {
    notes: Notes,
    examined: u64,
}

impl<'a> Searcher<'a> {
    pub(crate) fn new(detector: &'a Detector, rules: &'a RuleSet, fingerprinter: &'a Fingerprinter) -> Self {
        Self {
            detector,
            rules,
            fingerprinter,
            buffer: Buffer::default(),
            scratch: Scratch::default(),
            known: Vec::new(),
        }
    }

    /// From now on readers know what they noted elsewhere: of other parts of the source that is searched next.
    pub(crate) fn know(&mut self, known: Vec<(usize, Notes)>) {
        self.known = known;
    }

    /// Searches the hits that begin in `range` of the source, calling `advance` with the bytes done.
    ///
    /// # Errors
    ///
    /// A chunk cannot be read; what was seen until then is in `seen`.
    pub(crate) fn search(
        &mut self,
        source: &dyn ReadAt,
        range: Range<u64>,
        file_name: &str,
        seen: &mut Seen,
        advance: &mut dyn FnMut(&[u8], u64),
    ) -> std::io::Result<()> {
        self.search_within(&mut Allowance::default(), source, range, file_name, seen, advance)
    }

    /// The same, at no more cost than is allowed; what was spent is taken out of that.
    pub(crate) fn search_within(
        &mut self,
        allowance: &mut Allowance,
        source: &dyn ReadAt,
        range: Range<u64>,
        file_name: &str,
        seen: &mut Seen,
        advance: &mut dyn FnMut(&[u8], u64),
    ) -> std::io::Result<()> {
        let by_length = PROOFS_A_BYTE.saturating_mul(range.end.saturating_sub(range.start));
        let work = Work::new(allowance.trials).with_proofs(by_length.saturating_add(allowance.proofs));
        let outcome = self.search_subject(Subject { source, file_name, depth: 0, work: &work }, range, seen, advance);
        *allowance = Allowance { trials: work.left(), proofs: allowance.proofs.min(work.proofs_left()) };
        outcome
    }

    fn search_subject(
        &mut self,
        subject: Subject<'_>,
        range: Range<u64>,
        seen: &mut Seen,
        advance: &mut dyn FnMut(&[u8], u64),
    ) -> std::io::Result<()> {
        let overlap = self.detector.matcher.max_len().saturating_sub(1);
        let mut buffer = std::mem::take(&mut self.buffer);
        let known = if subject.depth == 0 { self.known.clone() } else { Vec::new() };
        let mut wakes = Wakes::new(self.detector.decoders.len(), range.start == 0, known);
        let mut hits = Vec::new();
        let mut position = range.start;
        while position < range.end {
            let own = ((range.end - position) as usize).min(CHUNK);
            let want = (own as u64 + overlap as u64).min(subject.source.len() - position) as usize;
            let bytes = match subject.source.as_slice() {
                Some(all) => &all[position as usize..][..want],
                None => {
                    if buffer.len() < want {
                        buffer.resize(want, 0);
                    }
                    let read = subject.source.read_at(position, &mut buffer[..want])?;
                    &buffer[..read]
                }
            };
            let chunk = Chunk { source: subject.source, bytes, offset: position };
            hits.clear();
            let blank = blank::stretches(bytes);
            for part in blank::written(bytes.len() as u64, &blank) {
                let (from, to) = (part.start as usize, part.end as usize);
                self.detector.matcher.find(&bytes[from..to], &mut |hit| {
                    if from + hit.start < own {
                        hits.push(Hit { start: from + hit.start, end: from + hit.end, ..hit });
                    }
                });
            }
            if subject.depth == 0 {
                let in_file = |at: u64| position + at.min(own as u64);
                seen.blank.extend(blank.iter().map(|zeros| in_file(zeros.start)..in_file(zeros.end)));
                self.note_digits(&chunk, own, seen);
            }
            wakes.next_chunk();
            for hit in &hits {
                self.wake(subject, &chunk, hit, &mut wakes, seen);
            }
            advance(&bytes[..own.min(bytes.len())], position);
            position += own as u64;
            if bytes.len() < want {
                break; // The file shrank.
            }
        }
        self.buffer = buffer;
        if subject.depth == 0 && !wakes.notes.is_empty() {
            let notes = wakes.notes.into_iter().map(|(token, read)| (token, read.notes)).collect();
            seen.noted.push(Noted { range, notes });
        }
        Ok(())
    }

    /// Notes where digits begin in a chunk of text that may be of a number.
    fn note_digits(&self, chunk: &Chunk<'_>, own: usize, seen: &mut Seen) {
        let is_text = !chunk.bytes[..chunk.bytes.len().min(TEXT)].contains(&0);
        if self.detector.written && is_text && seen.digits.len() < MAX_SPOTS {
            // A list that a file begins with may have each number in a line of its own, where digits are few.
            seen.digits.extend((chunk.offset == 0 && chunk.bytes.first() == Some(&b'[')).then_some(1));
            spots(chunk.bytes, &mut |at| {
                if at < own && seen.digits.len() < MAX_SPOTS {
                    seen.digits.push(chunk.offset + at as u64);
                }
            });
        }
    }

    fn wake(&mut self, subject: Subject<'_>, chunk: &Chunk<'_>, hit: &Hit, wakes: &mut Wakes, seen: &mut Seen) {
        let detector = self.detector;
        if seen.raws.len() >= MAX_RESULTS {
            seen.limit("more results in one file than are kept");
            return;
        }
        for &target in detector.targets(hit.literal) {
            match target {
                // What wrapped bytes hold has no place in the file.
                Target::InlineMap if subject.depth > 0 => {}
                Target::InlineMap if seen.maps.len() >= MAX_MAPS => {
                    seen.limit("more source maps in one file than are opened");
                }
                Target::InlineMap => seen.maps.push(chunk.offset + hit.start as u64),
                Target::Token(_) if chunk.is_shadow(hit) => {}
                Target::Token(token) => self.look(subject, chunk, hit, (token, false), wakes, seen),
                Target::Wide { token, encoding } => {
                    let hit = Hit { encoding, ..*hit };
                    if !chunk.is_shadow(&hit) {
                        self.look(subject, chunk, &hit, (token, true), wakes, seen);
                    }
                }
                Target::Decoder { decoder, anchor } => {
                    let (work, examined) = &mut wakes.decoders[decoder];
                    if chunk.offset + (hit.start as u64) < *examined {
                        continue;
                    }
                    if subject.work.proofs_left() == 0 {
                        seen.limit("more numbers that have the form of a key than are tried");
                        continue;
                    }
                    if *work > MAX_DECODER_WORK {
                        seen.limit("more occurrences of a decoder's literals than are looked at");
                        continue;
                    }
                    let (end, cost) = self.decode(subject, chunk, hit, (decoder, anchor), seen);
                    *work += cost;
                    *examined = end.max(*examined);
                }
            }
        }
    }

    /// Looks whether a token rule matches, or what its reader finds, unless that costs too much. Text is in UTF-8 if the `wide`
    /// literal is not ASCII.
    fn look(
        &mut self,
        subject: Subject<'_>,
        chunk: &Chunk<'_>,
        hit: &Hit,
        (token, wide): (usize, bool),
        wakes: &mut Wakes,
        seen: &mut Seen,
    ) {
        if wakes.token_work > MAX_TOKEN_WORK {
            return seen.limit("more occurrences of the rules' literals than are looked at");
        }
        wakes.token_work += match self.detector.tokens[token].1.reaches() {
            Some(reaches) => self.read(subject, chunk, hit, (token, reaches), wakes, seen),
            None => self.evaluate(subject, chunk, hit, (token, wide), seen),
        };
    }

    /// Looks whether a token rule matches; returns what that cost.
    fn evaluate(
        &mut self,
        subject: Subject<'_>,
        chunk: &Chunk<'_>,
        hit: &Hit,
        (token, wide): (usize, bool),
        seen: &mut Seen,
    ) -> usize {
        let (rule, compiled) = &self.detector.tokens[token];
        let mut scratch = std::mem::take(&mut self.scratch);
        let window = match wide {
            true => chunk.text_window(hit.start..hit.end, hit.encoding, TOKEN_SPAN, &mut scratch),
            false => chunk.window(hit.start..hit.end, hit.encoding, TOKEN_SPAN, &mut scratch),
        };
        let Evaluation { outcome, work, .. } = compiled.judge(window.bytes, window.anchor.clone());
        if let Ok(found) = outcome {
            self.add(subject, &window, *rule, found, seen);
        }
        self.scratch = scratch;
        work
    }

    /// Looks what a reader finds, in windows that grow until what stands there is in one; returns what that cost.
    fn read(
        &mut self,
        subject: Subject<'_>,
        chunk: &Chunk<'_>,
        hit: &Hit,
        (token, reaches): (usize, &[Reach]),
        wakes: &mut Wakes,
        seen: &mut Seen,
    ) -> usize {
        let (rule, compiled) = &self.detector.tokens[token];
        let read = wakes.read(token);
        if chunk.offset + (hit.start as u64) < read.examined {
            return 0;
        }
        let mut scratch = std::mem::take(&mut self.scratch);
        let mut work = 0;
        for (index, reach) in reaches.iter().enumerate() {
            let span = Span { before: reach.before, after: reach.after };
            let window = chunk.window(hit.start..hit.end, hit.encoding, span, &mut scratch);
            let at_end = window.at_end(subject.source.len());
            let last = index + 1 == reaches.len() || (at_end && window.at_start());
            let tried = Tried { last, at_start: window.at_start() };
            let Evaluation { outcome, more, cut, cut_before, over, examined, work: cost } =
                compiled.judge_in(window.bytes, window.anchor.clone(), tried, &mut read.notes);
            work += cost + window.made / COPY;
            if (cut || cut_before) && !last {
                continue;
            }
            if over || cut_before || (cut && !at_end) {
                seen.limit("more rows or members of one secret's list than are looked at");
            }
            if examined > 0 {
                read.examined = window.end_of(examined);
            }
            outcome.into_iter().chain(more).for_each(|found| self.add(subject, &window, *rule, found, seen));
            break;
        }
        scratch.trim(KEEP_BUFFER);
        self.scratch = scratch;
        work
    }

    /// Adds a credential, if it is not known already.
    fn add(&self, subject: Subject<'_>, window: &Window<'_>, rule: usize, found: Match, seen: &mut Seen) {
        let (offset, length) = window.place(&found.whole);
        if seen.raws.iter().rev().take(64).any(|r| r.rule == rule && r.offset == offset && r.length == length) {
            return; // Another anchor of the same token.
        }
        let named = found.named.iter().map(|range| window.end_of(range.start)..window.end_of(range.end)).collect();
        let token = token(&self.rules.rules()[rule], found, window.bytes, subject.file_name, self.fingerprinter);
        let token = Token { named, ..token };
        seen.raws.push(Raw { rule, offset, length, wrapping: Vec::new(), what: What::Token(Box::new(token)) });
    }

    /// Wakes a decoder; returns the offset in the source up to which it needs no further look, and what it cost in bytes read.
    fn decode(
        &mut self,
        subject: Subject<'_>,
        chunk: &Chunk<'_>,
        hit: &Hit,
        (decoder, anchor): (usize, usize),
        seen: &mut Seen,
    ) -> (u64, usize) {
        let decoder = self.detector.decoders[decoder];
        let reach = decoder.reach();
        let span = Span { before: reach.before, after: reach.after };
        let mut scratch = std::mem::take(&mut self.scratch);
        let window = chunk.window(hit.start..hit.end, hit.encoding, span, &mut scratch);
        let mut sink = Sink::default();
        let before = effort::total();
        decoder.decode(
            &keysweep_keys::Hit {
                window: window.bytes,
                anchor: window.anchor.clone(),
                index: anchor,
                at_start: window.at_start(),
                file_name: Some(subject.file_name).filter(|n| !n.is_empty()),
                work: subject.work,
            },
            &mut sink,
        );
        subject.work.proved(effort::total().wrapping_sub(before));
        let read = sink.spent.unwrap_or(window.bytes.len().min(MOST_WORK));
        let cost = LEAST_WORK + read + window.made / COPY + sink.found.len() * MOST_WORK;
        let mut examined = if sink.examined > 0 { window.end_of(sink.examined) } else { 0 };
        for found in std::mem::take(&mut sink.found) {
            let (offset, length) = window.place(&found.range);
            if found.range.contains(&window.anchor.start) {
                examined = examined.max(offset + length);
            }
            if let Some(rule) = self.detector.key_rule(found.rule) {
                let what = What::Key(Box::new(found.material));
                seen.raws.push(Raw { rule, offset, length, wrapping: Vec::new(), what });
            }
        }
        for object in std::mem::take(&mut sink.public) {
            seen.see(window.place(&object.range).0, object);
        }
        self.unwrap(subject, &window, sink, seen);
        scratch.trim(KEEP_BUFFER);
        self.scratch = scratch;
        (examined, cost)
    }

    /// Searches wrapped bytes; what is found there lies, for the report, at the place of the wrapping.
    fn unwrap(&mut self, subject: Subject<'_>, window: &Window<'_>, sink: Sink, seen: &mut Seen) {
        for nested in sink.nested {
            seen.nested += nested.bytes.len() as u64;
            if subject.depth >= MAX_DEPTH || seen.nested > MAX_NESTED {
                seen.limit("wrapped bytes deeper or more than are unwrapped");
                continue;
            }
            let source: &[u8] = &nested.bytes;
            let inner = Subject { source: &source, depth: subject.depth + 1, ..subject };
            let mut inside = Seen { nested: seen.nested, ..Seen::default() };
            // Reading from memory does not fail.
            let _ = self.search_subject(inner, 0..source.len() as u64, &mut inside, &mut |_, _| {});
            seen.nested = inside.nested;
            let (offset, length) = window.place(&nested.range);
            for raw in crate::raw::resolve_overlaps(inside.raws) {
                let wrapping = std::iter::once(nested.wrapping).chain(raw.wrapping).collect();
                seen.raws.push(Raw { offset, length, wrapping, ..raw });
            }
            inside.public.into_iter().for_each(|(_, object)| seen.see(offset, object));
            for limit in inside.limits {
                seen.limit(limit);
            }
        }
    }
}

impl Wakes {
    fn new(decoders: usize, complete: bool, known: Vec<(usize, Notes)>) -> Self {
        let notes = known.into_iter().map(|(token, notes)| (token, Read { notes, examined: 0 })).collect();
        Self { decoders: vec![(0, 0); decoders], token_work: 0, notes, complete }
    }

    /// What the reader of the token rule with this index noted.
    fn read(&mut self, token: usize) -> &mut Read {
        let index = self.notes.iter().position(|(known, _)| *known == token).unwrap_or_else(|| {
            self.notes.push((token, Read { notes: Notes::new(self.complete), examined: 0 }));
            self.notes.len() - 1
        });
        &mut self.notes[index].1
    }

    fn next_chunk(&mut self) {
        self.decoders.iter_mut().for_each(|d| d.0 = 0);
        self.token_work = 0;
    }
}

/// A credential that a rule found in `text`, without the secret.
pub(crate) fn token(rule: &Rule, found: Match, text: &[u8], file_name: &str, names: &Fingerprinter) -> Token {
    let secret = &text[found.secret.clone()];
    let context = [
        &text[found.secret.start.saturating_sub(CONTEXT)..found.secret.start],
        &text[found.secret.end..(found.secret.end + CONTEXT).min(text.len())],
    ];
    Token {
        fingerprint: names.credential(&rule.id, secret, file_name, &context),
        preview: keysweep_rules::redact(rule, secret),
        proof: Proof { level: level(found.level), statement: found.statement },
        details: found.details,
        severity: found.severity_override.unwrap_or(rule.severity),
        purpose: rule.purpose,
        specificity: rule.specificity(),
        named: Vec::new(),
    }
}

fn level(level: Level) -> ProofLevel {
    match level {
        Level::Pattern => ProofLevel::Pattern,
        Level::Parsed => ProofLevel::Parsed,
        Level::Proven => ProofLevel::Proven,
    }
}
