//! The directory of a zip file, read entry by entry: it is at the end of the file, and may have a million entries.
//!
//! Source: PKWARE's APPNOTE.TXT, version 6.3.10.

use keysweep_image::{ReadAt, read_into};

const END: &[u8] = b"PK\x05\x06";
const END_LEN: usize = 22;
const END64: &[u8] = b"PK\x06\x06";
const END64_LEN: u64 = 56;
const LOCATOR: &[u8] = b"PK\x06\x07";
const LOCATOR_LEN: u64 = 20;
const ENTRY: &[u8] = b"PK\x01\x02";
const ENTRY_LEN: usize = 46;
/// The end record may be followed by a comment of this length.
const MAX_COMMENT: u64 = 0xffff;
/// End records looked at, from the last one on: a comment may hold more of them.
const MAX_ENDS: usize = 64;

/// Where the directory lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Directory {
    /// Offset of the first entry in the file.
    pub(super) start: u64,
    /// Offset behind the last one.
    pub(super) end: u64,
    /// Number of entries, as it is written; with the old form modulo 65,536.
    pub(super) entries: u64,
    /// What to add to written offsets: the length of a prefix.
    pub(super) base: u64,
    /// Bytes that are missing before the directory: what to take away from written offsets.
    pub(super) lost: u64,
}

impl Directory {
    /// Where what is written to lie at `offset` lies in the file.
    pub(super) fn place(&self, offset: u64) -> Option<u64> {
        self.base.checked_add(offset)?.checked_sub(self.lost)
    }
}

/// An entry of the directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) name: Vec<u8>,
    pub(super) flags: u16,
    pub(super) method: u16,
    pub(super) crc: u32,
    pub(super) compressed: u64,
    pub(super) size: u64,
    /// Written offset of the local header.
    pub(super) header: u64,
}

pub(super) fn u16_at(bytes: &[u8], at: usize) -> u16 {
    bytes.get(at..at + 2).map_or(0, |b| u16::from_le_bytes([b[0], b[1]]))
}

pub(super) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from(u16_at(bytes, at)) | u32::from(u16_at(bytes, at + 2)) << 16
}

pub(super) fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from(u32_at(bytes, at)) | u64::from(u32_at(bytes, at + 4)) << 32
}

/// The directory of a zip file, if one lies where an end record says.
pub(super) fn find(source: &dyn ReadAt) -> Option<Directory> {
    let start = source.len().saturating_sub(END_LEN as u64 + MAX_COMMENT);
    let mut tail = vec![0; (source.len() - start) as usize];
    let read = read_into(source, start, &mut tail);
    tail.truncate(read);
    memchr::memmem::rfind_iter(&tail, END).take(MAX_ENDS).find_map(|at| {
        let record = tail.get(at..at + END_LEN)?;
        let comment = usize::from(u16_at(record, 20));
        (at + END_LEN + comment <= tail.len()).then(|| directory(source, start + at as u64, record)).flatten()
    })
}

fn directory(source: &dyn ReadAt, at: u64, record: &[u8]) -> Option<Directory> {
    let old = (u64::from(u16_at(record, 10)), u64::from(u32_at(record, 12)), u64::from(u32_at(record, 16)));
    if let Some(directory) = directory64(source, at) {
        return Some(directory);
    }
    let (entries, size, offset) = old;
    placed(source, at, entries, size, offset)
}

/// By the records of zip64.
fn directory64(source: &dyn ReadAt, end: u64) -> Option<Directory> {
    let mut locator = [0; LOCATOR_LEN as usize];
    let at = end.checked_sub(LOCATOR_LEN)?;
    if read_into(source, at, &mut locator) < locator.len() || !locator.starts_with(LOCATOR) {
        return None;
    }
    // Behind a prefix the written offset is wrong, but the record is where it always is.
    [at.checked_sub(END64_LEN)?, u64_at(&locator, 8)].into_iter().find_map(|at| {
        let mut record = [0; END64_LEN as usize];
        let is_there = read_into(source, at, &mut record) == record.len() && record.starts_with(END64);
        is_there.then(|| placed(source, at, u64_at(&record, 32), u64_at(&record, 40), u64_at(&record, 48))).flatten()
    })
}

