//! From facts to chains.

use crate::condition::{Bindings, Condition};
use crate::rules::{Absent, Derivation, ExposureRule, Rules};
use crate::store::Store;
use keysweep_facts::{Exposure, Fact, Link, Value};
use std::collections::{BTreeMap, HashSet};

/// Facts that are kept, given and derived.
const MAX_FACTS: usize = 4_000_000;
/// Facts that are looked at in all. Real reports stay far below.
const MAX_STEPS: u64 = 200_000_000;
/// Facts that are looked at for one rule in one round.
const MAX_STEPS_EACH: u64 = 50_000_000;
/// Exposures that are told.
const MAX_EXPOSURES: usize = 10_000;
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
    let mut state = State { store: Store::default(), now, steps: 0, limits: Vec::new() };
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
    steps: u64,
    limits: Vec<String>,
}

/// A fact that is wanted.
struct Wanted<'a> {
    fact: &'a str,
    conditions: &'a BTreeMap<String, Condition>,
}

/// A way to fill a rule: the numbers of the facts, and what the variables are.
struct Match {
    facts: Vec<u32>,
    bindings: Bindings,
}

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
            for found in self.matches(&wanted, &rule.absent, &range) {
                if self.store.facts.len() >= MAX_FACTS {
                    return self.limit("more facts than are joined");
                }
                let mut fact = Fact::new(&rule.fact, fill(&rule.say, &found.bindings));
                for (field, value) in &rule.fields {
                    let variable = value.as_str().and_then(|text| text.strip_prefix('$'));
                    let value = match variable {
                        Some(name) => found.bindings.get(name).cloned(),
                        None => Some(crate::condition::value(value)),
                    };
                    fact.fields.extend(value.map(|value| (field.clone(), value)));
                }
                self.store.add(fact, found.facts);
            }
        }
    }

    fn expose(&mut self, rule: &ExposureRule, exposures: &mut Vec<Exposure>) {
        let wanted: Vec<Wanted<'_>> =
            rule.link.iter().map(|link| Wanted { fact: &link.fact, conditions: &link.r#where }).collect();
        let all = self.store.facts.len() as u32;
        let mut told: BTreeMap<Vec<String>, usize> = BTreeMap::new();
        for found in self.matches(&wanted, &rule.absent, &|_| 0..all) {
            let name = |variable: &String| found.bindings.get(variable).map_or_else(String::new, Value::to_string);
            let per: Vec<String> = rule.per.iter().map(name).collect();
            if let Some(index) = told.get(&per) {
                exposures[*index].more += 1;
                continue;
            }
            if exposures.len() >= MAX_EXPOSURES {
                return self.limit("more exposures than are told");
            }
            told.insert(per.clone(), exposures.len());
            exposures.push(self.tell(rule, &found, &per));
        }
    }

    fn tell(&self, rule: &ExposureRule, found: &Match, per: &[String]) -> Exposure {
        let links = rule.link.iter().zip(&found.facts).map(|(link, number)| Link {
            say: fill(&link.say, &found.bindings),
            evidence: self.evidence(*number),
            breaks: fill(&link.breaks, &found.bindings),
            fact: self.store.facts[*number as usize].clone(),
        });
        Exposure {
            id: Exposure::name(&rule.id, per),
            rule: rule.id.clone(),
            severity: rule.severity.clone(),
            title: fill(&rule.title, &found.bindings),
            keys: found.bindings.get(&rule.key).map(Value::to_string).into_iter().collect(),
            links: links.collect(),
            fix: rule.fix.iter().map(|fix| fill(fix, &found.bindings)).collect(),
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
            if !evidence.contains(fact) && evidence.len() < 16 {
                evidence.push(fact.clone());
                open.extend(self.store.sources.get(&number).into_iter().flatten().rev());
            }
        }
        evidence
    }

    /// All ways to fill a rule with facts whose numbers are in the ranges.
    fn matches(
        &mut self,
        wanted: &[Wanted<'_>],
        absent: &[Absent],
        range: &dyn Fn(usize) -> std::ops::Range<u32>,
    ) -> Vec<Match> {
        let mut search = Search { state: self, wanted, absent, range, facts: Vec::new(), found: Vec::new(), steps: 0 };
        search.go_on(&mut Bindings::new());
        let (found, steps) = (search.found, search.steps);
        self.steps += steps;
        if steps >= MAX_STEPS_EACH || self.steps >= MAX_STEPS {
            self.limit("more combinations of facts than are tried");
        }
        found
    }
}

struct Search<'a> {
    state: &'a State,
    wanted: &'a [Wanted<'a>],
    absent: &'a [Absent],
    range: &'a dyn Fn(usize) -> std::ops::Range<u32>,
    facts: Vec<u32>,
    found: Vec<Match>,
    steps: u64,
}

impl Search<'_> {
    fn go_on(&mut self, bindings: &mut Bindings) {
        let depth = self.facts.len();
        let Some(wanted) = self.wanted.get(depth) else {
            if !self.absent.iter().any(|absent| self.is_there(absent, bindings)) {
                self.found.push(Match { facts: self.facts.clone(), bindings: bindings.clone() });
            }
            return;
        };
        let range = (self.range)(depth);
        for number in self.candidates(wanted.fact, wanted.conditions, bindings) {
            if !range.contains(&number) {
                continue;
            }
            self.steps += 1;
            if self.steps >= MAX_STEPS_EACH || self.state.steps + self.steps >= MAX_STEPS {
                return;
            }
            let mut more = bindings.clone();
            if self.fits(number, wanted.conditions, &mut more) {
                self.facts.push(number);
                self.go_on(&mut more);
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
