//! Keys that are published on purpose: test vectors, documentation examples, default keys of products.

use serde::Deserialize;
use std::collections::HashMap;
use std::sync::OnceLock;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    key: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    /// A fingerprint as findings carry it.
    fingerprint: String,
    /// Where the key is published.
    source: String,
}

/// Where the secret with this fingerprint is published, if it is known to be.
pub(crate) fn published(fingerprint: &str) -> Option<&'static str> {
    static LIST: OnceLock<HashMap<String, String>> = OnceLock::new();
    let list = LIST.get_or_init(|| parse(include_str!("../../../rules/known-public.toml")).unwrap_or_default());
    list.get(fingerprint).map(String::as_str)
}

fn parse(text: &str) -> Result<HashMap<String, String>, toml::de::Error> {
    let file: File = toml::from_str(text)?;
    Ok(file.key.into_iter().map(|entry| (entry.fingerprint, entry.source)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_parses_and_holds_well_formed_fingerprints() {
        let list = parse(include_str!("../../../rules/known-public.toml")).unwrap();
        for fingerprint in list.keys() {
            let (kind, hex) = fingerprint.split_once(':').expect("kind:hex");
            assert!(["spki-sha256", "key-sha256", "secret-sha256"].contains(&kind), "{fingerprint}");
            assert!(hex.len() == 64 && hex.bytes().all(|b| b.is_ascii_hexdigit() && !b.is_ascii_uppercase()));
        }
        assert!(published("spki-sha256:00").is_none());
    }
}
