//! What the search reports: keys that are proven, and where their numbers lie.

use keysweep_keys::KeyMaterial;

/// A key whose numbers were found and proven.
#[derive(Debug, Clone)]
pub struct Found {
    /// Id of the rule in `rules/keys/` that this result belongs to.
    pub rule: &'static str,
    /// What it is; never the secret.
    pub material: KeyMaterial,
    /// Every place where a part of it lies, sorted by offset.
    pub places: Vec<Place>,
}

/// A place where a number of a key lies.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Offset in the file.
    pub offset: u64,
    /// Number of bytes.
    pub len: u64,
    /// What lies there and how, for people: `p as little-endian limbs, OpenSSL BIGNUM`.
    pub what: String,
}
