//! From keys to findings: the proof, and every place where a part of the key lies.

use super::RULE;
use super::decay::Decayed;
use super::key::{Exponent, Key};
use super::natural::Natural;
use super::partial::{self, Remains};
use super::source::Source;
use crate::copies::{self, Pattern};
use crate::found::{Found, Place};
use crate::order::Order;
use crate::search::Context;
use crate::survey::{Number, Survey};
use keysweep_keys::{Algorithm, KeyMaterial, Protection};
use zeroize::Zeroizing;

/// The findings of the keys that can be proven.
pub(super) fn found(context: &Context<'_>, keys: &[Key], rebuilt: &[Remains], decayed: &[Decayed]) -> Vec<Found> {
    let mut found = Vec::new();
    let mut patterns = Vec::new();
    let mut remains = Vec::new();
    let mut source = Source::new(context.memory);
    for key in keys {
        let Ok(proved) = key.prove() else { continue };
        let mut details = vec![("public exponent", exponent(key))];
        if key.primes.len() > 2 {
            details.push(("primes", key.primes.len().to_string()));
        }
        let material = KeyMaterial {
            algorithm: Algorithm::Rsa,
            bits: proved.public.bits,
            encoding: "numbers in memory",
            protection: Protection::None,
            public: Some(proved.public.fingerprint()),
            id: None,
            proof: proved.proof,
            comment: None,
            purpose: None,
            details,
        };
        let secrets = key.secrets();
        patterns.extend(forms(&secrets, found.len()));
        let of_key: Vec<&Remains> = rebuilt.iter().filter(|remains| remains.n == key.n).collect();
        if !of_key.is_empty() {
            patterns.extend(partial::forms(&secrets, found.len()));
        }
        let name = |p: &Natural| secrets.iter().find(|(_, number)| number == p).map(|(name, _)| name);
        let place = |remains: &&Remains| Some(partial::place(&mut source, remains, name(&remains.p)?));
        let damaged = decayed.iter().filter(|decayed| decayed.n == key.n).map(|decayed| decayed.place.clone());
        remains.push(of_key.iter().filter_map(place).chain(damaged).collect::<Vec<Place>>());
        found.push(Found { rule: RULE, material, places: Vec::new() });
    }
    if found.is_empty() {
        return found;
    }
    for place in copies::find(context.memory, context.jobs, &patterns) {
        // Which key it is of stands before the name, for all keys are looked for at once.
        let Some((index, what)) = place.what.split_once(' ') else { continue };
        let Some(found) = index.parse().ok().and_then(|index: usize| found.get_mut(index)) else { continue };
        let what = what.to_string();
        found.places.push(Place { what, ..place });
    }
    for (found, remains) in found.iter_mut().zip(remains) {
        partial::merge(&mut found.places, remains);
        for place in &mut found.places {
            if let Some(name) = structure(context.survey, place) {
                place.what = format!("{}, {name}", place.what);
            }
        }
        found.material.details.push(("copies", copies(&found.places)));
    }
    found
}

fn exponent(key: &Key) -> String {
    let e = key.e.limbs().first().copied().unwrap_or(0);
    let value = if key.e.limbs().len() <= 1 { e.to_string() } else { format!("{} bits", key.e.bits()) };
    match key.exponent {
        Exponent::Public | Exponent::Found => value,
        Exponent::Assumed => format!("{value} (assumed: neither a public key nor a private exponent was found)"),
    }
}

/// How often each number lies there: `p 3, q 2`.
fn copies(places: &[Place]) -> String {
    let mut counts: Vec<(&str, usize)> = Vec::new();
    for place in places {
        let name = place.what.split(' ').next().unwrap_or_default();
        match counts.iter_mut().find(|(other, _)| *other == name) {
            Some((_, count)) => *count += 1,
            None => counts.push((name, 1)),
        }
    }
    counts.sort_unstable();
    counts.iter().map(|(name, count)| format!("{name} {count}")).collect::<Vec<_>>().join(", ")
}

/// Every secret number of a key in every form.
fn forms(secrets: &[(String, Natural)], index: usize) -> Vec<Pattern> {
    let mut patterns: Vec<Pattern> = Vec::new();
    for (name, number) in secrets {
        for (order, bytes) in forms_of(&number.to_be()) {
            if patterns.iter().all(|other| other.bytes != bytes) {
                patterns.push(Pattern { bytes, what: format!("{index} {name} as {}", order.name()) });
            }
        }
    }
    patterns
}

/// A big-endian number in every order.
pub(super) fn forms_of(number: &[u8]) -> Vec<(Order, Zeroizing<Vec<u8>>)> {
    let form = |order: Order| {
        let mut bytes = order.encode(number);
        if order == Order::Little {
            // Limbs may be of 32 bits, and the last one is not always full.
            let used = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
            bytes = Zeroizing::new(bytes[..used].to_vec());
        }
        (order, bytes)
    };
    Order::ALL.into_iter().map(form).collect()
}

/// The structure that holds the number at a place: with digits in the same order and of the same length, but for what
/// pads it: limbs that are not in use, a zero byte as the sign.
fn structure(survey: &Survey, place: &Place) -> Option<&'static str> {
    let numbers = &survey.numbers;
    let from = numbers.partition_point(|number| number.offset + 1 < place.offset);
    let there = numbers[from..].iter().take_while(|number| number.offset <= place.offset);
    let fits = |number: &&Number| {
        let (begin, end) = (number.offset, number.offset + u64::from(number.len));
        let (first, last) = (place.offset, place.offset + place.len);
        let padded =
            if number.order == Order::Big { begin <= first && end == last } else { begin == first && end >= last };
        padded && end - begin < place.len + 16 && place.what.ends_with(number.order.name())
    };
    // Numbers that are written as text have none.
    there.filter(fits).map(|number| number.structure).find(|structure| !structure.is_empty())
}
