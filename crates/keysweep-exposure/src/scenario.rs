//! The rules' own examples.

use crate::evaluate::evaluate;
use crate::rules::Rules;
use std::fmt;

/// An example that is not judged as the rule says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The rule.
    pub rule: String,
    /// The example.
    pub scenario: String,
    /// What is wrong.
    pub message: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "exposure '{}', scenario '{}': {}", self.rule, self.scenario, self.message)
    }
}

impl Rules {
    /// Judges all examples. Of those with an exposure, each fact must be needed: without it there is none.
    pub fn test(&self) -> Vec<Failure> {
        let mut failures = Vec::new();
        for rule in &self.exposures {
            let mut fail = |scenario: &str, message: &str| {
                failures.push(Failure { rule: rule.id.clone(), scenario: scenario.into(), message: message.into() });
            };
            for exposed in [true, false] {
                if !rule.scenario.iter().any(|scenario| scenario.exposed == exposed) {
                    fail("", if exposed { "no example with an exposure" } else { "no example without an exposure" });
                }
            }
            for scenario in &rule.scenario {
                let facts = scenario.facts();
                let told = |facts: &[_]| evaluate(self, facts, NOW).exposures.iter().any(|e| e.rule == rule.id);
                if told(&facts) != scenario.exposed {
                    fail(&scenario.name, if scenario.exposed { "no exposure" } else { "an exposure" });
                    continue;
                }
                for index in (0..facts.len()).filter(|_| scenario.exposed) {
                    let mut fewer = facts.clone();
                    let without = fewer.remove(index);
                    if told(&fewer) {
                        fail(&scenario.name, &format!("an exposure also without the fact '{}'", without.predicate));
                    }
                }
            }
        }
        failures
    }
}

/// What the time is in examples: 2026-01-01.
const NOW: i64 = 1_767_225_600;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_builtin_rules_judge_their_examples_right() {
        let rules = Rules::builtin();
        let failures: Vec<String> = rules.test().iter().map(ToString::to_string).collect();
        assert!(failures.is_empty(), "{failures:#?}");
        assert!(rules.exposures.len() >= 25, "{}", rules.exposures.len());
        for rule in &rules.exposures {
            for other in &rule.supersedes {
                assert!(rules.get(other).is_some(), "{}: {other}", rule.id);
            }
        }
    }
}
