//! Records of reftables: names that share a beginning with the one before, and what follows them.

use gix::{ObjectId, hash};

/// Longest name of a ref in bytes; git's own blocks of 4 KiB hold less.
const MAX_NAME: usize = 1 << 16;

/// What a ref is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    /// Gone, whatever older tables say.
    Deleted,
    /// It names an object.
    Object(ObjectId),
    /// It stands for another ref.
    Symbolic(Vec<u8>),
}

/// A line of the log of a ref.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LogEntry<'a> {
    /// What the ref named before.
    pub(crate) old: ObjectId,
    /// What it names since.
    pub(crate) new: ObjectId,
    pub(crate) name: &'a [u8],
    pub(crate) email: &'a [u8],
    /// Seconds since 1970 UTC.
    pub(crate) seconds: u64,
    /// Minutes by which local time is ahead of UTC.
    pub(crate) zone: i16,
    pub(crate) message: &'a [u8],
}

/// A record of a log.
pub(super) struct LogRecord<'a> {
    /// The name of the ref.
    pub(super) name: &'a [u8],
    /// The number of the transaction.
    pub(super) number: u64,
    /// The line; none if it was deleted.
    pub(super) entry: Option<LogEntry<'a>>,
}

/// Reads the records of a block one after the other.
pub(super) struct Records<'a> {
    rest: &'a [u8],
    hash: hash::Kind,
    /// The key of the last record; it may come from the block before, as keys go on rising.
    key: &'a mut Vec<u8>,
    /// Whether this is the first record of the block.
    first: bool,
}

impl<'a> Records<'a> {
    /// The records in `bytes`, after the one with `key`.
    pub(super) fn new(bytes: &'a [u8], hash: hash::Kind, key: &'a mut Vec<u8>) -> Self {
        Self { rest: bytes, hash, key, first: true }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// The next ref with its value; `None` if there is none, or none that makes sense.
    pub(super) fn reference(&mut self) -> Option<(&[u8], Target)> {
        let kind = self.next_key()?;
        let _update_index = self.varint()?;
        let target = match kind {
            0 => Target::Deleted,
            1 => Target::Object(self.id()?),
            2 => {
                let id = self.id()?;
                let _peeled = self.id()?;
                Target::Object(id)
            }
            3 => Target::Symbolic(self.string()?.to_vec()).bounded()?,
            _ => return None,
        };
        Some((self.key, target))
    }

    /// The next line of a log.
    pub(super) fn log(&mut self) -> Option<LogRecord<'_>> {
        let entry = match self.next_key()? {
            0 => None,
            1 => Some(LogEntry {
                old: self.id()?,
                new: self.id()?,
                name: self.string()?,
                email: self.string()?,
                seconds: self.varint()?,
                zone: i16::from_be_bytes(*self.take(2)?.first_chunk()?),
                message: self.string()?,
            }),
            _ => return None,
        };
        let (name, number) = self.key.split_last_chunk::<8>()?;
        Some(LogRecord { name: name.strip_suffix(&[0])?, number: u64::MAX - u64::from_be_bytes(*number), entry })
    }

    /// Goes on to the next key, which must be greater than the one before; what kind of value it has.
    fn next_key(&mut self) -> Option<u8> {
        let shared = usize::try_from(self.varint()?).ok()?;
        let suffix = self.varint()?;
        let kind = (suffix & 7) as u8;
        let suffix = self.take(usize::try_from(suffix >> 3).ok()?)?;
        // The first of a block stands by itself.
        let is_sound = shared <= self.key.len() && (shared == 0 || !self.first) && shared + suffix.len() <= MAX_NAME;
        // Beyond what they share, the greater key has the greater byte, or goes on where the other one ends.
        if !is_sound || suffix <= &self.key[shared..] {
            return None;
        }
        self.key.truncate(shared);
        self.key.extend_from_slice(suffix);
        self.first = false;
        Some(kind)
    }

    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(taken)
    }

    fn id(&mut self) -> Option<ObjectId> {
        ObjectId::try_from(self.take(self.hash.len_in_bytes())?).ok()
    }

    fn string(&mut self) -> Option<&'a [u8]> {
        let length = self.varint()?;
        self.take(usize::try_from(length).ok()?)
    }

    /// A number in groups of seven bits, as in packs: each byte that is followed by another one adds one.
    fn varint(&mut self) -> Option<u64> {
        let mut value = 0u64;
        loop {
            let byte = *self.take(1)?.first()?;
            value |= u64::from(byte & 0x7f);
            if byte & 0x80 == 0 {
                return Some(value);
            }
            value = value.checked_add(1).filter(|value| value.leading_zeros() >= 7)? << 7;
        }
    }
}

impl Target {
    fn bounded(self) -> Option<Self> {
        let is_long = matches!(&self, Self::Symbolic(name) if name.len() > MAX_NAME);
        (!is_long).then_some(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn varint(bytes: &[u8]) -> Option<u64> {
        let mut key = Vec::new();
        let mut records = Records::new(bytes, hash::Kind::Sha1, &mut key);
        records.varint().filter(|_| records.is_empty())
    }

    #[test]
    fn numbers_are_read_as_git_writes_them() {
        let known: [(&[u8], u64); 6] = [
            (&[0], 0),
            (&[127], 127),
            (&[0x80, 0], 128),
            (&[0x80, 0x7f], 255),
            (&[0xff, 0x7f], 16_511),
            (&[0x80, 0xfe, 0xfe, 0xfe, 0xfe, 0xfe, 0xfe, 0xfe, 0xfe, 0x7f], u64::MAX),
        ];
        for (bytes, value) in known {
            assert_eq!(varint(bytes), Some(value), "{bytes:?}");
        }
        assert_eq!(varint(&[0x80]), None);
        assert_eq!(varint(&[0x80, 0xfe, 0xfe, 0xfe, 0xfe, 0xfe, 0xfe, 0xfe, 0xff, 0x00]), None);
        assert_eq!(varint(&[0xff; 12]), None);
    }

    #[test]
    fn names_rise_and_are_bounded() {
        let read = |bytes: &[u8]| {
            let mut key = Vec::new();
            let mut records = Records::new(bytes, hash::Kind::Sha1, &mut key);
            let mut names = Vec::new();
            while !records.is_empty() {
                match records.reference() {
                    Some((name, _)) => names.push(String::from_utf8_lossy(name).into_owned()),
                    None => return None,
                }
            }
            Some(names)
        };
        // Deletions, which have no value: "a", "ab", "b".
        assert_eq!(read(b"\x00\x08a\x00\x01\x08b\x00\x00\x08b\x00").unwrap(), ["a", "ab", "b"]);
        let wrong: [&[u8]; 6] = [
            b"\x00\x08b\x00\x00\x08a\x00", // falls
            b"\x00\x08a\x00\x00\x08a\x00", // twice
            b"\x01\x08a\x00",              // shares what is not there
            b"\x00\x08a\x00\x02\x08a\x00",
            b"\x00\x0ca\x00", // a value of an unknown kind
            b"\x00\x10a",     // ends early
        ];
        for bytes in wrong {
            assert_eq!(read(bytes), None, "{bytes:?}");
        }
    }
}
