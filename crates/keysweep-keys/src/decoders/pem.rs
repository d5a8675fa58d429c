//! Private keys in PEM (RFC 7468, and RFC 1421 with its encryption as OpenSSL writes it), under any label and however the
//! text was quoted; see [`armour`](super::armour).

use super::armour::{self, Block};
use super::asn1::pkcs1;
use super::asn1::private::{self, Parsed};
use super::frame;
use super::text::run;
use crate::decoder::{Anchor, Decoder, Hit, Reach, Sink};
use crate::{Algorithm, KeyMaterial, Proof, Protection};
use memchr::memmem;

/// The decoder.
pub(crate) struct Pem;

const PRIVATE: &str = "pem-private-key";
const ENCRYPTED: &str = "pem-encrypted-private-key";

/// Shortest encrypted body: that of an EC key of 256 bits without its public point.
const MIN_CIPHERTEXT: usize = 48;

impl Decoder for Pem {
    fn name(&self) -> &'static str {
        "pem"
    }

    fn rules(&self) -> &'static [&'static str] {
        &[PRIVATE, ENCRYPTED]
    }

    fn anchors(&self) -> &'static [Anchor] {
        const ANCHORS: [Anchor; 4] = [
            Anchor::text("PRIVATE KEY-----"),
            // In URLs and forms.
            Anchor::text("PRIVATE%20KEY-----"),
            Anchor::text("PRIVATE+KEY-----"),
            Anchor::text("PRIVATE&nbsp;KEY-----"),
        ];
        &ANCHORS
    }

    fn reach(&self) -> Reach {
        armour::REACH
    }

    fn decode(&self, hit: &Hit<'_>, sink: &mut Sink) {
        sink.spent(armour::LINE);
        let Some(block) = Block::at(hit.window, hit.anchor.end) else { return };
        sink.spent(block.range.len());
        if let Some(material) = legacy(&block) {
            sink.examined_up_to(block.range.end);
            sink.key(ENCRYPTED, block.range, material);
            return;
        }
        let Some(Parsed { form, material, length }) = block.bodies().find_map(|body| private::read(&body).key()) else {
            sink.examined_up_to(block.range.end);
            if let Some(material) = remains(&block) {
                sink.key(PRIVATE, block.range, material);
            }
            return;
        };
        let range = block.covering(length);
        sink.examined_up_to(range.end);
        let rule = if material.protection == Protection::None { PRIVATE } else { ENCRYPTED };
        let material = KeyMaterial { encoding: form.pem(), ..material };
        sink.key(rule, range, named(material, hit.file_name));
    }
}

/// An RSA key in a body of which a part was overwritten with something that is Base64, too.
fn remains(block: &Block<'_>) -> Option<KeyMaterial> {
    let body = block.bodies().next()?;
    let exponent = memmem::find(&body, b"\x02\x03\x01\0\x01\x02")?;
    let (material, _) = pkcs1::around_exponent(&body, exponent)?;
    Some(KeyMaterial { encoding: "PKCS#1 PEM, damaged", ..material })
}

/// Adds what Apple's file names say: `AuthKey_` and the ten characters of the key id.
fn named(mut material: KeyMaterial, file_name: Option<&str>) -> KeyMaterial {
    let id = file_name.and_then(|name| {
        let (stem, extension) = name.rsplit_once('.')?;
        let id = ["AuthKey_", "SubscriptionKey_", "ApiKey_"].iter().find_map(|prefix| stem.strip_prefix(prefix))?;
        let id = id.get(..run(id.as_bytes(), |b| b.is_ascii_alphanumeric()))?;
        (extension.eq_ignore_ascii_case("p8") && id.len() == 10).then_some(id)
    });
    if let Some(id) = id {
        material.purpose = Some("package-publishing");
        material.details.push(("Apple key id", id.to_owned()));
    }
    material
}

/// A key encrypted as RFC 1421 has it and OpenSSL writes it: the cipher and its initialisation vector in a header, the key
/// from MD5 over passphrase and vector.
fn legacy(block: &Block<'_>) -> Option<KeyMaterial> {
    let headers = block.headers();
    let (_, info) = headers.iter().find(|(name, _)| name == "DEK-Info")?;
    let (cipher, vector) = info.split_once(',')?;
    let cipher = cipher.trim();
    let known = cipher.len() <= 32 && cipher.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    let vector = vector.trim();
    let size = vector.len() / 2;
    if !known || !matches!(size, 8 | 16) || !vector.bytes().all(|b| b.is_ascii_hexdigit()) || !block.ends() {
        return None;
    }
    let ciphertext = block.bodies().next()?;
    let random = super::text::looks_random(&ciphertext);
    if ciphertext.len() < MIN_CIPHERTEXT || !ciphertext.len().is_multiple_of(size) || !random {
        return None;
    }
    let (algorithm, encoding) = match block.label.as_str() {
        "RSA PRIVATE KEY" => (Algorithm::Rsa, "PKCS#1 PEM"),
        "EC PRIVATE KEY" => (Algorithm::Unknown(Some("EC".into())), "SEC1 PEM"),
        "DSA PRIVATE KEY" => (Algorithm::Dsa, "DSA PEM"),
        _ => (Algorithm::Unknown(None), "PEM"),
    };
    let protection = Protection::Encrypted {
        cipher: cipher.to_ascii_lowercase(),
        kdf: "MD5 of passphrase and salt, 1 iteration".into(),
        weak: true,
    };
    let proof = Proof::parsed("an encrypted PEM block of whole cipher blocks");
    Some(frame::of_container(algorithm, &ciphertext, encoding, protection, proof))
}

#[cfg(test)]
mod tests;
