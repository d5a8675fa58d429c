//! Passwords, wherever a pattern has found one: whether it is more than documentation, a variable or a format.

use super::userinfo::percent_decoded;
use super::words::{is_made_up, share};
use super::{Candidate, Verdict};
use crate::model::Level;

/// Shortest password that is worth a word.
const SHORTEST: usize = 3;
/// From this share of words on, a text of letters and separators is an identifier.
const IDENTIFIER: f64 = 0.7;
/// Letters of one case that are shorter are taken for a word.
const SHORT_PHRASE: usize = 12;
/// The same, with digits among the words.
const NUMBERED_IDENTIFIER: f64 = 0.8;

/// No word that documentation and tests use, no format, no variable and no expression.
pub(super) fn run(candidate: &Candidate<'_>) -> Option<Verdict> {
    is_password(&percent_decoded(candidate.secret)).then_some(())?;
    Verdict::new(Level::Pattern, "stands where a password does, and is neither a common one nor a variable")
}

/// The same, but a word is one too: for places that cannot hold a name.
pub(super) fn chosen(candidate: &Candidate<'_>) -> Option<Verdict> {
    is_literal(candidate.secret).then_some(())?;
    Verdict::new(Level::Pattern, "stands where nothing but a password does, and is neither a common one nor a variable")
}

pub(super) fn is_password(text: &[u8]) -> bool {
    is_literal(text) && !is_identifier(text)
}

/// Whether a text is neither a variable or expression nor made of words that documentation and tests use.
fn is_literal(text: &[u8]) -> bool {
    text.len() >= SHORTEST
        && text.is_ascii()
        && !is_constant(text)
        && !is_reference(text)
        && !is_expression(text)
        && !is_made_up(text)
}

/// What formats, templates, shells and programs write instead.
pub(super) fn is_expression(text: &[u8]) -> bool {
    const MARKS: [&str; 22] = [
        "%s", "%d", "%v", "%q", "%r", "%w", "%(", "${", "$(", "{{", "}}", "#{", "<%", "->", "::", "\\(", "\\u", "\\x",
        "$_", "()", "[\"", "['",
    ];
    let holds = |mark: &str| text.windows(mark.len()).any(|at| at == mark.as_bytes());
    let enclosed = [(b'{', b'}'), (b'[', b']'), (b'(', b')'), (b'<', b'>'), (b'%', b'%')]
        .iter()
        .any(|(open, close)| text.first() == Some(open) && text.last() == Some(close));
    enclosed
        || is_joined(text)
        || is_cell(text)
        || MARKS.iter().any(|mark| holds(mark))
        || is_call(text)
        || is_shell_variable(text)
        || is_path(text)
}

/// `Sheet2!$D$5`: where a form in a spreadsheet has the password.
fn is_cell(text: &[u8]) -> bool {
    let Some(at) = text.windows(2).position(|pair| pair == b"!$") else { return false };
    let cell = &text[at + 2..];
    let column = cell.iter().take_while(|b| b.is_ascii_uppercase()).count();
    column > 0 && cell.get(column) == Some(&b'$') && cell.get(column + 1).is_some_and(u8::is_ascii_digit)
}

/// `'+name+'`: what a program puts between two parts of a text.
fn is_joined(text: &[u8]) -> bool {
    match text {
        [quote @ (b'\'' | b'"'), inner @ .., last] if quote == last => {
            matches!(inner.trim_ascii(), [sign @ (b'+' | b'.'), _, .., end] if sign == end)
        }
        // The quotes may be taken for those of the value.
        [b'+', inner @ .., b'+'] => inner.iter().all(|b| b.is_ascii_alphanumeric() || b"_.".contains(b)),
        _ => false,
    }
}

/// `SOME_NAME_2`.
pub(super) fn is_constant(text: &[u8]) -> bool {
    text.contains(&b'_') && text.iter().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || *b == b'_')
}

/// Where a program finds the password, or what it decrypts to get it.
fn is_reference(text: &[u8]) -> bool {
    const SCHEMES: [&str; 17] = [
        "@env:",
        "env:",
        "env.",
        "file:",
        "vault:",
        "secret:",
        "secretref:",
        "ref:",
        "ref+",
        "keychain:",
        "sops:",
        "enc:",
        "enc(",
        "enc[",
        "{cipher}",
        "{aes}",
        "crypt:",
    ];
    let begins = |scheme: &str| text.get(..scheme.len()).is_some_and(|at| at.eq_ignore_ascii_case(scheme.as_bytes()));
    SCHEMES.iter().any(|scheme| begins(scheme))
}

/// `name(...`, `name[...`, with nothing but a name before.
fn is_call(text: &[u8]) -> bool {
    let name = text.iter().take_while(|b| b.is_ascii_alphanumeric() || b"_.$".contains(b)).count();
    name > 0
        && matches!(text.get(name), Some(b'(' | b'['))
        && text[..name].iter().all(|b| b.is_ascii_alphabetic() || b"_.$".contains(b))
}

