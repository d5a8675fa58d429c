//! OpenSSH's key files (`PROTOCOL.key`): in armour, as bare Base64, and as bytes.

use super::TOKEN_KEY;
use super::container::{Container, MAGIC};
use crate::decoder::{Anchor, Decoder, Hit, Reach, Sink};
use crate::decoders::armour::{self, Block};
use crate::decoders::text::base64_symbols;
use memchr::memmem;
use std::ops::Range;
use zeroize::Zeroizing;

/// The decoder.
pub(crate) struct OpenSsh;

const RULE: &str = "openssh-private-key";
/// Longest text between the dashes of the first line and the body, line ends in all their spellings included.
const MAX_GAP: usize = 256;
/// Symbols of a body that hold the names of cipher and key derivation and the type of the first key.
const BEGINNING: usize = 160;
/// Symbols of most keys.
const SHORT: usize = 6 << 10;
/// Index of the anchor for bytes.
const BINARY: usize = 1;

impl Decoder for OpenSsh {
    fn name(&self) -> &'static str {
        "openssh"
    }

    fn rules(&self) -> &'static [&'static str] {
        &[RULE, TOKEN_KEY]
    }

    fn anchors(&self) -> &'static [Anchor] {
        const ANCHORS: [Anchor; 2] = [
            // The magic in Base64: 15 bytes are 20 characters.
            Anchor::text("b3BlbnNzaC1rZXktdjEA"),
            Anchor::binary(MAGIC),
        ];
        &ANCHORS
    }

    fn reach(&self) -> Reach {
        Reach { before: armour::REACH.before + MAX_GAP, after: armour::REACH.after }
    }

    fn decode(&self, hit: &Hit<'_>, sink: &mut Sink) {
        if hit.index == BINARY {
            report(hit.from_anchor(), "OpenSSH v1 binary", sink, |length| hit.anchor.start..hit.anchor.start + length);
            return;
        }
        if !begins(hit.from_anchor()) {
            return;
        }
        if let Some(block) = block(hit) {
            let read = block.bodies().any(|body| report(&body, "OpenSSH v1", sink, |length| block.covering(length)));
            if read {
                return sink.examined_up_to(block.range.end);
            }
        }
        bare(hit, sink);
    }
}

/// Whether a key file goes on behind its magic. Most texts that hold the magic are about the format.
fn begins(text: &[u8]) -> bool {
    let symbols: Vec<u8> = base64_symbols(text).take(BEGINNING).map(|(_, symbol)| symbol).collect();
    // Escapes that only the block's reader undoes may stand after the first line.
    symbols.len() < BEGINNING || Container::begins(&armour::decode(&symbols))
}

/// A body without its armour. Most keys are short; the rest is read only for those that are not.
fn bare(hit: &Hit<'_>, sink: &mut Sink) {
    for most in [SHORT, usize::MAX] {
        let symbols: Vec<(usize, u8)> = base64_symbols(hit.from_anchor()).take(most).collect();
        let plain: Zeroizing<Vec<u8>> = Zeroizing::new(symbols.iter().map(|(_, symbol)| *symbol).collect());
        let body = armour::decode(&plain);
        let start = hit.anchor.start;
        let place = |length: usize| {
            let last = (length * 4).div_ceil(3).min(symbols.len());
            start..start + symbols.get(last.saturating_sub(1)).map_or(0, |(end, _)| *end)
        };
        match Container::read(&body) {
            None => return,
            Some(container) if !container.whole && symbols.len() == most => continue,
            Some(_) => {}
        }
        if report(&body, "OpenSSH v1 in Base64", sink, place) {
            sink.examined_up_to(hit.anchor.end);
        }
        return;
    }
}

/// The armoured block that the body at the anchor belongs to.
fn block<'a>(hit: &Hit<'a>) -> Option<Block<'a>> {
    let from = hit.anchor.start.saturating_sub(MAX_GAP);
    let dashes = memmem::rfind(&hit.window[from..hit.anchor.start], b"-----")?;
    Block::at(hit.window, from + dashes + b"-----".len())
}

/// Reports the keys of the container at the start of `bytes`; `place` says where so many bytes of it lie.
fn report(bytes: &[u8], encoding: &'static str, sink: &mut Sink, place: impl Fn(usize) -> Range<usize>) -> bool {
    let Some(container) = Container::read(bytes) else { return false };
    let keys = container.keys(encoding);
    let found = !keys.is_empty();
    for (material, rule) in keys {
        sink.key(rule.unwrap_or(RULE), place(container.length), material);
    }
    found
}
