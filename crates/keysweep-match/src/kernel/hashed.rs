//! The scan by hashes, for instruction sets whose shuffle looks up 16 bytes.
//!
//! Shuffles of 16 bytes cannot tell thousands of windows from what else there is: they would mark a fifth of all places. So the
//! hash filter itself is asked at every place. Vectors compute the hashes, and spread what was looked up; only the look-ups
//! are done one by one: two loads and a store for each place. Windows of fewer than four bytes, of which there are few, are
//! looked for by shuffles.

use super::{BLOCK, GROUP, Marks};
use crate::bucket;
use crate::filter::{CASES, Filter, PRINTABLE, QUAD_SHIFT, SPREAD};
use crate::window::{Accept, WIDTH};

/// Bytes of the longest window that is looked for by shuffles.
const SHORT: usize = WIDTH - 1;
/// Buckets of such windows are scanned eight at a time, so many times.
const OCTETS: usize = 2;
/// Places whose hashes are kept at a time: with the filter they fit into the first-level cache.
const PART: usize = 512;

/// For each eight buckets, position and five bits of a byte, the buckets that accept a byte with those. What the bits leave out
/// tells letters from digits and signs, and their cases.
pub(super) struct Shorts([[[u8; 32]; SHORT]; OCTETS]);

/// The five bits of a byte.
fn quintet(byte: u8) -> u8 {
    byte & 0x1f
}

impl Shorts {
    /// Of all windows those that are short.
    pub(super) fn new(windows: &[[Accept; WIDTH]]) -> Self {
        let short: Vec<_> = windows.iter().filter(|window| window[SHORT] == Accept::Any).copied().collect();
        Shorts(bucket::octets(&bucket::group::<{ 8 * OCTETS }>(&short, quintet), quintet))
    }
}

/// A vector of bytes, or of words of four bytes.
///
/// # Safety
///
/// The methods need the instruction set of the vector.
pub(super) trait Vector: Copy {
    /// Bytes in it, a divisor of 64.
    const LANES: usize;
    /// Loads [`Self::LANES`] bytes from any address, which must be readable.
    unsafe fn load(from: *const u8) -> Self;
    /// Stores [`Self::LANES`] bytes to any address, which must be writable.
    unsafe fn store(self, to: *mut u8);
    /// 16 bytes, repeated to fill the vector.
    unsafe fn table(from: &[u8; 16]) -> Self;
    unsafe fn and(self, other: Self) -> Self;
    unsafe fn or(self, other: Self) -> Self;
    /// The lower halves of the products of the words.
    unsafe fn multiply(self, other: Self) -> Self;
    /// Shifts the words to the right, and fills with zeros.
    unsafe fn right<const BITS: i32>(self) -> Self;
    /// Shifts the words to the left.
    unsafe fn left<const BITS: i32>(self) -> Self;
    /// The five lowest bits of each byte, as [`Self::look_up`] takes them for the first 16 entries of a table and for the last.
    unsafe fn quintets(self) -> [Self; 2];
    /// Looks up what one of [`Self::quintets`] says in 16 entries, or numbers below 16; what lies in the other ones is zero.
    unsafe fn look_up(self, table: Self) -> Self;
    /// A bit for each byte that is not zero, that of the first byte lowest.
    unsafe fn nonzero(self) -> u64;
}

/// What the hashes of a part's places say.
struct Hashes {
    /// Which byte of the filter: of places `4i` and `4i + 1`, of places `4i + 2` and `4i + 3`.
    bytes: [[u16; PART / 2]; 2],
    /// Which bit of that byte.
    bits: [u8; PART],
    /// What was found there.
    found: [u8; PART],
}

/// Marks the places among the first `count` bytes.
///
/// # Safety
///
/// The CPU has the instruction set of `V`; `count` is a multiple of 64 and at most [`BLOCK`]; `count + 3` bytes are
/// readable at `bytes`.
#[inline(always)]
pub(super) unsafe fn mark<V: Vector>(
    shorts: &Shorts,
    filter: &Filter,
    bytes: *const u8,
    count: usize,
    marks: &mut Marks,
) {
    debug_assert!(count.is_multiple_of(GROUP) && count <= BLOCK);
    let mut hashes = Hashes { bytes: [[0; PART / 2]; 2], bits: [0; PART], found: [0; PART] };
    let mut len = 0;
    // SAFETY: the instruction set is the caller's promise. The last load begins at place `count - LANES`, three
    // positions further at most, so that it ends at `count + 3`. Hashes have as many bits as tell a bit of the filter.
    unsafe {
        let tables = shorts.0.map(|octet| octet.map(|table| halves::<V>(&table)));
        let bit = V::table(&std::array::from_fn(|number| 1 << (number % 8)));
        for begin in (0..count).step_by(PART) {
            let part = PART.min(count - begin);
            hash::<V>(bytes.add(begin), part, &mut hashes);
            find(filter, part, &mut hashes);
            for group in 0..part / GROUP {
                let mut bits = 0;
                for at in (0..GROUP).step_by(V::LANES) {
                    let from = bytes.add(begin + group * GROUP + at);
                    let bytes = [V::load(from), V::load(from.add(1)), V::load(from.add(2)), V::load(from.add(3))];
                    let there = group * GROUP + at;
                    let found = V::load(hashes.found.as_ptr().add(there));
                    let wanted = V::load(hashes.bits.as_ptr().add(there)).look_up(bit);
                    let marked = found.and(wanted).or(short(bytes, &tables));
                    bits |= (marked.nonzero() | wide(bytes)) << at;
                }
                len = marks.push(len, begin / GROUP + group, bits);
            }
        }
    }
    marks.len = len;
}

