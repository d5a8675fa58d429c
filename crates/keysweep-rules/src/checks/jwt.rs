//! JSON Web Tokens (RFC 7519) in compact form (RFC 7515 section 7.1).

use super::decode;
use super::payload::expires;
use super::{Candidate, Verdict};
use crate::compile::printable;
use crate::model::{Level, Severity};
use crate::random::Random;
use data_encoding::BASE64URL_NOPAD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Map, Value};
use sha2::Sha256;

/// Shortest signature, in bytes: HS256 has 32, and some cut it.
const MIN_SIGNATURE: usize = 16;
/// Claims that are shown.
const SHOWN: [&str; 7] = ["iss", "sub", "aud", "azp", "role", "scope", "tid"];

/// Header and claims are JSON objects, the algorithm signs, and there is a signature.
pub(super) fn any(candidate: &Candidate<'_>) -> Option<Verdict> {
    let token = Token::parse(candidate.secret)?;
    if is_example(candidate.secret) {
        return None;
    }
    token.verdict()
}

/// Secrets with which manuals sign their examples: jwt.io, python-jose and others.
const EXAMPLES: [&[u8]; 10] = [
    b"secret",
    b"your-256-bit-secret",
    b"a-string-secret-at-least-256-bits-long",
    b"mysecret",
    b"my-secret",
    b"secretkey",
    b"secret-key",
    b"key",
    b"test",
    b"password",
];

/// Whether a token is signed with a secret of manuals, so that it opens nothing to anyone who could not have made it.
fn is_example(token: &[u8]) -> bool {
    let Some(dot) = token.iter().rposition(|b| *b == b'.') else { return false };
    let Some(signature) = decode::base64(&token[dot + 1..]).filter(|signature| signature.len() == 32) else {
        return false;
    };
    EXAMPLES.iter().any(|secret| {
        let mac = Hmac::<Sha256>::new_from_slice(secret).map(|mac| mac.chain_update(&token[..dot]));
        mac.is_ok_and(|mac| mac.verify_slice(&signature).is_ok())
    })
}

/// A token of Supabase: the anonymous role is meant for browsers.
pub(super) fn supabase(candidate: &Candidate<'_>) -> Option<Verdict> {
    let token = Token::parse(candidate.secret)?;
    let claim = |name| token.claims.get(name).and_then(Value::as_str);
    let is_supabase = claim("iss").is_some_and(|issuer| issuer.starts_with("supabase"));
    let role = claim("role").filter(|_| is_supabase)?;
    let mut verdict = token.verdict()?;
    if let Some(project) = claim("ref") {
        verdict.details.push(("project", printable(project.as_bytes())));
    }
    if role == "anon" {
        verdict.severity = Some(Severity::Low);
    }
    Some(verdict)
}

pub(super) fn any_sample(random: &mut Random) -> String {
    sign(r#"{"iss":"https://issuer.acme.test","sub":"42","iat":1700000000}"#, random)
}

pub(super) fn supabase_sample(random: &mut Random) -> String {
    sign(r#"{"iss":"supabase","ref":"abcdefghijklmnopqrst","role":"service_role","iat":1700000000}"#, random)
}

fn sign(claims: &str, random: &mut Random) -> String {
    let header = r#"{"alg":"HS256","typ":"JWT"}"#;
    let [header, claims] = [header, claims].map(|json| BASE64URL_NOPAD.encode(json.as_bytes()));
    format!("{header}.{claims}.{}", BASE64URL_NOPAD.encode(&random.bytes(32)))
}

/// A token that was taken apart.
struct Token {
    algorithm: String,
    header: Map<String, Value>,
    claims: Map<String, Value>,
}

impl Token {
    fn parse(text: &[u8]) -> Option<Self> {
        let mut parts = text.split(|b| *b == b'.');
        let (header, claims, signature) = (parts.next()?, parts.next()?, parts.next()?);
        if parts.next().is_some() {
            return None;
        }
        let header = object(header)?;
        let algorithm = header.get("alg")?.as_str()?.to_owned();
        let signed = !algorithm.eq_ignore_ascii_case("none") && decode::base64(signature)?.len() >= MIN_SIGNATURE;
        let claims = object(claims)?;
        signed.then_some(Self { algorithm, header, claims })
    }

    fn verdict(&self) -> Option<Verdict> {
        let algorithm = printable(self.algorithm.as_bytes());
        let mut verdict =
            Verdict::new(Level::Parsed, format!("header and claims decode, and a {algorithm} signature is there"))?;
        verdict.details.push(("algorithm", algorithm));
        if let Some(key) = self.header.get("kid") {
            verdict.details.push(("kid", show(key)));
        }
        for name in SHOWN {
            if let Some(value) = self.claims.get(name) {
                verdict.details.push((name, show(value)));
            }
        }
        if let Some(expiry) = self.claims.get("exp").and_then(Value::as_f64) {
            expires(&mut verdict, expiry);
        }
        Some(verdict)
    }
}

fn object(part: &[u8]) -> Option<Map<String, Value>> {
    serde_json::from_slice(&decode::base64(part)?).ok()
}

fn show(value: &Value) -> String {
    match value {
        Value::String(text) => printable(text.as_bytes()),
        Value::Array(list) => {
            printable(list.iter().filter_map(Value::as_str).take(4).collect::<Vec<_>>().join(", ").as_bytes())
        }
        other => printable(other.to_string().as_bytes()),
    }
}
