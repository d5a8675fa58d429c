//! `EncryptedPfx` in the configuration of Active Directory Federation Services: a PKCS #12 store with a token signing or
//! decryption key, encrypted by the distributed key manager (DKM), whose own key lies in the directory. The layout is as
//! the tools that decrypt it describe (ADFSpoof).

use super::dpapi::guid;
use super::fields::Fields;
use super::frame;
use super::store::Named;
use super::text::label;
use super::unwrap;
use crate::decoder::{Anchor, Decoder, Hit, Reach, Sink};
use crate::{Algorithm, KeyMaterial, Proof, Protection};
use memchr::memmem;

/// The decoder.
pub(crate) struct Adfs;

const RULE: &str = "adfs-encrypted-pfx";

/// Largest blob, in bytes.
const MAX_BLOB: usize = 64 << 10;
/// Text before a blob in which its certificate is looked for.
const CONTEXT: usize = 16 << 10;

/// Version 1, no flags, and the identifier of the key; in bytes and in Base64.
const ANCHORS: [Anchor; 2] = [Anchor::binary(b"\0\0\0\x01\0\0\0\0\x04\x10"), Anchor::text("AAAAAQAAAAAEE")];

impl Decoder for Adfs {
    fn name(&self) -> &'static str {
        "adfs"
    }

    fn rules(&self) -> &'static [&'static str] {
        &[RULE]
    }

    fn anchors(&self) -> &'static [Anchor] {
        &ANCHORS
    }

    fn reach(&self) -> Reach {
        Reach { before: CONTEXT, after: MAX_BLOB / 3 * 4 }
    }

    fn decode(&self, hit: &Hit<'_>, sink: &mut Sink) {
        let start = hit.anchor.start;
        if hit.index == 0 {
            if let Some((material, length)) = blob(hit.from_anchor()) {
                sink.key(RULE, start..start + length, material);
            }
            return;
        }
        let Some((bytes, length)) = unwrap::leading_base64(hit.from_anchor()) else { return };
        sink.examined_up_to(start + length);
        let Some((mut material, _)) = blob(&bytes) else { return };
        Reference::before(&hit.window[..start]).describe(&mut material);
        sink.key(RULE, start..start + length, material);
    }
}

/// What a configuration says of the certificate of a key, before the key.
struct Reference<'a> {
    text: &'a [u8],
}

impl<'a> Reference<'a> {
    /// The elements before the blob that belong to it, and to no blob before it.
    fn before(text: &'a [u8]) -> Self {
        let start = memmem::rfind(text, b"</EncryptedPfx").unwrap_or(0);
        Self { text: &text[start..] }
    }

    /// The text of the last element with this opening tag.
    fn element(&self, tag: &[u8]) -> Option<&'a [u8]> {
        let start = memmem::rfind(self.text, tag)? + tag.len();
        let value = &self.text[start..];
        Some(&value[..memchr::memchr(b'<', value)?])
    }

    fn describe(&self, material: &mut KeyMaterial) {
        let certificate = self.element(b"<RawCertificate>").and_then(unwrap::leading_base64);
        if let Some(named) = certificate.and_then(|(der, _)| Named::read(&der)) {
            named.name(material);
        }
        let thumbprint = self.element(b"<FindValue>").filter(|value| value.len() == 40).and_then(label);
        material.details.extend(thumbprint.map(|text| ("certificate SHA-1", text)));
    }
}

/// What is known of a blob, and its length: after the identifier of the key come object identifiers (of derivation, MAC and
/// cipher), a nonce, an initialisation vector, and the lengths of the MAC and of the rest.
fn blob(bytes: &[u8]) -> Option<(KeyMaterial, usize)> {
    let mut fields = Fields::big(bytes, 8);
    let mut element = |tag: u8| {
        let header = fields.take(2)?;
        (header[0] == tag && header[1] < 0x80).then(|| fields.take(usize::from(header[1])))?
    };
    let key: [u8; 16] = element(4)?.try_into().ok()?;
    let (_derivation, _mac, cipher) = (element(6)?, element(6)?, element(6)?);
    let (nonce, vector) = (element(4)?, element(4)?);
    if nonce.len() != 32 || vector.len() != 16 {
        return None;
    }
    let mac_length = length(&mut fields)?;
    let rest = length(&mut fields)?;
    let ciphertext = fields.take(rest)?;
    if !(16..=64).contains(&mac_length) || ciphertext.len() < 256 || ciphertext.len() > MAX_BLOB {
        return None;
    }
    let cipher = match cipher {
        [0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x02] => "aes-128-cbc".to_owned(),
        [0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x2a] => "aes-256-cbc".to_owned(),
        other => super::ber::dotted(other),
    };
    let protection =
        Protection::Encrypted { cipher, kdf: "SP 800-108 from a DKM key in the directory".into(), weak: false };
    let proof = Proof::parsed("an EncryptedPfx whose fields and lengths agree");
    let material = KeyMaterial {
        purpose: Some("token-signing"),
        details: vec![("DKM key", guid(&key))],
        ..frame::of_container(Algorithm::Unknown(None), &bytes[..fields.at], "ADFS EncryptedPfx", protection, proof)
    };
    Some((material, fields.at))
}

/// A length as DER writes it.
fn length(fields: &mut Fields<'_>) -> Option<usize> {
    let first = fields.u8()?;
    if first < 0x80 {
        return Some(usize::from(first));
    }
    let digits = fields.take(usize::from(first & 0x7f)).filter(|digits| digits.len() <= 3)?;
    Some(digits.iter().fold(0, |length, &byte| length << 8 | usize::from(byte)))
}

#[cfg(test)]
mod tests {
    use super::super::trial::{only, scan};
    use super::*;

    const BLOB: &[u8] = include_bytes!("../../tests/data/adfs/encrypted.pfx.bin");
    const SETTINGS: &str = include_str!("../../tests/data/adfs/service-settings.xml");

    #[test]
    fn the_certificate_before_it_names_a_key() {
        let material = only(&Adfs, SETTINGS.as_bytes()).material;
        assert_eq!(material.public.unwrap().hex()[..16], *"02b68d22d92963f8");
        let (before, after) = SETTINGS.split_once("<FindValue>").unwrap();
        let other = format!(
            "{before}<FindValue>{}</EncryptedPfx>{}",
            &after[..80],
            &after[after.find("<EncryptedPfx").unwrap()..]
        );
        let material = only(&Adfs, other.as_bytes()).material;
        assert!(material.public.is_none(), "the certificate of another key");
    }

    #[test]
    fn fields_must_agree() {
        for at in [8, 9, 26, 27, 59, 60, 93, 94, 111, 112, 113] {
            let mut other = BLOB.to_vec();
            other[at] ^= 0x40;
            assert!(scan(&Adfs, &other).found.is_empty(), "{at}");
        }
        assert!(scan(&Adfs, &ANCHORS[0].bytes.repeat(4_096)).found.is_empty());
        assert!(scan(&Adfs, &[&BLOB[..BLOB.len() - 1]].concat()).found.is_empty());
    }
}
