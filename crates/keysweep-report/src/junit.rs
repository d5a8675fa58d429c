//! JUnit XML, as continuous integration shows results of tests. There is no standard; the elements are those that Ant's task
//! writes and Jenkins, GitLab and Azure read.

use crate::place::{MAX_PLACES, excuse, layer_text, path};
use crate::text::printable;
use keysweep_engine::Report;
use keysweep_engine::finding::{Finding, Incident, Location, WHOLE_FILE};
use keysweep_rules::Severity;
use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};
use std::io::{self, Write};

/// A test case for each place of each finding: failed from the severity `fail_on` on, else skipped, as what is let pass; an erroneous one for whatever
/// could not be looked at; and one for the scan itself, so that a report never is without a test.
///
/// # Errors
///
/// `out` cannot be written.
pub fn write_junit(report: &Report, fail_on: Severity, out: &mut dyn Write) -> io::Result<()> {
    let cases = cases(report, fail_on);
    let unseen: Vec<&Incident> = report.incidents.iter().filter(|i| i.incomplete).collect();
    let failures = cases.iter().filter(|case| case.excuse.is_none()).count();
    let milliseconds = report.stats.milliseconds;
    let counts = [
        ("name", "keysweep".to_owned()),
        ("tests", (cases.len() + unseen.len() + 1).to_string()),
        ("failures", failures.to_string()),
        ("errors", unseen.len().to_string()),
        ("skipped", (cases.len() - failures).to_string()),
        ("time", format!("{}.{:03}", milliseconds / 1_000, milliseconds % 1_000)),
    ];
    let counts: Vec<(&str, &str)> = counts.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let mut xml = Writer::new_with_indent(&mut *out, b' ', 2);
    xml.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    xml.create_element("testsuites").with_attributes(counts.iter().copied()).write_inner_content(|xml| {
        xml.create_element("testsuite").with_attributes(counts.iter().copied()).write_inner_content(|xml| {
            let name = format!("{} files read", report.stats.files);
            let scan = [("classname", "keysweep"), ("name", name.as_str())];
            xml.create_element("testcase").with_attributes(scan).write_empty()?;
            unseen.iter().try_for_each(|incident| error(xml, incident))?;
            cases.iter().try_for_each(|case| write_case(xml, case))
        })?;
        Ok(())
    })?;
    writeln!(out)
}

/// A finding at a place, and why it does not fail the gate.
struct Case<'a> {
    finding: &'a Finding,
    place: &'a Location,
    excuse: Option<String>,
}

fn cases(report: &Report, fail_on: Severity) -> Vec<Case<'_>> {
    let findings = report.findings.iter().map(|finding| {
        let excuse = (finding.severity < fail_on).then(|| format!("{}, below what fails", finding.severity));
        (finding, excuse)
    });
    let suppressed = report.suppressed.iter().map(|s| (&s.finding, Some(format!("let pass by {}", excuse(s)))));
    let all = findings.chain(suppressed);
    all.flat_map(|(finding, excuse)| {
        let places = finding.locations.iter().take(MAX_PLACES);
        places.map(move |place| Case { finding, place, excuse: excuse.clone() })
    })
    .collect()
}

fn error<W: Write>(xml: &mut Writer<W>, incident: &Incident) -> io::Result<()> {
    let (name, message) = (clean(&incident.path), clean(&incident.message));
    let case = [("classname", "keysweep.incomplete"), ("name", name.as_str())];
    xml.create_element("testcase").with_attributes(case).write_inner_content(|xml| {
        let cause = [("type", "incomplete"), ("message", message.as_str())];
        xml.create_element("error").with_attributes(cause).write_empty()?;
        Ok(())
    })?;
    Ok(())
}

fn write_case<W: Write>(xml: &mut Writer<W>, case: &Case<'_>) -> io::Result<()> {
    let Case { finding, place, excuse } = case;
    let (class, file) = (format!("keysweep.{}", clean(&finding.rule)), clean(path(place)));
    let at = match place.line {
        Some(line) => format!(", line {line}"),
        None if place.form == WHOLE_FILE => String::new(),
        None => format!(", offset {}", place.offset),
    };
    let name = format!("{file}{at}: {}", clean(&finding.title));
    let line = place.line.map(|line| line.to_string());
    let named = [("classname", class.as_str()), ("name", name.as_str()), ("file", file.as_str())];
    let named = named.into_iter().chain(line.as_deref().map(|line| ("line", line)));
    xml.create_element("testcase").with_attributes(named).write_inner_content(|xml| {
        let severity = finding.severity.to_string();
        let message = format!("{}: {}", clean(&finding.title), clean(&finding.proof.statement));
        if let Some(excuse) = excuse {
            let message = format!("{message} ({})", clean(excuse));
            xml.create_element("skipped").with_attribute(("message", message.as_str())).write_empty()?;
            return Ok(());
        }
        let commit = place.git.as_ref().and_then(|git| git.commit.as_ref());
        let commit = commit.map(|id| format!("\nCommit: {id}")).unwrap_or_default();
        let layer =
            place.layer.as_ref().map(|layer| format!("\nImage: {}", clean(&layer_text(layer)))).unwrap_or_default();
        let text = format!("{}\nFingerprint: {}{commit}{layer}", clean(&finding.remediation), finding.fingerprint);
        let failure = [("type", severity.as_str()), ("message", message.as_str())];
        xml.create_element("failure").with_attributes(failure).write_text_content(BytesText::new(&text))?;
        Ok(())
    })?;
    Ok(())
}

/// Text without what no XML document may hold, escaped or not (XML 1.0, production 2).
fn clean(text: &str) -> String {
    printable(text).replace(['\u{fffe}', '\u{ffff}'], "\u{fffd}")
}
