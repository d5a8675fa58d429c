//! What Windows encrypts with its data protection interface (DPAPI): blobs of any content, and the key containers of
//! CryptoAPI (`Crypto\RSA`, `MachineKeys`) and CNG (`Crypto\Keys`, `SystemKeys`) that hold private keys in such blobs, with the
//! public key beside them. Layouts as the tools that read them describe: mimikatz (kull_m_dpapi.h, kull_m_key.h).

use super::fields::Fields;
use super::frame;
use super::sweep::{STRETCH, sweep};
use super::text::label;
use super::unwrap;
use crate::decoder::{Anchor, Decoder, Hit, Reach, Sink};
use crate::private::{MAX_BITS, MIN_BITS};
use crate::{Algorithm, KeyMaterial, Proof, Protection, PublicKey};
use std::ops::Range;

/// Blobs in bytes.
pub(crate) struct Dpapi;

/// Blobs in Base64 or hex.
pub(crate) struct DpapiText;

const BLOB: &str = "dpapi-blob";
const KEY: &str = "windows-key-container";

/// Largest field of a blob, in bytes.
const MAX_FIELD: u32 = 64 << 10;
/// Bytes before a blob in which the public key beside it is looked for.
const BEFORE: usize = 4 << 10;
const MAX_BLOB: usize = 80 << 10;

/// Version 1 and the identifier of the provider, df9d8cd0-1501-11d1-8c7a-00c04fc297eb.
const ANCHORS: [Anchor; 1] =
    [Anchor::binary(b"\x01\0\0\0\xd0\x8c\x9d\xdf\x01\x15\xd1\x11\x8c\x7a\0\xc0\x4f\xc2\x97\xeb")];

impl Decoder for Dpapi {
    fn name(&self) -> &'static str {
        "dpapi"
    }

    fn rules(&self) -> &'static [&'static str] {
        &[BLOB, KEY]
    }

    fn anchors(&self) -> &'static [Anchor] {
        &ANCHORS
    }

    fn reach(&self) -> Reach {
        Reach { before: BEFORE, after: MAX_BLOB + STRETCH }
    }

    fn decode(&self, hit: &Hit<'_>, sink: &mut Sink) {
        sweep(hit, &ANCHORS, sink, |at, _, sink| {
            let blob = Blob::read(hit.window, at)?;
            let end = blob.range.end;
            blob.report(hit.window, sink);
            Some(end)
        });
    }
}

/// The fields of a blob.
struct Blob {
    range: Range<usize>,
    master_key: [u8; 16],
    /// UTF-16.
    description: String,
    cipher: u32,
    cipher_bits: u32,
    hash: u32,
}

impl Blob {
    fn read(window: &[u8], at: usize) -> Option<Self> {
        let mut fields = Fields::little(window, at + 20);
        fields.u32().filter(|version| *version == 1)?;
        let master_key = *fields.take(16)?.first_chunk()?;
        fields.u32()?; // Flags.
        let description = field(&mut fields)?;
        let (cipher, cipher_bits) = (fields.u32()?, fields.u32()?);
        field(&mut fields)?; // Salt.
        field(&mut fields)?; // Key of an HMAC, empty.
        let (hash, _) = (fields.u32()?, fields.u32()?);
        field(&mut fields)?; // Key of a second HMAC.
        let data = field(&mut fields)?;
        field(&mut fields)?; // Signature.
        // CALG_… of a cipher and of a hash.
        if data.len() < 8 || cipher & 0xe000 != 0x6000 || hash & 0xe000 != 0x8000 {
            return None;
        }
        let units = description.chunks_exact(2).map(|unit| u16::from_le_bytes([unit[0], unit[1]]));
        let description = char::decode_utf16(units.take(200)).map(|c| c.unwrap_or('\u{fffd}')).collect();
        Some(Self { range: at..fields.at, master_key, description, cipher, cipher_bits, hash })
    }

    fn protection(&self) -> Protection {
        let cipher = match self.cipher {
            0x6601 => "des".to_owned(),
            0x6602 => "rc2".to_owned(),
            0x6603 | 0x6609 => "des-ede3".to_owned(),
            0x660e..=0x6611 => format!("aes-{}", self.cipher_bits),
            0x6801 => "rc4".to_owned(),
            other => format!("cipher 0x{other:04x}"),
        };
        let hash = match self.hash {
            0x8003 => "MD5",
            0x8004 | 0x8009 => "SHA1",
            0x800c => "SHA256",
            0x800d => "SHA384",
            0x800e => "SHA512",
            _ => "unknown hash",
        };
        let weak = matches!(self.cipher, 0x6601 | 0x6602 | 0x6801);
        Protection::Encrypted { cipher, kdf: format!("DPAPI master key, {hash}"), weak }
    }

    fn report(self, window: &[u8], sink: &mut Sink) {
        let bytes = &window[self.range.clone()];
        let description = label(self.description.trim_matches('\0').as_bytes());
        let private = match description.as_deref() {
            // What may be done with a key, beside the key.
            Some("Export Flag" | "Private Key Properties") => return,
            Some("CryptoAPI Private Key" | "Private Key") => true,
            _ => false,
        };
        let proof = Proof::parsed("a DPAPI blob whose lengths and algorithms agree");
        let encoding = if private { "Windows key container" } else { "DPAPI blob" };
        let mut material = frame::of_container(Algorithm::Unknown(None), bytes, encoding, self.protection(), proof);
        material.details.push(("master key", guid(&self.master_key)));
        material.details.extend(description.clone().map(|text| ("description", text)));
        let mut range = self.range.clone();
        if private && let Some((key, start)) = public_before(&window[..self.range.start]) {
            material.algorithm = key.algorithm.clone();
            material.bits = key.bits;
            material.public = Some(key.fingerprint());
            material.id = None;
            range.start = start;
        }
        let rule = if private { KEY } else { BLOB };
        sink.key(rule, range, KeyMaterial { comment: description, ..material });
    }
}

