//! Archive formats: whatever the bytes, members are read within the bounds, and lie within the file.
#![no_main]

use keysweep_archive::{Budget, Input, Limits, Member, Visitor, open, recognise};
use libfuzzer_sys::fuzz_target;
use std::io::Read;

struct Reading(u64);

impl Visitor for Reading {
    fn member(&mut self, member: &Member, content: &mut dyn Read) {
        assert!(member.stored.as_ref().is_none_or(|range| range.start <= self.0));
        assert!(!member.name.chars().any(char::is_control) && member.name.len() < 2048);
        let _ = std::io::copy(content, &mut std::io::sink());
    }

    fn problem(&mut self, _: Option<&str>, _: String) {}
}

fuzz_target!(|bytes: &[u8]| {
    let Some(format) = recognise(&bytes) else { return };
    let len = bytes.len() as u64;
    let limits = Limits { bytes: 16 << 20, members: 10_000, ..Limits::default() };
    for input in [Input::Random(&bytes), Input::Stream(&mut &bytes[..])] {
        let budget = Budget::new(limits, len);
        open(format, input, "x", &budget, &mut Reading(len));
        assert!(budget.bytes() <= (17 << 20));
    }
});
