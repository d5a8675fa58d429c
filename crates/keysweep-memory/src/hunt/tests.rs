//! A throwaway key made by OpenSSL, planted in every order.

use super::{Step, hunt};
use crate::memory::Flat;
use crate::order::Order;
use data_encoding::HEXLOWER;
use keysweep_keys::private::{ec_public, okp_public};
use keysweep_keys::{Algorithm, Curve, PublicKey};

const N: &str = "bbfb2cabeeaf6c4b267b7bf0ba1b25d111337addbbb6ab50f5a319dc55b04a94735cb2ab3ea5afabea6a34576626c18c98fd\
    b45bb2989176582b3047285ed3419e0df162684f36dc1be6c3e76cf77d299e5b8a3f73198885763f4d663d42df6d71c5bb49\
    5c0fde5810ede7ddf5d545301446dbc019f02ab1477ea1eea1426da1";
const D: &str = "11b409f4f739961d4db67b69a45d42267a543ad1ff07a902aadf7d63febde7882b85235e753bed5b676c3119ba091459455f\
    3f49137cc2d63e5f72e080b0cd7c4b0e7f78a40a8b114e438a21183f9480c76f285c33773dfa06ec4e839325f3d60438182b\
    5eec98aefada05a59dca3a673f32b4f4e1b94c6bbbebff5323356631";
const P: &str = "edb1bf58ea72cd9368bd0ee225dc34b325c004f4a79aef84cbc869deb8fa3043d7ac631d01f7b546168e2652f1b92cd91044\
    ddecdaf15d0690ffe961cf7cab43";
const Q: &str = "ca754f1b6e22217373161d052ddc34b45bbddf6880073f862fc27c018ed6beece05b86d0f909be1353183a57467afce74a9a\
    c9e988673cf3339a4b15c1a82b4b";

fn hex(text: &str) -> Vec<u8> {
    HEXLOWER.decode(text.as_bytes()).unwrap()
}

fn rsa() -> PublicKey {
    PublicKey::rsa(&hex(N), &[1, 0, 1])
}

/// A heap of pointers, text and zeros, and some random bytes.
fn heap(len: usize) -> Vec<u8> {
    let mut state = 5u64;
    (0..len)
        .map(|i| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            match i / 512 % 4 {
                0 => [0x10, 0x42, 0x55, 0x55, 0x55, 0x55, 0, 0][i % 8],
                1 => b"some text that a process holds  "[i % 32],
                2 => (state >> 33) as u8,
                _ => 0,
            }
        })
        .collect()
}

fn found(memory: &[u8], keys: &[PublicKey], step: Step) -> Vec<(String, Vec<u64>)> {
    let (outcome, tested) = hunt(&Flat::new(memory), keys, step, 1);
    assert_eq!(tested.bytes, memory.len() as u64);
    let mut found: Vec<_> = outcome
        .found
        .iter()
        .map(|f| (f.material.algorithm.to_string(), f.places.iter().map(|p| p.offset).collect()))
        .collect();
    found.sort();
    found
}

#[test]
fn each_number_of_an_rsa_key_is_found_alone_in_every_order() {
    for (number, orders) in [(P, Order::ALONE), (Q, Order::ALONE), (D, Order::ALONE)] {
        for order in orders {
            let planted = order.encode(&hex(number));
            // In the middle of random bytes, where no boundary helps.
            for (at, step) in [(10 * 2048 + 1024 + 100, Step::Words), (5 * 2048 + 1024 + 171, Step::Bytes)] {
                let mut memory = heap(40_000);
                memory[at..at + planted.len()].copy_from_slice(&planted);
                let found = found(&memory, &[rsa()], step);
                assert_eq!(found.len(), 1, "{order:?} {step:?} {}", &number[..8]);
                assert!(found[0].1.contains(&(at as u64)), "{order:?}: {found:?}");
            }
        }
    }
}

#[test]
fn scalars_and_seeds_are_found_inside_of_random_bytes() {
    let secret: Vec<u8> = hex(D)[3..35].to_vec();
    let at = 10 * 2048 + 1024 + 100;
    let mut memory = heap(40_000);
    memory[at..at + 32].copy_from_slice(&secret);
    let mut reversed = secret.clone();
    reversed.reverse();
    let p256 = |d: &[u8]| PublicKey::ec(Curve::P256, &ec_public(Curve::P256, d).unwrap()).unwrap();
    let okp = |algorithm: Algorithm| {
        let public = okp_public(&algorithm, &secret).unwrap();
        PublicKey::okp(algorithm, &public).unwrap()
    };
    for key in [p256(&secret), p256(&reversed), okp(Algorithm::Ed25519), okp(Algorithm::X25519)] {
        let found = found(&memory, &[rsa(), key.clone()], Step::Words);
        assert_eq!(found, [(key.algorithm.to_string(), vec![at as u64])]);
    }
}

