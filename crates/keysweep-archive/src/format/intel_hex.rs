//! Intel HEX: what is written to the memory of a microcontroller, as lines of hex digits.
//!
//! Source: Intel, "Hexadecimal Object File Format Specification", revision A (1988). A line is `:`, then in hex the count of data
//! bytes, 16 bits of address, the type, the data, and what makes the sum of all bytes zero.

use super::segments::{begins, damaged, from_hex, hand_on_lines};
use super::{Open, Reader, Walk};
use crate::reader::Stream;
use std::io;

pub(super) const READER: Reader = Reader { name: "Intel HEX", detect, open: Open::Texts(open) };

/// Longest line: 255 bytes of data.
const MAX_LINE: usize = 1 + 2 * (5 + 255) + 64;

/// Two records with right sums, or one that is all.
pub(super) fn detect(head: &[u8]) -> bool {
    head.starts_with(b":") && begins(head, &mut |line, bytes| Records::default().read(line, bytes))
}

fn open(input: &mut Stream<'_>, walk: &mut Walk<'_>) {
    let mut records = Records::default();
    hand_on_lines(input, MAX_LINE, &mut |line, bytes| records.read(line, bytes), READER.name, walk);
}

/// What records say of those that follow.
#[derive(Default)]
struct Records {
    /// Added to their addresses.
    base: u64,
}

impl Records {
    fn read(&mut self, line: &[u8], data: &mut Vec<u8>) -> io::Result<Option<u64>> {
        let bytes = line.strip_prefix(b":").and_then(from_hex).ok_or_else(|| damaged("a line is no record"))?;
        let [count, high, low, kind, body @ .., _] = &*bytes else { return Err(damaged("a record is cut short")) };
        if body.len() != usize::from(*count) {
            return Err(damaged("a record is not as long as it says"));
        }
        if bytes.iter().fold(0u8, |sum, byte| sum.wrapping_add(*byte)) != 0 {
            return Err(damaged("the checksum of a record is wrong"));
        }
        match kind {
            0 => {
                data.extend_from_slice(body);
                return Ok(Some(self.base + u64::from(u16::from_be_bytes([*high, *low]))));
            }
            2 => self.base = number(body)? << 4,
            4 => self.base = number(body)? << 16,
            // The end, behind which another file may follow, and where the program starts.
            1 | 3 | 5 => {}
            _ => return Err(damaged("a record is of no known type")),
        }
        Ok(None)
    }
}

/// The 16 bits that an address record holds.
fn number(body: &[u8]) -> io::Result<u64> {
    match *body {
        [high, low] => Ok(u64::from(u16::from_be_bytes([high, low]))),
        _ => Err(damaged("an address record has no address")),
    }
}
