//! Points that are not in affine form: libraries that compute with `X`, `Y` and `Z` keep them so. A point is `x = X / Z`, `y = Y / Z` (Zig), or
//! in Jacobian form `x = X / Z^2`, `y = Y / Z^3` (OCaml's mirage-crypto), in Montgomery form.
//!
//! The three are looked for side by side in a run, and as runs of their own at equal distances, in either order.

use super::report::{Candidate, big_endian};
use super::seen::Point;
use super::trace::{Coordinate, Form, Present};
use crate::curve::{Group, Multiplier};
use crate::search::{Context, Effort};
use crate::survey::Run;
use keysweep_keys::Curve;
use keysweep_keys::secret::trim_leading_zeros;
use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};

/// Places that are tried, which takes some two microseconds for each.
const MAX_TRIED: u64 = 50_000;
/// Words that a run may have beside the three, if these may begin at any of its words; of a longer one they are its first or last.
const SPARE: u64 = 8;
/// Longest run whose ends are looked at, in words.
const LONGEST: u64 = 64;
/// Runs after one among which the next coordinate is, and the bytes between them.
const MAX_NEAR: usize = 6;
const NEAR: u64 = 512;
/// Multiples of the generator that stand in tables.
const TABLE: u64 = 256;

/// Curves whose coordinates fill whole words, those with as many words together.
const CURVES: [(u64, &[Curve]); 2] =
    [(4, &[Curve::P256, Curve::Secp256k1, Curve::BrainpoolP256r1]), (6, &[Curve::P384, Curve::BrainpoolP384r1])];

/// The points of a dump, without small multiples of generators.
pub(super) fn points(context: &Context<'_>) -> Vec<Point> {
    if matches!(context.effort, Effort::Given | Effort::Written { .. }) {
        return Vec::new();
    }
    let mut finder = Finder { context, points: Vec::new(), left: context.allowance(MAX_TRIED, 4096) };
    let runs = context.survey.open_runs();
    for (words, curves) in CURVES {
        for run in runs.iter().filter(|run| (3 * words..=LONGEST).contains(&run.words)) {
            let spare = run.words - 3 * words;
            let places = if spare <= SPARE { 0..=spare } else { 0..=1 };
            for place in places {
                let first = if spare <= SPARE { place } else { place * spare };
                finder.look(curves, [0, 1, 2].map(|index| run.offset + 8 * (first + index * words)), false);
            }
        }
        finder.apart(&runs, words, curves);
    }
    let (mut points, mut tables) = (finder.points, HashMap::new());
    points.retain(|point| {
        let table = tables.entry(point.curve).or_insert_with(|| table(point.curve));
        !table.contains(&point.x)
    });
    points
}

/// The x coordinates of small multiples of a curve's generator.
fn table(curve: Curve) -> HashSet<Vec<u64>> {
    let group = Group::Ec(curve);
    let limbs = group.limbs();
    let scalars: Vec<u64> = (1..=TABLE).flat_map(|k| std::iter::once(k).chain(vec![0; limbs - 1])).collect();
    Multiplier::new(group, 1).derive(&scalars).first.chunks_exact(limbs).map(<[u64]>::to_vec).collect()
}

struct Finder<'a> {
    context: &'a Context<'a>,
    points: Vec<Point>,
    left: u64,
}

impl Finder<'_> {
    /// Coordinates as runs of their own, or with one word more.
    fn apart(&mut self, runs: &[Run], words: u64, curves: &[Curve]) {
        let runs: Vec<&Run> = runs.iter().filter(|run| (words..=words + 1).contains(&run.words)).collect();
        for (index, first) in runs.iter().enumerate() {
            for second in runs[index + 1..].iter().take(MAX_NEAR) {
                let distance = second.offset - first.offset;
                if distance > NEAR {
                    break;
                }
                let third = second.offset + distance;
                if runs[index + 1..].iter().take(2 * MAX_NEAR).any(|run| run.offset == third) {
                    self.look(curves, [first.offset, second.offset, third], true);
                }
            }
        }
    }

    /// Looks whether what lies at three places are the coordinates of a point, or those in reverse order if these lie apart.
    fn look(&mut self, curves: &[Curve], places: [u64; 3], apart: bool) {
        let Some(left) = self.left.checked_sub(1) else { return };
        self.left = left;
        for curve in curves {
            let group = Group::Ec(*curve);
            let read = |at: u64| {
                let bytes = self.context.memory.bytes(at, 8 * group.limbs())?;
                Some(bytes.as_chunks().0.iter().map(|limb| u64::from_le_bytes(*limb)).collect::<Vec<u64>>())
            };
            let [Some(a), Some(b), Some(c)] = places.map(read) else { return };
            for jacobian in [false, true] {
                let there = group.affine([&a, &b, &c], jacobian).map(|point| (places[0], point));
                let back = || group.affine([&c, &b, &a], jacobian).map(|point| (places[2], point));
                if let Some((offset, [x, y])) = there.or_else(|| apart.then(back).flatten()) {
                    self.points.extend(point(*curve, &x, &y, offset));
                    return;
                }
            }
        }
    }
}

