//! The scan by half bytes, for instruction sets whose shuffle looks up 16 bytes.

use super::{BLOCK, GROUP, Marks};
use crate::bucket;
use crate::filter::PRINTABLE;
use crate::frequency::TEXT;
use crate::window::{Accept, WIDTH};

/// Buckets are scanned eight at a time, so many times.
const OCTETS: usize = 2;

/// For each eight buckets, position and half byte, the buckets that accept a byte with that half byte.
#[repr(align(16))]
pub(super) struct Nibbles {
    low: [[[u8; 16]; WIDTH]; OCTETS],
    high: [[[u8; 16]; WIDTH]; OCTETS],
}

/// Share of the places of a text above which the scan marks too many to be worth it.
const MAX_MARKED: f32 = 0.08;

impl Nibbles {
    /// `None` if half bytes tell too little about so many windows.
    pub(super) fn new(windows: &[[Accept; WIDTH]]) -> Option<Self> {
        let table = bucket::group::<{ 8 * OCTETS }>(windows, |byte| byte);
        let mut nibbles = Nibbles { low: [[[0; 16]; WIDTH]; OCTETS], high: [[[0; 16]; WIDTH]; OCTETS] };
        for (position, row) in table.iter().enumerate() {
            for (byte, buckets) in row.iter().enumerate() {
                for (octet, buckets) in buckets.to_le_bytes().into_iter().take(OCTETS).enumerate() {
                    nibbles.low[octet][position][byte & 15] |= buckets;
                    nibbles.high[octet][position][byte >> 4] |= buckets;
                }
            }
        }
        (nibbles.marked() < MAX_MARKED).then_some(nibbles)
    }

    /// The share of the places of a text that is marked.
    fn marked(&self) -> f32 {
        let accepted = |bucket: usize, position: usize| -> f32 {
            let (octet, bit) = (bucket / 8, 1 << (bucket % 8));
            let (low, high) = (&self.low[octet][position], &self.high[octet][position]);
            TEXT.iter()
                .enumerate()
                .filter(|(byte, _)| low[byte & 15] & high[byte >> 4] & bit != 0)
                .map(|(_, &frequency)| f32::from(frequency) / 65536.0)
                .sum()
        };
        (0..8 * OCTETS).map(|bucket| (0..WIDTH).map(|position| accepted(bucket, position)).product::<f32>()).sum()
    }
}

/// A vector of bytes.
///
/// # Safety
///
/// The methods need the instruction set of the vector.
pub(super) trait Vector: Copy {
    /// Bytes in it, a divisor of 64.
    const LANES: usize;
    /// Loads [`Self::LANES`] bytes from any address, which must be readable.
    unsafe fn load(from: *const u8) -> Self;
    /// 16 bytes, repeated to fill the vector.
    unsafe fn table(from: &[u8; 16]) -> Self;
    unsafe fn and(self, other: Self) -> Self;
    unsafe fn or(self, other: Self) -> Self;
    /// The low half of each byte.
    unsafe fn low(self) -> Self;
    /// The high half of each byte, shifted down.
    unsafe fn high(self) -> Self;
    /// Looks up each byte, which is below 16, in a table.
    unsafe fn look_up(self, table: Self) -> Self;
    /// A bit for each byte that is not zero, that of the first byte lowest.
    unsafe fn nonzero(self) -> u64;
}

/// Marks the places among the first `count` bytes.
///
/// # Safety
///
/// The CPU has the instruction set of `V`; `count` is a multiple of 64 and at most [`BLOCK`]; `count + 3` bytes are
/// readable at `bytes`.
#[inline(always)]
pub(super) unsafe fn mark<V: Vector>(nibbles: &Nibbles, bytes: *const u8, count: usize, marks: &mut Marks) {
    debug_assert!(count.is_multiple_of(GROUP) && count <= BLOCK);
    // SAFETY: the instruction set is the caller's promise. The last load begins at place `count - LANES`, three
    // positions further at most, so that it ends at `count + 3`.
    unsafe {
        let low = nibbles.low.map(|octet| octet.map(|table| V::table(&table)));
        let high = nibbles.high.map(|octet| octet.map(|table| V::table(&table)));
        let mut len = 0;
        for group in 0..count / GROUP {
            let mut bits = 0;
            for part in (0..GROUP).step_by(V::LANES) {
                let at = bytes.add(group * GROUP + part);
                let [first, second, third, fourth] =
                    [V::load(at), V::load(at.add(1)), V::load(at.add(2)), V::load(at.add(3))];
                let mut buckets: [V; OCTETS] =
                    [look_up(first, low[0][0], high[0][0]), look_up(first, low[1][0], high[1][0])];
                for (position, byte) in (1..).zip([second, third, fourth]) {
                    for (octet, buckets) in buckets.iter_mut().enumerate() {
                        *buckets = buckets.and(look_up(byte, low[octet][position], high[octet][position]));
                    }
                }
                bits |= (buckets[0].or(buckets[1]).nonzero() | wide([first, second, third, fourth])) << part;
            }
            len = marks.push(len, group, bits);
        }
        marks.len = len;
    }
}

/// The places where two characters of UTF-16 may stand, as the filter lets them pass.
///
/// # Safety
///
/// The CPU has the instruction set of `V`.
#[inline(always)]
unsafe fn wide<V: Vector>([first, second, third, fourth]: [V; WIDTH]) -> u64 {
    // SAFETY: the instruction set is the caller's promise.
    unsafe {
        let between = second.or(fourth).nonzero();
        if between == u64::MAX >> (GROUP - V::LANES) {
            return 0;
        }
        let printable = V::table(&[PRINTABLE; 16]);
        first.and(printable).nonzero() & third.and(printable).nonzero() & !between
    }
}

/// The buckets that accept both halves of each byte.
///
/// # Safety
///
/// The CPU has the instruction set of `V`.
#[inline(always)]
unsafe fn look_up<V: Vector>(bytes: V, low: V, high: V) -> V {
    // SAFETY: the instruction set is the caller's promise.
    unsafe { bytes.low().look_up(low).and(bytes.high().look_up(high)) }
}
