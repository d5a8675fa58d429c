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

/// Entries walked in one list of variable-sized records, such as the notes of an ELF core.
pub const RECORDS: usize = 1 << 20;

/// Bytes of a name (module, section, process).
pub const NAME_BYTES: usize = 4096;

/// Bytes of the start of a source that decide its format, and between text and raw bytes.
pub const HEAD_BYTES: usize = 64 << 10;
