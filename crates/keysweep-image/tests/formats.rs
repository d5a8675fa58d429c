//! What each format's reader finds in a small file, and what it says about a cut one.

mod samples;

use keysweep_image::{Format, Image, Label, Permissions, ReadAt, WarningKind, recognise};
use samples::{CORE_PAGE, CORE_SEGMENTS, CoreSample, Pages};

/// Address, length, permissions and label of the regions.
fn table(image: &Image) -> Vec<(Option<u64>, u64, String, String)> {
    let row = |r: &keysweep_image::Region| (r.address, r.len, r.permissions.to_string(), r.label.to_string());
    image.regions.iter().map(row).collect()
}

fn row(
    address: impl Into<Option<u64>>,
    len: u64,
    permissions: &str,
    label: &str,
) -> (Option<u64>, u64, String, String) {
    (address.into(), len, permissions.to_owned(), label.to_owned())
}

fn byte_at(image: &Image, bytes: &dyn ReadAt, address: u64) -> Option<u8> {
    let mut buf = [0];
    (image.read_address(bytes, address, &mut buf) == 1).then_some(buf[0])
}

#[test]
fn core_in_every_word_size_and_byte_order() {
    for (big_endian, is_32, architecture) in
        [(false, false, "x86_64"), (true, false, "s390x"), (false, true, "i386"), (true, true, "arm")]
    {
        for extended in [false, true] {
            let mut bytes = samples::core(&CoreSample { big_endian, is_32, extended });
            if architecture == "s390x" {
                bytes[18..20].copy_from_slice(&22_u16.to_be_bytes());
            }
            let image = recognise(&bytes);
            assert_eq!((image.format, image.architecture.as_deref()), (Format::ElfCore, Some(architecture)));
            assert_eq!(image.warnings, [], "{architecture}");
            let expected = [
                row(0x40_0000, CORE_PAGE, "r--", "/usr/bin/signer"),
                row(0x40_3000, CORE_PAGE, "rw-", "/usr/bin/signer"),
                row(0x40_4000, CORE_PAGE, "rw-", "anonymous"),
                row(0xd0_0000, CORE_PAGE, "rw-", "heap"),
                row(0x7000_0000, CORE_PAGE, "r-x", "/usr/lib/libcrypto.so.3"),
                row(0x7100_0000, CORE_PAGE, "rw-", "anonymous"),
                row(0x7200_0000, CORE_PAGE, "rw-", "stack of thread 4322"),
                row(0x7ff0_0000, CORE_PAGE, "rw-", "stack of thread 4321"),
            ];
            assert_eq!(table(&image), expected, "{architecture}");
            let process = image.process.as_ref().expect("a process");
            assert_eq!((process.pid, process.uid, process.threads), (Some(4321), Some(1000), 2));
            assert_eq!(process.name.as_deref(), Some("signer"));
            assert_eq!(process.command_line.as_deref(), Some("/usr/bin/signer --serve"));
            assert_eq!(process.cause.as_deref(), Some("SIGSEGV at 0x10"));
            let modules: Vec<_> = image.modules.iter().map(|m| (&*m.name, m.address, m.size)).collect();
            let libcrypto = ("/usr/lib/libcrypto.so.3", 0x7000_0000, 0x2000);
            assert_eq!(modules, [("/usr/bin/signer", 0x40_0000, 0x4000), libcrypto]);
        }
    }
}

#[test]
fn offsets_and_addresses_agree() {
    let bytes = samples::core(&CoreSample { big_endian: false, is_32: false, extended: false });
    let image = recognise(&bytes);
    for (address, _, fill) in CORE_SEGMENTS {
        let offset = image.file_offset_of(address + 7).expect("a dumped address");
        assert_eq!(bytes[offset as usize], fill);
        assert_eq!(image.place(offset).address, Some(address + 7));
        assert_eq!(byte_at(&image, &bytes, address + CORE_PAGE - 1), Some(fill));
    }
    // The second page of a segment was in memory, but is not in the file.
    assert_eq!(image.file_offset_of(0x7000_0000 + CORE_PAGE), None);
    let offset = image.file_offset_of(0x40_3010).expect("a dumped address");
    let (module, inside) = image.place(offset).module.expect("a module");
    assert_eq!((&*module.name, inside), ("/usr/bin/signer", 0x3010));
    assert_eq!(image.place(0).region, None, "the header is in no region");
    // 0x403000 and 0x404000 touch: a read goes across, and ends where nothing was dumped.
    let mut buf = [0; 0x3000];
    assert_eq!(image.read_address(&bytes, 0x40_3800, &mut buf), 0x1800);
    assert_eq!((buf[0x7ff], buf[0x800], buf[0x17ff]), (b'd', b'b', b'b'));
}

