//! PrivateKeyInfo and OneAsymmetricKey (PKCS #8, RFC 5958), of every algorithm.

use super::private::{Form, Look};
use super::{
    AlgorithmIdentifier, BIT_STRING, OCTET_STRING, OID, Outer, Reader, SEQUENCE, SET, context, curve, dotted, dsa,
    header, looks_drawn, pkcs1, post_quantum, sec1, whole_bytes,
};
use crate::decoders::frame;
use crate::decoders::text::label;
use crate::private::{PrivateKey, Proved};
use crate::public::oid;
use crate::{Algorithm, KeyMaterial, Proof, ProofLevel, Secret, der};

/// id-RSASSA-PSS, 1.2.840.113549.1.1.10.
pub(super) const RSA_PSS: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a];
/// id-RSAES-OAEP, 1.2.840.113549.1.1.7.
pub(super) const RSA_OAEP: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x07];
/// dhpublicnumber of X9.42, 1.2.840.10046.2.1.
pub(super) const DH_X942: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3e, 0x02, 0x01];
/// friendlyName of PKCS #9, 1.2.840.113549.1.9.20.
const FRIENDLY_NAME: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x14];

/// The parts of the structure.
struct Info<'a> {
    algorithm: AlgorithmIdentifier<'a>,
    private: &'a [u8],
    public: Option<&'a [u8]>,
    name: Option<String>,
    /// What follows the last part that was read.
    rest: &'a [u8],
}

impl<'a> Info<'a> {
    fn read(mut reader: Reader<'a>) -> Option<Self> {
        let algorithm = AlgorithmIdentifier::read(&mut reader)?;
        let header = header(reader.rest()).filter(|h| h.tag == OCTET_STRING)?;
        let Some(private) = reader.take(OCTET_STRING) else {
            // Cut: enough may be left to prove the key.
            let private = &reader.rest()[header.size..];
            return Some(Self { algorithm, private, public: None, name: None, rest: &[] });
        };
        let name = reader.enter(context(0)).and_then(friendly_name);
        // [1] is implicit; some writers have it explicit.
        let public = match reader.take(0x81).or_else(|| reader.enter(context(1))?.take(BIT_STRING)) {
            Some(bits) => Some(whole_bytes(bits)?),
            None => None,
        };
        Some(Self { algorithm, private, public, name, rest: reader.rest() })
    }
}

/// Reads on after the version.
pub(super) fn read(outer: &Outer<'_>, reader: Reader<'_>) -> Look {
    let Some(info) = Info::read(reader) else { return Look::Nothing };
    let length = outer.header + outer.body.len() - if outer.complete { 0 } else { info.rest.len() };
    let whole = outer.complete && info.rest.is_empty();
    match material(&info) {
        Some(material) if whole || material.proof.level == ProofLevel::Proven => {
            Look::of(Form::Pkcs8, Some(KeyMaterial { comment: info.name, ..material }), length)
        }
        // That numbers are no RSA key is seen quickly: what lies in their place may be looked at again.
        None if outer.complete && info.algorithm.oid != oid::RSA => Look::Contradiction(length),
        _ => Look::Nothing,
    }
}

fn material(info: &Info<'_>) -> Option<KeyMaterial> {
    let algorithm = &info.algorithm;
    let proved = match algorithm.oid {
        oid::RSA => pkcs1::inner(info.private)?,
        RSA_PSS | RSA_OAEP => return restricted_rsa(info),
        oid::EC => return sec1::inner(info.private, curve::of_parameters(algorithm.parameters)),
        oid::ED25519 => okp(Algorithm::Ed25519, 32, info)?,
        oid::ED448 => okp(Algorithm::Ed448, 57, info)?,
        oid::X25519 => okp(Algorithm::X25519, 32, info)?,
        oid::X448 => okp(Algorithm::X448, 56, info)?,
        oid::DSA => dsa::dsa(algorithm.parameters, info.private)?,
        oid::DH | DH_X942 => return dsa::dh(algorithm, info.private),
        other if post_quantum::algorithm(other).is_some() => post_quantum::key(other, info.private, info.public)?,
        _ => return other(info),
    };
    Some(frame::of_proved(proved, ""))
}

/// An RSA key that is bound to one padding: its name in certificates holds that, too.
fn restricted_rsa(info: &Info<'_>) -> Option<KeyMaterial> {
    let mut proved = pkcs1::inner(info.private)?;
    let mut outer = Reader::new(&proved.public.spki).enter(SEQUENCE)?;
    AlgorithmIdentifier::read(&mut outer)?;
    proved.public.spki = der::sequence(&[info.algorithm.whole, outer.rest()]);
    let padding = if info.algorithm.oid == RSA_PSS { "RSASSA-PSS" } else { "RSAES-OAEP" };
    let material = frame::of_proved(proved, "");
    Some(KeyMaterial { details: vec![("padding", padding.to_owned())], ..material })
}

/// Edwards and Montgomery curves (RFC 8410): an OCTET STRING in the OCTET STRING. Some writers leave out the inner one,
/// or append the public key to the seed.
fn okp(algorithm: Algorithm, size: usize, info: &Info<'_>) -> Option<Proved> {
    let inner = match Reader::new(info.private).take(OCTET_STRING) {
        Some(inner) if inner.len() + 2 == info.private.len() => inner,
        _ => info.private,
    };
    let (seed, appended) = inner.split_at_checked(size)?;
    let public = match (info.public, appended) {
        (Some(public), []) => Some(public),
        (None, []) => None,
        (_, appended) => Some(appended),
    };
    let proved =
        PrivateKey::Okp { algorithm, seed: Secret::new(seed), public: public.map(<[u8]>::to_vec) }.prove().ok()?;
    (proved.proof.level == ProofLevel::Proven || looks_drawn(seed)).then_some(proved)
}

/// A key of an algorithm without support here.
fn other(info: &Info<'_>) -> Option<KeyMaterial> {
    let name = match dotted(info.algorithm.oid).as_str() {
        "1.2.643.2.2.19" => "GOST R 34.10-2001".to_owned(),
        "1.2.643.7.1.1.1.1" => "GOST R 34.10-2012, 256 bits".to_owned(),
        "1.2.643.7.1.1.1.2" => "GOST R 34.10-2012, 512 bits".to_owned(),
        number => format!("algorithm {number}"),
    };
    if !looks_drawn(info.private) || Reader::new(info.private).next().is_none_or(|e| e.body.len() < 16) {
        return None;
    }
    let proof = Proof::parsed("a PKCS #8 structure whose lengths agree");
    Some(frame::of_secret(Algorithm::Unknown(Some(name)), info.private, "", proof))
}

/// The friendly name among the attributes: a BMPString, which is UTF-16.
fn friendly_name(mut attributes: Reader<'_>) -> Option<String> {
    while let Some(attribute) = attributes.next() {
        let mut attribute = Reader::new(attribute.body);
        if attribute.take(OID) == Some(FRIENDLY_NAME) {
            let text = attribute.enter(SET)?.next()?.body;
            let units = text.chunks_exact(2).map(|unit| u16::from_be_bytes([unit[0], unit[1]]));
            let text: String = char::decode_utf16(units.take(200)).map(|c| c.unwrap_or('\u{fffd}')).collect();
            return label(text.as_bytes());
        }
    }
    None
}
