//! The arithmetic, with the intrinsics.
//!
//! Numbers are eight at a time, five digits of 52 bits each. Products are below twice the prime if the factors are below four
//! times the prime: 16 p^2 / 2^260 + p < 2 p. So a difference to which twice the prime is added need not be reduced.

use super::{DIGITS, Eight, Invert, LANES, Point256, Prime256, Room, Sums, digits, reduce};
use std::arch::x86_64::*;

/// Eight numbers in registers.
type Vector = [__m512i; DIGITS];
/// Two of them.
type Pair = [Vector; 2];

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
struct Constants<P>(std::marker::PhantomData<P>);

impl<P: Prime256> Constants<P> {
    const P: [u64; DIGITS] = digits(&P::PRIME);
    const NEGATIVE_INVERSE: u64 = negative_inverse(P::PRIME[0]);
    /// Twice the prime, digits not carried.
    const TWICE: [u64; DIGITS] = {
        let p = Self::P;
        [2 * p[0], 2 * p[1], 2 * p[2], 2 * p[3], 2 * p[4]]
    };
    /// 2^260 modulo the prime.
    const ONE: [u64; DIGITS] = digits(&one(&P::PRIME));
    /// The lowest digits of the multiples of the prime below four times the prime.
    const MULTIPLES: [u64; 4] = {
        let mask = (1 << 52) - 1;
        let p = Self::P[0];
        [0, p, (2 * p) & mask, (3 * p) & mask]
    };
}

/// 2^260 modulo a prime, by doubling 1.
const fn one(p: &[u64; 4]) -> [u64; 4] {
    let mut value = [1u64, 0, 0, 0];
    let mut step = 0;
    while step < 260 {
        let mut less = [0; 4];
        let (mut carry, mut borrow) = (0, 0);
        let mut i = 0;
        while i < 4 {
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
fn load(from: &Eight) -> Vector {
    // SAFETY: each row is 64 bytes, aligned.
    from.0.each_ref().map(|row| unsafe { _mm512_load_si512(row.as_ptr().cast()) })
}

#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn store(to: &mut Eight, vector: Vector) {
    for (row, value) in to.0.iter_mut().zip(vector) {
        // SAFETY: each row is 64 bytes, aligned.
        unsafe { _mm512_store_si512(row.as_mut_ptr().cast(), value) };
    }
}

/// Makes digits below 2^52 out of larger ones; the number is not negative, and below 2^260.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn carry(t: Vector) -> Vector {
    let mask = all((1 << 52) - 1);
    let mut out = t;
    let mut carry = _mm512_srai_epi64::<52>(t[0]);
    out[0] = _mm512_and_si512(t[0], mask);
    for i in 1..DIGITS {
        let digit = _mm512_add_epi64(t[i], carry);
        carry = _mm512_srai_epi64::<52>(digit);
        out[i] = _mm512_and_si512(digit, mask);
    }
    out
}

/// `a * b / 2^260`, below twice the prime, for factors below four times the prime: two products at a time, since each step of
/// one waits for the last.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn mul<P: Prime256>(a: &Pair, b: &Pair) -> Pair {
    let zero = _mm512_setzero_si512();
    let inverse = all(Constants::<P>::NEGATIVE_INVERSE);
    let mut t = [[zero; DIGITS]; 2];
    let [first, second] = b;
    for digit in first.iter().zip(second).map(|(first, second)| [*first, *second]) {
        let mut m = [zero; 2];
        for k in 0..2 {
            for j in 0..DIGITS {
                t[k][j] = _mm512_madd52lo_epu64(t[k][j], a[k][j], digit[k]);
            }
        }
        for k in 0..2 {
            let low = t[k][0];
            m[k] = if Constants::<P>::NEGATIVE_INVERSE == 1 { low } else { _mm512_madd52lo_epu64(zero, low, inverse) };
        }
        for k in 0..2 {
            for j in (0..DIGITS).filter(|j| Constants::<P>::P[*j] != 0) {
                t[k][j] = _mm512_madd52lo_epu64(t[k][j], m[k], all(Constants::<P>::P[j]));
            }
            let [first, second, ..] = t[k];
            t[k] = [_mm512_add_epi64(second, _mm512_srli_epi64::<52>(first)), t[k][2], t[k][3], t[k][4], zero];
        }
        for k in 0..2 {
            for j in 0..DIGITS {
                t[k][j] = _mm512_madd52hi_epu64(t[k][j], a[k][j], digit[k]);
            }
            for j in (0..DIGITS).filter(|j| Constants::<P>::P[*j] != 0) {
                t[k][j] = _mm512_madd52hi_epu64(t[k][j], m[k], all(Constants::<P>::P[j]));
            }
        }
    }
    [carry(t[0]), carry(t[1])]
}

