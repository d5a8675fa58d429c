//! HTML: one file that needs no network, can be read without scripts and printed; a script adds a filter.
//!
//! All that comes out of files is escaped, and the policy in the head lets nothing be loaded, sent or framed.

use crate::text::{place, printable};
use keysweep_engine::Report;
use keysweep_engine::finding::Finding;
use keysweep_facts::{Exposure, Fact};
use std::fmt::Write as _;
use std::io::{self, Write};

const STYLE: &str = include_str!("html/style.css");
const SCRIPT: &str = include_str!("html/script.js");

/// The whole report as one HTML document.
///
/// # Errors
///
/// `out` cannot be written.
pub fn write_html(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    write!(
        out,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; \
         script-src 'unsafe-inline'; base-uri 'none'; form-action 'none'\">\n\
         <meta name=\"referrer\" content=\"no-referrer\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>keysweep: {}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n<h1>keysweep</h1>\n",
        escape(&headline(report)),
    )?;
    summary(report, out)?;
    if !report.exposures.is_empty() {
        writeln!(out, "<h2 id=\"exposures\">Exposures</h2>")?;
        report.exposures.iter().try_for_each(|exposure| write_exposure(exposure, out))?;
    }
    if !report.findings.is_empty() {
        findings(&report.findings, out)?;
    }
    credentials(&report.facts, out)?;
    incidents(report, out)?;
    write!(out, "</main>\n<script>\n{SCRIPT}</script>\n</body>\n</html>\n")
}

fn headline(report: &Report) -> String {
    let count = |number: usize, what: &str| format!("{number} {what}{}", if number == 1 { "" } else { "s" });
    let mut parts = Vec::new();
    if !report.exposures.is_empty() {
        parts.push(count(report.exposures.len(), "exposure"));
    }
    parts.push(count(report.findings.len(), "finding"));
    if !report.is_complete() {
        parts.push("incomplete".to_owned());
    }
    parts.join(", ")
}

fn summary(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "<p class=\"headline\">{}</p>", escape(&headline(report)))?;
    if !report.is_complete() {
        writeln!(
            out,
            "<p class=\"warning\" role=\"alert\">Not everything could be looked at: see <a href=\"#incidents\">below</a>.</p>"
        )?;
    }
    if !report.suppressed.is_empty() {
        writeln!(out, "<p>{} more are known or allowed, and not shown.</p>", report.suppressed.len())?;
    }
    // Shown by the script, without which it would do nothing.
    writeln!(
        out,
        "<form id=\"filter\" role=\"search\" hidden><label>Filter <input id=\"words\" type=\"search\" autocomplete=\"off\"></label> \
         <label>Severity <select id=\"least\"><option value=\"0\">all</option><option value=\"1\">low and above</option>\
         <option value=\"2\">medium and above</option><option value=\"3\">high and above</option>\
         <option value=\"4\">critical</option></select></label> <output id=\"shown\"></output></form>"
    )
}

/// 0 to 4, for the filter.
fn rank(severity: &str) -> usize {
    ["info", "low", "medium", "high", "critical"].iter().position(|name| *name == severity).unwrap_or(0)
}

fn badge(severity: &str) -> String {
    format!("<span class=\"severity {0}\">{0}</span>", escape(severity))
}

fn write_exposure(exposure: &Exposure, out: &mut dyn Write) -> io::Result<()> {
    writeln!(
        out,
        "<article class=\"item\" data-rank=\"{}\" id=\"{}\">\n<h3>{} {}</h3>",
        rank(&exposure.severity),
        escape(&exposure.id),
        badge(&exposure.severity),
        escape(&exposure.title),
    )?;
    writeln!(out, "<figure>{}</figure>", picture(exposure))?;
    writeln!(out, "<ol class=\"chain\">")?;
    for link in &exposure.links {
        write!(out, "<li>{}", escape(&link.say))?;
        if !link.breaks.is_empty() {
            write!(out, "<br><span class=\"break\">broken if you {}</span>", escape(&link.breaks))?;
        }
        let evidence = link.evidence.iter().fold(String::new(), |mut list, evidence| {
            let _ = write!(list, "<li>{}</li>", escape(evidence));
            list
        });
        writeln!(out, "<details><summary>how it is known</summary><ul>{evidence}</ul></details></li>")?;
    }
    writeln!(out, "</ol>\n<h4>What to do</h4>\n<ol>")?;
    for fix in &exposure.fix {
        writeln!(out, "<li>{}</li>", escape(fix))?;
    }
    writeln!(out, "</ol>")?;
    if exposure.more > 0 {
        writeln!(out, "<p>There are {} other ways to the same key.</p>", exposure.more)?;
    }
    for reference in exposure.references.iter().filter(|reference| reference.starts_with("https://")) {
        writeln!(out, "<p><a href=\"{0}\" rel=\"noreferrer noopener\">{0}</a></p>", escape(reference))?;
    }
    writeln!(out, "<p class=\"id\">{}</p>\n</article>", escape(&exposure.id))
}

