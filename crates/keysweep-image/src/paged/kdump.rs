//! Compressed dumps of a kernel (`KDUMP`): what their headers say.
//!
//! A block (of the size of a page) with the header, blocks with a sub header and notes, two bitmaps with a bit for each page of
//! physical memory, a descriptor for each page that is set in the second one, and the pages, each compressed for itself. Headers
//! are structures of C, so that word size, alignment and byte order are those of the machine that wrote them.
//!
//! Sources: makedumpfile's `diskdump_mod.h`; the same structures in crash's `diskdump.h`, QEMU's `dump.h` and libkdumpfile's
//! `diskdump.c`, which tells of both alignments.

use std::ops::Range;

use crate::builder::{Builder, grouped};
use crate::fields::Fields;
use crate::image::WarningKind;
use crate::read::{ReadAt, read_vec};

const SIGNATURE: &[u8] = b"KDUMP   ";
/// The newest version of the header known here; later ones added fields behind the others.
const NEWEST: u32 = 6;
const SUB_HEADER: u64 = 104;
/// Bytes of one of the texts of `struct new_utsname`.
const UTS: usize = 65;

/// The dump could not be written to its end (`DUMP_DH_COMPRESSED_INCOMPLETE`).
const INCOMPLETE: u32 = 0x8;

/// Whether a source begins so.
pub(super) fn detect(head: &[u8]) -> bool {
    head.starts_with(SIGNATURE)
}

/// What the headers say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) big_endian: bool,
    is_64: bool,
    status: u32,
    /// Bytes of a page, and of a block.
    pub(super) page: u64,
    /// Where the bitmap lies that tells which pages there are.
    pub(super) bitmap: u64,
    /// Where the descriptors begin.
    pub(super) descriptors: u64,
    /// The pages that this file may hold.
    pub(super) pages: Range<u64>,
    is_part: bool,
}

impl Header {
    /// Reads the headers of a dump; `None` if they make no sense in any word size and byte order.
    pub(super) fn read(src: &dyn ReadAt) -> Option<Self> {
        let head = read_vec(src, 0, 464);
        let kinds = [(true, false), (true, true), (false, false), (false, true)];
        let fixed: Vec<Fixed> = kinds.iter().filter_map(|kind| Fixed::of(&head, kind.0, kind.1)).collect();
        // The numbers of one word size may make sense in the other one, too, but hardly the size of the bitmap to the block.
        let fixed = fixed.iter().find(|fixed| fixed.is_tight()).or(fixed.first())?;
        let sub = read_vec(src, fixed.page, SUB_HEADER);
        fixed.with_sub_header(Fields { bytes: &sub, big_endian: fixed.big_endian })
    }

    /// Tells of the dump what its headers do.
    pub(super) fn describe(&self, src: &dyn ReadAt, image: &mut Builder<'_>) {
        let head = read_vec(src, 0, 464);
        let fields = Fields { bytes: &head, big_endian: self.big_endian };
        let text = |index: usize| fields.text(12 + index * UTS, UTS).filter(|text| !text.is_empty());
        // System, host, release, version, machine.
        let host: Vec<String> = [1, 2].into_iter().filter_map(text).collect();
        image.architecture = text(4).map(|machine| match machine.as_str() {
            "i486" | "i586" | "i686" => "i386".to_owned(),
            arm if arm.starts_with("armv") => "arm".to_owned(),
            _ => machine,
        });
        let (time, processors) = if self.is_64 { (408, 460) } else { (404, 448) };
        let time = fields.word(time, self.is_64).filter(|time| *time > 0);
        let threads = fields.u32(processors).unwrap_or(0);
        let process = image.process();
        process.host = (!host.is_empty()).then(|| host.join(" "));
        process.time = time;
        process.threads = threads;
        if self.status & INCOMPLETE != 0 {
            image.warn(WarningKind::Truncated, "the dump says of itself that it was not written to its end");
        }
        if self.descriptors > src.len() {
            image.warn(WarningKind::Truncated, "the dump is cut before its first page");
        }
        if self.is_part {
            let Range { start, end } = self.pages;
            let message = match end.checked_sub(1).filter(|last| start <= *last) {
                Some(last) => format!("with pages {} to {}", grouped(start), grouped(last)),
                None => "without any page".to_owned(),
            };
            image.warn(WarningKind::Part, format!("this is one of several files of a dump, {message}"));
        }
    }
}

