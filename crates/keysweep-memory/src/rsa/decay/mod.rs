//! Keys of which many bits are wrong or lost, here and there: decayed memory, or several holes. The numbers of a key say the same in
//! five ways, and where the modulus is known they are rebuilt from below (`beam`).
//!
//! Where they may lie is told by what of a form is right: the headers of PKCS #1 (`layout`). A private exponent is known by its upper
//! half (`multiple`), even if a third of its bits are wrong, so that much is spent only where there is something.

mod beam;
mod group;
mod layout;
mod multiple;
mod noisy;
mod places;
mod reading;
mod relation;
mod solve;
#[cfg(test)]
mod tests;

use super::finder::Search;
use super::key::Exponent;
use super::natural::Natural;
use super::sieve::has_no_small_factor;
use crate::found::Place;
use crate::search::{Context, Effort};
use layout::{Layout, Shape, bytes_of};
use noisy::{Counts, Noisy};
use places::Form;
use solve::{Guess, Solved, Target};
use std::ops::Range;

/// The place of damaged numbers of a key that was rebuilt.
pub(super) struct Decayed {
    /// The modulus.
    pub(super) n: Natural,
    /// Where they lie, and what is wrong with them.
    pub(super) place: Place,
}

/// What a scan spends: next to nothing where nothing is sure to be a key, since every dump has places that look like one.
const SCAN: Budget = Budget { maybe: 1 << 17, likely: 2 << 20, surely: 64 << 20, own: MAX_OWN, looks: 1, glances: 200 };
/// What a hunt spends.
const HUNT: Budget =
    Budget { maybe: 16 << 20, likely: 512 << 20, surely: 512 << 20, own: MAX_OWN, looks: 64, glances: 16_000 };
/// Moduli of one size that are tried where nothing is left of the modulus.
const MAX_MODULI: usize = 8;
/// Ways in which numbers may lie that are tried where nothing tells which is right.
const MAX_UNSURE: usize = 2;
/// Bits of a modulus that tell whether it is another one, and by how many deviations it is the same.
const TELLING: u32 = 128;
const SIGNIFICANCE: f64 = 5.0;
/// The usual public exponent.
const USUAL: u64 = 65_537;
/// Most keys that are looked for whose modulus stands beside them only.
const MAX_OWN: usize = 8;

/// What may be spent.
pub(super) struct Budget {
    /// Candidates of a bit each, of some 30 ns, for what may be a key.
    maybe: u64,
    /// The same for what lies beside its modulus.
    likely: u64,
    /// The same for what is one by its private exponent.
    surely: u64,
    /// Keys whose modulus stands beside them only.
    own: usize,
    /// Numbers that are compared with all multiples of a modulus, of some 10 ms each.
    looks: usize,
    /// Numbers that are compared with those that their first bits suggest, of some 30 µs each.
    glances: usize,
}

/// A modulus that is looked for.
#[derive(Clone)]
struct Wanted {
    n: Natural,
    /// The same, its most significant byte first.
    bytes: Vec<u8>,
    e: u64,
}

impl Wanted {
    fn new(e: u64, n: Natural) -> Self {
        Self { bytes: n.to_be().to_vec(), n, e }
    }
}

