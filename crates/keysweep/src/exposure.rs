//! Exposures of a report: its findings as facts, zones, and the rules that join them.

use crate::Error;
use crate::scan::read;
use keysweep_account::Identities;
use keysweep_engine::Report;
use keysweep_engine::finding::Finding;
use keysweep_exposure::{Kind, Rules, Zones, evaluate};
use keysweep_facts::Fact;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// What exposures are looked for with.
pub(crate) struct Chains {
    pub(crate) rules: Rules,
    pub(crate) zones: Zones,
}

impl Chains {
    /// The built-in rules with the user's own, and the user's zones.
    pub(crate) fn load(zones: Option<&Path>, own: &[PathBuf]) -> Result<Self, Error> {
        let text = |path: &Path| read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        let mut rules = Rules::builtin();
        for path in own {
            rules.add(Rules::parse(&path.display().to_string(), &text(path)?)?);
        }
        let zones = match zones {
            Some(path) => Zones::parse(&path.display().to_string(), &text(path)?)?,
            None => Zones::default(),
        };
        Ok(Self { rules, zones })
    }

    /// Adds the exposures of a report to it, and the facts that they rest on.
    pub(crate) fn apply(&self, report: &mut Report, identities: &Identities, now: i64) {
        let mut facts: Vec<Fact> = report.findings.iter().flat_map(keys).collect();
        facts.extend(readers(&report.facts, identities));
        facts.extend(self.zones_of(&facts, &report.facts));
        report.facts.extend(facts);
        report.facts.sort();
        report.facts.dedup();
        self.evaluate(report, now);
    }

    /// Adds the exposures that follow from the facts of a report.
    pub(crate) fn evaluate(&self, report: &mut Report, now: i64) {
        let outcome = evaluate(&self.rules, &report.facts, now);
        report.exposures.extend(outcome.exposures);
        report.incidents.extend(outcome.limits.into_iter().map(|message| keysweep_engine::Incident {
            path: "exposures".into(),
            message,
            incomplete: true,
        }));
    }

    /// In which zones files lie, and of which zones the processes of dumps are.
    fn zones_of(&self, keys: &[Fact], facts: &[Fact]) -> Vec<Fact> {
        let mut all = Vec::new();
        let dumps = facts.iter().filter(|fact| fact.predicate == "dump");
        let paths: BTreeSet<&str> = keys
            .iter()
            .chain(dumps.clone())
            .filter(|f| f.text("by").is_none())
            .filter_map(|f| f.text("path"))
            .collect();
        for path in paths {
            if let Some(zone) = self.zones.of(Kind::Path, path) {
                let evidence = format!("the zones say that {path} belongs to {zone}");
                all.push(Fact::new("in_zone", evidence).with("path", path).with("zone", zone));
            }
        }
        for dump in dumps {
            let Some(path) = dump.text("path") else { continue };
            let said = [(Kind::Host, "host"), (Kind::Process, "process")].into_iter().find_map(|(kind, field)| {
                let name = dump.text(field)?;
                Some((name, self.zones.of(kind, name)?))
            });
            if let Some((name, zone)) = said {
                let evidence = format!("the dump says that it is of {name}, and the zones that this belongs to {zone}");
                all.push(Fact::new("dump_zone", evidence).with("path", path).with("zone", zone));
            }
        }
        all
    }
}

/// A private key as facts: one for each file that it lies in.
fn keys(finding: &Finding) -> Vec<Fact> {
    let Some(key) = finding.key.as_ref().filter(|_| finding.known_public.is_none()) else { return Vec::new() };
    let paths: BTreeSet<&str> = finding.locations.iter().map(|l| crate::account::file_of(&l.path)).collect();
    let fact = |path| {
        Fact::new("key", format!("{}: {}", finding.title, finding.proof.statement))
            .with("fingerprint", finding.fingerprint.clone())
            .with("path", path)
            .with("algorithm", key.algorithm.clone())
            .with("purpose", finding.purpose.name())
            .with("encrypted", key.encrypted)
    };
    paths.into_iter().map(fact).collect()
}

/// Who of the accounts is meant by the names in `readable` facts.
fn readers(facts: &[Fact], identities: &Identities) -> Vec<Fact> {
    let accounts: Vec<&str> =
        facts.iter().filter(|f| f.predicate == "account").filter_map(|f| f.text("name")).collect();
    let named: BTreeSet<&str> =
        facts.iter().filter(|f| f.predicate == "readable").filter_map(|f| f.text("by")).collect();
    let mut all = Vec::new();
    for by in named {
        for account in &accounts {
            let is_one = match by.split_once(' ') {
                Some(("user", name)) => name == *account,
                Some(("group", name)) => identities.named(account).is_some_and(|a| identities.is_in(a.uid, name)),
                _ => false,
            };
            if is_one {
                let evidence = format!("the system's tables say that {account} is of {by}");
                all.push(Fact::new("reader", evidence).with("account", *account).with("by", by));
            }
        }
    }
    all
}
