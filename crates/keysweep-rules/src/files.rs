//! Rules for files: which of them a file in a package breaks, by its path and what it begins with.

use crate::model::{FileRule, Rule};
use crate::pattern::Pattern;
use crate::validate::wrong_patterns;
use globset::{Glob, GlobBuilder, GlobSet, GlobSetBuilder};
use memchr::memmem;
use std::sync::OnceLock;

/// Bytes from the start of a file that rules for files look at: in maps of large bundles, the sources are far behind.
pub const FILE_HEAD: usize = 32 << 20;

/// Rules for files, ready to be asked.
#[derive(Debug, Default)]
pub struct FileRules {
    rules: Vec<Compiled>,
    /// Their ways to name paths, compiled when they are first asked: most scans are not of packages.
    published: OnceLock<Names>,
    /// The same of those that hold always.
    always: OnceLock<Names>,
}

#[derive(Debug)]
struct Compiled {
    /// As the caller numbers it.
    number: usize,
    rule: FileRule,
}

#[derive(Debug)]
struct Names {
    paths: Globs,
    except: Globs,
    /// Rules with regular expressions.
    patterns: Vec<(usize, Pattern)>,
}

impl FileRules {
    /// The rules for files among `rules`, each with its number. What is wrong in them matches nothing: `validate` tells it.
    pub fn new<'r>(rules: impl IntoIterator<Item = (usize, &'r Rule)>) -> Self {
        let rules: Vec<Compiled> = rules
            .into_iter()
            .filter_map(|(number, rule)| Some(Compiled { number, rule: rule.file()?.clone() }))
            .collect();
        Self { rules, ..Self::default() }
    }

    /// Whether there are rules that hold in scans of what is not published, too.
    pub fn any_always(&self) -> bool {
        self.rules.iter().any(|compiled| compiled.rule.always)
    }

    /// The ways to name paths of the rules that hold in what is `published`, or always.
    fn names(&self, published: bool) -> &Names {
        let names = if published { &self.published } else { &self.always };
        names.get_or_init(|| {
            let holding = || {
                let rules = self.rules.iter().enumerate().map(|(index, compiled)| (index, &compiled.rule));
                rules.filter(move |(_, rule)| published || rule.always)
            };
            let pattern = |(index, rule): (usize, &FileRule)| Some((index, Pattern::any_of(&rule.path_patterns).ok()?));
            Names {
                paths: Globs::new(holding(), |rule| &rule.paths),
                except: Globs::new(holding(), |rule| &rule.except),
                patterns: holding().filter(|(_, rule)| !rule.path_patterns.is_empty()).filter_map(pattern).collect(),
            }
        })
    }

    /// The rules that are about a file at `path`, whatever is in it.
    fn about(&self, path: &str, published: bool) -> Vec<usize> {
        let Names { paths, except, patterns } = self.names(published);
        let lower = path.to_ascii_lowercase();
        let mut rules = paths.matches(&lower);
        rules.extend(patterns.iter().filter(|(_, p)| p.is_match(path.as_bytes())).map(|(index, _)| *index));
        rules.sort_unstable();
        rules.dedup();
        if !rules.is_empty() {
            let excluded = except.matches(&lower);
            rules.retain(|index| !excluded.contains(index));
        }
        rules
    }

    /// Whether a rule is about a file at `path`, so that it matters what is in it; `published` as in [`Self::matches`].
    pub fn concern(&self, path: &str, published: bool) -> bool {
        !self.about(path, published).is_empty()
    }

    /// The numbers of the rules that the file at `path` breaks; of those that hold always, if it is not `published`. `head`
    /// gives the first [`FILE_HEAD`] bytes of the file, and is asked only where a rule wants to see them.
    pub fn matches(&self, path: &str, published: bool, head: &mut dyn FnMut() -> Vec<u8>) -> Vec<usize> {
        let mut candidates = self.about(path, published);
        let mut bytes: Option<Vec<u8>> = None;
        candidates.retain(|index| {
            let rule = &self.rules[*index].rule;
            !rule.looks_inside() || rule.holds(bytes.get_or_insert_with(&mut *head))
        });
        candidates.into_iter().map(|index| self.rules[index].number).collect()
    }
}

