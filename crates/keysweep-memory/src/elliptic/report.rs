//! From a coordinate that agrees to a proven key: the proof, all places, and whether the key lives longer than a handshake.

use super::lifetime::{Known, Lifetime, lifetimes};
use super::reading::{Reading, clamped, seed_scalar};
use super::seen::Point;
use super::signature::Part;
use super::trace::{Coordinate, Form, Present};
use crate::copies::{self, Pattern};
use crate::curve::Group;
use crate::decoded::is_decoded;
use crate::found::{Found, Place};
use crate::order::Order;
use crate::rsa::natural::Natural;
use crate::search::{Context, Outcome};
use crate::survey::{Number, looks_random};
use keysweep_keys::private::ec_public;
use keysweep_keys::{Algorithm, Curve, KeyMaterial, PrivateKey, Proof, Protection, Proved, PublicKey, Secret};
use std::collections::BTreeMap;
use zeroize::Zeroizing;

const EC: &str = "memory-ec-private-key";
const EDWARDS: &str = "memory-eddsa-private-key";
const MONTGOMERY: &str = "memory-x25519-private-key";
const UNKNOWN: &str = "memory-possibly-ephemeral-key";
const EPHEMERAL: &str = "memory-ephemeral-key";
/// Ids of the rules.
pub(super) const RULES: &[&str] = &[EC, EDWARDS, MONTGOMERY, UNKNOWN, EPHEMERAL];

/// A private key whose public key is there, as far as a coordinate tells.
pub(super) struct Candidate<'a> {
    pub(super) group: Group,
    pub(super) reading: Reading,
    pub(super) coordinate: Coordinate,
    /// The bytes as they lie in memory.
    pub(super) window: Zeroizing<Vec<u8>>,
    /// The scalar, as limbs.
    pub(super) scalar: Zeroizing<Vec<u64>>,
    /// Offset of the bytes in the file.
    pub(super) offset: u64,
    /// Where the coordinate lies.
    pub(super) present: Vec<Present>,
    /// The public key, if it was known beforehand.
    pub(super) known: Option<&'a PublicKey>,
    /// The public point, if it lies in memory as numbers of structures.
    pub(super) seen: Option<&'a Point>,
}

/// Whether a public key is of a group, and told by such a coordinate.
pub(super) fn is_of(key: &PublicKey, group: Group, coordinate: Coordinate) -> bool {
    match key.algorithm {
        Algorithm::Ec(curve) => group == Group::Ec(curve),
        Algorithm::Ed25519 => group == Group::Curve25519 && coordinate == Coordinate::Edwards,
        Algorithm::X25519 => group == Group::Curve25519 && coordinate == Coordinate::Montgomery,
        Algorithm::Ed448 => group == Group::Edwards448 && coordinate == Coordinate::Edwards,
        Algorithm::X448 => group == Group::Edwards448 && coordinate == Coordinate::Montgomery,
        _ => false,
    }
}

/// A form of a secret to look for, and what it is.
type SecretForm = (Zeroizing<Vec<u8>>, String);

/// A proven key.
struct Key {
    proved: Proved,
    group: Group,
    /// The private key as a number, on Weierstrass curves.
    scalar: Option<Natural>,
    /// Its secret in the forms to look for, and what they are.
    secrets: Vec<SecretForm>,
    /// Where the public key lies.
    present: Vec<Present>,
    known: bool,
    /// Whether the proof rests on one coordinate of a point that has two.
    x_only: bool,
    /// Whether the public key is, wherever it lies, the first half of what may be an Ed25519 signature.
    signature: bool,
    /// Whether the scalar was met without a seed and reduced, as the nonces of Ed25519 are: of keys, few programs hold no more.
    reduced: bool,
    /// Places where the secret was found.
    found: Vec<Place>,
}

/// Keys that are reported: no dump holds so many.
const MAX_KEYS: usize = 1_000;

/// Proves the candidates and reports them, each key once.
pub(super) fn report(context: &Context<'_>, candidates: Vec<Candidate<'_>>, outcome: &mut Outcome) {
    let mut keys: BTreeMap<Vec<u8>, Key> = BTreeMap::new();
    for candidate in candidates {
        let Some(key) = prove(context, candidate) else { continue };
        let room = keys.len() < MAX_KEYS;
        match keys.entry(key.proved.public.spki.clone()) {
            std::collections::btree_map::Entry::Vacant(entry) if room => {
                entry.insert(key);
            }
            std::collections::btree_map::Entry::Vacant(_) => {}
            std::collections::btree_map::Entry::Occupied(mut entry) => entry.get_mut().merge(key),
        }
    }
    let mut keys: Vec<Key> = keys.into_values().collect();
    find_copies(context, &mut keys);
    keys.iter_mut().for_each(|key| key.name_places(context));
    let known: Vec<Known<'_>> = keys.iter().map(Key::known).collect();
    let lives = lifetimes(context, &known);
    outcome.found.extend(keys.into_iter().zip(lives).map(|(key, life)| key.describe(life)));
}

