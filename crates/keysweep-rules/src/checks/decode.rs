//! Encodings as tokens use them, leniently: either alphabet of base64, with or without padding.

use data_encoding::{BASE64_NOPAD, BASE64URL_NOPAD, Encoding};
use std::sync::OnceLock;
use zeroize::Zeroizing;

/// Longest text that is decoded, in characters.
const MAX: usize = 16 << 10;

/// Digits of base 62 in ASCII order.
pub(super) const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// base64 of either alphabet; padding is ignored, and so are the bits of the last character that carry nothing.
pub(super) fn base64(text: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let length = text.iter().rposition(|b| *b != b'=').map_or(0, |last| last + 1);
    if length > MAX || text.len() - length > 2 {
        return None;
    }
    let text = &text[..length];
    let url = text.iter().any(|b| b"-_".contains(b));
    lenient(url).decode(text).ok().map(Zeroizing::new)
}

fn lenient(url: bool) -> &'static Encoding {
    static ENCODINGS: OnceLock<[Encoding; 2]> = OnceLock::new();
    let encodings = ENCODINGS.get_or_init(|| {
        [BASE64_NOPAD, BASE64URL_NOPAD].map(|strict| {
            let mut specification = strict.specification();
            specification.check_trailing_bits = false;
            specification.encoding().expect("a valid specification stays one without this check")
        })
    });
    &encodings[usize::from(url)]
}

/// `number` in a base, most significant digit first, with at least `width` digits.
pub(super) fn in_base(mut number: u32, digits: &[u8], width: usize) -> String {
    let base = digits.len() as u32;
    let mut reversed = Vec::new();
    while number > 0 || reversed.len() < width {
        reversed.push(digits[(number % base) as usize]);
        number /= base;
    }
    reversed.iter().rev().map(|d| char::from(*d)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_takes_either_alphabet_and_no_mixture() {
        for text in ["+/8=", "-_8", "+/8", "+/9="] {
            assert_eq!(base64(text.as_bytes()).unwrap().as_slice(), [0xfb, 0xff], "{text}");
        }
        for text in ["+_8=", "+/8===", "+/8=8", "a", "a b="] {
            assert!(base64(text.as_bytes()).is_none(), "{text}");
        }
        assert!(base64(&[b'a'; MAX + 4]).is_none());
        assert_eq!(base64(b"").unwrap().as_slice(), [0u8; 0]);
    }

    #[test]
    fn numbers_are_written_in_any_base() {
        assert_eq!(in_base(255, b"0123456789abcdef", 4), "00ff");
        assert_eq!(in_base(u32::MAX, BASE62, 6), "4gfFC3");
        assert_eq!(in_base(0, BASE62, 6), "000000");
    }
}
