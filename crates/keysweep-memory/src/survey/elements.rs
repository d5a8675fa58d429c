//! Numbers in arrays of languages that have no integers of any size, and in those of libbf: digits that share their words with something
//! else, or that are shifted. No search reads them so; what they say lies behind the dump as the numbers of texts do.

use super::texts::{Alphabet, Text, is_number};
use crate::order::from_digits;
use keysweep_keys::secret::trim_leading_zeros;
use std::ops::RangeInclusive;
use zeroize::Zeroizing;

/// Fewest and most digits of numbers that keys have: of a curve of 256 bits and 31 in each, of a modulus of 8192 bits and 26.
pub(crate) const COUNT: RangeInclusive<usize> = 9..=316;
/// The same of elements, of which not all need be in use.
pub(crate) const LENGTH: RangeInclusive<usize> = *COUNT.start()..=4 * *COUNT.end();

/// How many of an array's digits are in use, the lowest first, and how many bits they have, if these are the digits of a number drawn at
/// random. `sizes` are the bits that digits have in such arrays, the fewest first.
fn measure(digits: impl Iterator<Item = u32>, sizes: &[u8]) -> Option<(usize, u8)> {
    let (mut largest, mut used) = (0, 0);
    for (index, digit) in digits.enumerate() {
        largest = largest.max(digit);
        // The highest digits may be zero.
        used = if digit == 0 { used } else { index + 1 };
    }
    // Of digits drawn at random the largest has all bits but one or two.
    let significant = 32 - largest.leading_zeros() as u8;
    let bits = *sizes.iter().find(|bits| significant <= **bits)?;
    (COUNT.contains(&used) && significant + 3 > bits).then_some((used, bits))
}

/// Digits of 26 bits that the numbers of curves have, and bits that are used of the last one. BN.js makes its arrays longer than that,
/// and leaves what was in them.
const OF_CURVES: [(usize, u32); 3] = [(10, 22), (15, 20), (21, 1)];

/// The numbers that an array at `offset` may hold, whose elements take `unit` bytes each, with `tag` bits below the digits: all of it, or the
/// first digits.
pub(crate) fn texts(
    offset: u64,
    unit: u8,
    tag: u8,
    digits: impl Iterator<Item = u32> + Clone,
    sizes: &[u8],
) -> Vec<Text> {
    let Some((used, bits)) = measure(digits.clone(), sizes) else { return Vec::new() };
    let text = |count: usize| Text { offset, len: count as u32, unit, alphabet: Alphabet::Elements { bits, tag } };
    let fits = |(count, top): &(usize, u32)| {
        bits == 26 && *count < used && digits.clone().nth(count - 1).is_some_and(|digit| digit >> top == 0)
    };
    let first = OF_CURVES.iter().filter(|size| fits(size)).map(|(count, _)| text(*count));
    first.chain([text(used)]).collect()
}

/// The number in an array whose elements take `size` bytes each, but for the last one, which ends with its digit.
pub(super) fn digits(bytes: &[u8], size: usize, bits: u8, tag: u8) -> Option<Zeroizing<Vec<u8>>> {
    let digit = |element: &[u8]| {
        let word = u32::from_le_bytes(*element.first_chunk()?);
        (word & ((1 << tag) - 1) == 0).then_some(u64::from(word >> tag))
    };
    number(&from_digits(bytes.chunks(size.max(1)).map(digit), bits.into())?)
}

/// The number in limbs, least significant first, that are shifted to the left by `by` bits.
pub(super) fn shifted(bytes: &[u8], by: u8) -> Option<Zeroizing<Vec<u8>>> {
    let mut big = Zeroizing::new(bytes.to_vec());
    big.reverse();
    let (whole, part) = (usize::from(by / 8), by % 8);
    let lost = big.len().checked_sub(whole)?;
    if big[lost..].iter().any(|byte| *byte != 0) || big.get(lost.checked_sub(1)?)? & ((1 << part) - 1) != 0 {
        return None;
    }
    big.truncate(lost);
    let mut above = 0u8;
    for byte in big.iter_mut().filter(|_| part != 0) {
        (*byte, above) = (*byte >> part | above << (8 - part), *byte);
    }
    number(&big)
}

