//! The scan with the vector instructions of x86-64.

use std::arch::x86_64::*;

use super::hashed::{self, Shorts, Vector};
use super::{BLOCK, GROUP, Marks, Places, sift};
use crate::bucket;
use crate::filter::{CASES, Filter, PRINTABLE, QUAD_SHIFT, SHORT_SHIFT, SPREAD};
use crate::window::{Accept, WIDTH};

/// For each eight buckets, position and six bits of a byte, the buckets that accept a byte with those. What the bits leave out
/// are the cases of letters, and the eighth bit: literals are mostly ASCII, and one register holds a table.
#[repr(align(64))]
pub(super) struct Sextets<const OCTETS: usize>([[[u8; 64]; WIDTH]; OCTETS]);

/// The six bits of a byte.
fn sextet(byte: u8) -> u8 {
    byte & LOW | byte >> 1 & !LOW & 0x3f
}

/// The low bits of a byte that are those of its sextet. The last one is the seventh of the byte.
const LOW: u8 = 0x1f;

impl<const OCTETS: usize> Sextets<OCTETS> {
    /// In as many buckets as are told apart.
    pub(super) fn new<const BUCKETS: usize>(windows: &[[Accept; WIDTH]]) -> Self {
        const { assert!(BUCKETS == 8 * OCTETS) };
        Sextets(bucket::octets(&bucket::group::<BUCKETS>(windows, sextet), sextet))
    }
}

/// # Safety
///
/// The CPU has AVX-512 F, BW, VBMI and VBMI2, BMI1, BMI2 and POPCNT; sizes as in [`super::Kernel::scan`].
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,avx512vbmi2,bmi1,bmi2,popcnt")]
pub(super) unsafe fn scan_avx512<const OCTETS: usize>(
    sextets: &Sextets<OCTETS>,
    filter: &Filter,
    block: &[u8],
    count: usize,
    places: &mut Places,
) {
    let mut marks = Marks::new();
    let zero = _mm512_setzero_si512();
    let low = _mm512_set1_epi8(LOW as i8);
    let mut tables = [[zero; WIDTH]; OCTETS];
    for (table, bytes) in tables.as_flattened_mut().iter_mut().zip(sextets.0.as_flattened()) {
        // SAFETY: these are 64 bytes.
        *table = unsafe { _mm512_loadu_si512(bytes.as_ptr().cast()) };
    }
    let mut len = 0;
    for group in 0..count / GROUP {
        let mut bytes = [zero; WIDTH];
        for (position, bytes) in bytes.iter_mut().enumerate() {
            // SAFETY: the block has `count + PADDING` bytes; this reads up to `count + 3`.
            *bytes = unsafe { _mm512_loadu_si512(block.as_ptr().add(group * GROUP + position).cast()) };
        }
        _mm_prefetch::<_MM_HINT_T0>(block.as_ptr().wrapping_add(group * GROUP + BLOCK).cast());
        // Of the shifted bytes and the bytes, the latter where `low` has a bit; the two uppermost bits do not matter.
        let sextets = bytes.map(|bytes| _mm512_ternarylogic_epi32::<0xd8>(_mm512_srli_epi16::<1>(bytes), bytes, low));
        let mut any = zero;
        for table in &tables {
            let mut buckets = _mm512_permutexvar_epi8(sextets[0], table[0]);
            for position in 1..WIDTH {
                buckets = _mm512_and_si512(buckets, _mm512_permutexvar_epi8(sextets[position], table[position]));
            }
            any = _mm512_or_si512(any, buckets);
        }
        len = marks.push(len, group, _mm512_test_epi8_mask(any, any) | wide(bytes));
    }
    marks.len = len;
    let marked = unpack(&marks, places);
    keep_avx512(filter, block, marked, places);
}

