//! The search itself: what is tried in which order, and within which bounds.

use super::assemble;
use super::candidates::{Candidates, Ends, PlaceOfEnd};
use super::decay::Decayed;
use super::join::{self, Hits};
use super::key::{Exponent, Key};
use super::limbs::MAX_LIMBS;
use super::lows::Lows;
use super::natural::Natural;
use super::partial::Remains;
use super::primes::Primes;
use super::report;
use super::source::{End, Source};
use crate::anchors::is_anchor;
use crate::found::Found;
use crate::search::{Context, Effort};
use keysweep_keys::{Algorithm, PublicKey};
use std::collections::HashMap;
use zeroize::Zeroizing;

/// A modulus that is known to be one.
#[derive(Clone)]
pub(super) struct Modulus {
    pub(super) n: Natural,
    pub(super) e: Option<Natural>,
}

/// What a product may be.
pub(super) enum Target {
    /// Something in the dump.
    End(End),
    /// A known modulus, by its index.
    Known(usize),
}

/// What products may be: places in the dump, then known moduli.
pub(super) struct Targets {
    places: Vec<PlaceOfEnd>,
    known: usize,
}

impl Targets {
    pub(super) fn get(&self, index: usize) -> Option<Target> {
        match self.places.get(index) {
            Some(place) => Some(Target::End(place.end())),
            None => Some(index - self.places.len()).filter(|index| *index < self.known).map(Target::Known),
        }
    }
}

/// The state of a search.
pub(super) struct Search<'a> {
    pub(super) context: &'a Context<'a>,
    pub(super) candidates: Candidates,
    /// Moduli of public keys, those that are worth every effort first.
    pub(super) known: Vec<Modulus>,
    /// How many of them that are.
    sought: usize,
    pub(super) keys: Vec<Key>,
    /// Primes with their CRT exponents, and the public exponent that follows.
    pub(super) lone: Vec<(Natural, u64)>,
    /// What is left of primes that were rebuilt.
    pub(super) rebuilt: Vec<Remains>,
    /// Where damaged numbers lie of keys that were rebuilt.
    pub(super) decayed: Vec<Decayed>,
    pub(super) source: Source<'a>,
    /// Numbers whose primality is known.
    pub(super) primes: Primes,
    /// Simple operations on limbs that a step may take: about a tenth of a second for a gigabyte.
    pub(super) steps: usize,
    /// Full computations that are left.
    pub(super) tries: usize,
    /// Exponentiations modulo 2048 bits that are left.
    pub(super) powers: usize,
    limits: Vec<&'static str>,
}

/// Steps that a dump of any size may take.
const FIXED_STEPS: usize = 16 << 20;
/// Fewest neighbours with which a candidate is joined.
const MIN_WINDOW: usize = 32;
/// Full computations: a dump without keys needs none but by chance.
const MAX_TRIES: usize = 20_000;
/// Exponentiations modulo 2048 bits, of some 3 ms each.
pub(super) const MAX_POWERS: usize = 300;
/// Places where two numbers are tried in vain.
const MAX_FAILURES: usize = 16;
/// Keys of one dump.
const MAX_KEYS: usize = 1_000;

impl<'a> Search<'a> {
    pub(super) fn new(context: &'a Context<'a>) -> Self {
        let known = context.public.iter().filter_map(modulus);
        let (mut known, anchors): (Vec<_>, Vec<_>) =
            known.partition(|modulus| context.effort == Effort::Given || !is_anchor(modulus.n.low()));
        let sought = known.len();
        known.extend(anchors);
        Self {
            context,
            candidates: Candidates::collect(context),
            known,
            sought,
            keys: Vec::new(),
            lone: Vec::new(),
            rebuilt: Vec::new(),
            decayed: Vec::new(),
            source: Source::new(context.memory),
            primes: Primes::default(),
            steps: context.allowance(FIXED_STEPS as u64, 1) as usize
                + usize::try_from(context.bytes() / 32).unwrap_or(usize::MAX / 2),
            tries: context.allowance(MAX_TRIES as u64, 64) as usize,
            powers: context.allowance(MAX_POWERS as u64, 64 << 10) as usize,
            limits: Vec::new(),
        }
    }

