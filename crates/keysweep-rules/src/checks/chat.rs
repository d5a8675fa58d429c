//! Chat services.

use super::decode;
use super::time::date;
use super::{Candidate, Verdict};
use crate::model::Level;
use crate::random::Random;
use data_encoding::BASE64URL_NOPAD;

// ---- Slack -------------------------------------------------------------------------------------------------------------

/// What tokens are for, by their prefix.
const SLACK_KINDS: [(&[u8], &str); 10] = [
    (b"xoxb", "bot"),
    (b"xoxp", "user"),
    (b"xoxa", "workspace app"),
    (b"xoxr", "refresh"),
    (b"xoxs", "session"),
    (b"xoxc", "browser session"),
    (b"xoxo", "legacy"),
    (b"xoxe", "rotating"),
    (b"xoxe.xoxp", "rotating user"),
    (b"xoxe.xoxb", "rotating bot"),
];

/// A known prefix, numbers, and a random part; `xapp-` has an app id too, `xoxe` base64.
pub(super) fn slack(candidate: &Candidate<'_>) -> Option<Verdict> {
    let parts: Vec<&[u8]> = candidate.secret.split(|b| *b == b'-').collect();
    let (prefix, rest) = parts.split_first()?;
    let (random, numbers) = rest.split_last()?;
    let is_number = |part: &&[u8]| part.len() >= 8 && part.iter().all(u8::is_ascii_digit);
    let is_random = |least: usize| random.len() >= least && random.iter().all(u8::is_ascii_alphanumeric);
    let (kind, holds) = if *prefix == b"xapp" {
        let app = numbers.get(1)?;
        ("app-level", app.starts_with(b"A") && numbers.iter().skip(2).any(is_number) && is_random(32))
    } else {
        let (_, kind) = SLACK_KINDS.into_iter().find(|(known, _)| known == prefix)?;
        let rotating = prefix.starts_with(b"xoxe");
        (kind, if rotating { random.len() >= 40 } else { numbers.iter().any(is_number) && is_random(10) })
    };
    let mut verdict = Verdict::new(Level::Parsed, "prefix, numbers and random part are as Slack writes them")?;
    verdict.details.push(("kind", kind.to_owned()));
    holds.then_some(verdict)
}

// ---- Discord -----------------------------------------------------------------------------------------------------------

/// Milliseconds from 1970 to the beginning of Discord's time.
const DISCORD_EPOCH: u64 = 1_420_070_400_000;

/// base64 of a numeric id, time, signature.
pub(super) fn discord(candidate: &Candidate<'_>) -> Option<Verdict> {
    let mut parts = candidate.secret.split(|b| *b == b'.');
    let (id, time, signature) = (parts.next()?, parts.next()?, parts.next()?);
    let id = decode::base64(id)?;
    let digits = std::str::from_utf8(&id).ok().filter(|id| (15..=20).contains(&id.len()))?;
    let number: u64 = digits.parse().ok().filter(|_| digits.bytes().all(|b| b.is_ascii_digit()))?;
    let complete = parts.next().is_none() && decode::base64(time)?.len() >= 4 && decode::base64(signature)?.len() >= 20;
    let mut verdict = Verdict::new(Level::Parsed, "the first part is an application's identifier")?;
    verdict.details.push(("application", digits.to_owned()));
    verdict.details.push(("registered", date(((number >> 22) + DISCORD_EPOCH) as f64 / 1e3)));
    complete.then_some(verdict)
}

pub(super) fn discord_sample(random: &mut Random) -> String {
    let id = format!("1{}", random.text(b"0123456789", 17));
    let [time, signature] = [4, 28].map(|length| BASE64URL_NOPAD.encode(&random.bytes(length)));
    format!("{}.{time}.{signature}", BASE64URL_NOPAD.encode(id.as_bytes()))
}

// ---- Telegram ----------------------------------------------------------------------------------------------------------

/// A bot's numeric id, a colon, 34 (as in the documentation) or 35 characters that begin with `AA`.
pub(super) fn telegram(candidate: &Candidate<'_>) -> Option<Verdict> {
    let colon = candidate.secret.iter().position(|b| *b == b':')?;
    let (id, key) = (&candidate.secret[..colon], &candidate.secret[colon + 1..]);
    let is_id = (8..=10).contains(&id.len()) && id.iter().all(u8::is_ascii_digit) && id[0] != b'0';
    let base64url = |b: &u8| b.is_ascii_alphanumeric() || b"-_".contains(b);
    let is_key = matches!(key.len(), 34 | 35) && key.starts_with(b"AA") && key.iter().all(base64url);
    let mut verdict = Verdict::new(Level::Parsed, "a bot's identifier and its key")?;
    verdict.details.push(("bot", String::from_utf8_lossy(id).into_owned()));
    (is_id && is_key).then_some(verdict)
}
