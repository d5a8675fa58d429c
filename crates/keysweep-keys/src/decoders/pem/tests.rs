//! Samples by OpenSSL 3.0, and the same text as it is found in configuration, source code, logs and mail.

use super::super::trial::{only, scan, scan_as, spki, torture};
use super::*;
use crate::ProofLevel;
use keysweep_testkit::bounded;
use std::time::Duration;

const RSA: &str = include_str!("../../../tests/data/pem/rsa.pem");
const RSA_SPKI: &str = "450e158f501ba6df";
const P256: &str = include_str!("../../../tests/data/pem/p256.pem");
const P256_SPKI: &str = "395a0bafbd847932";
const ED25519: &str = include_str!("../../../tests/data/pem/ed25519.pem");

/// The only key in `text`: rule, fingerprint, and what it spans.
fn found(text: &str) -> (&'static str, String, String) {
    let found = only(&Pem, text.as_bytes());
    (found.rule, spki(&found).chars().take(16).collect(), text[found.range].to_owned())
}

fn lines(pem: &str, form: impl Fn(&str) -> String) -> String {
    pem.lines().map(form).collect()
}

#[test]
fn samples_are_recognised_whatever_their_label() {
    for (pem, encoding, fingerprint) in [
        (RSA, "PKCS#8 PEM", RSA_SPKI),
        (include_str!("../../../tests/data/pem/rsa-traditional.pem"), "PKCS#1 PEM", RSA_SPKI),
        (P256, "PKCS#8 PEM", P256_SPKI),
        (include_str!("../../../tests/data/pem/p256-with-parameters.pem"), "SEC1 PEM", P256_SPKI),
        (include_str!("../../../tests/data/pem/dsa.pem"), "DSA PEM", "3a77fc9a17104a62"),
        (ED25519, "PKCS#8 PEM", "1eccf8592379997c"),
    ] {
        let key = only(&Pem, pem.as_bytes());
        assert_eq!((key.material.encoding, spki(&key).get(..16)), (encoding, Some(fingerprint)));
        let end = pem.trim_end().len();
        assert_eq!(key.range, pem.rfind("-----BEGIN").unwrap()..end);
        for label in
            ["RSA PRIVATE KEY", "ANY PRIVATE KEY", "EC PRIVATE KEY", "ENCRYPTED PRIVATE KEY", "OPENSSH PRIVATE KEY"]
        {
            let body = &pem[key.range.clone()];
            let body = &body[body.find('\n').unwrap()..body.rfind('\n').unwrap()];
            let (rule, name, _) = found(&format!("-----BEGIN {label}-----{body}\n-----END {label}-----"));
            assert_eq!((rule, name.as_str()), (PRIVATE, fingerprint), "{label}");
        }
    }
}

