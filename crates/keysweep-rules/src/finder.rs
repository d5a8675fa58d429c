//! Where a pattern matches around an anchor, and where its groups are.

use crate::pattern::{self, Engine};
use crate::probe::{GaveUp, Probe};
use crate::validate::{SECRET_GROUPS, SHOWN_GROUPS};
use regex_automata::meta::Regex;
use regex_automata::{Anchored, Input};
use std::ops::{Range, RangeInclusive};
use std::sync::OnceLock;

/// Work of telling where the groups of a match are, in bytes read.
const GROUP_WORK: usize = 1_024;

/// A pattern, ready to be searched. Most are only ever tried at their anchors and fail there, so what more is needed is
/// compiled when it is.
#[derive(Debug)]
pub(crate) struct Finder {
    text: String,
    /// Tries the pattern at one place.
    probe: Probe,
    /// Searches for matches that begin before the anchor.
    search: OnceLock<Option<Regex>>,
    /// Tells where the groups of a match are.
    captures: OnceLock<Option<Regex>>,
    /// Whether the pattern has groups.
    groups: bool,
    /// Longest match in bytes, if there is a bound.
    longest: Option<usize>,
    /// Whether each place before an anchor is tried by itself: nearly all fail at their first bytes, and the automaton for
    /// that is at hand, while those of a search are built as they are used, at a cost that small scans would feel.
    stepwise: bool,
}

/// What the pattern matched.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    pub(crate) whole: Range<usize>,
    pub(crate) secret: Range<usize>,
    pub(crate) groups: Vec<(&'static str, Range<usize>)>,
}

impl Finder {
    /// `None` if the pattern is none.
    pub(crate) fn new(text: &str, stepwise: bool) -> Option<Self> {
        let probe = Probe::new(text).ok()?;
        Some(Self {
            text: text.to_owned(),
            groups: probe.has_groups(),
            longest: pattern::lengths(text).1,
            probe,
            stepwise,
            search: OnceLock::new(),
            captures: OnceLock::new(),
        })
    }

    /// The first match that begins in `from..=anchor.start`, without its groups; adds to `work` the bytes that were read.
    pub(crate) fn find(&self, window: &[u8], from: usize, anchor: &Range<usize>, work: &mut usize) -> Option<Found> {
        let to = self.longest.map_or(window.len(), |longest| anchor.start.saturating_add(longest).min(window.len()));
        let whole = if from == anchor.start {
            self.at(window, from, to, work)
        } else if self.stepwise {
            self.first(window, from..=anchor.start, to, work)
        } else {
            self.behind(window, from, to, work)
        }?;
        if whole.start > anchor.start || whole.is_empty() {
            return None;
        }
        Some(Found { secret: whole.clone(), whole, groups: Vec::new() })
    }

    /// The first match that begins at `from` or later, with its groups.
    pub(crate) fn next(&self, text: &[u8], from: usize) -> Option<Found> {
        let whole = self.behind(text, from, text.len(), &mut 0)?;
        self.with_groups(text, Found { secret: whole.clone(), whole, groups: Vec::new() }, &mut 0)
    }

    /// The match with its groups, which cost more to find than the match itself.
    pub(crate) fn with_groups(&self, window: &[u8], mut found: Found, work: &mut usize) -> Option<Found> {
        if self.groups {
            *work += GROUP_WORK;
            self.fill_groups(window, &mut found)?;
        }
        Some(found)
    }

    /// The match that begins at `from`.
    fn at(&self, window: &[u8], from: usize, to: usize, work: &mut usize) -> Option<Range<usize>> {
        match self.probe.at(window, from, to) {
            Ok(outcome) => {
                *work += outcome.read;
                Some(from..outcome.end?)
            }
            Err(GaveUp) => {
                *work += to - from;
                let input = Input::new(window).span(from..to).anchored(Anchored::Yes);
                Some(self.search()?.search(&input)?.range())
            }
        }
    }

