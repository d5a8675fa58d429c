//! Which curves a process uses.
//!
//! To multiply the generators of all curves by all that looks random would be dear, and for most in vain: a process that holds
//! a private key of a curve holds other traces of the curve too. A public point with both coordinates shows itself by the
//! curve's equation; libraries that compute with numbers of any size hold the curve's order; and certificates say which
//! curve it is.

use crate::anchors::is_anchor;
use crate::curve::Group;
use crate::memory::Memory;
use crate::order::{Order, PYTHON};
use crate::search::{Context, Effort};
use crate::stretch::{Piece, Stretch, visit};
use crate::structure::View;
use crate::survey::{Looks, Number};
use keysweep_keys::secret::trim_leading_zeros;
use keysweep_keys::{Algorithm, Curve};
use std::cell::OnceCell;
use std::collections::{BTreeSet, VecDeque};
use std::sync::OnceLock;
use zeroize::Zeroizing;

/// What is known of the curves in a dump.
#[derive(Debug, Default)]
pub(super) struct Evidence {
    /// Curves in use.
    pub(super) curves: BTreeSet<Curve>,
    /// Those of which a point with both coordinates was seen, or is known.
    pub(super) points: BTreeSet<Curve>,
    /// Whether Ed448 or X448 is in use.
    pub(super) edwards448: bool,
}

impl Evidence {
    /// Looks at what is known and at what the survey noted, then for points.
    pub(super) fn collect(context: &Context<'_>, stretches: &[Stretch], spots: &[u64]) -> Self {
        let mut all = Self::default();
        for key in context.public {
            match key.algorithm {
                Algorithm::Ec(curve) if context.effort != Effort::Given && is_anchor(low_of_x(curve, &key.value)) => {
                    all.curves.insert(curve);
                }
                Algorithm::Ec(curve) => {
                    all.points.insert(curve);
                }
                Algorithm::Ed448 | Algorithm::X448 => all.edwards448 = true,
                _ => {}
            }
        }
        if context.effort == Effort::Given {
            all.curves.extend(&all.points);
            return all;
        }
        spots.iter().take(MAX_SPOTS).for_each(|spot| all.note_order(context.memory, *spot));
        let parts = visit(context.memory, stretches, context.jobs, Self::default, |part, piece| {
            part.note_points(piece, context.survey.is_one_number(piece.stretch.from, piece.stretch.to));
            part.edwards448 |= names_curve448(piece);
        });
        for part in parts {
            all.points.extend(part.points);
            all.curves.extend(part.curves);
            all.edwards448 |= part.edwards448;
        }
        all.note_numbers(context);
        for point in super::apart::points(context, |curve| !all.points.contains(&curve)) {
            all.note_point(point.curve, &point.x, &point.y, point.montgomery);
        }
        all.curves.extend(&all.points);
        all
    }

    /// The coordinates of a point as two numbers of structures near each other.
    fn note_numbers(&mut self, context: &Context<'_>) {
        let mut before: VecDeque<Coordinates<'_>> = VecDeque::with_capacity(MAX_NEAR + 1);
        let numbers = context.survey.numbers.iter().filter(|n| FIELD_BYTES.contains(&n.len)).take(MAX_NUMBERS);
        for number in numbers {
            let second = Coordinates { number, forms: OnceCell::new() };
            before.iter().filter(|first| first.is_near(number)).for_each(|first| {
                self.note_pair(first.forms(context.memory), second.forms(context.memory));
            });
            before.push_back(second);
            if before.len() > MAX_NEAR {
                before.pop_front();
            }
        }
    }

    fn note_pair(&mut self, first: &[(Curve, Vec<u64>)], second: &[(Curve, Vec<u64>)]) {
        for (curve, a) in first {
            let Some((_, b)) = second.iter().find(|(other, _)| other == curve) else { continue };
            if self.points.contains(curve) {
                continue;
            }
            // Which of the two is x depends on the order in which they were allocated.
            for montgomery in [false, true] {
                self.note_point(*curve, a, b, montgomery);
                self.note_point(*curve, b, a, montgomery);
            }
        }
    }

    fn note_order(&mut self, memory: &dyn Memory, spot: u64) {
        for constant in &constants().all {
            let Some(start) = spot.checked_sub(constant.key_at as u64) else { continue };
            if memory.bytes(start, constant.bytes.len()).is_some_and(|bytes| *bytes == constant.bytes) {
                self.curves.insert(constant.curve);
            }
        }
    }

    /// Looks for points in a piece. What is `whole`, one number by a structure, does not go on beyond it.
    fn note_points(&mut self, piece: &Piece<'_>, whole: bool) {
        let long = piece.to - piece.from > 8 * MAX_SHORT;
        for at in piece.from.saturating_sub(8)..piece.to {
            // Of a long run, where points in numbers are not looked for, only the ends.
            if long && at > piece.from + 8 * MAX_SHORT && at + 8 * MAX_SHORT < piece.to {
                continue;
            }
            if piece.bytes.get(at) == Some(&4) {
                self.note_encoded(&piece.bytes[at + 1..]);
            }
            if !long && at >= piece.from && (at - piece.from).is_multiple_of(8) {
                let end = if whole { piece.to } else { piece.bytes.len() };
                self.note_limbs(&piece.bytes[at..end], piece.to - at);
            }
        }
    }

