//! A place in a text of SQL, and the parts it goes over.

use std::ops::Range;

/// Longest name of a table or column that is read, in bytes.
const MAX_NAME: usize = 128;

/// Why a part is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    /// Something else is there.
    Other,
    /// The text ends before.
    End,
}

/// A place in a text.
pub(super) struct Cursor<'a> {
    pub(super) text: &'a [u8],
    pub(super) at: usize,
    /// A backslash hides the quote behind it (MySQL); elsewhere only if that does not end the value.
    pub(super) escapes: bool,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(text: &'a [u8], at: usize) -> Self {
        Self { text, at, escapes: false }
    }

    pub(super) fn peek(&self) -> Result<u8, Stop> {
        self.text.get(self.at).copied().ok_or(Stop::End)
    }

    /// Goes over white space, also as escape sequences of a program's literal, and comments.
    pub(super) fn space(&mut self) {
        while let Some(rest) = self.text.get(self.at..).filter(|rest| !rest.is_empty()) {
            let line = |rest: &[u8]| memchr::memchr(b'\n', rest).map_or(rest.len(), |at| at + 1);
            self.at += match rest {
                [byte, ..] if byte.is_ascii_whitespace() => 1,
                [b'\\', b'n' | b'r' | b't', ..] => 2,
                [b'-', b'-', ..] => line(rest),
                [b'/', b'*', ..] => memchr::memmem::find(rest, b"*/").map_or(rest.len(), |at| at + 2),
                _ => return,
            };
        }
    }

    /// Goes over a byte, behind white space.
    pub(super) fn take(&mut self, byte: u8) -> Result<(), Stop> {
        self.space();
        if self.peek()? != byte {
            return Err(Stop::Other);
        }
        self.at += 1;
        Ok(())
    }

    /// Goes over one of these words, in either case.
    pub(super) fn word(&mut self, words: &[&str]) -> Result<(), Stop> {
        self.space();
        let found = self.plain();
        if self.at + found.len() == self.text.len() {
            return Err(Stop::End);
        }
        if !words.iter().any(|word| found.eq_ignore_ascii_case(word.as_bytes())) {
            return Err(Stop::Other);
        }
        self.at += found.len();
        Ok(())
    }

    /// The letters, digits and the like from here on.
    pub(super) fn plain(&self) -> &'a [u8] {
        let rest = self.text.get(self.at..).unwrap_or_default();
        &rest[..rest.iter().take_while(|b| is_word(**b)).count()]
    }

    /// The name of a column, or the last part of that of a table (`"public"."users"`); tells, too, whether it is in quotes.
    pub(super) fn name(&mut self) -> Result<(&'a [u8], bool), Stop> {
        loop {
            self.space();
            let part = self.part()?;
            if self.text.get(self.at) != Some(&b'.') {
                return Ok(part);
            }
            self.at += 1;
        }
    }

    fn part(&mut self) -> Result<(&'a [u8], bool), Stop> {
        // A literal of a program has a backslash before the quotes in it.
        let escaped = self.peek()? == b'\\';
        self.at += usize::from(escaped);
        let close = match self.peek()? {
            b'`' => {
                self.escapes = true;
                b'`'
            }
            b'"' => b'"',
            b'[' => b']',
            _ => {
                let name = self.plain();
                self.at += name.len();
                return if name.is_empty() || name.len() > MAX_NAME { Err(Stop::Other) } else { Ok((name, false)) };
            }
        };
        let start = self.at + 1;
        let rest = &self.text[start..];
        let length = memchr::memchr(close, &rest[..rest.len().min(MAX_NAME + 1)]);
        let length = length.ok_or(if rest.len() > MAX_NAME { Stop::Other } else { Stop::End })?;
        self.at = start + length + 1;
        let name = &rest[..length];
        Ok((if escaped { name.strip_suffix(b"\\").unwrap_or(name) } else { name }, true))
    }

    /// Goes over a literal in quotes, at its first one, and tells what is between them.
    pub(super) fn literal(&mut self) -> Result<Range<usize>, Stop> {
        let quote = self.peek()?;
        let start = self.at + 1;
        let mut at = start;
        loop {
            at += memchr::memchr2(quote, b'\\', self.text.get(at..).ok_or(Stop::End)?).ok_or(Stop::End)?;
            let next = self.text.get(at + 1).copied();
            if self.text[at] == b'\\' {
                let ends = next == Some(quote) && !self.escapes && self.ends_value(at + 2);
                // Elsewhere than in MySQL a backslash is one, also before another.
                let skip = if ends || (next != Some(quote) && !self.escapes) { 1 } else { 2 };
                at += skip;
            } else if next == Some(quote) {
                at += 2;
            } else {
                self.at = at + 1;
                return Ok(start..at);
            }
        }
    }

    /// Whether a value ends before `at`.
    fn ends_value(&self, at: usize) -> bool {
        let rest = self.text.get(at..).unwrap_or_default();
        rest.iter().take(8).find(|b| !b.is_ascii_whitespace()).is_some_and(|b| b",)".contains(b))
    }

    /// Goes up to the comma or bracket that ends an expression or definition.
    pub(super) fn expression(&mut self) -> Result<(), Stop> {
        let mut depth = 0_usize;
        loop {
            match self.peek()? {
                b',' | b')' if depth == 0 => return Ok(()),
                b'\'' | b'"' | b'`' => {
                    self.literal()?;
                    continue;
                }
                b'(' => depth += 1,
                b')' => depth -= 1,
                b';' if depth == 0 => return Err(Stop::Other),
                _ => {}
            }
            self.at += 1;
        }
    }
}

/// Letters of any alphabet, digits and what names may have beside them.
fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_$#@".contains(&byte) || byte >= 0x80
}
