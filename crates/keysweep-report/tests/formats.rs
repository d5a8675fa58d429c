//! The formats of other tools, on reports with hostile names.

use keysweep_engine::Report;
use keysweep_report::{write_github, write_gitlab, write_junit};
use keysweep_rules::Severity;
use quick_xml::Reader;
use quick_xml::events::Event;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A file name that tries to end an XML attribute, to begin a workflow command, and to be no XML at all.
const HOSTILE: &str = "a,b:c%\"'<&>\r\n::error::x\u{0}\u{1b}[2J\u{ffff}\u{202e}]]>";

fn finding(severity: &str, git: Option<Value>) -> Value {
    let mut place = json!({ "path": HOSTILE, "offset": 7, "length": 3, "form": "text", "line": 4, "column": 5 });
    if let Some(git) = git {
        place["git"] = git;
    }
    json!({
        "rule": "some-rule", "title": HOSTILE.repeat(9), "severity": severity, "purpose": "service",
        "fingerprint": "spki-sha256:01", "proof": { "level": "proven", "statement": HOSTILE },
        "locations": [place], "description": "Why.", "remediation": HOSTILE.repeat(400),
    })
}

fn report(findings: Vec<Value>, incidents: Value) -> Report {
    let stats = json!({ "files": 2, "bytes": 9, "skipped": 0, "milliseconds": 1_234 });
    serde_json::from_value(json!({ "findings": findings, "incidents": incidents, "dumps": [], "stats": stats }))
        .unwrap()
}

fn everything() -> Report {
    let mut report = some();
    let suppressed =
        json!({ "by": "baseline", "reason": HOSTILE, "until": "2027-01-31", "finding": finding("high", None) });
    report.suppressed.push(serde_json::from_value(suppressed).unwrap());
    report
}

fn some() -> Report {
    let git = json!({ "commit": "c0ffee", "author_date": 0, "path": "in/git", "blob": "b", "in_head": true, "pushed": false });
    let incidents = json!([
        { "path": HOSTILE, "message": HOSTILE, "incomplete": true },
        { "path": "note", "message": "only a note", "incomplete": false },
    ]);
    report(vec![finding("critical", Some(git)), finding("medium", None), finding("info", None)], incidents)
}

fn written(write: impl FnOnce(&mut Vec<u8>) -> std::io::Result<()>) -> String {
    let mut bytes = Vec::new();
    write(&mut bytes).unwrap();
    String::from_utf8(bytes).unwrap()
}

#[test]
fn nothing_in_annotations_begins_another_command() {
    let text = written(|out| write_github(&everything(), out));
    let lines: Vec<&str> = text.lines().collect();
    let commands: Vec<&str> = lines.iter().filter_map(|l| l.strip_prefix("::")?.split(' ').next()).collect();
    assert_eq!(commands, ["error", "error", "warning", "notice", "notice"]);
    assert_eq!(lines.len(), 7, "{text}");
    assert!(lines[5].starts_with("let pass: a,b:c%25") && lines[5].contains("by baseline: a,b"), "{text}");
    assert_eq!(*lines.last().unwrap(), "keysweep: 3 findings, 1 let pass, 0 below the threshold, 2 files, incomplete");
    assert!(!text.contains(['\r', '\0', '\u{1b}', '\u{202e}']));
    for line in &lines[..5] {
        // Properties end at the first `::`, and are as many as were written.
        let (properties, _) = line[2..].split_once("::").unwrap();
        let (_, properties) = properties.split_once(' ').unwrap();
        assert!(
            properties.split(',').all(|p| p.split_once('=').is_some_and(|(_, value)| !value.contains(':'))),
            "{line}"
        );
        assert!([2, 4].contains(&properties.split(',').count()), "{line}");
    }
    assert!(lines[1].starts_with("::error file=in/git,line=4,col=5,title=") && lines[1].contains("In commit c0ffee."));
    assert!(lines[2].starts_with("::warning file=a%2Cb%3Ac%25\"'<&>"));
}

