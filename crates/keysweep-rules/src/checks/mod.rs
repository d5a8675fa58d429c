//! Checksums and structures that a pattern cannot express. A rule names one with `check`; where it fails there is no
//! match. `rules/README.md` lists them for writers of rules.
//!
//! Every check is a function of the match alone (and, where tokens expire, of the time): no network, no state. Checks of
//! checksums can compute one for examples (`{{checksum}}` in [`template`](crate::template)), others make a whole token
//! (`{{token}}`).

mod ahead;
mod assigned;
mod aws;
mod azure;
mod bytes;
mod chat;
mod crc;
mod decode;
mod encoded;
mod gitlab;
mod jwt;
mod macaroon;
mod marvin;
mod mnemonic;
pub(crate) mod names;
mod password;
mod payload;
mod service;
#[cfg(test)]
mod tests;
mod time;
mod userinfo;
mod values;
pub(crate) mod words;

use crate::model::{Level, Severity};
use crate::random::Random;
use std::fmt;

/// What a check looks at.
#[derive(Clone, Copy)]
pub struct Candidate<'a> {
    /// The secret.
    pub secret: &'a [u8],
    /// Everything the pattern matched.
    pub whole: &'a [u8],
    /// The groups of the pattern that are shown with a finding.
    pub groups: &'a [(&'a str, &'a [u8])],
}

/// What a check says of a match that passes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// How sure the match is by it.
    pub level: Level,
    /// What was checked, as a sentence without a final stop.
    pub statement: String,
    /// More facts, none of them secret.
    pub details: Vec<(&'static str, String)>,
    /// Overrides the severity of the rule.
    pub severity: Option<Severity>,
}

impl Verdict {
    fn new(level: Level, statement: impl Into<String>) -> Option<Self> {
        Some(Self { level, statement: statement.into(), details: Vec::new(), severity: None })
    }
}

/// A named check.
pub struct Check {
    /// The name rules use.
    pub name: &'static str,
    /// What it checks, for writers of rules.
    pub about: &'static str,
    pub(crate) run: fn(&Candidate<'_>) -> Option<Verdict>,
    pub(crate) example: Example,
    /// Whether what stands behind a literal of the rule may hold what the check accepts: asked first.
    pub(crate) ahead: Option<fn(&[u8]) -> bool>,
}

/// How a check helps to write examples.
#[derive(Clone, Copy)]
pub(crate) enum Example {
    /// It computes the checksum that belongs behind the beginning of a token.
    Checksum(fn(&str) -> Option<String>),
    /// It makes a whole token.
    Token(fn(&mut Random) -> String),
    /// Both.
    Both(fn(&str) -> Option<String>, fn(&mut Random) -> String),
    /// Examples need no help.
    Plain,
}

impl Example {
    /// The checksum that belongs behind `start`.
    pub(crate) fn checksum(self, start: &str) -> Option<String> {
        match self {
            Example::Checksum(compute) | Example::Both(compute, _) => compute(start),
            Example::Token(_) | Example::Plain => None,
        }
    }

    /// A whole token.
    pub(crate) fn token(self, random: &mut Random) -> Option<String> {
        match self {
            Example::Token(make) | Example::Both(_, make) => Some(make(random)),
            Example::Checksum(_) | Example::Plain => None,
        }
    }
}

impl Check {
    /// What the check says of a match; `None` if it fails.
    pub fn run(&self, candidate: &Candidate<'_>) -> Option<Verdict> {
        (self.run)(candidate)
    }
}

impl fmt::Debug for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Check({})", self.name)
    }
}

