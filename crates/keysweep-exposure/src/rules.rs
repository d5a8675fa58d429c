//! The language of the rules.

use crate::condition::Condition;
use keysweep_facts::Fact;
use keysweep_rules::parse::syntax;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

/// A rule that is no rule.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It is no TOML, or has members that are not known.
    #[error("{source_name}: {message}")]
    Syntax {
        /// Where the rule stands.
        source_name: String,
        /// What is wrong, with the line.
        message: String,
    },
    /// It is TOML, but makes no sense.
    #[error("{source_name}: rule '{rule}': {message}")]
    Rule {
        /// Where the rule stands.
        source_name: String,
        /// Its id.
        rule: String,
        /// What is wrong.
        message: String,
    },
}

/// All rules of exposures.
#[derive(Debug, Default)]
pub struct Rules {
    /// Rules that report.
    pub exposures: Vec<ExposureRule>,
    pub(crate) derivations: Vec<Derivation>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    exposure: Vec<ExposureRule>,
    #[serde(default)]
    derive: Vec<Derivation>,
}

/// A chain that is reported.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExposureRule {
    /// Its id, such as `signing-key-in-dump-outside-production`.
    pub id: String,
    /// What it means, in a sentence.
    pub title: String,
    /// `critical`, `high`, `medium` or `low`.
    pub severity: String,
    /// Why it matters.
    #[serde(default)]
    pub description: String,
    /// The variables that tell one exposure from another: chains that differ only in others are one.
    pub per: Vec<String>,
    /// The variable that holds the fingerprint of the key, if it has another name.
    #[serde(default = "key")]
    pub key: String,
    /// The facts of the chain, in the order in which it is told.
    pub link: Vec<Link>,
    /// What must not be true.
    #[serde(default)]
    pub absent: Vec<Absent>,
    /// Rules whose exposures of the same key need not be told if this one is.
    #[serde(default)]
    pub supersedes: Vec<String>,
    /// What to do, the most urgent first.
    pub fix: Vec<String>,
    /// Where to read on.
    #[serde(default)]
    pub references: Vec<String>,
    /// Examples, each with whether there is an exposure.
    #[serde(default)]
    pub scenario: Vec<Scenario>,
}

fn key() -> String {
    "key".to_owned()
}

/// A fact of a chain.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Link {
    /// The predicate.
    pub fact: String,
    /// What its fields must be; `$name` is a variable.
    #[serde(default)]
    pub(crate) r#where: BTreeMap<String, Condition>,
    /// How the link is told; `{name}` stands for a variable.
    pub say: String,
    /// What would break the chain here.
    #[serde(default, rename = "break")]
    pub breaks: String,
}

/// A fact that must not be there.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Absent {
    /// The predicate.
    pub fact: String,
    /// What its fields would be.
    #[serde(default)]
    pub(crate) r#where: BTreeMap<String, Condition>,
}

/// A fact that follows from others.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Derivation {
    pub(crate) id: String,
    /// The predicate of what follows.
    pub(crate) fact: String,
    /// Its fields: values, or variables.
    pub(crate) fields: BTreeMap<String, toml::Value>,
    /// The evidence, with variables in braces.
    pub(crate) say: String,
    pub(crate) link: Vec<Source>,
    #[serde(default)]
    pub(crate) absent: Vec<Absent>,
}

/// A fact from which another one follows.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Source {
    pub(crate) fact: String,
    #[serde(default)]
    pub(crate) r#where: BTreeMap<String, Condition>,
}

/// An example.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// What it shows.
    pub name: String,
    /// Whether there is an exposure.
    pub exposed: bool,
    /// The facts: the member `fact` is the predicate, the others are fields.
    pub(crate) facts: Vec<BTreeMap<String, toml::Value>>,
}

const SEVERITIES: [&str; 4] = ["critical", "high", "medium", "low"];

impl Rules {
    /// The rules that are compiled into the program.
    ///
    /// # Panics
    ///
    /// Never: a test reads them all.
    pub fn builtin() -> Self {
        let mut rules = Self::default();
        for (name, text) in BUILTIN {
            rules.add(Self::parse(name, text).expect("checked by a test"));
        }
        rules
    }

