//! Where bytes come from: files read at offsets, without mapping them.
//!
//! `pread` rather than a memory map: a file that shrinks while it is scanned is a short read, not a fatal signal, and
//! the resident set stays the size of the buffers.

use keysweep_image::ReadAt;
use std::fs::File;
use std::io;
use std::path::Path;

/// A regular file, read at offsets.
pub(crate) struct FileSource {
    file: File,
    len: u64,
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
        Ok(Self { len: metadata.len(), file })
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

impl ReadAt for FileSource {
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
    fn directories_are_no_sources() {
        assert!(FileSource::open(tempfile::tempdir().unwrap().path()).is_err());
    }
}
