//! Sequences of packets: keys with what follows each of them, user ids and the signatures that say what a key is for
//! (RFC 9580 section 10).

use super::key::Key;
use super::packet::{Packet, tag};
use crate::decoders::text::label;
use crate::{KeyMaterial, Protection, PublicKey, Work};
use std::ops::Range;

/// Most packets that are followed. A key signed by everyone has thousands of signatures.
const MAX_PACKETS: usize = 20_000;

/// What was found in a sequence of packets.
#[derive(Default)]
pub(super) struct Keyring {
    /// Secret keys with their places.
    pub(super) keys: Vec<Secret>,
    /// Public keys with their places and user ids.
    pub(super) public: Vec<(Range<usize>, PublicKey, Option<String>)>,
    /// Where the last secret key ends.
    pub(super) end: usize,
}

/// A secret key.
pub(super) struct Secret {
    /// Its packet.
    pub(super) range: Range<usize>,
    pub(super) material: KeyMaterial,
    /// Whether it is a primary key.
    primary: bool,
    /// Key flags (RFC 9580 section 5.2.3.29).
    flags: Option<u8>,
}

/// Key flags and their names.
const FLAGS: [(u8, &str); 5] = [(1, "certify"), (2, "sign"), (4, "encrypt"), (8, "encrypt"), (0x20, "authenticate")];
/// Words in user ids of keys that sign releases.
const SIGNERS: [&str; 9] =
    ["release", "signing", "archive", "repository", "package", "packaging", "maintainer", "apt ", "rpm"];

/// Where user ids and flags of the key at hand belong.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Last {
    None,
    Secret,
    Public,
}

impl Keyring {
    /// The secret keys in packets from `at` on, as long as they are those of keys.
    pub(super) fn secret(bytes: &[u8], at: usize, encoding: &'static str, work: &Work) -> Self {
        Self::read(bytes, at, encoding, work, false)
    }

    /// The secret and public keys.
    pub(super) fn all(bytes: &[u8], encoding: &'static str, work: &Work) -> Self {
        Self::read(bytes, 0, encoding, work, true)
    }

    fn read(bytes: &[u8], at: usize, encoding: &'static str, work: &Work, public: bool) -> Self {
        let mut ring = Self::default();
        let mut walk = Walk { first_secret: 0, first_public: 0, last: Last::None };
        let mut at = at;
        for _ in 0..MAX_PACKETS {
            let Some(packet) = Packet::read(bytes, at).filter(Packet::is_of_keyring) else { break };
            at = packet.range.end;
            if !public && matches!(packet.tag, tag::PUBLIC_KEY | tag::PUBLIC_SUBKEY) {
                break; // Another key's.
            }
            let before = ring.keys.len();
            ring.add(&packet, encoding, work, &mut walk);
            // Among other bytes, what is no key is no keyring any more; keys behind it are found by themselves.
            let secret = matches!(packet.tag, tag::SECRET_KEY | tag::SECRET_SUBKEY);
            if !public && secret && ring.keys.len() == before {
                break;
            }
            if !packet.whole {
                break;
            }
        }
        ring.keys.iter_mut().for_each(Secret::describe);
        ring
    }

    fn add(&mut self, packet: &Packet<'_>, encoding: &'static str, work: &Work, walk: &mut Walk) {
        let primary = matches!(packet.tag, tag::SECRET_KEY | tag::PUBLIC_KEY);
        if primary {
            *walk = Walk { first_secret: self.keys.len(), first_public: self.public.len(), last: Last::None };
        }
        match packet.tag {
            tag::SECRET_KEY | tag::SECRET_SUBKEY => {
                walk.last = Last::None;
                let key = Key::read(packet.body(), true);
                let Some(material) = key.and_then(|key| key.material(encoding, packet.whole, work)) else { return };
                self.end = packet.range.end;
                walk.last = Last::Secret;
                self.keys.push(Secret { range: packet.range.clone(), material, primary, flags: None });
            }
            tag::PUBLIC_KEY | tag::PUBLIC_SUBKEY => {
                walk.last = Last::Public;
                if let Some(key) = Key::read(packet.body(), false).and_then(|key| key.public()) {
                    self.public.push((packet.range.clone(), key, None));
                }
            }
            tag::USER_ID => {
                let name = label(packet.body());
                for key in &mut self.keys[walk.first_secret..] {
                    key.material.comment = key.material.comment.take().or_else(|| name.clone());
                }
                for (_, _, comment) in &mut self.public[walk.first_public..] {
                    *comment = comment.take().or_else(|| name.clone());
                }
            }
            tag::SIGNATURE if walk.last == Last::Secret => {
                if let Some(key) = self.keys.last_mut() {
                    key.flags = key.flags.or_else(|| flags(packet.body()));
                }
            }
            _ => {}
        }
        // A subkey comes after the user ids of its primary key.
        if !primary && packet.tag == tag::SECRET_SUBKEY && walk.last == Last::Secret {
            let name = self.keys.get(walk.first_secret).and_then(|key| key.material.comment.clone());
            if let Some(key) = self.keys.last_mut() {
                key.material.comment = name;
            }
        }
    }
}

