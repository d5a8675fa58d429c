//! Against big integers and the textbook's formulas.

use super::*;
use num_bigint::BigUint;

#[derive(Clone, Copy)]
struct P256;
impl Prime<4> for P256 {
    const PRIME: [u64; 4] = [u64::MAX, 0xffff_ffff, 0, 0xffff_ffff_0000_0001];
}

#[derive(Clone, Copy)]
struct Secp256k1;
impl Prime<4> for Secp256k1 {
    const PRIME: [u64; 4] = [0xffff_fffe_ffff_fc2f, u64::MAX, u64::MAX, u64::MAX];
}

/// 2^255 - 19.
#[derive(Clone, Copy)]
struct Small;
impl Prime<4> for Small {
    const PRIME: [u64; 4] = [u64::MAX - 18, u64::MAX, u64::MAX, u64::MAX >> 1];
}

#[derive(Clone, Copy)]
struct P384;
impl Prime<6> for P384 {
    const PRIME: [u64; 6] = [0xffff_ffff, 0xffff_ffff_0000_0000, u64::MAX - 1, u64::MAX, u64::MAX, u64::MAX];
}

/// 2^448 - 2^224 - 1.
#[derive(Clone, Copy)]
struct P448;
impl Prime<7> for P448 {
    const PRIME: [u64; 7] = [u64::MAX, u64::MAX, u64::MAX, 0xffff_fffe_ffff_ffff, u64::MAX, u64::MAX, u64::MAX];
}

/// 2^521 - 1.
#[derive(Clone, Copy)]
struct P521;
impl Prime<9> for P521 {
    const PRIME: [u64; 9] = [u64::MAX, u64::MAX, u64::MAX, u64::MAX, u64::MAX, u64::MAX, u64::MAX, u64::MAX, 0x1ff];
}

fn number(limbs: &[u64]) -> BigUint {
    BigUint::from_slice(&limbs.iter().flat_map(|l| [*l as u32, (*l >> 32) as u32]).collect::<Vec<_>>())
}

fn to_limbs<const N: usize>(number: &BigUint) -> [u64; N] {
    let digits = number.to_u64_digits();
    std::array::from_fn(|i| digits.get(i).copied().unwrap_or(0))
}

/// The field, with numbers as they are.
struct Naive<const D: usize> {
    p: BigUint,
}

impl<const D: usize> Naive<D> {
    fn new<P: Prime<N>, const N: usize>() -> Self {
        Self { p: number(&P::PRIME) }
    }

    fn inverse(&self, a: &BigUint) -> BigUint {
        a.modpow(&(&self.p - 2u32), &self.p)
    }

    fn sub(&self, a: &BigUint, b: &BigUint) -> BigUint {
        (a + &self.p - b) % &self.p
    }

    fn add(&self, a: &(BigUint, BigUint), b: &(BigUint, BigUint)) -> (BigUint, BigUint) {
        let slope = self.sub(&b.1, &a.1) * self.inverse(&self.sub(&b.0, &a.0)) % &self.p;
        let x = self.sub(&self.sub(&(&slope * &slope % &self.p), &a.0), &b.0);
        let y = self.sub(&(slope * self.sub(&a.0, &x) % &self.p), &a.1);
        (x, y)
    }

    fn enter<const N: usize>(&self, point: &(BigUint, BigUint)) -> LanePoint<N> {
        let enter = |n: &BigUint| to_limbs(&((n << (52 * D)) % &self.p));
        LanePoint { x: enter(&point.0), y: enter(&point.1) }
    }

    /// The inversion that [`Sums::add`] asks for.
    fn invert<const N: usize>(&self, numbers: &mut [[u64; N]]) {
        for n in numbers {
            *n = to_limbs(&((self.inverse(&number(n)) << (104 * D)) % &self.p));
        }
    }
}

fn random(seed: u64) -> impl Iterator<Item = u64> {
    let mut state = seed | 1;
    std::iter::repeat_with(move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.wrapping_mul(0x2545_f491_4f6c_dd1d)
    })
}

