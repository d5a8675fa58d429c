//! Whether a window of words is the private key of a given public key, for all windows of a run of words at once.
//!
//! Let `U(m)` be the sum of `w(i) 2^(32 i) G` over the first `m` words of a run. The window of `k` words from `j` on is the
//! private key of `Q` if and only if `U(j + k) = U(j) + 2^(32 j) Q`, which a determinant tells: the three points, the last two negated, lie on a
//! line. So a window costs what one word adds to `U`, three additions, and two multiplications for each `Q`; to multiply `G` by it
//! would cost twenty-odd additions.
//!
//! Many runs are gone through side by side, so that they share the inversions that additions need.

mod scalar;
mod vector;

use super::{Group, Multiplier};
use std::sync::Arc;
use zeroize::{Zeroize, Zeroizing};

pub(super) use scalar::{Rows, start, times_power_of_two};
pub(super) use vector::{Ifma, Vectors};

/// Windows of a run that are gone through together: the more, the larger are the tables, and the less is the overhead of one
/// window's words at each end.
pub(crate) const WINDOWS: usize = 56;
/// Bits of a word's digits; the third has the rest.
const WIDTH: u32 = 11;
/// Digits of a word.
const PARTS: usize = 3;
/// Runs that are gone through side by side.
const RUNS: usize = 2048;

/// What is looked for, and the tables for it.
pub(crate) struct Chain {
    tables: Arc<dyn Tables>,
    /// Words of a window.
    words: usize,
    /// `x` of the keys.
    keys: Vec<Vec<u64>>,
    /// For what the sums cannot tell.
    multiplier: Multiplier,
}

/// A public key, as limbs, least significant first.
#[derive(Clone)]
pub(crate) struct Affine {
    pub(crate) x: Vec<u64>,
    pub(crate) y: Vec<u64>,
}

impl Chain {
    /// Whether a private key of the group is a number that fills whole words.
    pub(crate) fn suits(group: Group) -> bool {
        matches!(group, Group::Ec(_)) && group.bytes() == 8 * group.limbs()
    }

    /// `None` for groups that do not suit, and keys that are no points of the curve.
    pub(crate) fn new(group: Group, keys: &[Affine]) -> Option<Self> {
        let real = |key: &Affine| group.contains(&key.x, &key.y, false);
        if !Self::suits(group) || !keys.iter().all(real) {
            return None;
        }
        let words = 2 * group.limbs();
        // A private key in Montgomery form is that of another public key.
        let also = keys.iter().map(|key| group.arithmetic().montgomery_key(key));
        let keys: Vec<Affine> = keys.iter().cloned().chain(also).collect();
        Some(Self {
            tables: group.arithmetic().chain(&keys, words + WINDOWS - 1),
            words,
            keys: keys.iter().map(|key| key.x.clone()).collect(),
            multiplier: Multiplier::new(group, 1),
        })
    }

    /// The state of a thread.
    pub(crate) fn walk(&self) -> Walk<'_> {
        Walk { chain: self, sums: Arc::clone(&self.tables).sums(), words: Zeroizing::default(), runs: Vec::new() }
    }
}

/// Runs that wait until there are enough of them.
pub(crate) struct Walk<'a> {
    chain: &'a Chain,
    sums: Box<dyn Sums>,
    words: Zeroizing<Vec<u32>>,
    runs: Vec<Run>,
}

#[derive(Clone, Copy)]
struct Run {
    /// Where its words begin in [`Walk::words`].
    start: usize,
    /// Their number.
    len: usize,
    /// What the caller knows it by.
    tag: u64,
}

