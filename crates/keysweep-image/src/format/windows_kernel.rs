//! Windows kernel, complete and live memory dumps (`MEMORY.DMP`): pages of physical memory.
//!
//! After the header (`DUMP_HEADER64` of 8 KiB, `DUMP_HEADER32` of 4 KiB) the pages follow in the order of their
//! addresses. Which pages depends on the dump: runs in the header (complete dumps), a bitmap with one bit per page, or a
//! list of page ranges (Windows 8 and later, `.dump /f` and `/k`).
//!
//! Sources: `mindumpdef.h` and `wdm.h` of the Windows kits, as published in the `windows` crate; the layout of bitmap and
//! range dumps from the documentation of the kdmp-parser crate.

use crate::builder::Builder;
use crate::fields::Fields;
use crate::image::{Format, Label, Permissions, WarningKind};
use crate::limits;
use crate::read::{read_table, read_vec};
use crate::recognise::Reader;

pub(crate) const READER: Reader = Reader { detect, read };

const PAGE: u64 = 4096;

fn detect(head: &[u8]) -> Option<Format> {
    Layout::of(head).map(|_| Format::WindowsKernel)
}

/// Where the two headers keep their fields.
struct Layout {
    is_64: bool,
    machine: usize,
    parameters: usize,
    runs: usize,
    dump_type: usize,
    system_time: usize,
    size: u64,
}

impl Layout {
    fn of(head: &[u8]) -> Option<Self> {
        match head.get(..8)? {
            b"PAGEDU64" => Some(Self {
                is_64: true,
                machine: 0x30,
                parameters: 0x40,
                runs: 0x88,
                dump_type: 0xf98,
                system_time: 0xfa8,
                size: 0x2000,
            }),
            b"PAGEDUMP" => Some(Self {
                is_64: false,
                machine: 0x20,
                parameters: 0x2c,
                runs: 0x64,
                dump_type: 0xf88,
                system_time: 0xfc0,
                size: 0x1000,
            }),
            _ => None,
        }
    }
}

fn read(image: &mut Builder<'_>, head: &[u8]) {
    let Some(layout) = Layout::of(head) else { return };
    let header = Fields::little(head);
    system(image, &layout, header);
    image.promise(0, layout.size);
    let after = read_vec(image.src, layout.size, 0x38);
    let after = Fields::little(&after);
    let known = match header.u32(layout.dump_type) {
        Some(1) => runs(image, &layout, header),
        Some(2 | 5 | 6) if layout.is_64 => bitmap(image, &layout, after),
        Some(8..=10) if layout.is_64 => ranges(image, &layout, after),
        _ => None,
    };
    if known.is_none() {
        let message = "the map of the physical pages is damaged or of an unknown kind";
        image.warn(WarningKind::Unmapped, message);
    }
}

fn system(image: &mut Builder<'_>, layout: &Layout, header: Fields<'_>) {
    image.architecture = header.u32(layout.machine).map(|machine| match machine {
        0x14c => "i386".to_owned(),
        0x8664 => "x86_64".to_owned(),
        0xaa64 => "aarch64".to_owned(),
        other => format!("machine-{other:#x}"),
    });
    let code = header.u32(layout.machine + 8);
    let word = if layout.is_64 { 8 } else { 4 };
    let parameters: Vec<String> = (0..4)
        .filter_map(|i| header.word(layout.parameters + i * word, layout.is_64))
        .map(|parameter| format!("{parameter:#x}"))
        .collect();
    let build = header.u32(0xc);
    let time = header.u64(layout.system_time).and_then(unix_time);
    let process = image.process();
    process.threads = header.u32(layout.machine + 4).unwrap_or(0);
    process.cause = code.map(|code| format!("bug check {code:#x} ({})", parameters.join(", ")));
    process.host = build.map(|build| format!("Windows build {build}"));
    process.time = time;
}

/// Seconds since 1970 of a Windows time in units of 100 ns since 1601.
fn unix_time(time: u64) -> Option<u64> {
    const SECONDS_1601_TO_1970: u64 = 11_644_473_600;
    (time / 10_000_000).checked_sub(SECONDS_1601_TO_1970)
}

