//! Numbers that are written out in a text, for people or programs: in decimal digits, in hexadecimal ones, or in pairs of these with
//! colons or spaces between them over several lines, as `openssl rsa -text` and `certtool` print them.
//!
//! Tools print a private key's numbers when they are asked to, languages when a key is logged (`RsaKey(n=…, e=…, d=…)`), and
//! Erlang's crash dumps hold whole heaps so. [`spots`] finds the digits while a text is searched for other things, [`texts_at`] reads
//! them, and [`search`] looks whether they prove each other as numbers in memory do.

pub(crate) mod lists;

use crate::memory::{Memory, Segment};
use crate::search::{Effort, Outcome, search_survey};
use crate::survey::{Alphabet, Survey, Text, looks_random_throughout};
use keysweep_keys::PublicKey;
use keysweep_keys::secret::trim_leading_zeros;
use std::collections::HashSet;
use std::ops::Range;
use zeroize::Zeroizing;

/// The fewest decimal digits in a line: a scalar of 256 bits has seldom less than 74, of which `bc` writes 68 in one.
pub(crate) const MIN_DECIMAL: usize = 64;
/// The fewest hexadecimal digits without anything between them: a prime of 512 bits. Shorter ones are hashes.
const MIN_HEX: usize = 124;
/// The fewest pairs in the first line; `openssl` prints 15.
const MIN_PAIRS: usize = 14;
/// The most bytes of a number.
const MAX_BYTES: usize = 1024;
/// Bytes of a text in which a number ends: in pairs, with what is between them and the blanks at the beginning of lines.
pub const MAX_WRITTEN: usize = 6 * MAX_BYTES;
/// Blanks between two lines.
const MAX_BLANKS: usize = 64;
/// What a search may cost for each number, and for all, as bytes of a dump.
const WORTH: u64 = 512 << 10;
const MAX_WORTH: u64 = 2 << 20;

/// Bytes from one look at a text to the next, and which are looked at each time. Pairs with something between them have
/// digits two times in three bytes: of two looks that follow each other, one sees them, and both are in the shortest row.
const STEP: usize = 14;
const LOOKS: [usize; 5] = [0, 3, 6, 9, 12];
/// Where else lists of numbers are looked at.
const LIST_LOOK: usize = 10;
/// Shortest row of digits, and of what may stand between pairs, that is looked at.
const MIN_ROW: usize = 3 * MIN_PAIRS - 1;

/// What a byte may be part of: a row of hexadecimal digits, a list of numbers.
const ROW: u8 = 1;
const LIST: u8 = 2;
const PARTS: [u8; 256] = {
    let (mut parts, mut byte) = ([0; 256], 0);
    while byte < 256 {
        if (byte as u8).is_ascii_hexdigit() {
            parts[byte] |= ROW;
        }
        if (byte as u8).is_ascii_digit() || matches!(byte as u8, b',' | b' ' | b'\n' | b'x') {
            parts[byte] |= LIST;
        }
        byte += 1;
    }
    parts
};

/// Calls `found` with the offsets at which rows of digits begin that may be of a number, or lists of numbers that may be a key. Costs
/// next to nothing on other text.
pub fn spots(text: &[u8], found: &mut dyn FnMut(usize)) {
    // Up to where rows and lists have been looked at.
    let (mut at, mut row_end, mut list_end) = (0, 0, 0);
    while let Some(looks) = text.get(at..at + LOOKS[LOOKS.len() - 1] + 1) {
        let part = |look: usize| PARTS[usize::from(looks[look])];
        // All at once: whether one is a digit is a guess that a processor makes wrong.
        let parts = LOOKS.iter().fold(ROW | LIST, |all, look| all & part(*look));
        if parts & ROW != 0 {
            let start = at - text[row_end..at].iter().rev().take_while(|byte| is_row(**byte)).count();
            let end = at + text[at..].iter().take_while(|byte| is_row(**byte)).count();
            let row = &text[start..end];
            if row.len() >= MIN_ROW && (row.chunk_by(is_together).any(may_be_number) || pairs_begin(row).is_some()) {
                found(start);
            }
            at = end + 1;
            row_end = at.min(text.len());
        } else if at >= list_end && parts & part(LIST_LOOK) & LIST != 0 && any_digit(looks) {
            let list = lists::around(text, list_end, at);
            if lists::is_enclosed(text, &list) && lists::at(&text[list.start..]).is_some() {
                found(list.start);
            }
            list_end = list.end.max(at + 1);
        } else {
            at += STEP;
        }
    }
}