/// The first header.
struct Fixed {
    is_64: bool,
    big_endian: bool,
    version: u32,
    status: u32,
    page: u64,
    sub_blocks: u64,
    bitmap_blocks: u64,
    /// Pages of the machine; the lower half of the number in later versions.
    max_page: u64,
}

impl Fixed {
    fn of(head: &[u8], is_64: bool, big_endian: bool) -> Option<Self> {
        let fields = Fields { bytes: head, big_endian };
        let status = if is_64 { 424 } else { 412 };
        let number = |index: usize| fields.u32(status + 4 * index);
        let fixed = Self {
            is_64,
            big_endian,
            version: fields.u32(8)?,
            status: number(0)?,
            page: u64::from(number(1)?),
            sub_blocks: u64::from(number(2)?),
            bitmap_blocks: u64::from(number(3)?),
            max_page: u64::from(number(4)?),
        };
        let is_signed = |blocks: u64| blocks <= i32::MAX as u64;
        let makes_sense = fixed.version <= 4 * NEWEST
            && fixed.page.is_power_of_two()
            && (4 << 10..=64 << 10).contains(&fixed.page)
            && is_signed(fixed.sub_blocks)
            && fixed.bitmap_blocks > 0
            && fixed.bits() >= fixed.max_page;
        makes_sense.then_some(fixed)
    }

    /// Bits of all bitmaps.
    fn bits(&self) -> u64 {
        8 * self.bitmap_blocks * self.page
    }

    /// Whether there are two bitmaps, none longer than it must be.
    fn is_tight(&self) -> bool {
        self.max_page > 0 && self.bitmap_blocks == 2 * self.max_page.div_ceil(8 * self.page)
    }

    fn with_sub_header(&self, sub: Fields<'_>) -> Option<Header> {
        let mut max_page = self.max_page;
        let mut part = None;
        if self.version >= 2 {
            let (split, pages) = if self.is_64 { (12, 16) } else { (8, 12) };
            let word = if self.is_64 { 8 } else { 4 };
            if sub.u32(split).unwrap_or(0) != 0 {
                part = Some(sub.word(pages, self.is_64)?..sub.word(pages + word, self.is_64)?);
            }
        }
        if self.version >= 6 {
            let wide = self.wide(sub)?;
            max_page = sub.u64(wide + 16)?;
            if part.is_some() {
                part = Some(sub.u64(wide)?..sub.u64(wide + 8)?);
            }
        }
        let bitmaps = (1 + self.sub_blocks) * self.page;
        let two = self.bits() / 2 >= max_page;
        let half = if two { self.bitmap_blocks / 2 * self.page } else { 0 };
        let all = 0..max_page.min((self.bitmap_blocks * self.page - half) * 8);
        let pages = match &part {
            Some(part) => part.start.min(all.end)..part.end.clamp(part.start.min(all.end), all.end),
            None => all,
        };
        Some(Header {
            big_endian: self.big_endian,
            is_64: self.is_64,
            status: self.status,
            page: self.page,
            bitmap: bitmaps + half,
            descriptors: bitmaps + self.bitmap_blocks * self.page,
            pages,
            is_part: part.is_some(),
        })
    }

    /// Where the fields of version 6 begin. On some machines of 32 bits, numbers of 64 bits are aligned to 8 bytes; the number of
    /// pages, which stands in both headers, tells which.
    fn wide(&self, sub: Fields<'_>) -> Option<usize> {
        if self.is_64 {
            return Some(80);
        }
        let fits = |wide: &usize| sub.u64(wide + 16).is_some_and(|pages| pages & 0xffff_ffff == self.max_page);
        [56, 72].into_iter().find(fits).or(Some(56))
    }
}
