//! Rows of SQL: what `mysqldump`, `pg_dump`, `sqlite3 .dump`, scripts of SQL Server and programs write to fill tables.
//!
//! ```text
//! CREATE TABLE users (id int, name text, password text);          which columns there are
//! INSERT INTO users VALUES (1,'ops','...'),(2,'dev','...');        by that definition
//! INSERT INTO users (id, password) VALUES (1, '...');              by its own list
//! COPY public.users (id, name, password) FROM stdin;               rows of fields between tabs, up to `\.`
//! ```
//!
//! Sources: MySQL 8.4 manual, 15.2.7 (INSERT) and 11.1.1 (string literals); PostgreSQL 17, COPY (text format); SQLite,
//! "Command Line Shell" 10.2; SQL Server, "Generate scripts".

use super::cursor::{Cursor, Stop};
use super::{Listing, Notes, Table, Text};
use crate::checks::names::{names_key, names_password};
use crate::checks::words::parts;
use std::ops::Range;

/// Most columns of a table.
const MAX_COLUMNS: usize = 4_096;
/// How a definition begins in dumps.
const DEFINITION: &[u8] = b"CREATE TABLE";
/// Lengths of values that may be secrets.
const LENGTHS: std::ops::RangeInclusive<usize> = 8..=128;
/// Words with which parts of a definition begin that are no columns.
const CONSTRAINTS: [&str; 10] =
    ["primary", "unique", "constraint", "foreign", "check", "fulltext", "spatial", "exclude", "like", "period"];
/// Parts of names that say what else a column holds.
const OTHER: [&str; 18] = [
    "crypt",
    "crypted",
    "salt",
    "reset",
    "recovery",
    "recover",
    "remember",
    "confirm",
    "confirmation",
    "verification",
    "activation",
    "unlock",
    "invitation",
    "device",
    "push",
    "question",
    "session",
    "unsubscribe",
];

/// Reads what stands at an anchor: a definition, which is noted, or rows.
pub(super) fn read(text: &Text<'_>, notes: &mut Notes) -> Listing {
    let mut listing = Listing::default();
    let (start, end) = text.anchor;
    let anchor = text.window[start..end].to_ascii_lowercase();
    let mut cursor = Cursor::new(text.window, end);
    let outcome = match anchor.as_slice() {
        b"create table" => create(&mut cursor).map(|(name, table)| notes.note(name, table)),
        b"from stdin" => copy(&mut cursor, text, notes, &mut listing),
        _ => {
            // `INSERT [dbo].[Users]`
            cursor.at -= usize::from(anchor.ends_with(b"["));
            insert(&mut cursor, text, notes, &mut listing)
        }
    };
    listing.cut |= outcome == Err(Stop::End);
    listing.work += cursor.at.saturating_sub(end);
    listing
}

/// Whether a column's name says that it holds a password or key in clear.
fn is_secret(name: &[u8]) -> bool {
    const OWNERS: [&str; 9] = ["access", "auth", "api", "bot", "refresh", "bearer", "service", "app", "client"];
    let parts = parts(name);
    if parts.iter().any(|part| OTHER.contains(&part.as_str())) {
        return false;
    }
    // Tables are full of tokens that name a page, a form or a visit.
    let token = parts.iter().position(|part| part == "token" || part == "tokens");
    let owned = token.is_none_or(|at| at > 0 && OWNERS.contains(&parts[at - 1].as_str()));
    names_password(name) || (names_key(name) && owned)
}

impl Table {
    fn of<'n>(names: impl Iterator<Item = &'n [u8]>) -> Self {
        let mut table = Table::default();
        for name in names {
            if is_secret(name) {
                table.secrets.push((table.width, String::from_utf8_lossy(name).into_owned()));
            }
            table.width += 1;
        }
        table
    }
}

