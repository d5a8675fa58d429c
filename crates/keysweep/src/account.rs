//! `keysweep account`: developer accounts, what credentials they keep, and who can read them.

use crate::Error;
use crate::args::AccountArgs;
use crate::gate::{Setup, now};
use crate::scan::{archive_limits, conclude, fingerprinter, rules_for_scans};
use keysweep_account::{
    Assessment, Catalogue, Extra, Home, Identities, Leak, Plan, Spotter, Witness, WitnessedCertificate,
};
use keysweep_engine::finding::{Finding, Location, MAX_LOCATIONS, Proof};
use keysweep_engine::{
    Fingerprinter, Incident, Inputs, Options, Progress, ProofLevel, PublicSeen, Report, Scanner, Selection,
};
use keysweep_facts::{Fact, Value};
use keysweep_rules::{Purpose, Severity};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

/// Folders of a system that hold dumps, keyrings and authorities.
const SYSTEM_FOLDERS: [&str; 14] = [
    "var/lib/systemd/coredump",
    "var/crash",
    "var/lib/apport/coredump",
    "var/spool/abrt",
    "etc/ssh",
    "etc/kubernetes",
    "etc/rancher",
    "var/lib/rancher/k3s/server/tls",
    "etc/apt",
    "usr/share/keyrings",
    "etc/pki",
    "etc/ssl/certs",
    "usr/local/share/ca-certificates",
    "usr/share/ca-certificates",
];

/// Verdicts told with one finding.
const MAX_KEPT: usize = 8;

pub(crate) fn run(args: &AccountArgs) -> Result<u8, Error> {
    let root = args.root.clone().unwrap_or_else(|| PathBuf::from("/"));
    let identities = Identities::of(&root);
    let chains = crate::exposure::Chains::load(args.zones.as_deref(), &args.exposure_rules)?;
    let plan = plan(args, &root, &identities)?;
    let mut paths: Vec<PathBuf> = plan.homes.iter().map(|home| home.path.clone()).collect();
    paths.extend(plan.trust.iter().cloned());
    for path in &args.paths {
        let path = std::path::absolute(path).unwrap_or_else(|_| path.clone());
        if !path.exists() {
            return Err(Error::Usage(format!("{}: no such file or folder", path.display())));
        }
        paths.push(path);
    }
    if args.system || args.root.is_some() || args.all_users {
        paths.extend(SYSTEM_FOLDERS.iter().map(|folder| root.join(folder)).filter(|path| path.is_dir()));
    }
    let paths = outermost(paths);
    let rules = rules_for_scans(&args.rules)?;
    let options = Options {
        archives: archive_limits(&args.archives),
        jobs: args.jobs,
        selection: Selection {
            exclude: args.exclude.clone(),
            max_file_size: args.max_file_size,
            ..Selection::default()
        },
        fingerprinter: fingerprinter(args.report.fingerprint_key.as_deref())?,
        leave_databases: true,
        list_public: true,
        ..Options::default()
    };
    let scanner = Scanner::new(rules, options)?;
    let catalogue = Catalogue::builtin();
    let spotter = Spotter::new(&catalogue, &plan);
    let progress = Progress::default();
    let inputs = Inputs { paths, stdin: false };
    let mut report = crate::progress::watch(&progress, !args.report.no_progress, || {
        scanner.scan_watched(&inputs, &progress, &|path, kind| spotter.see(path, kind))
    });
    let namer = fingerprinter(args.report.fingerprint_key.as_deref())?;
    join(&mut report, (&spotter, &catalogue), &identities, &namer);
    report.facts.extend(host(&root));
    chains.apply(&mut report, &identities, now());
    conclude(&mut report, scanner.rules(), &args.report, &Setup::default())
}

