//! Small files of each format, composed field by field.

#![allow(dead_code, reason = "each test file uses a part")]

/// Bytes in the making, with a byte order.
#[derive(Clone, Default)]
pub(crate) struct Bytes {
    pub(crate) bytes: Vec<u8>,
    pub(crate) big_endian: bool,
    pub(crate) is_32: bool,
}

impl Bytes {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn put(&mut self, bytes: &[u8]) -> &mut Self {
        self.bytes.extend_from_slice(bytes);
        self
    }

    fn int(&mut self, value: u64, len: usize) -> &mut Self {
        let little = value.to_le_bytes();
        let mut bytes = little[..len].to_vec();
        if self.big_endian {
            bytes.reverse();
        }
        self.put(&bytes)
    }

    pub(crate) fn u16(&mut self, value: u16) -> &mut Self {
        self.int(value.into(), 2)
    }

    pub(crate) fn u32(&mut self, value: u32) -> &mut Self {
        self.int(value.into(), 4)
    }

    pub(crate) fn u64(&mut self, value: u64) -> &mut Self {
        self.int(value, 8)
    }

    pub(crate) fn word(&mut self, value: u64) -> &mut Self {
        self.int(value, if self.is_32 { 4 } else { 8 })
    }

    /// Zeros up to a length.
    pub(crate) fn pad_to(&mut self, len: usize) -> &mut Self {
        assert!(self.bytes.len() <= len, "{} is past {len}", self.bytes.len());
        self.bytes.resize(len, 0);
        self
    }

    pub(crate) fn text(&mut self, text: &str, len: usize) -> &mut Self {
        let end = self.bytes.len() + len;
        self.put(text.as_bytes()).pad_to(end)
    }
}

/// A core of one process with two threads: executable, heap, library, anonymous memory and two stacks.
pub(crate) struct CoreSample {
    pub(crate) big_endian: bool,
    pub(crate) is_32: bool,
    /// Number the segments in section 0, as for 65,535 and more.
    pub(crate) extended: bool,
}

pub(crate) const CORE_PAGE: u64 = 0x1000;

/// Address, permissions (ELF flags) and fill byte of the segments of [`core`], in its order.
pub(crate) const CORE_SEGMENTS: [(u64, u32, u8); 8] = [
    (0x0040_0000, 4, b'e'),
    (0x0040_3000, 6, b'd'),
    (0x0040_4000, 6, b'b'),
    (0x00d0_0000, 6, b'h'),
    (0x7000_0000, 5, b'l'),
    (0x7100_0000, 6, b'a'),
    (0x7200_0000, 6, b't'),
    (0x7ff0_0000, 6, b's'),
];

pub(crate) fn core(sample: &CoreSample) -> Vec<u8> {
    let mut notes = Bytes { big_endian: sample.big_endian, is_32: sample.is_32, ..Bytes::new() };
    note(&mut notes, "CORE", 1, |b| prstatus(b, 4321, 11, 0x7ff0_0800));
    note(&mut notes, "CORE", 3, prpsinfo);
    note(&mut notes, "CORE", 0x5349_4749, |b| {
        b.u32(11).u32(0).u32(1);
        if !b.is_32 {
            b.u32(0);
        }
        b.word(0x10);
    });
    note(&mut notes, "CORE", 6, |b| {
        b.word(9).word(0x40_0123).word(33).word(0x7300_0000).word(0).word(0);
    });
    note(&mut notes, "CORE", 0x4649_4c45, |b| {
        // The executable's second and third mapping share a page of the file; the fourth is a part mapped as data.
        b.word(5).word(CORE_PAGE);
        b.word(0x40_0000).word(0x40_2000).word(0);
        b.word(0x40_2000).word(0x40_3000).word(2);
        b.word(0x40_3000).word(0x40_4000).word(2);
        b.word(0x6000_0000).word(0x6000_1000).word(1);
        b.word(0x7000_0000).word(0x7000_2000).word(0);
        b.put(b"/usr/bin/signer\0/usr/bin/signer\0/usr/bin/signer\0/usr/bin/signer\0");
        b.put(b"/usr/lib/libcrypto.so.3\0");
    });
    note(&mut notes, "CORE", 1, |b| prstatus(b, 4322, 0, 0x7200_0ff0));
    elf(sample, 4, &notes.bytes)
}

/// A core of physical memory: one segment at 16 MiB.
pub(crate) fn vmcore() -> Vec<u8> {
    let sample = CoreSample { big_endian: false, is_32: false, extended: false };
    let mut notes = Bytes::new();
    note(&mut notes, "VMCOREINFO", 0, |b| {
        b.put(b"OSRELEASE=6.1.0-test\nPAGESIZE=4096\n");
    });
    elf(&sample, 4, &notes.bytes)
}

