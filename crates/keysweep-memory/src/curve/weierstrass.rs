//! Many multiples of one point at a time, on curves in short Weierstrass form.
//!
//! The generator's multiples `i * 2^(w j)` are computed once. A scalar's digits in base `2^w` then pick the table's points
//! whose sum is its multiple. Sums are affine: an addition takes an inversion, but those of all scalars are taken together
//! (Montgomery's trick), so that one costs three multiplications and the addition six. Digits are signed, since a point's
//! negative is free and the table then half as large.

use super::Derived;
use super::chain::{self, Vectors};
use super::field::{self, Field};
use zeroize::{Zeroize, Zeroizing};

/// A curve `y^2 = x^3 + a x + b`. Constants are in Montgomery form.
pub(crate) trait Weierstrass<const N: usize>: Copy + Send + Sync + 'static {
    /// The field of the coordinates.
    type Field: Field<N>;
    /// The field of the scalars: the integers modulo the generator's order.
    type Order: Field<N>;
    /// Bits of the longest scalar.
    const BITS: u32;
    /// How vector instructions compute in the field.
    type Vectors: Vectors<N>;
    /// `a`.
    fn a() -> [u64; N];
    /// `b`.
    fn b() -> [u64; N];
    /// The generator.
    fn generator() -> Point<N>;

    /// Whether (x, y), in Montgomery form, lies on the curve.
    fn contains(x: &[u64; N], y: &[u64; N]) -> bool {
        field::mul::<Self::Field, N>(y, y) == Self::sides(x)[1]
    }

    /// The square of a coordinate, and what it would be for y if the coordinate is x; in Montgomery form.
    fn sides(value: &[u64; N]) -> [[u64; N]; 2] {
        let mul = field::mul::<Self::Field, N>;
        let square = mul(value, value);
        let slope = field::add::<Self::Field, N>(&square, &Self::a());
        [square, field::add::<Self::Field, N>(&mul(&slope, value), &Self::b())]
    }

    /// Appends what [`Derived`] says of the points.
    fn coordinates(points: &[Point<N>], derived: &mut Derived) {
        for point in points {
            derived.first.extend(field::leave::<Self::Field, N>(&point.x));
            derived.second.extend(point.x);
        }
    }
}

/// A point in affine coordinates, in Montgomery form. The neutral element is held as (0, 0), which lies on none of the curves.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Point<const N: usize> {
    pub(crate) x: [u64; N],
    pub(crate) y: [u64; N],
}

impl<const N: usize> Point<N> {
    pub(crate) const NEUTRAL: Self = Self { x: [0; N], y: [0; N] };

    pub(crate) fn is_neutral(&self) -> bool {
        field::is_zero(&self.y) && field::is_zero(&self.x)
    }

    fn negated<F: Field<N>>(&self) -> Self {
        Self { x: self.x, y: field::neg::<F, N>(&self.y) }
    }

    /// A multiple of a point, out of a row of those from 1 on.
    #[inline(always)]
    pub(super) fn multiple<F: Field<N>>(row: &[Self], digit: i32) -> Self {
        match digit {
            0 => Self::NEUTRAL,
            digit if digit > 0 => row[digit as usize - 1],
            digit => row[-digit as usize - 1].negated::<F>(),
        }
    }
}

/// How an addition is done, once its denominator is known.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    /// Nothing is left to do.
    Done,
    Add,
    Double,
}

/// Room for the additions of a batch.
pub(super) struct Scratch<const N: usize> {
    steps: Vec<Step>,
    denominators: Vec<[u64; N]>,
    products: Vec<[u64; N]>,
}

impl<const N: usize> Scratch<N> {
    pub(super) fn new() -> Self {
        Self { steps: Vec::new(), denominators: Vec::new(), products: Vec::new() }
    }

