//! lz4 frames, one after the other, some of them skippable.
//!
//! Source: the LZ4 frame format, version 1.6.

use super::zstd::{behind_skippable, skippable};
use super::{Behind, Open, Reader, Unpacked};
use crate::reader::Peek;
use lz4_flex::frame::FrameDecoder;
use std::io::{self, BufReader, Read};

const SUFFIXES: &[(&str, &str)] = &[(".lz4", "")];

pub(super) const READER: Reader = Reader { name: "lz4", detect, open: Open::Single(open, SUFFIXES) };

const MAGIC: &[u8] = b"\x04\x22\x4d\x18";

/// The magic number of a frame, which nothing else begins with: what is not right behind it is told when it is opened.
fn detect(head: &[u8]) -> bool {
    behind_skippable(head).starts_with(MAGIC)
}

fn open(input: &mut dyn Read, out: &mut Unpacked<'_, '_>) {
    let input = Ends { inner: Peek::new(BufReader::with_capacity(64 << 10, input)), met: false };
    let mut frames = Frames { decoder: FrameDecoder::new(input), within: false, over: false };
    out.content(&mut frames);
    if frames.over {
        out.behind(&mut frames.decoder.get_mut().inner, Behind::Strange);
    }
}

/// Notes whether its end was met.
struct Ends<R> {
    inner: Peek<R>,
    met: bool,
}

impl<R: Read> Read for Ends<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buf)?;
        self.met |= count == 0 && !buf.is_empty();
        Ok(count)
    }
}

/// All frames as one stream.
struct Frames<R: Read> {
    decoder: FrameDecoder<Ends<R>>,
    within: bool,
    over: bool,
}

impl<R: Read> Read for Frames<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        while !self.over && !buf.is_empty() {
            if self.within {
                let count = self.decoder.read(buf)?;
                if count > 0 {
                    return Ok(count);
                }
                // The decoder ends with each frame. It takes an input that is cut off between two blocks for a whole one, but a whole one
                // says that no block follows.
                if self.decoder.get_mut().met {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
            }
            let input = &mut self.decoder.get_mut().inner;
            let next = input.peek()?;
            if let Some(size) = skippable(next) {
                self.within = false;
                let len = u64::from(size) + 8;
                if io::copy(&mut input.by_ref().take(len), &mut io::sink())? < len {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                continue;
            }
            self.within = next.starts_with(MAGIC);
            self.over = !self.within;
        }
        Ok(0)
    }
}
