//! What may be a number of a key: numbers with known bounds, and ends of numbers of unknown length.

use super::amid;
use super::key::MIN_MODULUS_BITS;
use super::limbs::MAX_LIMBS;
use super::sieve::has_no_small_factor;
use super::source::{End, Source, all_limbs};
use crate::order::{Order, PYTHON, TOM_MATH_32, TOM_MATH_64};
use crate::search::Context;
use crate::stretch::in_order;
use crate::survey::Run;
use std::ops::Range;
use std::sync::Arc;
use zeroize::{Zeroize, Zeroizing};

/// Smallest prime of a key that is looked for, in bits.
pub(super) const MIN_PRIME_BITS: u32 = 192;
/// Numbers that are kept, and limbs of all of them.
const MAX_ITEMS: usize = 150_000;
const MAX_ITEM_LIMBS: usize = 3 << 19;
/// Ends that are kept.
const MAX_ENDS: usize = 5 << 17;
/// Longest run that may be one number, in words.
const LONGEST: u64 = 257;

/// A number whose bounds are known: from a structure, or because it lies alone.
#[derive(Clone)]
pub(super) struct Item {
    /// Where it begins in the file.
    pub(super) offset: u64,
    /// Bytes of its digits.
    pub(super) len: u32,
    /// How they lie.
    pub(super) order: Order,
    /// Significant bits.
    pub(super) bits: u32,
    /// Its leading bits as a fraction from 1/2 to 1.
    pub(super) lead: f64,
    /// Whether a structure says so.
    pub(super) named: bool,
    /// Whether it has no small factors, as primes and moduli have none.
    pub(super) rough: bool,
    limbs: Range<usize>,
}

/// The numbers with known bounds, by offset.
#[derive(Default)]
pub(super) struct Items {
    pub(super) list: Vec<Item>,
    limbs: Zeroizing<Vec<u64>>,
    overflow: bool,
}

impl Items {
    fn with_room(limbs: usize) -> Self {
        Self { limbs: Zeroizing::new(Vec::with_capacity(limbs)), ..Self::default() }
    }

    /// Takes up the numbers of others.
    fn append(&mut self, others: &Self) {
        self.overflow |= others.overflow;
        for item in &others.list {
            let limbs = others.limbs(item);
            if self.list.len() >= MAX_ITEMS || self.limbs.len() + limbs.len() > MAX_ITEM_LIMBS {
                self.overflow = true;
                return;
            }
            let from = self.limbs.len();
            self.limbs.extend_from_slice(limbs);
            self.list.push(Item { limbs: from..self.limbs.len(), ..item.clone() });
        }
    }

    /// The limbs of an item, least significant first.
    pub(super) fn limbs(&self, item: &Item) -> &[u64] {
        &self.limbs[item.limbs.clone()]
    }

    fn push(&mut self, offset: u64, bytes: &[u8], order: Order, named: bool) {
        let Some(limbs) = all_limbs(bytes, order) else { return };
        let Some([.., before, top]) = limbs.get(..).filter(|limbs| limbs.len() >= 2) else { return };
        let bits = super::limbs::bits(&limbs);
        // No limb drawn at random is zero. Every number of a key is odd but for the CRT coefficient, of which alone nothing follows.
        if bits < MIN_PRIME_BITS || (limbs[0] & 1 == 0 && !named) || limbs.iter().any(|limb| *limb == 0 || !*limb == 0)
        {
            return;
        }
        if self.list.len() >= MAX_ITEMS || self.limbs.len() + limbs.len() > MAX_ITEM_LIMBS {
            self.overflow = true;
            return;
        }
        let zeros = top.leading_zeros();
        let lead = (u128::from(*top) << 64 | u128::from(*before)) << zeros;
        let from = self.limbs.len();
        self.limbs.extend_from_slice(&limbs);
        self.list.push(Item {
            offset,
            len: bytes.len() as u32,
            order,
            bits,
            lead: (lead >> 64) as f64 / 2f64.powi(64),
            named,
            rough: limbs[0] & 1 == 1 && has_no_small_factor(&limbs),
            limbs: from..self.limbs.len(),
        });
    }
}

/// Least significant limbs of numbers, so that those that may belong to one key are neighbours: by order, then by how they
/// lie to the words around them, then by offset.
#[derive(Default)]
pub(super) struct Ends {
    pub(super) lows: Zeroizing<Vec<u64>>,
    places: Vec<PlaceOfEnd>,
}

impl Ends {
    /// Where an end lies.
    pub(super) fn end(&self, index: usize) -> End {
        self.places[index].end()
    }

    /// Adds an end inside of a run.
    pub(super) fn push_inside(&mut self, low: u64, end: End) {
        self.lows.push(low);
        self.places.push(PlaceOfEnd::new(end, 0, MAX_LIMBS as u64));
    }

