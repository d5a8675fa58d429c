//! `keysweep scan --artifact`: packages as the tools make them, and what must not be in them.

mod common;

use common::{Key, keysweep, made, parse};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
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

#[test]
fn sources_in_source_maps_are_searched_without_their_escapes() {
    let (key, plain) = (Key::new(610), Key::new(611));
    let dir = tempdir().unwrap();
    let source = format!("const first = 1;\nconst key = `{}`;\n", key.pem());
    let map = serde_json::json!({
        "version": 3,
        "sources": ["webpack:///./src/a.ts", "webpack:///./src/sign.ts"],
        "sourcesContent": ["let a = \"\u{e9}\";\n", source],
        "mappings": "AAAA",
    });
    write(dir.path(), "dist/app.js.map", map.to_string());
    write(dir.path(), "dist/app.js", "console.log(1)\n");
    write(dir.path(), "dist/plain.pem", plain.pem());
    let (report, code) = common::scan(&[dir.path().to_str().unwrap()]);
    let mut expected = vec![key.fingerprint(), plain.fingerprint()];
    expected.sort();
    assert_eq!((common::fingerprints(&report), code), (expected, 1), "{report}");
    let findings = report["findings"].as_array().unwrap();
    let found = findings.iter().find(|f| f["fingerprint"] == key.fingerprint().as_str()).unwrap();
    let places = found["locations"].as_array().unwrap();
    assert_eq!(places.len(), 1, "{found}");
    assert!(places[0]["path"].as_str().unwrap().ends_with("dist/app.js.map!/webpack:/src/sign.ts"), "{found}");
    assert_eq!(places[0]["line"], 2, "{found}");
}

/// Images made by a script, as the tools write them, with keys 1 to 5.
fn images() -> Option<(TempDir, Vec<Key>)> {
    let dir = tempdir().unwrap();
    let keys: Vec<Key> = (1..=5).map(|n| Key::new(620 + n)).collect();
    for (number, key) in keys.iter().enumerate() {
        write(dir.path(), &format!("{}.pem", number + 1), key.pem());
    }
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/images.py");
    made(dir.path(), &["python3", "zstd"], &format!("python3 {script} .")).then_some((dir, keys))
}

#[test]
fn findings_in_images_name_their_layer_and_what_hides_them() {
    let Some((dir, keys)) = images() else { return };
    for (image, digests) in [
        ("old.tar", true),
        ("packed.tar.gz", true),
        ("new.tar", true),
        ("oci-gz.tar", true),
        ("oci-zst.tar", true),
        ("oci-gz", true),
    ] {
        let (report, code) = common::scan(&[dir.path().join(image).to_str().unwrap()]);
        let mut all: Vec<String> = keys.iter().map(Key::fingerprint).collect();
        all.sort();
        assert_eq!((common::fingerprints(&report), code), (all, 1), "{image}: {report}");
        assert_eq!(report["complete"], true, "{image}: {report}");
        for (key, file, deleted, replaced) in [
            (0, "app/deleted.pem", Some(3), None),
            (1, "app/replaced.pem", None, Some(3)),
            (2, "app/hidden/key.pem", Some(3), None),
            (3, "app/kept.pem", None, None),
        ] {
            let places = places(&report, &keys[key]);
            assert_eq!(places.len(), 1, "{image}: {places:?}");
            assert!(places[0]["path"].as_str().unwrap().ends_with(file), "{image}: {places:?}");
            let layer = &places[0]["layer"];
            assert_eq!(
                (layer["image"].as_str(), layer["index"].as_u64(), layer["of"].as_u64()),
                (Some("demo:1"), Some(1), Some(3))
            );
            assert_eq!(layer["digest"].as_str().is_some_and(|d| d.starts_with("sha256:")), digests, "{image}: {layer}");
            assert_eq!(layer["created_by"], "COPY keys /app # buildkit", "{image}");
            assert_eq!(
                (layer["deleted_in"].as_u64(), layer["replaced_in"].as_u64()),
                (deleted, replaced),
                "{image} {file}"
            );
        }
        // Environment and history of the configuration, once each.
        let of_config: Vec<String> =
            places(&report, &keys[4]).iter().map(|p| p["path"].as_str().unwrap().to_owned()).collect();
        assert!(of_config.iter().any(|p| p.ends_with("!/Env")), "{image}: {of_config:?}");
        assert!(of_config.iter().any(|p| p.ends_with("!/history/1")), "{image}: {of_config:?}");
        assert_eq!(of_config.len(), 2, "{image}: {of_config:?}");
    }
    let text = keysweep().arg("scan").arg(dir.path().join("old.tar")).output().unwrap();
    let text = String::from_utf8(text.stdout).unwrap().split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(text.contains("layer 1 of 3, sha256:") && text.contains("deleted in a later layer: 3"), "{text}");
    for format in ["sarif", "gitlab", "github", "junit", "html"] {
        let run = keysweep().args(["scan", "-f", format]).arg(dir.path().join("old.tar")).output().unwrap();
        let text = String::from_utf8(run.stdout).unwrap();
        assert!(text.replace("%3A", ":").contains("deleted in a later layer: 3"), "{format}: {text}");
    }
}

