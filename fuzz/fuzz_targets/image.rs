//! Dump and executable formats: whatever the bytes, regions lie within the file, or the memory that it unpacks to, and in order.
#![no_main]

use keysweep_image::{open, read_into, recognise};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let image = recognise(&bytes);
    let mut last = 0;
    for region in &image.regions {
        assert!(region.file_offset >= last && region.file_end() <= bytes.len() as u64);
        last = region.file_offset;
    }
    for offset in [0, bytes.len() as u64 / 2, bytes.len() as u64] {
        let _ = image.place(offset);
    }
    let opened = open(&bytes);
    if opened.is_unpacked() {
        let (memory, mut last) = (opened.source(), 0);
        for region in &opened.image.regions {
            assert!(region.file_offset >= last && region.file_end() <= memory.len());
            last = region.file_end();
        }
        let mut part = vec![0; 1 << 20];
        for extent in memory.extents().iter().take(4) {
            let len = (extent.end - extent.start).min(part.len() as u64) as usize;
            assert_eq!(read_into(memory, extent.start, &mut part[..len]), len);
            read_into(memory, extent.start + 1, &mut part[..100]);
        }
        let _ = opened.losses();
    }
});
