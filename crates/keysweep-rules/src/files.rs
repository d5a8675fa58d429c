//! Rules for files: which of them a file in a package breaks, by its path and what it begins with.

use crate::model::{FileRule, Rule};
use globset::{Glob, GlobBuilder, GlobSet, GlobSetBuilder};
use memchr::memmem;
use std::sync::OnceLock;

/// Bytes from the start of a file that rules for files look at: in maps of large bundles, the sources are far behind.
pub const FILE_HEAD: usize = 32 << 20;

/// Rules for files, ready to be asked.
#[derive(Debug, Default)]
pub struct FileRules {
    rules: Vec<Compiled>,
    /// The rules' `paths` and `except`, compiled when they are first asked: only packages ask.
    globs: OnceLock<(Globs, Globs)>,
}

#[derive(Debug)]
struct Compiled {
    /// As the caller numbers it.
    number: usize,
    rule: FileRule,
}

impl FileRules {
    /// The rules for files among `rules`, each with its number. Globs that are wrong match nothing: `validate` tells them.
    pub fn new<'r>(rules: impl IntoIterator<Item = (usize, &'r Rule)>) -> Self {
        let rules: Vec<Compiled> = rules
            .into_iter()
            .filter_map(|(number, rule)| Some(Compiled { number, rule: rule.file()?.clone() }))
            .collect();
        Self { rules, globs: OnceLock::new() }
    }

    fn globs(&self) -> &(Globs, Globs) {
        let new = || (Globs::new(&self.rules, |rule| &rule.paths), Globs::new(&self.rules, |rule| &rule.except));
        self.globs.get_or_init(new)
    }

    /// The numbers of the rules that the file at `path` breaks. `head` gives the first [`FILE_HEAD`] bytes of the file, and is
    /// asked only where a rule wants to see them.
    pub fn matches(&self, path: &str, head: &mut dyn FnMut() -> Vec<u8>) -> Vec<usize> {
        let path = path.to_ascii_lowercase();
        let (paths, except) = self.globs();
        let mut candidates = paths.matches(&path);
        if candidates.is_empty() {
            return candidates;
        }
        let excluded = except.matches(&path);
        candidates.retain(|index| !excluded.contains(index));
        let mut bytes: Option<Vec<u8>> = None;
        candidates.retain(|index| {
            let rule = &self.rules[*index].rule;
            !rule.looks_inside() || rule.holds(bytes.get_or_insert_with(&mut *head))
        });
        candidates.into_iter().map(|index| self.rules[index].number).collect()
    }
}

impl FileRule {
    /// Whether what is in the file matters.
    pub fn looks_inside(&self) -> bool {
        !self.begins.is_empty() || !self.contains.is_empty() || !self.lacks.is_empty()
    }

    fn holds(&self, head: &[u8]) -> bool {
        let head = &head[..head.len().min(FILE_HEAD)];
        let has = |text: &String| memmem::find(head, text.as_bytes()).is_some();
        (self.begins.is_empty() || self.begins.iter().any(|text| head.starts_with(text.as_bytes())))
            && (self.contains.is_empty() || self.contains.iter().any(has))
            && !self.lacks.iter().any(has)
    }
}

/// Globs, and the rule each belongs to.
#[derive(Debug, Default)]
struct Globs {
    set: GlobSet,
    owners: Vec<usize>,
}

impl Globs {
    fn new(rules: &[Compiled], of: fn(&FileRule) -> &Vec<String>) -> Self {
        let mut builder = GlobSetBuilder::new();
        let mut owners = Vec::new();
        for (index, compiled) in rules.iter().enumerate() {
            for glob in of(&compiled.rule).iter().filter_map(|text| glob(text).ok()) {
                builder.add(glob);
                owners.push(index);
            }
        }
        Self { set: builder.build().unwrap_or_default(), owners }
    }

    /// Rules that match, each once, in ascending order.
    fn matches(&self, path: &str) -> Vec<usize> {
        let mut rules: Vec<usize> = self.set.matches(path).into_iter().map(|index| self.owners[index]).collect();
        rules.sort_unstable();
        rules.dedup();
        rules
    }
}

fn glob(text: &str) -> Result<Glob, globset::Error> {
    GlobBuilder::new(&text.to_ascii_lowercase()).literal_separator(true).build()
}

/// What is wrong with the globs of a rule.
pub(crate) fn wrong_globs(rule: &FileRule) -> Vec<String> {
    let mut messages = Vec::new();
    if rule.paths.is_empty() {
        messages.push("has no `paths`".to_owned());
    }
    for text in rule.paths.iter().chain(&rule.except) {
        if let Err(error) = glob(text) {
            messages.push(format!("'{text}' is no glob: {}", error.kind()));
        }
        if text.starts_with('/') || text.contains('\\') {
            messages.push(format!("'{text}' must be relative, with `/` between folders"));
        }
    }
    messages
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RuleSet;

    const RULES: &str = "[[rule]]\nid='a'\nname='n'\ndescription='d d.'\nseverity='low'\npurpose='generic'\n\
        remediation='r r.'\npaths=['**/.npmrc']\nexcept=['**/doc/**']\ncontains=['_auth']\nlacks=['${']\n\
        examples=[\"package/.npmrc\\n_authToken=x\", \".NPMRC\\n_auth=x\"]\n\
        counterexamples=[\".npmrc\\nfund=false\", \"doc/.npmrc\\n_auth=x\", \".npmrc\\n_authToken=${NPM}\"]";

    #[test]
    fn path_and_content_decide() {
        let rules = RuleSet::from_toml("t.toml", RULES).unwrap();
        assert_eq!(crate::selftest::test(&rules.rules()[0]), []);
        let wrong = RULES.replace("_authToken=x", "token=x");
        let failures = crate::selftest::test(&RuleSet::from_toml("t.toml", &wrong).unwrap().rules()[0]);
        assert_eq!((failures.len(), failures[0].which.as_str()), (1, "example 1"));
    }

    #[test]
    fn content_is_read_only_where_it_matters() {
        let rules = RuleSet::from_toml("t.toml", RULES).unwrap();
        let compiled = FileRules::new(rules.rules().iter().enumerate());
        assert!(compiled.matches("src/main.rs", &mut || unreachable!("no rule is about it")).is_empty());
        let mut read = 0;
        let mut head = || {
            read += 1;
            b"_auth=1".to_vec()
        };
        assert_eq!(compiled.matches("x/.npmrc", &mut head), [0]);
        assert_eq!(read, 1);
    }

    #[test]
    fn wrong_rules_are_told() {
        let told =
            |from: &str, to: &str| RuleSet::from_toml("t.toml", &RULES.replace(from, to)).unwrap_err().to_string();
        assert!(told("**/.npmrc'", "/a['").contains("must be relative"));
        assert!(told("paths=['**/.npmrc']", "paths=[]").contains("no `paths`"));
        assert!(told("paths=['**/.npmrc']", "pattern='x'").contains("only beside `paths`"));
        assert!(told("lacks=", "anchors=").contains("no meaning beside `paths`"));
    }
}
