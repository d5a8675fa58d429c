//! Joins what lies at known places with what the scan found: into facts, verdicts, and findings that the scan does not have.

use crate::access::{Access, Accesses};
use crate::identities::Identities;
use crate::judge::{Case, Verdict, judge};
use crate::model::{Class, Location};
use crate::read::{self, Namer, Reading, Secret};
use crate::readers::{Credential, State};
use crate::repository::Repositories;
use crate::spotter::{Home, Spot, Spotter, What};
use crate::trust::{self, Witness};
use keysweep_facts::{Fact, Value};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};

/// Facts of one sweep.
const MAX_FACTS: usize = 500_000;

/// A place at which the scan found a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leak {
    /// The file, with `!/` before each member of a container.
    pub path: String,
    /// Where in the file.
    pub offset: u64,
    /// How long.
    pub length: u64,
    /// What it is, for people.
    pub title: String,
    /// The name of the secret in findings.
    pub fingerprint: String,
    /// Whether whoever reads the bytes has the secret.
    pub open: bool,
    /// Cipher and key derivation, or who keeps it, for people.
    pub protection: String,
    /// Whether that is below today's practice.
    pub weak: bool,
    /// Whether the secret proper is kept elsewhere.
    pub elsewhere: bool,
    /// Key derivation with its cost, for encrypted keys.
    pub kdf: Option<String>,
    /// Whether a format proves or prescribes it. What only looks like a secret is not joined where a reader knows better.
    pub certain: bool,
}

/// A secret that a reader found and the scan did not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extra {
    /// Id of the location.
    pub location: String,
    /// What it is, for people.
    pub title: String,
    /// The file.
    pub path: String,
    /// Where in the file.
    pub offset: u64,
    /// How long.
    pub length: u64,
    /// Line and column, in text.
    pub line: Option<(u64, u64)>,
    /// The name of the secret.
    pub fingerprint: String,
}

/// What was learnt.
#[derive(Debug, Default)]
pub struct Assessment {
    /// Facts, sorted.
    pub facts: Vec<Fact>,
    /// Secrets that the scan does not have.
    pub extra: Vec<Extra>,
    /// What could not be read: file, message, whether bytes went unseen.
    pub incidents: Vec<(String, String, bool)>,
}

/// Joins what the walk noted, what the scan found and what it saw. `now` is in seconds since 1970.
pub fn assess(
    spotter: &Spotter<'_>,
    identities: &Identities,
    leaks: &[Leak],
    witnesses: &[Witness],
    namer: Namer<'_>,
    now: i64,
) -> Assessment {
    let mut by_path: BTreeMap<&str, Vec<&Leak>> = BTreeMap::new();
    for leak in leaks {
        by_path.entry(leak.path.split("!/").next().unwrap_or(&leak.path)).or_default().push(leak);
    }
    let (spots, all) = spotter.take();
    let mut assessor = Assessor {
        spotter,
        identities,
        accesses: Accesses::new(identities, &spotter.plan.root),
        repositories: Repositories::default(),
        told: HashSet::new(),
        now,
        out: Assessment::default(),
    };
    if !all {
        assessor.incident(&spotter.plan.root, "more known places than are looked at", true);
    }
    assessor.accounts();
    assessor.agents(&spots);
    let places: HashMap<&Path, &Spot> = spots.iter().map(|spot| (spot.path.as_path(), spot)).collect();
    for spot in &spots {
        let path = spot.path.to_string_lossy();
        assessor.spot(spot, by_path.get(&*path).map_or(&[], Vec::as_slice), &by_path, namer);
    }
    for (path, leaks) in &by_path {
        if !places.contains_key(Path::new(path)) {
            assessor.unknown_place(Path::new(path), leaks);
        }
    }
    assessor.witnesses(witnesses, &places);
    let mut out = assessor.out;
    out.facts.sort();
    out.facts.dedup();
    // Nothing is told twice that stands at one place.
    out.extra.sort_by(|a, b| (&a.path, a.offset, &a.fingerprint).cmp(&(&b.path, b.offset, &b.fingerprint)));
    out.extra.dedup_by(|a, b| a.path == b.path && a.offset == b.offset && a.fingerprint == b.fingerprint);
    out
}

