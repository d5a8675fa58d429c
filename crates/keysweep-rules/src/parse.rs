//! Rule files: from TOML to [`Rule`], with errors that say which rule, which field, and what was probably meant.

use crate::fragments::written_out;
use crate::model::{Anchor, Boundary, Detector, FileRule, Purpose, Rule, Severity, TokenRule};
use std::str::FromStr;
use std::sync::Arc;
use toml::{Table, Value};

/// Longest rule file that is read, in bytes.
pub const MAX_FILE: usize = 4 << 20;
/// Lengths of anchors, in bytes.
pub const ANCHOR_LENGTHS: std::ops::RangeInclusive<usize> = 3..=30;
/// Most bytes a match may begin before its anchor.
pub const MAX_BEFORE: usize = 512;
/// Widest neighbourhood of a match that is searched for context, in bytes on each side.
pub const MAX_CONTEXT_WITHIN: usize = 512;
const DEFAULT_CONTEXT_WITHIN: usize = 128;
/// Largest priority, of either sign.
const MAX_PRIORITY: i32 = 200;
/// Longest pattern, in bytes.
pub(crate) const MAX_PATTERN: usize = 4_096;
/// Most entries of a list.
pub(crate) const MAX_LIST: usize = 256;

const COMMON_FIELDS: [&str; 8] =
    ["id", "name", "description", "severity", "purpose", "remediation", "references", "decoder"];
const TOKEN_FIELDS: [&str; 18] = [
    "anchors",
    "names",
    "pattern",
    "reader",
    "before",
    "boundary",
    "entropy",
    "check",
    "context",
    "context_within",
    "deny",
    "deny_match",
    "deny_line",
    "path_patterns",
    "generic",
    "priority",
    "examples",
    "counterexamples",
];

/// What only rules for files have. Their examples are a path, and behind a line break what is in the file.
const FILE_FIELDS: [&str; 7] = ["paths", "except", "begins", "contains", "lacks", "together", "always"];
/// What rules for files share with those for tokens.
const SHARED_FIELDS: [&str; 3] = ["path_patterns", "examples", "counterexamples"];

/// What is wrong with a rule file or one of its rules.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}: {}{message}", rule.as_ref().map(|r| format!("rule '{r}': ")).unwrap_or_default())]
pub struct RuleError {
    /// The file.
    pub file: String,
    /// The rule's id, or `#3` for the third rule if it has none.
    pub rule: Option<String>,
    /// What is wrong, with a suggestion where there is one.
    pub message: String,
}

/// Stands in a pattern where an anchor ends in every match.
const ANCHOR_END: &str = "{{anchor}}";

/// The pattern without [`ANCHOR_END`], and what follows that.
fn split_at_anchor(pattern: String) -> (String, Option<String>) {
    let Some((before, after)) = pattern.split_once(ANCHOR_END) else { return (pattern, None) };
    // Groups that are open there are closed behind it.
    (format!("{before}{after}"), Some(format!("{}{after}", open_groups(before))))
}

/// The beginnings of the groups of a regular expression that are open at its end, without their names, and the flags that
/// hold there.
fn open_groups(pattern: &str) -> String {
    let mut levels = vec![String::new()];
    let (mut class, mut escaped, mut skip) = (false, false, 0);
    for (at, c) in pattern.char_indices() {
        match c {
            _ if at < skip => {}
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '[' => class = true,
            ']' => class = false,
            '(' if !class => {
                let rest = &pattern[at + 1..];
                let flags = rest.starts_with('?') && !rest.starts_with("?P") && !rest.starts_with("?<");
                match rest.find([':', ')']).filter(|_| flags) {
                    Some(end) if rest[end..].starts_with(')') => {
                        skip = at + end + 2;
                        levels.last_mut().into_iter().for_each(|level| level.push_str(&pattern[at..skip]));
                    }
                    Some(end) => levels.push(pattern[at..at + end + 2].to_owned()),
                    None => levels.push("(?:".to_owned()),
                }
            }
            ')' if !class && levels.len() > 1 => _ = levels.pop(),
            _ => {}
        }
    }
    levels.concat()
}

