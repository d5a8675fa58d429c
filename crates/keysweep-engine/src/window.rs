//! The bytes around a hit: from the chunk at hand where they are in it, read again where not, and from UTF-16 made
//! into bytes.

use keysweep_image::ReadAt;
use keysweep_keys::secret::Buffer;
use keysweep_match::{Encoding, Hit};
use std::ops::Range;

/// The chunk that is being searched, and the source it is from.
pub(crate) struct Chunk<'a> {
    pub(crate) source: &'a dyn ReadAt,
    pub(crate) bytes: &'a [u8],
    /// Offset of `bytes[0]` in the source.
    pub(crate) offset: u64,
}

/// The bytes around a hit, as a decoder or rule sees them.
pub(crate) struct Window<'a> {
    pub(crate) bytes: &'a [u8],
    /// Where the anchor stands in `bytes`.
    pub(crate) anchor: Range<usize>,
    /// Offset in the source of the first byte.
    offset: u64,
    /// Bytes in the source for each byte here: 2 for UTF-16.
    width: u64,
    /// Where the width is that of letters, not of bytes: which letter each byte belongs to, and one more for the end.
    letters: Option<&'a [u32]>,
    /// Bytes that were read or written to make it.
    pub(crate) made: usize,
}

impl Window<'_> {
    /// The place in the source of a range in [`Window::bytes`]: offset and length.
    pub(crate) fn place(&self, range: &Range<usize>) -> (u64, u64) {
        let (start, end) = (self.end_of(range.start), self.end_of(range.end));
        (start, end - start)
    }

    /// The offset in the source of an offset in [`Window::bytes`].
    pub(crate) fn end_of(&self, end: usize) -> u64 {
        let letter = self.letters.and_then(|letters| letters.get(end).map(|letter| *letter as usize));
        self.offset + self.width * letter.unwrap_or(end) as u64
    }

    /// Whether the window ends where the source of this length ends.
    pub(crate) fn at_end(&self, source: u64) -> bool {
        self.end_of(self.bytes.len()) + self.width > source
    }

    /// Whether the window begins where the source begins.
    pub(crate) fn at_start(&self) -> bool {
        self.offset == 0
    }
}

/// Buffers that windows are made in, reused from hit to hit.
#[derive(Default)]
pub(crate) struct Scratch {
    read: Buffer,
    text: Buffer,
    /// As [`Window::letters`].
    letters: Vec<u32>,
}

impl Scratch {
    /// Gives back buffers that have grown past `limit` bytes.
    pub(crate) fn trim(&mut self, limit: usize) {
        for buffer in [&mut self.read, &mut self.text] {
            if buffer.capacity() > limit {
                *buffer = Buffer::default();
            }
        }
        if self.letters.capacity() > limit {
            self.letters = Vec::new();
        }
    }
}

/// How far a window goes: bytes before the anchor's first byte, and from it on.
#[derive(Clone, Copy)]
pub(crate) struct Span {
    pub(crate) before: usize,
    pub(crate) after: usize,
}

/// The bytes of the source that a window takes.
struct Reached {
    /// Bytes before the hit.
    before: usize,
    from: u64,
    to: u64,
}

