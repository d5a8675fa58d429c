//! One file per format.

pub(crate) mod elf;
pub(crate) mod elf_core;
mod elf_notes;
pub(crate) mod text;
