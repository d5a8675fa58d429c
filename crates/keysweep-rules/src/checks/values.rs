//! What a value is by its looks: a random key, a password, or one of the things that programs, forms and translations write
//! where such stand.

use super::decode;
use super::password::{is_expression, is_password};
use super::words::{is_noise, parts, share};
use crate::entropy::shannon;
use data_encoding::BASE64;
use zeroize::Zeroizing;

/// Shortest value of a key that is quoted, and that is not.
const SHORTEST_KEY: (usize, usize) = (16, 20);
/// Shortest value of hexadecimal digits: what is shorter names things more often than it guards them.
pub(super) const SHORTEST_HEX: usize = 24;
/// Longest value of a key; what is longer is data, but for what a header carries.
pub(super) const LONGEST_KEY: usize = 256;
/// Shortest values that are only letters: of keys that are quoted, of those that are not, and of passwords.
const SHORTEST_LETTERS: (usize, usize) = (20, 24);
const SHORTEST_LETTER_PASSWORD: usize = 12;
/// Least entropy of a key's value in bits a byte: that of 32 random hexadecimal digits is 3.0 or more.
const KEY_ENTROPY: f64 = 3.0;
/// From this share of words on, a value is a name or a phrase.
const WORDS: f64 = 0.5;
/// Least share of changes between kinds of characters.
const CHANGES: f64 = 0.15;
/// Shortest secret of small letters and digits.
const SHORT_SECRET: usize = 10;
/// Shortest part of a password with a dot that is told from a name, and the longest such password: tokens have parts, too.
const SHORTEST_DRAWN: usize = 8;
const LONGEST_DRAWN: usize = 24;
/// The same of both parts together.
const SHORTEST_JOINED: usize = 11;
/// Shortest and longest value of a password.
pub(super) const PASSWORD: std::ops::RangeInclusive<usize> = 8..=64;

/// Whether a value is a key or password by its looks alone.
pub(super) fn looks_random(value: &[u8]) -> bool {
    is_random_password(value) || is_key(value, true, LONGEST_KEY) || is_letter_password(value, true)
}

/// Values that RFCs and manuals publish, so often repeated that they are in every installation.
const PUBLISHED: [&str; 27] = [
    // Hashes of nothing: MD5, SHA-1, SHA-256
    "d41d8cd98f00b204e9800998ecf8427e",
    "da39a3ee5e6b4b0d3255bfef95601890afd80709",
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    // RFC 5849 (OAuth 1.0)
    "0685bd9184jfhq22",
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
    // kdc.conf(5)
    "SEmfiajf42$",
    // Manuals of OAuth libraries
    "sdf0o9823sjdfsdf",
    "2kjshdfp92i34asdasd",
    // Manuals of one-time passwords
    "JBSWY3DPEHPK3PXP",
    // Of the search of npm packages, in each copy of yarn
    "6fe4476ee5a1832882e326b506d14126",
    // The defaults of Grafana's settings and of Mattermost's
    "SW2YcwTIb9zpOOhoPsMm",
    "3wLVZPiswc3DnaiaFoLkDvB4X0IV6CpMkj4tf2inJRsBY6-FnkT08zGmppWFgeof",
    // The emulators of Azure's storage and of its Cosmos DB
    "Eby8vdM02xNOcqFlqUwJ",
    "C2y6yDjf5/R+ob0N8A7C",
    // AWS's manual of IAM, in each copy of its libraries
    "]35d/{pB9Fo9wJ",
    "3s0K_;xh4~8XXI",
];

/// A random key.
pub(super) fn is_key(value: &[u8], quoted: bool, longest: usize) -> bool {
    let shortest = if quoted { SHORTEST_KEY.0 } else { SHORTEST_KEY.1 };
    let body = value.strip_suffix(b"==").or(value.strip_suffix(b"=")).unwrap_or(value);
    (shortest..=longest).contains(&value.len())
        && !body.contains(&b'=')
        && (value.len() >= SHORTEST_HEX || !value.iter().all(u8::is_ascii_hexdigit))
        && !is_known_form(value)
        && (is_random_shape(body) || is_pronounceable(body))
        && shannon(value) >= KEY_ENTROPY
        && !is_encoded_prose(value)
}

