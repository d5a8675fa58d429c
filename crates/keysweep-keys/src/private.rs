//! The numbers of a private key, and their proof.
//!
//! A decoder reads numbers out of its format and hands them to [`PrivateKey::prove`], which says whether they really are
//! a private key, which public key belongs to them, and what was checked. Numbers that contradict each other are no key.

use crate::bignum;
use crate::effort;
use crate::public::bit_length;
use crate::{Algorithm, Curve, Proof, PublicKey, Secret};
use elliptic_curve::sec1::{FromSec1Point, ModulusSize, ToSec1Point};
use elliptic_curve::{AffinePoint, CurveArithmetic, FieldBytesSize};

/// Smallest RSA modulus and DSA/DH prime that counts as a key, in bits.
pub const MIN_BITS: u32 = 384;
/// Largest RSA modulus and DSA/DH prime that is looked at, in bits.
pub const MAX_BITS: u32 = 16_384;
/// Largest modulus for which a proof by exponentiation is tried, in bits: it bounds what a hostile file can cost.
const MAX_POWER_BITS: u32 = 8_192;

/// Largest order of a DSA subgroup, in bits: twice what FIPS 186 has.
const MAX_ORDER_BITS: u32 = 512;

/// The numbers of an RSA key, big-endian. Leading zeros do not matter.
#[derive(Clone, Debug)]
pub struct RsaNumbers {
    /// Modulus.
    pub n: Vec<u8>,
    /// Public exponent.
    pub e: Vec<u8>,
    /// Private exponent, if the format has it.
    pub d: Option<Secret>,
    /// The primes, two or more, if the format has them; otherwise empty.
    pub primes: Vec<Secret>,
}

/// The numbers of a private key.
#[derive(Clone, Debug)]
pub enum PrivateKey {
    /// RSA.
    Rsa(RsaNumbers),
    /// EC on a known curve.
    Ec {
        /// The curve.
        curve: Curve,
        /// The scalar, big-endian.
        d: Secret,
        /// The SEC 1 point the format stores beside it, compressed or not.
        public: Option<Vec<u8>>,
    },
    /// Ed25519, Ed448, X25519 or X448 (RFC 8032 and RFC 7748).
    Okp {
        /// Which one; another algorithm is no key.
        algorithm: Algorithm,
        /// The seed (Ed) or scalar (X), as the RFC orders its bytes.
        seed: Secret,
        /// The public key the format stores beside it.
        public: Option<Vec<u8>>,
    },
    /// An Ed25519 secret in expanded form: the clamped scalar (and the prefix, which no proof needs), as Tor and some
    /// libraries store it; with a stored public key, the scalar may be reduced modulo the order too.
    Ed25519Expanded {
        /// The 32-byte scalar, little-endian.
        scalar: Secret,
        /// The public key the format stores beside it.
        public: Option<Vec<u8>>,
    },
    /// DSA.
    Dsa {
        /// Prime modulus.
        p: Vec<u8>,
        /// Prime order of the subgroup.
        q: Vec<u8>,
        /// Generator.
        g: Vec<u8>,
        /// Public value, if the format has it.
        y: Option<Vec<u8>>,
        /// Private value.
        x: Secret,
    },
    /// Finite-field Diffie-Hellman or ElGamal: `y = g^x mod p`.
    Dh {
        /// Prime modulus.
        p: Vec<u8>,
        /// Generator.
        g: Vec<u8>,
        /// Public value, if the format has it.
        y: Option<Vec<u8>>,
        /// Private value.
        x: Secret,
    },
}

/// The outcome of a proof that did not fail.
#[derive(Debug, Clone)]
pub struct Proved {
    /// The public half, stored or derived.
    pub public: PublicKey,
    /// What was checked.
    pub proof: Proof,
}

