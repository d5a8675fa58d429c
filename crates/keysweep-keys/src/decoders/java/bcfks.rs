//! BCFKS, the store of Bouncy Castle for FIPS (org.bouncycastle.asn1.bc.ObjectStore): ASN.1 under PBES2, with an integrity
//! check beside it.

use super::{Entry, Key, MAX_ENTRIES, MAX_STORE, Tried, open};
use crate::decoder::{Anchor, Hit, Sink};
use crate::decoders::ber::{Element, Reader, headers_before, tag};
use crate::decoders::pbe::kdf::{Bytes, Hash, pbkdf2};
use crate::decoders::pbe::{Password, utf16};
use crate::decoders::store::{self, Named, Opened, Sealed};
use crate::{Algorithm, KeyMaterial, Proof};
use std::ops::Range;
use zeroize::Zeroizing;

/// Bytes of the three headers before the anchor, at most.
pub(super) const HEADERS: usize = 18;

/// PBES2, as the algorithm of the encrypted part.
pub(super) const ANCHORS: [Anchor; 1] = [Anchor::binary(b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x05\x0d\x30")];

/// PBKDF2, 1.2.840.113549.1.5.12.
const PBKDF2: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05, 0x0c];

/// Looks at the anchor at `at`; gives the end of the store that it belongs to.
pub(super) fn look(hit: &Hit<'_>, at: usize, sink: &mut Sink) -> Option<usize> {
    let end = (at + MAX_STORE).min(hit.window.len());
    let window = &hit.window[..end];
    let mut outermost = headers_before(window, at)
        .flat_map(|algorithm| headers_before(window, algorithm))
        .flat_map(|data| headers_before(window, data));
    let (start, store) = outermost.find_map(|start| Some((start, Store::read(&window[start..])?)))?;
    let range = start..start + store.whole.len();
    store.report(hit, &range, sink);
    Some(range.end)
}

/// Whether `after` begins with the check of a store: what stands before it is content, and only looks like an encrypted
/// key.
pub(crate) fn is_bcfks_content(after: &[u8]) -> bool {
    after.first() == Some(&tag::SEQUENCE)
        && Element::read(after).is_some_and(|element| Check::read(element.inside()).is_some())
}

struct Store<'a> {
    whole: &'a [u8],
    /// The encrypted part as it stands there, which the check covers.
    covered: &'a [u8],
    data: Sealed,
    check: Check,
}

/// A password-based MAC.
struct Check {
    mac: Hash,
    prf: Hash,
    salt: Vec<u8>,
    iterations: u64,
    length: usize,
    value: Vec<u8>,
}

impl Check {
    fn read(mut parts: Reader<'_>) -> Option<Self> {
        let mac = Hash::from_hmac_oid(parts.enter(tag::SEQUENCE)?.oid()?)?;
        let mut derivation = parts.enter(tag::SEQUENCE)?;
        if derivation.oid()? != PBKDF2 {
            return None;
        }
        let mut parameters = derivation.enter(tag::SEQUENCE)?;
        let salt = parameters.octets().filter(|salt| salt.len() <= 1024)?.to_vec();
        let iterations = parameters.number().filter(|n| (1..=u64::from(u32::MAX)).contains(n))?;
        let length = parameters.number().and_then(|n| usize::try_from(n).ok()).filter(|n| (1..=64).contains(n))?;
        let prf = Hash::from_hmac_oid(parameters.enter(tag::SEQUENCE)?.oid()?)?;
        Some(Self { mac, prf, salt, iterations, length, value: parts.octets()?.to_vec() })
    }

    fn holds(&self, password: &Password, covered: &[u8]) -> bool {
        let password = for_purpose(password, "INTEGRITY_CHECK");
        let key = pbkdf2(self.prf, &password.utf8, &self.salt, self.iterations as u32, self.length);
        self.mac.hmac(&key, &[covered]).as_slice() == self.value
    }
}

/// The password of a store as a derivation for one purpose takes it: both as BMPStrings.
fn for_purpose(password: &Password, purpose: &str) -> Password {
    let mut bytes = password.bmp.clone();
    bytes.extend_from_slice(&utf16(purpose));
    bytes.extend_from_slice(&[0, 0]);
    Password { utf8: bytes, bmp: Bytes::default() }
}

impl<'a> Store<'a> {
    fn read(bytes: &'a [u8]) -> Option<Self> {
        let whole = Element::read(bytes).filter(|element| element.tag == tag::SEQUENCE)?;
        let mut parts = whole.inside();
        let data = parts.take(tag::SEQUENCE)?;
        let check = Check::read(parts.enter(tag::SEQUENCE)?)?;
        Some(Self { whole: whole.whole, covered: data.whole, data: Sealed::read(data.whole)?, check })
    }