impl<'a> Chunk<'a> {
    /// The window around the hit at `hit` (a range in the chunk). A read error shortens it.
    pub(crate) fn window<'s>(
        &self,
        hit: Range<usize>,
        encoding: Encoding,
        span: Span,
        scratch: &'s mut Scratch,
    ) -> Window<'s>
    where
        'a: 's,
    {
        let width = if encoding == Encoding::Bytes { 1 } else { 2 };
        let Reached { before, from, to } = self.reach(&hit, width, span);
        let raw = self.slice(from, to, &mut scratch.read);
        let anchor = before..before + hit.len();
        if width == 1 {
            let is_copy = !self.holds(from, to);
            return Window {
                bytes: raw,
                anchor,
                offset: from,
                width: 1,
                letters: None,
                made: if is_copy { raw.len() } else { 0 },
            };
        }
        transcode(raw, encoding, &mut scratch.text);
        let anchor = anchor.start / 2..anchor.end / 2;
        Window { bytes: &scratch.text, anchor, offset: from, width: 2, letters: None, made: raw.len() }
    }

    /// As [`Chunk::window`] for UTF-16, with the text in UTF-8 rather than nothing in place of what is not ASCII.
    pub(crate) fn text_window<'s>(
        &self,
        hit: Range<usize>,
        encoding: Encoding,
        span: Span,
        scratch: &'s mut Scratch,
    ) -> Window<'s>
    where
        'a: 's,
    {
        let Reached { before, from, to } = self.reach(&hit, 2, span);
        let Scratch { read, text, letters } = scratch;
        let raw = self.slice(from, to, read);
        to_utf8(raw, encoding, text, letters);
        let at = |unit: usize| letters.partition_point(|letter| (*letter as usize) < unit).min(text.len());
        let anchor = at(before / 2)..at((before + hit.len()) / 2);
        Window { bytes: text, anchor, offset: from, width: 2, letters: Some(letters), made: 2 * raw.len() }
    }

    /// Whether a hit in UTF-16 is that of the other order of bytes, seen one byte beside it: between letters of ASCII every other
    /// byte is zero, so that both are there. Text begins at even offsets.
    pub(crate) fn is_shadow(&self, hit: &Hit) -> bool {
        let beside = match hit.encoding {
            Encoding::Bytes => return false,
            Encoding::Utf16Le => hit.start.checked_sub(1),
            Encoding::Utf16Be => Some(hit.end),
        };
        let both = beside.and_then(|at| self.bytes.get(at)) == Some(&0);
        both && (self.offset + hit.start as u64) % 2 == 1
    }

    /// What a window around a hit takes, in characters of so many bytes.
    fn reach(&self, hit: &Range<usize>, width: usize, span: Span) -> Reached {
        let start = self.offset + hit.start as u64;
        // Whole UTF-16 units: step back an even number of bytes from the hit.
        let before = ((span.before * width) as u64).min(start) / width as u64 * width as u64;
        let after = (span.after.max(hit.len() / width) * width) as u64;
        Reached { before: before as usize, from: start - before, to: (start + after).min(self.source.len()) }
    }

    fn holds(&self, from: u64, to: u64) -> bool {
        from >= self.offset && to <= self.offset + self.bytes.len() as u64
    }

    /// Source bytes `from..to`, out of the chunk if they are all in it.
    fn slice<'s>(&self, from: u64, to: u64, buffer: &'s mut Buffer) -> &'s [u8]
    where
        'a: 's,
    {
        if self.holds(from, to) {
            return &self.bytes[(from - self.offset) as usize..(to - self.offset) as usize];
        }
        buffer.resize((to - from) as usize, 0);
        let read = self.source.read_at(from, buffer).unwrap_or(0);
        &buffer[..read]
    }
}

/// UTF-16 to UTF-8, noting the unit that each byte is of; half a pair becomes 0xFF.
fn to_utf8(raw: &[u8], encoding: Encoding, text: &mut Vec<u8>, letters: &mut Vec<u32>) {
    let order = if encoding == Encoding::Utf16Be { u16::from_be_bytes } else { u16::from_le_bytes };
    let units = raw.chunks_exact(2).map(|unit| order([unit[0], unit[1]]));
    text.clear();
    letters.clear();
    let mut unit = 0;
    for letter in char::decode_utf16(units) {
        let mut bytes = [0xff; 4];
        let width = letter.as_ref().map_or(1, |letter| letter.encode_utf8(&mut bytes).len());
        text.extend(&bytes[..width]);
        letters.extend(std::iter::repeat_n(unit, width));
        unit += letter.map_or(1, |letter| letter.len_utf16() as u32);
    }
    letters.push(unit);
}