/// Width of a box, its height, and the room between two, in pixels of the picture.
const BOX: usize = 190;
const HEIGHT: usize = 76;
const GAP: usize = 34;
/// Boxes beside each other.
const ACROSS: usize = 4;
/// Letters of a line in a box, and lines.
const LETTERS: usize = 26;
const LINES: usize = 4;

/// The chain as a picture: a box for each link, with arrows between. The list that follows says the same in words.
fn picture(exposure: &Exposure) -> String {
    let count = exposure.links.len();
    let (across, down) = (count.min(ACROSS), count.div_ceil(ACROSS));
    let (width, height) = (across * (BOX + GAP), down * (HEIGHT + GAP));
    let mut svg = format!(
        "<svg viewBox=\"0 0 {width} {height}\" width=\"{width}\" role=\"img\" aria-label=\"{}\">",
        escape(&format!("a chain of {count} links: {}", exposure.title))
    );
    let at = |index: usize| (GAP / 2 + index % ACROSS * (BOX + GAP), GAP / 2 + index / ACROSS * (HEIGHT + GAP));
    for (index, link) in exposure.links.iter().enumerate() {
        let (x, y) = at(index);
        if index > 0 {
            let (from_x, from_y) = at(index - 1);
            let path = if from_y == y {
                format!("M{} {}H{}", from_x + BOX, y + HEIGHT / 2, x - 6)
            } else {
                // Around to the next row.
                let middle = y - GAP / 2;
                format!("M{} {}V{middle}H{}V{}", from_x + BOX / 2, from_y + HEIGHT, x + BOX / 2, y - 6)
            };
            let tip = if from_y == y {
                format!("M{} {}l-7 -4v8z", x, y + HEIGHT / 2)
            } else {
                format!("M{} {}l-4 -7h8z", x + BOX / 2, y)
            };
            let _ = write!(svg, "<path class=\"arrow\" d=\"{path}\"/><path class=\"tip\" d=\"{tip}\"/>");
        }
        let _ = write!(svg, "<rect x=\"{x}\" y=\"{y}\" width=\"{BOX}\" height=\"{HEIGHT}\" rx=\"8\"/>");
        for (line, text) in lines(&link.say).iter().enumerate() {
            let (x, y) = (x + 10, y + 18 + 16 * line);
            let _ = write!(svg, "<text x=\"{x}\" y=\"{y}\">{}</text>", escape(text));
        }
    }
    svg + "</svg>"
}

/// Text in the lines of a box, cut where there is no room.
fn lines(text: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let short: String = if word.chars().count() > LETTERS {
            word.chars()
                .take(LETTERS / 2 - 2)
                .chain("…".chars())
                .chain(word.chars().skip(word.chars().count() + 1 - LETTERS / 2))
                .collect()
        } else {
            word.to_owned()
        };
        let last = lines.last_mut().expect("there is always a line");
        if last.is_empty() {
            *last = short;
        } else if last.chars().count() + 1 + short.chars().count() <= LETTERS {
            last.push(' ');
            last.push_str(&short);
        } else {
            lines.push(short);
        }
    }
    if lines.len() > LINES {
        lines.truncate(LINES);
        lines[LINES - 1].push('…');
    }
    lines
}

fn findings(findings: &[Finding], out: &mut dyn Write) -> io::Result<()> {
    writeln!(
        out,
        "<h2 id=\"findings\">Findings</h2>\n<table>\n<thead><tr><th scope=\"col\">Severity</th><th scope=\"col\">What</th>\
         <th scope=\"col\">Where</th><th scope=\"col\">Proof</th></tr></thead>\n<tbody>"
    )?;
    for finding in findings {
        let severity = finding.severity.to_string();
        writeln!(out, "<tr class=\"item\" data-rank=\"{}\"><td>{}</td>", rank(&severity), badge(&severity))?;
        let protection = finding.key.as_ref().map_or("", |key| key.protection.as_str());
        writeln!(
            out,
            "<td><strong>{}</strong><br>{}<details><summary>why, and what to do</summary><p>{}</p><p>{}</p>\
             <p class=\"id\">{}</p></details></td>",
            escape(&finding.title),
            escape(protection),
            escape(&finding.description),
            escape(&finding.remediation),
            escape(&finding.fingerprint),
        )?;
        let shown = finding.locations.iter().take(SHOWN);
        let places = shown.fold(String::new(), |mut list, location| {
            let _ = write!(list, "<li>{}</li>", escape(&place(location)));
            list
        });
        let hidden = finding.locations.len().saturating_sub(SHOWN) as u64 + finding.more_locations;
        let more = if hidden > 0 { format!("<li>and {hidden} more</li>") } else { String::new() };
        let proof = &finding.proof;
        writeln!(
            out,
            "<td><ul>{places}{more}</ul></td><td>{}<br>{}</td></tr>",
            escape(proof.level.name()),
            escape(&proof.statement)
        )?;
    }
    writeln!(out, "</tbody>\n</table>")
}

