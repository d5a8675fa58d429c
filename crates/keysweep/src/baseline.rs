//! `keysweep baseline`: what is known.

use crate::args::{BaselineArgs, BaselineCommand, BaselineScan, EntryStatus};
use crate::gate::Setup;
use crate::scan::fingerprinter;
use crate::{CLEAN, Error, INCOMPLETE};
use keysweep_engine::{ArchiveLimits, Finding, Inputs, Location, Options, Progress, Report, Scanner, Selection};
use keysweep_gate::{Baseline, Day, Entry, Gate, KnownPlace, Protection, Status};
use keysweep_report::printable;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// The file, if neither arguments nor the configuration name one.
const FILE_NAME: &str = "keysweep-baseline.json";
/// Bytes of a blob up to which it is read.
const MAX_BLOB: u64 = 512 << 20;
/// Places listed of one entry.
const SHOWN_PLACES: usize = 8;

pub(crate) fn run(args: &BaselineArgs) -> Result<u8, Error> {
    match &args.command {
        BaselineCommand::Create { scan, force } => create(scan, *force),
        BaselineCommand::Update { scan, prune } => update(scan, *prune),
        BaselineCommand::Import { scan, from } => import(scan, from),
        BaselineCommand::Audit { scan, set: Some(prefix), status: Some(status), reason, until } => {
            let (_, file) = place(scan)?;
            decide(&file, prefix, *status, reason.as_deref(), until.as_deref())
        }
        BaselineCommand::Audit { scan, .. } => audit(scan),
    }
}

fn create(args: &BaselineScan, force: bool) -> Result<u8, Error> {
    let (setup, file) = place(args)?;
    if file.exists() && !force {
        let text = format!("{} is there already: `keysweep baseline update` adds to it", file.display());
        return Err(Error::Usage(text));
    }
    let report = scan(args, &setup)?;
    let mut baseline = Baseline::default();
    add(&mut baseline, &setup, &report);
    baseline.save(&file)?;
    println!("{}: {} entries", file.display(), baseline.len());
    Ok(complete(&report))
}

fn update(args: &BaselineScan, prune: bool) -> Result<u8, Error> {
    let (setup, file) = place(args)?;
    let mut baseline = Baseline::load(&file)?;
    let report = scan(args, &setup)?;
    let new = add(&mut baseline, &setup, &report);
    let mut gone = 0;
    if prune {
        if !report.is_complete() {
            complete(&report);
            return Err(Error::Usage("not everything could be looked at, so that nothing can be dropped".to_owned()));
        }
        let found = found(&report);
        gone = baseline.retain(|entry| found.contains(&(entry.fingerprint.as_str(), entry.protection)));
    }
    baseline.save(&file)?;
    println!("{}: {} entries, {new} new, {gone} dropped", file.display(), baseline.len());
    Ok(complete(&report))
}

/// Adds the findings at the places that another tool names.
fn import(args: &BaselineScan, from: &Path) -> Result<u8, Error> {
    let (setup, file) = place(args)?;
    let mut baseline = if file.exists() { Baseline::load(&file)? } else { Baseline::default() };
    let bytes = crate::scan::read(from)?;
    let known = KnownPlace::read_all(&bytes).map_err(|e| Error::Usage(format!("{}: {e}", from.display())))?;
    let report = scan(args, &setup)?;
    let gate = setup.gate();
    let mut seen = vec![false; known.len()];
    let mut new = 0;
    for finding in report.findings.iter().filter(|finding| finding.known_public.is_none()) {
        let mut paths = Vec::new();
        let mut decided = None;
        for location in &finding.locations {
            let path = gate.map_or_else(|| location.path.clone(), |gate| gate.path(location));
            let commit = location.git.as_ref().and_then(|git| git.commit.as_deref());
            let at = known.iter().position(|known| known.is_at(&path, location.line, commit));
            if let Some(at) = at {
                seen[at] = true;
                decided.get_or_insert(&known[at]);
                paths.push(path);
            }
        }
        let Some(decided) = decided else { continue };
        if baseline.add(finding, paths) {
            new += 1;
            let reason = decided.reason.map(str::to_owned);
            baseline.decide(finding, decided.status, reason);
        }
    }
    baseline.save(&file)?;
    println!("{}: {} entries, {new} new", file.display(), baseline.len());
    // What only the other tool sees needs no entry: nothing will fail for it.
    for known in known.iter().zip(&seen).filter(|(_, seen)| !**seen).map(|(known, _)| known) {
        println!("nothing found at {}:{}", printable(&known.path), known.lines.start());
    }
    Ok(complete(&report))
}

