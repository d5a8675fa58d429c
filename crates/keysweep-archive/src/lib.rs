//! Opens archives and compressed files in memory, and hands on their members, one after the other.
//!
//! [`recognise`] tells by the bytes, never by a name, whether a source is an archive; it is strict, since bytes that begin
//! like one by chance are common. [`open`] walks through the members and hands each to a [`Visitor`], with a reader for its
//! contents. The crate knows nothing of what the contents are for: whoever visits may open a member again as an archive.
//!
//! Each format is one file in `format/` and one line in the table of `format/mod.rs`:
//!
//! | format | file | needs random access |
//! |---|---|---|
//! | zip, zip64, also behind a prefix | `zip.rs` | yes |
//! | 7z | `sevenz.rs` | yes |
//! | cabinets: stored, MSZIP, LZX | `cab.rs` | yes |
//! | tar: ustar, GNU, pax | `tar.rs` | no |
//! | `ar`, Debian packages | `ar.rs` | no |
//! | cpio: `newc` and `crc` | `cpio.rs` | no |
//! | RPM packages | `rpm.rs` | no |
//! | gzip, several members | `gzip.rs` | no |
//! | bzip2, several streams | `bzip2.rs` | no |
//! | xz, several streams; lzma | `xz.rs` | no |
//! | zstd, several frames | `zstd.rs` | no |
//! | lz4 frames | `lz4.rs` | no |
//! | crash reports of apport | `crash_report.rs` | no |
//! | Intel HEX, S-records, UF2 | `intel_hex.rs`, `s_record.rs`, `uf2.rs` | no |
//! | hex dumps of debuggers and tools | `hexdump.rs` | no |
//! | databases of SQLite, each table as SQL | `sqlite.rs` | yes |
//! | what is not opened, and told | `closed.rs` | no |
//! | source maps with sources | `source_map.rs` | no |
//! | the same within scripts, by [`InlineMap`] | `inline_map.rs` | yes |
//! | configurations of container images | `image_config.rs` | no |
//!
//! # Hostile input
//!
//! Nothing is written to disk. No reader believes a length: what decoders yield passes a [`Budget`] that bounds bytes, ratio,
//! members and time of all that is opened within one file; windows of decoders and lengths of names are bounded by [`Limits`]
//! and constants. What is wrong with an archive goes to [`Visitor::problem`], and what could be read before is visited.

mod budget;
mod format;
mod inline_map;
mod json;
mod name;
mod reader;

pub use budget::{Budget, Limits, Stop};
pub use format::{Format, open, recognise, recognise_stream};
pub use inline_map::{INLINE_MAP, InlineMap};
pub use reader::{At, Slice};

use std::io::Read;
use std::ops::Range;

/// Bytes from the start of a source that [`recognise_stream`] wants to see.
pub const HEAD: usize = 64 << 10;

/// A member of an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Its name, `/` between its parts, free of control characters.
    pub name: String,
    /// Where its bytes lie in the archive, if they lie there as they are.
    pub stored: Option<Range<u64>>,
    /// Where in the memory of a process or device its bytes lie, if they are such memory.
    pub address: Option<u64>,
}

impl Member {
    /// A member whose bytes are not there as they are.
    pub(crate) fn unpacked(name: String) -> Self {
        Self { name, stored: None, address: None }
    }

    /// A member whose bytes lie in this range of the archive.
    pub(crate) fn stored(name: String, range: Range<u64>) -> Self {
        Self { stored: Some(range), ..Self::unpacked(name) }
    }

    /// Memory from an address on, which is its name.
    pub(crate) fn memory(address: u64) -> Self {
        Self { address: Some(address), ..Self::unpacked(format!("{address:08x}")) }
    }
}

/// Who looks at the members.
pub trait Visitor {
    /// A file in the archive. What is not read of `content` is passed over.
    ///
    /// An error while reading it means that the rest of the member cannot be had; whoever reads reports it.
    fn member(&mut self, member: &Member, content: &mut dyn Read);

    /// A member of this name is there whose contents cannot be had; why is told for all such members of an archive together.
    fn closed(&mut self, _member: &str) {}

    /// A link or device of this name is there, which has no contents.
    fn link(&mut self, _name: &str) {}

    /// Something in the archive, or in the member of this name, cannot be read.
    fn problem(&mut self, member: Option<&str>, message: String);
}

/// Where an archive is read from.
pub enum Input<'a> {
    /// At any place.
    Random(&'a dyn keysweep_image::ReadAt),
    /// From its start to its end.
    Stream(&'a mut dyn Read),
}
