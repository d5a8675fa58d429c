//! The formats, and how they are recognised.

mod ar;
mod bzip2;
mod cab;
mod closed;
mod cpio;
mod crash_report;
mod gzip;
mod hexdump;
mod image_config;
mod intel_hex;
mod lz4;
mod rpm;
mod s_record;
mod segments;
mod sevenz;
pub(crate) mod source_map;
mod sqlite;
mod sqlite_row;
mod tar;
mod tar_sparse;
mod uf2;
mod xz;
mod zip;
mod zip_directory;
mod zstd;

use crate::budget::{Budget, Metered};
use crate::name::without_suffix;
use crate::reader::Stream;
use crate::{HEAD, Input, Member, Visitor};
use keysweep_image::{ReadAt, read_into};
use std::io::Read;

/// How a format is recognised and read.
struct Reader {
    /// What people call it.
    name: &'static str,
    /// Whether the first [`HEAD`] bytes of a source, or all if there are fewer, show it for sure.
    detect: fn(&[u8]) -> bool,
    open: Open,
}

enum Open {
    /// An archive that is read from its start to its end.
    Members(fn(&mut Stream<'_>, &mut Walk<'_>)),
    /// An archive that is read at any place.
    Random(fn(&dyn ReadAt, &mut Walk<'_>)),
    /// The same, and its reader does not tell where in it the members lie.
    Opaque(fn(&dyn ReadAt, &mut Walk<'_>)),
    /// A text with further texts in it, whose escapes they lose.
    Texts(fn(&mut Stream<'_>, &mut Walk<'_>)),
    /// One compressed file; with suffixes of names, and what stands instead of them.
    Single(Decompress, &'static [(&'static str, &'static str)]),
}

/// Hands on what the first unpacks to.
type Decompress = fn(&mut dyn Read, &mut Unpacked<'_, '_>);

/// Takes what a compressed file unpacks to.
struct Unpacked<'a, 'b> {
    name: String,
    walk: &'a mut Walk<'b>,
}

/// What to think of bytes behind the end of a compressed file, where zeros are padding.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Behind {
    /// Those who use the format pass over them.
    Usual,
    /// They are no part of the format, or a damaged one.
    Strange,
}

impl Unpacked<'_, '_> {
    /// Hands on what it unpacks to.
    fn content(&mut self, content: &mut dyn Read) {
        self.walk.member(Member::unpacked(self.name.clone()), content);
    }

    /// Hands on what stands behind the end.
    fn behind(&mut self, rest: &mut dyn Read, what: Behind) {
        let mut metered = Metered { inner: rest, budget: self.walk.budget };
        let mut block = [0; 16 << 10];
        loop {
            let read = match metered.read(&mut block) {
                Ok(0) => return,
                Ok(read) => read,
                Err(error) => return self.walk.problem(None, reason(&error)),
            };
            let Some(from) = block[..read].iter().position(|byte| *byte != 0) else { continue };
            if what == Behind::Strange {
                self.walk.problem(None, "something else, or damaged, behind the end of what was unpacked");
            }
            let member = Member::unpacked("behind the end".to_owned());
            self.walk.member(member, &mut block[from..read].chain(metered.inner));
            return;
        }
    }
}

/// All formats. What is recognised by weak signs comes last.
static READERS: [&Reader; 23] = [
    &zip::READER,
    &gzip::READER,
    &zstd::READER,
    &xz::XZ,
    &bzip2::READER,
    &lz4::READER,
    &ar::READER,
    &cpio::READER,
    &rpm::READER,
    &sevenz::READER,
    &cab::READER,
    &tar::READER,
    &crash_report::READER,
    &source_map::READER,
    &image_config::READER,
    &intel_hex::READER,
    &s_record::READER,
    &uf2::READER,
    &hexdump::READER,
    &sqlite::READER,
    &xz::LZMA,
    &closed::READER,
    &zip::BEHIND_PREFIX,
];

/// A format that was recognised.
#[derive(Clone, Copy)]
pub struct Format(&'static Reader);

impl Format {
    /// Source maps, whatever the bytes.
    pub(crate) fn source_map() -> Self {
        Self(&source_map::READER)
    }

    /// What people call it.
    pub fn name(self) -> &'static str {
        self.0.name
    }

    /// Whether all its bytes are those of its members, mostly in another form, so that what shows through in it is theirs: a
    /// compressed file, or a text with texts in it.
    pub fn shows_through(self) -> bool {
        matches!(self.0.open, Open::Single(..) | Open::Texts(_) | Open::Opaque(_))
    }

    /// Whether it is a text, and no archive to those who use it.
    pub fn is_text(self) -> bool {
        matches!(self.0.open, Open::Texts(_))
    }

    /// Whether it is a database, whose tables are its members.
    pub fn is_database(self) -> bool {
        self.0.name == sqlite::READER.name
    }

    /// Whether it can be opened from a stream.
    pub fn streams(self) -> bool {
        !matches!(self.0.open, Open::Random(_) | Open::Opaque(_))
    }
}

impl std::fmt::Debug for Format {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0.name)
    }
}

/// Which archive a source is, if it is one. Costs a look at a few bytes for what is none.
pub fn recognise(source: &dyn ReadAt) -> Option<Format> {
    match source.as_slice() {
        Some(all) => recognise_stream(&all[..all.len().min(HEAD)]),
        None => {
            let mut start = [0; 512];
            let read = read_into(source, 0, &mut start);
            if !may_be(&start[..read]) {
                return zip::is_behind_prefix(source).then_some(Format(&zip::BEHIND_PREFIX));
            }
            let mut head = vec![0; HEAD];
            let read = read_into(source, 0, &mut head);
            recognise_stream(&head[..read])
        }
    }
    .or_else(|| zip::is_behind_prefix(source).then_some(Format(&zip::BEHIND_PREFIX)))
}

/// The same by the first [`HEAD`] bytes of a stream, or all if there are fewer.
pub fn recognise_stream(head: &[u8]) -> Option<Format> {
    if !may_be(head) {
        return None;
    }
    READERS.iter().find(|reader| (reader.detect)(head)).map(|reader| Format(reader))
}

/// A quick look that most files do not pass: texts and programs above all.
fn may_be(head: &[u8]) -> bool {
    let binary = match head.first() {
        Some(b'P' | b'B' | b'7' | b'M' | b'!' | b'0' | b'U' | 0x1f | 0x28 | 0xfd | 0xed | 0x04 | 0x5d) => true,
        Some(b':' | b'S') => intel_hex::detect(head) || s_record::detect(head) || sqlite::detect(head),
        Some(b'{') => source_map::may_be(head) || image_config::may_be(head),
        Some(0x50..=0x5f) => head.get(1) == Some(&0x2a), // a skippable frame of zstd and lz4
        _ => false,
    };
    binary || tar::has_magic(head) || hexdump::may_be(head) || closed::detect(head)
}

/// What walks through an archive carries along.
struct Walk<'a> {
    budget: &'a Budget,
    visitor: &'a mut dyn Visitor,
    /// Whether offsets in the stream are offsets in a source.
    random: bool,
}

impl Walk<'_> {
    /// Hands a member on; `false` if the walk is over.
    fn member(&mut self, member: Member, content: &mut dyn Read) -> bool {
        if !self.budget.member() {
            return false;
        }
        let member = Member { stored: member.stored.filter(|_| self.random), ..member };
        self.visitor.member(&member, &mut Metered { inner: content, budget: self.budget });
        self.budget.stopped().is_none()
    }

