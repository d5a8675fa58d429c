//! Public keys and certificates, in DER at any offset and in PEM: they tell what private keys found elsewhere are for.

use super::armour::{self, Block};
use super::asn1::{SEQUENCE, certificate, sequence_before, spki};
use super::wrapped::{Unwrapped, runs};
use crate::decoder::{Anchor, Decoder, Hit, PublicKind, Reach, Sink};
use memchr::memmem;

/// The decoder.
pub(crate) struct X509;

const ARMOURED: usize = 3;
/// The same version in Base64, with the bytes before it modulo three: behind two headers of four bytes, and of four and three.
const BASE64: [(&str, usize); 2] = [("gAwIBAgI", 2), ("ADAgECA", 1)];
const VERSION: usize = ARMOURED + BASE64.len();
const OIDS: usize = 8;
const SHORT_OIDS: usize = 4;
const MODULI: usize = 12;

const ANCHORS: [Anchor; ARMOURED + BASE64.len() + 1 + OIDS + SHORT_OIDS + MODULI] = [
    Anchor::text("CERTIFICATE-----"),
    Anchor::text("CERTIFICATE REQUEST-----"),
    Anchor::text("PUBLIC KEY-----"),
    Anchor::text(BASE64[0].0),
    Anchor::text(BASE64[1].0),
    // Version 3 of a certificate, before its serial number.
    Anchor::binary(b"\xa0\x03\x02\x01\x02\x02"),
    // rsaEncryption, id-RSASSA-PSS, id-ecPublicKey, id-dsa, dhKeyAgreement, dhpublicnumber, ML-DSA and SLH-DSA, ML-KEM.
    Anchor::binary(b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01"),
    Anchor::binary(b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a"),
    Anchor::binary(b"\x06\x07\x2a\x86\x48\xce\x3d\x02\x01"),
    Anchor::binary(b"\x06\x07\x2a\x86\x48\xce\x38\x04\x01"),
    Anchor::binary(b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x03\x01"),
    Anchor::binary(b"\x06\x07\x2a\x86\x48\xce\x3e\x02\x01"),
    Anchor::binary(b"\x06\x09\x60\x86\x48\x01\x65\x03\x04\x03"),
    Anchor::binary(b"\x06\x09\x60\x86\x48\x01\x65\x03\x04\x04"),
    // X25519, X448, Ed25519, Ed448.
    Anchor::binary(b"\x30\x05\x06\x03\x2b\x65\x6e"),
    Anchor::binary(b"\x30\x05\x06\x03\x2b\x65\x6f"),
    Anchor::binary(b"\x30\x05\x06\x03\x2b\x65\x70"),
    Anchor::binary(b"\x30\x05\x06\x03\x2b\x65\x71"),
    // RSAPublicKey with a modulus of 512 to 8192 bits and an exponent of three bytes, then of one.
    Anchor::binary(b"\x30\x48\x02\x41\x00"),
    Anchor::binary(b"\x30\x81\x89\x02\x81\x81\x00"),
    Anchor::binary(b"\x30\x81\xc9\x02\x81\xc1\x00"),
    Anchor::binary(b"\x30\x82\x01\x0a\x02\x82\x01\x01\x00"),
    Anchor::binary(b"\x30\x82\x01\x8a\x02\x82\x01\x81\x00"),
    Anchor::binary(b"\x30\x82\x02\x0a\x02\x82\x02\x01\x00"),
    Anchor::binary(b"\x30\x82\x04\x0a\x02\x82\x04\x01\x00"),
    Anchor::binary(b"\x30\x81\x87\x02\x81\x81\x00"),
    Anchor::binary(b"\x30\x82\x01\x08\x02\x82\x01\x01\x00"),
    Anchor::binary(b"\x30\x82\x01\x88\x02\x82\x01\x81\x00"),
    Anchor::binary(b"\x30\x82\x02\x08\x02\x82\x02\x01\x00"),
    Anchor::binary(b"\x30\x82\x04\x08\x02\x82\x04\x01\x00"),
];

impl Decoder for X509 {
    fn name(&self) -> &'static str {
        "x509"
    }

    fn rules(&self) -> &'static [&'static str] {
        &[]
    }

    fn anchors(&self) -> &'static [Anchor] {
        &ANCHORS
    }

    fn reach(&self) -> Reach {
        // A signature of SLH-DSA takes 50 KB.
        Reach { before: 256, after: 64 * 1024 }
    }

    fn decode(&self, hit: &Hit<'_>, sink: &mut Sink) {
        let before = |offset: usize| sequence_before(hit.window, hit.anchor.start + offset);
        let outer = |start: Option<usize>| start.and_then(|start| sequence_before(hit.window, start));
        match hit.index {
            0..ARMOURED => armoured(hit, sink),
            index if index < ARMOURED + BASE64.len() => wrapped(hit, BASE64[index - ARMOURED].1, sink),
            VERSION => {
                if let Some(start) = outer(before(0)) {
                    certificate_at(hit.window, start, sink);
                }
            }
            index => {
                let key = match index - VERSION - 1 {
                    0..OIDS => outer(before(0)).and_then(|start| Some((start, spki::read(&hit.window[start..])?))),
                    mark if mark < OIDS + SHORT_OIDS => {
                        before(0).and_then(|start| Some((start, spki::read(&hit.window[start..])?)))
                    }
                    _ => spki::rsa(hit.from_anchor()).map(|key| (hit.anchor.start, key)),
                };
                if let Some((start, (key, length))) = key {
                    sink.examined_up_to(start + length);
                    sink.public(start..start + length, key, PublicKind::Key { comment: None });
                }
            }
        }
    }
}

