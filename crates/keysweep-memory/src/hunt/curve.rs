//! Windows that are the private key of a given public key on a curve.

use super::{MAX_HITS, Tested, Windows};
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

/// One way of reading windows, and the keys that may come out.
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
}

/// Windows that wait until there are enough of them, for each pass.
pub(super) struct Batch {
    scalars: Zeroizing<Vec<u64>>,
    offsets: Vec<u64>,
}

impl Groups {
    pub(super) fn new(keys: &[PublicKey]) -> Self {
        let mut passes: BTreeMap<(Group, Coordinate, Reading), Pass> = BTreeMap::new();
        for key in keys {
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
        Self { passes: passes.into_values().collect(), multipliers }
    }

    /// The state of a thread.
    pub(super) fn batches(&self) -> Vec<Batch> {
        self.passes.iter().map(|_| Batch { scalars: Zeroizing::default(), offsets: Vec::new() }).collect()
    }

    /// Tries all windows of a chunk.
    pub(super) fn try_all(
        &self,
        windows: &Windows<'_>,
        batches: &mut [Batch],
        hits: &mut Vec<Number>,
        tested: &mut Tested,
    ) {
        for (pass, batch) in self.passes.iter().zip(batches) {
            let len = pass.reading.bytes(pass.group);
            let mut count = 0;
            for at in windows.of_len(len) {
                let bytes = windows.bytes(at, len);
                // In P-521 the highest byte or two are nearly empty.
                if !looks_random(bytes) || !pass.reading.scalar(pass.group, bytes, &mut batch.scalars) {
                    continue;
                }
                count += 1;
                batch.offsets.push(windows.offset(at));
                if batch.offsets.len() == Multiplier::BATCH {
                    self.flush(pass, batch, len, hits);
                }
            }
            self.flush(pass, batch, len, hits);
            *tested.windows.entry(pass.name.clone()).or_default() += count;
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
fn readings(algorithm: &Algorithm) -> &'static [(Reading, &'static str)] {
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