/// The numbers that begin in the row of digits at the start of `text`, and where the last one ends. `offset` is that of its first
/// byte in the file. `text` holds [`MAX_WRITTEN`] bytes, or all there are.
pub fn texts_at(text: &[u8], offset: u64) -> (Vec<Text>, usize) {
    let row = text.iter().take_while(|byte| is_row(**byte)).count();
    let (mut texts, mut end) = (Vec::new(), row);
    let mut add = |range: Range<usize>, alphabet: Alphabet| {
        end = end.max(range.end);
        if alphabet.decode(&text[range.clone()]).is_some() {
            let offset = offset + range.start as u64;
            texts.push(Text { offset, len: range.len() as u32, unit: 1, alphabet });
        }
    };
    if let Some(halves) = lists::at(text) {
        halves.into_iter().for_each(|half| add(half, Alphabet::List));
    } else if let Some(begin) = pairs_begin(&text[..row]) {
        add(pairs_at(text, begin), Alphabet::Pairs);
    } else {
        let mut at = 0;
        for digits in text[..row].chunk_by(is_together) {
            if may_be_number(digits) {
                let (range, alphabet) = digits_at(text, at);
                add(range, alphabet);
            }
            at += digits.len();
        }
    }
    (texts, end)
}

/// Whether a byte that is looked at is a digit: indented code is full of blanks that are not.
fn any_digit(looks: &[u8]) -> bool {
    LOOKS.iter().chain(&[LIST_LOOK]).any(|look| looks[*look].is_ascii_digit())
}

fn is_row(byte: u8) -> bool {
    byte.is_ascii_hexdigit() || matches!(byte, b':' | b' ')
}

/// Whether two bytes are of the same digits without anything between them.
fn is_together(one: &u8, next: &u8) -> bool {
    one.is_ascii_hexdigit() == next.is_ascii_hexdigit()
}

/// Whether what is together are as many digits as a number has.
fn may_be_number(digits: &[u8]) -> bool {
    let decimal = digits.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    decimal >= MIN_DECIMAL || (digits.len() >= MIN_HEX && digits[0].is_ascii_hexdigit())
}

/// Where pairs of digits begin in a row, with the same byte between them.
fn pairs_begin(row: &[u8]) -> Option<usize> {
    let is_begin = |at: &usize| {
        let Some(pairs) = row.get(*at..at + MIN_ROW) else { return false };
        let is_alone = at.checked_sub(1).is_none_or(|before| !row[before].is_ascii_hexdigit());
        let is_pair = |pair: &[u8]| {
            pair[..2].iter().all(u8::is_ascii_hexdigit) && pair.get(2).is_none_or(|separator| *separator == pairs[2])
        };
        is_alone && !pairs[2].is_ascii_hexdigit() && pairs.chunks(3).all(is_pair)
    };
    (0..row.len()).find(is_begin)
}

/// Pairs of digits over several lines. Lines end with a separator if there are more, or are indented and as long as the first one.
fn pairs_at(text: &[u8], begin: usize) -> Range<usize> {
    let is_pair = |at: usize| {
        text.get(at..at + 2).is_some_and(|pair| pair.iter().all(u8::is_ascii_hexdigit))
            && !text.get(at + 2).is_some_and(u8::is_ascii_hexdigit)
    };
    let separator = text.get(begin + 2);
    let (mut end, mut at) = (begin, begin);
    // Pairs in a line.
    let (mut count, mut first) = (0, None);
    while is_pair(at) {
        end = at + 2;
        count += 1;
        let is_separated = text.get(end) == separator;
        at = end + usize::from(is_separated);
        let blanks = text[at..].iter().take(MAX_BLANKS).take_while(|byte| byte.is_ascii_whitespace()).count();
        let Some(newline) = text[at..at + blanks].iter().rposition(|byte| *byte == b'\n') else {
            match blanks {
                0 if is_separated => continue,
                _ => break,
            }
        };
        let is_like_first = newline + 1 < blanks && count == *first.get_or_insert(count);
        if !is_separated && !is_like_first && separator != Some(&b' ') {
            break;
        }
        at += blanks;
        count = 0;
    }
    begin..end
}