/// The rules in `text`, the content of `file`.
///
/// # Errors
///
/// Everything that is wrong with it, not only the first.
pub fn parse(file: &str, text: &str) -> Result<Vec<Rule>, Vec<RuleError>> {
    let error = |rule: Option<String>, message: String| RuleError { file: file.to_owned(), rule, message };
    if text.len() > MAX_FILE {
        return Err(vec![error(None, format!("is longer than {MAX_FILE} bytes"))]);
    }
    let table: Table = text.parse().map_err(|e: toml::de::Error| vec![error(None, syntax(text, &e))])?;
    let mut errors: Vec<_> =
        table.keys().filter(|key| *key != "rule").map(|key| error(None, unknown("field", key, ["rule"]))).collect();
    let list = match table.get("rule") {
        None => &Vec::new(),
        Some(Value::Array(list)) => list,
        Some(_) => return Err(vec![error(None, "rules are written as [[rule]]".into())]),
    };
    let mut rules = Vec::with_capacity(list.len());
    for (index, value) in list.iter().enumerate() {
        let Value::Table(table) = value else {
            errors.push(error(Some(format!("#{}", index + 1)), "is no table".into()));
            continue;
        };
        let id = table.get("id").and_then(Value::as_str).map_or_else(|| format!("#{}", index + 1), str::to_owned);
        match rule(file, table) {
            Ok(rule) => rules.push(rule),
            Err(messages) => errors.extend(messages.into_iter().map(|m| error(Some(id.clone()), m))),
        }
    }
    if errors.is_empty() { Ok(rules) } else { Err(errors) }
}

/// What is wrong with a text in TOML, and in which line. The text itself is not quoted, which may hold a secret.
pub fn syntax(text: &str, error: &toml::de::Error) -> String {
    let message = without_strings(error.message());
    let line = error
        .span()
        .map(|span| 1 + text.as_bytes()[..span.start.min(text.len())].iter().filter(|b| **b == b'\n').count());
    match line {
        Some(line) => format!("line {line}: {message}"),
        None => message,
    }
}

/// `invalid type: string "…", expected a sequence` without what stands in quotes.
fn without_strings(message: &str) -> String {
    const KIND: &str = "string";
    let quoted = message.find(&format!("{KIND} \"")).map(|at| at + KIND.len());
    match (quoted, message.rfind('"')) {
        (Some(from), Some(to)) if to > from + 1 => format!("{}{}", &message[..from], &message[to + 1..]),
        _ => message.to_owned(),
    }
}

fn rule(file: &str, table: &Table) -> Result<Rule, Vec<String>> {
    let mut fields = Fields { table, errors: Vec::new() };
    fields.reject_unknown();
    let id = fields.text("id");
    if !id.is_empty() && !is_kebab_case(&id) {
        fields
            .errors
            .push(format!("id '{id}' is not kebab-case: lower-case letters and digits, joined by single hyphens"));
    }
    let rule = Rule {
        name: fields.text("name"),
        description: fields.text("description"),
        severity: fields.named("severity", Severity::ALL, Severity::name).unwrap_or(Severity::Info),
        purpose: fields.named("purpose", Purpose::ALL, Purpose::name).unwrap_or(Purpose::Generic),
        remediation: fields.text("remediation"),
        references: fields.texts("references"),
        detector: fields.detector(),
        examples: fields.texts("examples"),
        counterexamples: fields.texts("counterexamples"),
        source: file.to_owned(),
        id,
    };
    if let Some(reference) = rule.references.iter().find(|r| !r.starts_with("https://")) {
        fields.errors.push(format!("reference '{reference}' is not an https address"));
    }
    if fields.errors.is_empty() { Ok(rule) } else { Err(fields.errors) }
}

/// Reads fields out of a table and gathers what is wrong with them.
struct Fields<'a> {
    table: &'a Table,
    errors: Vec<String>,
}

