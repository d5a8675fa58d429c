//! `keysweep rules`: what is looked for, and whether rules are well made.

use crate::args::{RuleArgs, RulesArgs, RulesCommand};
use crate::scan::rule_set;
use crate::{CLEAN, Error, FINDINGS, USAGE, rules_import};
use keysweep_account::Catalogue;
use keysweep_account::model::Location;
use keysweep_engine::decoder_rules;
use keysweep_rules::{Detector, FileRule, Rule, RuleSet, TokenRule, lint, selftest};
use serde_json::{Value, json};
use std::fmt::{Display, Write as _};
use std::io::Write as _;

/// Some example of a rule fails.
const FAILED: u8 = FINDINGS;
/// A rule is not well made.
const BROKEN: u8 = USAGE;

pub(crate) fn run(args: &RulesArgs) -> Result<u8, Error> {
    match &args.command {
        RulesCommand::List { json, rules } => list(&rule_set(rules)?, *json),
        RulesCommand::Show { id, rules } => show(&rule_set(rules)?, id),
        RulesCommand::Check { rules } => check(rules),
        RulesCommand::Test { rules } => test(rules),
        RulesCommand::Import { file, output, exceptions } => {
            rules_import::run(file, output.as_deref(), exceptions.as_deref())
        }
    }
}

fn list(rules: &RuleSet, as_json: bool) -> Result<u8, Error> {
    if as_json {
        let list: Vec<Value> = rules.rules().iter().map(summary).collect();
        print(&format!("{:#}\n", Value::from(list)))?;
        return Ok(CLEAN);
    }
    let width = |column: fn(&Rule) -> usize| rules.rules().iter().map(column).max().unwrap_or(0);
    let (ids, severities, purposes) =
        (width(|r| r.id.len()), width(|r| r.severity.name().len()), width(|r| r.purpose.name().len()));
    let mut text = String::new();
    for rule in rules.rules() {
        let Rule { id, name, severity, purpose, .. } = rule;
        let _ = writeln!(text, "{id:ids$}  {severity:severities$}  {purpose:purposes$}  {name}");
    }
    print(&text)?;
    Ok(CLEAN)
}

fn summary(rule: &Rule) -> Value {
    let Rule { id, name, description, severity, purpose, remediation, references, source, .. } = rule;
    let (detector, check) = match &rule.detector {
        Detector::Token(token) => ("pattern", token.check.as_deref()),
        Detector::Decoder(name) => ("decoder", Some(name.as_str())),
        Detector::File(_) => ("file", None),
    };
    json!({
        "id": id,
        "name": name,
        "description": description,
        "severity": severity.name(),
        "purpose": purpose.name(),
        "remediation": remediation,
        "references": references,
        "detector": detector,
        "check": check,
        "source": source,
    })
}

fn show(rules: &RuleSet, id: &str) -> Result<u8, Error> {
    let Some(rule) = rules.get(id) else {
        if let Some(location) = Catalogue::builtin().get(id) {
            return show_location(location);
        }
        let suggestion = rules.nearest(id).map(|near| format!(", did you mean '{near}'?")).unwrap_or_default();
        return Err(Error::Usage(format!("no rule '{id}'{suggestion}")));
    };
    let mut rows = Rows::default();
    rows.add("id", &rule.id);
    rows.add("name", &rule.name);
    rows.add("severity", rule.severity);
    rows.add("purpose", rule.purpose);
    rows.add("description", &rule.description);
    rows.add("remediation", &rule.remediation);
    rows.list("reference", &rule.references);
    match &rule.detector {
        Detector::Decoder(name) => rows.add("decoder", name),
        Detector::Token(token) => show_token(&mut rows, token),
        Detector::File(file) => show_file(&mut rows, file),
    }
    rows.list("example", &rule.examples);
    rows.list("counterexample", &rule.counterexamples);
    rows.add("source", &rule.source);
    print(&rows.text)?;
    Ok(CLEAN)
}

fn show_location(location: &Location) -> Result<u8, Error> {
    let mut rows = Rows::default();
    rows.add("id", &location.id);
    rows.add("tool", &location.tool);
    rows.add("holds", &location.holds);
    rows.add("kind", &location.kind);
    rows.list("path", &location.paths);
    rows.list("not", &location.except);
    rows.list("moved by", &location.env);
    if !location.reader.is_empty() {
        rows.add("reader", &location.reader);
    }
    rows.list("secret", &location.fields.secrets);
    rows.list("kept elsewhere", &location.fields.elsewhere);
    rows.add("mode", &location.mode);
    rows.add("protect", &location.protect);
    rows.add("remediation", &location.remediation);
    rows.list("reference", &location.references);
    rows.list("example", &location.examples);
    rows.list("counterexample", &location.counterexamples);
    rows.add("source", &location.source);
    print(&rows.text)?;
    Ok(CLEAN)
}

