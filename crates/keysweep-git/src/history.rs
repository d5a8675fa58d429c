//! The second look at a repository: which commits brought given blobs to which paths, and which missing objects matter.
//!
//! Commits are gone through oldest first, and of each one's tree only what no earlier one had: a tree that holds none of the
//! blobs is read once, whatever the number of commits and paths that name it.

use crate::commits::{Commit, Commits};
use crate::repository::{Problem, Repository, reason};
use gix::ObjectId;
use gix::objs::{Find, Kind, TreeRefIter};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};

/// Places kept of one blob.
pub const MAX_PLACES: usize = 100;
/// Visits of trees that hold wanted blobs, at all paths: a tree that names another one ten times, and so on, has more paths
/// than there are atoms.
const MAX_VISITS: usize = if cfg!(test) { 1_000 } else { 8_000_000 };
/// Depth of trees; git's own limit is 2048.
const MAX_DEPTH: usize = 2_048;
/// Trees kept that were read lately, in bytes.
const CACHE: usize = 64 << 20;

/// A path at which history has a blob.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The first commit that has it there; `None` for what only the index or a tag holds.
    pub commit: Option<ObjectId>,
    /// Date of its author, seconds since 1970 UTC.
    pub author_date: Option<i64>,
    /// The path; of a blob that is tagged by itself, the tag.
    pub path: Vec<u8>,
    /// Whether `HEAD` has it there.
    pub in_head: bool,
    /// Whether a remote-tracking ref contains the commit.
    pub pushed: bool,
}

/// Tells whether all that lies at a path is wanted.
pub type PathFilter<'a> = &'a dyn Fn(&[u8]) -> bool;

/// What the second look is for.
#[derive(Clone, Copy)]
pub struct Wanted<'a> {
    /// Blobs whose places are to be told.
    pub blobs: &'a HashSet<ObjectId>,
    /// At which paths all blobs are wanted, too.
    pub paths: Option<PathFilter<'a>>,
    /// Objects that are not there: those that history needs are told.
    pub absent: &'a BTreeSet<ObjectId>,
}

impl Wanted<'_> {
    fn is_nothing(&self) -> bool {
        self.blobs.is_empty() && self.paths.is_none() && self.absent.is_empty()
    }

    fn holds(&self, id: &ObjectId, path: &[u8]) -> bool {
        self.blobs.contains(id) || self.paths.is_some_and(|is_wanted| is_wanted(path))
    }
}

/// What the second look tells.
#[derive(Debug, Default)]
pub struct History {
    /// Places of the wanted blobs that history reaches, oldest first.
    pub places: BTreeMap<ObjectId, Vec<Place>>,
    /// Blobs with more places than are kept.
    pub cut: BTreeSet<ObjectId>,
    /// Missing objects that history needs, each with the path, ref or commit that names it.
    pub missing: BTreeMap<ObjectId, String>,
    /// What cannot be read.
    pub problems: BTreeSet<Problem>,
}

impl Repository {
    /// Looks for what is `wanted` in all of history; reads nothing if that is nothing.
    pub fn history(&self, wanted: Wanted<'_>) -> History {
        if wanted.is_nothing() {
            return History::default();
        }
        let mut problems = Vec::new();
        let roots = self.roots(&mut problems);
        let commits = Commits::load(self, &roots, &mut problems);
        let mut local = self.local();
        local.objects.set_pack_cache(|| Box::new(gix::odb::pack::cache::lru::MemoryCappedHashmap::new(CACHE)));
        let head = self.head().unwrap_or_else(|error| {
            problems.push(Problem { name: "HEAD".to_owned(), reason: reason(&error) });
            None
        });
        let mut search = Search {
            local,
            wanted,
            head,
            boring: HashSet::new(),
            hasher: RandomState::new(),
            visited: HashSet::new(),
            full: HashSet::new(),
            heads: HashMap::new(),
            history: History::default(),
        };
        for position in commits.oldest_first() {
            let commit = &commits.list[position as usize];
            search.tree(commit.tree, &mut Vec::new(), Some(commit), 0);
        }
        for (id, kind, name) in &commits.others {
            match kind {
                Kind::Tree => drop(search.tree(*id, &mut Vec::new(), None, 0)),
                _ => drop(search.blob(*id, name.as_bytes(), None)),
            }
        }
        for (id, path) in self.indexed(&mut problems) {
            if !search.history.places.get(&id).is_some_and(|places| places.iter().any(|p| p.path == path)) {
                search.blob(id, &path, None);
            }
        }
        let mut history = search.history;
        history.missing.extend(commits.missing);
        history.problems.extend(problems);
        history
    }