fn point(curve: Curve, x: &[u64], y: &[u64], offset: u64) -> Option<Point> {
    let size = curve.field_bytes();
    let last = |limbs: &[u64]| big_endian(limbs).rchunks(size).next().map(<[u8]>::to_vec);
    let encoded = [vec![4], last(x)?, last(y)?].concat();
    let present = Present { coordinate: Coordinate::X, form: Form::Projective, offset, len: 8 * x.len() };
    Some(Point { curve, encoded, x: x.to_vec(), present })
}

/// Drops what is a part of another scalar, its first bytes or its last, and is known by a point of this kind: points that the computation of a
/// public key goes through are left where they were freed.
pub(super) fn drop_parts(candidates: &mut Vec<Candidate<'_>>) {
    let is_projective =
        |candidate: &Candidate<'_>| candidate.seen.is_some_and(|point| point.present.form == Form::Projective);
    if !candidates.iter().any(is_projective) {
        return;
    }
    let (hasher, mut parts) = (RandomState::new(), HashSet::new());
    let hash = |group: Group, number: &[u8]| hasher.hash_one((group, trim_leading_zeros(number)));
    for candidate in candidates.iter() {
        let scalar = big_endian(&candidate.scalar);
        let scalar = trim_leading_zeros(&scalar);
        for cut in 1..scalar.len() {
            parts.insert(hash(candidate.group, &scalar[..scalar.len() - cut]));
            // Zeros that are cut off leave what there was.
            if scalar[cut - 1] != 0 {
                parts.insert(hash(candidate.group, &scalar[cut..]));
            }
        }
    }
    candidates.retain(|candidate| {
        !is_projective(candidate) || !parts.contains(&hash(candidate.group, &big_endian(&candidate.scalar)))
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::Flat;
    use crate::search::search;
    use crate::survey::survey;
    use keysweep_keys::PublicKey;
    use keysweep_keys::private::ec_public;
    use num_bigint::BigUint;

    fn random(len: usize, seed: u64) -> Vec<u8> {
        crate::curve::random_numbers(seed).flat_map(u64::to_le_bytes).take(len).collect()
    }

    /// X, Y and Z of a point, in Montgomery form as they lie in memory.
    fn coordinates(curve: Curve, point: &[u8], z: &[u8], jacobian: bool) -> [Vec<u8>; 3] {
        let group = Group::Ec(curve);
        let prime = BigUint::from_bytes_be(&big_endian(&group.prime()));
        let size = curve.field_bytes();
        let [x, y] = [&point[1..=size], &point[1 + size..]].map(BigUint::from_bytes_be);
        let z = BigUint::from_bytes_be(z) % &prime;
        let (over_x, over_y) = if jacobian { (&z * &z, &z * &z * &z) } else { (z.clone(), z.clone()) };
        [x * over_x, y * over_y, z].map(|number| {
            let mut bytes = ((number << (8 * size)) % &prime).to_bytes_le();
            bytes.resize(size, 0);
            bytes
        })
    }

    /// A heap with a point and, elsewhere, its scalar.
    fn heap(parts: &[Vec<u8>], stride: usize, d: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0; 3 << 12];
        for (index, part) in parts.iter().enumerate() {
            bytes[0x1040 + index * stride..][..part.len()].copy_from_slice(part);
        }
        bytes[0x2008..0x2008 + d.len()].copy_from_slice(d);
        bytes
    }

    fn found_points(bytes: &[u8]) -> usize {
        let memory = Flat::at(bytes, 0x7000_0000_0000);
        let survey = survey(&memory, 1);
        let context = Context { memory: &memory, survey: &survey, public: &[], jobs: 1, effort: Effort::Full };
        points(&context).len()
    }

    #[test]
    fn scalars_are_proven_by_points_that_are_not_affine() {
        for curve in [Curve::P256, Curve::P384, Curve::Secp256k1, Curve::BrainpoolP256r1, Curve::BrainpoolP384r1] {
            let size = curve.field_bytes();
            for (seed, jacobian) in [(1, false), (2, true), (3, false), (4, true)] {
                let mut d = random(size, seed + 40 * size as u64);
                d[0] &= 0x3f;
                let public = ec_public(curve, &d).unwrap();
                let xyz = coordinates(curve, &public, &random(size, seed + 900), jacobian);
                let [x, y, z] = xyz.clone();
                // Side by side, then apart in both orders, as malloc places what is allocated one after the other.
                for (parts, stride) in [(&xyz, size), (&xyz, size + 0x20), (&[z, y, x], size + 0x30)] {
                    let bytes = heap(parts, stride, &d);
                    let found = search(&Flat::at(&bytes, 0x7000_0000_0000), &[], 1, Effort::Full).found;
                    let key = PublicKey::ec(curve, &public).unwrap().fingerprint();
                    assert_eq!(found.len(), 1, "{curve:?} {jacobian} {stride}");
                    assert_eq!(found[0].material.public.as_ref(), Some(&key), "{curve:?} {jacobian}");
                    assert_eq!(found[0].places[0].offset, 0x2008, "{curve:?} {jacobian}");
                }
            }
        }
    }

    #[test]
    fn near_misses_are_no_points() {
        let curve = Curve::P256;
        let d = random(32, 77);
        let public = ec_public(curve, &d).unwrap();
        for (jacobian, stride) in [(false, 32), (true, 32), (false, 0x50), (true, 0x50)] {
            let xyz = coordinates(curve, &public, &random(32, 78), jacobian);
            assert_eq!(found_points(&heap(&xyz, stride, &d)), 1, "{jacobian} {stride}");
            let [x, y, z] = xyz.clone();
            let mut other = z.clone();
            other[7] ^= 1;
            let zero = vec![0; 32];
            for parts in [
                [x.clone(), y.clone(), other],
                [x.clone(), y.clone(), zero],
                [y.clone(), x.clone(), z.clone()],
                [x, z, y],
            ] {
                assert_eq!(found_points(&heap(&parts, stride, &d)), 0, "{jacobian} {stride}");
            }
            // Not at equal distances.
            let mut bytes = heap(&xyz, 0x50, &d);
            bytes.copy_within(0x10e0..0x1100, 0x10f0);
            bytes[0x10e0..0x10f0].fill(0);
            assert_eq!(found_points(&bytes), 0);
        }
    }

    #[test]
    fn multiples_of_the_generator_are_tables() {
        for curve in [Curve::P256, Curve::P384] {
            let size = curve.field_bytes();
            for (multiple, points) in [(1u8, 0), (15, 0), (200, 0), (255, 0)] {
                let mut d = vec![0; size];
                d[size - 1] = multiple;
                let public = ec_public(curve, &d).unwrap();
                let xyz = coordinates(curve, &public, &random(size, u64::from(multiple)), false);
                assert_eq!(found_points(&heap(&xyz, size, &[])), points, "{curve:?} {multiple}");
            }
            let mut d = vec![0; size];
            d[size - 2..].copy_from_slice(&[3, 1]);
            let xyz = coordinates(curve, &ec_public(curve, &d).unwrap(), &random(size, 3), false);
            assert_eq!(found_points(&heap(&xyz, size, &[])), 1);
        }
    }

    #[test]
    fn points_on_the_way_to_a_public_key_prove_no_keys() {
        let curve = Curve::P256;
        let mut d = random(32, 78);
        d[0] = 0x31;
        let whole = PublicKey::ec(curve, &ec_public(curve, &d).unwrap()).unwrap().fingerprint();
        // The first bytes of the scalar, as a window of bytes goes through them, with zeros before them; and its last.
        for (parts, expected) in [
            (vec![d.clone()], 1),
            (vec![d.clone(), d[..31].to_vec(), d[..30].to_vec()], 1),
            (vec![d[..31].to_vec()], 1),
        ] {
            let mut bytes = heap(&[], 0, &d);
            for (index, part) in parts.iter().enumerate() {
                let scalar = [vec![0; 32 - part.len()], part.clone()].concat();
                let public = ec_public(curve, &scalar).unwrap();
                for (at, coordinate) in coordinates(curve, &public, &random(32, 5), true).iter().enumerate() {
                    bytes[0x1040 + 0x200 * index + 0x50 * at..][..32].copy_from_slice(coordinate);
                }
            }
            assert_eq!(found_points(&bytes), parts.len());
            let found = search(&Flat::at(&bytes, 0x7000_0000_0000), &[], 1, Effort::Full).found;
            assert_eq!(found.len(), expected);
            assert_eq!(found[0].material.public.as_ref() == Some(&whole), parts[0].len() == 32);
        }
    }

    #[test]
    fn many_runs_take_bounded_time() {
        // Runs of the length of three coordinates, and of one at equal distances.
        for gap in [136, 40] {
            let mut bytes = random(8 << 20, 99);
            bytes.chunks_exact_mut(gap).for_each(|chunk| chunk[gap - 8..].fill(0));
            let memory = Flat::new(&bytes);
            let survey = survey(&memory, 1);
            let context = Context { memory: &memory, survey: &survey, public: &[], jobs: 1, effort: Effort::Full };
            let limit = std::time::Duration::from_secs(4);
            let found = keysweep_testkit::bounded(limit, "runs", || points(&context));
            assert!(found.is_empty());
        }
    }
}
