//! Numbers written as text that stand alone: the parts of a JSON Web Key once it was parsed, a private key in hexadecimal digits.
//!
//! What parses a key leaves each of its numbers as a string object of its own, in base64url (RFC 7518) or hexadecimal digits, and
//! often nothing else. A text that is longer is for those who read text.

use super::{Looks, elements};
use crate::memory::Memory;
use crate::structure::View;
use crate::written::{MIN_DECIMAL, from_decimal, from_digits, lists};
use data_encoding::{BASE64_NOPAD, BASE64URL_NOPAD, Encoding, HEXLOWER, HEXUPPER};
use zeroize::Zeroizing;

/// A number as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Text {
    /// Offset in the file of the first character.
    pub offset: u64,
    /// Characters, without padding.
    pub len: u32,
    /// Bytes from a character to the next: 1, 2 in UTF-16, 4 or 8 in small integers, up to 32 in arrays of digits.
    pub unit: u8,
    /// How it is written.
    pub alphabet: Alphabet,
}

/// How a number is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Alphabet {
    /// Hexadecimal digits, letters of one case.
    Hex,
    /// Base64, with either of its alphabets (RFC 4648).
    Base64,
    /// As many hexadecimal digits as a text for people has, of either case.
    Digits,
    /// Pairs of hexadecimal digits with something between them, which only texts for people have.
    Pairs,
    /// A list of 32 bytes, which only texts for people have.
    List,
    /// Decimal digits, which texts for people have, and numbers in PHP's BCMath.
    Decimal,
    /// No text but an array of JavaScript with a byte in each element, in small integers of V8.
    Octets,
    /// No text but an array with a digit of so many bits in each element, least significant first: in the first four bytes, above so many
    /// bits of a tag. What is in the others does not count.
    Elements {
        /// Bits of a digit.
        bits: u8,
        /// Bits below it.
        tag: u8,
    },
    /// No text but limbs of a number that was shifted to the left by so many bits.
    Shifted(u8),
}

/// Bytes of a character, and words of text in a row without which there is no number: one of 32 bytes has 43 characters in base64.
const NARROW: (usize, u32) = (1, 4);
const WIDE: (usize, u32) = (2, 9);
/// Words in a row without which there is no array of bytes: those of 32 elements that take half a word each, of which the first and the
/// last may share theirs with something else. The fewest elements, most elements, and elements of others before them.
const OCTET_WORDS: usize = 15;
const MIN_OCTETS: usize = 32;
const MAX_OCTETS: usize = 513;
const MAX_BEFORE: usize = 64;
/// Words of a row before an array that are small integers of another kind.
const MAX_SKIPPED: usize = 256;
/// Characters by which most rows of text are told from numbers: so many are in the shortest row.
const HEAD: usize = 32;
/// The longest text: a number of 8192 bits in hexadecimal digits.
const MAX_CHARACTERS: usize = 2048;

impl Text {
    /// Bytes in the file.
    pub fn bytes(&self) -> usize {
        let last = match (self.alphabet, self.unit) {
            (Alphabet::Elements { .. }, _) => 4,
            (_, 2 | 4) => 2,
            _ => 1,
        };
        (self.len as usize).saturating_sub(1) * usize::from(self.unit) + last
    }

    /// Whether it is none, but digits as arithmetic has them.
    pub(crate) fn is_of_digits(&self) -> bool {
        matches!(self.alphabet, Alphabet::Elements { .. } | Alphabet::Shifted(_))
    }

    /// How it is written, for reports.
    pub(crate) fn name(&self) -> String {
        format!("{}{}", self.alphabet.name(), if self.unit == 2 { " in UTF-16" } else { "" })
    }

    /// The number that it says.
    pub(crate) fn decode(&self, memory: &dyn Memory) -> Option<Zeroizing<Vec<u8>>> {
        let bytes = memory.bytes(self.offset, self.bytes())?;
        match self.alphabet {
            Alphabet::Elements { bits, tag } => return elements::digits(&bytes, self.unit.into(), bits, tag),
            Alphabet::Shifted(by) => return elements::shifted(&bytes, by),
            _ => {}
        }
        let character = |unit: &[u8]| match unit {
            // The lowest bit of a small integer beside compressed pointers is no part of it.
            [low, high, ..] if self.unit == 4 => low >> 1 | high << 7,
            unit => unit[0],
        };
        let characters = Zeroizing::new(bytes.chunks(self.unit.into()).map(character).collect::<Vec<u8>>());
        self.alphabet.decode(&characters)
    }
}

