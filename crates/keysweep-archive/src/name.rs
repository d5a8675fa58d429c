//! Names of members, made fit for reports.

/// Longest name that is kept, in bytes; a longer one is cut in its middle.
pub(crate) const LONGEST: usize = 1024;

/// The name as text: without control characters, without empty, `.` and leading `/` parts.
pub(crate) fn clean(bytes: &[u8]) -> String {
    let bytes = &bytes[..bytes.len().min(64 << 10)];
    let text = String::from_utf8_lossy(bytes);
    let parts = text.split(['/', '\\']).filter(|part| !part.is_empty() && *part != ".");
    let name = parts.collect::<Vec<_>>().join("/");
    let name: String = name.chars().map(|c| if is_unfit(c) { '\u{fffd}' } else { c }).collect();
    match name.is_empty() {
        true => "unnamed".to_owned(),
        false => shorten(name),
    }
}

/// Controls, and what turns the direction of text around.
fn is_unfit(c: char) -> bool {
    c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn shorten(name: String) -> String {
    if name.len() <= LONGEST {
        return name;
    }
    // The end tells most: it is what decides about rules for names.
    let mut head = LONGEST / 2;
    while !name.is_char_boundary(head) {
        head -= 1;
    }
    let mut tail = name.len() - (LONGEST / 2 - 3);
    while !name.is_char_boundary(tail) {
        tail += 1;
    }
    format!("{}…{}", &name[..head], &name[tail..])
}

/// The name of what a compressed file holds: its own without the suffix.
pub(crate) fn without_suffix(archive: &str, suffixes: &[(&str, &str)]) -> String {
    let own = archive.rsplit(['/', '\\']).next().unwrap_or(archive);
    for (suffix, instead) in suffixes {
        let at = own.len().saturating_sub(suffix.len());
        if at > 0 && own.is_char_boundary(at) && own[at..].eq_ignore_ascii_case(suffix) {
            return clean(format!("{}{instead}", &own[..at]).as_bytes());
        }
    }
    "content".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_fit_for_terminals() {
        assert_eq!(clean(b"./a//b\x1b[31m/c\n"), "a/b\u{fffd}[31m/c\u{fffd}");
        assert_eq!(clean(b"/etc/ssl"), "etc/ssl");
        assert_eq!(clean(b""), "unnamed");
        assert_eq!(clean(b"..\\x"), "../x");
        let long = clean(&[b'a'; 100_000]);
        assert!(long.len() <= LONGEST + 3 && long.contains('…'));
        assert!(clean("ä".repeat(5000).as_bytes()).len() <= LONGEST + 3);
    }

    #[test]
    fn compressed_files_lose_their_suffix() {
        let suffixes = [(".tgz", ".tar"), (".gz", "")];
        assert_eq!(without_suffix("a/b.tgz", &suffixes), "b.tar");
        assert_eq!(without_suffix("x.tar.GZ", &suffixes), "x.tar");
        assert_eq!(without_suffix("x", &suffixes), "content");
        assert_eq!(without_suffix(".gz", &suffixes), "content");
    }
}
