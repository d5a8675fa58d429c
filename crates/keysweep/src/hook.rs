//! `keysweep hook`: runs as a git hook, and puts itself there.

use crate::args::{HookArgs, HookCommand, HookKind, HookScan};
use crate::git::Asked;
use crate::{CLEAN, Error, INCOMPLETE};
use keysweep_git::{Push, Received, Repository};
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The line by which a hook made here is known.
const MARK: &str = "# Made by `keysweep hook install`; `keysweep hook uninstall` removes it.";
/// What a hook that was there before is renamed to; it runs first.
const CHAINED: &str = "before-keysweep";
/// Input of a hook that is read: a line for each ref.
const MAX_INPUT: u64 = 64 << 20;
/// Seconds after which a server refuses.
const DEFAULT_TIMEOUT: f64 = 120.0;

pub(crate) fn run(args: &HookArgs) -> Result<u8, Error> {
    match &args.command {
        HookCommand::Install { kind, repository, options } => install(&open(repository.as_deref())?, *kind, options),
        HookCommand::Uninstall { kind, repository } => uninstall(&open(repository.as_deref())?, *kind),
        HookCommand::Run { kind, scan, git } => run_hook(*kind, scan, git),
    }
}

fn open(path: Option<&Path>) -> Result<Repository, Error> {
    Ok(Repository::open(path.unwrap_or(Path::new(".")), path.is_none())?)
}

fn run_hook(kind: HookKind, scan: &HookScan, git: &[String]) -> Result<u8, Error> {
    let default = (kind == HookKind::Receive).then_some(DEFAULT_TIMEOUT);
    if let Some(seconds) = scan.timeout.or(default) {
        give_up_after(seconds)?;
    }
    let asked = match kind {
        // Git itself hands nothing to this hook.
        HookKind::Commit => Asked::Staged(git.iter().map(PathBuf::from).collect()),
        HookKind::Push => match framework() {
            Some(range) => Asked::Range(range),
            None => Asked::Pushed(lines(Push::parse)?),
        },
        HookKind::Receive => Asked::Received(lines(Received::parse)?),
    };
    crate::git::run_hook(scan, &asked)
}

/// What is pushed, if the pre-commit framework runs the hook: it keeps standard input to itself, and names the range in
/// variables, or only the branch if all of it is new.
fn framework() -> Option<String> {
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    variable("PRE_COMMIT")?;
    match (variable("PRE_COMMIT_FROM_REF"), variable("PRE_COMMIT_TO_REF")) {
        (Some(from), Some(to)) => Some(format!("{from}..{to}")),
        _ => Some(variable("PRE_COMMIT_LOCAL_BRANCH").unwrap_or_else(|| "HEAD".to_owned())),
    }
}

/// Reads what git says on standard input.
fn lines<T>(parse: fn(&str) -> Option<T>) -> Result<Vec<T>, Error> {
    let mut input = Vec::new();
    let read = std::io::stdin().lock().take(MAX_INPUT + 1).read_to_end(&mut input);
    read.map_err(|source| Error::Io { what: "standard input".into(), source })?;
    if input.len() as u64 > MAX_INPUT {
        return Err(Error::Usage("more refs than are read".to_owned()));
    }
    // Names of refs need not be UTF-8; they are only shown.
    let input = String::from_utf8_lossy(&input);
    let no_push = |line: &str| Error::Usage(format!("not a line of a push: '{}'", line.escape_debug()));
    input.lines().map(|line| parse(line).ok_or_else(|| no_push(line))).collect()
}

/// Ends the process as incomplete when the time is over: whoever waits for a push must get an answer.
fn give_up_after(seconds: f64) -> Result<(), Error> {
    let time = Duration::try_from_secs_f64(seconds);
    let time = time.map_err(|_| Error::Usage(format!("--timeout {seconds}: not a number of seconds")))?;
    let watch = std::thread::Builder::new().name("timeout".into()).spawn(move || {
        std::thread::sleep(time);
        eprintln!("keysweep: not done after {seconds} seconds; refused, since not everything was looked at");
        std::process::exit(i32::from(INCOMPLETE));
    });
    watch.map(|_| ()).map_err(|source| Error::Io { what: "a thread".into(), source })
}

fn install(repository: &Repository, kind: HookKind, options: &[String]) -> Result<u8, Error> {
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
    let outcome = fs::write(&hook, script(kind, &program, options)).and_then(|()| make_executable(&hook));
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

fn script(kind: HookKind, program: &Path, options: &[String]) -> String {
    let name = kind.name();
    let program = quote(&program.to_string_lossy().replace('\\', "/"));
    let options: String = options.iter().map(|option| format!(" {}", quote(option))).collect();
    let chained = format!("\"$(dirname \"$0\")/{name}.{CHAINED}\"");
    // A hook that cannot look must not let pass.
    let missing =
        format!("echo \"keysweep is not at {}; nothing was checked\" >&2; exit 1", program.replace('"', "\\\""));
    let body = match kind {
        HookKind::Commit => format!(
            "if [ -x {chained} ]; then {chained} \"$@\" || exit $?; fi\n\
             [ -x {program} ] || {{ {missing}; }}\n\
             exec {program} hook run {name}{options} \"$@\"\n"
        ),
        // Both read the same input.
        HookKind::Push | HookKind::Receive => format!(
            "input=$(cat)\n\
             if [ -x {chained} ]; then printf '%s\\n' \"$input\" | {chained} \"$@\" || exit $?; fi\n\
             [ -x {program} ] || {{ {missing}; }}\n\
             [ -z \"$input\" ] || printf '%s\\n' \"$input\" | {program} hook run {name}{options} \"$@\"\n"
        ),
    };
    format!("#!/bin/sh\n{MARK}\n{body}")
}

/// Text as one word of the shell.
fn quote(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
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
            HookKind::Commit => "pre-commit",
            HookKind::Push => "pre-push",
            HookKind::Receive => "pre-receive",
        }
    }
}
