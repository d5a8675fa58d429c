//! Whether bytes could have been drawn at random: what keeps machine code, tables and text out of the candidates.

/// Whether bytes could have been drawn at random. True for all but about one in a million truly random strings of 16
/// bytes and more; false for text, code tables, padding and pointers.
pub fn looks_random(bytes: &[u8]) -> bool {
    let sample = &bytes[..bytes.len().min(256)];
    let distinct = distinct(sample);
    let (half_text, len) = (sample.iter().filter(|b| (0x20..0x7f).contains(*b)).count(), sample.len());
    // Expected distinct values of 16, 24, 32, 64, 128, 256 random bytes: 15.5, 22.9, 30.1, 56.6, 100.7, 162.
    let enough = match len {
        0..=15 => return false,
        16..=23 => 10,
        24..=31 => 15,
        32..=63 => 21,
        64..=127 => 42,
        128..=255 => 80,
        _ => 132,
    };
    distinct >= enough && half_text < len * 9 / 10
}

/// Whether bytes look random all over, and not only where they begin.
pub(crate) fn looks_random_throughout(bytes: &[u8]) -> bool {
    if bytes.len() <= 64 {
        return looks_random(bytes);
    }
    // The last block may overlap the one before it. A number may end with a word of which little is used.
    let tail = bytes.len() - 64;
    bytes.chunks_exact(64).all(looks_random) && looks_random(&bytes[tail - tail.min(8)..][..64])
}

/// Whether a run of words may hold a number: whether some part of it looks random by more than its single words.
pub(super) fn run_looks_random(bytes: &[u8]) -> bool {
    let tail = &bytes[bytes.len().saturating_sub(BLOCK)..];
    block_looks_random(tail) || bytes.windows(BLOCK).step_by(BLOCK / 2).any(block_looks_random)
}

/// Bytes that are judged at a time.
const BLOCK: usize = 64;

/// Whether up to 64 bytes look random rather than like code or a table. One in 50,000 random blocks does not.
fn block_looks_random(block: &[u8]) -> bool {
    // By the number of words; of random bytes, at most one block in 100,000 has fewer different ones.
    const DISTINCT: [usize; 9] = [usize::MAX, usize::MAX, usize::MAX, 16, 22, 28, 34, 39, 45];
    // The mean of CODE is -0.90, its deviation 1.92; random blocks stay below the mean and 5.2 deviations.
    const LIKE_CODE: [i32; 9] = [0, 0, 0, 28, 28, 28, 27, 25, 22];
    let words = (block.len() / 8).min(8);
    let like_code: i32 = block.iter().map(|b| i32::from(CODE[usize::from(*b)]) - i32::from(b'2')).sum();
    like_code <= LIKE_CODE[words] && distinct(block) >= DISTINCT[words] && !columns_repeat(block)
}

/// Number of different values.
fn distinct(bytes: &[u8]) -> usize {
    let mut seen = [0u64; 4];
    bytes.iter().for_each(|b| seen[usize::from(b >> 6)] |= 1 << (b & 63));
    seen.iter().map(|s| s.count_ones() as usize).sum()
}

/// Whether the high bytes of 64-bit or 32-bit words are nearly always the same: floating-point numbers, times, hashes
/// beside pointers. Bytes of less than 4 do not count: they are those of words with few more than 52 or 58 bits, the digits in
/// which some libraries hold elements of fields.
fn columns_repeat(bytes: &[u8]) -> bool {
    let column = |first: usize| {
        let mut seen = [0u64; 4];
        let (mut count, mut small) = (0, true);
        for byte in bytes.iter().skip(first).step_by(8) {
            seen[usize::from(byte >> 6)] |= 1 << (byte & 63);
            count += 1;
            small &= *byte < 4;
        }
        (seen.iter().map(|s| s.count_ones()).sum::<u32>(), count, small)
    };
    // Of eight random bytes at most three values occur once in 200,000 times; of four, one value once in 16 million.
    [7, 3].into_iter().any(|first| {
        let (distinct, count, small) = column(first);
        !small && ((count >= 8 && distinct <= 3) || (count >= 4 && distinct <= 1))
    })
}

/// How much more often each byte occurs in the runs of machine code and its tables than in random bytes, as twice the binary
/// logarithm of the ratio plus 2, cut to 0 to 8, as a digit: measured on the programs and libraries of Debian 12 for x86-64.
const CODE: &[u8; 256] = b"\
    87545433532222675100010040000002400070003100000034000100110022003631540185006300200122000001120010000040000000000000430000001000\
    2006451008080600100000000000000000000000000000000000000100000000521220220100100010100000100000011000000173011012\
    0000002120110138";

#[cfg(test)]
mod tests {
    use super::super::tests::random;
    use super::*;

    #[test]
    fn random_bytes_look_random_and_others_do_not() {
        for (words, allowed) in [(3, 1), (4, 1), (8, 2), (16, 2), (32, 2)] {
            let mut source = random(3);
            let bytes = || source.by_ref().take(words).flat_map(u64::to_le_bytes).collect::<Vec<u8>>();
            let samples: Vec<_> = std::iter::repeat_with(bytes).take(20_000).collect();
            let missed = samples.iter().filter(|b| !looks_random(b) || !looks_random_throughout(b)).count();
            assert!(missed <= allowed, "{words}: {missed}");
            let missed = samples.iter().filter(|b| !run_looks_random(b)).count();
            assert!(missed <= 2 * allowed, "{words}: {missed}");
        }
        assert!(!looks_random(&[0; 32]) && !looks_random(b"The quick brown fox jumps over the lazy dog, twice."));
        let floats: Vec<u8> = (1..=16).flat_map(|i| (1.0 / f64::from(i * i + 77)).to_le_bytes()).collect();
        assert!(!run_looks_random(&floats));
    }

    #[test]
    fn a_number_ends_where_its_header_says() {
        let mut bytes: Vec<u8> = random(5).take(16).flat_map(u64::to_le_bytes).collect();
        assert!(looks_random_throughout(&bytes));
        bytes.extend([1, 0, 0, 0, 0, 0, 0, 0]);
        assert!(looks_random_throughout(&bytes));
        bytes.extend([0; 128]);
        assert!(!looks_random_throughout(&bytes));
    }
}
