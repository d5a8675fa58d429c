//! Where a prime may lie of which an end is lost. Nothing tells the rest of it from other random bytes but the lattice, which is
//! dear: so places come in the order of how much they look like one.

use super::super::source::Source;
use crate::order::Order;
use crate::search::Context;
use crate::survey::Run;

/// The end of a prime that is still there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Side {
    /// The most significant one.
    Top,
    /// The least significant one.
    Low,
}

/// What speaks for a place, the most first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rank {
    /// It is the memory of a chunk of glibc's `malloc` behind its header, or is cut off by a page that is not there.
    Shape,
    /// A run about as long as a prime begins or ends there.
    Length,
    /// A longer run begins or ends there.
    Edge,
    /// It is inside of a run.
    Inside,
}

/// Where a prime may lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Window {
    pub(super) rank: Rank,
    /// Offset in the file of its first byte, whether it is there or lost.
    pub(super) from: u64,
    /// How it lies: as limbs, or as bytes with the most significant one first.
    pub(super) order: Order,
    pub(super) side: Side,
    /// Bytes from that end on that look random.
    pub(super) known: u32,
}

/// Bytes of a prime as it lies in memory.
pub(super) fn length(order: Order, bits: u32) -> u64 {
    match order {
        Order::Big => bits.div_ceil(8).into(),
        _ => 8 * u64::from(bits.div_ceil(64)),
    }
}

/// Words that a chunk that is free loses at its start: links to others of its size, and to other sizes (`malloc_chunk` of glibc's
/// `malloc.c`). Words that hold such links do not look random, as a rule.
const LINKS: u64 = 4;
const PAGE: u64 = 4096;
/// Places that are kept until it is known what speaks for them.
const MAX_WINDOWS: usize = 1 << 20;

/// The places for primes of so many bits of which at least `least` bytes are there: up to `most`, those inside of runs only if
/// that is wanted. In the order of what speaks for them.
pub(super) fn windows(context: &Context<'_>, bits: u32, least: u32, inside: bool, most: usize) -> Vec<Window> {
    let mut found = Found { bits, least, windows: Vec::new() };
    let mut source = Source::new(context.memory);
    let runs = || context.survey.runs.iter().filter(|run| 8 * run.words + 8 >= u64::from(least));
    for run in runs() {
        found.shapes(context, run, &mut source);
        found.ends(run);
    }
    found.settle();
    if inside {
        for run in runs() {
            found.unaligned(run);
            found.inside(run, most.saturating_sub(found.windows.len()));
        }
        found.settle();
    }
    found.windows.truncate(most);
    found.windows
}

struct Found {
    bits: u32,
    least: u32,
    windows: Vec<Window>,
}

impl Found {
    /// A place, if enough of it is in the run.
    fn put(&mut self, run: &Run, rank: Rank, from: Option<u64>, order: Order, side: Side) {
        let Some(from) = from.filter(|_| self.windows.len() < MAX_WINDOWS) else { return };
        let to = from + length(order, self.bits);
        // The end that is there is the first byte of the window, or the last one. It need not look random.
        let first = (order == Order::Big) == (side == Side::Top);
        let known = if first && from + 8 >= run.offset {
            run.end().min(to).checked_sub(from)
        } else if !first && to <= run.end() + 8 {
            to.checked_sub(run.offset.max(from))
        } else {
            None
        };
        let known = known.and_then(|known| u32::try_from(known).ok()).filter(|known| *known >= self.least);
        self.windows.extend(known.map(|known| Window { rank, from, order, side, known }));
    }

    /// A place that ends there, but for what of it is lost.
    fn put_before(&mut self, run: &Run, rank: Rank, to: u64, order: Order, side: Side) {
        self.put(run, rank, to.checked_sub(length(order, self.bits)), order, side);
    }

    /// What begins and ends with a run: in limbs, one that is left of something else may follow or precede.
    fn ends(&mut self, run: &Run) {
        let about = 8 * run.words <= length(Order::Little, self.bits) + 24;
        let rank = if about { Rank::Length } else { Rank::Edge };
        for beside in [0, 8] {
            self.put_before(run, rank, run.end() - beside, Order::Little, Side::Top);
            self.put(run, rank, Some(run.offset + beside), Order::Little, Side::Low);
        }
        self.put_before(run, rank, run.end(), Order::Big, Side::Low);
        self.put(run, rank, Some(run.offset), Order::Big, Side::Top);
    }

