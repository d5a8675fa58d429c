//! Numbers amid machine code and tables, of which some words look random, too: what is random about a run is not all of it.

use super::candidates::MIN_PRIME_BITS;
use super::source::{End, Source};
use crate::noise::random_parts;
use crate::order::{Order, PYTHON, TOM_MATH_32};
use crate::search::Context;
use crate::stretch::in_order;
use crate::survey::Run;

/// Runs, by their words, that may be a number amid code.
const WORDS: std::ops::RangeInclusive<u64> = 6..=512;
/// How much more a part of such a run is like random bytes than like code, in sixteenths of bits.
const SURPLUS: i64 = 240;
/// How far from where such a part seems to begin or end the number may, in bytes.
const BLUR: usize = 16;
/// Runs that are looked at together.
const BATCH: usize = 256;
/// Batches after which it is seen whether there are enough.
const ROUND: usize = 16;

/// Where inside of runs numbers may have their least significant limb: the first `most` such places or somewhat more.
pub(super) fn ends(context: &Context<'_>, most: usize) -> Vec<End> {
    let runs: Vec<&Run> = context.survey.runs.iter().filter(|run| WORDS.contains(&run.words)).collect();
    let mut all: Vec<End> = Vec::new();
    for round in runs.chunks(ROUND * BATCH) {
        if all.len() >= most {
            break;
        }
        let batches: Vec<&[&Run]> = round.chunks(BATCH).collect();
        let parts = in_order(batches.len(), context.jobs, |index| {
            let mut source = Source::new(context.memory);
            Some(batches[index].iter().flat_map(|run| places(run, &mut source)).collect::<Vec<End>>())
        });
        all.extend(parts.into_iter().flat_map(|(_, ends)| ends));
    }
    all
}

/// As [`ends`], in one run.
fn places(run: &Run, source: &mut Source<'_>) -> Vec<End> {
    let before = 8.min(run.offset as usize);
    let first = run.offset - before as u64;
    let parts = random_parts(source.available(first, before + 8 * run.words as usize + 8), SURPLUS);
    let mut places = Vec::new();
    let mut put = |at: u64, order| places.push(End { at, order });
    for part in parts.into_iter().filter(|part| part.len() + BLUR >= MIN_PRIME_BITS as usize / 8) {
        let around = |at: usize| (at.saturating_sub(BLUR)..=at + BLUR).map(|at| first + at as u64);
        let words = |at: usize| around(at).filter(|at| at.is_multiple_of(4));
        // What is beside the ends of the run is tried anyway.
        around(part.end).filter(|at| at.abs_diff(run.end()) >= 8).for_each(|at| put(at, Order::Big));
        words(part.end).filter(|at| at.abs_diff(run.end()) > 4).for_each(|at| put(at, Order::BigWords32));
        for at in words(part.start).filter(|at| at.abs_diff(run.offset) > 4) {
            [Order::Little, PYTHON, TOM_MATH_32].into_iter().for_each(|order| put(at, order));
        }
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::Flat;
    use crate::rsa::candidates::Candidates;
    use crate::search::Effort;

    #[test]
    fn primes_amid_code_have_ends() {
        for (order, align, least) in [(Order::Big, 1, 160), (Order::Little, 4, 160), (Order::BigWords32, 4, 160)] {
            let (bytes, places) = crate::noise::amid_code(128, 200, align);
            let memory = Flat::new(&bytes);
            let survey = crate::survey::survey(&memory, 1);
            let context = Context { memory: &memory, survey: &survey, public: &[], jobs: 1, effort: Effort::Full };
            let ends = Candidates::collect(&context).ends;
            let all: Vec<End> = (0..ends.lows.len()).map(|index| ends.end(index)).collect();
            let end = |at: usize| End { at: (if order == Order::Little { at } else { at + 128 }) as u64, order };
            let found = places.iter().filter(|at| all.contains(&end(**at))).count();
            assert!(found >= least, "{order:?}: {found} of 200");
        }
    }
}
