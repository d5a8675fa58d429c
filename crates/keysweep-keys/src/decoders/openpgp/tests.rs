//! Keys made by GnuPG 2.2.40, OpenPGP.js 6 (`v6*`, `v4-*`) and 5 (`v5*`), and RNP 0.16. Fingerprints and public numbers as
//! these tools tell them (`gpg --with-colons --with-key-data`); names of the public halves by OpenSSL's SPKI of those.

use super::{Armoured, Packets};
use crate::decoder::Found;
use crate::decoders::trial::{scan, spki, torture};
use crate::{Algorithm, ProofLevel, Protection};
use data_encoding::BASE64;
use std::path::Path;

/// Fingerprint and the beginning of the SHA-256 of the SPKI.
type Name = (&'static str, &'static str);

const RSA: [Name; 2] = [
    ("33864B4D77DB05013ACCA36FCF66B3941617FA4E", "ee66795eee762853"),
    ("C7C8EE478AE138D69B1A951A31FD990C900E3EE1", "59834ba7b7cdca4c"),
];
const DSA: [Name; 2] = [
    ("9B2A8698E127382843C892EF8F3EC16DB2108136", "fd4ce275087d72be"),
    ("F63BA4D574BCB8D66E96355841C1F3AFCC487563", "98f23c72fec01414"),
];
const ED25519: [Name; 2] = [
    ("15F0518A4D3C994E323159DC647C98FBB8582C2B", "83715d59243ec84b"),
    ("FFFFCEC7830603327555C375711B8220241D9852", "41f0b8d8fcb5c7fd"),
];
const P256: [Name; 2] = [
    ("79B1B225C9605D6204966553F0156AA12DA24FEA", "7ed45eba668be0b3"),
    ("33F970437DB2004B4FFFF9FF3E139025CA6200B7", "098ca2bdd24537fe"),
];

const OPEN: [(&str, &[Name]); 15] = [
    ("rsa", &RSA),
    ("dsa", &DSA),
    ("ed25519", &ED25519),
    ("nistp256", &P256),
    ("nistp384", &[("2B33133D79D69F528A289203E824AF4270FE7EB9", "3239c5138f05672a")]),
    ("nistp521", &[("BCDFD7F69A48C6F8B48AC4989703055313D7E89D", "55a2caf1495bf90a")]),
    ("secp256k1", &[("800C64E3838B39BF367493F337EA53ACC8F51F4A", "6cd86e7649a8197d")]),
    ("brainpoolP256r1", &[("1127503C2699AD52D55CCF39CDFBE5079107FAC6", "c98707e035e74930")]),
    ("brainpoolP384r1", &[("5A18B7050C77C91E3AC035B5BEB45A4458F165E5", "9073b66f04432d00")]),
    (
        "v4-native",
        &[
            ("D52420FDCCCE3252DB4916E147A54ABB2F5F3389", "969c81ad135267ee"),
            ("EF87AC168C19CA4868EABE544CB0AB85535555D6", "bc9b22f50f3f626a"),
        ],
    ),
    (
        "v5",
        &[
            ("CC2C8E77DBE326892EF76B2A35EB78E3995E1C8E480FDD4D31A478CC9229F205", ""),
            ("F3201AD38BA3C2BC8DD89FA1B71B00C1090C9CA5E1F6A063A14AED6A886CEFC7", ""),
        ],
    ),
    (
        "v6",
        &[
            ("00FD0D2C8B77716F146A98FD7C0DEF6391F150E177451AC28AC657B3540282C2", "f3c7cb4a001d8da4"),
            ("B965837E4C22EB6B9018AF65A141701D86523830DE25B61892357AEEE6F92C89", "72c6fc4c1bbc18ae"),
        ],
    ),
    (
        "v6-448",
        &[
            ("3F8FCD3E2C0A55E39B497A1338F8EFDB1BD34896C01A35B4DBEB8BA9AE64ADE9", "500224f8d5efcf02"),
            ("1EB0036D6D291F266DDDDB02A4E9760E1DB0068A0ADFE5AC485650B2E28B1578", "40ec028da2724f5d"),
        ],
    ),
    (
        "v6-rsa",
        &[
            ("DE44805DD023D96DD411062AECB256B3EA638521D27CE78F76E6EDCDFC7C411A", ""),
            ("7945F6777CB3B707BE42CF7BD4F826E24B0B317C067CF512A15FDE4D07861AAB", ""),
        ],
    ),
    (
        "v6-p256",
        &[
            ("38E6127BA4FF032F53ACDE5D1C8A497CFFEA5F1EBE829C1485204E026250DFF4", ""),
            ("6F1AED26F87150BBBE234A80C1E21667C60BB0D0761D86E1EACDEF18CBDE780F", ""),
        ],
    ),
];