    /// The first match that begins in `starts`, each tried by itself.
    fn first(&self, window: &[u8], starts: RangeInclusive<usize>, to: usize, work: &mut usize) -> Option<Range<usize>> {
        let from = *starts.start();
        match self.probe.first(window, starts, to) {
            Ok((start, outcome)) => {
                *work += outcome.read;
                Some(start..outcome.end?)
            }
            Err(GaveUp) => self.behind(window, from, to, work),
        }
    }

    /// The first match that begins at `from` or later.
    fn behind(&self, window: &[u8], from: usize, to: usize, work: &mut usize) -> Option<Range<usize>> {
        let found = self.search()?.search(&Input::new(window).span(from..to)).map(|m| m.range());
        *work += found.as_ref().map_or(to, |m| m.end) - from;
        found
    }

    fn search(&self) -> Option<&Regex> {
        self.search.get_or_init(|| pattern::compile(&self.text).ok()).as_ref()
    }

    /// Tells where the groups are in a match that is known. What the pattern preferred there it prefers in the match alone
    /// too, since everything it would have liked better failed with all of the text at hand.
    fn fill_groups(&self, window: &[u8], found: &mut Found) -> Option<()> {
        let compile = || pattern::compile_for(&self.text, Engine::Captures).ok();
        let regex = self.captures.get_or_init(compile).as_ref()?;
        let mut captures = regex.create_captures();
        regex.search_captures(&Input::new(window).span(found.whole.clone()).anchored(Anchored::Yes), &mut captures);
        let group = |name: &str| captures.get_group_by_name(name).map(|span| span.range());
        let mut secrets = SECRET_GROUPS.into_iter().filter_map(group);
        let first = secrets.next();
        let full = first.iter().cloned().chain(secrets).find(|range| !range.is_empty());
        found.secret = full.or(first).unwrap_or_else(|| found.whole.clone());
        found.groups = SHOWN_GROUPS.into_iter().filter_map(|name| Some((name, group(name)?))).collect();
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    #[test]
    fn groups_of_a_known_match_are_those_of_a_search() {
        let patterns = [
            r"a(?s:.{0,3}?)(?P<secret>b+)(?:c|\z)",
            r"a(?P<secret>(?:b|bc)*?)c*",
            r"a(?P<user>b*)(?P<secret>[bc]*)c?",
            r"(?:a(?P<secret>b)|a(?P<host>[bc]+))\b",
            r"a+(?P<secret>a|b|ab)(?:b|)c?$",
        ];
        let mut random = Random::new("finder", 0);
        for text in patterns {
            let stepwise = random.below(2) == 0;
            let (finder, regex) = (Finder::new(text, stepwise).unwrap(), pattern::compile(text).unwrap());
            for _ in 0..2_000 {
                let length = 1 + random.below(12);
                let hay: Vec<u8> = (0..length).map(|_| b"aabbbcc \n"[random.below(9)]).collect();
                let start = random.below(length);
                let mut captures = regex.create_captures();
                regex.search_captures(&Input::new(&hay).span(start..length).anchored(Anchored::Yes), &mut captures);
                let expected = captures.get_match().map(|m| m.range()).filter(|m| !m.is_empty());
                let found = finder.find(&hay, start, &(start..start), &mut 0);
                let found = found.and_then(|found| finder.with_groups(&hay, found, &mut 0));
                assert_eq!(found.as_ref().map(|f| f.whole.clone()), expected, "{text} on {hay:?}");
                let Some(found) = found else { continue };
                let group = |name: &str| captures.get_group_by_name(name).map(|span| span.range());
                assert_eq!(found.secret, group("secret").unwrap_or(found.whole.clone()), "{text} on {hay:?}");
                let shown: Vec<_> = ["user", "host"].iter().filter_map(|name| group(name)).collect();
                assert_eq!(found.groups.into_iter().map(|(_, range)| range).collect::<Vec<_>>(), shown);
            }
        }
    }
}
