//! Checksums and structures that a pattern cannot express. A rule names one with `check`; where it fails there is no
//! match.
//!
//! Every check is a function of the match alone: no network, no state. Those with a generator can compute the checksum for
//! examples (`{{checksum}}` in [`template`](crate::template)).

mod crc;
mod jwt;

use crate::model::{Level, Severity};

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
#[derive(Debug)]
pub struct Check {
    /// The name rules use.
    pub name: &'static str,
    /// What it checks, for writers of rules.
    pub about: &'static str,
    /// `None` if the match fails.
    pub run: fn(&Candidate<'_>) -> Option<Verdict>,
    /// The checksum that belongs behind the beginning of a token.
    pub generate: Option<fn(&str) -> Option<String>>,
}

/// All checks.
pub fn all() -> &'static [Check] {
    &[
        Check {
            name: "github-crc32",
            about: "prefix_, random characters, then CRC-32 of those in base 62, six digits (GitHub, npm)",
            run: crc::base62,
            generate: Some(crc::base62_of),
        },
        Check {
            name: "jwt",
            about: "JSON Web Token: header and claims are JSON objects, the algorithm is not none, and there is a signature; \
                    shows alg, kid, iss, sub, aud, exp; an expired token is of low severity",
            run: jwt::run,
            generate: None,
        },
    ]
}

/// The check of this name.
pub fn by_name(name: &str) -> Option<&'static Check> {
    all().iter().find(|check| check.name == name)
}
