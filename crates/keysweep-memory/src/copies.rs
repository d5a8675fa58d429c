//! All places where known bytes lie: how often a key was copied matters for cleaning up.

use crate::found::Place;
use crate::memory::{MARGIN, Memory, sweep};
use keysweep_match::{Literal, Matcher};
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
/// Bytes by which a pattern is looked for: they are of a random number, and do not recur.
const HEAD: usize = 16;

/// Where the patterns lie, at any alignment, sorted by offset. Of patterns that begin at the same place all are named.
pub fn find(memory: &dyn Memory, jobs: usize, patterns: &[Pattern]) -> Vec<Place> {
    let patterns: Vec<&Pattern> = patterns.iter().filter(|p| (HEAD..=MARGIN).contains(&p.bytes.len())).collect();
    let heads: Vec<_> = patterns.iter().map(|pattern| Literal::new(&pattern.bytes[..HEAD])).collect();
    let Some(matcher) = Matcher::new(&heads).ok().filter(|_| !heads.is_empty()) else { return Vec::new() };
    let parts = sweep(memory, jobs, Vec::new, |places: &mut Vec<Place>, chunk| {
        let own = &chunk.own;
        // What begins in this chunk may end in its margin.
        let bytes = &chunk.bytes[own.start..];
        matcher.find(&bytes[..bytes.len().min(own.len() + HEAD - 1)], &mut |hit| {
            let pattern = patterns[hit.literal as usize];
            if places.len() < MAX_PLACES && bytes[hit.start..].starts_with(&pattern.bytes) {
                let offset = chunk.offset + (own.start + hit.start) as u64;
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
