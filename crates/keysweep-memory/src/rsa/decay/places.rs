//! Where damaged forms lie.

use super::layout::{Anchor, BEFORE, Layout, Shape, TOLERATED, TOLERATED_GIVEN};
use super::noisy::Noisy;
use super::reading::Reading;
use super::{Wanted, is_same};
use crate::found::Place;
use crate::memory::{Chunk, sweep};
use crate::rsa::natural::Natural;
use crate::search::{Context, Effort};
use crate::stretch::in_order;
use crate::survey::Run;
use zeroize::Zeroizing;

/// A damaged RSAPrivateKey, or what looks like one.
pub(super) struct Form {
    pub(super) reading: Reading,
    pub(super) shape: Shape,
    /// How the numbers may lie, the likeliest first.
    pub(super) layouts: Vec<Layout>,
}

/// Bytes of runs that are looked at in a search that has no key given, and bytes of one run.
const MAX_BYTES: u64 = 4 << 20;
const MAX_RUN: u64 = 16 << 10;
/// Words of the shortest run that is looked at, and bytes around it.
const MIN_WORDS: u64 = 6;
const AROUND: u64 = 16;
/// Moduli by whose bytes keys are looked for.
const MAX_MODULI: usize = 4;
/// Forms that are tried, if no key is given and if one is, and how many times as many places are looked at, of some 15 µs each.
const MAX_FORMS: usize = 20;
const MAX_GIVEN: usize = 2_000;
const HITS: usize = 20;
/// Places that are kept of a thread: those of which the fewest bits are wrong.
const MAX_HITS: usize = 1 << 16;
/// Runs that are looked at together.
const BATCH: usize = 256;

/// How many bits of an anchor are wrong, where it seems to be, and its index.
type Hit = (u32, u64, usize);

/// The forms that fit, those first of whose headers the most is right.
pub(super) fn forms(context: &Context<'_>, shapes: &[Shape], wanted: &[Wanted]) -> Vec<Form> {
    let mut anchors: Vec<Anchor> = Vec::new();
    let primes = shapes.iter().filter(|shape| wanted.iter().any(|wanted| wanted.n.bits() == shape.bits));
    for anchor in shapes.iter().map(Shape::by_exponent).chain(primes.map(Shape::by_primes)) {
        if !anchors.contains(&anchor) {
            anchors.push(anchor);
        }
    }
    let by_modulus = anchors.len();
    for wanted in wanted.iter().take(MAX_MODULI) {
        anchors.extend(Shape::by_modulus(&wanted.bytes));
    }
    let hits = match context.effort {
        Effort::Given => hits_anywhere(context, &anchors),
        _ => hits_in_runs(context, &anchors),
    };
    let most = if context.effort == Effort::Given { MAX_GIVEN } else { MAX_FORMS };
    let mut forms: Vec<Form> = Vec::new();
    let len = |shape: &Shape| BEFORE as usize + shape.len() + shape.bits as usize / 8;
    let longest = shapes.iter().map(len).max().unwrap_or(0);
    for (_, at, index) in hits.into_iter().take(HITS * most) {
        let anchor = anchors[index];
        let modulus = index.checked_sub(by_modulus).map(|index| wanted[index / 2].n.bits());
        let mut shapes: Vec<&Shape> =
            shapes.iter().filter(|shape| modulus.map_or(shape.has(anchor), |bits| bits == shape.bits)).collect();
        if context.effort == Effort::Given {
            shapes.retain(|shape| may_be_of_any(context, wanted, shape, anchor, at));
        }
        if shapes.is_empty() {
            continue;
        }
        let (reading, at) = Reading::around(context.memory, at, BEFORE as usize, longest);
        for shape in shapes {
            let layouts = shape.layouts(&reading, anchor, at);
            if layouts.first().is_some_and(|layout| layout.is_enough(&reading)) {
                forms.push(Form { reading: reading.clone(), shape: shape.clone(), layouts });
            }
        }
    }
    // The same again by another anchor.
    forms.sort_by_key(|form| (form.shape.bits, form.exponent(), form.layouts[0].doubt()));
    forms.dedup_by_key(|form| (form.shape.bits, form.exponent()));
    forms.sort_by_key(|form| form.layouts[0].doubt());
    forms.truncate(most);
    forms
}

/// Whether what lies before the public exponent may be one of the moduli: most often it is neither one nor lost.
fn may_be_of_any(context: &Context<'_>, wanted: &[Wanted], shape: &Shape, anchor: Anchor, at: u64) -> bool {
    let len = shape.bits as usize / 8;
    // Behind most anchors the exponent is at one place, whatever its header.
    let mut distances = shape.exponents(anchor).to_vec();
    distances.dedup();
    distances.iter().any(|distance| {
        let Some(exponent) = at.checked_add_signed(*distance) else { return false };
        let (reading, there) = Reading::around(context.memory, exponent, len, len);
        let of_size = |wanted: &&Wanted| wanted.n.bits() == shape.bits;
        let same = |wanted: &Wanted| is_same(&reading.counts(0, &wanted.bytes));
        there == len && wanted.iter().filter(of_size).any(|wanted| same(wanted) != Some(false))
    })
}

