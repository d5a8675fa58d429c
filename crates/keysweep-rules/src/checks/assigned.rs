//! Values that are assigned to names such as `api_key` or `password`: secrets, or the things that programs, forms and
//! translations write there.
//!
//! Patterns cannot count kinds of characters or cut a name into words, so both is done here. The pattern of such a rule
//! has a group `name` for the name, and goes on for one character behind the secret, so that a quoted value is told from
//! one that is not.

use super::names::{names_key, names_password};
use super::password::is_constant;
use super::values::{
    LONGEST_KEY, PASSWORD, SHORTEST_HEX, is_assigned_password, is_encoded_key, is_key, is_letter_key,
    is_letter_password, is_mixed_password, is_random_password, is_random_uuid, is_short_hex, is_short_secret,
    is_strong_password, looks_random,
};
use super::words::{parts, share};
use super::{Candidate, Verdict};
use crate::entropy::shannon;
use crate::model::Level;
use zeroize::Zeroizing;

/// Shortest value that is none of prose, if it is random.
const LONG_KEY: usize = 32;
/// Longest value of a key that a header carries.
const LONGEST_HEADER: usize = 1_400;
/// Shortest value of hexadecimal digits behind a name that says `api key`.
const SHORTEST_API_HEX: usize = 20;
/// The same behind a name that says what it guards.
const SHORTEST_GUARDED_HEX: usize = 16;

/// Whether a name of a kind is given a value, outside of prose, that is one of what `has` says.
fn given<'a>(candidate: &Candidate<'a>, names: fn(&[u8]) -> bool, has: fn(&Place<'a>, &[u8]) -> bool) -> Option<()> {
    let place = Place::of(candidate)?;
    let plain = unescaped(candidate.secret);
    let value = plain.as_deref().map_or(candidate.secret, Vec::as_slice);
    (names(place.name) && place.holds(value) && !place.is_prose(value) && has(&place, value)).then_some(())
}

/// A value with entities of markup in it, as it is meant.
fn unescaped(value: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    const ENTITIES: [(&str, u8); 9] = [
        ("&lt;", b'<'),
        ("&gt;", b'>'),
        ("&amp;", b'&'),
        ("&quot;", b'"'),
        ("&apos;", b'\''),
        ("&#34;", b'"'),
        ("&#38;", b'&'),
        ("&#39;", b'\''),
        ("&#60;", b'<'),
    ];
    if !(value.contains(&b'&') && value.contains(&b';')) {
        return None;
    }
    let mut plain = Zeroizing::new(Vec::with_capacity(value.len()));
    let mut rest = value;
    while let Some(first) = rest.first() {
        let entity = ENTITIES.iter().find(|(entity, _)| rest.starts_with(entity.as_bytes()));
        let (byte, len) = entity.map_or((*first, 1), |(entity, byte)| (*byte, entity.len()));
        plain.push(byte);
        rest = &rest[len..];
    }
    (plain.len() < value.len()).then_some(plain)
}

/// A key or token.
pub(super) fn key(candidate: &Candidate<'_>) -> Option<Verdict> {
    given(candidate, names_key, Place::has_key)?;
    Verdict::new(
        Level::Pattern,
        format!("is assigned to a name that says so, and is random: {:.1} bits a byte", shannon(candidate.secret)),
    )
}

/// A password.
pub(super) fn password(candidate: &Candidate<'_>) -> Option<Verdict> {
    given(candidate, names_password, Place::has_password)?;
    Verdict::new(Level::Pattern, "is assigned to a name that says so, and is neither a common password nor a variable")
}

/// A key, a token or a password.
pub(super) fn secret(candidate: &Candidate<'_>) -> Option<Verdict> {
    key(candidate).or_else(|| password(candidate))
}

/// A secret that a name with `secret` in it is given, and that looks like a password: shorter than a key, or with signs.
pub(super) fn short_secret(candidate: &Candidate<'_>) -> Option<Verdict> {
    given(candidate, names_key, |_, value| is_random_password(value) || is_short_secret(value))?;
    Verdict::new(Level::Pattern, "is assigned to a name that says so, and is made of characters of several kinds")
}

/// A key or password by its looks alone, where the place leaves no doubt that it is one.
pub(super) fn random_secret(candidate: &Candidate<'_>) -> Option<Verdict> {
    let value = candidate.secret;
    looks_random(value).then_some(())?;
    Verdict::new(Level::Pattern, "stands where a secret does, and is random or of several kinds of characters")
}

/// A password of letters, digits and signs, though there be a word in it, or a random one.
pub(super) fn mixed_password(candidate: &Candidate<'_>) -> Option<Verdict> {
    is_mixed_password(candidate.secret).then_some(())?;
    Verdict::new(Level::Pattern, "stands where a password does, and is random or of letters, digits and signs")
}

