//! Tables of text: exports of password managers, lists of accounts, tables of notes.
//!
//! ```text
//! url,username,password,note              or with `;` or tabs between cells
//! https://a.corp.net,ops,...,
//! "Login Name","Password"                 cells in quotes, which may hold line breaks; `""` is a quote in them
//! | Host | User | Password |              Markdown, with a line of dashes below the head
//! ```
//!
//! Sources: RFC 4180; GitHub Flavored Markdown 4.10.

use super::{Listing, Notes, Text};
use crate::checks::names::{names_key, names_password};
use std::ops::Range;

/// Most columns of a table.
const MAX_COLUMNS: usize = 64;
/// Longest line of a head, and longest cell of it.
const MAX_HEAD: usize = 2_048;
const MAX_NAME: usize = 40;
/// Lengths of values that may be secrets.
const LENGTHS: std::ops::RangeInclusive<usize> = 8..=128;
/// Longest cell in quotes, with the line breaks in it.
const MAX_CELL: usize = 8 << 10;
/// After so many lines of another number of cells the table is over.
const MAX_STRANGE: usize = 4;

/// A column: its number from 0, and its name.
type Column = (usize, String);

/// All rows below the head in which the anchor stands.
pub(super) fn read(text: &Text<'_>, _: &mut Notes) -> Listing {
    let mut listing = Listing::default();
    let (window, (start, end)) = (text.window, text.anchor);
    let from = start.saturating_sub(MAX_HEAD);
    let Some(line) = line_around(window, from, start, end) else { return listing };
    let head = &window[line.clone()];
    listing.work += head.len();
    let is_markdown = head.trim_ascii_start().starts_with(b"|");
    let Some(separator) = separator(window, start, is_markdown) else { return listing };
    let Some((width, columns)) = columns(head, separator) else { return listing };
    if !is_markdown && has_cells_above(window, line.start, separator, width) {
        return listing;
    }
    let mut at = after_break(window, line.end);
    if is_markdown {
        let dashes = rest_of_line(window, at);
        if dashes.len() < 3 || !window[dashes.clone()].iter().all(|b| b"|-: \t\r".contains(b)) {
            return listing;
        }
        at = after_break(window, dashes.end);
    }
    rows(window, at, &Shape { separator, width, columns }, &mut listing);
    listing
}

/// What all rows of a table have in common.
struct Shape {
    separator: u8,
    /// How many cells a row has.
    width: usize,
    /// Those that hold secrets.
    columns: Vec<Column>,
}

/// The line in which the anchor stands, if it is short enough for a head.
fn line_around(window: &[u8], from: usize, start: usize, end: usize) -> Option<Range<usize>> {
    // An anchor may begin with the tab or comma of the head's first line.
    let before = memchr::memrchr(b'\n', &window[from..start]).map(|at| from + at + 1);
    let begin = before.or((from == 0).then_some(0))?;
    let line = begin..rest_of_line(window, end).end;
    (line.len() <= MAX_HEAD && line.end < window.len()).then_some(line)
}

/// Whether the line above that at `start` has as many cells: what seems to be a head is a row.
fn has_cells_above(window: &[u8], start: usize, separator: u8, width: usize) -> bool {
    let Some(end) = start.checked_sub(1) else { return false };
    let from = end.saturating_sub(MAX_HEAD);
    let begin = memchr::memrchr(b'\n', &window[from..end]).map_or(from, |at| from + at + 1);
    window[begin..end].iter().filter(|b| **b == separator).count() + 1 == width
}

/// From `at` to the end of the line, without the line break.
fn rest_of_line(window: &[u8], at: usize) -> Range<usize> {
    let rest = window.get(at..).unwrap_or_default();
    let length = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
    at..at + if rest[..length].ends_with(b"\r") { length - 1 } else { length }
}

/// Where the next line begins, behind one that ends at `end`.
fn after_break(window: &[u8], end: usize) -> usize {
    let carriage = usize::from(window.get(end) == Some(&b'\r'));
    (end + carriage + 1).min(window.len())
}

/// What stands between cells: the anchor begins with it.
fn separator(window: &[u8], start: usize, is_markdown: bool) -> Option<u8> {
    if is_markdown {
        return Some(b'|');
    }
    window.get(start).copied().filter(|b| b",;\t".contains(b))
}

