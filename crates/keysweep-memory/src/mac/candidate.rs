//! Bytes that may be the secret of a token.

use crate::memory::Memory;
use crate::search::Context;
use crate::stretch::work;
use data_encoding::{BASE64_NOPAD, BASE64URL_NOPAD, HEXLOWER_PERMISSIVE};
use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};
use std::ops::Range;
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
/// Bytes that one thread reads at a time.
const BLOCK: u64 = 256 << 10;
/// Blocks whose candidates are tried before the next are read.
const WAVE: usize = 32;

/// What may be tried, block by block: those nearest to a place first.
pub(super) struct Candidates<'a> {
    context: &'a Context<'a>,
    near: Vec<u64>,
    blocks: Vec<Block>,
    /// Blocks whose candidates were handed out.
    done: usize,
    /// Hashes of the strings that were: each content is tried once.
    seen: HashSet<u64>,
    hasher: RandomState,
}

/// A part of the dump.
#[derive(Clone, Copy)]
struct Block {
    offset: u64,
    /// Bytes in which candidates begin.
    own: u64,
    /// Bytes to be read.
    len: u64,
}

impl<'a> Candidates<'a> {
    /// Those nearest to one of the places in `near` come first.
    pub(super) fn new(context: &'a Context<'a>, near: &[u64]) -> Self {
        let mut near = near.to_vec();
        near.sort_unstable();
        let blocks = blocks(context.memory, &near);
        Self { context, near, blocks, done: 0, seen: HashSet::new(), hasher: RandomState::new() }
    }

    /// The next ones, likeliest first; `None` if there are no more.
    pub(super) fn next(&mut self) -> Option<Vec<Candidate>> {
        let wave = &self.blocks[self.done..self.blocks.len().min(self.done + WAVE)];
        if wave.is_empty() {
            return None;
        }
        self.done += wave.len();
        let mut found = self.strings(wave);
        // Whichever thread was first: results must not depend on it.
        found.sort_unstable_by_key(|(_, candidate)| (candidate.offset, candidate.len));
        found.retain(|(content, _)| self.seen.insert(*content));
        let mut all: Vec<Candidate> = found.into_iter().map(|(_, candidate)| candidate).collect();
        all.extend(wave.iter().flat_map(|block| random(self.context, block)));
        all.sort_by_cached_key(|c| (distance(&self.near, c.offset), c.offset, c.len));
        all.dedup();
        Some(all)
    }

    /// The strings of blocks, with their hashes.
    fn strings(&self, blocks: &[Block]) -> Vec<(u64, Candidate)> {
        let parts = work(
            blocks.len(),
            self.context.jobs,
            || (Vec::new(), Zeroizing::new(Vec::new())),
            |(found, buffer), index| {
                let Block { offset, own, len } = blocks[index];
                buffer.resize(len as usize, 0);
                let read = self.context.memory.read_at(offset, buffer);
                strings(&buffer[..read], (own as usize).min(read), |at, text| {
                    let candidate = Candidate { offset: offset + at as u64, len: text.len() as u32 };
                    found.push((self.hasher.hash_one(text), candidate));
                });
            },
        );
        parts.into_iter().flat_map(|(found, _)| found).collect()
    }
}

/// The blocks of a dump, those nearest to a place first.
fn blocks(memory: &dyn Memory, near: &[u64]) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    for segment in memory.segments() {
        for from in (0..segment.len).step_by(BLOCK as usize) {
            let left = segment.len - from;
            let len = left.min(BLOCK + *STRING.end() as u64);
            blocks.push(Block { offset: segment.offset + from, own: left.min(BLOCK), len });
        }
    }
    blocks.sort_by_cached_key(|Block { offset, own, .. }| {
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

/// Random bytes that begin in a block: what structures hold, and windows of the usual sizes in random runs.
fn random<'a>(context: &'a Context<'_>, block: &Block) -> impl Iterator<Item = Candidate> + 'a {
    let own = block.offset..block.offset + block.own;
    let numbers = part(&context.survey.numbers, &own, |number| number.offset).iter().filter(|n| n.len <= 256);
    let numbers = numbers.map(|n| Candidate { offset: n.offset, len: n.len });
    let runs = part(&context.survey.runs, &own, |run| run.offset).iter().flat_map(|run| {
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

/// Those of sorted things whose offset is in a range.
fn part<'a, T>(sorted: &'a [T], range: &Range<u64>, offset: impl Fn(&T) -> u64) -> &'a [T] {
    let end = |limit: u64| sorted.partition_point(|thing| offset(thing) < limit);
    &sorted[end(range.start)..end(range.end)]
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
