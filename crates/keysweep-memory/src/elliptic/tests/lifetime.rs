//! What surroundings and signatures say of keys.

use super::*;
use crate::rsa::natural::Natural;

#[test]
fn what_the_public_key_stands_in_tells_how_long_a_key_lives() {
    let cases: [(&[u8], &str); 6] = [
        (&[3, 0x42, 0], "memory-ec-private-key"),
        (b"nistp256\0\0\0A", "memory-ec-private-key"),
        (&[0, 0x17, 0, 0x41], "memory-ephemeral-key"),
        (&[3, 0, 0x17, 0x41], "memory-ephemeral-key"),
        (&[16, 0, 0, 0x42, 0x41], "memory-ephemeral-key"),
        (&[], "memory-possibly-ephemeral-key"),
    ];
    for (header, rule) in cases {
        let mut dump = Dump::new(200 << 10, 21);
        let d = dump.source.scalar(Curve::P256);
        let point = ec_public(Curve::P256, &d).unwrap();
        dump.add(&Order::Little.encode(&d), 0);
        dump.add(&[header, &point].concat(), 1);
        assert_eq!(found_of(&search(&dump.bytes, &[])).rule, rule, "{header:x?}");
        if rule == "memory-possibly-ephemeral-key" {
            let known = PublicKey::ec(Curve::P256, &point).unwrap();
            assert_eq!(found_of(&search(&dump.bytes, &[known])).rule, "memory-ec-private-key");
            // As the JDK encodes every key it makes.
            dump.add(&[&[0x30, 0x25, 2, 1, 1, 4, 32], d.as_slice()].concat(), 1);
            assert_eq!(found_of(&search(&dump.bytes, &[])).rule, rule);
            let (start, len) = (dump.bytes.clone(), dump.at);
            for key_file in [(&[2, 1, 1, 4, 32][..], &[0xa1][..]), (&[4, 0x27, 0x30, 0x25, 2, 1, 1, 4, 32], &[])] {
                dump.add(&[key_file.0, &d, key_file.1].concat(), 1);
                assert_eq!(found_of(&search(&dump.bytes, &[])).rule, "memory-ec-private-key");
                (dump.bytes, dump.at) = (start.clone(), len);
            }
        }
    }
    for (header, rule) in
        [(&[0, 0x1d, 0, 0x20][..], "memory-ephemeral-key"), (&[3, 0x21, 0], "memory-x25519-private-key")]
    {
        let mut dump = Dump::new(200 << 10, 22);
        let scalar = dump.source.bytes(32);
        dump.add(&scalar, 0);
        dump.add(&[header, &okp_public(&Algorithm::X25519, &scalar).unwrap()].concat(), 2);
        assert_eq!(found_of(&search(&dump.bytes, &[])).rule, rule);
    }
}

#[test]
fn nonces_of_signatures_are_told_from_keys() {
    let mut dump = Dump::new(200 << 10, 23);
    let d = dump.source.scalar(Curve::P256);
    let point = ec_public(Curve::P256, &d).unwrap();
    dump.add(&Order::Little.encode(&d), 0);
    // What is seen of another key makes the curve one in use; of this one, x stands in a signature.
    let other = dump.source.scalar(Curve::P256);
    dump.add(&ec_public(Curve::P256, &other).unwrap(), 0);
    let s = dump.source.bytes(32);
    dump.add(&[&[0x30, 0x44, 2, 0x20], &point[1..33], &[2, 0x20], &s].concat(), 5);
    assert_eq!(found_of(&search(&dump.bytes, &[])).rule, "memory-ephemeral-key");

    let mut dump = Dump::new(200 << 10, 24);
    let (_, scalar, public) = okp_cases(&mut dump.source).swap_remove(2);
    dump.add(&scalar, 0);
    let mut s = dump.source.bytes(32);
    s[31] &= 0x0f;
    dump.add(&[public.value.clone(), s].concat(), 0);
    assert_eq!(found_of(&search(&dump.bytes, &[])).rule, "memory-ephemeral-key");
    // Not in signatures only; then in what certificates hold.
    dump.add(&public.value, 0);
    assert_eq!(found_of(&search(&dump.bytes, &[])).rule, "memory-possibly-ephemeral-key");
    dump.add(&[&[3, 33, 0][..], &public.value].concat(), 0);
    assert_eq!(found_of(&search(&dump.bytes, &[])).rule, "memory-eddsa-private-key");
}

/// What the JDK encodes of each pair it makes says nothing, and less than a key share.
#[test]
fn an_encoding_of_the_private_key_alone_does_not_make_a_key_last() {
    let rule = |private: &[u8], public: &[u8]| {
        let mut dump = Dump::new(200 << 10, 25);
        let scalar = dump.source.bytes(32);
        let array = [&[1, 0, 0, 0, 0, 0, 0, 0, 0, 0x68, 0x48, 0, 0x22, 0, 0, 0], private, &scalar].concat();
        dump.add(&array, 0);
        dump.add(&[public, &okp_public(&Algorithm::X25519, &scalar).unwrap()].concat(), 0);
        found_of(&search(&dump.bytes, &[])).rule
    };
    assert_eq!(rule(&[4, 32], &[]), "memory-possibly-ephemeral-key");
    assert_eq!(rule(&[4, 32], &[0, 0x1d, 0, 0x20]), "memory-ephemeral-key");
    let key_file = [0x30, 5, 6, 3, 0x2b, 0x65, 0x6e, 4, 34, 4, 32];
    assert_eq!(rule(&key_file, &[]), "memory-x25519-private-key");
    assert_eq!(rule(&[0x2b, 0x65, 0x6d, 4, 34, 4, 32], &[]), "memory-possibly-ephemeral-key");
}

