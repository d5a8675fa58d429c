//! What a scan reports. Nothing in here holds a secret.

use keysweep_facts::{Exposure, Fact};
use keysweep_rules::{Purpose, Severity};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How sure keysweep is. Ordered: a later level is stronger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ProofLevel {
    /// Text pattern and entropy.
    Pattern,
    /// The structure holds.
    Parsed,
    /// Mathematics or a checksum shows it.
    Proven,
}

impl ProofLevel {
    /// `pattern`, `parsed` or `proven`.
    pub fn name(self) -> &'static str {
        match self {
            ProofLevel::Pattern => "pattern",
            ProofLevel::Parsed => "parsed",
            ProofLevel::Proven => "proven",
        }
    }
}

/// How sure, and what was checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    /// How sure.
    pub level: ProofLevel,
    /// What was checked, as a sentence without a final stop.
    pub statement: String,
}

/// One key or credential, with every place it was found at.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Finding {
    /// Id of the rule.
    pub rule: String,
    /// What it is, for people: `RSA private key, 2048 bits`.
    pub title: String,
    /// How bad it is, after protection, expiry and known-public status have been weighed.
    pub severity: Severity,
    /// What the key or credential is for.
    pub purpose: Purpose,
    /// Names the secret without revealing it: `spki-sha256:…` for keys whose public half is known, else a hash of the
    /// encrypted container, of the high-entropy secret, or of the place (see `fingerprint` in this crate).
    pub fingerprint: String,
    /// How sure, and what was checked.
    pub proof: Proof,
    /// The facts of a private key; absent for credentials.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub key: Option<KeyFacts>,
    /// The recognisable public part of a credential, such as `ghp_… (40 characters)`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub preview: Option<String>,
    /// More facts, name and value, in a stable order.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub details: Vec<(String, String)>,
    /// Certificates seen in the sweep that carry this key's public half.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub certificates: Vec<CertificateFacts>,
    /// Where the secret is published, if it is a well-known test key or documentation example.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub known_public: Option<String>,
    /// Every place, sorted by path and offset; of more than [`MAX_LOCATIONS`] those that leave out no file.
    pub locations: Vec<Location>,
    /// How many more places there are than `locations` lists.
    #[serde(skip_serializing_if = "is_zero", default)]
    pub more_locations: u64,
    /// Why it matters.
    pub description: String,
    /// What to do.
    pub remediation: String,
}

/// Places listed for one finding.
pub const MAX_LOCATIONS: usize = 1_000;

/// The facts of a private key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyFacts {
    /// `RSA`, `EC P-256`, `Ed25519`, …
    pub algorithm: String,
    /// Size in bits; 0 if it cannot be told.
    pub bits: u32,
    /// Whether it needs a passphrase.
    pub encrypted: bool,
    /// `not encrypted`, or cipher and key derivation with its cost.
    pub protection: String,
    /// Key derivation with its cost, if it is encrypted: `bcrypt, 16 rounds`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub kdf: Option<String>,
    /// Whether the encryption is below today's practice.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub weak: bool,
    /// Whether the private half is kept elsewhere (a card, an agent), and only named here.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub elsewhere: bool,
    /// SHA-256 of the DER SubjectPublicKeyInfo, lower-case hex.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub spki_sha256: Option<String>,
    /// OpenSSH `SHA256:…`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub ssh_sha256: Option<String>,
    /// RFC 7638 thumbprint.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub jwk_thumbprint: Option<String>,
    /// Comment, alias, user id or the like.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub comment: Option<String>,
}

/// A certificate for a key that was found.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct CertificateFacts {
    /// Subject distinguished name.
    pub subject: String,
    /// Issuer distinguished name.
    pub issuer: String,
    /// Seconds since 1970 UTC.
    pub not_before: i64,
    /// Seconds since 1970 UTC.
    pub not_after: i64,
    /// Whether it is a CA certificate.
    pub ca: bool,
    /// SHA-256 of the certificate, lower-case hex.
    pub sha256: String,
    /// Where it was seen first.
    pub path: String,
}

/// The form of places that stand for a file as such.
pub const WHOLE_FILE: &str = "file";

/// One place a secret lies at.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Location {
    /// The file as it was named, with `!/` before each member of a container; `-` for standard input.
    pub path: String,
    /// Offset of the first byte in the file.
    pub offset: u64,
    /// Number of bytes.
    pub length: u64,
    /// The form it has there: `PKCS#8 PEM`, `OpenSSH v1`, `text`.
    pub form: String,
    /// Line in a text file, from 1.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub line: Option<u64>,
    /// Column in bytes, from 1.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub column: Option<u64>,
    /// Virtual (or physical) address in a dump, load address in an executable.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub address: Option<u64>,
    /// Heap, stack, section or module name.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub region: Option<String>,
    /// Which numbers lie there and how, for keys found as numbers.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub structure: Option<String>,
    /// How the bytes were wrapped, outermost first: `base64`.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub wrapping: Vec<String>,
    /// Where in a repository the bytes are kept, if they are a git object.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub git: Option<GitPlace>,
    /// The layer of a container image that the file is in.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub layer: Option<LayerPlace>,
    /// Marks in the text that ask to let this pass, whether or not they hold.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub marks: Vec<Mark>,
}

/// A layer of a container image.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct LayerPlace {
    /// The name of the image, as it is written in it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub image: Option<String>,
    /// Which layer it is, from 1, the lowest.
    pub index: u64,
    /// How many layers the image has.
    pub of: u64,
    /// Its digest: of the compressed layer in OCI layouts, else of the layer itself.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub digest: Option<String>,
    /// The command that made it, without values that are set in it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub created_by: Option<String>,
    /// The layer that deletes the file. It is no longer seen in a container, and still there for whoever has the image.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub deleted_in: Option<u64>,
    /// The layer that has another file in its place.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub replaced_in: Option<u64>,
}

