//! JSON Web Tokens (RFC 7519) in compact form (RFC 7515 section 7.1).

use super::{Candidate, Verdict};
use crate::compile::printable;
use crate::model::{Level, Severity};
use data_encoding::BASE64URL_NOPAD;
use serde_json::{Map, Value};
use std::time::{SystemTime, UNIX_EPOCH};

/// Longest part that is decoded, in characters.
const MAX_PART: usize = 16 << 10;
/// Header members and claims that are shown.
const SHOWN: [&str; 7] = ["kid", "iss", "sub", "aud", "role", "scope", "azp"];

/// Header and claims are JSON objects, the algorithm signs, and there is a signature.
pub(super) fn run(candidate: &Candidate<'_>) -> Option<Verdict> {
    let token = Token::parse(candidate.secret)?;
    let mut verdict = Verdict::new(
        Level::Parsed,
        format!("header and claims decode; signed with {}", printable(token.algorithm.as_bytes())),
    )?;
    for name in SHOWN {
        if let Some(value) = token.header.get(name).filter(|_| name == "kid").or_else(|| token.claims.get(name)) {
            verdict.details.push((name, show(value)));
        }
    }
    if let Some(expiry) = token.claims.get("exp").and_then(Value::as_f64) {
        let expired = expiry < now();
        verdict.details.push(("expires", date(expiry)));
        if expired {
            verdict.severity = Some(Severity::Low);
            verdict.statement += "; it has expired";
        }
    }
    Some(verdict)
}

/// A token that was taken apart.
pub(super) struct Token {
    pub(super) algorithm: String,
    pub(super) header: Map<String, Value>,
    pub(super) claims: Map<String, Value>,
}

impl Token {
    pub(super) fn parse(text: &[u8]) -> Option<Self> {
        let mut parts = text.split(|b| *b == b'.');
        let (header, claims, signature) = (parts.next()?, parts.next()?, parts.next()?);
        if parts.next().is_some() {
            return None;
        }
        let header = object(header)?;
        let algorithm = header.get("alg")?.as_str()?.to_owned();
        let signed = !algorithm.eq_ignore_ascii_case("none") && decode(signature)?.len() >= 16;
        let claims = object(claims)?;
        signed.then_some(Self { algorithm, header, claims })
    }
}

fn object(part: &[u8]) -> Option<Map<String, Value>> {
    serde_json::from_slice(&decode(part)?).ok()
}

/// base64url; padding, which RFC 7515 forbids and some libraries write, is ignored.
fn decode(part: &[u8]) -> Option<Vec<u8>> {
    let end = part.iter().rposition(|b| *b != b'=')? + 1;
    let part = &part[..end];
    (part.len() <= MAX_PART).then_some(())?;
    let mut relaxed = BASE64URL_NOPAD.specification();
    relaxed.check_trailing_bits = false;
    relaxed.encoding().ok()?.decode(part).ok()
}

fn show(value: &Value) -> String {
    match value {
        Value::String(text) => printable(text.as_bytes()),
        Value::Array(list) => list.iter().take(4).map(show).collect::<Vec<_>>().join(", "),
        other => printable(other.to_string().as_bytes()),
    }
}

fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |d| d.as_secs_f64())
}

/// A time in seconds since 1970 as `2023-01-18 01:30:22 UTC`; the algorithm is Howard Hinnant's `civil_from_days`.
fn date(seconds: f64) -> String {
    if !(0.0..253_402_300_800.0).contains(&seconds) {
        return "out of range".to_owned();
    }
    let seconds = seconds as i64;
    let (days, time) = (seconds / 86_400 + 719_468, seconds % 86_400);
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let (day, month) =
        (day_of_year - (153 * shifted + 2) / 5 + 1, if shifted < 10 { shifted + 3 } else { shifted - 9 });
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02} {:02}:{:02}:{:02} UTC", time / 3_600, time / 60 % 60, time % 60)
}
