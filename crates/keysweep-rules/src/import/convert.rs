//! From rules of another scanner to ours.

use super::literals::Anchors;
use super::syntax::translate;
use super::write::{self, Exception, Written};
use super::{Allow, Foreign, ForeignRule, Imported, Note, Target, literals};
use crate::lint;
use crate::model::{Anchor, Boundary, Detector, FileRule, Purpose, Rule, Severity, TokenRule};
use crate::parse::{ANCHOR_LENGTHS, MAX_CONTEXT_WITHIN, MAX_LIST, MAX_PATTERN};
use crate::validate::SECRET_GROUPS;
use crate::{Error, RuleSet, pattern, reach, selftest};
use std::collections::HashSet;
use std::sync::Arc;

/// How far behind a keyword a pattern without literals is looked for, in bytes.
const BEHIND: usize = 256;
/// Longest id.
const MAX_ID: usize = 64;
/// What to do about a credential, and about a file.
const ROTATE: &str = "Revoke it where it was issued, and issue a new one.";
const REMOVE: &str = "Look what is in the file, replace the secrets in it where they were issued, and leave it out.";

/// Converts all that can be; the notes say what cannot.
pub(super) fn convert(foreign: Foreign, taken: &dyn Fn(&str) -> bool) -> Imported {
    let mut converter =
        Converter { tool: foreign.tool, notes: foreign.notes, exceptions: Vec::new(), used: HashSet::new() };
    let of = foreign.rules.len();
    let mut written = Vec::new();
    for rule in &foreign.rules {
        let id = converter.id(&rule.id, taken);
        match converter.rule(&id, rule, &foreign.allow) {
            Ok(token) => written.push(token),
            Err(reason) => converter.loss(Some(rule), format!("not taken over: {reason}")),
        }
    }
    let ids: HashSet<&str> = foreign.rules.iter().map(|rule| rule.id.as_str()).collect();
    for allow in &foreign.allow {
        for unknown in allow.rules.iter().filter(|id| !ids.contains(id.as_str())) {
            converter.loss(None, format!("allowlist: targetRules names '{unknown}', which is not here"));
        }
        if allow.rules.is_empty() {
            converter.places(None, None, allow);
            if (!allow.regexes.is_empty() || !allow.stopwords.is_empty()) && !allow.all {
                converter.note(
                    None,
                    "allowlist: its regexes and stopwords hold for the rules here, not for built-in ones".to_owned(),
                );
            }
        }
    }
    Imported {
        rules: write::rules(foreign.tool, &written),
        count: written.len(),
        of,
        exceptions: write::exceptions(foreign.tool, &converter.exceptions),
        notes: converter.notes,
    }
}

struct Converter {
    tool: &'static str,
    notes: Vec<Note>,
    exceptions: Vec<Exception>,
    used: HashSet<String>,
}

/// Patterns that make a match no finding.
#[derive(Default)]
struct Denied {
    secret: Vec<String>,
    whole: Vec<String>,
    line: Vec<String>,
}

impl Converter {
    fn loss(&mut self, rule: Option<&ForeignRule>, message: String) {
        self.notes.push(Note { rule: rule.map(|rule| rule.id.clone()), message, loss: true });
    }

    fn note(&mut self, rule: Option<&ForeignRule>, message: String) {
        self.notes.push(Note { rule: rule.map(|rule| rule.id.clone()), message, loss: false });
    }

    /// An id of our form that is not taken.
    fn id(&mut self, theirs: &str, taken: &dyn Fn(&str) -> bool) -> String {
        let mut id = String::new();
        for c in theirs.chars().map(|c| c.to_ascii_lowercase()) {
            match c {
                'a'..='z' | '0'..='9' => id.push(c),
                _ if !id.is_empty() && !id.ends_with('-') => id.push('-'),
                _ => {}
            }
        }
        let mut id = id.trim_end_matches('-').to_owned();
        if id.is_empty() {
            id = "rule".to_owned();
        }
        if taken(&id) {
            id = format!("{}-{id}", self.tool);
        }
        id.truncate(MAX_ID - 4);
        let base = id.trim_end_matches('-').to_owned();
        let mut id = base.clone();
        let mut number = 1;
        while taken(&id) || !self.used.insert(id.clone()) {
            number += 1;
            id = format!("{base}-{number}");
        }
        if id != theirs {
            let message = format!("its id is '{id}' here");
            self.notes.push(Note { rule: Some(theirs.to_owned()), message, loss: false });
        }
        id
    }

