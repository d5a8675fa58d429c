//! Standard input: a stream of any length, searched in overlapping blocks that are held in memory only.

use std::io::{self, Read};
use zeroize::Zeroizing;

/// Bytes held at a time.
const BLOCK: usize = 48 << 20;
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