/// A number without the zeros of its highest digit, but with those that keys' numbers of its length begin with.
fn number(big: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let number = trim_leading_zeros(big);
    // Those of P-521 alone have no whole words.
    let whole =
        if (64..=66).contains(&number.len()) && number.first().is_some_and(|byte| *byte < 2 || number.len() < 66) {
            if number.len() == 64 { 64 } else { 66 }
        } else {
            let words = if number.len() > 64 { 32 } else { 16 };
            number.len().next_multiple_of(words)
        };
    let zeros = whole.checked_sub(number.len()).filter(|zeros| *zeros <= 2).unwrap_or(0);
    let mut padded = Zeroizing::new(vec![0; zeros]);
    padded.extend_from_slice(number);
    is_number(&padded).then_some(padded)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use num_bigint::BigUint;

    fn random(len: usize, seed: u64) -> Vec<u8> {
        crate::curve::random_numbers(seed).flat_map(u64::to_le_bytes).map(|byte| byte | 1).take(len).collect()
    }

    /// The digits of a big-endian number, least significant first.
    pub(crate) fn digits_of(number: &[u8], bits: u8) -> Vec<u32> {
        BigUint::from_bytes_be(number)
            .to_radix_le(2)
            .chunks(bits.into())
            .map(|bits| bits.iter().rev().fold(0, |digit, bit| digit << 1 | u32::from(*bit)))
            .collect()
    }

    fn elements(number: &[u8], bits: u8, size: usize, tag: u8) -> Vec<u8> {
        let mut bytes = Vec::new();
        for digit in digits_of(number, bits) {
            bytes.resize(bytes.len().next_multiple_of(size), 0xa7);
            bytes.extend((digit << tag).to_le_bytes());
        }
        bytes
    }

    #[test]
    fn digits_are_read_whatever_lies_beside_them() {
        for (bits, size, tag) in [(26, 8, 0), (28, 8, 0), (26, 4, 1), (28, 4, 1), (31, 16, 0), (31, 32, 0)] {
            for len in [32, 48, 66, 64, 96, 128, 256, 512] {
                for zeros in [0, 1, 2] {
                    let mut expected = random(len, 7 + len as u64);
                    expected[..zeros].fill(0);
                    if len == 66 {
                        expected[..2].copy_from_slice(&[0, 1]);
                    }
                    let bytes = elements(&expected, bits, size, tag);
                    let value = digits(&bytes, size, bits, tag);
                    assert_eq!(value.as_deref(), Some(&expected), "{bits} {size} {tag} {len} {zeros}");
                    // A digit over its width, and a part of one.
                    let mut wide = bytes.clone();
                    wide[3 * size + 3] |= 0x80;
                    assert!(digits(&wide, size, bits, tag).is_none());
                    assert!(digits(&bytes[..bytes.len() - 1], size, bits, tag).is_none());
                }
            }
        }
        // A tag that is set, a number of a length that no key has, and what is none drawn at random.
        let mut tagged = elements(&random(32, 1), 26, 4, 1);
        tagged[8] |= 1;
        assert!(digits(&tagged, 4, 26, 1).is_none());
        assert!(digits(&elements(&random(40, 1), 26, 8, 0), 8, 26, 0).is_none());
        assert!(digits(&elements(&[0x41; 32], 26, 8, 0), 8, 26, 0).is_none());
    }

    #[test]
    fn shifted_limbs_are_shifted_back() {
        for by in 0..64u8 {
            for len in [32, 128] {
                let expected = random(len, u64::from(by) + 3);
                let mut limbs = (BigUint::from_bytes_be(&expected) << by).to_bytes_le();
                assert_eq!(shifted(&limbs, by).as_deref(), Some(&expected), "{by}");
                limbs.extend([0; 8]);
                assert_eq!(shifted(&limbs, by).as_deref(), Some(&expected), "{by}");
                // What is shifted out must be zero.
                limbs[0] |= 1;
                assert!(by == 0 || shifted(&limbs, by).is_none(), "{by}");
            }
        }
        assert!(shifted(&[], 3).is_none() && shifted(&[1, 2], 63).is_none());
    }

    #[test]
    fn digits_are_measured_by_the_largest() {
        let digits = digits_of(&random(32, 5), 26);
        assert_eq!(measure(digits.iter().copied(), &[26, 28]), Some((10, 26)));
        // Zeros at the end are not in use; in front of others they are digits.
        assert_eq!(measure(digits.iter().copied().chain([0; 9]), &[26, 28]), Some((10, 26)));
        assert_eq!(measure([0].into_iter().chain(digits.iter().copied()), &[26, 28]), Some((11, 26)));
        assert_eq!(measure(digits_of(&random(64, 5), 28).into_iter(), &[26, 28]), Some((19, 28)));
        // Too few, small numbers, and one that is too large.
        assert_eq!(measure(digits[..8].iter().copied(), &[26, 28]), None);
        assert_eq!(measure(digits.iter().map(|digit| digit >> 4), &[26, 28]), None);
        assert_eq!(measure(digits.iter().copied().chain([1 << 28]), &[26, 28]), None);
    }
}