/// `keysweep:allow RULE reason=... until=DATE` on the line on which a secret begins, or the one before.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Mark {
    /// Id of the rule, or a glob.
    pub rule: String,
    /// Why it may pass.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reason: Option<String>,
    /// Until when, as it is written there.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub until: Option<String>,
    /// The other tool whose mark it is; one of [`MARK_TOOLS`](crate::MARK_TOOLS). None for `keysweep:allow`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub tool: Option<String>,
}

/// What is known or allowed, and does not fail a gate.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Suppressed {
    /// What lets it pass.
    pub by: Suppressor,
    /// Why, as whoever allowed it wrote.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reason: Option<String>,
    /// The last day on which it is allowed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub until: Option<String>,
    /// The finding, with only those of its places that are let pass.
    pub finding: Finding,
}

/// What lets a finding pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Suppressor {
    /// The baseline knows it.
    Baseline,
    /// An exception of the configuration.
    Exception,
    /// The configuration excludes the path.
    Excluded,
    /// A mark in the text.
    Inline,
}

impl Suppressor {
    /// For people.
    pub fn name(self) -> &'static str {
        match self {
            Suppressor::Baseline => "baseline",
            Suppressor::Exception => "exception",
            Suppressor::Excluded => "excluded path",
            Suppressor::Inline => "inline mark",
        }
    }
}

/// The place of a blob in the history of a repository.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct GitPlace {
    /// The commit that brought the blob to this path, in hex; absent for what no commit holds: staged, tagged by itself, or
    /// unreachable.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub commit: Option<String>,
    /// Its author's date: seconds since 1970 UTC.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub author_date: Option<i64>,
    /// Path in the repository; the id of the blob where it has none.
    pub path: String,
    /// Id of the blob, in hex.
    pub blob: String,
    /// Whether the blob still lies at this path in `HEAD`.
    pub in_head: bool,
    /// Whether a remote-tracking branch contains the commit, so that others may have it.
    pub pushed: bool,
}

/// Something that could not be looked at, or only in part.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Incident {
    /// The file.
    pub path: String,
    /// What happened and why.
    pub message: String,
    /// Whether bytes went unseen, so that the scan is incomplete. Otherwise only labels or coordinates were lost.
    pub incomplete: bool,
}

/// What is known of a scanned dump.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct DumpFacts {
    /// The file.
    pub path: String,
    /// Its format.
    pub format: String,
    /// Processor architecture.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub architecture: Option<String>,
    /// Name of the process.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub process: Option<String>,
    /// Its id.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub pid: Option<u64>,
    /// Mapped memory regions in the dump.
    pub regions: usize,
}

/// What was hunted for, and what was tried: a *no* means no more than that.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hunt {
    /// The keys.
    pub keys: Vec<HuntedKey>,
    /// Bytes of files that windows were taken of.
    pub bytes: u64,
    /// For each representation of a number how many windows were tried.
    pub windows: BTreeMap<String, u64>,
}

/// A key that was hunted for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HuntedKey {
    /// Where it was given, and what is said of it there.
    pub label: String,
    /// `RSA`, `EC P-256`, `Ed25519`, …; absent if only a fingerprint was given.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub algorithm: Option<String>,
    /// Size in bits.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub bits: Option<u32>,
    /// `spki-sha256:…`, or as it was given.
    pub fingerprint: String,
    /// Whether its private half was found, readable.
    pub found: bool,
    /// Whether its private half was found under encryption only.
    pub found_encrypted: bool,
    /// Whether the windows of memory were tried against its numbers. Otherwise only keys in known forms were compared.
    pub by_numbers: bool,
}

/// Counters of a scan.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stats {
    /// Files read to their end.
    pub files: u64,
    /// Bytes read.
    pub bytes: u64,
    /// Files passed over by size limit or globs, and special files.
    pub skipped: u64,
    /// Wall time in milliseconds.
    pub milliseconds: u64,
}

/// The outcome of a scan.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Report {
    /// Most severe first, then by path and offset.
    pub findings: Vec<Finding>,
    /// What was found, too, but is known or allowed.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub suppressed: Vec<Suppressed>,
    /// How many findings are left out as less severe or less sure than was asked for.
    #[serde(skip_serializing_if = "is_zero", default)]
    pub below_threshold: u64,
    /// What could not be looked at.
    pub incidents: Vec<Incident>,
    /// The dumps among the scanned files.
    pub dumps: Vec<DumpFacts>,
    /// What was hunted for, if given keys were: the findings are then those of these keys only.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub hunt: Option<Hunt>,
    /// What is true of places, credentials and accounts, if accounts were swept.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub facts: Vec<Fact>,
    /// Chains that lead to a key, if they were looked for.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub exposures: Vec<Exposure>,
    /// The public keys and certificates that were seen, if they were asked for.
    #[serde(skip)]
    pub public: Vec<PublicSeen>,
    /// Counters.
    pub stats: Stats,
}

/// A public key or certificate that was seen.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct PublicSeen {
    /// The file.
    pub path: String,
    /// `spki-sha256:…`.
    pub fingerprint: String,
    /// Comment, key id or the like of a bare key.
    pub comment: Option<String>,
    /// What is certified, with the extended key usages as dotted object identifiers, if it is a certificate.
    pub certificate: Option<(CertificateFacts, Vec<String>)>,
}

impl Report {
    /// Whether every byte asked for was looked at.
    pub fn is_complete(&self) -> bool {
        !self.incidents.iter().any(|i| i.incomplete)
    }
}

fn is_zero(n: &u64) -> bool {
    *n == 0
}
