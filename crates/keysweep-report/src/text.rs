//! The report for people: what, where, why it matters, what to do.

use crate::place::layer_text;
use crate::when::date;
use anstyle::{AnsiColor, Style as Ansi};
use keysweep_engine::finding::{Finding, GitPlace, Location, WHOLE_FILE};
use keysweep_engine::{ProofLevel, Report, Suppressor};
use keysweep_rules::Severity;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, Write};
use unicode_width::UnicodeWidthStr;

/// Places shown of one finding; the other formats list them all.
const SHOWN_LOCATIONS: usize = 8;
/// Incidents shown; the other formats list them all.
const SHOWN_INCIDENTS: usize = 20;
/// Width of the column of names.
const NAMES: usize = 10;

/// How to write for the reader's terminal.
#[derive(Debug, Clone, Copy)]
pub struct Style {
    /// Use colour.
    pub color: bool,
    /// Columns to wrap at.
    pub width: usize,
}

impl Style {
    pub(crate) fn paint(self, ansi: Ansi, text: &str) -> String {
        if self.color { format!("{ansi}{text}{ansi:#}") } else { text.to_owned() }
    }
}

/// The report for people.
///
/// # Errors
///
/// `out` cannot be written.
pub fn write_text(report: &Report, style: Style, out: &mut dyn Write) -> io::Result<()> {
    write_details(report, style, out)?;
    if let Some(hunt) = &report.hunt {
        writeln!(out, "{}", crate::hunt::section(report, hunt))?;
    }
    crate::account::write(&report.facts, style, out)?;
    write_incidents(report, style, out)?;
    writeln!(out, "{}", summary(report))
}

/// The exposures and findings alone.
///
/// # Errors
///
/// `out` cannot be written.
pub fn write_details(report: &Report, style: Style, out: &mut dyn Write) -> io::Result<()> {
    for exposure in &report.exposures {
        crate::exposure::write(exposure, style, out)?;
        writeln!(out)?;
    }
    for finding in &report.findings {
        write_finding(finding, style, out)?;
        writeln!(out)?;
    }
    Ok(())
}

fn write_finding(finding: &Finding, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let severity = format!("{:<8}", severity_name(finding.severity).to_uppercase());
    let proof = match finding.proof.level {
        ProofLevel::Proven => style.paint(AnsiColor::Green.on_default(), "proven"),
        level => style.paint(Ansi::new().dimmed(), level.name()),
    };
    let known = if finding.known_public.is_some() { ", known-public" } else { "" };
    writeln!(
        out,
        "{} {}  [{proof}{known}]",
        style.paint(severity_color(finding.severity), &severity),
        style.paint(Ansi::new().bold(), &printable(&finding.title)),
    )?;
    let mut rows = Rows { style, out };
    for (index, location) in finding.locations.iter().take(SHOWN_LOCATIONS).enumerate() {
        rows.row(if index == 0 { "where" } else { "" }, &place(location))?;
    }
    let hidden = finding.locations.len().saturating_sub(SHOWN_LOCATIONS) as u64 + finding.more_locations;
    if hidden > 0 {
        rows.row("", &format!("and {hidden} more place{}", plural(hidden)))?;
    }
    write_facts(finding, &mut rows)?;
    rows.row("why", &finding.description)?;
    rows.row("do", &finding.remediation)?;
    rows.row("rule", &finding.rule)
}

fn write_facts(finding: &Finding, rows: &mut Rows<'_>) -> io::Result<()> {
    if let Some(preview) = &finding.preview {
        rows.row("secret", preview)?;
    }
    rows.row("purpose", &finding.purpose.to_string().replace('-', " "))?;
    if let Some(key) = &finding.key {
        rows.row("protection", &key.protection)?;
        if let Some(comment) = &key.comment {
            rows.row("comment", comment)?;
        }
    }
    rows.row("proof", &finding.proof.statement)?;
    rows.row("name", &finding.fingerprint)?;
    if let Some(ssh) = finding.key.as_ref().and_then(|k| k.ssh_sha256.as_ref()) {
        rows.row("", &format!("SSH {ssh}"))?;
    }
    for (name, value) in &finding.details {
        rows.row(name, value)?;
    }
    for certificate in finding.certificates.iter().take(3) {
        let ca = if certificate.ca { ", a CA" } else { "" };
        let until = date(certificate.not_after);
        rows.row(
            "trusted as",
            &format!("{} (issued by {}{ca}, until {until})", certificate.subject, certificate.issuer),
        )?;
    }
    if let Some(source) = &finding.known_public {
        rows.row("published", source)?;
    }
    Ok(())
}

