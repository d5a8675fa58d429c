//! Keys that are nothing but random bytes in base64.

use super::decode;
use super::{Candidate, Verdict};
use crate::entropy::distinct;
use crate::model::Level;

pub(super) fn base64_16(candidate: &Candidate<'_>) -> Option<Verdict> {
    random(candidate.secret, 16)
}

pub(super) fn base64_32(candidate: &Candidate<'_>) -> Option<Verdict> {
    random(candidate.secret, 32)
}

pub(super) fn base64_64(candidate: &Candidate<'_>) -> Option<Verdict> {
    random(candidate.secret, 64)
}

/// Exactly `length` bytes, which are no text and not the same few over and over.
fn random(text: &[u8], length: usize) -> Option<Verdict> {
    let bytes = decode::base64(text)?;
    let random = bytes.len() == length && !bytes.is_ascii() && distinct(&bytes) >= length / 2;
    random.then(|| Verdict::new(Level::Parsed, format!("decodes to {length} random bytes")))?
}
