//! Readers over sources.

use crate::Input;
use keysweep_image::ReadAt;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::ops::Range;

/// A part of a source, read from its start to its end.
pub struct At<'a> {
    source: &'a dyn ReadAt,
    position: u64,
    end: u64,
}

impl<'a> At<'a> {
    /// Reads `range`, cut at the end of the source.
    pub fn new(source: &'a dyn ReadAt, range: Range<u64>) -> Self {
        let end = range.end.min(source.len());
        Self { source, position: range.start.min(end), end }
    }
}

impl Read for At<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let want = (self.end - self.position).min(buf.len() as u64) as usize;
        let count = self.source.read_at(self.position, &mut buf[..want])?.min(want);
        self.position += count as u64;
        Ok(count)
    }
}

/// A part of a source, as a source.
pub struct Slice<'a> {
    source: &'a dyn ReadAt,
    start: u64,
    len: u64,
}

impl<'a> Slice<'a> {
    /// The `range` of the source, cut at its end.
    pub fn new(source: &'a dyn ReadAt, range: Range<u64>) -> Self {
        let end = range.end.min(source.len());
        let start = range.start.min(end);
        Self { source, start, len: end - start }
    }
}

impl ReadAt for Slice<'_> {
    fn len(&self) -> u64 {
        self.len
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        let want = self.len.saturating_sub(offset).min(buf.len() as u64) as usize;
        if want == 0 {
            return Ok(0);
        }
        self.source.read_at(self.start + offset, &mut buf[..want])
    }

    fn as_slice(&self) -> Option<&[u8]> {
        self.source.as_slice()?.get(self.start as usize..(self.start + self.len) as usize)
    }
}

impl Seek for At<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        // Buffered readers ask for steps from where they are.
        let target = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(step) => self.end.checked_add_signed(step),
            SeekFrom::Current(step) => self.position.checked_add_signed(step),
        };
        self.position = target.filter(|at| *at <= self.end).ok_or(io::ErrorKind::UnexpectedEof)?;
        Ok(self.position)
    }
}

/// An archive that is read from its start; knows where it is, and passes over parts of it.
pub(crate) struct Stream<'a> {
    inner: Inner<'a>,
    pub(crate) position: u64,
}

enum Inner<'a> {
    Random(BufReader<At<'a>>),
    Stream(&'a mut dyn Read),
}

impl<'a> Stream<'a> {
    pub(crate) fn new(input: Input<'a>) -> Self {
        let inner = match input {
            Input::Random(source) => {
                Inner::Random(BufReader::with_capacity(64 << 10, At::new(source, 0..source.len())))
            }
            Input::Stream(stream) => Inner::Stream(stream),
        };
        Self { inner, position: 0 }
    }

    /// Passes over `count` bytes.
    ///
    /// # Errors
    ///
    /// The stream ends before.
    pub(crate) fn skip(&mut self, count: u64) -> io::Result<()> {
        match &mut self.inner {
            Inner::Random(reader) => {
                let step = i64::try_from(count).map_err(|_| io::ErrorKind::UnexpectedEof)?;
                reader.seek_relative(step)?;
                self.position += count;
                Ok(())
            }
            Inner::Stream(_) => {
                let passed = io::copy(&mut self.by_ref().take(count), &mut io::sink())?;
                if passed < count { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(()) }
            }
        }
    }

    /// Fills `buf` as far as the stream goes.
    ///
    /// # Errors
    ///
    /// What the stream reports.
    pub(crate) fn fill(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let mut done = 0;
        while done < buf.len() {
            match self.read(&mut buf[done..])? {
                0 => break,
                count => done += count,
            }
        }
        Ok(done)
    }
}

impl Read for Stream<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let count = match &mut self.inner {
            Inner::Random(reader) => reader.read(buf)?,
            Inner::Stream(stream) => stream.read(buf)?,
        };
        self.position += count as u64;
        Ok(count)
    }
}

/// An input whose next bytes can be looked at before they are read.
pub(crate) struct Peek<R> {
    seen: [u8; PEEKED],
    unread: Range<usize>,
    inner: R,
}

