//! Compressed images of AVML (version 2): blocks of physical memory, each a stream of snappy.
//!
//! A block has a header of 32 bytes as in LiME's format, a stream of frames with up to 64 KiB of memory each, and the length of the
//! stream (8 bytes).
//!
//! Sources: AVML's `src/image.rs`; `framing_format.txt` of snappy.

use std::io::{Cursor, Read};
use std::ops::Range;

use zeroize::Zeroizing;

use super::losses::Loss;
use super::runs::PageRuns;
use super::{Blocks, Lost};
use crate::fields::Fields;
use crate::read::{ReadAt, read_into};

/// The unit in which memory is read, and lost frames are counted.
pub(super) const PAGE: u64 = 4096;

const HEADER: u64 = 32;
/// What each stream begins with.
const STREAM: [u8; 10] = *b"\xff\x06\0\0sNaPpY";
/// Memory in one frame.
const FRAME: u64 = 64 << 10;
/// Frames that one mark stands for: the first is remembered, the others are walked to.
const STRIDE: u32 = 64;
/// Marks that are kept, at 24 bytes each. With frames as AVML makes them, one stands for 4 MiB.
const MAX_MARKS: usize = 1 << 19;
/// Chunks without memory that a mark may hold. AVML writes one at the begin of a stream.
const MAX_OTHERS: u32 = 16;

/// Whether a source begins so.
pub(super) fn detect(head: &[u8]) -> bool {
    block(head).is_some()
}

/// The memory that a header announces.
fn block(header: &[u8]) -> Option<Range<u64>> {
    let fields = Fields::little(header);
    let (start, last) = (fields.u64(8)?, fields.u64(16)?);
    let is_one = header.starts_with(b"AVML\x02\0\0\0") && fields.u64(24)? == 0;
    (is_one && start.is_multiple_of(PAGE) && start < last).then_some(start..last.checked_add(1)?)
}

/// A frame: where its bytes are, and how many of memory it holds.
struct Frame {
    at: u64,
    end: u64,
    memory: u64,
}

/// What lies at a place in a stream.
enum Chunk {
    Frame(Frame),
    /// Nothing of memory, up to there.
    Other(u64),
    /// The file ends.
    Cut,
    Bad,
}

fn chunk(src: &dyn ReadAt, at: u64) -> Chunk {
    // Kind, length (3 bytes), check sum (4 bytes), and for compressed frames the length of what is in them.
    let mut head = [0; 13];
    let read = read_into(src, at, &mut head);
    let head = &head[..read];
    let [kind, a, b, c, rest @ ..] = head else { return Chunk::Cut };
    let len = u64::from(u32::from_le_bytes([*a, *b, *c, 0]));
    let Some(end) = at.checked_add(4 + len).filter(|end| *end <= src.len()) else { return Chunk::Cut };
    let memory = match kind {
        0 => rest.get(4..).and_then(|data| snap::raw::decompress_len(data).ok()).map(|len| len as u64),
        1 => len.checked_sub(4),
        0x80..=0xff => return Chunk::Other(end),
        _ => None,
    };
    // Memory is dumped in pages, and a stream is flushed at the end of its block only.
    match memory.filter(|memory| (PAGE..=FRAME).contains(memory) && memory.is_multiple_of(PAGE)) {
        Some(memory) => Chunk::Frame(Frame { at, end, memory }),
        None => Chunk::Bad,
    }
}

/// Frames that follow one another.
#[derive(Clone, Copy)]
struct Mark {
    /// The memory in them.
    start: u64,
    end: u64,
    /// Where the first one is.
    at: u64,
}

/// The memory in an image.
pub(super) struct Avml<'a> {
    src: &'a dyn ReadAt,
    /// By address, apart.
    marks: Vec<Mark>,
}

impl<'a> Avml<'a> {
    /// Walks through an image once; with why it is not whole. `None` if there is no memory in it.
    pub(super) fn new(src: &'a dyn ReadAt) -> Option<(Self, PageRuns, Option<&'static str>)> {
        let mut marks = Vec::new();
        let mut problem = None;
        let mut at = 0;
        while at < src.len() && problem.is_none() {
            let mut header = [0; HEADER as usize];
            let read = read_into(src, at, &mut header);
            match block(&header[..read]) {
                Some(memory) => (at, problem) = walk(src, memory, at + HEADER, &mut marks),
                None => problem = Some("a block has no header, and hides all that follow"),
            }
        }
        marks.sort_by_key(|mark| mark.start);
        let count = marks.len();
        let mut end = 0;
        marks.retain(|mark| {
            let is_apart = mark.start >= end;
            end = end.max(mark.end);
            is_apart
        });
        if marks.len() < count {
            problem = problem.or(Some("some blocks are of the same memory as others, and left out"));
        }
        let mut runs = PageRuns::default();
        marks.iter().for_each(|mark| runs.add(mark.start / PAGE..mark.end.div_ceil(PAGE)));
        (!marks.is_empty()).then_some((Self { src, marks }, runs, problem))
    }

