//! `keysweep rules import`: rules of other scanners, as rule files of ours.

use crate::rules::{count, print};
use crate::{CLEAN, Error, INCOMPLETE};
use keysweep_rules::RuleSet;
use keysweep_rules::import::{import, read};
use std::path::Path;

/// Takes over the rules of `file`. What is different or left out is said on standard error, and is an exit code of its own.
pub(crate) fn run(file: &Path, output: Option<&Path>, exceptions: Option<&Path>) -> Result<u8, Error> {
    let text = read(file).map_err(|source| Error::Io { what: file.display().to_string(), source })?;
    // Files that it extends are named relative to it.
    let folder = file.parent().unwrap_or(Path::new("")).to_owned();
    let mut load = |path: &str| read(&folder.join(path)).map_err(|e| e.to_string());
    let builtin = RuleSet::builtin();
    let imported = import(&text, &mut load, &|id| builtin.get(id).is_some())
        .map_err(|reason| Error::Usage(format!("{}: {reason}", file.display())))?;
    let mut rules = imported.rules.clone();
    match exceptions {
        Some(path) => write(path, &imported.exceptions)?,
        None if !imported.exceptions.is_empty() => {
            let comment: String =
                imported.exceptions.lines().map(|line| format!("# {line}").trim_end().to_owned() + "\n").collect();
            rules = format!("# For keysweep.toml:\n#\n{comment}\n{rules}");
        }
        None => {}
    }
    match output {
        Some(path) => write(path, &rules)?,
        None => print(&rules)?,
    }
    for note in &imported.notes {
        eprintln!("keysweep: {}: {}{note}", file.display(), if note.loss { "" } else { "note: " });
    }
    let losses = imported.notes.iter().filter(|note| note.loss).count();
    let taken = count(imported.of, "rule");
    eprintln!(
        "keysweep: {}: {} of {taken} taken over, {}",
        file.display(),
        imported.count,
        count(losses, "difference")
    );
    Ok(if imported.is_lossy() { INCOMPLETE } else { CLEAN })
}

fn write(path: &Path, text: &str) -> Result<(), Error> {
    std::fs::write(path, text).map_err(|source| Error::Io { what: path.display().to_string(), source })
}
