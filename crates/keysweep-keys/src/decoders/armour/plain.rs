//! Undoes what quoting does to a text: escapes of programming languages, JSON, URLs and HTML, and prefixes of lines.

use zeroize::Zeroizing;

/// Longest HTML tag.
const MAX_TAG: usize = 200;
/// How often an escape may be escaped again.
const MAX_DEPTH: usize = 4;

/// A label with the escapes of its separators undone; `None` if it is not one.
pub(super) fn label(raw: &[u8], form_encoded: bool) -> Option<String> {
    let plain = undo(raw, &[], form_encoded);
    let text = std::str::from_utf8(&plain).ok()?;
    let words: Vec<&str> = text.split_ascii_whitespace().collect();
    let word = |w: &&str| w.bytes().all(|b| b.is_ascii_alphanumeric() || b"-./_#".contains(&b));
    (!words.is_empty() && words.iter().all(word)).then(|| words.join(" "))
}

/// The text with its escapes undone and `prefix` (or one of the same shape) taken off its lines. Where line ends were
/// escaped, it has line ends. `form_encoded`: a plus sign is a space.
pub(super) fn undo(text: &[u8], prefix: &[u8], form_encoded: bool) -> Zeroizing<Vec<u8>> {
    let mut plain = Zeroizing::new(Vec::with_capacity(text.len()));
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        let rest = &text[at..];
        let (out, used) = match byte {
            b'\\' => backslash(rest),
            b'%' => percent(rest),
            b'&' => entity(rest),
            b'<' => tag(rest),
            b'+' if form_encoded => (Some(b' '), 1),
            // PowerShell's `n and `r; elsewhere a backtick is a quote, which opens after something else.
            b'`' if is_inside(text, at) && matches!(rest.get(1), Some(b'n' | b'r')) => (Some(b'\n'), 2),
            0x80.. => (None, 1),
            other => (Some(other), 1),
        };
        plain.extend(out);
        at += used;
        if matches!(byte, b'\n' | b'\r') && !prefix.is_empty() && has_shape(&text[at..], prefix) {
            at += prefix.len();
        }
    }
    plain
}

/// Whether the byte at `at` stands right after Base64 or at the very start.
fn is_inside(text: &[u8], at: usize) -> bool {
    text[..at].last().is_none_or(|&b| super::value(b).is_some() || b == b'=')
}

/// Whether `line` begins like `prefix`, any digit standing for any other: times and numbers of lines count up.
fn has_shape(line: &[u8], prefix: &[u8]) -> bool {
    let same = |(a, b): (&u8, &u8)| a == b || (a.is_ascii_digit() && b.is_ascii_digit());
    line.len() >= prefix.len() && line.iter().zip(prefix).all(same)
}

/// `\n`, `\\n`, `\/`, `\u002b`, `\x2b`, `\012`, a continued line: the byte, and how long the escape is.
fn backslash(text: &[u8]) -> (Option<u8>, usize) {
    let slashes = super::super::text::run(text, |b| b == b'\\');
    let rest = &text[slashes..];
    let number = |digits: usize, radix: u32| {
        let digits = std::str::from_utf8(rest.get(1..1 + digits)?).ok()?;
        u32::from_str_radix(digits, radix).ok()
    };
    let ascii = |code: u32| u8::try_from(code).ok().filter(u8::is_ascii);
    match rest.first() {
        Some(b'n' | b'r') => (Some(b'\n'), slashes + 1),
        Some(b't') => (Some(b' '), slashes + 1),
        Some(b'u') => match number(4, 16) {
            Some(code) => (ascii(code), slashes + 5),
            None => (Some(b' '), slashes),
        },
        Some(b'x') => match number(2, 16) {
            Some(code) => (ascii(code), slashes + 3),
            None => (Some(b' '), slashes),
        },
        Some(b'0'..=b'3') => {
            match rest.get(..3).and_then(|d| u32::from_str_radix(std::str::from_utf8(d).ok()?, 8).ok()) {
                Some(code) => (ascii(code), slashes + 3),
                None => (Some(b' '), slashes),
            }
        }
        // The end of a line that goes on, or an escaped sign.
        Some(b'\n' | b'\r') => (None, slashes),
        Some(&sign) if sign.is_ascii_punctuation() => (Some(sign), slashes + 1),
        _ => (Some(b' '), slashes),
    }
}

/// `%2B`, `%252B`.
fn percent(text: &[u8]) -> (Option<u8>, usize) {
    let mut at = 1;
    for _ in 0..MAX_DEPTH {
        if text[at..].starts_with(b"25") && text.get(at + 2).is_some_and(u8::is_ascii_hexdigit) {
            at += 2;
        }
    }
    let digits = text.get(at..at + 2).filter(|d| d.iter().all(u8::is_ascii_hexdigit));
    match digits.and_then(|d| u8::from_str_radix(std::str::from_utf8(d).ok()?, 16).ok()) {
        Some(byte) if byte.is_ascii() => (Some(byte), at + 2),
        _ => (Some(b' '), 1),
    }
}

/// `&#10;`, `&#x2B;`, `&plus;`, `&amp;#10;`.
fn entity(text: &[u8]) -> (Option<u8>, usize) {
    let mut start = 1;
    for _ in 0..MAX_DEPTH {
        if text[start..].starts_with(b"amp;") {
            start += 4;
        }
    }
    let window = &text[start..text.len().min(start + 10)];
    let Some(length) = memchr::memchr(b';', window) else { return (Some(b' '), 1) };
    let name = std::str::from_utf8(&window[..length]).unwrap_or_default();
    let code = match name.as_bytes() {
        [b'#', b'x' | b'X', ..] => u32::from_str_radix(&name[2..], 16).ok(),
        [b'#', ..] => name[1..].parse().ok(),
        b"plus" => Some(u32::from(b'+')),
        b"sol" => Some(u32::from(b'/')),
        b"equals" => Some(u32::from(b'=')),
        b"quot" => Some(u32::from(b'"')),
        b"apos" => Some(u32::from(b'\'')),
        b"NewLine" => Some(u32::from(b'\n')),
        b"nbsp" | b"Tab" | b"gt" => Some(u32::from(b' ')),
        b"lt" => {
            // An escaped tag.
            let after = start + length + 1;
            let close = memchr::memmem::find(&text[after..text.len().min(after + 40)], b"gt;");
            return close.map_or((Some(b' '), after), |close| (Some(b'\n'), after + close + 3));
        }
        _ => return (Some(b' '), 1),
    };
    (code.and_then(|c| u8::try_from(c).ok()).filter(u8::is_ascii), start + length + 1)
}

/// An HTML tag: a line end if it makes one, else nothing.
fn tag(text: &[u8]) -> (Option<u8>, usize) {
    let Some(end) = memchr::memchr(b'>', &text[..text.len().min(MAX_TAG)]) else { return (Some(b' '), 1) };
    let name = text[1..end].strip_prefix(b"/").unwrap_or(&text[1..end]);
    let breaks = [&b"br"[..], b"p", b"div", b"li", b"tr", b"td", b"pre"];
    let is = |wanted: &&[u8]| {
        let letters = super::super::text::run(name, |b| b.is_ascii_alphanumeric());
        name[..letters].eq_ignore_ascii_case(wanted)
    };
    (breaks.iter().any(is).then_some(b'\n'), end + 1)
}