/// `$NAME`, `$name` and `$name.more`.
fn is_shell_variable(text: &[u8]) -> bool {
    let Some(name) = text.strip_prefix(b"$") else { return false };
    let letters = |upper: bool| {
        name.iter().all(|b| {
            b"_.>-".contains(b) || b.is_ascii_digit() || b.is_ascii_alphabetic() && b.is_ascii_uppercase() == upper
        })
    };
    name.first().is_some_and(u8::is_ascii_alphabetic) && (letters(true) || letters(false) || share(name) >= IDENTIFIER)
}

/// `/etc/name`, `./name`, `C:\name`, `https:`.
fn is_path(text: &[u8]) -> bool {
    let slashes = text.iter().filter(|b| b"/\\".contains(b)).count();
    let begins = [b"/".as_slice(), b"./", b"../", b"~/", b"\\\\"].iter().any(|p| text.starts_with(p));
    (begins && slashes >= 2) || text.get(1..3) == Some(b":\\") || text.windows(3).any(|at| at == b"://")
}

/// A name of a program: words with nothing but separators, perhaps with digits at the end, or what ends a statement.
fn is_identifier(text: &[u8]) -> bool {
    let text = text.iter().rposition(|b| !b");,".contains(b)).map_or(&text[..0], |last| &text[..=last]);
    if text.iter().all(|b| b.is_ascii_alphanumeric() || b"_.-:".contains(b))
        && text.iter().any(|b| b"_.".contains(b))
        && share(text) >= NUMBERED_IDENTIFIER
    {
        return true;
    }
    let stem = text.iter().rposition(|b| !b.is_ascii_digit()).map_or(&text[..0], |last| &text[..=last]);
    let named = stem.iter().all(|b| b.is_ascii_alphabetic() || b"_.-:,".contains(b));
    let separated = stem.iter().any(|b| b"_.".contains(b))
        || stem.windows(2).any(|w| w[0].is_ascii_lowercase() && w[1].is_ascii_uppercase());
    let one_case = !stem.iter().any(u8::is_ascii_lowercase) || !stem.iter().any(u8::is_ascii_uppercase);
    // `BlueTiger42`: names end in one digit.
    let numbered = text.len() - stem.len() >= 2 && stem.iter().all(u8::is_ascii_alphabetic);
    let words = share(stem);
    let lone = one_case && text.len() == stem.len() && (words >= IDENTIFIER || stem.len() < SHORT_PHRASE);
    named && (lone || separated && !numbered && words >= IDENTIFIER / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_pass() {
        for password in [
            "Sommer2023!",
            "kJ8#mQ2p",
            "b1cycle-Wrench",
            "xK9vQ2mL",
            "p4ssfuerDB77",
            "aB3$efGh",
            "$ecretW0rx9",
            "vzqhlrkbnjqxlwht",
            "QwErTzUiOp77",
            "kJ8!$mQ2pV",
        ] {
            assert!(is_password(password.as_bytes()), "{password}");
        }
    }

    #[test]
    fn words_are_passwords_where_nothing_else_can_stand() {
        let judge =
            |text: &str| chosen(&Candidate { secret: text.as_bytes(), whole: text.as_bytes(), groups: &[] }).is_some();
        for word in ["wintergarden", "dragonfly", "sommer-haus", "kJ8#mQ2p"] {
            assert!(judge(word), "{word}");
        }
        for other in ["password", "user_password", "mysecret1", "$PASSWORD", "${pass}", "%s", "<secret>", "vault:a/b"] {
            assert!(!judge(other), "{other}");
        }
    }

    #[test]
    fn what_is_none_does_not() {
        for other in [
            "",
            "ab",
            "password",
            "P@ssw0rd1",
            "%s",
            "%(password)s",
            "${DB_PASSWORD}",
            "$DB_PASSWORD",
            "$password",
            "{{ .Values.password }}",
            "{0}",
            "getPassword()",
            "os.environ['X']",
            "config.password",
            "self.db_password",
            "settings.DB_PASS",
            "newPassword",
            "user_password2",
            "process.env.DB_PASS",
            "/etc/app/password",
            "<password>",
            "[password]",
            "$row['pass']",
            "$this->password",
            "Passwörter1",
            "MYSQL_ROOT_PASSWORD",
            "https://a/b",
            "loginform",
            "WIN32_ERROR",
            "@env:AC_PASSWORD",
            "ENC(k3Jx9QzLmW2v)",
            "vault:secret/data/app#k3Jx",
            "Sheet2!$D$5",
            "GantiDenganPasswordKuat123!",
        ] {
            assert!(!is_password(other.as_bytes()), "{other}");
        }
    }
}
