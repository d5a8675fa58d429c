//! Joins what was seen in all files: by fingerprint, and with certificates.

use crate::finding::{
    CertificateFacts, DumpFacts, Finding, Incident, KeyFacts, Location, MAX_LOCATIONS, Proof, ProofLevel, PublicSeen,
    Report, Stats,
};
use crate::raw::{Raw, Token, Unwanted, What};
use crate::unpack::file_name;
use crate::{fingerprint, known, purpose};
use keysweep_keys::decoder::{Certificate, PublicKind, PublicObject};
use keysweep_keys::{KeyMaterial, Protection, PublicKey};
use keysweep_rules::{Purpose, RuleSet, Severity};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Public keys whose certificates are remembered.
const MAX_CERTIFIED: usize = 200_000;
/// Public keys remembered for the search for numbers.
const MAX_PUBLIC_KEYS: usize = 10_000;
/// Certificates remembered for one key.
const MAX_CERTIFICATES: usize = 8;
/// Files in which the first place of one secret is kept, though there be more than [`MAX_LOCATIONS`].
const MAX_FILES: usize = 10_000;
/// Different secrets kept of a whole sweep.
const MAX_FINDINGS: usize = 1_000_000;
/// Public keys and certificates listed with their places, if that is asked for.
const MAX_PUBLIC_SEEN: usize = 200_000;
/// Incidents and dumps kept.
const MAX_INCIDENTS: usize = 10_000;

/// Two forms of a secret are one finding if they have the same name and the same protection.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Identity {
    fingerprint: String,
    state: State,
}

/// Whether whoever reads the bytes has the secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum State {
    Open,
    Encrypted,
    /// The secret is kept elsewhere, and only named here.
    Elsewhere,
}

enum Kind {
    Key(Box<KeyMaterial>),
    Token(Box<Token>),
    File(Box<Unwanted>),
}

struct Entry {
    rule: usize,
    kind: Kind,
    locations: Vec<Location>,
    more: u64,
}

/// Gathers what files yield; made into a report at the end.
#[derive(Default)]
pub(crate) struct Collector {
    /// The severity of each rule.
    severities: Vec<Severity>,
    entries: BTreeMap<Identity, Entry>,
    certificates: HashMap<[u8; 32], Vec<(CertificateFacts, Option<Purpose>)>>,
    /// For the search of their private halves as numbers, by the hash of their SubjectPublicKeyInfo.
    public_keys: BTreeMap<[u8; 32], PublicKey>,
    incidents: Incidents,
    dumps: Vec<DumpFacts>,
    /// Whether more public keys were seen than are remembered for the search for numbers.
    forgot_public: bool,
    /// Where public keys and certificates lie, if that is asked for.
    public_seen: Option<Vec<PublicSeen>>,
}

impl Collector {
    /// A collector of what rules find, that also lists where public keys and certificates lie, if `public` is set.
    pub(crate) fn new(rules: &RuleSet, public: bool) -> Self {
        let severities = rules.rules().iter().map(|rule| rule.severity).collect();
        Self { severities, public_seen: public.then(Vec::new), ..Self::default() }
    }

    /// A secret at a place.
    pub(crate) fn add(&mut self, raw: Raw, location: Location) {
        let identity = identity(&raw.what);
        if self.entries.len() >= MAX_FINDINGS && !self.entries.contains_key(&identity) {
            self.incident(&location.path, "more secrets than a report holds", true);
            return;
        }
        let (kind, rule) = match raw.what {
            What::Key(material) | What::Number { material, .. } => (Kind::Key(material), raw.rule),
            What::Token(token) => (Kind::Token(token), raw.rule),
            What::File(unwanted) => (Kind::File(unwanted), raw.rule),
        };
        match self.entries.entry(identity) {
            std::collections::btree_map::Entry::Vacant(vacant) => {
                vacant.insert(Entry { rule, kind, locations: vec![location], more: 0 });
            }
            std::collections::btree_map::Entry::Occupied(mut occupied) => {
                occupied.get_mut().merge(&self.severities, rule, kind, location)
            }
        }
    }

