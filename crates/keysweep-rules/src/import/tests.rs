use super::*;
use crate::compile::CompiledToken;
use crate::{FileRules, PathRules, RuleSet, selftest};

fn take(text: &str) -> Imported {
    import(text, &mut |path| Err(format!("no {path}")), &|id| id == "age-secret-key").unwrap()
}

fn finds(imported: &Imported, id: &str, text: &str) -> Option<String> {
    let rules = RuleSet::from_toml("imported.toml", &imported.rules).unwrap();
    let rule = rules.get(id).unwrap_or_else(|| panic!("no {id} in\n{}", imported.rules));
    let anchors = &rule.token().unwrap().anchors;
    let found =
        selftest::search(&CompiledToken::new(rule), anchors, text.as_bytes()).into_iter().find_map(Result::ok)?;
    Some(text[found.secret].to_owned())
}

const CONFIG: &str = r#"
title = "ours"
[extend]
useDefault = true
disabledRules = ["generic-api-key"]

[[rules]]
id = "Acme_Token.1"
description = "Acme token"
regex = '''(?i)[\w.-]{0,50}?(?:acme)(?:[ \t\w.-]{0,20})[\s'"]{0,3}(?:=|:)[\x60'"\s=]{0,5}([a-z0-9]{20})(?:[\x60'"\s;]|\\[nr]|$)'''
entropy = 3
keywords = ["acme"]
tags = ["ours", "token"]
[[rules.allowlists]]
stopwords = ["test"]
[[rules.allowlists]]
regexTarget = "line"
regexes = ['''not-a-secret''']
[[rules.allowlists]]
regexTarget = "match"
regexes = ['''^old''']
paths = ['''(^|/)docs/''']
commits = ["0123456789012345678901234567890123456789"]

[[rules]]
id = "pair"
description = "second group"
regex = '''pair_(login|token)=([a-f0-9]{16})'''
secretGroup = 2

[[rules]]
id = "either"
description = "first that is not empty"
regex = '''either_(?:a=([0-9]{8})|b=([a-z]{8}))'''

[[rules]]
id = "nothing"
description = "no literal"
regex = '''[0-9a-f]{32}'''

[[rules]]
id = "behind"
description = "no literal, but a keyword"
regex = '''\b([0-9a-f]{32})\b'''
keywords = ["behind"]

[[rules]]
id = "file"
description = "by name"
path = '''\.p12$'''

[[rules]]
id = "age-secret-key"
description = "taken"
regex = '''taken_[0-9]{6}'''
path = '''\.txt$'''

[[rules]]
id = "far"
description = "keyword outside"
regex = '''far_[0-9]{6}'''
keywords = ["moon"]

[allowlist]
description = "all"
paths = ['''vendor/''']
regexes = ['''^0000''']
"#;

#[test]
fn a_configuration_of_gitleaks_is_taken_over() {
    let imported = take(CONFIG);
    assert_eq!((imported.count, imported.of), (7, 8));
    let value = "k3v9q2x7t1m5b8y4w6z0";
    let find = |text: &str| finds(&imported, "acme-token-1", text);
    assert_eq!(find(&format!("my.ACME_key = '{value}'\n")).as_deref(), Some(value));
    assert_eq!(find(&format!("acme = {value}a\n")), None, "longer");
    assert_eq!(find(&format!("acme = {value} # not-a-secret\n")), None, "line");
    assert_eq!(find(&format!("# not-a-secret\nacme = {value}\n")).as_deref(), Some(value), "another line");
    assert_eq!(find(&format!("old_acme = {value}\n")), None, "match");
    assert_eq!(find("acme = k3v9q2TESTm5b8y4w6z0\n"), None, "stopword");
    assert_eq!(find("acme = 0000q2x7t1m5b8y4w6z0\n"), None, "for all rules");
    assert_eq!(find("acme = aabbaabbaabbaabbaabb\n"), None, "entropy");
    assert_eq!(finds(&imported, "pair", "pair_token=9f71c52d839b5cd5").as_deref(), Some("9f71c52d839b5cd5"));
    assert_eq!(finds(&imported, "either", "either_a=83726150").as_deref(), Some("83726150"));
    assert_eq!(finds(&imported, "either", "either_b=qkwzuhvb").as_deref(), Some("qkwzuhvb"));
    let value = "9f71c52d839b5cd527645e42b5134f8b";
    assert_eq!(finds(&imported, "behind", &format!("BEHIND:\n {value}")).as_deref(), Some(value));
    assert_eq!(finds(&imported, "behind", value), None);
    assert_eq!(finds(&imported, "far", "moon far_837261").as_deref(), Some("far_837261"));
    assert_eq!(finds(&imported, "far", "sun far_837261"), None);
    assert_eq!(finds(&imported, "gitleaks-age-secret-key", "taken_837261").as_deref(), Some("taken_837261"));
    for part in [
        "rule = \"acme-token-1\"\npath-patterns = [",
        "(?:^|/)docs/",
        "commits = [\"0123456789",
        "reason = \"all\"",
        "vendor/",
    ] {
        assert!(imported.exceptions.contains(part), "{part} is not in\n{}", imported.exceptions);
    }
    assert!(imported.rules.contains("Tags: ours, token."));
}