    fn rule(&mut self, id: &str, rule: &ForeignRule, global: &[Allow]) -> Result<Written, String> {
        let Some(theirs) = &rule.pattern else { return self.file(id, rule, global) };
        let groups = translate(theirs, |_| None)?.groups;
        let name = self.group_names(rule, groups)?;
        let pattern = translate(theirs, |number| name.get(number).cloned().flatten())?.pattern;
        if pattern.len() > MAX_PATTERN {
            return Err(format!("its regex is longer than {MAX_PATTERN} bytes"));
        }
        pattern::compile(&pattern).map_err(|e| e.to_string())?;
        let (pattern, found) = match literals::anchors(&pattern) {
            Some(found) => (pattern, found),
            None => self.after_keyword(rule, &pattern)?,
        };
        if found.cut {
            self.note(Some(rule), format!("of what stands before its literal, {} bytes are looked at", found.before));
        }
        let mut token = TokenRule {
            anchors: found.anchors,
            names: Vec::new(),
            pattern,
            reader: None,
            before: found.before,
            follows: None,
            boundary: Boundary::None,
            entropy: rule.entropy,
            check: None,
            context: Vec::new(),
            context_within: MAX_CONTEXT_WITHIN,
            deny: Vec::new(),
            deny_match: Vec::new(),
            deny_line: Vec::new(),
            path_patterns: self.paths(rule)?,
            generic: false,
            priority: 0,
        };
        token.generic = token.anchors.iter().any(|anchor| lint::is_common(&anchor.text));
        self.keywords(rule, &mut token)?;
        let mut denied = Denied::default();
        for allow in own_and_global(rule, global) {
            self.deny(rule, allow, &mut denied);
            self.own_places(id, rule, allow);
        }
        (token.deny, token.deny_match, token.deny_line) = (denied.secret, denied.whole, denied.line);
        if [&token.deny, &token.deny_match, &token.deny_line].iter().any(|list| list.len() > MAX_LIST) {
            return Err(format!("its allowlists have more than {MAX_LIST} entries"));
        }
        let mut ours = Self::written(id, rule, Detector::Token(Arc::new(token)), Severity::High, ROTATE)?;
        self.keep_examples(rule, &mut ours);
        Ok(ours)
    }

    /// A rule that reports files by their paths.
    fn file(&mut self, id: &str, rule: &ForeignRule, global: &[Allow]) -> Result<Written, String> {
        if rule.path.is_none() {
            return Err("it has no regex: it changes a rule of the default configuration, which is not here".to_owned());
        }
        if !rule.keywords.is_empty() {
            self.loss(Some(rule), "its keywords are left out: it reports files by their paths alone".to_owned());
        }
        for allow in own_and_global(rule, global) {
            if is_own(rule, allow) && !(allow.regexes.is_empty() && allow.stopwords.is_empty()) {
                self.loss(Some(rule), "allowlist: texts mean nothing for a rule without regex".to_owned());
            }
            self.own_places(id, rule, allow);
        }
        let file = FileRule { path_patterns: self.paths(rule)?, always: true, ..FileRule::default() };
        Self::written(id, rule, Detector::File(file), Severity::Medium, REMOVE)
    }

    /// The files that the rule is for, in our syntax.
    fn paths(&mut self, rule: &ForeignRule) -> Result<Vec<String>, String> {
        let Some(path) = &rule.path else { return Ok(Vec::new()) };
        let pattern = translate(path, |_| None).map_err(|error| format!("its path '{path}': {error}"))?.pattern;
        if pattern.len() > MAX_PATTERN {
            return Err(format!("its path is longer than {MAX_PATTERN} bytes"));
        }
        pattern::compile(&pattern).map_err(|error| format!("its path '{path}': {error}"))?;
        Ok(vec![pattern])
    }

    /// Exceptions for places, of allowlists that are not for all rules.
    fn own_places(&mut self, id: &str, rule: &ForeignRule, allow: &Allow) {
        if is_own(rule, allow) || !allow.rules.is_empty() {
            self.places(Some(id), Some(rule), allow);
        }
    }

