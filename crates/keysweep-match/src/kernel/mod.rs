//! The scan: which places of a block look like a window.
//!
//! A kernel marks, in one bit for each place, where all four bytes are accepted by a common bucket. The places marked
//! are then sifted by the hash filter. Kernels differ in how closely they look (half bytes, seven bits, whole bytes),
//! so in what they let through, but never in what is there.

#[cfg(target_arch = "aarch64")]
mod neon;
mod nibble;
#[cfg(target_arch = "x86_64")]
mod x86;

use crate::Isa;
use crate::bucket::Table;
use crate::index::Index;

/// Places of a block: a page, so that what is read twice is read from the first-level cache.
pub(crate) const BLOCK: usize = 4096;
/// Places that a kernel looks at together.
pub(crate) const GROUP: usize = 64;
/// Bytes that must follow the last place of a block.
pub(crate) const PADDING: usize = 8;

/// One bit for each place of a block.
type Marks = [u64; BLOCK / GROUP];

/// Places of a block, as offsets into it; with room for what is written ahead.
pub(crate) struct Places {
    offsets: [u16; BLOCK + AHEAD],
    len: usize,
}

/// Places written at once, needed or not.
const AHEAD: usize = 4;

impl Places {
    pub(crate) fn new() -> Self {
        Places {
            offsets: [0; BLOCK + AHEAD],
            len: 0,
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        self.offsets[..self.len]
            .iter()
            .map(|&offset| usize::from(offset))
    }
}

/// What a kernel looks for, in the layout of each instruction set.
pub(crate) struct Kernel {
    isa: Isa,
    table: Box<Table>,
    #[cfg(target_arch = "x86_64")]
    septets: Box<x86::Septets>,
    nibbles: Box<nibble::Nibbles>,
}

impl Kernel {
    pub(crate) fn new(isa: Isa, table: Box<Table>) -> Self {
        Kernel {
            isa,
            #[cfg(target_arch = "x86_64")]
            septets: Box::new(x86::Septets::new(&table)),
            nibbles: Box::new(nibble::Nibbles::new(&table)),
            table,
        }
    }

    pub(crate) fn isa(&self) -> Isa {
        self.isa
    }

    /// Finds the places among the first `count` bytes of `block` where a window may stand. `count` is a multiple of
    /// [`GROUP`], at most [`BLOCK`], and `block` has [`PADDING`] bytes more.
    pub(crate) fn scan(&self, index: &Index, block: &[u8], count: usize, places: &mut Places) {
        assert!(count.is_multiple_of(GROUP) && count <= BLOCK && block.len() >= count + PADDING);
        match self.isa {
            // SAFETY: a matcher is made only for an instruction set that this CPU has, and the sizes were checked.
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 => unsafe { x86::scan_avx512(&self.septets, index, block, count, places) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => unsafe { x86::scan_avx2(&self.nibbles, index, block, count, places) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Isa::Ssse3 => unsafe { x86::scan_ssse3(&self.nibbles, index, block, count, places) },
            // SAFETY: as above.
            #[cfg(target_arch = "aarch64")]
            Isa::Neon => unsafe { neon::scan(&self.nibbles, index, block, count, places) },
            _ => scan_scalar(&self.table, index, block, count, places),
        }
    }
}

fn scan_scalar(table: &Table, index: &Index, block: &[u8], count: usize, places: &mut Places) {
    let mut marks: Marks = [0; BLOCK / GROUP];
    let [first, second, third, fourth] = table;
    for (mark, group) in marks
        .iter_mut()
        .zip(block[..count + PADDING].windows(GROUP + 3).step_by(GROUP))
    {
        for (bit, window) in group.windows(4).enumerate() {
            let buckets = first[usize::from(window[0])]
                & second[usize::from(window[1])]
                & third[usize::from(window[2])]
                & fourth[usize::from(window[3])];
            *mark |= u64::from(buckets != 0) << bit;
        }
    }
    sift(index, block, &marks[..count / GROUP], places);
}

/// Keeps of the places marked those that pass the hash filter. Has no branch that depends on a place.
#[inline(always)]
fn sift(index: &Index, block: &[u8], marks: &[u64], places: &mut Places) {
    let offsets = &mut places.offsets;
    let mut marked = 0;
    for (base, &mark) in (0u16..).step_by(GROUP).zip(marks) {
        let end = marked + mark.count_ones() as usize;
        let mut mark = mark;
        while marked < end {
            for offset in &mut offsets[marked..marked + AHEAD] {
                *offset = base.wrapping_add(mark.trailing_zeros() as u16);
                mark &= mark.wrapping_sub(1);
            }
            marked += AHEAD;
        }
        marked = end;
    }
    let mut kept = 0;
    for at in 0..marked {
        let offset = offsets[at];
        offsets[kept] = offset;
        kept += usize::from(index.may_hold(word(block, usize::from(offset))));
    }
    places.len = kept;
}

/// The eight bytes at a place of a block, the first in the low bits; zero behind the end.
#[inline(always)]
pub(crate) fn word(block: &[u8], at: usize) -> u64 {
    block
        .get(at..at + 8)
        .and_then(|bytes| bytes.try_into().ok())
        .map_or(0, u64::from_le_bytes)
}