fn prove(context: &Context<'_>, candidate: Candidate<'_>) -> Option<Key> {
    match candidate.group {
        Group::Ec(curve) => prove_ec(context, curve, candidate),
        Group::Curve25519 | Group::Edwards448 => prove_okp(context, candidate),
    }
}

fn prove_ec(context: &Context<'_>, curve: Curve, mut candidate: Candidate<'_>) -> Option<Key> {
    let group = candidate.group;
    if group.is_constant(&candidate.scalar) {
        return None;
    }
    let derived = ec_public(curve, &big_endian(&candidate.scalar))?;
    let stored = stored_point(context, curve, &candidate, &derived)?;
    let attempt = |scalar: &[u64], public: Vec<u8>| {
        PrivateKey::Ec { curve, d: Secret::new(&big_endian(scalar)), public: Some(public) }.prove().ok()
    };
    let proved = match attempt(&candidate.scalar, stored.point.clone()) {
        Some(proved) => proved,
        None => {
            // The coordinate x is that of n - d too; the point that is there says which of the two it is.
            negate(group, &mut candidate.scalar);
            attempt(&candidate.scalar, stored.point)?
        }
    };
    let d = big_endian(&candidate.scalar);
    let mut secrets: Vec<_> =
        Order::ALL.into_iter().map(|order| (order.encode(&d), format!("d as {}", order.name()))).collect();
    secrets[0].0.truncate(curve.field_bytes());
    let mut montgomery = candidate.scalar.clone();
    group.montgomery_scalar(&mut montgomery);
    secrets.push((Order::Little.encode(&big_endian(&montgomery)), "d as Montgomery limbs".into()));
    let what = match candidate.reading {
        Reading::Number(order) => format!("d as {}", order.name()),
        _ => "d as Montgomery limbs".into(),
    };
    Some(Key::new(candidate, proved, secrets, what, !stored.both))
}

/// A point that lies in memory.
struct Stored {
    /// In SEC 1 encoding.
    point: Vec<u8>,
    /// Whether more than x was read from there.
    both: bool,
}

/// The public point as it lies in memory: with y, or at least its parity, if these are beside an x.
fn stored_point(context: &Context<'_>, curve: Curve, candidate: &Candidate<'_>, derived: &[u8]) -> Option<Stored> {
    let size = curve.field_bytes();
    let (group, x, y) = (candidate.group, derived.get(1..=size)?, derived.get(size + 1..)?);
    if let Some(seen) = candidate.seen {
        return Some(Stored { point: seen.encoded.clone(), both: true });
    }
    let mut compressed = None;
    for present in &candidate.present {
        match present.form {
            Form::Plain(Order::Big) => {
                // Leading zeros were not looked for.
                let start = (present.offset + present.len as u64).checked_sub(size as u64 + 1)?;
                let Some(bytes) = context.memory.bytes(start, 2 * size + 1) else { continue };
                let other = |y: &[u8]| y.last().map(|b| b & 1) != bytes.last().map(|b| b & 1);
                if bytes[0] == 4 && (bytes[size + 1..] == *y || (other(y) && is_negative(curve, y, &bytes[size + 1..])))
                {
                    return Some(Stored { point: bytes.to_vec(), both: true });
                }
                if matches!(bytes[0], 2 | 3) {
                    compressed = Some(bytes[..=size].to_vec());
                }
            }
            form => {
                let limbs = super::trace::limbs_of(group, y);
                let expected = form.encode(group, &limbs);
                // Rust's k256 has a word between the two in builds with checks.
                let after = present.offset + present.len.next_multiple_of(8) as u64;
                let mut beside =
                    [after, after + 8].into_iter().filter_map(|at| context.memory.bytes(at, expected.len()));
                if beside.any(|bytes| *bytes == expected) {
                    return Some(Stored { point: derived.to_vec(), both: true });
                }
            }
        }
    }
    if let Some(known) = candidate.known {
        return Some(Stored { point: known.value.clone(), both: true });
    }
    let parity = 2 + (y.last()? & 1);
    // A byte 2 or 3 before an x may stand there by chance; one that says the opposite is none.
    let both = compressed.is_some_and(|point| point[0] == parity);
    Some(Stored { point: [&[parity], x].concat(), both })
}

