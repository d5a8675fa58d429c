//! RSA keys: numbers that multiply to a modulus, divide one, or undo its public exponent.
//!
//! The filters work on a few limbs of each candidate, and what passes them is computed in full:
//!
//! 1. *Products*: `p * q = n` modulo 2^64, joined through a hash set (`join`); it needs no lengths (`assemble`).
//! 2. *Ratios*: `d / n` and `dp / p` are `k / e` in their leading bits (`ratio`).
//! 3. *Quotients*: `n / p` by Hensel's lifting is no larger than it has to be (`limbs::may_divide`).
//!
//! Of a known modulus more than half of one prime is enough (`partial`), and of all numbers much less, or many wrong bits (`decay`).
//!
//! Moduli are those of the public keys that are known, and whatever in the dump is of their size.

mod amid;
mod assemble;
mod candidates;
mod crt;
mod decay;
mod divisors;
mod exponents;
mod finder;
mod inside;
mod join;
mod key;
pub(crate) mod limbs;
mod lone;
mod lows;
pub(crate) mod natural;
mod partial;
mod powers;
mod primes;
pub(crate) mod ratio;
mod report;
pub(crate) mod sieve;
mod source;
#[cfg(test)]
pub(crate) mod tests;
mod windows;

use crate::search::{Context, Finder, Outcome};
pub(crate) use finder::exponent;
use keysweep_keys::Algorithm;

/// Finds RSA private keys.
pub struct Rsa;

/// The rule that keys are reported under.
pub const RULE: &str = "memory-rsa-private-key";

impl Finder for Rsa {
    fn rules(&self) -> &'static [&'static str] {
        &[RULE]
    }

    fn may_find(&self, algorithm: &Algorithm) -> bool {
        *algorithm == Algorithm::Rsa
    }

    fn find(&self, context: &Context<'_>, _spots: &[u64], outcome: &mut Outcome) {
        let mut search = finder::Search::new(context);
        search.run();
        let (found, limits) = search.finish();
        outcome.limits.extend(limits);
        outcome.found.extend(found);
    }
}
