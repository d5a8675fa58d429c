//! What can go wrong with rules.

use crate::parse::RuleError;

/// Rules cannot be loaded or selected.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A rule file or folder cannot be read.
    #[error("{path}: {source}")]
    Io {
        /// The file or folder.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// Rules are wrong; one line each.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Rules(Vec<RuleError>),
    /// A folder has no rule files.
    #[error("{path}: no rule files (*.toml)")]
    NoRules {
        /// The folder.
        path: String,
    },
    /// A glob of the selection is wrong.
    #[error("'{glob}' is no glob: {message}")]
    Glob {
        /// The glob.
        glob: String,
        /// Why.
        message: String,
    },
    /// A glob of the selection matches no rule, so that it surely is a mistake.
    #[error("no rule matches '{glob}'{}", suggestion.as_ref().map(|s| format!(", did you mean '{s}'?")).unwrap_or_default())]
    NoMatch {
        /// The glob.
        glob: String,
        /// The id most like it.
        suggestion: Option<String>,
    },
}
