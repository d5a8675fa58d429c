//! Keys planted in noise, in every way they are read and every form of their public keys; near misses; constants.

mod lifetime;

use super::evidence::DIGITS52;
use super::reading::{Reading, clamped, seed_scalar};
use super::trace::Form;
use super::*;
use crate::curve::random_numbers;
use crate::memory::Flat;
use crate::order::{Order, PYTHON};
use crate::survey::survey;
use crate::{Found, Memory};
use keysweep_keys::private::{ec_public, okp_public};
use keysweep_keys::{Curve, PrivateKey, Secret};

/// What the finder reports of a dump.
fn search(bytes: &[u8], public: &[PublicKey]) -> Outcome {
    let memory = Flat::at(bytes, 0x7f00_0000_0000);
    let survey = survey(&memory, 1);
    let context = Context { memory: &memory, survey: &survey, public, jobs: 1, effort: crate::search::Effort::Full };
    let mut outcome = Outcome::default();
    let spots = survey.spots.iter().zip(crate::search::all()).find(|(_, finder)| finder.rules() == Elliptic.rules());
    Elliptic.find(&context, spots.map_or(&[], |(spots, _)| spots), &mut outcome);
    outcome
}

/// Random limbs below 2^(64 n - 1), the same in each run.
struct Source(Box<dyn Iterator<Item = u64>>);

impl Source {
    fn new(seed: u64) -> Self {
        Self(Box::new(random_numbers(seed)))
    }

    fn bytes(&mut self, len: usize) -> Vec<u8> {
        self.0.by_ref().flat_map(u64::to_le_bytes).take(len).collect()
    }

    /// A scalar in range, big-endian.
    fn scalar(&mut self, curve: Curve) -> Vec<u8> {
        let mut d = self.bytes(curve.field_bytes());
        d[0] &= if curve == Curve::P521 { 1 } else { 0x7f };
        d
    }
}

/// A dump with things at places that do not touch.
struct Dump {
    bytes: Vec<u8>,
    at: usize,
    source: Source,
}

impl Dump {
    fn new(len: usize, seed: u64) -> Self {
        Self { bytes: crate::noise::code(len), at: 4096, source: Source::new(seed) }
    }

    /// As [`Dump::put`], where the place does not matter.
    fn add(&mut self, bytes: &[u8], skew: usize) {
        let _ = self.put(bytes, skew);
    }

    /// Puts bytes with zeros around them at the next place, `skew` bytes after a multiple of 16, and returns where.
    fn put(&mut self, bytes: &[u8], skew: usize) -> usize {
        let at = self.at + 64 + skew;
        self.bytes[self.at..at + bytes.len() + 64].fill(0);
        self.bytes[at..at + bytes.len()].copy_from_slice(bytes);
        self.at = (at + bytes.len() + 64 + (self.source.0.next().unwrap() % 2048) as usize) & !15;
        at
    }
}

fn limbs_of(big: &[u8], group: Group) -> Vec<u64> {
    super::evidence::big_limbs(big, group)
}

/// A scalar as it lies in memory, with what is before it.
fn scalar_in_memory(curve: Curve, reading: Reading, d: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let group = Group::Ec(curve);
    match reading {
        Reading::Montgomery => {
            let mut limbs = limbs_of(d, group);
            group.montgomery_scalar(&mut limbs);
            (Vec::new(), limbs.iter().flat_map(|limb| limb.to_le_bytes()).collect())
        }
        Reading::Number(Order::BigWords32) => {
            // A Java int[] after the mark word, the class and the length.
            let bytes = Order::BigWords32.encode(d).to_vec();
            let mut header = vec![1, 0, 0, 0, 0, 0, 0, 0, 0x10, 0x6f, 0x80, 0];
            header.extend((bytes.len() as u32 / 4).to_le_bytes());
            (header, bytes)
        }
        Reading::Number(PYTHON) => {
            let bytes = PYTHON.encode(d).to_vec();
            let mut header = vec![2, 0, 0, 0, 0, 0, 0, 0];
            header.extend(0x7f00_0000_1000u64.to_le_bytes());
            header.extend((bytes.len() as u64 / 4).to_le_bytes());
            (header, bytes)
        }
        Reading::Number(Order::Big) => (Vec::new(), d.to_vec()),
        Reading::Number(order) => (Vec::new(), order.encode(d).to_vec()),
        _ => unreachable!("no reading of an EC scalar"),
    }
}

