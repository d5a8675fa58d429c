//! Bytes written one by one: arrays of programming languages, hex with separators.

use super::super::text::run;
use super::Unwrapped;
use super::marks::Style;
use zeroize::Zeroizing;

/// Most separators between two bytes: the end of a line, its comment and the indentation of the next.
const MAX_GAP: usize = 120;

/// Longest text between the name of a Node.js buffer and its numbers: `"type": "Buffer", "data": [`.
const MAX_NAME: usize = 80;

/// The list of numbers behind the bracket that follows `at`.
pub(super) fn read_buffer(window: &[u8], at: usize) -> Option<Unwrapped> {
    let name = &window[at..(at + MAX_NAME).min(window.len())];
    read(window, at + memchr::memchr(b'[', name)? + 1, Style::Decimal)
}

/// The list that begins at `at`, or behind blanks there.
pub(super) fn read(window: &[u8], at: usize, style: Style) -> Option<Unwrapped> {
    let at = at + run(&window[at..], |byte| byte.is_ascii_whitespace());
    let mut bytes = Zeroizing::new(Vec::new());
    let (mut next, mut end) = (at, at);
    while let Some((byte, length)) = item(&window[next..], style) {
        bytes.push(byte);
        end = next + length;
        match gap(&window[end..]) {
            Some(length) => next = end + length,
            None => break,
        }
    }
    (!bytes.is_empty()).then_some(Unwrapped { range: at..end, bytes })
}

/// The byte at the start of `text`, and how long it is there.
fn item(text: &[u8], style: Style) -> Option<(u8, usize)> {
    match style {
        Style::Hex => {
            let prefix = if text.get(..2).is_some_and(|p| matches!(p, b"0x" | b"0X" | b"\\x")) { 2 } else { 0 };
            let digits = run(&text[prefix..], |b| b.is_ascii_hexdigit());
            if !matches!(digits, 1 | 2) || (digits == 1 && prefix == 0) {
                return None;
            }
            let number = std::str::from_utf8(&text[prefix..prefix + digits]).ok()?;
            Some((u8::from_str_radix(number, 16).ok()?, prefix + digits))
        }
        Style::Decimal => {
            let sign = usize::from(text.first() == Some(&b'-'));
            let digits = run(&text[sign..], |b| b.is_ascii_digit());
            let number = std::str::from_utf8(&text[..sign + digits]).ok().filter(|_| (1..=3).contains(&digits))?;
            let number: i16 = number.parse().ok()?;
            (-128..=255).contains(&number).then_some((number as u8, sign + digits))
        }
    }
}

/// Length of what stands between two bytes: separators, and comments.
fn gap(text: &[u8]) -> Option<usize> {
    let text = &text[..text.len().min(MAX_GAP)];
    let separators = |b: u8| b" \t\r\n,:;'\"+()\\".contains(&b);
    let mut at = 0;
    loop {
        let rest = &text[at..];
        let blank =
            rest.iter().enumerate().take_while(|(i, b)| separators(**b) && !rest[*i..].starts_with(b"\\x")).count();
        at += blank;
        let rest = &text[at..];
        let skipped = match rest.first() {
            Some(b'/') if rest.starts_with(b"//") => memchr::memchr2(b'\n', b'\r', rest)?,
            Some(b'/') if rest.starts_with(b"/*") => memchr::memmem::find(rest, b"*/")? + 2,
            // Casts: `(byte) 0x82`.
            Some(b'b') if rest.starts_with(b"byte") => 4,
            _ => 0,
        };
        if skipped == 0 {
            return (at > 0 || rest.starts_with(b"\\x")).then_some(at);
        }
        at += skipped;
    }
}
