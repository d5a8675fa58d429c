//! What the checks say of tokens that are published as examples, of near misses, and of anything at all.

use super::*;
use data_encoding::{BASE64, BASE64_NOPAD, BASE64URL_NOPAD};

fn run(check: &str, secret: &[u8], groups: &[(&str, &[u8])]) -> Option<Verdict> {
    by_name(check).unwrap_or_else(|| panic!("no check '{check}'")).run(&Candidate { secret, whole: secret, groups })
}

fn verdict(check: &str, token: &str) -> Verdict {
    run(check, token.as_bytes(), &[]).unwrap_or_else(|| panic!("{check} fails"))
}

pub(super) fn level(check: &str, token: &str) -> Option<Level> {
    run(check, token.as_bytes(), &[]).map(|verdict| verdict.level)
}

pub(super) fn fails(check: &str, token: &str) -> bool {
    level(check, token).is_none()
}

pub(super) fn details(check: &str, token: &str) -> Vec<(&'static str, String)> {
    verdict(check, token).details
}

/// Whether the check proves the token that begins like this and ends with the checksum it computes.
pub(super) fn passes(check: &str, start: &str) -> bool {
    let checksum = by_name(check).unwrap().example.checksum(start).expect("a checksum");
    level(check, &format!("{start}{checksum}")) == Some(Level::Proven)
}

#[test]
fn names_are_unique_sorted_and_kebab_case() {
    assert!(all().windows(2).all(|pair| pair[0].name < pair[1].name));
    assert!(all().iter().all(|check| crate::parse::is_kebab_case(check.name) && !check.about.is_empty()));
}

#[test]
fn every_check_is_in_the_manual() {
    let manual = include_str!("../../../../rules/README.md");
    for check in all() {
        assert!(manual.contains(&format!("| `{}` |", check.name)), "{} is missing", check.name);
    }
}

#[test]
fn made_tokens_pass_and_no_prefix_or_change_panics() {
    for check in all() {
        for number in 0..20 {
            let mut random = Random::new(check.name, number);
            let Some(token) = check.example.token(&mut random) else { continue };
            let secret = token.as_bytes();
            assert!(run(check.name, secret, &[]).is_some(), "{} of number {number}", check.name);
            for end in 0..secret.len() {
                run(check.name, &secret[..end], &[]);
            }
            let mut changed = secret.to_vec();
            for _ in 0..200 {
                let at = random.below(changed.len());
                changed[at] = random.bytes(1)[0];
                run(check.name, &changed, &[("host", &changed), ("user", b"")]);
            }
        }
    }
}

#[test]
fn no_check_panics_on_anything() {
    let mut random = Random::new("anything", 0);
    let alphabet = b"ABCDEFabcdef0123456789+/-_=.:~\xff\x00";
    for round in 0..20_000 {
        let length = random.below(120);
        let text: Vec<u8> = (0..length).map(|_| alphabet[random.below(alphabet.len())]).collect();
        let check = &all()[round % all().len()];
        run(check.name, &text, &[("host", &text)]);
        if let Ok(text) = std::str::from_utf8(&text) {
            check.example.checksum(text);
        }
    }
}

#[test]
fn the_account_stands_in_new_access_key_ids() {
    // T. Be'ery, "A short note on AWS KEY ID".
    let key = ["ASIAY34F", "ZKBOKMUTVV7A"].concat();
    assert_eq!(details("aws-access-key-id", &key), [("account", "609629065308".to_owned())]);
    // The first bit is not set in ids of the older generation.
    assert_eq!(details("aws-access-key-id", &["AKIAIOSF", "ODNN7EXAMPLE"].concat()), []);
    for bad in ["AKIA", "AKIAIOSFODNN7EXAMPL", "AKIAIOSFODNN7EXAMP1E", "AKIAIOSFODNN7EXAMPLEIOSFODNN7EX="] {
        assert!(fails("aws-access-key-id", bad), "{bad}");
    }
}