    /// `sums[i] += terms(i)` for all `i`.
    pub(super) fn add<C: Weierstrass<N>>(
        &mut self,
        sums: &mut [Point<N>],
        a: &[u64; N],
        terms: impl Fn(usize) -> Point<N>,
    ) {
        let mul = field::mul::<C::Field, N>;
        let sub = field::sub::<C::Field, N>;
        self.steps.clear();
        self.denominators.clear();
        self.products.clear();
        let mut running = C::Field::ONE;
        for (i, sum) in sums.iter_mut().enumerate() {
            let term = terms(i);
            let (step, denominator) = Self::prepare::<C>(sum, &term);
            self.products.push(running);
            self.denominators.push(denominator);
            self.steps.push(step);
            if step != Step::Done {
                running = mul(&running, &denominator);
            }
        }
        let mut inverse = field::invert::<C::Field, N>(&running);
        for (i, sum) in sums.iter_mut().enumerate().rev() {
            if self.steps[i] == Step::Done {
                continue;
            }
            let term = terms(i);
            let this = mul(&inverse, &self.products[i]);
            inverse = mul(&inverse, &self.denominators[i]);
            let numerator = if self.steps[i] == Step::Add {
                sub(&term.y, &sum.y)
            } else {
                let square = mul(&sum.x, &sum.x);
                let twice = field::add::<C::Field, N>(&square, &square);
                field::add::<C::Field, N>(&field::add::<C::Field, N>(&twice, &square), a)
            };
            let slope = mul(&numerator, &this);
            let x = sub(&sub(&mul(&slope, &slope), &sum.x), &term.x);
            sum.y = sub(&mul(&slope, &sub(&sum.x, &x)), &sum.y);
            sum.x = x;
        }
    }

    /// What to do to add `term` to `sum`, and the slope's denominator. Cases without a slope are done at once.
    #[inline(always)]
    fn prepare<C: Weierstrass<N>>(sum: &mut Point<N>, term: &Point<N>) -> (Step, [u64; N]) {
        if term.is_neutral() {
            return (Step::Done, C::Field::ONE);
        }
        if sum.is_neutral() {
            *sum = *term;
            return (Step::Done, C::Field::ONE);
        }
        let difference = field::sub::<C::Field, N>(&term.x, &sum.x);
        if !field::is_zero(&difference) {
            return (Step::Add, difference);
        }
        if sum.y == term.y {
            return (Step::Double, field::add::<C::Field, N>(&sum.y, &sum.y));
        }
        *sum = Point::NEUTRAL;
        (Step::Done, C::Field::ONE)
    }
}

/// The multiples of a generator.
pub(crate) struct Table<C: Weierstrass<N>, const N: usize> {
    /// Bits of a digit.
    width: u32,
    /// For each digit's place `j`: `1 * 2^(w j)` to `2^(w - 1) * 2^(w j)` times the generator; nothing if there is `packed`.
    points: Vec<Point<N>>,
    /// The same for vector instructions, if there are any, and a row more that begins with the negative of `start`.
    packed: Vec<<C::Vectors as Vectors<N>>::Packed>,
    /// With what the sums of vectors begin, since a neutral one has no place among them.
    start: Point<N>,
    a: [u64; N],
}

/// Scalars from which on vectors are worth it.
const MIN_VECTORS: usize = 16;

impl<C: Weierstrass<N>, const N: usize> Table<C, N> {
    /// A table for digits of `width` bits, from 2 to 14.
    pub(crate) fn new(width: u32) -> Self {
        let (a, places) = (C::a(), Self::places(width));
        let mut table = Self { width, points: Vec::new(), packed: Vec::new(), start: Point::NEUTRAL, a };
        if C::Vectors::available() {
            let powers = powers::<C, N>(C::generator(), places * width as usize, |i| i as u32);
            table.packed = C::Vectors::rows(&powers, width as usize);
            table.start = table.multiply_few(&[chain::start()])[0];
            let mut last = vec![C::Vectors::pack(&Point::NEUTRAL); 1 << (width - 1)];
            last[0] = C::Vectors::pack(&table.start.negated::<C::Field>());
            table.packed.extend(last);
        } else {
            let bases = powers::<C, N>(C::generator(), places, |place| place as u32 * width);
            table.points = Self::rows(&bases, 1 << (width - 1));
        }
        table
    }

