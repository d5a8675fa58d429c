//! Tokens that carry readable data: JSON, or fields between colons, in base64.

use super::decode;
use super::time::{date, now};
use super::{Candidate, Verdict};
use crate::compile::printable;
use crate::model::{Level, Severity};
use crate::random::Random;
use data_encoding::{BASE64, BASE64_NOPAD, BASE64URL_NOPAD};
use serde::Deserialize;
use serde::de::IgnoredAny;
use std::borrow::Cow;

fn parsed(what: &str) -> Option<Verdict> {
    Verdict::new(Level::Parsed, format!("the token's data decodes: {what}"))
}

// ---- Sentry ----------------------------------------------------------------------------------------------------------

/// `sntrys_`, base64 of JSON, `_`, 32 random bytes.
pub(super) fn sentry(candidate: &Candidate<'_>) -> Option<Verdict> {
    #[derive(Deserialize)]
    struct Payload<'a> {
        #[serde(borrow)]
        org: Cow<'a, str>,
        #[serde(borrow)]
        region_url: Option<Cow<'a, str>>,
        #[serde(rename = "iat")]
        _issued: f64,
    }
    let text = candidate.secret.strip_prefix(b"sntrys_")?;
    let separator = text.iter().position(|b| *b == b'_')?;
    let bytes = decode::base64(&text[..separator])?;
    let payload: Payload<'_> = serde_json::from_slice(&bytes).ok()?;
    let mut verdict = parsed("organization and time of issue")?;
    verdict.details.push(("organization", printable(payload.org.as_bytes())));
    if let Some(region) = payload.region_url {
        verdict.details.push(("region", printable(region.as_bytes())));
    }
    (decode::base64(&text[separator + 1..])?.len() == 32).then_some(verdict)
}

pub(super) fn sentry_sample(random: &mut Random) -> String {
    let json = br#"{"iat":1700000000.5,"url":"https://sentry.io","region_url":"https://us.sentry.io","org":"acme"}"#;
    format!("sntrys_{}_{}", BASE64.encode(json), BASE64_NOPAD.encode(&random.bytes(32)))
}

// ---- 1Password -------------------------------------------------------------------------------------------------------

/// `ops_` and base64 of JSON that holds a secret key and how to sign in.
pub(super) fn onepassword(candidate: &Candidate<'_>) -> Option<Verdict> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Payload<'a> {
        #[serde(borrow)]
        sign_in_address: Cow<'a, str>,
        #[serde(borrow)]
        email: Cow<'a, str>,
        // Never copied out of the zeroizing buffer.
        #[serde(rename = "secretKey")]
        _secret_key: IgnoredAny,
    }
    let bytes = decode::base64(candidate.secret.strip_prefix(b"ops_")?)?;
    let payload: Payload<'_> = serde_json::from_slice(&bytes).ok()?;
    let mut verdict = parsed("address, account and secret key")?;
    verdict.details.push(("address", printable(payload.sign_in_address.as_bytes())));
    verdict.details.push(("account", printable(payload.email.as_bytes())));
    Some(verdict)
}

pub(super) fn onepassword_sample(random: &mut Random) -> String {
    let key = random.text(b"ABCDEFGHJKLMNPQRSTVWXYZ23456789", 34);
    let json = format!(
        r#"{{"signInAddress":"acme.1password.com","userAuth":{{"method":"SRPg-4096"}},"email":"bot@1passwordserviceaccounts.com","secretKey":"A3-{key}"}}"#
    );
    format!("ops_{}", BASE64URL_NOPAD.encode(json.as_bytes()))
}

// ---- Mapbox ----------------------------------------------------------------------------------------------------------

/// `sk.`, base64url of JSON with user and identifier, `.`, signature.
pub(super) fn mapbox(candidate: &Candidate<'_>) -> Option<Verdict> {
    #[derive(Deserialize)]
    struct Payload<'a> {
        #[serde(borrow)]
        u: Cow<'a, str>,
        #[serde(rename = "a")]
        _identifier: IgnoredAny,
    }
    let mut parts = candidate.secret.split(|b| *b == b'.');
    let (_, payload, signature) = (parts.next()?, parts.next()?, parts.next()?);
    let bytes = decode::base64(payload)?;
    let payload: Payload<'_> = serde_json::from_slice(&bytes).ok()?;
    let mut verdict = parsed("account and token identifier")?;
    verdict.details.push(("account", printable(payload.u.as_bytes())));
    (parts.next().is_none() && decode::base64(signature)?.len() >= 16).then_some(verdict)
}

