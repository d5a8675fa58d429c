//! Sums of points on elliptic curves, eight at a time, with the vector instructions that multiply numbers of 52 bits (AVX-512
//! IFMA).
//!
//! What is added to all sums in one step comes out of one table: [`Sums::add`] takes, for each sum, the digit that picks its
//! term. Sums are affine, and one inversion serves all additions of a step (Montgomery's trick), so that an addition takes
//! six multiplications. The inversion is the caller's, as is all that happens once in a lifetime: a sum and a term with the same `x`,
//! which has no slope, is left as it is and named.
//!
//! A field's numbers have `N` limbs of 64 bits, or `D` digits of 52, and are in Montgomery form with the radix `2^(52 D)`: `x *
//! 2^(52 D)` modulo the prime. `K` vectors are computed with at a time, so that enough products are under way: two of few digits, one
//! of many. Nothing here is constant-time.

#[cfg(target_arch = "x86_64")]
mod ifma;
#[cfg(test)]
mod tests;

/// A prime of up to `64 N` bits, and at least four less than all digits.
pub trait Prime<const N: usize>: Copy + Send + Sync + 'static {
    /// The prime, as limbs, least significant first.
    const PRIME: [u64; N];
}

/// A point in affine coordinates, which are below the prime.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(C, align(64))]
pub struct LanePoint<const N: usize> {
    /// `x * 2^(52 D)`, limbs of 64 bits, least significant first.
    pub x: [u64; N],
    /// `y * 2^(52 D)`.
    pub y: [u64; N],
}

/// Numbers in a vector.
pub const LANES: usize = 8;
/// Eight numbers: the lowest digits of all, then the next ones.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(64))]
struct Eight<const D: usize>([[u64; LANES]; D]);

impl<const D: usize> Eight<D> {
    const ZERO: Self = Self([[0; LANES]; D]);
}

/// Inverts numbers in place: `x * 2^(52 D)` becomes `2^(52 D) / x`. None is zero.
pub type Invert<'a, const N: usize> = &'a dyn Fn(&mut [[u64; N]]);

/// Sums of points.
pub struct Sums<P, const N: usize, const D: usize, const K: usize> {
    x: Vec<Eight<D>>,
    y: Vec<Eight<D>>,
    prime: std::marker::PhantomData<P>,
}

/// Room for the additions of a step.
#[derive(Default)]
pub struct Room<const D: usize> {
    x: Vec<Eight<D>>,
    y: Vec<Eight<D>>,
    denominators: Vec<Eight<D>>,
    products: Vec<Eight<D>>,
    /// To which sums nothing is added: one bit each.
    skip: Vec<u8>,
}

/// Whether this CPU can do it. All else in this module must be used only where it can.
pub fn available() -> bool {
    #[cfg(target_arch = "x86_64")]
    return is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512ifma");
    #[cfg(not(target_arch = "x86_64"))]
    false
}

impl<P: Prime<N>, const N: usize, const D: usize, const K: usize> Sums<P, N, D, K> {
    /// `count` sums, rounded up to whole groups of `K` vectors, that begin as `start`.
    ///
    /// # Panics
    ///
    /// If [`available`] is false.
    pub fn new(count: usize, start: &LanePoint<N>) -> Self {
        assert!(available());
        // Sixteen times the prime fits into the digits.
        const { assert!(64 * N - P::PRIME[N - 1].leading_zeros() as usize + 4 <= 52 * D) };
        let vectors = K * count.div_ceil(K * LANES);
        let mut sums = Self { x: Vec::new(), y: Vec::new(), prime: std::marker::PhantomData };
        sums.x.resize(vectors, spread(&start.x));
        sums.y.resize(vectors, spread(&start.y));
        sums
    }

    /// A sum for each of some points, which begins as that.
    ///
    /// # Panics
    ///
    /// If [`available`] is false.
    pub fn of(points: &[LanePoint<N>]) -> Self {
        let mut sums = Self::new(points.len(), &LanePoint { x: [0; N], y: [0; N] });
        #[cfg(target_arch = "x86_64")]
        // SAFETY: `new` saw that the CPU has the instructions.
        unsafe {
            ifma::import::<P, N, D, K>(&mut sums, points);
        }
        sums
    }

    /// Writes out the first sums, each coordinate times `factor / 2^(52 D)`; `factor` is below the prime.
    ///
    /// # Panics
    ///
    /// If there are fewer sums.
    pub fn export(&self, factor: &[u64; N], out: &mut [LanePoint<N>]) {
        assert!(out.len() <= self.len());
        #[cfg(target_arch = "x86_64")]
        // SAFETY: `new` saw that the CPU has the instructions.
        unsafe {
            ifma::export::<P, N, D, K>(self, factor, out);
        }
        #[cfg(not(target_arch = "x86_64"))]
        let _ = factor;
    }

    /// Number of sums.
    #[allow(clippy::len_without_is_empty)] // There is none without.
    pub fn len(&self) -> usize {
        LANES * self.x.len()
    }

