//! Rows of dumps, with addresses and text beside the bytes or without.

use super::super::text::{hex, run};
use super::Unwrapped;
use keysweep_hexdump::{Dump, Layout, Line, Order};
use zeroize::Zeroizing;

/// Longest row.
const MAX_ROW: usize = 512;
/// Fewer words in a row are words of something else.
const MIN_WORDS: usize = 3;

/// The dump from the row on in which `at` lies. Where no order of bytes is given, their text tells it.
pub(super) fn read(window: &[u8], at: usize, order: Option<Order>) -> Option<Unwrapped> {
    let floor = at.saturating_sub(MAX_ROW);
    let start = memchr::memrchr(b'\n', &window[floor..at]).map_or(floor, |end| floor + end + 1);
    let line = |start: usize| {
        let rest = &window[start..];
        &rest[..memchr::memchr(b'\n', &rest[..rest.len().min(MAX_ROW)]).unwrap_or(rest.len().min(MAX_ROW))]
    };
    let first = line(start);
    let layout = Layout::of(first, line((start + first.len() + 1).min(window.len())))?;
    if layout.row(first)?.end + start <= at {
        return None; // In the text behind the bytes.
    }
    let (mut dump, mut bytes) = (Dump::new(layout, order), Zeroizing::new(Vec::new()));
    let (mut next, mut end) = (start, start);
    while next < window.len() {
        let row = line(next);
        match dump.line(row, &mut bytes) {
            Line::Row => end = next + row.len(),
            Line::Other => {}
            Line::Behind => break,
        }
        next += row.len() + 1;
    }
    dump.finish(&mut bytes);
    Some(Unwrapped { range: start..end, bytes })
}

/// Words of hex digits of one length around that in which `at` lies, from its line on; the last may be shorter.
pub(super) fn words(window: &[u8], at: usize, order: Order) -> Option<Unwrapped> {
    let is_digit = |byte: u8| byte.is_ascii_hexdigit();
    let at = at + run(&window[at..], |byte| byte == b' ');
    let at = at + if window[at..].starts_with(b"0x") { 2 } else { 0 };
    let digits_before =
        |at: usize| window[at.saturating_sub(16)..at].iter().rev().take_while(|b| is_digit(**b)).count();
    let mut start = at - digits_before(at);
    let size = run(&window[start..], is_digit);
    let floor = start.saturating_sub(MAX_ROW);
    while start > floor && window[start - 1] == b' ' && digits_before(start - 1) == size {
        start -= 1 + size;
    }
    let mut bytes = Zeroizing::new(Vec::new());
    let (mut next, mut end, mut count) = (start, start, 0);
    loop {
        let digits = run(&window[next..(next + size + 1).min(window.len())], is_digit);
        if !matches!(size, 4 | 8 | 16) || digits > size {
            break;
        }
        let mut word = hex(&window[next..next + (digits & !1)])?;
        if order == Order::Reversed {
            word.reverse();
        }
        bytes.extend_from_slice(&word);
        (end, count) = (next + digits, count + 1);
        let gap = run(&window[end..], |byte| b" \t\r\n".contains(&byte));
        next = end + gap;
        next += if window[next..].starts_with(b"0x") { 2 } else { 0 };
        if digits < size || gap == 0 {
            break;
        }
    }
    (count >= MIN_WORDS).then_some(Unwrapped { range: start..end, bytes })
}
