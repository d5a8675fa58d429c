//! Arithmetic on 64-bit limbs, least significant first, without allocation: what millions of candidates go through.

/// Limbs of the largest modulus that is looked for, 16384 bits.
pub(super) const MAX_LIMBS: usize = 256;

/// The inverse of an odd number modulo 2^64, by Newton's iteration: each step doubles the bits that are right.
pub(super) fn inverse(a: u64) -> u64 {
    let mut x = a.wrapping_mul(3) ^ 2; // Right in five bits.
    for _ in 0..4 {
        x = x.wrapping_mul(2u64.wrapping_sub(a.wrapping_mul(x)));
    }
    x
}

/// `a * b + c + carry` as a limb and a carry.
#[inline]
pub(super) fn multiply_add(a: u64, b: u64, c: u64, carry: u64) -> (u64, u64) {
    let wide = u128::from(a) * u128::from(b) + u128::from(c) + u128::from(carry);
    (wide as u64, (wide >> 64) as u64)
}

/// `a - b - borrow` and the borrow.
#[inline]
pub(super) fn subtract(a: u64, b: u64, borrow: u64) -> (u64, u64) {
    let (difference, first) = a.overflowing_sub(b);
    let (difference, second) = difference.overflowing_sub(borrow);
    (difference, u64::from(first | second))
}

/// Number of significant bits.
pub(crate) fn bits(limbs: &[u64]) -> u32 {
    let used = limbs.iter().rposition(|limb| *limb != 0).map_or(0, |top| top + 1);
    used.checked_sub(1).map_or(0, |top| 64 * used as u32 - limbs[top].leading_zeros())
}

/// Whether the odd number `p` may divide `n`: whether the quotient is no larger than it has to be. A random `p` passes
/// once in 2^40 times or less often.
pub(crate) fn may_divide(n: &[u64], n_bits: u32, p: &[u64], p_bits: u32) -> bool {
    let Some(quotient_bits) = (n_bits + 1).checked_sub(p_bits) else { return false };
    // As many limbs as leave 40 bits or more that must be zero.
    let count = (quotient_bits as usize + 40).div_ceil(64);
    let p = &p[..p.len().min(count)];
    // No more room than it takes: this is called millions of times.
    match count {
        0..=18 => is_small(&mut [0; 18][..count], n, p, quotient_bits),
        19..=34 => is_small(&mut [0; 34][..count], n, p, quotient_bits),
        35..=66 => is_small(&mut [0; 66][..count], n, p, quotient_bits),
        67..=258 => is_small(&mut [0; MAX_LIMBS + 2][..count], n, p, quotient_bits),
        _ => false,
    }
}

/// Whether `n / p`, modulo 2^64 to the power of the length of `room`, is below `2^bits`, by Hensel's lifting. The remainder is
/// kept negated, so that multiples of `p` are added to it, until all of it is zero.
fn is_small(room: &mut [u64], n: &[u64], p: &[u64], bits: u32) -> bool {
    let Some(low) = p.first() else { return false };
    let inverse = inverse(*low).wrapping_neg();
    let mut borrow = 0;
    for (i, limb) in room.iter_mut().enumerate() {
        (*limb, borrow) = subtract(0, n.get(i).copied().unwrap_or(0), borrow);
    }
    let whole = (bits / 64) as usize;
    for i in 0..room.len() {
        let digit = room[i].wrapping_mul(inverse);
        if (i == whole && digit >> (bits % 64) != 0) || (i > whole && digit != 0) {
            return false;
        }
        let row = &mut room[i..];
        let mut carry = 0;
        for (to, limb) in row.iter_mut().zip(p) {
            (*to, carry) = multiply_add(digit, *limb, *to, carry);
        }
        for to in row.iter_mut().skip(p.len()) {
            let (sum, over) = to.overflowing_add(carry);
            *to = sum;
            carry = u64::from(over);
            if !over {
                break;
            }
        }
    }
    true
}

/// How many of the lowest limbs of `a * b` and `n` agree; the numbers go on with zeros for ever.
pub(super) fn agreement(a: &[u64], b: &[u64], n: &[u64]) -> usize {
    let mut sum = [0u64; 3];
    let count = (a.len() + b.len()).max(n.len());
    for column in 0..count {
        for i in (column + 1).saturating_sub(b.len())..(column + 1).min(a.len()) {
            let (low, high) = multiply_add(a[i], b[column - i], sum[0], 0);
            sum[0] = low;
            let (middle, carry) = sum[1].overflowing_add(high);
            sum[1] = middle;
            sum[2] += u64::from(carry);
        }
        if sum[0] != n.get(column).copied().unwrap_or(0) {
            return column;
        }
        sum = [sum[1], sum[2], 0];
    }
    count
}

#[cfg(test)]
mod tests {
    use super::super::tests::Random;
    use super::*;
    use num_bigint::BigUint;

    fn number(limbs: &[u64]) -> BigUint {
        BigUint::from_slice(&limbs.iter().flat_map(|l| [*l as u32, (*l >> 32) as u32]).collect::<Vec<_>>())
    }

    fn limbs(number: &BigUint) -> Vec<u64> {
        number.to_u64_digits()
    }

    #[test]
    fn inverses_undo() {
        let mut random = Random::new(1);
        for a in [1, 3, u64::MAX].into_iter().chain((0..1000).map(|_| random.next() | 1)) {
            assert_eq!(a.wrapping_mul(inverse(a)), 1);
        }
    }

    #[test]
    fn quotients_agree_with_an_independent_library() {
        let mut random = Random::new(2);
        for round in 0..2000 {
            let (a, b) = (1 + random.below(34), 1 + random.below(34));
            let mut p = random.limbs(a);
            p[0] |= 1;
            let q = random.limbs(b);
            let (p_big, q_big) = (number(&p), number(&q));
            let n = limbs(&(&p_big * &q_big));
            let (n_bits, p_bits) = (bits(&n), bits(&p));
            assert_eq!(u64::from(n_bits), number(&n).bits());
            assert!(may_divide(&n, n_bits, &p, p_bits));
            let mut other = p.clone();
            other[0] ^= 2 << random.below(60);
            assert!(p_bits < 64 || !may_divide(&n, n_bits, &other, bits(&other)), "{round}");
        }
    }

    #[test]
    fn products_are_compared_from_below() {
        let mut random = Random::new(3);
        for _ in 0..500 {
            let (a, b) = (1 + random.below(20), 1 + random.below(20));
            let (p, q) = (random.limbs(a), random.limbs(b));
            let mut n = limbs(&(number(&p) * number(&q)));
            assert!(agreement(&p, &q, &n) >= n.len());
            let at = random.below(n.len());
            n[at] ^= 1 << random.below(64);
            assert_eq!(agreement(&p, &q, &n), at);
        }
    }
}
