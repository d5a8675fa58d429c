//! lz4 frames, one after the other.
//!
//! Source: the LZ4 frame format, version 1.6.

use super::{Open, Reader};
use lz4_flex::frame::FrameDecoder;
use std::io::{self, BufRead, BufReader, Read};

const SUFFIXES: &[(&str, &str)] = &[(".lz4", "")];

pub(super) const READER: Reader = Reader { name: "lz4", detect, open: Open::Single(open, SUFFIXES) };

/// The magic number of a frame, which nothing else begins with: what is not right behind it is told when it is opened.
fn detect(head: &[u8]) -> bool {
    head.starts_with(b"\x04\x22\x4d\x18")
}

fn open(input: &mut dyn Read, with: &mut dyn FnMut(&mut dyn Read)) {
    let input = Ends { inner: BufReader::with_capacity(64 << 10, input), met: false };
    with(&mut Frames { decoder: FrameDecoder::new(input), over: false });
}

/// Notes whether its end was met.
struct Ends<R> {
    inner: R,
    met: bool,
}

impl<R: Read> Read for Ends<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buf)?;
        self.met |= count == 0 && !buf.is_empty();
        Ok(count)
    }
}

struct Frames<'a> {
    decoder: FrameDecoder<Ends<BufReader<&'a mut dyn Read>>>,
    over: bool,
}

impl Read for Frames<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        while !self.over && !buf.is_empty() {
            let count = self.decoder.read(buf)?;
            if count > 0 {
                return Ok(count);
            }
            // The decoder ends with each frame. It takes an input that is cut off between two blocks for a whole one, but a whole one
            // says that no block follows.
            let input = self.decoder.get_mut();
            if input.met {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let rest = input.inner.fill_buf()?;
            self.over = !rest.starts_with(b"\x04");
        }
        Ok(0)
    }
}