fn certificate_at(window: &[u8], start: usize, sink: &mut Sink) {
    if let Some((key, facts, length)) = certificate::read(&window[start..]) {
        sink.examined_up_to(start + length);
        sink.public(start..start + length, key, PublicKind::Certificate(facts));
    }
}

/// A certificate in Base64 without armour: `x5c` of JSON Web Keys, `X509Certificate` of SAML, Kubernetes.
fn wrapped(hit: &Hit<'_>, phase: usize, sink: &mut Sink) {
    let Some(Unwrapped { range, bytes }) = runs::base64(hit.window, hit.anchor.start, phase) else { return };
    sink.examined_up_to(range.end);
    // The version stands behind the headers of two SEQUENCEs.
    let Some(version) = memmem::find(&bytes, b"\xa0\x03\x02\x01\x02\x02") else { return };
    let start = sequence_before(&bytes, version).and_then(|inner| sequence_before(&bytes, inner));
    if let Some((key, facts, _)) = start.and_then(|start| certificate::read(&bytes[start..])) {
        sink.public(range, key, PublicKind::Certificate(facts));
    }
}

/// What a PEM block holds, whatever its label says.
fn armoured(hit: &Hit<'_>, sink: &mut Sink) {
    sink.spent(armour::LINE);
    let Some(block) = Block::at(hit.window, hit.anchor.end) else { return };
    sink.spent(block.range.len());
    sink.examined_up_to(block.range.end);
    for body in block.bodies().filter(|body| body.first() == Some(&SEQUENCE)) {
        if let Some((key, facts, _)) = certificate::read(&body) {
            return sink.public(block.range.clone(), key, PublicKind::Certificate(facts));
        }
        let request = || {
            // CertificationRequestInfo (RFC 2986): version, subject, key.
            let mut info = super::asn1::Reader::new(&body).enter(SEQUENCE)?.enter(SEQUENCE)?;
            info.small()?;
            info.take(SEQUENCE)?;
            spki::read(info.rest())
        };
        if let Some((key, _)) = spki::read(&body).or_else(|| spki::rsa(&body)).or_else(request) {
            return sink.public(block.range.clone(), key, PublicKind::Key { comment: None });
        }
    }
}

#[cfg(test)]
mod tests;
