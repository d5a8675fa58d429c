//! Compressed dumps of kernels: the memory that they unpack to, and what hostile ones do.

#[allow(unreachable_pub)] // Shared by tests.
#[path = "samples/kdump.rs"]
mod writer;

use keysweep_image::{Format, Label, Opened, ReadAt, WarningKind, open, read_into, recognise};
use keysweep_testkit::bounded;
use std::time::Duration;
use writer::{Kdump, Machine, flattened};

const MACHINES: [(Machine, bool); 5] = [
    (Machine::Wide, false),
    (Machine::Wide, true),
    (Machine::Narrow, false),
    (Machine::NarrowAligned, false),
    (Machine::NarrowAligned, true),
];

struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit
    }
}

/// Pages of zeros, text and noise; some are missing.
fn pages(count: usize, block: usize) -> Vec<Option<Vec<u8>>> {
    let mut random = Random(count as u64);
    let page = |index: usize| match index % 11 {
        0 | 1 => vec![0; block],
        2 => (0..block).map(|_| random.below(256) as u8).collect(),
        _ => format!("page {index} of the memory. ").into_bytes().into_iter().cycle().take(block).collect(),
    };
    let mut all: Vec<_> = (0..count).map(page).map(Some).collect();
    (0..count).filter(|index| index % 7 == 3 || index % 100 > 90).for_each(|index| all[index] = None);
    all
}

fn read(opened: &Opened<'_>, from: u64, len: usize) -> Vec<u8> {
    let mut buf = vec![0xaa; len];
    let read = read_into(opened.source(), from, &mut buf);
    buf.truncate(read);
    buf
}

/// That a dump is read as what was written to it.
fn check(dump: &Kdump, file: &[u8]) {
    let what = (dump.machine, dump.big_endian, dump.version);
    let opened = open(&file);
    assert!(opened.is_unpacked() && opened.image.format == Format::Kdump, "{what:?}");
    let mut memory = dump.memory();
    let len = opened.source().len() as usize;
    assert!(memory[len..].iter().all(|byte| *byte == 0), "{what:?}");
    memory.truncate(len);
    assert!(read(&opened, 0, len + 100) == memory, "{what:?}");
    let mut random = Random(3);
    for _ in 0..200 {
        let (from, most) = (random.below(len + 10), [10, 5000, 100_000][random.below(3)]);
        let want = memory.get(from..).unwrap_or_default();
        let want = &want[..want.len().min(most)];
        assert!(read(&opened, from as u64, most) == want, "{what:?} {from} {most}");
    }
    // Addresses are offsets, and the extents are what the dump holds.
    let image = &opened.image;
    let part = dump.part.clone().unwrap_or(0..u64::MAX);
    for (index, page) in (0..).zip(&dump.pages) {
        let at = index * dump.block as u64;
        let is_held = page.is_some() && part.contains(&index);
        assert_eq!(image.place(at).address, is_held.then_some(at), "{what:?} {index}");
        assert_eq!(opened.source().extents().iter().any(|extent| extent.contains(&at)), is_held);
    }
    assert!(image.regions.iter().all(|region| region.label == Label::Physical));
    assert_eq!(opened.losses(), None);
}

#[test]
fn all_machines_versions_and_forms() {
    for (machine, big_endian) in MACHINES {
        for version in 1..=6 {
            let mut dump = Kdump { version, ..Kdump::new(machine, big_endian, pages(300, 4096)) };
            let file = dump.bytes();
            check(&dump, &file);
            for sizes in [&[16 << 10][..], &[1 << 20], &[100, 5000, 37]] {
                check(&dump, &flattened(&file, sizes));
            }
            dump.sub_blocks = 3;
            check(&dump, &dump.bytes());
            if version >= 2 {
                dump.part = Some(90..201);
                check(&dump, &dump.bytes());
                let file = dump.bytes();
                let warnings = open(&file).image.warnings;
                assert_eq!(warnings.len(), 1, "{warnings:?}");
                assert_eq!(warnings[0].message, "this is one of several files of a dump, with pages 90 to 200");
                assert_eq!(warnings[0].kind, WarningKind::Part);
            }
        }
    }
}

