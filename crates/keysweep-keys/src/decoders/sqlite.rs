//! Reads tables of an SQLite database (SQLite "Database File Format"), as far as it lies in the bytes at hand.

use std::borrow::Cow;
use std::collections::HashSet;

/// What a database begins with.
pub const MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// Pages visited for one table.
const MAX_PAGES: usize = 4_096;
/// How deep the tree of a table may be.
const MAX_DEPTH: usize = 12;
/// Rows read of one table.
const MAX_ROWS: usize = 10_000;
/// Columns read of one row.
const MAX_COLUMNS: usize = 512;
/// Longest row, in bytes.
const MAX_ROW: u64 = 64 << 10;

/// A database.
pub struct Database<'a> {
    bytes: &'a [u8],
    page_size: usize,
    /// Bytes of a page without those reserved for extensions.
    usable: usize,
}

/// A value of a row, as far as these tables use values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value<'a> {
    /// Nothing, or a number with a fraction.
    Null,
    /// A whole number.
    Integer(i64),
    /// A blob or text.
    Bytes(Cow<'a, [u8]>),
}

impl Value<'_> {
    /// The bytes of a blob or text.
    pub fn bytes(&self) -> Option<&[u8]> {
        match self {
            Value::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }
}

/// A table: names of columns, and rows.
pub struct Table<'a> {
    columns: Vec<String>,
    /// The rows, each with a value for each column.
    pub rows: Vec<Vec<Value<'a>>>,
    /// Whether these are all rows: no page is missing, damaged or beyond what is read.
    pub complete: bool,
}

impl Table<'_> {
    /// Where the column with this name is in a row.
    pub fn column(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column == name)
    }
}

impl<'a> Database<'a> {
    /// The database that `bytes` begin with.
    pub fn open(bytes: &'a [u8]) -> Option<Self> {
        if !bytes.starts_with(MAGIC) {
            return None;
        }
        let page_size = match u16::from_be_bytes([*bytes.get(16)?, *bytes.get(17)?]) {
            1 => 65_536,
            size => usize::from(size),
        };
        let usable = page_size.checked_sub(usize::from(*bytes.get(20)?))?;
        let valid = page_size.is_power_of_two() && page_size >= 512 && usable >= 480;
        valid.then_some(Self { bytes, page_size, usable })
    }

    /// Bytes of a page.
    pub fn page_size(&self) -> usize {
        self.page_size
    }

    /// Length of the database in bytes, as far as it is there.
    pub fn length(&self) -> usize {
        let pages = self.bytes.get(28..32).and_then(|field| field.first_chunk()).map_or(0, |n| u32::from_be_bytes(*n));
        match usize::try_from(pages).ok().and_then(|pages| pages.checked_mul(self.page_size)) {
            Some(length @ 1..) => length.min(self.bytes.len()),
            _ => self.bytes.len(),
        }
    }

    /// The table with this name.
    pub fn table(&self, name: &str) -> Option<Table<'a>> {
        let (schema, _) = self.rows(1);
        let row = schema.iter().find(|row| {
            matches!(&row[..], [kind, _, table, ..]
                if kind.bytes() == Some(b"table") && table.bytes() == Some(name.as_bytes()))
        })?;
        let [_, _, _, Value::Integer(root), sql] = &row[..] else { return None };
        let columns = columns(&String::from_utf8_lossy(sql.bytes()?));
        let (rows, complete) = self.rows(u32::try_from(*root).ok()?);
        Some(Table { columns, rows, complete })
    }

    /// The rows of the tree with this root, as far as it can be read, and whether that is all of it.
    fn rows(&self, root: u32) -> (Vec<Vec<Value<'a>>>, bool) {
        let mut walk = Walk { database: self, seen: HashSet::new(), rows: Vec::new(), complete: true };
        walk.page(root, 0);
        (walk.rows, walk.complete)
    }

    fn page(&self, number: u32) -> Option<&'a [u8]> {
        let start = usize::try_from(number).ok()?.checked_sub(1)?.checked_mul(self.page_size)?;
        self.bytes.get(start..start.checked_add(self.page_size)?)
    }

    /// The bytes of a row: what lies in the page, and what lies in overflow pages.
    fn payload(&self, local: &'a [u8], length: usize, mut next: Option<u32>) -> Option<Cow<'a, [u8]>> {
        if local.len() >= length {
            return Some(Cow::Borrowed(&local[..length]));
        }
        let mut joined = local.to_vec();
        // The length bounds the number of pages, whatever they refer to.
        while joined.len() < length {
            let page = self.page(next?)?;
            let (link, data) = page[..self.usable].split_at(4);
            next = Some(u32::from_be_bytes(link.try_into().ok()?)).filter(|next| *next != 0);
            joined.extend_from_slice(&data[..data.len().min(length - joined.len())]);
        }
        Some(Cow::Owned(joined))
    }
}