/// The places where two characters of UTF-16 may stand, as the filter lets them pass.
#[target_feature(enable = "avx512f,avx512bw")]
fn wide([first, second, third, fourth]: [__m512i; WIDTH]) -> u64 {
    let printable = _mm512_set1_epi8(PRINTABLE as i8);
    let between = _mm512_or_si512(second, fourth);
    let wide = _mm512_testn_epi8_mask(between, between);
    let wide = _mm512_mask_test_epi8_mask(wide, first, printable);
    _mm512_mask_test_epi8_mask(wide, third, printable)
}

/// The bytes of a word of four that are zero if the others are characters of UTF-16, and these bits of the two characters.
const BETWEEN: u32 = 0xff00_ff00;
const CHARACTERS: [u32; 2] = [PRINTABLE as u32, (PRINTABLE as u32) << 16];

/// As [`super::keep`], for sixteen places at a time.
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi2,popcnt")]
pub(super) fn keep_avx512(filter: &Filter, block: &[u8], marked: usize, places: &mut Places) {
    const LANES: usize = 16;
    let Some(last) = block.len().checked_sub(4) else { return };
    let Places { marked: all, kept, len } = places;
    let cases = _mm512_set1_epi32(CASES as i32);
    let spread = _mm512_set1_epi32(SPREAD as i32);
    let mut count = 0;
    for at in (0..marked).step_by(LANES) {
        let (from, to) = (&all[at..at + LANES], &mut kept[count..count + LANES]);
        // SAFETY: these are sixteen places of two bytes.
        let offsets = _mm512_cvtepu16_epi32(unsafe { _mm256_loadu_si256(from.as_ptr().cast()) });
        let there = 0xffff >> LANES.saturating_sub(marked - at);
        let there = _mm512_mask_cmple_epu32_mask(there, offsets, _mm512_set1_epi32(last as i32));
        // SAFETY: of the lanes that are there, all four bytes lie in the block.
        let word = unsafe { _mm512_mask_i32gather_epi32::<1>(cases, there, offsets, block.as_ptr().cast()) };
        let folded = _mm512_or_si512(word, cases);
        let quad = _mm512_srli_epi32::<QUAD_SHIFT>(_mm512_mullo_epi32(folded, spread));
        // SAFETY: the hash has no more bits than the filter.
        let quad = unsafe { is_set(&filter.quads[..], quad) };
        let short = _mm512_mullo_epi32(_mm512_slli_epi32::<8>(folded), spread);
        // SAFETY: the hash has no more bits than the filter.
        let short = unsafe { is_set(&filter.shorts[..], _mm512_srli_epi32::<SHORT_SHIFT>(short)) };
        let wide =
            CHARACTERS.iter().fold(_mm512_testn_epi32_mask(word, _mm512_set1_epi32(BETWEEN as i32)), |wide, bits| {
                _mm512_mask_test_epi32_mask(wide, word, _mm512_set1_epi32(*bits as i32))
            });
        let keep = there & (quad | short | wide);
        let passed = _mm512_cvtepi32_epi16(_mm512_maskz_compress_epi32(keep, offsets));
        // SAFETY: there is room for sixteen places of two bytes.
        unsafe { _mm256_storeu_si256(to.as_mut_ptr().cast(), passed) };
        count += keep.count_ones() as usize;
    }
    *len = count;
}

/// For each lane, whether its bit is set in the words.
///
/// # Safety
///
/// The CPU has AVX-512 F, and the words have all these bits.
#[target_feature(enable = "avx512f")]
unsafe fn is_set(words: &[u32], bits: __m512i) -> u16 {
    // SAFETY: the words have these bits, by the caller's promise.
    let words = unsafe { _mm512_i32gather_epi32::<4>(_mm512_srli_epi32::<5>(bits), words.as_ptr().cast()) };
    let bit = _mm512_sllv_epi32(_mm512_set1_epi32(1), _mm512_and_si512(bits, _mm512_set1_epi32(31)));
    _mm512_test_epi32_mask(words, bit)
}

