//! Exposures: chains of facts that lead from an account, a host or a place to a key, and what breaks them.
//!
//! Rules (`rules/exposure/*.toml`) are declarative: a rule names the facts that make a chain, joined by variables. Some rules
//! derive facts of their own, until nothing new follows. Every link of a chain is the evidence for it, and says what would
//! break the chain there.
//!
//! ```
//! use keysweep_exposure::{Rules, evaluate};
//! use keysweep_facts::Fact;
//!
//! let rules = Rules::parse("example", r#"
//! [[exposure]]
//! id = "key-in-synced-folder"
//! title = "A private key is copied to a cloud service"
//! severity = "high"
//! per = ["key"]
//! fix = ["Move the key out of the folder, and replace it"]
//! link = [
//!   { fact = "key", where = { fingerprint = "$key", path = "$path", encrypted = false }, say = "the key {key} lies open in {path}", break = "encrypt the key" },
//!   { fact = "synced", where = { path = "$path", service = "$service" }, say = "{service} copies {path}", break = "take the folder out of the service" },
//! ]
//! "#)?;
//! let facts = [
//!     Fact::new("key", "read in a file").with("fingerprint", "spki-sha256:00").with("path", "/a").with("encrypted", false),
//!     Fact::new("synced", "it lies below a folder of Dropbox").with("path", "/a").with("service", "Dropbox"),
//! ];
//! let outcome = evaluate(&rules, &facts, 0);
//! assert_eq!(outcome.exposures[0].links[1].say, "Dropbox copies /a");
//! # Ok::<(), keysweep_exposure::Error>(())
//! ```

mod condition;
mod evaluate;
mod rules;
mod scenario;
mod store;
mod zones;

pub use evaluate::{Outcome, evaluate};
pub use rules::{Error, ExposureRule, Rules};
pub use scenario::Failure;
pub use zones::{Kind, Zones};
