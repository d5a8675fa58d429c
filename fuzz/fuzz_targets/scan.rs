//! All of a scan with the built-in rules: recognition, decoders, tokens, redaction. The first byte chooses a file name, which some
//! decoders look at.
#![no_main]

use keysweep_engine::{Options, Scanner};
use keysweep_rules::RuleSet;
use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;

static SCANNER: LazyLock<Scanner> =
    LazyLock::new(|| Scanner::new(RuleSet::builtin(), Options::default()).expect("built-in rules compile"));
const NAMES: [&str; 8] = ["a", "a.pem", "key.jks", "a.p12", ".netrc", "secring.gpg", "wallet.dat", "key4.db"];

fuzz_target!(|bytes: &[u8]| {
    let Some((name, bytes)) = bytes.split_first() else { return };
    let report = SCANNER.scan_bytes(NAMES[usize::from(*name) % NAMES.len()], bytes);
    let internal = |message: &str| message.starts_with("internal error");
    assert!(!report.incidents.iter().any(|incident| internal(&incident.message)));
});