    /// The submodules that `HEAD` names.
    pub fn submodules(&self) -> BTreeSet<String> {
        let local = self.local();
        let mut found = BTreeSet::new();
        let mut open: Vec<(ObjectId, Vec<u8>)> =
            self.head().ok().flatten().map(|tree| (tree, Vec::new())).into_iter().collect();
        let mut seen = HashSet::new();
        let mut buffer = Vec::new();
        while let Some((tree, path)) = open.pop() {
            let Ok(Some(object)) = local.objects.try_find(&tree, &mut buffer) else { continue };
            for entry in TreeRefIter::from_bytes(object.data, local.object_hash()).map_while(Result::ok) {
                let path = join(&path, entry.filename);
                if entry.mode.is_commit() {
                    found.insert(String::from_utf8_lossy(&path).into_owned());
                } else if entry.mode.is_tree() && seen.insert(entry.oid.to_owned()) {
                    open.push((entry.oid.to_owned(), path));
                }
            }
        }
        found
    }
}

pub(crate) fn join(folder: &[u8], name: &[u8]) -> Vec<u8> {
    let mut path = folder.to_vec();
    if !path.is_empty() {
        path.push(b'/');
    }
    path.extend_from_slice(name);
    path
}

struct Search<'a> {
    local: gix::Repository,
    wanted: Wanted<'a>,
    head: Option<ObjectId>,
    /// Trees that hold no wanted blob at any depth, with a hash of the path where that depends on it.
    boring: HashSet<(ObjectId, u64)>,
    hasher: RandomState,
    /// Other trees, with the paths at which they were seen.
    visited: HashSet<(ObjectId, Vec<u8>)>,
    /// Trees below which no blob is wanted but those with more places than are kept.
    full: HashSet<ObjectId>,
    /// What `HEAD` has at a path.
    heads: HashMap<Vec<u8>, Option<ObjectId>>,
    history: History,
}