/// A field after its length.
fn field<'a>(fields: &mut Fields<'a>) -> Option<&'a [u8]> {
    let length = fields.u32().filter(|length| *length <= MAX_FIELD)?;
    fields.take(length as usize)
}

/// An identifier as Windows writes it: the first three fields are little-endian.
pub(crate) fn guid(bytes: &[u8; 16]) -> String {
    let [a, b, c, d, e, f, g, h, rest @ ..] = bytes;
    let number = |digits: &[&u8]| digits.iter().map(|b| format!("{b:02x}")).collect::<String>();
    let (first, last) = rest.split_at(2);
    format!(
        "{}-{}-{}-{}-{}",
        number(&[d, c, b, a]),
        number(&[f, e]),
        number(&[h, g]),
        first.iter().map(|b| format!("{b:02x}")).collect::<String>(),
        last.iter().map(|b| format!("{b:02x}")).collect::<String>()
    )
}

/// The public key that ends right before a private one in a container of CryptoAPI, with its offset: `RSA1`, length of
/// what follows the exponent, bits, bytes that can be encrypted, exponent, modulus (little-endian, filled up with zeros).
fn public_before(before: &[u8]) -> Option<(PublicKey, usize)> {
    let start = memchr::memmem::rfind(before, b"RSA1")?;
    let mut fields = Fields::little(before, start + 4);
    let length = fields.u32()?;
    let bits = fields.u32().filter(|bits| (MIN_BITS..=MAX_BITS).contains(bits) && bits % 8 == 0)?;
    fields.u32()?;
    let exponent = fields.u32()?;
    let stored = fields.take(length as usize)?;
    let (modulus, padding) = stored.split_at_checked(bits as usize / 8)?;
    let modulus: Vec<u8> = modulus.iter().rev().copied().collect();
    let whole = fields.rest().is_empty() && padding.len() <= 16 && padding.iter().all(|&b| b == 0);
    let plausible = modulus.first().is_some_and(|&b| b >= 0x80) && modulus.last().is_some_and(|b| b % 2 == 1);
    (whole && plausible && exponent % 2 == 1).then(|| (PublicKey::rsa(&modulus, &exponent.to_be_bytes()), start))
}

impl Decoder for DpapiText {
    fn name(&self) -> &'static str {
        "dpapi-text"
    }

    fn rules(&self) -> &'static [&'static str] {
        &[]
    }

    fn anchors(&self) -> &'static [Anchor] {
        // The same in hex, as PowerShell writes secure strings, and in Base64, at its start and after the five letters that
        // browsers put before it.
        const ANCHORS: [Anchor; 4] = [
            Anchor { bytes: b"01000000d08c9ddf0115d1118c7a00c0", ignore_case: true, wide: true },
            Anchor::text("AQAAANCMnd8BFdERjHoAwE/Cl+s"),
            Anchor::text("RFBBUEkBAAAA0Iyd3wEV0RGMegDAT8KX6"),
            Anchor { bytes: b"01,00,00,00,d0,8c,9d,df,01,15,d1,11,8c,7a,00,c0", ignore_case: true, wide: true },
        ];
        &ANCHORS
    }

    fn reach(&self) -> Reach {
        Reach { before: 0, after: 2 * MAX_BLOB }
    }

    fn decode(&self, hit: &Hit<'_>, sink: &mut Sink) {
        match hit.index {
            1 | 2 => unwrap::base64(hit, hit.anchor.start, sink),
            _ => unwrap::hex(hit, hit.anchor.start, sink),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::trial::{only, scan};
    use super::*;

    const BLOB: &[u8] = include_bytes!("../../tests/data/windows/credential.blob");
    const CONTAINER: &[u8] = include_bytes!("../../tests/data/windows/machine-key");

    #[test]
    fn the_identifier_of_the_provider_alone_is_no_blob() {
        for rest in [vec![0; 512], vec![0xff; 512], BLOB[..20].repeat(64)] {
            assert!(scan(&Dpapi, &[&BLOB[..20], &rest].concat()).found.is_empty());
        }
        let mut other = BLOB.to_vec();
        let cipher = other.windows(4).position(|w| w == 0x6610u32.to_le_bytes()).unwrap();
        other[cipher + 1] = 0x80; // A hash in place of a cipher.
        assert!(scan(&Dpapi, &other).found.is_empty());
    }

    #[test]
    fn a_private_key_without_its_public_one_is_named_by_its_bytes() {
        let found = only(&Dpapi, CONTAINER);
        assert!(found.material.public.is_some());
        let start = CONTAINER.windows(4).position(|w| w == b"RSA1").unwrap();
        let mut alone = CONTAINER.to_vec();
        alone[start] = b'X';
        let material = only(&Dpapi, &alone).material;
        assert!(material.public.is_none() && material.id.is_some());
    }

    #[test]
    fn text_wraps_blobs() {
        let base64 = data_encoding::BASE64.encode(BLOB);
        for text in
            [format!("\"{base64}\""), data_encoding::HEXLOWER.encode(BLOB), data_encoding::HEXUPPER.encode(BLOB)]
        {
            let sink = scan(&DpapiText, text.as_bytes());
            assert_eq!(sink.nested.len(), 1, "{text}");
            assert_eq!(sink.nested[0].bytes.as_slice(), BLOB);
        }
    }
}
