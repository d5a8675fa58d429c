//! The pages that a dump holds, as runs of a bounded number.

use std::ops::Range;

use crate::limits;

/// Runs of pages in ascending order. Where there are too many, those that are near each other are joined with the gap between
/// them, which then reads as zeros.
#[derive(Debug, Default)]
pub(super) struct PageRuns {
    runs: Vec<Range<u64>>,
    /// Gaps of so many pages are joined.
    gap: u64,
}

impl PageRuns {
    /// Adds pages that lie behind all others.
    pub(super) fn add(&mut self, pages: Range<u64>) {
        if pages.is_empty() {
            return;
        }
        match self.runs.last_mut().filter(|last| pages.start <= last.end.saturating_add(self.gap)) {
            Some(last) => last.end = last.end.max(pages.end),
            None => self.runs.push(pages),
        }
        while self.runs.len() > limits::REGIONS {
            self.gap = (self.gap * 2).max(1);
            let gap = self.gap;
            self.runs.dedup_by(|next, last| {
                let joined = next.start <= last.end.saturating_add(gap);
                if joined {
                    last.end = next.end;
                }
                joined
            });
        }
    }

    /// The runs as bytes of memory, of pages of `page` bytes, as far as addresses go.
    pub(super) fn extents(self, page: u64) -> Vec<Range<u64>> {
        let bytes = |run: Range<u64>| Some(run.start.checked_mul(page)?..run.end.checked_mul(page)?);
        self.runs.into_iter().map_while(bytes).collect()
    }
}

/// Cuts extents after `most` bytes; whether there was more.
pub(super) fn cut(extents: &mut Vec<Range<u64>>, most: u64) -> bool {
    let mut left = most;
    let mut is_cut = false;
    extents.retain_mut(|extent| {
        let len = extent.end - extent.start;
        if len > left {
            extent.end = extent.start + left;
            is_cut = true;
        }
        left -= len.min(left);
        !extent.is_empty()
    });
    is_cut
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_are_one_run() {
        let mut runs = PageRuns::default();
        [1..2, 2..5, 5..5, 7..9].into_iter().for_each(|pages| runs.add(pages));
        assert_eq!(runs.extents(4096), [4096..5 * 4096, 7 * 4096..9 * 4096]);
    }

    #[test]
    fn too_many_runs_are_joined_and_none_is_lost() {
        let mut runs = PageRuns::default();
        let many = limits::REGIONS as u64 + 5;
        (0..many).for_each(|i| runs.add(3 * i..3 * i + 1));
        runs.add(u64::MAX - 1..u64::MAX);
        assert!(runs.runs.len() < limits::REGIONS / 2, "{}", runs.runs.len());
        assert!((0..many).all(|i| {
            let after = runs.runs.partition_point(|run| run.start <= 3 * i);
            runs.runs[after - 1].contains(&(3 * i))
        }));
        // No address is so high.
        assert!(runs.extents(4096).last().unwrap().end < u64::MAX / 2);
    }

    #[test]
    #[allow(clippy::single_range_in_vec_init)]
    fn extents_are_cut_after_so_many_bytes() {
        let all = [10..20, 30..40];
        for (most, left) in [(20, vec![10..20, 30..40]), (15, vec![10..20, 30..35]), (10, vec![10..20]), (0, vec![])] {
            let mut extents = all.to_vec();
            assert_eq!((cut(&mut extents, most), extents), (most < 20, left));
        }
    }
}
