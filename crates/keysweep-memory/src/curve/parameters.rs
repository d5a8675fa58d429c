//! The curves: SEC 2, FIPS 186-4, RFC 5639, RFC 7748, RFC 8032.

use super::Derived;
use super::field::{self, Field};
use super::weierstrass::{Point, Weierstrass, invert_all};
use std::sync::OnceLock;

macro_rules! prime {
    ($name:ident, $limbs:tt, $p:expr $(, $step:path)?) => {
        #[derive(Clone, Copy)]
        pub(crate) struct $name;
        impl Field<$limbs> for $name {
            const P: [u64; $limbs] = $p;
            $(
                #[inline(always)]
                fn step(t: [u64; $limbs], next: u64) -> ([u64; $limbs], u64) {
                    $step(t, next)
                }
            )?
        }
        impl keysweep_match::lanes::Prime<$limbs> for $name {
            const PRIME: [u64; $limbs] = $p;
        }
    };
}

/// The digits of a field, and how many vectors are computed with at a time: more of few digits.
macro_rules! vectors {
    ($field:ty, 4) => { super::chain::Ifma<$field, 5, 2> };
    ($field:ty, 6) => { super::chain::Ifma<$field, 8, 1> };
    ($field:ty, 7) => { super::chain::Ifma<$field, 9, 1> };
    ($field:ty, 9) => { super::chain::Ifma<$field, 11, 1> };
}

/// A number of `N` limbs from big-endian hexadecimal digits.
const fn limbs<const N: usize>(hex: &str) -> [u64; N] {
    let hex = hex.as_bytes();
    let mut value = [0; N];
    let mut i = 0;
    while i < hex.len() {
        let digit = hex[hex.len() - 1 - i];
        let digit = if digit <= b'9' { digit - b'0' } else { digit - b'a' + 10 };
        value[i / 16] |= (digit as u64) << (4 * (i % 16));
        i += 1;
    }
    value
}

macro_rules! curve {
    ($name:ident, $limbs:tt, $bits:literal, p $p:literal, n $n:literal, a $a:literal, b $b:literal, x $x:literal, y $y:literal $(, step $step:path)?) => {
        #[derive(Clone, Copy)]
        pub(crate) struct $name;
        const _: () = {
            prime!(P, $limbs, limbs($p) $(, $step)?);
            prime!(Order, $limbs, limbs($n));
            impl Weierstrass<$limbs> for $name {
                type Field = P;
                type Order = Order;
                type Vectors = vectors!(P, $limbs);
                const BITS: u32 = $bits;
                fn a() -> [u64; $limbs] {
                    static A: OnceLock<[u64; $limbs]> = OnceLock::new();
                    *A.get_or_init(|| field::enter::<P, $limbs>(&limbs($a)))
                }
                fn b() -> [u64; $limbs] {
                    static B: OnceLock<[u64; $limbs]> = OnceLock::new();
                    *B.get_or_init(|| field::enter::<P, $limbs>(&limbs($b)))
                }
                fn generator() -> Point<$limbs> {
                    Point { x: field::enter::<P, $limbs>(&limbs($x)), y: field::enter::<P, $limbs>(&limbs($y)) }
                }
            }
        };
    };
}

