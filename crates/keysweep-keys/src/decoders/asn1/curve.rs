//! Elliptic curves by their parameters in keys and certificates: names (RFC 5480) and explicit numbers (ANSI X9.62, SEC 1
//! appendix C.2).

use super::{OCTET_STRING, OID, Reader, SEQUENCE, dotted};
use crate::private::ec_public;
use crate::secret::trim_leading_zeros;
use crate::{Algorithm, Curve};

/// The curve of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Named<'a> {
    /// One that keysweep computes on.
    Known(Curve),
    /// Another one.
    Other {
        /// Its name, or its object identifier in dotted form.
        name: String,
        /// Size of the field in bits; 0 if it is not known.
        bits: u32,
        /// The parameters as they stand there.
        parameters: &'a [u8],
    },
}

impl Named<'_> {
    pub(crate) fn algorithm(&self) -> Algorithm {
        match self {
            Named::Known(curve) => Algorithm::Ec(*curve),
            Named::Other { name, .. } => Algorithm::EcOther(name.clone()),
        }
    }

    pub(crate) fn bits(&self) -> u32 {
        match self {
            Named::Known(curve) => curve.bits(),
            Named::Other { bits, .. } => *bits,
        }
    }
}

/// Body of the object identifier, name and bits of curves that keysweep does not compute on (SEC 2, RFC 5639, ANSI
/// X9.62, GB/T 32918, ANSSI).
const OTHERS: &[(&[u8], &str, u32)] = &[
    (&[0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 1], "P-192", 192),
    (&[0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 2], "prime192v2", 192),
    (&[0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 3], "prime192v3", 192),
    (&[0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 4], "prime239v1", 239),
    (&[0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 5], "prime239v2", 239),
    (&[0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 6], "prime239v3", 239),
    (&[0x2b, 0x81, 4, 0, 1], "sect163k1", 163),
    (&[0x2b, 0x81, 4, 0, 2], "sect163r1", 163),
    (&[0x2b, 0x81, 4, 0, 8], "secp160r1", 160),
    (&[0x2b, 0x81, 4, 0, 9], "secp160k1", 160),
    (&[0x2b, 0x81, 4, 0, 15], "sect163r2", 163),
    (&[0x2b, 0x81, 4, 0, 16], "sect283k1", 283),
    (&[0x2b, 0x81, 4, 0, 17], "sect283r1", 283),
    (&[0x2b, 0x81, 4, 0, 26], "sect233k1", 233),
    (&[0x2b, 0x81, 4, 0, 27], "sect233r1", 233),
    (&[0x2b, 0x81, 4, 0, 30], "secp160r2", 160),
    (&[0x2b, 0x81, 4, 0, 31], "secp192k1", 192),
    (&[0x2b, 0x81, 4, 0, 32], "secp224k1", 224),
    (&[0x2b, 0x81, 4, 0, 33], "P-224", 224),
    (&[0x2b, 0x81, 4, 0, 36], "sect409k1", 409),
    (&[0x2b, 0x81, 4, 0, 37], "sect409r1", 409),
    (&[0x2b, 0x81, 4, 0, 38], "sect571k1", 571),
    (&[0x2b, 0x81, 4, 0, 39], "sect571r1", 571),
    (&[0x2b, 0x24, 3, 3, 2, 8, 1, 1, 1], "brainpoolP160r1", 160),
    (&[0x2b, 0x24, 3, 3, 2, 8, 1, 1, 3], "brainpoolP192r1", 192),
    (&[0x2b, 0x24, 3, 3, 2, 8, 1, 1, 5], "brainpoolP224r1", 224),
    (&[0x2b, 0x24, 3, 3, 2, 8, 1, 1, 8], "brainpoolP256t1", 256),
    (&[0x2b, 0x24, 3, 3, 2, 8, 1, 1, 9], "brainpoolP320r1", 320),
    (&[0x2b, 0x24, 3, 3, 2, 8, 1, 1, 12], "brainpoolP384t1", 384),
    (&[0x2b, 0x24, 3, 3, 2, 8, 1, 1, 13], "brainpoolP512r1", 512),
    (&[0x2b, 0x24, 3, 3, 2, 8, 1, 1, 14], "brainpoolP512t1", 512),
    (&[0x2a, 0x81, 0x1c, 0xcf, 0x55, 1, 0x82, 0x2d], "SM2", 256),
    (&[0x2a, 0x81, 0x7a, 1, 0x81, 0x5f, 0x65, 0x82, 0, 1], "FRP256v1", 256),
];

/// The curve that `parameters` (ECParameters, whole) name.
pub(crate) fn of_parameters(parameters: &[u8]) -> Option<Named<'_>> {
    let whole = super::element(parameters)?;
    match whole.tag {
        OID => Some(of_oid(whole.body, whole.whole)),
        SEQUENCE => Some(explicit(&whole)),
        _ => None,
    }
}

fn of_oid<'a>(oid: &[u8], parameters: &'a [u8]) -> Named<'a> {
    if let Some(curve) = Curve::from_oid(oid) {
        return Named::Known(curve);
    }
    match OTHERS.iter().find(|(known, ..)| *known == oid) {
        Some((_, name, bits)) => Named::Other { name: (*name).to_owned(), bits: *bits, parameters },
        None => Named::Other { name: dotted(oid), bits: 0, parameters },
    }
}

/// A curve given by its numbers: one of the known curves if the generator is theirs.
fn explicit<'a>(parameters: &super::Element<'a>) -> Named<'a> {
    let read = || {
        let mut reader = Reader::new(parameters.body);
        reader.small()?;
        let mut field = reader.enter(SEQUENCE)?;
        field.take(OID)?;
        let prime_bits = crate::public::bit_length(field.unsigned().unwrap_or_default());
        reader.take(SEQUENCE)?;
        let generator = reader.take(OCTET_STRING)?;
        Some((prime_bits, generator))
    };
    let (bits, generator) = read().unwrap_or((0, &[]));
    let known = Curve::ALL.into_iter().find(|curve| curve.bits() == bits && is_generator(*curve, generator));
    match known {
        Some(curve) => Named::Known(curve),
        None => Named::Other { name: "explicit parameters".into(), bits, parameters: parameters.whole },
    }
}

/// Whether `point` (compressed or not) is the curve's generator. That the x coordinate is the generator's is enough to
/// recognise the curve; that the key belongs to it is proven by its point.
fn is_generator(curve: Curve, point: &[u8]) -> bool {
    let Some(generator) = ec_public(curve, &[1]) else { return false };
    let size = curve.field_bytes();
    point.len() > size && trim_leading_zeros(&point[1..=size]) == trim_leading_zeros(&generator[1..=size])
}
