//! How libraries hold numbers: a header with a length, and a pointer to the digits or the digits themselves.
//!
//! A structure gives a number exact bounds and a name for the report. One file for each library, registered here.

mod bearssl;
mod boxed;
mod bytes;
pub(crate) mod chacha;
pub(crate) mod der;
mod digits;
mod dotnet;
mod gcrypt;
mod gmp;
mod java;
mod lisp;
mod mbedtls;
mod nss;
mod openssl;
mod php;
mod pypy;
mod python;
mod quickjs;
mod slice;
mod v8;
mod v8_compressed;
mod vector;
mod wolfssl;

#[cfg(test)]
mod digit_tests;
#[cfg(test)]
mod tests;

use crate::memory::{Chunk, Memory};
use crate::order::Order;
use crate::survey::{Number, Text};
use std::cell::{Cell, RefCell};
use std::ops::Range;

/// The word that makes a structure look: most words of a heap are none of these. Words are those of the process, of
/// [`View::size`] bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trigger {
    /// Two 32-bit halves, both from 1 to 4095: lengths or flags side by side, such as `top` and `dmax`.
    Pair,
    /// A number from 3 to 65535: a length.
    Small,
    /// A 16-bit 1 or -1, a 16-bit number from 1 to 4095, and zeros: a sign and a length.
    SignedShort,
    /// A 64-bit word with a number from 1 to 4095 in its upper half and zeros in the lower: a small integer of V8.
    Upper,
    /// A word and the next one, which is larger by 16 to 2048: the begin and end of a vector.
    Range,
}

impl Trigger {
    /// Every trigger.
    pub const ALL: [Trigger; 5] = [Trigger::Pair, Trigger::Small, Trigger::SignedShort, Trigger::Upper, Trigger::Range];

    /// Whether a word and the one after it are this trigger. On a 32-bit process `next` is the upper half of a pair.
    pub fn matches(self, word: u64, next: u64, size: usize) -> bool {
        let small = |half: u64| half.wrapping_sub(1) < 4095;
        match self {
            Trigger::Pair if size == 4 => small(word) && small(next),
            Trigger::Pair => small(word & 0xffff_ffff) && small(word >> 32),
            Trigger::Small => word.wrapping_sub(3) < 65_533,
            Trigger::SignedShort => matches!(word & 0xffff, 1 | 0xffff) && small(word >> 16),
            Trigger::Upper => size == 8 && word as u32 == 0 && small(word >> 32),
            Trigger::Range => word >= 0x1_0000 && next.wrapping_sub(word).wrapping_sub(16) <= 2032,
        }
    }
}

/// The header of a number in the memory of a process, with a pointer to its digits.
pub trait Structure: Sync {
    /// The structure in words, for reports: `OpenSSL BIGNUM`.
    fn name(&self) -> &'static str;
    /// What wakes it.
    fn trigger(&self) -> Trigger;
    /// Looks at the word at `at` (an index in `view.chunk.bytes`, which is a multiple of the size of a word) and reports the
    /// numbers whose header it belongs to. The survey drops numbers that do not look random, so that a header need not be certain.
    fn read(&self, view: &View<'_>, at: usize, numbers: &mut Vec<Number>);
}

/// The header of a number whose digits follow right after it. The digits look random, so that it is looked for at runs of
/// random words only.
pub trait Prefix: Sync {
    /// Looks at the run at `run` (in `view.chunk.bytes`, both ends multiples of 8) and reports the numbers in it, or around its
    /// ends, that have a header. What is not random is dropped by the survey.
    fn read(&self, view: &View<'_>, run: Range<usize>, numbers: &mut Vec<Number>);
}

/// Every structure. A new one is a new file and a line here.
pub fn all() -> &'static [&'static dyn Structure] {
    &[
        &crate::session::SslSession,
        &crate::session::KerberosKeyblock,
        &openssl::Bignum,
        &gmp::Mpz,
        &gmp::ReadOnly,
        &gcrypt::Mpi,
        &wolfssl::MpInt,
        &nss::MpInt,
        &mbedtls::Mpi2,
        &mbedtls::Mpi3,
        &bearssl::RsaPrivateKey,
        &slice::Slice,
        &v8::SmallIntegers { length: Trigger::Upper },
        &v8::SmallIntegers { length: Trigger::Small },
        &v8::SmallIntegers { length: Trigger::Pair },
        &v8::CountedArray,
        &v8_compressed::SmallIntegers,
        &boxed::Array,
        &php::Array,
        &quickjs::BigInt,
        &vector::Vector,
    ]
}

/// Every prefix. A new one is a new file and a line here.
pub fn prefixes() -> &'static [&'static dyn Prefix] {
    &[
        &java::Array,
        &python::Int,
        &pypy::Int,
        &lisp::Chez,
        &lisp::Clisp,
        &lisp::Gambit,
        &digits::Digits,
        &dotnet::Array,
        &v8::BigInt,
        &v8_compressed::BigInt,
        &v8_compressed::UnalignedSmallIntegers,
        &wolfssl::SpInt,
        &bytes::Counted,
        &der::Integer,
        &gcrypt::Token,
        &chacha::State,
    ]
}