#[test]
fn a_cut_core_says_what_is_missing() {
    let bytes = samples::core(&CoreSample { big_endian: false, is_32: false, extended: false });
    let cut = bytes[..bytes.len() - 0x1800].to_vec();
    let image = recognise(&cut);
    assert_eq!(image.regions.len(), 7);
    assert_eq!(image.regions[6].len, 0x800);
    let [warning] = image.warnings.as_slice() else { panic!("{:?}", image.warnings) };
    assert_eq!(warning.kind, WarningKind::Truncated);
    assert_eq!(warning.message, "elf-core is cut after 30,720 of 36,864 bytes: 1 of 9 parts are missing, 1 end early");
}

#[test]
fn physical_core() {
    let bytes = samples::vmcore();
    let image = recognise(&bytes);
    assert_eq!(image.format, Format::ElfPhysical);
    assert_eq!(image.regions[0].label, Label::Physical);
    assert_eq!(image.regions[0].address, Some(0x40_0000 + 0x100_0000));
    assert_eq!(image.process.and_then(|process| process.host).as_deref(), Some("6.1.0-test"));
}

#[test]
fn executables() {
    let image = recognise(&samples::elf_executable());
    assert_eq!((image.format, image.architecture.as_deref()), (Format::Elf, Some("x86_64")));
    let expected =
        [row(0x40_0100, 0x80, "r-x", ".text"), row(None, 22, "???", ".shstrtab"), row(None, 8, "???", "overlay")];
    assert_eq!(table(&image), expected);

    let image = recognise(&samples::pe());
    assert_eq!((image.format, image.architecture.as_deref()), (Format::Pe, Some("x86_64")));
    let expected = [
        row(0x1_4000_1000, 0x100, "r-x", ".text"),
        row(0x1_4000_2000, 0x100, "r--", ".rsrc"),
        row(None, 0x20, "???", "certificate table"),
        row(None, 8, "???", "overlay"),
    ];
    assert_eq!(table(&image), expected);

    let image = recognise(&samples::mach_o(false));
    assert_eq!((image.format, image.architecture.as_deref()), (Format::MachO, Some("aarch64")));
    let expected =
        [row(0x1_0000_1000, 0x1000, "rw-", "__TEXT,__text"), row(0x1_0000_2000, 0x1000, "rw-", "__LINKEDIT")];
    assert_eq!(table(&image), expected);

    let image = recognise(&samples::mach_o_fat());
    assert_eq!((image.format, image.architecture.as_deref()), (Format::MachOFat, Some("aarch64+aarch64")));
    let offsets: Vec<_> = image.regions.iter().map(|r| (r.file_offset, r.label.to_string())).collect();
    let (text, link) = ("aarch64:__TEXT,__text".to_owned(), "aarch64:__LINKEDIT".to_owned());
    assert_eq!(offsets, [(0x2000, text.clone()), (0x3000, link.clone()), (0x6000, text), (0x7000, link)]);
}

#[test]
fn mach_o_core() {
    let image = recognise(&samples::mach_o(true));
    assert_eq!(image.format, Format::MachOCore);
    let expected =
        [row(0x1_0000_0000, 0x1000, "rw-", "anonymous"), row(0x7_0000_0000, 0x1000, "rw-", "stack of thread 1")];
    assert_eq!(table(&image), expected);
}

#[test]
fn minidumps() {
    for full in [false, true] {
        let bytes = samples::minidump(full);
        let image = recognise(&bytes);
        assert_eq!((image.format, image.architecture.as_deref()), (Format::Minidump, Some("x86_64")));
        assert_eq!(image.warnings, []);
        let process = image.process.as_ref().expect("a process");
        assert_eq!((process.pid, process.name.as_deref(), process.threads), (Some(5150), Some("signer.exe"), 1));
        assert_eq!(process.cause.as_deref(), Some("access violation at 0x401234"));
        assert_eq!(process.host.as_deref(), Some("Windows 10.0.19045"));
        assert_eq!(process.time, Some(1_700_000_000));
        let mut expected = vec![
            row(0x40_0000, 0x1000, "???", "C:\\app\\signer.exe"),
            row(0x12_f000, 0x1000, "???", "stack of thread 77"),
            row(0x50_0000, 0x1000, if full { "rw-" } else { "???" }, "anonymous"),
        ];
        if full {
            expected.push(row(0x50_1000, 0x1000, "r-x", "anonymous"));
        }
        assert_eq!(table(&image), expected);
        assert_eq!(byte_at(&image, &bytes, 0x12_f800), Some(b's'));
        assert_eq!(image.module_at(0x7c90_0010).map(|(m, at)| (&*m.name, at)), Some(("C:\\Windows\\ntdll.dll", 0x10)));
    }
}