    fn report(&self, hit: &Hit<'_>, range: &Range<usize>, sink: &mut Sink) {
        let opened = self.open(hit);
        let inside = |password: &Password| self.data.open(&for_purpose(password, "STORE_ENCRYPTION"));
        match open(&self.data, opened.as_ref(), hit.work, inside) {
            Tried::Plain(plain, _) => {
                if let Some(opened) = &opened {
                    objects(&plain, opened, hit, range, sink);
                }
            }
            // It may hold certificates only.
            Tried::Published(_) => {}
            Tried::Closed if hit.file_name.is_some_and(|n| n.to_ascii_lowercase().contains("trust")) => {}
            Tried::Closed => {
                let proof = Proof::parsed("a BCFKS store, whose content is encrypted and may be certificates alone");
                let material = self.data.container(self.data.scheme.protection(), "BCFKS", proof);
                sink.key(super::ENCRYPTED, range.clone(), material);
            }
        }
    }

    fn open(&self, hit: &Hit<'_>) -> Option<Opened> {
        let blocks = self.check.length.div_ceil(self.check.prf.size()) as u64 * self.check.prf.weight();
        let hashed = self.covered.len() as u64 / 64 * self.check.mac.weight();
        let cost = self.check.iterations.saturating_mul(2 * blocks).saturating_add(hashed);
        store::published(hit.work, cost, |password| self.check.holds(password, self.covered))
    }
}

/// The entries of a store that was opened.
fn objects(plain: &[u8], opened: &Opened, hit: &Hit<'_>, range: &Range<usize>, sink: &mut Sink) -> Option<()> {
    let mut parts = Reader::new(plain).enter(tag::SEQUENCE)?;
    parts.number()?; // Version.
    parts.next()?; // Algorithm of the check.
    parts.next()?; // Created.
    parts.next()?; // Last changed.
    let mut all = parts.enter(tag::SEQUENCE)?;
    for _ in 0..MAX_ENTRIES {
        let Some(mut object) = all.enter(tag::SEQUENCE) else { break };
        let kind = object.number()?;
        let alias = object.next()?.body;
        let created = object.next()?.body;
        object.next()?; // Last changed.
        let data = object.octets()?;
        let entry = Entry { alias, created: milliseconds(created), range: range.clone() };
        match kind {
            0 => {
                if let Some(named) = Named::read(&data) {
                    named.report(range.clone(), sink);
                }
            }
            1 | 3 => private(&data, &entry, opened, hit, sink).unwrap_or(()),
            2 | 4 => secret(&data, &entry, opened, hit, sink).unwrap_or(()),
            _ => {}
        }
    }
    Some(())
}

fn private(data: &[u8], entry: &Entry<'_>, opened: &Opened, hit: &Hit<'_>, sink: &mut Sink) -> Option<()> {
    let mut parts = Reader::new(data).enter(tag::SEQUENCE)?;
    let sealed = Sealed::read(parts.take(tag::SEQUENCE)?.whole)?;
    let mut chain = Vec::new();
    let mut certificates = parts.enter(tag::SEQUENCE)?;
    while let Some(certificate) = certificates.next() {
        chain.extend(Named::read(certificate.whole));
    }
    chain.iter().for_each(|named| named.report(entry.range.clone(), sink));
    let inside = |password: &Password| sealed.open(&for_purpose(password, "PRIVATE_KEY_ENCRYPTION"));
    let material = match open(&sealed, Some(opened), hit.work, inside) {
        Tried::Plain(plain, protection) => store::opened(store::key(&plain)?, protection),
        Tried::Published(protection) => {
            sealed.container(protection, "BCFKS", Proof::proven("the store opens with a published password"))
        }
        Tried::Closed => {
            let proof = Proof::parsed("an encrypted key in a store that opens with a published password");
            sealed.container(sealed.scheme.protection(), "BCFKS", proof)
        }
    };
    entry.report(Key::Private(material), &chain, "BCFKS", sink);
    Some(())
}

fn secret(data: &[u8], entry: &Entry<'_>, opened: &Opened, hit: &Hit<'_>, sink: &mut Sink) -> Option<()> {
    let sealed = Sealed::read(data)?;
    let inside = |password: &Password| sealed.open(&for_purpose(password, "SECRET_KEY_ENCRYPTION"));
    let material = match open(&sealed, Some(opened), hit.work, inside) {
        Tried::Plain(plain, protection) => {
            let mut parts = Reader::new(&plain).enter(tag::SEQUENCE)?;
            let name = store::cipher_of_key(parts.oid()?);
            let bytes = Zeroizing::new(parts.octets()?.to_vec());
            store::opened(store::symmetric(name, &bytes, &sealed.ciphertext)?, protection)
        }
        _ => {
            let proof = Proof::parsed("an encrypted symmetric key in a store that opens with a published password");
            let algorithm = Algorithm::Symmetric("secret key".into());
            KeyMaterial { algorithm, ..sealed.container(sealed.scheme.protection(), "BCFKS", proof) }
        }
    };
    entry.report(Key::Secret(material), &[], "BCFKS", sink);
    Some(())
}

/// GeneralizedTime as milliseconds since 1970, which is what other stores have; 0 if it is none.
fn milliseconds(text: &[u8]) -> u64 {
    crate::decoders::date::generalized(text).and_then(|s| u64::try_from(s).ok()).map_or(0, |s| s * 1_000)
}
