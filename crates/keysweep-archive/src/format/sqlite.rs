//! Databases of SQLite, each table as the SQL that fills it: what lies in a page has nothing between one column and the next, so that a token
//! ends in the date behind it.
//!
//! Source: SQLite, "Database File Format", sections 1 and 2. What was deleted is in no table; those who look at the file itself see it.

use super::sqlite_row::{is_text, payload, text, write_row};
use super::{Open, Reader, Walk};
use crate::Member;
use crate::name::clean;
use keysweep_image::{ReadAt, read_into};
use std::io::{self, Read};

pub(super) const READER: Reader = Reader { name: "SQLite database", detect, open: Open::Opaque(open) };

const MAGIC: &[u8] = b"SQLite format 3\0";
/// Bytes of the header of the file, which is in the first page.
pub(super) const HEADER: usize = 100;
/// How deep the tree of a table may be.
const MAX_DEPTH: usize = 20;
/// Tables that are read.
const MAX_TABLES: usize = 100_000;

pub(super) fn detect(head: &[u8]) -> bool {
    Layout::read(head).is_some()
}

/// What the header says of the pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Layout {
    pub(super) page_size: usize,
    /// Bytes of a page without those reserved for extensions.
    pub(super) usable: usize,
    pub(super) encoding: Encoding,
    /// Pages of the database; zero if that is not known.
    pages: u32,
}

/// How text is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    Utf8,
    Utf16Le,
    Utf16Be,
}

impl Layout {
    fn read(head: &[u8]) -> Option<Self> {
        let header = head.strip_prefix(MAGIC).and(head.get(..HEADER))?;
        let word = |at: usize| u32::from_be_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
        let page_size = match u16::from_be_bytes([header[16], header[17]]) {
            1 => 65_536,
            size => usize::from(size),
        };
        let usable = page_size.checked_sub(usize::from(header[20]))?;
        let encoding = match word(56) {
            0 | 1 => Encoding::Utf8,
            2 => Encoding::Utf16Le,
            3 => Encoding::Utf16Be,
            _ => return None,
        };
        // The number of pages is that of the version that wrote it.
        let pages = if word(24) == word(92) { word(28) } else { 0 };
        let is_sound = page_size.is_power_of_two() && page_size >= 512 && usable >= 480;
        is_sound.then_some(Self { page_size, usable, encoding, pages })
    }
}

/// A database that is read page by page.
pub(super) struct Database<'a> {
    source: &'a dyn ReadAt,
    pub(super) layout: Layout,
}

impl Database<'_> {
    pub(super) fn page(&self, number: u32) -> Option<Vec<u8>> {
        let start = u64::from(number.checked_sub(1)?) * self.layout.page_size as u64;
        let mut page = vec![0; self.layout.page_size];
        (read_into(self.source, start, &mut page) == page.len()).then_some(page)
    }

    fn pages(&self) -> u64 {
        self.source.len() / self.layout.page_size as u64
    }
}

/// Pages that were read: each is part of one tree at most, whatever they refer to.
struct Pages(Vec<u64>);

impl Pages {
    fn new(database: &Database<'_>) -> Self {
        Self(vec![0; (database.pages() / 64 + 1) as usize])
    }

    /// Whether the page is one of the file that was not read yet.
    fn first(&mut self, number: u32) -> bool {
        let Some(word) = self.0.get_mut(number as usize / 64) else { return false };
        let bit = 1 << (number % 64);
        let first = *word & bit == 0;
        *word |= bit;
        first
    }
}

fn open(source: &dyn ReadAt, walk: &mut Walk<'_>) {
    let mut head = [0; HEADER];
    let read = read_into(source, 0, &mut head);
    let Some(layout) = Layout::read(&head[..read]) else { return };
    let database = Database { source, layout };
    if u64::from(layout.pages) > database.pages() {
        walk.problem(None, "the SQLite database is cut off: it has more pages than are there");
    }
    let mut pages = Pages::new(&database);
    let tables = tables(&database, &mut pages, walk);
    for table in tables {
        let mut dump =
            Dump { out: table.definition(), read: 0, rows: Rows::new(&database, &mut pages, table.root), table };
        let member = Member::unpacked(format!("{}.sql", clean(dump.table.name.as_bytes())));
        let goes_on = walk.member(member, &mut dump);
        let (name, damage) = (dump.table.name, dump.rows.damage);
        if let Some(damage) = damage {
            walk.problem(Some(&clean(name.as_bytes())), damage);
        }
        if !goes_on {
            return;
        }
    }
}

/// A table, as the schema has it.
struct Table {
    name: String,
    root: u32,
    sql: String,
}

impl Table {
    fn definition(&self) -> Vec<u8> {
        // Without row ids, rows are in another order than the definition.
        match self.sql.to_ascii_lowercase().contains("without rowid") {
            true => Vec::new(),
            false => format!("{};\n", self.sql).into_bytes(),
        }
    }
}

