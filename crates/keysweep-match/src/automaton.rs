//! Matching by an automaton, for bytes made so that most places must be compared with many literals.
//!
//! Slower than the scan on any common input, but linear on all: what a haystack holds cannot make it slower still.

use std::ops::Range;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};

use crate::Hit;
use crate::form::Forms;

/// All forms in one automaton; its patterns are numbered as the forms are.
pub(crate) struct Automaton(AhoCorasick);

impl Automaton {
    /// `None` if the automaton would be too large for its index type.
    pub(crate) fn new(forms: &Forms) -> Option<Self> {
        AhoCorasick::builder()
            .match_kind(MatchKind::Standard)
            .kind(Some(AhoCorasickKind::ContiguousNFA))
            .ascii_case_insensitive(true)
            .build(forms.bytes())
            .ok()
            .map(Automaton)
    }

    /// Finds every form that lies in a range of the haystack, in no particular order: its index and its hit.
    pub(crate) fn find(&self, forms: &Forms, haystack: &[u8], range: Range<usize>, mut on_hit: impl FnMut(u32, Hit)) {
        for found in self.0.find_overlapping_iter(&haystack[range.clone()]) {
            let form = found.pattern().as_u32();
            if let Some(hit) = forms.verify(form, haystack, range.start + found.start()) {
                on_hit(form, hit);
            }
        }
    }
}
