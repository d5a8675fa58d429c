//! Hands out every blob at hand once, on several threads, and looks whether all that is named is there.

use crate::pack::{Buffers, Read};
use crate::repository::{Problem, Repository, reason};
use crate::store::{Loose, Store};
use gix::objs::{CommitRefIter, Exists, Find, FindHeader, Kind, TagRefIter, TreeRefIter};
use gix::odb::loose;
use gix::{ObjectId, oid};
use std::collections::{BTreeSet, HashSet};
use std::panic::AssertUnwindSafe;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// Families or loose objects a thread takes at a time.
const BATCH: usize = 32;
/// Missing objects that are named.
const MAX_MISSING: usize = 1_000_000;
/// Missing objects that are looked for once more.
const MAX_LOOKED_UP: usize = 1_000;
/// Trees, commits and tags of this size and above are not read: git itself writes none.
const MAX_STRUCTURE: u64 = 256 << 20;

/// What a survey hands out.
pub enum Event<'a> {
    /// A blob with its bytes.
    Blob {
        /// Its id.
        id: ObjectId,
        /// Its bytes.
        bytes: &'a [u8],
    },
    /// A tree, as git stores it: names of files among modes and ids.
    Tree {
        /// Its bytes.
        bytes: &'a [u8],
    },
    /// A blob that is larger than the limit.
    TooLarge {
        /// Its id.
        id: ObjectId,
        /// Its size in bytes.
        size: u64,
    },
}

/// What was seen besides blobs.
#[derive(Debug, Default)]
pub struct Survey {
    /// What cannot be read.
    pub problems: BTreeSet<Problem>,
    /// Objects that some tree, commit or tag names, and that are not there.
    pub missing: BTreeSet<ObjectId>,
    /// Whether trees name submodules.
    pub submodules: bool,
}

/// The parts of a survey that all threads share.
struct Job<'a> {
    repository: &'a Repository,
    store: &'a Store,
    folders: &'a [PathBuf],
    hash: gix::hash::Kind,
    shallow: &'a HashSet<ObjectId>,
    limit: u64,
    /// Families of all packs, by pack and position.
    families: Vec<(u32, u32)>,
    next: AtomicUsize,
}

impl Repository {
    /// Hands every blob in the object store to a visitor, once, whether or not history reaches it; each of the `jobs` threads
    /// has a visitor of its own. Blobs larger than `limit` bytes are only named.
    pub fn survey<V>(&self, jobs: usize, limit: u64, visitor: impl Fn() -> V + Sync) -> Survey
    where
        V: FnMut(Event<'_>),
    {
        let (store, folders, mut problems) = self.store();
        let shallow = self.shallow(&mut problems);
        let mut survey = Survey::default();
        for (id, why) in store.packs.iter().flat_map(|pack| &pack.broken) {
            survey.problems.insert(Problem { name: format!("object {id}"), reason: (*why).to_owned() });
        }
        let named = self.named(&mut problems);
        survey.problems.extend(problems);
        survey.missing.extend(named.into_iter().filter(|id| !store.contains(id)));
        let families = (0u32..).zip(&store.packs).flat_map(|(i, pack)| pack.families.iter().map(move |f| (i, *f)));
        let job = Job {
            repository: self,
            store: &store,
            folders: &folders,
            hash: self.local().object_hash(),
            shallow: &shallow,
            limit,
            families: families.collect(),
            next: AtomicUsize::new(0),
        };
        let all = Mutex::new(survey);
        std::thread::scope(|scope| {
            for _ in 0..jobs.max(1) {
                scope.spawn(|| {
                    let own = job.run(&mut visitor());
                    all.lock().unwrap_or_else(PoisonError::into_inner).absorb(own);
                });
            }
        });
        let mut survey = all.into_inner().unwrap_or_else(PoisonError::into_inner);
        survey.problems.extend(self.overlooked(&survey.missing));
        survey
    }

    /// A folder of packs is not read at one moment: a `git gc` may write a pack after it was listed, and remove another before.
    /// What such a pack holds was not surveyed.
    fn overlooked(&self, missing: &BTreeSet<ObjectId>) -> Option<Problem> {
        let objects = &self.local().objects;
        let there = missing.iter().take(MAX_LOOKED_UP).any(|id| objects.exists(id));
        let reason = "objects were packed anew while it was read: scan it again".to_owned();
        there.then(|| Problem { name: self.name().to_owned(), reason })
    }
}

impl Repository {
    /// What refs and indexes name.
    fn named(&self, problems: &mut Vec<Problem>) -> HashSet<ObjectId> {
        let roots = self.roots(problems).into_iter().filter(|root| !root.logged).map(|root| root.id);
        let mut named: HashSet<ObjectId> = roots.collect();
        named.extend(self.indexed(problems).into_iter().map(|(id, _)| id));
        named
    }
}

impl Job<'_> {
    fn run(&self, visitor: &mut dyn FnMut(Event<'_>)) -> Survey {
        let mut look = Look { job: self, survey: Survey::default(), recent: vec![None; RECENT] };
        let mut buffers = Buffers::default();
        let total = self.families.len() + self.store.loose.len();
        loop {
            let start = self.next.fetch_add(BATCH, Ordering::Relaxed);
            if start >= total {
                return look.survey;
            }
            for at in start..(start + BATCH).min(total) {
                // A defect in a reader must not cost the rest.
                let work = AssertUnwindSafe(|| match self.families.get(at) {
                    Some((pack, root)) => look.family(*pack as usize, *root, &mut buffers, visitor),
                    None => look.loose(&self.store.loose[at - self.families.len()], visitor),
                });
                if std::panic::catch_unwind(work).is_err() {
                    let name = match self.families.get(at) {
                        Some((pack, root)) => self.store.packs[*pack as usize].id(*root),
                        None => self.store.loose[at - self.families.len()].id,
                    };
                    look.problem(
                        &name,
                        "internal error: not read, nor what is stored as a delta against it".to_owned(),
                    );
                }
            }
        }
    }
}

/// Ids that were found to be there are remembered, since one version of a tree names nearly the same as the next.
const RECENT: usize = 1 << 14;

/// What one thread looks at.
struct Look<'a> {
    job: &'a Job<'a>,
    survey: Survey,
    recent: Vec<Option<ObjectId>>,
}