/// Whether a value is base64 of prose, a number or a list: text with nothing random in it.
fn is_encoded_prose(value: &[u8]) -> bool {
    let Some(text) = decode::base64(value) else { return false };
    let written = text.iter().all(|b| b.is_ascii_graphic() || b.is_ascii_whitespace());
    let letters = text.iter().filter(|b| b.is_ascii_alphabetic()).count();
    // A text of more words may tell one secret among them.
    let mut words = text.split(|b| b.is_ascii_whitespace() || b",;:=\"'{}".contains(b));
    written && (letters == 0 || share(&text) >= WORDS) && !words.any(looks_like_secret)
}

/// A part of a text that may be a secret.
fn looks_like_secret(part: &[u8]) -> bool {
    part.len() >= *PASSWORD.start() && (is_assigned_password(part, true) || is_random_shape(part))
}

/// `ooshoh8chaiGhie4aeN7eiph5uch6Eil`: what `pwgen` makes to be spoken, which looks like words but for single digits strewn among them.
fn is_pronounceable(value: &[u8]) -> bool {
    const SHORTEST: usize = 20;
    let digits = value.iter().filter(|b| b.is_ascii_digit()).count();
    let apart = !value.windows(2).any(|pair| pair.iter().all(u8::is_ascii_digit));
    let case = value.iter().any(u8::is_ascii_lowercase) && value.iter().any(u8::is_ascii_uppercase);
    let within = value.first().zip(value.last()).is_some_and(|(a, b)| !(a.is_ascii_digit() && b.is_ascii_digit()));
    value.len() >= SHORTEST
        && value.iter().all(u8::is_ascii_alphanumeric)
        && digits >= 4
        && digits * 10 >= value.len()
        && apart
        && case
        && within
}

/// Hexadecimal digits that are neither a number nor counted.
pub(super) fn is_short_hex(value: &[u8]) -> bool {
    value.iter().all(u8::is_ascii_hexdigit) && has_secret_shape(value) && shannon(value) >= KEY_ENTROPY
}

/// A long password in base64, as manifests have it.
pub(super) fn is_encoded_key(value: &[u8]) -> bool {
    value.len().is_multiple_of(4) && !value.iter().all(u8::is_ascii_hexdigit) && is_key(value, true, LONGEST_KEY)
}

/// A UUID of random bits, and none that manuals show.
pub(super) fn is_random_uuid(value: &[u8]) -> bool {
    const SHOWN: [&str; 8] = [
        // OpenAPI, Wikipedia, RFC 4122 and the manuals of libraries.
        "3fa85f64-5717-4562",
        "550e8400-e29b-41d4",
        "f47ac10b-58cc-4372",
        "9b1deb4d-3b7d-4bad",
        "1b9d6bcd-bbfd-4b2d",
        "110ec58a-a0f2-4ac4",
        "de305d54-75b4-431b",
        "7c9e6679-7425-40de",
    ];
    value.len() == 36
        && is_uuid(value)
        && value[14] == b'4'
        && b"89abAB".contains(&value[19])
        && shannon(value) >= KEY_ENTROPY
        && !SHOWN.iter().any(|shown| value[..shown.len()].eq_ignore_ascii_case(shown.as_bytes()))
}

/// A key of nothing but letters, which follow each other as in no word.
pub(super) fn is_letter_key(value: &[u8], quoted: bool) -> bool {
    let shortest = if quoted { SHORTEST_LETTERS.0 } else { SHORTEST_LETTERS.1 };
    (shortest..=LONGEST_KEY).contains(&value.len())
        && value.iter().all(u8::is_ascii_alphabetic)
        && is_noise(value)
        && shannon(value) >= KEY_ENTROPY
        && !is_known_form(value)
}