    /// A public key or certificate.
    pub(crate) fn public(&mut self, path: &str, object: &PublicObject) {
        let spki = object.key.fingerprint().spki_sha256;
        self.public_keys.entry(spki).or_insert_with(|| object.key.clone());
        self.forget_public();
        self.see(path, &spki, object);
        let PublicKind::Certificate(certificate) = &object.kind else { return };
        if self.certificates.len() >= MAX_CERTIFIED && !self.certificates.contains_key(&spki) {
            return self.incident("-", "more certificates than are remembered to tell what keys are for", false);
        }
        let facts = certificate_facts(path, certificate);
        let known = self.certificates.entry(spki).or_default();
        if let Some((seen, _)) = known.iter_mut().find(|(k, _)| k.sha256 == facts.sha256) {
            // The report must not depend on the order in which threads meet files.
            seen.path = std::mem::take(&mut seen.path).min(facts.path);
        } else if known.len() < MAX_CERTIFICATES {
            known.push((facts, purpose::of_certificate(certificate)));
        }
    }

    /// Lists where a public key lies, if that is asked for.
    fn see(&mut self, path: &str, spki: &[u8; 32], object: &PublicObject) {
        let Some(seen) = self.public_seen.as_mut() else { return };
        if seen.len() >= MAX_PUBLIC_SEEN {
            return self.incident(path, "more public keys than are listed", true);
        }
        let (comment, certificate) = match &object.kind {
            PublicKind::Key { comment } => (comment.clone(), None),
            PublicKind::Certificate(c) => (None, Some((certificate_facts(path, c), c.extended_key_usage.clone()))),
        };
        let fingerprint = format!("spki-sha256:{}", fingerprint::hex(spki));
        seen.push(PublicSeen { path: path.to_owned(), fingerprint, comment, certificate });
    }

    /// Keeps no more public keys than are looked for: the same ones whatever the order.
    fn forget_public(&mut self) {
        while self.public_keys.len() > MAX_PUBLIC_KEYS {
            self.public_keys.pop_last();
            self.forgot_public = true;
        }
    }

    /// Whether there are more public keys than [`Collector::public_keys`] tells.
    pub(crate) fn forgot_public(&self) -> bool {
        self.forgot_public
    }

    /// Something that could not be looked at.
    pub(crate) fn incident(&mut self, path: &str, message: impl Into<String>, incomplete: bool) {
        self.incidents.add(Incident { path: path.to_owned(), message: message.into(), incomplete });
    }

    /// Whether there is nothing to report.
    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.incidents.kept.is_empty() && self.dumps.is_empty()
    }

    /// Keeps the public keys and certificates that another collector has seen.
    pub(crate) fn take_public(&mut self, other: &Collector) {
        for (spki, key) in &other.public_keys {
            self.public_keys.entry(*spki).or_insert_with(|| key.clone());
        }
        self.forgot_public |= other.forgot_public;
        self.forget_public();
        for (spki, certificates) in &other.certificates {
            if self.certificates.len() < MAX_CERTIFIED || self.certificates.contains_key(spki) {
                let known = self.certificates.entry(*spki).or_default();
                let new = certificates.iter().filter(|(facts, _)| !known.iter().any(|(k, _)| k.sha256 == facts.sha256));
                let new: Vec<_> = new.take(MAX_CERTIFICATES - known.len().min(MAX_CERTIFICATES)).cloned().collect();
                known.extend(new);
            } else {
                self.incident("-", "more certificates than are remembered to tell what keys are for", false);
            }
        }
    }

    /// The public keys seen so far.
    pub(crate) fn public_keys(&self) -> Vec<PublicKey> {
        self.public_keys.values().cloned().collect()
    }

    /// A dump that was scanned.
    pub(crate) fn dump(&mut self, facts: DumpFacts) {
        if self.dumps.len() < MAX_INCIDENTS {
            self.dumps.push(facts);
        } else {
            self.incident(&facts.path, "scanned, but there are more dumps than the report lists", false);
        }
    }

    /// The report, in an order that does not depend on threads.
    pub(crate) fn into_report(mut self, rules: &RuleSet, stats: Stats) -> Report {
        let mut findings: Vec<Finding> = std::mem::take(&mut self.entries)
            .into_iter()
            .map(|(identity, entry)| entry.into_finding(identity, rules, &self.certificates))
            .collect();
        findings.sort_by(|a, b| {
            b.severity
                .cmp(&a.severity)
                .then_with(|| a.locations.first().cmp(&b.locations.first()))
                .then_with(|| a.rule.cmp(&b.rule))
        });
        self.dumps.sort();
        self.dumps.dedup();
        let mut public = self.public_seen.unwrap_or_default();
        public.sort();
        public.dedup();
        Report {
            findings,
            incidents: self.incidents.into_list(),
            dumps: self.dumps,
            public,
            stats,
            ..Report::default()
        }
    }
}

