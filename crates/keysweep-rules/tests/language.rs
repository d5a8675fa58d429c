//! The rule language: what is accepted, what is refused and how that is said.

use keysweep_rules::{CompiledToken, Error, Level, Rule, RuleSet, redact, selftest};
use std::fs;
use tempfile::tempdir;

const HEAD: &str = r#"
[[rule]]
id = "acme-token"
name = "Acme token"
description = "Opens everything at Acme."
severity = "high"
purpose = "saas"
remediation = "Revoke it."
"#;

const TOKEN: &str = r#"
anchors = ["acme_"]
pattern = 'acme_[a-z0-9]{20}'
examples = ["x = acme_{{lowernum:20}}", "acme_{{lowernum:20}}"]
counterexamples = ["acme_{{lowernum:19}}", "acme_xxxxxxxxxxxxxxxxxxxx"]
"#;

fn load(text: &str) -> Result<RuleSet, Error> {
    RuleSet::from_toml("my.toml", text)
}

fn rule(fields: &str) -> Rule {
    load(&format!("{HEAD}{fields}")).unwrap().rules()[0].clone()
}

/// What the rule finds in `text`, at every place where `anchor` stands.
fn found(rule: &Rule, anchor: &str, text: &[u8]) -> Vec<String> {
    let compiled = CompiledToken::new(rule);
    let at = |start: usize| compiled.evaluate(text, start..start + anchor.len());
    let starts = (0..text.len()).filter(|s| text[*s..].starts_with(anchor.as_bytes()));
    starts.filter_map(at).map(|m| String::from_utf8_lossy(&text[m.secret]).into_owned()).collect()
}

#[test]
fn errors_name_file_rule_field_and_what_was_meant() {
    let token = |change: &str| format!("{HEAD}{}\n{change}", TOKEN);
    let cases = [
        ("rule = 3".to_owned(), "my.toml: rules are written as [[rule]]"),
        ("[[rules]]\nid = 'a'".to_owned(), "my.toml: unknown field 'rules', did you mean 'rule'?"),
        (format!("{HEAD}anchors = ["), "my.toml: line 9: "),
        (token("entrpy = 3"), "my.toml: rule 'acme-token': unknown field 'entrpy', did you mean 'entropy'?"),
        (token("entropy = 9.5"), "`entropy` must be a number of bits a byte, 0 to 8"),
        (token("entropy = 'high'"), "`entropy` must be a number of bits a byte, 0 to 8"),
        (token("before = 513"), "`before` must be a number from 0 to 512"),
        (token("before = -1"), "`before` must be a number from 0 to 512"),
        (token("check = 'github-crc23'"), "unknown check 'github-crc23', did you mean 'github-crc32'?"),
        (token("boundary = 'words'"), "unknown boundary 'words', did you mean 'word'?"),
        (token("generic = 'yes'"), "`generic` must be true or false, not a text"),
        (token("deny = ['[']"), "`deny` 1: unclosed character class"),
        (token("context = ['']"), "`context` must be a list of texts, none of them empty"),
        (token("decoder = 'age'"), "`anchors` has no meaning beside `decoder`"),
        (token("references = ['http://example.org']"), "reference 'http://example.org' is not an https address"),
        (HEAD.to_owned(), "needs `anchors` and `pattern`, or `decoder`"),
        (format!("{HEAD}anchors = ['ab']\npattern = 'ab'"), "anchor 'ab' has 2 bytes, allowed are 3 to 30"),
        (format!("{HEAD}anchors = [3]\npattern = 'ab'"), "an anchor is a text, not a number"),
        (
            format!("{HEAD}anchors = [{{ txt = 'abc' }}]\npattern = 'ab'"),
            "unknown field of an anchor 'txt', did you mean 'text'?",
        ),
        (format!("{HEAD}anchors = ['abc']\npattern = 'a|'"), "`pattern` matches the empty text"),
        (format!("{HEAD}anchors = ['abc']\npattern = 'abc(?=d)'"), "`pattern`: look-around"),
        (
            format!("{HEAD}anchors = ['abc']\npattern = 'abc(?P<sekret>d)'"),
            "unknown group 'sekret', did you mean 'secret'?",
        ),
        (format!("{HEAD}anchors = ['abc']\npattern = '(abc[a-z]{{1000}}){{1000}}'"), "too large"),
        (token("").replace("high", "hihg"), "unknown severity 'hihg', did you mean 'high'?"),
        (token("").replace("saas", "sas"), "unknown purpose 'sas', did you mean 'saas'?"),
        (token("").replace("acme-token", "Acme_Token"), "id 'Acme_Token' is not kebab-case"),
        (token("").replace("name = \"Acme token\"", ""), "`name` is missing"),
        (token("").replace("Revoke it.", " "), "`remediation` is empty"),
        (token("").replace("id = \"acme-token\"", ""), "my.toml: rule '#1': `id` is missing"),
        (format!("{}{}", token(""), token("")), "my.toml: rule 'acme-token': the id is taken by a rule in my.toml"),
    ];
    for (text, said) in cases {
        let message = load(&text).expect_err(said).to_string();
        assert!(message.contains(said), "expected {said:?}, is {message:?}");
    }
}

