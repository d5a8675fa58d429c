//! From a place that looks like a window to the forms to compare there.

use crate::Hit;
use crate::automaton::Automaton;
use crate::form::{Forms, Masked};
use crate::window::{Entry, Key, WIDTH, Windows};

/// Bits of the filter: a key that is looked for sets the bit of its hash. 16 KiB, a part of the first-level cache.
const FILTER_BITS: usize = Key::HASHES;

/// Up to so many windows of three bytes are entered in the filter with every fourth byte, which spares looking for them
/// separately; more would fill it.
const MAX_COMPLETED: usize = 16;

/// What to do where a window may stand: compare a form that would begin `offset` bytes before it, if the eight bytes
/// from the window on are those of the form. Slots are shared, so the kind of the key must be the same too: a place is
/// looked up once for each kind.
struct Candidate {
    word: Masked,
    form: u32,
    offset: u16,
    kind: u16,
}

/// Bits of the filter of beginnings: 8 KiB.
const BEGINNING_BITS: usize = 1 << 16;

/// Hash filters and hash table of the windows.
pub(crate) struct Index {
    filter: Box<[u64; FILTER_BITS / 64]>,
    /// The first three bytes of each window, UTF-16 or not, without the bits by which cases differ.
    beginnings: Box<[u64; BEGINNING_BITS / 64]>,
    /// Where the candidates of each slot begin in `candidates`, and one more for the end of the last.
    slots: Vec<u32>,
    /// A hash shifted right by this is a slot.
    shift: u32,
    candidates: Vec<Candidate>,
    forms: Forms,
    /// For each width below [`WIDTH`], whether a window has it.
    short: [bool; WIDTH],
    /// The same, but for those that the filter holds completed.
    filtered: [bool; WIDTH],
    /// Whether a plain window may stand where a word looks like UTF-16.
    ambiguous: bool,
    max_offset: usize,
    /// For each form, how far its window lies behind its start, in bytes.
    offsets: Vec<u16>,
}

/// The bit of three bytes in the filter of beginnings.
#[inline(always)]
fn beginning(word: u32) -> usize {
    // Whatever the fourth byte is, it is shifted out.
    ((word | 0x0020_2020) << 8).wrapping_mul(0x9e37_79b1) as usize >> 16
}

impl Index {
    pub(crate) fn new(windows: Windows) -> Self {
        let Windows { forms, entries, short, ambiguous, .. } = windows;
        let completed = short[3] <= MAX_COMPLETED;
        let count = (2 * entries.len()).next_power_of_two().clamp(16, FILTER_BITS);
        let shift = FILTER_BITS.ilog2() - count.ilog2();
        let slot = |entry: &Entry| entry.key.hash() >> shift;
        // The ends of the slots, which become their beginnings as they are filled from behind.
        let mut slots = vec![0u32; count + 1];
        for entry in &entries {
            slots[slot(entry)] += 1;
        }
        for slot in 1..slots.len() {
            slots[slot] += slots[slot - 1];
        }
        let mut order = vec![0u32; entries.len()];
        for (index, entry) in (0..entries.len() as u32).zip(&entries).rev() {
            let place = &mut slots[slot(entry)];
            *place -= 1;
            order[*place as usize] = index;
        }
        let mut index = Index {
            filter: Box::new([0; FILTER_BITS / 64]),
            beginnings: Box::new([0; BEGINNING_BITS / 64]),
            slots,
            shift,
            candidates: Vec::with_capacity(entries.len()),
            forms,
            short: short.map(|count| count > 0),
            filtered: [false, false, short[2] > 0, short[3] > 0 && !completed],
            ambiguous,
            offsets: vec![0; entries.len()],
            max_offset: entries.iter().map(|entry| usize::from(entry.offset)).max().unwrap_or(0),
        };
        for entry in order.into_iter().map(|index| &entries[index as usize]) {
            index.offsets[entry.form as usize] = entry.offset;
            index.set(entry.key);
            index.set_beginning(entry);
            if completed && entry.key.kind() == 3 {
                entry.key.completions().for_each(|key| index.set(key));
            }
            index.candidates.push(Candidate {
                word: entry.word,
                form: entry.form,
                offset: entry.offset,
                kind: entry.key.kind(),
            });
        }
        index
    }

