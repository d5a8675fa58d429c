//! Keys planted in memory of all kinds.

use super::{RULE, Rsa};
use crate::found::Found;
use crate::memory::Flat;
use crate::order::{Order, PYTHON};
use crate::search::{Context, Effort, Finder, Outcome};
use crate::survey::survey;
use keysweep_keys::{Algorithm, ProofLevel, PublicKey};
use num_bigint::BigUint;
use std::sync::LazyLock;

/// Numbers that look random and are the same in each run (xorshift64*).
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        let mut random = Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        (0..8).for_each(|_| _ = random.next());
        random
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    pub(super) fn below(&mut self, limit: usize) -> usize {
        (self.next() >> 11) as usize % limit
    }

    pub(super) fn limbs(&mut self, count: usize) -> Vec<u64> {
        (0..count).map(|_| self.next()).collect()
    }

    pub(super) fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| (self.next() >> 32) as u8).collect()
    }

    /// A prime of `bits` bits, the two highest of which are set.
    pub(super) fn prime(&mut self, bits: u64) -> BigUint {
        let one = BigUint::from(1u8);
        loop {
            let mut p = BigUint::from_bytes_be(&self.bytes(bits as usize / 8 + 8)) >> (64 + bits % 8);
            p.set_bit(bits, false);
            [0, bits - 1, bits - 2].into_iter().for_each(|bit| p.set_bit(bit, true));
            let small =
                [3u32, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47].into_iter().any(|s| &p % s == BigUint::ZERO);
            // Fermat's test, by the independent library, is wrong for none of these.
            if p.bits() == bits && !small && BigUint::from(2u8).modpow(&(&p - &one), &p) == one {
                return p;
            }
        }
    }
}

/// A key made by the independent library.
#[derive(Clone)]
pub(crate) struct Key {
    pub(super) n: BigUint,
    e: BigUint,
    d: BigUint,
    primes: Vec<BigUint>,
}

impl Key {
    pub(super) fn new(random: &mut Random, sizes: &[u64], e: u64) -> Self {
        loop {
            let primes = sizes.iter().map(|bits| random.prime(*bits)).collect();
            if let Some(key) = Self::of(primes, e) {
                return key;
            }
        }
    }

    fn of(primes: Vec<BigUint>, e: u64) -> Option<Self> {
        let (one, e) = (BigUint::from(1u8), BigUint::from(e));
        let phi = primes.iter().fold(one.clone(), |phi, p| phi * (p - &one));
        let d = e.modinv(&phi)?;
        let n = primes.iter().fold(one, |n, p| n * p);
        Some(Self { n, e, d, primes })
    }

    fn dp(&self, i: usize) -> BigUint {
        &self.d % (&self.primes[i] - BigUint::from(1u8))
    }

    /// `d` modulo the least common multiple.
    fn lambda_d(&self) -> BigUint {
        let (p, q) = (&self.primes[0] - BigUint::from(1u8), &self.primes[1] - BigUint::from(1u8));
        let (mut a, mut b) = (p.clone(), q.clone());
        while b != BigUint::ZERO {
            (a, b) = (b.clone(), a % b);
        }
        self.e.modinv(&(p / a * q)).unwrap()
    }

    pub(crate) fn public(&self) -> PublicKey {
        PublicKey::rsa(&self.n.to_bytes_be(), &self.e.to_bytes_be())
    }

    pub(crate) fn number(&self, name: &str) -> BigUint {
        match name {
            "n" => self.n.clone(),
            "d" => self.d.clone(),
            "lambda d" => self.lambda_d(),
            "p" => self.primes[0].clone(),
            "q" => self.primes[1].clone(),
            "r" => self.primes[2].clone(),
            "dp" => self.dp(0),
            "dq" => self.dp(1),
            "qinv" => self.primes[1].modinv(&self.primes[0]).unwrap(),
            _ => unreachable!("{name}"),
        }
    }
}

pub(crate) static RSA_1024: LazyLock<Key> = LazyLock::new(|| Key::new(&mut Random::new(1), &[512, 512], 65_537));
pub(crate) static RSA_2048: LazyLock<Key> = LazyLock::new(|| Key::new(&mut Random::new(2), &[1024, 1024], 65_537));

