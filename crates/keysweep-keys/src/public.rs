//! Public keys and the fingerprints that name them.

use crate::der;
use crate::secret::trim_leading_zeros;
use crate::{Algorithm, Curve};
use data_encoding::{BASE64_NOPAD, BASE64URL_NOPAD, HEXLOWER};
use elliptic_curve::sec1::{FromSec1Point, ModulusSize, ToSec1Point};
use elliptic_curve::{AffinePoint, CurveArithmetic, FieldBytesSize};
use sha2::{Digest, Sha256};

/// Object identifier bodies of the key algorithms (RFC 3279, RFC 8410).
pub mod oid {
    /// rsaEncryption, 1.2.840.113549.1.1.1.
    pub const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
    /// id-dsa, 1.2.840.10040.4.1.
    pub const DSA: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x38, 0x04, 0x01];
    /// dhKeyAgreement, 1.2.840.113549.1.3.1.
    pub const DH: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x03, 0x01];
    /// id-ecPublicKey, 1.2.840.10045.2.1.
    pub const EC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
    /// id-X25519, 1.3.101.110.
    pub const X25519: &[u8] = &[0x2b, 0x65, 0x6e];
    /// id-X448, 1.3.101.111.
    pub const X448: &[u8] = &[0x2b, 0x65, 0x6f];
    /// id-Ed25519, 1.3.101.112.
    pub const ED25519: &[u8] = &[0x2b, 0x65, 0x70];
    /// id-Ed448, 1.3.101.113.
    pub const ED448: &[u8] = &[0x2b, 0x65, 0x71];
}

/// A public key, with everything needed to name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey {
    /// Kind of key.
    pub algorithm: Algorithm,
    /// Size in bits: of the modulus or field.
    pub bits: u32,
    /// DER SubjectPublicKeyInfo (RFC 5280 section 4.1).
    pub spki: Vec<u8>,
    /// Public numbers, for proofs: the modulus for RSA (big-endian), the SEC 1 point for EC, the 32 or 57 bytes for
    /// Edwards and Montgomery curves, `y` for DSA and DH, the encoded key for others.
    pub value: Vec<u8>,
    ssh: Option<Vec<u8>>,
    jwk: Option<String>,
}

impl PublicKey {
    /// An RSA key from its big-endian modulus and exponent.
    pub fn rsa(n: &[u8], e: &[u8]) -> Self {
        let (n, e) = (trim_leading_zeros(n), trim_leading_zeros(e));
        let numbers = der::sequence(&[&der::unsigned(n), &der::unsigned(e)]);
        let algorithm = der::sequence(&[&der::oid(oid::RSA), &der::NULL]);
        Self {
            algorithm: Algorithm::Rsa,
            bits: bit_length(n),
            spki: der::sequence(&[&algorithm, &der::bit_string(&numbers)]),
            value: n.to_vec(),
            ssh: Some(ssh_blob(b"ssh-rsa", &[&mpint(e), &mpint(n)])),
            jwk: Some(format!(
                r#"{{"e":"{}","kty":"RSA","n":"{}"}}"#,
                BASE64URL_NOPAD.encode(e),
                BASE64URL_NOPAD.encode(n)
            )),
        }
    }

    /// An EC key from its *uncompressed* SEC 1 point (`04 X Y`); `None` if the length is wrong. That the point is on the
    /// curve is for the caller to check.
    pub fn ec(curve: Curve, point: &[u8]) -> Option<Self> {
        let size = curve.field_bytes();
        let (&tag, xy) = point.split_first()?;
        if tag != 4 || xy.len() != 2 * size {
            return None;
        }
        let algorithm = der::sequence(&[&der::oid(oid::EC), &der::oid(curve.oid())]);
        let (x, y) = xy.split_at(size);
        Some(Self {
            algorithm: Algorithm::Ec(curve),
            bits: curve.bits(),
            spki: der::sequence(&[&algorithm, &der::bit_string(point)]),
            value: point.to_vec(),
            ssh: curve
                .ssh_name()
                .map(|name| ssh_blob(format!("ecdsa-sha2-{name}").as_bytes(), &[name.as_bytes(), point])),
            jwk: curve.jwk_name().map(|name| {
                format!(
                    r#"{{"crv":"{name}","kty":"EC","x":"{}","y":"{}"}}"#,
                    BASE64URL_NOPAD.encode(x),
                    BASE64URL_NOPAD.encode(y)
                )
            }),
        })
    }

