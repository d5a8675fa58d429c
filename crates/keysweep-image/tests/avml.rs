//! Compressed images of AVML: the memory that they unpack to, and what hostile ones do.

use keysweep_image::{Format, Opened, WarningKind, open, read_into};
use std::io::Write;

const PAGE: usize = 4096;

/// A block of memory as AVML writes it: header, stream of snappy, its length.
fn block(start: u64, memory: &[u8]) -> Vec<u8> {
    let mut out = b"AVML\x02\0\0\0".to_vec();
    [start, start + memory.len() as u64 - 1, 0].iter().for_each(|value| out.extend(value.to_le_bytes()));
    let mut stream = snap::write::FrameEncoder::new(Vec::new());
    memory.chunks(PAGE).for_each(|page| stream.write_all(page).unwrap());
    let stream = stream.into_inner().unwrap();
    out.extend(&stream);
    out.extend((stream.len() as u64).to_le_bytes());
    out
}

fn memory(pages: usize, seed: u64) -> Vec<u8> {
    let mut state = seed;
    let mut noise = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as u8
    };
    let page = |index: usize| -> Vec<u8> {
        match index % 40 {
            0..5 => vec![0; PAGE],
            5..25 => (0..PAGE).map(|_| noise()).collect(),
            _ => format!("page {index} of {seed}. ").into_bytes().into_iter().cycle().take(PAGE).collect(),
        }
    };
    (0..pages).flat_map(page).collect()
}

/// Blocks, by address.
fn blocks() -> Vec<(u64, Vec<u8>)> {
    vec![(0x1000, memory(157, 1)), (0x10_0000, memory(3000, 2)), (0x10_0000 + 3000 * PAGE as u64, memory(1, 3))]
}

fn image(blocks: &[(u64, Vec<u8>)]) -> Vec<u8> {
    blocks.iter().flat_map(|(start, memory)| block(*start, memory)).collect()
}

fn read(opened: &Opened<'_>, from: u64, len: usize) -> Vec<u8> {
    let mut buf = vec![0xaa; len];
    let read = read_into(opened.source(), from, &mut buf);
    buf.truncate(read);
    buf
}

fn flat(blocks: &[(u64, Vec<u8>)]) -> Vec<u8> {
    let mut all = Vec::new();
    for (start, memory) in blocks {
        let end = *start as usize + memory.len();
        all.resize(all.len().max(end), 0);
        all[*start as usize..end].copy_from_slice(memory);
    }
    all
}

#[test]
fn read_as_the_memory() {
    let mut blocks = blocks();
    let expected = flat(&blocks);
    for order in 0..2 {
        let file = image(&blocks);
        let opened = open(&file);
        assert!(opened.is_unpacked() && opened.image.format == Format::Avml && opened.image.warnings.is_empty());
        assert!(read(&opened, 0, expected.len() + 9) == expected, "{order}");
        let mut at = 1;
        while at < expected.len() {
            for len in [3, 9000, 200_000] {
                let want = &expected[at..(at + len).min(expected.len())];
                assert!(read(&opened, at as u64, len) == want, "{at} {len}");
            }
            at = at * 3 / 2 + 17;
        }
        assert_eq!(opened.losses(), None);
        let end = 0x10_0000 + 3001 * PAGE as u64;
        assert_eq!(opened.source().extents(), [0x1000..0x1000 + 157 * PAGE as u64, 0x10_0000..end]);
        assert_eq!(opened.image.place(0x10_1234).address, Some(0x10_1234));
        assert_eq!(opened.image.place(0xff_000).address, None);
        blocks.reverse();
    }
    // The last address of old images is that behind the last byte.
    let mut old = block(0x1000, &memory(157, 1));
    old[16..24].copy_from_slice(&(0x1000 + 157 * PAGE as u64).to_le_bytes());
    assert_eq!(read(&open(&old), 0, 1 << 20), flat(&[(0x1000, memory(157, 1))]));
}

