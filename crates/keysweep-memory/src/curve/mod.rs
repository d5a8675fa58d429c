//! Public keys of many guesses at a private key at a time: multiplication of a curve's generator in batches.
//!
//! [`Multiplier::derive`] takes scalars as they are guessed and gives the coordinates that their public keys would have, for
//! a comparison with what lies in memory. What agrees is for [`keysweep_keys::PrivateKey::prove`] to judge, which computes
//! with other code.

pub(crate) mod chain;
mod field;
mod parameters;
#[cfg(test)]
mod tests;
mod weierstrass;

use chain::Vectors;
use field::Field;
use parameters as p;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use weierstrass::{Table, Weierstrass};
use zeroize::Zeroize;

/// A generator whose multiples are computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Group {
    /// A curve in Weierstrass form.
    Ec(keysweep_keys::Curve),
    /// Of Ed25519 and X25519, which are one curve in two forms.
    Curve25519,
    /// Of Ed448, and X448 by way of an isogeny.
    Edwards448,
}

impl Group {
    /// 64-bit limbs of a scalar and of a coordinate.
    pub fn limbs(self) -> usize {
        use keysweep_keys::Curve::{BrainpoolP256r1, BrainpoolP384r1, P256, P384, P521, Secp256k1};
        match self {
            Group::Ec(P256 | Secp256k1 | BrainpoolP256r1) | Group::Curve25519 => 4,
            Group::Ec(P384 | BrainpoolP384r1) => 6,
            Group::Ec(P521) => 9,
            Group::Edwards448 => 7,
        }
    }

    /// Bytes of a coordinate in the forms that standards give it; of Ed448's `y` without the byte of the sign.
    pub fn bytes(self) -> usize {
        match self {
            Group::Ec(curve) => curve.field_bytes(),
            Group::Curve25519 => 32,
            Group::Edwards448 => 56,
        }
    }

    fn arithmetic(self) -> &'static dyn Arithmetic {
        use keysweep_keys::Curve::{BrainpoolP256r1, BrainpoolP384r1, P256, P384, P521, Secp256k1};
        match self {
            Group::Ec(P256) => &Short::<p::P256, 4>(p::P256),
            Group::Ec(P384) => &Short::<p::P384, 6>(p::P384),
            Group::Ec(P521) => &Short::<p::P521, 9>(p::P521),
            Group::Ec(Secp256k1) => &Short::<p::Secp256k1, 4>(p::Secp256k1),
            Group::Ec(BrainpoolP256r1) => &Short::<p::BrainpoolP256r1, 4>(p::BrainpoolP256r1),
            Group::Ec(BrainpoolP384r1) => &Short::<p::BrainpoolP384r1, 6>(p::BrainpoolP384r1),
            Group::Curve25519 => &Short::<p::Curve25519, 4>(p::Curve25519),
            Group::Edwards448 => &Short::<p::Edwards448, 7>(p::Edwards448),
        }
    }

    /// The order of the generator, as limbs.
    pub fn order(self) -> Vec<u64> {
        self.arithmetic().order()
    }

    /// The prime of the field, as limbs.
    pub fn prime(self) -> Vec<u64> {
        self.arithmetic().prime()
    }

    /// Whether a scalar, as limbs, is from 1 to the order less 1.
    pub fn in_range(self, scalar: &[u64]) -> bool {
        self.arithmetic().in_range(scalar)
    }

    /// The scalar that is `scalar` in Montgomery form modulo the order. `scalar` must be in range.
    pub fn leave_montgomery_scalar(self, scalar: &mut [u64]) {
        self.arithmetic().leave_scalar(scalar);
    }

    /// A scalar in Montgomery form modulo the order.
    pub fn montgomery_scalar(self, scalar: &mut [u64]) {
        self.arithmetic().enter_scalar(scalar);
    }

    /// A coordinate in Montgomery form modulo the field's prime.
    pub fn montgomery_coordinate(self, coordinate: &mut [u64]) {
        self.arithmetic().enter_coordinate(coordinate);
    }

    /// The coordinate that is `coordinate` in Montgomery form. `coordinate` must be less than the field's prime.
    pub fn leave_montgomery_coordinate(self, coordinate: &mut [u64]) {
        self.arithmetic().leave_coordinate(coordinate);
    }

    /// Whether limbs are the coordinates of a point of the curve, plain or in Montgomery form. For [`Group::Ec`] only: the others'
    /// coordinates are not those of a Weierstrass form.
    pub fn contains(self, x: &[u64], y: &[u64], montgomery: bool) -> bool {
        matches!(self, Group::Ec(_)) && self.arithmetic().contains(x, y, montgomery)
    }

    /// The lowest limbs of `v * v` and of `v * v * v + a * v + b` for what may be a coordinate `v`: where the first of one is the second of
    /// another, these are most likely a point's. `None` if it is none. For [`Group::Ec`] only.
    pub fn sides(self, coordinate: &[u64], montgomery: bool) -> Option<[u64; 2]> {
        self.arithmetic().sides(coordinate, montgomery).filter(|_| matches!(self, Group::Ec(_)))
    }

    /// The coordinates of the point that is X, Y and Z, plain; `None` if that is none. X, Y and Z are in Montgomery form, but those that are not
    /// Jacobian need not be. For [`Group::Ec`] only.
    pub fn affine(self, xyz: [&[u64]; 3], jacobian: bool) -> Option<[Vec<u64>; 2]> {
        self.arithmetic().affine(xyz, jacobian).filter(|_| matches!(self, Group::Ec(_)))
    }

    /// Whether limbs are the x coordinate of the generator, plain or in Montgomery form.
    pub fn is_generator(self, x: &[u64], montgomery: bool) -> bool {
        self.arithmetic().is_generator(x, montgomery)
    }

    /// Whether a scalar is a constant rather than a key: a small number, a power of two times one, or one of these times a
    /// power of the Montgomery radix, or the negative of any. Their points stand in libraries' tables.
    pub fn is_constant(self, scalar: &[u64]) -> bool {
        self.arithmetic().is_constant(scalar)
    }
}

