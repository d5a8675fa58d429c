//! What key stores share: the passwords that vendors publish, the key that a store gives up, and the certificate that
//! names a key which it does not give up.

use super::asn1;
use super::pbe::kdf::Bytes;
use super::pbe::{Password, Scheme};
use super::text::{label, looks_random};
use super::{ber, frame};
use crate::decoder::{Certificate, PublicKind, Sink};
use crate::{Algorithm, KeyMaterial, Proof, ProofLevel, Protection, PublicKey, Work};
use std::ops::Range;
use zeroize::Zeroizing;

/// Passwords that vendors publish as the ones their products come with, and the empty one. They protect nothing, so that
/// naming them in a report reveals nothing.
pub(crate) const PUBLISHED: [&str; 15] = [
    "",
    "changeit",                       // Java, Tomcat, GlassFish
    "password",                       // WildFly, ActiveMQ
    "notasecret",                     // service accounts of Google Cloud
    "android",                        // the debug key of the Android SDK
    "changeme",                       // Splunk
    "secret",                         // ApacheDS, Quarkus
    "wso2carbon",                     // WSO2
    "WebAS",                          // IBM WebSphere
    "aircontrolenterprise",           // UniFi
    "none",                           // credential provider of Hadoop
    "adminadmin",                     // GlassFish
    "storepwd",                       // Jetty
    "keypwd",                         // Jetty
    "DemoIdentityKeyStorePassPhrase", // Oracle WebLogic
];

/// The key with which the Android SDK signs what is not released: its password and alias are the same everywhere.
pub(crate) const ANDROID_DEBUG: &str = "android-debug-key";

/// Whether an entry that opened with `password` is the debug key of an Android SDK.
pub(crate) fn is_android_debug(password: &str, alias: Option<&str>) -> bool {
    password == "android" && alias.is_some_and(|alias| alias.eq_ignore_ascii_case("androiddebugkey"))
}

/// A published password, and the form of it that opens a store.
pub(crate) struct Opened {
    pub(crate) text: &'static str,
    pub(crate) password: Password,
}

/// The first published password for which `opens` says yes. Each try costs so many compressions of a hash; when no more
/// can be paid for, none is found. One store may take half of what is left, so that a costly one does not keep others in the
/// same file from being tried.
pub(crate) fn published(work: &Work, cost: u64, mut opens: impl FnMut(&Password) -> bool) -> Option<Opened> {
    let reserve = work.left() / 2;
    for text in PUBLISHED {
        // The empty password has two forms: with and without the end of a string.
        let null = text.is_empty().then(Password::null);
        for password in std::iter::once(Password::new(text)).chain(null) {
            if work.left().saturating_sub(cost) < reserve || !work.spend(cost) {
                return None;
            }
            if opens(&password) {
                return Some(Opened { text, password });
            }
        }
    }
    None
}

impl Opened {
    /// Decrypts with this password, as far as it can be paid for. Makers do not agree on the form it takes in every
    /// place: the others are tried too.
    pub(crate) fn decrypt<T>(
        &self,
        scheme: &Scheme,
        work: &Work,
        open: impl Fn(&Password) -> Option<T>,
    ) -> Result<Option<T>, OutOfWork> {
        let cost = scheme.cost().ok_or(OutOfWork)?;
        let try_form = |password: &Password| if work.spend(cost) { Ok(open(password)) } else { Err(OutOfWork) };
        if let Some(value) = try_form(&self.password)? {
            return Ok(Some(value));
        }
        // NSS gives PBES2 the UTF-16 that PKCS #12 takes.
        let wide = Password { utf8: self.password.bmp.clone(), bmp: self.password.bmp.clone() };
        let other = if self.text.is_empty() { Password::new("") } else { return try_form(&wide) };
        match try_form(&other)? {
            Some(value) => Ok(Some(value)),
            None => try_form(&Password { utf8: other.bmp.clone(), bmp: other.bmp }),
        }
    }
}

/// A derivation could not be paid for, or is not known.
pub(crate) struct OutOfWork;

/// The key in a PrivateKeyInfo that a store holds in the clear, or gave up.
pub(crate) fn key(pkcs8: &[u8]) -> Option<KeyMaterial> {
    let parsed = asn1::private::read(pkcs8).key()?;
    (parsed.form == asn1::private::Form::Pkcs8 && parsed.length == pkcs8.len()).then_some(parsed.material)
}

/// A key that came out of a store under a published password.
pub(crate) fn opened(material: KeyMaterial, protection: Protection) -> KeyMaterial {
    let proof = Proof::proven(format!("the store opens with a published password; {}", material.proof.statement));
    KeyMaterial { protection, proof, ..material }
}

/// The secret in a PrivateKeyInfo with the object identifier of a cipher or MAC, as Java stores symmetric keys. `sealed` is
/// what it came out of.
pub(crate) fn secret(pkcs8: &[u8], sealed: &Sealed) -> Option<KeyMaterial> {
    let mut parts = ber::Reader::new(pkcs8).enter(ber::tag::SEQUENCE)?;
    parts.number().filter(|version| *version <= 1)?;
    let oid = parts.enter(ber::tag::SEQUENCE)?.oid()?;
    let secret = Zeroizing::new(parts.octets()?.to_vec());
    symmetric(cipher_of_key(oid), &secret, &sealed.ciphertext)
}

