//! What to look for: bytes that only private keys have, as each encoding writes them.

use crate::decoder::Anchor;
use data_encoding::{BASE64_NOPAD, HEXLOWER};
use keysweep_hexdump::Order;
use std::sync::LazyLock;

/// The beginning of every PEM block.
const BEGIN: &[u8] = b"-----BEGIN ";

/// Bytes of private keys in DER, at least five.
const PRIVATE: &[&[u8]] = &[
    // PKCS #8: version and algorithm. RSA; EC on curves with identifiers of 8, 5 and 9 bytes; RFC 8410; post-quantum;
    // algorithms with numbers as parameters.
    b"\x02\x01\x00\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01",
    b"\x02\x01\x00\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01",
    b"\x02\x01\x00\x30\x10\x06\x07\x2a\x86\x48\xce\x3d\x02\x01",
    b"\x02\x01\x00\x30\x14\x06\x07\x2a\x86\x48\xce\x3d\x02\x01",
    b"\x02\x01\x00\x30\x05\x06\x03\x2b\x65",
    b"\x02\x01\x01\x30\x05\x06\x03\x2b\x65",
    b"\x02\x01\x00\x30\x0b\x06\x09\x60\x86\x48\x01\x65\x03\x04",
    b"\x02\x01\x00\x30\x81",
    b"\x02\x01\x00\x30\x82",
    // PKCS #1 and DSA: version and the header of the modulus.
    b"\x02\x01\x00\x02\x81",
    b"\x02\x01\x00\x02\x82",
    b"\x02\x01\x01\x02\x82",
    // SEC 1: version and the header of the scalar.
    b"\x02\x01\x01\x04\x20",
    b"\x02\x01\x01\x04\x30",
    b"\x02\x01\x01\x04\x42",
    // Encrypted PKCS #8, also in PKCS #12: PBES2, PBES1, PBE of PKCS #12.
    b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x05\x0d",
    b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x05\x03",
    b"\x06\x0a\x2a\x86\x48\x86\xf7\x0d\x01\x0c\x01",
    // PKCS #1 without its beginning: the public exponent and the header of the private one.
    b"\x02\x03\x01\x00\x01\x02\x81",
    b"\x02\x03\x01\x00\x01\x02\x82",
];

/// Texts that other keys have: JSON Web Keys, age, PuTTY, OpenSSH.
const TEXTS: &[&[u8]] = &[b"\"kty\"", b"AGE-SECRET-KEY-1", b"PuTTY-User-Key-File-", b"openssh-key-v1\0"];

/// Beginnings of private keys in Base64 that are looked for in Base64 of Base64: PEM, PKCS #8, PKCS #1, SEC 1.
const TWICE: &[&str] =
    &["LS0tLS1CRUdJTi", "IBADANBgkqhkiG9w0BAQ", "AgEAMBMGByqGSM49", "CAQAwBQYDK2V", "IBAAKCA", "MHcCAQEEI"];

/// The same in UTF-16, as command lines of PowerShell hold it.
const WIDE_BEGIN: &[u8] = b"-\0-\0-\0-\0-\0B\0E\0G\0I\0N\0";

/// First bytes of keys in lists of bytes: SEQUENCEs of the lengths that keys have, and PEM.
const LISTED: &[&[u8]] = &[
    &[0x30, 0x82],
    &[0x30, 0x81, 0x84, 0x02],
    &[0x30, 0x81, 0x87, 0x02],
    &[0x30, 0x81, 0xa4, 0x02],
    &[0x30, 0x81, 0xb6, 0x02],
    &[0x30, 0x81, 0xdc, 0x02],
    &[0x30, 0x81, 0xee, 0x02],
    &[0x30, 0x77, 0x02, 0x01, 0x01, 0x04],
    &[0x30, 0x74, 0x02, 0x01, 0x01, 0x04],
    &[0x30, 0x2e, 0x02, 0x01, 0x00, 0x30],
    &[0x30, 0x51, 0x02, 0x01, 0x01, 0x30],
    b"-----B",
];

