//! Which of many products modulo 2^64 may be in a set: one multiplication and one look into a filter for each.

use crate::Isa;

/// A set of words by a bit for each value of their upper bits. It may be wrong in saying yes, never in saying no.
#[derive(Debug, Clone)]
pub struct UpperBits {
    bits: Vec<u64>,
    /// A word shifted right by this is the number of its bit.
    shift: u32,
}

impl UpperBits {
    /// An empty set with room for 2^`log` values, from 6 to 40.
    pub fn new(log: u32) -> Self {
        let log = log.clamp(6, 40);
        Self { bits: vec![0; 1 << (log - 6)], shift: 64 - log }
    }

    /// Adds a word.
    pub fn insert(&mut self, word: u64) {
        let bit = word >> self.shift;
        self.bits[(bit >> 6) as usize] |= 1 << (bit & 63);
    }

    /// Whether a word may have been added.
    #[inline]
    pub fn may_hold(&self, word: u64) -> bool {
        let bit = word >> self.shift;
        self.bits[(bit >> 6) as usize] >> (bit & 63) & 1 != 0
    }

    /// Appends to `found` the indices of those of `others` whose product with `factor` may have been added. `isa` must be
    /// available on this CPU, or the portable code is used.
    pub fn products(&self, factor: u64, others: &[u64], isa: Isa, found: &mut Vec<u32>) {
        let mut done = 0;
        #[cfg(target_arch = "x86_64")]
        if isa == Isa::Avx512 && is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512dq") {
            // SAFETY: this CPU has the instructions.
            done = unsafe { self.products_avx512(factor, others, found) };
        }
        let _ = isa;
        for (index, other) in others.iter().enumerate().skip(done) {
            if self.may_hold(factor.wrapping_mul(*other)) {
                found.push(index as u32);
            }
        }
    }

    /// As [`UpperBits::products`] for whole vectors; returns how many of `others` it has seen.
    ///
    /// # Safety
    ///
    /// The CPU has AVX-512 F and DQ.
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx512f,avx512dq")]
    unsafe fn products_avx512(&self, factor: u64, others: &[u64], found: &mut Vec<u32>) -> usize {
        use std::arch::x86_64::*;
        const LANES: usize = 8;
        let all = |value: u64| _mm512_set1_epi64(value as i64);
        let (factor, shift) = (all(factor), _mm_cvtsi64_si128(i64::from(self.shift)));
        for (vector, eight) in others.chunks_exact(LANES).enumerate() {
            // SAFETY: the chunk has 64 bytes.
            let eight = unsafe { _mm512_loadu_si512(eight.as_ptr().cast()) };
            let bit = _mm512_srl_epi64(_mm512_mullo_epi64(eight, factor), shift);
            // SAFETY: a bit's number is below 2^(64 - shift), and there are so many bits.
            let words = unsafe { _mm512_i64gather_epi64::<8>(_mm512_srli_epi64::<6>(bit), self.bits.as_ptr().cast()) };
            let mask = _mm512_sllv_epi64(all(1), _mm512_and_si512(bit, all(63)));
            let mut set = _mm512_test_epi64_mask(words, mask);
            while set != 0 {
                found.push((LANES * vector) as u32 + set.trailing_zeros());
                set &= set - 1;
            }
        }
        others.len() / LANES * LANES
    }
}

impl Drop for UpperBits {
    fn drop(&mut self) {
        // What the words were tells something of the numbers they are of.
        self.bits.fill(0);
        std::hint::black_box(&self.bits);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_instruction_set_finds_the_same_products() {
        let mut next = crate::random_words();
        for (log, count, others) in [(6, 3, 7), (10, 40, 8), (16, 900, 1000), (20, 30_000, 4003)] {
            let mut set = UpperBits::new(log);
            let words: Vec<u64> = (0..count).map(|_| next()).collect();
            words.iter().for_each(|word| set.insert(*word));
            assert!(words.iter().all(|word| set.may_hold(*word)));
            let factor = next() | 1;
            let others: Vec<u64> = (0..others).map(|_| next()).collect();
            let naive: Vec<u32> = (0..others.len())
                .filter(|i| {
                    let bit = factor.wrapping_mul(others[*i]) >> (64 - log);
                    words.iter().any(|word| word >> (64 - log) == bit)
                })
                .map(|i| i as u32)
                .collect();
            for isa in [Isa::Avx512, Isa::Scalar] {
                let mut found = vec![7];
                set.products(factor, &others, isa, &mut found);
                assert_eq!(found[1..], naive, "{log} {isa:?}");
            }
            assert!(log < 16 || !naive.is_empty());
        }
    }
}