    fn problem(&mut self, member: Option<&str>, message: impl Into<String>) {
        // What follows a bound that was hit is its consequence.
        if self.budget.stopped().is_none() {
            self.visitor.problem(member, message.into());
        }
    }
}

/// Walks through the members of an archive called `name`. After a bound of the budget is hit, it returns at once.
pub fn open(format: Format, input: Input<'_>, name: &str, budget: &Budget, visitor: &mut dyn Visitor) {
    let mut walk = Walk { budget, visitor, random: matches!(input, Input::Random(_)) };
    match (&format.0.open, input) {
        (Open::Random(open) | Open::Opaque(open), Input::Random(source)) => open(source, &mut walk),
        (Open::Random(_) | Open::Opaque(_), Input::Stream(_)) => {
            walk.problem(None, "too large to be opened within another archive")
        }
        (Open::Members(open) | Open::Texts(open), input) => open(&mut Stream::new(input), &mut walk),
        (Open::Single(open, suffixes), input) => {
            let mut out = Unpacked { name: without_suffix(name, suffixes), walk: &mut walk };
            open(&mut Stream::new(input), &mut out);
        }
    }
}

/// An error in plain words.
fn reason(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::UnexpectedEof => "it ends too early".to_owned(),
        _ => error.to_string(),
    }
}
