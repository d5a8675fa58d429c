//! The notes of an ELF core: what the kernel (or gdb) says about the process.
//!
//! Sources: `elf(5)`, `core(5)`, Linux `include/uapi/linux/elfcore.h`, `include/linux/elfcore-compat.h` and
//! `fs/binfmt_elf.c` (`fill_note_info`, `fill_files_note`); FreeBSD and NetBSD notes are not decoded.

use std::sync::Arc;

use super::elf::ElfHeader;
use crate::builder::Builder;
use crate::fields::Fields;
use crate::image::WarningKind;
use crate::limits;
use crate::process::Process;
use crate::read::read_vec;

const NT_PRSTATUS: u32 = 1;
const NT_PRPSINFO: u32 = 3;
const NT_AUXV: u32 = 6;
const NT_SIGINFO: u32 = 0x5349_4749;
const NT_FILE: u32 = 0x4649_4c45;

const AT_ENTRY: u64 = 9;
const AT_SYSINFO_EHDR: u64 = 33;

/// What the notes of a core tell beside the process itself.
#[derive(Default)]
pub(super) struct Notes {
    /// The notes read so far, in all segments together.
    count: usize,
    /// The bytes of their contents that were read.
    bytes: u64,
    /// The mapped files, in the order of the note (that of addresses).
    pub(super) files: Vec<MappedFile>,
    /// Id and stack pointer of each thread.
    pub(super) threads: Vec<(u32, u64)>,
    /// The entry point of the main executable.
    pub(super) entry: Option<u64>,
    /// The address of the vDSO.
    pub(super) vdso: Option<u64>,
    /// Notes of a kernel dump or of a virtual machine: addresses are physical.
    pub(super) physical: bool,
}

/// A part of a file mapped at an address.
pub(super) struct MappedFile {
    pub(super) start: u64,
    pub(super) end: u64,
    pub(super) offset: u64,
    pub(super) path: Arc<str>,
}

impl Notes {
    /// Reads the notes of one `PT_NOTE` segment of `size` bytes at `offset`, and fills the image's process.
    pub(super) fn read(&mut self, image: &mut Builder<'_>, elf: &ElfHeader, offset: u64, size: u64) {
        let end = offset.saturating_add(size).min(image.src.len());
        let mut at = offset;
        while self.count < limits::RECORDS {
            if self.bytes > image.src.len() {
                image.warn_once(WarningKind::Damaged, "notes are in several segments at once".to_owned());
                return;
            }
            let Some(note) = Note::read(image, elf, at, end) else { return };
            self.take(image, elf, &note);
            self.count += 1;
            self.bytes += note.contents.len() as u64;
            at = note.next;
            // The last one may end before its padding.
            if at > end.saturating_add(3) && end < image.src.len() {
                image.warn_once(WarningKind::Damaged, "a note is longer than the segment that it is in".to_owned());
                return;
            }
        }
        image.warn_once(WarningKind::Limit, format!("only the first {} notes are read", limits::RECORDS));
    }

    fn take(&mut self, image: &mut Builder<'_>, elf: &ElfHeader, note: &Note) {
        let fields = Fields { bytes: &note.contents, big_endian: elf.big_endian };
        match (note.owner.as_str(), note.kind) {
            ("CORE", NT_PRSTATUS) => self.thread(image, elf, fields),
            ("CORE", NT_PRPSINFO) => {
                process_info(image.process(), elf, fields);
            }
            ("CORE", NT_SIGINFO) => {
                signal_info(image.process(), elf, fields);
            }
            ("CORE", NT_AUXV) => self.auxiliary_vector(elf, fields),
            ("CORE", NT_FILE) if self.files.is_empty() && self.mapped_files(image, elf, fields).is_none() => {
                image.warn(WarningKind::Damaged, "the list of mapped files is damaged");
            }
            ("VMCOREINFO", _) => {
                self.physical = true;
                let release = String::from_utf8_lossy(&note.contents);
                let release = release.lines().find_map(|line| line.strip_prefix("OSRELEASE="));
                image.process().host = release.map(|release| crate::fields::text(release.as_bytes()));
            }
            ("QEMU", _) => self.physical = true,
            _ => {}
        }
    }

    /// `NT_PRSTATUS`: one for each thread, the one that got the signal first.
    fn thread(&mut self, image: &mut Builder<'_>, elf: &ElfHeader, fields: Fields<'_>) {
        let process = image.process();
        process.threads = process.threads.saturating_add(1);
        let Some(thread) = fields.u32(if elf.is_64 { 32 } else { 24 }) else { return };
        if process.threads == 1 {
            process.pid = Some(thread);
            let signal = fields.u16(12).unwrap_or(0);
            if signal != 0 && process.cause.is_none() {
                process.cause = Some(signal_name(signal.into()));
            }
        }
        let pointer = stack_pointer_offset(elf).and_then(|offset| fields.word(offset, elf.is_64));
        if let Some(pointer) = pointer
            && self.threads.len() < limits::MODULES
        {
            self.threads.push((thread, pointer));
        }
    }

    fn auxiliary_vector(&mut self, elf: &ElfHeader, fields: Fields<'_>) {
        let word = if elf.is_64 { 8 } else { 4 };
        for pair in fields.bytes.chunks_exact(2 * word) {
            let pair = Fields { bytes: pair, ..fields };
            match (pair.word(0, elf.is_64), pair.word(word, elf.is_64)) {
                (Some(AT_ENTRY), value) => self.entry = value,
                (Some(AT_SYSINFO_EHDR), value) => self.vdso = value,
                _ => {}
            }
        }
    }