pub(super) fn mapbox_sample(random: &mut Random) -> String {
    let json = format!(r#"{{"u":"acme","a":"cl{}"}}"#, random.text(b"abcdefghijklmnopqrstuvwxyz0123456789", 23));
    format!("sk.{}.{}", BASE64URL_NOPAD.encode(json.as_bytes()), BASE64URL_NOPAD.encode(&random.bytes(16)))
}

// ---- Grafana ---------------------------------------------------------------------------------------------------------

/// base64 of JSON with key and name: API keys until version 9 (`eyJrIjoi…`), and cloud tokens (`glc_…`).
pub(super) fn grafana(candidate: &Candidate<'_>) -> Option<Verdict> {
    #[derive(Deserialize)]
    struct Payload<'a> {
        #[serde(borrow)]
        n: Cow<'a, str>,
        #[serde(rename = "k")]
        _key: IgnoredAny,
        #[serde(borrow)]
        o: Option<Cow<'a, str>>,
        id: Option<u64>,
    }
    let text = candidate.secret.strip_prefix(b"glc_").unwrap_or(candidate.secret);
    let bytes = decode::base64(text)?;
    let payload: Payload<'_> = serde_json::from_slice(&bytes).ok()?;
    let mut verdict = parsed("key and name")?;
    verdict.details.push(("name", printable(payload.n.as_bytes())));
    let organization = payload.o.map(|o| printable(o.as_bytes())).or_else(|| payload.id.map(|id| id.to_string()))?;
    verdict.details.push(("organization", organization));
    Some(verdict)
}

pub(super) fn grafana_sample(random: &mut Random) -> String {
    let key = random.text(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", 32);
    BASE64.encode(format!(r#"{{"k":"{key}","n":"deploy","id":1}}"#).as_bytes())
}

// ---- Amazon Bedrock ----------------------------------------------------------------------------------------------------

/// `ABSK` and base64 of `BedrockAPIKey-…-at-ACCOUNT:secret`.
pub(super) fn bedrock(candidate: &Candidate<'_>) -> Option<Verdict> {
    let bytes = decode::base64(candidate.secret.strip_prefix(b"ABSK")?)?;
    let name = bytes.split(|b| *b == b':').next()?;
    let name = std::str::from_utf8(name.strip_prefix(b"BedrockAPIKey-")?).ok()?;
    let account = name.rsplit_once("-at-")?.1;
    let is_account = account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit());
    let mut verdict = parsed("key name and account")?;
    verdict.details.push(("account", account.to_owned()));
    (is_account && bytes.len() > name.len() + 30).then_some(verdict)
}

pub(super) fn bedrock_sample(random: &mut Random) -> String {
    let (name, account) = (random.text(b"abcdefghijklmnopqrstuvwxyz0123456789", 4), random.text(b"123456789", 12));
    let secret = BASE64.encode(&random.bytes(32));
    format!("ABSK{}", BASE64.encode(format!("BedrockAPIKey-{name}-at-{account}:{secret}").as_bytes()))
}

// ---- JFrog -----------------------------------------------------------------------------------------------------------

/// base64 of `reftkn:01:EXPIRY:random`.
pub(super) fn jfrog(candidate: &Candidate<'_>) -> Option<Verdict> {
    let bytes = decode::base64(candidate.secret)?;
    let mut parts = bytes.split(|b| *b == b':');
    let (kind, version, expiry, secret) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let expiry: f64 = std::str::from_utf8(expiry).ok()?.parse().ok()?;
    let is_token = kind == b"reftkn" && version.len() == 2 && secret.len() >= 20 && parts.next().is_none();
    let mut verdict = parsed("version, expiry and secret")?;
    if expiry > 0.0 {
        expires(&mut verdict, expiry);
    }
    is_token.then_some(verdict)
}

pub(super) fn jfrog_sample(random: &mut Random) -> String {
    let secret = random.text(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", 28);
    BASE64_NOPAD.encode(format!("reftkn:01:0000000000:{secret}").as_bytes())
}

// ---- Atlassian Data Center ---------------------------------------------------------------------------------------------

/// base64 of `digits:bytes`, with or without `BBDC-` before it.
pub(super) fn atlassian(candidate: &Candidate<'_>) -> Option<Verdict> {
    let text = candidate.secret.strip_prefix(b"BBDC-").unwrap_or(candidate.secret);
    let bytes = decode::base64(text)?;
    let colon = bytes.iter().position(|b| *b == b':')?;
    let (id, secret) = (&bytes[..colon], &bytes[colon + 1..]);
    let is_id = (4..=19).contains(&id.len()) && id.iter().all(u8::is_ascii_digit);
    let random = secret.len() >= 12 && !secret.is_ascii();
    (is_id && random).then(|| parsed("token identifier and secret"))?
}

pub(super) fn atlassian_sample(random: &mut Random) -> String {
    // A byte above 127, since text would not be random.
    let secret = [&[0xa7], random.bytes(19).as_slice()].concat();
    let id = random.text(b"123456789", 12);
    BASE64_NOPAD.encode(&[id.as_bytes(), b":", &secret].concat())
}

/// Says when a token expires, and lowers the severity of one that has.
pub(super) fn expires(verdict: &mut Verdict, expiry: f64) {
    verdict.details.push(("expires", date(expiry)));
    if expiry < now() {
        verdict.severity = Some(Severity::Low);
        verdict.statement += "; it has expired";
    }
}
