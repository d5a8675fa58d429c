//! The traces that public keys leave in memory, and a search for those of many guessed private keys at once.

use super::evidence::{DIGITS52, DIGITS58, big_limbs};
use crate::curve::Group;
use crate::memory::Memory;
use crate::order::{Order, PYTHON};
use crate::stretch::{Piece, Stretch, visit};
use keysweep_keys::Curve;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A coordinate of a public key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Coordinate {
    /// `x` on a Weierstrass curve.
    X,
    /// `y` on an Edwards curve: Ed25519, Ed448.
    Edwards,
    /// `u` on a Montgomery curve: X25519, X448.
    Montgomery,
    /// None, but the second half of the hash of Ed25519's seed, which libraries keep as they keep the public key.
    Prefix,
}

/// How a coordinate lies in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Form {
    /// As a number.
    Plain(Order),
    /// In Montgomery form, as little-endian limbs: OpenSSL, BoringSSL, Go, ring.
    Montgomery,
    /// The same, times a power of a third coordinate ([`super::projective`]).
    Projective,
}

impl Form {
    /// For reports.
    pub(super) fn name(self) -> &'static str {
        match self {
            Form::Plain(DIGITS52) => "52-bit digits",
            Form::Plain(DIGITS58) => "58-bit digits",
            Form::Plain(order) => order.name(),
            Form::Montgomery => "Montgomery limbs",
            Form::Projective => "projective Montgomery limbs",
        }
    }

    /// The forms that coordinates of a group have.
    pub(super) fn of(group: Group) -> &'static [Form] {
        use Form::{Montgomery, Plain};
        const COMMON: [Form; 5] =
            [Plain(Order::Big), Plain(Order::Little), Montgomery, Plain(Order::BigWords32), Plain(PYTHON)];
        match group {
            Group::Ec(Curve::Secp256k1) => {
                const { &[COMMON[0], COMMON[1], COMMON[2], COMMON[3], COMMON[4], Plain(DIGITS52)] }
            }
            Group::Ec(Curve::P521) => {
                const { &[COMMON[0], COMMON[1], COMMON[2], COMMON[3], COMMON[4], Plain(DIGITS58)] }
            }
            Group::Ec(_) => &COMMON,
            Group::Curve25519 | Group::Edwards448 => {
                const { &[Plain(Order::Big), Plain(Order::Little), Plain(Order::BigWords32)] }
            }
        }
    }

    /// Where a coordinate's key lies in its bytes: of what begins with its least significant part at the start, else at the end.
    /// The end does not move if leading zeros are left out.
    fn key_at(self, len: usize) -> usize {
        match self {
            Form::Plain(Order::Big | Order::BigWords32 | Order::BigWords64) => len.saturating_sub(8),
            Form::Plain(_) | Form::Montgomery | Form::Projective => 0,
        }
    }

    /// The bytes of a coordinate in memory.
    pub(super) fn encode(self, group: Group, coordinate: &[u64]) -> Vec<u8> {
        let mut limbs = coordinate.to_vec();
        if self == Form::Montgomery {
            group.montgomery_coordinate(&mut limbs);
        }
        let big: Vec<u8> = limbs.iter().rev().flat_map(|limb| limb.to_be_bytes()).collect();
        let mut bytes = match self {
            Form::Montgomery => Order::Little.encode(&big).to_vec(),
            // What it was multiplied by is not known.
            Form::Projective => return Vec::new(),
            Form::Plain(order) => order.encode(&big).to_vec(),
        };
        // Little-endian byte strings are not longer than the coordinate, limbs only by zeros.
        if matches!(self, Form::Plain(Order::Little)) {
            bytes.truncate(group.bytes());
        }
        bytes
    }
}

/// The eight bytes by which a trace is looked for: the 64 least significant bits of a coordinate, as they lie in memory. `value`
/// and `montgomery` are the lowest limbs of the coordinate and of its Montgomery form.
fn key(form: Form, value: &[u64], montgomery: u64) -> Option<u64> {
    let low = *value.first()?;
    Some(match form {
        Form::Montgomery => montgomery,
        Form::Projective => return None,
        Form::Plain(Order::Little) => low,
        Form::Plain(Order::Big) => low.swap_bytes(),
        Form::Plain(Order::BigWords32) => low.rotate_left(32),
        Form::Plain(Order::BigWords64) => low,
        Form::Plain(Order::Digits { bits, bytes: 8 }) => low & ((1 << bits) - 1),
        Form::Plain(Order::Digits { bits, .. }) => {
            let digit = low & ((1 << bits) - 1);
            digit | (low >> bits & ((1 << bits) - 1)) << 32
        }
    })
}

/// Keys of traces, each with the guess it belongs to: 40 bits of a hash, and the guess. The filter goes by other bits of the key,
/// so that of billions of words few are held for one that is not.
pub(super) struct Traces {
    keys: Vec<u64>,
    filter: Arc<Filter>,
}

/// Bits of a guess.
pub(super) const GUESS_BITS: u32 = 24;

fn hash(word: u64) -> u64 {
    word.wrapping_mul(0xc2b2_ae3d_27d4_eb4f) >> GUESS_BITS
}

/// Where the key of a trace lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Hit {
    pub(super) guess: u32,
    pub(super) offset: u64,
}

impl Traces {
    /// No traces, of those that are in a filter.
    pub(super) fn new(filter: Arc<Filter>) -> Self {
        Self { keys: Vec::new(), filter }
    }

