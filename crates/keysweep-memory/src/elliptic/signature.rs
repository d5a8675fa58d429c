//! Scalars that belong to signatures and are no one's key, though a point of theirs lies in the dump.
//!
//! With `n` the order, a key `d`, a nonce `k` and a digest `e`, an ECDSA signature is `r = x(kG)`, `s = (e + r d) / k` (SEC 1 version 2, 4.1.3). Who signs
//! computes `kG`; who checks `u G` with `u = e / s` (4.1.4), which nothing about is secret. Both equations can be checked with numbers that lie in the same
//! dump, and hold for no others.

use super::evidence::big_limbs;
use super::trace::{Filter, Form, Traces};
use crate::curve::Group;
use crate::memory::Memory;
use crate::order::Order;
use crate::rsa::natural::Natural;
use crate::search::Context;
use crate::stretch::stretches;
use crate::structure::der::INTEGER;
use crate::survey::Number;
use keysweep_keys::secret::trim_leading_zeros;
use std::collections::HashSet;
use std::sync::Arc;

/// What a scalar is to a signature in the dump.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// Its nonce.
    Nonce,
    /// The digest divided by `s`, as the signature was checked.
    Check,
}

/// A proven private key, as a number.
pub(super) struct Scalar {
    pub(super) group: Group,
    pub(super) d: Natural,
    /// The coordinate x of its public key.
    pub(super) x: Natural,
    /// Where it lies.
    pub(super) offset: u64,
    /// Whether something else says what the key is for, so that it needs no explanation.
    pub(super) told: bool,
}

/// Keys that are explained, and keys with which nonces are sought.
const MAX_KEYS: usize = 32;
const MAX_SIGNERS: usize = 8;
/// Signatures that are looked at.
const MAX_SIGNATURES: usize = 512;
/// Numbers on either side of a scalar that are tried for `s`.
const NEAR: usize = 2048;
/// Numbers that may be a digest.
const MAX_NUMBERS: usize = 200_000;
/// Bytes of a digest at least: SHA-1.
const MIN_DIGEST: usize = 20;

/// What each of the scalars is to a signature, if it is something.
pub(super) fn explain(context: &Context<'_>, scalars: &[Scalar]) -> Vec<Option<Part>> {
    let mut parts = vec![None; scalars.len()];
    let open: Vec<usize> = (0..scalars.len()).filter(|index| !scalars[*index].told).take(MAX_KEYS).collect();
    if open.is_empty() {
        return parts;
    }
    let signatures = signatures(context);
    let (mut traces, mut digests) = (Traces::new(Arc::new(Filter::new(open.len() * signatures.len()))), Vec::new());
    for index in open {
        let scalar = &scalars[index];
        if signatures.iter().any(|(r, _)| *r == scalar.x) || is_nonce(context, scalars, index) {
            parts[index] = Some(Part::Nonce);
            continue;
        }
        for (_, s) in &signatures {
            let Some(e) = digest(scalar, s) else { continue };
            traces.add(digests.len() as u32, &[Form::Plain(Order::Big)], &big_limbs(&e.to_be(), scalar.group), 0);
            digests.push((index, e));
        }
    }
    if !digests.is_empty() {
        for hit in traces.find(context.memory, &stretches(&context.survey.runs), context.jobs) {
            let Some((index, e)) = digests.get(hit.guess as usize) else { continue };
            if ends_at(context.memory, e, hit.offset + 8) {
                parts[*index] = Some(Part::Check);
            }
        }
    }
    parts
}

/// `r` and `s` of signatures in DER: two INTEGERs, one behind the other, and no third.
fn signatures(context: &Context<'_>) -> Vec<(Natural, Natural)> {
    let integers: Vec<&Number> = context.survey.numbers.iter().filter(|number| number.structure == INTEGER).collect();
    let follows = |a: &Number, b: &Number| a.offset + u64::from(a.len) + 2 == b.offset;
    let mut seen = HashSet::new();
    let pairs = integers.windows(2).enumerate().filter(|(index, pair)| {
        let before = index.checked_sub(1).is_some_and(|before| follows(integers[before], pair[0]));
        let after = integers.get(index + 2).is_some_and(|after| follows(pair[1], after));
        follows(pair[0], pair[1]) && !before && !after && FIELD.contains(&pair[0].len) && FIELD.contains(&pair[1].len)
    });
    let values = pairs.filter_map(|(_, pair)| Some((value(context, pair[0])?, value(context, pair[1])?)));
    values.filter(|(r, _)| seen.insert(r.low())).take(MAX_SIGNATURES).collect()
}

