//! Reads the files at known places, within bounds, and runs their readers.

use crate::model::Location;
use crate::readers::{self, Credential, Cursor, Input, Output};
use crate::spotter::{Spot, What};
use std::io::{self, Read};
use std::panic::AssertUnwindSafe;
use std::path::Path;
use zeroize::Zeroizing;

/// Longest file that is read as settings, in bytes.
const MAX_FILE: u64 = 64 << 20;

/// What was read at a known place.
#[derive(Default)]
pub(crate) struct Reading {
    /// The location that says most about it.
    pub(crate) location: usize,
    pub(crate) output: Output,
    /// Position and fingerprint of each open secret, in the order of the credentials.
    pub(crate) secrets: Vec<Option<Secret>>,
    /// What could not be read, and whether bytes went unseen.
    pub(crate) incidents: Vec<(String, bool)>,
}

/// Names an open secret, and tells where it is.
#[derive(Debug, Clone)]
pub(crate) struct Secret {
    pub(crate) fingerprint: String,
    pub(crate) line: Option<(u64, u64)>,
}

/// Names a secret: rule, secret, name of the file, and the text around it.
pub type Namer<'a> = &'a dyn Fn(&str, &[u8], &str, &[&[u8]]) -> String;

/// Reads what lies at a spot with the readers of its locations. The first location with a reader speaks for the file, or the
/// first of all.
pub(crate) fn read(spot: &Spot, locations: &[Location], namer: Namer<'_>) -> Reading {
    let with_reader = |index: &&usize| !locations[**index].reader.is_empty();
    let location = spot.locations.iter().find(with_reader).or(spot.locations.first()).copied().unwrap_or_default();
    let mut reading = Reading { location, ..Reading::default() };
    let Some(reader) = readers::by_name(&locations[location].reader).filter(|_| spot.what == What::File) else {
        return reading;
    };
    let bytes = match bounded_read(&spot.path) {
        Ok(bytes) => bytes,
        Err(error) => {
            // That it cannot be opened the scan has told already.
            let told = matches!(error.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::NotFound);
            if !told {
                reading.incidents.push((format!("not read as {}: {error}", locations[location].tool), true));
            }
            return reading;
        }
    };
    let beside = |name: &str| bounded_read(&spot.path.with_file_name(name)).ok().map(|bytes| bytes.to_vec());
    let path = spot.path.to_string_lossy();
    let input = Input {
        path: &path,
        bytes: &bytes,
        location: &locations[location],
        beside: &beside,
        cursor: Cursor::default(),
    };
    // A defect in one reader must not cost the rest of the sweep.
    let run = AssertUnwindSafe(|| {
        let mut output = Output::default();
        (reader.read)(&input, &mut output);
        output
    });
    match std::panic::catch_unwind(run) {
        Ok(output) => reading.output = output,
        Err(_) => reading.incidents.push(("internal error: not read as what it is".into(), true)),
    }
    if let Some(problem) = &reading.output.problem {
        reading.incidents.push((format!("{}: {problem}", locations[location].tool), true));
    }
    let mut lines = Lines::default();
    let name = |credential: &Credential| secret(credential, &input, namer, &mut lines);
    reading.secrets = reading.output.credentials.iter().map(name).collect();
    reading
}

/// Counts lines on from where it was last asked, so that many secrets of a long file cost one look at it.
#[derive(Default)]
struct Lines {
    at: usize,
    line: u64,
    begin: usize,
}

impl Lines {
    /// Line and column of a position, from 1.
    fn place(&mut self, bytes: &[u8], at: usize) -> Option<(u64, u64)> {
        if at < self.at {
            *self = Self::default();
        }
        let passed = bytes.get(self.at..at)?;
        self.line += memchr::memchr_iter(b'\n', passed).count() as u64;
        self.begin = memchr::memrchr(b'\n', passed).map_or(self.begin, |end| self.at + end + 1);
        self.at = at;
        Some((self.line + 1, (at - self.begin) as u64 + 1))
    }
}

fn secret(credential: &Credential, input: &Input<'_>, namer: Namer<'_>, lines: &mut Lines) -> Option<Secret> {
    /// Bytes around a secret that name it if it could be guessed.
    const AROUND: usize = 32;
    if credential.state != readers::State::Open {
        return None;
    }
    let file_name = input.path.rsplit(['/', '\\']).next().unwrap_or(input.path);
    let Some(span) = credential.span.clone() else {
        let context = format!("{:?} {:?}", credential.host, credential.name);
        return Some(Secret {
            fingerprint: namer(&input.location.id, b"", file_name, &[context.as_bytes()]),
            line: None,
        });
    };
    let before = &input.bytes[span.start.saturating_sub(AROUND)..span.start];
    let after = &input.bytes[span.end..(span.end + AROUND).min(input.bytes.len())];
    let fingerprint = namer(&input.location.id, &input.bytes[span.clone()], file_name, &[before, after]);
    let text = !input.bytes[..input.bytes.len().min(1024)].contains(&0);
    let line = if text { lines.place(input.bytes, span.start) } else { None };
    Some(Secret { fingerprint, line })
}

/// The first bytes of a regular file.
pub(crate) fn head(path: &Path, bytes: u64) -> io::Result<Vec<u8>> {
    let file = open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("is no regular file"));
    }
    let mut head = Vec::new();
    file.take(bytes).read_to_end(&mut head)?;
    Ok(head)
}

/// The bytes of a regular file, if it is not too long.
fn bounded_read(path: &Path) -> io::Result<Zeroizing<Vec<u8>>> {
    let file = open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(io::Error::other("is no regular file"));
    }
    if metadata.len() > MAX_FILE {
        return Err(io::Error::other(format!("is longer than {} MiB", MAX_FILE >> 20)));
    }
    let mut bytes = Zeroizing::new(Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or(0)));
    file.take(MAX_FILE).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Opens without waiting for the other end of a FIFO, and without following a link at the end of the path.
#[cfg(unix)]
fn open(path: &Path) -> io::Result<std::fs::File> {
    use std::os::unix::fs::OpenOptionsExt;
    let flags = rustix::fs::OFlags::NONBLOCK | rustix::fs::OFlags::NOCTTY | rustix::fs::OFlags::NOFOLLOW;
    std::fs::File::options().read(true).custom_flags(flags.bits() as i32).open(path)
}

#[cfg(not(unix))]
fn open(path: &Path) -> io::Result<std::fs::File> {
    std::fs::File::open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_counted_forwards_and_back() {
        let mut lines = Lines::default();
        let text = b"ab\ncd\n\nef";
        assert_eq!(lines.place(text, 4), Some((2, 2)));
        assert_eq!(lines.place(text, 8), Some((4, 2)));
        assert_eq!(lines.place(text, 1), Some((1, 2)));
        assert_eq!(lines.place(text, 99), None);
    }
}