/// The numbers are not a private key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotAKey {
    /// A number is zero, out of range, or of a size no key has.
    #[error("a number is out of range")]
    OutOfRange,
    /// The private numbers do not belong to the public ones.
    #[error("the private and public numbers contradict each other")]
    Contradiction,
    /// This algorithm has no such key.
    #[error("the algorithm has no such key")]
    Unsupported,
}

impl PrivateKey {
    /// Proves that the numbers are a private key and names its public half.
    ///
    /// # Errors
    ///
    /// If the numbers cannot be a key or contradict each other.
    pub fn prove(&self) -> Result<Proved, NotAKey> {
        match self {
            PrivateKey::Rsa(numbers) => prove_rsa(numbers),
            PrivateKey::Ec { curve, d, public } => prove_ec(*curve, d, public.as_deref()),
            PrivateKey::Okp { algorithm, seed, public } => prove_okp(algorithm, seed, public.as_deref()),
            PrivateKey::Ed25519Expanded { scalar, public } => prove_ed25519_expanded(scalar, public.as_deref()),
            PrivateKey::Dsa { p, q, g, y, x } => {
                subgroup(p, q, x)?;
                let y = discrete_log_public(p, g, x, y.as_deref())?;
                Ok(Proved { public: PublicKey::dsa(p, q, g, &y.value), proof: y.proof })
            }
            PrivateKey::Dh { p, g, y, x } => {
                let y = discrete_log_public(p, g, x, y.as_deref())?;
                Ok(Proved { public: PublicKey::dh(p, g, &y.value), proof: y.proof })
            }
        }
    }
}

fn prove_rsa(key: &RsaNumbers) -> Result<Proved, NotAKey> {
    let bits = bit_length(&key.n);
    if !(MIN_BITS..=MAX_BITS).contains(&bits) || key.n.last().is_none_or(|b| b % 2 == 0) {
        return Err(NotAKey::OutOfRange);
    }
    let e_bits = bit_length(&key.e);
    if !(2..=bits).contains(&e_bits) || key.e.last().is_none_or(|b| b % 2 == 0) {
        return Err(NotAKey::OutOfRange);
    }
    let public = PublicKey::rsa(&key.n, &key.e);
    let statement = if key.primes.is_empty() { prove_rsa_exponent(key, bits)? } else { prove_rsa_primes(key)? };
    Ok(Proved { public, proof: Proof::proven(statement) })
}

/// The primes multiply to the modulus; with them any private exponent can be computed, so that a damaged or missing
/// `d` does not matter.
fn prove_rsa_primes(key: &RsaNumbers) -> Result<String, NotAKey> {
    let n = bignum::number(&key.n);
    effort::products(bit_length(&key.n));
    let mut product = bignum::number(&[1]);
    let mut total_bits = 0;
    for prime in &key.primes {
        let bits = bit_length(prime);
        total_bits += bits;
        if bits < 16 || total_bits > MAX_BITS + 8 {
            return Err(NotAKey::OutOfRange);
        }
        product = bignum::product(&product, &bignum::number(prime));
    }
    if key.primes.len() < 2 || bignum::to_bytes(&product) != bignum::to_bytes(&n) {
        return Err(NotAKey::Contradiction);
    }
    let inverse = key.d.as_ref().filter(|d| !d.is_zero() && d.len() <= key.n.len() + 8).is_some_and(|d| {
        let de = bignum::product(&bignum::number(d), &bignum::number(&key.e));
        key.primes.iter().all(|prime| {
            let order = bignum::minus_one(&bignum::number(prime));
            bignum::remainder(&de, &order).is_some_and(|r| bignum::to_bytes(&r).as_slice() == [1])
        })
    });
    let product = if key.primes.len() == 2 {
        "p * q = n".into()
    } else {
        format!("the {} primes multiply to n", key.primes.len())
    };
    Ok(if inverse { format!("{product} and d * e = 1 modulo each prime less one") } else { product })
}