#[test]
fn all_errors_are_told_at_once() {
    let text = format!("{HEAD}{TOKEN}entrpy = 1\nbefroe = 2\n{}{TOKEN}", HEAD.replace("high", "hi"));
    let Err(Error::Rules(errors)) = load(&text) else { panic!("must be refused") };
    assert_eq!(errors.len(), 3, "{errors:?}");
}

#[test]
fn rules_of_the_user_replace_built_in_ones_and_are_found_below_folders() {
    let dir = tempdir().unwrap();
    let mut rules = RuleSet::builtin();
    let (count, id) = (rules.rules().len(), rules.rules()[0].id.clone());
    fs::create_dir(dir.path().join("deep")).unwrap();
    fs::write(dir.path().join("deep/a.toml"), format!("{HEAD}{TOKEN}")).unwrap();
    fs::write(dir.path().join("b.toml"), format!("{}{TOKEN}", HEAD.replace("acme-token", &id))).unwrap();
    fs::write(dir.path().join("notes.txt"), "no rules").unwrap();
    rules.merge(RuleSet::load(dir.path()).unwrap());
    assert_eq!(rules.rules().len(), count + 1);
    assert_eq!(rules.get(&id).unwrap().name, "Acme token");
    assert!(rules.get("acme-token").unwrap().source.ends_with("a.toml"));
    assert_eq!(RuleSet::load(&dir.path().join("b.toml")).unwrap().rules().len(), 1);

    let error = |path: &str| RuleSet::load(&dir.path().join(path)).unwrap_err().to_string();
    assert!(error("missing").contains("missing"), "{}", error("missing"));
    fs::create_dir(dir.path().join("empty")).unwrap();
    assert!(error("empty").contains("no rule files"), "{}", error("empty"));
    fs::write(dir.path().join("b.toml"), b"\xff\xfe").unwrap();
    assert!(matches!(RuleSet::load(dir.path()), Err(Error::Io { .. })));
}

#[test]
fn globs_select_and_must_match_something() {
    let set = || {
        let rule = |id: &str| format!("{}{TOKEN}", HEAD.replace("acme-token", id));
        load(&[rule("aws-a"), rule("aws-b"), rule("gcp-a")].concat()).unwrap()
    };
    let ids = |rules: &RuleSet| rules.rules().iter().map(|r| r.id.clone()).collect::<Vec<_>>();
    let mut rules = set();
    rules.only(&["aws-*".into()]).unwrap();
    assert_eq!(ids(&rules), ["aws-a", "aws-b"]);
    rules.skip(&["*-b".into(), "aws-b".into()]).unwrap();
    assert_eq!(ids(&rules), ["aws-a"]);
    let message = set().only(&["aws-*".into(), "gpc-a".into()]).unwrap_err().to_string();
    assert_eq!(message, "no rule matches 'gpc-a', did you mean 'gcp-a'?");
    assert!(matches!(set().skip(&["[".into()]), Err(Error::Glob { .. })));
}

#[test]
fn a_match_contains_the_anchor_and_ends_at_boundaries() {
    let plain = rule(TOKEN);
    let token = "acme_k3v9q2x7t1m5b8y4w6z0";
    for (text, hit) in [
        (token.to_owned(), true),
        (format!("\"{token}\""), true),
        (format!("k={token}\0"), true),
        (format!("x{token}"), false),
        (format!("_{token}"), false),
        (format!("{token}a"), false),
        (format!("{token}_"), false),
        (format!("{token}-"), true),
        (token[..24].to_owned(), false),
        (format!("{}\u{e9}", &token[..24]), false),
    ] {
        assert_eq!(!found(&plain, "acme_", text.as_bytes()).is_empty(), hit, "{text}");
    }
    let base64 = rule(&TOKEN.replace("pattern", "boundary = 'base64'\npattern"));
    assert!(found(&base64, "acme_", format!("{token}-").as_bytes()).is_empty());
    let none = rule(&TOKEN.replace("pattern", "boundary = 'none'\npattern"));
    assert_eq!(found(&none, "acme_", format!("x{token}y").as_bytes()), [token]);
}

