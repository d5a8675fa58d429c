//! Bytes that may be the secret of a token.

use crate::memory::Memory;
use crate::search::Context;
use crate::stretch::work;
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
/// Strings that are kept.
const MAX_STRINGS: usize = 2 << 20;
/// Bytes that one thread reads at a time.
const BLOCK: u64 = 256 << 10;
/// Blocks that are read before the strings are counted.
const WAVE: usize = 32;

/// What is tried, the likeliest first.
#[derive(Default)]
pub(super) struct Candidates {
    pub(super) all: Vec<Candidate>,
    /// Whether there are more.
    pub(super) overflow: bool,
}

impl Candidates {
    /// As many candidates as may be tried, each content once: those nearest to one of the places in `near`.
    pub(super) fn collect(context: &Context<'_>, near: &[u64], most: usize) -> Self {
        let mut near = near.to_vec();
        near.sort_unstable();
        let (mut all, overflow) = all_strings(context, &near, most.min(MAX_STRINGS));
        all.extend(random(context));
        all.sort_by_cached_key(|c| (distance(&near, c.offset), c.offset, c.len));
        all.dedup();
        let overflow = overflow || all.len() > most;
        all.truncate(most);
        Self { all, overflow }
    }
}

/// The strings of the blocks nearest to a place, until there are enough; and whether others are left.
fn all_strings(context: &Context<'_>, near: &[u64], most: usize) -> (Vec<Candidate>, bool) {
    let hasher = RandomState::new();
    let blocks = blocks(context.memory, near);
    let (mut seen, mut kept) = (HashSet::new(), Vec::new());
    for wave in blocks.chunks(WAVE) {
        if kept.len() >= most {
            return (kept, true);
        }
        let parts = work(
            wave.len(),
            context.jobs,
            || (Vec::new(), Zeroizing::new(Vec::new())),
            |(found, buffer), index| {
                let (offset, own, len) = wave[index];
                buffer.resize(len as usize, 0);
                let read = context.memory.read_at(offset, buffer);
                strings(&buffer[..read], (own as usize).min(read), |at, text| {
                    let candidate = Candidate { offset: offset + at as u64, len: text.len() as u32 };
                    found.push((hasher.hash_one(text), candidate));
                });
            },
        );
        let mut found: Vec<(u64, Candidate)> = parts.into_iter().flat_map(|(found, _)| found).collect();
        // Whichever thread was first: results must not depend on it.
        found.sort_unstable_by_key(|(_, candidate)| (candidate.offset, candidate.len));
        kept.extend(found.into_iter().filter(|(content, _)| seen.insert(*content)).map(|(_, candidate)| candidate));
    }
    (kept, false)
}

/// The blocks of a dump, those nearest to a place first: their offset, the bytes in which strings begin, and those to be read.
fn blocks(memory: &dyn Memory, near: &[u64]) -> Vec<(u64, u64, u64)> {
    let mut blocks: Vec<(u64, u64, u64)> = Vec::new();
    for segment in memory.segments() {
        for from in (0..segment.len).step_by(BLOCK as usize) {
            let left = segment.len - from;
            blocks.push((segment.offset + from, left.min(BLOCK), left.min(BLOCK + *STRING.end() as u64)));
        }
    }
    blocks.sort_by_cached_key(|(offset, own, _)| {
        let inside = near.partition_point(|place| place < offset) < near.partition_point(|p| *p < offset + own);
        if inside { 0 } else { distance(near, *offset).min(distance(near, offset + own)) }
    });
    blocks
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
            let zeros = bytes[at..].first_chunk() == Some(&[0; 16]);
            at += if zeros { 16 } else { 1 };
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
    MARKS[usize::from(byte)]
}

const MARKS: [bool; 256] = {
    let (mut table, marks) = ([false; 256], b" \"'`=:,;()[]{}<>&|\\");
    let mut i = 0;
    while i < marks.len() {
        table[marks[i] as usize] = true;
        i += 1;
    }
    table
};

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