const fn check(
    name: &'static str,
    about: &'static str,
    run: fn(&Candidate<'_>) -> Option<Verdict>,
    example: Example,
) -> Check {
    Check { name, about, run, example, ahead: None }
}

impl Check {
    const fn ahead(mut self, ahead: fn(&[u8]) -> bool) -> Self {
        self.ahead = Some(ahead);
        self
    }
}

/// All checks, sorted by name.
pub fn all() -> &'static [Check] {
    use Example::{Both, Checksum, Plain, Token};
    static ALL: [Check; 42] = [
        check(
            "assigned-key",
            "group name names a key or token, and the value is a random literal; no hash, UUID, path, identifier or phrase",
            assigned::key,
            Plain,
        )
        .ahead(ahead::key),
        check(
            "assigned-password",
            "group name names a password, and the value is a literal that is neither a common one nor an identifier",
            assigned::password,
            Plain,
        )
        .ahead(ahead::password),
        check("assigned-secret", "as assigned-key or assigned-password", assigned::secret, Plain),
        check(
            "assigned-short-secret",
            "group name names a secret, and the value looks like a password of several kinds of characters",
            assigned::short_secret,
            Plain,
        ),
        check(
            "atlassian-crc32",
            "CRC-32 in upper-case hex behind the token; a wrong one only proves nothing",
            crc::atlassian,
            Checksum(crc::atlassian_checksum),
        ),
        check(
            "atlassian-dc-pat",
            "base64 of digits, a colon and random bytes (Data Center)",
            payload::atlassian,
            Token(payload::atlassian_sample),
        ),
        check("aws-access-key-id", "four letters and base 32; shows the account", aws::access_key_id, Plain),
        check(
            "aws-secret-shape",
            "40 characters of base64 that are no hash, path or identifier",
            aws::secret_shape,
            Plain,
        ),
        check(
            "azure-cask",
            "common annotated key (JQQJ99) with a right checksum; shows provider and month",
            azure::cask,
            Checksum(azure::cask_checksum),
        ),
        check(
            "azure-devops-pat",
            "52 characters of base 32 with a right CRC-32 in them",
            azure::devops,
            Token(azure::devops_sample),
        ),
        check(
            "azure-identifiable",
            "key with a signature such as +ASt; a wrong checksum only proves nothing; shows its kind",
            azure::identifiable,
            Checksum(azure::identifiable_checksum),
        ),
        check("base64-16-bytes", "base64 of 16 random bytes", bytes::base64_16, Plain),
        check("base64-32-bytes", "base64 of 32 random bytes", bytes::base64_32, Plain),
        check("base64-64-bytes", "base64 of 64 random bytes", bytes::base64_64, Plain),
        check("base64-secret", "base64 of a random key or password", encoded::secret, Token(encoded::sample)),
        check(
            "basic-auth",
            "base64 of user:password; shows the user, a trivial password is of low severity",
            userinfo::basic,
            Token(userinfo::basic_sample),
        ),
        check(
            "basic-auth-random",
            "as basic-auth, with a random password",
            userinfo::basic_random,
            Token(userinfo::basic_random_sample),
        ),
        check(
            "bedrock-api-key",
            "ABSK and base64 of a key name with the account, which is shown",
            payload::bedrock,
            Token(payload::bedrock_sample),
        ),
        check(
            "bip39-mnemonic",
            "12 to 24 words of BIP-39's English list with a right checksum",
            mnemonic::phrase,
            Token(mnemonic::phrase_sample),
        ),
        check(
            "chosen-password",
            "as password, but a word is one, too: for places that hold nothing else",
            password::chosen,
            Plain,
        ),
        check(
            "cloudflare-crc32",
            "CRC-32 in hex of the 40 characters before",
            crc::cloudflare,
            Checksum(crc::cloudflare_checksum),
        ),
        check(
            "confluent-crc32",
            "cflt, 54 characters and their CRC-32 in base64",
            crc::confluent,
            Checksum(crc::confluent_checksum),
        ),
        check(
            "discord-bot-token",
            "the first part is base64 of an application id, which is shown",
            chat::discord,
            Token(chat::discord_sample),
        ),
        check(
            "entra-client-secret",
            "three characters of checksum at the end; wrong ones only prove nothing",
            azure::entra,
            Checksum(azure::entra_checksum),
        ),
        check(
            "github-crc32",
            "CRC-32 in base 62 of the characters behind the prefix (GitHub, npm; not github_pat_)",
            crc::github,
            Checksum(crc::github_checksum),
        ),
        check(
            "gitlab-routable",
            "routable token with a right CRC-32; shows organization, user and the like",
            gitlab::routable,
            Both(gitlab::routable_checksum, gitlab::routable_sample),
        ),
        check("grafana-crc32", "glsa_ token with a right CRC-32", crc::grafana, Checksum(crc::grafana_checksum)),
        check(
            "grafana-json",
            "base64 of JSON with key and name, with or without glc_; shows name and organization",
            payload::grafana,
            Token(payload::grafana_sample),
        ),
        check(
            "jfrog-reference-token",
            "base64 of reftkn fields; an expired one is of low severity",
            payload::jfrog,
            Token(payload::jfrog_sample),
        ),
        check(
            "jwt",
            "signed JSON Web Token; shows issuer, subject and the like; an expired one is of low severity",
            jwt::any,
            Token(jwt::any_sample),
        ),
        check(
            "mapbox",
            "JSON payload with the account, which is shown",
            payload::mapbox,
            Token(payload::mapbox_sample),
        ),
        check(
            "mixed-password",
            "a random password, or one of letters, digits and signs in which words may be",
            assigned::mixed_password,
            Plain,
        ),
        check(
            "onepassword-service-account",
            "JSON payload with a secret key; shows address and account",
            payload::onepassword,
            Token(payload::onepassword_sample),
        ),
        check(
            "password",
            "no password of documentation and tests, no format, variable or expression",
            password::run,
            Plain,
        ),
        check(
            "pypi-macaroon",
            "a complete macaroon; shows location and projects",
            macaroon::pypi,
            Token(macaroon::pypi_sample),
        ),
        check(
            "random-secret",
            "a random key, or a password of three kinds of characters with digits among them; no word, name or expression",
            assigned::random_secret,
            Plain,
        ),
        check(
            "sentry-org",
            "JSON payload and 32 random bytes; shows organization and region",
            payload::sentry,
            Token(payload::sentry_sample),
        ),
        check(
            "service-key",
            "group name names a service and its key; the value is random, and may be a UUID",
            service::run,
            Plain,
        ),
        check("slack-token", "prefix, numbers and random part; shows the kind", chat::slack, Plain),
        check(
            "supabase-jwt",
            "token of Supabase; shows project and role, the anonymous one is of low severity",
            jwt::supabase,
            Token(jwt::supabase_sample),
        ),
        check("telegram-bot-token", "bot id, which is shown, and a key that begins with AA", chat::telegram, Plain),
        check(
            "url-userinfo",
            "group host is no example; a trivial password or a loopback host is of low severity, both together are no finding",
            userinfo::url,
            Plain,
        ),
    ];
    &ALL
}

/// The check of this name.
pub fn by_name(name: &str) -> Option<&'static Check> {
    all().iter().find(|check| check.name == name)
}
