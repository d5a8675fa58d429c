//! From facts to chains.

use crate::condition::{Bindings, Condition};
use crate::rules::{Absent, Derivation, ExposureRule, Rules};
use crate::store::Store;
use keysweep_facts::{Exposure, Fact, Link, Value};
use std::collections::{BTreeMap, HashSet};

/// Facts that are kept, given and derived.
const MAX_FACTS: usize = 4_000_000;
/// Facts that are looked at for one rule in one round. Real reports stay far below.
const MAX_STEPS: u64 = 10_000_000;
/// Exposures that are told.
const MAX_EXPOSURES: usize = 10_000;
/// Sentences of evidence for one link.
const MAX_EVIDENCE: usize = 64;
/// Rounds in which facts follow from others.
const MAX_ROUNDS: usize = 64;

/// What the rules make of facts.
#[derive(Debug, Default)]
pub struct Outcome {
    /// The chains, the most severe first.
    pub exposures: Vec<Exposure>,
    /// Facts that followed.
    pub derived: Vec<Fact>,
    /// Why not all chains were looked for.
    pub limits: Vec<String>,
}

/// Applies the rules to facts until nothing new follows, and tells the chains. `now` is in seconds since 1970 UTC.
pub fn evaluate(rules: &Rules, facts: &[Fact], now: i64) -> Outcome {
    evaluate_within(rules, facts, now, MAX_STEPS)
}

fn evaluate_within(rules: &Rules, facts: &[Fact], now: i64, steps: u64) -> Outcome {
    let mut state = State { store: Store::default(), now, steps, limits: Vec::new() };
    for fact in facts {
        if state.store.facts.len() >= MAX_FACTS {
            state.limit("more facts than are joined");
            break;
        }
        state.store.add(fact.clone(), Vec::new());
    }
    let given = state.store.facts.len();
    state.derive_all(&rules.derivations);
    let mut exposures = Vec::new();
    for rule in &rules.exposures {
        state.expose(rule, &mut exposures);
    }
    drop_superseded(rules, &mut exposures);
    let rank = |exposure: &Exposure| ["critical", "high", "medium", "low"].iter().position(|s| *s == exposure.severity);
    exposures.sort_by(|a, b| rank(a).cmp(&rank(b)).then_with(|| a.rule.cmp(&b.rule)).then_with(|| a.id.cmp(&b.id)));
    Outcome { exposures, derived: state.store.facts.split_off(given), limits: state.limits }
}

/// Weaker chains of the same key need not be told.
fn drop_superseded(rules: &Rules, exposures: &mut Vec<Exposure>) {
    let told: HashSet<(String, String)> = exposures
        .iter()
        .flat_map(|exposure| {
            let superseded = rules.get(&exposure.rule).map_or(&[][..], |rule| rule.supersedes.as_slice());
            superseded.iter().flat_map(|rule| exposure.keys.iter().map(move |key| (rule.clone(), key.clone())))
        })
        .collect();
    exposures.retain(|exposure| !exposure.keys.iter().any(|key| told.contains(&(exposure.rule.clone(), key.clone()))));
}

struct State {
    store: Store,
    now: i64,
    /// Facts that may be looked at for one rule in one round.
    steps: u64,
    limits: Vec<String>,
}

/// A fact that is wanted.
struct Wanted<'a> {
    fact: &'a str,
    conditions: &'a BTreeMap<String, Condition>,
}

/// What is done with a way to fill a rule: the numbers of the facts, and what the variables are.
type Visit<'a> = &'a mut dyn FnMut(&State, &[u32], &Bindings);

impl State {
    fn limit(&mut self, reason: &str) {
        if !self.limits.iter().any(|limit| limit == reason) {
            self.limits.push(reason.to_owned());
        }
    }

