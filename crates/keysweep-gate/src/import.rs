//! What other tools know: reports and ignore files of gitleaks (JSON reports and `.gitleaksignore` of version 8), and baselines of
//! detect-secrets (`.secrets.baseline`, version 1).
//!
//! These name secrets by their places or by plain hashes, which are no fingerprints of ours. So they are read as places: what
//! keysweep itself finds there is known. The secrets that gitleaks' reports hold are not read.

use crate::Status;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::ops::RangeInclusive;

/// Digits of a commit: SHA-1 and SHA-256.
const COMMITS: [usize; 2] = [40, 64];

/// A place at which another tool knows a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownPlace {
    /// The path, as that tool has it.
    pub path: String,
    /// Lines, from 1.
    pub lines: RangeInclusive<u64>,
    /// The commit, if it names one.
    pub commit: Option<String>,
    /// What was decided there.
    pub status: Status,
    /// Why, for what was decided.
    pub reason: Option<&'static str>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Leak {
    file: String,
    start_line: u64,
    #[serde(default)]
    end_line: u64,
    #[serde(default)]
    commit: String,
}

#[derive(Deserialize)]
struct SecretsBaseline {
    results: BTreeMap<String, Vec<Potential>>,
}

#[derive(Deserialize)]
struct Potential {
    line_number: u64,
    #[serde(default)]
    is_secret: Option<bool>,
}

impl KnownPlace {
    /// Reads the file of another tool, whichever it is.
    ///
    /// # Errors
    ///
    /// It is none that is known; the reason.
    pub fn read_all(bytes: &[u8]) -> Result<Vec<Self>, String> {
        let text = std::str::from_utf8(bytes).map_err(|_| "not UTF-8".to_owned())?;
        // Errors of the parser can repeat what they stumbled on, which may be a secret: only the place is told.
        let told =
            |what: &str, e: serde_json::Error| format!("{what}: wrong at line {}, column {}", e.line(), e.column());
        match text.trim_start().bytes().next() {
            Some(b'[') => {
                let leaks: Vec<Leak> = serde_json::from_str(text).map_err(|e| told("no report of gitleaks", e))?;
                Ok(leaks.into_iter().map(Self::of_leak).collect())
            }
            Some(b'{') => {
                let baseline: SecretsBaseline =
                    serde_json::from_str(text).map_err(|e| told("no baseline of detect-secrets", e))?;
                let results = baseline.results.into_iter();
                Ok(results
                    .flat_map(|(path, all)| all.into_iter().map(move |p| Self::of_potential(&path, &p)))
                    .collect())
            }
            _ => text
                .lines()
                .enumerate()
                .map(|(number, line)| (number, line.trim()))
                .filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
                .map(|(number, line)| {
                    Self::of_ignored(line).ok_or_else(|| format!("line {}: no fingerprint of gitleaks", number + 1))
                })
                .collect(),
        }
    }

    fn of_leak(leak: Leak) -> Self {
        Self {
            path: leak.file,
            lines: leak.start_line..=leak.end_line.max(leak.start_line),
            commit: Some(leak.commit).filter(|commit| !commit.is_empty()),
            status: Status::Open,
            reason: None,
        }
    }

    fn of_potential(path: &str, potential: &Potential) -> Self {
        let (status, reason) = match potential.is_secret {
            Some(false) => (Status::FalsePositive, Some("audited with detect-secrets")),
            _ => (Status::Open, None),
        };
        let lines = potential.line_number..=potential.line_number;
        Self { path: path.replace('\\', "/"), lines, commit: None, status, reason }
    }

    /// `[COMMIT:]FILE:RULE:LINE`.
    fn of_ignored(line: &str) -> Option<Self> {
        let (rest, number) = line.rsplit_once(':')?;
        let (place, _rule) = rest.rsplit_once(':')?;
        let number: u64 = number.parse().ok()?;
        let is_commit = |text: &str| COMMITS.contains(&text.len()) && text.bytes().all(|b| b.is_ascii_hexdigit());
        let (commit, path) = match place.split_once(':').filter(|(commit, _)| is_commit(commit)) {
            Some((commit, path)) => (Some(commit.to_owned()), path),
            None => (None, place),
        };
        let reason = Some("listed in .gitleaksignore");
        Some(Self { path: path.to_owned(), lines: number..=number, commit, status: Status::Accepted, reason })
    }

    /// Whether a secret that begins there is meant.
    pub fn is_at(&self, path: &str, line: Option<u64>, commit: Option<&str>) -> bool {
        self.path == path
            && line.is_some_and(|line| self.lines.contains(&line))
            && self.commit.as_deref().is_none_or(|own| commit.is_none_or(|commit| own == commit))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_form_is_told_by_its_begin() {
        let leak = r#"[{"RuleID": "r", "File": "a/b", "StartLine": 3, "EndLine": 5, "Commit": "", "Secret": "s", "Match": "m"}]"#;
        let known = KnownPlace::read_all(leak.as_bytes()).unwrap();
        assert!(known[0].is_at("a/b", Some(5), None) && !known[0].is_at("a/b", Some(6), None));
        assert!(!known[0].is_at("a/b", None, None), "a place without a line is no place of theirs");
        let secrets = r#"{"version": "1.5.0", "results": {"a": [{"type": "T", "hashed_secret": "x", "line_number": 2, "is_secret": false}, {"line_number": 9}]}}"#;
        let known = KnownPlace::read_all(secrets.as_bytes()).unwrap();
        assert_eq!((known[0].status, known[1].status), (Status::FalsePositive, Status::Open));
        let commit = "a".repeat(40);
        let ignored = format!("# why\n\n{commit}:x:y.py:rule:7\nx.py:rule:8\n");
        let known = KnownPlace::read_all(ignored.as_bytes()).unwrap();
        assert!(known[0].is_at("x:y.py", Some(7), Some(&commit)) && !known[0].is_at("x:y.py", Some(7), Some("b")));
        assert!(known[1].is_at("x.py", Some(8), Some("b")));
        assert!(KnownPlace::read_all(b"").unwrap().is_empty());
    }

    #[test]
    fn errors_repeat_nothing_of_the_file() {
        for text in
            [r#"[{"File": "a", "StartLine": "hunter22"}]"#, r#"{"results": "hunter22"}"#, "hunter22", "hunter22:a:b"]
        {
            let error = KnownPlace::read_all(text.as_bytes()).unwrap_err();
            assert!(!error.contains("hunter22"), "{error}");
        }
        assert!(KnownPlace::read_all(b"\xff").is_err());
        let text = r#"[{"File": "a", "StartLine": 1}]"#;
        (0..text.len()).for_each(|end| drop(KnownPlace::read_all(&text.as_bytes()[..end])));
    }
}
