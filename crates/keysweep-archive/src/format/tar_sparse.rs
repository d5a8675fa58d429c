//! Sparse files in tar archives, which hold only the parts of a file that are no holes: as dumps are packed.
//!
//! Source: the GNU tar manual, "Storing Sparse Files": the old GNU format, and those of pax in versions 0.0, 0.1 and 1.0.

use super::tar::{BLOCK, number};
use std::io::{self, Read};

/// The largest file whose holes are put in; of a larger one only the parts are handed on.
const MAX_SIZE: u64 = 16 << 30;
/// Parts that are kept of a file.
const MAX_PARTS: usize = 1 << 20;
/// Digits of a number in the map that stands before the parts.
const MAX_DIGITS: usize = 20;

/// Which parts of a file the archive holds.
#[derive(Debug, Default)]
pub(super) struct Map {
    /// Offset in the file and length of each part.
    parts: Vec<(u64, u64)>,
    /// Size of the file with its holes.
    size: u64,
    /// Whether the map stands before the parts instead (version 1.0).
    before_parts: bool,
    /// The offset of a part whose length follows (version 0.0).
    offset: Option<u64>,
}

impl Map {
    /// Takes a record of an extended header, if it is about a sparse file.
    pub(super) fn record(map: &mut Option<Self>, key: &[u8], value: &[u8]) {
        let Some(key) = key.strip_prefix(b"GNU.sparse.") else { return };
        let decimal = |text: &[u8]| std::str::from_utf8(text).ok()?.parse::<u64>().ok();
        let own = map.get_or_insert_default();
        match key {
            b"size" | b"realsize" => own.size = decimal(value).unwrap_or(0),
            b"major" => own.before_parts = decimal(value) == Some(1),
            b"offset" => own.offset = decimal(value),
            b"numbytes" => {
                if let (Some(offset), Some(len)) = (own.offset.take(), decimal(value)) {
                    own.push(offset, len);
                }
            }
            b"map" => {
                let mut numbers = value.split(|byte| *byte == b',').map(decimal);
                while let (Some(Some(offset)), Some(Some(len))) = (numbers.next(), numbers.next()) {
                    own.push(offset, len);
                }
            }
            _ => {}
        }
    }

    /// Reads the map of the old GNU format: four parts in the header, and more in blocks behind it.
    pub(super) fn old(input: &mut dyn Read, header: &[u8]) -> io::Result<Self> {
        let mut map = Self { size: number(&header[483..495]).unwrap_or(0), ..Self::default() };
        map.entries(&header[386..482]);
        let mut more = header[482] != 0;
        let mut block = [0; BLOCK as usize];
        while more {
            input.read_exact(&mut block)?;
            map.entries(&block[..504]);
            more = block[504] != 0;
        }
        Ok(map)
    }

    fn entries(&mut self, bytes: &[u8]) {
        for entry in bytes.chunks_exact(24).take_while(|entry| entry[0] != 0) {
            if let (Some(offset), Some(len)) = (number(&entry[..12]), number(&entry[12..])) {
                self.push(offset, len);
            }
        }
    }

    fn push(&mut self, offset: u64, len: u64) {
        if self.parts.len() < MAX_PARTS {
            self.parts.push((offset, len));
        }
    }

    /// Reads the map that stands before the parts: decimal numbers, one in a line, padded to a block.
    fn read(&mut self, content: &mut dyn Read) -> io::Result<()> {
        let mut input = Numbers { content, read: 0 };
        let count = input.next()?;
        for _ in 0..count {
            let (offset, len) = (input.next()?, input.next()?);
            self.push(offset, len);
        }
        let padding = input.read.next_multiple_of(BLOCK) - input.read;
        io::copy(&mut content.take(padding), &mut io::sink())?;
        Ok(())
    }

    /// Whether the parts lie one behind the other, and in the file.
    fn is_sound(&self) -> bool {
        let mut end = 0;
        self.parts.iter().all(|(offset, len)| {
            let follows = *offset >= end;
            end = offset.saturating_add(*len);
            follows && end <= self.size
        })
    }

    /// The file, with zeros in its holes.
    ///
    /// # Errors
    ///
    /// The map is damaged, or the file is too large for its holes to be read.
    pub(super) fn expand<R: Read>(mut self, mut content: R) -> io::Result<Sparse<R>> {
        if self.before_parts {
            self.parts.clear();
            self.read(&mut content)?;
        }
        if !self.is_sound() {
            return Err(io::Error::other("the map of a sparse file is damaged"));
        }
        let whole = self.size <= MAX_SIZE;
        Ok(Sparse { content, parts: self.parts.into_iter(), part: (0, 0), at: 0, size: self.size, whole })
    }
}

/// Numbers in lines.
struct Numbers<'a> {
    content: &'a mut dyn Read,
    read: u64,
}

impl Numbers<'_> {
    fn next(&mut self) -> io::Result<u64> {
        let mut value: u64 = 0;
        for _ in 0..=MAX_DIGITS {
            let mut byte = [0];
            self.content.read_exact(&mut byte)?;
            self.read += 1;
            match byte[0] {
                b'\n' => return Ok(value),
                digit @ b'0'..=b'9' => value = value.saturating_mul(10).saturating_add(u64::from(digit - b'0')),
                _ => break,
            }
        }
        Err(io::Error::other("the map of a sparse file is damaged"))
    }
}

/// A sparse file as it is read.
pub(super) struct Sparse<R> {
    content: R,
    parts: std::vec::IntoIter<(u64, u64)>,
    /// The part that is read, or comes next: where it goes on in the file, and how much of it is left.
    part: (u64, u64),
    at: u64,
    size: u64,
    /// Whether holes are put in.
    pub(super) whole: bool,
}

impl<R: Read> Read for Sparse<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        while self.part.1 == 0 {
            match self.parts.next() {
                Some(part) => self.part = part,
                None if self.whole => {
                    // What is left of the file is a hole.
                    self.part = (self.size, 0);
                    break;
                }
                None => return Ok(0),
            }
        }
        let (offset, left) = self.part;
        if self.whole && self.at < offset {
            let count = (offset - self.at).min(buf.len() as u64) as usize;
            buf[..count].fill(0);
            self.at += count as u64;
            return Ok(count);
        }
        let want = left.min(buf.len() as u64) as usize;
        let count = self.content.read(&mut buf[..want])?;
        if count == 0 && want > 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.part = (offset + count as u64, left - count as u64);
        self.at = self.part.0;
        Ok(count)
    }
}
