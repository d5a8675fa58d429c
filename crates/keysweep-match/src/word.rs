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
    let mut word = [0; 8];
    let there = bytes.len().min(8);
    word[..there].copy_from_slice(&bytes[..there]);
    u64::from_le_bytes(word)
}

/// Whether all bytes are zero; stops at the first stretch that is not.
#[inline]
pub fn is_zero(bytes: &[u8]) -> bool {
    // Without a branch within a stretch, the compiler makes vector instructions of it.
    bytes.chunks(256).all(|stretch| stretch.iter().fold(0, |any, byte| any | byte) == 0)
}