    fn set(&mut self, key: Key) {
        let hash = key.hash();
        self.filter[hash / 64] |= 1 << (hash % 64);
    }

    fn set_beginning(&mut self, entry: &Entry) {
        let third = if entry.word.is_known(2) { 0..=0 } else { 0..=0xff };
        for byte in third {
            let bit = beginning(entry.word.value() as u32 | byte << 16);
            self.beginnings[bit / 64] |= 1 << (bit % 64);
        }
    }

    /// Whether a window may begin with the first three bytes of `word`: what most places fail. As [`Index::may_hold`], of which it
    /// takes a third of the time.
    #[inline(always)]
    pub(crate) fn may_begin(&self, word: u32) -> bool {
        let bit = beginning(word);
        self.beginnings[bit / 64] >> (bit % 64) & 1 != 0
    }

    #[inline(always)]
    fn is_set(&self, key: Key) -> bool {
        let hash = key.hash();
        self.filter[hash / 64] >> (hash % 64) & 1 != 0
    }

    /// The furthest that a window lies behind the start of its form, in bytes.
    pub(crate) fn max_offset(&self) -> usize {
        self.max_offset
    }

    /// Whether a window may stand at the start of `word`. May be wrong in saying yes, never in saying no.
    #[inline(always)]
    pub(crate) fn may_hold(&self, word: u64) -> bool {
        let plain = Key::plain(word);
        let key = if Key::is_wide(word) { Key::wide(word) } else { plain };
        let mut set = self.is_set(key);
        if self.ambiguous {
            set |= self.is_set(plain);
        }
        for width in 2..WIDTH {
            if self.filtered[width] {
                set |= self.is_set(Key::short(word, width));
            }
        }
        set
    }

    /// Compares all forms whose window may stand at `at` in the haystack, where `word` is read, and returns how many
    /// it looked at.
    #[inline]
    pub(crate) fn verify(&self, haystack: &[u8], at: usize, word: u64, hits: &mut Vec<Hit>) -> usize {
        // Of the keys that a place has, mostly one is looked for.
        let mut look = |key| if self.is_set(key) { self.verify_key(key, haystack, at, word, hits) } else { 0 };
        let mut steps = look(Key::plain(word));
        if Key::is_wide(word) {
            steps += look(Key::wide(word));
        }
        for width in (2..WIDTH).filter(|width| self.short[*width]) {
            steps += look(Key::short(word, width));
        }
        steps
    }

    #[inline]
    fn verify_key(&self, key: Key, haystack: &[u8], at: usize, word: u64, hits: &mut Vec<Hit>) -> usize {
        let slot = key.hash() >> self.shift;
        let candidates = &self.candidates[self.slots[slot] as usize..self.slots[slot + 1] as usize];
        for candidate in candidates {
            if candidate.word.matches(word) && candidate.kind == key.kind() {
                let start = at.checked_sub(usize::from(candidate.offset));
                hits.extend(start.and_then(|start| self.forms.verify(candidate.form, haystack, start)));
            }
        }
        candidates.len()
    }

    /// An automaton that finds the same.
    pub(crate) fn automaton(&self) -> Option<Automaton> {
        Automaton::new(&self.forms)
    }

    /// Finds with the automaton what [`Index::verify`] finds at the places from `begin` up to `end`.
    pub(crate) fn verify_all(
        &self,
        automaton: &Automaton,
        haystack: &[u8],
        begin: usize,
        end: usize,
        hits: &mut Vec<Hit>,
    ) {
        let reach = begin.saturating_sub(self.max_offset)..haystack.len().min(end + self.forms.max_len());
        automaton.find(&self.forms, haystack, reach, |form, hit| {
            let window = hit.start + usize::from(self.offsets[form as usize]);
            if (begin..end).contains(&window) {
                hits.push(hit);
            }
        });
    }
}