/// Without primes: `d` undoes `e` on two bases.
fn prove_rsa_exponent(key: &RsaNumbers, bits: u32) -> Result<String, NotAKey> {
    let d = key.d.as_ref().ok_or(NotAKey::Unsupported)?;
    // A random number below n passes no base; a tiny d would only pass for a tiny e (d = e = 1).
    if bit_length(d) < bits / 8 || bit_length(d) > bits || bits > MAX_POWER_BITS {
        return Err(NotAKey::OutOfRange);
    }
    let (n, e, d) = (bignum::number(&key.n), bignum::number(&key.e), bignum::number(d));
    for base in [2u8, 3] {
        let base = bignum::number(&[base]);
        let there = bignum::power(&base, &e, &n).ok_or(NotAKey::OutOfRange)?;
        let back = bignum::power(&there, &d, &n).ok_or(NotAKey::OutOfRange)?;
        if bignum::to_bytes(&back) != bignum::to_bytes(&base) {
            return Err(NotAKey::Contradiction);
        }
    }
    Ok("(2^e)^d = 2 and (3^e)^d = 3 modulo n".into())
}

fn prove_ec(curve: Curve, d: &Secret, public: Option<&[u8]>) -> Result<Proved, NotAKey> {
    let derived = ec_public(curve, d).ok_or(NotAKey::OutOfRange)?;
    let key = PublicKey::ec(curve, &derived).ok_or(NotAKey::OutOfRange)?;
    let proof = match public {
        None => Proof::parsed("the scalar is in range; the public point was derived from it"),
        Some(stored) if same_point(&derived, stored) => Proof::proven("d * G = Q for the stored public point"),
        Some(_) => return Err(NotAKey::Contradiction),
    };
    Ok(Proved { public: key, proof })
}

/// `d * G` as an uncompressed SEC 1 point; `None` unless `0 < d < n`.
pub fn ec_public(curve: Curve, d: &[u8]) -> Option<Vec<u8>> {
    effort::point(curve.bits());
    match curve {
        Curve::P256 => multiply::<p256::NistP256>(curve, d),
        Curve::P384 => multiply::<p384::NistP384>(curve, d),
        Curve::P521 => multiply::<p521::NistP521>(curve, d),
        Curve::Secp256k1 => multiply::<k256::Secp256k1>(curve, d),
        Curve::BrainpoolP256r1 => multiply::<bp256::BrainpoolP256r1>(curve, d),
        Curve::BrainpoolP384r1 => multiply::<bp384::BrainpoolP384r1>(curve, d),
    }
}

fn multiply<C>(curve: Curve, d: &[u8]) -> Option<Vec<u8>>
where
    C: CurveArithmetic,
    AffinePoint<C>: FromSec1Point<C> + ToSec1Point<C>,
    FieldBytesSize<C>: ModulusSize,
{
    let size = curve.field_bytes();
    let d = crate::secret::trim_leading_zeros(d);
    let mut padded = zeroize::Zeroizing::new(vec![0; size]);
    padded[size.checked_sub(d.len())?..].copy_from_slice(d);
    let secret = elliptic_curve::SecretKey::<C>::from_slice(&padded).ok()?;
    Some(secret.public_key().to_sec1_point(false).as_bytes().to_vec())
}

/// Whether `stored` (compressed, uncompressed or hybrid) is the uncompressed point `derived`.
fn same_point(derived: &[u8], stored: &[u8]) -> bool {
    let (Some((&tag, coordinates)), Some((_, xy))) = (stored.split_first(), derived.split_first()) else {
        return false;
    };
    let (x, y) = xy.split_at(xy.len() / 2);
    let parity = y.last().map_or(0, |b| b & 1);
    match tag {
        4 => coordinates == xy,
        2 | 3 => coordinates == x && tag == 2 + parity,
        6 | 7 => coordinates == xy && tag == 6 + parity,
        _ => false,
    }
}

