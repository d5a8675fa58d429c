//! What kind of bytes a page of memory holds, cheaply enough to ask for every page.

use crate::word::is_zero;

/// What a page holds.
///
/// # What may be skipped
///
/// [`is_skippable`](PageClass::is_skippable) is true only for a page that is, **in every one of its bytes**,
///
/// - zero, or
/// - a repetition of one unit of 1, 2, 4, 8 or 16 bytes, or
/// - printable ASCII (0x20 to 0x7e) and the white space tab, line feed and carriage return.
///
/// So a page with a single window of 32 bytes that could be a random number is never skippable: such a window is not
/// periodic (its two halves differ but with probability 2^-128), and it is all printable with probability
/// (98/256)^32, about 4e-14. No class is guessed from a sample where skipping depends on it; only the difference
/// between [`Structured`](PageClass::Structured) and [`HighEntropy`](PageClass::HighEntropy), both of which must be
/// read, is statistical.
///
/// A number of `n` bytes may begin in the last bytes of a skippable page (some of its bytes can look printable) and go
/// on in the next page. Who skips pages reads `n - 1` bytes beyond both ends of what is not skipped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PageClass {
    /// Nothing but zero bytes (or no byte at all).
    Zero,
    /// One unit of 1, 2, 4, 8 or 16 bytes over and over.
    Repeated,
    /// Nothing but printable ASCII and white space.
    Text,
    /// Code, heap structures, UTF-16, tables, and whatever else is neither of the others.
    Structured,
    /// Looks random throughout: compressed, encrypted, or key material.
    HighEntropy,
}

impl PageClass {
    /// Whether the page cannot hold a random number of 32 bytes or more; see [`PageClass`] for the exact promise.
    pub fn is_skippable(self) -> bool {
        matches!(self, PageClass::Zero | PageClass::Repeated | PageClass::Text)
    }
}

/// Longest unit of [`PageClass::Repeated`], in bytes; the shorter ones divide it.
const UNIT: usize = 16;

/// Classifies a page. Meant for 4 KiB, right for any length.
pub fn classify(page: &[u8]) -> PageClass {
    if is_zero(page) {
        PageClass::Zero
    } else if is_text(page) {
        PageClass::Text
    } else if page.len() > UNIT && is_periodic(page) {
        PageClass::Repeated
    } else if looks_random(page) {
        PageClass::HighEntropy
    } else {
        PageClass::Structured
    }
}

/// Bytes looked at between two chances to stop: long enough to be vectorised, short enough to stop early.
const STRIDE: usize = 256;

fn is_text(page: &[u8]) -> bool {
    page.chunks(STRIDE).all(|chunk| {
        chunk.iter().fold(true, |text, &byte| {
            text & (byte.wrapping_sub(0x20) < 0x5f || byte == b'\n' || byte == b'\t' || byte == b'\r')
        })
    })
}

fn is_periodic(page: &[u8]) -> bool {
    page[UNIT..].chunks(STRIDE).zip(page.chunks(STRIDE)).all(|(later, earlier)| later == &earlier[..later.len()])
}

/// Whether a sample of the page's bytes repeats as rarely as random bytes do.
///
/// The statistic is the sum of the squared counts of byte values. For `n` random bytes it is `n + n(n-1)/256` on
/// average; the limit is 1.5 times that, far out for random bytes at n = 512 and far below code (about 10 times).
fn looks_random(page: &[u8]) -> bool {
    const SAMPLE: usize = 512;
    const RUN: usize = 32;
    const RUNS: usize = SAMPLE / RUN;
    if page.len() < SAMPLE {
        return false;
    }
    let mut counts = [0u16; 256];
    for run in page.chunks(page.len() / RUNS).take(RUNS) {
        for &byte in &run[..RUN] {
            counts[usize::from(byte)] += 1;
        }
    }
    let squares: u64 = counts.iter().map(|&count| u64::from(count) * u64::from(count)).sum();
    let n = SAMPLE as u64;
    squares * 2 < (n + n * (n - 1) / 256) * 3
}