impl Search<'_> {
    /// Looks through a tree; whether it holds a wanted blob.
    fn tree(&mut self, id: ObjectId, path: &mut Vec<u8>, commit: Option<&Commit>, depth: usize) -> bool {
        if self.is_boring(id, path) {
            return false;
        }
        if depth > MAX_DEPTH {
            self.problem(id, "trees are nested deeper than git allows".to_owned());
            return false;
        }
        if self.full.contains(&id) || self.visited.contains(&(id, path.clone())) {
            return true;
        }
        if self.visited.len() >= MAX_VISITS {
            let name = "trees".to_owned();
            let reason = "there are more paths to what was found than are followed: not all of it is listed".to_owned();
            self.history.problems.insert(Problem { name, reason });
            return true;
        }
        let Some(entries) = self.entries(id, path, commit) else {
            self.bore(id, path);
            return false;
        };
        let mut holds = false;
        // Whether blobs are wanted at some paths only is not known of other paths.
        let mut is_full = self.wanted.paths.is_none();
        let length = path.len();
        for (is_tree, name, child) in entries {
            if length > 0 {
                path.push(b'/');
            }
            path.extend_from_slice(&name);
            let child_holds =
                if is_tree { self.tree(child, path, commit, depth + 1) } else { self.blob(child, path, commit) };
            path.truncate(length);
            holds |= child_holds;
            is_full &= !child_holds || self.full.contains(&child) || self.history.cut.contains(&child);
        }
        if holds {
            self.visited.insert((id, path.clone()));
            if is_full {
                self.full.insert(id);
            }
        } else {
            self.bore(id, path);
        }
        holds
    }

    fn boring_key(&self, id: ObjectId, path: &[u8]) -> (ObjectId, u64) {
        (id, self.wanted.paths.map_or(0, |_| self.hasher.hash_one(path)))
    }

    fn is_boring(&self, id: ObjectId, path: &[u8]) -> bool {
        self.boring.contains(&self.boring_key(id, path))
    }

    fn bore(&mut self, id: ObjectId, path: &[u8]) {
        self.boring.insert(self.boring_key(id, path));
    }

    /// Entries of a tree that are trees or wanted or missing blobs.
    fn entries(
        &mut self,
        id: ObjectId,
        path: &[u8],
        commit: Option<&Commit>,
    ) -> Option<Vec<(bool, Vec<u8>, ObjectId)>> {
        let mut buffer = Vec::new();
        let object = match self.local.objects.try_find(&id, &mut buffer) {
            Ok(Some(object)) if object.kind == Kind::Tree => object,
            Ok(Some(_)) => {
                self.problem(id, "not a tree".to_owned());
                return None;
            }
            Ok(None) => {
                self.missing(id, path, commit);
                return None;
            }
            Err(error) => {
                self.problem(id, reason(&error));
                return None;
            }
        };
        let mut entries = Vec::new();
        for entry in TreeRefIter::from_bytes(object.data, self.local.object_hash()) {
            // A damaged tree was told by the survey.
            let Ok(entry) = entry else { break };
            let id = entry.oid.to_owned();
            // Joined only where it matters: a repository has more entries than anything else.
            let below = || self.wanted.paths.map(|_| join(path, entry.filename)).unwrap_or_default();
            let wanted = if entry.mode.is_tree() {
                !self.is_boring(id, &below())
            } else {
                entry.mode.is_blob_or_symlink()
                    && (self.wanted.absent.contains(&id) || self.wanted.holds(&id, &below()))
            };
            if wanted {
                entries.push((entry.mode.is_tree(), entry.filename.to_vec(), id));
            }
        }
        Some(entries)
    }

    /// Notes a place of a blob; whether it is a wanted one.
    fn blob(&mut self, id: ObjectId, path: &[u8], commit: Option<&Commit>) -> bool {
        if self.wanted.absent.contains(&id) {
            self.missing(id, path, commit);
            return false;
        }
        if !self.wanted.holds(&id, path) {
            return false;
        }
        let places = self.history.places.entry(id).or_default();
        if places.iter().any(|place| place.path == path) {
            return true;
        }
        if places.len() >= MAX_PLACES {
            self.history.cut.insert(id);
            return true;
        }
        let place = Place {
            commit: commit.map(|c| c.id),
            author_date: commit.and_then(|c| c.author_date),
            path: path.to_vec(),
            in_head: false,
            pushed: commit.is_some_and(|c| c.pushed),
        };
        let in_head = self.at_head(path) == Some(id);
        self.history.places.entry(id).or_default().push(Place { in_head, ..place });
        true
    }

    /// What `HEAD` has at a path.
    fn at_head(&mut self, path: &[u8]) -> Option<ObjectId> {
        if let Some(known) = self.heads.get(path) {
            return *known;
        }
        let mut id = self.head;
        for name in path.split(|b| *b == b'/') {
            let Some(tree) = id else { break };
            let mut buffer = Vec::new();
            let object = self.local.objects.try_find(&tree, &mut buffer).ok().flatten();
            id = object.filter(|o| o.kind == Kind::Tree).and_then(|object| {
                TreeRefIter::from_bytes(object.data, self.local.object_hash())
                    .map_while(Result::ok)
                    .find(|entry| entry.filename == name)
                    .map(|entry| entry.oid.to_owned())
            });
        }
        self.heads.insert(path.to_vec(), id);
        id
    }

    fn missing(&mut self, id: ObjectId, path: &[u8], commit: Option<&Commit>) {
        let named_by = || match commit {
            Some(commit) if path.is_empty() => format!("commit {}", commit.id),
            _ => String::from_utf8_lossy(path).into_owned(),
        };
        self.history.missing.entry(id).or_insert_with(named_by);
    }

    fn problem(&mut self, id: ObjectId, reason: String) {
        self.history.problems.insert(Problem { name: format!("object {id}"), reason });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gix::objs::{Tree, tree};
    use std::path::Path;

    /// A tree of these entries, sorted by name; names that end in a slash are folders.
    fn tree(repository: &gix::Repository, entries: &[(&str, ObjectId)]) -> ObjectId {
        let entry = |(name, oid): &(&str, ObjectId)| tree::Entry {
            mode: if name.ends_with('/') { tree::EntryKind::Tree } else { tree::EntryKind::Blob }.into(),
            filename: name.trim_end_matches('/').into(),
            oid: *oid,
        };
        repository.write_object(Tree { entries: entries.iter().map(entry).collect() }).unwrap().detach()
    }

    /// A repository in which a tag names the tree that `make` returns.
    fn repository(folder: &Path, make: impl FnOnce(&gix::Repository) -> ObjectId) -> Repository {
        let plain = gix::init_bare(folder).unwrap();
        let root = make(&plain);
        std::fs::write(folder.join("refs/tags/t"), format!("{root}\n")).unwrap();
        Repository::open(folder, false).unwrap()
    }

    fn paths(history: &History) -> Vec<String> {
        let places = history.places.values().flatten();
        let mut paths: Vec<String> = places.map(|p| String::from_utf8_lossy(&p.path).into_owned()).collect();
        paths.sort();
        paths
    }

    #[test]
    fn what_is_wanted_by_its_path_is_told_there_and_not_elsewhere() {
        let folder = tempfile::tempdir().unwrap();
        let mut named = None;
        let repository = repository(folder.path(), |git| {
            let blob = git.write_blob("x").unwrap().detach();
            named = Some(git.write_blob("named").unwrap().detach());
            // The same tree where nothing is wanted, and where something is.
            let inner = tree(git, &[("a.txt", blob), ("b.p12", blob)]);
            let outer = tree(git, &[("inner/", inner)]);
            tree(git, &[("a/", outer), ("certs/", outer), ("d.txt", named.unwrap())])
        });
        let (nothing, absent) = (HashSet::new(), BTreeSet::new());
        let is_wanted = |path: &[u8]| path.starts_with(b"certs/") && path.ends_with(b".p12");
        let wanted = Wanted { blobs: &nothing, paths: Some(&is_wanted), absent: &absent };
        assert_eq!(paths(&repository.history(wanted)), ["certs/inner/b.p12"]);
        let blobs = HashSet::from([named.unwrap()]);
        let history = repository.history(Wanted { blobs: &blobs, ..wanted });
        assert_eq!(paths(&history), ["certs/inner/b.p12", "d.txt"]);
        assert_eq!(paths(&repository.history(Wanted { blobs: &blobs, paths: None, ..wanted })), ["d.txt"]);
        assert!(history.problems.is_empty());
    }

    #[test]
    fn more_paths_than_are_followed_are_told() {
        let folder = tempfile::tempdir().unwrap();
        let mut late = None;
        let repository = repository(folder.path(), |git| {
            let blob = git.write_blob("x").unwrap().detach();
            let mut inner = tree(git, &[("x", blob)]);
            for _ in 0..6 {
                let names: Vec<String> = (0..10).map(|n| format!("{n}/")).collect();
                inner = tree(git, &names.iter().map(|name| (name.as_str(), inner)).collect::<Vec<_>>());
            }
            late = Some(git.write_blob("late").unwrap().detach());
            let last = tree(git, &[("late", late.unwrap())]);
            tree(git, &[("a/", inner), ("z/", last)])
        });
        let absent = BTreeSet::new();
        let blobs = HashSet::from([late.unwrap(), repository.local().write_blob("x").unwrap().detach()]);
        let x = repository.local().write_blob("x").unwrap().detach();
        // Once enough places of a blob are known, the others are not looked for.
        let history = repository.history(Wanted { blobs: &blobs, paths: None, absent: &absent });
        assert_eq!(history.places[&late.unwrap()][0].path, b"z/late");
        assert_eq!((history.places[&x].len(), history.cut), (MAX_PLACES, BTreeSet::from([x])));
        assert!(history.problems.is_empty());
        // Nor are those that a range brings.
        let local = repository.local();
        let root = local.find_reference("refs/tags/t").unwrap().id().detach();
        let changes = crate::change::between(&local, root, &[]).unwrap();
        assert!(changes.iter().any(|change| change.path == b"z/late"));
        assert!((MAX_PLACES..5_000).contains(&changes.len()), "{}", changes.len());
        let is_wanted = |path: &[u8]| path.ends_with(b"/another");
        let history = repository.history(Wanted { blobs: &blobs, paths: Some(&is_wanted), absent: &absent });
        assert!(!history.places.contains_key(&late.unwrap()));
        let told: Vec<&str> = history.problems.iter().map(|problem| problem.reason.as_str()).collect();
        assert!(told.len() == 1 && told[0].contains("more paths"), "{told:?}");
    }
}
