//! Files that token rules know by their names: formats in which nothing but the place says what a secret is.

use crate::model::Rule;
use aho_corasick::AhoCorasick;
use std::collections::HashMap;
use std::sync::OnceLock;

/// What may follow a name in that of a copy: `.curlrc.bak`, `chap-secrets~`, `passwd.client-old`.
const SEPARATORS: &[u8] = b".-~_";

/// Which rules are for which files.
#[derive(Debug, Default)]
pub struct NamedFiles {
    /// The numbers of the rules, by names in lower case.
    rules: HashMap<String, Vec<usize>>,
    /// All names, in either case: made when a list is looked at, as only histories have them.
    search: OnceLock<Option<AhoCorasick>>,
}

impl NamedFiles {
    /// The rules among `rules` that have names, each with the number that the caller gives it.
    pub fn new<'r>(rules: impl IntoIterator<Item = (usize, &'r Rule)>) -> Self {
        let mut by_name: HashMap<String, Vec<usize>> = HashMap::new();
        for (number, rule) in rules {
            for name in rule.token().into_iter().flat_map(|token| &token.names) {
                by_name.entry(name.clone()).or_default().push(number);
            }
        }
        Self { rules: by_name, search: OnceLock::new() }
    }

    /// The numbers of the rules that are for a file of this name, or for a copy of it.
    pub fn about(&self, file_name: &str) -> Vec<usize> {
        if self.rules.is_empty() {
            return Vec::new();
        }
        let lower = file_name.to_ascii_lowercase();
        let ends = lower.bytes().enumerate().filter(|(_, b)| SEPARATORS.contains(b)).map(|(at, _)| at);
        let mut found: Vec<usize> =
            ends.chain([lower.len()]).filter_map(|end| self.rules.get(&lower[..end])).flatten().copied().collect();
        found.sort_unstable();
        found.dedup();
        found
    }

    /// Whether one of the names stands somewhere in a list of names of files, such as a tree of git.
    pub fn mentioned(&self, list: &[u8]) -> bool {
        let search = || AhoCorasick::builder().ascii_case_insensitive(true).build(self.rules.keys()).ok();
        let search = self.search.get_or_init(|| search().filter(|_| !self.rules.is_empty()));
        search.as_ref().is_some_and(|search| search.is_match(list))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RuleSet;

    const RULE: &str = "[[rule]]\nid='a'\nname='a'\ndescription='a b.'\nseverity='low'\npurpose='generic'\nremediation='a b.'\n\
        references=[]\nnames=['.curlrc', 'chap-secrets']\npattern='a(?P<secret>[0-9]{4})'\nexamples=['a1234']\ncounterexamples=['b']";

    #[test]
    fn copies_have_names_that_go_on() {
        let rules = RuleSet::from_toml("a.toml", RULE).unwrap();
        let named = NamedFiles::new(rules.rules().iter().map(|rule| (7, rule)));
        for name in [".curlrc", ".CURLRC", ".curlrc.bak", "chap-secrets~", "chap-secrets-2024"] {
            assert_eq!(named.about(name), [7], "{name}");
        }
        for name in ["curlrc", ".curlrcs", "chap", "", "é", "x.curlrc"] {
            assert!(named.about(name).is_empty(), "{name}");
        }
        assert!(named.mentioned(b"100644 x\0aaaa100644 Chap-Secrets\0bbbb") && !named.mentioned(b"100644 chap"));
        assert!(NamedFiles::default().about(".curlrc").is_empty() && !NamedFiles::default().mentioned(b".curlrc"));
    }

    #[test]
    fn what_names_cannot_be_beside_is_told() {
        for (with, said) in
            [("before=3", "`before`"), ("anchors=['abc']", "`anchors`"), ("reader='sql-rows'", "`reader`")]
        {
            let text = RULE.replace("\nexamples=", &format!("\n{with}\nexamples="));
            let told = RuleSet::from_toml("a.toml", &text).unwrap_err().to_string();
            assert!(told.contains(said), "{told}");
        }
        let told = RuleSet::from_toml("a.toml", &RULE.replace(".curlrc", "etc/x")).unwrap_err().to_string();
        assert!(told.contains("etc/x"), "{told}");
    }
}
