//! `ar`: static libraries and Debian packages, with the long names of GNU and BSD.
//!
//! Sources: `ar(5)` of FreeBSD; Debian's `deb(5)`.

use super::{Open, Reader, Walk};
use crate::Member;
use crate::name::clean;
use crate::reader::Stream;
use std::io::{self, Read};

pub(super) const READER: Reader = Reader { name: "ar", detect, open: Open::Members(open) };

const MAGIC: &[u8] = b"!<arch>\n";
const HEADER: usize = 60;
/// Bytes of the table of long names that are kept.
const MAX_NAMES: u64 = 4 << 20;

/// The magic line: what is not right behind it is told when it is opened.
fn detect(head: &[u8]) -> bool {
    head.starts_with(MAGIC)
}

fn open(input: &mut Stream<'_>, walk: &mut Walk<'_>) {
    if let Err(error) = members(input, walk) {
        walk.problem(None, format!("damaged ar archive: {}", super::reason(&error)));
    }
}

fn members(input: &mut Stream<'_>, walk: &mut Walk<'_>) -> io::Result<()> {
    input.skip(MAGIC.len() as u64)?;
    let mut long_names = Vec::new();
    let mut header = [0; HEADER];
    loop {
        match input.fill(&mut header)? {
            // The last member may be padded or not.
            0 | 1 => return Ok(()),
            HEADER => {}
            _ => return Err(io::ErrorKind::UnexpectedEof.into()),
        }
        let Some((name, size)) = member(&header) else {
            return Err(io::Error::other(format!("no header at {:#x}", input.position - HEADER as u64)));
        };
        let end = input.position + size;
        if name == "//" {
            input.by_ref().take(size.min(MAX_NAMES)).read_to_end(&mut long_names)?;
        } else if !matches!(name.as_str(), "/" | "/SYM64/" | "__.SYMDEF" | "__.SYMDEF SORTED") {
            let name = full_name(input, &name, size, &long_names)?;
            let start = input.position;
            let member = Member::stored(name, start..end);
            if !walk.member(member, &mut input.by_ref().take(end - start)) {
                return Ok(());
            }
        }
        input.skip(end.saturating_sub(input.position))?;
        if size % 2 == 1 && input.fill(&mut [0])? == 0 {
            return Ok(());
        }
    }
}

/// The name; BSD writes a long one before the contents.
fn full_name(input: &mut Stream<'_>, name: &str, size: u64, long_names: &[u8]) -> io::Result<String> {
    if let Some(len) = name.strip_prefix("#1/").and_then(|len| len.parse::<u64>().ok()) {
        let mut long = vec![0; len.min(size).min(4096) as usize];
        let read = input.fill(&mut long)?;
        let long = &long[..read];
        return Ok(clean(long.split(|b| *b == 0).next().unwrap_or_default()));
    }
    let offset = name.strip_prefix('/').and_then(|offset| offset.parse::<usize>().ok());
    Ok(match offset.and_then(|offset| long_names.get(offset..)) {
        Some(rest) => clean(rest.split(|b| *b == b'\n').next().unwrap_or_default().trim_ascii_end()),
        None => clean(name.as_bytes()),
    }
    .trim_end_matches('/')
    .to_owned())
}

/// The name as written, and the size in bytes.
fn member(header: &[u8]) -> Option<(String, u64)> {
    if header.get(58..60)? != b"`\n" {
        return None;
    }
    let name = String::from_utf8_lossy(header.get(..16)?).trim_end().to_owned();
    let size = std::str::from_utf8(header.get(48..58)?).ok()?.trim().parse().ok()?;
    Some((name, size))
}