/// What public keys of guessed scalars would be: [`Group::limbs`] limbs for each scalar, least significant first, zero if
/// there is none.
#[derive(Debug, Default)]
pub struct Derived {
    /// `x` of a Weierstrass curve; `y` of an Edwards curve.
    pub first: Vec<u64>,
    /// `x` in Montgomery form; `u` of the Montgomery curve (X25519, X448).
    pub second: Vec<u64>,
}

/// A generator with a table of its multiples.
pub struct Multiplier {
    group: Group,
    table: Arc<dyn Derive>,
}

impl Multiplier {
    /// Scalars that [`Multiplier::derive`] is best given at a time.
    pub const BATCH: usize = 1024;

    /// A multiplier for about `expected` scalars: the more, the larger is the table.
    pub fn new(group: Group, expected: usize) -> Self {
        let entry = if keysweep_match::lanes::available() { ENTRY_COST } else { 1 };
        let cost = |width: u32| {
            let places = (64 * group.limbs() + 1).div_ceil(width as usize);
            places * (expected + (entry << (width - 1)))
        };
        let width = (KEPT_WIDTH..=MAX_WIDTH).min_by_key(|width| cost(*width)).unwrap_or(MAX_WIDTH);
        let kept = || TABLES.lock().ok()?.get(&group).cloned();
        let table = (width == KEPT_WIDTH).then(kept).flatten().unwrap_or_else(|| {
            let table = group.arithmetic().table(width);
            if let (KEPT_WIDTH, Ok(mut tables)) = (width, TABLES.lock()) {
                tables.insert(group, Arc::clone(&table));
            }
            table
        });
        Self { group, table }
    }

    /// The group whose generator is multiplied.
    pub fn group(&self) -> Group {
        self.group
    }

    /// The coordinates of the generator's multiples. `scalars` holds [`Group::limbs`] limbs, least significant first, for each;
    /// a part of one at the end is left out. They need not be in range.
    pub fn derive(&self, scalars: &[u64]) -> Derived {
        self.table.derive(scalars)
    }
}

/// Widest digits: a row of a table of 256-bit points then takes 128 KiB, and stays in the cache while it is used.
const MAX_WIDTH: u32 = 12;
/// Digits of the tables for few scalars, which are made once: to make one takes as long as to multiply a thousand scalars.
const KEPT_WIDTH: u32 = 7;
/// What an entry of a table costs with vector instructions, in additions with them: it is written out, too.
const ENTRY_COST: usize = 2;
/// Tables of that width: about 200 KiB each.
static TABLES: Mutex<BTreeMap<Group, Arc<dyn Derive>>> = Mutex::new(BTreeMap::new());