/// Name, protection of its keys, and the keys.
const LOCKED: [(&str, &str, &[Name]); 7] = [
    (
        "rsa-encrypted",
        "encrypted with AES-128-CFB (iterated and salted S2K with SHA-1, OCTETS octets)",
        &[
            ("B89C5BC64DD1B5069D37DCF14A46221B7231DFA6", "d5be49f768069c36"),
            ("FE70AB8CEB27F1D2DD0A2EE74091BA3FD918C53F", "cb14044ae243ce50"),
        ],
    ),
    (
        "dsa-encrypted",
        "encrypted with AES-128-CFB (iterated and salted S2K with SHA-1, OCTETS octets)",
        &[
            ("EC73B54E2CB314C0038B7F20BAED0B92B2F59C80", "06ee0016030cf391"),
            ("2316A03D6324C0BCCBC611C25438D0276E9B545B", "ceaec34d0caeef1b"),
        ],
    ),
    (
        "ed25519-encrypted",
        "encrypted with AES-128-CFB (iterated and salted S2K with SHA-1, OCTETS octets)",
        &[
            ("6D28A1B7BD66A894CBAA5D313523E5E73D758B9D", "f73e797026395b43"),
            ("0C2486F8DB9FF331FAB6B9E25181C9D1D1D9A872", "39b911523175f521"),
        ],
    ),
    (
        "v4-aead",
        "encrypted with AES-256-GCM (iterated and salted S2K with SHA-256, OCTETS octets)",
        &[
            ("EDD1A69762BEDA78020767CAC6CF63C633E8AB7D", "f86eefe8cb589699"),
            ("847DA204915F2D995DCC9012D78217D802301D3A", "abf01b566564a8d6"),
        ],
    ),
    (
        "v5-encrypted",
        "encrypted with AES-256-EAX (iterated and salted S2K with SHA-256, OCTETS octets)",
        &[
            ("63AF196F7D340DF4D7D4B8153AC0300724526B64419F6A9B7E487CE2D65DC7FA", ""),
            ("FFAB649A0AEBFF2DD669B019CC64D39B25DAA689AA735CBC1EF8D1094534AA3E", ""),
        ],
    ),
    (
        "v6-argon2",
        "encrypted with AES-256-GCM (Argon2id, 65536 KiB, 3 passes)",
        &[
            ("DDEC9C6D20ECA6C77D3E2C1D353BE929A2A957F2A4CAB62A65B8CD89F0312814", "3908e8baf92a30be"),
            ("0F549149260CC554C36F12441D6C8474A592F9360CB1EC7964ABD5AC2024A71F", "168c10c0954c2c85"),
        ],
    ),
    (
        "rnp",
        "encrypted with AES-256-CFB (iterated and salted S2K with SHA-256, OCTETS octets)",
        &[("28CDB3B659175DEF89E4974F5CF03EA5192A2932", ""), ("8B5AB7C634B0E9B31D599C17867B91327E859D9D", "")],
    ),
];

fn read(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/pgp").join(name)).unwrap()
}

fn detail<'a>(found: &'a Found, name: &str) -> &'a str {
    found.material.details.iter().find(|(n, _)| *n == name).map_or("", |(_, value)| value)
}

