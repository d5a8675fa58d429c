//! The result of recognition: regions and modules, and the way from a file offset to an address and back.

use std::fmt;
use std::sync::Arc;

use crate::process::Process;
use crate::read::{ReadAt, read_into};

/// The format of a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Format {
    /// Core dump of a process in ELF (Linux, BSD, gdb's `gcore`).
    ElfCore,
    /// Dump of a system's physical memory in ELF (`/proc/vmcore`, `makedumpfile -E`, QEMU's `dump-guest-memory`).
    ElfPhysical,
    /// ELF executable, library, object or kernel module.
    Elf,
    /// Windows executable or library.
    Pe,
    /// Mach-O executable, library or object.
    MachO,
    /// Mach-O with more than one architecture.
    MachOFat,
    /// Core dump in Mach-O (macOS).
    MachOCore,
    /// Windows minidump, also written by Breakpad and Crashpad on other systems.
    Minidump,
    /// Windows kernel or complete memory dump.
    WindowsKernel,
    /// Physical memory by the Linux Memory Extractor.
    Lime,
    /// Physical memory by AVML, compressed; read as the memory that it unpacks to.
    Avml,
    /// Compressed dump of a kernel by makedumpfile or QEMU, read as the memory that it unpacks to.
    Kdump,
    /// Heap dump of a Java virtual machine.
    Hprof,
    /// Memory that is known as such from elsewhere, as rows of a hex dump are.
    Memory,
    /// Static library (`ar`), also a Debian package.
    Archive,
    /// A dump whose pages are compressed, so that its bytes show little of the memory.
    CompressedDump,
    /// Text in UTF-8 or another encoding that extends ASCII.
    Text,
    /// UTF-16 text, little endian.
    Utf16Le,
    /// UTF-16 text, big endian.
    Utf16Be,
    /// Anything else, such as a raw memory image.
    Raw,
}

impl Format {
    /// The stable name for output and rules.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::ElfCore => "elf-core",
            Self::ElfPhysical => "elf-physical",
            Self::Elf => "elf",
            Self::Pe => "pe",
            Self::MachO => "mach-o",
            Self::MachOFat => "mach-o-fat",
            Self::MachOCore => "mach-o-core",
            Self::Minidump => "minidump",
            Self::WindowsKernel => "windows-kernel-dump",
            Self::Lime => "lime",
            Self::Avml => "avml",
            Self::Kdump => "kdump",
            Self::Hprof => "hprof",
            Self::Memory => "memory",
            Self::Archive => "ar",
            Self::CompressedDump => "compressed-dump",
            Self::Text => "text",
            Self::Utf16Le => "utf-16le",
            Self::Utf16Be => "utf-16be",
            Self::Raw => "raw",
        }
    }

    /// Whether the source is the memory of a process or system.
    #[must_use]
    pub fn is_dump(self) -> bool {
        matches!(
            self,
            Self::ElfCore
                | Self::ElfPhysical
                | Self::MachOCore
                | Self::Minidump
                | Self::WindowsKernel
                | Self::Lime
                | Self::Avml
                | Self::Kdump
                | Self::Hprof
                | Self::Memory
                | Self::CompressedDump
        )
    }

    /// Whether the source is text, in which places are lines and columns.
    #[must_use]
    pub fn is_text(self) -> bool {
        matches!(self, Self::Text | Self::Utf16Le | Self::Utf16Be)
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What a region was.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Label {
    /// The heap of the process that grows with `brk`, or a heap the dump names.
    Heap,
    /// The stack of a thread, by its id.
    Stack(u32),
    /// Memory that no file backs: `mmap`ed heaps, arenas, buffers.
    Anonymous,
    /// Kernel code mapped into the process.
    Vdso,
    /// A mapped file or a loaded module, by its path.
    Module(Arc<str>),
    /// A section of an executable, by its name.
    Section(Arc<str>),
    /// A segment of an executable, by its name or type.
    Segment(Arc<str>),
    /// A member of an archive, by its name.
    Member(Arc<str>),
    /// Bytes after the last part that an executable's headers describe.
    Overlay,
    /// Physical memory; the address is a physical address.
    Physical,
    /// The contents of a dump that has no address per byte.
    Contents,
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Heap => f.write_str("heap"),
            Self::Stack(thread) => write!(f, "stack of thread {thread}"),
            Self::Anonymous => f.write_str("anonymous"),
            Self::Vdso => f.write_str("vdso"),
            Self::Module(name) | Self::Section(name) | Self::Segment(name) | Self::Member(name) => f.write_str(name),
            Self::Overlay => f.write_str("overlay"),
            Self::Physical => f.write_str("physical memory"),
            Self::Contents => f.write_str("contents"),
        }
    }
}

/// What the process could do with a region.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Permissions {
    /// The format does not say.
    #[default]
    Unknown,
    /// As the format says.
    Known {
        /// Could be read.
        read: bool,
        /// Could be written.
        write: bool,
        /// Could be executed.
        execute: bool,
    },
}

impl Permissions {
    /// The permissions in the bits of a POSIX-like mask: read, write, execute.
    pub(crate) fn known(read: bool, write: bool, execute: bool) -> Self {
        Self::Known { read, write, execute }
    }

    /// Whether the region is known to have been writable.
    #[must_use]
    pub fn writable(self) -> bool {
        matches!(self, Self::Known { write: true, .. })
    }
}

