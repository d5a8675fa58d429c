//! Reads BER (X.690) as key stores are written: lengths may be indefinite or padded, and octet strings may come in pieces.
//! DER is a subset of it. What is cut off is not read.

use std::ops::Deref;
use zeroize::Zeroizing;

/// How deep elements of indefinite length may nest: finding their end takes one pass for each level.
const MAX_DEPTH: usize = 16;

/// Tags that stores use.
pub(crate) mod tag {
    pub(crate) const INTEGER: u8 = 0x02;
    pub(crate) const OCTETS: u8 = 0x04;
    pub(crate) const OID: u8 = 0x06;
    pub(crate) const SEQUENCE: u8 = 0x30;
    pub(crate) const SET: u8 = 0x31;
    pub(crate) const CONTEXT_0: u8 = 0xa0;
    /// Added to the tag of a type that is made of elements.
    pub(crate) const CONSTRUCTED: u8 = 0x20;
}

/// One element: tag, length and contents.
#[derive(Clone, Copy)]
pub(crate) struct Element<'a> {
    pub(crate) tag: u8,
    /// The contents, without the mark that ends an indefinite length.
    pub(crate) body: &'a [u8],
    /// The element as it lies there.
    pub(crate) whole: &'a [u8],
}

impl<'a> Element<'a> {
    /// The element that `bytes` begin with, if all of it is there.
    pub(crate) fn read(bytes: &'a [u8]) -> Option<Self> {
        read(bytes, 0)
    }

    /// The elements inside.
    pub(crate) fn inside(&self) -> Reader<'a> {
        Reader { rest: self.body }
    }

    /// The bytes of an octet string, joined if they come in pieces. The tag is not looked at: it may be implicit.
    pub(crate) fn octets(&self) -> Option<Octets<'a>> {
        if self.tag & tag::CONSTRUCTED == 0 {
            return Some(Octets::InPlace(self.body));
        }
        let mut joined = Zeroizing::new(Vec::with_capacity(self.body.len()));
        let mut pieces = self.inside();
        while !pieces.is_empty() {
            joined.extend_from_slice(pieces.take(tag::OCTETS)?.body);
        }
        Some(Octets::Joined(joined))
    }
}

/// The bytes of an octet string: where they lie, or joined, as they may be secret, in a buffer that is zeroized.
#[derive(Clone)]
pub(crate) enum Octets<'a> {
    InPlace(&'a [u8]),
    Joined(Zeroizing<Vec<u8>>),
}

impl Deref for Octets<'_> {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        match self {
            Octets::InPlace(bytes) => bytes,
            Octets::Joined(bytes) => bytes,
        }
    }
}

/// Reads elements one after the other.
#[derive(Clone, Copy)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// The tag of the next element.
    pub(crate) fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    /// The next element.
    pub(crate) fn next(&mut self) -> Option<Element<'a>> {
        let element = read(self.rest, 0)?;
        self.rest = &self.rest[element.whole.len()..];
        Some(element)
    }

    /// The next element if it has this tag; otherwise nothing is read.
    pub(crate) fn take(&mut self, tag: u8) -> Option<Element<'a>> {
        if self.peek()? == tag { self.next() } else { None }
    }

    /// The elements of the next element, which has this tag.
    pub(crate) fn enter(&mut self, tag: u8) -> Option<Reader<'a>> {
        self.take(tag).map(|element| element.inside())
    }

    /// The body of an OBJECT IDENTIFIER.
    pub(crate) fn oid(&mut self) -> Option<&'a [u8]> {
        self.take(tag::OID).map(|element| element.body)
    }

    /// The bytes of an OCTET STRING.
    pub(crate) fn octets(&mut self) -> Option<Octets<'a>> {
        match self.peek()? & !tag::CONSTRUCTED {
            tag::OCTETS => self.next()?.octets(),
            _ => None,
        }
    }

    /// A non-negative INTEGER below 2^63.
    pub(crate) fn number(&mut self) -> Option<u64> {
        let body = self.take(tag::INTEGER)?.body;
        if body.is_empty() || body.len() > 8 || body[0] >= 0x80 {
            return None;
        }
        Some(body.iter().fold(0, |number, &byte| number << 8 | u64::from(byte)))
    }
}

fn read(bytes: &[u8], depth: usize) -> Option<Element<'_>> {
    let (&tag, rest) = bytes.split_first()?;
    let (&first, rest) = rest.split_first()?;
    if tag & 0x1f == 0x1f {
        return None; // Tags of several bytes occur in no store.
    }
    if first == 0x80 {
        if tag & tag::CONSTRUCTED == 0 || depth >= MAX_DEPTH {
            return None;
        }
        let length = until_end_of_contents(rest, depth + 1)?;
        return Some(Element { tag, body: &rest[..length], whole: &bytes[..length + 4] });
    }
    let (length, rest) = if first < 0x80 {
        (usize::from(first), rest)
    } else {
        let count = usize::from(first & 0x7f);
        let digits = rest.get(..count).filter(|digits| digits.len() <= 4)?;
        (digits.iter().fold(0usize, |length, &byte| length << 8 | usize::from(byte)), &rest[count..])
    };
    let body = rest.get(..length)?;
    Some(Element { tag, body, whole: &bytes[..bytes.len() - rest.len() + length] })
}

