//! What only stands for a secret: documentation examples, references to variables, filler.
//!
//! A real secret that is taken for a placeholder is a leak that nobody hears of, so every test here is one that random
//! text passes practically never; the tests measure it.

use crate::entropy::distinct;
use aho_corasick::AhoCorasick;
use std::sync::OnceLock;

/// Whether `text` is no secret but stands for one. `text` is the secret without its fixed prefix.
pub fn is_placeholder(text: &[u8]) -> bool {
    text.is_empty() || is_reference(text) || holds_word(text) || is_filler(text)
}

// ---- References --------------------------------------------------------------------------------------------------

/// How programs, shells and templates ask for a value.
const REFERENCES: [&str; 25] = [
    "${",
    "$(",
    "$[[",
    "{{",
    "process.env",
    "os.environ",
    "getenv",
    "import.meta.env",
    "environment.get",
    "env.get",
    "env[",
    "env(",
    "env!(",
    "$env:",
    "secrets.",
    "params.",
    "config.get",
    "config[",
    "configuration[",
    "vault.",
    "keyvault",
    "get_secret",
    "getsecret",
    "ssm:",
    "op://",
];

/// `${VAR}`, `$VAR`, `{{ x }}`, `<x>`, `%X%`, `$(x)`, `#{x}`, `process.env.X` and the like.
pub(crate) fn is_reference(text: &[u8]) -> bool {
    let text = text.trim_ascii();
    static FORMS: OnceLock<AhoCorasick> = OnceLock::new();
    // Passwords hold these by chance, so they need their end.
    let closed = [("#{", "}"), ("{%", "%}"), ("<%", "%>")].iter().any(|(open, close)| {
        memchr::memmem::find(text, open.as_bytes()).is_some_and(|at| contains(&text[at..], close.as_bytes()))
    });
    if closed || FORMS.get_or_init(|| in_any_case(&REFERENCES)).is_match(text) {
        return true;
    }
    let enclosed = |open: u8, close: u8| text.len() > 2 && text.first() == Some(&open) && text.last() == Some(&close);
    if enclosed(b'<', b'>') || enclosed(b'[', b']') || enclosed(b'{', b'}') {
        return true;
    }
    let named = |trim: u8| text.iter().all(|b| is_name(*b) || *b == trim);
    if (enclosed(b'%', b'%') && named(b'%')) || (enclosed(b'@', b'@') && named(b'@')) {
        return true;
    }
    if text.len() > 4 && text.starts_with(b"__") && text.ends_with(b"__") {
        return true;
    }
    is_variable(text)
}

/// `$NAME` and `$name`, but not `$ecretPassw0rd`.
fn is_variable(text: &[u8]) -> bool {
    let Some(name) = text.strip_prefix(b"$") else { return false };
    let shouted = name.iter().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || *b == b'_');
    let plain = name.iter().all(|b| b.is_ascii_alphabetic() || *b == b'_');
    name.first().is_some_and(|b| b.is_ascii_alphabetic() || *b == b'_') && (shouted || plain)
}

fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-'
}

// ---- Words -------------------------------------------------------------------------------------------------------

/// Words that do not occur in random text, wherever they stand and in either case.
const WORDS: [&str; 45] = [
    "example",
    "sample",
    "placeholder",
    "changeme",
    "change_me",
    "change-me",
    "changethis",
    "change_this",
    "change-this",
    "redacted",
    "replaceme",
    "replace_me",
    "replace-me",
    "replacethis",
    "replace_with",
    "replace-with",
    "insert_",
    "inserthere",
    "insertyour",
    "youraccess",
    "yourapi",
    "yourclient",
    "yourkey",
    "yourpass",
    "yoursecret",
    "yourtoken",
    "your_access",
    "your_token",
    "apikeyhere",
    "api_key_here",
    "keyhere",
    "tokenhere",
    "token_here",
    "secrethere",
    "secret_here",
    "password_here",
    "passwordhere",
    "notarealkey",
    "not_a_real",
    "not-a-real",
    "notreal",
    "dummykey",
    "dummytoken",
    "thisisnot",
    // In the help text of kubectl, and so in every image that holds it.
    "uxfgweu9l35qcif",
];

