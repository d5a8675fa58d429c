//! Records of bytes that say where in memory they belong, as files for programming chips have them. Those that follow each other
//! make a segment, and each segment is a member.

use super::Walk;
use crate::Member;
use crate::reader::{Stream, read_line};
use std::io::{self, BufReader, Read};

/// Reads records, one after the other.
pub(super) trait Records {
    /// Puts the bytes of the next record into `bytes`, which is empty, and tells their address; `None` at the end.
    ///
    /// # Errors
    ///
    /// The input cannot be read, or the record is damaged; after that the next one can be asked for.
    fn next(&mut self, bytes: &mut Vec<u8>) -> io::Result<Option<u64>>;
}

/// Reads the record in a line: its data into `bytes`, and their address; `None` if it has no data.
pub(super) type ReadRecord<'a> = dyn FnMut(&[u8], &mut Vec<u8>) -> io::Result<Option<u64>> + 'a;

/// Whether the first two lines are records, or the only one is.
pub(super) fn begins(head: &[u8], read: &mut ReadRecord<'_>) -> bool {
    let mut lines = head.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).filter(|line| !line.is_empty());
    let mut is_record = |line: &[u8]| read(line, &mut Vec::new()).is_ok();
    lines.next().is_some_and(&mut is_record) && lines.next().is_none_or(is_record)
}

/// Hands on the segments of a text with a record of at most `most` bytes in each line.
pub(super) fn hand_on_lines(
    input: &mut Stream<'_>,
    most: usize,
    read: &mut ReadRecord<'_>,
    what: &str,
    walk: &mut Walk<'_>,
) {
    let input = BufReader::with_capacity(64 << 10, input);
    hand_on(&mut Lines { input, line: Vec::new(), most, read }, what, walk);
}

struct Lines<'a, 'b> {
    input: BufReader<&'a mut Stream<'b>>,
    line: Vec<u8>,
    most: usize,
    read: &'a mut ReadRecord<'a>,
}

impl Records for Lines<'_, '_> {
    fn next(&mut self, bytes: &mut Vec<u8>) -> io::Result<Option<u64>> {
        while read_line(&mut self.input, &mut self.line, self.most)? {
            let line = self.line.trim_ascii();
            if !line.is_empty()
                && let Some(address) = (self.read)(line, bytes)?
            {
                return Ok(Some(address));
            }
        }
        Ok(None)
    }
}

/// Hands on all segments.
pub(super) fn hand_on(records: &mut dyn Records, what: &str, walk: &mut Walk<'_>) {
    let mut segment = Segment { records, bytes: Vec::new(), read: 0, state: State::Behind, joined: false };
    for count in 0.. {
        segment.joined = count > MAX_SEGMENTS;
        if let Err(error) = segment.find() {
            walk.problem(None, format!("damaged {what}: {}", super::reason(&error)));
            if error.kind() != io::ErrorKind::InvalidData {
                return;
            }
            continue;
        }
        let State::Within(address) = segment.state else { return };
        let member = Member::memory(address);
        if !walk.member(member, &mut segment) {
            return;
        }
        // What is not read of it is passed over; what is wrong with it has been told.
        while let Err(error) = io::copy(&mut segment, &mut io::sink()) {
            if error.kind() != io::ErrorKind::InvalidData {
                return;
            }
        }
    }
}

/// The segment that is read.
struct Segment<'a> {
    records: &'a mut dyn Records,
    /// The record that is handed on, and how much of it is.
    bytes: Vec<u8>,
    read: usize,
    state: State,
    /// Whether all records are taken for one segment.
    joined: bool,
}

/// Segments that are told apart: programs have a few, and what has a member for each record costs more than it is worth.
const MAX_SEGMENTS: usize = 4096;

enum State {
    /// The record belongs to the segment, and has this address.
    Within(u64),
    /// The record of this address belongs to the next segment.
    Before(u64),
    /// There is no record yet.
    Behind,
    End,
}

impl Segment<'_> {
    /// Goes to the first record of the next segment.
    fn find(&mut self) -> io::Result<()> {
        if matches!(self.state, State::Behind) {
            self.next()?;
        }
        if let State::Before(address) = self.state {
            self.state = State::Within(address);
        }
        Ok(())
    }

    /// Reads the next record that has bytes.
    fn next(&mut self) -> io::Result<()> {
        let expected = match self.state {
            State::Within(address) => address.checked_add(self.bytes.len() as u64),
            _ => None,
        };
        // Whatever comes of it: behind a damaged record begins another segment.
        self.state = State::Behind;
        self.read = 0;
        loop {
            self.bytes.clear();
            let address = self.records.next(&mut self.bytes)?;
            self.state = match address {
                Some(_) if self.bytes.is_empty() => continue,
                Some(address) if Some(address) == expected || (self.joined && expected.is_some()) => {
                    State::Within(address)
                }
                Some(address) => State::Before(address),
                None => State::End,
            };
            return Ok(());
        }
    }
}

impl Read for Segment<'_> {
    /// At most the rest of a record: what is wrong with the next one is told when that is asked for.
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.read == self.bytes.len() && matches!(self.state, State::Within(_)) {
            self.next()?;
        }
        if !matches!(self.state, State::Within(_)) {
            return Ok(0);
        }
        let count = (&self.bytes[self.read..]).read(buf)?;
        self.read += count;
        Ok(count)
    }
}

/// Why a record cannot be read.
pub(super) fn damaged(reason: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, reason)
}

/// The bytes that pairs of hex digits stand for; `None` if there is something else.
pub(super) fn from_hex(digits: &[u8]) -> Option<Vec<u8>> {
    data_encoding::HEXLOWER_PERMISSIVE.decode(digits).ok()
}
