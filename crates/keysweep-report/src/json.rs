//! JSON: one document, or one object a line.

use crate::escaping::write_value;
use keysweep_engine::Report;
use serde::Serialize;
use serde_json::json;
use std::io::{self, Write};

/// Version of the JSON's shape. Adding members does not change it.
const SCHEMA: u32 = 1;

#[derive(Serialize)]
struct Document<'a> {
    tool: &'static str,
    version: &'static str,
    schema: u32,
    complete: bool,
    #[serde(flatten)]
    report: &'a Report,
}

/// The whole report as one JSON document.
///
/// # Errors
///
/// `out` cannot be written.
pub fn write_json(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let document = Document {
        tool: "keysweep",
        version: env!("CARGO_PKG_VERSION"),
        schema: SCHEMA,
        complete: report.is_complete(),
        report,
    };
    write_value(&document, true, out)?;
    writeln!(out)
}

/// JSON Lines: a line for each finding (also those that are known or allowed), incident, dump and fact, one for a hunt, and a last one with the counters. The member `type` tells
/// them apart.
///
/// # Errors
///
/// `out` cannot be written.
pub fn write_jsonl(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    for finding in &report.findings {
        line("finding", finding, out)?;
    }
    for suppressed in &report.suppressed {
        line("suppressed", suppressed, out)?;
    }
    for incident in &report.incidents {
        line("incident", incident, out)?;
    }
    for dump in &report.dumps {
        line("dump", dump, out)?;
    }
    if let Some(hunt) = &report.hunt {
        line("hunt", hunt, out)?;
    }
    for exposure in &report.exposures {
        line("exposure", exposure, out)?;
    }
    for fact in &report.facts {
        line("fact", fact, out)?;
    }
    let summary = json!({
        "tool": "keysweep",
        "version": env!("CARGO_PKG_VERSION"),
        "schema": SCHEMA,
        "complete": report.is_complete(),
        "findings": report.findings.len(),
        "suppressed": report.suppressed.len(),
        "below_threshold": report.below_threshold,
        "stats": report.stats,
    });
    line("summary", &summary, out)
}

#[derive(Serialize)]
struct Line<'a, T> {
    r#type: &'static str,
    #[serde(flatten)]
    value: &'a T,
}

fn line<T: Serialize>(kind: &'static str, value: &T, out: &mut dyn Write) -> io::Result<()> {
    write_value(&Line { r#type: kind, value }, false, out)?;
    writeln!(out)
}
