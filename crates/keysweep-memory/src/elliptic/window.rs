//! Where private keys may begin.
//!
//! A number of known length in a run of random words most often takes all of it, or begins or ends with it; else it lies at a
//! multiple of 16, 8 or 4 bytes. Places are tried in that order, as many as the dump's size allows.

use crate::noise::{Care, plausible};
use crate::stretch::Piece;

/// How likely a private key is at a place: the less, the more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Tier {
    /// Right after a length, or at an end of a short run.
    Likely,
    /// At an end of a longer run, or anywhere at a word in a short one.
    End,
    /// At a multiple of 16 bytes in a run of some length, or at a word near the ends of a long one.
    Aligned,
    /// At another word.
    Word,
    /// At half a word.
    Half,
}

/// A place where a private key may begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Window {
    pub(super) tier: Tier,
    /// Offset in the file.
    pub(super) offset: u64,
}

/// Places for private keys of one length.
#[derive(Debug, Default)]
pub(super) struct Windows {
    pub(super) all: Vec<Window>,
    /// Whether places were left out because there are too many.
    pub(super) overflow: bool,
}

/// Longest run, in words, at each word of which a key may begin with some likelihood.
const SHORT: usize = 12;
/// Longest run, in words, inside of which keys are looked for.
const MIDDLE: usize = 64;

impl Windows {
    /// The places in a piece for keys of `len` bytes. `limit` bounds those of the last two tiers.
    pub(super) fn collect(&mut self, piece: &Piece<'_>, len: usize, address: Option<u64>, limit: usize) {
        let words = (piece.to - piece.from) / 8;
        let (begins, ends) = (piece.stretch.begins, piece.stretch.ends);
        let edge = if words <= SHORT { Tier::Likely } else { Tier::End };
        if begins {
            self.begin(piece, len, edge);
        }
        if ends {
            self.end(piece, len, edge);
        }
        self.after_lengths(piece, len);
        // A number may begin or end with half a word that does not look random on its own.
        let last = (piece.to + 4).saturating_sub(len);
        let skew = address.unwrap_or(piece.stretch.from) & 8;
        let mut at = piece.from;
        while at <= last {
            let place = at - piece.from;
            let near_end = (begins && place < 64) || (ends && at + len + 64 > piece.to);
            let tier = match place % 8 {
                0 if words <= SHORT => Tier::End,
                0 if words <= MIDDLE && (place as u64 ^ skew) & 15 == 0 => Tier::Aligned,
                0 if words <= MIDDLE => Tier::Word,
                0 if near_end => Tier::Aligned,
                _ if words <= MIDDLE => Tier::Half,
                _ => {
                    at += if near_end { 4 } else { 8 };
                    continue;
                }
            };
            if place % 8 == 4 || at + len <= piece.to {
                self.push(piece, at, len, tier, limit);
            }
            at += 4;
        }
    }

    fn begin(&mut self, piece: &Piece<'_>, len: usize, tier: Tier) {
        let before = piece.bytes[..piece.from].iter().rev().take(7).take_while(|b| **b != 0).count();
        let zeros = piece.bytes[piece.from..].iter().take(2).take_while(|b| **b == 0).count();
        self.push(piece, piece.from, len, tier, usize::MAX);
        if let Some(half) = piece.from.checked_sub(4) {
            self.push(piece, half, len, tier, usize::MAX);
        }
        if before != 0 && before != 4 {
            self.push(piece, piece.from - before, len, tier, usize::MAX);
        }
        if zeros != 0 {
            self.push(piece, piece.from + zeros, len, tier, usize::MAX);
        }
    }

    fn end(&mut self, piece: &Piece<'_>, len: usize, tier: Tier) {
        let after = piece.bytes[piece.to..].iter().take(7).take_while(|b| **b != 0).count();
        for more in [0, 4, after] {
            if let Some(at) = (piece.to + more).checked_sub(len) {
                self.push(piece, at, len, tier, usize::MAX);
            }
        }
    }

    /// After the header of an octet string, or a length that is a big-endian number.
    fn after_lengths(&mut self, piece: &Piece<'_>, len: usize) {
        let Ok(byte) = u8::try_from(len) else { return };
        let from = piece.from.saturating_sub(8);
        for found in memchr::memchr_iter(byte, &piece.bytes[from..piece.to]) {
            let at = from + found + 1;
            if at >= 2 && matches!(piece.bytes[at - 2], 0 | 4) {
                self.push(piece, at, len, Tier::Likely, usize::MAX);
            }
        }
    }

    fn push(&mut self, piece: &Piece<'_>, at: usize, len: usize, tier: Tier, limit: usize) {
        if self.all.len() >= limit.min(MAX_KEPT) {
            self.overflow |= tier <= Tier::Aligned;
            return;
        }
        let care = if tier <= Tier::End { Care::High } else { Care::Low };
        if piece.bytes.get(at..at + len).is_some_and(|bytes| plausible(bytes, care)) {
            self.all.push(Window { tier, offset: piece.offset + at as u64 });
        }
    }

    /// Adds a place that a structure names.
    pub(super) fn add(&mut self, offset: u64) {
        self.all.push(Window { tier: Tier::Likely, offset });
    }

    /// Keeps the best `count`, sorted by offset and without repetition.
    pub(super) fn best(&mut self, count: usize) {
        self.all.sort_unstable_by_key(|window| (window.offset, window.tier));
        self.all.dedup_by_key(|window| window.offset);
        if self.all.len() > count {
            self.all.sort_unstable();
            self.overflow |= self.all[count].tier <= Tier::Aligned;
            self.all.truncate(count);
            self.all.sort_unstable_by_key(|window| window.offset);
        }
    }
}

/// Places that one thread keeps.
const MAX_KEPT: usize = 1 << 21;

/// Calls `found` for the places in a piece where the 521-bit number of P-521 may begin: most of its first or last word is zero,
/// so that there are few.
pub(super) fn each_521(piece: &Piece<'_>, mut found: impl FnMut(Number521, usize)) {
    let bytes = piece.bytes;
    let random = |from: usize| bytes.get(from..from + 64).is_some_and(|inner| plausible(inner, Care::High));
    let pair = |at: usize| Some([*bytes.get(at)?, *bytes.get(at + 1)?]);
    for at in piece.from.saturating_sub(8)..piece.to.saturating_sub(56) {
        if matches!(pair(at), Some([0, 0 | 1])) && random(at + 2) {
            found(Number521::Big, at);
        }
        let word = (at + 4).checked_sub(piece.from).is_some_and(|place| place % 4 == 0);
        if !word {
            continue;
        }
        let top = bytes.get(at..at + 4).map(|b| u32::from_le_bytes(b.try_into().unwrap_or_default()));
        if top.is_some_and(|top| top < 512) && random(at + 4) {
            found(Number521::Words, at);
        }
        if matches!(pair(at + 64), Some([_, 0 | 1])) && random(at) {
            found(Number521::Little, at);
        }
    }
}

/// How a number of 521 bits lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Number521 {
    Big,
    Little,
    Words,
}
