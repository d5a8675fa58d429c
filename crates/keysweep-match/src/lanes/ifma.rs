//! The arithmetic, with the intrinsics.
//!
//! Numbers are eight at a time, in digits of 52 bits each. Products are below twice the prime if the factors are below four
//! times the prime: 16 p^2 / 2^(52 D) + p < 2 p. So a difference to which twice the prime is added need not be reduced.

use super::{Eight, Invert, LANES, LanePoint, Prime, Room, Sums, digits, reduce};
use std::arch::x86_64::*;

/// Eight numbers in registers.
type Vector<const D: usize> = [__m512i; D];
/// Some of them.
type Group<const D: usize, const K: usize> = [Vector<D>; K];

/// `-1 / P` modulo 2^52.
const fn negative_inverse(odd: u64) -> u64 {
    let mut inverse = odd.wrapping_mul(3) ^ 2;
    let mut step = 0;
    while step < 4 {
        inverse = inverse.wrapping_mul(2u64.wrapping_sub(odd.wrapping_mul(inverse)));
        step += 1;
    }
    inverse.wrapping_neg() & ((1 << 52) - 1)
}

/// The constants of a prime.
struct Constants<P, const N: usize, const D: usize>(std::marker::PhantomData<P>);

impl<P: Prime<N>, const N: usize, const D: usize> Constants<P, N, D> {
    const P: [u64; D] = digits(&P::PRIME);
    const NEGATIVE_INVERSE: u64 = negative_inverse(P::PRIME[0]);
    /// Twice the prime, digits not carried.
    const TWICE: [u64; D] = {
        let mut twice = Self::P;
        let mut i = 0;
        while i < D {
            twice[i] *= 2;
            i += 1;
        }
        twice
    };
    /// `2^(52 D)` modulo the prime.
    const ONE: [u64; D] = digits(&one::<N, D>(&P::PRIME));
    /// The lowest digits of the multiples of the prime below four times the prime.
    const MULTIPLES: [u64; 4] = {
        let mask = (1 << 52) - 1;
        let p = Self::P[0];
        [0, p, (2 * p) & mask, (3 * p) & mask]
    };
}

/// `2^(52 D)` modulo a prime, by doubling 1.
const fn one<const N: usize, const D: usize>(p: &[u64; N]) -> [u64; N] {
    let mut value = [0u64; N];
    value[0] = 1;
    let mut step = 0;
    while step < 52 * D {
        let mut less = [0; N];
        let (mut carry, mut borrow) = (0, 0);
        let mut i = 0;
        while i < N {
            let doubled = value[i] << 1 | carry;
            carry = value[i] >> 63;
            let (d, b1) = doubled.overflowing_sub(p[i]);
            let (d, b2) = d.overflowing_sub(borrow);
            borrow = (b1 | b2) as u64;
            value[i] = doubled;
            less[i] = d;
            i += 1;
        }
        if carry >= borrow {
            value = less;
        }
        step += 1;
    }
    value
}

#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn all(value: u64) -> __m512i {
    _mm512_set1_epi64(value as i64)
}

#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn load<const D: usize>(from: &Eight<D>) -> Vector<D> {
    let mut vector = [_mm512_setzero_si512(); D];
    for (value, row) in vector.iter_mut().zip(&from.0) {
        // SAFETY: each row is 64 bytes, aligned.
        *value = unsafe { _mm512_load_si512(row.as_ptr().cast()) };
    }
    vector
}

#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn store<const D: usize>(to: &mut Eight<D>, vector: Vector<D>) {
    for (row, value) in to.0.iter_mut().zip(vector) {
        // SAFETY: each row is 64 bytes, aligned.
        unsafe { _mm512_store_si512(row.as_mut_ptr().cast(), value) };
    }
}

/// Makes digits below 2^52 out of larger ones; the number is not negative, and below `2^(52 D)`.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn carry<const D: usize>(t: Vector<D>) -> Vector<D> {
    let mask = all((1 << 52) - 1);
    let mut out = t;
    let mut carry = _mm512_srai_epi64::<52>(t[0]);
    out[0] = _mm512_and_si512(t[0], mask);
    for i in 1..D {
        let digit = _mm512_add_epi64(t[i], carry);
        carry = _mm512_srai_epi64::<52>(digit);
        out[i] = _mm512_and_si512(digit, mask);
    }
    out
}

