//! `keysweep rules`, and rules of the user's own in a scan.

mod common;

use common::{keysweep, scan};
use keysweep_engine::{Options, Scanner};
use keysweep_rules::{Pattern, RuleSet, TokenRule, template};
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::time::Duration;
use tempfile::tempdir;

const RULE: &str = r#"
[[rule]]
id = "acme-token"
name = "Acme token"
description = "Opens everything at Acme."
severity = "high"
purpose = "saas"
remediation = "Revoke it on the token page."
references = ["https://acme.example/tokens"]
anchors = ["acme_"]
pattern = 'acme_[a-z0-9]{20}'
examples = ["x = acme_{{lowernum:20}}", "acme_{{lowernum:20}}"]
counterexamples = ["acme_{{lowernum:19}}", "acme_xxxxxxxxxxxxxxxxxxxx"]
"#;

/// Standard output, standard error, exit code.
fn rules(args: &[&str]) -> (String, String, i32) {
    let output = keysweep().arg("rules").args(args).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (text(output.stdout), text(output.stderr), output.status.code().unwrap())
}

fn write(folder: &Path, text: &str) -> String {
    let path = folder.join("my.toml");
    fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn the_built_in_rules_are_well_made_and_pass_their_examples() {
    let (out, err, code) = rules(&["check"]);
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    let (out, err, code) = rules(&["test"]);
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    assert!(out.ends_with(" 0 failures\n"), "{out}");
}

/// What stands on earlier lines than the secret is a part of the match all the same.
#[test]
fn a_key_and_its_id_on_lines_of_their_own_are_one_finding() {
    let rules = RuleSet::builtin();
    let pair = rules.get("aws-access-key-pair").unwrap();
    let scanner = Scanner::new(rules.clone(), Options::default()).unwrap();
    let told = |form: &str| {
        let report = scanner.scan_bytes("credentials", template::render(pair, form, 0).unwrap().as_bytes());
        report.findings.into_iter().map(|f| (f.rule, f.locations[0].line)).collect::<Vec<_>>()
    };
    let found = |rule: &str, line| (rule.to_owned(), Some(line));

    let ini = "[default]\naws_access_key_id = AKIA{{base32:16}}\naws_secret_access_key = {{base64:40}}\n";
    assert_eq!(told(ini), [found("aws-access-key-pair", 3)]);
    let json = "{\n \"AccessKeyId\": \"AKIA{{base32:16}}\",\n\n \"SecretAccessKey\": \"{{base64:40}}\"\n}\n";
    assert_eq!(told(json), [found("aws-access-key-pair", 4)]);
    // Another id in the same file is a finding of its own.
    let other = format!("{ini}\nother = AKIA{{{{base32:16}}}}\n");
    assert_eq!(told(&other), [found("aws-access-key-pair", 3), found("aws-access-key-id", 5)]);
}

#[test]
fn the_list_is_aligned_or_json() {
    let (out, _, code) = rules(&["list"]);
    assert_eq!(code, 0);
    let starts: Vec<usize> =
        out.lines().map(|l| l.len() - l.trim_start_matches(|c| c != ' ').trim_start().len()).collect();
    assert!(starts.windows(2).all(|pair| pair[0] == pair[1]), "the second column begins everywhere at one place");

    let (out, _, code) = rules(&["list", "--json", "--only", "age-*"]);
    let list: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(code, 0);
    assert_eq!(list.as_array().unwrap().len(), 1, "{list}");
    assert_eq!((&list[0]["id"], &list[0]["detector"]), (&"age-secret-key".into(), &"decoder".into()));
}

#[test]
fn a_rule_is_shown_with_all_that_is_known_of_it() {
    let dir = tempdir().unwrap();
    let file = write(dir.path(), RULE);
    let (out, _, code) = rules(&["show", "acme-token", "--rules", &file]);
    assert_eq!(code, 0);
    for part in
        ["Acme token", "high", "saas", "Revoke it", "https://acme.example/tokens", "acme_[a-z0-9]{20}", "my.toml"]
    {
        assert!(out.contains(part), "{part} is missing in\n{out}");
    }
    let (out, err, code) = rules(&["show", "acme-tokens", "--rules", &file]);
    assert_eq!((code, out.as_str()), (2, ""));
    assert!(err.contains("did you mean 'acme-token'?"), "{err}");
}

#[test]
fn broken_rules_failing_examples_and_bad_selections_have_their_exit_codes() {
    let dir = tempdir().unwrap();
    let judge = |command: &str, text: &str| {
        let file = write(dir.path(), text);
        rules(&[command, "--rules", &file])
    };
    let (out, _, code) = judge("check", RULE);
    assert_eq!((code, out.as_str()), (0, "1 rule, 0 problems\n"));
    let (out, _, code) = judge("test", RULE);
    assert_eq!((code, out.as_str()), (0, "1 rule, 4 examples, 0 failures\n"));

    let (out, _, code) = judge("test", &RULE.replace("lowernum:19", "lowernum:20"));
    assert_eq!(code, 1);
    assert!(out.contains("rule 'acme-token': counterexample 1") && out.contains("matches"), "{out}");
    let (out, _, code) = judge("check", &RULE.replace("pattern = 'acme", "pattern = 'acm[e3]"));
    assert_eq!(code, 2);
    assert!(out.contains("matches 'acm3_"), "{out}");
    let (_, err, code) = judge("test", &RULE.replace("pattern =", "patern ="));
    assert_eq!(code, 2);
    assert!(err.contains("my.toml: rule 'acme-token': unknown field 'patern', did you mean 'pattern'?"), "{err}");
    let (_, err, code) = rules(&["list", "--only", "no-such-*"]);
    assert_eq!(code, 2);
    assert!(err.contains("no rule matches 'no-such-*'"), "{err}");
    assert_eq!(rules(&["check", "--rules", "/no/such/folder"]).2, 2);
}

#[test]
fn rules_of_the_user_are_used_in_a_scan_and_show_no_secret() {
    let dir = tempdir().unwrap();
    let file = write(dir.path(), RULE);
    let secret = ["acme_k3v9q2x7", "t1m5b8y4w6z0"].concat();
    let target = dir.path().join("settings.txt");
    fs::write(&target, format!("a\ntoken: {secret}\n")).unwrap();
    let target = target.to_str().unwrap();

    assert_eq!(scan(&[target, "--only", "age-*"]).0["findings"].as_array().unwrap().len(), 0);
    let (report, code) = scan(&[target, "--rules", &file]);
    assert_eq!(code, 1);
    let finding = &report["findings"][0];
    assert_eq!(finding["rule"], "acme-token");
    assert_eq!(finding["preview"], "acme_… (25 characters)");
    assert_eq!(finding["proof"]["level"], "pattern");
    assert_eq!((&finding["locations"][0]["line"], &finding["locations"][0]["column"]), (&2.into(), &8.into()));
    for format in ["text", "json", "jsonl", "sarif"] {
        let output = keysweep().args(["scan", "--format", format, "--rules", &file, target]).output().unwrap();
        let all = [output.stdout, output.stderr].concat();
        assert!(String::from_utf8_lossy(&all).contains("acme-token"), "{format}");
        assert!(!String::from_utf8_lossy(&all).contains(&secret[5..13]), "{format} shows the secret");
    }
}

#[test]
fn a_rule_with_the_id_of_a_built_in_one_replaces_it() {
    let dir = tempdir().unwrap();
    let file = write(dir.path(), &RULE.replace("acme-token", "age-secret-key"));
    let (out, _, _) = rules(&["list", "--json", "--only", "age-secret-key", "--rules", &file]);
    let list: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((list.as_array().unwrap().len(), &list[0]["name"]), (1, &"Acme token".into()));
}

#[test]
fn frequent_literals_are_all_looked_at_unless_each_look_is_long() {
    let dir = tempdir().unwrap();
    let file = dir.path().join("file");
    let scan = |text: &str| {
        fs::write(&file, text).unwrap();
        scan(&[file.to_str().unwrap()]).0
    };
    // Lists of addresses are everyday text.
    let urls: String = (0..60_000).map(|n| format!("[#{n}](https://github.com/acme/tool/pull/{n})\n")).collect();
    assert_eq!(scan(&urls)["complete"], true);
    // Literals whose patterns read on for kilobytes at each are not; that not all were looked at is said.
    let report = scan(&"ops_eyJ".repeat(300_000));
    assert_eq!(report["complete"], false);
    assert!(report["incidents"][0]["message"].as_str().unwrap().contains("literals"), "{report}");
}

/// A path at which a rule holds.
fn path_for(token: &TokenRule) -> String {
    let name = token.names.first().map_or("example", String::as_str);
    let holds = Pattern::any_of(&token.path_patterns).unwrap();
    let folders = ["", "etc/radiusclient/", "app/config/", "etc/openvpn/"];
    let mut paths = folders.iter().map(|folder| format!("{folder}{name}"));
    paths.find(|path| token.path_patterns.is_empty() || holds.is_match(path.as_bytes())).unwrap()
}

/// What the self-test of the rules sees, the whole scan must report too: through literals, windows and overlaps, in bytes
/// and in UTF-16.
#[test]
fn every_example_is_found_by_a_scan() {
    let rules = RuleSet::builtin();
    let scanner = Scanner::new(rules.clone(), Options::default()).unwrap();
    let mut missed = Vec::new();
    for rule in rules.rules() {
        let Some(token) = rule.token() else { continue };
        for (index, example) in rule.examples.iter().enumerate() {
            let text = template::render(rule, example, index).unwrap();
            let utf16: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
            let encodings = [("bytes", text.as_bytes()), ("UTF-16", &utf16)];
            // Files that rules know by their names are read as bytes.
            for (encoding, bytes) in encodings.into_iter().take(if token.names.is_empty() { 2 } else { 1 }) {
                let report = scanner.scan_bytes(&path_for(token), bytes);
                let found: Vec<&str> = report.findings.iter().map(|f| f.rule.as_str()).collect();
                // A generic rule may give way to another.
                if !found.contains(&rule.id.as_str()) && (!token.generic || found.is_empty()) {
                    missed.push(format!("{} example {} in {encoding}: found {found:?}", rule.id, index + 1));
                }
            }
        }
    }
    assert!(missed.is_empty(), "{} examples missed:\n{}", missed.len(), missed.join("\n"));
}

#[test]
fn rules_of_gitleaks_are_imported_and_used() {
    let dir = tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    let theirs = path("gitleaks.toml");
    let config = "[[rules]]\nid = 'acme'\ndescription = 'Acme token'\nregex = '''\\b(acmetok_[a-z0-9]{20})\\b'''\nkeywords = ['acmetok_']\n";
    fs::write(&theirs, config).unwrap();
    let (ours, exceptions) = (path("ours.toml"), path("exceptions.toml"));
    let (out, err, code) = rules(&["import", &theirs, "-o", &ours, "--exceptions", &exceptions]);
    assert_eq!((out.as_str(), code), ("", 0), "{err}");
    assert!(err.contains("1 of 1 rule taken over, 0 differences"), "{err}");
    assert_eq!(fs::read_to_string(&exceptions).unwrap(), "");
    let (out, _, code) = rules(&["test", "--rules", &ours]);
    assert_eq!((out.as_str(), code), ("1 rule, 0 examples, 0 failures\n", 0));

    let target = path("target");
    fs::create_dir_all(format!("{target}/docs")).unwrap();
    for name in ["a.txt", "docs/b.txt"] {
        fs::write(format!("{target}/{name}"), ["token: acmetok_k3v9q2x7", "t1m5b8y4w6z0\n"].concat()).unwrap();
    }
    let (report, code) = scan(&[&target, "--rules", &ours]);
    assert_eq!((&report["findings"][0]["rule"], code), (&"acme".into(), 1));

    // What is lost is said, and is an exit code; exceptions for paths belong into the configuration.
    fs::write(
        &theirs,
        format!("{config}[[rules.allowlists]]\npaths = ['''^docs/''']\n[[rules]]\nid = 'x'\nregex = '[0-9]'\n"),
    )
    .unwrap();
    let (out, err, code) = rules(&["import", &theirs]);
    assert_eq!(code, 3, "{err}");
    assert!(err.contains("rule 'x': not taken over") && err.contains("1 of 2 rules taken over, 1 difference"), "{err}");
    assert!(out.contains("# For keysweep.toml:\n") && out.contains("# path-patterns = [\"^docs/\"]"), "{out}");
    rules(&["import", &theirs, "-o", &ours, "--exceptions", &exceptions]);
    let part = fs::read_to_string(&exceptions).unwrap();
    fs::write(format!("{target}/keysweep.toml"), format!("rules = ['../ours.toml']\n{part}")).unwrap();
    let (report, _) = scan(&[&target]);
    let places = |finding: &Value| finding["locations"].as_array().unwrap().len();
    let findings = report["findings"].as_array().unwrap();
    assert_eq!((findings.len(), places(&findings[0])), (1, 1), "{report}");
    assert!(findings[0]["locations"][0]["path"].as_str().unwrap().ends_with("a.txt"));
    assert_eq!(report["suppressed"].as_array().unwrap().len(), 1, "{report}");

    for (text, said) in [("x = 1", "no configuration of gitleaks"), ("x", "gitleaks.toml: ")] {
        fs::write(&theirs, text).unwrap();
        let (out, err, code) = rules(&["import", &theirs]);
        assert_eq!((out.as_str(), code), ("", 2));
        assert!(err.contains(said), "{err}");
    }
    assert_eq!(rules(&["import", &path("none.toml")]).2, 2);
}

#[test]
fn imported_rules_for_paths_hold_where_they_say() {
    let dir = tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    let config = r"
        [[rules]]
        id = 'acme'
        description = 'Acme token'
        regex = '''\b(acmetok_[a-z0-9]{20})\b'''
        path = '''(?i)^src/.*\.php$'''
        [[rules]]
        id = 'vault'
        description = 'Acme vault'
        path = '''\.acmevault$'''
        [[rules.allowlists]]
        paths = ['''(?:^|/)old/''']";
    fs::write(path("gitleaks.toml"), config).unwrap();
    let (ours, exceptions) = (path("ours.toml"), path("exceptions.toml"));
    let (_, err, code) = rules(&["import", &path("gitleaks.toml"), "-o", &ours, "--exceptions", &exceptions]);
    assert_eq!(code, 0, "{err}");
    assert_eq!(rules(&["test", "--rules", &ours]).2, 0);
    for id in ["acme", "vault"] {
        let (out, err, code) = rules(&["show", id, "--rules", &ours]);
        assert!(code == 0 && (out.contains("only if in path") || out.contains("in all scans")), "{out}{err}");
    }
    let root = dir.path().join("target");
    let token = ["<?php $t = 'acmetok_k3v9q2x7", "t1m5b8y4w6z0';\n"].concat();
    for (name, content) in [
        ("src/a.PHP", token.as_str()),
        ("src/a.py", token.as_str()),
        ("lib/a.php", token.as_str()),
        ("src/keys.acmevault", "nothing\n"),
        ("old/keys.acmevault", "nothing\n"),
    ] {
        fs::create_dir_all(root.join(name).parent().unwrap()).unwrap();
        fs::write(root.join(name), content).unwrap();
    }
    let part = fs::read_to_string(&exceptions).unwrap();
    fs::write(root.join("keysweep.toml"), format!("rules = ['../ours.toml']\n{part}")).unwrap();
    let expect = |report: &Value, code: i32, what: &str| {
        let mut found: Vec<(&str, String)> = Vec::new();
        for finding in report["findings"].as_array().unwrap() {
            for place in finding["locations"].as_array().unwrap() {
                let path = place["path"].as_str().unwrap();
                found.push((finding["rule"].as_str().unwrap(), path.rsplit([':', '/']).next().unwrap().to_owned()));
            }
        }
        found.sort();
        let expected = [("acme", "a.PHP".to_owned()), ("vault", "keys.acmevault".to_owned())];
        assert_eq!((found.as_slice(), code), (&expected[..], 1), "{what}: {report}");
    };
    let target = root.to_str().unwrap();
    let (report, code) = scan(&[target]);
    expect(&report, code, "folder");
    assert_eq!(report["suppressed"].as_array().unwrap().len(), 1, "{report}");
    if common::made(dir.path(), &["tar", "gzip"], "tar czf t.tgz -C target src lib") {
        let (report, code) = scan(&["--rules", &ours, &path("t.tgz")]);
        expect(&report, code, "archive");
    }
    // The same in a repository: staged, in its history, and not where only another file is changed.
    let git = "git -c user.name=a -c user.email=a@b.c -c init.defaultBranch=main -C target";
    if !common::made(dir.path(), &["git"], &format!("{git} init -q && {git} add .")) {
        return;
    }
    let scan_git = |args: &[&str]| {
        let mut command = keysweep();
        common::parse(&command.args(["git", target, "-f", "json"]).args(args).output().unwrap())
    };
    let (report, code) = scan_git(&["--staged"]);
    expect(&report, code, "staged");
    let commit = format!("{git} commit -qm one && echo more >> target/lib/a.php && {git} commit -qam two");
    assert!(common::made(dir.path(), &["git"], &commit));
    let (report, code) = scan_git(&["--history"]);
    expect(&report, code, "history");
    let (report, code) = scan_git(&["--range", "HEAD~1..HEAD"]);
    assert_eq!((report["findings"].as_array().unwrap().len(), code), (0, 0), "{report}");
}

/// The values of a JSON report's findings of a rule, as they stand in the text.
fn values(report: &Value, rule: &str, text: &[u8]) -> Vec<Vec<u8>> {
    let findings = report["findings"].as_array().unwrap().iter().filter(|finding| finding["rule"] == rule);
    let places = findings.flat_map(|finding| finding["locations"].as_array().unwrap());
    let number = |place: &Value, name: &str| place[name].as_u64().unwrap() as usize;
    let mut values: Vec<Vec<u8>> = places
        .map(|place| {
            let from = number(place, "offset");
            text[from..from + number(place, "length")].iter().copied().filter(|b| *b != 0).collect()
        })
        .collect();
    values.sort();
    values
}

/// A password that nobody has: which one depends on the number only.
fn secret(n: usize) -> String {
    let letters = b"bcdfghjkmnpqrstvwxzBCDFGHJKLMNPQRSTVWXZ2346789";
    let mut state = n as u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        char::from(letters[(state >> 33) as usize % letters.len()])
    };
    next();
    format!("7q{}4K", (0..14).map(|_| next()).collect::<String>())
}

