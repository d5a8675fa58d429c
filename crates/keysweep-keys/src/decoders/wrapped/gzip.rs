//! Gzip in Base64, once or twice: releases of Helm, user data of virtual machines, values in configuration.

use super::{MIN_BYTES, Unwrapped, runs};
use crate::decoder::{Anchor, Decoder, Hit, Reach, Sink};
use zeroize::Zeroizing;

/// The decoder.
pub(crate) struct Gzip;

/// Most bytes that are decompressed: more than an object of Kubernetes may hold, compressed well.
const MAX_BYTES: usize = 8 << 20;

/// From this anchor on it is Base64 of Base64.
const TWICE: usize = 2;

impl Decoder for Gzip {
    fn name(&self) -> &'static str {
        "gzip"
    }

    fn rules(&self) -> &'static [&'static str] {
        &[]
    }

    fn anchors(&self) -> &'static [Anchor] {
        // Magic, method 8 and flags below 4; then Base64 of `H4sI`.
        const ANCHORS: [Anchor; 3] = [Anchor::text("H4sIA"), Anchor::text("H4sIC"), Anchor::text("SDRzSU")];
        &ANCHORS
    }

    fn reach(&self) -> Reach {
        // The largest object of Kubernetes, in Base64 twice.
        Reach { before: 0, after: 2 << 20 }
    }

    fn decode(&self, hit: &Hit<'_>, sink: &mut Sink) {
        let Some(Unwrapped { range, bytes }) = runs::base64(hit.window, hit.anchor.start, 0) else { return };
        sink.examined_up_to(range.end);
        if hit.index >= TWICE {
            if bytes.len() >= MIN_BYTES {
                sink.nested(range, bytes, "base64");
            }
            return;
        }
        let Some(plain) = gunzip(&bytes) else { return };
        if plain.len() >= MIN_BYTES {
            sink.nested(range, plain, "gzip in base64");
        }
    }
}

/// The bytes of a gzip member (RFC 1952), as far as they can be decompressed.
fn gunzip(bytes: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let [0x1f, 0x8b, 8, flags, _, _, _, _, _, _, rest @ ..] = bytes else { return None };
    let mut rest = rest;
    if flags & 4 != 0 {
        let length = usize::from(u16::from_le_bytes([*rest.first()?, *rest.get(1)?]));
        rest = rest.get(2 + length..)?;
    }
    // Name and comment, each with a zero at its end.
    for flag in [8, 16] {
        if flags & flag != 0 {
            rest = &rest[memchr::memchr(0, rest)? + 1..];
        }
    }
    if flags & 2 != 0 {
        rest = rest.get(2..)?;
    }
    match miniz_oxide::inflate::decompress_to_vec_with_limit(rest, MAX_BYTES) {
        Ok(plain) => Some(Zeroizing::new(plain)),
        Err(failed) => Some(Zeroizing::new(failed.output)).filter(|output| !output.is_empty()),
    }
}
