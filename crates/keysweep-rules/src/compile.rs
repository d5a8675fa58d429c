//! Token rules at work: what is looked at where one of their literals stands.

use crate::checks::{self, Candidate, Check};
use crate::entropy::shannon;
use crate::finder::{Finder, Found};
use crate::model::{Anchor, Boundary, Detector, Level, Rule, Severity, TokenRule};
use crate::probe::Probe;
use crate::readers::{self, Notes, Reach, Reader, Text, Tried};
use crate::{next_line, pattern, placeholders};
use regex_automata::meta::Regex;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

/// Places before an anchor at which a match is tried to begin. Enough for patterns that may begin anywhere in a run of
/// characters; a bound, since each costs a look at the window.
const MAX_TRIES: usize = 8;
/// Work of a look at any anchor, in bytes read.
const MIN_WORK: usize = 32;
/// Work of judging a match, for each of its bytes.
const MATCH_WORK: usize = 16;
/// Most credentials that are told of a file that a rule knows by its name.
const MAX_IN_FILE: usize = 1_000;
/// Longest detail shown, in bytes.
const MAX_DETAIL: usize = 80;

/// A credential in a window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Match {
    /// Everything the pattern matched, from the line on which the secret begins.
    pub whole: Range<usize>,
    /// What it named on earlier lines, such as the id of a key: told with this secret, not by itself.
    pub named: Vec<Range<usize>>,
    /// The secret in it.
    pub secret: Range<usize>,
    /// How sure it is.
    pub level: Level,
    /// What was checked, as a sentence without a final stop.
    pub statement: String,
    /// More facts, name and value, none of them secret.
    pub details: Vec<(String, String)>,
    /// What the secret itself says about its severity, such as that it has expired.
    pub severity_override: Option<Severity>,
}