    /// A point in SEC 1 encoding, after the byte 4.
    fn note_encoded(&mut self, bytes: &[u8]) {
        for curve in Curve::ALL {
            let size = curve.field_bytes();
            let Some(xy) = bytes.get(..2 * size) else { continue };
            if self.points.contains(&curve) || (curve == Curve::P521 && (xy[0] > 1 || xy[size] > 1)) {
                continue;
            }
            let group = Group::Ec(curve);
            let (x, y) = (big_limbs(&xy[..size], group), big_limbs(&xy[size..], group));
            self.note_point(curve, &x, &y, false);
        }
    }

    /// What may be the coordinates of a point. The generator is in the tables of every library, and shows only that the curve is
    /// known; so do the keys of certificate authorities.
    fn note_point(&mut self, curve: Curve, x: &[u64], y: &[u64], montgomery: bool) {
        let group = Group::Ec(curve);
        if group.contains(x, y, montgomery) {
            let common = group.is_generator(x, montgomery) || is_anchor(plain_low(group, x, montgomery));
            let set = if common { &mut self.curves } else { &mut self.points };
            set.insert(curve);
        }
    }

    /// The coordinates of a point side by side as limbs, plain or in Montgomery form.
    fn note_limbs(&mut self, bytes: &[u8], random: usize) {
        for curve in Curve::ALL {
            let group = Group::Ec(curve);
            let size = 8 * group.limbs();
            // The last word of P-521's coordinates does not look random.
            if self.points.contains(&curve) || bytes.len() < 2 * size || random < size.min(64) {
                continue;
            }
            let limbs: Vec<u64> = bytes[..2 * size]
                .chunks_exact(8)
                .map(|c| u64::from_le_bytes(c.try_into().unwrap_or_default()))
                .collect();
            let (x, y) = limbs.split_at(group.limbs());
            self.note_point(curve, x, y, false);
            self.note_point(curve, x, y, true);
        }
        if !self.points.contains(&Curve::Secp256k1) {
            self.note_digits(bytes);
        }
    }

    /// The coordinates of a point of secp256k1 side by side in five digits of 52 bits: libsecp256k1 and Rust's k256, which in
    /// builds with checks has a word for the magnitude between them.
    fn note_digits(&mut self, bytes: &[u8]) {
        for gap in [40, 48] {
            let (Some(x), Some(y)) = (bytes.get(..40), bytes.get(gap..gap + 40)) else { return };
            let narrow = |digits: &[u8]| digits.chunks_exact(8).all(|digit| digit[7] == 0 && digit[6] < 16);
            if !narrow(x) || !narrow(y) {
                continue;
            }
            let group = Group::Ec(Curve::Secp256k1);
            let (Some(x), Some(y)) = (DIGITS52.decode(x), DIGITS52.decode(y)) else { return };
            self.note_point(Curve::Secp256k1, &big_limbs(&x, group), &big_limbs(&y, group), false);
        }
    }
}

/// A number, and what it is as a coordinate on each curve that its length fits.
struct Coordinates<'a> {
    number: &'a Number,
    forms: OnceCell<Vec<(Curve, Vec<u64>)>>,
}

impl Coordinates<'_> {
    fn is_near(&self, later: &Number) -> bool {
        let number = self.number;
        later.offset - number.offset <= NEAR && later.len.abs_diff(number.len) <= 8 && later.order == number.order
    }

    fn forms(&self, memory: &dyn Memory) -> &[(Curve, Vec<u64>)] {
        self.forms.get_or_init(|| as_coordinates(memory, self.number))
    }
}

/// A number as a coordinate on each curve that its length fits.
pub(super) fn as_coordinates(memory: &dyn Memory, number: &Number) -> Vec<(Curve, Vec<u64>)> {
    let Some(value) = value(memory, number) else { return Vec::new() };
    Curve::ALL.into_iter().filter_map(|curve| Some((curve, coordinate(curve, &value)?))).collect()
}

/// The lowest limb of a coordinate.
fn plain_low(group: Group, x: &[u64], montgomery: bool) -> u64 {
    let mut x = x.to_vec();
    if montgomery {
        group.leave_montgomery_coordinate(&mut x);
    }
    x[0]
}

/// The lowest limb of `x` of a public key in SEC 1 encoding, compressed or not.
fn low_of_x(curve: Curve, point: &[u8]) -> u64 {
    point.get(1..=curve.field_bytes()).map_or(0, |x| big_limbs(x, Group::Ec(curve))[0])
}

/// Bytes of a number that may be a coordinate.
const FIELD_BYTES: std::ops::RangeInclusive<u32> = 28..=80;
/// Numbers of which pairs are looked at, the numbers after each, and the bytes between them.
const MAX_NUMBERS: usize = 50_000;
const MAX_NEAR: usize = 8;
const NEAR: u64 = 4096;

