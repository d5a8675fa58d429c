//! A repository, opened.

use crate::alternates::{self, Untied};
use crate::quarantine::Quarantine;
use crate::store::Store;
use crate::trap;
use gix::objs::{Find, FindHeader};
use gix::{ObjectId, ThreadSafeRepository};
use std::collections::{BTreeSet, HashSet};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

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

impl From<Problem> for Error {
    fn from(Problem { name, reason }: Problem) -> Self {
        Self::Read { what: name, reason }
    }
}

impl Problem {
    pub(crate) fn of_file(path: &Path, error: &std::io::Error) -> Self {
        Self { name: path.display().to_string(), reason: error.to_string() }
    }
}

/// A git repository, opened.
pub struct Repository {
    pub(crate) shared: ThreadSafeRepository,
    name: String,
    quarantine: Option<Quarantine>,
    /// Held as long as objects are read through it.
    untied: Option<Untied>,
    /// Whether refs and logs are in tables, not in files.
    pub(crate) reftable: bool,
    /// The tree of `HEAD` when it was first asked for.
    pub(crate) head_tree: OnceLock<Option<ObjectId>>,
}

impl Repository {
    /// Opens the repository at `path` or above it. With `environment`, git's variables (`GIT_DIR`, `GIT_INDEX_FILE` …) are
    /// followed, as in a hook; also `GIT_OBJECT_DIRECTORY`, so that what is pushed is seen before it is accepted.
    ///
    /// # Errors
    ///
    /// There is no repository, or of a kind that is not supported.
    pub fn open(path: &Path, environment: bool) -> Result<Self, Error> {
        keysweep_guard::guard();
        let name = path.display().to_string();
        if let Some(file) = trap::find(path) {
            let reason = format!("{} is {}", file.display(), trap::REASON);
            return Err(Error::Open { path: name, reason });
        }
        let failed = |reason: String| Error::Open { path: name.clone(), reason };
        let (mut shared, untied) = discover(path, environment).map_err(failed)?;
        let quarantine = if environment { Quarantine::from_environment().map_err(failed)? } else { None };
        if let Some(quarantine) = &quarantine {
            let hash = shared.to_thread_local().object_hash();
            shared.objects = quarantine.objects(hash).map_err(|error| failed(reason(&error)))?;
        }
        let reftable = {
            let local = shared.to_thread_local();
            let storage =
                local.config_snapshot().string("extensions.refStorage").map(|value| value.to_ascii_lowercase());
            match storage.as_deref() {
                None | Some(b"files") => false,
                Some(b"reftable") => true,
                Some(_) => return Err(failed("its refs are kept in a way that is not supported".to_owned())),
            }
        };
        Ok(Self { shared, name, quarantine, untied, reftable, head_tree: OnceLock::new() })
    }

    /// Whether a pack or index was cut while it was read, so that some objects were read as zeros or not at all. True once.
    pub fn was_cut(&self) -> bool {
        keysweep_guard::was_cut()
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
    pub(crate) fn common_dir(&self) -> PathBuf {
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
        if self.untied.is_some() {
            let (folders, wrong) = alternates::resolve(&own);
            problems.extend(wrong);
            return folders;
        }
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

/// Opens the repository at a path or above it. If it borrows objects in a circle, they are read through links.
fn discover(path: &Path, environment: bool) -> Result<(ThreadSafeRepository, Option<Untied>), String> {
    let opened = if environment {
        ThreadSafeRepository::discover_with_environment_overrides(path)
    } else {
        ThreadSafeRepository::discover(path)
    };
    let error = match opened {
        Ok(shared) => return Ok((shared, None)),
        Err(error) => reason(&error),
    };
    // With a given number of slots for packs, lists of alternates are not read yet.
    let slots = gix::odb::store::init::Slots::Given(1);
    let gix::sec::trust::Mapping { full, reduced } = gix::sec::trust::Mapping::<gix::open::Options>::default();
    let options =
        gix::sec::trust::Mapping { full: full.object_store_slots(slots), reduced: reduced.object_store_slots(slots) };
    let opened = if environment {
        ThreadSafeRepository::discover_with_environment_overrides_opts(path, Default::default(), options)
    } else {
        ThreadSafeRepository::discover_opts(path, Default::default(), options)
    };
    let Ok(mut shared) = opened else { return Err(error) };
    let local = shared.to_thread_local();
    let (folders, problems) = alternates::resolve(&local.common_dir().join("objects"));
    if problems.is_empty() {
        return Err(error);
    }
    let untied = Untied::new(&folders).map_err(|_| error.clone())?;
    shared.objects = untied.objects(local.object_hash()).map_err(|_| error)?;
    Ok((shared, Some(untied)))
}

/// What lies in a folder, sorted; nothing if it cannot be read.
pub(crate) fn list(folder: &Path) -> Vec<PathBuf> {
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
    without_input(&text.lines().map(str::trim).collect::<Vec<_>>().join(" "))
}

/// `could not be parsed, input="…"` without what was read, which may be anything.
fn without_input(text: &str) -> String {
    let Some((before, quoted)) = text.split_once(", input=\"") else { return text.to_owned() };
    let mut escaped = false;
    let end = quoted.find(|c| {
        let ends = c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        ends
    });
    format!("{before}{}", end.map_or("", |end| &quoted[end + 1..]))
}
