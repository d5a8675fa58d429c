//! Dumps whose pages are compressed: their bytes do not show the memory, and a scan must not look complete. Some of them
//! [`open`](crate::open) unpacks, if they can be read at any place and their headers make sense.
//!
//! Sources: makedumpfile's `diskdump_mod.h` and its flattened format in `makedumpfile(8)`; AVML's documentation; the
//! Windows hibernation file as the Volatility project describes it.

use crate::builder::Builder;
use crate::image::{Format, WarningKind};
use crate::recognise::Reader;

pub(crate) const READER: Reader = Reader { detect, read };

fn detect(head: &[u8]) -> Option<Format> {
    kind(head).map(|_| Format::CompressedDump)
}

/// What wrote the dump, and how to make it readable.
fn kind(head: &[u8]) -> Option<(&'static str, &'static str)> {
    // All of these are binary: a text that begins with the same letters has no NUL so soon.
    if !head.get(..32)?.contains(&0) {
        return None;
    }
    let (name, advice) = match head {
        [b'K', b'D', b'U', b'M', b'P', b' ', b' ', b' ', ..] | [b'D', b'I', b'S', b'K', b'D', b'U', b'M', b'P', ..] => {
            ("a compressed kernel dump", "convert it with `makedumpfile -E`")
        }
        [b'm', b'a', b'k', b'e', b'd', b'u', b'm', b'p', b'f', b'i', b'l', b'e', 0, ..] => {
            ("a flattened kernel dump", "rearrange it with `makedumpfile -R`")
        }
        [b'A', b'V', b'M', b'L', 2, 0, 0, 0, ..] => ("a compressed AVML image", "convert it with `avml-convert`"),
        [b'h' | b'H', b'i' | b'I', b'b' | b'B', b'r' | b'R', ..] => {
            ("a Windows hibernation file", "convert it to a raw memory image")
        }
        _ => return None,
    };
    Some((name, advice))
}

fn read(image: &mut Builder<'_>, head: &[u8]) {
    if let Some((name, advice)) = kind(head) {
        image.warn(WarningKind::Unsupported, format!("this is {name}, the scan does not see its memory: {advice}"));
    }
}