    /// What has the shape of a chunk of memory, or is cut off by the end of a page.
    fn shapes(&mut self, context: &Context<'_>, run: &Run, source: &mut Source<'_>) {
        let address = |offset: u64| context.memory.address_of(offset).unwrap_or(offset);
        let before = (8 * (LINKS + 2)).min(run.offset);
        let words = source.available(run.offset - before, before as usize).as_chunks::<8>().0;
        let headers: Vec<u64> = words
            .iter()
            .zip((run.offset - before..).step_by(8))
            .filter(|(word, at)| self.is_header(u64::from_le_bytes(**word)) && address(*at) % 16 == 8)
            .map(|(_, at)| at + 8)
            .collect();
        for start in headers {
            self.put(run, Rank::Shape, Some(start), Order::Little, Side::Top);
            self.put(run, Rank::Shape, Some(start), Order::Little, Side::Low);
            self.put(run, Rank::Shape, Some(start), Order::Big, Side::Low);
            self.put(run, Rank::Shape, Some(start), Order::Big, Side::Top);
        }
        let is_nothing = |bytes: &[u8]| bytes.iter().all(|byte| *byte == 0);
        if address(run.end()).is_multiple_of(PAGE) && is_nothing(source.available(run.end(), 64)) {
            for beside in [0, 8, 16] {
                self.put(run, Rank::Shape, Some(run.offset + beside), Order::Little, Side::Low);
                self.put(run, Rank::Shape, Some(run.offset + beside), Order::Big, Side::Top);
            }
        }
        if address(run.offset).is_multiple_of(PAGE)
            && run.offset.checked_sub(64).is_none_or(|from| is_nothing(source.available(from, 64)))
        {
            for beside in [0, 8, 16] {
                self.put_before(run, Rank::Shape, run.end() - beside, Order::Little, Side::Top);
                self.put_before(run, Rank::Shape, run.end() - beside, Order::Big, Side::Low);
            }
        }
    }

    /// Whether a word is the size of a chunk that may have been allocated for such a prime, with its flags.
    fn is_header(&self, word: u64) -> bool {
        let (size, len) = (word & !7, length(Order::Little, self.bits));
        size.is_multiple_of(16) && size >= len + 8 && size <= 3 * len
    }

    /// Byte strings that begin or end within a word.
    fn unaligned(&mut self, run: &Run) {
        if 8 * run.words > length(Order::Little, self.bits) + 24 {
            return;
        }
        for shift in (-7..=7).filter(|shift| *shift != 0) {
            self.put(run, Rank::Edge, run.offset.checked_add_signed(shift), Order::Big, Side::Top);
            let to = run.end().saturating_add_signed(shift);
            self.put_before(run, Rank::Edge, to, Order::Big, Side::Low);
        }
    }

    /// What lies at multiples of 8 inside of a run.
    fn inside(&mut self, run: &Run, most: usize) {
        let until = self.windows.len() + most;
        for at in (run.offset..=run.end()).step_by(8) {
            if self.windows.len() >= until {
                return;
            }
            for (order, side) in [(Order::Little, Side::Top), (Order::Little, Side::Low), (Order::Big, Side::Low)] {
                self.put(run, Rank::Inside, at.checked_sub(self.lost(order)), order, side);
            }
        }
    }

    /// Bytes that may be lost at the start of a window, in whole words.
    fn lost(&self, order: Order) -> u64 {
        length(order, self.bits).saturating_sub(self.least.into()).next_multiple_of(8)
    }

    /// Each place once, as what speaks for it most; in order.
    fn settle(&mut self) {
        let place = |window: &Window| (window.from, window.order, window.side);
        self.windows.sort_unstable_by_key(|window| (place(window), window.rank));
        self.windows.dedup_by_key(|window| place(window));
        self.windows.sort_unstable();
    }
}