/// Joins the report with what lies at known places.
fn join(
    report: &mut Report,
    (spotter, catalogue): (&Spotter<'_>, &Catalogue),
    identities: &Identities,
    namer: &Fingerprinter,
) {
    let leaks: Vec<Leak> = report.findings.iter().flat_map(leaks).collect();
    let witnesses: Vec<Witness> = std::mem::take(&mut report.public).into_iter().map(witness).collect();
    let name = |rule: &str, secret: &[u8], file: &str, around: &[&[u8]]| namer.credential(rule, secret, file, around);
    let Assessment { facts, extra, incidents } =
        keysweep_account::assess(spotter, identities, &leaks, &witnesses, &name, now());
    report.facts = facts;
    report.facts.extend(report.dumps.iter().map(|dump| {
        Fact::new("dump", format!("read as {}", dump.format))
            .with("path", dump.path.clone())
            .with_some("process", dump.process.clone())
            .with_some("host", crate::dump_host::host_of(Path::new(&dump.path)))
            .with_some("pid", dump.pid.and_then(|pid| i64::try_from(pid).ok()))
            .with_some("modified", modified(Path::new(&dump.path)).map(Value::Time))
            .with_some("age_days", modified(Path::new(&dump.path)).map(|at| (now() - at).max(0) / 86_400))
    }));
    report.facts.sort();
    let mut secrets: BTreeMap<(String, String), Vec<Extra>> = BTreeMap::new();
    for extra in extra {
        secrets.entry((extra.location.clone(), extra.fingerprint.clone())).or_default().push(extra);
    }
    report.findings.extend(secrets.into_values().filter_map(|places| finding(places, catalogue)));
    describe(&mut report.findings, &report.facts);
    report.findings.sort_by(|a, b| {
        b.severity
            .cmp(&a.severity)
            .then_with(|| a.locations.first().cmp(&b.locations.first()))
            .then_with(|| a.rule.cmp(&b.rule))
    });
    let incidents = incidents.into_iter().map(|(path, message, incomplete)| Incident { path, message, incomplete });
    report.incidents.extend(incidents);
    report.incidents.sort();
    report.incidents.dedup();
}

/// Tells with each finding which tool keeps it, what for, and how well. What is kept well everywhere is for information only.
fn describe(findings: &mut [Finding], facts: &[Fact]) {
    let mut credentials: HashMap<&str, Vec<&Fact>> = HashMap::new();
    for fact in facts.iter().filter(|fact| fact.predicate == "credential") {
        credentials.entry(fact.text("fingerprint").unwrap_or_default()).or_default().push(fact);
    }
    for finding in findings {
        let places: BTreeSet<&str> = finding.locations.iter().map(|place| file_of(&place.path)).collect();
        let own = credentials.get(finding.fingerprint.as_str()).map_or(&[][..], Vec::as_slice);
        let own: Vec<&&Fact> =
            own.iter().filter(|f| f.text("path").is_some_and(|path| places.contains(path))).collect();
        let good: BTreeSet<&str> =
            own.iter().filter(|f| f.text("verdict") == Some("good")).filter_map(|f| f.text("path")).collect();
        let tools: BTreeSet<&str> = own.iter().filter_map(|f| f.text("tool")).filter(|tool| !tool.is_empty()).collect();
        finding.details.extend(tools.into_iter().map(|tool| ("tool".to_owned(), tool.to_owned())));
        let kept: BTreeSet<String> =
            own.iter().map(|f| format!("{}: {}", f.text("verdict").unwrap_or_default(), f.evidence)).collect();
        finding.details.extend(kept.into_iter().take(MAX_KEPT).map(|how| ("kept".to_owned(), how)));
        let all_good = own.iter().all(|f| f.text("verdict") == Some("good"));
        if finding.more_locations == 0 && all_good && good == places {
            finding.severity = Severity::Info;
        }
    }
}

/// The file of a path that may go on into a container.
pub(crate) fn file_of(path: &str) -> &str {
    path.split("!/").next().unwrap_or(path)
}

/// The name of the system that was swept.
fn host(root: &Path) -> Option<Fact> {
    let name = std::fs::read_to_string(root.join("etc/hostname")).ok()?;
    let name = name.trim();
    (!name.is_empty() && name.len() < 256).then(|| Fact::new("host", "its file etc/hostname").with("name", name))
}

fn modified(path: &Path) -> Option<i64> {
    let time = std::fs::metadata(path).ok()?.modified().ok()?;
    i64::try_from(time.duration_since(UNIX_EPOCH).ok()?.as_secs()).ok()
}

fn plan(args: &AccountArgs, root: &Path, identities: &Identities) -> Result<Plan, Error> {
    let mut homes = Vec::new();
    for path in &args.homes {
        let path = std::path::absolute(path).unwrap_or_else(|_| path.clone());
        if !path.is_dir() {
            return Err(Error::Usage(format!("{}: no such folder", path.display())));
        }
        homes.push(home_at(path, identities));
    }
    for name in &args.users {
        let account = identities.named(name).ok_or_else(|| Error::Usage(format!("no account '{name}'")))?;
        homes.push(Home { path: identities.home(account), account: account.name.clone(), uid: Some(account.uid) });
    }
    if args.all_users {
        homes.extend(all_homes(root, identities));
    }
    let asked = !args.homes.is_empty() || !args.users.is_empty() || args.all_users;
    if !asked {
        let own = std::env::var_os("HOME").or_else(|| std::env::var_os("USERPROFILE")).filter(|home| !home.is_empty());
        let own = own.filter(|_| args.root.is_none()).map(PathBuf::from);
        match own {
            Some(path) => homes.push(home_at(path, identities)),
            None => homes.extend(all_homes(root, identities)),
        }
    }
    if homes.is_empty() {
        return Err(Error::Usage("no home to sweep: name one with --home".into()));
    }
    homes.sort_by(|a, b| a.path.cmp(&b.path));
    homes.dedup_by(|a, b| a.path == b.path);
    let trust = args.trust.iter().map(|path| std::path::absolute(path).unwrap_or_else(|_| path.clone())).collect();
    let own_agent = std::env::var_os("SSH_AUTH_SOCK").filter(|_| args.agents && args.root.is_none()).map(PathBuf::from);
    Ok(Plan { root: root.to_owned(), homes, trust, agents: own_agent.into_iter().collect(), ask_agents: args.agents })
}

/// A home with the account that owns it by the table of accounts, else with the name of its folder.
fn home_at(path: PathBuf, identities: &Identities) -> Home {
    let owner = identities.accounts().iter().find(|account| identities.home(account) == path);
    let name = || path.file_name().map_or_else(|| "root".to_owned(), |name| name.to_string_lossy().into_owned());
    Home {
        account: owner.map_or_else(name, |account| account.name.clone()),
        uid: owner.map(|account| account.uid),
        path,
    }
}

/// The homes of people and root: by the table of accounts, and by the folders of macOS and Windows.
fn all_homes(root: &Path, identities: &Identities) -> Vec<Home> {
    const FIRST_PERSON: u32 = 1000;
    let person = |uid: u32| uid == 0 || (FIRST_PERSON..65_534).contains(&uid);
    let mut homes: Vec<Home> = identities
        .accounts()
        .iter()
        .filter(|account| person(account.uid))
        .map(|account| Home { path: identities.home(account), account: account.name.clone(), uid: Some(account.uid) })
        .filter(|home| home.path != root && home.path.is_dir())
        .collect();
    for folder in ["Users", "home"] {
        let entries = std::fs::read_dir(root.join(folder)).into_iter().flatten().flatten();
        let folders =
            entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())).map(|entry| entry.path());
        let new: Vec<PathBuf> = folders.filter(|path| !homes.iter().any(|home| home.path == *path)).collect();
        homes.extend(new.into_iter().map(|path| home_at(path, identities)));
    }
    homes
}