/// Words that count only as a whole part between separators, since letters alone may form them by chance.
const PARTS: [&str; 22] = [
    "your",
    "my",
    "dummy",
    "fake",
    "insert",
    "here",
    "todo",
    "tbd",
    "none",
    "null",
    "undefined",
    "mock",
    "foo",
    "bar",
    "foobar",
    "foobarbaz",
    "test",
    "testing",
    "xxx",
    "replace",
    "enter",
    "masked",
];

/// Whether the text holds a word of placeholders.
fn holds_word(text: &[u8]) -> bool {
    static FORMS: OnceLock<AhoCorasick> = OnceLock::new();
    if FORMS.get_or_init(|| in_any_case(&WORDS)).is_match(text) {
        return true;
    }
    let parts = || text.split(|b| !b.is_ascii_alphanumeric()).filter(|part| !part.is_empty());
    let known = |part: &[u8]| PARTS.iter().any(|word| part.eq_ignore_ascii_case(word.as_bytes()));
    // One such part among many says little: base64url has separators of its own.
    let (all, of_words) = parts()
        .fold((0, 0), |(all, of_words), part| (all + part.len(), of_words + if known(part) { part.len() } else { 0 }));
    let first = parts().next().is_some_and(|part| {
        [b"your".as_slice(), b"my", b"dummy", b"fake", b"insert"].iter().any(|w| part.eq_ignore_ascii_case(w))
    });
    let words_only = || parts().all(|part| part.iter().all(u8::is_ascii_alphabetic));
    of_words > 0 && (of_words * 2 >= all || (first && words_only()))
}

// ---- Filler ------------------------------------------------------------------------------------------------------

/// Characters that people fill in with.
const FILL: &[u8] = b"xX*.#?_-";
/// Equal fill characters in a row that give filler away.
const FILL_RUN: usize = 6;
/// Equal or counting characters in a row that do.
const RUN: usize = 8;
/// Pairs of equal steps in a row that do in `a1b2c3d4e5`.
const ALTERNATING: usize = 6;
/// Bytes that are looked at.
const MAX_FILLER: usize = 1_024;
/// Shortest run that counts towards [`covered`].
const SHORT_RUN: usize = 4;

/// Repeated, counted or alternating characters, and texts of few different ones.
fn is_filler(text: &[u8]) -> bool {
    let text = &text[..text.len().min(MAX_FILLER)];
    let ellipsis = contains(text, b"...") || contains(text, "…".as_bytes());
    ellipsis || has_run(text) || covered(text) || is_periodic(text) || has_few_characters(text)
}

/// What brings each character from the one before.
fn step(pair: &[u8]) -> Option<i16> {
    let (a, b) = (pair[0], pair[1]);
    let same_kind = (a.is_ascii_digit() && b.is_ascii_digit())
        || (a.is_ascii_lowercase() && b.is_ascii_lowercase())
        || (a.is_ascii_uppercase() && b.is_ascii_uppercase());
    match (a, b) {
        _ if a == b => Some(0),
        (b'9', b'0') | (b'z', b'a') | (b'Z', b'A') => Some(1),
        (b'0', b'9') => Some(-1),
        // As in 0123456789abcdef.
        (b'9', b'a' | b'A') => Some(1),
        _ if same_kind && a.abs_diff(b) == 1 => Some(i16::from(b) - i16::from(a)),
        _ => None,
    }
}

/// The text in runs that go on by the same step, each with its step.
fn runs(text: &[u8]) -> impl Iterator<Item = (i16, &[u8])> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let first = rest.get(..2).and_then(step);
        let length = match first {
            Some(_) => 1 + rest.windows(2).take_while(|pair| step(pair) == first).count(),
            None => 1,
        };
        let run = &rest[..length];
        rest = &rest[length..];
        Some((first.unwrap_or(0), run))
    })
}

