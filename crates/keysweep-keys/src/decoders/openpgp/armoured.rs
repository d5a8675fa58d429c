//! Keys in armour (RFC 9580 section 6).

use super::keyring::Keyring;
use super::{RULES, rule};
use crate::decoder::{Anchor, Decoder, Hit, PublicKind, Reach, Sink};
use crate::decoders::armour::{self, Block};
use crate::decoders::text::run;

/// The decoder.
pub(crate) struct Armoured;

/// Longest block that is read. Keys with pictures and many signatures are larger; their primary key comes first.
const MAX_TEXT: usize = 256 << 10;

impl Decoder for Armoured {
    fn name(&self) -> &'static str {
        "openpgp"
    }

    fn rules(&self) -> &'static [&'static str] {
        &RULES
    }

    fn anchors(&self) -> &'static [Anchor] {
        const ANCHORS: [Anchor; 6] = [
            Anchor::text("PGP PRIVATE KEY BLOCK-----"),
            // PGP 2 wrote this label, and secret keys stand under these by mistake.
            Anchor::text("PGP SECRET KEY BLOCK-----"),
            Anchor::text("PGP PUBLIC KEY BLOCK-----"),
            Anchor::text("PGP ARMORED FILE-----"),
            // In URLs and forms.
            Anchor::text("KEY%20BLOCK-----"),
            Anchor::text("KEY+BLOCK-----"),
        ];
        &ANCHORS
    }

    fn reach(&self) -> Reach {
        Reach { before: armour::REACH.before, after: MAX_TEXT }
    }

    fn decode(&self, hit: &Hit<'_>, sink: &mut Sink) {
        sink.spent(armour::LINE);
        let Some(block) = Block::within(hit.window, hit.anchor.end, MAX_TEXT) else { return };
        sink.spent(block.range.len());
        sink.examined_up_to(block.range.end);
        for body in block.bodies() {
            let ring = Keyring::all(&body, "OpenPGP armour", hit.work);
            if ring.keys.is_empty() && ring.public.is_empty() {
                continue;
            }
            let checked = checksum(block.text()) == Some(crc24(&body));
            let range = block.covering(ring.end.max(1));
            for mut key in ring.keys {
                if checked {
                    key.material.proof.statement.push_str("; the checksum of the armour holds");
                }
                sink.key(rule(&key.material), range.clone(), key.material);
            }
            for (_, key, comment) in ring.public {
                sink.public(block.range.clone(), key, PublicKind::Key { comment });
            }
            return;
        }
    }
}

/// The checksum on the last line: `=` and four symbols.
fn checksum(text: &[u8]) -> Option<u32> {
    let at = memchr::memmem::rfind(text, b"=")?;
    let symbols = &text[at + 1..];
    let length = run(symbols, |b| b.is_ascii_alphanumeric() || b == b'+' || b == b'/');
    let bytes = armour::decode(symbols.get(..4).filter(|_| length == 4)?);
    let [a, b, c] = bytes[..] else { return None };
    Some(u32::from_be_bytes([0, a, b, c]))
}

/// CRC-24 of RFC 9580 section 6.1.1.
fn crc24(bytes: &[u8]) -> u32 {
    const POLYNOMIAL: u32 = 0x86_4cfb;
    let sum = bytes.iter().fold(0xb7_04ce, |crc: u32, byte| {
        (0..8).fold(crc ^ u32::from(*byte) << 16, |crc, _| {
            let shifted = crc << 1;
            if shifted & 0x100_0000 != 0 { shifted ^ POLYNOMIAL } else { shifted }
        })
    });
    sum & 0xff_ffff
}
