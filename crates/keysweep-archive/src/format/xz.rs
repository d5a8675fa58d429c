//! xz and the older lzma ("lzma alone").
//!
//! Sources: the .xz file format, version 1.2.1; `doc/lzma-file-format.txt` of XZ Utils.

use super::{Open, Reader, Unpacked};
use lzma_rust2::{LzmaReader, XzReader};
use std::io::{self, Read};

const SUFFIXES: &[(&str, &str)] = &[(".txz", ".tar"), (".tlz", ".tar"), (".xz", ""), (".lzma", "")];

pub(super) const XZ: Reader = Reader { name: "xz", detect: detect_xz, open: Open::Single(open_xz, SUFFIXES) };
pub(super) const LZMA: Reader = Reader { name: "lzma", detect: detect_lzma, open: Open::Single(open_lzma, SUFFIXES) };

/// What a decoder may hold, in KiB: dictionaries up to `xz -9e` fit, and those that distributions use for packages.
pub(super) const MEMORY_KIB: u32 = 160 << 10;

/// Bytes behind the end of `.lzma` that are looked at.
const BEHIND: u64 = 512;

/// The signature, which nothing else begins with: what is not right behind it is told when it is opened.
fn detect_xz(head: &[u8]) -> bool {
    head.starts_with(b"\xfd7zXZ\0")
}

fn open_xz(input: &mut dyn Read, out: &mut Unpacked<'_, '_>) {
    out.content(&mut XzReader::new_mem_limit(input, true, MEMORY_KIB));
}

/// A weak header, as encoders write it: usual properties, a power of two as dictionary, a size that is unknown or below
/// a terabyte, and contents that can be decoded.
fn detect_lzma(head: &[u8]) -> bool {
    let Some(header) = head.get(..14) else { return false };
    let dictionary = u32::from_le_bytes([header[1], header[2], header[3], header[4]]);
    let size = u64::from_le_bytes(header[5..13].try_into().unwrap_or_default());
    let usual = header[0] == 0x5d && header[13] == 0 && (1 << 12..=1 << 30).contains(&dictionary);
    if !usual || !dictionary.is_power_of_two() || (size != u64::MAX && size >= 1 << 40) {
        return false;
    }
    if size == u64::MAX && dictionary >= 1 << 16 {
        return true; // Fourteen bytes that nothing else begins with: if the contents are damaged, that is told.
    }
    // A large dictionary is refused when the file is opened, and said so; a try needs none.
    let mut small = head.to_vec();
    small[1..5].copy_from_slice(&(1_u32 << 16).to_le_bytes());
    let Ok(mut reader) = LzmaReader::new_mem_limit(&small[..], MEMORY_KIB, None) else { return false };
    let mut sample = [0; 2048];
    reader.read(&mut sample).is_ok_and(|count| count > 0)
}

fn open_lzma(input: &mut dyn Read, out: &mut Unpacked<'_, '_>) {
    match LzmaReader::new_mem_limit(input, MEMORY_KIB, None) {
        Ok(mut reader) => {
            reader.set_relaxed_end_condition(false);
            out.content(&mut Whole(Some(reader)));
        }
        Err(error) => out.content(&mut Failing(Some(error))),
    }
}

/// Demands that nothing but padding is behind the end. The format has no checksum: that it seems to end early is often all that
/// tells of damage.
struct Whole<R>(Option<LzmaReader<R>>);

impl<R: Read> Read for Whole<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let Some(reader) = &mut self.0 else { return Ok(0) };
        let count = reader.read(buf)?;
        if let Some(reader) = self.0.take_if(|_| count == 0 && !buf.is_empty()) {
            let (rest, ahead) = reader.into_parts();
            let mut behind = Vec::new();
            io::Cursor::new(ahead).chain(rest).take(BEHIND).read_to_end(&mut behind)?;
            if behind.iter().any(|byte| *byte != 0) {
                return Err(io::Error::other("it seems to end before its end: damaged"));
            }
        }
        Ok(count)
    }
}

/// A decoder that could not be set up.
pub(super) struct Failing(pub(super) Option<io::Error>);

impl Read for Failing {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(self.0.take().unwrap_or_else(|| io::Error::other("cannot be decoded")))
    }
}
