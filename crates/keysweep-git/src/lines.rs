//! Which lines of a text are new.

use imara_diff::{Algorithm, Diff, InternedInput, sources::byte_lines};
use std::ops::Range;

/// Texts larger than this are taken as a whole.
const MAX_TEXT: usize = 16 << 20;
/// Bytes in which git looks for a NUL to tell binary files.
const HEAD: usize = 8_000;

/// The parts of `new` that are lines which none of the `olds` has at that place, sorted and apart; `None` for all of it: there
/// is nothing to compare with, or no text.
pub fn added_lines(olds: &[Vec<u8>], new: &[u8]) -> Option<Vec<Range<u64>>> {
    if olds.is_empty() || !is_text(new) || !olds.iter().all(|old| is_text(old)) {
        return None;
    }
    let starts = line_starts(new);
    let mut added = vec![true; starts.len()];
    for old in olds {
        let input = InternedInput::new(byte_lines(old), byte_lines(new));
        let mut diff = Diff::compute(Algorithm::Histogram, &input);
        diff.postprocess_no_heuristic(&input);
        for (line, added) in (0u32..).zip(&mut added) {
            *added &= diff.is_added(line);
        }
    }
    let mut ranges: Vec<Range<u64>> = Vec::new();
    for (line, _) in added.iter().enumerate().filter(|(_, added)| **added) {
        let start = starts[line] as u64;
        let end = starts.get(line + 1).map_or(new.len(), |start| *start) as u64;
        match ranges.last_mut() {
            Some(last) if last.end == start => last.end = end,
            _ => ranges.push(start..end),
        }
    }
    Some(ranges)
}

fn is_text(bytes: &[u8]) -> bool {
    bytes.len() <= MAX_TEXT && !bytes[..bytes.len().min(HEAD)].contains(&0)
}

fn line_starts(bytes: &[u8]) -> Vec<usize> {
    bytes.split_inclusive(|b| *b == b'\n').scan(0, |at, line| Some(std::mem::replace(at, *at + line.len()))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn added(olds: &[&str], new: &str) -> Option<Vec<String>> {
        let olds: Vec<Vec<u8>> = olds.iter().map(|old| old.as_bytes().to_vec()).collect();
        let ranges = added_lines(&olds, new.as_bytes())?;
        Some(ranges.into_iter().map(|r| new[r.start as usize..r.end as usize].to_owned()).collect())
    }

    #[test]
    fn lines_that_are_new_against_every_old_text() {
        let some = |lines: &[&str]| Some(lines.iter().map(ToString::to_string).collect::<Vec<_>>());
        assert_eq!(added(&["a\nb\nc\n"], "a\nx\ny\nc\nz"), some(&["x\ny\n", "z"]));
        assert_eq!(added(&["a\nb\n"], "b\n"), some(&[]));
        assert_eq!(added(&["a\n", "b\n"], "a\nb\nc\n"), some(&["c\n"]));
        assert_eq!(added(&[""], "a\n"), some(&["a\n"]));
        assert_eq!(added(&["a"], ""), some(&[]));
        assert_eq!(added(&[], "a\n"), None);
        assert_eq!(added(&["a\0"], "a\n"), None);
    }
}
