//! Guesses at private keys: which bytes are read how, and what their public keys would be.

use super::evidence::Evidence;
use super::reading::Reading;
use super::trace::{Form, Traces};
use super::window::{Number521, Tier, Windows, each_521};
use crate::curve::{Group, Multiplier};
use crate::order::Order;
use crate::search::Context;
use crate::stretch::{Stretch, visit, work};
use keysweep_keys::Curve;
use std::collections::BTreeMap;
use zeroize::{Zeroize, Zeroizing};

/// Bytes in many places that are read in one way.
pub(super) struct Pass {
    pub(super) group: Group,
    pub(super) reading: Reading,
    /// Number of bytes.
    pub(super) len: usize,
    /// Offsets in the file, sorted.
    pub(super) offsets: Vec<u64>,
}

/// A guess: the number of a pass, and an index in its places.
pub(super) fn guess(pass: usize, index: usize) -> u32 {
    (pass as u32) << INDEX_BITS | index as u32
}

/// What [`guess`] was made of.
pub(super) fn parts(guess: u32) -> (usize, usize) {
    ((guess >> INDEX_BITS) as usize, (guess & ((1 << INDEX_BITS) - 1)) as usize)
}

const INDEX_BITS: u32 = 22;
/// Passes whose guesses can be told apart.
const MAX_PASSES: usize = 1 << (32 - INDEX_BITS);

/// How many places are tried: for 32-byte keys on the cheapest curve, at least, and for each GiB.
const PLACES: usize = 50_000;
const PLACES_PER_GIB: u64 = 100_000;
/// Places tried for curves of which nothing is known.
const PLACES_UNKNOWN: usize = 1_000;

/// The places for keys of each length.
#[derive(Default)]
struct Places {
    bytes32: Windows,
    bytes48: Windows,
    bytes57: Windows,
    big521: Vec<u64>,
    little521: Vec<u64>,
    words521: Vec<u64>,
}

/// Plans what is tried; says too whether places were left out that are not unlikely.
pub(super) fn plan(context: &Context<'_>, stretches: &[Stretch], evidence: &Evidence) -> (Vec<Pass>, bool) {
    let total: u64 = context.memory.segments().iter().map(|segment| segment.len).sum();
    let budget = PLACES + (total.saturating_mul(PLACES_PER_GIB) >> 30).min(400_000) as usize;
    let mut places = collect(context, stretches, evidence, budget);
    add_numbers(context, &mut places);
    places.bytes32.best(budget);
    places.bytes48.best(budget / 4);
    places.bytes57.best(if evidence.edwards448 { budget / 8 } else { PLACES_UNKNOWN });
    let mut passes = Vec::new();
    for curve in &evidence.curves {
        let group = Group::Ec(*curve);
        let mut add = |reading: Reading, offsets: Vec<u64>| {
            passes.push(Pass { group, reading, len: reading.bytes(group), offsets });
        };
        let montgomery = evidence.points.contains(curve);
        let windows = match group.limbs() {
            4 => &places.bytes32,
            6 => &places.bytes48,
            _ => {
                add(Reading::Number(Order::Big), places.big521.clone());
                add(Reading::Number(Order::Little), places.little521.clone());
                add(Reading::Number(Order::BigWords32), places.words521.clone());
                if montgomery {
                    add(Reading::Montgomery, places.little521.clone());
                }
                continue;
            }
        };
        add(Reading::Number(Order::Little), offsets(windows, Tier::Half));
        add(Reading::Number(Order::Big), offsets(windows, Tier::Half));
        if montgomery {
            add(Reading::Montgomery, offsets(windows, Tier::Word));
        }
    }
    for (group, windows) in [(Group::Curve25519, &places.bytes32), (Group::Edwards448, &places.bytes57)] {
        let mut add = |reading: Reading, least: Tier| {
            let offsets = offsets(windows, least);
            passes.push(Pass { group, reading, len: reading.bytes(group), offsets });
        };
        add(Reading::Seed, Tier::Half);
        add(Reading::Clamped, Tier::Half);
        add(Reading::ClampedReversed, Tier::Likely);
        if group == Group::Curve25519 {
            add(Reading::Reduced, Tier::Half);
        }
    }
    passes.extend(number_passes(context, evidence));
    passes.retain(|pass| !pass.offsets.is_empty());
    let unknown = !evidence.edwards448;
    let overflow = places.bytes32.overflow || places.bytes48.overflow || (places.bytes57.overflow && !unknown);
    let too_many = passes.len() > MAX_PASSES;
    passes.truncate(MAX_PASSES);
    (passes, overflow || too_many)
}

fn offsets(windows: &Windows, least: Tier) -> Vec<u64> {
    windows.all.iter().filter(|window| window.tier <= least).map(|window| window.offset).collect()
}

