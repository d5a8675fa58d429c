//! All places where known bytes lie: how often a key was copied matters for cleaning up.

use crate::found::Place;
use crate::memory::{MARGIN, Memory, sweep};
use std::collections::HashMap;
use zeroize::Zeroizing;

/// Bytes to look for.
pub struct Pattern {
    /// At least 16 bytes, at most [`MARGIN`].
    pub bytes: Zeroizing<Vec<u8>>,
    /// What they are, for people: `p as little-endian limbs`.
    pub what: String,
}

/// Places kept of all patterns together.
const MAX_PLACES: usize = 100_000;
/// Slots of the filter that nearly all windows fail at.
const FILTER_BITS: u32 = 18;

/// Where the patterns lie, at any alignment, sorted by offset. Of patterns that begin at the same place all are named.
pub fn find(memory: &dyn Memory, jobs: usize, patterns: &[Pattern]) -> Vec<Place> {
    let table = Table::new(patterns);
    let parts = sweep(memory, jobs, Vec::new, |places: &mut Vec<Place>, chunk| {
        let from = chunk.own.start;
        // What begins in this chunk may end in its margin.
        table.each(&chunk.bytes[from..], chunk.own.len(), |at, pattern| {
            if places.len() < MAX_PLACES {
                let offset = chunk.offset + (from + at) as u64;
                places.push(Place { offset, len: pattern.bytes.len() as u64, what: pattern.what.clone() });
            }
        });
    });
    let mut places = parts.concat();
    places.sort();
    places.dedup();
    places.truncate(MAX_PLACES);
    places
}

/// Patterns by their first eight bytes, behind a filter.
struct Table<'a> {
    filter: Vec<u64>,
    by_head: HashMap<u64, Vec<&'a Pattern>>,
}

impl<'a> Table<'a> {
    fn new(patterns: &'a [Pattern]) -> Self {
        let mut table = Self { filter: vec![0; 1 << (FILTER_BITS - 6)], by_head: HashMap::new() };
        for pattern in patterns.iter().filter(|p| (16..=MARGIN).contains(&p.bytes.len())) {
            let Some(head) = head(&pattern.bytes) else { continue };
            let slot = slot(head);
            table.filter[slot >> 6] |= 1 << (slot & 63);
            table.by_head.entry(head).or_default().push(pattern);
        }
        table
    }

    fn each(&self, bytes: &[u8], own: usize, mut found: impl FnMut(usize, &'a Pattern)) {
        for (at, window) in bytes.windows(8).take(own).enumerate() {
            let head = u64::from_le_bytes(window.try_into().unwrap_or_default());
            let slot = slot(head);
            if self.filter[slot >> 6] >> (slot & 63) & 1 == 0 {
                continue;
            }
            for pattern in self.by_head.get(&head).into_iter().flatten() {
                if bytes[at..].starts_with(&pattern.bytes) {
                    found(at, pattern);
                }
            }
        }
    }
}

fn head(bytes: &[u8]) -> Option<u64> {
    bytes.get(..8)?.try_into().ok().map(u64::from_le_bytes)
}

fn slot(head: u64) -> usize {
    (head.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - FILTER_BITS)) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::Flat;

    #[test]
    fn every_copy_is_found_at_any_alignment_and_across_chunks() {
        let needle: Vec<u8> = (0..128u8).map(|i| i.wrapping_mul(89) ^ 0x33).collect();
        let mut bytes = vec![0u8; (2 << 20) + 500];
        let planted = [0, 1003, (1 << 20) - 64, (1 << 20) + 77, (2 << 20) + 500 - 128];
        for at in planted {
            bytes[at..at + 128].copy_from_slice(&needle);
        }
        bytes[5000..5127].copy_from_slice(&needle[..127]); // A near miss.
        let patterns = [Pattern { bytes: needle.into(), what: "p".into() }];
        for jobs in [1, 2] {
            let found: Vec<usize> =
                find(&Flat::new(&bytes), jobs, &patterns).iter().map(|p| p.offset as usize).collect();
            assert_eq!(found, planted);
        }
    }
}
