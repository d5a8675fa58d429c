//! What the mathematics of proofs costs.
//!
//! A file can hold any number of things that have the form of a key and whose numbers contradict each other. To see that takes
//! a power modulo a large number or the multiple of a point: thousands of times what reading the bytes takes. The functions
//! that do so count here what they cost, so that whoever calls decoders can stop when it is too much.
//!
//! Costs are in nanoseconds, about, of a common machine, and depend on the sizes of numbers alone: what is found in a file is
//! the same on every machine. They are counted by thread, as proofs are made deep in formats that know nothing of budgets.

use std::cell::Cell;

thread_local! {
    static TOTAL: Cell<u64> = const { Cell::new(0) };
}

/// What the proofs made in this thread have cost so far.
pub fn total() -> u64 {
    TOTAL.get()
}

fn add(cost: u64) {
    TOTAL.set(TOTAL.get().wrapping_add(cost));
}

/// A power modulo a number, both of so many bits.
pub(crate) fn power(modulus: u32, exponent: u32) {
    let (modulus, exponent) = (u64::from(modulus), u64::from(exponent));
    add(modulus * modulus * exponent / 1_400);
}

/// Products and quotients of numbers of so many bits.
pub(crate) fn products(bits: u32) {
    add(u64::from(bits) * u64::from(bits) / 40);
}

/// The multiple of a point of a curve over a field of so many bits.
pub(crate) fn point(bits: u32) {
    let bits = u64::from(bits);
    add(bits * bits * bits / 70);
}

/// The multiple of a point of Curve25519 or Curve448.
pub(crate) fn montgomery_point(bits: u32) {
    add(if bits > 256 { 500_000 } else { 60_000 });
}

/// Expanding a key of lattices or hashes.
pub(crate) fn expansion() {
    add(400_000);
}
