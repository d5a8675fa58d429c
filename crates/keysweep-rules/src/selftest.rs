//! Rules on their own examples.

use crate::RuleSet;
use crate::compile::{CompiledToken, Match, Rejection};
use crate::files::FileRules;
use crate::model::{Anchor, Rule, TokenRule};
use crate::readers::{Notes, Tried};
use crate::template::render;
use aho_corasick::AhoCorasick;
use std::collections::BTreeSet;
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

/// Runs a rule on its examples and counterexamples, as a scan would.
pub fn test(rule: &Rule) -> Vec<Failure> {
    if rule.file().is_some() {
        let compiled = FileRules::new([(0, rule)]);
        return test_with(rule, |must_match, example, _| judge_file(&compiled, must_match, example));
    }
    let Some(token) = rule.token() else { return Vec::new() };
    let compiled = CompiledToken::new(rule);
    // At every occurrence of every anchor.
    test_with(rule, |must_match, template, index| match render(rule, template, index) {
        Err(error) => Some(error.to_string()),
        Ok(text) => disappointment(must_match, &search(&compiled, &token.anchors, text.as_bytes())),
    })
}

/// Asks `judge` what is wrong with each example (`true`) and counterexample, numbered from 0.
fn test_with(rule: &Rule, judge: impl Fn(bool, &str, usize) -> Option<String>) -> Vec<Failure> {
    let examples = rule.examples.iter().map(|template| (true, template));
    let counterexamples = rule.counterexamples.iter().map(|template| (false, template));
    let mut failures = Vec::new();
    for (index, (must_match, template)) in examples.chain(counterexamples).enumerate() {
        failures.extend(judge(must_match, template, index).map(|reason| Failure {
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

/// An example of a rule for files is a path, and behind a line break what is in the file.
fn judge_file(compiled: &FileRules, must_match: bool, example: &str) -> Option<String> {
    let (path, content) = example.split_once('\n').unwrap_or((example, ""));
    let matched = !compiled.matches(path, true, &mut || content.as_bytes().to_vec()).is_empty();
    (matched != must_match).then(|| if matched { "matches" } else { "no match" }.to_owned())
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
    let compiled: Vec<Candidate<'_>> = rules
        .rules()
        .iter()
        .filter_map(|rule| Some(Candidate { rule, token: rule.token()?, compiled: CompiledToken::new(rule) }))
        .filter(|candidate| !candidate.token.generic)
        .collect();
    let Some(literals) = Literals::new(&compiled) else { return Vec::new() };
    let mut failures = Vec::new();
    for own in &compiled {
        for (index, template) in own.rule.examples.iter().enumerate() {
            let Ok(text) = render(own.rule, template, index) else { continue };
            let found = own.matches(text.as_bytes());
            let rivals = literals.rules_in(text.as_bytes()).into_iter().map(|index| &compiled[index]);
            let claims = rivals.filter(|rival| {
                rival.rule.id != own.rule.id
                    && rival.rule.specificity() >= own.rule.specificity()
                    && rival.matches(text.as_bytes()).iter().any(|m| found.iter().any(|f| overlap(f, m)))
            });
            failures.extend(claims.map(|rival| Failure {
                rule: own.rule.id.clone(),
                source: own.rule.source.clone(),
                which: format!("example {}", index + 1),
                template: template.clone(),
                reason: format!("rule '{}' claims it too, and is at least as specific", rival.rule.id),
            }));
        }
    }
    failures
}

/// A rule that may claim an example.
struct Candidate<'a> {
    rule: &'a Rule,
    token: &'a TokenRule,
    compiled: CompiledToken,
}

impl Candidate<'_> {
    fn matches(&self, text: &[u8]) -> Vec<Match> {
        search(&self.compiled, &self.token.anchors, text).into_iter().flatten().collect()
    }
}

/// All anchors of all rules, so that not every rule need be tried on every example.
struct Literals {
    search: AhoCorasick,
    /// Index of the rule of each literal.
    rules: Vec<usize>,
}

impl Literals {
    fn new(candidates: &[Candidate<'_>]) -> Option<Self> {
        let anchors = || candidates.iter().enumerate().flat_map(|(i, c)| c.token.anchors.iter().map(move |a| (i, a)));
        let search = AhoCorasick::builder().ascii_case_insensitive(true).build(anchors().map(|(_, a)| &a.text)).ok()?;
        Some(Self { search, rules: anchors().map(|(index, _)| index).collect() })
    }

    /// The rules of which a literal stands in the text.
    fn rules_in(&self, text: &[u8]) -> BTreeSet<usize> {
        self.search.find_overlapping_iter(text).map(|m| self.rules[m.pattern().as_usize()]).collect()
    }
}

fn overlap(a: &Match, b: &Match) -> bool {
    a.whole.start < b.whole.end && b.whole.start < a.whole.end
}

/// Evaluates a rule at every occurrence of its anchors.
pub(crate) fn search(compiled: &CompiledToken, anchors: &[Anchor], text: &[u8]) -> Vec<Result<Match, Rejection>> {
    if anchors.is_empty() {
        return compiled.judge_file(text).0.into_iter().map(Ok).collect();
    }
    let mut outcomes = Vec::new();
    let mut notes = Notes::new(true);
    for anchor in anchors {
        let literal = anchor.text.as_bytes();
        for (start, at) in text.windows(literal.len()).enumerate() {
            if at == literal || (anchor.ignore_case && at.eq_ignore_ascii_case(literal)) {
                let whole = Tried { last: true, at_start: true };
                let found = compiled.judge_in(text, start..start + literal.len(), whole, &mut notes);
                outcomes.push(found.outcome);
                outcomes.extend(found.more.into_iter().map(Ok));
            }
        }
    }
    outcomes
}
