//! Keys as packets: exports and keyrings of GnuPG 1, and what is left of them in memory and on disks. They are found by what
//! lies inside them, see [`anchors`].

use super::anchors::{ANCHORS, PLACES, Place};
use super::key::Key;
use super::keyring::Keyring;
use super::packet::{Packet, tag};
use super::{RULES, rule};
use crate::decoder::{Anchor, Decoder, Hit, Reach, Sink};
use crate::decoders::armour;
use crate::decoders::text::base64_symbols;
use memchr::memmem;
use std::ops::RangeInclusive;
use zeroize::Zeroizing;

/// The decoder.
pub(crate) struct Packets;

/// Most bytes from a key to a signature behind it: a large key and a long user id.
const MAX_BEFORE: usize = 6 << 10;
/// Most bytes of a packet before the exponent of RSA: header, and a modulus of 16384 bits.
const MAX_MODULUS: usize = 2070;
/// Most bytes before the identifier of a curve: header of 6 bytes, version, time, algorithm, and length in versions 5 and 6.
const MAX_HEADER: usize = 18;
/// Most packets between a key and a signature behind it.
const MAX_BETWEEN: usize = 4;
/// Most symbols of Base64 that are read.
const MAX_BASE64: usize = 96 << 10;
/// Most text from the beginning of a packet in Base64 to the exponent of RSA: a modulus of 8192 bits.
const MAX_TEXT_BEFORE: usize = 1600;
/// Symbols that hold the public part of a key and its protection.
const MAX_PUBLIC: usize = 4 << 10;
/// Places before an anchor that are tried as the beginning of Base64.
const MAX_STARTS: usize = 4;
/// The first line of armour and its header lines.
const ARMOUR: usize = 1 << 10;
/// Most bytes of a block whose keys are looked for at once.
const MAX_AFTER: usize = 128 << 10;

impl Decoder for Packets {
    fn name(&self) -> &'static str {
        "openpgp-packets"
    }

    fn rules(&self) -> &'static [&'static str] {
        &RULES
    }

    fn anchors(&self) -> &'static [Anchor] {
        ANCHORS
    }

    fn reach(&self) -> Reach {
        Reach { before: MAX_BEFORE, after: MAX_AFTER }
    }

    fn decode(&self, hit: &Hit<'_>, sink: &mut Sink) {
        let start = match PLACES[hit.index] {
            Place::Base64 => return wrapped(hit, sink),
            Place::Start => Some(hit.anchor.start),
            Place::Exponent => inside(hit, MAX_MODULUS, 5..=5),
            Place::Curve => inside(hit, MAX_HEADER, 30..=200),
            Place::Stub => inside(hit, MAX_BEFORE, -5..=-2),
            Place::Signature(ahead) => before_signature(hit, hit.anchor.start + ahead),
        };
        let Some(start) = start else { return };
        let ring = Keyring::secret(hit.window, start, "OpenPGP packet", hit.work);
        for key in ring.keys {
            sink.key(rule(&key.material), key.range, key.material);
        }
        sink.examined_up_to(ring.end);
    }
}

/// The secret key packet whose public part ends so many bytes behind the beginning of the anchor, or before it where that is
/// negative. What does not end there is no key that holds this anchor, and is not looked at further.
fn inside(hit: &Hit<'_>, most: usize, ends: RangeInclusive<isize>) -> Option<usize> {
    let anchor = hit.anchor.start;
    candidates(hit, most).find(|at| {
        let Some(packet) = Packet::read(hit.window, *at).filter(|packet| packet.range.end > anchor) else {
            return false;
        };
        let Some(key) = Key::read(packet.body(), true) else { return false };
        let end = packet.range.end - packet.body().len() + key.public_length();
        ends.contains(&(end as isize - anchor as isize)) && key.is_plausible()
    })
}