impl Search<'_> {
    /// Rebuilds keys of which many bits are wrong or lost.
    pub(super) fn decay(&mut self) {
        let mut budget = Budget::of(self.context);
        let wanted = self.wanted();
        self.damaged_der(&wanted, &mut budget);
        self.damaged_numbers(&wanted, &mut budget);
    }

    /// The moduli whose key was not found.
    fn wanted(&self) -> Vec<Wanted> {
        let exponent = |n: &Natural| {
            let known = self.known.iter().find(|modulus| modulus.n == *n).and_then(|modulus| modulus.e.as_ref());
            known.map_or(Some(USUAL), |e| (e.bits() <= 32).then(|| e.low()))
        };
        let targets = self.targets();
        targets.into_iter().filter_map(|target| Some(Wanted::new(exponent(&target.n)?, target.n))).collect()
    }

    /// PKCS #1 whose headers are damaged, too.
    fn damaged_der(&mut self, wanted: &[Wanted], budget: &mut Budget) {
        let given = self.context.effort == Effort::Given;
        for form in places::forms(self.context, &shapes(wanted, given), wanted) {
            let moduli = self.moduli_of(&form, wanted, budget);
            for (wanted, counts) in moduli {
                if self.has(&wanted.n) {
                    continue;
                }
                let target = Target { n: &wanted.n, e: wanted.e, counts };
                let guesses = guesses(&target, &form, budget);
                if let Some((index, solved)) = self.rebuild(&target, guesses, budget) {
                    let layout = &form.layouts[index];
                    self.learn_decayed(&wanted, &solved, |_, secrets| vec![form.place(layout, secrets)]);
                    break;
                }
            }
        }
    }

    /// The moduli that a form may be of, with what is wrong with it there.
    fn moduli_of(&self, form: &Form, wanted: &[Wanted], budget: &mut Budget) -> Vec<(Wanted, Option<Counts>)> {
        let Some(layout) = form.layouts.first() else { return Vec::new() };
        let range = layout.modulus(form.shape.bits);
        let of_size = |wanted: &&Wanted| wanted.n.bits() == form.shape.bits && bytes_of(wanted.e) == form.shape.e;
        let counts = |wanted: &Wanted| form.reading.counts(range.start, &wanted.bytes);
        let mut moduli = Vec::new();
        let mut unknown = Vec::new();
        for wanted in wanted.iter().filter(of_size) {
            let counts = counts(wanted);
            match is_same(&counts) {
                Some(true) => moduli.push((wanted.clone(), Some(counts))),
                Some(false) => {}
                None => unknown.push((wanted.clone(), None)),
            }
        }
        unknown.truncate(MAX_MODULI);
        if moduli.is_empty() && unknown.is_empty() && self.context.effort != Effort::Given && budget.own > 0 {
            let whole = form.reading.there[range.clone()].iter().all(|there| *there);
            let n = Natural::from_be(&form.reading.bytes[range]);
            if whole && n.bits() == form.shape.bits && has_no_small_factor(n.limbs()) && !self.has(&n) {
                budget.own -= 1;
                moduli.push((Wanted::new(form.shape.e(), n), None));
            }
        }
        moduli.extend(unknown);
        moduli
    }

    /// Rebuilds a prime; with the index of the guess that was right. Where there is a private exponent, nothing else is tried. That
    /// shows that the numbers are those of the key; the modulus beside them is as often only that of a public key.
    fn rebuild(&mut self, target: &Target<'_>, guesses: Vec<Guess>, budget: &mut Budget) -> Option<(usize, Solved)> {
        let by_exponent = guesses.iter().any(|guess| guess.exponent.is_some());
        let given = self.context.effort == Effort::Given;
        let effort = match target.counts {
            _ if by_exponent => &mut budget.surely,
            Some(_) => &mut budget.likely,
            None => &mut budget.maybe,
        };
        let (indices, mut guesses): (Vec<usize>, Vec<Guess>) =
            guesses.into_iter().enumerate().filter(|(_, guess)| guess.exponent.is_some() == by_exponent).unzip();
        guesses.truncate(if by_exponent { guesses.len() } else { MAX_UNSURE });
        let solved = solve::solve(target, &guesses, effort);
        if solved.is_none() && by_exponent && given {
            self.limit("a damaged RSA private exponent of which too much is wrong or lost");
        }
        solved.map(|(index, solved)| (indices[index], solved))
    }

    fn learn_decayed(
        &mut self,
        wanted: &Wanted,
        solved: &Solved,
        places: impl Fn(&Context<'_>, &[(String, Natural)]) -> Vec<Place>,
    ) {
        let n = wanted.n.clone();
        if !self.learn_divisor(&n, &solved.p) && !self.has(&n) {
            return;
        }
        if let Some(key) = self.keys.iter_mut().find(|key| key.n == n && key.exponent == Exponent::Assumed)
            && solved.by_exponent
            && let Some(with) = key.with_exponent(&Natural::from(wanted.e), Exponent::Found)
        {
            *key = with;
        }
        let secrets = self.keys.iter().find(|key| key.n == n).map(|key| key.secrets());
        let places = secrets.map_or_else(Vec::new, |secrets| places(self.context, &secrets));
        self.decayed.extend(places.into_iter().map(|place| Decayed { place, n: n.clone() }));
    }
}

/// Whether a modulus is the one it was compared with, if enough of it is there to tell.
fn is_same(counts: &Counts) -> Option<bool> {
    (counts.all() >= TELLING).then(|| counts.significance() >= SIGNIFICANCE)
}

/// What a form's numbers may be. Layouts often differ in later numbers than the private exponent only.
fn guesses(target: &Target<'_>, form: &Form, budget: &mut Budget) -> Vec<Guess> {
    let mut known: Vec<(Range<usize>, Option<multiple::Exponent>)> = Vec::new();
    let guess = |layout: &Layout| {
        let numbers = layout.numbers(&form.reading);
        let seen = known.iter().find(|(range, _)| *range == *layout.exponent_range()).map(|(_, exponent)| *exponent);
        let exponent = seen.unwrap_or_else(|| {
            let exponent = numbers.d.as_ref().and_then(|d| budget.exponent(target, d));
            known.push((layout.exponent_range().clone(), exponent));
            exponent
        });
        Guess { numbers, exponent }
    };
    form.layouts.iter().map(guess).collect()
}

impl Budget {
    fn of(context: &Context<'_>) -> Self {
        let bytes = context.bytes();
        match context.effort {
            Effort::Given => HUNT,
            Effort::Full => SCAN,
            // A folder may be full of files that are made to cost this: some 10 ms for a small one, if a private exponent is there.
            Effort::Quick | Effort::Written { .. } => Budget {
                maybe: SCAN.maybe.min((1 << 13) + bytes / 4),
                likely: SCAN.likely.min((1 << 16) + bytes),
                surely: SCAN.surely.min((1 << 18) + bytes),
                looks: if bytes < 4 << 20 { 0 } else { SCAN.looks },
                glances: SCAN.glances.min(8 + bytes as usize / 4096),
                ..SCAN
            },
        }
    }

    /// What `d` is, if it is the private exponent.
    fn exponent(&mut self, target: &Target<'_>, d: &Noisy) -> Option<multiple::Exponent> {
        self.glances = self.glances.checked_sub(1)?;
        multiple::exponent_by_top(target.n, target.e, d).or_else(|| {
            let cost = (target.n.bits() as usize).div_ceil(2048);
            self.looks = self.looks.checked_sub(cost)?;
            multiple::exponent(target.n, target.e, d)
        })
    }
}

/// The shapes of the keys that are looked for; of usual ones, too, unless keys are given.
fn shapes(wanted: &[Wanted], given: bool) -> Vec<Shape> {
    let usual = [2048, 3072, 4096, 1024].map(|bits| (bits, USUAL));
    let usual = usual.into_iter().filter(|_| !given);
    let all = wanted.iter().map(|wanted| (wanted.n.bits(), wanted.e)).chain(usual);
    let mut shapes: Vec<Shape> = Vec::new();
    for shape in all.filter_map(|(bits, e)| Shape::new(bits, &bytes_of(e))) {
        if !shapes.contains(&shape) {
            shapes.push(shape);
        }
    }
    shapes
}