fn prove_okp(algorithm: &Algorithm, seed: &Secret, public: Option<&[u8]>) -> Result<Proved, NotAKey> {
    // All-equal bytes are never a generated key but often an empty buffer.
    if seed.windows(2).all(|w| w[0] == w[1]) {
        return Err(NotAKey::OutOfRange);
    }
    let derived = okp_public(algorithm, seed)?;
    let noun = if matches!(algorithm, Algorithm::Ed25519 | Algorithm::Ed448) { "seed" } else { "scalar" };
    let proof = match public {
        None => Proof::parsed(format!("the {noun} has the right length; the public key was derived from it")),
        Some(stored) if stored == derived => Proof::proven(format!("the {noun} yields the stored public key")),
        Some(_) => return Err(NotAKey::Contradiction),
    };
    let public = PublicKey::okp(algorithm.clone(), &derived).ok_or(NotAKey::Unsupported)?;
    Ok(Proved { public, proof })
}

/// The public key of an Ed25519, Ed448, X25519 or X448 private key.
///
/// # Errors
///
/// [`NotAKey::OutOfRange`] for a wrong length, [`NotAKey::Unsupported`] for another algorithm.
pub fn okp_public(algorithm: &Algorithm, seed: &[u8]) -> Result<Vec<u8>, NotAKey> {
    effort::montgomery_point(8 * seed.len() as u32);
    match algorithm {
        Algorithm::Ed25519 => {
            let seed = seed.try_into().map_err(|_| NotAKey::OutOfRange)?;
            Ok(ed25519_dalek::SigningKey::from_bytes(seed).verifying_key().to_bytes().to_vec())
        }
        Algorithm::X25519 => {
            let scalar: [u8; 32] = seed.try_into().map_err(|_| NotAKey::OutOfRange)?;
            let secret = x25519_dalek::StaticSecret::from(scalar);
            Ok(x25519_dalek::PublicKey::from(&secret).to_bytes().to_vec())
        }
        Algorithm::Ed448 => {
            let seed: [u8; 57] = seed.try_into().map_err(|_| NotAKey::OutOfRange)?;
            let key = ed448_goldilocks::SigningKey::from(ed448_goldilocks::EdwardsScalarBytes::from(seed));
            Ok(key.verifying_key().to_bytes().to_vec())
        }
        Algorithm::X448 => {
            let scalar: [u8; 56] = seed.try_into().map_err(|_| NotAKey::OutOfRange)?;
            let secret = x448::StaticSecret::from(scalar);
            Ok(x448::PublicKey::from(&secret).as_bytes().to_vec())
        }
        _ => Err(NotAKey::Unsupported),
    }
}

fn prove_ed25519_expanded(scalar: &Secret, public: Option<&[u8]>) -> Result<Proved, NotAKey> {
    use curve25519_dalek::{EdwardsPoint, Scalar};
    effort::montgomery_point(256);
    let bytes: [u8; 32] = scalar.as_ref().try_into().map_err(|_| NotAKey::OutOfRange)?;
    let clamped = bytes[0] & 7 == 0 && bytes[31] & 0xc0 == 0x40;
    // Reduced modulo the order, a scalar has no shape that tells it: only its public key can.
    let reduced = || public.and(Option::<Scalar>::from(Scalar::from_canonical_bytes(bytes)));
    let point = match clamped {
        true => EdwardsPoint::mul_base_clamped(bytes),
        false => EdwardsPoint::mul_base(&reduced().filter(|s| *s != Scalar::ZERO).ok_or(NotAKey::OutOfRange)?),
    };
    let point = point.compress().to_bytes();
    let proof = match public {
        None => Proof::parsed("the scalar is clamped; the public key was derived from it"),
        Some(stored) if stored == point => Proof::proven("the scalar yields the stored public key"),
        Some(_) => return Err(NotAKey::Contradiction),
    };
    let public = PublicKey::okp(Algorithm::Ed25519, &point).ok_or(NotAKey::Unsupported)?;
    Ok(Proved { public, proof })
}

