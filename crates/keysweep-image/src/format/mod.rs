//! One file per format.

pub(crate) mod archive;
pub(crate) mod compressed;
pub(crate) mod elf;
pub(crate) mod elf_core;
mod elf_notes;
pub(crate) mod hprof;
pub(crate) mod lime;
pub(crate) mod macho;
pub(crate) mod minidump;
pub(crate) mod pe;
pub(crate) mod text;
pub(crate) mod windows_kernel;