fn expect(found: &[Found], expected: &[Name], context: &str) {
    let names: Vec<_> = found.iter().map(|f| detail(f, "fingerprint")).collect();
    assert_eq!(names, expected.iter().map(|(print, _)| *print).collect::<Vec<_>>(), "{context}");
    for (found, (_, expected)) in found.iter().zip(expected) {
        let spki = spki(found);
        assert!(!spki.is_empty() && spki.starts_with(expected), "{context}: {spki}");
    }
}

#[test]
fn open_keys_are_proven_and_named_as_their_tools_name_them() {
    for (name, expected) in OPEN {
        let bytes = read(&format!("{name}.pgp"));
        let found = scan(&Packets, &bytes).found;
        expect(&found, expected, name);
        for key in &found {
            assert_eq!((key.rule, key.material.proof.level), ("pgp-secret-key", ProofLevel::Proven), "{name}");
            let checked = key.material.proof.statement.ends_with("the checksum holds");
            assert_eq!(checked, !name.starts_with("v6"), "{name}: {}", key.material.proof.statement);
            assert!(key.material.comment.as_ref().is_some_and(|c| c.contains("throwaway <")), "{name}");
        }
    }
}

#[test]
fn encrypted_keys_tell_their_cost_and_their_public_half() {
    for (name, shown, expected) in LOCKED {
        let found = scan(&Packets, &read(&format!("{name}.pgp"))).found;
        expect(&found, expected, name);
        for key in found {
            let protection = key.material.protection.to_string();
            let plain: String = protection
                .split(", ")
                .map(|part| match part.split_once(" octets") {
                    Some((number, rest)) if number.bytes().all(|b| b.is_ascii_digit()) => {
                        format!("OCTETS octets{rest}")
                    }
                    _ => part.to_owned(),
                })
                .collect::<Vec<_>>()
                .join(", ");
            assert_eq!(plain, shown, "{name}");
            assert_eq!(key.material.proof.level, ProofLevel::Parsed);
        }
    }
}

#[test]
fn what_packets_say_of_a_key_is_told() {
    let found = scan(&Packets, &read("rsa.pgp")).found;
    let told: Vec<_> = ["role", "usage", "key id"].iter().map(|name| detail(&found[0], name)).collect();
    assert_eq!(told, ["primary key", "certify, sign", "CF66B3941617FA4E"]);
    assert_eq!(detail(&found[0], "created"), "2026-11-24T20:20:21Z");
    assert_eq!((detail(&found[1], "role"), detail(&found[1], "usage")), ("subkey", "encrypt"));
    assert_eq!((found[0].material.purpose, found[1].material.purpose), (None, Some("encryption")));
}

#[test]
fn armour_says_the_same_as_packets() {
    for name in ["rsa", "dsa", "ed25519", "rsa-encrypted", "v6", "v6-argon2"] {
        let packets = scan(&Packets, &read(&format!("{name}.pgp"))).found;
        let armour = scan(&Armoured, &read(&format!("{name}.asc"))).found;
        assert_eq!(armour.len(), packets.len(), "{name}");
        for (a, b) in armour.iter().zip(&packets) {
            assert_eq!((&a.material.public, &a.material.details), (&b.material.public, &b.material.details), "{name}");
            let checked = a.material.proof.statement.ends_with("the checksum of the armour holds");
            // OpenPGP.js leaves the checksum out for version 6, as RFC 9580 asks.
            assert_eq!(checked, !name.starts_with("v6"), "{name}");
        }
    }
}

