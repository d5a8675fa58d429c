//! Where private keys may begin.
//!
//! A number of known length in a run of random words most often takes all of it, or begins or ends with it; else it lies at a
//! multiple of 16, 8 or 4 bytes. Places are tried in that order, as many as the dump's size allows.

use crate::noise::{Care, plausible, weight};
use crate::stretch::Piece;

/// How likely a private key is at a place: the less, the more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Tier {
    /// What a structure holds, or what stands right after its length.
    Structure,
    /// At an end of a run that is hardly longer than the key, or where a run looks most like a key amid other bytes.
    Exact,
    /// At an end of a longer run, anywhere in a short one, or where else it looks much like a key amid other bytes.
    End,
    /// At a multiple of 16 bytes in a run of some length, or at a word near the ends of a long one.
    Aligned,
    /// At another word, or at any byte around a run of the key's length.
    Word,
}

/// A place where a private key may begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Window {
    pub(super) tier: Tier,
    /// How little like random bytes the bytes are, and how much those around them are like these.
    weight: i16,
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

/// Longest run, in words, in which a key may begin anywhere with some likelihood.
const SHORT: usize = 12;
/// Longest run, in words, inside of which keys are looked for.
const MIDDLE: usize = 64;

/// Bytes on either side with which those of a key are compared.
const AROUND: usize = 8;
/// Places in a run where a key stands out most that are tried.
const LIKELY: usize = 4;

/// How little like random bytes those before and after a place are.
fn weights_around(bytes: &[u8], at: usize, len: usize) -> i64 {
    let end = at + len;
    weight(&bytes[at.saturating_sub(AROUND)..at]) + weight(&bytes[end..bytes.len().min(end + AROUND)])
}

impl Windows {
    /// The places in a piece for keys of `len` bytes, but for those that `inside` says are inside of a long number. `whole` says
    /// that the run is one number by a structure.
    pub(super) fn collect(
        &mut self,
        piece: &Piece<'_>,
        len: usize,
        address: Option<u64>,
        whole: bool,
        inside: impl Fn(u64) -> bool,
    ) {
        let words = (piece.to - piece.from) / 8;
        let (begins, ends) = (piece.stretch.begins, piece.stretch.ends);
        let edge = if 8 * words <= len + 16 { Tier::Exact } else { Tier::End };
        if whole {
            self.push(piece, piece.from, len, edge);
        } else {
            self.around(piece, len, edge);
        }
        let skew = address.unwrap_or(piece.stretch.from) & 8;
        for at in (piece.from..(piece.to + 1).saturating_sub(len)).step_by(8) {
            let place = at - piece.from;
            let near_end = (begins && place < 64) || (ends && at + len + 64 > piece.to);
            let tier = if words <= SHORT {
                Tier::End
            } else if words <= MIDDLE && (place as u64 ^ skew) & 15 != 0 {
                Tier::Word
            } else if words <= MIDDLE || near_end {
                Tier::Aligned
            } else {
                continue;
            };
            if tier == Tier::End || !inside(piece.offset + at as u64) {
                self.push(piece, at, len, tier);
            }
            if words <= SHORT && !whole {
                self.push(piece, at + 4, len, Tier::End);
            }
        }
        if begins && ends && !whole && words <= MIDDLE {
            self.likely(piece, len);
        }
        // A number alone among other bytes begins anywhere in the words around the run, which has one word more at most: it ends
        // within one, too.
        if begins && ends && !whole && (len - 16..=len + 8).contains(&(8 * words)) {
            let last = (piece.to + 8).saturating_sub(len);
            for at in (piece.from.saturating_sub(8)..=last).filter(|at| !at.abs_diff(piece.from).is_multiple_of(4)) {
                self.push(piece, at, len, Tier::Word);
            }
        }
    }

