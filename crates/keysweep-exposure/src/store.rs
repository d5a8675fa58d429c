//! All facts, to be found by their fields.

use keysweep_facts::{Fact, Value};
use std::collections::{HashMap, HashSet};

/// The facts, in the order in which they came.
#[derive(Default)]
pub(crate) struct Store {
    pub(crate) facts: Vec<Fact>,
    /// For what follows from others: the numbers of these.
    pub(crate) sources: HashMap<u32, Vec<u32>>,
    by_predicate: HashMap<String, Vec<u32>>,
    by_field: HashMap<(String, String, String), Vec<u32>>,
    seen: HashSet<String>,
}

/// Text that tells values apart.
fn text(value: &Value) -> String {
    format!("{value}")
}

impl Store {
    /// Adds a fact; false if the same is there, whatever the evidence.
    pub(crate) fn add(&mut self, fact: Fact, sources: Vec<u32>) -> bool {
        let mut name = fact.predicate.clone();
        for (field, value) in &fact.fields {
            name.push_str(&format!("\u{1f}{field}\u{1f}{value}"));
        }
        if !self.seen.insert(name) {
            return false;
        }
        let number = self.facts.len() as u32;
        self.by_predicate.entry(fact.predicate.clone()).or_default().push(number);
        for (field, value) in &fact.fields {
            self.by_field.entry((fact.predicate.clone(), field.clone(), text(value))).or_default().push(number);
        }
        if !sources.is_empty() {
            self.sources.insert(number, sources);
        }
        self.facts.push(fact);
        true
    }

    /// The facts of a predicate whose fields have these values, or somewhat more of them: sorted.
    pub(crate) fn candidates<'a>(&self, predicate: &str, wanted: impl Iterator<Item = (&'a str, &'a Value)>) -> &[u32] {
        let mut best: &[u32] = self.by_predicate.get(predicate).map_or(&[], Vec::as_slice);
        for (field, value) in wanted {
            let key = (predicate.to_owned(), field.to_owned(), text(value));
            let with = self.by_field.get(&key).map_or(&[][..], Vec::as_slice);
            if with.len() < best.len() {
                best = with;
            }
        }
        best
    }
}
