//! Key files made by GnuPG 2.2.40 (`*.key`), and the same expressions in canonical form (`*.sexp`). Names of the public
//! halves by what `gpg --with-key-data` tells.

use super::GnuPg;
use crate::decoder::Found;
use crate::decoders::trial::{only, scan, scan_as, spki, torture};
use crate::{Algorithm, ProofLevel};
use std::path::Path;

const RSA: &str = "ee66795eee762853";
const ED25519: &str = "83715d59243ec84b";
const OPEN: [(&str, &str); 13] = [
    ("open-rsa.key", RSA),
    ("open-dsa.key", "fd4ce275087d72be"),
    ("open-elg.key", "98f23c72fec01414"),
    ("open-ed25519.key", ED25519),
    ("open-cv25519.key", "41f0b8d8fcb5c7fd"),
    ("open-nistp256.key", "7ed45eba668be0b3"),
    ("open-nistp521.key", "55a2caf1495bf90a"),
    ("open-secp256k1.key", "6cd86e7649a8197d"),
    ("open-brainpoolP256r1.key", "c98707e035e74930"),
    ("open-rsa.sexp", RSA),
    ("open-ed25519.sexp", ED25519),
    ("open-cv25519.sexp", "41f0b8d8fcb5c7fd"),
    ("open-elg.sexp", "98f23c72fec01414"),
];
const LOCKED: [(&str, &str); 6] = [
    ("locked-rsa.key", "d5be49f768069c36"),
    ("locked-elg.key", "ceaec34d0caeef1b"),
    ("locked-ed25519.key", "f73e797026395b43"),
    ("locked-cv25519.key", "39b911523175f521"),
    ("locked-nistp256.key", "e8d8833dc24e804e"),
    ("locked-ed25519.sexp", "f73e797026395b43"),
];

fn read(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/gnupg").join(name)).unwrap()
}

fn detail<'a>(found: &'a Found, name: &str) -> Option<&'a str> {
    found.material.details.iter().find(|(n, _)| *n == name).map(|(_, value)| value.as_str())
}

/// An expression in the form that libgcrypt has in memory, from its canonical form.
fn in_memory(canonical: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut at = 0;
    while let Some(&byte) = canonical.get(at) {
        at += 1;
        match byte {
            b'(' => out.push(3),
            b')' => out.push(4),
            _ => {
                let colon = at + canonical[at..].iter().position(|b| *b == b':').unwrap();
                let length: usize = std::str::from_utf8(&canonical[at - 1..colon]).unwrap().parse().unwrap();
                out.push(1);
                out.extend((length as u16).to_le_bytes());
                out.extend(&canonical[colon + 1..colon + 1 + length]);
                at = colon + 1 + length;
            }
        }
    }
    out.push(0);
    out
}

#[test]
fn open_keys_are_proven() {
    for (name, expected) in OPEN {
        let found = only(&GnuPg, &read(name));
        assert_eq!((found.rule, &spki(&found)[..16]), ("gnupg-private-key", expected), "{name}");
        assert_eq!(found.material.proof.level, ProofLevel::Proven, "{name}");
        if name.ends_with(".key") {
            assert!(detail(&found, "created").is_some_and(|c| c.starts_with("20261124T2020")), "{name}");
        }
    }
    assert_eq!(only(&GnuPg, &read("open-elg.key")).material.algorithm, Algorithm::ElGamal);
}

#[test]
fn protected_keys_tell_their_cost_and_their_public_half() {
    for (name, expected) in LOCKED {
        let found = only(&GnuPg, &read(name));
        assert_eq!((found.rule, &spki(&found)[..16]), ("gnupg-private-key", expected), "{name}");
        assert_eq!(
            found.material.protection.to_string(),
            "encrypted with AES-128-OCB (iterated and salted S2K with SHA-1, 285569024 octets)",
            "{name}"
        );
    }
    let text = String::from_utf8_lossy(&read("locked-nistp256.key")).into_owned();
    let old = text.replace("openpgp-s2k3-ocb-aes", "openpgp-s2k3-sha1-aes-cbc").replace("285569024", "65536");
    assert_eq!(
        only(&GnuPg, old.as_bytes()).material.protection.to_string(),
        "encrypted with AES-128-CBC (iterated and salted S2K with SHA-1, 65536 octets, weak)"
    );
    assert!(scan(&GnuPg, &text.as_bytes()[..text.len() - 10]).found.is_empty(), "half of a ciphertext opens nothing");
}

#[test]
fn files_are_read_within_other_texts() {
    for (name, expected) in [("open-nistp256.key", OPEN[5].1), ("locked-nistp256.key", LOCKED[4].1)] {
        let text = String::from_utf8(read(name)).unwrap();
        for text in [
            text.replace('\n', "\r\n"),
            format!("file: |\n  {}\nnext: 1\n", text.trim_end().replace('\n', "\n  ")),
            text.lines().map(|line| format!("> {line}\n")).collect(),
        ] {
            let found = only(&GnuPg, text.as_bytes());
            assert_eq!(&spki(&found)[..16], expected, "{text}");
            assert!(text[found.range.clone()].starts_with('(') && text[found.range].ends_with(')'));
        }
    }
}

