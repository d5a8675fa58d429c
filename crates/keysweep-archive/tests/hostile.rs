//! Whatever the bytes: readers end, within their bounds, and panic never.

use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder};
use keysweep_archive::{Budget, Format, Input, Limits, Member, Stop, Visitor, open, recognise};
use keysweep_testkit::bounded;
use std::io::{Read, Write};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// Reads everything, and opens what is in it, too.
struct Reading<'a> {
    budget: &'a Budget,
    depth: usize,
    members: Vec<(String, usize)>,
    problems: Vec<String>,
}

impl Visitor for Reading<'_> {
    fn member(&mut self, member: &Member, content: &mut dyn Read) {
        let mut bytes = Vec::new();
        let outcome = content.take(8 << 20).read_to_end(&mut bytes);
        if let Err(error) = outcome {
            self.problems.push(format!("{}: {error}", member.name));
        }
        self.members.push((member.name.clone(), bytes.len()));
        let rest = std::io::copy(content, &mut std::io::sink()).unwrap_or(0);
        if let Some(format) = recognise(&bytes).filter(|_| rest == 0 && self.depth < self.budget.limits().depth) {
            self.depth += 1;
            open(format, Input::Random(&bytes), &member.name, self.budget, self);
            self.depth -= 1;
        }
    }

    fn problem(&mut self, member: Option<&str>, message: String) {
        self.problems.push(format!("{}: {message}", member.unwrap_or("-")));
    }
}

type Seen = (Vec<(String, usize)>, Vec<String>, Option<Stop>);

fn read(format: Format, bytes: &[u8], limits: Limits) -> Seen {
    let budget = Budget::new(limits, bytes.len() as u64);
    let mut visitor = Reading { budget: &budget, depth: 1, members: Vec::new(), problems: Vec::new() };
    open(format, Input::Random(&bytes), "x.gz", &budget, &mut visitor);
    (visitor.members, visitor.problems, budget.stopped())
}

fn walk(bytes: &[u8], limits: Limits) -> Seen {
    read(recognise(&bytes).expect("recognised"), bytes, limits)
}

fn tar(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut out = Vec::new();
    for (name, content) in members {
        out.extend(tar_header(name, format!("{:011o}\0", content.len()).as_bytes(), b'0'));
        out.extend_from_slice(content);
        out.resize(out.len().next_multiple_of(512), 0);
    }
    out.resize(out.len() + 1024, 0);
    out
}

