//! Rules of other scanners, as rules of ours.
//!
//! ```text
//! their file --gitleaks, kingfisher--> Foreign --convert--> rule files of ours + exceptions + notes
//! ```
//!
//! Nothing is dropped in silence: what has no counterpart is a [`Note`], for the rule it is of.

mod convert;
mod gitleaks;
mod literals;
mod syntax;
mod write;
mod yaml;

use std::fmt;
use std::path::Path;

/// Longest file that is read, in bytes.
const MAX_FILE: usize = 16 << 20;
/// Deepest chain of files that extend each other, as with gitleaks.
const MAX_EXTENDS: usize = 2;

/// Rules that were taken over.
#[derive(Debug, Clone, Default)]
pub struct Imported {
    /// A rule file.
    pub rules: String,
    /// How many rules are in it.
    pub count: usize,
    /// How many rules there were.
    pub of: usize,
    /// A part of `keysweep.toml`: exceptions for paths and commits. Empty if there are none.
    pub exceptions: String,
    /// What is different, or was left out.
    pub notes: Vec<Note>,
}

impl Imported {
    /// Whether something was left out or means something else.
    pub fn is_lossy(&self) -> bool {
        self.notes.iter().any(|note| note.loss)
    }
}

/// Something to know about what was taken over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// Their id of the rule; none for the whole file.
    pub rule: Option<String>,
    /// What.
    pub message: String,
    /// Something was left out, or is not the same.
    pub loss: bool,
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.rule {
            Some(rule) => write!(f, "rule '{rule}': {}", self.message),
            None => f.write_str(&self.message),
        }
    }
}

/// Takes over a configuration of gitleaks (or betterleaks), or rules of Kingfisher or Nosey Parker, told apart by their form.
/// `load` reads the file that another one extends, and `taken` says which ids are those of built-in rules.
///
/// # Errors
///
/// It is none of these; the reason.
pub fn import(
    text: &str,
    load: &mut dyn FnMut(&str) -> Result<String, String>,
    taken: &dyn Fn(&str) -> bool,
) -> Result<Imported, String> {
    if text.len() > MAX_FILE {
        return Err(format!("is longer than {MAX_FILE} bytes"));
    }
    let foreign = if yaml::is_one(text) { yaml::read(text)? } else { gitleaks::read(text, load)? };
    Ok(convert::convert(foreign, taken))
}

/// The text of a file for [`import`], which sees if it is too long.
///
/// # Errors
///
/// It cannot be read, or is no text.
pub fn read(path: &Path) -> std::io::Result<String> {
    crate::set::read(path, MAX_FILE)
}

/// What a rule file of another scanner says.
#[derive(Debug, Clone, Default)]
struct Foreign {
    /// Whose it is, for ids that are taken.
    tool: &'static str,
    rules: Vec<ForeignRule>,
    /// What may pass whatever the rule.
    allow: Vec<Allow>,
    notes: Vec<Note>,
}

#[derive(Debug, Clone, Default)]
struct ForeignRule {
    id: String,
    name: String,
    description: String,
    pattern: Option<String>,
    /// Only in files with such a path.
    path: Option<String>,
    /// The number of the group that is the secret; 0 if that is the first that is not empty.
    secret_group: usize,
    entropy: Option<f64>,
    /// One of these is in the file.
    keywords: Vec<String>,
    tags: Vec<String>,
    references: Vec<String>,
    allow: Vec<Allow>,
    /// Texts that must match, and that must not.
    examples: Vec<String>,
    counterexamples: Vec<String>,
}

/// Where a regular expression of an exception is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Target {
    #[default]
    Secret,
    Match,
    Line,
}

#[derive(Debug, Clone, Default)]
struct Allow {
    description: String,
    /// All kinds of conditions must hold, not one.
    all: bool,
    target: Target,
    regexes: Vec<String>,
    stopwords: Vec<String>,
    paths: Vec<String>,
    commits: Vec<String>,
    /// Only for these rules; empty for all.
    rules: Vec<String>,
}

#[cfg(test)]
mod tests;
