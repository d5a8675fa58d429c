//! Telling what was drawn at random from what only looks so.
//!
//! A dump holds many places whose bytes are as varied as a key's at first sight: machine code, bytecode, line tables, tables of
//! floating-point numbers. Trying each as a private key would be dear. They differ from random bytes in which values are
//! frequent, and in that they repeat themselves.

use std::ops::Range;

/// How much more frequent each byte is in code, tables and heaps that pass the simple tests of the survey than among random
/// bytes: 16 times the binary logarithm, measured over dumps of Java, Node, Go and Python and over x86-64 libraries.
#[rustfmt::skip]
const WEIGHTS: [i8; 256] = [
    48, 31, 18, 12, 18, 17, 3, 2, 23, 2, -3, 1, 6, 2, 9, 38,
    19, -1, -7, -3, 0, 1, -10, -8, 9, -7, -14, -13, -9, -9, -16, 11,
    11, -9, -13, -15, 29, -8, -17, -18, 4, -5, -14, -14, -13, -13, -11, -19,
    3, 19, -17, -16, -12, -6, -18, -21, 1, 4, -16, -13, -12, -2, -20, -16,
    9, 27, -2, -8, 21, 10, -14, -12, 48, 18, -16, -18, 27, 3, -18, -20,
    -4, -21, -22, -8, 0, -3, -17, -17, -12, -21, -23, -7, -5, -1, -16, -19,
    -9, -17, -19, -10, -9, -14, 10, -25, -14, -20, -23, -24, -9, -22, -20, -14,
    -12, -25, -15, -13, 15, 7, -19, -18, -11, -23, -23, -17, -7, -12, -16, -14,
    7, -13, -17, 26, 11, 20, -13, -21, 4, 44, -19, 36, -8, 29, -14, -15,
    9, -22, -22, -26, -12, -20, -28, -24, -5, -22, -25, -28, -19, -23, -29, -28,
    -6, -24, -25, -27, -20, -24, -28, -24, -11, -26, -23, -28, -22, -26, -28, -27,
    -12, -25, -26, -28, -21, -24, -5, -18, -5, -21, -14, -21, -19, -18, -7, -8,
    22, 3, -7, 6, 3, -6, -6, -1, -10, -7, -20, -24, -19, -23, -20, -22,
    4, 0, -1, -20, -2, -23, -22, -17, 4, -21, -21, -13, -25, -10, -18, -10,
    -5, -17, -15, -20, -17, -12, -14, -11, 31, 6, -15, 3, -8, -13, -14, -5,
    4, -16, -14, -11, -17, -15, -1, -7, 1, -11, -7, -8, -11, -8, 3, 47,
];
/// What a random byte weighs on average, in 1/256.
const MEAN: i64 = -2111;
/// 4.75 times the standard deviation of a random byte's weight.
const SPREAD: i64 = 73;

/// How many keys a test may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Care {
    /// One in 50,000: for places where a number is likely.
    High,
    /// One in 10,000: for the others.
    Low,
}

/// Whether bytes, 24 or more, may have been drawn at random.
pub(crate) fn plausible(bytes: &[u8], care: Care) -> bool {
    weighs_little(bytes)
        && !is_text(bytes)
        && varied(bytes)
        && !columns_agree(bytes)
        && !echoes(bytes, care)
        && !repeats(bytes, care)
}

/// The parts of `bytes` that are more like random bytes than like code and tables: the logarithm of how much more likely they are
/// among the former is at least `surplus`, in sixteenths of bits. A number amid other bytes is such a part but for some bytes
/// at its ends.
pub(crate) fn random_parts(bytes: &[u8], surplus: i64) -> Vec<Range<usize>> {
    let mut parts = Vec::new();
    if !has_random_words(bytes, surplus) {
        return parts;
    }
    let (mut part, mut most, mut sum) = (0..0, 0, 0);
    for (at, byte) in bytes.iter().enumerate() {
        sum -= i64::from(WEIGHTS[usize::from(*byte)]);
        if sum > most {
            (part.end, most) = (at + 1, sum);
        } else if sum <= 0 || sum < most - DROP {
            let next = at + 1..at + 1;
            let last = std::mem::replace(&mut part, next);
            parts.extend(Some(last).filter(|_| most >= surplus));
            (most, sum) = (0, 0);
        }
    }
    parts.extend(Some(part).filter(|_| most >= surplus));
    parts
}

