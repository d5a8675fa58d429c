//! Places at which most bits of eight bytes are those of a pattern: what is left of a header in decayed memory.

use crate::Isa;
use crate::word::is_zero;

/// Eight bytes of which some bits matter: four, and at a distance four more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Blurred {
    /// The bytes, the first in the low bits.
    pub bits: u64,
    /// Which of their bits matter.
    pub mask: u64,
    /// Bytes from the first to the fifth.
    pub distance: usize,
}

/// Places that are looked at together.
const BLOCK: usize = 256;
/// Bytes of the largest vectors.
const LANES: usize = 64;
/// Zeros among the eight bytes that are too many: of zeros and small numbers most bits are those of headers.
const ZEROS: u8 = 5;

/// The bytes of which those are the first, and three more.
type Row = [u8; BLOCK + 3];

impl Blurred {
    /// Bytes from the first to behind the last.
    pub fn span(&self) -> usize {
        self.distance + 4
    }

    /// Calls `hit` with each place at which at most `most` bits are wrong, and how many are. Places at which five of the eight bytes
    /// are zero are left out. `isa` must be available on this CPU, or the portable code is used.
    pub fn find(&self, bytes: &[u8], most: u32, isa: Isa, hit: &mut impl FnMut(usize, u32)) {
        let Some(last) = bytes.len().checked_sub(self.span()) else { return };
        let mut wrong = [0; BLOCK];
        let mut padded = [[0; BLOCK + 3]; 2];
        for start in (0..=last).step_by(BLOCK) {
            let count = BLOCK.min(last + 1 - start);
            let rows = [0, self.distance].map(|row| &bytes[start + row..start + row + count + 3]);
            if rows.iter().all(|row| is_zero(row)) {
                continue;
            }
            match rows.map(|row| row.first_chunk()) {
                [Some(first), Some(second)] => self.count([first, second], isa, &mut wrong),
                _ => {
                    padded.iter_mut().zip(rows).for_each(|(padded, row)| padded[..row.len()].copy_from_slice(row));
                    self.count([&padded[0], &padded[1]], isa, &mut wrong);
                }
            }
            if wrong.iter().fold(u8::MAX, |least, wrong| least.min(*wrong)) > most.min(64) as u8 {
                continue;
            }
            for (index, wrong) in
                wrong[..count].iter().enumerate().filter(|(_, wrong)| u32::from(**wrong) <= most.min(64))
            {
                hit(start + index, u32::from(*wrong));
            }
        }
    }

    /// How many bits are wrong at each place, or [`u8::MAX`] where too many bytes are zero.
    fn count(&self, rows: [&Row; 2], isa: Isa, wrong: &mut [u8; BLOCK]) {
        #[cfg(target_arch = "x86_64")]
        {
            if isa == Isa::Avx512
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512vl")
                && is_x86_feature_detected!("avx512bitalg")
            {
                // SAFETY: this CPU has the instructions.
                return unsafe { self.count_avx512(rows, wrong) };
            }
            if matches!(isa, Isa::Avx512 | Isa::Avx2) && is_x86_feature_detected!("avx2") {
                // SAFETY: this CPU has the instructions.
                return unsafe { self.count_avx2(rows, wrong) };
            }
        }
        let _ = isa;
        self.count_portable(rows, wrong);
    }

    /// # Safety
    ///
    /// The CPU has AVX-512 F, BW, VL and BITALG.
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512bitalg")]
    unsafe fn count_avx512(&self, rows: [&Row; 2], wrong: &mut [u8; BLOCK]) {
        self.count_portable(rows, wrong);
    }

    /// # Safety
    ///
    /// The CPU has AVX2.
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2")]
    unsafe fn count_avx2(&self, rows: [&Row; 2], wrong: &mut [u8; BLOCK]) {
        self.count_portable(rows, wrong);
    }

    /// Without a branch within a block, the compiler makes vector instructions of it.
    #[inline(always)]
    fn count_portable(&self, rows: [&Row; 2], wrong: &mut [u8; BLOCK]) {
        let patterns: [_; 8] = std::array::from_fn(|i| (self.bits.to_le_bytes()[i], self.mask.to_le_bytes()[i]));
        // As many at a time as there are in the largest vectors.
        for from in (0..BLOCK).step_by(LANES) {
            let (mut counts, mut zeros) = ([0u8; LANES], [0u8; LANES]);
            for (byte, (bits, mask)) in patterns.iter().enumerate() {
                let there = &rows[byte / 4][from + byte % 4..][..LANES];
                for lane in 0..LANES {
                    counts[lane] += ((there[lane] ^ bits) & mask).count_ones() as u8;
                    zeros[lane] += u8::from(there[lane] == 0);
                }
            }
            for lane in 0..LANES {
                wrong[from + lane] = if zeros[lane] >= ZEROS { u8::MAX } else { counts[lane] };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_instruction_set_finds_the_same_places() {
        let mut next = crate::random_words();
        let mut bytes: Vec<u8> = (0..8000).flat_map(|_| next().to_le_bytes()).collect();
        for at in (0..bytes.len() - 4).step_by(97) {
            bytes[at..at + (next() % 5) as usize].fill(0);
        }
        bytes[20_000..21_000].fill(0);
        for (distance, mask, most) in [(4, u64::MAX, 20), (131, 0xff_00ff_ffff_ffff, 17), (259, 0xffff_ffff_ffff, 14)] {
            let pattern = Blurred { bits: next() & 0x0f0f_00ff_0f0f_0fff, mask, distance };
            let naive: Vec<(usize, u32)> = (0..=bytes.len() - pattern.span())
                .filter_map(|at| {
                    let eight = [&bytes[at..at + 4], &bytes[at + distance..at + distance + 4]].concat();
                    let word = u64::from_le_bytes(eight.as_slice().try_into().unwrap());
                    let wrong = ((word ^ pattern.bits) & mask).count_ones();
                    let zeros = eight.iter().filter(|byte| **byte == 0).count();
                    (wrong <= most && zeros < 5).then_some((at, wrong))
                })
                .collect();
            assert!(naive.len() > 10, "{}", naive.len());
            for isa in [Isa::Avx512, Isa::Avx2, Isa::Scalar] {
                for end in [bytes.len(), 777, pattern.span(), pattern.span() - 1] {
                    let mut found = Vec::new();
                    pattern.find(&bytes[..end], most, isa, &mut |at, wrong| found.push((at, wrong)));
                    let expected: Vec<_> = naive.iter().filter(|(at, _)| at + pattern.span() <= end).copied().collect();
                    assert_eq!(found, expected, "{isa} {distance} {end}");
                }
            }
        }
    }
}
