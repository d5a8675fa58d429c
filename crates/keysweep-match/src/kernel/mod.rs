//! The scan: which places of a block look like a window.
//!
//! A kernel marks, in one bit for each place, where a window may stand: with AVX-512 by buckets of windows that accept all
//! four bytes, with shorter vectors by the hash filter. The places marked are then sifted by the filter. Kernels differ in how
//! closely they look, so in what they let through, but never in what is there.

mod hashed;
#[cfg(all(target_arch = "aarch64", target_endian = "little"))]
mod neon;
#[cfg(target_arch = "x86_64")]
mod x86;

use self::hashed::Shorts;
use crate::Isa;
use crate::filter::Filter;
use crate::window::{Accept, WIDTH};
use crate::word::word;

/// Places of a block: a page, so that what is read twice is read from the first-level cache.
pub(crate) const BLOCK: usize = 4096;
/// Places that a kernel looks at together.
pub(crate) const GROUP: usize = 64;
/// Bytes that must follow the last place of a block.
pub(crate) const PADDING: usize = 8;

/// The places of a block that are marked: those groups that have any, in one bit for each place.
struct Marks {
    groups: [u8; BLOCK / GROUP + 1],
    bits: [u64; BLOCK / GROUP + 1],
    len: usize,
}

impl Marks {
    #[inline(always)]
    fn new() -> Self {
        Marks { groups: [0; BLOCK / GROUP + 1], bits: [0; BLOCK / GROUP + 1], len: 0 }
    }

    /// Adds the marks of a group behind `len` others and returns how many there are then. Has no branch that depends on
    /// them. (A count in the caller's hands stays in a register: in memory it would hold up the loop.)
    #[inline(always)]
    fn push(&mut self, len: usize, group: usize, bits: u64) -> usize {
        self.groups[len] = group as u8;
        self.bits[len] = bits;
        len + usize::from(bits != 0)
    }
}

/// Places of a block, as offsets into it; with room for what is written ahead.
pub(crate) struct Places {
    /// All that are marked, in part of [`sift`].
    marked: [u16; BLOCK + AHEAD],
    /// Those of them kept.
    kept: [u16; BLOCK + AHEAD],
    len: usize,
}

/// Most places that are written at once, needed or not.
const AHEAD: usize = GROUP;

impl Places {
    pub(crate) fn new() -> Self {
        Places { marked: [0; BLOCK + AHEAD], kept: [0; BLOCK + AHEAD], len: 0 }
    }

    /// The first `count` places of a block that pass the hash filter, without the help of a kernel, by an instruction set that
    /// this CPU must have. Sizes as in [`Kernel::scan`].
    pub(crate) fn sift_all(&mut self, isa: Isa, filter: &Filter, block: &[u8], count: usize) {
        for (offset, place) in (0..).zip(&mut self.marked[..count]) {
            *place = offset;
        }
        match isa {
            // SAFETY: the CPU has the instruction set.
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 => unsafe { x86::keep_avx512(filter, block, count, self) },
            _ => keep(filter, block, count, self),
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        self.kept[..self.len].iter().map(|&offset| usize::from(offset))
    }
}

/// What is looked for, in the layout of the scan.
pub(crate) struct Kernel {
    isa: Isa,
    scan: Scan,
}

enum Scan {
    #[cfg(target_arch = "x86_64")]
    Sextets(Box<x86::Sextets<4>>),
    /// With twice the buckets, for many windows.
    #[cfg(target_arch = "x86_64")]
    ManySextets(Box<x86::Sextets<8>>),
    /// By the hash filter itself.
    Hashed(Box<Shorts>),
    /// The same without vectors.
    Plain,
}

/// Windows from which on it pays to look them up in twice the buckets.
#[cfg(target_arch = "x86_64")]
const MANY_WINDOWS: usize = 800;

impl Kernel {
    /// Whether it takes milliseconds to arrange one.
    pub(crate) fn takes_time(isa: Isa) -> bool {
        isa == Isa::Avx512
    }

    /// A kernel for an instruction set that this CPU must have.
    pub(crate) fn new(isa: Isa, windows: &[[Accept; WIDTH]]) -> Self {
        let scan = match isa {
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 if windows.len() > MANY_WINDOWS => {
                Scan::ManySextets(Box::new(x86::Sextets::new::<64>(windows)))
            }
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 => Scan::Sextets(Box::new(x86::Sextets::new::<32>(windows))),
            Isa::Scalar => Scan::Plain,
            _ => Scan::Hashed(Box::new(Shorts::new(windows))),
        };
        Kernel { isa, scan }
    }

    /// Finds the places among the first `count` bytes of `block` where a window may stand. `count` is a multiple of
    /// [`GROUP`], at most [`BLOCK`], and `block` has [`PADDING`] bytes more.
    pub(crate) fn scan(&self, filter: &Filter, block: &[u8], count: usize, places: &mut Places) {
        assert!(count.is_multiple_of(GROUP) && count <= BLOCK && block.len() >= count + PADDING);
        match (&self.scan, self.isa) {
            // SAFETY: a kernel is made only for an instruction set that this CPU has, and the sizes were checked.
            #[cfg(target_arch = "x86_64")]
            (Scan::Sextets(sextets), _) => unsafe { x86::scan_avx512(sextets, filter, block, count, places) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            (Scan::ManySextets(sextets), _) => unsafe { x86::scan_avx512(sextets, filter, block, count, places) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            (Scan::Hashed(shorts), Isa::Avx2) => unsafe { x86::scan_avx2(shorts, filter, block, count, places) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            (Scan::Hashed(shorts), Isa::Sse41) => unsafe { x86::scan_sse41(shorts, filter, block, count, places) },
            // SAFETY: as above.
            #[cfg(all(target_arch = "aarch64", target_endian = "little"))]
            (Scan::Hashed(shorts), Isa::Neon) => unsafe { neon::scan(shorts, filter, block, count, places) },
            (Scan::Hashed(_) | Scan::Plain, isa) => places.sift_all(isa, filter, block, count),
        }
    }
}

/// Keeps of the places marked those that pass the hash filter. Has hardly a branch that depends on a place.
#[inline(always)]
fn sift(filter: &Filter, block: &[u8], marks: &Marks, places: &mut Places) {
    let mut marked = 0;
    for (&group, &bits) in marks.groups[..marks.len].iter().zip(&marks.bits) {
        let base = u16::from(group) * GROUP as u16;
        let end = marked + bits.count_ones() as usize;
        let mut bits = bits;
        loop {
            for offset in &mut places.marked[marked..marked + 4] {
                *offset = base.wrapping_add(bits.trailing_zeros() as u16);
                bits &= bits.wrapping_sub(1);
            }
            marked += 4;
            if marked >= end {
                break;
            }
        }
        marked = end;
    }
    keep(filter, block, marked, places);
}

/// Keeps those of so many places marked that pass the filter.
#[inline(always)]
fn keep(filter: &Filter, block: &[u8], marked: usize, places: &mut Places) {
    // A count in memory would hold up the loop.
    let Places { marked: all, kept, len } = places;
    let mut count = 0;
    for &offset in &all[..marked] {
        kept[count] = offset;
        count += usize::from(filter.may_hold(word(block, usize::from(offset))));
    }
    *len = count;
}
