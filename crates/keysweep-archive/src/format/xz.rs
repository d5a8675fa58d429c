//! xz and the older lzma ("lzma alone").
//!
//! Sources: the .xz file format, version 1.2.1; `doc/lzma-file-format.txt` of XZ Utils.

use super::{Open, Reader};
use lzma_rust2::{LzmaReader, XzReader};
use std::io::Read;

const SUFFIXES: &[(&str, &str)] = &[(".txz", ".tar"), (".tlz", ".tar"), (".xz", ""), (".lzma", "")];

pub(super) const XZ: Reader = Reader { name: "xz", detect: detect_xz, open: Open::Single(open_xz, SUFFIXES) };
pub(super) const LZMA: Reader = Reader { name: "lzma", detect: detect_lzma, open: Open::Single(open_lzma, SUFFIXES) };

/// What a decoder may hold, in KiB: dictionaries up to `xz -9e` fit, and those that distributions use for packages.
pub(super) const MEMORY_KIB: u32 = 160 << 10;

/// The header of the stream and its checksum.
fn detect_xz(head: &[u8]) -> bool {
    let Some(header) = head.get(..12) else { return false };
    header.starts_with(b"\xfd7zXZ\0") && header[6] == 0 && crc32(&header[6..8]).to_le_bytes() == header[8..]
}

fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = flate2::Crc::new();
    crc.update(bytes);
    crc.sum()
}

fn open_xz(input: &mut dyn Read, with: &mut dyn FnMut(&mut dyn Read)) {
    with(&mut XzReader::new_mem_limit(input, true, MEMORY_KIB));
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
    // A large dictionary is refused when the file is opened, and said so; a try needs none.
    let mut small = head.to_vec();
    small[1..5].copy_from_slice(&(1_u32 << 16).to_le_bytes());
    let Ok(mut reader) = LzmaReader::new_mem_limit(&small[..], MEMORY_KIB, None) else { return false };
    let mut sample = [0; 2048];
    reader.read(&mut sample).is_ok_and(|count| count > 0)
}

fn open_lzma(input: &mut dyn Read, with: &mut dyn FnMut(&mut dyn Read)) {
    match LzmaReader::new_mem_limit(input, MEMORY_KIB, None) {
        Ok(mut reader) => with(&mut reader),
        Err(error) => with(&mut Failing(Some(error))),
    }
}

/// A decoder that could not be set up.
pub(super) struct Failing(pub(super) Option<std::io::Error>);

impl Read for Failing {
    fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
        Err(self.0.take().unwrap_or_else(|| std::io::Error::other("cannot be decoded")))
    }
}
