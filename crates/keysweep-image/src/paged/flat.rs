//! The flattened format of makedumpfile, which is written to pipes: records of a file, each with the place where it belongs.
//!
//! After a header of 4096 bytes come records: offset and length (8 bytes each, big endian), then the bytes. An offset of -1 ends
//! the list. A later record replaces what an earlier one wrote to the same place.
//!
//! Sources: `makedumpfile(8)`; the structures as libkdumpfile and QEMU's `dump/dump.c` describe them.

use std::collections::BTreeMap;
use std::io;

use crate::fields::Fields;
use crate::read::{ReadAt, read_into, read_vec};

const SIGNATURE: &[u8] = b"makedumpfile\0\0\0\0";
const HEADER: u64 = 4096;
const RECORD: u64 = 16;

/// Records that one mark stands for: its first is remembered, the others are walked to.
const STRIDE: u32 = 32;
/// Marks that are kept, at 32 bytes each.
const MAX_MARKS: usize = 1 << 19;
/// Records that are walked through at all. QEMU writes 16 KiB in each: more than 500 GiB.
const MAX_RECORDS: u64 = 1 << 25;

/// Whether a source begins so.
pub(super) fn detect(head: &[u8]) -> bool {
    let fields = Fields { bytes: head, big_endian: true };
    head.starts_with(SIGNATURE) && fields.u64(16) == Some(1) && fields.u64(24) == Some(1)
}

/// A flattened file, read as what it is when it is rearranged. What no record holds is zeros.
pub(super) struct Flat<'a> {
    src: &'a dyn ReadAt,
    marks: Vec<Mark>,
    len: u64,
}

/// Records that follow one another, in the file and in what they make.
#[derive(Clone, Copy, Debug)]
struct Mark {
    /// What they hold that no later record replaces.
    start: u64,
    end: u64,
    /// Where the first one belongs, and where its header lies.
    base: u64,
    at: u64,
}

impl<'a> Flat<'a> {
    /// Reads the list of records; with why it is not whole.
    pub(super) fn new(src: &'a dyn ReadAt) -> (Self, Option<&'static str>) {
        let mut marks = Marks::default();
        let mut reader = Records::new(src);
        let problem = loop {
            match reader.next() {
                Next::Record { to, len, at } => {
                    if !marks.add(to, len, at) {
                        break Some("it has more records than are read");
                    }
                }
                Next::End => break None,
                Next::TooMany => break Some("it has more records than are read"),
                Next::Cut => break Some("it ends before the mark of its end"),
                Next::Bad => break Some("one of its records is damaged, and hides all that follow"),
            }
        };
        marks.flush();
        let marks: Vec<Mark> = marks.marks.into_values().collect();
        let len = marks.last().map_or(0, |mark| mark.end);
        (Self { src, marks, len }, problem)
    }

    /// Fills `buf` from a mark that covers `offset`.
    fn read_mark(&self, mark: &Mark, offset: u64, buf: &mut [u8]) -> usize {
        let (mut belongs, mut at) = (mark.base, mark.at);
        let mut done = 0;
        for _ in 0..STRIDE {
            let Some((_, len)) = header(self.src, at) else { break };
            let end = belongs.saturating_add(len);
            let position = offset + done as u64;
            if position < end {
                let here = usize::try_from(end - position).unwrap_or(usize::MAX).min(buf.len() - done);
                let from = at.saturating_add(RECORD).saturating_add(position - belongs);
                let read = read_into(self.src, from, &mut buf[done..done + here]);
                done += read;
                if read < here || done == buf.len() {
                    break;
                }
            }
            at = at.saturating_add(RECORD).saturating_add(len);
            belongs = end;
        }
        done
    }
}

