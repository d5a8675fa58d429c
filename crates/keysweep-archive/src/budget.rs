//! What opening the archives in one file may cost, at all depths together.

use std::fmt;
use std::io::{self, Read};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Bytes that may be unpacked whatever the ratio: small files of zeros are harmless and common.
const RATIO_FREE: u64 = 1 << 30;

/// Bounds for one file.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// How deep archives in archives are opened; 0 opens none.
    pub depth: usize,
    /// Bytes unpacked, at all depths together.
    pub bytes: u64,
    /// Bytes unpacked for each byte of the file; counts from a gigabyte on.
    pub ratio: u64,
    /// Members, at all depths together.
    pub members: u64,
    /// Time.
    pub time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { depth: 8, bytes: 16 << 30, ratio: 500, members: 1_000_000, time: Duration::from_secs(1800) }
    }
}

/// Which bound was hit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// [`Limits::bytes`].
    Bytes,
    /// [`Limits::ratio`].
    Ratio,
    /// [`Limits::members`].
    Members,
    /// [`Limits::time`].
    Time,
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Stop::Bytes => "more bytes unpacked than allowed",
            Stop::Ratio => "unpacks to too many times its size",
            Stop::Members => "more members than are looked at",
            Stop::Time => "unpacking takes too long",
        })
    }
}

/// What was spent so far on one file, by all threads that work on it.
#[derive(Debug)]
pub struct Budget {
    limits: Limits,
    /// Most bytes, by size and ratio, and which of both is the smaller.
    most: (u64, Stop),
    bytes: AtomicU64,
    members: AtomicU64,
    begin: Instant,
    stop: OnceLock<Stop>,
}

impl Budget {
    /// For a file of `len` bytes.
    pub fn new(limits: Limits, len: u64) -> Self {
        let by_ratio = len.saturating_mul(limits.ratio).max(RATIO_FREE);
        let most = if by_ratio < limits.bytes { (by_ratio, Stop::Ratio) } else { (limits.bytes, Stop::Bytes) };
        Self {
            limits,
            most,
            bytes: AtomicU64::new(0),
            members: AtomicU64::new(0),
            begin: Instant::now(),
            stop: OnceLock::new(),
        }
    }

    /// The bounds.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// The bound that was hit, after which nothing more is read.
    pub fn stopped(&self) -> Option<Stop> {
        self.stop.get().copied()
    }

    /// Bytes unpacked so far.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    fn halt(&self, stop: Stop) -> io::Error {
        io::Error::other(self.stop.get_or_init(|| stop).to_string())
    }

    /// Counts unpacked bytes.
    ///
    /// # Errors
    ///
    /// There are more than allowed.
    pub fn take(&self, bytes: u64) -> io::Result<()> {
        let add = |spent: u64| Some(spent.saturating_add(bytes));
        let before = self.bytes.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add).unwrap_or(u64::MAX);
        if let Some(stop) = self.stopped() {
            return Err(self.halt(stop));
        }
        if before.saturating_add(bytes) > self.most.0 {
            return Err(self.halt(self.most.1));
        }
        if self.begin.elapsed() > self.limits.time {
            return Err(self.halt(Stop::Time));
        }
        Ok(())
    }

    /// Counts a member; `false` if no more are looked at.
    pub fn member(&self) -> bool {
        if self.members.fetch_add(1, Ordering::Relaxed) >= self.limits.members {
            self.halt(Stop::Members);
        }
        self.stopped().is_none()
    }
}

/// Counts what a decoder yields.
pub(crate) struct Metered<'a, R> {
    pub(crate) inner: R,
    pub(crate) budget: &'a Budget,
}

impl<R: Read> Read for Metered<'_, R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if let Some(stop) = self.budget.stopped() {
            return Err(self.budget.halt(stop));
        }
        let count = self.inner.read(buf)?;
        self.budget.take(count as u64)?;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smaller_of_size_and_ratio_counts() {
        let limits = Limits { bytes: 2 << 30, ratio: 10, ..Limits::default() };
        let small = Budget::new(limits, 100);
        assert!(small.take(1 << 30).is_ok() && small.take(1).is_err());
        assert_eq!(small.stopped(), Some(Stop::Ratio));
        let large = Budget::new(limits, 1 << 30);
        assert!(large.take(2 << 30).is_ok() && large.take(1).is_err());
        assert_eq!(large.stopped(), Some(Stop::Bytes));
    }

    #[test]
    fn after_a_stop_nothing_more_is_read() {
        let budget = Budget::new(Limits { members: 1, ..Limits::default() }, 1);
        assert!(budget.member() && !budget.member());
        let mut reader = Metered { inner: std::io::repeat(1), budget: &budget };
        assert!(reader.read(&mut [0; 8]).is_err());
        assert_eq!(budget.stopped(), Some(Stop::Members));
    }
}
