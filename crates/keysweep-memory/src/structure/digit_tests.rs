//! Keys whose numbers lie in arrays of digits, each layout built field by field, and near misses.

use crate::memory::Flat;
use crate::rsa::tests::{RSA_1024, RSA_2048};
use crate::search::{Effort, search};
use crate::survey::elements::tests::digits_of;
use crate::{Found, Survey};
use keysweep_keys::private::ec_public;
use keysweep_keys::{Curve, PublicKey};
use num_bigint::BigUint;

const BASE: u64 = 0x3c45_1800_0000;
/// A map, or what else is a pointer to an object.
const OBJECT: u64 = 0x3c45_1802_1101;
/// Words that share their place with numbers and are no part of them.
const GARBAGE: u32 = 0x5e61_a7c3;

/// A heap that numbers are put into.
struct Heap {
    bytes: Vec<u8>,
}

impl Heap {
    fn new() -> Self {
        Self { bytes: vec![0; 4096] }
    }

    /// Puts bytes `skew` bytes behind a multiple of 16, and returns where.
    fn put(&mut self, bytes: &[u8], skew: usize) -> usize {
        let at = self.bytes.len() + 32 + skew;
        self.bytes.resize(at, 0);
        self.bytes.extend_from_slice(bytes);
        self.bytes.resize((self.bytes.len() + 64).next_multiple_of(16), 0);
        at
    }

    fn found(&self) -> Vec<Found> {
        let mut bytes = self.bytes.clone();
        bytes.resize((bytes.len() + 1).next_multiple_of(4096), 0);
        search(&Flat::at(&bytes, BASE), &[], 1, Effort::Full).found
    }

    fn survey(&self) -> Survey {
        crate::survey::survey(&Flat::at(&self.bytes, BASE), 1)
    }
}

