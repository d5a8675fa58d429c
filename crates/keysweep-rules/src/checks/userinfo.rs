//! User names and passwords as URLs and HTTP carry them.

use super::decode;
use super::encoded::random_password;
use super::password::is_expression;
use super::values::looks_random;
use super::words::is_made_up;
use super::{Candidate, Verdict};
use crate::compile::{may_be_secret, printable};
use crate::model::{Level, Severity};
use crate::placeholders;
use crate::random::Random;
use data_encoding::BASE64;
use zeroize::Zeroizing;

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
const EXAMPLE_HOSTS: [&str; 20] = [
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
    "acme.com",
    "company.com",
    "faketld",
    "fake",
    "foo.com",
    "bar.com",
    "host.com",
    "mycompany.com",
    "mydomain.com",
    "server.com",
];
/// Hosts that only the machine itself reaches.
const LOOPBACK: [&str; 4] = ["localhost", "127.0.0.1", "[::1]", "0.0.0.0"];

/// Names of users in documentation.
const EXAMPLE_USERS: [&str; 10] =
    ["scott", "user", "username", "usr", "myuser", "dbuser", "db_user", "login", "name", "anonymous"];

/// Passwords of examples in RFC 7617 and RFC 6749.
const PUBLISHED: [&str; 3] = ["open sesame", "gX1fBat3bV", "7Fjfp0ZBr1KtDRbnfVdmIw"];

fn trivial(user: &[u8], password: &[u8]) -> bool {
    let password = percent_decoded(password);
    let known = || TRIVIAL.iter().any(|word| password.eq_ignore_ascii_case(word.as_bytes()));
    // `PERSONAL_ACCESS_TOKEN`.
    let shouted = password.contains(&b'_') && password.iter().all(|b| b.is_ascii_uppercase() || *b == b'_');
    user.eq_ignore_ascii_case(&password) || known() || shouted || is_made_up(&password)
}

/// What a URL writes as `%40` and the like.
pub(super) fn percent_decoded(text: &[u8]) -> Zeroizing<Vec<u8>> {
    let digit = |b: Option<&u8>| b.and_then(|b| char::from(*b).to_digit(16));
    let mut decoded = Zeroizing::new(Vec::with_capacity(text.len()));
    let mut index = 0;
    while let Some(byte) = text.get(index) {
        match (*byte, digit(text.get(index + 1)), digit(text.get(index + 2))) {
            (b'%', Some(high), Some(low)) => {
                decoded.push((high * 16 + low) as u8);
                index += 3;
            }
            _ => {
                decoded.push(*byte);
                index += 1;
            }
        }
    }
    decoded
}

/// Whether user and password are those of documentation, RFC 7617 included.
fn documented(user: &[u8], password: &[u8]) -> bool {
    EXAMPLE_USERS.iter().any(|name| user.eq_ignore_ascii_case(name.as_bytes())) && trivial(user, password)
        || PUBLISHED.iter().any(|known| password == known.as_bytes())
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

/// The host (group `host`) is no example, and the password no expression. A password that guards little is of low
/// severity; a trivial one on the machine itself, or on a host that only its own network knows by that name, is none.
pub(super) fn url(candidate: &Candidate<'_>) -> Option<Verdict> {
    let group = |name: &str| candidate.groups.iter().find(|(n, _)| *n == name).map_or(&b""[..], |(_, value)| *value);
    let host = group("host");
    let bare = match host.iter().rposition(|b| *b == b':') {
        Some(colon) if host[colon + 1..].iter().all(u8::is_ascii_digit) => &host[..colon],
        _ => host,
    };
    let (user, password) = (group("user"), candidate.secret);
    let loopback = is_below(bare, &LOOPBACK);
    let near = loopback || !bare.iter().any(|b| b".:".contains(b));
    let trivial = trivial(user, password);
    if is_example(bare) || is_expression(password) || documented(user, password) || (trivial && near) {
        return None;
    }
    let mut verdict = Verdict::new(Level::Pattern, "stands where a URL has its password, and the host is no example")?;
    if trivial || loopback {
        verdict.severity = Some(Severity::Low);
        verdict.statement += "; it guards little: a default password or the machine itself";
    }
    Some(verdict)
}

/// base64 of `user:password` (RFC 7617).
pub(super) fn basic(candidate: &Candidate<'_>) -> Option<Verdict> {
    basic_with(candidate, |_| true)
}

/// The same, with a password that passes.
fn basic_with(candidate: &Candidate<'_>, is_password: fn(&[u8]) -> bool) -> Option<Verdict> {
    let bytes = decode::base64(candidate.secret)?;
    let colon = bytes.iter().position(|b| *b == b':')?;
    let (user, password) = (&bytes[..colon], &bytes[colon + 1..]);
    let is_text = std::str::from_utf8(&bytes).is_ok_and(|text| !text.chars().any(char::is_control));
    let is_shown = || placeholders::is_placeholder(password) || documented(user, password);
    if !is_text || password.len() < 3 || !is_password(password) || is_shown() {
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

/// The same, with a password that is random or of several kinds of characters: where nothing else says that it is a header.
pub(super) fn basic_random(candidate: &Candidate<'_>) -> Option<Verdict> {
    basic_with(candidate, looks_random)
}

pub(super) fn basic_random_sample(random: &mut Random) -> String {
    BASE64.encode(format!("deploy:{}", random_password(random)).as_bytes())
}

pub(super) fn basic_sample(random: &mut Random) -> String {
    let password = random.text(b"abcdefghijkmnpqrstuvwxyzACDEFGHJKLMNPRTUVWXY2346789", 16);
    BASE64.encode(format!("deploy:{password}").as_bytes())
}
