//! Motorola's S-records: what is written to the memory of a microcontroller, as lines of hex digits.
//!
//! Source: Motorola, "M68000 Family Programmer's Reference Manual", appendix C. A line is `S`, a digit for the type, then in hex the
//! count of the bytes that follow, an address of 16 to 32 bits, the data, and the complement of the sum of all these bytes.

use super::segments::{Records, damaged, from_hex, hand_on};
use super::{Open, Reader, Walk};
use crate::reader::{Stream, read_line};
use std::io::{self, BufRead, BufReader};

pub(super) const READER: Reader = Reader { name: "S-records", detect, open: Open::Texts(open) };

/// Longest line: a count of 255.
const MAX_LINE: usize = 2 + 2 * 256 + 64;

/// Two records with right sums, or one that is all.
pub(super) fn detect(head: &[u8]) -> bool {
    let mut lines = head.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).filter(|line| !line.is_empty());
    let is_record = |line: &[u8]| Record::read(line).is_ok();
    head.starts_with(b"S") && lines.next().is_some_and(is_record) && lines.next().is_none_or(is_record)
}

fn open(input: &mut Stream<'_>, walk: &mut Walk<'_>) {
    let input = BufReader::with_capacity(64 << 10, input);
    hand_on(&mut Lines { input, line: Vec::new() }, READER.name, walk);
}

struct Record {
    /// None for what is no data.
    address: Option<u64>,
    data: Vec<u8>,
}

impl Record {
    fn read(line: &[u8]) -> io::Result<Self> {
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
            _ => return Ok(Self { address: None, data: Vec::new() }),
        };
        let (address, data) = body.split_at_checked(width).ok_or_else(|| damaged("a record is cut short"))?;
        let address = address.iter().fold(0, |address, byte| address << 8 | u64::from(*byte));
        Ok(Self { address: Some(address), data: data.to_vec() })
    }
}

struct Lines<R> {
    input: R,
    line: Vec<u8>,
}

impl<R: BufRead> Records for Lines<R> {
    fn next(&mut self, bytes: &mut Vec<u8>) -> io::Result<Option<u64>> {
        while read_line(&mut self.input, &mut self.line, MAX_LINE)? {
            let line = self.line.trim_ascii();
            if line.is_empty() {
                continue;
            }
            let record = Record::read(line)?;
            if let Some(address) = record.address {
                bytes.extend_from_slice(&record.data);
                return Ok(Some(address));
            }
        }
        Ok(None)
    }
}