/// UTF-16 to one byte for each unit; what is not ASCII becomes 0xFF, which no pattern accepts. Without a branch in the loops,
/// which so become ones of vectors: this is done for the surroundings of each literal.
fn transcode(raw: &[u8], encoding: Encoding, text: &mut Vec<u8>) {
    let narrow = |code: u16| if code < 0x80 { code as u8 } else { 0xff };
    let (units, _) = raw.as_chunks::<2>();
    text.clear();
    if encoding == Encoding::Utf16Be {
        text.extend(units.iter().map(|unit| narrow(u16::from_be_bytes(*unit))));
    } else {
        text.extend(units.iter().map(|unit| narrow(u16::from_le_bytes(*unit))));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPAN: Span = Span { before: 3, after: 5 };

    #[test]
    fn windows_are_clipped_at_the_ends_and_read_across_chunks() {
        let source = b"0123456789abcdef".as_slice();
        for (start, want, anchor) in
            [(0, "01234", 0..2), (2, "0123456", 2..4), (9, "6789abcd", 3..5), (14, "bcdef", 3..5)]
        {
            // Whether the chunk holds everything or only the hit must not matter.
            for chunk in [0..16, start..start + 2] {
                let chunk = Chunk { source: &source, bytes: &source[chunk.clone()], offset: chunk.start as u64 };
                let at = start - chunk.offset as usize;
                let mut scratch = Scratch::default();
                let window = chunk.window(at..at + 2, Encoding::Bytes, SPAN, &mut scratch);
                assert_eq!((std::str::from_utf8(window.bytes).unwrap(), &window.anchor), (want, &anchor));
                assert_eq!(window.place(&window.anchor), (start as u64, 2));
            }
        }
    }

    #[test]
    fn one_order_of_bytes_is_taken_where_both_are_seen() {
        let little: Vec<u8> = "\u{feff}a KEY=b".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = "\u{feff}a KEY=b".encode_utf16().flat_map(u16::to_be_bytes).collect();
        for (text, at, encoding, shadow) in [
            (&little, 6, Encoding::Utf16Le, false),
            (&little, 5, Encoding::Utf16Be, true),
            (&big, 6, Encoding::Utf16Be, false),
            (&big, 7, Encoding::Utf16Le, true),
        ] {
            let hit = Hit { literal: 0, start: at, end: at + 6, encoding };
            let chunk = Chunk { source: &text.as_slice(), bytes: text, offset: 0 };
            assert_eq!(chunk.is_shadow(&hit), shadow, "{encoding:?} at {at}");
            // At an odd place, but the only one that is there.
            let alone = [&[1], &text[6..12], &[1]].concat();
            let chunk = Chunk { source: &alone.as_slice(), bytes: &alone, offset: 0 };
            assert!(!chunk.is_shadow(&Hit { start: 1, end: 7, ..hit }));
        }
    }

    #[test]
    fn letters_of_any_alphabet_have_their_places() {
        for (encoding, to) in
            [(Encoding::Utf16Le, u16::to_le_bytes as fn(u16) -> [u8; 2]), (Encoding::Utf16Be, u16::to_be_bytes)]
        {
            let raw: Vec<u8> = "x\u{1f511}é密码=aé😀b".encode_utf16().flat_map(to).collect();
            let chunk = Chunk { source: &raw.as_slice(), bytes: &raw, offset: 0 };
            let mut scratch = Scratch::default();
            let window = chunk.text_window(8..12, encoding, Span { before: 3, after: 6 }, &mut scratch);
            assert_eq!(window.bytes, ["🔑é密码=aé".as_bytes(), &[0xff]].concat());
            assert_eq!(&window.bytes[window.anchor.clone()], "密码".as_bytes());
            assert_eq!(window.place(&window.anchor), (8, 4));
            let behind = window.anchor.end + 1..window.anchor.end + 4;
            assert_eq!((&window.bytes[behind.clone()], window.place(&behind)), ("aé".as_bytes(), (14, 4)));
            assert_eq!(window.end_of(window.bytes.len()), 20);
        }
    }

    #[test]
    fn utf16_is_seen_as_bytes_at_its_own_alignment() {
        let mut raw = vec![0x01];
        raw.extend("xé_KEY=abcdefgh".encode_utf16().flat_map(u16::to_le_bytes));
        let hit = 7..13;
        let source = raw.as_slice();
        let chunk = Chunk { source: &source, bytes: source, offset: 0 };
        let mut scratch = Scratch::default();
        let window = chunk.window(hit, Encoding::Utf16Le, SPAN, &mut scratch);
        assert_eq!(window.bytes, b"x\xff_KEY=a");
        assert_eq!(&window.bytes[window.anchor.clone()], b"KEY");
        assert_eq!(window.place(&window.anchor), (7, 6));
    }
}
