//! The roots of history: what refs, their logs, `HEAD`s and indexes of all work trees name.

use crate::reftable::{Stack, Target};
use crate::repository::{Problem, Repository, list};
use crate::trap;
use gix::ObjectId;
use gix::bstr::ByteSlice;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Files of a folder of loose refs or reflogs that are read; more is no repository but a trap.
const MAX_FILES: usize = 1_000_000;
/// Depth to which such folders are entered.
const MAX_DEPTH: usize = 64;

/// Where history begins.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Root {
    /// The object.
    pub id: ObjectId,
    /// The ref, log or file that names it.
    pub name: String,
    /// Whether only a log names it, which may be older than its object.
    pub logged: bool,
    /// Whether a remote-tracking ref names it.
    pub remote: bool,
}

impl Repository {
    /// Everything history begins at: refs, `HEAD`s and private refs of all work trees, and their logs.
    pub(crate) fn roots(&self, problems: &mut Vec<Problem>) -> Vec<Root> {
        // Of tables all is read below.
        let refs = if self.reftable { Vec::new() } else { self.refs(problems) };
        let common = self.common_dir();
        let linked = list(&common.join("worktrees"));
        let mut stacks = if self.reftable { self.all_stacks(&linked, problems) } else { Vec::new() };
        let mut roots = Roots { found: BTreeMap::new(), problems };
        for reference in refs {
            let remote = reference.is_remote();
            roots.add(Root { id: reference.id, name: reference.name, logged: false, remote });
        }
        stacks.iter_mut().for_each(|stack| roots.tables(stack));
        roots.logs(&common.join("logs"));
        roots.file(&common.join("HEAD"), "HEAD");
        for linked in &linked {
            roots.files(&linked.join("refs"));
            roots.logs(&linked.join("logs"));
            roots.file(&linked.join("HEAD"), "HEAD");
        }
        roots.found.into_values().collect()
    }

    /// The tables of all work trees.
    fn all_stacks(&self, linked: &[PathBuf], problems: &mut Vec<Problem>) -> Vec<Stack> {
        let own = linked.iter().map(|folder| folder.join("reftable")).filter(|folder| folder.exists());
        let folders: Vec<PathBuf> = std::iter::once(self.common_dir().join("reftable")).chain(own).collect();
        let hash = self.local().object_hash();
        folders.iter().map(|folder| Stack::open(folder, hash, problems)).collect()
    }
}

/// Roots as they are found; those of refs speak for those of logs.
struct Roots<'a> {
    found: BTreeMap<ObjectId, Root>,
    problems: &'a mut Vec<Problem>,
}

impl Roots<'_> {
    fn add(&mut self, root: Root) {
        if root.id.is_null() {
            return;
        }
        let known = self.found.entry(root.id).or_insert_with(|| root.clone());
        known.remote |= root.remote;
        if known.logged && !root.logged {
            known.logged = false;
            known.name = root.name;
        }
    }

    fn problem(&mut self, name: impl Into<String>, reason: String) {
        self.problems.push(Problem { name: name.into(), reason });
    }

    /// Refs and logs of tables.
    fn tables(&mut self, stack: &mut Stack) {
        let mut problems = Vec::new();
        for (name, target) in stack.refs(&mut problems) {
            // `ORIG_HEAD` and the like remember for a while; git does not keep for them what nothing else names.
            let is_kept = name.starts_with(b"refs/") || name == b"HEAD";
            if let Target::Object(id) = target
                && is_kept
            {
                let name = String::from_utf8_lossy(&name).into_owned();
                let remote = name.starts_with("refs/remotes/");
                self.add(Root { id, name, logged: false, remote });
            }
        }
        stack.logs(&mut problems, &mut |name, entry| {
            for id in [entry.old, entry.new] {
                let name = format!("log of {}", String::from_utf8_lossy(name));
                self.add(Root { id, name, logged: true, remote: false });
            }
        });
        self.problems.extend(problems);
    }

    /// Loose refs below a folder.
    fn files(&mut self, folder: &Path) {
        for path in self.below(folder) {
            let name = path.display().to_string();
            self.file(&path, &name);
        }
    }

    /// A file that holds an id, if it does not refer to a ref.
    fn file(&mut self, path: &Path, name: &str) {
        let Ok(bytes) = std::fs::read(path) else { return };
        if let Ok(id) = ObjectId::from_hex(bytes.trim()) {
            self.add(Root { id, name: name.to_owned(), logged: false, remote: false });
        }
    }

    /// Logs of refs: lines that begin with the old and the new id.
    fn logs(&mut self, folder: &Path) {
        for path in self.below(folder) {
            let bytes = match std::fs::read(&path) {
                Ok(bytes) => bytes,
                Err(error) => {
                    self.problems.push(Problem::of_file(&path, &error));
                    continue;
                }
            };
            let name = path.display().to_string();
            for line in bytes.lines() {
                for word in line.splitn(3, |b| *b == b' ').take(2) {
                    if let Ok(id) = ObjectId::from_hex(word) {
                        self.add(Root { id, name: name.clone(), logged: true, remote: false });
                    }
                }
            }
        }
    }

    /// Files below a folder; links are not followed.
    fn below(&mut self, folder: &Path) -> Vec<PathBuf> {
        let mut files = Vec::new();
        let mut open = vec![(folder.to_owned(), 0)];
        while let Some((folder, depth)) = open.pop() {
            for path in list(&folder) {
                match std::fs::symlink_metadata(&path) {
                    Ok(metadata) if metadata.is_dir() && depth < MAX_DEPTH => open.push((path, depth + 1)),
                    Ok(metadata) if metadata.is_file() && files.len() < MAX_FILES => files.push(path),
                    Ok(metadata) if metadata.is_symlink() => {}
                    Ok(metadata) if trap::special(metadata.file_type()) => {
                        self.problem(path.display().to_string(), trap::REASON.to_owned());
                    }
                    Ok(_) => self.problem(path.display().to_string(), "not read: too many or too deep".to_owned()),
                    Err(error) => self.problems.push(Problem::of_file(&path, &error)),
                }
            }
        }
        files
    }
}
