//! Values that are assigned to names such as `api_key` or `password`: secrets, or the things that programs, forms and
//! translations write there.
//!
//! Patterns cannot count kinds of characters or cut a name into words, so both is done here. The pattern of such a rule
//! has a group `name` for the name, and goes on for one character behind the secret, so that a quoted value is told from
//! one that is not.

use super::names::{names_key, names_password};
use super::password::{is_expression, is_password};
use super::words::{parts, share};
use super::{Candidate, Verdict};
use crate::entropy::shannon;
use crate::model::Level;
use data_encoding::BASE64;
use zeroize::Zeroizing;

/// Shortest value of a key that is quoted, and that is not.
const SHORTEST_KEY: (usize, usize) = (16, 20);
/// Shortest value of hexadecimal digits: what is shorter names things more often than it guards them.
const SHORTEST_HEX: usize = 24;
/// Shortest value that is none of prose, if it is random.
const LONG_KEY: usize = 32;
/// Longest value of a key; what is longer is data.
const LONGEST_KEY: usize = 256;
/// Least entropy of a key's value in bits a byte: that of 32 random hexadecimal digits is 3.0 or more.
const KEY_ENTROPY: f64 = 3.0;
/// From this share of words on, a value is a name or a phrase.
const WORDS: f64 = 0.5;
/// Least share of changes between kinds of characters.
const CHANGES: f64 = 0.15;
/// Shortest and longest value of a password.
const PASSWORD: std::ops::RangeInclusive<usize> = 8..=64;

/// A key or token.
pub(super) fn key(candidate: &Candidate<'_>) -> Option<Verdict> {
    let place = Place::of(candidate)?;
    (names_key(place.name)
        && place.holds(candidate.secret)
        && !place.is_prose(candidate.secret)
        && is_key(candidate.secret, place.quoted))
    .then_some(())?;
    Verdict::new(
        Level::Pattern,
        format!("is assigned to a name that says so, and is random: {:.1} bits a byte", shannon(candidate.secret)),
    )
}

/// A password.
pub(super) fn password(candidate: &Candidate<'_>) -> Option<Verdict> {
    let place = Place::of(candidate)?;
    (names_password(place.name)
        && place.holds(candidate.secret)
        && !place.is_prose(candidate.secret)
        && is_assigned_password(candidate.secret, place.quoted))
    .then_some(())?;
    Verdict::new(Level::Pattern, "is assigned to a name that says so, and is neither a common password nor a variable")
}

/// A key, a token or a password.
pub(super) fn secret(candidate: &Candidate<'_>) -> Option<Verdict> {
    key(candidate).or_else(|| password(candidate))
}

/// Where the value stands.
pub(super) struct Place<'a> {
    pub(super) name: &'a [u8],
    quoted: bool,
    /// What stands between the name and the value.
    between: &'a [u8],
    /// The byte behind the value, if any.
    after: Option<u8>,
    /// Whether something stands before the name that says that it is one, such as `Authorization:`.
    led: bool,
}

impl<'a> Place<'a> {
    pub(super) fn of(candidate: &Candidate<'a>) -> Option<Self> {
        let (_, name) = candidate.groups.iter().find(|(group, _)| *group == "name")?;
        let (whole, secret) = (candidate.whole, candidate.secret);
        if let Some(place) = Self::before_name(name, whole, secret) {
            return Some(place);
        }
        let behind = (0..=1).find(|n| whole.len().checked_sub(*n).is_some_and(|end| whole[..end].ends_with(secret)))?;
        let until = whole.len() - behind - secret.len();
        let start = memchr::memmem::find(&whole[..until], name)? + name.len();
        let between = &whole[start..until];
        let after = (behind == 1).then(|| whole[whole.len() - 1]);
        let quote = between.last().copied().filter(|b| b"\"'`".contains(b));
        let quoted = quote.is_some() && (after == quote || after == Some(b'\\'));
        Some(Self { name, quoted, between, after, led: start > name.len() + 1 })
    }

