//! gzip: any number of members, one after the other (RFC 1952).

use super::{Behind, Open, Reader, Unpacked};
use crate::reader::Peek;
use flate2::bufread::GzDecoder;
use std::io::{self, BufRead, BufReader, Read};

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

fn open(input: &mut dyn Read, out: &mut Unpacked<'_, '_>) {
    let mut members = Members::new(BufReader::with_capacity(64 << 10, input));
    out.content(&mut members);
    if let State::Behind(mut rest) = members.state {
        // Two of three bytes of the header may be left of one that is damaged.
        let same = rest.peek().unwrap_or_default().iter().zip(MAGIC).filter(|(a, b)| a == b).count();
        out.behind(&mut rest, if same > 1 { Behind::Strange } else { Behind::Usual });
    }
}

const MAGIC: &[u8] = b"\x1f\x8b\x08";

/// All members as one stream.
struct Members<R> {
    state: State<R>,
}

enum State<R> {
    Within(Box<GzDecoder<Peek<R>>>),
    /// The next bytes begin no member.
    Behind(Peek<R>),
    Failed,
}

impl<R: BufRead> Members<R> {
    fn new(input: R) -> Self {
        Self { state: State::Within(Box::new(GzDecoder::new(Peek::new(input)))) }
    }
}

impl<R: BufRead> Read for Members<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        loop {
            let State::Within(decoder) = &mut self.state else { return Ok(0) };
            match decoder.read(buf) {
                Ok(0) if !buf.is_empty() => {}
                outcome => return outcome,
            }
            let State::Within(decoder) = std::mem::replace(&mut self.state, State::Failed) else { return Ok(0) };
            let mut input = decoder.into_inner();
            self.state = match input.peek()?.starts_with(MAGIC) {
                true => State::Within(Box::new(GzDecoder::new(input))),
                false => State::Behind(input),
            };
        }
    }
}