struct Assessor<'a> {
    spotter: &'a Spotter<'a>,
    identities: &'a Identities,
    accesses: Accesses<'a>,
    repositories: Repositories,
    /// Files of which owner, mode and place are told.
    told: HashSet<PathBuf>,
    now: i64,
    out: Assessment,
}

/// A credential with all that is known of it.
struct Held<'a> {
    path: &'a Path,
    location: Option<&'a Location>,
    credential: Credential,
    fingerprint: Option<String>,
    kdf: Option<String>,
    title: Option<String>,
}

impl<'a> Assessor<'a> {
    fn fact(&mut self, fact: Fact) {
        if self.out.facts.len() < MAX_FACTS {
            self.out.facts.push(fact);
        } else if self.out.facts.len() == MAX_FACTS && !self.out.incidents.iter().any(|i| i.1.starts_with("more facts"))
        {
            let root = self.spotter.plan.root.clone();
            self.incident(&root, "more facts than are listed", true);
        }
    }

    fn incident(&mut self, path: &Path, message: impl Into<String>, incomplete: bool) {
        self.out.incidents.push((path.to_string_lossy().into_owned(), message.into(), incomplete));
    }

    fn locations(&self) -> &'a [Location] {
        self.spotter.catalogue.locations()
    }

    fn home(&self, path: &Path) -> Option<&'a Home> {
        self.spotter.plan.home_of(path)
    }

    fn accounts(&mut self) {
        for home in &self.spotter.plan.homes {
            let login = home.uid.and_then(|uid| self.identities.last_login(uid));
            self.fact(
                Fact::new("account", "the home was swept")
                    .with("name", home.account.clone())
                    .with("home", home.path.to_string_lossy().into_owned())
                    .with_some("uid", home.uid.map(i64::from))
                    .with_some("last_login", login.map(Value::Time)),
            );
        }
    }

    fn agents(&mut self, spots: &[Spot]) {
        let plan = self.spotter.plan;
        let found = spots.iter().filter(|spot| plan.ask_agents && spot.what == What::Socket).map(|spot| &spot.path);
        let sockets: BTreeSet<&PathBuf> = plan.agents.iter().chain(found).collect();
        for socket in sockets {
            match crate::agent::held(socket) {
                Ok(facts) => {
                    facts.into_iter().for_each(|f| self.fact(f.with("socket", socket.to_string_lossy().into_owned())))
                }
                Err(error) => self.incident(socket, format!("the agent does not answer: {error}"), false),
            }
        }
    }

    /// What lies at a known place.
    fn spot(&mut self, spot: &'a Spot, leaks: &[&Leak], by_path: &BTreeMap<&str, Vec<&Leak>>, namer: Namer<'_>) {
        match spot.what {
            What::File => {}
            What::Link => return self.link(spot),
            What::Socket => {
                let place = spot.path.to_string_lossy().into_owned();
                return self.fact(Fact::new("agent_socket", "a socket at a known place").with("path", place));
            }
            What::Other => {
                let tool = &self.locations()[spot.locations[0]].tool;
                return self.incident(&spot.path, format!("no regular file where {tool} has one: not read"), false);
            }
        }
        let Reading { location, output, secrets, incidents } = read::read(spot, self.locations(), namer);
        for (message, incomplete) in incidents {
            self.incident(&spot.path, message, incomplete);
        }
        let location = &self.locations()[location];
        self.place(&spot.path, Some(location));
        let account = self.home(&spot.path).map(|home| home.account.clone());
        for fact in output.facts {
            let place = if fact.predicate == "trust" { "place" } else { "path" };
            let path = spot.path.to_string_lossy().into_owned();
            self.fact(fact.with(place, path).with_some("account", account.clone()));
        }
        for session in output.sessions {
            self.fact(
                Fact::new("session", format!("{} cookies in the browser's store", session.cookies))
                    .with("browser", location.tool.clone())
                    .with("host", session.host)
                    .with("cookies", session.cookies)
                    .with("protection", session.protection)
                    .with("weak", session.weak)
                    .with("path", spot.path.to_string_lossy().into_owned())
                    .with_some("expires", session.expires.map(Value::Time))
                    .with_some("account", account.clone()),
            );
        }
        let mut joined = vec![false; leaks.len()];
        for (credential, secret) in output.credentials.into_iter().zip(secrets) {
            let credential = with_key_beside(credential, &spot.path, by_path);
            self.read_credential(spot, location, credential, secret, leaks, &mut joined);
        }
        let known = joined.contains(&true);
        for (leak, _) in leaks.iter().zip(&joined).filter(|(leak, joined)| !**joined && (leak.certain || !known)) {
            self.leak(&spot.path, Some(location), leak);
        }
    }

    /// A credential that a reader told, with what the scan found at the same place.
    fn read_credential(
        &mut self,
        spot: &'a Spot,
        location: &'a Location,
        credential: Credential,
        secret: Option<Secret>,
        leaks: &[&Leak],
        joined: &mut [bool],
    ) {
        let touches = |leak: &Leak| match (&credential.span, &credential.state) {
            (Some(span), _) => leak.offset < span.end as u64 && leak.offset + leak.length > span.start as u64,
            (None, State::Encrypted { .. }) => leaks.len() == 1,
            _ => false,
        };
        let mut found: Option<&Leak> = None;
        for (leak, joined) in leaks.iter().zip(joined.iter_mut()).filter(|(leak, _)| touches(leak)) {
            *joined = true;
            found = found.filter(|other| other.length <= leak.length).or(Some(leak));
        }
        if let (None, Some(secret)) = (found, &secret) {
            let span = credential.span.clone().unwrap_or(0..0);
            self.out.extra.push(Extra {
                location: location.id.clone(),
                title: title(location, &credential),
                path: spot.path.to_string_lossy().into_owned(),
                offset: span.start as u64,
                length: span.len() as u64,
                line: secret.line,
                fingerprint: secret.fingerprint.clone(),
            });
        }
        let fingerprint = found.map(|leak| leak.fingerprint.clone()).or(secret.map(|secret| secret.fingerprint));
        let (kdf, title) = (found.and_then(|leak| leak.kdf.clone()), found.map(|leak| leak.title.clone()));
        self.held(Held { path: &spot.path, location: Some(location), credential, fingerprint, kdf, title });
    }

    /// A secret that the scan found.
    fn leak(&mut self, path: &'a Path, location: Option<&'a Location>, leak: &Leak) {
        let state = match (leak.open, leak.elsewhere) {
            (true, _) => State::Open,
            (false, true) => State::Elsewhere { keeper: leak.protection.clone() },
            (false, false) => State::Encrypted { how: leak.protection.clone(), weak: leak.weak },
        };
        let mut credential = Credential::new(state);
        if location.is_none_or(|location| location.class != Class::Credential) {
            credential.kind = Some(leak.title.clone());
        }
        let fingerprint = Some(leak.fingerprint.clone());
        self.held(Held {
            path,
            location,
            credential,
            fingerprint,
            kdf: leak.kdf.clone(),
            title: Some(leak.title.clone()),
        });
    }

    /// Secrets in a file that is no known place.
    fn unknown_place(&mut self, path: &Path, leaks: &[&Leak]) {
        if self.home(path).is_none() && !path.starts_with(&self.spotter.plan.root) {
            return;
        }
        self.place(path, None);
        for leak in leaks {
            let state = if leak.open {
                State::Open
            } else {
                State::Encrypted { how: leak.protection.clone(), weak: leak.weak }
            };
            let state = if leak.elsewhere { State::Elsewhere { keeper: leak.protection.clone() } } else { state };
            let credential = Credential::new(state).kind(&leak.title);
            let fact =
                self.credential_fact(path, None, &credential, Some(&leak.fingerprint), leak.kdf.as_deref(), None);
            self.fact(fact);
        }
    }

    fn held(&mut self, held: Held<'_>) {
        let Held { path, location, credential, fingerprint, kdf, title } = held;
        let title = title.as_deref();
        let fact = self.credential_fact(path, location, &credential, fingerprint.as_deref(), kdf.as_deref(), title);
        self.fact(fact);
    }

    fn credential_fact(
        &mut self,
        path: &Path,
        location: Option<&Location>,
        credential: &Credential,
        fingerprint: Option<&str>,
        kdf: Option<&str>,
        title: Option<&str>,
    ) -> Fact {
        let access = self.accesses.of(path);
        let readers = access.as_ref().map(|access| self.accesses.names(&access.readers)).unwrap_or_default();
        let synced = self.place_of(path, Class::Synced).map(|location| location.tool.clone());
        let expired = credential.expires.is_some_and(|at| at < self.now);
        let case = Case {
            state: &credential.state,
            location,
            access: access.as_ref(),
            readers: &readers,
            synced: synced.as_deref(),
            expired,
        };
        let (verdict, reason) = judge(&case);
        let kind = credential.kind.clone().or(location.map(|l| l.kind.clone())).unwrap_or_default();
        let text = path.to_string_lossy();
        let id = id(&[
            &text,
            fingerprint.unwrap_or_default(),
            &kind,
            credential.host.as_deref().unwrap_or_default(),
            credential.name.as_deref().unwrap_or_default(),
        ]);
        let modified = access.as_ref().and_then(|access| access.modified);
        let used = access.as_ref().and_then(|access| access.accessed);
        Fact::new("credential", reason)
            .with("id", id)
            .with("path", text.into_owned())
            .with("kind", kind)
            .with("tool", location.map_or("", |l| l.tool.as_str()))
            .with("encrypted", matches!(credential.state, State::Encrypted { .. } | State::Beside { .. }))
            .with("elsewhere", matches!(credential.state, State::Elsewhere { .. }))
            .with("verdict", verdict.name())
            .with("expired", expired)
            .with_some("location", location.map(|l| l.id.clone()))
            .with_some("fix", location.filter(|_| verdict != Verdict::Good).map(|l| l.protect.clone()))
            .with_some("account", self.home(path).map(|home| home.account.clone()))
            .with_some("fingerprint", fingerprint)
            .with_some("title", title)
            .with_some("host", credential.host.clone())
            .with_some("name", credential.name.clone())
            .with_some("expires", credential.expires.map(Value::Time))
            .with_some("modified", modified.map(Value::Time))
            .with_some("last_used", used.map(Value::Time))
            .with_some("kdf", kdf)
            .with_some("kdf_cost", kdf.and_then(cost))
    }

    /// Owner, mode, readers and surroundings of a file, once.
    fn place(&mut self, path: &Path, location: Option<&Location>) {
        if !self.told.insert(path.to_owned()) {
            return;
        }
        let text = path.to_string_lossy().into_owned();
        if let Some(access) = self.accesses.of(path) {
            self.file(&text, &access);
        }
        for (class, predicate, field) in [
            (Class::Synced, "synced", "service"),
            (Class::Backup, "in_backup", "tool"),
            (Class::Build, "in_build", "tool"),
        ] {
            if let Some(tool) = self.place_of(path, class).map(|location| location.tool.clone()) {
                let evidence = format!("it lies below a folder of {tool}");
                self.fact(Fact::new(predicate, evidence).with("path", text.clone()).with(field, tool));
            }
        }
        let top = self.home(path).map_or(self.spotter.plan.root.as_path(), |home| home.path.as_path());
        if let Some(repository) = self.repositories.of(path, top).filter(|r| !inside_git(path, &r.folder)) {
            let folder = repository.folder.to_string_lossy().into_owned();
            let fact = Fact::new("in_repository", "it lies in the work tree of a repository")
                .with("path", text.clone())
                .with("repository", folder);
            if repository.remotes.is_empty() {
                self.fact(fact);
            } else {
                repository.remotes.into_iter().for_each(|remote| self.fact(fact.clone().with("remote", remote)));
            }
        }
        if location.is_some_and(|location| location.class == Class::Dump) {
            let modified = self.accesses.of(path).and_then(|access| access.modified);
            self.fact(
                Fact::new("dump_place", "it lies in a folder of crash dumps")
                    .with("path", text)
                    .with("tool", location.map_or("", |l| l.tool.as_str()))
                    .with_some("age_days", modified.map(|at| (self.now - at).max(0) / 86_400)),
            );
        }
    }

    fn file(&mut self, path: &str, access: &Access) {
        let readers = self.accesses.names(&access.readers);
        let everyone = readers.first().is_some_and(|reader| reader == "everyone");
        let owner = self.identities.user(access.uid);
        let readable = if readers.is_empty() { "owner".to_owned() } else { readers.join(", ") };
        self.fact(
            Fact::new("file", "its mode and list, and those of the folders above it")
                .with("path", path)
                .with("owner", owner)
                .with("group", self.identities.group(access.gid))
                .with("mode", format!("{:04o}", access.mode))
                .with("readable_by", readable)
                .with("world_readable", everyone),
        );
        for reader in readers {
            self.fact(
                Fact::new("readable", "its mode and list, and those of the folders above it")
                    .with("path", path)
                    .with("by", reader),
            );
        }
    }

    /// The location of this class that the path lies below.
    fn place_of(&self, path: &Path, class: Class) -> Option<&'a Location> {
        let (relative, scope) = self.spotter.plan.relative(path)?;
        let found = self.spotter.catalogue.surroundings(&relative, scope);
        found.into_iter().map(|index| &self.locations()[index]).find(|location| location.class == class)
    }

    /// A link at a known place: what it names is looked at only if the walk comes by there, too.
    fn link(&mut self, spot: &Spot) {
        let Ok(target) = std::fs::canonicalize(&spot.path) else { return };
        let plan = self.spotter.plan;
        let canonical = |path: &Path| std::fs::canonicalize(path).is_ok_and(|folder| target.starts_with(folder));
        // What is trusted is often a link to what the system brings, and no loss.
        let kept = spot.locations.iter().any(|index| self.locations()[*index].class != Class::Trust);
        let seen = !kept
            || plan.homes.iter().any(|home| canonical(&home.path))
            || plan.trust.iter().any(|path| canonical(path));
        if !seen && target.is_file() {
            let message = format!("is a link to {}, which is outside of what is swept: not read", target.display());
            self.incident(&spot.path, message, true);
        }
    }

    fn witnesses(&mut self, witnesses: &[Witness], places: &HashMap<&Path, &Spot>) {
        let locations = self.locations();
        let mut key_sets: HashMap<&Path, bool> = HashMap::new();
        for witness in witnesses {
            let path = Path::new(witness.path.split("!/").next().unwrap_or(&witness.path));
            let own: Vec<&Location> = places
                .get(path)
                .map(|spot| spot.locations.iter().map(|i| &locations[*i]).collect())
                .unwrap_or_default();
            // Their readers say more.
            if own.iter().any(|location| location.tool == "OpenSSH" && !location.reader.is_empty()) {
                continue;
            }
            let given = self.spotter.plan.trust.iter().any(|trusted| path.starts_with(trusted));
            let key_set = *key_sets.entry(path).or_insert_with(|| trust::is_key_set(path));
            if let Some(fact) = trust::fact(witness, &own, given, key_set) {
                self.fact(fact);
            }
        }
    }
}

