//! BKS and UBER, older stores of Bouncy Castle (org.bouncycastle.jcajce.provider.keystore.bc.BcKeyStoreSpi). BKS has a
//! MAC over entries in the clear whose keys are encrypted one by one; UBER encrypts the whole.

use super::{Entry, Key, MAX_CHAIN, MAX_ENTRIES, MAX_STORE, Tried, is_plausible, open};
use crate::decoder::{Anchor, Hit, Sink};
use crate::decoders::fields::Fields;
use crate::decoders::frame;
use crate::decoders::pbe::cipher::Cipher;
use crate::decoders::pbe::kdf::{Hash, Purpose, pkcs12};
use crate::decoders::pbe::{Password, Scheme};
use crate::decoders::store::{self, Named, Opened, Sealed};
use crate::decoders::text::{label, looks_random};
use crate::{Algorithm, KeyMaterial, Proof, Protection, Work};
use std::ops::Range;

/// Bytes of version, length of the salt, salt and iteration count.
const HEADER: usize = 4 + 4 + SALT + 4;
const SALT: usize = 20;
const DIGEST: usize = 20;
/// Iterations that a store can have: Bouncy Castle draws between 1024 and 2047.
const ITERATIONS: std::ops::RangeInclusive<u32> = 1_000..=1_000_000;

/// Version 2 or 1, and the length of the salt.
pub(super) const ANCHORS: [Anchor; 2] =
    [Anchor::binary(b"\0\0\0\x02\0\0\0\x14"), Anchor::binary(b"\0\0\0\x01\0\0\0\x14")];

/// Looks at the anchor at `at` with this index; gives the end of the store that begins there.
pub(super) fn look(hit: &Hit<'_>, at: usize, index: usize, sink: &mut Sink) -> Option<usize> {
    let end = (at + MAX_STORE).min(hit.window.len());
    let window = &hit.window[..end];
    let mut fields = Fields::big(window, at + 8);
    let salt = fields.take(SALT).filter(|salt| looks_random(salt))?;
    let iterations = fields.u32().filter(|n| ITERATIONS.contains(n))?;
    let start = fields.at;
    // An empty store holds nothing to report, and a zero is what follows most numbers that only look like a header.
    if let Some(items) = entries(&mut fields).filter(|items| !items.is_empty()) {
        let content = &window[start..fields.at];
        let mac = fields.take(DIGEST);
        let integrity = Integrity { content, mac, salt, iterations, version_1: index == 1 };
        let opened = integrity.open(hit.work);
        items.iter().for_each(|item| item.report("BKS", opened.as_ref(), hit.work, None, sink));
        return Some(fields.at);
    }
    let whole_file = hit.at_start && at == 0 && hit.window.len() < MAX_STORE;
    if index == 1 && whole_file { uber(hit, salt, iterations, sink) } else { None }
}

/// What the integrity of a BKS store rests on.
struct Integrity<'a> {
    content: &'a [u8],
    mac: Option<&'a [u8]>,
    salt: &'a [u8],
    iterations: u32,
    version_1: bool,
}

impl Integrity<'_> {
    /// The published password for which the MAC holds. The first version took the size of the key in bytes for one in
    /// bits, and so used 16 bits of it (CVE-2018-5382).
    fn open(&self, work: &Work) -> Option<Opened> {
        let mac = self.mac?;
        let size = if self.version_1 { 2 } else { 20 };
        let cost = u64::from(self.iterations) + self.content.len() as u64 / 64;
        store::published(work, cost, |password| {
            let key = pkcs12(Hash::Sha1, &password.bmp, self.salt, self.iterations, Purpose::Mac, size);
            Hash::Sha1.hmac(&key, &[self.content]).as_slice() == mac
        })
    }
}

/// An entry and what it holds.
struct Item<'a> {
    entry: Entry<'a>,
    chain: Vec<Named>,
    held: Held<'a>,
}

enum Held<'a> {
    Nothing,
    /// A key in the clear, as an entry without a password of its own has it.
    Open(Encoded<'a>),
    Sealed(Sealed),
}

/// A key with its kind, format and algorithm.
struct Encoded<'a> {
    kind: u8,
    algorithm: &'a [u8],
    bytes: &'a [u8],
}

impl<'a> Encoded<'a> {
    fn read(fields: &mut Fields<'a>) -> Option<Self> {
        let kind = fields.u8()?;
        fields.short()?; // Format.
        Some(Self { kind, algorithm: fields.short()?, bytes: fields.long()? })
    }

    /// The key, which came out of `ciphertext`; nothing if it is none, or public.
    fn key(&self, ciphertext: &[u8]) -> Option<Key> {
        match self.kind {
            0 => store::key(self.bytes).map(Key::Private),
            2 => {
                let name = label(self.algorithm).unwrap_or_else(|| "secret key".into());
                store::symmetric(name, self.bytes, ciphertext).map(Key::Secret)
            }
            _ => None,
        }
    }
}

/// Entries up to the zero byte that ends them. None if these bytes are something else.
fn entries<'a>(fields: &mut Fields<'a>) -> Option<Vec<Item<'a>>> {
    let mut items = Vec::new();
    for _ in 0..MAX_ENTRIES {
        let start = fields.at;
        let kind = fields.u8()?;
        if kind == 0 {
            break;
        }
        let alias = fields.short()?;
        let created = fields.u64().filter(|created| is_plausible(alias, *created))?;
        let count = fields.u32().filter(|count| *count <= MAX_CHAIN)?;
        let chain: Vec<Option<Named>> = (0..count).map(|_| certificate(fields)).collect::<Option<_>>()?;
        let mut chain: Vec<Named> = chain.into_iter().flatten().collect();
        let held = match kind {
            1 => {
                chain.extend(certificate(fields)?);
                Held::Nothing
            }
            2 => Held::Open(Encoded::read(fields)?),
            3 => {
                fields.long()?; // Bytes that the store knows nothing of.
                Held::Nothing
            }
            4 => Held::Sealed(sealed(fields.long()?)?),
            _ => return None,
        };
        items.push(Item { entry: Entry { alias, created, range: start..fields.at }, chain, held });
    }
    Some(items)
}

