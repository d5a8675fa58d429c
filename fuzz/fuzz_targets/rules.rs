//! Rule files.
#![no_main]

use keysweep_rules::RuleSet;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let _ = RuleSet::from_toml("fuzz.toml", text);
});
