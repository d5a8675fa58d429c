//! Reads the fields of binary formats one after the other.

/// A place in bytes, and the order of the bytes in numbers.
#[derive(Clone)]
pub(crate) struct Fields<'a> {
    bytes: &'a [u8],
    pub(crate) at: usize,
    little_endian: bool,
}

impl<'a> Fields<'a> {
    /// Big-endian numbers, from offset `at` on.
    pub(crate) fn big(bytes: &'a [u8], at: usize) -> Self {
        Self { bytes, at, little_endian: false }
    }

    /// Little-endian numbers, from offset `at` on.
    pub(crate) fn little(bytes: &'a [u8], at: usize) -> Self {
        Self { bytes, at, little_endian: true }
    }

    /// What was not read yet.
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    /// The next `length` bytes.
    pub(crate) fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let field = self.bytes.get(self.at..self.at.checked_add(length)?)?;
        self.at += length;
        Some(field)
    }

    pub(crate) fn u8(&mut self) -> Option<u8> {
        self.take(1).map(|b| b[0])
    }

    pub(crate) fn u16(&mut self) -> Option<u16> {
        let bytes = self.take(2)?.try_into().ok()?;
        Some(if self.little_endian { u16::from_le_bytes(bytes) } else { u16::from_be_bytes(bytes) })
    }

    pub(crate) fn u32(&mut self) -> Option<u32> {
        let bytes = self.take(4)?.try_into().ok()?;
        Some(if self.little_endian { u32::from_le_bytes(bytes) } else { u32::from_be_bytes(bytes) })
    }

    pub(crate) fn u64(&mut self) -> Option<u64> {
        let bytes = self.take(8)?.try_into().ok()?;
        Some(if self.little_endian { u64::from_le_bytes(bytes) } else { u64::from_be_bytes(bytes) })
    }

    /// Bytes after their length in 16 bits.
    pub(crate) fn short(&mut self) -> Option<&'a [u8]> {
        let length = self.u16()?;
        self.take(usize::from(length))
    }

    /// Bytes after their length in 32 bits.
    pub(crate) fn long(&mut self) -> Option<&'a [u8]> {
        let length = self.u32()?;
        self.take(usize::try_from(length).ok()?)
    }
}
