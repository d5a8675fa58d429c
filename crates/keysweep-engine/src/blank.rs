//! Long stretches of zeros: half of most dumps, and more of those of runtimes that reserve a heap. They are seen when the
//! literals are looked for, and need not be read again for keys as numbers.

use keysweep_image::complement;
use keysweep_match::is_zero;
use std::ops::Range;

/// Bytes that are judged at a time.
const PAGE: usize = 4096;
/// Shortest stretch that is worth being left out, in bytes. What touches the end of a chunk may go on in the next one.
const SHORTEST: u64 = 64 << 10;

/// The stretches of zeros in a chunk: whole pages, counted from its start.
pub(crate) fn stretches(bytes: &[u8]) -> Vec<Range<u64>> {
    let mut all: Vec<Range<u64>> = Vec::new();
    let mut at = 0;
    for page in bytes.chunks(PAGE) {
        let end = at + page.len() as u64;
        if is_zero(page) {
            match all.last_mut().filter(|last| last.end == at) {
                Some(last) => last.end = end,
                None => all.push(at..end),
            }
        } else {
            all.pop_if(|last| last.end == at && last.start > 0 && last.end - last.start < SHORTEST);
        }
        at = end;
    }
    all
}

/// What must be looked at of `len` bytes in which these stretches are `blank`: all but the long ones, of which a page of zeros
/// is left at each side. In order and apart.
pub(crate) fn written(len: u64, blank: &[Range<u64>]) -> Vec<Range<u64>> {
    let mut blank = blank.to_vec();
    blank.sort_unstable_by_key(|range| range.start);
    blank.dedup_by(|next, last| {
        let adjacent = next.start <= last.end;
        if adjacent {
            last.end = last.end.max(next.end);
        }
        adjacent
    });
    let long = blank.iter().filter(|range| range.end - range.start >= SHORTEST);
    complement(len, long.map(|range| range.start + PAGE as u64..range.end - PAGE as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A source of pages that are zero where the bits are, and what is left of it as pages.
    fn source(bits: u64) -> (Vec<u8>, Vec<bool>) {
        let zero: Vec<bool> = (0..64).map(|page| bits >> page & 1 == 1).collect();
        let bytes = zero.iter().flat_map(|zero| [if *zero { 0 } else { 7 }; PAGE]).collect();
        (bytes, zero)
    }

    fn all_pages(ranges: &[Range<u64>]) -> Vec<bool> {
        let mut pages = vec![false; 64];
        for range in ranges {
            let (start, end) = (range.start as usize, range.end as usize);
            assert!(start < end && start % PAGE == 0 && end % PAGE == 0);
            pages[start / PAGE..end / PAGE].iter_mut().for_each(|page| *page = true);
        }
        pages
    }

    #[test]
    fn only_what_is_amid_many_zeros_is_left_out() {
        for bits in
            [0, u64::MAX, 0xffff << 8, 0x7fff << 8, 0xffff, 0x7fff, 0xffff << 48, 0x3ff_ffff_ff00, !0xff_ffff, 0xff]
        {
            let (bytes, zero) = source(bits);
            let all = 64 * PAGE as u64;
            for chunk in [64, 16, 8, 1].map(|pages| pages * PAGE) {
                let mut seen = Vec::new();
                for (index, bytes) in bytes.chunks(chunk).enumerate() {
                    let blank = stretches(bytes);
                    let offset = (index * chunk) as u64;
                    seen.extend(blank.iter().map(|r| offset + r.start..offset + r.end));
                    let here = all_pages(&super::written(bytes.len() as u64, &blank));
                    let written = &zero[index * chunk / PAGE..][..chunk / PAGE];
                    // Nothing but zeros is left out, and the page before what is not zero is not.
                    for (page, looked_at) in here.iter().take(written.len()).enumerate() {
                        let near = !written[page] || written.get(page + 1) == Some(&false);
                        assert!(*looked_at || !near, "{bits:x} {chunk} {page}");
                    }
                }
                seen.reverse();
                let pages = all_pages(&super::written(all, &seen));
                for (page, kept) in pages.iter().enumerate() {
                    let near = zero[page.max(1) - 1..(page + 2).min(64)].contains(&false);
                    assert!(*kept || !near, "{bits:x} {chunk} {page}");
                }
                let left_out = pages.iter().filter(|page| !**page).count();
                let longest = zero.split(|zero| !zero).map(<[bool]>::len).max().unwrap_or(0);
                assert_eq!(left_out, if longest >= 16 { longest - 2 } else { 0 }, "{bits:x} {chunk}");
            }
        }
    }
}