#[test]
fn what_is_lost_is_said() {
    let imported = take(CONFIG);
    assert!(imported.is_lossy());
    let said: Vec<String> = imported.notes.iter().map(|n| format!("{}{n}", if n.loss { "! " } else { "" })).collect();
    let said = said.join("\n");
    for part in [
        "rule 'Acme_Token.1': its id is 'acme-token-1' here",
        "! rule 'nothing': not taken over: its regex has no literal",
        "! rule 'behind': a keyword must stand at most 256 bytes before it",
        "! rule 'far': one of its keywords must stand within 512 bytes",
        "! rule 'generic-api-key': `disabledRules`",
        "keysweep's own rules stand in",
    ] {
        assert!(said.contains(part), "{part} is not in\n{said}");
    }
    let simple = "[[rules]]\nid = 'a-b'\ndescription = 'x'\nregex = 'abc_[0-9]{6}'\nkeywords = ['abc_']\n";
    assert!(!take(simple).is_lossy(), "{:?}", take(simple).notes);
    for (field, part) in [
        ("skipReport = true", "skipReport"),
        ("filter = 'x'", "`filter` has no counterpart"),
        ("[[rules.required]]\nid = 'c'", "without 'c' near it"),
        ("[rules.allowlist]\ncondition = 'AND'\npaths = ['x']\nregexes = ['y']", "several things together"),
        ("[[rules.allowlists]]\nregexes = ['\\pL']", "is left out"),
        ("secretGroup = 3", "its secret is group 3"),
        ("entropy = 9", "must be a number of bits a byte"),
    ] {
        let text = format!("{simple}{field}\n");
        let imported = take(&text);
        let said = imported.notes.iter().any(|note| note.loss && note.message.contains(part));
        assert!(said, "{field}: {:?}", imported.notes);
    }
}

/// Rules of gitleaks' own configuration that have a `path`, as they stand there.
const WITH_PATHS: &str = r#"
[[rules]]
id = "freemius-secret-key"
description = "Detected a Freemius secret key, potentially exposing sensitive information."
regex = '''(?i)["']secret_key["']\s*=>\s*["'](sk_[\S]{29})["']'''
path = '''(?i)\.php$'''
keywords = ["secret_key"]

[[rules]]
id = "nuget-config-password"
description = "Identified a password within a Nuget config file, potentially compromising package management access."
regex = '''(?i)<add key=\"(?:(?:ClearText)?Password)\"\s*value=\"(.{8,})\"\s*/>'''
path = '''(?i)nuget\.config$'''
entropy = 1
keywords = ["<add key="]

[[rules]]
id = "pkcs12-file"
description = "Found a PKCS #12 file, which commonly contain bundled private keys."
path = '''(?i)(?:^|\/)[^\/]+\.p(?:12|fx)$'''
[[rules.allowlists]]
paths = ['''^fixtures/''']
"#;