fn collect(context: &Context<'_>, stretches: &[Stretch], evidence: &Evidence, budget: usize) -> Places {
    let bytes48 = evidence.curves.iter().any(|curve| Group::Ec(*curve).limbs() == 6);
    let bytes66 = evidence.curves.contains(&Curve::P521);
    let parts = visit(context.memory, stretches, context.jobs, Places::default, |places, piece| {
        let address = context.memory.address_of(piece.stretch.from);
        places.bytes32.collect(piece, 32, address, 2 * budget);
        if bytes48 {
            places.bytes48.collect(piece, 48, address, budget);
        }
        if evidence.edwards448 || places.bytes57.all.len() < 8 * PLACES_UNKNOWN {
            places.bytes57.collect(piece, 57, address, budget);
            places.bytes57.collect(piece, 56, address, budget);
        }
        if bytes66 {
            each_521(piece, |number, at| {
                let kept = match number {
                    Number521::Big => &mut places.big521,
                    Number521::Little => &mut places.little521,
                    Number521::Words => &mut places.words521,
                };
                if kept.len() < PLACES {
                    kept.push(piece.offset + at as u64);
                }
            });
        }
    });
    let mut all = Places::default();
    for part in parts {
        for (all, part) in [
            (&mut all.bytes32, part.bytes32),
            (&mut all.bytes48, part.bytes48),
            (&mut all.bytes57, part.bytes57),
        ] {
            all.all.extend(part.all);
            all.overflow |= part.overflow;
        }
        all.big521.extend(part.big521);
        all.little521.extend(part.little521);
        all.words521.extend(part.words521);
    }
    for offsets in [&mut all.big521, &mut all.little521, &mut all.words521] {
        offsets.sort_unstable();
        offsets.dedup();
    }
    all
}

/// Adds the numbers of structures, which are read in every way, since what a structure is for is not always certain.
fn add_numbers(context: &Context<'_>, places: &mut Places) {
    for number in &context.survey.numbers {
        match number.len {
            32 => places.bytes32.add(number.offset),
            48 => places.bytes48.add(number.offset),
            56 | 57 => places.bytes57.add(number.offset),
            _ => {}
        }
    }
}

/// The numbers of structures whose order or length is not that of a window.
fn number_passes(context: &Context<'_>, evidence: &Evidence) -> Vec<Pass> {
    let mut passes: BTreeMap<(Group, Reading, usize), Vec<u64>> = BTreeMap::new();
    for number in &context.survey.numbers {
        let len = number.len as usize;
        let value = match number.order {
            Order::Digits { bits, bytes } => len * usize::from(bits) / (8 * usize::from(bytes)),
            _ => len,
        };
        let reading = Reading::Number(number.order);
        let window = matches!(number.order, Order::Little | Order::Big);
        for curve in &evidence.curves {
            let size = curve.field_bytes();
            // A number may come without its leading zeros, or with one more word.
            let fits = (size - 4..=size + 8).contains(&value);
            if fits && !(window && len == size && size < 66) {
                passes.entry((Group::Ec(*curve), reading, len)).or_default().push(number.offset);
            }
        }
    }
    let pass = |((group, reading, len), mut offsets): ((Group, Reading, usize), Vec<u64>)| {
        offsets.dedup();
        offsets.truncate(PLACES);
        Pass { group, reading, len, offsets }
    };
    passes.into_iter().map(pass).collect()
}

/// What the guesses' public keys would be is handed to `each`, with the number of the guess, and the traces it asks for are
/// gathered.
pub(super) fn derive(
    context: &Context<'_>,
    passes: &[Pass],
    each: impl Fn(&mut Traces, &Pass, u32, &[u64], &[u64]) + Sync,
) -> Traces {
    let mut traces = Traces::default();
    let groups: std::collections::BTreeSet<Group> = passes.iter().map(|pass| pass.group).collect();
    for group in groups {
        let of_group = || passes.iter().enumerate().filter(|(_, pass)| pass.group == group);
        let multiplier = Multiplier::new(group, of_group().map(|(_, pass)| pass.offsets.len()).sum());
        let batches: Vec<(usize, usize)> = of_group()
            .flat_map(|(number, pass)| {
                (0..pass.offsets.len()).step_by(Multiplier::BATCH).map(move |start| (number, start))
            })
            .collect();
        let parts = work(batches.len(), context.jobs, Traces::default, |traces, index| {
            let (number, start) = batches[index];
            let pass = &passes[number];
            let end = (start + Multiplier::BATCH).min(pass.offsets.len());
            let mut scalars = Zeroizing::new(Vec::with_capacity((end - start) * group.limbs()));
            let mut guesses = Vec::with_capacity(end - start);
            read_windows(context, &pass.offsets[start..end], pass.len, |index, window| {
                if pass.reading.scalar(group, window, &mut scalars) {
                    guesses.push(guess(number, start + index));
                }
            });
            let derived = multiplier.derive(&scalars);
            let (first, second) = (derived.first.chunks_exact(group.limbs()), derived.second.chunks_exact(group.limbs()));
            for ((guess, first), second) in guesses.into_iter().zip(first).zip(second) {
                each(traces, pass, guess, first, second);
            }
        });
        parts.into_iter().for_each(|part| traces.append(part));
    }
    traces
}

/// Calls `each` for windows of `len` bytes at sorted offsets; those near each other are read together.
fn read_windows(context: &Context<'_>, offsets: &[u64], len: usize, mut each: impl FnMut(usize, &[u8])) {
    let mut buffer = Zeroizing::new(vec![0; BLOCK]);
    let mut start = 0;
    while start < offsets.len() {
        let first = offsets[start];
        let near = |offset: &&u64| **offset - first <= (BLOCK - len) as u64;
        let count = offsets[start..].iter().take_while(near).count().max(1);
        let last = offsets[start + count - 1];
        let span = (last - first) as usize + len;
        let read = context.memory.read_at(first, &mut buffer[..span]);
        for (index, offset) in offsets[start..start + count].iter().enumerate() {
            let at = (offset - first) as usize;
            if at + len <= read {
                each(start + index, &buffer[at..at + len]);
            }
        }
        start += count;
    }
    buffer.zeroize();
}

/// Bytes that are read at a time at most.
const BLOCK: usize = 16 << 10;

/// The forms of traces that are looked for; without those of `x` in Montgomery form where there is none.
pub(super) fn forms(group: Group) -> &'static [Form] {
    Form::of(group)
}