/// What could not be looked at. Of too many the same ones are kept whatever the order, those first that make the scan incomplete;
/// the others are counted.
#[derive(Default)]
struct Incidents {
    /// With whether it does *not* make the scan incomplete in front.
    kept: BTreeSet<(bool, Incident)>,
    /// How many more there are that make the scan incomplete, and that do not.
    more: [u64; 2],
}

impl Incidents {
    fn add(&mut self, incident: Incident) {
        self.kept.insert((!incident.incomplete, incident));
        if self.kept.len() > MAX_INCIDENTS {
            let lost = self.kept.pop_last();
            self.more[usize::from(lost.is_some_and(|(harmless, _)| harmless))] += 1;
        }
    }

    fn into_list(self) -> Vec<Incident> {
        let mut list: Vec<Incident> = self.kept.into_iter().map(|(_, incident)| incident).collect();
        list.sort();
        let [unseen, harmless] = self.more;
        let more = [
            (unseen, format!("{unseen} more places could not be looked at, which are not listed"), true),
            (harmless, format!("{harmless} more notes, which are not listed"), false),
        ];
        let more = more.into_iter().filter(|(count, _, _)| *count > 0);
        list.extend(more.map(|(_, message, incomplete)| Incident { path: "-".to_owned(), message, incomplete }));
        list
    }
}

impl Entry {
    fn merge(&mut self, severities: &[Severity], rule: usize, kind: Kind, location: Location) {
        // Whatever order threads bring forms in: the most serious rule speaks for a key, since one in a file is no longer perhaps that of a handshake,
        // with the best proof there is; for anything else the best proven form. Of several it is the lowest rule.
        let rank = |kind: &Kind, rule: usize| match kind {
            Kind::Key(_) => (severities.get(rule).copied(), None, Reverse(rule)),
            _ => (None, Some(kind.level()), Reverse(rule)),
        };
        let mut other = kind;
        if rank(&other, rule) > rank(&self.kind, self.rule) {
            self.rule = rule;
            std::mem::swap(&mut self.kind, &mut other);
        }
        if let (Kind::Key(own), Kind::Key(other)) = (&mut self.kind, other) {
            own.comment = [own.comment.take(), other.comment].into_iter().flatten().min();
            own.purpose = [own.purpose, other.purpose].into_iter().flatten().min();
            if level(other.proof.level) > level(own.proof.level) {
                own.proof = other.proof;
            }
        }
        self.add_place(location);
    }

    fn add_place(&mut self, location: Location) {
        self.locations.push(location);
        if self.locations.len() >= MAX_LOCATIONS + MAX_FILES {
            self.shorten();
        }
    }

