//! Private keys of elliptic curves: P-256, P-384, P-521, secp256k1, brainpool, Ed25519, X25519, Ed448, X448.
//!
//! A private key of a curve is nothing but random bytes. What shows it is its public key, which lies somewhere in the same
//! dump, in one of many forms, or is known from a certificate. So:
//!
//! 1. [`evidence`]: which curves the process uses; [`apart`]: of points whose coordinates do not lie side by side; [`projective`]: of those that
//!    have three;
//! 2. [`window`], [`reading`]: where private keys may begin, and how bytes are read as one;
//! 3. [`guess`]: the public keys of all of these, in batches ([`crate::curve`]);
//! 4. [`trace`]: one search for all forms of all of these public keys; [`seen`]: those that this search cannot meet;
//! 5. [`report`], [`lifetime`], [`signature`]: proof, places, and whether the key lives longer than a handshake or a signature.

mod apart;
mod evidence;
mod guess;
mod lifetime;
mod projective;
pub(crate) mod reading;
mod report;
mod seen;
mod signature;
#[cfg(test)]
mod tests;
mod trace;
mod window;

use crate::curve::{Group, Multiplier};
use crate::order::Order;
use crate::search::{Context, Finder, Outcome};
use crate::stretch::stretches;
use crate::structure::View;
use crate::survey::Looks;
use evidence::Evidence;
use guess::Pass;
use keysweep_keys::{Algorithm, PublicKey};
use reading::Reading;
use seen::{Point, Points};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Mutex;
use trace::{Coordinate, Form, Present, Traces};
use zeroize::Zeroizing;

/// Finds private keys of elliptic curves.
pub(crate) struct Elliptic;

impl Finder for Elliptic {
    fn rules(&self) -> &'static [&'static str] {
        report::RULES
    }

    fn may_find(&self, algorithm: &Algorithm) -> bool {
        matches!(
            algorithm,
            Algorithm::Ec(_) | Algorithm::Ed25519 | Algorithm::X25519 | Algorithm::Ed448 | Algorithm::X448
        )
    }

    fn spot(&self, view: &View<'_>, looks: &Looks, spots: &mut Vec<u64>) {
        evidence::spot(view, looks, spots);
    }

    fn find(&self, context: &Context<'_>, spots: &[u64], outcome: &mut Outcome) {
        let stretches = stretches(&context.survey.runs);
        let mut points = Points::collect(context);
        let mut evidence = Evidence::collect(context, &stretches, spots);
        evidence.curves.extend(points.curves());
        let projective = projective::points(context);
        for curve in projective.iter().map(|point| point.curve) {
            evidence.curves.insert(curve);
            evidence.points.insert(curve);
        }
        points.extend(projective);
        let (passes, overflow) = guess::plan(context, &stretches, &evidence);
        if overflow {
            outcome.limits.push("more numbers that may be private keys of elliptic curves than are tried");
        }
        let known = Known::new(context.public);
        let (hits, met) = (Mutex::new(Vec::new()), Mutex::new(Vec::new()));
        let mut suspects = Suspects::default();
        let mut multipliers = BTreeMap::new();
        for round in guess::rounds(&passes) {
            let each = |traces: &mut Traces, pass: &Pass, guess, prefix, first: &[u64], second: &[u64]| {
                if prefix != 0 {
                    traces.add_word(guess, prefix);
                }
                for (coordinate, value) in coordinates(pass.group, pass.reading, first, second) {
                    traces.add(guess, guess::forms(pass.group), value, second[0]);
                    if let (Some(public), Ok(mut hits)) = (known.find(pass.group, coordinate, value), hits.lock()) {
                        hits.push((guess, public));
                    }
                    if let (Some(point), Ok(mut met)) = (points.find(pass.group, value), met.lock()) {
                        met.push((guess, point));
                    }
                }
            };
            let traces = guess::derive(context, &passes, &round, &mut multipliers, each);
            for hit in traces.find(context.memory, &stretches, context.jobs) {
                suspects.add(hit);
            }
        }
        drop(multipliers);
        for (guess, public) in hits.into_inner().unwrap_or_default() {
            suspects.guesses.entry(guess).or_default().known = Some(&context.public[public]);
        }
        for (guess, point) in met.into_inner().unwrap_or_default() {
            suspects.guesses.entry(guess).or_default().seen = Some(point);
        }
        let keys = suspects.confirm(context, &passes);
        report::report(context, keys, outcome);
    }
}

/// The coordinates by which the public key of a private key that is read so may be known. What a guess derives are the `first`
/// and `second` of [`crate::curve::Derived`].
fn coordinates<'a>(
    group: Group,
    reading: Reading,
    first: &'a [u64],
    second: &'a [u64],
) -> impl Iterator<Item = (Coordinate, &'a [u64])> {
    let edwards = Some((Coordinate::Edwards, first));
    let montgomery = Some((Coordinate::Montgomery, second));
    let known = match (group, reading) {
        (Group::Ec(_), _) => [Some((Coordinate::X, first)), None],
        (_, Reading::Seed | Reading::Reduced) => [edwards, None],
        // No library holds the scalar of Ed448 without its seed.
        (Group::Edwards448, _) | (_, Reading::ClampedReversed) => [montgomery, None],
        _ => [edwards, montgomery],
    };
    known.into_iter().flatten()
}

