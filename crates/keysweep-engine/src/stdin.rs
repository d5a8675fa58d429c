//! Standard input and pipes: streams of any length, searched in overlapping blocks that are held in memory only, or as the archives that
//! they are.

use crate::file::{Searcher, Seen};
use crate::inline::open_inline;
use crate::place::Part;
use crate::scan::{Origin, Sweep, reason};
use crate::source::FileSource;
use crate::unpack::unpack_stream;
use keysweep_archive::{Format, HEAD, Limits, recognise_stream};
use keysweep_image::{ReadAt, is_packed, recognise};
use keysweep_memory::Effort;
use std::fs::File;
use std::io::{self, Cursor, Read, Write};
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

/// Keeps `head` and `input` in a file that has no name and that nobody else can open: it is gone with this process. Tells
/// beside why there may be more than was kept: the input cannot be read to its end, or is longer than `most` bytes.
///
/// # Errors
///
/// There is no room for it.
pub(crate) fn spool(head: &[u8], input: &mut dyn Read, most: u64) -> io::Result<(File, io::Result<()>)> {
    let failed = |error: io::Error| io::Error::other(format!("cannot be kept in a temporary file: {error}"));
    let mut file = tempfile::tempfile().map_err(failed)?;
    file.write_all(head).map_err(failed)?;
    let mut left = most.saturating_sub(head.len() as u64);
    let mut buffer = Zeroizing::new(vec![0; 256 << 10]);
    loop {
        let count = match input.read(&mut buffer) {
            Ok(0) => return Ok((file, Ok(()))),
            Ok(_) if left == 0 => return Ok((file, Err(io::Error::other("longer than what is kept of it")))),
            Ok(count) => count.min(usize::try_from(left).unwrap_or(usize::MAX)),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Ok((file, Err(error))),
        };
        file.write_all(&buffer[..count]).map_err(failed)?;
        left -= count as u64;
    }
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
        let searched = match self.archives().filter(|_| format.is_some() || is_packed(&head)) {
            Some(limits) => self.archive_on_input(name, (format, limits), head, input, searcher, jobs),
            None => self.blocks_on_input(name, Cursor::new(&head[..]).chain(input), searcher),
        };
        begun.and(searched)
    }

    /// An archive on standard input, or a compressed dump, which has no such format: held in memory if it fits, else searched as
    /// it comes, or kept in a file without a name where it cannot be read from its beginning to its end.
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
        blocks(input, &mut |block| {
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
            // Only the first block can tell what the stream is.
            let image = image.get_or_insert_with(|| recognise(&source));
            let part = Part { base: block.offset, ..Part::whole(name, &source, image) };
            open_inline(self, searcher, part, &mut seen, 1);
            if self.wants_numbers(part) {
                self.numbers(part, seen, 1, Effort::Full);
            } else {
                self.publish(part, seen);
            }
        })
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
