//! Keys inside other text encodings: Base64 (also of Base64, of UTF-16 and of gzip), hex, lists of bytes in source code, rows of hex
//! dumps, and escaped strings. The encoding is undone and the bytes are searched again.

mod escaped;
mod gzip;
mod lists;
mod marks;
mod rows;
pub(crate) mod runs;

pub(crate) use gzip::Gzip;

use crate::decoder::{Anchor, Decoder, Hit, Reach, Sink};
use marks::{MARKS, Writing};
use std::ops::Range;
use zeroize::Zeroizing;

/// The decoder.
pub(crate) struct Wrapped;

/// Fewer bytes hold no key.
const MIN_BYTES: usize = 24;

impl Decoder for Wrapped {
    fn name(&self) -> &'static str {
        "wrapped"
    }

    fn rules(&self) -> &'static [&'static str] {
        &[]
    }

    fn anchors(&self) -> &'static [Anchor] {
        &MARKS.anchors
    }

    fn reach(&self) -> Reach {
        Reach { before: 8 * 1024, after: 64 * 1024 }
    }

    fn decode(&self, hit: &Hit<'_>, sink: &mut Sink) {
        let (window, at) = (hit.window, hit.anchor.start);
        let (unwrapped, wrapping) = match MARKS.writings.get(hit.index) {
            Some(Writing::Base64 { phase }) => (runs::base64(window, at, *phase), "base64"),
            Some(Writing::Hex) => (runs::hex(window, at), "hex"),
            Some(Writing::List(style)) => match rows::read(window, at, None) {
                Some(rows) => (Some(rows), "hex dump"),
                None => (lists::read(window, at, *style), "list of bytes"),
            },
            Some(Writing::Buffer) => (lists::read_buffer(window, at), "list of bytes"),
            Some(Writing::Words(order)) => {
                (rows::read(window, at, Some(*order)).or_else(|| rows::words(window, at, *order)), "hex dump")
            }
            Some(Writing::Escaped { nested }) => (escaped::read(window, at, *nested), "escaped string"),
            None => return,
        };
        let Some(Unwrapped { range, bytes }) = unwrapped else { return };
        sink.examined_up_to(range.end);
        if bytes.len() >= MIN_BYTES && !runs::is_armoured(window, &range) {
            sink.nested(range, bytes, wrapping);
        }
    }
}

/// Bytes, and the text they were written in.
pub(crate) struct Unwrapped {
    pub(crate) range: Range<usize>,
    pub(crate) bytes: Zeroizing<Vec<u8>>,
}

#[cfg(test)]
mod tests;
