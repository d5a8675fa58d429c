//! Windows that are the private key of a given public key on a curve.

use super::runs::Runs;
use super::windows::Windows;
use super::{MAX_HITS, Tested};
use crate::curve::chain::{Affine, Chain};
use crate::curve::{Group, Multiplier};
use crate::elliptic::reading::Reading;
use crate::order::Order;
use crate::survey::{Number, looks_random};
use keysweep_keys::{Algorithm, PublicKey};
use std::collections::{BTreeMap, HashSet};
use zeroize::Zeroizing;

/// Which of the derived coordinates a public key is compared by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Coordinate {
    /// `x` of a Weierstrass curve, `y` of an Edwards curve.
    First,
    /// `u` of a Montgomery curve.
    Second,
}

/// One way of reading windows that are multiplied one by one, and the keys that may come out.
struct Pass {
    group: Group,
    reading: Reading,
    coordinate: Coordinate,
    name: String,
    /// Lowest limbs of the keys' coordinates.
    wanted: HashSet<u64>,
}

/// Everything that is tried.
pub(super) struct Groups {
    passes: Vec<Pass>,
    multipliers: BTreeMap<Group, Multiplier>,
    chains: Vec<(Group, Chain)>,
}

/// The state of a thread.
pub(super) struct Worker<'a> {
    groups: &'a Groups,
    batches: Vec<Batch>,
    runs: Vec<Runs<'a>>,
}

/// Windows that wait until there are enough of them, for a pass.
#[derive(Default)]
struct Batch {
    scalars: Zeroizing<Vec<u64>>,
    offsets: Vec<u64>,
}

impl Groups {
    pub(super) fn new(keys: &[PublicKey]) -> Self {
        let mut passes: BTreeMap<(Group, Coordinate, Reading), Pass> = BTreeMap::new();
        let mut points: BTreeMap<Group, Vec<Affine>> = BTreeMap::new();
        for key in keys {
            if let Some((group, point)) = point(key) {
                points.entry(group).or_default().push(point);
                continue;
            }
            let Some((group, coordinate, limb)) = target(key) else { continue };
            for (reading, name) in readings(&key.algorithm) {
                let pass = passes.entry((group, coordinate, *reading)).or_insert_with(|| Pass {
                    group,
                    reading: *reading,
                    coordinate,
                    name: format!("{} {name}", key.algorithm),
                    wanted: HashSet::new(),
                });
                pass.wanted.insert(limb);
            }
        }
        let groups = passes.values().map(|pass| pass.group);
        let multipliers = groups.map(|group| (group, Multiplier::new(group, 1 << 20))).collect();
        let chains = points.into_iter().filter_map(|(group, keys)| Some((group, Chain::new(group, &keys)?)));
        Self { passes: passes.into_values().collect(), multipliers, chains: chains.collect() }
    }

    /// The state of a thread.
    pub(super) fn worker(&self) -> Worker<'_> {
        Worker {
            groups: self,
            batches: self.passes.iter().map(|_| Batch::default()).collect(),
            runs: self.chains.iter().map(|(group, chain)| Runs::new(*group, chain)).collect(),
        }
    }

    fn flush(&self, pass: &Pass, batch: &mut Batch, len: usize, hits: &mut Vec<Number>) {
        let Some(multiplier) = self.multipliers.get(&pass.group) else { return };
        let derived = multiplier.derive(&batch.scalars);
        let coordinates = match pass.coordinate {
            Coordinate::First => &derived.first,
            Coordinate::Second => &derived.second,
        };
        for (coordinate, offset) in coordinates.chunks_exact(pass.group.limbs()).zip(&batch.offsets) {
            if pass.wanted.contains(&coordinate[0]) && hits.len() < MAX_HITS {
                let order = if let Reading::Number(order) = pass.reading { order } else { Order::Little };
                hits.push(Number { offset: *offset, len: len as u32, order, structure: "" });
            }
        }
        zeroize::Zeroize::zeroize(&mut *batch.scalars);
        batch.offsets.clear();
    }
}

