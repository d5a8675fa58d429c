//! Refs and logs that are kept in reftables, git's binary format (git, `Documentation/technical/reftable`).
//!
//! A *stack* is a folder with a list of tables, the oldest first. Each transaction adds a table; what a newer one says of a ref, or of a
//! line of a log, replaces what an older one says. Git merges tables now and then, and removes those that it merged.

mod record;
mod shadow;
mod table;
#[cfg(test)]
mod tests;

use crate::repository::Problem;
use gix::hash;
use record::LogRecord;
pub(crate) use record::{LogEntry, Target};
pub(crate) use shadow::{Shadow, with_logs};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::File;
use std::io::{self, Read};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Duration;
use table::{MAX_BYTES, Table};

/// Tables of a stack. Git merges them, so that there are a few dozens at most.
const MAX_TABLES: usize = 256;
/// Bytes of a list of tables.
const MAX_LIST: u64 = 1 << 16;
/// Times a stack is opened anew, because tables were merged meanwhile.
const TRIES: usize = 10;
/// Bytes of names and values that are held.
const MAX_HELD: usize = if cfg!(test) { 1 << 16 } else { 512 << 20 };
/// What a ref or a line of a log takes besides its name.
const OVERHEAD: usize = 96;
const TOO_MUCH: &str = "there are more refs and lines of logs than are read";

/// The tables of a repository, or of one of its linked work trees.
pub(crate) struct Stack {
    folder: PathBuf,
    /// The newest first.
    tables: Vec<(PathBuf, Table)>,
}

impl Stack {
    /// Opens the stack in a folder. Tables that cannot be opened are told; of the others all is read.
    pub(crate) fn open(folder: &Path, hash: hash::Kind, problems: &mut Vec<Problem>) -> Self {
        let folder = folder.to_owned();
        for left in (0..TRIES).rev() {
            let names = match list(&folder.join("tables.list")) {
                Ok(names) => names,
                Err(error) => {
                    problems.push(Problem::of_file(&folder.join("tables.list"), &error));
                    return Self { folder, tables: Vec::new() };
                }
            };
            let mut tables = Vec::new();
            let mut failed = Vec::new();
            for path in names.iter().rev().map(|name| folder.join(name)) {
                match Table::open(&path, hash) {
                    Ok(table) => tables.push((path, table)),
                    Err(error) => failed.push((path, error)),
                }
            }
            if left == 0 || !failed.iter().any(|(_, error)| error.kind() == io::ErrorKind::NotFound) {
                problems.extend(failed.iter().map(|(path, error)| Problem::of_file(path, error)));
                return Self { folder, tables };
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Self { folder, tables: Vec::new() }
    }

    /// The folder.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// All refs by their names.
    pub(crate) fn refs(&mut self, problems: &mut Vec<Problem>) -> BTreeMap<Vec<u8>, Target> {
        let mut refs = BTreeMap::new();
        let (mut budget, mut held) = (MAX_BYTES, 0);
        for (path, table) in &mut self.tables {
            let outcome = table.refs(&mut budget, &mut |name, target| {
                if refs.contains_key(name) {
                    return ControlFlow::Continue(());
                }
                held += OVERHEAD + name.len() + if let Target::Symbolic(other) = &target { other.len() } else { 0 };
                if held > MAX_HELD {
                    return ControlFlow::Break(Some(TOO_MUCH.to_owned()));
                }
                refs.insert(name.to_vec(), target);
                ControlFlow::Continue(())
            });
            problems.extend(outcome.err().map(|reason| Problem { name: path.display().to_string(), reason }));
        }
        refs.retain(|_, target| *target != Target::Deleted);
        refs
    }

    /// What a ref is, if there is one of this name.
    ///
    /// # Errors
    ///
    /// A table that may hold it is damaged.
    pub(crate) fn find(&mut self, wanted: &[u8]) -> Result<Option<Target>, Problem> {
        let mut budget = MAX_BYTES;
        for (path, table) in &mut self.tables {
            let mut found = None;
            let outcome = table.refs(&mut budget, &mut |name, target| {
                if name < wanted {
                    return ControlFlow::Continue(());
                }
                found = Some(target).filter(|_| name == wanted);
                ControlFlow::Break(None)
            });
            outcome.map_err(|reason| Problem { name: path.display().to_string(), reason })?;
            if found.is_some() {
                return Ok(found.filter(|target| *target != Target::Deleted));
            }
        }
        Ok(None)
    }

    /// Hands out the lines of all logs with the names of their refs: of each ref, the newest first.
    pub(crate) fn logs(&mut self, problems: &mut Vec<Problem>, visit: &mut dyn FnMut(&[u8], LogEntry<'_>)) {
        let mut names: HashMap<Vec<u8>, u32> = HashMap::new();
        let mut seen: HashSet<(u32, u64)> = HashSet::new();
        let (mut budget, mut held) = (MAX_BYTES, 0);
        for (path, table) in &mut self.tables {
            let outcome = table.logs(&mut budget, &mut |LogRecord { name, number, entry }| {
                let next = names.len() as u32;
                let id = match names.get(name) {
                    Some(id) => *id,
                    None => {
                        held += OVERHEAD + name.len();
                        names.insert(name.to_vec(), next);
                        next
                    }
                };
                if seen.insert((id, number)) {
                    held += size_of::<(u32, u64)>() * 2;
                    if let Some(entry) = entry {
                        visit(name, entry);
                    }
                }
                if held > MAX_HELD { ControlFlow::Break(Some(TOO_MUCH.to_owned())) } else { ControlFlow::Continue(()) }
            });
            problems.extend(outcome.err().map(|reason| Problem { name: path.display().to_string(), reason }));
        }
    }
}

/// The names in a list of tables.
fn list(path: &Path) -> io::Result<Vec<String>> {
    let damaged = |why: &str| io::Error::new(io::ErrorKind::InvalidData, why);
    if !std::fs::metadata(path)?.is_file() {
        return Err(damaged("not a file: not opened"));
    }
    let mut text = String::new();
    File::open(path)?.take(MAX_LIST + 1).read_to_string(&mut text)?;
    let names: Vec<String> = text.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect();
    if text.len() as u64 > MAX_LIST || names.len() > MAX_TABLES {
        return Err(damaged("more tables than are read"));
    }
    // A table lies beside its list.
    if names.iter().any(|name| name.contains(['/', '\\']) || name.starts_with('.')) {
        return Err(damaged("a table lies elsewhere"));
    }
    Ok(names)
}