impl Alphabet {
    /// In words, for reports.
    pub fn name(self) -> &'static str {
        match self {
            Alphabet::Hex | Alphabet::Digits | Alphabet::Pairs => "hexadecimal digits",
            Alphabet::List => "a list of bytes",
            Alphabet::Decimal => "decimal digits",
            Alphabet::Base64 => "base64 text",
            Alphabet::Octets => "an array of small integers",
            Alphabet::Elements { bits: 26, .. } => "an array of 26-bit digits",
            Alphabet::Elements { bits: 28, .. } => "an array of 28-bit digits",
            Alphabet::Elements { .. } => "an array of 31-bit digits",
            Alphabet::Shifted(_) => "limbs shifted to the left, libbf",
        }
    }

    /// The number that is written so; `None` if that is no number a key has.
    pub(crate) fn decode(self, text: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let encoding: &Encoding = match self {
            Alphabet::Octets => return is_number(text).then(|| Zeroizing::new(text.to_vec())),
            Alphabet::Digits | Alphabet::Pairs => return from_digits(text),
            Alphabet::List => return lists::bytes(text),
            Alphabet::Decimal => return from_decimal(text),
            // These are not made of characters.
            Alphabet::Elements { .. } | Alphabet::Shifted(_) => return None,
            Alphabet::Hex if text.iter().any(u8::is_ascii_lowercase) => &HEXLOWER,
            Alphabet::Hex => &HEXUPPER,
            Alphabet::Base64 if text.iter().any(|c| matches!(c, b'+' | b'/')) => &BASE64_NOPAD,
            Alphabet::Base64 => &BASE64URL_NOPAD,
        };
        let mut number = Zeroizing::new(vec![0; encoding.decode_len(text.len()).ok()?]);
        let len = encoding.decode_mut(text, &mut number).ok()?;
        number.truncate(len);
        is_number(&number).then_some(number)
    }
}

pub(super) fn is_number(bytes: &[u8]) -> bool {
    may_be_key(bytes) && super::looks_random_throughout(bytes)
}

/// Whether keys have numbers of so many bytes: private keys and coordinates on curves, encoded points (SEC 1), and what RSA keys are
/// made of, in which leading zero bytes may be missing.
fn may_be_key(number: &[u8]) -> bool {
    match (number.len(), number.first()) {
        (33 | 49 | 67, Some(2 | 3)) | (65 | 97 | 133, Some(4)) | (32 | 48 | 56 | 57 | 66, _) => true,
        (bytes @ 62..=512 | bytes @ 1022..=1024, _) => bytes.next_multiple_of(32) - bytes <= 2,
        _ => false,
    }
}

/// Appends the texts that begin in a chunk; `looks` is what its words look like.
pub(super) fn find(view: &View<'_>, looks: &Looks, texts: &mut Vec<Text>) {
    find_of(view, NARROW, looks.rows(NARROW.1, |looks| looks.text), texts);
    find_of(view, WIDE, looks.rows(WIDE.1, |looks| looks.wide), texts);
    for word in looks.rows(OCTET_WORDS as u32, |looks| looks.octet).chain(last(view, OCTET_WORDS)) {
        for small in SmallInteger::ALL {
            let array = small.octets_at(view.chunk.bytes, view.chunk.own.start + word);
            texts.extend(array.map(|(at, len)| Text {
                offset: view.offset(at),
                len: len as u32,
                unit: small.bytes() as u8,
                alphabet: Alphabet::Octets,
            }));
        }
    }
}

/// The last words of a chunk, with which a row of so many may begin that goes on in the next one.
fn last(view: &View<'_>, words: usize) -> impl Iterator<Item = usize> {
    let all = view.chunk.own.len() / 8;
    (1..words).rev().filter_map(move |words| all.checked_sub(words)).map(|word| 8 * word)
}

/// How engines of JavaScript hold a small integer in an array, V8 if nothing else is said.
#[derive(Debug, Clone, Copy)]
enum SmallInteger {
    /// In the upper half of a word.
    Upper,
    /// Where pointers are compressed to half a word (Chromium, Electron): above one bit that is zero.
    Compressed,
    /// In the lower half of a word, below bits that make a number that is none of a double: those of JavaScriptCore (Bun, Safari) or
    /// of SpiderMonkey (Firefox).
    Boxed,
}

impl SmallInteger {
    const ALL: [Self; 3] = [Self::Upper, Self::Compressed, Self::Boxed];