/// Additions need no curve: each pair of points with different `x` has a slope.
fn sums_are_those_of_the_textbook<P: Prime<N>, const N: usize, const D: usize, const K: usize>() {
    if !available() {
        return;
    }
    let naive = Naive::<D>::new::<P, N>();
    let mut numbers = random(7);
    let mut point = || {
        let mut number = || number(&numbers.by_ref().take(N).collect::<Vec<_>>()) % &naive.p;
        (number(), number())
    };
    let mut row: Vec<_> = (0..30).map(|_| point()).collect();
    // At the edges of the field.
    row.push((BigUint::from(0u32), &naive.p - 1u32));
    row.push((&naive.p - 1u32, BigUint::from(1u32)));
    let start = point();
    row.push(start.clone());
    let packed: Vec<LanePoint<N>> = row.iter().map(|p| naive.enter(p)).collect();
    for count in [1, 7, 8, 9, 40] {
        let mut sums = Sums::<P, N, D, K>::new(count, &naive.enter(&start));
        let mut expected = vec![start.clone(); count];
        let mut room = Room::default();
        let mut steps = random(count as u64);
        for step in 0..12 {
            let digits: Vec<i16> = steps.by_ref().take(count).map(|n| (n % 65) as i16 - 32).collect();
            let mut left = Vec::new();
            let before = Sums::<P, N, D, K> { x: sums.x.clone(), y: sums.y.clone(), prime: sums.prime };
            sums.add(&packed, &digits, &mut room, &|n| naive.invert(n), &mut left);
            for (i, digit) in digits.iter().enumerate() {
                let Some(index) = usize::from(digit.unsigned_abs()).checked_sub(1) else { continue };
                let mut term = row[index].clone();
                if *digit < 0 {
                    term.1 = naive.sub(&BigUint::from(0u32), &term.1);
                }
                assert_eq!(left.contains(&i), term.0 == expected[i].0, "{step} {i}");
                if term.0 != expected[i].0 {
                    expected[i] = naive.add(&expected[i], &term);
                }
            }
            for (i, sum) in expected.iter().enumerate() {
                assert_eq!(sums.get(i), naive.enter(sum), "{count} {step} {i}");
            }
            // What was added to one of them is found again, and nothing else.
            let wanted = (0..count).find(|i| digits[*i] > 0 && !left.contains(i));
            if let Some(wanted) = wanted {
                let point = packed[digits[wanted] as usize - 1];
                let mut found = Vec::new();
                sums.differ_by(&before, &point, count, &mut found);
                let same = |i: &usize| digits[*i] == digits[wanted] && !left.contains(i);
                assert_eq!(found, (0..count).filter(same).collect::<Vec<_>>(), "{count} {step}");
            }
        }
        // Written out as they are, and with a factor; and read again.
        let mut out = vec![packed[0]; count];
        sums.export(&to_limbs(&((BigUint::from(1u32) << (52 * D)) % &naive.p)), &mut out);
        let read = Sums::<P, N, D, K>::of(&out);
        assert!((0..count).all(|i| out[i] == sums.get(i) && read.get(i) == out[i]), "{count}");
        let factor = &naive.p - 3u32;
        sums.export(&to_limbs(&factor), &mut out);
        let times = |n: &BigUint| to_limbs(&(n * &factor % &naive.p));
        assert!(out.iter().zip(&expected).all(|(o, (x, y))| *o == LanePoint { x: times(x), y: times(y) }), "{count}");
        let mut copy = Sums::<P, N, D, K>::new(count, &packed[0]);
        copy.copy(&sums, count);
        assert_eq!(copy.get(count - 1), sums.get(count - 1));
        copy.restart(count, &packed[1]);
        assert_eq!(copy.get(count - 1), packed[1]);
    }
}

#[test]
fn sums_over_the_field_of_p256() {
    sums_are_those_of_the_textbook::<P256, 4, 5, 2>();
    sums_are_those_of_the_textbook::<P256, 4, 5, 1>();
}

#[test]
fn sums_over_the_field_of_secp256k1() {
    sums_are_those_of_the_textbook::<Secp256k1, 4, 5, 2>();
}

#[test]
fn sums_over_a_field_of_255_bits() {
    sums_are_those_of_the_textbook::<Small, 4, 5, 2>();
}

#[test]
fn sums_over_larger_fields() {
    sums_are_those_of_the_textbook::<P384, 6, 8, 1>();
    sums_are_those_of_the_textbook::<P448, 7, 9, 1>();
    sums_are_those_of_the_textbook::<P521, 9, 11, 1>();
}

#[test]
fn digits_and_limbs_are_the_same_number() {
    let limbs_of = |seed| -> [u64; 9] { random(seed).take(9).collect::<Vec<_>>().try_into().unwrap() };
    for seed in 1..100 {
        let mut number = limbs_of(seed);
        number[8] &= 0x1ff;
        assert_eq!(limbs::<9, 11>(&digits(&number)), number);
        let six: [u64; 6] = number[..6].try_into().unwrap();
        assert_eq!(limbs::<6, 8>(&digits(&six)), six);
    }
}
