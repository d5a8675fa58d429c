//! Exposures, as reports hold them.

use crate::Fact;
use serde::{Deserialize, Serialize};

/// A chain of facts that leads to a key or credential.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exposure {
    /// Names it in all reports: the rule, and a hash of what tells it from others of the rule.
    pub id: String,
    /// The rule.
    pub rule: String,
    /// `critical`, `high`, `medium` or `low`.
    pub severity: String,
    /// What it means, in a sentence.
    pub title: String,
    /// Fingerprints of the keys at its end.
    pub keys: Vec<String>,
    /// The chain, as it is told.
    pub links: Vec<Link>,
    /// What to do, the most urgent first.
    pub fix: Vec<String>,
    /// Where to read on.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub references: Vec<String>,
    /// Other chains that differ only in what does not matter.
    #[serde(skip_serializing_if = "is_zero", default)]
    pub more: usize,
}

/// One fact of a chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// What it says.
    pub say: String,
    /// How it is known; of a fact that follows from others, how these are known.
    pub evidence: Vec<String>,
    /// What would break the chain here.
    #[serde(skip_serializing_if = "String::is_empty", default)]
    pub breaks: String,
    /// The fact.
    pub fact: Fact,
}

fn is_zero(count: &usize) -> bool {
    *count == 0
}

impl Exposure {
    /// The id of an exposure: the rule, and 16 hexadecimal digits of the FNV-1a hash of what tells it from others.
    pub fn name(rule: &str, per: &[String]) -> String {
        let mut hash = 0xcbf2_9ce4_8422_2325u64;
        for byte in per.iter().flat_map(|part| part.bytes().chain([0])) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        format!("{rule}:{hash:016x}")
    }
}