/// A password of letters, perhaps with signs, which follow each other as in no word.
pub(super) fn is_letter_password(value: &[u8], quoted: bool) -> bool {
    let letters: Zeroizing<Vec<u8>> = Zeroizing::new(value.iter().copied().filter(u8::is_ascii_alphabetic).collect());
    let signs = value.iter().all(|b| b.is_ascii_alphabetic() || (quoted && b"!#$%&*@^~+=?-".contains(b)));
    // Capitals where no word has them make up for two letters.
    let capitals = letters.windows(2).filter(|pair| pair[0].is_ascii_lowercase() && pair[1].is_ascii_uppercase());
    let shortest = SHORTEST_LETTER_PASSWORD - if capitals.count() >= 2 { 2 } else { 0 };
    (shortest..=*PASSWORD.end()).contains(&letters.len())
        && letters.len() + 3 >= value.len()
        && signs
        && is_noise(&letters)
        && shannon(value) >= KEY_ENTROPY
        && !is_known_form(value)
        && is_password(value)
}

/// Small letters and digits among which is no word: a secret, though too short for a key.
pub(super) fn is_short_secret(value: &[u8]) -> bool {
    let digits = value.iter().filter(|b| b.is_ascii_digit()).count();
    (SHORT_SECRET..SHORTEST_KEY.1).contains(&value.len())
        && value.iter().all(u8::is_ascii_alphanumeric)
        && !value.iter().all(u8::is_ascii_hexdigit)
        && digits >= 2
        && share(value) == 0.0
        && changes(value) >= 4
        && is_assigned_password(value, true)
}

/// A password of three kinds of characters, letters and digits among them, that is no word or name.
pub(super) fn is_random_password(value: &[u8]) -> bool {
    let has = |is: fn(&u8) -> bool| value.iter().any(is);
    let kinds = [
        has(u8::is_ascii_lowercase),
        has(u8::is_ascii_uppercase),
        has(u8::is_ascii_digit),
        // `+` and `=` are signs of base64, too.
        value.iter().any(|b| b"!#$%&*@^~?".contains(b)),
    ];
    kinds[2]
        && kinds.iter().filter(|kind| **kind).count() >= 3
        && share(value) < WORDS
        && changes(value) as f64 >= CHANGES * value.len() as f64
        && !value.starts_with(b"0x")
        && is_assigned_password(value, true)
}

/// A password that nobody would take for a name or a message: random, or with digits and several signs among its letters.
pub(super) fn is_strong_password(value: &[u8]) -> bool {
    is_random_password(value) || is_signed_password(value, 2)
}

/// A password that is random, or has digits and a sign among its letters.
pub(super) fn is_mixed_password(value: &[u8]) -> bool {
    is_random_password(value) || is_signed_password(value, 1)
}

fn is_signed_password(value: &[u8], least: usize) -> bool {
    let signs = value.iter().filter(|b| b"!#$%&*@^~?".contains(b)).count();
    signs >= least && value.iter().any(u8::is_ascii_digit) && is_assigned_password(value, true)
}

/// UUIDs, hashes with their name, JSON Web Tokens, data, paths, versions and names of hosts and files.
pub(super) fn is_known_form(value: &[u8]) -> bool {
    is_known_kind(value) || is_dotted_name(value)
}

/// The same but for names of hosts and files.
fn is_known_kind(value: &[u8]) -> bool {
    // Of data in base64: objects of Java, and a PDF.
    const PREFIXES: [&str; 15] = [
        "sha1-", "sha256-", "sha384-", "sha512-", "md5-", "eyJ", "data:", "http", "www.", "arn:", "/", "./", "../",
        "rO0AB", "JVBERi0",
    ];
    let slashes = value.iter().filter(|b| **b == b'/').count();
    PREFIXES.iter().any(|prefix| value.starts_with(prefix.as_bytes()))
        || names_algorithm(value)
        || names_encoding(value)
        || names_index(value)
        || names_port(value)
        || names_function(value)
        || names_account(value)
        || value.ends_with(b"/aws4_request")
        || PUBLISHED.iter().any(|known| value.starts_with(known.as_bytes()))
        || is_uuid(value)
        || is_expression(value)
        || slashes > 1 + value.len() / 16
}

