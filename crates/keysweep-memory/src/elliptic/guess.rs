//! Guesses at private keys: which bytes are read how, and what their public keys would be.

use super::evidence::Evidence;
use super::reading::Reading;
use super::trace::{Filter, Form, GUESS_BITS, Traces};
use super::window::{PLACES_521, Tier, Windows, Windows521};
use crate::curve::{Group, Multiplier};
use crate::order::Order;
use crate::search::{Context, Effort};
use crate::stretch::{Stretch, in_order, visit, work};
use crate::structure::is_certain;
use keysweep_keys::Curve;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;
use zeroize::Zeroizing;

/// Bytes in many places that are read in one way.
pub(super) struct Pass {
    pub(super) group: Group,
    pub(super) reading: Reading,
    /// Number of bytes.
    pub(super) len: usize,
    /// Offsets in the file, sorted; those of the same windows that are read in another way are the same.
    pub(super) offsets: Arc<[u64]>,
    /// The number of the first guess; the others follow.
    pub(super) first: u32,
}

/// The pass of a guess, and the index of its place in it.
pub(super) fn parts(passes: &[Pass], guess: u32) -> Option<(&Pass, usize)> {
    let after = passes.partition_point(|pass| pass.first <= guess);
    let pass = passes.get(after.checked_sub(1)?)?;
    Some((pass, (guess - pass.first) as usize))
}

/// Guesses that can be told apart.
const MAX_GUESSES: usize = 1 << GUESS_BITS;

/// What the search may cost: multiplications on a curve of 256 bits, at least, and more for each GiB.
const COST: u64 = 240_000;
const COST_PER_GIB: u64 = 1_000_000;
/// Places tried for curves of which no public key was seen.
const PLACES_WEAK: usize = 2_000;
/// And for curves that few programs use and nothing speaks of.
const PLACES_RARE: usize = 200;

/// What a multiplication costs, in those on a curve of 256 bits.
fn cost(group: Group) -> f64 {
    match group.limbs() {
        4 => 1.0,
        6 => 2.6,
        7 => 3.8,
        _ => 5.0,
    }
}

/// The places for keys of each length.
#[derive(Default)]
struct Places {
    bytes32: Windows,
    bytes48: Windows,
    bytes57: Windows,
    bytes66: Windows521,
}

/// Plans what is tried; says too whether places were left out that are not unlikely.
pub(super) fn plan(context: &Context<'_>, stretches: &[Stretch], evidence: &Evidence) -> (Vec<Pass>, bool) {
    // A hunt has tried all windows, and what agrees is among the numbers. In a text there is nothing else.
    let mut places = match context.effort {
        Effort::Given | Effort::Written { .. } => Places::default(),
        _ => collect(context, stretches, evidence),
    };
    add_numbers(context, &mut places);
    let mut recipes = recipes(evidence);
    if matches!(context.effort, Effort::Quick | Effort::Written { .. }) {
        recipes.retain(|(.., count)| *count == usize::MAX);
    }
    let budget = budget(context);
    places.divide(budget, &recipes);
    // Of curves whose public keys were not seen, few places are tried on purpose.
    let sought = |limbs: usize| recipes.iter().any(|(group, .., count)| *count == usize::MAX && group.limbs() == limbs);
    let overflow = (sought(4) && places.bytes32.overflow) || (sought(6) && places.bytes48.overflow);
    let mut shared: BTreeMap<_, Arc<[u64]>> = BTreeMap::new();
    let mut passes: Vec<Pass> = recipes
        .drain(..)
        .map(|(group, reading, tier, count)| {
            let (windows, limbs) = match group.limbs() {
                4 => (&places.bytes32, 4),
                6 => (&places.bytes48, 6),
                _ => (&places.bytes57, 7),
            };
            // A hunt tries all places, and what agrees may lie anywhere.
            let words = reading.is_of_words() && context.effort != Effort::Given;
            let same = shared.entry((limbs, tier, count, words)).or_insert_with(|| {
                let mut offsets = windows.offsets(tier, count);
                offsets.retain(|offset| !words || offset.is_multiple_of(4));
                offsets.into()
            });
            let offsets = Arc::clone(same);
            Pass { group, reading, len: reading.bytes(group), offsets, first: 0 }
        })
        .collect();
    if evidence.curves.contains(&Curve::P521) {
        passes.extend(places.passes_521(budget, evidence.points.contains(&Curve::P521)));
    }
    let (of_numbers, left_out) = number_passes(context, evidence, budget);
    passes.extend(of_numbers);
    passes.retain(|pass| !pass.offsets.is_empty());
    let mut guesses = 0;
    let all = passes.len();
    passes.retain_mut(|pass| {
        let fits = guesses + pass.offsets.len() <= MAX_GUESSES;
        if fits {
            pass.first = guesses as u32;
            guesses += pass.offsets.len();
        }
        fits
    });
    let too_many = passes.len() < all;
    (passes, overflow || too_many || left_out)
}