/// Places shown of one finding.
const SHOWN: usize = 20;

/// What accounts keep, if they were swept.
fn credentials(facts: &[Fact], out: &mut dyn Write) -> io::Result<()> {
    let credentials: Vec<&Fact> = facts.iter().filter(|fact| fact.predicate == "credential").collect();
    if credentials.is_empty() {
        return Ok(());
    }
    writeln!(
        out,
        "<h2 id=\"accounts\">Credentials of accounts</h2>\n<table>\n<thead><tr><th scope=\"col\">Kept</th>\
         <th scope=\"col\">Account</th><th scope=\"col\">What</th><th scope=\"col\">Where</th><th scope=\"col\">Why</th></tr></thead>\n<tbody>"
    )?;
    for fact in credentials {
        let text = |field: &str| escape(fact.text(field).unwrap_or_default());
        let verdict = fact.text("verdict").unwrap_or_default();
        let rank = match verdict {
            "open" => 3,
            "weak" => 2,
            _ => 0,
        };
        writeln!(
            out,
            "<tr class=\"item\" data-rank=\"{rank}\"><td><span class=\"verdict {0}\">{0}</span></td><td>{1}</td><td>{2} {3}</td><td>{4}</td><td>{5}</td></tr>",
            escape(verdict),
            text("account"),
            text("tool"),
            text("kind"),
            text("path"),
            escape(&fact.evidence),
        )?;
    }
    writeln!(out, "</tbody>\n</table>")
}

fn incidents(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    if report.incidents.is_empty() {
        return Ok(());
    }
    writeln!(out, "<h2 id=\"incidents\">Not looked at, or damaged</h2>\n<ul>")?;
    for incident in &report.incidents {
        let class = if incident.incomplete { "warning" } else { "note" };
        writeln!(out, "<li class=\"{class}\">{}: {}</li>", escape(&incident.path), escape(&incident.message))?;
    }
    writeln!(out, "</ul>")
}

/// Text for elements and for attributes in double quotes, without control characters.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in printable(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use keysweep_facts::Link;

    fn report(evil: &str) -> Report {
        let link = |say: &str| Link {
            say: say.to_owned(),
            evidence: vec![evil.to_owned()],
            breaks: evil.to_owned(),
            fact: Fact::new("key", evil).with("path", evil),
        };
        let exposure = Exposure {
            id: format!("rule:{evil}"),
            rule: "rule".into(),
            severity: "critical".into(),
            title: evil.to_owned(),
            keys: vec![evil.to_owned()],
            links: (0..6).map(|_| link(evil)).collect(),
            fix: vec![evil.to_owned()],
            references: vec![format!("javascript:{evil}"), format!("https://example.org/{evil}")],
            more: 2,
        };
        let credential = Fact::new("credential", evil).with("verdict", evil).with("path", evil).with("tool", evil);
        let incident = keysweep_engine::Incident { path: evil.into(), message: evil.into(), incomplete: true };
        Report { exposures: vec![exposure], facts: vec![credential], incidents: vec![incident], ..Report::default() }
    }

    #[test]
    fn nothing_out_of_a_file_becomes_markup() {
        for evil in
            ["<script>alert(1)</script>", "\" onload=\"alert(1)", "' x='", "</title><img src=x>", "\u{1b}[31m\u{202e}"]
        {
            let mut out = Vec::new();
            write_html(&report(evil), &mut out).unwrap();
            let html = String::from_utf8(out).unwrap();
            assert!(!html.contains(evil), "{evil}");
            assert!(!html.contains("href=\"javascript"));
            // As many tags as with harmless text.
            let mut plain = Vec::new();
            write_html(&report("abc"), &mut plain).unwrap();
            let tags = |html: &str| html.matches('<').count();
            let lines_vary = html.matches("<text").count();
            let plain = String::from_utf8(plain).unwrap();
            assert_eq!(tags(&html) - 2 * lines_vary, tags(&plain) - 2 * plain.matches("<text").count(), "{evil}");
        }
    }

    #[test]
    fn long_words_are_cut_in_boxes() {
        let long = format!("the key {} lies in {}", "a".repeat(90), "/b".repeat(60));
        let lines = lines(&long);
        assert!(lines.len() <= LINES && lines.iter().all(|line| line.chars().count() <= LETTERS + 1), "{lines:?}");
    }
}
