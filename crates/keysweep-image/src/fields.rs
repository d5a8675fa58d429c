//! Checked access to the integers and strings of a binary record.

/// The bytes of a record with the byte order (and, for ELF, the word size) of its producer.
#[derive(Clone, Copy)]
pub(crate) struct Fields<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) big_endian: bool,
}

impl<'a> Fields<'a> {
    pub(crate) fn little(bytes: &'a [u8]) -> Self {
        Self { bytes, big_endian: false }
    }

    fn array<const N: usize>(&self, offset: usize) -> Option<[u8; N]> {
        let end = offset.checked_add(N)?;
        let mut array: [u8; N] = self.bytes.get(offset..end)?.try_into().ok()?;
        if self.big_endian {
            array.reverse();
        }
        Some(array)
    }

    pub(crate) fn u16(&self, offset: usize) -> Option<u16> {
        self.array(offset).map(u16::from_le_bytes)
    }

    pub(crate) fn u32(&self, offset: usize) -> Option<u32> {
        self.array(offset).map(u32::from_le_bytes)
    }

    pub(crate) fn u64(&self, offset: usize) -> Option<u64> {
        self.array(offset).map(u64::from_le_bytes)
    }

    /// A 4-byte or 8-byte unsigned integer, by the word size of the producer.
    pub(crate) fn word(&self, offset: usize, is_64: bool) -> Option<u64> {
        if is_64 { self.u64(offset) } else { self.u32(offset).map(u64::from) }
    }

    /// The text of a fixed field of `len` bytes, up to its first NUL, with what is not printable replaced.
    pub(crate) fn text(&self, offset: usize, len: usize) -> Option<String> {
        let field = self.bytes.get(offset..)?;
        Some(text(field.get(..len).unwrap_or(field)))
    }
}

/// The text up to the first NUL; what is not UTF-8 or not printable becomes U+FFFD, so that it cannot steer a terminal.
pub(crate) fn text(bytes: &[u8]) -> String {
    let bytes = bytes.get(..crate::limits::NAME_BYTES).unwrap_or(bytes);
    let bytes = bytes.split(|byte| *byte == 0).next().unwrap_or_default();
    printable(&String::from_utf8_lossy(bytes))
}

/// The text of UTF-16LE bytes, in the same way.
pub(crate) fn text_utf16(bytes: &[u8]) -> String {
    let units = bytes.as_chunks::<2>().0.iter().map(|pair| u16::from_le_bytes(*pair));
    let units = units.take_while(|unit| *unit != 0).take(crate::limits::NAME_BYTES);
    let decoded: String = char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect();
    printable(&decoded)
}

/// [`text`] for the short names of sections and members.
pub(crate) fn short_text(bytes: &[u8]) -> String {
    text(bytes.get(..crate::limits::LABEL_BYTES).unwrap_or(bytes))
}

fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).collect()
}
