//! What the words of a process's memory look like, 64 at a time: which could be part of a number drawn at random, and
//! which could be a length in the header of one. Every byte of a dump goes through this.

use crate::Isa;

/// What 64 words look like: bit `i` for word `i`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct WordLooks {
    /// Could have been drawn at random: fewer than three bytes are 0 or 255 (one random word in 40,000 has more), no
    /// pointer and no small integer of either sign (the upper 17 bits are not all the same), and no text.
    pub random: u64,
    /// The same, but printable ASCII throughout: one random word in 3,000 looks so.
    pub text: u64,
    /// Four printable ASCII characters in UTF-16.
    pub wide: u64,
    /// An integer below 256 as V8 holds it: in the upper half; or two of them where it compresses pointers: in all but the lowest bit of
    /// each half. Or one as JavaScriptCore and SpiderMonkey hold it: below bits that make a number that is none of a double.
    pub octet: u64,
    /// Could be a length, a pair of lengths, a sign with a length, or a pointer that a slightly larger one follows:
    ///
    /// - from 3 to 65535, or the lower half below 65536 and the upper half from 1 to 4095;
    /// - below 2^28, with a lower quarter of 1 or 65535;
    /// - from 65536 on, and the next word is larger by 16 to 2063.
    pub header: u64,
}

/// Words that are looked at together.
pub const WORDS: usize = 64;
/// Bytes that are read for that: one more word follows.
pub const WORDS_BYTES: usize = 8 * (WORDS + 1);

const HIGH: u64 = 0x8080_8080_8080_8080;
const LOW: u64 = 0x7f7f_7f7f_7f7f_7f7f;
const ONES: u64 = 0x0101_0101_0101_0101;
const SPACES: u64 = 0x2020_2020_2020_2020;
/// Bits that are zero in ASCII characters in UTF-16; what makes such a character carry into its highest bit if it is no control
/// character; and those highest bits.
const WIDE: u64 = 0xff80_ff80_ff80_ff80;
const WIDE_SPACES: u64 = 0x0060_0060_0060_0060;
const WIDE_HIGH: u64 = 0x0080_0080_0080_0080;
/// Bits that are zero in a byte as an integer of V8.
const OCTET: u64 = 0xffff_ff00_ffff_ffff;
/// And in two bytes as integers beside compressed pointers.
const OCTETS: u64 = 0xffff_fe01_ffff_fe01;
/// Bits that are known in a byte as an integer of JavaScriptCore (`0xfffe_0000` above it) or SpiderMonkey (`0xfff8_8000`), and what they
/// are.
const BOXED: (u64, u64) = (0xfff8_7fff_ffff_ff00, 0xfff8_0000_0000_0000);
/// Bits that are zero in a length and in a pair of lengths.
const LENGTHS: u64 = 0xffff_f000_ffff_0000;

/// Looks at little-endian words. `isa` must be available on this CPU, or the portable code is used.
pub fn look_at_words(bytes: &[u8; WORDS_BYTES], isa: Isa) -> WordLooks {
    #[cfg(target_arch = "x86_64")]
    match isa {
        // SAFETY: this CPU has the instructions.
        Isa::Avx512 if isa.is_available() => return unsafe { x86::avx512(bytes) },
        // SAFETY: this CPU has the instructions.
        Isa::Avx2 if isa.is_available() => return unsafe { x86::avx2(bytes) },
        _ => {}
    }
    let _ = isa;
    portable(bytes)
}

