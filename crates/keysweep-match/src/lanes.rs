//! Sums of points on elliptic curves over fields of 256 bits, eight at a time, with the vector instructions that multiply
//! numbers of 52 bits (AVX-512 IFMA).
//!
//! What is added to all sums in one step comes out of one table: [`Sums::add`] takes, for each sum, the digit that picks its
//! term. Sums are affine, and one inversion serves all additions of a step (Montgomery's trick), so that an addition takes
//! six multiplications. The inversion is the caller's, as is all that happens once in a lifetime: a sum and a term with the same `x`,
//! which has no slope, is left as it is and named.
//!
//! Numbers are in Montgomery form with the radix 2^260: `x * 2^260` modulo the prime. Nothing here is constant-time.

#[cfg(target_arch = "x86_64")]
mod ifma;
#[cfg(test)]
mod tests;

/// A prime of 255 or 256 bits.
pub trait Prime256: Copy + Send + Sync + 'static {
    /// The prime, as limbs, least significant first.
    const PRIME: [u64; 4];
}

/// A point in affine coordinates, which are below the prime.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(C, align(64))]
pub struct Point256 {
    /// `x * 2^260`, limbs of 64 bits, least significant first.
    pub x: [u64; 4],
    /// `y * 2^260`.
    pub y: [u64; 4],
}

/// Numbers in a vector.
pub const LANES: usize = 8;
/// Digits of a number, of 52 bits each.
const DIGITS: usize = 5;

/// Eight numbers: the lowest digits of all, then the next ones.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(64))]
struct Eight([[u64; LANES]; DIGITS]);

impl Eight {
    const ZERO: Self = Self([[0; LANES]; DIGITS]);
}

/// Inverts numbers in place: `x * 2^260` becomes `2^260 / x`. None is zero.
pub type Invert<'a> = &'a dyn Fn(&mut [[u64; 4]]);

/// Sums of points.
pub struct Sums<P> {
    x: Vec<Eight>,
    y: Vec<Eight>,
    prime: std::marker::PhantomData<P>,
}

/// Room for the additions of a step.
#[derive(Default)]
pub struct Room {
    x: Vec<Eight>,
    y: Vec<Eight>,
    denominators: Vec<Eight>,
    products: Vec<Eight>,
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

impl<P: Prime256> Sums<P> {
    /// `count` sums, rounded up to whole pairs of vectors, that begin as `start`.
    ///
    /// # Panics
    ///
    /// If [`available`] is false.
    pub fn new(count: usize, start: &Point256) -> Self {
        assert!(available());
        let vectors = 2 * count.div_ceil(2 * LANES);
        let mut sums = Self { x: Vec::new(), y: Vec::new(), prime: std::marker::PhantomData };
        sums.x.resize(vectors, spread(&start.x));
        sums.y.resize(vectors, spread(&start.y));
        sums
    }

    /// Number of sums.
    #[allow(clippy::len_without_is_empty)] // There is none without.
    pub fn len(&self) -> usize {
        LANES * self.x.len()
    }

    /// Makes the first `count` sums `start` again.
    pub fn restart(&mut self, count: usize, start: &Point256) {
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
        row: &[Point256],
        digits: &[i16],
        room: &mut Room,
        invert: Invert<'_>,
        left: &mut Vec<usize>,
    ) {
        let most = digits.iter().map(|d| usize::from(d.unsigned_abs())).max().unwrap_or(0);
        assert!(most <= row.len() && digits.len() <= self.len());
        #[cfg(target_arch = "x86_64")]
        // SAFETY: `new` saw that the CPU has the instructions; the digits are those of points in the row.
        unsafe {
            ifma::add::<P>(self, row, digits, room, invert, left);
        }
        #[cfg(not(target_arch = "x86_64"))]
        let _ = (room, invert, left);
    }

    /// The numbers, below `count`, of sums that are probably the sum of that in `other` and of `point`: the three lie on a line with
    /// its negative, as far as the lowest 52 bits of a determinant tell.
    pub fn differ_by(&self, other: &Self, point: &Point256, count: usize, found: &mut Vec<usize>) {
        let count = count.min(self.len()).min(other.len());
        #[cfg(target_arch = "x86_64")]
        // SAFETY: `new` saw that the CPU has the instructions.
        unsafe {
            ifma::differ_by::<P>(self, other, point, count, found);
        }
        #[cfg(not(target_arch = "x86_64"))]
        let _ = (point, count, found);
    }

    /// A sum.
    pub fn get(&self, index: usize) -> Point256 {
        let (vector, lane) = (index / LANES, index % LANES);
        Point256 { x: reduce(&self.x[vector], lane, &P::PRIME), y: reduce(&self.y[vector], lane, &P::PRIME) }
    }
}

const MASK: u64 = (1 << 52) - 1;

/// The digits of 52 bits of a number.
const fn digits(limbs: &[u64; 4]) -> [u64; DIGITS] {
    [
        limbs[0] & MASK,
        (limbs[0] >> 52 | limbs[1] << 12) & MASK,
        (limbs[1] >> 40 | limbs[2] << 24) & MASK,
        (limbs[2] >> 28 | limbs[3] << 36) & MASK,
        limbs[3] >> 16,
    ]
}

/// The number below 2^256 of digits below 2^52.
const fn limbs(d: &[u64; DIGITS]) -> [u64; 4] {
    [d[0] | d[1] << 52, d[1] >> 12 | d[2] << 40, d[2] >> 24 | d[3] << 28, d[3] >> 36 | d[4] << 16]
}

fn spread(number: &[u64; 4]) -> Eight {
    Eight(digits(number).map(|digit| [digit; LANES]))
}

/// One of eight numbers below four times the prime, below the prime.
fn reduce(eight: &Eight, lane: usize, prime: &[u64; 4]) -> [u64; 4] {
    let p = digits(prime);
    let mut number: [u64; DIGITS] = std::array::from_fn(|i| eight.0[i][lane]);
    for _ in 0..3 {
        let mut less = [0; DIGITS];
        let mut borrow = 0;
        for i in 0..DIGITS {
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