/// Whether bytes may have such a part, by whole words.
fn has_random_words(bytes: &[u8], surplus: i64) -> bool {
    let (words, rest) = bytes.as_chunks::<8>();
    let (mut sum, mut most) = (0, 0);
    for word in words {
        sum = (sum - word.iter().map(|byte| i32::from(WEIGHTS[usize::from(*byte)])).sum::<i32>()).max(0);
        most = most.max(sum);
    }
    // What begins and ends within words has more than the words between.
    i64::from(most) + SPLIT >= surplus || rest.len() == bytes.len()
}

/// What the bytes of a number in words that are not all its own add to its surplus, most often.
const SPLIT: i64 = 80;

/// What of a part's surplus bytes take away that are not of it any more.
const DROP: i64 = 160;

/// How little like random bytes these are: the less, the more like them.
pub(crate) fn weight(bytes: &[u8]) -> i64 {
    bytes.iter().map(|b| i64::from(WEIGHTS[usize::from(*b)])).sum()
}

fn weighs_little(bytes: &[u8]) -> bool {
    is_light(weight(bytes), bytes.len())
}

/// Whether `len` random bytes may weigh so much.
fn is_light(weight: i64, len: usize) -> bool {
    let excess = 256 * weight - MEAN * len as i64;
    excess <= 0 || excess * excess <= (256 * SPREAD) * (256 * SPREAD) * len as i64
}

/// What bytes weigh, and how many are printable, as sums that grow from byte to byte: those of a part are a difference.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Sum {
    /// Weights, each greater by [`Sum::BIAS`].
    weight: u32,
    text: u32,
}

impl Sum {
    /// More than any weight is below zero.
    const BIAS: i32 = 32;

    /// Adds bytes.
    #[inline]
    pub(crate) fn add(&mut self, bytes: &[u8; 4]) {
        // Both in one number, of which each half has room for more bytes than these.
        const BOTH: [u32; 256] = {
            let mut both = [0; 256];
            let mut byte = 0;
            while byte < 256 {
                both[byte] =
                    (WEIGHTS[byte] as i32 + Sum::BIAS) as u32 | if is_printable(byte as u8) { 1 << 16 } else { 0 };
                byte += 1;
            }
            both
        };
        let both: u32 = bytes.iter().map(|byte| BOTH[usize::from(*byte)]).sum();
        self.weight = self.weight.wrapping_add(both & 0xffff);
        self.text = self.text.wrapping_add(both >> 16);
    }

    /// That of the bytes since another one.
    #[inline]
    pub(crate) fn since(self, before: Self) -> Self {
        Self { weight: self.weight.wrapping_sub(before.weight), text: self.text.wrapping_sub(before.text) }
    }

    /// The most that `len` random bytes amount to.
    pub(crate) fn most(len: usize) -> Self {
        let all = Self::BIAS as u32 * len as u32;
        let weight = (0..=all * 2).rev().find(|weight| is_light(i64::from(*weight) - i64::from(all), len));
        Self { weight: weight.unwrap_or(0), text: 3 * len as u32 / 4 }
    }

    #[inline]
    pub(crate) fn is_within(self, most: Self) -> bool {
        self.weight <= most.weight && self.text <= most.text
    }
}

/// Whether more than three quarters are printable: of random bytes three eighths are.
fn is_text(bytes: &[u8]) -> bool {
    4 * bytes.iter().filter(|b| is_printable(**b)).count() > 3 * bytes.len()
}

const fn is_printable(byte: u8) -> bool {
    byte >= 0x20 && byte < 0x7f
}