#[test]
fn the_memory_of_the_agent_holds_the_same() {
    for (name, expected) in OPEN.iter().filter(|(name, _)| name.ends_with(".sexp")) {
        let canonical = read(name);
        let heap = [&[0x31; 100][..], &canonical, &[0; 100], &in_memory(&canonical), &[0xff; 100]].concat();
        let found = scan(&GnuPg, &heap).found;
        assert_eq!(found.len(), 2, "{name}");
        for key in &found {
            assert_eq!(&spki(key)[..16], *expected, "{name}");
        }
        assert_eq!(found[0].range, 100..100 + canonical.len());
        assert_eq!(found[1].material.encoding, "libgcrypt S-expression");
    }
    let whole = read("open-rsa.sexp");
    let u = whole.windows(5).position(|w| w == b"(1:u6").unwrap();
    assert_eq!(&spki(&only(&GnuPg, &whole[..u + 20]))[..16], RSA, "cut off in the last number");
}

#[test]
fn keys_on_their_way_to_the_agent_are_read() {
    let numbers = super::sexp::text(&read("open-rsa.sexp")).unwrap().0;
    let rsa = numbers.list(b"rsa").unwrap();
    let mut text = b"(19:openpgp-private-key(7:version1:4)(4:algo3:rsa)(4:skey".to_vec();
    for name in [&b"n"[..], b"e", b"d", b"p", b"q", b"u"] {
        let value = rsa.value(name).unwrap();
        text.extend(format!("1:_{}:", value.len()).bytes());
        text.extend(value);
    }
    let open = [&text[..], b")(10:protection4:none))"].concat();
    assert_eq!(&spki(&only(&GnuPg, &open))[..16], RSA);
    let d = text.windows(6).position(|w| w == b"1:_128").unwrap() + 40;
    assert!(d < text.len());
    let n = rsa.value(b"n").unwrap();
    let mut locked = b"(19:openpgp-private-key(7:version1:4)(4:algo3:rsa)(4:skey1:_".to_vec();
    locked.extend(format!("{}:", n.len()).bytes());
    locked.extend(n);
    locked.extend(b"1:_3:\x01\0\x011:e40:0123456789012345678901234567890123456789)");
    locked.extend(b"(10:protection4:sha13:aes16:0123456789abcdef1:34:sha18:saltsalt3:190))");
    let found = only(&GnuPg, &locked).material;
    assert_eq!(found.protection.to_string(), "encrypted with AES (S2K 3 with SHA1, 3932160 octets)");
    assert!(found.public.is_some());
}

#[test]
fn stubs_name_the_card() {
    let found = only(&GnuPg, &read("shadowed-rsa.sexp"));
    assert_eq!((found.rule, &spki(&found)[..16]), ("gnupg-key-stub", RSA));
    assert_eq!(found.material.protection.to_string(), "kept on a smart card");
    assert_eq!(detail(&found, "serial number"), Some("D2760001240102010006000000010000"));
}

#[test]
fn header_lines_and_file_names_describe_the_key() {
    let text = String::from_utf8(read("open-ed25519.key")).unwrap();
    let text = text.replace("Key:", "Label: release key\nUse-for-ssh: yes\nKey:");
    let name = "0123456789abcdef0123456789ABCDEF01234567.key";
    let found = scan_as(&GnuPg, text.as_bytes(), Some(name)).found.remove(0);
    assert_eq!(detail(&found, "keygrip"), Some("0123456789ABCDEF0123456789ABCDEF01234567"));
    assert_eq!(found.material.comment.as_deref(), Some("release key"));
    assert_eq!(found.material.purpose, Some("ssh-user"));
}

#[test]
fn contradicting_and_public_expressions_are_no_keys() {
    let mut damaged = read("open-ed25519.sexp");
    let at = damaged.windows(4).position(|w| w == b"1:d3").unwrap() + 20;
    damaged[at] ^= 1;
    assert!(scan(&GnuPg, &damaged).found.is_empty());
    for text in
        [&b"(public-key (rsa (n #00#)(e #03#)))"[..], b"(private-key)", b"(private-key (rsa))", b"(private-key (rsa (n"]
    {
        assert!(scan(&GnuPg, text).found.is_empty());
    }
}

#[test]
fn damage_does_no_harm() {
    for name in
        ["open-ed25519.key", "open-nistp256.key", "locked-ed25519.key", "locked-ed25519.sexp", "shadowed-rsa.sexp"]
    {
        torture(&GnuPg, &read(name), 1_500);
    }
    torture(&GnuPg, &read("open-rsa.sexp"), 1_000);
    torture(&GnuPg, &in_memory(&read("open-ed25519.sexp")), 2_000);
}