pub(super) const BASE: u64 = 0x7f3a_1c00_0000;

/// What a heap, a stack and a library hold, and room between.
pub(super) struct Dump {
    pub(super) random: Random,
    pub(super) bytes: Vec<u8>,
    /// Where the next number goes.
    pub(super) at: usize,
}

impl Dump {
    pub(super) fn new(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let mut bytes = Vec::new();
        let code = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        while bytes.len() < 256 << 10 {
            let len = 8 * (1 + random.below(300));
            match random.below(6) {
                0 => bytes.extend(std::iter::repeat_n(0, len)),
                1 => {
                    (0..len / 8).for_each(|_| bytes.extend((BASE + random.next() % (1 << 20) / 16 * 16).to_le_bytes()))
                }
                2 => (0..len).for_each(|_| bytes.push(b"etaoin shrdlu, ETAOIN\n{}=\"':"[random.below(28)])),
                3 => (0..len / 8).for_each(|_| bytes.extend((random.next() % 1000).to_le_bytes())),
                4 => {
                    let from = random.below(code.len() - len);
                    bytes.extend(&code[from..from + len]);
                }
                _ => {
                    let count = 8 * (1 + random.below(12));
                    bytes.extend(random.bytes(count));
                    bytes.extend([0; 16]);
                }
            }
        }
        Self { random, bytes, at: 4096 }
    }

    /// Puts bytes at the next place, with zeros before and after, at `shift` bytes after a multiple of 16.
    pub(super) fn put(&mut self, digits: &[u8], shift: usize) -> usize {
        let at = self.at / 16 * 16 + 32 + shift;
        self.bytes[at - 16 - shift..at + digits.len() + 48].fill(0);
        self.bytes[at..at + digits.len()].copy_from_slice(digits);
        self.at = at + digits.len() + 64 + self.random.below(1500);
        at
    }

    fn put_number(&mut self, number: &BigUint, order: Order) -> usize {
        self.put(&order.encode(&number.to_bytes_be()), 0)
    }

    pub(super) fn search(&self, public: &[PublicKey]) -> Outcome {
        let memory = Flat::at(&self.bytes, BASE);
        let survey = survey(&memory, 1);
        let mut outcome = Outcome::default();
        Rsa.find(
            &Context { memory: &memory, survey: &survey, public, jobs: 2, effort: Effort::Full },
            &[],
            &mut outcome,
        );
        outcome
    }
}

pub(super) fn assert_found(outcome: &Outcome, key: &Key, what: &str) {
    let is = |found: &&Found| found.material.public == Some(key.public().fingerprint());
    let found = outcome
        .found
        .iter()
        .find(is)
        .unwrap_or_else(|| panic!("{what} {}: missed, found {}", key.n.bits(), outcome.found.len()));
    assert_eq!((found.rule, &found.material.algorithm), (RULE, &Algorithm::Rsa), "{what}");
    assert_eq!(found.material.proof.level, ProofLevel::Proven, "{what}");
    assert_eq!(outcome.found.len(), 1, "{what}");
    assert!(outcome.limits.is_empty(), "{what}: {:?}", outcome.limits);
    assert!(!found.places.is_empty(), "{what}");
}

#[test]
fn keys_are_found_in_every_order() {
    for (seed, order) in Order::ALONE.iter().copied().enumerate() {
        for key in [&*RSA_1024, &*RSA_2048] {
            let mut dump = Dump::new(seed as u64);
            let places: Vec<usize> = ["n", "q", "p"].map(|name| dump.put_number(&key.number(name), order)).to_vec();
            let outcome = dump.search(&[]);
            assert_found(&outcome, key, order.name());
            let places: Vec<u64> = places[1..].iter().map(|at| *at as u64).collect();
            let found: Vec<u64> = outcome.found[0].places.iter().map(|place| place.offset).collect();
            assert_eq!(found, places, "{}", order.name());
        }
    }
}

