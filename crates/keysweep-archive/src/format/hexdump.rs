//! Memory that a debugger or dump tool wrote as rows of numbers, see [`keysweep_hexdump`]: `xxd`, `hexdump`, `od`, gdb, WinDbg.

use super::{Open, Reader, Walk};
use crate::Member;
use crate::reader::{Stream, read_line};
use keysweep_hexdump::{Dump, Layout, Line, may_be_row};
use std::io::{self, BufRead, BufReader, Read};

pub(super) const READER: Reader = Reader { name: "hex dump", detect, open: Open::Texts(open) };

/// Bytes of a text in which its first dump begins: behind what a debugger says at its start.
const START: usize = 4 << 10;
/// The same for a first look.
const FIRST_LOOK: usize = 512;
/// Longest row.
const MAX_LINE: usize = 2 << 10;

fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|byte| *byte == b'\n')
}

/// Whether a text may be one with dumps. Costs next to nothing where lines begin with other things than numbers.
pub(super) fn may_be(head: &[u8]) -> bool {
    lines(&head[..head.len().min(FIRST_LOOK)]).any(may_be_row)
}

/// Two rows that follow each other, and a third one if there is more.
fn detect(head: &[u8]) -> bool {
    let start = &head[..head.len().min(START)];
    let mut before: Option<&[u8]> = None;
    let mut rest = lines(start);
    while let Some(line) = rest.next() {
        if let Some(layout) = before.filter(|before| may_be_row(before)).and_then(|before| Layout::of(before, line)) {
            return rest.next().is_none_or(|third| third.trim_ascii().len() < 2 || layout.row(third).is_some());
        }
        before = Some(line);
    }
    false
}

fn open(input: &mut Stream<'_>, walk: &mut Walk<'_>) {
    let mut input = BufReader::with_capacity(64 << 10, input);
    if let Err(error) = dumps(&mut input, walk) {
        walk.problem(None, format!("damaged hex dump: {}", super::reason(&error)));
    }
}

fn dumps(input: &mut dyn BufRead, walk: &mut Walk<'_>) -> io::Result<()> {
    let (mut before, mut line) = (Vec::new(), Vec::new());
    let mut input = input;
    while read_line(&mut input, &mut line, MAX_LINE)? {
        let layout = Layout::of(&before, &line);
        if let Some((layout, address)) = layout.and_then(|layout| layout.row(&before).map(|row| (layout, row.address)))
        {
            let (dump, bytes) = (Dump::new(layout, None), Vec::new());
            let mut content = Content { input, dump, line: std::mem::take(&mut line), bytes, read: 0, is_over: false };
            content.push(&before);
            content.push_line();
            let member = Member::memory(address);
            if !walk.member(member, &mut content) {
                return Ok(());
            }
            io::copy(&mut content, &mut io::sink())?;
            // The line behind the dump may be the first of the next one.
            Content { input, line, .. } = content;
        }
        std::mem::swap(&mut before, &mut line);
    }
    Ok(())
}

/// The bytes of one dump.
struct Content<'a> {
    input: &'a mut dyn BufRead,
    dump: Dump,
    line: Vec<u8>,
    /// Bytes that are handed on, and how many of them are.
    bytes: Vec<u8>,
    read: usize,
    is_over: bool,
}

impl Content<'_> {
    fn push_line(&mut self) {
        let line = std::mem::take(&mut self.line);
        self.push(&line);
        self.line = line;
    }

    fn push(&mut self, line: &[u8]) {
        if self.dump.line(line, &mut self.bytes) == Line::Behind {
            self.end();
        }
    }

    fn end(&mut self) {
        self.dump.finish(&mut self.bytes);
        self.is_over = true;
    }
}

impl Read for Content<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        while self.read == self.bytes.len() && !self.is_over {
            self.bytes.clear();
            self.read = 0;
            if read_line(&mut self.input, &mut self.line, MAX_LINE)? {
                self.push_line();
            } else {
                self.line.clear();
                self.end();
            }
        }
        let count = (&self.bytes[self.read..]).read(buf)?;
        self.read += count;
        Ok(count)
    }
}
