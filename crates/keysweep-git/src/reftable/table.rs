//! One file of a reftable (git, `Documentation/technical/reftable`): a header, blocks of refs and of logs, a footer.
//!
//! Blocks are read one after the other. Their indexes only save time, and are not looked at: what a damaged or hostile index leaves out
//! is read all the same.

use super::record::{LogRecord, Records, Target};
use gix::hash;
use gix::zlib::{Inflate, Status};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::ControlFlow;
use std::path::Path;

/// Bytes of blocks that are read of all tables of a stack. The refs of the largest servers take some dozens of MiB, logs not more.
pub(super) const MAX_BYTES: u64 = 2 << 30;
/// What a block costs of that at least: to read many small ones takes time, too.
const MIN_COST: usize = 1_024;
/// Length of the first version's header.
const HEADER: usize = 24;
/// What the footer has after the header: five positions and a checksum.
const FOOTER: usize = 44;

/// A table, opened.
pub(super) struct Table {
    file: File,
    hash: hash::Kind,
    header: u64,
    block_size: u64,
    /// Where the first block of logs is, if there is one.
    logs: Option<u64>,
    /// Where the footer begins.
    end: u64,
}

/// A block without what frames its records.
struct Block {
    bytes: Vec<u8>,
    /// Where the next block is.
    next: u64,
}

/// Why a table cannot be read.
pub(super) type Defect = String;

/// What a visitor answers.
pub(super) type Flow = ControlFlow<Option<Defect>>;

impl Table {
    /// Opens a table whose ids are of this kind.
    ///
    /// # Errors
    ///
    /// As the system says; what is no table is invalid data.
    pub(super) fn open(path: &Path, hash: hash::Kind) -> io::Result<Self> {
        let damaged = |why: &str| io::Error::new(io::ErrorKind::InvalidData, why);
        if !std::fs::metadata(path)?.is_file() {
            return Err(damaged("not a file: not opened"));
        }
        let mut file = File::open(path)?;
        let size = file.metadata()?.len();
        let mut start = [0; HEADER + 4];
        let read = read_up_to(&mut file, &mut start)?;
        let version = Some(start[4]).filter(|_| read >= HEADER && start.starts_with(b"REFT"));
        let (header, own) = match version {
            Some(1) => (HEADER, hash::Kind::Sha1),
            Some(2) => match &start[HEADER..] {
                b"sha1" => (HEADER + 4, hash::Kind::Sha1),
                b"s256" => (HEADER + 4, hash::Kind::Sha256),
                _ => return Err(damaged("a reftable of an unknown kind of ids")),
            },
            Some(_) => return Err(damaged("a reftable of an unknown version")),
            None => return Err(damaged("not a reftable")),
        };
        if own != hash {
            return Err(damaged("a reftable of another kind of ids than the repository's"));
        }
        let length = header + FOOTER;
        let end = size.checked_sub(length as u64).filter(|end| *end >= header as u64);
        let end = end.ok_or_else(|| damaged("a reftable that is cut off"))?;
        let mut footer = vec![0; length];
        file.seek(SeekFrom::Start(end))?;
        file.read_exact(&mut footer)?;
        let (sealed, checksum) = footer.split_at(length - 4);
        if sealed[..header] != start[..header] || crc32(sealed).to_be_bytes() != checksum {
            return Err(damaged("a reftable whose footer is damaged"));
        }
        let position = |at: usize| number(&footer[header + 8 * at..][..8]);
        let block_size = number(&start[5..8]);
        let mut table = Self { file, hash, header: header as u64, block_size, logs: None, end };
        let first = table.kind_at(header as u64)?;
        table.logs = Some(position(3)).filter(|at| *at > 0 || first == Some(b'g'));
        Ok(table)
    }

    /// Hands out all refs in the order of their names, until the visitor has seen enough.
    pub(super) fn refs(
        &mut self,
        budget: &mut u64,
        visit: &mut dyn FnMut(&[u8], Target) -> Flow,
    ) -> Result<(), Defect> {
        let (mut at, mut key) = (0, Vec::new());
        while let Some(block) = self.block(at, b'r', budget)? {
            let mut records = Records::new(&block.bytes, self.hash, &mut key);
            while !records.is_empty() {
                let (name, target) = records.reference().ok_or("a ref in it is damaged")?;
                if let ControlFlow::Break(why) = visit(name, target) {
                    return why.map_or(Ok(()), Err);
                }
            }
            at = block.next;
        }
        Ok(())
    }