/// Whether `q` is the order of a group that DSA works in, and `x` below it. Cheap beside the power that follows: what only
/// looks like a key is not worth that.
fn subgroup(p: &[u8], q: &[u8], x: &[u8]) -> Result<(), NotAKey> {
    let fits = (128..=MAX_ORDER_BITS).contains(&bit_length(q)) && bit_length(x) <= bit_length(q);
    if !fits || bit_length(p) > MAX_POWER_BITS {
        return Err(NotAKey::OutOfRange);
    }
    effort::products(bit_length(p));
    let order = bignum::minus_one(&bignum::number(p));
    let rest = bignum::remainder(&order, &bignum::number(q)).ok_or(NotAKey::OutOfRange)?;
    if bignum::to_bytes(&rest).is_empty() { Ok(()) } else { Err(NotAKey::Contradiction) }
}

struct DiscreteLog {
    value: Vec<u8>,
    proof: Proof,
}

/// `g^x mod p`, compared with the stored `y`.
fn discrete_log_public(p: &[u8], g: &[u8], x: &[u8], y: Option<&[u8]>) -> Result<DiscreteLog, NotAKey> {
    let bits = bit_length(p);
    let too_large = bits > MAX_POWER_BITS || bit_length(x) > bits || bit_length(g) > bits;
    if bits < MIN_BITS || too_large || bit_length(x) < 64 || bit_length(g) < 2 {
        return Err(NotAKey::OutOfRange);
    }
    let power = bignum::power(&bignum::number(g), &bignum::number(x), &bignum::number(p)).ok_or(NotAKey::OutOfRange)?;
    let value = bignum::to_bytes(&power).to_vec();
    let proof = match y.map(crate::secret::trim_leading_zeros) {
        None => Proof::parsed("the private value is in range; the public value was derived from it"),
        Some(stored) if stored == value => Proof::proven("g^x = y modulo p"),
        Some(_) => return Err(NotAKey::Contradiction),
    };
    Ok(DiscreteLog { value, proof })
}

/// Throwaway keys made by OpenSSL 3.0, which also computed every public value here.
#[cfg(test)]
mod tests {
    use super::*;
    use crate::ProofLevel;
    use data_encoding::HEXLOWER;

    fn hex(text: &str) -> Vec<u8> {
        HEXLOWER.decode(text.as_bytes()).unwrap()
    }

    fn secret(text: &str) -> Secret {
        Secret::new(&hex(text))
    }

    const OKP: [(Algorithm, &str, &str); 4] = [
        (
            Algorithm::Ed25519,
            "cf5b308f9b93832d5fe47552496afca709a3b953f6ed86006ec5b1a80954845c",
            "09d4fbb8dd48f5fe1451e075e5d81f351fa8844a4381031d8e1ff48945074912",
        ),
        (
            Algorithm::Ed448,
            "9e8ac5d81b3acd8ff13aa1ec6acceb588ae22687ee50a2312666cf32fab6cfa58d053c3adeeab2bae76973111b547d3b0c6baf8a5d41f8239f",
            "3b4c48f46c5861a7312d49f0de5c976fb3186b952a7fc0af91ee46ce0917631294afa6cbd4a849225afb21ee276cf23a123bf795261fff4380",
        ),
        (
            Algorithm::X25519,
            "d8c70cd907e832a49abd55d5004fb810e6009de32e8f88f3a1a4585b868acd52",
            "9c192da09e7c5306a5ad274af3a1a28ac5d9d6a943f6bd69d5ef7d670f8e021a",
        ),
        (
            Algorithm::X448,
            "188cf03b3e0d5ac8bbeb76f7a43aababed9eaa3e5d0bfde1d7f7241eadda5c8e76e78690369fa7d5d552f4b124bdc5ff5a0dec6cb21ba5eb",
            "542de289e22282c1412837e482a8a7793d88914724c8c0274654321820137ed69a34b5ab5e04530e580c82e900642f20c82a24c1af41d802",
        ),
    ];

