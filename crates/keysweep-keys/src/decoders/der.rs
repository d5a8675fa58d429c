//! Private keys in bare DER at any offset: PKCS #8, encrypted PKCS #8, PKCS #1, SEC 1 and DSA, in files, executables and
//! memory; also without their first bytes, where enough is left to prove the key.

use super::asn1::private::{self, Look};
use super::asn1::{pkcs1, sequence_before};
use super::java::is_bcfks_content;
use crate::decoder::{Anchor, Decoder, Hit, Reach, Sink};
use crate::{ProofLevel, Protection};

/// The decoder.
pub(crate) struct Der;

const PRIVATE: &str = "der-private-key";
const ENCRYPTED: &str = "der-encrypted-private-key";

/// What an anchor is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mark {
    /// The object identifier of an algorithm, so many bytes into the anchor.
    Algorithm(usize),
    /// The version and the first bytes of what follows it.
    Version,
    /// A public exponent and the first bytes of the private one.
    Exponent,
}

const OIDS: usize = 15;
const SHORT_OIDS: usize = 4;
const VERSIONS: usize = 14;
const EXPONENTS: usize = 8;

/// Each anchor is at least five bytes that programs, zeroed pages and heaps seldom hold by chance.
const ANCHORS: [Anchor; OIDS + SHORT_OIDS + VERSIONS + EXPONENTS] = [
    // rsaEncryption, id-RSASSA-PSS, id-RSAES-OAEP.
    Anchor::binary(b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01"),
    Anchor::binary(b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a"),
    Anchor::binary(b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x07"),
    // id-ecPublicKey, id-dsa, dhKeyAgreement, dhpublicnumber.
    Anchor::binary(b"\x06\x07\x2a\x86\x48\xce\x3d\x02\x01"),
    Anchor::binary(b"\x06\x07\x2a\x86\x48\xce\x38\x04\x01"),
    Anchor::binary(b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x03\x01"),
    Anchor::binary(b"\x06\x07\x2a\x86\x48\xce\x3e\x02\x01"),
    // ML-DSA and SLH-DSA, ML-KEM.
    Anchor::binary(b"\x06\x09\x60\x86\x48\x01\x65\x03\x04\x03"),
    Anchor::binary(b"\x06\x09\x60\x86\x48\x01\x65\x03\x04\x04"),
    // PBES2, PBES1, PBE of PKCS #12.
    Anchor::binary(b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x05\x0d"),
    Anchor::binary(b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x05\x03"),
    Anchor::binary(b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x05\x0a"),
    Anchor::binary(b"\x06\x0a\x2a\x86\x48\x86\xf7\x0d\x01\x0c\x01"),
    // GOST R 34.10-2012 and 2001.
    Anchor::binary(b"\x06\x08\x2a\x85\x03\x07\x01\x01\x01"),
    Anchor::binary(b"\x06\x06\x2a\x85\x03\x02\x02\x13"),
    // X25519, X448, Ed25519, Ed448.
    Anchor::binary(b"\x30\x05\x06\x03\x2b\x65\x6e"),
    Anchor::binary(b"\x30\x05\x06\x03\x2b\x65\x6f"),
    Anchor::binary(b"\x30\x05\x06\x03\x2b\x65\x70"),
    Anchor::binary(b"\x30\x05\x06\x03\x2b\x65\x71"),
    // PKCS #1 and DSA: the version, then a modulus of 128 bytes, of 256 and more, of 48, 64 and 96.
    Anchor::binary(b"\x02\x01\x00\x02\x81"),
    Anchor::binary(b"\x02\x01\x00\x02\x82"),
    Anchor::binary(b"\x02\x01\x01\x02\x81"),
    Anchor::binary(b"\x02\x01\x01\x02\x82"),
    Anchor::binary(b"\x02\x01\x00\x02\x31\x00"),
    Anchor::binary(b"\x02\x01\x00\x02\x41\x00"),
    Anchor::binary(b"\x02\x01\x00\x02\x61\x00"),
    // SEC 1: the version, then a scalar of 28 to 66 bytes.
    Anchor::binary(b"\x02\x01\x01\x04\x1c"),
    Anchor::binary(b"\x02\x01\x01\x04\x20"),
    Anchor::binary(b"\x02\x01\x01\x04\x28"),
    Anchor::binary(b"\x02\x01\x01\x04\x30"),
    Anchor::binary(b"\x02\x01\x01\x04\x40"),
    Anchor::binary(b"\x02\x01\x01\x04\x41"),
    Anchor::binary(b"\x02\x01\x01\x04\x42"),
    // RSA's exponents 65537, 3 and 17, then a private exponent of 64, 128, 256 and more bytes.
    Anchor::binary(b"\x02\x03\x01\x00\x01\x02\x40"),
    Anchor::binary(b"\x02\x03\x01\x00\x01\x02\x41"),
    Anchor::binary(b"\x02\x03\x01\x00\x01\x02\x81"),
    Anchor::binary(b"\x02\x03\x01\x00\x01\x02\x82"),
    Anchor::binary(b"\x02\x01\x03\x02\x81"),
    Anchor::binary(b"\x02\x01\x03\x02\x82"),
    Anchor::binary(b"\x02\x01\x11\x02\x81"),
    Anchor::binary(b"\x02\x01\x11\x02\x82"),
];

fn mark(index: usize) -> Mark {
    match index {
        _ if index < OIDS => Mark::Algorithm(0),
        _ if index < OIDS + SHORT_OIDS => Mark::Algorithm(2),
        _ if index < OIDS + SHORT_OIDS + VERSIONS => Mark::Version,
        _ => Mark::Exponent,
    }
}

impl Decoder for Der {
    fn name(&self) -> &'static str {
        "der"
    }

    fn rules(&self) -> &'static [&'static str] {
        &[PRIVATE, ENCRYPTED]
    }

    fn anchors(&self) -> &'static [Anchor] {
        &ANCHORS
    }

    fn reach(&self) -> Reach {
        // A modulus of 16,384 bits before its exponent; all numbers of such a key after its version.
        Reach { before: 2_300, after: 12 * 1024 }
    }

    fn decode(&self, hit: &Hit<'_>, sink: &mut Sink) {
        let start = match mark(hit.index) {
            Mark::Exponent => return remains(hit, sink),
            Mark::Version => Some(hit.anchor.start),
            Mark::Algorithm(offset) => body_of_algorithm(hit.window, hit.anchor.start + offset),
        };
        let Some(body) = start else { return };
        let start = sequence_before(hit.window, body);
        let (start, look) = match start {
            Some(start) => (start, private::read(&hit.window[start..])),
            None => (body, private::read_headless(&hit.window[body..])),
        };
        match look {
            Look::Key(key) => {
                let encrypted = matches!(key.material.protection, Protection::Encrypted { .. });
                if encrypted && is_bcfks_content(&hit.window[start + key.length..]) {
                    return; // The key store's decoder speaks for it.
                }
                sink.examined_up_to(start + key.length);
                sink.key(if encrypted { ENCRYPTED } else { PRIVATE }, start..start + key.length, key.material);
            }
            Look::Contradiction(length) => sink.examined_up_to(start + length),
            Look::Nothing => {}
        }
    }
}

/// Where the body of the structure begins whose AlgorithmIdentifier holds the object identifier at `oid`: at the version of
/// PKCS #8, or at the AlgorithmIdentifier itself, as in encrypted PKCS #8.
fn body_of_algorithm(window: &[u8], oid: usize) -> Option<usize> {
    let algorithm = sequence_before(window, oid)?;
    match window[..algorithm] {
        [.., 0x02, 0x01, 0x00 | 0x01] => Some(algorithm - 3),
        // Public keys begin like this, too; they have a BIT STRING where encrypted keys have an OCTET STRING.
        _ => sequence_before(window, algorithm).map(|_| algorithm),
    }
}

/// An RSA key around its public exponent, of which the first bytes are gone.
fn remains(hit: &Hit<'_>, sink: &mut Sink) {
    let Some((material, range)) = pkcs1::around_exponent(hit.window, hit.anchor.start) else { return };
    if material.proof.level == ProofLevel::Proven {
        sink.examined_up_to(range.end);
        sink.key(PRIVATE, range, material);
    }
}

#[cfg(test)]
mod tests;