/// How a public point is planted.
#[derive(Debug, Clone, Copy)]
enum Public {
    Uncompressed,
    Compressed,
    /// x and y in one form: side by side, or far from each other.
    Pair(Form),
    Apart(Form),
    /// Nowhere, but known.
    Known,
}

fn plant_public(dump: &mut Dump, curve: Curve, point: &[u8], how: Public, known: &mut Vec<PublicKey>) {
    let group = Group::Ec(curve);
    let (x, y) = point[1..].split_at(curve.field_bytes());
    let encode = |form: Form, number: &[u8]| form.encode(group, &limbs_of(number, group));
    let skew = (dump.source.0.next().unwrap() % 16) as usize;
    match how {
        Public::Uncompressed => dump.add(point, skew),
        Public::Compressed => dump.add(&[&[2 + (y[y.len() - 1] & 1)], x].concat(), skew),
        Public::Pair(form) => {
            let mut bytes = encode(form, x);
            bytes.resize(bytes.len().next_multiple_of(8), 0);
            dump.add(&[bytes, encode(form, y)].concat(), skew & 8);
        }
        Public::Apart(form) => {
            dump.add(&encode(form, x), skew & 8);
            dump.add(&encode(form, y), skew & 8);
        }
        Public::Known => known.push(PublicKey::ec(curve, point).unwrap()),
    }
}

fn fingerprints(outcome: &Outcome) -> Vec<[u8; 32]> {
    outcome.found.iter().filter_map(|found| Some(found.material.public.as_ref()?.spki_sha256)).collect()
}

#[test]
fn every_reading_is_found_by_every_form_of_the_public_point() {
    use Public::{Apart, Compressed, Known, Pair, Uncompressed};
    let readings = [
        Reading::Number(Order::Little),
        Reading::Number(Order::Big),
        Reading::Number(Order::BigWords32),
        Reading::Number(PYTHON),
        Reading::Montgomery,
    ];
    for (index, curve) in Curve::ALL.into_iter().enumerate() {
        let mut dump = Dump::new(3 << 20, 1000 + index as u64);
        let mut known = Vec::new();
        let mut planted = Vec::new();
        let group = Group::Ec(curve);
        let forms = Form::of(group).iter();
        let publics: Vec<Public> = [Uncompressed, Compressed, Known]
            .into_iter()
            .chain(forms.flat_map(|form| [Pair(*form), Apart(*form)]))
            .collect();
        for public in publics {
            for reading in readings {
                let d = dump.source.scalar(curve);
                let point = ec_public(curve, &d).unwrap();
                let (header, bytes) = scalar_in_memory(curve, reading, &d);
                let at = dump.put(&[header.clone(), bytes].concat(), 0) + header.len();
                plant_public(&mut dump, curve, &point, public, &mut known);
                planted.push((public, reading, at, PublicKey::ec(curve, &point).unwrap().fingerprint().spki_sha256));
            }
        }
        let outcome = search(&dump.bytes, &known);
        let mut missing = 0;
        for (public, reading, at, fingerprint) in &planted {
            let found = outcome.found.iter().find(|f| f.material.public.as_ref().unwrap().spki_sha256 == *fingerprint);
            let Some(found) = found else {
                // One digit of 52 bits in 32 looks like a pointer, and its neighbours then like no number.
                let digits = matches!(public, Pair(Form::Plain(DIGITS52)) | Apart(Form::Plain(DIGITS52)));
                assert!(digits, "{curve:?} {public:?} {reading:?} at {at:#x} is missing");
                missing += 1;
                continue;
            };
            assert_eq!(found.material.proof.level, keysweep_keys::ProofLevel::Proven);
            assert!(found.places.iter().any(|place| place.offset == *at as u64), "{curve:?} {reading:?} {found:?}");
        }
        assert!(missing <= 3, "{missing}");
        assert_eq!(outcome.found.len() + missing, planted.len(), "{curve:?}: nothing else is found");
    }
}

