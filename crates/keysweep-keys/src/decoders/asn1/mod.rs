//! Reads ASN.1 as keys and certificates use it: DER (X.690), and of BER the long lengths that are not minimal.
//!
//! The files beside this one read the structures. They take bytes that begin with the structure and say how many of them
//! it spans, so that they serve files, armoured text and places in a dump alike.

pub(crate) mod certificate;
pub(crate) mod curve;
pub(crate) mod dsa;
pub(crate) mod encrypted;
pub(crate) mod name;
pub(crate) mod pkcs1;
pub(crate) mod pkcs8;
pub(crate) mod post_quantum;
pub(crate) mod private;
pub(crate) mod remains;
pub(crate) mod sec1;
pub(crate) mod spki;

use super::text::looks_random;
use crate::secret::trim_leading_zeros;

pub(crate) const BOOLEAN: u8 = 0x01;
pub(crate) const INTEGER: u8 = 0x02;
pub(crate) const BIT_STRING: u8 = 0x03;
pub(crate) const OCTET_STRING: u8 = 0x04;
pub(crate) const OID: u8 = 0x06;
pub(crate) const SEQUENCE: u8 = 0x30;
pub(crate) const SET: u8 = 0x31;

/// A context-specific, constructed tag such as `[0]`.
pub(crate) const fn context(number: u8) -> u8 {
    0xa0 | number
}

/// Tag and length of an element, whether or not its body is all there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) tag: u8,
    /// Bytes of tag and length.
    pub(crate) size: usize,
    /// Bytes of the body, as the header says.
    pub(crate) length: usize,
}

/// The header at the start of `bytes`: a tag of one byte, a definite length of at most four bytes.
pub(crate) fn header(bytes: &[u8]) -> Option<Header> {
    let (&tag, rest) = bytes.split_first()?;
    let (&first, rest) = rest.split_first()?;
    if tag & 0x1f == 0x1f {
        return None;
    }
    if first < 0x80 {
        return Some(Header { tag, size: 2, length: usize::from(first) });
    }
    let count = usize::from(first & 0x7f);
    if !(1..=4).contains(&count) {
        return None;
    }
    let length = rest.get(..count)?.iter().fold(0usize, |length, &b| length << 8 | usize::from(b));
    Some(Header { tag, size: 2 + count, length })
}

/// An element whose body is all there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Element<'a> {
    pub(crate) tag: u8,
    pub(crate) body: &'a [u8],
    /// Header and body.
    pub(crate) whole: &'a [u8],
}

/// The element at the start of `bytes`.
pub(crate) fn element(bytes: &[u8]) -> Option<Element<'_>> {
    let header = header(bytes)?;
    let end = header.size.checked_add(header.length)?;
    let whole = bytes.get(..end)?;
    Some(Element { tag: header.tag, body: &whole[header.size..], whole })
}

/// The body of a constructed element at the start of `bytes`, or what is left of it where it was cut.
pub(crate) struct Outer<'a> {
    pub(crate) body: &'a [u8],
    /// Bytes of tag and length.
    pub(crate) header: usize,
    /// Whether the body is all there.
    pub(crate) complete: bool,
}

/// The SEQUENCE at the start of `bytes`, which may be cut.
pub(crate) fn sequence(bytes: &[u8]) -> Option<Outer<'_>> {
    let header = header(bytes).filter(|h| h.tag == SEQUENCE)?;
    let rest = bytes.get(header.size..)?;
    let complete = header.length <= rest.len();
    Some(Outer { body: &rest[..header.length.min(rest.len())], header: header.size, complete })
}

/// Where the header of a SEQUENCE begins that ends at `body`.
pub(crate) fn sequence_before(window: &[u8], body: usize) -> Option<usize> {
    [4, 3, 2, 5].into_iter().find_map(|size| {
        let start = body.checked_sub(size)?;
        header(&window[start..]).filter(|h| h.tag == SEQUENCE && h.size == size).map(|_| start)
    })
}

/// Reads elements one after the other.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// What was not read yet.
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// The next element.
    pub(crate) fn next(&mut self) -> Option<Element<'a>> {
        let element = element(self.rest)?;
        self.rest = &self.rest[element.whole.len()..];
        Some(element)
    }

    /// The body of the next element, if it has this tag; otherwise nothing is read.
    pub(crate) fn take(&mut self, tag: u8) -> Option<&'a [u8]> {
        (self.rest.first() == Some(&tag)).then(|| self.next())?.map(|e| e.body)
    }

    /// A reader of the next element's body, if it has this tag.
    pub(crate) fn enter(&mut self, tag: u8) -> Option<Reader<'a>> {
        self.take(tag).map(Reader::new)
    }

    /// The next element, if it is an INTEGER, as an unsigned number without leading zeros. Some writers leave out the zero
    /// before a number whose first bit is set; such numbers are taken as they are meant.
    pub(crate) fn unsigned(&mut self) -> Option<&'a [u8]> {
        self.take(INTEGER).filter(|body| !body.is_empty()).map(trim_leading_zeros)
    }

    /// The next element, if it is an INTEGER that fits.
    pub(crate) fn small(&mut self) -> Option<u64> {
        let number = self.unsigned()?;
        (number.len() <= 8).then(|| number.iter().fold(0, |n, &b| n << 8 | u64::from(b)))
    }

    /// The bytes of the next element, if it is a BIT STRING of whole bytes.
    pub(crate) fn bits(&mut self) -> Option<&'a [u8]> {
        whole_bytes(self.take(BIT_STRING)?)
    }
}

