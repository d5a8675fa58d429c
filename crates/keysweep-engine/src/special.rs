//! Files that are not regular, or do not say how long they are: pipes, devices, sockets, and what the kernel makes up as it is
//! read.
//!
//! Below a folder none but the last kind is opened: reading may wait for ever, never end, or have effects. What the user names
//! is read if it can be, a pipe as standard input is; what cannot be read is an incident.

use crate::file::Searcher;
use crate::scan::{Sweep, reason};
use crate::source::FileSource;
use std::fs::File;
use std::io::{self, Read};
use std::panic::AssertUnwindSafe;
use std::path::Path;

/// Bytes read of a file that does not say how long it is: some of those in `/proc` have no end.
const MAX_UNSIZED: u64 = 256 << 20;
/// Seconds for somebody to open a pipe for writing.
#[cfg(unix)]
const PATIENCE: i64 = 5;

/// What a special file is read as.
enum Special {
    /// As a stream.
    Pipe(Box<dyn Read>),
    /// At any place, as a file: a block device.
    Disk(FileSource),
    /// The null device.
    Nothing,
}

impl<'s> Sweep<'s> {
    /// Reads a special file that the user named.
    pub(crate) fn special(&self, path: &Path, searcher: &mut Searcher<'s>) {
        let name = path.to_string_lossy();
        let outcome = match open(path) {
            Ok(Special::Pipe(mut pipe)) => self.guarded_stream(&name, &mut *pipe, searcher),
            Ok(Special::Disk(disk)) => return self.opened(path, &disk, searcher, 1),
            Ok(Special::Nothing) => Ok(()),
            Err(error) => Err(error),
        };
        self.conclude(&name, outcome);
    }

    /// Reads a regular file that does not say how long it is.
    pub(crate) fn unsized_file(&self, name: &str, file: File, searcher: &mut Searcher<'s>) {
        let mut input = Bounded { inner: file, left: MAX_UNSIZED };
        let outcome = self.guarded_stream(name, &mut input, searcher);
        self.conclude(name, outcome);
    }

    /// A defect in one parser must not cost the rest of the sweep, nor pass for a clean stream.
    fn guarded_stream(&self, name: &str, input: &mut dyn Read, searcher: &mut Searcher<'s>) -> io::Result<()> {
        let work = AssertUnwindSafe(|| self.stream(name, input, searcher, 1));
        std::panic::catch_unwind(work).unwrap_or_else(|_| {
            // What the searcher holds may be half done.
            *searcher = self.scanner.searcher();
            Err(io::Error::other("internal error: not searched to its end"))
        })
    }

    fn conclude(&self, name: &str, outcome: io::Result<()>) {
        match outcome {
            Ok(()) => self.progress.finished_file(),
            Err(error) => self.incident(name, reason(&error), true),
        }
    }
}

/// Reads up to so many bytes; that there are more is an error, which tells of them.
struct Bounded<R> {
    inner: R,
    left: u64,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        if read as u64 > self.left {
            self.left = 0;
            let limit = MAX_UNSIZED >> 20;
            return Err(io::Error::other(format!("does not say how long it is, and is not read beyond {limit} MiB")));
        }
        self.left -= read as u64;
        Ok(read)
    }
}

#[cfg(unix)]
fn open(path: &Path) -> io::Result<Special> {
    use std::os::unix::fs::FileTypeExt;
    let kind = std::fs::metadata(path)?.file_type();
    if kind.is_socket() {
        return Err(io::Error::other("a socket, which cannot be read"));
    }
    if kind.is_char_device() {
        // Not even opened: that alone may rewind a tape or hang up a line.
        return if is_null(path) { Ok(Special::Nothing) } else { Err(io::Error::other("a device that is not read")) };
    }
    let file = crate::source::open_without_blocking(path)?;
    if file.metadata()?.file_type().is_fifo() {
        let first = await_writer(&file)?;
        return Ok(Special::Pipe(Box::new(io::Cursor::new(first).chain(file))));
    }
    FileSource::from_file(file).map(Special::Disk)
}

#[cfg(not(unix))]
fn open(_: &Path) -> io::Result<Special> {
    Err(io::Error::other("not a regular file"))
}

/// Whether it is the device that holds nothing.
#[cfg(unix)]
fn is_null(path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let device = |path: &Path| std::fs::metadata(path).ok().map(|m| m.rdev());
    device(path).is_some_and(|given| device(Path::new("/dev/null")) == Some(given))
}

/// Waits until somebody writes to a pipe that was opened without blocking, and makes reading it block: one that has a writer is
/// waited for as standard input is. Returns what was read on the way, at most a byte.
///
/// # Errors
///
/// Nobody opens it for writing, so that nothing would ever come.
#[cfg(unix)]
fn await_writer(file: &File) -> io::Result<Vec<u8>> {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let mut wanted = [PollFd::new(file, PollFlags::IN)];
    let timeout = Timespec { tv_sec: PATIENCE, tv_nsec: 0 };
    let ready = loop {
        match poll(&mut wanted, Some(&timeout)) {
            Err(rustix::io::Errno::INTR) => {}
            outcome => break outcome?,
        }
    };
    let mut first = [0];
    let read = match rustix::io::read(file, &mut first) {
        // Without a writer it is at its end; with one that has written nothing yet, reading would block.
        Ok(0) if ready == 0 => return Err(io::Error::other("a pipe that nobody writes to")),
        Ok(read) => first[..read].to_vec(),
        Err(rustix::io::Errno::AGAIN) => Vec::new(),
        Err(error) => return Err(error.into()),
    };
    let flags = rustix::fs::fcntl_getfl(file)?;
    rustix::fs::fcntl_setfl(file, flags - rustix::fs::OFlags::NONBLOCK)?;
    Ok(read)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_end_is_read_up_to_a_bound_and_told() {
        let mut exact = Bounded { inner: io::repeat(7).take(10), left: 10 };
        assert_eq!(io::copy(&mut exact, &mut io::sink()).unwrap(), 10);
        let mut endless = Bounded { inner: io::repeat(7), left: 100_000 };
        let error = io::copy(&mut endless, &mut io::sink()).unwrap_err();
        assert!(error.to_string().contains("not read beyond"), "{error}");
    }
}