    const EC: [(Curve, &str, &str); 6] = [
        (
            Curve::P256,
            "4a29349243938d4460a497f2388ec6f491132d2aedfcabfe7cbe11a48fd7cb9b",
            "04b1f57a38848599afcba7a01a696aa756640db6addd2945a39517d84418ce6c3475aca7efccfaae4c9583f81038c68cf01b1caaf3aa81ff5e7ad1ce5e5b0405a5",
        ),
        (
            Curve::P384,
            "bab02e42194ab7236f9df2c0062a582de164840ff66d6f151908f58a73175857220c6c19c3432830f94592fb921fcc8f",
            "042fbe0fc1aec1effd8dbc37e15502aa0073f5b107dc1a40e425cbdc3f59864e9d872fddbec4de1de079108dfff1119dc6b81b297bb64ecf1fd180719fc4d70ce40d5f1fd70ac4f710408be6fb34e468f6efd9bbab15f7dc45e11337224de664e3",
        ),
        (
            Curve::P521,
            "01224cfa4d5a3b2379cd27b6ed278b1538f659864c8253c7ded34c729eaf4c0c3e98b533e4b4937794947be17f7cef27df8f63f677f47645308254d86f09fa2ed30a",
            "04001ceb16d902146254439824042c78bf74afb604287f3e09b9d67c3129a7578f2038cdc48cc94363e4258b5f3b15224510077a8598eda4fa8b577311e27ceb4ce90e0139065749df86260eff4737030edc81fb4f234207adf221561ef08845e08211b294f400499d4739ddc6f739c6e941936364bdaf732755f08a2cfeb011592d82bb78",
        ),
        (
            Curve::Secp256k1,
            "956aff2541a2a998bebb0ce92b806768f94dedcf425be616da1ec6b1e6ef23fb",
            "041dda75e2bdec4ab3aa99e85a036d2e3902cdea0877a370d965cce89604d625156ecfd27a82abeffc8da6f394e84e1aa0ef001c999d1ff215d0524e22087e3ac7",
        ),
        (
            Curve::BrainpoolP256r1,
            "8afb11713d1142a59dcd9595bee946a0ec94a7b5b817d37397eee97e61e15745",
            "04121093ef37bd9a0eb6d8d855982bc611d282344d820dc3b52dbc0055deeba293096146e62c24cc631b29e80c507fda54266e060b001a6535631a7c467ab0bc23",
        ),
        (
            Curve::BrainpoolP384r1,
            "5a3528edeab9d4e8a39509526ee4b463f93bceb70aac323d7bbe05f228b26f1fa59cc24b9d43b4359330a21f76400236",
            "044fd9aaa9f2dc251fb6fb5db24cf6fdfabe840125f3fc06ab0cb50e73b1d1275d4d15788f129c1ce5365c963316227f090aba1048c927948da3f3e493e958549a63fefb7358d33ab976668c7931e864ebfcee023e5afcc8ccea42ef06b6a55bc4",
        ),
    ];