/// `a - b` plus twice the prime: below four times the prime, if both are below twice the prime.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn sub<P: Prime256>(a: &Pair, b: &Pair) -> Pair {
    let mut difference = *a;
    for k in 0..2 {
        for i in 0..DIGITS {
            difference[k][i] = _mm512_sub_epi64(_mm512_add_epi64(a[k][i], all(Constants::<P>::TWICE[i])), b[k][i]);
        }
    }
    [carry(difference[0]), carry(difference[1])]
}

/// A number below four times the prime made one below twice the prime.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn halve<P: Prime256>(a: &Pair) -> Pair {
    let mask = all((1 << 52) - 1);
    let mut less = *a;
    let mut borrow = [_mm512_setzero_si512(); 2];
    for i in 0..DIGITS {
        for k in 0..2 {
            let difference = _mm512_add_epi64(_mm512_sub_epi64(a[k][i], all(Constants::<P>::TWICE[i])), borrow[k]);
            borrow[k] = _mm512_srai_epi64::<52>(difference);
            less[k][i] = _mm512_and_si512(difference, mask);
        }
    }
    for k in 0..2 {
        let negative = _mm512_cmplt_epi64_mask(borrow[k], _mm512_setzero_si512());
        less[k] = blend(negative, &less[k], &a[k]);
    }
    less
}

/// `b` where the mask says so, else `a`.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn blend(mask: __mmask8, a: &Vector, b: &Vector) -> Vector {
    std::array::from_fn(|i| _mm512_mask_blend_epi64(mask, a[i], b[i]))
}

/// Which lanes of numbers below four times the prime are probably zero, by the lowest digit.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn zero_lanes<P: Prime256>(low: __m512i) -> __mmask8 {
    Constants::<P>::MULTIPLES.into_iter().fold(0, |mask, low_digit| mask | _mm512_cmpeq_epi64_mask(low, all(low_digit)))
}

/// Eight points of a row, the mask of those that are none because the digit is 0, and that of those to be negated. The digits are in
/// range.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
unsafe fn gather(row: &[Point256], digits: &[i16; LANES]) -> (Vector, Vector, __mmask8, __mmask8) {
    let mut lanes = [_mm512_setzero_si512(); LANES];
    let (mut none, mut minus) = (0u8, 0u8);
    for (i, digit) in digits.iter().enumerate() {
        none |= u8::from(*digit == 0) << i;
        minus |= u8::from(*digit < 0) << i;
        let index = usize::from(digit.unsigned_abs()).max(1) - 1;
        // SAFETY: the caller's digits are in range; a point is 64 bytes, aligned.
        lanes[i] = unsafe { _mm512_load_si512(row.as_ptr().add(index).cast()) };
    }
    let rows = transpose(lanes);
    let x = spread([rows[0], rows[1], rows[2], rows[3]]);
    let y = spread([rows[4], rows[5], rows[6], rows[7]]);
    (x, y, none, minus)
}

