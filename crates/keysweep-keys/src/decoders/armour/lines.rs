//! Takes Base64 out of the lines of a block: two ways, for texts that follow no rule.

use super::super::text::run;
use zeroize::Zeroizing;

/// Longest text between two quoted pieces of a body: an operator, a line end and its indentation.
const MAX_GAP: usize = 200;
/// Shortest line that counts as a full line of a body.
const MIN_LINE: usize = 16;
/// Most header lines of a block.
const MAX_HEADERS: usize = 16;

/// Header lines at the start of the text, name and value, and where the body begins.
pub(super) fn headers(text: &[u8]) -> (Vec<(String, String)>, usize) {
    let mut found = Vec::new();
    let mut at = 0;
    while found.len() < MAX_HEADERS {
        let start = at + run(&text[at..], |b| b.is_ascii_whitespace() || b == b'"' || b == b'\'');
        let name = run(&text[start..], |b| b.is_ascii_alphanumeric() || b == b'-');
        if name == 0 || name > 32 || text.get(start + name) != Some(&b':') {
            break;
        }
        let value = &text[start + name + 1..];
        let key = &text[start..start + name];
        let length = value_length(key, value);
        let string = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
        found.push((string(key), string(&value[..length])));
        at = start + name + 1 + length;
    }
    (found, at)
}

/// Length of a header's value: up to the end of the line, and for the two headers of encrypted PEM (RFC 1421) also where
/// line ends were lost.
fn value_length(name: &[u8], value: &[u8]) -> usize {
    let line = run(value, |b| b != b'\n' && b != b'\r');
    match name {
        b"Proc-Type" => memchr::memmem::find(&value[..line], b"ENCRYPTED").map_or(line, |at| at + 9),
        b"DEK-Info" => {
            let Some(comma) = memchr::memchr(b',', &value[..line]) else { return line };
            let digits = run(&value[comma + 1..line], |b| b.is_ascii_hexdigit());
            let cipher = value[..comma].trim_ascii();
            let most = if cipher.starts_with(b"DES") || cipher.starts_with(b"RC2") { 16 } else { 32 };
            comma + 1 + digits.min(most)
        }
        _ => line,
    }
}

/// Everything that is Base64 up to its padding, whatever stands between; `None` where the text says that something was left
/// out.
pub(super) fn stream(text: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let mut symbols = Zeroizing::new(Vec::with_capacity(text.len()));
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        match byte {
            _ if super::value(byte).is_some() => symbols.push(byte),
            b'=' => match soft_break(&text[at..]) {
                Some(length) => at += length - 1,
                None => break,
            },
            b'"' | b'\'' | b'`' => match next_piece(&text[at..]) {
                Some(length) => at += length - 1,
                None => break,
            },
            b'.' if text[at..].starts_with(b"...") => return None,
            _ => {}
        }
        at += 1;
    }
    Some(symbols)
}

/// Length of a quoted-printable soft line break (RFC 2045 section 6.7), if it is not padding.
fn soft_break(text: &[u8]) -> Option<usize> {
    let ends = run(&text[1..], |b| b == b'\r' || b == b'\n');
    let goes_on = text.get(1 + ends).is_some_and(|&b| super::value(b).is_some());
    (ends > 0 && goes_on).then_some(1 + ends)
}

/// Length of what stands between two quoted pieces, with both quotes, if it can be an operator or a separator.
pub(crate) fn next_piece(text: &[u8]) -> Option<usize> {
    let gap = &text[1..text.len().min(1 + MAX_GAP)];
    let length = gap.iter().position(|b| b"\"'`".contains(b))?;
    let joins = |b: u8| b.is_ascii_whitespace() || b.is_ascii_alphanumeric() || b"+.,&_\\()".contains(&b);
    let gap = &gap[..length];
    // A name stands there only after an operator: `" & vbCrLf & "`, `" + EOL + "`.
    let first = gap.iter().find(|b| !b.is_ascii_whitespace());
    let operator = first.is_none_or(|b| !b.is_ascii_alphanumeric());
    (gap.iter().all(|&b| joins(b)) && operator).then_some(length + 2)
}

/// The longest run of Base64 of each line, if it is as long as that of the first line, and a shorter last one: for lines with
/// prefixes or comments that look like Base64 themselves.
pub(super) fn columns(text: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let lines: Vec<&[u8]> = text.split(|&b| b == b'\n' || b == b'\r').collect();
    let runs: Vec<Run> = lines.iter().map(|line| Run::longest(line)).collect();
    let full = runs.iter().map(|r| r.length).find(|&length| length >= MIN_LINE)?;
    let mut symbols = Zeroizing::new(Vec::with_capacity(text.len()));
    let mut column = 0;
    let mut last = None;
    for (index, (line, run)) in lines.iter().zip(&runs).enumerate() {
        if run.length == full {
            symbols.extend_from_slice(&line[run.start..run.start + run.length]);
            column = run.start;
            last = Some(index);
        }
    }
    if let Some(tail) = lines[last? + 1..].iter().find(|line| !line.is_empty()) {
        symbols.extend_from_slice(tail_of(tail, column, full));
    }
    Some(symbols)
}

/// The Base64 of the last line: where that of the other lines stood, or else the last on the line.
fn tail_of(line: &[u8], column: usize, full: usize) -> &[u8] {
    let at_column = line.get(column..).unwrap_or_default();
    let length = run(at_column, is_symbol);
    if length > 0 && length < full && (column == 0 || !line.get(column - 1).is_some_and(|&b| is_symbol(b))) {
        return &at_column[..length];
    }
    let end = line.iter().rposition(|&b| is_symbol(b)).map_or(0, |at| at + 1);
    let start = line[..end].iter().rposition(|&b| !is_symbol(b)).map_or(0, |at| at + 1);
    &line[start..end]
}

/// Where the longest run of Base64 stands on a line.
struct Run {
    start: usize,
    length: usize,
}

impl Run {
    fn longest(line: &[u8]) -> Self {
        let mut best = Run { start: 0, length: 0 };
        let mut at = 0;
        while at < line.len() {
            let length = run(&line[at..], is_symbol);
            if length >= best.length {
                best = Run { start: at, length };
            }
            at += length.max(1);
        }
        best
    }
}

fn is_symbol(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b == b'+' || b == b'/'
}