/// Paths that lie in no other of them, so that nothing is read twice.
fn outermost(mut paths: Vec<PathBuf>) -> Vec<PathBuf> {
    paths.sort();
    paths.dedup();
    let all = paths.clone();
    paths.retain(|path| !all.iter().any(|other| other != path && path.starts_with(other)));
    paths
}

fn leaks(finding: &Finding) -> impl Iterator<Item = Leak> + '_ {
    let key = finding.key.as_ref();
    let encrypted = key.is_some_and(|key| key.encrypted);
    let elsewhere = key.is_some_and(|key| key.protection.starts_with("kept on"));
    finding.locations.iter().map(move |location| Leak {
        path: location.path.clone(),
        offset: location.offset,
        length: location.length,
        title: finding.title.clone(),
        fingerprint: finding.fingerprint.clone(),
        open: !encrypted && !elsewhere && finding.known_public.is_none(),
        protection: match &finding.known_public {
            Some(source) => format!("published ({source})"),
            None => key.map_or_else(String::new, |key| key.protection.clone()),
        },
        weak: key.is_some_and(|key| key.weak),
        elsewhere: elsewhere || finding.known_public.is_some(),
        kdf: key.and_then(|key| key.kdf.clone()),
        certain: key.is_some() || finding.proof.level > ProofLevel::Pattern,
    })
}

fn witness(seen: PublicSeen) -> Witness {
    let certificate = seen.certificate.map(|(facts, usages)| WitnessedCertificate {
        subject: facts.subject,
        issuer: facts.issuer,
        not_after: facts.not_after,
        ca: facts.ca,
        usages,
    });
    Witness { path: seen.path, fingerprint: seen.fingerprint, name: seen.comment, certificate }
}

/// A finding for a secret that only the reader of its format sees, with all its places.
fn finding(places: Vec<Extra>, catalogue: &Catalogue) -> Option<Finding> {
    use keysweep_account::model::Severity as Own;
    let more_locations = places.len().saturating_sub(MAX_LOCATIONS) as u64;
    let locations = places.iter().take(MAX_LOCATIONS).map(location_of).collect();
    let extra = places.into_iter().next()?;
    let location = catalogue.get(&extra.location);
    let text = |of: fn(&keysweep_account::model::Location) -> &String| location.map(of).cloned().unwrap_or_default();
    Some(Finding {
        title: extra.title,
        severity: match location.map(|location| location.severity).unwrap_or_default() {
            Own::Info => Severity::Info,
            Own::Low => Severity::Low,
            Own::Medium => Severity::Medium,
            Own::High => Severity::High,
            Own::Critical => Severity::Critical,
        },
        purpose: Purpose::Generic,
        fingerprint: extra.fingerprint,
        proof: Proof {
            level: ProofLevel::Parsed,
            statement: "it stands where the format of the file has the secret".into(),
        },
        key: None,
        preview: None,
        details: Vec::new(),
        certificates: Vec::new(),
        known_public: None,
        locations,
        more_locations,
        description: text(|location| &location.holds),
        remediation: format!("{} {}", text(|location| &location.remediation), text(|location| &location.protect)),
        rule: extra.location,
    })
}

fn location_of(extra: &Extra) -> Location {
    Location {
        path: extra.path.clone(),
        offset: extra.offset,
        length: extra.length,
        form: "text".into(),
        line: extra.line.map(|(line, _)| line),
        column: extra.line.map(|(_, column)| column),
        address: None,
        region: None,
        structure: None,
        wrapping: Vec::new(),
        git: None,
        layer: None,
        marks: Vec::new(),
    }
}
