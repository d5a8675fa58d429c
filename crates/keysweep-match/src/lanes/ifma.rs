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

/// Some numbers of a list as vectors, where they lie.
#[inline]
fn group<const D: usize, const K: usize>(list: &[Eight<D>], index: usize) -> &Group<D, K> {
    let these = &list[K * index..][..K];
    // SAFETY: each of the `K` rows is `D` times 64 bytes, aligned as vectors are.
    unsafe { &*these.as_ptr().cast() }
}

/// The same, to be changed.
#[inline]
fn group_mut<const D: usize, const K: usize>(list: &mut [Eight<D>], index: usize) -> &mut Group<D, K> {
    let these = &mut list[K * index..][..K];
    // SAFETY: as in `group`.
    unsafe { &mut *these.as_mut_ptr().cast() }
}

/// Room for results.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn zero<const D: usize, const K: usize>() -> Group<D, K> {
    [[_mm512_setzero_si512(); D]; K]
}

/// Makes digits below 2^52 out of larger ones; the number is not negative, and below `2^(52 D)`.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn carry<const D: usize>(t: &mut Vector<D>) {
    let mask = all((1 << 52) - 1);
    let mut carry = _mm512_srai_epi64::<52>(t[0]);
    t[0] = _mm512_and_si512(t[0], mask);
    for digit in &mut t[1..] {
        let sum = _mm512_add_epi64(*digit, carry);
        carry = _mm512_srai_epi64::<52>(sum);
        *digit = _mm512_and_si512(sum, mask);
    }
}

/// `a * b / 2^(52 D)`, below twice the prime, for factors below four times the prime: `K` vectors of products at a time, since
/// each step of one waits for the last.
#[allow(clippy::needless_range_loop)] // A digit of all vectors together.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn mul<P: Prime<N>, const N: usize, const D: usize, const K: usize>(
    out: &mut Group<D, K>,
    a: &Group<D, K>,
    b: &Group<D, K>,
) {
    let zero = _mm512_setzero_si512();
    let inverse = all(Constants::<P, N, D>::NEGATIVE_INVERSE);
    let p = Constants::<P, N, D>::P;
    let mut t = [[zero; D]; K];
    for i in 0..D {
        for k in 0..K {
            let (t, a, b) = (&mut t[k], &a[k], b[k][i]);
            for j in 0..D {
                t[j] = _mm512_madd52lo_epu64(t[j], a[j], b);
            }
        }
        let mut m = [zero; K];
        for k in 0..K {
            let low = t[k][0];
            let unit = Constants::<P, N, D>::NEGATIVE_INVERSE == 1;
            m[k] = if unit { low } else { _mm512_madd52lo_epu64(zero, low, inverse) };
        }
        for k in 0..K {
            let t = &mut t[k];
            let mut low = t[0];
            for j in 0..D {
                // The sum of this digit, and what it is one place further down.
                let sum = if p[j] == 0 { t[j] } else { _mm512_madd52lo_epu64(t[j], m[k], all(p[j])) };
                if j == 0 {
                    low = _mm512_srli_epi64::<52>(sum);
                } else {
                    t[j - 1] = sum;
                }
            }
            t[D - 1] = zero;
            t[0] = _mm512_add_epi64(t[0], low);
        }
        for k in 0..K {
            let (t, a, b) = (&mut t[k], &a[k], b[k][i]);
            for j in 0..D {
                t[j] = _mm512_madd52hi_epu64(t[j], a[j], b);
            }
            for j in 0..D {
                if p[j] != 0 {
                    t[j] = _mm512_madd52hi_epu64(t[j], m[k], all(p[j]));
                }
            }
        }
    }
    for (out, t) in out.iter_mut().zip(&mut t) {
        carry(t);
        *out = *t;
    }
}

/// `a - b` plus twice the prime: below four times the prime, if both are below twice the prime.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn sub<P: Prime<N>, const N: usize, const D: usize, const K: usize>(
    out: &mut Group<D, K>,
    a: &Group<D, K>,
    b: &Group<D, K>,
) {
    for k in 0..K {
        for i in 0..D {
            let more = _mm512_add_epi64(a[k][i], all(Constants::<P, N, D>::TWICE[i]));
            out[k][i] = _mm512_sub_epi64(more, b[k][i]);
        }
        carry(&mut out[k]);
    }
}