/// `a * b / 2^(52 D)`, below twice the prime, for factors below four times the prime: `K` vectors of products at a time, since
/// each step of one waits for the last.
#[allow(clippy::needless_range_loop)] // A digit of all vectors together.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn mul<P: Prime<N>, const N: usize, const D: usize, const K: usize>(a: &Group<D, K>, b: &Group<D, K>) -> Group<D, K> {
    let zero = _mm512_setzero_si512();
    let inverse = all(Constants::<P, N, D>::NEGATIVE_INVERSE);
    let p = Constants::<P, N, D>::P;
    let mut t = [[zero; D]; K];
    for i in 0..D {
        let mut m = [zero; K];
        for k in 0..K {
            for j in 0..D {
                t[k][j] = _mm512_madd52lo_epu64(t[k][j], a[k][j], b[k][i]);
            }
        }
        for k in 0..K {
            let low = t[k][0];
            let unit = Constants::<P, N, D>::NEGATIVE_INVERSE == 1;
            m[k] = if unit { low } else { _mm512_madd52lo_epu64(zero, low, inverse) };
        }
        for k in 0..K {
            for j in (0..D).filter(|j| p[*j] != 0) {
                t[k][j] = _mm512_madd52lo_epu64(t[k][j], m[k], all(p[j]));
            }
            let first = t[k][0];
            for j in 1..D {
                t[k][j - 1] = t[k][j];
            }
            t[k][D - 1] = zero;
            t[k][0] = _mm512_add_epi64(t[k][0], _mm512_srli_epi64::<52>(first));
        }
        for k in 0..K {
            for j in 0..D {
                t[k][j] = _mm512_madd52hi_epu64(t[k][j], a[k][j], b[k][i]);
            }
            for j in (0..D).filter(|j| p[*j] != 0) {
                t[k][j] = _mm512_madd52hi_epu64(t[k][j], m[k], all(p[j]));
            }
        }
    }
    for t in &mut t {
        *t = carry(*t);
    }
    t
}

/// `a - b` plus twice the prime: below four times the prime, if both are below twice the prime.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn sub<P: Prime<N>, const N: usize, const D: usize, const K: usize>(a: &Group<D, K>, b: &Group<D, K>) -> Group<D, K> {
    let mut difference = *a;
    for k in 0..K {
        for i in 0..D {
            let more = _mm512_add_epi64(a[k][i], all(Constants::<P, N, D>::TWICE[i]));
            difference[k][i] = _mm512_sub_epi64(more, b[k][i]);
        }
        difference[k] = carry(difference[k]);
    }
    difference
}

/// A number below four times the prime made one below twice the prime.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn halve<P: Prime<N>, const N: usize, const D: usize, const K: usize>(a: &Group<D, K>) -> Group<D, K> {
    let mask = all((1 << 52) - 1);
    let mut less = *a;
    let mut borrow = [_mm512_setzero_si512(); K];
    for i in 0..D {
        for k in 0..K {
            let twice = all(Constants::<P, N, D>::TWICE[i]);
            let difference = _mm512_add_epi64(_mm512_sub_epi64(a[k][i], twice), borrow[k]);
            borrow[k] = _mm512_srai_epi64::<52>(difference);
            less[k][i] = _mm512_and_si512(difference, mask);
        }
    }
    for k in 0..K {
        let negative = _mm512_cmplt_epi64_mask(borrow[k], _mm512_setzero_si512());
        less[k] = blend(negative, &less[k], &a[k]);
    }
    less
}

/// `b` where the mask says so, else `a`.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn blend<const D: usize>(mask: __mmask8, a: &Vector<D>, b: &Vector<D>) -> Vector<D> {
    let mut blended = *a;
    for i in 0..D {
        blended[i] = _mm512_mask_blend_epi64(mask, a[i], b[i]);
    }
    blended
}

