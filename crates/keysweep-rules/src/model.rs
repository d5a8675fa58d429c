//! What a rule is. Plain data: the build script writes it, the library reads it.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// An enum whose variants have names, in ascending order.
macro_rules! named {
    ($(#[$meta:meta])* $type:ident ($what:literal) { $($(#[$doc:meta])* $variant:ident = $name:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum $type {
            $($(#[$doc])* #[serde(rename = $name)] $variant,)+
        }

        impl $type {
            /// All values, in ascending order.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The name that rules and reports use.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.name())
            }
        }

        impl FromStr for $type {
            type Err = UnknownName;

            fn from_str(name: &str) -> Result<Self, UnknownName> {
                Self::ALL.iter().copied().find(|v| v.name() == name).ok_or_else(|| UnknownName {
                    what: $what,
                    name: name.to_owned(),
                })
            }
        }
    };
}

/// A name that stands for no value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown {what} '{name}'")]
pub struct UnknownName {
    /// What it should have named.
    pub what: &'static str,
    /// The name.
    pub name: String,
}

named! {
    /// How bad it is if the secret leaks. Ordered.
    Severity ("severity") {
        /// Known to be public.
        Info = "info",
        /// Semi-public, but does not belong there.
        Low = "low",
        /// Of limited scope, or read-only.
        Medium = "medium",
        /// Live access to code, cloud, money, mail or data.
        High = "high",
        /// Signs for others or administers them.
        Critical = "critical",
    }
}

named! {
    /// How sure a match is. Ordered: a later level is stronger.
    Level ("level") {
        /// Text pattern and entropy.
        Pattern = "pattern",
        /// The structure holds.
        Parsed = "parsed",
        /// A checksum shows it.
        Proven = "proven",
    }
}

named! {
    /// What a key or credential is for.
    Purpose ("purpose") {
        /// Not known.
        Generic = "generic",
        /// TLS servers and clients.
        Tls = "tls",
        /// Log-in over SSH.
        SshUser = "ssh-user",
        /// Identity of an SSH server.
        SshHost = "ssh-host",
        /// Signs programs, packages or images.
        CodeSigning = "code-signing",
        /// Signs tokens and assertions that others accept.
        TokenSigning = "token-signing",
        /// Issues certificates.
        CertificateAuthority = "certificate-authority",
        /// Mail: sending, reading, signing.
        Email = "email",
        /// Publishes to a package registry.
        PackagePublishing = "package-publishing",
        /// Decrypts files or messages.
        Encryption = "encryption",
        /// Name servers and zones.
        Dns = "dns",
        /// A service or message bus of its own kind.
        Service = "service",
        /// Cloud providers.
        Cloud = "cloud",
        /// Repositories of code.
        CodeHosting = "code-hosting",
        /// Build and deployment.
        Ci = "ci",
        /// Chat and messages.
        Chat = "chat",
        /// Money.
        Payment = "payment",
        /// Models and their providers.
        Ai = "ai",
        /// Databases and their contents.
        Database = "database",
        /// Metrics, logs, errors.
        Monitoring = "monitoring",
        /// Cryptocurrency.
        Wallet = "wallet",
        /// Private networks.
        Vpn = "vpn",
        /// Who someone is: log-in, directories, peers.
        Identity = "identity",
        /// Clusters, networks, configuration, secrets management.
        Infrastructure = "infrastructure",
        /// Other hosted software.
        Saas = "saas",
    }
}

named! {
    /// What may not stand directly before and after a match.
    Boundary ("boundary") {
        /// No letter, digit or underscore.
        Word = "word",
        /// Nor one of `+ / - = .`.
        Base64 = "base64",
        /// Anything may.
        None = "none",
    }
}

/// One thing to look for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rule {
    /// Unique, in kebab case.
    pub id: String,
    /// What it finds, for people.
    pub name: String,
    /// Why it matters.
    pub description: String,
    /// How bad it is.
    pub severity: Severity,
    /// What the secret is for.
    pub purpose: Purpose,
    /// What to do.
    pub remediation: String,
    /// Where to read on: https addresses.
    pub references: Vec<String>,
    /// How it is found.
    pub detector: Detector,
    /// Templates of texts that must match, see [`template`](crate::template).
    pub examples: Vec<String>,
    /// Templates of texts that must not.
    pub counterexamples: Vec<String>,
    /// The file it is from; for built-in rules relative to `rules/`.
    pub source: String,
}