    /// For each base its multiples by 1 to `row`, a power of two.
    pub(super) fn rows(bases: &[Point<N>], row: usize) -> Vec<Point<N>> {
        let (a, places, mut scratch) = (C::a(), bases.len(), Scratch::new());
        let mut points = vec![Point::NEUTRAL; places * row];
        bases.iter().enumerate().for_each(|(place, base)| points[place * row] = *base);
        // Rows grow from `filled` to twice as many points: i + filled = i + (the last one).
        let mut filled = 1;
        while filled < row {
            let mut sums: Vec<Point<N>> = (0..places * filled).map(|k| points[k / filled * row + k % filled]).collect();
            scratch.add::<C>(&mut sums, &a, |k| points[k / filled * row + filled - 1]);
            for (k, sum) in sums.into_iter().enumerate() {
                points[k / filled * row + filled + k % filled] = sum;
            }
            filled *= 2;
        }
        points
    }

    fn places(width: u32) -> usize {
        // One bit more than the scalars have: the carry of signed digits.
        (C::BITS as usize + 1).div_ceil(width as usize)
    }

    /// The multiples of the generator by all `scalars`. Bits beyond [`Weierstrass::BITS`] must be zero.
    pub(crate) fn multiply(&self, scalars: &[[u64; N]]) -> Vec<Point<N>> {
        let count = scalars.len();
        if count < MIN_VECTORS {
            return self.multiply_few(scalars);
        }
        if self.packed.is_empty() {
            return self.multiply_plainly(scalars);
        }
        let mut digits = Zeroizing::new(Vec::with_capacity((Self::places(self.width) + 1) * count));
        let mut carries = Zeroizing::new(vec![0u8; count]);
        for place in 0..Self::places(self.width) as u32 {
            let digit = |(scalar, carry)| signed_digit(scalar, place, self.width, carry) as i16;
            digits.extend(scalars.iter().zip(carries.iter_mut()).map(digit));
        }
        digits.extend(std::iter::repeat_n(1, count));
        let rows = self.packed.chunks_exact(1 << (self.width - 1));
        let (mut sums, failed) = C::Vectors::add_up(&self.start, rows, &digits, count);
        for index in failed.into_iter().filter(|index| *index < count) {
            sums[index] = self.multiply_few(&scalars[index..=index])[0];
        }
        sums
    }

    fn multiply_plainly(&self, scalars: &[[u64; N]]) -> Vec<Point<N>> {
        let row = 1usize << (self.width - 1);
        let mut sums = vec![Point::NEUTRAL; scalars.len()];
        let mut digits = vec![0i32; scalars.len()];
        let mut carries = vec![0u8; scalars.len()];
        let mut scratch = Scratch::new();
        for (place, row) in self.points.chunks_exact(row).enumerate() {
            for ((digit, carry), scalar) in digits.iter_mut().zip(&mut carries).zip(scalars) {
                *digit = signed_digit(scalar, place as u32, self.width, carry);
            }
            scratch.add::<C>(&mut sums, &self.a, |i| Point::multiple::<C::Field>(row, digits[i]));
        }
        digits.zeroize();
        carries.zeroize();
        sums
    }

    /// The point of the table that a digit picks at a place.
    fn term(&self, place: usize, digit: i32) -> Point<N> {
        let row = 1usize << (self.width - 1);
        match self.packed.get(place * row + (digit.unsigned_abs() as usize).saturating_sub(1)) {
            _ if digit == 0 => Point::NEUTRAL,
            None => Point::multiple::<C::Field>(&self.points[place * row..(place + 1) * row], digit),
            Some(packed) if digit > 0 => C::Vectors::unpack(packed),
            Some(packed) => C::Vectors::unpack(packed).negated::<C::Field>(),
        }
    }