    const RSA_N: &str = "00bf15be9e082c994a9d3cb182aa66069d0a7f3241170810407666e234ac0b1e13fe207524968a763e239b27f758fe4aab63757467ce9f3821ba26b6c8e7b6f9d0d7634924eb5256a3081585925e7c0b5ecef46fd3de90860d24228daf89de0049baad6954720b70b2fd0adae5f003dd6fce3300c21c033affba8e79b17cc9fa1f";
    const RSA_D: &str = "008291eb34b545346205db69386e1355458ddca88c4d9e96ec557babea6dfd12ca7a85d745ef10220807f08778bef8d43114bf37918f60c0cc5b150525772052c6b1406af4fe61398b548311ed0e113306941f22345f3e7d00bf4e3ab136d1642d224f08594de1d36f499302f059985cd26a5b28234d14847bf31056973af6c511";
    const RSA_P: &str = "00e691a898e7972d8550a963a768f1c0b9dc3179e84fa92a727c2d50d2fdcba5b6b18a11fc85987368f3b68e0a4acdf71aeffaf4c4798122c75a610bc2bb6c864d";
    const RSA_Q: &str = "00d4293725dfdd2fa715ed38cb7bd23ee46e1aac8b7ffa81c8a9501bc9de3ff47c104e41ed5d7e6d2de1d94f8c66270e9e173a25d0cf50d7d084f7bdc2ef3f101b";
    const DSA_P: &str = "00c57a283aa1871bd0b86f3df0f5766bba3b8ea1b45589332261c08e7702c1e2ccfd1989c42c05fbb21bccf640485b7c1f4c79044fabce5a913ec4b84ca2763b5253fa491b538525a30e4deb67fb59a334b0e262bbdc888f5332094773e933dc1aed471d4e2de075fef0adedbd6533045b23b4bc93f9c00758cfb2a3054e92b12d";
    const DSA_Q: &str = "008a89748a28a880bff170fbb0208d83c1c47d41bff7be88cb01b33ea3";
    const DSA_G: &str = "589e2d6f4923e0b624ee617b616d0eca7b418fd789ca28d229c27d52ea15f0d1438091d4325bd6211c775eb3567635309d5fde67b1093ad21b201114f10dca5d507b26336cd49585b7e5ec92ba00dbfccc28c59016ea1669a4cfc163cef9099f3a0773ff85bca5aa884d060c691bab776bbd01c144c95e435e55640a5a801b7d";
    const DSA_Y: &str = "5f1d29abc5b72f61eec67881da6bd41f70f54e36a8d40fbb2861ff79f1fe2a958b800563c05dba7259459d0d4f1a6e7f0b7405eb47528ad59b5bed6b63b67019852c45df197ba0ed8906f3df87a99442a88c6cc46a61fed701a1dfc5f3ff7cfd9a16a019e2ed218468108bd7237263a36a5f8e2ffb476821ab4c9119fec45ed0";
    const DSA_X: &str = "32a366fc054fdaf6b98ab9a87a97e5b50fd9d273e58c322105f476d9";

    fn rsa(d: Option<&str>, primes: &[&str]) -> PrivateKey {
        PrivateKey::Rsa(RsaNumbers {
            n: hex(RSA_N),
            e: vec![1, 0, 1],
            d: d.map(secret),
            primes: primes.iter().map(|p| secret(p)).collect(),
        })
    }

    fn altered(text: &str) -> Vec<u8> {
        let mut bytes = hex(text);
        let middle = bytes.len() / 2;
        bytes[middle] ^= 4;
        bytes
    }

    #[test]
    fn rsa_is_proven_by_its_primes_or_its_exponent() {
        let both = rsa(Some(RSA_D), &[RSA_P, RSA_Q]).prove().unwrap();
        assert_eq!(both.proof, Proof::proven("p * q = n and d * e = 1 modulo each prime less one"));
        assert_eq!(both.public.bits, 1024);
        assert_eq!(rsa(None, &[RSA_Q, RSA_P]).prove().unwrap().proof, Proof::proven("p * q = n"));
        assert_eq!(rsa(Some(RSA_D), &[]).prove().unwrap().proof.level, ProofLevel::Proven);
        assert_eq!(rsa(Some(RSA_D), &[]).prove().unwrap().public, both.public);
    }

    #[test]
    fn rsa_near_misses_are_no_keys() {
        assert_eq!(rsa(None, &[RSA_P, RSA_P]).prove().unwrap_err(), NotAKey::Contradiction);
        assert_eq!(rsa(Some(RSA_N), &[]).prove().unwrap_err(), NotAKey::Contradiction);
        assert_eq!(rsa(None, &[]).prove().unwrap_err(), NotAKey::Unsupported);
        assert_eq!(rsa(None, &[RSA_N, "01"]).prove().unwrap_err(), NotAKey::OutOfRange);
        let mut zeroed = RsaNumbers { n: hex(RSA_N), e: vec![3], d: Some(Secret::new(&[0; 128])), primes: vec![] };
        assert!(PrivateKey::Rsa(zeroed.clone()).prove().is_err());
        zeroed.n = vec![0; 128];
        assert!(PrivateKey::Rsa(zeroed).prove().is_err());
    }

