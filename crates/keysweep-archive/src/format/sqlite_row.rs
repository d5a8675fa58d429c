//! Rows of SQLite: the record in a cell, its values, and these as SQL.
//!
//! Source: SQLite, "Database File Format", sections 1.6 and 2.1.

use super::sqlite::{Database, Encoding};
use std::borrow::Cow;
use std::io::Write;

/// Longest row, in bytes.
const MAX_ROW: usize = 16 << 20;
/// Most columns (`SQLITE_MAX_COLUMN`).
const MAX_COLUMNS: usize = 32_767;

/// A value of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Value<'a> {
    /// Nothing, or a number with a fraction.
    Null,
    Integer(i64),
    Text(&'a [u8]),
    Blob(&'a [u8]),
}

impl Value<'_> {
    pub(super) fn integer(&self) -> Option<i64> {
        match self {
            Value::Integer(number) => Some(*number),
            _ => None,
        }
    }
}

/// The record of a cell: its length, for tables the row's id, as much of it as a page takes, and the number of the page where it goes on.
pub(super) fn payload(database: &Database<'_>, cell: &[u8], of_table: bool) -> Option<Vec<u8>> {
    let usable = database.layout.usable;
    let (length, size) = varint(cell)?;
    let id_size = if of_table { varint(&cell[size..])?.1 } else { 0 };
    let body = &cell[size + id_size..];
    let length = usize::try_from(length).ok().filter(|length| *length <= MAX_ROW)?;
    let most = if of_table { usable - 35 } else { (usable - 12) * 64 / 255 - 23 };
    let local = if length <= most {
        length
    } else {
        let least = (usable - 12) * 32 / 255 - 23;
        let wanted = least + (length - least) % (usable - 4);
        if wanted <= most { wanted } else { least }
    };
    let mut record = body.get(..local)?.to_vec();
    let mut next = body.get(local..).and_then(|rest| rest.first_chunk()).map(|number| u32::from_be_bytes(*number));
    // The length bounds the number of pages, whatever they refer to.
    while record.len() < length {
        let page = database.page(next?)?;
        let (link, data) = page[..usable].split_at(4);
        next = link.first_chunk().map(|number| u32::from_be_bytes(*number));
        record.extend_from_slice(&data[..data.len().min(length - record.len())]);
    }
    Some(record)
}

/// The values of a record, as far as it is sound: types first, then contents.
pub(super) fn values(record: &[u8]) -> Vec<Value<'_>> {
    let mut values = Vec::new();
    let Some((header, mut at)) = varint(record) else { return values };
    let Some(header) = usize::try_from(header).ok().filter(|header| *header <= record.len()) else { return values };
    let mut body = &record[header..];
    while at < header && values.len() < MAX_COLUMNS {
        let Some((kind, size)) = varint(&record[at..header]) else { break };
        at += size;
        let length = match kind {
            0 | 8..=11 => 0,
            1..=4 => kind,
            5 => 6,
            6 | 7 => 8,
            _ => (kind - 12) / 2,
        };
        let Some((content, rest)) = usize::try_from(length).ok().and_then(|length| body.split_at_checked(length))
        else {
            break;
        };
        body = rest;
        values.push(match kind {
            0 | 7 | 10 | 11 => Value::Null,
            8 | 9 => Value::Integer(kind as i64 - 8),
            1..=6 => Value::Integer(integer(content)),
            _ if kind % 2 == 1 => Value::Text(content),
            _ => Value::Blob(content),
        });
    }
    values
}

fn integer(bytes: &[u8]) -> i64 {
    let negative = bytes.first().is_some_and(|byte| *byte >= 0x80);
    bytes.iter().fold(if negative { -1 } else { 0 }, |number, &byte| number << 8 | i64::from(byte))
}

