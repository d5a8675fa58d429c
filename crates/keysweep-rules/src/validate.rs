//! What a rule file cannot say, but must hold before a rule is used.

use crate::model::{Detector, Rule, TokenRule};
use crate::parse::{RuleError, unknown};
use crate::pattern;
use crate::{checks, files, readers};

/// The names of groups whose content is shown with a finding. `secret` is never among them.
pub(crate) const SHOWN_GROUPS: [&str; 13] = [
    "user", "host", "port", "database", "account", "id", "project", "region", "tenant", "org", "name", "kind", "scope",
];
/// The groups that may hold the secret: the first that takes part in the match does.
pub(crate) const SECRET_GROUPS: [&str; 9] =
    ["secret", "secret2", "secret3", "secret4", "secret5", "secret6", "secret7", "secret8", "secret9"];

/// What makes the rule unusable.
pub(crate) fn validate(rule: &Rule) -> Vec<RuleError> {
    let messages: Vec<String> = match &rule.detector {
        Detector::Token(token) => patterns(token).into_iter().chain(check(token)).chain(reader(token)).collect(),
        Detector::File(file) => files::wrong_globs(file),
        Detector::Decoder(_) => Vec::new(),
    };
    messages
        .into_iter()
        .map(|message| RuleError { file: rule.source.clone(), rule: Some(rule.id.clone()), message })
        .collect()
}

fn patterns(token: &TokenRule) -> Vec<String> {
    let mut messages = Vec::new();
    match pattern::compile(&token.pattern) {
        _ if token.reader.is_some() => {}
        Err(error) => messages.push(format!("`pattern`: {error}")),
        Ok(regex) => {
            let known = || SHOWN_GROUPS.into_iter().chain(SECRET_GROUPS);
            let groups = regex.group_info().pattern_names(regex_automata::PatternID::ZERO).flatten();
            messages.extend(groups.filter(|g| !known().any(|k| k == *g)).map(|g| unknown("group", g, known())));
            if regex.is_match(b"") {
                messages.push("`pattern` matches the empty text".into());
            }
        }
    }
    messages.extend(token.follows.iter().filter_map(|text| {
        pattern::compile(text).err().map(|error| format!("`pattern` behind `{{{{anchor}}}}`: {error}"))
    }));
    let lists = [("deny", &token.deny), ("deny_match", &token.deny_match), ("deny_line", &token.deny_line)];
    for (field, list) in lists.into_iter().chain([("path_patterns", &token.path_patterns)]) {
        messages.extend(wrong_patterns(field, list));
    }
    messages
}

/// What is wrong with a list of regular expressions.
pub(crate) fn wrong_patterns<'a>(field: &'a str, list: &'a [String]) -> impl Iterator<Item = String> + use<'a> {
    list.iter().enumerate().filter_map(move |(index, text)| {
        pattern::compile(text).err().map(|error| format!("`{field}` {}: {error}", index + 1))
    })
}

fn reader(token: &TokenRule) -> Option<String> {
    let name = token.reader.as_deref()?;
    readers::by_name(name).is_none().then(|| unknown("reader", name, readers::all().iter().map(|r| r.name)))
}

fn check(token: &TokenRule) -> Option<String> {
    let name = token.check.as_deref()?;
    checks::by_name(name).is_none().then(|| unknown("check", name, checks::all().iter().map(|c| c.name)))
}
