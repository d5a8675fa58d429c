//! Tokens that end with a CRC-32 of themselves.

use super::decode::{BASE62, in_base};
use super::{Candidate, Verdict};
use crate::model::Level;
use data_encoding::{BASE64_NOPAD, HEXLOWER, HEXUPPER};

/// Compares the last `digits` characters with what `checksum` says of the rest.
fn compare(secret: &[u8], digits: usize, checksum: fn(&[u8]) -> String) -> Option<bool> {
    let (body, found) = secret.split_at_checked(secret.len().checked_sub(digits)?)?;
    Some(checksum(body).as_bytes() == found)
}

fn proven() -> Option<Verdict> {
    Verdict::new(Level::Proven, "the token's CRC-32 is right")
}

/// What follows the last underscore.
fn after_underscore(body: &[u8]) -> &[u8] {
    body.rsplit(|b| *b == b'_').next().unwrap_or(body)
}

// ---- GitHub, npm ---------------------------------------------------------------------------------------------------

/// `prefix_`, random characters, CRC-32 of those in base 62 (GitHub's format of April 2021; npm's of September 2021 is the
/// same).
pub(super) fn github(candidate: &Candidate<'_>) -> Option<Verdict> {
    compare(candidate.secret, 6, github_digits)?.then(proven)?
}

pub(super) fn github_checksum(body: &str) -> Option<String> {
    Some(github_digits(body.as_bytes()))
}

fn github_digits(body: &[u8]) -> String {
    in_base(crc32fast::hash(after_underscore(body)), BASE62, 6)
}

// ---- Grafana -------------------------------------------------------------------------------------------------------

/// `glsa_`, random characters, `_`, CRC-32 of all before, least significant byte first, in hex (Grafana's `satokengen`).
pub(super) fn grafana(candidate: &Candidate<'_>) -> Option<Verdict> {
    compare(candidate.secret, 8, grafana_digits)?.then(proven)?
}

pub(super) fn grafana_checksum(body: &str) -> Option<String> {
    Some(grafana_digits(body.as_bytes()))
}

fn grafana_digits(body: &[u8]) -> String {
    let body = body.strip_suffix(b"_").unwrap_or(body);
    HEXLOWER.encode(&crc32fast::hash(body).to_le_bytes())
}

// ---- Cloudflare ----------------------------------------------------------------------------------------------------

/// `cfut_`, 40 characters, CRC-32 of those in hex.
pub(super) fn cloudflare(candidate: &Candidate<'_>) -> Option<Verdict> {
    compare(candidate.secret, 8, cloudflare_digits)?.then(proven)?
}

pub(super) fn cloudflare_checksum(body: &str) -> Option<String> {
    Some(cloudflare_digits(body.as_bytes()))
}

fn cloudflare_digits(body: &[u8]) -> String {
    HEXLOWER.encode(&crc32fast::hash(after_underscore(body)).to_be_bytes())
}

// ---- Confluent -----------------------------------------------------------------------------------------------------

/// `cflt`, 54 characters, CRC-32 of those, least significant byte first, in base64 without padding.
pub(super) fn confluent(candidate: &Candidate<'_>) -> Option<Verdict> {
    compare(candidate.secret, 6, confluent_digits)?.then(proven)?
}

pub(super) fn confluent_checksum(body: &str) -> Option<String> {
    Some(confluent_digits(body.as_bytes()))
}

fn confluent_digits(body: &[u8]) -> String {
    let body = body.strip_prefix(b"cflt").unwrap_or(body);
    BASE64_NOPAD.encode(&crc32fast::hash(body).to_le_bytes())
}

// ---- Atlassian -----------------------------------------------------------------------------------------------------

/// CRC-32 of all before it in upper-case hex. The issuer does not document it, so a wrong one only proves nothing.
pub(super) fn atlassian(candidate: &Candidate<'_>) -> Option<Verdict> {
    if compare(candidate.secret, 8, atlassian_digits)? {
        return proven();
    }
    Verdict::new(Level::Pattern, "has the form of such a token, but not the CRC-32 that most of them have")
}

pub(super) fn atlassian_checksum(body: &str) -> Option<String> {
    Some(atlassian_digits(body.as_bytes()))
}

fn atlassian_digits(body: &[u8]) -> String {
    HEXUPPER.encode(&crc32fast::hash(body).to_be_bytes())
}

#[cfg(test)]
mod tests {
    use super::super::tests::{fails, level, passes};
    use super::*;

    #[test]
    fn published_tokens_pass_and_changed_ones_fail() {
        // The examples of base62-token (GitHub), Grafana's own test, trufflehog's test (Cloudflare), Confluent's
        // documentation; split so that no scanner takes them for live ones.
        let tokens = [
            ("github-crc32", ["ghp_zQWBuTSOoRi4A9spHc", "VY5ncnsDkxkJ0mLq17"].concat()),
            ("grafana-crc32", ["glsa_iNValIdinValiDinvalid", "invalidinva_5b582697"].concat()),
            ("confluent-crc32", ["cfltT8d8RzkNseTMEDKcjNM1BZTFPHqRn", "/dQm9q7w6SjzZ12wZfwjaJdipHZtDjw"].concat()),
        ];
        for (check, token) in tokens {
            assert_eq!(level(check, &token), Some(Level::Proven), "{check}");
            for index in token.find('_').map_or(4, |i| i + 1)..token.len() {
                let mut changed = token.clone().into_bytes();
                changed[index] = if changed[index] == b'Q' { b'R' } else { b'Q' };
                assert!(fails(check, &String::from_utf8(changed).unwrap()), "{check} at {index}");
            }
        }
    }

    #[test]
    fn generated_checksums_pass() {
        let body = "Zk3vQ9xT1mB7uY5rW2nC8pLdZk3vQ9xT1mB7uY5r";
        for (check, start) in [
            ("github-crc32", "npm_"),
            ("grafana-crc32", "glsa_"),
            ("cloudflare-crc32", "cfut_"),
            ("confluent-crc32", "cflt"),
            ("atlassian-crc32", "ATBB"),
        ] {
            assert!(passes(check, &format!("{start}{body}")), "{check}");
        }
        // CRC-32 of "123456789", the value every catalogue of checksums gives.
        assert_eq!(atlassian_digits(b"123456789"), "CBF43926");
        assert_eq!(cloudflare_digits(b"cfut_123456789"), "cbf43926");
        assert_eq!(grafana_digits(b"123456789"), "2639f4cb");
    }

    #[test]
    fn an_undocumented_checksum_is_no_reason_to_drop_a_token() {
        assert_eq!(level("atlassian-crc32", "ATBBabcdefghijklmnopqrstuvwx00000000"), Some(Level::Pattern));
    }
}
