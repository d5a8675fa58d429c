//! JSON that is safe to look at: names and comments of scanned files come from attackers, and JSON itself lets control characters
//! of C1 and those that turn the direction of writing pass.

use crate::text::is_unsafe;
use serde::Serialize;
use std::io::{self, Write};

/// Writes a value as JSON, indented or on one line.
///
/// # Errors
///
/// `out` cannot be written.
pub(crate) fn write_value<T: Serialize>(value: &T, pretty: bool, out: &mut dyn Write) -> io::Result<()> {
    let mut out = Escaping(out);
    match pretty {
        true => serde_json::to_writer_pretty(&mut out, value)?,
        false => serde_json::to_writer(&mut out, value)?,
    }
    Ok(())
}

/// Writes JSON on, with what terminals and editors act upon as escapes. In JSON, what is not ASCII stands in strings only.
struct Escaping<'a>(&'a mut dyn Write);

impl Write for Escaping<'_> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        // The serializer writes whole characters.
        match std::str::from_utf8(buf) {
            Ok(text) if !buf.is_ascii() => self.text(text)?,
            _ => self.0.write_all(buf)?,
        }
        Ok(buf.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl Escaping<'_> {
    fn text(&mut self, text: &str) -> io::Result<()> {
        let mut rest = text;
        while let Some((at, c)) = rest.char_indices().find(|(_, c)| !c.is_ascii() && is_unsafe(*c)) {
            self.0.write_all(&rest.as_bytes()[..at])?;
            write!(self.0, "\\u{:04x}", u32::from(c))?;
            rest = &rest[at + c.len_utf8()..];
        }
        self.0.write_all(rest.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_terminals_act_upon_is_escaped_and_means_the_same() {
        let name = "a\u{202e}gpj.\u{9b}31m\u{2028}é日\u{1f600}\u{7f}\u{1b}\u{feff}";
        for pretty in [false, true] {
            let mut out = Vec::new();
            write_value(&[name, "plain"], pretty, &mut out).unwrap();
            let text = String::from_utf8(out).unwrap();
            assert!(!text.chars().any(|c| !c.is_ascii() && is_unsafe(c)), "{text:?}");
            assert!(text.contains("é日\u{1f600}"), "{text:?}");
            let back: Vec<String> = serde_json::from_str(&text).unwrap();
            assert_eq!(back, [name, "plain"]);
        }
    }
}