fn varied(bytes: &[u8]) -> bool {
    let mut seen = [0u64; 4];
    bytes.iter().for_each(|b| seen[usize::from(b >> 6)] |= 1 << (b & 63));
    let distinct = seen.iter().map(|s| s.count_ones() as usize).sum::<usize>();
    // Expected of 32, 48, 66 and 72 bytes: 30, 44, 58, 63.
    distinct >= if bytes.len() <= 32 { bytes.len() * 11 / 16 } else { bytes.len() * 5 / 8 }
}

/// Whether a column of the bytes, written eight in a row, is of one value: floating-point numbers, addresses.
fn columns_agree(bytes: &[u8]) -> bool {
    let mut rows = bytes.chunks_exact(8).map(|row| u64::from_le_bytes(row.try_into().unwrap_or_default()));
    let Some(first) = rows.next() else { return false };
    let (mut differ, mut count) = (0, 1);
    for row in rows {
        differ |= row ^ first;
        count += 1;
    }
    count >= 4 && differ.to_le_bytes().contains(&0)
}

/// Whether many bytes equal the one 1, 2, 3, 4 or 8 places before.
fn echoes(bytes: &[u8], care: Care) -> bool {
    let equal: usize = [1, 2, 3, 4, 8].iter().map(|lag| count_equal(bytes, *lag)).sum();
    // Expected of 32 bytes: 0.6; of 72: 1.3.
    let most = if care == Care::High { 8 } else { 7 };
    equal >= most + bytes.len().saturating_sub(32) / 12
}

fn count_equal(bytes: &[u8], lag: usize) -> usize {
    bytes.iter().zip(bytes.get(lag..).unwrap_or_default()).filter(|(a, b)| a == b).count()
}

/// Whether pairs of bytes recur.
fn repeats(bytes: &[u8], care: Care) -> bool {
    // Nearly always all pairs differ already in a few of their bits.
    let mut seen = [0u64; 64];
    let pairs = bytes.iter().zip(bytes.iter().skip(1));
    let twice = pairs.fold(0, |twice, (a, b)| {
        let (slot, bit) = (a & 63, 1 << ((a >> 6 | b << 2) & 63));
        let again = seen[usize::from(slot)] & bit;
        seen[usize::from(slot)] |= bit;
        twice | again
    });
    if twice == 0 {
        return false;
    }
    let most = if care == Care::High || bytes.len() > 32 { 3 } else { 2 };
    let mut found = 0;
    for (i, pair) in bytes.windows(2).enumerate() {
        found += bytes[i + 1..].windows(2).filter(|other| *other == pair).count();
        if found >= most {
            return true;
        }
    }
    false
}

/// Real machine code, of this very program, for tests. It is taken from all over its code, in pieces of [`APART`] bytes: what
/// one place holds differs from build to build, and code for vectors looks more random than other code.
#[cfg(test)]
pub(crate) fn code(len: usize) -> Vec<u8> {
    static CODE: std::sync::LazyLock<Vec<u8>> = std::sync::LazyLock::new(|| {
        let program = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        let text = match goblin::elf::Elf::parse(&program) {
            Ok(elf) => {
                let sections = elf.section_headers.iter().filter(|section| section.is_executable());
                sections.filter_map(|section| section.file_range()).max_by_key(Range::len).unwrap()
            }
            // Code comes first in the files of other systems.
            Err(_) => program.len() / 16..program.len() / 4,
        };
        program[text].to_vec()
    });
    let pieces = len.div_ceil(APART);
    let place = |i: usize| i * ((CODE.len() - APART) / pieces) / 8 * 8;
    let mut code: Vec<u8> = (0..pieces).flat_map(|i| &CODE[place(i)..][..APART]).copied().collect();
    code.truncate(len);
    code
}

#[cfg(test)]
const APART: usize = 2_048;