/// Which lanes of numbers below four times the prime are probably zero, by the lowest digit.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn zero_lanes<P: Prime<N>, const N: usize, const D: usize>(low: __m512i) -> __mmask8 {
    let multiples = Constants::<P, N, D>::MULTIPLES;
    multiples.into_iter().fold(0, |mask, low_digit| mask | _mm512_cmpeq_epi64_mask(low, all(low_digit)))
}

/// Eight points of a row.
struct Gathered<const D: usize> {
    x: Vector<D>,
    y: Vector<D>,
    /// Which are none, because the digit is 0.
    none: __mmask8,
    /// Which are to be negated.
    minus: __mmask8,
}

/// Most vectors that a point takes.
const POINT: usize = 3;

/// The points that digits pick of a row, which are in range.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
unsafe fn gather<const N: usize, const D: usize>(row: &[LanePoint<N>], digits: &[i16; LANES]) -> Gathered<D> {
    const { assert!(size_of::<LanePoint<N>>() <= 64 * POINT) };
    let mut words = [[_mm512_setzero_si512(); LANES]; POINT];
    let (mut none, mut minus) = (0u8, 0u8);
    for (i, digit) in digits.iter().enumerate() {
        none |= u8::from(*digit == 0) << i;
        minus |= u8::from(*digit < 0) << i;
        let index = usize::from(digit.unsigned_abs()).max(1) - 1;
        for (part, words) in words.iter_mut().enumerate().take(size_of::<LanePoint<N>>() / 64) {
            // SAFETY: the caller's digits are in range; a point is made of whole vectors, aligned.
            words[i] = unsafe { _mm512_load_si512(row.as_ptr().add(index).cast::<__m512i>().add(part)) };
        }
    }
    for words in words.iter_mut().take(size_of::<LanePoint<N>>() / 64) {
        *words = transpose(*words);
    }
    let words = words.as_flattened();
    Gathered { x: spread(&words[..N]), y: spread(&words[N..2 * N]), none, minus }
}

/// Limbs of 64 bits as digits of 52.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn spread<const D: usize>(limbs: &[__m512i]) -> Vector<D> {
    let (mask, zero) = (all((1 << 52) - 1), _mm512_setzero_si512());
    let mut digits = [zero; D];
    for (i, digit) in digits.iter_mut().enumerate() {
        let (limb, shift) = (52 * i / 64, (52 * i % 64) as u64);
        let at = |index: usize| limbs.get(index).copied().unwrap_or(zero);
        let low = _mm512_srlv_epi64(at(limb), all(shift));
        // What is shifted by 64 is gone.
        let high = _mm512_sllv_epi64(at(limb + 1), all(64 - shift));
        *digit = _mm512_and_si512(_mm512_or_si512(low, high), mask);
    }
    digits
}

/// The rows and columns of eight by eight words exchanged.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn transpose(r: [__m512i; LANES]) -> [__m512i; LANES] {
    let mut t = r;
    for i in 0..4 {
        t[2 * i] = _mm512_unpacklo_epi64(r[2 * i], r[2 * i + 1]);
        t[2 * i + 1] = _mm512_unpackhi_epi64(r[2 * i], r[2 * i + 1]);
    }
    // t[0]: words 0, 2, 4, 6 of rows 0 and 1; t[1]: words 1, 3, 5, 7.
    let mut u = t;
    for i in 0..2 {
        for k in 0..2 {
            let (a, b) = (t[4 * i + k], t[4 * i + 2 + k]);
            u[4 * i + k] = _mm512_shuffle_i64x2::<0b1000_1000>(a, b); // Words 0 and 4, or 1 and 5, of rows 4 i to 4 i + 3.
            u[4 * i + 2 + k] = _mm512_shuffle_i64x2::<0b1101_1101>(a, b); // Words 2 and 6, or 3 and 7.
        }
    }
    let mut v = u;
    for k in 0..4 {
        v[k] = _mm512_shuffle_i64x2::<0b1000_1000>(u[k], u[4 + k]);
        v[4 + k] = _mm512_shuffle_i64x2::<0b1101_1101>(u[k], u[4 + k]);
    }
    v
}

/// Vectors from the one whose points are gathered to the one whose points are asked for.
const AHEAD: usize = 6;

