//! All rules as one search: literals to look for, and what each of them wakes.

use crate::{numbers, written};
use keysweep_archive::INLINE_MAP;
use keysweep_keys::{Decoder, decoders};
use keysweep_match::{Encoding, Literal, Matcher};
use keysweep_rules::{Anchor, CompiledToken, Detector as RuleDetector, FileRules, NamedFiles, PathRules, RuleSet};
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
    of_forms.chain([(numbers::DECODER, memory), (written::DECODER, written::rules())]).collect()
}

/// What an occurrence of a literal wakes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Target {
    /// The token rule with this index in [`Detector::tokens`].
    Token(usize),
    /// The same, by a literal that is not ASCII, in UTF-16.
    Wide { token: usize, encoding: Encoding },
    /// The decoder with this index in [`Detector::decoders`], by its anchor with this index.
    Decoder { decoder: usize, anchor: usize },
    /// The note that a source map may lie there.
    InlineMap,
}

/// The compiled search.
pub(crate) struct Detector {
    pub(crate) matcher: Matcher,
    targets: Vec<Target>,
    /// Where the targets of each literal begin, and one more for the end of the last.
    starts: Vec<u32>,
    /// Compiled token rules, with the index of each one's rule.
    pub(crate) tokens: Vec<(usize, CompiledToken)>,
    pub(crate) decoders: Vec<&'static dyn Decoder>,
    /// Rule id to index, for what decoders report.
    key_rules: HashMap<String, usize>,
    /// Whether a rule asks for keys as numbers.
    pub(crate) numbers: bool,
    /// Whether a rule asks for numbers that are written out in texts.
    pub(crate) written: bool,
    /// Rules for the names of files in packages.
    pub(crate) files: FileRules,
    /// Token rules that do not hold in all files.
    pub(crate) paths: PathRules,
    /// Token rules for files by their names, by their indices in [`Detector::tokens`].
    pub(crate) named: NamedFiles,
}

impl Detector {
    pub(crate) fn new(rules: &RuleSet) -> Result<Self, SetupError> {
        let mut literals = Vec::with_capacity(4 * rules.rules().len());
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
                        literals.push((literal, Target::Token(tokens.len())));
                        literals.extend(wide(anchor, tokens.len()));
                    }
                    tokens.push((index, CompiledToken::new(rule)));
                }
                RuleDetector::Decoder(name) => {
                    let ours = [numbers::DECODER, written::DECODER];
                    if !ours.contains(&name.as_str()) && !decoders::all().iter().any(|d| d.name() == name) {
                        return Err(SetupError::UnknownDecoder { rule: rule.id.clone(), decoder: name.clone() });
                    }
                    wanted.push(name);
                    key_rules.insert(rule.id.clone(), index);
                }
                RuleDetector::File(_) => {}
            }
        }
        let numbers = wanted.contains(&numbers::DECODER);
        let written = wanted.contains(&written::DECODER);
        let active: Vec<_> =
            decoders::all().iter().copied().filter(|d| wanted.contains(&d.name()) || d.rules().is_empty()).collect();
        for (decoder, d) in active.iter().enumerate() {
            for (anchor, a) in d.anchors().iter().enumerate() {
                let literal = Literal { bytes: a.bytes.to_vec(), ignore_case: a.ignore_case, wide: a.wide };
                literals.push((literal, Target::Decoder { decoder, anchor }));
            }
        }
        let map = Literal { bytes: INLINE_MAP.to_vec(), ignore_case: false, wide: false };
        literals.push((map, Target::InlineMap));
        let Literals { list, targets, starts } = Literals::new(literals);
        let matcher = Matcher::new(&list)?;
        let files = FileRules::new(rules.rules().iter().enumerate());
        let paths = PathRules::new(rules.rules().iter().enumerate());
        let named = NamedFiles::new(tokens.iter().enumerate().map(|(token, (rule, _))| (token, &rules.rules()[*rule])));
        let decoders = active;
        Ok(Self { matcher, targets, starts, tokens, decoders, key_rules, numbers, written, files, paths, named })
    }

    /// What the literal with this index wakes.
    pub(crate) fn targets(&self, literal: u32) -> &[Target] {
        let start = |index: usize| self.starts.get(index).map(|start| *start as usize);
        let literal = literal as usize;
        start(literal).zip(start(literal + 1)).map_or(&[], |(from, to)| &self.targets[from..to])
    }

    /// The index of the rule with this id, if it is among the chosen ones.
    pub(crate) fn key_rule(&self, id: &str) -> Option<usize> {
        self.key_rules.get(id).copied()
    }
}

