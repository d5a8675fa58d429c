//! Zones: which paths, hosts, processes and accounts belong to production, build, debugging, the corporate network.

use crate::Error;
use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use keysweep_rules::parse::syntax;
use serde::Deserialize;

/// The zones, in the order in which they are given: the first that fits is the one.
#[derive(Debug, Default)]
pub struct Zones(Vec<Zone>);

#[derive(Debug)]
struct Zone {
    name: String,
    /// In the order of [`Kind`].
    globs: [GlobSet; 4],
}

/// What may belong to a zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A path, as it is reported.
    Path,
    /// The name of a host.
    Host,
    /// The name of a process.
    Process,
    /// The name of an account.
    Account,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    zone: Vec<Given>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Given {
    name: String,
    #[serde(default)]
    paths: Vec<String>,
    #[serde(default)]
    hosts: Vec<String>,
    #[serde(default)]
    processes: Vec<String>,
    #[serde(default)]
    accounts: Vec<String>,
}

impl Zones {
    /// Reads `[[zone]]` tables: a `name`, and globs in `paths`, `hosts`, `processes` and `accounts`.
    ///
    /// # Errors
    ///
    /// It is no TOML of this shape, or a glob is none.
    pub fn parse(source_name: &str, text: &str) -> Result<Self, Error> {
        let fail = |message: String| Error::Syntax { source_name: source_name.to_owned(), message };
        let file: File = toml::from_str(text).map_err(|e| fail(syntax(text, &e)))?;
        let zones = file.zone.into_iter().map(|given| {
            let all = [&given.paths, &given.hosts, &given.processes, &given.accounts];
            let [paths, hosts, processes, accounts] = all.map(|globs| globs_of(globs));
            Ok(Zone { globs: [paths?, hosts?, processes?, accounts?], name: given.name })
        });
        let zones: Result<Vec<Zone>, globset::Error> = zones.collect();
        zones.map(Self).map_err(|e| fail(e.to_string()))
    }

    /// The zone of a path, host, process or account.
    pub fn of(&self, kind: Kind, name: &str) -> Option<&str> {
        let fits = |zone: &&Zone| zone.globs[kind as usize].is_match(name);
        self.0.iter().find(fits).map(|zone| zone.name.as_str())
    }
}

fn globs_of(globs: &[String]) -> Result<GlobSet, globset::Error> {
    let mut set = GlobSetBuilder::new();
    for glob in globs {
        set.add(GlobBuilder::new(glob).literal_separator(true).build()?);
    }
    set.build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_zone_that_fits_counts() {
        let text = r#"
            [[zone]]
            name = "production"
            processes = ["token-*"]
            hosts = ["sign-??"]
            [[zone]]
            name = "debugging"
            paths = ["/srv/debug/**"]
            [[zone]]
            name = "corporate"
            paths = ["/srv/**", "/home/*/**"]
            accounts = ["*"]
        "#;
        let zones = Zones::parse("zones.toml", text).unwrap();
        assert_eq!(zones.of(Kind::Process, "token-signer"), Some("production"));
        assert_eq!(zones.of(Kind::Path, "/srv/debug/a/core"), Some("debugging"));
        assert_eq!(zones.of(Kind::Path, "/srv/core"), Some("corporate"));
        assert_eq!(zones.of(Kind::Path, "/var/core"), None);
        assert_eq!(zones.of(Kind::Host, "sign-123"), None);
        for wrong in ["zone = 1", "[[zone]]\nname = 'a'\npath = ['/']", "[[zone]]\nname = 'a'\npaths = ['[']"] {
            assert!(Zones::parse("zones.toml", wrong).is_err(), "{wrong}");
        }
    }
}
