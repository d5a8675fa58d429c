//! RSA keys of which numbers were overwritten or cut off, as freed memory leaves them. One prime is enough if the modulus
//! is there, both if it is not, and the private exponent if both are lost.

use super::header;
use crate::bignum::{difference, minus_one, number, product, quotient, remainder, to_bytes};
use crate::private::{MAX_BITS, MIN_BITS, PrivateKey, Proved, RsaNumbers};
use crate::public::bit_length;
use crate::secret::trim_leading_zeros;
use crate::{Proof, Secret};
use crypto_bigint::{BoxedUint, NonZero, Resize};
use zeroize::Zeroizing;

/// Divisions that are tried for one modulus: more numbers than a key has were not part of one.
const MAX_TRIALS: usize = 8;
/// Bytes of a damaged modulus that must agree with the product of the primes: 128 bits do not by chance.
const MIN_TAIL: usize = 16;
/// Largest common divisor of `p-1` and `q-1` that is thought of; see [`primes_by_exponent`].
const MAX_GCD: u32 = 256;

/// The key with this modulus, if a prime among `numbers` divides it, or one in `rest` (the bytes after the last number
/// that could be read), or if both exponents give them away.
pub(super) fn with_modulus(n: &[u8], e: &[u8], d: Option<Secret>, numbers: &[&[u8]], rest: &[u8]) -> Option<Proved> {
    let modulus = number(n);
    let half = n.len().div_ceil(2);
    let candidates = numbers.iter().skip(1).copied().chain(stray_integers(rest, half, n.len() + 64));
    let prime = candidates.filter(|c| c.len().abs_diff(half) <= 1).take(MAX_TRIALS).find_map(|candidate| {
        let prime = number(candidate);
        let divides = bool::from(remainder(&modulus, &prime)?.is_zero());
        divides.then_some(prime)
    });
    let (n, e) = (n.to_vec(), e.to_vec());
    if let Some(p) = prime {
        let q = quotient(&modulus, &p)?;
        if !belongs_to_prime(&e, d.as_ref(), numbers, &p) {
            return None;
        }
        let primes = [p, q].iter().map(|prime| Secret::from(to_bytes(prime))).collect();
        return PrivateKey::Rsa(RsaNumbers { n, e, d, primes }).prove().ok();
    }
    let primes = primes_by_exponent(&modulus, &e, d.as_ref()?)?;
    PrivateKey::Rsa(RsaNumbers { n, e, d, primes }).prove().ok()
}

/// Whether the public exponent was not overwritten, too: it is one that programs choose, or a private one that is left undoes
/// it. Otherwise the key would get a wrong name.
fn belongs_to_prime(e: &[u8], d: Option<&Secret>, numbers: &[&[u8]], p: &BoxedUint) -> bool {
    let usual = [&[3][..], &[5], &[17], &[35], &[37], &[1, 1], &[1, 0, 1]];
    let undoes = |exponent: &[u8]| {
        let one = remainder(&product(&number(exponent), &number(e)), &minus_one(p));
        one.is_some_and(|one| to_bytes(&one).as_slice() == [1])
    };
    usual.contains(&e) || d.is_some_and(|d| undoes(d)) || numbers.get(3..5).is_some_and(|n| n.iter().any(|n| undoes(n)))
}

/// The key whose modulus was overwritten, from both its primes. Whatever is left of the modulus before the exponent (the
/// end of `before`) must agree. With the offset in `before` at which it begins to.
pub(super) fn without_modulus(before: &[u8], e: &[u8], numbers: &[&[u8]]) -> Option<(Proved, usize)> {
    let (d, p, q) = (numbers.first()?, numbers.get(1)?, numbers.get(2)?);
    let size = p.len() + q.len();
    if size.abs_diff(d.len()) > 2 || p.len().abs_diff(q.len()) > 1 {
        return None;
    }
    let n = to_bytes(&product(&number(p), &number(q)));
    if !(MIN_BITS..=MAX_BITS).contains(&bit_length(&n)) {
        return None;
    }
    let agreeing = n.iter().rev().zip(before.iter().rev()).take_while(|(a, b)| a == b).count();
    if agreeing < MIN_TAIL {
        return None;
    }
    let primes = vec![Secret::new(p), Secret::new(q)];
    let numbers = RsaNumbers { n: n.to_vec(), e: e.to_vec(), d: Some(Secret::new(d)), primes };
    let mut proved = PrivateKey::Rsa(numbers).prove().ok()?;
    proved.proof = Proof::proven(format!("p * q ends in the {agreeing} bytes that are left of n"));
    Some((proved, before.len() - agreeing))
}

/// The modulus that ends where `before` ends, for a private exponent of `size` bytes: its header is looked for at the
/// places where it can be. With the offset of the header.
pub(super) fn modulus_before(before: &[u8], size: usize) -> Option<(&[u8], usize)> {
    // The private exponent is less than the modulus, seldom by more than a few bytes; a zero may come before either.
    (size..=size + 4).find_map(|length| {
        let header_size = if length < 0x80 { 2 } else { 2 + bit_length(&length.to_be_bytes()).div_ceil(8) as usize };
        let start = before.len().checked_sub(length + header_size)?;
        let read = header(&before[start..])?;
        let fits = read.tag == super::INTEGER && read.size == header_size && read.length == length;
        let n = trim_leading_zeros(&before[start + header_size..]);
        let odd = n.last().is_some_and(|b| b % 2 == 1);
        (fits && odd && (MIN_BITS..=MAX_BITS).contains(&bit_length(n))).then_some((n, start))
    })
}