    /// `value="..." key="name"`: the value stands in quotes, and then its name does.
    fn before_name(name: &'a [u8], whole: &'a [u8], secret: &[u8]) -> Option<Self> {
        let (start, at) = (address(secret, whole)?, address(name, whole)?);
        let quote = start.checked_sub(1).and_then(|before| whole.get(before..start))?;
        (start + secret.len() < at).then_some(Self {
            name,
            quoted: b"\"'".contains(&quote[0]),
            between: b"=",
            after: quote.first().copied(),
            led: false,
        })
    }

    /// Whether the value is a literal that is given to the name, and not compared with it, passed beside it or its own
    /// name.
    pub(super) fn holds(&self, value: &[u8]) -> bool {
        let names = parts(self.name);
        // `put("apiKey", "...")` gives a value, `matches("password", "...")` does not.
        let beside =
            self.between.contains(&b',') && names.len() < 2 && !self.says_value() && names != ["authorization"];
        let named_itself = value.eq_ignore_ascii_case(self.name);
        // `--- PASS: TestName`.
        let verdict = self.name == b"PASS" && self.between.starts_with(b":");
        // `findByToken("...")`: what is asked for is no secret that the program has.
        let asks = self.between.starts_with(b"(") && names.first().is_some_and(|verb| ASKING.contains(&verb.as_str()));
        !named_itself && !verdict && !asks && if self.quoted { !beside } else { self.is_plain(value) }
    }

    /// Whether the value only follows the name, as in prose: `to pass "-Dx=y"`, `IDENTIFIED BY PASSWORD '38366FDA01695B6A'`.
    /// Behind options that is how they are given.
    fn is_prose(&self, value: &[u8]) -> bool {
        let given = self.between.iter().any(|b| b":=<>,(){}[]|?".contains(b)) || self.led;
        if given {
            return false;
        }
        if self.name.first().is_some_and(|b| b"-/".contains(b)) {
            // `--change-token 12cs345-67cd-890b-1cd2-c3a4567d89f1` names something.
            return value.split(|b| *b == b'-').filter(|group| (4..=12).contains(&group.len())).count() >= 4;
        }
        let hex = value.iter().all(u8::is_ascii_hexdigit);
        if self.quoted {
            return self.name.eq_ignore_ascii_case(b"pass")
                || self.after == Some(b'`')
                || (hex && !self.name.contains(&b'_'));
        }
        // Commits and checksums stand in lists behind names.
        value.len() < LONG_KEY
            || !value.iter().all(u8::is_ascii_alphanumeric)
            || (hex && [40, 64].contains(&value.len()))
    }

    /// Whether a value without quotes ends as one does.
    fn is_plain(&self, value: &[u8]) -> bool {
        let compared = self.between.windows(2).any(|pair| pair == b"==");
        let shell = self.between == b"=" && !self.name.iter().any(u8::is_ascii_lowercase);
        // A backslash begins an escaped line break or quote.
        let ends = self.after.is_none_or(|b| match b {
            b'}' => self.between.ends_with(b":-") || self.between.ends_with(b":="),
            b']' => self.between.ends_with(b"["),
            b';' => shell,
            b',' => self.between == b"=" && self.name.iter().any(|b| b".-".contains(b)),
            _ => b.is_ascii_whitespace() || b"\"'`<&\\\0".contains(&b),
        });
        // `Password for the store: tool: done`.
        let label = value.ends_with(b":");
        ends && !compared && !label && !is_qualified(value)
    }

    /// Whether a word such as `value` says that the value follows.
    fn says_value(&self) -> bool {
        let lower = self.between.to_ascii_lowercase();
        [b"value".as_slice(), b"val\"", b"val:", b"default"]
            .iter()
            .any(|word| memchr::memmem::find(&lower, word).is_some())
    }
}

/// Where a part of a text stands in it.
fn address(part: &[u8], whole: &[u8]) -> Option<usize> {
    let at = (part.as_ptr() as usize).checked_sub(whole.as_ptr() as usize)?;
    (at + part.len() <= whole.len()).then_some(at)
}

/// Verbs with which functions begin that are given a secret to look for, to judge or to change.
const ASKING: [&str; 23] = [
    "get",
    "find",
    "fetch",
    "has",
    "is",
    "by",
    "check",
    "verify",
    "validate",
    "match",
    "matches",
    "hash",
    "encode",
    "decode",
    "encrypt",
    "decrypt",
    "parse",
    "test",
    "expect",
    "assert",
    "should",
    "split",
    "splitpasswd",
];

