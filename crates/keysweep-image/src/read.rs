//! Bounded random access to a source.

use std::io;
use std::ops::Range;

/// Random access to the bytes of a source.
pub trait ReadAt: Sync {
    /// The size of the source in bytes.
    fn len(&self) -> u64;

    /// Reads bytes at `offset` into `buf` and returns how many; 0 at or after the end. May return fewer than asked.
    ///
    /// # Errors
    /// What the underlying source reports.
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize>;

    /// All bytes at once, for a source that lies in memory anyway.
    fn as_slice(&self) -> Option<&[u8]> {
        None
    }

    /// The parts that may hold other bytes than zeros, in order and apart: all but the holes of a sparse file.
    fn extents(&self) -> Vec<Range<u64>> {
        std::iter::once(0..self.len()).collect()
    }

    /// Whether the source holds no byte.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl ReadAt for [u8] {
    fn len(&self) -> u64 {
        <[u8]>::len(self) as u64
    }

    fn as_slice(&self) -> Option<&[u8]> {
        Some(self)
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        let tail = usize::try_from(offset).ok().and_then(|start| self.get(start..)).unwrap_or_default();
        let count = tail.len().min(buf.len());
        if let (Some(to), Some(from)) = (buf.get_mut(..count), tail.get(..count)) {
            to.copy_from_slice(from);
        }
        Ok(count)
    }
}

impl ReadAt for Vec<u8> {
    fn len(&self) -> u64 {
        self[..].len() as u64
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        self[..].read_at(offset, buf)
    }

    fn as_slice(&self) -> Option<&[u8]> {
        Some(self)
    }
}

impl<T: ReadAt + ?Sized> ReadAt for &T {
    fn len(&self) -> u64 {
        (**self).len()
    }

    fn as_slice(&self) -> Option<&[u8]> {
        (**self).as_slice()
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        (**self).read_at(offset, buf)
    }

    fn extents(&self) -> Vec<Range<u64>> {
        (**self).extents()
    }
}

/// What of `ranges` lies in `extents`; both are in order and apart.
pub fn intersect(ranges: &[Range<u64>], extents: &[Range<u64>]) -> Vec<Range<u64>> {
    let mut both = Vec::new();
    let mut first = 0;
    for range in ranges {
        // Extents that end before this range end before the next one, too.
        first += extents[first..].partition_point(|extent| extent.end <= range.start);
        let here = extents[first..].iter().take_while(|extent| extent.start < range.end);
        both.extend(here.map(|extent| extent.start.max(range.start)..extent.end.min(range.end)));
    }
    both
}

/// What of a source of `len` bytes is in none of `cuts`, which are in the order of their starts and may overlap.
pub fn complement(len: u64, cuts: impl IntoIterator<Item = Range<u64>>) -> Vec<Range<u64>> {
    let mut rest = Vec::new();
    let mut at = 0;
    for cut in cuts {
        if cut.start > at {
            rest.push(at..cut.start);
        }
        at = at.max(cut.end);
    }
    if at < len {
        rest.push(at..len);
    }
    rest
}

/// Fills as much of `buf` as the source has at `offset`; an error ends the reading like the end of the source does.
pub fn read_into(src: &dyn ReadAt, offset: u64, buf: &mut [u8]) -> usize {
    let mut done = 0;
    while let Some(rest) = buf.get_mut(done..).filter(|rest| !rest.is_empty()) {
        let Some(at) = offset.checked_add(done as u64) else { break };
        let asked = rest.len();
        match src.read_at(at, rest) {
            Ok(0) => break,
            Ok(count) => done += count.min(asked),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => break,
        }
    }
    done
}

/// Up to `len` bytes at `offset`, fewer at the end of the source. The allocation is bounded by the source's size, so a
/// lying `len` costs nothing; callers bound it further.
pub(crate) fn read_vec(src: &dyn ReadAt, offset: u64, len: u64) -> Vec<u8> {
    let available = src.len().saturating_sub(offset).min(len);
    let mut buf = vec![0; usize::try_from(available).unwrap_or(0)];
    let count = read_into(src, offset, &mut buf);
    buf.truncate(count);
    buf
}

/// Calls `each` with the index and the bytes of every entry of a table of `count` entries of `entry` bytes, holding
/// only a small part of it in memory. Stops at the end of the source, or when `each` returns false.
/// Returns how many entries were there to be read.
pub(crate) fn read_table(
    src: &dyn ReadAt,
    offset: u64,
    entry: usize,
    count: u64,
    mut each: impl FnMut(u64, &[u8]) -> bool,
) -> u64 {
    if entry == 0 {
        return 0;
    }
    let per_block = (64 << 10) / entry as u64 + 1;
    let mut index = 0;
    while index < count {
        let wanted = per_block.min(count - index);
        let start = index.checked_mul(entry as u64).and_then(|skip| offset.checked_add(skip));
        let Some(start) = start else { break };
        let block = read_vec(src, start, wanted.saturating_mul(entry as u64));
        for bytes in block.chunks_exact(entry) {
            index += 1;
            if !each(index - 1, bytes) {
                return index;
            }
        }
        if (block.len() as u64) < wanted.saturating_mul(entry as u64) {
            break;
        }
    }
    index
}

#[cfg(test)]
#[allow(clippy::single_range_in_vec_init)] // Lists of ranges are meant.
mod tests {
    use super::*;

    #[test]
    fn what_is_left_lies_between_the_cuts() {
        assert_eq!(complement(10, []), [0..10]);
        assert_eq!(complement(10, [0..2, 4..6, 5..7, 4..5, 9..10]), [2..4, 7..9]);
        assert_eq!(complement(10, [3..12]), [0..3]);
        assert_eq!(complement(0, []), []);
    }

    #[test]
    fn ranges_are_cut_by_extents() {
        let cut = |ranges: &[Range<u64>], extents: &[Range<u64>]| intersect(ranges, extents);
        assert_eq!(cut(&[0..10, 20..30], &[0..100]), [0..10, 20..30]);
        assert_eq!(cut(&[0..10, 20..30], &[2..4, 6..22, 24..25, 29..50]), [2..4, 6..10, 20..22, 24..25, 29..30]);
        assert_eq!(cut(&[0..10], &[]), []);
        assert_eq!(cut(&[], &[0..10]), []);
        assert_eq!(cut(&[5..10], &[0..5, 10..11]), []);
        // As bit by bit, for all ranges of few numbers.
        for a in 0..1u32 << 8 {
            for b in 0..1u32 << 8 {
                let ranges = |bits: u32| -> Vec<Range<u64>> {
                    let mut all: Vec<Range<u64>> = Vec::new();
                    for at in (0..8).filter(|at| bits >> at & 1 == 1) {
                        match all.last_mut().filter(|last| last.end == at) {
                            Some(last) => last.end += 1,
                            None => all.push(at..at + 1),
                        }
                    }
                    all
                };
                assert_eq!(cut(&ranges(a), &ranges(b)), ranges(a & b), "{a:b} {b:b}");
            }
        }
    }
}
