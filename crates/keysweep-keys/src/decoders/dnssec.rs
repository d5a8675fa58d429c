//! BIND's private key files (`Private-key-format: v1.x`), for DNSSEC zone signing and for TSIG.

use super::frame;
use super::text::{base64, is_base64, label, looks_random, run};
use crate::decoder::{Anchor, Decoder, Hit, Reach, Sink};
use crate::private::{PrivateKey, RsaNumbers};
use crate::{Algorithm, Curve, KeyMaterial, Proof, Secret};
use std::ops::Range;
use zeroize::Zeroizing;

/// The decoder.
pub(crate) struct Dnssec;

const PRIVATE: &str = "dnssec-private-key";
const TSIG: &str = "tsig-key";
const ENCODING: &str = "DNSSEC private key";

impl Decoder for Dnssec {
    fn name(&self) -> &'static str {
        "dnssec"
    }

    fn rules(&self) -> &'static [&'static str] {
        &[PRIVATE, TSIG]
    }

    fn anchors(&self) -> &'static [Anchor] {
        const ANCHORS: [Anchor; 1] = [Anchor::text("Private-key-format: v1.")];
        &ANCHORS
    }

    fn reach(&self) -> Reach {
        Reach { before: 0, after: 16 * 1024 }
    }

    fn decode(&self, hit: &Hit<'_>, sink: &mut Sink) {
        let file = File::read(hit.from_anchor());
        sink.examined_up_to(hit.anchor.end);
        let Some(number) = file.algorithm() else { return };
        let range = hit.anchor.start..hit.anchor.start + file.length;
        if number > 150 {
            let Some(secret) = file.bytes("Key").filter(|key| looks_random(key)) else { return };
            let proof = Proof::parsed("a BIND key file for transaction signatures");
            let material = frame::of_secret(Algorithm::Symmetric("HMAC".into()), &secret, "TSIG key file", proof);
            return sink.key(TSIG, range, KeyMaterial { purpose: Some("dns"), ..material });
        }
        let Some(material) = file.key(number).and_then(|key| frame::of_key(&key, ENCODING)) else { return };
        let named = hit.file_name.and_then(zone);
        let mut details = vec![("algorithm number", number.to_string())];
        details.extend(named.iter().flat_map(|(zone, tag)| [("zone", zone.clone()), ("key tag", tag.clone())]));
        details.extend(file.field("Created").and_then(label).map(|date| ("created", date)));
        let comment = named.map(|(zone, _)| zone);
        sink.key(PRIVATE, range, KeyMaterial { comment, purpose: Some("dns"), details, ..material });
    }
}

/// Zone and key tag from a name such as `Kexample.org.+013+22723.private`.
fn zone(file_name: &str) -> Option<(String, String)> {
    let mut parts = file_name.strip_prefix('K')?.strip_suffix(".private")?.split('+');
    let (zone, _, tag) = (parts.next()?, parts.next()?, parts.next()?);
    let tag_is_number = tag.len() == 5 && tag.bytes().all(|b| b.is_ascii_digit());
    tag_is_number.then(|| (label(zone.as_bytes()).unwrap_or_default(), tag.to_owned()))
}

/// Lines of name, colon and value.
struct File<'a> {
    lines: Vec<(&'a [u8], &'a [u8])>,
    /// Bytes up to the end of the last such line.
    length: usize,
}

impl<'a> File<'a> {
    fn read(bytes: &'a [u8]) -> Self {
        let mut file = Self { lines: Vec::new(), length: 0 };
        let mut at = 0;
        while at < bytes.len() && file.lines.len() < 32 {
            let length = run(&bytes[at..], |b| b.is_ascii_graphic() || b == b' ' || b == b'\t');
            let line = &bytes[at..at + length];
            let Some(colon) = line.iter().position(|&b| b == b':') else { break };
            file.lines.push((&line[..colon], line[colon + 1..].trim_ascii()));
            file.length = at + line.trim_ascii_end().len();
            at += length;
            at += run(&bytes[at..], |b| b == b'\r' || b == b'\n').max(1);
        }
        file
    }