/// Writes the places of the marks one after the other and returns how many they are.
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi2,popcnt")]
fn unpack(marks: &Marks, places: &mut Places) -> usize {
    let bit_numbers: [u8; GROUP] = std::array::from_fn(|bit| bit as u8);
    // SAFETY: the array has 64 bytes.
    let bit_numbers = unsafe { _mm512_loadu_si512(bit_numbers.as_ptr().cast()) };
    let mut marked = 0;
    for (&group, &bits) in marks.groups[..marks.len].iter().zip(&marks.bits) {
        let base = _mm512_set1_epi16(i16::from(group) * GROUP as i16);
        let set = _mm512_maskz_compress_epi8(bits, bit_numbers);
        let room = &mut places.marked[marked..marked + GROUP];
        let low = _mm512_add_epi16(base, _mm512_cvtepu8_epi16(_mm512_castsi512_si256(set)));
        // SAFETY: there is room for 64 places, and this writes the first 32.
        unsafe { _mm512_storeu_si512(room.as_mut_ptr().cast(), low) };
        let count = bits.count_ones() as usize;
        if count > GROUP / 2 {
            let high = _mm512_add_epi16(base, _mm512_cvtepu8_epi16(_mm512_extracti64x4_epi64::<1>(set)));
            // SAFETY: there is room for 64 places, and this writes the last 32.
            unsafe { _mm512_storeu_si512(room.as_mut_ptr().add(GROUP / 2).cast(), high) };
        }
        marked += count;
    }
    marked
}

/// # Safety
///
/// The CPU has AVX2, BMI1, BMI2 and POPCNT; sizes as in [`super::Kernel::scan`].
#[target_feature(enable = "avx2,bmi1,bmi2,popcnt")]
pub(super) unsafe fn scan_avx2(shorts: &Shorts, filter: &Filter, block: &[u8], count: usize, places: &mut Places) {
    let mut marks = Marks::new();
    // SAFETY: the caller's promise.
    unsafe { hashed::mark::<__m256i>(shorts, filter, block.as_ptr(), count, &mut marks) };
    sift(filter, block, &marks, places);
}

/// # Safety
///
/// The CPU has SSE4.1; sizes as in [`super::Kernel::scan`].
#[target_feature(enable = "sse4.1")]
pub(super) unsafe fn scan_sse41(shorts: &Shorts, filter: &Filter, block: &[u8], count: usize, places: &mut Places) {
    let mut marks = Marks::new();
    // SAFETY: the caller's promise.
    unsafe { hashed::mark::<__m128i>(shorts, filter, block.as_ptr(), count, &mut marks) };
    sift(filter, block, &marks, places);
}

// SAFETY of all methods: the caller of a method of `Vector` promises the instruction set.
impl Vector for __m128i {
    const LANES: usize = 16;

    #[inline(always)]
    unsafe fn load(from: *const u8) -> Self {
        // SAFETY: readable by the caller's promise; no alignment is needed.
        unsafe { _mm_loadu_si128(from.cast()) }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut u8) {
        // SAFETY: writable by the caller's promise; no alignment is needed.
        unsafe { _mm_storeu_si128(to.cast(), self) }
    }

    #[inline(always)]
    unsafe fn table(from: &[u8; 16]) -> Self {
        // SAFETY: the array has 16 bytes.
        unsafe { _mm_loadu_si128(from.as_ptr().cast()) }
    }

    #[inline(always)]
    unsafe fn multiply(self, other: Self) -> Self {
        // SAFETY: instruction set promised.
        unsafe { _mm_mullo_epi32(self, other) }
    }

    #[inline(always)]
    unsafe fn right<const BITS: i32>(self) -> Self {
        // SAFETY: instruction set promised.
        unsafe { _mm_srli_epi32::<BITS>(self) }
    }

    #[inline(always)]
    unsafe fn left<const BITS: i32>(self) -> Self {
        // SAFETY: instruction set promised.
        unsafe { _mm_slli_epi32::<BITS>(self) }
    }

    #[inline(always)]
    unsafe fn and(self, other: Self) -> Self {
        // SAFETY: instruction set promised.
        unsafe { _mm_and_si128(self, other) }
    }

