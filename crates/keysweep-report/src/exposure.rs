//! Exposures for people: the chain, link by link, and what to do.

use crate::text::{Rows, Style, severity_color};
use anstyle::Style as Ansi;
use keysweep_facts::Exposure;
use keysweep_rules::Severity;
use std::io::{self, Write};

/// Evidence shown of one link; the other formats show all.
const SHOWN_EVIDENCE: usize = 3;

/// One exposure.
pub(crate) fn write(exposure: &Exposure, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let severity: Severity = exposure.severity.parse().unwrap_or(Severity::High);
    writeln!(
        out,
        "{} {}  [exposure]",
        style.paint(severity_color(severity), &format!("{:<8}", exposure.severity.to_uppercase())),
        style.paint(Ansi::new().bold(), &crate::text::printable(&exposure.title)),
    )?;
    let mut rows = Rows { style, out };
    for (index, link) in exposure.links.iter().enumerate() {
        rows.row(if index == 0 { "chain" } else { "" }, &format!("{}. {}", index + 1, link.say))?;
        let evidence: Vec<&str> = link.evidence.iter().take(SHOWN_EVIDENCE).map(String::as_str).collect();
        rows.row("", &format!("   because {}", evidence.join("; ")))?;
        if !link.breaks.is_empty() {
            rows.row("", &format!("   broken if you {}", link.breaks))?;
        }
    }
    for (index, fix) in exposure.fix.iter().enumerate() {
        rows.row(if index == 0 { "do first" } else { "then" }, fix)?;
    }
    if exposure.more > 0 {
        rows.row("also", &format!("{} other ways to the same key", exposure.more))?;
    }
    rows.row("id", &exposure.id)
}