/// The tables of the schema, whose own table begins in the first page.
fn tables(database: &Database<'_>, pages: &mut Pages, walk: &mut Walk<'_>) -> Vec<Table> {
    let mut rows = Rows::new(database, pages, 1);
    let mut tables = Vec::new();
    while let Some(record) = rows.next() {
        let values = super::sqlite_row::values(&record);
        let [kind, _, name, root, sql] = &values[..] else { continue };
        let string = |value: &super::sqlite_row::Value<'_>| text(value, database.layout.encoding);
        let Some(root) = root.integer().and_then(|root| u32::try_from(root).ok()).filter(|root| *root > 0) else {
            continue;
        };
        if string(kind) == "table" && tables.len() < MAX_TABLES {
            tables.push(Table { name: string(name), root, sql: string(sql) });
        }
    }
    if let Some(damage) = rows.damage {
        walk.problem(None, format!("the schema of the SQLite database: {damage}"));
    }
    tables
}

/// The rows of a tree, in order.
struct Rows<'a> {
    database: &'a Database<'a>,
    pages: &'a mut Pages,
    stack: Vec<Frame>,
    damage: Option<&'static str>,
}

/// A page that is read.
struct Frame {
    page: Vec<u8>,
    kind: u8,
    /// Where the pointers to its cells begin, and how many there are.
    first: usize,
    cells: usize,
    /// How many steps were taken: into a child, or to a row.
    steps: usize,
}

const INNER: u8 = 5;
const LEAF: u8 = 13;
const INNER_INDEX: u8 = 2;
const LEAF_INDEX: u8 = 10;

const DAMAGED: &str = "a page is damaged or missing";

impl<'a> Rows<'a> {
    fn new(database: &'a Database<'a>, pages: &'a mut Pages, root: u32) -> Self {
        let mut rows = Self { database, pages, stack: Vec::new(), damage: None };
        rows.enter(root);
        rows
    }

    fn enter(&mut self, number: u32) {
        let page =
            if self.stack.len() < MAX_DEPTH && self.pages.first(number) { self.database.page(number) } else { None };
        let frame = page.and_then(|page| {
            let header = if number == 1 { HEADER } else { 0 };
            let kind = page[header];
            let cells = usize::from(u16::from_be_bytes([page[header + 3], page[header + 4]]));
            let first = header + if matches!(kind, INNER | INNER_INDEX) { 12 } else { 8 };
            let known = matches!(kind, INNER | LEAF | INNER_INDEX | LEAF_INDEX);
            (known && first + 2 * cells <= page.len()).then_some(Frame { page, kind, first, cells, steps: 0 })
        });
        match frame {
            Some(frame) => self.stack.push(frame),
            None => self.damage = Some(DAMAGED),
        }
    }

    /// The record of the next row.
    fn next(&mut self) -> Option<Vec<u8>> {
        loop {
            let frame = self.stack.last_mut()?;
            let step = frame.steps;
            frame.steps += 1;
            let (cell, goes_down) = match frame.kind {
                LEAF | LEAF_INDEX => (step, false),
                INNER => (step, true),
                _ => (step / 2, step % 2 == 0),
            };
            if cell > frame.cells || (cell == frame.cells && !goes_down) {
                self.stack.pop();
                continue;
            }
            if goes_down {
                let child = if cell == frame.cells { frame.rightmost() } else { frame.cell(cell) };
                match child.and_then(|bytes| bytes.first_chunk()).map(|number| u32::from_be_bytes(*number)) {
                    Some(number) => self.enter(number),
                    None => self.damage = Some(DAMAGED),
                }
                continue;
            }
            let bytes = frame.cell(cell).and_then(|bytes| bytes.get(if frame.kind == INNER_INDEX { 4 } else { 0 }..));
            match bytes.and_then(|bytes| payload(self.database, bytes, frame.kind == LEAF)) {
                Some(record) => return Some(record),
                None => self.damage = Some("a row is damaged, or longer than is read"),
            }
        }
    }
}

impl Frame {
    fn cell(&self, index: usize) -> Option<&[u8]> {
        let at = self.first + 2 * index;
        self.page.get(usize::from(u16::from_be_bytes([*self.page.get(at)?, *self.page.get(at + 1)?]))..)
    }

    fn rightmost(&self) -> Option<&[u8]> {
        self.page.get(self.first - 4..self.first)
    }
}

/// A table as SQL.
struct Dump<'a> {
    table: Table,
    rows: Rows<'a>,
    out: Vec<u8>,
    read: usize,
}

impl Read for Dump<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        while self.read == self.out.len() {
            let Some(record) = self.rows.next() else { return Ok(0) };
            (self.read, self.out) = (0, std::mem::take(&mut self.out));
            self.out.clear();
            let name = if is_text(self.table.name.as_bytes()) { &self.table.name[..] } else { "t" };
            write_row(name, &record, self.rows.database.layout.encoding, &mut self.out);
        }
        let count = (&self.out[self.read..]).read(buf)?;
        self.read += count;
        Ok(count)
    }
}