    /// An EC key from a SEC 1 point in any form (compressed, uncompressed, hybrid); `None` unless it is on the curve.
    pub fn ec_on_curve(curve: Curve, point: &[u8]) -> Option<Self> {
        let point = match curve {
            Curve::P256 => uncompressed::<p256::NistP256>(point),
            Curve::P384 => uncompressed::<p384::NistP384>(point),
            Curve::P521 => uncompressed::<p521::NistP521>(point),
            Curve::Secp256k1 => uncompressed::<k256::Secp256k1>(point),
            Curve::BrainpoolP256r1 => uncompressed::<bp256::BrainpoolP256r1>(point),
            Curve::BrainpoolP384r1 => uncompressed::<bp384::BrainpoolP384r1>(point),
        };
        Self::ec(curve, &point?)
    }

    /// A DSA key from its big-endian numbers.
    pub fn dsa(p: &[u8], q: &[u8], g: &[u8], y: &[u8]) -> Self {
        let parameters = der::sequence(&[&der::unsigned(p), &der::unsigned(q), &der::unsigned(g)]);
        let algorithm = der::sequence(&[&der::oid(oid::DSA), &parameters]);
        Self {
            algorithm: Algorithm::Dsa,
            bits: bit_length(trim_leading_zeros(p)),
            spki: der::sequence(&[&algorithm, &der::bit_string(&der::unsigned(y))]),
            value: trim_leading_zeros(y).to_vec(),
            ssh: Some(ssh_blob(b"ssh-dss", &[&mpint(p), &mpint(q), &mpint(g), &mpint(y)])),
            jwk: None,
        }
    }

    /// A finite-field Diffie-Hellman key (PKCS #3) from its big-endian numbers.
    pub fn dh(p: &[u8], g: &[u8], y: &[u8]) -> Self {
        let parameters = der::sequence(&[&der::unsigned(p), &der::unsigned(g)]);
        let algorithm = der::sequence(&[&der::oid(oid::DH), &parameters]);
        Self {
            algorithm: Algorithm::Dh,
            bits: bit_length(trim_leading_zeros(p)),
            spki: der::sequence(&[&algorithm, &der::bit_string(&der::unsigned(y))]),
            value: trim_leading_zeros(y).to_vec(),
            ssh: None,
            jwk: None,
        }
    }

