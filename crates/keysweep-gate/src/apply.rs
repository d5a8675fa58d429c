//! Parts a report into what fails the gate and what is known or allowed.

use crate::{Baseline, Config, Day};
use keysweep_engine::{Finding, Incident, Location, Report, Suppressed, Suppressor};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// How much was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coverage {
    /// Everything: what nothing needed is not needed.
    Whole,
    /// A part.
    Part,
    /// Only what was just written: a place that is known may hold another secret now.
    NewLines,
}

/// What is known and allowed.
pub struct Gate {
    /// The configuration.
    pub config: Config,
    /// The baseline.
    pub baseline: Option<Baseline>,
    /// The folder that paths are relative to.
    pub root: PathBuf,
    /// Today.
    pub today: Day,
    /// Whether marks in texts hold.
    pub inline: bool,
    /// How much was looked at.
    pub coverage: Coverage,
}

/// Why a place does not fail the gate.
type Reason = (Suppressor, Option<String>, Option<String>);

/// One pass over a report.
struct Pass<'a> {
    gate: &'a Gate,
    /// Whether each exception of the configuration was needed.
    used: Vec<bool>,
    notes: BTreeSet<(String, String)>,
}

impl Gate {
    /// Sets severities, and moves what is known or allowed to [`Report::suppressed`]. What no longer holds, or is not needed,
    /// is noted.
    pub fn apply(&self, report: &mut Report) {
        for finding in report.findings.iter_mut().filter(|f| f.known_public.is_none()) {
            if let Some(severity) = self.config.severity.get(&finding.rule) {
                finding.severity = *severity;
            }
        }
        let used = vec![false; self.config.allow.len()];
        let mut pass = Pass { gate: self, used, notes: BTreeSet::new() };
        for finding in std::mem::take(&mut report.findings) {
            pass.part(finding, report);
        }
        // Severities may have changed, and with them the order.
        report.findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
        pass.unused();
        let notes = pass.notes.into_iter();
        report.incidents.extend(notes.map(|(path, message)| Incident { path, message, incomplete: false }));
    }

    /// A place's path as globs and baselines know it: below the root, with slashes.
    pub fn path(&self, location: &Location) -> String {
        match &location.git {
            Some(git) => git.path.clone(),
            None => self.relative(&location.path),
        }
    }

    /// A path below the root, with slashes.
    pub fn relative(&self, path: &str) -> String {
        if path == "-" || self.root.as_os_str().is_empty() {
            return path.to_owned();
        }
        let absolute = std::path::absolute(path).unwrap_or_else(|_| PathBuf::from(path));
        let below = absolute.strip_prefix(&self.root).unwrap_or(Path::new(path));
        below.to_string_lossy().replace('\\', "/")
    }

    fn is_over(&self, until: Option<&Day>) -> bool {
        until.is_some_and(|until| *until < self.today)
    }

    fn config_name(&self) -> String {
        self.config.path.as_ref().map(|path| path.display().to_string()).unwrap_or_default()
    }
}

