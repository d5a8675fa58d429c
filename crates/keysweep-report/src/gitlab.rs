//! GitLab's report of secret detection (gitlab-org/security-products/security-report-schemas, version 15.2.1), as
//! `artifacts:reports:secret_detection` takes it.

use crate::escaping::write_value;
use crate::place::{MAX_PLACES, excuse, layer_sentence, path};
use crate::text::printable;
use keysweep_engine::Report;
use keysweep_engine::finding::{Finding, Location};
use keysweep_facts::rfc3339;
use keysweep_rules::Severity;
use serde_json::{Value, json};
use std::io::{self, Write};
use std::time::{SystemTime, UNIX_EPOCH};

/// Version of the schema that is written.
const SCHEMA: &str = "15.2.1";
/// Characters of a name, and of a solution.
const MAX_NAME: usize = 255;
const MAX_SOLUTION: usize = 7_000;
/// What stands for the commit, which the schema wants, where there is none; GitLab's own analyzer does the same.
const NO_COMMIT: &str = "0000000";

/// The findings as GitLab's vulnerabilities, one for each place. A scan that could not look everywhere is a failed one.
///
/// # Errors
///
/// `out` cannot be written.
pub fn write_gitlab(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let end = i64::try_from(now).unwrap_or(i64::MAX);
    let start = end.saturating_sub_unsigned(report.stats.milliseconds / 1_000);
    let tool = json!({
        "id": "keysweep",
        "name": "keysweep",
        "url": env!("CARGO_PKG_REPOSITORY"),
        "version": env!("CARGO_PKG_VERSION"),
        "vendor": { "name": "keysweep" },
    });
    let messages = messages(report);
    let vulnerabilities: Vec<Value> = report
        .findings
        .iter()
        .flat_map(|finding| finding.locations.iter().take(MAX_PLACES).map(move |place| vulnerability(finding, place)))
        .collect();
    let document = json!({
        "version": SCHEMA,
        "scan": {
            "analyzer": tool,
            "scanner": tool,
            "type": "secret_detection",
            "start_time": time(start),
            "end_time": time(end),
            "status": if report.is_complete() { "success" } else { "failure" },
            "messages": messages,
        },
        "vulnerabilities": vulnerabilities,
    });
    write_value(&document, true, out)?;
    writeln!(out)
}

/// What could not be looked at, and what is let pass.
fn messages(report: &Report) -> Vec<Value> {
    let incidents = report.incidents.iter().map(|incident| {
        let text = format!("{}: {}", printable(&incident.path), printable(&incident.message));
        json!({ "level": if incident.incomplete { "warn" } else { "info" }, "value": text })
    });
    let suppressed = report.suppressed.iter().map(|suppressed| {
        let finding = &suppressed.finding;
        let place = finding.locations.first().map(path).unwrap_or_default();
        let text = format!("{} ({}) in {place} is let pass by {}", finding.title, finding.rule, excuse(suppressed));
        json!({ "level": "info", "value": printable(&text) })
    });
    incidents.chain(suppressed).collect()
}

fn vulnerability(finding: &Finding, location: &Location) -> Value {
    let git = location.git.as_ref();
    let mut commit = json!({ "sha": git.and_then(|g| g.commit.as_deref()).unwrap_or(NO_COMMIT) });
    if let Some(date) = git.and_then(|g| g.author_date) {
        commit["date"] = json!(rfc3339(date));
    }
    let mut place = json!({ "file": path(location), "commit": commit });
    if let Some(line) = location.line {
        place["start_line"] = json!(line);
        place["end_line"] = json!(line);
    }
    let sha = place["commit"]["sha"].as_str().unwrap_or_default();
    json!({
        // The same in every scan, so that pipelines can be compared.
        "id": format!("{}|{sha}|{}|{}", finding.fingerprint, path(location), location.offset),
        "name": cut(&finding.title, MAX_NAME),
        "description": format!("{}\n\n{}.{}", finding.description, finding.proof.statement, layer_sentence(location)),
        "severity": severity(finding.severity),
        "solution": cut(&finding.remediation, MAX_SOLUTION),
        "identifiers": [{
            "type": "keysweep_rule_id",
            "name": format!("keysweep rule {}", finding.rule),
            "value": finding.rule,
        }],
        "details": {
            "fingerprint": { "name": "Fingerprint", "type": "text", "value": finding.fingerprint },
            "proof": { "name": "Proof", "type": "text", "value": finding.proof.level.name() },
        },
        "location": place,
    })
}

fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "Critical",
        Severity::High => "High",
        Severity::Medium => "Medium",
        Severity::Low => "Low",
        Severity::Info => "Info",
    }
}

/// `yyyy-mm-ddThh:mm:ss`: the schema takes no zone.
fn time(seconds: i64) -> String {
    rfc3339(seconds).trim_end_matches('Z').to_owned()
}

fn cut(text: &str, characters: usize) -> String {
    text.chars().take(characters).collect()
}
