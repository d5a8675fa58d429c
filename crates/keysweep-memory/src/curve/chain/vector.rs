//! The sums with vector instructions.

use super::{RUNS, Rows, Sums, Tables, scalar};
use crate::curve::field::{self, Field};
use crate::curve::weierstrass::{Point, Weierstrass, invert_all};
use keysweep_match::lanes::{self, LanePoint, Prime, Room};
use std::marker::PhantomData;
use std::sync::Arc;

/// How the vector instructions of a CPU compute in a field, if they do.
pub(crate) trait Vectors<const N: usize>: Copy {
    /// A point as they take it.
    type Packed: Copy + Send + Sync + 'static;

    /// Tables for them in place of `rows`.
    fn tables<C: Weierstrass<N>>(rows: Rows<C, N>) -> Arc<dyn Tables>;

    /// Whether this CPU has them. All else must be used only if it has.
    fn available() -> bool;

    /// A point as they take it.
    fn pack(point: &Point<N>) -> Self::Packed;

    /// What such a point is.
    fn unpack(point: &Self::Packed) -> Point<N>;

    /// For each `width` of a point's multiples by powers of two, `2^i` for all `i` from 0 on, a row: the multiples of the first of them by 1 to
    /// `2^(width - 1)`.
    fn rows(powers: &[Point<N>], width: usize) -> Vec<Self::Packed>;

    /// For each of `count` sums, `start` and one point of each row added up: those that the digits pick, rounds of `count` digits
    /// one after the other. Says of which sums that failed.
    fn add_up(
        start: &Point<N>,
        rows: std::slice::ChunksExact<'_, Self::Packed>,
        digits: &[i16],
        count: usize,
    ) -> (Vec<Point<N>>, Vec<usize>);
}

/// By [`lanes`]: with `D` digits, `K` vectors at a time.
#[derive(Clone, Copy)]
pub(crate) struct Ifma<F, const D: usize, const K: usize>(PhantomData<F>);

impl<F: Field<N> + Prime<N>, const N: usize, const D: usize, const K: usize> Vectors<N> for Ifma<F, D, K> {
    type Packed = LanePoint<N>;

    fn available() -> bool {
        lanes::available()
    }

    fn pack(point: &Point<N>) -> LanePoint<N> {
        pack::<F, N, D>(point)
    }

    fn unpack(point: &LanePoint<N>) -> Point<N> {
        let back = |n: &[u64; N]| field::mul::<F, N>(n, &Radix::<F, N, D>::OUT);
        Point { x: back(&point.x), y: back(&point.y) }
    }

    fn rows(powers: &[Point<N>], width: usize) -> Vec<LanePoint<N>> {
        let (row, none) = (1 << (width - 1), LanePoint { x: [0; N], y: [0; N] });
        let mut rows = vec![none; powers.len() / width * row];
        let mut room = Room::default();
        for (step, filled) in (0..width).map(|step| (step, 1 << step)) {
            // What is there from 1 on, the last one left out, and the last one, which is added to them. Twice the last one is a power.
            let last: Vec<_> = powers.iter().skip(step).step_by(width).map(pack::<F, N, D>).collect();
            rows.chunks_exact_mut(row).zip(&last).for_each(|(row, last)| row[filled - 1] = *last);
            if filled == 1 || filled == row {
                continue;
            }
            let known: Vec<_> = rows.chunks_exact(row).flat_map(|row| &row[..filled - 1]).copied().collect();
            let digits: Vec<i16> =
                (0..last.len()).flat_map(|i| std::iter::repeat_n(i as i16 + 1, filled - 1)).collect();
            let mut sums = lanes::Sums::<F, N, D, K>::of(&known);
            // None of these fails: a multiple below the last one is neither it nor its negative.
            sums.add(&last, &digits, &mut room, &invert::<F, N, D>, &mut Vec::new());
            let mut new = known;
            sums.export(&Radix::<F, N, D>::SAME, &mut new);
            for (row, new) in rows.chunks_exact_mut(row).zip(new.chunks_exact(filled - 1)) {
                row[filled..2 * filled - 1].copy_from_slice(new);
            }
        }
        rows
    }

    fn add_up(
        start: &Point<N>,
        rows: std::slice::ChunksExact<'_, LanePoint<N>>,
        digits: &[i16],
        count: usize,
    ) -> (Vec<Point<N>>, Vec<usize>) {
        let mut sums = lanes::Sums::<F, N, D, K>::new(count, &self::pack::<F, N, D>(start));
        let (mut room, mut failed) = (Room::default(), Vec::new());
        for (row, digits) in rows.zip(digits.chunks_exact(count.max(1))) {
            sums.add(row, digits, &mut room, &invert::<F, N, D>, &mut failed);
        }
        let mut out = vec![LanePoint { x: [0; N], y: [0; N] }; count];
        sums.export(&F::ONE, &mut out);
        (out.into_iter().map(|LanePoint { x, y }| Point { x, y }).collect(), failed)
    }