    /// What an element takes.
    fn bytes(self) -> usize {
        match self {
            Self::Upper | Self::Boxed => 8,
            Self::Compressed => 4,
        }
    }

    /// Where its value is in an element.
    fn shift(self) -> usize {
        match self {
            Self::Upper => 4,
            Self::Compressed | Self::Boxed => 0,
        }
    }

    /// The element at a place, if it is below 256.
    fn octet(self, bytes: &[u8], at: usize) -> Option<u8> {
        match (self, bytes.get(at..at + self.bytes())?) {
            (Self::Upper, [0, 0, 0, 0, octet, 0, 0, 0]) => Some(*octet),
            (Self::Compressed, [low, high @ (0 | 1), 0, 0]) if low & 1 == 0 => Some(low >> 1 | high << 7),
            (Self::Boxed, [octet, 0, 0, 0, 0, 0, 0xfe, 0xff] | [octet, 0, 0, 0, 0, 0x80, 0xf8, 0xff]) => Some(*octet),
            _ => None,
        }
    }

    /// The elements of an array in a row of small integers of any kind that begins with a word, or amid the one before: where the first
    /// one's value is, and how many they are.
    fn octets_at(self, bytes: &[u8], word: usize) -> Option<(usize, usize)> {
        let octet = |at: usize| self.octet(bytes, at);
        let mut at = word;
        // Those of other kinds, and a few of this one, may precede them; zeros are of two.
        while at < word + 8 * MAX_SKIPPED && Self::ALL.into_iter().any(|kind| kind.octet(bytes, at).is_some()) {
            if octet(at).is_none() {
                at += 8;
                continue;
            }
            let before = at.checked_sub(self.bytes()).filter(|before| octet(*before).is_some());
            let first = before.filter(|_| matches!(self, Self::Compressed)).unwrap_or(at);
            if at == word && before.is_some_and(|before| first == at || octet(before.saturating_sub(4)).is_some()) {
                // It began before.
                return None;
            }
            let places = (first..).step_by(self.bytes()).take(MAX_OCTETS);
            let row = Zeroizing::new(places.map_while(octet).collect::<Vec<u8>>());
            if row.len() >= MIN_OCTETS {
                return self.array_of(&row).map(|(from, len)| (first + self.bytes() * from + self.shift(), len));
            }
            at = (first + self.bytes() * row.len()).next_multiple_of(8).max(at + 8);
        }
        None
    }

    /// Which of integers in a row are the elements of an array: the first one, and how many. Its capacity stands before them, and what is
    /// behind those that are in use is no small integer.
    fn array_of(self, row: &[u8]) -> Option<(usize, usize)> {
        // If the first is the capacity of all others, it is not one of them.
        let counts_others = |capacity| usize::from(capacity) + 1 == row.len();
        if is_number(row) && !self.capacities(row[0]).into_iter().any(counts_others) {
            return Some((0, row.len()));
        }
        (0..row.len().min(MAX_BEFORE)).find_map(|header| {
            let elements = &row[header + 1..];
            self.capacities(row[header]).into_iter().find_map(|capacity| {
                let elements = &elements[..elements.len().min(capacity.into())];
                is_number(elements).then_some((header + 1, elements.len()))
            })
        })
    }

    /// What a capacity may be that looks like an element: beside compressed pointers newer versions have it as a plain number.
    fn capacities(self, element: u8) -> [u16; 2] {
        match self {
            Self::Upper | Self::Boxed => [element.into(); 2],
            Self::Compressed => [element.into(), 2 * u16::from(element)],
        }
    }
}

fn find_of(view: &View<'_>, (unit, words): (usize, u32), rows: impl Iterator<Item = usize>, texts: &mut Vec<Text>) {
    for word in rows.chain(last(view, words as usize)) {
        let text = text_at(view.chunk.bytes, view.chunk.own.start + word, unit);
        texts.extend(text.map(|(at, len, alphabet)| Text {
            offset: view.offset(at),
            len: len as u32,
            unit: unit as u8,
            alphabet,
        }));
    }
}