/// Whether `other` is the field's prime less `y`.
fn is_negative(curve: Curve, y: &[u8], other: &[u8]) -> bool {
    let group = Group::Ec(curve);
    let sum = super::trace::limbs_of(group, y).into_iter().zip(super::trace::limbs_of(group, other));
    let mut carry = 0u128;
    let sum: Vec<u64> = sum
        .map(|(a, b)| {
            carry += u128::from(a) + u128::from(b);
            let limb = carry as u64;
            carry >>= 64;
            limb
        })
        .collect();
    sum == group.prime()
}

fn negate(group: Group, scalar: &mut [u64]) {
    let mut borrow = 0u64;
    for (limb, order) in scalar.iter_mut().zip(group.order()) {
        let (difference, b1) = order.overflowing_sub(*limb);
        let (difference, b2) = difference.overflowing_sub(borrow);
        *limb = difference;
        borrow = u64::from(b1 | b2);
    }
}

fn prove_okp(context: &Context<'_>, candidate: Candidate<'_>) -> Option<Key> {
    let (group, window) = (candidate.group, &candidate.window);
    let mut reversed = Zeroizing::new(window.to_vec());
    reversed.reverse();
    let forward = candidate.reading != Reading::ClampedReversed;
    let scalar = if forward { window.to_vec() } else { reversed.to_vec() };
    let scalar = Zeroizing::new(scalar);
    let key = |public| match (group, candidate.reading, candidate.coordinate) {
        (Group::Edwards448, Reading::Seed, _) => {
            PrivateKey::Okp { algorithm: Algorithm::Ed448, seed: Secret::new(window), public }
        }
        (_, Reading::Seed, _) => PrivateKey::Okp { algorithm: Algorithm::Ed25519, seed: Secret::new(window), public },
        (Group::Edwards448, ..) => PrivateKey::Okp { algorithm: Algorithm::X448, seed: Secret::new(&scalar), public },
        (_, _, Coordinate::Montgomery) => {
            PrivateKey::Okp { algorithm: Algorithm::X25519, seed: Secret::new(&scalar), public }
        }
        (_, Reading::Reduced, _) => PrivateKey::Ed25519Expanded { scalar: Secret::new(&scalar), public },
        _ => PrivateKey::Ed25519Expanded { scalar: clamped(group, &scalar).into(), public },
    };
    // Only what was read from memory proves. The sign of x, which other forms do not hold, is then derived.
    let mut encodings: Vec<Vec<u8>> = candidate.known.iter().map(|known| known.value.clone()).collect();
    let size = group.bytes() + usize::from(group == Group::Edwards448 && candidate.coordinate == Coordinate::Edwards);
    for present in &candidate.present {
        if present.form == Form::Plain(Order::Little) {
            encodings.extend(context.memory.bytes(present.offset, size).map(|bytes| bytes.to_vec()));
        } else {
            let value = if candidate.reading == Reading::Reduced { None } else { key(None).prove().ok() };
            encodings.extend(value.map(|proved| proved.public.value));
        }
    }
    let mut proved = encodings.into_iter().find_map(|public| key(Some(public)).prove().ok())?;
    if candidate.present.iter().all(|present| present.coordinate == Coordinate::Prefix) && candidate.known.is_none() {
        proved.proof =
            Proof::proven("the second half of the seed's SHA-512, which only signing needs, lies in the same dump");
    }
    let (secrets, what) = okp_secrets(&candidate, &scalar, &reversed);
    // The nonce of a signature is a reduced scalar too, and its point the first half of the signature (RFC 8032 section 5.1.6).
    let signature = candidate.reading == Reading::Reduced
        && candidate.known.is_none()
        && candidate.present.iter().all(|present| is_signature(context, present));
    Some(Key { signature, ..Key::new(candidate, proved, secrets, what, false) })
}

/// Whether a point is followed by a number that may be the second half of an Ed25519 signature.
fn is_signature(context: &Context<'_>, present: &Present) -> bool {
    let half = context.memory.bytes(present.offset + present.len as u64, 32);
    half.is_some_and(|half| half[31] < 0x10 && looks_random(&half))
}

