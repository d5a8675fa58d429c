//! Where the numbers of a damaged RSAPrivateKey (RFC 8017 appendix A.1.2) lie: of its headers, enough bits are right.

use super::noisy::Counts;
use super::reading::Reading;
use super::solve::Numbers;
use keysweep_keys::public::bit_length;
use keysweep_match::{Blurred, Isa};
use std::ops::Range;

/// The sizes of the numbers of keys with a modulus of so many bits and some public exponent.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Shape {
    /// Bits of the modulus, an even number.
    pub(super) bits: u32,
    /// The public exponent, the most significant byte first.
    pub(super) e: Vec<u8>,
}

/// Where numbers lie in a reading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Layout {
    /// Where the header of the public exponent begins.
    pub(super) exponent: usize,
    /// d, p, q, dp, dq, without zero bytes in front.
    numbers: [Range<usize>; 5],
    /// Bits of headers that are wrong, and all that are there.
    wrong: u32,
    all: u32,
    /// How many of the numbers are shorter than they are but for one in 256 times.
    unlikely: u32,
}

/// Bytes before the private exponent's header that are read, and all: for a modulus of up to 16384 bits.
pub(super) const BEFORE: u64 = 2100;
/// What an anchor is: eight bytes of which some bits matter, the last four at a distance from the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Anchor {
    bytes: Blurred,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// The public exponent, and the private one's header.
    Exponent,
    /// The headers of the two primes.
    Primes,
    /// Bytes of a modulus, so many before its end.
    Modulus(usize),
}

/// Bits of an anchor that may be wrong, out of 64: random bytes are as near to one once in a million places, or in 20,000.
pub(super) const TOLERATED: u32 = 12;
pub(super) const TOLERATED_GIVEN: u32 = 16;
/// By how many deviations headers must agree better than random bits.
const SIGNIFICANCE: f64 = 5.5;
/// Bits of headers that must be there.
const MIN_HEADERS: u32 = 48;
/// More bits than in the best layout that may be wrong in another one, and layouts that are tried.
const MORE: u32 = 6;
const LAYOUTS: usize = 12;

/// The header of an INTEGER, with a zero in front of the number if it is as long as that.
fn header(content: usize, zero: bool) -> Vec<u8> {
    let mut header = match content {
        0..0x80 => vec![2, content as u8],
        0x80..0x100 => vec![2, 0x81, content as u8],
        _ => vec![2, 0x82, (content >> 8) as u8, content as u8],
    };
    if zero {
        header.push(0);
    }
    header
}

/// Up to eight bytes as a word, the first of them lowest.
fn word(bytes: &[u8]) -> u64 {
    bytes.iter().take(8).rev().fold(0, |word, byte| word << 8 | u64::from(*byte))
}

impl Shape {
    /// `None` for moduli of odd sizes.
    pub(super) fn new(bits: u32, e: &[u8]) -> Option<Self> {
        let sized = (512..=16_384).contains(&bits) && bits.is_multiple_of(16) && (1..=4).contains(&e.len());
        sized.then(|| Self { bits, e: e.to_vec() })
    }

    /// The header and the digits of the public exponent.
    fn exponent(&self) -> Vec<u8> {
        let zero = self.e.first().is_some_and(|byte| *byte >= 0x80);
        let mut bytes = header(self.e.len() + usize::from(zero), zero);
        bytes.extend(&self.e);
        bytes
    }

    /// The headers that a number of up to so many bits may have, with the lengths of its digits.
    fn headers(bits: u32) -> [(Vec<u8>, usize); 3] {
        let bytes = bits as usize / 8;
        [(header(bytes + 1, true), bytes), (header(bytes, false), bytes), (header(bytes - 1, false), bytes - 1)]
    }

    /// Bytes from the public exponent's header on that a key may take.
    pub(super) fn len(&self) -> usize {
        (self.bits as usize / 8 + 8) + 4 * (self.bits as usize / 16 + 8) + 16
    }