/// Five digits of 52 bits: field elements of secp256k1.
pub(super) const DIGITS52: Order = Order::Digits { bits: 52, bytes: 8 };
/// Nine digits of 58 bits: field elements of P-521.
pub(super) const DIGITS58: Order = Order::Digits { bits: 58, bytes: 8 };
/// Longest run, in words, in which points as bare limbs are looked for.
const MAX_SHORT: usize = 64;
/// Places of constants that are looked at.
const MAX_SPOTS: usize = 10_000;

/// The value of a number, the most significant byte first.
fn value(memory: &dyn Memory, number: &Number) -> Option<Zeroizing<Vec<u8>>> {
    number.order.decode(&memory.bytes(number.offset, number.len as usize)?)
}

/// The limbs of a value that may be a coordinate on a curve by its length.
fn coordinate(curve: Curve, value: &[u8]) -> Option<Vec<u64>> {
    let (value, size) = (trim_leading_zeros(value), curve.field_bytes());
    (size - 4..=size).contains(&value.len()).then(|| big_limbs(value, Group::Ec(curve)))
}

/// Big-endian bytes as limbs; what is too long is cut off at the front.
pub(super) fn big_limbs(bytes: &[u8], group: Group) -> Vec<u64> {
    let mut limbs: Vec<u64> =
        bytes.rchunks(8).map(|chunk| chunk.iter().fold(0, |limb, byte| limb << 8 | u64::from(*byte))).collect();
    limbs.resize(group.limbs(), 0);
    limbs
}

/// Whether a DER object identifier of Ed448 or X448 (RFC 8410) stands before a stretch.
fn names_curve448(piece: &Piece<'_>) -> bool {
    let before = &piece.bytes[piece.from.saturating_sub(24)..(piece.from + 8).min(piece.to)];
    before.windows(5).any(|w| matches!(w, [0x06, 0x03, 0x2b, 0x65, 0x6f | 0x71]))
}

/// The order of a curve as it lies in memory.
struct Constant {
    curve: Curve,
    bytes: Vec<u8>,
    /// Where in `bytes` the word lies that is looked for.
    key_at: usize,
}

struct Constants {
    all: Vec<Constant>,
    /// A set of the words' hashes.
    filter: [u64; 64],
}

fn slot(word: u64) -> usize {
    (word.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 52) as usize
}

fn constants() -> &'static Constants {
    static CONSTANTS: OnceLock<Constants> = OnceLock::new();
    CONSTANTS.get_or_init(|| {
        let mut constants = Constants { all: Vec::new(), filter: [0; 64] };
        for curve in Curve::ALL {
            let number: Vec<u8> = Group::Ec(curve).order().iter().rev().flat_map(|limb| limb.to_be_bytes()).collect();
            for order in [Order::Little, Order::BigWords32, PYTHON] {
                let bytes = order.encode(&number).to_vec();
                // The lower half of an order is as good as random. Words of 4 bytes may lie either way in those of 8.
                let keys = if order == Order::BigWords32 { [bytes.len() - 8, bytes.len() - 12] } else { [0, 4] };
                for key_at in keys {
                    let key = u64::from_le_bytes(bytes[key_at..key_at + 8].try_into().unwrap_or_default());
                    constants.filter[slot(key) >> 6] |= 1 << (slot(key) & 63);
                    constants.all.push(Constant { curve, bytes: bytes.clone(), key_at });
                }
            }
        }
        constants
    })
}

/// Notes where the order of a curve lies, for [`Evidence::collect`].
pub(super) fn spot(view: &View<'_>, looks: &Looks, spots: &mut Vec<u64>) {
    let (chunk, constants) = (view.chunk, constants());
    let mut noted = 0;
    for index in looks.words(|looks| looks.random) {
        let at = chunk.own.start + index;
        let slot = slot(view.word(at, 0).unwrap_or_default());
        if constants.filter[slot >> 6] >> (slot & 63) & 1 == 0 {
            continue;
        }
        let here =
            |c: &Constant| at.checked_sub(c.key_at).is_some_and(|from| chunk.bytes[from..].starts_with(&c.bytes));
        if noted < MAX_NOTED && constants.all.iter().any(here) {
            spots.push(view.offset(at));
            noted += 1;
        }
    }
}

/// Places noted in a chunk.
const MAX_NOTED: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;
    use keysweep_match::{Isa, WORDS_BYTES, look_at_words};

    /// Else the spots would not be looked at.
    #[test]
    fn the_words_by_which_an_order_is_found_look_random() {
        for constant in &constants().all {
            let mut block = [0; WORDS_BYTES];
            block[..8].copy_from_slice(&constant.bytes[constant.key_at..constant.key_at + 8]);
            assert_eq!(look_at_words(&block, Isa::Scalar).random, 1, "{:?} {}", constant.curve, constant.key_at);
        }
    }
}
