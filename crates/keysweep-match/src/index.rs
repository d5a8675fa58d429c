//! From a place that looks like a window to the forms to compare there.

use crate::window::{Entry, Key, Windows};
use crate::{Hit, form::Forms};

/// Bits of the filter: a key that is looked for sets the bit of its hash. 8 KiB, a part of the first-level cache.
const FILTER_BITS: usize = 1 << 16;

/// Hash filter and hash table of the windows.
pub(crate) struct Index {
    filter: Box<[u64; FILTER_BITS / 64]>,
    /// Where the entries of each slot begin in `entries`, and one more for the end of the last.
    slots: Vec<u32>,
    /// A hash shifted right by this is a slot.
    shift: u32,
    entries: Vec<Entry>,
    forms: Forms,
    pairs: bool,
    max_offset: usize,
}

impl Index {
    pub(crate) fn new(windows: Windows) -> Self {
        let Windows {
            forms,
            mut entries,
            pairs,
            ..
        } = windows;
        let slots = (2 * entries.len())
            .next_power_of_two()
            .clamp(16, FILTER_BITS);
        let shift = FILTER_BITS.ilog2() - slots.ilog2();
        let slot = |entry: &Entry| entry.key.hash() >> shift;
        entries.sort_by_key(|entry| (slot(entry), entry.key));
        let mut filter = Box::new([0u64; FILTER_BITS / 64]);
        let mut starts = vec![0u32; slots + 1];
        for entry in &entries {
            let hash = entry.key.hash();
            filter[hash / 64] |= 1 << (hash % 64);
            starts[slot(entry) + 1] += 1;
        }
        for at in 1..starts.len() {
            starts[at] += starts[at - 1];
        }
        let max_offset = entries
            .iter()
            .map(|entry| entry.offset as usize)
            .max()
            .unwrap_or(0);
        Index {
            filter,
            slots: starts,
            shift,
            entries,
            forms,
            pairs,
            max_offset,
        }
    }

    /// The furthest that a window lies behind the start of its form, in bytes.
    pub(crate) fn max_offset(&self) -> usize {
        self.max_offset
    }

    /// Whether a window may stand at the start of `word`. May be wrong in saying yes, never in saying no.
    #[inline(always)]
    pub(crate) fn may_hold(&self, word: u64) -> bool {
        let plain = self.bit(Key::plain(word));
        let wide = Key::is_wide(word) & self.bit(Key::wide(word));
        let pair = self.pairs && self.bit(Key::pair(word));
        plain | wide | pair
    }

    #[inline(always)]
    fn bit(&self, key: Key) -> bool {
        let hash = key.hash();
        self.filter[hash / 64] >> (hash % 64) & 1 != 0
    }

    /// Compares all forms whose window may stand at `at` in the haystack, where `word` is read.
    pub(crate) fn verify(&self, haystack: &[u8], at: usize, word: u64, hits: &mut Vec<Hit>) {
        self.verify_key(Key::plain(word), haystack, at, hits);
        if Key::is_wide(word) {
            self.verify_key(Key::wide(word), haystack, at, hits);
        }
        if self.pairs {
            self.verify_key(Key::pair(word), haystack, at, hits);
        }
    }

    fn verify_key(&self, key: Key, haystack: &[u8], at: usize, hits: &mut Vec<Hit>) {
        let slot = key.hash() >> self.shift;
        let entries = &self.entries[self.slots[slot] as usize..self.slots[slot + 1] as usize];
        for entry in entries.iter().filter(|entry| entry.key == key) {
            let hit = at
                .checked_sub(entry.offset as usize)
                .and_then(|start| self.forms.verify(entry.form, haystack, start));
            hits.extend(hit);
        }
    }
}
