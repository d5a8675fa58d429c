//! SARIF 2.1.0 (OASIS standard), as GitHub and other code scanning services read it.

use crate::escaping::write_value;
use crate::place::{layer_sentence, level};
use keysweep_engine::finding::{Finding, Location};
use keysweep_engine::{Report, Suppressed, Suppressor};
use keysweep_rules::{RuleSet, Severity};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{self, Write};

/// Results a code scanning service takes for one finding: one for each place, but not thousands.
const MAX_RESULTS_PER_FINDING: usize = 100;

/// The report as SARIF. `rules` describes the rules that findings name.
///
/// Every place is a result of its own, since services show a result at one place only; all places of a secret carry the
/// same `partialFingerprints`, with the place's path beside it so that they stay apart.
///
/// # Errors
///
/// `out` cannot be written.
pub fn write_sarif(report: &Report, rules: &RuleSet, out: &mut dyn Write) -> io::Result<()> {
    let all =
        || report.findings.iter().map(|f| (f, None)).chain(report.suppressed.iter().map(|s| (&s.finding, Some(s))));
    let used: BTreeMap<&str, &Finding> = all().map(|(f, _)| (f.rule.as_str(), f)).collect();
    let index: BTreeMap<&str, usize> = used.keys().enumerate().map(|(i, id)| (*id, i)).collect();
    let descriptors: Vec<Value> = used.values().map(|finding| descriptor(finding, rules)).collect();
    let results: Vec<Value> = all()
        .flat_map(|(finding, suppressed)| {
            let places = finding.locations.iter().take(MAX_RESULTS_PER_FINDING);
            places.map(move |location| (finding, suppressed, location))
        })
        .map(|(finding, suppressed, location)| result(finding, suppressed, location, index[finding.rule.as_str()]))
        .collect();
    let notifications: Vec<Value> = report
        .incidents
        .iter()
        .map(|incident| {
            json!({
                "level": if incident.incomplete { "error" } else { "note" },
                "message": { "text": incident.message },
                "locations": [{ "physicalLocation": { "artifactLocation": artifact(&incident.path) } }],
            })
        })
        .collect();
    let mut log = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "keysweep",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "informationUri": env!("CARGO_PKG_REPOSITORY"),
                "rules": descriptors,
            }},
            "invocations": [{
                "executionSuccessful": report.is_complete(),
                "toolExecutionNotifications": notifications,
            }],
            "columnKind": "utf16CodeUnits",
            "results": results,
        }],
    });
    if !report.facts.is_empty() {
        log["runs"][0]["properties"] = json!({ "facts": report.facts, "exposures": report.exposures });
    }
    write_value(&log, true, out)?;
    writeln!(out)
}

fn descriptor(finding: &Finding, rules: &RuleSet) -> Value {
    let rule = rules.get(&finding.rule);
    let name = rule.map_or(finding.title.as_str(), |r| r.name.as_str());
    let severity = rule.map_or(finding.severity, |r| r.severity);
    let mut descriptor = json!({
        "id": finding.rule,
        "name": name,
        "shortDescription": { "text": name },
        "fullDescription": { "text": finding.description },
        "help": { "text": format!("{}\n\n{}", finding.description, finding.remediation) },
        "defaultConfiguration": { "level": level(severity) },
        "properties": {
            "tags": ["security", "secret", finding.purpose.to_string()],
            "security-severity": score(severity),
            "precision": "very-high",
        },
    });
    if let Some(reference) = rule.and_then(|r| r.references.first()) {
        descriptor["helpUri"] = json!(reference);
    }
    descriptor
}

fn result(finding: &Finding, suppressed: Option<&Suppressed>, location: &Location, rule_index: usize) -> Value {
    let mut properties = json!({
        "severity": finding.severity.to_string(),
        "proof": finding.proof.level.name(),
        "proofStatement": finding.proof.statement,
        "purpose": finding.purpose.to_string(),
        "form": location.form,
    });
    if let Some(key) = &finding.key {
        properties["key"] = json!(key);
    }
    if let Some(region) = &location.region {
        properties["region"] = json!(region);
    }
    if let Some(git) = &location.git {
        properties["git"] = json!(git);
    }
    if let Some(layer) = &location.layer {
        properties["layer"] = json!(layer);
    }
    let mut result = json!({
        "ruleId": finding.rule,
        "ruleIndex": rule_index,
        "level": level(finding.severity),
        "message": { "text": format!("{}{}", message(finding), layer_sentence(location)) },
        "locations": [{ "physicalLocation": physical(location) }],
        "partialFingerprints": {
            "keysweepSecret/v1": finding.fingerprint,
            "keysweepPlace/v1": format!("{}|{}", finding.fingerprint, location.path),
        },
        "properties": properties,
    });
    if let Some(suppressed) = suppressed {
        result["suppressions"] = json!([suppression(suppressed)]);
    } else if finding.known_public.is_some() {
        result["suppressions"] = json!([{ "kind": "external", "justification": finding.known_public }]);
    }
    result
}

fn suppression(suppressed: &Suppressed) -> Value {
    let kind = if suppressed.by == Suppressor::Inline { "inSource" } else { "external" };
    let mut text = suppressed.by.name().to_owned();
    if let Some(reason) = &suppressed.reason {
        text = format!("{text}: {reason}");
    }
    if let Some(until) = &suppressed.until {
        text = format!("{text} (until {until})");
    }
    json!({ "kind": kind, "justification": text })
}

fn message(finding: &Finding) -> String {
    let preview = finding.preview.as_ref().map(|p| format!(" ({p})")).unwrap_or_default();
    format!("{}{preview}: {}. {}", finding.title, finding.proof.statement, finding.remediation)
}

fn physical(location: &Location) -> Value {
    let region = match (location.line, location.column) {
        (Some(line), Some(column)) => {
            json!({ "startLine": line, "startColumn": column, "byteOffset": location.offset, "byteLength": location.length })
        }
        // A result without a line is not shown: line 1 stands for the whole file.
        _ => json!({ "startLine": 1, "byteOffset": location.offset, "byteLength": location.length }),
    };
    // Code scanning services know files by their paths in the repository.
    let path = location.git.as_ref().map_or(&location.path, |git| &git.path);
    let mut physical = json!({ "artifactLocation": artifact(path), "region": region });
    // Readers take the number as a signed 64-bit integer; kernel addresses do not fit.
    if let Some(address) = location.address.filter(|a| i64::try_from(*a).is_ok()) {
        physical["address"] = json!({ "absoluteAddress": address });
    }
    physical
}

/// A path as a URI reference (RFC 3986), percent-encoded.
fn artifact(path: &str) -> Value {
    let path = path.strip_prefix("./").unwrap_or(path).replace('\\', "/");
    let mut uri = if path.starts_with('/') { "file://".to_owned() } else { String::new() };
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/!$&'()*+,;=@".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            uri.push_str(&format!("%{byte:02X}"));
        }
    }
    json!({ "uri": uri })
}

/// GitHub's numeric severity, as a string: over 9 critical, over 7 high, over 4 medium.
fn score(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "9.5",
        Severity::High => "8.0",
        Severity::Medium => "5.5",
        Severity::Low => "3.0",
        Severity::Info => "0.0",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_become_uris() {
        assert_eq!(artifact("a b/ü#1.pem")["uri"], "a%20b/%C3%BC%231.pem");
        assert_eq!(artifact("/etc/k.pem")["uri"], "file:///etc/k.pem");
        assert_eq!(artifact("./x")["uri"], "x");
        assert_eq!(artifact("c:x")["uri"], "c%3Ax");
    }
}