    /// No ends, with room for some.
    pub(super) fn with_capacity(count: usize) -> Self {
        Self { lows: Zeroizing::new(Vec::with_capacity(count)), places: Vec::with_capacity(count) }
    }

    /// Adds other ends.
    pub(super) fn append(&mut self, other: &Self) {
        self.lows.extend_from_slice(&other.lows);
        self.places.extend_from_slice(&other.places);
    }

    /// The ends of numbers and of runs, without those beside them.
    pub(super) fn near(&self) -> Self {
        let near = || self.places.iter().zip(self.lows.iter()).filter(|(place, _)| place.place() == 0);
        let mut lows = Zeroizing::new(Vec::with_capacity(near().count()));
        lows.extend(near().map(|(_, low)| *low));
        Self { lows, places: near().map(|(place, _)| *place).collect() }
    }

    /// What may be a modulus, of the ends of numbers and of runs.
    pub(super) fn near_moduli(&self) -> impl Iterator<Item = (u64, PlaceOfEnd)> {
        self.moduli().filter(|(_, place)| place.place() == 0)
    }

    /// What may be a modulus.
    pub(super) fn moduli(&self) -> impl Iterator<Item = (u64, PlaceOfEnd)> {
        let all = self.lows.iter().zip(&self.places);
        all.filter(|(_, place)| place.room() >= MIN_MODULUS_BITS / 64).map(|(low, place)| (*low, *place))
    }
}

/// Where an end lies, in the order that makes neighbours of those that may belong to one key: the order of the digits (4
/// bits), how it lies to the words around it (3 bits; numbers of one key mostly lie alike), the offset (48 bits), and how many words
/// the number may have, the most first (9 bits).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct PlaceOfEnd(u64);

/// Bits of an offset, which go beyond every file there is, and of a number of words.
const OFFSET_BITS: u32 = 48;
const ROOM_BITS: u32 = 9;

impl PlaceOfEnd {
    fn new(end: End, place: u8, room: u64) -> Self {
        let order = ORDER.iter().position(|order| *order == end.order).unwrap_or(0) as u64;
        let room = (1 << ROOM_BITS) - 1 - room.min((1 << ROOM_BITS) - 1);
        Self((order << 3 | u64::from(place)) << (OFFSET_BITS + ROOM_BITS) | end.at << ROOM_BITS | room)
    }

    pub(super) fn end(self) -> End {
        let at = self.0 >> ROOM_BITS & ((1 << OFFSET_BITS) - 1);
        End { at, order: ORDER[(self.0 >> (OFFSET_BITS + ROOM_BITS + 3)) as usize % ORDER.len()] }
    }

    fn place(self) -> u64 {
        self.0 >> (OFFSET_BITS + ROOM_BITS) & 7
    }

    fn room(self) -> u32 {
        (1 << ROOM_BITS) - 1 - (self.0 as u32 & ((1 << ROOM_BITS) - 1))
    }
}

/// The orders as they are numbered.
const ORDER: [Order; Order::ALL.len()] = Order::ALL;

/// The least significant limb of a number that may end at a place.
#[derive(Clone, Copy)]
struct Low {
    place: PlaceOfEnd,
    limb: u64,
}

impl Zeroize for Low {
    fn zeroize(&mut self) {
        self.limb.zeroize();
    }
}

/// All candidates.
pub(super) struct Candidates {
    /// Numbers with known bounds.
    pub(super) items: Items,
    /// Ends of these and of runs, and a few bytes beside those of runs: behind headers, in the middle of words.
    pub(super) ends: Arc<Ends>,
    /// Whether there were more than are kept.
    pub(super) overflow: bool,
}

/// What is made of a few runs.
type Part = (Items, Zeroizing<Vec<Low>>);

