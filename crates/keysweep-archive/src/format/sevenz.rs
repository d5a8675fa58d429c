//! 7z, by the `sevenz-rust2` crate: solid blocks are read from their start to their end.
//!
//! Source: `DOC/7zFormat.txt` of the LZMA SDK.

use super::xz::MEMORY_KIB;
use super::{Open, Reader, Walk};
use crate::Member;
use crate::name::clean;
use crate::reader::At;
use keysweep_image::ReadAt;
use sevenz_rust2::{ArchiveReader, EntryDecision, Error, Password};
use std::io::BufReader;

pub(super) const READER: Reader = Reader { name: "7z", detect, open: Open::Opaque(open) };

const MAGIC: &[u8] = b"7z\xbc\xaf\x27\x1c";

/// The signature: that the checksum of what is behind it does not hold is told when it is opened.
fn detect(head: &[u8]) -> bool {
    head.starts_with(MAGIC)
}

fn open(source: &dyn ReadAt, walk: &mut Walk<'_>) {
    let input = BufReader::with_capacity(64 << 10, At::new(source, 0..source.len()));
    let outcome = ArchiveReader::new_with_memory_limit(input, Password::empty(), MEMORY_KIB as usize)
        .and_then(|mut archive| members(&mut archive, walk));
    if let Err(error) = outcome {
        walk.problem(None, format!("7z archive not opened to its end: {}", reason(&error)));
    }
}

fn members(archive: &mut ArchiveReader<BufReader<At<'_>>>, walk: &mut Walk<'_>) -> Result<(), Error> {
    archive.set_thread_count(1);
    archive.for_each_entries_with_decision(|entry, content| {
        if entry.is_directory() {
            return Ok(EntryDecision::Continue);
        }
        let member = Member::unpacked(clean(entry.name().as_bytes()));
        let goes_on = walk.member(member, content);
        Ok(if goes_on { EntryDecision::Continue } else { EntryDecision::Stop })
    })
}

fn reason(error: &Error) -> String {
    match error {
        Error::PasswordRequired | Error::MaybeBadPassword(_) => "it is encrypted".to_owned(),
        Error::UnsupportedCompressionMethod(method) if method.contains("AES") => "it is encrypted".to_owned(),
        Error::UnsupportedCompressionMethod(method) => format!("compressed by {method}, which is not known"),
        Error::MaxMemLimited { .. } => "it needs more memory than is allowed".to_owned(),
        Error::Io(error, _) => super::reason(error),
        Error::ChecksumVerificationFailed | Error::NextHeaderCrcMismatch => "its checksum does not hold".to_owned(),
        Error::Other(text) | Error::Unsupported(text) => text.to_string(),
        _ => "it is damaged".to_owned(),
    }
}
