//! Cabinet files: stored, MSZIP and LZX. Each folder is read once, from its start to its end.
//!
//! Sources: Microsoft's MS-CAB; Microsoft's "MSZIP Data Compression Format".

use super::zip_directory::{u16_at, u32_at};
use super::{Open, Reader, Walk};
use crate::Member;
use crate::budget::Metered;
use crate::name::clean;
use flate2::{Decompress, FlushDecompress, Status};
use keysweep_image::{ReadAt, read_into};
use lzxd::{Lzxd, WindowSize};
use std::collections::BTreeMap;
use std::io::{self, Read};

pub(super) const READER: Reader = Reader { name: "cab", detect, open: Open::Opaque(open) };

const MAGIC: &[u8] = b"MSCF\0\0\0\0";
const HEADER: usize = 36;
/// Flags: a cabinet before, one behind, reserved parts.
const BEFORE: u16 = 1;
const BEHIND: u16 = 2;
const RESERVED: u16 = 4;
/// Most bytes of a name.
const MAX_NAME: usize = 1024;
/// Bytes of a block, unpacked.
const MAX_BLOCK: usize = 32 << 10;
/// Blocks and their overhead, packed.
const MAX_PACKED: usize = MAX_BLOCK + 6144;

/// The signature with the zeros behind it: what else is not right is told when it is opened.
fn detect(head: &[u8]) -> bool {
    head.starts_with(MAGIC)
}

/// A file of a folder.
struct Entry {
    name: String,
    size: u64,
}

struct Cabinet<'a> {
    source: &'a dyn ReadAt,
    /// Bytes reserved in each block.
    reserved: usize,
}

fn open(source: &dyn ReadAt, walk: &mut Walk<'_>) {
    if let Err(error) = folders(source, walk) {
        walk.problem(None, format!("damaged cabinet: {}", super::reason(&error)));
    }
}

fn folders(source: &dyn ReadAt, walk: &mut Walk<'_>) -> io::Result<()> {
    let header = bytes(source, 0, HEADER)?;
    let (folders, files, flags) = (u16_at(&header, 26), u16_at(&header, 28), u16_at(&header, 30));
    let mut at = HEADER as u64;
    let (mut folder_reserved, mut reserved) = (0, 0);
    if flags & RESERVED != 0 {
        let sizes = bytes(source, at, 4)?;
        (folder_reserved, reserved) = (u64::from(sizes[2]), usize::from(sizes[3]));
        at += 4 + u64::from(u16_at(&sizes, 0));
    }
    for flag in [BEFORE, BEHIND] {
        // The name of the other cabinet, and that of its disk.
        for _ in 0..if flags & flag != 0 { 2 } else { 0 } {
            at += text(source, at)?.len() as u64 + 1;
        }
    }
    let entries = entries(source, u64::from(u32_at(&header, 16)), files, walk)?;
    let lost: usize = entries.range(folders..).map(|(_, files)| files.len()).sum();
    if lost > 0 || files == 0 {
        walk.problem(None, format!("damaged cabinet: {lost} of {files} files lie in no folder of it"));
    }
    let cabinet = Cabinet { source, reserved };
    for index in 0..folders {
        let folder = bytes(source, at, 8)?;
        at += 8 + folder_reserved;
        let Some(files) = entries.get(&index) else { continue };
        let (start, blocks, method) = (u32_at(&folder, 0), u16_at(&folder, 4), u16_at(&folder, 6));
        let Some(method) = Method::new(method) else {
            walk.problem(
                None,
                format!("a folder of {} files is compressed by a method that is not known", files.len()),
            );
            continue;
        };
        let mut content = Content::new(&cabinet, u64::from(start), blocks, method);
        if !members(&mut content, files, walk)? {
            return Ok(());
        }
    }
    Ok(())
}

/// The files, by folder and by where they begin in it.
fn entries(
    source: &dyn ReadAt,
    mut at: u64,
    count: u16,
    walk: &mut Walk<'_>,
) -> io::Result<BTreeMap<u16, BTreeMap<u64, Entry>>> {
    let mut entries: BTreeMap<u16, BTreeMap<u64, Entry>> = BTreeMap::new();
    let mut elsewhere = 0;
    for _ in 0..count {
        let fixed = bytes(source, at, 16)?;
        let name = text(source, at + 16)?;
        at += 17 + name.len() as u64;
        let (size, start, folder) = (u64::from(u32_at(&fixed, 0)), u64::from(u32_at(&fixed, 4)), u16_at(&fixed, 8));
        if folder >= 0xfffd {
            elsewhere += 1;
        } else if size > 0 {
            entries.entry(folder).or_default().insert(start, Entry { name: clean(&name), size });
        }
    }
    if elsewhere > 0 {
        walk.problem(None, format!("{elsewhere} files go on in another cabinet, and were not looked into"));
    }
    Ok(entries)
}

