//! Literals for a pattern: such that every match contains one of them, as long and as few as can be found.

use crate::model::Anchor;
use crate::parse::{ANCHOR_LENGTHS, MAX_BEFORE};
use crate::pattern;
use regex_syntax::hir::{Class, Hir, HirKind};

/// Most literals of a set.
const MAX_SET: usize = 200;
/// Members of a class that is written out.
const MAX_CLASS: usize = 72;
/// Length up to which a longer literal is a better one.
const LONG_ENOUGH: usize = 8;

/// Literals, of which every match contains one.
#[derive(Debug, Clone)]
pub(super) struct Literals {
    set: Vec<Literal>,
    /// Most bytes from the begin of a match to the begin of its literal; none if there is no bound.
    before: Option<usize>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
struct Literal {
    text: Vec<u8>,
    ignore_case: bool,
}

/// What a rule needs to find the matches of a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Anchors {
    pub(super) anchors: Vec<Anchor>,
    pub(super) before: usize,
    /// Matches may begin earlier than `before` says.
    pub(super) cut: bool,
}

/// The best literals of a pattern; none if there are none of sufficient length.
pub(super) fn anchors(pattern: &str) -> Option<Anchors> {
    let hir = pattern::parsed(pattern)?;
    let mut best = best(&hir)?;
    if best.shortest() < *ANCHOR_LENGTHS.start() {
        return None;
    }
    for literal in &mut best.set {
        literal.text.truncate(*ANCHOR_LENGTHS.end());
    }
    best.set.sort();
    best.set.dedup();
    let text = |literal: Literal| {
        String::from_utf8(literal.text).ok().map(|text| Anchor { text, ignore_case: literal.ignore_case })
    };
    let anchors: Option<Vec<Anchor>> = best.set.into_iter().map(text).collect();
    let before = best.before.filter(|before| *before <= MAX_BEFORE);
    Some(Anchors { anchors: anchors?, before: before.unwrap_or(MAX_BEFORE), cut: before.is_none() })
}

impl Literals {
    fn shortest(&self) -> usize {
        self.set.iter().map(|literal| literal.text.len()).min().unwrap_or(0)
    }

    /// Higher is better.
    fn score(&self) -> (bool, bool, usize, bool, usize) {
        let bounded = self.before.is_some_and(|before| before <= MAX_BEFORE);
        let few = MAX_SET - self.set.len().min(MAX_SET);
        (
            self.shortest() >= *ANCHOR_LENGTHS.start(),
            bounded,
            self.shortest().min(LONG_ENOUGH),
            self.before == Some(0),
            few,
        )
    }
}

fn better(a: Option<Literals>, b: Option<Literals>) -> Option<Literals> {
    match (a, b) {
        (Some(a), Some(b)) => Some(if b.score() > a.score() { b } else { a }),
        (a, b) => a.or(b),
    }
}

fn best(hir: &Hir) -> Option<Literals> {
    let exact = exact(hir).filter(|set| set.iter().all(|literal| !literal.text.is_empty()));
    let whole = exact.map(|set| Literals { set, before: Some(0) });
    let part = match hir.kind() {
        HirKind::Capture(capture) => best(&capture.sub),
        HirKind::Repetition(repetition) if repetition.min > 0 => best(&repetition.sub),
        HirKind::Concat(parts) => best_of_parts(parts),
        HirKind::Alternation(parts) => {
            let parts: Option<Vec<Literals>> = parts.iter().map(best).collect();
            parts.and_then(united)
        }
        _ => None,
    };
    better(whole, part)
}

fn united(parts: Vec<Literals>) -> Option<Literals> {
    let before = parts.iter().try_fold(0, |most, part| Some(most.max(part.before?)));
    let set: Vec<Literal> = parts.into_iter().flat_map(|part| part.set).collect();
    (set.len() <= MAX_SET).then_some(Literals { set, before })
}

