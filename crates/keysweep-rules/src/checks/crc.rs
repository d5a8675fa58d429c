//! Tokens that end with a CRC-32 of themselves.

use super::{Candidate, Verdict};
use crate::model::Level;

/// Digits of base 62 as GitHub writes them.
const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// Digits that hold any CRC-32.
const DIGITS: usize = 6;

/// `prefix_` + random characters + CRC-32 of those (GitHub's format of 2021, npm's too).
pub(super) fn base62(candidate: &Candidate<'_>) -> Option<Verdict> {
    let (body, checksum) = candidate.secret.split_at_checked(candidate.secret.len().checked_sub(DIGITS)?)?;
    let random = after_prefix(body);
    (encode(crc32fast::hash(random)).as_bytes() == checksum).then_some(())?;
    Verdict::new(Level::Proven, "the token's CRC-32 is right")
}

/// The checksum that belongs behind `prefix_` and random characters.
pub(super) fn base62_of(body: &str) -> Option<String> {
    Some(encode(crc32fast::hash(after_prefix(body.as_bytes()))))
}

/// What follows the last underscore.
fn after_prefix(body: &[u8]) -> &[u8] {
    body.rsplit(|b| *b == b'_').next().unwrap_or(body)
}

fn encode(mut number: u32) -> String {
    let mut digits = [b'0'; DIGITS];
    for digit in digits.iter_mut().rev() {
        *digit = BASE62[(number % 62) as usize];
        number /= 62;
    }
    digits.iter().map(|d| char::from(*d)).collect()
}
