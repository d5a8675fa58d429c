//! Trees as they are compared: by the ids of their entries.

use crate::history::{MAX_PLACES, join};
use crate::repository::{Error, Repository, reason};
use gix::ObjectId;
use gix::objs::{Find, TreeRefIter};
use std::collections::HashMap;

/// Depth of trees; git's own limit is 2048.
const MAX_DEPTH: usize = 2_048;

/// A blob that is new at a path.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Change {
    /// The path.
    pub path: Vec<u8>,
    /// The blob.
    pub blob: ObjectId,
    /// What lay there before; of a merge, in each parent that had something there.
    pub olds: Vec<ObjectId>,
}

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Blob,
    Tree,
    Submodule,
}

/// The entries of a tree by name.
#[derive(Default)]
pub(crate) struct Entries {
    all: HashMap<Vec<u8>, (Kind, ObjectId, bool)>,
}

impl Entries {
    /// Reads a tree; none has no entries.
    pub(crate) fn read(local: &gix::Repository, tree: Option<ObjectId>) -> Result<Self, Error> {
        let mut entries = Self::default();
        let Some(id) = tree.filter(|id| !id.is_empty_tree()) else { return Ok(entries) };
        let failed = |reason: String| Error::Read { what: format!("object {id}"), reason };
        let mut buffer = Vec::new();
        let object = local.objects.try_find(&id, &mut buffer).map_err(|error| failed(reason(&error)))?;
        let object = object.ok_or_else(|| failed("missing".to_owned()))?;
        if object.kind != gix::objs::Kind::Tree {
            return Err(failed("not a tree".to_owned()));
        }
        for entry in TreeRefIter::from_bytes(object.data, local.object_hash()) {
            let entry = entry.map_err(|error| failed(reason(&error)))?;
            let kind = match entry.mode {
                mode if mode.is_tree() => Kind::Tree,
                mode if mode.is_commit() => Kind::Submodule,
                _ => Kind::Blob,
            };
            entries.all.insert(entry.filename.to_vec(), (kind, entry.oid.to_owned(), false));
        }
        Ok(entries)
    }

    /// An entry, which is then no part of the rest.
    pub(crate) fn get(&mut self, name: &[u8]) -> Option<(Kind, ObjectId)> {
        let (kind, id, met) = self.all.get_mut(name)?;
        *met = true;
        Some((*kind, *id))
    }

    /// The same for a folder.
    pub(crate) fn take(&mut self, name: &[u8]) -> Option<(Kind, ObjectId)> {
        // A file of this name in the tree is gone, and stays a part of the rest.
        if self.all.get(name).is_some_and(|(kind, ..)| *kind != Kind::Tree) {
            return None;
        }
        self.get(name)
    }

    /// Entries that were not asked for.
    pub(crate) fn rest(self) -> impl Iterator<Item = (Kind, ObjectId)> {
        self.all.into_values().filter(|(.., met)| !met).map(|(kind, id, _)| (kind, id))
    }
}

/// Blobs of `new` that are in none of `olds` at the same path, by path; of a tree that is new at more than [`MAX_PLACES`] paths, at
/// some of them: one that names another one ten times, and so on, has more paths than there are atoms, and what is in it has
/// been seen by then.
pub(crate) fn between(local: &gix::Repository, new: ObjectId, olds: &[ObjectId]) -> Result<Vec<Change>, Error> {
    let mut changes = Vec::new();
    let mut added: HashMap<ObjectId, usize> = HashMap::new();
    let mut open: Vec<(Vec<u8>, ObjectId, Vec<ObjectId>, usize)> = vec![(Vec::new(), new, olds.to_vec(), 0)];
    while let Some((folder, new, olds, depth)) = open.pop() {
        if olds.contains(&new) {
            continue;
        }
        if depth > MAX_DEPTH {
            let what = String::from_utf8_lossy(&folder).into_owned();
            return Err(Error::Read { what, reason: "folders are nested deeper than git allows".to_owned() });
        }
        let mut before: Vec<Entries> =
            olds.iter().map(|old| Entries::read(local, Some(*old))).collect::<Result<_, _>>()?;
        for (name, (kind, id, _)) in Entries::read(local, Some(new))?.all {
            let known: Vec<_> = before.iter_mut().filter_map(|entries| entries.get(&name)).collect();
            if kind == Kind::Submodule || known.iter().any(|(_, old)| *old == id) {
                continue;
            }
            let olds: Vec<_> = known.into_iter().filter(|(old, _)| *old == kind).map(|(_, id)| id).collect();
            if kind == Kind::Tree && olds.is_empty() {
                let paths = added.entry(id).or_default();
                *paths += 1;
                if *paths > MAX_PLACES {
                    continue;
                }
            }
            let path = join(&folder, &name);
            match kind {
                Kind::Tree => open.push((path, id, olds, depth + 1)),
                _ => changes.push(Change { path, blob: id, olds }),
            }
        }
    }
    changes.sort();
    Ok(changes)
}

impl Repository {
    /// The tree of `HEAD`; `None` before the first commit.
    pub(crate) fn head(&self) -> Result<Option<ObjectId>, Error> {
        let failed = |reason: String| Error::Read { what: "HEAD".to_owned(), reason };
        let Some(id) = self.head_id()? else { return Ok(None) };
        let local = self.local();
        let commit = local.find_commit(id).map_err(|error| failed(reason(&error)))?;
        Ok(Some(commit.tree_id().map_err(|error| failed(reason(&error)))?.detach()))
    }
}