fn has_run(text: &[u8]) -> bool {
    let plain = runs(text).any(|(step, run)| {
        let filler = step == 0 && FILL.contains(&run[0]) && run.len() >= FILL_RUN;
        // Zero bytes in base64 and hex: some issuers have them in every token.
        let zeros = step == 0 && b"A0".contains(&run[0]) && run.len() * 2 < text.len();
        filler || (run.len() >= RUN && !zeros)
    });
    // a1b2c3d4: two interleaved runs, both of which go on.
    let alternating = text.windows(5).map(|w| {
        let goes_on = step(&[w[0], w[2]]).filter(|_| w[0] != w[1]);
        goes_on.is_some() && goes_on == step(&[w[2], w[4]])
    });
    plain || longest(alternating) >= ALTERNATING
}

fn longest(flags: impl Iterator<Item = bool>) -> usize {
    flags.fold((0, 0), |(best, now), flag| if flag { (best.max(now + 1), now + 1) } else { (best, 0) }).0
}

/// Whether three quarters of the text are short runs: `1111-2222-3333`, `abcd1234`.
fn covered(text: &[u8]) -> bool {
    let in_runs: usize = runs(text).map(|(_, run)| run.len()).filter(|length| *length >= SHORT_RUN).sum();
    let counted = text.iter().filter(|b| b.is_ascii_alphanumeric()).count();
    text.len() >= 2 * SHORT_RUN && in_runs * 4 >= counted.max(1) * 3
}

/// Whether the text repeats its own first half or less: `deadbeefdeadbeef`. In linear time, by the longest border (a
/// beginning that is also an end) of every beginning, after Knuth, Morris and Pratt.
fn is_periodic(text: &[u8]) -> bool {
    let mut borders = vec![0; text.len()];
    let mut border = 0;
    for index in 1..text.len() {
        while border > 0 && text[index] != text[border] {
            border = borders[border - 1];
        }
        border += usize::from(text[index] == text[border]);
        borders[index] = border;
    }
    text.len() >= 8 && border * 2 >= text.len()
}

fn has_few_characters(text: &[u8]) -> bool {
    let distinct = distinct(text);
    match text.len() {
        0..6 => distinct <= 1,
        6..16 => distinct <= 2,
        16..32 => distinct <= 3,
        _ => distinct <= 5,
    }
}

// ---- Searching -----------------------------------------------------------------------------------------------------

fn contains(text: &[u8], word: &[u8]) -> bool {
    memchr::memmem::find(text, word).is_some()
}

