//! Damaged numbers of structures, or runs as long as numbers, near each other: which of them is which number of a key is told by what
//! fits together.

use super::multiple::Exponent;
use super::noisy::Noisy;
use super::places::damage;
use super::reading::Reading;
use super::solve::{Guess, Numbers, Target};
use super::{Budget, Wanted};
use crate::found::Place;
use crate::memory::sweep;
use crate::order::Order;
use crate::rsa::finder::Search;
use crate::rsa::natural::Natural;
use crate::search::{Context, Effort};
use crate::survey::looks_random;
use std::collections::{BTreeMap, BTreeSet};
use zeroize::Zeroizing;

/// A place that may hold a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Piece {
    offset: u64,
    len: u32,
    big: bool,
}

/// The numbers that lie in memory the same way, by offset: those as long as a modulus, and those as long as a prime.
struct Pieces {
    whole: Vec<Piece>,
    halves: Vec<Piece>,
}

/// Bytes between numbers of one key.
const NEAR: u64 = 64 << 10;
/// Numbers as long as a prime that are tried with a private exponent, and without one.
const MAX_HALVES: usize = 12;
/// Chunks of memory of the size of a number that are looked at of a thread.
const MAX_CHUNKS: usize = 100_000;
/// Bits of a prime by which it is told which number is which, and candidates for that.
const PROBE_BITS: u32 = 128;
const PROBE_WIDTH: usize = 64;

impl Search<'_> {
    /// Numbers that structures hold.
    pub(super) fn damaged_numbers(&mut self, wanted: &[Wanted], budget: &mut Budget) {
        // Moduli of one size, of which there may be a hundred, are looked for in the same pieces.
        let mut all: BTreeMap<u32, [Pieces; 2]> = BTreeMap::new();
        for wanted in wanted {
            let (context, bits) = (self.context, wanted.n.bits());
            if self.has(&wanted.n) {
                continue;
            }
            for pieces in all.entry(bits).or_insert_with(|| Pieces::new(context, bits)).iter() {
                if !self.has(&wanted.n) {
                    self.group(wanted, pieces, budget);
                }
            }
        }
    }

    fn group(&mut self, wanted: &Wanted, pieces: &Pieces, budget: &mut Budget) {
        let with_primes: Vec<&Piece> = pieces.whole.iter().filter(|d| pieces.near(d.offset).len() >= 2).collect();
        let target = Target { n: &wanted.n, e: wanted.e, counts: None };
        for piece in with_primes {
            let Some(d) = piece.read(self.context) else { continue };
            // The modulus itself, or something like it, is no exponent.
            if 3 * d.wrong(wanted.n.limbs()) < d.known_bits() {
                continue;
            }
            let exponent = budget.exponent(&target, &d);
            let Some(exponent) = exponent else { continue };
            let halves: Vec<(Piece, Noisy)> = pieces
                .near(piece.offset)
                .iter()
                .filter_map(|piece| Some((*piece, piece.read(self.context)?)))
                .collect();
            let base = Numbers { d: Some(d), ..Numbers::default() };
            let guesses = assignments(&target, &base, exponent, &halves, &mut budget.surely);
            let guesses = guesses.into_iter().map(|numbers| Guess { numbers, exponent: Some(exponent) }).collect();
            if let Some((_, solved)) = self.rebuild(&target, guesses, budget) {
                let pieces = halves.iter().map(|(piece, _)| *piece).chain([*piece]);
                self.learn_decayed(wanted, &solved, |context, secrets| {
                    pieces.clone().filter_map(|piece| piece.place(context, secrets)).collect()
                });
                return;
            }
        }
    }
}

/// What the numbers may be, the likeliest first.
fn assignments(
    target: &Target<'_>,
    base: &Numbers,
    exponent: Exponent,
    halves: &[(Piece, Noisy)],
    effort: &mut u64,
) -> Vec<Numbers> {
    let number = |index: usize| halves.get(index).map(|(_, number)| number.clone());
    let mut all: Vec<Numbers> = Vec::new();
    // What fits best, one number after the other.
    let mut best = base.clone();
    let mut used = BTreeSet::new();
    type Set = fn(&mut Numbers, Noisy);
    let set: [Set; 4] = [|n, x| n.p = Some(x), |n, x| n.q = Some(x), |n, x| n.dp = Some(x), |n, x| n.dq = Some(x)];
    for set in set {
        let with = |index: &usize| {
            let mut numbers = best.clone();
            set(&mut numbers, number(*index)?);
            Some(numbers)
        };
        let rest = (0..halves.len()).filter(|index| !used.contains(index));
        let fits = rest.filter_map(|index| {
            let loss = super::solve::probe(target, &with(&index)?, exponent, (PROBE_BITS, PROBE_WIDTH), effort)?;
            Some((loss, index))
        });
        let Some((_, index)) = fits.min() else { continue };
        best = with(&index).unwrap_or(best.clone());
        used.insert(index);
    }
    if !used.is_empty() {
        all.push(best);
    }
    // In the order in which they lie: that of PKCS #1, in which they are read and computed.
    for first in 0..halves.len() {
        let [p, q, dp, dq] = std::array::from_fn(|i| number(first + i));
        if q.is_some() {
            all.push(Numbers { p, q, dp, dq, d: base.d.clone() });
        }
    }
    all
}