    fn field(&self, name: &str) -> Option<&'a [u8]> {
        self.lines.iter().find(|(n, _)| *n == name.as_bytes()).map(|(_, value)| *value)
    }

    fn bytes(&self, name: &str) -> Option<Zeroizing<Vec<u8>>> {
        self.field(name).filter(|v| v.iter().all(|&b| is_base64(b))).and_then(base64).filter(|v| !v.is_empty())
    }

    fn number(&self, name: &str) -> Option<Vec<u8>> {
        self.bytes(name).map(|bytes| bytes.to_vec())
    }

    fn secret(&self, name: &str) -> Option<Secret> {
        self.bytes(name).map(Secret::from)
    }

    /// The DNSSEC algorithm number (IANA), or BIND's own numbers above 150 for HMAC.
    fn algorithm(&self) -> Option<u8> {
        let text = self.field("Algorithm")?;
        std::str::from_utf8(&text[..run(text, |b| b.is_ascii_digit())]).ok()?.parse().ok()
    }

    fn key(&self, number: u8) -> Option<PrivateKey> {
        let ec = |curve| Some(PrivateKey::Ec { curve, d: self.secret("PrivateKey")?, public: None });
        let okp = |algorithm| Some(PrivateKey::Okp { algorithm, seed: self.secret("PrivateKey")?, public: None });
        match number {
            1 | 5 | 7 | 8 | 10 => Some(PrivateKey::Rsa(RsaNumbers {
                n: self.number("Modulus")?,
                e: self.number("PublicExponent")?,
                d: self.secret("PrivateExponent"),
                primes: ["Prime1", "Prime2"].iter().filter_map(|name| self.secret(name)).collect(),
            })),
            3 | 6 => Some(PrivateKey::Dsa {
                p: self.number("Prime(p)")?,
                q: self.number("Subprime(q)")?,
                g: self.number("Base(g)")?,
                y: self.number("Public_value(y)"),
                x: self.secret("Private_value(x)")?,
            }),
            13 => ec(Curve::P256),
            14 => ec(Curve::P384),
            15 => okp(Algorithm::Ed25519),
            16 => okp(Algorithm::Ed448),
            _ => None,
        }
    }
}

/// Keys for transaction signatures (RFC 8945) in the configuration of name servers: BIND, Knot, NSD, PowerDNS.
pub(crate) struct Tsig;

impl Decoder for Tsig {
    fn name(&self) -> &'static str {
        "tsig"
    }

    fn rules(&self) -> &'static [&'static str] {
        &[TSIG]
    }

    fn anchors(&self) -> &'static [Anchor] {
        const ANCHORS: [Anchor; 1] = [Anchor { bytes: b"hmac-", ignore_case: true, wide: true }];
        &ANCHORS
    }

    fn reach(&self) -> Reach {
        Reach { before: 320, after: 320 }
    }

    fn decode(&self, hit: &Hit<'_>, sink: &mut Sink) {
        let separator = |b: u8| b.is_ascii_whitespace() || b"\":;".contains(&b);
        let before = &hit.window[..hit.anchor.start];
        let before = &before[..before.len() - before.iter().rev().take_while(|&&b| separator(b)).count()];
        let Some(before) = before.strip_suffix(b"algorithm") else { return };
        let after = &hit.window[hit.anchor.end..];
        let hash = run(after, |b| b.is_ascii_alphanumeric() || b == b'-');
        let at = hash + run(&after[hash..], separator);
        let range = match after[at..].strip_prefix(b"secret") {
            Some(rest) => {
                let start = hit.window.len() - rest.len() + run(rest, separator);
                start..start + run(&hit.window[start..], is_base64)
            }
            None => match secret_before(before) {
                Some(range) => range,
                None => return,
            },
        };
        let Some(secret) = base64(&hit.window[range.clone()]).filter(|s| looks_random(s) && s.len() <= 128) else {
            return;
        };
        let name = label(&[b"hmac-", &after[..hash]].concat()).unwrap_or_default().to_ascii_lowercase();
        let proof = Proof::parsed("a random secret beside the algorithm of transaction signatures");
        let material = frame::of_secret(Algorithm::Symmetric("HMAC".into()), &secret, "TSIG key", proof);
        let comment = key_name(before);
        sink.key(
            TSIG,
            range,
            KeyMaterial { comment, purpose: Some("dns"), details: vec![("algorithm", name)], ..material },
        );
    }
}

