//! The windows of a chunk that could be a number drawn at random.

use super::Step;
use crate::memory::Chunk;
use crate::noise;
use std::ops::Range;

/// The windows of a chunk.
pub(super) struct Windows<'a> {
    pub(super) chunk: &'a Chunk<'a>,
    pub(super) step: usize,
    /// Number of words before each word of the chunk that may belong to a number drawn at random.
    alive: Vec<u32>,
    /// What the bytes before each half word amount to.
    sums: Vec<noise::Sum>,
}

/// Bytes of half a word.
const HALF: usize = 4;

impl<'a> Windows<'a> {
    pub(super) fn new(chunk: &'a Chunk<'a>, step: Step) -> Self {
        let words = chunk.bytes.chunks_exact(8);
        let mut alive = Vec::with_capacity(words.len() + 1);
        let mut count = 0;
        alive.push(0);
        alive.extend(words.map(|word| {
            count += u32::from(may_be_random(u64::from_le_bytes(word.try_into().unwrap_or_default())));
            count
        }));
        let mut sum = noise::Sum::default();
        let mut sums = Vec::with_capacity(chunk.bytes.len() / HALF + 1);
        sums.push(sum);
        sums.extend(chunk.bytes.as_chunks::<HALF>().0.iter().map(|half| {
            sum.add(half);
            sum
        }));
        Self { chunk, step: step.bytes(), alive, sums }
    }

    /// The places at which a window of `len` bytes begins whose whole words, but for one, may all belong to a number drawn at
    /// random.
    pub(super) fn of_len(&self, len: usize) -> impl Iterator<Item = usize> + '_ {
        self.spans(len).flat_map(move |span| span.step_by(self.step))
    }

    /// The same as ranges, each within a word of eight bytes and beginning with it.
    fn spans(&self, len: usize) -> impl Iterator<Item = Range<usize>> + '_ {
        let Range { start, end } = self.chunk.own;
        let (whole, last_start) = (len / 8, (self.chunk.bytes.len() + 1).saturating_sub(len));
        (start / 8..end.div_ceil(8)).filter_map(move |word| {
            // A window that begins inside of this word has one whole word less.
            let last = (word + whole).min(self.alive.len() - 1);
            let alive = (self.alive[last] - self.alive[word.min(last)]) as usize;
            let starts = 8 * word..(8 * word + 8).min(end).min(last_start);
            (alive + 2 > whole && !starts.is_empty()).then_some(starts)
        })
    }

    /// The places at which a window of `len` bytes begins that looks random by its words and by what bytes are frequent in it.
    pub(super) fn light(&self, len: usize) -> impl Iterator<Item = usize> + '_ {
        let scale = Scale::new(len);
        self.of_len(len).filter(move |at| self.is_light(&scale, *at))
    }

    /// Whether a window has as few bytes as random ones of those that are frequent in code, tables and text, by the whole half words
    /// in it. One in 300,000 random windows has more.
    #[inline]
    fn is_light(&self, scale: &Scale, at: usize) -> bool {
        let (from, to) = scale.halves(at);
        match (self.sums.get(from), self.sums.get(to)) {
            (Some(before), Some(all)) => scale.allows(all.since(*before), to - from),
            _ => true,
        }
    }

    /// Calls `visit` for the places at which a window of `len` bytes begins that is a row of digits of so many bits, in `size` bytes
    /// each, the first of them odd.
    pub(super) fn digits(&self, len: usize, bits: u8, size: usize, visit: &mut impl FnMut(usize)) {
        let spare = 8 * size - usize::from(bits);
        let too_large = |digit: &[u8]| usize::from(digit[size - 1]) >> (8 - spare) != 0;
        // For each place of a window in a digit, where the last digit that is too large ends.
        let mut ends = [0; 8];
        for span in self.spans(len) {
            for at in span.step_by(self.step) {
                // Digits lie in words of 4 or 8 bytes.
                let end = &mut ends[at & (size - 1) & 7];
                if at < *end {
                    continue;
                }
                let bytes = self.bytes(at, len);
                match bytes.chunks_exact(size).rposition(too_large) {
                    Some(digit) => *end = at + size * (digit + 1),
                    None if bytes[0] & 1 == 1 => visit(at),
                    None => {}
                }
            }
        }
    }

    /// Calls `visit` for the places at which a window of `len` bytes, from 32 to 63, begins that looks random: more than by its single
    /// words, as [`looks_random`](crate::survey::looks_random) has it, and by what bytes are frequent in it.
    pub(super) fn random(&self, len: usize, visit: &mut impl FnMut(usize)) {
        let mut content = Content::default();
        let mut next = usize::MAX;
        let scale = Scale::new(len);
        for span in self.spans(len) {
            for at in span {
                if !self.is_light(&scale, at) {
                    continue;
                }
                if at == next {
                    content.slide(self.chunk.bytes[at - 1], self.chunk.bytes[at + len - 1]);
                } else {
                    content = Content::of(self.bytes(at, len));
                }
                next = at + 1;
                if at.is_multiple_of(self.step) && content.looks_random(len) {
                    visit(at);
                }
            }
        }
    }

    pub(super) fn bytes(&self, at: usize, len: usize) -> &'a [u8] {
        &self.chunk.bytes[at..at + len]
    }

    pub(super) fn offset(&self, at: usize) -> u64 {
        self.chunk.offset + at as u64
    }
}