/// INTEGERs of `size` bytes that begin within the first `reach` bytes.
fn stray_integers(bytes: &[u8], size: usize, reach: usize) -> impl Iterator<Item = &[u8]> {
    memchr::memchr_iter(super::INTEGER, &bytes[..bytes.len().min(reach)]).filter_map(move |at| {
        let element = super::element(&bytes[at..])?;
        let number = trim_leading_zeros(element.body);
        (number.len() == size && element.body.len() <= size + 1).then_some(number)
    })
}

/// The two primes of the modulus, from both exponents; `None` if they do not belong together.
///
/// `d * e - 1` is a multiple of `lcm(p-1, q-1) = (p-1)(q-1) / g`, where `g` is even and nearly always small. So `g * (d * e - 1)`
/// is `k * (n - (p + q - 1))` for a `k` not much larger than `g * e`: it lies below a multiple of `n` by so little that the rest
/// of the division shows the right `g`, and gives the sum of the primes. Unlike a trial with `d` this costs next to nothing,
/// whatever the numbers are.
fn primes_by_exponent(n: &BoxedUint, e: &[u8], d: &Secret) -> Option<Vec<Secret>> {
    let bits = n.bit_width_vartime();
    let gap_bits = bits / 2 + 2 + bit_length(e);
    if bit_length(d) > bits || gap_bits + 64 > bits {
        return None; // With so large a public exponent the gap would tell nothing.
    }
    let modulus = Option::<NonZero<BoxedUint>>::from(NonZero::new(n.clone()))?;
    let multiple = minus_one(&product(&number(d), &number(e)));
    let step = remainder(&multiple, n)?;
    let step = Zeroizing::new((*step).clone().resize_unchecked(n.bits_precision()));
    let mut rest = step.clone();
    for g in 1..=MAX_GCD {
        let gap = Zeroizing::new(n.wrapping_sub(&*rest));
        if gap.bit_width_vartime() <= gap_bits + g.ilog2() + 1 {
            let whole = quotient(&product(&multiple, &number(&g.to_be_bytes())), n)?;
            let k = Zeroizing::new(whole.concatenating_add(BoxedUint::one()));
            if remainder(&gap, &k).is_some_and(|r| bool::from(r.is_zero())) {
                let sum = Zeroizing::new(quotient(&gap, &k)?.concatenating_add(BoxedUint::one()));
                return primes_by_sum(n, &sum);
            }
        }
        rest.add_mod_assign(&step, &modulus);
    }
    None
}

/// The numbers whose product is `n` and that add up to `sum`.
fn primes_by_sum(n: &BoxedUint, sum: &BoxedUint) -> Option<Vec<Secret>> {
    let square = difference(&product(sum, sum), &product(n, &number(&[4])))?;
    let root = Zeroizing::new(square.floor_sqrt_vartime());
    let p = quotient(&Zeroizing::new(sum.concatenating_add(&*root)), &number(&[2]))?;
    let q = quotient(&*difference(sum, &root)?, &number(&[2]))?;
    Some(vec![Secret::from(to_bytes(&p)), Secret::from(to_bytes(&q))])
}

#[cfg(test)]
mod tests {
    use super::super::{Reader, sequence};
    use super::*;

    #[test]
    fn primes_are_found_for_either_form_of_the_private_exponent() {
        // PKCS #8 by OpenSSL with e = 3, whose d is modulo (p-1)(q-1); the numbers begin after 26 bytes.
        let key = include_bytes!("../../../tests/data/der/rsa-e3.p8");
        let mut reader = Reader::new(sequence(&key[26..]).unwrap().body);
        let mut next = || reader.unsigned().unwrap();
        let [_, n, e, d, p, q] = std::array::from_fn(|_| next());
        let order = product(&minus_one(&number(p)), &minus_one(&number(q)));
        // Half of it is a multiple of lcm(p-1, q-1).
        let other = to_bytes(&remainder(&number(d), &quotient(&order, &number(&[2])).unwrap()).unwrap());
        assert_ne!(other.as_slice(), d);
        for d in [d, &other] {
            let mut primes = primes_by_exponent(&number(n), e, &Secret::new(d)).unwrap();
            primes.sort_by(|a, b| b.cmp(a));
            assert_eq!(primes.iter().map(|p| &**p).collect::<Vec<_>>(), [p.max(q), p.min(q)]);
        }
        let mut wrong = d.to_vec();
        wrong[20] ^= 1;
        assert!(primes_by_exponent(&number(n), e, &Secret::new(&wrong)).is_none());
        assert!(primes_by_exponent(&number(n), &[1], &Secret::new(&[1])).is_none());
        assert!(primes_by_exponent(&number(n), n, &Secret::new(d)).is_none());
    }
}
