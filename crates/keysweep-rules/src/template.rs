//! Examples that hold no token: templates whose `{{…}}` are filled in when a rule is tested.
//!
//! | placeholder | is replaced by |
//! |---|---|
//! | `{{CLASS:N}}` | N random characters of a class: lower upper letter digit alnum lowernum uppernum hex HEX base32 base58 base64 base64url |
//! | `{{base64-bytes:N}}`, `{{base64url-bytes:N}}` | N random bytes, encoded with and without padding |
//! | `{{base64-text:TEXT}}`, `{{base64url-text:TEXT}}` | TEXT, encoded with and without padding |
//! | `{{uuid}}` | a random UUID |
//! | `{{checksum}}` | what the rule's check computes over the token before it |
//!
//! Random is pseudo-random here: the same for the same rule and example, so that a test does not depend on chance.

use crate::checks;
use crate::model::{Rule, TokenRule};
use data_encoding::{BASE64, BASE64URL_NOPAD, HEXLOWER};

/// Longest text a placeholder is replaced by.
const MAX_LENGTH: usize = 16 << 10;

const LOWER: &str = "abcdefghijklmnopqrstuvwxyz";
const UPPER: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const DIGIT: &str = "0123456789";
const BASE58: &str = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

/// A template cannot be filled in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// `{{` without `}}`.
    #[error("'{{{{' without '}}}}'")]
    Unclosed,
    /// An unknown placeholder.
    #[error("unknown placeholder '{{{{{0}}}}}'")]
    Unknown(String),
    /// A number that is none or too large.
    #[error("'{{{{{0}}}}}' needs a number from 1 to {MAX_LENGTH}")]
    Number(String),
    /// `{{checksum}}` in a rule whose check computes none, or behind what is no token.
    #[error("{{{{checksum}}}} needs a check that computes one, and a token before it")]
    NoChecksum,
}

/// The example as text. `index` tells examples of a rule apart, so that each gets its own random characters.
///
/// # Errors
///
/// See [`TemplateError`].
pub fn render(rule: &Rule, template: &str, index: usize) -> Result<String, TemplateError> {
    let mut random = Random::new(&rule.id, index);
    let mut text = String::new();
    let mut rest = template;
    while let Some(open) = rest.find("{{") {
        text.push_str(&rest[..open]);
        rest = &rest[open + 2..];
        let mut close = rest.find("}}").ok_or(TemplateError::Unclosed)?;
        // A brace that TEXT ends with belongs to it.
        while rest[close + 2..].starts_with('}') {
            close += 1;
        }
        let (placeholder, behind) = (&rest[..close], &rest[close + 2..]);
        let filled = match placeholder {
            "checksum" => rule.token().and_then(|token| checksum(token, &text)).ok_or(TemplateError::NoChecksum)?,
            "uuid" => uuid(&mut random),
            _ => fill(placeholder, &mut random)?,
        };
        text.push_str(&filled);
        rest = behind;
    }
    text.push_str(rest);
    Ok(text)
}

fn fill(placeholder: &str, random: &mut Random) -> Result<String, TemplateError> {
    let unknown = || TemplateError::Unknown(placeholder.to_owned());
    let (class, argument) = placeholder.split_once(':').ok_or_else(unknown)?;
    match class {
        "base64-text" => return Ok(BASE64.encode(argument.as_bytes())),
        "base64url-text" => return Ok(BASE64URL_NOPAD.encode(argument.as_bytes())),
        _ => {}
    }
    let characters = class_of(class);
    if characters.is_none() && !class.ends_with("-bytes") {
        return Err(unknown());
    }
    let number: usize = argument
        .parse()
        .ok()
        .filter(|n| (1..=MAX_LENGTH).contains(n))
        .ok_or_else(|| TemplateError::Number(placeholder.to_owned()))?;
    match (class, characters) {
        (_, Some(characters)) => {
            Ok((0..number).map(|_| char::from(characters[random.below(characters.len())])).collect())
        }
        ("base64-bytes", _) => Ok(BASE64.encode(&random.bytes(number))),
        ("base64url-bytes", _) => Ok(BASE64URL_NOPAD.encode(&random.bytes(number))),
        _ => Err(unknown()),
    }
}

fn class_of(class: &str) -> Option<Vec<u8>> {
    Some(match class {
        "lower" => LOWER.into(),
        "upper" => UPPER.into(),
        "digit" => DIGIT.into(),
        "letter" => [LOWER, UPPER].concat().into(),
        "alnum" => [LOWER, UPPER, DIGIT].concat().into(),
        "lowernum" => [LOWER, DIGIT].concat().into(),
        "uppernum" => [UPPER, DIGIT].concat().into(),
        "hex" => [DIGIT, "abcdef"].concat().into(),
        "HEX" => [DIGIT, "ABCDEF"].concat().into(),
        "base32" => [UPPER, "234567"].concat().into(),
        "base58" => BASE58.into(),
        "base64" => [LOWER, UPPER, DIGIT, "+/"].concat().into(),
        "base64url" => [LOWER, UPPER, DIGIT, "-_"].concat().into(),
        _ => return None,
    })
}

/// Version 4, variant 1 (RFC 9562).
fn uuid(random: &mut Random) -> String {
    let mut bytes = random.bytes(16);
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex = HEXLOWER.encode(&bytes);
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}

/// The checksum over the token that `text` ends with: from its last anchor on, and as far back as the rule's matches may
/// begin, over characters that tokens consist of.
fn checksum(token: &TokenRule, text: &str) -> Option<String> {
    let generate = checks::by_name(token.check.as_deref()?)?.generate?;
    let anchor = token.anchors.iter().filter_map(|anchor| text.rfind(&anchor.text)).max()?;
    let is_part = |c: &char| c.is_ascii_alphanumeric() || "_-.+/".contains(*c);
    let before: usize = text[..anchor].chars().rev().take(token.before).take_while(is_part).map(char::len_utf8).sum();
    generate(&text[anchor - before..])
}

/// SplitMix64: small, and good enough to look random.
struct Random(u64);

impl Random {
    fn new(id: &str, index: usize) -> Self {
        // FNV-1a over the id tells rules apart.
        let hash = id.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x100_0000_01b3));
        Self(hash.wrapping_add(index as u64))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    fn bytes(&mut self, number: usize) -> Vec<u8> {
        (0..number).map(|_| self.next() as u8).collect()
    }
}
