//! Readers of formats: one file each, registered in one table.
//!
//! A reader looks at one file of a known location and tells which credentials are in it and how they are protected, which
//! sessions, what is trusted, and what can be reached with them. It never hands on a secret: only where in the file it lies.

mod tree;

mod aws;
mod bare;
mod chromium;
mod containers;
mod databases;
mod directives;
mod firefox;
mod gcloud;
mod git;
mod keepass;
mod kubeconfig;
mod lines;
mod netrc;
mod openpgp;
mod plain;
mod ssh;
mod trees;
mod vscode;

use crate::model::Location;
use keysweep_facts::Fact;
use std::cell::Cell;
use std::ops::Range;

/// Most credentials and facts taken of one file.
pub const MAX_ITEMS: usize = 5_000;
/// Bytes of one file that are searched for where its secrets stand, all searches together.
const SEARCHED: usize = 1 << 30;

/// A file to read.
pub struct Input<'a> {
    /// Its path, as the report calls it.
    pub path: &'a str,
    /// Its bytes.
    pub bytes: &'a [u8],
    /// The location it was recognised as.
    pub location: &'a Location,
    /// Reads a file beside it, within bounds.
    pub beside: &'a dyn Fn(&str) -> Option<Vec<u8>>,
    /// Where secrets were looked for.
    pub cursor: Cursor,
}

/// Where the secret that was looked for last ends, and how many bytes may still be searched for others: most readers go from
/// the beginning to the end, and those that do not must not read a long file for each of many secrets.
pub struct Cursor {
    end: Cell<usize>,
    budget: Cell<usize>,
}

impl Default for Cursor {
    fn default() -> Self {
        Self { end: Cell::new(0), budget: Cell::new(SEARCHED) }
    }
}

impl<'a> Input<'a> {
    /// The bytes as text; what is no UTF-8 is replaced.
    pub fn text(&self) -> std::borrow::Cow<'a, str> {
        let bytes = self.bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(self.bytes);
        String::from_utf8_lossy(bytes)
    }

    /// Where a secret stands in the file as it is written: behind the one before, or else anywhere. Of one with several lines,
    /// which formats write in their own ways, the longest line stands for it.
    pub fn find(&self, secret: &str) -> Option<Range<usize>> {
        let secret = secret.lines().max_by_key(|line| line.len()).filter(|line| !line.is_empty())?;
        let from = self.cursor.end.get();
        let at = self.search(from, secret).or_else(|| if from > 0 { self.search(0, secret) } else { None })?;
        self.cursor.end.set(at + secret.len());
        Some(at..at + secret.len())
    }

    fn search(&self, from: usize, secret: &str) -> Option<usize> {
        let rest = self.bytes.get(from..)?;
        let rest = &rest[..rest.len().min(self.cursor.budget.get())];
        let found = memchr::memmem::find(rest, secret.as_bytes());
        let cost = found.map_or(rest.len(), |at| at + secret.len());
        self.cursor.budget.set(self.cursor.budget.get() - cost);
        found.map(|at| from + at)
    }
}

/// How a secret lies in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// Whoever reads the file has it.
    Open,
    /// Encrypted under a passphrase, or a key that is not in the file.
    Encrypted {
        /// Cipher and key derivation, for people.
        how: String,
        /// Whether that is below today's practice, or the key is known.
        weak: bool,
    },
    /// Encrypted with a key in a file beside it, and as safe as that.
    Beside {
        /// Name of that file.
        file: &'static str,
        /// Cipher and key derivation, for people.
        how: String,
    },
    /// Only named here.
    Elsewhere {
        /// Who keeps it: a keyring, a helper program, a variable.
        keeper: String,
    },
}

/// A credential in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credential {
    /// What it is; the kind of the location if that says it.
    pub kind: Option<String>,
    /// Name of the profile, account or entry.
    pub name: Option<String>,
    /// What it is accepted by.
    pub host: Option<String>,
    /// How it is protected.
    pub state: State,
    /// Until when it is accepted: seconds since 1970 UTC.
    pub expires: Option<i64>,
    /// Where the secret stands in the file.
    pub span: Option<Range<usize>>,
}

impl Credential {
    /// A credential in this state.
    pub fn new(state: State) -> Self {
        Self { kind: None, name: None, host: None, state, expires: None, span: None }
    }