fn elf(sample: &CoreSample, file_type: u16, notes: &[u8]) -> Vec<u8> {
    let mut out = Bytes { big_endian: sample.big_endian, is_32: sample.is_32, ..Bytes::new() };
    let (header, segment, section) = if sample.is_32 { (52, 32, 40) } else { (64, 56, 64) };
    let count = CORE_SEGMENTS.len() + 1;
    let section_at = header + count * segment;
    let notes_at = section_at + section;
    let data_at = (notes_at + notes.len()).next_multiple_of(CORE_PAGE as usize);
    let machine = match (sample.is_32, sample.big_endian) {
        (true, true) => 40,
        (true, false) => 3,
        (false, true) => 22,
        (false, false) => 62,
    };
    out.put(b"\x7fELF").put(&[if sample.is_32 { 1 } else { 2 }, if sample.big_endian { 2 } else { 1 }, 1]).pad_to(16);
    out.u16(file_type).u16(machine).u32(1).word(0).word(header as u64);
    out.word(if sample.extended { section_at as u64 } else { 0 }).u32(0);
    out.u16(header as u16).u16(segment as u16).u16(if sample.extended { 0xffff } else { count as u16 });
    out.u16(section as u16).u16(u16::from(sample.extended)).u16(0);
    program_header(&mut out, 4, 4, notes_at as u64, 0, notes.len() as u64);
    for (i, (address, flags, _)) in CORE_SEGMENTS.iter().enumerate() {
        program_header(&mut out, 1, *flags, data_at as u64 + i as u64 * CORE_PAGE, *address, CORE_PAGE);
    }
    // Section 0: type, flags, address, offset, size, link, info.
    out.u32(0).u32(0).word(0).word(0).word(0).word(1).u32(0).u32(count as u32);
    out.pad_to(notes_at).put(notes).pad_to(data_at);
    for (i, (_, _, fill)) in CORE_SEGMENTS.iter().enumerate() {
        out.pad_to(data_at + i * CORE_PAGE as usize).put(&[*fill; CORE_PAGE as usize]);
    }
    out.bytes
}

fn program_header(out: &mut Bytes, kind: u32, flags: u32, offset: u64, address: u64, size: u64) {
    // The physical address is the virtual one plus 16 MiB, to tell them apart. In memory a segment is longer.
    let physical = address + 0x100_0000;
    out.u32(kind);
    if out.is_32 {
        out.word(offset).word(address).word(physical).word(size).word(size * 2).u32(flags).word(1);
    } else {
        out.u32(flags).word(offset).word(address).word(physical).word(size).word(size * 2).word(1);
    }
}

fn note(out: &mut Bytes, owner: &str, kind: u32, contents: impl FnOnce(&mut Bytes)) {
    let mut body = Bytes { bytes: Vec::new(), ..*out };
    contents(&mut body);
    out.u32(owner.len() as u32 + 1).u32(body.bytes.len() as u32).u32(kind).put(owner.as_bytes()).put(&[0]);
    out.bytes.resize(out.bytes.len().next_multiple_of(4), 0);
    out.put(&body.bytes);
    out.bytes.resize(out.bytes.len().next_multiple_of(4), 0);
}

fn prstatus(out: &mut Bytes, thread: u32, signal: u16, stack_pointer: u64) {
    // Registers in front of the stack pointer: x86-64 19, i386 15, ARM (big endian here) 13, ppc64 1.
    let (head, before) = match (out.is_32, out.big_endian) {
        (false, false) => (112, 19),
        (true, false) => (72, 15),
        (true, true) => (72, 13),
        (false, true) => (112, 2),
    };
    // For 64-bit big endian (s390x), the program status word takes the first two words and 15 registers follow.
    let before = if !out.is_32 && out.big_endian { before + 15 } else { before };
    out.u32(signal.into()).u32(0).u32(0).u16(signal);
    out.pad_to(if out.is_32 { 24 } else { 32 }).u32(thread).pad_to(head);
    for _ in 0..before {
        out.word(0);
    }
    out.word(stack_pointer);
    let end = out.bytes.len() + 64;
    out.pad_to(end);
}

fn prpsinfo(out: &mut Bytes) {
    if out.is_32 {
        out.pad_to(8).u16(1000).u16(1000).u32(4321).pad_to(28);
    } else {
        out.pad_to(16).u32(1000).u32(1000).u32(4321).pad_to(40);
    }
    out.text("signer", 16).text("/usr/bin/signer --serve ", 80);
}