#[test]
fn every_sufficient_part_is_enough() {
    let key = &*RSA_1024;
    for (known, parts) in [
        (false, &["n", "p", "q"][..]),
        (false, &["p", "n"]),
        (false, &["n", "q", "dp"]),
        (false, &["n", "d"]),
        (false, &["n", "lambda d"]),
        (false, &["p", "q", "dp", "dq", "qinv"]),
        (true, &["p", "q"]),
        (true, &["q"]),
        (true, &["d"]),
        (true, &["lambda d"]),
        (true, &["dp"]),
        (true, &["dq", "qinv"]),
    ] {
        for (seed, order) in [Order::Little, Order::Big, Order::BigWords32, PYTHON].into_iter().enumerate() {
            let mut dump = Dump::new(40 + seed as u64);
            parts.iter().for_each(|name| _ = dump.put_number(&key.number(name), order));
            let public = if known { vec![key.public()] } else { vec![] };
            assert_found(&dump.search(&public), key, &format!("{known} {parts:?} {order:?}"));
        }
    }
}

#[test]
fn large_primes_are_tested_or_vouched_for() {
    let key = Key::new(&mut Random::new(49), &[2048, 2048], 65_537);
    for parts in [&["p", "q", "n"][..], &["n", "d", "p", "q"], &["n", "lambda d", "p", "q"], &["n", "dp", "p", "q"]] {
        let mut dump = Dump::new(50);
        parts.iter().for_each(|name| _ = dump.put_number(&key.number(name), Order::Big));
        assert_found(&dump.search(&[]), &key, &format!("{parts:?}"));
    }
    // The product of two primes is no prime, even if the private exponent is there.
    let [p, q] = [&RSA_2048.primes[0], &RSA_2048.primes[1]];
    let large = &key.primes[0];
    let three = Key::of(vec![large.clone(), p.clone(), q.clone()], 65_537).unwrap();
    let mut dump = Dump::new(51);
    for number in [&three.n, &three.d, &(p * q), large] {
        dump.put_number(number, Order::Big);
    }
    assert_found(&dump.search(&[]), &three, "three primes");
    let mut dump = Dump::new(52);
    for number in [&three.n, &(p * q), large] {
        dump.put_number(number, Order::Big);
    }
    assert!(dump.search(&[three.public()]).found.is_empty());
}

#[test]
fn orders_and_distances_may_differ() {
    let key = &*RSA_2048;
    let mut dump = Dump::new(60);
    dump.put_number(&key.n, Order::Big);
    dump.at = 100_000;
    dump.put_number(&key.primes[0], Order::Little);
    dump.at = 200_000;
    dump.put_number(&key.primes[1], Order::Little);
    assert_found(&dump.search(&[]), key, "far apart");
}

#[test]
fn unusual_keys() {
    let mut random = Random::new(70);
    for (sizes, e) in [
        (&[384u64, 640][..], 65_537),
        (&[256, 256], 65_537),
        (&[200, 320], 3),
        (&[520, 510], 17),
        (&[777, 333], 65_537),
        (&[512, 512], 0x1234_5679),
        (&[512, 512], 35),
        (&[352, 352, 352], 65_537),
        (&[300, 400, 350], 3),
    ] {
        let key = Key::new(&mut random, sizes, e);
        let mut all = vec![&["n", "d"][..], &["n", "p", "q", "dp"]];
        if sizes.len() == 3 {
            all = vec![&["n", "d"], &["d", "n", "p", "q", "r"]];
        }
        for parts in all {
            let mut dump = Dump::new(e + sizes[0]);
            parts.iter().for_each(|name| _ = dump.put_number(&key.number(name), Order::Little));
            // Without the public key an odd exponent is known from the private one only.
            let public = if e == 0x1234_5679 && !parts.contains(&"dp") { vec![key.public()] } else { vec![] };
            assert_found(&dump.search(&public), &key, &format!("{sizes:?} {e} {parts:?}"));
        }
    }
}

