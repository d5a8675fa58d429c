//! Places as people name them: line and column in text, address and region in dumps.

use crate::finding::{GitPlace, Location, WHOLE_FILE};
use crate::raw::{Raw, What};
use keysweep_image::{Image, ReadAt};
use std::ops::Range;

/// A source, or one block of a stream.
#[derive(Clone, Copy)]
pub(crate) struct Part<'a> {
    pub(crate) name: &'a str,
    pub(crate) source: &'a dyn ReadAt,
    pub(crate) image: &'a Image,
    /// Offset of the block in the stream.
    pub(crate) base: u64,
    /// Where the source lies in a repository.
    pub(crate) git: Option<&'a GitPlace>,
    /// Only what touches one of these parts of the source is reported: they are sorted and apart.
    pub(crate) only: Option<&'a [Range<u64>]>,
}

impl<'a> Part<'a> {
    /// All of a source.
    pub(crate) fn whole(name: &'a str, source: &'a dyn ReadAt, image: &'a Image) -> Self {
        Self { name, source, image, base: 0, git: None, only: None }
    }

    /// Whether what lies there is reported.
    pub(crate) fn reports(&self, raw: &Raw) -> bool {
        // A file as such is there with any of its lines.
        matches!(raw.what, What::File(_)) || self.touches(&(raw.offset..raw.end()))
    }

    /// The same of a range.
    pub(crate) fn touches(&self, range: &Range<u64>) -> bool {
        self.only.is_none_or(|parts| {
            let after = parts.partition_point(|part| part.end <= range.start);
            parts.get(after).is_some_and(|part| part.start < range.end)
        })
    }
}

/// Turns offsets into places; asked in ascending order it reads a text once.
pub(crate) struct Places<'a> {
    part: Part<'a>,
    lines: Lines,
}

/// Lines counted so far.
#[derive(Default)]
struct Lines {
    offset: u64,
    line: u64,
    line_start: u64,
}

impl<'a> Places<'a> {
    pub(crate) fn new(part: Part<'a>) -> Self {
        Self { part, lines: Lines { line: 1, ..Lines::default() } }
    }

    /// The place of `raw`.
    pub(crate) fn locate(&mut self, raw: &Raw) -> Location {
        let form = match &raw.what {
            What::File(_) => return self.whole(),
            What::Token(_) => "text",
            What::Key(material) | What::Number { material, .. } => material.encoding,
        };
        let Part { image, base, .. } = self.part;
        let offset = base + raw.offset;
        let place = image.place(offset);
        let region = match (place.region, place.module) {
            (_, Some((module, offset))) => Some(format!("{}+{offset:#x}", module.name)),
            (Some(region), None) => Some(region.label.to_string()),
            (None, None) => None,
        };
        // Lines before a later block of a stream are gone.
        let line = (image.format.is_text() && base == 0).then(|| self.line_of(raw.offset));
        Location {
            offset,
            length: raw.length,
            form: form.to_owned(),
            line: line.map(|l| l.0),
            column: line.map(|l| l.1),
            address: place.address,
            region,
            structure: match &raw.what {
                What::Number { structure, .. } => Some(structure.clone()),
                _ => None,
            },
            wrapping: raw.wrapping.iter().map(|w| (*w).to_owned()).collect(),
            ..self.whole()
        }
    }

    /// The place of a file as such.
    fn whole(&self) -> Location {
        Location {
            path: self.part.name.to_owned(),
            offset: 0,
            length: self.part.source.len(),
            form: WHOLE_FILE.to_owned(),
            line: None,
            column: None,
            address: None,
            region: None,
            structure: None,
            wrapping: Vec::new(),
            git: self.part.git.cloned(),
            layer: None,
            marks: Vec::new(),
        }
    }

    /// Line and column in bytes, both from 1.
    fn line_of(&mut self, offset: u64) -> (u64, u64) {
        if offset < self.lines.offset {
            self.lines = Lines { line: 1, ..Lines::default() };
        }
        let mut buffer = [0; 64 << 10];
        while self.lines.offset < offset {
            let want = (offset - self.lines.offset).min(buffer.len() as u64) as usize;
            let read = self.part.source.read_at(self.lines.offset, &mut buffer[..want]).unwrap_or(0);
            if read == 0 {
                break;
            }
            for newline in memchr::memchr_iter(b'\n', &buffer[..read]) {
                self.lines.line += 1;
                self.lines.line_start = self.lines.offset + newline as u64 + 1;
            }
            self.lines.offset += read as u64;
        }
        zeroize::Zeroize::zeroize(&mut buffer);
        (self.lines.line, offset.saturating_sub(self.lines.line_start) + 1)
    }
}
