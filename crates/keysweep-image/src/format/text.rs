//! Text: ASCII and what extends it, and UTF-16, decided by the start of the source.

use crate::image::Format;
use crate::recognise::Reader;

pub(crate) const READER: Reader = Reader { detect, read: |_, _| {} };

/// A byte order mark decides; without one, text is what has no NUL and reads as UTF-8 or extends ASCII, and UTF-16 is what
/// has NULs in nearly every second byte only.
fn detect(head: &[u8]) -> Option<Format> {
    match head {
        [0xff, 0xfe, 0, 0, ..] => None,
        [0xff, 0xfe, rest @ ..] => is_utf16(rest, u16::from_le_bytes).then_some(Format::Utf16Le),
        [0xfe, 0xff, rest @ ..] => is_utf16(rest, u16::from_be_bytes).then_some(Format::Utf16Be),
        _ if is_text(head) => Some(Format::Text),
        _ if is_mostly_ascii_utf16(head, 1) => Some(Format::Utf16Le),
        _ if is_mostly_ascii_utf16(head, 0) => Some(Format::Utf16Be),
        _ => None,
    }
}

/// UTF-8 (the end of the head may cut a sequence) without NUL, in which at most one byte in a hundred is a control
/// character other than white space, backspace and escape. In the older encodings that extend ASCII there is no such
/// character; and ASCII makes up two bytes of three, or there are so many bytes that it is no accident.
fn is_text(head: &[u8]) -> bool {
    if memchr::memchr(0, head).is_some() {
        return false;
    }
    let utf8 = match std::str::from_utf8(head) {
        Ok(_) => true,
        Err(error) => error.error_len().is_none() && error.valid_up_to() > 0,
    };
    let odd = count(head, |byte| byte < 0x20 && !(0x08..=0x0d).contains(&byte) && byte != 0x1b);
    if utf8 {
        return odd <= head.len() / 100;
    }
    odd == 0 && (head.len() >= 256 || count(head, |byte| !byte.is_ascii()) <= head.len() / 3)
}

/// How many bytes are so. Counts in bytes as long as these hold it, which the compiler does many at a time.
fn count(bytes: &[u8], is: impl Fn(u8) -> bool) -> usize {
    let part = |part: &[u8]| part.iter().fold(0u8, |count, byte| count + u8::from(is(*byte)));
    bytes.chunks(255).map(|bytes| usize::from(part(bytes))).sum()
}

/// After a byte order mark: no unit is a NUL or a control character, surrogates are paired.
fn is_utf16(rest: &[u8], unit: fn([u8; 2]) -> u16) -> bool {
    let units: Vec<u16> = rest.as_chunks::<2>().0.iter().map(|pair| unit(*pair)).collect();
    // The head may end between the halves of a pair.
    let complete = match units.split_last() {
        Some((last, before)) if (0xd800..0xdc00).contains(last) => before,
        _ => &units,
    };
    char::decode_utf16(complete.iter().copied()).all(|c| c.is_ok_and(|c| !c.is_control() || c.is_whitespace()))
}

/// Without a byte order mark: at least 16 bytes, and in nineteen of twenty pairs the byte at `zero` is NUL and the other
/// one printable ASCII or white space.
fn is_mostly_ascii_utf16(head: &[u8], zero: usize) -> bool {
    let pairs = head.as_chunks::<2>().0;
    let ascii = |byte: u8| byte.is_ascii_graphic() || matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
    let like = pairs.iter().filter(|pair| pair[zero & 1] == 0 && ascii(pair[1 - (zero & 1)])).count();
    pairs.len() >= 8 && like >= pairs.len() - pairs.len() / 20
}
