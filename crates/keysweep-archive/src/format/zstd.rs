//! zstd: any number of frames, one after the other, some of them skippable (RFC 8878).

use super::{Open, Reader};
use ruzstd::decoding::{FrameDecoder, StreamingDecoder};
use std::io::{self, BufReader, Read};
use std::ops::Range;

const SUFFIXES: &[(&str, &str)] = &[(".tzst", ".tar"), (".zst", ""), (".zstd", "")];

pub(super) const READER: Reader = Reader { name: "zstd", detect, open: Open::Single(open, SUFFIXES) };

const MAGIC: &[u8] = b"\x28\xb5\x2f\xfd";
/// Largest window: what `zstd --ultra -22` and `--long` ask for.
const WINDOW: u64 = 128 << 20;

/// The magic number of a frame, or a skippable frame before one: what is not right behind it is told when it is opened.
fn detect(head: &[u8]) -> bool {
    let mut rest = head;
    for _ in 0..4 {
        let Some(size) = skippable(rest) else { break };
        let Some(next) = rest.get(8 + size as usize..) else { return false };
        rest = next;
    }
    rest.starts_with(MAGIC)
}

/// The size of a skippable frame.
fn skippable(head: &[u8]) -> Option<u32> {
    let size = head.get(4..8)?.try_into().ok().map(u32::from_le_bytes)?;
    (head[0] & 0xf0 == 0x50 && &head[1..4] == b"\x2a\x4d\x18").then_some(size)
}

fn open(input: &mut dyn Read, with: &mut dyn FnMut(&mut dyn Read)) {
    with(&mut *decoder(BufReader::with_capacity(64 << 10, input)));
}

/// A reader for all frames.
pub(super) fn decoder<'a>(input: impl Read + 'a) -> Box<dyn Read + 'a> {
    let mut decoder = FrameDecoder::new();
    decoder.set_max_window_size(WINDOW);
    let source = Source { seen: [0; 8], unread: 0..0, inner: input };
    Box::new(Frames { between: Some((source, decoder)), frame: None })
}

/// The input, with bytes that were looked at and are to be read again.
struct Source<R> {
    seen: [u8; 8],
    unread: Range<usize>,
    inner: R,
}

impl<R: Read> Read for Source<R> {
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

impl<R: Read> Source<R> {
    /// Looks at the next bytes.
    fn peek(&mut self) -> io::Result<&[u8]> {
        let mut bytes = [0; 8];
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

/// Whether the checksum of a frame that was read, if it has one, is that of its bytes.
fn is_sound(decoder: &FrameDecoder) -> bool {
    decoder.get_checksum_from_data().is_none_or(|sum| decoder.get_calculated_checksum() == Some(sum))
}

/// All frames as one stream.
struct Frames<R: Read> {
    /// Absent while a frame is read, and after the last one.
    between: Option<(Source<R>, FrameDecoder)>,
    frame: Option<StreamingDecoder<Source<R>, FrameDecoder>>,
}

impl<R: Read> Read for Frames<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if buf.is_empty() {
            return Ok(0);
        }
        loop {
            if let Some(frame) = &mut self.frame {
                let count = frame.read(buf)?;
                if count > 0 {
                    return Ok(count);
                }
                self.between = self.frame.take().map(StreamingDecoder::into_parts);
                if self.between.as_ref().is_some_and(|(_, decoder)| !is_sound(decoder)) {
                    self.between = None;
                    return Err(io::Error::new(io::ErrorKind::InvalidData, "the checksum of a frame is wrong"));
                }
            }
            let Some((mut source, decoder)) = self.between.take() else { return Ok(0) };
            let next = source.peek()?;
            if let Some(size) = skippable(next) {
                let len = u64::from(size) + 8;
                if io::copy(&mut source.by_ref().take(len), &mut io::sink())? < len {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                self.between = Some((source, decoder));
                continue;
            }
            if !next.starts_with(MAGIC) {
                return Ok(0); // The end, or something else is appended.
            }
            self.frame = Some(StreamingDecoder::new_with_decoder(source, decoder).map_err(io::Error::other)?);
        }
    }
}