impl ReadAt for Flat<'_> {
    fn len(&self) -> u64 {
        self.len
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        let want = usize::try_from(self.len.saturating_sub(offset)).unwrap_or(usize::MAX).min(buf.len());
        let mut done = 0;
        while done < want {
            let position = offset + done as u64;
            let after = self.marks.partition_point(|mark| mark.start <= position);
            let before = after.checked_sub(1).and_then(|index| self.marks.get(index));
            let room = |end: u64| usize::try_from(end - position).unwrap_or(usize::MAX).min(want - done);
            match before.filter(|mark| position < mark.end) {
                Some(mark) => {
                    let part = &mut buf[done..][..room(mark.end)];
                    let read = self.read_mark(mark, position, part);
                    if read == 0 {
                        break;
                    }
                    done += read;
                }
                None => {
                    let gap = room(self.marks.get(after).map_or(self.len, |next| next.start));
                    buf[done..][..gap].fill(0);
                    done += gap;
                }
            }
        }
        Ok(done)
    }
}

/// Where a record belongs, and its length.
fn header(src: &dyn ReadAt, at: u64) -> Option<(u64, u64)> {
    let mut bytes = [0; RECORD as usize];
    if read_into(src, at, &mut bytes) < bytes.len() {
        return None;
    }
    let fields = Fields { bytes: &bytes, big_endian: true };
    Some((fields.u64(0)?, fields.u64(8)?))
}

/// Walks through the headers of records.
struct Records<'a> {
    src: &'a dyn ReadAt,
    at: u64,
    left: u64,
    /// A part of the file with the next headers, where records are small.
    block: Vec<u8>,
    block_at: u64,
}

enum Next {
    Record { to: u64, len: u64, at: u64 },
    End,
    TooMany,
    Cut,
    Bad,
}

impl<'a> Records<'a> {
    fn new(src: &'a dyn ReadAt) -> Self {
        Self { src, at: HEADER, left: MAX_RECORDS, block: Vec::new(), block_at: 0 }
    }

    fn header(&mut self) -> Option<(u64, u64)> {
        const BLOCK: u64 = 4096;
        if self.held().is_none() {
            self.block = read_vec(self.src, self.at, BLOCK);
            self.block_at = self.at;
        }
        let fields = Fields { bytes: self.held()?, big_endian: true };
        Some((fields.u64(0)?, fields.u64(8)?))
    }

    /// The next header, if it is in the block.
    fn held(&self) -> Option<&[u8]> {
        let from = usize::try_from(self.at.checked_sub(self.block_at)?).ok()?;
        self.block.get(from..from.checked_add(RECORD as usize)?)
    }

    fn next(&mut self) -> Next {
        let Some((to, len)) = self.header() else { return Next::Cut };
        if to == u64::MAX {
            return Next::End;
        }
        let at = self.at;
        let end = to.checked_add(len).filter(|end| i64::try_from(*end).is_ok());
        if len == 0 || end.is_none() {
            return Next::Bad;
        }
        if self.left == 0 {
            return Next::TooMany;
        }
        self.left -= 1;
        let available = self.src.len().saturating_sub(at + RECORD);
        self.at = at.saturating_add(RECORD).saturating_add(len);
        match len.min(available) {
            0 => Next::Cut,
            // Of a record that is cut, the beginning is there; the next header is not.
            len => Next::Record { to, len, at },
        }
    }
}

/// Marks in the making.
#[derive(Default)]
struct Marks {
    marks: BTreeMap<u64, Mark>,
    open: Option<(Mark, u32)>,
    /// Where the record after the open ones would lie.
    next_at: u64,
}

impl Marks {
    /// Adds a record; `false` if there are too many marks.
    fn add(&mut self, to: u64, len: u64, at: u64) -> bool {
        match &mut self.open {
            Some((mark, count)) if mark.end == to && self.next_at == at && *count < STRIDE => {
                mark.end += len;
                *count += 1;
            }
            _ => {
                self.flush();
                self.open = Some((Mark { start: to, end: to + len, base: to, at }, 1));
            }
        }
        self.next_at = at + RECORD + len;
        self.marks.len() < MAX_MARKS
    }