/// The text that goes through a word and may begin in the one before: where it begins, its characters, and how it is written.
fn text_at(bytes: &[u8], word: usize, unit: usize) -> Option<(usize, usize, Alphabet)> {
    let character = |at: usize| match bytes.get(at..at + unit)? {
        [character] | [character, 0] => Some(*character).filter(|byte| is_part(*byte)),
        _ => None,
    };
    // Random digits without a letter among them are as rare as in random windows (`noise`), or decimal.
    let (mut letters, mut digits) = (0, 0);
    for at in (word..).step_by(unit).take(HEAD) {
        let character = character(at)?;
        letters += usize::from(character.is_ascii_alphabetic());
        digits += usize::from(character.is_ascii_digit());
    }
    if letters == 0 && digits < HEAD {
        return None;
    }
    let all = 8 / unit;
    let before = (1..=all).take_while(|count| word.checked_sub(count * unit).and_then(character).is_some()).count();
    if before == all {
        return None;
    }
    let mut at = word - before * unit;
    if character(at) == Some(b'0') && matches!(character(at + unit), Some(b'x' | b'X')) {
        at += 2 * unit;
    }
    let characters = (0..=MAX_CHARACTERS).map_while(|index| character(at + index * unit));
    let text = Zeroizing::new(characters.collect::<Vec<u8>>());
    // A line between others is one of a certificate or of a file in MIME.
    let newline = |at: Option<usize>| at.and_then(|at| bytes.get(at)).is_some_and(|byte| matches!(byte, b'\n' | b'\r'));
    if newline(at.checked_sub(unit)) && newline(at.checked_add(unit * text.len())) {
        return None;
    }
    let alphabet = alphabet(&text)?;
    alphabet.decode(&text)?;
    Some((at, text.len(), alphabet))
}

fn is_part(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'+' | b'/')
}

/// How a text is written. Names in programs are of letters of one case, or have few capitals.
fn alphabet(text: &[u8]) -> Option<Alphabet> {
    let count = |is: fn(&u8) -> bool| text.iter().filter(|byte| is(byte)).count();
    let (upper, lower) = (count(u8::is_ascii_uppercase), count(u8::is_ascii_lowercase));
    if text.iter().all(u8::is_ascii_hexdigit) && (upper == 0 || lower == 0) {
        return match upper + lower {
            0 => (MIN_DECIMAL..=MAX_CHARACTERS).contains(&text.len()).then_some(Alphabet::Decimal),
            _ => Some(Alphabet::Hex),
        };
    }
    // Of random characters, 26 in 64 are of either kind, give or take 4.5 deviations. Names have more small letters.
    let (mean, deviation) = (text.len() as f64 * 26.0 / 64.0, (text.len() as f64 * 26.0 / 64.0 * 38.0 / 64.0).sqrt());
    let usual = |letters: usize| (letters as f64 - mean).abs() <= 4.5 * deviation;
    let one_alphabet =
        !(text.iter().any(|c| matches!(c, b'-' | b'_')) && text.iter().any(|c| matches!(c, b'+' | b'/')));
    (text.len() <= MAX_CHARACTERS && usual(upper) && usual(lower) && one_alphabet).then_some(Alphabet::Base64)
}

#[cfg(test)]
mod tests {
    use super::super::survey;
    use super::*;
    use crate::memory::Flat;
    use num_bigint::BigUint;

    fn random(len: usize, seed: u64) -> Vec<u8> {
        crate::curve::random_numbers(seed).flat_map(u64::to_le_bytes).take(len).collect()
    }

    fn texts(bytes: &[u8]) -> Vec<Text> {
        survey(&Flat::at(bytes, 0x7000_0000_0000), 1).texts
    }

    #[test]
    fn texts_are_found_at_every_place_and_across_chunks() {
        let numbers = [32usize, 48, 66, 255, 256, 512];
        for (seed, len) in numbers.into_iter().enumerate() {
            let number = random(len, seed as u64 + 1);
            let written = [
                (BASE64URL_NOPAD.encode(&number), Alphabet::Base64),
                (BASE64_NOPAD.encode(&number) + "==", Alphabet::Base64),
                (HEXLOWER.encode(&number), Alphabet::Hex),
                (format!("0x{}", HEXUPPER.encode(&number)), Alphabet::Hex),
                (BigUint::from_bytes_be(&number).to_string(), Alphabet::Decimal),
            ];
            for ((text, alphabet), unit) in written.iter().flat_map(|written| [(written, 1), (written, 2)]) {
                let bytes: Vec<u8> = text.bytes().flat_map(|byte| [byte, 0].into_iter().take(unit)).collect();
                let last = 1 << 20;
                let places = (4096..4104).chain([0, 480, 500, last - 66, last - 34, last - 16, last - 4, last]);
                for at in places.chain(Some(last - 3).filter(|_| unit == 1)).filter(|at| at % unit == 0) {
                    let mut memory = vec![0; (1 << 20) + 4096];
                    memory[at..at + bytes.len()].copy_from_slice(&bytes);
                    let start = at + if text.starts_with("0x") { 2 * unit } else { 0 };
                    let len = text.trim_start_matches("0x").trim_end_matches('=').len() as u32;
                    let expected = Text { offset: start as u64, len, unit: unit as u8, alphabet: *alphabet };
                    assert_eq!(texts(&memory), [expected], "{} {at}", text.len());
                    assert_eq!(**expected.decode(&Flat::new(&memory)).unwrap(), number[..]);
                }
            }
        }
    }

