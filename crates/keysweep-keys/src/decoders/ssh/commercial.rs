//! Private keys of SSH Communications Security (ssh.com): `---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----`, whether encrypted or
//! not. There is no specification; OpenSSH (`ssh-keygen.c`) and PuTTY (`import.c`) read the format.

use crate::decoder::{Anchor, Decoder, Hit, Reach, Sink};
use crate::decoders::text::{base64_symbols, label, looks_random};
use crate::decoders::{armour, frame};
use crate::private::{MAX_BITS, PrivateKey, RsaNumbers};
use crate::ssh::Fields;
use crate::{Algorithm, KeyMaterial, Proof, Protection, Secret};
use memchr::memmem;
use zeroize::Zeroizing;

/// The decoder.
pub(crate) struct Commercial;

const RULE: &str = "ssh2-commercial-private-key";
const MAGIC: [u8; 4] = [0x3f, 0x6f, 0xf9, 0xeb];
/// Longest section of private numbers.
const MAX_SECTION: usize = 16 << 10;
/// Bytes that hold the magic, the length and the beginning of the key type.
const HEAD: usize = 24;
/// Text between the first line and the body: header lines.
const MAX_HEADERS: usize = 1100;

impl Decoder for Commercial {
    fn name(&self) -> &'static str {
        "ssh-commercial"
    }

    fn rules(&self) -> &'static [&'static str] {
        &[RULE]
    }

    fn anchors(&self) -> &'static [Anchor] {
        // The magic and the upper half of the length, in Base64 and as bytes.
        const ANCHORS: [Anchor; 2] = [Anchor::text("P2/56wAA"), Anchor::binary(b"\x3f\x6f\xf9\xeb\0\0")];
        &ANCHORS
    }

    fn reach(&self) -> Reach {
        Reach { before: MAX_HEADERS, after: 24 * 1024 }
    }

    fn decode(&self, hit: &Hit<'_>, sink: &mut Sink) {
        let start = hit.anchor.start;
        if hit.index == 1 {
            if let Some((material, length)) = read(hit.from_anchor()) {
                sink.key(RULE, start..start + length, material);
            }
            return;
        }
        let Some((body, length)) = body(hit.from_anchor()) else { return };
        if let Some((material, _)) = read(&body) {
            let (begin, comment) = headers(&hit.window[..start]);
            sink.key(RULE, begin..start + length, KeyMaterial { comment, ..material });
        }
    }
}

/// The bytes of a body and the text it takes, if it begins like a key: then it says itself how long it is.
fn body(text: &[u8]) -> Option<(Zeroizing<Vec<u8>>, usize)> {
    let decoded = |bytes: usize| {
        let symbols: Vec<(usize, u8)> = base64_symbols(text).take((bytes * 4).div_ceil(3)).collect();
        let plain: Zeroizing<Vec<u8>> = Zeroizing::new(symbols.iter().map(|(_, symbol)| *symbol).collect());
        (armour::decode(&plain), symbols.last().map_or(0, |(end, _)| *end))
    };
    let (head, _) = decoded(HEAD);
    let mut fields = Fields::new(&head);
    fields.take::<4>()?;
    let length = fields.u32()? as usize;
    let (_, kind) = (fields.u32()?, fields.rest());
    let begins = kind.starts_with(b"if-modn{") || kind.starts_with(b"dl-modp{");
    (begins && (64..=MAX_SECTION + 512).contains(&length)).then(|| decoded(length))
}

/// Where the block begins, and the comment in its header lines.
fn headers(before: &[u8]) -> (usize, Option<String>) {
    let Some(begin) = memmem::rfind(before, b"---- BEGIN SSH2") else { return (before.len(), None) };
    let comment = memmem::find(&before[begin..], b"Comment:").and_then(|at| {
        let value = &before[begin + at + b"Comment:".len()..];
        let line = value.split(|b| b"\r\n".contains(b)).next()?.trim_ascii();
        label(line.strip_prefix(b"\"").and_then(|line| line.strip_suffix(b"\"")).unwrap_or(line))
    });
    (begin, comment)
}

/// Magic, length of all, key type, cipher, and the section of numbers, which is a string once more.
fn read(bytes: &[u8]) -> Option<(KeyMaterial, usize)> {
    let mut fields = Fields::new(bytes);
    if fields.take()? != MAGIC {
        return None;
    }
    let length = fields.u32()? as usize;
    let kind = fields.long(256)?;
    let cipher = fields.long(64)?;
    let section = fields.long(MAX_SECTION)?;
    let (rsa, dsa) = (kind.starts_with(b"if-modn{sign{rsa"), kind.starts_with(b"dl-modp{sign{dsa"));
    if length != fields.at || !(rsa || dsa) {
        return None;
    }
    let material = if cipher == b"none" {
        let numbers = Fields::new(section).long(MAX_SECTION)?;
        let key = if rsa { rsa_key(numbers)? } else { dsa_key(numbers)? };
        frame::of_key(&key, "SSH2 (ssh.com)")?
    } else {
        let algorithm = if rsa { Algorithm::Rsa } else { Algorithm::Dsa };
        locked(algorithm, cipher, section)?
    };
    Some((material, fields.at))
}

/// e, d, n, inverse, and the two primes.
fn rsa_key(numbers: &[u8]) -> Option<PrivateKey> {
    let mut fields = Fields::new(numbers);
    let (e, d, n) = (number(&mut fields)?, number(&mut fields)?, number(&mut fields)?);
    let _inverse = number(&mut fields)?;
    let primes = vec![Secret::new(number(&mut fields)?), Secret::new(number(&mut fields)?)];
    Some(PrivateKey::Rsa(RsaNumbers { n: n.to_vec(), e: e.to_vec(), d: Some(Secret::new(d)), primes }))
}

/// A zero for explicit parameters, then p, g, q, y and x.
fn dsa_key(numbers: &[u8]) -> Option<PrivateKey> {
    let mut fields = Fields::new(numbers);
    if fields.u32()? != 0 {
        return None;
    }
    let [p, g, q, y] = [number(&mut fields)?, number(&mut fields)?, number(&mut fields)?, number(&mut fields)?];
    let x = Secret::new(number(&mut fields)?);
    Some(PrivateKey::Dsa { p: p.to_vec(), q: q.to_vec(), g: g.to_vec(), y: Some(y.to_vec()), x })
}

fn locked(algorithm: Algorithm, cipher: &[u8], section: &[u8]) -> Option<KeyMaterial> {
    let name = String::from_utf8_lossy(cipher).into_owned();
    let plausible = !name.is_empty() && name.bytes().all(|b| b.is_ascii_graphic());
    if !plausible || section.len() < 64 || !section.len().is_multiple_of(8) || !looks_random(section) {
        return None;
    }
    let protection =
        Protection::Encrypted { cipher: name, kdf: "MD5 of the passphrase, 1 iteration".into(), weak: true };
    let proof = Proof::parsed("a key of ssh.com's format whose lengths agree");
    Some(frame::of_container(algorithm, section, "SSH2 (ssh.com)", protection, proof))
}

/// A number: its size in bits (4 bytes), then its bytes.
fn number<'a>(fields: &mut Fields<'a>) -> Option<&'a [u8]> {
    let bits = fields.u32().filter(|bits| *bits <= MAX_BITS + 8)?;
    let size = bits.div_ceil(8) as usize;
    let number = fields.rest().get(..size)?;
    fields.at += size;
    Some(number)
}
