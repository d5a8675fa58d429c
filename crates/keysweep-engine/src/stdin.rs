//! Standard input and pipes: streams of any length, searched in overlapping blocks that are held in memory only, or as the archives or
//! dumps that they are.

use crate::file::{Searcher, Seen};
use crate::inline::open_inline;
use crate::place::Part;
use crate::scan::{Origin, Sweep, reason};
use crate::source::FileSource;
use crate::unpack::unpack_stream;
use keysweep_archive::{Format, HEAD, Limits, recognise_stream};
use keysweep_image::{ReadAt, detect, is_packed, recognise};
use keysweep_memory::Effort;
use std::fs::File;
use std::io::{self, Cursor, Read, Seek, Write};
use zeroize::Zeroizing;

/// Bytes held at a time.
pub(crate) const BLOCK: usize = 48 << 20;
/// How many of them the next block begins with again, so that a key across the border is seen whole.
const OVERLAP: usize = 16 << 20;

/// One block of a stream.
pub(crate) struct Block<'a> {
    /// Offset in the stream of the first byte.
    pub(crate) offset: u64,
    pub(crate) bytes: &'a [u8],
    /// Hits that begin behind this many bytes belong to the next block.
    pub(crate) own: usize,
}

/// Calls `search` for each block of `input`.
///
/// # Errors
///
/// The input cannot be read to its end; what was read until then has been searched.
pub(crate) fn blocks(mut input: impl Read, search: &mut dyn FnMut(Block<'_>)) -> io::Result<()> {
    let mut buffer = Zeroizing::new(Vec::new());
    let mut offset = 0;
    loop {
        let room = (BLOCK - buffer.len()) as u64;
        let outcome = input.by_ref().take(room).read_to_end(&mut buffer);
        let last = outcome.is_err() || buffer.len() < BLOCK;
        let own = if last { buffer.len() } else { BLOCK - OVERLAP };
        search(Block { offset, bytes: &buffer, own });
        if last {
            return outcome.map(|_| ());
        }
        buffer.drain(..own);
        offset += own as u64;
    }
}

/// Bytes of zeros that are kept as a hole.
const HOLE: usize = 256 << 10;
/// Length of what is kept for each byte that may be written: dumps are mostly holes.
const SPARSE: u64 = 16;

/// Keeps `head` and `input` in a file that has no name and that nobody else can open: it is gone with this process. Long
/// stretches of zeros become holes. Tells beside why there may be more than was kept: the input cannot be read to its end, has
/// more than `most` bytes besides holes, or there is no room for it.
///
/// # Errors
///
/// There can be no such file.
pub(crate) fn spool(head: &[u8], input: &mut dyn Read, most: u64) -> io::Result<(File, io::Result<()>)> {
    let failed = |error: io::Error| io::Error::other(format!("cannot be kept in a temporary file: {error}"));
    let mut file = tempfile::tempfile().map_err(failed)?;
    let most = most.min(free_space(&file) / 2);
    let (mut written, mut len) = (0, 0);
    let mut input = head.chain(input);
    let mut buffer = Zeroizing::new(Vec::with_capacity(HOLE));
    let outcome = loop {
        buffer.clear();
        let outcome = input.by_ref().take(HOLE as u64).read_to_end(&mut buffer);
        let is_hole = keysweep_match::is_zero(&buffer);
        let room = usize::try_from(most - written).unwrap_or(usize::MAX);
        let bytes = if is_hole { &buffer[..] } else { &buffer[..buffer.len().min(room)] };
        len += bytes.len() as u64;
        let kept = match is_hole {
            true => file.seek(io::SeekFrom::Start(len)).map(drop),
            false => {
                written += bytes.len() as u64;
                file.write_all(bytes)
            }
        };
        let is_over = bytes.len() < buffer.len() || len / SPARSE > most;
        match kept {
            Err(error) => break Err(failed(error)),
            Ok(()) if is_over => break Err(io::Error::other("longer than what is kept of it")),
            Ok(()) if outcome.is_err() || buffer.len() < HOLE => break outcome.map(drop),
            Ok(()) => {}
        }
    };
    file.set_len(len).map_err(failed)?;
    Ok((file, outcome))
}

/// Bytes that may be written beside a file.
#[cfg(unix)]
fn free_space(file: &File) -> u64 {
    rustix::fs::fstatvfs(file).map_or(u64::MAX, |system| system.f_bavail.saturating_mul(system.f_frsize))
}

#[cfg(not(unix))]
fn free_space(_: &File) -> u64 {
    u64::MAX
}

impl<'s> Sweep<'s> {
    /// Searches standard input.
    pub(crate) fn standard_input(&self, jobs: usize) {
        let mut searcher = self.scanner.searcher();
        if let Err(error) = self.stream("-", &mut io::stdin().lock(), &mut searcher, jobs) {
            self.incident("-", reason(&error), true);
        }
        self.progress.finished_file();
    }

    /// Searches a stream.
    ///
    /// # Errors
    ///
    /// It cannot be read to its end; what was read until then has been searched.
    pub(crate) fn stream(
        &self,
        name: &str,
        input: &mut dyn Read,
        searcher: &mut Searcher<'s>,
        jobs: usize,
    ) -> io::Result<()> {
        let mut head = Zeroizing::new(Vec::new());
        let begun = Read::take(&mut *input, HEAD as u64).read_to_end(&mut head);
        let format = self.archives().and_then(|_| recognise_stream(&head));
        let is_whole = format.is_some() || is_packed(&head) || detect(&head).is_dump();
        let searched = match self.archives().filter(|_| is_whole) {
            Some(limits) => self.archive_on_input(name, (format, limits), head, input, searcher, jobs),
            None => self.blocks_on_input(name, Cursor::new(&head[..]).chain(input), searcher),
        };
        begun.and(searched)
    }

    /// An archive or dump on standard input: held in memory if it fits, else searched as it comes, or kept in a file without a
    /// name where it cannot be read from its beginning to its end. The numbers of a key lie anywhere in a dump.
    fn archive_on_input(
        &self,
        name: &str,
        (format, limits): (Option<Format>, Limits),
        mut head: Zeroizing<Vec<u8>>,
        input: &mut dyn Read,
        searcher: &mut Searcher<'s>,
        jobs: usize,
    ) -> io::Result<()> {
        let room = (BLOCK - head.len()) as u64;
        let outcome = input.take(room).read_to_end(&mut head);
        let origin = Origin { name, path: None };
        if head.len() < BLOCK {
            self.progress.expect(head.len() as u64);
            self.source(origin, &*head, searcher, 1);
            return outcome.map(|_| ());
        } else if format.is_some_and(|format| format.streams() && !format.is_text()) {
            unpack_stream(self, searcher, name, limits, (&head, input), jobs);
        } else {
            let (file, outcome) = spool(&head, input, limits.bytes)?;
            drop(head);
            let source = FileSource::from_file(file)?;
            self.progress.expect(source.len());
            self.source(origin, &source, searcher, jobs);
            return outcome;
        }
        Ok(())
    }

    fn blocks_on_input(&self, name: &str, input: impl Read, searcher: &mut Searcher<'s>) -> io::Result<()> {
        let mut image = None;
        let file_name = if name == "-" { "" } else { crate::unpack::file_name(name) };
        let outcome = blocks(input, &mut |block| {
            let source: &[u8] = block.bytes;
            self.progress.expect(block.own as u64);
            if block.offset == 0 && block.own == block.bytes.len() && self.archives().is_some() {
                let origin = Origin { name, path: None };
                // Programs that end with an archive are known by their end.
                if keysweep_archive::recognise(&source).is_some() {
                    self.source(origin, &source, searcher, 1);
                    return;
                }
            }
            let mut seen = Seen::default();
            let mut advance = |b: &[u8], _| self.progress.searched(b.len() as u64);
            // Reading from memory does not fail.
            let _ = searcher.search(&source, 0..block.own as u64, file_name, &mut seen, &mut advance);
            searcher.remember(&mut seen);
            // Only the first block can tell what the stream is.
            let image = image.get_or_insert_with(|| recognise(&source));
            let part = Part { base: block.offset, ..Part::whole(name, &source, image) };
            open_inline(self, searcher, part, &mut seen, 1);
            if self.wants_numbers(part) {
                self.numbers(part, seen, 1, Effort::Full);
            } else {
                self.publish(part, seen);
            }
        });
        searcher.know(Vec::new());
        outcome
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_cover_the_stream_once_and_overlap() {
        let total = BLOCK * 2 + 12_345;
        let mut covered = 0;
        let mut blocks_seen = 0;
        blocks(io::repeat(7).take(total as u64), &mut |block| {
            assert_eq!(block.offset, covered);
            covered += block.own as u64;
            blocks_seen += 1;
            assert!(block.bytes.len() == block.own || block.bytes.len() - block.own == OVERLAP);
        })
        .unwrap();
        assert_eq!((covered, blocks_seen), (total as u64, 3));
    }

    #[test]
    fn an_empty_stream_is_one_empty_block() {
        let mut lengths = Vec::new();
        blocks(io::empty(), &mut |block| lengths.push(block.own)).unwrap();
        assert_eq!(lengths, [0]);
    }
}