/// Seeds and scalars of the Edwards and Montgomery curves.
fn okp_cases(source: &mut Source) -> Vec<(&'static str, Vec<u8>, PublicKey)> {
    let seed = source.bytes(32);
    let of = |algorithm: Algorithm, secret: &[u8]| {
        PublicKey::okp(algorithm.clone(), &okp_public(&algorithm, secret).unwrap()).unwrap()
    };
    let mut cases = vec![("Ed25519 seed", seed.clone(), of(Algorithm::Ed25519, &seed))];
    let seed = source.bytes(32);
    let scalar = seed_scalar(Group::Curve25519, &seed).to_vec();
    cases.push(("Ed25519 expanded", scalar, of(Algorithm::Ed25519, &seed)));
    let reduced = {
        // A number below 2^252 is reduced.
        let mut reduced = source.bytes(32);
        reduced[31] &= 0x0f;
        let key = PrivateKey::Ed25519Expanded { scalar: Secret::new(&reduced), public: None };
        assert!(key.prove().is_err(), "without a public key it is nothing");
        let multiplier = Multiplier::new(Group::Curve25519, 1);
        let limbs: Vec<u64> = reduced.chunks_exact(8).map(|c| u64::from_le_bytes(c.try_into().unwrap())).collect();
        let y: Vec<u8> = multiplier.derive(&limbs).first.iter().flat_map(|limb| limb.to_le_bytes()).collect();
        let mut other = y.clone();
        other[31] |= 0x80;
        let prove = |public: Vec<u8>| {
            PrivateKey::Ed25519Expanded { scalar: Secret::new(&reduced), public: Some(public) }.prove().ok()
        };
        let proved = prove(y).or_else(|| prove(other)).unwrap();
        (reduced, proved.public)
    };
    cases.push(("Ed25519 reduced", reduced.0, reduced.1));
    let scalar = source.bytes(32);
    cases.push(("X25519", scalar.clone(), of(Algorithm::X25519, &scalar)));
    let scalar = clamped(Group::Curve25519, &source.bytes(32));
    let mut reversed = scalar.to_vec();
    reversed.reverse();
    // OpenPGP's number follows its length in bits; here that of an octet string.
    cases.push(("X25519 reversed", [vec![4, 32], reversed].concat(), of(Algorithm::X25519, &scalar)));
    let seed = source.bytes(57);
    cases.push(("Ed448 seed", seed.clone(), of(Algorithm::Ed448, &seed)));
    let scalar = source.bytes(56);
    cases.push(("X448", scalar.clone(), of(Algorithm::X448, &scalar)));
    cases
}

#[test]
fn edwards_and_montgomery_keys_are_found_by_every_form_of_the_public_key() {
    let mut dump = Dump::new(2 << 20, 77);
    let (mut planted, mut known) = (Vec::new(), Vec::new());
    for form in ["bytes", "big-endian", "known"] {
        for (name, secret, public) in okp_cases(&mut dump.source) {
            dump.add(&secret, 0);
            let mut encoded = public.value.clone();
            match form {
                "bytes" => dump.add(&encoded, 5),
                "big-endian" if name.starts_with("Ed448") || name.contains("reduced") => continue,
                "big-endian" => {
                    if name.starts_with("Ed25519") {
                        encoded[31] &= 0x7f;
                    }
                    encoded.reverse();
                    dump.add(&encoded, 3);
                }
                _ => known.push(public.clone()),
            }
            planted.push((name, form, public.fingerprint().spki_sha256));
        }
    }
    let outcome = search(&dump.bytes, &known);
    let found = fingerprints(&outcome);
    for (name, form, fingerprint) in &planted {
        assert!(found.contains(fingerprint), "{name} by {form} is missing");
    }
    assert_eq!(found.len(), planted.len(), "nothing else is found");
}

#[test]
fn a_key_is_found_at_any_alignment_at_the_end_of_a_run() {
    let mut dump = Dump::new(1 << 20, 5);
    let mut planted = Vec::new();
    for skew in 0..16 {
        let d = dump.source.scalar(Curve::P256);
        let point = ec_public(Curve::P256, &d).unwrap();
        dump.add(&d, skew);
        dump.add(&point, (skew * 7) % 16);
        let seed = dump.source.bytes(32);
        dump.add(&seed, skew);
        let public = okp_public(&Algorithm::Ed25519, &seed).unwrap();
        dump.add(&public, (skew * 5) % 16);
        planted.push(PublicKey::ec(Curve::P256, &point).unwrap().fingerprint().spki_sha256);
        planted.push(PublicKey::okp(Algorithm::Ed25519, &public).unwrap().fingerprint().spki_sha256);
    }
    let found = fingerprints(&search(&dump.bytes, &[]));
    let missing = planted.iter().filter(|fingerprint| !found.contains(fingerprint)).count();
    assert_eq!((missing, found.len()), (0, planted.len()));
}