impl Worker<'_> {
    /// Tries all windows of a chunk; some are tried only later.
    pub(super) fn try_all(&mut self, windows: &Windows<'_>, hits: &mut Vec<Number>, tested: &mut Tested) {
        for runs in &mut self.runs {
            runs.try_all(windows, hits, tested);
        }
        for (pass, batch) in self.groups.passes.iter().zip(&mut self.batches) {
            let len = pass.reading.bytes(pass.group);
            let mut count = 0;
            for at in windows.light(len) {
                let bytes = windows.bytes(at, len);
                // In P-521 the highest byte or two are nearly empty.
                if !looks_random(bytes) || !pass.reading.scalar(pass.group, bytes, &mut batch.scalars) {
                    continue;
                }
                count += 1;
                batch.offsets.push(windows.offset(at));
                if batch.offsets.len() == Multiplier::BATCH {
                    self.groups.flush(pass, batch, len, hits);
                }
            }
            self.groups.flush(pass, batch, len, hits);
            *tested.windows.entry(pass.name.clone()).or_default() += count;
        }
    }

    /// Tries what is left.
    pub(super) fn finish(mut self, hits: &mut Vec<Number>) {
        self.runs.iter_mut().for_each(|runs| runs.flush(hits));
    }
}

/// The point of a key whose windows are tried in runs.
fn point(key: &PublicKey) -> Option<(Group, Affine)> {
    let Algorithm::Ec(curve) = key.algorithm else { return None };
    let (x, y) = key.value.get(1..)?.split_at_checked(curve.field_bytes())?;
    let limbs = |bytes: &[u8]| bytes.rchunks(8).map(|c| c.iter().fold(0, |n, b| n << 8 | u64::from(*b))).collect();
    let group = Group::Ec(curve);
    (Chain::suits(group) && x.len() == y.len()).then(|| (group, Affine { x: limbs(x), y: limbs(y) }))
}

/// The group of a key, and by which coordinate and limb it is known.
fn target(key: &PublicKey) -> Option<(Group, Coordinate, u64)> {
    let little = |bytes: &[u8]| bytes.first_chunk().map(|limb| u64::from_le_bytes(*limb));
    let (group, coordinate, limb) = match key.algorithm {
        Algorithm::Ec(curve) => {
            let x = key.value.get(1..=curve.field_bytes())?;
            (Group::Ec(curve), Coordinate::First, x.last_chunk().map(|limb| u64::from_be_bytes(*limb)))
        }
        Algorithm::Ed25519 => (Group::Curve25519, Coordinate::First, little(&key.value)),
        Algorithm::X25519 => (Group::Curve25519, Coordinate::Second, little(&key.value)),
        Algorithm::Ed448 => (Group::Edwards448, Coordinate::First, little(&key.value)),
        Algorithm::X448 => (Group::Edwards448, Coordinate::Second, little(&key.value)),
        _ => return None,
    };
    Some((group, coordinate, limb?))
}

/// How a private key may lie, and how to say so.
pub(super) fn readings(algorithm: &Algorithm) -> &'static [(Reading, &'static str)] {
    match algorithm {
        Algorithm::Ec(_) => &[
            (Reading::Number(Order::Little), "scalar as little-endian limbs"),
            (Reading::Number(Order::Big), "scalar as big-endian bytes"),
            (Reading::Number(Order::BigWords32), "scalar as 32-bit words, most significant first"),
        ],
        Algorithm::Ed25519 => &[
            (Reading::Seed, "seed"),
            (Reading::Clamped, "expanded scalar"),
            (Reading::Reduced, "expanded scalar, reduced"),
        ],
        Algorithm::Ed448 => &[(Reading::Seed, "seed")],
        Algorithm::X25519 | Algorithm::X448 => {
            &[(Reading::Clamped, "scalar"), (Reading::ClampedReversed, "scalar, most significant byte first")]
        }
        _ => &[],
    }
}
