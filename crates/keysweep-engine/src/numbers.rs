//! Keys as bare numbers: hands dumps to the search of `keysweep-memory`, and its results on as raw results.

use crate::hunt::Hunting;
use crate::place::Part;
use crate::raw::{Raw, What};
use keysweep_image::{Format, Image, Label, Permissions, ReadAt, Region, intersect, read_into};
use keysweep_keys::PublicKey;
use keysweep_match::is_zero;
use keysweep_memory::{Effort, Memory, Outcome, Segment, Tested};
use std::ops::Range;

/// The name that rules give as their decoder for what this search finds.
pub(crate) const DECODER: &str = "memory";

/// Bytes of a file without a known format from which it may be a memory image, and of one that the user named.
const MIN_RAW: u64 = 16 << 10;
const MIN_NAMED: u64 = 64;

/// What formats without structure of their own begin with that are surely no memory: compressed or media files, whose
/// bytes all look random.
const NOT_MEMORY: [&[u8]; 30] = [
    b"PK\x03\x04",
    b"\x1f\x8b",
    b"\xfd7zXZ\0",
    b"BZh",
    b"\x28\xb5\x2f\xfd",
    b"\x04\x22\x4d\x18",
    b"7z\xbc\xaf\x27\x1c",
    b"Rar!",
    b"\x89PNG",
    b"\xff\xd8\xff",
    b"GIF8",
    b"RIFF",
    b"OggS",
    b"fLaC",
    b"ID3",
    b"\x1aE\xdf\xa3",
    b"%PDF",
    b"wOF2",
    b"wOFF",
    b"\0\x01\0\0\0",
    b"OTTO",
    b"SQLite format 3\0",
    b"\xde\x12\x04\x95",
    b"\xca\xfe\xba\xbe",
    b"\xda\xda\xfe\xca",
    b"BC\xc0\xde",
    b"!<arch>\n",
    b"\0asm",
    b"\x1bLua",
    b"TZif",
];

/// Architectures whose pointers take 4 bytes.
const NARROW: [&str; 7] = ["i386", "x86", "x32", "arm", "ppc", "mips", "riscv32"];

/// Whether the source is the memory of a process or system, or may be. What the user named may be a small part of one.
pub(crate) fn may_hold_numbers(image: &Image, source: &dyn ReadAt, is_named: bool) -> bool {
    match image.format {
        Format::CompressedDump => false,
        Format::Raw => {
            let mut head = [0; 16];
            let read = read_into(source, 0, &mut head);
            let least = if is_named { MIN_NAMED } else { MIN_RAW };
            source.len() >= least && !NOT_MEMORY.iter().any(|magic| head[..read].starts_with(magic))
        }
        format => format.is_dump(),
    }
}

/// Pages of a file without a known format that are looked at to tell whether it is memory.
const SAMPLES: u64 = 256;
const PAGE: u64 = 4096;

/// What the search of a source may cost. A tree holds many binary files of formats that are not known here; of these, only what
/// has pages of zeros here and there, as memory has, is worth as much as a dump.
pub(crate) fn effort(image: &Image, source: &dyn ReadAt) -> Effort {
    if image.format != Format::Raw {
        return Effort::Full;
    }
    let pages = source.len() / PAGE;
    let samples = pages.min(SAMPLES);
    let mut page = zeroize::Zeroizing::new([0; PAGE as usize]);
    let mut is_zero = |index: u64| {
        let offset = index * pages / samples * PAGE;
        read_into(source, offset, &mut *page) == page.len() && is_zero(&*page)
    };
    let zero = (0..samples).filter(|index| is_zero(*index)).count() as u64;
    if zero >= 2 && zero * 16 >= samples { Effort::Full } else { Effort::Quick }
}

/// Searches a dump; `public` are keys that were seen in it or anywhere else. A later block of a stream has no address space:
/// numbers are found in it, but no pointer is followed. What is not `used` holds zeros.
pub(crate) fn search(
    part: Part<'_>,
    used: &[Range<u64>],
    public: &[PublicKey],
    jobs: usize,
    effort: Effort,
) -> Outcome {
    keysweep_memory::search(&Dump::new(part, used, written), public, jobs, effort)
}

/// Hunts for the private halves of given keys in all of a source, code and constants of mapped files included. Where only the
/// fingerprint of a key is known, all keys that are found anyway are found too; `public` are those seen anywhere.
pub(crate) fn hunt(
    part: Part<'_>,
    used: &[Range<u64>],
    hunting: &Hunting,
    public: &[PublicKey],
    jobs: usize,
) -> (Outcome, Tested) {
    let dump = Dump::new(part, used, whole);
    let (mut outcome, tested) = keysweep_memory::hunt(&dump, &hunting.keys, hunting.step, jobs);
    if hunting.wanted.iter().any(|wanted| wanted.key.is_none()) {
        let other = keysweep_memory::search(&dump, public, jobs, Effort::Full);
        outcome.found.extend(other.found);
        outcome.limits.extend(other.limits);
    }
    (outcome, tested)
}