/// What is tried at windows: for each group how they are read, how unlikely they may be, and how many.
fn recipes(evidence: &Evidence) -> Vec<(Group, Reading, Tier, usize)> {
    let mut all = Vec::new();
    for curve in evidence.curves.iter().filter(|curve| **curve != Curve::P521) {
        let group = Group::Ec(*curve);
        if evidence.points.contains(curve) {
            all.push((group, Reading::Number(Order::Little), Tier::Word, usize::MAX));
            all.push((group, Reading::Number(Order::Big), Tier::Word, usize::MAX));
            all.push((group, Reading::Montgomery, Tier::End, usize::MAX));
        } else {
            all.push((group, Reading::Number(Order::Little), Tier::Exact, PLACES_WEAK));
            all.push((group, Reading::Number(Order::Big), Tier::Exact, PLACES_WEAK));
        }
    }
    let group = Group::Curve25519;
    all.push((group, Reading::Seed, Tier::Word, usize::MAX));
    all.push((group, Reading::Clamped, Tier::Word, usize::MAX));
    all.push((group, Reading::ClampedReversed, Tier::Structure, PLACES_WEAK));
    all.push((group, Reading::Reduced, Tier::Word, usize::MAX));
    let group = Group::Edwards448;
    let (tier, count) = if evidence.edwards448 { (Tier::Word, usize::MAX) } else { (Tier::Exact, PLACES_RARE) };
    all.push((group, Reading::Seed, tier, count));
    all.push((group, Reading::Clamped, tier, count));
    all.push((group, Reading::ClampedReversed, Tier::Structure, PLACES_RARE));
    all
}

/// What may be spent on this dump.
fn budget(context: &Context<'_>) -> u64 {
    // A multiplication takes one microsecond with vectors, three without: a quick search reads 40 MB a second at least.
    context.allowance(COST, 128)
        + ((u128::from(context.bytes()) * u128::from(COST_PER_GIB)) >> 30).min(4_000_000) as u64
}

impl Places {
    /// Keeps as many windows as may be tried. Larger keys are rarer: a third is spent on them, or what the others leave.
    fn divide(&mut self, budget: u64, recipes: &[(Group, Reading, Tier, usize)]) {
        let each = |limbs: &dyn Fn(usize) -> bool| -> f64 {
            let these = recipes.iter().filter(|(group, reading, _, count)| {
                // Few of all windows are below the order of Ed25519.
                *count == usize::MAX && *reading != Reading::Reduced && limbs(group.limbs())
            });
            these.map(|(group, ..)| cost(*group)).sum()
        };
        let (small, large) = (each(&|limbs| limbs == 4), each(&|limbs| limbs != 4));
        let count = |spent: f64, each: f64| (spent / each.max(1.0)) as usize;
        let budget = budget as f64;
        self.bytes32.best(count(if large > 0.0 { budget * 2.0 / 3.0 } else { budget }, small));
        let left = budget - self.bytes32.all.len() as f64 * small;
        let larger = count(left, large).max(PLACES_WEAK);
        self.bytes48.best(larger);
        self.bytes57.best(larger);
    }
}

