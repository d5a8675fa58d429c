//! The whole history: every blob once. Where those come from in which something is found, a second look tells.

use super::{Source, git_place, uncommitted};
use keysweep_engine::{BlobPlace, BlobSweep, GitPlace, Interest, Numbers};
use keysweep_git::{Event, History, ObjectId, PathFilter, Survey, Wanted};
use std::collections::{BTreeMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// Git LFS keeps a file elsewhere, and in the repository a pointer of less than 1024 bytes that begins with this line
/// (git-lfs, docs/spec.md).
const LFS: &[u8] = b"version https://git-lfs.github.com/spec/v1\n";
const MAX_LFS: usize = 1_024;

/// What the first look saw.
#[derive(Default)]
struct Seen {
    interesting: Mutex<BTreeMap<ObjectId, Interest>>,
    too_large: Mutex<BTreeMap<ObjectId, u64>>,
    pointers: AtomicU64,
    /// A tree names a file that a rule knows by its name.
    named: AtomicBool,
}

/// Scans the history; with `dangling` also what nothing reaches.
pub(super) fn scan(source: &Source<'_>, sweep: &BlobSweep<'_>, dangling: bool) {
    let seen = Seen::default();
    let survey = look(source, sweep, &seen);
    let too_large = seen.too_large.into_inner().unwrap_or_else(PoisonError::into_inner);
    let interesting = seen.interesting.into_inner().unwrap_or_else(PoisonError::into_inner);
    let found = with_numbers(source, sweep, interesting);
    let blobs: HashSet<ObjectId> = found.keys().chain(too_large.keys()).copied().collect();
    let by_path = |path: &[u8]| sweep.judges(&String::from_utf8_lossy(path));
    let by_paths = sweep.judges_files() || seen.named.into_inner();
    let paths: Option<PathFilter<'_>> = if by_paths { Some(&by_path) } else { None };
    let history = source.repository.history(Wanted { blobs: &blobs, paths, absent: &survey.missing });
    for (id, size) in &too_large {
        if dangling || history.places.contains_key(id) {
            source.too_large(sweep, id, *size);
        }
    }
    let by_path = history.places.keys().filter(|id| !blobs.contains(*id));
    let work = by_path.map(|id| (*id, Numbers::default())).chain(found).collect();
    report(source, sweep, work, &history, dangling);
    incidents(source, sweep, &survey, &history, seen.pointers.into_inner());
}

/// Looks at every blob in the object store.
fn look(source: &Source<'_>, sweep: &BlobSweep<'_>, seen: &Seen) -> Survey {
    source.repository.survey(source.jobs, source.limit, || {
        let mut worker = sweep.worker();
        move |event: Event<'_>| match event {
            Event::Blob { id, bytes } => {
                if bytes.len() < MAX_LFS && bytes.starts_with(LFS) {
                    seen.pointers.fetch_add(1, Ordering::Relaxed);
                }
                let interest = worker.probe(&format!("{}:{id}", source.name()), bytes);
                if interest != Interest::default() {
                    seen.interesting.lock().unwrap_or_else(PoisonError::into_inner).insert(id, interest);
                }
            }
            Event::Tree { bytes } => {
                if !seen.named.load(Ordering::Relaxed) && sweep.judges_in(bytes) {
                    seen.named.store(true, Ordering::Relaxed);
                }
            }
            Event::TooLarge { id, size } => {
                seen.too_large.lock().unwrap_or_else(PoisonError::into_inner).insert(id, size);
            }
        }
    })
}

/// Searches memory images for keys as numbers, and leaves what there is something to report of.
fn with_numbers(
    source: &Source<'_>,
    sweep: &BlobSweep<'_>,
    interesting: BTreeMap<ObjectId, Interest>,
) -> BTreeMap<ObjectId, Numbers> {
    let mut found = BTreeMap::new();
    for (id, interest) in interesting {
        let numbers = match interest.numbers.then(|| source.repository.blob(&id)) {
            None => Numbers::default(),
            Some(Ok(bytes)) => sweep.numbers(&format!("{}:{id}", source.name()), &bytes, source.jobs),
            Some(Err(error)) => {
                source.incident(sweep, &error.to_string());
                Numbers::default()
            }
        };
        if interest.found || !numbers.is_empty() {
            found.insert(id, numbers);
        }
    }
    found
}

/// Reports what is in the blobs, at each of their places, or what their paths say.
fn report(
    source: &Source<'_>,
    sweep: &BlobSweep<'_>,
    work: Vec<(ObjectId, Numbers)>,
    history: &History,
    dangling: bool,
) {
    source.each(sweep, &work, |worker, (id, numbers)| {
        let places = places(source, id, history);
        if places.is_empty() || !dangling && !history.places.contains_key(id) {
            return;
        }
        let bytes = match source.repository.blob(id) {
            Ok(bytes) => bytes,
            Err(error) => {
                source.incident(sweep, &error.to_string());
                return;
            }
        };
        for (name, git) in &places {
            let file_name = git.path.rsplit('/').next().unwrap_or(&git.path);
            let place = BlobPlace { name, file_name, git: Some(git), only: None };
            worker.scan(place, &bytes, Some(numbers.clone()));
        }
    });
}

/// The places of a blob, as the report names them; one without a path if nothing reaches it.
fn places(source: &Source<'_>, id: &ObjectId, history: &History) -> Vec<(String, GitPlace)> {
    let known = history.places.get(id).into_iter().flatten();
    let mut places: Vec<_> = known.map(|place| (source.display(place), git_place(id, place))).collect();
    if places.is_empty() {
        places.push((format!("{}:{id}", source.name()), uncommitted(id, id.to_string())));
    }
    places
}

/// Says what was not looked at, and what lies elsewhere.
fn incidents(source: &Source<'_>, sweep: &BlobSweep<'_>, survey: &Survey, history: &History, pointers: u64) {
    // One message for an object; the first look says more.
    let problems = history.problems.iter().chain(&survey.problems).map(|p| (&p.name, &p.reason));
    for (name, reason) in problems.collect::<BTreeMap<_, _>>() {
        sweep.incident(&format!("{}:{name}", source.name()), reason, true);
    }
    if source.repository.is_partial() && !history.missing.is_empty() {
        let (id, named_by) =
            history.missing.iter().next().map(|(i, n)| (i.to_string(), n.as_str())).unwrap_or_default();
        let count = history.missing.len();
        let message = format!(
            "{count} objects are missing: this is a partial clone, which leaves them on the server until they are needed \
             (one is {id}, {named_by}); `git fetch --refetch --no-filter` gets them"
        );
        source.incident(sweep, &message);
    } else {
        for (id, named_by) in &history.missing {
            let name = format!("{}:object {id}", source.name());
            sweep.incident(&name, format!("is missing, and needed by history ({named_by})"), true);
        }
    }
    for id in &history.cut {
        source.note(sweep, &format!("blob {id} lies at more paths than are listed"));
    }
    if source.repository.is_shallow() {
        source.note(sweep, "a shallow clone: what is older than its history is not here");
    }
    if pointers > 0 {
        source.note(sweep, &format!("{pointers} Git LFS pointers: the files they name are not in the repository"));
    }
    if survey.submodules {
        for path in source.repository.submodules() {
            source.note(sweep, &format!("submodule {path} is a repository of its own, and not entered"));
        }
    }
}
