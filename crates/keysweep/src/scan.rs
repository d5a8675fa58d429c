//! `keysweep scan`.

use crate::args::{ArchiveArgs, Format, MinProof, ReportArgs, RuleArgs, ScanArgs, ScanCommand, Threshold, When};
use crate::gate::Setup;
use crate::{CLEAN, Error, FINDINGS, INCOMPLETE};
use keysweep_engine::{
    ArchiveLimits, Fingerprinter, Inputs, Options, Progress, ProofLevel, Report, Scanner, Selection, Wanted,
};
use keysweep_report::{
    Style, write_github, write_gitlab, write_html, write_json, write_jsonl, write_junit, write_sarif, write_text,
};
use keysweep_rules::{RuleSet, Severity};
use std::fs::File;
use std::io::{BufWriter, IsTerminal, Read, Write};
use std::mem::ManuallyDrop;
use std::path::{Path, PathBuf};

pub(crate) fn run(args: &ScanCommand) -> Result<u8, Error> {
    let ScanCommand { scan, gate, artifact } = args;
    let inputs = inputs(scan)?;
    let setup = Setup::for_paths(gate, &inputs.paths)?;
    let rules = setup.rules(&scan.rules)?;
    // The process ends after this; to free thousands of rules, none of them a secret, would take as long as to make them.
    let scanner = ManuallyDrop::new(Scanner::new(rules, Options { artifact: *artifact, ..options(scan, &setup)? })?);
    let progress = Progress::default();
    let mut report = crate::progress::watch(&progress, !scan.report.no_progress, || scanner.scan(&inputs, &progress));
    conclude(&mut report, scanner.rules(), &scan.report, &setup)
}

/// Hunts for the `wanted` keys.
pub(crate) fn hunt(args: &ScanArgs, rules: RuleSet, wanted: Vec<Wanted>, every_byte: bool) -> Result<u8, Error> {
    let setup = Setup::default();
    let scanner = Scanner::new(rules, Options { wanted, every_byte, ..options(args, &setup)? })?;
    let inputs = inputs(args)?;
    let progress = Progress::default();
    let mut report = crate::progress::watch(&progress, !args.report.no_progress, || scanner.scan(&inputs, &progress));
    conclude(&mut report, scanner.rules(), &args.report, &setup)
}

fn options(args: &ScanArgs, setup: &Setup) -> Result<Options, Error> {
    Ok(Options {
        archives: archive_limits(&args.archives),
        jobs: args.jobs,
        selection: Selection {
            include: args.include.clone(),
            exclude: args.exclude.clone(),
            exclude_below: setup.excluded(),
            respect_gitignore: args.respect_gitignore,
            skip_hidden: args.skip_hidden,
            follow_symlinks: args.follow,
            one_file_system: args.one_file_system,
            max_file_size: args.max_file_size,
        },
        fingerprinter: fingerprinter(args.report.fingerprint_key.as_deref())?,
        ..Options::default()
    })
}

pub(crate) fn archive_limits(args: &ArchiveArgs) -> Option<ArchiveLimits> {
    (!args.no_archives).then_some(ArchiveLimits {
        depth: args.max_archive_depth,
        bytes: args.max_archive_size,
        ratio: args.max_archive_ratio,
        ..ArchiveLimits::default()
    })
}

/// Writes what is wanted of a report, and tells the exit code.
pub(crate) fn conclude(report: &mut Report, rules: &RuleSet, args: &ReportArgs, setup: &Setup) -> Result<u8, Error> {
    setup.apply(report);
    let min_proof = args.min_proof.map(MinProof::level).or(setup.min_proof()).unwrap_or(ProofLevel::Pattern);
    let before = report.findings.len();
    report.findings.retain(|f| f.severity >= args.min_severity.severity() && f.proof.level >= min_proof);
    report.below_threshold = (before - report.findings.len()) as u64;
    let fail_on = args.fail_on.map(Threshold::severity).or(setup.fail_on()).unwrap_or(Severity::Low);
    match write_report(report, rules, args, fail_on) {
        // A reader that went away (`| head`) has seen enough; the exit code still tells.
        Err(error) if error.is_broken_pipe() => {}
        outcome => outcome?,
    }
    Ok(exit_code(report, fail_on))
}

/// Writes a report that has nothing but exposures, and tells the exit code.
pub(crate) fn conclude_exposures(report: &Report, args: &ReportArgs) -> Result<u8, Error> {
    let fail_on = args.fail_on.map_or(Severity::Low, Threshold::severity);
    match write_report(report, &RuleSet::default(), args, fail_on) {
        Err(error) if error.is_broken_pipe() => {}
        outcome => outcome?,
    }
    Ok(exit_code(report, fail_on))
}

pub(crate) fn fingerprinter(key: Option<&Path>) -> Result<Fingerprinter, Error> {
    Ok(match key {
        Some(path) => Fingerprinter::with_key(read(path)?),
        None => Fingerprinter::default(),
    })
}

/// How bad an exposure is.
fn severity(exposure: &keysweep_facts::Exposure) -> Severity {
    exposure.severity.parse().unwrap_or(Severity::High)
}