/// The text as other files hold it, each with a name.
fn variants(pem: &str) -> Vec<(&'static str, String)> {
    let flat = pem.trim_end().replace('\n', "\\n");
    let body: String = pem.lines().filter(|l| !l.starts_with('-')).collect();
    let (begin, end) = (pem.lines().next().unwrap(), pem.lines().last().unwrap());
    let joined = |separator: &str, form: fn(&str) -> String| pem.lines().map(form).collect::<Vec<_>>().join(separator);
    let encoded = |escape: fn(char) -> String| {
        pem.chars()
            .map(|c| if c.is_ascii_alphanumeric() || c == '-' { c.to_string() } else { escape(c) })
            .collect::<String>()
    };
    let percent = |c: char| format!("%{:02X}", u32::from(c));
    let mut number = 0;
    vec![
        ("CRLF", pem.replace('\n', "\r\n")),
        ("bare CR", pem.replace('\n', "\r")),
        ("empty lines", pem.replace('\n', "\n\n")),
        ("spaces at the ends", pem.replace('\n', "  \t\n ")),
        ("YAML block", format!("tls:\n  key: |\n{}  port: 443\n", lines(pem, |l| format!("    {l}\n")))),
        ("YAML string", format!("key: \"{flat}\\n\"\n")),
        ("JSON", format!("{{\"key\": \"{flat}\\n\", \"other\": 1}}")),
        ("JSON with slashes escaped", format!("{{\"key\":\"{}\"}}", flat.replace('/', "\\/"))),
        ("JSON in JSON", format!("{{\"c\": \"{{\\\"key\\\": \\\"{}\\\"}}\"}}", flat.replace('\\', "\\\\"))),
        ("JSON in JSON in JSON", format!("\"{}\"", flat.replace('\\', "\\\\\\\\"))),
        (
            "JSON with code points",
            format!("\"{}\"", flat.replace('+', "\\u002B").replace('=', "\\u003d").replace("\\n", "\\u000a")),
        ),
        (".env", format!("KEY=\"{flat}\"\nOTHER=1\n")),
        (".env with CRLF escaped", format!("KEY='{}'\n", flat.replace("\\n", "\\r\\n"))),
        ("spaces for line ends", format!("KEY='{}'\n", pem.trim_end().replace('\n', " "))),
        ("no line ends", format!("KEY={}\n", pem.replace('\n', ""))),
        ("properties", format!("key={}\n", flat.replace('=', "\\=").replace('\n', "\\n\\\n    "))),
        ("HTML", format!("<pre>{}</pre>", pem.replace('/', "&#x2F;").replace('+', "&#43;").replace('=', "&#61;"))),
        ("HTML line ends", format!("<p>{}</p>", pem.replace('\n', "<br/>\n"))),
        ("HTML in one line", format!("<p>{}</p>", pem.replace('\n', "<br>"))),
        ("XML", format!("<key v=\"{}\"/>", pem.replace('\n', "&#10;").replace('+', "&#x2b;"))),
        ("XML escaped again", format!("<key>{}</key>", pem.replace('\n', "&amp;#xD;&amp;#xA;"))),
        ("highlighted", format!("<td>{}</td>", lines(pem, |l| format!("<span class=\"hljs-string\">{l}</span>\n")))),
        ("Python", format!("KEY = (\n{})\n", lines(pem, |l| format!("    '{l}\\n'\n")))),
        ("Python, triple quotes", format!("KEY = \"\"\"\\\n{pem}\"\"\"\n")),
        ("JavaScript", format!("const k = {};", joined(" +\n  ", |l| format!("\"{l}\\n\"")))),
        ("JavaScript array", format!("const k = [{}].join('\\n');", joined(",\n  ", |l| format!("'{l}'")))),
        ("JavaScript template", format!("const k = `{pem}`;")),
        ("Java", format!("String k = {};", joined("\n    + ", |l| format!("\"{l}\\r\\n\"")))),
        ("C", format!("char k[] =\n{};\n", lines(pem, |l| format!("  \"{l}\\n\"\n")))),
        ("C with continued lines", format!("char k[] = \"{}\";\n", pem.trim_end().replace('\n', "\\n\\\n"))),
        ("Visual Basic", format!("k = {}\n", joined(" & vbCrLf & _\n    ", |l| format!("\"{l}\"")))),
        ("PHP", format!("$k = {};\n", joined(" . PHP_EOL .\n ", |l| format!("'{l}'")))),
        ("PowerShell", format!("$k = \"{}\"\n", pem.trim_end().replace('\n', "`n"))),
        ("Go", format!("var k = []byte(`{pem}`)\n")),
        ("shell comment", lines(pem, |l| format!("# {l}\n"))),
        ("C++ comment", lines(pem, |l| format!("// {l}\n"))),
        ("block comment", format!("/*\n{} */\n", lines(pem, |l| format!(" * {l}\n")))),
        (
            "block comment, first line",
            format!(
                "/* {begin}\n{} * {end} */\n",
                body.as_bytes().chunks(64).map(|l| format!(" * {}\n", String::from_utf8_lossy(l))).collect::<String>()
            ),
        ),
        ("mail", lines(pem, |l| format!("> {l}\n"))),
        ("mail, quoted twice", lines(pem, |l| format!(">> {l}\r\n"))),
        ("diff", format!("@@ -0,0 +1 @@\n{}", lines(pem, |l| format!("+{l}\n")))),
        ("diff, removed", format!("@@ -1 +0,0 @@\n{}", lines(pem, |l| format!("-{l}\n")))),
        ("log", lines(pem, |l| format!("2026-01-01T00:00:00Z app[1]: {l}\n"))),
        (
            "log with times",
            pem.lines().enumerate().map(|(i, l)| format!("Jan  1 00:00:{i:02} host app[77]: {l}\n")).collect(),
        ),
        (
            "line numbers",
            pem.lines()
                .map(|l| {
                    number += 1;
                    format!("{number}: {l}\n")
                })
                .collect(),
        ),
        ("table", lines(pem, |l| format!("| {l} |\n"))),
        (
            "48 columns",
            format!(
                "{begin}\n{}\n{end}\n",
                body.as_bytes()
                    .chunks(48)
                    .map(|l| String::from_utf8_lossy(l).into_owned())
                    .collect::<Vec<_>>()
                    .join("\n")
            ),
        ),
        ("one line", format!("{begin}\n{body}\n{end}\n")),
        ("attributes", format!("Bag Attributes\n    friendlyName: x\nKey Attributes: <No Attributes>\n{pem}")),
        ("headers", pem.replacen("-----\n", "-----\nComment: a key\nX-Other: b\n\n", 1)),
        ("no end line", pem[..pem.rfind("-----END").unwrap()].to_owned()),
        (
            "no end line, then text",
            format!("KEY=\"{}\"\nOTHER=abcd\n", flat[..flat.rfind("-----END").unwrap()].to_owned()),
        ),
        ("comments behind lines", lines(pem, |l| format!("{l}   // part of a key\n"))),
        ("URL", format!("key={}&a=b", encoded(percent))),
        (
            "form",
            format!("key={}&a=b", encoded(|c| if c == ' ' { "+".into() } else { format!("%{:02x}", u32::from(c)) })),
        ),
        (
            "URL, escaped twice",
            format!("key={}", encoded(|c| format!("%25{:02X}", u32::from(c))).replace("%2520", "%20")),
        ),
        ("quoted-printable", format!("{}\n", pem.replace('=', "=3D"))),
        (
            "quoted-printable, broken lines",
            format!(
                "{begin}\n{}\n{end}\n",
                body.trim_end_matches('=')
                    .as_bytes()
                    .chunks(70)
                    .map(|l| String::from_utf8_lossy(l).into_owned())
                    .collect::<Vec<_>>()
                    .join("=\r\n")
            ),
        ),
    ]
}

