//! `keysweep scan --artifact`: packages as the tools make them, and what must not be in them.

mod common;

use common::{Key, keysweep, parse};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;
use tempfile::{TempDir, tempdir};

/// Runs `keysweep scan --artifact --format json` with these arguments.
fn scan(args: &[&str]) -> (Value, i32) {
    parse(&keysweep().args(["scan", "--artifact", "--format", "json"]).args(args).output().unwrap())
}

fn rules(report: &Value) -> BTreeSet<String> {
    report["findings"].as_array().unwrap().iter().map(|f| f["rule"].as_str().unwrap().to_owned()).collect()
}

fn set(ids: &[&str]) -> BTreeSet<String> {
    ids.iter().map(|id| (*id).to_owned()).collect()
}

fn write(root: &Path, path: &str, content: impl AsRef<[u8]>) {
    let path = root.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

/// Runs a shell command in `dir`; `false` if one of its tools is missing.
fn made(dir: &Path, tools: &[&str], command: &str) -> bool {
    for tool in tools {
        let found = Command::new("sh").args(["-c", &format!("command -v {tool}")]).output().unwrap();
        if !found.status.success() {
            eprintln!("skipped: {tool} is missing");
            return false;
        }
    }
    let output = Command::new("sh").args(["-ec", command]).current_dir(dir).output().unwrap();
    assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
    true
}

/// A folder with files that should not be published, and some that may.
fn package() -> TempDir {
    let dir = tempdir().unwrap();
    let root = dir.path();
    for (path, content) in [
        ("package/package.json", "{\"name\":\"x\",\"version\":\"1.0.0\"}"),
        ("package/index.js", "module.exports = 1;\n"),
        ("package/.env.example", "PASSWORD=\n"),
        ("package/.env", "NODE_ENV=production\n"),
        ("package/.npmrc", "//npm.example.com/:_authToken=x\n"),
        ("package/config/terraform.tfstate", "{\"version\": 4, \"terraform_version\": \"1.9.0\"}\n"),
        ("package/.git/HEAD", "ref: refs/heads/main\n"),
        ("package/.git/config", "[core]\n"),
        (
            "package/dist/a.js.map",
            "{\"version\":3,\"sources\":[\"a.ts\"],\"sourcesContent\":[\"let a\"],\"mappings\":\"\"}",
        ),
        (
            "package/dist/b.js.map",
            "{\"version\":3,\"sources\":[\"b.ts\"],\"sourcesContent\":[\"let b\"],\"mappings\":\"\"}",
        ),
        ("package/release.p12", "\u{30}\u{2}no store"),
    ] {
        write(root, path, content);
    }
    dir
}

const EXPECTED: [&str; 6] = [
    "artifact-env-file",
    "artifact-key-store",
    "artifact-npm-login",
    "artifact-repository",
    "artifact-source-map",
    "artifact-terraform-state",
];

#[test]
fn the_same_is_found_in_a_folder_and_in_all_that_is_made_of_it() {
    let dir = package();
    let path = dir.path();
    let (report, code) = scan(&[path.join("package").to_str().unwrap()]);
    assert_eq!((rules(&report), code), (set(&EXPECTED), 1), "{report}");
    for (tools, command, file) in [
        (&["tar", "gzip"][..], "tar czf x-1.0.0.tgz package", "x-1.0.0.tgz"),
        (&["zip"], "cd package && zip -qr ../x.nupkg .", "x.nupkg"),
        (&["zip"], "cd package && zip -qr ../in.jar . && cd .. && zip -q x.war in.jar", "x.war"),
        (
            &["tar", "xz"],
            "tar cJf data.tar.xz package && echo 2.0 > debian-binary && ar rc x.deb debian-binary data.tar.xz",
            "x.deb",
        ),
        (&["tar"], "tar cf layer.tar package && mkdir -p abc && mv layer.tar abc && tar cf image.tar abc", "image.tar"),
    ] {
        if made(path, tools, command) {
            let (report, code) = scan(&[path.join(file).to_str().unwrap()]);
            assert_eq!((rules(&report), code), (set(&EXPECTED), 1), "{file}: {report}");
        }
    }
    let (report, code) = common::scan(&[path.join("package").to_str().unwrap()]);
    assert_eq!((rules(&report), code), (set(&[]), 0), "without --artifact: {report}");
}

#[test]
fn a_finding_tells_what_and_where_and_what_to_do() {
    let dir = package();
    let (report, _) = scan(&[dir.path().to_str().unwrap()]);
    let of = |rule: &str| report["findings"].as_array().unwrap().iter().find(|f| f["rule"] == rule).unwrap().clone();
    let env = of("artifact-env-file");
    assert_eq!((env["severity"].as_str(), env["preview"].as_str()), (Some("high"), None), "{env}");
    assert!(env["fingerprint"].as_str().unwrap().starts_with("file-sha256:"));
    assert!(env["remediation"].as_str().unwrap().contains("Leave it out"));
    assert!(env["locations"][0]["path"].as_str().unwrap().ends_with("package/.env"));
    assert_eq!((env["locations"][0]["form"].as_str(), env["locations"][0].get("line")), (Some("file"), None));
    assert_eq!(of("artifact-source-map")["locations"].as_array().unwrap().len(), 2, "maps are one finding");
}

#[test]
fn every_form_of_report_has_them() {
    let dir = package();
    let path = dir.path().join("package");
    for format in ["text", "json", "jsonl", "sarif", "gitlab", "github", "junit", "html"] {
        let run = keysweep().args(["scan", "--artifact", "-f", format]).arg(&path).output().unwrap();
        assert_eq!(run.status.code(), Some(1), "{format}");
        let text = String::from_utf8(run.stdout).unwrap();
        // The report for browsers has names for people only.
        for expected in if format == "html" { &["Environment file in a package"][..] } else { &EXPECTED } {
            assert!(text.contains(expected), "{format} lacks {expected}:\n{text}");
        }
        assert!(text.contains("package/.env"), "{format}:\n{text}");
    }
    let run = keysweep().args(["scan", "--artifact"]).arg(&path).output().unwrap();
    let text = String::from_utf8(run.stdout).unwrap();
    assert!(!text.contains("offset") && text.contains("package/.env\n"), "{text}");
}

#[test]
fn baseline_configuration_and_options_apply() {
    let dir = package();
    let path = dir.path();
    let folder = path.join("package");
    let folder = folder.to_str().unwrap();
    let baseline = path.join("known.json");
    let baseline = baseline.to_str().unwrap();
    let run = keysweep().args(["baseline", "create", "--artifact", folder, "--baseline", baseline]).output().unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let (report, code) = scan(&[folder, "--baseline", baseline]);
    assert_eq!((code, report["suppressed"].as_array().unwrap().len()), (0, EXPECTED.len()), "{report}");
    // What is known in a folder is known in the package made of it, and what is new is told.
    if made(path, &["tar", "gzip"], "cp -r package p2 && echo A=1 > p2/.envrc && cd p2 && tar czf ../x.tgz .") {
        let (report, code) = scan(&[path.join("x.tgz").to_str().unwrap(), "--baseline", baseline]);
        assert_eq!((rules(&report), code), (set(&["artifact-env-file"]), 1), "{report}");
        assert!(report["findings"][0]["locations"][0]["path"].as_str().unwrap().ends_with("/.envrc"), "{report}");
    }
    let config = "disable = [\"artifact-source-map\"]\n[severity]\nartifact-key-store = \"low\"\n\
                  [[allow]]\nrule = \"artifact-env-file\"\npaths = [\"**/package/.env\"]\nreason = \"holds no secret\"\n";
    write(path, "keysweep.toml", config);
    let config = path.join("keysweep.toml");
    let (report, _) = scan(&[folder, "--config", config.to_str().unwrap()]);
    assert_eq!(report["suppressed"][0]["finding"]["rule"], "artifact-env-file", "{report}");
    assert!(!rules(&report).contains("artifact-source-map"), "{report}");
    let (report, code) = scan(&[folder, "--no-config", "--only", "artifact-key-*"]);
    assert_eq!((rules(&report), code), (set(&["artifact-key-store"]), 1), "{report}");
}

#[test]
fn secrets_are_found_beside_and_never_shown() {
    let key = Key::new(600);
    let dir = tempdir().unwrap();
    write(dir.path(), ".env", format!("A=1\nKEY=\"{}\"\n", key.pem().replace('\n', "\\n")));
    let run = keysweep().args(["scan", "--artifact", "-f", "json"]).arg(dir.path()).output().unwrap();
    for spelling in key.spellings() {
        assert!(!run.stdout.windows(spelling.len()).any(|part| part == spelling));
    }
    let (report, _) = parse(&run);
    let fingerprints = common::fingerprints(&report);
    assert!(fingerprints.contains(&key.fingerprint()) && fingerprints.len() == 2, "{report}");
}