/// The forms in which the secret may lie, and what that is in which it was found.
fn okp_secrets(
    candidate: &Candidate<'_>,
    scalar: &Zeroizing<Vec<u8>>,
    reversed: &Zeroizing<Vec<u8>>,
) -> (Vec<SecretForm>, String) {
    let group = candidate.group;
    let mut secrets = Vec::new();
    let what = match candidate.reading {
        Reading::Seed => {
            secrets.push((candidate.window.clone(), "seed".to_owned()));
            secrets.push((reversed.clone(), "seed, last byte first".to_owned()));
            if group == Group::Curve25519 {
                use sha2::{Digest, Sha512};
                let mut hash = Zeroizing::new(Sha512::digest(&**candidate.window).to_vec());
                hash.truncate(32);
                secrets.push((hash, "scalar, hashed from the seed".to_owned()));
            }
            secrets.push((seed_scalar(group, &candidate.window), "scalar, derived from the seed".to_owned()));
            "seed"
        }
        Reading::Reduced => {
            secrets.push((scalar.clone(), "scalar, reduced".to_owned()));
            "scalar, reduced"
        }
        _ => {
            secrets.push((scalar.clone(), "scalar".to_owned()));
            secrets.push((clamped(group, scalar), "scalar, clamped".to_owned()));
            let mut last_first = scalar.clone();
            last_first.reverse();
            secrets.push((last_first, "scalar, last byte first".to_owned()));
            if candidate.reading == Reading::ClampedReversed { "scalar, last byte first" } else { "scalar" }
        }
    };
    (secrets, what.to_owned())
}

pub(super) fn big_endian(limbs: &[u64]) -> Zeroizing<Vec<u8>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(8 * limbs.len()));
    limbs.iter().rev().for_each(|limb| bytes.extend(limb.to_be_bytes()));
    bytes
}

impl Key {
    fn new(candidate: Candidate<'_>, proved: Proved, secrets: Vec<SecretForm>, what: String, x_only: bool) -> Self {
        Self {
            proved,
            group: candidate.group,
            scalar: matches!(candidate.group, Group::Ec(_)).then(|| Natural::from_limbs(&candidate.scalar)),
            secrets,
            present: candidate.present,
            known: candidate.known.is_some(),
            x_only,
            signature: false,
            reduced: candidate.reading == Reading::Reduced,
            found: vec![Place { offset: candidate.offset, len: candidate.window.len() as u64, what }],
        }
    }

    fn merge(&mut self, other: Self) {
        self.x_only &= other.x_only;
        self.signature &= other.signature;
        self.reduced &= other.reduced;
        self.known |= other.known;
        self.found.extend(other.found);
        for present in other.present {
            if !self.present.contains(&present) {
                self.present.push(present);
            }
        }
        for secret in other.secrets {
            if !self.secrets.iter().any(|(bytes, _)| *bytes == secret.0) {
                self.secrets.push(secret);
            }
        }
    }

    fn name_places(&mut self, context: &Context<'_>) {
        for place in &mut self.found {
            name_structure(context, place);
        }
        self.found.sort();
        self.found.dedup_by(|next, last| next.offset == last.offset && next.len == last.len);
    }

