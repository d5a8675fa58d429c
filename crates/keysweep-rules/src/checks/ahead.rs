//! Whether a value may be given to a name at all, judged by the bytes behind the name: a few comparisons, where a pattern that
//! knows all ways to give one takes long. Source code is full of names such as `token` to which no literal is given.
//!
//! What is turned down here is never looked at, so nothing is turned down that the checks of [`assigned`](super::assigned)
//! would take where the pattern's fragment `given` matches.

use super::words::is_noise;

/// Longest rest of a name behind the word that names the secret.
const NAME: usize = 24;
/// Most characters that close a name.
const CLOSING: usize = 7;
/// How far behind the name a value begins: on the same line and elsewhere.
const NEAR: usize = 128;
const FAR: usize = 384;
/// Where a word such as `value` begins, if there is one.
const WORD: usize = 32;
/// Shortest value of a key and of a password.
const KEY: usize = 16;
const PASSWORD: usize = 8;
/// Shortest run of letters in a key and in a password of letters, which signs may part.
const LETTERS: usize = 20;
const PASSWORD_LETTERS: usize = 8;
/// Words that may stand between a name and its value.
const WORDS: [&[u8]; 8] = [b"string", b"as ", b"to ", b"val", b"nvarchar", b"varchar", b"default", b"or "];

/// Whether the value of a key may follow.
pub(super) fn key(text: &[u8]) -> bool {
    let is_part = |b: u8| b.is_ascii_alphanumeric() || b"+/_.=~-".contains(&b);
    given(text).is_some_and(|rest| (has_digit(rest) && has_run(rest, KEY, is_part)) || has_noise(rest, LETTERS))
}

/// Whether a password may follow.
pub(super) fn password(text: &[u8]) -> bool {
    let is_part = |b: u8| b.is_ascii_graphic() && !b"\"'`\\".contains(&b);
    given(text).is_some_and(|rest| {
        (has_digit(rest) && has_run(rest, PASSWORD, is_part))
            || has_quoted_signs(rest)
            || begins_with_signs(rest)
            || has_noise(rest, PASSWORD_LETTERS)
    })
}

/// What is behind the name, as far as a value may begin there; nothing if none is given.
fn given(text: &[u8]) -> Option<&[u8]> {
    let is_name = |b: &&u8| b.is_ascii_alphanumeric() || b"_.-".contains(b);
    let rest = &text[text.iter().take(NAME).take_while(is_name).count()..];
    let closing = rest.iter().take(CLOSING).take_while(|b| b"\\\"'`])}*".contains(b)).count();
    let quoted = rest[..closing].iter().any(|b| b"\"'`".contains(b));
    let behind = &rest[closing..];
    let space = behind.iter().take(NAME).take_while(|b| b.is_ascii_whitespace()).count();
    let next = *behind.get(space)?;
    let lines = behind[..space].contains(&b'\n');
    let reach = match next {
        b':' | b'=' | b'>' | b'{' => FAR,
        b'<' | b'|' | b'?' | b'!' | b'+' | b'&' | b'(' | b'[' | b'"' | b'\'' | b'`' | b'\\' | b'@' | b'-' => NEAR,
        b',' if quoted => FAR,
        b',' | b';' => begins_word(&behind[space + 1..]).then_some(NEAR)?,
        // `.unwrap_or("...")`
        b'.' if space == 0 && closing > 0 => NEAR,
        _ if space > 0 && begins_word(&behind[space..]) => NEAR,
        _ if quoted && space > 0 => FAR,
        // Options and sentences: `--api-key VALUE`.
        _ if space > 0 && space <= 3 && !lines && is_long(&behind[space..]) => NEAR,
        // Prefixes of literals: `PASSWORD N'...'`.
        _ if space > 0 && !lines && behind[space..].iter().take(4).any(|b| b"\"'`".contains(b)) => NEAR,
        _ => return None,
    };
    Some(&behind[..reach.min(behind.len())])
}

/// Whether a word begins that may be a key: no prose.
fn is_long(text: &[u8]) -> bool {
    text.len() >= KEY && text[..KEY].iter().all(|b| b.is_ascii_alphanumeric() || b"+/_.=~-".contains(b))
}

fn begins_word(text: &[u8]) -> bool {
    let text = &text[..text.len().min(WORD)];
    let text = text.trim_ascii_start();
    let text = text.strip_prefix(b"\"").or(text.strip_prefix(b"'")).unwrap_or(text);
    let begins = |word: &&[u8]| text.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word));
    WORDS.iter().any(begins)
}

fn has_digit(text: &[u8]) -> bool {
    text.chunks(32).any(|chunk| chunk.iter().fold(false, |any, b| any | b.is_ascii_digit()))
}