/// # Safety
///
/// The CPU has the instructions, the digits are from `-row.len()` to `row.len()`, and there are as many sums, rounded up to groups of
/// vectors.
#[target_feature(enable = "avx512f,avx512ifma")]
pub(super) unsafe fn add<P: Prime<N>, const N: usize, const D: usize, const K: usize>(
    sums: &mut Sums<P, N, D, K>,
    row: &[LanePoint<N>],
    given: &[i16],
    room: &mut Room<D>,
    invert: Invert<'_, N>,
    left: &mut Vec<usize>,
) {
    let groups = given.len().div_ceil(K * LANES);
    for list in [&mut room.x, &mut room.y, &mut room.denominators, &mut room.products] {
        list.resize((K * groups).max(list.len()), Eight::ZERO);
    }
    room.skip.resize((K * groups).max(room.skip.len()), 0);
    let one: Vector<D> = std::array::from_fn(|i| all(Constants::<P, N, D>::ONE[i]));
    // Products that grow side by side, since each waits for its last factor.
    let mut running = [one; K];
    for (g, chunk) in given.chunks(K * LANES).enumerate() {
        for digit in given.iter().skip(K * LANES * g + AHEAD * LANES).take(K * LANES) {
            let index = usize::from(digit.unsigned_abs()).max(1) - 1;
            let point = row.as_ptr().wrapping_add(index).cast::<__m512i>();
            for part in 0..size_of::<LanePoint<N>>() / 64 {
                _mm_prefetch::<_MM_HINT_T0>(point.wrapping_add(part).cast());
            }
        }
        let mut digits = [[0; LANES]; K];
        digits.as_flattened_mut()[..chunk.len()].copy_from_slice(chunk);
        let (mut x, mut y) = ([one; K], [one; K]);
        let (mut none, mut minus) = ([0; K], [0; K]);
        for k in 0..K {
            // SAFETY: the caller's digits are in range, and so is 0 if there is any point.
            let gathered = unsafe { gather::<N, D>(row, &digits[k]) };
            (x[k], y[k], none[k], minus[k]) = (gathered.x, gathered.y, gathered.none, gathered.minus);
        }
        // -y as 2 p - y.
        let negative = sub::<P, N, D, K>(&[[_mm512_setzero_si512(); D]; K], &y);
        let difference = sub::<P, N, D, K>(&x, &load_group(&sums.x, g));
        let mut denominator = difference;
        for k in 0..K {
            let no_slope = zero_lanes::<P, N, D>(difference[k][0]) & !none[k];
            if no_slope != 0 {
                let lanes = (0..LANES).filter(|lane| no_slope >> lane & 1 != 0);
                left.extend(lanes.map(|lane| LANES * (K * g + k) + lane));
            }
            room.skip[K * g + k] = none[k] | no_slope;
            denominator[k] = blend(none[k] | no_slope, &difference[k], &one);
            y[k] = blend(minus[k], &y[k], &negative[k]);
        }
        store_group(&mut room.x, g, x);
        store_group(&mut room.y, g, y);
        store_group(&mut room.denominators, g, denominator);
        store_group(&mut room.products, g, running);
        running = mul::<P, N, D, K>(&running, &denominator);
    }
    let mut inverse = invert_lanes::<P, N, D, K>(running, invert);
    for g in (0..groups).rev() {
        let denominator = load_group(&room.denominators, g);
        let this = mul::<P, N, D, K>(&inverse, &load_group(&room.products, g));
        inverse = mul::<P, N, D, K>(&inverse, &denominator);
        let (x, y) = (load_group(&sums.x, g), load_group(&sums.y, g));
        let (term_x, term_y) = (load_group(&room.x, g), load_group(&room.y, g));
        let slope = mul::<P, N, D, K>(&sub::<P, N, D, K>(&term_y, &y), &this);
        let square = mul::<P, N, D, K>(&slope, &slope);
        // slope^2 - x - x' + 4 p is below six times the prime: halved on the way.
        let once = halve::<P, N, D, K>(&sub::<P, N, D, K>(&square, &x));
        let mut new_x = halve::<P, N, D, K>(&sub::<P, N, D, K>(&once, &term_x));
        let rise = mul::<P, N, D, K>(&slope, &sub::<P, N, D, K>(&x, &new_x));
        let mut new_y = halve::<P, N, D, K>(&sub::<P, N, D, K>(&rise, &y));
        for k in 0..K {
            let same = room.skip[K * g + k];
            (new_x[k], new_y[k]) = (blend(same, &new_x[k], &x[k]), blend(same, &new_y[k], &y[k]));
        }
        store_group(&mut sums.x, g, new_x);
        store_group(&mut sums.y, g, new_y);
    }
}