#[test]
fn pages_of_all_sizes_and_many() {
    for block in [4 << 10, 8 << 10, 16 << 10, 64 << 10] {
        let dump = Kdump::new(Machine::Wide, block == 8 << 10, pages(120, block));
        check(&dump, &dump.bytes());
    }
    // More than one block of bitmap, and counts from several places.
    let dump = Kdump { flags: vec![1, 4], ..Kdump::new(Machine::Wide, false, pages(70_000, 4096)) };
    let sparse: Vec<_> = dump.pages.iter().enumerate().map(|(i, p)| p.clone().filter(|_| i % 50 < 2)).collect();
    let dump = Kdump { pages: sparse, ..dump };
    check(&dump, &dump.bytes());
    let old = Kdump { one_bitmap: true, version: 1, ..Kdump::new(Machine::Narrow, false, pages(50, 4096)) };
    check(&old, &old.bytes());
}

#[test]
fn the_header_tells_of_the_machine() {
    let dump = Kdump::new(Machine::Wide, false, pages(20, 4096));
    let file = dump.bytes();
    let image = open(&file).image;
    let process = image.process.unwrap();
    assert_eq!(image.architecture.as_deref(), Some("x86_64"));
    assert_eq!(process.host.as_deref(), Some("crashed.test 6.1.0-57"));
    assert_eq!((process.time, process.threads), (Some(1_700_000_000), 8));
    let narrow = Kdump::new(Machine::Narrow, false, pages(20, 4096)).bytes();
    let process = open(&narrow).image.process.unwrap();
    assert_eq!((process.time, process.threads), (Some(1_700_000_000), 8));
    // Who only wants to know what it is, sees that its memory does not show.
    assert_eq!(recognise(&file).format, Format::CompressedDump);
}

#[test]
fn what_is_missing_is_counted() {
    let dump = Kdump::new(Machine::Wide, false, pages(300, 4096));
    let whole = dump.bytes();
    let lost = |file: &Vec<u8>| {
        let opened = open(file);
        let memory = read(&opened, 0, 300 * 4096);
        let again = read(&opened, 0, 300 * 4096);
        assert!(memory == again);
        let said = opened.losses();
        let unequal = memory.chunks(4096).zip(dump.memory().chunks(4096)).filter(|(a, b)| a != b).count();
        (unequal, said, opened.image.warnings)
    };
    let (_, said, warnings) = lost(&whole);
    assert_eq!((said, warnings.len()), (None, 0));
    // Of the last half, pages of zeros refer to one that is there.
    let (unequal, said, _) = lost(&whole[..whole.len() / 2].to_vec());
    let said = said.unwrap();
    assert!(unequal > 30 && said == format!("pages of memory that could not be searched: {unequal} missing"), "{said}");
    let held = dump.pages.iter().flatten().count();
    let descriptors = 4096 * 4;
    let (_, said, _) = lost(&whole[..descriptors].to_vec());
    assert_eq!(said.unwrap(), format!("pages of memory that could not be searched: {held} missing"));
    // Without the bitmap it is not known which there were.
    let (_, said, warnings) = lost(&whole[..descriptors - 1].to_vec());
    assert!(said.is_none_or(|said| said.contains("missing")) && warnings[0].kind == WarningKind::Truncated);
    // Flattened, the end is marked.
    let flat = flattened(&whole, &[16 << 10]);
    let (_, _, warnings) = lost(&flat[..flat.len() - 16].to_vec());
    assert_eq!(warnings[0].kind, WarningKind::Truncated);
    assert!(warnings[0].message.contains("ends before the mark"), "{warnings:?}");
    let incomplete = Kdump { status: 1 | 8, ..dump.clone() };
    let (_, said, warnings) = lost(&incomplete.bytes());
    assert_eq!((said, warnings[0].kind), (None, WarningKind::Truncated));
}

