//! The credentials of accounts, as tables: what, where, how well kept, who else can read it, since when, until when.

use crate::text::{Style, printable};
use crate::when::date;
use anstyle::{AnsiColor, Style as Ansi};
use keysweep_facts::Fact;
use std::collections::BTreeMap;
use std::io::{self, Write};
use unicode_width::UnicodeWidthStr;

/// Rows of one account; the other formats list all.
const SHOWN: usize = 200;
/// Widest column of paths, and of kinds.
const WIDEST: usize = 48;

/// Tables for all accounts of the facts, if there are any.
pub(crate) fn write(facts: &[Fact], style: Style, out: &mut dyn Write) -> io::Result<()> {
    let homes: BTreeMap<&str, &str> =
        of(facts, "account").filter_map(|fact| Some((fact.text("name")?, fact.text("home")?))).collect();
    let readers: BTreeMap<&str, &str> =
        of(facts, "file").filter_map(|fact| Some((fact.text("path")?, fact.text("readable_by")?))).collect();
    let mut accounts: BTreeMap<&str, Vec<Row>> = homes.keys().map(|name| (*name, Vec::new())).collect();
    for fact in of(facts, "credential") {
        let account = fact.text("account").unwrap_or("the system");
        accounts.entry(account).or_default().push(credential(fact, homes.get(account).copied(), &readers));
    }
    for row in sessions(facts, &homes, &readers) {
        accounts.entry(row.account).or_default().push(row.row);
    }
    for (account, mut rows) in accounts {
        rows.sort();
        table(account, &rows, style, out)?;
    }
    Ok(())
}

fn of<'f>(facts: &'f [Fact], predicate: &'static str) -> impl Iterator<Item = &'f Fact> {
    facts.iter().filter(move |fact| fact.predicate == predicate)
}

/// A row; sorted with the worst first.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Row {
    rank: u8,
    place: String,
    kind: String,
    verdict: &'static str,
    why: String,
    readers: String,
    since: String,
    until: String,
}

fn credential(fact: &Fact, home: Option<&str>, readers: &BTreeMap<&str, &str>) -> Row {
    let path = fact.text("path").unwrap_or_default();
    let (rank, verdict) = match fact.text("verdict") {
        Some("open") => (0, "open"),
        Some("weak") => (1, "weak"),
        _ => (2, "good"),
    };
    let target = match (fact.text("name"), fact.text("host")) {
        (Some(name), Some(host)) => format!(" {name} at {host}"),
        (Some(one), None) => format!(" {one}"),
        (None, Some(host)) => format!(" at {host}"),
        (None, None) => String::new(),
    };
    Row {
        rank,
        place: short(path, home),
        kind: format!("{}{target}", fact.text("kind").unwrap_or_default()),
        verdict,
        why: fact.evidence.clone(),
        readers: readers.get(path).copied().unwrap_or("?").to_owned(),
        since: fact.time("modified").map(date).unwrap_or_default(),
        until: fact.time("expires").map(date).unwrap_or_default(),
    }
}

struct Sessions<'f> {
    account: &'f str,
    row: Row,
}

/// Account, path and protection of a store of cookies.
type Store<'f> = (&'f str, &'f str, &'f str);

/// What a store holds.
#[derive(Default)]
struct Held {
    hosts: usize,
    until: Option<i64>,
    weak: bool,
}

/// One row for each store of cookies and way of keeping them.
fn sessions<'f>(facts: &'f [Fact], homes: &BTreeMap<&str, &str>, readers: &BTreeMap<&str, &str>) -> Vec<Sessions<'f>> {
    let mut stores: BTreeMap<Store<'f>, Held> = BTreeMap::new();
    for fact in of(facts, "session") {
        let account = fact.text("account").unwrap_or("the system");
        let path = fact.text("path").unwrap_or_default();
        let held = stores.entry((account, path, fact.text("protection").unwrap_or_default())).or_default();
        held.hosts += 1;
        held.until = held.until.max(fact.time("expires"));
        held.weak |= fact.fields.get("weak") == Some(&true.into());
    }
    let row = |((account, path, protection), held): (Store<'f>, Held)| {
        let row = Row {
            rank: if held.weak { 1 } else { 2 },
            place: short(path, homes.get(account).copied()),
            kind: format!("sessions at {} host{}", held.hosts, if held.hosts == 1 { "" } else { "s" }),
            verdict: if held.weak { "weak" } else { "good" },
            why: protection.to_owned(),
            readers: readers.get(path).copied().unwrap_or("?").to_owned(),
            since: String::new(),
            until: held.until.map(date).unwrap_or_default(),
        };
        Sessions { account, row }
    };
    stores.into_iter().map(row).collect()
}