    /// Leaves out examples that the rule fails on here, such as those whose secret is one of documentation.
    fn keep_examples(&mut self, rule: &ForeignRule, ours: &mut Rule) {
        let try_one = |ours: &Rule, examples: &[String], counterexamples: &[String]| {
            let one = Rule { examples: examples.to_vec(), counterexamples: counterexamples.to_vec(), ..ours.clone() };
            selftest::test(&one).into_iter().next().map(|failure| failure.reason)
        };
        for example in std::mem::take(&mut ours.examples) {
            match try_one(ours, std::slice::from_ref(&example), &[]) {
                None => ours.examples.push(example),
                Some(reason) => self.loss(Some(rule), format!("an example is left out: {reason}")),
            }
        }
        for example in std::mem::take(&mut ours.counterexamples) {
            match try_one(ours, &[], std::slice::from_ref(&example)) {
                None => ours.counterexamples.push(example),
                Some(reason) => self.loss(Some(rule), format!("a counterexample is left out: it {reason}")),
            }
        }
    }

    /// A pattern that has no literal is looked for behind the keywords.
    fn after_keyword(&mut self, rule: &ForeignRule, pattern: &str) -> Result<(String, Anchors), String> {
        let lengths = rule.keywords.iter().map(String::len);
        if rule.keywords.is_empty() || lengths.clone().any(|length| !ANCHOR_LENGTHS.contains(&length)) {
            return Err(
                "its regex has no literal of at least three bytes that is in every match, nor has it such keywords"
                    .to_owned(),
            );
        }
        let words: Vec<String> = rule.keywords.iter().map(|word| regex_syntax::escape(word)).collect();
        let pattern = format!("(?:(?i:{})(?s:.{{0,{BEHIND}}}?))?(?:{pattern})", words.join("|"));
        let anchor = |text: &String| Anchor { text: text.clone(), ignore_case: true };
        let anchors = rule.keywords.iter().map(anchor).collect();
        self.loss(
            Some(rule),
            format!("a keyword must stand at most {BEHIND} bytes before it, not anywhere in the file"),
        );
        Ok((pattern, Anchors { anchors, before: 0, cut: false }))
    }

    /// The rule, if it is one of ours.
    fn written(
        id: &str,
        rule: &ForeignRule,
        detector: Detector,
        severity: Severity,
        remediation: &str,
    ) -> Result<Written, String> {
        let names = [rule.name.trim().trim_end_matches('.').trim(), rule.id.trim()];
        let ours = Rule {
            id: id.to_owned(),
            name: names.into_iter().find(|name| !name.is_empty()).unwrap_or(id).to_owned(),
            description: describe(rule),
            severity,
            purpose: Purpose::Generic,
            remediation: remediation.to_owned(),
            references: rule.references.iter().filter(|r| r.starts_with("https://")).cloned().collect(),
            detector,
            examples: rule.examples.clone(),
            counterexamples: rule.counterexamples.clone(),
            source: String::new(),
        };
        // What is written down must be a rule when it is read.
        match RuleSet::from_toml("imported", &write::rules("", std::slice::from_ref(&ours))) {
            Err(Error::Rules(errors)) => Err(errors.into_iter().next().map_or_else(String::new, |error| error.message)),
            Err(error) => Err(error.to_string()),
            Ok(_) => Ok(ours),
        }
    }

    /// The names of the groups by their numbers, from 0, which is none.
    fn group_names(&mut self, rule: &ForeignRule, groups: usize) -> Result<Vec<Option<String>>, String> {
        let mut names = vec![None; groups + 1];
        if rule.secret_group > groups {
            return Err(format!("its secret is group {}, and its regex has {groups}", rule.secret_group));
        }
        if rule.secret_group > 0 {
            names[rule.secret_group] = Some(SECRET_GROUPS[0].to_owned());
        } else if groups <= SECRET_GROUPS.len() {
            // The first that is not empty is the secret.
            names.iter_mut().skip(1).zip(SECRET_GROUPS).for_each(|(slot, name)| *slot = Some(name.to_owned()));
        } else {
            self.loss(Some(rule), format!("it has {groups} groups, and all that it matches is the secret here"));
        }
        Ok(names)
    }

    /// Keywords that a match need not hold must stand near it.
    fn keywords(&mut self, rule: &ForeignRule, token: &mut TokenRule) -> Result<(), String> {
        if rule.keywords.is_empty() {
            return Ok(());
        }
        let keyword = |text: &String| Anchor { text: text.clone(), ignore_case: true };
        let anchors: Vec<Anchor> = rule.keywords.iter().map(keyword).collect();
        if token.anchors == anchors {
            return Ok(());
        }
        let implied = reach::match_without_anchor(&TokenRule { anchors, before: 1, ..token.clone() });
        if implied.is_none() {
            return Ok(());
        }
        if rule.keywords.len() > MAX_LIST {
            return Err(format!("it has more than {MAX_LIST} keywords"));
        }
        token.context.clone_from(&rule.keywords);
        let within = token.context_within;
        self.loss(
            Some(rule),
            format!("one of its keywords must stand within {within} bytes, not anywhere in the file"),
        );
        Ok(())
    }

