//! Configuration and baseline of a command: found, read, and put to use.

use crate::Error;
use crate::args::{GateArgs, RuleArgs};
use crate::scan::narrowed;
use globset::GlobSet;
use keysweep_engine::{Incident, ProofLevel, Report};
use keysweep_gate::{Baseline, Config, Coverage, Day, Gate};
use keysweep_rules::{RuleSet, Severity};
use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// What decides whether a report fails the gate; the default lets nothing pass.
#[derive(Default)]
pub(crate) struct Setup {
    gate: Option<Gate>,
    /// What the configuration changes in the rules.
    notes: RefCell<Vec<String>>,
}

impl Setup {
    /// For a scan of files. All of them must have the same configuration.
    pub(crate) fn for_paths(args: &GateArgs, paths: &[PathBuf]) -> Result<Self, Error> {
        let mut setup = Self::without_baseline(args, paths)?;
        setup.read_baseline(args)?;
        Ok(setup)
    }

    /// The same, and no finding is known.
    pub(crate) fn without_baseline(args: &GateArgs, paths: &[PathBuf]) -> Result<Self, Error> {
        let here = [PathBuf::from(".")];
        let paths = if paths.is_empty() { &here } else { paths };
        let mut config = args.config.clone();
        if config.is_none() && !args.no_config {
            let found: Vec<Option<PathBuf>> = paths.iter().map(|path| Config::find(path)).collect();
            if let Some(other) = found.iter().position(|path| *path != found[0]) {
                let name = |index: usize| {
                    let config =
                        found[index].as_ref().map_or("no configuration".to_owned(), |p| p.display().to_string());
                    format!("{} has {config}", paths[index].display())
                };
                let text = format!("{}, {}: name one with --config, or use --no-config", name(0), name(other));
                return Err(Error::Usage(text));
            }
            config = found.into_iter().next().flatten();
        }
        let root = root(config.as_deref(), &paths[0]);
        let is_root = |path: &PathBuf| std::path::absolute(path).is_ok_and(|path| root.starts_with(path));
        let coverage = if paths.iter().any(is_root) { Coverage::Whole } else { Coverage::Part };
        Self::new(config.as_deref(), root.clone(), coverage, true)
    }

    /// For a scan of a repository, with the configuration of its work tree.
    pub(crate) fn for_repository(args: &GateArgs, work_tree: Option<&Path>, coverage: Coverage) -> Result<Self, Error> {
        let found = match &args.config {
            None if !args.no_config => work_tree.and_then(Config::find),
            named => named.clone(),
        };
        let mut setup = Self::new(found.as_deref(), PathBuf::new(), coverage, true)?;
        setup.read_baseline(args)?;
        Ok(setup)
    }

    /// For what is pushed to a server: neither the repository's configuration nor marks in its texts hold, unless who runs the
    /// server says so, since whoever pushes writes them.
    pub(crate) fn for_server(args: &GateArgs) -> Result<Self, Error> {
        let config = args.config.as_deref().filter(|_| !args.no_config);
        let mut setup = Self::new(config, PathBuf::new(), Coverage::NewLines, false)?;
        setup.read_baseline(args)?;
        Ok(setup)
    }

    fn new(config: Option<&Path>, root: PathBuf, coverage: Coverage, inline: bool) -> Result<Self, Error> {
        let config = config.map(Config::load).transpose()?.unwrap_or_default();
        let inline = config.inline_allow.unwrap_or(inline);
        let gate = Gate { config, baseline: None, root, today: today()?, inline, coverage };
        Ok(Self { gate: Some(gate), notes: RefCell::default() })
    }

    fn read_baseline(&mut self, args: &GateArgs) -> Result<(), Error> {
        if let Some(gate) = &mut self.gate {
            let path = args.baseline.as_ref().or(gate.config.baseline.as_ref());
            gate.baseline = path.map(|path| Baseline::load(path)).transpose()?;
        }
        Ok(())
    }

    /// The rules that are asked for, as the configuration changes them.
    pub(crate) fn rules(&self, args: &RuleArgs) -> Result<RuleSet, Error> {
        let mut rules = RuleSet::builtin_for_scans();
        if let Some(gate) = &self.gate {
            *self.notes.borrow_mut() = gate.config.apply_rules(&mut rules)?;
        }
        narrowed(rules, args)
    }

    /// What below the root is not looked at.
    pub(crate) fn excluded(&self) -> Option<(PathBuf, GlobSet)> {
        let gate = self.gate.as_ref()?;
        (!gate.config.exclude.is_empty()).then(|| (gate.root.clone(), gate.config.excluded.clone()))
    }

    pub(crate) fn fail_on(&self) -> Option<Severity> {
        self.gate.as_ref()?.config.fail_on
    }

    pub(crate) fn min_proof(&self) -> Option<ProofLevel> {
        self.gate.as_ref()?.config.min_proof
    }

    /// Moves what is known or allowed out of the findings.
    pub(crate) fn apply(&self, report: &mut Report) {
        let Some(gate) = &self.gate else { return };
        gate.apply(report);
        let path = gate.config.path.as_ref().map(|path| path.display().to_string()).unwrap_or_default();
        let notes = self.notes.borrow();
        let exclude = &gate.config.exclude;
        let excluded = (!exclude.is_empty()).then(|| format!("excludes {}", exclude.join(", ")));
        report.incidents.extend(notes.iter().cloned().chain(excluded).map(|message| Incident {
            path: path.clone(),
            message,
            incomplete: false,
        }));
    }

    /// The gate, if there is one.
    pub(crate) fn gate(&self) -> Option<&Gate> {
        self.gate.as_ref()
    }
}

/// What paths are relative to: the folder of the configuration, else the root of the repository, else the current folder.
fn root(config: Option<&Path>, start: &Path) -> PathBuf {
    let absolute = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let current = || std::env::current_dir().unwrap_or_default();
    match config {
        Some(config) => absolute(config).parent().map_or_else(current, Path::to_owned),
        None => {
            let start = absolute(start);
            let repository = start.ancestors().find(|folder| folder.join(".git").exists());
            repository.map_or_else(current, Path::to_owned)
        }
    }
}

/// Seconds since 1970 UTC.
pub(crate) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    i64::try_from(since).unwrap_or(i64::MAX)
}

/// Today, in UTC.
fn today() -> Result<Day, Error> {
    let text = keysweep_report::date(now());
    Day::parse(&text).ok_or_else(|| Error::Usage(format!("the clock says {text}")))
}