/// A symmetric key. One that may be a password is named by its cipher text: a hash of it in a report could be searched.
pub(crate) fn symmetric(name: String, secret: &[u8], ciphertext: &[u8]) -> Option<KeyMaterial> {
    if secret.is_empty() {
        return None;
    }
    let proof = Proof::parsed("a symmetric key with a name and a length");
    let mut material = frame::of_secret(Algorithm::Symmetric(name), secret, "", proof);
    if !looks_random(secret) || secret.iter().all(|b| b.is_ascii_graphic()) {
        material.id = Some(KeyMaterial::container_id(ciphertext));
    }
    Some(material)
}

/// The name of a cipher or MAC from the object identifier that Java gives its keys.
pub(crate) fn cipher_of_key(oid: &[u8]) -> String {
    match oid {
        [0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, ..] => "AES".into(),
        [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x03, 0x07] => "Triple DES".into(),
        [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x02, 7..=13] => "HMAC".into(),
        [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x03, 0x04] => "RC4".into(),
        other => format!("secret key {}", ber::dotted(other)),
    }
}

/// An EncryptedPrivateKeyInfo: how it is encrypted, and what.
pub(crate) struct Sealed {
    pub(crate) scheme: Scheme,
    /// The structure without its header, which names it.
    body: Vec<u8>,
    pub(crate) ciphertext: Vec<u8>,
}

impl Sealed {
    /// Reads the structure, in DER or BER.
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        let whole = ber::Element::read(bytes).filter(|element| element.tag == ber::tag::SEQUENCE)?;
        let mut parts = whole.inside();
        let scheme = Scheme::read(&parts.take(ber::tag::SEQUENCE)?)?;
        let sealed = Self::new(scheme, &parts.octets()?)?;
        Some(Self { body: whole.body.to_vec(), ..sealed })
    }

    /// Bytes under a scheme, named by themselves.
    pub(crate) fn new(scheme: Scheme, ciphertext: &[u8]) -> Option<Self> {
        let varies = ciphertext.windows(2).any(|pair| pair[0] != pair[1]);
        let sealed = || Self { scheme, body: ciphertext.to_vec(), ciphertext: ciphertext.to_vec() };
        (ciphertext.len() >= 16 && varies).then(sealed)
    }

    /// What comes out under a password, whatever it is.
    pub(crate) fn decrypt(&self, password: &Password) -> Option<Bytes> {
        self.scheme.decrypt(password, &self.ciphertext)
    }

    /// What comes out under a password, if that is a structure.
    pub(crate) fn open(&self, password: &Password) -> Option<Bytes> {
        let plain = self.decrypt(password)?;
        let whole = ber::Element::read(&plain)?;
        (whole.tag == ber::tag::SEQUENCE && whole.whole.len() == plain.len()).then_some(plain)
    }

    /// A finding for the key that stays closed.
    pub(crate) fn container(&self, protection: Protection, encoding: &'static str, proof: Proof) -> KeyMaterial {
        frame::of_container(Algorithm::Unknown(None), &self.body, encoding, protection, proof)
    }
}

/// A certificate beside a key.
pub(crate) struct Named {
    pub(crate) key: PublicKey,
    pub(crate) certificate: Certificate,
}

impl Named {
    /// The certificate that `der` is.
    pub(crate) fn read(der: &[u8]) -> Option<Self> {
        let (key, certificate, _) = asn1::certificate::read(der)?;
        Some(Self { key, certificate })
    }

    /// Reports the certificate, which spans `range`.
    pub(crate) fn report(&self, range: Range<usize>, sink: &mut Sink) {
        sink.public(range, self.key.clone(), PublicKind::Certificate(self.certificate.clone()));
    }

    /// Takes the certificate as a witness for a key whose public half was only derived.
    pub(crate) fn confirm(&self, material: &mut KeyMaterial) {
        if material.proof.level < ProofLevel::Proven && material.public.as_ref() == Some(&self.key.fingerprint()) {
            material.proof = Proof::proven("the public key in the certificate beside it was derived from it");
        }
    }

    /// Names a closed key by its certificate.
    pub(crate) fn name(&self, material: &mut KeyMaterial) {
        material.algorithm = self.key.algorithm.clone();
        material.bits = self.key.bits;
        material.public = Some(self.key.fingerprint());
        material.id = None;
        material.details.extend(label(self.certificate.subject.as_bytes()).map(|subject| ("certificate", subject)));
    }
}

/// Where `part` lies in `window`, if it is a part of it and no copy.
pub(crate) fn place(window: &[u8], part: &[u8]) -> Option<Range<usize>> {
    let start = (part.as_ptr() as usize).checked_sub(window.as_ptr() as usize)?;
    (start + part.len() <= window.len()).then(|| start..start + part.len())
}

/// Big-endian UTF-16 as a short text for a report.
pub(crate) fn utf16_label(bytes: &[u8]) -> Option<String> {
    let units = bytes.chunks_exact(2).map(|unit| u16::from_be_bytes([unit[0], unit[1]])).take(200);
    let text: String = char::decode_utf16(units).map(|c| c.unwrap_or('\u{fffd}')).collect();
    label(text.as_bytes())
}
