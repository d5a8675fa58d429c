//! How much a text looks like words: what people and programs make up, as against what a generator of secrets does.

/// Shortest run of letters that counts as a word.
const SHORT_WORD: usize = 4;
/// For each letter those that often follow it in words and names of programs: 160 pairs, five sixths of all pairs there.
const FOLLOWERS: [&[u8]; 26] = [
    b"bcdgilmnprstuvy",
    b"aeloru",
    b"aehikloruty",
    b"aeior",
    b"acdefglmnprstvxw",
    b"aefiloru",
    b"aeirlo",
    b"aeiot",
    b"acdefglmnoprstvz",
    b"aeou",
    b"eisy",
    b"abdeilostuy",
    b"abeiopu",
    b"acdegiostuy",
    b"bcdfklmnoprstuvw",
    b"aehilorstu",
    b"u",
    b"acdeiklmnorstuvy",
    b"acehiklmopstuwy",
    b"aehiorstuy",
    b"bcdegilmnprst",
    b"aeio",
    b"aehior",
    b"pt",
    b"emps",
    b"aeo",
];
/// Least share of such pairs in a word.
const PAIRS: f64 = 0.66;
/// Share of such pairs below which letters are random.
const NOISE: f64 = 0.42;
/// Bytes that are looked at.
const MAX_TEXT: usize = 512;

/// The parts of a name or identifier, in lower case: at separators, at digits, and where `camelCase` has its humps.
pub(crate) fn parts(name: &[u8]) -> Vec<String> {
    let name = &name[..name.len().min(MAX_TEXT)];
    let mut parts: Vec<String> = Vec::new();
    let mut previous = b' ';
    for (index, &byte) in name.iter().enumerate() {
        let next = name.get(index + 1).copied().unwrap_or(b' ');
        let hump = byte.is_ascii_uppercase()
            && (previous.is_ascii_lowercase() || (previous.is_ascii_uppercase() && next.is_ascii_lowercase()));
        let apart = byte.is_ascii_digit() != previous.is_ascii_digit();
        if byte.is_ascii_alphanumeric() {
            match parts.last_mut() {
                Some(part) if previous.is_ascii_alphanumeric() && !hump && !apart => {
                    part.push(char::from(byte.to_ascii_lowercase()));
                }
                _ => parts.push(char::from(byte.to_ascii_lowercase()).to_string()),
            }
        }
        previous = byte;
    }
    parts
}

/// The share of the letters and digits, from 0 to 1, that is in parts which could be words.
pub(super) fn share(text: &[u8]) -> f64 {
    let text = &text[..text.len().min(MAX_TEXT)];
    let words: usize = parts(text).iter().filter(|part| is_wordlike(part)).map(String::len).sum();
    let counted = text.iter().filter(|b| b.is_ascii_alphanumeric()).count();
    words as f64 / counted.max(1) as f64
}

/// How many letters stand behind one that they often follow.
fn common_pairs(letters: &[u8]) -> f64 {
    let follows = |pair: &&[u8]| {
        let index = usize::from(pair[0].to_ascii_lowercase().wrapping_sub(b'a'));
        FOLLOWERS.get(index).is_some_and(|often| often.contains(&pair[1].to_ascii_lowercase()))
    };
    letters.windows(2).filter(follows).count() as f64
}

/// Whether letters follow each other as they do in words.
fn is_wordlike(part: &str) -> bool {
    part.len() >= SHORT_WORD && common_pairs(part.as_bytes()) >= PAIRS * (part.len() - 1) as f64
}

/// Whether letters follow each other as they do in no word of any language that is written with them: less than half as often as
/// in words does a letter stand behind one that it often follows. Of random letters few are more.
pub(super) fn is_noise(letters: &[u8]) -> bool {
    letters.len() >= 2 && common_pairs(letters) < NOISE * (letters.len() - 1) as f64
}

/// Words of which passwords in documentation, tests and defaults are made.
const COMMON: [&str; 129] = [
    "a",
    "abc",
    "access",
    "account",
    "admin",
    "administrator",
    "airflow",
    "alice",
    "amqp",
    "and",
    "anonymous",
    "any",
    "app",
    "auth",
    "bad",
    "bar",
    "baz",
    "bob",
    "cisco",
    "change",
    "client",
    "complex",
    "correct",
    "credentials",
    "current",
    "database",
    "db",
    "default",
    "demo",
    "dev",
    "django",
    "docker",
    "does",
    "dummy",
    "elastic",
    "empty",
    "example",
    "fake",
    "flask",
    "foo",
    "for",
    "ftp",
    "good",
    "grafana",
    "guest",
    "here",
    "horse",
    "host",
    "hunter",
    "i",
    "in",
    "incorrect",
    "initial",
    "insecure",
    "invalid",
    "is",
    "it",
    "jane",
    "john",
    "kafka",
    "key",
    "keycloak",
    "laravel",
    "ldap",
    "let",
    "local",
    "login",
    "long",
    "main",
    "manager",
    "mariadb",
    "master",
    "me",
    "minio",
    "mock",
    "mongo",
    "mongodb",
    "must",
    "my",
    "mysql",
    "neo",
    "new",
    "no",
    "not",
    "null",
    "of",
    "old",
    "oracle",
    "pass",
    "passphrase",
    "passwd",
    "password",
    "passwort",
    "pg",
    "please",
    "postgres",
    "postgresql",
    "prod",
    "public",
    "pw",
    "pwd",
    "qwerty",
    "rabbitmq",
    "random",
    "redis",
    "root",
    "s",
    "sa",
    "same",
    "sample",
    "secret",
    "secure",
    "service",
    "sftp",
    "short",
    "some",
    "string",
    "strong",
    "super",
    "system",
    "temp",
    "test",
    "testing",
    "the",
    "this",
    "token",
    "very",
    "weak",
    "welcome",
];
/// More of them.
const COMMON_TOO: [&str; 53] = [
    "battery",
    "staple",
    "user",
    "username",
    "users",
    "valid",
    "value",
    "wordpress",
    "wrong",
    "x",
    "xyz",
    "your",
    "asdf",
    "zxcv",
    "tester",
    "tests",
    "trustno",
    "iloveyou",
    "monkey",
    "letmein",
    "changeme",
    "foobar",
    "supersecret",
    "mypassword",
    "secretkey",
    "topsecret",
    "testpassword",
    "scott",
    "tiger",
    "option",
    "only",
    "never",
    "use",
    "production",
    "psw",
    "ganti",
    "dengan",
    "kuat",
    "sandi",
    "troque",
    "sua",
    "senha",
    "cambiar",
    "cambiame",
    "cambia",
    "clave",
    "contrasena",
    "changez",
    "changer",
    "motdepasse",
    "aendern",
    "bitte",
    "val",
];
/// Longest text that can be made of such words.
const MAX_MADE_UP: usize = 48;