#[test]
fn what_is_missing_or_damaged_is_told() {
    let blocks = blocks();
    let whole = image(&blocks);
    let expected = flat(&blocks);
    let first = block(blocks[0].0, &blocks[0].1).len();
    for len in (first + 40..whole.len()).step_by(whole.len() / 7) {
        let file = whole[..len].to_vec();
        let opened = open(&file);
        let warnings = &opened.image.warnings;
        assert!(warnings.iter().any(|w| w.kind == WarningKind::Truncated && w.message.contains("cut")), "{warnings:?}");
        let read = read(&opened, 0, expected.len());
        assert!(read == expected[..read.len()], "{len}");
    }
    // A bit in a frame of noise is noticed by its check sum only.
    let mut file = whole.clone();
    let at = first + 42 + 3 * (64 << 10);
    file[at] ^= 1;
    let opened = open(&file);
    let got = read(&opened, 0, expected.len());
    let unequal: Vec<usize> =
        (0..expected.len() / PAGE).filter(|i| got[i * PAGE..][..PAGE] != expected[i * PAGE..][..PAGE]).collect();
    let said = opened.losses().unwrap();
    assert!((1..=16).contains(&unequal.len()) && said.ends_with(": 16 damaged"), "{said} {unequal:?}");
    // Other bytes between blocks.
    let mut file = whole[..first].to_vec();
    file.extend([7; 100]);
    assert!(open(&file).image.warnings[0].message.contains("no header"));
    // The same memory twice.
    let twice = [whole.clone(), block(0x2000, &memory(5, 9))].concat();
    let opened = open(&twice);
    assert!(opened.image.warnings[0].message.contains("same memory"));
    assert!(read(&opened, 0, 64 << 10) == expected[..64 << 10]);
}

#[test]
fn near_misses_and_hostile_ones() {
    let whole = image(&[(0x1000, memory(60, 4)), (0x80_0000, memory(20, 5))]);
    for (at, value) in [(0, b'B'), (4, 3), (5, 1), (8, 1), (24, 1), (16, 0)] {
        let mut file = whole.clone();
        file[at] = value;
        if at == 16 {
            file[16..24].fill(0);
        }
        assert!(!open(&file).is_unpacked(), "{at}");
    }
    assert!(!open(&whole[..60].to_vec()).is_unpacked());
    let look = |file: &Vec<u8>| {
        let opened = open(file);
        let len = opened.source().len();
        if opened.is_unpacked() {
            for extent in opened.source().extents().iter().take(4) {
                assert!(extent.start < extent.end && extent.end <= len);
                read(&opened, extent.start, (extent.end - extent.start).min(1 << 20) as usize);
                read(&opened, extent.end - 1, 100);
            }
            let _ = opened.losses();
        }
    };
    let mut state = 11_u64;
    let mut below = |limit: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 33) as usize % limit
    };
    for _ in 0..2000 {
        let mut file = whole.clone();
        for _ in 0..=below(4) {
            let most = [60, file.len()][below(2)];
            let at = below(most);
            let end = (at + [1, 2, 8][below(3)]).min(file.len());
            let value = [0, 0xff, below(256) as u8][below(3)];
            file[at..end].fill(value);
        }
        if below(4) == 0 {
            let len = below(file.len());
            file.truncate(len);
        }
        look(&file);
    }
    // Frames that say they hold much, and chunks that hold nothing.
    let mut header = whole[..32].to_vec();
    header[16..24].copy_from_slice(&(u64::MAX - 1).to_le_bytes());
    let frame = [0, 8, 0, 0, 1, 2, 3, 4, 0x80, 0x80, 4, 0];
    let lies = [header.clone(), frame.repeat(100_000)].concat();
    let opened = open(&lies);
    let held: u64 = opened.source().extents().iter().map(|extent| extent.end - extent.start).sum();
    assert!(opened.is_unpacked() && held <= 1 << 30, "{held}");
    read(&opened, 0x1000, 1 << 20);
    assert!(opened.losses().unwrap().ends_with(": 256 damaged"));
    assert!(!open(&[header, [0xfe, 0, 0, 0].repeat(100_000)].concat()).is_unpacked());
}