/// The secret key packet from which packets lead to the signature whose body is given.
fn before_signature(hit: &Hit<'_>, body: usize) -> Option<usize> {
    candidates(hit, MAX_BEFORE).find(|at| {
        let Some(packet) = Packet::read(hit.window, *at) else { return false };
        if packet.range.end > body || !packet.whole || Key::read(packet.body(), true).is_none() {
            return false;
        }
        let mut next = packet.range.end;
        for _ in 0..MAX_BETWEEN {
            let Some(packet) = Packet::read(hit.window, next).filter(Packet::is_of_keyring) else { return false };
            if packet.range.end > body {
                return packet.tag == tag::SIGNATURE && packet.range.end - packet.body().len() == body;
            }
            next = packet.range.end;
        }
        false
    })
}

/// Where a secret key packet may begin, the nearest first. Cheap: nearly all places are ruled out by their first byte.
fn candidates<'a>(hit: &Hit<'a>, most: usize) -> impl Iterator<Item = usize> + 'a {
    let window = hit.window;
    let (first, last) = (hit.anchor.start.saturating_sub(most), hit.anchor.start);
    (first..last).rev().filter(move |at| {
        let header = match window[*at] {
            0x94 | 0x9c => 2,
            0x95 | 0x9d => 3,
            0x96 | 0x9e => 5,
            // New format: one, two or five bytes of length.
            0xc5 | 0xc7 => match window.get(at + 1) {
                Some(0..192) => 2,
                Some(192..224) => 3,
                Some(255) => 6,
                _ => return false,
            },
            _ => return false,
        };
        window.get(at + header).is_some_and(|version| (2..=6).contains(version))
    })
}

/// Packets in Base64 without armour, as secrets of build servers hold them. The nested search finds the keys.
fn wrapped(hit: &Hit<'_>, sink: &mut Sink) {
    let window = hit.window;
    let of_text = |b: &u8| is_symbol(*b) || b.is_ascii_whitespace() || *b == b'\\';
    let before = window[..hit.anchor.start].iter().rev().take(MAX_TEXT_BEFORE).take_while(|b| of_text(b)).count();
    let first = hit.anchor.start - before;
    // The symbols that the first byte of a secret key packet has: 0x94 to 0x96, or 0xc5.
    let opens = |at: &usize| matches!(window.get(*at..*at + 2), Some([b'l', b'A'..=b'v'] | [b'x', b'Q'..=b'f']));
    let begins = |at: &usize| *at == 0 || !is_symbol(window[*at - 1]) || window[..*at].ends_with(b"\\n");
    for start in (first..hit.anchor.start).rev().filter(|at| begins(at) && opens(at)).take(MAX_STARTS) {
        // What is in armour is read as such.
        let head = &window[start.saturating_sub(ARMOUR)..start];
        if memmem::find(head, b"-----BEGIN PGP").is_some() {
            return;
        }
        let (head, _) = decoded(&window[start..], MAX_PUBLIC);
        let secret = Packet::read(&head, 0)
            .filter(|packet| packet.tag == tag::SECRET_KEY)
            .and_then(|packet| Key::read(packet.body(), true).map(|key| key.is_plausible()));
        if secret == Some(true) {
            let (bytes, length) = decoded(&window[start..], MAX_BASE64);
            sink.examined_up_to(start + length);
            return sink.nested(start..start + length, bytes, "base64");
        }
    }
}

/// The bytes of at most so many symbols, and the text they take.
fn decoded(text: &[u8], most: usize) -> (Zeroizing<Vec<u8>>, usize) {
    let symbols: Vec<(usize, u8)> = base64_symbols(text).take(most).collect();
    let plain: Zeroizing<Vec<u8>> = Zeroizing::new(symbols.iter().map(|(_, symbol)| *symbol).collect());
    (armour::decode(&plain), symbols.last().map_or(0, |(end, _)| *end))
}

fn is_symbol(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b == b'+' || b == b'/'
}