fn places(report: &Value, key: &Key) -> Vec<Value> {
    let findings = report["findings"].as_array().unwrap().iter();
    let own = findings.filter(|f| f["fingerprint"] == key.fingerprint().as_str());
    own.flat_map(|f| f["locations"].as_array().unwrap().clone()).collect()
}

#[test]
fn damaged_images_are_searched_all_the_same() {
    let Some((dir, keys)) = images() else { return };
    let image = fs::read(dir.path().join("new.tar")).unwrap();
    for (number, cut) in [image.len() / 2, image.len() - 1500, 700].into_iter().enumerate() {
        let path = dir.path().join(format!("cut{number}.tar"));
        fs::write(&path, &image[..cut]).unwrap();
        let (_, code) = common::scan(&[path.to_str().unwrap()]);
        assert!(code == 1 || code == 3, "{number}: {code}");
    }
    // Documents that are no documents, and one that names itself.
    let files = [
        ("index.json", "{\"manifests\":[{\"digest\":\"sha256:a\"}]}"),
        ("blobs/sha256/a", "{\"manifests\":[{\"digest\":\"sha256:a\"}]}"),
    ];
    for (name, content) in files.into_iter().chain([("oci-layout", "{"), ("manifest.json", "[{\"Layers\":3}]")]) {
        write(&dir.path().join("odd"), name, content);
    }
    fs::write(dir.path().join("odd/key.pem"), keys[0].pem()).unwrap();
    let (report, code) = common::scan(&[dir.path().join("odd").to_str().unwrap()]);
    assert_eq!((common::fingerprints(&report), code), (vec![keys[0].fingerprint()], 1), "{report}");
}

#[test]
fn images_of_umoci_and_skopeo() {
    let key = Key::new(640);
    let dir = tempdir().unwrap();
    write(dir.path(), "key.pem", key.pem());
    let command = "umoci init --layout img && umoci new --image img:t && umoci unpack --rootless --image img:t one && \
        mkdir -p one/rootfs/app && cp key.pem one/rootfs/app/key.pem && umoci repack --image img:t one && \
        umoci unpack --rootless --image img:t two && rm -r two/rootfs/app && umoci repack --image img:t two && \
        skopeo --insecure-policy copy -q oci:img:t docker-archive:save.tar:demo:2 && \
        skopeo --insecure-policy copy -q oci:img:t oci-archive:oci.tar";
    if !made(dir.path(), &["umoci", "skopeo"], command) {
        return;
    }
    for image in ["img", "save.tar", "oci.tar"] {
        let (report, code) = common::scan(&[dir.path().join(image).to_str().unwrap()]);
        assert_eq!((common::fingerprints(&report), code), (vec![key.fingerprint()], 1), "{image}: {report}");
        let layer = &places(&report, &key)[0]["layer"];
        assert_eq!(
            (layer["index"].as_u64(), layer["of"].as_u64(), layer["deleted_in"].as_u64()),
            (Some(1), Some(2), Some(2)),
            "{image}: {report}"
        );
    }
}

