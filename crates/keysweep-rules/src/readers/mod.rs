//! Readers: forms in which one place names many secrets, such as the rows of a table. A pattern tells one secret; a reader
//! tells all that belong to what stands at an anchor. A rule names one with `reader`, in place of `pattern`; each value it
//! tells is then judged as the secret of a pattern is.

mod cursor;
mod kubernetes;
mod sql;
mod table;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::ops::Range;

/// Most values that one place tells.
const MAX_VALUES: usize = 1_000;
/// Most tables that are remembered. What is defined after them is not known, as if it were defined elsewhere.
const MAX_TABLES: usize = 4_096;

/// How far a reader looks: bytes before the anchor's first byte, and from it on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reach {
    /// Before.
    pub before: usize,
    /// From it on.
    pub after: usize,
}

/// A named reader.
pub struct Reader {
    /// The name rules use.
    pub name: &'static str,
    /// What it reads, for writers of rules.
    pub about: &'static str,
    /// Windows in which it is tried, each only if what stands there goes on beyond the one before.
    pub reaches: &'static [Reach],
    pub(crate) read: fn(&Text<'_>, &mut Notes) -> Listing,
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Reader({})", self.name)
    }
}

/// What a window is of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tried {
    /// No larger window follows.
    pub last: bool,
    /// It begins where the text begins.
    pub at_start: bool,
}

/// What a reader looks at.
#[derive(Clone, Copy)]
pub(crate) struct Text<'a> {
    pub(crate) window: &'a [u8],
    /// Where the anchor begins and ends in the window.
    pub(crate) anchor: (usize, usize),
    pub(crate) tried: Tried,
}

/// A value that may be a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Value {
    pub(crate) at: Range<usize>,
    /// What it is called.
    pub(crate) name: String,
}

/// What a reader found.
#[derive(Debug, Default)]
pub(crate) struct Listing {
    pub(crate) values: Vec<Value>,
    /// It goes on beyond the end of the window.
    pub(crate) cut: bool,
    /// It begins before the window.
    pub(crate) cut_before: bool,
    /// There are more values than are told.
    pub(crate) over: bool,
    /// Up to where the text was understood: anchors before that are parts of it. Nothing if that is not known.
    pub(crate) examined: usize,
    /// Bytes that were read.
    pub(crate) work: usize,
}

impl Listing {
    /// Adds a value, if there is room for it.
    fn tell(&mut self, at: Range<usize>, name: &str) {
        match self.values.len() < MAX_VALUES {
            true => self.values.push(Value { at, name: name.to_owned() }),
            false => self.over = true,
        }
    }
}

/// What a reader has seen of a text so far, for what refers to it further on. Holds no secret.
#[derive(Debug, Clone, Default)]
pub struct Notes {
    /// By the name of the table, in lower case.
    tables: HashMap<Vec<u8>, Table>,
    /// Tables that have rows, and whose definition was not seen.
    unknown: HashSet<Vec<u8>>,
    /// Whether the text was read from its beginning, so that what is not noted is not there.
    complete: bool,
}

impl Notes {
    /// Notes of a text that is read from its beginning on, or from somewhere else.
    pub fn new(complete: bool) -> Self {
        Self { tables: HashMap::new(), unknown: HashSet::new(), complete }
    }

    /// Adds the definitions that were seen in another part of the same text.
    pub fn learn(&mut self, other: &Notes) {
        let defined = other.tables.iter().filter(|(_, table)| table.width > 0);
        defined.for_each(|(name, table)| self.note(name.clone(), table.clone()));
    }

    /// Whether rows were passed over here that hold secrets by the definitions in `all`.
    pub fn misses(&self, all: &Notes) -> bool {
        let holds_secrets = |name| all.tables.get(name).is_some_and(|table: &Table| !table.secrets.is_empty());
        self.unknown.iter().any(holds_secrets)
    }

    /// A table whose definition is not at hand: it is not looked for again.
    fn give_up(&mut self, name: Vec<u8>) {
        if self.unknown.len() < MAX_TABLES {
            self.unknown.insert(name.clone());
        }
        self.note(name, Table::default());
    }

    fn note(&mut self, name: Vec<u8>, table: Table) {
        if self.tables.len() < MAX_TABLES || self.tables.contains_key(&name) {
            self.tables.insert(name, table);
        }
    }
}

/// The columns of a table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Table {
    /// How many there are.
    width: usize,
    /// Those whose names say that they hold a secret: from 0, and their names.
    secrets: Vec<(usize, String)>,
}

/// All readers, sorted by name.
pub fn all() -> &'static [Reader] {
    const REACHES: [Reach; 3] = [
        Reach { before: 4 << 10, after: 8 << 10 },
        Reach { before: 128 << 10, after: 128 << 10 },
        Reach { before: 2 << 20, after: 2 << 20 },
    ];
    static ALL: [Reader; 4] = [
        Reader {
            name: "kubernetes-data",
            about: "all members of `data` beside `kind: Secret`, in base64",
            reaches: &REACHES,
            read: kubernetes::data,
        },
        Reader {
            name: "kubernetes-string-data",
            about: "all members of `stringData`",
            reaches: &REACHES,
            read: kubernetes::string_data,
        },
        Reader {
            name: "sql-rows",
            about: "columns of INSERT and COPY whose names say password or key, in all rows; tables are known by CREATE TABLE",
            reaches: &REACHES,
            read: sql::read,
        },
        Reader {
            name: "table-rows",
            about: "columns of CSV and of tables in Markdown whose heads say password or key, in all rows",
            reaches: &REACHES,
            read: table::read,
        },
    ];
    &ALL
}

/// The reader of this name.
pub fn by_name(name: &str) -> Option<&'static Reader> {
    all().iter().find(|reader| reader.name == name)
}