    /// An Edwards or Montgomery curve key (RFC 8410) from its encoded point; `None` for another algorithm or length.
    pub fn okp(algorithm: Algorithm, point: &[u8]) -> Option<Self> {
        let (oid, size, name, bits) = match algorithm {
            Algorithm::Ed25519 => (oid::ED25519, 32, "Ed25519", 256),
            Algorithm::X25519 => (oid::X25519, 32, "X25519", 256),
            Algorithm::Ed448 => (oid::ED448, 57, "Ed448", 456),
            Algorithm::X448 => (oid::X448, 56, "X448", 448),
            _ => return None,
        };
        if point.len() != size {
            return None;
        }
        let ssh = (algorithm == Algorithm::Ed25519).then(|| ssh_blob(b"ssh-ed25519", &[point]));
        Some(Self {
            bits,
            spki: der::sequence(&[&der::sequence(&[&der::oid(oid)]), &der::bit_string(point)]),
            value: point.to_vec(),
            ssh,
            jwk: Some(format!(r#"{{"crv":"{name}","kty":"OKP","x":"{}"}}"#, BASE64URL_NOPAD.encode(point))),
            algorithm,
        })
    }

    /// A key whose SubjectPublicKeyInfo is an object identifier without parameters and the encoded key: the
    /// post-quantum algorithms (RFC 9881, RFC 9909, RFC 9935).
    pub fn from_oid(algorithm: Algorithm, bits: u32, oid: &[u8], encoded: &[u8]) -> Self {
        Self {
            algorithm,
            bits,
            spki: der::sequence(&[&der::sequence(&[&der::oid(oid)]), &der::bit_string(encoded)]),
            value: encoded.to_vec(),
            ssh: None,
            jwk: None,
        }
    }

    /// A key of which only the SubjectPublicKeyInfo is of use, such as one on a curve without support.
    pub fn opaque(algorithm: Algorithm, bits: u32, spki: Vec<u8>) -> Self {
        Self { algorithm, bits, value: spki.clone(), spki, ssh: None, jwk: None }
    }

    /// The same key under the name that SSH gives it by this blob: keys on a FIDO token are named together with the
    /// application they are for.
    pub fn with_ssh_blob(self, blob: &[u8]) -> Self {
        Self { ssh: Some(blob.to_vec()), ..self }
    }

    /// The names of this key.
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint {
            spki_sha256: Sha256::digest(&self.spki).into(),
            ssh: self.ssh.as_ref().map(|blob| format!("SHA256:{}", BASE64_NOPAD.encode(&Sha256::digest(blob)))),
            jwk_thumbprint: self.jwk.as_ref().map(|jwk| BASE64URL_NOPAD.encode(&Sha256::digest(jwk.as_bytes()))),
        }
    }
}

/// Names a public key in the forms in which it can be looked up.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fingerprint {
    /// SHA-256 of the DER SubjectPublicKeyInfo.
    pub spki_sha256: [u8; 32],
    /// OpenSSH's `SHA256:…` form, for key types that SSH has.
    pub ssh: Option<String>,
    /// RFC 7638 thumbprint (SHA-256, base64url), for key types that JWK has.
    pub jwk_thumbprint: Option<String>,
}

impl Fingerprint {
    /// [`Fingerprint::spki_sha256`] in lower-case hex.
    pub fn hex(&self) -> String {
        HEXLOWER.encode(&self.spki_sha256)
    }
}

/// A point on the curve as an uncompressed SEC 1 point.
fn uncompressed<C>(point: &[u8]) -> Option<Vec<u8>>
where
    C: CurveArithmetic,
    AffinePoint<C>: FromSec1Point<C> + ToSec1Point<C>,
    FieldBytesSize<C>: ModulusSize,
{
    let key = elliptic_curve::PublicKey::<C>::from_sec1_bytes(point).ok()?;
    Some(key.to_sec1_point(false).as_bytes().to_vec())
}

/// Number of significant bits of a big-endian number.
pub fn bit_length(number: &[u8]) -> u32 {
    let number = trim_leading_zeros(number);
    match number.first() {
        None => 0,
        Some(first) => 8 * number.len() as u32 - first.leading_zeros(),
    }
}

/// The body of an SSH `mpint` (RFC 4251 section 5): big-endian two's complement, minimal.
fn mpint(number: &[u8]) -> Vec<u8> {
    let number = trim_leading_zeros(number);
    match number.first() {
        Some(&first) if first >= 0x80 => [&[0], number].concat(),
        _ => number.to_vec(),
    }
}

/// An SSH public key blob (RFC 4253 section 6.6): strings, each with its length before it.
pub(crate) fn ssh_blob(kind: &[u8], fields: &[&[u8]]) -> Vec<u8> {
    let mut blob = Vec::new();
    for field in std::iter::once(&kind).chain(fields) {
        blob.extend_from_slice(&(field.len() as u32).to_be_bytes());
        blob.extend_from_slice(field);
    }
    blob
}
