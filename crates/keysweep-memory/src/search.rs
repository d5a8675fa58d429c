//! The search: every kind of key, over one survey of the dump.

use crate::decoded::WithDecoded;
use crate::elliptic::Elliptic;
use crate::found::Found;
use crate::mac::MacSecret;
use crate::memory::Memory;
use crate::rsa::Rsa;
use crate::schedule::AesSchedule;
use crate::session::Sessions;
use crate::shielded::Shielded;
use crate::stretch::in_order;
use crate::structure::View;
use crate::survey::{Looks, Number, Survey, survey};
use keysweep_keys::{Algorithm, PublicKey};

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
    /// What the search may cost.
    pub effort: Effort,
}

/// What a search may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effort {
    /// What a dump deserves: a fixed amount, and more for each gigabyte.
    Full,
    /// For what is probably no memory: an amount for each byte, which is much less for small files.
    Quick,
    /// For numbers that are written out in a text and nothing else, as little: each is whole or not there.
    Written {
        /// Looks for no other keys than those of RSA.
        only_rsa: bool,
    },
    /// Only the private halves of given keys are looked for, and all windows of the dump that agree with one of them are
    /// numbers of the survey already.
    Given,
}

impl Effort {
    /// Numbers that are written as text that are tried, in a dump of so many bytes. Other files may be full of hashes.
    fn most_texts(self, bytes: u64) -> usize {
        match self {
            Effort::Full | Effort::Given => 1 << 15,
            Effort::Quick => (1 << 15).min(256 + bytes / 4096) as usize,
            Effort::Written { .. } => 1 << 12,
        }
    }
}

impl Context<'_> {
    /// Bytes of the dump.
    pub(crate) fn bytes(&self) -> u64 {
        self.memory.size()
    }

    /// The fixed part of an allowance: `full`, or one for each `bytes` bytes if that is less.
    pub(crate) fn allowance(&self, full: u64, bytes: u64) -> u64 {
        match self.effort {
            Effort::Full | Effort::Given => full,
            Effort::Quick | Effort::Written { .. } => full.min(self.bytes() / bytes),
        }
    }
}

/// What a search found.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Proven keys.
    pub found: Vec<Found>,
    /// Why not everything was looked at, as phrases for a report: `more JWTs than are tried`.
    pub limits: Vec<&'static str>,
}

/// Finds one kind of key.
pub trait Finder: Sync {
    /// Ids of the rules it may report under ([`Found::rule`]).
    fn rules(&self) -> &'static [&'static str];
    /// Whether it may find private keys of that algorithm.
    fn may_find(&self, algorithm: &Algorithm) -> bool;
    /// Looks at a chunk while the survey reads it, and notes file offsets that [`Finder::find`] is given again. Must cost
    /// next to nothing on ordinary memory.
    fn spot(&self, _view: &View<'_>, _looks: &Looks, _spots: &mut Vec<u64>) {}
    /// Searches; reports only what is proven. `spots` is what [`Finder::spot`] noted, sorted.
    fn find(&self, context: &Context<'_>, spots: &[u64], outcome: &mut Outcome);
}

/// Every finder. A new one is a new file and a line here.
pub fn all() -> &'static [&'static dyn Finder] {
    &[&AesSchedule, &Elliptic, &MacSecret, &Rsa, &Sessions, &Shielded]
}

/// Runs in a dump up to which finders work side by side.
const MAX_ABREAST: usize = 1 << 16;

/// Searches `memory` for keys of every kind, with `public` keys known beforehand, on `jobs` threads.
pub fn search(memory: &dyn Memory, public: &[PublicKey], jobs: usize, effort: Effort) -> Outcome {
    search_with(memory, public, jobs, effort, &|_| Vec::new())
}

/// As [`search`], with places of numbers that are `known` by another search: of the dump, and of what its texts say.
pub(crate) fn search_with(
    memory: &dyn Memory,
    public: &[PublicKey],
    jobs: usize,
    effort: Effort,
    known: &dyn Fn(&dyn Memory) -> Vec<Number>,
) -> Outcome {
    search_survey(memory, survey(memory, jobs), public, jobs, effort, known)
}

/// The same, with a survey that was made.
pub(crate) fn search_survey(
    memory: &dyn Memory,
    mut survey: Survey,
    public: &[PublicKey],
    jobs: usize,
    effort: Effort,
    known: &dyn Fn(&dyn Memory) -> Vec<Number>,
) -> Outcome {
    survey.numbers.extend(known(memory));
    let whole = WithDecoded::new(memory, &survey.texts, effort.most_texts(memory.size()));
    whole.add_to(&mut survey);
    survey.numbers.extend(whole.decoded().map(known).unwrap_or_default());
    survey.numbers.sort_unstable();
    survey.numbers.dedup();
    let mut outcome = Outcome::default();
    if survey.overflow {
        outcome.limits.push("more places that may hold a key as numbers than are kept");
    }
    if matches!(effort, Effort::Full | Effort::Given) && (survey.more_texts || whole.is_cut()) {
        outcome.limits.push("more numbers that are written as text than are tried");
    }
    let context = Context { memory: &whole, survey: &survey, public, jobs, effort };
    let wanted = |finder: &dyn Finder| match effort {
        Effort::Given => public.iter().any(|key| finder.may_find(&key.algorithm)),
        Effort::Written { only_rsa: true } => finder.may_find(&Algorithm::Rsa),
        Effort::Written { only_rsa: false } | Effort::Full | Effort::Quick => true,
    };
    let finders: Vec<_> = all().iter().zip(&survey.spots).filter(|(finder, _)| wanted(**finder)).collect();
    // Side by side, since each has parts that one thread does. What they keep adds up, so that in large dumps they take turns.
    let abreast = if survey.runs.len() <= MAX_ABREAST { jobs } else { 1 };
    let outcomes = in_order(finders.len(), abreast, |index| {
        let (mut outcome, (finder, spots)) = (Outcome::default(), finders[index]);
        finder.find(&context, spots, &mut outcome);
        Some(outcome)
    });
    for (_, found) in outcomes {
        outcome.found.extend(found.found);
        outcome.limits.extend(found.limits);
    }
    outcome.found.iter_mut().for_each(|found| whole.replace(&mut found.places));
    outcome
}