/// What of a file a process can have written numbers to: the regions that hold data, or all if there are no regions.
fn written(len: u64, regions: &[Region]) -> Vec<Segment> {
    if regions.is_empty() {
        return vec![Segment { offset: 0, len, address: None }];
    }
    let mut segments = Vec::new();
    for region in regions.iter().filter(|r| holds_data(r)) {
        append(&mut segments, Segment { offset: region.file_offset, len: region.len, address: region.address });
    }
    segments
}

/// All of a file: its regions, and what lies between them.
fn whole(len: u64, regions: &[Region]) -> Vec<Segment> {
    let mut segments = Vec::new();
    let mut at = 0;
    for region in regions {
        if region.file_offset > at {
            segments.push(Segment { offset: at, len: region.file_offset - at, address: None });
        }
        append(&mut segments, Segment { offset: region.file_offset, len: region.len, address: region.address });
        at = region.file_end();
    }
    if len > at {
        segments.push(Segment { offset: at, len: len - at, address: None });
    }
    segments
}

/// What was found, as raw results. `rule` gives the index of a rule, if it is among the chosen ones.
pub(crate) fn raws(outcome: &Outcome, rule: impl Fn(&'static str) -> Option<usize>) -> Vec<Raw> {
    let mut raws = Vec::new();
    for found in &outcome.found {
        let Some(rule) = rule(found.rule) else { continue };
        raws.extend(found.places.iter().map(|place| Raw {
            rule,
            offset: place.offset,
            length: place.len,
            wrapping: Vec::new(),
            what: What::Number { material: Box::new(found.material.clone()), structure: place.what.clone() },
        }));
    }
    raws
}

/// A dump, as the number search sees it.
struct Dump<'a> {
    part: Part<'a>,
    segments: Vec<Segment>,
    /// Bytes of the segments, with those that are known to be zeros.
    size: u64,
    /// Address, offset and length of each region that has an address, by address.
    mapped: Vec<(u64, u64, u64)>,
    pointer_bytes: usize,
}

impl<'a> Dump<'a> {
    /// A dump of which is searched what `segments` makes of its length and its regions.
    fn new(part: Part<'a>, used: &[Range<u64>], segments: fn(u64, &[Region]) -> Vec<Segment>) -> Self {
        let regions = if part.base == 0 { part.image.regions.as_slice() } else { &[] };
        let segments = within(segments(part.source.len(), regions), &part.source.extents());
        let size = segments.iter().map(|segment| segment.len).sum();
        let segments = within(segments, used);
        let mut mapped: Vec<_> = regions.iter().filter_map(|r| Some((r.address?, r.file_offset, r.len))).collect();
        mapped.sort_unstable();
        let narrow = part.image.architecture.as_deref().is_some_and(|a| NARROW.contains(&a));
        Self { part, segments, size, mapped, pointer_bytes: if narrow { 4 } else { 8 } }
    }
}

/// What of segments lies in `extents`.
fn within(segments: Vec<Segment>, extents: &[Range<u64>]) -> Vec<Segment> {
    let cut = |segment: Segment| {
        let parts = intersect(std::slice::from_ref(&(segment.offset..segment.offset + segment.len)), extents);
        parts.into_iter().map(move |part| Segment {
            offset: part.start,
            len: part.end - part.start,
            address: segment.address.map(|address| address + (part.start - segment.offset)),
        })
    };
    segments.into_iter().flat_map(cut).collect()
}

/// Whether a process can have written numbers there: not the code and constants of a file.
fn holds_data(region: &Region) -> bool {
    let constant = matches!(region.permissions, Permissions::Known { write: false, .. });
    !(constant && matches!(region.label, Label::Module(_) | Label::Vdso))
}

/// Joins a segment to the last one where both file and address space go on without a gap.
fn append(segments: &mut Vec<Segment>, next: Segment) {
    if let Some(last) = segments.last_mut() {
        let address = last.address.map(|a| a + last.len);
        if last.offset + last.len == next.offset && address == next.address && address.is_some() {
            last.len += next.len;
            return;
        }
    }
    segments.push(next);
}

impl Memory for Dump<'_> {
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> usize {
        read_into(self.part.source, offset, buf)
    }

    fn segments(&self) -> &[Segment] {
        &self.segments
    }

    fn size(&self) -> u64 {
        self.size
    }

    fn locate(&self, address: u64) -> Option<(u64, u64)> {
        let after = self.mapped.partition_point(|(start, ..)| *start <= address);
        let (start, offset, len) = *self.mapped.get(after.checked_sub(1)?)?;
        let inside = address - start;
        (inside < len).then(|| (offset + inside, len - inside))
    }

    fn address_of(&self, offset: u64) -> Option<u64> {
        self.part.image.place(offset).address
    }

    fn pointer_bytes(&self) -> usize {
        self.pointer_bytes
    }
}
