//! Names of key algorithms and curves.

use std::fmt;

/// An elliptic curve in Weierstrass form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Curve {
    /// NIST P-256, secp256r1, prime256v1.
    P256,
    /// NIST P-384, secp384r1.
    P384,
    /// NIST P-521, secp521r1.
    P521,
    /// secp256k1 (Bitcoin, Ethereum).
    Secp256k1,
    /// brainpoolP256r1 (RFC 5639).
    BrainpoolP256r1,
    /// brainpoolP384r1 (RFC 5639).
    BrainpoolP384r1,
}

impl Curve {
    /// Every curve that keysweep can compute on.
    pub const ALL: [Curve; 6] =
        [Curve::P256, Curve::P384, Curve::P521, Curve::Secp256k1, Curve::BrainpoolP256r1, Curve::BrainpoolP384r1];

    /// Length of a field element and of a scalar in bytes.
    pub fn field_bytes(self) -> usize {
        match self {
            Curve::P256 | Curve::Secp256k1 | Curve::BrainpoolP256r1 => 32,
            Curve::P384 | Curve::BrainpoolP384r1 => 48,
            Curve::P521 => 66,
        }
    }

    /// Size of the field in bits.
    pub fn bits(self) -> u32 {
        match self {
            Curve::P521 => 521,
            other => 8 * other.field_bytes() as u32,
        }
    }

    /// The curve's name as users know it.
    pub fn name(self) -> &'static str {
        match self {
            Curve::P256 => "P-256",
            Curve::P384 => "P-384",
            Curve::P521 => "P-521",
            Curve::Secp256k1 => "secp256k1",
            Curve::BrainpoolP256r1 => "brainpoolP256r1",
            Curve::BrainpoolP384r1 => "brainpoolP384r1",
        }
    }

    /// The body (without tag and length) of the curve's DER object identifier (RFC 5480, SEC 2, RFC 5639).
    pub fn oid(self) -> &'static [u8] {
        match self {
            Curve::P256 => &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07],
            Curve::P384 => &[0x2b, 0x81, 0x04, 0x00, 0x22],
            Curve::P521 => &[0x2b, 0x81, 0x04, 0x00, 0x23],
            Curve::Secp256k1 => &[0x2b, 0x81, 0x04, 0x00, 0x0a],
            Curve::BrainpoolP256r1 => &[0x2b, 0x24, 0x03, 0x03, 0x02, 0x08, 0x01, 0x01, 0x07],
            Curve::BrainpoolP384r1 => &[0x2b, 0x24, 0x03, 0x03, 0x02, 0x08, 0x01, 0x01, 0x0b],
        }
    }

    /// The curve with this object identifier body, if keysweep knows it.
    pub fn from_oid(oid: &[u8]) -> Option<Curve> {
        Curve::ALL.into_iter().find(|c| c.oid() == oid)
    }

    /// The name in JWKs (RFC 7518, RFC 8812), if one is registered.
    pub fn jwk_name(self) -> Option<&'static str> {
        match self {
            Curve::P256 | Curve::P384 | Curve::P521 | Curve::Secp256k1 => Some(self.name()),
            _ => None,
        }
    }

    /// The name in SSH keys (RFC 5656), if the curve is used there.
    pub fn ssh_name(self) -> Option<&'static str> {
        match self {
            Curve::P256 => Some("nistp256"),
            Curve::P384 => Some("nistp384"),
            Curve::P521 => Some("nistp521"),
            _ => None,
        }
    }
}

/// What kind of key it is.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Algorithm {
    /// RSA, two or more primes.
    Rsa,
    /// DSA (FIPS 186).
    Dsa,
    /// Finite-field Diffie-Hellman.
    Dh,
    /// ElGamal, as in OpenPGP.
    ElGamal,
    /// ECDSA or ECDH on a curve that keysweep computes on.
    Ec(Curve),
    /// EC on a curve that keysweep knows by name or object identifier only.
    EcOther(String),
    /// Ed25519 (RFC 8032).
    Ed25519,
    /// Ed448 (RFC 8032).
    Ed448,
    /// X25519 (RFC 7748).
    X25519,
    /// X448 (RFC 7748).
    X448,
    /// ML-DSA (FIPS 204), with the parameter set: 44, 65 or 87.
    MlDsa(u8),
    /// SLH-DSA (FIPS 205), with the parameter set's name such as `SHA2-128s`.
    SlhDsa(&'static str),
    /// ML-KEM (FIPS 203), with the parameter set: 512, 768 or 1024 bits.
    MlKem(u16),
    /// A symmetric key; the text names the cipher or MAC.
    Symmetric(String),
    /// Cannot be told, for example because it is encrypted; or an algorithm without support, named by the text.
    Unknown(Option<String>),
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Algorithm::Rsa => f.write_str("RSA"),
            Algorithm::Dsa => f.write_str("DSA"),
            Algorithm::Dh => f.write_str("DH"),
            Algorithm::ElGamal => f.write_str("ElGamal"),
            Algorithm::Ec(curve) => write!(f, "EC {}", curve.name()),
            Algorithm::EcOther(name) => write!(f, "EC {name}"),
            Algorithm::Ed25519 => f.write_str("Ed25519"),
            Algorithm::Ed448 => f.write_str("Ed448"),
            Algorithm::X25519 => f.write_str("X25519"),
            Algorithm::X448 => f.write_str("X448"),
            Algorithm::MlDsa(set) => write!(f, "ML-DSA-{set}"),
            Algorithm::SlhDsa(set) => write!(f, "SLH-DSA-{set}"),
            Algorithm::MlKem(set) => write!(f, "ML-KEM-{set}"),
            Algorithm::Symmetric(name) => f.write_str(name),
            Algorithm::Unknown(Some(name)) => f.write_str(name),
            Algorithm::Unknown(None) => f.write_str("unknown"),
        }
    }
}