/// The best of what stands in a row: of runs of parts that are literal, and of the parts.
fn best_of_parts(parts: &[Hir]) -> Option<Literals> {
    let mut found = None;
    let mut run: Option<Literals> = None;
    let mut offset = Some(0usize);
    let mut previous: Option<&Hir> = None;
    for part in parts {
        let grown = match &run {
            Some(run) => exact(part).and_then(|set| joined(&run.set, &set)),
            None => exact(part),
        };
        match grown {
            Some(set) => {
                let before = run.as_ref().map_or(offset, |run| run.before);
                run = Some(Literals { set, before });
                // A single character before it makes it longer, too.
                let class =
                    previous.and_then(|part| if let HirKind::Class(class) = part.kind() { Some(class) } else { None });
                let longer =
                    class.zip(run.as_ref()).and_then(|(class, run)| joined(&members(class, MAX_CLASS)?, &run.set));
                let longer = longer.map(|set| Literals { set, before: before.map(|offset| offset.saturating_sub(1)) });
                found = better(found, longer.filter(|longer| longer.shortest() > 1));
            }
            None => {
                // A short run is made longer by the class that follows it.
                if let Some(short) = run.take() {
                    let longer = lengthened(&short, part);
                    found = better(found, Some(longer.unwrap_or(short)));
                }
                previous = Some(part);
                let inner = best(part).map(|inner| Literals {
                    before: offset.zip(inner.before).map(|(offset, before)| offset + before),
                    ..inner
                });
                found = better(found, inner);
                run = exact(part).map(|set| Literals { set, before: offset });
            }
        }
        if let Some(run) = run.as_ref().filter(|run| run.shortest() > 0) {
            found = better(found, Some(run.clone()));
        }
        offset = offset.zip(part.properties().maximum_len()).map(|(offset, length)| offset + length);
    }
    found
}

/// A run of less than three bytes with the first character of what follows.
fn lengthened(run: &Literals, next: &Hir) -> Option<Literals> {
    if run.shortest() == 0 || run.shortest() >= *ANCHOR_LENGTHS.start() {
        return None;
    }
    let mut next = next;
    let mut copies = 1;
    loop {
        match next.kind() {
            HirKind::Capture(capture) => next = &capture.sub,
            HirKind::Repetition(repetition) if repetition.min > 0 => {
                copies = repetition.min;
                next = &repetition.sub;
            }
            HirKind::Concat(parts) => next = parts.first()?,
            _ => break,
        }
    }
    let HirKind::Class(class) = next.kind() else { return None };
    let members = members(class, MAX_CLASS)?;
    let mut set = run.set.clone();
    for _ in 0..copies.min(2) {
        if set.iter().all(|literal| literal.text.len() >= *ANCHOR_LENGTHS.start()) {
            break;
        }
        set = joined(&set, &members)?;
    }
    Some(Literals { set, before: run.before })
}

/// All texts that `hir` matches, if they are few.
fn exact(hir: &Hir) -> Option<Vec<Literal>> {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => Some(vec![Literal::default()]),
        HirKind::Literal(literal) => Some(vec![Literal { text: literal.0.to_vec(), ignore_case: false }]),
        HirKind::Class(class) => members(class, 4),
        HirKind::Capture(capture) => exact(&capture.sub),
        HirKind::Repetition(repetition) => {
            if repetition.max != Some(repetition.min) || repetition.min > 32 {
                return None;
            }
            let sub = exact(&repetition.sub)?;
            (0..repetition.min).try_fold(vec![Literal::default()], |set, _| joined(&set, &sub))
        }
        HirKind::Concat(parts) => {
            parts.iter().try_fold(vec![Literal::default()], |set, part| joined(&set, &exact(part)?))
        }
        HirKind::Alternation(parts) => {
            let mut set = Vec::new();
            for part in parts {
                set.extend(exact(part)?);
                if set.len() > MAX_SET {
                    return None;
                }
            }
            Some(set)
        }
    }
}