/// First bytes of keys in strings with escapes; the byte behind them is not printable.
const ESCAPED: &[&[u8]] = &[
    &[0x30, 0x82],
    &[0x30, 0x81],
    &[0x30, 0x77, 0x02, 0x01],
    &[0x30, 0x74, 0x02, 0x01],
    &[0x30, 0x2e, 0x02, 0x01],
    &[0x30, 0x51, 0x02, 0x01],
];

/// What follows `30 82`: the first byte of the length of a key.
const LENGTHS: [u8; 6] = [1, 2, 4, 5, 6, 9];

/// The public exponent and the header of the private one where a PEM body of 64 columns breaks between them: PKCS #1 of 1024
/// and of 4096 bits, with the phase.
const BROKEN: &[(&str, &str, usize)] = &[("IDAQAB", "AoG", 1), ("CAwEA", "AQKC", 2)];

/// The first byte of a SEQUENCE in a list with a line for each number.
const ONE_A_LINE: &[&str] = &[" 48,\n ", " 48,\r\n ", "\t48,\n\t"];

/// `-BEG` of PEM in a reversed word of four bytes.
const REVERSED_BEGIN: &str = "4745422d";

/// How a list writes its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// Two hex digits, with whatever around them: `0x30, 0x82`, `30:82`, `\x30\x82`.
    Hex,
    /// Decimal numbers from -128 to 255: `48, 130`, `48, -126`, `[48 130]` of Go.
    Decimal,
}

/// How the bytes of a mark are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Writing {
    /// Base64 whose bytes before the mark are `phase` more than a multiple of three.
    Base64 { phase: usize },
    /// Hex digits without anything between them.
    Hex,
    /// One by one.
    List(Style),
    /// A list behind the next bracket, as JSON has it behind the name of a Node.js buffer.
    Buffer,
    /// In words of several bytes, as dumps have them.
    Words(Order),
    /// In a string, those that are not printable as escapes; in `nested` ones, these are escaped again.
    Escaped { nested: bool },
}

/// The anchors, and what each is.
pub(super) struct Marks {
    pub(super) anchors: Vec<Anchor>,
    pub(super) writings: Vec<Writing>,
}

pub(super) static MARKS: LazyLock<Marks> = LazyLock::new(|| {
    let mut marks = Marks { anchors: Vec::new(), writings: Vec::new() };
    let twice = TWICE.iter().map(|text| text.as_bytes());
    for bytes in PRIVATE.iter().copied().chain(TEXTS.iter().copied()).chain([BEGIN, WIDE_BEGIN]).chain(twice) {
        for phase in 0..3 {
            marks.add(base64(bytes, phase), false, Writing::Base64 { phase });
        }
    }
    for (before, after, phase) in BROKEN {
        for line_end in ["\n", "\r\n", "\\n"] {
            marks.add(format!("{before}{line_end}{after}"), false, Writing::Base64 { phase: *phase });
        }
    }
    for bytes in PRIVATE.iter().copied().chain([&BEGIN[..10]]) {
        marks.add(HEXLOWER.encode(bytes), true, Writing::Hex);
    }
    for bytes in LISTED {
        marks.add_lists(bytes);
        marks.add_words(bytes);
    }
    for line in ONE_A_LINE {
        marks.add((*line).to_owned(), false, Writing::List(Style::Decimal));
    }
    marks.add("\"Buffer\"".to_owned(), false, Writing::Buffer);
    marks.add(REVERSED_BEGIN.to_owned(), true, Writing::Words(Order::Reversed));
    ESCAPED.iter().for_each(|bytes| marks.add_escaped(bytes));
    marks
});

impl Marks {
    fn add_lists(&mut self, bytes: &[u8]) {
        let long = bytes == [0x30, 0x82];
        let hex: Vec<String> = bytes.iter().map(|b| format!("{b:02x}")).collect();
        for (before, between) in
            [("0x", ", 0x"), ("0x", ",0x"), ("0x", "\t0x"), ("\\x", "\\x"), ("", ":"), ("", " "), ("", ",")]
        {
            let length = if long { format!("{between}0") } else { String::new() };
            self.add(format!("{before}{}{length}", hex.join(between)), true, Writing::List(Style::Hex));
        }
        for bytes in with_length(bytes) {
            let unsigned: Vec<String> = bytes.iter().map(u8::to_string).collect();
            let signed: Vec<String> = bytes.iter().map(|&b| (b as i8).to_string()).collect();
            for between in [", ", ",", " "] {
                self.add(format!("{}{between}", unsigned.join(between)), false, Writing::List(Style::Decimal));
                if signed != unsigned {
                    self.add(format!("{}{between}", signed.join(between)), false, Writing::List(Style::Decimal));
                }
            }
        }
    }

