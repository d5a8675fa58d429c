//! Bytes that may be the secret of a token.

use crate::memory::sweep;
use crate::search::{Context, Outcome};
use data_encoding::{BASE64_NOPAD, BASE64URL_NOPAD, HEXLOWER_PERMISSIVE};
use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};
use zeroize::Zeroizing;

/// A stretch of the dump.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Candidate {
    pub(super) offset: u64,
    pub(super) len: u32,
}

/// How the bytes are read as a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reading {
    AsIs,
    Base64,
    Hex,
}

impl Reading {
    /// What to add to the description of a place.
    pub(super) fn suffix(self) -> &'static str {
        match self {
            Reading::AsIs => "",
            Reading::Base64 => " in Base64",
            Reading::Hex => " in hex",
        }
    }
}

/// Shortest and longest string that is tried, in bytes.
const STRING: std::ops::RangeInclusive<usize> = 4..=512;
/// Sizes of random secrets, in bytes: what libraries and documentation recommend.
const SIZES: [u64; 8] = [16, 20, 24, 32, 48, 64, 128, 256];
/// In random runs up to this many bytes every word may begin a secret.
const SHORT_RUN: u64 = 512;
/// Strings kept by one thread.
const MAX_STRINGS: usize = 1 << 20;

/// All candidates, each content once, those near one of the places in `near` (sorted or not) first.
pub(super) fn collect(context: &Context<'_>, near: &[u64], outcome: &mut Outcome) -> Vec<Candidate> {
    let hasher = RandomState::new();
    let parts = sweep(
        context.memory,
        context.jobs,
        || (Vec::new(), HashSet::new(), false),
        |state, chunk| {
            let (kept, seen, overflow): &mut (Vec<(u64, Candidate)>, HashSet<u64>, bool) = state;
            strings(&chunk.bytes[chunk.own.start..], chunk.own.len(), |at, text| {
                let content = hasher.hash_one(text);
                if kept.len() >= MAX_STRINGS {
                    *overflow = true;
                } else if seen.insert(content) {
                    let offset = chunk.offset + (chunk.own.start + at) as u64;
                    kept.push((content, Candidate { offset, len: text.len() as u32 }));
                }
            });
        },
    );
    let mut seen = HashSet::new();
    let mut candidates = Vec::new();
    for (kept, _, overflow) in parts {
        if overflow {
            outcome.limits.push("more strings than are tried as the secret of a JSON Web Token");
        }
        candidates.extend(kept.into_iter().filter(|(content, _)| seen.insert(*content)).map(|(_, c)| c));
    }
    candidates.extend(random(context));
    let mut near = near.to_vec();
    near.sort_unstable();
    candidates.sort_by_cached_key(|c| (distance(&near, c.offset), c.offset, c.len));
    candidates.dedup();
    candidates
}

/// Distance to the nearest of the sorted places.
fn distance(places: &[u64], offset: u64) -> u64 {
    let after = places.partition_point(|p| *p < offset);
    let around = &places[after.saturating_sub(1)..(after + 1).min(places.len())];
    around.iter().map(|p| p.abs_diff(offset)).min().unwrap_or(u64::MAX)
}

/// Random bytes: what structures hold, and windows of the usual sizes in random runs.
fn random<'a>(context: &'a Context<'_>) -> impl Iterator<Item = Candidate> + 'a {
    let numbers = context.survey.numbers.iter().filter(|n| n.len <= 256);
    let numbers = numbers.map(|n| Candidate { offset: n.offset, len: n.len });
    let runs = context.survey.runs.iter().flat_map(|run| {
        let bytes = 8 * run.words;
        let starts = if bytes <= SHORT_RUN { bytes } else { 8 };
        (0..starts).step_by(8).flat_map(move |from| {
            // The last word of a secret whose length is no multiple of 8 is padded, and the run ends before it.
            let sizes = SIZES.into_iter().filter(move |size| from + size <= bytes + 4);
            sizes.map(move |size| Candidate { offset: run.offset + from, len: size as u32 })
        })
    });
    numbers.chain(runs)
}

