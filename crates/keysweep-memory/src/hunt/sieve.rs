//! Windows that no prime of a key can be, since a small prime divides them: two thirds of the odd ones.
//!
//! The residue of a window follows from that of its neighbour by what leaves it and what enters.

use crate::order::Order;
use crate::rsa::sieve::{PRIMES, PRODUCT as MODULUS};

/// The modulus in two factors, for which there is room for a table.
const FACTORS: [u64; 2] = [15_015, 215_441];

/// Residues of windows of one length, read in one order.
pub(super) struct Sieve {
    order: Order,
    len: usize,
    /// Bytes from a window to its neighbour.
    step: usize,
    /// `256^(len - step)`.
    top: u64,
    /// `256^step`, and its inverse.
    up: u64,
    down: u64,
    /// For each place in a word, where the next window begins, and the residue of the one before it.
    last: [(usize, u64); 8],
    /// Whether a residue is prime to each factor: one bit each.
    prime_to: [Vec<u64>; 2],
}

impl Sieve {
    /// `None` if windows of that length cannot be read in that order word by word.
    pub(super) fn new(order: Order, len: usize) -> Option<Self> {
        let (step, unit) = match order {
            Order::Little | Order::Big => (4, 1),
            Order::BigWords32 => (4, 4),
            Order::BigWords64 => (8, 8),
            Order::Digits { .. } => return None,
        };
        if len < 2 * step || !len.is_multiple_of(unit) {
            return None;
        }
        let up = power(256, step as u64);
        // The order of a unit divides the least common multiple of the primes less 1.
        let down = power(up, 55_440 - 1);
        Some(Self {
            order,
            len,
            step,
            top: power(256, (len - step) as u64),
            up,
            down,
            last: [(usize::MAX, 0); 8],
            prime_to: FACTORS.map(prime_to),
        })
    }

    /// Whether the window at `at` is prime to all small odd primes. Windows are best asked for in the order in which they lie.
    pub(super) fn passes(&mut self, bytes: &[u8], at: usize) -> bool {
        let place = at % self.step;
        let residue = match self.last[place] {
            (next, residue) if next == at && at >= self.step => self.slide(bytes, at, residue),
            _ => self.whole(&bytes[at..at + self.len]),
        };
        self.last[place] = (at + self.step, residue);
        FACTORS.iter().zip(&self.prime_to).all(|(factor, table)| {
            let rest = residue % factor;
            table[(rest / 64) as usize] >> (rest % 64) & 1 != 0
        })
    }

    /// Begins another chunk.
    pub(super) fn restart(&mut self) {
        self.last.fill((usize::MAX, 0));
    }

    fn slide(&self, bytes: &[u8], at: usize, residue: u64) -> u64 {
        let out = self.word(&bytes[at - self.step..at]);
        let into = self.word(&bytes[at + self.len - self.step..at + self.len]);
        // Both terms are below the modulus, and so must be the sum.
        let below = |sum: u64| if sum < MODULUS { sum } else { sum - MODULUS };
        if self.order == Order::Little {
            let rest = below(residue + MODULUS - out) * self.down % MODULUS;
            below(rest + into * self.top % MODULUS)
        } else {
            let rest = below(residue + MODULUS - out * self.top % MODULUS) * self.up % MODULUS;
            below(rest + into)
        }
    }

    /// A word's residue.
    fn word(&self, bytes: &[u8]) -> u64 {
        match (self.order, bytes) {
            (Order::Big, [a, b, c, d]) => u64::from(u32::from_be_bytes([*a, *b, *c, *d])) % MODULUS,
            (_, [a, b, c, d]) => u64::from(u32::from_le_bytes([*a, *b, *c, *d])) % MODULUS,
            _ => bytes.first_chunk().map_or(0, |word| u64::from_le_bytes(*word) % MODULUS),
        }
    }

    fn whole(&self, window: &[u8]) -> u64 {
        let horner = |value: u64, byte: &u8| (value << 8 | u64::from(*byte)) % MODULUS;
        match self.order {
            Order::Little => window.iter().rev().fold(0, horner),
            Order::Big => window.iter().fold(0, horner),
            _ => window.chunks(self.step).fold(0, |value, word| (value * self.up + self.word(word)) % MODULUS),
        }
    }
}

fn power(base: u64, exponent: u64) -> u64 {
    let square = |n: u64| n * n % MODULUS;
    let (mut result, mut base) = (1, base % MODULUS);
    for bit in 0..u64::BITS - exponent.leading_zeros() {
        if exponent >> bit & 1 != 0 {
            result = result * base % MODULUS;
        }
        base = square(base);
    }
    result
}

fn prime_to(factor: u64) -> Vec<u64> {
    let mut table = vec![0; factor.div_ceil(64) as usize];
    for rest in (0..factor).filter(|rest| PRIMES.iter().all(|p| !factor.is_multiple_of(*p) || !rest.is_multiple_of(*p)))
    {
        table[(rest / 64) as usize] |= 1 << (rest % 64);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use num_bigint::BigUint;

    #[test]
    fn residues_are_those_of_an_independent_library() {
        let bytes: Vec<u8> = crate::curve::random_numbers(9).take(300).flat_map(u64::to_le_bytes).collect();
        for (len, step) in [(128, 4), (128, 1), (64, 4), (63, 4), (96, 8), (100, 4)] {
            for order in [Order::Little, Order::Big, Order::BigWords32, Order::BigWords64] {
                let Some(mut sieve) = Sieve::new(order, len) else { continue };
                let mut passed = 0;
                for at in (0..2000).step_by(step).filter(|at| at / 200 % 3 != 1) {
                    let number = BigUint::from_bytes_be(&order.decode(&bytes[at..at + len]).unwrap());
                    let expected = PRIMES.iter().all(|p| &number % p != BigUint::from(0u32));
                    assert_eq!(sieve.passes(&bytes, at), expected, "{order:?} {len} {at}");
                    passed += usize::from(expected);
                }
                assert!(passed > 20);
                sieve.restart();
            }
        }
    }
}
