//! Eight bytes at once.

/// The eight bytes from `at` on, the first in the low bits; zero behind the end.
#[inline(always)]
pub(crate) fn word(bytes: &[u8], at: usize) -> u64 {
    match bytes.get(at..).and_then(|bytes| bytes.first_chunk()) {
        Some(whole) => u64::from_le_bytes(*whole),
        None => partial(bytes.get(at..).unwrap_or_default()),
    }
}

#[cold]
fn partial(bytes: &[u8]) -> u64 {
    bytes.iter().take(8).rev().fold(0, |word, &byte| word << 8 | u64::from(byte))
}