/// Bytes of a number below the order of a curve, in any form.
const FIELD: std::ops::RangeInclusive<u32> = 24..=160;

fn value(context: &Context<'_>, number: &Number) -> Option<Natural> {
    let bytes = number.order.decode(&context.memory.bytes(number.offset, number.len as usize)?)?;
    Some(Natural::from_be(&bytes))
}

/// `k s` modulo the order: the digest if `k` was made of it by dividing by `s`.
fn digest(scalar: &Scalar, s: &Natural) -> Option<Natural> {
    let n = order(scalar.group);
    let e = scalar.d.times(s).modulo(&n)?;
    (fits(&n, s) && e.bits() as usize > 8 * (MIN_DIGEST - 4)).then_some(e)
}

fn order(group: Group) -> Natural {
    Natural::from_limbs(&group.order())
}

/// Whether a number may be one modulo `n` that was not chosen.
fn fits(n: &Natural, number: &Natural) -> bool {
    number.bits() <= n.bits() && number.bits() + 32 > n.bits()
}

/// Whether a number lies in memory, the most significant byte first, and ends there.
fn ends_at(memory: &dyn Memory, e: &Natural, end: u64) -> bool {
    let bytes = e.to_be();
    let mut bytes = trim_leading_zeros(&bytes).to_vec();
    // A digest that begins with zeros is longer.
    while bytes.len() < MIN_DIGEST {
        bytes.insert(0, 0);
    }
    let start = end.checked_sub(bytes.len() as u64);
    start.and_then(|start| memory.bytes(start, bytes.len())).is_some_and(|there| *there == bytes)
}

/// Whether a scalar is the nonce of a signature by another key that was found: whether with an `s` near it, `k s - r d` is a number that lies in the
/// dump, or as short as only the digest of a test is.
fn is_nonce(context: &Context<'_>, scalars: &[Scalar], index: usize) -> bool {
    let nonce = &scalars[index];
    let n = order(nonce.group);
    let same = |(other, scalar): &(usize, &Scalar)| *other != index && scalar.group == nonce.group;
    let Some(r) = nonce.x.modulo(&n) else { return false };
    let signers = scalars.iter().enumerate().filter(same).take(MAX_SIGNERS);
    let products: Vec<Natural> = signers.filter_map(|(_, signer)| r.times(&signer.d).modulo(&n)).collect();
    if products.is_empty() {
        return false;
    }
    let numbers: Vec<&Number> =
        context.survey.numbers.iter().filter(|number| FIELD.contains(&number.len)).take(MAX_NUMBERS).collect();
    let at = numbers.partition_point(|number| number.offset < nonce.offset);
    let near = &numbers[at.saturating_sub(NEAR)..(at + NEAR).min(numbers.len())];
    let mut seen = HashSet::new();
    let tried = near.iter().filter_map(|number| value(context, number).filter(|s| fits(&n, s) && seen.insert(s.low())));
    let digests: Vec<Natural> = tried
        .filter_map(|s| nonce.d.times(&s).modulo(&n))
        .flat_map(|ks| products.iter().filter_map(|rd| ks.plus(&n).minus(rd)?.modulo(&n)).collect::<Vec<_>>())
        .collect();
    if digests.iter().any(|e| e.bits() + 64 < n.bits()) {
        return true;
    }
    let lows: HashSet<u64> = digests.iter().map(Natural::low).collect();
    let there = numbers.iter().filter_map(|number| value(context, number));
    there.filter(|value| lows.contains(&value.low())).any(|value| digests.contains(&value))
}