    #[inline(always)]
    unsafe fn or(self, other: Self) -> Self {
        // SAFETY: instruction set promised.
        unsafe { _mm_or_si128(self, other) }
    }

    #[inline(always)]
    unsafe fn quintets(self) -> [Self; 2] {
        // SAFETY: instruction set promised. Where the eighth bit is set, the shuffle gives zero.
        unsafe {
            let eighth = _mm_set1_epi8(0x80_u8 as i8);
            let fifth = _mm_and_si128(_mm_slli_epi16::<3>(self), eighth);
            let first = _mm_or_si128(_mm_and_si128(self, _mm_set1_epi8(15)), fifth);
            [first, _mm_xor_si128(first, eighth)]
        }
    }

    #[inline(always)]
    unsafe fn look_up(self, table: Self) -> Self {
        // SAFETY: instruction set promised.
        unsafe { _mm_shuffle_epi8(table, self) }
    }

    #[inline(always)]
    unsafe fn nonzero(self) -> u64 {
        // SAFETY: instruction set promised.
        let zero = unsafe { _mm_movemask_epi8(_mm_cmpeq_epi8(self, _mm_setzero_si128())) };
        u64::from(!zero as u16)
    }
}

// SAFETY of all methods: the caller of a method of `Vector` promises the instruction set.
impl Vector for __m256i {
    const LANES: usize = 32;

    #[inline(always)]
    unsafe fn load(from: *const u8) -> Self {
        // SAFETY: readable by the caller's promise; no alignment is needed.
        unsafe { _mm256_loadu_si256(from.cast()) }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut u8) {
        // SAFETY: writable by the caller's promise; no alignment is needed.
        unsafe { _mm256_storeu_si256(to.cast(), self) }
    }

    #[inline(always)]
    unsafe fn table(from: &[u8; 16]) -> Self {
        // SAFETY: the array has 16 bytes.
        unsafe { _mm256_broadcastsi128_si256(_mm_loadu_si128(from.as_ptr().cast())) }
    }

    #[inline(always)]
    unsafe fn multiply(self, other: Self) -> Self {
        // SAFETY: instruction set promised.
        unsafe { _mm256_mullo_epi32(self, other) }
    }

    #[inline(always)]
    unsafe fn right<const BITS: i32>(self) -> Self {
        // SAFETY: instruction set promised.
        unsafe { _mm256_srli_epi32::<BITS>(self) }
    }

    #[inline(always)]
    unsafe fn left<const BITS: i32>(self) -> Self {
        // SAFETY: instruction set promised.
        unsafe { _mm256_slli_epi32::<BITS>(self) }
    }

    #[inline(always)]
    unsafe fn and(self, other: Self) -> Self {
        // SAFETY: instruction set promised.
        unsafe { _mm256_and_si256(self, other) }
    }

    #[inline(always)]
    unsafe fn or(self, other: Self) -> Self {
        // SAFETY: instruction set promised.
        unsafe { _mm256_or_si256(self, other) }
    }

    #[inline(always)]
    unsafe fn quintets(self) -> [Self; 2] {
        // SAFETY: instruction set promised. Where the eighth bit is set, the shuffle gives zero.
        unsafe {
            let eighth = _mm256_set1_epi8(0x80_u8 as i8);
            let fifth = _mm256_and_si256(_mm256_slli_epi16::<3>(self), eighth);
            let first = _mm256_or_si256(_mm256_and_si256(self, _mm256_set1_epi8(15)), fifth);
            [first, _mm256_xor_si256(first, eighth)]
        }
    }

    #[inline(always)]
    unsafe fn look_up(self, table: Self) -> Self {
        // SAFETY: instruction set promised.
        unsafe { _mm256_shuffle_epi8(table, self) }
    }

    #[inline(always)]
    unsafe fn nonzero(self) -> u64 {
        // SAFETY: instruction set promised.
        let zero = unsafe { _mm256_movemask_epi8(_mm256_cmpeq_epi8(self, _mm256_setzero_si256())) };
        u64::from(!zero as u32)
    }
}