    #[test]
    fn scalars_yield_their_points_on_every_curve() {
        for (curve, d, q) in EC {
            let key = |public| PrivateKey::Ec { curve, d: secret(d), public };
            let proved = key(Some(hex(q))).prove().unwrap();
            assert_eq!(proved.proof.level, ProofLevel::Proven, "{curve:?}");
            assert_eq!(proved.public.value, hex(q));
            assert_eq!(key(None).prove().unwrap().proof.level, ProofLevel::Parsed);
            let point = hex(q);
            let compressed = [&[2 + (point[point.len() - 1] & 1)], &point[1..=curve.field_bytes()]].concat();
            assert_eq!(key(Some(compressed)).prove().unwrap().proof.level, ProofLevel::Proven);
            assert_eq!(key(Some(altered(q))).prove().unwrap_err(), NotAKey::Contradiction);
        }
    }

    #[test]
    fn scalars_out_of_range_are_no_keys() {
        for curve in Curve::ALL {
            for d in [vec![0; curve.field_bytes()], vec![0xff; curve.field_bytes()], vec![1; curve.field_bytes() + 1]] {
                let key = PrivateKey::Ec { curve, d: Secret::new(&d), public: None };
                assert_eq!(key.prove().unwrap_err(), NotAKey::OutOfRange, "{curve:?}");
            }
        }
    }

    #[test]
    fn edwards_and_montgomery_keys_yield_their_public_keys() {
        for (algorithm, seed, public) in OKP {
            let key = |public| PrivateKey::Okp { algorithm: algorithm.clone(), seed: secret(seed), public };
            assert_eq!(okp_public(&algorithm, &hex(seed)).unwrap(), hex(public), "{algorithm}");
            assert_eq!(key(Some(hex(public))).prove().unwrap().proof.level, ProofLevel::Proven, "{algorithm}");
            assert_eq!(key(None).prove().unwrap().public.value, hex(public), "{algorithm}");
            assert_eq!(key(Some(altered(public))).prove().unwrap_err(), NotAKey::Contradiction);
            let zero = PrivateKey::Okp {
                algorithm: algorithm.clone(),
                seed: Secret::new(&vec![0; seed.len() / 2]),
                public: None,
            };
            assert_eq!(zero.prove().unwrap_err(), NotAKey::OutOfRange, "{algorithm}");
        }
    }

    #[test]
    fn dsa_is_proven_by_its_public_value() {
        let key = |y, x: &str| PrivateKey::Dsa { p: hex(DSA_P), q: hex(DSA_Q), g: hex(DSA_G), y, x: secret(x) };
        assert_eq!(key(Some(hex(DSA_Y)), DSA_X).prove().unwrap().proof.level, ProofLevel::Proven);
        assert_eq!(key(None, DSA_X).prove().unwrap().public.value, crate::secret::trim_leading_zeros(&hex(DSA_Y)));
        assert_eq!(key(Some(altered(DSA_Y)), DSA_X).prove().unwrap_err(), NotAKey::Contradiction);
        assert_eq!(key(Some(hex(DSA_Y)), DSA_P).prove().unwrap_err(), NotAKey::OutOfRange);
        let other = PrivateKey::Dsa { p: hex(DSA_P), q: altered(DSA_Q), g: hex(DSA_G), y: None, x: secret(DSA_X) };
        assert_eq!(other.prove().unwrap_err(), NotAKey::Contradiction, "no group has such an order");
    }

    #[test]
    fn debug_shows_no_secret() {
        let shown = format!("{:?}", rsa(Some(RSA_D), &[RSA_P, RSA_Q]));
        assert!(shown.contains("Secret(") && !shown.contains("216, 90, 35"));
    }
}
