//! The search for keys as numbers: in memory with and without addresses, and written out in a text.
#![no_main]

use keysweep_memory::memory::Flat;
use keysweep_memory::{Effort, Memory, search, written};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    search(&Flat::new(bytes), &[], 1, Effort::Quick);
    search(&Flat::at(bytes, 0x7f00_0000_0000), &[], 1, Effort::Full);
    let mut texts = Vec::new();
    written::spots(bytes, &mut |at| texts.extend(written::texts_at(&bytes[at..], at as u64).0));
    let flat = Flat::new(bytes);
    written::search(&|offset, buf| flat.read_at(offset, buf), texts, &[]);
});