impl Pass<'_> {
    fn part(&mut self, mut finding: Finding, report: &mut Report) {
        let mut passed: BTreeMap<Reason, Vec<Location>> = BTreeMap::new();
        let mut kept = Vec::new();
        for location in std::mem::take(&mut finding.locations) {
            match self.reason(&finding, &location) {
                Some(reason) => passed.entry(reason).or_default().push(location),
                None => kept.push(location),
            }
        }
        // Places that are not listed could be anywhere.
        let unlisted = finding.more_locations > 0 && !self.holds_anywhere(&finding);
        if unlisted && kept.is_empty() {
            kept.extend(passed.values_mut().find_map(Vec::pop));
        }
        for ((by, reason, until), locations) in passed {
            if locations.is_empty() {
                continue;
            }
            let more_locations = if kept.is_empty() { finding.more_locations } else { 0 };
            let finding = Finding { locations, more_locations, ..finding.clone() };
            report.suppressed.push(Suppressed { by, reason, until, finding });
        }
        if !kept.is_empty() {
            report.findings.push(Finding { locations: kept, ..finding });
        }
    }

    fn reason(&mut self, finding: &Finding, location: &Location) -> Option<Reason> {
        let path = self.gate.path(location);
        if self.gate.config.excluded.is_match(&path) {
            return Some((Suppressor::Excluded, None, None));
        }
        let commit = location.git.as_ref().and_then(|git| git.commit.as_deref());
        self.exception(finding, &path, commit)
            .or_else(|| self.mark(finding, location))
            .or_else(|| self.known(finding, &path))
    }

    fn exception(&mut self, finding: &Finding, path: &str, commit: Option<&str>) -> Option<Reason> {
        let mut reason = None;
        for (index, exception) in self.gate.config.allow.iter().enumerate() {
            let names = exception.names(&finding.rule, &finding.fingerprint) && exception.holds_at(path, commit);
            if names && !self.gate.is_over(exception.until.as_ref()) {
                self.used[index] = true;
                let until = exception.until.as_ref().map(Day::to_string);
                reason.get_or_insert((Suppressor::Exception, Some(exception.reason.clone()), until));
            }
        }
        reason
    }

    fn mark(&mut self, finding: &Finding, location: &Location) -> Option<Reason> {
        for mark in &location.marks {
            if let Some(tool) = &mark.tool {
                // Marks of other tools hold only where they are asked for; elsewhere they mean nothing.
                if self.gate.inline && self.gate.config.honour.contains(tool) {
                    let sign = mark.reason.as_deref().unwrap_or_default();
                    return Some((Suppressor::Inline, Some(format!("{sign} ({tool})")), None));
                }
                continue;
            }
            let rule = globset::Glob::new(&mark.rule).ok().map(|glob| glob.compile_matcher());
            if !rule.is_some_and(|rule| rule.is_match(&finding.rule)) {
                continue;
            }
            let refusal = if !self.gate.inline {
                "marks in texts do not hold here".to_owned()
            } else if mark.reason.is_none() {
                "it gives no reason".to_owned()
            } else {
                match mark.until.as_ref().map(|until| (Day::parse(until), until)) {
                    Some((None, until)) => format!("'{until}' is no date: write 2026-11-24"),
                    Some((Some(day), _)) if self.gate.is_over(Some(&day)) => format!("it ended on {day}"),
                    _ => return Some((Suppressor::Inline, mark.reason.clone(), mark.until.clone())),
                }
            };
            let line = location.line.map(|line| format!(" at line {line}")).unwrap_or_default();
            let message = format!("the mark keysweep:allow {}{line} is not heard: {refusal}", mark.rule);
            self.notes.insert((location.path.clone(), message));
        }
        None
    }

    fn known(&mut self, finding: &Finding, path: &str) -> Option<Reason> {
        let entry = self.gate.baseline.as_ref()?.entry(finding)?;
        if !entry.is_by_content() {
            let same_place = entry.rule == finding.rule && entry.paths.contains(path);
            if !same_place || self.gate.coverage == Coverage::NewLines {
                return None;
            }
        }
        if self.gate.is_over(entry.until.as_ref()) {
            let until = entry.until.as_ref().map(Day::to_string).unwrap_or_default();
            let message = format!("its entry in the baseline ({}) ended on {until}", entry.status.name());
            self.notes.insert((path.to_owned(), message));
            return None;
        }
        let reason = entry
            .reason
            .as_ref()
            .map_or_else(|| entry.status.name().to_owned(), |reason| format!("{}: {reason}", entry.status.name()));
        Some((Suppressor::Baseline, Some(reason), entry.until.as_ref().map(Day::to_string)))
    }

    /// Whether something that is bound to no place lets the finding pass.
    fn holds_anywhere(&self, finding: &Finding) -> bool {
        let gate = self.gate;
        let excepted = gate.config.allow.iter().any(|exception| {
            exception.is_placeless()
                && exception.names(&finding.rule, &finding.fingerprint)
                && !gate.is_over(exception.until.as_ref())
        });
        let entry = gate.baseline.as_ref().and_then(|baseline| baseline.entry(finding));
        excepted || entry.is_some_and(|entry| entry.is_by_content() && !gate.is_over(entry.until.as_ref()))
    }

    /// Names exceptions that do not hold any more, or were not needed.
    fn unused(&mut self) {
        let name = self.gate.config_name();
        for (exception, used) in self.gate.config.allow.iter().zip(&self.used) {
            let what = exception.describe();
            if let Some(until) = exception.until.as_ref().filter(|until| self.gate.is_over(Some(until))) {
                self.notes.insert((name.clone(), format!("{what} ended on {until}")));
            } else if !used && self.gate.coverage == Coverage::Whole {
                self.notes.insert((name.clone(), format!("{what} is not needed")));
            }
        }
    }
}
