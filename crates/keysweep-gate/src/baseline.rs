//! Known findings: named by what cannot be turned back into the secret, and without line numbers, so that a line may move.

use crate::{Day, Error};
use keysweep_engine::Finding;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::path::Path;

/// Version of the file's shape.
const SCHEMA: u32 = 1;
/// Longest baseline that is read, in bytes.
const MAX_FILE: u64 = 256 << 20;
/// Paths kept of one entry.
const MAX_PATHS: usize = 100;

/// The findings that are known.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Baseline {
    entries: BTreeMap<(String, Protection), Entry>,
}

/// A known finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// The name of the secret.
    pub fingerprint: String,
    /// Id of the rule.
    pub rule: String,
    /// What it is, for people.
    #[serde(default)]
    pub title: String,
    /// Whether the secret lies open.
    #[serde(default)]
    pub protection: Protection,
    /// Where it was seen.
    #[serde(default)]
    pub paths: BTreeSet<String>,
    /// What was decided.
    #[serde(default)]
    pub status: Status,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reason: Option<String>,
    /// The last day on which it holds.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub until: Option<Day>,
}

/// What was decided about a known finding.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// Nothing yet.
    #[default]
    Open,
    /// It is no secret.
    FalsePositive,
    /// It may stay.
    Accepted,
}

impl Status {
    /// As the file has it.
    pub fn name(self) -> &'static str {
        match self {
            Status::Open => "open",
            Status::FalsePositive => "false-positive",
            Status::Accepted => "accepted",
        }
    }
}

/// How a known secret lay. One that lies open later is another finding.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Protection {
    /// Whoever reads the bytes has it.
    #[default]
    None,
    /// It needs a passphrase.
    Encrypted,
    /// It is kept elsewhere, and only named.
    Elsewhere,
}