impl Look<'_> {
    fn family(&mut self, pack: usize, root: u32, buffers: &mut Buffers, visitor: &mut dyn FnMut(Event<'_>)) {
        let store = self.job.store;
        store.packs[pack].family(root, self.job.limit, buffers, &mut |kind, id, read| {
            if !store.is_in_earlier_pack(pack, &id) {
                self.object(kind, id, read, visitor);
            }
        });
    }

    fn loose(&mut self, loose: &Loose, visitor: &mut dyn FnMut(Event<'_>)) {
        let store = loose::Store::at(&self.job.folders[loose.store], self.job.hash);
        let id = loose.id;
        let mut bytes = Vec::new();
        let found = match store.try_header(&id) {
            Ok(Some((size, kind))) if size > self.job.limit => {
                return self.object(kind, id, Read::TooLarge(size), visitor);
            }
            Ok(_) => store.try_find(&id, &mut bytes),
            Err(error) => Err(error),
        };
        match found {
            Ok(Some(object)) => {
                // Nothing else notices a changed byte: not even the checksum of the compression is looked at.
                if object.verify_checksum(&id).is_err() {
                    self.problem(&id, "its content is not what it is named for".into());
                }
                self.object(object.kind, id, Read::Bytes(object.data), visitor);
            }
            Ok(None) => self.moved(id, visitor),
            Err(error) => self.problem(&id, reason(&error)),
        }
    }

    /// Reads an object that was loose when objects were listed and is not now: a `git gc` beside the scan packs or removes it.
    fn moved(&mut self, id: ObjectId, visitor: &mut dyn FnMut(Event<'_>)) {
        let local = self.job.repository.local();
        let mut bytes = Vec::new();
        match local.objects.try_header(&id) {
            Ok(Some(header)) if header.size > self.job.limit => {
                self.object(header.kind, id, Read::TooLarge(header.size), visitor);
            }
            Ok(_) => match local.objects.try_find(&id, &mut bytes) {
                Ok(Some(object)) => self.object(object.kind, id, Read::Bytes(object.data), visitor),
                // Removed: what history needs of it is told.
                Ok(None) => self.absent(&id),
                Err(error) => self.problem(&id, reason(&error)),
            },
            Err(error) => self.problem(&id, reason(&error)),
        }
    }

    fn object(&mut self, kind: Kind, id: ObjectId, read: Read<'_>, visitor: &mut dyn FnMut(Event<'_>)) {
        match (kind, read) {
            (_, Read::Broken(reason)) => self.problem(&id, reason),
            (Kind::Blob, Read::Bytes(bytes)) => visitor(Event::Blob { id, bytes }),
            (Kind::Blob, Read::TooLarge(size)) => visitor(Event::TooLarge { id, size }),
            (_, Read::TooLarge(size)) => self.problem(&id, format!("a {kind} of {size} bytes is not read")),
            (_, Read::Bytes(bytes)) if bytes.len() as u64 > MAX_STRUCTURE => {
                self.problem(&id, format!("a {kind} of {} bytes is not read", bytes.len()));
            }
            (Kind::Tree, Read::Bytes(bytes)) => {
                visitor(Event::Tree { bytes });
                self.tree(&id, bytes);
            }
            (Kind::Commit, Read::Bytes(bytes)) => self.commit(&id, bytes),
            (Kind::Tag, Read::Bytes(bytes)) => match TagRefIter::from_bytes(bytes, self.job.hash).target_id() {
                Ok(target) => self.named(&target),
                Err(error) => self.problem(&id, reason(&error)),
            },
        }
    }

    fn problem(&mut self, id: &oid, reason: String) {
        self.survey.problems.insert(Problem { name: format!("object {id}"), reason });
    }

    fn tree(&mut self, id: &oid, bytes: &[u8]) {
        for entry in TreeRefIter::from_bytes(bytes, self.job.hash) {
            match entry {
                Ok(entry) if entry.mode.is_commit() => self.survey.submodules = true,
                Ok(entry) => self.named(entry.oid),
                Err(error) => return self.problem(id, reason(&error)),
            }
        }
    }

    fn commit(&mut self, id: &oid, bytes: &[u8]) {
        let mut iter = CommitRefIter::from_bytes(bytes, self.job.hash);
        match iter.tree_id() {
            Ok(tree) => self.named(&tree),
            Err(error) => return self.problem(id, reason(&error)),
        }
        if !self.job.shallow.contains(id) {
            CommitRefIter::from_bytes(bytes, self.job.hash).parent_ids().for_each(|parent| self.named(&parent));
        }
    }

    fn named(&mut self, id: &oid) {
        let slot = id.as_bytes().last_chunk().map_or(0, |bytes| u32::from_le_bytes(*bytes) as usize) % RECENT;
        if self.recent[slot].as_deref() == Some(id) {
            return;
        }
        if self.job.store.contains(id) {
            self.recent[slot] = Some(id.to_owned());
        } else {
            self.absent(id);
        }
    }

    fn absent(&mut self, id: &oid) {
        if self.survey.missing.len() < MAX_MISSING {
            self.survey.missing.insert(id.to_owned());
        }
    }
}

impl Survey {
    fn absorb(&mut self, other: Survey) {
        self.problems.extend(other.problems);
        self.missing.extend(other.missing);
        self.submodules |= other.submodules;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;
    use std::process::Command;
    use std::sync::Once;

    fn git(folder: &Path, arguments: &[&str]) -> bool {
        let name = ["-c", "user.name=x", "-c", "user.email=x@example.org"];
        Command::new("git").args(name).args(arguments).current_dir(folder).status().is_ok_and(|status| status.success())
    }

    /// A repository of twenty loose blobs.
    fn loose_blobs() -> Option<tempfile::TempDir> {
        let folder = tempfile::tempdir().unwrap();
        if !git(folder.path(), &["init", "-q"]) {
            eprintln!("skipped: no git here");
            return None;
        }
        for i in 0..20 {
            std::fs::write(folder.path().join(i.to_string()), format!("content {i}")).unwrap();
        }
        assert!(git(folder.path(), &["add", "-A"]) && git(folder.path(), &["commit", "-q", "-m", "x"]));
        Some(folder)
    }

    /// What a survey sees of such a repository when `meanwhile` runs at the first blob.
    fn surveyed_while(meanwhile: &[&[&str]]) -> Option<(usize, Survey)> {
        let folder = loose_blobs()?;
        let repository = Repository::open(folder.path(), false).unwrap();
        let (once, blobs) = (Once::new(), AtomicUsize::new(0));
        let survey = repository.survey(1, u64::MAX, || {
            |event: Event<'_>| {
                once.call_once(|| meanwhile.iter().for_each(|arguments| assert!(git(folder.path(), arguments))));
                blobs.fetch_add(usize::from(matches!(event, Event::Blob { .. })), Ordering::Relaxed);
            }
        });
        Some((blobs.into_inner(), survey))
    }

    #[test]
    fn a_loose_object_that_is_another_one_is_told_and_read() {
        let Some(folder) = loose_blobs() else { return };
        let object = |content: &str| {
            let id =
                gix::objs::compute_hash(gix::hash::Kind::Sha1, Kind::Blob, content.as_bytes()).unwrap().to_string();
            folder.path().join(".git/objects").join(&id[..2]).join(&id[2..])
        };
        std::fs::remove_file(object("content 2")).unwrap();
        std::fs::copy(object("content 1"), object("content 2")).unwrap();
        let blobs = AtomicUsize::new(0);
        let survey = Repository::open(folder.path(), false).unwrap().survey(1, u64::MAX, || {
            |event: Event<'_>| {
                blobs.fetch_add(usize::from(matches!(event, Event::Blob { .. })), Ordering::Relaxed);
            }
        });
        assert_eq!((blobs.into_inner(), survey.problems.len()), (20, 1), "{survey:?}");
    }

    #[test]
    fn objects_that_are_packed_meanwhile_are_read() {
        let Some((blobs, survey)) = surveyed_while(&[&["repack", "-q", "-a", "-d"]]) else { return };
        assert_eq!(blobs, 20, "{survey:?}");
        assert!(survey.problems.is_empty() && survey.missing.is_empty(), "{survey:?}");
    }

    #[test]
    fn objects_that_are_removed_meanwhile_are_told() {
        let gone: &[&[&str]] = &[
            &["update-ref", "-d", "HEAD"],
            &["read-tree", "--empty"],
            &["reflog", "expire", "--expire=all", "--all"],
            &["prune"],
        ];
        let Some((blobs, survey)) = surveyed_while(gone) else { return };
        assert_eq!(blobs, 1);
        // The tree and the commit may have been read before.
        assert!((19..=21).contains(&survey.missing.len()), "{survey:?}");
    }
}
