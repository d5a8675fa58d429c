//! How libraries hold numbers: a header with a length, and a pointer to the digits or the digits themselves.
//!
//! A structure gives a number exact bounds and a name for the report. One file for each library, registered here.

use crate::memory::{Chunk, Memory};
use crate::session::{KerberosKeyblock, SslSession};
use crate::survey::Number;

/// The word that makes a structure look: most words of a heap are none of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trigger {
    /// Two 32-bit halves, both from 1 to 4095: lengths or flags side by side, such as `top` and `dmax`.
    Pair,
    /// A 64-bit number from 1 to 65535: a length.
    Small,
}

/// The header of a number in the memory of a process.
pub trait Structure: Sync {
    /// The structure in words, for reports: `OpenSSL BIGNUM`.
    fn name(&self) -> &'static str;
    /// What wakes it.
    fn trigger(&self) -> Trigger;
    /// Looks at the word at `at` (an index in `view.chunk.bytes`, which is a multiple of 8) and reports the numbers whose header it
    /// belongs to. The survey drops numbers that do not look random, so that a header need not be certain.
    fn read(&self, view: &View<'_>, at: usize, numbers: &mut Vec<Number>);
}

/// Every structure. A new one is a new file and a line here.
pub fn all() -> &'static [&'static dyn Structure] {
    &[&KerberosKeyblock, &SslSession]
}

/// A chunk with the address space around it.
pub struct View<'a> {
    /// The bytes at hand.
    pub chunk: &'a Chunk<'a>,
    /// All of the dump.
    pub memory: &'a dyn Memory,
}

impl View<'_> {
    /// The 64-bit word at `at` plus `delta` bytes; `None` outside of the chunk and its margins.
    pub fn word(&self, at: usize, delta: isize) -> Option<u64> {
        let at = at.checked_add_signed(delta)?;
        Some(u64::from_le_bytes(self.chunk.bytes.get(at..at.checked_add(8)?)?.try_into().ok()?))
    }

    /// The 32-bit word at `at` plus `delta` bytes.
    pub fn half(&self, at: usize, delta: isize) -> Option<u32> {
        let at = at.checked_add_signed(delta)?;
        Some(u32::from_le_bytes(self.chunk.bytes.get(at..at.checked_add(4)?)?.try_into().ok()?))
    }

    /// The file offset of `len` bytes that the pointer at `at` plus `delta` points to.
    pub fn pointee(&self, at: usize, delta: isize, len: usize) -> Option<u64> {
        let address = match self.memory.pointer_bytes() {
            4 => u64::from(self.half(at, delta)?),
            _ => self.word(at, delta)?,
        };
        let (offset, there) = self.memory.locate(address)?;
        (there >= len as u64).then_some(offset)
    }

    /// The file offset of an index in the chunk.
    pub fn offset(&self, at: usize) -> u64 {
        self.chunk.offset + at as u64
    }
}