    /// A secret that stands in the file as it is, unless it only stands for one.
    pub fn secret(input: &Input<'_>, value: &str) -> Self {
        let state = plain::state_of(value);
        let span = if state == State::Open { input.find(value) } else { None };
        Self { span, expires: plain::token_end(value), ..Self::new(state) }
    }

    /// The credential with another kind.
    #[must_use]
    pub fn kind(self, kind: &str) -> Self {
        Self { kind: Some(kind.to_owned()), ..self }
    }

    /// The credential of this name.
    #[must_use]
    pub fn named(self, name: &str) -> Self {
        Self { name: Some(bounded(name)).filter(|n| !n.is_empty()), ..self }
    }

    /// The credential for this host.
    #[must_use]
    pub fn for_host(self, host: &str) -> Self {
        Self { host: Some(host_of(host)).filter(|h| !h.is_empty()), ..self }
    }
}

/// Sessions of a browser at one host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// The host.
    pub host: String,
    /// Cookies for it.
    pub cookies: i64,
    /// When the last of them ends; absent if all end with the browser.
    pub expires: Option<i64>,
    /// How the values are kept.
    pub protection: String,
    /// Whether that keeps nobody out who has the file.
    pub weak: bool,
}

/// What a reader tells.
#[derive(Debug, Default)]
pub struct Output {
    /// Credentials, in the order of the file.
    pub credentials: Vec<Credential>,
    /// Sessions.
    pub sessions: Vec<Session>,
    /// Trust, reach and the like.
    pub facts: Vec<Fact>,
    /// Why the file could not be read, or not all of it.
    pub problem: Option<String>,
}

impl Output {
    /// A credential.
    pub fn credential(&mut self, credential: Credential) {
        if self.credentials.len() < MAX_ITEMS {
            self.credentials.push(credential);
        } else {
            self.problem("holds more credentials than are listed");
        }
    }

    /// A fact.
    pub fn fact(&mut self, fact: Fact) {
        if self.facts.len() < MAX_ITEMS {
            self.facts.push(fact);
        } else {
            self.problem("holds more entries than are listed");
        }
    }

    /// Tells what could not be read.
    pub fn problem(&mut self, message: impl Into<String>) {
        self.problem.get_or_insert_with(|| message.into());
    }
}

/// A reader: its name in rules, and what it does.
pub struct Reader {
    /// The name.
    pub name: &'static str,
    /// Whether it takes [`crate::model::Fields`].
    pub takes_fields: bool,
    /// Reads a file.
    pub read: fn(&Input<'_>, &mut Output),
}

const fn reader(name: &'static str, read: fn(&Input<'_>, &mut Output)) -> Reader {
    Reader { name, takes_fields: false, read }
}

const fn tree_reader(name: &'static str, read: fn(&Input<'_>, &mut Output)) -> Reader {
    Reader { name, takes_fields: true, read }
}

/// All readers.
pub fn all() -> &'static [Reader] {
    const READERS: &[Reader] = &[
        tree_reader("json", trees::json),
        tree_reader("yaml", trees::yaml),
        tree_reader("toml", trees::toml),
        tree_reader("ini", trees::ini),
        tree_reader("xml", trees::xml),
        tree_reader("directives", directives::read),
        reader("address-logins", directives::addresses),
        reader("authorized-keys", ssh::authorized_keys),
        reader("aws-config", aws::config),
        reader("aws-credentials", aws::credentials),
        reader("bare-secret", bare::read),
        reader("chromium-cookies", chromium::cookies),
        reader("chromium-logins", chromium::logins),
        reader("docker-config", containers::read),
        tree_reader("dpapi-or-json", trees::dpapi_or_json),
        reader("firefox-cookies", firefox::cookies),
        reader("firefox-logins", firefox::logins),
        reader("gcloud-database", gcloud::read),
        reader("git-config", git::config),
        reader("git-credentials", git::credentials),
        reader("keepass", keepass::read),
        reader("known-hosts", ssh::known_hosts),
        reader("kubeconfig", kubeconfig::read),
        reader("netrc", netrc::read),
        reader("npmrc", lines::npmrc),
        reader("openpgp-keyring", openpgp::read),
        reader("password-export", bare::export),
        reader("pgpass", databases::pgpass),
        reader("published-key", bare::published_key),
        reader("sealed-store", bare::sealed),
        reader("ssh-certificate", ssh::certificate),
        reader("ssh-config", ssh::config),
        reader("vscode-state", vscode::read),
    ];
    READERS
}

