//! Bytes of damaged memory, and which of them are lost.

use super::noisy::{Counts, Noisy};
use crate::memory::Memory;
use std::ops::Range;
use zeroize::Zeroizing;

/// Bytes that should follow each other in memory.
#[derive(Clone)]
pub(super) struct Reading {
    /// Offset in the file of the first.
    pub(super) offset: u64,
    pub(super) bytes: Zeroizing<Vec<u8>>,
    /// Which of them are there, be they right or wrong.
    pub(super) there: Vec<bool>,
}

const PAGE: u64 = 4096;
/// Equal bytes in a row that are no part of a random number: there are as many once in four thousand million places.
const REPEATED: usize = 5;
/// Printable characters in a row that are text. Random bytes have as many once in 20,000 places.
const TEXT: usize = 10;

impl Reading {
    /// Reads `len` bytes, of which up to `before` lie before a file offset: by their addresses if these are known, since a page that
    /// the dump lacks is lost, and what follows in the file belongs elsewhere. With the index of the byte at the offset.
    pub(super) fn around(memory: &dyn Memory, at: u64, before: usize, len: usize) -> (Self, usize) {
        let address = memory.address_of(at);
        let before = before.min(usize::try_from(at.min(address.unwrap_or(u64::MAX))).unwrap_or(before));
        let bytes = Zeroizing::new(vec![0; len]);
        let mut reading = Self { offset: at - before as u64, bytes, there: vec![false; len] };
        match address {
            Some(address) => reading.read_by_address(memory, address - before as u64),
            None => {
                let read = memory.read_at(reading.offset, &mut reading.bytes);
                reading.there[..read].fill(true);
            }
        }
        reading.mark_lost();
        (reading, before)
    }

    fn read_by_address(&mut self, memory: &dyn Memory, address: u64) {
        let mut at = 0;
        while at < self.bytes.len() {
            let address = address.saturating_add(at as u64);
            let page = (PAGE - address % PAGE) as usize;
            let end = self.bytes.len().min(at + page);
            if let Some((offset, there)) = memory.locate(address) {
                let end = end.min(at + usize::try_from(there).unwrap_or(usize::MAX / 2));
                let read = memory.read_at(offset, &mut self.bytes[at..end]);
                self.there[at..at + read].fill(true);
            }
            at = end;
        }
    }

    /// Marks what no part of a random number looks like: bytes that repeat, text, and words that are addresses.
    fn mark_lost(&mut self) {
        let bytes = &self.bytes;
        let mut lost: Vec<Range<usize>> = Vec::new();
        let mut rows = |same: &dyn Fn(usize) -> bool, least: usize| {
            let mut from = 0;
            for at in 1..=bytes.len() {
                if at == bytes.len() || !same(at) {
                    lost.extend((at - from >= least).then_some(from..at));
                    from = at;
                }
            }
        };
        rows(&|at| bytes[at] == bytes[at - 1], REPEATED);
        let is_text = |at: usize| (0x20..0x7f).contains(&bytes[at]);
        rows(&|at| is_text(at) && is_text(at - 1), TEXT);
        let first = (self.offset.wrapping_neg() % 8) as usize;
        let words = (first..bytes.len().saturating_sub(7)).step_by(8);
        let is_address = |at: &usize| matches!(bytes[at + 6..at + 8], [0, 0] | [0xff, 0xff]);
        lost.extend(words.filter(is_address).map(|at| at..at + 8));
        for range in lost {
            self.there[range].fill(false);
        }
    }

    /// The number in a range of these bytes, the most significant of which is the first.
    pub(super) fn big_endian(&self, range: Range<usize>) -> Option<Noisy> {
        let bytes: Zeroizing<Vec<u8>> = Zeroizing::new(self.bytes.get(range.clone())?.iter().rev().copied().collect());
        let there: Vec<bool> = self.there.get(range)?.iter().rev().copied().collect();
        Some(Noisy::from_le(&bytes, &there))
    }

    /// The number in a range of these bytes, the least significant of which is the first.
    pub(super) fn little_endian(&self, range: Range<usize>) -> Option<Noisy> {
        Some(Noisy::from_le(self.bytes.get(range.clone())?, self.there.get(range)?))
    }

    /// How many bits of `expected` are not those at an index, and how many are there.
    pub(super) fn distance(&self, at: usize, expected: &[u8]) -> (u32, u32) {
        let pairs = self.bytes.iter().zip(&self.there).skip(at).zip(expected);
        let there = pairs.filter(|((_, there), _)| **there);
        there.fold((0, 0), |(wrong, all), ((byte, _), expected)| (wrong + (byte ^ expected).count_ones(), all + 8))
    }

    /// What of bytes that should be `expected` is wrong, but for words in which something else lies.
    pub(super) fn counts(&self, at: usize, expected: &[u8]) -> Counts {
        let mut counts = Counts::default();
        for (index, expected) in expected.chunks(8).enumerate() {
            let word = |bytes: &[u8]| bytes.iter().fold(0, |word, byte| word << 8 | u64::from(*byte));
            let range = at + 8 * index..at + 8 * index + expected.len();
            let (Some(bytes), Some(there)) = (self.bytes.get(range.clone()), self.there.get(range)) else { break };
            let known = there.iter().fold(0, |mask, there| mask << 8 | if *there { 0xff } else { 0 });
            counts.add(word(bytes), known, word(expected));
        }
        counts
    }
}