/// Adds runs of pages that follow one another in the file from `offset` on. A run outside of the address space ends it.
fn add_runs(image: &mut Builder<'_>, mut offset: u64, runs: impl Iterator<Item = (u64, u64)>) -> Option<()> {
    for (page, count) in runs {
        let (address, len) = (page.checked_mul(PAGE)?, count.checked_mul(PAGE)?);
        if !image.region(offset, len, Some(address), Label::Physical, Permissions::Unknown) {
            break;
        }
        offset = offset.checked_add(len)?;
    }
    Some(())
}

/// The descriptor in the header: a number of runs, a number of pages, and for each run its first page and its length.
fn runs(image: &mut Builder<'_>, layout: &Layout, header: Fields<'_>) -> Option<()> {
    const BUFFER: usize = 700;
    let (word, first) = if layout.is_64 { (8, 16) } else { (4, 8) };
    let count = header.u32(layout.runs)? as usize;
    if count == 0 || count > (BUFFER - first) / (2 * word) {
        return None;
    }
    let at = |i: usize| layout.runs + first + i * word;
    let runs = (0..count)
        .filter_map(|i| Some((header.word(at(2 * i), layout.is_64)?, header.word(at(2 * i + 1), layout.is_64)?)));
    add_runs(image, layout.size, runs)
}

/// Pages of the largest memory whose bitmap is read: 16 TiB, of which it takes half a gigabyte.
const MAX_PAGES: u64 = 1 << 32;

/// A bit for each page of physical memory, in the order of the bits from the lowest; set where the page is in the dump.
fn bitmap(image: &mut Builder<'_>, layout: &Layout, header: Fields<'_>) -> Option<()> {
    const BITMAP: u64 = 0x38;
    if !matches!(header.bytes.get(..8)?, b"SDMPDUMP" | b"FDMPDUMP") {
        return None;
    }
    let (first_page, pages) = (header.u64(0x20)?, header.u64(0x30)?);
    let bitmap_at = layout.size + BITMAP;
    let bytes = pages.div_ceil(8);
    if pages > MAX_PAGES || first_page < bitmap_at.checked_add(bytes)? {
        return None;
    }
    let mut next_page = 0_u64;
    let mut run: Option<(u64, u64)> = None;
    let mut offset = first_page;
    let mut intact = Some(());
    let src = image.src;
    let mut add = |run: Option<(u64, u64)>| {
        if intact.is_some() {
            intact = add_runs(image, offset, run.into_iter());
            offset = offset.saturating_add(run.map_or(0, |(_, count)| count.saturating_mul(PAGE)));
        }
        intact.is_some()
    };
    read_table(src, bitmap_at, 1, bytes, |_, byte| {
        for bit in 0..8 {
            let present = next_page < pages && byte.first().is_some_and(|byte| byte >> bit & 1 == 1);
            match (&mut run, present) {
                (Some((_, count)), true) => *count += 1,
                (None, true) => run = Some((next_page, 1)),
                (Some(_), false) => {
                    if !add(run.take()) {
                        return false;
                    }
                }
                (None, false) => {}
            }
            next_page += 1;
        }
        true
    });
    add(run.take());
    intact
}

/// Pairs of first page and number of pages, up to a page number of 0.
fn ranges(image: &mut Builder<'_>, layout: &Layout, header: Fields<'_>) -> Option<()> {
    const TABLE: u64 = 0x30;
    if header.bytes.get(4..12)? != b"RDMPDUMP" {
        return None;
    }
    let (metadata, first_page) = (header.u64(0x10)?, header.u64(0x18)?);
    let mut list = Vec::new();
    let count = (metadata / 16).min(limits::REGIONS as u64);
    read_table(image.src, layout.size + TABLE, 16, count, |_, entry| {
        let entry = Fields::little(entry);
        match (entry.u64(0), entry.u64(8)) {
            (Some(page), Some(count)) if page != 0 => list.push((page, count)),
            _ => return false,
        }
        true
    });
    if list.is_empty() {
        return None;
    }
    add_runs(image, first_page, list.into_iter())
}