    /// Reads a file of rules; `source_name` is what errors call it.
    ///
    /// # Errors
    ///
    /// It is no TOML of this shape, or a rule makes no sense.
    pub fn parse(source_name: &str, text: &str) -> Result<Self, Error> {
        let syntax =
            |e: toml::de::Error| Error::Syntax { source_name: source_name.to_owned(), message: syntax(text, &e) };
        let file: File = toml::from_str(text).map_err(syntax)?;
        let rules = Self { exposures: file.exposure, derivations: file.derive };
        rules.check(source_name)?;
        Ok(rules)
    }

    /// Adds other rules; those with the same id take the place of older ones.
    pub fn add(&mut self, other: Rules) {
        self.exposures.retain(|rule| !other.exposures.iter().any(|new| new.id == rule.id));
        self.derivations.retain(|rule| !other.derivations.iter().any(|new| new.id == rule.id));
        self.exposures.extend(other.exposures);
        self.derivations.extend(other.derivations);
    }

    /// The rule with this id.
    pub fn get(&self, id: &str) -> Option<&ExposureRule> {
        self.exposures.iter().find(|rule| rule.id == id)
    }

    fn check(&self, source_name: &str) -> Result<(), Error> {
        let fail = |rule: &str, message: String| {
            Err(Error::Rule { source_name: source_name.to_owned(), rule: rule.to_owned(), message })
        };
        for rule in &self.exposures {
            if let Some(message) = rule.problem() {
                return fail(&rule.id, message);
            }
        }
        for rule in &self.derivations {
            let bound = variables(rule.link.iter().map(|link| &link.r#where));
            let used = rule.fields.values().filter_map(|v| v.as_str()?.strip_prefix('$')).map(str::to_owned);
            if let Some(name) = used.chain(placeholders(&rule.say)).find(|name| !bound.contains(name.as_str())) {
                return fail(&rule.id, format!("no link says what '{name}' is"));
            }
            // What is not there must not come later.
            let derived = |absent: &&Absent| self.derivations.iter().any(|other| other.fact == absent.fact);
            if let Some(absent) = rule.absent.iter().find(derived) {
                return fail(
                    &rule.id,
                    format!("'{}' follows from other facts, so that its absence is not known", absent.fact),
                );
            }
            if rule.link.is_empty() {
                return fail(&rule.id, "nothing that it follows from".into());
            }
        }
        Ok(())
    }
}

impl ExposureRule {
    fn problem(&self) -> Option<String> {
        let bound = variables(self.link.iter().map(|link| &link.r#where));
        if self.link.is_empty() {
            return Some("no links".into());
        }
        if !SEVERITIES.contains(&self.severity.as_str()) {
            return Some(format!("severity '{}' is none of {}", self.severity, SEVERITIES.join(", ")));
        }
        if self.fix.is_empty() {
            return Some("nothing is said of what to do".into());
        }
        let said = self.link.iter().flat_map(|link| placeholders(&link.say).chain(placeholders(&link.breaks)));
        let said = said.chain(self.fix.iter().flat_map(|fix| placeholders(fix))).chain(placeholders(&self.title));
        let unknown = said.chain(self.per.iter().cloned()).find(|name| !bound.contains(name.as_str()));
        unknown.map(|name| format!("no link says what '{name}' is"))
    }
}

/// The variables that conditions give a value.
fn variables<'a>(conditions: impl Iterator<Item = &'a BTreeMap<String, Condition>>) -> BTreeSet<String> {
    conditions.flat_map(|all| all.values()).filter_map(Condition::variable).map(str::to_owned).collect()
}

/// The names in braces.
pub(crate) fn placeholders(text: &str) -> impl Iterator<Item = String> + '_ {
    text.split('{').skip(1).filter_map(|part| part.split_once('}')).map(|(name, _)| name.to_owned())
}

impl Scenario {
    /// Its facts.
    pub(crate) fn facts(&self) -> Vec<Fact> {
        self.facts
            .iter()
            .map(|fields| {
                let mut fact = Fact::new("", "an example");
                for (name, value) in fields {
                    match (name.as_str(), value.as_str()) {
                        ("fact", Some(predicate)) => predicate.clone_into(&mut fact.predicate),
                        _ => fact.fields.extend([(name.clone(), crate::condition::value(value))]),
                    }
                }
                fact
            })
            .collect()
    }
}

macro_rules! builtin {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("../../../rules/exposure/", $name)))),*]
    };
}

/// The files of rules. A new one is a file and a name here.
const BUILTIN: &[(&str, &str)] = builtin!["accounts.toml", "dumps.toml", "fleet.toml", "keys.toml", "reach.toml"];