/// Real machine code with numbers amid it, for tests.
#[cfg(test)]
pub(crate) fn amid_code(len: usize, count: usize, align: usize) -> (Vec<u8>, Vec<usize>) {
    let mut bytes = code(APART * (count + 1));
    let mut numbers = crate::curve::random_numbers(43);
    let places = (1..=count).map(|i| APART * i + numbers.next().unwrap() as usize % 64 / align * align);
    let places: Vec<usize> = places.collect();
    for at in &places {
        let mut number: Vec<u8> = numbers.by_ref().take(len / 8 + 1).flat_map(u64::to_le_bytes).take(len).collect();
        // Odd, and of full length, in any order.
        [0, len - 4, len - 1].into_iter().for_each(|i| number[i] |= 129);
        bytes[*at..*at + len].copy_from_slice(&number);
    }
    (bytes, places)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::curve::random_numbers;

    #[test]
    fn a_number_amid_code_is_told_from_it() {
        let (bytes, places) = amid_code(128, 200, 1);
        let around = |at: usize| random_parts(&bytes[at - 200..at + 328], 240);
        let is_near = |part: &Range<usize>| part.start.abs_diff(200) <= 16 && part.end.abs_diff(328) <= 16;
        let found = places.iter().filter(|at| around(**at).iter().any(is_near)).count();
        assert!(found >= 170, "{found} of 200");
        // What is no number is seldom one.
        let others = places.iter().filter(|at| !random_parts(&bytes[*at + 300..*at + 900], 480).is_empty()).count();
        assert!(others < 20, "{others} of 200");
    }

    #[test]
    fn parts_neither_overlap_nor_leave_the_bytes() {
        let mut numbers = random_numbers(44);
        for len in [0, 1, 7, 64, 1000] {
            let bytes: Vec<u8> = numbers.by_ref().take(len / 8 + 1).flat_map(u64::to_le_bytes).take(len).collect();
            for surplus in [0, 100] {
                let parts = random_parts(&bytes, surplus);
                assert!(parts.windows(2).all(|pair| pair[0].end <= pair[1].start), "{parts:?}");
                assert!(parts.iter().all(|part| part.end <= len), "{parts:?}");
            }
        }
        assert!(random_parts(&[0; 500], 1).is_empty());
    }

    #[test]
    fn random_bytes_pass_but_for_a_few() {
        let mut numbers = random_numbers(41);
        for (len, care, allowed) in [(32, Care::High, 3), (32, Care::Low, 8), (48, Care::High, 4), (72, Care::High, 6)]
        {
            let mut lost = 0;
            for _ in 0..30_000 {
                let bytes: Vec<u8> = numbers.by_ref().take(9).flat_map(u64::to_le_bytes).take(len).collect();
                lost += u32::from(!plausible(&bytes, care));
            }
            assert!(lost <= allowed, "{len} {care:?} {lost}");
        }
    }

    #[test]
    fn code_tables_and_text_do_not_pass() {
        let doubles: Vec<u8> = (1..=8u8).flat_map(|i| (f64::from(i) * 0.123_456_789).to_le_bytes()).collect();
        let pointers: Vec<u8> = (0..8u64).flat_map(|i| (0x7f3c_8e21_95a0 + i * 7919 * 64).to_le_bytes()).collect();
        // A prologue: push, mov and call instructions of x86-64.
        let code = b"\x55\x48\x89\xe5\x41\x57\x41\x56\x49\x89\xfe\x48\x83\xec\x28\x48\x8b\x7f\x10\xe8\x9a\x41\xff\xff\x48\x8b\x5d\xd0\x4c\x8d\x3d\x71";
        let text = b"The quick brown fox jumps over the lazy dog, then rests awhile.\n";
        for bytes in [&doubles[..32], &pointers[..32], code, &text[..32], &[0xa5; 32], &text[..64]] {
            assert!(!plausible(bytes, Care::Low), "{bytes:x?}");
        }
    }

    #[test]
    fn short_slices_are_no_trouble() {
        for len in 0..40 {
            plausible(&vec![7; len], Care::High);
        }
    }
}