/// A number of one to nine bytes, with its size.
fn varint(bytes: &[u8]) -> Option<(u64, usize)> {
    let mut number = 0_u64;
    for (index, &byte) in bytes.iter().take(9).enumerate() {
        if index == 8 {
            return Some((number << 8 | u64::from(byte), 9));
        }
        number = number << 7 | u64::from(byte & 0x7f);
        if byte < 0x80 {
            return Some((number, index + 1));
        }
    }
    None
}

/// A text; what is none of the encoding is replaced.
pub(super) fn text(value: &Value<'_>, encoding: Encoding) -> String {
    let Value::Text(bytes) = value else { return String::new() };
    String::from_utf8_lossy(&decoded(bytes, encoding)).into_owned()
}

fn decoded(bytes: &[u8], encoding: Encoding) -> Cow<'_, [u8]> {
    let unit: fn([u8; 2]) -> u16 = match encoding {
        Encoding::Utf8 => return Cow::Borrowed(bytes),
        Encoding::Utf16Le => u16::from_le_bytes,
        Encoding::Utf16Be => u16::from_be_bytes,
    };
    let units = bytes.chunks_exact(2).map(|pair| unit([pair[0], pair[1]]));
    let text: String = char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect();
    Cow::Owned(text.into_bytes())
}

/// Whether bytes are text, as programs store it in blobs too.
pub(super) fn is_text(bytes: &[u8]) -> bool {
    let is_control = |byte: &u8| *byte < b' ' && !matches!(byte, b'\t' | b'\n' | b'\r');
    !bytes.iter().any(is_control) && std::str::from_utf8(bytes).is_ok()
}

/// Appends a row as an INSERT statement. Of blobs that are no text nothing is said: they lie in the file as they are.
pub(super) fn write_row(table: &str, record: &[u8], encoding: Encoding, out: &mut Vec<u8>) {
    out.extend_from_slice(b"INSERT INTO ");
    quote(b'"', table.as_bytes(), out);
    out.extend_from_slice(b" VALUES(");
    for (index, value) in values(record).iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        match value {
            Value::Integer(number) => _ = write!(out, "{number}"),
            Value::Text(bytes) => quote(b'\'', &decoded(bytes, encoding), out),
            Value::Blob(bytes) if is_text(bytes) => quote(b'\'', bytes, out),
            Value::Null | Value::Blob(_) => out.extend_from_slice(b"NULL"),
        }
    }
    out.extend_from_slice(b");\n");
}

/// Bytes in quotes, which are doubled in them.
fn quote(mark: u8, bytes: &[u8], out: &mut Vec<u8>) {
    out.push(mark);
    let mut rest = bytes;
    while let Some(at) = memchr::memchr(mark, rest) {
        out.extend_from_slice(&rest[..=at]);
        out.push(mark);
        rest = &rest[at + 1..];
    }
    out.extend_from_slice(rest);
    out.push(mark);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_become_sql() {
        // Header of 8 bytes: NULL, 1, 16 bits, text of 5, blob of 3 (text), blob of 2 (none), REAL.
        let mut record = vec![8, 0, 9, 2, 23, 18, 16, 7];
        record.extend([0xff, 0xfe]);
        record.extend(b"it's!abc\x01\x02");
        record.extend([0; 8]);
        let mut out = Vec::new();
        write_row("a \"b\"", &record, Encoding::Utf8, &mut out);
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "INSERT INTO \"a \"\"b\"\"\" VALUES(NULL,1,-2,'it''s!','abc',NULL,NULL);\n"
        );
        // What is cut is read as far as it goes.
        assert_eq!(values(&record[..record.len() - 9]).len(), 5);
        assert_eq!(values(&[]), []);
        assert_eq!(values(&[200, 1, 2]), []);
        assert_eq!(text(&Value::Text(b"a\0b\0"), Encoding::Utf16Le), "ab");
        assert_eq!(text(&Value::Text(b"\0a\0b\0"), Encoding::Utf16Be), "ab");
    }
}
