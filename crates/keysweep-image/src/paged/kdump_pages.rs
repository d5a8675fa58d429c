//! The pages of a compressed dump of a kernel: their descriptors, and where their bytes lie.

use std::sync::{Mutex, PoisonError};

use super::bitmap::Bitmap;
use super::codec::{Decoders, Method};
use super::kdump::Header;
use super::losses::Loss;
use super::{Blocks, Lost};
use crate::fields::Fields;
use crate::read::{ReadAt, read_into};

/// Bytes of a descriptor.
const DESCRIPTOR: u64 = 24;
/// Pages whose descriptors are read together.
const BATCH: u64 = 128;
/// Bytes of pages that are read together, where they follow one another.
const SPAN: u64 = 512 << 10;

/// The pages in a file.
pub(super) struct KdumpPages<'a> {
    src: Box<dyn ReadAt + 'a>,
    header: Header,
    bitmap: Bitmap,
    decoders: Mutex<Vec<Decoders>>,
    /// The descriptor of a page of zeros that was met. Writers keep one such page, to which all others refer.
    zero: Mutex<Option<Descriptor>>,
}

/// Where the bytes of a page lie, and how they are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Descriptor {
    at: u64,
    len: u64,
    flags: u32,
}

impl Descriptor {
    fn end(&self) -> u64 {
        self.at.saturating_add(self.len)
    }

    fn method(&self) -> Option<Method> {
        // Other bits say nothing of the page (0x8: the dump is incomplete; 0x10: parts of the map of memory are left out).
        match self.flags & 0x27 {
            0 => Some(Method::Stored),
            0x1 => Some(Method::Zlib),
            0x2 => Some(Method::Lzo1x),
            0x4 => Some(Method::Snappy),
            0x20 => Some(Method::Zstd),
            _ => None,
        }
    }
}

impl<'a> KdumpPages<'a> {
    pub(super) fn new(src: Box<dyn ReadAt + 'a>, header: Header, bitmap: Bitmap) -> Self {
        Self { src, header, bitmap, decoders: Mutex::default(), zero: Mutex::default() }
    }

    /// The descriptors of the pages from `first` on that the dump holds, each with the index of its page.
    fn descriptors(&self, first: u64, count: u64) -> Vec<(usize, Option<Descriptor>)> {
        let (before, set) = self.bitmap.look_up(&*self.src, first..first + count);
        let set: Vec<usize> = set.iter().enumerate().filter(|(_, set)| **set).map(|(index, _)| index).collect();
        let mut table = vec![0; set.len() * DESCRIPTOR as usize];
        let at = before.checked_mul(DESCRIPTOR).and_then(|skip| self.header.descriptors.checked_add(skip));
        let read = at.map_or(0, |at| read_into(&*self.src, at, &mut table));
        let whole = table.get(..read).unwrap_or_default().chunks_exact(DESCRIPTOR as usize);
        let read = whole.map(|bytes| self.descriptor(bytes)).chain(std::iter::repeat(None));
        set.into_iter().zip(read).collect()
    }

    fn descriptor(&self, bytes: &[u8]) -> Option<Descriptor> {
        let fields = Fields { bytes, big_endian: self.header.big_endian };
        Some(Descriptor { at: fields.u64(0)?, len: u64::from(fields.u32(8)?), flags: fields.u32(12)? })
    }

    /// Unpacks pages that follow one another in memory.
    fn fill_batch(&self, first: u64, out: &mut [u8], decoders: &mut Decoders, lost: &mut Lost<'_>) {
        let page = self.header.page as usize;
        let all = self.descriptors(first, (out.len() / page) as u64);
        let mut zero = *self.zero.lock().unwrap_or_else(PoisonError::into_inner);
        let known = zero;
        // What is held of the file.
        let mut held = 0..0_u64;
        for (next, (index, descriptor)) in all.iter().enumerate() {
            let Some(out) = out.get_mut(index * page..(index + 1) * page) else { break };
            if descriptor.is_some() && *descriptor == zero {
                continue;
            }
            let outcome = match descriptor {
                // Where a dump could not be written to its end, descriptors are blank.
                None => Err(Loss::Missing),
                Some(descriptor) if descriptor.at == 0 || descriptor.end() > self.src.len() => Err(Loss::Missing),
                Some(descriptor) => {
                    if descriptor.at < held.start || descriptor.end() > held.end {
                        held = self.hold(*descriptor, &all[next..], decoders);
                    }
                    self.unpack(*descriptor, held.clone(), decoders, out)
                }
            };
            match (outcome, descriptor) {
                (Err(loss), _) => {
                    out.fill(0);
                    lost(loss, first + *index as u64);
                }
                (Ok(()), Some(descriptor)) if out.iter().all(|byte| *byte == 0) => zero = Some(*descriptor),
                (Ok(()), _) => {}
            }
        }
        if zero != known {
            *self.zero.lock().unwrap_or_else(PoisonError::into_inner) = zero;
        }
    }

    /// Reads the bytes of a page into the buffer, and with them those of the pages that follow at once.
    fn hold(
        &self,
        first: Descriptor,
        next: &[(usize, Option<Descriptor>)],
        decoders: &mut Decoders,
    ) -> std::ops::Range<u64> {
        if first.len > 2 * self.header.page {
            return 0..0;
        }
        let mut end = first.end();
        for (_, descriptor) in next.iter().skip(1) {
            match descriptor {
                Some(next) if next.at == end && next.end() - first.at <= SPAN && next.end() <= self.src.len() => {
                    end = next.end();
                }
                _ => break,
            }
        }
        decoders.input.resize((end - first.at) as usize, 0);
        let read = read_into(&*self.src, first.at, &mut decoders.input);
        first.at..first.at + read as u64
    }

    /// Unpacks a page of which the bytes are held.
    fn unpack(
        &self,
        descriptor: Descriptor,
        held: std::ops::Range<u64>,
        decoders: &mut Decoders,
        out: &mut [u8],
    ) -> Result<(), Loss> {
        // No writer keeps a page that grew when it was compressed.
        if descriptor.len == 0 || descriptor.len > 2 * self.header.page {
            return Err(Loss::Damaged);
        }
        if descriptor.at < held.start || descriptor.end() > held.end {
            return Err(Loss::Missing);
        }
        let method = descriptor.method().ok_or(Loss::Damaged)?;
        let from = (descriptor.at - held.start) as usize;
        decoders.unpack_input(method, from, descriptor.len as usize, out).then_some(()).ok_or(Loss::Damaged)
    }
}

impl Blocks for KdumpPages<'_> {
    fn fill(&self, first: u64, out: &mut [u8], lost: &mut Lost<'_>) {
        let decoders = self.decoders.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut decoders = decoders.unwrap_or_else(Decoders::new);
        let mut first = first;
        out.fill(0);
        for batch in out.chunks_mut((BATCH * self.header.page) as usize) {
            self.fill_batch(first, batch, &mut decoders, lost);
            first = first.saturating_add(BATCH);
        }
        self.decoders.lock().unwrap_or_else(PoisonError::into_inner).push(decoders);
    }
}