/// `[IF NOT EXISTS] name (column type, ...)`, behind `CREATE TABLE`.
fn create(cursor: &mut Cursor<'_>) -> Result<(Vec<u8>, Table), Stop> {
    if cursor.word(&["if"]).is_ok() {
        cursor.word(&["not"])?;
        cursor.word(&["exists"])?;
    }
    let (name, _) = cursor.name()?;
    cursor.take(b'(')?;
    let mut columns = Vec::new();
    loop {
        cursor.space();
        let is_column = !is_constraint(cursor);
        let (column, _) = cursor.name()?;
        if is_column {
            columns.push(column);
        }
        cursor.expression()?;
        if columns.len() > MAX_COLUMNS {
            return Err(Stop::Other);
        }
        match cursor.take(b',') {
            Ok(()) => {}
            Err(Stop::End) => return Err(Stop::End),
            Err(Stop::Other) => break,
        }
    }
    Ok((name.to_ascii_lowercase(), Table::of(columns.into_iter())))
}

/// Whether a key or constraint is defined here.
fn is_constraint(cursor: &Cursor<'_>) -> bool {
    let word = cursor.plain();
    let is = |other: &&str| word.eq_ignore_ascii_case(other.as_bytes());
    // `KEY` and `INDEX` may be names of columns, which quotes do not follow.
    let quoted = || cursor.text[cursor.at + word.len()..].trim_ascii_start().starts_with(b"`");
    CONSTRAINTS.iter().any(is) || (["key", "index"].iter().any(is) && quoted())
}

/// `name [(columns)] VALUES (...), (...)`, behind `INSERT INTO`.
fn insert(cursor: &mut Cursor<'_>, text: &Text<'_>, notes: &mut Notes, listing: &mut Listing) -> Result<(), Stop> {
    let (name, _) = cursor.name()?;
    let name = name.to_ascii_lowercase();
    let table = match cursor.take(b'(') {
        Ok(()) => columns(cursor)?,
        Err(Stop::End) => return Err(Stop::End),
        Err(Stop::Other) => {
            values(cursor)?;
            match known(&name, text, notes, listing) {
                Some(table) => table,
                None => return Ok(()),
            }
        }
    };
    if table.secrets.is_empty() {
        return Ok(());
    }
    values(cursor)?;
    loop {
        row(cursor, &table, listing)?;
        listing.examined = cursor.at;
        match cursor.take(b',') {
            Ok(()) if !listing.over => {}
            Err(Stop::End) => return Err(Stop::End),
            _ => return Ok(()),
        }
    }
}

/// The word before rows; where it was read already, they follow.
fn values(cursor: &mut Cursor<'_>) -> Result<(), Stop> {
    cursor.space();
    if cursor.peek()? == b'(' {
        return Ok(());
    }
    if cursor.word(&["overriding"]).is_ok() {
        cursor.word(&["system", "user"])?;
        cursor.word(&["value"])?;
    }
    cursor.word(&["values", "value"])?;
    cursor.space();
    if cursor.peek()? == b'(' { Ok(()) } else { Err(Stop::Other) }
}

/// A list of columns, behind its bracket.
fn columns(cursor: &mut Cursor<'_>) -> Result<Table, Stop> {
    let mut names = Vec::new();
    loop {
        names.push(cursor.name()?.0);
        cursor.space();
        match cursor.peek()? {
            b',' if names.len() < MAX_COLUMNS => cursor.at += 1,
            b')' => {
                cursor.at += 1;
                return Ok(Table::of(names.into_iter()));
            }
            _ => return Err(Stop::Other),
        }
    }
}

/// The table of this name, as it was defined before. In a text that is not read from its beginning the definition may stand
/// before the place where reading began: it is looked for in the window.
fn known(name: &[u8], text: &Text<'_>, notes: &mut Notes, listing: &mut Listing) -> Option<Table> {
    if let Some(table) = notes.tables.get(name) {
        return Some(table.clone());
    }
    if notes.complete {
        return None;
    }
    let before = &text.window[..text.anchor.0];
    // Hostile text has definitions without end: they are read for no more than twice the window.
    let mut left = 2 * before.len();
    for at in memchr::memmem::rfind_iter(before, DEFINITION) {
        let mut cursor = Cursor::new(before, at + DEFINITION.len());
        let defined = create(&mut cursor);
        if let Some((_, table)) = defined.ok().filter(|(defined, _)| defined == name) {
            notes.note(name.to_owned(), table.clone());
            return Some(table);
        }
        match left.checked_sub(cursor.at - at) {
            Some(rest) => left = rest,
            None => break,
        }
    }
    listing.work += 3 * before.len() - left;
    listing.cut_before = !text.tried.last;
    if text.tried.last {
        notes.give_up(name.to_owned());
    }
    None
}

