//! Motorola's S-records: what is written to the memory of a microcontroller, as lines of hex digits.
//!
//! Source: Motorola, "M68000 Family Programmer's Reference Manual", appendix C. A line is `S`, a digit for the type, then in hex the
//! count of the bytes that follow, an address of 16 to 32 bits, the data, and the complement of the sum of all these bytes.

use super::segments::{begins, damaged, from_hex, hand_on_lines};
use super::{Open, Reader, Walk};
use crate::reader::Stream;
use std::io;

pub(super) const READER: Reader = Reader { name: "S-records", detect, open: Open::Texts(open) };

/// Longest line: a count of 255.
const MAX_LINE: usize = 2 + 2 * 256 + 64;

/// Two records with right sums, or one that is all.
pub(super) fn detect(head: &[u8]) -> bool {
    head.starts_with(b"S") && begins(head, &mut read)
}

fn open(input: &mut Stream<'_>, walk: &mut Walk<'_>) {
    hand_on_lines(input, MAX_LINE, &mut read, READER.name, walk);
}

fn read(line: &[u8], data: &mut Vec<u8>) -> io::Result<Option<u64>> {
    let [b'S', kind @ b'0'..=b'9', digits @ ..] = line else { return Err(damaged("a line is no record")) };
    let bytes = from_hex(digits).ok_or_else(|| damaged("a line is no record"))?;
    let [count, body @ .., _] = &*bytes else { return Err(damaged("a record is cut short")) };
    if body.len() + 1 != usize::from(*count) {
        return Err(damaged("a record is not as long as it says"));
    }
    if bytes.iter().fold(0u8, |sum, byte| sum.wrapping_add(*byte)) != 0xff {
        return Err(damaged("the checksum of a record is wrong"));
    }
    let width = match kind {
        b'1' => 2,
        b'2' => 3,
        b'3' => 4,
        _ => return Ok(None),
    };
    let (address, body) = body.split_at_checked(width).ok_or_else(|| damaged("a record is cut short"))?;
    data.extend_from_slice(body);
    Ok(Some(address.iter().fold(0, |address, byte| address << 8 | u64::from(*byte))))
}
