//! Runs of Base64 and of hex digits around a place, over the ends of lines.

use super::super::armour::{decode, next_piece};
use super::super::text::{hex as decode_hex, run};
use super::Unwrapped;
use super::marks::symbols_before;
use zeroize::Zeroizing;

/// Shortest line that another line can follow.
const MIN_LINE: usize = 20;
/// Longest break between two lines, with indentation.
const MAX_BREAK: usize = 128;

/// Longest first line of an armoured block.
const MAX_HEAD: usize = 90;

/// The run of Base64 around `at`, where a mark stands `phase` bytes after a multiple of three.
pub(crate) fn base64(window: &[u8], at: usize, phase: usize) -> Option<Unwrapped> {
    let (before, start) = before(window, at, is_base64);
    let aligned = symbols_before(phase);
    let skipped = (before.len() + 4 - aligned) % 4;
    let (after, end) = after(window, at, is_base64);
    let symbols = Zeroizing::new([before.get(skipped..)?, &after].concat());
    Some(Unwrapped { range: start..end, bytes: decode(&symbols) })
}

/// The run of hex digits around `at`, where a byte begins.
pub(super) fn hex(window: &[u8], at: usize) -> Option<Unwrapped> {
    let (before, start) = before(window, at, |b| b.is_ascii_hexdigit());
    let (after, end) = after(window, at, |b| b.is_ascii_hexdigit());
    let digits = Zeroizing::new([&before[before.len() % 2..], &after[..after.len() & !1]].concat());
    Some(Unwrapped { range: start..end, bytes: decode_hex(&digits)? })
}

fn is_base64(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b"+/-_".contains(&b)
}

/// The symbol at the start of `text`, which may be escaped (`\/`, `\u002b`, `%2B`), and how long it is there.
fn symbol(text: &[u8], of: fn(u8) -> bool) -> Option<(u8, usize)> {
    let first = *text.first()?;
    if of(first) {
        return Some((first, 1));
    }
    let escaped: [(&[u8], u8); 6] =
        [(b"\\/", b'/'), (b"\\u002b", b'+'), (b"\\u002f", b'/'), (b"%2b", b'+'), (b"%2f", b'/'), (b"\\+", b'+')];
    let is = |escape: &[u8]| text.get(..escape.len()).is_some_and(|t| t.eq_ignore_ascii_case(escape));
    escaped
        .into_iter()
        .find(|(escape, symbol)| of(*symbol) && is(escape))
        .map(|(escape, symbol)| (symbol, escape.len()))
}

/// The symbols from `at` on and where they end. A line goes on in the next if that holds nothing else and is no longer.
fn after(window: &[u8], at: usize, of: fn(u8) -> bool) -> (Zeroizing<Vec<u8>>, usize) {
    let mut symbols = Zeroizing::new(Vec::new());
    let line_start = line_before(window, at, of);
    let mut end = line(window, at, of, &mut symbols);
    let width = end - line_start;
    if width < MIN_LINE {
        return (symbols, end);
    }
    while let Some(next) = line_break(&window[end..]).map(|length| end + length) {
        let mut more = Zeroizing::new(Vec::new());
        let next_end = line(window, next, of, &mut more);
        let alone = window.get(next_end).is_none_or(|b| b.is_ascii_whitespace() || b"\"'`\\=,;<&%".contains(b));
        if more.is_empty() || next_end - next > width || !alone {
            break;
        }
        symbols.extend_from_slice(&more);
        end = next_end;
        if next_end - next < width {
            break;
        }
    }
    (symbols, end)
}

/// Adds the symbols of one line to `symbols`; returns where they end. Five dashes are no Base64, but the end of a PEM block.
fn line(window: &[u8], mut at: usize, of: fn(u8) -> bool, symbols: &mut Vec<u8>) -> usize {
    while let Some((symbol, length)) = symbol(&window[at..], of) {
        if symbol == b'-' && window[at..].starts_with(b"-----") {
            break;
        }
        symbols.push(symbol);
        at += length;
    }
    at
}