    fn tables<C: Weierstrass<N>>(rows: Rows<C, N>) -> Arc<dyn Tables> {
        if !lanes::available() {
            return Arc::new(rows);
        }
        let pack = |points: &[Point<N>]| points.iter().map(pack::<F, N, D>).collect();
        Arc::new(Packed::<F, N, D, K> {
            points: pack(&rows.points),
            keys: rows.keys.iter().map(|key| pack(key)).collect(),
            start: self::pack::<F, N, D>(&rows.start),
            slots: 2 * N,
            field: PhantomData,
        })
    }
}

/// The factors between the radix `2^(64 N)` of a field and `2^(52 D)`.
struct Radix<F, const N: usize, const D: usize>(PhantomData<F>);

impl<F: Field<N>, const N: usize, const D: usize> Radix<F, N, D> {
    /// `2^(52 D)`: a product with it is divided by `2^(64 N)`.
    const IN: [u64; N] = field::power_of_two(F::P, 52 * D as u32);
    const OUT: [u64; N] = field::power_of_two(F::P, 128 * N as u32 - 52 * D as u32);
    /// `2^(52 D)` as it is: a product of vectors with it is the other factor.
    const SAME: [u64; N] = field::power_of_two(F::P, 52 * D as u32);
    /// Makes `2^(52 D) / x` of the inverse of `x * 2^(52 D)` in the field's form, `2^(128 N) / (x * 2^(52 D))`.
    const AGAIN: [u64; N] = field::power_of_two(F::P, 104 * D as u32 - 64 * N as u32);
}

/// A point with the other radix.
fn pack<F: Field<N>, const N: usize, const D: usize>(point: &Point<N>) -> LanePoint<N> {
    let pack = |n: &[u64; N]| field::mul::<F, N>(n, &Radix::<F, N, D>::IN);
    LanePoint { x: pack(&point.x), y: pack(&point.y) }
}

/// `x * 2^(52 D)` becomes `2^(52 D) / x`.
fn invert<F: Field<N>, const N: usize, const D: usize>(numbers: &mut [[u64; N]]) {
    invert_all::<F, N>(numbers);
    for n in numbers {
        *n = field::mul::<F, N>(n, &Radix::<F, N, D>::AGAIN);
    }
}

struct Packed<F, const N: usize, const D: usize, const K: usize> {
    points: Vec<LanePoint<N>>,
    keys: Vec<Vec<LanePoint<N>>>,
    start: LanePoint<N>,
    slots: usize,
    field: PhantomData<F>,
}

struct Eights<F, const N: usize, const D: usize, const K: usize> {
    tables: Arc<Packed<F, N, D, K>>,
    sums: lanes::Sums<F, N, D, K>,
    kept: Vec<lanes::Sums<F, N, D, K>>,
    room: Room<D>,
}

impl<F: Field<N> + Prime<N>, const N: usize, const D: usize, const K: usize> Tables for Packed<F, N, D, K> {
    fn sums(self: Arc<Self>) -> Box<dyn Sums> {
        let sums = || lanes::Sums::new(RUNS, &self.start);
        let kept = (0..self.slots).map(|_| sums()).collect();
        Box::new(Eights { sums: sums(), kept, tables: Arc::clone(&self), room: Room::default() })
    }
}

impl<F: Field<N> + Prime<N>, const N: usize, const D: usize, const K: usize> Sums for Eights<F, N, D, K> {
    fn restart(&mut self, count: usize) {
        self.sums.restart(count, &self.tables.start);
    }

    fn keep(&mut self, slot: usize, count: usize) {
        self.kept[slot].copy(&self.sums, count);
    }

    fn add(&mut self, row: usize, digits: &[i16], left: &mut Vec<usize>) {
        let row = self.tables.points.get(row * scalar::ROW..(row + 1) * scalar::ROW).unwrap_or_default();
        self.sums.add(row, digits, &mut self.room, &invert::<F, N, D>, left);
    }

    fn differ(&mut self, slot: usize, window: usize, count: usize, found: &mut Vec<usize>) {
        for key in &self.tables.keys {
            self.sums.differ_by(&self.kept[slot], &key[window], count, found);
        }
    }
}
