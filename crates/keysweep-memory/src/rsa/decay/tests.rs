//! Numbers with wrong and lost bits.

use super::super::natural::Natural;
use super::super::tests::{BASE, Dump, Key, RSA_1024, RSA_2048, Random, assert_found};
use super::multiple;
use super::noisy::{Noisy, Rates};
use super::solve::{Guess, Numbers, Target, solve};
use crate::hunt::{Step, hunt};
use crate::memory::Flat;
use crate::order::Order;
use keysweep_keys::PublicKey;
use num_bigint::BigUint;
use std::time::Duration;

/// How numbers are damaged: one in so many bits is lost; ones and zeros that are there are wrong.
#[derive(Debug, Clone, Copy)]
struct Damage {
    lost: f64,
    rates: Rates,
}

fn chance(random: &mut Random, rate: f64) -> bool {
    (random.next() >> 11) as f64 / (1u64 << 53) as f64 <= rate - f64::EPSILON
}

fn damaged(random: &mut Random, number: &BigUint, limbs: usize, damage: Damage) -> Noisy {
    let mut bits = number.to_u64_digits();
    bits.resize(limbs, 0);
    let mut known = vec![u64::MAX; limbs];
    for index in 0..64 * limbs {
        let (limb, bit) = (index / 64, 1u64 << (index % 64));
        let rate = if bits[limb] & bit == 0 { damage.rates.zero } else { damage.rates.one };
        if chance(random, rate) {
            bits[limb] ^= bit;
        }
        if chance(random, damage.lost) {
            known[limb] &= !bit;
            bits[limb] &= !bit;
        }
    }
    Noisy::from_limbs(&bits, &known)
}

const ALL: [&str; 5] = ["p", "q", "d", "dp", "dq"];

fn numbers(random: &mut Random, key: &Key, names: &[&str], damage: Damage) -> Numbers {
    let limbs = key.number("n").bits().div_ceil(64) as usize;
    let mut number = |name: &str, limbs: usize| {
        let there = names.iter().find(|other| other.trim_start_matches("lambda ") == name);
        there.map(|name| damaged(random, &key.number(name), limbs, damage))
    };
    Numbers {
        p: number("p", limbs / 2),
        q: number("q", limbs / 2),
        d: number("d", limbs),
        dp: number("dp", limbs / 2),
        dq: number("dq", limbs / 2),
    }
}

fn natural(number: &BigUint) -> Natural {
    Natural::from_be(&number.to_bytes_be())
}

fn rebuilds(key: &Key, numbers: &Numbers, effort: &mut u64) -> bool {
    let n = natural(&key.number("n"));
    let target = Target { n: &n, e: 65_537, counts: None };
    let exponent = numbers.d.as_ref().and_then(|d| multiple::exponent(&n, 65_537, d));
    let solved = solve(&target, &[Guess { numbers: numbers.clone(), exponent }], effort);
    solved.is_some_and(|(_, solved)| [key.number("p"), key.number("q")].iter().any(|p| natural(p) == solved.p))
}

/// Damages these numbers of keys of two sizes, and checks that the keys are rebuilt.
fn all_rebuilt(random: &mut Random, names: &[&str], damage: Damage) {
    for key in [&*RSA_1024, &RSA_2048] {
        let numbers = numbers(random, key, names, damage);
        let mut effort = 400_000_000;
        let found = rebuilds(key, &numbers, &mut effort);
        assert!(found, "{names:?} {damage:?}");
    }
}

#[test]
fn lost_bits_are_rebuilt() {
    let mut random = Random::new(400);
    for (names, lost) in
        [(&ALL[..], 0.6), (&["p", "q", "lambda d"], 0.45), (&["p", "q"], 0.3), (&["p", "q", "dp", "dq"], 0.45)]
    {
        all_rebuilt(&mut random, names, Damage { lost, rates: Rates::NONE });
    }
}

