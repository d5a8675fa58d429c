//! Reads the rules under `rules/` and packs them for the binary, so that starting up parses no TOML.

#[path = "src/fragments.rs"]
mod fragments;
#[allow(dead_code, unreachable_pub)]
#[path = "src/model.rs"]
mod model;
#[allow(dead_code, unreachable_pub)]
#[path = "src/parse.rs"]
mod parse;

use std::fs;
use std::path::{Path, PathBuf};

/// The folders below `rules/` whose files hold rules of this language.
const FOLDERS: [&str; 3] = ["keys", "tokens", "artifacts"];

fn main() {
    let root = Path::new(&std::env::var("CARGO_MANIFEST_DIR").expect("set by cargo")).join("../../rules");
    let mut errors = Vec::new();
    let mut rules: Vec<model::Rule> = Vec::new();
    for folder in FOLDERS {
        println!("cargo:rerun-if-changed={}", root.join(folder).display());
        for path in files(&root.join(folder)) {
            println!("cargo:rerun-if-changed={}", path.display());
            let name = format!("{folder}/{}", path.file_name().unwrap_or_default().to_string_lossy());
            let text = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
            match parse::parse(&name, &text) {
                Ok(parsed) => rules.extend(parsed),
                Err(found) => errors.extend(found.iter().map(ToString::to_string)),
            }
        }
    }
    rules.sort_by(|a, b| a.id.cmp(&b.id));
    errors.extend(
        rules
            .windows(2)
            .filter(|pair| pair[0].id == pair[1].id)
            .map(|pair| format!("{}: rule '{}' is in {} too", pair[1].source, pair[1].id, pair[0].source)),
    );
    assert!(errors.is_empty(), "the built-in rules are broken:\n{}", errors.join("\n"));
    // A scan has no use for the examples, and should not wait until they are unpacked.
    let take = |rule: &mut model::Rule| (std::mem::take(&mut rule.examples), std::mem::take(&mut rule.counterexamples));
    let examples: Vec<_> = rules.iter_mut().map(take).collect();
    write("rules.postcard", &rules);
    write("examples.postcard", &examples);
}

/// Packs a value into a file for the library.
fn write(name: &str, value: &impl serde::Serialize) {
    let packed = postcard::to_stdvec(value).expect("rules are plain data");
    let out = PathBuf::from(std::env::var_os("OUT_DIR").expect("set by cargo")).join(name);
    fs::write(&out, packed).unwrap_or_else(|e| panic!("{}: {e}", out.display()));
}

/// The TOML files of a folder, sorted; none if there is no such folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut files: Vec<PathBuf> =
        entries.flatten().map(|e| e.path()).filter(|p| p.extension().is_some_and(|e| e == "toml")).collect();
    files.sort();
    files
}