impl Fields<'_> {
    fn reject_unknown(&mut self) {
        let known = || COMMON_FIELDS.into_iter().chain(TOKEN_FIELDS).chain(FILE_FIELDS);
        for key in self.table.keys().filter(|key| !known().any(|k| k == *key)) {
            self.errors.push(unknown("field", key, known()));
        }
    }

    fn detector(&mut self) -> Detector {
        if self.table.contains_key("decoder") {
            if let Some(field) = TOKEN_FIELDS.into_iter().find(|f| self.table.contains_key(*f)) {
                self.errors.push(format!("`{field}` has no meaning beside `decoder`: a decoder has its own"));
            }
            return Detector::Decoder(self.text("decoder"));
        }
        let has = |field: &str| self.table.contains_key(field);
        if has("paths") || has("path_patterns") && !has("anchors") && !has("names") && !has("pattern") {
            return Detector::File(self.file());
        }
        if let Some(field) = FILE_FIELDS.into_iter().find(|f| self.table.contains_key(*f)) {
            self.errors.push(format!("`{field}` has a meaning only beside `paths`"));
        }
        let before = self.number("before", 0, MAX_BEFORE);
        let context_within = self.number("context_within", DEFAULT_CONTEXT_WITHIN, MAX_CONTEXT_WITHIN);
        let reader = has("reader").then(|| self.text("reader"));
        let pattern = if reader.is_some() { self.nothing_but_reader() } else { self.text("pattern") };
        let [deny, deny_match, deny_line] = ["deny", "deny_match", "deny_line"].map(|name| self.texts(name));
        let path_patterns = self.path_patterns();
        if deny.iter().chain(&deny_match).chain(&deny_line).chain([&pattern]).any(|p| p.len() > MAX_PATTERN) {
            self.errors.push(format!("a pattern is longer than {MAX_PATTERN} bytes"));
        }
        let (pattern, follows) = split_at_anchor(written_out(&pattern));
        let [deny, deny_match, deny_line] =
            [deny, deny_match, deny_line].map(|list| list.iter().map(|text| written_out(text)).collect());
        let names = self.names();
        Detector::Token(Arc::new(TokenRule {
            anchors: if names.is_empty() { self.anchors() } else { Vec::new() },
            names,
            pattern,
            reader,
            before,
            follows,
            boundary: if self.table.contains_key("boundary") {
                self.named("boundary", Boundary::ALL, Boundary::name).unwrap_or(Boundary::Word)
            } else {
                Boundary::Word
            },
            entropy: self.entropy(),
            check: self.table.contains_key("check").then(|| self.text("check")),
            context: self.texts("context"),
            context_within,
            deny,
            deny_match,
            deny_line,
            path_patterns,
            generic: self.flag(self.table.get("generic"), "generic"),
            priority: self.priority(),
        }))
    }

    /// The pattern of a rule with a reader, which has none.
    fn nothing_but_reader(&mut self) -> String {
        for field in ["pattern", "before", "context"].into_iter().filter(|field| self.table.contains_key(*field)) {
            self.errors
                .push(format!("`{field}` has no meaning beside `reader`, which says by itself what it looks at"));
        }
        String::new()
    }

    /// The names of the files that a rule is for, in lower case.
    fn names(&mut self) -> Vec<String> {
        let names = self.texts("names");
        if names.is_empty() {
            return names;
        }
        for field in ["anchors", "before", "reader"].into_iter().filter(|field| self.table.contains_key(*field)) {
            self.errors.push(format!("`{field}` has no meaning beside `names`, which say where to look"));
        }
        if self.table.get("pattern").and_then(Value::as_str).is_some_and(|pattern| pattern.contains(ANCHOR_END)) {
            self.errors.push(format!("`{ANCHOR_END}` has no meaning beside `names`"));
        }
        if let Some(name) = names.iter().find(|name| name.contains(['/', '\\', '*'])) {
            self.errors.push(format!("'{name}' in `names` is no name of a file: `path_patterns` are for folders"));
        }
        names.into_iter().map(|name| name.to_ascii_lowercase()).collect()
    }

    fn file(&mut self) -> FileRule {
        let own = |field: &&str| !SHARED_FIELDS.contains(field);
        if let Some(field) = TOKEN_FIELDS.into_iter().filter(own).find(|f| self.table.contains_key(*f)) {
            self.errors.push(format!("`{field}` has no meaning beside `paths`: files are told by their names"));
        }
        FileRule {
            paths: self.texts("paths"),
            path_patterns: self.path_patterns(),
            except: self.texts("except"),
            begins: self.texts("begins"),
            contains: self.texts("contains"),
            lacks: self.texts("lacks"),
            together: self.flag(self.table.get("together"), "together"),
            always: self.flag(self.table.get("always"), "always"),
        }
    }

    fn path_patterns(&mut self) -> Vec<String> {
        let patterns = self.texts("path_patterns");
        if patterns.iter().any(|pattern| pattern.len() > MAX_PATTERN) {
            self.errors.push(format!("a pattern is longer than {MAX_PATTERN} bytes"));
        }
        patterns
    }

    fn anchors(&mut self) -> Vec<Anchor> {
        let values = match self.table.get("anchors") {
            Some(Value::Array(values)) if !values.is_empty() && values.len() <= MAX_LIST => values.as_slice(),
            Some(_) => {
                self.errors.push("`anchors` must be a list of literals".into());
                return Vec::new();
            }
            None => {
                self.errors
                    .push("needs `anchors` and `pattern`, or `decoder`, or `paths`, or `names` and `pattern`".into());
                return Vec::new();
            }
        };
        values.iter().filter_map(|value| self.anchor(value)).collect()
    }

    fn anchor(&mut self, value: &Value) -> Option<Anchor> {
        let (text, ignore_case) = match value {
            Value::String(text) => (text.clone(), false),
            Value::Table(table) => {
                for key in table.keys().filter(|key| !["text", "ignore_case"].contains(&key.as_str())) {
                    self.errors.push(unknown("field of an anchor", key, ["text", "ignore_case"]));
                }
                let Some(text) = table.get("text").and_then(Value::as_str) else {
                    self.errors.push("an anchor needs `text`".into());
                    return None;
                };
                (text.to_owned(), self.flag(table.get("ignore_case"), "ignore_case"))
            }
            other => {
                self.errors.push(format!("an anchor is a text, not {}", kind(other)));
                return None;
            }
        };
        if !ANCHOR_LENGTHS.contains(&text.len()) {
            let (least, most) = (ANCHOR_LENGTHS.start(), ANCHOR_LENGTHS.end());
            self.errors.push(format!("anchor '{text}' has {} bytes, allowed are {least} to {most}", text.len()));
            return None;
        }
        Some(Anchor { text, ignore_case })
    }

    fn entropy(&mut self) -> Option<f64> {
        let value = self.table.get("entropy")?;
        let number = value.as_float().or_else(|| value.as_integer().map(|n| n as f64));
        if !number.is_some_and(|n| (0.0..=8.0).contains(&n)) {
            self.errors.push("`entropy` must be a number of bits a byte, 0 to 8".into());
        }
        number
    }

    fn priority(&mut self) -> i32 {
        let Some(value) = self.table.get("priority") else { return 0 };
        let number = value.as_integer().and_then(|n| i32::try_from(n).ok()).filter(|n| n.abs() <= MAX_PRIORITY);
        number.unwrap_or_else(|| {
            self.errors.push(format!("`priority` must be a number from -{MAX_PRIORITY} to {MAX_PRIORITY}"));
            0
        })
    }

    fn text(&mut self, name: &str) -> String {
        match self.table.get(name) {
            Some(Value::String(text)) if !text.trim().is_empty() => return text.clone(),
            Some(Value::String(_)) => self.errors.push(format!("`{name}` is empty")),
            Some(other) => self.errors.push(format!("`{name}` must be a text, not {}", kind(other))),
            None => self.errors.push(format!("`{name}` is missing")),
        }
        String::new()
    }

    fn texts(&mut self, name: &str) -> Vec<String> {
        let Some(value) = self.table.get(name) else { return Vec::new() };
        let list: Option<Vec<String>> = value
            .as_array()
            .filter(|list| list.len() <= MAX_LIST)
            .and_then(|list| list.iter().map(|v| v.as_str().filter(|t| !t.is_empty()).map(str::to_owned)).collect());
        list.unwrap_or_else(|| {
            self.errors.push(format!("`{name}` must be a list of texts, none of them empty, at most {MAX_LIST}"));
            Vec::new()
        })
    }

    fn number(&mut self, name: &str, default: usize, most: usize) -> usize {
        let Some(value) = self.table.get(name) else { return default };
        match value.as_integer().and_then(|n| usize::try_from(n).ok()).filter(|n| *n <= most) {
            Some(number) => number,
            None => {
                self.errors.push(format!("`{name}` must be a number from 0 to {most}"));
                default
            }
        }
    }

    fn flag(&mut self, value: Option<&Value>, name: &str) -> bool {
        match value {
            None => false,
            Some(Value::Boolean(flag)) => *flag,
            Some(other) => {
                self.errors.push(format!("`{name}` must be true or false, not {}", kind(other)));
                false
            }
        }
    }

    fn named<T: Copy + FromStr>(&mut self, field: &str, all: &[T], name: fn(T) -> &'static str) -> Option<T> {
        let text = self.text(field);
        if text.is_empty() {
            return None;
        }
        let value = text.parse().ok();
        if value.is_none() {
            self.errors.push(unknown(field, &text, all.iter().map(|v| name(*v))));
        }
        value
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::String(_) => "a text",
        Value::Integer(_) | Value::Float(_) => "a number",
        Value::Boolean(_) => "true or false",
        Value::Datetime(_) => "a date",
        Value::Array(_) => "a list",
        Value::Table(_) => "a table",
    }
}