/// Why there is no match at an anchor.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum Rejection {
    /// No pattern, or the anchor is not in the window.
    #[error("there is no such anchor")]
    NoAnchor,
    /// The pattern does not match so that it contains the anchor.
    #[error("the pattern does not match there")]
    NoMatch,
    /// The match goes on.
    #[error("letters, digits or the like stand directly beside it")]
    Boundary,
    /// The setting has no value, and the next line is one of its own.
    #[error("it is the next line's own name")]
    NextLine,
    /// It is too regular.
    #[error("the entropy is {0:.2} bits a byte")]
    Entropy(f64),
    /// Bytes of a program stand within it.
    #[error("there are control characters in it")]
    Control,
    /// It stands for a secret.
    #[error("it is a placeholder")]
    Placeholder,
    /// The rule denies it.
    #[error("`{0}` pattern {1} matches")]
    Denied(&'static str, usize),
    /// Nothing near it says what it is.
    #[error("no word of `context` is near it")]
    NoContext,
    /// Its checksum is wrong or its structure does not hold.
    #[error("the check '{0}' fails")]
    Check(&'static str),
}

/// A token rule, ready to be evaluated. Its regular expressions are compiled on first use.
#[derive(Debug)]
pub struct CompiledToken {
    rule: Option<Arc<TokenRule>>,
    /// In a box, since most rules never need them.
    programs: OnceLock<Option<Box<Programs>>>,
}

#[derive(Debug)]
struct Programs {
    finder: Finder,
    /// What must follow an anchor.
    follows: Option<Probe>,
    /// Those of `deny`, `deny_match` and `deny_line`, compiled when a match came so far that they are asked.
    deny: OnceLock<[Vec<Regex>; 3]>,
    check: Option<&'static Check>,
    reader: Option<&'static Reader>,
}

/// What came of an evaluation, and what it cost.
#[derive(Debug)]
pub struct Evaluation {
    /// The credential, or why there is none.
    pub outcome: Result<Match, Rejection>,
    /// More of them, which a reader told.
    pub more: Vec<Match>,
    /// What a reader reads goes on beyond the end of the window.
    pub cut: bool,
    /// What a reader reads begins before the window.
    pub cut_before: bool,
    /// A reader told as many values as one place may, and there are more.
    pub over: bool,
    /// Up to where a reader understood the text, so that anchors before that need no look; nothing if that is not known.
    pub examined: usize,
    /// Bytes that were read, those of a match several times. Bound the sum over all places of a text, since hostile text can
    /// have each place read far.
    pub work: usize,
}

impl Evaluation {
    /// That of a pattern, or of a reader before it has read.
    fn new(outcome: Result<Match, Rejection>, work: usize) -> Self {
        Self { outcome, more: Vec::new(), cut: false, cut_before: false, over: false, examined: 0, work }
    }
}

impl CompiledToken {
    /// The rule's evaluation. A rule of another kind never matches.
    pub fn new(rule: &Rule) -> Self {
        let rule = match &rule.detector {
            Detector::Token(token) => Some(Arc::clone(token)),
            Detector::Decoder(_) | Detector::File(_) => None,
        };
        Self { rule, programs: OnceLock::new() }
    }

    /// The credential of which the anchor at `anchor` is a part, if there is one. Takes time linear in the window, and looks
    /// no further than the window.
    pub fn evaluate(&self, window: &[u8], anchor: Range<usize>) -> Option<Match> {
        self.judge(window, anchor).outcome.ok()
    }

    /// As [`CompiledToken::evaluate`], saying why there is none, and what it cost. Of several places at which a match was
    /// tried, the reason is that of the last.
    pub fn judge(&self, window: &[u8], anchor: Range<usize>) -> Evaluation {
        let mut work = MIN_WORK;
        let outcome = self.try_all(window, &anchor, &mut work);
        Evaluation::new(outcome, work)
    }

    /// The windows in which a rule with a reader is tried, from the least on; nothing for other rules.
    pub fn reaches(&self) -> Option<&'static [Reach]> {
        let name = self.rule.as_ref()?.reader.as_deref()?;
        Some(readers::by_name(name)?.reaches)
    }

    /// As [`CompiledToken::judge`]. A rule with a reader tells all that it finds, by what is noted of the text before; unless
    /// this is the last window that is tried, nothing is told where it goes on beyond it.
    pub fn judge_in(&self, window: &[u8], anchor: Range<usize>, tried: Tried, notes: &mut Notes) -> Evaluation {
        let Some((rule, programs)) = self.rule.as_ref().filter(|rule| rule.reader.is_some()).zip(self.programs())
        else {
            return self.judge(window, anchor);
        };
        let mut evaluation = Evaluation::new(Err(Rejection::NoMatch), MIN_WORK);
        let inside = anchor.start <= anchor.end && anchor.end <= window.len();
        let Some(reader) = programs.reader.filter(|_| inside) else { return evaluation };
        let listing = (reader.read)(&Text { window, anchor: (anchor.start, anchor.end), tried }, notes);
        evaluation.work += listing.work;
        (evaluation.cut, evaluation.cut_before) = (listing.cut, listing.cut_before);
        (evaluation.over, evaluation.examined) = (listing.over, listing.examined);
        if (listing.cut || listing.cut_before) && !tried.last {
            return evaluation;
        }
        for value in listing.values {
            evaluation.work += MATCH_WORK * value.at.len();
            let found = Found { whole: value.at.clone(), secret: value.at, groups: Vec::new() };
            let judged = programs.accept(rule, window, found).map(|mut found| {
                found.details.push(("name".to_owned(), printable(value.name.as_bytes())));
                found
            });
            match judged {
                Ok(found) if evaluation.outcome.is_ok() => evaluation.more.push(found),
                Err(_) if evaluation.outcome.is_ok() => {}
                other => evaluation.outcome = other,
            }
        }
        evaluation
    }

    /// All credentials in the text of a file that the rule is for by its name, and whether there are more than are told. Takes
    /// time linear in the text.
    pub fn judge_file(&self, text: &[u8]) -> (Vec<Match>, bool) {
        let Some((rule, programs)) = self.rule.as_ref().zip(self.programs()) else { return (Vec::new(), false) };
        let mut found = Vec::new();
        let mut from = 0;
        while let Some(next) = programs.finder.next(text, from) {
            from = next.whole.end.max(next.whole.start + 1);
            if found.len() == MAX_IN_FILE {
                return (found, true);
            }
            found.extend(programs.accept(rule, text, next));
        }
        (found, false)
    }

    fn programs(&self) -> Option<&Programs> {
        let rule = self.rule.as_ref()?;
        self.programs.get_or_init(|| Programs::new(rule).map(Box::new)).as_deref()
    }

    fn try_all(&self, window: &[u8], anchor: &Range<usize>, work: &mut usize) -> Result<Match, Rejection> {
        let rule = self.rule.as_ref().ok_or(Rejection::NoAnchor)?;
        if anchor.start > anchor.end || anchor.end > window.len() {
            return Err(Rejection::NoAnchor);
        }
        let programs = self.programs().ok_or(Rejection::NoAnchor)?;
        let mut rejection = Rejection::NoMatch;
        if !programs.goes_on(window, anchor.end, work) {
            return Err(rejection);
        }
        let mut from = anchor.start.saturating_sub(rule.before);
        for _ in 0..MAX_TRIES {
            let Some(found) = programs.finder.find(window, from, anchor, work) else { break };
            let start = found.whole.start;
            if found.whole.end >= anchor.end && programs.may_hold(&window[anchor.end..found.whole.end]) {
                *work += MATCH_WORK * found.whole.len();
                let Some(found) = programs.finder.with_groups(window, found, work) else { break };
                match programs.accept(rule, window, found) {
                    Ok(found) => return Ok(found),
                    // A shorter match would only slip by.
                    Err(why @ Rejection::Denied("deny_match" | "deny_line", _)) => return Err(why),
                    Err(why) => rejection = why,
                }
            }
            from = start + 1;
            if from > anchor.start {
                break;
            }
        }
        Err(rejection)
    }
}