#[test]
fn wrong_bits_are_put_right() {
    let mut random = Random::new(401);
    let even = Rates::even;
    let decay = |one, zero| Rates { one, zero };
    for (names, rates) in [
        (&ALL[..], even(0.12)),
        (&["p", "q", "lambda d", "dp", "dq"], even(0.08)),
        (&["p", "q", "d"], even(0.06)),
        (&["p", "q"], even(0.03)),
        (&ALL[..], decay(0.35, 0.001)),
        (&ALL[..], decay(0.001, 0.35)),
    ] {
        all_rebuilt(&mut random, names, Damage { lost: 0.0, rates });
    }
}

#[test]
fn a_damaged_exponent_is_known_by_its_upper_half() {
    let mut random = Random::new(402);
    for key in [&*RSA_1024, &RSA_2048] {
        let n = natural(&key.number("n"));
        let limbs = n.limbs().len();
        for (name, rate) in [("d", 0.2), ("lambda d", 0.2), ("d", 0.0), ("d", 0.3)] {
            let d = damaged(&mut random, &key.number(name), limbs, Damage { lost: 0.1, rates: Rates::even(rate) });
            let found = multiple::exponent(&n, 65_537, &d).unwrap_or_else(|| panic!("{name} {rate}"));
            let (k, g) = (found.multiple.k, found.multiple.g);
            let (one, e) = (BigUint::from(1u8), BigUint::from(65_537u32));
            let order = (key.number("p") - &one) * (key.number("q") - &one);
            assert_eq!(g * (e * key.number(name) - &one), k * order, "{name} {rate}");
            let share = f64::from(found.counts.wrong()) / f64::from(found.counts.all());
            assert!((share - rate).abs() < 0.07, "{rate} {share}");
        }
        for _ in 0..4 {
            let noise = Noisy::from_limbs(&random.limbs(limbs), &vec![u64::MAX; limbs]);
            assert!(multiple::exponent(&n, 65_537, &noise).is_none());
        }
        // The exponent of another modulus.
        let other = Natural::from_limbs(&random.limbs(limbs));
        let d = damaged(&mut random, &key.number("d"), limbs, Damage { lost: 0.0, rates: Rates::NONE });
        assert!(multiple::exponent(&other, 65_537, &d).is_none());
    }
}

/// An INTEGER in DER.
fn integer(number: &BigUint) -> Vec<u8> {
    let mut digits = number.to_bytes_be();
    if digits[0] >= 0x80 {
        digits.insert(0, 0);
    }
    tagged(2, &digits)
}

fn tagged(tag: u8, body: &[u8]) -> Vec<u8> {
    let len = body.len();
    let header = match len {
        0..0x80 => vec![tag, len as u8],
        0x80..0x100 => vec![tag, 0x81, len as u8],
        _ => vec![tag, 0x82, (len >> 8) as u8, len as u8],
    };
    [&header[..], body].concat()
}

/// RSAPrivateKey, with a `d` of either kind.
fn der(key: &Key, d: &str) -> Vec<u8> {
    let mut body = tagged(2, &[0]);
    body.extend(integer(&key.number("n")));
    body.extend(integer(&BigUint::from(65_537u32)));
    for name in [d, "p", "q", "dp", "dq", "qinv"] {
        body.extend(integer(&key.number(name)));
    }
    tagged(0x30, &body)
}

/// Turns bits of bytes over.
fn spoil(random: &mut Random, bytes: &mut [u8], rates: Rates) {
    for byte in bytes {
        for bit in 0..8 {
            let rate = if *byte >> bit & 1 == 0 { rates.zero } else { rates.one };
            *byte ^= u8::from(chance(random, rate)) << bit;
        }
    }
}

#[test]
fn damaged_der_is_rebuilt() {
    let decay = Rates { one: 0.25, zero: 0.002 };
    for (key, seed) in [(&*RSA_1024, 0), (&RSA_2048, 20)] {
        for (index, rates) in [Rates::even(0.01), Rates::even(0.05), Rates::even(0.1), decay].into_iter().enumerate() {
            let mut dump = Dump::new(1000 + seed + index as u64);
            let mut bytes = der(key, ["d", "lambda d"][index % 2]);
            spoil(&mut dump.random, &mut bytes, rates);
            let at = dump.put(&bytes, index);
            let what = format!("{rates:?}");
            // A scan compares one number with all multiples, which need not be the right one where headers are this bad.
            let outcome = match index {
                2 => hunt(&Flat::at(&dump.bytes, BASE), &[key.public()], Step::Words, 2).0,
                _ => dump.search(&[key.public()]),
            };
            assert_found(&outcome, key, &what);
            let place = &outcome.found[0].places[0];
            assert!(
                place.what.starts_with("PKCS#1 DER, damaged, ") && place.what.ends_with(" bits wrong"),
                "{place:?}"
            );
            assert!((at..at + 20).contains(&(place.offset as usize)), "{what} {at} {place:?}");
            // Without the modulus there is nothing to begin with.
            assert!(dump.search(&[]).found.is_empty(), "{what}");
        }
    }
}