#[test]
fn a_changed_bit_is_no_key() {
    // In the middle of the prime: what is wrong at one of its ends is rebuilt.
    for (number, bits) in [(P, [176, 192, 206]), (D, [0, 77, 200])] {
        for bit in bits {
            let mut planted = Order::Little.encode(&hex(number));
            planted[8 + bit / 8] ^= 1 << (bit % 8);
            let mut memory = heap(30_000);
            memory[1064..1064 + planted.len()].copy_from_slice(&planted);
            assert!(found(&memory, &[rsa()], Step::Bytes).is_empty(), "{bit}");
        }
    }
    let public = [Order::Little.encode(&hex(N)).to_vec(), hex(N)].concat();
    let memory = [heap(50_000), public, heap(50_000)].concat();
    assert!(found(&memory, &[rsa()], Step::Words).is_empty(), "the public half alone");
}

#[test]
fn scalars_are_found_in_each_form_at_each_place() {
    for curve in [Curve::P256, Curve::P384, Curve::Secp256k1, Curve::BrainpoolP384r1] {
        let size = curve.field_bytes();
        let secret = hex(D)[5..5 + size].to_vec();
        let key = PublicKey::ec(curve, &ec_public(curve, &secret).unwrap()).unwrap();
        let group = crate::curve::Group::Ec(curve);
        let mut limbs: Vec<u64> = secret.rchunks(8).map(|c| u64::from_be_bytes(c.try_into().unwrap())).collect();
        group.montgomery_scalar(&mut limbs);
        let montgomery: Vec<u8> = limbs.iter().flat_map(|limb| limb.to_le_bytes()).collect();
        let forms = [Order::Little, Order::Big, Order::BigWords32].map(|order| order.encode(&secret).to_vec());
        for form in forms.iter().chain([&montgomery]) {
            for (at, step) in [(10 * 2048 + 1024 + 100, Step::Words), (5 * 2048 + 1024 + 3, Step::Bytes)] {
                let mut memory = heap(40_000);
                memory[at..at + size].copy_from_slice(form);
                let found = found(&memory, std::slice::from_ref(&key), step);
                assert_eq!(found, [(key.algorithm.to_string(), vec![at as u64])], "{curve:?} {step:?}");
            }
        }
    }
}

#[test]
fn scalars_of_p521_are_found_although_their_first_bytes_are_nearly_empty() {
    let mut secret = hex(D)[5..71].to_vec();
    for first in [1, 0] {
        secret[0] = first;
        let key = PublicKey::ec(Curve::P521, &ec_public(Curve::P521, &secret).unwrap()).unwrap();
        for order in [Order::Little, Order::Big, Order::BigWords32] {
            // As wide as the field.
            let mut form = if order == Order::Big { secret.clone() } else { order.encode(&secret).to_vec() };
            form.truncate(form.len().min(68));
            for (at, step) in [(10 * 2048 + 1024 + 100, Step::Words), (5 * 2048 + 1024 + 3, Step::Bytes)] {
                let mut memory = heap(40_000);
                memory[at..at + form.len()].copy_from_slice(&form);
                let found = found(&memory, std::slice::from_ref(&key), step);
                assert_eq!(found.len(), 1, "{first} {order:?} {step:?}");
            }
        }
    }
}

#[test]
fn an_exponent_is_known_whatever_its_inverse() {
    // The private exponents that belong to other public ones, by the same primes.
    let number = |text: &str| num_bigint::BigUint::from_bytes_be(&hex(text));
    let (p, q) = (number(P), number(Q));
    let totient = (&p - 1u32) * (&q - 1u32);
    for e in [3u64, 17, 257, 0x10001, 0x7fff_ffff, 0xffff_fffb] {
        let Some(d) = num_bigint::BigUint::from(e).modinv(&totient) else { continue };
        let key = PublicKey::rsa(&hex(N), &e.to_be_bytes()[e.leading_zeros() as usize / 8..]);
        let mut memory = heap(40_000);
        let (planted, end) = (d.to_bytes_be(), 10 * 2048 + 1024 + 300);
        memory[end - 128..end].fill(0);
        memory[end - planted.len()..end].copy_from_slice(&planted);
        assert_eq!(found(&memory, &[key], Step::Words).len(), 1, "{e}");
    }
}