struct Walk {
    /// Indices of the first keys of the certificate at hand.
    first_secret: usize,
    first_public: usize,
    last: Last,
}

impl Secret {
    /// Adds what the packets around it say of the key.
    fn describe(&mut self) {
        let role = if self.primary { "primary key" } else { "subkey" };
        self.material.details.push(("role", role.to_owned()));
        let Some(flags) = self.flags else { return };
        let mut usage: Vec<_> = FLAGS.iter().filter(|(bit, _)| flags & bit != 0).map(|(_, name)| *name).collect();
        usage.dedup();
        if !usage.is_empty() {
            self.material.details.push(("usage", usage.join(", ")));
        }
        let signs = flags & 2 != 0;
        self.material.purpose = match flags & 0x2f {
            _ if matches!(self.material.protection, Protection::External { .. }) => None,
            _ if signs && self.signs_releases() => Some("code-signing"),
            4 | 8 | 12 => Some("encryption"),
            0x20 => Some("ssh-user"),
            _ => None,
        };
    }

    fn signs_releases(&self) -> bool {
        let name = self.material.comment.as_deref().unwrap_or_default().to_ascii_lowercase();
        SIGNERS.iter().any(|word| name.contains(word))
    }
}

/// The key flags in the hashed subpackets of a signature (RFC 9580 section 5.2.3).
fn flags(body: &[u8]) -> Option<u8> {
    let wide = match body.first()? {
        4 | 5 => false,
        6 => true,
        _ => return None,
    };
    let area = if wide {
        let length = u32::from_be_bytes(body.get(4..8)?.try_into().ok()?) as usize;
        body.get(8..8usize.checked_add(length)?)?
    } else {
        let length = usize::from(u16::from_be_bytes(body.get(4..6)?.try_into().ok()?));
        body.get(6..6 + length)?
    };
    let mut at = 0;
    while let Some(&first) = area.get(at) {
        let (length, start) = match first {
            0..192 => (usize::from(first), at + 1),
            192..255 => ((usize::from(first) - 192) * 256 + usize::from(*area.get(at + 1)?) + 192, at + 2),
            255 => (u32::from_be_bytes(area.get(at + 1..at + 5)?.try_into().ok()?) as usize, at + 5),
        };
        let subpacket = area.get(start..start.checked_add(length)?)?;
        // The highest bit marks a critical one.
        if let [kind, flags, ..] = subpacket
            && kind & 0x7f == 27
        {
            return Some(*flags);
        }
        at = start + length.max(1);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::flags;

    #[test]
    fn flags_are_found_among_other_subpackets() {
        assert_eq!(flags(&[4, 0x13, 1, 8, 0, 9, 5, 2, 1, 2, 3, 4, 2, 27, 3, 9]), Some(3));
        assert_eq!(flags(&[6, 0x18, 27, 10, 0, 0, 0, 3, 2, 0x80 | 27, 0x0c]), Some(0x0c));
        assert_eq!(flags(&[4, 0x13, 1, 8, 0, 200, 5, 2]), None);
        assert_eq!(flags(&[4, 0x13, 1, 8, 0, 3, 0, 2, 27]), None);
        assert_eq!(flags(&[]), None);
    }
}
