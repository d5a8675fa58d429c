use crate::memory::Flat;
use crate::search::{Effort, search};
use data_encoding::{BASE64, BASE64URL_NOPAD, HEXLOWER};
use hmac::{Hmac, KeyInit, Mac};

fn token(algorithm: &str, secret: &[u8], subject: &str) -> String {
    let header = format!(r#"{{"alg":"{algorithm}","typ":"JWT","kid":"k1"}}"#);
    let payload = format!(r#"{{"sub":"{subject}","iss":"issuer.test"}}"#);
    let signed = [header, payload].map(|part| BASE64URL_NOPAD.encode(part.as_bytes())).join(".");
    fn mac<M: Mac + KeyInit>(secret: &[u8], signed: &str) -> Vec<u8> {
        let mac = <M as KeyInit>::new_from_slice(secret).unwrap().chain_update(signed.as_bytes());
        mac.finalize().into_bytes().to_vec()
    }
    let signature = match algorithm {
        "HS256" => mac::<Hmac<sha2::Sha256>>(secret, &signed),
        "HS384" => mac::<Hmac<sha2::Sha384>>(secret, &signed),
        _ => mac::<Hmac<sha2::Sha512>>(secret, &signed),
    };
    format!("{signed}.{}", BASE64URL_NOPAD.encode(&signature))
}

fn random(len: usize) -> Vec<u8> {
    let mut state = 77u64;
    (0..len)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as u8
        })
        .collect()
}

/// A heap with the given bytes at the given places.
fn memory(parts: &[(usize, &[u8])]) -> Vec<u8> {
    let mut memory: Vec<u8> =
        (0..3 << 19).map(|i| if i % 64 < 8 { [0x10, 0x42, 0x55, 0x55, 0x55, 0x55, 0, 0][i % 8] } else { 0 }).collect();
    for (at, bytes) in parts {
        memory[*at..at + bytes.len()].copy_from_slice(bytes);
    }
    memory
}

#[test]
fn secrets_of_every_kind_are_proven_by_a_token() {
    let binary = random(32);
    let long = random(64);
    let kinds: [(&[u8], Vec<u8>); 7] = [
        (b"hunter2-but-longer", b"hunter2-but-longer\0".to_vec()),
        (b"s3cr3t", b"\0JWT_SECRET=s3cr3t\0".to_vec()),
        (b"with/slash+and.dots", b"{\"jwt\":{\"secret\":\"with/slash+and.dots\"}}".to_vec()),
        (&binary, binary.clone()),
        (&long, long.clone()),
        (&binary, format!("\"{}\"", BASE64.encode(&binary)).into_bytes()),
        (&binary, format!("key: {}\n", HEXLOWER.encode(&binary)).into_bytes()),
    ];
    for algorithm in ["HS256", "HS384", "HS512"] {
        for (secret, lies_as) in &kinds {
            let first = token(algorithm, secret, "a");
            let second = token(algorithm, secret, "b");
            let memory = memory(&[(4096, first.as_bytes()), (1_200_000, second.as_bytes()), (800_000, lies_as)]);
            let found = search(&Flat::at(&memory, 0x5555_5555_0000), &[], 2, Effort::Full).found;
            assert_eq!(found.len(), 1, "{algorithm} {}", String::from_utf8_lossy(lies_as));
            let place = &found[0].places[0];
            assert!((800_000..800_000 + lies_as.len() as u64).contains(&place.offset), "{place:?}");
            assert!(found[0].material.details.contains(&("tokens verified", "2".into())));
        }
    }
}

#[test]
fn copies_are_listed() {
    let secret = b"a-secret-of-some-length";
    let memory = memory(&[(64, token("HS256", secret, "a").as_bytes()), (9000, secret), (1_000_001, secret)]);
    let found = search(&Flat::new(&memory), &[], 1, Effort::Full).found;
    assert_eq!(found[0].places.iter().map(|p| p.offset).collect::<Vec<_>>(), [9000, 1_000_001]);
}

#[test]
fn an_example_that_says_the_secret_is_told_as_one() {
    let token = token("HS256", b"secret", "a");
    let docs = format!("    >>> jwt.encode({{'a': 'b'}}, 'secret', algorithm='HS256')\n    '{token}'\n");
    let rules = |parts: &[(usize, &[u8])]| {
        let memory = memory(parts);
        let found = search(&Flat::new(&memory), &[], 1, Effort::Full).found;
        found.iter().map(|found| found.rule).collect::<Vec<_>>()
    };
    assert_eq!(rules(&[(4096, docs.as_bytes())]), ["memory-example-mac-secret"]);
    // In quotes, in the same text, and a word.
    for near_miss in
        [docs.replace("'secret'", "secret"), docs.replace('\n', "\0"), docs.replace(", algo", &" ".repeat(200))]
    {
        assert_eq!(rules(&[(4096, near_miss.as_bytes())]), ["memory-mac-secret"], "{near_miss}");
    }
    // A token that stands elsewhere was made or received.
    let used = super::tests::token("HS256", b"secret", "b");
    assert_eq!(rules(&[(4096, docs.as_bytes()), (90_000, used.as_bytes())]), ["memory-mac-secret"]);
}

#[test]
fn tokens_without_their_secret_are_nothing() {
    let secret = random(32);
    let mut near_miss = secret.clone();
    near_miss[31] ^= 1;
    let asymmetric = token("RS256", &secret, "a");
    let memory = memory(&[
        (4096, token("HS256", &secret, "a").as_bytes()),
        (8192, asymmetric.as_bytes()),
        (9192, &near_miss),
        (12_000, b"eyJhbGciOiJIUzI1NiJ9.eyJ.short"),
    ]);
    assert!(search(&Flat::new(&memory), &[], 1, Effort::Full).found.is_empty());
}

#[test]
fn a_secret_far_away_is_met_and_too_many_candidates_are_told() {
    // Sixteen tokens leave fewer candidates for each.
    let tokens: Vec<String> = (0..16).map(|i| token("HS256", b"another secret", &format!("{i}"))).collect();
    let found = |strings: usize| {
        let mut memory = vec![0; 12 << 20];
        let mut at = 4096;
        for token in &tokens {
            memory[at..at + token.len()].copy_from_slice(token.as_bytes());
            at += 512;
        }
        for index in 0..strings {
            let text = format!("string-{index}");
            memory[1 << 20..][32 * index..][..text.len()].copy_from_slice(text.as_bytes());
        }
        memory[(11 << 20) + 40..][..14].copy_from_slice(b"another secret");
        let outcome = search(&Flat::new(&memory), &[], 2, Effort::Full);
        (outcome.found.len(), outcome.limits.iter().any(|limit| limit.contains("JSON Web Token")))
    };
    assert_eq!((found(100_000), found(250_000)), ((1, false), (0, true)));
}
