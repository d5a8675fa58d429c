//! Whether a pattern and the literals of its rule belong together, judged on the pattern's automaton.

use crate::model::{Anchor, TokenRule};
use crate::pattern;
use aho_corasick::automaton::{Automaton as _, StateID as LiteralState};
use aho_corasick::dfa::DFA;
use aho_corasick::{Anchored, MatchKind, StartKind};
use regex_automata::nfa::thompson::{NFA, State};
use regex_automata::util::primitives::StateID;
use std::collections::{HashMap, HashSet, VecDeque};

/// Pairs of states looked at; a larger pattern is not judged.
const MAX_PAIRS: usize = 1 << 18;
/// Longest witness shown, in bytes.
const MAX_WITNESS: usize = 48;

/// The literals that no match can contain where the rule looks for them.
pub(crate) fn useless_anchors(rule: &TokenRule) -> Vec<&Anchor> {
    let Ok(nfa) = pattern::automaton(&rule.pattern) else { return Vec::new() };
    let mut from = HashSet::from([nfa.start_anchored()]);
    if rule.before > 0 {
        from = everywhere(&nfa);
    }
    rule.anchors.iter().filter(|anchor| !can_read(&nfa, &from, anchor)).collect()
}

/// Every state that some text leads to.
fn everywhere(nfa: &NFA) -> HashSet<StateID> {
    let mut seen = HashSet::new();
    let mut open = vec![nfa.start_anchored()];
    while let Some(id) = open.pop() {
        if seen.insert(id) {
            open.extend(silent(nfa, id));
            open.extend(loud(nfa, id).into_iter().map(|(_, _, next)| next));
        }
    }
    seen
}

fn can_read(nfa: &NFA, from: &HashSet<StateID>, anchor: &Anchor) -> bool {
    let mut states = closure(nfa, from.iter().copied());
    for byte in anchor.text.bytes() {
        let accepts = |start: u8, end: u8| {
            let either = [byte.to_ascii_lowercase(), byte.to_ascii_uppercase()];
            (start..=end).contains(&byte) || (anchor.ignore_case && either.iter().any(|b| (start..=end).contains(b)))
        };
        let next = states.iter().flat_map(|id| loud(nfa, *id)).filter(|(start, end, _)| accepts(*start, *end));
        states = closure(nfa, next.map(|(_, _, next)| next).collect::<Vec<_>>());
    }
    !states.is_empty()
}

/// A text that the pattern matches though it contains none of the literals (or, for a rule whose matches begin at a literal,
/// begins with none).
pub(crate) fn match_without_anchor(rule: &TokenRule) -> Option<String> {
    let nfa = pattern::automaton(&rule.pattern).ok()?;
    let literals = DFA::builder()
        .match_kind(MatchKind::LeftmostFirst)
        .start_kind(StartKind::Both)
        .ascii_case_insensitive(rule.anchors.iter().any(|a| a.ignore_case))
        .build(rule.anchors.iter().map(|a| &a.text))
        .ok()?;
    let mode = if rule.before > 0 { Anchored::No } else { Anchored::Yes };
    let start = (nfa.start_anchored(), literals.start_state(mode).ok()?);
    let mut before: HashMap<Pair, Option<(Pair, u8)>> = HashMap::from([(start, None)]);
    let mut open = VecDeque::from([start]);
    while let Some(pair) = open.pop_front() {
        let (id, literal) = pair;
        if matches!(nfa.state(id), State::Match { .. }) {
            return Some(witness(&before, pair));
        }
        if before.len() > MAX_PAIRS {
            return None;
        }
        for next in silent(&nfa, id) {
            if let std::collections::hash_map::Entry::Vacant(vacant) = before.entry((next, literal)) {
                vacant.insert(Some((pair, 0)));
                open.push_front((next, literal));
            }
        }
        for (first, last, next) in loud(&nfa, id) {
            for byte in readable_first(first, last) {
                let reached = literals.next_state(mode, literal, byte);
                if literals.is_match(reached) {
                    continue;
                }
                if let std::collections::hash_map::Entry::Vacant(vacant) = before.entry((next, reached)) {
                    vacant.insert(Some((pair, byte)));
                    open.push_back((next, reached));
                }
            }
        }
    }
    None
}

type Pair = (StateID, LiteralState);

/// The text that led to `pair`. Steps without a byte are marked by zero, which no shown text needs.
fn witness(before: &HashMap<Pair, Option<(Pair, u8)>>, mut pair: Pair) -> String {
    let mut bytes = Vec::new();
    while let Some(Some((previous, byte))) = before.get(&pair) {
        bytes.extend((*byte != 0).then_some(*byte));
        pair = *previous;
    }
    bytes.reverse();
    bytes.truncate(MAX_WITNESS);
    bytes.escape_ascii().to_string()
}

