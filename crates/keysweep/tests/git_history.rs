//! `keysweep git --history`, against repositories made by git, and against a slow walk with git itself.

mod common;
#[path = "common/repo.rs"]
mod repo;

use common::{Key, fingerprints, keysweep, parse};
use repo::{Repo, git_in, git_is_there};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

fn history(path: &Path, args: &[&str]) -> (Value, i32) {
    let output = keysweep().args(["git", "--format", "json", "--history"]).args(args).arg(path).output().unwrap();
    parse(&output)
}

fn sorted(keys: &[&Key]) -> Vec<String> {
    let mut all: Vec<String> = keys.iter().map(|key| key.fingerprint()).collect();
    all.sort();
    all
}

/// The places of the finding of a key.
fn places(report: &Value, key: &Key) -> Vec<Value> {
    let findings = report["findings"].as_array().unwrap();
    let finding = findings.iter().find(|f| f["fingerprint"] == key.fingerprint().as_str());
    finding.map(|f| f["locations"].as_array().unwrap().clone()).unwrap_or_default()
}

fn messages(report: &Value) -> String {
    report["incidents"].as_array().unwrap().iter().map(|i| format!("{} {}\n", i["path"], i["message"])).collect()
}

/// What a walk with git itself finds: every reachable blob, written to a file and scanned as such.
fn reference(repo: &Repo) -> Vec<String> {
    let folder = repo.beside("reference");
    fs::create_dir(&folder).unwrap();
    let all = repo.git(&["rev-list", "--objects", "--all", "--reflog", "--indexed-objects"]);
    for id in all.lines().filter_map(|line| line.split(' ').next()) {
        if repo.git(&["cat-file", "-t", id]) == "blob" {
            let bytes = std::process::Command::new("git")
                .args(["cat-file", "blob", id])
                .current_dir(&repo.path)
                .output()
                .unwrap()
                .stdout;
            fs::write(folder.join(id), bytes).unwrap();
        }
    }
    fingerprints(&common::scan_path(&folder).0)
}

fn objects(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let pack = folder.join("objects/pack");
    let entries = fs::read_dir(pack).unwrap().map(|e| e.unwrap().path());
    entries.filter(|p| p.extension().is_some_and(|e| e == extension)).collect()
}

fn make_writable(path: &Path) {
    let mut permissions = fs::metadata(path).unwrap().permissions();
    #[allow(clippy::permissions_set_readonly_false)]
    permissions.set_readonly(false);
    fs::set_permissions(path, permissions).unwrap();
}

#[test]
fn a_removed_key_is_found_with_the_commit_that_brought_it() {
    if !git_is_there() {
        return;
    }
    for format in ["sha1", "sha256"] {
        let repo = Repo::with(&["--object-format", format]);
        let key = Key::new(1);
        repo.commit("readme", "hello");
        let commit = repo.commit("conf/app.pem", format!("first\n{}", key.pem()));
        repo.commit("other", "x");
        repo.remove("conf/app.pem");
        let (report, code) = history(&repo.path, &[]);
        assert_eq!((fingerprints(&report), code), (vec![key.fingerprint()], 1), "{format}");
        let place = &places(&report, &key)[0];
        assert_eq!(place["path"], format!("{}:{}:conf/app.pem", repo.arg(), &commit[..12]));
        let git = &place["git"];
        assert_eq!((&git["commit"], &git["path"]), (&commit.as_str().into(), &"conf/app.pem".into()));
        assert_eq!(git["author_date"], 1_706_702_400);
        assert_eq!((&place["line"], &git["in_head"], &git["pushed"]), (&2.into(), &false.into(), &false.into()));
        assert_eq!(messages(&report), "");
    }
}