/// `module.Name`.
fn is_qualified(value: &[u8]) -> bool {
    let mut parts = value.split(|b| *b == b'.');
    let module = parts.next().unwrap_or_default();
    parts.next().is_some()
        && module.first().is_some_and(|b| b.is_ascii_lowercase() || *b == b'_')
        && module.iter().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'_')
}

/// Values that RFCs and manuals publish, so often repeated that they are in every installation.
const PUBLISHED: [&str; 15] = [
    // RFC 5849 (OAuth 1.0)
    "kkk9d7dh3k39sjv7",
    "ad180jjd733klru7",
    "hdhd0244k9j7ao03",
    "hh5s93j4hdidpola",
    "nnch734d00sl2jdk",
    "pfkkdhi9sl3r7s00",
    "j49sk3j29djd",
    // RFC 6749, RFC 6750 and RFC 7662 (OAuth 2.0)
    "2YotnFZFEjr1zCsicMWpAA",
    "tGzv3JOkF0XG5Qx2TlKWIA",
    "7Fjfp0ZBr1KtDRbnfVdmIw",
    "mF_9.B5f-4.1JqM",
    "8xLOxBtZp8",
    // Manuals of OAuth libraries
    "sdf0o9823sjdfsdf",
    "2kjshdfp92i34asdasd",
    // Manuals of one-time passwords
    "JBSWY3DPEHPK3PXP",
];

fn is_key(value: &[u8], quoted: bool) -> bool {
    let shortest = if quoted { SHORTEST_KEY.0 } else { SHORTEST_KEY.1 };
    let body = value.strip_suffix(b"==").or(value.strip_suffix(b"=")).unwrap_or(value);
    (shortest..=LONGEST_KEY).contains(&value.len())
        && !body.contains(&b'=')
        && (value.len() >= SHORTEST_HEX || !value.iter().all(u8::is_ascii_hexdigit))
        && !is_known_form(value)
        && is_random_shape(body)
        && shannon(value) >= KEY_ENTROPY
}

/// UUIDs, hashes with their name, JSON Web Tokens, data, paths, versions and names of hosts and files.
pub(super) fn is_known_form(value: &[u8]) -> bool {
    const PREFIXES: [&str; 13] =
        ["sha1-", "sha256-", "sha384-", "sha512-", "md5-", "eyJ", "data:", "http", "www.", "arn:", "/", "./", "../"];
    let slashes = value.iter().filter(|b| **b == b'/').count();
    let dotted: Vec<&[u8]> = value.split(|b| *b == b'.').collect();
    PREFIXES.iter().any(|prefix| value.starts_with(prefix.as_bytes()))
        || names_algorithm(value)
        || PUBLISHED.iter().any(|known| value.starts_with(known.as_bytes()))
        || is_uuid(value)
        || is_expression(value)
        || slashes > 1 + value.len() / 16
        || dotted.len() > 3
        || (dotted.len() > 1 && dotted.last().is_some_and(|last| last.len() < 10))
}

/// `scram-sha-256`, `aes-256-gcm` and the like.
fn names_algorithm(value: &[u8]) -> bool {
    const NAMES: [&str; 10] =
        ["sha1", "sha-1", "sha256", "sha-256", "sha512", "sha-512", "md5", "aes-", "aes1", "aes2"];
    let lower = value.to_ascii_lowercase();
    value.len() < 24 && NAMES.iter().any(|name| lower.windows(name.len()).any(|at| at == name.as_bytes()))
}

/// A UUID, also behind a prefix such as `token-`.
pub(super) fn is_uuid(value: &[u8]) -> bool {
    let value = &value[value.len().saturating_sub(36)..];
    let lengths = value.split(|b| *b == b'-').map(<[u8]>::len);
    value.len() == 36 && lengths.eq([8, 4, 4, 4, 12]) && value.iter().all(|b| b.is_ascii_hexdigit() || *b == b'-')
}

