//! `keysweep.toml`: its schema, and where it lies. `docs/config.md` explains it to people.

use crate::{Day, Error};
use globset::{GlobBuilder, GlobMatcher, GlobSet, GlobSetBuilder};
use keysweep_engine::{MARK_TOOLS, ProofLevel};
use keysweep_rules::parse::{syntax, unknown};
use keysweep_rules::{Pattern, RuleSet, Severity};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};

/// How a configuration file is called.
pub const FILE_NAME: &str = "keysweep.toml";
/// Longest configuration that is read, in bytes.
const MAX_FILE: u64 = 4 << 20;

/// Least number of digits that name a commit.
const MIN_COMMIT: usize = 7;

const KEYS: [&str; 10] =
    ["rules", "disable", "severity", "fail-on", "min-proof", "exclude", "baseline", "inline-allow", "honour", "allow"];
const ALLOW_KEYS: [&str; 7] = ["rule", "fingerprint", "paths", "path-patterns", "commits", "reason", "until"];

/// What a configuration says.
#[derive(Debug, Default)]
pub struct Config {
    /// The file; none if there is no configuration.
    pub path: Option<PathBuf>,
    /// Folders and files with more rules.
    pub rules: Vec<PathBuf>,
    /// Globs of rules that are not used.
    pub disable: Vec<String>,
    /// Severities of findings by rule.
    pub severity: BTreeMap<String, Severity>,
    /// From which severity on findings fail the gate.
    pub fail_on: Option<Severity>,
    /// How sure findings must be.
    pub min_proof: Option<ProofLevel>,
    /// Globs of paths that are not looked at.
    pub exclude: Vec<String>,
    /// The same, compiled.
    pub excluded: GlobSet,
    /// The baseline.
    pub baseline: Option<PathBuf>,
    /// Whether marks in texts hold; if it is not said, whatever calls decides.
    pub inline_allow: Option<bool>,
    /// Other tools whose marks in texts hold, too.
    pub honour: Vec<String>,
    /// What is allowed.
    pub allow: Vec<Exception>,
}