/// Public keys that are known beforehand, by the lowest limb of a coordinate.
struct Known(HashMap<(Group, Coordinate, u64), usize>);

impl Known {
    fn new(public: &[PublicKey]) -> Self {
        let entry = |(index, key): (usize, &PublicKey)| {
            let (group, coordinate, big) = match key.algorithm {
                Algorithm::Ec(curve) => {
                    (Group::Ec(curve), Coordinate::X, key.value.get(1..=curve.field_bytes())?.to_vec())
                }
                Algorithm::Ed25519 => (Group::Curve25519, Coordinate::Edwards, reversed(&key.value)),
                Algorithm::X25519 => (Group::Curve25519, Coordinate::Montgomery, reversed(&key.value)),
                Algorithm::Ed448 => (Group::Edwards448, Coordinate::Edwards, reversed(key.value.get(..56)?)),
                Algorithm::X448 => (Group::Edwards448, Coordinate::Montgomery, reversed(&key.value)),
                _ => return None,
            };
            Some(((group, coordinate, *trace::limbs_of(group, &big).first()?), index))
        };
        Self(public.iter().enumerate().filter_map(entry).collect())
    }

    fn find(&self, group: Group, coordinate: Coordinate, value: &[u64]) -> Option<usize> {
        if self.0.is_empty() {
            return None;
        }
        self.0.get(&(group, coordinate, *value.first()?)).copied()
    }
}

fn reversed(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().rev().copied().collect()
}

/// Guesses whose public key may be there.
#[derive(Default)]
struct Suspects<'a> {
    guesses: BTreeMap<u32, Suspect<'a>>,
}

#[derive(Default)]
struct Suspect<'a> {
    known: Option<&'a PublicKey>,
    seen: Option<&'a Point>,
    hits: BTreeSet<u64>,
}

impl Suspect<'_> {
    /// Where the second half of the hash of a seed lies, if the window is one of Ed25519.
    fn prefix(&self, context: &Context<'_>, pass: &Pass, window: &[u8]) -> Vec<Present> {
        if !pass.reading.has_prefix(pass.group) {
            return Vec::new();
        }
        let hash = reading::seed_hash(window);
        let prefix = reading::prefix(&hash);
        let present = |offset: &u64| {
            let there = context.memory.bytes(*offset, prefix.len())?;
            let (coordinate, form) = (Coordinate::Prefix, Form::Plain(Order::Big));
            (*there == prefix).then_some(Present { coordinate, form, offset: *offset, len: prefix.len() })
        };
        self.hits.iter().filter_map(present).collect()
    }
}

/// Places of one public key that are looked at.
const MAX_HITS: usize = 256;
/// Guesses that are looked at.
const MAX_SUSPECTS: usize = 20_000;

impl<'a> Suspects<'a> {
    fn add(&mut self, hit: trace::Hit) {
        if self.guesses.len() >= MAX_SUSPECTS && !self.guesses.contains_key(&hit.guess) {
            return;
        }
        let suspect = self.guesses.entry(hit.guess).or_default();
        if suspect.hits.len() < MAX_HITS {
            suspect.hits.insert(hit.offset);
        }
    }

    /// Compares whole coordinates.
    fn confirm(self, context: &Context<'_>, passes: &[Pass]) -> Vec<report::Candidate<'a>> {
        let mut candidates = Vec::new();
        let mut multipliers: BTreeMap<Group, Multiplier> = BTreeMap::new();
        for (guess, suspect) in self.guesses {
            let place = guess::parts(passes, guess).and_then(|(pass, index)| Some((pass, *pass.offsets.get(index)?)));
            let Some((pass, offset)) = place else { continue };
            let Some(window) = context.memory.bytes(offset, pass.len) else { continue };
            let mut scalar = Zeroizing::new(Vec::new());
            if !pass.reading.scalar(pass.group, &window, &mut scalar) {
                continue;
            }
            let multiplier = multipliers.entry(pass.group).or_insert_with(|| Multiplier::new(pass.group, 1));
            let derived = multiplier.derive(&scalar);
            for (coordinate, value) in coordinates(pass.group, pass.reading, &derived.first, &derived.second) {
                let confirm = |hit: &u64| trace::confirm(context.memory, pass.group, coordinate, value, *hit);
                let seen = suspect.seen.filter(|point| pass.group == Group::Ec(point.curve) && point.x == *value);
                let mut present: Vec<Present> = suspect.hits.iter().filter_map(confirm).collect();
                present.extend(seen.map(|point| point.present.clone()));
                let known = suspect.known.filter(|key| report::is_of(key, pass.group, coordinate));
                if !present.is_empty() || known.is_some() {
                    candidates.push(report::Candidate {
                        group: pass.group,
                        reading: pass.reading,
                        coordinate,
                        window: window.clone(),
                        scalar: scalar.clone(),
                        offset,
                        present,
                        known,
                        seen,
                    });
                }
            }
            let prefix = suspect.prefix(context, pass, &window);
            if !prefix.is_empty() {
                let (coordinate, present) = (Coordinate::Edwards, prefix);
                let (group, reading, known, seen) = (pass.group, pass.reading, None, None);
                let candidate =
                    report::Candidate { group, reading, coordinate, window, scalar, offset, present, known, seen };
                candidates.push(candidate);
            }
        }
        projective::drop_parts(&mut candidates);
        candidates
    }
}
