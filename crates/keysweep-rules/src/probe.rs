//! A pattern tried at one place, with what the trial cost.
//!
//! Hostile text can hold a literal thousands of times, each with a pattern behind it that reads on for kilobytes before it
//! fails. Whoever searches must be able to bound the sum, so the trial says how far it has read. That is what the ready-made
//! search of the library does not tell, and why its automaton is stepped here.

use crate::pattern::{self, PatternError};
use regex_automata::hybrid::dfa::{Cache, DFA};
use regex_automata::util::pool::Pool;
use regex_automata::{Anchored, Input, PatternID};
use std::fmt;
use std::ops::RangeInclusive;

/// An automaton that is built as it is used, with a cache for each thread.
pub(crate) struct Probe {
    dfa: DFA,
    caches: Pool<Cache, Box<dyn Fn() -> Cache + Send + Sync>>,
}

impl fmt::Debug for Probe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Probe")
    }
}

/// The automaton grew past its cache too often.
#[derive(Debug)]
pub(crate) struct GaveUp;

/// How a trial ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// Where the match ends, if there is one.
    pub(crate) end: Option<usize>,
    /// Bytes that were read.
    pub(crate) read: usize,
}

impl Probe {
    pub(crate) fn new(pattern: &str) -> Result<Self, PatternError> {
        let dfa = pattern::lazy_automaton(pattern)?;
        let maker = dfa.clone();
        let caches = Pool::new(Box::new(move || maker.create_cache()) as Box<dyn Fn() -> Cache + Send + Sync>);
        Ok(Self { dfa, caches })
    }

    /// Whether the pattern has groups that are captured.
    pub(crate) fn has_groups(&self) -> bool {
        self.dfa.get_nfa().group_info().group_len(PatternID::ZERO) > 1
    }

    /// Tries a match that begins at `start` and ends at `end` at the latest, the same one that a leftmost-first search
    /// would find.
    pub(crate) fn at(&self, text: &[u8], start: usize, end: usize) -> Result<Outcome, GaveUp> {
        self.run(&mut self.caches.get(), text, start, end)
    }

    /// As [`Probe::at`], at the first of `starts` where there is a match, with what was read at all of them.
    pub(crate) fn first(
        &self,
        text: &[u8],
        starts: RangeInclusive<usize>,
        end: usize,
    ) -> Result<(usize, Outcome), GaveUp> {
        let mut cache = self.caches.get();
        let mut read = 0;
        for start in starts {
            let outcome = self.run(&mut cache, text, start, end)?;
            read += outcome.read;
            if outcome.end.is_some() {
                return Ok((start, Outcome { read, ..outcome }));
            }
        }
        Ok((0, Outcome { end: None, read }))
    }

    fn run(&self, cache: &mut Cache, text: &[u8], start: usize, end: usize) -> Result<Outcome, GaveUp> {
        let dfa = &self.dfa;
        let input = Input::new(text).span(start..end).anchored(Anchored::Yes);
        let mut state = dfa.start_state_forward(cache, &input).map_err(|_| GaveUp)?;
        let mut found = None;
        for (read, byte) in text[start..end].iter().enumerate() {
            state = dfa.next_state(cache, state, *byte).map_err(|_| GaveUp)?;
            if state.is_tagged() {
                // The automaton sees a match one byte late.
                if state.is_match() {
                    found = Some(start + read);
                } else if state.is_dead() {
                    return Ok(Outcome { end: found, read: read + 1 });
                } else if state.is_quit() {
                    return Err(GaveUp);
                }
            }
        }
        let last = match text.get(end) {
            Some(byte) => dfa.next_state(cache, state, *byte),
            None => dfa.next_eoi_state(cache, state),
        };
        if last.map_err(|_| GaveUp)?.is_match() {
            found = Some(end);
        }
        Ok(Outcome { end: found, read: end - start })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    #[test]
    fn a_trial_reads_no_further_than_it_must() {
        let probe = Probe::new("abc[a-z]{2,4}(?:!|)").unwrap();
        let at = |text: &str| probe.at(text.as_bytes(), 0, text.len()).unwrap();
        assert_eq!(at("abXxxxxxxxxxxx"), Outcome { end: None, read: 3 });
        assert_eq!(at("abcdefgh"), Outcome { end: Some(7), read: 8 });
        assert_eq!(at("abcde! and more"), Outcome { end: Some(6), read: 8 });
        assert_eq!(at("abcd"), Outcome { end: None, read: 4 });
        assert_eq!(probe.at(b"xabcde\nx", 1, 6).unwrap(), Outcome { end: Some(6), read: 5 });
    }

    #[test]
    fn a_trial_finds_what_the_library_finds() {
        let patterns = [
            r"a[ab]{2,5}",
            r"(?:ab|a)(?:c|bcd|)",
            r"a\b.{0,3}",
            r"a+?b",
            r"a(?s:.{0,4}?)b",
            r"ab$",
            r"a[^b]*b?",
            r"a.{2}\z",
            r"(?i:AB)c",
            r"a(?:b|$)",
            r"a(?:c\B|b\b)",
        ];
        let mut random = Random::new("probe", 0);
        for text in patterns {
            let (probe, regex) = (Probe::new(text).unwrap(), pattern::compile(text).unwrap());
            for _ in 0..2_000 {
                let length = random.below(14);
                let hay: Vec<u8> = (0..length).map(|_| b"aabbcd \nA"[random.below(9)]).collect();
                let start = random.below(length + 1);
                let end = start + random.below(length - start + 1);
                let input = Input::new(&hay).span(start..end).anchored(Anchored::Yes);
                let expected = regex.search(&input).map(|m| m.end());
                let outcome = probe.at(&hay, start, end).unwrap();
                assert_eq!(outcome.end, expected, "{text} on {:?} {start}..{end}", String::from_utf8_lossy(&hay));
                assert!(outcome.read <= end - start);
            }
        }
    }
}
