//! Any private key structure, told apart by its first elements.

use super::{INTEGER, OCTET_STRING, Outer, Reader, SEQUENCE, dsa, encrypted, pkcs1, pkcs8, sec1, sequence};
use crate::KeyMaterial;

/// The structures in which private keys are exchanged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// RSAPrivateKey (RFC 8017 appendix A.1.2).
    Pkcs1,
    /// PrivateKeyInfo and OneAsymmetricKey (RFC 5958).
    Pkcs8,
    /// EncryptedPrivateKeyInfo (RFC 5958 section 3).
    EncryptedPkcs8,
    /// ECPrivateKey (RFC 5915).
    Sec1,
    /// The six numbers that OpenSSL writes as `DSA PRIVATE KEY`.
    Dsa,
}

impl Form {
    /// Its name in reports, in binary.
    pub(crate) fn der(self) -> &'static str {
        match self {
            Form::Pkcs1 => "PKCS#1 DER",
            Form::Pkcs8 => "PKCS#8 DER",
            Form::EncryptedPkcs8 => "encrypted PKCS#8 DER",
            Form::Sec1 => "SEC1 DER",
            Form::Dsa => "DSA DER",
        }
    }

    /// Its name in reports, in PEM.
    pub(crate) fn pem(self) -> &'static str {
        match self {
            Form::Pkcs1 => "PKCS#1 PEM",
            Form::Pkcs8 => "PKCS#8 PEM",
            Form::EncryptedPkcs8 => "encrypted PKCS#8 PEM",
            Form::Sec1 => "SEC1 PEM",
            Form::Dsa => "DSA PEM",
        }
    }
}

/// A private key structure that was read and whose numbers hold.
#[derive(Debug, Clone)]
pub(crate) struct Parsed {
    pub(crate) form: Form,
    /// What is known of the key. Its encoding is the name of the form in binary.
    pub(crate) material: KeyMaterial,
    /// Bytes that the structure spans.
    pub(crate) length: usize,
}

/// What a look at bytes yields.
#[derive(Debug)]
pub(crate) enum Look {
    /// A key.
    Key(Box<Parsed>),
    /// The structure of a key, of so many bytes, whose numbers are none.
    Contradiction(usize),
    /// Something else.
    Nothing,
}

impl Look {
    pub(crate) fn key(self) -> Option<Parsed> {
        match self {
            Look::Key(parsed) => Some(*parsed),
            _ => None,
        }
    }

    /// A structure of `length` bytes that was read: a key if there is material.
    pub(super) fn of(form: Form, material: Option<KeyMaterial>, length: usize) -> Self {
        match material {
            Some(material) => {
                let material = KeyMaterial { encoding: form.der(), ..material };
                Look::Key(Box::new(Parsed { form, material, length }))
            }
            None => Look::Contradiction(length),
        }
    }
}

/// The private key structure at the start of `bytes`, whatever it is called. It may be cut at the end if enough is left to
/// prove the key.
pub(crate) fn read(bytes: &[u8]) -> Look {
    sequence(bytes).map_or(Look::Nothing, |outer| read_body(&outer))
}

/// The same where the header of the outer SEQUENCE is lost: `bytes` begin with its body. Only what is proven counts.
pub(crate) fn read_headless(bytes: &[u8]) -> Look {
    read_body(&Outer { body: bytes, header: 0, complete: false })
}

fn read_body(outer: &Outer<'_>) -> Look {
    let mut reader = Reader::new(outer.body);
    match outer.body.first() {
        Some(&SEQUENCE) => return encrypted::read(outer),
        Some(&INTEGER) => {}
        _ => return Look::Nothing,
    }
    let Some(version @ 0..=1) = reader.small() else { return Look::Nothing };
    match reader.rest().first() {
        Some(&SEQUENCE) => pkcs8::read(outer, reader),
        Some(&OCTET_STRING) if version == 1 => sec1::read(outer, reader),
        Some(&INTEGER) => match dsa::read(outer, reader) {
            Look::Nothing => pkcs1::read(outer, reader),
            other => other,
        },
        _ => Look::Nothing,
    }
}