/// A minidump with a thread, two modules, an exception and memory: in the 32-bit list, or (full) in the 64-bit list
/// with protections.
pub(crate) fn minidump(full: bool) -> Vec<u8> {
    const DATA: usize = 0x1000;
    let mut streams: Vec<(u32, Vec<u8>)> = Vec::new();
    let mut stream = |kind: u32, fill: &dyn Fn(&mut Bytes)| {
        let mut body = Bytes::new();
        fill(&mut body);
        streams.push((kind, body.bytes));
    };
    stream(3, &|b| {
        b.u32(1).u32(77).u32(0).u32(0).u32(0).u64(0x7ffd_e000);
        b.u64(0x0012_f000).u32(0x1000).u32(if full { 0 } else { DATA as u32 + 0x1000 }).u32(0).u32(0);
    });
    stream(4, &|b| {
        b.u32(2);
        for (base, name) in [(0x0040_0000_u64, 0xf00_u32), (0x7c90_0000, 0xf40)] {
            let end = b.bytes.len() + 108;
            b.u64(base).u32(0x2000).u32(0).u32(0x4444_4444).u32(name).pad_to(end);
        }
    });
    stream(6, &|b| {
        b.u32(77).u32(0).u32(0xc000_0005).u32(0).u64(0).u64(0x40_1234).pad_to(168);
    });
    stream(7, &|b| {
        b.u16(9).u16(0).u16(0).put(&[4, 1]).u32(10).u32(0).u32(19045).u32(2).pad_to(56);
    });
    stream(15, &|b| {
        b.u32(24).u32(1).u32(5150).u32(0).u32(0).u32(0);
    });
    if full {
        stream(9, &|b| {
            b.u64(3).u64(DATA as u64).u64(0x40_0000).u64(0x1000).u64(0x12_f000).u64(0x1000).u64(0x50_0000).u64(0x2000);
        });
        stream(16, &|b| {
            b.u32(16).u32(48).u64(2);
            for (base, size, protection) in [(0x50_0000_u64, 0x1000_u64, 4_u32), (0x50_1000, 0x1000, 0x20)] {
                b.u64(base).u64(base).u32(4).u32(0).u64(size).u32(0x1000).u32(protection).u32(0x2_0000).u32(0);
            }
        });
    } else {
        stream(5, &|b| {
            b.u32(3);
            for (i, address) in [0x40_0000_u64, 0x12_f000, 0x50_0000].into_iter().enumerate() {
                b.u64(address).u32(0x1000).u32((DATA + i * 0x1000) as u32);
            }
        });
    }
    let mut out = Bytes::new();
    out.put(b"MDMP").u32(0x61b1_a793).u32(streams.len() as u32).u32(32).u32(0).u32(1_700_000_000).u64(2);
    let mut at = 32 + streams.len() * 12;
    for (kind, body) in &streams {
        out.u32(*kind).u32(body.len() as u32).u32(at as u32);
        at += body.len();
    }
    for (_, body) in &streams {
        out.put(body);
    }
    for (at, name) in [(0xf00, "C:\\app\\signer.exe"), (0xf40, "C:\\Windows\\ntdll.dll")] {
        let units: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
        out.pad_to(at).u32(units.len() as u32).put(&units);
    }
    out.pad_to(DATA).put(&[b'm'; 0x1000]).put(&[b's'; 0x1000]).put(&[b'a'; 0x1000]);
    if full {
        out.put(&[b'x'; 0x1000]);
    }
    out.bytes
}

/// How a Windows kernel dump lists its pages.
#[derive(Clone, Copy)]
pub(crate) enum Pages {
    Runs,
    Bitmap,
    Ranges,
}

/// A 64-bit Windows kernel dump with pages 1, 2 and 5; each is filled with its number.
pub(crate) fn windows_kernel(pages: Pages) -> Vec<u8> {
    let mut out = Bytes::new();
    out.put(b"PAGEDU64").u32(15).u32(19041).pad_to(0x30).u32(0x8664).u32(8).u32(0xd1).u32(0);
    out.u64(1).u64(2).u64(3).u64(4).pad_to(0x88);
    if matches!(pages, Pages::Runs) {
        out.u32(2).u32(0).u64(3).u64(1).u64(2).u64(5).u64(1);
    }
    let kind = match pages {
        Pages::Runs => 1,
        Pages::Bitmap => 5,
        Pages::Ranges => 10,
    };
    out.pad_to(0xf98).u32(kind).pad_to(0xfa8).u64((11_644_473_600 + 1_700_000_000) * 10_000_000).pad_to(0x2000);
    match pages {
        Pages::Runs => {}
        Pages::Bitmap => {
            out.put(b"SDMPDUMP").pad_to(0x2020).u64(0x3000).u64(3).u64(16).put(&[0b10_0110, 0]).pad_to(0x3000);
        }
        Pages::Ranges => {
            out.u32(0x40).put(b"RDMPDUMP").u32(0).u64(0x40).u64(0x2060).u32(2).u32(0).u64(3);
            out.u64(1).u64(2).u64(5).u64(1).u64(0).u64(0).pad_to(0x2060);
        }
    }
    for page in [1, 2, 5] {
        out.put(&[page; 0x1000]);
    }
    out.bytes
}

