//! Where bytes come from: files read at offsets, without mapping them.
//!
//! `pread` rather than a memory map: a file that shrinks while it is scanned is a short read, not a fatal signal, and
//! the resident set stays the size of the buffers.

use keysweep_image::ReadAt;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

/// A regular file or a disk, read at offsets.
pub(crate) struct FileSource {
    file: File,
    len: u64,
    /// Whether it takes less room than its length, so that it has holes.
    sparse: bool,
    /// When it was last written to, as of when it was opened.
    written: Option<SystemTime>,
    /// Whether there was less to read than its length says.
    short: AtomicBool,
}

/// What became of a file while it was read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// Bytes that it had when it was opened were gone before they were read.
    Shrunk,
    /// It has more bytes than it had when it was opened.
    Grown,
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
    /// It is no regular file, and no disk.
    pub(crate) fn from_file(file: File) -> io::Result<Self> {
        let metadata = file.metadata()?;
        let (len, sparse) = match metadata.is_file() {
            true => (metadata.len(), is_sparse(&metadata)),
            false => (disk_len(&file, &metadata)?, false),
        };
        Ok(Self { len, sparse, written: metadata.modified().ok(), short: AtomicBool::new(false), file })
    }

    /// Whether there are bytes in it although it says it has none, as files do that the kernel makes up when they are read.
    ///
    /// # Errors
    ///
    /// It cannot be read.
    pub(crate) fn is_unsized(&self) -> io::Result<bool> {
        Ok(self.len == 0 && read_once(&self.file, 0, &mut [0])? > 0)
    }

    /// The file, to be read from its beginning.
    pub(crate) fn into_file(self) -> File {
        self.file
    }

    /// What became of the file since it was opened, as far as that matters for what was read of it.
    pub(crate) fn change(&self) -> Option<Change> {
        let now = self.file.metadata().ok().filter(std::fs::Metadata::is_file)?;
        // Files of the kernel may always have less to read than they say.
        if self.short.load(Ordering::Relaxed) && (now.len() != self.len || now.modified().ok() != self.written) {
            return Some(Change::Shrunk);
        }
        (now.len() > self.len).then_some(Change::Grown)
    }
}

/// The length of a disk, which only its end tells.
#[cfg(unix)]
fn disk_len(mut file: &File, metadata: &std::fs::Metadata) -> io::Result<u64> {
    use std::os::unix::fs::FileTypeExt;
    match metadata.file_type().is_block_device() {
        true => io::Seek::seek(&mut file, io::SeekFrom::End(0)),
        false => Err(io::Error::other("not a regular file")),
    }
}

#[cfg(not(unix))]
fn disk_len(_: &File, _: &std::fs::Metadata) -> io::Result<u64> {
    Err(io::Error::other("not a regular file"))
}

#[cfg(unix)]
pub(crate) fn open_without_blocking(path: &Path) -> io::Result<File> {
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
        if filled < buf.len() && offset.saturating_add(filled as u64) < self.len {
            self.short.store(true, Ordering::Relaxed);
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
    fn tells_what_became_of_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        std::fs::write(&path, [7; 100]).unwrap();
        let source = FileSource::open(&path).unwrap();
        let mut buf = [0; 100];
        assert_eq!((source.read_at(0, &mut buf).unwrap(), source.change()), (100, None));
        let file = File::options().write(true).open(&path).unwrap();
        file.set_len(101).unwrap();
        assert_eq!(source.change(), Some(Change::Grown));
        file.set_len(50).unwrap();
        assert_eq!(source.change(), None, "all of it had been read");
        assert_eq!((source.read_at(0, &mut buf).unwrap(), source.change()), (50, Some(Change::Shrunk)));
        file.set_len(200).unwrap();
        assert_eq!(source.change(), Some(Change::Shrunk), "what was lost stays unread");
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_file_that_says_it_is_empty_may_not_be() {
        assert!(FileSource::open(Path::new("/proc/self/environ")).unwrap().is_unsized().unwrap());
        let empty = tempfile::NamedTempFile::new().unwrap();
        assert!(!FileSource::open(empty.path()).unwrap().is_unsized().unwrap());
    }

    #[test]
    fn directories_are_no_sources() {
        assert!(FileSource::open(tempfile::tempdir().unwrap().path()).is_err());
    }
}