/// Whether a password is nothing but such words, digits and signs, also as `P@ssw0rd!`.
pub(super) fn is_made_up(password: &[u8]) -> bool {
    if password.len() > MAX_MADE_UP {
        return false;
    }
    let letters = |translate: bool| -> Vec<u8> {
        let trimmed = password.trim_ascii();
        let end = trimmed.iter().rposition(u8::is_ascii_alphabetic).map_or(0, |last| last + 1);
        // Digits at the end count up (`secret123`); inside they stand for letters (`s3cret`).
        trimmed[..end].iter().filter_map(|b| letter(*b, translate)).collect()
    };
    [true, false].into_iter().any(|translate| is_composed(&letters(translate)))
}

/// The letter that a character is, or stands for.
fn letter(byte: u8, translate: bool) -> Option<u8> {
    match byte {
        _ if byte.is_ascii_alphabetic() => Some(byte.to_ascii_lowercase()),
        b'@' | b'4' if translate => Some(b'a'),
        b'$' | b'5' if translate => Some(b's'),
        b'0' if translate => Some(b'o'),
        b'1' | b'!' | b'|' if translate => Some(b'i'),
        b'3' if translate => Some(b'e'),
        b'7' if translate => Some(b't'),
        _ => None,
    }
}

/// Whether the letters can be cut into common words.
fn is_composed(letters: &[u8]) -> bool {
    let mut reachable = vec![false; letters.len() + 1];
    reachable[0] = true;
    for start in 0..letters.len() {
        if reachable[start] {
            for word in COMMON.iter().chain(&COMMON_TOO) {
                if letters[start..].starts_with(word.as_bytes()) {
                    reachable[start + word.len()] = true;
                }
            }
        }
    }
    reachable[letters.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_cut_at_separators_digits_and_humps() {
        for (name, want) in [
            ("DB_PASSWORD", vec!["db", "password"]),
            ("csrfToken", vec!["csrf", "token"]),
            ("parseHTTPToken2", vec!["parse", "http", "token", "2"]),
            ("x-api.key", vec!["x", "api", "key"]),
            ("", vec![]),
            ("__", vec![]),
        ] {
            assert_eq!(parts(name.as_bytes()), want, "{name}");
        }
    }

    #[test]
    fn random_letters_are_no_words_of_any_language() {
        for noise in ["zqwjhxkvbtrn", "ZqWjHxKvBtRnMpDl", "vzqhlrkbnjqxlwht"] {
            assert!(is_noise(noise.as_bytes()), "{noise}");
        }
        for words in [
            "configuration",
            "wachtwoordvergeten",
            "NSLocalizedStringFromTable",
            "przykladowehaslo",
            "getXMLHttpRequest",
            "",
        ] {
            assert!(!is_noise(words.as_bytes()), "{words}");
        }
    }

    #[test]
    fn words_are_told_from_random_text() {
        for words in
            ["getAccessTokenFromStore2", "authentication_token_v2", "some-kebab-case-name-1", "REACT_APP_TITLE_2"]
        {
            assert!(share(words.as_bytes()) >= 0.5, "{words}");
        }
        // None of these was ever a credential.
        for random in ["k3Jx9QzLmW2vTn8RbYc4", "9f86d081884c7d659a2feaa0c55ad015", "Zq7-Lw0_pXc93nVb-21kDs"] {
            assert!(share(random.as_bytes()) < 0.5, "{random}");
        }
    }

    #[test]
    fn made_up_passwords_are_composed_of_common_words() {
        for made_up in [
            "password",
            "P@ssw0rd!",
            "secret123",
            "s3cr3t",
            "mySuperSecretPassword1",
            "test1234",
            "12345678",
            "",
            "changeme",
            "correcthorsebatterystaple",
            "user:pass",
            "invalid-password",
            "hunter2",
        ] {
            assert!(is_made_up(made_up.as_bytes()), "{made_up}");
        }
        for real in ["Sommer2023!", "tr0ub4dor&3", "kJ8#mQ2p", "b1cycle-Wrench"] {
            assert!(!is_made_up(real.as_bytes()), "{real}");
        }
        assert!(!is_made_up(&[b'a'; 200]));
    }
}
