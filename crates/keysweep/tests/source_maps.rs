//! Source maps that are kept within the scripts and style sheets they belong to.

mod common;

use common::{Key, fingerprints, keysweep, made, parse, scan};
use data_encoding::BASE64;
use serde_json::Value;
use std::fs;
use std::path::Path;
use tempfile::tempdir;

/// A map with a source that holds the key in its third line.
fn map(source: &str, key: &Key) -> String {
    let content = format!("// \u{e9}\nexport const key =\n`{}`;\n{}", key.pem(), "// and more\n".repeat(20));
    let sources = [format!("webpack://app/{source}"), "src/none.js".to_owned()];
    let (sources, content) = (serde_json::json!(sources), serde_json::json!([content, null]));
    format!(r#"{{"version":3,"sources":{sources},"sourcesContent":{content},"mappings":"AAAA"}}"#)
}

fn comment(map: &str) -> String {
    format!("//# sourceMappingURL=data:application/json;charset=utf-8;base64,{}\n", BASE64.encode(map.as_bytes()))
}

/// The places of the key, each with its line.
fn places(report: &Value, key: &Key) -> Vec<(String, u64)> {
    let findings = report["findings"].as_array().unwrap().iter();
    let own = findings.filter(|finding| finding["fingerprint"] == key.fingerprint().as_str());
    own.flat_map(|finding| finding["locations"].as_array().unwrap())
        .map(|place| (place["path"].as_str().unwrap().to_owned(), place["line"].as_u64().unwrap_or(0)))
        .collect()
}

fn assert_only_place(report: &Value, key: &Key, ends: &str, line: u64) {
    let places = places(report, key);
    assert_eq!(places.len(), 1, "{report}");
    assert!(places[0].0.ends_with(ends) && places[0].1 == line, "{places:?} is not {ends}:{line}");
}

#[test]
fn the_sources_are_places_of_their_own() {
    let keys: Vec<Key> = (700..704).map(Key::new).collect();
    let dir = tempdir().unwrap();
    let css = comment(&map("src/b.scss", &keys[1])).replace("//#", "/*#").replace('\n', " */\n");
    // As development builds have it: one map for each module, each in a string.
    let modules: String = (2..4)
        .map(|n| {
            format!(
                "eval(\"m{n}();{}\")\n",
                comment(&map(&format!("src/{n}.js"), &keys[n])).replace('\n', "\\n//# sourceURL=x")
            )
        })
        .collect();
    for (name, content) in [
        ("a.js", format!("let a=1;\n{}", comment(&map("src/config.js", &keys[0])))),
        ("b.css", format!("a{{}}\n{css}")),
        ("c.js", modules),
        // What writes such comments.
        ("near.js", "x = \"//# sourceMappingURL=data:application/json;charset=utf-8;base64,\".concat(y);".to_owned()),
    ] {
        fs::write(dir.path().join(name), content).unwrap();
    }
    let (report, code) = scan(&[dir.path().to_str().unwrap()]);
    let mut expected: Vec<String> = keys.iter().map(Key::fingerprint).collect();
    expected.sort();
    assert_eq!((fingerprints(&report), code, &report["complete"]), (expected, 1, &Value::Bool(true)), "{report}");
    for (key, place) in keys.iter().zip(["a.js!/webpack:/app/src/config.js", "b.css!/webpack:/app/src/b.scss"]) {
        assert_only_place(&report, key, place, 3);
    }
    assert_only_place(&report, &keys[2], "c.js!/webpack:/app/src/2.js", 3);
    assert_only_place(&report, &keys[3], "c.js!/webpack:/app/src/3.js", 3);
    // In other forms of input.
    let script = fs::read(dir.path().join("a.js")).unwrap();
    let input = fs::File::open(dir.path().join("a.js")).unwrap();
    let (report, code) = parse(&keysweep().args(["scan", "-f", "json", "-"]).stdin(input).output().unwrap());
    assert_eq!(code, 1);
    assert_only_place(&report, &keys[0], "-!/webpack:/app/src/config.js", 3);
    // A map that ends too early is told, and what is there of it is searched.
    let cut = String::from_utf8(script).unwrap();
    fs::write(dir.path().join("cut.js"), &cut[..cut.len() - 60]).unwrap();
    let (report, code) = scan(&[dir.path().join("cut.js").to_str().unwrap()]);
    assert_eq!(code, 3, "{report}");
    let incidents = report["incidents"].as_array().unwrap();
    assert!(incidents.len() == 1 && incidents[0]["message"].as_str().unwrap().contains("too early"), "{report}");
    assert_only_place(&report, &keys[0], "cut.js!/webpack:/app/src/config.js", 3);
}

#[test]
fn large_scripts_are_searched_by_all_threads_with_the_same_result() {
    let keys = [Key::new(705), Key::new(706)];
    let dir = tempdir().unwrap();
    let code = "function f(a,b){return a+b}".repeat(1_300_000);
    let script = format!("{}{code}\n{}", comment(&map("first.js", &keys[0])), comment(&map("last.js", &keys[1])));
    fs::write(dir.path().join("app.js"), script).unwrap();
    let path = dir.path().join("app.js");
    let run = |jobs: &str| {
        let (mut report, code) = scan(&["--jobs", jobs, path.to_str().unwrap()]);
        report["stats"] = Value::Null;
        (report, code)
    };
    let (one, two) = (run("1"), run("2"));
    assert_eq!(one, two);
    assert_only_place(&one.0, &keys[0], "app.js!/webpack:/app/first.js", 3);
    assert_only_place(&one.0, &keys[1], "app.js!/webpack:/app/last.js", 3);
}

#[test]
fn packages_tell_of_such_maps_as_of_maps_in_files() {
    let key = Key::new(707);
    let dir = tempdir().unwrap();
    let package = dir.path().join("package");
    fs::create_dir_all(package.join("dist")).unwrap();
    fs::write(package.join("dist/a.js.map"), map("a.js", &key).replace(&key.pem().replace('\n', "\\n"), "none"))
        .unwrap();
    fs::write(package.join("dist/b.js"), format!("let b;\n{}", comment(&map("b.js", &key)))).unwrap();
    let without = r#"{"version":3,"sources":["c.js"],"mappings":"AAAA"}"#;
    fs::write(package.join("dist/c.js"), format!("let c;\n{}", comment(without))).unwrap();
    fs::write(package.join("dist/c.js.map"), without).unwrap();
    let check = |path: &Path| {
        let args = ["scan", "--artifact", "-f", "json", "--only", "artifact-source-map"];
        let (report, code) = parse(&keysweep().args(args).arg(path).output().unwrap());
        assert_eq!((report["findings"].as_array().unwrap().len(), code), (1, 1), "{report}");
        let finding = &report["findings"][0];
        assert_eq!((&finding["rule"], &finding["severity"]), (&"artifact-source-map".into(), &"low".into()));
        let paths: Vec<&str> =
            finding["locations"].as_array().unwrap().iter().map(|place| place["path"].as_str().unwrap()).collect();
        assert!(paths.len() == 2 && paths[0].ends_with("dist/a.js.map"), "{paths:?}");
        assert!(paths[1].ends_with("dist/b.js!/b.js.map"), "{paths:?}");
    };
    check(&package);
    if made(dir.path(), &["tar", "gzip"], "tar czf a-1.0.0.tgz package") {
        check(&dir.path().join("a-1.0.0.tgz"));
        let (report, code) = scan(&[dir.path().join("a-1.0.0.tgz").to_str().unwrap()]);
        assert_eq!((fingerprints(&report), code), (vec![key.fingerprint()], 1), "{report}");
        assert_only_place(&report, &key, "package/dist/b.js!/webpack:/app/b.js", 3);
    }
    // Only what is at least as severe fails this gate; the maps are reported all the same.
    let args = ["scan", "--artifact", "-f", "json", "--fail-on", "medium", "--only", "artifact-source-map"];
    let (report, code) = parse(&keysweep().args(args).arg(&package).output().unwrap());
    assert_eq!((report["findings"].as_array().unwrap().len(), code), (1, 0), "{report}");
}

#[test]
fn repositories_are_looked_through_for_them() {
    let keys = [Key::new(708), Key::new(709)];
    let dir = tempdir().unwrap();
    let git = "git -c user.name=a -c user.email=a@b.c -c init.defaultBranch=main";
    fs::write(dir.path().join("one.js"), format!("let a;\n{}", comment(&map("one.js", &keys[0])))).unwrap();
    fs::write(dir.path().join("two.js"), format!("let b;\n{}", comment(&map("two.js", &keys[1])))).unwrap();
    let first = format!("{git} init -q r && cp one.js r/app.js && cd r && {git} add . && {git} commit -qm one");
    if !made(dir.path(), &["git"], &first) {
        return;
    }
    let run = |args: &[&str]| {
        let mut command = keysweep();
        parse(&command.arg("git").arg(dir.path().join("r")).args(["-f", "json"]).args(args).output().unwrap())
    };
    let (report, code) = run(&["--history"]);
    assert_eq!((fingerprints(&report), code), (vec![keys[0].fingerprint()], 1), "{report}");
    assert_only_place(&report, &keys[0], ":app.js!/webpack:/app/one.js", 3);
    let then = format!("cd r && sed -i 's/let a/let c/' app.js && cp ../two.js two.js && {git} add .");
    assert!(made(dir.path(), &["git"], &then));
    // Of the changed script only another line is new.
    let (report, code) = run(&["--staged"]);
    assert_eq!((fingerprints(&report), code), (vec![keys[1].fingerprint()], 1), "{report}");
}

#[test]
fn comments_without_end_cost_little() {
    let dir = tempdir().unwrap();
    let path = dir.path().join("a.js");
    for (text, code) in [
        // Each begins what may be a map, and goes on to the end of the file.
        ("sourceMappingURL=data:,{\"version\":3,", 3),
        // One is within the other.
        ("sourceMappingURL=data:,{\"version\":3,\"mappings\":\"", 0),
        ("sourceMappingURL=data:", 0),
    ] {
        fs::write(&path, text.repeat(19_000)).unwrap();
        let begin = std::time::Instant::now();
        let (report, seen) = scan(&[path.to_str().unwrap()]);
        assert_eq!(seen, code, "{text}: {report}");
        assert!(begin.elapsed().as_secs() < 60, "{text}: {:?}", begin.elapsed());
    }
}

#[test]
fn maps_of_real_tools() {
    let key = Key::new(710);
    let dir = tempdir().unwrap();
    let source = dir.path().join("src");
    fs::create_dir(&source).unwrap();
    fs::write(source.join("config.js"), format!("export const key = `{}`;\n", key.pem())).unwrap();
    fs::write(source.join("main.js"), "import { key } from './config.js';\nconsole.log(key.length);\n").unwrap();
    let sheet: String = key.pem().lines().map(|line| format!("{line}\n")).collect();
    fs::write(source.join("a.css"), format!("/*\n{sheet}*/\na {{ color: red }}\n")).unwrap();
    let esbuild = "esbuild --log-level=error --bundle --minify --sourcemap=inline";
    for (command, place) in [
        (format!("{esbuild} src/main.js --outfile=out/main.js"), "main.js!/../src/config.js"),
        (format!("{esbuild} src/a.css --outfile=out/a.css"), "a.css!/../src/a.css"),
    ] {
        let _ = fs::remove_dir_all(dir.path().join("out"));
        if !made(dir.path(), &["esbuild"], &command) {
            continue;
        }
        let (report, code) = scan(&[dir.path().join("out").to_str().unwrap()]);
        assert_eq!((fingerprints(&report), code), (vec![key.fingerprint()], 1), "{command}: {report}");
        let places = places(&report, &key);
        assert!(places.last().is_some_and(|(path, _)| path.ends_with(place)), "{command}: {places:?}");
    }
}