/// Calls `found` with the strings that begin in the first `own` bytes: whole runs of printable characters, and the parts
/// between the marks that set off a value in configuration, code and environment.
fn strings(bytes: &[u8], own: usize, mut found: impl FnMut(usize, &[u8])) {
    let mut at = 0;
    while at < own {
        if !is_printable(bytes[at]) {
            at += 1;
            continue;
        }
        let len = bytes[at..].iter().take_while(|b| is_printable(**b)).count();
        let text = &bytes[at..at + len];
        if STRING.contains(&len) {
            found(at, text);
        }
        values(text, |from, value| found(at + from, value));
        at += len;
    }
}

fn values(text: &[u8], mut found: impl FnMut(usize, &[u8])) {
    let mut from = 0;
    while from < text.len() {
        let mut len = text[from..].iter().take_while(|b| !is_mark(**b)).count();
        // The padding of Base64 belongs to the value.
        len += text[from + len..].iter().take_while(|b| **b == b'=').take(2).count() * usize::from(len % 4 > 1);
        if len < text.len() && STRING.contains(&len) {
            found(from, &text[from..from + len]);
        }
        from += len.max(1);
    }
}

fn is_printable(byte: u8) -> bool {
    (0x20..0x7f).contains(&byte)
}

fn is_mark(byte: u8) -> bool {
    b" \"'`=:,;()[]{}<>&|\\".contains(&byte)
}

impl Candidate {
    /// The secrets that the bytes may stand for.
    pub(super) fn readings(&self, memory: &[u8]) -> Vec<(Reading, Zeroizing<Vec<u8>>)> {
        let mut readings = vec![(Reading::AsIs, Zeroizing::new(memory.to_vec()))];
        let text = memory.trim_ascii_end();
        if text.len() < 16 || !text.is_ascii() {
            return readings;
        }
        let unpadded = &text[..text.len() - text.iter().rev().take_while(|b| **b == b'=').take(2).count()];
        let base64 = BASE64_NOPAD.decode(unpadded).or_else(|_| BASE64URL_NOPAD.decode(unpadded));
        readings.extend(base64.ok().map(|bytes| (Reading::Base64, Zeroizing::new(bytes))));
        let hex = HEXLOWER_PERMISSIVE.decode(text);
        readings.extend(hex.ok().map(|bytes| (Reading::Hex, Zeroizing::new(bytes))));
        readings
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_cut_as_configuration_sets_values_off() {
        let mut seen = Vec::new();
        let bytes = b"\0\0SECRET=abc+/d12e3==\0{\"key\": \"v-a_l.u/e\"}\x01abc\0";
        strings(bytes, bytes.len(), |at, text| seen.push((at, String::from_utf8(text.to_vec()).unwrap())));
        for (at, text) in [(2, "SECRET=abc+/d12e3=="), (9, "abc+/d12e3=="), (31, "v-a_l.u/e")] {
            assert!(seen.contains(&(at, text.to_owned())), "{seen:?}");
        }
        assert!(!seen.iter().any(|(_, text)| text == "abc"), "too short");
    }

    #[test]
    fn text_may_stand_for_bytes() {
        let readings = |text: &str| {
            let candidate = Candidate { offset: 0, len: text.len() as u32 };
            candidate.readings(text.as_bytes()).into_iter().map(|r| (r.0, r.1.len())).collect::<Vec<_>>()
        };
        assert_eq!(readings("c2VjcmV0c2VjcmV0c2Vj"), [(Reading::AsIs, 20), (Reading::Base64, 15)]);
        assert_eq!(readings("00112233445566778899"), [(Reading::AsIs, 20), (Reading::Base64, 15), (Reading::Hex, 10)]);
        assert_eq!(readings("short"), [(Reading::AsIs, 5)]);
    }
}