fn halves(values: &[u32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

fn words(values: &[u64]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

/// What is changed in a number: at so many bytes from its first digit, which bits.
type Changes = &'static [(isize, u8)];
/// How digits lie in an array.
type Encode = fn(&[u32]) -> Vec<u8>;
/// How a number is put into a heap; returns where its digits begin.
type Layout = fn(&mut Heap, &[u8], u8) -> usize;

fn limbs(number: &[u8]) -> Vec<u64> {
    BigUint::from_bytes_be(number).to_u64_digits()
}

/// V8 15: the length in the lower half of its word.
fn fixed_array(heap: &mut Heap, number: &[u8], bits: u8) -> usize {
    let digits = digits_of(number, bits);
    let mut all = vec![OBJECT, digits.len() as u64 + 3];
    all.extend(digits.iter().map(|digit| u64::from(*digit) << 32));
    all.extend([0, OBJECT, OBJECT, OBJECT]);
    heap.put(&words(&all), 0) + 20
}

/// The same where anything lies beside the length: by the object that says how many digits are in use.
fn counted(heap: &mut Heap, number: &[u8], bits: u8) -> usize {
    let digits = digits_of(number, bits);
    let mut all = vec![OBJECT, (digits.len() as u64 + 6) | (u64::from(GARBAGE) << 32)];
    // What is behind them was left of other numbers.
    all.extend(digits.iter().chain(&digits[..6]).map(|digit| u64::from(*digit) << 32));
    let elements = heap.put(&words(&all), 0);
    let pointer = |at: usize| BASE + at as u64 + 1;
    let array = heap.put(&words(&[OBJECT, OBJECT, pointer(elements), (digits.len() as u64 + 6) << 32]), 0);
    heap.put(&words(&[OBJECT, OBJECT, OBJECT, 0, pointer(array), (digits.len() as u64) << 32]), 0);
    elements + 20
}

/// V8 15: the number of digits of a BigInt above eight bits.
fn big_int(heap: &mut Heap, number: &[u8], _: u8) -> usize {
    let limbs = limbs(number);
    heap.put(&words(&[&[OBJECT, (limbs.len() as u64) << 8][..], &limbs].concat()), 0) + 16
}

/// Compressed pointers, a plain length, at a multiple of 8 bytes and beside one.
fn compressed<const SKEW: usize>(heap: &mut Heap, number: &[u8], bits: u8) -> usize {
    let digits = digits_of(number, bits);
    let mut all = vec![0x5dd, digits.len() as u32 + 2];
    all.extend(digits.iter().map(|digit| digit << 1));
    all.extend([0xfd, 0xfd, GARBAGE & !1]);
    heap.put(&halves(&all), SKEW) + 8
}

/// Compressed pointers, the length a small integer.
fn compressed_before(heap: &mut Heap, number: &[u8], bits: u8) -> usize {
    let digits = digits_of(number, bits);
    let mut all = vec![0x5dd, digits.len() as u32 * 2];
    all.extend(digits.iter().map(|digit| digit << 1));
    heap.put(&halves(&all), 0) + 8
}

fn compressed_big_int<const SKEW: usize>(heap: &mut Heap, number: &[u8], _: u8) -> usize {
    let limbs = limbs(number);
    let header = halves(&[0x53d, (limbs.len() as u32) << 8]);
    heap.put(&[header, words(&limbs)].concat(), SKEW) + 8
}

/// JavaScriptCore: lengths, then elements, of which some are not in use.
fn javascript_core(heap: &mut Heap, number: &[u8], bits: u8) -> usize {
    let digits = digits_of(number, bits);
    let header = halves(&[digits.len() as u32, digits.len() as u32 + 7]);
    let elements: Vec<u64> = digits.iter().map(|digit| 0xfffe_0000 << 32 | u64::from(*digit)).collect();
    heap.put(&[header, words(&elements), vec![0; 56]].concat(), 0) + 8
}

/// SpiderMonkey: flags, elements that were written, capacity, length.
fn spider_monkey(heap: &mut Heap, number: &[u8], bits: u8) -> usize {
    let digits = digits_of(number, bits);
    let count = digits.len() as u32;
    let header = halves(&[0, count, count + 5, count]);
    let elements: Vec<u64> = digits.iter().map(|digit| 0xfff8_8000 << 32 | u64::from(*digit)).collect();
    heap.put(&[header, words(&elements), words(&[u64::from(GARBAGE); 5])].concat(), 0) + 16
}

/// PHP: a packed array, its elements elsewhere.
fn php<const SIZE: usize>(heap: &mut Heap, number: &[u8], bits: u8) -> usize {
    let digits = digits_of(number, bits);
    let count = digits.len() as u32;
    let mut elements = halves(&[u32::MAX, u32::MAX]);
    for (index, digit) in digits.iter().enumerate() {
        elements.extend(halves(&[*digit, 0, 4, GARBAGE]));
        elements.extend(words(&[index as u64, 0]).iter().take(SIZE - 16));
    }
    let at = heap.put(&elements, 8) + 8;
    let header = [halves(&[1, 7, 0x14, u32::MAX - 1]), words(&[BASE + at as u64]), halves(&[count, count, 40, 0])];
    heap.put(&header.concat(), 0);
    at
}

/// libbf: shifted until the highest bit is set.
fn libbf(heap: &mut Heap, number: &[u8], _: u8) -> usize {
    let value = BigUint::from_bytes_be(number);
    let count = value.bits().div_ceil(64);
    let limbs = (value.clone() << (64 * count - value.bits())).to_u64_digits();
    let at = heap.put(&words(&limbs), 0);
    let header = words(&[BASE + 16, u64::from(GARBAGE) << 32, value.bits(), count, BASE + at as u64]);
    heap.put(&header, 0);
    at
}

/// The layouts, the bits of digits in them, and what the report says of a number there.
const LAYOUTS: [(&str, Layout, u8, &str); 19] = [
    ("V8 15", fixed_array, 26, "26-bit small integers, JavaScript array"),
    ("V8 15", fixed_array, 28, "28-bit small integers, JavaScript array"),
    ("V8 15, counted", counted, 26, "26-bit small integers, JavaScript bignum"),
    ("V8 15, counted", counted, 28, "28-bit small integers, JavaScript bignum"),
    ("V8 15 BigInt", big_int, 64, "little-endian limbs, JavaScript BigInt"),
    ("workerd", compressed::<0>, 26, "an array of 26-bit digits"),
    ("workerd", compressed::<0>, 28, "an array of 28-bit digits"),
    ("workerd beside a word", compressed::<4>, 26, "an array of 26-bit digits"),
    ("workerd beside a word", compressed::<4>, 28, "an array of 28-bit digits"),
    ("Electron", compressed_before, 26, "an array of 26-bit digits"),
    ("workerd BigInt", compressed_big_int::<0>, 64, "little-endian limbs, JavaScript BigInt"),
    ("workerd BigInt beside a word", compressed_big_int::<4>, 64, "little-endian limbs, JavaScript BigInt"),
    ("JavaScriptCore", javascript_core, 26, "an array of 26-bit digits"),
    ("JavaScriptCore", javascript_core, 28, "an array of 28-bit digits"),
    ("SpiderMonkey", spider_monkey, 26, "an array of 26-bit digits"),
    ("PHP 8.2", php::<16>, 31, "an array of 31-bit digits"),
    ("PHP 8.2, 32 bits", php::<16>, 26, "an array of 26-bit digits"),
    ("PHP 8.1", php::<32>, 31, "an array of 31-bit digits"),
    ("libbf", libbf, 64, "limbs shifted to the left, libbf"),
];

fn random(len: usize, seed: u64) -> Vec<u8> {
    crate::curve::random_numbers(seed).flat_map(u64::to_le_bytes).take(len).collect()
}

#[test]
fn rsa_keys_are_found() {
    for (name, layout, bits, what) in LAYOUTS {
        for key in [&*RSA_1024, &*RSA_2048] {
            let mut heap = Heap::new();
            let numbers = ["n", "d", "p", "q", "dp", "dq", "qinv"];
            let places = numbers.map(|number| layout(&mut heap, &key.number(number).to_bytes_be(), bits));
            let found = heap.found();
            assert_eq!(found.len(), 1, "{name} {bits}");
            assert_eq!(found[0].material.public, Some(key.public().fingerprint()), "{name}");
            // The highest bit of primes is set, so that nothing is shifted there.
            let what = if name == "libbf" { "little-endian limbs" } else { what };
            for place in &places[2..4] {
                let here = found[0].places.iter().find(|there| there.offset == *place as u64);
                assert!(here.is_some_and(|place| place.what.ends_with(what)), "{name} {bits}: {:?}", found[0].places);
            }
        }
    }
}

#[test]
fn ec_keys_are_found() {
    let mut missed = 0;
    for (index, (name, layout, bits, what)) in LAYOUTS.into_iter().enumerate() {
        for curve in [Curve::P256, Curve::P384, Curve::Secp256k1] {
            let size = curve.field_bytes();
            for seed in 0..3 {
                let mut d = random(size, 1 + 7 * seed + 100 * index as u64);
                d[0] = [0x7a, 0x35, 0][seed as usize] | 1;
                let point = ec_public(curve, &d).unwrap();
                let mut heap = Heap::new();
                let (x, y) = point[1..].split_at(size);
                layout(&mut heap, x, bits);
                layout(&mut heap, y, bits);
                let at = layout(&mut heap, &d, bits);
                let found = heap.found();
                let public = PublicKey::ec(curve, &point).unwrap().fingerprint();
                // What has no header at a word is known only if its words look random.
                if found.is_empty() && name == "workerd beside a word" {
                    missed += 1;
                    continue;
                }
                assert_eq!(found.len(), 1, "{name} {bits} {curve:?} {seed}");
                assert_eq!(found[0].material.public.as_ref(), Some(&public), "{name} {bits} {curve:?}");
                let here = found[0].places.iter().find(|place| place.offset == at as u64);
                assert!(here.is_some_and(|place| place.what.ends_with(what)), "{name} {bits}: {:?}", found[0].places);
            }
        }
    }
    assert!(missed <= 4, "{missed}");
}

/// As BN.js has them: coordinates in Montgomery form, arrays that are longer than their numbers and hold what was there before.
#[test]
fn numbers_of_bn_js_are_found() {
    let compressed = |digits: &[u32]| {
        let all = [&[0x5dd, digits.len() as u32][..], &digits.iter().map(|digit| digit << 1).collect::<Vec<_>>()];
        halves(&all.concat())
    };
    let javascript_core = |digits: &[u32]| {
        let count = digits.len() as u32;
        let elements: Vec<u64> = digits.iter().map(|digit| 0xfffe_0000 << 32 | u64::from(*digit)).collect();
        [halves(&[count, count + 2]), words(&elements)].concat()
    };
    let layouts: [Encode; 2] = [compressed, javascript_core];
    for (curve, count) in [(Curve::P256, 10usize), (Curve::P384, 15), (Curve::P521, 21)] {
        let prime = BigUint::from_bytes_be(
            &crate::curve::Group::Ec(curve)
                .prime()
                .iter()
                .rev()
                .flat_map(|limb| limb.to_be_bytes())
                .collect::<Vec<_>>(),
        );
        let size = curve.field_bytes();
        for (layout, seed) in layouts.iter().flat_map(|layout| (0..3).map(move |seed| (layout, seed))) {
            let mut d = random(size, 3 + seed);
            d[..2].copy_from_slice(&[if count == 21 { 0 } else { 0x35 }, 0x91]);
            let point = ec_public(curve, &d).unwrap();
            let mut heap = Heap::new();
            for coordinate in point[1..].chunks(size) {
                let value = (BigUint::from_bytes_be(coordinate) << (26 * count)) % &prime;
                let mut digits = digits_of(&value.to_bytes_be(), 26);
                digits.resize(count, 0);
                digits.extend(digits_of(&random(size, 90 + seed), 26));
                heap.put(&layout(&digits), 0);
                // Other numbers lie between the coordinates.
                for other in 0..20 {
                    heap.put(&layout(&digits_of(&random(32, 700 + other), 26)), 0);
                }
            }
            let mut digits = digits_of(&d, 26);
            digits.resize(count + 1, 0);
            let at = heap.put(&layout(&digits), 0) as u64 + 8;
            let found = heap.found();
            assert_eq!(found.len(), 1, "{curve:?} {seed}");
            let public = PublicKey::ec(curve, &point).unwrap().fingerprint();
            assert_eq!(found[0].material.public.as_ref(), Some(&public), "{curve:?}");
            assert!(found[0].places.iter().any(|place| place.offset == at), "{curve:?} {:?}", found[0].places);
        }
    }
}

/// What the survey makes of a heap: numbers of structures with names of the layouts, and numbers behind the dump.
fn seen(heap: &Heap, bits: u8) -> usize {
    let survey = heap.survey();
    // An array may look like a BigInt of older versions.
    let ours: &[&str] = if bits == 64 { &["JavaScript BigInt"] } else { &["JavaScript array", "JavaScript bignum"] };
    survey.texts.len() + survey.numbers.iter().filter(|number| ours.contains(&number.structure)).count()
}

#[test]
fn near_misses_are_no_numbers() {
    let number = [&[0x35][..], &random(47, 9)].concat();
    // What is changed, at so many bytes from the first digit: a length, a digit that is too large, what is no digit, a header.
    let layouts: [(Layout, u8, Changes); 9] = [
        (fixed_array, 26, &[(-12, 0x10), (3 * 8 + 3, 0x10), (3 * 8 - 4, 2), (-20, 2)]),
        (fixed_array, 28, &[(-12, 0x10), (3 * 8 + 3, 0x10), (3 * 8 - 4, 2), (-20, 2)]),
        (big_int, 64, &[(-8, 2), (-6, 1), (-16, 2)]),
        (compressed::<0>, 26, &[(-4, 0x40), (3 * 4, 1), (3 * 4 + 3, 0x20), (-8, 2), (-6, 1)]),
        (compressed::<4>, 28, &[(-4, 0x40), (3 * 4, 1), (3 * 4 + 3, 0x20), (-8, 2), (-6, 1)]),
        (compressed_big_int::<0>, 64, &[(-4, 2), (-2, 1), (-8, 2), (-6, 1)]),
        (javascript_core, 26, &[(-8, 0x40), (3 * 8 + 3, 0x10), (3 * 8 + 4, 1), (7, 1)]),
        (php::<16>, 31, &[(3 * 16 + 3, 0x80), (3 * 16 + 8, 1), (3 * 16 + 4, 1)]),
        (php::<32>, 31, &[(3 * 32 + 3, 0x80), (3 * 32 + 8, 1), (3 * 32 + 16, 1), (3 * 32 + 24, 1)]),
    ];
    for (index, (layout, bits, changes)) in layouts.into_iter().enumerate() {
        let mut heap = Heap::new();
        let at = layout(&mut heap, &number, bits);
        assert_eq!(seen(&heap, bits), 1, "{index}");
        for (delta, bit) in changes {
            let mut other = Heap { bytes: heap.bytes.clone() };
            let byte = &mut other.bytes[at.checked_add_signed(*delta).unwrap()];
            *byte ^= bit;
            assert_eq!(seen(&other, bits), 0, "{index} {delta}");
        }
        // Small numbers, and the same one again and again, are no digits of a key.
        for number in [&[0x41; 48][..], &number[..8]] {
            let mut heap = Heap::new();
            layout(&mut heap, number, bits);
            assert_eq!(seen(&heap, bits), 0, "{index}");
        }
    }
    // The headers that lie elsewhere: counts that differ, no packed array, a wrong exponent, no highest bit, a sign that is none.
    for (layout, bits, deltas) in [
        (php::<16> as Layout, 31, &[(24, 1u8), (28, 1), (12, 1), (17, 8)][..]),
        (libbf, 64, &[(8, 2), (16, 0xc0), (24, 1), (32, 1)]),
    ] {
        let mut heap = Heap::new();
        layout(&mut heap, &number, bits);
        assert_eq!(seen(&heap, bits), 1);
        // It was put there last, of 40 bytes.
        let header = heap.bytes.len() - 112;
        for (delta, changed) in deltas {
            let mut other = Heap { bytes: heap.bytes.clone() };
            other.bytes[header + delta] ^= changed;
            assert_eq!(seen(&other, bits), 0, "{delta}");
        }
    }
}

#[test]
fn heaps_full_of_arrays_take_bounded_time() {
    let numbers: Vec<Vec<u8>> = (0..64).map(|seed| random(32, seed + 500)).collect();
    for (name, layout, bits, _) in LAYOUTS {
        let mut heap = Heap::new();
        for index in 0..4000usize {
            let mut number = numbers[index % 64].clone();
            number[..8].copy_from_slice(&(index as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
            layout(&mut heap, &number, bits);
        }
        let limit = std::time::Duration::from_secs(6);
        let found = keysweep_testkit::bounded(limit, name, || heap.found());
        assert!(found.is_empty(), "{name}");
    }
}