/// Digits without anything between them but ends of lines that are escaped, as `bc` writes them.
fn digits_at(text: &[u8], begin: usize) -> (Range<usize>, Alphabet) {
    let digits = |from: usize| text[from..].iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
    let mut end = begin + digits(begin);
    loop {
        let escape = match &text[end..] {
            [b'\\', b'\n', ..] => 2,
            [b'\\', b'\r', b'\n', ..] => 3,
            _ => break,
        };
        match digits(end + escape) {
            0 => break,
            more => end += escape + more,
        }
    }
    let all = &text[begin..end];
    let is_decimal = |from: usize| !all[from..].iter().any(u8::is_ascii_alphabetic);
    // A letter before decimal digits says what they are in crash dumps of Erlang.
    match all.iter().take_while(|byte| byte.is_ascii_alphabetic()).count() {
        said @ 0..=1 if is_decimal(said) => (begin + said..end, Alphabet::Decimal),
        _ => (begin..end, Alphabet::Digits),
    }
}

/// The number that hexadecimal digits say, whatever stands between them; `None` if keys have none such.
pub(crate) fn from_digits(text: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let mut digits = Zeroizing::new(Vec::with_capacity(text.len() + 1));
    digits.extend(text.iter().filter_map(|byte| (*byte as char).to_digit(16)).map(|digit| digit as u8));
    if digits.len() % 2 == 1 {
        digits.insert(0, 0);
    }
    let bytes = Zeroizing::new(digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect::<Vec<u8>>());
    fitted(&bytes)
}

/// The number that decimal digits say; `None` if keys have none such.
pub(crate) fn from_decimal(text: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let mut limbs: Zeroizing<Vec<u64>> = Zeroizing::new(Vec::with_capacity(MAX_BYTES / 8 + 1));
    for digit in text.iter().filter(|byte| byte.is_ascii_digit()) {
        let mut carry = u128::from(digit - b'0');
        for limb in limbs.iter_mut() {
            carry += u128::from(*limb) * 10;
            *limb = carry as u64;
            carry >>= 64;
        }
        if carry > 0 {
            limbs.push(carry as u64);
        }
        if limbs.len() > MAX_BYTES / 8 {
            return None;
        }
    }
    let bytes = Zeroizing::new(limbs.iter().rev().flat_map(|limb| limb.to_be_bytes()).collect::<Vec<u8>>());
    fitted(&bytes)
}

/// A number in as many bytes as keys have: zeros that begin it are not always printed.
fn fitted(bytes: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let number = trim_leading_zeros(bytes);
    let len = match (number.len(), number.first()?) {
        (33 | 49 | 67, 2 | 3) | (65 | 97 | 133, 4) => number.len(), // Encoded points (SEC 1).
        (30..=32, _) => 32,
        (46..=48, _) => 48,
        (65, _) => 66,
        (len @ (56 | 57 | 62..=MAX_BYTES), _) => len,
        _ => return None,
    };
    let mut fitted = Zeroizing::new(vec![0; len - number.len()]);
    fitted.extend_from_slice(number);
    looks_random_throughout(number).then_some(fitted)
}

/// A text of which nothing is searched but what is written in it.
struct Written<'a> {
    read: &'a (dyn Fn(u64, &mut [u8]) -> usize + Sync),
    size: u64,
}

