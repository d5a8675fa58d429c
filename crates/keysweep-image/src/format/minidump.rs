//! Windows minidumps, also as Breakpad and Crashpad write them on Linux and macOS.
//!
//! A directory of streams; memory is in the memory list (each range with its place in the file) and, in full dumps, in
//! the 64-bit list (ranges one after another from one place on). Protection comes from the memory info list, which full
//! dumps have. Everything is read in small blocks: the lists, never the memory.
//!
//! Source: `minidumpapiset.h` of the Windows SDK; Breakpad's `minidump_format.h` for its own streams.

use std::sync::Arc;

use crate::builder::Builder;
use crate::fields::{Fields, text, text_utf16};
use crate::image::{Format, Label, Permissions, WarningKind};
use crate::limits;
use crate::read::{ReadAt, read_table, read_vec};
use crate::recognise::Reader;

pub(crate) const READER: Reader = Reader { detect, read };

const VERSION: u16 = 0xa793;

const THREAD_LIST: u32 = 3;
const MODULE_LIST: u32 = 4;
const MEMORY_LIST: u32 = 5;
const EXCEPTION: u32 = 6;
const SYSTEM_INFO: u32 = 7;
const MEMORY64_LIST: u32 = 9;
const MISC_INFO: u32 = 15;
const MEMORY_INFO_LIST: u32 = 16;
const LINUX_PROC_STATUS: u32 = 0x4767_0004;
const LINUX_CMD_LINE: u32 = 0x4767_0006;

fn detect(head: &[u8]) -> Option<Format> {
    let version = Fields::little(head).u16(4)?;
    (head.starts_with(b"MDMP") && version == VERSION).then_some(Format::Minidump)
}

/// A stream of the directory.
#[derive(Clone, Copy)]
struct Stream {
    kind: u32,
    size: u64,
    offset: u64,
}

/// A range of addresses; the end is exclusive.
struct Range<T> {
    start: u64,
    end: u64,
    what: T,
}

/// What the address space looked like, sorted by address.
#[derive(Default)]
struct AddressSpace {
    stacks: Vec<Range<u32>>,
    modules: Vec<Range<Arc<str>>>,
    protection: Vec<Range<Permissions>>,
}

fn read(image: &mut Builder<'_>, head: &[u8]) {
    let header = Fields::little(head);
    image.process().time = header.u32(20).filter(|time| *time != 0).map(u64::from);
    let streams = directory(image, header);
    let platform = streams.iter().find(|stream| stream.kind == SYSTEM_INFO).map(|stream| system_info(image, stream));
    let mut space = AddressSpace::default();
    for stream in &streams {
        match stream.kind {
            THREAD_LIST => threads(image, stream, &mut space),
            MODULE_LIST => modules(image, stream, &mut space),
            MEMORY_INFO_LIST => memory_info(image, stream, &mut space),
            EXCEPTION => exception(image, stream, platform.flatten().unwrap_or(0)),
            MISC_INFO => misc_info(image, stream),
            LINUX_PROC_STATUS => linux_status(image, stream),
            LINUX_CMD_LINE => {
                let line = read_vec(image.src, stream.offset, stream.size.min(limits::NAME_BYTES as u64));
                let words: Vec<u8> = line.iter().map(|byte| if *byte == 0 { b' ' } else { *byte }).collect();
                image.process().command_line = Some(text(&words).trim_end().to_owned());
            }
            _ => {}
        }
    }
    space.sort();
    for stream in &streams {
        match stream.kind {
            MEMORY_LIST => memory_list(image, stream, &space),
            MEMORY64_LIST => memory64_list(image, stream, &space),
            _ => {}
        }
    }
}

fn directory(image: &mut Builder<'_>, header: Fields<'_>) -> Vec<Stream> {
    let (Some(count), Some(offset)) = (header.u32(8), header.u32(12)) else { return Vec::new() };
    let kept = u64::from(count).min(limits::MODULES as u64);
    let mut streams = Vec::new();
    let read = read_table(image.src, offset.into(), 12, kept, |_, entry| {
        let entry = Fields::little(entry);
        if let (Some(kind), Some(size), Some(offset)) = (entry.u32(0), entry.u32(4), entry.u32(8)) {
            streams.push(Stream { kind, size: size.into(), offset: offset.into() });
        }
        true
    });
    image.missing_entries(kept - read);
    for stream in streams.iter().filter(|stream| stream.size > 0) {
        image.promise(stream.offset, stream.size);
    }
    // Of each kind there is one; more would only make the same work again.
    streams.sort_by_key(|stream| stream.kind);
    streams.dedup_by_key(|stream| stream.kind);
    streams
}