#[test]
fn armour_may_be_damaged() {
    let text = String::from_utf8(read("ed25519.asc")).unwrap();
    let checksum = text.lines().find(|line| line.starts_with('=')).unwrap();
    for damaged in [
        text.replace('\n', "\r\n"),
        text.replace('\n', "\\n"),
        text.replace('\n', "\n    "),
        text.replace('\n', " "),
        text.replace("\n\n", "\nVersion: GnuPG v2\nComment: https://example.org\n\n"),
        text.replace(&format!("{checksum}\n"), ""),
        text.replace("-----END PGP PRIVATE KEY BLOCK-----", ""),
        text.replace("PRIVATE", "SECRET"),
        text.replace("PRIVATE", "PUBLIC"),
        text.lines().map(|line| format!("> {line}\n")).collect(),
        text.lines().map(|line| format!("echo \"{line}\" >> key.asc\n")).collect(),
        text.replace('\n', "%0A").replace('+', "%2B").replace('/', "%2F").replace('=', "%3D").replace(' ', "%20"),
    ] {
        expect(&scan(&Armoured, damaged.as_bytes()).found, &ED25519, &damaged);
    }
    let wrong = text.replace(checksum, "=AAAA");
    let found = scan(&Armoured, wrong.as_bytes()).found;
    assert!(!found[0].material.proof.statement.contains("armour"), "a wrong checksum is not said to hold");
    assert_eq!(scan(&Packets, &read("ed25519.pgp")).found[0].range, 0..90);
}

#[test]
fn bare_base64_of_packets_is_handed_on() {
    for name in ["rsa", "rsa-encrypted", "ed25519", "v5"] {
        let bytes = read(&format!("{name}.pgp"));
        let text = BASE64.encode(&bytes);
        let broken: Vec<_> = text.as_bytes().chunks(76).map(|line| String::from_utf8_lossy(line)).collect();
        for text in [format!("GPG_KEY={text}\n"), format!("key: |\n  {}\n", broken.join("\n  ")), format!("\"{text}\"")]
        {
            let nested = scan(&Packets, text.as_bytes()).nested;
            assert_eq!(nested.len(), 1, "{name}: {text}");
            assert!(nested[0].bytes.starts_with(&bytes), "{name}");
        }
    }
    assert!(scan(&Packets, &read("rsa.asc")).nested.is_empty(), "armour is read as such");
}

#[test]
fn packets_are_found_in_the_midst_of_anything() {
    for (name, expected) in OPEN {
        let bytes = read(&format!("{name}.pgp"));
        let around = [&[0x95; 3000][..], &bytes, &[0xc5; 3000]].concat();
        expect(&scan(&Packets, &around).found, expected, name);
    }
    for (name, _, expected) in LOCKED {
        let around = [&[0; 3000][..], &read(&format!("{name}.pgp")), &[0; 3000]].concat();
        expect(&scan(&Packets, &around).found, expected, name);
    }
    let ring: Vec<_> = [RSA, DSA, ED25519, P256].concat();
    expect(&scan(&Packets, &read("secring.gpg")).found, &ring, "a keyring");
}

#[test]
fn stubs_are_no_readable_keys() {
    let found = scan(&Armoured, &read("rsa-subkeys.asc")).found;
    expect(&found, &RSA, "gnu-dummy");
    assert_eq!((found[0].rule, found[1].rule), ("pgp-key-stub", "pgp-secret-key"));
    let found = scan(&Packets, &read("rsa-card.pgp")).found;
    expect(&found, &RSA, "gnu-divert-to-card");
    assert_eq!(found[0].material.protection, Protection::External { keeper: "smart card".into() });
    assert_eq!(detail(&found[0], "serial number"), "D2760001240102010006000000010000");
    assert_eq!(found[1].material.protection.to_string(), "kept on a different medium");
}

#[test]
fn a_curve_without_support_goes_by_its_checksum() {
    let mut bytes = read("brainpoolP512r1.pgp");
    let found = scan(&Armoured, armour(&bytes).as_bytes()).found;
    expect(&found, &[("90AE8BB3CEE5B95FC0E23BC7026801666A26A895", "0698f1891ab048ae")], "brainpoolP512r1");
    assert_eq!(found[0].material.algorithm, Algorithm::EcOther("brainpoolP512r1".into()));
    assert_eq!(found[0].material.proof.level, ProofLevel::Parsed);
    expect(&scan(&Packets, &bytes).found, &[("90AE8BB3CEE5B95FC0E23BC7026801666A26A895", "0698f1891ab048ae")], "");
    assert_eq!(bytes[0], 0x94, "one byte of length");
    let last = 2 + usize::from(bytes[1]) - 1;
    bytes[last] ^= 1;
    assert!(scan(&Armoured, armour(&bytes).as_bytes()).found.is_empty());
}

