//! Key pairs of Ed25519 as lists of 64 numbers, seed and public key, as Solana's tools keep them (`id.json`) and programs hold them.

use crate::survey::looks_random;
use std::ops::Range;
use zeroize::Zeroizing;

/// Numbers in half a list.
const HALF: usize = 32;
/// Characters of a number (`0xff`), and of a list: each number in a line of its own, with blanks before it.
const MAX_NUMBER: usize = 4;
const MIN_LIST: usize = 4 * HALF - 1;
const MAX_LIST: usize = 48 * HALF;

/// What numbers and what is between them consist of.
fn is_number(byte: u8) -> bool {
    byte.is_ascii_hexdigit() || matches!(byte, b'x' | b'X')
}

fn is_between(byte: u8) -> bool {
    byte == b',' || byte.is_ascii_whitespace()
}

/// Bytes of a list, read in the order of `bytes`: up to what cannot be of one.
fn extent<'a>(bytes: impl Iterator<Item = &'a u8>) -> usize {
    let mut number = 0;
    let mut len = 0;
    for byte in bytes.take(MAX_LIST) {
        number = if is_number(*byte) { number + 1 } else { 0 };
        if number > MAX_NUMBER {
            return len + 1 - number;
        }
        if number == 0 && !is_between(*byte) {
            break;
        }
        len += 1;
    }
    len
}

/// What may be a list around a place, up to `from`; whether it is one, [`at`] tells.
pub(super) fn around(text: &[u8], from: usize, place: usize) -> Range<usize> {
    place - extent(text[from..place].iter().rev())..place + extent(text[place..].iter())
}

/// Whether what may be a list is long enough, and has brackets around it.
pub(super) fn is_enclosed(text: &[u8], list: &Range<usize>) -> bool {
    let before = list.start.checked_sub(1).and_then(|at| text.get(at));
    list.len() >= MIN_LIST && matches!(before, Some(b'[' | b'{' | b'(')) && text.get(list.end).is_some_and(closes)
}

fn closes(byte: &u8) -> bool {
    matches!(byte, b']' | b'}' | b')')
}

/// The two halves of the list that begins where `text` does, behind its bracket.
pub(super) fn at(text: &[u8]) -> Option<[Range<usize>; 2]> {
    let len = extent(text.iter());
    let list = &text[..len];
    let is_closed = text.get(len).is_some_and(closes);
    let (middle, _) = list.iter().enumerate().filter(|(_, byte)| **byte == b',').nth(HALF - 1)?;
    let halves = [0..middle, middle + 1..len];
    (is_closed && halves.iter().all(|half| bytes(&list[half.clone()]).is_some())).then_some(halves)
}

/// The bytes that half a list is of.
pub(crate) fn bytes(half: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(HALF));
    let half = half.trim_ascii();
    for number in half.strip_suffix(b",").unwrap_or(half).split(|byte| *byte == b',') {
        let number = std::str::from_utf8(number).ok()?.trim();
        let byte = match number.strip_prefix("0x").or_else(|| number.strip_prefix("0X")) {
            Some(digits) => u8::from_str_radix(digits, 16),
            None => number.parse(),
        };
        if bytes.len() == HALF {
            return None;
        }
        bytes.push(byte.ok()?);
    }
    (bytes.len() == HALF && looks_random(&bytes)).then_some(bytes)
}
