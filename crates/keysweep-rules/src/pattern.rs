//! Regular expressions over bytes, bounded in size.

use regex_automata::hybrid::dfa::{self, DFA};
use regex_automata::meta::{BuildError, Config, Regex};
use regex_automata::nfa::thompson::{self, NFA};
use regex_automata::util::syntax;

/// Deepest nesting of a pattern.
const NEST_LIMIT: u32 = 64;
/// Largest automaton of a pattern, in bytes of memory.
const NFA_SIZE_LIMIT: usize = 4 << 20;
/// Memory of the lazily built automaton of a pattern and thread, in bytes.
const CACHE: usize = 4 << 20;

/// A pattern is no regular expression, or too large a one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct PatternError(String);

fn syntax_config() -> syntax::Config {
    syntax::Config::new().unicode(false).utf8(false).nest_limit(NEST_LIMIT)
}

/// Regular expressions in the syntax of rules, for other texts than those that are scanned.
#[derive(Debug, Clone, Default)]
pub struct Pattern(Vec<Regex>);

impl Pattern {
    /// Matches what one of the expressions matches.
    ///
    /// # Errors
    ///
    /// One of them is none, or too large.
    pub fn any_of(patterns: &[String]) -> Result<Self, PatternError> {
        patterns.iter().map(|pattern| compile(pattern)).collect::<Result<_, _>>().map(Self)
    }

    /// Whether one of them matches somewhere.
    pub fn is_match(&self, text: &[u8]) -> bool {
        self.0.iter().any(|regex| regex.is_match(text))
    }
}

/// What a compiled pattern is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Engine {
    /// Searches.
    Search,
    /// Telling where the groups of a known match are: without an automaton for searches, which would take memory.
    Captures,
}

/// Compiles a pattern for searches. They take time linear in the text.
pub(crate) fn compile(pattern: &str) -> Result<Regex, PatternError> {
    compile_for(pattern, Engine::Search)
}

pub(crate) fn compile_for(pattern: &str, engine: Engine) -> Result<Regex, PatternError> {
    let config = Config::new()
        .utf8_empty(false)
        .nfa_size_limit(Some(NFA_SIZE_LIMIT))
        .hybrid(engine == Engine::Search)
        .hybrid_cache_capacity(CACHE);
    Regex::builder().configure(config).syntax(syntax_config()).build(pattern).map_err(|e| PatternError(message(&e)))
}

fn message(error: &BuildError) -> String {
    match (error.syntax_error(), error.size_limit()) {
        // The message of the parser, without the drawing of the pattern around it.
        (Some(syntax), _) => {
            syntax.to_string().lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned()
        }
        (None, Some(_)) => "the pattern is too large: use fewer or smaller counted repetitions".to_owned(),
        (None, None) => error.to_string(),
    }
}

/// The automaton of a pattern.
pub(crate) fn automaton(pattern: &str) -> Result<NFA, PatternError> {
    let config = thompson::Config::new().utf8(false).nfa_size_limit(Some(NFA_SIZE_LIMIT));
    let built = thompson::Compiler::new().syntax(syntax_config()).configure(config).build(pattern);
    built.map_err(|e| PatternError(e.to_string()))
}

/// The automaton of a pattern that is determinised as it is used.
pub(crate) fn lazy_automaton(pattern: &str) -> Result<DFA, PatternError> {
    let config = dfa::Config::new().cache_capacity(CACHE).skip_cache_capacity_check(true);
    let built = DFA::builder().configure(config).build_from_nfa(automaton(pattern)?);
    built.map_err(|e| PatternError(e.to_string()))
}

/// Shortest and longest match in bytes; the longest is `None` if there is no bound.
pub(crate) fn lengths(pattern: &str) -> (usize, Option<usize>) {
    match syntax::parse_with(pattern, &syntax_config()) {
        Ok(hir) => (hir.properties().minimum_len().unwrap_or(0), hir.properties().maximum_len()),
        Err(_) => (0, None),
    }
}

/// The structure of a pattern, if it is one.
pub(crate) fn parsed(pattern: &str) -> Option<regex_syntax::hir::Hir> {
    syntax::parse_with(pattern, &syntax_config()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_of_bytes_and_bounded() {
        let regex = compile(r"a\xff(?P<secret>\d{2})").unwrap();
        assert!(regex.is_match(b"xa\xff12"));
        assert!(!regex.is_match("a\u{ff}12"));
        assert_eq!(lengths(r"a\xff(?P<secret>\d{2,3})"), (4, Some(5)));
        assert_eq!(lengths("ab*"), (1, None));
        for (bad, said) in [
            ("(?:(?:[a-z]{1000}){1000}){1000}", "too large"),
            (&"(".repeat(100), "unclosed"),
            (&format!("{}a{}", "(".repeat(100), ")".repeat(100)), "nest"),
            ("a(?=b)", "look-around"),
            ("[b-a]", "range"),
        ] {
            let message = compile(bad).unwrap_err().to_string();
            assert!(message.contains(said) && !message.contains('\n'), "{message}");
        }
    }
}
