//! Expanded AES keys (FIPS 197 section 5.2): every round key follows from the key, so that a complete schedule in memory
//! proves itself.
//!
//! Programs keep the schedule in the order of encryption, or reversed and passed through `InvMixColumns` for decryption
//! (FIPS 197 section 5.3.5), and each word in the standard's byte order (AES-NI, the Linux kernel) or as an integer of the
//! machine (portable C, Java).

mod aes;

use crate::copies::{self, Pattern};
use crate::found::{Found, Place};
use crate::search::{Context, Finder, Outcome};
use crate::structure::View;
use crate::survey::{Looks, looks_random};
use aes::{Direction, Schedule, WordOrder};
use keysweep_keys::{Algorithm, KeyMaterial, Proof, Protection};
use std::collections::{BTreeMap, HashSet};

/// Finds AES key schedules.
pub(crate) struct AesSchedule;

/// Different keys that are reported of one dump.
const MAX_KEYS: usize = 10_000;
/// Schedules that one thread notes.
const MAX_SPOTS: usize = 1 << 16;

impl Finder for AesSchedule {
    fn rules(&self) -> &'static [&'static str] {
        &["memory-aes-key"]
    }

    fn may_find(&self, _: &Algorithm) -> bool {
        false
    }

    fn spot(&self, view: &View<'_>, looks: &Looks, spots: &mut Vec<u64>) {
        let own = view.chunk.own.clone();
        let bytes = &view.chunk.bytes[own.start..];
        for stretch in looks.stretches(|looks, _| looks.random.count_ones() >= MIN_RANDOM) {
            let last = stretch.end.min(own.len());
            for from in (stretch.start..last).step_by(PAGE) {
                spot_page(bytes, from, (from + PAGE).min(last), |at| {
                    if spots.len() < MAX_SPOTS && Schedule::recognise(&bytes[at..]).is_some() {
                        spots.push(view.offset(own.start + at));
                    }
                });
            }
        }
    }

    fn find(&self, context: &Context<'_>, spots: &[u64], outcome: &mut Outcome) {
        let mut found: BTreeMap<[u8; 32], (Schedule, Vec<Place>)> = BTreeMap::new();
        for &offset in spots {
            let Some(bytes) = context.memory.bytes(offset, aes::MAX_BYTES).or_else(|| tail(context, offset)) else {
                continue;
            };
            let Some(schedule) = Schedule::recognise(&bytes).filter(|s| is_drawn(&s.key)) else { continue };
            let id = KeyMaterial::secret_id(&schedule.key);
            if found.len() >= MAX_KEYS && !found.contains_key(&id) {
                outcome.limits.push("more AES keys than are reported");
                break;
            }
            let place = Place { offset, len: schedule.bytes() as u64, what: describe(&schedule) };
            found.entry(id).or_insert_with(|| (schedule, Vec::new())).1.push(place);
        }
        if spots.len() >= MAX_SPOTS {
            outcome.limits.push("more AES key schedules than are kept");
        }
        let bare = bare_keys(context, &found);
        for (id, (schedule, mut places)) in found {
            let own = bare.iter().filter(|place| place.what == name(&id));
            if own.clone().any(|place| is_generator_state(context, place.offset, schedule.key.len())) {
                continue;
            }
            places.extend(own.map(|place| Place { what: "AES key".into(), ..place.clone() }));
            places.sort();
            outcome.found.push(report(id, &schedule, places));
        }
    }
}

/// Whether the key may have been drawn at random: not the counted-through keys of examples and of the derivation function of
/// CTR_DRBG (NIST SP 800-90A section 10.3.2).
fn is_drawn(key: &[u8]) -> bool {
    looks_random(key) && 2 * key.windows(2).filter(|w| w[1].wrapping_sub(w[0]) == 1).count() < key.len()
}

/// Where the keys lie without a schedule, each place named by its key.
fn bare_keys(context: &Context<'_>, found: &BTreeMap<[u8; 32], (Schedule, Vec<Place>)>) -> Vec<Place> {
    if found.is_empty() {
        return Vec::new();
    }
    let pattern = |(id, (schedule, _)): (&[u8; 32], &(Schedule, Vec<Place>))| Pattern {
        bytes: schedule.key.clone(),
        what: name(id),
    };
    let patterns: Vec<_> = found.iter().map(pattern).collect();
    let scheduled: HashSet<u64> = found.values().flat_map(|(_, places)| places).map(|place| place.offset).collect();
    let mut bare = copies::find(context.memory, context.jobs, &patterns);
    bare.retain(|place| !scheduled.contains(&place.offset));
    bare
}