    fn known(&self) -> Known<'_> {
        Known {
            group: self.group,
            public: &self.proved.public,
            beforehand: self.known,
            scalar: self.scalar.clone(),
            present: &self.present,
            secrets: &self.found,
        }
    }

    fn describe(self, life: Lifetime) -> Found {
        let rule = self.rule(life);
        let mut details: Vec<(&'static str, String)> =
            self.present.iter().filter(in_dump).take(MAX_DETAILS).map(public_place).collect();
        details.extend(self.lifetime(rule, life).map(|text| ("lifetime", text.to_owned())));
        Found {
            rule,
            material: KeyMaterial {
                algorithm: self.proved.public.algorithm.clone(),
                bits: self.proved.public.bits,
                encoding: "numbers in memory",
                protection: Protection::None,
                public: Some(self.proved.public.fingerprint()),
                id: None,
                proof: self.proved.proof,
                comment: None,
                purpose: None,
                details,
            },
            places: self.found,
        }
    }

    fn lifetime(&self, rule: &str, life: Lifetime) -> Option<&'static str> {
        match rule {
            UNKNOWN if self.reduced => Some("a scalar without its seed: perhaps only the nonce of a signature"),
            UNKNOWN => {
                Some("perhaps of one handshake only: no certificate, SSH key or key file with its public key was seen")
            }
            EPHEMERAL if self.signature => Some(NONCE),
            EPHEMERAL if life == Lifetime::Signature(Part::Nonce) => Some(NONCE),
            EPHEMERAL if life == Lifetime::Signature(Part::Check) => {
                Some("no secret: a number with which a signature was checked, its digest divided by its second half")
            }
            EPHEMERAL if life == Lifetime::Handshake => {
                Some("of one TLS handshake: its public key lies in a key share")
            }
            EPHEMERAL if life == Lifetime::Session => Some(
                "of one TLS handshake, it seems: the process speaks TLS, and the key pair is in nothing that lives longer",
            ),
            EPHEMERAL => Some("only the x coordinate of its public key is here, as of the nonce of an ECDSA signature"),
            _ => None,
        }
    }

    fn rule(&self, life: Lifetime) -> &'static str {
        let long = life == Lifetime::Long;
        match self.proved.public.algorithm {
            Algorithm::Ed25519 if self.signature && !long => EPHEMERAL,
            Algorithm::Ed25519 if self.reduced && !long => UNKNOWN,
            Algorithm::Ed25519 | Algorithm::Ed448 => EDWARDS,
            Algorithm::Ec(_) if matches!(life, Lifetime::Signature(_)) => EPHEMERAL,
            Algorithm::Ec(Curve::P256 | Curve::P384 | Curve::P521) if !long => {
                if life == Lifetime::Handshake || self.x_only { EPHEMERAL } else { UNKNOWN }
            }
            Algorithm::Ec(_) => EC,
            _ if long => MONTGOMERY,
            _ if matches!(life, Lifetime::Handshake | Lifetime::Session) => EPHEMERAL,
            _ => UNKNOWN,
        }
    }
}

const NONCE: &str = "the nonce of a signature: with the signature and what was signed it gives the private key";

/// Places of the public key that are told.
const MAX_DETAILS: usize = 4;

/// Whether a place is one of the dump, and not of what its texts say.
fn in_dump(present: &&Present) -> bool {
    !is_decoded(present.offset)
}

fn public_place(present: &Present) -> (&'static str, String) {
    let name = match present.coordinate {
        Coordinate::Prefix => {
            return ("hash at", format!("offset {:#x}, second half of the seed's SHA-512", present.offset));
        }
        Coordinate::X => "x",
        Coordinate::Edwards => "y",
        Coordinate::Montgomery => "u",
    };
    ("public key at", format!("offset {:#x}, {name} as {}", present.offset, present.form.name()))
}

/// Adds the name of the structure whose number a place is.
fn name_structure(context: &Context<'_>, place: &mut Place) {
    let numbers = &context.survey.numbers;
    let first = numbers.partition_point(|number| number.offset < place.offset);
    let here = numbers[first..].iter().take_while(|number| number.offset == place.offset);
    let here = here.filter(|number| !number.structure.is_empty());
    let differs =
        |number: &&Number| (!place.what.ends_with(number.order.name()), u64::from(number.len).abs_diff(place.len));
    if let Some(number) = here.min_by_key(differs) {
        place.what = format!("{}, {}", place.what, number.structure);
    }
}

/// Looks for all copies of the keys' secrets, and for the y that a proof by x alone lacks.
fn find_copies(context: &Context<'_>, keys: &mut [Key]) {
    if keys.is_empty() {
        return;
    }
    let mut patterns = Vec::new();
    for (index, key) in keys.iter().enumerate() {
        // What was found may be said again in other words.
        for (bytes, what) in &key.secrets {
            patterns.push(Pattern { bytes: bytes.clone(), what: format!("{index} {what}") });
        }
        if let (Group::Ec(curve), true) = (key.group, key.x_only) {
            let y = super::trace::limbs_of(key.group, &key.proved.public.value[curve.field_bytes() + 1..]);
            for form in Form::of(key.group) {
                let bytes = Zeroizing::new(form.encode(key.group, &y));
                patterns.push(Pattern { bytes, what: format!("{index} {Y}") });
            }
        }
    }
    for place in copies::find(context.memory, context.jobs, &patterns) {
        let Some((index, what)) = place.what.split_once(' ') else { continue };
        let Some(key) = index.parse().ok().and_then(|index: usize| keys.get_mut(index)) else { continue };
        if what == Y {
            key.x_only = false;
        } else {
            let known = key.found.iter().any(|found| found.offset == place.offset && found.len == place.len);
            if !known {
                key.found.push(Place { what: what.to_owned(), ..place });
            }
        }
    }
}

/// Marks the patterns of a public coordinate.
const Y: &str = "y";
