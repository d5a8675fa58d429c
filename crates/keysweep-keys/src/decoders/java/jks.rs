//! JKS and JCEKS, the stores of the JDK (sun.security.provider.JavaKeyStore, com.sun.crypto.provider.JceKeyStore): entries
//! with aliases, keys under a password each, and a digest over the whole under the password of the store.

use super::{Entry, Key, MAX_CHAIN, MAX_ENTRIES, MAX_STORE, Tried, is_plausible, open, serial};
use crate::decoder::{Anchor, Decoder, Hit, Reach, Sink};
use crate::decoders::ber::Element;
use crate::decoders::fields::Fields;
use crate::decoders::pbe::kdf::Hash;
use crate::decoders::pbe::{Password, Scheme, utf16_of};
use crate::decoders::store::{self, Named, Opened, Sealed};
use crate::decoders::{text, unwrap};
use crate::{Algorithm, KeyMaterial, Proof};
use std::ops::Range;

/// Stores of every Java kind in Base64, as in secrets of clusters.
pub(crate) struct JavaText;

/// What the digest is salted with.
const SALT: &[u8] = b"Mighty Aphrodite";
const DIGEST: usize = 20;

/// Magic number and version.
pub(super) const ANCHORS: [Anchor; 4] = [
    Anchor::binary(b"\xfe\xed\xfe\xed\0\0\0\x02"),
    Anchor::binary(b"\xfe\xed\xfe\xed\0\0\0\x01"),
    Anchor::binary(b"\xce\xce\xce\xce\0\0\0\x02"),
    Anchor::binary(b"\xce\xce\xce\xce\0\0\0\x01"),
];

/// Looks at the anchor at `at` with this index; gives the end of the store that begins there.
pub(super) fn look(hit: &Hit<'_>, at: usize, index: usize, sink: &mut Sink) -> Option<usize> {
    let end = (at + MAX_STORE).min(hit.window.len());
    let store = Store::read(&hit.window[..end], at, index % 2 == 1)?;
    let encoding = if index < 2 { "JKS" } else { "JCEKS" };
    store.report(hit, encoding, sink);
    Some(store.range.end)
}

struct Store<'a> {
    items: Vec<(Entry<'a>, Item)>,
    /// From the magic number to the end of the last entry that was read.
    range: Range<usize>,
    content: &'a [u8],
    /// The digest; none if the store is cut, or longer than what is read.
    digest: Option<&'a [u8]>,
}

enum Item {
    Private(Sealed, Vec<Named>),
    Certificate(Named),
    Secret(Sealed),
}

impl<'a> Store<'a> {
    fn read(window: &'a [u8], at: usize, version_1: bool) -> Option<Self> {
        let mut fields = Fields::big(window, at + 8);
        let count = usize::try_from(fields.u32()?).ok()?;
        let mut items = Vec::new();
        let mut complete = count <= MAX_ENTRIES;
        for _ in 0..count.min(MAX_ENTRIES) {
            let start = fields.at;
            let before = fields.clone();
            match entry(&mut fields, version_1) {
                Some((alias, created, item)) => {
                    items.extend(item.map(|item| (Entry { alias, created, range: start..fields.at }, item)));
                }
                None => {
                    fields = before;
                    complete = false;
                    break;
                }
            }
        }
        if items.is_empty() {
            return None;
        }
        let content = &window[at..fields.at];
        let end = fields.at;
        let digest = if complete { fields.take(DIGEST) } else { None };
        Some(Self { items, range: at..end + digest.map_or(0, <[u8]>::len), content, digest })
    }

    fn report(&self, hit: &Hit<'_>, encoding: &'static str, sink: &mut Sink) {
        let holds_keys = self.items.iter().any(|(_, item)| !matches!(item, Item::Certificate(_)));
        let opened = if holds_keys { self.open(hit) } else { None };
        for (entry, item) in &self.items {
            match item {
                Item::Private(sealed, chain) => {
                    chain.iter().for_each(|named| named.report(entry.range.clone(), sink));
                    if let Some(material) =
                        private(open(sealed, opened.as_ref(), hit.work, |p| sealed.open(p)), sealed, encoding)
                    {
                        entry.report(Key::Private(material), chain, encoding, sink);
                    }
                }
                Item::Secret(sealed) => {
                    if let Some(material) = secret(sealed, opened.as_ref(), hit, encoding) {
                        entry.report(Key::Secret(material), &[], encoding, sink);
                    }
                }
                Item::Certificate(named) => named.report(entry.range.clone(), sink),
            }
        }
    }

    /// The published password for which the digest holds.
    fn open(&self, hit: &Hit<'_>) -> Option<Opened> {
        let digest = self.digest?;
        let cost = 2 + self.content.len() as u64 / 64;
        store::published(hit.work, cost, |password| {
            Hash::Sha1.digest(&[utf16_of(&password.bmp), SALT, self.content]).as_slice() == digest
        })
    }
}

