//! Matching by an Aho-Corasick automaton: linear in the haystack whatever it holds.

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};

use crate::literal::{Encoding, Hit, Literal};

/// One form of one literal: what a pattern of the automaton stands for.
struct Form {
    literal: u32,
    encoding: Encoding,
    /// The exact bytes, when case matters; the automaton itself ignores case as soon as one literal does.
    exact: Option<Vec<u8>>,
}

/// All forms of all literals in one automaton.
pub(crate) struct Automaton {
    automaton: AhoCorasick,
    forms: Vec<Form>,
}

impl Automaton {
    /// `None` if the automaton would be too large for its index type.
    pub(crate) fn new(literals: &[Literal]) -> Option<Self> {
        let fold = literals.iter().any(|literal| literal.ignore_case);
        let mut patterns = Vec::new();
        let mut forms = Vec::new();
        for (id, literal) in (0u32..).zip(literals) {
            let encodings: &[Encoding] = if literal.wide {
                &[Encoding::Bytes, Encoding::Utf16Le, Encoding::Utf16Be]
            } else {
                &[Encoding::Bytes]
            };
            for &encoding in encodings {
                let pattern = encode(&literal.bytes, encoding);
                forms.push(Form {
                    literal: id,
                    encoding,
                    exact: (fold && !literal.ignore_case).then(|| pattern.clone()),
                });
                patterns.push(pattern);
            }
        }
        let automaton = AhoCorasick::builder()
            .match_kind(MatchKind::Standard)
            .kind(Some(AhoCorasickKind::ContiguousNFA))
            .ascii_case_insensitive(fold)
            .build(&patterns)
            .ok()?;
        Some(Self { automaton, forms })
    }

    /// Adds every occurrence in `haystack` to `hits`, in no particular order.
    pub(crate) fn find(&self, haystack: &[u8], hits: &mut Vec<Hit>) {
        for found in self.automaton.find_overlapping_iter(haystack) {
            let form = &self.forms[found.pattern().as_usize()];
            if let Some(exact) = &form.exact {
                if haystack[found.range()] != exact[..] {
                    continue;
                }
            }
            hits.push(Hit {
                literal: form.literal,
                start: found.start(),
                end: found.end(),
                encoding: form.encoding,
            });
        }
    }
}

fn encode(bytes: &[u8], encoding: Encoding) -> Vec<u8> {
    match encoding {
        Encoding::Bytes => bytes.to_vec(),
        Encoding::Utf16Le => bytes.iter().flat_map(|&byte| [byte, 0]).collect(),
        Encoding::Utf16Be => bytes.iter().flat_map(|&byte| [0, byte]).collect(),
    }
}
