//! Intel HEX: what is written to the memory of a microcontroller, as lines of hex digits.
//!
//! Source: Intel, "Hexadecimal Object File Format Specification", revision A (1988). A line is `:`, then in hex the count of data
//! bytes, 16 bits of address, the type, the data, and what makes the sum of all bytes zero.

use super::segments::{Records, damaged, from_hex, hand_on};
use super::{Open, Reader, Walk};
use crate::reader::{Stream, read_line};
use std::io::{self, BufRead, BufReader};

pub(super) const READER: Reader = Reader { name: "Intel HEX", detect, open: Open::Texts(open) };

/// Longest line: 255 bytes of data.
const MAX_LINE: usize = 1 + 2 * (5 + 255) + 64;

/// Two records with right sums, or one that is all.
pub(super) fn detect(head: &[u8]) -> bool {
    let mut lines = head.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).filter(|line| !line.is_empty());
    let is_record = |line: &[u8]| Record::read(line).is_ok();
    head.starts_with(b":") && lines.next().is_some_and(is_record) && lines.next().is_none_or(is_record)
}

fn open(input: &mut Stream<'_>, walk: &mut Walk<'_>) {
    let input = BufReader::with_capacity(64 << 10, input);
    hand_on(&mut Lines { input, line: Vec::new(), base: 0 }, READER.name, walk);
}

struct Record {
    kind: u8,
    address: u16,
    data: Vec<u8>,
}

impl Record {
    fn read(line: &[u8]) -> io::Result<Self> {
        let bytes = line.strip_prefix(b":").and_then(from_hex).ok_or_else(|| damaged("a line is no record"))?;
        let [count, high, low, kind, data @ .., _] = &*bytes else { return Err(damaged("a record is cut short")) };
        if data.len() != usize::from(*count) {
            return Err(damaged("a record is not as long as it says"));
        }
        if bytes.iter().fold(0u8, |sum, byte| sum.wrapping_add(*byte)) != 0 {
            return Err(damaged("the checksum of a record is wrong"));
        }
        Ok(Self { kind: *kind, address: u16::from_be_bytes([*high, *low]), data: data.to_vec() })
    }

    /// The 16 bits that an address record holds.
    fn number(&self) -> io::Result<u64> {
        match *self.data {
            [high, low] => Ok(u64::from(u16::from_be_bytes([high, low]))),
            _ => Err(damaged("an address record has no address")),
        }
    }
}

struct Lines<R> {
    input: R,
    line: Vec<u8>,
    /// Added to the addresses of records.
    base: u64,
}

impl<R: BufRead> Records for Lines<R> {
    fn next(&mut self, bytes: &mut Vec<u8>) -> io::Result<Option<u64>> {
        while read_line(&mut self.input, &mut self.line, MAX_LINE)? {
            let line = self.line.trim_ascii();
            if line.is_empty() {
                continue;
            }
            let record = Record::read(line)?;
            match record.kind {
                0 => {
                    bytes.extend_from_slice(&record.data);
                    return Ok(Some(self.base + u64::from(record.address)));
                }
                2 => self.base = record.number()? << 4,
                4 => self.base = record.number()? << 16,
                // The end, behind which another file may follow, and where the program starts.
                1 | 3 | 5 => {}
                _ => return Err(damaged("a record is of no known type")),
            }
        }
        Ok(None)
    }
}
