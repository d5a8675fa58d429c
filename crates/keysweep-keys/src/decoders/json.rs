//! Reads the members of a JSON object that lies somewhere in bytes: whole, cut, or escaped inside a JSON string.
//!
//! A strict parser would need the whole document. This one needs a place inside the object: it looks for the braces
//! around that place and reads the members between them, in any spacing and order. Text that is not quite JSON (single
//! quotes, bare names, as in JavaScript, Python and YAML) is read too. It decides nothing: whether the members are a key
//! is shown by what they decode to.

use super::text::run;
use std::ops::Range;

/// Most members that are read of one object.
const MAX_MEMBERS: usize = 64;

/// A member of an object: offsets in the bytes it was read from.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Member {
    name: Range<usize>,
    value: Range<usize>,
}

/// The members of one object.
pub(crate) struct Object<'a> {
    bytes: &'a [u8],
    members: Vec<Member>,
    /// The object in `bytes`, from its brace (or the first byte of text) to past its closing brace.
    pub(crate) range: Range<usize>,
}

impl<'a> Object<'a> {
    /// The object around offset `at` in `bytes`.
    pub(crate) fn around(bytes: &'a [u8], at: usize) -> Self {
        let range = enclosing(bytes, at);
        let open = usize::from(bytes.get(range.start) == Some(&b'{'));
        let mut read = members(bytes, range.start + open..range.end);
        let covers = |m: &Member| m.name.start <= at && at <= m.value.end;
        if open == 0 && !read.iter().any(covers) {
            // Cut inside a string: its quotes pair wrongly up to the next comma.
            if let Some(comma) = memchr::memchr(b',', &bytes[range.clone()]) {
                read = members(bytes, range.start + comma..range.end);
            }
        }
        Self { bytes, members: read, range }
    }

    /// The value of the member `name`: the text of a string (escapes as they stand), a number or a word, or a whole
    /// nested object or array.
    pub(crate) fn get(&self, name: &str) -> Option<&'a [u8]> {
        self.place(name).map(|range| &self.bytes[range])
    }

    /// Where the value of the member `name` lies.
    pub(crate) fn place(&self, name: &str) -> Option<Range<usize>> {
        let member = self.members.iter().find(|m| &self.bytes[m.name.clone()] == name.as_bytes())?;
        Some(member.value.clone())
    }

    /// The number a member holds.
    pub(crate) fn number(&self, name: &str) -> Option<u64> {
        std::str::from_utf8(self.get(name)?).ok()?.parse().ok()
    }

    /// The object that is the value of the member `name`.
    pub(crate) fn object(&self, name: &str) -> Option<Object<'a>> {
        let value = self.place(name)?;
        (self.bytes.get(value.start) == Some(&b'{')).then(|| Object::around(self.bytes, value.start + 1))
    }

    /// The objects in the array that is the value of the member `name`.
    pub(crate) fn objects(&self, name: &str) -> Vec<Object<'a>> {
        let Some(value) = self.place(name) else { return Vec::new() };
        let mut objects: Vec<Object<'a>> = Vec::new();
        let mut at = value.start;
        while let Some(brace) = self.bytes[at..value.end].iter().position(|&b| b == b'{') {
            let object = Object::around(&self.bytes[..value.end], at + brace + 1);
            at = object.range.end.max(at + brace + 1).min(value.end);
            objects.push(object);
            if objects.len() == MAX_MEMBERS {
                break;
            }
        }
        objects
    }

    /// Bytes from the object's start to the end of the last member that was read: what is left when the rest was cut.
    pub(crate) fn members_range(&self) -> Range<usize> {
        let closed = self.bytes.get(self.range.end.wrapping_sub(1)) == Some(&b'}');
        match (self.members.first(), self.members.last()) {
            (Some(first), Some(last)) if !closed => {
                let open = self.bytes.get(self.range.start) == Some(&b'{');
                (if open { self.range.start } else { first.name.start })..last.value.end
            }
            _ => self.range.clone(),
        }
    }
}

/// Text ends at control characters other than white space: there, memory was overwritten.
fn is_cut(b: u8) -> bool {
    b < 0x20 && !b.is_ascii_whitespace() || b == 0x7f
}

/// From the `{` before `at` that is not closed before it, to past the `}` that closes it. Where there is none: up to the
/// end of the text.
fn enclosing(bytes: &[u8], at: usize) -> Range<usize> {
    let at = at.min(bytes.len());
    let mut depth = 0usize;
    let mut start = at;
    for (i, &b) in bytes[..at].iter().enumerate().rev() {
        match b {
            _ if is_cut(b) => break,
            b'}' => depth += 1,
            b'{' if depth == 0 => {
                start = i;
                break;
            }
            b'{' => depth -= 1,
            _ => {}
        }
        start = i;
    }
    depth = 0;
    for (i, &b) in bytes.iter().enumerate().skip(at) {
        match b {
            _ if is_cut(b) => return start..i,
            b'{' => depth += 1,
            b'}' if depth == 0 => return start..i + 1,
            b'}' => depth -= 1,
            _ => {}
        }
    }
    start..bytes.len()
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    /// A string without its quotes, a number, a word, or a nested object or array with its brackets.
    Value(Range<usize>),
    Colon,
    Other,
}

