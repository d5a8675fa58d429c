//! The windows of a chunk that could be a number drawn at random.

use super::Step;
use crate::memory::Chunk;
use std::ops::Range;

/// The windows of a chunk.
pub(super) struct Windows<'a> {
    pub(super) chunk: &'a Chunk<'a>,
    pub(super) step: usize,
    /// Number of words before each word of the chunk that may belong to a number drawn at random.
    alive: Vec<u32>,
}

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
        Self { chunk, step: step.bytes(), alive }
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

    /// Calls `visit` for the places at which a window of `len` bytes, from 32 to 63, begins that looks random: more than by its single
    /// words, as [`looks_random`](crate::survey::looks_random) has it.
    pub(super) fn random(&self, len: usize, visit: &mut impl FnMut(usize)) {
        let mut content = Content::default();
        let mut next = usize::MAX;
        for span in self.spans(len) {
            for at in span {
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
            let expected: Vec<usize> = windows.of_len(len).filter(|at| looks_random(windows.bytes(*at, len))).collect();
            assert!(seen.len() > 1000 && seen == expected, "{len}");
        }
    }
}