    #[test]
    fn arrays_of_bytes_are_found() {
        for (seed, len, capacity) in [(1, 32, 32), (2, 32, 41), (3, 66, 66), (4, 64, 77), (5, 256, 300), (6, 255, 255)]
        {
            let number = random(len, seed);
            // A map, the capacity, the elements, and holes; before it the end of another array.
            let word = |number: &u64| number.to_le_bytes();
            let small = |number: u64| number << 32;
            let mut words = vec![0x2f11_8f02_1459, small(4), small(1), small(0), 0x2f11_8f02_1459, small(capacity)];
            words.extend(number.iter().map(|byte| small(u64::from(*byte))));
            words.extend((len as u64..capacity).map(|_| 0x2f11_8f02_1469));
            words.push(0x2f11_8f02_1459);
            let array: Vec<u8> = words.iter().flat_map(word).collect();
            for at in [4096, 4096 + 8 * 63, (1 << 20) - 8 * 20, (1 << 20) - 8 * 6, 1 << 20] {
                let mut memory = vec![0; (1 << 20) + 8192];
                memory[at..at + array.len()].copy_from_slice(&array);
                let offset = (at + 8 * 6 + 4) as u64;
                let expected = Text { offset, len: len as u32, unit: 8, alphabet: Alphabet::Octets };
                assert_eq!(texts(&memory), [expected], "{len} {at}");
                assert_eq!(**expected.decode(&Flat::new(&memory)).unwrap(), number[..]);
            }
            // With an element that is no byte it is none; within longer ones, others seem to begin.
            let mut memory = [&[0; 4096][..], &array, &[0; 4096]].concat();
            memory[4096 + 8 * 20] = 1;
            assert!(len > 32 || texts(&memory).is_empty(), "{len}");
        }
        // Small numbers, and bytes of which no array is as long.
        let rows = [
            (0..64u64).map(|i| (i % 20) << 32).collect::<Vec<_>>(),
            random(40, 7).iter().map(|b| u64::from(*b) << 32).collect(),
        ];
        for row in rows {
            let mut memory = vec![1; 4096];
            memory.splice(800..800 + 8 * row.len(), row.iter().flat_map(|word| word.to_le_bytes()));
            assert_eq!(texts(&memory), []);
        }
    }

    #[test]
    fn arrays_beside_compressed_pointers_are_found() {
        for (seed, len, capacity) in [(1, 32, 32), (2, 32, 41), (3, 66, 66), (4, 64, 77), (5, 256, 300), (6, 255, 255)]
        {
            let number = random(len, 20 + seed);
            let small = |number: u32| number << 1;
            // The capacity is a small integer, or in newer versions a plain number.
            for header in [small(capacity), capacity] {
                // A map, the capacity, the elements, and holes; before it the end of another array.
                let mut halves = vec![0x0019_2d41, small(4), small(1), small(0), 0x0019_2d41, header];
                halves.extend(number.iter().map(|byte| small(u32::from(*byte))));
                halves.extend((len as u32..capacity).map(|_| 0x0000_07b5));
                halves.push(0x0019_2d41);
                let array: Vec<u8> = halves.iter().flat_map(|half| half.to_le_bytes()).collect();
                for at in (0..64).step_by(4).flat_map(|at| [4096 + at, (1 << 20) - 128 + at, (1 << 20) - 32 + at]) {
                    let mut memory = vec![0; (1 << 20) + 8192];
                    memory[at..at + array.len()].copy_from_slice(&array);
                    let offset = (at + 4 * 6) as u64;
                    let expected = Text { offset, len: len as u32, unit: 4, alphabet: Alphabet::Octets };
                    assert_eq!(texts(&memory), [expected], "{len} {at}");
                    assert_eq!(**expected.decode(&Flat::new(&memory)).unwrap(), number[..]);
                }
                // With an element that is odd, or no byte, it is none; within longer ones, others seem to begin.
                for wrong in [3, 0x200] {
                    let mut memory = [&[0; 4096][..], &array, &[0; 4096]].concat();
                    memory[4096 + 4 * 20..][..4].copy_from_slice(&u32::to_le_bytes(wrong));
                    assert!(len > 32 || texts(&memory).is_empty(), "{len}");
                }
            }
        }
        // Small numbers, and bytes of which no array is as long.
        let rows = [
            (0..64u32).map(|i| (i % 20) << 1).collect::<Vec<_>>(),
            random(31, 7).iter().map(|byte| u32::from(*byte) << 1).collect(),
        ];
        for row in rows {
            let mut memory = vec![1; 4096];
            memory.splice(800..800 + 4 * row.len(), row.iter().flat_map(|half| half.to_le_bytes()));
            assert_eq!(texts(&memory), []);
        }
    }