fn collect(context: &Context<'_>, stretches: &[Stretch], evidence: &Evidence) -> Places {
    let bytes48 = evidence.curves.iter().any(|curve| Group::Ec(*curve).limbs() == 6);
    let bytes66 = evidence.curves.contains(&Curve::P521);
    let long = long_numbers(context);
    let parts = visit(context.memory, stretches, context.jobs, Places::default, |places, piece| {
        if context.survey.is_settled(piece.stretch.from) {
            return;
        }
        let address = context.memory.address_of(piece.stretch.from);
        let inside = |offset: u64| is_inside(&long, offset);
        let whole = context.survey.is_one_number(piece.stretch.from, piece.stretch.to);
        places.bytes32.collect(piece, 32, address, whole, inside);
        if bytes48 {
            places.bytes48.collect(piece, 48, address, whole, inside);
        }
        if evidence.edwards448 || places.bytes57.all.len() < 8 * PLACES_WEAK {
            places.bytes57.collect(piece, 57, address, whole, inside);
            places.bytes57.collect(piece, 56, address, whole, inside);
        }
        if bytes66 {
            places.bytes66.collect(piece);
        }
    });
    let mut all = Places::default();
    for part in parts {
        for (all, part) in [
            (&mut all.bytes32, part.bytes32),
            (&mut all.bytes48, part.bytes48),
            (&mut all.bytes57, part.bytes57),
            (&mut all.bytes66.big, part.bytes66.big),
            (&mut all.bytes66.little, part.bytes66.little),
            (&mut all.bytes66.words, part.bytes66.words),
        ] {
            all.all.extend(part.all);
            all.overflow |= part.overflow;
        }
    }
    all
}

impl Places {
    /// Numbers of P-521 are read in four ways, for a quarter of what all others may cost; fewer if no public key was seen.
    fn passes_521(&mut self, budget: u64, seen: bool) -> Vec<Pass> {
        let group = Group::Ec(Curve::P521);
        let (tier, count) = if seen {
            (Tier::Word, ((budget as f64 / 16.0 / cost(group)) as usize).clamp(PLACES_WEAK, PLACES_521))
        } else {
            (Tier::Exact, PLACES_WEAK / 4)
        };
        let Windows521 { big, little, words } = &mut self.bytes66;
        let [big, little, words]: [Arc<[u64]>; 3] = [big, little, words].map(|windows| {
            windows.best(count);
            windows.offsets(tier, usize::MAX).into()
        });
        [
            (Reading::Number(Order::Big), big),
            (Reading::Number(Order::BigWords32), words),
            (Reading::Number(Order::Little), Arc::clone(&little)),
            (Reading::Montgomery, little),
        ]
        .into_iter()
        .map(|(reading, offsets)| Pass { group, reading, len: reading.bytes(group), offsets, first: 0 })
        .collect()
    }
}

/// Where numbers of structures lie that are longer than any of these keys, as ranges that do not overlap: moduli, signatures.
fn long_numbers(context: &Context<'_>) -> Vec<(u64, u64)> {
    let mut ranges: Vec<(u64, u64)> = Vec::new();
    for number in context.survey.numbers.iter().filter(|number| number.len >= LONG) {
        let (from, to) = (number.offset, number.offset + u64::from(number.len));
        match ranges.last_mut() {
            Some(last) if from < last.1 => last.1 = last.1.max(to),
            _ => ranges.push((from, to)),
        }
    }
    ranges
}

/// Bytes of a number that is longer than any key.
const LONG: u32 = 96;

/// Whether a key at an offset would be inside of one of the ranges, and not at its start.
fn is_inside(ranges: &[(u64, u64)], offset: u64) -> bool {
    let index = ranges.partition_point(|(from, _)| *from < offset);
    index.checked_sub(1).is_some_and(|index| offset + 32 < ranges[index].1)
}

