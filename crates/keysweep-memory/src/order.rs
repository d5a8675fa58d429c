//! How the digits of a number lie in memory.

use zeroize::Zeroizing;

/// The order of a number's digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Order {
    /// Least significant byte first: limbs of any size, least significant first, on a little-endian machine (OpenSSL
    /// `BIGNUM`, GMP, libgcrypt, Go `nat`, mbedTLS, NSS, CNG), and little-endian byte strings (CAPI, Ed25519).
    Little,
    /// Most significant byte first: byte strings, DER, big-endian limbs.
    Big,
    /// 32-bit words, most significant first, each little-endian: Java `BigInteger.mag`, .NET's former `BigInteger`.
    BigWords32,
    /// 64-bit words, most significant first, each little-endian.
    BigWords64,
    /// Digits of `bits` bits, least significant first, each in a little-endian word of `bytes` bytes: CPython (30 bits in
    /// 4 bytes, 15 in 2), PyPy (63 in 8), LibTomMath (28 in 4, 60 in 8). Of the last digit the bytes that are always zero may not belong to it, if
    /// these are half of them or more: small integers of V8, of which the upper halves of words hold 26 or 28 bits.
    Digits {
        /// Bits in a digit.
        bits: u8,
        /// Bytes that a digit takes.
        bytes: u8,
    },
}

/// CPython's digits.
pub const PYTHON: Order = Order::Digits { bits: 30, bytes: 4 };
/// PyPy's digits on 64-bit machines.
pub const PYPY: Order = Order::Digits { bits: 63, bytes: 8 };
/// LibTomMath's digits on 64-bit machines.
pub const TOM_MATH_64: Order = Order::Digits { bits: 60, bytes: 8 };
/// LibTomMath's digits on 32-bit machines.
pub const TOM_MATH_32: Order = Order::Digits { bits: 28, bytes: 4 };
/// Digits of BN.js as small integers of V8 on 64-bit machines, from the upper half of the first word on.
pub const SMALL_26: Order = Order::Digits { bits: 26, bytes: 8 };
/// The same of jsbn, which node-forge and jsrsasign build on.
pub const SMALL_28: Order = Order::Digits { bits: 28, bytes: 8 };

impl Order {
    /// Every order that occurs.
    pub const ALL: [Order; 10] = [
        Order::Little,
        Order::Big,
        Order::BigWords32,
        Order::BigWords64,
        PYTHON,
        TOM_MATH_64,
        TOM_MATH_32,
        SMALL_26,
        SMALL_28,
        PYPY,
    ];

    /// Those in which the words of a number look random, so that it is looked for without a structure: all but small integers of V8 and digits of PyPy.
    #[cfg(test)]
    pub const ALONE: &[Order] = Self::ALL.split_at(7).0;

    /// The order in words, for reports.
    pub fn name(self) -> &'static str {
        match self {
            Order::Little => "little-endian limbs",
            Order::Big => "big-endian bytes",
            Order::BigWords32 => "32-bit words, most significant first",
            Order::BigWords64 => "64-bit words, most significant first",
            SMALL_26 => "26-bit small integers",
            SMALL_28 => "28-bit small integers",
            Order::Digits { bits: 30, .. } => "30-bit digits",
            PYPY => "63-bit digits",
            Order::Digits { bits: 60, .. } => "60-bit digits",
            Order::Digits { bits: 28, .. } => "28-bit digits",
            Order::Digits { .. } => "digits",
        }
    }

    /// The number in `memory` as big-endian bytes, with as many leading zeros as it comes with. `None` if the bytes cannot
    /// be a number of this order: a part of a word, or bits set beyond a digit.
    pub fn decode(self, memory: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let mut bytes = Zeroizing::new(memory.to_vec());
        match self {
            Order::Little => bytes.reverse(),
            Order::Big => {}
            Order::BigWords32 => reverse_words(&mut bytes, 4)?,
            Order::BigWords64 => reverse_words(&mut bytes, 8)?,
            Order::Digits { bits, bytes: size } => return digits_to_bytes(memory, bits.into(), size.into()),
        }
        Some(bytes)
    }

    /// The big-endian `number` as it lies in memory: in whole words, without leading zero words.
    pub fn encode(self, number: &[u8]) -> Zeroizing<Vec<u8>> {
        let number = keysweep_keys::secret::trim_leading_zeros(number);
        let size = match self {
            Order::Big => 1,
            Order::BigWords32 => 4,
            Order::Little | Order::BigWords64 => 8,
            Order::Digits { bits, bytes } => return bytes_to_digits(number, bits.into(), bytes.into()),
        };
        let len = number.len().next_multiple_of(size);
        let mut bytes = Zeroizing::new(vec![0; len]);
        bytes[len - number.len()..].copy_from_slice(number);
        match self {
            Order::Little => bytes.reverse(),
            Order::BigWords32 | Order::BigWords64 => bytes.chunks_exact_mut(size).for_each(<[u8]>::reverse),
            Order::Big | Order::Digits { .. } => {}
        }
        bytes
    }
}