/// A search for all of these words at once.
fn in_any_case(words: &[&str]) -> AhoCorasick {
    AhoCorasick::builder().ascii_case_insensitive(true).build(words).expect("a few words are not too many")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Taken for granted in documentation and code, none of them secret.
    const PLACEHOLDERS: [&str; 63] = [
        "",
        "IOSFODNN7EXAMPLE",
        "uXFGweU9l35qcif",
        "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        "AKIAI44QH8DHBEXAMPLE",
        "xxxxxxxxxxxxxxxxxxxx",
        "XXXXXXXX-XXXX-XXXX",
        "your_api_key",
        "YOUR-API-KEY-HERE",
        "your-secret",
        "yourSecretKey",
        "<your token>",
        "<TOKEN>",
        "[REDACTED]",
        "${TOKEN}",
        "${env.TOKEN:-none}",
        "$TOKEN",
        "$token",
        "$(cat /run/secret)",
        "{{ token }}",
        "{{.Values.token}}",
        "%TOKEN%",
        "#{token}",
        "@TOKEN@",
        "@@TOKEN@@",
        "__TOKEN__",
        "process.env.TOKEN",
        "os.environ['TOKEN']",
        "getenv(TOKEN)",
        "System.getenv(\"T\")",
        "ENV['TOKEN']",
        "$env:TOKEN",
        "secrets.TOKEN",
        "0000000000000000",
        "1234567890",
        "12345678",
        "1234567890abcdef1234567890abcdef",
        "0123456789abcdef0123456789ABCDEF",
        "abcdefghijklmnopqrstuvwxyz",
        "a1b2c3d4e5f6g7h8i9j0",
        "deadbeefdeadbeefdeadbeefdeadbeef",
        "abcabcabcabc",
        "aaaabbbbccccdddd",
        "1111-2222-3333-4444",
        "********",
        "........",
        "sk_live_...",
        "abc\u{2026}",
        "changeme",
        "ChangeMe",
        "CHANGE_ME_NOW",
        "change-this",
        "insert-key-here",
        "INSERT_YOUR_KEY",
        "replace_me",
        "my_secret_key",
        "dummy",
        "fake-token",
        "test",
        "foobar",
        "null",
        "ababababab",
        "00000000-0000-0000-0000-000000000000",
    ];

    /// Real as far as anyone can tell.
    const SECRETS: [&str; 15] = [
        "hunter2",
        "$ecretPassw0rd",
        "P@@ssw0rd!",
        "correct horse battery staple",
        "Tr0ub4dor&3",
        "pa$$w0rd%9",
        "s3cr3t-P4ss",
        "k8Zp#mQ2",
        "7f3a9c1e",
        "Summer2024!",
        "myPassw0rd",
        "test1234",
        "f47ac10b-58cc-4372-a567-0e02b2c3d479",
        "k3v9Q2x7T1mAAAAAAAAAAb8Y4w6Z0k3v9Q2x7T1m",
        "wJalrXUtnFEMI/K7MDENG/bPxRfiCYzzzzzzzKEY",
    ];

    #[test]
    fn placeholders_are_told_from_secrets() {
        let wrong: Vec<_> = PLACEHOLDERS.iter().filter(|p| !is_placeholder(p.as_bytes())).collect();
        assert!(wrong.is_empty(), "taken for secrets: {wrong:?}");
        let wrong: Vec<_> = SECRETS.iter().filter(|s| is_placeholder(s.as_bytes())).collect();
        assert!(wrong.is_empty(), "taken for placeholders: {wrong:?}");
    }

    #[test]
    fn random_tokens_are_not_rejected() {
        let digits: Vec<u8> = (b'0'..=b'9').collect();
        let lower: Vec<u8> = (b'a'..=b'z').collect();
        let upper = lower.to_ascii_uppercase();
        let alphabets = [
            [digits.clone(), b"abcdef".to_vec()].concat(),
            [lower.clone(), digits.clone()].concat(),
            [upper.clone(), b"234567".to_vec()].concat(),
            [lower.clone(), upper.clone(), digits.clone()].concat(),
            [lower.clone(), upper.clone(), digits.clone(), b"-_".to_vec()].concat(),
            [lower.clone(), upper.clone(), digits.clone(), b"+/".to_vec()].concat(),
            lower,
        ];
        let mut state = 0x1234_5678_9abc_def0_u64;
        let mut next = move || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as usize
        };
        let mut rejected = 0;
        for round in 0..100_000 {
            let alphabet = &alphabets[round % alphabets.len()];
            let length = [16, 20, 32, 40, 64][round / alphabets.len() % 5];
            let token: Vec<u8> = (0..length).map(|_| alphabet[next() % alphabet.len()]).collect();
            rejected += usize::from(is_placeholder(&token));
        }
        assert_eq!(rejected, 0, "of 100,000 random tokens");
    }

    #[test]
    fn long_regular_texts_take_linear_time() {
        for text in [vec![b'a'; 1 << 16], b"ab".repeat(1 << 15), [vec![b'a'; 1 << 16], vec![b'b']].concat()] {
            let limit = std::time::Duration::from_secs(2);
            assert!(keysweep_testkit::bounded(limit, "a regular text", || is_placeholder(&text)));
        }
    }
}