#[test]
fn all_rows_of_dumps_are_told() {
    let dir = tempdir().unwrap();
    let rows = |count: usize| (0..count).map(move |n| format!("({n},'{}','{}')", "note, ".repeat(200), secret(n)));
    let table = "CREATE TABLE `users` (\n  `id` int,\n  `note` text,\n  `password` text,\n  KEY `a` (`note`)\n);\n";
    // One statement of more than a chunk, and one for each row; the definition is chunks away from the last rows.
    let one = format!("{table}INSERT INTO `users` VALUES {};\n", rows(600).collect::<Vec<_>>().join(","));
    let each: String = rows(900).map(|row| format!("INSERT INTO users VALUES{row};\n")).collect();
    let lines: String = (0..900).map(|n| format!("{n}\t{}\t{}\n", "note ".repeat(150), secret(n))).collect();
    let copied = format!("COPY public.users (id, note, password) FROM stdin;\n{lines}\\.\n");
    let wide =
        format!("INSERT [dbo].[Users] ([Id], [Note], [Password]) VALUES {}", rows(300).collect::<Vec<_>>().join(",\n"));
    let wide: Vec<u8> = format!("\u{feff}{wide}\r\nGO\r\n").encode_utf16().flat_map(u16::to_le_bytes).collect();
    for (name, text, count) in [
        ("one.sql", one.as_bytes(), 600),
        ("each.sql", format!("{table}{each}").as_bytes(), 900),
        ("copied.sql", copied.as_bytes(), 900),
        ("wide.sql", &wide, 300),
    ] {
        let path = dir.path().join(name);
        fs::write(&path, text).unwrap();
        let (report, code) = scan(&[path.to_str().unwrap()]);
        let mut expected: Vec<Vec<u8>> = (0..count).map(|n| secret(n).into_bytes()).collect();
        expected.sort();
        assert_eq!(
            (values(&report, "sql-insert-password", text), code),
            (expected, 1),
            "{name}: {}",
            report["incidents"]
        );
    }
    // Where a statement has more than is told, that is said.
    let many = format!("{table}INSERT INTO users VALUES {}", rows(1_100).collect::<Vec<_>>().join(","));
    let path = dir.path().join("many.sql");
    fs::write(&path, &many).unwrap();
    let (report, code) = scan(&[path.to_str().unwrap()]);
    assert_eq!(
        (values(&report, "sql-insert-password", many.as_bytes()).len(), code),
        (1_000, 3),
        "{}",
        report["incidents"]
    );
}