/// Bytes that [`Peek::peek`] looks at.
const PEEKED: usize = 16;

impl<R: Read> Peek<R> {
    pub(crate) fn new(inner: R) -> Self {
        Self { seen: [0; PEEKED], unread: 0..0, inner }
    }

    /// The next 16 bytes; fewer at the end.
    ///
    /// # Errors
    ///
    /// What the input reports.
    pub(crate) fn peek(&mut self) -> io::Result<&[u8]> {
        let mut bytes = [0; PEEKED];
        let mut known = 0;
        while known < bytes.len() {
            match self.read(&mut bytes[known..])? {
                0 => break,
                count => known += count,
            }
        }
        self.seen = bytes;
        self.unread = 0..known;
        Ok(&self.seen[..known])
    }
}

impl<R: Read> Read for Peek<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.unread.is_empty() {
            return self.inner.read(buf);
        }
        let count = self.unread.len().min(buf.len());
        buf[..count].copy_from_slice(&self.seen[self.unread.start..][..count]);
        self.unread.start += count;
        Ok(count)
    }
}

impl<R: BufRead> BufRead for Peek<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.unread.is_empty() { self.inner.fill_buf() } else { Ok(&self.seen[self.unread.clone()]) }
    }

    fn consume(&mut self, count: usize) {
        if self.unread.is_empty() {
            self.inner.consume(count);
        } else {
            self.unread.start += count.min(self.unread.len());
        }
    }
}

/// Reads a line without its end into `line`; what is longer than `most` bytes is passed over. `false` at the end of the input.
///
/// # Errors
///
/// What the input reports.
pub(crate) fn read_line(input: &mut impl BufRead, line: &mut Vec<u8>, most: usize) -> io::Result<bool> {
    line.clear();
    if input.by_ref().take(most as u64).read_until(b'\n', line)? == 0 {
        return Ok(false);
    }
    match line.strip_suffix(b"\n") {
        Some(whole) => line.truncate(whole.strip_suffix(b"\r").unwrap_or(whole).len()),
        None => _ = input.skip_until(b'\n')?,
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_cut_where_they_are_too_long() {
        let mut input: &[u8] = b"one\r\n\nabcdef\nabcdefghi\nlast";
        let mut line = Vec::new();
        for expected in [&b"one"[..], b"", b"abcdef", b"abcdefg", b"last"] {
            assert!(read_line(&mut input, &mut line, 7).unwrap());
            assert_eq!(line, expected);
        }
        assert!(!read_line(&mut input, &mut line, 7).unwrap());
    }

    #[test]
    fn what_was_looked_at_is_read_again() {
        let bytes: Vec<u8> = (0..40).collect();
        for step in [1, 3, 16, 17, 40] {
            let mut input = Peek::new(BufReader::with_capacity(5, &bytes[..]));
            let mut all = Vec::new();
            loop {
                assert_eq!(input.peek().unwrap(), &bytes[all.len()..][..(40 - all.len()).min(16)]);
                let mut buf = vec![0; step];
                let read = if step % 2 == 0 {
                    input.read(&mut buf).unwrap()
                } else {
                    let there = input.fill_buf().unwrap();
                    let count = there.len().min(step);
                    buf[..count].copy_from_slice(&there[..count]);
                    input.consume(count);
                    count
                };
                if read == 0 {
                    break;
                }
                all.extend_from_slice(&buf[..read]);
            }
            assert_eq!(all, bytes);
        }
    }

    #[test]
    fn slices_keep_to_their_part() {
        let bytes: &[u8] = b"0123456789";
        let slice = Slice::new(&bytes, 2..5);
        let mut buf = [0; 8];
        assert_eq!((slice.len(), slice.read_at(1, &mut buf).unwrap(), &buf[..2]), (3, 2, &b"34"[..]));
        assert_eq!(slice.as_slice(), Some(&b"234"[..]));
        assert_eq!(Slice::new(&bytes, 8..50).len(), 2);
        let mut all = Vec::new();
        At::new(&bytes, 7..99).read_to_end(&mut all).unwrap();
        assert_eq!(all, b"789");
    }
}
