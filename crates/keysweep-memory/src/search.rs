//! The search: every kind of key, over one survey of the dump.

use crate::found::Found;
use crate::memory::Memory;
use crate::survey::{Survey, survey};
use keysweep_keys::PublicKey;

/// What a finder works on.
pub struct Context<'a> {
    /// The dump.
    pub memory: &'a dyn Memory,
    /// Where numbers may lie.
    pub survey: &'a Survey,
    /// Public keys that are known: from certificates and public keys in the same sweep, or given by the user.
    pub public: &'a [PublicKey],
    /// Threads to use.
    pub jobs: usize,
}

/// What a search found.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Proven keys.
    pub found: Vec<Found>,
    /// Why not everything was looked at, as phrases for a report: `more random runs than are kept`.
    pub limits: Vec<&'static str>,
}

/// Finds one kind of key.
pub trait Finder: Sync {
    /// Ids of the rules it may report under ([`Found::rule`]).
    fn rules(&self) -> &'static [&'static str];
    /// Searches; reports only what is proven.
    fn find(&self, context: &Context<'_>, outcome: &mut Outcome);
}

/// Every finder. A new one is a new file and a line here.
pub fn all() -> &'static [&'static dyn Finder] {
    &[]
}

/// Searches `memory` for keys of every kind, with `public` keys known beforehand, on `jobs` threads.
pub fn search(memory: &dyn Memory, public: &[PublicKey], jobs: usize) -> Outcome {
    let survey = survey(memory, jobs);
    let mut outcome = Outcome::default();
    if survey.overflow {
        outcome.limits.push("more random runs than are kept");
    }
    let context = Context { memory, survey: &survey, public, jobs };
    for finder in all() {
        finder.find(&context, &mut outcome);
    }
    outcome
}