#[test]
fn windows_kernel_dumps() {
    for pages in [Pages::Runs, Pages::Bitmap, Pages::Ranges] {
        let bytes = samples::windows_kernel(pages);
        let image = recognise(&bytes);
        assert_eq!((image.format, image.architecture.as_deref()), (Format::WindowsKernel, Some("x86_64")));
        assert_eq!(image.warnings, []);
        let expected = [row(0x1000, 0x2000, "???", "physical memory"), row(0x5000, 0x1000, "???", "physical memory")];
        assert_eq!(table(&image), expected);
        for page in [1, 2, 5] {
            assert_eq!(byte_at(&image, &bytes, page * 0x1000 + 9), Some(page as u8));
        }
        let process = image.process.as_ref().expect("the system");
        assert_eq!(process.cause.as_deref(), Some("bug check 0xd1 (0x1, 0x2, 0x3, 0x4)"));
        assert_eq!((process.time, process.threads), (Some(1_700_000_000), 8));
    }
}

#[test]
fn windows_kernel_dump_of_a_32_bit_system() {
    let bytes = samples::windows_kernel_32();
    let image = recognise(&bytes);
    assert_eq!((image.architecture.as_deref(), image.warnings.as_slice()), (Some("i386"), [].as_slice()));
    let expected = [row(0x1000, 0x2000, "???", "physical memory"), row(0x5000, 0x1000, "???", "physical memory")];
    assert_eq!(table(&image), expected);
    assert_eq!(image.process.and_then(|p| p.cause).as_deref(), Some("bug check 0x7e (0x1, 0x2, 0x3, 0x4)"));
}

#[test]
fn a_kernel_dump_without_a_map_has_no_addresses_and_says_so() {
    let mut bytes = samples::windows_kernel(Pages::Bitmap);
    bytes[0x2000..0x2004].copy_from_slice(b"????");
    let image = recognise(&bytes);
    assert_eq!(image.regions, []);
    assert_eq!(image.warnings[0].kind, WarningKind::Unmapped);
}

/// As a sparse file says it that is nothing but a header and a hole: its bitmap would have 128 GiB.
#[test]
fn the_bitmap_of_a_kernel_dump_is_bounded() {
    struct Hole(Vec<u8>);
    impl ReadAt for Hole {
        fn len(&self) -> u64 {
            1 << 39
        }
        fn read_at(&self, offset: u64, buf: &mut [u8]) -> std::io::Result<usize> {
            assert!(offset < 1 << 30, "read at {offset:#x}");
            buf.fill(0);
            if let Some(rest) = self.0.get(offset as usize..) {
                let count = rest.len().min(buf.len());
                buf[..count].copy_from_slice(&rest[..count]);
            }
            Ok(buf.len())
        }
    }
    let mut bytes = samples::windows_kernel(Pages::Bitmap);
    bytes.truncate(0x2038);
    bytes[0x2020..0x2028].copy_from_slice(&(1_u64 << 38).to_le_bytes());
    bytes[0x2030..0x2038].copy_from_slice(&(1_u64 << 40).to_le_bytes());
    let image = recognise(&Hole(bytes));
    assert_eq!(image.warnings[0].kind, WarningKind::Unmapped);
}

#[test]
fn other_dumps_and_archives() {
    let bytes = samples::lime();
    let image = recognise(&bytes);
    assert_eq!(image.format, Format::Lime);
    let expected = [row(0x1000, 0x2000, "???", "physical memory"), row(0x5000, 0x1000, "???", "physical memory")];
    assert_eq!(table(&image), expected);
    assert_eq!(byte_at(&image, &bytes, 0x5fff), Some(5));

    let image = recognise(&samples::hprof());
    assert_eq!(image.format, Format::Hprof);
    assert_eq!(image.process.and_then(|process| process.time), Some(1_700_000_000));
    assert_eq!(image.regions[0].label, Label::Contents);
    assert_eq!(image.warnings, []);

    let bytes = samples::archive();
    let image = recognise(&bytes);
    assert_eq!(image.format, Format::Archive);
    let contents = |r: &keysweep_image::Region| {
        String::from_utf8_lossy(&bytes[r.file_offset as usize..r.file_end() as usize]).into_owned()
    };
    let members: Vec<_> = image.regions.iter().skip(1).map(|r| (r.label.to_string(), contents(r))).collect();
    let expected = [("a_rather_long_member_name.o", "first!"), ("short.o", "odd"), ("bsd_name", "and contents")];
    assert_eq!(members, expected.map(|(name, text)| (name.to_owned(), text.to_owned())));
}