/// The place of the descriptor of the first page that says so much of itself.
fn descriptor(dump: &Kdump, file: &[u8], flags: u32) -> usize {
    let table = dump.block * (1 + dump.sub_blocks + 2);
    let held = dump.pages.iter().flatten().zip((table..).step_by(24));
    // Pages of zeros share theirs.
    let written = held.filter(|(page, _)| page.iter().any(|byte| *byte != 0)).map(|(_, at)| at);
    written.into_iter().find(|at| file[at + 12..at + 16] == flags.to_le_bytes()).unwrap()
}

#[test]
fn pages_that_lie_are_damaged_or_missing_and_the_others_are_read() {
    let dump = Kdump::new(Machine::Wide, false, pages(300, 4096));
    let whole = dump.bytes();
    let bomb = writer::pack(&vec![0; 50 << 20], 1);
    let longer = writer::pack(&[7; 4097], 4);
    let shorter = writer::pack(&[7; 4095], 2);
    for (flags, change, expected) in [
        (1, vec![(0, u64::MAX)], "1 missing"),
        (1, vec![(0, u64::MAX - 10)], "1 missing"),
        (1, vec![(0, 0)], "1 missing"),
        (1, vec![(0, 4096)], "1 damaged"),
        (4, vec![(8, 0x4_0000_0000)], "1 damaged"),
        (2, vec![(8, 0x2_0000_ffff)], "1 damaged"),
        (0x20, vec![(8, 0x20_ffff_ffff)], "1 missing"),
        (0x20, vec![(8, 0x3_0000_0040)], "1 damaged"),
        (0, vec![(8, 4095)], "1 damaged"),
        (1, vec![(0, whole.len() as u64), (8, 1 << 32 | 8000)], "1 damaged"),
        (4, vec![(0, whole.len() as u64 + 60_000), (8, 4 << 32 | longer.len() as u64)], "1 damaged"),
        (2, vec![(0, whole.len() as u64 + 70_000), (8, 2 << 32 | shorter.len() as u64)], "1 damaged"),
    ] {
        let mut file = whole.clone();
        file.extend(bomb.iter().take(60_000).chain(std::iter::repeat_n(&0, 60_000_usize.saturating_sub(bomb.len()))));
        file.extend(&longer);
        file.resize(whole.len() + 70_000, 0);
        file.extend(&shorter);
        let at = descriptor(&dump, &file, flags);
        for (field, value) in &change {
            file[at + field..at + field + 8].copy_from_slice(&value.to_le_bytes());
        }
        let opened = open(&file);
        let memory = read(&opened, 0, 300 * 4096);
        let unequal = memory.chunks(4096).zip(dump.memory().chunks(4096)).filter(|(a, b)| a != b).count();
        let said = opened.losses().unwrap_or_default();
        assert_eq!(unequal, 1, "{flags} {change:x?} {said}");
        assert!(said.ends_with(&format!(": {expected}")), "{flags} {change:x?} {said}");
    }
}

/// What callers rely on, whatever the file.
fn look(file: &[u8]) {
    let opened = open(&file);
    let image = &opened.image;
    let len = opened.source().len();
    let extents = opened.source().extents();
    assert!(file.is_empty() || extents.iter().all(|extent| extent.start < extent.end && extent.end <= len));
    assert!(extents.windows(2).all(|pair| pair[0].end <= pair[1].start));
    let mut end = 0;
    for region in &image.regions {
        assert!(region.file_offset >= end && region.len > 0 && region.file_end() <= len);
        end = region.file_end();
    }
    let held: u64 = extents.iter().map(|extent| extent.end - extent.start).sum();
    assert!(!opened.is_unpacked() || held <= (1 << 30).max(500 * file.len() as u64), "{held}");
    for extent in extents.iter().filter(|extent| !extent.is_empty()).take(3) {
        read(&opened, extent.start, (extent.end - extent.start).min(2 << 20) as usize);
        read(&opened, extent.end - 1, 100);
    }
    read(&opened, len.saturating_sub(100), 200);
    read(&opened, u64::MAX - 5, 200);
    let _ = opened.losses();
}