/// As PyCryptodome keeps a key, whose public key lies in no form of its own.
#[test]
fn a_seed_is_found_by_what_it_signs_with() {
    let mut dump = Dump::new(200 << 10, 29);
    let seed = dump.source.bytes(32);
    let at = dump.put(&seed, 0);
    let hash = reading::seed_hash(&seed);
    let (start, len) = (dump.bytes.clone(), dump.at);
    dump.add(reading::prefix(&hash), 3);
    let outcome = search(&dump.bytes, &[]);
    let found = found_of(&outcome);
    assert_eq!((found.rule, found.places[0].offset), ("memory-eddsa-private-key", at as u64));
    let public = PublicKey::okp(Algorithm::Ed25519, &okp_public(&Algorithm::Ed25519, &seed).unwrap()).unwrap();
    assert_eq!(fingerprints(&outcome), [public.fingerprint().spki_sha256]);
    for altered in [0, 7, 8, 31] {
        (dump.bytes, dump.at) = (start.clone(), len);
        let mut near = reading::prefix(&hash).to_vec();
        near[altered] ^= 1;
        dump.add(&near, 3);
        assert!(search(&dump.bytes, &[]).found.is_empty(), "{altered}");
    }
}

#[test]
fn near_misses_are_nothing() {
    let mut source = Source::new(31);
    let d = source.scalar(Curve::P256);
    let point = ec_public(Curve::P256, &d).unwrap();
    let seed = source.bytes(32);
    let public = okp_public(&Algorithm::Ed25519, &seed).unwrap();
    let altered = |bytes: &[u8], at: usize| {
        let mut bytes = bytes.to_vec();
        bytes[at] ^= 0x10;
        bytes
    };
    let search_for = |parts: &[&[u8]]| {
        let mut dump = Dump::new(200 << 10, 8);
        parts.iter().for_each(|part| dump.add(part, 0));
        search(&dump.bytes, &[]).found.len()
    };
    assert_eq!(search_for(&[&d, &point, &seed, &public]), 2);
    for at in [0, 7, 8, 16, 31] {
        let (near_d, near_seed) = (altered(&d, at), altered(&seed, at));
        assert_eq!(search_for(&[&near_d, &point, &near_seed, &public]), 0, "{at}");
        // Of P-256 the other coordinate remains, of which a single one proves nothing.
        let (near_point, near_public) = (altered(&point, at + 1), altered(&public, at));
        assert_eq!(search_for(&[&d, &near_point, &seed, &near_public]), 0, "{at}");
    }
    assert_eq!(search_for(&[&point, &public]), 0);
    assert_eq!(search_for(&[&d, &seed]), 0);
    // A public key taken for a seed, and the other way round.
    assert_eq!(search_for(&[&public, &seed[..31]]), 0);
}

#[test]
fn the_point_decides_between_a_scalar_and_its_negative() {
    for curve in [Curve::P256, Curve::P384] {
        let mut dump = Dump::new(300 << 10, 64);
        let d = dump.source.scalar(curve);
        let point = ec_public(curve, &d).unwrap();
        let group = Group::Ec(curve);
        let mut negative = limbs_of(&d, group);
        let mut borrow = false;
        for (limb, order) in negative.iter_mut().zip(group.order()) {
            let (difference, b1) = order.overflowing_sub(*limb);
            let (difference, b2) = difference.overflowing_sub(u64::from(borrow));
            (*limb, borrow) = (difference, b1 | b2);
        }
        let negative: Vec<u8> = negative.iter().flat_map(|limb| limb.to_le_bytes()).collect();
        dump.add(&negative, 0);
        dump.add(&point, 3);
        let outcome = search(&dump.bytes, &[]);
        assert_eq!(fingerprints(&outcome), [PublicKey::ec(curve, &point).unwrap().fingerprint().spki_sha256]);
    }
}