impl Candidates {
    pub(super) fn collect(context: &Context<'_>) -> Self {
        let numbers = &context.survey.numbers;
        let parts = parts(context, &context.survey.open_runs());
        // Room for all, so that no secret is left behind in memory that was grown out of.
        let named: usize = numbers.iter().map(|n| n.len as usize / 8 + 2).sum();
        let lone: usize = parts.iter().map(|(items, _)| items.limbs.len()).sum();
        let ends: usize = parts.iter().map(|(_, lows)| lows.len()).sum();
        let mut items = Items::with_room((named + lone).min(MAX_ITEM_LIMBS));
        named_numbers(context, &mut items);
        let amid = amid::ends(context, MAX_ENDS.saturating_sub(ends));
        let most = (ends + amid.len()).min(MAX_ENDS) + parts.len() + MAX_ITEMS.min(named + lone);
        let mut lows = Zeroizing::new(Vec::with_capacity(most));
        let mut full = false;
        for (part, ends) in parts {
            items.append(&part);
            let room = MAX_ENDS - lows.len();
            full |= ends.len() > room;
            lows.extend_from_slice(&ends[..ends.len().min(room)]);
        }
        // These are less likely than all others.
        let room = MAX_ENDS - lows.len();
        let mut source = Source::new(context.memory);
        lows.extend(amid.into_iter().take(room).filter_map(|end| low_at(end, source.low(end), 5, MAX_LIMBS as u64)));
        items.list.sort_unstable_by_key(|item| (item.offset, item.len, item.order));
        // The run that a structure's number takes is that number, too.
        items.list.dedup_by(|again, item| {
            let same = (again.offset, again.len, again.order) == (item.offset, item.len, item.order);
            item.named |= same && again.named;
            same
        });
        let low = |i: &Item| Low {
            place: PlaceOfEnd::new(End::of(i.offset, i.len.into(), i.order), 0, items.limbs(i).len() as u64),
            limb: items.limbs(i)[0],
        };
        let fits = |low: &Low| may_end_a_number(low.limb) && low.place.end().at >> OFFSET_BITS == 0;
        lows.extend(items.list.iter().map(low).filter(fits));
        lows.sort_unstable_by_key(|low| low.place);
        lows.dedup_by_key(|low| low.place.0 >> ROOM_BITS);
        let mut limbs = Zeroizing::new(Vec::with_capacity(lows.len()));
        limbs.extend(lows.iter().map(|low| low.limb));
        let ends = Ends { lows: limbs, places: lows.iter().map(|low| low.place).collect() };
        Self { overflow: items.overflow || full, items, ends: Arc::new(ends) }
    }
}

/// What is made of all runs, in their order, up to more than is kept.
fn parts(context: &Context<'_>, runs: &[Run]) -> Vec<Part> {
    let mut all: Vec<Part> = Vec::new();
    let (mut limbs, mut ends) = (0, 0);
    for round in runs.chunks(ROUND * BATCH) {
        let batches: Vec<&[Run]> = round.chunks(BATCH).collect();
        // What is left out then is known from that there is too much already.
        let full = (limbs > MAX_ITEM_LIMBS, ends > MAX_ENDS);
        let parts = in_order(batches.len(), context.jobs, |index| {
            let mut source = Source::new(context.memory);
            let items = if full.0 { Items::default() } else { lone_runs(batches[index], &mut source) };
            let lows = if full.1 { Zeroizing::default() } else { ends_of_runs(batches[index], &mut source) };
            Some((items, lows))
        });
        let parts: Vec<Part> = parts.into_iter().map(|(_, part)| part).collect();
        limbs += parts.iter().map(|(items, _)| items.limbs.len()).sum::<usize>();
        ends += parts.iter().map(|(_, lows)| lows.len()).sum::<usize>();
        all.extend(parts);
    }
    all
}

/// The numbers of structures.
fn named_numbers(context: &Context<'_>, items: &mut Items) {
    let (mut source, numbers) = (Source::new(context.memory), &context.survey.numbers);
    for (index, number) in numbers.iter().enumerate() {
        // Sorted, so that the same number under another name comes right after.
        let again = index.checked_sub(1).is_some_and(|last| {
            let last = &numbers[last];
            (last.offset, last.len, last.order) == (number.offset, number.len, number.order)
        });
        if let Some(bytes) = source.bytes(number.offset, number.len as usize).filter(|_| !again) {
            items.push(number.offset, bytes, number.order, true);
        }
    }
}

/// Runs that are looked at together.
const BATCH: usize = 256;
/// Batches after which it is seen whether there is room for more.
const ROUND: usize = 64;

/// The numbers that runs may be as a whole.
fn lone_runs(runs: &[Run], source: &mut Source<'_>) -> Items {
    let lone = || runs.iter().filter(|run| run.words <= LONGEST);
    let mut items = Items::with_room(lone().map(|run| (ORDERS.len() + 4) * (run.words as usize + 3)).sum());
    lone().for_each(|run| lone_run(run, source, &mut items));
    let mut exact = Items::with_room(items.limbs.len());
    exact.append(&items);
    exact
}

/// The ends of runs.
fn ends_of_runs(runs: &[Run], source: &mut Source<'_>) -> Zeroizing<Vec<Low>> {
    let mut lows = Zeroizing::new(Vec::with_capacity(ENDS * runs.len()));
    runs.iter().for_each(|run| ends_of_run(run, source, &mut lows));
    let mut exact = Zeroizing::new(Vec::with_capacity(lows.len()));
    exact.extend_from_slice(&lows);
    exact
}

/// The orders of a number that lies alone.
const ORDERS: [Order; 6] = [Order::Little, Order::Big, Order::BigWords32, PYTHON, TOM_MATH_64, TOM_MATH_32];