#[test]
fn der_with_holes_is_rebuilt() {
    let key = &*RSA_2048;
    let number = |name: &str| {
        let whole = der(key, "d");
        let digits = key.number(name).to_bytes_be();
        let at = whole.windows(digits.len()).position(|window| window == digits).unwrap();
        at..at + digits.len()
    };
    let (n, d, p, q) = (number("n"), number("d"), number("p"), number("q"));
    let (dp, dq) = (number("dp"), number("dq"));
    // Lines of a cache that read as zeros; parts of the numbers; all before the primes.
    let lines: Vec<_> = (n.end..dq.end).step_by(192).map(|at| at..at + 64).collect();
    let parts =
        vec![d.start..d.start + 200, p.start + 30..p.start + 80, q.start..q.start + 40, dp.start + 60..dq.start + 10];
    let before = vec![
        0..d.end - 40,
        p.start + 20..p.start + 60,
        q.start + 80..q.start + 110,
        dp.start..dp.start + 30,
        dq.start + 50..dq.start + 90,
    ];
    for (seed, holes) in [lines, parts, before].into_iter().enumerate() {
        for fill in ["zeros", "ones", "text"] {
            let mut dump = Dump::new(1100 + seed as u64);
            let mut bytes = der(key, "d");
            for hole in &holes {
                for at in hole.clone() {
                    bytes[at] = match fill {
                        "zeros" => 0,
                        "ones" => 255,
                        _ => b"the quick brown fox jumps"[at % 25],
                    };
                }
            }
            dump.put(&bytes, 0);
            let what = format!("{seed} {fill}");
            // Without the upper half of d nothing shows that this is a key, and text that is not wholly told from bits costs more than a scan
            // spends on what is not sure.
            let outcome = match what.as_str() {
                "1 text" => hunt(&Flat::at(&dump.bytes, BASE), &[key.public()], Step::Words, 2).0,
                _ => dump.search(&[key.public()]),
            };
            assert_found(&outcome, key, &what);
            let places = &outcome.found[0].places;
            assert!(places.iter().any(|place| place.what.contains("PKCS#1 DER, damaged")), "{what} {places:?}");
        }
    }
}

#[test]
fn the_modulus_beside_a_damaged_key_is_enough() {
    let key = &*RSA_2048;
    let mut dump = Dump::new(1200);
    let mut bytes = der(key, "lambda d");
    let private = 4 + 3 + 4 + 257 + 5;
    spoil(&mut dump.random, &mut bytes[private..], Rates::even(0.03));
    dump.put(&bytes, 0);
    assert_found(&dump.search(&[]), key, "own modulus");
}

#[test]
fn what_only_looks_like_a_key_is_none() {
    let key = &*RSA_2048;
    let mut dump = Dump::new(1300);
    let public = [key.public(), PublicKey::rsa(&(key.number("n") + 2u32 * key.number("p")).to_bytes_be(), &[1, 0, 1])];
    // The headers of keys with other numbers: random ones, or its own with more wrong bits than can be put right.
    for index in 0..12 {
        let mut bytes = der(key, "d");
        for name in ["n", "d", "p", "q", "dp", "dq"] {
            let digits = key.number(name).to_bytes_be();
            let from = bytes.windows(digits.len()).position(|window| window == digits).unwrap();
            let part = &mut bytes[from..from + digits.len()];
            if name != "n" && index % 4 == 1 {
                spoil(&mut dump.random, part, Rates::even(0.4));
            } else {
                part.copy_from_slice(&dump.random.bytes(digits.len()));
            }
        }
        dump.put(&bytes, index);
    }
    for public in [&public[..1], &public[1..], &public, &[]] {
        let outcome = keysweep_testkit::bounded(Duration::from_secs(10), "a search", || dump.search(public));
        assert!(outcome.found.is_empty() && outcome.limits.is_empty(), "{:?}", outcome.limits);
    }
}

