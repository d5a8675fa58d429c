//! Points whose coordinates lie apart, as numbers without a structure that is known: each is a run of its own, with a header or a link
//! between it and the other.

use super::evidence::big_limbs;
use crate::curve::Group;
use crate::order::Order;
use crate::search::Context;
use crate::survey::Run;
use keysweep_keys::Curve;
use std::collections::VecDeque;

/// Runs that are looked at, which takes a microsecond or two for each; how many after one, and how many bytes behind it, may hold the
/// other coordinate.
const MAX_RUNS: usize = 50_000;
const MAX_NEAR: usize = 24;
const NEAR: u64 = 16 << 10;

/// What may be a coordinate on a curve, and what the equation makes of it.
struct Side {
    form: (Curve, Order, bool),
    /// The lowest limbs of the square, and of what the square of the other one would be.
    limbs: [u64; 2],
    value: Vec<u64>,
}

/// A point, and whether it is in Montgomery form.
pub(super) struct Apart {
    pub(super) curve: Curve,
    pub(super) x: Vec<u64>,
    pub(super) y: Vec<u64>,
    pub(super) montgomery: bool,
}

/// The points of curves for which `sought` is true.
pub(super) fn points(context: &Context<'_>, sought: impl Fn(Curve) -> bool) -> Vec<Apart> {
    let mut points = Vec::new();
    for words in [4, 6, 8] {
        let curves: Vec<Curve> =
            Curve::ALL.into_iter().filter(|curve| words_of(*curve) == words && sought(*curve)).collect();
        if curves.is_empty() {
            continue;
        }
        let mut before: VecDeque<(u64, Vec<Side>)> = VecDeque::with_capacity(MAX_NEAR + 1);
        let open = context.survey.open_runs();
        for run in open.iter().filter(|run| run.words == words).take(MAX_RUNS) {
            let sides = sides(context, run, &curves);
            for (_, others) in before.iter().filter(|(offset, _)| run.offset - offset <= NEAR) {
                points.extend(others.iter().flat_map(|a| sides.iter().filter_map(|b| point(a, b))));
            }
            before.push_back((run.offset, sides));
            if before.len() > MAX_NEAR {
                before.pop_front();
            }
        }
    }
    points
}

/// Words of a coordinate that look random: all but the last of P-521, of which 9 bits are used.
fn words_of(curve: Curve) -> u64 {
    match curve {
        Curve::P521 => 8,
        curve => Group::Ec(curve).limbs() as u64,
    }
}

fn sides(context: &Context<'_>, run: &Run, curves: &[Curve]) -> Vec<Side> {
    let mut sides = Vec::new();
    for (order, montgomery) in
        [(Order::Little, false), (Order::Little, true), (Order::Big, false), (Order::BigWords32, false)]
    {
        let is_521 = run.words == 8;
        if is_521 && order != Order::Little {
            continue;
        }
        let len = 8 * run.words as usize + if is_521 { 2 } else { 0 };
        let Some(number) = context.memory.bytes(run.offset, len).and_then(|bytes| order.decode(&bytes)) else {
            continue;
        };
        for curve in curves {
            let value = big_limbs(&number, Group::Ec(*curve));
            if let Some(limbs) = Group::Ec(*curve).sides(&value, montgomery) {
                sides.push(Side { form: (*curve, order, montgomery), limbs, value });
            }
        }
    }
    sides
}

/// The point that two numbers are, either of which may be x.
fn point(a: &Side, b: &Side) -> Option<Apart> {
    let (curve, _, montgomery) = a.form;
    let [x, y] = match a.form == b.form {
        true if a.limbs[1] == b.limbs[0] => [a, b],
        true if b.limbs[1] == a.limbs[0] => [b, a],
        _ => return None,
    };
    Some(Apart { curve, x: x.value.clone(), y: y.value.clone(), montgomery })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::Flat;
    use crate::search::Effort;
    use crate::survey::survey;
    use keysweep_keys::private::ec_public;

    fn found(bytes: &[u8], sought: impl Fn(Curve) -> bool) -> Vec<Apart> {
        let memory = Flat::new(bytes);
        let survey = survey(&memory, 1);
        let context = Context { memory: &memory, survey: &survey, public: &[], jobs: 1, effort: Effort::Full };
        points(&context, sought)
    }

    fn random(len: usize, seed: u64) -> Vec<u8> {
        crate::curve::random_numbers(seed).flat_map(u64::to_le_bytes).take(len).collect()
    }

    #[test]
    fn coordinates_that_lie_apart_are_a_point() {
        for (seed, curve) in Curve::ALL.into_iter().enumerate() {
            let group = Group::Ec(curve);
            let size = curve.field_bytes();
            let mut d = random(size, seed as u64 + 1);
            d[..2].copy_from_slice(&[0, 7]);
            let point = ec_public(curve, &d).unwrap();
            let (x, y) = (&point[1..=size], &point[1 + size..]);
            let forms =
                [(Order::Little, false), (Order::Little, true), (Order::Big, false), (Order::BigWords32, false)];
            for (order, montgomery) in forms {
                if curve == Curve::P521 && order != Order::Little {
                    continue;
                }
                let encode = |big: &[u8]| {
                    let mut limbs = big_limbs(big, group);
                    if montgomery {
                        group.montgomery_coordinate(&mut limbs);
                    }
                    let big: Vec<u8> = limbs.iter().rev().flat_map(|limb| limb.to_be_bytes()).collect();
                    order.encode(&big).to_vec()
                };
                let mut bytes = vec![0; 16 << 10];
                for (at, value) in [(1024, y), (1024 + 40 * 8, x)] {
                    let value = encode(value);
                    bytes[at..at + value.len()].copy_from_slice(&value);
                }
                let here = found(&bytes, |_| true);
                let hit = |p: &Apart| {
                    p.curve == curve && p.montgomery == montgomery && group.contains(&p.x, &p.y, montgomery)
                };
                assert!(here.iter().any(hit), "{curve:?} {order:?} {montgomery}");
                assert!(found(&bytes, |other| other != curve).is_empty());
                // With one bit wrong it is none.
                bytes[1024 + 40 * 8 + 3] ^= 4;
                assert!(found(&bytes, |_| true).is_empty(), "{curve:?} {order:?}");
            }
        }
    }

    #[test]
    fn many_numbers_take_no_time() {
        // 200,000 runs of four words, none of which is on a curve with another.
        let mut bytes = random(8 << 20, 99);
        bytes.chunks_exact_mut(40).for_each(|chunk| chunk[32..].fill(0));
        let memory = Flat::new(&bytes);
        let survey = survey(&memory, 1);
        assert!(survey.runs.len() > 200_000);
        let context = Context { memory: &memory, survey: &survey, public: &[], jobs: 1, effort: Effort::Full };
        let limit = std::time::Duration::from_secs(5);
        let found = keysweep_testkit::bounded(limit, "pairs of numbers", || points(&context, |_| true));
        assert!(found.is_empty());
    }
}
