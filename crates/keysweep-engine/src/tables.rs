//! What one part of a source says of another: tables that are defined in a part, and filled in others.
//!
//! Large files are searched in parts, side by side, and streams block by block. What readers note of a part is kept, so that the
//! parts whose rows were not understood are searched once more when all definitions are known; of a stream, whose blocks are gone
//! when they were searched, each block knows the ones before.

use crate::file::{Noted, Searcher, Seen};
use keysweep_rules::readers::Notes;
use std::ops::Range;

/// What readers noted of the parts of a source, together, and the parts in which something was not understood without it.
pub(crate) fn missed(noted: Vec<Noted>) -> (Vec<(usize, Notes)>, Vec<Range<u64>>) {
    let mut all: Vec<(usize, Notes)> = Vec::new();
    for (token, notes) in noted.iter().flat_map(|part| &part.notes) {
        let at = all.iter().position(|(known, _)| known == token).unwrap_or_else(|| {
            all.push((*token, Notes::new(true)));
            all.len() - 1
        });
        all[at].1.learn(notes);
    }
    let of = |token: usize| all.iter().find(|(known, _)| *known == token).map(|(_, notes)| notes);
    let misses = |part: &Noted| part.notes.iter().any(|(token, notes)| of(*token).is_some_and(|all| notes.misses(all)));
    let again = noted.iter().filter(|part| misses(part)).map(|part| part.range.clone()).collect();
    (all, again)
}

impl Searcher<'_> {
    /// Remembers what was noted of a block for the next one of the same stream.
    pub(crate) fn remember(&mut self, seen: &mut Seen) {
        if !seen.noted.is_empty() {
            self.know(missed(std::mem::take(&mut seen.noted)).0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Inputs, Options, Progress, Scanner};
    use keysweep_rules::RuleSet;
    use std::io::Write;

    // Made up for this test.
    const TABLE: &[u8] = b"CREATE TABLE users (id int, password text);\n";
    fn row() -> Vec<u8> {
        [b"INSERT INTO".as_slice(), b" users VALUES (1,'k3Jx9QzLmW2v');\n"].concat()
    }

    fn scanner() -> Scanner {
        Scanner::new(RuleSet::builtin_for_scans(), Options { jobs: 2, ..Options::default() }).unwrap()
    }

    #[test]
    fn tables_are_known_all_over_a_large_file() {
        let dir = tempfile::tempdir().unwrap();
        let filler = vec![b' '; 1 << 20];
        for (name, parts) in [("before.sql", [TABLE, &row()]), ("behind.sql", [&row(), TABLE])] {
            let mut file = std::fs::File::create(dir.path().join(name)).unwrap();
            file.write_all(b"-- dump\n").unwrap();
            (0..17).for_each(|_| file.write_all(&filler).unwrap());
            file.write_all(parts[0]).unwrap();
            (0..17).for_each(|_| file.write_all(&filler).unwrap());
            file.write_all(parts[1]).unwrap();
        }
        let report = scanner().scan(&Inputs { paths: vec![dir.path().to_owned()], stdin: false }, &Progress::default());
        let places: Vec<_> = report.findings.iter().flat_map(|f| &f.locations).map(|l| (&l.path, l.line)).collect();
        assert_eq!(places.len(), 2, "{places:?}");
        assert_eq!(report.stats.bytes, 2 * (8 + 34 * (1 << 20) + TABLE.len() + row().len()) as u64);
    }

    #[test]
    fn blocks_of_a_stream_know_those_before() {
        let scanner = scanner();
        let mut searcher = scanner.searcher();
        let mut found = |block: &[u8]| {
            let mut seen = Seen::default();
            searcher.search(&block, 0..block.len() as u64, "", &mut seen, &mut |_, _| {}).unwrap();
            searcher.remember(&mut seen);
            seen.raws.len()
        };
        assert_eq!([found(&row()), found(TABLE), found(b"-- nothing"), found(&row())], [0, 0, 0, 1]);
        searcher.know(Vec::new());
        let mut seen = Seen::default();
        searcher.search(&row().as_slice(), 0..row().len() as u64, "", &mut seen, &mut |_, _| {}).unwrap();
        assert!(seen.raws.is_empty(), "another stream");
    }

    #[test]
    fn what_no_part_defines_is_not_searched_again() {
        let scanner = scanner();
        let mut searcher = scanner.searcher();
        let mut seen = Seen::default();
        let text = [b"-- dump\n".as_slice(), &row()].concat();
        searcher.search(&text.as_slice(), 8..text.len() as u64, "", &mut seen, &mut |_, _| {}).unwrap();
        assert_eq!(seen.noted.len(), 1);
        assert!(missed(seen.noted).1.is_empty());
    }
}