impl Programs {
    fn new(rule: &TokenRule) -> Option<Self> {
        let check = match &rule.check {
            Some(name) => Some(checks::by_name(name)?),
            None => None,
        };
        let follows = match &rule.follows {
            Some(text) => Some(Probe::new(text).ok()?),
            None => None,
        };
        let reader = match &rule.reader {
            Some(name) => Some(readers::by_name(name)?),
            None => None,
        };
        let finder = Finder::new(&rule.pattern, follows.is_some())?;
        Some(Self { finder, follows, deny: OnceLock::new(), check, reader })
    }

    /// Whether what follows the anchor allows for a match. Most anchors stand in prose or code and go on otherwise, which this
    /// sees in a few bytes; to search for matches that begin before the anchor takes hundreds.
    fn goes_on(&self, window: &[u8], end: usize, work: &mut usize) -> bool {
        let Some(follows) = &self.follows else { return true };
        if !self.may_hold(&window[end..]) {
            return false;
        }
        let Ok(outcome) = follows.at(window, end, window.len()) else { return true };
        *work += outcome.read;
        outcome.end.is_some()
    }

    /// Whether what stands behind an anchor may hold what the check accepts, as far as that is told there.
    fn may_hold(&self, behind: &[u8]) -> bool {
        let ahead = self.check.filter(|_| self.follows.is_some()).and_then(|check| check.ahead);
        ahead.is_none_or(|ahead| ahead(behind))
    }

    /// The first pattern that says that it is no finding: its field, and its number from 1.
    fn denied(&self, rule: &TokenRule, window: &[u8], found: &Found) -> Option<(&'static str, usize)> {
        let compiled = |list: &Vec<String>| list.iter().filter_map(|text| pattern::compile(text).ok()).collect();
        let lists = self.deny.get_or_init(|| [&rule.deny, &rule.deny_match, &rule.deny_line].map(compiled));
        let texts = [found.secret.clone(), found.whole.clone(), lines(window, &found.whole)];
        let names = ["deny", "deny_match", "deny_line"];
        names.into_iter().zip(lists).zip(texts).find_map(|((name, list), text)| {
            let index = list.iter().position(|deny| deny.is_match(&window[text.clone()]))?;
            Some((name, index + 1))
        })
    }