/// Puts numbers as OpenSSL does: limbs, and a `BIGNUM` that points to them. Returns where the limbs lie.
fn put_bignums(dump: &mut Dump, numbers: &[BigUint], rates: Rates) -> Vec<usize> {
    let mut places = Vec::new();
    for number in numbers {
        let mut limbs = Order::Little.encode(&number.to_bytes_be());
        spoil(&mut dump.random, &mut limbs, rates);
        let at = dump.put(&limbs, 0);
        let count = (limbs.len() / 8) as u32;
        let sizes = [count, count, 0, 1].map(u32::to_le_bytes).concat();
        dump.put(&[&(BASE + at as u64).to_le_bytes()[..], &sizes].concat(), 0);
        places.push(at);
    }
    places
}

#[test]
fn damaged_numbers_of_structures_are_rebuilt() {
    let names = [["d", "p", "q", "dp", "dq", "qinv"], ["dq", "qinv", "q", "lambda d", "dp", "p"]];
    for (key, seed) in [(&*RSA_1024, 0), (&RSA_2048, 20)] {
        for (order, names) in names.iter().enumerate() {
            for (index, rate) in [0.02, 0.04, 0.06].into_iter().enumerate() {
                let mut dump = Dump::new(1400 + seed + 5 * order as u64 + index as u64);
                let numbers = names.map(|name| key.number(name));
                let places = put_bignums(&mut dump, &numbers, Rates::even(rate));
                let what = format!("{names:?} {rate}");
                let outcome = dump.search(&[key.public()]);
                assert_found(&outcome, key, &what);
                let found = &outcome.found[0].places;
                for (name, at) in names.iter().zip(&places).filter(|(name, _)| **name != "qinv") {
                    let place = found.iter().find(|place| place.offset == *at as u64);
                    let place = place.unwrap_or_else(|| panic!("{what}: {name}: {found:?}"));
                    let name = name.trim_start_matches("lambda ");
                    assert!(place.what.starts_with(&format!("{name} as little-endian limbs")), "{what}: {place:?}");
                }
                let wrong = found.iter().filter(|place| place.what.contains(" wrong")).count();
                assert!(wrong >= 3, "{what}: {found:?}");
            }
        }
    }
}

#[test]
fn a_hunt_rebuilds_numbers_without_structures() {
    let key = &*RSA_2048;
    let mut dump = Dump::new(1500);
    for name in ["p", "q", "dp", "dq", "lambda d"] {
        let mut limbs = Order::Little.encode(&key.number(name).to_bytes_be());
        spoil(&mut dump.random, &mut limbs, Rates::even(0.03));
        dump.put(&limbs, 0);
    }
    let memory = Flat::at(&dump.bytes, BASE);
    let (outcome, _) = hunt(&memory, &[key.public()], Step::Words, 2);
    assert_found(&outcome, key, "runs");
}

#[test]
fn a_hunt_rebuilds_numbers_with_holes_in_memory_of_malloc() {
    let key = &*RSA_2048;
    let mut dump = Dump::new(1510);
    for (index, name) in ["qinv", "p", "d", "q", "dp", "dq"].into_iter().enumerate() {
        let mut limbs = Order::Little.encode(&key.number(name).to_bytes_be());
        // The links of freed memory in all but one, and a line that is missing elsewhere in each.
        if name != "q" {
            let link = (BASE ^ BASE >> 12).to_le_bytes();
            limbs[..16].copy_from_slice(&[link, link].concat());
        }
        let from = 16 + 14 * index;
        limbs[from..from + 32].fill(0);
        let size = (limbs.len() + 8).next_multiple_of(16) as u64 | 1;
        dump.put(&[&[0; 8][..], &size.to_le_bytes(), &limbs].concat(), 0);
    }
    let memory = Flat::at(&dump.bytes, BASE);
    let (outcome, _) = hunt(&memory, &[key.public()], Step::Words, 2);
    assert_found(&outcome, key, "chunks");
    let lost = outcome.found[0].places.iter().filter(|place| place.what.contains(" bytes lost")).count();
    assert!(lost >= 5, "{:?}", outcome.found[0].places);
}