fn table(account: &str, rows: &[Row], style: Style, out: &mut dyn Write) -> io::Result<()> {
    let count = |verdict| rows.iter().filter(|row| row.verdict == verdict).count();
    let heading = format!(
        "Account {}: {} credentials ({} open, {} weak, {} good)",
        printable(account),
        rows.len(),
        count("open"),
        count("weak"),
        count("good")
    );
    writeln!(out, "{}", style.paint(Ansi::new().bold(), &heading))?;
    let shown = &rows[..rows.len().min(SHOWN)];
    let width =
        |of: fn(&Row) -> &str| shown.iter().map(|row| printable(of(row)).width().min(WIDEST)).max().unwrap_or(0);
    let (places, kinds, readers) = (width(|r| &r.place), width(|r| &r.kind), width(|r| &r.readers));
    for row in shown {
        let color = match row.verdict {
            "open" => AnsiColor::Red.on_default().bold(),
            "weak" => AnsiColor::Yellow.on_default(),
            _ => AnsiColor::Green.on_default(),
        };
        let until = if row.until.is_empty() { String::new() } else { format!(", until {}", row.until) };
        let since = if row.since.is_empty() { String::new() } else { format!(", since {}", row.since) };
        let line = format!(
            "  {}  {}  {}  read by {}  {}{since}{until}",
            style.paint(color, row.verdict),
            padded(&row.place, places),
            padded(&row.kind, kinds),
            padded(&row.readers, readers),
            printable(&row.why),
        );
        writeln!(out, "{}", line.trim_end())?;
    }
    if rows.len() > SHOWN {
        writeln!(out, "  and {} more", rows.len() - SHOWN)?;
    }
    writeln!(out)
}

fn padded(text: &str, width: usize) -> String {
    let text = printable(text);
    let missing = width.saturating_sub(text.width());
    text + &" ".repeat(missing)
}

/// A path with `~` for the home.
fn short(path: &str, home: Option<&str>) -> String {
    let rest = home.and_then(|home| path.strip_prefix(home)).filter(|rest| rest.starts_with(['/', '\\']));
    rest.map_or_else(|| path.to_owned(), |rest| format!("~{rest}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use keysweep_facts::Value;

    #[test]
    fn the_worst_comes_first_and_paths_are_short() {
        let credential = |path: &str, verdict: &str| {
            Fact::new("credential", "why")
                .with("account", "al")
                .with("path", path)
                .with("verdict", verdict)
                .with("kind", "key")
        };
        let facts = [
            Fact::new("account", "").with("name", "al").with("home", "/h/al"),
            credential("/h/al/a", "good"),
            credential("/h/al/b\x1b[2J", "open").with("expires", Value::Time(0)),
            Fact::new("session", "")
                .with("account", "al")
                .with("path", "/h/al/c")
                .with("protection", "none")
                .with("weak", true),
        ];
        let mut out = Vec::new();
        write(&facts, Style { color: false, width: 100 }, &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "Account al: 3 credentials (1 open, 1 weak, 1 good)");
        assert!(
            lines[1].starts_with("  open  ~/b\\u{1b}[2J") && lines[1].ends_with("until 1970-01-01"),
            "{}",
            lines[1]
        );
        assert!(lines[2].contains("sessions at 1 host "), "{}", lines[2]);
        assert!(lines[3].starts_with("  good  ~/a "), "{}", lines[3]);
    }
}
