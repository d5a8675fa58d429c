//! User names and passwords as URLs and HTTP carry them.

use super::decode;
use super::{Candidate, Verdict};
use crate::compile::{may_be_secret, printable};
use crate::model::{Level, Severity};
use crate::placeholders;
use crate::random::Random;
use data_encoding::BASE64;

/// Passwords that everybody tries first, or that stand for one.
const TRIVIAL: [&str; 24] = [
    "123456",
    "admin",
    "changeit",
    "default",
    "demo",
    "guest",
    "hello",
    "letmein",
    "minioadmin",
    "mysql",
    "pass",
    "passwd",
    "password",
    "password1",
    "postgres",
    "pw",
    "pwd",
    "qwerty",
    "rabbitmq",
    "root",
    "secret",
    "test",
    "toor",
    "user",
];
/// Hosts of documentation (RFC 2606) and their like.
const EXAMPLE_HOSTS: [&str; 10] = [
    "example",
    "example.com",
    "example.net",
    "example.org",
    "host",
    "hostname",
    "invalid",
    "server",
    "test",
    "domain.com",
];
/// Hosts that only the machine itself reaches.
const LOOPBACK: [&str; 4] = ["localhost", "127.0.0.1", "[::1]", "0.0.0.0"];

fn trivial(user: &[u8], password: &[u8]) -> bool {
    user.eq_ignore_ascii_case(password) || TRIVIAL.iter().any(|word| password.eq_ignore_ascii_case(word.as_bytes()))
}

/// Whether `host` is one of these or below one of them.
fn is_below(host: &[u8], domains: &[&str]) -> bool {
    let host = host.to_ascii_lowercase();
    domains.iter().any(|domain| {
        let end = host.strip_suffix(domain.as_bytes());
        end.is_some_and(|before| before.is_empty() || before.ends_with(b"."))
    })
}

/// Whether a host is of documentation, or only stands for one. Numbers are left alone: 1.1.1.1 is a host.
fn is_example(host: &[u8]) -> bool {
    let words = ["example", "your-", "your_", "yourhost", "yourserver", "yourdomain"];
    let host_has = |word: &str| host.windows(word.len()).any(|at| at.eq_ignore_ascii_case(word.as_bytes()));
    is_below(host, &EXAMPLE_HOSTS) || placeholders::is_reference(host) || words.iter().any(|word| host_has(word))
}

/// The host (group `host`) is no example. A password that guards nothing is of low severity.
pub(super) fn url(candidate: &Candidate<'_>) -> Option<Verdict> {
    let group = |name: &str| candidate.groups.iter().find(|(n, _)| *n == name).map_or(&b""[..], |(_, value)| *value);
    let host = group("host");
    let bare = match host.iter().rposition(|b| *b == b':') {
        Some(colon) if host[colon + 1..].iter().all(u8::is_ascii_digit) => &host[..colon],
        _ => host,
    };
    if is_example(bare) {
        return None;
    }
    let mut verdict = Verdict::new(Level::Pattern, "stands where a URL has its password, and the host is no example")?;
    if trivial(group("user"), candidate.secret) || is_below(bare, &LOOPBACK) {
        verdict.severity = Some(Severity::Low);
        verdict.statement += "; it guards little: a default password or the machine itself";
    }
    Some(verdict)
}

/// base64 of `user:password` (RFC 7617).
pub(super) fn basic(candidate: &Candidate<'_>) -> Option<Verdict> {
    let bytes = decode::base64(candidate.secret)?;
    let colon = bytes.iter().position(|b| *b == b':')?;
    let (user, password) = (&bytes[..colon], &bytes[colon + 1..]);
    let is_text = std::str::from_utf8(&bytes).is_ok_and(|text| !text.chars().any(char::is_control));
    if !is_text || password.len() < 3 || placeholders::is_placeholder(password) {
        return None;
    }
    let mut verdict = Verdict::new(Level::Parsed, "decodes to a user name and a password")?;
    if !user.is_empty() && !may_be_secret(user) {
        verdict.details.push(("user", printable(user)));
    }
    if trivial(user, password) {
        verdict.severity = Some(Severity::Low);
    }
    Some(verdict)
}

pub(super) fn basic_sample(random: &mut Random) -> String {
    let password = random.text(b"abcdefghijkmnpqrstuvwxyzACDEFGHJKLMNPRTUVWXY2346789", 16);
    BASE64.encode(format!("deploy:{password}").as_bytes())
}
