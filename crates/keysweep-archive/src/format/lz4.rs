//! lz4 frames, one after the other.
//!
//! Source: the LZ4 frame format, version 1.6.

use super::{Open, Reader};
use lz4_flex::frame::FrameDecoder;
use std::io::{self, BufRead, BufReader, Read};

const SUFFIXES: &[(&str, &str)] = &[(".lz4", "")];

pub(super) const READER: Reader = Reader { name: "lz4", detect, open: Open::Single(open, SUFFIXES) };

/// A frame whose header and first bytes can be decoded.
fn detect(head: &[u8]) -> bool {
    let version = 0x40;
    let is_frame = matches!(head, [0x04, 0x22, 0x4d, 0x18, flags, ..] if flags & 0xc0 == version);
    is_frame && header_is_sound(head)
}

fn header_is_sound(head: &[u8]) -> bool {
    // An end of the bytes at hand within the first block is no defect of the header.
    let mut first = [0; 16];
    match FrameDecoder::new(head).read(&mut first) {
        Ok(count) => count <= first.len(),
        Err(error) => error.kind() == io::ErrorKind::UnexpectedEof && head.len() == crate::HEAD,
    }
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
