//! What the index would add to `HEAD`, found by comparing ids: folders that are the same are not entered.

use crate::change::{Change, Entries, Kind, between};
use crate::history::join;
use crate::repository::{Error, Repository, reason};
use gix::ObjectId;
use gix::bstr::ByteSlice;
use gix::index::{Entry, File, entry, extension};
use std::collections::HashSet;
use std::ops::Range;
use std::path::Path;

/// Depth of folders; git's own limit is 2048.
const MAX_DEPTH: usize = 2_048;

/// What is staged.
#[derive(Debug)]
pub struct Staged {
    /// New and changed blobs, by path. A file that was only renamed is none.
    pub changes: Vec<Change>,
    stamp: Option<Stamp>,
}

/// Tells one state of the index file from another: git replaces it as a whole.
type Stamp = (u64, std::time::SystemTime);

impl Repository {
    /// What the index adds to `HEAD`. The work tree is not looked at.
    ///
    /// # Errors
    ///
    /// The index or a tree of `HEAD` cannot be read; a bare repository has no index.
    pub fn staged(&self) -> Result<Staged, Error> {
        let local = self.local();
        let path = local.index_path();
        let failed = |reason: String| Error::Read { what: path.display().to_string(), reason };
        if local.is_bare() && !path.exists() {
            return Err(failed("a bare repository has no index".to_owned()));
        }
        let stamp = stamp(&path);
        if stamp.is_none() {
            return Ok(Staged { changes: Vec::new(), stamp });
        }
        // The checksum over the whole file would take longer than all the rest.
        let options = gix::index::decode::Options::default();
        let index = File::at(&path, local.object_hash(), true, options).map_err(|error| failed(reason(&error)))?;
        let head = self.head()?;
        let mut search = Search { local: &local, index: &index, added: Vec::new(), removed: HashSet::new() };
        search.folder(index.tree(), head, 0..index.entries().len(), 0, 0)?;
        let Search { added, removed, .. } = search;
        let renamed = |change: &Change| change.olds.is_empty() && removed.contains(&change.blob);
        let changes = added.into_iter().filter(|change| !renamed(change)).collect();
        Ok(Staged { changes, stamp })
    }

    /// Whether the index was replaced since.
    pub fn has_moved_on(&self, staged: &Staged) -> bool {
        stamp(&self.local().index_path()) != staged.stamp
    }
}

fn stamp(path: &Path) -> Option<Stamp> {
    let metadata = std::fs::metadata(path).ok()?;
    Some((metadata.len(), metadata.modified().ok()?))
}

struct Search<'a> {
    local: &'a gix::Repository,
    index: &'a File,
    added: Vec<Change>,
    /// Blobs that `HEAD` has at paths that the index does not.
    removed: HashSet<ObjectId>,
}

impl Search<'_> {
    /// Compares the entries in `range`, whose paths share a folder of `prefix` bytes, with a tree of `HEAD`.
    fn folder(
        &mut self,
        cached: Option<&extension::Tree>,
        head: Option<ObjectId>,
        range: Range<usize>,
        prefix: usize,
        depth: usize,
    ) -> Result<(), Error> {
        let known = cached.filter(|tree| tree.num_entries.map(|n| n as usize) == Some(range.len()));
        if known.is_some_and(|tree| Some(tree.id) == head) {
            return Ok(());
        }
        if depth > MAX_DEPTH {
            let what = self.index.entries()[range.start].path(self.index).to_string();
            return Err(Error::Read { what, reason: "folders are nested deeper than git allows".to_owned() });
        }
        let mut tree = Entries::read(self.local, head)?;
        let mut at = range.start;
        while at < range.end {
            let entry = &self.index.entries()[at];
            let path = entry.path(self.index);
            let rest = path.get(prefix..).unwrap_or_default();
            if entry.mode.is_sparse() {
                self.sparse(entry, rest, &mut tree)?;
                at += 1;
                continue;
            }
            let Some(slash) = rest.find_byte(b'/') else {
                self.file(entry, rest, &mut tree);
                at += 1;
                continue;
            };
            let (name, folder) = (&rest[..slash], &path[..prefix + slash + 1]);
            let child = cached.and_then(|tree| tree.children.iter().find(|child| child.name.as_slice() == name));
            let end = self.end_of(folder, at..range.end, child);
            let below = tree.take(name).filter(|(kind, _)| *kind == Kind::Tree).map(|(_, id)| id);
            self.folder(child, below, at..end, prefix + slash + 1, depth + 1)?;
            at = end;
        }
        for (kind, id) in tree.rest() {
            match kind {
                Kind::Blob => drop(self.removed.insert(id)),
                Kind::Tree => self.remove_all(id)?,
                Kind::Submodule => {}
            }
        }
        Ok(())
    }

    /// The end of a folder's entries: where the cached tree says if that is true, else where the paths end.
    fn end_of(&self, folder: &[u8], range: Range<usize>, cached: Option<&extension::Tree>) -> usize {
        let entries = &self.index.entries()[range.clone()];
        let inside = |entry: &Entry| entry.path(self.index).starts_with(folder);
        let stated =
            cached.and_then(|tree| tree.num_entries).map(|n| n as usize).filter(|n| *n > 0 && *n <= entries.len());
        if let Some(count) = stated
            && inside(&entries[count - 1])
            && !entries.get(count).is_some_and(inside)
        {
            return range.start + count;
        }
        range.start + entries.partition_point(inside)
    }

    /// A folder outside of a sparse checkout, of which the index has only the tree.
    fn sparse(&mut self, entry: &Entry, name: &[u8], head: &mut Entries) -> Result<(), Error> {
        let path: &[u8] = entry.path(self.index);
        let folder = path.strip_suffix(b"/").unwrap_or(path);
        let old = head.take(name.strip_suffix(b"/").unwrap_or(name)).map(|(_, id)| id);
        let olds: Vec<ObjectId> = old.into_iter().collect();
        let added = between(self.local, entry.id, &olds)?.into_iter();
        self.added.extend(added.map(|change| Change { path: join(folder, &change.path), ..change }));
        Ok(())
    }

    fn file(&mut self, entry: &Entry, name: &[u8], head: &mut Entries) {
        let path = entry.path(self.index);
        let old = head.get(name);
        // What a merge started from is no one's addition, and what is only announced has no content.
        let no_content = entry.flags.contains(entry::Flags::INTENT_TO_ADD) || entry.mode.is_submodule();
        if !no_content && entry.stage() != entry::Stage::Base && old.map(|(_, id)| id) != Some(entry.id) {
            let olds = old.filter(|(kind, _)| *kind == Kind::Blob).map(|(_, id)| id).into_iter().collect();
            self.added.push(Change { path: path.to_vec(), blob: entry.id, olds });
        }
    }

    /// Notes all blobs of a tree that is gone.
    fn remove_all(&mut self, tree: ObjectId) -> Result<(), Error> {
        let mut open = vec![tree];
        let mut seen = HashSet::new();
        while let Some(tree) = open.pop() {
            for (kind, id) in Entries::read(self.local, Some(tree))?.rest() {
                match kind {
                    Kind::Blob => drop(self.removed.insert(id)),
                    Kind::Tree if seen.insert(id) => open.push(id),
                    _ => {}
                }
            }
        }
        Ok(())
    }
}
