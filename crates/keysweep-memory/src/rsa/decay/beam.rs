//! The numbers of a key from below, bit by bit: each bit of `p` settles one of all others, and what lies there says how likely that is.
//!
//! The least likely candidates are dropped after each bit. With bits that are lost, and none wrong, this is the method of Heninger
//! and Shacham ("Reconstructing RSA private keys from random key bits", 2009); with wrong ones that of Henecka, May and Meurer
//! ("Correcting errors in RSA private keys", 2010) with the likelihoods of Paterson, Polychroniadou and Sibborn ("A coding-theoretic
//! approach to recovering noisy RSA keys", 2012), but for blocks: the best of all candidates are kept, whatever their number before.

use super::super::natural::Natural;
use super::super::partial::{from_low, most_lost};
use super::noisy::Loss;
use super::relation::Relation;
use zeroize::{Zeroize, Zeroizing};

/// What is known of the primes of a modulus.
pub(super) struct Problem<'a> {
    pub(super) n: &'a Natural,
    /// Bits of a prime.
    pub(super) bits: u32,
    /// For each bit of `p` and of `q`.
    pub(super) p: Vec<Loss>,
    pub(super) q: Vec<Loss>,
    /// What is known of other numbers.
    pub(super) relations: Vec<Relation>,
    /// Mean and variance of what a bit of the right numbers costs, all numbers together, up to each bit of `p`.
    pub(super) expected: Vec<(f64, f64)>,
}

/// How much less likely than the best a candidate may be, in the units of losses.
const SLACK: usize = 2048;
/// By how many deviations the best may be less likely than the right one should be, and by how much at any rate.
const DEVIATIONS: f64 = 6.0;
const MARGIN: f64 = 320.0;
/// Candidates of which the rest is computed, where enough bits are there: of some 20 µs each.
const COMPLETED: usize = 64;

/// Bits of `p` and `q` since the last whole limb, and what is carried to the next bit of the other numbers.
#[derive(Clone, Copy)]
struct Candidate<const K: usize> {
    /// The limbs below.
    origin: u32,
    loss: i32,
    p: u64,
    q: u64,
    carries: [i64; K],
}

impl<const K: usize> Zeroize for Candidate<K> {
    fn zeroize(&mut self) {
        self.p.zeroize();
        self.q.zeroize();
        self.carries.zeroize();
    }
}

/// Whole limbs of candidates.
struct Limbs {
    /// Limbs of each candidate.
    count: usize,
    p: Zeroizing<Vec<u64>>,
    q: Zeroizing<Vec<u64>>,
    /// Sum of the products of limbs below, from this limb on.
    carries: Zeroizing<Vec<u128>>,
    /// What of the next limb of `n` is left for the products of the lowest limbs with the next ones.
    rests: Zeroizing<Vec<u64>>,
}

/// The largest prime factor that was found, `effort` being lessened by the candidates that were looked at; `None` also if there is no
/// more of it.
pub(super) fn search(problem: &Problem<'_>, width: usize, effort: &mut u64) -> Option<Natural> {
    beam(problem, width)?.run(effort)
}

/// What the best of the candidates costs after all bits of the problem, which may be fewer than a prime has; `None` if none is left.
pub(super) fn survivor(problem: &Problem<'_>, width: usize, effort: &mut u64) -> Option<i32> {
    beam(problem, width)?.survivor(effort)
}

/// A beam for as many relations as the problem has.
fn beam<'a>(problem: &'a Problem<'a>, width: usize) -> Option<Box<dyn Walk + 'a>> {
    Some(match problem.relations.len() {
        0 => Box::new(Beam::<0>::new(problem, width)?),
        1 => Box::new(Beam::<1>::new(problem, width)?),
        2 => Box::new(Beam::<2>::new(problem, width)?),
        3 => Box::new(Beam::<3>::new(problem, width)?),
        _ => return None,
    })
}

/// What a beam does, whatever the number of relations.
trait Walk {
    fn run(&mut self, effort: &mut u64) -> Option<Natural>;
    fn survivor(&mut self, effort: &mut u64) -> Option<i32>;
}

