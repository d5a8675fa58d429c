//! Databases that SQLite 3.40 wrote, with pages of 512 bytes: `tables.sqlite` has 300 rows in a table, of which one needs overflow pages, an index on it,
//! and 300 in a table without row ids; `utf16.sqlite` a text in UTF-16.

use keysweep_archive::{Budget, Input, Limits, Member, Visitor, open, recognise};
use std::io::Read;

const TABLES: &[u8] = include_bytes!("data/tables.sqlite");
const UTF16: &[u8] = include_bytes!("data/utf16.sqlite");

#[derive(Default)]
struct Seen {
    members: Vec<(String, String)>,
    problems: Vec<String>,
}

impl Visitor for Seen {
    fn member(&mut self, member: &Member, content: &mut dyn Read) {
        let mut bytes = Vec::new();
        content.read_to_end(&mut bytes).unwrap();
        self.members.push((member.name.clone(), String::from_utf8_lossy(&bytes).into_owned()));
    }

    fn problem(&mut self, _: Option<&str>, message: String) {
        self.problems.push(message);
    }
}

fn read(bytes: &[u8]) -> Option<Seen> {
    let mut seen = Seen::default();
    let budget = Budget::new(Limits::default(), bytes.len() as u64);
    open(recognise(&bytes)?, Input::Random(&bytes), "x.db", &budget, &mut seen);
    Some(seen)
}

#[test]
fn every_row_of_every_table_is_written_out() {
    let seen = read(TABLES).unwrap();
    assert_eq!(seen.problems, Vec::<String>::new());
    let names: Vec<&str> = seen.members.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["users.sql", "w.sql"]);
    let users: Vec<&str> = seen.members[0].1.lines().collect();
    let definition = "CREATE TABLE users(id integer primary key, name text, token text, created text, note blob);";
    assert_eq!(users[0], definition);
    assert_eq!(users.len(), 301);
    let long = "x".repeat(1200);
    for (index, row) in users[1..].iter().enumerate() {
        let more = if index == 77 { &long } else { "" };
        let note = if index % 2 == 0 { "'blob text'" } else { "NULL" };
        // The row's id stands for a primary key that is a number.
        let expected =
            format!("INSERT INTO \"users\" VALUES(NULL,'user{index}','tok''en{index}{more}','2026-01-01',{note});");
        assert_eq!(*row, expected);
    }
    let mut others: Vec<&str> = seen.members[1].1.lines().collect();
    assert_eq!(others.len(), 300);
    others.sort_unstable();
    others.dedup();
    assert_eq!(others.len(), 300);
    assert!(others.contains(&"INSERT INTO \"w\" VALUES('key123','value123');"));
    assert!(read(UTF16).unwrap().members[0].1.ends_with("INSERT INTO \"t\" VALUES('grüße');\n"));
}

#[test]
fn damage_ends_and_is_told() {
    for len in (100..TABLES.len()).step_by(509) {
        assert!(!read(&TABLES[..len]).unwrap().problems.is_empty(), "{len}");
    }
    let mut state = 7_u64;
    for _ in 0..2000 {
        let mut bytes = TABLES.to_vec();
        for _ in 0..8 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let at = 24 + (state >> 33) as usize % (bytes.len() - 24);
            bytes[at] = (state >> 24) as u8;
        }
        if let Some(seen) = read(&bytes) {
            let text: usize = seen.members.iter().map(|(_, text)| text.len()).sum();
            assert!(text < 64 * TABLES.len(), "{text}");
        }
    }
    // A page whose children are the root of the tree, again and again.
    let mut looped = TABLES.to_vec();
    for page in 1..looped.len() / 512 {
        looped[512 * page] = 5;
        looped[512 * page + 8..][..4].copy_from_slice(&2_u32.to_be_bytes());
    }
    assert!(!read(&looped).unwrap().problems.is_empty());
    for text in [&b"SQLite format 3\0"[..], b"SQLite format 3 is a format", &TABLES[..99]] {
        assert!(recognise(&text).is_none());
    }
}
