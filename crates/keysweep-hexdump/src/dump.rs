//! The rows of one dump, one after the other.

use crate::cell::Order;
use crate::layout::{Layout, Row};
use zeroize::Zeroizing;

/// Lines between two rows that may be something else: a debugger's question whether to go on, the head of a page.
const MAX_OTHERS: usize = 3;
/// Rows that may pass before their text has to tell the order of their bytes.
const MAX_UNDECIDED: usize = 64;
/// Bytes written again for rows that are left out because they repeat the one before them.
const MAX_REPEATED: u64 = 4 << 10;

/// Puts the bytes of a dump together from its lines.
pub struct Dump {
    layout: Layout,
    order: Option<Order>,
    /// Bytes as they are written, until the order is known, and of how many rows.
    undecided: Zeroizing<Vec<u8>>,
    rows: usize,
    /// Address of the next row; none after a row that is not whole.
    next: Option<u64>,
    /// The bytes of the last row; none before the first one.
    last: Zeroizing<Vec<u8>>,
    is_repeated: bool,
    others: usize,
}

/// What a line is to a dump.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Line {
    /// One of its rows.
    Row,
    /// Something else, between its rows.
    Other,
    /// No line of it: the dump has ended before.
    Behind,
}

impl Dump {
    /// A dump of rows in this layout, whose order of bytes is known or is to be told by the text beside them.
    pub fn new(layout: Layout, order: Option<Order>) -> Self {
        let order = order.or_else(|| (layout.number_bytes() == 1).then_some(Order::Written));
        let last = Zeroizing::new(Vec::new());
        let undecided = Zeroizing::new(Vec::new());
        Self { layout, order, undecided, rows: 0, next: None, last, is_repeated: false, others: 0 }
    }

    /// Takes the next line, without its line end, and adds the bytes that are known by it to `out`.
    pub fn line(&mut self, line: &[u8], out: &mut Vec<u8>) -> Line {
        let Some(row) = self.layout.row(line) else {
            self.others += 1;
            self.is_repeated |= line.trim_ascii() == b"*";
            return if self.others > MAX_OTHERS { Line::Behind } else { Line::Other };
        };
        let is_first = self.last.is_empty();
        if !is_first && !self.follows(row.address, out) {
            return Line::Behind;
        }
        (self.is_repeated, self.others) = (false, 0);
        let is_whole = row.bytes.len() == self.layout.row_bytes();
        self.next = row.address.checked_add(row.bytes.len() as u64).filter(|_| is_whole);
        self.take(line, &row, out);
        self.last = row.bytes;
        Line::Row
    }

    /// Adds what is held back.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        let order = *self.order.get_or_insert(self.layout.order());
        let held = std::mem::take(&mut self.undecided);
        self.add(&held, order, out);
    }

    /// Whether a row of this address follows, once rows that are left out are added.
    fn follows(&mut self, address: u64, out: &mut Vec<u8>) -> bool {
        let Some(left_out) = self.next.and_then(|next| address.checked_sub(next)) else { return false };
        let row = self.layout.row_bytes() as u64;
        if left_out > 0 && (!self.is_repeated || left_out % row != 0 || left_out > MAX_REPEATED) {
            return false;
        }
        for _ in 0..left_out / row {
            match self.order {
                Some(order) => self.add(&self.last, order, out),
                None => self.undecided.extend_from_slice(&self.last),
            }
        }
        true
    }

    fn take(&mut self, line: &[u8], row: &Row, out: &mut Vec<u8>) {
        if let Some(order) = self.order {
            return self.add(&row.bytes, order, out);
        }
        self.undecided.extend_from_slice(&row.bytes);
        self.rows += 1;
        self.order = self.order_by_text(&line[row.end..], &row.bytes);
        if self.order.is_some() || self.rows == MAX_UNDECIDED {
            self.finish(out);
        }
    }

    fn add(&self, bytes: &[u8], order: Order, out: &mut Vec<u8>) {
        match order {
            Order::Written => out.extend_from_slice(bytes),
            Order::Reversed => {
                bytes.chunks(self.layout.number_bytes()).for_each(|number| out.extend(number.iter().rev()));
            }
        }
    }

    /// The order in which the bytes of a row are what the text behind them shows, if they are in one only.
    fn order_by_text(&self, text: &[u8], bytes: &[u8]) -> Option<Order> {
        let mut turned = Zeroizing::new(Vec::with_capacity(bytes.len()));
        self.add(bytes, Order::Reversed, &mut turned);
        match (shows(text, bytes), shows(text, &turned)) {
            (true, false) => Some(Order::Written),
            (false, true) => Some(Order::Reversed),
            _ => None,
        }
    }
}

/// Whether text ends in these bytes, but for a bar and with a dot or blank for those that are not letters and digits.
fn shows(text: &[u8], bytes: &[u8]) -> bool {
    let is_one = |(shown, byte): (&u8, &u8)| match byte.is_ascii_alphanumeric() {
        true => shown == byte,
        false => !shown.is_ascii_alphanumeric(),
    };
    let text = text.trim_ascii_start();
    (0..2).any(|bar| text.get(bar..bar + bytes.len()).is_some_and(|shown| shown.iter().zip(bytes).all(is_one)))
}
