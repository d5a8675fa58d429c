//! Against other implementations: the crates that `keysweep_keys` proves with.

use super::*;
use keysweep_keys::private::{ec_public, okp_public};
use keysweep_keys::{Algorithm, Curve, PrivateKey, Secret};

fn big_endian(limbs: &[u64]) -> Vec<u8> {
    limbs.iter().rev().flat_map(|limb| limb.to_be_bytes()).collect()
}

fn little_endian(limbs: &[u64]) -> Vec<u8> {
    limbs.iter().flat_map(|limb| limb.to_le_bytes()).collect()
}

/// `x` by the independent crate; `None` for scalars out of range.
fn x_of(curve: Curve, scalar: &[u64]) -> Option<Vec<u8>> {
    ec_public(curve, &big_endian(scalar)).map(|point| point[1..=curve.field_bytes()].to_vec())
}

/// Scalars at the edges of the range and of digits, and random ones.
fn scalars(group: Group, count: usize) -> Vec<Vec<u64>> {
    let limbs = group.limbs();
    let mut numbers = random_numbers(limbs as u64 + 99);
    let mut all: Vec<Vec<u64>> = Vec::new();
    for small in [1, 2, 3, 15, 16, 17, 127, 128, 129, 255, 256, 2048, u64::MAX] {
        let mut scalar = vec![0; limbs];
        scalar[0] = small;
        all.push(scalar.clone());
        scalar.rotate_right(1);
        all.push(scalar);
    }
    for _ in 0..count {
        let mut scalar: Vec<u64> = numbers.by_ref().take(limbs).collect();
        if group == Group::Ec(Curve::P521) {
            scalar[8] &= 0x1ff;
        }
        all.push(scalar);
    }
    all
}

#[test]
fn multiples_on_weierstrass_curves_are_those_of_other_implementations() {
    for curve in Curve::ALL {
        let group = Group::Ec(curve);
        let scalars = scalars(group, 40);
        for expected in [1, 3_000] {
            let derived = Multiplier::new(group, expected).derive(&scalars.concat());
            let (size, mut compared) = (group.limbs(), 0);
            for (i, scalar) in scalars.iter().enumerate() {
                let x = &derived.first[i * size..][..size];
                let Some(known) = x_of(curve, scalar) else {
                    assert!(!group.in_range(scalar));
                    continue;
                };
                assert!(group.in_range(scalar));
                assert_eq!(&big_endian(x)[8 * size - curve.field_bytes()..], known, "{curve:?} {scalar:x?}");
                let mut montgomery = x.to_vec();
                group.montgomery_coordinate(&mut montgomery);
                assert_eq!(derived.second[i * size..][..size], montgomery);
                compared += 1;
            }
            assert!(compared >= 30, "{curve:?} {compared}");
        }
    }
}

#[test]
fn multiples_near_the_order_pass_through_the_special_cases() {
    for curve in Curve::ALL {
        let group = Group::Ec(curve);
        let order = group.order();
        let size = group.limbs();
        let mut scalars = Vec::new();
        for distance in 0..=40u64 {
            let mut scalar = order.clone();
            scalar[0] -= distance;
            scalars.extend(scalar);
        }
        let small: Vec<u64> = (1..=40u64).flat_map(|d| std::iter::once(d).chain(vec![0; size - 1])).collect();
        for expected in [1, 100_000] {
            let multiplier = Multiplier::new(group, expected);
            let (below, above) = (multiplier.derive(&scalars), multiplier.derive(&small));
            assert!(below.first[..size].iter().all(|limb| *limb == 0), "n * G is neutral");
            assert_eq!(below.first[size..], above.first, "(n - k) * G and k * G have one x");
        }
    }
}

#[test]
fn edwards_and_montgomery_coordinates_are_those_of_other_implementations() {
    let scalars = scalars(Group::Curve25519, 60);
    let clamped: Vec<u64> =
        scalars.iter().flat_map(|s| [s[0] & !7, s[1], s[2], s[3] & (u64::MAX >> 1) | 1 << 62]).collect();
    let derived = Multiplier::new(Group::Curve25519, 500).derive(&clamped);
    for (i, scalar) in clamped.chunks(4).enumerate() {
        let u = okp_public(&Algorithm::X25519, &little_endian(scalar)).unwrap();
        assert_eq!(little_endian(&derived.second[4 * i..4 * i + 4]), u, "{scalar:x?}");
        let key = PrivateKey::Ed25519Expanded { scalar: Secret::new(&little_endian(scalar)), public: None };
        let mut y = key.prove().unwrap().public.value;
        y[31] &= 0x7f;
        assert_eq!(little_endian(&derived.first[4 * i..4 * i + 4]), y, "{scalar:x?}");
    }
}

#[test]
fn coordinates_of_curve448_are_those_of_other_implementations() {
    use shake::{ExtendableOutput, Update, XofReader};
    let (mut seeds, mut scalars) = (Vec::new(), Vec::new());
    let mut numbers = random_numbers(448);
    for _ in 0..12 {
        let seed: Vec<u8> = numbers.by_ref().take(8).flat_map(u64::to_le_bytes).take(57).collect();
        let mut hash = [0; 114];
        let mut shake = shake::Shake256::default();
        shake.update(&seed);
        shake.finalize_xof().read(&mut hash);
        // The scalar of Ed448 (RFC 8032 section 5.2.5) is clamped like one of X448.
        (hash[0], hash[55]) = (hash[0] & 0xfc, hash[55] | 0x80);
        scalars.extend(hash[..56].chunks_exact(8).map(|c| u64::from_le_bytes(c.try_into().unwrap())));
        seeds.push(seed);
    }
    let derived = Multiplier::new(Group::Edwards448, 100).derive(&scalars);
    for (i, seed) in seeds.iter().enumerate() {
        let y = okp_public(&Algorithm::Ed448, seed).unwrap();
        assert_eq!(little_endian(&derived.first[7 * i..7 * i + 7]), y[..56]);
        let u = okp_public(&Algorithm::X448, &little_endian(&scalars[7 * i..7 * i + 7])).unwrap();
        assert_eq!(little_endian(&derived.second[7 * i..7 * i + 7]), u);
    }
}

