//! Settings without a value. Patterns let line breaks stand between a name and its value, since YAML, markup and programs put values
//! on lines of their own. Where nothing was given, the next line then looks like the value, and is a setting of its own.

use std::ops::Range;

/// Bytes of the secret's line that are looked at.
const MAX_LINE: usize = 512;
/// From this length on, what ends with one `=` may be base64.
const BASE64: usize = 20;

/// Whether a secret that begins on another line than what names it is that line's own name, section or comment.
pub(crate) fn is_other_setting(window: &[u8], start: usize, secret: &Range<usize>) -> bool {
    let before = &window[start..secret.start];
    let line = line(&window[secret.start..]);
    if let Some(at) = before.iter().rposition(|b| b"\r\n".contains(b)) {
        let (above, lead) = (before[..at].trim_ascii_end(), &before[at + 1..]);
        let is_empty = above.last().is_some_and(|b| b"=:".contains(b));
        let section = lead.contains(&b'[') && line.contains(&b']');
        let comment = [b"#".as_slice(), b";", b"//"].iter().any(|mark| line.starts_with(mark));
        let is_bare = lead.iter().all(|b| b.is_ascii_whitespace() || *b == b'[');
        return is_empty && is_bare && (section || comment || begins_with_name(line));
    }
    // The same within a text whose line breaks are escaped.
    let escapes = before.iter().rev().take_while(|b| **b == b'\\').count();
    let Some(at) = before.len().checked_sub(escapes + 1).filter(|_| escapes > 0) else { return false };
    let line = line.strip_prefix(b"r\\").unwrap_or(line);
    let unescaped = line.strip_prefix(b"n").map(|line| line.split(|b| *b == b'\\').next().unwrap_or_default());
    b"=:".contains(&before[at]) && unescaped.is_some_and(begins_with_name)
}

fn line(text: &[u8]) -> &[u8] {
    let text = &text[..text.len().min(MAX_LINE)];
    text.split(|b| b"\r\n".contains(b)).next().unwrap_or_default()
}

/// `name=value`, `name: value`, `name =`; base64 ends with the same sign.
fn begins_with_name(line: &[u8]) -> bool {
    let length = line.iter().take_while(|b| b.is_ascii_alphanumeric() || b"_.-$".contains(b)).count();
    let (name, rest) = line.split_at(length);
    let rest = rest.trim_ascii_start();
    let value =
        rest.strip_prefix(b"+=").or(rest.strip_prefix(b"?=")).or(rest.strip_prefix(b"=")).map(<[u8]>::trim_ascii);
    match value {
        _ if name.is_empty() => false,
        Some(b"") => !(name.len() >= BASE64 && (name.len() + 1).is_multiple_of(4)),
        Some(b"=") => false,
        Some(_) => true,
        None => rest.strip_prefix(b":").is_some_and(|rest| rest.first().is_none_or(|b| b" \t".contains(b))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether the text behind `|` is no value of the name before.
    fn is_other(text: &str) -> bool {
        let at = text.find('|').unwrap();
        let text = text.replacen('|', "", 1);
        is_other_setting(text.as_bytes(), 0, &(at..text.len()))
    }

    #[test]
    fn a_setting_without_value_does_not_take_the_next_line() {
        for other in [
            "db.password=\n|other.setting=value",
            "db.password =\r\n|other_setting = value",
            "password:\n|username: deploy",
            "password:\n  |username: deploy",
            "token =\n\n|next_token =",
            "token=\n|TOKEN2=",
            "TOKEN=\n|export.X+=1",
            "password=\n[|database]\nhost=x",
            "password=\n|#commented.out",
            "password=\n|;commented.out",
            "password:\n|//commented.out",
            r"{'a': 'PASSWORD=\|nUSER=deploy\nHOST=x'}",
            r"PASSWORD=\|r\nUSER=deploy",
            r"PASSWORD=\\|nUSER: deploy",
        ] {
            assert!(is_other(other), "{other}");
        }
        for value in [
            "password=|a=b",
            "password:\n  |kJ8mQ2pX",
            "token:\n  |123456789:AAHk3Jx9QzLmW2vTn8RbYc4",
            "key:\n  |Zq7Lw0pXc93nVb21kDsk3Jx9QzLmW2vTn8RbYc4sXoI=",
            "key:\n  |Zq7Lw0pXc93nVb21kDsk3Q==",
            "key:\n  \"|name=value",
            "key: >-\n  |name=value",
            "key <<EOF\n|name=value",
            r"key=\|xname=value",
            "<password>\n|a=b</password>",
        ] {
            assert!(!is_other(value), "{value}");
        }
    }
}