/// How many columns a head has, and which of them hold secrets by their names. Nothing if it is no head: all names are short and
/// of letters.
fn columns(head: &[u8], separator: u8) -> Option<(usize, Vec<Column>)> {
    let is_name = |b: &u8| b.is_ascii_alphanumeric() || b" _-./@#*`()".contains(b) || *b >= 0x80;
    let mut columns = Vec::new();
    let mut width = 0;
    for cell in head.split(|b| *b == separator) {
        let cell = cell.trim_ascii();
        let name = cell.strip_prefix(b"\"").and_then(|cell| cell.strip_suffix(b"\"")).unwrap_or(cell);
        let is_call = name.contains(&b'(') && !name.contains(&b' ');
        if name.len() > MAX_NAME || !name.iter().all(is_name) || is_call || width == MAX_COLUMNS {
            return None;
        }
        if names_password(name) || names_key(name) {
            columns.push((width, String::from_utf8_lossy(name).into_owned()));
        }
        width += 1;
    }
    (width >= 2 && !columns.is_empty()).then_some((width, columns))
}

/// Reads rows until something else follows.
fn rows(window: &[u8], mut at: usize, shape: &Shape, listing: &mut Listing) {
    let mut strange = 0;
    while at < window.len() && strange < MAX_STRANGE && !listing.over {
        if rest_of_line(window, at).is_empty() {
            return;
        }
        let row = row(window, at, shape);
        listing.work += row.end - at;
        if !row.closed {
            listing.cut = true;
        }
        if row.cells == shape.width {
            strange = 0;
            for (value, name) in row.values {
                if LENGTHS.contains(&value.len()) && !window[value.clone()].iter().any(u8::is_ascii_whitespace) {
                    listing.tell(value, name);
                }
            }
        } else {
            strange += 1;
        }
        at = row.end;
        // Lines that are no rows may be text in which another table begins.
        if strange == 0 {
            listing.examined = at;
        }
    }
}

/// A row of a table.
struct Row<'s> {
    /// The values in the columns that hold secrets, with their names.
    values: Vec<(Range<usize>, &'s str)>,
    cells: usize,
    /// Where the next one begins.
    end: usize,
    /// Whether a line break ends it.
    closed: bool,
}

fn row<'s>(window: &[u8], start: usize, shape: &'s Shape) -> Row<'s> {
    let mut row = Row { values: Vec::new(), cells: 0, end: start, closed: false };
    loop {
        let cell = cell(window, row.end, shape.separator);
        let column = shape.columns.iter().find(|(index, _)| *index == row.cells);
        row.values.extend(column.map(|(_, name)| (inside(window, cell.clone()), name.as_str())));
        row.cells += 1;
        row.end = cell.end + 1;
        match window.get(cell.end) {
            Some(b) if *b == shape.separator && row.cells <= MAX_COLUMNS => {}
            Some(b'\n') => {
                row.closed = true;
                return row;
            }
            Some(_) => {
                row.end = after_break(window, rest_of_line(window, cell.end).end);
                row.closed = row.end < window.len();
                row.cells = usize::MAX;
                return row;
            }
            None => {
                row.end = window.len();
                return row;
            }
        }
    }
}

/// From `start` up to the separator or line break behind a cell.
fn cell(window: &[u8], start: usize, separator: u8) -> Range<usize> {
    let mut at = start;
    if window.get(at) == Some(&b'"') {
        let most = (start + MAX_CELL).min(window.len());
        let mut close = at + 1;
        while let Some(found) = memchr::memchr(b'"', &window[close.min(most)..most]) {
            let quote = close + found;
            if window.get(quote + 1) != Some(&b'"') {
                at = quote + 1;
                break;
            }
            close = quote + 2;
        }
    }
    let rest = window.get(at..).unwrap_or_default();
    start..at + memchr::memchr2(separator, b'\n', rest).unwrap_or(rest.len())
}