    /// Sorts the places, and leaves no more than a finding lists: the first one in each file before all others, so that none hides a file.
    fn shorten(&mut self) {
        self.locations.sort();
        self.locations.dedup();
        if self.locations.len() <= MAX_LOCATIONS {
            return;
        }
        let all = std::mem::take(&mut self.locations);
        let (mut first, mut others): (Vec<Location>, Vec<Location>) = (Vec::new(), Vec::new());
        for location in all {
            let is_first = first.last().is_none_or(|last| last.path != location.path);
            if is_first { &mut first } else { &mut others }.push(location);
        }
        let room = MAX_LOCATIONS.saturating_sub(first.len());
        let files = first.len().min(MAX_FILES);
        self.more += (first.len() - files + others.len().saturating_sub(room)) as u64;
        first.truncate(files);
        others.truncate(room);
        first.append(&mut others);
        first.sort();
        self.locations = first;
    }

    fn into_finding(
        mut self,
        identity: Identity,
        rules: &RuleSet,
        certificates: &HashMap<[u8; 32], Vec<(CertificateFacts, Option<Purpose>)>>,
    ) -> Finding {
        self.shorten();
        let rule = &rules.rules()[self.rule];
        let known_public = known::published(&identity.fingerprint).map(str::to_owned);
        let mut finding = Finding {
            rule: rule.id.clone(),
            title: rule.name.clone(),
            severity: rule.severity,
            purpose: rule.purpose,
            fingerprint: identity.fingerprint,
            proof: Proof { level: ProofLevel::Pattern, statement: String::new() },
            key: None,
            preview: None,
            details: Vec::new(),
            certificates: Vec::new(),
            known_public,
            locations: self.locations,
            more_locations: self.more,
            description: rule.description.clone(),
            remediation: rule.remediation.clone(),
        };
        match self.kind {
            Kind::Key(material) => describe_key(&mut finding, *material, certificates),
            Kind::Token(token) => describe_token(&mut finding, *token),
            Kind::File(unwanted) => finding.proof = unwanted.proof,
        }
        if finding.known_public.is_some() {
            finding.severity = Severity::Info;
        }
        finding
    }
}

impl Kind {
    fn level(&self) -> ProofLevel {
        match self {
            Kind::Key(material) => level(material.proof.level),
            Kind::Token(token) => token.proof.level,
            Kind::File(unwanted) => unwanted.proof.level,
        }
    }
}

fn describe_token(finding: &mut Finding, token: Token) {
    finding.severity = token.severity;
    finding.purpose = token.purpose;
    finding.proof = token.proof;
    finding.preview = Some(token.preview);
    finding.details = token.details;
}

fn describe_key(
    finding: &mut Finding,
    material: KeyMaterial,
    certificates: &HashMap<[u8; 32], Vec<(CertificateFacts, Option<Purpose>)>>,
) {
    let readable = material.protection.is_open();
    let mut certificates =
        material.public.as_ref().and_then(|p| certificates.get(&p.spki_sha256).cloned()).unwrap_or_default();
    certificates.sort_by(|a, b| a.0.cmp(&b.0));
    let names: Vec<&str> = finding.locations.iter().map(|l| file_name(&l.path)).collect();
    finding.purpose = purpose::of_key(&material, &certificates, &names, finding.purpose);
    finding.severity = purpose::raise(finding.severity, finding.purpose, readable);
    finding.title = title(&material, &finding.title);
    finding.proof = Proof { level: level(material.proof.level), statement: material.proof.statement.clone() };
    finding.certificates = certificates.into_iter().map(|(facts, _)| facts).collect();
    finding.details = material.details.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    finding.key = Some(KeyFacts {
        algorithm: material.algorithm.to_string(),
        bits: material.bits,
        encrypted: matches!(material.protection, Protection::Encrypted { .. }),
        protection: material.protection.to_string(),
        kdf: match &material.protection {
            Protection::Encrypted { kdf, .. } => Some(kdf.clone()),
            _ => None,
        },
        weak: matches!(material.protection, Protection::Encrypted { weak: true, .. }),
        elsewhere: matches!(material.protection, Protection::External { .. }),
        spki_sha256: material.public.as_ref().map(|p| p.hex()),
        ssh_sha256: material.public.as_ref().and_then(|p| p.ssh.clone()),
        jwk_thumbprint: material.public.as_ref().and_then(|p| p.jwk_thumbprint.clone()),
        comment: material.comment,
    });
}