    /// What keys with this public exponent are looked for by, whatever the size of the modulus.
    pub(super) fn by_exponent(&self) -> Anchor {
        let mut bytes = self.exponent();
        bytes.extend([2, 0x81]);
        let mut mask = vec![0xff; bytes.len()];
        // The length of the private one takes one byte or two.
        mask[bytes.len() - 1] = 0xfc;
        Anchor { bytes: Blurred { bits: word(&bytes), mask: word(&mask), distance: 4 }, kind: Kind::Exponent }
    }

    /// What keys of this size are looked for by, whatever the public exponent.
    pub(super) fn by_primes(&self) -> Anchor {
        let header = header(self.bits as usize / 16 + 1, true);
        let distance = header.len() + self.bits as usize / 16;
        let twice = |four: u64| four | four << 32;
        let (four, mask) = (word(&header[..header.len().min(4)]), u64::MAX >> (64 - 8 * header.len().min(4)));
        Anchor { bytes: Blurred { bits: twice(four), mask: twice(mask), distance }, kind: Kind::Primes }
    }

    /// Bytes of a modulus (the most significant byte first): its last ones, and some of the first.
    pub(super) fn by_modulus(n: &[u8]) -> [Anchor; 2] {
        [8, n.len().saturating_sub(8)].map(|before| {
            let bytes = word(&n[n.len() - before.min(n.len())..]);
            Anchor { bytes: Blurred { bits: bytes, mask: u64::MAX, distance: 4 }, kind: Kind::Modulus(before) }
        })
    }

    /// The layouts that fit what lies around an anchor at an index of a reading, the best first.
    pub(super) fn layouts(&self, reading: &Reading, anchor: Anchor, at: usize) -> Vec<Layout> {
        let mut layouts: Vec<Layout> = Self::headers(self.bits)
            .iter()
            .zip(self.exponents(anchor))
            .filter_map(|((header, len), distance)| {
                let exponent = at.checked_add_signed(distance as isize)?;
                self.with_exponent(reading, exponent, header, *len)
            })
            .flatten()
            .filter(|layout| layout.is_significant(anchor))
            .collect();
        layouts.sort_by_key(|layout| (layout.wrong, layout.unlikely));
        let most = layouts.first().map_or(0, |layout| layout.wrong + MORE);
        layouts.retain(|layout| layout.wrong <= most);
        layouts.truncate(LAYOUTS);
        layouts
    }

    /// Bytes from an anchor to the public exponent's header, for each header that the private one may have.
    pub(super) fn exponents(&self, anchor: Anchor) -> [i64; 3] {
        Self::headers(self.bits).map(|(header, len)| match anchor.kind {
            Kind::Exponent => 0,
            Kind::Primes => -((len + header.len() + self.exponent().len()) as i64),
            Kind::Modulus(before) => before as i64,
        })
    }

    /// The layouts with the public exponent's header at an index, and that header of the private one.
    fn with_exponent(&self, reading: &Reading, exponent: usize, d: &[u8], len: usize) -> Option<Vec<Layout>> {
        let half = self.bits / 2;
        exponent.checked_sub(self.bits as usize / 8)?;
        let mut counts = (0, 0);
        let mut at = exponent;
        let expect = |counts: &mut (u32, u32), at: usize, bytes: &[u8]| {
            let (wrong, all) = reading.distance(at, bytes);
            *counts = (counts.0 + wrong, counts.1 + all);
            at + bytes.len()
        };
        at = expect(&mut counts, at, &self.exponent());
        at = expect(&mut counts, at, d);
        let d = at..at + len;
        at = d.end;
        let prime = header(half as usize / 8 + 1, true);
        at = expect(&mut counts, at, &prime);
        let p = at..at + half as usize / 8;
        at = expect(&mut counts, p.end, &prime);
        let q = at..at + half as usize / 8;
        let mut layouts = Vec::new();
        for (dp_header, dp_len) in Self::headers(half) {
            for (dq_header, dq_len) in Self::headers(half) {
                let mut counts = counts;
                let at = expect(&mut counts, q.end, &dp_header);
                let dp = at..at + dp_len;
                let at = expect(&mut counts, dp.end, &dq_header);
                let dq = at..at + dq_len;
                if dq.end <= reading.bytes.len() {
                    let unlikely = u32::from(d.len() < self.bits as usize / 8)
                        + [&dp, &dq].map(|number| u32::from(number.len() < p.len())).iter().sum::<u32>();
                    let numbers = [d.clone(), p.clone(), q.clone(), dp, dq];
                    layouts.push(Layout { exponent, numbers, wrong: counts.0, all: counts.1, unlikely });
                }
            }
        }
        Some(layouts)
    }