/// A list with a 32-bit count before its entries; some writers align the entries to 8 bytes.
fn each_entry(src: &dyn ReadAt, stream: &Stream, entry: usize, mut each: impl FnMut(Fields<'_>) -> bool) {
    let Some(count) = Fields::little(&read_vec(src, stream.offset, stream.size.min(4))).u32(0) else { return };
    let entries = u64::from(count).saturating_mul(entry as u64);
    let before = if stream.size == entries.saturating_add(8) { 8 } else { 4 };
    let fit = stream.size.saturating_sub(before) / entry as u64;
    let count = u64::from(count).min(fit).min(limits::REGIONS as u64);
    read_table(src, stream.offset + before, entry, count, |_, bytes| each(Fields::little(bytes)));
}

/// Fills the architecture and the system; returns the platform.
fn system_info(image: &mut Builder<'_>, stream: &Stream) -> Option<u32> {
    let info = read_vec(image.src, stream.offset, stream.size.min(56));
    let info = Fields::little(&info);
    image.architecture = Some(match info.u16(0)? {
        0 | 10 => "i386".to_owned(),
        5 => "arm".to_owned(),
        9 => "x86_64".to_owned(),
        12 | 0x8003 => "aarch64".to_owned(),
        other => format!("processor-{other:#x}"),
    });
    let platform = info.u32(20)?;
    let system = match platform {
        1..=3 => "Windows",
        0x8101 => "macOS",
        0x8102 => "iOS",
        0x8201 => "Linux",
        0x8203 => "Android",
        _ => "unknown system",
    };
    image.process().host = Some(format!("{system} {}.{}.{}", info.u32(8)?, info.u32(12)?, info.u32(16)?));
    Some(platform)
}

fn threads(image: &mut Builder<'_>, stream: &Stream, space: &mut AddressSpace) {
    let src = image.src;
    let process = image.process();
    each_entry(src, stream, 48, |thread| {
        process.threads = process.threads.saturating_add(1);
        if let (Some(id), Some(start), Some(size)) = (thread.u32(0), thread.u64(24), thread.u32(32)) {
            space.stacks.push(Range { start, end: start.saturating_add(size.into()), what: id });
        }
        space.stacks.len() < limits::MODULES
    });
}

fn modules(image: &mut Builder<'_>, stream: &Stream, space: &mut AddressSpace) {
    let src = image.src;
    each_entry(src, stream, 108, |module| {
        if let (Some(start), Some(size), Some(name)) = (module.u64(0), module.u32(8), module.u32(20)) {
            let name = image.name(&string(src, name.into()));
            if space.modules.is_empty() {
                // The first module is the program itself.
                let file = name.rsplit(['\\', '/']).next().unwrap_or_default();
                image.process().name = Some(file.to_owned()).filter(|file| !file.is_empty());
            }
            space.modules.push(Range { start, end: start.saturating_add(size.into()), what: name.clone() });
            image.module(name, start, size.into());
        }
        space.modules.len() < limits::MODULES
    });
}

/// A `MINIDUMP_STRING`: a length in bytes, then UTF-16.
fn string(src: &dyn ReadAt, offset: u64) -> String {
    let len = Fields::little(&read_vec(src, offset, 4)).u32(0).unwrap_or(0);
    text_utf16(&read_vec(src, offset.saturating_add(4), u64::from(len).min(limits::NAME_BYTES as u64)))
}

fn memory_info(image: &mut Builder<'_>, stream: &Stream, space: &mut AddressSpace) {
    let header = read_vec(image.src, stream.offset, stream.size.min(16));
    let header = Fields::little(&header);
    let (Some(before), Some(entry), Some(count)) = (header.u32(0), header.u32(4), header.u64(8)) else { return };
    if !(48..=4096).contains(&entry) || before < 16 {
        image.warn(WarningKind::Damaged, "the list of memory protections is damaged");
        return;
    }
    let fit = stream.size.saturating_sub(before.into()) / u64::from(entry);
    let count = count.min(fit).min(limits::REGIONS as u64);
    read_table(image.src, stream.offset + u64::from(before), entry as usize, count, |_, bytes| {
        let info = Fields::little(bytes);
        if let (Some(start), Some(size), Some(protection)) = (info.u64(0), info.u64(24), info.u32(36)) {
            let range = Range { start, end: start.saturating_add(size), what: permissions(protection) };
            space.protection.push(range);
        }
        true
    });
}

/// The `PAGE_*` constants of `winnt.h`.
fn permissions(protection: u32) -> Permissions {
    match protection & 0xff {
        0 => Permissions::Unknown,
        0x01 => Permissions::known(false, false, false),
        0x02 => Permissions::known(true, false, false),
        0x04 | 0x08 => Permissions::known(true, true, false),
        0x10 => Permissions::known(false, false, true),
        0x20 => Permissions::known(true, false, true),
        0x40 | 0x80 => Permissions::known(true, true, true),
        _ => Permissions::Unknown,
    }
}

fn exception(image: &mut Builder<'_>, stream: &Stream, platform: u32) {
    let record = read_vec(image.src, stream.offset, stream.size.min(168));
    let record = Fields::little(&record);
    let (Some(code), Some(address)) = (record.u32(8), record.u64(24)) else { return };
    let name = match (platform, code) {
        (0x8201 | 0x8203, signal) => format!("signal {signal}"),
        (0x8101 | 0x8102, kind) => format!("Mach exception {kind}"),
        (_, 0xc000_0005) => "access violation".to_owned(),
        (_, 0xc000_0374) => "heap corruption".to_owned(),
        (_, 0xc000_0409) => "fail fast".to_owned(),
        (_, 0xc000_00fd) => "stack overflow".to_owned(),
        (_, 0x8000_0003) => "breakpoint".to_owned(),
        (_, 0xe043_4352) => ".NET exception".to_owned(),
        (_, 0xe06d_7363) => "C++ exception".to_owned(),
        (_, other) => format!("exception {other:#x}"),
    };
    image.process().cause = Some(format!("{name} at {address:#x}"));
}

/// The process id, if its flag is set.
fn misc_info(image: &mut Builder<'_>, stream: &Stream) {
    let info = read_vec(image.src, stream.offset, stream.size.min(24));
    let info = Fields::little(&info);
    if info.u32(4).is_some_and(|flags| flags & 1 != 0) {
        image.process().pid = info.u32(8);
    }
}

/// Breakpad's copy of `/proc/PID/status`.
fn linux_status(image: &mut Builder<'_>, stream: &Stream) {
    let status = read_vec(image.src, stream.offset, stream.size.min(limits::NAME_BYTES as u64));
    let status = String::from_utf8_lossy(&status);
    let field = |name: &str| status.lines().find_map(|line| line.strip_prefix(name));
    let number = |name| field(name)?.split_whitespace().next()?.parse().ok();
    let process = image.process();
    process.pid = number("Pid:").or(process.pid);
    process.uid = number("Uid:");
    process.name = field("Name:").map(|name| text(name.trim().as_bytes())).or(process.name.take());
}

fn memory_list(image: &mut Builder<'_>, stream: &Stream, space: &AddressSpace) {
    let src = image.src;
    each_entry(src, stream, 16, |range| match (range.u64(0), range.u32(8), range.u32(12)) {
        (Some(address), Some(size), Some(offset)) => space.add_range(image, offset.into(), size.into(), address),
        _ => false,
    });
}

fn memory64_list(image: &mut Builder<'_>, stream: &Stream, space: &AddressSpace) {
    let header = read_vec(image.src, stream.offset, stream.size.min(16));
    let header = Fields::little(&header);
    let (Some(count), Some(mut offset)) = (header.u64(0), header.u64(8)) else { return };
    let count = count.min(stream.size.saturating_sub(16) / 16).min(limits::REGIONS as u64);
    let src = image.src;
    read_table(src, stream.offset + 16, 16, count, |_, bytes| {
        let range = Fields::little(bytes);
        let (Some(address), Some(size)) = (range.u64(0), range.u64(8)) else { return false };
        let more = space.add_range(image, offset, size, address);
        offset = offset.saturating_add(size);
        more
    });
}

impl AddressSpace {
    fn sort(&mut self) {
        self.stacks.sort_by_key(|range| range.start);
        self.modules.sort_by_key(|range| range.start);
        self.protection.sort_by_key(|range| range.start);
    }

    /// Adds a dumped range, cut where the protection changes: one range of a full dump may cover several.
    fn add_range(&self, image: &mut Builder<'_>, offset: u64, size: u64, address: u64) -> bool {
        let mut done = 0;
        loop {
            let Some(start) = address.checked_add(done) else { return true };
            let (permissions, same) = self.protection_at(start);
            let len = (size - done).min(same);
            if !image.region(offset.saturating_add(done), len, Some(start), self.label(start, len), permissions) {
                return false;
            }
            done += len;
            if done >= size {
                return true;
            }
        }
    }

    /// The protection at an address, and for how many bytes (at least one) it is the same.
    fn protection_at(&self, address: u64) -> (Permissions, u64) {
        if let Some(range) = find(&self.protection, address) {
            return (range.what, range.end - address);
        }
        let next = self.protection.partition_point(|range| range.start <= address);
        let gap = self.protection.get(next).map_or(u64::MAX, |range| range.start - address);
        (Permissions::Unknown, gap)
    }

    /// A module, a stack that begins in the range (or around it), or anonymous memory.
    fn label(&self, start: u64, len: u64) -> Label {
        if let Some(module) = find(&self.modules, start) {
            return Label::Module(module.what.clone());
        }
        let next = self.stacks.partition_point(|stack| stack.start < start);
        let inside = self.stacks.get(next).filter(|stack| stack.start - start < len);
        match inside.or_else(|| find(&self.stacks, start)) {
            Some(stack) => Label::Stack(stack.what),
            None => Label::Anonymous,
        }
    }
}

/// The range that covers the address; never an empty one.
fn find<T>(ranges: &[Range<T>], address: u64) -> Option<&Range<T>> {
    let after = ranges.partition_point(|range| range.start <= address);
    ranges.get(after.checked_sub(1)?).filter(|range| address < range.end)
}
