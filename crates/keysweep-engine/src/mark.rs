//! Marks in a text that ask to let a secret pass: `keysweep:allow RULE reason=TEXT until=DATE`, on the line on which it
//! begins or on the line before, and the marks of other tools. Whether they hold is not decided here.

use crate::finding::Mark;
use crate::place::Part;
use crate::raw::Raw;
use std::collections::BTreeMap;
use zeroize::Zeroizing;

const SIGN: &[u8] = b"keysweep:allow";
/// The other tools whose marks are read.
pub const MARK_TOOLS: [&str; 7] =
    ["betterleaks", "detect-secrets", "ggshield", "gitleaks", "kingfisher", "secretlint", "trufflehog"];
/// What other tools write: the tool, its sign, and whether that is about the next line and not its own.
const FOREIGN: [(&str, &str, bool); 14] = [
    ("betterleaks", "betterleaks:allow", false),
    ("betterleaks", "gitleaks:allow", false),
    ("detect-secrets", "pragma: allowlist secret", false),
    ("detect-secrets", "pragma:allowlist secret", false),
    ("detect-secrets", "pragma: whitelist secret", false),
    ("detect-secrets", "pragma: allowlist nextline secret", true),
    ("detect-secrets", "pragma:allowlist nextline secret", true),
    ("detect-secrets", "pragma: whitelist nextline secret", true),
    ("ggshield", "ggignore", false),
    ("gitleaks", "gitleaks:allow", false),
    ("kingfisher", "kingfisher:ignore", false),
    ("secretlint", "secretlint-disable-line", false),
    ("secretlint", "secretlint-disable-next-line", true),
    ("trufflehog", "trufflehog:ignore", false),
];
/// Bytes before and after the begin of a secret in which a mark is looked for: lines of generated files have no end.
const REACH: u64 = 4 << 10;
/// Marks that are read for one secret.
const MAX_MARKS: usize = 8;
/// Letters of a value that are kept.
const MAX_TEXT: usize = 200;

/// The marks for secrets in a text, by the offset at which these begin. `raws` are all secrets of the text, sorted.
pub(crate) fn marks(part: Part<'_>, raws: &[Raw]) -> BTreeMap<u64, Vec<Mark>> {
    let mut found = BTreeMap::new();
    if !part.image.format.is_text() {
        return found;
    }
    for raw in raws.iter().filter(|raw| part.reports(raw)) {
        if found.contains_key(&raw.offset) {
            continue;
        }
        let start = raw.offset.saturating_sub(REACH);
        let end = (raw.offset + REACH).min(part.source.len());
        let mut bytes = Zeroizing::new(vec![0; end.saturating_sub(start) as usize]);
        let read = part.source.read_at(start, &mut bytes).unwrap_or(0);
        bytes.truncate(read);
        let own = ((raw.offset - start) as usize).min(bytes.len());
        hide(&mut bytes, start, own, raws);
        let marks = near(&bytes, own);
        if !marks.is_empty() {
            found.insert(raw.offset, marks);
        }
    }
    found
}

/// Overwrites secrets, so that no reason repeats one. Line breaks in them stay, except in `own`'s, whose line ends where
/// the secret does.
fn hide(bytes: &mut [u8], start: u64, own: usize, raws: &[Raw]) {
    let end = start + bytes.len() as u64;
    for raw in raws.iter().filter(|raw| raw.offset < end && raw.end() > start) {
        let from = raw.offset.saturating_sub(start) as usize;
        let to = (raw.end() - start).min(bytes.len() as u64) as usize;
        for byte in &mut bytes[from..to] {
            if *byte != b'\n' || from == own {
                *byte = 0;
            }
        }
    }
}

/// The marks on the line of `own` and on the line before.
fn near(bytes: &[u8], own: usize) -> Vec<Mark> {
    let line_start = |before: usize| memchr::memrchr(b'\n', &bytes[..before]).map_or(0, |at| at + 1);
    let from = line_start(line_start(own).saturating_sub(1));
    let to = memchr::memchr(b'\n', &bytes[own..]).map_or(bytes.len(), |at| own + at);
    let mut marks = Vec::new();
    for line in bytes[from..to].split(|b| *b == b'\n') {
        let starts: Vec<usize> = memchr::memmem::find_iter(line, SIGN).take(MAX_MARKS).collect();
        for (index, start) in starts.iter().enumerate() {
            let end = starts.get(index + 1).copied().unwrap_or(line.len());
            marks.extend(parse(&line[start + SIGN.len()..end]));
        }
    }
    marks.truncate(MAX_MARKS);
    let own_line = line_start(own);
    marks.extend(foreign(&bytes[own_line..to], false));
    marks.extend(foreign(&bytes[from..own_line], true));
    marks
}

/// The marks of other tools on a line.
fn foreign(line: &[u8], about_next: bool) -> impl Iterator<Item = Mark> {
    let here = move |(_, sign, next): &&(&str, &str, bool)| {
        *next == about_next && memchr::memmem::find(line, sign.as_bytes()).is_some()
    };
    FOREIGN.iter().filter(here).map(|(tool, sign, _)| Mark {
        rule: "*".to_owned(),
        reason: Some((*sign).to_owned()),
        until: None,
        tool: Some((*tool).to_owned()),
    })
}

