//! Numbers read from the dump, whatever the order of their digits.

use crate::memory::Memory;
use crate::order::{Order, is_digits, is_sparse};
use keysweep_keys::secret::Buffer;
use zeroize::Zeroizing;

/// Bytes that are read at a time: candidates are visited by offset, so that most reads are served by the last one.
const PIECE: usize = 64 << 10;
/// Bytes before what is asked for that are read too: numbers are read from either end.
const BEFORE: u64 = 8 << 10;

/// Reads short stretches of a dump in ascending order without reading anything twice.
pub(super) struct Source<'a> {
    memory: &'a dyn Memory,
    piece: Buffer,
    offset: u64,
    len: usize,
}

impl<'a> Source<'a> {
    pub(super) fn new(memory: &'a dyn Memory) -> Self {
        Self { memory, piece: Buffer::zeroed(PIECE), offset: 0, len: 0 }
    }

    /// The bytes of a range, as far as they are there and at most 56 KiB.
    pub(super) fn available(&mut self, offset: u64, len: usize) -> &[u8] {
        let len = len.min(PIECE - BEFORE as usize);
        let held = |source: &Self| {
            let at = usize::try_from(offset.checked_sub(source.offset)?).ok()?;
            (at + len <= source.len).then_some(at)
        };
        if let Some(at) = held(self) {
            return &self.piece[at..at + len];
        }
        self.offset = offset.saturating_sub(BEFORE);
        self.len = self.memory.read_at(self.offset, &mut self.piece);
        let at = ((offset - self.offset) as usize).min(self.len);
        &self.piece[at..(at + len).min(self.len)]
    }

    /// The bytes of a range if all are there.
    pub(super) fn bytes(&mut self, offset: u64, len: usize) -> Option<&[u8]> {
        Some(self.available(offset, len)).filter(|bytes| bytes.len() == len)
    }

    /// The lowest limb of the number whose least significant end is at `end`; 0 if it is not there.
    pub(super) fn low(&mut self, end: End) -> u64 {
        let word = |bytes: &[u8]| bytes.try_into().ok().map(u64::from_le_bytes);
        let limb = match end.order {
            Order::Little => word(self.available(end.at, 8)),
            Order::Digits { bits, bytes: size } => {
                let (bits, size) = (u32::from(bits), usize::from(size));
                let count = 64usize.div_ceil(bits as usize);
                let bytes = self.available(end.at, count * size);
                let digit = |digit: &[u8]| digit.iter().rev().fold(0u64, |value, byte| value << 8 | u64::from(*byte));
                let digits = || bytes.chunks_exact(size).map(digit);
                let whole = digits().len() == count && digits().all(|digit| digit >> bits == 0);
                whole.then(|| digits().zip(0..).fold(0, |limb, (digit, i)| limb | digit.wrapping_shl(bits * i)))
            }
            Order::Big | Order::BigWords32 | Order::BigWords64 => {
                let from = end.at.checked_sub(8);
                from.and_then(|from| word(self.available(from, 8))).map(|limb| match end.order {
                    Order::Big => limb.swap_bytes(),
                    Order::BigWords32 => limb.rotate_left(32),
                    _ => limb,
                })
            }
        };
        limb.unwrap_or(0)
    }

    /// Up to `count` limbs of the number whose least significant end is at `end`.
    pub(super) fn limbs(&mut self, end: End, count: usize) -> Zeroizing<Vec<u64>> {
        let mut limbs = Zeroizing::new(Vec::with_capacity(count));
        match end.order {
            Order::Little => {
                let bytes = self.available(end.at, 8 * count);
                limbs.extend(bytes.chunks(8).map(|chunk| chunk.iter().rev().fold(0, |l, b| l << 8 | u64::from(*b))));
            }
            Order::Digits { bits, bytes } => {
                let len = (64 * count).div_ceil(bits.into()) * usize::from(bytes);
                digits(self.available(end.at, len), bits.into(), bytes.into(), &mut limbs);
                limbs.truncate(count);
            }
            Order::Big | Order::BigWords32 | Order::BigWords64 => {
                let from = end.at.saturating_sub(8 * count as u64);
                let bytes = self.available(from, (end.at - from) as usize);
                let limb = |chunk: &[u8]| big_limb(chunk, end.order);
                limbs.extend(bytes.rchunks(8).map(limb));
            }
        }
        limbs
    }
}

/// The least significant end of a number: where its digits begin, or end if the most significant one comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct End {
    /// Offset in the file: of the first byte, or after the last one.
    pub(super) at: u64,
    /// How the digits lie.
    pub(super) order: Order,
}

impl End {
    /// The end of a number that takes these bytes.
    pub(super) fn of(offset: u64, len: u64, order: Order) -> Self {
        match order {
            Order::Little | Order::Digits { .. } => Self { at: offset, order },
            Order::Big | Order::BigWords32 | Order::BigWords64 => Self { at: offset + len, order },
        }
    }
}