/// The directory lies right before `end`, or else where it is said to.
fn placed(source: &dyn ReadAt, end: u64, entries: u64, size: u64, offset: u64) -> Option<Directory> {
    if entries == 0 && size == 0 {
        return (end == offset).then_some(Directory { start: end, end, entries, base: 0, lost: 0 });
    }
    let begins_entry = |at: u64| {
        let mut magic = [0; 4];
        read_into(source, at, &mut magic) == 4 && magic == *ENTRY
    };
    let directory = |start: u64, stop: u64, base: u64, lost: u64| {
        begins_entry(start).then_some(Directory { start, end: stop, entries, base, lost })
    };
    let before = end.checked_sub(size);
    let as_said =
        || offset.checked_add(size).filter(|stop| *stop <= end).and_then(|stop| directory(offset, stop, 0, 0));
    before
        .filter(|start| *start >= offset)
        .and_then(|start| directory(start, end, start - offset, 0))
        .or_else(as_said)
        // It lies before the place it names: the beginning of the file is lost.
        .or_else(|| before.filter(|start| *start < offset).and_then(|start| directory(start, end, 0, offset - start)))
}

/// Entries one after the other.
pub(super) struct Entries<'a> {
    source: &'a dyn ReadAt,
    position: u64,
    end: u64,
    block: Vec<u8>,
    block_at: u64,
}

impl<'a> Entries<'a> {
    pub(super) fn new(source: &'a dyn ReadAt, directory: &Directory) -> Self {
        Self { source, position: directory.start, end: directory.end, block: Vec::new(), block_at: 0 }
    }

    /// `len` bytes from `at` on, read in blocks.
    fn bytes(&mut self, at: u64, len: usize) -> Option<&[u8]> {
        let inside = |block_at: u64, block: &[u8]| at >= block_at && at + len as u64 <= block_at + block.len() as u64;
        if !inside(self.block_at, &self.block) {
            let want = self.end.saturating_sub(at).min(256 << 10) as usize;
            self.block.resize(want, 0);
            let read = read_into(self.source, at, &mut self.block);
            self.block.truncate(read);
            self.block_at = at;
        }
        let from = (at - self.block_at) as usize;
        self.block.get(from..from + len)
    }

    /// The next entry; `None` at the end, `Some(None)` where one should be and is none.
    pub(super) fn next(&mut self) -> Option<Option<Entry>> {
        if self.position >= self.end {
            return None;
        }
        let entry = self.read();
        if entry.is_none() {
            self.position = self.end;
        }
        Some(entry)
    }

    fn read(&mut self) -> Option<Entry> {
        let at = self.position;
        let fixed = self.bytes(at, ENTRY_LEN).filter(|b| b.starts_with(ENTRY))?;
        let (name, extra, comment) =
            (usize::from(u16_at(fixed, 28)), usize::from(u16_at(fixed, 30)), usize::from(u16_at(fixed, 32)));
        let mut entry = Entry {
            name: Vec::new(),
            flags: u16_at(fixed, 8),
            method: u16_at(fixed, 10),
            crc: u32_at(fixed, 16),
            compressed: u64::from(u32_at(fixed, 20)),
            size: u64::from(u32_at(fixed, 24)),
            header: u64::from(u32_at(fixed, 42)),
        };
        let variable = self.bytes(at + ENTRY_LEN as u64, name + extra)?;
        entry.name = variable[..name].to_vec();
        widen(&mut entry, &variable[name..]);
        self.position = at + (ENTRY_LEN + name + extra + comment) as u64;
        Some(entry)
    }
}

/// Takes numbers that do not fit 32 bits from the extra field of zip64.
fn widen(entry: &mut Entry, mut extra: &[u8]) {
    while extra.len() >= 4 {
        let (id, len) = (u16_at(extra, 0), usize::from(u16_at(extra, 2)));
        let Some(field) = extra.get(4..4 + len) else { return };
        if id == 1 {
            let mut at = 0;
            for value in [&mut entry.size, &mut entry.compressed, &mut entry.header] {
                if *value == 0xffff_ffff && field.len() >= at + 8 {
                    *value = u64_at(field, at);
                    at += 8;
                }
            }
        }
        extra = &extra[4 + len..];
    }
}