fn portable(bytes: &[u8; WORDS_BYTES]) -> WordLooks {
    let mut looks = WordLooks::default();
    let (words, _) = bytes.as_chunks::<8>();
    for (i, pair) in words.windows(2).enumerate() {
        let (word, next) = (u64::from_le_bytes(pair[0]), u64::from_le_bytes(pair[1]));
        // The high bit of each byte that is 0 or 255.
        let zeros = !(((word & LOW) + LOW) | word) & HIGH;
        let special = zeros | (((word & LOW) + ONES) & word & HIGH);
        let without_one = special & special.wrapping_sub(1);
        let few = without_one & without_one.wrapping_sub(1) == 0;
        let integer = word.wrapping_add(1 << 47) >> 48 == 0;
        let text = (word | word.wrapping_sub(SPACES)) & HIGH == 0;
        let length = (word & LENGTHS == 0) & (word.wrapping_add(1) & !3 != 0);
        let signed = (word >> 28 == 0) & (word.wrapping_add(1) & 0xfffd == 0) & (word >> 16 != 0);
        let range = (next.wrapping_sub(word).wrapping_sub(16) >> 11 == 0) & (word >> 16 != 0);
        let wide = (word & WIDE == 0) & (word.wrapping_add(WIDE_SPACES) & WIDE_HIGH == WIDE_HIGH);
        looks.wide |= u64::from(wide) << i;
        looks.octet |= u64::from((word & OCTET == 0) | (word & OCTETS == 0) | (word & BOXED.0 == BOXED.1)) << i;
        looks.random |= u64::from(few & !integer & !text) << i;
        looks.text |= u64::from(few & !integer & text) << i;
        looks.header |= u64::from(length | signed | range) << i;
    }
    looks
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::{
        BOXED, HIGH, LENGTHS, LOW, OCTET, OCTETS, ONES, SPACES, WIDE, WIDE_HIGH, WIDE_SPACES, WORDS, WORDS_BYTES,
        WordLooks,
    };
    use std::arch::x86_64::*;

    #[target_feature(enable = "avx2")]
    pub(super) unsafe fn avx2(bytes: &[u8; WORDS_BYTES]) -> WordLooks {
        const LANES: usize = 4;
        let all = |value: u64| _mm256_set1_epi64x(value as i64);
        let is = |a, b| _mm256_cmpeq_epi64(a, b);
        let mask = |lanes| u64::from(_mm256_movemask_pd(_mm256_castsi256_pd(lanes)) as u32);
        let (high, low, ones, zero) = (all(HIGH), all(LOW), all(ONES), all(0));
        let minus_one = is(zero, zero);
        let mut looks = WordLooks::default();
        for group in 0..WORDS / LANES {
            let from = bytes[8 * LANES * group..].as_ptr();
            // SAFETY: the array has 65 words; this reads up to word 64, counted from 0.
            let (word, next) = unsafe { (_mm256_loadu_si256(from.cast()), _mm256_loadu_si256(from.add(8).cast())) };
            let shift = LANES * group;
            let lower = _mm256_and_si256(word, low);
            let zeros = _mm256_andnot_si256(_mm256_or_si256(_mm256_add_epi64(lower, low), word), high);
            let full = _mm256_and_si256(_mm256_and_si256(_mm256_add_epi64(lower, ones), word), high);
            let special = _mm256_or_si256(zeros, full);
            let without_one = _mm256_and_si256(special, _mm256_add_epi64(special, minus_one));
            let without_two = _mm256_and_si256(without_one, _mm256_add_epi64(without_one, minus_one));
            let integer = is(_mm256_srli_epi64::<48>(_mm256_add_epi64(word, all(1 << 47))), zero);
            let random = _mm256_andnot_si256(integer, is(without_two, zero));
            let letters = _mm256_or_si256(word, _mm256_sub_epi64(word, all(SPACES)));
            let text = is(_mm256_and_si256(letters, high), zero);
            let after = _mm256_sub_epi64(word, minus_one);
            let length = _mm256_andnot_si256(
                is(_mm256_and_si256(after, all(!3)), zero),
                is(_mm256_and_si256(word, all(LENGTHS)), zero),
            );
            let signed = _mm256_and_si256(
                is(_mm256_srli_epi64::<28>(word), zero),
                is(_mm256_and_si256(after, all(0xfffd)), zero),
            );
            let distance = _mm256_sub_epi64(_mm256_sub_epi64(next, word), all(16));
            let range = is(_mm256_srli_epi64::<11>(distance), zero);
            let small = is(_mm256_srli_epi64::<16>(word), zero);
            let large = _mm256_andnot_si256(small, _mm256_or_si256(signed, range));
            let printable = _mm256_and_si256(_mm256_add_epi64(word, all(WIDE_SPACES)), all(WIDE_HIGH));
            let ascii = is(_mm256_and_si256(word, all(WIDE)), zero);
            let wide = _mm256_and_si256(ascii, is(printable, all(WIDE_HIGH)));
            looks.wide |= mask(wide) << shift;
            let octet = is(_mm256_and_si256(word, all(OCTET)), zero);
            let octets = is(_mm256_and_si256(word, all(OCTETS)), zero);
            let boxed = is(_mm256_and_si256(word, all(BOXED.0)), all(BOXED.1));
            looks.octet |= mask(_mm256_or_si256(boxed, _mm256_or_si256(octet, octets))) << shift;
            looks.random |= mask(_mm256_andnot_si256(text, random)) << shift;
            looks.text |= mask(_mm256_and_si256(text, random)) << shift;
            looks.header |= mask(_mm256_or_si256(length, large)) << shift;
        }
        looks
    }

    #[target_feature(enable = "avx512f,avx512bw")]
    pub(super) unsafe fn avx512(bytes: &[u8; WORDS_BYTES]) -> WordLooks {
        const LANES: usize = 8;
        let all = |value: u64| _mm512_set1_epi64(value as i64);
        // Whether no bit of `bits` is set.
        let none = |word, bits: u64| _mm512_testn_epi64_mask(word, all(bits));
        let any = u64::MAX;
        let mut looks = WordLooks::default();
        for group in 0..WORDS / LANES {
            let from = bytes[8 * LANES * group..].as_ptr();
            // SAFETY: the array has 65 words; this reads up to word 64, counted from 0.
            let (word, next) = unsafe { (_mm512_loadu_si512(from.cast()), _mm512_loadu_si512(from.add(8).cast())) };
            let shift = LANES * group;
            let lower = _mm512_and_si512(word, all(LOW));
            let zeros = _mm512_andnot_si512(_mm512_or_si512(_mm512_add_epi64(lower, all(LOW)), word), all(HIGH));
            let full = _mm512_and_si512(_mm512_and_si512(_mm512_add_epi64(lower, all(ONES)), word), all(HIGH));
            let special = _mm512_or_si512(zeros, full);
            let without_one = _mm512_and_si512(special, _mm512_add_epi64(special, all(any)));
            let without_two = _mm512_and_si512(without_one, _mm512_add_epi64(without_one, all(any)));
            let integer = none(_mm512_add_epi64(word, all(1 << 47)), any << 48);
            let random = none(without_two, any) & !integer;
            let text = none(_mm512_or_si512(word, _mm512_sub_epi64(word, all(SPACES))), HIGH);
            let after = _mm512_add_epi64(word, all(1));
            let length = none(word, LENGTHS) & !none(after, !3);
            let signed = none(word, any << 28) & none(after, 0xfffd);
            let distance = _mm512_sub_epi64(_mm512_sub_epi64(next, word), all(16));
            let large = (signed | none(distance, any << 11)) & !none(word, any << 16);
            // In 16 bits each what is not too large, and not too small.
            let printable = _mm512_andnot_si512(_mm512_add_epi64(word, all(WIDE_SPACES)), all(WIDE_HIGH));
            let wide = none(word, WIDE) & none(printable, any);
            let boxed = _mm512_cmpeq_epi64_mask(_mm512_and_si512(word, all(BOXED.0)), all(BOXED.1));
            looks.wide |= u64::from(wide) << shift;
            looks.octet |= u64::from(none(word, OCTET) | none(word, OCTETS) | boxed) << shift;
            looks.random |= u64::from(random & !text) << shift;
            looks.text |= u64::from(random & text) << shift;
            looks.header |= u64::from(length | large) << shift;
        }
        looks
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(words: &[u64]) -> [u8; WORDS_BYTES] {
        let mut bytes = [0; WORDS_BYTES];
        bytes.chunks_exact_mut(8).zip(words).for_each(|(to, word)| to.copy_from_slice(&word.to_le_bytes()));
        bytes
    }

    #[test]
    fn words_look_like_what_they_are() {
        for (word, random, text) in [
            (0, false, false),
            (5, false, false),
            (u64::MAX - 5, false, false),
            (0x0000_7fff_1234_5678, false, false),
            (0xffff_8881_1234_5678, false, false),
            (0x0100_0000_9182_73ff, false, false),
            (0x3f01_8000_ff82_7364, true, false),
            (0x9a3f_5c71_e2d8_46b3, true, false),
            (u64::from_le_bytes(*b"Password"), false, true),
            (u64::from_le_bytes(*b"line\nend"), true, false),
        ] {
            let looks = look_at_words(&block(&[word]), Isa::Scalar);
            assert_eq!(looks.wide, 0, "{word:#x}");
            assert_eq!((looks.random & 1 != 0, looks.text & 1 != 0), (random, text), "{word:#x}");
        }
        for (bytes, wide) in
            [(b"d\0=\0a\0z\0", true), (b" \0~\0A\0_\0", true), (b"d\0\x1f\0a\0z\0", false), (b"d\0=\0a\x01z\0", false)]
        {
            let looks = look_at_words(&block(&[u64::from_le_bytes(*bytes)]), Isa::Scalar);
            assert_eq!(looks.wide & 1 != 0, wide, "{bytes:?}");
        }
        for (word, octet) in [
            (0, true),
            (255 << 32, true),
            (257 << 32, false),
            (1, false),
            (7 << 32 | 1 << 31, false),
            (510 << 32 | 510, true),
            (510 << 32 | 512, false),
            (512 << 32 | 2, false),
            (9 << 32 | 2, false),
            (0xfffe_0000_0000_00ff, true),
            (0xfff8_8000_0000_0007, true),
            (0xfffe_0000_0000_0100, false),
            (0xfff0_0000_0000_0007, false),
            (0xfffe_0001_0000_0007, false),
        ] {
            assert_eq!(look_at_words(&block(&[word]), Isa::Scalar).octet & 1 != 0, octet, "{word:#x}");
        }
        for (word, next, header) in [
            (0, 0, false),
            (2, 0, false),
            (3, 0, true),
            (65_535, 0, true),
            (65_536, 0, false),
            (17 << 16 | 1, 0, true),
            (17 << 16 | 0xffff, 0, true),
            (17 << 16 | 2, 0, false),
            (4095 << 32 | 4095, 0, true),
            (4096 << 32 | 1, 0, false),
            (0x7f00_1000, 0x7f00_1010, true),
            (0x7f00_1000, 0x7f00_1008, false),
            (0x7f00_1000, 0x7f00_1800, true),
            (0x7f00_1000, 0x7f00_2000, false),
        ] {
            let looks = look_at_words(&block(&[word, next]), Isa::Scalar);
            assert_eq!(looks.header & 1 != 0, header, "{word:#x} {next:#x}");
        }
    }

    #[test]
    fn all_instruction_sets_agree() {
        let mut state = 1u64;
        let mut random = || {
            state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
            state ^ state >> 29
        };
        for _ in 0..20_000 {
            let words: Vec<u64> = (0..=WORDS)
                .map(|_| match random() % 13 {
                    0 => 0,
                    1 => random() % 70_000,
                    2 => ((random() % 5000) << 32) | (random() % 5000),
                    3 => 0x7f00_0000_0000 + random() % 4000,
                    4 => random() & random() & random(),
                    5 => random() & LOW | SPACES,
                    6 => random() | random() | random(),
                    7 => (random() & !WIDE) | 0x0020_0020_0020_0020,
                    8 => random() & !WIDE,
                    9 => random() & (!OCTET | random() & random() & random()),
                    11 => BOXED.1 | random() & (!BOXED.0 | random() & random() & random() & random()),
                    10 => random() & (!OCTETS | random() & random() & random() & random()),
                    _ => random(),
                })
                .collect();
            let bytes = block(&words);
            let expected = look_at_words(&bytes, Isa::Scalar);
            for isa in Isa::ALL {
                assert_eq!(look_at_words(&bytes, isa), expected, "{isa}");
            }
        }
    }
}
