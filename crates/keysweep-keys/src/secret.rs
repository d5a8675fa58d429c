//! Secret bytes: zeroized on drop, and without any way to show them.

use std::fmt;
use std::ops::{Deref, DerefMut};
use zeroize::Zeroizing;

/// Secret bytes, for numbers big-endian. Zeroized on drop; `Debug` shows the length only.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    /// Copies `bytes` into a buffer that is zeroized on drop.
    pub fn new(bytes: &[u8]) -> Self {
        Self(Zeroizing::new(bytes.to_vec()))
    }

    /// Whether every byte is zero (an empty secret counts as zero).
    pub fn is_zero(&self) -> bool {
        self.0.iter().all(|&b| b == 0)
    }

    /// The number without its leading zero bytes.
    pub fn trimmed(&self) -> &[u8] {
        trim_leading_zeros(&self.0)
    }
}

impl Deref for Secret {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl From<Zeroizing<Vec<u8>>> for Secret {
    fn from(bytes: Zeroizing<Vec<u8>>) -> Self {
        Self(bytes)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({} bytes)", self.0.len())
    }
}

/// Bytes that are read and may hold a secret anywhere: cleared on drop as a whole. (`Zeroizing` clears one byte after the other, which
/// for a file takes as long as to search it.)
#[derive(Default)]
pub struct Buffer(Vec<u8>);

impl Buffer {
    /// `len` bytes that are zero.
    pub fn zeroed(len: usize) -> Self {
        Self(vec![0; len])
    }
}

impl Deref for Buffer {
    type Target = Vec<u8>;
    fn deref(&self) -> &Vec<u8> {
        &self.0
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut Vec<u8> {
        &mut self.0
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        // What was cut off is cleared, too.
        self.0.clear();
        self.0.resize(self.0.capacity(), 0);
        // Nothing may conclude that the zeros are never read.
        std::hint::black_box(self.0.as_mut_slice());
    }
}

/// A big-endian number without its leading zero bytes; the number 0 becomes the empty slice.
pub fn trim_leading_zeros(bytes: &[u8]) -> &[u8] {
    let zeros = bytes.iter().take_while(|&&b| b == 0).count();
    &bytes[zeros..]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_bytes() {
        let shown = format!("{:?}", Secret::new(b"\xde\xad\xbe\xef"));
        assert_eq!(shown, "Secret(4 bytes)");
    }

    #[test]
    fn trimming_keeps_inner_zeros() {
        assert_eq!(Secret::new(&[0, 0, 1, 0]).trimmed(), [1, 0]);
        assert!(Secret::new(&[0, 0]).is_zero());
        assert!(Secret::new(&[0, 0]).trimmed().is_empty());
    }
}