/// In which files token rules hold, for those that do not hold in all.
#[derive(Debug, Default)]
pub struct PathRules(Vec<PathRule>);

#[derive(Debug)]
struct PathRule {
    /// As the caller numbers it.
    number: usize,
    patterns: Vec<String>,
    /// Compiled when the rule first finds something.
    compiled: OnceLock<Pattern>,
}

impl PathRules {
    /// Those among `rules`, each with its number. A regular expression that is wrong matches nothing: `validate` tells it.
    pub fn new<'r>(rules: impl IntoIterator<Item = (usize, &'r Rule)>) -> Self {
        let with_patterns = |(number, rule): (usize, &'r Rule)| {
            let patterns = rule.token()?.path_patterns.clone();
            (!patterns.is_empty()).then(|| PathRule { number, patterns, compiled: OnceLock::new() })
        };
        Self(rules.into_iter().filter_map(with_patterns).collect())
    }

    /// Whether all rules hold in all files.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the rule of this number holds in a file with one of these paths.
    pub fn holds(&self, number: usize, paths: &[&str]) -> bool {
        let own = self.0.binary_search_by_key(&number, |rule| rule.number).ok().map(|at| &self.0[at]);
        own.is_none_or(|rule| {
            let pattern = rule.compiled.get_or_init(|| Pattern::any_of(&rule.patterns).unwrap_or_default());
            paths.iter().any(|path| pattern.is_match(path.as_bytes()))
        })
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
    fn new<'r>(rules: impl Iterator<Item = (usize, &'r FileRule)>, of: fn(&FileRule) -> &Vec<String>) -> Self {
        let mut builder = GlobSetBuilder::new();
        let mut owners = Vec::new();
        for (index, rule) in rules {
            for glob in of(rule).iter().filter_map(|text| glob(text).ok()) {
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
    if rule.paths.is_empty() && rule.path_patterns.is_empty() {
        messages.push("has no `paths`".to_owned());
    }
    messages.extend(wrong_patterns("path_patterns", &rule.path_patterns));
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
        assert!(compiled.matches("src/main.rs", true, &mut || unreachable!("no rule is about it")).is_empty());
        let mut read = 0;
        let mut head = || {
            read += 1;
            b"_auth=1".to_vec()
        };
        assert_eq!(compiled.matches("x/.npmrc", true, &mut head), [0]);
        assert_eq!(read, 1);
    }

    #[test]
    fn patterns_name_paths_as_they_are() {
        let text = RULES.replace("paths=['**/.npmrc']", "path_patterns=['(?:^|/)\\.npmrc$', '\\.P12$']\nalways=true");
        let text = text
            .replace("\".NPMRC\\n_auth=x\"", "\"a.P12\\n_auth=x\"")
            .replace("\".npmrc\\nfund=false\"", "\"a.p12\\n_auth=x\"");
        let rules = RuleSet::from_toml("t.toml", &text).unwrap();
        assert_eq!(crate::selftest::test(&rules.rules()[0]), [], "{text}");
        let compiled = FileRules::new(rules.rules().iter().enumerate());
        let matches = |path: &str, published: bool| compiled.matches(path, published, &mut || b"_auth".to_vec());
        assert!(compiled.any_always());
        assert_eq!((matches("a/.npmrc", false), matches("doc/.npmrc", true)), (vec![0], vec![]));
        let published = RuleSet::from_toml("t.toml", RULES).unwrap();
        let published = FileRules::new(published.rules().iter().enumerate());
        assert!(!published.any_always() && published.matches(".npmrc", false, &mut || b"_auth".to_vec()).is_empty());
        assert!(
            compiled.concern("a.P12", false)
                && !compiled.concern("doc/.npmrc", false)
                && !compiled.concern("a.pem", true)
        );
        assert!(published.concern(".npmrc", true) && !published.concern(".npmrc", false));
        let told = RuleSet::from_toml("t.toml", &text.replace("'\\.P12$'", "'('")).unwrap_err().to_string();
        assert!(told.contains("`path_patterns` 2: "), "{told}");
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
