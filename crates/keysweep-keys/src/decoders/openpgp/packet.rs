//! Packets of OpenPGP (RFC 9580 section 4): their headers in both formats, and what is in them.

use std::ops::Range;
use zeroize::Zeroizing;

/// Types of packets.
pub(super) mod tag {
    pub(in super::super) const SIGNATURE: u8 = 2;
    pub(in super::super) const SECRET_KEY: u8 = 5;
    pub(in super::super) const PUBLIC_KEY: u8 = 6;
    pub(in super::super) const SECRET_SUBKEY: u8 = 7;
    pub(in super::super) const MARKER: u8 = 10;
    pub(in super::super) const TRUST: u8 = 12;
    pub(in super::super) const USER_ID: u8 = 13;
    pub(in super::super) const PUBLIC_SUBKEY: u8 = 14;
    pub(in super::super) const ATTRIBUTE: u8 = 17;
    pub(in super::super) const PADDING: u8 = 21;
    /// Comments of old GnuPG.
    pub(in super::super) const COMMENT: [u8; 2] = [16, 61];
}

/// Longest key packet: post-quantum keys take tens of KiB.
const MAX_KEY: usize = 64 << 10;

/// A packet.
pub(super) struct Packet<'a> {
    pub(super) tag: u8,
    /// All of it.
    pub(super) range: Range<usize>,
    /// Whether its end is there, too.
    pub(super) whole: bool,
    body: Body<'a>,
}

enum Body<'a> {
    There(&'a [u8]),
    /// From partial lengths, which keys must not have, but damaged tools write.
    Joined(Zeroizing<Vec<u8>>),
}

impl<'a> Packet<'a> {
    /// The packet at `at`.
    pub(super) fn read(bytes: &'a [u8], at: usize) -> Option<Self> {
        let first = *bytes.get(at)?;
        if first & 0x80 == 0 {
            return None;
        }
        if first & 0x40 == 0 { Self::old(bytes, at, first) } else { Self::new(bytes, at, first & 0x3f) }
    }

    fn old(bytes: &'a [u8], at: usize, first: u8) -> Option<Self> {
        let number = |size: usize| {
            let digits = bytes.get(at + 1..at + 1 + size)?;
            Some((digits.iter().fold(0, |n, b| n << 8 | usize::from(*b)), at + 1 + size))
        };
        let (length, start) = match first & 3 {
            0 => number(1)?,
            1 => number(2)?,
            2 => number(4)?,
            // Up to the end of the input.
            _ => (bytes.len() - (at + 1), at + 1),
        };
        Self::of(bytes, first >> 2 & 0xf, at, start, length)
    }

    fn new(bytes: &'a [u8], at: usize, tag: u8) -> Option<Self> {
        let mut next = at + 1;
        let mut joined: Option<Zeroizing<Vec<u8>>> = None;
        loop {
            let (length, start, partial) = new_length(bytes, next)?;
            let Some(parts) = &mut joined else {
                if !partial {
                    return Self::of(bytes, tag, at, start, length);
                }
                joined = Some(Zeroizing::new(Vec::new()));
                continue;
            };
            let part = &bytes[start.min(bytes.len())..start.saturating_add(length).min(bytes.len())];
            if parts.len() + part.len() > MAX_KEY {
                return None;
            }
            parts.extend_from_slice(part);
            next = start + part.len();
            if !partial || part.len() < length {
                let whole = part.len() == length;
                let body = Body::Joined(joined.unwrap_or_default());
                return Some(Self { tag, range: at..next, whole, body });
            }
        }
    }

    fn of(bytes: &'a [u8], tag: u8, at: usize, start: usize, length: usize) -> Option<Self> {
        let rest = bytes.get(start..)?;
        let body = &rest[..length.min(rest.len())];
        Some(Self { tag, range: at..start + body.len(), whole: body.len() == length, body: Body::There(body) })
    }

    pub(super) fn body(&self) -> &[u8] {
        match &self.body {
            Body::There(body) => body,
            Body::Joined(body) => body,
        }
    }

    /// Whether such a packet can be between keys.
    pub(super) fn is_of_keyring(&self) -> bool {
        let tags = [
            tag::SIGNATURE,
            tag::SECRET_KEY,
            tag::PUBLIC_KEY,
            tag::SECRET_SUBKEY,
            tag::MARKER,
            tag::TRUST,
            tag::USER_ID,
            tag::PUBLIC_SUBKEY,
            tag::ATTRIBUTE,
            tag::PADDING,
        ];
        tags.contains(&self.tag) || tag::COMMENT.contains(&self.tag)
    }
}

/// A length of the new format, where the body begins, and whether more parts follow.
fn new_length(bytes: &[u8], at: usize) -> Option<(usize, usize, bool)> {
    let first = usize::from(*bytes.get(at)?);
    Some(match first {
        0..192 => (first, at + 1, false),
        192..224 => ((first - 192) * 256 + usize::from(*bytes.get(at + 1)?) + 192, at + 2, false),
        224..255 => (1 << (first & 0x1f), at + 1, true),
        _ => {
            let length = u32::from_be_bytes(bytes.get(at + 1..at + 5)?.try_into().ok()?);
            (length as usize, at + 5, false)
        }
    })
}