/// Whether a path is the repository's own, such as its configuration.
fn inside_git(path: &Path, folder: &Path) -> bool {
    path.starts_with(folder.join(".git"))
}

/// What is encrypted with a key beside it is as safe as that key.
fn with_key_beside(credential: Credential, path: &Path, by_path: &BTreeMap<&str, Vec<&Leak>>) -> Credential {
    let State::Beside { file, how } = &credential.state else { return credential };
    let beside = path.with_file_name(file).to_string_lossy().into_owned();
    let open = by_path.get(&*beside).is_some_and(|leaks| leaks.iter().any(|leak| leak.open));
    let how = if open { format!("{how}, which is not protected") } else { how.clone() };
    Credential { state: State::Encrypted { how, weak: open }, ..credential }
}

/// `Access key of AWS CLI`.
fn title(location: &Location, credential: &Credential) -> String {
    let kind = credential.kind.as_deref().unwrap_or(&location.kind);
    let mut letters = kind.chars();
    let first = letters.next().map(|letter| letter.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{} of {}", letters.as_str(), location.tool)
}

/// A short name for a credential at a place.
fn id(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    data_encoding::HEXLOWER.encode(&hash.finalize()[..8])
}

/// The cost of a key derivation: the first number that stands by itself in `bcrypt, 16 rounds`.
fn cost(kdf: &str) -> Option<i64> {
    kdf.split([' ', ',']).find_map(|word| word.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn costs_are_read_out_of_descriptions() {
        assert_eq!(cost("bcrypt, 16 rounds"), Some(16));
        assert_eq!(cost("PBKDF2-HMAC-SHA256, 2048 iterations"), Some(2048));
        assert_eq!(cost("MD5"), None);
    }

    #[test]
    fn ids_depend_on_all_parts() {
        assert_eq!(id(&["a", "b"]), id(&["a", "b"]));
        assert_ne!(id(&["a", "b"]), id(&["ab", ""]));
    }
}