/// Letters and digits, in no order, and no words.
pub(super) fn is_random_shape(value: &[u8]) -> bool {
    has_secret_shape(value) && share(value) < WORDS
}

/// Letters and digits, in no order.
fn has_secret_shape(value: &[u8]) -> bool {
    let count = |is: fn(&u8) -> bool| value.iter().filter(|b| is(b)).count();
    let (digits, letters) = (count(u8::is_ascii_digit), count(u8::is_ascii_alphabetic));
    let others = value.len() - digits - letters;
    digits > 0
        && letters > 0
        && digits * 8 <= value.len() * 7
        && others * 5 <= value.len()
        && changes(value) as f64 >= CHANGES * value.len() as f64
}

/// How often the kind of character changes, not counting a capital before small letters.
fn changes(value: &[u8]) -> usize {
    let kind = |b: u8| match b {
        b'a'..=b'z' => 0,
        b'A'..=b'Z' => 1,
        b'0'..=b'9' => 2,
        _ => 3,
    };
    value.windows(2).filter(|pair| kind(pair[0]) != kind(pair[1]) && (kind(pair[0]), kind(pair[1])) != (1, 0)).count()
}

fn is_assigned_password(value: &[u8], quoted: bool) -> bool {
    let kinds = [u8::is_ascii_lowercase, u8::is_ascii_uppercase, u8::is_ascii_digit, u8::is_ascii_punctuation]
        .iter()
        .filter(|is| value.iter().any(is))
        .count();
    let digits = value.iter().filter(|b| b.is_ascii_digit()).count();
    let letters = value.iter().any(u8::is_ascii_alphabetic);
    // Signs that neither prose nor names have.
    let signs = quoted && value.iter().any(|b| b"#$&*@^~+=".contains(b));
    let begins = value.first().is_some_and(|b| b.is_ascii_alphanumeric() || (quoted && b"!#*+-?@^_~".contains(b)));
    let code = |b: &u8| b"(){}[]<>;,|\\".contains(b);
    PASSWORD.contains(&value.len())
        && begins
        && letters
        && (kinds >= 3 || (digits >= 2 && share(value) < WORDS))
        && (digits > 0 || signs || share(value) < WORDS)
        && !value.iter().any(|b| code(b) && (!quoted || b"\\;{}|".contains(b)))
        && !(value.contains(&b'&') && value.contains(&b'='))
        && !is_known_form(value)
        && is_password(value)
        && !is_encoded_word(value)
}

