//! Windows that are the scalar of a given point, many neighbours at a time: see [`crate::curve::chain`].

use super::windows::Windows;
use super::{MAX_HITS, Tested};
use crate::curve::Group;
use crate::curve::chain::{Chain, WINDOWS, Walk};
use crate::elliptic::reading::Reading;
use crate::order::Order;
use crate::survey::Number;
use keysweep_keys::Algorithm;

/// The state of a thread for one group.
pub(super) struct Runs<'a> {
    /// Bytes of a scalar.
    len: usize,
    /// One for each order.
    walks: Vec<(Order, String, Walk<'a>)>,
}

/// Windows that follow each other at steps of a word.
#[derive(Clone, Copy)]
struct Run {
    first: usize,
    last: usize,
}

const WORD: usize = 4;

impl<'a> Runs<'a> {
    pub(super) fn new(group: Group, chain: &'a Chain) -> Self {
        let Group::Ec(curve) = group else { return Self { len: 0, walks: Vec::new() } };
        let algorithm = Algorithm::Ec(curve);
        let walks = super::curve::readings(&algorithm).iter().filter_map(|(reading, name)| {
            let Reading::Number(order) = reading else { return None };
            Some((*order, format!("{algorithm} {name}"), chain.walk()))
        });
        Self { len: group.bytes(), walks: walks.collect() }
    }

    /// Tries all windows of a chunk, or keeps them for the next time.
    pub(super) fn try_all(&mut self, windows: &Windows<'_>, hits: &mut Vec<Number>, tested: &mut Tested) {
        // One for each place of a window in a word.
        let mut open: [Option<Run>; WORD] = [None; WORD];
        let mut count = 0;
        let len = self.len;
        windows.random(len, &mut |at| {
            count += 1;
            match &mut open[at % WORD] {
                // A gap costs less than to begin anew, if it is no longer than a window.
                Some(run) if at - run.last < len && at - run.first < WORD * WINDOWS => run.last = at,
                run => {
                    if let Some(run) = run.replace(Run { first: at, last: at }) {
                        self.push(windows, run, hits);
                    }
                }
            }
        });
        for run in open.into_iter().flatten() {
            self.push(windows, run, hits);
        }
        for (_, name, _) in &self.walks {
            *tested.windows.entry(name.clone()).or_default() += count;
        }
    }

    /// Tries what is kept.
    pub(super) fn flush(&mut self, hits: &mut Vec<Number>) {
        let len = self.len as u32;
        for (order, _, walk) in &mut self.walks {
            walk.flush(&mut |tag, window| {
                if hits.len() < MAX_HITS {
                    // Those whose most significant word comes first are gone through from their ends.
                    let distance = (WORD * window) as u64;
                    let offset = if *order == Order::Little { tag + distance } else { tag - distance };
                    hits.push(Number { offset, len, order: *order, structure: "" });
                }
            });
        }
    }

    fn push(&mut self, windows: &Windows<'_>, run: Run, hits: &mut Vec<Number>) {
        if self.walks.iter().any(|(_, _, walk)| walk.is_full()) {
            self.flush(hits);
        }
        let bytes = windows.bytes(run.first, run.last - run.first + self.len);
        let words = || bytes.chunks_exact(WORD).map(|word| <[u8; WORD]>::try_from(word).unwrap_or_default());
        let (first, last) = (windows.offset(run.first), windows.offset(run.last));
        for (order, _, walk) in &mut self.walks {
            match order {
                Order::Big => walk.push(last, words().rev().map(u32::from_be_bytes)),
                Order::BigWords32 => walk.push(last, words().rev().map(u32::from_le_bytes)),
                _ => walk.push(first, words().map(u32::from_le_bytes)),
            }
        }
    }
}
