//! gzip: any number of members, one after the other (RFC 1952).

use super::{Open, Reader};
use flate2::read::{GzDecoder, MultiGzDecoder};
use std::io::Read;

const SUFFIXES: &[(&str, &str)] = &[
    (".tgz", ".tar"),
    (".taz", ".tar"),
    (".crate", ".tar"),
    (".svgz", ".svg"),
    (".emz", ".emf"),
    (".gz", ""),
    (".z", ""),
];

pub(super) const READER: Reader = Reader { name: "gzip", detect, open: Open::Single(open, SUFFIXES) };

/// The header, with values that occur: that the rest is damaged is told when it is opened. With others, also a first byte that
/// can be decoded.
fn detect(head: &[u8]) -> bool {
    let reserved = 0xe0;
    let [0x1f, 0x8b, 8, flags, _, _, _, _, effort, system, ..] = head else { return false };
    let usual = flags & reserved == 0 && matches!(effort, 0 | 2 | 4) && matches!(system, 0..=13 | 255);
    usual || GzDecoder::new(head).read(&mut [0; 16]).is_ok()
}

fn open(input: &mut dyn Read, with: &mut dyn FnMut(&mut dyn Read)) {
    with(&mut Padded { inner: MultiGzDecoder::new(input), begun: false, over: false });
}

/// Bytes behind the last member that are no further one are no error: tape blocks are padded, signatures appended.
struct Padded<R> {
    inner: R,
    begun: bool,
    over: bool,
}

impl<R: Read> Read for Padded<R> {
    fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
        if self.over {
            return Ok(0);
        }
        match self.inner.read(buf) {
            Err(error) if self.begun && error.to_string() == "invalid gzip header" => {
                self.over = true;
                Ok(0)
            }
            outcome => {
                self.begun = true;
                outcome
            }
        }
    }
}
