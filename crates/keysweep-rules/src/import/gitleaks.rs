//! Reads configurations of gitleaks (version 8, `gitleaks.toml`) and of betterleaks, which has the same form.

use super::{Allow, Foreign, ForeignRule, MAX_EXTENDS, Note, Target};
use toml::{Table, Value};

const TOP: [&str; 9] = [
    "title",
    "description",
    "extend",
    "rules",
    "allowlist",
    "allowlists",
    "minversion",
    "betterleaksminversion",
    "prefilter",
];
const RULE: [&str; 13] = [
    "id",
    "description",
    "regex",
    "path",
    "keywords",
    "secretgroup",
    "entropy",
    "tags",
    "allowlist",
    "allowlists",
    "skipreport",
    "required",
    "references",
];
const ALLOW: [&str; 8] =
    ["description", "condition", "commits", "paths", "regextarget", "regexes", "stopwords", "targetrules"];

/// Reads a configuration, and those that it extends.
pub(super) fn read(text: &str, load: &mut dyn FnMut(&str) -> Result<String, String>) -> Result<Foreign, String> {
    let mut foreign = Foreign { tool: "gitleaks", ..Foreign::default() };
    read_into(&mut foreign, text, load, 0)?;
    Ok(foreign)
}

fn read_into(
    foreign: &mut Foreign,
    text: &str,
    load: &mut dyn FnMut(&str) -> Result<String, String>,
    depth: usize,
) -> Result<(), String> {
    let table: Table = text.parse().map_err(|e: toml::de::Error| e.message().to_owned())?;
    // Their keys are known in any case of letters.
    let table = lowered(table);
    if !["rules", "allowlist", "allowlists", "extend"].iter().any(|key| table.contains_key(*key)) {
        return Err("it has no `rules`: it is no configuration of gitleaks".to_owned());
    }
    let mut reader = Reader { notes: Vec::new() };
    reader.unknown(None, &table, &TOP);
    let own: Vec<ForeignRule> = tables(&table, "rules").map(|rule| reader.rule(rule)).collect();
    let mut allow: Vec<Allow> = tables(&table, "allowlists").map(|allow| reader.allow(None, allow)).collect();
    allow.extend(table.get("allowlist").and_then(Value::as_table).map(|one| reader.allow(None, one)));
    let extend = table.get("extend").and_then(Value::as_table);
    let disabled = extend.map(|extend| texts(extend, "disabledrules")).unwrap_or_default();
    if let Some(extend) = extend {
        reader.unknown(None, extend, &["path", "usedefault", "disabledrules", "url"]);
        if extend.contains_key("url") {
            reader.loss(None, "`extend.url` is not followed: import that file by itself".to_owned());
        }
        if extend.get("usedefault").and_then(Value::as_bool) == Some(true) {
            let text = "`extend.useDefault`: keysweep's own rules stand in for gitleaks' default ones";
            reader.notes.push(Note { rule: None, message: text.to_owned(), loss: false });
        }
    }
    let base = extend.and_then(|extend| extend.get("path")).and_then(Value::as_str);
    if let Some(path) = base {
        if depth >= MAX_EXTENDS {
            reader.loss(None, format!("`extend.path`: '{path}' is one file too many that extends another"));
        } else {
            match load(path) {
                Ok(text) => read_into(foreign, &text, load, depth + 1).map_err(|e| format!("{path}: {e}"))?,
                Err(error) => reader.loss(None, format!("`extend.path`: {path}: {error}")),
            }
        }
    }
    for id in &disabled {
        let before = foreign.rules.len();
        foreign.rules.retain(|rule| rule.id != *id);
        if foreign.rules.len() == before {
            let text = "`disabledRules`: none of the rules here; turn off what corresponds to it with `disable` in keysweep.toml";
            reader.loss(Some(id), text.to_owned());
        }
    }
    for rule in own {
        merge(foreign, rule);
    }
    foreign.allow.extend(allow);
    foreign.notes.extend(reader.notes);
    Ok(())
}

/// A rule that extends one of the same id replaces what it gives, and adds keywords, tags and exceptions.
fn merge(foreign: &mut Foreign, rule: ForeignRule) {
    let Some(base) = foreign.rules.iter_mut().find(|base| base.id == rule.id) else {
        foreign.rules.push(rule);
        return;
    };
    let ForeignRule { description, pattern, path, secret_group, entropy, keywords, tags, allow, .. } = rule;
    if !description.is_empty() {
        base.name.clone_from(&description);
        base.description = description;
    }
    base.pattern = pattern.or(base.pattern.take());
    base.path = path.or(base.path.take());
    base.entropy = entropy.or(base.entropy);
    if secret_group != 0 {
        base.secret_group = secret_group;
    }
    base.keywords.extend(keywords);
    base.tags.extend(tags);
    base.allow.extend(allow);
}