/// Names of hosts and files, and versions.
fn is_dotted_name(value: &[u8]) -> bool {
    let dotted: Vec<&[u8]> = value.split(|b| *b == b'.').collect();
    dotted.len() > 3
        || (dotted.len() > 1
            && dotted.last().is_some_and(|last| last.len() < 10)
            && !(value.len() <= LONGEST_DRAWN && is_drawn(&dotted)))
}

/// `Summer124578.`, `Summer.124578`, `Summer12.!`: a password with a dot, behind which nothing stands that ends the name of a host or file.
fn is_dotted_password(value: &[u8]) -> bool {
    let Some(at) = value.iter().rposition(|b| *b == b'.') else { return false };
    let (first, last) = (&value[..at], &value[at + 1..]);
    let digits = |part: &[u8]| part.iter().filter(|b| b.is_ascii_digit()).count();
    let signs = last.iter().any(|b| b"!#$%&*@^~+=?".contains(b));
    let word = first.len() >= 3 && first.iter().all(u8::is_ascii_alphabetic);
    !first.contains(&b'.')
        && value.len() <= LONGEST_DRAWN
        && ((last.is_empty() && digits(first) >= 2) || signs || (word && digits(last) >= 4 && digits(last) != 8))
}

/// Whether one of two parts at a dot was drawn at random, as no part of a name of hosts or files is: letters of both cases and
/// digits by turns, and an end that is none of a file.
fn is_drawn(dotted: &[&[u8]]) -> bool {
    let has = |part: &[u8], is: fn(&u8) -> bool| part.iter().filter(|b| is(b)).count();
    let drawn = |part: &&[u8]| {
        part.len() >= SHORTEST_DRAWN
            && has(part, u8::is_ascii_lowercase) >= 2
            && has(part, u8::is_ascii_uppercase) >= 2
            && has(part, u8::is_ascii_digit) >= 1
            && changes(part) >= 4
            && share(part) == 0.0
    };
    let named = |last: &[u8]| last.len() >= 2 && last.iter().all(u8::is_ascii_lowercase);
    // Where no part is long, all together are looked at.
    let together: Zeroizing<Vec<u8>> = Zeroizing::new(dotted.concat());
    let joined = || together.len() >= SHORTEST_JOINED && drawn(&together.as_slice());
    let any = match dotted.len() {
        2 => dotted.iter().any(drawn) || joined(),
        3 => joined(),
        _ => false,
    };
    any && !dotted.last().is_some_and(|last| named(last))
}

/// `FK_368A4209A76ED395`: names that libraries give to indices and constraints of databases.
fn names_index(value: &[u8]) -> bool {
    const KINDS: [&str; 6] = ["fk", "pk", "ix", "uq", "idx", "uniq"];
    let Some(at) = value.iter().position(|b| *b == b'_') else { return false };
    KINDS.iter().any(|kind| value[..at].eq_ignore_ascii_case(kind.as_bytes()))
        && value[at + 1..].iter().all(u8::is_ascii_hexdigit)
}

/// `get_random_aes_256_gcm_key`: a function that Ruby calls without brackets.
fn names_function(value: &[u8]) -> bool {
    const VERBS: [&str; 9] = ["get", "create", "generate", "make", "load", "read", "fetch", "build", "derive"];
    let words = parts(value);
    let snake = value.iter().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'_');
    snake && words.len() > 2 && VERBS.contains(&words[0].as_str())
}

/// An address of Ethereum, which is public: 20 bytes.
fn names_account(value: &[u8]) -> bool {
    value.len() == 42 && value.strip_prefix(b"0x").is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
}

