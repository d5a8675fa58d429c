//! Windows that are a prime or the private exponent of a given modulus.

use super::Tested;
use super::exponent::Leading;
use super::sieve::Sieve;
use super::windows::Windows;
use crate::order::{Order, PYTHON, TOM_MATH_32, TOM_MATH_64};
use crate::rsa::limbs::{bits, may_divide};
use crate::rsa::ratio;
use crate::rsa::sieve::has_no_small_factor;
use crate::survey::Number;
use keysweep_keys::PublicKey;
use keysweep_keys::public::bit_length;
use zeroize::Zeroizing;

/// An RSA modulus, made ready to be tried against many windows.
pub(super) struct Modulus {
    /// Limbs, least significant first.
    n: Vec<u64>,
    bits: u32,
    /// What its exponents are known by, and the public one; not of larger ones.
    leading: Option<Leading>,
    e: u64,
    shapes: Vec<Shape>,
    /// Whether small primes divide it: then they may divide a factor.
    smooth: bool,
}

/// The state of a thread for a modulus.
pub(super) struct Worker<'a> {
    modulus: &'a Modulus,
    /// For each shape.
    sieves: Vec<Option<Sieve>>,
    scratch: Zeroizing<Vec<u64>>,
}

/// How a number lies in a window.
struct Shape {
    order: Order,
    /// Bytes of a window.
    len: usize,
    /// What the window may be.
    part: Part,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Prime,
    Exponent,
}

impl Shape {
    fn is_digits(&self) -> bool {
        matches!(self.order, Order::Digits { .. })
    }
}

impl Part {
    fn name(self) -> &'static str {
        match self {
            Part::Prime => "RSA prime",
            Part::Exponent => "RSA private exponent",
        }
    }
}

/// Orders that are tried at every window.
const ORDERS: [Order; 7] =
    [Order::Little, Order::Big, Order::BigWords32, Order::BigWords64, PYTHON, TOM_MATH_64, TOM_MATH_32];
/// Sizes of moduli that are hunted for, in bits.
const SIZES: std::ops::RangeInclusive<u32> = 512..=16_384;

impl Modulus {
    /// `None` for a key that is not RSA, or of a size that is not hunted for.
    pub(super) fn new(key: &PublicKey) -> Option<Self> {
        let (n, bits) = (&key.value, bit_length(&key.value));
        if !SIZES.contains(&bits) || n.last()? & 1 == 0 {
            return None;
        }
        let limbs: Vec<u64> = n.rchunks(8).map(|limb| limb.iter().fold(0, |n, b| n << 8 | u64::from(*b))).collect();
        let shapes = [Part::Prime, Part::Exponent].into_iter().flat_map(|part| {
            let bits = if part == Part::Prime { bits.div_ceil(2) } else { bits };
            ORDERS.into_iter().map(move |order| Shape { order, len: window(order, bits), part })
        });
        let mut shapes: Vec<Shape> = shapes.collect();
        shapes.sort_by_key(|shape| shape.len);
        // Of a larger public exponent the leading bits of the private one tell nothing.
        let exponent = exponent(key);
        let e = exponent.unwrap_or(1);
        let leading = Leading::new(n, e);
        shapes.retain(|shape| shape.part == Part::Prime || leading.is_some());
        let smooth = !has_no_small_factor(&limbs);
        Some(Self { leading, n: limbs, bits, e, shapes, smooth })
    }

    /// The state of a thread.
    pub(super) fn worker(&self) -> Worker<'_> {
        let sieve = |shape: &Shape| {
            (shape.part == Part::Prime && !self.smooth).then(|| Sieve::new(shape.order, shape.len)).flatten()
        };
        let scratch = Zeroizing::new(vec![0; self.n.len() + 1]);
        Worker { modulus: self, sieves: self.shapes.iter().map(sieve).collect(), scratch }
    }

    /// What the ends of a window show at once: parity, and size.
    fn may_be(&self, shape: &Shape, bytes: &[u8]) -> bool {
        let (low, high) = match shape.order {
            Order::Little => (bytes[0], bytes[shape.len - 1]),
            Order::Big => (bytes[shape.len - 1], bytes[0]),
            Order::BigWords32 => (bytes[shape.len - 4], bytes[3]),
            Order::BigWords64 => (bytes[shape.len - 8], bytes[7]),
            // These are known to fit.
            Order::Digits { .. } => return true,
        };
        // A prime of half the bits has its highest bit set where these fill the window's bytes.
        let filled = shape.part == Part::Prime && self.bits.is_multiple_of(16);
        low & 1 == 1 && (high & 0x80 != 0 || !filled)
    }

    fn is(&self, shape: &Shape, bytes: &[u8], number: &mut [u64]) -> bool {
        if shape.part == Part::Exponent && !self.leading.as_ref().is_some_and(|l| l.may_be(shape.order, bytes)) {
            return false;
        }
        let Some(count) = limbs(shape.order, bytes, number) else { return false };
        let number = &number[..count];
        match shape.part {
            Part::Prime => may_divide(&self.n, self.bits, number, bits(number)),
            Part::Exponent => self.is_exponent(number),
        }
    }

    /// Whether `d` may be the private exponent: `d / n` is a fraction whose denominator is `e` times a divisor of
    /// `gcd(p - 1, q - 1)`, in all leading bits.
    fn is_exponent(&self, d: &[u64]) -> bool {
        self.leading.as_ref().is_some_and(|leading| leading.may_be_limbs(d))
            && ratio::fraction(d, &self.n).is_some_and(|f| f.denominator.is_multiple_of(self.e))
    }
}