impl Walk<'_> {
    /// Whether there must be a [`Walk::flush`] before the next push.
    pub(crate) fn is_full(&self) -> bool {
        self.runs.len() == RUNS
    }

    /// Adds a run of words, least significant first: one window at least, and [`WINDOWS`] at most.
    pub(crate) fn push(&mut self, tag: u64, words: impl Iterator<Item = u32>) {
        let start = self.words.len();
        self.words.extend(words.take(self.chain.words + WINDOWS - 1));
        let len = self.words.len() - start;
        if len >= self.chain.words {
            self.runs.push(Run { start, len, tag });
        }
    }

    /// Goes through all runs, and calls `found` with the run's tag and the number of the window for each that is a
    /// private key.
    pub(crate) fn flush(&mut self, found: &mut dyn FnMut(u64, usize)) {
        self.runs.sort_by_key(|run| std::cmp::Reverse(run.len));
        let (likely, left) = self.walk();
        for (run, window) in likely {
            self.verify(run, window..window + 1, found);
        }
        for run in left {
            self.verify(run, 0..WINDOWS, found);
        }
        self.words.zeroize();
        self.runs.clear();
    }

    /// The windows that are likely keys, and the runs that must be looked at in another way.
    fn walk(&mut self) -> (Vec<(Run, usize)>, Vec<Run>) {
        let (mut likely, mut left, mut digits) = (Vec::new(), Vec::new(), Zeroizing::new(Vec::new()));
        let size = self.chain.words;
        let longest = self.runs.first().map_or(0, |run| run.len);
        self.sums.restart(self.runs.len());
        for m in 0..=longest {
            let (slot, done) = (m % size, self.runs.partition_point(|run| run.len >= m));
            if let Some(window) = m.checked_sub(size) {
                let mut lanes = Vec::new();
                self.sums.differ(slot, window, done, &mut lanes);
                likely.extend(lanes.into_iter().map(|lane| (self.runs[lane], window)));
            }
            let active = self.runs.partition_point(|run| run.len > m);
            self.sums.keep(slot, active);
            for part in 0..PARTS {
                digits.clear();
                digits.extend(self.runs[..active].iter().map(|run| digit(self.words[run.start + m], part)));
                self.sums.add(PARTS * m + part, &digits, &mut left);
            }
        }
        left.sort_unstable();
        left.dedup();
        (likely, left.into_iter().map(|lane| self.runs[lane]).collect())
    }

    /// Tells which windows of a run are keys, by multiplication.
    fn verify(&self, run: Run, windows: std::ops::Range<usize>, found: &mut dyn FnMut(u64, usize)) {
        let words = &self.words[run.start..run.start + run.len];
        for (window, words) in words.windows(self.chain.words).enumerate().take(windows.end).skip(windows.start) {
            let limbs = words.chunks(2).map(|pair| u64::from(pair[0]) | u64::from(pair[1]) << 32);
            let scalar = Zeroizing::new(limbs.collect::<Vec<u64>>());
            let derived = self.chain.multiplier.derive(&scalar);
            if self.chain.keys.contains(&derived.first) {
                found(run.tag, window);
            }
        }
    }
}

/// A part of a word as a signed digit: the parts, times 1, 2^11 and 2^22, sum up to the word.
fn digit(word: u32, part: usize) -> i16 {
    // A digit above half of 2^11 is less by 2^11, and the next one more by 1.
    let carry = |word: u32| (word & ((1 << WIDTH) - 1)) > 1 << (WIDTH - 1);
    let signed = |word: u32| (word & ((1 << WIDTH) - 1)) as i16 - (i16::from(carry(word)) << WIDTH);
    let second = (word >> WIDTH) + u32::from(carry(word));
    match part {
        0 => signed(word),
        1 => signed(second),
        _ => ((second >> WIDTH) + u32::from(carry(second))) as i16,
    }
}

/// Bits of `G`'s factor for each row of the tables.
fn place(row: usize) -> u32 {
    32 * (row / PARTS) as u32 + WIDTH * (row % PARTS) as u32
}

/// The tables for a group and some keys.
pub(super) trait Tables: Send + Sync {
    /// Room for [`RUNS`] sums.
    fn sums(self: Arc<Self>) -> Box<dyn Sums>;
}

/// A sum for each run.
pub(super) trait Sums: Send {
    /// Makes the first `count` sums the start again.
    fn restart(&mut self, count: usize);
    /// Keeps the first `count` sums as they are now, in one of as many slots as a window has words.
    fn keep(&mut self, slot: usize, count: usize);
    /// Adds multiples of the generator: `digit * 2^place(row)`, for each sum. What cannot be told is appended to `left`.
    fn add(&mut self, row: usize, digits: &[i16], left: &mut Vec<usize>);
    /// Which of the first `count` sums differ from the kept ones by a key times `2^(32 window)`, probably.
    fn differ(&mut self, slot: usize, window: usize, count: usize, found: &mut Vec<usize>);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::curve::random_numbers;
    use keysweep_keys::Curve;

    #[test]
    fn digits_sum_up_to_the_word() {
        for word in
            [0, 1, 1023, 1024, 1025, 2047, 2048, u32::MAX, u32::MAX - 1023, 0x8000_0000, 0xdead_beef, 0x003f_ffff]
        {
            let sum: i64 = (0..PARTS).map(|part| i64::from(digit(word, part)) << (WIDTH * part as u32)).sum();
            assert_eq!(sum, i64::from(word));
            assert!((0..PARTS).all(|part| digit(word, part).unsigned_abs() <= 1 << (WIDTH - 1)), "{word:x}");
        }
    }

