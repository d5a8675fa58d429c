//! Values that are assigned to the key of a service that the name names, such as `PDFSHIFT_KEY` or `besttime token`. The
//! service says what the key is for, so that less is asked of the value than of any `key`: it may be a UUID, or short.

use super::assigned::Place;
use super::names::is_harmless;
use super::values::{is_known_form, is_random_shape, is_uuid};
use super::words::parts;
use super::{Candidate, Verdict};
use crate::entropy::shannon;
use crate::model::Level;

/// Lengths of keys.
const LENGTHS: std::ops::RangeInclusive<usize> = 16..=256;
/// Least entropy in bits a byte.
const ENTROPY: f64 = 3.0;
/// Parts of names that say what else the value is.
const OTHER: [&str; 28] = [
    "id", "ids", "uuid", "guid", "url", "uri", "host", "hostname", "domain", "endpoint", "name", "path", "file", "dir",
    "type", "version", "length", "size", "region", "count", "format", "prefix", "title", "color", "class", "style",
    "image", "icon",
];

/// A key of the service that group `name` names.
pub(super) fn run(candidate: &Candidate<'_>) -> Option<Verdict> {
    let place = Place::of(candidate)?;
    let names = parts(place.name);
    let other = names.last().is_some_and(|last| OTHER.contains(&last.as_str()));
    (!other && !is_harmless(&names) && place.holds(candidate.secret) && is_key(candidate.secret)).then_some(())?;
    Verdict::new(
        Level::Pattern,
        format!("is assigned to the key of a service, and is random: {:.1} bits a byte", shannon(candidate.secret)),
    )
}

fn is_key(value: &[u8]) -> bool {
    if value.len() == 36 && is_uuid(value) {
        return shannon(value) >= ENTROPY;
    }
    let body = value.strip_suffix(b"==").or(value.strip_suffix(b"=")).unwrap_or(value);
    LENGTHS.contains(&value.len()) && !is_known_form(value) && is_random_shape(body) && shannon(value) >= ENTROPY
}

#[cfg(test)]
mod tests {
    use super::*;

    const UUID: &str = "86ec9765-8d16-7615-20ef-82ea02e5f6c0";
    const HEX: &str = "9f71c52d839b5cd527645e42b5134f8b";
    const SHORT: &str = "c9q3v7aad3iblo7k";

    fn judge(name: &str, between: &str, secret: &str) -> bool {
        let whole = format!("{name}{between}{secret}\n");
        let start = name.len() + between.len();
        let groups = [("name", name.as_bytes())];
        let secret = &whole.as_bytes()[start..start + secret.len()];
        run(&Candidate { secret, whole: whole.as_bytes(), groups: &groups }).is_some()
    }

    #[test]
    fn keys_of_services_may_be_uuids() {
        assert!(judge("SNYK_TOKEN", "=", UUID));
        assert!(judge("pdfshift key", " ", HEX));
        assert!(judge("finnhub_api_key", ": ", SHORT));
    }

    #[test]
    fn other_things_of_services_are_none() {
        for (name, value) in [
            ("SNYK_TOKEN_ID", UUID),
            ("snyk_token_url", SHORT),
            ("snyk_public_key", SHORT),
            ("SNYK_TOKEN", "00000000-0000-0000-0000-000000000000"),
            ("SNYK_TOKEN", "getAccessTokenFromStore"),
            ("SNYK_TOKEN", "snyk.config.token2"),
            ("SNYK_TOKEN", "9f71c52d"),
        ] {
            assert!(!judge(name, "=", value), "{name}={value}");
        }
    }
}
