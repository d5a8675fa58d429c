//! Windows executables and libraries: sections, the certificate table, and the overlay after them.
//!
//! Source: "PE Format", Microsoft Learn.

use goblin::pe::section_table::{IMAGE_SCN_MEM_EXECUTE, IMAGE_SCN_MEM_READ, IMAGE_SCN_MEM_WRITE};

use crate::builder::Builder;
use crate::fields::{Fields, text};
use crate::image::{Format, Label, Permissions};
use crate::read::{read_table, read_vec};
use crate::recognise::Reader;

pub(crate) const READER: Reader = Reader { detect, read };

const SECTION: usize = 40;
const SYMBOL: u64 = 18;

fn detect(head: &[u8]) -> Option<Format> {
    let fields = Fields::little(head);
    let signature = fields.u32(0x3c)? as usize;
    let is_pe = head.starts_with(b"MZ") && head.get(signature..)?.starts_with(b"PE\0\0");
    is_pe.then_some(Format::Pe)
}

fn read(image: &mut Builder<'_>, head: &[u8]) {
    let _ = read_headers(image, Fields::little(head));
}

/// None where a header is cut; what is before it has been added.
fn read_headers(image: &mut Builder<'_>, head: Fields<'_>) -> Option<()> {
    let coff = (head.u32(0x3c)? as usize).checked_add(4)?;
    image.architecture = Some(match head.u16(coff)? {
        0x14c => "i386".to_owned(),
        0x8664 => "x86_64".to_owned(),
        0x1c0 | 0x1c4 => "arm".to_owned(),
        0xaa64 => "aarch64".to_owned(),
        other => format!("machine-{other:#x}"),
    });
    let sections = head.u16(coff + 2)?;
    let symbols = u64::from(head.u32(coff + 8)?);
    // The string table with the long names of sections follows the symbols.
    let strings = symbols + SYMBOL * u64::from(head.u32(coff + 12)?);
    let optional = coff + 20;
    let table = optional as u64 + u64::from(head.u16(coff + 16)?);
    let is_64 = head.u16(optional)? == 0x20b;
    let base = if is_64 { head.u64(optional + 24)? } else { head.u32(optional + 28)?.into() };
    image.promise(0, table + u64::from(sections) * SECTION as u64);
    let src = image.src;
    read_table(src, table, SECTION, sections.into(), |_, entry| {
        let entry = Fields::little(entry);
        add_section(image, entry, base, |offset| text(&read_vec(src, strings.saturating_add(offset), 64)));
        true
    });
    // Data directory 4: the only one that counts from the start of the file.
    let directories = optional + if is_64 { 112 } else { 96 };
    if let (Some(offset), Some(size)) = (head.u32(directories + 32), head.u32(directories + 36))
        && offset != 0
    {
        let label = Label::Section("certificate table".into());
        image.region(offset.into(), size.into(), None, label, Permissions::Unknown);
    }
    let names = Fields::little(&read_vec(src, strings, 4)).u32(0).unwrap_or(0);
    let symbols_end = if symbols == 0 { 0 } else { strings.saturating_add(names.into()) };
    image.overlay(image.described_end().max(symbols_end));
    Some(())
}

fn add_section(image: &mut Builder<'_>, entry: Fields<'_>, base: u64, long_name: impl Fn(u64) -> String) -> Option<()> {
    let short = entry.text(0, 8)?;
    let name = match short.strip_prefix('/').and_then(|offset| offset.parse().ok()) {
        Some(offset) => long_name(offset),
        None => short,
    };
    let (address, size, offset, flags) = (entry.u32(12)?, entry.u32(16)?, entry.u32(20)?, entry.u32(36)?);
    let has = |flag| flags & flag != 0;
    let permissions = Permissions::known(has(IMAGE_SCN_MEM_READ), has(IMAGE_SCN_MEM_WRITE), has(IMAGE_SCN_MEM_EXECUTE));
    let address = base.checked_add(address.into());
    let label = Label::Section(image.name(&name));
    image.region(offset.into(), size.into(), address, label, permissions);
    Some(())
}
