//! The rule language of keysweep: what a rule is, how rule files are read, and how a credential is recognised.
//!
//! ```text
//! rules/**/*.toml --parse--> Rule --validate--> RuleSet --compile--> CompiledToken --evaluate--> Match
//! ```
//!
//! | module | job |
//! |---|---|
//! | [`model`] | the types of a rule |
//! | [`parse`] | TOML to rules, with errors that name rule and field |
//! | [`set`] | built-in rules, rules of the user, selection by id |
//! | [`compile`] | the evaluation of a token rule at an anchor |
//! | [`checks`] | checksums and structures that patterns cannot express |
//! | [`readers`] | forms in which one place names many secrets |
//! | `files` | which rules for files a file breaks |
//! | [`placeholders`] | what only stands for a secret |
//! | [`mod@redact`] | what of a secret may be shown |
//! | [`template`] | examples that hold no token |
//! | [`selftest`] | rules on their own examples |
//! | [`mod@import`] | rules of other scanners |
//! | [`lint`] | whether rules are well made |
//!
//! The built-in rules are packed into the binary by the build script; regular expressions are compiled when a literal of
//! their rule is first seen.

pub mod checks;
pub mod compile;
mod entropy;
mod error;
mod files;
mod finder;
mod fragments;
pub mod import;
pub mod lint;
pub mod model;
mod named;
mod next_line;
pub mod parse;
mod pattern;
pub mod placeholders;
mod probe;
mod random;
mod reach;
pub mod readers;
pub mod redact;
pub mod selftest;
pub mod set;
pub mod template;
mod validate;

pub use compile::{CompiledToken, Evaluation, Match};
pub use error::Error;
pub use files::{FILE_HEAD, FileRules, PathRules};
pub use model::{Anchor, Boundary, Detector, FileRule, Level, Purpose, Rule, Severity, TokenRule};
pub use named::NamedFiles;
pub use parse::RuleError;
pub use pattern::{Pattern, PatternError};
pub use redact::redact;
pub use set::RuleSet;