/// Reads what follows the sign: a rule, then `reason=` and `until=` in any order.
fn parse(rest: &[u8]) -> Option<Mark> {
    let visible = rest.split(|b| *b == 0).next().unwrap_or_default();
    let text = String::from_utf8_lossy(visible);
    let text = text.strip_prefix([' ', '\t'])?.trim_start();
    let rule = text.split_whitespace().next().filter(|rule| !rule.contains('='))?;
    let fields = &text[rule.len()..];
    let until = field(fields, "until=").and_then(|value| value.split_whitespace().next().map(clean));
    let reason = field(fields, "reason=").map(clean).filter(|reason| !reason.is_empty());
    Some(Mark { rule: clean(rule), reason, until, tool: None })
}

/// The value of `name=`: in quotes, or up to the next field or the end of the comment.
fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let mut places = text.match_indices(name).map(|(at, _)| at);
    let start = places.find(|at| text[..*at].ends_with(char::is_whitespace))? + name.len();
    let value = &text[start..];
    let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''));
    if let Some(quoted) = quote.and_then(|quote| value[1..].split_once(quote)) {
        return Some(quoted.0);
    }
    let ends = [" until=", " reason=", "*/", "-->", "#}", "%>"];
    let end = ends.iter().filter_map(|end| value.find(end)).min().unwrap_or(value.len());
    Some(&value[..end])
}

/// What a report may show of text from a scanned file.
fn clean(text: &str) -> String {
    text.trim().chars().filter(|c| !c.is_control()).take(MAX_TEXT).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(text: &str) -> Option<(String, Option<String>, Option<String>)> {
        let own = text.find('@').unwrap_or(text.len());
        near(text.as_bytes(), own).into_iter().next().map(|m| (m.rule, m.reason, m.until))
    }

    #[test]
    fn marks_are_read_on_the_line_and_the_line_before() {
        let full = |reason: &str, until: Option<&str>| {
            Some(("rule-a".to_owned(), Some(reason.to_owned()), until.map(str::to_owned)))
        };
        for (text, expected) in [
            ("@ # keysweep:allow rule-a reason=a test key until=2030-01-31\n", full("a test key", Some("2030-01-31"))),
            ("// keysweep:allow rule-a until=2030-01-31 reason=\"x y\" more\n@", full("x y", Some("2030-01-31"))),
            ("<!-- keysweep:allow rule-a reason=x --> @", full("x", None)),
            ("/* keysweep:allow rule-a reason=x*/\r\n@", full("x", None)),
            ("# keysweep:allow rule-a\n@", Some(("rule-a".to_owned(), None, None))),
            (
                "# keysweep:allow rule-a reason= until=2030-01-31\n@",
                Some(("rule-a".to_owned(), None, Some("2030-01-31".to_owned()))),
            ),
            ("# keysweep:allow rule-a reason=x\n\n@", None),
            ("@\n# keysweep:allow rule-a reason=x", None),
            ("# keysweep:allow reason=x\n@", None),
            ("# keysweep:allowance rule-a reason=x\n@", None),
        ] {
            assert_eq!(mark(text), expected, "{text}");
        }
    }

    #[test]
    fn marks_of_other_tools_are_told_by_their_place() {
        let tools = |text: &str| -> Vec<String> {
            let own = text.find('@').unwrap_or(text.len());
            near(text.as_bytes(), own).into_iter().filter_map(|mark| mark.tool).collect()
        };
        for (text, expected) in [
            ("@ # gitleaks:allow", vec!["betterleaks", "gitleaks"]),
            ("x = '@'  # pragma: allowlist secret\n", vec!["detect-secrets"]),
            ("# pragma: allowlist nextline secret\n@", vec!["detect-secrets"]),
            ("// secretlint-disable-next-line\n@", vec!["secretlint"]),
            ("@ // secretlint-disable-line", vec!["secretlint"]),
            ("@ # trufflehog:ignore kingfisher:ignore ggignore", vec!["ggshield", "kingfisher", "trufflehog"]),
            ("# gitleaks:allow\n@", vec![]),
            ("@ # pragma: allowlist nextline secret", vec![]),
            ("@\n# trufflehog:ignore", vec![]),
            ("# pragma: allowlist nextline secret\n\n@", vec![]),
            ("@ # keysweep:allow a reason=b", vec![]),
        ] {
            assert_eq!(tools(text), expected, "{text}");
        }
        assert!(FOREIGN.iter().all(|(tool, ..)| MARK_TOOLS.contains(tool)));
    }

    #[test]
    fn a_reason_repeats_no_secret() {
        let mut text = b"x keysweep:allow r reason=see SECRET\n SECRET".to_vec();
        let raw = |offset: u64| crate::raw::tests::raw(offset..offset + 6, None, offset as u8, true);
        hide(&mut text, 0, 38, &[raw(30), raw(38)]);
        assert_eq!(near(&text, 38)[0].reason.as_deref(), Some("see"));
    }

    #[test]
    fn hostile_lines_are_read_to_their_end() {
        for text in [
            "keysweep:allow",
            "keysweep:allow ",
            "keysweep:allow a reason=\"",
            "keysweep:allow a reason='é",
            "keysweep:allow é until=",
        ] {
            for end in 0..=text.len() {
                let _ = near(&text.as_bytes()[..end], end);
                let _ = near(&text.as_bytes()[..end], 0);
            }
        }
        let many = "keysweep:allow a reason=b ".repeat(100);
        assert_eq!(near(many.as_bytes(), 0).len(), MAX_MARKS);
    }
}
