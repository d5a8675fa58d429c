//! The join: two numbers whose product is a third, by their lowest limbs alone. The lowest limb of a number is known
//! wherever the number ends, so that lengths need not be.

use super::candidates::Ends;
use super::limbs::inverse;
use super::lows::Lows;
use crate::stretch::work;
use std::collections::HashMap;
use zeroize::Zeroizing;

/// Products of low limbs that are low limbs too: indices of the factors, and of the product.
#[derive(Debug, Default)]
pub(super) struct Hits {
    pub(super) list: Vec<(u32, u32, u32)>,
    /// Whether there were more than are kept.
    pub(super) overflow: bool,
}

/// Hits that are kept. A dump without keys has none but by chance, once in billions of pairs.
pub(super) const MAX_HITS: usize = 1 << 16;
/// Hits that are kept of one product.
const MAX_COPIES: usize = 64;
/// Factors that a thread takes at a time.
const BATCH: usize = 1 << 10;

/// Pairs of ends, no more than `window` places apart, whose product is the low limb of an end in `products`.
pub(super) fn products(ends: &Ends, window: usize, products: &Lows<'_>, jobs: usize) -> Hits {
    let lows = &ends.lows[..];
    batches(lows.len(), jobs, |from, to, hits| {
        let mut likely = Vec::new();
        for i in from..to {
            let low = lows[i];
            let others = &lows[i + 1..(i + 1 + window).min(lows.len())];
            products.products(low, others, &mut likely);
            for j in likely.drain(..) {
                let (product, j) = (low.wrapping_mul(others[j as usize]), i as u32 + 1 + j);
                // Primes of one modulus are different, but many numbers have copies.
                if low != lows[j as usize] {
                    hits.extend(product, products.indices(product).map(|n| (i as u32, j, n)));
                }
            }
        }
    })
}

/// Ends whose low limbs divide one of `moduli` with a quotient that is the low limb of an end: indices of the factor and
/// the quotient, and of the modulus. `inverses` are those of the ends.
pub(super) fn quotients(inverses: &[u64], set: &Lows<'_>, moduli: &[u64], jobs: usize) -> Hits {
    batches(inverses.len(), jobs, |from, to, hits| {
        let mut likely = Vec::new();
        for (n, modulus) in moduli.iter().enumerate() {
            set.products(*modulus, &inverses[from..to], &mut likely);
            for i in likely.drain(..) {
                let quotient = modulus.wrapping_mul(inverses[from + i as usize]);
                let i = from as u32 + i;
                hits.extend(*modulus, set.indices(quotient).filter(|j| *j >= i).map(|j| (i, j, n as u32)));
            }
        }
    })
}

/// The inverses of low limbs modulo 2^64.
pub(super) fn inverses(lows: &[u64]) -> Zeroizing<Vec<u64>> {
    Zeroizing::new(lows.iter().map(|low| inverse(*low)).collect())
}

/// What one thread has found.
#[derive(Default)]
struct Found {
    list: Vec<(u32, u32, u32)>,
    /// How often each product was met: three numbers with many copies each make no more hits than a few.
    met: HashMap<u64, usize>,
}

impl Found {
    fn extend(&mut self, product: u64, hits: impl Iterator<Item = (u32, u32, u32)>) {
        // Nearly all products that pass the filter are none, and leave nothing behind.
        let mut hits = hits.peekable();
        if self.list.len() >= MAX_HITS || hits.peek().is_none() {
            return;
        }
        let met = self.met.entry(product).or_default();
        let before = self.list.len();
        self.list.extend(hits.take(MAX_COPIES - *met));
        *met += self.list.len() - before;
    }
}

/// Calls `find` for all parts of `0..count`, on `jobs` threads.
fn batches(count: usize, jobs: usize, find: impl Fn(usize, usize, &mut Found) + Sync) -> Hits {
    let parts = work(count.div_ceil(BATCH), jobs, Found::default, |found, batch| {
        if found.list.len() < MAX_HITS {
            find(BATCH * batch, (BATCH * (batch + 1)).min(count), found);
        }
    });
    let mut list: Vec<_> = parts.into_iter().flat_map(|found| found.list).collect();
    list.sort_unstable();
    let overflow = list.len() >= MAX_HITS;
    Hits { list, overflow }
}