/// Limbs of 64 bits as digits of 52.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn spread(l: [__m512i; 4]) -> Vector {
    let mask = all((1 << 52) - 1);
    let join = |low, high| _mm512_and_si512(_mm512_or_si512(low, high), mask);
    [
        _mm512_and_si512(l[0], mask),
        join(_mm512_srli_epi64::<52>(l[0]), _mm512_slli_epi64::<12>(l[1])),
        join(_mm512_srli_epi64::<40>(l[1]), _mm512_slli_epi64::<24>(l[2])),
        join(_mm512_srli_epi64::<28>(l[2]), _mm512_slli_epi64::<36>(l[3])),
        _mm512_srli_epi64::<16>(l[3]),
    ]
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
/// The CPU has the instructions, the digits are from `-row.len()` to `row.len()`, and there are as many sums, rounded up to pairs of
/// vectors.
#[target_feature(enable = "avx512f,avx512ifma")]
pub(super) unsafe fn add<P: Prime256>(
    sums: &mut Sums<P>,
    row: &[Point256],
    given: &[i16],
    room: &mut Room,
    invert: Invert<'_>,
    left: &mut Vec<usize>,
) {
    let pairs = given.len().div_ceil(2 * LANES);
    for list in [&mut room.x, &mut room.y, &mut room.denominators, &mut room.products] {
        list.resize((2 * pairs).max(list.len()), Eight::ZERO);
    }
    room.skip.resize((2 * pairs).max(room.skip.len()), 0);
    let one: Vector = std::array::from_fn(|i| all(Constants::<P>::ONE[i]));
    // Two products that grow side by side, since each waits for its last factor.
    let mut running = [one; 2];
    for (p, chunk) in given.chunks(2 * LANES).enumerate() {
        for digit in given.iter().skip(2 * LANES * p + AHEAD * LANES).take(2 * LANES) {
            let index = usize::from(digit.unsigned_abs()).max(1) - 1;
            _mm_prefetch::<_MM_HINT_T0>(row.as_ptr().wrapping_add(index).cast());
        }
        let mut digits = [[0; LANES]; 2];
        digits.as_flattened_mut()[..chunk.len()].copy_from_slice(chunk);
        // SAFETY: the caller's digits are in range, and so is 0 if there is any point.
        let [(x0, y0, none0, minus0), (x1, y1, none1, minus1)] = digits.each_ref().map(|d| unsafe { gather(row, d) });
        let (x, y, none, minus) = ([x0, x1], [y0, y1], [none0, none1], [minus0, minus1]);
        // -y as 2 p - y.
        let negative = sub::<P>(&[[_mm512_setzero_si512(); DIGITS]; 2], &y);
        let difference = sub::<P>(&x, &load_pair(&sums.x, p));
        let mut denominator = difference;
        for k in 0..2 {
            let no_slope = zero_lanes::<P>(difference[k][0]) & !none[k];
            if no_slope != 0 {
                let lanes = (0..LANES).filter(|lane| no_slope >> lane & 1 != 0);
                left.extend(lanes.map(|lane| LANES * (2 * p + k) + lane));
            }
            room.skip[2 * p + k] = none[k] | no_slope;
            denominator[k] = blend(none[k] | no_slope, &difference[k], &one);
        }
        store_pair(&mut room.x, p, x);
        store_pair(&mut room.y, p, [blend(minus[0], &y[0], &negative[0]), blend(minus[1], &y[1], &negative[1])]);
        store_pair(&mut room.denominators, p, denominator);
        store_pair(&mut room.products, p, running);
        running = mul::<P>(&running, &denominator);
    }
    let mut inverse = invert_lanes::<P>(running, invert);
    for p in (0..pairs).rev() {
        let denominator = load_pair(&room.denominators, p);
        let this = mul::<P>(&inverse, &load_pair(&room.products, p));
        inverse = mul::<P>(&inverse, &denominator);
        let (x, y) = (load_pair(&sums.x, p), load_pair(&sums.y, p));
        let (term_x, term_y) = (load_pair(&room.x, p), load_pair(&room.y, p));
        let slope = mul::<P>(&sub::<P>(&term_y, &y), &this);
        let square = mul::<P>(&slope, &slope);
        // slope^2 - x - x' + 4 p is below six times the prime: halved on the way.
        let new_x = halve::<P>(&sub::<P>(&halve::<P>(&sub::<P>(&square, &x)), &term_x));
        let new_y = halve::<P>(&sub::<P>(&mul::<P>(&slope, &sub::<P>(&x, &new_x)), &y));
        let same = [room.skip[2 * p], room.skip[2 * p + 1]];
        store_pair(&mut sums.x, p, [blend(same[0], &new_x[0], &x[0]), blend(same[1], &new_x[1], &x[1])]);
        store_pair(&mut sums.y, p, [blend(same[0], &new_y[0], &y[0]), blend(same[1], &new_y[1], &y[1])]);
    }
}

