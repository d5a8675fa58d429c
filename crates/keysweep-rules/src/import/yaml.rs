//! Reads rules of Kingfisher and Nosey Parker (YAML).

use super::{Foreign, ForeignRule, Note};
use serde_json::{Map, Value};

/// What of a rule is read, or needs no counterpart.
const KNOWN: [&str; 16] = [
    "name",
    "id",
    "description",
    "pattern",
    "min_entropy",
    "examples",
    "negative_examples",
    "non_examples",
    "references",
    "categories",
    "confidence",
    "visible",
    "validation",
    "revocation",
    "prevalidated",
    "depends_on_rule",
];

/// Whether it is such a file.
pub(super) fn is_one(text: &str) -> bool {
    text.lines().any(|line| line.starts_with("rules:"))
}

/// Reads the rules.
pub(super) fn read(text: &str) -> Result<Foreign, String> {
    let value: Value = serde_saphyr::from_str(text).map_err(|e| format!("no YAML: {e}"))?;
    let rules = value.get("rules").and_then(Value::as_array).ok_or("`rules` is no list")?;
    let mut foreign = Foreign { tool: "kingfisher", ..Foreign::default() };
    let mut validated = false;
    for (index, rule) in rules.iter().enumerate() {
        let rule = rule.as_object().ok_or_else(|| format!("rule {} is no table", index + 1))?;
        validated |= rule.contains_key("validation");
        read_rule(&mut foreign, rule);
    }
    if validated {
        let message = "`validation` is not taken over: keysweep asks no service".to_owned();
        foreign.notes.push(Note { rule: None, message, loss: false });
    }
    Ok(foreign)
}

fn read_rule(foreign: &mut Foreign, rule: &Map<String, Value>) {
    let id = text(rule, "id").or_else(|| text(rule, "name")).unwrap_or_default();
    let mut note = |message: String, loss| foreign.notes.push(Note { rule: Some(id.clone()), message, loss });
    for key in rule.keys().filter(|key| !KNOWN.contains(&key.as_str())) {
        note(format!("`{key}` has no counterpart and is left out"), true);
    }
    if rule.contains_key("depends_on_rule") {
        note("`depends_on_rule`: it is found whether the other is or not".to_owned(), true);
    }
    if rule.get("visible").and_then(Value::as_bool) == Some(false) {
        note("`visible`: what it finds is reported here".to_owned(), true);
    }
    let mut counterexamples = texts(rule, "negative_examples");
    counterexamples.extend(texts(rule, "non_examples"));
    foreign.rules.push(ForeignRule {
        name: text(rule, "name").unwrap_or_default(),
        description: text(rule, "description").or_else(|| text(rule, "name")).unwrap_or_default(),
        pattern: text(rule, "pattern"),
        entropy: rule.get("min_entropy").and_then(Value::as_f64).filter(|entropy| *entropy > 0.0),
        tags: texts(rule, "categories"),
        references: texts(rule, "references"),
        examples: texts(rule, "examples"),
        counterexamples,
        id,
        ..ForeignRule::default()
    });
}

fn text(rule: &Map<String, Value>, name: &str) -> Option<String> {
    rule.get(name).and_then(Value::as_str).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
}

fn texts(rule: &Map<String, Value>, name: &str) -> Vec<String> {
    let list = rule.get(name).and_then(Value::as_array).into_iter().flatten();
    list.filter_map(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned).collect()
}
