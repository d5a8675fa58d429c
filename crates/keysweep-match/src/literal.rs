//! What to look for, and what is found.

use thiserror::Error;

/// Shortest literal, in bytes.
pub const MIN_LITERAL: usize = 2;
/// Longest literal, in bytes (its UTF-16 forms are twice as long).
pub const MAX_LITERAL: usize = 64;

/// One literal to look for. Its index in the slice given to [`Matcher::new`](crate::Matcher::new) is its identity.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Literal {
    /// The bytes, [`MIN_LITERAL`] to [`MAX_LITERAL`] of them, of any value.
    pub bytes: Vec<u8>,
    /// ASCII letters match in either case.
    pub ignore_case: bool,
    /// Also match the UTF-16LE and UTF-16BE forms; all `bytes` must be ASCII then.
    pub wide: bool,
}

impl Literal {
    /// A case-sensitive literal without UTF-16 forms.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self { bytes: bytes.into(), ignore_case: false, wide: false }
    }

    /// The same literal, matching ASCII letters in either case.
    #[must_use]
    pub fn ignore_case(mut self) -> Self {
        self.ignore_case = true;
        self
    }

    /// The same literal, matching its UTF-16 forms too.
    #[must_use]
    pub fn wide(mut self) -> Self {
        self.wide = true;
        self
    }

    pub(crate) fn check(&self, index: usize) -> Result<(), BuildError> {
        let length = self.bytes.len();
        if !(MIN_LITERAL..=MAX_LITERAL).contains(&length) {
            return Err(BuildError::Length { index, length });
        }
        if self.wide && !self.bytes.is_ascii() {
            return Err(BuildError::WideNotAscii { index });
        }
        Ok(())
    }

    /// Length in bytes of the longest form of this literal.
    pub(crate) fn max_len(&self) -> usize {
        self.bytes.len() * if self.wide { 2 } else { 1 }
    }
}

/// The form in which a literal was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Encoding {
    /// The literal's own bytes.
    Bytes,
    /// Each byte followed by a zero byte.
    Utf16Le,
    /// Each byte preceded by a zero byte.
    Utf16Be,
}

/// One occurrence of a literal. Hits order by `start`, then `literal`, then `encoding`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Hit {
    /// Index of the literal in the slice given to [`Matcher::new`](crate::Matcher::new).
    pub literal: u32,
    /// Offset in the haystack of the first byte of the match.
    pub start: usize,
    /// Offset in the haystack behind the last byte of the match, in the encoding found.
    pub end: usize,
    /// The form that was found.
    pub encoding: Encoding,
}

impl Hit {
    pub(crate) fn order(&self) -> (usize, u32, Encoding) {
        (self.start, self.literal, self.encoding)
    }
}

/// Why a set of literals cannot be searched for.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum BuildError {
    /// A literal is too short or too long.
    #[error("literal {index} has {length} bytes, allowed are {MIN_LITERAL} to {MAX_LITERAL}")]
    Length {
        /// Index of the literal.
        index: usize,
        /// Its length in bytes.
        length: usize,
    },
    /// A literal with UTF-16 forms has a byte above 0x7f.
    #[error("literal {index} is to match in UTF-16 but is not ASCII")]
    WideNotAscii {
        /// Index of the literal.
        index: usize,
    },
    /// More literals than `u32` indices.
    #[error("{count} literals are too many")]
    TooMany {
        /// Number of literals given.
        count: usize,
    },
    /// The instruction set asked for is not one of this CPU.
    #[error("this CPU has no {0}")]
    IsaUnavailable(crate::Isa),
}