fn tar_header(name: &str, size: &[u8], kind: u8) -> Vec<u8> {
    let mut header = vec![0; 512];
    header[..name.len()].copy_from_slice(name.as_bytes());
    header[124..124 + size.len()].copy_from_slice(size);
    header[156] = kind;
    header[257..263].copy_from_slice(b"ustar\0");
    header[148..156].fill(b' ');
    let sum: u32 = header.iter().map(|b| u32::from(*b)).sum();
    header[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
    header
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn crc(bytes: &[u8]) -> u32 {
    let mut crc = flate2::Crc::new();
    crc.update(bytes);
    crc.sum()
}

/// A zip file; each member with its method, its bytes as they lie there, and its size.
fn zip(members: &[(&str, u16, &[u8], u32, u32)]) -> Vec<u8> {
    let (mut out, mut directory) = (Vec::new(), Vec::new());
    for (name, method, packed, crc, size) in members {
        let at = out.len() as u32;
        let mut common = Vec::new();
        common.extend([20, 0, 0, 0]);
        common.extend(method.to_le_bytes());
        common.extend([0; 4]);
        common.extend(crc.to_le_bytes());
        common.extend((packed.len() as u32).to_le_bytes());
        common.extend(size.to_le_bytes());
        common.extend((name.len() as u16).to_le_bytes());
        common.extend([0, 0]);
        out.extend(b"PK\x03\x04");
        out.extend(&common);
        out.extend(name.as_bytes());
        out.extend_from_slice(packed);
        directory.extend(b"PK\x01\x02\x14\0");
        directory.extend(&common);
        directory.extend([0; 10]);
        directory.extend(at.to_le_bytes());
        directory.extend(name.as_bytes());
    }
    let at = out.len() as u32;
    let count = (members.len() as u16).to_le_bytes();
    out.extend(&directory);
    out.extend(b"PK\x05\x06\0\0\0\0");
    out.extend([count, count].concat());
    out.extend((directory.len() as u32).to_le_bytes());
    out.extend(at.to_le_bytes());
    out.extend([0, 0]);
    out
}

fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zip_of(name: &str, content: &[u8]) -> Vec<u8> {
    zip(&[(name, 8, &deflate(content), crc(content), content.len() as u32)])
}

fn cpio_of(text: &[u8]) -> Vec<u8> {
    let mut cpio = Vec::new();
    for (name, content) in [("a\0", text), ("TRAILER!!!\0", &[])] {
        let fields = [1, 0o100_644, 0, 0, 1, 0, content.len() as u32, 0, 0, 0, 0, name.len() as u32, 0];
        cpio.extend(b"070701");
        fields.iter().for_each(|field| cpio.extend(format!("{field:08x}").into_bytes()));
        cpio.extend(name.as_bytes());
        cpio.resize(cpio.len().next_multiple_of(4), 0);
        cpio.extend_from_slice(content);
        cpio.resize(cpio.len().next_multiple_of(4), 0);
    }
    cpio
}

fn rpm(payload: &[u8]) -> Vec<u8> {
    let mut out = b"\xed\xab\xee\xdb".to_vec();
    out.resize(96, 0);
    for len in [5_u32, 3] {
        out.extend(b"\x8e\xad\xe8\x01\0\0\0\0");
        out.extend(1_u32.to_be_bytes());
        out.extend(len.to_be_bytes());
        out.resize(out.len() + 16 + len as usize, 0);
        if len == 5 {
            out.resize(out.len().next_multiple_of(8), 0);
        }
    }
    out.extend(payload);
    out
}

fn sevenz(text: &[u8]) -> Vec<u8> {
    let mut archive = sevenz_rust2::ArchiveWriter::new(std::io::Cursor::new(Vec::new())).unwrap();
    for name in ["a.txt", "b/c.txt"] {
        archive.push_archive_entry(sevenz_rust2::ArchiveEntry::new_file(name), Some(text)).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

/// A cabinet of two files in one MSZIP folder.
fn cab(text: &[u8]) -> Vec<u8> {
    let mut blocks = Vec::new();
    for chunk in text.chunks(32 << 10) {
        // Without the window of the block before, which a packer need not use.
        let packed = [b"CK", &deflate(chunk)[..]].concat();
        blocks.extend([0; 4]);
        blocks.extend((packed.len() as u16).to_le_bytes());
        blocks.extend((chunk.len() as u16).to_le_bytes());
        blocks.extend(packed);
    }
    let sizes = [100, text.len() as u32 - 100];
    let names = [&b"a.txt\0"[..], b"b.txt\0"];
    let files = 36 + 8;
    let data = files + 2 * (16 + 6);
    let mut out = b"MSCF\0\0\0\0".to_vec();
    for number in [data + blocks.len() as u32, 0, files, 0] {
        out.extend(number.to_le_bytes());
    }
    out.extend([3, 1]);
    for number in [1_u16, 2, 0, 1, 0] {
        out.extend(number.to_le_bytes());
    }
    out.extend(data.to_le_bytes());
    out.extend((text.len().div_ceil(32 << 10) as u16).to_le_bytes());
    out.extend(1_u16.to_le_bytes());
    for (index, name) in names.into_iter().enumerate() {
        out.extend(sizes[index].to_le_bytes());
        out.extend([0_u32, 100][index].to_le_bytes());
        out.extend([0; 8]);
        out.extend(name);
    }
    out.extend(blocks);
    out
}

/// Lines of Intel HEX: an address record and data.
fn intel_hex(bytes: &[u8]) -> Vec<u8> {
    let line = |kind: u8, address: u16, data: &[u8]| {
        let mut record = vec![data.len() as u8, (address >> 8) as u8, address as u8, kind];
        record.extend(data);
        record.push(record.iter().fold(0u8, |sum, byte| sum.wrapping_sub(*byte)));
        format!(":{}\n", data_encoding::HEXUPPER.encode(&record))
    };
    let data: String = bytes.chunks(16).enumerate().map(|(i, b)| line(0, 16 * i as u16, b)).collect();
    format!("{}{data}{}", line(4, 0, &[8, 0]), line(1, 0, &[])).into_bytes()
}

fn s_records(bytes: &[u8]) -> Vec<u8> {
    let line = |kind: char, address: u16, data: &[u8]| {
        let mut record = vec![data.len() as u8 + 3, (address >> 8) as u8, address as u8];
        record.extend(data);
        record.push(!record.iter().fold(0u8, |sum, byte| sum.wrapping_add(*byte)));
        format!("S{kind}{}\r\n", data_encoding::HEXUPPER.encode(&record))
    };
    let data: String = bytes.chunks(32).enumerate().map(|(i, b)| line('1', 32 * i as u16, b)).collect();
    format!("{}{data}{}", line('0', 0, b"name"), line('9', 0, &[])).into_bytes()
}

fn uf2(bytes: &[u8]) -> Vec<u8> {
    let block = |(i, data): (usize, &[u8])| {
        let mut block = Vec::new();
        for number in [0x0a32_4655, 0x9e5d_5157, 0, 0x1000_0000 + 256 * i as u32, data.len() as u32, i as u32, 0, 0] {
            block.extend(number.to_le_bytes());
        }
        block.extend(data);
        block.resize(508, 0);
        block.extend(0x0ab1_6f30_u32.to_le_bytes());
        block
    };
    bytes.chunks(256).enumerate().flat_map(block).collect()
}

fn xxd(bytes: &[u8]) -> Vec<u8> {
    let line = |(i, data): (usize, &[u8])| {
        let pairs: Vec<String> = data.chunks(2).map(|pair| data_encoding::HEXLOWER.encode(pair)).collect();
        format!("{:08x}: {:<39}  {}\n", 16 * i, pairs.join(" "), data.escape_ascii())
    };
    bytes.chunks(16).enumerate().map(line).collect::<String>().into_bytes()
}

fn samples() -> Vec<Vec<u8>> {
    let text: Vec<u8> = (0..2000_u32).flat_map(|i| format!("line {} ", i * i % 97).into_bytes()).collect();
    let mut zstd = Vec::new();
    zstd.extend(ruzstd::encoding::compress_to_vec(&text[..], ruzstd::encoding::CompressionLevel::Fastest));
    let mut bz = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::best());
    bz.write_all(&text).unwrap();
    let mut ar = b"!<arch>\n".to_vec();
    ar.extend(format!("{:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`\n", "a.txt/", 0, 0, 0, 644, text.len()).into_bytes());
    ar.extend(&text);
    let cpio = cpio_of(&text);
    let plain = String::from_utf8(text.clone()).unwrap();
    let map = format!(
        "{{\"version\": 3, \"sources\": [\"a.ts\", null], \"sourcesContent\": [\"{plain}\\n\\u00e9\", null], \"mappings\": \"\"}}"
    );
    let config = format!(
        "{{\"architecture\":\"amd64\",\"os\":\"linux\",\"config\":{{\"Env\":[\"A={plain}\",\"B=\\u0026\"],\"Labels\":{{\"x\":\"y\"}}}},\
         \"history\":[{{\"created_by\":\"RUN \\u0026\\u0026 true\"}}],\"rootfs\":{{\"diff_ids\":[]}}}}"
    );
    vec![
        zip(&[
            ("s", 0, &text, crc(&text), text.len() as u32),
            ("d", 8, &deflate(&text), crc(&text), text.len() as u32),
        ]),
        tar(&[("a/b", &text), ("c", b"")]),
        gzip(&text),
        bz.finish().unwrap(),
        zstd,
        ar,
        cpio,
        gzip(&tar(&[("z.zip", &zip_of("inner", &text))])),
        cab(&text),
        sevenz(&text),
        rpm(&gzip(&cpio_of(&text))),
        map.into_bytes(),
        config.into_bytes(),
        intel_hex(&text),
        s_records(&text),
        uf2(&text),
        xxd(&text),
    ]
}

#[test]
fn samples_are_read_whole() {
    for sample in samples() {
        let (members, problems, stop) = walk(&sample, Limits::default());
        assert!(members.iter().any(|(_, len)| *len > 10_000), "{members:?}");
        assert_eq!((problems, stop), (Vec::<String>::new(), None), "{members:?}");
    }
}

#[test]
fn truncated_and_flipped_archives_end_without_panics() {
    let limits = Limits { bytes: 4 << 20, ..Limits::default() };
    for sample in samples() {
        let format = recognise(&sample).unwrap();
        for cut in (0..sample.len()).step_by(sample.len() / 60 + 1) {
            let (_, problems, _) = read(format, &sample[..cut], limits);
            let is_tar = format.name() == "tar";
            // Of an rpm package the first bytes of the payload do not yet show that it is compressed.
            let between =
                ["ar", "cpio", "hex dump"].contains(&format.name()) || is_tar || format.name() == "rpm" && cut < 300;
            // Of lines and blocks nothing tells how many there are.
            let is_line = sample[..cut].ends_with(b"\n") || matches!(sample[cut], b'\r' | b'\n');
            let is_line = is_line && ["Intel HEX", "S-records"].contains(&format.name());
            let between = between || is_line || format.name() == "UF2" && cut % 512 == 0;
            assert!(!problems.is_empty() || between || cut == 0, "{} cut at {cut}", format.name());
        }
        let mut state = 12_345_u64;
        for _ in 0..150 {
            let mut flipped = sample.clone();
            for _ in 0..3 {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let at = (state >> 33) as usize % flipped.len().min(4000);
                flipped[at] ^= 1 << (state >> 20 & 7);
            }
            read(format, &flipped, limits);
            if let Some(format) = recognise(&flipped) {
                read(format, &flipped, limits);
            }
        }
    }
}

#[test]
fn a_wrong_checksum_of_zstd_is_told() {
    let text = b"some text ".repeat(500);
    let mut frame = ruzstd::encoding::compress_to_vec(&text[..], ruzstd::encoding::CompressionLevel::Fastest);
    assert_ne!(frame[4] & 4, 0, "a frame with a checksum");
    let two = [&frame[..], &frame].concat();
    assert_eq!(walk(&two, Limits::default()).0[0].1, 2 * text.len());
    *frame.last_mut().unwrap() ^= 1;
    let (members, problems, _) = walk(&frame, Limits::default());
    assert_eq!((members[0].1, problems.len()), (text.len(), 1), "{problems:?}");
    assert!(problems[0].contains("checksum"), "{problems:?}");
}

#[test]
fn a_file_of_holes_that_begins_like_a_zip_is_not_read_through() {
    struct Holes(AtomicUsize);
    impl keysweep_image::ReadAt for Holes {
        fn len(&self) -> u64 {
            1 << 40
        }
        fn read_at(&self, offset: u64, buf: &mut [u8]) -> std::io::Result<usize> {
            self.0.fetch_add(1, Ordering::Relaxed);
            buf.fill(0);
            if offset == 0 {
                buf[..4].copy_from_slice(b"PK\x03\x04");
            }
            Ok(buf.len())
        }
        fn extents(&self) -> Vec<std::ops::Range<u64>> {
            vec![0..4096, (1 << 30)..(1 << 30) + 4096]
        }
    }
    let holes = Holes(AtomicUsize::new(0));
    let budget = Budget::new(Limits::default(), 1 << 40);
    let mut visitor = Reading { budget: &budget, depth: 1, members: Vec::new(), problems: Vec::new() };
    let format = recognise(&holes).expect("a zip file");
    open(format, Input::Random(&holes), "x.zip", &budget, &mut visitor);
    assert!(visitor.members.len() < 2, "{:?}", visitor.members);
    assert!(holes.0.into_inner() < 100);
}

#[test]
fn nothing_else_is_taken_for_an_archive() {
    for bytes in [
        &b"PK is a text"[..],
        b"\x1f\x8b\x08",
        b"BZh9 what",
        b"070701 numbers in a text",
        b"\x28\xb5\x2f",
        b"!<arch>",
        b"",
        b"P",
        b"{",
        b"{\"name\": \"x\", \"version\": \"3.0.0\", \"sources\": []}",
        b"{\"version\": 4, \"mappings\": \"\"}",
        b"{\"version\": 3, \"mappings\": {}}",
        b"{\"architecture\": \"x\", \"os\": \"y\"}",
        b":10000000308204A50201000282010100DAF9FEB301\n",
        b":not a record",
        b":",
        b"S",
        b"S1130000308204A50201000282010100DAF9FEB300\n",
        b"SELECT * FROM a",
        b"UF2\n is a format",
        b"00000000: 3082 04a5\n00000010: 3082 04a5\n",
        b"00000000: 3082 04a5\n00000004: 3082 04a5\nno row\n",
        b"1000000 users\n1000010 users\n",
    ] {
        assert!(recognise(&bytes).is_none(), "{bytes:?}");
    }
    let mut state = 1_u64;
    // Signatures so short that other files may begin with them.
    for magic in [&b"\x1f\x8b\x08"[..], b"BZh9", b"\x5d\0\0\x80\0"] {
        let mut taken = 0;
        for _ in 0..200 {
            let mut bytes = magic.to_vec();
            bytes.extend((0..300).map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                (state >> 40) as u8
            }));
            taken += usize::from(recognise(&bytes).is_some());
        }
        assert!(taken <= 20, "{magic:?}: {taken} of 200");
    }
}

#[test]
fn what_only_begins_as_an_archive_is_told() {
    let lzma = b"\x5d\0\0\x80\0\xff\xff\xff\xff\xff\xff\xff\xff\0damaged from here on";
    for start in [
        &b"PK\x03\x04"[..],
        b"PK\x03\x04\x14\0\0\0\x08\0and nothing more",
        b"\x1f\x8b\x08\0\0\0\0\0\0\x03\xff\xff\xff\xff",
        b"\x28\xb5\x2f\xfd\xff\xff\xff\xff\xff\xff\xff",
        b"\xfd7zXZ\0\0\x04wrong",
        b"BZh91AY&WW damaged",
        b"\x04\x22\x4d\x18\xff\xff",
        b"7z\xbc\xaf\x27\x1c\0\x04wrong",
        b"MSCF\0\0\0\0wrong",
        b"\xed\xab\xee\xdb\x03\0",
        b"!<arch>\nno header",
        lzma,
    ] {
        let format = recognise(&start).unwrap_or_else(|| panic!("{start:?} is not recognised"));
        let (_, problems, _) = read(format, start, Limits::default());
        assert!(!problems.is_empty(), "{} {start:?}", format.name());
    }
    let mut header = tar(&[("a", b"text")]);
    header[0] = b'b'; // Its checksum does not hold.
    let (_, problems, _) = walk(&header, Limits::default());
    assert_eq!(problems, ["-: damaged tar archive: no header at 0x0"]);
}

#[test]
fn memory_is_put_together_from_records_and_rows() {
    let text: Vec<u8> = (0..3000_u32).flat_map(|i| (i * 7919).to_le_bytes()).collect();
    let same = [
        ("08000000", intel_hex(&text)),
        ("00000000", s_records(&text)),
        ("10000000", uf2(&text)),
        ("00000000", xxd(&text)),
    ];
    for (name, file) in &same {
        let (members, problems, _) = walk(file, Limits::default());
        assert_eq!((members, problems), (vec![((*name).to_owned(), text.len())], Vec::new()), "{name}");
    }
    // A gap begins another segment.
    for (name, file) in &same {
        let lines: Vec<&[u8]> = if *name == "10000000" {
            file.chunks(512).collect()
        } else {
            file.split_inclusive(|b| *b == b'\n').collect()
        };
        let gap = [&lines[..20], &lines[21..]].concat().concat();
        let (members, problems, _) = walk(&gap, Limits::default());
        assert_eq!((members.len(), problems.len()), (2, 0), "{name}: {members:?}");
    }
    // What is damaged is told, and the rest read.
    for (name, file, at) in
        [("sum", intel_hex(&text), 1001), ("sum", s_records(&text), 1003), ("block", uf2(&text), 512 * 5)]
    {
        let mut damaged = file.clone();
        damaged[at] = if damaged[at] == b'5' { b'6' } else { b'5' };
        let (members, problems, _) = walk(&damaged, Limits::default());
        assert_eq!((members.len(), problems.len()), (2, 1), "{name}: {members:?} {problems:?}");
        let lost = text.len() - members.iter().map(|(_, len)| len).sum::<usize>();
        assert!((1..=256).contains(&lost), "{name}: {lost} bytes lost");
    }
    // Two dumps in one text.
    let two = [&b"(gdb) x\n"[..], &xxd(&text[..64]), b"(gdb) x\n", &xxd(&text[..100])].concat();
    assert_eq!(walk(&two, Limits::default()).0, [("00000000".to_owned(), 64), ("00000000".to_owned(), 100)]);
}

#[test]
fn an_rpm_payload_that_is_no_archive_is_told() {
    let (_, problems, _) = walk(&rpm(&[0x55; 400]), Limits::default());
    assert_eq!(problems, ["payload: neither cpio nor compressed as is known: only searched as it is"]);
    let plain = rpm(&cpio_of(b"some text"));
    assert_eq!(walk(&plain, Limits::default()).1, Vec::<String>::new());
}

#[test]
fn a_zip_file_whose_beginning_is_lost_is_read_from_its_end() {
    let text = b"some text ".repeat(100);
    let whole = zip(&[
        ("lost", 8, &deflate(&text), crc(&text), text.len() as u32),
        ("kept", 8, &deflate(&text), crc(&text), text.len() as u32),
    ]);
    let (members, problems, _) = walk(&whole[20..], Limits::default());
    assert_eq!(members, [("kept".to_owned(), text.len())]);
    assert_eq!(problems, ["lost: no header where the directory of the zip file says"]);
}

#[test]
fn lzma_that_seems_to_end_early_is_told() {
    let mut sample = lzma_sample();
    let (_, problems, _) = walk(&sample, Limits::default());
    assert!(problems.is_empty(), "{problems:?}");
    sample.extend([0; 100]);
    assert!(walk(&sample, Limits::default()).1.is_empty(), "padding");
    sample.extend(b"more");
    assert!(walk(&sample, Limits::default()).1.concat().contains("seems to end before its end"));
}

#[test]
fn bombs_are_held_by_ratio_size_members_and_depth() {
    bounded(Duration::from_secs(60), "bombs", bombs);
}

fn bombs() {
    let layer = gzip(&vec![0; 64 << 20]);
    let small = Limits { bytes: 100 << 20, ..Limits::default() };
    assert_eq!(walk(&layer, Limits { bytes: 10 << 20, ..small }).2, Some(Stop::Bytes));
    // Zips within zips, each holding many of the next.
    let mut bomb = zip_of("0", &vec![0; 4 << 20]);
    for _ in 0..5 {
        let name: Vec<String> = (0..16).map(|i| format!("{i}.zip")).collect();
        let (sum, size, packed) = (crc(&bomb), bomb.len() as u32, deflate(&bomb));
        let members: Vec<_> = name.iter().map(|n| (n.as_str(), 8_u16, &packed[..], sum, size)).collect();
        bomb = zip(&members);
    }
    assert_eq!(walk(&bomb, small).2, Some(Stop::Bytes));
    let many = tar(&vec![("f", &b""[..]); 5000]);
    let (members, _, stop) = walk(&many, Limits { members: 1000, ..small });
    assert_eq!((members.len(), stop), (1000, Some(Stop::Members)));
}

#[test]
fn behind_the_end_of_a_tar_archive() {
    let text = vec![b'x'; 2000];
    let archive = tar(&[("a", &text)]);
    // Blocks of zeros, as tapes are padded, are nothing.
    let padded = [&archive[..], &vec![0; 9000]].concat();
    assert_eq!(walk(&padded, Limits::default()).0.len(), 1);
    // Anything else is searched, and is no damage; a further archive is one.
    for (rest, expected) in [(&b"key"[..], 3), (&[b'k'; 1500], 1500), (&gzip(&text), gzip(&text).len())] {
        let (members, problems, _) = walk(&[&archive[..], rest].concat(), Limits::default());
        assert!(members.contains(&("behind the end".to_owned(), expected)), "{members:?}");
        assert_eq!(problems, Vec::<String>::new());
    }
    // One program does not fill the last block, and others do not write the blocks that end it; what lacks bytes of a member is damaged.
    for (lacking, problem) in [(0, false), (1, true), (47, true), (48, false), (49, true), (2_000, true)] {
        let short = &archive[..512 + 2048 - lacking];
        let (members, problems, _) = walk(&gzip(short), Limits::default());
        assert!(members.iter().any(|(name, _)| name == "a"), "{members:?}");
        assert_eq!(problems.len(), usize::from(problem), "{lacking}: {problems:?}");
    }
    let twice = [&archive[..], &tar(&[("b", &text)])].concat();
    assert_eq!(walk(&twice, Limits::default()).0.len(), 2);
    // Before the end it is damage.
    let broken = [&archive[..512 + 2048], &[b'k'; 1500]].concat();
    assert_eq!(walk(&broken, Limits::default()).1.len(), 1);
}

#[test]
fn members_that_stay_closed_are_told_together() {
    let names: Vec<String> = (0..500).map(|i| format!("m{i}")).collect();
    for (method, reason) in [(98, "PPMd"), (99, "encrypted"), (77, "method 77")] {
        let members: Vec<_> = names.iter().map(|name| (name.as_str(), method, &b"abc"[..], 1, 3)).collect();
        let (_, problems, _) = walk(&zip(&members), Limits::default());
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert!(problems[0].contains("500 members") && problems[0].contains(reason), "{problems:?}");
    }
}

#[test]
fn overlapping_and_lying_zips_are_told() {
    let text = vec![b'x'; 3000];
    let good = zip(&[("a", 0, &text, crc(&text), 3000)]);
    // The same entry again and again in the directory: Fifield's way to pack much into little.
    let start = u32::from_le_bytes(good[good.len() - 6..good.len() - 2].try_into().unwrap()) as usize;
    let (entry, end) = (good[start..good.len() - 22].to_vec(), good[good.len() - 22..].to_vec());
    let mut overlapping = good[..start].to_vec();
    (0..50).for_each(|_| overlapping.extend(&entry));
    let mut end = end;
    end[8..12].copy_from_slice(&[50, 0, 50, 0]);
    end[12..16].copy_from_slice(&(entry.len() as u32 * 50).to_le_bytes());
    overlapping.extend(end);
    let (members, problems, _) = walk(&overlapping, Limits::default());
    assert!(members.len() <= 2 && problems.iter().any(|p| p.contains("overlap")), "{members:?} {problems:?}");
    let packed = deflate(&text);
    let (members, problems, _) = walk(&zip(&[("a", 8, &packed, crc(&text), 10)]), Limits::default());
    assert_eq!(members[0].1, 3000);
    assert!(problems[0].contains("size is not what"), "{problems:?}");
    let (_, problems, _) = walk(&zip(&[("a", 8, &packed, 7, 3000)]), Limits::default());
    assert!(problems[0].contains("checksum"), "{problems:?}");
    let (_, problems, _) = walk(&zip(&[("a", 97, &packed, 7, 3000)]), Limits::default());
    assert!(problems[0].contains("method 97"), "{problems:?}");
}

#[test]
fn huge_sizes_windows_and_names_cost_nothing() {
    bounded(Duration::from_secs(20), "huge sizes", huge_sizes);
}

fn huge_sizes() {
    // A member of 8 exabytes, a long name of 8 gigabytes.
    let mut size = [0xff; 12];
    size[0] = 0x80;
    size[1..5].fill(0);
    size[5] = 0x7f;
    for kind in [b'0', b'L', b'x', b'5', b'S'] {
        let (_, problems, _) = walk(&tar_header("huge", &size, kind), Limits::default());
        assert!(!problems.is_empty() || kind == b'5', "{}", kind as char);
    }
    let long = tar(&[("x", b"")]);
    let mut named = tar_header("././@LongLink", format!("{:011o}\0", 50_000).as_bytes(), b'L');
    named.extend(vec![b'n'; 50_000]);
    named.resize(named.len().next_multiple_of(512), 0);
    named.extend(long);
    assert!(walk(&named, Limits::default()).0[0].0.len() < 1100);
    // A zstd frame with a window of terabytes.
    let zstd = [0x28, 0xb5, 0x2f, 0xfd, 0x00, 0xf8, 0x01, 0, 0, 0, 0, 0];
    let (_, problems, _) = walk(&zstd, Limits::default());
    assert_eq!(problems.len(), 1, "{problems:?}");
    // xz and lzma with dictionaries of a gigabyte and more.
    let mut lzma = lzma_sample();
    lzma[1..5].copy_from_slice(&(1_u32 << 30).to_le_bytes());
    let (_, problems, _) = walk(&lzma, Limits::default());
    assert!(problems[0].contains("memory"), "{problems:?}");
}

#[test]
fn what_looks_like_headers_costs_little() {
    bounded(Duration::from_secs(20), "many headers", many_headers);
}

fn many_headers() {
    // The start of a zip file without a directory, and behind it nothing but marks of headers, or headers of nothing.
    let text = b"text";
    let whole = zip(&[("a", 0, text, crc(text), 4)]);
    let start = u32::from_le_bytes(whole[whole.len() - 6..whole.len() - 2].try_into().unwrap()) as usize;
    let mut follows = whole[..30 + 1].to_vec();
    follows[6] = 8;
    follows[18..26].fill(0);
    for (mark, stop) in [(b"PK\x03\x04".to_vec(), None), (follows, Some(Stop::Members))] {
        let mut bytes = whole[..start].to_vec();
        bytes.extend(mark.repeat((8 << 20) / mark.len()));
        let (members, problems, stopped) = walk(&bytes, Limits { members: 10_000, ..Limits::default() });
        assert_eq!((members[0].clone(), stopped), (("a".to_owned(), 4), stop));
        assert!(problems[0].contains("no directory"), "{problems:?}");
    }
}

/// `printf hello | xz --format=lzma`.
fn lzma_sample() -> Vec<u8> {
    let head = [0x5d, 0, 0, 0x80, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
    let data = [0, 0x34, 0x19, 0x49, 0xee, 0x8e, 0x68, 0x21, 0xff, 0xff, 0xff, 0xb9, 0xe0, 0, 0];
    [&head[..], &data].concat()
}

#[test]
fn a_thousand_layers_end_at_the_depth() {
    let mut nested = b"core".to_vec();
    for _ in 0..1000 {
        nested = gzip(&nested);
    }
    let (members, _, _) = walk(&nested, Limits::default());
    assert_eq!(members.len(), Limits::default().depth);
}
