//! What of a dump could not be read, counted while it is.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use crate::builder::grouped;

/// Runs of pages that are remembered; of those beyond it is known only that there are some.
const MAX_RUNS: usize = 1 << 16;

/// Why a page cannot be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Loss {
    /// It was never written, or lies behind the end of the file.
    Missing,
    /// It is there, and does not unpack.
    Damaged,
}

/// Pages that could not be had, each counted once however often it is asked for.
#[derive(Debug, Default)]
pub(super) struct Losses {
    missing: Mutex<Runs>,
    damaged: Mutex<Runs>,
}

impl Losses {
    pub(super) fn note(&self, loss: Loss, page: u64) {
        let runs = match loss {
            Loss::Missing => &self.missing,
            Loss::Damaged => &self.damaged,
        };
        runs.lock().unwrap_or_else(PoisonError::into_inner).add(page);
    }

    /// What was lost so far, in words.
    pub(super) fn describe(&self) -> Option<String> {
        let count = |runs: &Mutex<Runs>| runs.lock().unwrap_or_else(PoisonError::into_inner).count();
        let parts: Vec<String> = [(&self.missing, "missing"), (&self.damaged, "damaged")]
            .into_iter()
            .filter_map(|(runs, what)| count(runs).map(|(least, pages)| format!("{least}{pages} {what}")))
            .collect();
        (!parts.is_empty()).then(|| format!("pages of memory that could not be searched: {}", parts.join(", ")))
    }
}

/// Numbers as runs, start to end.
#[derive(Debug, Default)]
struct Runs {
    runs: BTreeMap<u64, u64>,
    more: bool,
}

impl Runs {
    fn add(&mut self, page: u64) {
        let before = self.runs.range(..=page).next_back().map(|(start, end)| (*start, *end));
        if before.is_some_and(|(_, end)| page < end) {
            return;
        }
        let after = page.checked_add(1).and_then(|next| self.runs.remove(&next));
        let end = after.unwrap_or(page.saturating_add(1));
        match before {
            Some((start, last)) if last == page => {
                self.runs.insert(start, end);
            }
            _ if self.runs.len() >= MAX_RUNS => self.more = true,
            _ => {
                self.runs.insert(page, end);
            }
        }
    }

    /// The number of pages, and what stands before it if there are more.
    fn count(&self) -> Option<(&'static str, String)> {
        let pages: u64 = self.runs.iter().map(|(start, end)| end - start).sum();
        (pages > 0).then(|| (if self.more { "more than " } else { "" }, grouped(pages)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_page_counts_once() {
        let losses = Losses::default();
        assert_eq!(losses.describe(), None);
        for page in [5, 7, 6, 6, 5, 100, 4, 8, u64::MAX - 1, 101, 99] {
            losses.note(Loss::Missing, page);
        }
        losses.note(Loss::Damaged, 6);
        let said = losses.describe().unwrap();
        assert_eq!(said, "pages of memory that could not be searched: 9 missing, 1 damaged");
        assert_eq!(losses.missing.lock().unwrap().runs.len(), 3);
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let losses = Losses::default();
        (0..MAX_RUNS as u64 + 10).for_each(|page| losses.note(Loss::Damaged, page * 2));
        assert_eq!(losses.describe().unwrap(), "pages of memory that could not be searched: more than 65,536 damaged");
    }
}