#[test]
fn all_values_of_a_secret_are_told() {
    let dir = tempdir().unwrap();
    let values_of = |n: usize| data_encoding::BASE64.encode(secret(n).as_bytes());
    let members: String = (0..20).map(|n| format!("  some.key-{n}: {}\n", values_of(n))).collect();
    let notes = "  # a long text\n".repeat(1_000);
    let text = format!(
        "apiVersion: v1\ndata:\n{members}{notes}kind: Secret\nmetadata:\n  name: x\n---\nkind: ConfigMap\ndata:\n{members}"
    );
    let path = dir.path().join("secret.yaml");
    fs::write(&path, &text).unwrap();
    let (report, _) = scan(&[path.to_str().unwrap()]);
    let mut expected: Vec<Vec<u8>> = (0..20).map(|n| values_of(n).into_bytes()).collect();
    expected.sort();
    assert_eq!(values(&report, "kubernetes-secret", text.as_bytes()), expected, "{}", report["findings"]);
}

#[test]
fn lists_without_end_cost_little() {
    for part in [
        "CREATE TABLE x (",
        "INSERT INTO x (password) VALUES (",
        "INSERT INTO x (password) VALUES ('",
        "COPY x (password) FROM stdin;\n",
        "kind: Secret\n",
        "  kind: Secret\n",
        "{\"kind\":\"Secret\",",
        "stringData:\n  a: ",
        "INSERT INTO x VALUES (1),",
    ] {
        let text = part.repeat((2 << 20) / part.len());
        let scanner = Scanner::new(RuleSet::builtin(), Options::default()).unwrap();
        keysweep_testkit::bounded(Duration::from_secs(4), part, || scanner.scan_bytes("hostile", text.as_bytes()));
    }
}