    /// Where the bytes of a run look most like random ones amid others.
    fn likely(&mut self, piece: &Piece<'_>, len: usize) {
        let from = piece.from.saturating_sub(2 * AROUND);
        let bytes = &piece.bytes[from..(piece.to + 2 * AROUND).min(piece.bytes.len())];
        let mut sums = [0; 8 * MIDDLE + 4 * AROUND + 1];
        for (at, byte) in bytes.iter().enumerate() {
            sums[at + 1] = sums[at] + weight(std::slice::from_ref(byte));
        }
        let mut best = [(i64::MAX, 0); LIKELY];
        for at in 0..(bytes.len() + 1).saturating_sub(len) {
            let (before, after) = (at.saturating_sub(AROUND), bytes.len().min(at + len + AROUND));
            let contrast = 2 * (sums[at + len] - sums[at]) - (sums[after] - sums[before]);
            if contrast < best[LIKELY - 1].0 {
                best[LIKELY - 1] = (contrast, at);
                best.sort_unstable();
            }
        }
        for (rank, (_, at)) in best.into_iter().filter(|(contrast, _)| *contrast < i64::MAX).enumerate() {
            self.push(piece, from + at, len, if rank == 0 { Tier::Exact } else { Tier::End });
        }
    }

    /// The ends of a run, and what does not begin or end with it.
    fn around(&mut self, piece: &Piece<'_>, len: usize, edge: Tier) {
        if piece.stretch.begins {
            self.begin(piece, len, edge);
        }
        if piece.stretch.ends {
            self.end(piece, len, edge);
        }
        self.after_lengths(piece, len);
    }

    fn begin(&mut self, piece: &Piece<'_>, len: usize, tier: Tier) {
        let before = piece.bytes[..piece.from].iter().rev().take(7).take_while(|b| **b != 0).count();
        let zeros = piece.bytes[piece.from..].iter().take(2).take_while(|b| **b == 0).count();
        self.push(piece, piece.from, len, tier);
        // A number may begin with half a word that does not look random on its own.
        if let Some(half) = piece.from.checked_sub(4) {
            self.push(piece, half, len, tier);
        }
        if before != 0 && before != 4 {
            self.push(piece, piece.from - before, len, tier);
        }
        if zeros != 0 {
            self.push(piece, piece.from + zeros, len, tier);
        }
    }

    fn end(&mut self, piece: &Piece<'_>, len: usize, tier: Tier) {
        let after = piece.bytes[piece.to..].iter().take(7).take_while(|b| **b != 0).count();
        for more in [0, 4, after] {
            if let Some(at) = (piece.to + more).checked_sub(len) {
                self.push(piece, at, len, tier);
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
                self.push(piece, at, len, Tier::Structure);
            }
        }
    }

    fn push(&mut self, piece: &Piece<'_>, at: usize, len: usize, tier: Tier) {
        if self.all.len() >= MAX_KEPT {
            self.best(MAX_KEPT / 3 * 2);
        }
        let care = if tier <= Tier::Exact { Care::High } else { Care::Low };
        if let Some(bytes) = piece.bytes.get(at..at + len).filter(|bytes| plausible(bytes, care)) {
            let weight = weight(bytes) - weights_around(piece.bytes, at, len) / 4;
            self.all.push(Window { tier, weight: weight as i16, offset: piece.offset + at as u64 });
        }
    }

    /// Adds a place that a structure names.
    pub(super) fn add(&mut self, offset: u64) {
        self.all.push(Window { tier: Tier::Structure, weight: 0, offset });
    }

    /// Keeps the best `count`, best first and without repetition.
    pub(super) fn best(&mut self, count: usize) {
        self.all.sort_unstable_by_key(|window| (window.offset, window.tier));
        self.all.dedup_by_key(|window| window.offset);
        self.all.sort_unstable();
        if self.all.len() > count {
            self.overflow |= self.all[count].tier <= Tier::Exact;
            self.all.truncate(count);
        }
    }

    /// The offsets of the first `count` places whose tier is not above `tier`, sorted.
    pub(super) fn offsets(&self, tier: Tier, count: usize) -> Vec<u64> {
        let good = self.all.iter().take_while(|window| window.tier <= tier).take(count);
        let mut offsets: Vec<u64> = good.map(|window| window.offset).collect();
        offsets.sort_unstable();
        offsets
    }
}

/// Places that one thread keeps, before it drops the least likely ones. More are tried in no dump of a few GiB.
const MAX_KEPT: usize = 1 << 17;