#[test]
fn a_key_is_found_however_it_is_quoted() {
    for (pem, fingerprint) in [(RSA, RSA_SPKI), (P256, P256_SPKI)] {
        for (name, text) in variants(pem) {
            let keys = scan(&Pem, text.as_bytes()).found;
            assert_eq!(keys.len(), 1, "{name}: {} keys", keys.len());
            assert_eq!(spki(&keys[0]).get(..16), Some(fingerprint), "{name}");
            assert_eq!(keys[0].material.proof.level, ProofLevel::Proven, "{name}");
            let span = &text[keys[0].range.clone()];
            assert!(span.starts_with("-----BEGIN"), "{name}: {span}");
            assert!(name.contains("no end") || span.ends_with("-----"), "{name}: {span}");
            assert!(!span.contains("OTHER") && !span.contains("port"), "{name}: {span}");
        }
    }
}

#[test]
fn two_keys_are_two() {
    let keys = scan(&Pem, format!("{RSA}{P256}").as_bytes()).found;
    assert_eq!(keys.iter().map(spki).map(|s| s[..16].to_owned()).collect::<Vec<_>>(), [RSA_SPKI, P256_SPKI]);
    let lost = RSA.split("-----END").next().unwrap();
    assert_eq!(scan(&Pem, format!("{lost}{P256}").as_bytes()).found.len(), 2);
}

#[test]
fn encryption_is_told_with_its_cost() {
    for (pem, encoding, said) in [
        (
            include_str!("../../../tests/data/pem/rsa-encrypted.pem"),
            "PKCS#1 PEM",
            "encrypted with aes-256-cbc (MD5 of passphrase and salt, 1 iteration, weak)",
        ),
        (
            include_str!("../../../tests/data/pem/p256-encrypted.pem"),
            "SEC1 PEM",
            "encrypted with des-ede3-cbc (MD5 of passphrase and salt, 1 iteration, weak)",
        ),
        (
            include_str!("../../../tests/data/pem/encrypted-pkcs8.pem"),
            "encrypted PKCS#8 PEM",
            "encrypted with aes-256-cbc (PBKDF2-HMAC-SHA256, 2048 iterations, weak)",
        ),
    ] {
        let id = only(&Pem, pem.as_bytes()).material.id;
        assert!(id.is_some());
        let flat = pem.trim_end().replace('\n', "\\n");
        for text in [
            pem.to_owned(),
            pem.replace('\n', "\r\n"),
            format!("{{\"key\":\"{flat}\"}}"),
            format!("K='{}'", pem.trim_end().replace('\n', " ")),
            format!("K={}", pem.replace('\n', "")),
            lines(pem, |l| format!("  {l}\n")),
            lines(pem, |l| format!("# {l}\n")),
            format!("k =\n{};", lines(pem, |l| format!("  \"{l}\\n\"\n"))),
        ] {
            let key = only(&Pem, text.as_bytes());
            assert_eq!((key.rule, key.material.encoding), (ENCRYPTED, encoding), "{text}");
            assert_eq!((key.material.protection.to_string().as_str(), key.material.id), (said, id), "{text}");
        }
    }
}