/// An entry: alias, time, and what it holds, if that is of use.
fn entry<'a>(fields: &mut Fields<'a>, version_1: bool) -> Option<(&'a [u8], u64, Option<Item>)> {
    let kind = fields.u32()?;
    let alias = fields.short()?;
    let created = fields.u64().filter(|created| is_plausible(alias, *created))?;
    let item = match kind {
        1 => {
            let sealed = fields.long()?;
            let count = fields.u32().filter(|count| *count <= MAX_CHAIN)?;
            let sealed = Sealed::read(sealed);
            let mut chain = Vec::new();
            for _ in 0..count {
                let before = fields.clone();
                match certificate(fields, version_1) {
                    Some(certificate) => chain.extend(certificate),
                    // Of a store that is cut, the key is there all the same.
                    None if sealed.is_some() => {
                        *fields = before;
                        break;
                    }
                    None => return None,
                }
            }
            sealed.map(|sealed| Item::Private(sealed, chain))
        }
        2 => certificate(fields, version_1)?.map(Item::Certificate),
        3 => {
            let values = serial::read(fields.rest())?;
            fields.take(values.length)?;
            sealed_object(&values).map(Item::Secret)
        }
        _ => return None,
    };
    Some((alias, created, item))
}

/// A certificate; nothing if it is there but of another kind.
fn certificate(fields: &mut Fields<'_>, version_1: bool) -> Option<Option<Named>> {
    if !version_1 {
        fields.short()?; // Kind: `X.509`.
    }
    fields.long().map(Named::read)
}

/// The parameters and the cipher text of a sealed object, under the only algorithm that the store uses.
fn sealed_object(values: &serial::Values<'_>) -> Option<Sealed> {
    let [parameters, ciphertext] = values.arrays[..] else { return None };
    if !values.strings.contains(&&b"PBEWithMD5AndTripleDES"[..]) {
        return None;
    }
    let scheme = Scheme::sun_md5(&Element::read(parameters)?)?;
    Sealed::new(scheme, ciphertext)
}

fn private(tried: Tried, sealed: &Sealed, encoding: &'static str) -> Option<KeyMaterial> {
    match tried {
        Tried::Plain(plain, protection) => Some(store::opened(store::key(&plain)?, protection)),
        Tried::Published(protection) => {
            let proof = Proof::proven("the digest of the store holds under a published password");
            Some(sealed.container(protection, encoding, proof))
        }
        Tried::Closed => {
            let proof = Proof::parsed("a Java key store with an encrypted key");
            Some(sealed.container(sealed.scheme.protection(), encoding, proof))
        }
    }
}

/// The key in a sealed object: a serialized object with the name of its algorithm and its bytes.
fn secret(sealed: &Sealed, opened: Option<&Opened>, hit: &Hit<'_>, encoding: &'static str) -> Option<KeyMaterial> {
    let open = |password: &Password| sealed.decrypt(password).filter(|plain| serial::read(plain).is_some());
    let closed = || {
        let proof = Proof::parsed("a Java key store with an encrypted symmetric key");
        let algorithm = Algorithm::Symmetric("secret key".into());
        KeyMaterial { algorithm, ..sealed.container(sealed.scheme.protection(), encoding, proof) }
    };
    let Some(opened) = opened else { return Some(closed()) };
    match opened.decrypt(&sealed.scheme, hit.work, open) {
        Ok(Some(plain)) => {
            let values = serial::read(&plain)?;
            let name = values.strings.first().and_then(|name| text::label(name)).unwrap_or_else(|| "secret key".into());
            let key = store::symmetric(name, values.arrays.first()?, &sealed.ciphertext)?;
            Some(store::opened(key, sealed.scheme.published(opened.text)))
        }
        _ => Some(closed()),
    }
}

impl Decoder for JavaText {
    fn name(&self) -> &'static str {
        "java-keystore-text"
    }

    fn rules(&self) -> &'static [&'static str] {
        &[]
    }

    fn anchors(&self) -> &'static [Anchor] {
        // The magic number and version of JKS and JCEKS.
        const ANCHORS: [Anchor; 3] =
            [Anchor::text("/u3+7QAAAA"), Anchor::text("_u3-7QAAAA"), Anchor::text("zs7OzgAAAA")];
        &ANCHORS
    }

    fn reach(&self) -> Reach {
        Reach { before: 1, after: MAX_STORE / 3 * 4 }
    }

    fn decode(&self, hit: &Hit<'_>, sink: &mut Sink) {
        if text::begins_token(&hit.window[..hit.anchor.start]) {
            unwrap::base64(hit, hit.anchor.start, sink);
        }
    }
}
