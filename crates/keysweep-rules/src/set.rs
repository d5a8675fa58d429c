//! Sets of rules: the built-in ones, those of the user, and selections of them.

use crate::parse::{MAX_FILE, RuleError, nearest, parse};
use crate::{Detector, Error, Rule, validate};
use globset::{GlobBuilder, GlobMatcher};
use std::collections::HashMap;
use std::io::Read;
use std::path::{Path, PathBuf};

/// How deep folders of rules are walked.
const MAX_DEPTH: usize = 8;
/// Most rule files of a folder.
const MAX_FILES: usize = 10_000;

/// Rules with unique ids, sorted by id.
#[derive(Debug, Clone, Default)]
pub struct RuleSet {
    rules: Vec<Rule>,
}

impl RuleSet {
    /// The rules that are compiled into the program.
    pub fn builtin() -> Self {
        type Examples = Vec<(Vec<String>, Vec<String>)>;
        let packed = include_bytes!(concat!(env!("OUT_DIR"), "/examples.postcard"));
        let examples: Examples = postcard::from_bytes(packed).expect("packed by the build script from the same types");
        let mut set = Self::builtin_for_scans();
        for (rule, (examples, counterexamples)) in set.rules.iter_mut().zip(examples) {
            (rule.examples, rule.counterexamples) = (examples, counterexamples);
        }
        set
    }

    /// As [`RuleSet::builtin`], without the rules' examples, which takes half the time.
    pub fn builtin_for_scans() -> Self {
        let packed = include_bytes!(concat!(env!("OUT_DIR"), "/rules.postcard"));
        Self { rules: postcard::from_bytes(packed).expect("packed by the build script from the same types") }
    }

    /// The rules of a file, or of all `*.toml` files below a folder.
    ///
    /// # Errors
    ///
    /// Something cannot be read, or is wrong: every rule is checked, and all that is wrong is told.
    pub fn load(path: &Path) -> Result<Self, Error> {
        let io = |path: &Path| {
            let path = path.display().to_string();
            move |source| Error::Io { path, source }
        };
        let files = if path.is_dir() { files(path, MAX_DEPTH).map_err(io(path))? } else { vec![path.to_owned()] };
        if files.is_empty() {
            return Err(Error::NoRules { path: path.display().to_string() });
        }
        let mut rules = Vec::new();
        let mut errors = Vec::new();
        for file in files {
            let name = file.display().to_string();
            match parse(&name, &read(&file, MAX_FILE).map_err(io(&file))?) {
                Ok(parsed) => rules.extend(parsed),
                Err(found) => errors.extend(found),
            }
        }
        Self::new(rules)
            .map_err(|found| errors.extend(found))
            .ok()
            .filter(|_| errors.is_empty())
            .ok_or(Error::Rules(errors))
    }

    /// The rules in a text, as if it were a file of this name.
    ///
    /// # Errors
    ///
    /// As [`RuleSet::load`].
    pub fn from_toml(name: &str, text: &str) -> Result<Self, Error> {
        parse(name, text).and_then(Self::new).map_err(Error::Rules)
    }

    /// Checks rules and brings them in order.
    fn new(mut rules: Vec<Rule>) -> Result<Self, Vec<RuleError>> {
        rules.sort_by(|a, b| a.id.cmp(&b.id));
        let mut errors: Vec<RuleError> = rules.iter().flat_map(validate::validate).collect();
        errors.extend(rules.windows(2).filter(|pair| pair[0].id == pair[1].id).map(|pair| RuleError {
            file: pair[1].source.clone(),
            rule: Some(pair[1].id.clone()),
            message: format!("the id is taken by a rule in {}", pair[0].source),
        }));
        if errors.is_empty() { Ok(Self { rules }) } else { Err(errors) }
    }

    /// Adds `other`; its rules replace those of the same id.
    pub fn merge(&mut self, other: RuleSet) {
        let mut by_id: HashMap<String, Rule> = self.rules.drain(..).map(|rule| (rule.id.clone(), rule)).collect();
        by_id.extend(other.rules.into_iter().map(|rule| (rule.id.clone(), rule)));
        self.rules = by_id.into_values().collect();
        self.rules.sort_by(|a, b| a.id.cmp(&b.id));
    }

    /// Keeps the rules whose ids match one of the globs.
    ///
    /// # Errors
    ///
    /// A glob is wrong or matches no rule.
    pub fn only(&mut self, globs: &[String]) -> Result<(), Error> {
        let matchers = self.matchers(globs)?;
        self.rules.retain(|rule| matchers.iter().any(|m| m.is_match(&rule.id)));
        Ok(())
    }

    /// Drops the rules whose ids match one of the globs.
    ///
    /// # Errors
    ///
    /// A glob is wrong or matches no rule.
    pub fn skip(&mut self, globs: &[String]) -> Result<(), Error> {
        let matchers = self.matchers(globs)?;
        self.rules.retain(|rule| !matchers.iter().any(|m| m.is_match(&rule.id)));
        Ok(())
    }

    fn matchers(&self, globs: &[String]) -> Result<Vec<GlobMatcher>, Error> {
        globs.iter().map(|glob| self.matcher(glob)).collect()
    }

    fn matcher(&self, glob: &str) -> Result<GlobMatcher, Error> {
        let built = GlobBuilder::new(glob).build();
        let matcher =
            built.map_err(|e| Error::Glob { glob: glob.to_owned(), message: e.kind().to_string() })?.compile_matcher();
        if self.rules.iter().any(|rule| matcher.is_match(&rule.id)) {
            return Ok(matcher);
        }
        Err(Error::NoMatch { glob: glob.to_owned(), suggestion: self.nearest(glob) })
    }

    /// Leaves only the rules whose findings are keys: those with a decoder.
    pub fn only_keys(&mut self) {
        self.rules.retain(|rule| matches!(rule.detector, Detector::Decoder(_)));
    }

    /// The id most like `id`, if one is near enough to be meant.
    pub fn nearest(&self, id: &str) -> Option<String> {
        nearest(id, self.rules.iter().map(|r| r.id.as_str())).map(str::to_owned)
    }

    /// All rules, sorted by id.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// The rule with this id.
    pub fn get(&self, id: &str) -> Option<&Rule> {
        self.rules.binary_search_by(|rule| rule.id.as_str().cmp(id)).ok().map(|index| &self.rules[index])
    }
}

/// The text of a file, or its beginning, long enough for a parser that takes `most` bytes to see that it is too long.
pub(crate) fn read(path: &Path, most: usize) -> std::io::Result<String> {
    let mut text = String::new();
    std::fs::File::open(path)?.take(most as u64 + 1).read_to_string(&mut text)?;
    Ok(text)
}

/// The TOML files below a folder, sorted. Links are followed, but no deeper than `depth`.
fn files(folder: &Path, depth: usize) -> std::io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut entries: Vec<PathBuf> =
        std::fs::read_dir(folder)?.map(|entry| entry.map(|e| e.path())).collect::<Result<_, _>>()?;
    entries.sort();
    for path in entries {
        if path.is_dir() {
            if depth > 0 {
                found.extend(files(&path, depth - 1)?);
            }
        } else if path.extension().is_some_and(|e| e == "toml") {
            found.push(path);
        }
        if found.len() > MAX_FILES {
            return Err(std::io::Error::other(format!("more than {MAX_FILES} rule files")));
        }
    }
    Ok(found)
}
