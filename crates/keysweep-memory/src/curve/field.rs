//! Arithmetic modulo a prime of a fixed size, in Montgomery form.
//!
//! Numbers are arrays of 64-bit limbs, least significant first, below the prime. The form of `x` is `x * 2^(64 N)` modulo
//! the prime: what OpenSSL, Go, ring and others hold in memory too. The prime is a constant, so that the compiler leaves
//! out what its special shape makes needless. Nothing here is constant-time: the numbers are guesses at what lies in a
//! file, and the process that tries them keeps no secret of its own.

use crypto_bigint::{Odd, Uint};

/// A prime field whose elements take `N` limbs.
pub(crate) trait Field<const N: usize>: Copy + Send + Sync + 'static {
    /// The prime.
    const P: [u64; N];
    /// `-1 / P` modulo 2^64.
    const NEG_INVERSE: u64 = neg_inverse(Self::P[0]);
    /// 1 in Montgomery form.
    const ONE: [u64; N] = power_of_two(Self::P, 64 * N as u32);
    /// 2^(128 N): multiplication by it brings a number into Montgomery form.
    const R2: [u64; N] = power_of_two(Self::P, 128 * N as u32);
    /// 2^(192 N): multiplication by it makes the Montgomery form of an inverse of the inverse of a Montgomery form.
    const R3: [u64; N] = power_of_two(Self::P, 192 * N as u32);

    /// One step of a reduction: `(t + next * 2^(64 N) + m P) / 2^64`, for the `m` below 2^64 with which that has no
    /// remainder, as `N` limbs and the carry above them. A prime whose shape leaves fewer products than the compiler finds
    /// has its own.
    #[inline(always)]
    fn step(t: [u64; N], next: u64) -> ([u64; N], u64) {
        any_step::<Self, N>(t, next)
    }
}

/// [`Field::step`] for any prime.
#[inline(always)]
pub(super) fn any_step<F: Field<N>, const N: usize>(mut t: [u64; N], next: u64) -> ([u64; N], u64) {
    let m = t[0].wrapping_mul(F::NEG_INVERSE);
    let mut carry = 0;
    multiply_add(m, F::P[0], t[0], &mut carry);
    for j in 1..N {
        t[j - 1] = multiply_add(m, F::P[j], t[j], &mut carry);
    }
    let (top, over) = next.overflowing_add(carry);
    t[N - 1] = top;
    (t, u64::from(over))
}

/// [`Field::step`] for P-256: `m` is the lowest limb, and `m P = m 2^256 - m 2^224 + m 2^192 + m 2^96 - m`, of which the
/// last clears that limb and the upper three are one product. Products in a loop take a third less time than with
/// [`any_step`], a hunt by sums without vectors 4 % less.
#[inline(always)]
pub(super) fn p256_step(t: [u64; 4], next: u64) -> ([u64; 4], u64) {
    const UPPER: u64 = 0xffff_ffff_0000_0001;
    let m = t[0];
    let upper = u128::from(m) * u128::from(UPPER);
    let mut carry = 0;
    let first = add_carry(t[1], m << 32, &mut carry);
    let second = add_carry(t[2], m >> 32, &mut carry);
    let third = add_carry(t[3], upper as u64, &mut carry);
    let fourth = add_carry(next, (upper >> 64) as u64, &mut carry);
    ([first, second, third, fourth], carry)
}

/// [`Field::step`] for P-521: `m` is the lowest limb, and `m P = m 2^521 - m`. Products in a loop take a quarter less time.
#[inline(always)]
pub(super) fn p521_step(t: [u64; 9], next: u64) -> ([u64; 9], u64) {
    let m = t[0];
    let mut carry = 0;
    let eighth = add_carry(t[8], m << 9, &mut carry);
    let ninth = add_carry(next, m >> 55, &mut carry);
    ([t[1], t[2], t[3], t[4], t[5], t[6], t[7], eighth, ninth], carry)
}

const fn neg_inverse(odd: u64) -> u64 {
    // Newton's iteration doubles the bits that are right: 5, 10, 20, 40, 80.
    let mut inverse = odd.wrapping_mul(3) ^ 2;
    let mut step = 0;
    while step < 4 {
        inverse = inverse.wrapping_mul(2u64.wrapping_sub(odd.wrapping_mul(inverse)));
        step += 1;
    }
    inverse.wrapping_neg()
}

/// A power of two modulo a prime.
pub(crate) const fn power_of_two<const N: usize>(p: [u64; N], exponent: u32) -> [u64; N] {
    let mut value = [0; N];
    value[0] = 1;
    let mut step = 0;
    while step < exponent {
        let mut doubled = [0; N];
        let mut carry = 0;
        let mut i = 0;
        while i < N {
            doubled[i] = value[i] << 1 | carry;
            carry = value[i] >> 63;
            i += 1;
        }
        value = subtract_if_above(doubled, carry, p);
        step += 1;
    }
    value
}

