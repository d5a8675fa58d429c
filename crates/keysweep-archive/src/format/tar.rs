//! tar: ustar, with the long names of GNU and the extended headers of pax.
//!
//! Sources: POSIX.1-2024, `pax`; `tar(5)` of FreeBSD; the GNU tar manual, "Basic Tar Format".

use super::tar_sparse::Map;
use super::{Open, Reader, Walk};
use crate::Member;
use crate::name::clean;
use crate::reader::Stream;
use std::io::{self, Read};

pub(super) const READER: Reader = Reader { name: "tar", detect, open: Open::Members(open) };

pub(super) const BLOCK: u64 = 512;
/// Bytes of a long name or extended header that are read.
const MAX_EXTENSION: u64 = 64 << 10;

pub(super) fn has_magic(head: &[u8]) -> bool {
    head.get(257..262) == Some(b"ustar")
}

/// The magic of the first header as POSIX or GNU have it, behind fields that end with zeros: that the checksum does not hold is
/// told when it is opened. Archives from before 1988 have no magic, and are not recognised.
fn detect(head: &[u8]) -> bool {
    has_magic(head) && matches!(head.get(262), Some(0 | b' ')) && head[..257].contains(&0)
}

/// The sum of all bytes, with blanks in place of the sum itself. Old programs summed signed bytes.
fn checksum_holds(header: &[u8]) -> bool {
    let Some(written) = number(&header[148..156]) else { return false };
    let rest = || header[..148].iter().chain(&header[156..]);
    let blanks = 8 * u64::from(b' ');
    let unsigned = rest().map(|b| u64::from(*b)).sum::<u64>() + blanks;
    let signed = rest().map(|b| i64::from(*b as i8)).sum::<i64>() + blanks as i64;
    written == unsigned || i64::try_from(written) == Ok(signed)
}

/// Octal digits, or big-endian bytes behind a set bit.
pub(super) fn number(field: &[u8]) -> Option<u64> {
    if field[0] & 0x80 != 0 {
        let mut value = u64::from(field[0] & 0x7f);
        for byte in &field[1..] {
            value = value.checked_mul(256)?.checked_add(u64::from(*byte))?;
        }
        return Some(value);
    }
    let text = field.split(|b| *b == 0).next()?;
    let text = std::str::from_utf8(text).ok()?.trim();
    if text.is_empty() { Some(0) } else { u64::from_str_radix(text, 8).ok() }
}

/// What extended headers say of the next member.
#[derive(Default)]
struct Extension {
    name: Option<Vec<u8>>,
    size: Option<u64>,
    sparse: Option<Map>,
}

fn open(input: &mut Stream<'_>, walk: &mut Walk<'_>) {
    if let Err(error) = members(input, walk) {
        walk.problem(None, format!("damaged tar archive: {}", super::reason(&error)));
    }
}