fn name(id: &[u8; 32]) -> String {
    data_encoding::HEXLOWER.encode(id)
}

/// Whether the key at `offset` is the state of OpenSSL's random generator, which every process that uses OpenSSL holds and
/// which protects nothing: `struct rand_drbg_ctr_st` has the key's length before the key (1.1.1), or the length and the flag
/// `use_df` (3.x).
fn is_generator_state(context: &Context<'_>, offset: u64, len: usize) -> bool {
    let Some(before) = offset.checked_sub(12).and_then(|start| context.memory.bytes(start, 12)) else { return false };
    let length = (len as u64).to_le_bytes();
    before[4..] == length || (before[..8] == length && matches!(before[8..], [0 | 1, 0, 0, 0]))
}

/// What is left of the dump, if it is less than the longest schedule.
fn tail(context: &Context<'_>, offset: u64) -> Option<zeroize::Zeroizing<Vec<u8>>> {
    [aes::MAX_BYTES - 32, aes::MAX_BYTES - 64].into_iter().find_map(|len| context.memory.bytes(offset, len))
}

const PAGE: usize = 4096;
/// Words of 64 bits that look random in one of two blocks in which a schedule lies. The shortest has 22 words, of which one in
/// a thousand looks otherwise, so that one of the blocks has ten or more.
const MIN_RANDOM: u32 = 7;

/// Where, in `from..to`, the words satisfy one of the relations that hold between the second and later words of a schedule.
fn spot_page(bytes: &[u8], from: usize, to: usize, mut found: impl FnMut(usize)) {
    /// Words that a relation reaches over.
    const AHEAD: usize = 16;
    let available = (bytes.len() - from) / 4;
    let mut words = [0u32; PAGE / 4 + AHEAD];
    let count = available.min((to - from).div_ceil(4) + AHEAD);
    for (word, bytes) in words.iter_mut().zip(bytes[from..].chunks_exact(4)).take(count) {
        *word = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
    }
    let starts = ((to - from) / 4).min(available);
    for block in (0..starts).step_by(16) {
        let w = &words[block..block + 16 + AHEAD];
        let mut any = false;
        for i in 0..16 {
            any |= related(w, i);
        }
        if any {
            (0..16.min(starts - block)).filter(|&i| related(w, i)).for_each(|i| found(from + 4 * (block + i)));
        }
    }
    zeroize::Zeroize::zeroize(&mut words);
}

/// Two neighbouring relations for each key length and direction. Zero memory satisfies all of them; no word of a schedule is zero
/// but once in a thousand million.
#[inline(always)]
fn related(w: &[u32], i: usize) -> bool {
    let w = |n: usize| w[i + n];
    let both = |a: [usize; 3], b: [usize; 3]| (w(a[0]) == w(a[1]) ^ w(a[2])) & (w(b[0]) == w(b[1]) ^ w(b[2]));
    let encryption = both([5, 1, 4], [6, 2, 5]) | both([7, 1, 6], [8, 2, 7]) | both([9, 1, 8], [10, 2, 9]);
    let decryption = both([5, 9, 4], [6, 10, 5]) | both([6, 8, 5], [7, 9, 6]) | both([5, 13, 4], [6, 14, 5]);
    (encryption | decryption) & (w(1) != 0) & (w(2) != 0) & (w(5) != 0) & (w(6) != 0)
}

fn describe(schedule: &Schedule) -> String {
    let direction = match schedule.direction {
        Direction::Encryption => "encryption",
        Direction::Decryption => "decryption",
    };
    let order = match schedule.order {
        WordOrder::Standard => "bytes in standard order",
        WordOrder::Swapped => "little-endian words",
    };
    format!("AES-{} key schedule for {direction}, {order}", 8 * schedule.key.len())
}

fn report(id: [u8; 32], schedule: &Schedule, places: Vec<Place>) -> Found {
    let bits = 8 * schedule.key.len() as u32;
    let words = schedule.bytes() / 4;
    Found {
        rule: "memory-aes-key",
        material: KeyMaterial {
            algorithm: Algorithm::Symmetric("AES".into()),
            bits,
            encoding: "AES key schedule",
            protection: Protection::None,
            public: None,
            id: Some(id),
            proof: Proof::proven(format!("all {words} words of the key schedule follow from the key")),
            comment: None,
            purpose: None,
            details: vec![("key size", format!("{bits} bits"))],
        },
        places,
    }
}

#[cfg(test)]
mod tests;