/// `RSA private key, 2048 bits`; the rule's own name where the algorithm is hidden.
fn title(material: &KeyMaterial, rule_name: &str) -> String {
    use keysweep_keys::Algorithm::{Symmetric, Unknown};
    let state = match material.protection {
        Protection::None | Protection::Published { .. } => "",
        Protection::Encrypted { .. } => ", encrypted",
        Protection::External { .. } => ", private part elsewhere",
    };
    match (&material.algorithm, material.bits) {
        (Unknown(_) | Symmetric(_), _) => rule_name.to_owned(),
        (algorithm, 0) => format!("{algorithm} private key{state}"),
        // The name of a curve or parameter set says the size.
        (
            algorithm @ (keysweep_keys::Algorithm::Rsa | keysweep_keys::Algorithm::Dsa | keysweep_keys::Algorithm::Dh),
            bits,
        ) => {
            format!("{algorithm} private key, {bits} bits{state}")
        }
        (algorithm, _) => format!("{algorithm} private key{state}"),
    }
}

fn identity(what: &What) -> Identity {
    match what {
        What::Token(token) => Identity { fingerprint: token.fingerprint.clone(), state: State::Open },
        What::File(unwanted) => Identity { fingerprint: unwanted.fingerprint.clone(), state: State::Open },
        What::Key(material) | What::Number { material, .. } => Identity {
            fingerprint: match (&material.public, &material.id) {
                (Some(public), _) => format!("spki-sha256:{}", public.hex()),
                (None, Some(id)) => format!("key-sha256:{}", fingerprint::hex(id)),
                (None, None) => format!("key-form:{}", material.encoding),
            },
            state: match material.protection {
                Protection::None | Protection::Published { .. } => State::Open,
                Protection::Encrypted { .. } => State::Encrypted,
                Protection::External { .. } => State::Elsewhere,
            },
        },
    }
}

fn level(level: keysweep_keys::ProofLevel) -> ProofLevel {
    match level {
        keysweep_keys::ProofLevel::Pattern => ProofLevel::Pattern,
        keysweep_keys::ProofLevel::Parsed => ProofLevel::Parsed,
        keysweep_keys::ProofLevel::Proven => ProofLevel::Proven,
    }
}

