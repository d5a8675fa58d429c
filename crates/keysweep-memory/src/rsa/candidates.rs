//! What may be a number of a key: numbers with known bounds, and ends of numbers of unknown length.

use super::key::MIN_MODULUS_BITS;
use super::limbs::MAX_LIMBS;
use super::source::{End, Source, all_limbs};
use crate::order::{Order, PYTHON, TOM_MATH_32, TOM_MATH_64};
use crate::search::Context;
use crate::survey::Run;
use std::ops::Range;
use std::sync::Arc;
use zeroize::{Zeroize, Zeroizing};

/// Smallest prime of a key that is looked for, in bits.
pub(super) const MIN_PRIME_BITS: u32 = 192;
/// Numbers that are kept, and limbs of all of them.
const MAX_ITEMS: usize = 400_000;
const MAX_ITEM_LIMBS: usize = 8 << 20;
/// Ends that are kept.
const MAX_ENDS: usize = 4 << 20;
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
            limbs: from..self.limbs.len(),
        });
    }
}

/// Least significant limbs of numbers, so that those that may belong to one key are neighbours: by order, then by how they
/// lie to the words around them, then by offset.
#[derive(Default)]
pub(super) struct Ends {
    pub(super) lows: Zeroizing<Vec<u64>>,
    pub(super) list: Vec<End>,
    /// Words that a number may have there.
    room: Vec<u16>,
}

impl Ends {
    /// The ends in `lows`, which are sorted; those of numbers and runs only, unless `wide`.
    fn new(lows: &[Low], wide: bool) -> Self {
        let chosen = || lows.iter().filter(|low| wide || low.place == 0);
        let count = chosen().count();
        let mut limbs = Zeroizing::new(Vec::with_capacity(count));
        limbs.extend(chosen().map(|low| low.limb));
        Self { lows: limbs, list: chosen().map(|low| low.end).collect(), room: chosen().map(|low| low.room).collect() }
    }

    /// Ends inside of runs.
    pub(super) fn inside(lows: Zeroizing<Vec<u64>>, list: Vec<End>) -> Self {
        let room = vec![MAX_LIMBS as u16; list.len()];
        Self { lows, list, room }
    }

    /// What may be a modulus.
    pub(super) fn moduli(&self) -> impl Iterator<Item = (u64, End)> {
        let large = |room: u16| u32::from(room) >= MIN_MODULUS_BITS / 64;
        let all = self.lows.iter().copied().zip(self.list.iter().copied());
        all.zip(&self.room).filter(move |(_, room)| large(**room)).map(|(end, _)| end)
    }
}

/// The least significant limb of a number that may end at a place.
#[derive(Clone, Copy)]
struct Low {
    end: End,
    limb: u64,
    /// How it lies to the words around it: numbers of one key mostly lie alike.
    place: u8,
    /// Words that the number may have.
    room: u16,
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
    /// Ends of these, and of runs.
    pub(super) ends: Arc<Ends>,
    /// Ends a few bytes beside those of runs as well: behind headers, in the middle of words.
    pub(super) wide: Arc<Ends>,
    /// Whether there were more than are kept.
    pub(super) overflow: bool,
}

impl Candidates {
    pub(super) fn collect(context: &Context<'_>) -> Self {
        let mut source = Source::new(context.memory);
        let (numbers, runs) = (&context.survey.numbers, &context.survey.runs);
        // Room for all, so that no secret is left behind in memory that was grown out of.
        let limbs: usize = numbers.iter().map(|n| n.len as usize / 8 + 2).sum();
        let lone = |run: &&Run| run.words <= LONGEST;
        let limbs =
            limbs + runs.iter().filter(lone).map(|run| (ORDERS.len() + 4) * (run.words as usize + 3)).sum::<usize>();
        let mut items =
            Items { limbs: Zeroizing::new(Vec::with_capacity(limbs.min(MAX_ITEM_LIMBS))), ..Items::default() };
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
        for run in runs.iter().filter(lone) {
            lone_run(run, &mut source, &mut items);
        }
        let room = (ENDS * runs.len()).min(MAX_ENDS) + ENDS + items.list.len();
        let mut lows = Zeroizing::new(Vec::with_capacity(room));
        let full = runs.iter().any(|run| {
            ends_of_run(run, &mut source, &mut lows);
            lows.len() >= MAX_ENDS
        });
        items.list.sort_unstable_by_key(|item| (item.offset, item.len, item.order));
        items.list.dedup_by_key(|item| (item.offset, item.len, item.order));
        let low = |i: &Item| Low {
            end: End::of(i.offset, i.len.into(), i.order),
            limb: items.limbs(i)[0],
            place: 0,
            room: items.limbs(i).len() as u16,
        };
        lows.extend(items.list.iter().map(low).filter(|low| may_end_a_number(low.limb)));
        lows.sort_unstable_by_key(|low| (low.end.order, low.place, low.end.at, std::cmp::Reverse(low.room)));
        lows.dedup_by_key(|low| (low.end, low.place));
        let overflow = items.overflow || full;
        Self { items, ends: Arc::new(Ends::new(&lows, false)), wide: Arc::new(Ends::new(&lows, true)), overflow }
    }
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

fn ends_of_run(run: &Run, source: &mut Source<'_>, lows: &mut Vec<Low>) {
    let room = run.words.min(MAX_LIMBS as u64) as u16;
    let mut put = |at: u64, order: Order, place: u8| {
        let end = End { at, order };
        let limb = source.low(end);
        if may_end_a_number(limb) {
            lows.push(Low { end, limb, place, room });
        }
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
