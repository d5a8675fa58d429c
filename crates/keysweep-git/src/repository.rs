//! A repository, and the roots of its history.

use crate::quarantine::Quarantine;
use crate::store::Store;
use crate::trap;
use gix::bstr::ByteSlice;
use gix::objs::{Find, FindHeader};
use gix::refs::TargetRef;
use gix::{ObjectId, ThreadSafeRepository};
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::{Path, PathBuf};

/// Files of a folder of loose refs or reflogs that are read; more is no repository but a trap.
const MAX_FILES: usize = 1_000_000;
/// Depth to which such folders are entered.
const MAX_DEPTH: usize = 64;

/// Why a repository cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is none, or it is damaged, or of a kind that is not supported.
    #[error("{path}: {reason}")]
    Open {
        /// Where it was looked for.
        path: String,
        /// Why it cannot be opened.
        reason: String,
    },
    /// A part of it cannot be read.
    #[error("{what}: {reason}")]
    Read {
        /// The part.
        what: String,
        /// Why it cannot be read.
        reason: String,
    },
}

/// Something that cannot be read, while the rest can.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// What: a file, or an object by its id.
    pub name: String,
    /// Why.
    pub reason: String,
}

impl Problem {
    pub(crate) fn of_file(path: &Path, error: &std::io::Error) -> Self {
        Self { name: path.display().to_string(), reason: error.to_string() }
    }
}

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

/// A git repository, opened.
pub struct Repository {
    pub(crate) shared: ThreadSafeRepository,
    name: String,
    quarantine: Option<Quarantine>,
}

impl Repository {
    /// Opens the repository at `path` or above it. With `environment`, git's variables (`GIT_DIR`, `GIT_INDEX_FILE` …) are
    /// followed, as in a hook; also `GIT_OBJECT_DIRECTORY`, so that what is pushed is seen before it is accepted.
    ///
    /// # Errors
    ///
    /// There is no repository, or of a kind that is not supported.
    pub fn open(path: &Path, environment: bool) -> Result<Self, Error> {
        let name = path.display().to_string();
        if let Some(file) = trap::find(path) {
            let reason = format!("{} is a pipe, socket or device: not opened", file.display());
            return Err(Error::Open { path: name, reason });
        }
        let opened = if environment {
            ThreadSafeRepository::discover_with_environment_overrides(path)
        } else {
            ThreadSafeRepository::discover(path)
        };
        let failed = |reason: String| Error::Open { path: name.clone(), reason };
        let mut shared = opened.map_err(|error| failed(reason(&error)))?;
        let quarantine = if environment { Quarantine::from_environment().map_err(failed)? } else { None };
        if let Some(quarantine) = &quarantine {
            let hash = shared.to_thread_local().object_hash();
            shared.objects = quarantine.objects(hash).map_err(|error| failed(reason(&error)))?;
        }
        let repository = Self { shared, name, quarantine };
        let local = repository.local();
        if local.config_snapshot().string("extensions.refStorage").is_some_and(|v| !v.eq_ignore_ascii_case(b"files")) {
            let reason = "its refs are in a reftable, which is not supported".to_owned();
            return Err(Error::Open { path: repository.name.clone(), reason });
        }
        Ok(repository)
    }

    /// How the repository was named.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A handle for one thread. Objects are read as they are, also those that `git replace` hides.
    pub(crate) fn local(&self) -> gix::Repository {
        let mut local = self.shared.to_thread_local();
        local.objects.ignore_replacements = true;
        local
    }

    /// The folder that all work trees share.
    fn common_dir(&self) -> PathBuf {
        self.shared.to_thread_local().common_dir().to_owned()
    }

    /// Where its hooks lie: `core.hooksPath`, or the folder that all work trees share.
    pub fn hooks_folder(&self) -> PathBuf {
        let local = self.local();
        let configured = local.config_snapshot().trusted_path("core.hooksPath").ok().flatten();
        match configured {
            // Relative to where hooks run.
            Some(path) => local.workdir().unwrap_or(local.git_dir()).join(path),
            None => self.common_dir().join("hooks"),
        }
    }

    /// The work tree, if there is one.
    pub fn work_tree(&self) -> Option<PathBuf> {
        self.local().workdir().map(Path::to_owned)
    }

    /// Folders of objects: its own, and those of the repositories it borrows from.
    fn object_folders(&self, problems: &mut Vec<Problem>) -> Vec<PathBuf> {
        let own = match &self.quarantine {
            Some(quarantine) => quarantine.folder().to_owned(),
            None => self.common_dir().join("objects"),
        };
        let mut folders = vec![own.clone()];
        let current = std::env::current_dir().unwrap_or_default();
        match gix::odb::alternate::resolve(own.clone(), &current) {
            Ok(alternates) => folders.extend(alternates),
            Err(error) => problems.push(Problem { name: own.display().to_string(), reason: reason(&error) }),
        }
        folders
    }

    pub(crate) fn store(&self) -> (Store, Vec<PathBuf>, Vec<Problem>) {
        let mut problems = Vec::new();
        let folders = self.object_folders(&mut problems);
        let (store, more) = Store::open(&folders, self.shared.to_thread_local().object_hash());
        problems.extend(more);
        (store, folders, problems)
    }

    /// Commits whose parents are left out of a shallow clone.
    pub(crate) fn shallow(&self, problems: &mut Vec<Problem>) -> HashSet<ObjectId> {
        match self.local().shallow_commits() {
            Ok(commits) => commits.map(|list| list.iter().copied().collect()).unwrap_or_default(),
            Err(error) => {
                problems.push(Problem { name: self.name.clone(), reason: reason(&error) });
                HashSet::new()
            }
        }
    }

