//! A set of low limbs that is asked millions of times and nearly always says no.

use keysweep_match::{Isa, UpperBits};

/// Low limbs and the indices at which they stand in a list.
pub(super) struct Lows<'a> {
    /// Low limbs are random as they are, and their upper bits the best mixed ones of a product.
    filter: UpperBits,
    isa: Isa,
    /// The list.
    lows: &'a [u64],
    /// Open addressing: an index, or `EMPTY`.
    index: Vec<u32>,
}

const EMPTY: u32 = u32::MAX;
/// Indices that are kept of one limb: memory full of copies must not cost more than memory without.
const MOST: usize = 64;
/// Bits of the filter, and slots of the table, for each limb.
const FILTER: usize = 32;
const SLOTS: usize = 2;

impl<'a> Lows<'a> {
    /// The set of all limbs in `lows`.
    pub(super) fn new(lows: &'a [u64]) -> Self {
        let count = lows.len();
        let bits = (FILTER * count).next_power_of_two().max(1 << 10);
        let slots = (SLOTS * count).next_power_of_two().max(16);
        let mut set =
            Self { filter: UpperBits::new(bits.trailing_zeros()), isa: Isa::detect(), lows, index: vec![EMPTY; slots] };
        for (low, index) in lows.iter().copied().zip(0..) {
            set.filter.insert(low);
            let mut slot = set.slot(low);
            let mut same = 0;
            while set.index[slot] != EMPTY && same < MOST {
                same += usize::from(set.is_at(slot, low));
                slot = (slot + 1) & (slots - 1);
            }
            if same < MOST {
                set.index[slot] = index;
            }
        }
        set
    }

    fn slot(&self, low: u64) -> usize {
        (low.wrapping_mul(0xc2b2_ae3d_27d4_eb4f) >> 20) as usize & (self.index.len() - 1)
    }

    fn is_at(&self, slot: usize, low: u64) -> bool {
        self.lows.get(self.index[slot] as usize) == Some(&low)
    }

    /// Whether a limb may be in the set: wrong in one of 32 cases or less.
    #[inline]
    pub(super) fn may_have(&self, low: u64) -> bool {
        self.filter.may_hold(low)
    }

    /// Appends the indices of those of `others` whose product with `factor` may be in the set.
    pub(super) fn products(&self, factor: u64, others: &[u64], found: &mut Vec<u32>) {
        self.filter.products(factor, others, self.isa, found);
    }

    /// The indices of a limb, at most [`MOST`] of them.
    pub(super) fn indices(&self, low: u64) -> impl Iterator<Item = u32> + '_ {
        let slots = self.index.len();
        let first = if self.may_have(low) { self.slot(low) } else { slots };
        (first..first + slots)
            .map(move |slot| slot & (slots - 1))
            .take_while(move |slot| first < slots && self.index[*slot] != EMPTY)
            .filter(move |slot| self.is_at(*slot, low))
            .map(|slot| self.index[slot])
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::Random;
    use super::*;

    #[test]
    fn what_is_in_the_set_is_found_at_all_its_indices() {
        let mut random = Random::new(8);
        for count in [0, 1, 5, 1000, 40_000] {
            let lows: Vec<u64> = (0..count).map(|i| if i % 7 == 0 { 77 } else { random.next() }).collect();
            let set = Lows::new(&lows);
            for (index, low) in lows.iter().enumerate() {
                let found: Vec<u32> = set.indices(*low).collect();
                assert!(set.may_have(*low) && (found.contains(&(index as u32)) || *low == 77), "{count} {index}");
            }
            let wrong = (0..10_000).filter(|_| set.may_have(random.next())).count();
            assert!(wrong < 10_000 / 16);
            assert_eq!(set.indices(random.next()).count(), 0);
        }
    }
}
