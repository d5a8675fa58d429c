//! The matcher: what users of the crate hold.

use crate::automaton::Automaton;
use crate::{BuildError, Hit, Isa, Literal};

/// Finds all occurrences of a set of literals in one pass over the bytes.
pub struct Matcher {
    automaton: Option<Automaton>,
    isa: Isa,
    max_len: usize,
}

impl Matcher {
    /// Prepares the search with the best instruction set of this CPU.
    ///
    /// # Errors
    ///
    /// A literal is too short, too long, or is to match in UTF-16 without being ASCII.
    pub fn new(literals: &[Literal]) -> Result<Matcher, BuildError> {
        Self::with_isa(literals, Isa::detect())
    }

    /// Prepares the search with a given instruction set. Every instruction set finds the same.
    ///
    /// # Errors
    ///
    /// As [`Matcher::new`], or this CPU lacks the instruction set.
    pub fn with_isa(literals: &[Literal], isa: Isa) -> Result<Matcher, BuildError> {
        if !isa.is_available() {
            return Err(BuildError::IsaUnavailable(isa));
        }
        for (index, literal) in literals.iter().enumerate() {
            literal.check(index)?;
        }
        let too_many = || BuildError::TooMany {
            count: literals.len(),
        };
        u32::try_from(literals.len()).map_err(|_| too_many())?;
        let automaton = if literals.is_empty() {
            None
        } else {
            Some(Automaton::new(literals).ok_or_else(too_many)?)
        };
        Ok(Matcher {
            automaton,
            isa,
            max_len: literals.iter().map(Literal::max_len).max().unwrap_or(0),
        })
    }

    /// Reports every occurrence of every literal in every encoding asked for, overlapping ones and ones inside each
    /// other included, in ascending order of `start`, then literal, then encoding.
    pub fn find(&self, haystack: &[u8], on_hit: &mut dyn FnMut(Hit)) {
        let mut hits = Vec::new();
        if let Some(automaton) = &self.automaton {
            automaton.find(haystack, &mut hits);
        }
        hits.sort_unstable_by_key(Hit::order);
        hits.into_iter().for_each(on_hit);
    }

    /// Length in bytes of the longest form of any literal (UTF-16 forms count twice). A haystack given in chunks is
    /// searched without loss if each chunk repeats the last `max_len() - 1` bytes of the one before.
    pub fn max_len(&self) -> usize {
        self.max_len
    }

    /// The instruction set in use.
    pub fn isa(&self) -> Isa {
        self.isa
    }
}