/// Places for the 521-bit number of P-521, by how it lies: most of its first or last word is zero, so that there are few.
#[derive(Debug, Default)]
pub(super) struct Windows521 {
    pub(super) big: Windows,
    pub(super) little: Windows,
    pub(super) words: Windows,
}

impl Windows521 {
    /// The places in a piece.
    pub(super) fn collect(&mut self, piece: &Piece<'_>) {
        let bytes = piece.bytes;
        let top = |at: usize| bytes.get(at).is_some_and(|byte| *byte < 2);
        for at in piece.from.saturating_sub(8)..piece.to.saturating_sub(56) {
            let word = (at + 8 - piece.from).is_multiple_of(4);
            let edge = at < piece.from + 8 || at + 66 + 8 > piece.to;
            let counted = at.checked_sub(2).is_some_and(|from| matches!(bytes[from..at], [0 | 4, 66]));
            let tier = match (counted, edge) {
                (true, _) => Tier::Structure,
                (_, true) => Tier::Exact,
                _ => Tier::End,
            };
            if top(at) && (word || edge || counted) {
                self.big.push_part(piece, at, at + 2, tier);
            }
            if !word {
                continue;
            }
            let first = bytes.get(at..at + 4).map(|b| u32::from_le_bytes(b.try_into().unwrap_or_default()));
            if first.is_some_and(|first| first < 512) {
                self.words.push_part(piece, at, at + 4, tier);
            }
            if top(at + 65) {
                self.little.push_part(piece, at, at, tier);
            }
        }
    }
}

impl Windows {
    /// Adds a place where a number begins of which the 64 bytes from `random` on are drawn at random.
    fn push_part(&mut self, piece: &Piece<'_>, at: usize, random: usize, tier: Tier) {
        if self.all.len() >= 2 * PLACES_521 {
            self.best(PLACES_521);
        }
        if let Some(bytes) = piece.bytes.get(random..random + 64).filter(|bytes| plausible(bytes, Care::High)) {
            self.all.push(Window { tier, weight: weight(bytes) as i16, offset: piece.offset + at as u64 });
        }
    }
}

/// Places of numbers of 521 bits, of each kind, that are tried.
pub(super) const PLACES_521: usize = 10_000;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::Flat;
    use crate::stretch::{stretches, visit};

    #[test]
    fn keys_amid_code_are_among_the_likely_places() {
        let (bytes, places) = crate::noise::amid_code(32, 200, 1);
        let memory = Flat::new(&bytes);
        let stretches = stretches(&crate::survey::survey(&memory, 1).runs);
        let all = visit(&memory, &stretches, 1, Windows::default, |windows: &mut Windows, piece| {
            windows.collect(piece, 32, None, false, |_| false);
        });
        let is_likely =
            |at: &&usize| all.iter().flat_map(|w| &w.all).any(|w| w.offset == **at as u64 && w.tier <= Tier::End);
        let found = places.iter().filter(is_likely).count();
        assert!(found >= 110, "{found} of 200");
    }

    #[test]
    fn of_many_places_the_likeliest_are_kept() {
        let mut windows = Windows::default();
        let bytes: Vec<u8> = crate::curve::random_numbers(45).take(3 * PLACES_521).flat_map(u64::to_le_bytes).collect();
        let stretch = crate::stretch::Stretch { from: 0, to: bytes.len() as u64, begins: true, ends: true };
        let piece = Piece { bytes: &bytes, offset: 0, from: 0, to: bytes.len(), stretch };
        let places = (0..3 * PLACES_521 - 16).map(|i| 8 * i);
        places.clone().for_each(|at| windows.push_part(&piece, at, at, Tier::End));
        windows.push_part(&piece, 4, 4, Tier::Structure);
        windows.best(PLACES_521);
        assert_eq!((windows.all.len(), windows.all[0].offset), (PLACES_521, 4));
        let weights = |at: usize| weight(&bytes[at..at + 64]);
        let mut all: Vec<i64> = places.filter(|at| plausible(&bytes[*at..*at + 64], Care::High)).map(weights).collect();
        all.sort_unstable();
        assert_eq!(windows.all[PLACES_521 - 1].weight, all[PLACES_521 - 2] as i16);
    }
}