#[test]
fn fragments_stand_for_what_is_between_names_and_values() {
    let fields = "anchors = [{ text = 'acme_key', ignore_case = true }]\npattern = '(?i:acme_key){{assign}}(?P<secret>{{uuid}})'";
    let rule = rule(fields);
    let uuid = "3f2504e0-4f89-41d3-9a0c-0305e82c3301";
    let hit = |text: &str| {
        let text = text.replace("KEY", "Acme_Key").replace("UUID", uuid);
        let at = text.find("Acme_Key").unwrap();
        CompiledToken::new(&rule).evaluate(text.as_bytes(), at..at + 8).is_some()
    };
    for text in [
        "KEY=UUID",
        "KEY UUID",
        "  KEY: 'UUID'",
        "\"KEY\":\"UUID\"",
        "\\\"KEY\\\": \\\"UUID\\\"",
        "<KEY>UUID</KEY>",
        "<add key=\"KEY\" value=\"UUID\"/>",
        "<key>KEY</key>\n\t<string>UUID</string>",
        "- name: KEY\n          value: UUID",
        "variable \"KEY\" {\n  default = \"UUID\"\n}",
        "env[\"KEY\"] ||= \"UUID\"",
        "let KEY: &str = \"UUID\";",
        "| KEY | UUID |",
        "KEY -> UUID",
        "KEY%3DUUID",
        "%22KEY%22%3A%22UUID%22",
        "KEY\\u003dUUID",
        "&quot;KEY&quot;:&quot;UUID&quot;",
        "KEY: Bearer UUID",
    ] {
        assert!(hit(text), "{text}");
    }
    for text in
        ["KEYUUID", "KEY/UUID", "KEY_ID=UUID", "KEY of UUID", "KEY=x UUID", "KEY\n                          \nUUID"]
    {
        assert!(!hit(text), "{text}");
    }
}

#[test]
fn an_escape_sequence_before_a_match_is_no_part_of_the_text() {
    let token = "acme_k3v9q2x7t1m5b8y4w6z0";
    for boundary in ["word", "base64"] {
        let plain = rule(&TOKEN.replace("pattern", &format!("boundary = '{boundary}'\npattern")));
        let hit = |before: &str| !found(&plain, "acme_", format!("{before}{token}").as_bytes()).is_empty();
        for escape in ["\\n", "\\t", "a\\0", "%3D", "key%3d", "\\x3d", "\\u003D", "\x1b[m", "\x1b[1;32m"] {
            assert!(hit(escape), "{escape:?}");
        }
        for text in [
            "n",
            "/n",
            "\\q",
            "3D",
            "%3",
            "%gD",
            "x3d",
            "\\x3",
            "u003D",
            "\\u03D",
            "m",
            "[1;32m",
            "\x1b[1;3xm",
            "1;32m",
        ] {
            assert!(!hit(text), "{text:?}");
        }
    }
}

#[test]
fn a_match_may_begin_before_the_anchor_but_not_elsewhere() {
    let fields = r#"
anchors = [":ACME:"]
before = 12
pattern = '(?P<user>[a-z]{2,12}):ACME:(?P<secret>[a-z0-9]{12,})'
examples = []
"#;
    let rule = rule(fields);
    let find = |text: &str| found(&rule, ":ACME:", text.as_bytes());
    assert_eq!(find("bob:ACME:k3v9q2x7t1m5"), ["k3v9q2x7t1m5"]);
    assert!(find("b:ACME:k3v9q2x7t1m5").is_empty());
    // The secret of the first is the user of none.
    assert_eq!(find("bob:ACME:k3v9q2x7t1m5 eve:ACME:z3v9q2x7t1m5"), ["k3v9q2x7t1m5", "z3v9q2x7t1m5"]);
    let text = b"robert:ACME:k3v9q2x7t1m5";
    let found = CompiledToken::new(&rule).evaluate(text, 6..12).unwrap();
    assert_eq!((found.whole, found.secret, found.level), (0..24, 12..24, Level::Pattern));
    assert_eq!(found.details, [("user".to_owned(), "robert".to_owned())]);
}