/// Adds the numbers of structures, which are read in every way, since what a structure is for is not always certain.
fn add_numbers(context: &Context<'_>, places: &mut Places) {
    for number in context.survey.numbers.iter().filter(|number| !is_certain(number.structure)) {
        match number.len {
            32 => places.bytes32.add(number.offset),
            48 => places.bytes48.add(number.offset),
            56 | 57 => places.bytes57.add(number.offset),
            _ => {}
        }
    }
}

/// The numbers of structures whose order or length is not that of a window, or that are certainly in one order; says too whether
/// some were left out.
fn number_passes(context: &Context<'_>, evidence: &Evidence, budget: u64) -> (Vec<Pass>, bool) {
    let mut passes: BTreeMap<(Group, Reading, usize), Vec<u64>> = BTreeMap::new();
    for number in &context.survey.numbers {
        let len = number.len as usize;
        let value = match number.order {
            Order::Digits { bits, bytes } => len * usize::from(bits) / (8 * usize::from(bytes)),
            _ => len,
        };
        let reading = Reading::Number(number.order);
        let certain = is_certain(number.structure);
        let window = !certain && matches!(number.order, Order::Little | Order::Big);
        for curve in &evidence.curves {
            let size = curve.field_bytes();
            // A number may come without its leading zeros, or with one more word.
            let fits = (size - 4..=size + 8).contains(&value);
            if fits && !(window && len == size && size < 66) {
                passes.entry((Group::Ec(*curve), reading, len)).or_default().push(number.offset);
            }
        }
        if certain && len == 32 {
            for reading in [Reading::Clamped, Reading::Reduced] {
                passes.entry((Group::Curve25519, reading, len)).or_default().push(number.offset);
            }
        }
    }
    let mut left_out = false;
    let pass = |((group, reading, len), mut offsets): ((Group, Reading, usize), Vec<u64>)| {
        offsets.dedup();
        let most = PLACES_521.max((budget as f64 / cost(group)) as usize / 2);
        left_out |= offsets.len() > most;
        offsets.truncate(most);
        Pass { group, reading, len, offsets: offsets.into(), first: 0 }
    };
    (passes.into_iter().map(pass).collect(), left_out)
}

/// Guesses of one group that are derived together: numbers of passes, and the indices of their places.
pub(super) type Batch = Vec<(usize, Range<usize>)>;

/// The guesses in batches, those of one group after each other, and these in rounds that leave a bounded number of traces.
pub(super) fn rounds(passes: &[Pass]) -> Vec<Vec<Batch>> {
    let groups: BTreeSet<Group> = passes.iter().map(|pass| pass.group).collect();
    let (mut rounds, mut left) = (vec![Vec::new()], TRACES);
    for group in groups {
        let of_group = passes.iter().enumerate().filter(|(_, pass)| pass.group == group);
        for batch in batches(of_group.map(|(number, pass)| (number, pass.offsets.len()))) {
            let traces = traces_of(passes, &batch);
            if traces > left {
                rounds.push(Vec::new());
                left = TRACES;
            }
            left = left.saturating_sub(traces);
            rounds.last_mut().into_iter().for_each(|round| round.push(batch.clone()));
        }
    }
    rounds
}

/// Traces that are looked for at a time: 8 bytes for each, twice while they are gathered, and 2 to 4 for a filter. A dump
/// of 4 GiB takes three to five rounds.
const TRACES: usize = 1 << 20;

/// Traces that a batch leaves at most: in each form, of the one or two coordinates that a group's public keys have.
fn traces_of(passes: &[Pass], batch: &Batch) -> usize {
    let of = |pass: &Pass| {
        let coordinates = if matches!(pass.group, Group::Ec(_)) { 1 } else { 2 };
        forms(pass.group).len() * coordinates + usize::from(pass.reading.has_prefix(pass.group))
    };
    batch.iter().map(|(number, range)| of(&passes[*number]) * range.len()).sum()
}

/// The multipliers of groups, for as many guesses as there are.
pub(super) type Multipliers = BTreeMap<Group, Multiplier>;