/// What the schema 15.2.1 demands of a report.
#[test]
fn gitlab_reports_have_what_the_schema_demands() {
    for (report, status) in [(everything(), "failure"), (report(Vec::new(), json!([])), "success")] {
        let text = written(|out| write_gitlab(&report, out));
        let document: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(document["version"], "15.2.1");
        let scan = &document["scan"];
        assert_eq!((&scan["status"], &scan["type"]), (&json!(status), &json!("secret_detection")));
        for time in ["start_time", "end_time"] {
            let digits = scan[time].as_str().unwrap().replace(|c: char| c.is_ascii_digit(), "d");
            assert_eq!(digits, "dddd-dd-ddTdd:dd:dd");
        }
        assert!(scan["start_time"].as_str() <= scan["end_time"].as_str());
        for tool in ["analyzer", "scanner"] {
            let filled = |value: &Value| value.as_str().is_some_and(|text| !text.is_empty());
            assert!(["id", "name", "version"].iter().all(|member| filled(&scan[tool][member])));
            assert!(
                filled(&scan[tool]["vendor"]["name"]) && scan[tool]["url"].as_str().unwrap().starts_with("https://")
            );
        }
        for message in scan["messages"].as_array().unwrap() {
            assert!(["info", "warn", "fatal"].contains(&message["level"].as_str().unwrap()));
            assert!(!message["value"].as_str().unwrap().is_empty());
        }
        let vulnerabilities = document["vulnerabilities"].as_array().unwrap();
        assert_eq!(vulnerabilities.len(), report.findings.len());
        vulnerabilities.iter().for_each(check_vulnerability);
    }
    let text = written(|out| write_gitlab(&everything(), out));
    let document: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(document["scan"]["messages"].as_array().unwrap().len(), 3);
    let place = &document["vulnerabilities"][0]["location"];
    let commit = json!({ "sha": "c0ffee", "date": "1970-01-01T00:00:00Z" });
    assert_eq!(place, &json!({ "file": "in/git", "commit": commit, "start_line": 4, "end_line": 4 }));
    assert_eq!(document["vulnerabilities"][2]["location"]["commit"]["sha"], "0000000");
}

fn check_vulnerability(vulnerability: &Value) {
    let text = |member: &str| vulnerability[member].as_str().unwrap();
    assert!(!text("id").is_empty());
    assert!(text("name").chars().count() <= 255 && text("solution").chars().count() <= 7_000);
    assert!(["Info", "Unknown", "Low", "Medium", "High", "Critical"].contains(&text("severity")));
    let identifiers = vulnerability["identifiers"].as_array().unwrap();
    for member in ["type", "name", "value"] {
        assert!(!identifiers[0][member].as_str().unwrap().is_empty());
    }
    for detail in vulnerability["details"].as_object().unwrap().values() {
        assert_eq!(detail["type"], "text");
        assert!(detail["value"].is_string() && !detail["name"].as_str().unwrap().is_empty());
    }
    let place = &vulnerability["location"];
    assert!(place["file"].is_string() && !place["commit"]["sha"].as_str().unwrap().is_empty());
    assert!(place["start_line"].is_u64() && place["end_line"].is_u64());
}

/// Elements by name, with the attributes of the suite.
fn parsed(text: &str) -> (BTreeMap<String, usize>, BTreeMap<String, String>) {
    let allowed =
        |c: char| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..);
    assert!(text.chars().all(allowed));
    let (mut elements, mut suite) = (BTreeMap::new(), BTreeMap::new());
    let mut reader = Reader::from_str(text);
    loop {
        match reader.read_event().unwrap() {
            Event::Eof => return (elements, suite),
            Event::Start(element) | Event::Empty(element) => {
                let name = element.name().as_ref().to_owned();
                for attribute in element.attributes() {
                    let attribute = attribute.unwrap();
                    let value = quick_xml::escape::unescape(&attribute.value).unwrap().into_owned();
                    if name == "testsuite" {
                        suite.insert(attribute.key.as_ref().to_owned(), value);
                    }
                }
                *elements.entry(name).or_default() += 1;
            }
            _ => {}
        }
    }
}

#[test]
fn test_reports_are_xml_and_count_what_fails() {
    let (elements, suite) = parsed(&written(|out| write_junit(&everything(), Severity::Medium, out)));
    let count = |name: &str| elements.get(name).copied().unwrap_or_default();
    assert_eq!((count("testcase"), count("failure"), count("skipped"), count("error")), (6, 2, 2, 1));
    for (attribute, value) in [("tests", "6"), ("failures", "2"), ("skipped", "2"), ("errors", "1"), ("time", "1.234")]
    {
        assert_eq!(suite[attribute], value, "{attribute}");
    }
    let (elements, suite) = parsed(&written(|out| write_junit(&report(Vec::new(), json!([])), Severity::Low, out)));
    assert_eq!((elements["testcase"], suite["tests"].as_str(), suite["errors"].as_str()), (1, "1", "0"));
}