/// The same pages in a complete dump of a 32-bit system.
pub(crate) fn windows_kernel_32() -> Vec<u8> {
    let mut out = Bytes::new();
    out.put(b"PAGEDUMP").u32(15).u32(2600).pad_to(0x20).u32(0x14c).u32(1).u32(0x7e).u32(1).u32(2).u32(3).u32(4);
    out.pad_to(0x64).u32(2).u32(3).u32(1).u32(2).u32(5).u32(1).pad_to(0xf88).u32(1).pad_to(0x1000);
    for page in [1, 2, 5] {
        out.put(&[page; 0x1000]);
    }
    out.bytes
}

/// The same pages as [`windows_kernel`] by LiME, with a header for each range.
pub(crate) fn lime() -> Vec<u8> {
    let mut out = Bytes::new();
    out.put(b"EMiL").u32(1).u64(0x1000).u64(0x2fff).u64(0).put(&[1; 0x1000]).put(&[2; 0x1000]);
    out.put(b"EMiL").u32(1).u64(0x5000).u64(0x5fff).u64(0).put(&[5; 0x1000]);
    out.bytes
}

pub(crate) fn hprof() -> Vec<u8> {
    let mut out = Bytes { big_endian: true, ..Bytes::new() };
    out.put(b"JAVA PROFILE 1.0.2\0").u32(8).u64(1_700_000_000_000);
    out.put(&[0x01, 0, 0, 0, 0, 0, 0, 0, 12]).u64(7).put(b"name");
    out.put(&[0x1c, 0, 0, 0, 0, 0, 0, 0, 5]).put(b"\0heap").put(&[0x2c, 0, 0, 0, 0, 0, 0, 0, 0]);
    out.bytes
}

/// An archive with a member of a GNU long name, one of a short name, and one of a BSD name.
pub(crate) fn archive() -> Vec<u8> {
    let mut out = Bytes::new();
    out.put(b"!<arch>\n");
    for (name, contents) in [
        ("//", "a_rather_long_member_name.o/\n"),
        ("/0", "first!"),
        ("short.o/", "odd"),
        ("#1/8", "bsd_nameand contents"),
    ] {
        out.bytes.resize(out.bytes.len().next_multiple_of(2), b'\n');
        out.put(format!("{name:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`\n", 0, 0, 0, 644, contents.len()).as_bytes());
        out.put(contents.as_bytes());
    }
    out.bytes
}

/// A 64-bit PE with two sections, a certificate table and an overlay.
pub(crate) fn pe() -> Vec<u8> {
    let mut out = Bytes::new();
    out.put(b"MZ").pad_to(0x3c).u32(0x80).pad_to(0x80).put(b"PE\0\0");
    out.u16(0x8664).u16(2).u32(0).u32(0).u32(0).u16(240).u16(0x22);
    let optional = out.bytes.len();
    out.u16(0x20b).pad_to(optional + 24).u64(0x1_4000_0000).pad_to(optional + 112 + 32).u32(0x600).u32(0x20);
    out.pad_to(optional + 240);
    for (name, address, offset, flags) in
        [(".text", 0x1000, 0x400, 0x6000_0020_u32), (".rsrc", 0x2000, 0x500, 0x4000_0040)]
    {
        out.text(name, 8).u32(0x100).u32(address).u32(0x100).u32(offset).u32(0).u32(0).u32(0).u32(flags);
    }
    out.pad_to(0x400).put(&[b't'; 0x100]).put(&[b'r'; 0x100]).put(&[b'c'; 0x20]).put(b"appended");
    out.bytes
}