curve!(
    P256, 4, 256,
    p "ffffffff00000001000000000000000000000000ffffffffffffffffffffffff",
    n "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551",
    a "ffffffff00000001000000000000000000000000fffffffffffffffffffffffc",
    b "5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604b",
    x "6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296",
    y "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5",
    step field::p256_step
);
curve!(
    P384, 6, 384,
    p "fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffeffffffff0000000000000000ffffffff",
    n "ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973",
    a "fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffeffffffff0000000000000000fffffffc",
    b "b3312fa7e23ee7e4988e056be3f82d19181d9c6efe8141120314088f5013875ac656398d8a2ed19d2a85c8edd3ec2aef",
    x "aa87ca22be8b05378eb1c71ef320ad746e1d3b628ba79b9859f741e082542a385502f25dbf55296c3a545e3872760ab7",
    y "3617de4a96262c6f5d9e98bf9292dc29f8f41dbd289a147ce9da3113b5f0b8c00a60b1ce1d7e819d7a431d7c90ea0e5f"
);
curve!(
    P521, 9, 521,
    p "1ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    n "1fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409",
    a "1fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffc",
    b "51953eb9618e1c9a1f929a21a0b68540eea2da725b99b315f3b8b489918ef109e156193951ec7e937b1652c0bd3bb1bf073573df883d2c34f1ef451fd46b503f00",
    x "c6858e06b70404e9cd9e3ecb662395b4429c648139053fb521f828af606b4d3dbaa14b5e77efe75928fe1dc127a2ffa8de3348b3c1856a429bf97e7e31c2e5bd66",
    y "11839296a789a3bc0045c8a5fb42c7d1bd998f54449579b446817afbd17273e662c97ee72995ef42640c550b9013fad0761353c7086a272c24088be94769fd16650",
    step field::p521_step
);
curve!(
    Secp256k1, 4, 256,
    p "fffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc2f",
    n "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141",
    a "0",
    b "7",
    x "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798",
    y "483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8"
);
curve!(
    BrainpoolP256r1, 4, 256,
    p "a9fb57dba1eea9bc3e660a909d838d726e3bf623d52620282013481d1f6e5377",
    n "a9fb57dba1eea9bc3e660a909d838d718c397aa3b561a6f7901e0e82974856a7",
    a "7d5a0975fc2c3057eef67530417affe7fb8055c126dc5c6ce94a4b44f330b5d9",
    b "26dc5c6ce94a4b44f330b5d9bbd77cbf958416295cf7e1ce6bccdc18ff8c07b6",
    x "8bd2aeb9cb7e57cb2c4b482ffc81b7afb9de27e1e3bd23c23a4453bd9ace3262",
    y "547ef835c3dac4fd97f8461a14611dc9c27745132ded8e545c1d54c72f046997"
);
curve!(
    BrainpoolP384r1, 6, 384,
    p "8cb91e82a3386d280f5d6f7e50e641df152f7109ed5456b412b1da197fb71123acd3a729901d1a71874700133107ec53",
    n "8cb91e82a3386d280f5d6f7e50e641df152f7109ed5456b31f166e6cac0425a7cf3ab6af6b7fc3103b883202e9046565",
    a "7bc382c63d8c150c3c72080ace05afa0c2bea28e4fb22787139165efba91f90f8aa5814a503ad4eb04a8c7dd22ce2826",
    b "4a8c7dd22ce28268b39b55416f0447c2fb77de107dcd2a62e880ea53eeb62d57cb4390295dbc9943ab78696fa504c11",
    x "1d1c64f068cf45ffa2a63a81b7c13f6b8847a3e77ef14fe3db7fcafe0cbd10e8e826e03436d646aaef87b2e247d4af1e",
    y "8abe1d7520f9c2a45cb1eb8e95cfd55262b70b29feec5864e19c054ff99129280e4646217791811142820341263c5315"
);
prime!(P25519, 4, limbs("7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffed"));
prime!(Order25519, 4, limbs("1000000000000000000000000000000014def9dea2f79cd65812631a5cf5d3ed"));

/// Curve25519 in short Weierstrass form: `x = u + A / 3`, `A` = 486662.
#[derive(Clone, Copy)]
pub(crate) struct Curve25519;

impl Curve25519 {
    /// `A / 3`.
    pub(crate) fn shift() -> [u64; 4] {
        let third = field::invert::<P25519, 4>(&field::small::<P25519, 4>(3));
        field::mul::<P25519, 4>(&field::small::<P25519, 4>(486_662), &third)
    }
}

impl Weierstrass<4> for Curve25519 {
    type Field = P25519;
    type Order = Order25519;
    type Vectors = vectors!(P25519, 4);
    const BITS: u32 = 255;

