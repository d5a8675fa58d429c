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
    with(&mut Frames { decoder: FrameDecoder::new(BufReader::with_capacity(64 << 10, input)), over: false });
}

struct Frames<'a> {
    decoder: FrameDecoder<BufReader<&'a mut dyn Read>>,
    over: bool,
}

impl Read for Frames<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        while !self.over && !buf.is_empty() {
            let count = self.decoder.read(buf)?;
            if count > 0 {
                return Ok(count);
            }
            // The decoder ends with each frame.
            let rest = self.decoder.get_mut().fill_buf()?;
            self.over = !rest.starts_with(b"\x04");
        }
        Ok(0)
    }
}