struct Walk<'d, 'a> {
    database: &'d Database<'a>,
    seen: HashSet<u32>,
    rows: Vec<Vec<Value<'a>>>,
    complete: bool,
}

impl Walk<'_, '_> {
    fn page(&mut self, number: u32, depth: usize) {
        self.complete &= self.read_page(number, depth).is_some();
    }

    /// Reads a page and what is below it; `None` if it is damaged or beyond what is read.
    fn read_page(&mut self, number: u32, depth: usize) -> Option<()> {
        if depth > MAX_DEPTH || self.seen.len() >= MAX_PAGES || !self.seen.insert(number) {
            return None;
        }
        let page = self.database.page(number)?;
        let header = if number == 1 { 100 } else { 0 };
        let word = |at: usize| Some(u16::from_be_bytes([*page.get(at)?, *page.get(at + 1)?]));
        let (kind, cells) = (page.get(header).copied()?, word(header + 3)?);
        let first = header + if kind == 5 { 12 } else { 8 };
        for cell in 0..usize::from(cells) {
            let cell = word(first + 2 * cell).and_then(|at| page.get(usize::from(at)..));
            match (kind, cell) {
                (13, Some(cell)) if self.rows.len() < MAX_ROWS => match leaf(self.database, cell) {
                    Some(row) => self.rows.push(row),
                    None => self.complete = false,
                },
                (5, Some(cell)) => self.child(cell, depth),
                (5 | 13, None) => self.complete = false,
                _ => return None,
            }
        }
        if kind == 5 {
            self.child(&page[header + 8..], depth);
        }
        Some(())
    }

    fn child(&mut self, pointer: &[u8], depth: usize) {
        if let Some(number) = pointer.first_chunk() {
            self.page(u32::from_be_bytes(*number), depth + 1);
        }
    }
}

/// The row in a cell of a leaf: length, row id, and as much of the payload as a page takes.
fn leaf<'a>(database: &Database<'a>, cell: &'a [u8]) -> Option<Vec<Value<'a>>> {
    let (length, size) = varint(cell)?;
    let (_, id_size) = varint(&cell[size..])?;
    let body = &cell[size + id_size..];
    let length = usize::try_from(length).ok().filter(|_| length <= MAX_ROW)?;
    let usable = database.usable;
    let local = if length <= usable - 35 {
        length
    } else {
        let least = (usable - 12) * 32 / 255 - 23;
        let wanted = least + (length - least) % (usable - 4);
        if wanted <= usable - 35 { wanted } else { least }
    };
    let next = body.get(local..).and_then(|rest| rest.first_chunk()).map(|n| u32::from_be_bytes(*n));
    match database.payload(body.get(..local)?, length, next)? {
        Cow::Borrowed(record) => row(record),
        Cow::Owned(record) => Some(row(&record)?.into_iter().map(owned).collect()),
    }
}

fn owned<'a>(value: Value<'_>) -> Value<'a> {
    match value {
        Value::Null => Value::Null,
        Value::Integer(number) => Value::Integer(number),
        Value::Bytes(bytes) => Value::Bytes(Cow::Owned(bytes.into_owned())),
    }
}