/// Whether the header of a structure says for sure how long its number is and how the digits lie, so that they are nothing else.
/// Arithmetic in JavaScript and Scheme leaves tens of thousands of them.
pub fn is_certain(structure: &str) -> bool {
    matches!(structure, v8::BIG_INT | lisp::GAMBIT)
}

/// A chunk with the address space around it.
pub struct View<'a> {
    /// The bytes at hand.
    pub chunk: &'a Chunk<'a>,
    /// All of the dump.
    pub memory: &'a dyn Memory,
    /// Size of a pointer in bytes.
    size: usize,
    /// Where the last pointer led: addresses, and the file offset of the first.
    last: Cell<(u64, u64, u64)>,
    /// Numbers of structures that no search reads as they lie: they become numbers behind the dump (`decoded`), as texts do.
    pub(crate) texts: RefCell<Vec<Text>>,
}

impl<'a> View<'a> {
    /// A view of a chunk.
    pub fn new(chunk: &'a Chunk<'a>, memory: &'a dyn Memory) -> Self {
        Self { chunk, memory, size: memory.pointer_bytes(), last: Cell::new((1, 0, 0)), texts: RefCell::default() }
    }

    /// Size in bytes of a pointer, of a `size_t` and, but for rare builds, of a limb.
    pub fn size(&self) -> usize {
        self.size
    }

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

    /// The `size_t` or pointer at `at` plus `words` of its kind.
    pub fn machine(&self, at: usize, words: isize) -> Option<u64> {
        match self.size {
            4 => self.half(at, 4 * words).map(u64::from),
            _ => self.word(at, 8 * words),
        }
    }

    /// The file offset of `len` bytes that the pointer at `at` plus `delta` points to.
    pub fn pointee(&self, at: usize, delta: isize, len: usize) -> Option<u64> {
        let address = match self.size {
            4 => u64::from(self.half(at, delta)?),
            _ => self.word(at, delta)?,
        };
        self.target(address, len)
    }

    /// The file offset of `len` bytes at an address.
    pub fn target(&self, address: u64, len: usize) -> Option<u64> {
        let (first, last, offset) = self.last.get();
        if (first..=last).contains(&address) && last - address >= len as u64 {
            return Some(offset + (address - first));
        }
        // The first pages are never mapped; what is neither in the lower nor in the upper half is no address.
        if address < 0x1000 || !matches!(address >> 47, 0 | 0x1_ffff) {
            return None;
        }
        let (offset, there) = self.memory.locate(address)?;
        self.last.set((address, address.saturating_add(there), offset));
        (there >= len as u64).then_some(offset)
    }

    /// The file offset of an index in the chunk.
    pub fn offset(&self, at: usize) -> u64 {
        self.chunk.offset + at as u64
    }

    /// Reports `len` bytes of digits behind the pointer at `at` plus `delta`.
    fn digits(
        &self,
        at: usize,
        delta: isize,
        len: u64,
        order: Order,
        structure: &'static str,
        numbers: &mut Vec<Number>,
    ) {
        let Ok(len) = u32::try_from(len) else { return };
        if let Some(offset) = self.pointee(at, delta, len as usize) {
            numbers.push(Number { offset, len, order, structure });
        }
    }

    /// Reports `len` bytes of digits at `at` plus `delta` in the chunk.
    fn inline(
        &self,
        at: usize,
        delta: isize,
        len: u64,
        order: Order,
        structure: &'static str,
        numbers: &mut Vec<Number>,
    ) {
        let (Ok(len), Some(at)) = (u32::try_from(len), at.checked_add_signed(delta)) else { return };
        if at + len as usize <= self.chunk.bytes.len() {
            numbers.push(Number { offset: self.offset(at), len, order, structure });
        }
    }
}

/// Whether a word may be a pointer to something aligned to words, on either kind of process.
fn may_point(address: u64) -> bool {
    address >= 0x1000 && address & 3 == 0 && matches!(address >> 47, 0 | 0x1_ffff)
}

/// Whether a number of `len` bytes may begin `rest` bytes before the end of a run. Words that do not look random are in a number
/// only by chance, more likely in a long one.
fn spans(rest: u64, len: u64) -> bool {
    len <= rest + 16 || len >= 256
}
