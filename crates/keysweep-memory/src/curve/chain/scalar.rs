//! The tables, and the sums as any machine computes them.

use super::{Affine, PARTS, RUNS, Sums, Tables, WIDTH, WINDOWS, place};
use crate::curve::field;
use crate::curve::limbs;
use crate::curve::weierstrass::{Point, Scratch, Table, Weierstrass, powers};
use std::sync::Arc;

/// Points of a row: a digit's positive values.
pub(super) const ROW: usize = 1 << (WIDTH - 1);

/// What all sums begin with, as a multiple of the generator: with a number that nothing else in memory is likely to be, so
/// that a sum is hardly ever neutral.
pub(crate) fn start<const N: usize>() -> [u64; N] {
    // Digits of pi, less than the order of any curve.
    const PI: [u64; 4] = [0x243f_6a88_85a3_08d3, 0x1319_8a2e_0370_7344, 0xa409_3822_299f_31d0, 0x082e_fa98_ec4e_6c89];
    std::array::from_fn(|i| PI[i % 4])
}

/// The tables for a curve and some keys.
pub(crate) struct Rows<C, const N: usize> {
    /// For each digit of each word [`ROW`] points.
    pub(super) points: Vec<Point<N>>,
    /// For each key its multiples by `2^(32 j)`.
    pub(super) keys: Vec<Vec<Point<N>>>,
    pub(super) start: Point<N>,
    a: [u64; N],
    curve: std::marker::PhantomData<C>,
}

impl<C: Weierstrass<N>, const N: usize> Rows<C, N> {
    /// Tables for runs of so many words.
    pub(crate) fn new(keys: &[Affine], words: usize) -> Self {
        let a = C::a();
        let bases = powers::<C, N>(C::generator(), PARTS * words, place);
        let points = Table::<C, N>::rows(&bases, ROW);
        let keys = keys.iter().map(|key| powers::<C, N>(point::<C, N>(key), WINDOWS, |j| 32 * j as u32));
        let start = Table::<C, N>::new(4).multiply(&[start()])[0];
        Self { keys: keys.collect(), points, start, a, curve: std::marker::PhantomData }
    }
}

fn point<C: Weierstrass<N>, const N: usize>(key: &Affine) -> Point<N> {
    let enter = |coordinate: &[u64]| field::enter::<C::Field, N>(&limbs(coordinate));
    Point { x: enter(&key.x), y: enter(&key.y) }
}

/// `2^exponent` times a public key.
pub(crate) fn times_power_of_two<C: Weierstrass<N>, const N: usize>(key: &Affine, exponent: u32) -> Affine {
    let power = powers::<C, N>(point::<C, N>(key), 1, |_| exponent)[0];
    let leave = |coordinate| field::leave::<C::Field, N>(coordinate).to_vec();
    Affine { x: leave(&power.x), y: leave(&power.y) }
}

/// Sums, one after the other.
struct Plain<C, const N: usize> {
    rows: Arc<Rows<C, N>>,
    sums: Vec<Point<N>>,
    kept: Vec<Vec<Point<N>>>,
    scratch: Scratch<N>,
}

impl<C: Weierstrass<N>, const N: usize> Tables for Rows<C, N> {
    fn sums(self: Arc<Self>) -> Box<dyn Sums> {
        let sums = vec![self.start; RUNS];
        Box::new(Plain { kept: vec![sums.clone(); 2 * N], sums, rows: self, scratch: Scratch::new() })
    }
}

impl<C: Weierstrass<N>, const N: usize> Sums for Plain<C, N> {
    fn restart(&mut self, count: usize) {
        self.sums[..count].fill(self.rows.start);
    }

    fn keep(&mut self, slot: usize, count: usize) {
        self.kept[slot][..count].copy_from_slice(&self.sums[..count]);
    }

    fn add(&mut self, row: usize, digits: &[i16], left: &mut Vec<usize>) {
        let row = self.rows.points.get(row * ROW..(row + 1) * ROW).unwrap_or_default();
        let sums = &mut self.sums[..digits.len()];
        self.scratch.add::<C>(sums, &self.rows.a, |i| Point::multiple::<C::Field>(row, digits[i].into()));
        left.extend(sums.iter().enumerate().filter(|(_, sum)| sum.is_neutral()).map(|(i, _)| i));
    }

    fn differ(&mut self, slot: usize, window: usize, count: usize, found: &mut Vec<usize>) {
        let (mul, sub) = (field::mul::<C::Field, N>, field::sub::<C::Field, N>);
        let add = field::add::<C::Field, N>;
        for key in &self.rows.keys {
            let key = &key[window];
            for (lane, (sum, kept)) in self.sums[..count].iter().zip(&self.kept[slot]).enumerate() {
                // The sum, the negative of the kept one and of the key lie on a line.
                let left = mul(&sub(&sum.x, &kept.x), &add(&sum.y, &key.y));
                let right = mul(&sub(&sum.x, &key.x), &add(&sum.y, &kept.y));
                if left == right {
                    found.push(lane);
                }
            }
        }
    }
}
