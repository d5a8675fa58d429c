//! ELF executables, libraries and objects: sections as regions, segments where there is no section table.
//!
//! Source: System V ABI, chapters 4 and 5; the extended numbering (`PN_XNUM`, `SHN_XINDEX`) of the gABI drafts. The
//! records are parsed by goblin from single table entries, so that no more than a block of a table is in memory.

use goblin::container::{Container, Ctx};
use goblin::elf::program_header::{PF_R, PF_W, PF_X, PT_LOAD, PT_NOTE, ProgramHeader};
use goblin::elf::section_header::{SHF_ALLOC, SHT_NOBITS, SHT_NULL, SectionHeader};
use goblin::elf::{Elf, header};

use crate::builder::Builder;
use crate::fields;
use crate::image::{Format, Label, Permissions, WarningKind};
use crate::limits;
use crate::read::{ReadAt, read_table, read_vec};
use crate::recognise::Reader;

pub(crate) const READER: Reader = Reader { detect, read };

fn detect(head: &[u8]) -> Option<Format> {
    ElfHeader::parse(head).map(|_| Format::Elf)
}

/// What the file header says about the tables, with the extended numbers of section 0 in place.
pub(super) struct ElfHeader {
    pub(super) file_type: u16,
    pub(super) machine: u16,
    pub(super) is_64: bool,
    pub(super) big_endian: bool,
    ctx: Ctx,
    segments: Table,
    sections: Table,
    section_names: u64,
}

struct Table {
    offset: u64,
    count: u64,
    entry: usize,
}

impl ElfHeader {
    /// The header at the start of a file, without the extended numbers.
    pub(super) fn parse(head: &[u8]) -> Option<Self> {
        let elf = Elf::parse_header(head).ok()?;
        let ctx = Ctx::new(elf.container().ok()?, elf.endianness().ok()?);
        Some(Self {
            file_type: elf.e_type,
            machine: elf.e_machine,
            is_64: ctx.container == Container::Big,
            big_endian: !ctx.le.is_little(),
            ctx,
            segments: Table { offset: elf.e_phoff, count: elf.e_phnum.into(), entry: elf.e_phentsize.into() },
            sections: Table { offset: elf.e_shoff, count: elf.e_shnum.into(), entry: elf.e_shentsize.into() },
            section_names: elf.e_shstrndx.into(),
        })
    }

    /// The header, with the counts that did not fit into it: they stand in section 0.
    pub(super) fn read(image: &Builder<'_>, head: &[u8]) -> Option<Self> {
        let mut header = Self::parse(head)?;
        let first = read_vec(image.src, header.sections.offset, header.sections.entry as u64);
        if header.sections.offset != 0
            && let Some(zero) = header.section(&first)
        {
            if header.segments.count == 0xffff {
                header.segments.count = zero.sh_info.into();
            }
            if header.sections.count == 0 {
                header.sections.count = zero.sh_size;
            }
            if header.section_names == 0xffff {
                header.section_names = zero.sh_link.into();
            }
        }
        Some(header)
    }

    fn section(&self, entry: &[u8]) -> Option<SectionHeader> {
        SectionHeader::parse_from(entry, 0, 1, self.ctx).ok()?.pop()
    }

    fn segment(&self, entry: &[u8]) -> Option<ProgramHeader> {
        ProgramHeader::parse(entry, 0, 1, self.ctx).ok()?.pop()
    }

    /// The architecture in the name that `uname -m` gives.
    pub(super) fn architecture(&self) -> String {
        let name = match (self.machine, self.is_64) {
            (header::EM_X86_64, true) => "x86_64",
            (header::EM_X86_64, false) => "x32",
            (header::EM_386, _) => "i386",
            (header::EM_AARCH64, _) => "aarch64",
            (header::EM_ARM, _) => "arm",
            (header::EM_RISCV, true) => "riscv64",
            (header::EM_RISCV, false) => "riscv32",
            (header::EM_PPC64, _) if self.big_endian => "ppc64",
            (header::EM_PPC64, _) => "ppc64le",
            (header::EM_PPC, _) => "ppc",
            (header::EM_S390, _) => "s390x",
            (header::EM_MIPS, _) => "mips",
            (header::EM_SPARCV9, _) => "sparc64",
            (EM_LOONGARCH, _) => "loongarch64",
            (other, _) => return format!("elf-machine-{other}"),
        };
        name.to_owned()
    }

