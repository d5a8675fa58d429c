//! Mach-O: executables, libraries and objects, alone or several in one fat file; and core dumps.
//!
//! Sections are regions, segments where they have none (as in cores, where each is a range of memory, and for the link
//! data). A segment of a core is a stack where a thread's stack pointer lies in it.
//!
//! Source: `mach-o/loader.h`, `mach-o/fat.h` and `mach/i386/_structs.h`, `mach/arm/_structs.h` of the Darwin SDK.

use goblin::mach::cputype;
use goblin::mach::header::{MH_CIGAM, MH_CIGAM_64, MH_CORE, MH_MAGIC, MH_MAGIC_64, MH_OBJECT};
use goblin::mach::load_command::{LC_SEGMENT, LC_SEGMENT_64, LC_THREAD, LC_UNIXTHREAD};

use crate::builder::Builder;
use crate::fields::Fields;
use crate::image::{Format, Label, Permissions, WarningKind};
use crate::limits;
use crate::read::read_vec;
use crate::recognise::Reader;

pub(crate) const READER: Reader = Reader { detect, read };

const FAT_MAGIC: u32 = 0xcafe_babe;
const FAT_MAGIC_64: u32 = 0xcafe_babf;

/// Java class files begin with the same magic; there, a version of at least 45 stands for the number of slices.
const MAX_SLICES: u32 = 44;

fn detect(head: &[u8]) -> Option<Format> {
    if let Some(header) = Header::parse(head) {
        return Some(if header.file_type == MH_CORE { Format::MachOCore } else { Format::MachO });
    }
    let fat = Fields { bytes: head, big_endian: true };
    let is_fat = matches!(fat.u32(0)?, FAT_MAGIC | FAT_MAGIC_64) && (1..=MAX_SLICES).contains(&fat.u32(4)?);
    is_fat.then_some(Format::MachOFat)
}

fn read(image: &mut Builder<'_>, head: &[u8]) {
    if image.format == Format::MachOFat {
        read_fat(image, head);
    } else if let Some(header) = Header::parse(head) {
        image.architecture = Some(header.architecture());
        read_slice(image, &header, 0, "");
        // The symbols of an object are in no segment.
        if !matches!(header.file_type, MH_CORE | MH_OBJECT) {
            image.overlay(image.described_end());
        }
    }
}

/// Each slice begins at an offset that the table of the file gives; its own offsets count from there.
fn read_fat(image: &mut Builder<'_>, head: &[u8]) {
    let fat = Fields { bytes: head, big_endian: true };
    let (Some(magic), Some(count)) = (fat.u32(0), fat.u32(4)) else { return };
    let is_64 = magic == FAT_MAGIC_64;
    let mut architectures = Vec::new();
    for i in 0..count.min(MAX_SLICES) as usize {
        let entry = 8 + i * if is_64 { 32 } else { 20 };
        let (offset, size) = if is_64 {
            (fat.u64(entry + 8), fat.u64(entry + 16))
        } else {
            (fat.u32(entry + 8).map(u64::from), fat.u32(entry + 12).map(u64::from))
        };
        let (Some(offset), Some(size)) = (offset, size) else {
            image.missing_entries(1);
            continue;
        };
        image.promise(offset, size);
        match Header::parse(&read_vec(image.src, offset, 32)) {
            Some(header) => {
                let architecture = header.architecture();
                read_slice(image, &header, offset, &format!("{architecture}:"));
                architectures.push(architecture);
            }
            None if offset < image.src.len() => {
                image.warn(WarningKind::Damaged, format!("slice {i} is not a Mach-O file"));
            }
            None => {}
        }
    }
    image.architecture = Some(architectures.join("+")).filter(|names| !names.is_empty());
}

struct Header {
    is_64: bool,
    big_endian: bool,
    cpu: u32,
    file_type: u32,
    commands: u32,
    commands_size: u32,
}

impl Header {
    fn parse(head: &[u8]) -> Option<Self> {
        let (is_64, big_endian) = match Fields::little(head).u32(0)? {
            MH_MAGIC => (false, false),
            MH_MAGIC_64 => (true, false),
            MH_CIGAM => (false, true),
            MH_CIGAM_64 => (true, true),
            _ => return None,
        };
        let fields = Fields { bytes: head, big_endian };
        Some(Self {
            is_64,
            big_endian,
            cpu: fields.u32(4)?,
            file_type: fields.u32(12)?,
            commands: fields.u32(16)?,
            commands_size: fields.u32(20)?,
        })
    }