#[test]
fn every_few_bytes_cut() {
    let dump = Kdump::new(Machine::Wide, false, pages(60, 4096));
    let whole = dump.bytes();
    let flat = flattened(&whole, &[3000, 200]);
    for file in [&whole, &flat] {
        for len in (0..file.len()).filter(|len| *len < 500 || len % 97 == 0) {
            look(&file[..len]);
        }
    }
}

#[test]
fn thousands_of_mutations() {
    let mut random = Random(99);
    for (machine, big_endian) in MACHINES {
        let dump = Kdump::new(machine, big_endian, pages(30, 4096));
        let whole = dump.bytes();
        for file in [flattened(&whole, &[5000, 300]), whole] {
            let mut file = file;
            for _ in 0..400 {
                let mut changed = Vec::new();
                for _ in 0..=random.below(5) {
                    // Most damage goes to where the tables are.
                    let places = [464, 4096 + 110, 5 * 4096, file.len()];
                    let place = places[random.below(4)].min(file.len());
                    let at = random.below(place);
                    let end = (at + [1, 2, 4, 8][random.below(4)]).min(file.len());
                    changed.push((at, file[at..end].to_vec()));
                    let value = [0, 1, 0x7f, 0xff, random.below(256) as u8][random.below(5)];
                    file[at..end].fill(value);
                }
                look(&file);
                for (at, bytes) in changed.into_iter().rev() {
                    file[at..at + bytes.len()].copy_from_slice(&bytes);
                }
            }
        }
    }
}

/// A file with holes, of any length.
struct Sparse {
    head: Vec<u8>,
    fill: u8,
    len: u64,
}