#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn load_group<const D: usize, const K: usize>(list: &[Eight<D>], group: usize) -> Group<D, K> {
    let mut values = [[_mm512_setzero_si512(); D]; K];
    for (value, eight) in values.iter_mut().zip(&list[K * group..][..K]) {
        *value = load(eight);
    }
    values
}

#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn store_group<const D: usize, const K: usize>(list: &mut [Eight<D>], group: usize, values: Group<D, K>) {
    for (value, eight) in values.into_iter().zip(&mut list[K * group..][..K]) {
        store(eight, value);
    }
}

/// The inverses of the lanes of some vectors.
#[target_feature(enable = "avx512f,avx512ifma")]
fn invert_lanes<P: Prime<N>, const N: usize, const D: usize, const K: usize>(
    vectors: Group<D, K>,
    invert: Invert<'_, N>,
) -> Group<D, K> {
    let mut eights = [Eight::ZERO; K];
    let mut numbers = [[[0; N]; LANES]; K];
    for ((eight, vector), numbers) in eights.iter_mut().zip(vectors).zip(&mut numbers) {
        store(eight, vector);
        for (lane, number) in numbers.iter_mut().enumerate() {
            *number = reduce(eight, lane, &P::PRIME);
        }
    }
    invert(numbers.as_flattened_mut());
    for (eight, numbers) in eights.iter_mut().zip(&numbers) {
        for (lane, number) in numbers.iter().enumerate() {
            for (row, digit) in eight.0.iter_mut().zip(digits::<N, D>(number)) {
                row[lane] = digit;
            }
        }
    }
    load_group(&eights, 0)
}

/// # Safety
///
/// The CPU has the instructions.
#[target_feature(enable = "avx512f,avx512ifma")]
pub(super) unsafe fn differ_by<P: Prime<N>, const N: usize, const D: usize, const K: usize>(
    sums: &Sums<P, N, D, K>,
    others: &Sums<P, N, D, K>,
    point: &LanePoint<N>,
    count: usize,
    found: &mut Vec<usize>,
) {
    let coordinate = |limbs: &[u64; N]| [load(&super::spread(limbs)); K];
    let (qx, qy) = (coordinate(&point.x), coordinate(&point.y));
    let zero = [[_mm512_setzero_si512(); D]; K];
    let minus_qy = halve::<P, N, D, K>(&sub::<P, N, D, K>(&zero, &qy));
    for g in 0..count.div_ceil(K * LANES) {
        let (x1, y1) = (load_group(&sums.x, g), load_group(&sums.y, g));
        let (x2, y2) = (load_group(&others.x, g), load_group(&others.y, g));
        // (x1, y1), (x2, -y2) and (qx, -qy) lie on a line.
        let minus_y2 = halve::<P, N, D, K>(&sub::<P, N, D, K>(&zero, &y2));
        let left = mul::<P, N, D, K>(&sub::<P, N, D, K>(&x1, &x2), &sub::<P, N, D, K>(&y1, &minus_qy));
        let right = mul::<P, N, D, K>(&sub::<P, N, D, K>(&x1, &qx), &sub::<P, N, D, K>(&y1, &minus_y2));
        for (k, difference) in sub::<P, N, D, K>(&left, &right).iter().enumerate() {
            let zero_lanes = zero_lanes::<P, N, D>(difference[0]);
            let lanes = (0..LANES).filter(|lane| zero_lanes >> lane & 1 != 0);
            found.extend(lanes.map(|lane| LANES * (K * g + k) + lane).filter(|i| *i < count));
        }
    }
}
