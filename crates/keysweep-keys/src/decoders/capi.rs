//! Microsoft's CryptoAPI blobs: PRIVATEKEYBLOB (wincrypt.h, "Base Provider Key BLOBs"), strong-name `.snk` files, which
//! are such blobs, and PVK files. Numbers are little-endian.

use super::frame;
use super::text::{base64, hex, is_base64, run};
use crate::decoder::{Anchor, Decoder, Hit, PublicKind, Reach, Sink};
use crate::private::{MAX_BITS, MIN_BITS, PrivateKey, RsaNumbers};
use crate::{Algorithm, KeyMaterial, Proof, Protection, PublicKey, Secret};
use zeroize::Zeroizing;

/// The decoder.
pub(crate) struct Capi;

const BLOB: &str = "capi-private-key";
const PVK: &str = "pvk-private-key";
const STRONG_NAME: &str = "strong-name-key";

/// Bytes of the BLOBHEADER (type, version, reserved, algorithm).
const HEADER: usize = 8;

/// The header and magic in hex, in Base64 and with commas as in registry exports: the wrapped bytes are searched again.
const WRAPPED: usize = 5;

const ANCHORS: [Anchor; 11] = [
    Anchor::binary(b"\x07\x02\0\0\0\xa4\0\0RSA2"),
    Anchor::binary(b"\x07\x02\0\0\0\x24\0\0RSA2"),
    Anchor::binary(b"\x07\x02\0\0\0\x22\0\0DSS2"),
    Anchor::binary(b"\x1e\xf1\xb5\xb0\0\0\0\0"),
    Anchor::binary(b"\x06\x02\0\0\0\x24\0\0RSA1"),
    Anchor::text("BwIAAACkAABSU0Ey"),
    Anchor::text("BwIAAAAkAABSU0Ey"),
    Anchor { bytes: b"0702000000a4000052534132", ignore_case: true, wide: true },
    Anchor { bytes: b"070200000024000052534132", ignore_case: true, wide: true },
    Anchor { bytes: b"07,02,00,00,00,a4,00,00,52,53,41,32", ignore_case: true, wide: true },
    Anchor { bytes: b"07,02,00,00,00,24,00,00,52,53,41,32", ignore_case: true, wide: true },
];

impl Decoder for Capi {
    fn name(&self) -> &'static str {
        "capi"
    }

    fn rules(&self) -> &'static [&'static str] {
        &[BLOB, PVK, STRONG_NAME]
    }

    fn anchors(&self) -> &'static [Anchor] {
        &ANCHORS
    }

    fn reach(&self) -> Reach {
        Reach { before: 0, after: 32 * 1024 }
    }

    fn decode(&self, hit: &Hit<'_>, sink: &mut Sink) {
        let start = hit.anchor.start;
        let bytes = hit.from_anchor();
        if hit.index >= WRAPPED {
            return unwrap(hit, sink);
        }
        if hit.index == 3 {
            return pvk(bytes, start, sink);
        }
        if hit.index == 4 {
            if let Some((key, length)) = public_blob(bytes) {
                sink.public(start..start + length, key, PublicKind::Key { comment: None });
            }
            return;
        }
        let Some((key, length)) = private_blob(bytes) else { return };
        let Some(material) = frame::of_key(&key, "CAPI PRIVATEKEYBLOB") else { return };
        let strong_name = hit.file_name.is_some_and(|name| name.to_ascii_lowercase().ends_with(".snk"));
        let (rule, purpose) = if strong_name { (STRONG_NAME, Some("code-signing")) } else { (BLOB, None) };
        sink.key(rule, start..start + length, KeyMaterial { purpose, ..material });
    }
}

/// Reads fields one after the other.
struct Fields<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Fields<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let field = self.bytes.get(self.at..self.at.checked_add(length)?)?;
        self.at += length;
        Some(field)
    }

    fn u32(&mut self) -> Option<u32> {
        Some(u32::from_le_bytes(self.take(4)?.try_into().ok()?))
    }

    /// A little-endian number, made big-endian.
    fn number(&mut self, length: usize) -> Option<Zeroizing<Vec<u8>>> {
        let mut number = Zeroizing::new(self.take(length)?.to_vec());
        number.reverse();
        Some(number)
    }

    fn secret(&mut self, length: usize) -> Option<Secret> {
        self.number(length).map(Secret::from)
    }
}

fn bit_size(bits: u32) -> Option<usize> {
    let plausible = (MIN_BITS..=MAX_BITS).contains(&bits) && bits.is_multiple_of(8);
    plausible.then_some(bits as usize / 8)
}