/// Hands the files of a folder on; `false` if the walk is over.
fn members(content: &mut Content<'_>, files: &BTreeMap<u64, Entry>, walk: &mut Walk<'_>) -> io::Result<bool> {
    let mut position = 0;
    for (start, entry) in files {
        let Some(gap) = start.checked_sub(position) else {
            walk.problem(Some(&entry.name), "overlaps another file of the cabinet: not looked into");
            continue;
        };
        pass_over(content, gap, walk)?;
        let mut file = Exactly { inner: content, left: entry.size };
        if !walk.member(Member::unpacked(entry.name.clone()), &mut file) {
            return Ok(false);
        }
        let left = file.left;
        pass_over(content, left, walk)?;
        position = start + entry.size;
    }
    Ok(true)
}

/// Passes over `count` bytes, which are unpacked all the same.
fn pass_over(content: &mut Content<'_>, count: u64, walk: &Walk<'_>) -> io::Result<()> {
    let mut metered = Metered { inner: content.take(count), budget: walk.budget };
    if io::copy(&mut metered, &mut io::sink())? < count {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(())
}

/// Reads as many bytes as a file is said to have; fewer are an error.
struct Exactly<'a, 'b> {
    inner: &'a mut Content<'b>,
    left: u64,
}

impl Read for Exactly<'_, '_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let want = self.left.min(buf.len() as u64) as usize;
        if want == 0 {
            return Ok(0);
        }
        match self.inner.read(&mut buf[..want])? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            count => {
                self.left -= count as u64;
                Ok(count)
            }
        }
    }
}

enum Method {
    Stored,
    /// Deflate, where each block goes on with the window of the last.
    MsZip,
    Lzx(Box<Lzxd>),
}

impl Method {
    fn new(code: u16) -> Option<Self> {
        match code & 0xf {
            0 => Some(Method::Stored),
            1 => Some(Method::MsZip),
            3 => Some(Method::Lzx(Box::new(Lzxd::new(match code >> 8 & 0x1f {
                15 => WindowSize::KB32,
                16 => WindowSize::KB64,
                17 => WindowSize::KB128,
                18 => WindowSize::KB256,
                19 => WindowSize::KB512,
                20 => WindowSize::MB1,
                21 => WindowSize::MB2,
                _ => return None,
            })))),
            _ => None,
        }
    }
}

/// The unpacked bytes of a folder.
struct Content<'a> {
    cabinet: &'a Cabinet<'a>,
    at: u64,
    blocks: u16,
    method: Method,
    /// The block being handed on, and how much of it was.
    block: Vec<u8>,
    done: usize,
}

impl<'a> Content<'a> {
    fn new(cabinet: &'a Cabinet<'a>, at: u64, blocks: u16, method: Method) -> Self {
        Self { cabinet, at, blocks, method, block: Vec::new(), done: 0 }
    }

    /// Unpacks the next block.
    fn next(&mut self) -> io::Result<()> {
        let reserved = self.cabinet.reserved;
        let header = bytes(self.cabinet.source, self.at, 8 + reserved)?;
        let (packed, size) = (usize::from(u16_at(&header, 4)), usize::from(u16_at(&header, 6)));
        if packed > MAX_PACKED || size > MAX_BLOCK || size == 0 {
            return Err(io::Error::other("a block that is too large, or goes on in another cabinet"));
        }
        let data = bytes(self.cabinet.source, self.at + header.len() as u64, packed)?;
        self.at += (header.len() + packed) as u64;
        self.blocks -= 1;
        self.block = match &mut self.method {
            Method::Stored => data,
            Method::MsZip => inflate(&data, &self.block, size)?,
            Method::Lzx(lzx) => lzx.decompress_next(&data, size).map_err(|e| io::Error::other(e.to_string()))?.to_vec(),
        };
        self.done = 0;
        Ok(())
    }
}

fn inflate(data: &[u8], window: &[u8], size: usize) -> io::Result<Vec<u8>> {
    let data = data.strip_prefix(b"CK").ok_or_else(|| io::Error::other("a block without its mark"))?;
    let mut inflate = Decompress::new(false);
    if !window.is_empty() {
        inflate.set_dictionary(window).map_err(io::Error::other)?;
    }
    let mut out = Vec::with_capacity(size);
    match inflate.decompress_vec(data, &mut out, FlushDecompress::Finish) {
        Ok(Status::StreamEnd | Status::Ok) if out.len() == size => Ok(out),
        _ => Err(io::Error::other("a block that cannot be unpacked")),
    }
}

impl Read for Content<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        while self.done == self.block.len() {
            if self.blocks == 0 {
                return Ok(0);
            }
            self.next()?;
        }
        let count = (self.block.len() - self.done).min(buf.len());
        buf[..count].copy_from_slice(&self.block[self.done..self.done + count]);
        self.done += count;
        Ok(count)
    }
}

fn bytes(source: &dyn ReadAt, at: u64, len: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; len];
    match read_into(source, at, &mut bytes) == len {
        true => Ok(bytes),
        false => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

/// The bytes before the next zero.
fn text(source: &dyn ReadAt, at: u64) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; MAX_NAME];
    let read = read_into(source, at, &mut bytes);
    let end = bytes[..read].iter().position(|b| *b == 0).ok_or_else(|| io::Error::other("a name without an end"))?;
    bytes.truncate(end);
    Ok(bytes)
}