#[test]
fn secret_keys_are_told_from_hashes_and_paths() {
    assert!(!fails("aws-secret-shape", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYzzzzzzzKEY"));
    for bad in [
        "da39a3ee5e6b4b0d3255bfef95601890afd80709",
        "DA39A3EE5E6B4B0D3255BFEF95601890AFD80709",
        "com/Acme/app/src/main/java/util/List1/a/",
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMN",
        "wJalrXUtnFEMI/K7MDENG/bPxRfiCYzzzzzzzKE",
        "wJalrXUtnFEMI-K7MDENG/bPxRfiCYzzzzzzzKEY",
    ] {
        assert!(fails("aws-secret-shape", bad), "{bad}");
    }
}

#[test]
fn random_bytes_have_the_right_length_and_are_no_text() {
    let bytes: Vec<u8> = (0..64).map(|n: u8| n.wrapping_mul(151).wrapping_add(7)).collect();
    for (check, length) in [("base64-16-bytes", 16), ("base64-32-bytes", 32), ("base64-64-bytes", 64)] {
        assert_eq!(level(check, &BASE64.encode(&bytes[..length])), Some(Level::Parsed));
        assert_eq!(level(check, &BASE64URL_NOPAD.encode(&bytes[..length])), Some(Level::Parsed));
        assert!(fails(check, &BASE64.encode(&bytes[..length - 1])));
        assert!(fails(check, &BASE64.encode(&vec![b'a'; length])));
        assert!(fails(check, &BASE64.encode(&vec![0xaa; length])));
    }
}

#[test]
fn tokens_say_what_they_are_for() {
    let sample = |check: &str| by_name(check).unwrap().example.token(&mut Random::new(check, 7)).unwrap();
    let shown = |check: &str, name: &str| {
        details(check, &sample(check)).into_iter().find(|(n, _)| *n == name).map(|(_, value)| value)
    };
    assert_eq!(shown("gitlab-routable", "organization").as_deref(), Some("1"));
    assert_eq!(shown("gitlab-routable", "user").as_deref(), Some("100"));
    assert_eq!(shown("sentry-org", "organization").as_deref(), Some("acme"));
    assert_eq!(shown("sentry-org", "region").as_deref(), Some("https://us.sentry.io"));
    assert_eq!(shown("onepassword-service-account", "address").as_deref(), Some("acme.1password.com"));
    assert_eq!(shown("mapbox", "account").as_deref(), Some("acme"));
    assert_eq!(shown("grafana-json", "name").as_deref(), Some("deploy"));
    assert_eq!(shown("bedrock-api-key", "account").map(|a| a.len()), Some(12));
    assert_eq!(shown("supabase-jwt", "role").as_deref(), Some("service_role"));
    assert_eq!(shown("basic-auth", "user").as_deref(), Some("deploy"));
    assert_eq!(shown("pypi-macaroon", "location").as_deref(), Some("pypi.org"));
}

#[test]
fn routable_tokens_are_proven_and_read() {
    let routing = b"c:2s\no:1\nu:z";
    let bytes = [&[b'a'; 16][..], routing, &[routing.len() as u8]].concat();
    let payload = BASE64URL_NOPAD.encode(&bytes);
    let start = format!("glrt-t3_{payload}.01.{:02}", 13);
    // 39 characters are `13` in base 36.
    assert_eq!(payload.len(), 39);
    assert!(passes("gitlab-routable", &start));
    let token = format!("{start}{}", gitlab::routable_checksum(&start).unwrap());
    let expected = [("cell", "100"), ("organization", "1"), ("user", "35")].map(|(n, v)| (n, v.to_owned()));
    assert_eq!(details("gitlab-routable", &token), expected);
    assert!(fails("gitlab-routable", &token.replacen("01", "02", 1)));
    // A wrong length hides the routing data, but proves as well.
    assert_eq!(
        details("gitlab-routable", &{
            let start = "glpat-abc.01.zz";
            format!("{start}{}", gitlab::routable_checksum(start).unwrap())
        }),
        []
    );
}

#[test]
fn macaroons_are_complete_or_nothing() {
    // Made with pypitoken 7 for a project that does not exist.
    let sample = [
        "pypi-AgEIcHlwaS5vcmcCJDJmOWMxYjFlLTAwMDAtNDAwMC04MDAwLTAwMDAwMDAwMDAwMQACQnsidmVyc2lvbiI6IDEsICJwZXJtaXNzaW9u",
        "cyI6IHsicHJvamVjdHMiOiBbInJlcXVlc3RzIiwgImZsYXNrIl19fQAABiBPNEQBFJ9VzZ57e4PRvK0Wo6u584UAYkV5KTdZnRACDQ",
    ]
    .concat();
    let expected = [("location", "pypi.org".to_owned()), ("projects", "requests, flask".to_owned())];
    assert_eq!(details("pypi-macaroon", &sample), expected);
    for end in 5..sample.len() - 1 {
        assert!(fails("pypi-macaroon", &sample[..end]), "the first {end} characters");
    }
    assert!(fails("pypi-macaroon", &format!("{sample}AAAA")));
}

fn jwt(header: &str, claims: &str, signature: &[u8]) -> String {
    [header.as_bytes(), claims.as_bytes(), signature].map(|part| BASE64URL_NOPAD.encode(part)).join(".")
}

#[test]
fn web_tokens_are_read_and_expire() {
    let header = r#"{"alg":"RS256","kid":"k-1"}"#;
    let past = verdict("jwt", &jwt(header, r#"{"iss":"https://a","aud":["x","y"],"exp":1516239022}"#, &[7; 64]));
    assert_eq!((past.level, past.severity), (Level::Parsed, Some(Severity::Low)));
    let expected = [
        ("algorithm", "RS256"),
        ("kid", "k-1"),
        ("iss", "https://a"),
        ("aud", "x, y"),
        ("expires", "2018-01-18 01:30:22 UTC"),
    ];
    assert_eq!(past.details, expected.map(|(n, v)| (n, v.to_owned())));
    assert_eq!(verdict("jwt", &jwt(header, r#"{"exp":4102444800}"#, &[7; 64])).severity, None);
    for bad in [
        jwt(r#"{"alg":"none"}"#, "{}", &[7; 64]),
        jwt(r#"{"typ":"JWT"}"#, "{}", &[7; 64]),
        jwt(header, "[]", &[7; 64]),
        jwt(header, "{}", &[7; 15]),
        jwt(header, "{}", &[]),
        jwt(header, "{", &[7; 64]),
        jwt(header, "{}", &[7; 64]) + ".e30",
        BASE64URL_NOPAD.encode(header.as_bytes()),
    ] {
        assert!(fails("jwt", &bad), "{bad}");
    }
    let deep = format!("{}1{}", "[".repeat(2_000), "]".repeat(2_000));
    assert!(fails("jwt", &jwt(header, &format!(r#"{{"a":{deep}}}"#), &[7; 64])));
}

#[test]
fn roles_of_supabase_are_told_apart() {
    let token = |issuer: &str, role: &str| {
        jwt(r#"{"alg":"HS256"}"#, &format!(r#"{{"iss":"{issuer}","ref":"abc","role":"{role}"}}"#), &[9; 32])
    };
    assert_eq!(verdict("supabase-jwt", &token("supabase", "anon")).severity, Some(Severity::Low));
    assert_eq!(verdict("supabase-jwt", &token("supabase-demo", "service_role")).severity, None);
    assert!(fails("supabase-jwt", &token("other", "service_role")));
}

#[test]
fn near_misses_of_payloads_fail() {
    let json = |text: &str| BASE64_NOPAD.encode(text.as_bytes());
    let random = BASE64_NOPAD.encode(&[0x9c; 32]);
    let cases = [
        ("sentry-org", format!("sntrys_{}_{random}", json(r#"{"iat":1}"#))),
        ("sentry-org", format!("sntrys_{}_{}", json(r#"{"iat":1,"org":"a"}"#), &random[..40])),
        ("onepassword-service-account", format!("ops_{}", json(r#"{"signInAddress":"a","email":"b"}"#))),
        ("mapbox", format!("sk.{}.{random}", json(r#"{"u":"a"}"#))),
        ("grafana-json", json(r#"{"k":"a","n":"b"}"#)),
        ("bedrock-api-key", format!("ABSK{}", json("BedrockAPIKey-ab-at-12345678901:0123456789012345678901234567890"))),
        ("jfrog-reference-token", json("reftkn:01:0000000000:short")),
        ("jfrog-reference-token", json("other:01:0000000000:0123456789012345678901")),
        ("atlassian-dc-pat", json("123456789012:only text behind it")),
        ("atlassian-dc-pat", BASE64_NOPAD.encode(b"12x456789012:\xff2345678901234567890")),
    ];
    for (check, token) in cases {
        assert!(fails(check, &token), "{check}: {token}");
    }
}

#[test]
fn reference_tokens_expire() {
    let token = BASE64_NOPAD.encode(b"reftkn:01:1516239022:0123456789abcdefghij0123");
    let verdict = verdict("jfrog-reference-token", &token);
    assert_eq!(verdict.severity, Some(Severity::Low));
    assert_eq!(verdict.details, [("expires", "2018-01-18 01:30:22 UTC".to_owned())]);
}

#[test]
fn chat_tokens_have_their_parts() {
    // The example of Discord's documentation.
    let discord = ["MTk4NjIyNDgzNDcxOTI1MjQ4", "Cl2FMQ", "ZnCjm1XVW7vRze4b7Cq4se7kKWs"].join(".");
    let expected = [("application", "198622483471925248"), ("registered", "2016-07-02 02:14:50 UTC")];
    assert_eq!(details("discord-bot-token", &discord), expected.map(|(n, v)| (n, v.to_owned())));
    assert!(fails("discord-bot-token", &discord.replacen("MTk4", "eHh4", 1)));
    assert!(fails("discord-bot-token", "MTk4NjIyNDgzNDcxOTI1MjQ4.Cl2FMQ"));

    let random = "Zk3vQ9xT1mB7uY5rW2nC8pLd";
    let hex = "0123456789abcdef".repeat(4);
    for (token, kind) in [
        (format!("xoxb-123456789012-1234567890123-{random}"), Some("bot")),
        (format!("xoxp-123456789012-123456789012-123456789012-{}", &hex[..32]), Some("user")),
        (format!("xapp-1-A0123456789-1234567890123-{hex}"), Some("app-level")),
        (format!("xoxe.xoxp-1-{random}{random}"), Some("rotating user")),
        (format!("xoxb-{random}"), None),
        (format!("xoxb-not-a-{random}"), None),
        (format!("xoxq-123456789012-1234567890123-{random}"), None),
        (format!("xapp-1-B0123456789-1234567890123-{hex}"), None),
        ("xoxb".to_owned(), None),
        ("xapp-1".to_owned(), None),
    ] {
        let found = run("slack-token", token.as_bytes(), &[]).map(|v| v.details[0].1.clone());
        assert_eq!(found.as_deref(), kind, "{token}");
    }

    // The example of Telegram's documentation.
    let telegram = ["110201543:AAHdqTcvCH1vGWJx", "fSeofSAs0K5PALDsaw"].concat();
    assert_eq!(details("telegram-bot-token", &telegram), [("bot", "110201543".to_owned())]);
    for bad in [&telegram[1..], &telegram[2..], "110201543:AAHdq", "110201543", &telegram.replace(":AA", ":BB")] {
        assert_eq!(fails("telegram-bot-token", bad), bad != &telegram[1..], "{bad}");
    }
}

#[test]
fn passwords_of_urls_are_weighed() {
    let url = |user: &str, password: &str, host: &str| {
        let groups = [("user", user.as_bytes()), ("host", host.as_bytes())];
        run("url-userinfo", password.as_bytes(), &groups).map(|v| v.severity)
    };
    assert_eq!(url("app", "k8Zp#mQ2", "db.acme.io:5432"), Some(None));
    assert_eq!(url("app", "k8Zp#mQ2", "10.0.0.7"), Some(None));
    assert_eq!(url("app", "k8Zp#mQ2", "notinvalid.io"), Some(None));
    assert_eq!(url("app", "k8Zp#mQ2", "11.11.11.11"), Some(None));
    assert_eq!(url("app", "k8Zp#mQ2", "my.company.io"), Some(None));
    assert_eq!(url("postgres", "postgres", "db.acme.io"), Some(Some(Severity::Low)));
    assert_eq!(url("postgres", "postgres", "db"), None);
    assert_eq!(url("root", "P@ssw0rd1", "localhost:3306"), None);
    assert_eq!(url("user", "password", "db.acme.io"), None);
    assert_eq!(url("app", "%s", "db.acme.io"), None);
    assert_eq!(url("app", "p%40ssword", "db"), None);
    assert_eq!(url("app", "k8Zp%4", "db.acme.io"), Some(None));
    assert_eq!(url("app", "Password", "db.acme.io"), Some(Some(Severity::Low)));
    assert_eq!(url("app", "k8Zp#mQ2", "localhost:5432"), Some(Some(Severity::Low)));
    assert_eq!(url("app", "k8Zp#mQ2", "127.0.0.1"), Some(Some(Severity::Low)));
    for host in ["example.com", "db.Example.org:1", "x.test", "hostname", "${HOST}", "<host>"] {
        assert_eq!(url("app", "k8Zp#mQ2", host), None, "{host}");
    }
}

#[test]
fn basic_credentials_are_text_with_a_password() {
    let check = |text: &[u8]| run("basic-auth", BASE64.encode(text).as_bytes(), &[]).map(|v| (v.details, v.severity));
    assert_eq!(check(b"bob:k8Zp#mQ2"), Some((vec![("user", "bob".to_owned())], None)));
    assert_eq!(check(b":k8Zp#mQ2"), Some((vec![], None)));
    assert_eq!(check(b"admin:admin"), Some((vec![("user", "admin".to_owned())], Some(Severity::Low))));
    for bad in [
        &b"bob"[..],
        b"bob:",
        b"bob:${PASSWORD}",
        b"user:password",
        b"Aladdin:open sesame",
        b"bob:\xff\xfe\xfd\xfc",
        b"bob:a\x01b\x02c",
        b"",
    ] {
        assert_eq!(check(bad), None, "{bad:?}");
    }
}

#[test]
fn encoded_secrets_are_random() {
    let passes = |bytes: &[u8]| run("base64-secret", BASE64.encode(bytes).as_bytes(), &[]).is_some();
    let binary: Vec<u8> = (1..=32u32).map(|i| (i.wrapping_mul(0x9e37_79b1) >> 13) as u8).collect();
    for good in [&b"k3Jx9Qz-mW2vTn8Rp4Ls"[..], b"k8Zp#mQ2vT\n", &binary] {
        assert!(passes(good), "{good:?}");
    }
    for bad in [
        &b"admin"[..],
        b"db.corp.example.net:5432",
        b"your-password-here",
        b"[client]\nuser=app\nhost=db\n",
        b"-----BEGIN CERTIFICATE-----\nMIIB",
        &[0; 32],
        &binary[..30],
    ] {
        assert!(!passes(bad), "{bad:?}");
    }
}