    /// The same for few scalars: the terms of each are added up two by two, so that there are few inversions.
    fn multiply_few(&self, scalars: &[[u64; N]]) -> Vec<Point<N>> {
        let (count, mut scratch) = (scalars.len(), Scratch::new());
        let mut carries = vec![0u8; count];
        let mut terms: Vec<Point<N>> = Vec::with_capacity(Self::places(self.width) * count);
        for place in 0..Self::places(self.width) {
            let digit = |(scalar, carry)| signed_digit(scalar, place as u32, self.width, carry);
            let digits = scalars.iter().zip(&mut carries).map(digit);
            terms.extend(digits.map(|digit| self.term(place, digit)));
        }
        while terms.len() > count {
            let half = (terms.len() / count).div_ceil(2) * count;
            let (sums, others) = terms.split_at_mut(half);
            scratch.add::<C>(&mut sums[..others.len()], &self.a, |i| others[i]);
            terms.truncate(half);
        }
        carries.zeroize();
        terms
    }
}

/// `2^exponent(i)` times a point, for `count` exponents that rise. Doubles in Jacobian coordinates (`x = X / Z^2`, `y = Y / Z^3`),
/// which needs no inversion but one for all in the end.
pub(super) fn powers<C: Weierstrass<N>, const N: usize>(
    point: Point<N>,
    count: usize,
    exponent: impl Fn(usize) -> u32,
) -> Vec<Point<N>> {
    let (mul, add, sub) = (field::mul::<C::Field, N>, field::add::<C::Field, N>, field::sub::<C::Field, N>);
    let (a, double) = (C::a(), |n: &[u64; N]| field::add::<C::Field, N>(n, n));
    let (mut x, mut y, mut z, mut at) = (point.x, point.y, C::Field::ONE, 0);
    let (mut powers, mut zs) = (Vec::with_capacity(count), Vec::with_capacity(count));
    for i in 0..count {
        while at < exponent(i) {
            let (xx, yy, zz) = (mul(&x, &x), mul(&y, &y), mul(&z, &z));
            let s = double(&double(&mul(&x, &yy)));
            let m = add(&add(&double(&xx), &xx), &mul(&a, &mul(&zz, &zz)));
            z = double(&mul(&y, &z));
            x = sub(&mul(&m, &m), &double(&s));
            y = sub(&mul(&m, &sub(&s, &x)), &double(&double(&double(&mul(&yy, &yy)))));
            at += 1;
        }
        powers.push(Point { x, y });
        zs.push(z);
    }
    invert_all::<C::Field, N>(&mut zs);
    for (power, inverse) in powers.iter_mut().zip(zs) {
        let square = mul(&inverse, &inverse);
        *power = Point { x: mul(&power.x, &square), y: mul(&power.y, &mul(&square, &inverse)) };
    }
    powers
}

/// The digit of a number at a place, and the carry to the next one.
#[inline(always)]
fn signed_digit<const N: usize>(number: &[u64; N], place: u32, width: u32, carry: &mut u8) -> i32 {
    let value = bits(number, place * width, width) as i32 + i32::from(*carry);
    *carry = u8::from(value > 1 << (width - 1));
    value - (i32::from(*carry) << width)
}

/// `count` bits of a number from bit `from` on.
#[inline(always)]
fn bits<const N: usize>(number: &[u64; N], from: u32, count: u32) -> u64 {
    let (limb, shift) = ((from / 64) as usize, from % 64);
    let low = number.get(limb).map_or(0, |l| l >> shift);
    let high = if shift == 0 { 0 } else { number.get(limb + 1).map_or(0, |l| l << (64 - shift)) };
    (low | high) & ((1 << count) - 1)
}

/// The inverses of all `values`; of 0 it is 0.
pub(crate) fn invert_all<F: Field<N>, const N: usize>(values: &mut [[u64; N]]) {
    let mut products = Vec::with_capacity(values.len());
    let mut running = F::ONE;
    for value in values.iter() {
        products.push(running);
        if !field::is_zero(value) {
            running = field::mul::<F, N>(&running, value);
        }
    }
    let mut inverse = field::invert::<F, N>(&running);
    for (value, product) in values.iter_mut().zip(products).rev() {
        if !field::is_zero(value) {
            let this = field::mul::<F, N>(&inverse, &product);
            inverse = field::mul::<F, N>(&inverse, value);
            *value = this;
        }
    }
}
