//! What refs name: in files, which gix reads, or in reftables.

use crate::reftable::{Shadow, Stack, Target, with_logs};
use crate::repository::{Error, Problem, Repository, reason};
use crate::trap;
use gix::ObjectId;
use gix::refs::TargetRef;
use gix::revision::plumbing::Spec;
use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Steps from ref to ref that are taken; git takes as many.
const MAX_STEPS: usize = 5;
/// Bytes of a file that names a ref.
const MAX_REF: u64 = 1 << 16;

/// A ref and the object it names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ref {
    pub(crate) name: String,
    pub(crate) id: ObjectId,
}

impl Ref {
    /// Whether it remembers what a remote has.
    pub(crate) fn is_remote(&self) -> bool {
        self.name.starts_with("refs/remotes/")
    }
}

impl Repository {
    /// All refs that name an object; symbolic ones stand for these.
    pub(crate) fn refs(&self, problems: &mut Vec<Problem>) -> Vec<Ref> {
        if self.reftable {
            let all = self.refs_of_tables(&mut self.stacks(problems), problems);
            let text = |name: Vec<u8>| String::from_utf8_lossy(&name).into_owned();
            let named = |(name, target): (Vec<u8>, Target)| match target {
                Target::Object(id) if name.starts_with(b"refs/") || name == b"HEAD" => {
                    Some(Ref { name: text(name), id })
                }
                _ => None,
            };
            return all.into_iter().filter_map(named).collect();
        }
        self.refs_of_files(problems)
    }

    fn refs_of_files(&self, problems: &mut Vec<Problem>) -> Vec<Ref> {
        // The reader of refs passes over them.
        problems.extend(trap::below(&self.common_dir().join("refs")).iter().map(|path| trap::problem(path)));
        let local = self.local();
        let mut problem = |reason: String| problems.push(Problem { name: "refs".to_owned(), reason });
        let platform = match local.references() {
            Ok(platform) => platform,
            Err(error) => {
                problem(reason(&error));
                return Vec::new();
            }
        };
        let mut refs = Vec::new();
        match platform.all() {
            Ok(all) => {
                for reference in all {
                    match reference {
                        Ok(reference) => {
                            if let TargetRef::Object(id) = reference.target() {
                                let name = reference.name().as_bstr().to_string();
                                refs.push(Ref { name, id: id.to_owned() });
                            }
                        }
                        Err(error) => problem(reason(&error)),
                    }
                }
            }
            Err(error) => problem(reason(&error)),
        }
        refs
    }

    /// The refs that hide commits because somebody has them already.
    ///
    /// # Errors
    ///
    /// A table is damaged: what older tables say may no longer be true.
    pub(crate) fn known_refs(&self) -> Result<Vec<Ref>, Error> {
        let mut problems = Vec::new();
        let refs = self.refs(&mut problems);
        match problems.into_iter().next().filter(|_| self.reftable) {
            Some(problem) => Err(problem.into()),
            // A file that cannot be read hides nothing.
            None => Ok(refs),
        }
    }

    /// What `HEAD` names; `None` before the first commit.
    pub(crate) fn head_id(&self) -> Result<Option<ObjectId>, Error> {
        let failed = |reason: String| Error::Read { what: "HEAD".to_owned(), reason };
        if self.reftable {
            return self.head_of_tables().map_err(Error::from);
        }
        if let Some(path) = self.trap_behind_head() {
            return Err(trap::problem(&path).into());
        }
        let local = self.local();
        let head = local.head().map_err(|error| failed(reason(&error)))?;
        Ok(head.try_into_peeled_id().map_err(|error| failed(reason(&error)))?.map(gix::Id::detach))
    }

