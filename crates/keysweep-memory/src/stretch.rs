//! Reading the random-looking parts of a dump again, once the survey knows where they are.

use crate::memory::Memory;
use crate::survey::Run;
use keysweep_keys::secret::Buffer;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::ScopedJoinHandle;

/// Bytes at either end of a long run that are looked at: what lies further inside is part of something large and random,
/// such as compressed data.
pub(crate) const EDGE: u64 = 8 << 10;
/// Bytes that are read at a time: short runs near each other together.
const BLOCK: u64 = 256 << 10;
/// Bytes seen before and after a stretch.
pub(crate) const MARGIN: u64 = 160;

/// A run, or an end of a long one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stretch {
    /// Offset in the file of the first word.
    pub(crate) from: u64,
    /// The offset after the last one.
    pub(crate) to: u64,
    /// Whether the run begins here.
    pub(crate) begins: bool,
    /// Whether the run ends here.
    pub(crate) ends: bool,
}

/// What is looked at of runs that are sorted by offset.
pub(crate) fn stretches(runs: &[Run]) -> Vec<Stretch> {
    let mut all = Vec::with_capacity(runs.len());
    for run in runs {
        let (from, to) = (run.offset, run.end());
        if to - from <= 2 * EDGE {
            all.push(Stretch { from, to, begins: true, ends: true });
        } else {
            all.push(Stretch { from, to: from + EDGE, begins: true, ends: false });
            all.push(Stretch { from: to - EDGE, to, begins: false, ends: true });
        }
    }
    all
}

/// A stretch with some of the bytes around it.
pub(crate) struct Piece<'a> {
    /// The bytes from [`Piece::offset`] on: the stretch, and up to [`MARGIN`] before and after it, or more.
    pub(crate) bytes: &'a [u8],
    /// Offset in the file of `bytes[0]`.
    pub(crate) offset: u64,
    /// Where in `bytes` the stretch lies.
    pub(crate) from: usize,
    /// Where it ends.
    pub(crate) to: usize,
    /// The stretch.
    pub(crate) stretch: Stretch,
}

/// Calls `visit` for all `stretches`, which are sorted, on `jobs` threads, each with a state of its own, and returns the states.
pub(crate) fn visit<S: Send>(
    memory: &dyn Memory,
    stretches: &[Stretch],
    jobs: usize,
    state: impl Fn() -> S + Sync,
    visit: impl Fn(&mut S, &Piece<'_>) + Sync,
) -> Vec<S> {
    let blocks = blocks(stretches);
    let ends =
        |block: &std::ops::Range<usize>| Some((stretches.get(block.start)?.from, stretches.get(block.end - 1)?.to));
    let longest = blocks.iter().filter_map(ends).map(|(from, to)| to - from).max().unwrap_or(0);
    // One buffer for each thread, since to allocate and to wipe one costs more than to fill it.
    let state = || (state(), Buffer::zeroed((longest + 2 * MARGIN) as usize));
    let parts = work(blocks.len(), jobs, state, |(state, buffer), index| {
        let block = &stretches[blocks[index].clone()];
        let (Some(first), Some(last)) = (block.first(), block.last()) else { return };
        let offset = first.from.saturating_sub(MARGIN);
        let bytes = &mut buffer[..(last.to + MARGIN - offset) as usize];
        let read = memory.read_at(offset, bytes);
        for stretch in block {
            let (from, to) = ((stretch.from - offset) as usize, (stretch.to - offset) as usize);
            if to <= read {
                visit(state, &Piece { bytes: &bytes[..read], offset, from, to, stretch: *stretch });
            }
        }
    });
    parts.into_iter().map(|(state, _)| state).collect()
}

/// Stretches that are read together.
fn blocks(stretches: &[Stretch]) -> Vec<std::ops::Range<usize>> {
    let mut blocks = Vec::new();
    let mut start = 0;
    for (index, stretch) in stretches.iter().enumerate() {
        // Reading a page too much is cheaper than another call.
        let far = index > start && stretch.from.saturating_sub(stretches[index - 1].to) > 4096;
        if index > start && (far || stretch.to - stretches[start].from > BLOCK) {
            blocks.push(start..index);
            start = index;
        }
    }
    if start < stretches.len() {
        blocks.push(start..stretches.len());
    }
    blocks
}

/// Calls `each` with 0 to `count` - 1 on `jobs` threads (on the caller's, if it is 1), each with a state of its own, and returns
/// the states.
pub(crate) fn work<S: Send>(
    count: usize,
    jobs: usize,
    state: impl Fn() -> S + Sync,
    each: impl Fn(&mut S, usize) + Sync,
) -> Vec<S> {
    let next = AtomicUsize::new(0);
    let run = || {
        let mut state = state();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            if index >= count {
                return state;
            }
            each(&mut state, index);
        }
    };
    if jobs.min(count) <= 1 {
        return vec![run()];
    }
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..jobs.min(count)).map(|_| scope.spawn(run)).collect();
        threads.into_iter().map(join).collect()
    })
}

/// The result of a thread. A panic goes on in the caller, as it does with one thread: nothing is lost in silence.
fn join<T>(thread: ScopedJoinHandle<'_, T>) -> T {
    thread.join().unwrap_or_else(|panic| resume_unwind(panic))
}

/// What `each` finds for 0 to `count` - 1, with these indices and in their order, as [`work`] does it.
pub(crate) fn in_order<T: Send>(
    count: usize,
    jobs: usize,
    each: impl Fn(usize) -> Option<T> + Sync,
) -> Vec<(usize, T)> {
    let parts = work(count, jobs, Vec::new, |found, index| found.extend(each(index).map(|one| (index, one))));
    let mut found: Vec<(usize, T)> = parts.into_iter().flatten().collect();
    found.sort_unstable_by_key(|(index, _)| *index);
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::Flat;

    #[test]
    fn every_stretch_is_seen_once_with_its_surroundings() {
        let bytes: Vec<u8> = (0..3u32 << 18).map(|i| (i / 8) as u8).collect();
        let memory = Flat::new(&bytes);
        let runs = [(0, 3), (80, 4), (5000, 8), (9000, 9000), (400_000, 2000), ((3 << 18) - 24, 3)]
            .map(|(offset, words)| Run { offset, words });
        let stretches = stretches(&runs);
        assert_eq!(stretches.len(), 7);
        assert_eq!((stretches[3].ends, stretches[4].begins), (false, false));
        for jobs in [1, 2] {
            let seen = visit(&memory, &stretches, jobs, Vec::new, |seen: &mut Vec<u64>, piece| {
                assert_eq!(piece.bytes, &bytes[piece.offset as usize..][..piece.bytes.len()]);
                assert_eq!(piece.offset + piece.from as u64, piece.stretch.from);
                assert_eq!(piece.offset + piece.to as u64, piece.stretch.to);
                assert!(piece.from as u64 >= MARGIN.min(piece.stretch.from));
                assert!(piece.bytes.len() - piece.to >= (MARGIN as usize).min(bytes.len() - piece.stretch.to as usize));
                seen.push(piece.stretch.from);
            });
            let mut seen = seen.concat();
            seen.sort_unstable();
            assert_eq!(seen, stretches.iter().map(|s| s.from).collect::<Vec<_>>());
        }
    }

    #[test]
    fn what_cannot_be_read_is_passed_over() {
        let runs = [Run { offset: 0, words: 4 }, Run { offset: 90, words: 40 }, Run { offset: u64::MAX / 2, words: 8 }];
        let seen = visit(&Flat::new(&[1; 100]), &stretches(&runs), 1, || 0, |count, _| *count += 1);
        assert_eq!(seen, [1]);
    }
}
