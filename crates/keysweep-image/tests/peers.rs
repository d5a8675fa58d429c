//! The same tables as other parsers read them: the `minidump` crate and goblin.

mod samples;

use goblin::elf::section_header::{SHT_NOBITS, SHT_NULL};
use keysweep_image::{Format, Image, Label, recognise};
use minidump::{Minidump, MinidumpMemory64List, MinidumpMemoryList, MinidumpModuleList, Module};

/// Every byte of memory and every module that the `minidump` crate sees is where we say.
fn compare_minidump(bytes: &[u8]) {
    let image = recognise(&bytes);
    assert_eq!(image.format, Format::Minidump);
    let peer = Minidump::read(bytes).expect("the peer reads it");
    let mut ranges: Vec<(u64, &[u8])> = Vec::new();
    let list = peer.get_stream::<MinidumpMemoryList<'_>>();
    let list64 = peer.get_stream::<MinidumpMemory64List<'_>>();
    ranges.extend(list.iter().flat_map(|list| list.iter()).map(|memory| (memory.base_address, memory.bytes)));
    ranges.extend(list64.iter().flat_map(|list| list.iter()).map(|memory| (memory.base_address, memory.bytes)));
    assert!(!ranges.is_empty());
    for (address, memory) in &ranges {
        let mut ours = vec![0; memory.len()];
        assert_eq!(image.read_address(&bytes, *address, &mut ours), memory.len(), "at {address:#x}");
        assert!(ours == *memory, "at {address:#x}");
    }
    assert_eq!(
        image.regions.iter().map(|region| region.len).sum::<u64>(),
        ranges.iter().map(|(_, memory)| memory.len() as u64).sum::<u64>(),
        "no more than the peer"
    );
    let modules = peer.get_stream::<MinidumpModuleList>().expect("the peer reads the modules");
    let mut expected: Vec<_> =
        modules.iter().map(|m| (m.base_address(), m.size(), m.code_file().into_owned())).collect();
    expected.sort();
    let ours: Vec<_> = image.modules.iter().map(|m| (m.address, m.size, m.name.to_string())).collect();
    assert_eq!(ours, expected);
}

#[test]
fn minidump_crate() {
    compare_minidump(&samples::minidump(false));
    compare_minidump(&samples::minidump(true));
}

fn labels(image: &Image) -> Vec<(u64, u64, String)> {
    let sections = image.regions.iter().filter(|region| matches!(region.label, Label::Section(_)));
    sections.map(|region| (region.file_offset, region.len, region.label.to_string())).collect()
}

/// This test program itself is an executable that a real linker wrote.
#[test]
fn goblin_on_this_executable() {
    let path = std::env::current_exe().expect("a path");
    let bytes = std::fs::read(path).expect("a readable file");
    let image = recognise(&bytes);
    assert_eq!(image.warnings, []);
    if let Ok(elf) = goblin::elf::Elf::parse(&bytes) {
        assert_eq!((image.format, image.architecture.as_deref()), (Format::Elf, Some(std::env::consts::ARCH)));
        let in_file = |s: &&goblin::elf::SectionHeader| !matches!(s.sh_type, SHT_NULL | SHT_NOBITS) && s.sh_size > 0;
        let name = |at| elf.shdr_strtab.get_at(at).unwrap_or_default().to_owned();
        let sections = elf.section_headers.iter().filter(in_file);
        let mut expected: Vec<_> = sections.map(|s| (s.sh_offset, s.sh_size, name(s.sh_name))).collect();
        expected.sort();
        assert_eq!(labels(&image), expected);
    } else {
        assert!(matches!(image.format, Format::Pe | Format::MachO));
        assert!(!image.regions.is_empty());
    }
}