/// Whether there is a run of at least `shortest` such characters, with digits and letters.
fn has_run(text: &[u8], shortest: usize, is_part: impl Fn(u8) -> bool) -> bool {
    text.split(|b| !is_part(*b)).any(|run| {
        // What goes on behind the text is longer.
        let open = run.as_ptr_range().end == text.as_ptr_range().end;
        (run.len() >= shortest && run.iter().any(u8::is_ascii_digit) && run.iter().any(u8::is_ascii_alphabetic))
            || (open && !run.is_empty())
    })
}

/// Whether there is a run of at least `shortest` letters near by that make no word. A run of that length holds a letter at one of
/// the places that are `shortest` apart, so that only these are looked at.
fn has_noise(text: &[u8], shortest: usize) -> bool {
    let near = &text[..text.len().min(NEAR)];
    let no_letter = |b: &u8| !b.is_ascii_alphabetic();
    let mut at = shortest - 1;
    while let Some(byte) = near.get(at) {
        if no_letter(byte) {
            at += shortest;
            continue;
        }
        let start = near[..at].iter().rposition(no_letter).map_or(0, |before| before + 1);
        let end = near[at..].iter().position(no_letter).map_or(near.len(), |behind| at + behind);
        if end - start >= shortest && is_noise(&near[start..end]) {
            return true;
        }
        at = end + shortest;
    }
    false
}

/// Whether a word of letters of both cases and signs follows an operator.
fn begins_with_signs(text: &[u8]) -> bool {
    let space = text.iter().take_while(|b| b" \t:=>".contains(b)).count();
    let word = &text[space..];
    let length = word.iter().take(NEAR).take_while(|b| b.is_ascii_graphic()).count();
    let word = &word[..length];
    length >= PASSWORD
        && !word.iter().any(|b| b"(){}[]<>;,|\\\"'`".contains(b))
        && word.iter().any(u8::is_ascii_punctuation)
        && word.iter().any(u8::is_ascii_uppercase)
        && word.iter().any(u8::is_ascii_lowercase)
}

/// Whether a quote near by holds letters of both cases and signs, and nothing else: passwords without digits.
fn has_quoted_signs(text: &[u8]) -> bool {
    let near = &text[..text.len().min(NEAR)];
    near.split(|b| b"\"'`".contains(b)).skip(1).any(|quoted| {
        quoted.len() >= PASSWORD
            && !quoted.iter().any(u8::is_ascii_whitespace)
            && quoted.iter().any(u8::is_ascii_punctuation)
            && quoted.iter().any(u8::is_ascii_uppercase)
            && quoted.iter().any(u8::is_ascii_lowercase)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_given_in_most_places() {
        // Made up for this test.
        for text in [
            "s are read",
            ".next()",
            ") -> bool {",
            ", other: &str)",
            " is what it is, 123456 times",
            ": &Token, next: &Token) -> Option<Token2> {",
            " = self.next_token_that_is_there(1);",
            "",
        ] {
            let line = format!("{text}\n}}\n");
            assert!(!key(line.as_bytes()), "{text}");
        }
        for text in ["", "es", " must be given", ".len() > 8", ": String,"] {
            let line = format!("{text}\n}}\n");
            assert!(!password(line.as_bytes()), "{text}");
        }
    }

    #[test]
    fn runs_of_letters_are_found_wherever_they_begin() {
        for before in 0..60 {
            let text = format!("{}zqwjhxkvbtrnmpdlgfcs;", "1".repeat(before));
            assert!(has_noise(text.as_bytes(), 20), "behind {before}");
            assert!(!has_noise(text.as_bytes(), 21), "too short, behind {before}");
            let words = format!("{}ab configuration zqwjhxkvbtrnmpdlgfcs", "-".repeat(before));
            assert!(has_noise(words.as_bytes(), 20), "behind words and {before}");
        }
        assert!(!has_noise(b"", 8));
    }

    #[test]
    fn letters_that_make_no_word_are_looked_at() {
        assert!(key(b" = \"zqwjhxkvbtrnmpdlgfcs\"\n"));
        assert!(!key(b" = \"configurationOfTheStore\"\n"));
        assert!(password(b": zqwjhxkvbtrn\n"));
        assert!(!password(b": configuration\n"));
    }

    #[test]
    fn what_may_be_given_is_looked_at() {
        for text in
            ["_VALUE=k3Jx9QzLmW2vTn8RbYc4", "\"\n  }, \"value\": \"k3Jx9QzLmW2vTn8RbYc4\"", " k3Jx9QzLmW2vTn8RbYc4 "]
        {
            assert!(key(text.as_bytes()), "{text}");
        }
        for text in
            ["=kJ8#mQ2p", ": Prestigioso$\n", " 'b1cycle-Wrench'", "\" value=\"73gTh-lompB\"", ": \"Prestigioso$\""]
        {
            assert!(password(text.as_bytes()), "{text}");
        }
    }
}