impl Pieces {
    /// Those for moduli of a size, little-endian and then big-endian.
    fn new(context: &Context<'_>, bits: u32) -> [Self; 2] {
        let mut unnamed = Vec::new();
        if context.effort == Effort::Given {
            let runs = context.survey.runs.iter().filter(|run| run.words <= u64::from(bits) / 64);
            unnamed.extend(runs.map(|run| (run.offset, 8 * run.words as u32)));
            unnamed.extend(chunks(context, &[bits, bits.div_ceil(2)].map(|bits| bits.div_ceil(64) * 8)));
        }
        [false, true].map(|big| Self::of_order(context, bits, big, &unnamed))
    }

    /// Numbers of structures in this order, and the places and lengths of others.
    fn of_order(context: &Context<'_>, bits: u32, big: bool, unnamed: &[(u64, u32)]) -> Self {
        let sized = |len: u64, bits: u32| match big {
            true => (bits.div_ceil(8) - 2..=bits.div_ceil(8) + 1).contains(&(len as u32)),
            false => (bits.div_ceil(64) * 8 - 8..=bits.div_ceil(64) * 8).contains(&(len as u32)),
        };
        let order = if big { Order::Big } else { Order::Little };
        let numbers = context.survey.numbers.iter().filter(|number| number.order == order);
        let places = numbers.map(|number| (number.offset, number.len)).chain(unnamed.iter().copied());
        let mut all: Vec<Piece> = places.map(|(offset, len)| Piece { offset, len, big }).collect();
        all.sort_unstable();
        all.dedup();
        let of = |bits: u32| all.iter().filter(|piece| sized(piece.len.into(), bits)).copied().collect();
        Self { whole: of(bits), halves: of(bits.div_ceil(2)) }
    }

    /// The numbers as long as a prime that lie nearest to an offset, in the order in which they lie.
    fn near(&self, offset: u64) -> &[Piece] {
        let from = self.halves.partition_point(|piece| piece.offset + NEAR < offset);
        let to = self.halves.partition_point(|piece| piece.offset <= offset + NEAR);
        let (mut from, mut to) = (from, to.max(from));
        while to - from > MAX_HALVES {
            let (first, last) = (self.halves[from].offset, self.halves[to - 1].offset);
            if first.abs_diff(offset) > last.abs_diff(offset) { from += 1 } else { to -= 1 }
        }
        &self.halves[from..to]
    }
}

/// What glibc's `malloc` gave for numbers of these lengths in bytes and for up to a limb more, by the headers (`malloc_chunk` in
/// `malloc.c`), with the lengths; if enough of it looks like a number. In these, any part of a number may be lost.
fn chunks(context: &Context<'_>, lens: &[u32]) -> Vec<(u64, u32)> {
    let size = |len: u32| u64::from((len + 8).next_multiple_of(16));
    let parts = sweep(context.memory, context.jobs, Vec::new, |found: &mut Vec<(u64, u32)>, chunk| {
        let words = chunk.bytes[chunk.own.clone()].as_chunks::<8>().0;
        for (word, offset) in words.iter().zip((chunk.offset + chunk.own.start as u64..).step_by(8)) {
            let word = u64::from_le_bytes(*word);
            let of_size = |len: &&u32| [size(**len), size(**len + 8)].contains(&(word & !7));
            if word < 1 << 16 && found.len() < MAX_CHUNKS {
                found.extend(lens.iter().filter(of_size).map(|len| (offset + 8, *len)));
            }
        }
    });
    let likely = |(offset, len): &(u64, u32)| {
        let (reading, _) = Reading::around(context.memory, *offset, 0, *len as usize);
        let there: Vec<u8> =
            reading.bytes.iter().zip(&reading.there).filter(|(_, there)| **there).map(|(b, _)| *b).collect();
        there.len() >= *len as usize / 3 && looks_random(&Zeroizing::new(there))
    };
    let mut chunks: Vec<(u64, u32)> = parts.into_iter().flatten().filter(likely).collect();
    chunks.sort_unstable();
    chunks
}

impl Piece {
    fn read(&self, context: &Context<'_>) -> Option<Noisy> {
        let (reading, _) = Reading::around(context.memory, self.offset, 0, self.len as usize);
        if self.big { reading.big_endian(0..self.len as usize) } else { reading.little_endian(0..self.len as usize) }
    }

    /// Where it lies, if it is one of a key's numbers.
    fn place(&self, context: &Context<'_>, secrets: &[(String, Natural)]) -> Option<Place> {
        let number = self.read(context)?;
        let right = secrets.iter().map(|(name, right)| (number.wrong(right.limbs()), name));
        let (wrong, name) = right.min()?;
        let known = number.known_bits();
        if known == 0 || 3 * wrong > known {
            return None;
        }
        let lost = (8 * self.len - known.min(8 * self.len)) as usize / 8;
        let order = if self.big { Order::Big } else { Order::Little };
        let what = format!("{name} as {}{}", order.name(), damage(wrong, lost));
        Some(Place { offset: self.offset, len: self.len.into(), what })
    }
}