/// Where the value stands.
pub(super) struct Place<'a> {
    pub(super) name: &'a [u8],
    quoted: bool,
    /// What stands between the name and the value.
    between: &'a [u8],
    /// The byte before the name, if the pattern has one.
    before: Option<u8>,
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
        let before = start.checked_sub(name.len() + 1).map(|at| whole[at]);
        Some(Self { name, quoted, between, before, after, led: start > name.len() + 1 })
    }

    /// `value="..." key="name"`: the value stands in quotes, and then its name does.
    fn before_name(name: &'a [u8], whole: &'a [u8], secret: &[u8]) -> Option<Self> {
        let (start, at) = (address(secret, whole)?, address(name, whole)?);
        let quote = start.checked_sub(1).and_then(|before| whole.get(before..start))?;
        (start + secret.len() < at).then_some(Self {
            name,
            quoted: b"\"'".contains(&quote[0]),
            between: b"=",
            before: None,
            after: quote.first().copied(),
            led: false,
        })
    }

    /// Whether the value is a literal that is given to the name, and not compared with it, passed beside it or its own
    /// name.
    pub(super) fn holds(&self, value: &[u8]) -> bool {
        let names = parts(self.name);
        // `put("apiKey", "...")` gives a value, `matches("password", "...")` does not.
        let words = names.iter().filter(|part| !part.bytes().all(|b| b.is_ascii_digit())).count();
        // `["userPassword", "user2Token"]` is a list of names.
        let named = || names_key(value) || names_password(value);
        let alone = words < 2 && !(names_password(self.name) && is_strong_password(value));
        let beside = self.between.contains(&b',')
            && !self.says_value()
            && (alone || named() || is_derived_name(value))
            && names != ["authorization"];
        let named_itself = value.eq_ignore_ascii_case(self.name);
        // `--- PASS: TestName`.
        let verdict = self.name == b"PASS" && self.between.starts_with(b":");
        // `findByToken("...")`: what is asked for is no secret that the program has.
        let called = parts(self.name.rsplit(|b| *b == b'.').next().unwrap_or_default());
        let is_asking = |names: &[String]| names.first().is_some_and(|verb| ASKING.contains(&verb.as_str()));
        let asks = self.between.starts_with(b"(") && (is_asking(&names) || is_asking(&called));
        // `password->digest`.
        let arrow = self.name.ends_with(b"-") && self.between.starts_with(b">");
        // `(list "auth.password") "skipB64enc"`: another argument; `user:password :8080/path`: another one of a command.
        // `checksum/secret: 3f9a...`, as charts of Helm have it.
        let hex = value.iter().all(u8::is_ascii_hexdigit) && [32, 40, 64, 128].contains(&value.len());
        let checksum = self.before == Some(b'/') && hex;
        let argument = self.between.contains(&b')') && self.between.iter().all(|b| b"\"'`) ".contains(b));
        let apart = argument || self.between == b" :" || value.starts_with(b"--") || is_empty_variable(value);
        !named_itself
            && !verdict
            && !asks
            && !arrow
            && !apart
            && !checksum
            && if self.quoted { !beside } else { self.is_plain(value) }
    }

    /// Whether the value is a key, as far as the name says which.
    fn has_key(&self, value: &[u8]) -> bool {
        let header = [b"authorization".as_slice(), b"bearer"].iter().any(|name| self.name.eq_ignore_ascii_case(name));
        let longest = if header { LONGEST_HEADER } else { LONGEST_KEY };
        let names = parts(self.name).concat();
        // Which commit it is, nobody calls `api key`.
        let api = ["apikey", "apisecret", "apitoken"].iter().any(|name| names.contains(name));
        let shortest_hex = if guards(&names) { SHORTEST_GUARDED_HEX } else { SHORTEST_API_HEX };
        is_key(value, self.quoted || self.is_variable(value), longest)
            || ((api || guards(&names)) && (shortest_hex..SHORTEST_HEX).contains(&value.len()) && is_short_hex(value))
            || (names_uuid_key(&names) && is_random_uuid(value))
            || is_letter_key(value, self.quoted)
    }

    /// Whether it is `NAME=value` on a line of its own, as files of environment variables have it, with letters and digits only.
    fn is_variable(&self, value: &[u8]) -> bool {
        self.between == b"="
            && is_constant(self.name)
            && self.after.is_none_or(|b| b.is_ascii_whitespace())
            && value.iter().all(u8::is_ascii_alphanumeric)
            && share(value) == 0.0
    }

    /// Whether the value is a password.
    fn has_password(&self, value: &[u8]) -> bool {
        let shell = self.between == b"=" || self.between == b": ";
        is_assigned_password(value, self.quoted)
            || ((self.quoted || shell) && is_letter_password(value, self.quoted))
            || (value.len() > *PASSWORD.end() && is_encoded_key(value))
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
            // `${NAME:-value}` of shells, `${name:value}` of Spring.
            // `{name: PASSWORD, value: ...}` of YAML.
            b'}' if self.between.contains(&b',') && self.says_value() => true,
            b'}' => self.between.ends_with(b":-") || self.between.ends_with(b":=") || self.between == b":",
            b']' => self.between.ends_with(b"["),
            b';' => shell,
            // Options, and arguments in logs: `pass=...,uid=1000`.
            b',' | b')' => {
                let options = self.between == b"=" && b == b',' && self.name.iter().any(|b| b".-".contains(b));
                options || ([b"=".as_slice(), b":", b": "].contains(&self.between) && is_random_password(value))
            }
            _ => b.is_ascii_whitespace() || b"\"'`<&\\\0".contains(&b),
        });
        // `Password for the store: tool: done`.
        let label = value.ends_with(b":");
        ends && !compared && !label && !is_qualified(value)
    }

    /// Whether a word such as `value` says that the value follows.
    fn says_value(&self) -> bool {
        let lower = self.between.to_ascii_lowercase();
        [b"value".as_slice(), b"val\"", b"val:", b"default", b"env(", b"environ.get("]
            .iter()
            .any(|word| memchr::memmem::find(&lower, word).is_some())
    }
}

