//! `keysweep explain`: why an exposure is one, and what a rule of exposures looks for.

use crate::args::ExplainArgs;
use crate::{CLEAN, Error};
use keysweep_engine::Report;
use keysweep_exposure::Rules;
use keysweep_report::Style;
use std::fmt::Write as _;

pub(crate) fn run(args: &ExplainArgs) -> Result<u8, Error> {
    let text = match &args.report {
        Some(path) => of_report(&crate::scan::read(path)?, &path.display().to_string(), &args.id)?,
        None => of_rule(&args.id)?,
    };
    crate::rules::print(&text)?;
    Ok(CLEAN)
}

/// What a report says of an exposure, or of a key.
fn of_report(json: &[u8], name: &str, id: &str) -> Result<String, Error> {
    let report: Report = serde_json::from_slice(json)
        .map_err(|e| Error::Usage(format!("{name}: no report of keysweep in JSON: {e}")))?;
    let is_key =
        |fingerprint: &str| fingerprint.starts_with(id) || fingerprint.split(':').any(|hash| hash.starts_with(id));
    let exposures = report.exposures.iter().filter(|e| e.id.starts_with(id) || e.keys.iter().any(|key| is_key(key)));
    let findings = report.findings.iter().filter(|f| is_key(&f.fingerprint));
    let told =
        Report { exposures: exposures.cloned().collect(), findings: findings.cloned().collect(), ..Report::default() };
    if told.exposures.is_empty() && told.findings.is_empty() {
        return Err(Error::Usage(format!("{name}: no exposure or finding '{id}'")));
    }
    let mut text = Vec::new();
    keysweep_report::write_details(&told, Style { color: false, width: 100 }, &mut text)?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// What a rule looks for.
fn of_rule(id: &str) -> Result<String, Error> {
    let rules = Rules::builtin();
    let Some(rule) = rules.get(id.split(':').next().unwrap_or(id)) else {
        let known: Vec<&str> = rules.exposures.iter().map(|rule| rule.id.as_str()).collect();
        return Err(Error::Usage(format!("no rule of exposures '{id}'; there are {}", known.join(", "))));
    };
    let mut text = format!("{} ({})\n{}\n", rule.id, rule.severity, rule.title);
    if !rule.description.is_empty() {
        let _ = writeln!(text, "\n{}", rule.description);
    }
    text.push_str("\nThe chain:\n");
    for (index, link) in rule.link.iter().enumerate() {
        let _ = writeln!(text, "  {}. {} ({})", index + 1, link.say, link.fact);
        if !link.breaks.is_empty() {
            let _ = writeln!(text, "     broken if you {}", link.breaks);
        }
    }
    text.push_str("\nWhat to do:\n");
    rule.fix.iter().for_each(|fix| _ = writeln!(text, "  - {fix}"));
    rule.references.iter().for_each(|reference| _ = writeln!(text, "  {reference}"));
    Ok(text)
}