/// What stands in a cell, without space, quotes and marks of code around it.
fn inside(window: &[u8], cell: Range<usize>) -> Range<usize> {
    let strip = |cell: Range<usize>, around: &[u8]| {
        let text = &window[cell.clone()];
        let lead = text.iter().take_while(|b| around.contains(b)).count();
        let trail = text[lead..].iter().rev().take_while(|b| around.contains(b)).count();
        cell.start + lead..cell.end - trail
    };
    let bare = strip(cell, b" \t\r");
    let quoted = |mark: u8| bare.len() > 2 && window[bare.start] == mark && window[bare.end - 1] == mark;
    if quoted(b'"') || quoted(b'`') { bare.start + 1..bare.end - 1 } else { bare }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::readers::Tried;

    fn told(text: &str) -> Vec<(String, String)> {
        listing(text).values.into_iter().map(|value| (value.name, text[value.at].to_owned())).collect()
    }

    fn listing(text: &str) -> Listing {
        let lower = text.to_ascii_lowercase();
        let anchors = [",password", ";password", "\tpassword", "|password", "| password", ",\"password"];
        let found = anchors.iter().filter_map(|a| lower.find(a).map(|at| (at, at + a.len()))).min();
        let anchor = found.expect("an anchor");
        let tried = Tried { last: true, at_start: true };
        read(&Text { window: text.as_bytes(), anchor, tried }, &mut Notes::new(true))
    }

    fn values(text: &str) -> Vec<String> {
        told(text).into_iter().map(|(_, value)| value).collect()
    }

    #[test]
    fn all_rows_are_told() {
        for text in [
            "url,username,password,note\nhttps://a,ops,AAAAAAAA,\nhttps://b,dev,BBBBBBBB,\"a, b\nc\"\n",
            "name;password\r\nops;AAAAAAAA\r\ndev;BBBBBBBB\r\n",
            "name\tpassword\nops\tAAAAAAAA\nonly one\ndev\tBBBBBBBB\n",
            "\"Login Name\",\"Password\"\n\"ops\",\"AAAAAAAA\"\n\"x\"\"y\",\"BBBBBBBB\"\n",
            "# Hosts\n\n| Host | Password |\n|------|:----:|\n| a | AAAAAAAA |\n| b | `BBBBBBBB` |\n\ntext | CCCCCCCC |\n",
            "a,password\n1,AAAAAAAA\n2,BBBBBBBB",
        ] {
            assert_eq!(values(text), ["AAAAAAAA", "BBBBBBBB"], "{text}");
        }
        let two = told("user,password,api_key\na,AAAAAAAA,KKKKKKKK\n");
        assert_eq!(two, [("password".to_owned(), "AAAAAAAA".to_owned()), ("api_key".into(), "KKKKKKKK".into())]);
    }

    #[test]
    fn other_texts_are_no_tables() {
        for text in [
            "def login(user,password):\n    call(user,AAAAAAAA)\n",
            "set user=a,password=x\nAAAAAAAA,BBBBBBBB\n",
            "name,password_hash\nops,AAAAAAAA\n",
            "| Host | Password |\n| a | AAAAAAAA |\n",
            "name,password\n\nops,AAAAAAAA\n",
            "a package,1.0\nsome package,password-x\nother package,AAAAAAAA\n",
            "name,password\nops,has words in it\nops,short\n",
            "name,password\n1,2,3\n1,2,3\n1,2,3\n1,2,3\nops,AAAAAAAA\n",
        ] {
            assert!(values(text).is_empty(), "{text}: {:?}", values(text));
        }
    }

    #[test]
    fn what_is_cut_is_said() {
        assert!(listing("a,password\n1,AAAAAAAA\n2,BBBB").cut);
        assert!(!listing("a,password\n1,AAAAAAAA\n").cut);
        let long = format!("a,password\n{}", "1,AAAAAAAA\n".repeat(1_200));
        let listing = listing(&long);
        assert!(listing.over && listing.values.len() == 1_000, "{}", listing.values.len());
    }

    #[test]
    fn no_text_breaks_it() {
        let mut random = crate::random::Random::new("table", 0);
        for _ in 0..4_000 {
            let bytes = b"a,\"\n\r|;\t -A";
            let body: String = (0..random.below(60)).map(|_| char::from(bytes[random.below(bytes.len())])).collect();
            let text = format!("a,password,b\n{body}");
            assert!(listing(&text).values.len() < 60);
        }
    }
}
