//! Reads the locations under `rules/accounts/` and packs them for the binary.

#[allow(dead_code, unreachable_pub)]
#[path = "src/model.rs"]
mod model;

use std::fs;
use std::path::{Path, PathBuf};

fn main() {
    let folder = Path::new(&std::env::var("CARGO_MANIFEST_DIR").expect("set by cargo")).join("../../rules/accounts");
    println!("cargo:rerun-if-changed={}", folder.display());
    let mut files: Vec<PathBuf> = fs::read_dir(&folder)
        .unwrap_or_else(|e| panic!("{}: {e}", folder.display()))
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|e| e == "toml"))
        .collect();
    files.sort();
    let mut locations = Vec::new();
    let mut errors = Vec::new();
    for path in files {
        println!("cargo:rerun-if-changed={}", path.display());
        let text = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let source = format!("accounts/{}", path.file_name().unwrap_or_default().to_string_lossy());
        match toml::from_str::<model::LocationFile>(&text) {
            Ok(file) => {
                locations.extend(file.location.into_iter().map(|l| model::Location { source: source.clone(), ..l }));
            }
            Err(error) => errors.push(format!("{source}: {error}")),
        }
    }
    assert!(errors.is_empty(), "the built-in locations are broken:\n{}", errors.join("\n"));
    locations.sort_by(|a, b| a.id.cmp(&b.id));
    let packed = postcard::to_stdvec(&locations).expect("locations are plain data");
    let out = PathBuf::from(std::env::var_os("OUT_DIR").expect("set by cargo")).join("locations.postcard");
    fs::write(&out, packed).unwrap_or_else(|e| panic!("{}: {e}", out.display()));
}