    /// The windows of some runs that are found, and those that are keys by multiplication.
    /// All of them with the plain tables, too.
    fn compare(group: Group, runs: &[Vec<u32>], wanted: &[(usize, usize)]) {
        let words = 2 * group.limbs();
        let multiplier = Multiplier::new(group, 1);
        let scalar = |words: &[u32]| -> Vec<u64> {
            words.chunks(2).map(|pair| u64::from(pair[0]) | u64::from(pair[1]) << 32).collect()
        };
        let keys: Vec<Affine> = wanted
            .iter()
            .map(|(run, window)| {
                let Group::Ec(curve) = group else { unreachable!() };
                let big: Vec<u8> =
                    scalar(&runs[*run][*window..][..words]).iter().rev().flat_map(|l| l.to_be_bytes()).collect();
                let point = keysweep_keys::private::ec_public(curve, &big).unwrap();
                let limbs =
                    |bytes: &[u8]| bytes.rchunks(8).map(|c| u64::from_be_bytes(c.try_into().unwrap())).collect();
                let (x, y) = point[1..].split_at(curve.field_bytes());
                Affine { x: limbs(x), y: limbs(y) }
            })
            .collect();
        let chain = Chain::new(group, &keys).unwrap();
        for tables in [Arc::clone(&chain.tables), group.arithmetic().plain_chain(&keys, words + WINDOWS - 1)] {
            let chain = Chain {
                tables,
                words,
                keys: keys.iter().map(|key| key.x.clone()).collect(),
                multiplier: Multiplier::new(group, 1),
            };
            let mut walk = chain.walk();
            for _ in 0..2 {
                for (tag, run) in runs.iter().enumerate() {
                    walk.push(tag as u64, run.iter().copied());
                }
                let mut found = Vec::new();
                walk.flush(&mut |tag, window| found.push((tag as usize, window)));
                found.sort_unstable();
                found.dedup();
                let mut expected: Vec<(usize, usize)> = wanted.to_vec();
                for (tag, run) in runs.iter().enumerate() {
                    for (window, words) in run.windows(words).enumerate() {
                        let x = multiplier.derive(&scalar(words)).first;
                        if keys.iter().any(|key| key.x == x) {
                            expected.push((tag, window));
                        }
                    }
                }
                expected.sort_unstable();
                expected.dedup();
                assert_eq!(found, expected, "{group:?}");
            }
        }
    }

    #[test]
    fn each_window_of_a_run_is_tried() {
        for curve in [Curve::P256, Curve::P384, Curve::Secp256k1, Curve::BrainpoolP256r1] {
            let group = Group::Ec(curve);
            let words = 2 * group.limbs();
            let mut numbers = random_numbers(11).map(|n| (n >> 20) as u32);
            let lens =
                [words, words + 1, words + WINDOWS - 1, words + 20, words, words + 5, words - 1, words + 9, words + 3];
            let mut runs: Vec<Vec<u32>> =
                lens.iter().map(|len| numbers.by_ref().take(*len).map(|w| w & 0x7fff_ffff).collect()).collect();
            runs[7].fill(0); // Nothing is ever added.
            runs[8].fill(1 << 30);
            compare(group, &runs, &[(0, 0), (1, 1), (2, 0), (2, WINDOWS - 1), (3, 7)]);
        }
    }

    #[test]
    fn a_run_made_to_have_no_slope_hides_nothing() {
        // The first words take the sum to where the next addition doubles, 2^(32 k) G + 2^(32 k) G, or has no sum.
        for curve in [Curve::P256, Curve::P384] {
            let group = Group::Ec(curve);
            let words = 2 * group.limbs();
            let offset = group.arithmetic().chain_start();
            let order = group.order();
            let reduce = |mut number: Vec<u64>| {
                while below(&order, &number) {
                    number = subtract(&number, &order);
                }
                number
            };
            let mut power = vec![0; group.limbs() + 1];
            power[group.limbs()] = 1;
            let power = reduce(power);
            let run = |target: &[u64]| {
                let sum = reduce(add(target, &subtract(&order, &offset)));
                let mut run: Vec<u32> =
                    sum[..group.limbs()].iter().flat_map(|l| [*l as u32, (*l >> 32) as u32]).collect();
                run.push(1);
                run.extend(random_numbers(5).map(|n| (n >> 20) as u32 & 0x7fff_ffff).take(words + 8));
                run
            };
            let runs = [run(&power), run(&subtract(&order, &power))];
            compare(group, &runs, &[(0, 0), (0, words + 4), (0, 3), (1, 0), (1, 2), (1, words)]);
        }
    }

    fn add(a: &[u64], b: &[u64]) -> Vec<u64> {
        let mut carry = 0u128;
        (0..a.len().max(b.len()) + 1)
            .map(|i| {
                carry += u128::from(*a.get(i).unwrap_or(&0)) + u128::from(*b.get(i).unwrap_or(&0));
                let limb = carry as u64;
                carry >>= 64;
                limb
            })
            .collect()
    }

    fn subtract(a: &[u64], b: &[u64]) -> Vec<u64> {
        let mut borrow = false;
        a.iter()
            .enumerate()
            .map(|(i, a)| {
                let (d, b1) = a.overflowing_sub(*b.get(i).unwrap_or(&0));
                let (d, b2) = d.overflowing_sub(u64::from(borrow));
                borrow = b1 | b2;
                d
            })
            .collect()
    }

    fn below(a: &[u64], b: &[u64]) -> bool {
        let limb = |n: &[u64], i: usize| *n.get(i).unwrap_or(&0);
        (0..a.len().max(b.len()))
            .rev()
            .map(|i| (limb(a, i), limb(b, i)))
            .find(|(a, b)| a != b)
            .is_some_and(|(a, b)| a < b)
    }
}
