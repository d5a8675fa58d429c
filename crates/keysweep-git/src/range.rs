//! The commits of a range, and what each of them adds.

use crate::change::{Change, between};
use crate::refs::Ref;
use crate::repository::{Error, Repository, reason};
use gix::ObjectId;
use gix::revision::plumbing::Spec;
use std::collections::HashSet;

/// A commit of a range.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RangeCommit {
    /// Its id.
    pub id: ObjectId,
    /// Date of its author, seconds since 1970 UTC.
    pub author_date: Option<i64>,
    /// Whether a remote-tracking ref contains it.
    pub pushed: bool,
    parents: Vec<ObjectId>,
}

/// A ref that is pushed, as git tells it to a pre-push hook (`githooks(5)`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Push {
    /// What the ref is to name; null if it is deleted.
    pub new: ObjectId,
    /// What the remote's ref names; null if it is new.
    pub old: ObjectId,
}

impl Push {
    /// Reads `LOCAL-REF LOCAL-ID REMOTE-REF REMOTE-ID`.
    pub fn parse(line: &str) -> Option<Self> {
        let words: Vec<&str> = line.split(' ').collect();
        let [_, new, _, old] = words.as_slice() else { return None };
        let id = |hex: &str| ObjectId::from_hex(hex.as_bytes()).ok();
        Some(Self { new: id(new)?, old: id(old)? })
    }
}

/// A ref that somebody pushes into this repository, as git tells it to a pre-receive hook (`githooks(5)`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// What the ref is to name; null if it is deleted.
    pub new: ObjectId,
    /// The ref.
    pub name: String,
}

impl Received {
    /// Reads `OLD-ID NEW-ID REF`.
    pub fn parse(line: &str) -> Option<Self> {
        let (old, rest) = line.split_once(' ')?;
        let (new, name) = rest.split_once(' ').filter(|(_, name)| !name.is_empty())?;
        ObjectId::from_hex(old.as_bytes()).ok()?;
        Some(Self { new: ObjectId::from_hex(new.as_bytes()).ok()?, name: name.to_owned() })
    }
}

impl Repository {
    /// The commits that are pushed into this repository and that no ref of it has; none for deletions.
    ///
    /// # Errors
    ///
    /// A ref is to name something that is no commit, or that cannot be read.
    pub fn received(&self, refs: &[Received]) -> Result<Vec<RangeCommit>, Error> {
        let local = self.local();
        let mut tips = Vec::new();
        for received in refs.iter().filter(|received| !received.new.is_null()) {
            let object = local.find_object(received.new).and_then(|o| o.peel_to_kind(gix::objs::Kind::Commit));
            let failed = |e: gix::Error| Error::Read { what: received.name.clone(), reason: reason(&e) };
            tips.push(object.map_err(failed)?.id);
        }
        let hidden: Vec<ObjectId> = commits_of(&local, self.known_refs()?.iter());
        self.commits(&local, tips, &hidden)
    }

    /// The commits of `A..B`, `A...B` or `A` with all it reaches, as `git rev-list` reads them.
    ///
    /// # Errors
    ///
    /// The range names nothing, or a commit of it cannot be read.
    pub fn range(&self, range: &str) -> Result<Vec<RangeCommit>, Error> {
        let local = self.local();
        let failed = |error: gix::Error| Error::Read { what: range.to_owned(), reason: reason(&error) };
        let spec = self.parse_range(range)?;
        let (tips, hidden) = match spec {
            Spec::Include(id) => (vec![id], Vec::new()),
            Spec::Range { from, to } => (vec![to], vec![from]),
            Spec::Merge { theirs, ours } => {
                let bases = local.merge_bases_many(theirs, &[ours]).map_err(failed)?;
                (vec![theirs, ours], bases.into_iter().map(gix::Id::detach).collect())
            }
            _ => {
                let reason = "not a range: A..B, A...B or a commit".to_owned();
                return Err(Error::Read { what: range.to_owned(), reason });
            }
        };
        let commit = |id: ObjectId| {
            let object = local.find_object(id).and_then(|o| o.peel_to_kind(gix::objs::Kind::Commit));
            object.map(|object| object.id).map_err(failed)
        };
        let tips: Vec<ObjectId> = tips.into_iter().map(commit).collect::<Result<_, _>>()?;
        let hidden: Vec<ObjectId> = hidden.into_iter().map(commit).collect::<Result<_, _>>()?;
        self.commits(&local, tips, &hidden)
    }