/// `dump.core, offset 0x1a2b (1,192 bytes), address 0x7f…, heap: PKCS#8 DER in base64`.
pub(crate) fn place(location: &Location) -> String {
    let mut text = location.path.clone();
    match (location.line, location.column) {
        (Some(line), Some(column)) => write!(text, ":{line}:{column}"),
        _ if location.form == WHOLE_FILE => Ok(()),
        _ => write!(text, ", offset {:#x}", location.offset),
    }
    .expect("writing to a string does not fail");
    if let Some(address) = location.address {
        write!(text, ", address {address:#x}").expect("writing to a string does not fail");
    }
    if let Some(region) = &location.region {
        write!(text, ", {region}").expect("writing to a string does not fail");
    }
    let mut form = location.structure.clone().unwrap_or_else(|| location.form.clone());
    for wrapping in location.wrapping.iter().rev() {
        write!(form, " in {wrapping}").expect("writing to a string does not fail");
    }
    if form != "text" && form != WHOLE_FILE {
        write!(text, ": {form}").expect("writing to a string does not fail");
    }
    if let Some(layer) = &location.layer {
        write!(text, " ({})", layer_text(layer)).expect("writing to a string does not fail");
    }
    if let Some(git) = &location.git {
        write!(text, " ({})", history(git)).expect("writing to a string does not fail");
    }
    text
}

/// `committed 2024-01-31, still in HEAD, pushed`.
fn history(git: &GitPlace) -> String {
    let commit = match (&git.commit, git.author_date) {
        (Some(_), Some(at)) => format!("committed {}", date(at)),
        (Some(_), None) => "committed".to_owned(),
        (None, _) => "in no commit".to_owned(),
    };
    let head = if git.in_head { "still in HEAD" } else { "not in HEAD" };
    let pushed = if git.pushed { "pushed" } else { "not pushed" };
    format!("{commit}, {head}, {pushed}")
}

fn write_incidents(report: &Report, style: Style, out: &mut dyn Write) -> io::Result<()> {
    for (incomplete, heading) in [(true, "Not looked at:"), (false, "Notes:")] {
        let incidents: Vec<_> = report.incidents.iter().filter(|i| i.incomplete == incomplete).collect();
        if incidents.is_empty() {
            continue;
        }
        let color = if incomplete { AnsiColor::Yellow.on_default().bold() } else { Ansi::new().bold() };
        writeln!(out, "{}", style.paint(color, heading))?;
        for incident in incidents.iter().take(SHOWN_INCIDENTS) {
            writeln!(out, "  {}: {}", printable(&incident.path), printable(&incident.message))?;
        }
        if incidents.len() > SHOWN_INCIDENTS {
            writeln!(out, "  and {} more", incidents.len() - SHOWN_INCIDENTS)?;
        }
        writeln!(out)?;
    }
    Ok(())
}

fn summary(report: &Report) -> String {
    let count = report.findings.len() as u64;
    let mut text = format!("{count} finding{}", plural(count));
    let severities = [Severity::Critical, Severity::High, Severity::Medium, Severity::Low, Severity::Info];
    let parts: Vec<String> = severities
        .into_iter()
        .map(|s| (s, report.findings.iter().filter(|f| f.severity == s).count()))
        .filter(|(_, n)| *n > 0)
        .map(|(s, n)| format!("{n} {}", severity_name(s)))
        .collect();
    if !parts.is_empty() {
        let _ = write!(text, " ({})", parts.join(", "));
    }
    for (by, count) in suppressed(report) {
        let _ = write!(text, ", {count} let pass by {}", by.name());
    }
    if report.below_threshold > 0 {
        let _ = write!(text, ", {} below the threshold", report.below_threshold);
    }
    let stats = &report.stats;
    let _ = write!(
        text,
        " in {} file{}, {}, {:.1} s",
        stats.files,
        plural(stats.files),
        size(stats.bytes),
        stats.milliseconds as f64 / 1e3
    );
    if stats.skipped > 0 {
        let _ = write!(text, "; {} passed over (special, or by the size limit)", stats.skipped);
    }
    if !report.is_complete() {
        text.push_str("; INCOMPLETE");
    }
    text
}