#[test]
fn scalars_survive_montgomery_form() {
    for curve in Curve::ALL {
        let group = Group::Ec(curve);
        for scalar in scalars(group, 20).into_iter().filter(|s| group.in_range(s)) {
            let mut there = scalar.clone();
            group.montgomery_scalar(&mut there);
            assert!(there != scalar && group.in_range(&there));
            group.leave_montgomery_scalar(&mut there);
            assert_eq!(there, scalar, "{curve:?}");
        }
    }
}

#[test]
fn points_are_known_by_the_curve_equation() {
    for curve in Curve::ALL {
        let group = Group::Ec(curve);
        let size = group.limbs();
        let scalar = scalars(group, 1).pop().unwrap();
        let point = ec_public(curve, &big_endian(&[&scalar[..size - 1], &[1]].concat())).unwrap();
        let (x, y) = point[1..].split_at(curve.field_bytes());
        let limbs = |bytes: &[u8]| -> Vec<u64> {
            let mut little = bytes.to_vec();
            little.reverse();
            little.resize(8 * size, 0);
            little.chunks(8).map(|c| u64::from_le_bytes(c.try_into().unwrap())).collect()
        };
        let (mut x, mut y) = (limbs(x), limbs(y));
        assert!(group.contains(&x, &y, false) && !group.contains(&x, &y, true) && !group.contains(&y, &x, false));
        group.montgomery_coordinate(&mut x);
        group.montgomery_coordinate(&mut y);
        assert!(group.contains(&x, &y, true) && !group.contains(&x, &y, false));
        assert!(!group.contains(&vec![u64::MAX; size], &y, true), "not below the prime");
    }
}

#[test]
fn constants_are_no_keys() {
    for curve in Curve::ALL {
        let group = Group::Ec(curve);
        let size = group.limbs();
        let order = group.order();
        let mut constants = vec![order.clone(), order.clone()];
        constants[0][0] -= 1;
        constants[1][0] -= 2;
        for bit in [0, 1, 7, 63, 64, 100, 250] {
            let mut power = vec![0; size];
            power[bit / 64] = 3 << (bit % 64);
            let mut radix = power.clone();
            group.montgomery_scalar(&mut radix);
            constants.extend([power, radix]);
        }
        for constant in constants {
            assert!(group.is_constant(&constant), "{curve:?} {constant:x?}");
        }
        for key in scalars(group, 50).into_iter().skip(26).filter(|s| group.in_range(s)) {
            assert!(!group.is_constant(&key));
        }
    }
}

#[test]
fn sums_that_vectors_cannot_form_are_formed_one_by_one() {
    // What all sums begin with, and its negative: one doubles on the way, the other vanishes.
    for group in [Group::Ec(Curve::P256), Group::Ec(Curve::Secp256k1), Group::Curve25519] {
        let start = chain::start::<4>();
        let mut borrow = 0u64;
        let negative: Vec<u64> = group
            .order()
            .iter()
            .zip(start)
            .map(|(order, start)| {
                let (less, b1) = order.overflowing_sub(start);
                let (less, b2) = less.overflowing_sub(borrow);
                borrow = u64::from(b1 | b2);
                less
            })
            .collect();
        let mut scalars = vec![start.to_vec(), negative, vec![0; 4], group.order()];
        scalars.extend(self::scalars(group, 40));
        let multiplier = Multiplier::new(group, 3_000);
        let all = multiplier.derive(&scalars.concat());
        for (i, scalar) in scalars.iter().enumerate() {
            let one = multiplier.derive(scalar);
            assert_eq!((&one.first[..], &one.second[..]), (&all.first[4 * i..][..4], &all.second[4 * i..][..4]), "{i}");
        }
    }
}

/// Words at the edges, and random ones.
fn steps_agree<C: Weierstrass<N>, const N: usize>(step: fn([u64; N], u64) -> ([u64; N], u64)) {
    const EDGES: [u64; 8] = [0, 1, 0xffff_ffff, 1 << 32, 1 << 63, u64::MAX - 1, u64::MAX, 0xffff_ffff_0000_0001];
    let mut numbers = random_numbers(4_711);
    for round in 0..20_000 {
        // Every other round is made of edges only.
        let mut word = || {
            let number = numbers.next().unwrap_or_default();
            if round % 2 == 0 { EDGES[(number >> 13) as usize % EDGES.len()] } else { number }
        };
        let (t, next) = (std::array::from_fn(|_| word()), word());
        assert_eq!(step(t, next), field::any_step::<C::Field, N>(t, next), "{t:x?} {next:x}");
    }
}

#[test]
fn steps_for_the_shape_of_a_prime_do_what_those_for_any_prime_do() {
    steps_agree::<p::P256, 4>(<p::P256 as Weierstrass<4>>::Field::step);
    steps_agree::<p::P521, 9>(<p::P521 as Weierstrass<9>>::Field::step);
}