/// The limb in up to eight bytes of a number whose most significant digit comes first.
fn big_limb(bytes: &[u8], order: Order) -> u64 {
    let big = |bytes: &[u8]| bytes.iter().fold(0, |limb, byte| limb << 8 | u64::from(*byte));
    match (order, <[u8; 8]>::try_from(bytes)) {
        (Order::BigWords32, Ok(bytes)) => u64::from_le_bytes(bytes).rotate_left(32),
        (Order::BigWords64, Ok(bytes)) => u64::from_le_bytes(bytes),
        _ => big(bytes),
    }
}

/// Appends the limbs of digits up to the first that has bits beyond a digit.
fn digits(bytes: &[u8], bits: u32, size: usize, limbs: &mut Vec<u64>) {
    let (mut buffer, mut held) = (0u128, 0);
    for digit in bytes.chunks(size).filter(|digit| is_digits(digit.len(), bits, size)) {
        // What follows the last of digits that take half of a word need not be zero.
        let (digit, after) = if is_sparse(bits, size) { digit.split_at(size / 2) } else { (digit, &[][..]) };
        let value = digit.iter().rev().fold(0u64, |value, byte| value << 8 | u64::from(*byte));
        if value >> bits != 0 {
            break;
        }
        let last = after.iter().any(|byte| *byte != 0);
        buffer |= u128::from(value) << held;
        held += bits;
        if held >= 64 {
            limbs.push(buffer as u64);
            buffer >>= 64;
            held -= 64;
        }
        if last {
            break;
        }
    }
    limbs.push(buffer as u64);
}

/// The limbs of a number that takes all of `bytes`; `None` if it cannot.
pub(super) fn all_limbs(bytes: &[u8], order: Order) -> Option<Zeroizing<Vec<u64>>> {
    let whole = |size: usize| bytes.len().is_multiple_of(size);
    let mut limbs = Zeroizing::new(Vec::with_capacity(bytes.len() / 8 + 1));
    match order {
        Order::Little => {
            limbs.extend(bytes.chunks(8).map(|chunk| chunk.iter().rev().fold(0, |l, b| l << 8 | u64::from(*b))));
        }
        Order::Digits { bits, bytes: size } => {
            let size = usize::from(size);
            let fits = |digit: &[u8]| digit.iter().rev().fold(0u64, |v, b| v << 8 | u64::from(*b)) >> bits == 0;
            if !is_digits(bytes.len(), bits.into(), size) || !bytes.chunks(size).all(fits) {
                return None;
            }
            digits(bytes, bits.into(), size, &mut limbs);
        }
        Order::BigWords32 if bytes.len() % 8 == 4 => {
            let (first, rest) = bytes.split_at(4);
            limbs.extend(rest.rchunks(8).map(|chunk| big_limb(chunk, order)));
            limbs.push(first.iter().rev().fold(0, |l, b| l << 8 | u64::from(*b)));
        }
        Order::BigWords32 | Order::BigWords64 if !whole(8) => return None,
        Order::Big | Order::BigWords32 | Order::BigWords64 => {
            limbs.extend(bytes.rchunks(8).map(|chunk| big_limb(chunk, order)));
        }
    }
    while limbs.last() == Some(&0) {
        limbs.pop();
    }
    Some(limbs)
}

#[cfg(test)]
mod tests {
    use super::super::tests::Random;
    use super::*;
    use crate::memory::Flat;
    use crate::rsa::natural::Natural;

    #[test]
    fn limbs_are_those_of_the_number_in_any_order() {
        let mut random = Random::new(5);
        for len in (24..200).chain([1024]) {
            let mut number = random.bytes(len);
            number[0] |= 1;
            let expected = Natural::from_be(&number);
            for order in Order::ALL {
                let digits = order.encode(&number);
                let mut bytes = random.bytes(3000);
                bytes.extend_from_slice(&digits);
                bytes.extend(std::iter::repeat_n(0xff, 3000));
                let memory = Flat::new(&bytes);
                let mut source = Source::new(&memory);
                let end = End::of(3000, digits.len() as u64, order);
                assert_eq!(source.low(end), expected.low(), "{order:?} {len}");
                let limbs = source.limbs(end, 256);
                let same = limbs.iter().zip(expected.limbs()).take(len / 8).filter(|(a, b)| a == b).count();
                assert_eq!(same, len / 8, "{order:?} {len}");
                assert_eq!(all_limbs(&digits, order).unwrap()[..], *expected.limbs(), "{order:?} {len}");
            }
        }
    }

    #[test]
    fn ranges_at_the_edges_of_a_dump_are_cut() {
        let bytes: Vec<u8> = (0..200u8).collect();
        let memory = Flat::new(&bytes);
        let mut source = Source::new(&memory);
        assert_eq!(source.bytes(190, 10).unwrap()[9], 199);
        assert!(source.bytes(190, 11).is_none() && source.bytes(500, 1).is_none());
        assert_eq!(source.limbs(End { at: 192, order: Order::Little }, 4).len(), 1);
        assert_eq!(source.limbs(End { at: 12, order: Order::Big }, 4)[..], [0x0405_0607_0809_0a0b, 0x0001_0203]);
    }
}
