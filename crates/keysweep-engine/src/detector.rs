//! All rules as one search: literals to look for, and what each of them wakes.

use crate::numbers;
use keysweep_archive::INLINE_MAP;
use keysweep_keys::{Decoder, decoders};
use keysweep_match::{Literal, Matcher};
use keysweep_rules::{CompiledToken, Detector as RuleDetector, FileRules, PathRules, RuleSet};
use std::collections::HashMap;

/// The rules cannot be made into a search.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// A rule names a decoder that does not exist.
    #[error("rule '{rule}' names the unknown decoder '{decoder}'")]
    UnknownDecoder {
        /// Id of the rule.
        rule: String,
        /// The name it gives.
        decoder: String,
    },
    /// A rule's literal cannot be searched for.
    #[error("the literals of the rules cannot be searched for: {0}")]
    Literals(#[from] keysweep_match::BuildError),
    /// A glob of the selection is wrong.
    #[error(transparent)]
    Glob(#[from] crate::GlobError),
}

/// The decoders that rules may name, each with the ids of the rules it reports under.
pub fn decoder_rules() -> Vec<(&'static str, Vec<&'static str>)> {
    let memory = keysweep_memory::search::all().iter().flat_map(|finder| finder.rules()).copied().collect();
    let of_forms = decoders::all().iter().map(|decoder| (decoder.name(), decoder.rules().to_vec()));
    of_forms.chain([(numbers::DECODER, memory)]).collect()
}

/// What an occurrence of a literal wakes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Target {
    /// The token rule with this index in [`Detector::tokens`].
    Token(usize),
    /// The decoder with this index in [`Detector::decoders`], by its anchor with this index.
    Decoder { decoder: usize, anchor: usize },
    /// The note that a source map may lie there.
    InlineMap,
}

/// The compiled search.
pub(crate) struct Detector {
    pub(crate) matcher: Matcher,
    targets: Vec<Vec<Target>>,
    /// Compiled token rules, with the index of each one's rule.
    pub(crate) tokens: Vec<(usize, CompiledToken)>,
    pub(crate) decoders: Vec<&'static dyn Decoder>,
    /// Rule id to index, for what decoders report.
    key_rules: HashMap<String, usize>,
    /// Whether a rule asks for keys as numbers.
    pub(crate) numbers: bool,
    /// Rules for the names of files in packages.
    pub(crate) files: FileRules,
    /// Token rules that do not hold in all files.
    pub(crate) paths: PathRules,
}

impl Detector {
    pub(crate) fn new(rules: &RuleSet) -> Result<Self, SetupError> {
        let mut literals = Literals::default();
        let mut tokens = Vec::with_capacity(rules.rules().len());
        let mut key_rules = HashMap::new();
        let mut wanted: Vec<&str> = Vec::new();
        for (index, rule) in rules.rules().iter().enumerate() {
            match &rule.detector {
                RuleDetector::Token(token) => {
                    for anchor in &token.anchors {
                        let literal = Literal {
                            bytes: anchor.text.clone().into_bytes(),
                            ignore_case: anchor.ignore_case,
                            wide: anchor.text.is_ascii(),
                        };
                        literals.add(literal, Target::Token(tokens.len()));
                    }
                    tokens.push((index, CompiledToken::new(rule)));
                }
                RuleDetector::Decoder(name) => {
                    if name != numbers::DECODER && !decoders::all().iter().any(|d| d.name() == name) {
                        return Err(SetupError::UnknownDecoder { rule: rule.id.clone(), decoder: name.clone() });
                    }
                    wanted.push(name);
                    key_rules.insert(rule.id.clone(), index);
                }
                RuleDetector::File(_) => {}
            }
        }
        let numbers = wanted.contains(&numbers::DECODER);
        let active: Vec<_> =
            decoders::all().iter().copied().filter(|d| wanted.contains(&d.name()) || d.rules().is_empty()).collect();
        for (decoder, d) in active.iter().enumerate() {
            for (anchor, a) in d.anchors().iter().enumerate() {
                let literal = Literal { bytes: a.bytes.to_vec(), ignore_case: a.ignore_case, wide: a.wide };
                literals.add(literal, Target::Decoder { decoder, anchor });
            }
        }
        let map = Literal { bytes: INLINE_MAP.to_vec(), ignore_case: false, wide: false };
        literals.add(map, Target::InlineMap);
        let matcher = Matcher::new(&literals.list)?;
        let files = FileRules::new(rules.rules().iter().enumerate());
        let paths = PathRules::new(rules.rules().iter().enumerate());
        Ok(Self { matcher, targets: literals.targets, tokens, decoders: active, key_rules, numbers, files, paths })
    }

    /// What the literal with this index wakes.
    pub(crate) fn targets(&self, literal: u32) -> &[Target] {
        self.targets.get(literal as usize).map_or(&[], Vec::as_slice)
    }

    /// The index of the rule with this id, if it is among the chosen ones.
    pub(crate) fn key_rule(&self, id: &str) -> Option<usize> {
        self.key_rules.get(id).copied()
    }
}

/// Literals without repetition, each with all it wakes.
#[derive(Default)]
struct Literals {
    list: Vec<Literal>,
    targets: Vec<Vec<Target>>,
    index: HashMap<Literal, usize>,
}

impl Literals {
    fn add(&mut self, literal: Literal, target: Target) {
        let next = self.list.len();
        let index = *self.index.entry(literal.clone()).or_insert(next);
        if index == next {
            self.list.push(literal);
            self.targets.push(Vec::new());
        }
        if !self.targets[index].contains(&target) {
            self.targets[index].push(target);
        }
    }
}