/// Hashes the words at the first `part` places, as the filter does.
///
/// # Safety
///
/// As for [`mark`], for `part` bytes; `part` is at most [`PART`].
#[inline(always)]
unsafe fn hash<V: Vector>(bytes: *const u8, part: usize, hashes: &mut Hashes) {
    /// Which bit of a byte a hash tells.
    const BIT: u32 = 7;
    // SAFETY: the instruction set and the bytes are the caller's promise. What is stored ends `at + LANES` bytes into arrays of
    // `PART` bytes each.
    unsafe {
        let (spread, low) = (V::table(&repeated(SPREAD)), V::table(&repeated(BIT)));
        let cases = V::table(&repeated(CASES));
        for at in (0..part).step_by(V::LANES) {
            let from = bytes.add(at);
            let [first, second, third, fourth] =
                [V::load(from), V::load(from.add(1)), V::load(from.add(2)), V::load(from.add(3))];
            let first = first.or(cases).multiply(spread).right::<QUAD>();
            let second = second.or(cases).multiply(spread).right::<QUAD>();
            let third = third.or(cases).multiply(spread).right::<QUAD>();
            let fourth = fourth.or(cases).multiply(spread).right::<QUAD>();
            let even = first.right::<3>().or(second.right::<3>().left::<16>());
            let odd = third.right::<3>().or(fourth.right::<3>().left::<16>());
            even.store(hashes.bytes[0].as_mut_ptr().cast::<u8>().add(at));
            odd.store(hashes.bytes[1].as_mut_ptr().cast::<u8>().add(at));
            let bits = first.and(low).or(second.and(low).left::<8>());
            let more = third.and(low).left::<16>().or(fourth.and(low).left::<24>());
            bits.or(more).store(hashes.bits.as_mut_ptr().add(at));
        }
    }
}

/// A word, four times.
fn repeated(word: u32) -> [u8; 16] {
    let [a, b, c, d] = word.to_le_bytes();
    [a, b, c, d, a, b, c, d, a, b, c, d, a, b, c, d]
}

/// [`QUAD_SHIFT`], as shifts take it.
const QUAD: i32 = QUAD_SHIFT as i32;

/// Looks up the bytes of the filter for the first `part` places.
///
/// # Safety
///
/// `part` is at most [`PART`], and what [`Hashes::bytes`] say of them are places of the filter.
#[inline(always)]
unsafe fn find(filter: &Filter, part: usize, hashes: &mut Hashes) {
    let quads = filter.quad_bytes();
    let [even, odd] = &hashes.bytes;
    let pairs = even.as_chunks::<2>().0.iter().zip(odd.as_chunks::<2>().0);
    for (found, ([first, second], [third, fourth])) in
        hashes.found.as_chunks_mut::<4>().0.iter_mut().zip(pairs).take(part / 4)
    {
        // SAFETY: the caller's promise. (A check of each is a tenth of the scan.)
        let byte = |index: u16| unsafe { *quads.get_unchecked(usize::from(index)) };
        *found = [byte(*first), byte(*second), byte(*third), byte(*fourth)];
    }
}

/// The halves of a table, each of which a shuffle looks up.
///
/// # Safety
///
/// The CPU has the instruction set of `V`.
#[inline(always)]
unsafe fn halves<V: Vector>(table: &[u8; 32]) -> [V; 2] {
    let [low, high] = *table.as_chunks::<16>().0 else { unreachable!("twice 16 bytes") };
    // SAFETY: the instruction set is the caller's promise.
    unsafe { [V::table(&low), V::table(&high)] }
}

/// The buckets of short windows that accept the bytes at their positions.
///
/// # Safety
///
/// The CPU has the instruction set of `V`.
#[inline(always)]
unsafe fn short<V: Vector>(bytes: [V; WIDTH], tables: &[[[V; 2]; SHORT]; OCTETS]) -> V {
    // SAFETY: the instruction set is the caller's promise.
    unsafe {
        // (Not by closures, which would not be compiled for the instruction set.)
        let cells = [bytes[0].quintets(), bytes[1].quintets(), bytes[2].quintets()];
        let mut any = buckets(&cells, &tables[0]);
        for octet in &tables[1..] {
            any = any.or(buckets(&cells, octet));
        }
        any
    }
}

/// Those of eight.
///
/// # Safety
///
/// The CPU has the instruction set of `V`.
#[inline(always)]
unsafe fn buckets<V: Vector>(cells: &[[V; 2]; SHORT], tables: &[[V; 2]; SHORT]) -> V {
    // SAFETY: the instruction set is the caller's promise.
    unsafe {
        let mut all = look_up(cells[0], tables[0]);
        for (cells, tables) in cells[1..].iter().zip(&tables[1..]) {
            all = all.and(look_up(*cells, *tables));
        }
        all
    }
}

/// The buckets that accept each byte, whose five bits these are.
///
/// # Safety
///
/// The CPU has the instruction set of `V`.
#[inline(always)]
unsafe fn look_up<V: Vector>([first, last]: [V; 2], [low, high]: [V; 2]) -> V {
    // SAFETY: the instruction set is the caller's promise.
    unsafe { first.look_up(low).or(last.look_up(high)) }
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
