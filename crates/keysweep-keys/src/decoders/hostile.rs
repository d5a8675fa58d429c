//! Anchors, and the beginnings and wholes of keys, one after the other: no place may be looked at so often that a chunk takes
//! long. The bound is many times what is needed, for slow machines.

use super::trial::scan_within;
use crate::{Decoder, Work};
use keysweep_testkit::bounded;
use std::path::Path;
use std::time::Duration;

/// Bytes of a hostile input; the engine has chunks of ten times that.
const INPUT: usize = 48 << 10;

fn samples(folder: &str) -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(folder);
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files.map(|path| (path.display().to_string(), std::fs::read(path).unwrap())).collect()
}

fn try_repetitions(decoders: &[&dyn Decoder], folder: &str) {
    let samples = samples(folder);
    for decoder in decoders {
        let mut units = Vec::new();
        for anchor in decoder.anchors() {
            for apart in [0, 13] {
                units.push(("anchors".to_owned(), [anchor.bytes, &vec![0x41; apart]].concat()));
            }
        }
        for (path, bytes) in &samples {
            let first = decoder.anchors().iter().filter_map(|a| memchr::memmem::find(bytes, a.bytes)).min();
            let Some(first) = first else { continue };
            for length in [48, 200, 500] {
                units.push((path.clone(), bytes[..length.min(bytes.len())].to_vec()));
                units.push((path.clone(), bytes[first..][..length.min(bytes.len() - first)].to_vec()));
            }
        }
        for (what, unit) in units.iter().filter(|(_, unit)| !unit.is_empty()) {
            let bytes = unit.repeat(INPUT / unit.len() + 1);
            let name = format!("{}, {} bytes of {what}", decoder.name(), unit.len());
            bounded(Duration::from_secs(3), name, || scan_within(*decoder, &bytes, None, &Work::new(100_000)));
        }
    }
}

#[test]
fn repeated_ssh_keys_take_linear_time() {
    use super::ssh::{Commercial, OpenSsh, PublicText, Ssh1, Wire};
    try_repetitions(&[&Commercial, &OpenSsh, &PublicText, &Ssh1, &Wire], "ssh");
    try_repetitions(&[&super::putty::Putty], "putty");
}

#[test]
fn repeated_openpgp_keys_take_linear_time() {
    use super::openpgp::{Armoured, Packets};
    try_repetitions(&[&Armoured, &Packets], "pgp");
    try_repetitions(&[&super::gnupg::GnuPg], "gnupg");
}