/// base64 of a common password, as manifests of Kubernetes have it.
fn is_encoded_word(value: &[u8]) -> bool {
    let decoded = BASE64.decode(value).map(Zeroizing::new);
    decoded.is_ok_and(|text| text.iter().all(u8::is_ascii_graphic) && !is_password(&text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(run: fn(&Candidate<'_>) -> Option<Verdict>, name: &str, between: &str, secret: &str, after: &str) -> bool {
        let whole = format!("{name}{between}{secret}{after}");
        let start = name.len() + between.len();
        let groups = [("name", name.as_bytes())];
        run(&Candidate {
            secret: &whole.as_bytes()[start..start + secret.len()],
            whole: whole.as_bytes(),
            groups: &groups,
        })
        .is_some()
    }

    #[test]
    fn names_say_whether_the_value_is_secret() {
        for name in [
            "API_KEY",
            "clientSecret",
            "x-api-key",
            "auth_token",
            "SECRET_KEY_2",
            "app.credentials",
            "accessToken",
            "JWT_SIGNING_KEY",
            "tokenProd",
        ] {
            assert!(names_key(name.as_bytes()), "{name}");
        }
        for name in [
            "csrf_token",
            "authenticity_token",
            "PUBLIC_API_KEY",
            "token_url",
            "secret_name",
            "tokenizer",
            "key",
            "primary_key",
            "keyboard",
            "token_hash",
            "nextPageToken",
            "",
            "secretId",
            "tokenType",
            "apiKeyName",
            "commit_token_sha",
        ] {
            assert!(!names_key(name.as_bytes()), "{name}");
        }
        for name in
            ["password", "DB_PASSWD", "adminPassword", "rootpassword", "smtp.pass", "dbPass", "PASSWORD_PROD", "dbPwd"]
        {
            assert!(names_password(name.as_bytes()), "{name}");
        }
        for name in [
            "password_hash",
            "passwordField",
            "bypass",
            "compass",
            "password_reset_url",
            "encrypted_password",
            "passport",
            "PASSWORD_MIN_LENGTH",
        ] {
            assert!(!names_password(name.as_bytes()), "{name}");
        }
    }

    #[test]
    fn keys_are_random_literals() {
        // Made up for this test.
        for value in [
            "k3Jx9QzLmW2vTn8RbYc4",
            "9f86d081884c7d659a2feaa0c55ad015",
            "Zq7-Lw0_pXc93nVb-21kDs",
            "q8Rf+2kLw/9ZbT0xYc4mNg==",
        ] {
            assert!(judge(key, "api_key", " = \"", value, "\""), "{value}");
            assert!(judge(key, "API_KEY", "=", value, "\n"), "{value}");
            assert!(!judge(key, "api_key", " = ", value, ";"), "a program, not a literal: {value}");
            assert!(!judge(key, "csrf_token", "=\"", value, "\""), "{value}");
            assert!(!judge(key, "API_KEY", " = ", &format!("module2.{value}"), "\n"), "{value}");
            assert!(judge(key, "API_KEY", "', '", value, "'"), "{value}");
            assert!(!judge(key, "token", "', '", value, "'"), "beside: {value}");
            assert!(!judge(key, "api_key", " == ", value, " "), "compared with a variable: {value}");
        }
        for value in [
            "getAccessTokenFromStore2",
            "authentication_token_v2",
            "3fa85f64-5717-4562-b3fc-2c963f66afa6",
            "sha512-Zq7Lw0pXc93nVb21kDsk3Jx9QzLmW2vTn8RbYc4==",
            "token.actions.example2.com",
            "/run/secrets/api_key_2",
            "20240101120000000000",
            "abcdefghijklmnopqrst",
            "package-name-1.2.3.tgz",
            "AAAAAAAAAAAAAAAAAAAAAAAA1",
            "lib/services/auth/tokens2/index",
            "a1b2",
            "application/x-www-form-urlencoded2",
        ] {
            assert!(!judge(key, "api_key", " = \"", value, "\""), "{value}");
        }
    }

    #[test]
    fn passwords_are_literals_that_are_not_words() {
        assert!(judge(password, "password", ": '", "Prestigioso$", "'"));
        assert!(!judge(password, "Password", ": ", "Prestigioso$", " "), "prose");
        for value in ["Sommer2023!", "kJ8#mQ2p", "xK9vQ2mL", "b1cycle-Wrench", "73gTh-lompB"] {
            assert!(judge(password, "db_password", ": \"", value, "\""), "{value}");
            assert!(judge(password, "PASSWORD", "=", value, "\n"), "{value}");
        }
        for value in [
            "password",
            "P@ssw0rd1",
            "String",
            "Passwort",
            "required",
            "newPassword2",
            "config.password",
            "getPassword()",
            "${DB_PASS}",
            "/etc/passwd2/x",
            "abc12",
            "min:8|max:64",
            "secret123",
            "user_password_1",
            "Kennwort",
            "%(password)s1",
            "scram-sha-256",
            "cGFzc3dvcmQ=",
            "data1_plaintext_b",
        ] {
            assert!(!judge(password, "password", " = '", value, "'"), "{value}");
        }
    }

    #[test]
    fn random_keys_pass_nearly_always() {
        let mut state = 7_u64;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as usize
        };
        for (alphabet, length, most) in [
            (b"0123456789abcdef".as_slice(), 32, 20),
            (b"0123456789abcdefghijklmnopqrstuvwxyz", 32, 40),
            (b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", 24, 60),
            (b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", 43, 20),
        ] {
            let lost = (0..2_000)
                .filter(|_| {
                    let value: Vec<u8> = (0..length).map(|_| alphabet[next() % alphabet.len()]).collect();
                    !is_key(&value, true)
                })
                .count();
            assert!(lost <= most, "{lost} of 2000 of {length} characters out of {}", alphabet.len());
        }
    }
}