struct Reader {
    notes: Vec<Note>,
}

impl Reader {
    fn loss(&mut self, rule: Option<&str>, message: String) {
        self.notes.push(Note { rule: rule.map(str::to_owned), message, loss: true });
    }

    fn unknown(&mut self, rule: Option<&str>, table: &Table, known: &[&str]) {
        for key in table.keys().filter(|key| !known.contains(&key.as_str())) {
            self.loss(rule, format!("`{key}` has no counterpart and is left out"));
        }
    }

    fn rule(&mut self, table: &Table) -> ForeignRule {
        let id = text(table, "id").unwrap_or_default();
        self.unknown(Some(&id), table, &RULE);
        if table.get("skipreport").and_then(Value::as_bool) == Some(true) {
            self.loss(Some(&id), "`skipReport`: its findings are reported here".to_owned());
        }
        for required in tables(table, "required") {
            let other = text(required, "id").unwrap_or_default();
            self.loss(Some(&id), format!("`required`: it is found without '{other}' near it, too"));
        }
        let mut allow: Vec<Allow> = tables(table, "allowlists").map(|allow| self.allow(Some(&id), allow)).collect();
        allow.extend(table.get("allowlist").and_then(Value::as_table).map(|one| self.allow(Some(&id), one)));
        let number =
            |name: &str| table.get(name).and_then(|v| v.as_float().or_else(|| v.as_integer().map(|n| n as f64)));
        ForeignRule {
            name: text(table, "description").unwrap_or_default(),
            description: text(table, "description").unwrap_or_default(),
            pattern: text(table, "regex").filter(|regex| !regex.is_empty()),
            path: text(table, "path").filter(|path| !path.is_empty()),
            secret_group: number("secretgroup").map_or(0, |n| n.max(0.0) as usize),
            entropy: number("entropy").filter(|entropy| *entropy > 0.0),
            keywords: texts(table, "keywords"),
            tags: texts(table, "tags"),
            references: texts(table, "references"),
            allow,
            id,
            ..ForeignRule::default()
        }
    }

    fn allow(&mut self, rule: Option<&str>, table: &Table) -> Allow {
        self.unknown(rule, table, &ALLOW);
        let condition = text(table, "condition").unwrap_or_default().to_ascii_uppercase();
        if !["", "OR", "||", "AND", "&&"].contains(&condition.as_str()) {
            self.loss(rule, format!("allowlist: the condition '{condition}' is not known, OR is taken"));
        }
        let target = text(table, "regextarget").unwrap_or_default().to_ascii_lowercase();
        Allow {
            description: text(table, "description").unwrap_or_default(),
            all: condition == "AND" || condition == "&&",
            target: match target.as_str() {
                "match" => Target::Match,
                "line" => Target::Line,
                "" | "secret" => Target::Secret,
                other => {
                    self.loss(rule, format!("allowlist: regexTarget '{other}' is not known, the secret is taken"));
                    Target::Secret
                }
            },
            regexes: texts(table, "regexes"),
            stopwords: texts(table, "stopwords"),
            paths: texts(table, "paths"),
            commits: texts(table, "commits"),
            rules: texts(table, "targetrules"),
        }
    }
}

fn text(table: &Table, name: &str) -> Option<String> {
    table.get(name).and_then(Value::as_str).map(|text| text.trim().to_owned())
}

fn texts(table: &Table, name: &str) -> Vec<String> {
    let list = table.get(name).and_then(Value::as_array).into_iter().flatten();
    list.filter_map(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned).collect()
}

fn tables<'a>(table: &'a Table, name: &str) -> impl Iterator<Item = &'a Table> {
    table.get(name).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_table)
}

fn lowered(table: Table) -> Table {
    table.into_iter().map(|(key, value)| (key.to_ascii_lowercase(), lowered_value(value))).collect()
}

fn lowered_value(value: Value) -> Value {
    match value {
        Value::Table(table) => Value::Table(lowered(table)),
        Value::Array(list) => Value::Array(list.into_iter().map(lowered_value).collect()),
        other => other,
    }
}