/// The bytes in the body of a BIT STRING without unused bits.
pub(crate) fn whole_bytes(body: &[u8]) -> Option<&[u8]> {
    body.split_first().filter(|(unused, _)| **unused == 0).map(|(_, bytes)| bytes)
}

/// AlgorithmIdentifier (RFC 5280 section 4.1.1.2).
#[derive(Debug, Clone, Copy)]
pub(crate) struct AlgorithmIdentifier<'a> {
    /// Body of the object identifier.
    pub(crate) oid: &'a [u8],
    /// What follows it: the parameters, or nothing.
    pub(crate) parameters: &'a [u8],
    /// The whole element.
    pub(crate) whole: &'a [u8],
}

impl<'a> AlgorithmIdentifier<'a> {
    pub(crate) fn read(reader: &mut Reader<'a>) -> Option<Self> {
        let element = reader.next().filter(|e| e.tag == SEQUENCE)?;
        let mut inner = Reader::new(element.body);
        let oid = inner.take(OID).filter(|oid| !oid.is_empty())?;
        Some(Self { oid, parameters: inner.rest(), whole: element.whole })
    }
}

/// Whether the bytes can be a secret that nothing else proves: programs hold the constant beginnings of structures, followed
/// by whatever comes next. Text, tables and code repeat bytes and have zeros far more often than bytes drawn at random.
pub(crate) fn looks_drawn(bytes: &[u8]) -> bool {
    let mut count = [0usize; 256];
    bytes.iter().for_each(|&b| count[usize::from(b)] += 1);
    let repeated = bytes.len() - count.iter().filter(|n| **n > 0).count();
    // Pairs of equal bytes that are to be expected; three times as many and four do not occur in 30,000 draws.
    let expected = bytes.len() * bytes.len() / 512;
    let printable: usize = count[0x20..0x7f].iter().sum();
    let rare = |byte: usize| count[byte] < 4 + bytes.len() / 64;
    looks_random(bytes) && repeated <= 3 * expected + 4 && rare(0) && rare(0xff) && 5 * printable < 4 * bytes.len() + 5
}

/// An object identifier in dotted form, from its body. Bounded: of a hostile one the beginning.
pub(crate) fn dotted(oid: &[u8]) -> String {
    let mut arcs: Vec<u64> = Vec::new();
    let mut arc = 0u64;
    for &byte in oid.iter().take(40) {
        arc = arc.saturating_mul(128).saturating_add(u64::from(byte & 0x7f));
        if byte & 0x80 == 0 {
            if arcs.is_empty() {
                let first = (arc / 40).min(2);
                arcs.extend([first, arc - 40 * first]);
            } else {
                arcs.push(arc);
            }
            arc = 0;
        }
    }
    arcs.iter().map(u64::to_string).collect::<Vec<_>>().join(".")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_read_in_every_length() {
        assert_eq!(header(&[0x30, 0x7f]), Some(Header { tag: 0x30, size: 2, length: 127 }));
        assert_eq!(header(&[0x30, 0x81, 0x80]), Some(Header { tag: 0x30, size: 3, length: 128 }));
        assert_eq!(header(&[4, 0x82, 1, 2]), Some(Header { tag: 4, size: 4, length: 258 }));
        assert_eq!(header(&[4, 0x84, 0xff, 0xff, 0xff, 0xff]).unwrap().length, 0xffff_ffff);
        for bad in [&[0x30][..], &[0x30, 0x80], &[0x30, 0x82, 1], &[0x30, 0x85, 0, 0, 0, 0, 1], &[0x1f, 1]] {
            assert_eq!(header(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn elements_must_be_whole_and_sequences_may_be_cut() {
        assert!(element(&[4, 3, 1, 2]).is_none());
        let cut = sequence(&[0x30, 0x10, 2, 1, 5]).unwrap();
        assert!(!cut.complete && cut.body == [2, 1, 5]);
        let mut reader = Reader::new(cut.body);
        assert_eq!(reader.take(OCTET_STRING), None);
        assert_eq!(reader.small(), Some(5));
        assert!(reader.is_empty() && reader.next().is_none());
    }

    #[test]
    fn what_follows_a_constant_is_not_taken_for_a_secret() {
        let drawn = |text: &str| looks_drawn(&data_encoding::HEXLOWER.decode(text.as_bytes()).unwrap());
        // RFC 8410 section 10.3.
        assert!(drawn("d4ee72dbf913584ad5b6d8f1f769f8ad3afe7c28cbf1d4fbe097a88f44755842"));
        // Constants of a Python module after the beginning of an X25519 key; machine code; text; a table.
        assert!(!drawn("e9300000007202000000e910000000290f72b800000072f0000000da115f7a65"));
        assert!(!drawn("4883ec28488b0548ffffff4889442418e80000000048833d00000000007505b8"));
        assert!(!looks_drawn(b"key is too short for algorithm; "));
        assert!(!drawn("000000000100000002000000030000000400000005000000060000000700000f"));
    }

    #[test]
    fn object_identifiers_are_dotted() {
        assert_eq!(dotted(crate::public::oid::RSA), "1.2.840.113549.1.1.1");
        assert_eq!(dotted(&[0x60, 0x86, 0x48, 0x01, 0x65]), "2.16.840.1.101");
        assert_eq!(dotted(&[0x88, 0x37, 3]), "2.999.3");
        assert_eq!(dotted(&[]), "");
    }
}
