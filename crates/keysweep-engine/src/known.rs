//! Keys that are published on purpose: test vectors, documentation examples, default keys of products.

use std::collections::HashMap;
use std::sync::OnceLock;

const TEXT: &str = include_str!("../../../rules/known-public.toml");

/// Where the secret with this fingerprint is published, if it is known to be.
pub(crate) fn published(fingerprint: &str) -> Option<&'static str> {
    static LIST: OnceLock<HashMap<&str, &str>> = OnceLock::new();
    LIST.get_or_init(|| read(TEXT)).get(fingerprint).copied()
}

/// The fingerprints and sources of a list in which each stands on a line of its own: a tenth of what a parser of TOML takes.
fn read(text: &str) -> HashMap<&str, &str> {
    let mut list = HashMap::with_capacity(text.len() / 128);
    let mut fingerprint = None;
    for line in text.lines() {
        let value = |key: &str| line.strip_prefix(key)?.strip_prefix(" = \"")?.strip_suffix('"');
        if let Some(value) = value("fingerprint") {
            fingerprint = Some(value);
        } else if let (Some(source), Some(fingerprint)) = (value("source"), fingerprint) {
            list.insert(fingerprint, source);
        }
    }
    list
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct File {
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

    #[test]
    fn the_list_is_toml_and_holds_well_formed_fingerprints_once() {
        let file: File = toml::from_str(TEXT).unwrap();
        let list = read(TEXT);
        assert_eq!(list.len(), file.key.len());
        for Entry { fingerprint, source } in &file.key {
            let (kind, hex) = fingerprint.split_once(':').expect("kind:hex");
            assert!(["spki-sha256", "key-sha256", "secret-sha256"].contains(&kind), "{fingerprint}");
            assert!(hex.len() == 64 && hex.bytes().all(|b| b.is_ascii_hexdigit() && !b.is_ascii_uppercase()));
            assert_eq!(list.get(fingerprint.as_str()), Some(&source.as_str()));
        }
        assert!(published("spki-sha256:00").is_none());
    }
}