/// `phpfpm-server:9000`.
fn names_port(value: &[u8]) -> bool {
    let Some(at) = value.iter().rposition(|b| *b == b':') else { return false };
    let is_host = |b: &u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-._".contains(b);
    let (host, port) = (&value[..at], &value[at + 1..]);
    host.iter().all(is_host)
        && host.iter().any(u8::is_ascii_lowercase)
        && (2..=5).contains(&port.len())
        && port.iter().all(u8::is_ascii_digit)
}

/// `scram-sha-256`, `aes-256-gcm` and the like.
fn names_algorithm(value: &[u8]) -> bool {
    const NAMES: [&str; 11] =
        ["sha1", "sha-1", "sha2_", "sha256", "sha-256", "sha512", "sha-512", "md5", "aes-", "aes1", "aes2"];
    let lower = value.to_ascii_lowercase();
    value.len() < 24 && NAMES.iter().any(|name| lower.windows(name.len()).any(|at| at == name.as_bytes()))
}

/// `utf-16le`, `iso-8859-1` and the like.
fn names_encoding(value: &[u8]) -> bool {
    const NAMES: [&str; 6] = ["utf-8", "utf-16", "utf-32", "iso-8859", "windows-12", "latin-1"];
    let lower = value.to_ascii_lowercase();
    value.len() < 16 && NAMES.iter().any(|name| lower.starts_with(name.as_bytes()))
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

/// A password that is assigned to a name.
pub(super) fn is_assigned_password(value: &[u8], quoted: bool) -> bool {
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
    // What generators draw from is code, too; the rest must then leave no doubt.
    let drawn = || quoted && value.iter().filter(|b| b"\\;{}|<".contains(b)).count() <= 2 && is_drawn_password(value);
    PASSWORD.contains(&value.len())
        && begins
        && letters
        && (kinds >= 3 || is_numbered_word(value) || (digits >= 2 && share(value) < WORDS))
        && (digits > 0 || signs || share(value) < WORDS)
        && !is_number(value)
        && (!value.iter().any(|b| code(b) && (!quoted || b"\\;{}|<".contains(b))) || drawn())
        && !(value.contains(&b'&') && value.contains(&b'='))
        && !(is_known_kind(value) || (is_dotted_name(value) && !is_dotted_password(value)))
        && is_password(value)
        && !is_encoded_word(value)
}

/// Letters of both cases and digits by turns, no words among them, and no word at the start: as no name and no piece of code is.
fn is_drawn_password(value: &[u8]) -> bool {
    let count = |is: fn(&u8) -> bool| value.iter().filter(|b| is(b)).count();
    value.len() >= SHORTEST_JOINED
        && value.iter().all(u8::is_ascii_graphic)
        && count(u8::is_ascii_lowercase) >= 2
        && count(u8::is_ascii_uppercase) >= 2
        && count(u8::is_ascii_digit) >= 2
        && changes(value) >= 5
        && share(value) == 0.0
}

/// `bluefish42`: a word and a number, as people choose passwords, perhaps with a digit or two before them.
fn is_numbered_word(value: &[u8]) -> bool {
    const SHORTEST_WORD: usize = 4;
    let before = value.iter().take_while(|b| b.is_ascii_digit()).count();
    let value = if before <= 2 { &value[before..] } else { value };
    let word = value.iter().take_while(|b| b.is_ascii_alphabetic()).count();
    let number = value[word..].iter().take_while(|b| b.is_ascii_digit()).count();
    word >= SHORTEST_WORD && number >= 2 && word + number == value.len()
}

/// `0xC00D2751`.
fn is_number(value: &[u8]) -> bool {
    let digits = value.strip_prefix(b"0x").or(value.strip_prefix(b"0X"));
    digits.is_some_and(|digits| digits.iter().all(|b| b.is_ascii_hexdigit() || b"uUlL".contains(b)))
}

/// base64 of a common password, as manifests of Kubernetes have it.
fn is_encoded_word(value: &[u8]) -> bool {
    let decoded = BASE64.decode(value).map(Zeroizing::new);
    decoded.is_ok_and(|text| text.iter().all(u8::is_ascii_graphic) && !is_password(&text))
}
