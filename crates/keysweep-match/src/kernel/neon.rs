//! The scan with the vector instructions of AArch64.

use std::arch::aarch64::*;

use super::hashed::{self, Shorts, Vector};
use super::{Marks, Places, sift};
use crate::filter::Filter;

/// # Safety
///
/// The CPU has NEON; sizes as in [`super::Kernel::scan`].
#[target_feature(enable = "neon")]
pub(super) unsafe fn scan(shorts: &Shorts, filter: &Filter, block: &[u8], count: usize, places: &mut Places) {
    let mut marks = Marks::new();
    // SAFETY: the caller's promise.
    unsafe { hashed::mark::<uint8x16_t>(shorts, filter, block.as_ptr(), count, &mut marks) };
    sift(filter, block, &marks, places);
}

// SAFETY of all methods: the caller of a method of `Vector` promises the instruction set.
impl Vector for uint8x16_t {
    const LANES: usize = 16;

    #[inline(always)]
    unsafe fn load(from: *const u8) -> Self {
        // SAFETY: readable by the caller's promise; no alignment is needed.
        unsafe { vld1q_u8(from) }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut u8) {
        // SAFETY: writable by the caller's promise; no alignment is needed.
        unsafe { vst1q_u8(to, self) }
    }

    #[inline(always)]
    unsafe fn table(from: &[u8; 16]) -> Self {
        // SAFETY: the array has 16 bytes.
        unsafe { vld1q_u8(from.as_ptr()) }
    }

    #[inline(always)]
    unsafe fn multiply(self, other: Self) -> Self {
        // SAFETY: instruction set promised.
        unsafe { vreinterpretq_u8_u32(vmulq_u32(vreinterpretq_u32_u8(self), vreinterpretq_u32_u8(other))) }
    }

    #[inline(always)]
    unsafe fn right<const BITS: i32>(self) -> Self {
        // SAFETY: instruction set promised.
        unsafe { vreinterpretq_u8_u32(vshrq_n_u32::<BITS>(vreinterpretq_u32_u8(self))) }
    }

    #[inline(always)]
    unsafe fn left<const BITS: i32>(self) -> Self {
        // SAFETY: instruction set promised.
        unsafe { vreinterpretq_u8_u32(vshlq_n_u32::<BITS>(vreinterpretq_u32_u8(self))) }
    }

    #[inline(always)]
    unsafe fn and(self, other: Self) -> Self {
        // SAFETY: instruction set promised.
        unsafe { vandq_u8(self, other) }
    }

    #[inline(always)]
    unsafe fn or(self, other: Self) -> Self {
        // SAFETY: instruction set promised.
        unsafe { vorrq_u8(self, other) }
    }

    #[inline(always)]
    unsafe fn quintets(self) -> [Self; 2] {
        // SAFETY: instruction set promised. What is no index into 16 entries looks up zero.
        unsafe {
            let first = vandq_u8(self, vdupq_n_u8(0x1f));
            [first, veorq_u8(first, vdupq_n_u8(0x10))]
        }
    }

    #[inline(always)]
    unsafe fn look_up(self, table: Self) -> Self {
        // SAFETY: instruction set promised.
        unsafe { vqtbl1q_u8(table, self) }
    }

    #[inline(always)]
    unsafe fn nonzero(self) -> u64 {
        const BITS: [u8; 16] = [1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128];
        // SAFETY: instruction set promised; the array has 16 bytes.
        unsafe {
            let bits = vandq_u8(vtstq_u8(self, self), vld1q_u8(BITS.as_ptr()));
            let low = vaddv_u8(vget_low_u8(bits));
            let high = vaddv_u8(vget_high_u8(bits));
            u64::from(low) | u64::from(high) << 8
        }
    }
}