/// `value + high * 2^(64 N)` less `p` if that is not negative, for a value below `2 p`.
#[inline(always)]
const fn subtract_if_above<const N: usize>(value: [u64; N], high: u64, p: [u64; N]) -> [u64; N] {
    let mut less = [0; N];
    let mut borrow = 0;
    let mut i = 0;
    while i < N {
        let (d, b1) = value[i].overflowing_sub(p[i]);
        let (d, b2) = d.overflowing_sub(borrow);
        less[i] = d;
        borrow = (b1 | b2) as u64;
        i += 1;
    }
    // Keep the value if the subtraction borrowed from a high word that is zero.
    let keep = ((high < borrow) as u64).wrapping_neg();
    let mut i = 0;
    while i < N {
        less[i] = (value[i] & keep) | (less[i] & !keep);
        i += 1;
    }
    less
}

#[inline(always)]
fn multiply_add(a: u64, b: u64, add: u64, carry: &mut u64) -> u64 {
    let wide = u128::from(a) * u128::from(b) + u128::from(add) + u128::from(*carry);
    *carry = (wide >> 64) as u64;
    wide as u64
}

#[inline(always)]
fn add_carry(a: u64, b: u64, carry: &mut u64) -> u64 {
    let wide = u128::from(a) + u128::from(b) + u128::from(*carry);
    *carry = (wide >> 64) as u64;
    wide as u64
}

/// `a * b / 2^(64 N)`: the product of two numbers in Montgomery form.
#[inline(always)]
pub(crate) fn mul<F: Field<N>, const N: usize>(a: &[u64; N], b: &[u64; N]) -> [u64; N] {
    let mut t = [0u64; N];
    let mut high = 0u64;
    for &digit in b {
        let mut carry = 0;
        for j in 0..N {
            t[j] = multiply_add(a[j], digit, t[j], &mut carry);
        }
        let (next, over) = high.overflowing_add(carry);
        (t, high) = F::step(t, next);
        high += u64::from(over);
    }
    subtract_if_above(t, high, F::P)
}

/// `a + b`.
#[inline(always)]
pub(crate) fn add<F: Field<N>, const N: usize>(a: &[u64; N], b: &[u64; N]) -> [u64; N] {
    let mut sum = [0; N];
    let mut carry = 0u64;
    for i in 0..N {
        let (s, c1) = a[i].overflowing_add(b[i]);
        let (s, c2) = s.overflowing_add(carry);
        sum[i] = s;
        carry = u64::from(c1 | c2);
    }
    subtract_if_above(sum, carry, F::P)
}

/// `a - b`.
#[inline(always)]
pub(crate) fn sub<F: Field<N>, const N: usize>(a: &[u64; N], b: &[u64; N]) -> [u64; N] {
    let mut difference = [0; N];
    let mut borrow = 0u64;
    for i in 0..N {
        let (d, b1) = a[i].overflowing_sub(b[i]);
        let (d, b2) = d.overflowing_sub(borrow);
        difference[i] = d;
        borrow = u64::from(b1 | b2);
    }
    let mask = borrow.wrapping_neg();
    let mut carry = 0u64;
    for (limb, p) in difference.iter_mut().zip(F::P) {
        let (s, c1) = limb.overflowing_add(p & mask);
        let (s, c2) = s.overflowing_add(carry);
        *limb = s;
        carry = u64::from(c1 | c2);
    }
    difference
}

/// `-a`.
#[inline(always)]
pub(crate) fn neg<F: Field<N>, const N: usize>(a: &[u64; N]) -> [u64; N] {
    sub::<F, N>(&[0; N], a)
}

/// `1 / a`, and 0 for 0.
#[inline(never)]
pub(crate) fn invert<F: Field<N>, const N: usize>(a: &[u64; N]) -> [u64; N] {
    let Some(prime) = Odd::new(Uint::<N>::from_words(F::P)).into_option() else { return [0; N] };
    // A fifth of the time that a power to p - 2 takes.
    let plain = Uint::from_words(*a).invert_odd_mod_vartime(&prime).into_option();
    plain.map_or([0; N], |inverse| mul::<F, N>(&inverse.to_words(), &F::R3))
}

/// A plain number, below the prime or not, in Montgomery form.
#[inline(always)]
pub(crate) fn enter<F: Field<N>, const N: usize>(a: &[u64; N]) -> [u64; N] {
    mul::<F, N>(a, &F::R2)
}

/// The plain number below the prime that is `a` in Montgomery form.
#[inline(always)]
pub(crate) fn leave<F: Field<N>, const N: usize>(a: &[u64; N]) -> [u64; N] {
    let mut one = [0; N];
    one[0] = 1;
    mul::<F, N>(a, &one)
}

/// A small number in Montgomery form.
pub(crate) fn small<F: Field<N>, const N: usize>(value: u64) -> [u64; N] {
    let mut plain = [0; N];
    plain[0] = value;
    enter::<F, N>(&plain)
}

/// Whether `a < b`, as plain numbers.
#[inline(always)]
pub(crate) fn below<const N: usize>(a: &[u64; N], b: &[u64; N]) -> bool {
    a.iter().rev().lt(b.iter().rev())
}

/// Whether every limb is zero.
#[inline(always)]
pub(crate) fn is_zero<const N: usize>(a: &[u64; N]) -> bool {
    a.iter().all(|limb| *limb == 0)
}