fn reverse_words(bytes: &mut [u8], size: usize) -> Option<()> {
    bytes.chunks_mut(size).for_each(<[u8]>::reverse);
    bytes.len().is_multiple_of(size).then_some(())
}

/// Whether `len` bytes are whole digits, the last one perhaps without the bytes that are always zero.
pub fn is_digits(len: usize, bits: u32, size: usize) -> bool {
    let rest = len % size;
    rest == 0 || (is_sparse(bits, size) && 2 * rest == size)
}

/// Whether digits take half of their bytes, or less.
pub fn is_sparse(bits: u32, size: usize) -> bool {
    2 * bits as usize <= 8 * size
}

fn digits_to_bytes(memory: &[u8], bits: u32, size: usize) -> Option<Zeroizing<Vec<u8>>> {
    if !is_digits(memory.len(), bits, size) {
        return None;
    }
    from_digits(
        memory.chunks(size).map(|digit| Some(digit.iter().rev().fold(0, |value, byte| value << 8 | u64::from(*byte)))),
        bits,
    )
}

/// The big-endian number whose digits are these, least significant first; `None` if there is none at a place, or one with more than `bits`
/// bits.
pub(crate) fn from_digits(digits: impl ExactSizeIterator<Item = Option<u64>>, bits: u32) -> Option<Zeroizing<Vec<u8>>> {
    let mut little = Zeroizing::new(Vec::with_capacity((digits.len() * bits as usize).div_ceil(8) + 1));
    let (mut buffer, mut held) = (0u128, 0);
    for digit in digits {
        let digit = digit.filter(|digit| digit >> bits == 0)?;
        buffer |= u128::from(digit) << held;
        held += bits;
        while held >= 8 {
            little.push(buffer as u8);
            buffer >>= 8;
            held -= 8;
        }
    }
    little.push(buffer as u8);
    little.reverse();
    Some(little)
}

fn bytes_to_digits(number: &[u8], bits: u32, size: usize) -> Zeroizing<Vec<u8>> {
    let mut memory = Zeroizing::new(Vec::with_capacity(number.len() * 2));
    let (mut buffer, mut held) = (0u128, 0);
    let mut emit = |buffer: &mut u128| {
        let digit = (*buffer & ((1 << bits) - 1)) as u64;
        memory.extend_from_slice(&digit.to_le_bytes()[..size]);
        *buffer >>= bits;
    };
    for byte in number.iter().rev() {
        buffer |= u128::from(*byte) << held;
        held += 8;
        if held >= bits {
            emit(&mut buffer);
            held -= bits;
        }
    }
    if buffer != 0 {
        emit(&mut buffer);
    }
    if is_sparse(bits, size) {
        let used = memory.len().saturating_sub(size / 2);
        memory.truncate(used);
    }
    memory
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_survive_the_way_to_memory_and_back() {
        let mut number: Vec<u8> = (1..=67u8).map(|i| i.wrapping_mul(151) ^ 0x5a).collect();
        for len in 1..=67 {
            number[0] |= 1;
            let number = &number[..len];
            for order in Order::ALL {
                let memory = order.encode(number);
                let back = order.decode(&memory).unwrap();
                assert_eq!(keysweep_keys::secret::trim_leading_zeros(&back), number, "{order:?} {len}");
            }
        }
    }

    #[test]
    fn known_layouts() {
        let number = [0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09];
        assert_eq!(Order::Little.encode(&number)[..9], [9, 8, 7, 6, 5, 4, 3, 2, 1]);
        assert_eq!(Order::BigWords32.encode(&number)[..], [1, 0, 0, 0, 5, 4, 3, 2, 9, 8, 7, 6]);
        assert_eq!(PYTHON.encode(&[0x40, 0, 0, 0, 5])[..], [5, 0, 0, 0, 0, 1, 0, 0]);
        assert_eq!(SMALL_26.encode(&[0x40, 0, 0, 5])[..], [5, 0, 0, 0, 0, 0, 0, 0, 16, 0, 0, 0]);
        assert!(SMALL_26.decode(&[5, 0, 0, 0, 1, 0, 0, 0, 16, 0, 0, 0]).is_none());
        assert!(SMALL_26.decode(&[5, 0, 0, 0, 0, 0]).is_none() && PYTHON.decode(&[5, 0]).is_none());
        assert!(PYTHON.decode(&[0, 0, 0, 0x40]).is_none() && Order::BigWords32.decode(&[1, 2, 3]).is_none());
    }
}