    /// What the text of a range means.
    ///
    /// # Errors
    ///
    /// It names nothing.
    pub(crate) fn parse_range(&self, range: &str) -> Result<Spec, Error> {
        let failed = |reason: String| Error::Read { what: range.to_owned(), reason };
        let mut local = self.local();
        let mut shadow = None;
        if self.reftable {
            let mut problems = Vec::new();
            let mut stacks = self.stacks(&mut problems);
            let refs = self.refs_of_tables(&mut stacks, &mut problems);
            if let Some(problem) = problems.into_iter().next() {
                return Err(problem.into());
            }
            let logged = if with_logs(range) { stacks.as_mut_slice() } else { &mut [] };
            let written = Shadow::new(&refs, logged, local.object_hash()).map_err(failed)?;
            local.refs = written.store();
            shadow = Some(written);
        } else if let Some(path) = self.folders().iter().find_map(|folder| {
            ["refs", "logs"].iter().find_map(|name| trap::below(&folder.join(name)).into_iter().next())
        }) {
            // Any of them may be what the range names.
            return Err(trap::problem(&path).into());
        }
        let spec = local.rev_parse(range).map_err(|error| failed(reason(&error)))?.detach();
        drop(shadow);
        Ok(spec)
    }

    /// The folder that all work trees share, and then that of this linked work tree.
    fn folders(&self) -> Vec<PathBuf> {
        let local = self.local();
        let own = Some(local.git_dir()).filter(|own| *own != local.common_dir());
        std::iter::once(local.common_dir()).chain(own).map(Path::to_owned).collect()
    }

    /// The tables of these folders.
    fn stacks(&self, problems: &mut Vec<Problem>) -> Vec<Stack> {
        let hash = self.local().object_hash();
        self.folders().iter().map(|folder| Stack::open(&folder.join("reftable"), hash, problems)).collect()
    }

    /// The pipe, socket or device at which reading `HEAD` would wait for ever.
    fn trap_behind_head(&self) -> Option<PathBuf> {
        let folders = self.folders();
        let mut name = "HEAD".to_owned();
        for _ in 0..=MAX_STEPS {
            let files: Vec<PathBuf> = folders.iter().rev().map(|folder| folder.join(&name)).collect();
            if let Some(file) = files.iter().find(|file| trap::is_special(file)) {
                return Some(file.clone());
            }
            let file = files.iter().find(|file| file.is_file())?;
            let mut text = String::new();
            std::fs::File::open(file).ok()?.take(MAX_REF).read_to_string(&mut text).ok()?;
            name = text.strip_prefix("ref:")?.trim().to_owned();
            gix::validate::reference::name(name.as_str().into()).ok()?;
        }
        None
    }

    /// The refs as this work tree sees them.
    fn refs_of_tables(&self, stacks: &mut [Stack], problems: &mut Vec<Problem>) -> BTreeMap<Vec<u8>, Target> {
        let is_linked = stacks.len() > 1;
        let mut all = BTreeMap::new();
        for (position, stack) in stacks.iter_mut().enumerate() {
            let mut refs = stack.refs(problems);
            refs.retain(|name, _| !is_linked || is_private(name) == (position > 0));
            all.append(&mut refs);
        }
        all
    }

    fn head_of_tables(&self) -> Result<Option<ObjectId>, Problem> {
        let mut problems = Vec::new();
        let mut stacks = self.stacks(&mut problems);
        if let Some(problem) = problems.into_iter().next() {
            return Err(problem);
        }
        let mut name = b"HEAD".to_vec();
        for _ in 0..MAX_STEPS {
            let at = if is_private(&name) { stacks.len() - 1 } else { 0 };
            match stacks[at].find(&name)? {
                Some(Target::Object(id)) => return Ok(Some(id)),
                Some(Target::Symbolic(other)) => name = other,
                // It names a branch without a commit yet.
                Some(Target::Deleted) | None if name != b"HEAD" => return Ok(None),
                Some(Target::Deleted) | None => {
                    let name = stacks[at].folder().display().to_string();
                    return Err(Problem { name, reason: "there is no HEAD in it".to_owned() });
                }
            }
        }
        Err(Problem { name: "HEAD".to_owned(), reason: "it leads from ref to ref".to_owned() })
    }
}

/// Whether each work tree has a ref of this name for itself (`gitrepository-layout(5)`, `git-worktree(1)`).
fn is_private(name: &[u8]) -> bool {
    let private: [&[u8]; 3] = [b"refs/bisect/", b"refs/worktree/", b"refs/rewritten/"];
    !name.starts_with(b"refs/") || private.iter().any(|folder| name.starts_with(folder))
}