struct Beam<'a, const K: usize> {
    problem: &'a Problem<'a>,
    relations: [&'a Relation; K],
    width: usize,
    candidates: Zeroizing<Vec<Candidate<K>>>,
    next: Zeroizing<Vec<Candidate<K>>>,
    limbs: Limbs,
    /// What the best costs.
    best: i32,
    /// How many of the next candidates cost how much more than that.
    histogram: Vec<u32>,
}

impl<const K: usize> Walk for Beam<'_, K> {
    fn run(&mut self, effort: &mut u64) -> Option<Natural> {
        let bits = self.problem.bits;
        let enough = bits - most_lost(bits);
        for limb in 0..bits / 64 {
            if !self.limb(limb as usize, effort) {
                return None;
            }
            let known = 64 * (limb + 1);
            if known >= enough
                && known < bits
                && let Some(p) = self.complete(known, bits - known)
            {
                return Some(p);
            }
        }
        None
    }

    fn survivor(&mut self, effort: &mut u64) -> Option<i32> {
        (0..self.problem.bits as usize / 64).all(|limb| self.limb(limb, effort)).then_some(self.best)
    }
}

impl<'a, const K: usize> Beam<'a, K> {
    fn new(problem: &'a Problem<'a>, width: usize) -> Option<Self> {
        let relations: Vec<&Relation> = problem.relations.iter().collect();
        let relations: [&Relation; K] = relations.try_into().ok()?;
        let start = Candidate { origin: 0, loss: 0, p: 0, q: 0, carries: relations.map(|relation| relation.start) };
        let with_room = || Zeroizing::new(Vec::with_capacity(2 * width.max(1)));
        let mut candidates = with_room();
        candidates.push(start);
        let limbs = Limbs {
            count: 0,
            p: Zeroizing::default(),
            q: Zeroizing::default(),
            carries: Zeroizing::new(vec![0]),
            rests: Zeroizing::new(vec![problem.n.low()]),
        };
        let histogram = vec![0; SLACK + 1];
        Some(Self { problem, relations, width, candidates, next: with_room(), limbs, best: 0, histogram })
    }

    /// Goes on by a limb; false if nothing is left, or nothing of the effort.
    fn limb(&mut self, limb: usize, effort: &mut u64) -> bool {
        for bit in 0..64 {
            let Some(rest) = effort.checked_sub(self.candidates.len() as u64) else {
                *effort = 0;
                return false;
            };
            *effort = rest;
            self.expand(limb, bit);
            if !self.narrow(64 * limb + bit as usize) {
                return false;
            }
        }
        self.settle();
        true
    }

    /// All candidates with one bit more.
    fn expand(&mut self, limb: usize, bit: u32) {
        let level = 64 * limb + bit as usize;
        let at = |losses: &[Loss]| losses.get(level).copied().unwrap_or_default();
        let (p_loss, q_loss) = (at(&self.problem.p), at(&self.problem.q));
        let losses = self.relations.map(|relation| at(&relation.losses));
        let streams = self.relations.map(|relation| i64::from(relation.stream(level)));
        let (best, count) = (self.best, self.limbs.count);
        self.next.clear();
        self.histogram.fill(0);
        for candidate in self.candidates.iter() {
            let origin = candidate.origin as usize;
            // What the bits of p and q must add up to: from the second limb on with the lowest limbs of both, which are odd.
            let product = if limb == 0 {
                candidate.p.wrapping_mul(candidate.q)
            } else {
                let (p, q) = (self.limbs.p[origin * count], self.limbs.q[origin * count]);
                candidate.p.wrapping_mul(q).wrapping_add(candidate.q.wrapping_mul(p))
            };
            let sum = self.limbs.rests[origin].wrapping_sub(product) >> bit & 1;
            // Both primes are odd.
            let first = u64::from(level == 0);
            for p_bit in first..=1 {
                let q_bit = if level == 0 { 1 } else { sum ^ p_bit };
                let mut loss = candidate.loss + p_loss[p_bit as usize] + q_loss[q_bit as usize];
                let mut carries = candidate.carries;
                for i in 0..K {
                    let relation = self.relations[i];
                    let value = carries[i] + streams[i] + relation.p * p_bit as i64 + relation.q * q_bit as i64;
                    let x = value & 1;
                    loss += losses[i][x as usize];
                    carries[i] = (value - relation.e * x) >> 1;
                }
                let more = (loss - best) as usize;
                if more < SLACK {
                    self.histogram[more] += 1;
                    let (p, q) = (candidate.p | p_bit << bit, candidate.q | q_bit << bit);
                    self.next.push(Candidate { origin: candidate.origin, loss, p, q, carries });
                }
            }
        }
    }