#[test]
fn context_entropy_and_deny_are_asked_for() {
    let fields = r#"
anchors = ["acme_"]
pattern = 'acme_(?P<secret>[a-z0-9-]{16})'
entropy = 3.0
context = ["Prod", "staging"]
context_within = 10
deny = ['^dev-']
"#;
    let rule = rule(fields);
    let hit = |text: &str| !found(&rule, "acme_", text.as_bytes()).is_empty();
    assert!(hit("PROD acme_k3v9q2x7t1m5b8y4"));
    assert!(hit("acme_k3v9q2x7t1m5b8y4 # staging"));
    assert!(!hit("acme_k3v9q2x7t1m5b8y4"));
    assert!(!hit("PROD            acme_k3v9q2x7t1m5b8y4"));
    assert!(!hit("PROD acme_k3k3v9v9k3v9k3k9"));
    assert!(!hit("PROD acme_dev-q2x7t1m5b8y4"));
}

#[test]
fn a_line_break_before_a_match_is_none_of_it() {
    let rule = rule(
        "anchors = ['acme_']\nbefore = 1\nboundary = 'none'\npattern = '(?:^|[^a-z])acme_(?P<secret>[a-z0-9]{16})'",
    );
    let text = b"one\nacme_k3v9q2x7t1m5b8y4";
    let found = CompiledToken::new(&rule).evaluate(text, 4..9).unwrap();
    assert_eq!((found.whole, found.secret), (4..text.len(), 9..text.len()));
}

#[test]
fn matches_and_lines_are_denied() {
    let fields = r#"
anchors = ["acme_"]
pattern = '(?:old_)?acme_(?P<secret>[a-z0-9]{16})'
before = 4
deny_match = ['^old']
deny_line = ['# test$']
"#;
    let rule = rule(fields);
    let hit = |text: &str| !found(&rule, "acme_", text.as_bytes()).is_empty();
    assert!(hit("x acme_k3v9q2x7t1m5b8y4"));
    assert!(!hit("x old_acme_k3v9q2x7t1m5b8y4"));
    assert!(!hit("a\nacme_k3v9q2x7t1m5b8y4 # test\nb"));
    assert!(hit("# test\nacme_k3v9q2x7t1m5b8y4\n# test"));
}

#[test]
fn windows_of_any_shape_and_content_are_safe() {
    let rules = [rule(TOKEN), rule(&TOKEN.replace("pattern =", "before = 512\ncontext = ['a']\npattern ="))];
    let text = b"\xff\x00acme_k3v9q2x7t1m5b8y4w6z0\xfe acme_";
    for rule in &rules {
        let compiled = CompiledToken::new(rule);
        for from in 0..=text.len() {
            for to in from..=text.len() {
                compiled.evaluate(&text[from..to], 0..5.min(to - from));
                compiled.evaluate(&text[from..to], 2..7);
            }
        }
        compiled.evaluate(b"", 0..0);
        #[allow(clippy::reversed_empty_ranges)]
        compiled.evaluate(text, 7..2);
    }
}

#[test]
fn hostile_windows_take_linear_time() {
    let fields = r#"
anchors = ["acme_"]
before = 512
pattern = '[a-z_]{0,400}acme_(?:[a-z]+_?)+=(?P<secret>[a-z0-9]{20,})!'
"#;
    let compiled = CompiledToken::new(&rule(fields));
    let text = "acme_".repeat(1_700);
    keysweep_testkit::bounded(std::time::Duration::from_secs(5), "100 anchors", || {
        for at in (512..1_012).step_by(5) {
            assert!(compiled.evaluate(text.as_bytes(), at..at + 5).is_none());
        }
    });
}

#[test]
fn an_evaluation_tells_how_far_it_has_read() {
    let compiled = CompiledToken::new(&rule("anchors = ['acme_']\npattern = 'acme_[a-z]{1,5000}!'"));
    let work = |text: &str| compiled.judge(text.as_bytes(), 0..5).work;
    assert!(work("acme_1 and so on") < 64);
    assert!(work(&format!("acme_{}", "a".repeat(4_000))) > 4_000);
    let text = format!("acme_{}!", "ab".repeat(1_000));
    let found = compiled.judge(text.as_bytes(), 0..5);
    assert!(found.outcome.is_err() && found.work > 2 * text.len(), "a placeholder is looked at more than once");
}

