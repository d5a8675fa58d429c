//! What archives hold beside what their own tools show first: behind the end, in no directory, in holes, of unknown types.

use keysweep_archive::{Budget, Input, Limits, Member, Visitor, open, recognise};
use keysweep_testkit::bounded;
use std::io::{Read, Write};
use std::time::Duration;

#[derive(Default)]
struct Seen {
    members: Vec<(String, Vec<u8>)>,
    problems: Vec<String>,
}

impl Visitor for Seen {
    fn member(&mut self, member: &Member, content: &mut dyn Read) {
        let mut bytes = Vec::new();
        if let Err(error) = content.read_to_end(&mut bytes) {
            self.problems.push(format!("{}: {error}", member.name));
        }
        self.members.push((member.name.clone(), bytes));
    }

    fn problem(&mut self, _: Option<&str>, message: String) {
        self.problems.push(message);
    }
}

impl Seen {
    fn of(bytes: &[u8]) -> Self {
        let mut seen = Self::default();
        let format = recognise(&bytes).expect("recognised");
        let budget = Budget::new(Limits::default(), bytes.len() as u64);
        open(format, Input::Random(&bytes), "x", &budget, &mut seen);
        let mut streamed = Self::default();
        if format.streams() {
            let budget = Budget::new(Limits::default(), bytes.len() as u64);
            open(format, Input::Stream(&mut &bytes[..]), "x", &budget, &mut streamed);
            assert_eq!((&seen.members, &seen.problems), (&streamed.members, &streamed.problems));
        }
        seen
    }

    /// What a compressed file holds.
    fn content(&self) -> Option<&[u8]> {
        self.members.first().map(|(_, bytes)| &bytes[..])
    }