    fn a() -> [u64; 4] {
        // (3 - A^2) / 3 = 1 - 3 (A / 3)^2.
        let shift = Self::shift();
        let square = field::mul::<P25519, 4>(&shift, &shift);
        let three = field::small::<P25519, 4>(3);
        field::sub::<P25519, 4>(&P25519::ONE, &field::mul::<P25519, 4>(&three, &square))
    }

    fn b() -> [u64; 4] {
        // 2 (A / 3)^3 - A / 3.
        let shift = Self::shift();
        let square = field::mul::<P25519, 4>(&shift, &shift);
        let cube = field::mul::<P25519, 4>(&square, &shift);
        field::sub::<P25519, 4>(&field::add::<P25519, 4>(&cube, &cube), &shift)
    }

    fn generator() -> Point<4> {
        Point {
            x: field::add::<P25519, 4>(&field::small::<P25519, 4>(9), &Self::shift()),
            y: field::enter::<P25519, 4>(&limbs("20ae19a1b8a086b4e01edd2c7748d14c923d4d7e6d7c61b229e9c5a27eced3d9")),
        }
    }

    fn coordinates(points: &[Point<4>], derived: &mut Derived) {
        let shift = Self::shift();
        let us: Vec<_> = points.iter().map(|point| field::sub::<P25519, 4>(&point.x, &shift)).collect();
        for ((point, u), y) in points.iter().zip(&us).zip(edwards_y::<P25519, 4>(&us)) {
            let there = !point.is_neutral();
            derived.first.extend(if there { field::leave::<P25519, 4>(&y) } else { [0; 4] });
            derived.second.extend(if there { field::leave::<P25519, 4>(u) } else { [0; 4] });
        }
    }
}

prime!(
    P448,
    7,
    limbs(
        "fffffffffffffffffffffffffffffffffffffffffffffffffffffffeffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
    )
);
prime!(
    Order448,
    7,
    limbs(
        "3fffffffffffffffffffffffffffffffffffffffffffffffffffffff7cca23e9c44edb49aed63690216cc2728dc58f552378c292ab5844f3"
    )
);

/// The Edwards curve of Ed448, in short Weierstrass form by way of the Montgomery curve that is birationally equivalent to
/// it: `u = (1 + y) / (1 - y)`, `x = (u + A / 3) / B` with `A = 2 (1 + d) / (1 - d)` and `B = 4 / (1 - d)`.
#[derive(Clone, Copy)]
pub(crate) struct Edwards448;

impl Edwards448 {
    /// `d` = -39081.
    pub(crate) fn d() -> [u64; 7] {
        field::neg::<P448, 7>(&field::small::<P448, 7>(39_081))
    }

    /// `A / 3` and `B`.
    pub(crate) fn montgomery() -> ([u64; 7], [u64; 7]) {
        let (plus, minus) =
            (field::add::<P448, 7>(&P448::ONE, &Self::d()), field::sub::<P448, 7>(&P448::ONE, &Self::d()));
        let b = field::mul::<P448, 7>(&field::small::<P448, 7>(4), &field::invert::<P448, 7>(&minus));
        // A = B (1 + d) / 2.
        let sixth = field::invert::<P448, 7>(&field::small::<P448, 7>(6));
        (field::mul::<P448, 7>(&field::mul::<P448, 7>(&b, &plus), &sixth), b)
    }
}

impl Weierstrass<7> for Edwards448 {
    type Field = P448;
    type Order = Order448;
    type Vectors = vectors!(P448, 7);
    const BITS: u32 = 448;

    fn a() -> [u64; 7] {
        // (1 - 3 (A / 3)^2) / B^2.
        let (third, b) = Self::montgomery();
        let square = field::mul::<P448, 7>(&third, &third);
        let top = field::sub::<P448, 7>(&P448::ONE, &field::mul::<P448, 7>(&field::small::<P448, 7>(3), &square));
        let inverse = field::invert::<P448, 7>(&b);
        field::mul::<P448, 7>(&top, &field::mul::<P448, 7>(&inverse, &inverse))
    }

