//! Runs of about the length of one number, which begins or ends anywhere in the words around: a prime, or a private exponent,
//! of a known modulus.

use super::candidates::{MIN_PRIME_BITS, may_end_a_number};
use super::finder::Search;
use super::limbs::{bits, may_divide};
use super::natural::Natural;
use super::ratio::{self, Fraction, Glance, SLACK};
use super::sieve::has_no_small_factor;
use super::source::{Source, all_limbs};
use crate::order::Order;
use crate::survey::Run;
use zeroize::Zeroizing;

/// How many bytes more or less than the run the number may take: the words at its ends do not always look random.
const SLACK_BYTES: usize = 16;
/// Bytes from the first place at which a number may begin to the last one.
const SHIFTS: usize = 2 * SLACK_BYTES;
/// How numbers lie, and at what steps they may begin.
const ORDERS: [(Order, usize); 3] = [(Order::Little, 1), (Order::Big, 1), (Order::BigWords32, 4)];
/// Steps that a look at all places of a run takes, for each modulus.
const LOOK: usize = 3 * SHIFTS;
/// Runs that are read at a time.
const BATCH: usize = 64;

/// What a number may be of a known modulus.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Prime,
    Exponent,
}

/// A length of numbers, and the known moduli, by their indices, that have numbers of it.
struct Group {
    part: Part,
    /// Bytes.
    len: usize,
    /// With what tells at a glance whether a number is an exponent, where that is possible.
    moduli: Vec<(usize, Option<Glance>)>,
}

/// What was found, of the modulus with that index.
enum Lone {
    Prime(usize, Natural),
    Exponent(usize, Natural, Fraction),
}

impl Search<'_> {
    /// Looks at all runs that are as long as a number of a known modulus.
    pub(super) fn lone_numbers(&mut self) {
        let groups = self.groups_by_length();
        if groups.is_empty() {
            return;
        }
        let runs = self.lone_runs(&groups);
        let batches: Vec<&[Run]> = runs.chunks(BATCH).collect();
        let found = self.in_parallel(batches.len(), |index| {
            let mut source = Source::new(self.context.memory);
            let found = batches[index].iter().flat_map(|run| self.in_lone_run(run, &groups, &mut source));
            Some(found.collect::<Vec<_>>()).filter(|found| !found.is_empty())
        });
        for lone in found.into_iter().flat_map(|(_, found)| found) {
            match lone {
                Lone::Prime(index, p) => {
                    let n = self.known[index].n.clone();
                    self.learn_divisor(&n, &p);
                }
                Lone::Exponent(index, d, fraction) => {
                    let n = self.known[index].n.clone();
                    self.try_exponent(&d, &n, fraction);
                }
            }
        }
    }

    fn groups_by_length(&self) -> Vec<Group> {
        let mut groups: Vec<Group> = Vec::new();
        for (index, modulus) in self.sought() {
            let whole = modulus.n.bits();
            let glance = modulus.e.as_ref().and_then(|e| Glance::new(&modulus.n, e));
            // One exponent in some hundred lacks the highest byte.
            for (part, bits) in [(Part::Prime, whole.div_ceil(2)), (Part::Exponent, whole), (Part::Exponent, whole - 8)]
            {
                let len = bits.div_ceil(8) as usize;
                match groups.iter_mut().find(|group| group.part == part && group.len == len) {
                    Some(group) => group.moduli.push((index, glance)),
                    None if bits >= MIN_PRIME_BITS => groups.push(Group { part, len, moduli: vec![(index, glance)] }),
                    None => {}
                }
            }
        }
        groups
    }

    /// The runs of such lengths, as many as can be afforded.
    fn lone_runs(&mut self, groups: &[Group]) -> Vec<Run> {
        let mut left = self.steps;
        let mut runs = Vec::new();
        for run in self.context.survey.open_runs().iter() {
            let cost: usize = fitting(run, groups).map(|group| LOOK * group.moduli.len()).sum();
            if cost == 0 {
                continue;
            }
            match left.checked_sub(cost) {
                Some(rest) => left = rest,
                None => break,
            }
            runs.push(*run);
        }
        runs
    }

    fn in_lone_run(&self, run: &Run, groups: &[Group], source: &mut Source<'_>) -> Vec<Lone> {
        let mut found = Vec::new();
        let before = SLACK_BYTES.min(run.offset as usize);
        let around = source.available(run.offset - before as u64, before + 8 * run.words as usize + SLACK_BYTES);
        let around = Zeroizing::new(around.to_vec());
        for group in fitting(run, groups) {
            for (order, step) in ORDERS {
                // At steps of the address space, as the run is.
                for from in (before % step..around.len().saturating_sub(group.len - 1)).step_by(step) {
                    self.look(&around[from..from + group.len], order, group, &mut found);
                }
            }
        }
        found
    }

    /// Whether a window is a number of one of the moduli.
    fn look(&self, window: &[u8], order: Order, group: &Group, found: &mut Vec<Lone>) {
        let low = if order == Order::Little { window[0] } else { window[window.len() - 1] };
        let odd = if order == Order::BigWords32 { window[window.len() - 4] & 1 == 1 } else { low & 1 == 1 };
        if !odd {
            return;
        }
        let Some(limbs) = all_limbs(window, order) else { return };
        if !limbs.first().is_some_and(|low| may_end_a_number(*low)) {
            return;
        }
        let size = bits(&limbs);
        match group.part {
            Part::Prime if has_no_small_factor(&limbs) => {
                let divides = |index: &usize| {
                    let n = &self.known[*index].n;
                    size + MIN_PRIME_BITS <= n.bits() && may_divide(n.limbs(), n.bits(), &limbs, size)
                };
                let divided = group.moduli.iter().map(|(index, _)| *index).filter(divides);
                found.extend(divided.map(|index| Lone::Prime(index, Natural::from_limbs(&limbs))));
            }
            Part::Prime => {}
            Part::Exponent => {
                for (index, glance) in &group.moduli {
                    let n = &self.known[*index].n;
                    let unlike = glance.is_some_and(|glance| !glance.may_be(&limbs));
                    if unlike || n.bits().wrapping_sub(size) > SLACK {
                        continue;
                    }
                    let fraction = ratio::fraction(&limbs, n.limbs());
                    found.extend(fraction.map(|f| Lone::Exponent(*index, Natural::from_limbs(&limbs), f)));
                }
            }
        }
    }
}

fn fitting<'a>(run: &Run, groups: &'a [Group]) -> impl Iterator<Item = &'a Group> {
    let len = 8 * run.words as usize;
    groups.iter().filter(move |group| group.len.abs_diff(len) <= SLACK_BYTES)
}
