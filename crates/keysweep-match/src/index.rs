//! From a place that looks like a window to the forms to compare there.

use crate::Hit;
use crate::automaton::Automaton;
use crate::filter::Filter;
use crate::form::{Forms, Masked};
use crate::window::{Entry, Key, WIDTH, Windows};

/// What to do where a window may stand: compare a form that would begin `offset` bytes before it, if the eight bytes
/// from the window on are those of the form. Slots are shared, so the kind of the key must be the same too: a place is
/// looked up once for each kind.
struct Candidate {
    word: Masked,
    form: u32,
    offset: u16,
    kind: u16,
}

impl Candidate {
    fn new(entry: &Entry) -> Self {
        Candidate { word: entry.word, form: entry.form, offset: entry.offset, kind: entry.key.kind() }
    }
}

/// The windows of a hash.
#[derive(Clone, Copy)]
struct Slot {
    /// What the four bytes behind a window are in all its forms, where these agree, and where they do: most places that
    /// pass the filter fail here.
    rest: u32,
    agreed: u32,
    /// Where its candidates begin.
    begin: u32,
}

/// Filter and hash table of the windows.
pub(crate) struct Index {
    filter: Filter,
    /// One more than there are, for the end of the last.
    slots: Vec<Slot>,
    /// A hash shifted right by this is a slot.
    shift: u32,
    candidates: Vec<Candidate>,
    forms: Forms,
    /// For each width below [`WIDTH`], whether a window has it.
    short: [bool; WIDTH],
    max_offset: usize,
    /// For each form, how far its window lies behind its start, in bytes.
    offsets: Vec<u16>,
}

impl Slot {
    /// So many candidates from `begin` on; without any, no place passes.
    fn new(begin: u32, candidates: &[Candidate]) -> Self {
        let all = candidates.iter().map(|candidate| candidate.word).reduce(Masked::common);
        let (agreed, rest) = all.map_or((0, 1), |all| (all.mask() >> 32, all.value() >> 32));
        Slot { rest: rest as u32, agreed: agreed as u32, begin }
    }

    /// Whether a form may go on like `word`, which begins with a window.
    #[inline(always)]
    fn may_go_on(&self, word: u64) -> bool {
        (word >> 32) as u32 & self.agreed == self.rest
    }
}

impl Index {
    pub(crate) fn new(windows: Windows) -> Self {
        let Windows { forms, entries, short, .. } = windows;
        let count = entries.len().next_power_of_two().clamp(16, Key::HASHES);
        let shift = Key::HASHES.ilog2() - count.ilog2();
        let slot = |entry: &Entry| entry.key.hash() >> shift;
        let mut filter = Filter::new();
        let mut offsets = vec![0; entries.len()];
        // The ends of the slots, which become their beginnings as they are filled from behind.
        let mut begins = vec![0u32; count + 1];
        for entry in &entries {
            filter.add(entry);
            offsets[entry.form as usize] = entry.offset;
            begins[slot(entry)] += 1;
        }
        for slot in 1..begins.len() {
            begins[slot] += begins[slot - 1];
        }
        let mut order = vec![0u32; entries.len()];
        for (index, entry) in (0..entries.len() as u32).zip(&entries).rev() {
            let place = &mut begins[slot(entry)];
            *place -= 1;
            order[*place as usize] = index;
        }
        let candidates: Vec<Candidate> =
            order.into_iter().map(|index| Candidate::new(&entries[index as usize])).collect();
        let end = begins[1..].iter().chain(begins.last());
        let slots =
            begins.iter().zip(end).map(|(&begin, &end)| Slot::new(begin, &candidates[begin as usize..end as usize]));
        let slots = slots.collect();
        let max_offset = offsets.iter().copied().max().map_or(0, usize::from);
        Index { filter, slots, shift, candidates, forms, short, max_offset, offsets }
    }

    /// What tells most places that hold no window.
    pub(crate) fn filter(&self) -> &Filter {
        &self.filter
    }

    /// The furthest that a window lies behind the start of its form, in bytes.
    pub(crate) fn max_offset(&self) -> usize {
        self.max_offset
    }

    /// Compares all forms whose window may stand at `at` in the haystack, where `word` is read, and returns how many
    /// it looked at.
    #[inline]
    pub(crate) fn verify(&self, haystack: &[u8], at: usize, word: u64, hits: &mut Vec<Hit>) -> usize {
        let mut look = |key| self.verify_key(key, haystack, at, word, hits);
        let mut steps = 0;
        if self.filter.may_hold_quad(word as u32) {
            steps += look(Key::plain(word));
        }
        if self.filter.may_hold_wide(word) {
            steps += look(Key::wide(word));
        }
        if self.filter.may_hold_short(word as u32) {
            for width in (2..WIDTH).filter(|width| self.short[*width]) {
                steps += look(Key::short(word, width));
            }
        }
        steps
    }

    #[inline]
    fn verify_key(&self, key: Key, haystack: &[u8], at: usize, word: u64, hits: &mut Vec<Hit>) -> usize {
        let slot = key.hash() >> self.shift;
        let found = self.slots[slot];
        if !found.may_go_on(word) {
            return 1;
        }
        let candidates = &self.candidates[found.begin as usize..self.slots[slot + 1].begin as usize];
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