/// Where a part of a text stands in it.
fn address(part: &[u8], whole: &[u8]) -> Option<usize> {
    let at = (part.as_ptr() as usize).checked_sub(whole.as_ptr() as usize)?;
    (at + part.len() <= whole.len()).then_some(at)
}

/// `OTHER_NAME=`, which follows one that is given nothing.
fn is_empty_variable(value: &[u8]) -> bool {
    value.strip_suffix(b"=").is_some_and(is_constant)
}

/// `getEncryptionKeyR2`: a name in camel case that says what it is itself.
fn is_derived_name(value: &[u8]) -> bool {
    let camel = value.first().is_some_and(u8::is_ascii_lowercase) && value.iter().any(u8::is_ascii_uppercase);
    let says = |part: &String| ["key", "password", "token", "secret"].contains(&part.as_str());
    camel && value.iter().all(u8::is_ascii_alphanumeric) && parts(value).iter().any(says)
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

/// Whether a name, in lower case and without separators, is that of what guards something: 16 hexadecimal digits that it is given are a
/// secret, where elsewhere they are as often the id of a thing.
fn guards(name: &str) -> bool {
    ["clientsecret", "appsecret", "encryptionkey", "encryptkey"].iter().any(|end| name.ends_with(end))
}

/// Whether a name, in lower case and without separators, says that a UUID is a key and names no object.
fn names_uuid_key(name: &str) -> bool {
    const KEYS: [&str; 13] = [
        "credentialssecret",
        "apikey",
        "apitoken",
        "apisecret",
        "appsecret",
        "jwtsecret",
        "webhooksecret",
        "accesstoken",
        "authtoken",
        "clientsecret",
        "secretkey",
        "authorization",
        "bearer",
    ];
    KEYS.iter().any(|key| name.contains(key))
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
            "__RequestVerificationToken",
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
        for value in
            ["Sommer2023!", "kJ8#mQ2p", "xK9vQ2mL", "b1cycle-Wrench", "73gTh-lompB", "kJ8xmQ2pVd.6", "kJ8xmQ2pVd.B7"]
        {
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
            "kJ8xmQ2pVd.js",
            "main.3f9a21bc.6",
            "ConfigService2.Default",
            "cGFzc3dvcmQ=",
            "data1_plaintext_b",
            "0xC00D2751",
            "utf-16le",
        ] {
            assert!(!judge(password, "password", " = '", value, "'"), "{value}");
        }
    }

    #[test]
    fn keys_may_be_uuids_and_letters_where_the_name_says_key() {
        // Made up for this test. Names stand apart, so that none is given a value here.
        const UUID: &str = "0b6f52e1-9c4d-4e7a-8f3b-d2a15c7e9046";
        const LETTERS: &str = "zqwjhxkvbtrnmpdlgfcs";
        const HEX: &str = "8d3c9ced7246b778c5eb";
        const MIXED: &str = "k3Jx9QzLmW2vTn8RbYc4";
        let is_given = |name: &str, value: &str| judge(key, name, " = \"", value, "\"");
        for name in ["api_key", "clientSecret", "Authorization", "ACCESS_TOKEN"] {
            assert!(is_given(name, UUID), "{name}");
        }
        for name in ["token", "secret", "api_key_id"] {
            assert!(!is_given(name, UUID), "{name}");
        }
        assert!(!is_given("api_key", &UUID.replace("-4e7a-", "-1e7a-")), "a UUID of a time");
        assert!(!is_given("api_key", "550e8400-e29b-41d4-a716-446655440000"), "a UUID of manuals");
        assert!(is_given("api_key", LETTERS) && !is_given("api_key", "accessTokenFromTheStore"));
        assert!(is_given("api_key", HEX) && !is_given("token", HEX) && !is_given("api_key", &HEX[..16]));
        assert!(is_given("api_keys", MIXED) && !is_given("DkimTokens", MIXED));
    }

    #[test]
    fn short_keys_are_told_where_the_place_says_enough() {
        // Made up for this test.
        for (name, between, value, after, found) in [
            ("APP_KEY", "=", "aB3dE5fG7hJ9kL1m", "\n", true),
            ("APP_KEY", "=", "settingsVersion2", "\n", false),
            ("app_key", "=", "aB3dE5fG7hJ9kL1m", "\n", false),
            ("APP_KEY", "=", "aB3dE5fG7hJ9kL1m", ")", false),
            ("ENCRYPTION_KEY", "=", "9f3c71d5820ab6e4", "\n", true),
            ("clientSecret", ": '", "9f3c71d5820ab6e4", "'", true),
            ("clientSecret", ": '", "1234567890123456", "'", false),
            ("api_token", ": '", "9f3c71d5820ab6e4", "'", false),
            ("app.secret", "=", "0b6f52e1-9c4d-4e7a-8f3b-d2a15c7e9046", "\n", true),
        ] {
            assert_eq!(judge(key, name, between, value, after), found, "{name}{between}{value}");
        }
    }

    #[test]
    fn base64_of_prose_is_no_key() {
        for (text, found) in [
            ("This is the text that a test signs", false),
            ("1234567890123456", false),
            ("{\"name\": \"value\", \"other\": \"thing\"}", false),
            ("operator:zQ8#kfJ2vX", true),
            ("BlueTiger42!BlueTiger42!", true),
        ] {
            let value = data_encoding::BASE64.encode(text.as_bytes());
            assert_eq!(judge(key, "api_token", ": \"", &value, "\""), found, "{text}");
        }
    }

    #[test]
    fn passwords_may_be_letters_that_make_no_word() {
        for (name, between, value, after) in [
            ("password", ": \"", "zqwjhxkvbtrn", "\""),
            ("SMTP_PASS", "=", "zqwjhxkvbtrnmpdl", "\n"),
            ("senha", " = '", "xK9vQ2mL", "'"),
            ("mot_de_passe", " = '", "xK9vQ2mL", "'"),
            ("pass", "=", "xK9vQ2mL4", ","),
            ("password", "\", \"", "kJ8#mQ2p", "\""),
            ("password", "\", \"", "Jack@123$", "\""),
            ("password", ": \"", "BlueTiger42", "\""),
            ("DB_PASSWORD", "=", "bluefish42", "\n"),
        ] {
            assert!(judge(password, name, between, value, after), "{name}{between}{value}");
        }
        for (name, between, value, after) in [
            ("password", ": \"", "konfigurationsdatei", "\""),
            ("password", ": \"", "zqwjhxkv", "\""),
            ("password", " ", "zqwjhxkvbtrn", "\n"),
            ("password", "\", \"", "Please enter one", "\""),
            ("password", "\", \"", "BlueTiger42", "\""),
            ("password", "=", "otherVariable2", ","),
            ("password", ": \"", "newPassword22", "\""),
            ("CROWD_APP_PASSWORD", "=\n  - ", "OAUTH_AUTH0_CLIENT_ID=", "\n"),
            ("native_password", "', '", "--character-set-server", "'"),
            ("encodedPassword", ": \"", "5d923b44a6d129f3ddf3", "\""),
        ] {
            assert!(!judge(password, name, between, value, after), "{name}{between}{value}");
        }
    }

    #[test]
    fn short_secrets_have_several_kinds_of_characters() {
        for value in ["kJ8#mQ2pX", "x7ab4qcd9zef2", "k3Jx9QzLmW"] {
            assert!(judge(short_secret, "client_secret", " = \"", value, "\""), "{value}");
        }
        for value in [
            "abc+/d12e3==",
            "keyboardcat",
            "secret123",
            "getSecret2",
            "0xC0000371_u32",
            "a1b2",
            "SEmfiajf42$",
            "9f71c52d839b",
        ] {
            assert!(!judge(short_secret, "client_secret", " = \"", value, "\""), "{value}");
        }
        assert!(!judge(short_secret, "secret_name", " = \"", "kJ8#mQ2pX", "\""));
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
                    !is_key(&value, true, LONGEST_KEY)
                })
                .count();
            assert!(lost <= most, "{lost} of 2000 of {length} characters out of {}", alphabet.len());
        }
    }
}