/// An exception: what it names may pass.
#[derive(Debug)]
pub struct Exception {
    /// Rules.
    pub rule: Option<(String, GlobMatcher)>,
    /// A secret.
    pub fingerprint: Option<String>,
    /// Paths.
    pub paths: Option<GlobSet>,
    /// The globs of the paths, for messages.
    pub globs: Vec<String>,
    /// Paths, by regular expressions, which were taken over from other tools.
    pub path_patterns: Option<(Vec<String>, Pattern)>,
    /// Commits that brought the secret: beginnings of their names, in lower-case hex.
    pub commits: Vec<String>,
    /// Why.
    pub reason: String,
    /// The last day on which it holds.
    pub until: Option<Day>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Raw {
    #[serde(default)]
    rules: Vec<PathBuf>,
    #[serde(default)]
    disable: Vec<String>,
    #[serde(default)]
    severity: BTreeMap<String, Severity>,
    fail_on: Option<Severity>,
    min_proof: Option<ProofLevel>,
    #[serde(default)]
    exclude: Vec<String>,
    baseline: Option<PathBuf>,
    inline_allow: Option<bool>,
    #[serde(default)]
    honour: Vec<String>,
    #[serde(default)]
    allow: Vec<RawException>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct RawException {
    rule: Option<String>,
    fingerprint: Option<String>,
    #[serde(default)]
    paths: Vec<String>,
    #[serde(default)]
    path_patterns: Vec<String>,
    #[serde(default)]
    commits: Vec<String>,
    #[serde(default)]
    reason: String,
    until: Option<Day>,
}

impl Config {
    /// The configuration that holds for `start`: in its folder or one above, up to the root of its repository. Folders that
    /// everybody can write to hold none: whoever put it there may not be who runs the scan.
    pub fn find(start: &Path) -> Option<PathBuf> {
        let start = std::path::absolute(start).ok()?;
        let first = if start.is_dir() { Some(start.as_path()) } else { start.parent() };
        for folder in first?.ancestors() {
            let path = folder.join(FILE_NAME);
            let is_root = folder.join(".git").exists();
            if path.is_file() && (is_root || !is_open_to_all(folder)) {
                return Some(path);
            }
            if is_root {
                break;
            }
        }
        None
    }

    /// Reads a configuration.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or says something that has no meaning.
    pub fn load(path: &Path) -> Result<Self, Error> {
        let io = |source| Error::Io { path: path.display().to_string(), source };
        let mut text = String::new();
        std::fs::File::open(path).map_err(io)?.take(MAX_FILE + 1).read_to_string(&mut text).map_err(io)?;
        let invalid = |reason: String| Error::Invalid { path: path.display().to_string(), reason: one_line(&reason) };
        if text.len() as u64 > MAX_FILE {
            return Err(invalid("too long".to_owned()));
        }
        let config = Self::parse(path, &text).map_err(invalid)?;
        // Reading a named pipe would wait for ever.
        let is_other = |path: &&PathBuf| path.exists() && !path.is_file() && !path.is_dir();
        match config.rules.iter().chain(&config.baseline).find(is_other) {
            Some(other) => Err(invalid(format!("{} is neither a file nor a folder", other.display()))),
            None => Ok(config),
        }
    }

    fn parse(path: &Path, text: &str) -> Result<Self, String> {
        let table: toml::Table = text.parse().map_err(|e| syntax(text, &e))?;
        check_keys(&table)?;
        let raw: Raw = toml::from_str(text).map_err(|e| syntax(text, &e))?;
        if let Some(tool) = raw.honour.iter().find(|tool| !MARK_TOOLS.contains(&tool.as_str())) {
            return Err(format!(
                "`honour`: {}; known are {}",
                unknown("tool", tool, MARK_TOOLS),
                MARK_TOOLS.join(", ")
            ));
        }
        let folder = path.parent().unwrap_or(Path::new(""));
        let allow = raw.allow.into_iter().enumerate();
        Ok(Self {
            path: Some(path.to_owned()),
            rules: raw.rules.iter().map(|rules| folder.join(rules)).collect(),
            disable: raw.disable,
            severity: raw.severity,
            fail_on: raw.fail_on,
            min_proof: raw.min_proof,
            excluded: globs(&raw.exclude)?,
            exclude: raw.exclude,
            baseline: raw.baseline.map(|baseline| folder.join(baseline)),
            inline_allow: raw.inline_allow,
            honour: raw.honour,
            allow: allow
                .map(|(index, raw)| Exception::new(raw).map_err(|reason| format!("[[allow]] {}: {reason}", index + 1)))
                .collect::<Result<_, _>>()?,
        })
    }

    /// Narrows `rules` as the configuration says, and tells what it changes.
    ///
    /// # Errors
    ///
    /// Rules cannot be read, or the configuration names one that does not exist.
    pub fn apply_rules(&self, rules: &mut RuleSet) -> Result<Vec<String>, Error> {
        let path = self.path.as_ref().map(|p| p.display().to_string()).unwrap_or_default();
        let invalid = |e: keysweep_rules::Error| Error::Invalid { path: path.clone(), reason: e.to_string() };
        let mut notes = Vec::new();
        for folder in &self.rules {
            let own = RuleSet::load(folder).map_err(invalid)?;
            let replaced: Vec<&str> =
                own.rules().iter().filter(|r| rules.get(&r.id).is_some()).map(|r| r.id.as_str()).collect();
            if !replaced.is_empty() {
                notes.push(format!("replaces the rules {}", replaced.join(", ")));
            }
            rules.merge(own);
        }
        let exact = self.severity.keys().map(String::as_str);
        let patterns = self.allow.iter().filter_map(|e| e.rule.as_ref());
        for (name, known) in exact.map(|id| (id, rules.get(id).is_some())).chain(
            patterns.map(|(glob, matcher)| (glob.as_str(), rules.rules().iter().any(|r| matcher.is_match(&r.id)))),
        ) {
            if !known {
                let reason = unknown("rule", name, rules.rules().iter().map(|r| r.id.as_str()));
                return Err(Error::Invalid { path, reason });
            }
        }
        rules.skip(&self.disable).map_err(invalid)?;
        if !self.disable.is_empty() {
            notes.push(format!("turns off the rules {}", self.disable.join(", ")));
        }
        Ok(notes)
    }
}

/// A message that may have a part of the file in it, which must neither steer a terminal nor begin a line of its own in the log of a
/// build, where that could be a command.
fn one_line(message: &str) -> String {
    message.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(unix)]
fn is_open_to_all(folder: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata(folder).is_ok_and(|metadata| metadata.mode() & 0o002 != 0)
}

#[cfg(not(unix))]
fn is_open_to_all(_: &Path) -> bool {
    false
}

impl Exception {
    fn new(raw: RawException) -> Result<Self, String> {
        if raw.reason.trim().is_empty() {
            return Err("an exception needs a `reason`".to_owned());
        }
        let lists = [&raw.paths, &raw.path_patterns, &raw.commits];
        if raw.rule.is_none() && raw.fingerprint.is_none() && lists.iter().all(|list| list.is_empty()) {
            return Err(
                "an exception needs a `rule`, a `fingerprint`, `paths`, `path-patterns` or `commits`".to_owned()
            );
        }
        let is_commit = |name: &String| name.len() >= MIN_COMMIT && name.bytes().all(|b| b.is_ascii_hexdigit());
        if let Some(name) = raw.commits.iter().find(|name| !is_commit(name)) {
            return Err(format!("'{name}' is no name of a commit: at least {MIN_COMMIT} hexadecimal digits"));
        }
        let path_patterns = match raw.path_patterns.as_slice() {
            [] => None,
            list => Some((list.to_vec(), Pattern::any_of(list).map_err(|e| format!("`path-patterns`: {e}"))?)),
        };
        let rule = raw.rule.map(|rule| match GlobBuilder::new(&rule).build() {
            Ok(glob) => Ok((rule, glob.compile_matcher())),
            Err(error) => Err(format!("glob '{rule}': {}", error.kind())),
        });
        let paths = if raw.paths.is_empty() { None } else { Some(globs(&raw.paths)?) };
        Ok(Self {
            rule: rule.transpose()?,
            fingerprint: raw.fingerprint,
            paths,
            globs: raw.paths,
            path_patterns,
            commits: raw.commits.iter().map(|name| name.to_ascii_lowercase()).collect(),
            reason: raw.reason.trim().to_owned(),
            until: raw.until,
        })
    }

    /// Whether it is about findings of this rule and name.
    pub fn names(&self, rule: &str, fingerprint: &str) -> bool {
        self.rule.as_ref().is_none_or(|(_, glob)| glob.is_match(rule))
            && self.fingerprint.as_ref().is_none_or(|own| own == fingerprint)
    }

    /// Whether it is about places with this path, which this commit brought.
    pub fn holds_at(&self, path: &str, commit: Option<&str>) -> bool {
        let of_commit = |commit: &str| self.commits.iter().any(|name| commit.starts_with(name.as_str()));
        self.paths.as_ref().is_none_or(|paths| paths.is_match(path))
            && self.path_patterns.as_ref().is_none_or(|(_, pattern)| pattern.is_match(path.as_bytes()))
            && (self.commits.is_empty() || commit.is_some_and(of_commit))
    }

    /// Whether it holds wherever the finding is.
    pub fn is_placeless(&self) -> bool {
        self.paths.is_none() && self.path_patterns.is_none() && self.commits.is_empty()
    }

    /// What it is about, for messages.
    pub fn describe(&self) -> String {
        let rule = self.rule.as_ref().map(|(rule, _)| format!("rule {rule}"));
        let fingerprint = self.fingerprint.as_ref().map(|f| format!("fingerprint {f}"));
        let paths = (!self.globs.is_empty()).then(|| format!("paths {}", self.globs.join(", ")));
        let patterns = self.path_patterns.as_ref().map(|(list, _)| format!("paths like {}", list.join(", ")));
        let commits = (!self.commits.is_empty()).then(|| format!("commits {}", self.commits.join(", ")));
        let what: Vec<String> = [rule, fingerprint, paths, patterns, commits].into_iter().flatten().collect();
        format!("the exception for {} ({})", what.join(", "), self.reason)
    }
}

/// Globs of paths below the configuration's folder, as in `.gitignore`: without a slash inside, at any depth; what a folder
/// matches, all in it matches.
fn globs(patterns: &[String]) -> Result<GlobSet, String> {
    let mut set = GlobSetBuilder::new();
    for pattern in patterns {
        let trimmed = pattern.trim_end_matches('/').trim_start_matches("./");
        let anchored = trimmed.contains('/');
        let trimmed = trimmed.trim_start_matches('/');
        let base = if anchored { trimmed.to_owned() } else { format!("**/{trimmed}") };
        for glob in [base.clone(), format!("{base}/**"), format!("{base}!/**")] {
            let built = GlobBuilder::new(&glob).literal_separator(true).build();
            set.add(built.map_err(|e| format!("glob '{pattern}': {}", e.kind()))?);
        }
    }
    set.build().map_err(|e| e.to_string())
}

/// Unknown keys, with what was probably meant.
fn check_keys(table: &toml::Table) -> Result<(), String> {
    if let Some(key) = table.keys().find(|key| !KEYS.contains(&key.as_str())) {
        return Err(unknown("key", key, KEYS));
    }
    let exceptions = table.get("allow").and_then(toml::Value::as_array).into_iter().flatten();
    for (index, exception) in exceptions.enumerate() {
        let mut keys = exception.as_table().into_iter().flat_map(toml::Table::keys);
        if let Some(key) = keys.find(|key| !ALLOW_KEYS.contains(&key.as_str())) {
            return Err(format!("[[allow]] {}: {}", index + 1, unknown("key", key, ALLOW_KEYS)));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_name_the_line_and_quote_nothing() {
        for (text, line) in [
            ("# a\ntoken = hunter2secret\n", "line 2: "),
            ("exclude = \"hunter2secret\"\n", "line 1: invalid type: string,"),
        ] {
            let error = Config::parse(Path::new("keysweep.toml"), text).err().unwrap();
            assert!(error.starts_with(line) && !error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn messages_stay_in_their_line() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("keysweep.toml");
        std::fs::write(&file, "exclude = [\"[\\n::stop-commands::x\\u001b[31m\"]\n").unwrap();
        let error = Config::load(&file).err().unwrap().to_string();
        assert!(error.contains("stop-commands") && !error.contains(char::is_control), "{error:?}");
    }

    #[cfg(unix)]
    #[test]
    fn what_is_neither_file_nor_folder_is_not_opened() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("keysweep.toml");
        for key in ["rules = [\"/dev/null\"]", "baseline = \"/dev/null\""] {
            std::fs::write(&file, key).unwrap();
            assert!(Config::load(&file).err().unwrap().to_string().contains("neither"));
        }
    }

    fn parse(text: &str) -> Result<Config, String> {
        Config::parse(Path::new("/r/keysweep.toml"), text)
    }

    #[test]
    fn everything_the_documentation_shows_is_understood() {
        let text = include_str!("../../../docs/config.md");
        let example = text.split("```toml\n").nth(1).and_then(|t| t.split("```").next()).expect("an example");
        let config = parse(example).unwrap();
        for key in KEYS.iter().chain(&ALLOW_KEYS) {
            assert!(
                example.contains(&format!("{key} ="))
                    || example.contains(&format!("[{key}]"))
                    || example.contains(&format!("[[{key}]]")),
                "{key} is not in docs/config.md"
            );
        }
        assert!(!config.allow.is_empty() && config.baseline.is_some() && config.fail_on.is_some());
        config.apply_rules(&mut RuleSet::builtin()).expect_err("its rules folder is only an example");
    }

    #[test]
    fn mistakes_are_named_with_what_was_meant() {
        for (text, expected) in [
            ("fail_on = 'high'", "did you mean 'fail-on'"),
            ("exclud = []", "did you mean 'exclude'"),
            ("[[allow]]\nrulle = 'x'", "did you mean 'rule'"),
            ("honour = ['gitleak']", "unknown tool 'gitleak', did you mean 'gitleaks'"),
            ("fail-on = 'hgh'", "line 1: unknown variant `hgh`, expected one of `info`"),
            ("[[allow]]\nrule = 'x'", "needs a `reason`"),
            ("[[allow]]\nreason = 'x'", "needs a `rule`"),
            ("[[allow]]\nreason = 'x'\ncommits = ['main']", "'main' is no name of a commit"),
            ("[[allow]]\nreason = 'x'\npath-patterns = ['a', '(']", "`path-patterns`: unclosed group"),
            ("[[allow]]\nrule = 'x'\nreason = 'x'\nuntil = '31.12.2026'", "a date is written"),
            ("exclude = ['a[']", "a["),
            ("x", "expected"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(expected), "{text}: {error}");
        }
        assert!(parse("[[allow]]\nrule = '*'\nreason = 'x'\nuntil = 2026-12-31").is_ok());
        let config = parse("disable = ['no-such-rule']").unwrap();
        assert!(config.apply_rules(&mut RuleSet::builtin()).is_err());
        let config = parse("[severity]\ngithub-personal-acess-token = 'low'").unwrap();
        let error = config.apply_rules(&mut RuleSet::builtin()).unwrap_err().to_string();
        assert!(error.contains("did you mean 'github-personal-access-token'"), "{error}");
    }

    #[test]
    fn globs_are_those_of_gitignore() {
        let set = globs(&["tests/keys".into(), "*.pem".into(), "/top".into()]).unwrap();
        for path in ["tests/keys/a/b", "tests/keys", "a/b.pem", "b.pem", "top", "top/a", "a.pem!/x/y"] {
            assert!(set.is_match(path), "{path}");
        }
        for path in ["a/tests/keys/b", "a/top", "b.pem.txt"] {
            assert!(!set.is_match(path), "{path}");
        }
    }

    #[test]
    fn paths_and_commits_are_asked_together() {
        let text = "[[allow]]\nreason = 'x'\npath-patterns = ['(?:^|/)docs/', '[.]md$']\ncommits = ['0123abC']";
        let exception = parse(text).unwrap().allow.remove(0);
        assert!(exception.holds_at("a/docs/x", Some("0123abcdef")) && exception.holds_at("a.md", Some("0123abcdef")));
        assert!(!exception.holds_at("a/mydocs/x", Some("0123abcdef")));
        assert!(!exception.holds_at("a.md", Some("f123abcdef")) && !exception.holds_at("a.md", None));
        assert!(!exception.is_placeless());
        assert!(exception.describe().contains("commits 0123abc"), "{}", exception.describe());
    }

    #[test]
    fn a_repository_ends_the_search() {
        let dir = tempfile::tempdir().unwrap();
        let inner = dir.path().join("repo/src");
        std::fs::create_dir_all(&inner).unwrap();
        let outer = dir.path().join(FILE_NAME);
        std::fs::write(&outer, "").unwrap();
        assert_eq!(Config::find(&inner), Some(outer));
        std::fs::create_dir(dir.path().join("repo/.git")).unwrap();
        assert_eq!(Config::find(&inner), None);
        let own = dir.path().join("repo").join(FILE_NAME);
        std::fs::write(&own, "").unwrap();
        assert_eq!(Config::find(&inner.join("no-such-file")), Some(own));
    }
}
