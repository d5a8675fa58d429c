//! Key files of SSH1 (`authfile.c` of OpenSSH before 7.6): an RSA key whose public half and comment are in the clear.

use crate::decoder::{Anchor, Decoder, Hit, Reach, Sink};
use crate::decoders::frame;
use crate::decoders::text::label;
use crate::private::{MAX_BITS, MIN_BITS, PrivateKey, RsaNumbers};
use crate::public::bit_length;
use crate::ssh::Fields;
use crate::{KeyMaterial, Proof, Protection, PublicKey, Secret};

/// The decoder.
pub(crate) struct Ssh1;

const RULE: &str = "ssh1-private-key";
const MAGIC: &[u8] = b"SSH PRIVATE KEY FILE FORMAT 1.1\n\0";
/// Numbers of the ciphers: none, IDEA, DES, 3DES, TSS, RC4, (none), Blowfish.
const CIPHERS: [(u8, &str); 6] =
    [(1, "idea-cfb"), (2, "des-cbc"), (3, "3des-cbc"), (4, "tss"), (5, "rc4"), (6, "blowfish-cbc")];
/// Longest comment.
const MAX_COMMENT: usize = 1024;
/// Least bytes of an encrypted part: check bytes and four numbers of a key of the least size.
const MIN_CIPHERTEXT: usize = 96;

impl Decoder for Ssh1 {
    fn name(&self) -> &'static str {
        "ssh1"
    }

    fn rules(&self) -> &'static [&'static str] {
        &[RULE]
    }

    fn anchors(&self) -> &'static [Anchor] {
        const ANCHORS: [Anchor; 1] = [Anchor::binary(MAGIC)];
        &ANCHORS
    }

    fn reach(&self) -> Reach {
        Reach { before: 0, after: 16 * 1024 }
    }

    fn decode(&self, hit: &Hit<'_>, sink: &mut Sink) {
        if let Some((material, length)) = read(hit.from_anchor()) {
            sink.key(RULE, hit.anchor.start..hit.anchor.start + length, material);
        }
    }
}

/// Cipher (1 byte), four reserved bytes, size, n, e, comment; then, encrypted or not, two check bytes twice, d, the inverse
/// of q, q and p.
fn read(bytes: &[u8]) -> Option<(KeyMaterial, usize)> {
    let mut fields = Fields::new(bytes.get(MAGIC.len()..)?);
    let cipher = fields.byte()?;
    if fields.u32()? != 0 {
        return None;
    }
    let bits = fields.u32()?;
    let (n, e) = (number(&mut fields)?, number(&mut fields)?);
    let sizes = (MIN_BITS..=MAX_BITS).contains(&bits) && bit_length(n) == bits && n.last().is_some_and(|b| b % 2 == 1);
    if !sizes || bit_length(e) < 2 || bit_length(e) > 256 {
        return None;
    }
    let comment = label(fields.long(MAX_COMMENT)?);
    let material = if cipher == 0 { open(n, e, &mut fields)? } else { locked(n, e, cipher, &mut fields)? };
    Some((KeyMaterial { comment, ..material }, MAGIC.len() + fields.at))
}

fn open(n: &[u8], e: &[u8], fields: &mut Fields<'_>) -> Option<KeyMaterial> {
    let [a, b, c, d] = fields.take()?;
    let (exponent, _inverse) = (number(fields)?, number(fields)?);
    let primes = vec![Secret::new(number(fields)?), Secret::new(number(fields)?)];
    let numbers = RsaNumbers { n: n.to_vec(), e: e.to_vec(), d: Some(Secret::new(exponent)), primes };
    let mut material = frame::of_key(&PrivateKey::Rsa(numbers), "SSH1")?;
    if [a, b] == [c, d] {
        material.proof.statement.push_str("; the check bytes are equal");
    }
    Some(material)
}

fn locked(n: &[u8], e: &[u8], cipher: u8, fields: &mut Fields<'_>) -> Option<KeyMaterial> {
    let (_, cipher) = CIPHERS.iter().find(|(number, _)| *number == cipher)?;
    // Check bytes, d, and three numbers of half the size with their lengths, in whole blocks of 8 bytes.
    let most = (4 + n.len() + 3 * (n.len() / 2 + 1) + 8).next_multiple_of(8);
    let rest = fields.rest();
    let length = rest.len().min(most) / 8 * 8;
    if length < MIN_CIPHERTEXT.max(n.len()) || !crate::decoders::text::looks_random(&rest[..length]) {
        return None;
    }
    fields.at += length;
    let protection = Protection::Encrypted {
        cipher: (*cipher).to_owned(),
        kdf: "MD5 of the passphrase, 1 iteration".into(),
        weak: true,
    };
    let proof = Proof::parsed("a key file of SSH1; its public half is not encrypted");
    Some(frame::of_public(&PublicKey::rsa(n, e), "SSH1", protection, proof))
}

/// A number of SSH1: its size in bits (2 bytes), then its bytes.
fn number<'a>(fields: &mut Fields<'a>) -> Option<&'a [u8]> {
    let bits = fields.take().map(u16::from_be_bytes)?;
    let size = usize::from(bits).div_ceil(8);
    let number = fields.rest().get(..size).filter(|n| bit_length(n) == u32::from(bits))?;
    fields.at += size;
    Some(number)
}