#[test]
fn rules_for_paths_keep_to_them() {
    let imported = take(WITH_PATHS);
    assert_eq!((imported.count, imported.of), (3, 3), "{:?}", imported.notes);
    assert!(!imported.notes.iter().any(|note| note.message.contains("path")), "{:?}", imported.notes);
    let rules = RuleSet::from_toml("imported.toml", &imported.rules).unwrap();
    let paths = PathRules::new(rules.rules().iter().enumerate());
    let holds = |id: &str, path: &str| paths.holds(rules.rules().iter().position(|r| r.id == id).unwrap(), &[path]);
    assert!(holds("freemius-secret-key", "a/b.PHP") && !holds("freemius-secret-key", "a/b.php5"));
    assert!(holds("nuget-config-password", "src/NuGet.Config") && !holds("nuget-config-password", "app.config"));
    let files = FileRules::new(rules.rules().iter().enumerate());
    let reports = |path: &str| !files.matches(path, false, &mut || unreachable!("nothing is read")).is_empty();
    assert!(files.any_always() && reports("a.p12") && reports("certs/b.PFX"));
    assert!(!reports("a.p12.txt") && !reports("certs/.pfx/a"));
    let exception = "rule = \"pkcs12-file\"\npath-patterns = [\"^fixtures/\"]";
    assert!(imported.exceptions.contains(exception), "{}", imported.exceptions);
    // What cannot be said is said.
    let text = WITH_PATHS
        .replace(r"(?i)\.php$", r"\.(?=php)$")
        .replace("[[rules.allowlists]]", "keywords = ['x']\n[[rules.allowlists]]\nregexes = ['a']");
    let lossy = take(&text);
    let said: Vec<String> = lossy.notes.iter().filter(|note| note.loss).map(ToString::to_string).collect();
    for part in ["'freemius-secret-key': not taken over: its path", "'pkcs12-file': its keywords", "texts mean nothing"]
    {
        assert!(said.iter().any(|note| note.contains(part)), "{part}: {said:?}");
    }
    assert_eq!(lossy.count, 2);
}

#[test]
fn files_that_extend_others_are_joined() {
    let base =
        "[[rules]]\nid = 'a'\ndescription = 'x'\nregex = 'abc_[0-9]{6}'\n[[rules]]\nid = 'b'\nregex = 'bcd_[0-9]{6}'\n";
    let text = "[extend]\npath = 'base.toml'\ndisabledRules = ['b']\n[[rules]]\nid = 'a'\n[rules.allowlist]\nstopwords = ['42']\n";
    let mut load = |path: &str| if path == "base.toml" { Ok(base.to_owned()) } else { Err("no".to_owned()) };
    let imported = import(text, &mut load, &|_| false).unwrap();
    assert_eq!(imported.count, 1);
    assert_eq!(finds(&imported, "a", "abc_837261").as_deref(), Some("abc_837261"));
    assert_eq!(finds(&imported, "a", "abc_842261"), None);
    // A file that extends itself ends.
    let mut own = |_: &str| Ok(text.to_owned());
    assert!(import(text, &mut own, &|_| false).unwrap().is_lossy());
    assert!(take(text).is_lossy(), "a file that is not there");
}

#[test]
fn rules_of_kingfisher_are_taken_over_with_their_examples() {
    let text = r#"
rules:
  - name: Acme Key
    id: kingfisher.acme.1
    pattern: |
      (?xi)          # a comment (with a bracket
      \b acme [_-]? key \s{0,3} = \s{0,3}
      ( [a-z0-9]{20} ) \b
    min_entropy: 3.0
    examples:
      - acme_key = k3v9q2x7t1m5b8y4w6z0
    negative_examples:
      - acme_key = short
    references: [https://acme.example/docs]
    depends_on_rule:
      - rule_id: x
        variable: y
"#;
    let imported = take(text);
    assert_eq!(imported.count, 1, "{:?}", imported.notes);
    let rules = RuleSet::from_toml("imported.toml", &imported.rules).unwrap();
    assert!(rules.rules().iter().flat_map(selftest::test).next().is_none());
    assert_eq!((rules.rules()[0].examples.len(), rules.rules()[0].counterexamples.len()), (1, 1));
    assert_eq!(
        finds(&imported, "kingfisher-acme-1", "ACME-KEY=k3v9q2x7t1m5b8y4w6z0").as_deref(),
        Some("k3v9q2x7t1m5b8y4w6z0")
    );
    assert!(imported.notes.iter().any(|n| n.loss && n.message.contains("depends_on_rule")), "{:?}", imported.notes);
}

#[test]
fn other_files_and_broken_ones_are_refused() {
    for text in ["", "a = 1", "[[rule]]\nid = 'x'", "x", "rules: 7", "rules:\n  - x", "- a"] {
        assert!(import(text, &mut |_| Err(String::new()), &|_| false).is_err(), "{text}");
    }
    for end in (0..=CONFIG.len()).step_by(7).filter(|end| CONFIG.is_char_boundary(*end)) {
        let _ = import(&CONFIG[..end], &mut |_| Err(String::new()), &|_| false);
    }
}

#[test]
fn a_rule_without_a_name_is_called_by_its_id() {
    let imported = take("rules:\n- name: '.'\n  pattern: 'none_[a-z0-9]{20}'\n  examples:\n  - none_1\n");
    let rules = RuleSet::from_toml("imported.toml", &imported.rules).unwrap();
    assert!(!rules.rules().is_empty() && rules.rules().iter().all(|rule| !rule.name.is_empty()), "{}", imported.rules);
}
