//! What the formats of other tools have in common: how they name places and degrees.

use crate::text::printable;
use keysweep_engine::Suppressed;
use keysweep_engine::finding::Location;
use keysweep_rules::Severity;

/// Places reported of one finding: services refuse reports that are too long.
pub(crate) const MAX_PLACES: usize = 100;

/// The path by which services know a file: that in the repository, if it is in one.
pub(crate) fn path(location: &Location) -> &str {
    let path = location.git.as_ref().map_or(&location.path, |git| &git.path);
    path.strip_prefix("./").unwrap_or(path)
}

/// The level of SARIF and of GitHub's code scanning.
pub(crate) fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low | Severity::Info => "note",
    }
}

/// What lets a finding pass, why, and until when.
pub(crate) fn excuse(suppressed: &Suppressed) -> String {
    let mut text = suppressed.by.name().to_owned();
    if let Some(reason) = &suppressed.reason {
        text = format!("{text}: {}", printable(reason));
    }
    if let Some(until) = &suppressed.until {
        text = format!("{text} (until {})", printable(until));
    }
    text
}