    /// Makes the first `count` sums `start` again.
    pub fn restart(&mut self, count: usize, start: &LanePoint<N>) {
        let vectors = count.div_ceil(LANES).min(self.x.len());
        self.x[..vectors].fill(spread(&start.x));
        self.y[..vectors].fill(spread(&start.y));
    }

    /// Takes over the first `count` sums of another.
    pub fn copy(&mut self, from: &Self, count: usize) {
        let vectors = count.div_ceil(LANES).min(self.x.len()).min(from.x.len());
        self.x[..vectors].copy_from_slice(&from.x[..vectors]);
        self.y[..vectors].copy_from_slice(&from.y[..vectors]);
    }

    /// Adds `row[d - 1]` to each sum whose digit `d` is positive, the negative of `row[-d - 1]` if it is negative, nothing if it is
    /// zero. As many sums are changed as there are digits, rounded up to whole vectors with zeros. The numbers of
    /// those that had no slope, and are left as they were, are appended to `left`.
    ///
    /// # Panics
    ///
    /// If a digit is out of the row.
    pub fn add(
        &mut self,
        row: &[LanePoint<N>],
        digits: &[i16],
        room: &mut Room<D>,
        invert: Invert<'_, N>,
        left: &mut Vec<usize>,
    ) {
        let most = digits.iter().map(|d| usize::from(d.unsigned_abs())).max().unwrap_or(0);
        assert!(most <= row.len() && digits.len() <= self.len());
        #[cfg(target_arch = "x86_64")]
        // SAFETY: `new` saw that the CPU has the instructions; the digits are those of points in the row.
        unsafe {
            ifma::add::<P, N, D, K>(self, row, digits, room, invert, left);
        }
        #[cfg(not(target_arch = "x86_64"))]
        let _ = (room, invert, left);
    }

    /// The numbers, below `count`, of sums that are probably the sum of that in `other` and of `point`: the three lie on a line with
    /// its negative, as far as the lowest 52 bits of a determinant tell.
    pub fn differ_by(&self, other: &Self, point: &LanePoint<N>, count: usize, found: &mut Vec<usize>) {
        let count = count.min(self.len()).min(other.len());
        #[cfg(target_arch = "x86_64")]
        // SAFETY: `new` saw that the CPU has the instructions.
        unsafe {
            ifma::differ_by::<P, N, D, K>(self, other, point, count, found);
        }
        #[cfg(not(target_arch = "x86_64"))]
        let _ = (point, count, found);
    }

    /// A sum.
    pub fn get(&self, index: usize) -> LanePoint<N> {
        let (vector, lane) = (index / LANES, index % LANES);
        LanePoint { x: reduce(&self.x[vector], lane, &P::PRIME), y: reduce(&self.y[vector], lane, &P::PRIME) }
    }
}

const MASK: u64 = (1 << 52) - 1;

/// The digits of 52 bits of a number.
const fn digits<const N: usize, const D: usize>(limbs: &[u64; N]) -> [u64; D] {
    let mut digits = [0; D];
    let mut i = 0;
    while i < D {
        let (limb, shift) = (52 * i / 64, 52 * i % 64);
        if limb < N {
            digits[i] = limbs[limb] >> shift;
        }
        if shift > 12 && limb + 1 < N {
            digits[i] |= limbs[limb + 1] << (64 - shift);
        }
        digits[i] &= MASK;
        i += 1;
    }
    digits
}

/// The number below `2^(64 N)` of digits below 2^52.
const fn limbs<const N: usize, const D: usize>(digits: &[u64; D]) -> [u64; N] {
    let mut limbs = [0; N];
    let mut i = 0;
    while i < D {
        let (limb, shift) = (52 * i / 64, 52 * i % 64);
        if limb < N {
            limbs[limb] |= digits[i] << shift;
        }
        if shift > 12 && limb + 1 < N {
            limbs[limb + 1] |= digits[i] >> (64 - shift);
        }
        i += 1;
    }
    limbs
}

fn spread<const N: usize, const D: usize>(number: &[u64; N]) -> Eight<D> {
    Eight(digits(number).map(|digit| [digit; LANES]))
}

/// One of eight numbers below four times the prime, below the prime.
fn reduce<const N: usize, const D: usize>(eight: &Eight<D>, lane: usize, prime: &[u64; N]) -> [u64; N] {
    let p: [u64; D] = digits(prime);
    let mut number: [u64; D] = std::array::from_fn(|i| eight.0[i][lane]);
    for _ in 0..3 {
        let mut less = [0; D];
        let mut borrow = 0;
        for i in 0..D {
            let difference = number[i].wrapping_sub(p[i]).wrapping_sub(borrow);
            less[i] = difference & MASK;
            borrow = difference >> 63;
        }
        if borrow == 0 {
            number = less;
        }
    }
    limbs(&number)
}