/// The reader with this name.
pub fn by_name(name: &str) -> Option<&'static Reader> {
    all().iter().find(|reader| reader.name == name)
}

/// Text from a file, short and without control characters.
pub(crate) fn bounded(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(200).collect()
}

/// The host of an address: without scheme, user, port and path. Other text stays as it is.
pub(crate) fn host_of(address: &str) -> String {
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    let rest = rest.trim_start_matches('/');
    let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let host = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) && !name.ends_with(':') => name,
        _ => host,
    };
    bounded(host).to_ascii_lowercase()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// What the location's reader tells of a file with this text.
    pub(crate) fn read(id: &str, bytes: &[u8]) -> Output {
        let catalogue = crate::Catalogue::builtin();
        let location = catalogue.get(id).unwrap_or_else(|| panic!("no location '{id}'"));
        let input = Input { path: "home/file", bytes, location, beside: &|_| None, cursor: Cursor::default() };
        let mut out = Output::default();
        (by_name(&location.reader).unwrap().read)(&input, &mut out);
        out
    }

    #[test]
    fn lines_stand_for_what_has_many() {
        let catalogue = crate::Catalogue::builtin();
        let bytes = br#"{"private_key": "-----BEGIN\nMIIEvQIBADANBg\n-----END"}"#;
        let location = &catalogue.locations()[0];
        let input = Input { path: "f", bytes, location, beside: &|_| None, cursor: Cursor::default() };
        assert_eq!(input.find("-----BEGIN\nMIIEvQIBADANBg\n-----END"), Some(29..43));
        assert_eq!(input.find(""), None);
    }

    #[test]
    fn searching_for_secrets_ends() {
        let catalogue = crate::Catalogue::builtin();
        let bytes = vec![b'a'; 1 << 20];
        let location = &catalogue.locations()[0];
        let input = Input { path: "f", bytes: &bytes, location, beside: &|_| None, cursor: Cursor::default() };
        assert!((0..100_000).all(|_| input.find("b").is_none()));
        assert_eq!(input.find("a"), None, "nothing is left to spend");
    }

    #[test]
    fn hosts_are_taken_out_of_addresses() {
        for (address, host) in [
            ("https://user:pw@Git.Example.test:8443/a?b", "git.example.test"),
            ("//registry.npmjs.org/:", "registry.npmjs.org"),
            ("example.test:22", "example.test"),
            ("plain", "plain"),
            ("", ""),
        ] {
            assert_eq!(host_of(address), host, "{address}");
        }
    }

    #[test]
    fn readers_survive_everything() {
        let seeds: [&[u8]; 12] = [
            b"",
            b"{",
            b"[a]\nb = c\n[",
            b"a: &a [*a, *a]\nb: {{{",
            b"<a><b>",
            b"SQLite format 3\0",
            b"machine x login y password",
            b"Host *\n\xff\xfe",
            b"a:b:c:d:e\\:f",
            b"//x/:_authToken=",
            b"|1|x|y ssh-rsa AAAA",
            b"\x03\xd9\xa2\x9a\x67\xfb\x4b\xb5",
        ];
        let catalogue = crate::Catalogue::builtin();
        for location in catalogue.locations().iter().filter(|l| !l.reader.is_empty()) {
            let reader = by_name(&location.reader).unwrap();
            for seed in seeds {
                let mut bytes = seed.to_vec();
                for round in 0u32..40 {
                    let input = Input {
                        path: "f",
                        bytes: &bytes,
                        location,
                        beside: &|_| Some(b"x".to_vec()),
                        cursor: Cursor::default(),
                    };
                    (reader.read)(&input, &mut Output::default());
                    // A small generator is enough: what matters is that bytes change everywhere.
                    let noise = round.wrapping_mul(2_654_435_761) >> 7;
                    let at = noise as usize % (bytes.len() + 1);
                    bytes.insert(at, (noise >> 9) as u8);
                }
            }
        }
    }
}
