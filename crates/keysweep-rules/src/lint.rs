//! Whether rules are well made.

use crate::model::{Detector, Rule, TokenRule};
use crate::parse::unknown;
use crate::validate::validate;
use crate::{RuleSet, pattern, reach};
use std::fmt;

/// Least number of examples, and of counterexamples.
const MIN_EXAMPLES: usize = 2;
/// Most bytes a match can have before and from its anchor on: what the engine hands to token rules.
const WINDOW: usize = 8 << 10;
/// Literals that are so frequent that a rule with them is woken all the time.
const COMMON: [&str; 40] = [
    "access", "account", "api", "apikey", "app", "auth", "bearer", "begin", "client", "com", "config", "data", "email",
    "env", "file", "host", "http", "http://", "https", "https://", "id=", "key", "key=", "key:", "login", "name",
    "org", "pass", "password", "private", "public", "secret", "server", "service", "string", "token", "url", "user",
    "username", "www",
];

/// Something that makes a rule worse than it could be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The file of the rule, if it is one rule's problem.
    pub source: Option<String>,
    /// Id of the rule.
    pub rule: String,
    /// What is wrong.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(source) = &self.source {
            write!(f, "{source}: ")?;
        }
        write!(f, "rule '{}': {}", self.rule, self.message)
    }
}

/// A decoder that exists: its name and the ids of the rules it reports under.
pub type DecoderRules = (&'static str, Vec<&'static str>);

/// All problems of the rules. `decoders` are those that exist.
pub fn lint(rules: &RuleSet, decoders: &[DecoderRules]) -> Vec<Problem> {
    let mut problems = Vec::new();
    for rule in rules.rules() {
        let messages = match &rule.detector {
            Detector::Token(token) => lint_token(rule, token),
            Detector::Decoder(name) => lint_decoder(rule, name, decoders),
            Detector::File(_) => lint_examples(rule),
        };
        let broken = validate(rule).into_iter().map(|error| error.message);
        problems.extend(broken.chain(lint_texts(rule)).chain(messages).map(|message| Problem {
            source: Some(rule.source.clone()),
            rule: rule.id.clone(),
            message,
        }));
    }
    problems
}

/// The rules that decoders report under and that `rules` lacks, so that their findings would be lost.
pub fn missing(rules: &RuleSet, decoders: &[DecoderRules]) -> Vec<Problem> {
    let reported = decoders.iter().flat_map(|(name, ids)| ids.iter().map(move |id| (name, id)));
    reported
        .filter(|(_, id)| rules.get(id).is_none())
        .map(|(name, id)| Problem {
            source: None,
            rule: (*id).to_owned(),
            message: format!("is missing: decoder '{name}' reports under it"),
        })
        .collect()
}

fn lint_texts(rule: &Rule) -> Vec<String> {
    let mut messages = Vec::new();
    for (field, text) in [("description", &rule.description), ("remediation", &rule.remediation)] {
        if !text.trim_end().ends_with(['.', '!', '?', ')']) || !text.contains(' ') {
            messages.push(format!("`{field}` is no sentence"));
        }
    }
    messages
}

fn lint_decoder(rule: &Rule, name: &str, decoders: &[DecoderRules]) -> Vec<String> {
    match decoders.iter().find(|(known, _)| *known == name) {
        None => vec![unknown("decoder", name, decoders.iter().map(|(known, _)| *known))],
        Some((_, ids)) if !ids.contains(&rule.id.as_str()) => {
            vec![format!("decoder '{name}' never reports under this id, but under: {}", ids.join(", "))]
        }
        Some(_) => Vec::new(),
    }
}

fn lint_examples(rule: &Rule) -> Vec<String> {
    let lists = [("examples", &rule.examples), ("counterexamples", &rule.counterexamples)];
    let short = lists.into_iter().filter(|(_, list)| list.len() < MIN_EXAMPLES);
    short.map(|(field, list)| format!("has {} `{field}`, at least {MIN_EXAMPLES} are needed", list.len())).collect()
}

/// Whether a literal is so frequent that only generic rules may have it.
pub(crate) fn is_common(literal: &str) -> bool {
    let lower = literal.to_ascii_lowercase();
    COMMON.contains(&lower.as_str()) || lower.bytes().all(|b| b == lower.as_bytes()[0])
}

fn lint_token(rule: &Rule, token: &TokenRule) -> Vec<String> {
    let mut messages = lint_examples(rule);
    for anchor in token.anchors.iter().filter(|_| !token.generic) {
        if is_common(&anchor.text) {
            messages
                .push(format!("anchor '{}' is too frequent: choose a rarer literal, or set `generic`", anchor.text));
        }
    }
    if token.reader.is_some() || !token.names.is_empty() {
        return messages;
    }
    messages.extend(reach::useless_anchors(token).iter().map(|anchor| {
        let place = if token.before == 0 { "begins with" } else { "contains" };
        format!("no match {place} the anchor '{}': drop it, or let matches begin before it with `before`", anchor.text)
    }));
    messages.extend(reach::match_without_anchor(token).map(|text| {
        format!("`pattern` matches '{text}', where no anchor stands, so that it is never found: add an anchor or narrow the pattern")
    }));
    let (shortest, _) = pattern::lengths(&token.pattern);
    if shortest > WINDOW {
        messages.push(format!("a match has at least {shortest} bytes, but only {WINDOW} are looked at"));
    }
    messages
}