/// Length of what can stand between two lines: a line end, real or escaped, with quotes and indentation around it.
fn line_break(text: &[u8]) -> Option<usize> {
    let text = &text[..text.len().min(MAX_BREAK)];
    let mut at = 0;
    let mut ended = false;
    loop {
        let rest = &text[at..];
        let length = match rest.first() {
            Some(b'\n' | b'\r') => {
                ended = true;
                1
            }
            Some(b' ' | b'\t') => 1,
            Some(b'#' | b'>' | b'*' | b'|') if ended => 1,
            Some(b'\\') => {
                let slashes = run(rest, |b| b == b'\\');
                match rest.get(slashes) {
                    Some(b'n' | b'r') => {
                        ended = true;
                        slashes + 1
                    }
                    // A line that goes on.
                    Some(b'\n' | b'\r') => slashes,
                    _ => break,
                }
            }
            Some(b'"' | b'\'' | b'`') => match next_piece(rest) {
                Some(length) => {
                    ended = true;
                    length
                }
                None => break,
            },
            Some(b'%')
                if rest.len() >= 3
                    && (rest[1..3].eq_ignore_ascii_case(b"0a") || rest[1..3].eq_ignore_ascii_case(b"0d")) =>
            {
                ended = true;
                3
            }
            Some(b'&') if rest.starts_with(b"&#10;") || rest.starts_with(b"&#13;") => {
                ended = true;
                5
            }
            _ => break,
        };
        at += length;
    }
    ended.then_some(at)
}

/// Whether the run is the whole body of an armoured block, which is read by the decoders of such blocks.
pub(super) fn is_armoured(window: &[u8], range: &std::ops::Range<usize>) -> bool {
    let before = break_before(&window[..range.start]).unwrap_or(range.start);
    let padded = range.end + run(&window[range.end..], |b| b == b'=');
    let after = padded + line_break(&window[padded..]).unwrap_or(0);
    let head = &window[before.saturating_sub(MAX_HEAD)..before];
    let rest = window[after..].strip_prefix(b"+").unwrap_or(&window[after..]); // In a diff.
    head.ends_with(b"-----") && memchr::memmem::find(head, b"-----BEGIN").is_some() && rest.starts_with(b"-----")
}

/// The symbols before `at`, in their order, and where they begin. Lines before belong to the run if they are as long as the
/// one after them.
fn before(window: &[u8], at: usize, of: fn(u8) -> bool) -> (Zeroizing<Vec<u8>>, usize) {
    let mut start = line_before(window, at, of);
    let mut symbols = Zeroizing::new(window[start..at].to_vec());
    symbols.reverse();
    let mut width = None;
    while let Some(end) = break_before(&window[..start]) {
        let line = line_before(window, end, of);
        let length = end - line;
        if length < MIN_LINE || width.is_some_and(|width| length > width) {
            break;
        }
        symbols.extend(window[line..end].iter().rev());
        start = line;
        if width.is_some_and(|width| length < width) {
            break;
        }
        width = Some(length);
    }
    symbols.reverse();
    symbols.retain(|b| *b != b'\\');
    (symbols, start)
}

/// Where the symbols begin that end at `end`. A slash may be escaped.
fn line_before(window: &[u8], end: usize, of: fn(u8) -> bool) -> usize {
    let mut start = end;
    while start > 0 {
        let escape = window[start - 1] == b'\\' && window.get(start) == Some(&b'/') && start < end;
        if !of(window[start - 1]) && !escape || window[..start].ends_with(b"-----") {
            break;
        }
        start -= 1;
    }
    // The letter of an escaped line end is none.
    let escape = start < end && window[..start].ends_with(b"\\") && matches!(window[start], b'n' | b'r');
    start + usize::from(escape)
}

/// Where the line before ends, if `before` ends in a line end, real or escaped, and indentation.
fn break_before(before: &[u8]) -> Option<usize> {
    let mut end = before.len();
    let floor = end.saturating_sub(MAX_BREAK);
    let mut ended = false;
    while end > floor {
        match before[end - 1] {
            b' ' | b'\t' => end -= 1,
            b'\n' | b'\r' => {
                ended = true;
                end -= 1;
            }
            b'#' | b'>' | b'*' | b'|' if !ended => end -= 1,
            b'n' | b'r' if before[..end - 1].ends_with(b"\\") => {
                ended = true;
                end -= 1 + before[..end - 1].iter().rev().take_while(|b| **b == b'\\').count();
            }
            _ => break,
        }
    }
    ended.then_some(end)
}
