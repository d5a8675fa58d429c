//! Where in a row its address and its numbers stand.

use crate::cell::{CHAR_WIDTH, Cell, Order, number, tokens};
use std::ops::Range;
use zeroize::Zeroizing;

/// Bytes of a row that rows have. A table of a few numbers a row is no dump.
const ROW: std::ops::RangeInclusive<u64> = 4..=256;
/// Columns in which the address may begin: behind what a log writes before each line.
const MAX_COLUMN: usize = 160;
/// Words of a line that may be the address.
const MAX_PLACES: usize = 16;
/// Longest name of a symbol behind the address.
const MAX_SYMBOL: usize = 120;

/// How the rows of a dump are laid out.
#[derive(Debug, Clone)]
pub struct Layout {
    /// Where the address begins.
    column: usize,
    radix: u32,
    /// Bytes of a row.
    row: usize,
    cell: Cell,
    /// Where the numbers stand, counted from the end of the address; empty if tabs are between them.
    cells: Vec<Range<usize>>,
    /// The order that such rows mostly have.
    order: Order,
}

/// What a row holds.
pub struct Row {
    /// Address of the first byte.
    pub address: u64,
    /// The bytes as they are written.
    pub bytes: Zeroizing<Vec<u8>>,
    /// Where in the line the last number ends.
    pub end: usize,
}

/// An address in a line.
struct Address<'a> {
    digits: Vec<u8>,
    end: usize,
    /// Where numbers may begin, behind the name of a symbol and a colon.
    rest: usize,
    line: &'a [u8],
    has_colon: bool,
}

impl<'a> Address<'a> {
    fn read(line: &'a [u8], column: usize) -> Option<Self> {
        let start = column + line.get(column..)?.iter().take_while(|byte| **byte == b' ').count();
        let prefix = if line[start..].starts_with(b"0x") { 2 } else { 0 };
        let is_part = |byte: &u8| byte.is_ascii_hexdigit() || matches!(byte, b'`' | b'\'');
        let length = line[start + prefix..].iter().take_while(|byte| is_part(byte)).count();
        let end = start + prefix + length;
        let digits: Vec<u8> = line[start + prefix..end].iter().copied().filter(u8::is_ascii_hexdigit).collect();
        if !(4..=16).contains(&digits.len()) {
            return None;
        }
        let mut rest = end;
        if line[rest..].starts_with(b" <") {
            let symbol = &line[rest..(rest + MAX_SYMBOL).min(line.len())];
            rest += symbol.iter().position(|byte| *byte == b'>')? + 1;
        }
        let has_colon = line.get(rest) == Some(&b':');
        rest += usize::from(has_colon);
        let behind = line.get(rest)?;
        let is_end = matches!(behind, b' ' | b'\t' | b'|') || !behind.is_ascii();
        is_end.then_some(Self { digits, end, rest, line, has_colon })
    }

    fn value(&self, radix: u32) -> Option<u64> {
        number(&self.digits, radix)
    }
}

fn without_return(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// Whether a line could be a row whose address is at its start; a quick look that most lines of other texts do not pass.
pub fn may_be_row(line: &[u8]) -> bool {
    let start = line.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count().min(8);
    Address::read(line, start).is_some()
}

impl Layout {
    /// By two rows that follow each other, each without its line end. Before the address may stand what is as long in both.
    pub fn of(first: &[u8], second: &[u8]) -> Option<Self> {
        let (first, second) = (without_return(first), without_return(second));
        let begins = |&at: &usize| {
            first[at].is_ascii_hexdigit()
                && at.checked_sub(1).is_none_or(|before| !first[before].is_ascii_alphanumeric())
        };
        let places = (0..first.len().min(MAX_COLUMN)).filter(begins).take(MAX_PLACES);
        places.into_iter().find_map(|column| Self::at(column, first, second))
    }

    /// The same with the address in this column.
    fn at(column: usize, first: &[u8], second: &[u8]) -> Option<Self> {
        let (a, b) = (Address::read(first, column)?, Address::read(second, column)?);
        // The largest first: in fewer bytes, rows of more could be read, too.
        [16, 10, 8].into_iter().find_map(|radix| {
            let row = b.value(radix)?.checked_sub(a.value(radix)?).filter(|row| ROW.contains(row))? as usize;
            Cell::ALL.into_iter().find_map(|cell| {
                let mut layout = Self { column, radix, row, cell, cells: Vec::new(), order: Order::Written };
                layout.place(&a)?;
                let is_whole = layout.row(first).is_some_and(|found| found.bytes.len() == row);
                (is_whole && layout.row(second).is_some()).then_some(layout)
            })
        })
    }

    /// Finds the numbers of a row.
    fn place(&mut self, address: &Address<'_>) -> Option<()> {
        let Address { line, end, rest, .. } = *address;
        let count = Some(self.row / self.cell.bytes()).filter(|count| count * self.cell.bytes() == self.row)?;
        if self.cell == Cell::Char {
            self.cells = (0..count).map(|i| (i * CHAR_WIDTH)..((i + 1) * CHAR_WIDTH)).collect();
            return Some(());
        }
        let found: Vec<_> = tokens(line, rest, self.cell).take(count).collect();
        if found.len() < count {
            return None;
        }
        let has_prefix = found.iter().all(|token| line[token.clone()].starts_with(b"0x"));
        self.order = self.usual_order(has_prefix, address.has_colon);
        if line[rest..found[0].end].contains(&b'\t') {
            return Some(()); // gdb's, which writes nothing behind them.
        }
        let mut before = rest;
        for token in found {
            let start = if self.cell.is_padded() { before } else { token.start };
            self.cells.push(start - end..token.end - end);
            before = token.end;
        }
        Some(())
    }

    /// Debuggers and `od` show numbers of the machine, which is mostly little-endian; what has a colon and numbers of two bytes
    /// without `0x` shows pairs of bytes.
    fn usual_order(&self, has_prefix: bool, has_colon: bool) -> Order {
        match self.cell {
            Cell::Hex(2) if has_colon && !has_prefix => Order::Written,
            cell if cell.bytes() > 1 => Order::Reversed,
            _ => Order::Written,
        }
    }

    /// The order that such rows have if nothing tells another.
    pub fn order(&self) -> Order {
        self.order
    }

    /// Bytes of a whole row.
    pub fn row_bytes(&self) -> usize {
        self.row
    }

    /// Bytes of a number.
    pub fn number_bytes(&self) -> usize {
        self.cell.bytes()
    }

    /// What a line holds, as far as numbers stand where they have to. `None` if there is none.
    pub fn row(&self, line: &[u8]) -> Option<Row> {
        let line = without_return(line);
        let found = Address::read(line, self.column)?;
        let address = found.value(self.radix)?;
        let mut row = Row { address, bytes: Zeroizing::new(Vec::with_capacity(self.row)), end: found.rest };
        if self.cells.is_empty() {
            let count = self.row / self.cell.bytes();
            for token in tokens(line, found.rest, self.cell).take(count) {
                if self.cell.push(&line[token.clone()], &mut row.bytes).is_none() {
                    break;
                }
                row.end = token.end;
            }
        } else {
            for cell in &self.cells {
                let (start, end) = (found.end + cell.start, found.end + cell.end);
                let Some(text) = line.get(start..end) else { break };
                let text = text.trim_ascii();
                let is_blank = text.is_empty() && self.cell != Cell::Char;
                if is_blank || self.cell.push(text, &mut row.bytes).is_none() {
                    break;
                }
                row.end = end;
            }
        }
        (!row.bytes.is_empty()).then_some(row)
    }
}