    /// Whether keys of this shape are looked for by an anchor.
    pub(super) fn has(&self, anchor: Anchor) -> bool {
        matches!(anchor.kind, Kind::Modulus(_)) || anchor == self.by_exponent() || anchor == self.by_primes()
    }

    /// The public exponent.
    pub(super) fn e(&self) -> u64 {
        self.e.iter().fold(0, |e, byte| e << 8 | u64::from(*byte))
    }
}

impl Layout {
    /// By how many deviations more bits agree than of random ones.
    fn is_significant(&self, anchor: Anchor) -> bool {
        if self.all < MIN_HEADERS {
            // The modulus shows where it is, and the rest that it is a key.
            return matches!(anchor.kind, Kind::Modulus(_));
        }
        Counts::of(self.wrong, self.all).significance() >= SIGNIFICANCE
    }

    /// The numbers as they lie there.
    pub(super) fn numbers(&self, reading: &Reading) -> Numbers {
        let [d, p, q, dp, dq] = self.numbers.clone().map(|range| reading.big_endian(range));
        Numbers { p, q, d, dp, dq }
    }

    /// The modulus before the public exponent, the most significant byte first.
    pub(super) fn modulus(&self, bits: u32) -> Range<usize> {
        self.exponent - bits as usize / 8..self.exponent
    }

    /// Whether so many bits of the numbers are there that the key may be rebuilt: about one for each bit of a prime.
    pub(super) fn is_enough(&self, reading: &Reading) -> bool {
        let there = |range: &Range<usize>| reading.there[range.clone()].iter().filter(|there| **there).count();
        let [d, p, q, dp, dq] = &self.numbers;
        // Of a private exponent the lower half.
        let lower = d.start + d.len() / 2..d.end;
        [&lower, p, q, dp, dq].into_iter().map(there).sum::<usize>() >= p.len()
    }

    /// Where the private exponent is.
    pub(super) fn exponent_range(&self) -> &Range<usize> {
        &self.numbers[0]
    }

    /// How much speaks against it, to order layouts by.
    pub(super) fn doubt(&self) -> (u32, u32) {
        (self.wrong, self.unlikely)
    }

    /// Where the last number ends.
    pub(super) fn end(&self) -> usize {
        self.numbers[4].end
    }
}

impl Anchor {
    /// Bytes that are looked at.
    pub(super) fn len(&self) -> usize {
        self.bytes.span()
    }

    /// Calls `hit` with each index at which enough bits agree, and how many do not.
    pub(super) fn find(&self, bytes: &[u8], tolerated: u32, mut hit: impl FnMut(usize, u32)) {
        let Blurred { mask, distance, .. } = self.bytes;
        let four = |at: usize| bytes[at..at + 4].try_into().map_or(0, u32::from_le_bytes);
        self.bytes.find(bytes, tolerated * mask.count_ones() / 64, Isa::detect(), &mut |at, wrong| {
            if !is_uniform(u64::from(four(at)) | u64::from(four(at + distance)) << 32) {
                hit(at, wrong);
            }
        });
    }
}

/// Whether most of eight bytes are equal: zeros and small numbers have few bits that are not those of headers.
fn is_uniform(bytes: u64) -> bool {
    let bytes = bytes.to_le_bytes();
    bytes[..4].iter().any(|byte| bytes.iter().filter(|other| *other == byte).count() >= 5)
}

/// The bytes of a public exponent.
pub(super) fn bytes_of(e: u64) -> Vec<u8> {
    let bytes = e.to_be_bytes();
    let used = (bit_length(&bytes).div_ceil(8) as usize).max(1);
    bytes[8 - used..].to_vec()
}
