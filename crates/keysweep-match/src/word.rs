//! Many bytes at once.

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

/// Whether all bytes are zero. Stops at the first stretch that is not.
#[inline]
pub(crate) fn is_zero(bytes: &[u8]) -> bool {
    // Without a branch within a stretch, the compiler makes vector instructions of it.
    bytes.chunks(256).all(|stretch| stretch.iter().fold(0, |any, byte| any | byte) == 0)
}
