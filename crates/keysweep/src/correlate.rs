//! `keysweep correlate`: what the reports of many hosts show together. One report is in memory at a time.

use crate::Error;
use crate::args::CorrelateArgs;
use crate::exposure::Chains;
use keysweep_engine::finding::WHOLE_FILE;
use keysweep_engine::{Incident, Report};
use keysweep_exposure::Kind;
use keysweep_facts::Fact;
use std::collections::HashMap;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

/// Places kept of one key; that it is in several shows with two.
const MAX_PLACES: usize = 32;

/// Where a key lies or is accepted: a host, a zone and a path.
struct Place {
    host: u32,
    zone: u16,
    path: Box<str>,
}

#[derive(Default)]
struct Seen {
    held: Vec<Place>,
    accepted: Vec<Place>,
}

/// All reports, by the fingerprints in them.
#[derive(Default)]
struct Fleet {
    hosts: Vec<String>,
    /// Names of zones; the first is none.
    zones: Vec<String>,
    keys: HashMap<Box<str>, Seen>,
}

pub(crate) fn run(args: &CorrelateArgs) -> Result<u8, Error> {
    let chains = Chains::load(args.zones.as_deref(), &[])?;
    let mut fleet = Fleet { zones: vec![String::new()], ..Fleet::default() };
    let mut joined = Report::default();
    for path in &args.reports {
        match read(path) {
            Ok(report) => fleet.add(path, report, &chains, &mut joined),
            Err(message) => {
                joined.incidents.push(Incident { path: path.display().to_string(), message, incomplete: true })
            }
        }
    }
    joined.facts = fleet.facts();
    chains.evaluate(&mut joined, crate::gate::now());
    joined.stats.files = fleet.hosts.len() as u64;
    crate::scan::conclude_exposures(&joined, &args.report)
}

fn read(path: &Path) -> Result<Report, String> {
    let file = File::open(path).map_err(|e| e.to_string())?;
    serde_json::from_reader(BufReader::new(file)).map_err(|e| format!("no report of keysweep in JSON: {e}"))
}

impl Fleet {
    fn add(&mut self, path: &Path, report: Report, chains: &Chains, joined: &mut Report) {
        let said = report.facts.iter().find(|fact| fact.predicate == "host").and_then(|fact| fact.text("name"));
        let stem = || path.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned());
        let host = said.map_or_else(stem, str::to_owned);
        if !report.is_complete() {
            let message = format!("the report of {host} is of an incomplete scan");
            joined.incidents.push(Incident { path: path.display().to_string(), message, incomplete: true });
        }
        let number = self.hosts.len() as u32;
        let of_host = chains.zones.of(Kind::Host, &host).map(str::to_owned);
        self.hosts.push(host);
        for finding in report.findings.iter().filter(|f| f.known_public.is_none()) {
            if finding.key.as_ref().is_some_and(|key| key.encrypted) {
                continue;
            }
            // That a file of this name is in several packages tells nothing of its secret.
            for location in finding.locations.iter().filter(|location| location.form != WHOLE_FILE) {
                let zone = chains.zones.of(Kind::Path, &location.path).map(str::to_owned).or_else(|| of_host.clone());
                let place = Place { host: number, zone: self.zone(zone), path: location.path.as_str().into() };
                self.keys.entry(finding.fingerprint.as_str().into()).or_default().hold(place);
            }
        }
        for fact in report.facts.iter().filter(|fact| fact.predicate == "trust") {
            let (Some(key), Some(place)) = (fact.text("fingerprint"), fact.text("place")) else { continue };
            // What clients know hosts by lets nobody in.
            if fact.text("purpose") == Some("ssh-host") {
                continue;
            }
            let seen = self.keys.entry(key.into()).or_default();
            if seen.accepted.len() < MAX_PLACES {
                seen.accepted.push(Place { host: number, zone: 0, path: place.into() });
            }
        }
        joined.exposures.extend(report.exposures);
    }

    fn zone(&mut self, name: Option<String>) -> u16 {
        let Some(name) = name else { return 0 };
        let known = self.zones.iter().position(|zone| *zone == name);
        known.unwrap_or_else(|| {
            self.zones.push(name);
            self.zones.len() - 1
        }) as u16
    }

    /// The facts of keys that more than one host knows.
    fn facts(&self) -> Vec<Fact> {
        let mut facts = Vec::new();
        for (key, seen) in &self.keys {
            let Some(first) = seen.held.first() else { continue };
            let alone = |place: &Place| place.host == first.host && [0, first.zone].contains(&place.zone);
            if seen.held.iter().chain(&seen.accepted).all(alone) {
                continue;
            }
            for (places, predicate, field) in [(&seen.held, "held", "path"), (&seen.accepted, "accepted", "place")] {
                facts.extend(places.iter().map(|place| {
                    let host = &self.hosts[place.host as usize];
                    let zone = Some(&self.zones[usize::from(place.zone)]).filter(|zone| !zone.is_empty());
                    Fact::new(predicate, format!("the report of {host}"))
                        .with("fingerprint", &**key)
                        .with("host", host.clone())
                        .with(field, format!("{host}:{}", place.path))
                        .with_some("zone", zone.cloned())
                }));
            }
        }
        facts.sort();
        facts
    }
}

impl Seen {
    /// Keeps a place: of many, one for each host and zone.
    fn hold(&mut self, place: Place) {
        let new = !self.held.iter().any(|other| (other.host, other.zone) == (place.host, place.zone));
        if new && self.held.len() < MAX_PLACES {
            self.held.push(place);
        }
    }
}
