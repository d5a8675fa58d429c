//! Static libraries (`ar`): each member is a region with its name, as GNU and BSD tools write long names.
//!
//! Source: `ar(5)` of FreeBSD; Debian's `deb(5)`.

use crate::builder::Builder;
use crate::fields::text;
use crate::image::{Format, Label, Permissions, WarningKind};
use crate::limits;
use crate::read::read_vec;
use crate::recognise::Reader;

pub(crate) const READER: Reader = Reader { detect, read };

const MAGIC: &[u8] = b"!<arch>\n";
const HEADER: u64 = 60;

fn detect(head: &[u8]) -> Option<Format> {
    head.starts_with(MAGIC).then_some(Format::Archive)
}

fn read(image: &mut Builder<'_>, _head: &[u8]) {
    let mut long_names = Vec::new();
    let mut at = MAGIC.len() as u64;
    for _ in 0..limits::REGIONS {
        if at >= image.src.len() {
            return;
        }
        let header = read_vec(image.src, at, HEADER);
        let Some((name, size)) = member(&header) else {
            image.warn(WarningKind::Damaged, format!("no member header at {at:#x}"));
            return;
        };
        let contents = at + HEADER;
        // GNU: a table of names; BSD: the name before the contents, its length in the header.
        let (mut skip, mut label) = (0, name.trim_end_matches('/').to_owned());
        if name == "//" {
            long_names = read_vec(image.src, contents, size.min(limits::TABLE_BYTES));
        } else if let Some(offset) = name.strip_prefix('/').and_then(|offset| offset.parse::<usize>().ok()) {
            let rest = long_names.get(offset..).unwrap_or_default();
            let rest = rest.get(..limits::LABEL_BYTES).unwrap_or(rest);
            let line = rest.split(|byte| *byte == b'\n').next().unwrap_or_default();
            label = text(line).trim_end_matches('/').to_owned();
        } else if let Some(len) = name.strip_prefix("#1/").and_then(|len| len.parse::<u64>().ok()) {
            skip = len.min(size);
            label = text(&read_vec(image.src, contents, skip.min(limits::LABEL_BYTES as u64)));
        }
        let label = Label::Member(image.name(if label.is_empty() { "symbol table" } else { &label }));
        if !image.region(contents + skip, size - skip, None, label, Permissions::Unknown) {
            return;
        }
        // Members begin at even offsets.
        at = contents.saturating_add(size).saturating_add(size % 2);
    }
}

/// The name as written, and the size in bytes.
fn member(header: &[u8]) -> Option<(String, u64)> {
    if header.get(58..60)? != b"`\n" {
        return None;
    }
    let name = text(header.get(..16)?).trim_end().to_owned();
    let size = std::str::from_utf8(header.get(48..58)?).ok()?.trim().parse().ok()?;
    Some((name, size))
}