/// The key in a PRIVATEKEYBLOB and the blob's length in bytes.
fn private_blob(bytes: &[u8]) -> Option<(PrivateKey, usize)> {
    let mut fields = Fields { bytes, at: HEADER };
    let key = match fields.take(4)? {
        b"RSA2" => {
            let size = bit_size(fields.u32()?)?;
            let half = size.div_ceil(2);
            let e = fields.u32()?.to_be_bytes().to_vec();
            let n = fields.number(size)?.to_vec();
            let primes = vec![fields.secret(half)?, fields.secret(half)?];
            // The three CRT numbers follow, then d. Where they are cut off, the primes are enough.
            let crt = fields.take(3 * half);
            let d = crt.and_then(|_| fields.secret(size));
            PrivateKey::Rsa(RsaNumbers { n, e, d, primes })
        }
        b"DSS2" => {
            let size = bit_size(fields.u32()?)?;
            let p = fields.number(size)?.to_vec();
            let q = fields.number(20)?.to_vec();
            let g = fields.number(size)?.to_vec();
            let x = fields.secret(20)?;
            fields.take(24); // DSSSEED: counter and seed.
            // Without a stored public value only the group's structure can be checked: q divides p - 1.
            subgroup(&p, &q, &g)?;
            PrivateKey::Dsa { p, q, g, y: None, x }
        }
        _ => return None,
    };
    Some((key, fields.at))
}

/// Whether `g` generates a group of order `q` modulo `p`.
fn subgroup(p: &[u8], q: &[u8], g: &[u8]) -> Option<()> {
    let number = crate::bignum::number;
    let one = crate::bignum::power(&number(g), &number(q), &number(p))?;
    (crate::bignum::to_bytes(&one).as_slice() == [1]).then_some(())
}

/// The key in a PUBLICKEYBLOB and the blob's length in bytes.
fn public_blob(bytes: &[u8]) -> Option<(PublicKey, usize)> {
    let mut fields = Fields { bytes, at: HEADER + 4 };
    let size = bit_size(fields.u32()?)?;
    let e = fields.u32()?;
    let n = fields.number(size)?;
    let odd = e % 2 == 1 && n.last().is_some_and(|b| b % 2 == 1) && n.first().is_some_and(|&b| b >= 0x80);
    odd.then(|| (PublicKey::rsa(&n, &e.to_be_bytes()), fields.at))
}

/// A PVK file: magic, reserved, key type, encrypted, salt length, key length; salt; BLOBHEADER; key. If it is encrypted,
/// what follows the BLOBHEADER is under RC4 with a key from SHA-1 of salt and passphrase, of 128 or 40 bits.
fn pvk(bytes: &[u8], start: usize, sink: &mut Sink) {
    let mut fields = Fields { bytes, at: 8 };
    let header = [fields.u32(), fields.u32(), fields.u32(), fields.u32()];
    let [Some(kind @ 1..=2), Some(encrypted), Some(salt_length @ 0..=64), Some(key_length @ 300..=20_000)] = header
    else {
        return;
    };
    let (Some(salt), Some(blob)) = (fields.take(salt_length as usize), fields.take(key_length as usize)) else {
        return;
    };
    let range = start..start + fields.at;
    if encrypted == 0 {
        let read = private_blob(blob).filter(|_| blob.starts_with(&[7, 2, 0, 0]));
        if let Some(material) = read.and_then(|(key, _)| frame::of_key(&key, "PVK")) {
            sink.examined_up_to(range.end);
            sink.key(PVK, range, material);
        }
        return;
    }
    let algorithm = match blob.get(..HEADER) {
        Some([7, 2, 0, 0, 0, 0xa4 | 0x24, 0, 0]) => Algorithm::Rsa,
        Some([7, 2, 0, 0, 0, 0x22, 0, 0]) => Algorithm::Dsa,
        _ => return,
    };
    if encrypted != 1 || salt.is_empty() {
        return;
    }
    let use_of_key = if kind == 1 { "key exchange" } else { "signature" };
    let protection = Protection::Encrypted {
        cipher: "RC4 (40 or 128 bits)".into(),
        kdf: "SHA-1 of salt and passphrase, 1 iteration".into(),
        weak: true,
    };
    let proof = Proof::parsed("an encrypted PVK file whose lengths agree");
    let material = KeyMaterial {
        details: vec![("key type", use_of_key.into())],
        ..frame::of_container(algorithm, &bytes[..fields.at], "PVK", protection, proof)
    };
    sink.key(PVK, range, material);
}

/// Hands the blob that lies in hex or Base64 back for a search of its own.
fn unwrap(hit: &Hit<'_>, sink: &mut Sink) {
    let text = hit.from_anchor();
    let (length, bytes, wrapping) = match hit.index {
        5 | 6 => {
            let length = run(text, |b| is_base64(b) || b == b'\r' || b == b'\n');
            (length, base64(&text[..length]), "base64")
        }
        _ => {
            // A registry export breaks lines with a backslash.
            let length = run(text, |b| b.is_ascii_hexdigit() || b", \\\r\n".contains(&b));
            let digits: Zeroizing<Vec<u8>> =
                Zeroizing::new(text[..length].iter().copied().filter(u8::is_ascii_hexdigit).collect());
            (length, hex(&digits[..digits.len() / 2 * 2]), "hex")
        }
    };
    sink.examined_up_to(hit.anchor.start + length);
    if let Some(bytes) = bytes {
        sink.nested(hit.anchor.start..hit.anchor.start + length, bytes, wrapping);
    }
}