/// What could not be looked at weighs more than what was found: a gate must not take the rest for clean.
fn exit_code(report: &Report, fail_on: Severity) -> u8 {
    if !report.is_complete() {
        INCOMPLETE
    } else if report.findings.iter().any(|f| f.severity >= fail_on)
        || report.exposures.iter().any(|e| severity(e) >= fail_on)
    {
        FINDINGS
    } else {
        CLEAN
    }
}

/// The built-in rules with the user's own, narrowed as asked, without examples.
pub(crate) fn rules_for_scans(args: &RuleArgs) -> Result<RuleSet, Error> {
    narrowed(RuleSet::builtin_for_scans(), args)
}

/// The built-in rules with the user's own, narrowed as asked.
pub(crate) fn rule_set(args: &RuleArgs) -> Result<RuleSet, Error> {
    narrowed(RuleSet::builtin(), args)
}

/// `rules` with the user's own, narrowed as asked.
pub(crate) fn narrowed(mut rules: RuleSet, args: &RuleArgs) -> Result<RuleSet, Error> {
    for dir in &args.rule_dirs {
        rules.merge(RuleSet::load(dir)?);
    }
    if !args.only.is_empty() {
        rules.only(&args.only)?;
    }
    rules.skip(&args.skip)?;
    Ok(rules)
}

fn inputs(args: &ScanArgs) -> Result<Inputs, Error> {
    let mut inputs = Inputs::default();
    let listed = match &args.files_from {
        Some(path) => listed(path, args.null)?,
        None => Vec::new(),
    };
    for path in args.paths.iter().cloned().chain(listed) {
        if path.as_os_str() == "-" {
            inputs.stdin = true;
        } else {
            inputs.paths.push(path);
        }
    }
    let list_is_stdin = args.files_from.as_deref() == Some(Path::new("-"));
    if inputs.stdin && list_is_stdin {
        return Err(Error::Usage("standard input cannot be both the list of files and a file".into()));
    }
    Ok(inputs)
}

fn listed(path: &Path, null: bool) -> Result<Vec<PathBuf>, Error> {
    let bytes = if path == Path::new("-") {
        let mut bytes = Vec::new();
        let outcome = std::io::stdin().lock().read_to_end(&mut bytes);
        outcome.map_err(|source| Error::Io { what: "standard input".into(), source })?;
        bytes
    } else {
        read(path)?
    };
    let separator = if null { 0 } else { b'\n' };
    Ok(bytes.split(|&b| b == separator).map(trim_carriage_return).filter(|p| !p.is_empty()).map(path_of).collect())
}

fn trim_carriage_return(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}

#[cfg(unix)]
fn path_of(bytes: &[u8]) -> PathBuf {
    use std::os::unix::ffi::OsStrExt;
    PathBuf::from(std::ffi::OsStr::from_bytes(bytes))
}

#[cfg(not(unix))]
fn path_of(bytes: &[u8]) -> PathBuf {
    PathBuf::from(String::from_utf8_lossy(bytes).into_owned())
}

pub(crate) fn read(path: &Path) -> Result<Vec<u8>, Error> {
    std::fs::read(path).map_err(|source| Error::Io { what: path.display().to_string(), source })
}

fn write_report(report: &Report, rules: &RuleSet, args: &ReportArgs, fail_on: Severity) -> Result<(), Error> {
    let to_terminal = args.output.is_none() && std::io::stdout().is_terminal();
    let mut out: Box<dyn Write> = match &args.output {
        Some(path) => {
            Box::new(File::create(path).map_err(|source| Error::Io { what: path.display().to_string(), source })?)
        }
        None => Box::new(std::io::stdout().lock()),
    };
    let mut out = BufWriter::new(&mut out);
    match args.format {
        Format::Json => write_json(report, &mut out)?,
        Format::Jsonl => write_jsonl(report, &mut out)?,
        Format::Sarif => write_sarif(report, rules, &mut out)?,
        Format::Gitlab => write_gitlab(report, &mut out)?,
        Format::Github => write_github(report, &mut out)?,
        Format::Html => write_html(report, &mut out)?,
        Format::Junit => write_junit(report, fail_on, &mut out)?,
        Format::Text => write_text(report, style(args.color, to_terminal), &mut out)?,
    }
    out.flush()?;
    Ok(())
}

fn style(when: When, to_terminal: bool) -> Style {
    let color = match when {
        When::Always => true,
        When::Never => false,
        When::Auto => {
            let no_color = std::env::var_os("NO_COLOR").is_some_and(|v| !v.is_empty());
            to_terminal && !no_color && std::env::var_os("TERM").is_none_or(|t| t != "dumb")
        }
    };
    let columns = to_terminal.then(terminal_size::terminal_size).flatten().map(|(width, _)| usize::from(width.0));
    Style { color, width: columns.unwrap_or(100).min(140) }
}

impl Threshold {
    fn severity(self) -> Severity {
        match self {
            Threshold::Info => Severity::Info,
            Threshold::Low => Severity::Low,
            Threshold::Medium => Severity::Medium,
            Threshold::High => Severity::High,
            Threshold::Critical => Severity::Critical,
        }
    }
}

impl MinProof {
    fn level(self) -> ProofLevel {
        match self {
            MinProof::Pattern => ProofLevel::Pattern,
            MinProof::Parsed => ProofLevel::Parsed,
            MinProof::Proven => ProofLevel::Proven,
        }
    }
}