    /// The bytes in words of two and four bytes, either way round. Those of eight begin or end like those of four.
    fn add_words(&mut self, bytes: &[u8]) {
        for bytes in with_length(bytes) {
            for size in [2, 4] {
                let words: Vec<String> = bytes.chunks(size).map(|word| HEXLOWER.encode(word)).collect();
                self.add(words.join(" "), true, Writing::Words(Order::Written));
            }
        }
        let pairs: Vec<String> = bytes.chunks(2).map(reversed).collect();
        self.add(format!(" {} ", pairs.join(" ")), true, Writing::Words(Order::Reversed));
        self.add(format!("0x{}\t", pairs.join("\t0x")), true, Writing::Words(Order::Reversed));
        // The last digits of the first word, as far as they are known.
        for bytes in with_length(bytes).iter().filter(|bytes| !bytes.starts_with(b"----")) {
            self.add(reversed(&bytes[..bytes.len().min(4)]), true, Writing::Words(Order::Reversed));
        }
    }

    /// The bytes as strings show them, up to the backslash of the next one: it is not printable either, and may be written in
    /// several ways (`\t` and `\x09`, `\4` and `\004`).
    fn add_escaped(&mut self, bytes: &[u8]) {
        let write = |escape: fn(u8) -> String| -> String {
            let shown = |&byte: &u8| if byte.is_ascii_graphic() { char::from(byte).to_string() } else { escape(byte) };
            bytes.iter().map(shown).chain(["\\".to_owned()]).collect()
        };
        let mut texts = vec![
            write(|byte| format!("\\x{byte:02x}")),
            write(|byte| format!("\\u{byte:04x}")),
            write(|byte| format!("\\{byte:03o}")),
            write(|byte| format!("\\{byte:o}")),
        ];
        texts.dedup(); // Bytes from 64 on have three octal digits either way.
        for text in texts {
            self.add(text.replace('\\', "\\\\"), true, Writing::Escaped { nested: true });
            self.add(text, true, Writing::Escaped { nested: false });
        }
    }

    fn add(&mut self, text: String, ignore_case: bool, writing: Writing) {
        // Made once for the life of the process.
        let bytes: &'static [u8] = Box::leak(text.into_bytes().into_boxed_slice());
        let wide = matches!(writing, Writing::Base64 { .. } | Writing::Hex);
        self.anchors.push(Anchor { bytes, ignore_case, wide });
        self.writings.push(writing);
    }
}

/// The bytes, with each first byte of a length that keys have if they are `30 82`.
fn with_length(bytes: &[u8]) -> Vec<Vec<u8>> {
    match bytes {
        [0x30, 0x82] => LENGTHS.iter().map(|length| [bytes, &[*length]].concat()).collect(),
        _ => vec![bytes.to_vec()],
    }
}

fn reversed(bytes: &[u8]) -> String {
    bytes.iter().rev().map(|byte| format!("{byte:02x}")).collect()
}

/// The symbols of Base64 that `bytes` alone decide, `phase` bytes after the start of a group of three.
fn base64(bytes: &[u8], phase: usize) -> String {
    let text = BASE64_NOPAD.encode(&[&[0, 0][..phase], bytes].concat());
    let whole = 8 * (phase + bytes.len()) / 6;
    text[symbols_before(phase)..whole].to_owned()
}

/// Symbols before the first that no bit of the `phase` bytes before it belongs to.
pub(super) fn symbols_before(phase: usize) -> usize {
    (8 * phase).div_ceil(6)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_what_encoders_write() {
        assert_eq!([0, 1, 2].map(|p| base64(BEGIN, p)), ["LS0tLS1CRUdJTi", "0tLS0tQkVHSU4g", "tLS0tLUJFR0lOI"]);
        assert!(MARKS.anchors.iter().all(|a| a.bytes.len() >= 6 && a.bytes.len() <= 64));
    }
}