/// A 64-bit Mach-O of a file type: an executable with a text section, zero-filled data and link data, or a core with a
/// stack.
pub(crate) fn mach_o(core: bool) -> Vec<u8> {
    let mut commands = Bytes::new();
    let segment = |out: &mut Bytes, name: &str, address: u64, offset: u64, size: u64, sections: u32| {
        out.u32(0x19).u32(72 + 80 * sections).text(name, 16).u64(address).u64(size).u64(offset).u64(size);
        out.u32(7).u32(3).u32(sections).u32(0);
    };
    let count = if core {
        segment(&mut commands, "", 0x1_0000_0000, 0x1000, 0x1000, 0);
        segment(&mut commands, "", 0x7_0000_0000, 0x2000, 0x1000, 0);
        commands.u32(4).u32(16 + 33 * 8).u32(6).u32(66);
        for register in 0..33 {
            commands.u64(if register == 31 { 0x7_0000_0800 } else { 0 });
        }
        3
    } else {
        segment(&mut commands, "__TEXT", 0x1_0000_0000, 0, 0x2000, 2);
        commands.text("__text", 16).text("__TEXT", 16).u64(0x1_0000_1000).u64(0x1000).u32(0x1000).u32(0).u64(0);
        commands.u32(0x8000_0400).u32(0).u32(0).u32(0);
        commands.text("__bss", 16).text("__DATA", 16).u64(0x1_0001_0000).u64(0x1000).u32(0).u32(0).u64(0);
        commands.u32(1).u32(0).u32(0).u32(0);
        segment(&mut commands, "__LINKEDIT", 0x1_0000_2000, 0x2000, 0x1000, 0);
        2
    };
    let mut out = Bytes::new();
    out.u32(0xfeed_facf).u32(0x0100_000c).u32(0).u32(if core { 4 } else { 2 });
    out.u32(count).u32(commands.bytes.len() as u32).u32(0).u32(0).put(&commands.bytes);
    out.pad_to(0x1000).put(&[b't'; 0x1000]).put(&[b'l'; 0x1000]);
    out.bytes
}

/// Two slices: that of [`mach_o`] twice.
pub(crate) fn mach_o_fat() -> Vec<u8> {
    let slice = mach_o(false);
    let mut out = Bytes { big_endian: true, ..Bytes::new() };
    out.u32(0xcafe_babe).u32(2);
    for offset in [0x1000, 0x5000] {
        out.u32(0x0100_000c).u32(0).u32(offset).u32(slice.len() as u32).u32(12);
    }
    out.pad_to(0x1000).put(&slice).pad_to(0x5000).put(&slice);
    out.bytes
}

/// An ELF executable for x86-64 with a section for text, one of zeros, the names, and an overlay.
pub(crate) fn elf_executable() -> Vec<u8> {
    const NAMES: &[u8] = b"\0.text\0.bss\0.shstrtab\0";
    let mut out = Bytes::new();
    out.put(b"\x7fELF\x02\x01\x01").pad_to(16).u16(2).u16(62).u32(1).u64(0x40_0100).u64(0).u64(0x200).u32(0);
    out.u16(64).u16(56).u16(0).u16(64).u16(4).u16(3);
    out.pad_to(0x100).put(&[b't'; 0x80]).put(NAMES).pad_to(0x200 + 64);
    for (name, kind, flags, address, offset, size) in [
        (1, 1, 6_u64, 0x40_0100_u64, 0x100_u64, 0x80_u64),
        (7, 8, 3, 0x60_0000, 0x180, 0x1000),
        (12, 3, 0, 0, 0x180, NAMES.len() as u64),
    ] {
        out.u32(name).u32(kind).u64(flags).u64(address).u64(offset).u64(size).u32(0).u32(0).u64(1).u64(0);
    }
    out.put(b"appended");
    out.bytes
}

/// A sample of each kind, by name.
pub(crate) fn all() -> Vec<(&'static str, Vec<u8>)> {
    let core_of = |big_endian, is_32, extended| core(&CoreSample { big_endian, is_32, extended });
    vec![
        ("core, 64-bit", core_of(false, false, false)),
        ("core, 32-bit, big endian", core_of(true, true, false)),
        ("core, extended numbering", core_of(false, false, true)),
        ("vmcore", vmcore()),
        ("elf", elf_executable()),
        ("minidump", minidump(false)),
        ("minidump, full", minidump(true)),
        ("kernel dump, runs", windows_kernel(Pages::Runs)),
        ("kernel dump, bitmap", windows_kernel(Pages::Bitmap)),
        ("kernel dump, ranges", windows_kernel(Pages::Ranges)),
        ("kernel dump, 32-bit", windows_kernel_32()),
        ("pe", pe()),
        ("mach-o", mach_o(false)),
        ("mach-o core", mach_o(true)),
        ("mach-o, fat", mach_o_fat()),
        ("lime", lime()),
        ("hprof", hprof()),
        ("ar", archive()),
    ]
}