trait Derive: Send + Sync {
    fn derive(&self, scalars: &[u64]) -> Derived;
}

impl<C: Weierstrass<N>, const N: usize> Derive for Table<C, N> {
    fn derive(&self, scalars: &[u64]) -> Derived {
        let mut scalars: Vec<[u64; N]> = scalars.chunks_exact(N).map(limbs).collect();
        let mut derived = Derived::default();
        for batch in scalars.chunks_mut(Multiplier::BATCH) {
            // Only P-521 has bits to spare.
            if let Some(top) = C::BITS.checked_sub(64 * (N as u32 - 1)).filter(|bits| *bits < 64) {
                batch.iter_mut().for_each(|scalar| scalar[N - 1] &= (1 << top) - 1);
            }
            C::coordinates(&self.multiply(batch), &mut derived);
        }
        scalars.zeroize();
        derived
    }
}

fn limbs<const N: usize>(slice: &[u64]) -> [u64; N] {
    std::array::from_fn(|i| slice.get(i).copied().unwrap_or(0))
}

/// A group's arithmetic, whatever the size of its numbers. Slices are [`Group::limbs`] long.
trait Arithmetic: Sync {
    fn table(&self, width: u32) -> Arc<dyn Derive>;
    fn chain(&self, keys: &[chain::Affine], words: usize) -> Arc<dyn chain::Tables>;
    /// The public key of `2^(64 N)` times the private key.
    fn montgomery_key(&self, key: &chain::Affine) -> chain::Affine;
    /// The same as `chain` without vector instructions.
    #[cfg(test)]
    fn plain_chain(&self, keys: &[chain::Affine], words: usize) -> Arc<dyn chain::Tables>;
    /// What the sums of a chain begin with.
    #[cfg(test)]
    fn chain_start(&self) -> Vec<u64>;
    fn order(&self) -> Vec<u64>;
    fn prime(&self) -> Vec<u64>;
    fn in_range(&self, scalar: &[u64]) -> bool;
    fn leave_scalar(&self, scalar: &mut [u64]);
    fn enter_scalar(&self, scalar: &mut [u64]);
    fn enter_coordinate(&self, coordinate: &mut [u64]);
    fn leave_coordinate(&self, coordinate: &mut [u64]);
    fn contains(&self, x: &[u64], y: &[u64], montgomery: bool) -> bool;
    fn sides(&self, coordinate: &[u64], montgomery: bool) -> Option<[u64; 2]>;
    fn affine(&self, xyz: [&[u64]; 3], jacobian: bool) -> Option<[Vec<u64>; 2]>;
    fn is_generator(&self, x: &[u64], montgomery: bool) -> bool;
    fn is_constant(&self, scalar: &[u64]) -> bool;
}

struct Short<C, const N: usize>(C);

impl<C: Weierstrass<N>, const N: usize> Arithmetic for Short<C, N> {
    fn table(&self, width: u32) -> Arc<dyn Derive> {
        Arc::new(Table::<C, N>::new(width))
    }

    fn chain(&self, keys: &[chain::Affine], words: usize) -> Arc<dyn chain::Tables> {
        C::Vectors::tables(chain::Rows::<C, N>::new(keys, words))
    }

    fn montgomery_key(&self, key: &chain::Affine) -> chain::Affine {
        chain::times_power_of_two::<C, N>(key, 64 * N as u32)
    }

    #[cfg(test)]
    fn plain_chain(&self, keys: &[chain::Affine], words: usize) -> Arc<dyn chain::Tables> {
        Arc::new(chain::Rows::<C, N>::new(keys, words))
    }

    #[cfg(test)]
    fn chain_start(&self) -> Vec<u64> {
        chain::start::<N>().to_vec()
    }

    fn order(&self) -> Vec<u64> {
        C::Order::P.to_vec()
    }

    fn prime(&self) -> Vec<u64> {
        C::Field::P.to_vec()
    }

    fn in_range(&self, scalar: &[u64]) -> bool {
        let scalar = limbs::<N>(scalar);
        field::below(&scalar, &C::Order::P) && !field::is_zero(&scalar)
    }

    fn leave_scalar(&self, scalar: &mut [u64]) {
        scalar.copy_from_slice(&field::leave::<C::Order, N>(&limbs(scalar)));
    }

    fn enter_scalar(&self, scalar: &mut [u64]) {
        scalar.copy_from_slice(&field::enter::<C::Order, N>(&limbs(scalar)));
    }