/// What `openssl rsa -traditional -outform DER` writes (RFC 8017, appendix A.1.2).
fn der(key: &Key) -> Vec<u8> {
    let numbers = ["n", "e", "d", "p", "q", "dp", "dq", "qinv"].map(|name| match name {
        "e" => key.e.clone(),
        name => key.number(name),
    });
    let mut out = vec![2, 1, 0];
    for number in numbers {
        let mut bytes = number.to_bytes_be();
        if bytes[0] >= 0x80 {
            bytes.insert(0, 0);
        }
        match bytes.len() {
            len @ 0..=127 => out.extend([2, len as u8]),
            len @ 128..=255 => out.extend([2, 0x81, len as u8]),
            len => out.extend([2, 0x82, (len >> 8) as u8, len as u8]),
        }
        out.extend(bytes);
    }
    out
}

#[test]
fn fragments_of_der_at_any_alignment() {
    for key in [&*RSA_1024, &*RSA_2048] {
        let whole = der(key);
        let n = whole.windows(4).position(|w| w == &key.n.to_bytes_be()[..4]).unwrap();
        for shift in 0..8 {
            // Without its header; from the middle of d on, with the modulus known.
            let mut dump = Dump::new(80 + shift as u64);
            dump.put(&whole[n..], shift);
            assert_found(&dump.search(&[]), key, &format!("from n on, {shift}"));
            let mut dump = Dump::new(90 + shift as u64);
            dump.put(&whole[whole.len() / 3..], shift);
            assert_found(&dump.search(&[key.public()]), key, &format!("from d on, {shift}"));
        }
    }
}

#[test]
fn one_number_at_any_byte_beside_a_known_modulus() {
    for key in [&*RSA_1024, &*RSA_2048] {
        for (name, order) in [("q", Order::Big), ("d", Order::Big), ("p", Order::Little), ("lambda d", Order::Little)] {
            let digits = order.encode(&key.number(name).to_bytes_be());
            for shift in 1..8 {
                // Among the bytes of a message, not beside zeros.
                let mut dump = Dump::new(120 + shift as u64);
                let whole = [&b"key="[..], &digits, b"; end"].concat();
                dump.put(&whole, shift);
                assert_found(&dump.search(&[key.public()]), key, &format!("{name} {order:?} {shift}"));
            }
        }
    }
}

#[test]
fn numbers_side_by_side() {
    // A slab of an allocator without headers, full of other random data: nothing says where a number begins.
    let key = &*RSA_2048;
    for order in [Order::Little, Order::Big] {
        let mut dump = Dump::new(100);
        let mut slab = dump.random.bytes(128 * 20);
        for (slot, name) in [(3, "q"), (4, "dq"), (6, "p")] {
            slab[128 * slot..128 * (slot + 1)].copy_from_slice(&order.encode(&key.number(name).to_bytes_be()));
        }
        let mut large = dump.random.bytes(256 * 10);
        large[512..768].copy_from_slice(&order.encode(&key.n.to_bytes_be()));
        dump.at = 8192 - 32;
        dump.put(&slab, 0);
        dump.at = 16384 - 32;
        dump.put(&large, 0);
        assert_found(&dump.search(&[]), key, &format!("{order:?}"));
        // A prime alone, with the certificate.
        let mut dump = Dump::new(101);
        let mut slab = dump.random.bytes(3000);
        slab[1000..1128].copy_from_slice(&order.encode(&key.number("p").to_bytes_be()));
        dump.put(&slab, 5);
        assert_found(&dump.search(&[key.public()]), key, &format!("{order:?} alone"));
    }
}

#[test]
fn headers_that_look_random() {
    let key = &*RSA_1024;
    for before in [4, 8, 16] {
        let mut dump = Dump::new(110 + before as u64);
        for name in ["n", "p", "q"] {
            let header = dump.random.bytes(before);
            dump.put(&[&header[..], &Order::Little.encode(&key.number(name).to_bytes_be())].concat(), 0);
        }
        assert_found(&dump.search(&[]), key, &format!("{before}"));
    }
}