/// What the public keys of a round's guesses would be is handed to `each`, with the number of the guess and the prefix of
/// [`Reading::scalar_and_prefix`], and the traces it asks for are gathered.
pub(super) fn derive(
    context: &Context<'_>,
    passes: &[Pass],
    round: &[Batch],
    multipliers: &mut Multipliers,
    each: impl Fn(&mut Traces, &Pass, u32, u64, &[u64], &[u64]) + Sync,
) -> Traces {
    let group_of = |batch: &Batch| batch.first().map(|(number, _)| passes[*number].group);
    // Tables are large: those of other rounds are not kept.
    multipliers.retain(|group, _| round.iter().any(|batch| group_of(batch) == Some(*group)));
    let new: BTreeSet<Group> =
        round.iter().filter_map(group_of).filter(|group| !multipliers.contains_key(group)).collect();
    let new: Vec<Group> = new.into_iter().collect();
    let made = in_order(new.len(), context.jobs, |index| {
        let of_group = passes.iter().filter(|pass| pass.group == new[index]);
        Some(Multiplier::new(new[index], of_group.map(|pass| pass.offsets.len()).sum()))
    });
    multipliers.extend(made.into_iter().map(|(index, multiplier)| (new[index], multiplier)));
    let multipliers = &*multipliers;
    let filter = Arc::new(Filter::new(round.iter().map(|batch| traces_of(passes, batch)).sum()));
    let parts = work(
        round.len(),
        context.jobs,
        || (Traces::new(filter.clone()), Zeroizing::new(vec![0; BLOCK])),
        |(traces, buffer), index| {
            let batch = &round[index];
            let Some(multiplier) = group_of(batch).and_then(|group| multipliers.get(&group)) else { return };
            let limbs = multiplier.group().limbs();
            let mut scalars = Zeroizing::new(Vec::with_capacity(Multiplier::BATCH * limbs));
            let mut guesses = Vec::with_capacity(Multiplier::BATCH);
            for (number, range) in batch {
                let pass = &passes[*number];
                read_windows(context, &pass.offsets[range.clone()], pass.len, buffer, |index, window| {
                    if let Some(prefix) = pass.reading.scalar_and_prefix(pass.group, window, &mut scalars) {
                        guesses.push((pass, pass.first + (range.start + index) as u32, prefix));
                    }
                });
            }
            let derived = multiplier.derive(&scalars);
            let (first, second) = (derived.first.chunks_exact(limbs), derived.second.chunks_exact(limbs));
            for (((pass, guess, prefix), first), second) in guesses.into_iter().zip(first).zip(second) {
                each(traces, pass, guess, prefix, first, second);
            }
        },
    );
    Traces::join(parts.into_iter().map(|(traces, _)| traces).collect(), filter)
}

/// Divides the places of passes, each given by its number and its places, into batches of [`Multiplier::BATCH`].
fn batches(passes: impl Iterator<Item = (usize, usize)>) -> Vec<Batch> {
    let (mut batches, mut batch, mut room) = (Vec::new(), Vec::new(), Multiplier::BATCH);
    for (number, places) in passes {
        let mut start = 0;
        while start < places {
            let end = places.min(start + room);
            batch.push((number, start..end));
            room -= end - start;
            start = end;
            if room == 0 {
                batches.push(std::mem::take(&mut batch));
                room = Multiplier::BATCH;
            }
        }
    }
    if !batch.is_empty() {
        batches.push(batch);
    }
    batches
}

/// Calls `each` for windows of `len` bytes at sorted offsets; those near each other are read together, into `buffer`, which has
/// [`BLOCK`] bytes.
fn read_windows(
    context: &Context<'_>,
    offsets: &[u64],
    len: usize,
    buffer: &mut [u8],
    mut each: impl FnMut(usize, &[u8]),
) {
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
}

/// Bytes that are read at a time at most.
const BLOCK: usize = 16 << 10;

/// The forms of traces that are looked for; without those of `x` in Montgomery form where there is none.
pub(super) fn forms(group: Group) -> &'static [Form] {
    Form::of(group)
}