    fn architecture(&self) -> String {
        match self.cpu {
            cputype::CPU_TYPE_X86 => "i386".to_owned(),
            cputype::CPU_TYPE_X86_64 => "x86_64".to_owned(),
            cputype::CPU_TYPE_ARM => "arm".to_owned(),
            cputype::CPU_TYPE_ARM64 => "aarch64".to_owned(),
            cputype::CPU_TYPE_POWERPC => "ppc".to_owned(),
            other => format!("cpu-{other:#x}"),
        }
    }
}

/// Reads the load commands of the Mach-O at `base`; section names get `prefix`.
fn read_slice(image: &mut Builder<'_>, header: &Header, base: u64, prefix: &str) {
    let start = base.saturating_add(if header.is_64 { 32 } else { 28 });
    let size = u64::from(header.commands_size);
    image.promise(start, size);
    let bytes = read_vec(image.src, start, size.min(limits::TABLE_BYTES));
    if size > limits::TABLE_BYTES {
        image.warn(WarningKind::Limit, "the load commands are read in part only");
    }
    let mut stacks = Vec::new();
    let mut rest = bytes.as_slice();
    for _ in 0..header.commands {
        let fields = Fields { bytes: rest, big_endian: header.big_endian };
        let (Some(kind), Some(len)) = (fields.u32(0), fields.u32(4)) else { break };
        let Some((command, after)) = rest.split_at_checked(len as usize).filter(|_| len >= 8) else {
            image.warn(WarningKind::Damaged, "a load command has no valid size");
            break;
        };
        rest = after;
        let command = Fields { bytes: command, big_endian: header.big_endian };
        match kind {
            LC_SEGMENT | LC_SEGMENT_64 => {
                add_segment(image, header, base, prefix, command, kind == LC_SEGMENT_64);
            }
            LC_THREAD | LC_UNIXTHREAD if header.file_type == MH_CORE => {
                let process = image.process();
                process.threads = process.threads.saturating_add(1);
                stacks.extend(stack_pointer(header, command).map(|pointer| (pointer, process.threads)));
            }
            _ => {}
        }
    }
    stacks.sort_unstable();
    for region in image.regions_mut().iter_mut().filter(|region| region.label == Label::Anonymous) {
        let Some(address) = region.address else { continue };
        let first = stacks.partition_point(|(pointer, _)| *pointer < address);
        if let Some((_, thread)) = stacks.get(first).filter(|(pointer, _)| pointer - address < region.len) {
            region.label = Label::Stack(*thread);
        }
    }
}

/// The stack pointer in the general registers of an `LC_THREAD`; its first flavour holds them.
fn stack_pointer(header: &Header, command: Fields<'_>) -> Option<u64> {
    const REGISTERS: usize = 16;
    match (header.cpu, command.u32(8)?) {
        (cputype::CPU_TYPE_X86_64, 4) => command.u64(REGISTERS + 7 * 8),
        (cputype::CPU_TYPE_ARM64, 6) => command.u64(REGISTERS + 31 * 8),
        _ => None,
    }
}

fn add_segment(
    image: &mut Builder<'_>,
    header: &Header,
    base: u64,
    prefix: &str,
    command: Fields<'_>,
    is_64: bool,
) -> Option<()> {
    let (word, fields_end) = if is_64 { (8, 72) } else { (4, 56) };
    let value = |i: usize| command.word(24 + i * word, is_64);
    let (address, offset, size) = (value(0)?, value(2)?, value(3)?);
    // After the four words: maximal and initial protection, number of sections, flags.
    let protection = command.u32(24 + 4 * word + 4)?;
    let has = |flag: u32| protection & flag != 0;
    let permissions = Permissions::known(has(1), has(2), has(4));
    let sections = command.u32(24 + 4 * word + 8)?;
    if header.file_type == MH_CORE {
        image.region(offset, size, Some(address), Label::Anonymous, permissions);
        return Some(());
    }
    if sections == 0 {
        let name = format!("{prefix}{}", command.text(8, 16)?);
        let label = Label::Segment(image.name(&name));
        image.region(base.checked_add(offset)?, size, Some(address), label, permissions);
    }
    let entry = if is_64 { 80 } else { 68 };
    for bytes in command.bytes.get(fields_end..)?.chunks_exact(entry).take(sections as usize) {
        let section = Fields { bytes, ..command };
        let offset = u64::from(section.u32(32 + 2 * word)?);
        // Zero-filled sections have no bytes in the file.
        if matches!(section.u32(32 + 2 * word + 16)? & 0xff, 0x01 | 0x0c | 0x12) {
            continue;
        }
        let name = format!("{prefix}{},{}", section.text(16, 16)?, section.text(0, 16)?);
        let address = section.word(32, is_64).filter(|_| header.file_type != MH_OBJECT);
        let size = section.word(32 + word, is_64)?;
        let label = Label::Section(image.name(&name));
        image.region(base.checked_add(offset)?, size, address, label, permissions);
    }
    Some(())
}
