//! Notes known places while a scan walks.

use crate::catalogue::Catalogue;
use crate::model::Scope;
use std::fs::FileType;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// Known places noted in one sweep.
const MAX_SPOTS: usize = 200_000;

/// A home that is swept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Home {
    /// The folder, as it is given to the walk.
    pub path: PathBuf,
    /// Name of the account.
    pub account: String,
    /// Its number, if it is known.
    pub uid: Option<u32>,
}

/// What is swept.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// Root of the system that the homes belong to.
    pub root: PathBuf,
    /// The homes.
    pub homes: Vec<Home>,
    /// Files and folders from which trust is read.
    pub trust: Vec<PathBuf>,
    /// Sockets of agents that are asked for their keys.
    pub agents: Vec<PathBuf>,
    /// Whether sockets that are found are asked, too.
    pub ask_agents: bool,
}

impl Plan {
    /// The home that a path lies in: the innermost, if homes lie in each other.
    pub fn home_of(&self, path: &Path) -> Option<&Home> {
        self.homes.iter().filter(|home| path.starts_with(&home.path)).max_by_key(|home| home.path.as_os_str().len())
    }

    /// The path below its home, or below the root of the system, with `/` on all systems.
    pub(crate) fn relative(&self, path: &Path) -> Option<(String, Scope)> {
        let (rest, scope) = match self.home_of(path) {
            Some(home) => (path.strip_prefix(&home.path).ok()?, Scope::Home),
            None => (path.strip_prefix(&self.root).ok()?, Scope::System),
        };
        let rest = rest.to_string_lossy();
        Some((if cfg!(windows) { rest.replace('\\', "/") } else { rest.into_owned() }, scope))
    }
}

/// A known place that was met.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Spot {
    pub(crate) path: PathBuf,
    pub(crate) what: What,
    /// Indices of the locations it is.
    pub(crate) locations: Vec<usize>,
}

/// What lies at a known place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum What {
    File,
    Link,
    Socket,
    Other,
}

/// Notes known places.
pub struct Spotter<'a> {
    pub(crate) catalogue: &'a Catalogue,
    pub(crate) plan: &'a Plan,
    spots: Mutex<(Vec<Spot>, bool)>,
}

impl<'a> Spotter<'a> {
    /// A spotter for these homes.
    pub fn new(catalogue: &'a Catalogue, plan: &'a Plan) -> Self {
        Self { catalogue, plan, spots: Mutex::default() }
    }

    /// Looks at an entry of the walk.
    pub fn see(&self, path: &Path, kind: FileType) {
        if kind.is_dir() {
            return;
        }
        let Some((relative, scope)) = self.plan.relative(path) else { return };
        let locations = self.catalogue.known_place(&relative, scope);
        if locations.is_empty() {
            return;
        }
        let spot = Spot { path: path.to_owned(), what: what(kind), locations };
        let mut spots = self.spots.lock().unwrap_or_else(PoisonError::into_inner);
        if spots.0.len() < MAX_SPOTS {
            spots.0.push(spot);
        } else {
            spots.1 = true;
        }
    }

    /// What was noted, sorted, and whether that is all.
    pub(crate) fn take(&self) -> (Vec<Spot>, bool) {
        let (mut spots, more) = std::mem::take(&mut *self.spots.lock().unwrap_or_else(PoisonError::into_inner));
        spots.sort();
        spots.dedup();
        (spots, !more)
    }
}

fn what(kind: FileType) -> What {
    if kind.is_file() {
        What::File
    } else if kind.is_symlink() {
        What::Link
    } else if is_socket(kind) {
        What::Socket
    } else {
        What::Other
    }
}

#[cfg(unix)]
fn is_socket(kind: FileType) -> bool {
    std::os::unix::fs::FileTypeExt::is_socket(&kind)
}

#[cfg(not(unix))]
fn is_socket(_: FileType) -> bool {
    false
}
