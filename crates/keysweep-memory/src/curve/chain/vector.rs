//! The sums with vector instructions, for fields of 256 bits.

use super::{RUNS, Rows, Sums, Tables, scalar};
use crate::curve::field::{self, Field};
use crate::curve::weierstrass::{Point, Weierstrass, invert_all};
use keysweep_match::lanes::{self, Point256, Prime256, Room};
use std::marker::PhantomData;
use std::sync::Arc;

/// How the vector instructions of a CPU compute in a field, if they do.
pub(crate) trait Vectors<const N: usize>: Copy {
    /// Tables for them in place of `rows`.
    fn tables<C: Weierstrass<N>>(rows: Rows<C, N>) -> Arc<dyn Tables>;
}

/// They do not.
#[derive(Clone, Copy)]
pub(crate) struct None;

impl<const N: usize> Vectors<N> for None {
    fn tables<C: Weierstrass<N>>(rows: Rows<C, N>) -> Arc<dyn Tables> {
        Arc::new(rows)
    }
}

/// Fields of four limbs, by [`lanes`].
#[derive(Clone, Copy)]
pub(crate) struct Ifma<F>(PhantomData<F>);

impl<F: Field<4> + Prime256> Vectors<4> for Ifma<F> {
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
