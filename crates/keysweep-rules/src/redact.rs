//! What of a secret may be shown: nothing that tells it from another of its kind.

use crate::compile::leading_anchor;
use crate::model::{Detector, Rule};

/// From this length on, in bytes, the length of a secret without a public prefix helps nobody to guess it.
const LONG: usize = 20;

/// The recognisable public part of a credential and its length, such as `ghp_… (40 characters)`.
///
/// Shown is only the literal of the rule that the secret begins with, as the rule has it. Of passwords and other short
/// secrets not even the exact length is told.
pub fn redact(rule: &Rule, secret: &[u8]) -> String {
    let Detector::Token(token) = &rule.detector else { return class(secret.len()).to_owned() };
    let length = secret.len();
    match leading_anchor(&token.anchors, secret).filter(|a| a.text.len() < length) {
        Some(anchor) if !token.generic => format!("{}… ({length} characters)", anchor.text),
        None if !token.generic && length >= LONG => format!("… ({length} characters)"),
        _ => class(length).to_owned(),
    }
}

fn class(length: usize) -> &'static str {
    match length {
        0..8 => "… (under 8 characters)",
        8..16 => "… (8 to 15 characters)",
        16..32 => "… (16 to 31 characters)",
        32..64 => "… (32 to 63 characters)",
        _ => "… (64 characters or more)",
    }
}