    fn b() -> [u64; 7] {
        // (2 (A / 3)^3 - A / 3) / B^3.
        let (third, b) = Self::montgomery();
        let square = field::mul::<P448, 7>(&third, &third);
        let cube = field::mul::<P448, 7>(&square, &third);
        let top = field::sub::<P448, 7>(&field::add::<P448, 7>(&cube, &cube), &third);
        let inverse = field::invert::<P448, 7>(&b);
        let inverse_square = field::mul::<P448, 7>(&inverse, &inverse);
        field::mul::<P448, 7>(&top, &field::mul::<P448, 7>(&inverse, &inverse_square))
    }

    fn generator() -> Point<7> {
        let (third, b) = Self::montgomery();
        let x = field::enter::<P448, 7>(&limbs(
            "4f1970c66bed0ded221d15a622bf36da9e146570470f1767ea6de324a3d3a46412ae1af72ab66511433b80e18b00938e2626a82bc70cc05e",
        ));
        let y = field::enter::<P448, 7>(&limbs(
            "693f46716eb6bc248876203756c9c7624bea73736ca3984087789c1e05a0c2d73ad3ff1ce67c39c4fdbd132c4ed7c8ad9808795bf230fa14",
        ));
        let up = field::add::<P448, 7>(&P448::ONE, &y);
        let u = field::mul::<P448, 7>(&up, &field::invert::<P448, 7>(&field::sub::<P448, 7>(&P448::ONE, &y)));
        let v = field::mul::<P448, 7>(&u, &field::invert::<P448, 7>(&x));
        let inverse = field::invert::<P448, 7>(&b);
        Point {
            x: field::mul::<P448, 7>(&field::add::<P448, 7>(&u, &third), &inverse),
            y: field::mul::<P448, 7>(&v, &inverse),
        }
    }
    fn coordinates(points: &[Point<7>], derived: &mut Derived) {
        let mul = field::mul::<P448, 7>;
        let (third, b) = Self::montgomery();
        let us: Vec<_> = points.iter().map(|point| field::sub::<P448, 7>(&mul(&point.x, &b), &third)).collect();
        let ys = edwards_y::<P448, 7>(&us);
        // The 4-isogeny of RFC 7748 section 4.2 maps to u = (y / x)^2, and x^2 = (1 - y^2) / (1 - d y^2).
        let squares: Vec<_> = ys.iter().map(|y| mul(y, y)).collect();
        let mut inverses: Vec<_> = squares.iter().map(|square| field::sub::<P448, 7>(&P448::ONE, square)).collect();
        invert_all::<P448, 7>(&mut inverses);
        for (((point, y), square), inverse) in points.iter().zip(&ys).zip(&squares).zip(&inverses) {
            let there = !point.is_neutral();
            let top = mul(square, &field::sub::<P448, 7>(&P448::ONE, &mul(&Self::d(), square)));
            derived.first.extend(if there { field::leave::<P448, 7>(y) } else { [0; 7] });
            derived.second.extend(if there { field::leave::<P448, 7>(&mul(&top, inverse)) } else { [0; 7] });
        }
    }
}

/// `y = (u - 1) / (u + 1)` of the Edwards curves that are birationally equivalent to the Montgomery curves.
fn edwards_y<F: Field<N>, const N: usize>(us: &[[u64; N]]) -> Vec<[u64; N]> {
    let mut inverses: Vec<_> = us.iter().map(|u| field::add::<F, N>(u, &F::ONE)).collect();
    invert_all::<F, N>(&mut inverses);
    us.iter().zip(inverses).map(|(u, inverse)| field::mul::<F, N>(&field::sub::<F, N>(u, &F::ONE), &inverse)).collect()
}