#[test]
fn pairs_of_openssl_are_of_handshakes_where_the_process_speaks_tls() {
    for (pointer, session, rule) in [
        (true, true, "memory-ephemeral-key"),
        (true, false, "memory-possibly-ephemeral-key"),
        (false, true, "memory-possibly-ephemeral-key"),
    ] {
        let mut dump = Dump::new(200 << 10, 26);
        let scalar = dump.source.bytes(32);
        let at = dump.put(&scalar, 0) as u64;
        let mut ecx = [&[0u8; 16][..], &[1], &okp_public(&Algorithm::X25519, &scalar).unwrap(), &[0; 31]].concat();
        ecx.extend((0x7f00_0000_0000 + at + u64::from(!pointer)).to_le_bytes());
        dump.add(&ecx, 0);
        if session {
            let mut ssl = vec![0; 8 + 8 + 64 + 256 + 8 + 32];
            ssl[..2].copy_from_slice(&[4, 3]);
            ssl[8] = 48;
            ssl[80..128].copy_from_slice(&dump.source.bytes(48));
            dump.add(&ssl, 0);
        }
        assert_eq!(found_of(&search(&dump.bytes, &[])).rule, rule, "{pointer} {session}");
    }
}

/// A number on the heap of a process that computes with OpenSSL.
fn add_bignum(dump: &mut Dump, number: &Natural, size: usize) {
    let big = number.to_be();
    let mut padded = vec![0; size - big.len()];
    padded.extend_from_slice(&big);
    let at = dump.put(&Order::Little.encode(&padded), 0);
    let mut bignum = (0x7f00_0000_0000 + at as u64).to_le_bytes().to_vec();
    let limbs = (size / 8) as u8;
    bignum.extend([limbs, 0, 0, 0, limbs, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0]);
    dump.add(&bignum, 0);
}

/// The point of a scalar as two numbers and in no encoding, and the scalar.
fn add_pair(dump: &mut Dump, curve: Curve, scalar: &Natural) -> Natural {
    let size = curve.field_bytes();
    let point = ec_public(curve, &scalar.to_be()).unwrap();
    let (x, y) = (Natural::from_be(&point[1..=size]), Natural::from_be(&point[size + 1..]));
    for number in [scalar, &x, &y] {
        add_bignum(dump, number, size);
    }
    x
}

#[test]
fn what_a_signature_is_checked_with_is_no_secret() {
    let curve = Curve::P256;
    let n = Natural::from_limbs(&Group::Ec(curve).order());
    for (digest_there, right_s) in [(true, true), (false, true), (true, false)] {
        let mut dump = Dump::new(200 << 10, 27);
        let (r, s, e) = (dump.source.scalar(curve), dump.source.scalar(curve), dump.source.bytes(32));
        let u = Natural::from_be(&e).times(&Natural::from_be(&s).inverse(&n).unwrap()).modulo(&n).unwrap();
        let s = if right_s { s } else { dump.source.scalar(curve) };
        add_pair(&mut dump, curve, &u);
        dump.add(&[&[0x30, 0x44, 2, 0x20], &r[..], &[2, 0x20], &s].concat(), 3);
        if digest_there {
            dump.add(&e, 5);
        }
        let outcome = search(&dump.bytes, &[]);
        let explained = digest_there && right_s;
        let rule = if explained { "memory-ephemeral-key" } else { "memory-possibly-ephemeral-key" };
        assert_eq!(found_of(&outcome).rule, rule, "{digest_there} {right_s}");
        let details = &found_of(&outcome).material.details;
        assert_eq!(details.iter().any(|(_, text)| text.starts_with("no secret")), explained);
    }
}

#[test]
fn the_nonce_of_a_key_that_is_there_is_told_by_the_signature() {
    for curve in [Curve::P256, Curve::P384, Curve::Secp256k1] {
        let n = Natural::from_limbs(&Group::Ec(curve).order());
        let size = curve.field_bytes();
        // The digest is there; it is none but the first bytes of a test; s is another one.
        for (short, right_s) in [(false, true), (true, true), (false, false)] {
            let mut dump = Dump::new(300 << 10, 28);
            let mut scalar = || Natural::from_be(&dump.source.scalar(curve));
            let (d, k, other) = (scalar(), scalar(), scalar());
            let e = if short { Natural::from_be(b"abcd") } else { Natural::from_be(&dump.source.bytes(32)) };
            add_pair(&mut dump, curve, &d);
            let x = add_pair(&mut dump, curve, &k);
            let s = e.plus(&x.times(&d)).times(&k.inverse(&n).unwrap()).modulo(&n).unwrap();
            add_bignum(&mut dump, if right_s { &s } else { &other }, size);
            if !short {
                add_bignum(&mut dump, &e, 32);
            }
            let outcome = search(&dump.bytes, &[]);
            let rules: Vec<&str> = outcome.found.iter().map(|found| found.rule).collect();
            let nonces = rules.iter().filter(|rule| **rule == "memory-ephemeral-key").count();
            assert_eq!((rules.len(), nonces), (2, usize::from(right_s)), "{curve:?} {short} {right_s} {rules:?}");
        }
    }
}
