//! Secrets that are encoded as a whole, as manifests have them.

use super::values::looks_random;
use super::{Candidate, Verdict, decode};
use crate::entropy::distinct;
use crate::model::Level;
use crate::placeholders;
use crate::random::Random;
use data_encoding::BASE64;

/// Lengths of binary keys, in bytes.
const SIZES: [usize; 7] = [16, 20, 24, 28, 32, 48, 64];

/// base64 of a random key, as text or as bytes, or of a random password.
pub(super) fn secret(candidate: &Candidate<'_>) -> Option<Verdict> {
    let bytes = decode::base64(candidate.secret)?;
    let text = bytes.trim_ascii();
    let is_text = text.iter().all(|byte| byte.is_ascii_graphic() || *byte == b' ');
    let good = match is_text {
        true => looks_random(text) && !placeholders::is_placeholder(text),
        false => SIZES.contains(&bytes.len()) && is_drawn(&bytes),
    };
    good.then(|| Verdict::new(Level::Parsed, "decodes to a random key or password"))?
}

/// Whether bytes may have been drawn at random: hardly any is there twice.
fn is_drawn(bytes: &[u8]) -> bool {
    5 * distinct(bytes) >= 4 * bytes.len() && bytes.iter().filter(|byte| **byte >= 0x80).count() >= bytes.len() / 4
}

pub(super) fn sample(random: &mut Random) -> String {
    BASE64.encode(random_password(random).as_bytes())
}

/// A password that looks random to every check: without vowels it holds no word, and it has all kinds of letters and digits.
pub(super) fn random_password(random: &mut Random) -> String {
    format!("7q{}4K", random.text(b"bcdfghjkmnpqrstvwxzBCDFGHJKLMNPQRSTVWXZ2346789", 16))
}
