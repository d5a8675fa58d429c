//! The scan with the vector instructions of x86-64.

use std::arch::x86_64::*;

use super::nibble::{self, Nibbles, Vector};
use super::{BLOCK, GROUP, Marks, Places, filter, sift};
use crate::bucket;
use crate::index::Index;
use crate::window::{Accept, WIDTH};

/// For each eight buckets, position and low seven bits of a byte, the buckets that accept a byte with those.
/// Literals are mostly ASCII, so little is lost with the eighth bit, and two registers hold a table.
#[repr(align(64))]
pub(super) struct Septets<const OCTETS: usize>([[[u8; 128]; WIDTH]; OCTETS]);

impl<const OCTETS: usize> Septets<OCTETS> {
    pub(super) fn new(windows: &[[Accept; WIDTH]]) -> Self {
        let table = bucket::group(windows, 8 * OCTETS);
        let mut septets = Septets([[[0; 128]; WIDTH]; OCTETS]);
        for (position, row) in table.iter().enumerate() {
            for (byte, buckets) in row.iter().enumerate() {
                for (octet, buckets) in buckets.to_le_bytes().into_iter().take(OCTETS).enumerate() {
                    septets.0[octet][position][byte & 127] |= buckets;
                }
            }
        }
        septets
    }
}

/// # Safety
///
/// The CPU has AVX-512 F, BW, VBMI and VBMI2, BMI1, BMI2 and POPCNT; sizes as in [`super::Kernel::scan`].
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,avx512vbmi2,bmi1,bmi2,popcnt")]
pub(super) unsafe fn scan_avx512<const OCTETS: usize>(
    septets: &Septets<OCTETS>,
    index: &Index,
    block: &[u8],
    count: usize,
    places: &mut Places,
) {
    let mut marks = Marks::new();
    let zero = _mm512_setzero_si512();
    let mut tables = [[[zero; 2]; WIDTH]; OCTETS];
    for (table, bytes) in tables.as_flattened_mut().iter_mut().zip(septets.0.as_flattened()) {
        for (half, bytes) in table.iter_mut().zip(bytes.chunks_exact(64)) {
            // SAFETY: these are 64 bytes.
            *half = unsafe { _mm512_loadu_si512(bytes.as_ptr().cast()) };
        }
    }
    let mut len = 0;
    for group in 0..count / GROUP {
        let mut bytes = [zero; WIDTH];
        for (position, bytes) in bytes.iter_mut().enumerate() {
            // SAFETY: the block has `count + PADDING` bytes; this reads up to `count + 3`.
            *bytes = unsafe { _mm512_loadu_si512(block.as_ptr().add(group * GROUP + position).cast()) };
        }
        _mm_prefetch::<_MM_HINT_T0>(block.as_ptr().wrapping_add(group * GROUP + BLOCK).cast());
        let mut any = zero;
        for table in &tables {
            let mut buckets = _mm512_permutex2var_epi8(table[0][0], bytes[0], table[0][1]);
            for position in 1..WIDTH {
                let [low, high] = table[position];
                buckets = _mm512_and_si512(buckets, _mm512_permutex2var_epi8(low, bytes[position], high));
            }
            any = _mm512_or_si512(any, buckets);
        }
        len = marks.push(len, group, _mm512_test_epi8_mask(any, any));
    }
    marks.len = len;
    let marked = unpack(&marks, places);
    filter(index, block, marked, places);
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
pub(super) unsafe fn scan_avx2(nibbles: &Nibbles, index: &Index, block: &[u8], count: usize, places: &mut Places) {
    let mut marks = Marks::new();
    // SAFETY: the caller's promise.
    unsafe { nibble::mark::<__m256i>(nibbles, block.as_ptr(), count, &mut marks) };
    sift(index, block, &marks, places);
}

/// # Safety
///
/// The CPU has SSSE3; sizes as in [`super::Kernel::scan`].
#[target_feature(enable = "ssse3")]
pub(super) unsafe fn scan_ssse3(nibbles: &Nibbles, index: &Index, block: &[u8], count: usize, places: &mut Places) {
    let mut marks = Marks::new();
    // SAFETY: the caller's promise.
    unsafe { nibble::mark::<__m128i>(nibbles, block.as_ptr(), count, &mut marks) };
    sift(index, block, &marks, places);
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
    unsafe fn table(from: &[u8; 16]) -> Self {
        // SAFETY: the array has 16 bytes.
        unsafe { _mm_loadu_si128(from.as_ptr().cast()) }
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
    unsafe fn low(self) -> Self {
        // SAFETY: instruction set promised.
        unsafe { _mm_and_si128(self, _mm_set1_epi8(15)) }
    }

    #[inline(always)]
    unsafe fn high(self) -> Self {
        // SAFETY: instruction set promised.
        unsafe { _mm_and_si128(_mm_srli_epi16::<4>(self), _mm_set1_epi8(15)) }
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
    unsafe fn table(from: &[u8; 16]) -> Self {
        // SAFETY: the array has 16 bytes.
        unsafe { _mm256_broadcastsi128_si256(_mm_loadu_si128(from.as_ptr().cast())) }
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
    unsafe fn low(self) -> Self {
        // SAFETY: instruction set promised.
        unsafe { _mm256_and_si256(self, _mm256_set1_epi8(15)) }
    }

    #[inline(always)]
    unsafe fn high(self) -> Self {
        // SAFETY: instruction set promised.
        unsafe { _mm256_and_si256(_mm256_srli_epi16::<4>(self), _mm256_set1_epi8(15)) }
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
