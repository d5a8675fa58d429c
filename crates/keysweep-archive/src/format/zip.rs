//! zip, zip64, and zip files behind a prefix such as a program that unpacks itself.
//!
//! Source: PKWARE's APPNOTE.TXT, version 6.3.10.

use super::xz::{Failing, MEMORY_KIB};
use super::zip_directory::{Directory, Entries, Entry, find, u16_at, u32_at};
use super::{Open, Reader, Walk, zstd};
use crate::Member;
use crate::name::clean;
use crate::reader::At;
use keysweep_image::{ReadAt, read_into};
use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Read};
use std::ops::Range;

pub(super) const READER: Reader = Reader { name: "zip", detect, open: Open::Random(open) };
/// Told by its end, see [`is_behind_prefix`].
pub(super) const BEHIND_PREFIX: Reader = Reader { name: "zip", detect: |_| false, open: Open::Random(open) };

const LOCAL: &[u8] = b"PK\x03\x04";
const LOCAL_LEN: usize = 30;
const EMPTY: &[u8] = b"PK\x05\x06\0\0\0\0\0\0\0\0";

/// Flags: the member is encrypted; its sizes follow it; strong encryption.
const ENCRYPTED: u16 = 1;
const SIZES_FOLLOW: u16 = 8;
const STRONG: u16 = 0x40;

/// The signature of the first member, which nothing else begins with, or the end record of an empty archive. What is not right
/// behind it is told when it is opened.
fn detect(head: &[u8]) -> bool {
    if head.starts_with(EMPTY) {
        return head.len() >= 22;
    }
    // Archives that once were split may begin with a mark.
    let head = [&b"PK\x07\x08"[..], b"PK00"].iter().find_map(|mark| head.strip_prefix(*mark)).unwrap_or(head);
    head.starts_with(LOCAL)
}

/// Whether a directory of a zip file ends the source, whatever it begins with.
pub(super) fn is_behind_prefix(source: &dyn ReadAt) -> bool {
    // Most files end otherwise; only programs get a longer look, for signatures and comments behind the directory.
    let mut end = [0; 22];
    let read = source.len().checked_sub(22).map_or(0, |at| read_into(source, at, &mut end));
    let plain = read == 22 && end.starts_with(b"PK\x05\x06");
    let mut magic = [0; 4];
    let read = read_into(source, 0, &mut magic);
    let program =
        matches!(&magic[..read], [b'M', b'Z', ..] | [0x7f, b'E', b'L', b'F'] | [0xcf | 0xce, 0xfa, 0xed, 0xfe]);
    // A sound directory right before the end shows that it is one, even if its beginning is cut off: what is missing is told.
    let shows =
        |d: Directory| d.start < d.end && (plain && d.end + 22 == source.len() || first_entry(source, &d).is_some());
    (plain || program) && find(source).is_some_and(shows)
}

/// Where the contents of the first entry lie, if its local header is where the entry says.
fn first_entry(source: &dyn ReadAt, directory: &Directory) -> Option<u64> {
    let entry = Entries::new(source, directory).next()??;
    contents(source, directory.place(entry.header)?)
}

/// The offset of the contents behind the local header at `at`.
fn contents(source: &dyn ReadAt, at: u64) -> Option<u64> {
    let mut header = [0; LOCAL_LEN];
    let is_there = read_into(source, at, &mut header) == LOCAL_LEN && header.starts_with(LOCAL);
    is_there.then(|| at + LOCAL_LEN as u64 + u64::from(u16_at(&header, 26)) + u64::from(u16_at(&header, 28)))
}

fn open(source: &dyn ReadAt, walk: &mut Walk<'_>) {
    match find(source) {
        Some(directory) => members(source, &directory, walk),
        None => {
            walk.problem(None, "the zip file has no directory at its end: cut off or damaged");
            let mut closed = Closed::default();
            salvage(source, 0..source.len(), walk, &mut closed);
            closed.tell(walk);
        }
    }
}

