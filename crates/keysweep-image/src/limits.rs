//! The bounds that keep recognition small and quick on any input. Reaching one leaves a warning of kind
//! [`Limit`](crate::WarningKind::Limit); the bytes beyond it are still there to be scanned, they only have no address.

/// Regions kept of one image. At 64 bytes each they take at most 32 MiB.
pub const REGIONS: usize = 1 << 19;

/// Modules kept of one image.
pub const MODULES: usize = 1 << 16;

/// Warnings kept of one image; the last place says that there were more.
pub const WARNINGS: usize = 32;

/// Bytes of one table or note that are held in memory at once.
pub const TABLE_BYTES: u64 = 8 << 20;

/// Records of variable size walked in one image, such as the notes of an ELF core.
pub const RECORDS: usize = 1 << 20;

/// Bytes of a path or command line.
pub const NAME_BYTES: usize = 4096;

/// Bytes of the name of a section or of a member of an archive.
pub const LABEL_BYTES: usize = 256;

/// Bytes of all labels and module names of one image together.
pub const ALL_NAMES_BYTES: usize = 16 << 20;

/// Bytes of a note about a process or thread.
pub const NOTE_BYTES: u64 = 64 << 10;

/// Bytes of the start of a source that decide its format, and between text and raw bytes.
pub const HEAD_BYTES: usize = 64 << 10;