/// How many findings pass, by what lets them.
fn suppressed(report: &Report) -> BTreeMap<Suppressor, usize> {
    let mut counts = BTreeMap::new();
    for suppressed in &report.suppressed {
        *counts.entry(suppressed.by).or_default() += 1;
    }
    counts
}

/// Writes rows of a name and a wrapped value.
pub(crate) struct Rows<'a> {
    pub(crate) style: Style,
    pub(crate) out: &'a mut dyn Write,
}

impl Rows<'_> {
    pub(crate) fn row(&mut self, name: &str, value: &str) -> io::Result<()> {
        let name = printable(name);
        let room = self.style.width.saturating_sub(NAMES + 4).max(24);
        for (index, line) in wrap(&printable(value), room).iter().enumerate() {
            let shown = if index == 0 { name.as_str() } else { "" };
            let shown = self.style.paint(Ansi::new().dimmed(), &format!("{shown:<NAMES$}"));
            writeln!(self.out, "  {shown}  {line}")?;
        }
        Ok(())
    }
}

/// Breaks at spaces; a word longer than the line stays whole, so that paths can be copied.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let line = lines.last_mut().expect("there is always a line");
        if line.is_empty() {
            line.push_str(word);
        } else if line.width() + 1 + word.width() <= width {
            line.push(' ');
            line.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines
}

/// Text without control characters: a file name must not steer the terminal.
pub fn printable(text: &str) -> String {
    text.chars().flat_map(|c| if is_unsafe(c) { c.escape_default().collect() } else { vec![c] }).collect()
}

/// Control characters, and the bidirectional and invisible formatting that make text look like other text.
pub(crate) fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

fn severity_name(severity: Severity) -> String {
    severity.to_string()
}

pub(crate) fn severity_color(severity: Severity) -> Ansi {
    match severity {
        Severity::Critical => AnsiColor::Red.on_default().bold(),
        Severity::High => AnsiColor::Red.on_default(),
        Severity::Medium => AnsiColor::Yellow.on_default(),
        Severity::Low => AnsiColor::Cyan.on_default(),
        Severity::Info => Ansi::new().dimmed(),
    }
}

fn plural(count: u64) -> &'static str {
    if count == 1 { "" } else { "s" }
}

/// Bytes in binary units.
pub(crate) fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["bytes", "KiB", "MiB", "GiB", "TiB"];
    let mut value = bytes as f64;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    if unit == 0 { format!("{bytes} bytes") } else { format!("{value:.1} {}", UNITS[unit]) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_from_scanned_files_cannot_steer_the_terminal() {
        assert_eq!(printable("a\x1b[2Jb\n\u{202e}c"), "a\\u{1b}[2Jb\\n\\u{202e}c");
        assert_eq!(printable("Ключ 鍵 é"), "Ключ 鍵 é");
    }

    #[test]
    fn wrapping_keeps_words_and_counts_columns() {
        assert_eq!(wrap("aa bb cc", 5), ["aa bb", "cc"]);
        assert_eq!(wrap("鍵鍵 鍵鍵", 8), ["鍵鍵", "鍵鍵"]);
        assert_eq!(wrap("a-very-long-path-name x", 5), ["a-very-long-path-name", "x"]);
    }

    #[test]
    fn sizes_use_binary_units() {
        assert_eq!(size(999), "999 bytes");
        assert_eq!(size(1 << 30), "1.0 GiB");
    }
}
