//! Truncated and damaged files of each format: no panic, no hang, and the promises of `Image` hold.

mod samples;

use keysweep_image::{Image, WarningKind, recognise};

/// What callers rely on, whatever the input was.
fn check(image: &Image, bytes: &[u8]) {
    let mut end = 0;
    for region in &image.regions {
        assert!(region.len > 0 && region.file_offset >= end, "sorted, not empty, without overlaps");
        end = region.file_offset + region.len;
        assert!(end <= bytes.len() as u64, "inside the file");
        assert!(region.address.is_none_or(|address| address.checked_add(region.len - 1).is_some()));
        let place = image.place(region.file_offset);
        assert_eq!((place.region, place.address), (Some(region), region.address));
        assert_eq!(image.region_at(end - 1), Some(region));
    }
    assert!(image.modules.is_sorted_by_key(|module| module.address));
    assert!(image.warnings.len() <= keysweep_image::limits::WARNINGS);
    for address in [0, 0x40_0000, 0x7ff0_0ff8, u64::MAX] {
        let mut buf = [0; 64];
        let count = image.read_address(&bytes, address, &mut buf);
        assert_eq!(image.file_offset_of(address).is_some(), count > 0);
        if let Some(offset) = image.file_offset_of(address) {
            assert_eq!(bytes[offset as usize], buf[0]);
        }
    }
}

/// Deterministic random numbers.
struct XorShift(u64);

impl XorShift {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }
}

#[test]
fn every_prefix() {
    for (_, bytes) in samples::all() {
        for len in 0..=bytes.len() {
            check(&recognise(&&bytes[..len]), &bytes[..len]);
        }
    }
}

#[test]
fn ten_thousand_mutations_of_each() {
    const EXTREMES: [u8; 4] = [0, 1, 0x7f, 0xff];
    for (name, original) in samples::all() {
        let mut random = XorShift(0x9e37_79b9_7f4a_7c15 ^ name.len() as u64);
        // Most damage goes to where the tables are.
        let tables = original.len().min(0x1000);
        let mut bytes = original.clone();
        for _ in 0..10_000 {
            let mut changed = Vec::new();
            for _ in 0..=random.below(6) {
                let at = if random.below(8) == 0 { random.below(original.len()) } else { random.below(tables) };
                let width = [1, 1, 2, 4, 8][random.below(5)];
                let value = match random.below(3) {
                    0 => random.next() as u8,
                    i => EXTREMES[random.below(EXTREMES.len()) & (i | 1)],
                };
                let end = (at + width).min(original.len());
                bytes[at..end].fill(value);
                changed.push(at..end);
            }
            check(&recognise(&bytes), &bytes);
            for range in changed {
                bytes[range.clone()].copy_from_slice(&original[range]);
            }
        }
    }
}

/// The header of a 64-bit ELF file for x86-64 with one table of segments or sections right after it.
fn elf_header(file_type: u16, segments: u64, sections: u64, names: u16) -> samples::Bytes {
    let mut out = samples::Bytes::new();
    let offset = |count| if count == 0 { 0 } else { 64 };
    out.put(b"\x7fELF\x02\x01\x01").pad_to(16).u16(file_type).u16(62).u32(1).u64(0);
    out.u64(offset(segments)).u64(offset(sections)).u32(0);
    out.u16(64).u16(56).u16(segments as u16).u16(64).u16(sections as u16).u16(names);
    out
}

#[test]
fn names_do_not_multiply() {
    const COUNT: u64 = 200_000;
    let mut elf = elf_header(2, 0, 0, 1);
    elf.bytes[0x28..0x30].copy_from_slice(&64_u64.to_le_bytes());
    let strings = 64 + COUNT * 64;
    // Section 0 has the count, section 1 the names; all others have the same long name.
    elf.u32(0).u32(0).u64(0).u64(0).u64(0).u64(COUNT).u32(0).u32(0).u64(0).u64(0);
    elf.u32(0).u32(3).u64(0).u64(0).u64(strings).u64(4000).u32(0).u32(0).u64(0).u64(0);
    for i in 2..COUNT {
        elf.u32(0).u32(1).u64(0).u64(0).u64(i).u64(1).u32(0).u32(0).u64(0).u64(0);
    }
    elf.put(&[b'n'; 4000]);
    let image = recognise(&elf.bytes);
    check(&image, &elf.bytes);
    assert!(image.regions.len() > 100_000);
    let bytes: usize = image.regions.iter().map(|region| region.label.to_string().len()).sum();
    assert!(bytes < keysweep_image::limits::ALL_NAMES_BYTES + image.regions.len());
    assert!(image.warnings.iter().any(|warning| warning.kind == WarningKind::Limit));
}

/// Without a bound on all notes together, 60,000 segments over the same 10,000 notes would take minutes.
#[test]
fn notes_do_not_multiply() {
    const COUNT: u64 = 60_000;
    let mut elf = elf_header(4, COUNT, 0, 0);
    for _ in 0..COUNT {
        elf.u32(4).u32(4).u64(64 + COUNT * 56).u64(0).u64(0).u64(120_000).u64(0).u64(4);
    }
    elf.put(&[0; 120_000]);
    let image = recognise(&elf.bytes);
    check(&image, &elf.bytes);
    assert!(image.warnings.iter().any(|warning| warning.kind == WarningKind::Limit));
}

/// What 20,000 segments have in common is read once: they would read 80 GiB.
#[test]
fn one_long_note_does_not_multiply() {
    const COUNT: u64 = 20_000;
    const LEN: u32 = 4 << 20;
    let mut elf = elf_header(4, COUNT, 0, 0);
    for _ in 0..COUNT {
        elf.u32(4).u32(4).u64(64 + COUNT * 56).u64(0).u64(0).u64(20 + u64::from(LEN)).u64(0).u64(4);
    }
    elf.u32(5).u32(LEN).u32(0x4649_4c45).put(b"CORE\0\0\0\0").put(&vec![0; LEN as usize]);
    let image = recognise(&elf.bytes);
    check(&image, &elf.bytes);
    assert!(image.warnings.iter().any(|warning| warning.message.contains("several segments")), "{:?}", image.warnings);
}

/// The same for streams: each of 50,000 would add 10,000 protections.
#[test]
fn streams_do_not_multiply() {
    const COUNT: u32 = 50_000;
    let mut dump = samples::Bytes::new();
    dump.put(b"MDMP").u32(0xa793).u32(COUNT).u32(32).u32(0).u32(0).u64(0);
    let list = 32 + 12 * COUNT;
    for _ in 0..COUNT {
        dump.u32(16).u32(16 + 480_000).u32(list);
    }
    dump.u32(16).u32(48).u64(10_000).put(&[1; 480_000]);
    check(&recognise(&dump.bytes), &dump.bytes);
}