/// `secret "…";` right before.
fn secret_before(before: &[u8]) -> Option<Range<usize>> {
    let separator = |b: u8| b.is_ascii_whitespace() || b"\";".contains(&b);
    let end = before.len() - before.iter().rev().take_while(|&&b| separator(b)).count();
    let start = end - before[..end].iter().rev().take_while(|&&b| is_base64(b)).count();
    let name = before[..start].len() - before[..start].iter().rev().take_while(|&&b| separator(b) || b == b':').count();
    (name < start && before[..name].ends_with(b"secret")).then_some(start..end)
}

/// The name in `key "name" {` (BIND) or `id: name` (Knot).
fn key_name(before: &[u8]) -> Option<String> {
    let starts_word = |at: usize| before[..at].last().is_none_or(|b| b.is_ascii_whitespace() || b";{".contains(b));
    let word = |word: &[u8]| memchr::memmem::find_iter(before, word).filter(|&at| starts_word(at)).last();
    let rest = &before[word(b"key ").or_else(|| word(b"id: "))? + 4..];
    let rest = &rest[run(rest, |b| b == b'"' || b == b' ')..];
    label(&rest[..run(rest, |b| b.is_ascii_alphanumeric() || b"._-".contains(&b))])
}

#[cfg(test)]
mod tests {
    use super::super::trial::{only, scan, scan_as};
    use super::*;

    const FILE: &[u8] = include_bytes!("../../tests/data/dnssec/p256.private");

    #[test]
    fn the_file_name_tells_the_zone() {
        let found = scan_as(&Dnssec, FILE, Some("Kexample.org.+013+22723.private")).found;
        assert_eq!(found[0].material.comment.as_deref(), Some("example.org."));
        assert!(found[0].material.details.contains(&("key tag", "22723".into())));
        assert_eq!(only(&Dnssec, FILE).material.comment, None);
    }

    #[test]
    fn transaction_keys_are_read_in_every_dialect() {
        // The secret was made by rndc-confgen; the other two spellings are those of the manuals.
        let secret = "GYl0uzvD9doNckmlyrDxJH41o39XbM6b4xVrCBo+e1U=";
        for text in [
            format!("key \"rndc-key\" {{\n\talgorithm hmac-sha256;\n\tsecret \"{secret}\";\n}};\n"),
            format!("key rndc-key {{ secret \"{secret}\"; algorithm HMAC-SHA256; }};"),
            format!("key:\n  - id: rndc-key\n    algorithm: hmac-sha256\n    secret: {secret}\n"),
        ] {
            let found = only(&Tsig, text.as_bytes());
            assert_eq!(&text[found.range], secret);
            assert_eq!(found.material.comment.as_deref(), Some("rndc-key"), "{text}");
            assert_eq!(found.material.bits, 256);
        }
    }

    #[test]
    fn placeholders_and_other_uses_of_hmac_are_no_keys() {
        for text in [
            "MACs hmac-sha2-256,hmac-sha2-512",
            "algorithm hmac-sha256;\n secret \"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\";",
            "algorithm hmac-sha256; secret \"CHANGEME\";",
            "algorithm hmac-sha256; secret",
            "Private-key-format: v1.3\nAlgorithm: 13 (ECDSAP256SHA256)\nPrivateKey: ...\n",
            "Private-key-format: v1.3\nAlgorithm: 8 (RSASHA256)\nEngine: pkcs11\nLabel: ksk\n",
        ] {
            assert!(scan(&Tsig, text.as_bytes()).found.is_empty(), "{text}");
            assert!(scan(&Dnssec, text.as_bytes()).found.is_empty(), "{text}");
        }
    }
}
