//! The refs of a reftable as the files that gix reads, for names of revisions such as `main~2`, `@{u}` or `stash@{1}`.

use super::{LogEntry, Stack, Target};
use crate::repository::Problem;
use gix::hash;
use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;

/// Bytes of logs that are written.
const MAX_LOGS: usize = 256 << 20;

/// A folder of refs that is removed with this.
pub(crate) struct Shadow {
    folder: tempfile::TempDir,
    hash: hash::Kind,
}

/// Whether a revision is named by a log.
pub(crate) fn with_logs(range: &str) -> bool {
    range.contains("@{")
}

impl Shadow {
    /// Writes `refs` and, if they are wanted, the logs of the stacks.
    ///
    /// # Errors
    ///
    /// The folder cannot be written, or there is too much to write.
    pub(crate) fn new(
        refs: &BTreeMap<Vec<u8>, Target>,
        logged: &mut [Stack],
        hash: hash::Kind,
    ) -> Result<Self, String> {
        let failed = |error: std::io::Error| format!("its refs cannot be written to a folder for a while: {error}");
        let folder = tempfile::Builder::new().prefix("keysweep-refs-").tempdir().map_err(failed)?;
        write_refs(folder.path(), refs).map_err(failed)?;
        let mut problems = Vec::new();
        write_logs(folder.path(), logged, &mut problems).map_err(failed)?;
        match problems.into_iter().next() {
            Some(Problem { name, reason }) => Err(format!("{name}: {reason}")),
            None => Ok(Self { folder, hash }),
        }
    }

    /// The folder as a store of refs.
    pub(crate) fn store(&self) -> gix::refs::file::Store {
        gix::refs::file::Store::at(self.folder.path().to_owned(), self.hash)
    }
}

fn write_refs(folder: &Path, refs: &BTreeMap<Vec<u8>, Target>) -> std::io::Result<()> {
    let mut packed = std::io::BufWriter::new(std::fs::File::create(folder.join("packed-refs"))?);
    // Sorted by name, as the map is.
    packed.write_all(b"# pack-refs with: sorted \n")?;
    std::fs::create_dir(folder.join("refs"))?;
    for (name, target) in refs {
        let Some(text) = valid(name) else { continue };
        if text.starts_with("refs/") {
            if let Some(id) = resolve(refs, target) {
                writeln!(packed, "{id} {text}")?;
            }
        } else if text.bytes().all(|b| b.is_ascii_uppercase() || b == b'_') {
            // `HEAD`, and what stands beside it.
            let line = match target {
                Target::Object(id) => id.to_string(),
                Target::Symbolic(other) => match valid(other) {
                    Some(other) => format!("ref: {other}"),
                    None => continue,
                },
                Target::Deleted => continue,
            };
            std::fs::write(folder.join(text), line + "\n")?;
        }
    }
    packed.flush()
}

/// What a ref names in the end; git follows five steps.
fn resolve(refs: &BTreeMap<Vec<u8>, Target>, target: &Target) -> Option<gix::ObjectId> {
    let mut target = target;
    for _ in 0..5 {
        match target {
            Target::Object(id) => return Some(*id),
            Target::Symbolic(other) => target = refs.get(other)?,
            Target::Deleted => return None,
        }
    }
    None
}

/// A name that is one of a ref, and thus a path that does not lead out of a folder.
fn valid(name: &[u8]) -> Option<&str> {
    gix::validate::reference::name(name.into()).ok()?;
    std::str::from_utf8(name).ok()
}

fn write_logs(folder: &Path, stacks: &mut [Stack], problems: &mut Vec<Problem>) -> std::io::Result<()> {
    let mut logs: HashMap<String, Vec<String>> = HashMap::new();
    let mut held = 0;
    for stack in stacks {
        stack.logs(problems, &mut |name, entry| {
            let Some(name) = valid(name) else { return };
            let line = line(&entry);
            held += line.len() + size_of::<String>();
            if held <= MAX_LOGS {
                logs.entry(name.to_owned()).or_default().push(line);
            }
        });
    }
    if held > MAX_LOGS {
        return Err(std::io::Error::other("there are more lines of logs than are written"));
    }
    for (name, lines) in logs {
        let path = folder.join("logs").join(name);
        // Names that cannot be files beside each other, or at all: then the revision has no log.
        if path.parent().is_some_and(|parent| std::fs::create_dir_all(parent).is_ok()) {
            let _ = std::fs::write(path, lines.into_iter().rev().collect::<String>());
        }
    }
    Ok(())
}

/// A line as in a file of `logs`.
fn line(entry: &LogEntry<'_>) -> String {
    let clean = |bytes: &[u8]| String::from_utf8_lossy(bytes).replace(['\n', '\r', '\t', '<', '>'], " ");
    let (sign, zone) = (if entry.zone < 0 { '-' } else { '+' }, entry.zone.unsigned_abs());
    let mut line = format!("{} {} {} <{}> ", entry.old, entry.new, clean(entry.name), clean(entry.email));
    let _ =
        writeln!(line, "{} {sign}{:02}{:02}\t{}", entry.seconds, zone / 60, zone % 60, clean(entry.message).trim_end());
    line
}
