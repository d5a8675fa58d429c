//! Just enough of Java's object serialization (Java Object Serialization Specification, chapter 6) to walk over a sealed
//! object in a JCEKS store, and to take the key out of what was sealed.

use crate::decoders::fields::Fields;

/// Descriptions of classes, and objects that later ones refer to.
const MAX_HANDLES: usize = 64;
/// How deep objects and base classes may nest.
const MAX_DEPTH: usize = 8;
/// Fields of a class.
const MAX_FIELDS: u16 = 32;

const NULL: u8 = 0x70;
const REFERENCE: u8 = 0x71;
const CLASS: u8 = 0x72;
const OBJECT: u8 = 0x73;
const STRING: u8 = 0x74;
const ARRAY: u8 = 0x75;
const END: u8 = 0x78;
const ENUM: u8 = 0x7e;
/// Handles count from here.
const FIRST_HANDLE: u32 = 0x7e_0000;
/// Flags of a class that writes its fields itself, or in another way.
const UNKNOWN_FLAGS: u8 = 0x01 | 0x04 | 0x08;

/// What an object holds, in the order in which it was written.
#[derive(Default)]
pub(super) struct Values<'a> {
    pub(super) arrays: Vec<&'a [u8]>,
    pub(super) strings: Vec<&'a [u8]>,
    /// Bytes that the stream spans.
    pub(super) length: usize,
}

/// The object of the stream at the start of `bytes`.
pub(super) fn read(bytes: &[u8]) -> Option<Values<'_>> {
    let mut walk = Walk { fields: Fields::big(bytes, 0), handles: Vec::new(), values: Values::default() };
    if walk.fields.take(4)? != [0xac, 0xed, 0, 5] {
        return None;
    }
    walk.value(0)?;
    walk.values.length = walk.fields.at;
    Some(walk.values)
}

#[derive(Clone)]
struct Class {
    name: Vec<u8>,
    /// Type codes of the fields, those of base classes first.
    fields: Vec<u8>,
}

struct Walk<'a> {
    fields: Fields<'a>,
    /// What a handle stands for: a class, or something that needs no second look.
    handles: Vec<Option<Class>>,
    values: Values<'a>,
}

impl<'a> Walk<'a> {
    fn handle(&mut self, class: Option<Class>) -> Option<usize> {
        (self.handles.len() < MAX_HANDLES).then(|| self.handles.push(class))?;
        Some(self.handles.len() - 1)
    }

    fn referred(&mut self) -> Option<Option<Class>> {
        let index = self.fields.u32()?.checked_sub(FIRST_HANDLE)?;
        self.handles.get(usize::try_from(index).ok()?).cloned()
    }

    fn value(&mut self, depth: usize) -> Option<()> {
        if depth > MAX_DEPTH {
            return None;
        }
        match self.fields.u8()? {
            NULL => {}
            REFERENCE => drop(self.referred()?),
            STRING => {
                let text = self.fields.short()?;
                self.values.strings.push(text);
                self.handle(None)?;
            }
            ARRAY => {
                let class = self.class(depth + 1)??;
                self.handle(None)?;
                let bytes = self.fields.long()?; // An array of bytes: its length is a number of bytes.
                (class.name == b"[B").then(|| self.values.arrays.push(bytes))?;
            }
            OBJECT => {
                let class = self.class(depth + 1)??;
                self.handle(None)?;
                for code in class.fields {
                    match code {
                        b'B' | b'Z' => drop(self.fields.u8()?),
                        b'C' | b'S' => drop(self.fields.u16()?),
                        b'F' | b'I' => drop(self.fields.u32()?),
                        b'D' | b'J' => drop(self.fields.u64()?),
                        _ => self.value(depth + 1)?,
                    }
                }
            }
            ENUM => {
                self.class(depth + 1)??;
                self.handle(None)?;
                self.value(depth + 1)?;
            }
            _ => return None,
        }
        Some(())
    }

    /// A class description; `Some(None)` for the end of the base classes.
    fn class(&mut self, depth: usize) -> Option<Option<Class>> {
        if depth > MAX_DEPTH {
            return None;
        }
        match self.fields.u8()? {
            NULL => return Some(None),
            REFERENCE => return self.referred()?.map(Some),
            CLASS => {}
            _ => return None,
        }
        let name = self.fields.short()?.to_vec();
        self.fields.u64()?; // Version.
        let handle = self.handle(None)?;
        let flags = self.fields.u8()?;
        let count = self.fields.u16().filter(|count| *count <= MAX_FIELDS)?;
        let mut own = Vec::new();
        for _ in 0..count {
            let code = self.fields.u8()?;
            self.fields.short()?; // Name.
            if code == b'L' || code == b'[' {
                self.type_name()?;
            }
            own.push(code);
        }
        if flags & UNKNOWN_FLAGS != 0 || self.fields.u8()? != END {
            return None;
        }
        let base = self.class(depth + 1)?;
        let fields = base.map(|base| base.fields).unwrap_or_default().into_iter().chain(own).collect();
        let class = Class { name, fields };
        self.handles[handle] = Some(class.clone());
        Some(Some(class))
    }

    /// The type of a field that is an object: a string, or one that was written before.
    fn type_name(&mut self) -> Option<()> {
        match self.fields.u8()? {
            STRING => {
                self.fields.short()?;
                self.handle(None).map(drop)
            }
            REFERENCE => self.referred().map(drop),
            _ => None,
        }
    }
}
