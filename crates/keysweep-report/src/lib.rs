//! Reports: a scan's outcome as text for people, as JSON for programs, and in the formats of code scanning (SARIF), GitHub, GitLab
//! and test reports (JUnit).
//!
//! Every writer takes the same [`keysweep_engine::Report`], which holds no secret, and escapes what comes from scanned
//! files: names and comments are an attacker's to choose.

mod account;
mod escaping;
mod exposure;
mod github;
mod gitlab;
mod html;
mod hunt;
mod json;
mod junit;
mod place;
mod sarif;
mod text;
mod when;

pub use github::write_github;
pub use gitlab::write_gitlab;
pub use html::write_html;
pub use json::{write_json, write_jsonl};
pub use junit::write_junit;
pub use sarif::write_sarif;
pub use text::{Style, printable, write_details, write_text};
pub use when::date;