    /// Tries everything.
    pub(super) fn run(&mut self) {
        if self.candidates.overflow {
            self.limit("more numbers that may be of an RSA key than are tried");
        }
        let wide = self.candidates.ends.clone();
        if self.product_window(&wide) < wide.lows.len() {
            self.products(&wide.near());
        }
        self.quotients(&wide);
        self.ratios();
        self.divisors();
        self.products(&wide);
        self.triples();
        self.lone_numbers();
        self.inside_runs();
        self.crt_exponents();
        self.pair_lone_primes();
        if !matches!(self.context.effort, Effort::Written { .. }) {
            self.partial();
            self.decay();
        }
        self.settle();
    }

    /// The findings, and why not everything was tried.
    pub(super) fn finish(self) -> (Vec<Found>, Vec<&'static str>) {
        (report::found(self.context, &self.keys, &self.rebuilt, &self.decayed), self.limits)
    }

    pub(super) fn limit(&mut self, phrase: &'static str) {
        if !self.limits.contains(&phrase) {
            self.limits.push(phrase);
        }
    }

    /// Takes one of the full computations that are left.
    pub(super) fn may_try(&mut self) -> bool {
        if self.tries == 0 {
            self.limit("more numbers that fit an RSA key by their lowest digits than are tried");
        }
        self.tries = self.tries.saturating_sub(1);
        self.tries > 0
    }

    /// Takes exponentiations modulo a number of `bits` of those that are left.
    pub(super) fn may_raise(&mut self, bits: u32) -> bool {
        let cost = power_cost(bits);
        if self.powers < cost {
            self.limit("more numbers that fit an RSA private exponent by their leading digits than are tried");
            return false;
        }
        self.powers -= cost;
        true
    }

    /// With how many neighbours each end is multiplied. Numbers of one key lie near each other, however large the dump is: it adds
    /// less to the steps than for other searches.
    fn product_window(&self, ends: &Ends) -> usize {
        let pairs = FIXED_STEPS.min(self.steps) + self.steps.saturating_sub(FIXED_STEPS) / 4;
        (pairs / ends.lows.len().max(1)).max(MIN_WINDOW)
    }

    /// Pairs of neighbours whose product is a modulus, or anything else in the dump.
    fn products(&mut self, ends: &Ends) {
        self.join(ends, self.product_window(ends), ends.moduli());
    }

    /// Joins ends with their neighbours; `moduli` are what may be a product besides known moduli.
    pub(super) fn join(&mut self, ends: &Ends, window: usize, moduli: impl Iterator<Item = (u64, PlaceOfEnd)>) {
        let (mut lows, mut places) = (Zeroizing::new(Vec::new()), Vec::new());
        for (low, place) in moduli {
            lows.push(low);
            places.push(place);
        }
        lows.extend(self.known_lows());
        let targets = Targets { places, known: self.known.len() };
        let hits = join::products(ends, window, &Lows::new(&lows), self.context.jobs);
        self.try_hits(&hits, ends, &targets);
    }

    /// Known moduli: pairs of ends anywhere in the dump.
    fn quotients(&mut self, ends: &Ends) {
        let most = (self.steps / ends.lows.len().max(1)).max(1);
        let moduli: Vec<u64> = self.known_lows().into_iter().take(most).collect();
        if moduli.is_empty() {
            return;
        }
        let inverses = join::inverses(&ends.lows);
        let hits = join::quotients(&inverses, &Lows::new(&ends.lows), &moduli, self.context.jobs);
        let targets = Targets { places: Vec::new(), known: moduli.len() };
        self.try_hits(&hits, ends, &targets);
    }

    /// Known moduli whose key was not found yet, with their indices, without those that are not worth much.
    pub(super) fn sought(&self) -> impl Iterator<Item = (usize, &Modulus)> {
        self.known[..self.sought].iter().enumerate().filter(|(_, modulus)| !self.has(&modulus.n))
    }

    pub(super) fn known_lows(&self) -> Vec<u64> {
        self.known.iter().map(|modulus| modulus.n.low()).collect()
    }

