//! Wallets of Bitcoin Core and its relatives: private keys as records of the wallet's database, whichever database that
//! is, and the record that encrypts them (Bitcoin Core, src/wallet/walletdb.cpp, src/wallet/crypter.h).

use super::ber::{Element, Reader, tag};
use super::fields::Fields;
use super::frame;
use super::sweep::{STRETCH, sweep};
use super::text::looks_random;
use crate::decoder::{Anchor, Decoder, Hit, Reach, Sink};
use crate::private::PrivateKey;
use crate::{Algorithm, Curve, KeyMaterial, Proof, ProofLevel, Protection, Secret};
use ripemd::Ripemd160;
use sha2::{Digest, Sha256};
use std::ops::Range;

/// The decoder.
pub(crate) struct Bitcoin;

const KEY: &str = "bitcoin-private-key";
const ENCRYPTED: &str = "bitcoin-encrypted-wallet";

/// Bytes around the name of the master key in which its record is looked for: a page of the database.
const PAGE: usize = 4 << 10;

/// A length of 214 or 279 bytes and an ECPrivateKey of that length; the name of the master key's record.
const ANCHORS: [Anchor; 3] = [
    Anchor::binary(b"\xd6\x30\x81\xd3\x02\x01\x01\x04\x20"),
    Anchor::binary(b"\xfd\x17\x01\x30\x82\x01\x13\x02\x01\x01\x04\x20"),
    Anchor::binary(b"\x04mkey\x01\0\0\0"),
];

impl Decoder for Bitcoin {
    fn name(&self) -> &'static str {
        "bitcoin-wallet"
    }

    fn rules(&self) -> &'static [&'static str] {
        &[KEY, ENCRYPTED]
    }

    fn anchors(&self) -> &'static [Anchor] {
        &ANCHORS
    }

    fn reach(&self) -> Reach {
        Reach { before: PAGE, after: PAGE + STRETCH }
    }

    fn decode(&self, hit: &Hit<'_>, sink: &mut Sink) {
        sweep(hit, &ANCHORS, sink, |at, index, sink| {
            let (rule, range, material) = match index {
                0 => private(hit.window, at, 1),
                1 => private(hit.window, at, 3),
                _ => master(hit.window, at),
            }?;
            let end = range.end;
            sink.key(rule, range, KeyMaterial { purpose: Some("wallet"), ..material });
            Some(end)
        });
    }
}

/// A private key after a length of `prefix` bytes.
fn private(window: &[u8], at: usize, prefix: usize) -> Option<(&'static str, Range<usize>, KeyMaterial)> {
    let element = Element::read(&window[at + prefix..])?;
    let mut parts = element.inside();
    parts.number().filter(|version| *version == 1)?;
    let d = Secret::new(parts.take(tag::OCTETS)?.body);
    parts.take(tag::CONTEXT_0)?;
    let public = Reader::new(parts.take(tag::CONTEXT_0 | 1)?.body).next()?.body.strip_prefix(&[0])?.to_vec();
    let key = PrivateKey::Ec { curve: Curve::Secp256k1, d, public: Some(public.clone()) };
    let material = frame::of_key(&key, "Bitcoin wallet key").filter(|m| m.proof.level == ProofLevel::Proven)?;
    let address = address(&public);
    let details = vec![("address", address.clone())];
    let range = at..at + prefix + element.whole.len();
    Some((KEY, range, KeyMaterial { comment: Some(address), details, ..material }))
}

/// The oldest form of address that belongs to a public key on Bitcoin's main network.
fn address(public: &[u8]) -> String {
    let hash = Ripemd160::digest(Sha256::digest(public));
    super::checked::to_base58check(&[&[0], &hash[..]].concat())
}

/// The master key of an encrypted wallet. Its record holds 48 encrypted bytes, a salt of 8, a method, a number of
/// iterations and no more parameters; it lies before or after its name, depending on the database.
fn master(window: &[u8], at: usize) -> Option<(&'static str, Range<usize>, KeyMaterial)> {
    let name_end = at + ANCHORS[2].bytes.len();
    let nearby = at.saturating_sub(PAGE)..(name_end + PAGE).min(window.len());
    let places = memchr::memchr_iter(0x30, &window[nearby.clone()]).map(|offset| nearby.start + offset);
    let (start, end, material) =
        places.filter_map(|start| record(window, start)).min_by_key(|(start, ..)| start.abs_diff(at))?;
    Some((ENCRYPTED, start.min(at)..end.max(name_end), material))
}

fn record(window: &[u8], start: usize) -> Option<(usize, usize, KeyMaterial)> {
    let mut fields = Fields::little(window, start + 1);
    let encrypted = fields.take(48)?;
    let [8] = fields.take(1)? else { return None };
    let salt = fields.take(8)?;
    let (method, iterations) = (fields.u32()?, fields.u32()?);
    let [0] = fields.take(1)? else { return None };
    if method > 1 || !(1_000..=100_000_000).contains(&iterations) || !looks_random(encrypted) {
        return None;
    }
    let kdf = if method == 0 { "SHA512" } else { "scrypt" };
    let kdf = super::pbe::counted(kdf, u64::from(iterations));
    let protection = Protection::Encrypted { cipher: "aes-256-cbc".into(), kdf, weak: false };
    let proof = Proof::parsed("the master key record of an encrypted wallet");
    let id = [encrypted, salt].concat();
    let algorithm = Algorithm::Ec(Curve::Secp256k1);
    Some((start, fields.at, frame::of_container(algorithm, &id, "Bitcoin wallet", protection, proof)))
}

#[cfg(test)]
mod tests {
    use super::super::trial::scan;
    use super::*;

    const PLAIN: &[u8] = include_bytes!("../../tests/data/bitcoin/plain.wallet.dat");
    const ENCRYPTED_WALLET: &[u8] = include_bytes!("../../tests/data/bitcoin/encrypted.wallet.dat");

    #[test]
    fn a_key_must_belong_to_its_public_key() {
        for found in scan(&Bitcoin, PLAIN).found {
            let mut other = PLAIN.to_vec();
            other[found.range.start + 30] ^= 1; // In the scalar.
            assert_eq!(scan(&Bitcoin, &other).found.len(), 1);
        }
    }

    #[test]
    fn the_name_of_the_master_key_alone_is_no_wallet() {
        let found = &scan(&Bitcoin, ENCRYPTED_WALLET).found[0];
        let name = ENCRYPTED_WALLET.windows(9).position(|w| w == ANCHORS[2].bytes).unwrap();
        let mut other = ENCRYPTED_WALLET.to_vec();
        other[..name].fill(0);
        assert!(scan(&Bitcoin, &other).found.is_empty());
        assert!(found.range.contains(&name));
        assert!(scan(&Bitcoin, &ANCHORS[2].bytes.repeat(4_096)).found.is_empty());
        assert!(scan(&Bitcoin, &[ANCHORS[2].bytes, &[0x30; 4_096]].concat()).found.is_empty());
    }
}