impl Protection {
    /// That of a finding.
    pub fn of(finding: &Finding) -> Self {
        match &finding.key {
            Some(key) if key.elsewhere => Protection::Elsewhere,
            Some(key) if key.encrypted => Protection::Encrypted,
            _ => Protection::None,
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    tool: String,
    schema: u32,
    entries: Vec<Entry>,
}

impl Baseline {
    /// Reads a baseline.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or is none.
    pub fn load(path: &Path) -> Result<Self, Error> {
        let io = |source| Error::Io { path: path.display().to_string(), source };
        let mut bytes = Vec::new();
        std::fs::File::open(path).map_err(io)?.take(MAX_FILE + 1).read_to_end(&mut bytes).map_err(io)?;
        let invalid = |reason: String| Error::Invalid { path: path.display().to_string(), reason };
        if bytes.len() as u64 > MAX_FILE {
            return Err(invalid("too long for a baseline".to_owned()));
        }
        Self::parse(&bytes).map_err(|reason| invalid(format!("not a baseline of keysweep: {reason}")))
    }

    fn parse(bytes: &[u8]) -> Result<Self, String> {
        let file: File = serde_json::from_slice(bytes).map_err(|e| e.to_string())?;
        if file.tool != "keysweep" || file.schema != SCHEMA {
            return Err(format!("schema {} of {}; this version reads schema {SCHEMA}", file.schema, file.tool));
        }
        let mut baseline = Self::default();
        for entry in file.entries {
            if entry.status != Status::Open && entry.reason.as_deref().is_none_or(|r| r.trim().is_empty()) {
                return Err(format!("{} is {}, which needs a reason", entry.fingerprint, entry.status.name()));
            }
            let key = (entry.fingerprint.clone(), entry.protection);
            if baseline.entries.insert(key, entry).is_some() {
                return Err("an entry is there twice".to_owned());
            }
        }
        Ok(baseline)
    }

    /// Writes it: beside the old file first, so that none is lost.
    ///
    /// # Errors
    ///
    /// The file cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), Error> {
        let io = |source| Error::Io { path: path.display().to_string(), source };
        let file = File { tool: "keysweep".to_owned(), schema: SCHEMA, entries: self.entries().cloned().collect() };
        let mut text = serde_json::to_vec_pretty(&file).map_err(|e| io(e.into()))?;
        text.push(b'\n');
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let beside = path.with_file_name(format!(".{name}.{}", std::process::id()));
        let mut out = std::fs::OpenOptions::new().write(true).create_new(true).open(&beside).map_err(io)?;
        let written = out.write_all(&text).and_then(|()| std::fs::rename(&beside, path));
        if written.is_err() {
            let _ = std::fs::remove_file(&beside);
        }
        written.map_err(io)
    }

    /// All entries, in a stable order.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.entries.values()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Adds a finding that lies at these paths, or notes them if it is known; whether it is new.
    pub fn add(&mut self, finding: &Finding, paths: impl IntoIterator<Item = String>) -> bool {
        let protection = Protection::of(finding);
        let key = (finding.fingerprint.clone(), protection);
        let is_new = !self.entries.contains_key(&key);
        let entry = self.entries.entry(key).or_insert_with(|| Entry {
            fingerprint: finding.fingerprint.clone(),
            rule: finding.rule.clone(),
            title: finding.title.clone(),
            protection,
            paths: BTreeSet::new(),
            status: Status::Open,
            reason: None,
            until: None,
        });
        entry.paths.extend(paths);
        while entry.paths.len() > MAX_PATHS {
            entry.paths.pop_last();
        }
        is_new
    }

    /// Writes down what was decided about a finding that is known.
    pub fn decide(&mut self, finding: &Finding, status: Status, reason: Option<String>) {
        if let Some(entry) = self.entries.get_mut(&(finding.fingerprint.clone(), Protection::of(finding))) {
            entry.status = status;
            entry.reason = reason;
        }
    }

    /// Keeps the entries that are wanted; how many are dropped.
    pub fn retain(&mut self, mut wanted: impl FnMut(&Entry) -> bool) -> usize {
        let before = self.entries.len();
        self.entries.retain(|_, entry| wanted(entry));
        before - self.entries.len()
    }

    /// The entry for a finding.
    pub fn entry(&self, finding: &Finding) -> Option<&Entry> {
        self.entries.get(&(finding.fingerprint.clone(), Protection::of(finding)))
    }

    /// The entries whose fingerprints begin so.
    pub fn beginning_with<'a>(&'a mut self, prefix: &'a str) -> impl Iterator<Item = &'a mut Entry> {
        self.entries.values_mut().filter(move |entry| entry.fingerprint.starts_with(prefix))
    }
}

impl Entry {
    /// Whether the fingerprint names the secret's content, or a file by its path in a package, whatever the package is called.
    /// Otherwise it names a place, and the entry holds for its paths only.
    pub fn is_by_content(&self) -> bool {
        ["spki-sha256:", "key-sha256:", "secret-sha256:", "hmac-sha256:", "file-sha256:"]
            .iter()
            .any(|p| self.fingerprint.starts_with(p))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_baseline_is_refused() {
        let file = |entries: &str| format!(r#"{{"tool": "keysweep", "schema": 1, "entries": [{entries}]}}"#);
        assert!(Baseline::parse(file("").as_bytes()).unwrap().is_empty());
        let one = r#"{"fingerprint": "a", "rule": "r"}"#;
        assert_eq!(Baseline::parse(file(one).as_bytes()).unwrap().len(), 1);
        for (text, expected) in [
            ("{}".to_owned(), "missing field"),
            (r#"{"tool": "keysweep", "schema": 2, "entries": []}"#.to_owned(), "schema 2"),
            (file(&format!("{one},{one}")), "twice"),
            (file(r#"{"fingerprint": "a", "rule": "r", "status": "accepted"}"#), "needs a reason"),
            (file(r#"{"fingerprint": "a", "rule": "r", "until": "soon"}"#), "a date is written"),
            (file(r#"{"fingerprint": "a", "rule": "r", "secret": "x"}"#), "unknown field"),
        ] {
            let error = Baseline::parse(text.as_bytes()).unwrap_err();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }

    #[test]
    fn mutated_baselines_are_refused_without_panic() {
        let text = br#"{"tool": "keysweep", "schema": 1, "entries": [{"fingerprint": "a", "rule": "r", "until": "2026-01-01", "paths": ["x"]}]}"#;
        for at in 0..text.len() {
            for byte in [0, b'"', b'{', b'9', 0xff] {
                let mut mutated = text.to_vec();
                mutated[at] = byte;
                let _ = Baseline::parse(&mutated);
                let _ = Baseline::parse(&mutated[..at]);
            }
        }
    }
}
