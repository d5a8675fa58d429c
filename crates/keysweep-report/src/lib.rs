//! Reports: a scan's outcome as text for people, as JSON for programs and as SARIF for code scanning.
//!
//! Every writer takes the same [`keysweep_engine::Report`], which holds no secret, and escapes what comes from scanned
//! files: names and comments are an attacker's to choose.

mod account;
mod hunt;
mod json;
mod sarif;
mod text;
mod when;

pub use json::{write_json, write_jsonl};
pub use sarif::write_sarif;
pub use text::{Style, printable, write_text};
pub use when::date;