/// A run of the length of a number, as the number it may be in each order.
fn lone_run(run: &Run, source: &mut Source<'_>, items: &mut Items) {
    let (before, len) = (8.min(run.offset as usize), 8 * run.words as usize);
    // With the words around it, in which the leading digits may lie beside zeros: such a word does not look random.
    let around = source.available(run.offset - before as u64, before + len + 8);
    let Some(bytes) = around.get(before..before + len) else { return };
    for order in ORDERS {
        items.push(run.offset, bytes, order, false);
    }
    let leading = |word: Option<&[u8]>| word.and_then(|word| word.try_into().ok()).map_or(0, u64::from_le_bytes);
    let after = leading(around.get(before + len..));
    if after != 0 && after >> 40 == 0 {
        let orders = [Order::Little, PYTHON, TOM_MATH_64, TOM_MATH_32];
        orders.into_iter().for_each(|order| items.push(run.offset, &around[before..], order, false));
    }
    let first = leading(around.get(..before)).swap_bytes();
    if first != 0 && first >> 40 == 0 {
        items.push(run.offset - 8, &around[..before + len], Order::Big, false);
    }
}

/// Ends that are made of one run, at most.
const ENDS: usize = 40;

/// Whether a limb may be the lowest of a prime, a modulus or an exponent drawn at random: odd, and neither of the small
/// numbers of either sign that a product with anything is found for.
pub(super) fn may_end_a_number(limb: u64) -> bool {
    limb & 1 == 1 && limb >> 40 != 0 && !limb >> 40 != 0
}

fn low_at(end: End, limb: u64, place: u8, room: u64) -> Option<Low> {
    let fits = may_end_a_number(limb) && end.at >> OFFSET_BITS == 0;
    fits.then(|| Low { place: PlaceOfEnd::new(end, place, room), limb })
}

fn ends_of_run(run: &Run, source: &mut Source<'_>, lows: &mut Vec<Low>) {
    let room = run.words.min(MAX_LIMBS as u64);
    let mut put = |at: u64, order: Order, place: u8| {
        let end = End { at, order };
        lows.extend(low_at(end, source.low(end), place, room));
    };
    // A prime that is not aligned to words is looked for from 448 bits on: there are too many short runs.
    let wide = run.words >= 6;
    // Behind half a word, half a word of a header, a word, two words that look random.
    let places = [(0, 0), (-4, 1), (4, 2), (8, 3), (16, 4)];
    for (shift, place) in places.into_iter().take(if wide { 5 } else { 1 }) {
        let at = run.offset.saturating_add_signed(shift);
        put(at, Order::Little, place);
        if place <= 2 {
            [PYTHON, TOM_MATH_32].into_iter().for_each(|order| put(at, order, place));
        }
    }
    put(run.offset, TOM_MATH_64, 0);
    for shift in (-7i64..=7).filter(|shift| wide || *shift == 0) {
        put(run.end().saturating_add_signed(shift), Order::Big, u8::from(shift != 0));
    }
    for (shift, place) in [(0, 0), (-4, 1), (4, 2)].into_iter().take(if wide { 3 } else { 1 }) {
        put(run.end().saturating_add_signed(shift), Order::BigWords32, place);
    }
    put(run.end(), Order::BigWords64, 0);
}

#[cfg(test)]
mod tests {
    use super::super::tests::Random;
    use super::*;
    use crate::memory::Flat;
    use crate::search::Effort;
    use crate::survey::Number;

    #[test]
    fn a_run_that_is_a_number_of_a_structure_is_named() {
        let mut random = Random::new(180);
        let mut bytes = vec![0; 64];
        let mut offsets = Vec::new();
        for _ in 0..200 {
            offsets.push(bytes.len() as u64);
            let number = random.bytes(128);
            bytes.extend([&[number[0] | 1], &number[1..127], &[number[127] | 128], &[0; 32]].concat());
        }
        let memory = Flat::new(&bytes);
        let mut survey = crate::survey::survey(&memory, 1);
        let number = |offset: &u64| Number { offset: *offset, len: 128, order: Order::Little, structure: "a test" };
        survey.numbers = offsets.iter().map(number).collect();
        let context = Context { memory: &memory, survey: &survey, public: &[], jobs: 1, effort: Effort::Full };
        let items = Candidates::collect(&context).items;
        let there: Vec<&Item> = items.list.iter().filter(|i| i.len == 128 && i.order == Order::Little).collect();
        let named = there.iter().filter(|item| item.named && offsets.contains(&item.offset)).count();
        // A number with a limb of a kind that no number of a key has is left out.
        assert!(named >= 199 && there.len() == named, "{named} of {}", there.len());
    }
}
