//! Baselines, configuration and marks: what fails a gate, and what is only counted.

mod common;
#[path = "common/repo.rs"]
mod repo;

use common::{Key, fingerprints, keysweep, parse};
use repo::{Repo, git_is_there};
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::Output;

/// Runs keysweep in a folder.
fn run(folder: &Path, args: &[&str]) -> Output {
    keysweep().args(args).current_dir(folder).output().unwrap()
}

/// Runs a scan in a folder, with a report as JSON.
fn json(folder: &Path, args: &[&str]) -> (Value, i32) {
    parse(&run(folder, &[args, &["--format", "json"]].concat()))
}

fn code(folder: &Path, args: &[&str]) -> i32 {
    run(folder, args).status.code().unwrap()
}

fn text(output: &[u8]) -> String {
    String::from_utf8_lossy(output).into_owned()
}

fn notes(report: &Value) -> String {
    report["incidents"].to_string()
}

/// A folder that is no repository.
fn folder(files: &[(&str, String)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (path, content) in files {
        write(dir.path(), path, content);
    }
    dir
}

fn write(folder: &Path, path: &str, content: &str) {
    let path = folder.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

/// A line with a password: its name says what it is, and it can be guessed.
fn password(word: &str) -> String {
    format!("DB_PASSWORD={word}Xq{}!vR\n", 70 + word.len())
}

const BASELINE: &str = "keysweep-baseline.json";

#[test]
fn a_baseline_knows_what_moved_and_not_what_was_swapped() {
    let (old, new) = (Key::new(31), Key::new(32));
    let dir = folder(&[("sub/a.txt", format!("one\n{}", old.pem())), ("b.txt", Key::new(33).pem())]);
    let output = run(dir.path(), &["baseline", "create", "."]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let file = fs::read_to_string(dir.path().join(BASELINE)).unwrap();
    for spelling in old.spellings() {
        assert!(!file.as_bytes().windows(spelling.len()).any(|w| w == spelling), "the baseline holds a secret");
    }
    let value: Value = serde_json::from_str(&file).unwrap();
    assert_eq!((&value["schema"], value["entries"].as_array().unwrap().len()), (&1.into(), 2));
    assert!(!file.contains("\"line\""));
    assert_eq!(code(dir.path(), &["baseline", "create", "."]), 2, "nothing is overwritten");
    assert_eq!(code(dir.path(), &["scan", "."]), 1, "only a baseline that is named is used");

    let with = |args: &[&str]| json(dir.path(), &[&["scan", ".", "--baseline", BASELINE], args].concat());
    let (report, exit) = with(&[]);
    assert_eq!((exit, report["findings"].as_array().unwrap().len()), (0, 0));
    let suppressed = report["suppressed"].as_array().unwrap();
    assert_eq!(suppressed.len(), 2);
    assert_eq!(suppressed[0]["by"], "baseline");
    let summary = text(&run(dir.path(), &["scan", ".", "--baseline", BASELINE]).stdout);
    assert!(summary.contains("2 let pass by baseline"), "{summary}");

    write(dir.path(), "sub/a.txt", &format!("one\ntwo\nthree\n{}", old.pem()));
    assert_eq!(with(&[]).1, 0, "a moved line is known");
    fs::rename(dir.path().join("b.txt"), dir.path().join("c.txt")).unwrap();
    assert_eq!(with(&[]).1, 0, "a key is the same wherever it lies");
    write(dir.path(), "sub/a.txt", &format!("one\n{}", new.pem()));
    let (report, exit) = with(&[]);
    assert_eq!((exit, fingerprints(&report)), (1, vec![new.fingerprint()]), "a swapped key is new");

    // The same bytes every time, and what was decided stays.
    let set = ["baseline", "audit", "--set", &old.fingerprint()[..30], "--as", "accepted", "--reason", "a test"];
    assert_eq!(code(dir.path(), &set), 0);
    assert_eq!(code(dir.path(), &set[..6]), 2, "a decision needs a reason");
    let update = text(&run(dir.path(), &["baseline", "update", "."]).stdout);
    assert!(update.contains("3 entries, 1 new, 0 dropped"), "{update}");
    let before = fs::read(dir.path().join(BASELINE)).unwrap();
    assert_eq!(code(dir.path(), &["baseline", "update", "."]), 0);
    assert_eq!(fs::read(dir.path().join(BASELINE)).unwrap(), before);
    let audit = text(&run(dir.path(), &["baseline", "audit", "."]).stdout);
    assert!(audit.contains("accepted (a test), no longer found") && audit.contains("a.txt:2"), "{audit}");
    assert!(audit.contains("3 entries: 2 open, 1 accepted, 0 false-positive; 1 no longer found"), "{audit}");
    let update = text(&run(dir.path(), &["baseline", "update", "--prune", "."]).stdout);
    assert!(update.contains("2 entries, 0 new, 1 dropped"), "{update}");
}

#[test]
fn entries_end_and_keys_that_lose_their_protection_are_new() {
    let key = Key::new(34);
    let dir = folder(&[("a.pem", key.pem())]);
    assert_eq!(code(dir.path(), &["baseline", "create", "a.pem"]), 0);
    let scan = ["scan", ".", "--baseline", BASELINE];
    let set = |until: &str| {
        let args = ["baseline", "audit", "--set", "spki", "--as", "accepted", "--reason", "x", "--until", until];
        code(dir.path(), &args)
    };
    assert_eq!((set("2999-12-31"), code(dir.path(), &scan)), (0, 0));
    assert_eq!(set("tomorrow"), 2);
    assert_eq!(set("2020-02-29"), 0);
    let (report, exit) = json(dir.path(), &scan);
    assert_eq!(exit, 1);
    assert!(notes(&report).contains("ended on 2020-02-29"), "{}", notes(&report));
    assert!(text(&run(dir.path(), &["baseline", "audit"]).stdout).contains("ended 2020-02-29"));
    let file = fs::read_to_string(dir.path().join(BASELINE)).unwrap();
    write(dir.path(), BASELINE, &file.replace("\"none\"", "\"encrypted\"").replace("2020-", "2996-"));
    assert_eq!(code(dir.path(), &scan), 1, "what was encrypted lies open now");
    write(dir.path(), BASELINE, "{}");
    assert_eq!(code(dir.path(), &scan), 2, "a damaged baseline is no empty one");
    assert_eq!(code(dir.path(), &["scan", ".", "--baseline", "none.json"]), 2);
}

#[test]
fn secrets_that_can_be_guessed_are_known_at_their_place_only() {
    if !git_is_there() {
        return;
    }
    let repo = Repo::new();
    repo.commit("app/.env", password("winter"));
    assert_eq!(code(&repo.path, &["baseline", "create", "."]), 0);
    let scan = ["scan", "app", "other", "--baseline", BASELINE];
    fs::create_dir(repo.path.join("other")).unwrap();
    assert_eq!(code(&repo.path, &scan), 0);
    repo.write(
        "app/.env",
        format!("# a\n# b\n# c\nA_LONG_NAME_SO_THAT_NOTHING_ELSE_IS_NEAR=0123\n\n{}", password("winter")),
    );
    repo.write("other/.env", password("winter"));
    assert_eq!(code(&repo.path, &scan), 1, "the same line in another file");
    // The line may hold another password now: in what is just written it is new.
    repo.write("app/.env", password("summer"));
    repo.git(&["add", "app"]);
    assert_eq!(code(&repo.path, &["git", "--staged", "--baseline", BASELINE]), 1);
    // With a key of the user's own all are told apart.
    repo.write("key", "a key for names");
    let keyed = ["--fingerprint-key", "key"];
    fs::remove_dir_all(repo.path.join("other")).unwrap();
    assert_eq!(code(&repo.path, &[&["baseline", "create", "--force", "app"][..], &keyed].concat()), 0);
    let scan = [&["scan", "app", "--baseline", BASELINE][..], &keyed].concat();
    assert_eq!(code(&repo.path, &scan), 0);
    repo.write("app/.env", password("autumn"));
    assert_eq!(code(&repo.path, &scan), 1);
}

#[test]
fn hooks_and_history_know_the_baseline() {
    if !git_is_there() {
        return;
    }
    let repo = Repo::new();
    repo.commit("old.pem", Key::new(35).pem());
    repo.remove("old.pem");
    assert_eq!(code(&repo.path, &["git", "--history"]), 1);
    assert_eq!(code(&repo.path, &["baseline", "create", "--history"]), 0);
    let known = ["--baseline", BASELINE];
    assert_eq!(code(&repo.path, &[&["git", "--history"], &known[..]].concat()), 0);
    repo.write("again.pem", Key::new(35).pem());
    repo.git(&["add", "again.pem"]);
    let hook = ["hook", "run", "pre-commit"];
    assert_eq!(code(&repo.path, &hook), 1);
    assert_eq!(code(&repo.path, &[&hook[..], &known].concat()), 0);
    repo.write("keysweep.toml", "baseline = 'keysweep-baseline.json'");
    assert_eq!(code(&repo.path, &hook), 0, "named by the configuration");
    assert_eq!(code(&repo.path, &["hook", "run", "pre-commit", "--no-config"]), 1);
    repo.write("new.pem", Key::new(36).pem());
    repo.git(&["add", "new.pem"]);
    assert_eq!(code(&repo.path, &hook), 1);
}

#[test]
fn the_configuration_is_found_above_and_its_exceptions_are_counted() {
    let dir = folder(&[
        ("tests/a.pem", Key::new(37).pem()),
        ("src/deep/b.txt", Key::new(38).pem()),
        ("vendor/c.pem", Key::new(39).pem()),
        ("src/vendor/d.txt", "nothing".into()),
    ]);
    let config = |text: &str| write(dir.path(), "keysweep.toml", text);
    let scan = |args: &[&str]| json(dir.path(), &[&["scan"], args].concat());
    config("exclude = ['/vendor']\n[[allow]]\npaths = ['tests/**']\nreason = 'keys of tests'\nuntil = 2999-01-01\n");
    let (report, exit) = scan(&["."]);
    assert_eq!((exit, fingerprints(&report)), (1, vec![Key::new(38).fingerprint()]));
    assert_eq!(report["suppressed"][0]["reason"], "keys of tests");
    assert!(notes(&report).contains("excludes /vendor"), "what is left out is said");
    assert_eq!(scan(&["src/deep"]).1, 1);
    assert_eq!(scan(&["tests/a.pem"]).1, 0);
    assert_eq!(scan(&["tests/a.pem", "--no-config"]).1, 1);
    let (report, _) = scan(&["vendor/c.pem"]);
    assert_eq!(report["suppressed"][0]["by"], "excluded", "also what is named");

    config(
        "[[allow]]\npaths = ['tests/**']\nreason = 'old'\nuntil = '2020-01-01'\n[[allow]]\nrule = 'generic-password'\nreason = 'none there'\n",
    );
    let (report, exit) = scan(&["."]);
    assert_eq!((exit, report["findings"].as_array().unwrap().len()), (1, 3));
    assert!(notes(&report).contains("(old) ended on 2020-01-01"), "{}", notes(&report));
    assert!(notes(&report).contains("(none there) is not needed"), "{}", notes(&report));
    assert!(!notes(&scan(&["src"]).0).contains("not needed"), "it may be needed elsewhere");

    let rule = report["findings"][0]["rule"].as_str().unwrap().to_owned();
    config(&format!("fail-on = 'high'\n[severity]\n{rule} = 'low'\n"));
    let (report, exit) = scan(&["."]);
    assert_eq!((exit, &report["findings"][0]["severity"]), (0, &"low".into()));
    assert_eq!(scan(&[".", "--fail-on", "low"]).1, 1, "the command line goes first");
    config(&format!("disable = ['{rule}']"));
    let (report, exit) = scan(&["."]);
    assert_eq!(exit, 0);
    assert!(notes(&report).contains(&format!("turns off the rules {rule}")));

    for (mistake, meant) in [("exclud = []", "did you mean 'exclude'"), ("disable = ['no-such-rule']", "no-such-rule")]
    {
        config(mistake);
        let output = run(dir.path(), &["scan", "src"]);
        assert_eq!(output.status.code(), Some(2));
        assert!(text(&output.stderr).contains(meant), "{}", text(&output.stderr));
    }
    write(dir.path(), "src/keysweep.toml", "");
    assert_eq!(code(dir.path(), &["scan", "src", "tests"]), 2, "paths of two configurations");
}

#[test]
fn marks_hold_with_a_reason_until_their_day() {
    let key = Key::new(40);
    let dir = folder(&[]);
    let scan = |mark: &str| {
        write(dir.path(), "a.py", &format!("# {mark}\nKEY = '''{}'''\n", key.pem()));
        json(dir.path(), &["scan", "a.py"])
    };
    let rule = scan("no mark").0["findings"][0]["rule"].as_str().unwrap().to_owned();
    let (report, exit) = scan(&format!("keysweep:allow {rule} reason=a test key until=2999-01-01"));
    assert_eq!(exit, 0, "{report}");
    assert_eq!(
        (&report["suppressed"][0]["by"], &report["suppressed"][0]["reason"]),
        (&"inline".into(), &"a test key".into())
    );
    for (mark, why) in [
        (format!("keysweep:allow {rule}"), "gives no reason"),
        (format!("keysweep:allow {rule} reason=x until=2020-01-01"), "ended on 2020-01-01"),
        (format!("keysweep:allow {rule} reason=x until=soon"), "is no date"),
    ] {
        let (report, exit) = scan(&mark);
        assert_eq!(exit, 1, "{mark}");
        assert!(notes(&report).contains(why), "{mark}: {}", notes(&report));
        assert_eq!(report["findings"].as_array().unwrap().len(), 1);
    }
    assert_eq!(scan("keysweep:allow another-rule reason=x").1, 1);
    write(dir.path(), "keysweep.toml", "inline-allow = false");
    let (report, exit) = scan(&format!("keysweep:allow {rule} reason=x"));
    assert_eq!(exit, 1);
    assert!(notes(&report).contains("do not hold here"));
}

#[test]
fn what_other_tools_know_is_known() {
    let (leaked, audited, ignored, new) = (Key::new(61), Key::new(62), Key::new(63), Key::new(64));
    let dir = folder(&[
        ("a/leaked.txt", format!("x\n{}", leaked.pem())),
        ("audited.txt", audited.pem()),
        ("ignored.txt", format!("\n\n{}", ignored.pem())),
        ("new.txt", new.pem()),
    ]);
    let secret = "a secret that the report holds";
    let leak = serde_json::json!([
        { "RuleID": "private-key", "File": "a/leaked.txt", "StartLine": 2, "EndLine": 5, "Commit": "", "Secret": secret },
        { "RuleID": "private-key", "File": "gone.txt", "StartLine": 1, "EndLine": 1, "Commit": "", "Secret": secret },
    ]);
    let secrets = serde_json::json!({
        "version": "1.5.0",
        "results": { "audited.txt": [{ "type": "Private Key", "line_number": 1, "is_secret": false }] },
    });
    write(dir.path(), "report.json", &leak.to_string());
    write(dir.path(), ".secrets.baseline", &secrets.to_string());
    write(dir.path(), ".gitleaksignore", "# ours\nignored.txt:private-key:3\n");
    for (file, found) in [
        ("report.json", "1 entries, 1 new\nnothing found at gone.txt:1"),
        (".secrets.baseline", "2 entries, 1 new"),
        (".gitleaksignore", "3 entries, 1 new"),
    ] {
        let output = run(dir.path(), &["baseline", "import", "--from", file, "."]);
        assert!(text(&output.stdout).contains(found), "{file}: {}{}", text(&output.stdout), text(&output.stderr));
    }
    let file = fs::read_to_string(dir.path().join(BASELINE)).unwrap();
    assert!(!file.contains(secret));
    let baseline: Value = serde_json::from_str(&file).unwrap();
    let status = |key: &Key| {
        let entries = baseline["entries"].as_array().unwrap();
        entries.iter().find(|e| e["fingerprint"] == key.fingerprint()).map(|e| e["status"].clone())
    };
    let expected =
        [(&leaked, Some("open")), (&audited, Some("false-positive")), (&ignored, Some("accepted")), (&new, None)];
    for (key, expected) in expected {
        assert_eq!(status(key), expected.map(Value::from));
    }
    let (report, exit) = json(dir.path(), &["scan", ".", "--baseline", BASELINE]);
    assert_eq!((exit, fingerprints(&report)), (1, vec![new.fingerprint()]));
    write(dir.path(), "broken", "nonsense");
    assert_eq!(code(dir.path(), &["baseline", "import", "--from", "broken", "."]), 2);
}

#[test]
fn marks_of_other_tools_hold_only_where_they_are_asked_for() {
    let line = |sign: &str| password("a").replace('\n', &format!(" # {sign}\n"));
    let files = [
        ("a.env", line("gitleaks:allow")),
        ("b.env", line("pragma: allowlist secret")),
        ("c.env", format!("# pragma: allowlist nextline secret\n{}", password("b"))),
    ];
    let dir = folder(&files);
    let count = |report: &Value, list: &str| {
        let findings = report[list].as_array().map_or(&[][..], Vec::as_slice);
        let places = |f: &Value| f["locations"].as_array().or(f["finding"]["locations"].as_array()).map_or(0, Vec::len);
        findings.iter().map(places).sum::<usize>()
    };
    let (report, exit) = json(dir.path(), &["scan", "."]);
    assert_eq!((count(&report, "findings"), count(&report, "suppressed"), exit), (3, 0, 1), "{report}");
    assert!(!notes(&report).contains("not heard"), "{report}");

    write(dir.path(), "keysweep.toml", "honour = ['gitleaks']");
    let (report, exit) = json(dir.path(), &["scan", "."]);
    assert_eq!((count(&report, "findings"), count(&report, "suppressed"), exit), (2, 1, 1), "{report}");
    assert_eq!(report["suppressed"][0]["reason"], "gitleaks:allow (gitleaks)");

    write(dir.path(), "keysweep.toml", "honour = ['gitleaks', 'detect-secrets']");
    let (report, exit) = json(dir.path(), &["scan", "."]);
    assert_eq!((count(&report, "findings"), count(&report, "suppressed"), exit), (0, 3, 0), "{report}");

    // Who turns marks off turns off all of them.
    write(dir.path(), "keysweep.toml", "honour = ['gitleaks', 'detect-secrets']\ninline-allow = false");
    assert_eq!(code(dir.path(), &["scan", "."]), 1);
}
