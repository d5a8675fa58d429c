//! Bytes as strings of programming languages show them, what is printable as it is and the rest escaped: `b'0\x82\x04\xbd…'` of
//! Python's `repr`, `"0\202\004\275…"` of gdb and C, `"0\u0082\u0004…"` of JSON.

use super::super::text::run;
use super::Unwrapped;
use std::ops::RangeInclusive;
use zeroize::Zeroizing;

/// Longest gap between two parts of one string: `"…"` and `"…"` on the next line.
const MAX_GAP: usize = 120;

/// The string that begins before `at`, from there on; where no quote begins it, up to the end of its line. In `nested` ones,
/// backslashes and quotes are escaped once more, as where the string is a part of JSON.
pub(super) fn read(window: &[u8], at: usize, nested: bool) -> Option<Unwrapped> {
    let text = Text { bytes: window, nested };
    let quote = at.checked_sub(1).map(|before| window[before]).filter(|byte| b"'\"`".contains(byte));
    let mut bytes = Zeroizing::new(Vec::new());
    let (mut next, mut end) = (at, at);
    loop {
        if let Some((byte, behind)) = text.byte(next, quote) {
            bytes.extend(byte);
            (next, end) = (behind, behind);
        } else if let Some(behind) = quote.and_then(|quote| text.next_part(next, quote)) {
            next = behind;
        } else {
            break;
        }
    }
    (!bytes.is_empty()).then_some(Unwrapped { range: at..end, bytes })
}

/// Text within a string.
struct Text<'a> {
    bytes: &'a [u8],
    nested: bool,
}

impl Text<'_> {
    /// The letter at a place, and where it ends.
    fn letter(&self, at: usize) -> Option<(u8, usize)> {
        match self.bytes.get(at..)? {
            [b'\\', escaped @ (b'\\' | b'"' | b'/'), ..] if self.nested => Some((*escaped, at + 2)),
            [letter, ..] => Some((*letter, at + 1)),
            [] => None,
        }
    }

    /// The byte that is shown at a place, and where that ends; no byte where a line is continued. `None` at the end of the string.
    fn byte(&self, at: usize, quote: Option<u8>) -> Option<(Option<u8>, usize)> {
        let (letter, behind) = self.letter(at)?;
        match letter {
            b'\\' => self.escaped(behind),
            _ if Some(letter) == quote => None,
            b' '..=b'~' => Some((Some(letter), behind)),
            _ => None,
        }
    }

    /// The byte that an escape says, without its backslash.
    fn escaped(&self, at: usize) -> Option<(Option<u8>, usize)> {
        let (letter, behind) = self.letter(at)?;
        let byte = match letter {
            b'x' => return self.number(behind, 16, 2..=2),
            b'u' => return self.number(behind, 16, 4..=4),
            b'0'..=b'7' => return self.number(at, 8, 1..=3),
            b'a' => 7,
            b'b' => 8,
            b't' => b'\t',
            b'n' => b'\n',
            b'v' => 11,
            b'f' => 12,
            b'r' => b'\r',
            b'e' => 27,
            b'\r' | b'\n' => return Some((None, behind)),
            b'\\' | b'\'' | b'"' | b'`' | b'?' | b'/' => letter,
            _ => return None,
        };
        Some((Some(byte), behind))
    }

    /// A number of so many digits, if it is a byte.
    fn number(&self, at: usize, base: u32, digits: RangeInclusive<usize>) -> Option<(Option<u8>, usize)> {
        let all = self.bytes.get(at..)?.iter().take(*digits.end());
        let (value, length) = all
            .map_while(|byte| char::from(*byte).to_digit(base))
            .fold((0, 0), |(value, length), digit| (value * base + digit, length + 1));
        let byte = u8::try_from(value).ok().filter(|_| length >= *digits.start())?;
        Some((Some(byte), at + length))
    }

    /// Where the next part of the string begins, if one ends at a place and another follows.
    fn next_part(&self, at: usize, quote: u8) -> Option<usize> {
        let (_, behind) = self.letter(at).filter(|(letter, _)| *letter == quote)?;
        let gap = &self.bytes[behind..(behind + MAX_GAP).min(self.bytes.len())];
        let blanks = run(gap, |byte| b" \t\r\n+\\".contains(&byte));
        let next = behind + blanks + usize::from(self.bytes.get(behind + blanks) == Some(&b'b'));
        (blanks > 0 && self.bytes.get(next) == Some(&quote)).then_some(next + 1)
    }
}