#[test]
fn structures_with_other_numbers_cost_a_bounded_time() {
    let key = &*RSA_2048;
    let mut dump = Dump::new(1600);
    let mut numbers = Vec::new();
    for _ in 0..30 {
        numbers.push(BigUint::from_bytes_be(&dump.random.bytes(256)));
        numbers.extend((0..3).map(|_| BigUint::from_bytes_be(&dump.random.bytes(128))));
    }
    put_bignums(&mut dump, &numbers, Rates::NONE);
    let public = [key.public(), RSA_1024.public()];
    let outcome = keysweep_testkit::bounded(Duration::from_secs(10), "a search", || dump.search(&public));
    assert!(outcome.found.is_empty() && outcome.limits.is_empty(), "{:?}", outcome.limits);
    let memory = Flat::at(&dump.bytes, BASE);
    let (outcome, _) =
        keysweep_testkit::bounded(Duration::from_secs(30), "a hunt", || hunt(&memory, &public, Step::Words, 1));
    assert!(outcome.found.is_empty() && outcome.limits.is_empty(), "{:?}", outcome.limits);
}

/// In how many of ten cases a key is rebuilt, and the median time.
fn measured(random: &mut Random, key: &Key, names: &[&str], damage: Damage) -> (usize, Duration) {
    let mut times = Vec::new();
    let mut found = 0;
    for _ in 0..10 {
        let numbers = numbers(random, key, names, damage);
        let time = std::time::Instant::now();
        found += usize::from(rebuilds(key, &numbers, &mut { super::SCAN.surely }));
        times.push(time.elapsed());
    }
    times.sort();
    (found, times[5])
}

/// What the method costs and reaches, for `docs/memory.md`; run in a release build with `--ignored --nocapture`.
#[test]
#[ignore = "measures"]
fn measure() {
    let mut random = Random::new(403);
    for bits in [1024, 2048, 4096] {
        let key = Key::new(&mut random, &[bits / 2, bits / 2], 65_537);
        for names in [&["p", "q", "lambda d", "dp", "dq"][..], &["p", "q", "lambda d"], &["p", "q"]] {
            let lost: fn(f64) -> Damage = |lost| Damage { lost, rates: Rates::NONE };
            let even: fn(f64) -> Damage = |rate| Damage { lost: 0.0, rates: Rates::even(rate) };
            let decay: fn(f64) -> Damage = |one| Damage { lost: 0.0, rates: Rates { one, zero: 0.001 } };
            for (kind, damage, step) in [("lost", lost, 0.02), ("wrong", even, 0.01), ("fallen", decay, 0.02)] {
                let mut best = None;
                for percent in 1..48 {
                    let rate = f64::from(percent) * step;
                    // The first ones are known to be well below.
                    if rate < 0.04 || (names.len() == 5 && rate < if kind == "wrong" { 0.12 } else { 0.4 }) {
                        continue;
                    }
                    let (found, time) = measured(&mut random, &key, names, damage(rate));
                    if found < 9 {
                        eprintln!("{bits} {names:?} {kind}: {best:?}, then {found} of 10 at {rate:.2} in {time:?}");
                        break;
                    }
                    best = Some((format!("{rate:.2}"), time));
                }
            }
        }
    }
    // What junk costs: a number that is compared with all multiples of a modulus.
    for bits in [1024u32, 2048, 4096] {
        let limbs = bits as usize / 64;
        let n = Natural::from_limbs(&random.limbs(limbs));
        let noise = Noisy::from_limbs(&random.limbs(limbs), &vec![u64::MAX; limbs]);
        let time = std::time::Instant::now();
        assert!(multiple::exponent(&n, 65_537, &noise).is_none());
        let all = time.elapsed();
        let time = std::time::Instant::now();
        assert!(multiple::exponent_by_top(&n, 65_537, &noise).is_none());
        eprintln!("{bits}: no exponent in {all:?}, by its top in {:?}", time.elapsed());
    }
}