#[test]
fn destroyed_keys_and_mentions_are_nothing() {
    let body: Vec<&str> = RSA.lines().filter(|l| !l.starts_with('-')).collect();
    let (begin, end) = ("-----BEGIN PRIVATE KEY-----", "-----END PRIVATE KEY-----");
    for text in [
        begin.to_owned(),
        format!("{begin}\n"),
        format!("{begin}\n{end}\n"),
        format!("{begin}\n[REDACTED]\n{end}\n"),
        format!("{begin}\n...\n{end}\n"),
        format!("{begin}\n{}\n...\n{end}\n", body[0]),
        format!("{begin}\n{}\n{end}\n", body[..3].join("\n")),
        format!("{begin}\n{}", body[..3].join("\n")),
        format!("{begin}\n{}\n{end}\n", vec!["X".repeat(64); 13].join("\n")),
        format!("{begin}\n{}\n{end}\n", vec!["A".repeat(64); 13].join("\n")),
        format!("{begin}\nMC4CAQAwBQYDK2VwBCIEIXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX\n{end}\n"),
        format!("KEY=\"{begin}\\n${{BODY}}\\n{end}\""),
        format!("if s.startswith(\"{begin}\\n\") and s.endswith(\"{end}\\n\"):"),
        format!("A PEM file begins with `{begin}` and ends with `{end}`."),
        format!("re.compile(r'{begin}[\\s\\S]+?{end}')"),
        include_str!("../../../tests/data/pem/public.pem").replace("PUBLIC", "PRIVATE"),
        include_str!("../../../tests/data/pem/certificate.pem").replace("CERTIFICATE", "PRIVATE KEY"),
        include_str!("../../../tests/data/pem/rsa-encrypted.pem").lines().take(6).collect::<Vec<_>>().join("\n"),
        include_str!("../../../tests/data/pem/rsa-encrypted.pem").replace("DEK-Info", "Comment"),
    ] {
        assert!(scan(&Pem, text.as_bytes()).found.is_empty(), "{text}");
    }
}

#[test]
fn a_cut_body_is_found_if_it_still_proves_the_key() {
    let lines: Vec<&str> = RSA.lines().collect();
    // Modulus, exponents and the first prime take 9 of the 14 lines.
    let cut = lines[..10].join("\n");
    assert_eq!(found(&cut).1, RSA_SPKI);
    assert!(scan(&Pem, lines[..5].join("\n").as_bytes()).found.is_empty());
}

#[test]
fn a_body_that_was_overwritten_in_part_may_still_prove_the_key() {
    let mut text = include_str!("../../../tests/data/pem/rsa-traditional.pem").to_owned();
    text.replace_range(32..64, &"x".repeat(32));
    assert_eq!(found(&text).1, RSA_SPKI);
    text.replace_range(500..560, &"y".repeat(60));
    text.replace_range(300..330, &"y".repeat(30));
    assert!(scan(&Pem, text.as_bytes()).found.is_empty());
}

#[test]
fn apple_file_names_say_what_the_key_is_for() {
    let key = |name| scan_as(&Pem, P256.as_bytes(), Some(name)).found.remove(0).material;
    let apple = key("AuthKey_2X9R4HXF34.p8");
    assert_eq!(apple.purpose, Some("package-publishing"));
    assert!(apple.details.contains(&("Apple key id", "2X9R4HXF34".to_owned())));
    assert_eq!(key("AuthKey_short.p8").purpose, None);
    assert_eq!(key("key.pem").purpose, None);
}

#[test]
fn damage_does_no_harm() {
    torture(&Pem, P256.as_bytes(), 10_000);
    torture(&Pem, RSA.replace('\n', "\\n").as_bytes(), 1_000);
    torture(&Pem, include_bytes!("../../../tests/data/pem/p256-encrypted.pem"), 1_000);
    for (_, text) in variants(P256).iter().step_by(4) {
        torture(&Pem, text.as_bytes(), 50);
    }
}

#[test]
fn an_anchor_every_few_bytes_stays_cheap() {
    bounded(Duration::from_secs(30), "anchors", anchors_every_few_bytes);
}

fn anchors_every_few_bytes() {
    for unit in [
        "PRIVATE KEY-----",
        "-----BEGIN PRIVATE KEY-----",
        "-----BEGIN PRIVATE KEY-----MII",
        "-----BEGIN PRIVATE KEY-----\n\\\\\\\\",
        "-----BEGIN PRIVATE KEY----\n<<<<&&&&%%%%\"\"\"",
        "BEGIN PRIVATE KEY-----\n\"\n\"",
    ] {
        let text = unit.repeat((256 << 10) / unit.len());
        assert!(scan(&Pem, text.as_bytes()).found.is_empty());
    }
    for filler in ["A", "\\", "<", "&amp;", "%25", "\"+", "=\n", "-", ": ", "a:\n"] {
        let text = format!("-----BEGIN PRIVATE KEY-----{}", filler.repeat((48 << 10) / filler.len()));
        let text = text.repeat(8);
        assert!(scan(&Pem, text.as_bytes()).found.is_empty());
    }
}