    fn enter_coordinate(&self, coordinate: &mut [u64]) {
        coordinate.copy_from_slice(&field::enter::<C::Field, N>(&limbs(coordinate)));
    }

    fn leave_coordinate(&self, coordinate: &mut [u64]) {
        coordinate.copy_from_slice(&field::leave::<C::Field, N>(&limbs(coordinate)));
    }

    fn contains(&self, x: &[u64], y: &[u64], montgomery: bool) -> bool {
        let (mut x, mut y) = (limbs::<N>(x), limbs::<N>(y));
        if !field::below(&x, &C::Field::P) || !field::below(&y, &C::Field::P) {
            return false;
        }
        if !montgomery {
            (x, y) = (field::enter::<C::Field, N>(&x), field::enter::<C::Field, N>(&y));
        }
        C::contains(&x, &y)
    }

    fn sides(&self, coordinate: &[u64], montgomery: bool) -> Option<[u64; 2]> {
        let mut value = limbs::<N>(coordinate);
        if !field::below(&value, &C::Field::P) {
            return None;
        }
        if !montgomery {
            value = field::enter::<C::Field, N>(&value);
        }
        Some(C::sides(&value).map(|side| side[0]))
    }

    fn affine(&self, xyz: [&[u64]; 3], jacobian: bool) -> Option<[Vec<u64>; 2]> {
        let [x, y, z] = xyz.map(limbs::<N>);
        if [x, y, z].iter().any(|value| !field::below(value, &C::Field::P)) || field::is_zero(&z) {
            return None;
        }
        let mul = field::mul::<C::Field, N>;
        let square = mul(&z, &z);
        // What x and y are multiplied by.
        let (over_x, over_y) = if jacobian { (square, mul(&square, &z)) } else { (z, z) };
        // y^2 = x^3 + a x + b, times the square of what y is multiplied by and, as x is, by one more power of Z.
        let (left, a, b) = if jacobian {
            let fourth = mul(&square, &square);
            (mul(&y, &y), mul(&C::a(), &fourth), mul(&C::b(), &mul(&fourth, &square)))
        } else {
            (mul(&mul(&y, &y), &z), mul(&C::a(), &square), mul(&C::b(), &mul(&square, &z)))
        };
        let slope = field::add::<C::Field, N>(&mul(&x, &x), &a);
        if left != field::add::<C::Field, N>(&mul(&slope, &x), &b) {
            return None;
        }
        let coordinate = |value: &[u64; N], over: &[u64; N]| {
            let inverse = field::invert::<C::Field, N>(over);
            field::leave::<C::Field, N>(&mul(value, &inverse)).to_vec()
        };
        Some([coordinate(&x, &over_x), coordinate(&y, &over_y)])
    }

    fn is_generator(&self, x: &[u64], montgomery: bool) -> bool {
        let x = limbs::<N>(x);
        C::generator().x == if montgomery { x } else { field::enter::<C::Field, N>(&x) }
    }

    fn is_constant(&self, scalar: &[u64]) -> bool {
        let mut power = limbs::<N>(scalar);
        // From d / R^3 to d * R^3.
        for _ in 0..3 {
            power = field::leave::<C::Order, N>(&power);
        }
        for _ in 0..7 {
            let negative = field::neg::<C::Order, N>(&power);
            if significant_bits(&power) <= 64 || significant_bits(&negative) <= 64 {
                return true;
            }
            power = field::enter::<C::Order, N>(&power);
        }
        false
    }
}

/// Bits from the highest to the lowest that is set.
fn significant_bits(number: &[u64]) -> u32 {
    let bit = |index: usize, inner: u32| 64 * index as u32 + inner;
    let lowest = number.iter().position(|limb| *limb != 0).map(|i| bit(i, number[i].trailing_zeros()));
    let highest = number.iter().rposition(|limb| *limb != 0).map(|i| bit(i, 64 - number[i].leading_zeros()));
    highest.zip(lowest).map_or(0, |(high, low)| high - low)
}

/// xorshift64*: numbers that are the same in each run.
#[cfg(test)]
pub(crate) fn random_numbers(seed: u64) -> impl Iterator<Item = u64> {
    let mut state = seed | 1;
    std::iter::repeat_with(move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.wrapping_mul(0x2545_f491_4f6c_dd1d)
    })
}
