//! Reduction of lattices of a few dimensions and large numbers: the algorithm of Lenstra, Lenstra and Lovász with floating-point
//! orthogonalisation of exact products, as Nguyen and Stehlé describe it ("An LLL algorithm with quadratic complexity", 2009). By
//! their analysis the precision that it takes depends on the dimension only, and that of `f64` is enough for those here.

use super::super::limbs::{multiply_add, subtract};
use super::float::Float;
use zeroize::Zeroizing;

/// Largest number of vectors.
pub(super) const MAX_DIMENSION: usize = 16;
/// Lovász's condition: neighbours are exchanged if that makes the first one shorter by more than this.
const DELTA: f64 = 0.98;
/// What is left of a coefficient after size reduction.
const ETA: f64 = 0.52;
/// After how many rows it is seen how many limbs are in use.
const TRIM: usize = 64;

/// A basis: vectors of integers in two's complement, as wide as the largest one ever is.
pub(super) struct Lattice {
    dimension: usize,
    /// Limbs of a number, and of a product.
    width: usize,
    wide: usize,
    /// Limbs that are in use of a number, and of a product: the others are not looked at.
    used: usize,
    wide_used: usize,
    numbers: Zeroizing<Vec<u64>>,
    /// Products of vectors `i` and `j <= i`.
    products: Zeroizing<Vec<u64>>,
    /// Where the numbers and products of each vector lie.
    order: Vec<usize>,
    mu: [[Float; MAX_DIMENSION]; MAX_DIMENSION],
    r: [[Float; MAX_DIMENSION]; MAX_DIMENSION],
    /// Multiplications of limbs that are left.
    left: u64,
}

impl Lattice {
    /// The lattice of `dimension` vectors with no coordinate of more than `bits` bits, all of which are zero as yet. Reduction
    /// may take `effort` multiplications of limbs.
    pub(super) fn new(dimension: usize, bits: u32, effort: u64) -> Self {
        debug_assert!((2..=MAX_DIMENSION).contains(&dimension));
        // Room for sums, and for the sign.
        let width = bits as usize / 64 + 2;
        let wide = 2 * width;
        Self {
            dimension,
            width,
            wide,
            used: width,
            wide_used: wide,
            numbers: Zeroizing::new(vec![0; dimension * dimension * width]),
            products: Zeroizing::new(vec![0; dimension * dimension * wide]),
            order: (0..dimension).collect(),
            mu: [[Float::ZERO; MAX_DIMENSION]; MAX_DIMENSION],
            r: [[Float::ZERO; MAX_DIMENSION]; MAX_DIMENSION],
            left: effort,
        }
    }

    /// Sets a coordinate to a number that is not negative.
    pub(super) fn set(&mut self, vector: usize, coordinate: usize, limbs: &[u64]) {
        let at = self.number(vector, coordinate);
        self.numbers[at..at + limbs.len()].copy_from_slice(limbs);
    }

    /// A coordinate: whether it is negative, and the limbs of its magnitude.
    pub(super) fn get(&self, vector: usize, coordinate: usize) -> (bool, Zeroizing<Vec<u64>>) {
        let at = self.number(vector, coordinate);
        let mut limbs = Zeroizing::new(self.numbers[at..at + self.used].to_vec());
        let negative = limbs.last().is_some_and(|top| top >> 63 == 1);
        if negative {
            let mut borrow = 0;
            limbs.iter_mut().for_each(|limb| (*limb, borrow) = subtract(0, *limb, borrow));
        }
        (negative, limbs)
    }

    fn number(&self, vector: usize, coordinate: usize) -> usize {
        (self.order[vector] * self.dimension + coordinate) * self.width
    }

    fn product(&self, i: usize, j: usize) -> usize {
        let (i, j) = (self.order[i], self.order[j]);
        (i.max(j) * self.dimension + i.min(j)) * self.wide
    }

    fn product_float(&self, i: usize, j: usize) -> Float {
        let at = self.product(i, j);
        Float::from_limbs(&self.products[at..at + self.wide_used])
    }

    /// Reduces the basis, so that the first vector is short; `false` if that would take more than it may.
    pub(super) fn reduce(&mut self) -> bool {
        for i in 0..self.dimension {
            (0..=i).for_each(|j| self.multiply(i, j));
        }
        self.r[0][0] = self.product_float(0, 0);
        let (mut at, mut rows) = (1, 0);
        while at < self.dimension {
            let Some(lengths) = self.reduce_size(at) else { return false };
            // Where it belongs.
            let mut to = at;
            while to > 0 && lengths[to - 1].is_below(self.r[to - 1][to - 1] * Float::new(DELTA, 0)) {
                to -= 1;
            }
            let (mu, r) = (self.mu[at], self.r[at]);
            self.order[to..=at].rotate_right(1);
            self.mu[to..=at].rotate_right(1);
            self.r[to..=at].rotate_right(1);
            (self.mu[to], self.r[to]) = (mu, r);
            self.r[to][to] = lengths[to];
            at = to + 1;
            rows += 1;
            if rows % TRIM == 0 {
                self.trim();
            }
        }
        true
    }