    fn try_hits(&mut self, hits: &Hits, ends: &Ends, targets: &Targets) {
        if hits.overflow {
            self.limit("more numbers that fit an RSA key by their lowest digits than are tried");
        }
        self.test_ahead(hits, ends, targets);
        // Copies of the same three numbers make many hits. What did not fit at one place may fit at another; a few are enough.
        let mut failed: HashMap<(u64, u64), usize> = HashMap::new();
        for (i, j, n) in hits.list.iter().map(|hit| (hit.0 as usize, hit.1 as usize, hit.2 as usize)) {
            let Some(target) = targets.get(n) else { continue };
            let lows = (ends.lows[i].min(ends.lows[j]), ends.lows[i].max(ends.lows[j]));
            let failures = failed.entry(lows).or_default();
            if lows.0 == lows.1 || self.explains(lows.0, lows.1) || *failures >= MAX_FAILURES {
                continue;
            }
            *failures += 1;
            if !self.may_try() {
                return;
            }
            let (p, q) = (self.window(ends.end(i)), self.window(ends.end(j)));
            match target {
                Target::End(end) => {
                    let n = self.window(end);
                    assemble::product(&p, &q, &n).is_some_and(|found| self.learn(&found.n, &[found.p, found.q]))
                }
                Target::Known(index) => {
                    let n = self.known[index].n.clone();
                    assemble::factor(&p, &q, &n).is_some_and(|found| self.learn(&n, &[found.p, found.q]))
                }
            };
        }
    }

    /// What lies from an end on, or before it.
    pub(super) fn window(&mut self, end: End) -> Zeroizing<Vec<u64>> {
        self.source.limbs(end, MAX_LIMBS)
    }

    /// Whether a key is known whose primes end in these limbs.
    pub(super) fn explains(&self, p: u64, q: u64) -> bool {
        self.keys.iter().any(|key| [p, q].iter().all(|low| key.primes.iter().any(|prime| prime.low() == *low)))
    }

    /// Whether a key with this modulus is known.
    pub(super) fn has(&self, n: &Natural) -> bool {
        self.keys.iter().any(|key| key.n == *n)
    }

    /// Keeps the key of a modulus that is the product of these numbers, if they are primes or can be split into primes.
    pub(super) fn learn(&mut self, n: &Natural, factors: &[Natural]) -> bool {
        if self.has(n) || self.keys.len() >= MAX_KEYS {
            return true;
        }
        let mut primes = Vec::new();
        for factor in factors {
            let Some(parts) = self.split(factor) else { return false };
            primes.extend(parts);
        }
        let e = self.known.iter().find(|modulus| modulus.n == *n).and_then(|modulus| modulus.e.clone());
        let key = Key::new(n, primes, e.as_ref());
        let found = key.is_some();
        self.keys.extend(key);
        found
    }

    /// Looks for what tells the public exponents, and drops keys that only look like ones.
    fn settle(&mut self) {
        if self.keys.iter().any(|key| key.exponent == Exponent::Assumed) {
            let set = Lows::new(&self.candidates.ends.lows);
            let settled = |key: &Key| {
                let exponent = (key.exponent == Exponent::Assumed).then(|| self.find_exponent(key, &set)).flatten();
                exponent.and_then(|e| key.with_exponent(&e, Exponent::Found)).unwrap_or_else(|| key.clone())
            };
            self.keys = self.keys.iter().map(settled).collect();
        }
        // A product of one of a key's primes with something else that happens to be prime is a leftover of arithmetic.
        self.keys.retain(Key::is_credible);
        let keys = self.keys.clone();
        self.keys.retain(|key| {
            key.exponent != Exponent::Assumed
                || !keys.iter().any(|other| {
                    other.exponent > key.exponent && other.primes.iter().any(|prime| key.primes.contains(prime))
                })
        });
    }
}

/// What an exponentiation modulo a number of `bits` costs, in those modulo 2048 bits.
pub(super) fn power_cost(bits: u32) -> usize {
    (bits as usize).pow(3).div_ceil(2048usize.pow(3)).max(1)
}

/// The modulus and exponent of a public key, if it is one of RSA.
fn modulus(public: &PublicKey) -> Option<Modulus> {
    if public.algorithm != Algorithm::Rsa || public.bits > 64 * MAX_LIMBS as u32 {
        return None;
    }
    Some(Modulus { n: Natural::from_be(&public.value), e: exponent(public).map(Natural::from_be) })
}

/// The public exponent of an RSA key, the most significant byte first: the INTEGER that ends the SubjectPublicKeyInfo
/// (RFC 8017, appendix A.1.1).
pub(crate) fn exponent(public: &PublicKey) -> Option<&[u8]> {
    let at = public.spki.windows(public.value.len()).rposition(|window| window == public.value)?;
    match public.spki.get(at + public.value.len()..)? {
        [2, len, e @ ..] if e.len() == usize::from(*len) => Some(e),
        _ => None,
    }
}
