//! Where bytes come from: files read at offsets, without mapping them.
//!
//! `pread` rather than a memory map: a file that shrinks while it is scanned is a short read, not a fatal signal, and
//! the resident set stays the size of the buffers.

use keysweep_image::ReadAt;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::path::Path;

/// A regular file, read at offsets.
pub(crate) struct FileSource {
    file: File,
    len: u64,
    /// Whether it takes less room than its length, so that it has holes.
    sparse: bool,
}

impl FileSource {
    /// Opens `path` if it is a regular file.
    ///
    /// # Errors
    ///
    /// The file cannot be opened, or is no regular file: a FIFO put in its place does not block the scan.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        Self::from_file(open_without_blocking(path)?)
    }

    /// Wraps an open file.
    ///
    /// # Errors
    ///
    /// It is no regular file.
    pub(crate) fn from_file(file: File) -> io::Result<Self> {
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            return Err(io::Error::other("not a regular file"));
        }
        Ok(Self { len: metadata.len(), sparse: is_sparse(&metadata), file })
    }
}

#[cfg(unix)]
fn open_without_blocking(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    let flags = rustix::fs::OFlags::NONBLOCK | rustix::fs::OFlags::NOCTTY;
    File::options().read(true).custom_flags(flags.bits() as i32).open(path)
}

#[cfg(not(unix))]
fn open_without_blocking(path: &Path) -> io::Result<File> {
    File::open(path)
}

#[cfg(target_os = "linux")]
fn is_sparse(metadata: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    metadata.blocks().saturating_mul(512) < metadata.len()
}

/// Holes shorter than this are read: to leave out each would cost more.
const MIN_HOLE: u64 = 64 << 10;
/// Zeros before the bytes after a hole that are searched, too: a literal in UTF-16 may begin with one.
const BEFORE: u64 = 4 << 10;
/// Extents of one file. One that has more is read as a whole.
const MAX_EXTENTS: usize = 1 << 20;

#[cfg(target_os = "linux")]
impl FileSource {
    /// The extents of a sparse file: `SEEK_DATA` and `SEEK_HOLE` of lseek(2). `None` if they cannot be told.
    fn data(&self) -> Option<Vec<Range<u64>>> {
        use rustix::fs::{SeekFrom, seek};
        let mut extents: Vec<Range<u64>> = Vec::new();
        let mut at = 0;
        while at < self.len {
            let start = match seek(&self.file, SeekFrom::Data(at)) {
                Ok(start) => start.min(self.len),
                Err(rustix::io::Errno::NXIO) => break, // Nothing but a hole is left.
                Err(_) => return None,
            };
            at = seek(&self.file, SeekFrom::Hole(start)).ok()?.min(self.len);
            let from = start.saturating_sub(BEFORE);
            if at <= start || extents.len() >= MAX_EXTENTS {
                return None; // The file changes, or has no end of holes.
            }
            match extents.last_mut().filter(|last| from <= last.end + MIN_HOLE) {
                Some(last) => last.end = at,
                None => extents.push(from..at),
            }
        }
        Some(extents)
    }
}

#[cfg(not(target_os = "linux"))]
fn is_sparse(_: &std::fs::Metadata) -> bool {
    false
}

#[cfg(not(target_os = "linux"))]
impl FileSource {
    fn data(&self) -> Option<Vec<Range<u64>>> {
        None
    }
}

impl ReadAt for FileSource {
    fn extents(&self) -> Vec<Range<u64>> {
        let data = if self.sparse { self.data() } else { None };
        data.unwrap_or_else(|| std::iter::once(0..self.len).collect())
    }

    fn len(&self) -> u64 {
        self.len
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0;
        while filled < buf.len() {
            match read_once(&self.file, offset + filled as u64, &mut buf[filled..]) {
                Ok(0) => break,
                Ok(n) => filled += n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        Ok(filled)
    }
}

#[cfg(unix)]
fn read_once(file: &File, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, buf, offset)
}

#[cfg(windows)]
fn read_once(file: &File, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, buf, offset)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_at_offsets_and_short_at_the_end() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        std::fs::write(&path, b"0123456789").unwrap();
        let source = FileSource::open(&path).unwrap();
        let mut buf = [0; 4];
        assert_eq!((source.len(), source.read_at(3, &mut buf).unwrap(), &buf), (10, 4, b"3456"));
        assert_eq!(source.read_at(8, &mut buf).unwrap(), 2);
        assert_eq!(source.read_at(50, &mut buf).unwrap(), 0);
    }

    #[test]
    fn holes_are_no_extents() {
        use std::io::{Seek, SeekFrom, Write};
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        let mut file = File::create(&path).unwrap();
        let written = [3 << 20, 9 << 30, 1 << 40];
        for at in written {
            file.seek(SeekFrom::Start(at)).unwrap();
            file.write_all(&[1; 5000]).unwrap();
        }
        file.set_len(3 << 40).unwrap();
        let source = FileSource::open(&path).unwrap();
        let extents = source.extents();
        if extents.len() == 1 {
            return eprintln!("skipped: no sparse files here");
        }
        assert!(extents.windows(2).all(|pair| pair[0].end < pair[1].start), "{extents:?}");
        let has = |at: &u64| extents.iter().any(|extent| extent.start < *at && extent.end >= at + 5000);
        assert!(written.iter().all(has), "{extents:?}");
        assert!(extents.iter().map(|extent| extent.end - extent.start).sum::<u64>() < 1 << 20, "{extents:?}");
        std::fs::write(&path, [1; 100_000]).unwrap();
        assert_eq!(FileSource::open(&path).unwrap().extents().first(), Some(&(0..100_000)));
    }

    #[test]
    fn directories_are_no_sources() {
        assert!(FileSource::open(tempfile::tempdir().unwrap().path()).is_err());
    }
}