#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn load_pair(list: &[Eight], pair: usize) -> Pair {
    [load(&list[2 * pair]), load(&list[2 * pair + 1])]
}

#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn store_pair(list: &mut [Eight], pair: usize, values: Pair) {
    store(&mut list[2 * pair], values[0]);
    store(&mut list[2 * pair + 1], values[1]);
}

/// The inverses of the lanes of two vectors.
#[target_feature(enable = "avx512f,avx512ifma")]
fn invert_lanes<P: Prime256>(vectors: Pair, invert: Invert<'_>) -> Pair {
    let mut eights = [Eight::ZERO; 2];
    let mut numbers = [[0; 4]; 2 * LANES];
    for ((eight, vector), numbers) in eights.iter_mut().zip(vectors).zip(numbers.chunks_mut(LANES)) {
        store(eight, vector);
        for (lane, number) in numbers.iter_mut().enumerate() {
            *number = reduce(eight, lane, &P::PRIME);
        }
    }
    invert(&mut numbers);
    for (eight, numbers) in eights.iter_mut().zip(numbers.chunks(LANES)) {
        for (lane, number) in numbers.iter().enumerate() {
            for (row, digit) in eight.0.iter_mut().zip(digits(number)) {
                row[lane] = digit;
            }
        }
    }
    [load(&eights[0]), load(&eights[1])]
}

/// # Safety
///
/// The CPU has the instructions.
#[target_feature(enable = "avx512f,avx512ifma")]
pub(super) unsafe fn differ_by<P: Prime256>(
    sums: &Sums<P>,
    others: &Sums<P>,
    point: &Point256,
    count: usize,
    found: &mut Vec<usize>,
) {
    let point = [super::spread(&point.x), super::spread(&point.y)].each_ref().map(|c| load(c));
    let [qx, qy] = point.map(|c| [c, c]);
    let zero = [[_mm512_setzero_si512(); DIGITS]; 2];
    let minus_qy = halve::<P>(&sub::<P>(&zero, &qy));
    for p in 0..count.div_ceil(2 * LANES) {
        let (x1, y1) = (load_pair(&sums.x, p), load_pair(&sums.y, p));
        let (x2, y2) = (load_pair(&others.x, p), load_pair(&others.y, p));
        // (x1, y1), (x2, -y2) and (qx, -qy) lie on a line.
        let minus_y2 = halve::<P>(&sub::<P>(&zero, &y2));
        let left = mul::<P>(&sub::<P>(&x1, &x2), &sub::<P>(&y1, &minus_qy));
        let right = mul::<P>(&sub::<P>(&x1, &qx), &sub::<P>(&y1, &minus_y2));
        for (k, difference) in sub::<P>(&left, &right).iter().enumerate() {
            let zero_lanes = zero_lanes::<P>(difference[0]);
            let lanes = (0..LANES).filter(|lane| zero_lanes >> lane & 1 != 0);
            found.extend(lanes.map(|lane| LANES * (2 * p + k) + lane).filter(|i| *i < count));
        }
    }
}