fn decide(
    file: &Path,
    prefix: &str,
    status: EntryStatus,
    reason: Option<&str>,
    until: Option<&str>,
) -> Result<u8, Error> {
    let mut baseline = Baseline::load(file)?;
    let reason = reason.map(str::trim).filter(|reason| !reason.is_empty()).map(str::to_owned);
    if status != EntryStatus::Open && reason.is_none() {
        return Err(Error::Usage("a decision needs a --reason".to_owned()));
    }
    let no_date = |until: &str| Error::Usage(format!("'{until}' is no date: write 2026-11-24"));
    let until = until.map(|until| Day::parse(until).ok_or_else(|| no_date(until))).transpose()?;
    let mut entries: Vec<&mut Entry> = baseline.beginning_with(prefix).collect();
    let [entry] = entries.as_mut_slice() else {
        let count = entries.len();
        return Err(Error::Usage(format!("{count} entries have fingerprints that begin with '{prefix}'")));
    };
    entry.status = match status {
        EntryStatus::Open => Status::Open,
        EntryStatus::FalsePositive => Status::FalsePositive,
        EntryStatus::Accepted => Status::Accepted,
    };
    entry.reason = reason;
    entry.until = until;
    println!("{}: {}", entry.fingerprint, entry.status.name());
    baseline.save(file)?;
    Ok(CLEAN)
}

fn audit(args: &BaselineScan) -> Result<u8, Error> {
    let (setup, file) = place(args)?;
    let baseline = Baseline::load(&file)?;
    let looked = !args.paths.is_empty() || args.history;
    let report = if looked { Some(scan(args, &setup)?) } else { None };
    let today = setup.gate().map(|gate| gate.today.clone());
    let mut places: BTreeMap<(&str, Protection), Vec<&Location>> = BTreeMap::new();
    for finding in report.iter().flat_map(findings) {
        places.entry((&finding.fingerprint, Protection::of(finding))).or_default().extend(&finding.locations);
    }
    let mut text = String::new();
    for entry in baseline.entries() {
        let over = entry.until.as_ref().is_some_and(|until| today.as_ref().is_some_and(|today| until < today));
        let now = report.is_some().then(|| places.get(&(entry.fingerprint.as_str(), entry.protection)));
        describe(entry, over, now.map(|now| now.map_or(&[][..], Vec::as_slice)), &mut text);
    }
    let count = |status: Status| baseline.entries().filter(|entry| entry.status == status).count();
    let _ = write!(
        text,
        "{} entries: {} open, {} accepted, {} false-positive",
        baseline.len(),
        count(Status::Open),
        count(Status::Accepted),
        count(Status::FalsePositive)
    );
    if let Some(report) = &report {
        let found = found(report);
        let gone = baseline.entries().filter(|e| !found.contains(&(e.fingerprint.as_str(), e.protection))).count();
        let _ = write!(text, "; {gone} no longer found");
    }
    println!("{text}");
    Ok(report.as_ref().map_or(CLEAN, complete))
}

