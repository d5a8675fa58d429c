//! Reads armoured blocks (`-----BEGIN …-----`, Base64, `-----END …-----`; RFC 7468 and its forerunners) as they are found:
//! in source code, configuration, logs and mail, quoted, escaped, prefixed, joined to one line, or with the end lost.
//!
//! A reader of the block decides what the body is; this module only says what it may be. Since a text can be mended in more
//! than one way, it offers more than one body, the likeliest first.

mod lines;
mod plain;

pub(crate) use lines::next_piece;

use memchr::memmem;
use std::ops::Range;
use zeroize::Zeroizing;

const DASHES: &[u8] = b"-----";
const BEGIN: &[u8] = b"-----BEGIN";
const END: &[u8] = b"-----END";
/// Longest label, with the separators before it.
const MAX_LABEL: usize = 80;
/// Longest text before the block on its line that can be a prefix of all its lines.
const MAX_PREFIX: usize = 160;
/// Longest text that is read, as it stands there.
const MAX_TEXT: usize = 48 * 1024;

/// What it costs to see that dashes belong to no block, in bytes read.
pub(crate) const LINE: usize = MAX_LABEL + MAX_PREFIX;

/// How far a decoder with anchors in the label must see for [`Block::at`].
pub(crate) const REACH: crate::Reach = crate::Reach { before: MAX_LABEL + MAX_PREFIX, after: MAX_TEXT };

/// An armoured block.
pub(crate) struct Block<'a> {
    /// What stands between `BEGIN` and the dashes, with single spaces: `RSA PRIVATE KEY`.
    pub(crate) label: String,
    /// The block in the window, with both its lines.
    pub(crate) range: Range<usize>,
    /// Whether its end line is there.
    pub(crate) closed: bool,
    /// The text between the lines, with all that is done to it undone but the line ends.
    plain: Zeroizing<Vec<u8>>,
    text: &'a [u8],
}

impl<'a> Block<'a> {
    /// The block whose first line holds the dashes that end at `opened`: an anchor that ends in five dashes has its end there.
    /// `None` for dashes of an end line, and for text that only speaks of a block.
    pub(crate) fn at(window: &'a [u8], opened: usize) -> Option<Self> {
        Self::within(window, opened, MAX_TEXT)
    }

    /// The same, with up to `most` bytes of text.
    pub(crate) fn within(window: &'a [u8], opened: usize, most: usize) -> Option<Self> {
        let head = window.get(..opened.checked_sub(DASHES.len())?)?;
        let from = head.len().saturating_sub(MAX_LABEL);
        let begin = from + memmem::rfind(&head[from..], BEGIN)?;
        let label = &head[begin + BEGIN.len()..];
        if memmem::find(label, DASHES).is_some() {
            return None;
        }
        let form_encoded = label.first() == Some(&b'+');
        let label = plain::label(label, form_encoded)?;
        let text = &window[opened..window.len().min(opened + most)];
        let (length, end) = extent(text);
        let text = &text[..length];
        let plain = plain::undo(text, prefix(&window[..begin]), form_encoded);
        let range = begin..opened + end.unwrap_or(length);
        Some(Self { label, range, closed: end.is_some(), plain, text })
    }

    /// The text between the lines, with all that is done to it undone but the line ends.
    pub(crate) fn text(&self) -> &[u8] {
        &self.plain
    }

    /// Header lines before the body (`Proc-Type`, `DEK-Info`, `Comment`): name and value.
    pub(crate) fn headers(&self) -> Vec<(String, String)> {
        lines::headers(&self.plain).0
    }

    /// What the body may be, the likeliest first: each time bytes that need not be what the label says.
    pub(crate) fn bodies(&self) -> impl Iterator<Item = Zeroizing<Vec<u8>>> {
        let body = &self.plain[lines::headers(&self.plain).1..];
        (0..2).filter_map(move |way| {
            let symbols = if way == 0 { lines::stream(body) } else { lines::columns(body) };
            symbols.map(|symbols| decode(&symbols))
        })
    }

    /// Whether the text ends as Base64 does: at an end line, or with padding.
    pub(crate) fn ends(&self) -> bool {
        self.closed || self.plain.contains(&b'=')
    }

    /// The part of the block that holds a body of so many bytes: all of it, unless its end line is lost and other text
    /// follows.
    pub(crate) fn covering(&self, bytes: usize) -> Range<usize> {
        if self.closed {
            return self.range.clone();
        }
        let symbols = bytes.div_ceil(3) * 4;
        let mut left = symbols;
        let is_last = |b: &u8| {
            left = left.saturating_sub(usize::from(value(*b).is_some() || *b == b'='));
            left == 0
        };
        let length = self.text.iter().position(is_last).map_or(self.text.len(), |at| at + 1);
        self.range.start..self.range.end - (self.text.len() - length)
    }
}

/// Length of the text up to the next dashes or to where text ends, and, if those dashes begin an end line, where that ends.
fn extent(text: &[u8]) -> (usize, Option<usize>) {
    // The dashes first: mostly they are near, and what is behind them need not be read.
    let found = memmem::find(text, DASHES);
    let before = &text[..found.unwrap_or(text.len())];
    let cut = before.iter().position(|&b| (b < 0x20 && !b.is_ascii_whitespace()) || b == 0x7f);
    let (None, Some(mut dashes)) = (cut, found) else { return (cut.unwrap_or(text.len()), None) };
    // A line prefix can be a dash, too.
    let length = dashes;
    while text.get(dashes + DASHES.len()) == Some(&b'-') {
        dashes += 1;
    }
    let line = &text[dashes..text.len().min(dashes + MAX_LABEL + 2 * DASHES.len())];
    if !line.starts_with(END) {
        return (length, None);
    }
    let closing = memmem::find(&line[END.len()..], DASHES).map(|at| END.len() + at + DASHES.len());
    (length, Some(dashes + closing.unwrap_or(END.len())))
}

/// The text before the block on its line, without a quote that opens there: quotes come in pairs, and are seen to in pairs.
fn prefix(before: &[u8]) -> &[u8] {
    let from = before.len().saturating_sub(MAX_PREFIX);
    let line = match memchr::memrchr2(b'\n', b'\r', &before[from..]) {
        Some(at) => &before[from + at + 1..],
        None if from == 0 => before,
        None => &[],
    };
    let quotes = line.iter().rev().take_while(|b| b"\"'`".contains(b)).count();
    &line[..line.len() - quotes]
}

/// The bytes that Base64 symbols stand for; whatever bits are left over at the end are dropped.
pub(crate) fn decode(symbols: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(symbols.len() / 4 * 3 + 3));
    let (mut buffer, mut bits) = (0u32, 0);
    for &symbol in symbols {
        let Some(value) = value(symbol) else { continue };
        buffer = (buffer << 6 | u32::from(value)) & 0xffff;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push((buffer >> bits) as u8);
        }
    }
    bytes
}

/// The six bits of a Base64 symbol, in either alphabet.
fn value(symbol: u8) -> Option<u8> {
    match symbol {
        b'A'..=b'Z' => Some(symbol - b'A'),
        b'a'..=b'z' => Some(symbol - b'a' + 26),
        b'0'..=b'9' => Some(symbol - b'0' + 52),
        b'+' | b'-' => Some(62),
        b'/' | b'_' => Some(63),
        _ => None,
    }
}