    /// Adds the traces of a coordinate.
    pub(super) fn add(&mut self, guess: u32, forms: &[Form], value: &[u64], montgomery: u64) {
        if value.iter().all(|limb| *limb == 0) {
            return;
        }
        for word in forms.iter().filter_map(|form| key(*form, value, montgomery)) {
            self.add_word(guess, word);
        }
    }

    /// Adds a trace that begins with a word.
    pub(super) fn add_word(&mut self, guess: u32, word: u64) {
        self.filter.put(word);
        self.keys.push(hash(word) << GUESS_BITS | u64::from(guess));
    }

    /// All traces of `parts`.
    pub(super) fn join(parts: Vec<Self>, filter: Arc<Filter>) -> Self {
        let mut keys = Vec::with_capacity(parts.iter().map(|part| part.keys.len()).sum());
        parts.into_iter().for_each(|part| keys.extend_from_slice(&part.keys));
        Self { keys, filter }
    }

    /// Looks for all traces in the stretches, at any alignment.
    pub(super) fn find(mut self, memory: &dyn Memory, stretches: &[Stretch], jobs: usize) -> Vec<Hit> {
        self.keys.sort_unstable();
        let parts = visit(memory, stretches, jobs, Vec::new, |hits: &mut Vec<Hit>, piece| {
            self.find_in(piece, hits);
        });
        let mut hits = parts.concat();
        hits.sort_unstable();
        hits.dedup();
        hits
    }

    fn find_in(&self, piece: &Piece<'_>, hits: &mut Vec<Hit>) {
        let from = piece.from.saturating_sub(8);
        // What begins in the last word may be part of a key whose last bytes do not look random.
        let to = (piece.to + 7).min(piece.bytes.len());
        for (index, window) in piece.bytes[from..to].windows(8).enumerate() {
            let word = u64::from_le_bytes(window.try_into().unwrap_or_default());
            if !self.filter.may_hold(word) {
                continue;
            }
            let hash = hash(word);
            let first = self.keys.partition_point(|key| key >> GUESS_BITS < hash);
            let same = self.keys[first..].iter().take_while(|key| *key >> GUESS_BITS == hash).take(MAX_SAME);
            let offset = piece.offset + (from + index) as u64;
            if hits.len() < MAX_HITS {
                hits.extend(same.map(|key| Hit { guess: *key as u32 & ((1 << GUESS_BITS) - 1), offset }));
            }
        }
    }
}

/// Hits that one thread keeps.
const MAX_HITS: usize = 1 << 18;
/// Guesses with one trace that are looked at: equal windows in many places.
const MAX_SAME: usize = 64;

/// A set that is seldom wrong about what it does not hold, filled by many threads at a time.
pub(super) struct Filter {
    bits: Vec<AtomicU64>,
    shift: u32,
}

impl Filter {
    /// For so many keys.
    pub(super) fn new(keys: usize) -> Self {
        // 16 bits or more for a key, of which two are set: one in a hundred words passes in vain.
        let log = (16 * keys.max(1)).next_power_of_two().ilog2().clamp(12, 30);
        Self { bits: std::iter::repeat_with(AtomicU64::default).take(1 << (log - 6)).collect(), shift: 70 - log }
    }

    /// Where a key's bits are: both in one word, for the sake of the cache.
    #[inline]
    fn place(&self, word: u64) -> (usize, u64) {
        let hash = word.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        ((hash >> self.shift) as usize, 1 << (hash >> 26 & 63) | 1 << (hash >> 20 & 63))
    }

    fn put(&self, word: u64) {
        let (at, mask) = self.place(word);
        self.bits[at].fetch_or(mask, Ordering::Relaxed);
    }

    #[inline]
    fn may_hold(&self, word: u64) -> bool {
        let (at, mask) = self.place(word);
        self.bits[at].load(Ordering::Relaxed) & mask == mask
    }
}

/// A public coordinate that lies in memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Present {
    pub(super) coordinate: Coordinate,
    pub(super) form: Form,
    /// Offset in the file of its first byte.
    pub(super) offset: u64,
    pub(super) len: usize,
}

/// Whether all of a coordinate lies where its key was found.
pub(super) fn confirm(
    memory: &dyn Memory,
    group: Group,
    coordinate: Coordinate,
    value: &[u64],
    hit: u64,
) -> Option<Present> {
    Form::of(group).iter().find_map(|form| {
        let bytes = form.encode(group, value);
        let offset = hit.checked_sub(form.key_at(bytes.len()) as u64)?;
        let there = memory.bytes(offset, bytes.len())?;
        // An Edwards curve's y has the sign of x in its highest bit.
        let sign =
            coordinate == Coordinate::Edwards && *form == Form::Plain(Order::Little) && group == Group::Curve25519;
        let differ = |(index, (a, b)): (usize, (&u8, &u8))| {
            let mask = if sign && index == 31 { 0x7f } else { 0xff };
            (a ^ b) & mask != 0
        };
        let same = bytes.len() >= MIN_COORDINATE && !there.iter().zip(&bytes).enumerate().any(differ);
        same.then_some(Present { coordinate, form: *form, offset, len: bytes.len() })
    })
}

/// Bytes of a coordinate that must agree: fewer could agree by chance.
const MIN_COORDINATE: usize = 24;

/// A coordinate that is known as big-endian bytes, as limbs.
pub(super) fn limbs_of(group: Group, big: &[u8]) -> Vec<u64> {
    big_limbs(big, group)
}