    /// Calls `each` for the program headers; warns if the table is cut.
    pub(super) fn each_segment(&self, image: &mut Builder<'_>, mut each: impl FnMut(&mut Builder<'_>, &ProgramHeader)) {
        let size = ProgramHeader::size(self.ctx);
        self.each_entry(image, &self.segments, size, |image, entry| {
            if let Some(segment) = self.segment(entry) {
                each(image, &segment);
            }
        });
    }

    fn each_section(&self, image: &mut Builder<'_>, mut each: impl FnMut(&mut Builder<'_>, &SectionHeader)) {
        let size = SectionHeader::size(self.ctx);
        self.each_entry(image, &self.sections, size, |image, entry| {
            if let Some(section) = self.section(entry) {
                each(image, &section);
            }
        });
    }

    fn each_entry(
        &self,
        image: &mut Builder<'_>,
        table: &Table,
        size: usize,
        mut each: impl FnMut(&mut Builder<'_>, &[u8]),
    ) {
        if table.offset == 0 || table.count == 0 {
            return;
        }
        if table.entry < size {
            image.warn(WarningKind::Damaged, format!("the entries of a header table have {} bytes", table.entry));
            return;
        }
        let count = table.count.min(limits::REGIONS as u64);
        if count < table.count {
            image.warn_once(WarningKind::Limit, format!("only the first {count} entries of a header table are read"));
        }
        let src = image.src;
        let read = read_table(src, table.offset, table.entry, count, |_, entry| {
            each(image, entry);
            true
        });
        image.missing_entries(count - read);
    }
}

/// Not yet a constant of goblin.
const EM_LOONGARCH: u16 = 258;

pub(super) fn segment_permissions(segment: &ProgramHeader) -> Permissions {
    let has = |flag| segment.p_flags & flag != 0;
    Permissions::known(has(PF_R), has(PF_W), has(PF_X))
}

fn read(image: &mut Builder<'_>, head: &[u8]) {
    let Some(elf) = ElfHeader::read(image, head) else { return };
    image.architecture = Some(elf.architecture());
    let names = section_names(image.src, &elf);
    elf.each_section(image, |image, section| add_section(image, section, &names, elf.file_type));
    if image.regions_mut().is_empty() {
        elf.each_segment(image, |image, segment| {
            let label = match segment.p_type {
                PT_LOAD => "LOAD",
                PT_NOTE => "NOTE",
                _ => return,
            };
            let address = (segment.p_type == PT_LOAD).then_some(segment.p_vaddr);
            let permissions = segment_permissions(segment);
            image.region(segment.p_offset, segment.p_filesz, address, Label::Segment(label.into()), permissions);
        });
    }
    let table_end = |table: &Table| table.offset.saturating_add(table.count.saturating_mul(table.entry as u64));
    let end = image.described_end().max(table_end(&elf.sections)).max(table_end(&elf.segments));
    image.overlay(end);
}

fn add_section(image: &mut Builder<'_>, section: &SectionHeader, names: &[u8], file_type: u16) {
    if matches!(section.sh_type, SHT_NULL | SHT_NOBITS) {
        return;
    }
    let name = fields::short_text(names.get(section.sh_name..).unwrap_or_default());
    let has = |flag: u32| section.sh_flags & u64::from(flag) != 0;
    let address = (has(SHF_ALLOC) && file_type != header::ET_REL).then_some(section.sh_addr);
    let permissions = match has(SHF_ALLOC) {
        true => Permissions::known(true, section.is_writable(), section.is_executable()),
        false => Permissions::Unknown,
    };
    let label = Label::Section(image.name(&name));
    image.region(section.sh_offset, section.sh_size, address, label, permissions);
}

/// The string table with the names of the sections; empty if there is none.
fn section_names(src: &dyn ReadAt, elf: &ElfHeader) -> Vec<u8> {
    let entry = elf.sections.entry as u64;
    let at = elf.section_names.checked_mul(entry).and_then(|skip| elf.sections.offset.checked_add(skip));
    let Some(at) = at.filter(|_| elf.sections.offset != 0 && elf.section_names != 0) else { return Vec::new() };
    match elf.section(&read_vec(src, at, entry)) {
        Some(names) => read_vec(src, names.sh_offset, names.sh_size.min(limits::TABLE_BYTES)),
        None => Vec::new(),
    }
}