    /// Rounds of derivation: in each, at least one fact of what something follows from is new.
    fn derive_all(&mut self, rules: &[Derivation]) {
        let mut from = 0;
        for _ in 0..MAX_ROUNDS {
            let to = self.store.facts.len() as u32;
            for rule in rules {
                self.derive(rule, from, to);
            }
            if self.store.facts.len() as u32 == to {
                return;
            }
            from = to;
        }
        self.limit("more rounds of facts that follow from others than are made");
    }

    fn derive(&mut self, rule: &Derivation, from: u32, to: u32) {
        let wanted: Vec<Wanted<'_>> =
            rule.link.iter().map(|link| Wanted { fact: &link.fact, conditions: &link.r#where }).collect();
        for new in 0..wanted.len() {
            // Before the new one only older facts, so that nothing is found twice.
            let range = |link: usize| match link.cmp(&new) {
                std::cmp::Ordering::Less => 0..from,
                std::cmp::Ordering::Equal => from..to,
                std::cmp::Ordering::Greater => 0..to,
            };
            let mut follows: BTreeMap<BTreeMap<String, Value>, (Fact, Vec<u32>)> = BTreeMap::new();
            self.matches(&wanted, &rule.absent, &range, &mut |state, facts, bindings| {
                let fact = rule.conclude(bindings);
                if state.store.facts.len() + follows.len() < MAX_FACTS {
                    follows.entry(fact.fields.clone()).or_insert_with(|| (fact, facts.to_vec()));
                }
            });
            if self.store.facts.len() + follows.len() >= MAX_FACTS {
                self.limit("more facts than are joined");
            }
            for (fact, sources) in follows.into_values() {
                self.store.add(fact, sources);
            }
        }
    }

    fn expose(&mut self, rule: &ExposureRule, exposures: &mut Vec<Exposure>) {
        let wanted: Vec<Wanted<'_>> =
            rule.link.iter().map(|link| Wanted { fact: &link.fact, conditions: &link.r#where }).collect();
        let all = self.store.facts.len() as u32;
        let mut told: BTreeMap<Vec<String>, usize> = BTreeMap::new();
        let mut full = false;
        self.matches(&wanted, &rule.absent, &|_| 0..all, &mut |state, facts, bindings| {
            let name = |variable: &String| bindings.get(variable).map_or_else(String::new, Value::to_string);
            let per: Vec<String> = rule.per.iter().map(name).collect();
            if let Some(index) = told.get(&per) {
                exposures[*index].more += 1;
            } else if exposures.len() >= MAX_EXPOSURES {
                full = true;
            } else {
                told.insert(per.clone(), exposures.len());
                exposures.push(state.tell(rule, facts, bindings, &per));
            }
        });
        if full {
            self.limit("more exposures than are told");
        }
    }

    fn tell(&self, rule: &ExposureRule, facts: &[u32], bindings: &Bindings, per: &[String]) -> Exposure {
        let links = rule.link.iter().zip(facts).map(|(link, number)| Link {
            say: fill(&link.say, bindings),
            evidence: self.evidence(*number),
            breaks: fill(&link.breaks, bindings),
            fact: self.store.facts[*number as usize].clone(),
        });
        Exposure {
            id: Exposure::name(&rule.id, per),
            rule: rule.id.clone(),
            severity: rule.severity.clone(),
            title: fill(&rule.title, bindings),
            keys: bindings.get(&rule.key).map(Value::to_string).into_iter().collect(),
            links: links.collect(),
            fix: rule.fix.iter().map(|fix| fill(fix, bindings)).collect(),
            references: rule.references.clone(),
            more: 0,
        }
    }

    /// How a fact is known; of what follows, how all that it follows from is known.
    fn evidence(&self, number: u32) -> Vec<String> {
        let mut evidence = Vec::new();
        let mut open = vec![number];
        while let Some(number) = open.pop() {
            let fact = &self.store.facts[number as usize].evidence;
            if !evidence.contains(fact) && evidence.len() < MAX_EVIDENCE {
                evidence.push(fact.clone());
                open.extend(self.store.sources.get(&number).into_iter().flatten().rev());
            }
        }
        evidence
    }

    /// Visits all ways to fill a rule with facts whose numbers are in the ranges.
    fn matches(
        &mut self,
        wanted: &[Wanted<'_>],
        absent: &[Absent],
        range: &dyn Fn(usize) -> std::ops::Range<u32>,
        visit: Visit<'_>,
    ) {
        let mut search = Search { state: self, wanted, absent, range, facts: Vec::new(), visit, left: self.steps };
        search.go_on(&Bindings::new());
        if search.left == 0 {
            self.limit("more combinations of facts than are tried");
        }
    }
}

struct Search<'a> {
    state: &'a State,
    wanted: &'a [Wanted<'a>],
    absent: &'a [Absent],
    range: &'a dyn Fn(usize) -> std::ops::Range<u32>,
    facts: Vec<u32>,
    visit: Visit<'a>,
    /// Facts that may still be looked at.
    left: u64,
}

impl Search<'_> {
    fn go_on(&mut self, bindings: &Bindings) {
        let depth = self.facts.len();
        let Some(wanted) = self.wanted.get(depth) else {
            if !self.absent.iter().any(|absent| self.is_there(absent, bindings)) {
                (self.visit)(self.state, &self.facts, bindings);
            }
            return;
        };
        let range = (self.range)(depth);
        for number in self.candidates(wanted.fact, wanted.conditions, bindings) {
            if !range.contains(&number) {
                continue;
            }
            self.left = self.left.saturating_sub(1);
            if self.left == 0 {
                return;
            }
            let mut more = bindings.clone();
            if self.fits(number, wanted.conditions, &mut more) {
                self.facts.push(number);
                self.go_on(&more);
                self.facts.pop();
            }
        }
    }

    fn candidates(&self, fact: &str, conditions: &BTreeMap<String, Condition>, bindings: &Bindings) -> Vec<u32> {
        let known = conditions.iter().filter_map(|(field, c)| Some((field.as_str(), c.wanted(bindings)?)));
        self.state.store.candidates(fact, known).to_vec()
    }

    fn fits(&self, number: u32, conditions: &BTreeMap<String, Condition>, bindings: &mut Bindings) -> bool {
        let fact = &self.state.store.facts[number as usize];
        conditions.iter().all(|(field, c)| c.fits(fact.fields.get(field), bindings, self.state.now))
    }

    fn is_there(&self, absent: &Absent, bindings: &Bindings) -> bool {
        let candidates = self.candidates(&absent.fact, &absent.r#where, bindings);
        candidates.into_iter().any(|number| self.fits(number, &absent.r#where, &mut bindings.clone()))
    }
}

impl Derivation {
    /// The fact that follows.
    fn conclude(&self, bindings: &Bindings) -> Fact {
        let mut fact = Fact::new(&self.fact, fill(&self.say, bindings));
        for (field, value) in &self.fields {
            let variable = value.as_str().and_then(|text| text.strip_prefix('$'));
            let value = match variable {
                Some(name) => bindings.get(name).cloned(),
                None => Some(crate::condition::value(value)),
            };
            fact.fields.extend(value.map(|value| (field.clone(), value)));
        }
        fact
    }
}

/// Text with the values of variables in place of their names in braces.
fn fill(text: &str, bindings: &Bindings) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        out.push_str(before);
        let Some((name, tail)) = after.split_once('}') else {
            out.push('{');
            rest = after;
            continue;
        };
        match bindings.get(name) {
            Some(value) => out.push_str(&value.to_string()),
            None => out.push_str(name),
        }
        rest = tail;
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(text: &str) -> Rules {
        Rules::parse("test", text).unwrap()
    }

    const REACH: &str = r#"
        [[derive]]
        id = "step"
        fact = "reach"
        fields = { from = "$a", to = "$b" }
        say = "{a} opens {b}"
        link = [{ fact = "opens", where = { from = "$a", to = "$b" } }]
        [[derive]]
        id = "steps"
        fact = "reach"
        fields = { from = "$a", to = "$c" }
        say = "{a} reaches {c} by {b}"
        link = [
          { fact = "reach", where = { from = "$a", to = "$b" } },
          { fact = "opens", where = { from = "$b", to = "$c" } },
        ]
        [[exposure]]
        id = "all-the-way"
        title = "from {a} to {z}"
        severity = "high"
        per = ["a", "z"]
        fix = ["close it"]
        link = [
          { fact = "start", where = { at = "$a" }, say = "begins at {a}" },
          { fact = "reach", where = { from = "$a", to = "$z" }, say = "reaches {z}" },
          { fact = "vault", where = { at = "$z" }, say = "which is a vault" },
        ]
        absent = [{ fact = "closed", where = { at = "$z" } }]
    "#;

    fn chain(length: usize) -> Vec<Fact> {
        let host = |i: usize| format!("h{i}");
        let mut facts: Vec<Fact> = (0..length)
            .map(|i| Fact::new("opens", format!("key {i}")).with("from", host(i)).with("to", host(i + 1)))
            .collect();
        // In a circle, too.
        facts.push(Fact::new("opens", "back").with("from", host(length)).with("to", host(0)));
        facts.push(Fact::new("start", "given").with("at", host(0)));
        facts.push(Fact::new("vault", "given").with("at", host(length)));
        facts
    }

    #[test]
    fn facts_follow_until_nothing_new_does() {
        let outcome = evaluate(&rules(REACH), &chain(12), 0);
        assert_eq!(outcome.derived.len(), 13 * 13, "everything reaches everything, itself included");
        assert_eq!(outcome.exposures.len(), 1);
        let exposure = &outcome.exposures[0];
        assert_eq!(exposure.title, "from h0 to h12");
        assert!(exposure.links[1].evidence.iter().any(|e| e == "key 11") && outcome.limits.is_empty(), "{exposure:?}");
        // A link less, and nothing is reached; and what must be absent counts.
        let mut fewer = chain(12);
        fewer.remove(5);
        assert!(evaluate(&rules(REACH), &fewer, 0).exposures.is_empty());
        let mut closed = chain(12);
        closed.push(Fact::new("closed", "given").with("at", "h12"));
        assert!(evaluate(&rules(REACH), &closed, 0).exposures.is_empty());
    }

    #[test]
    fn too_many_combinations_end_with_a_word_of_it() {
        let every = rules(
            r#"
            [[exposure]]
            id = "all"
            title = "t"
            severity = "low"
            per = ["a"]
            fix = ["f"]
            link = [
              { fact = "n", where = { v = "$a" }, say = "" },
              { fact = "n", where = { v = "$b" }, say = "" },
              { fact = "n", where = { v = { not = "$b", as = "$c" } }, say = "" },
            ]
            "#,
        );
        let facts: Vec<Fact> = (0..2_000).map(|v| Fact::new("n", "given").with("v", v)).collect();
        let outcome = evaluate_within(&every, &facts, 0, 100_000);
        assert_eq!(outcome.limits.len(), 1, "{:?}", outcome.limits);
    }

    #[test]
    fn chains_that_differ_in_what_does_not_matter_are_one() {
        let one = rules(
            r#"
            [[exposure]]
            id = "read"
            title = "{key}"
            severity = "low"
            per = ["key"]
            fix = ["f"]
            link = [
              { fact = "key", where = { fingerprint = "$key", path = "$path" }, say = "" },
              { fact = "readable", where = { path = "$path", by = "$by" }, say = "{by}" },
            ]
            "#,
        );
        let mut facts = vec![Fact::new("key", "k").with("fingerprint", "f").with("path", "p")];
        facts.extend(["a", "b", "c"].map(|by| Fact::new("readable", "r").with("path", "p").with("by", by)));
        let outcome = evaluate(&one, &facts, 0);
        assert_eq!((outcome.exposures.len(), outcome.exposures[0].more), (1, 2));
        assert_eq!(outcome.exposures[0].links[1].say, "a");
    }
}
