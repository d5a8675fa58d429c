//! Public points as two numbers of structures in orders that [`super::trace`] does not know: those of PyPy and LibTomMath, and, since their words do
//! not look random, those of arithmetic that is written in JavaScript. BN.js, on which `elliptic` builds, holds coordinates plain or, for curves whose
//! prime has no reduction of its own, in Montgomery form with as many bits as its digits have. What arrays of digits say lies behind the dump, and is
//! looked at here too.

use super::evidence::as_coordinates;
use super::report::big_endian;
use super::trace::{Coordinate, Form, Present};
use crate::curve::Group;
use crate::decoded::DIGITS;
use crate::memory::Memory;
use crate::order::{Order, PYPY, SMALL_26, SMALL_28, TOM_MATH_32, TOM_MATH_64};
use crate::search::Context;
use crate::survey::Number;
use keysweep_keys::Curve;
use std::collections::{HashMap, VecDeque};

/// A public point that lies in memory.
pub(super) struct Point {
    pub(super) curve: Curve,
    /// In SEC 1 encoding.
    pub(super) encoded: Vec<u8>,
    /// The coordinate x, as limbs.
    pub(super) x: Vec<u64>,
    /// Where x lies.
    pub(super) present: Present,
}

/// The points, and where to find them by the lowest limb of x.
#[derive(Default)]
pub(super) struct Points {
    all: Vec<Point>,
    by_x: HashMap<(Curve, u64), usize>,
}

/// Orders in which points are looked for here.
const ORDERS: [Order; 5] = [SMALL_26, SMALL_28, PYPY, TOM_MATH_32, TOM_MATH_64];
/// Numbers of which pairs are looked at, the numbers after each, and the bytes between them.
const MAX_NUMBERS: usize = 60_000;
const MAX_NEAR: usize = 64;
const NEAR: u64 = 4096;
/// Points that are kept.
const MAX_POINTS: usize = 4096;

impl Points {
    /// Looks at the numbers of the survey that lie near each other.
    pub(super) fn collect(context: &Context<'_>) -> Self {
        let mut points = Self::default();
        let of_order = |number: &&Number| ORDERS.contains(&number.order) || number.structure == DIGITS;
        let mut before: VecDeque<(&Number, Vec<Forms>)> = VecDeque::with_capacity(MAX_NEAR + 1);
        let numbers =
            context.survey.numbers.iter().filter(of_order).map(|number| (number, forms(context.memory, number)));
        for (second, others) in numbers.filter(|(_, forms)| !forms.is_empty()).take(MAX_NUMBERS) {
            for (first, all) in before.iter().filter(|(first, _)| second.offset - first.offset <= NEAR) {
                points.note((first, all), (second, &others));
            }
            before.push_back((second, others));
            if before.len() > MAX_NEAR {
                before.pop_front();
            }
        }
        points
    }

    /// The curves of the points.
    pub(super) fn curves(&self) -> impl Iterator<Item = Curve> {
        self.all.iter().map(|point| point.curve)
    }

    /// Adds points that were found in another way.
    pub(super) fn extend(&mut self, points: Vec<Point>) {
        for point in points.into_iter().take(MAX_POINTS) {
            let Some(low) = point.x.first().copied() else { continue };
            self.by_x.entry((point.curve, low)).or_insert(self.all.len());
            self.all.push(point);
        }
    }

    /// The point with the coordinate `x`.
    pub(super) fn find(&self, group: Group, x: &[u64]) -> Option<&Point> {
        let Group::Ec(curve) = group else { return None };
        let point = &self.all[*self.by_x.get(&(curve, *x.first()?))?];
        (point.x == x).then_some(point)
    }

    fn note(&mut self, (first, all): (&Number, &[Forms]), (second, others): (&Number, &[Forms])) {
        for a in all {
            let Some(b) = others.iter().find(|b| b.curve == a.curve) else { continue };
            for (left, right) in a.values.iter().zip(&b.values) {
                // Which of the two is x depends on the order in which they were allocated.
                if left.sides[1] == right.sides[0] {
                    self.note_point(a.curve, &left.value, &right.value, first);
                }
                if right.sides[1] == left.sides[0] {
                    self.note_point(a.curve, &right.value, &left.value, second);
                }
            }
        }
    }

