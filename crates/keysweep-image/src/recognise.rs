//! Which format is it? The table of formats.

use crate::builder::Builder;
use crate::format;
use crate::image::{Format, Image, Label, Permissions};
use crate::limits;
use crate::read::{ReadAt, read_vec};

/// A format: how to tell it by the first bytes of a source, and how to read its tables.
pub(crate) struct Reader {
    /// The format if the start of a source (up to [`limits::HEAD_BYTES`]) shows it.
    pub(crate) detect: fn(head: &[u8]) -> Option<Format>,
    /// Adds what the tables say.
    pub(crate) read: fn(image: &mut Builder<'_>, head: &[u8]),
}

/// All formats, in the order they are tried; the first that detects itself reads the source.
const READERS: &[Reader] = &[
    format::elf_core::READER,
    format::elf::READER,
    format::minidump::READER,
    format::windows_kernel::READER,
    format::pe::READER,
    format::macho::READER,
    format::lime::READER,
    format::hprof::READER,
    format::compressed::READER,
    format::archive::READER,
    format::text::READER,
];

/// Recognises a source and reads its tables. Never fails: what is unknown is text or raw, and what is damaged is read
/// as far as it goes, with warnings.
#[must_use]
pub fn recognise(src: &dyn ReadAt) -> Image {
    recognise_by(src, &head_of(src))
}

/// A source whose bytes are known to be memory from `address` on, though they do not say so.
#[must_use]
pub fn memory(src: &dyn ReadAt, address: u64) -> Image {
    let mut image = Builder::new(src, Format::Memory);
    image.region(0, src.len(), Some(address), Label::Contents, Permissions::Unknown);
    image.finish()
}

/// The format of a source by its first bytes alone, of which up to 64 KiB are looked at: without its tables.
#[must_use]
pub fn detect(head: &[u8]) -> Format {
    let head = &head[..head.len().min(limits::HEAD_BYTES)];
    READERS.iter().find_map(|reader| (reader.detect)(head)).unwrap_or(Format::Raw)
}

/// The bytes at the start of a source by which it is recognised.
pub(crate) fn head_of(src: &dyn ReadAt) -> Vec<u8> {
    read_vec(src, 0, limits::HEAD_BYTES as u64)
}

/// As [`recognise`], by a head that was read.
pub(crate) fn recognise_by(src: &dyn ReadAt, head: &[u8]) -> Image {
    for reader in READERS {
        if let Some(format) = (reader.detect)(head) {
            let mut image = Builder::new(src, format);
            (reader.read)(&mut image, head);
            return image.finish();
        }
    }
    Builder::new(src, Format::Raw).finish()
}
