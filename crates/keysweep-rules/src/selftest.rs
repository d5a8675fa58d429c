//! Rules on their own examples.

use crate::RuleSet;
use crate::compile::{CompiledToken, Match, Rejection};
use crate::model::{Anchor, Rule, TokenRule};
use crate::template::render;
use std::fmt;

/// An example that a rule fails on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Id of the rule.
    pub rule: String,
    /// The file of the rule.
    pub source: String,
    /// `example` or `counterexample`, with its number from 1.
    pub which: String,
    /// The template, which holds no token.
    pub template: String,
    /// What is wrong.
    pub reason: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Failure { rule, source, which, template, reason } = self;
        write!(f, "{source}: rule '{rule}': {which} {template:?}: {reason}")
    }
}

/// Runs a rule on its examples and counterexamples, as a scan would: at every occurrence of every anchor.
pub fn test(rule: &Rule) -> Vec<Failure> {
    let Some(token) = rule.token() else { return Vec::new() };
    let compiled = CompiledToken::new(rule);
    let examples = rule.examples.iter().map(|template| (true, template));
    let counterexamples = rule.counterexamples.iter().map(|template| (false, template));
    let mut failures = Vec::new();
    for (index, (must_match, template)) in examples.chain(counterexamples).enumerate() {
        let reason = match render(rule, template, index) {
            Err(error) => Some(error.to_string()),
            Ok(text) => disappointment(must_match, &search(&compiled, &token.anchors, text.as_bytes())),
        };
        failures.extend(reason.map(|reason| Failure {
            rule: rule.id.clone(),
            source: rule.source.clone(),
            which: if must_match {
                format!("example {}", index + 1)
            } else {
                format!("counterexample {}", index + 1 - rule.examples.len())
            },
            template: template.clone(),
            reason,
        }));
    }
    failures
}

fn disappointment(must_match: bool, outcomes: &[Result<Match, Rejection>]) -> Option<String> {
    let matched = outcomes.iter().any(Result::is_ok);
    match (must_match, matched) {
        (true, true) | (false, false) => None,
        (false, true) => Some("matches".to_owned()),
        (true, false) => Some(match outcomes.iter().rev().find_map(|o| o.as_ref().err()) {
            Some(rejection) => format!("no match: {rejection}"),
            None => "no match: none of the anchors is in it".to_owned(),
        }),
    }
}

/// Examples of rules that another rule claims too, so that a scan would report the wrong one, or both. A generic rule gives
/// way, and of two others the more specific one is right.
pub fn conflicts(rules: &RuleSet) -> Vec<Failure> {
    let compiled: Vec<(&Rule, &TokenRule, CompiledToken)> =
        rules.rules().iter().filter_map(|rule| Some((rule, rule.token()?, CompiledToken::new(rule)))).collect();
    let mut failures = Vec::new();
    for (rule, token, own) in compiled.iter().filter(|(_, token, _)| !token.generic) {
        for (index, template) in rule.examples.iter().enumerate() {
            let Ok(text) = render(rule, template, index) else { continue };
            let text = text.as_bytes();
            let found: Vec<Match> = search(own, &token.anchors, text).into_iter().flatten().collect();
            let rivals = compiled.iter().filter(|(other, token, _)| other.id != rule.id && !token.generic);
            let claims = rivals.filter(|(other, token, theirs)| {
                other.specificity() >= rule.specificity() && {
                    let rival = search(theirs, &token.anchors, text);
                    rival.iter().flatten().any(|m| found.iter().any(|f| overlap(f, m)))
                }
            });
            failures.extend(claims.map(|(other, ..)| Failure {
                rule: rule.id.clone(),
                source: rule.source.clone(),
                which: format!("example {}", index + 1),
                template: template.clone(),
                reason: format!("rule '{}' claims it too, and is at least as specific", other.id),
            }));
        }
    }
    failures
}

fn overlap(a: &Match, b: &Match) -> bool {
    a.whole.start < b.whole.end && b.whole.start < a.whole.end
}

/// Evaluates a rule at every occurrence of its anchors.
pub(crate) fn search(compiled: &CompiledToken, anchors: &[Anchor], text: &[u8]) -> Vec<Result<Match, Rejection>> {
    let mut outcomes = Vec::new();
    for anchor in anchors {
        let literal = anchor.text.as_bytes();
        for (start, at) in text.windows(literal.len()).enumerate() {
            if at == literal || (anchor.ignore_case && at.eq_ignore_ascii_case(literal)) {
                outcomes.push(compiled.judge(text, start..start + literal.len()));
            }
        }
    }
    outcomes
}
