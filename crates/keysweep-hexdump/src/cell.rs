//! The numbers in a row.

use std::ops::Range;

/// In which order the bytes of a number lie in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// As the number is written.
    Written,
    /// The last digits first: numbers of a little-endian machine.
    Reversed,
}

/// How a number is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cell {
    /// Hex digits of so many bytes, with or without `0x`.
    Hex(usize),
    /// Three octal digits of one byte, six of two.
    Octal(usize),
    /// A byte from -128 to 255, padded with blanks.
    Decimal,
    /// A byte as `od -c` shows it, in four columns: `m`, `\n` or `202`.
    Char,
}

/// Columns of a byte in `od -c`.
pub(crate) const CHAR_WIDTH: usize = 4;

impl Cell {
    /// All, those first whose rows could be taken for others.
    pub(crate) const ALL: [Self; 8] = [
        Self::Hex(1),
        Self::Hex(2),
        Self::Hex(4),
        Self::Hex(8),
        Self::Octal(1),
        Self::Octal(2),
        Self::Decimal,
        Self::Char,
    ];

    /// Bytes of a number.
    pub(crate) fn bytes(self) -> usize {
        match self {
            Self::Hex(bytes) | Self::Octal(bytes) => bytes,
            Self::Decimal | Self::Char => 1,
        }
    }

    /// Whether rows are filled with blanks before the number, so that only its end is always in one column.
    pub(crate) fn is_padded(self) -> bool {
        matches!(self, Self::Decimal | Self::Octal(_))
    }

    /// The number, in eight bytes of which the last are its own.
    fn value(self, text: &[u8]) -> Option<u64> {
        match self {
            Self::Hex(bytes) => {
                let digits = text.strip_prefix(b"0x").unwrap_or(text);
                if digits.len() != 2 * bytes {
                    return None;
                }
                // WinDbg's for memory that cannot be read.
                if digits.iter().all(|byte| *byte == b'?') {
                    return Some(0);
                }
                number(digits, 16)
            }
            Self::Octal(1) => number(text, 8).filter(|value| text.len() == 3 && *value <= 0xff),
            Self::Octal(_) => number(text, 8).filter(|value| text.len() == 6 && *value <= 0xffff),
            Self::Decimal => {
                let digits = text.strip_prefix(b"-").unwrap_or(text);
                let value = number(digits, 10).filter(|_| digits.len() <= 3)?;
                match digits.len() == text.len() {
                    true => Some(value).filter(|value| *value <= 0xff),
                    false => (1..=0x80).contains(&value).then(|| 0x100 - value),
                }
            }
            Self::Char => char_value(text),
        }
    }

    /// Adds the bytes of a number as they are written; `None` if it is none.
    pub(crate) fn push(self, text: &[u8], out: &mut Vec<u8>) -> Option<()> {
        let value = self.value(text)?;
        out.extend_from_slice(&value.to_be_bytes()[8 - self.bytes()..]);
        Some(())
    }
}

/// A number of one to sixteen digits.
pub(crate) fn number(digits: &[u8], radix: u32) -> Option<u64> {
    if !(1..=22).contains(&digits.len()) {
        return None;
    }
    digits.iter().try_fold(0u64, |value, digit| {
        let digit = char::from(*digit).to_digit(radix)?;
        value.checked_mul(u64::from(radix))?.checked_add(u64::from(digit))
    })
}

/// A byte as `od -c` writes it, without blanks around it.
fn char_value(text: &[u8]) -> Option<u64> {
    let byte = match text {
        [] => b' ',
        [b'\\', escape] => match escape {
            b'0' => 0,
            b'a' => 7,
            b'b' => 8,
            b't' => b'\t',
            b'n' => b'\n',
            b'v' => 11,
            b'f' => 12,
            b'r' => b'\r',
            _ => return None,
        },
        [byte @ b'!'..=b'~'] => *byte,
        [_, _, _] => return number(text, 8).filter(|value| *value <= 0xff),
        _ => return None,
    };
    Some(u64::from(byte))
}

/// Whether a byte stands between numbers: blanks, the mark in the middle of a row, bars, and what is no ASCII.
pub(crate) fn is_separator(byte: u8, cell: Cell) -> bool {
    match cell {
        Cell::Decimal | Cell::Char => matches!(byte, b' ' | b'\t'),
        Cell::Hex(_) | Cell::Octal(_) => matches!(byte, b' ' | b'\t' | b'-' | b'|') || !byte.is_ascii(),
    }
}

/// The numbers of a line from `at` on: what stands between separators.
pub(crate) fn tokens(line: &[u8], at: usize, cell: Cell) -> impl Iterator<Item = Range<usize>> + '_ {
    let mut at = at;
    std::iter::from_fn(move || {
        let rest = line.get(at..)?;
        let start = at + rest.iter().position(|byte| !is_separator(*byte, cell))?;
        let length = line[start..].iter().take_while(|byte| !is_separator(**byte, cell)).count();
        at = start + length;
        Some(start..at)
    })
}