/// The values of a record: types first, then contents.
fn row(record: &[u8]) -> Option<Vec<Value<'_>>> {
    let (header, mut at) = varint(record)?;
    let header = usize::try_from(header).ok().filter(|header| *header <= record.len())?;
    let mut body = &record[header..];
    let mut values = Vec::new();
    while at < header && values.len() < MAX_COLUMNS {
        let (kind, size) = varint(&record[at..header])?;
        at += size;
        let length = match kind {
            0 | 8 | 9 => 0,
            1..=4 => kind,
            5 => 6,
            6 | 7 => 8,
            10 | 11 => return None,
            _ => (kind - 12) / 2,
        };
        let (content, rest) = body.split_at_checked(usize::try_from(length).ok()?)?;
        body = rest;
        values.push(match kind {
            0 | 7 => Value::Null,
            8 | 9 => Value::Integer(kind as i64 - 8),
            1..=6 => Value::Integer(integer(content)),
            _ => Value::Bytes(Cow::Borrowed(content)),
        });
    }
    Some(values)
}

fn integer(bytes: &[u8]) -> i64 {
    let negative = bytes.first().is_some_and(|b| *b >= 0x80);
    bytes.iter().fold(if negative { -1 } else { 0 }, |number, &byte| number << 8 | i64::from(byte))
}

/// A number of one to nine bytes, with its size.
fn varint(bytes: &[u8]) -> Option<(u64, usize)> {
    let mut number = 0u64;
    for (i, &byte) in bytes.iter().take(9).enumerate() {
        if i == 8 {
            return Some((number << 8 | u64::from(byte), 9));
        }
        number = number << 7 | u64::from(byte & 0x7f);
        if byte < 0x80 {
            return Some((number, i + 1));
        }
    }
    None
}

/// The names of the columns in a CREATE TABLE statement.
fn columns(sql: &str) -> Vec<String> {
    let Some((_, inside)) = sql.split_once('(') else { return Vec::new() };
    let mut depth = 0usize;
    let parts = inside.split(|c| {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        c == ',' && depth == 0
    });
    let name = |part: &str| {
        part.trim().split(|c: char| c.is_whitespace() || c == ')').next().map(|n| n.trim_matches('"').to_owned())
    };
    parts.filter_map(name).take(MAX_COLUMNS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const STORE: &[u8] = include_bytes!("../../tests/data/nss/empty.key4.db");

    #[test]
    fn tables_are_read() {
        let database = Database::open(STORE).unwrap();
        let table = database.table("metaData").unwrap();
        let (id, salt) = (table.column("id").unwrap(), table.column("item1").unwrap());
        let row = table.rows.iter().find(|row| row[id].bytes() == Some(b"password")).unwrap();
        assert_eq!(row[salt].bytes().map(<[u8]>::len), Some(20));
        assert!(database.table("nssPrivate").unwrap().column("ad5a0db00").is_some());
        assert!(database.table("other").is_none());
    }

    #[test]
    fn numbers_and_columns_are_read() {
        assert_eq!(varint(&[0x81, 0x00]), Some((128, 2)));
        assert_eq!(varint(&[0xff; 9]), Some((u64::MAX, 9)));
        assert_eq!(varint(&[0xff; 8]), None);
        assert_eq!((integer(&[0xff, 0xfe]), integer(&[0x01, 0x00]), integer(&[])), (-2, 256, 0));
        assert_eq!(columns("CREATE TABLE t (a PRIMARY KEY, \"b\" CHECK (a, b), c)"), ["a", "b", "c"]);
    }

    #[test]
    fn loops_and_cuts_end() {
        let mut looped = STORE.to_vec();
        // Page 2 becomes an inner page whose children are itself.
        let page = Database::open(STORE).unwrap().page_size();
        looped[page] = 5;
        looped[page + 8..page + 12].copy_from_slice(&2u32.to_be_bytes());
        assert!(Database::open(&looped).unwrap().table("nssPrivate").is_some());
        for end in (0..STORE.len()).step_by(61) {
            if let Some(database) = Database::open(&STORE[..end]) {
                database.table("nssPrivate");
            }
        }
    }
}