fn joined(left: &[Literal], right: &[Literal]) -> Option<Vec<Literal>> {
    if left.len() * right.len() > MAX_SET {
        return None;
    }
    let join = |a: &Literal, b: &Literal| Literal {
        text: [a.text.as_slice(), &b.text].concat(),
        ignore_case: a.ignore_case || b.ignore_case,
    };
    let set: Vec<Literal> = left.iter().flat_map(|a| right.iter().map(move |b| join(a, b))).collect();
    set.iter().all(|literal| literal.text.len() <= 256).then_some(set)
}

/// The members of a class of at most `most` bytes; letters of both cases are one.
fn members(class: &Class, most: usize) -> Option<Vec<Literal>> {
    let bytes: Vec<u8> = match class {
        Class::Bytes(class) => class.iter().flat_map(|range| range.start()..=range.end()).collect(),
        Class::Unicode(class) => {
            let ranges = class.iter().map(|range| Some((ascii(range.start())?, ascii(range.end())?)));
            ranges.collect::<Option<Vec<_>>>()?.into_iter().flat_map(|(start, end)| start..=end).collect()
        }
    };
    if bytes.is_empty() || bytes.len() > most {
        return None;
    }
    let has = |byte: u8| bytes.contains(&byte);
    let one = |byte: &u8| {
        let folded = byte.is_ascii_alphabetic() && has(byte.to_ascii_lowercase()) && has(byte.to_ascii_uppercase());
        match (folded, byte.is_ascii_uppercase()) {
            (true, true) => None,
            (ignore_case, _) => Some(Literal { text: vec![*byte], ignore_case }),
        }
    };
    Some(bytes.iter().filter_map(one).collect())
}

fn ascii(c: char) -> Option<u8> {
    u8::try_from(u32::from(c)).ok().filter(u8::is_ascii)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(pattern: &str) -> Option<(Vec<String>, usize, bool)> {
        let found = anchors(pattern)?;
        let text = |a: Anchor| if a.ignore_case { format!("{}/i", a.text) } else { a.text };
        Some((found.anchors.into_iter().map(text).collect(), found.before, found.cut))
    }

    fn some(all: &[&str], before: usize, cut: bool) -> Option<(Vec<String>, usize, bool)> {
        Some((all.iter().map(|t| (*t).to_owned()).collect(), before, cut))
    }

    #[test]
    fn literals_are_found_where_every_match_has_one() {
        assert_eq!(texts(r"\b(ghp_[a-z0-9]{36})\b"), some(&["ghp_"], 0, false));
        assert_eq!(texts(r"[\w.-]{0,50}?(?:adafruit|beamer)=x"), some(&["adafruit=x", "beamer=x"], 50, false));
        assert_eq!(texts(r"(?i)[a-z]{0,5}key=(a|b)"), some(&["key=a/i", "key=b/i"], 5, false));
        assert_eq!(texts(r"xox[ab]-\d+"), some(&["xoxa-", "xoxb-"], 0, false));
        assert_eq!(texts(r"[a-z]+\.atlasv1\."), some(&[".atlasv1."], MAX_BEFORE, true));
        assert_eq!(texts("A[01][0-9]{4}").map(|t| t.0.len()), Some(20));
        assert_eq!(texts("[a-z]{3}[0-9]Q~[a-z]{9}").map(|t| (t.0.len(), t.1)), Some((10, 3)));
        assert_eq!(texts(r"(?:abc)?[0-9]{4}"), None);
        assert_eq!(texts(r"abc|[0-9]{4}"), None);
        assert_eq!(texts(r"a\.b"), some(&["a.b"], 0, false));
    }

    #[test]
    fn large_patterns_have_few_literals() {
        for pattern in ["(?:a|b|c|d){8}x", "([a-d][a-d][a-d]){9}", "(?:(?:a|b)(?:c|d)?){30}", "a{1000}"] {
            if let Some(found) = anchors(pattern) {
                assert!(found.anchors.len() <= MAX_SET, "{pattern}");
            }
        }
    }
}