    /// Puts the open mark among the others, of which it replaces what it overlaps.
    fn flush(&mut self) {
        let Some((mark, _)) = self.open.take() else { return };
        let before = self.marks.range_mut(..mark.start).next_back().map(|(_, before)| before);
        if let Some(before) = before.filter(|before| before.end > mark.start) {
            let rest = Mark { start: mark.end, ..*before };
            before.end = mark.start;
            if rest.start < rest.end {
                self.marks.insert(rest.start, rest);
            }
        }
        while let Some((&start, &covered)) = self.marks.range(mark.start..mark.end).next() {
            self.marks.remove(&start);
            if covered.end > mark.end {
                self.marks.insert(mark.end, Mark { start: mark.end, ..covered });
            }
        }
        self.marks.insert(mark.start, mark);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(records: &[(u64, &[u8])], end: bool) -> Vec<u8> {
        let mut file = [SIGNATURE, &1_u64.to_be_bytes(), &1_u64.to_be_bytes()].concat();
        file.resize(HEADER as usize, 0);
        for (to, bytes) in records {
            file.extend([to.to_be_bytes(), bytes.len().to_be_bytes()].concat());
            file.extend(*bytes);
        }
        if end {
            file.extend([0xff; 16]);
        }
        file
    }

    #[test]
    fn as_written_to_a_file() {
        let mut random = 7_u64;
        let mut below = |limit: u64| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (random >> 33) % limit
        };
        for round in 0..300 {
            let mut expected: Vec<u8> = Vec::new();
            let mut records = Vec::new();
            let mut to = 0;
            for _ in 0..below(200) {
                // Mostly one behind the other, as writers do.
                to = if below(8) == 0 { below(3000) } else { to };
                let bytes: Vec<u8> = (0..=below(40)).map(|_| below(255) as u8 + 1).collect();
                let end = to as usize + bytes.len();
                expected.resize(expected.len().max(end), 0);
                expected[to as usize..end].copy_from_slice(&bytes);
                records.push((to, bytes));
                to = end as u64;
            }
            let records: Vec<(u64, &[u8])> = records.iter().map(|(to, bytes)| (*to, bytes.as_slice())).collect();
            let file = file(&records, true);
            let (flat, problem) = Flat::new(&file);
            assert_eq!((flat.len(), problem), (expected.len() as u64, None));
            assert_eq!(read_vec(&flat, 0, 1 << 20), expected, "round {round}");
            for _ in 0..20 {
                let (from, len) = (below(3000), below(300));
                let part = expected.get(from as usize..).unwrap_or_default();
                assert_eq!(read_vec(&flat, from, len), part[..part.len().min(len as usize)]);
            }
        }
    }

    #[test]
    fn what_is_cut_or_damaged_is_told() {
        let whole = file(&[(0, b"0123456789"), (10, b"abcdef")], true);
        assert!(detect(&whole) && Flat::new(&whole).1.is_none());
        for cut in HEADER as usize..whole.len() {
            let file = whole[..cut].to_vec();
            let (flat, problem) = Flat::new(&file);
            assert!(problem.is_some(), "{cut}");
            let read = read_vec(&flat, 0, 100);
            assert!(b"0123456789abcdef".starts_with(&read), "{cut} {read:?}");
        }
        for (to, len) in [(5_u64, 0_u64), (1 << 63, 1), (i64::MAX as u64, 1), (u64::MAX - 1, 9)] {
            let mut file = file(&[(0, b"0123456789")], false);
            file.extend([to.to_be_bytes(), len.to_be_bytes()].concat());
            file.extend(b"more");
            let (flat, problem) = Flat::new(&file);
            assert!(problem.is_some_and(|p| p.contains("damaged")) && flat.len() == 10, "{to} {len}");
        }
    }
}
