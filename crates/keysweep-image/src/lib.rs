//! What are these bytes, and which memory or file part does each of them belong to?
//!
//! [`recognise`] looks at the start of a source, reads the tables that its format describes and returns an [`Image`]:
//! the format, the crashed [`Process`], the loaded [`Module`]s and the [`Region`]s. A region maps a range of the
//! *file* to what it was: heap, stack, a section, a module, and the virtual or physical *address* it had. The crate
//! never reads contents, so it does not matter whether a dump has a megabyte or a terabyte: whoever scans the bytes
//! asks [`Image::place`] for the coordinates of what it found, and [`Image::read_address`] to follow a pointer.
//!
//! # Formats
//!
//! Each format is one file in `format/` and one line in the table [`recognise`] walks:
//!
//! | format | file | regions |
//! |---|---|---|
//! | ELF core, vmcore | `elf_core.rs` | `PT_LOAD` segments, labelled from the notes |
//! | ELF | `elf.rs` | sections, or segments where the section table is stripped; overlay |
//! | minidump | `minidump.rs` | the memory lists, labelled by threads and modules |
//! | Windows kernel dump | `windows_kernel.rs` | runs of physical pages |
//! | PE | `pe.rs` | sections, certificate table, overlay |
//! | Mach-O, fat, core | `macho.rs` | sections, or segments; overlay |
//! | LiME | `lime.rs` | ranges of physical memory |
//! | HPROF | `hprof.rs` | the contents |
//! | compressed kernel dumps, also flattened | `paged/` | runs of physical pages, unpacked when they are read ([`open`]) |
//! | compressed images of AVML | `paged/` | the same |
//! | other compressed dumps | `compressed.rs` | none, and a warning that the memory is not visible |
//! | `ar` | `archive.rs` | members |
//! | text | `text.rs` | none |
//!
//! # Hostile input
//!
//! Recognition never fails, never panics and never believes a length: what the headers claim is cut at the end of the
//! file and at the limits in [`limits`], and each cut leaves a [`Warning`].

mod builder;
mod fields;
mod format;
mod image;
pub mod limits;
mod paged;
mod process;
mod read;
mod recognise;

pub use image::{Format, Image, Label, Module, Permissions, Place, Region, Warning, WarningKind};
pub use paged::{Opened, is_packed, open};
pub use process::Process;
pub use read::{ReadAt, complement, intersect, read_into};
pub use recognise::{detect, memory, recognise};
