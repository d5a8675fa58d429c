//! What of a report fails a gate: configuration, baselines and exceptions.
//!
//! | module | job |
//! |---|---|
//! | `config` | `keysweep.toml`: its schema, and where it lies |
//! | `baseline` | known findings by fingerprint, with what was decided about them |
//! | `apply` | parts a report into what is new and what is known or allowed |
//! | `day` | dates |
//! | `import` | what other tools know |
//!
//! Nothing is dropped: what does not fail a gate is in [`keysweep_engine::Report::suppressed`], and what does not hold any
//! more, or never held, is named.

mod apply;
mod baseline;
mod config;
mod day;
mod import;

pub use apply::{Coverage, Gate};
pub use baseline::{Baseline, Entry, Protection, Status};
pub use config::{Config, Exception, FILE_NAME};
pub use day::Day;
pub use import::KnownPlace;

/// Why a configuration or baseline cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It cannot be read or written.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// It is not what it should be.
    #[error("{path}: {reason}")]
    Invalid {
        /// The file.
        path: String,
        /// What is wrong.
        reason: String,
    },
}
