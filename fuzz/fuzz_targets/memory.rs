//! The search for keys as numbers, in memory with and without addresses.
#![no_main]

use keysweep_memory::memory::Flat;
use keysweep_memory::{Effort, search};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    search(&Flat::new(bytes), &[], 1, Effort::Quick);
    search(&Flat::at(bytes, 0x7f00_0000_0000), &[], 1, Effort::Full);
});
