//! Examples that hold no token: templates whose `{{…}}` are filled in when a rule is tested.
//!
//! | placeholder | is replaced by |
//! |---|---|
//! | `{{CLASS:N}}` | N random characters of a class: lower upper letter digit alnum lowernum uppernum hex HEX base32 base58 base64 base64url |
//! | `{{base64-bytes:N}}`, `{{base64url-bytes:N}}` | N random bytes, encoded with and without padding |
//! | `{{base64-text:TEXT}}`, `{{base64url-text:TEXT}}` | TEXT, encoded with and without padding |
//! | `{{uuid}}` | a random UUID |
//! | `{{checksum}}` | what the rule's check computes over the token before it |
//! | `{{token}}` | a whole token that passes the rule's check |
//!
//! Random is pseudo-random here: the same for the same rule and example, so that a test does not depend on chance.

use crate::checks;
use crate::model::{Rule, TokenRule};
use crate::random::Random;
use data_encoding::{BASE64, BASE64URL_NOPAD};

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
    /// `{{token}}` in a rule whose check makes none.
    #[error("{{{{token}}}} needs a check that makes one")]
    NoToken,
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
            "token" => rule.token().and_then(|token| whole(token, &mut random)).ok_or(TemplateError::NoToken)?,
            "uuid" => random.uuid(),
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
        (_, Some(characters)) => Ok(random.text(&characters, number)),
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

/// The checksum over the token that `text` ends with: from its last anchor on, and as far back as the rule's matches may
/// begin, over characters that tokens consist of.
fn checksum(token: &TokenRule, text: &str) -> Option<String> {
    let check = checks::by_name(token.check.as_deref()?)?;
    let anchor = token.anchors.iter().filter_map(|anchor| text.rfind(&anchor.text)).max()?;
    let is_part = |c: &char| c.is_ascii_alphanumeric() || "_-.+/".contains(*c);
    let before: usize = text[..anchor].chars().rev().take(token.before).take_while(is_part).map(char::len_utf8).sum();
    check.example.checksum(&text[anchor - before..])
}

/// A token that passes the rule's check.
fn whole(token: &TokenRule, random: &mut Random) -> Option<String> {
    checks::by_name(token.check.as_deref()?)?.example.token(random)
}
