//! Annotations of GitHub Actions: workflow commands on standard output
//! (docs.github.com, "Workflow commands for GitHub Actions").

use crate::place::{MAX_PLACES, excuse, layer_sentence, level, path};
use crate::text::printable;
use keysweep_engine::Report;
use keysweep_engine::finding::{Finding, Location};
use std::io::{self, Write};

/// What could not be looked at, then a line for each place of each finding, the most severe first: of each kind GitHub shows
/// only ten for a step. Notes and a summary follow.
///
/// # Errors
///
/// `out` cannot be written.
pub fn write_github(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    for incident in report.incidents.iter().filter(|i| i.incomplete) {
        let file = property(&incident.path);
        writeln!(out, "::error file={file},title=keysweep%3A not looked at::{}", data(&incident.message))?;
    }
    for finding in &report.findings {
        for location in finding.locations.iter().take(MAX_PLACES) {
            annotation(finding, location, out)?;
        }
    }
    for incident in report.incidents.iter().filter(|i| !i.incomplete) {
        let file = property(&incident.path);
        writeln!(out, "::notice file={file},title=keysweep%3A note::{}", data(&incident.message))?;
    }
    // No annotations: they would take the place of what must be seen.
    for suppressed in &report.suppressed {
        let finding = &suppressed.finding;
        let place = finding.locations.first().map(path).unwrap_or_default();
        let text = format!("{} ({}) in {place}, by {}", finding.title, finding.rule, excuse(suppressed));
        writeln!(out, "let pass: {}", data(&text))?;
    }
    let (findings, files) = (report.findings.len(), report.stats.files);
    let (passed, below) = (report.suppressed.len(), report.below_threshold);
    let state = if report.is_complete() { "" } else { ", incomplete" };
    writeln!(out, "keysweep: {findings} findings, {passed} let pass, {below} below the threshold, {files} files{state}")
}

fn annotation(finding: &Finding, location: &Location, out: &mut dyn Write) -> io::Result<()> {
    let command = match level(finding.severity) {
        "note" => "notice",
        other => other,
    };
    write!(out, "::{command} file={}", property(path(location)))?;
    if let (Some(line), Some(column)) = (location.line, location.column) {
        write!(out, ",line={line},col={column}")?;
    }
    let commit = location.git.as_ref().and_then(|git| git.commit.as_ref());
    let commit = commit.map(|id| format!(" In commit {id}.")).unwrap_or_default();
    let layer = layer_sentence(location);
    let Finding { proof, remediation, fingerprint, .. } = finding;
    let message = format!("{}.{commit}{layer} {remediation} [{fingerprint}]", proof.statement);
    writeln!(out, ",title={}::{}", property(&format!("{} ({})", finding.title, finding.rule)), data(&message))
}

/// The text of a command. Control characters, which could begin another command, are spelled out.
fn data(text: &str) -> String {
    printable(text).replace('%', "%25")
}

/// The value of a property of a command, in which `:` and `,` are special, too.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
