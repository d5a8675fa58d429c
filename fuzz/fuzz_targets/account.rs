//! The readers of the files that tools keep credentials in. The first byte chooses the reader and its location; what follows the
//! first line that says `BESIDE` is the file beside it.
#![no_main]

use keysweep_account::Catalogue;
use keysweep_account::model::Location;
use keysweep_account::readers::{self, Cursor, Input, MAX_ITEMS, Output, Reader};
use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;

static LOCATIONS: LazyLock<Vec<(&'static Reader, Location)>> = LazyLock::new(|| {
    let all = Catalogue::builtin();
    let with_reader = |location: &Location| Some((readers::by_name(&location.reader)?, location.clone()));
    all.locations().iter().filter_map(with_reader).collect()
});

fuzz_target!(|bytes: &[u8]| {
    let Some((choice, bytes)) = bytes.split_first() else { return };
    let (reader, location) = &LOCATIONS[usize::from(*choice) % LOCATIONS.len()];
    let mark = b"\nBESIDE\n";
    let cut = bytes.windows(mark.len()).position(|window| window == mark);
    let (bytes, other) = cut.map_or((bytes, None), |at| (&bytes[..at], Some(bytes[at + mark.len()..].to_vec())));
    let beside = |_: &str| other.clone();
    let input = Input { path: "/home/user/file", bytes, location, beside: &beside, cursor: Cursor::default() };
    let mut output = Output::default();
    (reader.read)(&input, &mut output);
    assert!(output.credentials.len() <= MAX_ITEMS && output.facts.len() <= MAX_ITEMS);
});
