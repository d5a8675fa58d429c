//! Writes rule files and parts of `keysweep.toml`.

use crate::model::{Boundary, Detector, Rule};
use toml::{Table, Value};

/// A rule that is written down.
pub(super) type Written = Rule;

/// What may pass by its place.
#[derive(Debug, Clone)]
pub(super) struct Exception {
    pub(super) rule: Option<String>,
    /// Regular expressions.
    pub(super) paths: Vec<String>,
    pub(super) commits: Vec<String>,
    pub(super) reason: String,
}

/// A rule file.
pub(super) fn rules(tool: &str, rules: &[Rule]) -> String {
    let mut text = format!("# Taken over from rules of {tool} by `keysweep rules import`.\n");
    for rule in rules {
        text.push_str("\n[[rule]]\n");
        fields(&mut text, rule);
    }
    text
}

fn fields(text: &mut String, rule: &Rule) {
    let mut add = |name: &str, value: Value| {
        text.push_str(&format!("{name} = {value}\n"));
    };
    add("id", rule.id.as_str().into());
    add("name", rule.name.as_str().into());
    add("description", rule.description.as_str().into());
    add("severity", rule.severity.name().into());
    add("purpose", rule.purpose.name().into());
    add("remediation", rule.remediation.as_str().into());
    let list = |texts: &[String]| Value::Array(texts.iter().map(|t| t.as_str().into()).collect());
    if !rule.references.is_empty() {
        add("references", list(&rule.references));
    }
    let token = match &rule.detector {
        Detector::Token(token) => token,
        Detector::File(file) => {
            add("path_patterns", list(&file.path_patterns));
            add("always", file.always.into());
            return;
        }
        Detector::Decoder(_) => return,
    };
    let anchors = token.anchors.iter().map(|anchor| {
        if !anchor.ignore_case {
            return Value::from(anchor.text.as_str());
        }
        let members = [("text".to_owned(), anchor.text.as_str().into()), ("ignore_case".to_owned(), true.into())];
        Value::Table(Table::from_iter(members))
    });
    add("anchors", Value::Array(anchors.collect()));
    add("pattern", token.pattern.as_str().into());
    if token.before > 0 {
        add("before", i64::try_from(token.before).unwrap_or(0).into());
    }
    if token.boundary != Boundary::Word {
        add("boundary", token.boundary.name().into());
    }
    if let Some(entropy) = token.entropy {
        add("entropy", entropy.into());
    }
    if !token.context.is_empty() {
        add("context", list(&token.context));
        add("context_within", i64::try_from(token.context_within).unwrap_or(0).into());
    }
    for (name, patterns) in [
        ("deny", &token.deny),
        ("deny_match", &token.deny_match),
        ("deny_line", &token.deny_line),
        ("path_patterns", &token.path_patterns),
    ] {
        if !patterns.is_empty() {
            add(name, list(patterns));
        }
    }
    if token.generic {
        add("generic", true.into());
    }
    for (name, examples) in [("examples", &rule.examples), ("counterexamples", &rule.counterexamples)] {
        if !examples.is_empty() {
            add(name, list(examples));
        }
    }
}

/// A part of `keysweep.toml`.
pub(super) fn exceptions(tool: &str, exceptions: &[Exception]) -> String {
    if exceptions.is_empty() {
        return String::new();
    }
    let mut text = format!("# Taken over from allowlists of {tool} by `keysweep rules import`.\n");
    for exception in exceptions {
        text.push_str("\n[[allow]]\n");
        if let Some(rule) = &exception.rule {
            text.push_str(&format!("rule = {}\n", Value::from(rule.as_str())));
        }
        for (name, list) in [("path-patterns", &exception.paths), ("commits", &exception.commits)] {
            if !list.is_empty() {
                let list = Value::Array(list.iter().map(|t| t.as_str().into()).collect());
                text.push_str(&format!("{name} = {list}\n"));
            }
        }
        text.push_str(&format!("reason = {}\n", Value::from(exception.reason.as_str())));
    }
    text
}