/// `(value, value, ...)`. Values count only if there are as many as columns.
fn row(cursor: &mut Cursor<'_>, table: &Table, listing: &mut Listing) -> Result<(), Stop> {
    cursor.take(b'(')?;
    let mut secrets = Vec::new();
    let mut index = 0;
    loop {
        let value = value(cursor)?;
        let column = table.secrets.iter().find(|(at, _)| *at == index);
        secrets.extend(column.zip(value).map(|((_, name), at)| (at, name.as_str())));
        index += 1;
        let ends = cursor.peek()? == b')';
        cursor.at += 1;
        if ends {
            break;
        }
    }
    if index == table.width {
        tell(cursor.text, secrets, listing);
    }
    Ok(())
}

/// Goes over a value up to the comma or bracket behind it, and tells where it stands if it is a text.
fn value(cursor: &mut Cursor<'_>) -> Result<Option<Range<usize>>, Stop> {
    cursor.space();
    let word = cursor.plain();
    let prefix = [b"N".as_slice(), b"n", b"E", b"e"].contains(&word);
    if prefix || word.starts_with(b"_") {
        cursor.at += word.len();
        // `_binary 'text'`
        if !prefix {
            cursor.space();
        }
    }
    let text = match cursor.peek()? {
        b'\'' | b'"' => Some(cursor.literal()?),
        _ => None,
    };
    cursor.space();
    let whole = b",)".contains(&cursor.peek()?);
    cursor.expression()?;
    Ok(text.filter(|_| whole))
}

/// Adds what may be a secret.
fn tell(text: &[u8], values: Vec<(Range<usize>, &str)>, listing: &mut Listing) {
    for (at, name) in values {
        if LENGTHS.contains(&at.len()) && !text[at.clone()].iter().any(u8::is_ascii_whitespace) {
            listing.tell(at, name);
        }
    }
}

/// `COPY name (columns) FROM stdin;`, of which the cursor stands at the end, and lines of fields.
fn copy(cursor: &mut Cursor<'_>, text: &Text<'_>, notes: &mut Notes, listing: &mut Listing) -> Result<(), Stop> {
    let before = &text.window[..text.anchor.0];
    let start = memchr::memrchr(b'\n', before).map_or(0, |at| at + 1);
    let line = &before[start..];
    let Some(rest) = line.get(..5).filter(|word| word.eq_ignore_ascii_case(b"copy ")).map(|_| &line[5..]) else {
        return Ok(());
    };
    let mut head = Cursor::new(rest, 0);
    let (name, _) = head.name().map_err(|_| Stop::Other)?;
    let table = match head.take(b'(') {
        Ok(()) => columns(&mut head).map_err(|_| Stop::Other)?,
        Err(_) => match known(&name.to_ascii_lowercase(), text, notes, listing) {
            Some(table) => table,
            None => return Ok(()),
        },
    };
    // Other formats are named there.
    cursor.take(b';')?;
    let end = memchr::memchr(b'\n', &text.window[cursor.at..]).ok_or(Stop::End)?;
    if table.secrets.is_empty() || !text.window[cursor.at..cursor.at + end].trim_ascii().is_empty() {
        return Ok(());
    }
    cursor.at += end + 1;
    loop {
        let length = memchr::memchr(b'\n', &text.window[cursor.at..]).ok_or(Stop::End)?;
        let line = &text.window[cursor.at..cursor.at + length];
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.starts_with(b"\\.") || listing.over {
            return Ok(());
        }
        fields(text.window, cursor.at..cursor.at + line.len(), &table, listing);
        cursor.at += length + 1;
        listing.examined = cursor.at;
    }
}

/// The fields of a line, which count only if there are as many as columns.
fn fields(text: &[u8], line: Range<usize>, table: &Table, listing: &mut Listing) {
    let mut secrets = Vec::new();
    let (mut start, mut count) = (line.start, 0);
    for end in memchr::memchr_iter(b'\t', &text[line.clone()]).map(|at| line.start + at).chain([line.end]) {
        let column = table.secrets.iter().find(|(at, _)| *at == count);
        secrets.extend(column.map(|(_, name)| (start..end, name.as_str())));
        (start, count) = (end + 1, count + 1);
    }
    if count == table.width {
        tell(text, secrets, listing);
    }
}