#[test]
fn near_misses_are_no_keys() {
    let key = &*RSA_1024;
    let mut random = Random::new(120);
    let public = [key.public()];
    let nothing = |dump: &Dump, what: &str| {
        for public in [&[][..], &public] {
            let outcome = dump.search(public);
            assert!(outcome.found.is_empty() && outcome.limits.is_empty(), "{what} {:?}", outcome.limits);
        }
    };
    // Public numbers only.
    let mut dump = Dump::new(121);
    Order::ALL.into_iter().for_each(|order| _ = dump.put_number(&key.n, order));
    nothing(&dump, "public");
    // A bit that is wrong, in any of the parts.
    for parts in [&["n", "p", "q"][..], &["n", "d"], &["n", "p"]] {
        for _ in 0..6 {
            let mut dump = Dump::new(random.next());
            for (i, name) in parts.iter().enumerate() {
                let mut number = key.number(name);
                // The modulus is as it is where it is known, the private parts are not.
                if (i > 0) || parts.len() > 2 {
                    // A prime is rebuilt from two thirds of it, of which the middle is part.
                    let bits = number.bits() as usize;
                    let within = if bits > 512 { 0..bits - 1 } else { bits / 3 + 16..bits / 3 * 2 - 16 };
                    let bit = (within.start + random.below(within.len())) as u64;
                    number.set_bit(bit, !number.bit(bit));
                }
                dump.put_number(&number, Order::Little);
            }
            nothing(&dump, &format!("{parts:?}"));
        }
    }
    // Products that are no moduli: of numbers that are not prime, of a prime with itself, with a known prime, with 1.
    let composite = BigUint::from_bytes_be(&random.bytes(64)) | BigUint::from(1u8);
    let p256 = BigUint::parse_bytes(b"ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551", 16).unwrap();
    let p = &key.primes[0];
    for (a, b) in
        [(composite.clone(), p.clone()), (p.clone(), p.clone()), (p256, p.clone()), (p.clone(), BigUint::from(1u8))]
    {
        let mut dump = Dump::new(random.next());
        dump.put_number(&a, Order::Little);
        dump.put_number(&b, Order::Little);
        dump.put_number(&(&a * &b), Order::Little);
        let outcome = dump.search(&[]);
        assert!(outcome.found.is_empty());
    }
}

#[test]
fn all_copies_are_listed() {
    let key = &*RSA_1024;
    let mut dump = Dump::new(130);
    let mut expected = Vec::new();
    for round in 0..5 {
        for (name, order) in [("p", Order::Little), ("q", Order::Big), ("d", Order::BigWords32), ("n", Order::Little)] {
            let at = dump.put(&order.encode(&key.number(name).to_bytes_be()), if round == 4 { 4 } else { 0 });
            if name != "n" {
                expected.push((
                    at as u64,
                    format!(
                        "{} as {}",
                        if name == "p" {
                            larger(key, "p", "q")
                        } else if name == "q" {
                            larger(key, "q", "p")
                        } else {
                            name
                        },
                        order.name()
                    ),
                ));
            }
        }
    }
    expected.sort();
    let outcome = dump.search(&[]);
    assert_found(&outcome, key, "copies");
    let found: Vec<(u64, String)> = outcome.found[0].places.iter().map(|p| (p.offset, p.what.clone())).collect();
    assert_eq!(found, expected);
    let copies = &outcome.found[0].material.details.iter().find(|(name, _)| *name == "copies").unwrap().1;
    assert_eq!(copies, "d 5, p 5, q 5");
}

/// The report calls the larger prime `p`.
fn larger(key: &Key, name: &str, other: &str) -> &'static str {
    if key.number(name) > key.number(other) { "p" } else { "q" }
}

#[test]
fn several_keys_and_moduli_at_once() {
    let mut random = Random::new(140);
    let keys: Vec<Key> = (0..4).map(|_| Key::new(&mut random, &[384, 384], 65_537)).collect();
    let mut dump = Dump::new(141);
    for key in &keys {
        ["p", "q", "dp", "d", "n"].into_iter().for_each(|name| _ = dump.put_number(&key.number(name), Order::Little));
    }
    let outcome = dump.search(&[RSA_1024.public(), keys[0].public()]);
    assert_eq!(outcome.found.len(), 4);
    for key in &keys {
        assert!(outcome.found.iter().any(|found| found.material.public == Some(key.public().fingerprint())));
    }
}

