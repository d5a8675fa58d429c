//! What a location is. Plain data: the build script reads it from `rules/accounts/*.toml` and packs it.

use serde::{Deserialize, Serialize};

/// A file of `rules/accounts/`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LocationFile {
    /// The locations.
    #[serde(default)]
    pub location: Vec<Location>,
}

/// A place where a tool keeps something that matters, and how it should be kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Location {
    /// Unique name, in kebab-case.
    pub id: String,
    /// The program or service.
    pub tool: String,
    /// What lies there, as a sentence.
    pub holds: String,
    /// What kind of place it is.
    pub class: Class,
    /// What a credential from here is, for tables: `SSH key`, `access token`.
    pub kind: String,
    /// Globs of paths below the home (or below the root of the system, see [`Scope`]), with `/` on all systems. Case is ignored.
    pub paths: Vec<String>,
    /// Globs of what `paths` match and is not meant.
    #[serde(default)]
    pub except: Vec<String>,
    /// Environment variables that move the place elsewhere.
    #[serde(default)]
    pub env: Vec<String>,
    /// Below what `paths` are meant.
    #[serde(default)]
    pub scope: Scope,
    /// Name of the reader; without it only the scan looks at the file.
    #[serde(default)]
    pub reader: String,
    /// Settings that the reader takes.
    #[serde(default)]
    pub fields: Fields,
    /// The widest mode that is in order, in octal: `0600`.
    #[serde(default = "private")]
    pub mode: String,
    /// What is asked for besides the mode.
    #[serde(default)]
    pub accept: Accept,
    /// How bad it is if an open secret from here leaks.
    #[serde(default)]
    pub severity: Severity,
    /// How it should be protected, as a sentence.
    pub protect: String,
    /// What to do when it leaked, as a sentence.
    pub remediation: String,
    /// Documentation of the format or place.
    pub references: Vec<String>,
    /// Paths that are this place.
    pub examples: Vec<String>,
    /// Paths that look like it and are not.
    pub counterexamples: Vec<String>,
    /// The file it was defined in.
    #[serde(default)]
    pub source: String,
}

/// What the readers of trees (JSON, YAML, TOML, INI, XML) look for. A pattern is a path of member names joined by `/`, where
/// `*` is any one name and `**` any number of them; members of arrays count as members of what holds the array.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fields {
    /// Members that are secrets.
    #[serde(default)]
    pub secrets: Vec<String>,
    /// Members that say that the secret is kept elsewhere: in a keyring, or by a helper program.
    #[serde(default)]
    pub elsewhere: Vec<String>,
    /// Members beside a secret that name the host, tried in this order; one that begins with `=` is the host itself.
    #[serde(default)]
    pub host: Vec<String>,
}

/// What kind of place it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Class {
    /// Credentials are kept here.
    Credential,
    /// Settings that say where credentials are kept, or what they reach.
    Config,
    /// Sessions of a browser.
    Session,
    /// What was typed or said: secrets get here by accident.
    History,
    /// Dumps of crashed programs.
    Dump,
    /// What is trusted: keys and certificates of others.
    Trust,
    /// Sockets of agents.
    Agent,
    /// A folder that a service copies elsewhere.
    Synced,
    /// A folder or file of backups.
    Backup,
    /// Outputs of builds and layers of containers.
    Build,
}

/// Below what the paths of a location are meant.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// A home folder.
    #[default]
    Home,
    /// The root of the system.
    System,
}

/// What makes a secret well kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Accept {
    /// It is encrypted, or kept elsewhere: the tool can do that.
    #[default]
    Encryption,
    /// Nobody but the owner can read it: the tool has nothing better.
    Mode,
}

/// How bad a leak is; the names of the rule language.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Of no use to others.
    Info,
    /// Of use only together with more.
    Low,
    /// Of limited scope.
    Medium,
    /// Live access to code, cloud, money, mail or data.
    #[default]
    High,
    /// Signs for others or administers them.
    Critical,
}

fn private() -> String {
    "0600".into()
}

impl Location {
    /// The mode as a number; `None` if it is not octal.
    pub fn mode_bits(&self) -> Option<u32> {
        u32::from_str_radix(&self.mode, 8).ok().filter(|mode| *mode <= 0o777)
    }
}