fn members(source: &dyn ReadAt, directory: &Directory, walk: &mut Walk<'_>) {
    let mut entries = Entries::new(source, directory);
    let mut closed = Closed::default();
    let (mut count, mut compressed) = (0_u64, 0_u64);
    let mut known: Vec<Range<u64>> = Vec::new();
    while let Some(entry) = entries.next() {
        let Some(entry) = entry else {
            return walk.problem(None, "the directory of the zip file is damaged");
        };
        count += 1;
        compressed = compressed.saturating_add(entry.compressed);
        if compressed > source.len() {
            closed.tell(walk);
            return walk.problem(None, "members of the zip file overlap: not all of them are opened");
        }
        let header = directory.place(entry.header);
        let start = header.and_then(|at| contents(source, at));
        known.extend(header.zip(start).map(|(header, start)| header..start.saturating_add(entry.compressed)));
        if is_folder(&entry) {
            continue;
        }
        let name = clean(&entry.name);
        let Some(start) = start else {
            walk.problem(Some(&name), "no header where the directory of the zip file says");
            if walk.budget.stopped().is_some() {
                return;
            }
            continue;
        };
        if !member(source, &entry, name, start, walk, &mut closed) {
            break;
        }
    }
    unlisted(source, directory.start, known, walk, &mut closed);
    closed.tell(walk);
    if walk.budget.stopped().is_none() && count & 0xffff != directory.entries & 0xffff {
        walk.problem(None, "the directory of the zip file does not hold as many members as it says");
    }
}

/// Whether an entry is a folder: what ends as the name of one may have contents.
fn is_folder(entry: &Entry) -> bool {
    // Contents of no bytes take two when they are compressed.
    entry.name.last() == Some(&b'/') && entry.size == 0 && entry.compressed <= 2
}

/// Members that the directory does not name, between and before those that it does: of files to which another zip file was appended, or from
/// which a member was taken away.
fn unlisted(source: &dyn ReadAt, end: u64, mut known: Vec<Range<u64>>, walk: &mut Walk<'_>, closed: &mut Closed) {
    known.sort_unstable_by_key(|range| range.start);
    let mut at = 0;
    for range in known.into_iter().chain(std::iter::once(end..end)) {
        // Sizes that follow a member, and signatures behind the last one, are shorter than a header or begin with none.
        if range.start.saturating_sub(at) > LOCAL_LEN as u64 && walk.budget.stopped().is_none() {
            salvage(source, at..range.start, walk, closed);
        }
        at = at.max(range.end);
    }
}

/// Members that cannot be looked into, told once for each reason: all of an archive are mostly encrypted, or none.
#[derive(Default)]
struct Closed(BTreeMap<String, (u64, String)>);

impl Closed {
    /// Notes a member; `false` if the walk is over.
    fn add(&mut self, name: String, why: String, walk: &mut Walk<'_>) -> bool {
        walk.visitor.closed(&name);
        self.0.entry(why).or_insert((0, name)).0 += 1;
        walk.budget.member()
    }

    fn tell(self, walk: &mut Walk<'_>) {
        for (why, (count, first)) in self.0 {
            match count {
                1 => walk.problem(Some(&first), format!("{why}: not looked into")),
                _ => walk
                    .problem(None, format!("{count} members are {why}, and were not looked into: {first} and others")),
            }
        }
    }
}

/// Hands a member on; `false` if the walk is over.
fn member(
    source: &dyn ReadAt,
    entry: &Entry,
    name: String,
    start: u64,
    walk: &mut Walk<'_>,
    closed: &mut Closed,
) -> bool {
    if entry.flags & (ENCRYPTED | STRONG) != 0 || entry.method == 99 {
        return closed.add(name, "encrypted".to_owned(), walk);
    }
    let end = start.saturating_add(entry.compressed);
    let reader = BufReader::with_capacity(32 << 10, At::new(source, start..end));
    let Some(mut content) = decoder(entry, reader) else {
        let why = match entry.method {
            97 => "compressed by method 97 (WavPack), which is not known".to_owned(),
            98 => "compressed by method 98 (PPMd), which is not known".to_owned(),
            method => format!("compressed by method {method}, which is not known"),
        };
        return closed.add(name, why, walk);
    };
    let is_stored = entry.method == 0 && end <= source.len() && entry.compressed == entry.size;
    let member = Member { stored: is_stored.then_some(start..end), ..Member::unpacked(name) };
    let known = entry.flags & SIZES_FOLLOW == 0 || entry.size != 0 || entry.crc != 0;
    let crc = flate2::Crc::new();
    walk.member(member, &mut Checked { inner: &mut *content, entry, read: 0, crc, known })
}

/// A reader for the contents, if the method is known.
fn decoder<'a>(entry: &Entry, mut reader: impl BufRead + 'a) -> Option<Box<dyn Read + 'a>> {
    Some(match entry.method {
        0 => Box::new(reader),
        8 => Box::new(flate2::bufread::DeflateDecoder::new(reader)),
        9 => Box::new(deflate64::Deflate64Decoder::with_buffer(reader)),
        12 => Box::new(bzip2::read::BzDecoder::new(reader)),
        14 => match lzma_header(&mut reader, entry) {
            Ok(header) => match lzma_rust2::LzmaReader::new_mem_limit(header.chain(reader), MEMORY_KIB, None) {
                Ok(reader) => Box::new(reader),
                Err(error) => Box::new(Failing(Some(error))),
            },
            Err(error) => Box::new(Failing(Some(error))),
        },
        20 | 93 => zstd::decoder(reader),
        95 => Box::new(lzma_rust2::XzReader::new_mem_limit(reader, false, MEMORY_KIB)),
        _ => return None,
    })
}

