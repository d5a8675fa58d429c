//! All objects of a pack, each inflated once.
//!
//! Most objects of a pack are stored as deltas against others. Asked for one by one, each costs its whole chain of bases, or
//! a large cache. So a pack is read in *families*: an object that is stored as a whole, then all that are deltas against it, and
//! so on downwards. On the way down a base is held only while there is more than one child left, and the child with the largest
//! family comes last: thus of a family of n objects at most log2(n) are held at a time.

use crate::delta;
use crate::repository::reason;
use gix::odb::pack::{data, index};
use gix::{ObjectId, oid};
use std::path::Path;

/// No entry.
const NONE: u32 = u32::MAX;

/// A pack with its index, and the families of its objects.
pub(crate) struct Pack {
    index: index::File,
    data: data::File,
    entries: Vec<Entry>,
    /// Entries whose header cannot be read, or whose base is not in the pack.
    pub(crate) broken: Vec<(ObjectId, &'static str)>,
    /// Entries that are stored as a whole, by offset.
    pub(crate) families: Vec<u32>,
}

/// An object of the pack; links are positions in the list of entries.
struct Entry {
    offset: u64,
    /// Position in the index, which tells the id.
    index: u32,
    first_child: u32,
    next_sibling: u32,
    /// Objects in the family below it, itself included, as far as bases come before their deltas.
    family: u32,
}

/// What is read of an object.
pub(crate) enum Read<'a> {
    /// Its bytes.
    Bytes(&'a [u8]),
    /// It is larger than the limit: its size.
    TooLarge(u64),
    /// Why it cannot be read.
    Broken(String),
}

/// Buffers of one thread.
#[derive(Default)]
pub(crate) struct Buffers {
    inflate: gix::zlib::Inflate,
    delta: Vec<u8>,
    spare: Vec<Vec<u8>>,
}

/// An object on the way down a family.
struct Held {
    bytes: Vec<u8>,
    next: u32,
    /// The child that comes last.
    last: u32,
}

impl Pack {
    /// Opens the pack that belongs to an index.
    ///
    /// # Errors
    ///
    /// Either file cannot be read, or is none.
    pub(crate) fn open(path: &Path, hash: gix::hash::Kind) -> Result<Self, String> {
        let index = index::File::at(path, hash).map_err(|error| reason(&error))?;
        let path = path.with_extension("pack");
        let size = std::fs::metadata(&path).map_or(u64::MAX, |metadata| metadata.len());
        if size < (data::header::SIZE + hash.len_in_bytes()) as u64 {
            return Err("its pack is cut off".to_owned());
        }
        let data = data::File::at(path, hash).map_err(|error| reason(&error))?;
        let mut entries: Vec<Entry> = (0..index.num_objects())
            .map(|i| Entry {
                offset: index.pack_offset_at_index(i),
                index: i,
                first_child: NONE,
                next_sibling: NONE,
                family: 1,
            })
            .collect();
        entries.sort_unstable_by_key(|entry| entry.offset);
        let mut pack = Self { index, data, entries, broken: Vec::new(), families: Vec::new() };
        pack.link();
        Ok(pack)
    }

    /// Whether the pack ends as its index says. One that is cut off does not, and its last objects are missing.
    pub(crate) fn is_whole(&self) -> bool {
        self.data.checksum() == self.index.pack_checksum()
    }

