//! Tables written by a writer of their own, after the specification; those of git are read in the tests of the command line.

use super::*;
use gix::ObjectId;
use std::io::Write;

/// A value of a ref to be written.
enum Value {
    Deleted,
    Id(u8),
    Peeled(u8),
    Symbolic(&'static str),
}

/// A line of a log to be written: none if it is deleted.
type Line = (&'static str, u64, Option<(u8, u8)>);

fn varint(mut value: u64) -> Vec<u8> {
    let mut bytes = vec![(value & 0x7f) as u8];
    loop {
        value >>= 7;
        if value == 0 {
            return bytes;
        }
        value -= 1;
        bytes.insert(0, 0x80 | (value & 0x7f) as u8);
    }
}

fn id(byte: u8, hash: hash::Kind) -> ObjectId {
    ObjectId::try_from(vec![byte; hash.len_in_bytes()].as_slice()).unwrap()
}

/// How a table is written.
#[derive(Clone, Copy)]
struct Writer {
    hash: hash::Kind,
    version: u8,
    /// Records of a block.
    records: usize,
    block_size: u64,
}

const PLAIN: Writer = Writer { hash: hash::Kind::Sha1, version: 1, records: 100, block_size: 0 };

impl Writer {
    /// Records with keys that share their beginnings, and the offsets of those that do not.
    fn records(self, start: usize, records: &[(Vec<u8>, u8, Vec<u8>)]) -> Vec<u8> {
        let (mut bytes, mut restarts, mut last) = (Vec::new(), Vec::new(), Vec::new());
        for (position, (key, kind, value)) in records.iter().enumerate() {
            let shared = last.iter().zip(key).take_while(|(a, b)| a == b).count();
            let shared = if position % 3 == 0 { 0 } else { shared };
            if shared == 0 {
                restarts.extend_from_slice(&((start + bytes.len()) as u32).to_be_bytes()[1..]);
            }
            bytes.extend(varint(shared as u64));
            bytes.extend(varint(((key.len() - shared) as u64) << 3 | u64::from(*kind)));
            bytes.extend_from_slice(&key[shared..]);
            bytes.extend_from_slice(value);
            last.clone_from(key);
        }
        let count = (restarts.len() / 3) as u16;
        bytes.extend(restarts);
        bytes.extend(count.to_be_bytes());
        bytes
    }

    fn header(self) -> Vec<u8> {
        let mut header = b"REFT".to_vec();
        header.push(self.version);
        header.extend_from_slice(&(self.block_size as u32).to_be_bytes()[1..]);
        header.extend_from_slice(&[0; 16]);
        if self.version == 2 {
            header.extend_from_slice(if self.hash == hash::Kind::Sha1 { b"sha1" } else { b"s256" });
        }
        header
    }

    fn table(self, refs: &[(&str, Value)], lines: &[Line]) -> Vec<u8> {
        let header = self.header();
        let mut table = header.clone();
        let bytes = |byte: u8| id(byte, self.hash).as_slice().to_vec();
        let value = |value: &Value| match value {
            Value::Deleted => (0, vec![]),
            Value::Id(byte) => (1, bytes(*byte)),
            Value::Peeled(byte) => (2, [bytes(*byte), bytes(0xee)].concat()),
            Value::Symbolic(other) => (3, [varint(other.len() as u64), other.as_bytes().to_vec()].concat()),
        };
        let records: Vec<_> = refs
            .iter()
            .map(|(name, target)| {
                let (kind, value) = value(target);
                (name.as_bytes().to_vec(), kind, [varint(0), value].concat())
            })
            .collect();
        for chunk in records.chunks(self.records) {
            let at = if table.len() == header.len() { 0 } else { table.len() };
            let body = self.records(table.len() - at + 4, chunk);
            let length = table.len() - at + 4 + body.len();
            table.push(b'r');
            table.extend_from_slice(&(length as u32).to_be_bytes()[1..]);
            table.extend(body);
            if self.block_size > 0 {
                table.resize(at + self.block_size as usize, 0);
            }
        }
        let logs = table.len();
        let records: Vec<_> = lines
            .iter()
            .map(|(name, number, line)| {
                let key = [name.as_bytes(), &[0], &(u64::MAX - number).to_be_bytes()].concat();
                let Some((old, new)) = line else { return (key, 0, vec![]) };
                let text = [varint(1), b"T".to_vec(), varint(3), b"t@e".to_vec(), varint(1_700_000_000)].concat();
                let zone = (-90i16).to_be_bytes().to_vec();
                (key, 1, [bytes(*old), bytes(*new), text, zone, varint(2), b"m\n".to_vec()].concat())
            })
            .collect();
        for chunk in records.chunks(self.records) {
            let skip = if table.len() == header.len() { header.len() } else { 0 };
            let body = self.records(skip + 4, chunk);
            table.push(b'g');
            table.extend_from_slice(&((skip + 4 + body.len()) as u32).to_be_bytes()[1..]);
            let mut zlib = gix::zlib::stream::deflate::Write::new(Vec::new(), gix::zlib::Compression::DEFAULT);
            zlib.write_all(&body).unwrap();
            zlib.flush().unwrap();
            table.extend(zlib.into_inner());
        }
        let position = if lines.is_empty() || logs == header.len() { 0 } else { logs as u64 };
        let mut footer = header;
        for number in [0, 0, 0, position, 0] {
            footer.extend_from_slice(&number.to_be_bytes());
        }
        footer.extend_from_slice(&table::crc32(&footer).to_be_bytes());
        table.extend(footer);
        table
    }
}

/// A folder with these tables, the oldest first.
fn stack(tables: &[Vec<u8>]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut list = String::new();
    for (number, table) in tables.iter().enumerate() {
        std::fs::write(folder.path().join(format!("{number}.ref")), table).unwrap();
        list += &format!("{number}.ref\n");
    }
    std::fs::write(folder.path().join("tables.list"), list).unwrap();
    folder
}

/// All that is read: refs and lines as text, and problems.
fn read(tables: &[Vec<u8>], hash: hash::Kind) -> (Vec<String>, Vec<Problem>) {
    let folder = stack(tables);
    let mut problems = Vec::new();
    let mut stack = Stack::open(folder.path(), hash, &mut problems);
    let byte = |id: &ObjectId| id.as_slice()[0];
    let mut seen: Vec<String> = Vec::new();
    for (name, target) in stack.refs(&mut problems) {
        assert_eq!(stack.find(&name).ok().flatten().as_ref(), Some(&target));
        let name = String::from_utf8_lossy(&name).into_owned();
        seen.push(match target {
            Target::Object(id) => format!("{name}={}", byte(&id)),
            Target::Symbolic(other) => format!("{name}>{}", String::from_utf8_lossy(&other)),
            Target::Deleted => panic!("{name}"),
        });
    }
    stack.logs(&mut problems, &mut |name, line| {
        assert_eq!((line.name, line.email, line.seconds, line.zone), (&b"T"[..], &b"t@e"[..], 1_700_000_000, -90));
        seen.push(format!("{}:{}-{}", String::from_utf8_lossy(name), byte(&line.old), byte(&line.new)));
    });
    (seen, problems)
}

const REFS: [(&str, Value); 5] = [
    ("HEAD", Value::Symbolic("refs/heads/main")),
    ("refs/heads/main", Value::Id(1)),
    ("refs/heads/main2", Value::Id(2)),
    ("refs/tags/a", Value::Peeled(3)),
    ("refs/tags/b", Value::Id(4)),
];
const LINES: [Line; 3] = [("HEAD", 2, Some((1, 2))), ("HEAD", 1, Some((0, 1))), ("refs/stash", 3, Some((0, 9)))];
const SEEN: [&str; 8] = [
    "HEAD>refs/heads/main",
    "refs/heads/main=1",
    "refs/heads/main2=2",
    "refs/tags/a=3",
    "refs/tags/b=4",
    "HEAD:1-2",
    "HEAD:0-1",
    "refs/stash:0-9",
];

fn forms() -> [Writer; 6] {
    let v2 = Writer { version: 2, ..PLAIN };
    [
        PLAIN,
        Writer { records: 2, ..PLAIN },
        Writer { records: 1, block_size: 256, ..PLAIN },
        v2,
        Writer { hash: hash::Kind::Sha256, ..v2 },
        Writer { hash: hash::Kind::Sha256, records: 1, block_size: 512, ..v2 },
    ]
}

#[test]
fn tables_of_all_forms_are_read() {
    for form in forms() {
        assert_eq!(read(&[form.table(&REFS, &LINES)], form.hash), (SEEN.map(str::to_owned).to_vec(), vec![]));
        assert_eq!(read(&[form.table(&REFS, &[])], form.hash).0, SEEN[..5]);
        assert_eq!(
            read(&[form.table(&[], &LINES)], form.hash),
            (SEEN[5..].iter().map(|s| s.to_string()).collect(), vec![])
        );
        assert_eq!(read(&[form.table(&[], &[])], form.hash), (vec![], vec![]));
    }
}

#[test]
fn what_a_newer_table_says_holds() {
    let newer: [(&str, Value); 3] =
        [("HEAD", Value::Id(7)), ("refs/heads/main2", Value::Deleted), ("refs/heads/new", Value::Id(8))];
    let lines: [Line; 2] = [("HEAD", 1, None), ("refs/stash", 3, Some((0, 10)))];
    let tables = [PLAIN.table(&REFS, &LINES), PLAIN.table(&newer, &lines)];
    let (seen, problems) = read(&tables, PLAIN.hash);
    let expected = ["HEAD=7", "refs/heads/main=1", "refs/heads/new=8", "refs/tags/a=3", "refs/tags/b=4"];
    assert_eq!(seen[..5], expected);
    assert_eq!(seen[5..], ["refs/stash:0-10", "HEAD:1-2"]);
    assert_eq!(problems, []);
    let folder = stack(&tables);
    let mut stack = Stack::open(folder.path(), PLAIN.hash, &mut Vec::new());
    assert_eq!(stack.find(b"refs/heads/main2").ok(), Some(None));
    assert_eq!(stack.find(b"refs/heads/mai").ok(), Some(None));
}

#[test]
fn a_table_that_cannot_be_read_is_told_and_the_others_are_read() {
    let good = PLAIN.table(&REFS, &LINES);
    let mut wrong_footer = good.clone();
    *wrong_footer.last_mut().unwrap() ^= 1;
    let other_ids = Writer { hash: hash::Kind::Sha256, version: 2, ..PLAIN }.table(&REFS, &LINES);
    let mut version = good.clone();
    version[4] = 3;
    for bad in [vec![], b"REFT".to_vec(), b"no table".repeat(20), wrong_footer, other_ids, version] {
        let (seen, problems) = read(&[good.clone(), bad.clone()], PLAIN.hash);
        assert_eq!(seen, SEEN);
        assert!(problems.len() == 1 && problems[0].name.ends_with("1.ref"), "{problems:?}");
    }
}

#[test]
fn lists_that_are_none_are_told() {
    let folder = stack(&[PLAIN.table(&REFS, &LINES)]);
    let open = |list: &[u8]| {
        std::fs::write(folder.path().join("tables.list"), list).unwrap();
        let mut problems = Vec::new();
        let stack = Stack::open(folder.path(), PLAIN.hash, &mut problems);
        (stack.tables.len(), problems.len())
    };
    assert_eq!(open(b"0.ref\n"), (1, 0));
    assert_eq!(open(b"../0.ref\n"), (0, 1));
    assert_eq!(open(b"/etc/passwd\n"), (0, 1));
    assert_eq!(open(b"0.ref\ngone.ref\n"), (1, 1));
    assert_eq!(open(b"\xff"), (0, 1));
    assert_eq!(open(&b"0.ref\n".repeat(MAX_TABLES + 1)), (0, 1));
    assert_eq!(open(&vec![b'x'; MAX_LIST as usize + 1]), (0, 1));
}

#[test]
fn every_prefix_and_every_changed_byte_ends_in_an_answer() {
    for form in [PLAIN, Writer { records: 2, ..PLAIN }, Writer { records: 1, block_size: 256, ..PLAIN }] {
        let whole = form.table(&REFS, &LINES);
        let sealed = |mut table: Vec<u8>| {
            // The checksum of the footer says nothing of the blocks, but covers a changed footer.
            let at = table.len() - 68;
            let checksum = table::crc32(&table[at..at + 64]);
            table[at + 64..].copy_from_slice(&checksum.to_be_bytes());
            table
        };
        let folder = stack(&[vec![]]);
        let is_told = |table: &[u8]| {
            std::fs::write(folder.path().join("0.ref"), table).unwrap();
            let mut problems = Vec::new();
            let mut stack = Stack::open(folder.path(), form.hash, &mut problems);
            let _ = stack.find(b"refs/tags/b");
            stack.refs(&mut problems);
            stack.logs(&mut problems, &mut |_, _| {});
            !problems.is_empty()
        };
        for length in 0..whole.len() {
            assert!(is_told(&whole[..length]), "{length}");
        }
        let mut told = 0;
        for at in 0..whole.len() {
            for change in [1, 0x80] {
                let mut table = whole.clone();
                table[at] ^= change;
                told += usize::from(is_told(&sealed(table)));
            }
        }
        // Another id or name is as good as the one there was.
        assert!(told > whole.len() / 4, "{told} of {}", whole.len());
    }
}

#[test]
fn more_than_is_held_is_told() {
    let names: Vec<String> = (0..1_000).map(|n| format!("refs/heads/{n:04}")).collect();
    let refs: Vec<(&str, Value)> = names.iter().map(|name| (name.as_str(), Value::Id(1))).collect();
    let (seen, problems) = read(&[PLAIN.table(&refs, &[])], PLAIN.hash);
    assert!(seen.len() < 1_000 && problems.len() == 1 && problems[0].reason == TOO_MUCH, "{problems:?}");
}

#[test]
fn revisions_are_read_from_a_folder_of_files() {
    let folder = stack(&[PLAIN.table(&REFS, &LINES)]);
    let mut stack = Stack::open(folder.path(), PLAIN.hash, &mut Vec::new());
    let mut refs = stack.refs(&mut Vec::new());
    // A name that leads elsewhere is no ref.
    refs.insert(b"refs/heads/../../../x".to_vec(), Target::Object(id(5, PLAIN.hash)));
    refs.insert(b"refs/remotes/o/HEAD".to_vec(), Target::Symbolic(b"refs/heads/main2".to_vec()));
    refs.insert(b"refs/loop".to_vec(), Target::Symbolic(b"refs/loop".to_vec()));
    let shadow = Shadow::new(&refs, &mut [stack], PLAIN.hash).unwrap();
    let store = shadow.store();
    let found = |name: &str| store.find(name).ok().map(|reference| reference.target.to_string());
    assert_eq!(found("HEAD").unwrap(), "ref: refs/heads/main");
    assert_eq!(found("main").unwrap(), id(1, PLAIN.hash).to_string());
    assert_eq!(found("o/HEAD").unwrap(), id(2, PLAIN.hash).to_string());
    assert_eq!((found("loop"), found("x")), (None, None));
    let mut buffer = Vec::new();
    let log = store.reflog_iter("HEAD", &mut buffer).unwrap().unwrap();
    let news: Vec<ObjectId> = log.map(|line| line.unwrap().new_oid()).collect();
    assert_eq!(news, [id(1, PLAIN.hash), id(2, PLAIN.hash)]);
}
