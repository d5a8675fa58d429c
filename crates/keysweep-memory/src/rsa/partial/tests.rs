//! Primes with holes.

use super::super::natural::Natural;
use super::super::tests::{BASE, Dump, RSA_1024, RSA_2048, Random, assert_found};
use super::ends::{from_low, from_top, most_lost};
use super::polynomial::{self, Hole, fill};
use crate::hunt::{Step, hunt};
use crate::memory::Flat;
use crate::order::Order;
use keysweep_keys::PublicKey;
use std::time::Duration;

/// Two primes of half of `bits` bits each, and their product.
fn modulus(random: &mut Random, bits: u64) -> (Natural, Natural, Natural) {
    let mut prime = || Natural::from_be(&random.prime(bits / 2).to_bytes_be());
    let (p, q) = (prime(), prime());
    let n = p.times(&q);
    (n, p, q)
}

#[test]
fn ends_are_rebuilt() {
    let mut random = Random::new(80);
    for bits in [1024u64, 2048, 3072] {
        let half = bits as u32 / 2;
        for round in 0..12 {
            let (n, p, q) = modulus(&mut random, bits);
            for lost in [most_lost(half), 128, most_lost(half) - random.below(100) as u32] {
                let p = if round % 2 == 0 { &p } else { &q };
                // What lies in the hole does not matter at the lower end.
                let found = from_top(&n, p, lost);
                assert!(found.is_some_and(|found| found == *p), "{bits} {round} {lost}");
                let found = from_low(&n, &p.low_bits(half - lost), half - lost, lost);
                assert!(found.is_some_and(|found| found == *p), "{bits} {round} {lost}");
            }
        }
    }
}

/// What is left of a number with a hole.
fn with_hole(p: &Natural, hole: Hole) -> Natural {
    let above = hole.from + hole.bits;
    p.low_bits(hole.from).plus(&p.shifted_down(above).times_two_to(above))
}

#[test]
fn holes_anywhere_are_filled() {
    let mut random = Random::new(81);
    for (bits, power) in [(768, 1), (1024, 1), (1024, 2), (1024, 3), (1024, 5), (768, 7), (2048, 2), (2048, 3)] {
        for round in 0..4 {
            let (n, p, _) = modulus(&mut random, bits);
            let lost = polynomial::most_lost(p.bits(), power) - random.below(20) as u32 * u32::from(round > 0);
            let there = p.bits() - lost;
            let from = [0, there, there / 2, 1 + random.below(there as usize - 1) as u32][round];
            let hole = Hole { from, bits: lost };
            let effort = 3 * polynomial::cost(p.bits(), hole, power);
            let found = fill(&n, &with_hole(&p, hole), hole, power, effort);
            assert!(found.is_some_and(|found| found == p), "{bits} {hole:?} {power}");
        }
    }
}

#[test]
fn other_numbers_are_no_primes() {
    let mut random = Random::new(83);
    let (n, p, _) = modulus(&mut random, 1024);
    let (other, ..) = modulus(&mut random, 1024);
    let lost = most_lost(512);
    for _ in 0..200 {
        let noise = Natural::from_limbs(&random.limbs(8));
        assert!(from_top(&n, &noise, lost).is_none());
        assert!(from_low(&n, &noise.low_bits(512 - lost), 512 - lost, lost).is_none());
    }
    // A prime of another modulus, and one in which a bit is wrong.
    let wrong = Natural::from(1).times_two_to(250).plus(&p);
    for (n, p) in [(&other, &p), (&n, &wrong)] {
        assert!(from_top(n, p, lost).is_none());
        assert!(from_low(n, &p.low_bits(512 - lost), 512 - lost, lost).is_none());
        for power in 1..4 {
            let hole = Hole { from: 0, bits: polynomial::most_lost(512, power) };
            assert!(fill(n, &with_hole(p, hole), hole, power, u64::MAX).is_none());
        }
    }
}

#[test]
fn no_number_is_too_odd() {
    let numbers = [0, 1, 2, 3, u64::MAX].map(Natural::from);
    let large = Natural::from(1).times_two_to(1023);
    let all = || numbers.iter().chain([&large]);
    for n in all() {
        for p in all() {
            for lost in [0, 1, 63, 64, 200, 341] {
                assert!(from_top(n, p, lost).is_none_or(|p| n.exactly(&p).is_some()));
                assert!(from_low(n, p, 512, lost).is_none_or(|p| n.exactly(&p).is_some()));
                let hole = Hole { from: lost, bits: lost };
                assert!(fill(n, p, hole, 1, 1_000_000).is_none_or(|p| n.exactly(&p).is_some()));
            }
        }
    }
}

/// Puts a chunk of memory that was freed: its header, links, and what is left of the number, of which `lost` bytes are written over.
fn put_freed(dump: &mut Dump, number: &[u8], lost: usize) -> usize {
    let size = (number.len() + 8).next_multiple_of(16);
    let mut chunk = vec![0; 8];
    chunk.extend((size as u64 | 1).to_le_bytes());
    chunk.extend(number);
    // A link as glibc's safe-linking leaves it, and the key of the thread's cache.
    let link = (BASE ^ BASE >> 12).to_le_bytes();
    let key = dump.random.bytes(8);
    let over = [&link[..], &key, &link, &link].concat();
    chunk[16..16 + lost].copy_from_slice(&over[..lost]);
    chunk.resize(8 + size, 0);
    chunk.extend(0x21u64.to_le_bytes());
    dump.put(&chunk, 0) + 16
}