#[test]
fn every_form_of_the_report_names_the_commit() {
    if !git_is_there() {
        return;
    }
    let repo = Repo::new();
    let key = Key::new(2);
    let commit = repo.commit("conf/app.pem", key.pem());
    let report = |format: &str| {
        let output = keysweep().args(["git", "--history", "--format", format, repo.arg()]).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let text = report("text").split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(text.contains(&format!("{}:conf/app.pem:1:1", &commit[..12])), "{text}");
    assert!(text.contains("committed 2024-01-31, still in HEAD, not pushed"), "{text}");
    let sarif: Value = serde_json::from_str(&report("sarif")).unwrap();
    let result = &sarif["runs"][0]["results"][0];
    assert_eq!(result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"], "conf/app.pem");
    assert_eq!(result["properties"]["git"]["commit"], commit.as_str());
    let lines = report("jsonl");
    let first: Value = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
    assert_eq!(first["locations"][0]["git"]["commit"], commit.as_str());
    for form in [text, sarif.to_string(), lines] {
        assert!(!key.spellings().iter().any(|s| form.as_bytes().windows(s.len()).any(|w| w == s)));
    }
}

#[test]
fn what_only_its_name_tells_is_found() {
    if !git_is_there() {
        return;
    }
    let repo = Repo::new();
    let stash = include_bytes!("../../keysweep-keys/tests/data/kerberos/.k5.EXAMPLE.ORG");
    repo.commit("other", stash);
    assert_eq!(history(&repo.path, &[]).1, 0);
    repo.commit(".k5.EXAMPLE.ORG", stash);
    let (report, code) = history(&repo.path, &[]);
    assert_eq!((report["findings"].as_array().unwrap().len(), code), (1, 1));
}

/// A rule that reports files wherever they lie asks for the second look alone, and only for the paths that it names.
#[test]
fn files_that_rules_know_by_their_paths_are_found_wherever_they_lay() {
    if !git_is_there() {
        return;
    }
    let rules = tempfile::tempdir().unwrap();
    let rule = "[[rule]]\nid = 'acme-store'\nname = 'n'\ndescription = 'd d.'\nseverity = 'high'\npurpose = 'generic'\n\
        remediation = 'r r.'\npaths = ['certs/**/*.p12']\nalways = true\nexamples = [\"certs/a.p12\\nx\"]\n\
        counterexamples = [\"a.p12\\nx\"]\n";
    std::fs::write(rules.path().join("acme.toml"), rule).unwrap();
    let repo = Repo::new();
    repo.commit("a/x/a.p12", "nothing to see");
    repo.commit("certs/x/a.p12", "nothing to see");
    repo.commit("certs/x/b.txt", "nothing to see");
    repo.git(&["mv", "certs", "moved"]);
    repo.git(&["commit", "-q", "-m", "moved"]);
    let (report, code) = history(&repo.path, &["--rules", rules.path().to_str().unwrap()]);
    let findings = report["findings"].as_array().unwrap();
    let paths: Vec<&str> = findings
        .iter()
        .flat_map(|finding| finding["locations"].as_array().unwrap())
        .map(|place| place["git"]["path"].as_str().unwrap())
        .collect();
    assert_eq!((paths, code), (vec!["certs/x/a.p12"], 1), "{report}");
    assert_eq!(history(&repo.path, &[]).1, 0);
}

#[test]
fn passwords_that_only_the_name_of_a_file_tells_are_found_after_it_was_removed() {
    if !git_is_there() {
        return;
    }
    let repo = Repo::new();
    repo.commit("readme", "hello");
    // Made up for this test.
    let commit = repo.commit("etc/ppp/chap-secrets", "# secrets\nops * k3Jx9QzLmW2v *\n");
    repo.commit("other/file", "ops * k3Jx9QzLmW2v *\n");
    repo.remove("etc/ppp/chap-secrets");
    let (report, code) = history(&repo.path, &[]);
    let findings = report["findings"].as_array().unwrap();
    assert_eq!((findings.len(), code), (1, 1), "{report}");
    let place = &findings[0]["locations"][0];
    assert_eq!((&findings[0]["rule"], &place["line"]), (&"ppp-secret".into(), &2.into()));
    assert_eq!(place["path"], format!("{}:{}:etc/ppp/chap-secrets", repo.arg(), &commit[..12]));
    assert_eq!(findings[0]["locations"].as_array().unwrap().len(), 1);
}

#[test]
fn all_that_refs_logs_and_indexes_reach_is_read_and_nothing_else() {
    if !git_is_there() {
        return;
    }
    let repo = Repo::new();
    let keys: Vec<Key> = (10..22).map(Key::new).collect();
    let pem = |i: usize| keys[i].pem();
    repo.commit("a", pem(0));
    // A branch, a tag of a blob, a tag of a tag of a tree, a note, a stash, a log, an index, a work tree, a detached HEAD.
    repo.git(&["checkout", "-q", "-b", "side"]);
    repo.commit("b", pem(1));
    repo.git(&["checkout", "-q", "main"]);
    repo.write("c", pem(2));
    let blob = repo.git(&["hash-object", "-w", "c"]);
    repo.git(&["tag", "blob", &blob]);
    repo.write("c", pem(3));
    repo.git(&["add", "c"]);
    let tree = repo.git(&["write-tree"]);
    repo.git(&["tag", "-a", "-m", "t", "tree", &tree]);
    repo.git(&["tag", "-a", "-m", "t", "twice", "tree"]);
    repo.git(&["reset", "-q", "--hard"]);
    repo.git(&["notes", "add", "-m", &pem(4)]);
    repo.write("a", pem(5));
    repo.git(&["stash", "-q"]);
    repo.write("a", pem(6));
    repo.git(&["stash", "-q"]); // The first stash is now in the log only.
    repo.commit("d", pem(7));
    repo.git(&["reset", "-q", "--hard", "HEAD~1"]); // In the log of HEAD only.
    repo.git(&["worktree", "add", "-q", "--detach", repo.beside("linked").to_str().unwrap()]);
    fs::write(repo.beside("linked/e"), pem(8)).unwrap();
    git_in(&repo.beside("linked"), &["add", "e"]);
    git_in(&repo.beside("linked"), &["commit", "-q", "-m", "e"]);
    repo.write("f", pem(9));
    repo.git(&["add", "f"]);
    // Neither in a ref nor in a log; and not even added.
    repo.write("g", pem(10));
    repo.git(&["hash-object", "-w", "g"]);
    repo.write("g", pem(11));

    let reached = sorted(&keys[..10].iter().collect::<Vec<_>>());
    let (report, code) = history(&repo.path, &[]);
    assert_eq!((fingerprints(&report), code), (reached.clone(), 1), "{}", messages(&report));
    assert_eq!(fingerprints(&history(&repo.beside("linked"), &[]).0), reached, "from the work tree");
    assert_eq!(places(&report, &keys[2])[0]["git"]["path"], "refs/tags/blob");
    assert_eq!(places(&report, &keys[9])[0]["git"]["path"], "f");
    assert_eq!(places(&report, &keys[0])[0]["git"]["in_head"], true);
    let (all, _) = history(&repo.path, &["--dangling"]);
    assert_eq!(fingerprints(&all), sorted(&keys[..11].iter().collect::<Vec<_>>()));

    assert_eq!(reference(&repo), reached, "the reference");
    repo.git(&["repack", "-q", "-a", "-d", "-k"]);
    let (packed, _) = history(&repo.path, &["--jobs", "3"]);
    assert_eq!(packed["findings"], report["findings"], "packed or loose must not matter");
}

#[test]
fn deltas_in_many_packs_are_read_once() {
    if !git_is_there() {
        return;
    }
    let repo = Repo::new();
    let filler: String = (0..4_000).map(|i| format!("line {i} of a file that changes little\n")).collect();
    let keys: Vec<Key> = (100..140).map(Key::new).collect();
    for (i, key) in keys.iter().enumerate() {
        repo.commit("big", format!("{filler}{}", key.pem()));
        if i % 8 == 0 {
            repo.git(&["repack", "-q", "-d"]);
        }
    }
    repo.git(&["repack", "-q", "-a", "-d", "-f", "--depth=50", "--window=50"]);
    repo.commit("small", "x");
    let (report, _) = history(&repo.path, &[]);
    assert_eq!(fingerprints(&report), sorted(&keys.iter().collect::<Vec<_>>()));
    let blobs = repo.git(&["cat-file", "--batch-all-objects", "--batch-check=%(objecttype)"]);
    assert_eq!(report["stats"]["files"], blobs.lines().filter(|kind| *kind == "blob").count());
    // Named by id instead of by offset.
    let ids = repo.beside("ids");
    git_in(repo.path.parent().unwrap(), &["init", "-q", "--bare", "ids"]);
    repo.git(&["config", "repack.useDeltaBaseOffset", "false"]);
    repo.git(&["repack", "-q", "-a", "-d", "-f"]);
    for extension in ["pack", "idx"] {
        for file in objects(&repo.path.join(".git"), extension) {
            fs::copy(&file, ids.join("objects/pack").join(file.file_name().unwrap())).unwrap();
        }
    }
    git_in(&ids, &["update-ref", "refs/heads/main", &repo.git(&["rev-parse", "HEAD"])]);
    assert_eq!(fingerprints(&history(&ids, &[]).0), sorted(&keys.iter().collect::<Vec<_>>()));
}

#[test]
fn clones_say_what_they_lack() {
    if !git_is_there() {
        return;
    }
    let repo = Repo::new();
    let (old, new) = (Key::new(40), Key::new(41));
    repo.commit("old", old.pem());
    repo.git(&["rm", "-q", "old"]);
    repo.commit("new", new.pem());
    repo.git(&["config", "uploadpack.allowFilter", "true"]);
    let url = format!("file://{}", repo.path.display());
    let clone = |name: &str, options: &[&str]| {
        let args = [&["clone", "-q"], options, &[&url, name]].concat();
        git_in(repo.path.parent().unwrap(), &args);
        history(&repo.beside(name), &[])
    };
    let (report, code) = clone("full", &["--bare"]);
    assert_eq!((fingerprints(&report), code), (sorted(&[&old, &new]), 1));
    assert_eq!(places(&report, &new)[0]["git"]["pushed"], false);
    let (report, _) = clone("normal", &[]);
    assert_eq!(places(&report, &old)[0]["git"]["pushed"], true);
    let (report, code) = clone("shallow", &["--depth", "1"]);
    assert_eq!((fingerprints(&report), code), (sorted(&[&new]), 1));
    assert!(messages(&report).contains("shallow"), "{}", messages(&report));
    let (report, code) = clone("partial", &["--filter=blob:none"]);
    assert_eq!((fingerprints(&report), code), (sorted(&[&new]), 3));
    assert!(messages(&report).contains("1 objects are missing: this is a partial clone"), "{}", messages(&report));
    // The range that has the missing blob says the same.
    let partial = repo.beside("partial");
    let args = ["git", "--range", "HEAD", "--no-config", "--format", "json", partial.to_str().unwrap()];
    let (report, code) = parse(&keysweep().args(args).output().unwrap());
    assert!(code == 3 && messages(&report).contains("this is a partial clone"), "{}", messages(&report));
    // Borrowed objects are read as well.
    let (report, code) = clone("borrowed", &["--shared"]);
    assert_eq!((fingerprints(&report), code), (sorted(&[&old, &new]), 1));
}

#[test]
fn damage_costs_what_is_damaged_and_is_told() {
    if !git_is_there() {
        return;
    }
    let repo = Repo::new();
    let keys: Vec<Key> = (50..80).map(Key::new).collect();
    repo.commit("0", keys[0].pem());
    let bad = repo.git(&["rev-parse", "HEAD:0"]);
    for (i, key) in keys.iter().enumerate().skip(1) {
        repo.commit(&i.to_string(), key.pem());
    }
    let loose = repo.path.join(".git/objects").join(&bad[..2]).join(&bad[2..]);
    make_writable(&loose);
    let content = fs::read(&loose).unwrap();
    fs::write(&loose, &content[..content.len() / 2]).unwrap();
    let (report, code) = history(&repo.path, &[]);
    assert_eq!((fingerprints(&report), code), (sorted(&keys[1..].iter().collect::<Vec<_>>()), 3));
    assert!(messages(&report).contains(&bad), "{}", messages(&report));
    fs::remove_file(&loose).unwrap();
    let (report, code) = history(&repo.path, &[]);
    assert_eq!((report["findings"].as_array().unwrap().len(), code), (29, 3));
    assert!(messages(&report).contains(&bad) && messages(&report).contains("missing"), "{}", messages(&report));

    // A tree is named by the commit that needs it.
    let (commit, tree) = (repo.git(&["rev-parse", "HEAD~1"]), repo.git(&["rev-parse", "HEAD~1^{tree}"]));
    let path = repo.path.join(".git/objects").join(&tree[..2]).join(&tree[2..]);
    let aside = repo.beside("tree");
    fs::rename(&path, &aside).unwrap();
    let told = messages(&history(&repo.path, &[]).0);
    assert!(told.contains(&format!("needed by history (commit {commit})")), "{told}");
    fs::rename(&aside, &path).unwrap();

    fs::write(&loose, &content).unwrap();
    repo.git(&["repack", "-q", "-a", "-d"]);
    let pack = objects(&repo.path.join(".git"), "pack").remove(0);
    make_writable(&pack);
    let whole = fs::read(&pack).unwrap();
    fs::write(&pack, &whole[..whole.len() * 3 / 4]).unwrap();
    let (report, code) = history(&repo.path, &[]);
    let found = fingerprints(&report).len();
    assert!(code == 3 && messages(&report).contains("object "), "{}", messages(&report));
    let (all, _) = history(&repo.path, &["--dangling"]);
    assert!(fingerprints(&all).len() >= found, "{found}");
    // Whatever is damaged: told, and no crash.
    let mut state = 7u32;
    for _ in 0..12 {
        let mut bytes = whole.clone();
        for _ in 0..20 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let at = 12 + (state >> 4) as usize % (bytes.len() - 12);
            bytes[at] ^= 1 << (state & 7);
        }
        fs::write(&pack, &bytes).unwrap();
        assert_eq!(history(&repo.path, &[]).1, 3);
    }
}

#[test]
fn limits_pointers_and_submodules_are_told() {
    if !git_is_there() {
        return;
    }
    let repo = Repo::new();
    repo.commit("large", "x".repeat(20_000));
    let pointer = format!("version https://git-lfs.github.com/spec/v1\noid sha256:{}\nsize 5\n", "0".repeat(64));
    repo.commit("pointer", pointer);
    let commit = repo.git(&["rev-parse", "HEAD"]);
    repo.git(&["update-index", "--add", "--cacheinfo", &format!("160000,{commit},lib/sub")]);
    repo.git(&["commit", "-q", "-m", "sub"]);
    let (report, code) = history(&repo.path, &[]);
    assert_eq!(code, 0, "{}", messages(&report));
    assert!(messages(&report).contains("submodule lib/sub") && messages(&report).contains("1 Git LFS"), "{report}");
    let (report, code) = history(&repo.path, &["--max-file-size", "10K"]);
    assert_eq!(code, 3);
    assert!(messages(&report).contains("20000 bytes"), "{}", messages(&report));
}

#[test]
fn what_is_no_repository_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let output = keysweep().args(["git", "--history"]).arg(dir.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    assert_eq!(keysweep().args(["git"]).output().unwrap().status.code(), Some(2));
}

#[test]
fn an_empty_repository_is_clean() {
    if !git_is_there() {
        return;
    }
    let (report, code) = history(&Repo::new().path, &[]);
    assert_eq!((code, messages(&report).as_str()), (0, ""));
}