    /// Judges a match of the pattern, the cheapest questions first.
    fn accept(&self, rule: &TokenRule, window: &[u8], found: Found) -> Result<Match, Rejection> {
        let secret = &window[found.secret.clone()];
        let bounded = is_bounded(rule.boundary, window, &found);
        // Only a checksum makes up for a missing boundary.
        if !bounded && self.check.is_none() {
            return Err(Rejection::Boundary);
        }
        if next_line::is_other_setting(window, found.whole.start, &found.secret) {
            return Err(Rejection::NextLine);
        }
        if secret.iter().any(|b| b.is_ascii_control() && !b"\t\r\n".contains(b)) {
            return Err(Rejection::Control);
        }
        let entropy = shannon(secret);
        if rule.entropy.is_some_and(|least| entropy < least) {
            return Err(Rejection::Entropy(entropy));
        }
        if placeholders::is_placeholder(variable_part(&rule.anchors, secret)) {
            return Err(Rejection::Placeholder);
        }
        if let Some((field, number)) = self.denied(rule, window, &found) {
            return Err(Rejection::Denied(field, number));
        }
        let context = context(rule, window, &found)?;
        let shown = |(name, range): &(&'static str, Range<usize>)| (*name, &window[range.clone()]);
        let groups: Vec<(&str, &[u8])> = found.groups.iter().map(shown).collect();
        let whole = visible(window, &found);
        let mut matched = Match {
            details: details(&groups),
            named: found
                .groups
                .iter()
                .map(|(_, range)| range.clone())
                .filter(|range| range.end <= whole.start)
                .collect(),
            whole,
            secret: found.secret.clone(),
            level: Level::Pattern,
            statement: statement(entropy, context),
            severity_override: None,
        };
        if let Some(check) = self.check {
            let candidate = Candidate { secret, whole: &window[found.whole], groups: &groups };
            let verdict = check.run(&candidate).ok_or(Rejection::Check(check.name))?;
            if !bounded && verdict.level != Level::Proven {
                return Err(Rejection::Boundary);
            }
            matched.level = verdict.level;
            matched.statement = verdict.statement;
            matched.severity_override = verdict.severity;
            matched.details.extend(verdict.details.into_iter().map(|(name, value)| (name.to_owned(), value)));
        }
        Ok(matched)
    }
}

fn statement(entropy: f64, context: Option<&str>) -> String {
    match context {
        Some(word) => format!("has the form of such a credential, near '{word}'; entropy {entropy:.1} bits a byte"),
        None => format!("has the form of such a credential; entropy {entropy:.1} bits a byte"),
    }
}

/// Whether the secret ends where it seems to. Where the pattern goes on beyond the secret, the pattern says so.
fn is_bounded(boundary: Boundary, window: &[u8], found: &Found) -> bool {
    let joins = |byte: Option<&u8>| {
        byte.is_some_and(|b| match boundary {
            Boundary::None => false,
            Boundary::Word => is_word(*b),
            Boundary::Base64 => is_word(*b) || b"+/-=.".contains(b),
        })
    };
    let Found { whole, secret, .. } = found;
    let before = &window[..whole.start];
    let joins_before = secret.start == whole.start && joins(before.last()) && !ends_with_escape(before);
    let joins_after = secret.end == whole.end && joins(window.get(whole.end));
    !joins_before && !joins_after
}

/// Whether the last characters are not of the text but an escape sequence in it: `\n`, `\x3d`, `\u003d`, `%3D`, or the
/// colour of a terminal.
fn ends_with_escape(text: &[u8]) -> bool {
    /// Longest colour that is looked at, in bytes.
    const MAX_COLOUR: usize = 24;
    let begins = |digits: usize, start: &[u8]| {
        let Some(at) = text.len().checked_sub(digits) else { return false };
        text[..at].ends_with(start) && text[at..].iter().all(u8::is_ascii_hexdigit)
    };
    let letter = text.last().is_some_and(|b| b"0abefnrtv".contains(b)) && text[..text.len() - 1].ends_with(b"\\");
    let colour = text.strip_suffix(b"m").is_some_and(|codes| {
        let codes = &codes[codes.len().saturating_sub(MAX_COLOUR)..];
        let number = codes.iter().rev().take_while(|b| b.is_ascii_digit() || **b == b';').count();
        codes[..codes.len() - number].ends_with(b"\x1b[")
    });
    letter || colour || begins(2, b"%") || begins(2, b"\\x") || begins(4, b"\\u")
}

/// What the pattern matched, from the line on which the secret begins: it is there that people look for it, and that marks
/// which allow it stand.
fn visible(window: &[u8], found: &Found) -> Range<usize> {
    let before = &window[found.whole.start..found.secret.start];
    let line = before.iter().rposition(|b| b"\r\n".contains(b)).map_or(0, |at| at + 1);
    let indent = if line == 0 { 0 } else { before[line..].iter().take_while(|b| b.is_ascii_whitespace()).count() };
    found.whole.start + line + indent..found.whole.end
}

/// The lines on which `range` lies, as far as they are in the window.
fn lines(window: &[u8], range: &Range<usize>) -> Range<usize> {
    let start = memchr::memrchr(b'\n', &window[..range.start]).map_or(0, |at| at + 1);
    let end = memchr::memchr(b'\n', &window[range.end..]).map_or(window.len(), |at| range.end + at);
    start..end
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// The secret without the literal it begins with.
pub(crate) fn variable_part<'a>(anchors: &[Anchor], secret: &'a [u8]) -> &'a [u8] {
    match leading_anchor(anchors, secret) {
        Some(anchor) if anchor.text.len() < secret.len() => &secret[anchor.text.len()..],
        _ => secret,
    }
}