    /// The commits that a push brings to its remote; none for a deletion.
    ///
    /// # Errors
    ///
    /// A commit cannot be read.
    pub fn pushed_by(&self, push: &Push) -> Result<Vec<RangeCommit>, Error> {
        let local = self.local();
        let commit = |id: ObjectId| {
            let object = local.find_object(id).and_then(|o| o.peel_to_kind(gix::objs::Kind::Commit));
            object.map(|object| object.id)
        };
        if push.new.is_null() {
            return Ok(Vec::new());
        }
        let tip =
            commit(push.new).map_err(|e| Error::Read { what: format!("object {}", push.new), reason: reason(&e) })?;
        // What a remote is known to have; what it has now may not be here.
        let mut hidden = self.remote_tips(&local);
        hidden.extend(Some(push.old).filter(|id| !id.is_null()).and_then(|id| commit(id).ok()));
        self.commits(&local, vec![tip], &hidden)
    }

    fn commits(
        &self,
        local: &gix::Repository,
        tips: Vec<ObjectId>,
        hidden: &[ObjectId],
    ) -> Result<Vec<RangeCommit>, Error> {
        let pushed: HashSet<ObjectId> =
            self.walk(local, self.remote_tips(local), hidden)?.into_iter().map(|(id, _)| id).collect();
        let walked = self.walk(local, tips, hidden)?.into_iter();
        Ok(walked
            .map(|(id, parents)| RangeCommit {
                id,
                author_date: author_date(local, id),
                pushed: pushed.contains(&id),
                parents,
            })
            .collect())
    }

    /// Commits that `tips` reach and `hidden` do not, with their parents.
    fn walk(
        &self,
        local: &gix::Repository,
        tips: Vec<ObjectId>,
        hidden: &[ObjectId],
    ) -> Result<Vec<(ObjectId, Vec<ObjectId>)>, Error> {
        let failed = |error: gix::Error| Error::Read { what: self.name().to_owned(), reason: reason(&error) };
        if tips.is_empty() {
            return Ok(Vec::new());
        }
        let walk = local.rev_walk(tips).with_hidden(hidden.iter().copied()).all().map_err(failed)?;
        walk.map(|info| info.map(|info| (info.id, info.parent_ids.to_vec())).map_err(failed)).collect()
    }

    fn remote_tips(&self, local: &gix::Repository) -> Vec<ObjectId> {
        // What is not known to be pushed is not.
        let known = self.known_refs().unwrap_or_default();
        commits_of(local, known.iter().filter(|reference| reference.is_remote()))
    }

    /// What a commit adds to its parent; a merge, what is new against each of its parents.
    ///
    /// # Errors
    ///
    /// A tree is missing or damaged.
    pub fn added_by(&self, commit: &RangeCommit) -> Result<Vec<Change>, Error> {
        let local = self.local();
        let tree = |id: &ObjectId| {
            let failed = |error: gix::Error| Error::Read { what: format!("object {id}"), reason: reason(&error) };
            let commit = local.find_commit(*id).map_err(failed)?;
            commit.tree_id().map(gix::Id::detach).map_err(failed)
        };
        let parents: Vec<ObjectId> = commit.parents.iter().map(tree).collect::<Result<_, _>>()?;
        between(&local, tree(&commit.id)?, &parents)
    }

    /// Whether `HEAD` has this blob at this path.
    pub fn is_in_head(&self, change: &Change) -> bool {
        // Asked for each change of a range.
        let Some(head) = *self.head_tree.get_or_init(|| self.head().ok().flatten()) else { return false };
        let local = self.local();
        let Ok(tree) = local.find_tree(head) else { return false };
        let entry = tree.lookup_entry(change.path.split(|b| *b == b'/'));
        entry.ok().flatten().is_some_and(|entry| entry.object_id() == change.blob)
    }
}

/// The commits that refs name; what cannot be read is none.
fn commits_of<'a>(local: &gix::Repository, refs: impl Iterator<Item = &'a Ref>) -> Vec<ObjectId> {
    let commit = |reference: &Ref| {
        let object = local.find_object(reference.id).and_then(|object| object.peel_to_kind(gix::objs::Kind::Commit));
        object.ok().map(|object| object.id)
    };
    refs.filter_map(commit).collect()
}

fn author_date(local: &gix::Repository, id: ObjectId) -> Option<i64> {
    let commit = local.find_commit(id).ok()?;
    let author = commit.author().ok()?;
    author.time().ok().map(|time| time.seconds)
}
