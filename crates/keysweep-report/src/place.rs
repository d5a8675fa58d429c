//! What the formats of other tools have in common: how they name places and degrees.

use crate::text::printable;
use keysweep_engine::Suppressed;
use keysweep_engine::finding::{LayerPlace, Location};
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

/// `layer 2 of 3, sha256:0123456789ab, made by COPY . /app, deleted in a later layer: 3`.
pub(crate) fn layer_text(layer: &LayerPlace) -> String {
    let mut text = format!("layer {} of {}", layer.index, layer.of);
    if let Some(digest) = &layer.digest {
        let short: String = digest.chars().take("sha256:".len() + 12).collect();
        text = format!("{text}, {short}");
    }
    if let Some(command) = &layer.created_by {
        text = format!("{text}, made by {command}");
    }
    match (layer.deleted_in, layer.replaced_in) {
        (Some(later), _) => format!("{text}, deleted in a later layer: {later}"),
        (None, Some(later)) => format!("{text}, replaced in a later layer: {later}"),
        (None, None) => text,
    }
}

/// The same as a sentence, if the place is in an image: with a space before it.
pub(crate) fn layer_sentence(location: &Location) -> String {
    location.layer.as_ref().map(|layer| format!(" In {}.", layer_text(layer))).unwrap_or_default()
}
