//! The commits that history reaches, oldest first.

use crate::repository::{Problem, Repository, reason};
use crate::roots::Root;
use gix::ObjectId;
use gix::objs::{CommitRefIter, Find, Kind, TagRefIter};
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, HashSet};

/// A commit.
pub(crate) struct Commit {
    pub(crate) id: ObjectId,
    pub(crate) tree: ObjectId,
    /// Date of its author, in seconds since 1970.
    pub(crate) author_date: Option<i64>,
    committer_date: i64,
    /// Positions of its parents that are at hand.
    parents: Vec<u32>,
    pub(crate) pushed: bool,
}

/// All commits that roots reach.
#[derive(Default)]
pub(crate) struct Commits {
    pub(crate) list: Vec<Commit>,
    positions: HashMap<ObjectId, u32>,
    /// Roots that are no commits: trees and blobs, with the names of what names them.
    pub(crate) others: Vec<(ObjectId, Kind, String)>,
    /// What is named and not there, with what names it.
    pub(crate) missing: Vec<(ObjectId, String)>,
}

impl Commits {
    pub(crate) fn load(repository: &Repository, roots: &[Root], problems: &mut Vec<Problem>) -> Self {
        let mut loader = Loader {
            local: repository.local(),
            shallow: repository.shallow(problems),
            commits: Self::default(),
            failed: HashSet::new(),
            problems,
        };
        let mut remote = Vec::new();
        for root in roots {
            let Some(tip) = loader.root(root) else { continue };
            if root.remote {
                remote.push(tip);
            }
        }
        let mut commits = loader.commits;
        commits.mark_pushed(remote);
        commits
    }

    fn mark_pushed(&mut self, mut open: Vec<u32>) {
        while let Some(position) = open.pop() {
            let commit = &mut self.list[position as usize];
            if !std::mem::replace(&mut commit.pushed, true) {
                open.extend(&commit.parents);
            }
        }
    }

    /// Positions, each after those of its parents; among those that could come next, the oldest first.
    pub(crate) fn oldest_first(&self) -> Vec<u32> {
        let mut waiting: Vec<u32> = self.list.iter().map(|c| c.parents.len() as u32).collect();
        let mut children: Vec<Vec<u32>> = vec![Vec::new(); self.list.len()];
        for (position, commit) in (0u32..).zip(&self.list) {
            commit.parents.iter().for_each(|parent| children[*parent as usize].push(position));
        }
        let key = |position: u32| {
            let commit = &self.list[position as usize];
            Reverse((commit.committer_date, commit.id, position))
        };
        let mut ready: BinaryHeap<_> = (0u32..).zip(&waiting).filter(|(_, n)| **n == 0).map(|(p, _)| key(p)).collect();
        let mut order = Vec::with_capacity(self.list.len());
        while let Some(Reverse((.., position))) = ready.pop() {
            order.push(position);
            for child in &children[position as usize] {
                waiting[*child as usize] -= 1;
                if waiting[*child as usize] == 0 {
                    ready.push(key(*child));
                }
            }
        }
        order
    }
}

struct Loader<'a> {
    local: gix::Repository,
    shallow: HashSet<ObjectId>,
    commits: Commits,
    failed: HashSet<ObjectId>,
    problems: &'a mut Vec<Problem>,
}

/// What a commit object says.
struct Parsed {
    commit: Commit,
    parents: Vec<ObjectId>,
}

impl Loader<'_> {
    /// Loads what a root reaches; its position, if it is a commit or a tag of one.
    fn root(&mut self, root: &Root) -> Option<u32> {
        let mut id = root.id;
        let mut buffer = Vec::new();
        // A chain of tags ends; a hostile one is cut.
        for _ in 0..1_000 {
            if let Some(position) = self.commits.positions.get(&id) {
                return Some(*position);
            }
            let kind = match self.local.objects.try_find(&id, &mut buffer) {
                Ok(Some(object)) => object.kind,
                Ok(None) => {
                    if !root.logged {
                        self.commits.missing.push((id, root.name.clone()));
                    }
                    return None;
                }
                Err(error) => {
                    self.fail(id, reason(&error));
                    return None;
                }
            };
            match kind {
                Kind::Commit => return self.history(id),
                Kind::Tag => match TagRefIter::from_bytes(&buffer, self.local.object_hash()).target_id() {
                    Ok(target) => id = target,
                    Err(error) => {
                        self.fail(id, reason(&error));
                        return None;
                    }
                },
                kind => {
                    self.commits.others.push((id, kind, root.name.clone()));
                    return None;
                }
            }
        }
        self.fail(id, "too many tags of tags".to_owned());
        None
    }

    fn fail(&mut self, id: ObjectId, reason: String) {
        if self.failed.insert(id) {
            self.problems.push(Problem { name: format!("object {id}"), reason });
        }
    }

    /// Loads a commit and all it reaches.
    fn history(&mut self, tip: ObjectId) -> Option<u32> {
        let mut links = Vec::new();
        let mut open = vec![(tip, None)];
        while let Some((id, child)) = open.pop() {
            let position = match self.commits.positions.get(&id) {
                Some(position) => *position,
                None => {
                    let Some(parsed) = self.read(id, child) else { continue };
                    let position = self.commits.list.len() as u32;
                    self.commits.list.push(parsed.commit);
                    self.commits.positions.insert(id, position);
                    if !self.shallow.contains(&id) {
                        open.extend(parsed.parents.into_iter().map(|parent| (parent, Some(position))));
                    }
                    position
                }
            };
            links.extend(child.map(|child| (child, position)));
        }
        for (child, parent) in links {
            let parents = &mut self.commits.list[child as usize].parents;
            if !parents.contains(&parent) {
                parents.push(parent);
            }
        }
        self.commits.positions.get(&tip).copied()
    }

    fn read(&mut self, id: ObjectId, child: Option<u32>) -> Option<Parsed> {
        if self.failed.contains(&id) {
            return None;
        }
        let mut buffer = Vec::new();
        match self.local.objects.try_find(&id, &mut buffer) {
            Ok(Some(object)) if object.kind == Kind::Commit => {}
            Ok(Some(object)) => {
                let reason = format!("a {} where a commit belongs", object.kind);
                self.fail(id, reason);
                return None;
            }
            Ok(None) => {
                let named = child.map(|c| format!("commit {}", self.commits.list[c as usize].id)).unwrap_or_default();
                self.failed.insert(id);
                self.commits.missing.push((id, named));
                return None;
            }
            Err(error) => {
                self.fail(id, reason(&error));
                return None;
            }
        }
        let hash = self.local.object_hash();
        let iter = || CommitRefIter::from_bytes(&buffer, hash);
        let tree = match iter().tree_id() {
            Ok(tree) => tree,
            Err(error) => {
                self.fail(id, reason(&error));
                return None;
            }
        };
        let date = |signature: gix::actor::SignatureRef<'_>| signature.time().ok().map(|time| time.seconds);
        let commit = Commit {
            id,
            tree,
            author_date: iter().author().ok().and_then(date),
            committer_date: iter().committer().ok().and_then(date).unwrap_or_default(),
            parents: Vec::new(),
            pushed: false,
        };
        Some(Parsed { commit, parents: iter().parent_ids().collect() })
    }
}