/// By what windows of one length are judged.
struct Scale {
    len: usize,
    /// Bytes at each end that are left out.
    spare: usize,
    /// The most whole half words that there are in a window.
    halves: usize,
    /// What so many, and one less, may amount to at most.
    most: [noise::Sum; 2],
}

impl Scale {
    fn new(len: usize) -> Self {
        // Of P-521, the most significant bytes are nearly empty.
        let spare = if len.is_multiple_of(8) { 0 } else { HALF };
        let mut scale = Self { len, spare, halves: 0, most: Default::default() };
        let count = |(from, to): (usize, usize)| to - from;
        scale.halves = (0..HALF).map(|at| count(scale.halves(at))).max().unwrap_or(0);
        scale.most = [0, 1].map(|less| noise::Sum::most(HALF * scale.halves.saturating_sub(less)));
        scale
    }

    /// The half words of a window.
    #[inline]
    fn halves(&self, at: usize) -> (usize, usize) {
        let from = (at + self.spare).div_ceil(HALF);
        (from, from.max((at + self.len - self.spare) / HALF))
    }

    #[inline]
    fn allows(&self, sum: noise::Sum, halves: usize) -> bool {
        sum.is_within(self.most[usize::from(halves < self.halves)])
    }
}

/// What bytes are in a window that slides.
struct Content {
    counts: [u8; 256],
    distinct: u32,
    text: u32,
}

impl Default for Content {
    fn default() -> Self {
        Self { counts: [0; 256], distinct: 0, text: 0 }
    }
}

impl Content {
    fn of(bytes: &[u8]) -> Self {
        let mut content = Self::default();
        bytes.iter().for_each(|byte| content.enter(*byte));
        content
    }

    fn enter(&mut self, byte: u8) {
        let count = &mut self.counts[usize::from(byte)];
        self.distinct += u32::from(*count == 0);
        *count += 1;
        self.text += u32::from(is_text(byte));
    }

    fn slide(&mut self, out: u8, into: u8) {
        let count = &mut self.counts[usize::from(out)];
        *count -= 1;
        self.distinct -= u32::from(*count == 0);
        self.text -= u32::from(is_text(out));
        self.enter(into);
    }

    fn looks_random(&self, len: usize) -> bool {
        self.distinct >= 21 && (self.text as usize) < len * 9 / 10
    }
}

fn is_text(byte: u8) -> bool {
    (0x20..0x7f).contains(&byte)
}

/// Whether a word may belong to a number drawn at random: false for one in 40,000 that does.
fn may_be_random(word: u64) -> bool {
    let low = 0x7f7f_7f7f_7f7f_7f7f;
    let zeros = |word: u64| (!(((word & low) + low) | word) & !low).count_ones();
    zeros(word) + zeros(!word) < 3
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::survey::looks_random;

    #[test]
    fn random_windows_are_light_but_for_a_few() {
        let bytes: Vec<u8> = crate::curve::random_numbers(4).flat_map(u64::to_le_bytes).take(400_000).collect();
        let chunk = Chunk { bytes: &bytes, own: 0..bytes.len(), offset: 0 };
        let windows = Windows::new(&chunk, Step::Bytes);
        for len in [32, 48, 64, 66, 67, 128, 129, 256, 512] {
            let scale = Scale::new(len);
            let heavy = windows.of_len(len).filter(|at| !windows.is_light(&scale, *at)).count();
            // Neighbours share most of their bytes.
            assert!(heavy <= 8, "{len}: {heavy}");
            for at in 0..HALF {
                let (from, to) = scale.halves(at);
                assert!((scale.halves - 1..=scale.halves).contains(&(to - from)), "{len} {at}");
            }
        }
        // Text and code are not.
        let code = crate::noise::code(100_000);
        for other in [&code, &b"What bytes are frequent tells text from a number. ".repeat(2000)[..]] {
            let chunk = Chunk { bytes: other, own: 0..other.len(), offset: 0 };
            let windows = Windows::new(&chunk, Step::Words);
            for len in [32, 128, 256] {
                let scale = Scale::new(len);
                let light = windows.of_len(len).filter(|at| windows.is_light(&scale, *at)).count();
                assert!(light < other.len() / 4 / 4, "{len}: {light}");
            }
        }
    }

    #[test]
    fn a_window_that_slides_looks_as_it_does_by_itself() {
        let mut numbers = crate::curve::random_numbers(3);
        let mut bytes: Vec<u8> = Vec::new();
        for block in 0..400 {
            let number = numbers.by_ref().take(24).flat_map(u64::to_le_bytes);
            match block % 4 {
                0 => bytes.extend(number.take(100)),
                1 => bytes.extend(number.take(90).map(|b| b % 96 + 0x1f)),
                2 => bytes.extend(number.take(77).map(|b| b % 26)),
                _ => bytes.extend([0; 50]),
            }
        }
        for (len, step) in [(32, Step::Bytes), (48, Step::Words), (32, Step::Words)] {
            let own = 64..bytes.len() - 40;
            let chunk = Chunk { bytes: &bytes, own: own.clone(), offset: 0 };
            let windows = Windows::new(&chunk, step);
            let mut seen = Vec::new();
            windows.random(len, &mut |at| seen.push(at));
            let looks = |at: &usize| looks_random(windows.bytes(*at, len)) && windows.is_light(&Scale::new(len), *at);
            let expected: Vec<usize> = windows.of_len(len).filter(looks).collect();
            assert!(seen.len() > 1000 && seen == expected, "{len}");
        }
    }
}
