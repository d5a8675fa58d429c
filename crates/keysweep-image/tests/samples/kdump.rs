//! Writes compressed dumps of a kernel, from the definition of the format (makedumpfile's `diskdump_mod.h`) and apart from what
//! reads them.

use std::io::Write;
use std::ops::Range;

/// Structures of the machine that wrote the dump.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Machine {
    /// Words of 64 bits.
    Wide,
    /// Words of 32 bits; numbers of 64 bits are aligned to 4 bytes (i386).
    Narrow,
    /// The same, aligned to 8 bytes (arm).
    NarrowAligned,
}

/// What is to be written.
#[derive(Clone)]
pub struct Kdump {
    pub machine: Machine,
    pub big_endian: bool,
    pub version: u32,
    pub status: u32,
    pub block: usize,
    pub sub_blocks: usize,
    /// Pages of physical memory, with those that the dump holds.
    pub pages: Vec<Option<Vec<u8>>>,
    /// Flags of descriptors, which say how pages are compressed; those of a page by turns.
    pub flags: Vec<u32>,
    /// Only this part is in the file.
    pub part: Option<Range<u64>>,
    /// As old dumps have it.
    pub one_bitmap: bool,
}

impl Kdump {
    pub fn new(machine: Machine, big_endian: bool, pages: Vec<Option<Vec<u8>>>) -> Self {
        let flags = vec![0, 1, 2, 4, 0x20];
        let block = pages.iter().flatten().next().map_or(4096, Vec::len);
        let (version, sub_blocks) = (6, 1);
        Self { machine, big_endian, version, status: 1, block, sub_blocks, pages, flags, part: None, one_bitmap: false }
    }

    fn u32(&self, out: &mut Vec<u8>, value: u32) {
        out.extend(if self.big_endian { value.to_be_bytes() } else { value.to_le_bytes() });
    }

    fn u64(&self, out: &mut Vec<u8>, value: u64) {
        if self.machine == Machine::NarrowAligned {
            out.resize(out.len().next_multiple_of(8), 0);
        }
        out.extend(if self.big_endian { value.to_be_bytes() } else { value.to_le_bytes() });
    }

    /// An `unsigned long`.
    fn word(&self, out: &mut Vec<u8>, value: u64) {
        match self.machine {
            Machine::Wide => self.u64(out, value),
            _ => self.u32(out, value as u32),
        }
    }

    fn bitmap_blocks(&self) -> usize {
        let one = self.pages.len().div_ceil(8).div_ceil(self.block);
        if self.one_bitmap { one } else { 2 * one }
    }

    fn header(&self) -> Vec<u8> {
        let mut out = b"KDUMP   ".to_vec();
        self.u32(&mut out, self.version);
        for text in ["Linux", "crashed.test", "6.1.0-57", "#1 SMP", "x86_64", "(none)"] {
            let end = out.len() + 65;
            out.extend(text.bytes());
            out.resize(end, 0);
        }
        out.resize(if self.machine == Machine::Wide { 408 } else { 404 }, 0);
        self.word(&mut out, 1_700_000_000);
        self.word(&mut out, 4711);
        let count = self.pages.len() as u32;
        let bitmap = self.bitmap_blocks() as u32;
        for value in [self.status, self.block as u32, self.sub_blocks as u32, bitmap, count, count, 0, 0, 0, 8] {
            self.u32(&mut out, value);
        }
        out.resize(self.block, 0);
        out
    }

    fn sub_header(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let part = self.part.clone().unwrap_or(0..0);
        self.word(&mut out, 0x100_0000); // phys_base
        self.u32(&mut out, 31); // dump_level
        self.u32(&mut out, u32::from(self.part.is_some()));
        // From version 6 on these are written, but not read any more.
        let old = if self.version < 6 { part.clone() } else { 77..78 };
        self.word(&mut out, old.start);
        self.word(&mut out, old.end);
        for _ in 0..3 {
            self.u64(&mut out, 0); // vmcoreinfo, notes, erased symbols: offset and length
            self.word(&mut out, 0);
        }
        for value in [part.start, part.end, self.pages.len() as u64] {
            self.u64(&mut out, value);
        }
        if self.version < 6 {
            out.truncate(if self.machine == Machine::Wide { 80 } else { 52 });
        }
        out.resize(self.block * self.sub_blocks, 0);
        out
    }