/// A number below four times the prime made one below twice the prime.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn halve<P: Prime<N>, const N: usize, const D: usize, const K: usize>(a: &mut Group<D, K>) {
    lessen(a, &Constants::<P, N, D>::TWICE);
}

/// Takes a number away where that leaves no negative one.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn lessen<const D: usize, const K: usize>(a: &mut Group<D, K>, by: &[u64; D]) {
    let mask = all((1 << 52) - 1);
    let mut less = *a;
    let mut borrow = [_mm512_setzero_si512(); K];
    for i in 0..D {
        for k in 0..K {
            let difference = _mm512_add_epi64(_mm512_sub_epi64(a[k][i], all(by[i])), borrow[k]);
            borrow[k] = _mm512_srai_epi64::<52>(difference);
            less[k][i] = _mm512_and_si512(difference, mask);
        }
    }
    for k in 0..K {
        let positive = !_mm512_cmplt_epi64_mask(borrow[k], _mm512_setzero_si512());
        blend(positive, &mut a[k], &less[k]);
    }
}

/// Makes `a` into `b` where the mask says so.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn blend<const D: usize>(mask: __mmask8, a: &mut Vector<D>, b: &Vector<D>) {
    for (a, b) in a.iter_mut().zip(b) {
        *a = _mm512_mask_blend_epi64(mask, *a, *b);
    }
}

/// Which lanes of numbers below four times the prime are probably zero, by the lowest digit.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn zero_lanes<P: Prime<N>, const N: usize, const D: usize>(low: __m512i) -> __mmask8 {
    let multiples = Constants::<P, N, D>::MULTIPLES;
    multiples.into_iter().fold(0, |mask, low_digit| mask | _mm512_cmpeq_epi64_mask(low, all(low_digit)))
}

/// Most vectors that a point takes.
const POINT: usize = 3;

/// Fetches the points that digits pick of a row, which are in range, and says which are none, because the digit is 0, and which are to be
/// negated.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
unsafe fn gather<const N: usize, const D: usize>(
    row: &[LanePoint<N>],
    digits: &[i16; LANES],
    x: &mut Vector<D>,
    y: &mut Vector<D>,
) -> (__mmask8, __mmask8) {
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
    spread(&words[..N], x);
    spread(&words[N..2 * N], y);
    (none, minus)
}

/// Limbs of 64 bits as digits of 52.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn spread<const D: usize>(limbs: &[__m512i], digits: &mut Vector<D>) {
    let (mask, zero) = (all((1 << 52) - 1), _mm512_setzero_si512());
    for (i, digit) in digits.iter_mut().enumerate() {
        let (limb, shift) = (52 * i / 64, (52 * i % 64) as u64);
        let at = |index: usize| limbs.get(index).copied().unwrap_or(zero);
        let low = _mm512_srlv_epi64(at(limb), all(shift));
        // What is shifted by 64 is gone.
        let high = _mm512_sllv_epi64(at(limb + 1), all(64 - shift));
        *digit = _mm512_and_si512(_mm512_or_si512(low, high), mask);
    }
}