#[test]
fn a_compressed_dump_is_not_silently_clean() {
    let mut bytes = b"KDUMP   ".to_vec();
    bytes.resize(4096, 0);
    let image = recognise(&bytes);
    assert_eq!(image.format, Format::CompressedDump);
    assert_eq!(image.warnings[0].kind, WarningKind::Unsupported);
    // A text that begins so is text.
    assert_eq!(recognise(&b"KDUMP   is the signature of makedumpfile's format".to_vec()).format, Format::Text);
    assert_eq!(recognise(&b"Hibrid cars and other things with a typing error".to_vec()).format, Format::Text);
}

#[test]
fn text_and_raw() {
    let utf16 = |text: &str, to: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(to).collect::<Vec<u8>>();
    let long = "-----BEGIN PRIVATE KEY-----\r\nMII";
    let cases = [
        (b"".to_vec(), Format::Text),
        (b"key = value\n".to_vec(), Format::Text),
        ("Schl\u{fc}ssel \u{1f511}\n".into(), Format::Text),
        (b"Schl\xfcssel in Latin-1 text, a few letters only\n".to_vec(), Format::Text),
        // KOI8-R: nearly all bytes beyond ASCII, but more than chance would leave free of control characters.
        ([0xcb, 0xcc, 0xc0, 0xde, 0x20].repeat(60), Format::Text),
        ([0xcb, 0xcc, 0xc0, 0xde, 0x20].repeat(6), Format::Raw),
        (b"\x1b[1mbold\x1b[0m\n".to_vec(), Format::Text),
        (utf16(long, u16::to_le_bytes), Format::Utf16Le),
        (utf16(long, u16::to_be_bytes), Format::Utf16Be),
        (utf16("\u{feff}\u{20ac}", u16::to_le_bytes), Format::Utf16Le),
        (utf16("\u{feff}\u{20ac}\u{1f511}", u16::to_be_bytes), Format::Utf16Be),
        (b"MZ is how a text may begin, too\n".to_vec(), Format::Text),
        (b"text with a \0 byte".to_vec(), Format::Raw),
        (vec![0; 64], Format::Raw),
        ((0..=255).collect(), Format::Raw),
        (b"\x30\x82\x04\xa4\x02\x01\x01".to_vec(), Format::Raw),
        // UTF-32, and integers of 16 bits.
        (b"\xff\xfe\0\0a\0\0\0".to_vec(), Format::Raw),
        ((0..64_u16).flat_map(u16::to_le_bytes).collect(), Format::Raw),
        // A Java class: the magic of a fat Mach-O, but version 52.
        (b"\xca\xfe\xba\xbe\0\0\0\x34\0\x10\x0a\0\x01".to_vec(), Format::Raw),
    ];
    for (bytes, format) in cases {
        let image = recognise(&bytes);
        assert_eq!(image.format, format, "{:?}", String::from_utf8_lossy(&bytes));
        assert!(image.regions.is_empty() && image.warnings.is_empty());
    }
}

#[test]
fn names_cannot_steer_a_terminal() {
    let mut bytes = samples::core(&CoreSample { big_endian: false, is_32: false, extended: false });
    let name = b"/usr/lib/libcrypto";
    let at = bytes.windows(name.len()).position(|window| window == name).expect("the name");
    bytes[at + 1] = 0x1b;
    let image = recognise(&bytes);
    assert_eq!(&*image.modules[1].name, "/\u{fffd}sr/lib/libcrypto.so.3");
}

#[test]
fn permissions_tell_unknown_from_none() {
    assert!(!Permissions::Unknown.writable());
    assert_eq!(Permissions::default().to_string(), "???");
    let none = Permissions::Known { read: false, write: false, execute: false };
    assert_eq!(none.to_string(), "---");
}

#[test]
fn heap_dumps_that_are_cut_are_told() {
    let whole = samples::hprof();
    let kinds = |bytes: &[u8]| recognise(&bytes).warnings.iter().map(|warning| warning.kind).collect::<Vec<_>>();
    for len in 31..whole.len() {
        assert_eq!(kinds(&whole[..len]), [WarningKind::Truncated], "{len}");
    }
    // What follows the last record is not looked at, and neither is what follows something that is no record.
    assert_eq!(kinds(&[&whole[..], &[1; 20]].concat()), []);
    assert_eq!(kinds(&[&whole[..31], &[0xee; 20]].concat()), []);
    // In older dumps the heap is one record, and its length is zero if it does not fit.
    let heap = |len: u32| [&whole[..31], &[0x0c, 0, 0, 0, 0], &len.to_be_bytes(), b"\0heap"].concat();
    assert_eq!(kinds(&heap(5)), []);
    assert_eq!(kinds(&heap(0)), []);
    assert_eq!(kinds(&heap(6)), [WarningKind::Truncated]);
}