    /// Keeps the best candidates. False if none is as good as the right one would be.
    fn narrow(&mut self, level: usize) -> bool {
        let Some(best) = self.next.iter().map(|candidate| candidate.loss).min() else { return false };
        let (mean, variance) = self.problem.expected.get(level).copied().unwrap_or((f64::MAX, 0.0));
        if f64::from(best) > mean + DEVIATIONS * variance.sqrt() + MARGIN {
            return false;
        }
        // The loss up to which they are kept, and how many with just that.
        let (mut limit, mut room) = (0, self.width as u32);
        while limit < SLACK && self.histogram[limit] <= room {
            room -= self.histogram[limit];
            limit += 1;
        }
        let limit = self.best + limit as i32;
        self.best = best;
        self.candidates.clear();
        for candidate in self.next.iter() {
            if candidate.loss < limit {
                self.candidates.push(*candidate);
            } else if candidate.loss == limit && room > 0 {
                room -= 1;
                self.candidates.push(*candidate);
            }
        }
        !self.candidates.is_empty()
    }

    /// Takes the limb that is complete to those below.
    fn settle(&mut self) {
        let (old, count) = (&self.limbs, self.limbs.count);
        let total = self.candidates.len();
        let with_room = |len: usize| Zeroizing::new(Vec::with_capacity(len));
        let mut new = Limbs {
            count: count + 1,
            p: with_room(total * (count + 1)),
            q: with_room(total * (count + 1)),
            carries: Zeroizing::new(Vec::with_capacity(total)),
            rests: with_room(total),
        };
        let next = self.problem.n.limbs().get(count + 1).copied().unwrap_or(0);
        for (index, candidate) in self.candidates.iter_mut().enumerate() {
            let below = candidate.origin as usize * count..(candidate.origin as usize + 1) * count;
            new.p.extend_from_slice(&old.p[below.clone()]);
            new.q.extend_from_slice(&old.q[below]);
            new.p.push(std::mem::take(&mut candidate.p));
            new.q.push(std::mem::take(&mut candidate.q));
            let (p, q) = (&new.p[index * (count + 1)..], &new.q[index * (count + 1)..]);
            // The products of limbs that add up to this one, in halves, with what is carried to it.
            let carry = old.carries[candidate.origin as usize];
            let (mut low, mut high) = (carry & u128::from(u64::MAX), carry >> 64);
            for (a, b) in p.iter().zip(q.iter().rev()) {
                let product = u128::from(*a) * u128::from(*b);
                low += product & u128::from(u64::MAX);
                high += product >> 64;
            }
            let carry = high + (low >> 64);
            new.carries.push(carry);
            // Of the next limb, those products that are settled already.
            let inner = p[1..].iter().zip(q[1..].iter().rev());
            let settled = inner.fold(carry as u64, |sum, (a, b)| sum.wrapping_add(a.wrapping_mul(*b)));
            new.rests.push(next.wrapping_sub(settled));
            candidate.origin = index as u32;
        }
        self.limbs = new;
    }

    /// The prime that begins with one of the best candidates, of `known` bits.
    fn complete(&self, known: u32, lost: u32) -> Option<Natural> {
        let mut best: Vec<(i32, u32)> = self.candidates.iter().map(|c| (c.loss, c.origin)).collect();
        best.sort_unstable();
        let count = self.limbs.count;
        best.iter().take(COMPLETED).find_map(|(_, index)| {
            let low = Natural::from_limbs(&self.limbs.p[*index as usize * count..][..count]);
            from_low(self.problem.n, &low, known, lost)
        })
    }
}
