//! ECPrivateKey (RFC 5915, SEC 1 appendix C.4), alone or inside PKCS #8.

use super::curve::{Named, of_parameters};
use super::private::{Form, Look};
use super::{OCTET_STRING, Outer, Reader, context, looks_drawn, sequence};
use crate::decoders::frame;
use crate::private::{PrivateKey, Proved};
use crate::public::oid;
use crate::{Curve, KeyMaterial, Proof, ProofLevel, PublicKey, Secret, der};

/// Longest scalar, in bytes: sect571 has 72.
const MAX_SCALAR: usize = 72;

/// Reads on after the version, which is 1.
pub(super) fn read(outer: &Outer<'_>, reader: Reader<'_>) -> Look {
    let Some((fields, rest)) = Fields::read(reader) else { return Look::Nothing };
    let length = outer.header + outer.body.len() - if outer.complete { 0 } else { rest.len() };
    let whole = outer.complete && rest.is_empty();
    match fields.material(None) {
        Some(material) if whole || material.proof.level == ProofLevel::Proven => {
            Look::of(Form::Sec1, Some(material), length)
        }
        None if outer.complete => Look::Contradiction(length),
        _ => Look::Nothing,
    }
}

/// The key in an ECPrivateKey inside another structure that names the curve.
pub(super) fn inner(bytes: &[u8], curve: Option<Named<'_>>) -> Option<KeyMaterial> {
    let outer = sequence(bytes)?;
    let mut reader = Reader::new(outer.body);
    reader.small().filter(|version| *version == 1)?;
    let (fields, rest) = Fields::read(reader)?;
    let material = fields.material(curve)?;
    let whole = outer.complete && rest.is_empty();
    (whole || material.proof.level == ProofLevel::Proven).then_some(material)
}

struct Fields<'a> {
    scalar: &'a [u8],
    curve: Option<Named<'a>>,
    public: Option<&'a [u8]>,
}

impl<'a> Fields<'a> {
    /// With the bytes that follow.
    fn read(mut reader: Reader<'a>) -> Option<(Self, &'a [u8])> {
        let scalar = reader.take(OCTET_STRING).filter(|s| (16..=MAX_SCALAR).contains(&s.len()))?;
        let curve = reader.take(context(0)).and_then(of_parameters);
        let public = match reader.enter(context(1)) {
            Some(mut inner) => Some(inner.bits()?),
            None => None,
        };
        Some((Self { scalar, curve, public }, reader.rest()))
    }

    /// What is known of the key; `None` if it is none. `given` is the curve that the structure around it names.
    fn material(self, given: Option<Named<'_>>) -> Option<KeyMaterial> {
        let Self { scalar, curve, public } = self;
        let curve = curve.or(given);
        match &curve {
            Some(Named::Known(curve)) => {
                let proved = prove(*curve, scalar, public)?;
                let trusted = proved.proof.level == ProofLevel::Proven || looks_drawn(scalar);
                trusted.then(|| frame::of_proved(proved, ""))
            }
            Some(other @ Named::Other { parameters, .. }) => parsed(scalar, public, other, parameters),
            // Cut out of a structure that named the curve: the stored point tells it.
            None => {
                let point = public?;
                let curves = Curve::ALL.into_iter().filter(|c| c.field_bytes() == point.len() / 2);
                curves
                    .filter(|c| scalar.len() <= c.field_bytes())
                    .find_map(|c| prove(c, scalar, public))
                    .map(|proved| frame::of_proved(proved, ""))
            }
        }
    }
}

fn prove(curve: Curve, scalar: &[u8], public: Option<&[u8]>) -> Option<Proved> {
    PrivateKey::Ec { curve, d: Secret::new(scalar), public: public.map(<[u8]>::to_vec) }.prove().ok()
}

/// A key on a curve without arithmetic here: its lengths must agree.
fn parsed(scalar: &[u8], public: Option<&[u8]>, curve: &Named<'_>, parameters: &[u8]) -> Option<KeyMaterial> {
    let bits = curve.bits();
    let size = bits.div_ceil(8) as usize;
    let coordinates = public.and_then(|point| Some((*point.first()?, point.len() - 1)));
    let point_fits = match coordinates {
        Some((4 | 6 | 7, length)) => length == 2 * size || bits == 0,
        Some((2 | 3, length)) => length == size || bits == 0,
        Some(_) => false,
        None => true,
    };
    // The order of the group can be a byte longer or shorter than the field.
    let scalar_fits = bits == 0 || scalar.len().abs_diff(size) <= 1;
    if !point_fits || !scalar_fits || !looks_drawn(scalar) {
        return None;
    }
    let proof = Proof::parsed("an EC private key whose lengths fit its curve");
    let material = frame::of_secret(curve.algorithm(), scalar, "", proof);
    let Some(point) = public else { return Some(KeyMaterial { bits, ..material }) };
    let algorithm = der::sequence(&[&der::oid(oid::EC), parameters]);
    let spki = der::sequence(&[&algorithm, &der::bit_string(point)]);
    let public = PublicKey::opaque(curve.algorithm(), bits, spki).fingerprint();
    Some(KeyMaterial { bits, public: Some(public), id: None, ..material })
}
