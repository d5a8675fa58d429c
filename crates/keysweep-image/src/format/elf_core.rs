//! ELF cores: of a process (the kernel's, gdb's `gcore`), or of a system's physical memory (`/proc/vmcore`, QEMU).
//!
//! Each `PT_LOAD` segment is a region: `p_filesz` bytes in the file are the first of `p_memsz` in memory. What it was
//! comes from the notes (see [`elf_notes`](super::elf_notes)):
//!
//! - mapped files by the addresses in `NT_FILE`;
//! - stacks: the segment that a thread's stack pointer lies in;
//! - the vDSO by the auxiliary vector;
//! - the heap is not marked in a core. It is taken to be the first writable segment after the main executable (the
//!   file around the entry point) that no file backs and that does not touch the executable, because the segment that
//!   touches it is its zero-initialised data; if only that one exists, it holds the heap too (no randomisation). It is
//!   looked for as far as 1 TiB, further than the kernel ever moves it;
//! - the others are anonymous.

use goblin::elf::header::ET_CORE;
use goblin::elf::program_header::{PT_LOAD, PT_NOTE};

use super::elf::{ElfHeader, segment_permissions};
use super::elf_notes::{MappedFile, Notes};
use crate::builder::Builder;
use crate::image::{Format, Label, Region, WarningKind};
use crate::recognise::Reader;

pub(crate) const READER: Reader = Reader { detect, read };

/// How far after the main executable a heap is looked for.
const HEAP_DISTANCE: u64 = 1 << 40;

fn detect(head: &[u8]) -> Option<Format> {
    ElfHeader::parse(head).filter(|elf| elf.file_type == ET_CORE).map(|_| Format::ElfCore)
}

fn read(image: &mut Builder<'_>, head: &[u8]) {
    let Some(elf) = ElfHeader::read(image, head) else { return };
    image.architecture = Some(elf.architecture());
    let mut notes = Notes::default();
    elf.each_segment(image, |image, segment| {
        if segment.p_type == PT_NOTE {
            image.promise(segment.p_offset, segment.p_filesz);
            notes.read(image, &elf, segment.p_offset, segment.p_filesz);
        }
    });
    notes.files.sort_by_key(|file| file.start);
    if notes.physical {
        image.format = Format::ElfPhysical;
    }
    let mut has_memory = false;
    elf.each_segment(image, |image, segment| {
        if segment.p_type == PT_LOAD {
            has_memory = true;
            let (address, label) = if notes.physical {
                (segment.p_paddr, Label::Physical)
            } else {
                (segment.p_vaddr, label_of_file(&notes, segment.p_vaddr))
            };
            image.region(segment.p_offset, segment.p_filesz, Some(address), label, segment_permissions(segment));
        }
    });
    if !has_memory {
        image.warn(WarningKind::Damaged, "a core without segments of memory");
    }
    if !notes.physical {
        label_stacks(image.regions_mut(), &notes);
        label_heap(image.regions_mut(), &notes);
        add_modules(image, &notes);
    }
}

/// The mapped file at `address`, or the vDSO, or anonymous memory.
fn label_of_file(notes: &Notes, address: u64) -> Label {
    let after = notes.files.partition_point(|file| file.start <= address);
    let file = after.checked_sub(1).and_then(|i| notes.files.get(i)).filter(|file| address < file.end);
    match file {
        Some(file) => Label::Module(file.path.clone()),
        None if notes.vdso == Some(address) => Label::Vdso,
        None => Label::Anonymous,
    }
}

/// Gives each anonymous region with a thread's stack pointer in it to that thread; the first thread has it where two
/// do, as after `vfork`.
fn label_stacks(regions: &mut [Region], notes: &Notes) {
    let mut threads: Vec<(u64, u32)> = notes.threads.iter().map(|(thread, pointer)| (*pointer, *thread)).collect();
    threads.sort_unstable();
    for region in regions.iter_mut().filter(|region| region.label == Label::Anonymous) {
        let Some(start) = region.address else { continue };
        let first = threads.partition_point(|(pointer, _)| *pointer < start);
        if let Some((_, thread)) = threads.get(first).filter(|(pointer, _)| pointer - start < region.len) {
            region.label = Label::Stack(*thread);
        }
    }
}

fn label_heap(regions: &mut [Region], notes: &Notes) {
    let Some(entry) = notes.entry else { return };
    let Some(main) = loaded(&notes.files).find(|main| (main.start..main.end).contains(&entry)) else { return };
    let end = main.end;
    let next_file = notes.files.iter().map(|file| file.start).find(|start| *start >= end).unwrap_or(u64::MAX);
    let limit = next_file.min(end.saturating_add(HEAP_DISTANCE));
    let mut best: Option<(u64, &mut Region)> = None;
    for region in regions.iter_mut().filter(|r| r.label == Label::Anonymous && r.permissions.writable()) {
        let Some(start) = region.address.filter(|start| (end..limit).contains(start)) else { continue };
        // One that touches the executable counts only if there is no other.
        let rank = if start == end { u64::MAX } else { start };
        if best.as_ref().is_none_or(|(other, _)| rank < *other) {
            best = Some((rank, region));
        }
    }
    if let Some((_, heap)) = best {
        heap.label = Label::Heap;
    }
}

/// A file that the program loader mapped: one mapping after another, in the order of the file.
struct Loaded<'a> {
    first: &'a MappedFile,
    start: u64,
    end: u64,
}

/// The loaded files among the mapped ones. A program may map parts of itself once more as data, anywhere: such a part
/// lies far away or goes back in the file, and is on its own.
fn loaded(files: &[MappedFile]) -> impl Iterator<Item = Loaded<'_>> {
    /// Further than any loader leaves a gap for alignment.
    const GAP: u64 = 16 << 20;
    // Two segments may share a page of the file, and so begin at the same offset.
    let follows = |before: &MappedFile, next: &MappedFile| {
        let forward = next.offset > 0 && next.offset >= before.offset;
        next.path == before.path && forward && next.start.saturating_sub(before.end) <= GAP
    };
    let runs = files.chunk_by(move |before, next| follows(before, next));
    runs.filter_map(|run| Some(Loaded { first: run.first()?, start: run.first()?.start, end: run.last()?.end }))
}

/// The modules are the loaded files. Those that are not mapped from their start are data.
fn add_modules(image: &mut Builder<'_>, notes: &Notes) {
    for module in loaded(&notes.files).filter(|module| module.first.offset == 0) {
        image.module(module.first.path.clone(), module.start, module.end.saturating_sub(module.start));
    }
}