fn members(input: &mut Stream<'_>, walk: &mut Walk<'_>) -> io::Result<()> {
    let mut extension = Extension::default();
    let mut header = [0; BLOCK as usize];
    let mut ended = false;
    loop {
        let read = input.fill(&mut header)?;
        let header = &header[..read];
        if read == 0 {
            return Ok(()); // Two blocks of zeros should end it, but not all programs write them.
        }
        if header.iter().all(|b| *b == 0) {
            // Archives that were appended to each other go on behind zeros.
            ended = true;
            continue;
        }
        if ended && (read < BLOCK as usize || !checksum_holds(header)) {
            trailing(header, input, walk);
            return Ok(());
        }
        ended = false;
        if read < BLOCK as usize {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if !checksum_holds(header) {
            return Err(io::Error::other(format!("no header at {:#x}", input.position - BLOCK)));
        }
        let own_size = number(&header[124..136]).ok_or_else(|| io::Error::other("a size that is no number"))?;
        match header[156] {
            b'L' => extension.name = Some(trimmed(extended(input, own_size)?)),
            b'x' | b'X' => pax(&extended(input, own_size)?, &mut extension),
            b'K' | b'g' | b'V' => drop(extended(input, own_size)?),
            kind => {
                let mut extension = std::mem::take(&mut extension);
                if kind == b'S' {
                    extension.sparse = Some(Map::old(input, header)?);
                }
                let size = extension.size.unwrap_or(own_size);
                // Links, devices and folders have no contents, whatever their size field says.
                let size = if matches!(kind, b'1'..=b'6') { 0 } else { size };
                let name = extension.name.unwrap_or_else(|| own_name(header));
                let is_folder = name.last() == Some(&b'/');
                // What is of no known type is a file. That of incremental archives is a list of names.
                if !matches!(kind, b'1'..=b'6' | b'D') && !is_folder {
                    if !member(input, clean(&name), size, extension.sparse, walk)? {
                        return Ok(());
                    }
                } else {
                    if matches!(kind, b'1'..=b'4' | b'6') && walk.budget.member() {
                        walk.visitor.link(&clean(&name));
                    }
                    input.skip(padded(size))?;
                }
            }
        }
    }
}

/// What stands behind the end of the archive, and tar itself passes over. `begin` is its first block.
fn trailing(begin: &[u8], input: &mut Stream<'_>, walk: &mut Walk<'_>) {
    let start = input.position - begin.len() as u64;
    let member = Member::stored("behind the end".to_owned(), start..u64::MAX);
    walk.member(member, &mut begin.chain(input));
}

/// Hands the member on, and goes to the next header; `false` if the walk is over.
fn member(
    input: &mut Stream<'_>,
    name: String,
    size: u64,
    sparse: Option<Map>,
    walk: &mut Walk<'_>,
) -> io::Result<bool> {
    let start = input.position;
    let end = start.checked_add(padded(size)).ok_or_else(|| io::Error::other("a size beyond all bounds"))?;
    let mut content = input.by_ref().take(size);
    let goes_on = match sparse.map(|map| map.expand(&mut content)) {
        Some(Ok(mut file)) => {
            if !file.whole {
                walk.problem(Some(&name), "a sparse file that is too large to be looked at with its holes");
            }
            walk.member(Member::unpacked(name), &mut file)
        }
        Some(Err(error)) => {
            walk.problem(Some(&name), super::reason(&error));
            walk.member(Member::unpacked(name), &mut content)
        }
        None => walk.member(Member::stored(name, start..start + size), &mut content),
    };
    if !goes_on {
        return Ok(false);
    }
    input.skip((start + size).saturating_sub(input.position))?;
    let mut padding = [0; BLOCK as usize];
    let padding = &mut padding[..(end - start - size) as usize];
    match input.fill(padding)? {
        // `umoci insert` ends behind the last byte of the last member.
        0 => Ok(true),
        read if read < padding.len() => Err(io::ErrorKind::UnexpectedEof.into()),
        _ => Ok(true),
    }
}

fn padded(size: u64) -> u64 {
    size.saturating_add(BLOCK - 1) / BLOCK * BLOCK
}

/// The contents of a header that extends the next one.
fn extended(input: &mut Stream<'_>, size: u64) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; size.min(MAX_EXTENSION) as usize];
    let read = input.fill(&mut bytes)?;
    bytes.truncate(read);
    input.skip(padded(size) - read as u64)?;
    Ok(bytes)
}

fn trimmed(mut name: Vec<u8>) -> Vec<u8> {
    name.truncate(name.iter().position(|b| *b == 0).unwrap_or(name.len()));
    name
}

/// Records of the form `27 path=…\n`, where the number is the length of all of it.
fn pax(mut records: &[u8], extension: &mut Extension) {
    while let Some(space) = records.iter().take(20).position(|b| *b == b' ') {
        let len = std::str::from_utf8(&records[..space]).ok().and_then(|digits| digits.parse::<usize>().ok());
        let Some((record, rest)) = len.filter(|len| *len > space + 1).and_then(|len| records.split_at_checked(len))
        else {
            return;
        };
        records = rest;
        let record = record[space + 1..].strip_suffix(b"\n").unwrap_or(&record[space + 1..]);
        let Some(equals) = memchr::memchr(b'=', record) else { continue };
        let (key, value) = (&record[..equals], &record[equals + 1..]);
        match key {
            b"path" | b"GNU.sparse.name" => extension.name = Some(value.to_vec()),
            b"size" => extension.size = std::str::from_utf8(value).ok().and_then(|digits| digits.parse().ok()),
            _ => Map::record(&mut extension.sparse, key, value),
        }
    }
}

fn own_name(header: &[u8]) -> Vec<u8> {
    let until_nul = |field: &[u8]| field.split(|b| *b == 0).next().unwrap_or_default().to_vec();
    let name = until_nul(&header[..100]);
    let prefix = until_nul(&header[345..500]);
    // GNU keeps times where ustar has a prefix.
    let is_posix = &header[257..263] == b"ustar\0";
    if prefix.is_empty() || !is_posix { name } else { [prefix, name].join(&b'/') }
}