#[test]
fn only_the_public_prefix_is_shown() {
    let plain = rule(TOKEN);
    assert_eq!(redact(&plain, b"acme_k3v9q2x7t1m5b8y4w6z0"), "acme_… (25 characters)");
    assert_eq!(redact(&plain, b"k3v9q2x7t1m5b8y4w6z0"), "… (20 characters)");
    assert_eq!(redact(&plain, b"hunter2"), "… (under 8 characters)");
    assert_eq!(redact(&plain, b"acme_"), "… (under 8 characters)");
    let generic = rule(&format!("{TOKEN}generic = true"));
    assert_eq!(redact(&generic, b"acme_k3v9q2x7t1m5b8y4w6z0"), "… (16 to 31 characters)");
}

#[test]
fn user_names_that_may_be_tokens_are_not_shown() {
    let rule = rule("anchors = ['acme:']\npattern = 'acme:(?P<user>[^@]{1,50}):(?P<secret>[a-z0-9]{8,})@'");
    let details = |user: &str| {
        let text = format!("acme:{user}:k3v9q2x7@");
        CompiledToken::new(&rule).evaluate(text.as_bytes(), 0..5).unwrap().details
    };
    assert_eq!(details("deploy")[0].1, "deploy");
    assert_eq!(details("a\x1b[31m")[0].1, "a?[31m");
    assert!(details("tok3n9x8c7v6b5n4m3a2").is_empty());
}

#[test]
fn the_self_test_tells_what_fails_and_why() {
    let broken = rule(
        r#"
anchors = ["acme_"]
pattern = 'acme_[a-z0-9]{20}'
examples = ["acme_{{lowernum:19}}", "nothing", "acme_{{bytes:3}}", "acme_{{lower:0}}", "{{lower:3", "acme_{{checksum}}"]
counterexamples = ["acme_{{lowernum:20}}"]
"#,
    );
    let reasons: Vec<String> = selftest::test(&broken).iter().map(|f| f.reason.clone()).collect();
    assert_eq!(
        reasons,
        [
            "no match: the pattern does not match there",
            "no match: none of the anchors is in it",
            "unknown placeholder '{{bytes:3}}'",
            "'{{lower:0}}' needs a number from 1 to 16384",
            "'{{' without '}}'",
            "{{checksum}} needs a check that computes one, and a token before it",
            "matches",
        ]
    );
    assert!(selftest::test(&rule(TOKEN)).is_empty());
}

#[test]
fn checksums_prove_and_make_up_for_boundaries() {
    let rule = rule(
        r#"
anchors = ["ghp_"]
pattern = 'ghp_[0-9A-Za-z]{36}'
check = "github-crc32"
examples = ["ghp_{{alnum:30}}{{checksum}}", "xghp_{{alnum:30}}{{checksum}}y"]
counterexamples = ["ghp_{{alnum:36}}", "ghp_{{alnum:29}}{{checksum}}a"]
"#,
    );
    assert_eq!(selftest::test(&rule), []);
}

#[test]
fn hostile_rule_files_are_refused_or_read_without_a_panic() {
    const SYNTAX: &[u8] = b"[]{}()\"'=\\*+?|.^$a0\n-,";
    let good = format!("{HEAD}{TOKEN}entropy = 2\ncontext = ['a']\ndeny = ['^x']\n");
    let bytes = good.as_bytes();
    for end in 0..bytes.len() {
        let _ = load(&good[..end]);
    }
    let mut state = 1_u32;
    let mut next = |bound: usize| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as usize % bound
    };
    for _ in 0..3_000 {
        let mut changed = bytes.to_vec();
        for _ in 0..1 + next(3) {
            let at = next(changed.len());
            changed[at] = SYNTAX[next(SYNTAX.len())];
        }
        let _ = load(&String::from_utf8(changed).unwrap());
    }
    for deep in ["a = [", "a = {b = ", "a.", "[[a."] {
        assert!(load(&deep.repeat(20_000)).is_err());
    }
    let many = format!("{HEAD}anchors = [{}]\npattern = 'abc'", "'abc', ".repeat(300));
    assert!(load(&many).unwrap_err().to_string().contains("list of literals"));
    let long = format!("{HEAD}anchors = ['abc']\npattern = 'abc{}'", "d".repeat(5_000));
    assert!(load(&long).unwrap_err().to_string().contains("longer than"));
}