impl fmt::Display for Permissions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::Known { read, write, execute } = *self else { return f.write_str("???") };
        let flag = |set, letter| if set { letter } else { '-' };
        write!(f, "{}{}{}", flag(read, 'r'), flag(write, 'w'), flag(execute, 'x'))
    }
}

/// A range of the file, and what it was.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Region {
    /// The offset of the first byte in the file.
    pub file_offset: u64,
    /// The bytes of it that the file holds; never 0.
    pub len: u64,
    /// The address of the first byte: virtual, or physical where the label says so. `address + len` does not overflow.
    pub address: Option<u64>,
    /// What it was.
    pub label: Label,
    /// What could be done with it.
    pub permissions: Permissions,
}

impl Region {
    /// The file offset after the last byte.
    #[must_use]
    pub fn file_end(&self) -> u64 {
        self.file_offset.saturating_add(self.len)
    }
}

/// An executable or library in the address space of the dump.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Module {
    /// The path or name.
    pub name: Arc<str>,
    /// The address it was loaded at.
    pub address: u64,
    /// The bytes of address space it took; 0 where the dump does not say.
    pub size: u64,
}

/// Something the user must know to judge the result of a scan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// The kind.
    pub kind: WarningKind,
    /// One sentence without a full stop.
    pub message: String,
}

/// The kind of a warning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WarningKind {
    /// The file ends before what its headers promise: bytes are missing.
    Truncated,
    /// Headers contradict themselves or each other; some places have no address or label.
    Damaged,
    /// A limit of this crate was reached; some places have no address or label.
    Limit,
    /// The memory is there to be scanned, but where it was is unknown.
    Unmapped,
    /// The source is one of several files of a dump; it holds all that it should.
    Part,
    /// The format is known, but its contents are encoded so that the scan does not see the memory.
    Unsupported,
}

/// Where a byte of the file was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Place<'a> {
    /// The region, if one covers the byte.
    pub region: Option<&'a Region>,
    /// The address of the byte, if its region has one.
    pub address: Option<u64>,
    /// The module around the address and the byte's offset from its start.
    pub module: Option<(&'a Module, u64)>,
}

/// What a source is, and its regions.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Image {
    /// The format.
    pub format: Format,
    /// The processor architecture in the usual name (`x86_64`, `aarch64`), if the format tells.
    pub architecture: Option<String>,
    /// The regions, sorted by file offset, without overlaps. Bytes in no region are headers, padding or unknown; text
    /// and raw sources have no region.
    pub regions: Vec<Region>,
    /// The process the dump was taken of.
    pub process: Option<Process>,
    /// The modules, sorted by address.
    pub modules: Vec<Module>,
    /// What is missing or wrong.
    pub warnings: Vec<Warning>,
    /// Indices of the regions with an address, sorted by address, without overlaps.
    pub(crate) by_address: Vec<u32>,
}

impl Image {
    /// The region that holds the byte at `file_offset`.
    #[must_use]
    pub fn region_at(&self, file_offset: u64) -> Option<&Region> {
        let after = self.regions.partition_point(|region| region.file_offset <= file_offset);
        self.regions.get(after.checked_sub(1)?).filter(|region| file_offset < region.file_end())
    }

    /// The region, address and module of the byte at `file_offset`.
    #[must_use]
    pub fn place(&self, file_offset: u64) -> Place<'_> {
        let region = self.region_at(file_offset);
        let address = region.and_then(|r| r.address?.checked_add(file_offset.checked_sub(r.file_offset)?));
        let module = address.and_then(|address| self.module_at(address));
        Place { region, address, module }
    }

    /// The module that covers `address`, and the offset of the address in it.
    #[must_use]
    pub fn module_at(&self, address: u64) -> Option<(&Module, u64)> {
        let after = self.modules.partition_point(|module| module.address <= address);
        let module = self.modules.get(after.checked_sub(1)?)?;
        let offset = address.checked_sub(module.address)?;
        (offset < module.size).then_some((module, offset))
    }

    /// The offset in the file of the byte that was at `address`.
    #[must_use]
    pub fn file_offset_of(&self, address: u64) -> Option<u64> {
        let (region, inside) = self.region_of_address(address)?;
        region.file_offset.checked_add(inside)
    }

    /// Reads what was at `address` in the dumped address space, across adjacent regions, and returns the number of
    /// bytes: fewer than asked where the next byte was not dumped or cannot be read.
    pub fn read_address(&self, src: &dyn ReadAt, address: u64, buf: &mut [u8]) -> usize {
        let mut done = 0;
        while let Some(rest) = buf.get_mut(done..).filter(|rest| !rest.is_empty()) {
            let Some((region, inside)) = address.checked_add(done as u64).and_then(|a| self.region_of_address(a))
            else {
                break;
            };
            let here = usize::try_from(region.len - inside).unwrap_or(usize::MAX).min(rest.len());
            let (Some(part), Some(offset)) = (rest.get_mut(..here), region.file_offset.checked_add(inside)) else {
                break;
            };
            let count = read_into(src, offset, part);
            done += count;
            if count < here {
                break;
            }
        }
        done
    }

    /// The region that held `address` and the offset of the address in it (less than its length).
    fn region_of_address(&self, address: u64) -> Option<(&Region, u64)> {
        let start = |index: &u32| self.regions.get(*index as usize).and_then(|region| region.address);
        let after = self.by_address.partition_point(|index| start(index).is_some_and(|start| start <= address));
        let region = self.regions.get(*self.by_address.get(after.checked_sub(1)?)? as usize)?;
        let inside = address.checked_sub(region.address?)?;
        (inside < region.len).then_some((region, inside))
    }
}
