//! Dump and executable formats: whatever the bytes, regions lie within the file and in order.
#![no_main]

use keysweep_image::recognise;
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
});
