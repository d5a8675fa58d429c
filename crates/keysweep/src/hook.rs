//! `keysweep hook`: runs as a git hook, and puts itself there.

use crate::args::{HookArgs, HookCommand, HookKind, HookScan};
use crate::{CLEAN, Error};
use keysweep_git::{Push, Repository};
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

/// The line by which a hook made here is known.
const MARK: &str = "# Made by `keysweep hook install`; `keysweep hook uninstall` removes it.";
/// What a hook that was there before is renamed to; it runs first.
const CHAINED: &str = "before-keysweep";
/// Input of a pre-push hook that is read: a line for each ref.
const MAX_INPUT: u64 = 64 << 20;

pub(crate) fn run(args: &HookArgs) -> Result<u8, Error> {
    match &args.command {
        HookCommand::Install { kind, repository } => install(&open(repository.as_deref())?, *kind),
        HookCommand::Uninstall { kind, repository } => uninstall(&open(repository.as_deref())?, *kind),
        HookCommand::Run { kind, scan, .. } => run_hook(*kind, scan),
    }
}

fn open(path: Option<&Path>) -> Result<Repository, Error> {
    Ok(Repository::open(path.unwrap_or(Path::new(".")), path.is_none())?)
}

fn run_hook(kind: HookKind, scan: &HookScan) -> Result<u8, Error> {
    match kind {
        HookKind::PreCommit => crate::git::run_hook(scan, None),
        HookKind::PrePush => {
            let mut input = String::new();
            let read = std::io::stdin().lock().take(MAX_INPUT).read_to_string(&mut input);
            read.map_err(|source| Error::Io { what: "standard input".into(), source })?;
            let pushes: Vec<Push> = input
                .lines()
                .map(|line| Push::parse(line).ok_or_else(|| Error::Usage(format!("not a line of a push: '{line}'"))))
                .collect::<Result<_, _>>()?;
            crate::git::run_hook(scan, Some(&pushes))
        }
    }
}

fn install(repository: &Repository, kind: HookKind) -> Result<u8, Error> {
    let name = kind.name();
    if let Some((manager, file)) = manager(repository) {
        let text = format!("{manager} manages the hooks here: add `keysweep hook run {name}` to {file}");
        return Err(Error::Usage(text));
    }
    let folder = repository.hooks_folder();
    let hook = folder.join(name);
    let chained = folder.join(format!("{name}.{CHAINED}"));
    fs::create_dir_all(&folder).map_err(|source| failed(&folder, source))?;
    if fs::symlink_metadata(&hook).is_ok() && !is_ours(&hook) {
        if fs::symlink_metadata(&chained).is_ok() {
            return Err(Error::Usage(format!("{} and {} are both there", hook.display(), chained.display())));
        }
        fs::rename(&hook, &chained).map_err(|source| failed(&hook, source))?;
    }
    let program = std::env::current_exe().map_err(|source| failed(Path::new("keysweep"), source))?;
    let outcome = fs::write(&hook, script(kind, &program)).and_then(|()| make_executable(&hook));
    outcome.map_err(|source| failed(&hook, source))?;
    println!("{}", hook.display());
    Ok(CLEAN)
}

fn uninstall(repository: &Repository, kind: HookKind) -> Result<u8, Error> {
    let folder = repository.hooks_folder();
    let hook = folder.join(kind.name());
    let chained = folder.join(format!("{}.{CHAINED}", kind.name()));
    if !is_ours(&hook) {
        return Err(Error::Usage(format!("{}: not a hook of keysweep", hook.display())));
    }
    fs::remove_file(&hook).map_err(|source| failed(&hook, source))?;
    if fs::symlink_metadata(&chained).is_ok() {
        fs::rename(&chained, &hook).map_err(|source| failed(&chained, source))?;
    }
    Ok(CLEAN)
}

fn failed(path: &Path, source: std::io::Error) -> Error {
    Error::Io { what: path.display().to_string(), source }
}

fn is_ours(hook: &Path) -> bool {
    fs::read(hook).is_ok_and(|bytes| String::from_utf8_lossy(&bytes).contains(MARK))
}

/// A program that makes the hooks of the repository itself, and the file in which it is told what to run.
fn manager(repository: &Repository) -> Option<(&'static str, &'static str)> {
    const FILES: [(&str, &str, &str); 7] = [
        (".husky", "husky", ".husky/"),
        ("lefthook.yml", "lefthook", "lefthook.yml"),
        ("lefthook.yaml", "lefthook", "lefthook.yaml"),
        (".lefthook.yml", "lefthook", ".lefthook.yml"),
        ("lefthook.toml", "lefthook", "lefthook.toml"),
        ("lefthook.json", "lefthook", "lefthook.json"),
        (".pre-commit-config.yaml", "pre-commit", ".pre-commit-config.yaml"),
    ];
    let root = repository.work_tree()?;
    FILES.iter().find(|(path, ..)| root.join(path).exists()).map(|(_, manager, file)| (*manager, *file))
}

fn script(kind: HookKind, program: &Path) -> String {
    let name = kind.name();
    let program = quote(program);
    let chained = format!("\"$(dirname \"$0\")/{name}.{CHAINED}\"");
    // A hook that cannot look must not let pass.
    let missing =
        format!("echo \"keysweep is not at {}; nothing was checked\" >&2; exit 1", program.replace('"', "\\\""));
    let body = match kind {
        HookKind::PreCommit => format!(
            "if [ -x {chained} ]; then {chained} \"$@\" || exit $?; fi\n\
             [ -x {program} ] || {{ {missing}; }}\n\
             exec {program} hook run {name} \"$@\"\n"
        ),
        // Both read the same input.
        HookKind::PrePush => format!(
            "input=$(cat)\n\
             if [ -x {chained} ]; then printf '%s\\n' \"$input\" | {chained} \"$@\" || exit $?; fi\n\
             [ -x {program} ] || {{ {missing}; }}\n\
             [ -z \"$input\" ] || printf '%s\\n' \"$input\" | {program} hook run {name} \"$@\"\n"
        ),
    };
    format!("#!/bin/sh\n{MARK}\n{body}")
}

/// A path as one word of the shell.
fn quote(path: &Path) -> String {
    format!("'{}'", path.to_string_lossy().replace('\\', "/").replace('\'', "'\\''"))
}

#[cfg(unix)]
fn make_executable(path: &PathBuf) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755))
}

#[cfg(not(unix))]
fn make_executable(_: &PathBuf) -> std::io::Result<()> {
    Ok(())
}

impl HookKind {
    fn name(self) -> &'static str {
        match self {
            HookKind::PreCommit => "pre-commit",
            HookKind::PrePush => "pre-push",
        }
    }
}
