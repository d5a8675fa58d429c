//! The scan by pairs of bytes, without vector instructions: one look-up for each place of the block.
//!
//! The first two bytes of a window make a pair, and the last two make the pair two places on. A table tells of each pair
//! which buckets have it as a first pair and which as a last one, so that the look-up at a place serves two windows.

use super::{GROUP, Marks, PADDING, Places, sift};
use crate::filter::{Filter, is_printable};
use crate::window::{Accept, WIDTH};
use crate::word::word;

/// Entries of the table.
const ENTRIES: usize = 1 << 16;

/// For each hash of a pair, the buckets that have it as their first pair in the low half, as their last in the high.
pub(super) struct Pairs(Box<[u32; ENTRIES]>);

impl Pairs {
    pub(super) fn new(windows: &[[Accept; WIDTH]]) -> Self {
        let mut table = Box::new([0; ENTRIES]);
        // Two characters of UTF-16, whatever they are.
        for left in (0..=0xff).filter(|left| is_printable(*left)) {
            table[entry(left, 0)] |= 1 | 1 << 16;
        }
        for &[first, second, third, fourth] in windows {
            // Windows that begin alike share a bucket; the first one is that of UTF-16.
            let bucket = 1 << (1 + (entry(any_of(first), any_of(second)).wrapping_mul(0x9e37_79b1) >> 16) % 15);
            for (left, right, half) in [(first, second, 0), (third, fourth, 16)] {
                for left in all_of(left) {
                    all_of(right).for_each(|right| table[entry(left, right)] |= bucket << half);
                }
            }
        }
        Pairs(table)
    }

    #[inline(always)]
    fn look_up(&self, bytes: &[u8], at: usize) -> u32 {
        self.0[entry(bytes[at], bytes[at + 1])]
    }
}

#[inline(always)]
fn entry(left: u8, right: u8) -> usize {
    usize::from(u16::from_le_bytes([left, right]))
}

/// One byte to stand for those accepted.
fn any_of(accept: Accept) -> u8 {
    accept.bytes().next().unwrap_or_default()
}

fn all_of(accept: Accept) -> impl Iterator<Item = u8> {
    (0..=0xff).filter(move |&byte| accept == Accept::Any || accept.bytes().any(|accepted| accepted == byte))
}

#[inline(always)]
pub(super) fn scan(pairs: &Pairs, filter: &Filter, block: &[u8], count: usize, places: &mut Places) {
    let mut marks = Marks::new();
    let mut len = 0;
    for group in 0..count / GROUP {
        let Some(bytes) = block[group * GROUP..].first_chunk::<{ GROUP + PADDING }>() else { break };
        let mut bits = 0u64;
        let mut first = pairs.look_up(bytes, 0);
        let mut second = pairs.look_up(bytes, 1);
        for at in (0..GROUP).step_by(4) {
            let word = word(bytes, at);
            let look_up = |shift: u32| pairs.0[(word >> shift & 0xffff) as usize];
            for third in [look_up(16), look_up(24), look_up(32), look_up(40)] {
                bits = bits >> 1 | u64::from(first & third >> 16 != 0) << 63;
                (first, second) = (second, third);
            }
        }
        len = marks.push(len, group, bits);
    }
    marks.len = len;
    sift(filter, block, &marks, places);
}
