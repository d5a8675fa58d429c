//! The sums with vector instructions, for fields of 256 bits.

use super::{RUNS, Rows, Sums, Tables, scalar};
use crate::curve::field::{self, Field};
use crate::curve::weierstrass::{Point, Weierstrass, invert_all};
use keysweep_match::lanes::{self, Point256, Prime256, Room};
use std::marker::PhantomData;
use std::sync::Arc;

/// How the vector instructions of a CPU compute in a field, if they do.
pub(crate) trait Vectors<const N: usize>: Copy {
    /// A point as they take it.
    type Packed: Copy + Send + Sync + 'static;

    /// Tables for them in place of `rows`.
    fn tables<C: Weierstrass<N>>(rows: Rows<C, N>) -> Arc<dyn Tables>;

    /// The points as they take them; nothing if this CPU has no such instructions.
    fn pack(points: &[Point<N>]) -> Vec<Self::Packed>;

    /// For each of `count` sums, `start` and one point of each row added up: those that the digits pick, rounds of `count` digits
    /// one after the other. Says of which sums that failed.
    fn add_up(
        start: &Point<N>,
        rows: std::slice::ChunksExact<'_, Self::Packed>,
        digits: &[i16],
        count: usize,
    ) -> (Vec<Point<N>>, Vec<usize>);
}

/// They do not.
#[derive(Clone, Copy)]
pub(crate) struct None;

impl<const N: usize> Vectors<N> for None {
    type Packed = ();

    fn pack(_: &[Point<N>]) -> Vec<()> {
        Vec::new()
    }

    fn add_up(
        start: &Point<N>,
        _: std::slice::ChunksExact<'_, ()>,
        _: &[i16],
        count: usize,
    ) -> (Vec<Point<N>>, Vec<usize>) {
        (vec![*start; count], (0..count).collect())
    }

    fn tables<C: Weierstrass<N>>(rows: Rows<C, N>) -> Arc<dyn Tables> {
        Arc::new(rows)
    }
}

/// Fields of four limbs, by [`lanes`].
#[derive(Clone, Copy)]
pub(crate) struct Ifma<F>(PhantomData<F>);

impl<F: Field<4> + Prime256> Vectors<4> for Ifma<F> {
    type Packed = Point256;

    fn pack(points: &[Point<4>]) -> Vec<Point256> {
        if lanes::available() { points.iter().map(pack::<F>).collect() } else { Vec::new() }
    }

    fn add_up(
        start: &Point<4>,
        rows: std::slice::ChunksExact<'_, Point256>,
        digits: &[i16],
        count: usize,
    ) -> (Vec<Point<4>>, Vec<usize>) {
        let mut sums = lanes::Sums::<F>::new(count, &self::pack::<F>(start));
        let (mut room, mut failed) = (Room::default(), Vec::new());
        for (row, digits) in rows.zip(digits.chunks_exact(count.max(1))) {
            sums.add(row, digits, &mut room, &invert::<F>, &mut failed);
        }
        let sixteenth = field::invert::<F, 4>(&field::small::<F, 4>(16));
        let unpack = |index: usize| {
            let Point256 { x, y } = sums.get(index);
            Point { x: field::mul::<F, 4>(&x, &sixteenth), y: field::mul::<F, 4>(&y, &sixteenth) }
        };
        ((0..count).map(unpack).collect(), failed)
    }

    fn tables<C: Weierstrass<4>>(rows: Rows<C, 4>) -> Arc<dyn Tables> {
        if !lanes::available() {
            return Arc::new(rows);
        }
        let pack = |points: &[Point<4>]| points.iter().map(pack::<F>).collect();
        Arc::new(Packed::<F> {
            points: pack(&rows.points),
            keys: rows.keys.iter().map(|key| pack(key)).collect(),
            start: self::pack::<F>(&rows.start),
            slots: 8,
            field: PhantomData,
        })
    }
}

/// A point with coordinates `16 x`, which is `x` with the radix 2^260.
fn pack<F: Field<4>>(point: &Point<4>) -> Point256 {
    let pack = |n: &[u64; 4]| (0..4).fold(*n, |n, _| field::add::<F, 4>(&n, &n));
    Point256 { x: pack(&point.x), y: pack(&point.y) }
}

/// `x * 2^260` becomes `2^260 / x`. What is `x * 2^260` is `16 x` with the radix 2^256.
fn invert<F: Field<4>>(numbers: &mut [[u64; 4]]) {
    invert_all::<F, 4>(numbers);
    let factor = field::small::<F, 4>(256);
    numbers.iter_mut().for_each(|n| *n = field::mul::<F, 4>(n, &factor));
}

struct Packed<F> {
    points: Vec<Point256>,
    keys: Vec<Vec<Point256>>,
    start: Point256,
    slots: usize,
    field: PhantomData<F>,
}

struct Eights<F> {
    tables: Arc<Packed<F>>,
    sums: lanes::Sums<F>,
    kept: Vec<lanes::Sums<F>>,
    room: Room,
}

impl<F: Field<4> + Prime256> Tables for Packed<F> {
    fn sums(self: Arc<Self>) -> Box<dyn Sums> {
        let sums = || lanes::Sums::new(RUNS, &self.start);
        let kept = (0..self.slots).map(|_| sums()).collect();
        Box::new(Eights { sums: sums(), kept, tables: Arc::clone(&self), room: Room::default() })
    }
}

impl<F: Field<4> + Prime256> Sums for Eights<F> {
    fn restart(&mut self, count: usize) {
        self.sums.restart(count, &self.tables.start);
    }

    fn keep(&mut self, slot: usize, count: usize) {
        self.kept[slot].copy(&self.sums, count);
    }

    fn add(&mut self, row: usize, digits: &[i16], left: &mut Vec<usize>) {
        let row = self.tables.points.get(row * scalar::ROW..(row + 1) * scalar::ROW).unwrap_or_default();
        self.sums.add(row, digits, &mut self.room, &invert::<F>, left);
    }

    fn differ(&mut self, slot: usize, window: usize, count: usize, found: &mut Vec<usize>) {
        for key in &self.tables.keys {
            self.sums.differ_by(&self.kept[slot], &key[window], count, found);
        }
    }
}