#[test]
fn the_rest_of_a_number_that_was_freed_is_enough() {
    for (key, lost) in [(&*RSA_1024, 16), (&RSA_2048, 16), (&RSA_2048, 32)] {
        for (seed, order) in [Order::Little, Order::Big].into_iter().enumerate() {
            for name in ["p", "q"] {
                let mut dump = Dump::new(900 + seed as u64);
                let at = put_freed(&mut dump, &order.encode(&key.number(name).to_bytes_be()), lost);
                let what = format!("{name} {order:?} without {lost}");
                assert!(dump.search(&[]).found.is_empty(), "{what}");
                let outcome = dump.search(&[key.public()]);
                assert_found(&outcome, key, &what);
                let place = &outcome.found[0].places[0];
                assert!(place.offset.abs_diff((at + lost) as u64) <= 2, "{what}: {place:?}");
                assert!(place.what.contains("without the"), "{what}: {place:?}");
            }
        }
    }
}

#[test]
fn a_hunt_finds_the_rest_of_a_prime_anywhere() {
    let key = &*RSA_2048;
    for (seed, order) in [Order::Little, Order::Big].into_iter().enumerate() {
        for (lost, shift) in [(0..40, 3), (88..128, 5)] {
            let mut dump = Dump::new(930 + seed as u64);
            let mut number = order.encode(&key.number("q").to_bytes_be());
            number[lost.clone()].fill(0);
            // Limbs amid others, bytes at any place.
            let around = dump.random.bytes(400);
            let at = match order {
                Order::Little => dump.put(&[&around, &number[..], &around].concat(), 0),
                _ => dump.put(&number, shift),
            };
            let memory = Flat::at(&dump.bytes, BASE);
            let (outcome, _) = hunt(&memory, &[key.public()], Step::Words, 2);
            assert_found(&outcome, key, &format!("{order:?} without {lost:?} at {at}"));
        }
    }
}

#[test]
fn a_prime_on_a_page_that_is_not_there_is_rebuilt() {
    let key = &*RSA_2048;
    for (seed, order) in [Order::Little, Order::Big].into_iter().enumerate() {
        for (before, lost) in [(80, 48), (48, 80)] {
            let mut dump = Dump::new(910 + seed as u64);
            let number = order.encode(&key.number("p").to_bytes_be());
            let page = 4096 * 20;
            dump.bytes[page - 4096..page + 4096].fill(0);
            dump.bytes[page - before..page + lost].copy_from_slice(&number);
            let missing = if before > lost { page..page + 4096 } else { page - 4096..page };
            dump.bytes[missing].fill(0);
            let outcome = dump.search(&[key.public()]);
            assert_found(&outcome, key, &format!("{order:?} {before} {lost}"));
        }
    }
}

/// What the method costs and reaches, for `docs/memory.md`; run in a release build with `--ignored --nocapture`.
#[test]
#[ignore = "measures"]
fn measure() {
    let mut random = Random::new(82);
    for bits in [1024u64, 2048, 3072, 4096] {
        let half = bits as u32 / 2;
        let (n, p, _) = modulus(&mut random, bits);
        let lost = most_lost(half);
        let time = std::time::Instant::now();
        let count = 200;
        for _ in 0..count {
            assert!(from_top(&n, &p, lost).is_some());
        }
        let top = time.elapsed() / count;
        let time = std::time::Instant::now();
        for _ in 0..count {
            assert!(from_low(&n, &p.low_bits(half - lost), half - lost, lost).is_some());
        }
        eprintln!("{bits}: {lost} bits lost at an end: {top:?}, {:?}", time.elapsed() / count);
        for power in 1..=polynomial::MAX_POWER {
            let lost = polynomial::most_lost(half, power);
            for from in [0, half - lost] {
                let hole = Hole { from, bits: lost };
                let time = std::time::Instant::now();
                assert!(fill(&n, &with_hole(&p, hole), hole, power, u64::MAX).is_some());
                eprintln!("{bits}: {lost} bits lost from {from} on, power {power}: {:?}", time.elapsed());
            }
        }
    }
}

#[test]
fn noise_and_other_keys_moduli_cost_a_bounded_time() {
    let mut random = Random::new(84);
    let mut dump = Dump::new(920);
    // Chunks of memory with random bytes of all lengths, and hundreds of certificates.
    for _ in 0..3_000 {
        let len = 64 + 8 * random.below(20);
        let mut number = random.bytes(len);
        number[0] |= 1;
        let chunk = [&[0; 8], &(number.len() as u64 + 0x19).to_le_bytes()[..], &[0; 16], &number].concat();
        dump.bytes.extend(chunk);
        dump.bytes.resize(dump.bytes.len().next_multiple_of(16), 0);
    }
    let public: Vec<_> =
        (0..200).map(|_| PublicKey::rsa(&[&[0x80], &random.bytes(254)[..], &[1]].concat(), &[1, 0, 1])).collect();
    let outcome = keysweep_testkit::bounded(Duration::from_secs(20), "a search", || dump.search(&public));
    assert!(outcome.found.is_empty() && outcome.limits.is_empty(), "{:?}", outcome.limits);
}

#[test]
fn a_hunt_says_if_likely_places_are_left_out() {
    let mut random = Random::new(85);
    // Runs as long as a prime of 8192 bits that has lost some words, at 64 looks each.
    let mut bytes = Vec::new();
    for _ in 0..400 {
        bytes.extend([&random.bytes(1000)[..], &[0; 24]].concat());
    }
    let memory = Flat::at(&bytes, BASE);
    let key = PublicKey::rsa(&[&[0x80], &random.bytes(2046)[..], &[1]].concat(), &[1, 0, 1]);
    let (outcome, _) =
        keysweep_testkit::bounded(Duration::from_secs(60), "a hunt", || hunt(&memory, &[key], Step::Words, 1));
    assert!(outcome.found.is_empty());
    assert_eq!(outcome.limits, ["more places that may hold the rest of an RSA prime than are tried"]);
}