impl Worker<'_> {
    /// Tries all windows of a chunk.
    pub(super) fn try_all(&mut self, windows: &Windows<'_>, hits: &mut Vec<Number>, tested: &mut Tested) {
        let modulus = self.modulus;
        self.sieves.iter_mut().flatten().for_each(Sieve::restart);
        let mut counts = vec![0; modulus.shapes.len()];
        let hit = |shape: &Shape, at: usize| {
            let (offset, len) = (windows.offset(at), shape.len as u32);
            Number { offset, len, order: shape.order, structure: "" }
        };
        let mut from = 0;
        // Those of one length are tried together.
        for shapes in modulus.shapes.chunk_by(|a, b| a.len == b.len && !a.is_digits() && !b.is_digits()) {
            let sieves = &mut self.sieves[from..from + shapes.len()];
            let counts = &mut counts[from..from + shapes.len()];
            from += shapes.len();
            let len = shapes[0].len;
            if let Order::Digits { bits, bytes } = shapes[0].order {
                windows.digits(len, bits, bytes.into(), &mut |at| {
                    counts[0] += 1;
                    if modulus.is(&shapes[0], windows.bytes(at, len), &mut self.scratch) {
                        hits.push(hit(&shapes[0], at));
                    }
                });
                continue;
            }
            for at in windows.light(len) {
                let bytes = windows.bytes(at, len);
                for ((shape, sieve), count) in shapes.iter().zip(&mut *sieves).zip(&mut *counts) {
                    let coprime = sieve.as_mut().is_none_or(|sieve| sieve.passes(windows.chunk.bytes, at));
                    if !modulus.may_be(shape, bytes) {
                        continue;
                    }
                    *count += 1;
                    if coprime && modulus.is(shape, bytes, &mut self.scratch) {
                        hits.push(hit(shape, at));
                    }
                }
            }
        }
        for (shape, count) in modulus.shapes.iter().zip(counts) {
            *tested.windows.entry(format!("{} as {}", shape.part.name(), shape.order.name())).or_default() += count;
        }
    }
}

/// Bytes of a window for a number of so many bits.
fn window(order: Order, bits: u32) -> usize {
    let bits = bits as usize;
    match order {
        Order::Little | Order::Big => bits.div_ceil(8),
        Order::BigWords32 => 4 * bits.div_ceil(32),
        Order::BigWords64 => 8 * bits.div_ceil(64),
        Order::Digits { bits: digit, bytes } => usize::from(bytes) * bits.div_ceil(digit.into()),
    }
}

/// Reads the limbs of a window, least significant first, and returns how many there are.
fn limbs(order: Order, bytes: &[u8], limbs: &mut [u64]) -> Option<usize> {
    let little = |bytes: &[u8]| bytes.iter().rev().fold(0, |n, b| n << 8 | u64::from(*b));
    let big = |bytes: &[u8]| bytes.iter().fold(0, |n, b| n << 8 | u64::from(*b));
    let count = match order {
        Order::Little => fill(limbs, bytes.chunks(8).map(little)),
        Order::Big => fill(limbs, bytes.rchunks(8).map(big)),
        Order::BigWords64 => fill(limbs, bytes.rchunks(8).map(little)),
        Order::BigWords32 => fill(
            limbs,
            bytes.rchunks(8).map(|pair| match pair {
                [high @ .., a, b, c, d] => little(high) << 32 | little(&[*a, *b, *c, *d]),
                _ => little(pair),
            }),
        ),
        Order::Digits { .. } => {
            let number = order.decode(bytes)?;
            fill(limbs, keysweep_keys::secret::trim_leading_zeros(&number).rchunks(8).map(big))
        }
    }?;
    Some(limbs[..count].iter().rposition(|limb| *limb != 0)? + 1)
}

fn fill(limbs: &mut [u64], values: impl Iterator<Item = u64>) -> Option<usize> {
    let mut count = 0;
    for value in values {
        *limbs.get_mut(count)? = value;
        count += 1;
    }
    Some(count)
}

/// The public exponent, if it has up to 32 bits.
fn exponent(key: &PublicKey) -> Option<u64> {
    let bytes = crate::rsa::exponent(key)?;
    let e = (bytes.len() <= 5).then(|| bytes.iter().fold(0, |n, b| n << 8 | u64::from(*b)))?;
    (e > 1 && e >> 32 == 0).then_some(e)
}