fn show_token(rows: &mut Rows, token: &TokenRule) {
    let case = |ignored| if ignored { " (in either case)" } else { "" };
    rows.list("literal", token.anchors.iter().map(|a| format!("{}{}", a.text, case(a.ignore_case))));
    rows.list("file name", &token.names);
    match token.reader.as_deref().and_then(keysweep_rules::readers::by_name) {
        Some(reader) => rows.add("reader", format!("{}: {}", reader.name, reader.about)),
        None => rows.add("pattern", &token.pattern),
    }
    if token.before > 0 {
        rows.add("begins", format!("up to {} bytes before the literal", token.before));
    }
    rows.add("boundary", token.boundary);
    if let Some(entropy) = token.entropy {
        rows.add("entropy", format!("at least {entropy} bits a byte"));
    }
    if let Some(check) = token.check.as_deref().and_then(keysweep_rules::checks::by_name) {
        rows.add("check", format!("{}: {}", check.name, check.about));
    }
    if !token.context.is_empty() {
        rows.add("context", format!("within {} bytes: {}", token.context_within, token.context.join(", ")));
    }
    rows.list("not if", &token.deny);
    rows.list("not if in match", &token.deny_match);
    rows.list("not if in line", &token.deny_line);
    rows.list("only if in path", &token.path_patterns);
    if token.generic {
        rows.add("generic", "yields to every other rule that matches there");
    }
}

fn show_file(rows: &mut Rows, file: &FileRule) {
    rows.list("path", &file.paths);
    rows.list("path pattern", &file.path_patterns);
    rows.list("not", &file.except);
    rows.list("begins", file.begins.iter().map(|text| text.escape_debug()));
    rows.list("contains", &file.contains);
    rows.list("lacks", &file.lacks);
    if file.together {
        rows.add("together", "all such files of a scan are one finding");
    }
    rows.add("where", if file.always { "in all scans" } else { "in what is scanned with --artifact" });
}

/// Names and values, one pair a line.
#[derive(Default)]
struct Rows {
    text: String,
}

impl Rows {
    fn add(&mut self, name: &str, value: impl Display) {
        // Values may have lines of their own.
        let value = value.to_string().replace('\n', &format!("\n{:16}", ""));
        let _ = writeln!(self.text, "{name:14}  {value}");
    }

    fn list<T: Display>(&mut self, name: &str, values: impl IntoIterator<Item = T>) {
        values.into_iter().for_each(|value| self.add(name, value));
    }
}

/// The user's own rules if there are any, else the built-in ones, and whether they are all there are.
fn judged(args: &RuleArgs) -> Result<(RuleSet, bool), Error> {
    let whole = args.rule_dirs.is_empty() && args.only.is_empty() && args.skip.is_empty();
    if args.rule_dirs.is_empty() {
        return Ok((rule_set(args)?, whole));
    }
    let mut rules = RuleSet::default();
    for path in &args.rule_dirs {
        rules.merge(RuleSet::load(path)?);
    }
    if !args.only.is_empty() {
        rules.only(&args.only)?;
    }
    rules.skip(&args.skip)?;
    Ok((rules, whole))
}

fn check(args: &RuleArgs) -> Result<u8, Error> {
    let (rules, whole) = judged(args)?;
    let decoders = decoder_rules();
    let mut problems = lint::lint(&rules, &decoders);
    if whole {
        problems.extend(lint::missing(&rules, &decoders));
    }
    let catalogue = whole.then(Catalogue::builtin);
    let mut lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
    lines.extend(catalogue.iter().flat_map(Catalogue::check).map(|problem| problem.to_string()));
    let mut text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    let (rules, problems) = (count(rules.rules().len(), "rule"), count(lines.len(), "problem"));
    let _ = writeln!(text, "{rules}, {}{problems}", locations(catalogue.as_ref()));
    print(&text)?;
    Ok(if lines.is_empty() { CLEAN } else { BROKEN })
}

fn test(args: &RuleArgs) -> Result<u8, Error> {
    let (rules, whole) = judged(args)?;
    let catalogue = whole.then(Catalogue::builtin);
    let mut failures: Vec<selftest::Failure> = rules.rules().iter().flat_map(selftest::test).collect();
    failures.extend(selftest::conflicts(&rules));
    let mut examples: usize = rules.rules().iter().map(|r| r.examples.len() + r.counterexamples.len()).sum();
    examples += catalogue.as_ref().map_or(0, Catalogue::examples);
    let mut lines: Vec<String> = failures.iter().map(ToString::to_string).collect();
    lines.extend(catalogue.iter().flat_map(Catalogue::test).map(|problem| problem.to_string()));
    if whole {
        lines.extend(keysweep_exposure::Rules::builtin().test().iter().map(ToString::to_string));
    }
    let mut text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    let (rules, failures) = (count(rules.rules().len(), "rule"), count(lines.len(), "failure"));
    let _ = writeln!(text, "{rules}, {}{}, {failures}", locations(catalogue.as_ref()), count(examples, "example"));
    print(&text)?;
    Ok(if lines.is_empty() { CLEAN } else { FAILED })
}

/// `195 locations, `, if they were judged, too.
fn locations(catalogue: Option<&Catalogue>) -> String {
    catalogue.map_or_else(String::new, |c| format!("{}, ", count(c.locations().len(), "location")))
}

/// `1 rule`, `2 rules`.
pub(crate) fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

/// Writes to standard output; a reader that went away has seen enough.
pub(crate) fn print(text: &str) -> Result<(), Error> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(Error::from) {
        Err(error) if error.is_broken_pipe() => Ok(()),
        outcome => outcome,
    }
}
