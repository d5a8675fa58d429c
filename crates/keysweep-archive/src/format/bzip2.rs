//! bzip2: any number of streams, one after the other.

use super::{Open, Reader};
use bzip2::read::MultiBzDecoder;
use std::io::Read;

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

fn open(input: &mut dyn Read, with: &mut dyn FnMut(&mut dyn Read)) {
    with(&mut MultiBzDecoder::new(input));
}