/// The forms in UTF-16 of a literal that is not ASCII. (Those of others the matcher makes by itself.)
fn wide(anchor: &Anchor, token: usize) -> Vec<(Literal, Target)> {
    if anchor.text.is_ascii() {
        return Vec::new();
    }
    let form = |encoding| {
        let to = if encoding == Encoding::Utf16Be { u16::to_be_bytes } else { u16::to_le_bytes };
        let bytes = anchor.text.encode_utf16().flat_map(to).collect();
        (Literal { bytes, ignore_case: false, wide: false }, Target::Wide { token, encoding })
    };
    [Encoding::Utf16Le, Encoding::Utf16Be].map(form).into()
}

/// Literals without repetition, in the order in which they were first added, and what each wakes.
struct Literals {
    list: Vec<Literal>,
    /// What all wake, those of one literal after each other.
    targets: Vec<Target>,
    /// Where those of each literal begin, and one more for the end of the last.
    starts: Vec<u32>,
}

impl Literals {
    /// Sorts out repetitions. (By sorting, which for thousands of short keys takes a fraction of what a map does.)
    fn new(all: Vec<(Literal, Target)>) -> Self {
        let key = |index: &u32| {
            let Literal { bytes, ignore_case, wide } = &all[*index as usize].0;
            (bytes, *ignore_case, *wide)
        };
        // Mostly by the first eight bytes, which lie in the list itself.
        let mut sorted: Vec<(u64, u32)> = all.iter().map(|(literal, _)| start(&literal.bytes)).zip(0..).collect();
        sorted.sort_unstable_by(|(a, i), (b, j)| a.cmp(b).then_with(|| key(i).cmp(&key(j))).then(i.cmp(j)));
        let order: Vec<u32> = sorted.into_iter().map(|(_, index)| index).collect();
        let mut groups: Vec<&[u32]> = order.chunk_by(|a, b| key(a) == key(b)).collect();
        groups.sort_unstable_by_key(|group| group[0]);
        let (mut targets, mut starts) = (Vec::with_capacity(all.len()), Vec::with_capacity(groups.len() + 1));
        let mut firsts = Vec::with_capacity(groups.len());
        for group in groups {
            let start = targets.len();
            starts.push(start as u32);
            firsts.push(group[0] as usize);
            for index in group {
                let target = all[*index as usize].1;
                if !targets[start..].contains(&target) {
                    targets.push(target);
                }
            }
        }
        starts.push(targets.len() as u32);
        let mut firsts = firsts.into_iter().peekable();
        let all = all.into_iter().enumerate();
        let list = all.filter_map(|(index, (literal, _))| firsts.next_if_eq(&index).map(|_| literal)).collect();
        Self { list, targets, starts }
    }
}

/// The first eight bytes as a number, which is smaller if they sort before others.
fn start(bytes: &[u8]) -> u64 {
    let mut start = [0; 8];
    let length = bytes.len().min(start.len());
    start[..length].copy_from_slice(&bytes[..length]);
    u64::from_be_bytes(start)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeated_literals_wake_all_that_asked_for_them() {
        let tokens = |texts: &[&str]| -> Vec<_> {
            texts.iter().zip(0..).map(|(text, token)| (Literal::new(*text), Target::Token(token))).collect()
        };
        let mut all = tokens(&["zz", "key", "ab", "key", "zz"]);
        all.push((Literal::new("key").ignore_case(), Target::InlineMap));
        all.push((Literal::new("key"), Target::Token(1)));
        let Literals { list, targets, starts } = Literals::new(all);
        let named = ["zz", "key", "ab"].map(Literal::new);
        assert_eq!(list, [&named[..], &[Literal::new("key").ignore_case()]].concat());
        assert_eq!(starts, [0, 2, 4, 5, 6]);
        let token = Target::Token;
        assert_eq!(targets, [token(0), token(4), token(1), token(3), token(2), Target::InlineMap]);
        let Literals { list, targets, starts } = Literals::new(Vec::new());
        assert!(list.is_empty() && targets.is_empty() && starts == [0]);
    }
}