    /// Hands out all lines of logs by the names of their refs, the newest first.
    pub(super) fn logs(
        &mut self,
        budget: &mut u64,
        visit: &mut dyn FnMut(LogRecord<'_>) -> Flow,
    ) -> Result<(), Defect> {
        let Some(mut at) = self.logs else { return Ok(()) };
        let mut key = Vec::new();
        while let Some(block) = self.block(at, b'g', budget)? {
            let mut records = Records::new(&block.bytes, self.hash, &mut key);
            while !records.is_empty() {
                let record = records.log().ok_or("a line of a log in it is damaged")?;
                if let ControlFlow::Break(why) = visit(record) {
                    return why.map_or(Ok(()), Err);
                }
            }
            at = block.next;
        }
        Ok(())
    }

    /// What kind of block begins at a position; none at the end.
    fn kind_at(&mut self, at: u64) -> io::Result<Option<u8>> {
        let mut kind = [0];
        if at >= self.end {
            return Ok(None);
        }
        self.file.seek(SeekFrom::Start(at))?;
        self.file.read_exact(&mut kind)?;
        Ok(Some(kind[0]))
    }

    /// The block at a position, if it is of this kind.
    fn block(&mut self, at: u64, kind: u8, budget: &mut u64) -> Result<Option<Block>, Defect> {
        // The first block counts the header as its own.
        let skip = if at == 0 { self.header as usize } else { 0 };
        let start = at.checked_add(skip as u64).ok_or("a block lies outside of it")?;
        match self.kind_at(start).map_err(|error| error.to_string())? {
            Some(there) if there == kind => {}
            // Other kinds follow, and then the end.
            None | Some(b'r' | b'i' | b'o' | b'g') => return Ok(None),
            Some(_) => return Err("what follows a block is none".to_owned()),
        }
        let mut length = [0; 3];
        self.file.read_exact(&mut length).map_err(|error| error.to_string())?;
        let length = number(&length) as usize;
        let body = length.checked_sub(skip + 4).ok_or("a block is too short")?;
        *budget = budget.checked_sub(length.max(MIN_COST) as u64).ok_or("there is more in the tables than is read")?;
        let (mut bytes, next) = match kind {
            b'g' => self.inflated(start + 4, body)?,
            _ => (self.read(start + 4, body)?, self.after(at, length as u64)?),
        };
        // Offsets of three bytes to records that stand by themselves, and their count.
        let restarts = bytes.last_chunk::<2>().map(|count| usize::from(u16::from_be_bytes(*count)));
        let records = restarts.and_then(|count| bytes.len().checked_sub(2 + 3 * count));
        bytes.truncate(records.ok_or("a block is damaged")?);
        Ok(Some(Block { bytes, next }))
    }

    /// Where the block after one begins: blocks are filled up to a common size, or follow each other.
    fn after(&mut self, at: u64, length: u64) -> Result<u64, Defect> {
        let close = at + length;
        let is_filled = length < self.block_size
            && self.kind_at(close).map_err(|error| error.to_string())?.is_none_or(|byte| byte == 0);
        Ok(if is_filled { at + self.block_size } else { close })
    }

    fn read(&mut self, at: u64, length: usize) -> Result<Vec<u8>, Defect> {
        if at.checked_add(length as u64).is_none_or(|end| end > self.end) {
            return Err("a block lies outside of it".to_owned());
        }
        let mut bytes = vec![0; length];
        self.file.seek(SeekFrom::Start(at)).map_err(|error| error.to_string())?;
        self.file.read_exact(&mut bytes).map_err(|error| error.to_string())?;
        Ok(bytes)
    }

    /// Inflates a block; its contents, and where the compressed ones end.
    fn inflated(&mut self, at: u64, length: usize) -> Result<(Vec<u8>, u64), Defect> {
        // What cannot be compressed grows by a few bytes in a thousand.
        let bound = (length + length / 64 + 1_024) as u64;
        let compressed = self.read(at, bound.min(self.end.saturating_sub(at)) as usize)?;
        let mut bytes = vec![0; length];
        match Inflate::default().once(&compressed, &mut bytes) {
            Ok((Status::StreamEnd, used, written)) if written == length => Ok((bytes, at + used as u64)),
            Ok(_) => Err("a block of logs has another length than it says".to_owned()),
            Err(_) => Err("a block of logs cannot be inflated".to_owned()),
        }
    }
}

/// Big-endian bytes as a number.
fn number(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// The checksum of a footer, which is short.
pub(super) fn crc32(bytes: &[u8]) -> u32 {
    let shifted = |crc: u32, _| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 };
    !bytes.iter().fold(u32::MAX, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), shifted))
}

/// Reads until the buffer is full or the file ends.
fn read_up_to(file: &mut File, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match file.read(&mut buffer[filled..])? {
            0 => break,
            read => filled += read,
        }
    }
    Ok(filled)
}
