//! What is said of a key that was found: never the secret itself.

use crate::{Algorithm, Fingerprint};
use std::fmt;

/// How sure keysweep is. Ordered: a later level is stronger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ProofLevel {
    /// Text pattern and entropy only.
    Pattern,
    /// The structure holds (lengths, tags, versions), but nothing ties the numbers together.
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

/// How sure, and what was checked, as a sentence without a final stop: `p * q = n (2048 bits)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// How sure.
    pub level: ProofLevel,
    /// What was checked.
    pub statement: String,
}

impl Proof {
    /// A [`ProofLevel::Proven`] proof.
    pub fn proven(statement: impl Into<String>) -> Self {
        Self { level: ProofLevel::Proven, statement: statement.into() }
    }

    /// A [`ProofLevel::Parsed`] proof.
    pub fn parsed(statement: impl Into<String>) -> Self {
        Self { level: ProofLevel::Parsed, statement: statement.into() }
    }
}

/// Whether the key is readable as it lies there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Protection {
    /// In the clear: whoever reads the bytes has the key.
    None,
    /// Encrypted under a passphrase or another key.
    Encrypted {
        /// Cipher as its format names it, for example `aes-256-cbc`.
        cipher: String,
        /// Key derivation with its cost, for example `PBKDF2-HMAC-SHA256, 2048 iterations` or `bcrypt, 16 rounds`.
        kdf: String,
        /// Whether the cipher or the cost is below today's practice (RC2-40, DES, MD5-based or few iterations).
        weak: bool,
    },
    /// Encrypted under a password that its vendor publishes, or under none at all, and opened with it: as good as in the
    /// clear.
    Published {
        /// The published password, or the empty one.
        password: &'static str,
        /// Cipher as its format names it.
        cipher: String,
        /// Key derivation with its cost.
        kdf: String,
    },
    /// Only a part of the key, or a reference to it, is here: a smart-card stub, a `gnu-dummy` S2K, an `sk-` key handle.
    External {
        /// Where the key proper lives, for example `smart card` or `FIDO token`.
        keeper: String,
    },
}

impl Protection {
    /// Whether whoever reads the bytes has the key, without knowing a secret.
    pub fn is_open(&self) -> bool {
        matches!(self, Protection::None | Protection::Published { .. })
    }
}

impl fmt::Display for Protection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Protection::None => f.write_str("not encrypted"),
            Protection::Encrypted { cipher, kdf, weak } => {
                write!(f, "encrypted with {cipher} ({kdf}{})", if *weak { ", weak" } else { "" })
            }
            Protection::Published { password: "", cipher, kdf } => {
                write!(f, "opens with the empty password ({cipher}, {kdf})")
            }
            Protection::Published { password, cipher, kdf } => {
                write!(f, "opens with the published password \"{password}\" ({cipher}, {kdf})")
            }
            Protection::External { keeper } => write!(f, "kept on a {keeper}"),
        }
    }
}

/// A key that was found: its public side and how it lies there.
#[derive(Debug, Clone)]
pub struct KeyMaterial {
    /// Kind of key.
    pub algorithm: Algorithm,
    /// Size in bits: of the modulus, the field, the symmetric key. 0 where it cannot be told (encrypted).
    pub bits: u32,
    /// The form the key was found in, for people: `PKCS#8 PEM`, `OpenSSH v1`, `JKS entry`.
    pub encoding: &'static str,
    /// Whether it is encrypted.
    pub protection: Protection,
    /// Names the public half, where it is known.
    pub public: Option<Fingerprint>,
    /// Identifies secrets and containers that have no public half: SHA-256 over the *encrypted* bytes, or over a secret
    /// with at least 128 bits of entropy under the domain separation of [`KeyMaterial::secret_id`]. `None` if `public` is there.
    pub id: Option<[u8; 32]>,
    /// What was proven.
    pub proof: Proof,
    /// Comment, alias, user id, friendly name, key id: what the format says about the key (bounded, no secret).
    pub comment: Option<String>,
    /// Purpose as far as the format itself tells it, in the vocabulary of the rules crate (`ssh-user`, `code-signing`,
    /// `token-signing`, `package-publishing`, `wallet`, …).
    pub purpose: Option<&'static str>,
    /// More facts for the report, name and value (`key id`, `alias`, `created`, `network`), none of them secret.
    pub details: Vec<(&'static str, String)>,
}

impl KeyMaterial {
    /// An identifier for a high-entropy secret without a public half: SHA-256 under a domain separation, so that it
    /// equals no other published hash of the secret.
    pub fn secret_id(secret: &[u8]) -> [u8; 32] {
        use sha2::{Digest, Sha256};
        let mut hash = Sha256::new();
        hash.update(b"keysweep secret id v1\0");
        hash.update(secret);
        hash.finalize().into()
    }

    /// An identifier for an encrypted container: SHA-256 over its bytes as they lie there.
    pub fn container_id(ciphertext: &[u8]) -> [u8; 32] {
        use sha2::{Digest, Sha256};
        Sha256::digest(ciphertext).into()
    }
}