impl ReadAt for Sparse {
    fn len(&self) -> u64 {
        self.len
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> std::io::Result<usize> {
        let count = self.len.saturating_sub(offset).min(buf.len() as u64) as usize;
        buf[..count].fill(self.fill);
        let tail = usize::try_from(offset).ok().and_then(|from| self.head.get(from..)).unwrap_or_default();
        let known = tail.len().min(count);
        buf[..known].copy_from_slice(&tail[..known]);
        Ok(count)
    }
}

#[test]
fn absurd_bitmaps_cost_little() {
    let dump = Kdump::new(Machine::Wide, false, pages(20, 4096));
    for (fill, blocks) in [(0, i32::MAX), (0xff, i32::MAX), (0x55, 32 << 10)] {
        let mut head = dump.bytes();
        head[436..440].copy_from_slice(&blocks.to_le_bytes()); // of bitmap
        head[4096 + 96..4096 + 104].copy_from_slice(&u64::MAX.to_le_bytes()); // pages
        head.truncate(3 * 4096);
        let file = Sparse { head, fill, len: 1 << 62 };
        bounded(Duration::from_secs(60), format!("a bitmap of {fill:#x}"), || {
            let opened = open(&file);
            assert!(opened.is_unpacked());
            assert!(opened.image.regions.len() <= keysweep_image::limits::REGIONS);
            let is_cut = opened.image.warnings.iter().any(|warning| warning.kind == WarningKind::Truncated);
            assert!(is_cut || blocks < i32::MAX);
            read(&opened, 0, 1 << 20);
            read(&opened, opened.source().len() / 2, 1 << 20);
        });
    }
}

#[test]
fn one_page_for_all_is_bounded() {
    // Each page of 64 KiB takes a descriptor of 24 bytes.
    let count = 200_000;
    let page: Vec<u8> = b"the same page, ".iter().copied().cycle().take(64 << 10).collect();
    let mut pages = vec![None; count];
    pages[0] = Some(page.clone());
    let dump = Kdump { flags: vec![1], ..Kdump::new(Machine::Wide, false, pages) };
    let mut file = dump.bytes();
    let table = 4 * (64 << 10);
    let entry = file[table..table + 24].to_vec();
    let bitmap = table - (64 << 10);
    let data = file.split_off(table + 24);
    file[bitmap..bitmap + count / 8].fill(0xff);
    let at = u64::from_le_bytes(entry[..8].try_into().unwrap()) + 24 * (count as u64 - 1);
    for _ in 1..count {
        file.extend(&entry);
    }
    for index in 0..count {
        file[table + 24 * index..][..8].copy_from_slice(&at.to_le_bytes());
    }
    file.extend(data);
    let opened = open(&file);
    let held: u64 = opened.source().extents().iter().map(|extent| extent.end - extent.start).sum();
    assert!(held <= 500 * file.len() as u64 && held > 400 * file.len() as u64, "{held}");
    assert!(opened.image.warnings.iter().any(|w| w.message.contains("too many times its size")));
    assert!(read(&opened, held - 100, 1000)[..100] == page[(64 << 10) - 100..]);
}

#[test]
fn flattened_files_of_other_things() {
    let text = flattened(&b"nothing that is known".repeat(1000), &[100]);
    let opened = open(&text);
    assert!(!opened.is_unpacked() && opened.image.format == Format::CompressedDump);
    assert_eq!(opened.image.warnings[0].kind, WarningKind::Unsupported);
    // A flattened file in a flattened file is not opened again.
    let inner = flattened(&Kdump::new(Machine::Wide, false, pages(20, 4096)).bytes(), &[1000]);
    assert!(!open(&flattened(&inner, &[1000])).is_unpacked());
    // One in ELF is.
    let mut elf = b"\x7fELF\x02\x01\x01".to_vec();
    elf.resize(16, 0);
    for value in [4_u16, 62] {
        elf.extend(value.to_le_bytes());
    }
    elf.extend([1, 0, 0, 0]);
    for value in [0_u64, 64, 0] {
        elf.extend(value.to_le_bytes());
    }
    elf.extend([0; 4]);
    for value in [64_u16, 56, 1, 64, 0, 0] {
        elf.extend(value.to_le_bytes());
    }
    elf.extend([1, 0, 0, 0, 7, 0, 0, 0]);
    for value in [4096_u64, 0, 0x10_0000, 4096, 4096, 0] {
        elf.extend(value.to_le_bytes());
    }
    elf.resize(4096, 0);
    elf.extend([9; 4096]);
    let flat = flattened(&elf, &[1000]);
    let opened = open(&flat);
    assert!(opened.is_unpacked() && opened.image.format.is_dump(), "{:?}", opened.image.format);
    assert_eq!(opened.image.regions.len(), 1);
    assert_eq!(read(&opened, 4096, 10), [9; 10]);
}

#[test]
fn near_misses_stay_what_they_are() {
    for text in [&b"KDUMP   is the signature of makedumpfile"[..], b"makedumpfile", b"KDUMP   \0\0\0\0", b"KDUMP"] {
        let mut file = text.to_vec();
        assert!(!open(&file).is_unpacked());
        file.resize(20_000, b' ');
        assert!(!open(&file).is_unpacked());
        file.resize(40_000, 0);
        assert!(!open(&file).is_unpacked());
    }
    let good = Kdump::new(Machine::Wide, false, pages(20, 4096)).bytes();
    // A block of no page's size, no bitmap, a version that is none.
    for (at, value) in [(428, 4097_u32), (428, 512), (428, 1 << 20), (428, 0), (436, 0), (8, 0xff00), (432, u32::MAX)] {
        let mut file = good.clone();
        file[at..at + 4].copy_from_slice(&value.to_le_bytes());
        let opened = open(&file);
        assert!(!opened.is_unpacked(), "{at} {value}");
        assert_eq!(opened.image.warnings[0].kind, WarningKind::Unsupported);
    }
}

#[test]
fn threads_read_the_same() {
    let dump = Kdump::new(Machine::Wide, false, pages(500, 4096));
    let file = dump.bytes();
    let opened = open(&file);
    let memory = dump.memory();
    std::thread::scope(|scope| {
        for seed in 0..4 {
            let (opened, memory) = (&opened, &memory);
            scope.spawn(move || {
                let mut random = Random(seed);
                for _ in 0..500 {
                    let (from, len) = (random.below(490 * 4096), [3, 9000, 60_000][random.below(3)]);
                    let want = &memory[from..];
                    let got = read(opened, from as u64, len);
                    assert!(got == want[..got.len()] && (got.len() == len || from + got.len() >= 489 * 4096));
                }
            });
        }
    });
}