    /// Subtracts multiples of the vectors before one, until none of its coefficients is large, and returns the squares of its lengths
    /// orthogonal to the first 0, 1, 2 … of them.
    fn reduce_size(&mut self, at: usize) -> Option<[Float; MAX_DIMENSION]> {
        loop {
            let lengths = self.orthogonalise(at);
            if !self.mu[at][..at].iter().any(|mu| mu.exceeds(ETA)) {
                return Some(lengths);
            }
            for j in (0..at).rev() {
                let factor = self.mu[at][j].rounded();
                if factor.1 == 0 {
                    continue;
                }
                self.left = self.left.checked_sub((self.dimension * (self.used + self.wide_used)) as u64)?;
                let multiple = Float::from_rounded(factor);
                for i in 0..j {
                    self.mu[at][i] = self.mu[at][i] - multiple * self.mu[j][i];
                }
                self.subtract_multiple(at, j, factor);
            }
        }
    }

    /// The coefficients of a vector.
    fn orthogonalise(&mut self, at: usize) -> [Float; MAX_DIMENSION] {
        let mut lengths = [Float::ZERO; MAX_DIMENSION];
        lengths[0] = self.product_float(at, at);
        for j in 0..at {
            let mut r = self.product_float(at, j);
            for i in 0..j {
                r = r - self.mu[j][i] * self.r[at][i];
            }
            self.r[at][j] = r;
            self.mu[at][j] = r.over(self.r[j][j]);
            lengths[j + 1] = lengths[j] - self.mu[at][j] * r;
        }
        lengths
    }

    /// Subtracts a multiple of vector `j` from vector `at`.
    fn subtract_multiple(&mut self, at: usize, j: usize, factor: (bool, u64, u32)) {
        for coordinate in 0..self.dimension {
            let (to, from) = (self.number(at, coordinate), self.number(j, coordinate));
            add_multiple(&mut self.numbers, to, from, self.used, (!factor.0, factor.1, factor.2));
        }
        let factor = (!factor.0, factor.1, factor.2);
        // (a - x b)^2 = a^2 - x a b - x (a - x b) b.
        let (square, pair) = (self.product(at, at), self.product(at, j));
        add_multiple(&mut self.products, square, pair, self.wide_used, factor);
        for i in (0..self.dimension).filter(|i| *i != at) {
            let (to, from) = (self.product(at, i), self.product(j, i));
            add_multiple(&mut self.products, to, from, self.wide_used, factor);
        }
        add_multiple(&mut self.products, square, pair, self.wide_used, factor);
    }

    /// Computes the product of two vectors.
    fn multiply(&mut self, i: usize, j: usize) {
        let mut sum = Zeroizing::new(vec![0u64; self.wide]);
        for coordinate in 0..self.dimension {
            let (a, b) = (self.number(i, coordinate), self.number(j, coordinate));
            let (a, b) = (&self.numbers[a..a + self.width], &self.numbers[b..b + self.width]);
            for (shift, limb) in a.iter().enumerate().filter(|(_, limb)| **limb != 0) {
                let mut carry = 0;
                for (to, other) in sum[shift..].iter_mut().zip(b.iter().chain(std::iter::repeat(&0))) {
                    (*to, carry) = multiply_add(*limb, *other, *to, carry);
                }
            }
        }
        let at = self.product(i, j);
        self.products[at..at + self.wide].copy_from_slice(&sum);
    }

    /// Leaves out limbs that only repeat the sign.
    fn trim(&mut self) {
        let used = |numbers: &[u64], width: usize, used: usize| {
            let needed = |number: &[u64]| {
                let flip = if number[used - 1] >> 63 == 1 { u64::MAX } else { 0 };
                number[..used].iter().rposition(|limb| limb ^ flip != 0).map_or(1, |top| top + 1)
            };
            // With one more for the sign, and for what may be added before this is seen again.
            (numbers.chunks(width).map(needed).max().unwrap_or(used) + 2).min(used)
        };
        self.used = used(&self.numbers, self.width, self.used);
        self.wide_used = used(&self.products, self.wide, self.wide_used);
    }
}

/// Adds a multiple of the number at `from` to the one at `to`, each of `count` limbs in two's complement; the multiple is
/// `digits * 2^shift`, or the negative of that.
fn add_multiple(
    numbers: &mut [u64],
    to: usize,
    from: usize,
    count: usize,
    (negative, digits, shift): (bool, u64, u32),
) {
    let (skip, shift) = ((shift / 64) as usize, shift % 64);
    let digits = u128::from(digits) << shift;
    for (skip, digits) in [(skip, digits as u64), (skip + 1, (digits >> 64) as u64)] {
        if digits == 0 || skip >= count {
            continue;
        }
        let (mut carry, mut borrow) = (0, 0);
        for i in 0..count - skip {
            let (to, from) = (to + skip + i, numbers[from + i]);
            if negative {
                let product;
                (product, carry) = multiply_add(digits, from, 0, carry);
                (numbers[to], borrow) = subtract(numbers[to], product, borrow);
            } else {
                (numbers[to], carry) = multiply_add(digits, from, numbers[to], carry);
            }
        }
    }
}