    fn deny(&mut self, rule: &ForeignRule, allow: &Allow, denied: &mut Denied) {
        let kinds = [&allow.regexes, &allow.stopwords, &allow.paths, &allow.commits];
        if allow.all && kinds.iter().filter(|list| !list.is_empty()).count() > 1 {
            if !allow.regexes.is_empty() || !allow.stopwords.is_empty() {
                let text = "an allowlist that asks for several things together is left out: more is found";
                self.loss(Some(rule), text.to_owned());
            }
            return;
        }
        let list = match allow.target {
            Target::Secret => &mut denied.secret,
            Target::Match => &mut denied.whole,
            Target::Line => &mut denied.line,
        };
        let mut failed = Vec::new();
        for regex in &allow.regexes {
            match translate(regex, |_| None)
                .and_then(|t| pattern::compile(&t.pattern).map(|_| t).map_err(|e| e.to_string()))
            {
                Ok(translated) if translated.pattern.len() > MAX_PATTERN => {
                    failed.push((regex, "it is too long".to_owned()))
                }
                Ok(translated) => list.push(translated.pattern),
                Err(error) => failed.push((regex, error)),
            }
        }
        denied.secret.extend(stopwords(&allow.stopwords));
        for (regex, error) in failed {
            self.loss(Some(rule), format!("allowlist: '{regex}' is left out: {error}"));
        }
    }

    /// Exceptions for paths and commits.
    fn places(&mut self, id: Option<&str>, rule: Option<&ForeignRule>, allow: &Allow) {
        let texts = !allow.regexes.is_empty() || !allow.stopwords.is_empty();
        if allow.paths.is_empty() && allow.commits.is_empty() || allow.all && texts {
            return;
        }
        let mut paths = Vec::new();
        for path in &allow.paths {
            match translate(path, |_| None)
                .and_then(|t| pattern::compile(&t.pattern).map(|_| t).map_err(|e| e.to_string()))
            {
                Ok(translated) => paths.push(translated.pattern),
                Err(error) => self.loss(rule, format!("allowlist: the path '{path}' is left out: {error}")),
            }
        }
        let reason = if allow.description.is_empty() {
            format!("allowlist of {}", self.tool)
        } else {
            allow.description.clone()
        };
        let exception = |paths: Vec<String>, commits: Vec<String>| Exception {
            rule: id.map(str::to_owned),
            paths,
            commits,
            reason: reason.clone(),
        };
        if allow.all {
            self.exceptions.push(exception(paths, allow.commits.clone()));
            return;
        }
        let lists = [(paths, Vec::new()), (Vec::new(), allow.commits.clone())];
        let given = lists.into_iter().filter(|(paths, commits)| !paths.is_empty() || !commits.is_empty());
        self.exceptions.extend(given.map(|(paths, commits)| exception(paths, commits)));
    }
}

/// Whether an allowlist is the rule's own.
fn is_own(rule: &ForeignRule, allow: &Allow) -> bool {
    rule.allow.iter().any(|own| std::ptr::eq(own, allow))
}

/// The allowlists that are for the rule.
fn own_and_global<'a>(rule: &'a ForeignRule, global: &'a [Allow]) -> impl Iterator<Item = &'a Allow> {
    let for_it = |allow: &&Allow| allow.rules.is_empty() || allow.rules.contains(&rule.id);
    rule.allow.iter().chain(global.iter().filter(for_it))
}

/// Words anywhere in the secret, in either case, as few patterns.
fn stopwords(words: &[String]) -> Vec<String> {
    let mut patterns: Vec<String> = Vec::new();
    for word in words {
        let word = regex_syntax::escape(word);
        match patterns.last_mut() {
            Some(last) if last.len() + word.len() + 2 <= MAX_PATTERN => {
                last.insert_str(last.len() - 1, &format!("|{word}"));
            }
            _ => patterns.push(format!("(?i:{word})")),
        }
    }
    patterns
}

fn describe(rule: &ForeignRule) -> String {
    let mut text = rule.description.trim().to_owned();
    if text.is_empty() {
        text = format!("A rule that was taken over: {}", rule.id);
    }
    if !text.ends_with(['.', '!', '?', ')']) {
        text.push('.');
    }
    if !rule.tags.is_empty() {
        text.push_str(&format!(" Tags: {}.", rule.tags.join(", ")));
    }
    text
}
