//! The built-in rules keep what the language promises.

use keysweep_rules::{Detector, RuleSet, lint, selftest};

#[test]
fn the_built_in_rules_are_well_made() {
    let rules = RuleSet::builtin();
    assert!(!rules.rules().is_empty());
    // Which decoders exist is known to the crate of the decoders; `keysweep rules check` looks at them too.
    let tokens = rules.rules().iter().filter(|r| matches!(r.detector, Detector::Token(_))).map(|r| r.id.as_str());
    let tokens: std::collections::HashSet<&str> = tokens.collect();
    let problems: Vec<String> = lint::lint(&rules, &[])
        .iter()
        .filter(|p| tokens.contains(p.rule.as_str()) || !p.message.starts_with("unknown decoder"))
        .map(ToString::to_string)
        .collect();
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn the_built_in_rules_pass_their_own_examples() {
    let failures: Vec<String> =
        RuleSet::builtin().rules().iter().flat_map(selftest::test).map(|f| f.to_string()).collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn no_two_rules_claim_the_same_example() {
    let conflicts: Vec<String> = selftest::conflicts(&RuleSet::builtin()).iter().map(ToString::to_string).collect();
    assert!(conflicts.is_empty(), "{}", conflicts.join("\n"));
}
