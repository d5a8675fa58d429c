//! The answer of a hunt, for people: for each key yes or no, and what was tried.

use crate::text::{printable, size};
use keysweep_engine::{Hunt, HuntedKey, Report};
use std::fmt::Write as _;

/// Keys that are not found are listed up to this number.
const LISTED: usize = 50;

/// The section as text.
pub(crate) fn section(report: &Report, hunt: &Hunt) -> String {
    let mut text = String::new();
    let found = hunt.keys.iter().filter(|key| key.found || key.found_encrypted).count();
    for key in hunt.keys.iter().filter(|key| key.found || key.found_encrypted) {
        line(&mut text, if key.found { "FOUND" } else { "FOUND, encrypted" }, key);
    }
    let missing: Vec<&HuntedKey> = hunt.keys.iter().filter(|key| !key.found && !key.found_encrypted).collect();
    for key in missing.iter().take(LISTED) {
        line(&mut text, "not found", key);
    }
    if missing.len() > LISTED {
        let _ = writeln!(text, "and {} more not found", missing.len() - LISTED);
    }
    let _ = writeln!(text, "{found} of {} keys found", hunt.keys.len());
    let _ = writeln!(
        text,
        "\nTested: every known form in {}; as bare numbers every window in {} that could be drawn at random:",
        size(report.stats.bytes),
        size(hunt.bytes)
    );
    for (name, count) in &hunt.windows {
        let _ = writeln!(text, "  {count:>12}  {name}");
    }
    let named = hunt.keys.iter().filter(|key| !key.by_numbers).count();
    if named > 0 {
        let _ = writeln!(
            text,
            "{named} of the keys only by fingerprint: give the public key to have windows tried against it."
        );
    }
    text
}

fn line(text: &mut String, verdict: &str, key: &HuntedKey) {
    let algorithm = key.algorithm.as_deref().unwrap_or("key");
    let bits = key.bits.filter(|_| algorithm == "RSA").map(|bits| format!(" {bits}")).unwrap_or_default();
    let _ = writeln!(text, "{verdict}: {algorithm}{bits} {}  {}", key.fingerprint, printable(&key.label));
}
