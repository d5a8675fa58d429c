//! Truncated and damaged files of each format: no panic, no hang, and the promises of `Image` hold.

mod samples;

use keysweep_image::{Image, recognise};

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