fn armour(bytes: &[u8]) -> String {
    format!("-----BEGIN PGP PRIVATE KEY BLOCK-----\n\n{}\n-----END PGP PRIVATE KEY BLOCK-----\n", BASE64.encode(bytes))
}

/// The body of the first packet of `rsa.pgp` up to the usage octet, and its private numbers with their checksum.
fn rsa_parts() -> (Vec<u8>, Vec<u8>) {
    let bytes = read("rsa.pgp");
    let length = usize::from(u16::from_be_bytes([bytes[1], bytes[2]]));
    let body = &bytes[3..3 + length];
    let public = 6 + 2 + 128 + 5;
    (body[..public].to_vec(), body[public + 1..].to_vec())
}

#[test]
fn old_versions_lengths_and_protections_are_read() {
    let (public, secret) = rsa_parts();
    let old = |tag: u8, body: &[u8]| [&[0x80 | tag << 2 | 1][..], &(body.len() as u16).to_be_bytes(), body].concat();
    // Version 3 has days of validity between the time and the algorithm; its key id is the end of the modulus.
    let v3 = [&[3][..], &public[1..5], &[0, 0], &public[5..], &[0], &secret].concat();
    let found = scan(&Armoured, armour(&old(5, &v3)).as_bytes()).found;
    assert_eq!(spki(&found[0])[..16], *RSA[0].1);
    assert_eq!(detail(&found[0], "key id"), data_encoding::HEXUPPER.encode(&public[6 + 2 + 120..6 + 2 + 128]));
    assert_eq!(detail(&found[0], "fingerprint").len(), 32);
    // An indeterminate length, and partial ones.
    let v4 = [&public[..], &[0], &secret].concat();
    let indeterminate = [&[0x97][..], &v4].concat();
    let partial = [
        &[0xc5, 0xe0 | 8][..],
        &v4[..256],
        &[((v4.len() - 256 - 192) >> 8) as u8 + 192],
        &[((v4.len() - 256 - 192) & 255) as u8],
        &v4[256..],
    ]
    .concat();
    for bytes in [indeterminate, partial] {
        assert_eq!(spki(&scan(&Armoured, armour(&bytes).as_bytes()).found[0])[..16], *RSA[0].1);
    }
    let ciphertext: Vec<u8> = (0..300u32).map(|i| (i * i % 251) as u8).collect();
    let salt = [9u8; 8];
    let vector = [7u8; 16];
    for (protection, shown) in [
        ([&[1][..], &vector[..8]].concat(), "IDEA-CFB (simple S2K with MD5, weak)"),
        ([&[255, 3, 0, 1][..], &vector[..8]].concat(), "CAST5-CFB (simple S2K with MD5, weak)"),
        ([&[254, 9, 1, 8][..], &salt, &vector].concat(), "AES-256-CFB (salted S2K with SHA-256, weak)"),
        (
            [&[254, 3, 3, 2][..], &salt, &[96], &vector[..8]].concat(),
            "CAST5-CFB (iterated and salted S2K with SHA-1, 65536 octets, weak)",
        ),
        (
            [&[255, 9, 3, 10][..], &salt, &[0xff], &vector].concat(),
            "AES-256-CFB (iterated and salted S2K with SHA-512, 65011712 octets, weak)",
        ),
        (
            [&[253, 9, 3, 4][..], &[5; 16], &[1, 4, 21], &vector[..12]].concat(),
            "AES-256-GCM (Argon2id, 2097152 KiB, 1 passes)",
        ),
    ] {
        let body = [&public[..], &protection, &ciphertext].concat();
        let found = scan(&Armoured, armour(&old(7, &body)).as_bytes()).found;
        assert_eq!(found[0].material.protection.to_string(), format!("encrypted with {shown}"));
        assert_eq!(spki(&found[0])[..16], *RSA[0].1);
    }
    let unknown = [&public[..], &[254, 99, 3, 8], &salt, &[96], &vector, &ciphertext].concat();
    assert!(scan(&Armoured, armour(&old(5, &unknown)).as_bytes()).found.is_empty());
}