    /// Finds the base of each entry. Backwards, so that children are listed by offset and families are counted.
    fn link(&mut self) {
        let mut by_id = false;
        for position in (0..self.entries.len()).rev() {
            let entry = &self.entries[position];
            let header = match self.data.entry(entry.offset) {
                Ok(entry) => entry,
                Err(_) => {
                    self.broken.push((self.id(position as u32), "its header in the pack cannot be read"));
                    continue;
                }
            };
            let base = match header.header {
                data::entry::Header::OfsDelta { base_distance } => {
                    header.checked_base_pack_offset(base_distance).and_then(|offset| self.position(offset))
                }
                data::entry::Header::RefDelta { base_id } => {
                    by_id = true;
                    self.index.lookup(base_id).and_then(|i| self.position(self.index.pack_offset_at_index(i)))
                }
                _ => {
                    self.families.push(position as u32);
                    continue;
                }
            };
            match base.filter(|base| *base != position) {
                Some(base) => {
                    let family = self.entries[position].family;
                    let next = std::mem::replace(&mut self.entries[base].first_child, position as u32);
                    self.entries[position].next_sibling = next;
                    self.entries[base].family = self.entries[base].family.saturating_add(family);
                }
                None => {
                    self.broken.push((self.id(position as u32), "the object it is a delta against is not in the pack"))
                }
            }
        }
        self.families.reverse();
        if by_id {
            self.find_circles();
        }
    }

    /// Deltas whose bases are named by id can name each other; then no family holds them.
    fn find_circles(&mut self) {
        let mut reached = vec![false; self.entries.len()];
        let mut open = self.families.clone();
        while let Some(position) = open.pop() {
            reached[position as usize] = true;
            open.extend(self.siblings(self.entries[position as usize].first_child));
        }
        let known: std::collections::HashSet<ObjectId> = self.broken.iter().map(|(id, _)| *id).collect();
        let lost = (0..self.entries.len()).filter(|p| !reached[*p]).map(|p| self.id(p as u32));
        let lost: Vec<ObjectId> = lost.filter(|id| !known.contains(id)).collect();
        self.broken.extend(lost.into_iter().map(|id| (id, "its chain of deltas does not end")));
    }

    fn position(&self, offset: u64) -> Option<usize> {
        self.entries.binary_search_by_key(&offset, |entry| entry.offset).ok()
    }

    pub(crate) fn id(&self, position: u32) -> ObjectId {
        self.index.oid_at_index(self.entries[position as usize].index).to_owned()
    }

    pub(crate) fn contains(&self, id: &oid) -> bool {
        self.index.lookup(id).is_some()
    }

    /// Reads a family, and hands each of its objects to `visit`. Objects larger than `limit` bytes are not inflated.
    pub(crate) fn family(
        &self,
        root: u32,
        limit: u64,
        buffers: &mut Buffers,
        visit: &mut dyn FnMut(gix::objs::Kind, ObjectId, Read<'_>),
    ) {
        let Some(kind) = self.header(root).and_then(|entry| entry.header.as_kind()) else {
            // When the pack was opened, it was there; whatever it was, none of its family is read.
            let failure = Read::Broken("its header cannot be read".to_owned());
            return self.give_up(root, failure, &mut |id, read| visit(gix::objs::Kind::Blob, id, read));
        };
        let mut visit = |id, read: Read<'_>| visit(kind, id, read);
        let mut bytes = buffers.spare.pop().unwrap_or_default();
        let mut way: Vec<Held> = Vec::new();
        let mut current = match self.whole(root, limit, buffers, &mut bytes) {
            Ok(()) => {
                visit(self.id(root), Read::Bytes(&bytes));
                Some(self.hold(root, bytes))
            }
            Err(failure) => {
                self.give_up(root, failure, &mut visit);
                buffers.spare.push(bytes);
                None
            }
        };
        while let Some(mut held) = current.take().or_else(|| way.pop()) {
            let Some(child) = self.next_child(&mut held) else {
                buffers.recycle(held.bytes);
                continue;
            };
            let mut bytes = buffers.spare.pop().unwrap_or_default();
            let outcome = self.delta(child, &held.bytes, limit, buffers, &mut bytes);
            if held.next == NONE && held.last == NONE {
                buffers.recycle(held.bytes);
            } else {
                way.push(held);
            }
            match outcome {
                Ok(()) => {
                    visit(self.id(child), Read::Bytes(&bytes));
                    current = Some(self.hold(child, bytes));
                }
                Err(failure) => {
                    self.give_up(child, failure, &mut visit);
                    buffers.recycle(bytes);
                }
            }
        }
    }

    fn hold(&self, position: u32, bytes: Vec<u8>) -> Held {
        let next = self.entries[position as usize].first_child;
        let last = self.siblings(next).max_by_key(|child| self.entries[*child as usize].family).unwrap_or(NONE);
        Held { bytes, next, last }
    }

    fn next_child(&self, held: &mut Held) -> Option<u32> {
        while held.next != NONE {
            let child = held.next;
            held.next = self.entries[child as usize].next_sibling;
            if child != held.last {
                return Some(child);
            }
        }
        let last = std::mem::replace(&mut held.last, NONE);
        (last != NONE).then_some(last)
    }

    fn siblings(&self, first: u32) -> impl Iterator<Item = u32> + '_ {
        let some = |position: u32| (position != NONE).then_some(position);
        std::iter::successors(some(first), move |p| some(self.entries[*p as usize].next_sibling))
    }

