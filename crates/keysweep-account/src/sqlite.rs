//! Databases of SQLite with what lies in their write-ahead log ("Database File Format", section 4).

use crate::readers::{Input, Output};
use keysweep_keys::decoders::sqlite::{Database, MAGIC, Table};
use std::borrow::Cow;

/// Most that a log may add to a database, in bytes.
const MAX_LENGTH: usize = 128 << 20;

/// A database as its next reader would see it.
pub(crate) struct Store<'a> {
    bytes: Cow<'a, [u8]>,
}

impl<'a> Store<'a> {
    /// Opens the database of a file, with the log beside it. Tells if it is none.
    pub(crate) fn open(input: &Input<'a>, out: &mut Output) -> Option<Self> {
        let name = input.path.rsplit(['/', '\\']).next().unwrap_or(input.path);
        let log = (input.beside)(&format!("{name}-wal"));
        let merged = log.and_then(|log| with_log(input.bytes, &log));
        let bytes = merged.map_or(Cow::Borrowed(input.bytes), Cow::Owned);
        if bytes.is_empty() {
            return None; // A database in which nothing was ever written.
        }
        if Database::open(&bytes).is_none() {
            out.problem(if bytes.starts_with(MAGIC) {
                "is a damaged SQLite database"
            } else {
                "is no SQLite database"
            });
            return None;
        }
        Some(Self { bytes })
    }

    /// A table. Tells if it is not there, or not all of it.
    pub(crate) fn table(&self, name: &str, out: &mut Output) -> Option<Table<'_>> {
        let table = Database::open(&self.bytes)?.table(name);
        match &table {
            None => out.problem(format!("has no readable table `{name}`")),
            Some(table) if !table.complete => {
                out.problem(format!("the table `{name}` is damaged, or longer than is read"))
            }
            Some(_) => {}
        }
        table
    }
}

/// A database with the pages of its log in place. `None` if the log has no committed page.
fn with_log(database: &[u8], log: &[u8]) -> Option<Vec<u8>> {
    let word = |bytes: &[u8], at: usize| bytes.get(at..at + 4)?.try_into().ok().map(u32::from_be_bytes);
    if word(log, 0)? & !1 != 0x377f_0682 {
        return None;
    }
    let page_size =
        usize::try_from(word(log, 8)?).ok().filter(|size| size.is_power_of_two() && (512..=65_536).contains(size))?;
    let salts = log.get(16..24)?;
    let mut bytes = database.to_vec();
    let mut pending: Vec<(usize, &[u8])> = Vec::new();
    let mut committed = false;
    for frame in log.get(32..)?.chunks_exact(24 + page_size) {
        // Frames of an earlier round of the log carry other salts, and end it.
        if frame.get(8..16) != Some(salts) {
            break;
        }
        let start = usize::try_from(word(frame, 0)?).ok()?.checked_sub(1)?.checked_mul(page_size)?;
        if start.saturating_add(page_size) > MAX_LENGTH {
            return None;
        }
        pending.push((start, &frame[24..]));
        if word(frame, 4)? == 0 {
            continue;
        }
        for (start, page) in pending.drain(..) {
            if bytes.len() < start + page_size {
                bytes.resize(start + page_size, 0);
            }
            bytes[start..start + page_size].copy_from_slice(page);
        }
        committed = true;
    }
    committed.then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logs_that_are_none_change_nothing() {
        assert!(with_log(b"SQLite format 3\0", b"").is_none());
        assert!(with_log(b"", &[0x37, 0x7f, 6, 0x82, 0, 0, 0, 0, 0, 0, 16, 0]).is_none());
        let mut log = vec![0x37, 0x7f, 6, 0x82, 0, 0, 0, 0, 0, 0, 2, 0];
        log.resize(32, 0);
        log.extend([0xff; 4]);
        log.resize(32 + 24 + 512, 0);
        assert!(with_log(b"", &log).is_none(), "a page far outside is not followed");
    }

    #[test]
    fn committed_pages_are_put_in_place() {
        let mut log = vec![0x37, 0x7f, 6, 0x82, 0, 0, 0, 0, 0, 0, 2, 0];
        log.resize(32, 0);
        for (page, commit, fill) in [(1u32, 0u32, 7u8), (2, 2, 8), (1, 0, 9)] {
            log.extend(page.to_be_bytes());
            log.extend(commit.to_be_bytes());
            log.resize(log.len() + 16, 0);
            log.resize(log.len() + 512, fill);
        }
        let bytes = with_log(&[1; 512], &log).unwrap();
        assert_eq!((bytes.len(), bytes[0], bytes[512]), (1024, 7, 8), "the last frame was never committed");
    }
}