    /// `NT_FILE`: count, page size, then start, end and page offset of each mapping, then the NUL-terminated paths.
    fn mapped_files(&mut self, image: &mut Builder<'_>, elf: &ElfHeader, fields: Fields<'_>) -> Option<()> {
        let word = if elf.is_64 { 8 } else { 4 };
        let count = usize::try_from(fields.word(0, elf.is_64)?).ok()?;
        let page = fields.word(word, elf.is_64)?;
        let table_len = count.checked_mul(3 * word)?;
        let entries = fields.bytes.get(2 * word..)?;
        let (entries, paths) = entries.split_at_checked(table_len)?;
        let mut paths = paths.split(|byte| *byte == 0);
        for entry in entries.chunks_exact(3 * word) {
            let entry = Fields { bytes: entry, ..fields };
            let path = crate::fields::text(paths.next()?);
            let path = match self.files.last() {
                Some(last) if *last.path == *path => Arc::clone(&last.path),
                _ => image.name(&path),
            };
            self.files.push(MappedFile {
                start: entry.word(0, elf.is_64)?,
                end: entry.word(word, elf.is_64)?,
                offset: entry.word(2 * word, elf.is_64)?.saturating_mul(page),
                path,
            });
        }
        Some(())
    }
}

/// One note: owner, type and contents, both padded to four bytes.
struct Note {
    owner: String,
    kind: u32,
    contents: Vec<u8>,
    next: u64,
}

impl Note {
    fn read(image: &mut Builder<'_>, elf: &ElfHeader, at: u64, end: u64) -> Option<Self> {
        let header = read_vec(image.src, at, end.saturating_sub(at).min(12));
        let fields = Fields { bytes: &header, big_endian: elf.big_endian };
        let (name_len, len, kind) = (fields.u32(0)?, fields.u32(4)?, fields.u32(8)?);
        let padded = |len: u32| u64::from(len).next_multiple_of(4);
        let contents_at = at.checked_add(12)?.checked_add(padded(name_len))?;
        let next = contents_at.checked_add(padded(len))?;
        let owner = crate::fields::text(&read_vec(image.src, at.checked_add(12)?, u64::from(name_len).min(32)));
        let wanted =
            matches!(kind, NT_PRSTATUS | NT_PRPSINFO | NT_AUXV | NT_SIGINFO | NT_FILE) || owner == "VMCOREINFO";
        let contents = if wanted && contents_at < end {
            let limit = if kind == NT_FILE { limits::TABLE_BYTES } else { limits::NOTE_BYTES };
            read_vec(image.src, contents_at, u64::from(len).min(end - contents_at).min(limit))
        } else {
            Vec::new()
        };
        Some(Self { owner, kind, contents, next })
    }
}

/// The offset of the stack pointer in `struct elf_prstatus`: 112 (72) bytes come before the registers, which stand in
/// the order of the architecture's `elf_gregset_t`.
fn stack_pointer_offset(elf: &ElfHeader) -> Option<usize> {
    use goblin::elf::header::{EM_386, EM_AARCH64, EM_ARM, EM_PPC64, EM_RISCV, EM_S390, EM_X86_64};
    let offset = match (elf.machine, elf.is_64) {
        (EM_X86_64, true) => 112 + 19 * 8,
        (EM_AARCH64, true) => 112 + 31 * 8,
        (EM_RISCV, true) => 112 + 2 * 8,
        (EM_PPC64, true) => 112 + 8,
        (EM_S390, true) => 112 + 16 + 15 * 8,
        (EM_386, false) => 72 + 15 * 4,
        (EM_ARM, false) => 72 + 13 * 4,
        _ => return None,
    };
    Some(offset)
}

/// `NT_PRPSINFO`: of 136 bytes on 64-bit systems; of 124 with 16-bit user ids or 128 with 32-bit ones on others.
fn process_info(process: &mut Process, elf: &ElfHeader, fields: Fields<'_>) -> Option<()> {
    let (uid, pid, name) = match (elf.is_64, fields.bytes.len()) {
        (true, _) => (fields.u32(16)?, 24, 40),
        (false, 128..) => (fields.u32(8)?, 16, 32),
        (false, _) => (fields.u16(8)?.into(), 12, 28),
    };
    process.uid = Some(uid);
    process.pid = Some(fields.u32(pid)?);
    process.name = fields.text(name, 16).filter(|name| !name.is_empty());
    let arguments = fields.text(name + 16, 80)?;
    process.command_line = Some(arguments.trim_end().to_owned()).filter(|line| !line.is_empty());
    Some(())
}

/// `NT_SIGINFO`: the signal, and the address for the signals that have one. The first thread's counts.
fn signal_info(process: &mut Process, elf: &ElfHeader, fields: Fields<'_>) -> Option<()> {
    const FAULTS: [u32; 4] = [4, 7, 8, 11];
    if process.threads > 1 {
        return None;
    }
    let signal = fields.u32(0).filter(|signal| *signal != 0)?;
    let address = fields.word(if elf.is_64 { 16 } else { 12 }, elf.is_64).filter(|_| FAULTS.contains(&signal));
    process.cause = Some(match address {
        Some(address) => format!("{} at {address:#x}", signal_name(signal)),
        None => signal_name(signal),
    });
    Some(())
}

/// The name of a Linux signal (those that dump core by default, as most architectures number them).
fn signal_name(signal: u32) -> String {
    let name = match signal {
        3 => "SIGQUIT",
        4 => "SIGILL",
        5 => "SIGTRAP",
        6 => "SIGABRT",
        7 => "SIGBUS",
        8 => "SIGFPE",
        11 => "SIGSEGV",
        15 => "SIGTERM",
        19 => "SIGSTOP",
        24 => "SIGXCPU",
        25 => "SIGXFSZ",
        31 => "SIGSYS",
        other => return format!("signal {other}"),
    };
    name.to_owned()
}
