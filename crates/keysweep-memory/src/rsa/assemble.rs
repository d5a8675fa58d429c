//! From ends to numbers: how long the numbers are whose low limbs fit together.

use super::candidates::MIN_PRIME_BITS;
use super::limbs::agreement;
use super::natural::Natural;

/// Two numbers and their product.
pub(super) struct Product {
    pub(super) p: Natural,
    pub(super) q: Natural,
    pub(super) n: Natural,
}

/// Limbs of the smallest prime.
const MIN_LIMBS: usize = MIN_PRIME_BITS as usize / 64;

/// Finds where two numbers end, given what lies in memory from their low ends on, and from that of their product: limbs,
/// least significant first. Nothing is said of the numbers' lengths; what follows them is noise.
pub(super) fn product(p: &[u64], q: &[u64], n: &[u64]) -> Option<Product> {
    // No number has a limb of zeros but by a chance of 2^-64: it ends before it.
    let (p, q, n) = (up_to_zero(p), up_to_zero(q), up_to_zero(n));
    // The product of what lies there agrees with the number that is the product up to where the shorter factor ends.
    let agreed = agreement(p, q, n);
    if agreed < MIN_LIMBS {
        return None;
    }
    let first = [(p, q), (q, p)].into_iter().find_map(|(shorter, longer)| {
        lengths(shorter, agreed).find_map(|bytes| {
            let a = cut(shorter, bytes);
            let agreed = agreement(a.limbs(), longer, n);
            lengths(longer, agreed).find_map(|bytes| {
                let b = cut(longer, bytes);
                let product = a.times(&b);
                let whole = begins_with(n, &product) && a.bits().min(b.bits()) >= MIN_PRIME_BITS;
                whole.then(|| (a.clone(), b, product))
            })
        })
    });
    first.map(|(p, q, n)| Product { p, q, n })
}

/// The factor of `n` whose low end lies at the start of `p`.
pub(super) fn factor(p: &[u64], q: &[u64], n: &Natural) -> Option<Product> {
    product(p, q, n.limbs()).filter(|product| product.n == *n)
}

fn up_to_zero(limbs: &[u64]) -> &[u64] {
    let end = limbs.iter().position(|limb| *limb == 0).unwrap_or(limbs.len());
    &limbs[..end]
}

/// Lengths in bytes that a number may have if a product with it is right in `agreed` limbs and wrong in the next one. A
/// wrong byte may seem right by chance.
fn lengths(limbs: &[u64], agreed: usize) -> impl Iterator<Item = usize> {
    let all = 8 * limbs.len();
    let agreed = agreed.min(limbs.len());
    let near = (8 * agreed.saturating_sub(1) + 1..=8 * agreed + 7).rev().filter(move |bytes| *bytes < all);
    std::iter::once(all).chain(near).filter(|bytes| 8 * bytes >= MIN_PRIME_BITS as usize)
}

fn cut(limbs: &[u64], bytes: usize) -> Natural {
    let mut limbs = zeroize::Zeroizing::new(limbs[..bytes.div_ceil(8).min(limbs.len())].to_vec());
    if let Some(top) = limbs.last_mut().filter(|_| !bytes.is_multiple_of(8)) {
        *top &= u64::MAX >> (64 - 8 * (bytes % 8));
    }
    Natural::from_limbs(&limbs)
}

/// Whether the low bytes of `memory` are those of `number`, whatever follows.
fn begins_with(memory: &[u64], number: &Natural) -> bool {
    let limbs = number.limbs();
    let Some((top, rest)) = limbs.split_last() else { return false };
    let used = 64 - top.leading_zeros().min(56) / 8 * 8;
    memory.len() >= limbs.len()
        && memory[..rest.len()] == *rest
        && memory[rest.len()] & (u64::MAX >> (64 - used)) == *top
}

#[cfg(test)]
mod tests {
    use super::super::tests::Random;
    use super::*;

    #[test]
    fn lengths_are_found_whatever_follows() {
        let mut random = Random::new(21);
        for round in 0..400 {
            let (a, b) = (25 + random.below(100), 25 + random.below(100));
            let mut draw = |len: usize| {
                let mut bytes = random.bytes(len);
                bytes[0] |= 1 << random.below(8);
                bytes[len - 1] |= 1;
                Natural::from_be(&bytes)
            };
            let (p, q) = (draw(a), draw(b));
            let n = p.times(&q);
            let mut after = |number: &Natural| {
                let count = 8 * random.below(80) + if round % 3 == 0 { 0 } else { 17 };
                let noise = random.bytes(count);
                let gap = if round % 3 == 0 { vec![0; 16] } else { Vec::new() };
                let all = [&noise[..], &gap, &number.to_be()].concat();
                Natural::from_be(&all).limbs().to_vec()
            };
            let (p_memory, q_memory, n_memory) = (after(&p), after(&q), after(&n));
            let found = product(&p_memory, &q_memory, &n_memory).unwrap_or_else(|| panic!("{round} {a} {b}"));
            assert!(found.n == n && (found.p == p || found.p == q), "{round}");
            assert!(factor(&p_memory, &q_memory, &n).is_some());
            let mut wrong = n_memory.clone();
            wrong[random.below(n.limbs().len())] ^= 1 << random.below(4);
            assert!(product(&p_memory, &q_memory, &wrong).is_none(), "{round}");
        }
    }
}