    #[test]
    fn arrays_of_other_engines_are_found() {
        for (tag, len) in [(0xfffe_0000_0000_0000u64, 32), (0xfff8_8000_0000_0000, 32), (0xfffe_0000_0000_0000, 66)] {
            let number = random(len, 40 + tag % 7);
            let array: Vec<u8> = [tag | 0xbf, 0x20_0000_0000, 0x20_0000_003e]
                .into_iter()
                .chain(number.iter().map(|b| tag | u64::from(*b)))
                .flat_map(u64::to_le_bytes)
                .collect();
            for at in [4096, 4096 + 8 * 63, (1 << 20) - 8 * 20, (1 << 20) - 8 * 5, (1 << 20) - 16, 1 << 20] {
                let mut memory = vec![0; (1 << 20) + 8192];
                memory[at..at + array.len()].copy_from_slice(&array);
                let expected = Text { offset: at as u64 + 24, len: len as u32, unit: 8, alphabet: Alphabet::Octets };
                assert_eq!(texts(&memory), [expected], "{tag:x} {at}");
                assert_eq!(**expected.decode(&Flat::new(&memory)).unwrap(), number[..]);
                // A double, or an integer that is no byte.
                for wrong in [0x3ff0_0000_0000_0000u64, tag | 256] {
                    memory[at + 8 * 12..][..8].copy_from_slice(&wrong.to_le_bytes());
                    assert!(len > 40 || texts(&memory).is_empty());
                }
            }
        }
    }

    #[test]
    fn rows_without_end_take_no_time() {
        let bytes = random(1 << 20, 50);
        let every = |each: fn(u8) -> u64| bytes.iter().flat_map(|byte| each(*byte).to_le_bytes()).collect::<Vec<u8>>();
        let rows: [fn(u8) -> u64; 5] = [
            |byte| u64::from(byte) << 32,
            |byte| u64::from(byte) << 1 | u64::from(byte) << 33,
            |byte| 0xfffe_0000_0000_0000 | u64::from(byte),
            // Rows that just are ones.
            |byte| if byte < 16 { 3 } else { u64::from(byte) << 33 },
            |byte| if byte < 16 { 64 << 32 | 0x0019_2d41 } else { u64::from(byte) << 33 | u64::from(byte) << 1 },
        ];
        for (index, row) in rows.into_iter().enumerate() {
            let memory = every(row);
            keysweep_testkit::bounded(std::time::Duration::from_secs(3), format!("row {index}"), || texts(&memory));
        }
    }

    #[test]
    fn what_is_no_number_is_no_text() {
        let number = random(32, 9);
        let text = BASE64URL_NOPAD.encode(&number);
        let near = [
            text[..42].to_owned(),
            format!("{text}AA"),
            text.replacen(&text[20..21], " ", 1),
            text.to_lowercase(),
            format!("{}9", &text[..42]),
            HEXLOWER.encode(&number)[1..].to_owned(),
            "AbstractConfigurableApplicationContextLoads0".to_owned(),
            "11223344556677889900112233445566778899001122334455667788".to_owned(),
            "a".repeat(64),
            "Some prose, as long as a key but of words: it is no number.".to_owned(),
        ];
        for text in near.into_iter().chain([format!("\n{text}\n")]) {
            let mut memory = vec![0; 8192];
            memory[4097..4097 + text.len()].copy_from_slice(text.as_bytes());
            assert_eq!(texts(&memory), [], "{text}");
        }
    }
}
