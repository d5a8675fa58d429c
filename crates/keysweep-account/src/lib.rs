//! Accounts: where tools keep credentials, how these are protected, who can read them, and what is trusted.
//!
//! ```text
//! paths of a walk --spot--> known places --read--> credentials --join with leaks--> facts, verdicts, more findings
//! ```
//!
//! | module | job |
//! |---|---|
//! | [`model`], [`catalogue`] | the locations of `rules/accounts/`, and which of them a path is |
//! | [`spotter`] | notes known places while a scan walks |
//! | [`readers`] | one file for each format |
//! | [`mod@assess`] | joins what was read with what the scan found |
//! | [`identities`] | accounts and groups of the scanned system |
//!
//! The crate knows nothing of the scan itself: what that found comes in as [`Leak`] and [`Witness`].

mod access;
mod agent;
pub mod assess;
pub mod catalogue;
pub mod identities;
mod judge;
pub mod model;
mod read;
pub mod readers;
mod repository;
pub mod spotter;
mod sqlite;
mod time;
mod trust;

pub use assess::{Assessment, Extra, Leak, assess};
pub use catalogue::{Catalogue, Problem};
pub use identities::{Account, Identities};
pub use read::Namer;
pub use spotter::{Home, Plan, Spotter};
pub use trust::{Witness, WitnessedCertificate};
