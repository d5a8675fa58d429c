//! Whether a number is a damaged private exponent: its upper half is that of `k * n / (g * e)`, and no other number's is, whatever is
//! wrong in a third of its bits.

use super::super::natural::Natural;
use super::noisy::{Counts, Noisy};
use super::relation::{MAX_EXPONENT, Multiple};

/// A private exponent with what is wrong in its upper half.
#[derive(Debug, Clone, Copy)]
pub(super) struct Exponent {
    pub(super) multiple: Multiple,
    /// Of the parts in which not everything is wrong.
    pub(super) counts: Counts,
}

/// Common divisors of `p - 1` and `q - 1` that are tried: 1 for a `d` modulo their product.
const DIVISORS: [u64; 14] = [1, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 24, 28, 30];
/// Limbs that are compared first.
const FIRST: usize = 4;
/// Bits that must be there in the upper half, and by how many deviations they must differ from random ones.
const MIN_BITS: u32 = 100;
const MIN_SIGNIFICANCE: f64 = 7.0;
/// Share of wrong bits up to which no other divisor is tried.
const CLEAR: f64 = 0.25;
/// Wrong bits of a limb that say that something else lies there.
const STRANGE: u32 = 24;
/// First bits that tell the multiple, and how many of the first limb may be wrong.
const TOP_BITS: u32 = 22;
const TOP_WRONG: u32 = 14;

/// What `d` is, if it is the private exponent of `n` and `e`.
pub(super) fn exponent(n: &Natural, e: u64, d: &Noisy) -> Option<Exponent> {
    let upper = Upper::new(n, e, d)?;
    let mut best: Option<(f64, Multiple)> = None;
    for g in DIVISORS {
        // Without a factor of g that it has, a number is still like the right one in two thirds of its bits.
        if best.is_some_and(|(significance, _)| significance > (1.0 - 2.0 * CLEAR) * f64::from(upper.known).sqrt()) {
            break;
        }
        let found = upper.best_multiple(g);
        best = [best, found].into_iter().flatten().max_by(|a, b| a.0.total_cmp(&b.0));
    }
    Some(upper.exponent(best?.1))
}

/// The same by the first bits of `d` alone, of which two may be wrong: a thousand times faster.
pub(super) fn exponent_by_top(n: &Natural, e: u64, d: &Noisy) -> Option<Exponent> {
    let upper = Upper::new(n, e, d)?;
    let shift = n.bits().checked_sub(64)?;
    let n_top = n.shifted_down(shift).low();
    let d_top = d.word(shift)?;
    let flips = (0..TOP_BITS).flat_map(|i| (0..=i).map(move |j| 1u64 << (63 - i) | 1 << (63 - j)));
    let flips: Vec<u64> = std::iter::once(0).chain(flips).collect();
    let mut best: Option<(f64, Multiple)> = None;
    for g in DIVISORS {
        let scale = e * g;
        let ratio = scale as f64 / n_top as f64;
        // n / (g * e), with so many bits behind the point that nothing is lost for any k.
        let step = (u128::from(n_top) << 56) / u128::from(scale);
        for flip in &flips {
            let k = ((d_top ^ flip) as f64 * ratio).round() as u64;
            let predicted = ((u128::from(k) * step) >> 56) as u64;
            if k == 0 || k >= e || (predicted ^ d_top).count_ones() > TOP_WRONG {
                continue;
            }
            let multiple = Multiple { k, g };
            let significance = upper.counts(multiple, true).significance();
            if significance > best.map_or(MIN_SIGNIFICANCE, |best| best.0) {
                best = Some((significance, multiple));
            }
        }
    }
    Some(upper.exponent(best?.1))
}

/// The upper half of a number that may be a private exponent, less the bits to which what is subtracted from the multiple is carried.
struct Upper<'a> {
    n: &'a Natural,
    e: u64,
    d: &'a Noisy,
    /// Its first limb.
    from: usize,
    /// Its limbs of which something is there, those of which the most is first.
    order: Vec<usize>,
    /// How many bits are there.
    known: u32,
}

impl<'a> Upper<'a> {
    fn new(n: &'a Natural, e: u64, d: &'a Noisy) -> Option<Self> {
        if !(3..=MAX_EXPONENT).contains(&e) || e & 1 == 0 || n.bits() < 512 {
            return None;
        }
        let from = (n.bits() / 2 + 8).div_ceil(64) as usize;
        let to = (n.bits().div_ceil(64) as usize).min(d.len());
        let known = |limb: &usize| d.limb(*limb).1.count_ones();
        let mut order: Vec<usize> = (from..to).filter(|limb| known(limb) > 0).collect();
        order.sort_by_key(|limb| std::cmp::Reverse(known(limb)));
        let known = order.iter().map(known).sum();
        (known >= MIN_BITS).then_some(Self { n, e, d, from, order, known })
    }

    /// `n / (g * e)` from the limb before the upper half on, and a limb behind the point.
    fn step(&self, g: u64) -> Option<Natural> {
        let scaled = self.n.shifted_down(64 * (self.from as u32 - 1)).times_two_to(64);
        Some(scaled.div_rem(&Natural::from(self.e * g))?.0)
    }

    /// The multiple for a divisor that fits best, and by how many deviations it does.
    fn best_multiple(&self, g: u64) -> Option<(f64, Multiple)> {
        let mut step = self.step(g)?.limbs().to_vec();
        step.resize(self.n.limbs().len() - self.from + 3, 0);
        let mut sum = vec![0u64; step.len()];
        let mut best: Option<(f64, Multiple)> = None;
        for k in 1..self.e {
            add(&mut sum, &step);
            let significance = self.significance(&sum);
            if significance > best.map_or(MIN_SIGNIFICANCE, |best| best.0) {
                best = Some((significance, Multiple { k, g }));
            }
        }
        best
    }

    /// By how many deviations the bits agree; 0 if the first limbs show that they do not.
    fn significance(&self, right: &[u64]) -> f64 {
        let (mut wrong, mut all) = (0, 0);
        for (index, limb) in self.order.iter().enumerate() {
            let (bits, known) = self.d.limb(*limb);
            wrong += ((bits ^ right[limb - self.from + 2]) & known).count_ones();
            all += known.count_ones();
            // Random bits get beyond the first limb once in ten times, and beyond four once in a thousand.
            if index < FIRST && 10 * wrong > 4 * all + 20 {
                return 0.0;
            }
        }
        Counts::of(wrong, all).significance()
    }

    /// What is wrong if it is that multiple, in all limbs or in those in which nothing strange lies.
    fn counts(&self, multiple: Multiple, strange: bool) -> Counts {
        let mut counts = Counts::default();
        let Some(step) = self.step(multiple.g) else { return counts };
        let right = step.times(&Natural::from(multiple.k));
        for limb in &self.order {
            let (bits, known) = self.d.limb(*limb);
            let right = right.limbs().get(limb - self.from + 2).copied().unwrap_or(0);
            if strange || ((bits ^ right) & known).count_ones() < STRANGE {
                counts.add(bits, known, right);
            }
        }
        counts
    }

    fn exponent(&self, multiple: Multiple) -> Exponent {
        let usual = self.counts(multiple, false);
        let counts = if usual.all() >= MIN_BITS { usual } else { self.counts(multiple, true) };
        Exponent { multiple, counts }
    }
}

fn add(sum: &mut [u64], step: &[u64]) {
    let mut carry = false;
    for (sum, step) in sum.iter_mut().zip(step) {
        let (once, over) = sum.overflowing_add(*step);
        let (twice, again) = once.overflowing_add(u64::from(carry));
        (*sum, carry) = (twice, over | again);
    }
}