fn certificate(fields: &mut Fields<'_>) -> Option<Option<Named>> {
    fields.short()?; // Kind: `X.509`.
    fields.long().map(Named::read)
}

/// A key under the password of its entry: salt, iteration count, and cipher text under three-key triple DES.
fn sealed(bytes: &[u8]) -> Option<Sealed> {
    let mut fields = Fields::big(bytes, 0);
    let salt = fields.long().filter(|salt| (8..=64).contains(&salt.len()))?;
    let iterations = fields.u32()?;
    Sealed::new(Scheme::pkcs12_sha1(Cipher::TripleDes, salt, u64::from(iterations)), fields.rest())
}

impl Item<'_> {
    /// Reports the entry. If it came out of an encrypted store, its password opened that already.
    fn report(
        &self,
        encoding: &'static str,
        opened: Option<&Opened>,
        work: &Work,
        outer: Option<&Outer<'_>>,
        sink: &mut Sink,
    ) {
        let range = outer.map_or(&self.entry.range, |outer| &outer.range).clone();
        self.chain.iter().for_each(|named| named.report(range.clone(), sink));
        let key = match &self.held {
            Held::Nothing => None,
            Held::Open(encoded) => encoded.key(encoded.bytes).map(|key| match (outer, opened) {
                (Some(outer), Some(opened)) => key.published(outer.scheme.published(opened.text)),
                _ => key,
            }),
            Held::Sealed(sealed) => unseal(sealed, opened, work, encoding),
        };
        if let Some(key) = key {
            let entry = Entry { range, ..self.entry };
            entry.report(key, &self.chain, encoding, sink);
        }
    }
}

impl Key {
    fn published(self, protection: Protection) -> Self {
        match self {
            Key::Private(material) => Key::Private(store::opened(material, protection)),
            Key::Secret(material) => Key::Secret(store::opened(material, protection)),
        }
    }
}

/// What is known of an encrypted key. Whether it is a private or a secret one is encrypted, too.
fn unseal(sealed: &Sealed, opened: Option<&Opened>, work: &Work, encoding: &'static str) -> Option<Key> {
    let plausible = |password: &Password| {
        sealed.decrypt(password).filter(|plain| Encoded::read(&mut Fields::big(plain, 0)).is_some())
    };
    match open(sealed, opened, work, plausible) {
        Tried::Plain(plain, protection) => {
            Some(Encoded::read(&mut Fields::big(&plain, 0))?.key(&sealed.ciphertext)?.published(protection))
        }
        Tried::Published(protection) => {
            let proof = Proof::proven("the MAC of the store holds under a published password");
            Some(Key::Private(sealed.container(protection, encoding, proof)))
        }
        Tried::Closed => {
            let proof = Proof::parsed("a Bouncy Castle key store with an encrypted key");
            Some(Key::Private(sealed.container(sealed.scheme.protection(), encoding, proof)))
        }
    }
}

/// The encrypted store around entries.
struct Outer<'a> {
    scheme: &'a Scheme,
    range: Range<usize>,
}

/// The whole of a file under one password: entries, and a digest of them.
fn uber(hit: &Hit<'_>, salt: &[u8], iterations: u32, sink: &mut Sink) -> Option<usize> {
    let ciphertext = &hit.window[HEADER..];
    if ciphertext.len() < 64 || !ciphertext.len().is_multiple_of(16) || !looks_random(&ciphertext[..64]) {
        return None;
    }
    let range = 0..hit.window.len();
    let scheme = Scheme::pkcs12_sha1(Cipher::Twofish, salt, u64::from(iterations));
    // The end alone shows wrong passwords by the padding; Twofish takes long for the whole.
    let tail = &ciphertext[ciphertext.len() - 32..];
    let decrypt = |password: &Password| {
        scheme.decrypt(password, tail)?;
        let plain = scheme.decrypt(password, ciphertext)?;
        let (content, digest) = plain.split_at_checked(plain.len().checked_sub(DIGEST)?)?;
        (Hash::Sha1.digest(&[content]).as_slice() == digest).then_some(plain)
    };
    let mut plain = None;
    let cost = 2 * scheme.cost()?;
    let opened = store::published(hit.work, cost, |password| {
        plain = decrypt(password);
        plain.is_some()
    });
    if let (Some(opened), Some(plain)) = (opened, plain) {
        let items = entries(&mut Fields::big(&plain, 0))?;
        let outer = Outer { scheme: &scheme, range: range.clone() };
        items.iter().for_each(|item| item.report("UBER", Some(&opened), hit.work, Some(&outer), sink));
        return Some(range.end);
    }
    // Nothing else says what it is: other files begin with small numbers too.
    let name = hit.file_name.unwrap_or_default().to_ascii_lowercase();
    let named = [".uber", ".ubr", ".ks", ".bks", "keystore", ".jks"].iter().any(|end| name.ends_with(end));
    if !named || name.contains("trust") {
        return None;
    }
    let proof =
        Proof::parsed("a header of the UBER format before encrypted bytes, in a file with the name of a key store");
    let material =
        frame::of_container(Algorithm::Unknown(None), &hit.window[..range.end], "UBER", scheme.protection(), proof);
    sink.key(super::ENCRYPTED, range.clone(), KeyMaterial { details: Vec::new(), ..material });
    Some(range.end)
}
