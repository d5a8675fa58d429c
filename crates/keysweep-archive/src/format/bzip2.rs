//! bzip2: any number of streams, one after the other.

use super::{Behind, Open, Reader, Unpacked};
use crate::reader::Peek;
use bzip2::bufread::BzDecoder;
use std::io::{self, BufRead, BufReader, Read};

const SUFFIXES: &[(&str, &str)] = &[(".tbz2", ".tar"), (".tbz", ".tar"), (".tb2", ".tar"), (".bz2", ""), (".bz", "")];

pub(super) const READER: Reader = Reader { name: "bzip2", detect, open: Open::Single(open, SUFFIXES) };

const BLOCK: &[u8] = b"\x31\x41\x59\x26\x53\x59";
const END: &[u8] = b"\x17\x72\x45\x38\x50\x90";

/// The header, and most of the digits of pi that begin a block, or of those of its square root that end the stream. The header alone
/// may be text; that the digits are damaged is told when it is opened.
fn detect(head: &[u8]) -> bool {
    let Some((start, rest)) = head.split_at_checked(4) else { return false };
    let most = |digits: &[u8]| digits.iter().zip(rest).filter(|(a, b)| a == b).count() >= 3;
    start.starts_with(b"BZh") && matches!(start[3], b'1'..=b'9') && (most(BLOCK) || most(END))
}

fn open(input: &mut dyn Read, out: &mut Unpacked<'_, '_>) {
    let mut streams = Streams::Between(Peek::new(BufReader::with_capacity(64 << 10, input)));
    out.content(&mut streams);
    if let Streams::Behind(mut rest) = streams {
        out.behind(&mut rest, Behind::Strange);
    }
}

/// All streams as one.
enum Streams<R> {
    Between(Peek<R>),
    Within(Box<BzDecoder<Peek<R>>>),
    /// The next bytes begin no stream.
    Behind(Peek<R>),
    Failed,
}

/// Bytes of a stream without a block.
const EMPTY: usize = 14;

impl<R: BufRead> Read for Streams<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        loop {
            if let Self::Within(decoder) = self {
                match decoder.read(buf) {
                    Ok(0) if !buf.is_empty() => {}
                    outcome => return outcome,
                }
            }
            let mut input = match std::mem::replace(self, Self::Failed) {
                Self::Between(input) => input,
                Self::Within(decoder) => decoder.into_inner(),
                other => {
                    *self = other;
                    return Ok(0);
                }
            };
            let next = input.peek()?;
            *self = if next.starts_with(b"BZh") && next.get(4..EMPTY).is_some_and(is_empty) {
                // To set a decoder up takes longer than to unpack what a stream of so few bytes holds.
                io::copy(&mut input.by_ref().take(EMPTY as u64), &mut io::sink())?;
                Self::Between(input)
            } else if next.starts_with(b"BZh") {
                Self::Within(Box::new(BzDecoder::new(input)))
            } else {
                Self::Behind(input)
            };
        }
    }
}

/// Whether a stream ends where its first block should be; its checksum is zero.
fn is_empty(rest: &[u8]) -> bool {
    rest.starts_with(END) && rest[END.len()..] == [0; 4]
}