/// The places of a thread of which the fewest bits are wrong.
#[derive(Default)]
struct Hits {
    all: Vec<Hit>,
    /// How many bits are wrong at the worst of those that were kept when there were too many.
    worst: Option<u32>,
}

impl Hits {
    fn push(&mut self, hit: Hit) {
        if self.worst.is_some_and(|worst| worst <= hit.0) {
            return;
        }
        self.all.push(hit);
        // Twice as many as are kept, so that they are not sorted often.
        if self.all.len() >= 2 * MAX_HITS {
            self.all.sort_unstable();
            self.all.truncate(MAX_HITS);
            self.worst = self.all.last().map(|hit| hit.0);
        }
    }
}

fn find(chunk: &Chunk<'_>, anchors: &[Anchor], tolerated: u32, hits: &mut Hits) {
    let (bytes, own) = (chunk.bytes, &chunk.own);
    for (index, anchor) in anchors.iter().enumerate() {
        let to = bytes.len().min(own.end + anchor.len() - 1);
        anchor.find(&bytes[own.start..to], tolerated, |at, wrong| {
            hits.push((wrong, chunk.offset + (own.start + at) as u64, index));
        });
    }
}

fn hits_anywhere(context: &Context<'_>, anchors: &[Anchor]) -> Vec<Hit> {
    let parts = sweep(context.memory, context.jobs, Hits::default, |hits, chunk| {
        find(chunk, anchors, TOLERATED_GIVEN, hits);
    });
    let mut hits: Vec<Hit> = parts.into_iter().flat_map(|hits| hits.all).collect();
    hits.sort_unstable();
    hits
}

fn hits_in_runs(context: &Context<'_>, anchors: &[Anchor]) -> Vec<Hit> {
    let most = context.allowance(MAX_BYTES, 4);
    let mut left = most;
    let fits = |run: &&Run| {
        let len = 8 * run.words;
        let fits = run.words >= MIN_WORDS && len <= MAX_RUN && len <= left;
        left -= if fits { len } else { 0 };
        fits
    };
    let runs: Vec<Run> = context.survey.open_runs().iter().filter(fits).copied().collect();
    let batches: Vec<&[Run]> = runs.chunks(BATCH).collect();
    let parts = in_order(batches.len(), context.jobs, |batch| {
        let mut hits = Hits::default();
        let longest = anchors.iter().map(Anchor::len).max().unwrap_or(0);
        let mut buffer = Zeroizing::new(vec![0; (MAX_RUN + 2 * AROUND) as usize + longest]);
        for run in batches[batch] {
            let from = run.offset.saturating_sub(AROUND);
            let own = (run.end() + AROUND - from) as usize;
            let read = context.memory.read_at(from, &mut buffer[..own + longest]);
            let chunk = Chunk { bytes: &buffer[..read], own: 0..own.min(read), offset: from };
            find(&chunk, anchors, TOLERATED, &mut hits);
        }
        Some(hits.all)
    });
    let mut hits: Vec<Hit> = parts.into_iter().flat_map(|(_, hits)| hits).collect();
    hits.sort_unstable();
    hits
}

impl Form {
    /// Where in the file the public exponent is.
    fn exponent(&self) -> u64 {
        self.reading.offset + self.layouts.first().map_or(0, |layout| layout.exponent) as u64
    }

    /// Where it lies with a layout, and what is wrong with it, given the numbers of the key.
    pub(super) fn place(&self, layout: &Layout, secrets: &[(String, Natural)]) -> Place {
        let numbers = layout.numbers(&self.reading);
        let least = |number: &Noisy| secrets.iter().map(|(_, right)| number.wrong(right.limbs())).min().unwrap_or(0);
        let wrong = numbers.all().map(least).sum();
        let range = layout.modulus(self.shape.bits).start..layout.end();
        let lost = self.reading.there[range.clone()].iter().filter(|there| !**there).count();
        Place {
            offset: self.reading.offset + range.start as u64,
            len: range.len() as u64,
            what: format!("PKCS#1 DER, damaged{}", damage(wrong, lost)),
        }
    }
}

/// What is wrong with numbers, in words.
pub(super) fn damage(wrong: u32, lost: usize) -> String {
    let count = |count: usize, unit: &str, state: &str| match count {
        0 => String::new(),
        1 => format!(", 1 {unit} {state}"),
        _ => format!(", {count} {unit}s {state}"),
    };
    format!("{}{}", count(wrong as usize, "bit", "wrong"), count(lost, "byte", "lost"))
}
