//! The packs and loose objects of a repository and of the ones it borrows from.

use crate::pack::Pack;
use crate::repository::{Problem, reason};
use gix::odb::loose;
use gix::{ObjectId, oid};
use std::collections::HashSet;
use std::path::{Path, PathBuf};

/// All objects that are at hand.
pub(crate) struct Store {
    pub(crate) packs: Vec<Pack>,
    /// Loose objects that no pack holds.
    pub(crate) loose: Vec<Loose>,
    /// All that are loose.
    loose_ids: HashSet<ObjectId>,
}

/// A loose object.
pub(crate) struct Loose {
    pub(crate) id: ObjectId,
    /// Index of its folder.
    pub(crate) store: usize,
}

impl Store {
    /// Lists the objects below `folders`.
    pub(crate) fn open(folders: &[PathBuf], hash: gix::hash::Kind) -> (Self, Vec<Problem>) {
        let mut store = Store { packs: Vec::new(), loose: Vec::new(), loose_ids: HashSet::new() };
        let mut problems = Vec::new();
        // Loose objects first, as they may be packed meanwhile.
        for (index, folder) in folders.iter().enumerate() {
            store.add_loose(index, folder, hash, &mut problems);
        }
        for folder in folders {
            store.add_packs(&folder.join("pack"), hash, &mut problems);
        }
        let loose = std::mem::take(&mut store.loose);
        store.loose = loose.into_iter().filter(|loose| !store.is_packed(&loose.id)).collect();
        (store, problems)
    }

    fn add_packs(&mut self, folder: &Path, hash: gix::hash::Kind, problems: &mut Vec<Problem>) {
        let entries = match std::fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return,
            Err(error) => return problems.push(Problem::of_file(folder, &error)),
        };
        let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
        // The order of packs decides which copy of an object is read.
        paths.sort();
        for path in paths.iter().filter(|path| path.extension().is_some_and(|e| e == "idx")) {
            // A hostile index can make the reader panic; that costs this pack only.
            match std::panic::catch_unwind(|| Pack::open(path, hash)) {
                Ok(Ok(pack)) => {
                    if !pack.is_whole() {
                        let reason = "its pack is cut off, or another one".to_owned();
                        problems.push(Problem { name: path.display().to_string(), reason });
                    }
                    self.packs.push(pack);
                }
                Ok(Err(reason)) => problems.push(Problem { name: path.display().to_string(), reason }),
                Err(_) => {
                    problems.push(Problem { name: path.display().to_string(), reason: "damaged pack index".to_owned() })
                }
            }
        }
        for path in paths.iter().filter(|path| path.extension().is_some_and(|e| e == "pack")) {
            if !path.with_extension("idx").exists() {
                let reason = "a pack without index cannot be read; `git index-pack` makes one".to_owned();
                problems.push(Problem { name: path.display().to_string(), reason });
            }
        }
    }

    fn add_loose(&mut self, store: usize, folder: &Path, hash: gix::hash::Kind, problems: &mut Vec<Problem>) {
        for id in loose::Store::at(folder, hash).iter() {
            match id {
                Ok(id) => {
                    if self.loose_ids.insert(id) {
                        self.loose.push(Loose { id, store });
                    }
                }
                Err(error) => problems.push(Problem { name: folder.display().to_string(), reason: reason(&error) }),
            }
        }
    }

    fn is_packed(&self, id: &oid) -> bool {
        self.packs.iter().any(|pack| pack.contains(id))
    }

    /// Whether a pack before the one with this index holds the object.
    pub(crate) fn is_in_earlier_pack(&self, pack: usize, id: &oid) -> bool {
        self.packs.iter().take(pack).any(|pack| pack.contains(id))
    }

    /// Whether the object is at hand.
    pub(crate) fn contains(&self, id: &oid) -> bool {
        self.is_packed(id) || self.loose_ids.contains(id)
    }
}