#[test]
fn constants_of_a_curve_are_no_keys() {
    let mut dump = Dump::new(400 << 10, 12);
    for curve in [Curve::BrainpoolP256r1, Curve::P256] {
        let group = Group::Ec(curve);
        let size = curve.field_bytes();
        let order: Vec<u8> = group.order().iter().rev().flat_map(|limb| limb.to_be_bytes()).collect();
        for less in [1, 2, 3] {
            let mut scalar = order.clone();
            scalar[size - 1] -= less;
            dump.add(&scalar, 0);
            dump.add(&Order::Little.encode(&scalar), 0);
            let mut small = vec![0; size];
            small[size - 1] = less;
            let mut radix = limbs_of(&small, group);
            group.montgomery_scalar(&mut radix);
            dump.add(&radix.iter().flat_map(|limb| limb.to_le_bytes()).collect::<Vec<u8>>(), 0);
            dump.add(&ec_public(curve, &small).unwrap(), 1);
            let radix: Vec<u8> = radix.iter().rev().flat_map(|limb| limb.to_be_bytes()).collect();
            dump.add(&ec_public(curve, &radix).unwrap(), 1);
        }
    }
    let outcome = search(&dump.bytes, &[]);
    assert!(outcome.found.is_empty(), "{:?}", outcome.found);
}

fn found_of(outcome: &Outcome) -> &Found {
    assert_eq!(outcome.found.len(), 1, "{outcome:?}");
    &outcome.found[0]
}

#[test]
fn all_copies_are_listed_with_their_structures() {
    let mut dump = Dump::new(200 << 10, 3);
    let seed = dump.source.bytes(32);
    let public = okp_public(&Algorithm::Ed25519, &seed).unwrap();
    let first = dump.put(&[seed.clone(), public.clone()].concat(), 0);
    let second = dump.put(&seed, 7);
    let scalar = dump.put(&seed_scalar(Group::Curve25519, &seed), 0);
    let outcome = search(&dump.bytes, &[]);
    let places: Vec<u64> = found_of(&outcome).places.iter().map(|place| place.offset).collect();
    assert_eq!(places, [first as u64, second as u64, scalar as u64]);

    let mut dump = Dump::new(200 << 10, 4);
    let d = dump.source.scalar(Curve::P256);
    let at = dump.put(&Order::Little.encode(&d), 0);
    // An OpenSSL BIGNUM: digits, top, dmax, neg, flags.
    let mut bignum = (0x7f00_0000_0000 + at as u64).to_le_bytes().to_vec();
    bignum.extend([4, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0]);
    dump.add(&bignum, 0);
    dump.add(&ec_public(Curve::P256, &d).unwrap(), 0);
    assert_eq!(found_of(&search(&dump.bytes, &[])).places[0].what, "d as little-endian limbs, OpenSSL BIGNUM");
}

#[test]
fn nothing_is_found_in_noise_and_no_dump_is_trouble() {
    assert!(search(&crate::noise::code(2 << 20), &[]).found.is_empty());
    let mut source = Source::new(90);
    let random = source.bytes(300 << 10);
    assert!(search(&random, &[]).found.is_empty());
    let mut fours: Vec<u8> = random.iter().map(|b| if b % 3 == 0 { 4 } else { *b }).collect();
    assert!(search(&fours, &[]).found.is_empty());
    // Every prefix of a dump with a key, and the key in every place of a chunk's border.
    let d = source.scalar(Curve::P256);
    let point = ec_public(Curve::P256, &d).unwrap();
    fours.truncate(512);
    fours[40..104].fill(0);
    fours[48..80].copy_from_slice(&Order::Little.encode(&d));
    fours[200..300].fill(0);
    fours[210..275].copy_from_slice(&point);
    for len in (0..fours.len()).step_by(3) {
        let found = search(&fours[..len], &[]).found.len();
        assert_eq!(found, usize::from(len >= 275), "{len}");
    }
}

#[test]
fn unreadable_memory_is_passed_over() {
    struct Broken;
    impl Memory for Broken {
        fn read_at(&self, _: u64, _: &mut [u8]) -> usize {
            0
        }
        fn segments(&self) -> &[crate::Segment] {
            &[]
        }
        fn locate(&self, _: u64) -> Option<(u64, u64)> {
            None
        }
        fn address_of(&self, _: u64) -> Option<u64> {
            None
        }
    }
    let mut survey = survey(&Broken, 1);
    survey.runs = vec![crate::Run { offset: 8, words: 9 }, crate::Run { offset: u64::MAX - 4096, words: 4 }];
    let number = crate::Number { offset: u64::MAX - 7, len: 32, order: Order::Little, structure: "none" };
    survey.numbers = vec![number];
    let context =
        Context { memory: &Broken, survey: &survey, public: &[], jobs: 2, effort: crate::search::Effort::Full };
    let mut outcome = Outcome::default();
    Elliptic.find(&context, &[0, u64::MAX], &mut outcome);
    assert!(outcome.found.is_empty());
}