/// The length of the elements before the two zero bytes that end an indefinite length.
fn until_end_of_contents(bytes: &[u8], depth: usize) -> Option<usize> {
    let mut at = 0;
    loop {
        let rest = bytes.get(at..)?;
        if rest.starts_with(&[0, 0]) {
            return Some(at);
        }
        at += read(rest, depth)?.whole.len();
    }
}

/// Where the header of a SEQUENCE can begin that ends at `end`: a length in the short form, in one to four bytes, or none.
/// The digits of a length can look like a shorter header.
pub(crate) fn headers_before(window: &[u8], end: usize) -> impl Iterator<Item = usize> {
    (0..=4u8).filter_map(move |digits| {
        let start = end.checked_sub(2 + usize::from(digits))?;
        let fits = match (window[start], window[start + 1]) {
            (0x30, length) if digits == 0 => length <= 0x80,
            (0x30, length) => length == 0x80 | digits,
            _ => false,
        };
        fits.then_some(start)
    })
}

/// An object identifier in dotted form, from its body; arcs that do not fit 64 bits are shown as `…`.
pub(crate) fn dotted(oid: &[u8]) -> String {
    let mut arcs: Vec<String> = Vec::new();
    let mut arc = Some(0u64);
    for &byte in oid.iter().take(64) {
        arc = arc.and_then(|a| a.checked_mul(128)).map(|a| a + u64::from(byte & 0x7f));
        if byte & 0x80 != 0 {
            continue;
        }
        match arc {
            Some(a) if arcs.is_empty() => {
                let first = (a / 40).min(2);
                arcs.extend([first.to_string(), (a - 40 * first).to_string()]);
            }
            Some(a) => arcs.push(a.to_string()),
            None => arcs.push("…".into()),
        }
        arc = Some(0);
    }
    arcs.join(".")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_definite_or_not() {
        let definite = Element::read(b"\x30\x03\x02\x01\x05rest").unwrap();
        assert_eq!((definite.body, definite.whole.len()), (&b"\x02\x01\x05"[..], 5));
        let padded = Element::read(b"\x30\x83\0\0\x03\x02\x01\x05rest").unwrap();
        assert_eq!((padded.body, padded.whole.len()), (&b"\x02\x01\x05"[..], 8));
        let indefinite = Element::read(b"\x30\x80\x02\x01\x05\0\0rest").unwrap();
        assert_eq!((indefinite.body, indefinite.whole.len()), (&b"\x02\x01\x05"[..], 7));
        let nested = Element::read(b"\x30\x80\x30\x80\x02\x01\0\0\0\x04\0\0\0rest").unwrap();
        assert_eq!(nested.whole.len(), 13);
        for cut in
            [&b"\x30\x03\x02\x01"[..], b"\x30\x80\x02\x01\x05\0", b"\x02\x80\x01\0\0", b"\x30", b"\x1f\x20\x01", b""]
        {
            assert!(Element::read(cut).is_none(), "{cut:?}");
        }
    }

    #[test]
    fn pieces_are_joined() {
        let mut reader = Reader::new(b"\x24\x80\x04\x02ab\x04\x01c\0\0\x04\x01d\x24\x03\x02\x01\x01");
        assert_eq!(*reader.octets().unwrap(), *b"abc");
        assert_eq!(*reader.octets().unwrap(), *b"d");
        assert!(reader.octets().is_none(), "a piece that is no octet string");
    }

    #[test]
    fn numbers_are_not_negative() {
        let mut reader = Reader::new(b"\x02\x02\x08\0\x02\x01\xff\x02\0");
        assert_eq!(reader.number(), Some(2048));
        assert_eq!(reader.number(), None);
    }

    #[test]
    fn depth_is_bounded() {
        let deep = [&b"\x30\x80".repeat(4096)[..], &b"\0\0".repeat(4096)].concat();
        assert!(Element::read(&deep).is_none());
        let shallow = [&b"\x30\x80".repeat(MAX_DEPTH)[..], &b"\0\0".repeat(MAX_DEPTH)].concat();
        assert!(Element::read(&shallow).is_some());
    }

    #[test]
    fn object_identifiers_are_dotted() {
        assert_eq!(dotted(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x0c]), "1.2.840.113549.1.12");
        assert_eq!(dotted(&[0x88, 0x37]), "2.999");
        assert_eq!(dotted(&[0x2a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]), "1.2.…");
    }
}
