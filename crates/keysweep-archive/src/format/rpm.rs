//! RPM packages: a lead, two headers, and a payload, which is a compressed cpio archive.
//!
//! Source: the RPM project's reference manual, "RPM V4 Package format".

use super::{Open, Reader, Walk};
use crate::Member;
use crate::reader::Stream;
use std::io::{self, Read};

pub(super) const READER: Reader = Reader { name: "rpm", detect, open: Open::Members(open) };

const LEAD: &[u8] = b"\xed\xab\xee\xdb";
const LEAD_LEN: usize = 96;
const HEADER: &[u8] = b"\x8e\xad\xe8\x01";
const HEADER_LEN: usize = 16;
const ENTRY_LEN: u64 = 16;
/// Bytes that the emptiest payload has, compressed by whatever.
const LEAST: usize = 24;
/// What a payload that is not compressed begins with, in all its forms.
const CPIO: &[u8] = b"0707";

/// The lead: what is not right behind it is told when it is opened.
fn detect(head: &[u8]) -> bool {
    head.starts_with(LEAD)
}

fn open(input: &mut Stream<'_>, walk: &mut Walk<'_>) {
    if let Err(error) = payload(input, walk) {
        walk.problem(None, format!("damaged rpm package: {}", super::reason(&error)));
    }
}

fn payload(input: &mut Stream<'_>, walk: &mut Walk<'_>) -> io::Result<()> {
    input.skip(LEAD_LEN as u64)?;
    header(input)?;
    // The signature is padded.
    input.skip(input.position.wrapping_neg() % 8)?;
    header(input)?;
    let member = Member::stored("payload".to_owned(), input.position..u64::MAX);
    let mut first = [0; LEAST];
    if input.fill(&mut first)? < LEAST {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    if !first.starts_with(CPIO) && super::recognise_stream(&first).is_none() {
        walk.problem(Some("payload"), "neither cpio nor compressed as is known: only searched as it is");
    }
    walk.member(member, &mut first.chain(input));
    Ok(())
}

/// Passes over a header: an index, and the data that it is about.
fn header(input: &mut Stream<'_>) -> io::Result<()> {
    let mut start = [0; HEADER_LEN];
    if input.fill(&mut start)? < HEADER_LEN || !start.starts_with(HEADER) {
        return Err(io::Error::other("no header where one should be"));
    }
    let number = |at: usize| u64::from(u32::from_be_bytes([start[at], start[at + 1], start[at + 2], start[at + 3]]));
    input.skip(number(8) * ENTRY_LEN + number(12))
}