/// Digits of 52 bits as limbs of 64.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn join<const D: usize>(digits: &Vector<D>, limbs: &mut [__m512i]) {
    let zero = _mm512_setzero_si512();
    for (i, limb) in limbs.iter_mut().enumerate() {
        let (digit, shift) = (64 * i / 52, (64 * i % 52) as u64);
        let at = |index: usize| digits.get(index).copied().unwrap_or(zero);
        let low = _mm512_srlv_epi64(at(digit), all(shift));
        // What is shifted by 64 or more is gone.
        let next = _mm512_sllv_epi64(at(digit + 1), all(52 - shift));
        let last = _mm512_sllv_epi64(at(digit + 2), all(104 - shift));
        *limb = _mm512_or_si512(_mm512_or_si512(low, next), last);
    }
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
        list.resize((K * (groups + 1)).max(list.len()), Eight::ZERO);
    }
    room.skip.resize((K * groups).max(room.skip.len()), 0);
    let one: Vector<D> = std::array::from_fn(|i| all(Constants::<P, N, D>::ONE[i]));
    let origin = zero::<D, K>();
    // Products that grow side by side, since each waits for its last factor. That of all before each group is kept, and that of all.
    *group_mut(&mut room.products, 0) = [one; K];
    let mut negative = zero::<D, K>();
    for (g, chunk) in given.chunks(K * LANES).enumerate() {
        prefetch(row, &given[(K * LANES * g + AHEAD * LANES).min(given.len())..], K * LANES);
        let mut digits = [[0; LANES]; K];
        digits.as_flattened_mut()[..chunk.len()].copy_from_slice(chunk);
        let (x, y) = (group_mut::<D, K>(&mut room.x, g), group_mut::<D, K>(&mut room.y, g));
        let mut signs = [(0, 0); K];
        for k in 0..K {
            // SAFETY: the caller's digits are in range, and so is 0 if there is any point.
            signs[k] = unsafe { gather::<N, D>(row, &digits[k], &mut x[k], &mut y[k]) };
        }
        // -y as 2 p - y.
        sub::<P, N, D, K>(&mut negative, &origin, y);
        let denominator = group_mut::<D, K>(&mut room.denominators, g);
        sub::<P, N, D, K>(denominator, x, group(&sums.x, g));
        for k in 0..K {
            let (none, minus) = signs[k];
            let no_slope = zero_lanes::<P, N, D>(denominator[k][0]) & !none;
            if no_slope != 0 {
                let lanes = (0..LANES).filter(|lane| no_slope >> lane & 1 != 0);
                left.extend(lanes.map(|lane| LANES * (K * g + k) + lane));
            }
            room.skip[K * g + k] = none | no_slope;
            blend(none | no_slope, &mut denominator[k], &one);
            blend(minus, &mut y[k], &negative[k]);
        }
        let (before, after) = room.products.split_at_mut(K * (g + 1));
        mul::<P, N, D, K>(group_mut(after, 0), group(before, g), denominator);
    }
    // The inverse of the product of all up to a group, and that of one group less.
    let mut inverses = [zero::<D, K>(), zero::<D, K>()];
    invert_lanes::<P, N, D, K>(&mut inverses[groups % 2], group(&room.products, groups), invert);
    let (mut this, mut rise, mut slope, mut new) = (zero::<D, K>(), zero::<D, K>(), zero::<D, K>(), zero::<D, K>());
    for g in (0..groups).rev() {
        let (even, odd) = inverses.split_at_mut(1);
        let (less, inverse) = if g % 2 == 0 { (&mut even[0], &odd[0]) } else { (&mut odd[0], &even[0]) };
        mul::<P, N, D, K>(&mut this, inverse, group(&room.products, g));
        mul::<P, N, D, K>(less, inverse, group(&room.denominators, g));
        let (x, y) = (group_mut::<D, K>(&mut sums.x, g), group_mut::<D, K>(&mut sums.y, g));
        sub::<P, N, D, K>(&mut rise, group(&room.y, g), y);
        mul::<P, N, D, K>(&mut slope, &rise, &this);
        // slope^2 - x - x' + 4 p is below six times the prime: halved on the way.
        mul::<P, N, D, K>(&mut rise, &slope, &slope);
        sub::<P, N, D, K>(&mut this, &rise, x);
        halve::<P, N, D, K>(&mut this);
        sub::<P, N, D, K>(&mut new, &this, group(&room.x, g));
        halve::<P, N, D, K>(&mut new);
        // slope * (x - new x) - y.
        sub::<P, N, D, K>(&mut this, x, &new);
        mul::<P, N, D, K>(&mut rise, &slope, &this);
        sub::<P, N, D, K>(&mut this, &rise, y);
        halve::<P, N, D, K>(&mut this);
        for k in 0..K {
            let changed = !room.skip[K * g + k];
            blend(changed, &mut x[k], &new[k]);
            blend(changed, &mut y[k], &this[k]);
        }
    }
}

/// Asks for the points that the first `count` digits pick.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn prefetch<const N: usize>(row: &[LanePoint<N>], digits: &[i16], count: usize) {
    for digit in digits.iter().take(count) {
        let index = usize::from(digit.unsigned_abs()).max(1) - 1;
        let point = row.as_ptr().wrapping_add(index).cast::<__m512i>();
        for part in 0..size_of::<LanePoint<N>>() / 64 {
            _mm_prefetch::<_MM_HINT_T0>(point.wrapping_add(part).cast());
        }
    }
}