/// An entry for people. `now` is where it was found, if that was looked for.
fn describe(entry: &Entry, over: bool, now: Option<&[&Location]>, text: &mut String) {
    let state = match now {
        Some([]) => ", no longer found",
        _ => "",
    };
    let until = entry.until.as_ref().map(|until| format!(", {} {until}", if over { "ended" } else { "until" }));
    let reason = entry.reason.as_ref().map(|reason| format!(" ({})", printable(reason))).unwrap_or_default();
    let until = until.unwrap_or_default();
    let _ = writeln!(text, "{}  {}", entry.fingerprint, printable(&entry.title));
    let _ = writeln!(text, "  {}{reason}{until}{state}", entry.status.name());
    let places: Vec<String> = match now {
        Some(now) if !now.is_empty() => now
            .iter()
            .map(|place| match place.line {
                Some(line) => format!("{}:{line}", place.path),
                None => format!("{}, offset {:#x}", place.path, place.offset),
            })
            .collect(),
        _ => entry.paths.iter().cloned().collect(),
    };
    for place in places.iter().take(SHOWN_PLACES) {
        let _ = writeln!(text, "  {}", printable(place));
    }
    if places.len() > SHOWN_PLACES {
        let _ = writeln!(text, "  and {} more places", places.len() - SHOWN_PLACES);
    }
}

/// Configuration and file. The baseline there is does not count as known, since it is what is being made.
fn place(args: &BaselineScan) -> Result<(Setup, PathBuf), Error> {
    let setup = Setup::without_baseline(&args.gate, &args.paths)?;
    let gate = setup.gate();
    let configured = gate.and_then(|gate| gate.config.baseline.clone());
    let default = || gate.map(|gate| gate.root.join(FILE_NAME)).unwrap_or_else(|| FILE_NAME.into());
    let file = args.gate.baseline.clone().or(configured).unwrap_or_else(default);
    Ok((setup, file))
}

/// What is found, without what configuration and marks allow.
fn scan(args: &BaselineScan, setup: &Setup) -> Result<Report, Error> {
    let rules = setup.rules(&args.rules)?;
    let options = Options {
        jobs: args.jobs,
        archives: Some(ArchiveLimits::default()),
        artifact: args.artifact,
        selection: Selection { exclude_below: setup.excluded(), ..Selection::default() },
        fingerprinter: fingerprinter(args.fingerprint_key.as_deref())?,
        ..Options::default()
    };
    let scanner = Scanner::new(rules, options)?;
    let mut report = match (args.history, args.paths.as_slice()) {
        (false, []) => return Err(Error::Usage("no path to look at".to_owned())),
        (false, paths) => {
            let progress = Progress::default();
            let inputs = Inputs { paths: paths.to_vec(), stdin: false };
            crate::progress::watch(&progress, true, || scanner.scan(&inputs, &progress))
        }
        (true, []) => crate::git::history(Path::new("."), args.jobs, MAX_BLOB, &scanner)?,
        (true, [repository]) => crate::git::history(repository, args.jobs, MAX_BLOB, &scanner)?,
        (true, _) => return Err(Error::Usage("--history takes one repository".to_owned())),
    };
    setup.apply(&mut report);
    Ok(report)
}

/// Adds what is in the report; how many are new.
fn add(baseline: &mut Baseline, setup: &Setup, report: &Report) -> usize {
    let gate = setup.gate();
    let path = |location: &Location| gate.map_or_else(|| location.path.clone(), |gate: &Gate| gate.path(location));
    // A key that everybody knows is not worth an entry.
    let own = report.findings.iter().filter(|finding| finding.known_public.is_none());
    own.filter(|finding| baseline.add(finding, finding.locations.iter().map(path))).count()
}

fn findings(report: &Report) -> impl Iterator<Item = &Finding> {
    report.findings.iter().chain(report.suppressed.iter().map(|suppressed| &suppressed.finding))
}

fn found(report: &Report) -> BTreeSet<(&str, Protection)> {
    findings(report).map(|finding| (finding.fingerprint.as_str(), Protection::of(finding))).collect()
}

/// The exit code; says what could not be looked at.
fn complete(report: &Report) -> u8 {
    for incident in report.incidents.iter().filter(|incident| incident.incomplete) {
        eprintln!("keysweep: {}: {}", printable(&incident.path), printable(&incident.message));
    }
    if report.is_complete() { CLEAN } else { INCOMPLETE }
}
