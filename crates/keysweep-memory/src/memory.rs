//! What the search sees of a dump: bytes at offsets, and addresses where they are known.

use crate::stretch::work;
use keysweep_keys::secret::Buffer;
use zeroize::Zeroizing;

/// A stretch of the dump that may hold numbers: contiguous in the file and in the address space.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segment {
    /// Offset in the file of the first byte.
    pub offset: u64,
    /// Number of bytes.
    pub len: u64,
    /// Address of the first byte, if it is known.
    pub address: Option<u64>,
}

/// A dump of memory.
pub trait Memory: Sync {
    /// Reads bytes at a file offset and returns how many: fewer than asked at the end, or where reading fails.
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> usize;

    /// What is to be searched: sorted by offset, without overlaps. Bytes in no segment are not searched, but pointers
    /// into them are followed.
    fn segments(&self) -> &[Segment];

    /// Bytes of the dump, by which it is judged what a search may cost: those of the segments, and more if parts of them are
    /// left out because they are known to hold zeros.
    fn size(&self) -> u64 {
        self.segments().iter().map(|segment| segment.len).sum()
    }

    /// The file offset of what was at `address`, and the number of bytes that follow there without a gap.
    fn locate(&self, address: u64) -> Option<(u64, u64)>;

    /// The address of the byte at a file offset.
    fn address_of(&self, offset: u64) -> Option<u64>;

    /// Size of a pointer in bytes: 8, or 4.
    fn pointer_bytes(&self) -> usize {
        8
    }

    /// Reads `len` bytes at a file offset; `None` unless all are there.
    fn bytes(&self, offset: u64, len: usize) -> Option<Zeroizing<Vec<u8>>> {
        let mut bytes = Zeroizing::new(vec![0; len]);
        (self.read_at(offset, &mut bytes) == len).then_some(bytes)
    }
}

/// Bytes of a segment that are searched at a time.
const CHUNK: usize = 1 << 20;
/// Bytes before and after them that are seen too: the largest number, or structure, that may begin in a chunk.
pub const MARGIN: usize = 4 << 10;

/// A part of a segment, with some of the bytes around it.
pub struct Chunk<'a> {
    /// The bytes. Word boundaries of the address space are word boundaries here: `bytes[0]` lies at a multiple of 8.
    pub bytes: &'a [u8],
    /// The range of `bytes` that belongs to this chunk: what begins outside of it belongs to another one.
    pub own: std::ops::Range<usize>,
    /// Offset in the file of `bytes[0]`.
    pub offset: u64,
}

/// Calls `visit` for all chunks of all segments, on `jobs` threads (on the caller's, if it is 1), each with a state of its
/// own, and returns the states.
pub fn sweep<S: Send>(
    memory: &dyn Memory,
    jobs: usize,
    state: impl Fn() -> S + Sync,
    visit: impl Fn(&mut S, &Chunk<'_>) + Sync,
) -> Vec<S> {
    let starts: Vec<u64> = memory
        .segments()
        .iter()
        .scan(0, |total, segment| {
            let start = *total;
            *total += segment.len.div_ceil(CHUNK as u64);
            Some(start)
        })
        .collect();
    let total = starts.last().zip(memory.segments().last()).map_or(0, |(s, last)| s + last.len.div_ceil(CHUNK as u64));
    let longest = memory.segments().iter().map(|segment| segment.len.min(CHUNK as u64) as usize).max().unwrap_or(0);
    let state = || (state(), Buffer::zeroed(longest + 2 * MARGIN + 8));
    let parts = work(total as usize, jobs, state, |(state, buffer), index| {
        let index = index as u64;
        let segment = starts.partition_point(|start| *start <= index) - 1;
        let inside = (index - starts[segment]) * CHUNK as u64;
        read_chunk(memory, &memory.segments()[segment], inside, buffer, &mut |chunk| visit(state, chunk));
    });
    parts.into_iter().map(|(state, _)| state).collect()
}

fn read_chunk(
    memory: &dyn Memory,
    segment: &Segment,
    inside: u64,
    buffer: &mut [u8],
    visit: &mut dyn FnMut(&Chunk<'_>),
) {
    // Segments begin at a multiple of 8 in the address space, but for damaged dumps: what comes before the first is no word.
    let skew = segment.address.map_or(segment.offset, |a| a).wrapping_neg() & 7;
    let begin = (inside + skew).min(segment.len);
    let end = (inside + skew + CHUNK as u64).min(segment.len);
    if begin >= end {
        return;
    }
    let from = begin.saturating_sub(MARGIN as u64).max(skew);
    let to = (end + MARGIN as u64).min(segment.len);
    let read = memory.read_at(segment.offset + from, &mut buffer[..(to - from) as usize]);
    let own = (begin - from) as usize..((end - from) as usize).min(read);
    if !own.is_empty() {
        visit(&Chunk { bytes: &buffer[..read], own, offset: segment.offset + from });
    }
}

/// Bytes at hand as a dump: one segment, at address 0x1000 if nothing else is said.
pub struct Flat<'a> {
    bytes: &'a [u8],
    segment: [Segment; 1],
}

impl<'a> Flat<'a> {
    /// A dump without addresses.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, segment: [Segment { offset: 0, len: bytes.len() as u64, address: None }] }
    }

    /// A dump of one mapping at `address`.
    pub fn at(bytes: &'a [u8], address: u64) -> Self {
        Self { bytes, segment: [Segment { offset: 0, len: bytes.len() as u64, address: Some(address) }] }
    }
}

impl Memory for Flat<'_> {
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> usize {
        let tail = usize::try_from(offset).ok().and_then(|start| self.bytes.get(start..)).unwrap_or_default();
        let count = tail.len().min(buf.len());
        buf[..count].copy_from_slice(&tail[..count]);
        count
    }

    fn segments(&self) -> &[Segment] {
        &self.segment
    }

    fn locate(&self, address: u64) -> Option<(u64, u64)> {
        let offset = address.checked_sub(self.segment[0].address?)?;
        (offset < self.segment[0].len).then(|| (offset, self.segment[0].len - offset))
    }

    fn address_of(&self, offset: u64) -> Option<u64> {
        Some(self.segment[0].address? + offset).filter(|_| offset < self.segment[0].len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_cover_each_segment_once_at_word_boundaries() {
        for (len, address) in [(0usize, 0u64), (5, 0x1003), (CHUNK, 0x1000), (3 * CHUNK + 77, 0x1004)] {
            let bytes: Vec<u8> = (0..len).map(|i| (i / 8) as u8).collect();
            let memory = Flat::at(&bytes, address);
            for jobs in [1, 3] {
                let states = sweep(&memory, jobs, Vec::new, |seen: &mut Vec<(u64, u64)>, chunk| {
                    assert_eq!((address + chunk.offset) % 8, 0);
                    assert_eq!(chunk.bytes, &bytes[chunk.offset as usize..][..chunk.bytes.len()]);
                    seen.push((chunk.offset + chunk.own.start as u64, chunk.offset + chunk.own.end as u64));
                });
                let mut seen = states.concat();
                seen.sort_unstable();
                let skew = address.wrapping_neg() & 7;
                let mut at = skew;
                for (from, to) in seen {
                    assert_eq!(from, at);
                    at = to;
                }
                assert_eq!(at, (len as u64).max(skew.min(at)), "{len} {address:#x}");
            }
        }
    }
}
