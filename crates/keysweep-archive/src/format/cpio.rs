//! cpio in its `newc` and `crc` forms, as initial RAM disks and RPM payloads are packed.
//!
//! Source: the Linux kernel's `Documentation/driver-api/early-userspace/buffer-format.rst`.

use super::{Open, Reader, Walk};
use crate::Member;
use crate::name::clean;
use crate::reader::Stream;
use std::io::{self, Read};

pub(super) const READER: Reader = Reader { name: "cpio", detect, open: Open::Members(open) };

const HEADER: usize = 110;
const MAX_NAME: u64 = 64 << 10;
const TRAILER: &[u8] = b"TRAILER!!!";
const FILE_TYPE: u32 = 0o170_000;
const REGULAR: u32 = 0o100_000;

struct Header {
    mode: u32,
    size: u64,
    name_len: u64,
}

fn detect(head: &[u8]) -> bool {
    let Some(header) = head.get(..HEADER).and_then(header) else { return false };
    let last = HEADER + header.name_len as usize - 1;
    (1..=4096).contains(&header.name_len) && head.get(last).is_none_or(|b| *b == 0)
}

/// Magic and numbers in hexadecimal.
fn header(bytes: &[u8]) -> Option<Header> {
    if !bytes.starts_with(b"070701") && !bytes.starts_with(b"070702") {
        return None;
    }
    let text = std::str::from_utf8(&bytes[6..HEADER]).ok()?;
    if !text.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    let field = |index: usize| u32::from_str_radix(text.get(index * 8..index * 8 + 8)?, 16).ok();
    Some(Header { mode: field(1)?, size: u64::from(field(6)?), name_len: u64::from(field(11)?.max(1)) })
}

fn open(input: &mut Stream<'_>, walk: &mut Walk<'_>) {
    if let Err(error) = members(input, walk) {
        walk.problem(None, format!("damaged cpio archive: {}", super::reason(&error)));
    }
}

fn members(input: &mut Stream<'_>, walk: &mut Walk<'_>) -> io::Result<()> {
    let mut bytes = [0; HEADER];
    loop {
        if input.fill(&mut bytes)? < HEADER {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let Some(header) = header(&bytes) else {
            return Err(io::Error::other(format!("no header at {:#x}", input.position - HEADER as u64)));
        };
        let mut name = vec![0; header.name_len.min(MAX_NAME) as usize];
        input.fill(&mut name)?;
        input.skip(header.name_len - name.len() as u64)?;
        align(input)?;
        name.pop();
        if name == TRAILER {
            return appended(input, walk);
        }
        let end = input.position + header.size;
        if header.mode & FILE_TYPE == REGULAR {
            let member = Member::stored(clean(&name), input.position..end);
            if !walk.member(member, &mut input.by_ref().take(header.size)) {
                return Ok(());
            }
        }
        input.skip(end - input.position)?;
        align(input)?;
    }
}

/// What follows the trailer and its padding, such as the compressed RAM disk behind microcode.
fn appended(input: &mut Stream<'_>, walk: &mut Walk<'_>) -> io::Result<()> {
    let mut block = [0; 512];
    loop {
        let read = input.fill(&mut block)?;
        if read == 0 {
            return Ok(());
        }
        if let Some(begin) = block[..read].iter().position(|b| *b != 0) {
            let member = Member::unpacked("appended".to_owned());
            walk.member(member, &mut block[begin..read].chain(input));
            return Ok(());
        }
    }
}

/// Headers and contents begin at multiples of four.
fn align(input: &mut Stream<'_>) -> io::Result<()> {
    input.skip(input.position.wrapping_neg() % 4)
}