#[test]
fn encrypted_archives_are_one_line_and_their_names_are_judged() {
    let dir = package();
    if !made(dir.path(), &["zip"], "zip -qr -P throwaway x.zip package/.env package/package.json package/index.js") {
        return;
    }
    let (report, code) = scan(&[dir.path().join("x.zip").to_str().unwrap(), "--only", "artifact-key-store"]);
    assert_eq!((rules(&report), code), (set(&[]), 3), "{report}");
    assert_eq!(report["incidents"].as_array().unwrap().len(), 1, "{report}");
    assert!(report["incidents"][0]["message"].as_str().unwrap().contains("3 members are encrypted"), "{report}");
    // Rules that look inside need the content; those that do not judge by the name alone.
    if made(dir.path(), &["zip"], "zip -q -P throwaway y.zip package/release.p12") {
        let (report, code) = scan(&[dir.path().join("y.zip").to_str().unwrap()]);
        assert_eq!((rules(&report), code), (set(&["artifact-key-store"]), 3), "{report}");
    }
}

#[test]
fn archives_in_a_repository_are_opened() {
    let keys: Vec<Key> = (0..4).map(|n| Key::new(650 + n)).collect();
    let dir = tempdir().unwrap();
    let path = dir.path();
    for (number, key) in keys.iter().enumerate() {
        write(path, &format!("in/{number}.pem"), key.pem());
    }
    write(path, "in/index.js", "nothing\n");
    let git = "git -c user.name=a -c user.email=a@b.c -c init.defaultBranch=main";
    let first = format!(
        "{git} init -q repo && (cd in && zip -q ../repo/lib.jar 0.pem && zip -q ../inner.zip 1.pem && tar cf ../repo/plain.tar 3.pem) && \
         zip -q0 repo/outer.zip inner.zip && tar czf repo/clean.tgz in/index.js && cd repo && \
         {git} add . && {git} commit -qm one && {git} rm -q outer.zip && {git} commit -qm two && \
         tar czf new.tgz ../in/2.pem 2>/dev/null && {git} add new.tgz"
    );
    if !made(path, &["git", "zip", "tar", "gzip"], &first) {
        return;
    }
    let scan = |args: &[&str]| {
        let mut command = keysweep();
        parse(&command.arg("git").arg(path.join("repo")).args(["-f", "json"]).args(args).output().unwrap())
    };
    let (report, code) = scan(&["--history"]);
    let mut all: Vec<String> = keys.iter().map(Key::fingerprint).collect();
    all.sort();
    assert_eq!((common::fingerprints(&report), code), (all, 1), "{report}");
    let outer = places(&report, &keys[1]);
    assert_eq!(outer.len(), 1, "{outer:?}");
    assert_eq!(outer[0]["git"]["path"], "outer.zip!/inner.zip!/1.pem");
    assert_eq!((outer[0]["git"]["in_head"].as_bool(), outer[0]["git"]["commit"].is_string()), (Some(false), true));
    assert_eq!(places(&report, &keys[0])[0]["git"]["path"], "lib.jar!/0.pem");
    let plain = places(&report, &keys[3]);
    assert_eq!((plain.len(), plain[0]["git"]["path"].as_str()), (1, Some("plain.tar!/3.pem")), "{plain:?}");
    let (report, code) = scan(&["--staged"]);
    assert_eq!((common::fingerprints(&report), code), (vec![keys[2].fingerprint()], 1), "{report}");
    let place = &places(&report, &keys[2])[0];
    assert!(place["git"]["path"].as_str().unwrap().starts_with("new.tgz!/new.tar!/"), "{place}");
    let (report, code) = scan(&["--history", "--no-archives", "--only", "pem-private-key"]);
    assert_eq!(
        (common::fingerprints(&report), code),
        (vec![keys[3].fingerprint()], 1),
        "only what lies there as it is: {report}"
    );
    // Encrypted: one line, and no gate is green.
    let encrypted =
        format!("cd repo && zip -q -P throwaway enc.zip ../in/*.pem && {git} add enc.zip && {git} commit -qm three");
    if made(path, &["git", "zip"], &encrypted) {
        let (report, code) = scan(&["--history"]);
        let told: Vec<_> = report["incidents"].as_array().unwrap().iter().filter(|i| i["incomplete"] == true).collect();
        assert_eq!((told.len(), code), (1, 3), "{told:?}");
        assert!(told[0]["path"].as_str().unwrap().ends_with(":enc.zip"), "{told:?}");
    }
}