    /// Whether history is cut off.
    pub fn is_shallow(&self) -> bool {
        self.local().is_shallow().unwrap_or(true)
    }

    /// The bytes of a blob.
    ///
    /// # Errors
    ///
    /// It is missing or damaged.
    pub fn blob(&self, id: &ObjectId) -> Result<Vec<u8>, Error> {
        let failed = |reason: String| Error::Read { what: format!("object {id}"), reason };
        let mut bytes = Vec::new();
        match self.local().objects.try_find(id, &mut bytes) {
            Ok(Some(object)) if object.kind == gix::objs::Kind::Blob => Ok(bytes),
            Ok(Some(object)) => Err(failed(format!("a {}, not a blob", object.kind))),
            Ok(None) => Err(failed(self.missing())),
            Err(error) => Err(failed(reason(&error))),
        }
    }

    /// The bytes of a blob; `None` if there are more than `limit`.
    ///
    /// # Errors
    ///
    /// It is missing or damaged.
    pub fn blob_up_to(&self, id: &ObjectId, limit: u64) -> Result<Option<Vec<u8>>, Error> {
        let failed = |reason: String| Error::Read { what: format!("object {id}"), reason };
        let header = self.local().objects.try_header(id).map_err(|error| failed(reason(&error)))?;
        match header {
            None => Err(failed(self.missing())),
            Some(header) if header.size > limit => Ok(None),
            Some(_) => self.blob(id).map(Some),
        }
    }

    /// Why an object may be missing.
    fn missing(&self) -> String {
        let why = "missing: this is a partial clone, which leaves objects on the server until they are needed \
                   (`git fetch --refetch --no-filter` gets them)";
        if self.is_partial() { why.to_owned() } else { "missing".to_owned() }
    }

    /// Whether a remote has promised what is missing: a partial clone.
    pub fn is_partial(&self) -> bool {
        let local = self.local();
        let config = local.config_snapshot();
        let extension = config.string("extensions.partialClone").is_some();
        extension
            || local
                .remote_names()
                .iter()
                .any(|name| config.boolean(&format!("remote.{name}.promisor")).unwrap_or(false))
    }

    /// Everything history begins at: refs, `HEAD`s and private refs of all work trees, their logs and their indexes.
    pub(crate) fn roots(&self, problems: &mut Vec<Problem>) -> Vec<Root> {
        let mut roots = Roots { found: BTreeMap::new(), problems };
        roots.refs(&self.local());
        let common = self.common_dir();
        let mut folders = vec![common.clone()];
        roots.logs(&common.join("logs"));
        for linked in list(&common.join("worktrees")) {
            roots.files(&linked.join("refs"));
            roots.logs(&linked.join("logs"));
            folders.push(linked);
        }
        for folder in &folders {
            roots.file(&folder.join("HEAD"), "HEAD");
        }
        roots.found.into_values().collect()
    }

    /// Blobs that indexes name, with their paths: they are kept as long as they are staged.
    pub(crate) fn indexed(&self, problems: &mut Vec<Problem>) -> BTreeSet<(ObjectId, Vec<u8>)> {
        let common = self.common_dir();
        let hash = self.local().object_hash();
        let mut blobs = BTreeSet::new();
        for folder in std::iter::once(common.clone()).chain(list(&common.join("worktrees"))) {
            let path = folder.join("index");
            if !path.exists() {
                continue;
            }
            match gix::index::File::at(&path, hash, true, gix::index::decode::Options::default()) {
                Ok(index) => blobs.extend(
                    index
                        .entries()
                        .iter()
                        .filter(|e| !e.mode.is_submodule() && !e.mode.is_sparse())
                        .filter(|e| !e.flags.contains(gix::index::entry::Flags::INTENT_TO_ADD))
                        .map(|e| (e.id, e.path(&index).to_vec())),
                ),
                Err(error) => problems.push(Problem { name: path.display().to_string(), reason: reason(&error) }),
            }
        }
        blobs
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

    fn refs(&mut self, local: &gix::Repository) {
        let platform = match local.references() {
            Ok(platform) => platform,
            Err(error) => return self.problem("refs", reason(&error)),
        };
        let all = match platform.all() {
            Ok(all) => all,
            Err(error) => return self.problem("refs", reason(&error)),
        };
        for reference in all {
            match reference {
                Ok(reference) => {
                    if let TargetRef::Object(id) = reference.target() {
                        let name = reference.name().as_bstr().to_string();
                        let remote = name.starts_with("refs/remotes/");
                        self.add(Root { id: id.to_owned(), name, logged: false, remote });
                    }
                }
                Err(error) => self.problem("refs", error.to_string()),
            }
        }
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
                    Ok(_) => self.problem(path.display().to_string(), "not read: too many or too deep".to_owned()),
                    Err(error) => self.problems.push(Problem::of_file(&path, &error)),
                }
            }
        }
        files
    }
}

/// What lies in a folder, sorted; nothing if it cannot be read.
fn list(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten();
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    paths
}

/// An error with its causes, on one line.
pub(crate) fn reason(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        if !next.is_empty() && !text.contains(&next) {
            text = format!("{text}: {next}");
        }
        cause = error.source();
    }
    text.lines().map(str::trim).collect::<Vec<_>>().join(" ")
}