impl Memory for Written<'_> {
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> usize {
        (self.read)(offset, buf)
    }

    fn segments(&self) -> &[Segment] {
        &[]
    }

    fn size(&self) -> u64 {
        self.size
    }

    fn locate(&self, _address: u64) -> Option<(u64, u64)> {
        None
    }

    fn address_of(&self, _offset: u64) -> Option<u64> {
        None
    }
}

/// Searches for keys whose numbers are written in a text that `read` reads at an offset: `texts` are what [`texts_at`] gave. With
/// `public` keys, one number may be enough.
///
/// In hexadecimal digits with nothing between them, only RSA keys count: test vectors have seeds and scalars so by the thousands.
pub fn search(read: &(dyn Fn(u64, &mut [u8]) -> usize + Sync), texts: Vec<Text>, public: &[PublicKey]) -> Outcome {
    if texts.is_empty() || texts.len() + public.len() < 2 {
        return Outcome::default();
    }
    let bare: HashSet<u64> =
        texts.iter().filter(|text| text.alphabet == Alphabet::Digits).map(|text| text.offset).collect();
    let effort = Effort::Written { only_rsa: texts.iter().all(|text| bare.contains(&text.offset)) };
    let memory = Written { read, size: (WORTH * texts.len() as u64).min(MAX_WORTH) };
    let survey = Survey { texts, ..Survey::empty() };
    let mut outcome = search_survey(&memory, survey, public, 1, effort, &|_| Vec::new());
    // A point in such digits may show what a scalar elsewhere is.
    outcome.found.retain_mut(|found| {
        if found.rule != crate::rsa::RULE {
            found.places.retain(|place| !bare.contains(&place.offset));
        }
        !found.places.is_empty()
    });
    outcome
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Found;
    use keysweep_keys::Curve;
    use keysweep_keys::private::ec_public;
    use num_bigint::BigUint;

    /// The texts that are found in a text, wherever it is looked at.
    fn texts(text: &[u8]) -> Vec<Text> {
        let (mut all, mut end) = (Vec::new(), 0);
        spots(text, &mut |at| {
            if at >= end {
                let (texts, len) = texts_at(&text[at..(at + MAX_WRITTEN).min(text.len())], at as u64);
                all.extend(texts);
                end = at + len;
            }
        });
        all
    }

    fn numbers(text: &str) -> Vec<Vec<u8>> {
        let bytes = |text_at: &Text| &text.as_bytes()[text_at.offset as usize..][..text_at.len as usize];
        texts(text.as_bytes()).iter().map(|text| text.alphabet.decode(bytes(text)).unwrap().to_vec()).collect()
    }

    fn found(text: &str, public: &[PublicKey]) -> Vec<Found> {
        let read = |offset: u64, buf: &mut [u8]| {
            let tail = text.as_bytes().get(offset as usize..).unwrap_or_default();
            let len = tail.len().min(buf.len());
            buf[..len].copy_from_slice(&tail[..len]);
            len
        };
        search(&read, texts(text.as_bytes()), public).found
    }

    fn random(len: usize, seed: u64) -> Vec<u8> {
        let mut bytes: Vec<u8> = crate::curve::random_numbers(seed).flat_map(u64::to_le_bytes).take(len).collect();
        bytes[0] |= 0x80;
        bytes
    }

    fn decimal(number: &[u8]) -> String {
        BigUint::from_bytes_be(number).to_string()
    }

    fn hex(number: &[u8]) -> String {
        number.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// As `openssl -text` prints it, or others with other separators.
    fn pairs(number: &[u8], in_line: usize, separator: &str, indent: &str) -> String {
        let lines: Vec<String> = number
            .chunks(in_line)
            .map(|line| {
                indent.to_owned() + &line.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(separator)
            })
            .collect();
        lines.join(&format!("{}\n", separator.trim_end()))
    }

    #[test]
    fn numbers_are_read_in_every_form() {
        for (seed, len) in [32, 48, 66, 128, 256, 257, 384, 512, 1024].into_iter().enumerate() {
            let number = random(len, seed as u64 + 1);
            let with_zero = [&[0][..], &number].concat();
            let digits = decimal(&number);
            let lines: Vec<&str> =
                digits.as_bytes().chunks(68).map(|line| std::str::from_utf8(line).unwrap()).collect();
            let folded = lines.join("\\\n");
            let mut forms = vec![
                format!("p = {}\n", decimal(&number)),
                format!("RsaKey(n={}, e=65537)", decimal(&number)),
                format!("7F8C3E1A7610:B{}\n", decimal(&number)),
                format!("d: {folded}\n"),
                format!("prime1:\n{}\nprime2:\n", pairs(&with_zero, 15, ":", "    ")),
                format!("prime1:\r\n{}\r\n", pairs(&number, 20, ":", "\t").replace('\n', "\r\n")),
                format!("face: {}", pairs(&number, 16, " ", "  ")),
                pairs(&number, 1024, ":", "").to_uppercase(),
                format!("modulus:\n{}\n\nx:", pairs(&number, 16, ":", "\t").replace(":\n", "\n")),
            ];
            if len > 64 {
                forms.push(format!("\"modulus\": \"0x{}\"", hex(&number)));
                forms.push(format!("d={}", hex(&number).to_uppercase()));
            }
            for (form, before) in forms.iter().flat_map(|form| (0..30).map(move |before| (form, before))) {
                let text = format!("{}\n{form}\nEnd of it, and more words than any number has.", "x".repeat(before));
                assert_eq!(numbers(&text), [&number[..]], "{len} {before}: {form}");
            }
        }
    }

    #[test]
    fn zeros_that_begin_a_number_need_not_be_printed() {
        let mut scalar = random(32, 40);
        (scalar[0], scalar[1]) = (0, 0x81);
        assert_eq!(numbers(&format!("secret {} .........................", decimal(&scalar))), [&scalar[..]]);
        let number = [&[7][..], &random(127, 41)].concat();
        assert_eq!(numbers(&format!("p={} .........................", &hex(&number)[1..])), [&number[..]]);
    }

    #[test]
    fn what_is_no_number_is_none() {
        let number = random(128, 50);
        let near = [
            decimal(&number[..28]),
            hex(&number[..61]),
            pairs(&number[..29], 15, ":", "  "),
            pairs(&number, 13, ":", "  "),
            // Lines that do not go on: two numbers that are too short.
            pairs(&number[..40], 20, ":", "").replace(":\n", "\n"),
            pairs(&number[..40], 20, ":", "  ").replacen(":\n", "\n", 1).replacen(':', " ", 1),
            "1".repeat(300),
            "abcdef ".repeat(60),
            "de ad be ef ".repeat(60),
            hex(&random(1025, 51)),
            decimal(&random(1030, 52)),
            "00000000: 4d5a 9000 0300 0000 0400 0000 ffff 0000 b800 0000 0000 0000\n".repeat(20),
        ];
        for text in near {
            assert!(texts(format!("{text} ................................").as_bytes()).is_empty(), "{text}");
        }
    }

    const P: &str = "edb1bf58ea72cd9368bd0ee225dc34b325c004f4a79aef84cbc869deb8fa3043d7ac631d01f7b546168e2652f1b92cd91044ddecdaf15d0690ffe961cf7cab43";
    const Q: &str = "ca754f1b6e22217373161d052ddc34b45bbddf6880073f862fc27c018ed6beece05b86d0f909be1353183a57467afce74a9ac9e988673cf3339a4b15c1a82b4b";

    fn number(hex: &str) -> BigUint {
        BigUint::parse_bytes(hex.as_bytes(), 16).unwrap()
    }

    #[test]
    fn numbers_that_prove_each_other_are_a_key() {
        let (p, q, e) = (number(P), number(Q), BigUint::from(65_537u32));
        let n = &p * &q;
        let d = e.modinv(&((&p - 1u32) * (&q - 1u32))).unwrap();
        let texts = [
            (format!("RsaKey(n={n}, e=65537, d={d})..........................."), "d as decimal digits"),
            (format!("N = {n:x}\nP = {p:x}\nQ = {q:X}\n................................"), "p as hexadecimal digits"),
            (
                format!(
                    "{}\nprime1:\n{}\n",
                    pairs(&n.to_bytes_be(), 15, ":", "    "),
                    pairs(&p.to_bytes_be(), 15, ":", "    ")
                ),
                "p as hexadecimal digits",
            ),
        ];
        for (text, what) in texts {
            let found = found(&text, &[]);
            assert_eq!((found.len(), found[0].rule), (1, "memory-rsa-private-key"), "{text}");
            assert!(found[0].places.iter().any(|place| place.what == what), "{:?}", found[0].places);
        }
        // With another prime it is none; with the public key one number is enough.
        assert!(found(&format!("{n} {} ..............................", &q + 2u32), &[]).is_empty());
        let public = PublicKey::rsa(&n.to_bytes_be(), &e.to_bytes_be());
        assert_eq!(found(&format!("{p} .............................."), &[public]).len(), 1);
    }

    #[test]
    fn a_list_of_seed_and_public_key_is_a_key() {
        let seed = random(32, 70);
        let key = keysweep_keys::PrivateKey::Okp {
            algorithm: keysweep_keys::Algorithm::Ed25519,
            seed: keysweep_keys::Secret::new(&seed),
            public: None,
        };
        let pair = [seed, key.prove().unwrap().public.value].concat();
        let list = |pair: &[u8], comma: &str| pair.iter().map(u8::to_string).collect::<Vec<_>>().join(comma);
        let hexes: Vec<String> = pair.iter().map(|byte| format!("0x{byte:02x}")).collect();
        for before in 0..20 {
            let before = "x".repeat(before);
            for text in [
                format!("{before}[{}]", list(&pair, ",")),
                format!("{before} = Uint8Array.from([ {} ]);", list(&pair, ", ")),
                format!("{before}: [u8; 64] = [\n    {},\n];", hexes.join(", ")),
                format!(
                    "{before} table[] = {{1, 2, 3}}, key[] = {{\n{}}}",
                    hexes.chunks(8).map(|row| row.join(",")).collect::<Vec<_>>().join(",\n")
                ),
            ] {
                let found = found(&text, &[]);
                assert_eq!(found.len(), 1, "{text}");
                assert_eq!(
                    (found[0].rule, found[0].places[0].what.as_str()),
                    ("memory-eddsa-private-key", "seed in a list of bytes")
                );
            }
        }
        let mut other = pair.clone();
        other[63] ^= 1;
        let long = [&pair[..], &[1]].concat();
        for text in
            [list(&other, ","), list(&pair[..63], ","), list(&long, ","), format!("{},256", list(&pair[..63], ","))]
        {
            assert!(found(&format!("[{text}]"), &[]).is_empty(), "{text}");
        }
        // A large table is passed over once.
        assert!(texts(format!("[{}]", list(&random(200_000, 71), ", ")).as_bytes()).is_empty());
    }

    #[test]
    fn a_scalar_beside_its_point_is_a_key() {
        for (curve, len) in [(Curve::P256, 32), (Curve::P384, 48), (Curve::Secp256k1, 32)] {
            let scalar = [&[0x35][..], &random(len - 1, 60)].concat();
            let point = ec_public(curve, &scalar).unwrap();
            let (x, y) = point[1..].split_at(len);
            let texts = [
                format!(
                    "priv:\n{}\npub:\n{}\nASN1 OID: prime256v1\n",
                    pairs(&scalar, 15, ":", "    "),
                    pairs(&point, 15, ":", "    ")
                ),
                format!("{{X:+{} Y:+{}}} D:+{}}} .......................", decimal(x), decimal(y), decimal(&scalar)),
                format!("point {}\nscalar {}\n.......................", hex(&point), decimal(&scalar)),
            ];
            for text in texts {
                let found = found(&text, &[]);
                assert_eq!(found.len(), 1, "{text}");
                assert_eq!(found[0].rule, "memory-ec-private-key");
            }
        }
    }
}