fn members(bytes: &[u8], range: Range<usize>) -> Vec<Member> {
    let mut at = range.start;
    let mut members = Vec::new();
    let mut before: Option<Range<usize>> = None;
    let mut name: Option<Range<usize>> = None;
    while let Some((token, next)) = token(&bytes[..range.end], at) {
        match token {
            Token::Colon => name = before.take(),
            Token::Value(value) => match name.take() {
                Some(name) if members.len() < MAX_MEMBERS => members.push(Member { name, value }),
                _ => before = Some(value),
            },
            Token::Other => (before, name) = (None, None),
        }
        at = next;
    }
    members
}

/// The token at or after `at`, and where the next one may begin.
fn token(bytes: &[u8], at: usize) -> Option<(Token, usize)> {
    let mut at = skip_blank(bytes, at)?;
    let slashes = run(&bytes[at..], |b| b == b'\\');
    let first = *bytes.get(at + slashes)?;
    if first == b'"' || first == b'\'' {
        let quote = &bytes[at..=at + slashes];
        at += quote.len();
        let Some(length) = memchr::memmem::find(&bytes[at..], quote) else { return Some((Token::Other, bytes.len())) };
        return Some((Token::Value(at..at + length), at + length + quote.len()));
    }
    at += slashes;
    Some(match first {
        b':' => (Token::Colon, at + 1),
        b'{' | b'[' => nested(bytes, at),
        _ => match run(&bytes[at..], |b| b.is_ascii_alphanumeric() || b"_-+.".contains(&b)) {
            0 => (Token::Other, at + 1),
            length => (Token::Value(at..at + length), at + length),
        },
    })
}

/// Past white space, also escaped as in `\n` or `\\n`.
fn skip_blank(bytes: &[u8], mut at: usize) -> Option<usize> {
    loop {
        at += run(bytes.get(at..)?, |b| b.is_ascii_whitespace());
        let slashes = run(&bytes[at..], |b| b == b'\\');
        if slashes == 0 || !bytes.get(at + slashes).is_some_and(|b| b"nrt".contains(b)) {
            return Some(at);
        }
        at += slashes + 1;
    }
}

/// A nested object or array as one value: brackets are counted, strings are not looked into.
fn nested(bytes: &[u8], at: usize) -> (Token, usize) {
    let mut depth = 0usize;
    for (i, &b) in bytes.iter().enumerate().skip(at) {
        match b {
            b'{' | b'[' => depth += 1,
            b'}' | b']' if depth <= 1 => return (Token::Value(at..i + 1), i + 1),
            b'}' | b']' => depth -= 1,
            _ => {}
        }
    }
    (Token::Other, bytes.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn get(text: &str, at: &str, name: &str) -> Option<String> {
        let object = Object::around(text.as_bytes(), text.find(at).unwrap());
        object.get(name).map(|v| String::from_utf8(v.to_vec()).unwrap())
    }

    #[test]
    fn members_are_read_in_any_form() {
        for text in [
            r#"{"kty":"RSA","n":"abc"}"#,
            "{\n  \"n\" : \"abc\",\n  \"kty\" : \"RSA\"\n}",
            r#"{\"kty\":\"RSA\",\"n\":\"abc\"}"#,
            r#"{\n  \"kty\": \"RSA\",\n  \"n\": \"abc\"\n}"#,
            r#"{\\\"kty\\\":\\\"RSA\\\",\\\"n\\\":\\\"abc\\\"}"#,
            "{'kty': 'RSA', 'n': 'abc'}",
            "const k = {kty: 'RSA', n: \"abc\"};",
            "kty: RSA\nn: abc\n",
            r#"{"x5c":["a","b"],"kty":"RSA","o":{"n":"other"},"n":"abc"}"#,
        ] {
            assert_eq!(get(text, "kty", "kty").as_deref(), Some("RSA"), "{text}");
            assert_eq!(get(text, "kty", "n").as_deref(), Some("abc"), "{text}");
            assert_eq!(get(text, "kty", "d"), None);
        }
    }

    #[test]
    fn objects_have_their_own_members() {
        let text =
            r#"{"keys":[{"kty":"EC","x":"1"},{"kty":"RSA","oth":[{"r":"7"},{"r":"8"}],"n":"2","inner":{"n":3}}]}"#;
        assert_eq!(get(text, "RSA", "n").as_deref(), Some("2"));
        assert_eq!(get(text, "RSA", "x"), None);
        let object = Object::around(text.as_bytes(), text.find("RSA").unwrap());
        assert_eq!(object.object("inner").unwrap().number("n"), Some(3));
        let primes: Vec<_> = object.objects("oth").iter().map(|o| o.get("r").unwrap().to_vec()).collect();
        assert_eq!(primes, [b"7", b"8"]);
    }

    #[test]
    fn what_is_cut_still_has_the_members_that_are_left() {
        let text = "\0\x01garbage\",\"n\":\"abc\",\"kty\":\"RSA\",\"d\":\"unfini\0\0";
        assert_eq!(get(text, "kty", "n").as_deref(), Some("abc"));
        assert_eq!(get(text, "kty", "d"), None);
        let object = Object::around(text.as_bytes(), text.find("kty").unwrap());
        assert!(text[object.members_range()].ends_with("RSA"));
    }

    #[test]
    fn no_prefix_and_no_noise_panics() {
        let text = r#"{"a":{"b":[1,2,{"c":"\n\"d\""}]},'e':\"f\",\n\t"g"}"#.as_bytes();
        for end in 0..=text.len() {
            for at in 0..=end {
                Object::around(&text[..end], at).members_range();
            }
        }
    }
}