    fn bitmap(&self, is_set: impl Fn(usize) -> bool) -> Vec<u8> {
        let mut bits = vec![0; self.pages.len().div_ceil(8).next_multiple_of(self.block)];
        (0..self.pages.len()).filter(|page| is_set(*page)).for_each(|page| bits[page / 8] |= 1 << (page % 8));
        bits
    }

    /// The dump.
    pub fn bytes(&self) -> Vec<u8> {
        let mut out = [self.header(), self.sub_header()].concat();
        if !self.one_bitmap {
            out.extend(self.bitmap(|_| true));
        }
        out.extend(self.bitmap(|page| self.pages[page].is_some()));
        let part = self.part.clone().unwrap_or(0..u64::MAX);
        let held = self.pages.iter().zip(0..).filter(|(_, index)| part.contains(index));
        let held: Vec<&Vec<u8>> = held.filter_map(|(page, _)| page.as_ref()).collect();
        let mut data: Vec<u8> = Vec::new();
        let start = out.len() + 24 * held.len();
        let mut zero = None;
        for (index, page) in held.into_iter().enumerate() {
            let flags = self.flags[index % self.flags.len()];
            let is_zero = page.iter().all(|byte| *byte == 0);
            let (at, len, flags) = zero.filter(|_| is_zero).unwrap_or_else(|| {
                let at = (start + data.len()) as u64;
                let packed = pack(page, flags);
                // What does not become smaller is stored.
                let (packed, flags) = if packed.len() < page.len() { (packed, flags) } else { (page.clone(), 0) };
                data.extend(&packed);
                (at, packed.len() as u32, flags)
            });
            if is_zero {
                zero = Some((at, len, flags));
            }
            out.extend(if self.big_endian { at.to_be_bytes() } else { at.to_le_bytes() });
            self.u32(&mut out, len);
            self.u32(&mut out, flags);
            out.extend([0; 8]);
        }
        out.extend(data);
        out
    }

    /// The memory, with zeros where nothing was dumped.
    pub fn memory(&self) -> Vec<u8> {
        let part = self.part.clone().unwrap_or(0..u64::MAX);
        let zeros = vec![0; self.block];
        let pages = self.pages.iter().zip(0..);
        pages.flat_map(|(page, at)| page.as_ref().filter(|_| part.contains(&at)).unwrap_or(&zeros)).copied().collect()
    }
}

pub fn pack(page: &[u8], flags: u32) -> Vec<u8> {
    match flags {
        0 => page.to_vec(),
        1 => {
            let mut out = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
            out.write_all(page).unwrap();
            out.finish().unwrap()
        }
        2 => lzokay::compress::compress(page).unwrap(),
        4 => snap::raw::Encoder::new().compress_vec(page).unwrap(),
        0x20 => ruzstd::encoding::compress_to_vec(page, ruzstd::encoding::CompressionLevel::Fastest),
        _ => unreachable!("a test asks for it"),
    }
}

/// The flattened form: the file in pieces of such sizes by turns, in another order, as records with their places.
pub fn flattened(file: &[u8], sizes: &[usize]) -> Vec<u8> {
    let mut out = b"makedumpfile\0\0\0\0".to_vec();
    out.extend([1_u64.to_be_bytes(), 1_u64.to_be_bytes()].concat());
    out.resize(4096, 0);
    let mut pieces = Vec::new();
    let mut at = 0;
    while at < file.len() {
        let end = (at + sizes[pieces.len() % sizes.len()]).min(file.len());
        pieces.push(at..end);
        at = end;
    }
    // Writers write two places by turns: descriptors and pages.
    let middle = pieces.len() / 2;
    let (first, second) = pieces.split_at(middle);
    let turns = (0..pieces.len()).filter_map(|i| if i % 2 == 0 { second.get(i / 2) } else { first.get(i / 2) });
    for piece in turns {
        out.extend((piece.start as u64).to_be_bytes());
        out.extend((piece.len() as u64).to_be_bytes());
        out.extend(&file[piece.clone()]);
    }
    out.extend([0xff; 16]);
    out
}