fn certificate_facts(path: &str, certificate: &Certificate) -> CertificateFacts {
    CertificateFacts {
        subject: certificate.subject.clone(),
        issuer: certificate.issuer.clone(),
        not_before: certificate.not_before,
        not_after: certificate.not_after,
        ca: certificate.ca,
        sha256: fingerprint::hex(&certificate.sha256),
        path: path.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_went_unseen_is_told_however_much_else_there_is() {
        let mut collector = Collector::default();
        for number in 0..MAX_INCIDENTS * 2 {
            collector.incident(&format!("note {number}"), "a label was lost", false);
        }
        for number in 0..5 {
            collector.incident(&format!("unseen {number}"), "cannot be read", true);
            collector.incident(&format!("unseen {number}"), "cannot be read", true);
        }
        let list = std::mem::take(&mut collector.incidents).into_list();
        assert_eq!(list.iter().filter(|incident| incident.incomplete).count(), 5);
        assert_eq!(list.len(), MAX_INCIDENTS + 1);
        assert_eq!(list.last().unwrap().message, format!("{} more notes, which are not listed", MAX_INCIDENTS + 5));

        for number in 0..MAX_INCIDENTS + 7 {
            collector.incident(&format!("unseen {number}"), "cannot be read", true);
        }
        let list = collector.incidents.into_list();
        let last = list.last().unwrap();
        assert!(last.incomplete && last.message.starts_with("7 more places"), "{}", last.message);
    }

    /// Else a key of which only the numbers may be those of a handshake would be told so although its file lies beside them.
    #[test]
    fn the_most_serious_form_of_a_key_speaks_with_the_best_proof() {
        let key = |encoding, proof, comment: Option<&str>| {
            Kind::Key(Box::new(KeyMaterial {
                algorithm: keysweep_keys::Algorithm::X25519,
                bits: 256,
                encoding,
                protection: Protection::None,
                public: None,
                id: Some([7; 32]),
                proof,
                comment: comment.map(str::to_owned),
                purpose: None,
                details: Vec::new(),
            }))
        };
        let severities = [Severity::Medium, Severity::High, Severity::High];
        let forms = || {
            [
                (0, key("numbers", keysweep_keys::Proof::proven("mathematics"), None)),
                (1, key("PEM", keysweep_keys::Proof::parsed("structure"), None)),
                (2, key("JWK", keysweep_keys::Proof::parsed("structure"), Some("kept"))),
            ]
        };
        for order in [[0, 1, 2], [2, 1, 0], [1, 0, 2], [2, 0, 1]] {
            let mut list: Vec<_> = forms().into_iter().map(Some).collect();
            let mut next = |index: usize| list[index].take().unwrap();
            let (rule, kind) = next(order[0]);
            let mut entry = Entry { rule, kind, locations: Vec::new(), more: 0 };
            for index in &order[1..] {
                let (rule, kind) = next(*index);
                let text = format!(r#"{{"path":"f{index}","offset":0,"length":32,"form":"test"}}"#);
                let location = serde_json::from_str(&text).unwrap();
                entry.merge(&severities, rule, kind, location);
            }
            let Kind::Key(material) = entry.kind else { panic!("{order:?}") };
            assert_eq!(
                (entry.rule, material.encoding, material.comment.as_deref()),
                (1, "PEM", Some("kept")),
                "{order:?}"
            );
            assert_eq!(material.proof.statement, "mathematics", "{order:?}");
        }
    }

    #[test]
    fn many_places_in_one_file_hide_no_other_file() {
        let material = Kind::File(Box::new(Unwanted {
            fingerprint: "place-sha256:00".into(),
            proof: Proof { level: ProofLevel::Pattern, statement: String::new() },
        }));
        let location = |path: &str, offset: u64| {
            let text = format!(r#"{{"path":"{path}","offset":{offset},"length":32,"form":"test"}}"#);
            serde_json::from_str::<Location>(&text).unwrap()
        };
        let mut entry = Entry { rule: 0, kind: material, locations: Vec::new(), more: 0 };
        let all = (0..30_000).map(|offset| location("many", offset));
        let files = (0..50).map(|file| location(&format!("f{file}"), 7));
        for location in all.chain(files) {
            entry.add_place(location);
        }
        entry.shorten();
        assert_eq!(entry.locations.len(), MAX_LOCATIONS);
        assert_eq!(entry.more as usize + entry.locations.len(), 30_050);
        assert_eq!(entry.locations.iter().filter(|location| location.path.starts_with('f')).count(), 50);
        let kept = entry.locations.iter().filter(|location| location.path == "many").map(|location| location.offset);
        assert!(kept.eq(0..MAX_LOCATIONS as u64 - 50));
    }

    #[test]
    fn tells_if_public_keys_are_forgotten() {
        let object = |number: u32| {
            let mut point = [0; 32];
            point[..4].copy_from_slice(&number.to_le_bytes());
            let key = PublicKey::okp(keysweep_keys::Algorithm::X25519, &point).unwrap();
            PublicObject { range: 0..1, key, kind: PublicKind::Key { comment: None } }
        };
        let mut collector = Collector::default();
        let mut other = Collector::default();
        for number in 0..MAX_PUBLIC_KEYS as u32 {
            collector.public("f", &object(number));
        }
        assert!(!collector.forgot_public());
        other.public("g", &object(u32::MAX));
        collector.take_public(&other);
        assert!(collector.forgot_public());
        assert_eq!(collector.public_keys().len(), MAX_PUBLIC_KEYS);
    }
}
