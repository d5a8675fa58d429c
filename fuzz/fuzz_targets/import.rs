//! Files of other tools: rules, and lists of known places.
#![no_main]

use keysweep_gate::KnownPlace;
use keysweep_rules::RuleSet;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = KnownPlace::read_all(bytes);
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(imported) = keysweep_rules::import::import(text, &mut |_| Err("no such file".into()), &|_| false) {
        // What is taken over is a rule file.
        RuleSet::from_toml("imported.toml", &imported.rules).expect("rules that can be read");
    }
});
