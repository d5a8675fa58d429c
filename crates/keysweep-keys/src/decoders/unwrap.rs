//! Binary forms that lie wrapped in text, handed back for a search of their own.

use super::text;
use crate::decoder::{Hit, Sink};
use data_encoding::{BASE64_NOPAD, HEXLOWER_PERMISSIVE};
use zeroize::Zeroizing;

/// Hands back the Base64 at `start` in the window.
pub(crate) fn base64(hit: &Hit<'_>, start: usize, sink: &mut Sink) {
    let Some((bytes, length)) = leading_base64(&hit.window[start..]) else { return };
    sink.examined_up_to(start + length);
    sink.nested(start..start + length, bytes, "base64");
}

/// Hands back the hex digits at `start` in the window. Commas, `\x`, white space and the backslashes of registry exports
/// may stand between bytes.
pub(crate) fn hex(hit: &Hit<'_>, start: usize, sink: &mut Sink) {
    let wrapped = &hit.window[start..];
    let length = text::run(wrapped, |b| b.is_ascii_hexdigit() || b", \\\r\n:x".contains(&b));
    let mut digits = Zeroizing::new(Vec::with_capacity(length));
    digits.extend(wrapped[..length].iter().copied().filter(u8::is_ascii_hexdigit));
    let whole = digits.len() / 2 * 2;
    digits.truncate(whole);
    sink.examined_up_to(start + length);
    if let Ok(bytes) = HEXLOWER_PERMISSIVE.decode(&digits) {
        sink.nested(start..start + length, Zeroizing::new(bytes), "hex");
    }
}

/// Decodes Base64 from the start of `wrapped` up to its padding or the first byte that cannot belong to it, with its length
/// there. Either alphabet; white space, escaped line ends and slashes, and the line ends of XML may stand inside.
pub(crate) fn leading_base64(wrapped: &[u8]) -> Option<(Zeroizing<Vec<u8>>, usize)> {
    let mut plain = Zeroizing::new(Vec::with_capacity(wrapped.len().min(1 << 20)));
    let (mut at, mut length) = (0, 0);
    while let Some(&byte) = wrapped.get(at) {
        at += match byte {
            b'-' | b'_' | b'+' | b'/' | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => {
                plain.push(match byte {
                    b'-' => b'+',
                    b'_' => b'/',
                    other => other,
                });
                length = at + 1;
                1
            }
            b' ' | b'\t' | b'\r' | b'\n' => 1,
            b'\\' if wrapped.get(at + 1) == Some(&b'/') => {
                plain.push(b'/');
                length = at + 2;
                2
            }
            b'\\' if wrapped.get(at + 1).is_some_and(|b| b"nrt\r\n".contains(b)) => 2,
            b'&' => match [&b"&#13;"[..], b"&#10;", b"&#xD;", b"&#xA;"].iter().find(|e| wrapped[at..].starts_with(e)) {
                Some(entity) => entity.len(),
                None => break,
            },
            b'=' => {
                length = at + text::run(&wrapped[at..], |b| b == b'=').min(2);
                break;
            }
            _ => break,
        };
    }
    // What follows the end may have been taken for a part of it: whole groups count.
    let bytes = BASE64_NOPAD.decode(&plain).or_else(|_| BASE64_NOPAD.decode(&plain[..plain.len() / 4 * 4])).ok()?;
    (!bytes.is_empty()).then(|| (Zeroizing::new(bytes), length))
}

#[cfg(test)]
mod tests {
    use super::leading_base64;

    #[test]
    fn the_end_is_found() {
        for (text, length) in [
            ("AQIDBAU=", 8),
            ("AQID\nBAU=\nAQID", 9),
            ("AQID\\r\\nBAU= more", 12),
            ("AQID&#13;\n BAU</X>", 14),
            ("AQIDBAU\"", 7),
            ("AQIDBAU==", 9),
            ("  AQIDBAU\0", 9),
        ] {
            let (bytes, end) = leading_base64(text.as_bytes()).unwrap();
            assert_eq!((bytes.as_slice(), end), (&[1, 2, 3, 4, 5][..], length), "{text}");
        }
        assert_eq!(leading_base64(b"AQIDBBB!").unwrap().0.as_slice(), [1, 2, 3], "bits past the last byte are set");
        assert!(leading_base64(b"<").is_none() && leading_base64(b"A").is_none());
    }
}