    fn get(&self, name: &str) -> Option<&[u8]> {
        self.members.iter().find(|(own, _)| own == name).map(|(_, bytes)| &bytes[..])
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    out.write_all(bytes).unwrap();
    out.finish().unwrap()
}

fn bzip2(bytes: &[u8]) -> Vec<u8> {
    let mut out = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    out.write_all(bytes).unwrap();
    out.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    ruzstd::encoding::compress_to_vec(bytes, ruzstd::encoding::CompressionLevel::Fastest)
}

/// One frame of lz4 with one block that is not compressed.
fn lz4(bytes: &[u8]) -> Vec<u8> {
    let mut out = b"\x04\x22\x4d\x18\x60\x40\x82".to_vec();
    out.extend((bytes.len() as u32 | 1 << 31).to_le_bytes());
    out.extend_from_slice(bytes);
    out.extend([0; 4]);
    out
}

type Compress = fn(&[u8]) -> Vec<u8>;
const FORMATS: [(&str, Compress); 4] = [("gzip", gzip), ("bzip2", bzip2), ("zstd", zstd), ("lz4", lz4)];

#[test]
fn behind_the_end_of_compressed_files() {
    for (name, pack) in FORMATS {
        let (first, second) = (pack(b"first "), pack(b"second"));
        let seen = Seen::of(&[&first[..], &second].concat());
        assert_eq!((seen.content(), &seen.problems[..]), (Some(&b"first second"[..]), &[][..]), "{name}");
        let seen = Seen::of(&[&first[..], &[0; 70_000]].concat());
        assert_eq!((seen.members.len(), seen.problems.len()), (1, 0), "{name}: padding");
        // One bit of the second part's first byte.
        let mut damaged = [&first[..], &second].concat();
        damaged[first.len()] ^= 1;
        let seen = Seen::of(&damaged);
        assert_eq!(seen.get("behind the end"), Some(&damaged[first.len()..]), "{name}");
        assert_eq!(seen.problems.len(), 1, "{name}: {:?}", seen.problems);
        for (other, pack_other) in FORMATS.iter().filter(|(other, _)| *other != name) {
            let rest = pack_other(b"of another format");
            let seen = Seen::of(&[&first[..], &[0; 3], &rest].concat());
            assert_eq!(seen.get("behind the end"), Some(&rest[..]), "{name} {other}");
            // gzip(1) passes over it.
            assert_eq!(seen.problems.len(), usize::from(name != "gzip"), "{name} {other}: {:?}", seen.problems);
        }
    }
}

#[test]
fn skippable_frames_stand_anywhere() {
    let skippable = [&b"\x52\x2a\x4d\x18\x05\0\0\0"[..], b"notes"].concat();
    for (name, pack) in [("zstd", zstd as Compress), ("lz4", lz4)] {
        let all = [&skippable[..], &pack(b"a"), &skippable, &skippable, &pack(b"b"), &skippable].concat();
        let seen = Seen::of(&all);
        assert_eq!((seen.content(), &seen.problems[..]), (Some(&b"ab"[..]), &[][..]), "{name}");
        let seen = Seen::of(&all[..all.len() - 1]);
        assert_eq!(seen.problems.len(), 1, "{name}");
    }
}

#[test]
fn empty_streams_of_bzip2_cost_little() {
    bounded(Duration::from_secs(20), "empty streams", || {
        let mut all = bzip2(b"").repeat(200_000);
        all.extend(bzip2(b"the last one"));
        assert_eq!(Seen::of(&all).content(), Some(&b"the last one"[..]));
    });
}

fn tar_header(name: &str, size: usize, kind: u8, fill: impl Fn(&mut [u8])) -> Vec<u8> {
    let mut header = vec![0; 512];
    header[..name.len()].copy_from_slice(name.as_bytes());
    header[124..136].copy_from_slice(format!("{size:011o}\0").as_bytes());
    header[156] = kind;
    header[257..265].copy_from_slice(b"ustar  \0");
    fill(&mut header);
    header[148..156].fill(b' ');
    let sum: u32 = header.iter().map(|b| u32::from(*b)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    header
}

fn padded(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes.resize(bytes.len().next_multiple_of(512), 0);
    bytes
}

/// The parts of the sparse file of the tests, and the file.
const PARTS: [(usize, &[u8]); 6] =
    [(1000, b"one"), (4096, b"two"), (5000, b"three"), (6000, b"four"), (7000, b"five"), (8000, b"six")];
const SIZE: usize = 9000;

fn sparse_file() -> (Vec<u8>, Vec<u8>) {
    let mut whole = vec![0; SIZE];
    PARTS.iter().for_each(|(at, part)| whole[*at..*at + part.len()].copy_from_slice(part));
    (whole, PARTS.iter().flat_map(|(_, part)| part.to_vec()).collect())
}

fn pax(records: &[(&str, String)]) -> Vec<u8> {
    let mut body = String::new();
    for (key, value) in records {
        let rest = format!(" {key}={value}\n");
        let len = (rest.len() + 1..).find(|len| len.to_string().len() + rest.len() == *len).unwrap();
        body.push_str(&format!("{len}{rest}"));
    }
    [tar_header("PaxHeader", body.len(), b'x', |_| {}), padded(body.into_bytes())].concat()
}

#[test]
fn sparse_files_in_tar_archives_have_their_holes() {
    let (whole, parts) = sparse_file();
    let octal = |number: usize| format!("{number:011o}\0");
    let entry = |part: &(usize, &[u8])| octal(part.0) + &octal(part.1.len());
    let old = {
        let header = tar_header("old", parts.len(), b'S', |header| {
            for (index, part) in PARTS[..4].iter().enumerate() {
                header[386 + 24 * index..][..24].copy_from_slice(entry(part).as_bytes());
            }
            header[482] = 1;
            header[483..495].copy_from_slice(octal(SIZE).as_bytes());
        });
        let more: String = PARTS[4..].iter().map(entry).collect();
        [header, padded(more.into_bytes()), padded(parts.clone())].concat()
    };
    let size = ("GNU.sparse.size", SIZE.to_string());
    let name = |name: &str| ("GNU.sparse.name", name.to_owned());
    let pairs: Vec<_> = PARTS
        .iter()
        .flat_map(|(at, part)| [("GNU.sparse.offset", at.to_string()), ("GNU.sparse.numbytes", part.len().to_string())])
        .collect();
    let list = PARTS.map(|(at, part)| format!("{at},{}", part.len())).join(",");
    let lines: String = PARTS.iter().map(|(at, part)| format!("{at}\n{}\n", part.len())).collect();
    let with_map = [padded(format!("{}\n{lines}", PARTS.len()).into_bytes()), parts.clone()].concat();
    let data =
        |content: &[u8]| [tar_header("GNUSparseFile.0/x", content.len(), b'0', |_| {}), padded(content.to_vec())];
    let version = |major: &str| [("GNU.sparse.major", major.to_owned()), ("GNU.sparse.minor", "0".to_owned())];
    let forms = [
        old,
        [vec![pax(&[&[size.clone(), name("0.0")], &pairs[..]].concat())], data(&parts).to_vec()].concat().concat(),
        [vec![pax(&[size, name("0.1"), ("GNU.sparse.map", list)])], data(&parts).to_vec()].concat().concat(),
        {
            let real = ("GNU.sparse.realsize", SIZE.to_string());
            let header = pax(&[&version("1")[..], &[name("1.0"), real]].concat());
            [vec![header], data(&with_map).to_vec()].concat().concat()
        },
    ];
    let end = tar_header("last", 4, b'0', |_| {});
    let archive = [&forms.concat()[..], &end, &padded(b"last".to_vec()), &[0; 1024]].concat();
    let seen = Seen::of(&archive);
    assert_eq!(seen.problems, Vec::<String>::new());
    for name in ["old", "0.0", "0.1", "1.0"] {
        assert!(seen.get(name) == Some(&whole[..]), "{name} {:?}", seen.get(name).map(<[u8]>::len));
    }
    assert_eq!(seen.get("last"), Some(&b"last"[..]));

    // Maps that say what cannot be, and a file too large for its holes.
    for (list, size, problem) in [
        ("10,3,5,3", "9000", "map of a sparse file is damaged"),
        ("10,3", "9", "map of a sparse file is damaged"),
        ("10,18446744073709551615", "9000", "map of a sparse file is damaged"),
        ("10,3", "99999999999", "too large"),
        ("10,900", "9000", "end of file"),
    ] {
        let header = pax(&[("GNU.sparse.size", size.to_owned()), ("GNU.sparse.map", list.to_owned())]);
        let archive = [header, data(&parts).concat(), end.clone(), padded(b"last".to_vec())].concat();
        let seen = Seen::of(&archive);
        assert_eq!(seen.get("last"), Some(&b"last"[..]), "{list}");
        assert!(seen.problems.iter().any(|p| p.contains(problem)), "{list}: {:?}", seen.problems);
    }
}

#[test]
fn members_of_unknown_types_are_files() {
    for kind in [b'A', b'Z', b'9', b'N', b'M'] {
        let archive = [tar_header("f", 4, kind, |_| {}), padded(b"text".to_vec()), vec![0; 1024]].concat();
        assert_eq!(Seen::of(&archive).get("f"), Some(&b"text"[..]), "{}", char::from(kind));
    }
}

/// A local header with its contents, and the entry of a directory.
fn zip_member(name: &str, content: &[u8], at: usize) -> (Vec<u8>, Vec<u8>) {
    let mut crc = flate2::Crc::new();
    crc.update(content);
    let len = (content.len() as u32).to_le_bytes();
    let common = [&[0; 4][..], &[0; 4], &crc.sum().to_le_bytes(), &len, &len, &[name.len() as u8, 0, 0, 0]].concat();
    let local = [b"PK\x03\x04\x14\0", &common[..], name.as_bytes(), content].concat();
    let entry =
        [b"PK\x01\x02\x14\0\x14\0", &common[..], &[0; 10], &(at as u32).to_le_bytes(), name.as_bytes()].concat();
    (local, entry)
}

fn zip(members: &[(&str, &[u8], bool)]) -> Vec<u8> {
    let (mut out, mut directory, mut count) = (Vec::new(), Vec::new(), 0_u8);
    for (name, content, listed) in members {
        let (local, entry) = zip_member(name, content, out.len());
        out.extend(local);
        if *listed {
            directory.extend(entry);
            count += 1;
        }
    }
    let (at, size) = (out.len() as u32, directory.len() as u32);
    out.extend(directory);
    out.extend(b"PK\x05\x06\0\0\0\0");
    out.extend([count, 0, count, 0]);
    out.extend([&size.to_le_bytes()[..], &at.to_le_bytes(), &[0; 2]].concat());
    out
}

#[test]
fn what_no_directory_of_a_zip_file_names_is_read() {
    let (one, two) = (zip(&[("a", b"first", true)]), zip(&[("b", b"second", true)]));
    let seen = Seen::of(&[one, two].concat());
    assert_eq!((seen.get("a"), seen.get("b")), (Some(&b"first"[..]), Some(&b"second"[..])));
    assert_eq!(seen.problems, Vec::<String>::new());

    let seen = Seen::of(&zip(&[("a", b"listed", true), ("b", b"not listed", false), ("c", b"listed", true)]));
    assert_eq!(seen.get("b"), Some(&b"not listed"[..]));
    assert_eq!((seen.members.len(), seen.problems.len()), (3, 0));

    let seen = Seen::of(&zip(&[("folder/", b"", true), ("full/", b"contents", true)]));
    assert_eq!((seen.members.len(), seen.get("full")), (1, Some(&b"contents"[..])));

    // Four bytes that a header begins with, and no header.
    let with = [&b"PK\x03\x04"[..], &[0xff; 60]].concat();
    let seen = Seen::of(&[with, zip(&[("a", b"text", true)])].concat());
    assert_eq!((seen.members.len(), seen.problems.len()), (1, 0), "{:?}", seen.problems);
}

#[test]
fn formats_that_are_not_opened_are_told() {
    let squashfs = [b"hsqs".to_vec(), vec![7; 24], vec![4, 0, 0, 0], vec![9; 64]].concat();
    for start in [&b"Rar!\x1a\x07\x01\0"[..], b"LZIP\x01\x0c", b"\x1f\x9d\x90\x03", b"\x02\x21\x4c\x18", &squashfs] {
        let seen = Seen::of(&[start, &[0x55; 40]].concat());
        assert_eq!((seen.members.len(), seen.problems.len()), (0, 1), "{start:?}");
    }
    for text in [&b"LZIPPY"[..], b"hsqs is a magic", b"\x1f\x9d\xff", b"Rare", b"xar archives", b"hello"] {
        assert!(recognise(&text).is_none(), "{text:?}");
    }
}