/// Lower-case letters and digits, in groups joined by single hyphens.
pub fn is_kebab_case(id: &str) -> bool {
    id.len() <= 64
        && id
            .split('-')
            .all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()))
}

/// `unknown field 'entrpy', did you mean 'entropy'?`
pub fn unknown<'a>(what: &str, name: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    match nearest(name, known) {
        Some(near) => format!("unknown {what} '{name}', did you mean '{near}'?"),
        None => format!("unknown {what} '{name}'"),
    }
}

/// The word most like `word`, if one is near enough to be meant.
pub fn nearest<'a>(word: &str, words: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_ascii_lowercase().replace('_', "-");
    let best = words.into_iter().map(|w| (distance(&word, &w.replace('_', "-")), w)).min()?;
    (best.0 <= word.len().max(best.1.len()) / 3).then_some(best.1)
}

/// Edits that make `b` of `a`: insertions, deletions, replacements and swaps of neighbours. Of long words their length.
fn distance(a: &str, b: &str) -> usize {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    if a.len() > 64 || b.len() > 64 {
        return a.len().max(b.len());
    }
    let mut cost = vec![vec![0; b.len() + 1]; a.len() + 1];
    for i in 0..=a.len() {
        for j in 0..=b.len() {
            if i == 0 || j == 0 {
                cost[i][j] = i + j;
                continue;
            }
            let replaced = cost[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            cost[i][j] = replaced.min(cost[i - 1][j] + 1).min(cost[i][j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                cost[i][j] = cost[i][j].min(cost[i - 2][j - 2] + 1);
            }
        }
    }
    cost[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_follows_an_anchor_has_the_groups_and_flags_that_are_open_there() {
        let split = |pattern: &str| split_at_anchor(pattern.to_owned());
        assert_eq!(split("ab(c|d)e"), ("ab(c|d)e".into(), None));
        let cases = [
            (r"(?P<name>[\w(]{0,9}key{{anchor}}\w*)=(?P<secret>a+)", r"(?:\w*)=(?P<secret>a+)"),
            (r"(?i)x(?s:y(?:z{{anchor}}.)k)q", r"(?i)(?s:(?:.)k)q"),
            (r"\((?i)a[)\]](?-i:b)(c{{anchor}}d)", r"(?i)(?:d)"),
            (r"(?<name>a)b{{anchor}}(c)", r"(c)"),
        ];
        for (pattern, follows) in cases {
            let (whole, found) = split(pattern);
            assert_eq!(whole, pattern.replace(ANCHOR_END, ""));
            assert_eq!(found.as_deref(), Some(follows));
            assert!(crate::pattern::compile(follows).is_ok() && crate::pattern::compile(&whole).is_ok());
        }
    }
}