#[test]
fn products_of_elements_of_a_curves_field_are_no_keys() {
    for (sizes, is_key) in [([255, 255], false), ([256, 256], false), ([521, 520], false), ([512, 512], true)] {
        let key = Key::new(&mut Random::new(162), &sizes, 65_537);
        let mut dump = Dump::new(163);
        ["p", "q", "n"].into_iter().for_each(|name| _ = dump.put_number(&key.number(name), Order::Little));
        assert_eq!(dump.search(&[]).found.len(), usize::from(is_key), "{sizes:?}");
        // What knows more of it is.
        assert_found(&dump.search(&[key.public()]), &key, "known");
        dump.put_number(&key.number("d"), Order::Little);
        assert_found(&dump.search(&[]), &key, "with d");
    }
}

#[test]
fn one_prime_is_found_among_many_numbers_and_moduli() {
    let mut random = Random::new(160);
    let key = &*RSA_1024;
    let mut dump = Dump::new(161);
    // More than can be divided by each other.
    let mut numbers: Vec<u8> = Vec::new();
    for _ in 0..8_000 {
        let count = 32 + 8 * random.below(24);
        let number = random.bytes(count);
        numbers.extend([&[number[0] | 1], &number[1..], &[0; 16]].concat());
    }
    let at = dump.at + 4096;
    dump.bytes.splice(at..at, numbers);
    dump.put_number(&key.number("q"), PYTHON);
    let mut public: Vec<PublicKey> =
        (0..400).map(|_| PublicKey::rsa(&[&[0x80], &random.bytes(126)[..], &[1]].concat(), &[1, 0, 1])).collect();
    public.push(key.public());
    assert_found(&dump.search(&public), key, "one prime");
}

#[test]
fn primes_of_a_certificate_authority_are_found() {
    // A key whose modulus ends in the limb of ISRG Root X1.
    let low = BigUint::from(0x6eff_bc64_f533_434f_u64);
    let (mut random, limb) = (Random::new(170), BigUint::from(1u128 << 64));
    let p = random.prime(1024);
    let end = low * p.modinv(&limb).unwrap() % &limb;
    let key = std::iter::repeat_with(|| {
        let q = (random.prime(1024) >> 64 << 64) + &end;
        let is_prime = BigUint::from(2u8).modpow(&(&q - BigUint::from(1u8)), &q) == BigUint::from(1u8);
        is_prime.then(|| Key::of(vec![p.clone(), q], 65_537))?
    });
    let key = key.flatten().next().unwrap();
    for parts in [&["p", "q"][..], &["p"], &["n", "d"]] {
        let mut dump = Dump::new(171);
        parts.iter().for_each(|name| _ = dump.put_number(&key.number(name), Order::Little));
        assert_found(&dump.search(&[key.public()]), &key, &format!("{parts:?}"));
    }
}

#[test]
fn hostile_memory_takes_bounded_time() {
    let mut random = Random::new(150);
    let key = &*RSA_1024;
    // Random bytes throughout; the same numbers again and again; headers that all point to the same digits.
    let noise = random.bytes(4 << 20);
    let numbers = ["p", "q", "n", "d"].map(|name| Order::Little.encode(&key.number(name).to_bytes_be()).to_vec());
    let one: Vec<u8> = numbers.iter().flat_map(|n| [&[0; 16][..], n].concat()).collect();
    let copies = one.repeat((2 << 20) / one.len());
    let mut headers: Vec<u8> = one.clone();
    while headers.len() < 2 << 20 {
        headers.extend((BASE + 16).to_le_bytes());
        headers.extend([8u32.to_le_bytes(), 8u32.to_le_bytes(), [0; 4], [0; 4]].concat());
    }
    for (bytes, keys) in [(noise, 0), (copies, 1), (headers, 1)] {
        let dump = Dump { random: Random::new(1), bytes, at: 0 };
        let limit = std::time::Duration::from_secs(30);
        let outcome = keysweep_testkit::bounded(limit, "a search", || dump.search(&[RSA_2048.public()]));
        assert_eq!(outcome.found.len(), keys);
    }
}