#[test]
fn algorithms_without_support_are_named() {
    // ML-DSA-65 with Ed25519 (draft-ietf-openpgp-pqc): 32 and 1952 public bytes, two seeds.
    let public = [&[6, 0x66, 0, 0, 0, 30][..], &1984u32.to_be_bytes(), &[3; 1984]].concat();
    let packet = |rest: &[u8]| {
        let body = [&public[..], rest].concat();
        [&[0xc5, 0xff][..], &(body.len() as u32).to_be_bytes(), &body].concat()
    };
    let open = packet(&[&[0][..], &[7; 64]].concat());
    let found = scan(&Armoured, armour(&open).as_bytes()).found;
    assert_eq!(found[0].material.algorithm, Algorithm::Unknown(Some("ML-DSA-65 with Ed25519".into())));
    assert_eq!((found[0].material.proof.level, &found[0].material.protection), (ProofLevel::Parsed, &Protection::None));
    let locked = packet(&[&[253, 38, 9, 2, 20, 4][..], &[5; 16], &[3, 4, 16], &[6; 15], &[8; 80]].concat());
    let found = scan(&Armoured, armour(&locked).as_bytes()).found;
    assert_eq!(found[0].material.protection.to_string(), "encrypted with AES-256-OCB (Argon2id, 65536 KiB, 3 passes)");
    assert!(scan(&Armoured, armour(&open[..open.len() - 1]).as_bytes()).found.is_empty(), "cut off");
    // Tables in programs look like version 6 of an algorithm that nobody has heard of, or with too few bytes.
    for algorithm in [0, 8, 29, 37, 200] {
        let mut other = open.clone();
        other[11] = algorithm;
        assert!(scan(&Armoured, armour(&other).as_bytes()).found.is_empty(), "{algorithm}");
    }
}

#[test]
fn public_and_damaged_keys_are_no_keys() {
    let public = scan(&Armoured, &read("rsa-public.asc"));
    assert!(public.found.is_empty());
    let names: Vec<_> = public.public.iter().map(|p| p.key.fingerprint().hex()[..16].to_owned()).collect();
    assert_eq!(names, [RSA[0].1, RSA[1].1]);
    assert!(scan(&Packets, &read("public.gpg")).found.is_empty());
    let mut damaged = read("rsa.pgp");
    damaged[300] ^= 1;
    // The primary key contradicts itself; its subkey does not, but nothing in it tells where it begins.
    let found = scan(&Packets, &damaged).found;
    assert!(found.iter().all(|f| detail(f, "fingerprint") != RSA[0].0));
    for text in [
        "-----BEGIN PGP PRIVATE KEY BLOCK-----",
        "-----BEGIN PGP PRIVATE KEY BLOCK-----\n\n-----END PGP PRIVATE KEY BLOCK-----",
        "-----BEGIN PGP PRIVATE KEY BLOCK-----\nVersion: x\n\nlQ==\n=abcd\n-----END PGP PRIVATE KEY BLOCK-----",
    ] {
        assert!(scan(&Armoured, text.as_bytes()).found.is_empty());
    }
}

#[test]
fn damage_does_no_harm() {
    for name in
        ["ed25519.pgp", "ed25519-encrypted.pgp", "v5-encrypted.pgp", "v6-argon2.pgp", "v4-native.pgp", "rsa-card.pgp"]
    {
        torture(&Packets, &read(name), 1_000);
        torture(&Armoured, armour(&read(name)[..300]).as_bytes(), 700);
    }
    torture(&Packets, BASE64.encode(&read("ed25519.pgp")).as_bytes(), 1_000);
    torture(&Packets, &read("dsa-encrypted.pgp"), 500);
    torture(&Packets, &read("rsa.pgp")[..700], 1_000);
}
