//! Small readers of text that several decoders share: runs of characters, Base64, hex, and values after names.

use data_encoding::{BASE64_NOPAD, HEXLOWER_PERMISSIVE};
use zeroize::Zeroizing;

/// Length of the longest prefix whose bytes all satisfy `of`.
pub(crate) fn run(bytes: &[u8], of: impl Fn(u8) -> bool) -> usize {
    bytes.iter().take_while(|&&b| of(b)).count()
}

/// Whether `b` belongs to Base64 in either alphabet, padding included.
pub(crate) fn is_base64(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b"+/-_=".contains(&b)
}

/// Whether a token can begin after `bytes`.
pub(crate) fn begins_token(bytes: &[u8]) -> bool {
    bytes.last().is_none_or(|b| !b.is_ascii_alphanumeric())
}

/// Decodes Base64 of either alphabet, with or without padding and white space. Line ends and slashes may be escaped
/// (`\n`, `\/`) as in JSON strings.
pub(crate) fn base64(text: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let mut plain = Zeroizing::new(Vec::with_capacity(text.len()));
    let mut bytes = text.iter().copied();
    while let Some(byte) = bytes.next() {
        match byte {
            b'-' => plain.push(b'+'),
            b'_' => plain.push(b'/'),
            b'=' | b' ' | b'\t' | b'\r' | b'\n' => {}
            b'\\' => match bytes.next()? {
                b'/' => plain.push(b'/'),
                b'n' | b'r' | b't' => {}
                _ => return None,
            },
            other => plain.push(other),
        }
    }
    BASE64_NOPAD.decode(&plain).ok().map(Zeroizing::new)
}

/// Decodes hex digits of either case, nothing else.
pub(crate) fn hex(text: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    HEXLOWER_PERMISSIVE.decode(text).ok().map(Zeroizing::new)
}

/// The body of an armoured block: Base64 from the start of `text` up to the first byte that cannot belong to it, with
/// the length of the body in `text`.
pub(crate) fn armour_body(text: &[u8]) -> Option<(Zeroizing<Vec<u8>>, usize)> {
    let mut length = 0;
    while let Some(&byte) = text.get(length) {
        match byte {
            b'\\' if text.get(length + 1).is_some_and(|b| b"nrt/".contains(b)) => length += 2,
            b'-' | b'_' => break,
            _ if is_base64(byte) || byte.is_ascii_whitespace() => length += 1,
            _ => break,
        }
    }
    Some((base64(&text[..length])?, length))
}

/// The Base64 symbols at the start of `text`, each with the offset behind it: over white space and escaped line ends, up to
/// the padding or to a byte that cannot belong to it. Words that follow are not told apart from it, so that what is
/// read must itself say where it ends.
pub(crate) fn base64_symbols(text: &[u8]) -> impl Iterator<Item = (usize, u8)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        loop {
            let byte = *text.get(at)?;
            at += 1;
            match byte {
                b'+' | b'/' => return Some((at, byte)),
                _ if byte.is_ascii_alphanumeric() => return Some((at, byte)),
                b'\\' => match text.get(at)? {
                    b'n' | b'r' | b't' => at += 1,
                    b'/' | b'\\' => {}
                    _ => return None,
                },
                _ if byte.is_ascii_whitespace() => {}
                _ => return None,
            }
        }
    })
}

/// A short text for a report: printable characters, at most 100.
pub(crate) fn label(bytes: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(bytes);
    let text: String = text.trim().chars().filter(|c| !c.is_control()).take(100).collect();
    (!text.is_empty()).then_some(text)
}

/// Whether the bytes could have been drawn at random: at least 16, and not few values repeated or counted through.
pub(crate) fn looks_random(bytes: &[u8]) -> bool {
    let mut seen = [false; 256];
    bytes.iter().for_each(|&b| seen[usize::from(b)] = true);
    let distinct = seen.iter().filter(|s| **s).count();
    let steps = bytes.windows(2).filter(|w| w[1].wrapping_sub(w[0]) <= 1).count();
    bytes.len() >= 16 && distinct >= 10 && 2 * steps < bytes.len()
}

/// What is assigned to a name: `text` begins right after the name. Skips the name's closing quote, white space, `=` or
/// `:`, and the value's opening quote; quotes may be escaped. Gives the offset in `text` at which the value begins.
pub(crate) fn assigned(text: &[u8]) -> Option<usize> {
    let quotes = |b: u8| b"\"'`\\".contains(&b);
    let blank = |b: u8| b == b' ' || b == b'\t';
    let mut at = run(text, quotes).min(4);
    at += run(&text[at..], blank).min(32);
    let rest = text.get(at..)?;
    at += match rest {
        // What stands in for a variable that is not set: `process.env.NAME ?? "…"`.
        [b'?', b'?', ..] | [b'|', b'|', ..] => 2,
        [b'=' | b':', ..] => 1 + run(&rest[1..], |b| b == b'=' || b == b'>').min(1),
        _ => return None,
    };
    at += run(&text[at..], blank).min(32);
    at += run(&text[at..], quotes).min(4);
    Some(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_takes_both_alphabets_and_escapes() {
        for text in ["+/+/", "-_-_", "+\\/+\\n\\/", " +/ +/\r\n", "+/+/"] {
            assert_eq!(base64(text.as_bytes()).unwrap().as_slice(), [0xfb, 0xff, 0xbf], "{text}");
        }
        assert!(base64(b"+!/").is_none() && base64(b"ab\\").is_none());
        assert!(base64(b"AAB").is_none(), "bits past the last byte are set");
    }

    #[test]
    fn armour_ends_at_the_dashes() {
        let (body, length) = armour_body(b"\nAAAA\nAAAA\n-----END").unwrap();
        assert_eq!((body.len(), length), (6, 11));
    }

    #[test]
    fn symbols_are_told_with_their_places() {
        let symbols: Vec<_> = base64_symbols(b"A\\nB\\\\nC\n D\\/E=F").collect();
        assert_eq!(symbols, [(1, b'A'), (4, b'B'), (8, b'C'), (11, b'D'), (13, b'/'), (14, b'E')]);
        assert_eq!(base64_symbols(b"\\x").count(), 0);
    }

    #[test]
    fn assignments_are_read_in_many_languages() {
        for text in ["=V", ": V", "\" : \"V", "\\\": \\\"V", " := 'V", " => \"V", "   =   V", " ?? \"V", " || 'V"] {
            assert_eq!(assigned(text.as_bytes()), text.find('V'), "{text}");
        }
        assert_eq!(assigned(b" V"), None);
        assert_eq!(assigned(b""), None);
    }

    #[test]
    fn placeholders_do_not_look_random() {
        assert!(!looks_random(&[0; 32]) && !looks_random(b"0123456789abcdefghijklmnopqrstuv"));
        assert!(!looks_random(&[7, 9, 7, 9, 7, 9, 7, 9, 7, 9, 7, 9, 7, 9, 7, 9]) && !looks_random(b"short"));
        assert!(looks_random(&[3, 141, 59, 26, 53, 58, 97, 93, 238, 46, 26, 43, 38, 32, 79, 50]));
    }
}