/// The longest literal the secret begins with.
pub(crate) fn leading_anchor<'a>(anchors: &'a [Anchor], secret: &[u8]) -> Option<&'a Anchor> {
    let begins = |anchor: &&Anchor| {
        secret.get(..anchor.text.len()).is_some_and(|start| {
            start == anchor.text.as_bytes()
                || (anchor.ignore_case && start.eq_ignore_ascii_case(anchor.text.as_bytes()))
        })
    };
    anchors.iter().filter(begins).max_by_key(|anchor| anchor.text.len())
}

/// The word of the context that stands near the secret, or in the match; nothing if none is needed.
fn context<'a>(rule: &'a TokenRule, window: &[u8], found: &Found) -> Result<Option<&'a str>, Rejection> {
    if rule.context.is_empty() {
        return Ok(None);
    }
    let Found { whole, secret, .. } = found;
    let before = &window[whole.start.saturating_sub(rule.context_within)..secret.start];
    let after = &window[secret.end..whole.end.saturating_add(rule.context_within).min(window.len())];
    // Where all that matched is the secret, the word may be a part of it.
    let within = if secret == whole { &window[secret.clone()] } else { &[] };
    let near = |word: &&String| [before, within, after].iter().any(|text| contains(text, word.as_bytes()));
    rule.context.iter().find(near).map(|word| Some(word.as_str())).ok_or(Rejection::NoContext)
}

/// Whether `text` holds `word`, in either case of ASCII letters.
fn contains(text: &[u8], word: &[u8]) -> bool {
    !word.is_empty() && text.windows(word.len()).any(|at| at.eq_ignore_ascii_case(word))
}

fn details(groups: &[(&str, &[u8])]) -> Vec<(String, String)> {
    let hidden = |name: &str, value: &[u8]| value.is_empty() || (name == "user" && may_be_secret(value));
    let shown = groups.iter().filter(|(name, value)| !hidden(name, value));
    shown.map(|(name, value)| ((*name).to_owned(), printable(value))).collect()
}

/// Whether what stands where a user name belongs may be a token, as in `https://TOKEN:x@host`.
pub(crate) fn may_be_secret(user: &[u8]) -> bool {
    let digits = user.iter().filter(|b| b.is_ascii_digit()).count();
    user.len() >= 16 && digits >= 2 && !user.iter().any(|b| b"@.".contains(b))
}

/// Text for people: printable ASCII, not too long.
pub(crate) fn printable(value: &[u8]) -> String {
    let clean = |b: &u8| if b.is_ascii_graphic() || *b == b' ' { char::from(*b) } else { '?' };
    let text: String = value.iter().take(MAX_DETAIL).map(clean).collect();
    if value.len() > MAX_DETAIL { text + "…" } else { text }
}