    /// Says of an object and all that need it why they are not read.
    fn give_up(&self, root: u32, failure: Read<'_>, visit: &mut dyn FnMut(ObjectId, Read<'_>)) {
        let mut below: Vec<u32> = self.siblings(self.entries[root as usize].first_child).collect();
        let id = self.id(root);
        visit(id, failure);
        while let Some(position) = below.pop() {
            visit(self.id(position), Read::Broken(format!("it is a delta against {id}, which was not read")));
            below.extend(self.siblings(self.entries[position as usize].first_child));
        }
    }

    fn header(&self, position: u32) -> Option<data::Entry> {
        self.data.entry(self.entries[position as usize].offset).ok()
    }

    fn whole(&self, at: u32, limit: u64, buffers: &mut Buffers, out: &mut Vec<u8>) -> Result<(), Read<'static>> {
        let entry = self.header(at).ok_or_else(|| Read::Broken("its header cannot be read".to_owned()))?;
        self.inflate(&entry, limit, &mut buffers.inflate, out)
    }

    fn delta(
        &self,
        at: u32,
        base: &[u8],
        limit: u64,
        buffers: &mut Buffers,
        out: &mut Vec<u8>,
    ) -> Result<(), Read<'static>> {
        let entry = self.header(at).ok_or_else(|| Read::Broken("its header cannot be read".to_owned()))?;
        self.inflate(&entry, limit, &mut buffers.inflate, &mut buffers.delta)?;
        let broken = || Read::Broken("its delta is damaged".to_owned());
        let (_, size) = delta::sizes(&buffers.delta).ok_or_else(broken)?;
        if size > limit {
            return Err(Read::TooLarge(size));
        }
        delta::apply(base, &buffers.delta, out).ok_or_else(broken)
    }

    fn inflate(
        &self,
        entry: &data::Entry,
        limit: u64,
        inflate: &mut gix::zlib::Inflate,
        out: &mut Vec<u8>,
    ) -> Result<(), Read<'static>> {
        let size = entry.decompressed_size;
        if size > limit {
            return Err(Read::TooLarge(size));
        }
        // zlib makes at most 1032 bytes of one; a header that claims more than the pack can hold reserves nothing.
        if size / 1_032 > self.data.data_len() as u64 {
            return Err(Read::Broken("its stated size is more than the pack can hold".to_owned()));
        }
        out.clear();
        out.resize(size as usize, 0);
        match self.data.decompress_entry(entry, inflate, out) {
            Ok(_) => Ok(()),
            Err(error) => Err(Read::Broken(reason(&error))),
        }
    }
}

impl Buffers {
    /// Keeps a buffer for the next object, unless it is large.
    fn recycle(&mut self, bytes: Vec<u8>) {
        const KEEP: usize = 4 << 20;
        const BUFFERS: usize = 32;
        if bytes.capacity() <= KEEP && self.spare.len() < BUFFERS {
            self.spare.push(bytes);
        }
    }
}
