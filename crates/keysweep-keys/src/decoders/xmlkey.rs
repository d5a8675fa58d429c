//! XML key values with private members: `RSAKeyValue` and `DSAKeyValue` as .NET's `ToXmlString(true)` writes them
//! (the elements of XML Signature, W3C, plus the private numbers), also escaped inside other XML or JSON.

use super::frame;
use super::text::{base64, is_base64, run};
use crate::decoder::{Anchor, Decoder, Hit, PublicKind, Reach, Sink};
use crate::private::{MAX_BITS, MIN_BITS, PrivateKey, RsaNumbers};
use crate::public::bit_length;
use crate::{PublicKey, Secret};
use memchr::memmem;
use std::ops::Range;

/// The decoder.
pub(crate) struct XmlKey;

const RULE: &str = "xml-rsa-private-key";

impl Decoder for XmlKey {
    fn name(&self) -> &'static str {
        "xml-key"
    }

    fn rules(&self) -> &'static [&'static str] {
        &[RULE]
    }

    fn anchors(&self) -> &'static [Anchor] {
        const ANCHORS: [Anchor; 3] =
            [Anchor::text("RSAKeyValue"), Anchor::text("DSAKeyValue"), Anchor::text("RSAParameters")];
        &ANCHORS
    }

    fn reach(&self) -> Reach {
        Reach { before: 16, after: 24 * 1024 }
    }

    fn decode(&self, hit: &Hit<'_>, sink: &mut Sink) {
        let Some(element) = Element::open(hit) else { return };
        let read = if hit.index == 1 { dsa(&element) } else { rsa(&element) };
        sink.examined_up_to(element.body.end);
        match read {
            Some(Read::Private(key)) => {
                if let Some(material) = frame::of_key(&key, ".NET XML") {
                    sink.key(RULE, element.whole(), material);
                }
            }
            Some(Read::Public(key)) => sink.public(element.whole(), key, PublicKind::Key { comment: None }),
            None => {}
        }
    }
}

enum Read {
    Private(PrivateKey),
    Public(PublicKey),
}

/// An element that was opened.
struct Element<'a> {
    window: &'a [u8],
    /// Offset of its `<`, however written.
    start: usize,
    /// Its content: up to its closing tag, or to the window's end.
    body: Range<usize>,
    /// Offset after its closing tag.
    end: usize,
}

/// How `<` and `>` may be written around a name.
const OPEN: [&[u8]; 4] = [b"<", b"&lt;", b"\\u003c", b"\\u003C"];
const CLOSE: [&[u8]; 4] = [b">", b"&gt;", b"\\u003e", b"\\u003E"];

/// Where the `<` lies that opens the element whose name follows `before`; a namespace prefix may stand between.
fn opening(before: &[u8]) -> Option<usize> {
    let alphanumeric = |bytes: &[u8]| bytes.iter().rev().take(8).take_while(|b| b.is_ascii_alphanumeric()).count();
    let before = match before.split_last() {
        Some((b':', rest)) => &rest[..rest.len() - alphanumeric(rest)],
        _ => before,
    };
    OPEN.iter().find(|open| before.ends_with(open)).map(|open| before.len() - open.len())
}

/// The length of the `>` that `text` begins with.
fn closing(text: &[u8]) -> Option<usize> {
    CLOSE.iter().find(|close| text.starts_with(close)).map(|close| close.len())
}

impl<'a> Element<'a> {
    fn open(hit: &Hit<'a>) -> Option<Self> {
        let opening = opening(&hit.window[..hit.anchor.start])?;
        let name = &hit.window[hit.anchor.clone()];
        let end_tag = memmem::find_iter(&hit.window[hit.anchor.end..], name)
            .map(|at| hit.anchor.end + at)
            .find(|&at| matches!(hit.window.get(at.wrapping_sub(1)), Some(b'/' | b':')));
        let body = hit.anchor.end..end_tag.unwrap_or(hit.window.len());
        let end = end_tag.map_or(body.end, |at| at + name.len() + closing(&hit.window[at + name.len()..]).unwrap_or(0));
        Some(Self { window: hit.window, start: opening, body, end })
    }

    fn whole(&self) -> Range<usize> {
        self.start..self.end
    }

    /// The number in the child element `name`.
    fn number(&self, name: &str) -> Option<Secret> {
        let body = &self.window[self.body.clone()];
        let value = memmem::find_iter(body, name).find_map(|at| {
            let tail = &body[at + name.len()..];
            let close = closing(tail)?;
            opening(&body[..at]).map(|_| &tail[close..])
        })?;
        let length = run(value, |b| is_base64(b) && b != b'-' && b != b'_' || b.is_ascii_whitespace());
        base64(&value[..length]).filter(|v| !v.is_empty()).map(Secret::from)
    }

    fn bytes(&self, name: &str) -> Option<Vec<u8>> {
        self.number(name).map(|n| n.to_vec())
    }
}

fn rsa(element: &Element<'_>) -> Option<Read> {
    let (n, e) = (element.bytes("Modulus")?, element.bytes("Exponent")?);
    if !(MIN_BITS..=MAX_BITS).contains(&bit_length(&n)) {
        return None;
    }
    let d = element.number("D");
    let primes: Vec<Secret> = ["P", "Q"].iter().filter_map(|name| element.number(name)).collect();
    let primes = if primes.len() == 2 { primes } else { Vec::new() };
    if d.is_none() && primes.is_empty() {
        return Some(Read::Public(PublicKey::rsa(&n, &e)));
    }
    Some(Read::Private(PrivateKey::Rsa(RsaNumbers { n, e, d, primes })))
}

fn dsa(element: &Element<'_>) -> Option<Read> {
    let [p, q, g] = ["P", "Q", "G"].map(|name| element.bytes(name));
    let (p, q, g, y) = (p?, q?, g?, element.bytes("Y"));
    if !(MIN_BITS..=MAX_BITS).contains(&bit_length(&p)) {
        return None;
    }
    match (element.number("X"), &y) {
        (Some(x), _) => Some(Read::Private(PrivateKey::Dsa { p, q, g, y, x })),
        (None, Some(y)) => Some(Read::Public(PublicKey::dsa(&p, &q, &g, y))),
        (None, None) => None,
    }
}