    fn note_point(&mut self, curve: Curve, x: &[u64], y: &[u64], number: &Number) {
        let group = Group::Ec(curve);
        if !group.contains(x, y, false) || group.is_generator(x, false) || self.all.len() >= MAX_POINTS {
            return;
        }
        let Some(low) = x.first().copied() else { return };
        let size = curve.field_bytes();
        let last = |bytes: &[u8]| bytes[bytes.len() - size..].to_vec();
        let encoded = [&[4][..], &last(&big_endian(x)), &last(&big_endian(y))].concat();
        let present = Present {
            coordinate: Coordinate::X,
            form: Form::Plain(number.order),
            offset: number.offset,
            len: number.len as usize,
        };
        self.by_x.entry((curve, low)).or_insert(self.all.len());
        self.all.push(Point { curve, encoded, x: x.to_vec(), present });
    }
}

/// A number as what may be a coordinate on a curve: as it is, and if it is in Montgomery form.
struct Forms {
    curve: Curve,
    values: [Side; 2],
}

/// What may be a coordinate, and what the equation of the curve makes of it ([`Group::sides`]).
struct Side {
    value: Vec<u64>,
    sides: [u64; 2],
}

/// A number on all curves that its length fits.
fn forms(memory: &dyn Memory, number: &Number) -> Vec<Forms> {
    let side = |group: Group, value: Vec<u64>| group.sides(&value, false).map(|sides| Side { value, sides });
    let form = |(curve, plain): (Curve, Vec<u64>)| {
        let group = Group::Ec(curve);
        let left = leave_montgomery(group, &plain);
        Some(Forms { curve, values: [side(group, plain)?, side(group, left)?] })
    };
    as_coordinates(memory, number).into_iter().filter_map(form).collect()
}

/// A coordinate that is in Montgomery form with a radix of whole digits of 26 bits.
fn leave_montgomery(group: Group, coordinate: &[u64]) -> Vec<u64> {
    let prime = group.prime();
    let bits = 64 * prime.len() as u32 - prime.last().map_or(0, |top| top.leading_zeros());
    let mut value = coordinate.to_vec();
    let mut radix = bits.next_multiple_of(26);
    // One multiplication divides by as many bits as the limbs have.
    if let Some(rest) = radix.checked_sub(64 * prime.len() as u32) {
        group.leave_montgomery_coordinate(&mut value);
        radix = rest;
    }
    for _ in 0..radix {
        halve(&mut value, &prime);
    }
    value
}

/// Half of a number modulo an odd prime.
fn halve(value: &mut [u64], prime: &[u64]) {
    let mut carry = false;
    if value.first().is_some_and(|low| low & 1 == 1) {
        for (limb, prime) in value.iter_mut().zip(prime) {
            let (sum, first) = limb.overflowing_add(*prime);
            let (sum, second) = sum.overflowing_add(u64::from(carry));
            (*limb, carry) = (sum, first | second);
        }
    }
    let mut above = u64::from(carry);
    for limb in value.iter_mut().rev() {
        let low = *limb & 1;
        *limb = *limb >> 1 | above << 63;
        above = low;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubled_as_often_as_halved() {
        for curve in [Curve::P256, Curve::P384, Curve::P521] {
            let group = Group::Ec(curve);
            let prime = group.prime();
            let x: Vec<u64> = (1..=prime.len() as u64).map(|i| i.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56).collect();
            let mut value = x.clone();
            for _ in 0..8 {
                // Small numbers are doubled without a reduction.
                value.iter_mut().rev().for_each(|limb| *limb <<= 1);
            }
            for _ in 0..8 {
                halve(&mut value, &prime);
            }
            assert_eq!(value, x);
            // One half, twice, is one.
            let mut half = vec![0; prime.len()];
            half[0] = 1;
            halve(&mut half, &prime);
            let mut carry = 0;
            let twice: Vec<u64> = half
                .iter()
                .map(|limb| {
                    let doubled = limb << 1 | carry;
                    carry = limb >> 63;
                    doubled
                })
                .collect();
            let mut expected = prime.clone();
            expected[0] = expected[0].wrapping_add(1);
            let mut over = expected[0] == 0;
            for limb in expected.iter_mut().skip(1) {
                let (sum, more) = limb.overflowing_add(u64::from(over));
                (*limb, over) = (sum, more);
            }
            assert_eq!((twice, carry == 1), (expected, over), "{curve:?}");
        }
    }
}