/// The bytes of a range, letters and digits first.
fn readable_first(first: u8, last: u8) -> impl Iterator<Item = u8> {
    let (readable, other): (Vec<u8>, Vec<u8>) = (first..=last).partition(u8::is_ascii_alphanumeric);
    readable.into_iter().chain(other)
}

fn closure(nfa: &NFA, from: impl IntoIterator<Item = StateID>) -> HashSet<StateID> {
    let mut seen = HashSet::new();
    let mut open: Vec<StateID> = from.into_iter().collect();
    while let Some(id) = open.pop() {
        if seen.insert(id) {
            open.extend(silent(nfa, id));
        }
    }
    seen
}

/// Where a state leads without reading. Boundaries are taken to hold.
fn silent(nfa: &NFA, id: StateID) -> Vec<StateID> {
    match nfa.state(id) {
        State::Look { next, .. } | State::Capture { next, .. } => vec![*next],
        State::Union { alternates } => alternates.to_vec(),
        State::BinaryUnion { alt1, alt2 } => vec![*alt1, *alt2],
        _ => Vec::new(),
    }
}

/// Where a state leads by reading a byte: first and last byte, and the state.
fn loud(nfa: &NFA, id: StateID) -> Vec<(u8, u8, StateID)> {
    match nfa.state(id) {
        State::ByteRange { trans } => vec![(trans.start, trans.end, trans.next)],
        State::Sparse(sparse) => sparse.transitions.iter().map(|t| (t.start, t.end, t.next)).collect(),
        State::Dense(dense) => (0..=255).filter_map(|b| Some((b, b, dense.matches_byte(b)?))).collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RuleSet;

    fn rule(anchors: &str, pattern: &str, before: usize) -> TokenRule {
        let text = format!(
            "[[rule]]\nid='a'\nname='a'\ndescription='a'\nseverity='low'\npurpose='saas'\nremediation='a'\n\
             anchors={anchors}\npattern='''{pattern}'''\nbefore={before}"
        );
        RuleSet::from_toml("a.toml", &text).unwrap().rules()[0].token().unwrap().clone()
    }

    fn useless(anchors: &str, pattern: &str, before: usize) -> Vec<String> {
        useless_anchors(&rule(anchors, pattern, before)).iter().map(|a| a.text.clone()).collect()
    }

    #[test]
    fn literals_that_no_match_contains_are_seen() {
        assert!(useless("['ghp_', 'gho_']", "gh[po]_[a-z]{4}", 0).is_empty());
        assert_eq!(useless("['ghp_', 'ghs_']", "gh[po]_[a-z]{4}", 0), ["ghs_"]);
        assert_eq!(useless("['hp_']", "gh[po]_[a-z]{4}", 0), ["hp_"]);
        assert!(useless("['hp_']", "gh[po]_[a-z]{4}", 1).is_empty());
        assert_eq!(useless("['HEROKU']", "(?:heroku|h)[a-z]{4}", 0), ["HEROKU"]);
        assert!(useless("[{text='HEROKU',ignore_case=true}]", "heroku[a-z]{4}", 0).is_empty());
        assert!(useless("['abc']", r"\babc\b", 0).is_empty());
    }

    #[test]
    fn matches_without_a_literal_are_seen() {
        let without = |anchors: &str, pattern: &str, before| match_without_anchor(&rule(anchors, pattern, before));
        assert_eq!(without("['ghp_', 'gho_']", "gh[po]_[a-z]{4}", 0), None);
        assert_eq!(without("['ghp_']", "gh[po]_[a-z]{2}", 0).as_deref(), Some("gho_aa"));
        assert_eq!(without("['ghp_', 'abc']", "ghp_[a-z]{2}|abd", 0).as_deref(), Some("abd"));
        assert_eq!(without("[':AA']", "[0-9]{2}:AA[a-z]{2}", 2), None);
        assert_eq!(without("[':AA']", "[0-9]{2}:A[A-C][a-z]{2}", 2).as_deref(), Some("00:ABaa"));
        assert_eq!(without("[{text='heroku',ignore_case=true}]", "(?i)heroku[0-9]{2}", 0), None);
        assert_eq!(without("['heroku']", "(?i)heroku[0-9]", 0).as_deref(), Some("HEROKU0"));
        assert_eq!(without("['abcd']", "abcd?", 0).as_deref(), Some("abc"));
    }
}