/// # Safety
///
/// The CPU has the instructions.
#[target_feature(enable = "avx512f,avx512ifma")]
pub(super) unsafe fn import<P, const N: usize, const D: usize, const K: usize>(
    sums: &mut Sums<P, N, D, K>,
    points: &[LanePoint<N>],
) {
    for (vector, points) in points.chunks(LANES).enumerate() {
        let digits = std::array::from_fn(|i| if i < points.len() { i as i16 + 1 } else { 0 });
        let (x, y) = (group_mut::<D, 1>(&mut sums.x, vector), group_mut::<D, 1>(&mut sums.y, vector));
        // SAFETY: the digits are those of points that are there.
        unsafe { gather::<N, D>(points, &digits, &mut x[0], &mut y[0]) };
    }
}

/// # Safety
///
/// The CPU has the instructions.
#[target_feature(enable = "avx512f,avx512ifma")]
pub(super) unsafe fn export<P: Prime<N>, const N: usize, const D: usize, const K: usize>(
    sums: &Sums<P, N, D, K>,
    factor: &[u64; N],
    out: &mut [LanePoint<N>],
) {
    let factor: Group<D, 1> = [std::array::from_fn(|i| all(digits::<N, D>(factor)[i]))];
    let mut product = zero::<D, 1>();
    for (vector, points) in out.chunks_mut(LANES).enumerate() {
        let mut words = [[_mm512_setzero_si512(); LANES]; POINT];
        for (i, list) in [&sums.x, &sums.y].into_iter().enumerate() {
            mul::<P, N, D, 1>(&mut product, group(list, vector), &factor);
            lessen(&mut product, &Constants::<P, N, D>::P);
            join(&product[0], &mut words.as_flattened_mut()[N * i..N * (i + 1)]);
        }
        for (part, words) in words.iter().enumerate().take(size_of::<LanePoint<N>>() / 64) {
            for (point, words) in points.iter_mut().zip(transpose(*words)) {
                let to = std::ptr::from_mut(point).cast::<__m512i>();
                // SAFETY: a point is made of whole vectors, aligned.
                unsafe { _mm512_store_si512(to.add(part), words) };
            }
        }
    }
}

/// The inverses of the lanes of some vectors.
#[target_feature(enable = "avx512f,avx512ifma")]
fn invert_lanes<P: Prime<N>, const N: usize, const D: usize, const K: usize>(
    out: &mut Group<D, K>,
    vectors: &Group<D, K>,
    invert: Invert<'_, N>,
) {
    let mut eights = [Eight::<D>::ZERO; K];
    *group_mut(&mut eights, 0) = *vectors;
    let mut numbers = [[[0; N]; LANES]; K];
    for (eight, numbers) in eights.iter().zip(&mut numbers) {
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
    *out = *group(&eights, 0);
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
    let coordinate = |limbs: &[u64; N]| -> Group<D, K> { [group::<D, 1>(&[super::spread(limbs)], 0)[0]; K] };
    let (qx, qy) = (coordinate(&point.x), coordinate(&point.y));
    let origin = zero::<D, K>();
    let mut minus_qy = origin;
    sub::<P, N, D, K>(&mut minus_qy, &origin, &qy);
    halve::<P, N, D, K>(&mut minus_qy);
    let (mut minus_y2, mut left, mut right, mut a, mut b) = (origin, origin, origin, origin, origin);
    for g in 0..count.div_ceil(K * LANES) {
        let (x1, y1): (&Group<D, K>, &Group<D, K>) = (group(&sums.x, g), group(&sums.y, g));
        // (x1, y1), (x2, -y2) and (qx, -qy) lie on a line.
        sub::<P, N, D, K>(&mut minus_y2, &origin, group(&others.y, g));
        halve::<P, N, D, K>(&mut minus_y2);
        sub::<P, N, D, K>(&mut a, x1, group(&others.x, g));
        sub::<P, N, D, K>(&mut b, y1, &minus_qy);
        mul::<P, N, D, K>(&mut left, &a, &b);
        sub::<P, N, D, K>(&mut a, x1, &qx);
        sub::<P, N, D, K>(&mut b, y1, &minus_y2);
        mul::<P, N, D, K>(&mut right, &a, &b);
        sub::<P, N, D, K>(&mut a, &left, &right);
        for (k, difference) in a.iter().enumerate() {
            let zero_lanes = zero_lanes::<P, N, D>(difference[0]);
            let lanes = (0..LANES).filter(|lane| zero_lanes >> lane & 1 != 0);
            found.extend(lanes.map(|lane| LANES * (K * g + k) + lane).filter(|i| *i < count));
        }
    }
}
