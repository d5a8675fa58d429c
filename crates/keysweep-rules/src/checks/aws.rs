//! Amazon Web Services.

use super::{Candidate, Verdict};
use crate::model::Level;
use data_encoding::BASE32_NOPAD;

/// Characters of an access key id before its base 32 part.
const PREFIX: usize = 4;

/// The part behind `AKIA` or `ASIA` is base 32. Its first bit tells the generation; in ids of the newer one the account
/// stands in the 40 bits behind it (as found by T. Be'ery and P. Sivakumaran).
pub(super) fn access_key_id(candidate: &Candidate<'_>) -> Option<Verdict> {
    let bytes = BASE32_NOPAD.decode(candidate.secret.get(PREFIX..)?).ok()?;
    let head: [u8; 6] = bytes.get(..6)?.try_into().ok()?;
    let mut verdict = Verdict::new(Level::Parsed, "the identifier is base 32")?;
    let newer = head[0] & 0x80 != 0;
    if newer {
        let number = head.into_iter().fold(0_u64, |n, b| n << 8 | u64::from(b));
        let account = (number & 0x7fff_ffff_ff80) >> 7;
        verdict.details.push(("account", format!("{account:012}")));
    }
    (bytes.len() == 10).then_some(verdict)
}

/// Most slashes in random base64 of this length: more are practically never there, but are in paths.
const MAX_SLASHES: usize = 6;

/// 40 characters of base64 as random bytes give them: no hash, no path, no identifier.
pub(super) fn secret_shape(candidate: &Candidate<'_>) -> Option<Verdict> {
    let text = candidate.secret;
    let holds = |test: fn(&u8) -> bool| text.iter().any(test);
    let mixed = holds(u8::is_ascii_lowercase) && holds(u8::is_ascii_uppercase) && holds(|b| !b.is_ascii_alphabetic());
    let alphabet = text.iter().all(|b| b.is_ascii_alphanumeric() || b"+/".contains(b));
    let hash = text.iter().all(u8::is_ascii_hexdigit);
    let slashes = text.iter().filter(|b| **b == b'/').count();
    let shaped = text.len() == 40 && mixed && alphabet && !hash && slashes <= MAX_SLASHES;
    shaped.then(|| Verdict::new(Level::Pattern, "looks like 30 random bytes in base64"))?
}