    /// Unpacks what is asked for of one mark; `out` is the memory from `from` on.
    fn fill_mark(&self, mark: &Mark, from: u64, out: &mut [u8], buffer: &mut Buffer, lost: &mut Lost<'_>) {
        let to = from.saturating_add(out.len() as u64).min(mark.end);
        let (mut address, mut at) = (mark.start, mark.at);
        while address < to {
            let frame = match chunk(self.src, at) {
                Chunk::Frame(frame) => frame,
                Chunk::Other(end) => {
                    at = end;
                    continue;
                }
                Chunk::Cut | Chunk::Bad => break, // The file is not any more what it was.
            };
            let end = address.saturating_add(frame.memory);
            let (first, last) = (address.max(from), end.min(to));
            if first < last {
                let part = &mut out[(first - from) as usize..(last - from) as usize];
                let skip = (first - address) as usize;
                match buffer.unpack(self.src, &frame).and_then(|memory| memory.get(skip..skip + part.len())) {
                    Some(memory) => part.copy_from_slice(memory),
                    None => (first / PAGE..last.div_ceil(PAGE)).for_each(|page| lost(Loss::Damaged, page)),
                }
            }
            (address, at) = (end, frame.end);
        }
        if address < to {
            (address.max(from) / PAGE..to.div_ceil(PAGE)).for_each(|page| lost(Loss::Missing, page));
        }
    }
}

impl Blocks for Avml<'_> {
    fn fill(&self, first: u64, out: &mut [u8], lost: &mut Lost<'_>) {
        out.fill(0);
        let from = first.saturating_mul(PAGE);
        let to = from.saturating_add(out.len() as u64);
        let mut buffer = Buffer::default();
        let begin = self.marks.partition_point(|mark| mark.end <= from);
        for mark in self.marks[begin..].iter().take_while(|mark| mark.start < to) {
            let skip = mark.start.saturating_sub(from) as usize;
            self.fill_mark(mark, from.max(mark.start), &mut out[skip..], &mut buffer, lost);
        }
    }
}

/// The bytes of a frame, and what they unpack to.
#[derive(Default)]
struct Buffer {
    packed: Zeroizing<Vec<u8>>,
    memory: Zeroizing<Vec<u8>>,
}

impl Buffer {
    /// The memory in a frame; `None` if it does not unpack, or its check sum is wrong.
    fn unpack(&mut self, src: &dyn ReadAt, frame: &Frame) -> Option<&[u8]> {
        // No frame of 64 KiB is longer when it is compressed.
        let len = usize::try_from(frame.end - frame.at).ok().filter(|len| *len <= 2 * FRAME as usize)?;
        self.packed.clear();
        self.packed.extend(STREAM);
        self.packed.resize(STREAM.len() + len, 0);
        if read_into(src, frame.at, &mut self.packed[STREAM.len()..]) < len {
            return None;
        }
        self.memory.resize(frame.memory as usize, 0);
        snap::read::FrameDecoder::new(Cursor::new(&self.packed[..])).read_exact(&mut self.memory).ok()?;
        Some(&self.memory)
    }
}

/// Walks through the stream of a block that begins at `at`. Where the next block begins, and what is wrong with this one.
fn walk(src: &dyn ReadAt, memory: Range<u64>, mut at: u64, marks: &mut Vec<Mark>) -> (u64, Option<&'static str>) {
    const COUNT: u64 = 8;
    // In old images, `end` is the address behind the last byte.
    let end = memory.end - memory.end % PAGE;
    let mut address = memory.start;
    let (mut frames, mut others) = (STRIDE, 0);
    while address < end {
        let frame = match chunk(src, at) {
            Chunk::Frame(frame) if frame.memory <= end - address => frame,
            Chunk::Other(next) if others < MAX_OTHERS => {
                (at, others) = (next, others + 1);
                continue;
            }
            Chunk::Cut => return (at, Some("it is cut within a block")),
            Chunk::Frame(_) | Chunk::Other(_) | Chunk::Bad => {
                return (at, Some("a block is damaged, and hides all that follow"));
            }
        };
        if frames == STRIDE {
            if marks.len() >= MAX_MARKS {
                return (at, Some("it has more blocks than are read"));
            }
            marks.push(Mark { start: address, end: address, at });
            (frames, others) = (0, 0);
        }
        if let Some(mark) = marks.last_mut() {
            mark.end += frame.memory;
        }
        frames += 1;
        address += frame.memory;
        at = frame.end;
    }
    (at.saturating_add(COUNT), None)
}