/// How a rule finds what it is for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Detector {
    /// By literals and a pattern.
    Token(Arc<TokenRule>),
    /// By the decoder of this name (crate `keysweep-keys`).
    Decoder(String),
    /// By the name of a file, in what is about to be published.
    File(FileRule),
}

/// A file that should not be in what is published, or not be anywhere.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileRule {
    /// Globs for its path in the package, `/` between folders; case does not matter.
    pub paths: Vec<String>,
    /// Regular expressions for the same, of which one matches somewhere in it. What a glob or one of these matches is meant.
    pub path_patterns: Vec<String>,
    /// Globs for paths that are none all the same.
    pub except: Vec<String>,
    /// The file begins with one of them. Empty: whatever it begins with.
    pub begins: Vec<String>,
    /// One of them stands in its first 32 MiB. Empty: none needed.
    pub contains: Vec<String>,
    /// None of them stands there.
    pub lacks: Vec<String>,
    /// All such files of a scan are one finding: there may be hundreds.
    pub together: bool,
    /// It holds in all scans, not only of what is published.
    pub always: bool,
}

/// A credential that is recognised by its text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TokenRule {
    /// Every match contains one of them. Empty, if `names` say where to look.
    pub anchors: Vec<Anchor>,
    /// Names of files in which the pattern is searched for at all places, instead of where an anchor stands.
    pub names: Vec<String>,
    /// Regular expression over bytes. Empty, if a reader finds the secrets.
    pub pattern: String,
    /// Name of a reader in [`readers`](crate::readers): it finds all secrets that belong to what stands at an anchor.
    pub reader: Option<String>,
    /// How many bytes before the anchor a match may begin.
    pub before: usize,
    /// Regular expression that matches directly behind one of the anchors in every match: the part of the pattern behind
    /// `{{anchor}}`, if it has that.
    pub follows: Option<String>,
    /// What may not stand next to it.
    pub boundary: Boundary,
    /// Least Shannon entropy of the secret, in bits a byte.
    pub entropy: Option<f64>,
    /// Name of a check in [`checks`](crate::checks).
    pub check: Option<String>,
    /// One of these words must stand near the match, in either case. Empty: none needed.
    pub context: Vec<String>,
    /// How near, in bytes.
    pub context_within: usize,
    /// Regular expressions on the secret that make it no finding.
    pub deny: Vec<String>,
    /// The same on all that the pattern matched.
    pub deny_match: Vec<String>,
    /// The same on the lines on which the match lies.
    pub deny_line: Vec<String>,
    /// Regular expressions, one of which must match somewhere in the path of the file. Empty: in all files.
    pub path_patterns: Vec<String>,
    /// Yields to every more specific rule that matches the same text.
    pub generic: bool,
    /// Added to the specificity, where that of the rule itself is not right.
    pub priority: i32,
}

/// A literal whose occurrence wakes a rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Anchor {
    /// The literal.
    pub text: String,
    /// ASCII letters match in either case.
    pub ignore_case: bool,
}

impl Rule {
    /// Of two rules that match overlapping texts, the one with the higher value is right: generic rules come last, rules
    /// with a check first, then those that ask for context, then those with long literals.
    pub fn specificity(&self) -> i32 {
        match &self.detector {
            Detector::Decoder(_) | Detector::File(_) => 1_000,
            Detector::Token(token) if token.generic => token.priority - 1_000,
            Detector::Token(token) => {
                let literal = token.anchors.iter().map(|a| a.text.len()).min().unwrap_or(0).min(64) as i32;
                let check = if token.check.is_some() { 100 } else { 0 };
                let context = if token.context.is_empty() { 0 } else { 20 };
                300 + literal + check + context + token.priority
            }
        }
    }

    /// The token rule, if it is one.
    pub fn token(&self) -> Option<&TokenRule> {
        match &self.detector {
            Detector::Token(token) => Some(token),
            Detector::Decoder(_) | Detector::File(_) => None,
        }
    }

    /// The rule for files, if it is one.
    pub fn file(&self) -> Option<&FileRule> {
        match &self.detector {
            Detector::File(file) => Some(file),
            Detector::Token(_) | Detector::Decoder(_) => None,
        }
    }
}