/// The header of lzma alone, made of that in a zip file: version, length of the properties, properties.
fn lzma_header(reader: &mut impl Read, entry: &Entry) -> io::Result<io::Cursor<[u8; 13]>> {
    let mut start = [0; 9];
    reader.read_exact(&mut start)?;
    let ends_by_mark = entry.flags & 2 != 0;
    let size = if ends_by_mark { u64::MAX } else { entry.size };
    let mut header = [0; 13];
    header[..5].copy_from_slice(&start[4..]);
    header[5..].copy_from_slice(&size.to_le_bytes());
    Ok(io::Cursor::new(header))
}

/// Compares contents with what the directory says of them.
struct Checked<'a> {
    inner: &'a mut dyn Read,
    entry: &'a Entry,
    read: u64,
    crc: flate2::Crc,
    /// Whether size and checksum are known.
    known: bool,
}

impl Read for Checked<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buf)?;
        self.read += count as u64;
        self.crc.update(&buf[..count]);
        if count == 0 && !buf.is_empty() && self.known {
            if self.read != self.entry.size {
                return Err(io::Error::other("its size is not what the directory of the zip file says"));
            }
            if self.crc.sum() != self.entry.crc {
                return Err(io::Error::other("its checksum does not hold"));
            }
        }
        Ok(count)
    }
}

/// Reads the members whose headers lie in a part of a file in which no directory says where they are.
fn salvage(source: &dyn ReadAt, part: Range<u64>, walk: &mut Walk<'_>, closed: &mut Closed) {
    let mut at = part.start;
    let extents = source.extents();
    while let Some((entry, start)) = next_local(source, &extents, &mut at, part.end) {
        let follows = entry.flags & SIZES_FOLLOW != 0 && entry.compressed == 0;
        // Without a known size the decoder finds the end; what it leaves over is searched for the next header.
        let entry = if follows { Entry { compressed: part.end - start.min(part.end), ..entry } } else { entry };
        let readable = !(follows && entry.method == 0);
        let goes_on = match !is_folder(&entry) && readable {
            true => member(source, &entry, clean(&entry.name), start, walk, closed),
            false => walk.budget.member(),
        };
        if !goes_on {
            break;
        }
        at = if follows { start } else { start.saturating_add(entry.compressed) };
    }
}

/// The next local header at or behind `at` and before `end`, outside of holes.
fn next_local(source: &dyn ReadAt, extents: &[Range<u64>], at: &mut u64, end: u64) -> Option<(Entry, u64)> {
    let mut block = vec![0; 64 << 10];
    loop {
        let next = extents.partition_point(|extent| extent.end <= *at);
        *at = extents.get(next)?.start.max(*at);
        let most = end.saturating_sub(*at).min(block.len() as u64) as usize;
        let read = read_into(source, *at, &mut block[..most]);
        if read < LOCAL_LEN {
            return None;
        }
        // A block full of what only looks like headers is read once.
        let mut places = memchr::memmem::find_iter(&block[..read], LOCAL).map(|place| *at + place as u64);
        if let Some((found, entry, start)) = places.find_map(|place| local(source, place)) {
            *at = found;
            return Some((entry, start));
        }
        *at += (read - LOCAL.len() + 1) as u64;
    }
}

/// The local header at `at`, and where it and its contents begin.
fn local(source: &dyn ReadAt, at: u64) -> Option<(u64, Entry, u64)> {
    let mut head = [0; LOCAL_LEN + 64];
    let read = read_into(source, at, &mut head);
    // No version beyond those that are defined asks for more to unpack a member.
    let header =
        head.get(..read).filter(|head| detect(head) && u16_at(head, 4) & 0xff <= 63 && u16_at(head, 26) > 0)?;
    let mut name = vec![0; usize::from(u16_at(header, 26))];
    if read_into(source, at + LOCAL_LEN as u64, &mut name) < name.len() {
        return None;
    }
    let start = at + (LOCAL_LEN + name.len()) as u64 + u64::from(u16_at(header, 28));
    let entry = Entry {
        name,
        flags: u16_at(header, 6),
        method: u16_at(header, 8),
        crc: u32_at(header, 14),
        compressed: u64::from(u32_at(header, 18)),
        size: u64::from(u32_at(header, 22)),
        header: at,
    };
    Some((at, entry, start))
}
